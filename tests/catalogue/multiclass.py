"""Entries of the losses of `losses/multiclass.py`."""

from __future__ import annotations

import mpmath

from arraylosses.arguments import DOMAINS

from ._entry import AXIS, CLASS_WEIGHT, Entry, Equals, Peer, Refused
from ._mpmath import entropy_term, log, log_softmax, one_hot, smoothed, softmax

ENTRIES: dict[str, Entry] = {}

OF_CLASSES = [
    AXIS,
    Refused({"class_weight": (1.0, -1.0)}, "must be at least 0, got -1.0"),
    Refused({"ignore_index": 1.0}, "must be an integer", TypeError),
]
OF_LOGITS = [
    Refused({"label_smoothing": -0.1}, "must lie in"),
    Refused({"from_logits": "yes"}, "must be a bool", TypeError),
]
OF_ENTROPY = [
    Refused({"z_loss": -1e-4}, "must be at least 0, got -0.0001"),
    Refused({"z_loss": float("inf")}, "must be finite, got inf"),
    Refused({"z_loss": None}, "must be a number, got None", TypeError),
    Refused({"softcap": 0.0}, r"must lie in \(0, inf\), got 0.0"),
    Refused({"softcap": float("inf")}, r"must lie in \(0, inf\), got inf"),
    Refused({"softcap": "30"}, "must be a number, got '30'", TypeError),
]

INF = float("inf")
LOGITS = (*DOMAINS["real"].rows, (-INF, 0.0, 1.0, -INF, 1.0), (INF, 0.0, -INF, 1e4, INF))
"""A logit may be infinite, so that a class is ruled out."""

DISTRIBUTIONS = ("real", "distribution")


def _log_probabilities(z, from_logits):
    return log_softmax(z) if from_logits else [log(v) for v in z]


def _capped(z, softcap):
    return z if softcap is None else [softcap * mpmath.tanh(v / softcap) for v in z]


def cross_entropy(z, label, from_logits, label_smoothing, z_loss, softcap, **_):
    target = smoothed(label, len(z), label_smoothing)
    z = _capped(z, softcap)
    logs = _log_probabilities(z, from_logits)
    value = mpmath.fsum(entropy_term(t, v) for t, v in zip(target, logs, strict=True))
    return value + z_loss * mpmath.log(mpmath.fsum(map(mpmath.exp, z))) ** 2 if z_loss else value


def cross_entropy_scale(z, label, label_smoothing, z_loss, softcap, **_):
    # A capped logit is rounded in its own units before the softmax; Σ |capped dl/dcapped| is what the loss makes of it.
    if softcap is None:
        return 0
    target, z = smoothed(label, len(z), label_smoothing), _capped(z, softcap)
    pull = 2 * z_loss * mpmath.log(mpmath.fsum(map(mpmath.exp, z)))
    p = softmax(z)
    # p Σ t - t without what the two have in common, as in an item that is all but certain
    others = [[mpmath.fsum(x[:k] + x[k + 1 :]) for k in range(len(z))] for x in (p, target)]
    slopes = [q * (t_rest + pull) - t * q_rest for q, t, q_rest, t_rest in zip(p, target, *others, strict=True)]
    return mpmath.fsum(abs(v * slope) for v, slope in zip(z, slopes, strict=True))


def textbook_log_softmax(xp, x):
    x = x - xp.max(x, axis=-1, keepdims=True)
    return x - xp.log(xp.sum(xp.exp(x), axis=-1, keepdims=True))


def textbook_cross_entropy(xp, x, labels):
    return -xp.mean(textbook_log_softmax(xp, x)[xp.arange(len(x)), labels])


def textbook_of_distributions(xp, x, t):
    return -xp.mean(xp.sum(t * textbook_log_softmax(xp, x), axis=-1))


