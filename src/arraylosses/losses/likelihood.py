"""Losses that are the negative log-likelihood of a distribution whose parameters are predicted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .. import special
from .._array_api import NUMBERS, Array, Real, array_namespace, as_array
from ..arguments import require_nonnegative, require_one_of_type, require_positive
from ..numerics import bessel, elementwise, gamma, logarithms, reductions, settings
from ..registry import alias, register
from ._base import PureLoss

__all__ = ["GaussianNll", "LaplaceNll", "NegativeBinomialNll", "PoissonNll", "StudentTNll", "VonMisesNll"]

_FEW_RATES = 1 << 15
"""Elements up to which torch's own operations take the least time for logarithms of rates."""


@register(
    "PoissonNLLLoss",
    "poisson_nll_loss",
    alias("poisson", "Poisson", from_log=False, epsilon=1e-7),
)
@dataclass(frozen=True, kw_only=True)
class PoissonNll(PureLoss):
    r"""Negative log-likelihood of a Poisson distribution, for counts.

    .. math:: l = \mathrm{rate} - \mathrm{target} \log(\mathrm{rate} + \epsilon) \; (+ \log \mathrm{target}!);
        \quad \mathrm{rate} = \exp(\mathrm{prediction})

    Parameters
    ----------
    from_log : bool, default True
        Whether `prediction` is a logarithm.
    full : bool, default False
        Add log(target!) by Stirling's approximation for targets above 1.
    epsilon : float, default 0.0
        What is added to a rate before its logarithm is taken; at least 0. Without effect on a logarithm.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array
        Floating: the logarithm of the rate, or with ``from_log=False`` the rate itself, above 0.
    target : array
        Counts, of the shape of `prediction`. An integer target is converted.

    See Also
    --------
    negative_binomial_nll : Where counts vary more than their mean.
    poisson_deviance : Where 0 should be perfect.

    References
    ----------
    McCullagh and Nelder, Generalized Linear Models (1989), chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.poisson_nll(np.asarray([0.0, 0.0]), np.asarray([0, 3])))
    1.0
    """

    arrays = "prediction[...]: real if from_log else positive, target[...]: nonnegative -> [...]"

    from_log: bool = True
    full: bool = False
    epsilon: Real = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, from_log=self.from_log, full=self.full)
        require_nonnegative(epsilon=self.epsilon)

    # rate - target log(rate) + log(target!), the last by Stirling: t (log t - 1) + log(2 pi t) / 2 for t > 1. The first
    # of these goes to the logarithm of the rate, as both may be out of range where their difference is not.
    def call(self, prediction: Array, target: Array) -> Array:
        xp = array_namespace(prediction, target)
        if self.from_log:
            rate, log_rate = xp.exp(prediction), self._limited(prediction)
        else:
            rate, log_rate = prediction, logarithms.log(self._rate(prediction, target))
        if not self.full:
            return rate - target * log_rate
        large = target > 1
        count = special.where(large, target, 1.0)
        log_count = xp.log(count)
        rest = special.where(large, 0.5 * log_count + 0.5 * math.log(2.0 * math.pi), 0.0)
        return rate - target * (log_rate - special.where(large, log_count - 1.0, 0.0)) + rest

    def value_and_derivatives(
        self, positions: tuple[int, ...], prediction: Array, target: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        if not self.from_log or self.full:
            return self.call(prediction, target), (self.derivative(prediction, target),)
        rate = array_namespace(prediction, target).exp(prediction)
        return rate - target * self._limited(prediction), (rate - target,)

    def in_torch(self, torch: Any, reduction: str, prediction: Array, target: Array) -> Array | None:
        if not self.from_log or self.full or prediction.numel() > _FEW_RATES:
            return None
        code = reductions.REDUCTIONS_OF_TORCH[reduction]
        # what torch.nn.functional looks at its settings before it calls
        result: Array = torch.poisson_nll_loss(prediction, target, True, False, 0.0, code)
        return result

    def _limited(self, prediction: Array) -> Array:
        """The logarithm of the rate; not infinite, to be subtracted, where the rate itself is."""
        return special.clip(prediction, None, math.log(elementwise.finfo(prediction).max) + 1.0)

    # exp(prediction) - target of a logarithm, 1 - target / rate of a rate
    def derivative(self, prediction: Array, target: Array) -> Array:
        xp = array_namespace(prediction, target)
        if self.from_log:
            return xp.exp(prediction) - target
        return 1.0 - target / self._rate(prediction, target)

    # exp(prediction) of a logarithm, target / rate² of a rate
    def second_derivative(self, prediction: Array, target: Array) -> Array:
        xp = array_namespace(prediction, target)
        if self.from_log:
            return xp.exp(prediction)
        rate = self._rate(prediction, target)
        return elementwise.quotient(target, rate) / rate

    def _rate(self, prediction: Array, target: Array) -> Array:
        """The rate that is divided by, or another number where the target is 0."""
        return logarithms.replace_unused_zeros(self._shifted(prediction), target)

    def _shifted(self, prediction: Array) -> Array:
        return prediction if settings.is_zero(self.epsilon) else prediction + self.epsilon


@dataclass(frozen=True, kw_only=True)
class _LocationScale(PureLoss):
    """The likelihood of an error whose spread is predicted beside the location."""

    from_log: bool = False
    full: bool = False
    epsilon: Real = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, from_log=self.from_log, full=self.full)
        require_nonnegative(epsilon=self.epsilon)

    def _log_and_ratio(self, error: Array, spread: Array) -> tuple[Array, Array]:
        """The logarithm of the spread, and the error over the spread."""
        spread = self._raised(spread)
        return self._log(spread), self._ratio(error, spread)

    def _raised(self, spread: Array) -> Array:
        return spread if self.from_log or settings.is_zero(self.epsilon) else special.clip(spread, self.epsilon)

    def _log(self, raised: Array) -> Array:
        return raised if self.from_log else array_namespace(raised).log(raised)

    # exp(-l) as two factors, each of which is in range where it is not: 0 over any such spread is 0
    def _ratio(self, error: Array, raised: Array) -> Array:
        if not self.from_log:
            return elementwise.divide(error, raised)
        xp = array_namespace(error, raised)
        root = xp.exp(special.clip(-0.5 * raised, None, logarithms.log_of_most(raised)))
        return (error * root) * root


