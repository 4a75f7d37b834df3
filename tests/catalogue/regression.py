"""Entries of the losses of `losses/regression.py`."""

from __future__ import annotations

import math

import mpmath

from ._entry import Entry, Equals, Peer, Refused

ENTRIES: dict[str, Entry] = {}

ENTRIES["squared_error"] = Entry(
    reference=lambda p, t: (p - t) ** 2,
    limits=({}, -math.inf, math.inf),
    boosted=True,
    peers={
        "textbook": [Peer(lambda xp, x, t: xp.mean((x - t) ** 2))],
        "torch": [Peer("mse_loss")],
        "optax": [Peer("squared_error")],
        "keras": [Peer("mean_squared_error")],
        "scikit-learn": [Peer("HalfSquaredError")],
    },
)

ENTRIES["half_squared_error"] = Entry(
    reference=lambda p, t: (p - t) ** 2 / 2,
    peers={"textbook": [Peer(lambda xp, x, t: xp.mean((x - t) ** 2 / 2))], "optax": [Peer("l2_loss")]},
)

ENTRIES["absolute_error"] = Entry(
    reference=lambda p, t: abs(p - t),
    limits=({}, -1.0, 1.0),
    peers={
        "textbook": [Peer(lambda xp, x, t: xp.mean(xp.abs(x - t)))],
        "torch": [Peer("l1_loss")],
        "keras": [Peer("mean_absolute_error")],
    },
)


def huber(p, t, delta):
    e = abs(p - t)
    return e**2 / 2 if e <= delta else delta * (e - delta / 2)


def textbook_huber(xp, x, t, delta=1.0):
    e = x - t
    return xp.mean(xp.where(xp.abs(e) <= delta, 0.5 * e**2, delta * (xp.abs(e) - 0.5 * delta)))


ENTRIES["huber"] = Entry(
    reference=huber,
    settings=[{"delta": 0.75}],
    refused=[
        Refused({"delta": 0}, "must be above 0, got 0"),
        Refused({"delta": -1.0}, "must be above 0"),
        Refused({"delta": float("nan")}, "must be above 0, got nan"),
        Refused({"delta": "1"}, "must be a number, got '1'", TypeError),
        Refused({"delta": True}, "must be a number, got True", TypeError),
        Refused({"reduction": "men"}, "must be one of .*got 'men'; did you mean 'mean'"),
        Refused({"reduction": None}, "must be one of .*got None"),
    ],
    special_cases=[Equals({"delta": 1e6}, "squared_error", factor=0.5)],
    limits=({"delta": 0.75}, -0.75, 0.75),
    boosted=True,
    peers={
        "textbook": [Peer(textbook_huber)],
        "torch": [Peer("huber_loss", alike={"delta": 0.5})],
        "optax": [Peer("huber_loss")],
        "keras": [Peer("huber")],
        "scikit-learn": [Peer("HuberLoss", {"delta": 1.0})],
    },
)


def smooth_l1(p, t, beta):
    e = abs(p - t)
    return e**2 / (2 * beta) if e < beta else e - beta / 2


def textbook_smooth_l1(xp, x, t, beta=1.0):
    e = xp.abs(x - t)
    return xp.mean(xp.where(e < beta, 0.5 * e**2 / beta, e - 0.5 * beta))


ENTRIES["smooth_l1"] = Entry(
    reference=smooth_l1,
    settings=[{"beta": 0.5}, {"beta": 0.0}],
    refused=[Refused({"beta": -0.5}, "must be at least 0")],
    special_cases=[
        Equals({"beta": 0.5}, "huber", {"delta": 0.5}, factor=2.0),
        Equals({"beta": 0.0}, "absolute_error"),
    ],
    limits=({"beta": 0.5}, -1.0, 1.0),
    boosted=True,
    peers={"textbook": [Peer(textbook_smooth_l1)], "torch": [Peer("smooth_l1_loss", alike={"beta": 0.5})]},
)


def pseudo_huber(p, t, delta):
    r = (p - t) / delta
    return r**2 / (mpmath.sqrt(1 + r**2) + 1) * delta**2


def textbook_pseudo_huber(xp, x, t, delta=1.0):
    return xp.mean(delta**2 * (xp.sqrt(1 + ((x - t) / delta) ** 2) - 1))


ENTRIES["pseudo_huber"] = Entry(
    reference=pseudo_huber,
    settings=[{"delta": 1.75}],
    refused=[Refused({"delta": 0.0}, "must be above 0")],
    special_cases=[Equals({"delta": 1e7}, "squared_error", factor=0.5)],
    limits=({"delta": 1.75}, -1.75, 1.75),
    boosted=True,
    peers={"textbook": [Peer(textbook_pseudo_huber)], "torch textbook": [Peer(textbook_pseudo_huber)]},
)


def log_cosh(p, t):
    e = abs(p - t)
    return e + mpmath.log1p(mpmath.expm1(-2 * e) / 2) if e > 1 else mpmath.log1p(2 * mpmath.sinh(e / 2) ** 2)


def textbook_log_cosh(xp, x, t):
    e = x - t
    return xp.mean(xp.logaddexp(e, -e) - math.log(2))


ENTRIES["log_cosh"] = Entry(
    reference=log_cosh,
    limits=({}, -1.0, 1.0),
    boosted=True,
    peers={
        "textbook": [Peer(textbook_log_cosh)],
        "torch textbook": [Peer(textbook_log_cosh)],
        "optax": [Peer("log_cosh")],
        "keras": [Peer("log_cosh")],
    },
)


def textbook_quantile(xp, x, t, q=0.9):
    u = t - x
    return xp.mean(xp.maximum(q * u, (q - 1) * u))


ENTRIES["quantile"] = Entry(
    reference=lambda p, t, q: q * (t - p) if t >= p else (1 - q) * (p - t),
    settings=[{"q": 0.8}],
    refused=[Refused({"q": 1.0}, r"must lie in \(0, 1\), got 1.0")],
    special_cases=[Equals({"q": 0.5}, "absolute_error", factor=0.5)],
    limits=({"q": 0.75}, -0.75, 0.25),
    boosted=True,
    peers={
        "textbook": [Peer(textbook_quantile, settings={"q": 0.9})],
        "torch textbook": [Peer(textbook_quantile, settings={"q": 0.9})],
    },
)


def squared_logarithmic_error(p, t):
    return (mpmath.log1p(p) - mpmath.log1p(t)) ** 2


ENTRIES["squared_logarithmic_error"] = Entry(
    reference=squared_logarithmic_error,
    peers={
        "textbook": [Peer(lambda xp, x, t: xp.mean((xp.log1p(x) - xp.log1p(t)) ** 2))],
        "keras": [Peer("mean_squared_logarithmic_error")],
    },
)
