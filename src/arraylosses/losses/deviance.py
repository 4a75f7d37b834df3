"""Unit deviances: twice what the log-likelihood of a mean falls short of its maximum, 0 where target and mean agree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from .. import special
from .._array_api import Array, array_namespace
from ..arguments import require_one_of_type, require_range
from ..numerics import elementwise, gamma, logarithms, settings
from ..registry import alias, register
from ._base import PureLoss

__all__ = ["GammaDeviance", "PoissonDeviance", "TweedieDeviance"]


@dataclass(frozen=True, kw_only=True)
class _Deviance(PureLoss):
    """A deviance whose variance is a power of the mean m: its derivative by the mean is 2 (m - target) / m^power."""

    from_log: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, from_log=self.from_log)

    def _mean(self, prediction: Array) -> Array:
        return array_namespace(prediction).exp(prediction) if self.from_log else prediction

    def call(self, prediction: Array, target: Array) -> Array:
        return self._value(prediction, target)

    def _value(self, prediction: Array, target: Array) -> Array:
        """The deviance."""
        raise TypeError(f"{type(self).__name__} must define `_value`")

    def _power(self) -> float:
        """The power of the mean that the variance is."""
        raise TypeError(f"{type(self).__name__} must define `_power`")

    # 2 (m^(1 - power) - target / m^power) of a mean, m times that of its logarithm. A power of a small mean may be out
    # of range, and its quotient with the target is not.
    def derivative(self, prediction: Array, target: Array) -> Array:
        p = self._power()
        if self.from_log:
            of_mean, of_target = _powers(p, prediction, target)
            return 2.0 * (of_mean - of_target)
        mean = prediction
        if p == 0:
            return 2.0 * (mean - target)
        mean = logarithms.replace_unused_zeros(mean, target)
        return 2.0 * _times_pow(elementwise.quotient(mean - target, mean), 1.0 - p, mean)

    # 2 (1 - power + power target / m) / m^power of a mean, 2 ((2 - power) m + (power - 1) target) / m^(power - 1)
    # of its logarithm
    def second_derivative(self, prediction: Array, target: Array) -> Array:
        p = self._power()
        if self.from_log:
            of_mean, of_target = _powers(p, prediction, target)
            return 2.0 * ((2.0 - p) * of_mean + (p - 1.0) * of_target)
        mean = prediction
        if p == 0:
            return 2.0 * array_namespace(mean).ones_like(mean)
        mean = logarithms.replace_unused_zeros(mean, target)
        return 2.0 * _times_pow(1.0 - p + p * elementwise.quotient(target, mean), -p, mean)


def _powers(power: float, log_mean: Array, target: Array) -> tuple[Array, Array]:
    """m^(2 - power) and target m^(1 - power); 0 for the one of two out of range that the other exceeds."""
    xp = array_namespace(log_mean, target)
    of_mean = xp.exp((2.0 - power) * log_mean) if power != 2 else xp.ones_like(log_mean)
    of_target = _times_exp(target, 1.0 - power, log_mean)
    if power <= 2:
        return of_mean, special.where(of_mean == float("inf"), 0.0, of_target)
    return special.where(of_target == float("inf"), 0.0, of_mean), of_target


# As two factors, each of which is in range where their product is; 0 where the target is 0.
def _times_exp(target: Array, exponent: float, log_mean: Array) -> Array:
    """The target times a power of the mean."""
    if exponent == 0:
        return target
    most = math.log(elementwise.finfo(log_mean).max) - 1.0
    root = array_namespace(log_mean).exp(special.clip(0.5 * exponent * log_mean, None, most))
    return (target * root) * root


def _pow(mean: Array, exponent: float) -> Array:
    return mean if exponent == 1 else mean**exponent


def _times_pow(target: Array, exponent: float, mean: Array) -> Array:
    """The target times a power of the mean; 0 where the target is 0."""
    mean = logarithms.replace_unused_zeros(mean, target)
    while exponent <= -1:
        target, exponent = elementwise.quotient(target, mean), exponent + 1.0
    if exponent < 0:
        return target / _pow(mean, -exponent)
    return target * _pow(mean, exponent) if exponent else target


@register(alias("mean_poisson_deviance", from_log=False))
@dataclass(frozen=True, kw_only=True)
class PoissonDeviance(_Deviance):
    r"""Deviance of a Poisson distribution: `poisson_nll` for counts, twice and less its least, so that 0 is perfect.

    .. math:: l = 2 \left( \mathrm{target} \log \frac{\mathrm{target}}{\mathrm{rate}} - \mathrm{target} + \mathrm{rate}
        \right);
        \quad \mathrm{rate} = \exp(\mathrm{prediction})

    Parameters
    ----------
    from_log : bool, default True
        Whether `prediction` is a logarithm.
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
    poisson_nll : The likelihood itself.
    negative_binomial_nll : Where counts vary more.

    Notes
    -----
    scikit-learn's ``mean_poisson_deviance`` takes the rate, and its ``HalfPoissonLoss`` is `poisson_nll`.

    References
    ----------
    McCullagh and Nelder, Generalized Linear Models (1989), section 2.3.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.poisson_deviance(np.asarray([0.0, 0.0]), np.asarray([0, 1])))
    1.0
    """

    arrays = "prediction[...]: real if from_log else positive, target[...]: nonnegative -> [...]"

    def _power(self) -> float:
        return 1.0

    # 2 (t log(t / rate) - t + rate)
    def _value(self, prediction: Array, target: Array) -> Array:
        return 2.0 * gamma.kl_div(target, self._mean(prediction), prediction if self.from_log else None)


@register(alias("mean_gamma_deviance", from_log=False))
@dataclass(frozen=True, kw_only=True)
class GammaDeviance(_Deviance):
    r"""Deviance of a gamma distribution: for positive targets whose spread grows as their mean does.

    .. math:: l = 2 \left( \frac{\mathrm{target}}{\mathrm{mean}} - 1 - \log \frac{\mathrm{target}}{\mathrm{mean}}
        \right);
        \quad \mathrm{mean} = \exp(\mathrm{prediction})

    Parameters
    ----------
    from_log : bool, default True
        Whether `prediction` is a logarithm.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array
        Floating: the logarithm of the mean, or with ``from_log=False`` the mean itself, above 0.
    target : array
        Above 0, of the shape of `prediction`. An integer target is converted.

    See Also
    --------
    poisson_deviance : For counts.
    tweedie_deviance : For amounts that may be 0.

    Notes
    -----
    Only the ratio of target and mean counts. scikit-learn's ``mean_gamma_deviance`` takes the mean; its
    ``HalfGammaLoss`` takes the logarithm, and is half of this less what depends on the target alone.

    References
    ----------
    McCullagh and Nelder, Generalized Linear Models (1989), chapter 8.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.gamma_deviance(np.asarray([0.0]), np.asarray([2.0]))), 6)
    0.613706
    """

    arrays = "prediction[...]: real if from_log else positive, target[...]: positive -> [...]"

    def _power(self) -> float:
        return 2.0

    # 2 (r - 1 - log r) with r = t / mean
    def _value(self, prediction: Array, target: Array) -> Array:
        if not self.from_log:
            return 2.0 * gamma.kl_div_over_x(prediction, target)
        log_ratio = array_namespace(target).log(target) - prediction
        return 2.0 * logarithms.expm1_excess(log_ratio)


_CLOSE = 2.0**-6
"""How near to 1 or 2 a power is whose formula divides what cancels by next to nothing."""


@register(alias("mean_tweedie_deviance", "tweedie_deviance_score", power=0.0, from_log=False))
@dataclass(frozen=True, kw_only=True)
class TweedieDeviance(_Deviance):
    r"""Deviance whose variance is a power of the mean; between 1 and 2, for amounts of which many are exactly 0.

    .. math:: l = 2 \left( \frac{t^{2 - p}}{(1 - p) (2 - p)} - \frac{t \, \mathrm{mean}^{1 - p}}{1 - p} +
        \frac{\mathrm{mean}^{2 - p}}{2 - p} \right);
        \quad \mathrm{mean} = \exp(\mathrm{prediction}), \; t = \mathrm{target}, \; p = \mathrm{power}

    Parameters
    ----------
    power : float, default 1.5
        The power of the mean that the variance is: 0, or from 1 to 3. At 0 it is the square of the error, at 1
        `poisson_deviance`, at 2 `gamma_deviance`, at 3 the deviance of an inverse Gaussian distribution.
    from_log : bool, default True
        Whether `prediction` is a logarithm.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array
        Floating: the logarithm of the mean, or with ``from_log=False`` the mean itself, above 0.
    target : array
        At least 0, and from a power of 2 on above 0; of the shape of `prediction`. An integer target is converted. With
        ``from_log=False`` and a power of 0, both arrays hold any real numbers.

    See Also
    --------
    poisson_deviance : For counts.
    gamma_deviance : For amounts that are never 0.

    Notes
    -----
    The `power` of scikit-learn's ``mean_tweedie_deviance``, which takes the mean, is 0 by default. XGBoost and
    LightGBM call it the variance power, and leave out what depends on the target alone.

    References
    ----------
    Jorgensen, Exponential dispersion models (1987). https://doi.org/10.1111/j.2517-6161.1987.tb01685.x

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.tweedie_deviance(np.asarray([0.0, 0.0]), np.asarray([0.0, 4.0])))
    4.0
    """

    power: float = 1.5

    structural: ClassVar[tuple[str, ...]] = ("power",)

    arrays = (
        "prediction[...]: real if from_log else (positive if power else real), "
        "target[...]: nonnegative if from_log else (nonnegative if power else real) -> [...]"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not settings.is_zero(self.power):
            require_range(1, 3, otherwise="be 0 or ", power=self.power)

    def _power(self) -> float:
        return self.power

    # With L = log(t / mean), a = 1 - p and b = 2 - p it is 2 mean^b Σ_k (1 + b + ... + b^(k - 2)) L^k / k! over all k
    # from 2 on: where t is near the mean, this keeps the digits that the formula itself loses.
    def _value(self, prediction: Array, target: Array) -> Array:
        a, b = 1.0 - self.power, 2.0 - self.power
        if a == 1:
            return (self._mean(prediction) - target) ** 2
        if a == 0:
            return PoissonDeviance(from_log=self.from_log)._value(prediction, target)
        if b == 0:
            return GammaDeviance(from_log=self.from_log)._value(prediction, target)
        # A power of the mean may be in range where the mean is not, of which is asked but whether the target is near.
        most = math.log(elementwise.finfo(prediction).max) - 2.0
        mean = self._mean(special.clip(prediction, None, most) if self.from_log else prediction)
        near, log_ratio = gamma.near_and_log_ratio(target, mean)
        log_ratio = special.where(near, log_ratio, 0.0)
        coefficients = tuple([sum([b**j for j in range(k - 1)]) / math.factorial(k) for k in range(2, 18)])
        excess = log_ratio * log_ratio * logarithms.polynomial(coefficients, log_ratio)
        power, times_power = self._mean_to(b, prediction), _times_exp if self.from_log else _times_pow
        product = times_power(target, a, prediction)
        most = 0.25 * elementwise.finfo(power).max  # no infinity less another one
        if b < _CLOSE:
            power = special.clip(power, None, most)
        if abs(a) < _CLOSE:  # t^b is t t^a, and b is 1 + a
            gain = special.clip(elementwise.weighted(self._difference(a, prediction, target) / a, target), -most)
            formula = (gain - special.clip(product, None, most) + power) / b
        elif abs(b) < _CLOSE:
            gain = special.clip(self._difference(b, prediction, target) / b, None, most)
            formula = (gain + power - product) / a
        else:
            formula = self._target_to(b, target) / (a * b) - product / a + power / b
        return 2.0 * special.where(near, power * excess, formula)

    # mean^c (exp(c L) - 1) where c is small
    def _difference(self, exponent: float, prediction: Array, target: Array) -> Array:
        """A power of the target less that of the mean."""
        xp = array_namespace(prediction, target)
        log_mean = prediction if self.from_log else xp.log(logarithms.replace_unused_zeros(prediction, target))
        x = exponent * (xp.log(special.where(target == 0, 1.0, target)) - log_mean)
        small = xp.logical_and(xp.abs(x) < 1.0, target > 0)
        power = self._mean_to(exponent, prediction)
        return special.where(
            small, power * xp.expm1(special.where(small, x, 0.0)), self._target_to(exponent, target) - power
        )

    def _target_to(self, exponent: float, target: Array) -> Array:
        """A power of the target; of 0 what makes the deviance that of the limit."""
        none = target == 0
        limit = 0.0 if self.power < 2 else math.inf
        return special.where(none, limit, special.where(none, 1.0, target) ** exponent)

    def _mean_to(self, exponent: float, prediction: Array) -> Array:
        """A power of the mean."""
        return array_namespace(prediction).exp(exponent * prediction) if self.from_log else prediction**exponent
