"""Scores of a predicted distribution, given by its parameters or by a sample: least for the true one.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from .._array_api import Array
from ..loss_function import function_form
from ..losses.scoring import CrpsEnsemble, CrpsNormal, EnergyScore
from ..reduction import Reduction

__all__ = ["crps_ensemble", "crps_normal", "energy_score"]


@function_form(CrpsEnsemble)
def crps_ensemble(
    prediction: Array,
    target: Array,
    *,
    fair: bool = False,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Continuous ranked probability score of an ensemble: for a model that gives a sample of what it predicts.

    .. math:: l = \frac{1}{M} \sum_i |x_i - \mathrm{target}| - \frac{1}{2 M^2} \sum_{i, j} |x_i - x_j|;
        \quad x = \mathrm{prediction}

    Parameters
    ----------
    prediction : array, shape (..., M)
        Floating, with the members of an ensemble along `axis`.
    target : array, shape (...)
        Floating, of the shape of `prediction` without `axis`. An integer target is converted.
    fair : bool, default False
        Divide the second sum by M (M - 1) in place of M², which makes it fair: its expectation is least where the
        members are drawn from the true distribution, however few they are. Without this, few members are rewarded for
        being too close to each other.
    axis : int, default -1
        The axis of the members.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    crps_normal : For a mean and a scale.
    energy_score : For several numbers that depend on each other.
    quantile : For single quantiles.

    Notes
    -----
    The score of a single member is the absolute error. All pairs of members are compared, so an item takes memory of
    order M².

    References
    ----------
    Gneiting and Raftery, Strictly proper scoring rules, prediction, and estimation (2007).
    https://doi.org/10.1198/016214506000001437. The fair one: Ferro, Fair scores for ensemble forecasts (2014).
    https://doi.org/10.1002/qj.2270

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> ensemble, target = np.asarray([[0.0, 1.0, 5.0]]), np.asarray([2.0])
    >>> round(float(al.crps_ensemble(ensemble, target)), 6)
    0.888889
    >>> round(float(al.crps_ensemble(ensemble, target, fair=True)), 6)
    0.333333
    """
    return CrpsEnsemble.made(
        fair=fair,
        axis=axis,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(CrpsNormal)
def crps_normal(
    prediction: Array,
    target: Array,
    scale: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Continuous ranked probability score of a normal distribution: as `gaussian_nll`, in the unit of the target.

    .. math:: l = \mathrm{scale} \left( z \, (2 \Phi(z) - 1) + 2 \varphi(z) - \frac{1}{\sqrt{\pi}} \right);
        \quad z = \frac{\mathrm{target} - \mathrm{prediction}}{\mathrm{scale}}

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape: the mean, and what it is of. An integer target is converted.
    scale : array
        Floating, of the shape of `prediction`: the standard deviation, above 0.
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
    gaussian_nll : Harsher on what was thought impossible.
    crps_ensemble : For any distribution, by a sample.

    Notes
    -----
    Outliers count by their size, not by its square. For a vanishing `scale` it is `absolute_error`.

    References
    ----------
    Gneiting, Raftery, Westveld and Goldman, Calibrated probabilistic forecasting using ensemble model output statistics
    and minimum CRPS estimation (2005). https://doi.org/10.1175/MWR2904.1

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> one = np.asarray([1.0])
    >>> round(float(al.crps_normal(np.asarray([0.0]), one, one)), 6)
    0.602441
    """
    return CrpsNormal.made(
        reduction=reduction,
    )(prediction, target, scale, weight=weight, where=where)


@function_form(EnergyScore)
def energy_score(
    prediction: Array,
    target: Array,
    *,
    fair: bool = False,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""`crps_ensemble` of vectors: for an ensemble of forecasts of several numbers that depend on each other.

    .. math:: l = \frac{1}{M} \sum_i \lVert x_i - \mathrm{target} \rVert - \frac{1}{2 M^2} \sum_{i, j} \lVert x_i - x_j
        \rVert;
        \quad x = \mathrm{prediction}

    Parameters
    ----------
    prediction : array, shape (..., M, D)
        Floating: M vectors, the members of an ensemble.
    target : array, shape (..., D)
        Floating. An integer target is converted.
    fair : bool, default False
        Divide the second sum by M (M - 1) in place of M², as in `crps_ensemble`.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` without its last axis for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    crps_ensemble : For one number.

    Notes
    -----
    Lengths are Euclidean. The score of a single member is its distance from the target. All pairs of members are
    compared, so an item takes memory of order M² D.

    References
    ----------
    Gneiting and Raftery, Strictly proper scoring rules, prediction, and estimation (2007), section 4.3.
    https://doi.org/10.1198/016214506000001437

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> ensemble = np.asarray([[[0.0, 0.0], [3.0, 4.0]]])
    >>> float(al.energy_score(ensemble, np.asarray([[0.0, 0.0]])))
    1.25
    """
    return EnergyScore.made(
        fair=fair,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)