@register(alias("GaussianNLLLoss", "gaussian_nll_loss", epsilon=1e-6))
@dataclass(frozen=True, kw_only=True)
class GaussianNll(_LocationScale):
    r"""Negative log-likelihood of a normal distribution: for a mean and a variance that are both predicted.

    .. math:: l = \tfrac{1}{2} \left( \log v + \frac{(\mathrm{prediction} - \mathrm{target})^2}{v} \right) \; (+
        \tfrac{1}{2} \log 2 \pi);
        \quad v = \max(\mathrm{variance}, \epsilon)

    Parameters
    ----------
    from_log : bool, default False
        Whether `variance` is a logarithm, which a network may predict without any constraint.
    full : bool, default False
        Add the constant, log(2π)/2, so that likelihoods of different distributions can be compared.
    epsilon : float, default 0.0
        What a smaller variance counts as, at least 0. Without effect on a logarithm.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape: the mean, and what it is of. An integer target is converted.
    variance : array
        Floating, of the shape of `prediction`: the variance, above 0, or with ``from_log=True`` its logarithm.

    See Also
    --------
    student_t_nll : Where some targets are outliers.
    crps_normal : In the unit of the target, and less harsh on a small variance.
    squared_error : Without a variance.

    Notes
    -----
    The third array is the variance, not the standard deviation. A variance for all items or one a row is given its
    shape by ``xp.broadcast_to(variance, prediction.shape)``.

    `epsilon` has a derivative of 0 below it. In PyTorch, where it is 1e-6 by default, the derivative passes through it:
    values are the same, and gradients by the variance are where it lies above `epsilon`.

    References
    ----------
    Nix and Weigend, Estimating the mean and variance of the target probability distribution (1994).
    https://doi.org/10.1109/ICNN.1994.374138

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.gaussian_nll(np.asarray([1.0, 2.0]), np.asarray([3.0, 2.0]), np.asarray([1.0, 1.0])))
    1.0
    """

    arrays = "prediction[...]: real, target[...]: real, variance[...]: real if from_log else positive -> [...]"

    # (log v + e²/v) / 2
    def call(self, prediction: Array, target: Array, variance: Array) -> Array:
        error = prediction - target
        log_variance, ratio = self._log_and_ratio(error, variance)
        loss = 0.5 * (log_variance + error * ratio)
        return loss + 0.5 * math.log(2.0 * math.pi) if self.full else loss


