"""Entries of the losses of `losses/ranking.py`."""

from __future__ import annotations

import numpy as np

from ._entry import AXIS, Entry
from ._numpy import softmax

ENTRIES: dict[str, Entry] = {}


def list_net(loss, arrays, where):
    scores, relevance, where = (np.moveaxis(x, loss.axis, -1) for x in (*arrays, where))
    items = np.zeros(scores.shape[:-1])
    for index in np.ndindex(items.shape):
        if (kept := where[index]).any():
            items[index] = -np.sum(softmax(relevance[index][kept]) * np.log(softmax(scores[index][kept])))
    return items, where.any(axis=-1)


ENTRIES["list_net"] = Entry(
    of_batch=list_net,
    settings=[{"axis": 0}],
    refused=[AXIS],
)
