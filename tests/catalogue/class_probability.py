"""Entries of the losses of `losses/class_probability.py`."""

from __future__ import annotations

import mpmath

from ._entry import CLASS_WEIGHT, Entry, Equals, Peer, Refused
from ._mpmath import entropy_term, log, log_softmax, sigmoid, smoothed, softmax
from .binary import FROM_PROBABILITIES
from .multiclass import DISTRIBUTIONS, LOGITS, OF_CLASSES, OF_LOGITS, textbook_log_softmax

ENTRIES: dict[str, Entry] = {}


def _terms(z, label, from_logits, label_smoothing):
    """Target, log p, p and 1 - p of each class."""
    target = smoothed(label, len(z), label_smoothing)
    if not from_logits:
        return list(zip(target, [log(v) for v in z], z, [1 - v for v in z], strict=True))
    p = softmax(z)
    rest = [mpmath.fsum(p[:k] + p[k + 1 :]) for k in range(len(p))]
    return list(zip(target, log_softmax(z), p, rest, strict=True))


def brier(x, t, from_logits):
    p, rest = (sigmoid(x), sigmoid(-x)) if from_logits else (x, 1 - x)
    return (p * (1 - t) - t * rest) ** 2


def brier_scale(x, t, from_logits):
    # The square of a difference of two terms
    p, rest = (sigmoid(x), sigmoid(-x)) if from_logits else (x, 1 - x)
    return 2 * abs(p * (1 - t) - t * rest) * max(p * (1 - t), t * rest)


ENTRIES["brier"] = Entry(
    reference=brier,
    scale=brier_scale,
    settings=[FROM_PROBABILITIES],
    refused=[Refused({"from_logits": "yes"}, "must be a bool, got 'yes'", TypeError)],
    peers={
        "textbook": [
            Peer(lambda xp, x, t: xp.mean((1 / (1 + xp.exp(-x)) - t) ** 2)),
            Peer(lambda xp, p, t: xp.mean((p - t) ** 2), settings=FROM_PROBABILITIES, of="probabilities"),
        ]
    },
)


def categorical_brier(z, label, from_logits, label_smoothing, **_):
    return mpmath.fsum(
        (p * (1 - t) - t * rest) ** 2 for t, _, p, rest in _terms(z, label, from_logits, label_smoothing)
    )


def categorical_brier_scale(z, label, from_logits, label_smoothing, **_):
    terms = _terms(z, label, from_logits, label_smoothing)
    return max(2 * abs(p * (1 - t) - t * rest) * max(p * (1 - t), t * rest) for t, _, p, rest in terms)


def textbook_categorical_brier(xp, x, labels):
    return xp.mean(
        xp.sum((xp.exp(textbook_log_softmax(xp, x)) - xp.eye(x.shape[1], dtype=x.dtype)[labels]) ** 2, axis=-1)
    )


OFF = [
    {"axis": 1, "label_smoothing": 0.1},
    {"from_logits": False, "class_weight": CLASS_WEIGHT, "ignore_index": 1},
]

ENTRIES["categorical_brier"] = Entry(
    reference=categorical_brier,
    scale=categorical_brier_scale,
    exponential=True,
    settings=OFF,
    refused=[*OF_CLASSES, *OF_LOGITS],
    edges={"real": LOGITS},
    peers={"textbook": [Peer(textbook_categorical_brier)]},
)


def poly_cross_entropy(z, label, epsilon1, from_logits, label_smoothing, **_):
    terms = _terms(z, label, from_logits, label_smoothing)
    return mpmath.fsum(entropy_term(t, v) + t * epsilon1 * rest for t, v, _, rest in terms)


def textbook_poly_cross_entropy(xp, x, labels, epsilon=2.0):
    log_p = textbook_log_softmax(xp, x)[xp.arange(len(x)), labels]
    return xp.mean(-log_p + epsilon * (1 - xp.exp(log_p)))


ENTRIES["poly_cross_entropy"] = Entry(
    reference=poly_cross_entropy,
    exponential=True,
    settings=[{"epsilon1": 0.5, **OFF[0]}, OFF[1]],
    refused=[*OF_CLASSES, *OF_LOGITS, Refused({"epsilon1": -2.0}, r"must lie in \[-1, inf\]")],
    edges={"real": LOGITS},
    special_cases=[Equals({"epsilon1": 0.0}, "cross_entropy")],
    peers={
        "textbook": [Peer(textbook_poly_cross_entropy)],
        "optax": [Peer("poly_loss_cross_entropy", domains=DISTRIBUTIONS, of="distributions")],
    },
)


def generalized_cross_entropy(z, label, q, from_logits, label_smoothing, **_):
    terms = _terms(z, label, from_logits, label_smoothing)
    return mpmath.fsum(-t * mpmath.expm1(q * v) / q for t, v, _, _ in terms)


def textbook_generalized_cross_entropy(xp, x, labels, q=0.7):
    log_p = textbook_log_softmax(xp, x)[xp.arange(len(x)), labels]
    return xp.mean((1 - xp.exp(q * log_p)) / q)


ENTRIES["generalized_cross_entropy"] = Entry(
    reference=generalized_cross_entropy,
    exponential=True,
    settings=[{"q": 0.25, **OFF[0]}, OFF[1]],
    refused=[*OF_CLASSES, *OF_LOGITS, Refused({"q": 1.5}, r"must lie in \[0, 1\]")],
    edges={"real": LOGITS},
    special_cases=[Equals({"q": 0.0}, "cross_entropy"), Equals({"q": 1e-320}, "cross_entropy")],
    peers={"textbook": [Peer(textbook_generalized_cross_entropy)]},
)


def symmetric_cross_entropy(z, label, alpha, beta, log_zero, from_logits, label_smoothing, **_):
    terms = _terms(z, label, from_logits, label_smoothing)
    return mpmath.fsum(alpha * entropy_term(t, v) - beta * p * max(log(t), log_zero) for t, v, p, _ in terms)


def textbook_symmetric_cross_entropy(xp, x, labels):
    log_p = textbook_log_softmax(xp, x)[xp.arange(len(x)), labels]
    return xp.mean(-0.1 * log_p + 4 * (1 - xp.exp(log_p)))


ENTRIES["symmetric_cross_entropy"] = Entry(
    reference=symmetric_cross_entropy,
    exponential=True,
    settings=[{"alpha": 2.0, "beta": 0.5, "log_zero": -6.0, **OFF[0]}, OFF[1]],
    refused=[
        *OF_CLASSES,
        *OF_LOGITS,
        Refused({"alpha": -1.0}, "must be at least 0"),
        Refused({"beta": -1.0}, "must be at least 0"),
        Refused({"log_zero": 0.0}, r"must lie in \(-inf, 0\)"),
    ],
    edges={"real": LOGITS},
    special_cases=[Equals({"alpha": 1.0, "beta": 0.0}, "cross_entropy")],
    peers={"textbook": [Peer(textbook_symmetric_cross_entropy)]},
)
