"""Entries of the losses of `losses/ordinal.py`."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from ._entry import AXIS, CLASS_WEIGHT, Entry, Peer, Refused
from ._mpmath import log, sigmoid, smoothed, softmax
from .multiclass import LOGITS, OF_CLASSES, OF_LOGITS, textbook_log_softmax

ENTRIES: dict[str, Entry] = {}


def wasserstein_1d(z, label, squared, from_logits, label_smoothing, **_):
    p, target = softmax(z) if from_logits else z, smoothed(label, len(z), label_smoothing)
    total = mpmath.fsum(p)  # 1 but for rounding
    difference = [v / total - t for v, t in zip(p, target, strict=True)]
    sums = [mpmath.fsum(difference[: k + 1]) for k in range(len(z) - 1)]
    return mpmath.fsum(s**2 if squared else abs(s) for s in sums)


def wasserstein_1d_scale(z, label, squared, from_logits, label_smoothing, **_):
    # Of a target of one class, the sums on either side of it are of terms of one sign.
    return mpf(0) if from_logits and not label_smoothing and not isinstance(label, list) else mpf(1)


def textbook_wasserstein_1d(xp, x, labels):
    p = xp.exp(textbook_log_softmax(xp, x))
    return xp.mean(xp.sum(abs(xp.cumsum(p - xp.eye(x.shape[1], dtype=x.dtype)[labels], axis=-1)), axis=-1))


ENTRIES["wasserstein_1d"] = Entry(
    reference=wasserstein_1d,
    scale=wasserstein_1d_scale,
    exponential=True,
    settings=[
        {"squared": True, "axis": 1, "label_smoothing": 0.1},
        {"from_logits": False, "class_weight": CLASS_WEIGHT, "ignore_index": 1},
    ],
    refused=[*OF_CLASSES, *OF_LOGITS, Refused({"squared": 1}, "must be a bool, got 1", TypeError)],
    edges={"real": LOGITS},
    peers={"textbook": [Peer(textbook_wasserstein_1d)]},
)


def cumulative_logit(z, label, **_):
    # By the tails on the side on which they are small: 50 digits are not enough for a difference from 1.
    ends = [mpf("-inf"), *z, mpf("inf")]
    low, high = ends[label], ends[label + 1]
    if low < 0 < high:
        return -mpmath.log1p(-sigmoid(low) - sigmoid(-high))
    return -log(sigmoid(high) - sigmoid(low) if high <= 0 else sigmoid(-low) - sigmoid(-high))


ENTRIES["cumulative_logit"] = Entry(
    reference=cumulative_logit,
    exponential=True,
    settings=[{"axis": 1}],
    refused=[AXIS],
)


def corn(z, label, **_):
    going_on = mpmath.fsum(mpmath.log1p(mpmath.exp(-v)) for v in z[:label])
    return going_on + (mpmath.log1p(mpmath.exp(z[label])) if label < len(z) else 0)


ENTRIES["corn"] = Entry(
    reference=corn,
    exponential=True,
    settings=[{"axis": 1}],
    refused=[AXIS],
    boosted=True,
)
