"""Entries of the losses of `losses/contrastive.py`."""

from __future__ import annotations

import numpy as np

from ._entry import Entry, Refused
from ._numpy import softmax

ENTRIES: dict[str, Entry] = {}

OF_SIMILARITIES = [
    Refused({"temperature": 0.0}, "must be above 0, got 0.0"),
    Refused({"similarity": "cosin"}, "must be one of .*got 'cosin'; did you mean 'cosine'"),
]


def similarities(loss, x, y):
    if loss.similarity == "cosine":
        x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y))
    return x @ y.T / loss.temperature


def info_nce(loss, arrays, where):
    kept = np.flatnonzero(where)
    items = np.zeros(len(where))
    items[kept] = -np.log(np.diag(softmax(similarities(loss, *(x[kept] for x in arrays)))))
    return items, where


ENTRIES["info_nce"] = Entry(
    of_batch=info_nce,
    settings=[{"temperature": 0.5, "similarity": "dot"}],
    refused=OF_SIMILARITIES,
)


def clip_contrastive(loss, arrays, where):
    one, other = (info_nce(loss, pair, where)[0] for pair in (arrays, arrays[::-1]))
    return (one + other) / 2, where


ENTRIES["clip_contrastive"] = Entry(
    of_batch=clip_contrastive,
    settings=[{"temperature": 0.5, "similarity": "dot"}],
    refused=OF_SIMILARITIES,
)


def siglip(loss, arrays, where):
    kept = np.flatnonzero(where)
    scores = similarities(loss, *(x[kept] for x in arrays)) + loss.bias
    items = np.zeros(len(where))
    for i, row in zip(kept, range(len(kept)), strict=True):
        for column in range(len(kept)):
            z = 1 if row == column else -1
            items[i] -= np.log(1 / (1 + np.exp(-z * scores[row, column])))
    return items, where


ENTRIES["siglip"] = Entry(
    of_batch=siglip,
    settings=[{"temperature": 0.5, "similarity": "dot", "bias": 0.25}],
    refused=[*OF_SIMILARITIES, Refused({"bias": float("inf")}, "must be finite")],
)


def sets(labels, where, i):
    """The positives and the negatives of an anchor."""
    others = [j for j in np.flatnonzero(where) if j != i]
    return [j for j in others if labels[j] == labels[i]], [j for j in others if labels[j] != labels[i]]


def nt_xent(loss, arrays, where):
    """The mean over the pairs of an anchor, each of which counts for one."""
    powers, labels = np.exp(similarities(loss, arrays[0], arrays[0])), arrays[1]
    items, pairs = np.zeros(len(labels)), np.zeros(len(labels))
    for i in np.flatnonzero(where):
        positive, negative = sets(labels, where, i)
        of_pairs = [-np.log(powers[i, p] / (powers[i, p] + powers[i, negative].sum())) for p in positive]
        items[i], pairs[i] = np.mean(of_pairs or [0.0]), len(positive)
    return items, pairs


ENTRIES["nt_xent"] = Entry(
    of_batch=nt_xent,
    settings=[{"temperature": 0.5, "similarity": "dot"}],
    refused=OF_SIMILARITIES,
)


def supervised_contrastive(loss, arrays, where):
    powers, labels = np.exp(similarities(loss, arrays[0], arrays[0])), arrays[1]
    items, counts = np.zeros(len(labels)), np.zeros(len(labels))
    for i in np.flatnonzero(where):
        positive, negative = sets(labels, where, i)
        if positive:
            others = powers[i, positive + negative].sum()
            items[i], counts[i] = -np.mean([np.log(powers[i, p] / others) for p in positive]), 1
    return items, counts


ENTRIES["supervised_contrastive"] = Entry(
    of_batch=supervised_contrastive,
    settings=[{"temperature": 0.5, "similarity": "dot"}],
    refused=OF_SIMILARITIES,
)
