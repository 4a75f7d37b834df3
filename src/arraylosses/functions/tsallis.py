"""Losses whose derivative is a sparse probability less the target: Fenchel-Young losses of Tsallis entropies.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from typing import Any

from .._array_api import Array
from ..loss_function import function_form
from ..losses.tsallis import Entmax, MulticlassSparsemax, Sparsemax
from ..reduction import Reduction

__all__ = ["entmax", "multiclass_sparsemax", "sparsemax"]


@function_form(Entmax)
def entmax(
    logits: Array,
    labels: Array,
    *,
    axis: int = -1,
    class_weight: Any = None,
    ignore_index: int | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Between cross entropy and the sparsemax loss: smooth probabilities of which the small ones are 0.

    .. math:: l = \max_p \left( \sum_c p_c \mathrm{logits}_c + \frac{4}{3} \Big(1 - \sum_c p_c^{3/2} \Big) \right) -
        \mathrm{logits}_{\mathrm{label}}

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating, with the classes along `axis`. A row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class, under which the loss is the expected one.
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

    See Also
    --------
    multiclass_sparsemax : With more zeros.
    cross_entropy : Without any.

    Notes
    -----
    It is the loss of 1.5-entmax, where softmax is entmax of 1 and sparsemax of 2: the derivative by the logits is
    that distribution less the target. It is 0 once the class leads by 2.

    References
    ----------
    Peters, Niculae and Martins, Sparse sequence-to-sequence models (2019). https://arxiv.org/abs/1905.05702

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits = np.asarray([[2.5, 0.0, 0.5], [0.0, 0.0, 0.0]])
    >>> al.entmax(logits, np.asarray([0, 2]), reduction="none").round(4).tolist()
    [0.0, 0.5635]
    """
    return Entmax.made(
        axis=axis,
        class_weight=class_weight,
        ignore_index=ignore_index,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(MulticlassSparsemax)
def multiclass_sparsemax(
    logits: Array,
    labels: Array,
    *,
    axis: int = -1,
    class_weight: Any = None,
    ignore_index: int | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Cross entropy's counterpart for probabilities that may be 0: 0 itself once the class leads by 1.

    .. math:: l = \max_p \left( \sum_c p_c \mathrm{logits}_c + \frac{1 - \sum_c p_c^2}{2} \right) -
        \mathrm{logits}_{\mathrm{label}}

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating, with the classes along `axis`. A row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class, under which the loss is the expected one.
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

    See Also
    --------
    entmax : Smoother.
    cross_entropy : Where no probability should be 0.

    Notes
    -----
    The derivative by the logits is sparsemax(logits) less the target, where sparsemax(logits) is the distribution that
    is closest to them. Of two classes with logits x and 0, it is `sparsemax` of x.

    References
    ----------
    Martins and Astudillo, From softmax to sparsemax: a sparse model of attention and multi-label classification (2016).
    https://arxiv.org/abs/1602.02068

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits = np.asarray([[1.5, 0.0, 0.5], [0.0, 0.0, 0.5]])
    >>> al.multiclass_sparsemax(logits, np.asarray([0, 2]), reduction="none").round(4).tolist()
    [0.0, 0.0833]
    """
    return MulticlassSparsemax.made(
        axis=axis,
        class_weight=class_weight,
        ignore_index=ignore_index,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(Sparsemax)
def sparsemax(
    prediction: Array,
    target: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Loss of a yes or no whose probability is 0 or 1 beyond a score of -1 or 1: the binary sparsemax loss.

    .. math:: l = (1 - \mathrm{target}) \, \phi(\mathrm{prediction}) + \mathrm{target} \, \phi(-\mathrm{prediction});
        \quad \phi(x) = \begin{cases} 0 & x \le -1 \\ (x + 1)^2 / 4 & -1 < x < 1 \\ x & x \ge 1 \end{cases}

    Parameters
    ----------
    prediction : array
        Floating scores. That of a score s is a probability of min(max((s + 1) / 2, 0), 1).
    target : array
        0 or 1, or a probability, of the shape of `prediction`. An integer or bool target is converted.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    binary_cross_entropy : Where no probability should be 0.
    multiclass_sparsemax : For several classes.

    Notes
    -----
    It is a quarter of `modified_huber`, whose targets are -1 and 1. The derivative is the probability less the target.

    References
    ----------
    Blondel, Martins and Niculae, Learning with Fenchel-Young losses (2020). https://arxiv.org/abs/1901.02324

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.sparsemax(np.asarray([0.0, 3.0, -2.0]), np.asarray([1, 0, 0]), reduction="none").tolist()
    [0.25, 3.0, 0.0]
    """
    return Sparsemax.made(
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)
