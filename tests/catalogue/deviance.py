"""Entries of the losses of `losses/deviance.py`."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from ._entry import Entry, Equals, Peer, Refused

ENTRIES: dict[str, Entry] = {}

FROM_LOG = Refused({"from_log": 1}, "must be a bool, got 1", TypeError)
# Beside e^90 a sum has no digits of the others; a power of 1e-30 is out of float32's range.
EDGES = {"real": (-30.0, -1.0, 0.0, 1.0, 10.0), "positive": (1e-3, 0.5, 1.0, 2.0, 1e4)}


def _mean(p, from_log):
    return mpmath.exp(p) if from_log else p


def poisson_deviance(p, t, from_log):
    mean = _mean(p, from_log)
    return 2 * ((t * mpmath.log(t / mean) if t else mpf(0)) - t + mean)


def poisson_deviance_scale(p, t, from_log):
    mean = _mean(p, from_log)
    return 2 * max(mean, t, *([abs(t * mpmath.log(t)), abs(t * mpmath.log(mean))] if t else []))


def textbook_poisson_deviance(xp, x, t):
    return 2 * xp.mean(t * (xp.log(t) - x) - t + xp.exp(x))


ENTRIES["poisson_deviance"] = Entry(
    reference=poisson_deviance,
    scale=poisson_deviance_scale,
    exponential=True,
    settings=[{"from_log": False}],
    refused=[FROM_LOG],
    edges=EDGES,
    boosted=True,
    peers={"textbook": [Peer(textbook_poisson_deviance, domains=("real", "positive"))]},
)


def gamma_deviance(p, t, from_log):
    ratio = t / _mean(p, from_log)
    return 2 * (ratio - 1 - mpmath.log(ratio))


def gamma_deviance_scale(p, t, from_log):
    mean = _mean(p, from_log)
    return 2 * max(t / mean, 1, abs(mpmath.log(t)), abs(mpmath.log(mean)))


ENTRIES["gamma_deviance"] = Entry(
    reference=gamma_deviance,
    scale=gamma_deviance_scale,
    exponential=True,
    settings=[{"from_log": False}],
    refused=[FROM_LOG],
    edges=EDGES,
    boosted=True,
    peers={"textbook": [Peer(lambda xp, x, t: 2 * xp.mean(t * xp.exp(-x) - 1 - xp.log(t) + x))]},
)


def _tweedie_terms(p, t, power, from_log):
    mean = _mean(p, from_log)
    a, b = 1 - power, 2 - power
    return (t**b if t else mpf(0)) / (a * b), -t * mean**a / a, mean**b / b


def tweedie_deviance(p, t, power, from_log):
    if power == 0:
        return (_mean(p, from_log) - t) ** 2
    return 2 * mpmath.fsum(_tweedie_terms(p, t, power, from_log))


def tweedie_deviance_scale(p, t, power, from_log):
    if power == 0:
        return max(_mean(p, from_log), t) * abs(_mean(p, from_log) - t)
    return 2 * max(map(abs, _tweedie_terms(p, t, power, from_log)))


ENTRIES["tweedie_deviance"] = Entry(
    reference=tweedie_deviance,
    scale=tweedie_deviance_scale,
    exponential=True,
    settings=[{"power": 1.25, "from_log": False}, {"power": 0.0}, {"power": 0.0, "from_log": False}],
    refused=[FROM_LOG, Refused({"power": 0.5}, r"must be 0 or lie in \[1, 3\], got 0.5")],
    edges=EDGES,
    special_cases=[
        Equals({"power": 0.0, "from_log": False}, "squared_error"),
        Equals({"power": 1.0}, "poisson_deviance"),
        Equals({"power": 1.0 + 1e-9}, "poisson_deviance"),
        Equals({"power": 2.0, "from_log": False}, "gamma_deviance", {"from_log": False}),
        Equals({"power": 2.0 + 1e-9}, "gamma_deviance"),
    ],
    boosted=True,
    peers={"textbook": [Peer(lambda xp, x, t: 4 * xp.mean(t * xp.exp(-x / 2) + xp.exp(x / 2) - 2 * xp.sqrt(t)))]},
)