ENTRIES["cross_entropy"] = Entry(
    reference=cross_entropy,
    scale=cross_entropy_scale,
    exponential=True,
    settings=[
        {"axis": 1, "label_smoothing": 0.1, "class_weight": CLASS_WEIGHT},
        {"from_logits": False, "ignore_index": 1},
        {"from_logits": False, "label_smoothing": 0.1, "axis": 0},
        {"z_loss": 0.125},
        {"softcap": 30.0},
        {"z_loss": 0.5, "softcap": 2.5, "label_smoothing": 0.1, "axis": 1},
    ],
    refused=[
        *OF_CLASSES,
        *OF_LOGITS,
        *OF_ENTROPY,
        Refused(
            {"z_loss": 1e-4, "from_logits": False},
            "must be 0.0 with from_logits=False, got 0.0001; it acts on logits",
        ),
        Refused(
            {"softcap": 30.0, "from_logits": False},
            "must be None with from_logits=False, got 30.0; it acts on logits",
        ),
    ],
    edges={"real": LOGITS},
    special_cases=[Equals({"class_weight": (2.0,) * 5}, "cross_entropy")],
    boosted=True,
    peers={
        "textbook": [
            Peer(textbook_cross_entropy),
            Peer(textbook_of_distributions, domains=DISTRIBUTIONS, of="distributions"),
        ],
        "torch": [
            Peer("cross_entropy", alike={"label_smoothing": 0.2, "ignore_index": 2}),
            Peer("cross_entropy", domains=DISTRIBUTIONS, of="distributions"),
        ],
        "optax": [
            Peer("softmax_cross_entropy_with_integer_labels"),
            Peer("softmax_cross_entropy", domains=DISTRIBUTIONS, of="distributions"),
        ],
        "keras": [
            Peer("sparse_categorical_crossentropy", {"from_logits": True}),
            Peer("categorical_crossentropy", {"from_logits": True}, domains=DISTRIBUTIONS, of="distributions"),
        ],
        "scikit-learn": [Peer("HalfMultinomialLoss")],
    },
)


def nll(logs, label, **_):
    return mpmath.fsum(entropy_term(t, v) for t, v in zip(one_hot(label, len(logs)), logs, strict=True))


def textbook_nll(xp, log_p, labels):
    return -xp.mean(log_p[xp.arange(len(log_p)), labels])


ENTRIES["nll"] = Entry(
    reference=nll,
    settings=[{"axis": 1, "class_weight": CLASS_WEIGHT, "ignore_index": 1}],
    refused=OF_CLASSES,
    peers={"textbook": [Peer(textbook_nll)], "torch": [Peer("nll_loss", alike={"ignore_index": 2})]},
)


def categorical_focal(z, label, gamma, alpha, from_logits, label_smoothing, **_):
    target = smoothed(label, len(z), label_smoothing)
    logs = _log_probabilities(z, from_logits)
    if from_logits:
        p = softmax(z)
        rest = [mpmath.fsum(p[:k] + p[k + 1 :]) for k in range(len(p))]
    else:
        rest = [1 - mpmath.exp(v) for v in logs]
    alphas = list(alpha) if isinstance(alpha, tuple) else [1 if alpha is None else alpha] * len(z)
    terms = zip(target, logs, rest, alphas, strict=True)
    return mpmath.fsum(entropy_term(t, v) * a * r**gamma for t, v, r, a in terms)


def textbook_categorical_focal(xp, x, labels, gamma=2.0):
    log_p = textbook_log_softmax(xp, x)[xp.arange(len(x)), labels]
    return -xp.mean((1 - xp.exp(log_p)) ** gamma * log_p)


def torch_categorical_focal(torch, x, labels, gamma=2.0):
    entropy = torch.nn.functional.cross_entropy(x, labels, reduction="none")
    return torch.mean((1 - torch.exp(-entropy)) ** gamma * entropy)


ENTRIES["categorical_focal"] = Entry(
    reference=categorical_focal,
    exponential=True,
    settings=[
        {"gamma": 0.5, "alpha": 0.25, "axis": 1, "label_smoothing": 0.1},
        {"alpha": CLASS_WEIGHT, "from_logits": False},
        {"class_weight": CLASS_WEIGHT, "ignore_index": 1},
    ],
    refused=[
        *OF_CLASSES,
        *OF_LOGITS,
        Refused({"gamma": -2.0}, "must be at least 0"),
        Refused({"alpha": -2.0}, "must be at least 0"),
    ],
    edges={"real": LOGITS},
    special_cases=[Equals({"gamma": 0.0}, "cross_entropy")],
    peers={
        "textbook": [Peer(textbook_categorical_focal)],
        "torch textbook": [Peer(torch_categorical_focal)],
        "keras": [
            Peer(
                "categorical_focal_crossentropy",
                {"from_logits": True, "alpha": 1.0},
                domains=DISTRIBUTIONS,
                of="distributions",
            )
        ],
    },
)
