"""Losses of the time until an event, of which some are not seen to the end.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.survival import Aft, CoxPartialLikelihood
from ..reduction import Reduction

__all__ = ["aft", "cox_partial_likelihood"]


@function_form(Aft)
def aft(
    prediction: Array,
    lower: Array,
    upper: Array,
    *,
    distribution: str = "normal",
    scale: Real | Sequence[float] = 1.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log-likelihood of an accelerated failure time model: for times of which some are known by bounds alone.

    .. math:: l = -\log \frac{f(z_t)}{\mathrm{scale} \cdot t} \text{ of a time } t,
        \quad l = -\log(F(z_{\mathrm{upper}}) - F(z_{\mathrm{lower}})) \text{ of bounds};
        \quad z_t = \frac{\log t - \mathrm{prediction}}{\mathrm{scale}}

    Parameters
    ----------
    prediction : array
        Floating: the location of the logarithm of the time.
    lower, upper : array
        Of the shape of `prediction`: the bounds of the time, in either order. They are equal where the time is known.
        The lower one is 0 of a time that is known to have been shorter (censored on the left), the upper one infinite
        of a time that is known to be longer (censored on the right).
    distribution : {"normal", "logistic", "extreme"}, default "normal"
        That of z, with the density f and the distribution function F: the standard normal one, the logistic one, or the
        one of the least of many, ``F(z) = 1 - exp(-exp(z))``, by which times follow Weibull's distribution.
    scale : float, default 1.0
        The spread of the logarithm of a time, above 0.
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
    return Aft.made(
        distribution=distribution,
        scale=scale,
        reduction=reduction,
    )(prediction, lower, upper, weight=weight, where=where)


@function_form(CoxPartialLikelihood)
def cox_partial_likelihood(
    log_hazard: Array,
    time: Array,
    event: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log partial likelihood of Cox's proportional hazards: for risks, where only the order of times counts.

    .. math:: l_i = \log \sum_{j: \, \mathrm{time}_j \ge \mathrm{time}_i} \exp(\mathrm{log\_hazard}_j) -
        \mathrm{log\_hazard}_i \text{ of each event } i

    Parameters
    ----------
    log_hazard : array, shape (N,)
        Floating: the larger, the sooner the event.
    time : array, shape (N,)
        Until the event, or until it was last known not to have been.
    event : array, shape (N,)
        1 or True where the event was seen, 0 or False where the time is censored.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or (N,) for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return CoxPartialLikelihood.made(
        reduction=reduction,
    )(log_hazard, time, event, weight=weight, where=where)
