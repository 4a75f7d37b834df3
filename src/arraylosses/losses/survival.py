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

    arrays = "prediction[...]: real, lower[...]: nonnegative, upper[...]: nonnegative -> [...]"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(tuple(_DISTRIBUTIONS), distribution=self.distribution)
        require_positive(scale=self.scale)

    # Of bounds that are near to each other, log upper - log lower is log(1 + (upper - lower) / lower).
    def call(self, prediction: Array, lower: Array, upper: Array) -> Array:
        xp = array_namespace(prediction, lower, upper)
        log_density, log_between = _DISTRIBUTIONS[self.distribution]
        scale = settings.at_least_tiny(self.scale, prediction)
        swapped, known = lower > upper, lower == upper
        lower, upper = special.where(swapped, upper, lower), special.where(swapped, lower, upper)
        none_below, none_above = lower == 0, xp.logical_and(upper == float("inf"), xp.logical_not(known))
        log_upper, log_lower = (
            xp.log(special.where(none, 1.0, x)) for none, x in ((none_above, upper), (none_below, lower))
        )
        z_lower, z_upper = (log_lower - prediction) / scale, (log_upper - prediction) / scale
        exact = log_density(special.where(known, z_upper, 0.0)) - log_upper - settings.log(scale, prediction)
        between = upper - special.where(known, 0.0, lower)
        near = xp.logical_and(between < lower, xp.logical_not(known))
        ratio = elementwise.divide(special.where(near, between, 1.0), special.where(near, lower, 1.0))
        distance = special.where(near, xp.log1p(ratio), log_upper - log_lower) / scale
        distance = special.where(xp.logical_or(none_below, none_above), float("inf"), distance)
        z_lower, z_upper, distance = (special.where(known, 1.0, x) for x in (z_lower, z_upper, distance))
        return -special.where(known, exact, log_between(z_lower, z_upper, distance, none_below, none_above))


def _normal_density(z: Array) -> Array:
    z = _squared_in_range(z)
    return -0.5 * z * z - 0.5 * math.log(2.0 * math.pi)


# F(u) - F(l) is a difference of tails, of 1 - F above the middle and of F below it, where these are not near 1: the
# tail of the bound which is nearer to the middle, times 1 less the ratio of the other one to it. A bound that is not
# there has a tail of 0, or of 1 where neither is. Where the ratio is nearly 1, it is the density f between the bounds
# times their distance d, and times 1 + d² f'' / (24 f) = 1 + d² (z² - 1) / 24.
def _normal_between(z_lower: Array, z_upper: Array, distance: Array, none_below: Array, none_above: Array) -> Array:
    xp = array_namespace(z_lower, z_upper)
    above = xp.logical_or(none_above, xp.logical_and(z_lower + z_upper > 0, xp.logical_not(none_below)))
    near = _normal_tail(special.where(above, z_lower, z_upper), above)
    near = special.where(xp.logical_and(none_below, none_above), 0.0, near)
    far = elementwise.at_least_lowest(_normal_tail(special.where(above, z_upper, z_lower), above))
    ratio = far - elementwise.at_least_lowest(near)
    ratio = special.where(xp.logical_or(none_below, none_above), float("-inf"), ratio)
    narrow = ratio > -4.0 * math.sqrt(elementwise.root_eps(ratio))
    z = special.where(narrow, 0.5 * (z_lower + z_upper), 0.0)
    d = special.clip(special.where(narrow, distance, 1.0), None, elementwise.finfo(distance).max)
    limited, growth = special.clip(d, None, 1.0), special.clip(z * d, -1.0, 1.0)  # larger where z has no such digits
    within = _normal_density(z) + xp.log(d) + xp.log1p((growth * growth - limited * limited) / 24.0)
    return special.where(narrow, within, near + logarithms.log1mexp(special.where(narrow, -1.0, ratio)))


def _normal_tail(z: Array, above: Array) -> Array:
    """log(1 - F) where `above` says so, else log F."""
    z = _squared_in_range(z)
    return normal.log_ndtr(special.where(above, -z, z))


def _squared_in_range(z: Array) -> Array:
    """z up to where half its square is infinite, so that no derivative of this is."""
    most = 2.0 * math.sqrt(elementwise.finfo(z).max)
    return special.clip(z, -most, most)


def _logistic_density(z: Array) -> Array:
    return special.log_sigmoid(z) + special.log_sigmoid(-z)


# F(u) - F(l) = F(u) (1 - F(l)) (1 - exp(-(u - l)))
def _logistic_between(z_lower: Array, z_upper: Array, distance: Array, none_below: Array, none_above: Array) -> Array:
    below = special.where(none_above, 0.0, special.log_sigmoid(z_upper))
    above = special.where(none_below, 0.0, special.log_sigmoid(-z_lower))
    return below + above + logarithms.log1mexp(-distance)


def _extreme_density(z: Array) -> Array:
    z = special.clip(z, None, math.sqrt(elementwise.finfo(z).max))  # no infinity less another one
    return z - array_namespace(z).exp(z)


# exp(-w) - exp(-v) = exp(-w) (1 - exp(-(v - w))), where w = exp(l) and v - w = v (1 - exp(-(u - l))). The logarithm of
# the latter is u and what the distance adds to it far below 0.
def _extreme_between(z_lower: Array, z_upper: Array, distance: Array, none_below: Array, none_above: Array) -> Array:
    xp, limits = array_namespace(z_lower, z_upper), elementwise.finfo(z_upper)
    low, high = math.log(limits.smallest_normal) + 40.0, math.log(limits.max) - 1.0
    v = xp.exp(special.clip(z_upper, low, high))
    difference = elementwise.at_least_smallest_normal(-v * logarithms.expm1(-distance))
    above = logarithms.log1mexp(-difference) + special.clip(z_upper - low, None, 0.0)
    above = special.where(none_above, 0.0, above)
    return above - special.where(none_below, 0.0, xp.exp(special.where(none_below, 0.0, z_lower)))


_DISTRIBUTIONS = {
    "normal": (_normal_density, _normal_between),
    "logistic": (_logistic_density, _logistic_between),
    "extreme": (_extreme_density, _extreme_between),
}
"""The logarithms of the density, and of F(u) - F(l) for l, u and u - l, and masks of the bounds that are not there."""


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
