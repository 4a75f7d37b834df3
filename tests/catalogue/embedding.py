"""Entries of the losses of `losses/embedding.py`."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from arraylosses.arguments import DOMAINS

from ._entry import AXIS, Entry, Peer, Refused

ENTRIES: dict[str, Entry] = {}


def _lengths(x, y):
    return mpmath.sqrt(mpmath.fdot(x, x) * mpmath.fdot(y, y))


def _cosine(x, y):
    return mpmath.fdot(x, y) / _lengths(x, y) if _lengths(x, y) else mpf(0)


def _largest_term_of_cosine(x, y):
    lengths = _lengths(x, y)
    return max(abs(u * v) for u, v in zip(x, y, strict=True)) / lengths if lengths else mpf(0)


def textbook_cosine(xp, x, y):
    return xp.sum(x * y, axis=-1) / (xp.linalg.norm(x, axis=-1) * xp.linalg.norm(y, axis=-1))


ENTRIES["cosine_similarity"] = Entry(
    reference=lambda x, y: -_cosine(x, y),
    scale=_largest_term_of_cosine,
    settings=[{"axis": 1}],
    refused=[AXIS],
    peers={
        "textbook": [Peer(lambda xp, x, y: -xp.mean(textbook_cosine(xp, x, y)))],
        "optax": [Peer(lambda losses, x, y: -losses.cosine_similarity(x, y), argnums=(0, 1))],
        "keras": [Peer("cosine_similarity")],
    },
)


def cosine_embedding(x, y, t, margin):
    return 1 - _cosine(x, y) if t > 0 else max(mpf(0), _cosine(x, y) - margin)


def cosine_embedding_scale(x, y, t, margin):
    return mpf(1) if t > 0 else max(margin, _largest_term_of_cosine(x, y))


def textbook_cosine_embedding(xp, x, y, t, margin=0.0):
    c = textbook_cosine(xp, x, y)
    return xp.mean(xp.where(t == 1, 1 - c, xp.maximum(0, c - margin)))


ENTRIES["cosine_embedding"] = Entry(
    reference=cosine_embedding,
    scale=cosine_embedding_scale,
    settings=[{"margin": 0.25, "axis": 1}],
    refused=[AXIS, Refused({"margin": 1.5}, r"must lie in \[-1, 1\]")],
    peers={
        "textbook": [Peer(textbook_cosine_embedding)],
        "torch": [Peer("cosine_embedding_loss", argnums=(0, 1), alike={"margin": 0.25}, rtol=1e-6)],
    },
)


def hinge_embedding(d, t, margin):
    return d if t > 0 else max(mpf(0), margin - d)


def textbook_hinge_embedding(xp, x, t, margin=1.0):
    return xp.mean(xp.where(t == 1, x, xp.maximum(0, margin - x)))


ENTRIES["hinge_embedding"] = Entry(
    reference=hinge_embedding,
    settings=[{"margin": 0.5}],
    refused=[Refused({"margin": float("inf")}, "must be finite")],
    peers={
        "textbook": [Peer(textbook_hinge_embedding)],
        "torch": [Peer("hinge_embedding_loss", alike={"margin": 2.0})],
    },
)

ENTRIES["margin_ranking"] = Entry(
    reference=lambda x, y, t, margin: max(mpf(0), margin - t * (x - y)),
    scale=lambda x, y, t, margin: max(abs(v) for v in (x, y, margin)),
    settings=[{"margin": 0.5}],
    refused=[Refused({"margin": float("inf")}, "must be finite")],
    peers={
        "textbook": [Peer(lambda xp, x, y, t: xp.mean(xp.maximum(0, -t * (x - y))))],
        "torch": [Peer("margin_ranking_loss", argnums=(0, 1), alike={"margin": 0.5})],
    },
)


def _length(x, y, p, epsilon=0):
    return mpmath.norm([u - v + epsilon for u, v in zip(x, y, strict=True)], p)


def pairwise_contrastive(x, y, t, margin):
    d = _length(x, y, 2)
    return (d if t > 0 else max(mpf(0), margin - d)) ** 2 / 2


# The difference of margin and distance, which is squared, is as exact as the larger of them.
def pairwise_contrastive_scale(x, y, t, margin):
    d = _length(x, y, 2)
    return d**2 / 2 if t > 0 else max(margin, d) * max(mpf(0), margin - d)


def textbook_pairwise_contrastive(xp, x, y, t, margin=1.0):
    d = xp.linalg.norm(x - y, axis=-1)
    return xp.mean(xp.where(t == 1, d**2, xp.maximum(0, margin - d) ** 2)) / 2


ENTRIES["pairwise_contrastive"] = Entry(
    reference=pairwise_contrastive,
    scale=pairwise_contrastive_scale,
    settings=[{"margin": 2.5, "axis": 1}],
    refused=[AXIS, Refused({"margin": -1.0}, "must be at least 0")],
    peers={"textbook": [Peer(textbook_pairwise_contrastive)]},
)


def triplet_margin(anchor, positive, negative, margin, p, swap, epsilon=0):
    far = _length(anchor, negative, p, epsilon)
    far = min(far, _length(positive, negative, p, epsilon)) if swap else far
    return max(mpf(0), margin + _length(anchor, positive, p, epsilon) - far)


def triplet_margin_scale(anchor, positive, negative, margin, p, epsilon=0, **_):
    return max(margin, *[_length(anchor, x, p, epsilon) for x in (positive, negative)])


# Of the row (1, 1, 0, -1, 1), two sums of magnitudes differ by the margin of 0.5 itself: how a library rounds the sums
# decides on which side of the kink an item is.
TRIPLETS = [row for row in DOMAINS["real"].rows if row != (1.0, 1.0, 0.0, -1.0, 1.0)]


def textbook_triplet_margin(xp, a, p, n, margin=1.0):
    near, far = xp.linalg.norm(a - p, axis=-1), xp.linalg.norm(a - n, axis=-1)
    return xp.mean(xp.maximum(0, near - far + margin))


ENTRIES["triplet_margin"] = Entry(
    reference=triplet_margin,
    scale=triplet_margin_scale,
    settings=[{"margin": 0.5, "p": 1.0, "axis": 1}, {"swap": True}, {"p": 3.0}],
    refused=[
        AXIS,
        Refused({"margin": -1.0}, "must be at least 0"),
        Refused({"p": 0.0}, "must be above 0"),
        Refused({"swap": 1}, "must be a bool", TypeError),
    ],
    edges={"real": TRIPLETS},
    peers={
        "textbook": [Peer(textbook_triplet_margin)],
        "torch": [Peer("triplet_margin_loss", {"eps": 0.0}, argnums=(0, 1, 2), alike={"margin": 0.5, "swap": True})],
        # Optax adds its eps to the squared length, so only 0 means the same.
        "optax": [Peer("triplet_margin_loss", {"eps": 0.0}, argnums=(0, 1, 2))],
    },
)
