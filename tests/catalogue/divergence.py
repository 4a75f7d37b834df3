"""Entries of the losses of `losses/divergence.py`."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from ._entry import AXIS, Entry, Peer, Refused
from ._mpmath import log, log_softmax
from .multiclass import textbook_log_softmax

ENTRIES: dict[str, Entry] = {}


def kl_divergence(logs, target, from_log, log_target, **_):
    logs = logs if from_log else [log(v) for v in logs]
    target = [mpmath.exp(v) for v in target] if log_target else target
    return mpmath.fsum(t * (mpmath.log(t) - v) for t, v in zip(target, logs, strict=True) if t != 0)


def kl_divergence_scale(logs, target, from_log, log_target, **_):
    # Below 0 it may be raised to 0, by a few units of the sums of the rows, which are 1 but for rounding.
    if kl_divergence(logs, target, from_log, log_target) < 0:
        return mpf(1)
    log_target = target if log_target else [log(t) for t in target]
    logs = logs if from_log else [log(v) for v in logs]
    pairs = [(t, v) for t, v in zip(log_target, logs, strict=True) if t > mpf("-inf")]
    return max(mpmath.exp(t) * max(abs(t), abs(v)) for t, v in pairs)


OF_LOGS = [
    AXIS,
    Refused({"from_log": 1}, "must be a bool, got 1", TypeError),
    Refused({"log_target": 1}, "must be a bool, got 1", TypeError),
]

ENTRIES["kl_divergence"] = Entry(
    reference=kl_divergence,
    scale=kl_divergence_scale,
    settings=[{"log_target": True, "axis": 1}, {"from_log": False}],
    refused=OF_LOGS,
    peers={
        "textbook": [Peer(lambda xp, log_p, t: xp.mean(xp.sum(t * (xp.log(t) - log_p), axis=-1)))],
        "torch": [Peer("kl_div", {"reduction": "batchmean"})],
        "optax": [Peer("kl_divergence")],
        "keras": [Peer("kl_divergence", settings={"from_log": False})],
    },
)


def _pairs(prediction, target, from_log, log_target):
    """The two masses of each class, with their logarithms."""
    p, q = (
        [(mpmath.exp(v), v) for v in given] if is_log else [(v, log(v)) for v in given]
        for given, is_log in ((prediction, from_log), (target, log_target))
    )
    return [(*a, *b) for a, b in zip(p, q, strict=True)]


def _times(mass, logarithm):
    return mass * logarithm if mass else mpf(0)


def _size(mass, logarithm):
    """The mass in the units in which it is rounded: as the exponential of its logarithm, where it is given as that."""
    return mass * max(1, abs(logarithm)) if mass else mpf(0)


def generalized_kl(prediction, target, from_log, log_target, **_):
    return mpmath.fsum(
        _times(t, log_t - log_q) - t + q for q, log_q, t, log_t in _pairs(prediction, target, from_log, log_target)
    )


def generalized_kl_scale(prediction, target, from_log, log_target, **_):
    pairs = _pairs(prediction, target, from_log, log_target)
    return max(max(_times(t, abs(log_q)), _size(t, log_t), _size(q, log_q)) for q, log_q, t, log_t in pairs)


ENTRIES["generalized_kl"] = Entry(
    reference=generalized_kl,
    scale=generalized_kl_scale,
    settings=[{"log_target": True, "axis": 1}, {"from_log": False}],
    refused=OF_LOGS,
    peers={
        "textbook": [Peer(lambda xp, log_q, t: xp.mean(xp.sum(t * (xp.log(t) - log_q) - t + xp.exp(log_q), axis=-1)))],
        "optax": [Peer("generalized_kl_divergence")],
    },
)


def js_divergence(prediction, target, from_log, log_target, **_):
    pairs = _pairs(prediction, target, from_log, log_target)
    middles = [log((p + q) / 2) for p, _, q, _ in pairs]
    terms = zip(pairs, middles, strict=True)
    return mpmath.fsum(_times(p, log_p - m) + _times(q, log_q - m) for (p, log_p, q, log_q), m in terms) / 2


def js_divergence_scale(prediction, target, from_log, log_target, **_):
    pairs = _pairs(prediction, target, from_log, log_target)
    return max(max(_size(p, log_p), _size(q, log_q)) for p, log_p, q, log_q in pairs) / 2


def textbook_js_divergence(xp, log_p, q):
    p = xp.exp(log_p)
    middle = xp.log((p + q) / 2)
    return xp.mean(xp.sum(p * (log_p - middle) + q * (xp.log(q) - middle), axis=-1)) / 2


ENTRIES["js_divergence"] = Entry(
    reference=js_divergence,
    scale=js_divergence_scale,
    settings=[{"log_target": True, "axis": 1}, {"from_log": False}],
    refused=OF_LOGS,
    peers={"textbook": [Peer(textbook_js_divergence)]},
)


def total_variation(prediction, target, from_log, log_target, **_):
    return mpmath.fsum(abs(p - q) for p, _, q, _ in _pairs(prediction, target, from_log, log_target)) / 2


ENTRIES["total_variation"] = Entry(
    reference=total_variation,
    scale=js_divergence_scale,
    settings=[{"log_target": True, "axis": 1}, {"from_log": False}],
    refused=OF_LOGS,
    peers={"textbook": [Peer(lambda xp, log_p, q: xp.mean(xp.sum(abs(xp.exp(log_p) - q), axis=-1)) / 2)]},
)


def hellinger(prediction, target, from_log, log_target, **_):
    pairs = _pairs(prediction, target, from_log, log_target)
    return mpmath.sqrt(mpmath.fsum((mpmath.sqrt(p) - mpmath.sqrt(q)) ** 2 for p, _, q, _ in pairs) / 2)


def hellinger_scale(prediction, target, from_log, log_target, **_):
    pairs = _pairs(prediction, target, from_log, log_target)
    return max(_size(mpmath.sqrt(m), v / 2) for p, log_p, q, log_q in pairs for m, v in ((p, log_p), (q, log_q)))


def textbook_hellinger(xp, log_p, q):
    return xp.mean(xp.sqrt(xp.sum((xp.exp(log_p / 2) - xp.sqrt(q)) ** 2, axis=-1) / 2))


ENTRIES["hellinger"] = Entry(
    reference=hellinger,
    scale=hellinger_scale,
    settings=[{"log_target": True, "axis": 1}, {"from_log": False}],
    refused=OF_LOGS,
    peers={"textbook": [Peer(textbook_hellinger)]},
)


def _softened(z, teacher, temperature):
    return [log_softmax([v / temperature for v in row]) for row in (z, teacher)]


def distillation(z, teacher, temperature, **_):
    return temperature**2 * kl_divergence(*_softened(z, teacher, temperature), True, True)


# The logarithm of Σ exp(z / T - max(z / T)) is a term of its own, which the two rows have nearly in common.
def distillation_scale(z, teacher, temperature, **_):
    softened = _softened(z, teacher, temperature)
    return temperature**2 * max(kl_divergence_scale(*softened, True, True), *[-max(row) for row in softened])


def textbook_distillation(xp, z, teacher, temperature=2.0):
    log_p, log_q = (textbook_log_softmax(xp, x / temperature) for x in (z, teacher))
    return temperature**2 * xp.mean(xp.sum(xp.exp(log_q) * (log_q - log_p), axis=-1))


ENTRIES["distillation"] = Entry(
    reference=distillation,
    scale=distillation_scale,
    exponential=True,
    settings=[{"temperature": 4.0, "axis": 1}],
    refused=[AXIS, Refused({"temperature": 0.0}, r"must lie in \(0, inf\), got 0.0")],
    peers={"textbook": [Peer(textbook_distillation)]},
)
