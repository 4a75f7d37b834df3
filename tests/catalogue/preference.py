"""Entries of the losses of `losses/preference.py`."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from ._entry import Entry, Equals, Refused
from ._mpmath import log, sigmoid

ENTRIES: dict[str, Entry] = {}

BETA = Refused({"beta": 0.0}, "must be above 0, got 0.0")
SMOOTHING = Refused({"label_smoothing": 0.75}, r"must lie in \[0, 0.5\], got 0.75")


def surprise(h, s):
    return (1 - s) * mpmath.log1p(mpmath.exp(-h)) + s * mpmath.log1p(mpmath.exp(h))


def dpo(chosen, rejected, reference_chosen, reference_rejected, beta, loss_type, label_smoothing):
    gap = (chosen - rejected) - (reference_chosen - reference_rejected)
    h, s = beta * gap, label_smoothing
    if loss_type == "sigmoid":
        return surprise(h, s)
    if loss_type == "hinge":
        return max(mpf(0), 1 - h)
    if loss_type == "ipo":
        return (gap - 1 / (2 * beta)) ** 2
    return ((1 - s) * mpmath.log1p(mpmath.exp(-h)) - s * mpmath.log1p(mpmath.exp(h))) / (1 - 2 * s)


def dpo_scale(*logs, beta, loss_type, label_smoothing):
    largest = max(1 / (2 * beta), *map(abs, logs))
    if loss_type == "ipo":  # the derivative of the square, times what is squared
        return 2 * mpmath.sqrt(dpo(*logs, beta, loss_type, label_smoothing)) * largest
    return beta * largest


ENTRIES["dpo"] = Entry(
    reference=dpo,
    scale=dpo_scale,
    settings=[
        {"beta": 0.5, "label_smoothing": 0.25},
        {"loss_type": "hinge"},
        {"loss_type": "ipo", "beta": 0.25},
        {"loss_type": "robust", "label_smoothing": 0.25},
    ],
    refused=[
        BETA,
        Refused({"loss_type": "sigmod"}, "must be one of .*got 'sigmod'; did you mean 'sigmoid'"),
        SMOOTHING,
        Refused({"label_smoothing": 0.1, "loss_type": "ipo"}, "must be 0 with loss_type='ipo', got 0.1"),
        Refused({"label_smoothing": 0.5, "loss_type": "robust"}, "must be below 0.5 with loss_type='robust'"),
    ],
    special_cases=[Equals({"loss_type": "robust"}, "dpo")],
)

ENTRIES["cpo"] = Entry(
    reference=lambda c, r, beta, alpha, label_smoothing: surprise(beta * (c - r), label_smoothing) - alpha * c,
    scale=lambda c, r, beta, alpha, label_smoothing: max(beta, alpha) * max(abs(c), abs(r)),
    settings=[{"beta": 0.5, "alpha": 0.25, "label_smoothing": 0.125}],
    refused=[BETA, Refused({"alpha": -1.0}, "must be at least 0, got -1.0"), SMOOTHING],
)

ENTRIES["simpo"] = Entry(
    reference=lambda c, r, beta, margin, label_smoothing: surprise(beta * (c - r) - margin, label_smoothing),
    scale=lambda c, r, beta, margin, label_smoothing: max(beta * max(abs(c), abs(r)), margin),
    settings=[{"beta": 0.5, "margin": 0.25, "label_smoothing": 0.125}],
    refused=[BETA, Refused({"margin": -1.0}, "must be at least 0, got -1.0"), SMOOTHING],
    special_cases=[Equals({"beta": 0.5, "margin": 0.0}, "cpo", {"beta": 0.5, "alpha": 0.0})],
)


def _log_odds(x):
    return x - log(-mpmath.expm1(x))


ENTRIES["orpo"] = Entry(
    reference=lambda c, r, beta: -c + beta * mpmath.log1p(mpmath.exp(_log_odds(r) - _log_odds(c))),
    scale=lambda c, r, beta: beta * max(abs(c), abs(r), *[abs(_log_odds(x)) for x in (c, r)]),
    settings=[{"beta": 0.5}],
    refused=[Refused({"beta": -0.1}, "must be at least 0, got -0.1")],
)


def kto(policy, reference, target, beta, kl, desirable_weight, undesirable_weight):
    if target > 0:  # 1 - sigmoid(x) is sigmoid(-x)
        return desirable_weight * sigmoid(beta * (kl - (policy - reference)))
    return undesirable_weight * sigmoid(beta * (policy - reference - kl))


def kto_scale(policy, reference, target, beta, kl, desirable_weight, undesirable_weight):
    # The exponent is rounded in the units of its largest term.
    value = kto(policy, reference, target, beta, kl, desirable_weight, undesirable_weight)
    return value * max(1, beta * max(abs(policy), abs(reference)))


ENTRIES["kto"] = Entry(
    reference=kto,
    scale=kto_scale,
    settings=[{"beta": 0.5, "kl": 0.75, "desirable_weight": 1.5, "undesirable_weight": 0.25}],
    refused=[
        BETA,
        Refused({"kl": -1.0}, "must be at least 0, got -1.0"),
        Refused({"desirable_weight": -1.0}, "must be at least 0, got -1.0"),
        Refused({"undesirable_weight": -1.0}, "must be at least 0, got -1.0"),
    ],
)
