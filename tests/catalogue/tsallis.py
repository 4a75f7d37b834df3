"""Entries of the losses of `losses/tsallis.py`."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from ._entry import CLASS_WEIGHT, Entry, Peer
from ._mpmath import one_hot
from .multiclass import OF_CLASSES

ENTRIES: dict[str, Entry] = {}


def _phi(x):
    return mpf(0) if x <= -1 else x if x >= 1 else (x + 1) ** 2 / 4


ENTRIES["sparsemax"] = Entry(
    reference=lambda x, t: (1 - t) * _phi(x) + t * _phi(-x),
    boosted=True,
    peers={
        "textbook": [
            Peer(lambda xp, x, t: xp.mean(xp.where(abs(x) < 1, (x + 1) ** 2 / 4, xp.maximum(x, 0)) - t * x)),
        ],
        "optax": [Peer("sparsemax_loss")],
    },
)


def _largest(z, power, constant):
    """max of Σ p z + constant (1 - Σ p^power) over distributions: the best of those of the largest 1, 2, ... logits."""
    best = mpf("-inf")
    for size in range(1, len(z) + 1):
        of = sorted(z)[-size:]
        mean = mpmath.fsum(of) / size
        spread = mpmath.fsum((v - mean) ** 2 for v in of)
        if power == 2:
            roots = [v - mean + mpf(1) / size for v in of]
        else:  # a larger spread has no solution, and the first class a root of 1 at the most
            roots = [(v - mean) / 2 + mpmath.sqrt(max(0, 1 - spread / 4) / size) for v in of]
        if min(roots) >= 0:
            p = [r ** (1 / (power - 1)) for r in roots]
            value = mpmath.fsum(a * v for a, v in zip(p, of, strict=True))
            best = max(best, value + constant * (1 - mpmath.fsum(v**power for v in p)))
    return best


def _multiclass(power, constant):
    def reference(z, label, **_):
        return mpmath.fsum(
            t * (_largest(z, power, constant) - v) for t, v in zip(one_hot(label, len(z)), z, strict=True)
        )

    return reference


def textbook_multiclass_sparsemax(xp, x, labels):
    ranked = -xp.sort(-x, axis=-1)
    total, ranks = xp.cumsum(ranked, axis=-1), xp.arange(1, x.shape[1] + 1, dtype=x.dtype)
    count = xp.sum(1 + ranks * ranked > total, axis=-1)
    rows = xp.arange(len(x))
    threshold = (total[rows, count - 1] - 1) / count
    squares = xp.where(x > threshold[:, None], x**2 - threshold[:, None] ** 2, 0)
    return xp.mean(-x[rows, labels] + xp.sum(squares, axis=-1) / 2 + 0.5)


ENTRIES["multiclass_sparsemax"] = Entry(
    reference=_multiclass(2, mpf(1) / 2),
    scale=lambda z, label, **_: mpf(1) / 2,  # the entropy of an even distribution of many classes
    settings=[{"axis": 1, "class_weight": CLASS_WEIGHT, "ignore_index": 1}],
    refused=OF_CLASSES,
    peers={
        "textbook": [Peer(textbook_multiclass_sparsemax)],
        "optax": [Peer("multiclass_sparsemax_loss")],
    },
)

ENTRIES["entmax"] = Entry(
    reference=_multiclass(mpf(3) / 2, mpf(4) / 3),
    scale=lambda z, label, **_: mpf(4) / 3,  # the same
    settings=[{"axis": 1, "class_weight": CLASS_WEIGHT, "ignore_index": 1}],
    refused=OF_CLASSES,
)
