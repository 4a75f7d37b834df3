"""Entries of the losses of `losses/ranking.py`."""

from __future__ import annotations

import numpy as np

from ._entry import AXIS, Entry, Peer, Refused
from ._numpy import softmax

ENTRIES: dict[str, Entry] = {}


def of_lists(formula):
    """A loop over the lists, of a formula of the scores and the relevance of the documents that are there."""

    def of_batch(loss, arrays, where):
        scores, relevance, where = (np.moveaxis(x, loss.axis, -1) for x in (*arrays, where))
        items = np.zeros(scores.shape[:-1])
        for index in np.ndindex(items.shape):
            if (kept := where[index]).any():
                items[index] = formula(loss, scores[index][kept], relevance[index][kept])
        return items, where.any(axis=-1)

    return of_batch


def list_net(loss, scores, relevance):
    return -np.sum(softmax(relevance) * np.log(softmax(scores)))


ENTRIES["list_net"] = Entry(
    of_batch=of_lists(list_net),
    settings=[{"axis": 0}],
    refused=[AXIS],
)


def ranking_softmax(loss, scores, relevance):
    return -np.sum(relevance * np.log(softmax(scores)))


ENTRIES["ranking_softmax"] = Entry(
    of_batch=of_lists(ranking_softmax),
    settings=[{"axis": 0}],
    refused=[AXIS],
    peers={"optax": [Peer("ranking_softmax_loss")]},
)


def list_mle(loss, scores, relevance):
    s = scores[np.argsort(-relevance, kind="stable")]
    return -sum(s[k] - np.log(np.sum(np.exp(s[k:]))) for k in range(len(s)))


ENTRIES["list_mle"] = Entry(
    of_batch=of_lists(list_mle),
    settings=[{"axis": 0}],
    refused=[AXIS],
)


def of_pairs(scores, relevance, loss_of_lead):
    pairs = [(i, j) for i, a in enumerate(relevance) for j, b in enumerate(relevance) if a > b]
    return sum(loss_of_lead(scores[i] - scores[j], i, j) for i, j in pairs)


def pairwise_logistic(loss, scores, relevance):
    return of_pairs(scores, relevance, lambda lead, i, j: np.log(1 + np.exp(-lead)))


ENTRIES["pairwise_logistic"] = Entry(
    of_batch=of_lists(pairwise_logistic),
    settings=[{"axis": 0}],
    refused=[AXIS],
)


def pairwise_hinge(loss, scores, relevance):
    return of_pairs(scores, relevance, lambda lead, i, j: max(0.0, loss.margin - lead))


ENTRIES["pairwise_hinge"] = Entry(
    of_batch=of_lists(pairwise_hinge),
    settings=[{"axis": 0, "margin": 0.25}],
    refused=[AXIS, Refused({"margin": np.inf}, "must be finite, got inf")],
)


def gains(relevance):
    gain = 2.0**relevance - 1
    best = np.sum(np.sort(gain)[::-1] / np.log2(2 + np.arange(len(gain))))
    return gain / best if best else gain


def lambda_loss(loss, scores, relevance):
    gain = gains(relevance)
    rank = np.empty(len(scores))
    rank[np.argsort(-scores, kind="stable")] = 1 + np.arange(len(scores))

    def inverse(k):
        return 1 / np.log2(1 + k)

    def of_pair(lead, i, j):
        apart = abs(rank[i] - rank[j])
        delta = abs(inverse(apart) - inverse(apart + 1))
        by_places = abs(inverse(rank[i]) - inverse(rank[j])) + loss.mu * delta
        return abs(gain[i] - gain[j]) * by_places * np.log2(1 + np.exp(-loss.sigma * lead))

    return of_pairs(scores, relevance, of_pair)


ENTRIES["lambda_loss"] = Entry(
    of_batch=of_lists(lambda_loss),
    settings=[{"axis": 0, "mu": 0.0}, {"sigma": 0.5}],
    refused=[
        AXIS,
        Refused({"mu": -1.0}, "must be at least 0, got -1.0"),
        Refused({"sigma": 0.0}, "must be above 0, got 0.0"),
    ],
)


def approx_ndcg(loss, scores, relevance):
    ranks = [
        1 + sum(1 / (1 + np.exp((a - b) / loss.temperature)) for j, b in enumerate(scores) if j != i)
        for i, a in enumerate(scores)
    ]
    found = np.sum(gains(relevance) / np.log2(1 + np.asarray(ranks)))
    return 1 - found if relevance.any() else 0.0


ENTRIES["approx_ndcg"] = Entry(
    of_batch=of_lists(approx_ndcg),
    settings=[{"axis": 0, "temperature": 1.0}],
    refused=[AXIS, Refused({"temperature": 0.0}, "must be above 0, got 0.0")],
)
