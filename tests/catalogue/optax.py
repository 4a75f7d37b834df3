"""Entries of the losses of `dialects/optax`: what Optax computes, by its documentation."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from . import embedding
from ._entry import AXIS, Entry, Refused

ENTRIES: dict[str, Entry] = {}

EPSILON = [
    Refused({"epsilon": -1e-6}, "must be at least 0"),
    Refused({"epsilon": float("inf")}, "must be finite"),
]


def cosine_similarity(x, y, epsilon):
    lengths = [max(mpmath.sqrt(mpmath.fsum(v * v for v in z)), mpmath.sqrt(epsilon)) for z in (x, y)]
    return mpmath.fdot(x, y) / lengths[0] / lengths[1] if all(lengths) else mpf(0)


def cosine_similarity_scale(x, y, epsilon):
    return cosine_similarity([abs(v) for v in x], [abs(v) for v in y], epsilon)


ENTRIES["cosine_similarity"] = Entry(
    reference=cosine_similarity,
    scale=cosine_similarity_scale,
    settings=[{"axis": 1, "epsilon": 2.0}],
    refused=[AXIS, *EPSILON],
)

ENTRIES["cosine_distance"] = Entry(
    reference=lambda x, y, epsilon: 1 - cosine_similarity(x, y, epsilon),
    scale=lambda x, y, epsilon: mpf(1),
    settings=[{"axis": 1, "epsilon": 2.0}],
    refused=[AXIS, *EPSILON],
)


def _length(x, y, p, epsilon):
    return (mpmath.fsum(abs(a - b) ** p for a, b in zip(x, y, strict=True)) + epsilon) ** (1 / mpf(p))


def triplet_margin_loss(anchor, positive, negative, margin, p, swap, epsilon):
    far = _length(anchor, negative, p, epsilon)
    far = min(far, _length(positive, negative, p, epsilon)) if swap else far
    return max(mpf(0), margin + _length(anchor, positive, p, epsilon) - far)


def triplet_margin_loss_scale(anchor, positive, negative, margin, p, epsilon, **_):
    return max(margin, *[_length(anchor, x, p, epsilon) for x in (positive, negative)])


ENTRIES["triplet_margin_loss"] = Entry(
    reference=triplet_margin_loss,
    scale=triplet_margin_loss_scale,
    settings=[{"margin": 0.5, "p": 1.0, "axis": 1}, {"swap": True, "epsilon": 0.125}, {"p": 3.0}],
    edges={"real": embedding.TRIPLETS},
    refused=[*embedding.ENTRIES["triplet_margin"].refused, *EPSILON, Refused({"p": float("inf")}, "must be finite")],
)

OF_OVERLAPS = [
    Refused({"smooth": -1.0}, "must be at least 0, got -1.0"),
    Refused({"apply_softmax": 1}, "must be a bool, got 1", TypeError),
    Refused({"ignore_background": 0}, "must be a bool, got 0", TypeError),
]

ENTRIES["dice_loss"] = Entry(
    tested_in="dialects/test_optax: against Optax, since an item may be a class of an image",
    settings=[
        {"smooth": 0.5, "alpha": 0.25, "beta": 2.0, "class_weights": (1.0, 0.5, 2.0)},
        {"apply_softmax": False, "ignore_background": True, "over_classes": "none"},
    ],
    refused=[
        *OF_OVERLAPS,
        Refused({"alpha": -1.0}, "must be at least 0"),
        Refused({"beta": -1.0}, "must be at least 0"),
        Refused({"class_weights": (1.0, -1.0)}, "must be at least 0, got -1.0"),
        Refused({"over_classes": "max"}, "must be one of .*got 'max'"),
    ],
)

ENTRIES["multiclass_generalized_dice_loss"] = Entry(
    tested_in="dialects/test_optax: against Optax, since the batch is one item",
    settings=[{"smooth": 0.5, "apply_softmax": False, "ignore_background": True}],
    refused=OF_OVERLAPS,
)
