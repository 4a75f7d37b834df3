"""Losses of a real number: the error e = prediction - target, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import special
from .._array_api import NUMBERS, Array, Real, array_namespace
from ..arguments import require_nonnegative, require_positive, require_range
from ..numerics import elementwise, logarithms, logistic, settings
from ..registry import register
from ._base import ErrorLoss, PureLoss

__all__ = [
    "AbsoluteError",
    "HalfSquaredError",
    "Huber",
    "LogCosh",
    "PseudoHuber",
    "Quantile",
    "SmoothL1",
    "SquaredError",
    "SquaredLogarithmicError",
]


@register("mse", "MSE", "mean_squared_error", "MeanSquaredError", "MSELoss", "mse_loss")
@dataclass(frozen=True, kw_only=True)
class SquaredError(ErrorLoss):
    r"""Square of the error. The mean is the right prediction under it, and far outliers rule it.

    .. math:: l = (\mathrm{prediction} - \mathrm{target})^2

    Parameters
    ----------
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

    See Also
    --------
    huber : Where some targets are outliers.
    half_squared_error : With a second derivative of 1.
    squared_logarithmic_error : For targets of many magnitudes.

    References
    ----------
    Gauss, Theoria motus corporum coelestium (1809), book 2, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.squared_error(np.asarray([1.0, 4.0]), np.asarray([0.0, 2.0])))
    2.5
    """

    def torch_kernel(self) -> tuple[str, dict[str, Any]]:
        return "mse_loss", {}

    # e²
    def _of_error(self, error: Array) -> Array:
        return error * error

    # 2 e
    def _derivative(self, error: Array) -> Array:
        return 2.0 * error

    # 2
    def _second_derivative(self, error: Array) -> Array:
        return array_namespace(error).full_like(error, 2.0)


@register("l2_loss")
@dataclass(frozen=True, kw_only=True)
class HalfSquaredError(ErrorLoss):
    r"""Half the square of the error: the derivative is the error itself, and the second derivative is 1.

    .. math:: l = (\mathrm{prediction} - \mathrm{target})^2 / 2

    Parameters
    ----------
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

    See Also
    --------
    squared_error : Without the factor 1/2.
    gaussian_nll : With a predicted variance.

    References
    ----------
    Bishop, Pattern Recognition and Machine Learning (2006), section 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.half_squared_error(np.asarray([1.0, 4.0]), np.asarray([0.0, 2.0])))
    1.25
    """

    # e²/2, halved first: it is in range up to the root of the largest number
    def _of_error(self, error: Array) -> Array:
        return (0.5 * error) * error

    # e
    def _derivative(self, error: Array) -> Array:
        return error

    # 1
    def _second_derivative(self, error: Array) -> Array:
        return array_namespace(error).ones_like(error)


@register("mae", "MAE", "mean_absolute_error", "MeanAbsoluteError", "L1Loss", "l1_loss")
@dataclass(frozen=True, kw_only=True)
class AbsoluteError(ErrorLoss):
    r"""Size of the error. The median is the right prediction under it, so outliers do little.

    .. math:: l = |\mathrm{prediction} - \mathrm{target}|

    Parameters
    ----------
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

    See Also
    --------
    huber : Smooth near 0.
    quantile : For another quantile than the median.
    laplace_nll : With a predicted scale.

    References
    ----------
    Bloomfield and Steiger, Least Absolute Deviations (1983).

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.absolute_error(np.asarray([1.0, 4.0]), np.asarray([0.0, 2.0])))
    1.5
    """

    def torch_kernel(self) -> tuple[str, dict[str, Any]]:
        return "l1_loss", {}

    # |e|
    def _of_error(self, error: Array) -> Array:
        return special.absolute(error)

    # sign(e)
    def _derivative(self, error: Array) -> Array:
        return special.sign(error)


@register("huber_loss", "HuberLoss")
@dataclass(frozen=True, kw_only=True)
class Huber(ErrorLoss):
    r"""Squared near 0 and absolute far out: the usual choice where some targets are outliers.

    .. math:: l = e^2 / 2 \text{ if } |e| \le \delta, \text{ else } \delta (|e| - \delta / 2);
        \quad e = \mathrm{prediction} - \mathrm{target}

    Parameters
    ----------
    delta : float, default 1.0
        The error, above 0, at which it turns from squared to absolute.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

    See Also
    --------
    smooth_l1 : The same over `delta`, with a slope of 1 far out.
    pseudo_huber : With all derivatives.
    general_robust : Where outliers should not count at all.

    References
    ----------
    Huber, Robust estimation of a location parameter (1964). https://doi.org/10.1214/aoms/1177703732

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.huber(np.asarray([0.5, 3.0]), np.asarray([0.0, 0.0]), reduction="sum"))
    2.625
    """

    delta: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(delta=self.delta)

    def torch_kernel(self) -> tuple[str, dict[str, Any]]:
        return "huber_loss", {"delta": self.delta}

    # e²/2 where |e| <= delta, delta (|e| - delta/2) elsewhere. Clipping e states both pieces without a branch.
    def _of_error(self, error: Array) -> Array:
        return self._value_and_derivative(error)[0]

    # e where |e| <= delta, delta sign(e) elsewhere
    def _derivative(self, error: Array) -> Array:
        return special.clip(error, -self.delta, self.delta)

    def _value_and_derivative(self, error: Array) -> tuple[Array, Array]:
        clipped = self._derivative(error)
        return clipped * (error - clipped / 2), clipped

    # 1 where |e| <= delta, 0 elsewhere
    def _second_derivative(self, error: Array) -> Array:
        return elementwise.clip_derivative(error, -self.delta, self.delta)


@register("SmoothL1Loss", "smooth_l1_loss")
@dataclass(frozen=True, kw_only=True)
class SmoothL1(ErrorLoss):
    r"""Huber's loss over its threshold, so that large errors always count with slope 1.

    .. math:: l = e^2 / (2 \beta) \text{ if } |e| \le \beta, \text{ else } |e| - \beta / 2;
        \quad e = \mathrm{prediction} - \mathrm{target}

    Parameters
    ----------
    beta : float, default 1.0
        The error, at least 0, at which it turns from squared to absolute. At 0 it is `absolute_error`.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

    See Also
    --------
    huber : The same times `beta`.
    giou : For boxes, as a whole.

    References
    ----------
    Girshick, Fast R-CNN (2015). https://arxiv.org/abs/1504.08083

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.smooth_l1(np.asarray([0.5, 3.0]), np.asarray([0.0, 0.0]), beta=2.0, reduction="sum"))
    2.0625
    """

    beta: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(beta=self.beta)

    def torch_kernel(self) -> tuple[str, dict[str, Any]] | None:
        if settings.is_zero(self.beta):
            return "l1_loss", {}
        # 0 / 0 on a GPU in float32 below these, and above them a square out of range
        return ("smooth_l1_loss", {"beta": self.beta}) if 2.0**-126 <= self.beta <= 2.0**60 else None

    # e²/(2 beta) where |e| <= beta, |e| - beta/2 elsewhere: Huber's over beta.
    def _of_error(self, error: Array) -> Array:
        return special.absolute(error) if settings.is_zero(self.beta) else self._value_and_derivative(error)[0]

    # e / beta where |e| <= beta, sign(e) elsewhere
    def _derivative(self, error: Array) -> Array:
        return special.sign(error) if settings.is_zero(self.beta) else self._value_and_derivative(error)[1]

    def _value_and_derivative(self, error: Array) -> tuple[Array, Array]:
        if settings.is_zero(self.beta):
            return self._of_error(error), self._derivative(error)
        beta = settings.at_least_tiny(self.beta, error)
        clipped = special.clip(error, -beta, beta)
        derivative = clipped / beta
        return derivative * (error - clipped / 2), derivative

    # 1 / beta where |e| <= beta, 0 elsewhere
    def _second_derivative(self, error: Array) -> Array:
        if settings.is_zero(self.beta):
            return super()._second_derivative(error)
        beta = settings.at_least_tiny(self.beta, error)
        return elementwise.clip_derivative(error, -beta, beta) / beta


@register
@dataclass(frozen=True, kw_only=True)
class PseudoHuber(ErrorLoss):
    r"""Huber's loss with all derivatives: e²/2 near 0, a slope of delta far out. Also known as Charbonnier's loss.

    .. math:: l = \delta^2 (\sqrt{1 + (e / \delta)^2} - 1); \quad e = \mathrm{prediction} - \mathrm{target}

    Parameters
    ----------
    delta : float, default 1.0
        The error, above 0, around which it turns from squared to absolute.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

    See Also
    --------
    huber : Exactly squared near 0, and faster.
    log_cosh : Without a threshold.

    References
    ----------
    Charbonnier et al., Deterministic edge-preserving regularization (1997). https://doi.org/10.1109/83.551699

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.pseudo_huber(np.asarray([0.75]), np.asarray([0.0])))
    0.25
    """

    delta: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(delta=self.delta)

    # delta² (sqrt(1 + r²) - 1) with r = e / delta, whose difference is r² / (1 + sqrt(1 + r²)): e c / (1 + root) with
    # c = delta r, where |r| is limited to 2^60. There c / (1 + root) is delta in every dtype, and r² does not overflow.
    def _of_error(self, error: Array) -> Array:
        clipped, root = self._clipped_and_root(error)
        if isinstance(self.delta, NUMBERS) and self.delta >= 2.0**-40:
            return error * (clipped / (1.0 + root))
        # The derivative of 1 + root is e c over its square, which may vanish: a small delta is multiplied by at last.
        unit = settings.limited(self.delta, elementwise.finfo(error).smallest_normal, 1.0)
        return unit * (error * (clipped / unit / (1.0 + root)))

    # c / sqrt(1 + r²)
    def _derivative(self, error: Array) -> Array:
        clipped, root = self._clipped_and_root(error)
        return clipped / root

    def _value_and_derivative(self, error: Array) -> tuple[Array, Array]:
        clipped, root = self._clipped_and_root(error)
        return error * (clipped / (1.0 + root)), clipped / root

    # (1 + r²)^(-3/2)
    def _second_derivative(self, error: Array) -> Array:
        _, root = self._clipped_and_root(error)
        return 1.0 / root / (root * root)

    def _clipped_and_root(self, error: Array) -> tuple[Array, Array]:
        delta = settings.at_least_tiny(self.delta, error)
        most = 2.0**60 * delta
        clipped = special.clip(error, -most, most)
        ratio = elementwise.quotient(clipped, delta)
        return clipped, array_namespace(ratio).sqrt(1.0 + ratio * ratio)


@register("logcosh")
@dataclass(frozen=True, kw_only=True)
class LogCosh(ErrorLoss):
    r"""Logarithm of the hyperbolic cosine: e²/2 near 0 and absolute far out, with all derivatives and no threshold.

    .. math:: l = \log \cosh(\mathrm{prediction} - \mathrm{target})

    Parameters
    ----------
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

    See Also
    --------
    huber : Where the size of an ordinary error is known.
    pseudo_huber : With a threshold.

    References
    ----------
    Green, Bayesian reconstructions from emission tomography data using a modified EM algorithm (1990).
    https://doi.org/10.1109/42.52985

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.log_cosh(np.asarray([0.5]), np.asarray([0.0]))), 6)
    0.120115
    """

    # log(cosh e)
    def _of_error(self, error: Array) -> Array:
        return special.log_cosh(error)

    # tanh e
    def _derivative(self, error: Array) -> Array:
        return logistic.tanh(error)

    # 1 - tanh² e = 1 / cosh² e
    def _second_derivative(self, error: Array) -> Array:
        return logistic.tanh_derivative(error)


@register("pinball", "mean_pinball_loss")
@dataclass(frozen=True, kw_only=True)
class Quantile(ErrorLoss):
    r"""Pinball loss: the q-quantile of the target is the right prediction under it.

    .. math:: l = \max(q u, (q - 1) u); \quad u = \mathrm{target} - \mathrm{prediction}

    Parameters
    ----------
    q : float, default 0.5
        The quantile, between 0 and 1. At 0.5 it is half of `absolute_error`. A sequence or an array broadcasts to the
        items: one number a column predicts several quantiles at once.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

    See Also
    --------
    expectile : Smooth, and the size of an error counts.
    crps_ensemble : For a whole sample of what is predicted.

    References
    ----------
    Koenker and Bassett, Regression quantiles (1978). https://doi.org/10.2307/1913643

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.quantile(np.asarray([1.0, 1.0]), np.asarray([3.0, 0.0]), q=0.75, reduction="sum"))
    1.75

    Three quantiles of each of two targets, which are given for each of them:

    >>> prediction, target = np.asarray([[0.0, 1.0, 4.0], [1.0, 2.0, 3.0]]), np.asarray([2.0, 0.0])
    >>> targets = np.broadcast_to(target[:, None], prediction.shape)
    >>> al.quantile(prediction, targets, q=[0.25, 0.5, 0.75], reduction="none").tolist()
    [[0.5, 0.5, 0.5], [0.75, 1.0, 0.75]]
    """

    q: Real = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(0, 1, ends=False, q=self.q)

    # (1 - q) e where e is positive, -q e where it is negative: the larger of the two.
    def _of_error(self, error: Array) -> Array:
        above, below = (1.0 - self.q) * error, -self.q * error
        return array_namespace(above).maximum(above, below)

    # 1 - q above the target, -q below it, and half of each at it
    def _derivative(self, error: Array) -> Array:
        return (special.sign(error) + 1.0) * 0.5 - self.q


@register("mean_squared_log_error")
@dataclass(frozen=True, kw_only=True)
class SquaredLogarithmicError(PureLoss):
    r"""Squared difference of logarithms: for targets of many magnitudes, where the ratio is what counts.

    .. math:: l = (\log(1 + \mathrm{prediction}) - \log(1 + \mathrm{target}))^2

    Parameters
    ----------
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, above -1, of one shape. An integer target is converted. The loss of a number below -1 is infinite or
        NaN.

    See Also
    --------
    squared_relative_error : With an error relative to the target.
    poisson_nll : For counts.

    References
    ----------
    Keras, MeanSquaredLogarithmicError. https://keras.io/api/losses/regression_losses/

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.squared_logarithmic_error(np.asarray([np.e - 1.0]), np.asarray([0.0])))
    1.0
    """

    arrays = "prediction[...]: above_minus_one, target[...]: above_minus_one -> [...]"

    # (log(1 + prediction) - log(1 + target))², as one logarithm of the ratio: two logarithms of nearly equal numbers
    # would leave no digit of their difference.
    def call(self, prediction: Array, target: Array) -> Array:
        ratio = logarithms.log1p_ratio(prediction, target)
        return ratio * ratio

    # 2 log((1 + prediction) / (1 + target)) / (1 + prediction)
    def value_and_derivatives(
        self, positions: tuple[int, ...], prediction: Array, target: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        ratio = logarithms.log1p_ratio(prediction, target)
        return ratio * ratio, (2.0 * ratio / (1.0 + prediction),)
