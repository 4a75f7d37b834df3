"""Scores of a predicted distribution, given by its parameters or by a sample: least for the true one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import special
from .._array_api import Array, array_namespace
from ..arguments import require_one_of_type
from ..numerics import indexing, normal, reductions
from ..registry import register
from ._base import PureLoss, PureRowLoss

__all__ = ["CrpsEnsemble", "CrpsNormal", "EnergyScore"]


@register
@dataclass(frozen=True, kw_only=True)
class CrpsNormal(PureLoss):
    r"""Continuous ranked probability score of a normal distribution: as `gaussian_nll`, in the unit of the target.

    .. math:: l = \mathrm{scale} \left( z \, (2 \Phi(z) - 1) + 2 \varphi(z) - \frac{1}{\sqrt{\pi}} \right);
        \quad z = \frac{\mathrm{target} - \mathrm{prediction}}{\mathrm{scale}}

    Parameters
    ----------
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape: the mean, and what it is of. An integer target is converted.
    scale : array
        Floating, of the shape of `prediction`: the standard deviation, above 0.

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

    arrays = "prediction[...]: real, target[...]: real, scale[...]: positive -> [...]"

    # z (2 Φ(z) - 1) + 2 φ(z) is the mean of |z + x| for a standard normal x.
    def call(self, prediction: Array, target: Array, scale: Array) -> Array:
        return normal.mean_size(prediction - target, scale) - scale / math.sqrt(math.pi)


@register
@dataclass(frozen=True, kw_only=True)
class CrpsEnsemble(PureRowLoss):
    r"""Continuous ranked probability score of an ensemble: for a model that gives a sample of what it predicts.

    .. math:: l = \frac{1}{M} \sum_i |x_i - \mathrm{target}| - \frac{1}{2 M^2} \sum_{i, j} |x_i - x_j|;
        \quad x = \mathrm{prediction}

    Parameters
    ----------
    fair : bool, default False
        Divide the second sum by M (M - 1) in place of M², which makes it fair: its expectation is least where the
        members are drawn from the true distribution, however few they are. Without this, few members are rewarded for
        being too close to each other.
    axis : int, default -1
        The axis of the members.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array, shape (..., M)
        Floating, with the members of an ensemble along `axis`.
    target : array, shape (...)
        Floating, of the shape of `prediction` without `axis`. An integer target is converted.

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

    compares_pairs = True

    fair: bool = False

    arrays = "prediction[..., M]: real, target[...]: real -> [...]"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, fair=self.fair)

    # mean |x_i - target| - mean |x_i - x_j| / 2, the latter over all pairs, or over those of two members
    def call(self, prediction: Array, target: Array) -> Array:
        xp = array_namespace(prediction, target)
        x, y = indexing.move_axis(prediction, self.row_axis(prediction), -1), target[..., None]
        size = xp.maximum(_largest(x), xp.abs(y))
        scale = reductions.scale_of_sum(size, 2 * x.shape[-1] ** 2)
        x, y = x * scale, y * scale
        error = xp.mean(special.absolute(x - y), axis=-1)
        spread = xp.sum(special.absolute(x[..., :, None] - x[..., None, :]), axis=(-2, -1))
        return (error - spread / _twice_the_pairs(x.shape[-1], self.fair)) / xp.squeeze(scale, axis=-1)


@register
@dataclass(frozen=True, kw_only=True)
class EnergyScore(PureLoss):
    r"""`crps_ensemble` of vectors: for an ensemble of forecasts of several numbers that depend on each other.

    .. math:: l = \frac{1}{M} \sum_i \lVert x_i - \mathrm{target} \rVert - \frac{1}{2 M^2} \sum_{i, j} \lVert x_i - x_j
        \rVert;
        \quad x = \mathrm{prediction}

    Parameters
    ----------
    fair : bool, default False
        Divide the second sum by M (M - 1) in place of M², as in `crps_ensemble`.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array, shape (..., M, D)
        Floating: M vectors, the members of an ensemble.
    target : array, shape (..., D)
        Floating. An integer target is converted.

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

    compares_pairs = True

    fair: bool = False

    arrays = "prediction[..., M, D]: real, target[..., D]: real -> [...]"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, fair=self.fair)

    # mean |x_i - target| - mean |x_i - x_j| / 2, the latter over all pairs, or over those of two members
    def call(self, prediction: Array, target: Array) -> Array:
        xp = array_namespace(prediction, target)
        x, y = prediction, target[..., None, :]
        size = xp.maximum(_largest(_largest(x), -2), _largest(y))
        scale = reductions.scale_of_sum(size, 2 * x.shape[-1] * x.shape[-2] ** 2)
        x, y = x * scale, y * scale
        error = xp.mean(special.vector_norm(x - y, axis=-1), axis=-1)
        pairs = special.vector_norm(x[..., :, None, :] - x[..., None, :, :], axis=-1)
        difference = error - xp.sum(pairs, axis=(-2, -1)) / _twice_the_pairs(x.shape[-2], self.fair)
        return difference / xp.squeeze(scale, axis=(-2, -1))


def _largest(x: Array, axis: int = -1) -> Array:
    """The largest size of an entry along an axis, which stays; a constant."""
    return special.stop_gradient(reductions.reduce_max(array_namespace(x).abs(x), axis))


def _twice_the_pairs(members: int, fair: bool) -> int:
    """What the sum over all pairs is divided by; that of a single member is 0."""
    return 2 * members * (members - 1 if fair and members > 1 else members)
