"""Unit deviances: twice what the log-likelihood of a mean falls short of its maximum, 0 where target and mean agree.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from .._array_api import Array
from ..loss_function import function_form
from ..losses.deviance import GammaDeviance, PoissonDeviance, TweedieDeviance
from ..reduction import Reduction

__all__ = ["gamma_deviance", "poisson_deviance", "tweedie_deviance"]


@function_form(GammaDeviance)
def gamma_deviance(
    prediction: Array,
    target: Array,
    *,
    from_log: bool = True,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Deviance of a gamma distribution: for positive targets whose spread grows as their mean does.

    .. math:: l = 2 \left( \frac{\mathrm{target}}{\mathrm{mean}} - 1 - \log \frac{\mathrm{target}}{\mathrm{mean}}
        \right);
        \quad \mathrm{mean} = \exp(\mathrm{prediction})

    Parameters
    ----------
    prediction : array
        Floating: the logarithm of the mean, or with ``from_log=False`` the mean itself, above 0.
    target : array
        Above 0, of the shape of `prediction`. An integer target is converted.
    from_log : bool, default True
        Whether `prediction` is a logarithm.
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
    return GammaDeviance.made(
        from_log=from_log,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(PoissonDeviance)
def poisson_deviance(
    prediction: Array,
    target: Array,
    *,
    from_log: bool = True,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Deviance of a Poisson distribution: `poisson_nll` for counts, twice and less its least, so that 0 is perfect.

    .. math:: l = 2 \left( \mathrm{target} \log \frac{\mathrm{target}}{\mathrm{rate}} - \mathrm{target} + \mathrm{rate}
        \right);
        \quad \mathrm{rate} = \exp(\mathrm{prediction})

    Parameters
    ----------
    prediction : array
        Floating: the logarithm of the rate, or with ``from_log=False`` the rate itself, above 0.
    target : array
        Counts, of the shape of `prediction`. An integer target is converted.
    from_log : bool, default True
        Whether `prediction` is a logarithm.
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
    return PoissonDeviance.made(
        from_log=from_log,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(TweedieDeviance)
def tweedie_deviance(
    prediction: Array,
    target: Array,
    *,
    power: float = 1.5,
    from_log: bool = True,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Deviance whose variance is a power of the mean; between 1 and 2, for amounts of which many are exactly 0.

    .. math:: l = 2 \left( \frac{t^{2 - p}}{(1 - p) (2 - p)} - \frac{t \, \mathrm{mean}^{1 - p}}{1 - p} +
        \frac{\mathrm{mean}^{2 - p}}{2 - p} \right);
        \quad \mathrm{mean} = \exp(\mathrm{prediction}), \; t = \mathrm{target}, \; p = \mathrm{power}

    Parameters
    ----------
    prediction : array
        Floating: the logarithm of the mean, or with ``from_log=False`` the mean itself, above 0.
    target : array
        At least 0, and from a power of 2 on above 0; of the shape of `prediction`. An integer target is converted. With
        ``from_log=False`` and a power of 0, both arrays hold any real numbers.
    power : float, default 1.5
        The power of the mean that the variance is: 0, or from 1 to 3. At 0 it is the square of the error, at 1
        `poisson_deviance`, at 2 `gamma_deviance`, at 3 the deviance of an inverse Gaussian distribution.
    from_log : bool, default True
        Whether `prediction` is a logarithm.
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
    return TweedieDeviance.made(
        power=power,
        from_log=from_log,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)
