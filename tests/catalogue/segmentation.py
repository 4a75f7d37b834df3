"""Entries of the losses of `losses/segmentation.py`."""

from __future__ import annotations

import numpy as np

from ._entry import AXIS, Entry, Refused
from ._numpy import softmax

ENTRIES: dict[str, Entry] = {}


def dice(loss, arrays, where):
    z, target = (np.moveaxis(x, loss.axis, -1) if x.ndim == arrays[0].ndim else x for x in arrays)
    p = softmax(z) if loss.from_logits else z
    if target.dtype.kind == "i":
        if loss.ignore_index is not None:
            where = where & (target != loss.ignore_index)
        target = np.eye(z.shape[-1])[np.where(where, target, 0)]
    p, target = (x.reshape(len(z), -1, z.shape[-1]) for x in (p, target))
    groups = [[k] for k in range(len(z))] if loss.per_image else [list(range(len(z)))]
    flat = where.reshape(len(z), -1)
    items, kept = [], []
    for group in groups:
        a, b = (np.concatenate([x[k][flat[k]] for k in group]) for x in (p, target))
        ratios = []
        for c in range(z.shape[-1]):
            overlap, size = 2 * (a[:, c] * b[:, c]).sum() + loss.smooth, a[:, c].sum() + b[:, c].sum() + loss.smooth
            ratios.append(overlap / size if size else 1.0)
        items.append(1 - np.mean(ratios))
        kept.append(flat[group].any())
    shape = (len(groups),) if loss.per_image else ()
    return np.reshape(items, shape), np.reshape(kept, shape)


ENTRIES["dice"] = Entry(
    of_batch=dice,
    settings=[{"axis": 1, "per_image": False, "ignore_index": 1}, {"from_logits": False, "smooth": 0.0}],
    refused=[
        AXIS,
        Refused({"per_image": 1}, "must be a bool, got 1", TypeError),
        Refused({"smooth": -1.0}, "must be at least 0, got -1.0"),
        Refused({"from_logits": "yes"}, "must be a bool", TypeError),
        Refused({"ignore_index": 1.0}, "must be an integer", TypeError),
    ],
)
