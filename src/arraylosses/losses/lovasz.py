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
from ._regions import RegionLoss, mean_of_classes, quotient

__all__ = ["LovaszHinge", "LovaszSoftmax"]


# With the errors of the places in descending order, the loss of the first k of them is
# J_k = 1 - (inside - true_k) / (inside + false_k), and the weight of the k-th error is J_k - J_(k-1). For a true place
# that is 1 / U_k, for another one I_k / (U_(k-1) U_k), with intersections I and unions U: no difference is taken.
def _weights(errors: Array, true: Array, kept: Array | None) -> Array:
    """The derivative of the Lovász extension of the Jaccard loss by each error along the last axis.

    The extension is the sum of the errors times these. `true` is 1 within the region, else 0.
    """
    xp = array_namespace(errors, true)
    order = sorting.descending(errors)
    if kept is None:
        true = sorting.reordered(true, order, -1)
        places = 1.0 + indexing.places(true, true.shape[-1], true.dtype)
        false, places = 1.0 - true, places[(*(None,) * (true.ndim - 1), slice(None))]
    else:
        true, kept = sorting.reordered(true * kept, order, -1), sorting.reordered(kept, order, -1)
        false, places = kept - true, reductions.cumulative_sum(kept, -1)
    inside, true_so_far = xp.sum(true, axis=-1, keepdims=True), reductions.cumulative_sum(true, -1)
    union = inside + (places - true_so_far)
    intersection = inside - true_so_far  # which a false place leaves as it was
    none = union - false == 0  # so far, of an empty region: its first false place costs all
    ratio = special.where(none, 1.0, intersection / special.where(none, 1.0, union - false))
    return sorting.restored((true + false * ratio) / special.where(union == 0, 1.0, union), order, -1)


def _in_rows(x: Array, first: int) -> Array:
    """All places along the last axis, after the first ones."""
    shape = x.shape[first:]
    return indexing.reshape_last(x, len(shape), (math.prod(shape),))


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
        axis = self.axis % logits.ndim
        return self._value(*self._terms(self._probabilities(logits, labels, axis), labels, where, axis))

    def value_and_derivatives(
        self, positions: tuple[int, ...], logits: Array, labels: Array, where: Array | None = None
    ) -> tuple[Array, tuple[Array, ...]]:
        axis = self.axis % logits.ndim
        probabilities = self._probabilities(logits, labels, axis)
        errors, weights, weight = self._terms(probabilities, labels, where, axis)
        xp = array_namespace(errors, weight)
        share = quotient(weight, xp.sum(weight, axis=-1, keepdims=True))
        by_error = self._places(weights * share[..., None], logits, axis)
        by_label = -indexing.gather(by_error, labels, axis)
        if self.from_logits:
            derivative = softmax.pullback_beside_label(*probabilities, labels, by_error, by_label, axis)
        else:
            derivative = indexing.scatter(by_error, labels, by_label, axis)
        return self._value(errors, weights, weight), (derivative,)

    def _probabilities(self, logits: Array, labels: Array, axis: int) -> tuple[Array, Array, Array]:
        """p of all classes, with 0 for the label, and p and 1 - p of the label."""
        if self.from_logits:
            return softmax.probabilities_beside_label(logits, labels, axis)
        label = indexing.gather(logits, labels, axis)
        return indexing.scatter(logits, labels, 0.0, axis), label, 1.0 - label

    def _terms(
        self, probabilities: tuple[Array, Array, Array], labels: Array, where: Array | None, axis: int
    ) -> tuple[Array, Array, Array]:
        """The errors of each class in all places, their weights, and the weight of each class."""
        rest, _, complement = probabilities
        xp = array_namespace(rest, labels)
        errors = self._rows(indexing.scatter(rest, labels, complement, axis), axis)
        true = self._rows(indexing.one_hot(rest, labels, axis, 1.0), axis)
        kept = None
        if where is not None:
            kept = self._rows(xp.astype(indexing.expand_dims(where, axis), rest.dtype), axis)
            kept = xp.broadcast_to(kept, true.shape)
        there = xp.sum(true if kept is None else true * kept, axis=-1) > 0
        weight = self.weight_of_classes(rest, axis) * xp.astype(there, rest.dtype)
        return errors, _weights(errors, true, kept), weight

    @staticmethod
    def _value(errors: Array, weights: Array, weight: Array) -> Array:
        return mean_of_classes(array_namespace(errors).sum(errors * weights, axis=-1), weight)

    def _order(self, ndim: int, axis: int) -> tuple[int, ...]:
        first = self.item_axes(axis)
        return (*first, *[k for k in range(ndim) if k not in first])

    def _rows(self, x: Array, axis: int) -> Array:
        """All places along the last axis, after those of the images and of the classes."""
        xp = array_namespace(x)
        x = xp.permute_dims(x, self._order(x.ndim, axis))
        return _in_rows(x, 1 + self.per_image)

    def _places(self, rows: Array, like: Array, axis: int) -> Array:
        """What `_rows` makes such rows of."""
        xp = array_namespace(rows)
        order = self._order(like.ndim, axis)
        shape = tuple([like.shape[k] for k in order[1 + self.per_image :]])
        x = indexing.reshape_last(rows, 1, shape)
        return xp.permute_dims(x, tuple(sorted(range(like.ndim), key=order.__getitem__)))


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
        errors, _, weights = self._terms(logits, labels, where)
        return array_namespace(errors).sum(errors * weights, axis=-1)

    def value_and_derivatives(
        self, positions: tuple[int, ...], logits: Array, labels: Array, where: Array | None = None
    ) -> tuple[Array, tuple[Array, ...]]:
        errors, sign, weights = self._terms(logits, labels, where)
        xp = array_namespace(errors)
        derivative = special.where(errors > 0, -sign, 0.0) * weights
        return xp.sum(errors * weights, axis=-1), (
            indexing.reshape_last(derivative, 1, logits.shape[int(self.per_image) :]),
        )

    def _terms(self, logits: Array, labels: Array, where: Array | None) -> tuple[Array, Array, Array]:
        """The errors, the signs, and the weights of the errors, with all places along the last axis."""
        xp = array_namespace(logits, labels)
        true = self._rows(xp.astype(labels, logits.dtype))
        sign = 2.0 * true - 1.0
        errors = special.relu(1.0 - sign * self._rows(logits))
        return errors, sign, _weights(errors, true, None if where is None else self._rows(xp.astype(where, true.dtype)))

    def _rows(self, x: Array) -> Array:
        return _in_rows(x, int(self.per_image))
