"""Losses of the error relative to the size of the target, or of target and prediction.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.relative import AbsolutePercentageError, SquaredRelativeError, SymmetricAbsolutePercentageError
from ..reduction import Reduction

__all__ = ["absolute_percentage_error", "squared_relative_error", "symmetric_absolute_percentage_error"]


@function_form(AbsolutePercentageError)
def absolute_percentage_error(
    prediction: Array,
    target: Array,
    *,
    percent: bool = True,
    epsilon: Real | Sequence[float] = 1e-07,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Size of the error relative to the target's, in per cent.

    .. math:: l = 100 \, |\mathrm{prediction} - \mathrm{target}| / \max(|\mathrm{target}|, \epsilon)

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape. An integer target is converted.
    percent : bool, default True
        In per cent, as Keras has it; otherwise as a fraction, as scikit-learn has it.
    epsilon : float, default 1e-7
        What a target nearer to 0 counts as; at least 0.
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
    symmetric_absolute_percentage_error : Bounded, where targets are near 0.
    squared_logarithmic_error : Smooth.

    References
    ----------
    Hyndman and Koehler, Another look at measures of forecast accuracy (2006).
    https://doi.org/10.1016/j.ijforecast.2006.03.001

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.absolute_percentage_error(np.asarray([5.0]), np.asarray([4.0])))
    25.0
    """
    return AbsolutePercentageError.made(
        percent=percent,
        epsilon=epsilon,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(SquaredRelativeError)
def squared_relative_error(
    prediction: Array,
    target: Array,
    *,
    epsilon: Real | Sequence[float] = 1e-07,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Square of the error relative to the target's size: for targets of many magnitudes, each to the same precision.

    .. math:: l = \left( \frac{\mathrm{prediction} - \mathrm{target}}{\max(|\mathrm{target}|, \epsilon)} \right)^2

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape. An integer target is converted.
    epsilon : float, default 1e-7
        What a target nearer to 0 counts as; at least 0.
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
    squared_logarithmic_error : Where too little and too much by one factor cost the same.
    absolute_percentage_error : With less weight on outliers.

    Notes
    -----
    It is the square of `absolute_percentage_error` as a fraction. The mean is a weighted mean of squared errors, with
    weights of ``target ** -2``; it prefers predictions that are too low.

    References
    ----------
    Park and Stefanski, Relative-error prediction (1998). https://doi.org/10.1016/S0167-7152(98)00088-1

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.squared_relative_error(np.asarray([5.0]), np.asarray([4.0])))
    0.0625
    """
    return SquaredRelativeError.made(
        epsilon=epsilon,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(SymmetricAbsolutePercentageError)
def symmetric_absolute_percentage_error(
    prediction: Array,
    target: Array,
    *,
    percent: bool = True,
    epsilon: Real | Sequence[float] = 1e-07,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Size of the error relative to the mean size of prediction and target, in per cent: at most 200.

    .. math:: l = 100 \, \frac{2 |\mathrm{prediction} - \mathrm{target}|}{\max(|\mathrm{prediction}| +
        |\mathrm{target}|, \epsilon)}

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape. An integer target is converted.
    percent : bool, default True
        In per cent; otherwise as a fraction, at most 2, as torchmetrics has it.
    epsilon : float, default 1e-7
        What smaller sums of both sizes count as; at least 0.
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
    absolute_percentage_error : Relative to the target alone.
    squared_logarithmic_error : Smooth.

    Notes
    -----
    Some authors leave out the factor of 2, so that it is at most 100. In spite of its name it treats a prediction that
    is too high by some amount otherwise than one that is too low by it.

    References
    ----------
    Makridakis, Accuracy measures: theoretical and practical concerns (1993).
    https://doi.org/10.1016/0169-2070(93)90079-3

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.symmetric_absolute_percentage_error(np.asarray([5.0]), np.asarray([3.0])))
    50.0
    """
    return SymmetricAbsolutePercentageError.made(
        percent=percent,
        epsilon=epsilon,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)
