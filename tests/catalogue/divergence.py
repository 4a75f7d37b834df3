"""Entries of the losses of `losses/divergence.py`."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from ._entry import AXIS, Entry, Peer, Refused
from ._mpmath import log

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


ENTRIES["kl_divergence"] = Entry(
    reference=kl_divergence,
    scale=kl_divergence_scale,
    settings=[{"log_target": True, "axis": 1}, {"from_log": False}],
    refused=[
        AXIS,
        Refused({"from_log": 1}, "must be a bool, got 1", TypeError),
        Refused({"log_target": 1}, "must be a bool, got 1", TypeError),
    ],
    peers={
        "textbook": [Peer(lambda xp, log_p, t: xp.mean(xp.sum(t * (xp.log(t) - log_p), axis=-1)))],
        "torch": [Peer("kl_div", {"reduction": "batchmean"})],
        "optax": [Peer("kl_divergence")],
        "keras": [Peer("kl_divergence", settings={"from_log": False})],
    },
)
