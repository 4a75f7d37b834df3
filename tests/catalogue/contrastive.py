"""Entries of the losses of `losses/contrastive.py`."""

from __future__ import annotations

import numpy as np

from ._entry import Entry, Refused
from ._numpy import softmax

ENTRIES: dict[str, Entry] = {}


def info_nce(loss, arrays, where):
    kept = np.flatnonzero(where)
    queries, keys = (x[kept] for x in arrays)
    if loss.similarity == "cosine":
        queries, keys = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries, keys))
    p = softmax(queries @ keys.T / loss.temperature)
    items = np.zeros(len(where))
    items[kept] = -np.log(np.diag(p))
    return items, where


ENTRIES["info_nce"] = Entry(
    of_batch=info_nce,
    settings=[{"temperature": 0.5, "similarity": "dot"}],
    refused=[
        Refused({"temperature": 0.0}, "must be above 0, got 0.0"),
        Refused({"similarity": "cosin"}, "must be one of .*got 'cosin'; did you mean 'cosine'"),
    ],
)