@register
@dataclass(frozen=True, kw_only=True)
class LaplaceNll(_LocationScale):
    r"""Negative log-likelihood of a Laplace distribution: as `gaussian_nll`, where some targets are outliers.

    .. math:: l = \log s + \frac{|\mathrm{prediction} - \mathrm{target}|}{s} \; (+ \log 2);
        \quad s = \max(\mathrm{scale}, \epsilon)

    Parameters
    ----------
    from_log : bool, default False
        Whether `scale` is a logarithm, which a network may predict without any constraint.
    full : bool, default False
        Add the constant, log(2), so that likelihoods of different distributions can be compared.
    epsilon : float, default 0.0
        What a smaller scale counts as, at least 0. Without effect on a logarithm.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape: the median, and what it is of. An integer target is converted.
    scale : array
        Floating, of the shape of `prediction`: the mean size of the error, above 0, or with ``from_log=True`` its
        logarithm.

    See Also
    --------
    gaussian_nll : Where the errors are normal.
    absolute_error : Without a scale.

    References
    ----------
    Kotz, Kozubowski and Podgorski, The Laplace Distribution and Generalizations (2001).
    https://doi.org/10.1007/978-1-4612-0173-1

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.laplace_nll(np.asarray([1.0, 2.0]), np.asarray([3.0, 2.0]), np.asarray([1.0, 1.0])))
    1.0
    """

    arrays = "prediction[...]: real, target[...]: real, scale[...]: real if from_log else positive -> [...]"

    # log s + |e| / s
    def call(self, prediction: Array, target: Array, scale: Array) -> Array:
        log_scale, ratio = self._log_and_ratio(prediction - target, scale)
        loss = log_scale + special.absolute(ratio)
        return loss + math.log(2.0) if self.full else loss


@register
@dataclass(frozen=True, kw_only=True)
class StudentTNll(_LocationScale):
    r"""Negative log-likelihood of Student's t distribution: normal near 0, with tails as heavy as is wanted.

    .. math:: l = \log s + \frac{\mathrm{df} + 1}{2} \log \left( 1 + \frac{r^2}{\mathrm{df}} \right) \; \left(+ \log
        \frac{\sqrt{\pi \, \mathrm{df}} \; \Gamma(\mathrm{df} / 2)}{\Gamma((\mathrm{df} + 1) / 2)} \right);
        \quad r = \frac{\mathrm{prediction} - \mathrm{target}}{s}, \quad s = \max(\mathrm{scale}, \epsilon)

    Parameters
    ----------
    df : float, default 4.0
        Degrees of freedom, above 0: the fewer, the heavier the tails. At 1 it is Cauchy's distribution, and for many of
        them the normal one.
    from_log : bool, default False
        Whether `scale` is a logarithm, which a network may predict without any constraint.
    full : bool, default False
        Add the last term, which depends on `df` alone: wanted where `df` is learned.
    epsilon : float, default 0.0
        What a smaller scale counts as, at least 0. Without effect on a logarithm.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape: the location, and what it is of. An integer target is converted.
    scale : array
        Floating, of the shape of `prediction`, above 0, or with ``from_log=True`` its logarithm. It is the standard
        deviation for many degrees of freedom alone.

    See Also
    --------
    gaussian_nll : Without outliers.
    general_robust : Without a predicted scale.

    References
    ----------
    Lange, Little and Taylor, Robust statistical modeling using the t distribution (1989).
    https://doi.org/10.1080/01621459.1989.10478852

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> one = np.asarray([1.0])
    >>> round(float(al.student_t_nll(one, np.asarray([3.0]), one, df=1.0)), 6)
    1.609438
    """

    arrays = "prediction[...]: real, target[...]: real, scale[...]: real if from_log else positive -> [...]"

    df: Real = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(df=self.df)

    # log s + (df + 1) / 2 log(1 + r²/df), where r itself may be out of range
    def call(self, prediction: Array, target: Array, scale: Array) -> Array:
        error, scale, unit = prediction - target, self._raised(scale), 0.0 if self.from_log else 1.0
        xp, log_scale = array_namespace(error, scale), self._log(scale)
        df = settings.at_least_tiny(self.df, error)
        half, root = 0.5 * df + 0.5, df**0.5
        log_divisor = log_scale + settings.log(root, error)

        def quotient(far: Array) -> Array:
            return self._ratio(special.where(far, 0.0, error), special.where(far, unit, scale)) / root

        loss = half * logarithms.log1p_square(error, log_divisor, quotient)
        if not (isinstance(self.df, NUMBERS) and self.df < 2.0**20):  # the square of a quotient may vanish
            small = xp.log(elementwise.at_least_smallest_normal(xp.abs(error))) - log_divisor < -20.0
            q = quotient(xp.logical_not(small))
            loss = special.where(small, half * q * q, loss)
        loss = log_scale + loss
        if not self.full:
            return loss
        half = as_array(0.5 * df, error, error.dtype)
        return loss + (0.5 * math.log(2.0 * math.pi) - gamma.log_gamma_excess(half, 0.5))


