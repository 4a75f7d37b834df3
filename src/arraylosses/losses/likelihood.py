"""Losses that are the negative log-likelihood of a distribution whose parameter is predicted."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import special
from .._array_api import Array, array_namespace
from ..arguments import require_nonnegative, require_one_of_type
from ..numerics import logarithms, settings
from ..registry import alias, register
from ._base import PureLoss

__all__ = ["PoissonNll"]


@register(
    "PoissonNLLLoss",
    "poisson_nll_loss",
    alias("poisson", "Poisson", from_log=False, epsilon=1e-7),
)
@dataclass(frozen=True, kw_only=True)
class PoissonNll(PureLoss):
    r"""Negative log-likelihood of a Poisson distribution, for counts.

    .. math:: l = rate - target \log(rate + epsilon) \; (+ \log target!); \quad rate = \exp(prediction)

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
    epsilon: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, from_log=self.from_log, full=self.full)
        require_nonnegative(epsilon=self.epsilon)

    # rate - target log(rate) + log(target!), the last by Stirling: t log t - t + log(2 pi t) / 2 for t > 1.
    def call(self, prediction: Array, target: Array) -> Array:
        xp = array_namespace(prediction, target)
        if self.from_log:
            loss = xp.exp(prediction) - target * prediction
        else:
            loss = prediction - special.xlogy(target, self._shifted(prediction))
        if not self.full:
            return loss
        large = target > 1
        count = special.where(large, target, 1.0)
        stirling = count * xp.log(count) - count + 0.5 * xp.log(2 * math.pi * count)
        return loss + special.where(large, stirling, 0.0)

    def value_and_derivatives(
        self, positions: tuple[int, ...], prediction: Array, target: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        if not self.from_log or self.full:
            return self.call(prediction, target), (self.derivative(prediction, target),)
        rate = array_namespace(prediction, target).exp(prediction)
        return rate - target * prediction, (rate - target,)

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
        return target / rate / rate

    def _rate(self, prediction: Array, target: Array) -> Array:
        """The rate that is divided by, or another number where the target is 0."""
        return logarithms.replace_unused_zeros(self._shifted(prediction), target)

    def _shifted(self, prediction: Array) -> Array:
        return prediction if settings.is_zero(self.epsilon) else prediction + self.epsilon
