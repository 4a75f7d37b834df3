"""Losses of the time until an event, of which some are not seen to the end."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import special
from .._array_api import Array, Real, array_namespace
from ..arguments import require_choice, require_positive
from ..numerics import elementwise, logarithms, normal, settings
from ..registry import register
from ._base import PureLoss

__all__ = ["Aft", "CoxPartialLikelihood"]


@register
@dataclass(frozen=True, kw_only=True)
class Aft(PureLoss):
    r"""Negative log-likelihood of an accelerated failure time model: for times of which some are known by bounds alone.

    .. math:: l = -\log \frac{f(z_t)}{\mathrm{scale} \cdot t} \text{ of a time } t,
        \quad l = -\log(F(z_{\mathrm{upper}}) - F(z_{\mathrm{lower}})) \text{ of bounds};
        \quad z_t = \frac{\log t - \mathrm{prediction}}{\mathrm{scale}}

    Parameters
    ----------
    distribution : {"normal", "logistic", "extreme"}, default "normal"
        That of z, with the density f and the distribution function F: the standard normal one, the logistic one, or the
        one of the least of many, ``F(z) = 1 - exp(-exp(z))``, by which times follow Weibull's distribution.
    scale : float, default 1.0
        The spread of the logarithm of a time, above 0.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array
        Floating: the location of the logarithm of the time.
    lower, upper : array
        Of the shape of `prediction`: the bounds of the time, in either order. They are equal where the time is known.
        The lower one is 0 of a time that is known to have been shorter (censored on the left), the upper one infinite
        of a time that is known to be longer (censored on the right).

    See Also
    --------
    cox_partial_likelihood : Where only the order of times counts.

    Notes
    -----
    The likelihood of a known time is a density of the time, as XGBoost has it for ``survival:aft``, not of its
    logarithm: they differ by log t, which does not depend on the prediction. XGBoost limits probabilities and
    derivatives; here they are exact.

    References
    ----------
    Wei, The accelerated failure time model: a useful alternative to the Cox regression model in survival analysis
    (1992). https://doi.org/10.1002/sim.4780111409. Barnwal, Cho and Hocking, Survival regression with accelerated
    failure time model in XGBoost (2022). https://arxiv.org/abs/2006.04920

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> lower, upper = np.asarray([1.0, 1.0, 0.0]), np.asarray([1.0, np.inf, 1.0])
    >>> al.aft(np.zeros(3), lower, upper, reduction="none").round(6).tolist()
    [0.918939, 0.693147, 0.693147]
    """

    distribution: str = "normal"
    scale: Real = 1.0

    arrays = "prediction[...]: real, lower[...]: nonnegative, upper[...]: positive -> [...]"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(tuple(_DISTRIBUTIONS), distribution=self.distribution)
        require_positive(scale=self.scale)

    # F(u) - F(l) is a difference of tails, of 1 - F above the middle and of F below it, where these are not near 1: the
    # tail of the bound which is nearer to the middle, times 1 less the ratio of the other one to it. A bound that is
    # not there has a tail of 0, or of 1 where neither is. Where the ratio is nearly 1, it is the density between the
    # bounds times log(upper / lower) / scale.
    def call(self, prediction: Array, lower: Array, upper: Array) -> Array:
        xp = array_namespace(prediction, lower, upper)
        log_density, log_tail = _DISTRIBUTIONS[self.distribution]
        scale = settings.at_least_tiny(self.scale, prediction)
        log_scale = settings.log(scale, prediction)
        swapped, known = lower > upper, lower == upper
        lower, upper = special.where(swapped, upper, lower), special.where(swapped, lower, upper)
        none_below, none_above = lower == 0, upper == float("inf")
        time = special.where(none_above, 1.0, upper)
        log_time = xp.log(time)
        z_upper = (log_time - prediction) / scale
        z_lower = (xp.log(special.where(none_below, 1.0, lower)) - prediction) / scale
        exact = log_density(special.where(known, z_upper, 0.0)) - log_time - log_scale
        above = xp.logical_or(none_above, xp.logical_and(z_lower + z_upper > 0, xp.logical_not(none_below)))
        z_upper, z_lower = special.where(known, 0.0, z_upper), special.where(known, 0.0, z_lower)
        near = log_tail(special.where(above, z_lower, z_upper), above)
        near = special.where(xp.logical_and(none_below, none_above), 0.0, near)
        far = elementwise.at_least_lowest(log_tail(special.where(above, z_upper, z_lower), above))
        least = elementwise.at_least_lowest(near)
        ratio = special.where(xp.logical_or(none_below, none_above), float("-inf"), far - least)
        ratio = special.clip(special.where(known, -1.0, ratio), None, -elementwise.finfo(ratio).smallest_normal)
        narrow = xp.logical_and(ratio > -elementwise.root_eps(ratio), xp.logical_not(known))
        within = log_density(special.where(narrow, 0.5 * (z_lower + z_upper), 0.0)) - log_scale
        lower, width = (special.where(narrow, x, 1.0) for x in (lower, upper - lower))
        between = special.where(narrow, within + xp.log(xp.log1p(width / lower)), near + logarithms.log1mexp(ratio))
        return -special.where(known, exact, between)


def _normal_density(z: Array) -> Array:
    z = _squared_in_range(z)
    return -0.5 * z * z - 0.5 * math.log(2.0 * math.pi)


def _normal_tail(z: Array, above: Array) -> Array:
    z = _squared_in_range(z)
    return normal.log_ndtr(special.where(above, -z, z))


def _squared_in_range(z: Array) -> Array:
    """z up to where half its square is infinite, so that no derivative of this is."""
    most = 2.0 * math.sqrt(elementwise.finfo(z).max)
    return special.clip(z, -most, most)


def _logistic_density(z: Array) -> Array:
    return special.log_sigmoid(z) + special.log_sigmoid(-z)


def _logistic_tail(z: Array, above: Array) -> Array:
    return special.log_sigmoid(special.where(above, -z, z))


def _extreme_density(z: Array) -> Array:
    z = special.clip(z, None, math.sqrt(elementwise.finfo(z).max))  # no infinity less another one
    return z - array_namespace(z).exp(z)


# -w, or log(1 - exp(-w)), for w = exp(z) within the range of the floats, below which the latter is z
def _extreme_tail(z: Array, above: Array) -> Array:
    limits = elementwise.finfo(z)
    low, high = math.log(limits.smallest_normal) + 1.0, math.log(limits.max) - 1.0
    w = array_namespace(z).exp(special.clip(z, low, high))
    return special.where(above, -w, logarithms.log1mexp(-w) + special.clip(z - low, None, 0.0))


_DISTRIBUTIONS = {
    "normal": (_normal_density, _normal_tail),
    "logistic": (_logistic_density, _logistic_tail),
    "extreme": (_extreme_density, _extreme_tail),
}
"""The logarithms of the density, and of 1 - F where a mask says so, else of F."""


@register
@dataclass(frozen=True, kw_only=True)
class CoxPartialLikelihood(PureLoss):
    r"""Negative log partial likelihood of Cox's proportional hazards: for risks, where only the order of times counts.

    .. math:: l_i = \log \sum_{j: \, \mathrm{time}_j \ge \mathrm{time}_i} \exp(\mathrm{log\_hazard}_j) -
        \mathrm{log\_hazard}_i \text{ of each event } i

    Parameters
    ----------
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    log_hazard : array, shape (N,)
        Floating: the larger, the sooner the event.
    time : array, shape (N,)
        Until the event, or until it was last known not to have been.
    event : array, shape (N,)
        1 or True where the event was seen, 0 or False where the time is censored.

    See Also
    --------
    aft : Where the time itself is to be predicted.

    Notes
    -----
    An item is a time; all are coupled, so the loss of a batch is not the mean of those of its parts. A censored one is
    at risk until its time, and has no loss of its own: `event` is the weight of an item, so that the mean is one over
    events. What `where` leaves out is not at risk either, as if it had not been in the batch.

    Ties are treated as by Breslow: each of the events at one time has all of them at risk. Efron's correction, which
    takes a share of the others away, is larger for heavier ties.

    All pairs are compared: memory is of order N².

    References
    ----------
    Cox, Regression models and life-tables (1972). https://doi.org/10.1111/j.2517-6161.1972.tb00899.x. Breslow,
    Covariance analysis of censored survival data (1974). https://doi.org/10.2307/2529620

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> time, event = np.asarray([1.0, 3.0, 2.0]), np.asarray([True, False, True])
    >>> round(float(al.cox_partial_likelihood(np.zeros(3), time, event, reduction="sum")), 6)
    1.791759
    """

    arrays = "log_hazard[N]: real, time[N]: real, event[N]: probability -> [N] coupled"

    # log Σ exp(log_hazard_j) over those at risk - log_hazard_i
    def call(self, log_hazard: Array, time: Array, event: Array, where: Array | None = None) -> Array:
        if log_hazard.shape[0] == 0:
            return log_hazard
        at_risk = time[None, :] >= time[:, None]
        if where is not None:
            xp = array_namespace(log_hazard, time)
            at_risk = xp.logical_or(xp.logical_and(at_risk, where[None, :]), xp.logical_not(where[:, None]))
        risks = special.where(at_risk, log_hazard[None, :], float("-inf"))
        # A time of NaN is compared with none.
        unknown = array_namespace(log_hazard, time).isnan(time)
        return special.where(unknown, time, special.logsumexp(risks, -1) - log_hazard)

    def item_weight(self, log_hazard: Array, time: Array, event: Array, where: Array | None = None) -> Array:
        return event
