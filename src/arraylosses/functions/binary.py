"""Losses of two classes: a target of 0 or 1 (or a probability), or of -1 or 1.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.binary import BinaryCrossEntropy, BinaryFocal, Hinge, SoftMargin, SquaredHinge
from ..reduction import Reduction

__all__ = ["binary_cross_entropy", "binary_focal", "hinge", "soft_margin", "squared_hinge"]


@function_form(BinaryCrossEntropy)
def binary_cross_entropy(
    prediction: Array,
    target: Array,
    *,
    from_logits: bool = True,
    pos_weight: Any = None,
    label_smoothing: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log-likelihood of a yes or no, for two classes or for many labels that do not exclude each other.

    .. math:: l = -\mathrm{target} \log p - (1 - \mathrm{target}) \log(1 - p);
        \quad p = 1 / (1 + \exp(-\mathrm{prediction}))

    Parameters
    ----------
    prediction : array
        Floating: logits, or with ``from_logits=False`` probabilities.
    target : array
        0 or 1, or a probability, of the shape of `prediction`. An integer or bool target is converted.
    from_logits : bool, default True
        Whether `prediction` holds logits.
    pos_weight : float or array that broadcasts to `prediction`, optional
        What the positive class counts, such as the ratio of negatives to positives; one number or one a label. Given as
        an array, it follows the library and the device of `prediction`.
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is replaced by 1/2.
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
    binary_focal : Where most items are easy negatives.
    cross_entropy : For classes that exclude each other.
    brier : Bounded.

    Notes
    -----
    The loss of a probability of 0 or 1 that is wrong is infinite. Keras's loss of probabilities, ``al.get("bce")``, and
    PyTorch's, ``al.get("BCELoss")``, limit it: see `dialects`.

    References
    ----------
    Cox, The regression analysis of binary sequences (1958). https://doi.org/10.1111/j.2517-6161.1958.tb00292.x

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.binary_cross_entropy(np.asarray([0.0, 1e4]), np.asarray([1, 1]))), 6)
    0.346574
    """
    return BinaryCrossEntropy.made(
        from_logits=from_logits,
        pos_weight=pos_weight,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(BinaryFocal)
def binary_focal(
    prediction: Array,
    target: Array,
    *,
    gamma: Real | Sequence[float] = 2.0,
    alpha: Real | Sequence[float] | None = None,
    from_logits: bool = True,
    label_smoothing: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Binary cross entropy in which easy items count little: for detection, where most items are easy negatives.

    .. math:: l = \alpha_t (1 - p_t)^{\gamma} (-\log p_t);
        \quad p_t = p \text{ if } \mathrm{target} = 1 \text{ else } 1 - p

    Parameters
    ----------
    prediction : array
        Floating: logits, or with ``from_logits=False`` probabilities.
    target : array
        0 or 1, or a probability, of the shape of `prediction`. An integer or bool target is converted.
    gamma : float, default 2.0
        How fast the weight of an item falls as it becomes easy; at least 0. At 0 it is `binary_cross_entropy`.
    alpha : float, optional
        Weight of the positive class, in [0, 1]; that of the negative class is 1 - alpha. Without it, both are 1.
    from_logits : bool, default True
        Whether `prediction` holds logits.
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is replaced by 1/2.
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
    binary_cross_entropy : With `pos_weight`, where a miss costs more.
    categorical_focal : For classes that exclude each other.
    asymmetric : For many rare labels.

    References
    ----------
    Lin et al., Focal loss for dense object detection (2017). https://arxiv.org/abs/1708.02002

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.binary_focal(np.asarray([0.0, 4.0]), np.asarray([1, 1]), reduction="sum")), 6)
    0.173293
    """
    return BinaryFocal.made(
        gamma=gamma,
        alpha=alpha,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(Hinge)
def hinge(
    prediction: Array,
    target: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Loss of the support vector machine: 0 once an item is on its side by a margin of 1.

    .. math:: l = \max(0, 1 - \mathrm{target} \cdot \mathrm{prediction})

    Parameters
    ----------
    prediction : array
        Floating scores.
    target : array
        -1 or 1, of the shape of `prediction`; ``2 * t - 1`` makes it of 0 and 1. An integer target is converted.
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
    squared_hinge : Smooth.
    binary_cross_entropy : Where probabilities are wanted.

    Notes
    -----
    Keras's loss of this name converts targets of 0 and 1 if it finds no others in the batch; this one does not.

    References
    ----------
    Cortes and Vapnik, Support-vector networks (1995). https://doi.org/10.1007/BF00994018

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.hinge(np.asarray([0.5, 0.5]), np.asarray([1, -1])))
    1.0
    """
    return Hinge.made(
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(SoftMargin)
def soft_margin(
    prediction: Array,
    target: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Logistic loss of a target of -1 or 1: `binary_cross_entropy` in the other convention.

    .. math:: l = \log(1 + \exp(-\mathrm{target} \cdot \mathrm{prediction}))

    Parameters
    ----------
    prediction : array
        Floating logits of any size: nothing overflows.
    target : array
        -1 or 1, of the shape of `prediction`. An integer target is converted.
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
    binary_cross_entropy : The same for targets of 0 and 1.
    hinge : 0 beyond a margin.

    References
    ----------
    Friedman, Hastie and Tibshirani, Additive logistic regression (2000). https://doi.org/10.1214/aos/1016218223

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.soft_margin(np.asarray([1e4]), np.asarray([-1])))
    10000.0
    """
    return SoftMargin.made(
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(SquaredHinge)
def squared_hinge(
    prediction: Array,
    target: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Square of the hinge loss: smooth where the margin is met, harder on what is far on the wrong side.

    .. math:: l = \max(0, 1 - \mathrm{target} \cdot \mathrm{prediction})^2

    Parameters
    ----------
    prediction : array
        Floating scores.
    target : array
        -1 or 1, of the shape of `prediction`; ``2 * t - 1`` makes it of 0 and 1. An integer target is converted.
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
    hinge : More lenient far on the wrong side.
    modified_huber : Likewise, and smooth.

    Notes
    -----
    Keras's loss of this name converts targets of 0 and 1 if it finds no others in the batch; this one does not.

    References
    ----------
    Chang, Hsieh and Lin, Coordinate descent method for large-scale L2-loss linear support vector machines (2008).
    https://www.jmlr.org/papers/v9/chang08a.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.squared_hinge(np.asarray([0.5, 0.5]), np.asarray([1, -1])))
    1.25
    """
    return SquaredHinge.made(
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)
