"""Entries of the losses of `losses/lovasz.py`."""

from __future__ import annotations

import numpy as np

from ._entry import Entry, Refused
from .segmentation import OF_REGIONS, OF_THREE, items, of_classes

ENTRIES: dict[str, Entry] = {}


def extension(errors, true):
    """The Lovász extension by the paper's definition: of sets of wrong places, which grow by the next largest error."""
    true = true.astype(bool)

    def jaccard_loss(wrong):
        predicted = true ^ wrong
        union = (true | predicted).sum()
        return 1 - (true & predicted).sum() / union if union else 0.0

    wrong, before, total = np.zeros(len(true), dtype=bool), 0.0, 0.0
    for k in np.argsort(-errors, kind="stable"):
        wrong[k] = True
        total += errors[k] * (jaccard_loss(wrong) - before)
        before = jaccard_loss(wrong)
    return total


def lovasz_softmax(loss, p, t):
    losses = np.asarray([extension(np.abs(a - b), b) for a, b in zip(p.T, t.T, strict=True)])
    return of_classes(loss, losses, np.asarray(t.sum(0) > 0, dtype=float))


ENTRIES["lovasz_softmax"] = Entry(
    of_batch=items(lovasz_softmax),
    settings=[
        {"axis": 1, "per_image": False, "ignore_index": 1, "class_weight": OF_THREE},
        {"axis": 0, "from_logits": False, "include_background": False},
    ],
    refused=OF_REGIONS,
)


def lovasz_hinge(loss, arrays, where):
    z, t = arrays
    if loss.ignore_index is not None:
        where = where & (t != loss.ignore_index)
    errors = np.maximum(0, 1 - (2 * t - 1) * z)
    groups = [[k] for k in range(len(z))] if loss.per_image else [list(range(len(z)))]
    found = []
    for group in groups:
        m, true = (np.concatenate([x[k][where[k]] for k in group]) for x in (errors, t))
        found.append((extension(m, true), len(m) > 0))
    shape = (len(groups),) if loss.per_image else ()
    return tuple(np.reshape(x, shape) for x in zip(*found, strict=True))


ENTRIES["lovasz_hinge"] = Entry(
    of_batch=lovasz_hinge,
    settings=[{"per_image": False}, {"ignore_index": 0}],
    refused=[
        Refused({"per_image": 1}, "must be a bool, got 1", TypeError),
        Refused({"ignore_index": 1.0}, "must be an integer", TypeError),
    ],
)
