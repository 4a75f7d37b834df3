"""Entries of the losses of `losses/binary.py`."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from ._entry import Entry, Equals, Peer, Refused
from ._mpmath import entropy_term, log, sigmoid

ENTRIES: dict[str, Entry] = {}

NO_FLOOR = mpf("-inf")
FROM_PROBABILITIES = {"from_logits": False}

COMMON = [
    Refused({"from_logits": "yes"}, "must be a bool, got 'yes'", TypeError),
    Refused({"label_smoothing": 2}, r"must lie in \[0, 1\], got 2"),
]


def _surprises(p, from_logits, log_floor=NO_FLOOR):
    if from_logits:
        return mpmath.log1p(mpmath.exp(-p)), mpmath.log1p(mpmath.exp(p))
    return -max(log(p), log_floor), -max(log(1 - p), log_floor)


def binary_cross_entropy(p, t, from_logits, pos_weight, label_smoothing, log_floor=NO_FLOOR):
    yes, no = _surprises(p, from_logits, log_floor)
    t = t * (1 - label_smoothing) + label_smoothing / 2
    return (1 if pos_weight is None else pos_weight) * entropy_term(t, -yes) + entropy_term(1 - t, -no)


def textbook_binary_cross_entropy(xp, x, t):
    return xp.mean(xp.maximum(x, 0) - x * t + xp.log1p(xp.exp(-xp.abs(x))))


def textbook_of_probabilities(xp, p, t):
    return xp.mean(-(t * xp.log(p) + (1 - t) * xp.log(1 - p)))


ENTRIES["binary_cross_entropy"] = Entry(
    reference=binary_cross_entropy,
    exponential=True,
    settings=[
        {"pos_weight": 3.0, "label_smoothing": 0.1},
        {"pos_weight": (0.5, 2.0, 1.5, 3.0)},
        {"from_logits": False},
    ],
    refused=[*COMMON, Refused({"pos_weight": -1.0}, "must be at least 0")],
    special_cases=[Equals({"pos_weight": 1.0}, "binary_cross_entropy")],
    boosted=True,
    peers={
        "textbook": [
            Peer(textbook_binary_cross_entropy),
            Peer(textbook_of_probabilities, settings=FROM_PROBABILITIES, of="probabilities"),
        ],
        "torch": [
            Peer("binary_cross_entropy_with_logits"),
            Peer("binary_cross_entropy", settings=FROM_PROBABILITIES, of="probabilities"),
        ],
        "optax": [Peer("sigmoid_binary_cross_entropy")],
        "keras": [
            Peer("binary_crossentropy", {"from_logits": True}),
            Peer("binary_crossentropy", settings=FROM_PROBABILITIES, of="probabilities"),
        ],
        "scikit-learn": [Peer("HalfBinomialLoss")],
    },
)


def binary_focal(p, t, gamma, alpha, from_logits, label_smoothing):
    yes, no = _surprises(p, from_logits)
    t = t * (1 - label_smoothing) + label_smoothing / 2
    q, p = (sigmoid(-p), sigmoid(p)) if from_logits else (1 - p, p)
    value = (entropy_term(t, -yes) + entropy_term(1 - t, -no)) * (t * q + (1 - t) * p) ** gamma
    return value if alpha is None else value * (alpha * t + (1 - alpha) * (1 - t))


def textbook_binary_focal(xp, x, t, gamma=2.0):
    p = 1 / (1 + xp.exp(-x))
    p_t = t * p + (1 - t) * (1 - p)
    return xp.mean(-((1 - p_t) ** gamma) * xp.log(p_t))


def torch_binary_focal(torch, x, t, gamma=2.0):  # torchvision.ops.sigmoid_focal_loss
    p = torch.sigmoid(x)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none")
    p_t = p * t + (1 - p) * (1 - t)
    return torch.mean(entropy * (1 - p_t) ** gamma)


ENTRIES["binary_focal"] = Entry(
    reference=binary_focal,
    exponential=True,
    settings=[{"gamma": 1.5, "alpha": 0.25, "label_smoothing": 0.1}, {"from_logits": False}, {"gamma": 0.0}],
    refused=[
        *COMMON,
        Refused({"gamma": -1.0}, "must be at least 0"),
        Refused({"alpha": 1.5}, r"must lie in \[0, 1\]"),
    ],
    special_cases=[
        Equals({"gamma": 0.0}, "binary_cross_entropy"),
        Equals({"gamma": 0.0, "alpha": 0.5}, "binary_cross_entropy", factor=0.5),
    ],
    boosted=True,
    peers={
        "textbook": [Peer(textbook_binary_focal)],
        "torch textbook": [Peer(torch_binary_focal)],
        "optax": [Peer("sigmoid_focal_loss")],
        "keras": [Peer("binary_focal_crossentropy", {"from_logits": True})],
    },
)

ENTRIES["hinge"] = Entry(
    reference=lambda p, t: max(mpf(0), 1 - t * p),
    peers={
        "textbook": [Peer(lambda xp, x, t: xp.mean(xp.maximum(0, 1 - t * x)))],
        "optax": [Peer("hinge_loss")],
        "keras": [Peer("hinge")],
    },
)

ENTRIES["squared_hinge"] = Entry(
    reference=lambda p, t: max(mpf(0), 1 - t * p) ** 2,
    peers={
        "textbook": [Peer(lambda xp, x, t: xp.mean(xp.maximum(0, 1 - t * x) ** 2))],
        "keras": [Peer("squared_hinge")],
    },
)

ENTRIES["soft_margin"] = Entry(
    reference=lambda p, t: mpmath.log1p(mpmath.exp(-t * p)),
    exponential=True,
    peers={
        "textbook": [Peer(lambda xp, x, t: xp.mean(xp.log1p(xp.exp(-t * x))))],
        "torch": [Peer("soft_margin_loss")],
    },
)
