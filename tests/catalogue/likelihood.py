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


LOCATION_SCALE = [
    Refused({"from_log": 1}, "must be a bool, got 1", TypeError),
    Refused({"full": 1}, "must be a bool, got 1", TypeError),
    Refused({"epsilon": -1e-8}, "must be at least 0"),
]
# An error of 1e4 over a variance of 1e-30 has a derivative that no float32 holds.
SPREADS = {"positive": (1e-3, 0.25, 1.0, 2.0, 1e4)}


def _spread(x, from_log, epsilon):
    return mpmath.exp(x) if from_log else max(x, epsilon)


def gaussian_nll(p, t, variance, from_log, full, epsilon):
    v = _spread(variance, from_log, epsilon)
    return (mpmath.log(v) + (p - t) ** 2 / v + (mpmath.log(2 * mpmath.pi) if full else 0)) / 2


def gaussian_nll_scale(p, t, variance, from_log, full, epsilon):
    v = _spread(variance, from_log, epsilon)
    return max(abs(mpmath.log(v)), (p - t) ** 2 / v, 2 if full else 0) / 2


def textbook_gaussian_nll(xp, x, t, v):
    return 0.5 * xp.mean(xp.log(v) + (x - t) ** 2 / v)


ENTRIES["gaussian_nll"] = Entry(
    reference=gaussian_nll,
    scale=gaussian_nll_scale,
    exponential=True,
    settings=[{"from_log": True, "full": True}, {"epsilon": 0.5}],
    refused=LOCATION_SCALE,
    edges=SPREADS,
    peers={
        "textbook": [Peer(textbook_gaussian_nll)],
        "torch": [Peer("gaussian_nll_loss", argnums=(0, 2), alike={"full": True})],
    },
)


def laplace_nll(p, t, scale, from_log, full, epsilon):
    s = _spread(scale, from_log, epsilon)
    return mpmath.log(s) + abs(p - t) / s + (mpmath.log(2) if full else 0)


def laplace_nll_scale(p, t, scale, from_log, full, epsilon):
    s = _spread(scale, from_log, epsilon)
    return max(abs(mpmath.log(s)), abs(p - t) / s, 1 if full else 0)


ENTRIES["laplace_nll"] = Entry(
    reference=laplace_nll,
    scale=laplace_nll_scale,
    exponential=True,
    settings=[{"from_log": True, "full": True}, {"epsilon": 0.5}],
    refused=LOCATION_SCALE,
    edges=SPREADS,
    peers={"textbook": [Peer(lambda xp, x, t, s: xp.mean(xp.log(s) + xp.abs(x - t) / s))]},
)


def student_t_nll(p, t, scale, df, from_log, full, epsilon):
    s = _spread(scale, from_log, epsilon)
    value = mpmath.log(s) + (df + 1) / 2 * mpmath.log1p(((p - t) / s) ** 2 / df)
    if full:
        value -= mpmath.loggamma((df + 1) / 2) - mpmath.loggamma(df / 2) - mpmath.log(mpmath.pi * df) / 2
    return value


def student_t_nll_scale(p, t, scale, df, from_log, full, epsilon):
    s = _spread(scale, from_log, epsilon)
    return max(abs(mpmath.log(s)), (df + 1) / 2 * mpmath.log1p(((p - t) / s) ** 2 / df), 1 if full else 0)


ENTRIES["student_t_nll"] = Entry(
    reference=student_t_nll,
    scale=student_t_nll_scale,
    exponential=True,
    settings=[{"df": 1.0, "from_log": True}, {"df": 2.5, "full": True, "epsilon": 0.5}],
    refused=[*LOCATION_SCALE, Refused({"df": 0.0}, "must be above 0")],
    edges=SPREADS,
    peers={
        "textbook": [Peer(lambda xp, x, t, s: xp.mean(xp.log(s) + 2.5 * xp.log(1 + ((x - t) / s) ** 2 / 4)))],
    },
)


def _negative_binomial_terms(p, t, dispersion, from_log, full):
    mean, r = mpmath.exp(p) if from_log else p, 1 / dispersion
    terms = [
        (t + r) * mpmath.log1p(dispersion * mean),
        -t * mpmath.log(mean) if t else mpmath.mpf(0),
        -mpmath.loggamma(t + r),
        mpmath.loggamma(r),
        t * mpmath.log(r),
    ]
    return [*terms, mpmath.loggamma(t + 1)] if full else terms


def negative_binomial_nll_scale(p, t, dispersion, from_log, full):
    terms = _negative_binomial_terms(p, t, dispersion, from_log, full)
    sums = [t + 1 / dispersion, *([t + 1] if full else [])]  # which are rounded by themselves
    # Stirling's formula has terms of order 1 where log Γ is 0.
    return max(1, *(abs(v) for v in [*terms, *(v * mpmath.digamma(v) for v in sums)]))


ENTRIES["negative_binomial_nll"] = Entry(
    reference=lambda p, t, dispersion, from_log, full: mpmath.fsum(
        _negative_binomial_terms(p, t, dispersion, from_log, full)
    ),
    scale=negative_binomial_nll_scale,
    exponential=True,
    settings=[{"from_log": False, "full": True}],
    refused=[
        Refused({"from_log": 1}, "must be a bool, got 1", TypeError),
        Refused({"full": 1}, "must be a bool, got 1", TypeError),
    ],
    edges={"real": (-30.0, -1.0, 0.0, 1.0, 10.0), "positive": (1e-3, 0.25, 1.0, 2.0, 1e3)},
)


def von_mises_nll(p, t, concentration, from_log, full):
    k = mpmath.exp(concentration) if from_log else concentration
    constant = mpmath.log(2 * mpmath.pi) if full else 0
    return -k * mpmath.cos(p - t) + mpmath.log(mpmath.besseli(0, k)) + constant


def von_mises_nll_scale(p, t, concentration, from_log, full):
    k = mpmath.exp(concentration) if from_log else concentration
    # An angle is rounded by itself.
    return max(k, 1) * max(abs(p - t), 1)


ENTRIES["von_mises_nll"] = Entry(
    reference=von_mises_nll,
    scale=von_mises_nll_scale,
    exponential=True,
    settings=[{"from_log": True, "full": True}],
    refused=[
        Refused({"from_log": 1}, "must be a bool, got 1", TypeError),
        Refused({"full": 1}, "must be a bool, got 1", TypeError),
    ],
    edges={"real": (-30.0, -1.0, 0.0, 0.5, 4.0), "nonnegative": (0.0, 0.5, 2.0, 30.0, 1e4)},
)
