"""Losses of the error relative to the size of the target, or of target and prediction."""

from __future__ import annotations

from dataclasses import dataclass

from .. import special
from .._array_api import Array, Real, array_namespace
from ..arguments import require_nonnegative, require_one_of_type
from ..numerics import elementwise, logarithms
from ..registry import alias, register
from ._base import PureLoss

__all__ = ["AbsolutePercentageError", "SquaredRelativeError", "SymmetricAbsolutePercentageError"]


@register("mape", "MAPE", "mean_absolute_percentage_error", "MeanAbsolutePercentageError")
@dataclass(frozen=True, kw_only=True)
class AbsolutePercentageError(PureLoss):
    r"""Size of the error relative to the target's, in per cent.

    .. math:: l = 100 \, |\mathrm{prediction} - \mathrm{target}| / \max(|\mathrm{target}|, \epsilon)

    Parameters
    ----------
    percent : bool, default True
        In per cent, as Keras has it; otherwise as a fraction, as scikit-learn has it.
    epsilon : float, default 1e-7
        What a target nearer to 0 counts as; at least 0.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

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

    arrays = "prediction[...]: real, target[...]: real -> [...]"

    percent: bool = True
    epsilon: Real = 1e-7

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, percent=self.percent)
        require_nonnegative(epsilon=self.epsilon)

    # |e| / max(|target|, epsilon)
    def call(self, prediction: Array, target: Array) -> Array:
        half, size = self._half_and_size(prediction, target)
        return self._unit() * elementwise.divide(special.absolute(half), size)

    # sign(e) / max(|target|, epsilon)
    def value_and_derivatives(
        self, positions: tuple[int, ...], prediction: Array, target: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        half, size = self._half_and_size(prediction, target)
        value = self._unit() * (array_namespace(half).abs(half) / size)
        return value, (special.sign(half) * (self._unit() / 2 / size),)

    def _half_and_size(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        """Half the error, which is in range where the error may not be, and the size, not 0 where the error is 0."""
        half = 0.5 * prediction - 0.5 * target
        return half, logarithms.replace_unused_zeros(special.clip(special.absolute(target), self.epsilon), half)

    def _unit(self) -> float:
        """What half the error counts."""
        return 200.0 if self.percent else 2.0

    def second_derivative(self, prediction: Array, target: Array) -> Array:
        return array_namespace(prediction, target).zeros_like(prediction)


@register(
    "smape",
    "SMAPE",
    alias("symmetric_mean_absolute_percentage_error", percent=False, epsilon=1.17e-6),
)
@dataclass(frozen=True, kw_only=True)
class SymmetricAbsolutePercentageError(PureLoss):
    r"""Size of the error relative to the mean size of prediction and target, in per cent: at most 200.

    .. math:: l = 100 \, \frac{2 |\mathrm{prediction} - \mathrm{target}|}{\max(|\mathrm{prediction}| +
        |\mathrm{target}|, \epsilon)}

    Parameters
    ----------
    percent : bool, default True
        In per cent; otherwise as a fraction, at most 2, as torchmetrics has it.
    epsilon : float, default 1e-7
        What smaller sums of both sizes count as; at least 0.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

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

    arrays = "prediction[...]: real, target[...]: real -> [...]"

    percent: bool = True
    epsilon: Real = 1e-7

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, percent=self.percent)
        require_nonnegative(epsilon=self.epsilon)

    # 2 |e| / max(|prediction| + |target|, epsilon), of halves, whose sums are in range
    def call(self, prediction: Array, target: Array) -> Array:
        half, other = 0.5 * prediction, 0.5 * target
        size = special.clip(special.absolute(half) + special.absolute(other), 0.5 * self.epsilon)
        error = special.absolute(half - other)
        return (200.0 if self.percent else 2.0) * elementwise.divide(
            error, logarithms.replace_unused_zeros(size, error)
        )


@register
@dataclass(frozen=True, kw_only=True)
class SquaredRelativeError(PureLoss):
    r"""Square of the error relative to the target's size: for targets of many magnitudes, each to the same precision.

    .. math:: l = \left( \frac{\mathrm{prediction} - \mathrm{target}}{\max(|\mathrm{target}|, \epsilon)} \right)^2

    Parameters
    ----------
    epsilon : float, default 1e-7
        What a target nearer to 0 counts as; at least 0.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

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

    arrays = "prediction[...]: real, target[...]: real -> [...]"

    epsilon: Real = 1e-7

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(epsilon=self.epsilon)

    # (e / max(|target|, epsilon))²
    def call(self, prediction: Array, target: Array) -> Array:
        error = prediction - target
        size = special.clip(special.absolute(target), self.epsilon)
        ratio = elementwise.divide(error, logarithms.replace_unused_zeros(size, error))
        return ratio * ratio
