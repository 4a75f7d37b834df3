"""Entries of the losses of `losses/multilabel.py`."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from ._entry import AXIS, CLASS_WEIGHT, Entry, Equals, Peer, Refused
from ._mpmath import entropy_term, sigmoid
from .binary import textbook_binary_cross_entropy

ENTRIES: dict[str, Entry] = {}


def multilabel_soft_margin(z, target, class_weight, **_):
    weight = class_weight or [1] * len(z)
    terms = [
        entropy_term(t, -mpmath.log1p(mpmath.exp(-v))) + entropy_term(1 - t, -mpmath.log1p(mpmath.exp(v)))
        for v, t in zip(z, target, strict=True)
    ]
    return mpmath.fsum(w * v for w, v in zip(weight, terms, strict=True)) / mpmath.fsum(weight)


ENTRIES["multilabel_soft_margin"] = Entry(
    reference=multilabel_soft_margin,
    exponential=True,
    settings=[{"axis": 1, "class_weight": CLASS_WEIGHT}],
    refused=[AXIS, Refused({"class_weight": (1.0, -1.0)}, "must be at least 0, got -1.0")],
    special_cases=[
        Equals({}, "binary_cross_entropy"),
        Equals({"class_weight": (2.0,) * 5}, "multilabel_soft_margin"),
    ],
    boosted=True,
    peers={
        "textbook": [Peer(textbook_binary_cross_entropy)],
        "torch": [Peer("multilabel_soft_margin_loss")],
    },
)


def multilabel_margin(z, target, margin, **_):
    return mpmath.fsum(
        target[j] * (1 - target[k]) * max(mpf(0), margin + z[k] - z[j])
        for j in range(len(z))
        for k in range(len(z))
        if j != k
    ) / len(z)


def textbook_multilabel_margin(xp, x, t):
    short = xp.maximum(0, 1 - x[:, :, None] + x[:, None, :])
    return xp.mean(xp.sum(t[:, :, None] * (1 - t)[:, None, :] * short, axis=(1, 2)) / x.shape[1])


ENTRIES["multilabel_margin"] = Entry(
    reference=multilabel_margin,
    settings=[{"axis": 1, "margin": 0.5}],
    refused=[AXIS, Refused({"margin": -1.0}, "must be at least 0")],
    peers={"textbook": [Peer(textbook_multilabel_margin)]},
)


def asymmetric(x, t, gamma_pos, gamma_neg, shift):
    p = sigmoid(x)
    q = max(mpf(0), p - shift)
    # 1 - q, where 50 digits are not enough for a difference from 1
    log_rest = mpmath.log1p(-q) if q < 0.5 else mpmath.log(sigmoid(-x) + shift)
    positive = sigmoid(-x) ** gamma_pos * mpmath.log1p(mpmath.exp(-x))
    return t * positive - (1 - t) * q**gamma_neg * log_rest


def asymmetric_scale(x, t, gamma_pos, gamma_neg, shift):
    # p is rounded before the shift is taken from it; |p dl/dp| is what the loss makes of it.
    p = sigmoid(x)
    q = max(mpf(0), p - shift)
    if q == 0:
        return mpf(0)
    rest = sigmoid(-x) + shift
    slope = q**gamma_neg / rest - (gamma_neg * q ** (gamma_neg - 1) * mpmath.log(rest) if gamma_neg else 0)
    return (1 - t) * p * slope if shift else mpf(0)


def textbook_asymmetric(xp, x, t, gamma=4.0, shift=0.05):
    p = 1 / (1 + xp.exp(-x))
    q = xp.maximum(p - shift, 0)
    return xp.mean(-t * xp.log(p) - (1 - t) * q**gamma * xp.log(1 - q))


ENTRIES["asymmetric"] = Entry(
    reference=asymmetric,
    scale=asymmetric_scale,
    exponential=True,
    settings=[{"gamma_pos": 1.0, "gamma_neg": 2.5, "shift": 0.25}, {"gamma_pos": 0.5, "gamma_neg": 0.5, "shift": 0.0}],
    refused=[
        Refused({"gamma_pos": -1.0}, "must be at least 0"),
        Refused({"gamma_neg": -1.0}, "must be at least 0"),
        Refused({"shift": 1.5}, r"must lie in \[0, 1\]"),
    ],
    special_cases=[Equals({"gamma_neg": 0.0, "shift": 0.0}, "binary_cross_entropy")],
    peers={"textbook": [Peer(textbook_asymmetric)]},
)
