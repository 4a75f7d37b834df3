"""Entries of the losses of `losses/margin.py`."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from ._entry import CLASS_WEIGHT, Entry, Equals, Peer, Refused
from ._mpmath import one_hot
from .multiclass import LOGITS, OF_CLASSES

ENTRIES: dict[str, Entry] = {}


def categorical_hinge(z, label, margin=0, **_):
    gaps = [max(mpf(0), margin + max(z[:k] + z[k + 1 :]) - z[k]) for k in range(len(z))]
    return mpmath.fsum(t * g for t, g in zip(one_hot(label, len(z)), gaps, strict=True))


def textbook_categorical_hinge(xp, x, labels):
    rows = xp.arange(len(x))
    others = x.copy()
    others[rows, labels] = -xp.inf
    return xp.mean(xp.maximum(0, 1 + xp.max(others, axis=-1) - x[rows, labels]))


ENTRIES["categorical_hinge"] = Entry(
    reference=categorical_hinge,
    settings=[{"margin": 0.5, "axis": 1, "class_weight": CLASS_WEIGHT, "ignore_index": 1}],
    refused=[*OF_CLASSES, Refused({"margin": -1.0}, "must be at least 0")],
    edges={"real": LOGITS},
    peers={"textbook": [Peer(textbook_categorical_hinge)], "optax": [Peer("multiclass_hinge_loss")]},
)

ENTRIES["multiclass_perceptron"] = Entry(
    reference=categorical_hinge,
    settings=[{"axis": 1, "class_weight": CLASS_WEIGHT, "ignore_index": 1}],
    refused=OF_CLASSES,
    edges={"real": LOGITS},
    special_cases=[Equals({}, "categorical_hinge", {"margin": 0.0})],
    peers={
        "textbook": [Peer(lambda xp, x, labels: xp.mean(xp.max(x, axis=-1) - x[xp.arange(len(x)), labels]))],
        "optax": [Peer("multiclass_perceptron_loss")],
    },
)


def multi_margin(z, label, margin, p, **_):
    losses = [
        mpmath.fsum(max(mpf(0), margin + v - z[k]) ** p for j, v in enumerate(z) if j != k) / len(z)
        for k in range(len(z))
    ]
    return mpmath.fsum(t * v for t, v in zip(one_hot(label, len(z)), losses, strict=True))


def textbook_multi_margin(xp, x, labels):
    rows = xp.arange(len(x))
    short = xp.maximum(0, 1 + x - x[rows, labels][:, None])
    short[rows, labels] = 0
    return xp.mean(short)


ENTRIES["multi_margin"] = Entry(
    reference=multi_margin,
    settings=[{"margin": 0.5, "p": 2, "axis": 1}, {"class_weight": CLASS_WEIGHT, "ignore_index": 1}],
    refused=[
        *OF_CLASSES,
        Refused({"margin": -1.0}, "must be at least 0"),
        Refused({"p": 3}, r"must lie in \[1, 2\], got 3"),
        Refused({"p": 1.5}, "must be an integer, got 1.5", TypeError),
    ],
    peers={
        "textbook": [Peer(textbook_multi_margin)],
        "torch": [Peer("multi_margin_loss", alike={"margin": 0.5, "p": 2})],
    },
)

ENTRIES["perceptron"] = Entry(
    reference=lambda x, t: max(mpf(0), -t * x),
    peers={
        "textbook": [Peer(lambda xp, x, t: xp.mean(xp.maximum(0, -t * x)))],
        "optax": [Peer("perceptron_loss")],
    },
)

ENTRIES["modified_huber"] = Entry(
    reference=lambda x, t: max(mpf(0), 1 - t * x) ** 2 if t * x >= -1 else -4 * t * x,
    boosted=True,
    peers={
        "textbook": [Peer(lambda xp, x, t: xp.mean(xp.where(t * x < -1, -4 * t * x, xp.maximum(0, 1 - t * x) ** 2)))]
    },
)

ENTRIES["exponential"] = Entry(
    reference=lambda x, t: mpmath.exp(-t * x),
    boosted=True,
    peers={"textbook": [Peer(lambda xp, x, t: xp.mean(xp.exp(-t * x)))]},
)
