"""Losses of several classes that should be apart by a margin.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from typing import Any

from .._array_api import Array
from ..loss_function import function_form
from ..losses.margin import CategoricalHinge
from ..reduction import Reduction

__all__ = ["categorical_hinge"]


@function_form(CategoricalHinge)
def categorical_hinge(
    logits: Array,
    labels: Array,
    *,
    margin: float = 1.0,
    axis: int = -1,
    class_weight: Any = None,
    ignore_index: int | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Loss of the multiclass support vector machine: 0 once the class leads all others by a margin.

    .. math:: l = \max(0, margin + \max_{j \ne label} logits_j - logits_{label})

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating scores, with the classes along `axis`. A row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class, under which the loss is the expected one.
    margin : float, default 1.0
        The lead that is asked for; at least 0.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `logits` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    Notes
    -----
    Keras's loss of this name lets the true class take part with a score of 0, and so differs where all other scores are
    negative.

    References
    ----------
    Crammer and Singer, On the algorithmic implementation of multiclass kernel-based vector machines (2001).
    https://www.jmlr.org/papers/v2/crammer01a.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores = np.asarray([[3.0, 1.0, 0.0], [0.5, 0.0, 1.0]])
    >>> al.categorical_hinge(scores, np.asarray([0, 0]), reduction="none").tolist()
    [0.0, 1.5]
    """
    return CategoricalHinge(
        margin=margin,
        axis=axis,
        class_weight=class_weight,
        ignore_index=ignore_index,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)
