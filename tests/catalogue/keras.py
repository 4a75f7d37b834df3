"""Entries of the losses of `dialects/keras/losses.py`: what Keras does to its arrays first, by its documentation."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from . import binary, divergence, multiclass, regression
from ._entry import AXIS, CLASS_WEIGHT, Entry, Refused
from ._mpmath import limited

ENTRIES: dict[str, Entry] = {}


def _renormalized(x, epsilon):
    return limited([v / mpmath.fsum(x) for v in x], epsilon, 1 - epsilon)


def binary_crossentropy(p, t, epsilon, from_logits, **settings):
    p = p if from_logits else limited(p, epsilon, 1 - epsilon)
    return binary.binary_cross_entropy(p, t, from_logits, **settings)


ENTRIES["binary_crossentropy"] = Entry(
    reference=binary_crossentropy,
    exponential=True,
    settings=[{"epsilon": 0.125, "label_smoothing": 0.1}, {"from_logits": True, "pos_weight": 3.0}],
    refused=[
        *binary.ENTRIES["binary_cross_entropy"].refused,
        Refused({"epsilon": 0.6}, r"must lie in \[0, 0.5\]"),
    ],
)


def binary_focal_crossentropy(p, t, epsilon, from_logits, **settings):
    p = p if from_logits else limited(p, epsilon, 1 - epsilon)
    return binary.binary_focal(p, t, from_logits=from_logits, **settings)


ENTRIES["binary_focal_crossentropy"] = Entry(
    reference=binary_focal_crossentropy,
    exponential=True,
    settings=[{"epsilon": 0.125}, {"from_logits": True, "gamma": 1.5, "alpha": 0.25, "label_smoothing": 0.1}],
    refused=[
        *binary.ENTRIES["binary_focal"].refused,
        Refused({"epsilon": -0.1}, r"must lie in \[0, 0.5\]"),
    ],
)


def categorical_crossentropy(z, label, epsilon, from_logits, **settings):
    return multiclass.cross_entropy(
        z if from_logits else _renormalized(z, epsilon), label, from_logits=from_logits, **settings
    )


def categorical_crossentropy_scale(z, label, from_logits, **settings):
    return multiclass.cross_entropy_scale(z, label, **settings) if from_logits else 0


ENTRIES["categorical_crossentropy"] = Entry(
    reference=categorical_crossentropy,
    scale=categorical_crossentropy_scale,
    exponential=True,
    settings=[
        {"epsilon": 0.125, "ignore_index": 1},
        {"label_smoothing": 0.1, "axis": 0, "class_weight": CLASS_WEIGHT},
        {"from_logits": True, "z_loss": 0.125, "softcap": 30.0},
    ],
    refused=[
        *multiclass.ENTRIES["cross_entropy"].refused,
        Refused({"epsilon": 0.6}, r"must lie in \[0, 0.5\]"),
        Refused({"z_loss": 1e-4}, "must be 0.0 with from_logits=False"),
    ],
    edges={"real": multiclass.LOGITS},
)


def categorical_focal_crossentropy(z, label, epsilon, from_logits, **settings):
    z = z if from_logits else _renormalized(z, epsilon)
    return multiclass.categorical_focal(z, label, from_logits=from_logits, **settings)


ENTRIES["categorical_focal_crossentropy"] = Entry(
    reference=categorical_focal_crossentropy,
    exponential=True,
    settings=[
        {"alpha": CLASS_WEIGHT, "epsilon": 0.125},
        {"gamma": 0.5, "axis": 1, "label_smoothing": 0.1},
        {"from_logits": True, "class_weight": CLASS_WEIGHT, "ignore_index": 1},
    ],
    refused=[
        *multiclass.ENTRIES["categorical_focal"].refused,
        Refused({"epsilon": 0.6}, r"must lie in \[0, 0.5\]"),
    ],
    edges={"real": multiclass.LOGITS},
)


def _positive(epsilon, *arrays):
    return [limited(x, epsilon, mpf(1)) for x in arrays]


ENTRIES["kl_divergence"] = Entry(
    reference=lambda p, t, epsilon: divergence.kl_divergence(*_positive(epsilon, p, t), False, False),
    scale=lambda p, t, epsilon: divergence.kl_divergence_scale(*_positive(epsilon, p, t), False, False),
    settings=[{"epsilon": 0.0625, "axis": 1}],
    refused=[
        AXIS,
        Refused({"epsilon": 2.0}, r"must lie in \[0, 1\]"),
    ],
)

ENTRIES["mean_squared_logarithmic_error"] = Entry(
    reference=lambda p, t, epsilon: regression.squared_logarithmic_error(max(p, epsilon), max(t, epsilon)),
    settings=[{"epsilon": 0.5}],
    refused=[
        Refused({"epsilon": -1.0}, "must be at least 0"),
        Refused({"epsilon": float("inf")}, "must be finite"),
    ],
)
