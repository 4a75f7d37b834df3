"""Entries of the losses of `losses/likelihood.py`."""

from __future__ import annotations

import mpmath

from ._entry import Entry, Peer, Refused

ENTRIES: dict[str, Entry] = {}


def poisson_nll(p, t, from_log, full, epsilon):
    value = mpmath.exp(p) - t * p if from_log else p - (0 if t == 0 else t * mpmath.log(p + epsilon))
    if full and t > 1:
        value += t * mpmath.log(t) - t + mpmath.log(2 * mpmath.pi * t) / 2
    return value


def poisson_nll_scale(p, t, from_log, full, epsilon):
    terms = [mpmath.exp(p), t * p] if from_log else [p, t * mpmath.log(p + epsilon)]
    return max(abs(v) for v in [*terms, *([t * mpmath.log(t)] if full and t > 1 else [])])


ENTRIES["poisson_nll"] = Entry(
    reference=poisson_nll,
    scale=poisson_nll_scale,
    exponential=True,
    settings=[{"from_log": False, "epsilon": 0.125}, {"full": True}],
    refused=[
        Refused({"from_log": 1}, "must be a bool", TypeError),
        Refused({"full": 1}, "must be a bool, got 1", TypeError),
        Refused({"epsilon": -1e-8}, "must be at least 0"),
    ],
    edges={"real": (-90.0, -1.0, 0.0, 1.0, 10.0)},  # beside e^90 a sum has no digits of the others
    boosted=True,
    peers={
        "textbook": [Peer(lambda xp, x, t: xp.mean(xp.exp(x) - t * x))],
        "torch": [Peer("poisson_nll_loss", alike={"full": True})],
        "keras": [Peer("poisson", settings={"from_log": False, "epsilon": 1e-7})],
        "scikit-learn": [Peer("HalfPoissonLoss")],
    },
)
