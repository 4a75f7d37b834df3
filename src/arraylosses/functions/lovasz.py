"""Losses of the overlap of two regions that extend the Jaccard loss of hard predictions: the Lovász extension.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from typing import Any

from .._array_api import Array
from ..loss_function import function_form
from ..losses.lovasz import LovaszHinge, LovaszSoftmax
from ..reduction import Reduction

__all__ = ["lovasz_hinge", "lovasz_softmax"]


@function_form(LovaszHinge)
def lovasz_hinge(
    logits: Array,
    labels: Array,
    *,
    per_image: bool = True,
    ignore_index: int | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Convex surrogate of the Jaccard loss of hard predictions, for one class: to fine-tune a model for IoU.

    .. math:: l = \sum_k m_k (J_k - J_{k-1});
        \quad m = \max(0, 1 - s \, \mathrm{logits}), \; s = 1 \text{ within the region, else } -1

    Parameters
    ----------
    logits : array, shape (N, ...)
        Floating logits of the foreground.
    labels : array, shape (N, ...)
        0 or 1, or booleans, of the shape of `logits`.
    per_image : bool, default True
        Whether the places of each image are taken together; otherwise they are those of the batch, which is one item.
    ignore_index : int, optional
        A label whose places are left out, such as 255.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (N, ...), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or (N,) for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return LovaszHinge.made(
        per_image=per_image,
        ignore_index=ignore_index,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(LovaszSoftmax)
def lovasz_softmax(
    logits: Array,
    labels: Array,
    *,
    per_image: bool = True,
    class_weight: Any = None,
    include_background: bool = True,
    from_logits: bool = True,
    axis: int = -1,
    ignore_index: int | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Surrogate of the Jaccard loss of hard predictions, for several classes: to fine-tune a model for mean IoU.

    .. math:: l = \frac{1}{\sum_c w_c} \sum_c w_c \sum_k m_k (J_k - J_{k-1});
        \quad m = |t_c - p_c|, \; p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    logits : array, shape (N, ..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities.
    labels : array, shape (N, ...)
        Integer labels in [0, C), of the shape of `logits` without `axis`.
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
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (N, ...), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or (N,) for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return LovaszSoftmax.made(
        per_image=per_image,
        class_weight=class_weight,
        include_background=include_background,
        from_logits=from_logits,
        axis=axis,
        ignore_index=ignore_index,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)
