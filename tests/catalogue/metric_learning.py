"""Entries of the losses of `losses/metric_learning.py`."""

from __future__ import annotations

import numpy as np

from ._entry import Entry, Refused
from .contrastive import sets

ENTRIES: dict[str, Entry] = {}


def cosines(x, y):
    return np.asarray([[a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) for b in y] for a in x])


def distances(x):
    return np.asarray([[np.linalg.norm(a - b) for b in x] for a in x])


def by_anchor(formula):
    """A loop over the anchors: `formula` returns an item and its weight, of the loss, all pairs, an anchor and sets."""

    def of_batch(measure, loss, arrays, where):
        pairs, labels = measure(arrays[0]), arrays[1]
        items, weights = np.zeros(len(labels)), np.zeros(len(labels))
        for i in np.flatnonzero(where):
            items[i], weights[i] = formula(loss, pairs, i, lambda k: sets(labels, where, k))
        return items, weights

    return of_batch


def of_cosines(formula):
    return lambda *given: by_anchor(formula)(lambda x: cosines(x, x), *given)


def of_distances(formula):
    return lambda *given: by_anchor(formula)(distances, *given)


@of_cosines
def circle(loss, s, i, sets_of):
    positive, negative = sets_of(i)
    if not positive or not negative:
        return 0.0, 0
    m, gamma = loss.margin, loss.gamma
    near = sum(np.exp(-gamma * max(0, 1 + m - s[i, p]) * (s[i, p] - (1 - m))) for p in positive)
    far = sum(np.exp(gamma * max(0, s[i, n] + m) * (s[i, n] - m)) for n in negative)
    return np.log1p(near * far), 1


ENTRIES["circle"] = Entry(
    of_batch=circle,
    constant="its factors",
    settings=[{"margin": 0.25, "gamma": 4.0}],
    refused=[
        Refused({"margin": float("nan")}, "must be finite"),
        Refused({"gamma": 0.0}, "must be above 0"),
    ],
)


@of_cosines
def multi_similarity(loss, s, i, sets_of):
    positive, negative = sets_of(i)
    near = np.log1p(sum(np.exp(-loss.alpha * (s[i, p] - loss.threshold)) for p in positive)) / loss.alpha
    return near + np.log1p(sum(np.exp(loss.beta * (s[i, n] - loss.threshold)) for n in negative)) / loss.beta, 1


ENTRIES["multi_similarity"] = Entry(
    of_batch=multi_similarity,
    settings=[{"alpha": 1.5, "beta": 5.0, "threshold": 0.25}],
    refused=[
        Refused({"alpha": 0.0}, "must be above 0"),
        Refused({"beta": float("inf")}, "must be finite"),
        Refused({"threshold": float("nan")}, "must be finite"),
    ],
)


@of_distances
def lifted_structure(loss, d, i, sets_of):
    positive, negative = sets_of(i)
    total = 0.0
    for p in positive:
        rivals = [d[i, n] for n in negative] + [d[p, n] for n in sets_of(p)[1]]
        if rivals:
            total += max(0.0, d[i, p] + np.log(np.sum(np.exp(loss.margin - np.asarray(rivals))))) ** 2 / 2
    return total / max(len(positive), 1), len(positive)


ENTRIES["lifted_structure"] = Entry(
    of_batch=lifted_structure,
    settings=[{"margin": 2.5}],
    refused=[Refused({"margin": float("inf")}, "must be finite")],
)


@of_distances
def triplet_batch_hard(loss, d, i, sets_of):
    positive, negative = sets_of(i)
    if not positive or not negative:
        return 0.0, 0
    excess = loss.margin + max(d[i, positive]) - min(d[i, negative])
    return np.log1p(np.exp(excess)) if loss.soft else max(0.0, excess), 1


ENTRIES["triplet_batch_hard"] = Entry(
    of_batch=triplet_batch_hard,
    settings=[{"margin": 0.25, "soft": True}],
    refused=[
        Refused({"margin": float("inf")}, "must be finite"),
        Refused({"soft": 1}, "must be a bool, got 1", TypeError),
    ],
)


@of_distances
def triplet_batch_semi_hard(loss, d, i, sets_of):
    positive, negative = sets_of(i)
    if not positive or not negative:
        return 0.0, 0
    total = 0.0
    for p in positive:
        beyond = [d[i, n] for n in negative if d[i, n] > d[i, p]]
        total += max(0.0, loss.margin + d[i, p] - (min(beyond) if beyond else max(d[i, negative])))
    return total / len(positive), len(positive)


ENTRIES["triplet_batch_semi_hard"] = Entry(
    of_batch=triplet_batch_semi_hard,
    settings=[{"margin": 0.25}],
    refused=[Refused({"margin": float("inf")}, "must be finite")],
)


def proxy_nca(loss, arrays, where):
    embeddings, proxies, labels = arrays
    items = np.zeros(len(labels))
    for i in np.flatnonzero(where):
        x = embeddings[i] / np.linalg.norm(embeddings[i])
        d = np.asarray([np.sum((x - p / np.linalg.norm(p)) ** 2) for p in proxies]) / loss.temperature
        items[i] = d[labels[i]] + np.log(np.sum(np.exp(-np.delete(d, labels[i]))))
    return items, where


ENTRIES["proxy_nca"] = Entry(
    of_batch=proxy_nca,
    settings=[{"temperature": 0.25}],
    refused=[Refused({"temperature": 0.0}, "must be above 0")],
)


def proxy_anchor(loss, arrays, where):
    embeddings, proxies, labels = (x if k == 1 else x[where] for k, x in enumerate(arrays))
    s, near, far = cosines(embeddings, proxies), [], []
    for c in range(len(proxies)):
        own = labels == c
        if own.any():
            near.append(np.log1p(np.sum(np.exp(-loss.alpha * (s[own, c] - loss.margin)))))
        far.append(np.log1p(np.sum(np.exp(loss.alpha * (s[~own, c] + loss.margin)))))
    return np.asarray(np.mean(near) + np.mean(far)), where.any()


ENTRIES["proxy_anchor"] = Entry(
    of_batch=proxy_anchor,
    settings=[{"margin": 0.25, "alpha": 4.0}],
    refused=[
        Refused({"margin": float("inf")}, "must be finite"),
        Refused({"alpha": 0.0}, "must be above 0"),
    ],
)
