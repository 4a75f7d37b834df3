"""Losses of the overlap of two regions, over the places of an image or of a batch of them.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from .._array_api import Array
from ..loss_function import function_form
from ..losses.segmentation import Dice
from ..reduction import Reduction

__all__ = ["dice"]


@function_form(Dice)
def dice(
    logits: Array,
    labels: Array,
    *,
    per_image: bool = True,
    smooth: float = 1.0,
    from_logits: bool = True,
    axis: int = -1,
    ignore_index: int | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""One minus the overlap of a predicted and a true region, by their sizes: for classes that fill few places.

    .. math:: l = 1 - \frac{1}{C} \sum_c \frac{2 \sum p_c target_c + smooth}{\sum p_c + \sum target_c + smooth};
        \quad p = softmax(logits)

    Parameters
    ----------
    logits : array, shape (N, ..., C)
        Floating, with the classes along `axis` and the images along the first axis: logits, or with
        ``from_logits=False`` probabilities.
    labels : array, shape (N, ...) or (N, ..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class.
    per_image : bool, default True
        Whether the sums are those of each image; otherwise they are those of the batch, which is one item.
    smooth : float, default 1.0
        What is added to both sums, at least 0. Without it, a class that is neither there nor predicted counts as met.
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise probabilities.
    axis : int, default -1
        The class axis.
    ignore_index : int, optional
        A label whose places are left out. It may lie outside [0, C).
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

    Notes
    -----
    `where` has the shape of the labels and leaves out places. An image without any is left out itself. `weight` has one
    number an image.

    References
    ----------
    Milletari, Navab and Ahmadi, V-Net: fully convolutional neural networks for volumetric medical image segmentation
    (2016). https://arxiv.org/abs/1606.04797

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p = np.asarray([[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]])
    >>> round(float(al.dice(p, np.asarray([[0, 0, 1]]), from_logits=False, smooth=0.0)), 6)
    0.333333
    """
    return Dice(
        per_image=per_image,
        smooth=smooth,
        from_logits=from_logits,
        axis=axis,
        ignore_index=ignore_index,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)
