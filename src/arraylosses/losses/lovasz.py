"""Losses of the overlap of two regions that extend the Jaccard loss of hard predictions: the Lovász extension."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import special
from .._array_api import Array, array_namespace
from ..arguments import require_integer, require_one_of_type
from ..numerics import indexing, reductions, softmax, sorting
from ..registry import register
from ._base import PureLoss
from ._regions import RegionLoss, mean_of_classes

__all__ = ["LovaszHinge", "LovaszSoftmax"]


# With the errors of the places in descending order, the loss of the first k of them is
# J_k = 1 - (inside - true_k) / (inside + false_k), and the weight of the k-th error is J_k - J_(k-1). For a true place
# that is 1 / U_k, for another one I_k / (U_(k-1) U_k), with intersections I and unions U: no difference is taken.
def _lovasz(errors: Array, true: Array, kept: Array | None) -> Array:
    """The Lovász extension of the Jaccard loss along the last axis, where `true` is 1 within the region, else 0."""
    xp = array_namespace(errors, true)
    false = 1.0 - true
    if kept is not None:
        true, false = true * kept, false * kept
    order = xp.argsort(errors, axis=-1, descending=True)
    inside = xp.sum(true, axis=-1, keepdims=True)
    true, false = sorting.reordered(true, order, -1), sorting.reordered(false, order, -1)
    union = inside + reductions.cumulative_sum(false, -1)
    intersection = inside - reductions.cumulative_sum(true, -1)  # which a false place leaves as it was
    none = union - false == 0  # so far, of an empty region: its first false place costs all
    ratio = special.where(none, 1.0, intersection / special.where(none, 1.0, union - false))
    weight = (true + false * ratio) / special.where(union == 0, 1.0, union)
    return xp.sum(errors * sorting.restored(weight, order, -1), axis=-1)


@register
@dataclass(frozen=True, kw_only=True)
class LovaszSoftmax(RegionLoss):
    r"""Surrogate of the Jaccard loss of hard predictions, for several classes: to fine-tune a model for mean IoU.

    .. math:: l = \frac{1}{\sum_c w_c} \sum_c w_c \sum_k m_k (J_k - J_{k-1});
        \quad m = |t_c - p_c|, \; p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    per_image : bool, default True
        Whether the sums are those of each image; otherwise they are those of the batch, which is one item.
    class_weight : sequence or array of shape (C,), optional
        One number a class: the mean over the classes which are there is divided by their sum.
    include_background : bool, default True
        Whether class 0 counts.
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise probabilities.
    axis : int, default -1
        The class axis. Images lie along the first of the other axes.
    ignore_index : int, optional
        An integer label whose places are left out. It may lie outside [0, C).
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (N, ..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities.
    labels : array, shape (N, ...)
        Integer labels in [0, C), of the shape of `logits` without `axis`.

    See Also
    --------
    lovasz_hinge : For one class.
    jaccard : Of probabilities, to train from the start.

    Notes
    -----
    The errors m are in descending order, and J_k is the Jaccard loss of a prediction which is wrong at the first k of
    their places: the Lovász extension of that loss. The order is no part of the derivative.

    The mean is that of the classes which are in the image (the paper's "present"). The paper's own code takes the
    places of a batch together, which is ``per_image=False``.

    `where` has the shape of the labels without a class axis, and leaves out places. An image without any is left out
    itself. `weight` has one number an image.

    References
    ----------
    Berman, Triki and Blaschko, The Lovász-softmax loss: a tractable surrogate for the optimization of the
    intersection-over-union measure in neural networks (2018). https://arxiv.org/abs/1705.08790

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p = np.asarray([[[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]]])
    >>> float(al.lovasz_softmax(p, np.asarray([[0, 0, 1]]), from_logits=False))
    0.375
    """

    arrays = (
        "logits[N, ..., C]: real if from_logits else distribution, labels[N, ...]: class, where[N, ...] "
        "-> [N] if per_image else []"
    )

    def call(self, logits: Array, labels: Array, where: Array | None = None) -> Array:
        xp = array_namespace(logits, labels)
        axis = self.axis % logits.ndim
        p, q = softmax.nll_and_probabilities(logits, axis)[1:] if self.from_logits else (logits, 1.0 - logits)
        true = indexing.one_hot(logits, labels, axis, 1.0)
        errors = self._rows(special.where(true > 0, q, p), axis)
        true = self._rows(true, axis)
        kept = None
        if where is not None:
            kept = self._rows(xp.astype(indexing.expand_dims(where, axis), p.dtype), axis)
        there = xp.sum(true if kept is None else true * kept, axis=-1) > 0
        return mean_of_classes(
            _lovasz(errors, true, kept), self.weight_of_classes(logits, axis) * xp.astype(there, p.dtype)
        )

    def _rows(self, x: Array, axis: int) -> Array:
        """All places along the last axis, after those of the images and of the classes."""
        xp = array_namespace(x)
        first = self.item_axes(axis)
        places = [k for k in range(x.ndim) if k not in first]
        lengths = [x.shape[k] for k in first]
        return xp.reshape(xp.permute_dims(x, (*first, *places)), (*lengths, math.prod([x.shape[k] for k in places])))


@register
@dataclass(frozen=True, kw_only=True)
class LovaszHinge(PureLoss):
    r"""Convex surrogate of the Jaccard loss of hard predictions, for one class: to fine-tune a model for IoU.

    .. math:: l = \sum_k m_k (J_k - J_{k-1});
        \quad m = \max(0, 1 - s \, \mathrm{logits}), \; s = 1 \text{ within the region, else } -1

    Parameters
    ----------
    per_image : bool, default True
        Whether the places of each image are taken together; otherwise they are those of the batch, which is one item.
    ignore_index : int, optional
        A label whose places are left out, such as 255.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (N, ...)
        Floating logits of the foreground.
    labels : array, shape (N, ...)
        0 or 1, or booleans, of the shape of `logits`.

    See Also
    --------
    lovasz_softmax : For several classes.
    jaccard : Of probabilities.

    Notes
    -----
    The errors m are in descending order, and J_k is the Jaccard loss of a prediction which is wrong at the first k of
    their places: the Lovász extension of that loss. The order is no part of the derivative. Of an image without
    foreground it is the largest error. The paper cuts the errors off at 0 after they are sorted, which is the same.

    `where` has the shape of the labels without a class axis, and leaves out places. An image without any is left out
    itself. `weight` has one number an image.

    References
    ----------
    Berman, Triki and Blaschko, The Lovász-softmax loss: a tractable surrogate for the optimization of the
    intersection-over-union measure in neural networks (2018). https://arxiv.org/abs/1705.08790

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.lovasz_hinge(np.asarray([[0.5, -2.0, 0.25, -1.0]]), np.asarray([[1, 0, 0, 0]])))
    0.875
    """

    arrays = "logits[N, ...]: real, labels[N, ...]: class of 2, where[N, ...] -> [N] if per_image else []"

    per_image: bool = True
    ignore_index: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, per_image=self.per_image)
        if self.ignore_index is not None:
            require_integer(ignore_index=self.ignore_index)

    def call(self, logits: Array, labels: Array, where: Array | None = None) -> Array:
        xp = array_namespace(logits, labels)
        true = xp.astype(labels, logits.dtype)
        errors = special.relu(1.0 - (2.0 * true - 1.0) * logits)
        kept = None if where is None else self._rows(xp.astype(where, logits.dtype))
        return _lovasz(self._rows(errors), self._rows(true), kept)

    def _rows(self, x: Array) -> Array:
        first = x.shape[: int(self.per_image)]
        return array_namespace(x).reshape(x, (*first, math.prod(x.shape[len(first) :])))
