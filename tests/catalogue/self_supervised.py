"""Entries of the losses of `losses/self_supervised.py`."""

from __future__ import annotations

import numpy as np

from ._entry import Entry, Refused

ENTRIES: dict[str, Entry] = {}


def vicreg(loss, arrays, where):
    first, second = (x[where] for x in arrays)
    total = loss.invariance * np.mean((first - second) ** 2)
    for x in (first, second):
        c = np.cov(x, rowvar=False)
        deviations = np.sqrt(np.diag(c) + loss.epsilon)
        total += loss.variance * np.mean(np.maximum(0, 1 - deviations)) / 2
        total += loss.covariance * (np.sum(c**2) - np.sum(np.diag(c) ** 2)) / len(c)
    return np.asarray(total), where.any()


ENTRIES["vicreg"] = Entry(
    of_batch=vicreg,
    settings=[{"invariance": 2.0, "variance": 3.0, "covariance": 5.0, "epsilon": 0.25}],
    refused=[
        Refused({"invariance": -1.0}, "must be at least 0"),
        Refused({"variance": -1.0}, "must be at least 0"),
        Refused({"covariance": float("inf")}, "must be finite"),
        Refused({"epsilon": 0.0}, "must be above 0"),
    ],
)


def barlow_twins(loss, arrays, where):
    first, second = (x[where] for x in arrays)
    size = first.shape[1]
    c = np.corrcoef(first, second, rowvar=False)[:size, size:]
    own = np.diag(c)
    return np.asarray(np.sum((1 - own) ** 2) + loss.off_diagonal * (np.sum(c**2) - np.sum(own**2))), where.any()


ENTRIES["barlow_twins"] = Entry(
    of_batch=barlow_twins,
    settings=[{"off_diagonal": 0.25}],
    refused=[Refused({"off_diagonal": -1.0}, "must be at least 0")],
)