@register
@dataclass(frozen=True, kw_only=True)
class NegativeBinomialNll(PureLoss):
    r"""Negative log-likelihood of a negative binomial distribution: for counts that vary more than Poisson's.

    .. math:: l = (\mathrm{target} + r) \log(1 + \alpha m) - \mathrm{target} \log m - \log \frac{\Gamma(\mathrm{target}
        + r)}{\Gamma(r) \, r^{\mathrm{target}}} \; (+ \log \mathrm{target}!);
        \quad m = \exp(\mathrm{prediction}), \; \alpha = \mathrm{dispersion}, \; r = 1 / \alpha

    Parameters
    ----------
    from_log : bool, default True
        Whether `prediction` is a logarithm.
    full : bool, default False
        Add the last term, which depends on the target alone.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array
        Floating: the logarithm of the mean, or with ``from_log=False`` the mean itself, above 0.
    target : array
        Counts, of the shape of `prediction`. An integer target is converted.
    dispersion : array
        Floating, of the shape of `prediction`, above 0. The variance is ``m + dispersion * m**2``, so that it is
        `poisson_nll` for a vanishing one.

    See Also
    --------
    poisson_nll : Where the variance is about the mean.
    tweedie_deviance : For amounts that are no counts.

    Notes
    -----
    Others take the inverse of the dispersion, r: the ``total_count`` of ``torch.distributions.NegativeBinomial``, the
    ``theta`` of scvi-tools.

    References
    ----------
    Lawless, Negative binomial and mixed Poisson regression (1987). https://doi.org/10.2307/3314912

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> one = np.asarray([1.0])
    >>> round(float(al.negative_binomial_nll(np.asarray([0.0]), one, one)), 6)
    1.386294
    """

    arrays = (
        "prediction[...]: real if from_log else positive, target[...]: nonnegative, dispersion[...]: positive -> [...]"
    )

    from_log: bool = True
    full: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, from_log=self.from_log, full=self.full)

    # With y = dispersion m it is r log(1 + y) + t (log(1 + y) - log y) less log Γ(t + r) - log Γ(r). Where y is small,
    # the first is m log(1 + y) / y; where r is large, log Γ(t + r) - log Γ(r) is t log r and little more, which leaves
    # t log m of t log y. So nothing large cancels, nor in the derivatives, and no r is needed that is out of range.
    def call(self, prediction: Array, target: Array, dispersion: Array) -> Array:
        xp = array_namespace(prediction, target, dispersion)
        large = xp.sqrt(dispersion) * xp.sqrt(target) < 1
        if self.from_log:
            near = prediction + xp.log(dispersion) < 0
            log_mean, mean = prediction, xp.exp(special.where(near, prediction, 0.0))
            far_log_mean = special.where(near, 0.0, prediction)
        else:
            near = xp.sqrt(prediction) * xp.sqrt(dispersion) < 1
            log_mean = xp.log(logarithms.replace_unused_zeros(prediction, target))  # which is multiplied by the target
            mean, far_log_mean = special.where(near, prediction, 0.0), xp.log(special.where(near, 1.0, prediction))
        product = special.where(near, dispersion, 0.0) * mean
        x = far_log_mean + xp.log(special.where(near, 1.0, dispersion))
        log_term = special.where(near, xp.log1p(product), special.softplus(x))
        mean_term = mean * (1.0 - logarithms.log1p_shortfall(product))
        # One r for all terms: by it the derivatives of two that nearly cancel are added before they are multiplied.
        divisor = special.where(xp.logical_and(near, large), 1.0, dispersion)
        inverse = elementwise.divide(xp.ones_like(divisor), divisor)
        none = special.where(near, mean_term, special.softplus(x) * inverse)
        excess = gamma.log_gamma_excess_of_inverse(
            special.where(large, dispersion, 1.0), special.where(large, target, 0.0)
        )
        other = special.where(large, 1.0, dispersion)
        log_other, inverse = xp.log(other), special.where(large, 1.0, inverse)
        some = special.where(large, log_term - log_mean, special.softplus(-(log_mean + log_other)))
        loss = none + target * some
        log_gamma = gamma.log_gamma(1.0 + inverse) + log_other  # Γ(r) = Γ(1 + r) / r
        if not self.full:
            difference = gamma.log_gamma(inverse + special.where(large, 0.0, target)) - log_gamma
            return loss - special.where(large, excess, difference)
        # log Γ(t + r) - log Γ(t + 1) is (r - 1) log t and little more of a large t
        count = special.where(large, 1.0, target)
        difference = gamma.log_gamma_excess(count, inverse) + (inverse - 1.0) * xp.log(count) - log_gamma
        factorial = gamma.log_gamma(special.where(large, target, 0.0) + 1.0)
        return loss - special.where(large, excess - factorial, difference)


