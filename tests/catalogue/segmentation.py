"""Entries of the losses of `losses/segmentation.py`."""

from __future__ import annotations

import numpy as np

from ._entry import AXIS, Entry, Equals, Refused
from ._numpy import softmax

ENTRIES: dict[str, Entry] = {}

OF_THREE = (1.0, 0.5, 2.0)
"""Numbers of classes for the three of these tests."""

OF_REGIONS = [
    AXIS,
    Refused({"per_image": 1}, "must be a bool, got 1", TypeError),
    Refused({"class_weight": (1.0, -1.0)}, "must be at least 0, got -1.0"),
    Refused({"include_background": 0}, "must be a bool, got 0", TypeError),
    Refused({"from_logits": "yes"}, "must be a bool", TypeError),
    Refused({"ignore_index": 1.0}, "must be an integer", TypeError),
]
OF_OVERLAPS = [
    *OF_REGIONS,
    Refused({"mode": "multi"}, "must be one of .*got 'multi'; did you mean"),
    Refused({"include_background": False, "mode": "binary"}, "must be True with mode='binary'"),
]
OF_SMOOTHED = [*OF_OVERLAPS, Refused({"smooth": -1.0}, "must be at least 0, got -1.0")]


def images(loss, arrays, where):
    """Of each item, the probabilities and the target of the places that are kept, (places, C) each."""
    z, target = arrays
    mode = getattr(loss, "mode", "multiclass")
    axis = None if mode == "binary" else loss.axis % z.ndim
    if target.dtype.kind in "iu":
        if loss.ignore_index is not None:
            where = where & (target != loss.ignore_index)
        if axis is not None:
            target = np.moveaxis(np.eye(z.shape[axis])[np.where(where, target, 0)], -1, axis)
    z, target = (x[..., None] if axis is None else np.moveaxis(x, axis, -1) for x in (z, target))
    p = z
    if loss.from_logits:
        p = softmax(z) if mode == "multiclass" else 1 / (1 + np.exp(-z))
    groups = [[k] for k in range(len(z))] if loss.per_image else [list(range(len(z)))]
    for group in groups:
        yield [np.concatenate([x[k][where[k]].reshape(-1, z.shape[-1]) for k in group]) for x in (p, target)]


def of_classes(loss, losses, weight=None):
    """The mean over the classes."""
    weight = np.ones(len(losses)) if weight is None else weight
    weight = weight * (np.ones(len(losses)) if loss.class_weight is None else np.asarray(loss.class_weight))
    if not loss.include_background:
        weight[0] = 0
    return np.sum(weight * losses) / np.sum(weight) if np.sum(weight) else 0.0


def items(formula):
    """A loop over the images, of a formula of the probabilities and the target of one of them."""

    def of_batch(loss, arrays, where):
        found = [(formula(loss, p, t), len(p) > 0) for p, t in images(loss, arrays, where)]
        shape = (len(found),) if loss.per_image else ()
        return tuple(np.reshape(x, shape) for x in zip(*found, strict=True))

    return of_batch


def index(numerator, denominator):
    """1 - x / y for each class, and 0 where both are 0."""
    return 1 - np.where(denominator == 0, 1.0, numerator / np.where(denominator == 0, 1.0, denominator))


def dice(loss, p, t):
    size = p.sum(0) + t.sum(0) + loss.smooth
    return of_classes(loss, index(2 * (p * t).sum(0) + loss.smooth, size))


ENTRIES["dice"] = Entry(
    of_batch=items(dice),
    settings=[
        {"axis": 1, "per_image": False, "ignore_index": 1, "class_weight": OF_THREE},
        {"axis": 0, "from_logits": False, "smooth": 0.0, "include_background": False},
        {"mode": "binary", "ignore_index": 0},
    ],
    refused=OF_SMOOTHED,
)


def tversky(loss, p, t):
    hit = (p * t).sum(0)
    errors = loss.alpha * (p.sum(0) - hit) + loss.beta * (t.sum(0) - hit)
    return of_classes(loss, index(hit + loss.smooth, hit + errors + loss.smooth) ** loss.gamma)


ENTRIES["tversky"] = Entry(
    of_batch=items(tversky),
    settings=[
        {"alpha": 0.25, "beta": 2.0, "gamma": 0.75, "mode": "multilabel", "class_weight": OF_THREE},
        {"alpha": 2.0, "smooth": 0.0, "per_image": False, "ignore_index": 1, "axis": 0, "from_logits": False}
        | {"include_background": False},
    ],
    refused=[
        *OF_SMOOTHED,
        Refused({"alpha": -0.1}, "must be at least 0, got -0.1"),
        Refused({"beta": -0.1}, "must be at least 0, got -0.1"),
        Refused({"gamma": 0.0}, "must be above 0, got 0.0"),
    ],
    special_cases=[
        Equals({"smooth": 0.5}, "dice"),
        Equals({"alpha": 1.0, "beta": 1.0, "smooth": 2.0}, "jaccard", {"smooth": 2.0}),
    ],
)


def jaccard(loss, p, t):
    hit = (p * t).sum(0)
    return of_classes(loss, index(hit + loss.smooth, p.sum(0) + t.sum(0) - hit + loss.smooth))


ENTRIES["jaccard"] = Entry(
    of_batch=items(jaccard),
    settings=[
        {"axis": 1, "per_image": False, "ignore_index": 1, "class_weight": OF_THREE},
        {"mode": "binary", "smooth": 0.0, "from_logits": False},
        {"mode": "multilabel", "include_background": False},
    ],
    refused=OF_SMOOTHED,
)


def generalized_dice(loss, p, t):
    there = t.sum(0)[t.sum(0) > 0]
    weight = (
        [1 / min(there) ** 2 if size == 0 else 1 / size**2 for size in t.sum(0)] if len(there) else [1.0] * len(t.T)
    )
    weight = np.asarray(weight) * (1.0 if loss.class_weight is None else np.asarray(loss.class_weight))
    if not loss.include_background:
        weight[0] = 0
    # `smooth` is a number of places of the smallest class
    smooth = loss.smooth * (1 / min(there) ** 2 if len(there) else 1)
    return index(2 * (weight * (p * t).sum(0)).sum() + smooth, (weight * (p.sum(0) + t.sum(0))).sum() + smooth)


ENTRIES["generalized_dice"] = Entry(
    of_batch=items(generalized_dice),
    settings=[
        {"axis": 1, "per_image": False, "ignore_index": 1, "class_weight": OF_THREE},
        {"mode": "multilabel", "smooth": 0.0, "from_logits": False, "include_background": False},
    ],
    refused=OF_SMOOTHED,
)


def mcc(loss, p, t):
    losses = []
    for a, b in zip(p.T, t.T, strict=True):  # the correlation of p with t, which for both in {0, 1} is Pearson's
        tp, fp, fn, tn = (a * b).sum(), (a * (1 - b)).sum(), ((1 - a) * b).sum(), ((1 - a) * (1 - b)).sum()
        product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
        has_both = (tp + fn) * (tn + fp) > 0
        losses.append(has_both * (1 - (tp * tn - fp * fn) / np.sqrt(product if product else 1.0)))
    return of_classes(loss, np.asarray(losses))


ENTRIES["mcc"] = Entry(
    of_batch=items(mcc),
    settings=[
        {"axis": 1, "per_image": False, "ignore_index": 1, "class_weight": OF_THREE},
        {"mode": "binary", "from_logits": False},
        {"mode": "multilabel", "include_background": False},
    ],
    refused=OF_OVERLAPS,
)