@register
@dataclass(frozen=True, kw_only=True)
class VonMisesNll(PureLoss):
    r"""Negative log-likelihood of a von Mises distribution: for angles, of which a full turn makes no difference.

    .. math:: l = -\mathrm{concentration} \cos(\mathrm{prediction} - \mathrm{target}) + \log I_0(\mathrm{concentration})
        \; (+ \log 2 \pi)

    Parameters
    ----------
    from_log : bool, default False
        Whether `concentration` is a logarithm, which a network may predict without any constraint.
    full : bool, default False
        Add the constant, log(2π), so that likelihoods of different distributions can be compared.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape: the mean direction and what it is of, in radians. An integer target is converted.
    concentration : array
        Floating, of the shape of `prediction`, at least 0, or with ``from_log=True`` its logarithm: where it is large,
        the inverse of the variance.

    See Also
    --------
    gaussian_nll : For numbers that do not wrap around.
    cosine_similarity : For directions as vectors.

    Notes
    -----
    :math:`I_0` is the modified Bessel function of order 0.

    References
    ----------
    Mardia and Jupp, Directional Statistics (2000), section 3.5. https://doi.org/10.1002/9780470316979

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> one = np.asarray([1.0])
    >>> round(float(al.von_mises_nll(one, one + 2 * np.pi, one)), 6)
    -0.764086
    """

    arrays = "prediction[...]: real, target[...]: real, concentration[...]: real if from_log else nonnegative -> [...]"

    from_log: bool = False
    full: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, from_log=self.from_log, full=self.full)

    # k (1 - cos d) + log(exp(-k) I0(k)), where 1 - cos d is 2 sin²(d/2): neither grows with a large concentration. The
    # second term is -log(2 pi k) / 2 of a large one, and goes on in that way where k is out of range.
    def call(self, prediction: Array, target: Array, concentration: Array) -> Array:
        xp = array_namespace(prediction, target, concentration)
        sine = xp.sin(0.5 * (prediction - target))
        if self.from_log:
            most = math.log(elementwise.finfo(concentration).max) - 1.0
            limited, beyond = special.clip(concentration, None, most), special.relu(concentration - most)
            k, growth = xp.exp(limited), xp.exp(special.clip(0.5 * beyond, None, logarithms.log_of_most(beyond)))
            loss = 2.0 * (k * (sine * growth)) * (sine * growth) + (bessel.log_i0e(k) - 0.5 * beyond)
        else:
            loss = 2.0 * ((concentration * sine) * sine) + bessel.log_i0e(concentration)
        return loss + math.log(2.0 * math.pi) if self.full else loss
