"""Losses of two views of a batch, which compare their features over the batch and need no negatives."""

from __future__ import annotations

from dataclasses import dataclass

from .. import special
from .._array_api import Array, Real, array_namespace
from ..arguments import require_finite, require_nonnegative, require_positive
from ..numerics import settings
from ..registry import register
from ._base import PureLoss
from ._pairs import places, unit_rows

__all__ = ["BarlowTwins", "Vicreg"]


def _centred(x: Array, where: Array | None) -> tuple[Array, Array]:
    """The rows less their mean, with 0 for those that are left out, and how many there are."""
    xp = array_namespace(x)
    kept = xp.ones_like(x[:, :1]) if where is None else xp.astype(where[:, None], x.dtype)
    count = special.clip(xp.sum(kept), 1.0)
    return (x - xp.sum(x * kept, axis=0, keepdims=True) / count) * kept, count


def _divided(matrix: Array) -> tuple[Array, Array]:
    """The diagonal, and the sum of the squares off it."""
    xp, own = array_namespace(matrix), places(matrix)
    on_diagonal = own[:, None] == own[None, :]
    diagonal = xp.sum(special.where(on_diagonal, matrix, 0.0), axis=-1)
    return diagonal, xp.sum(special.where(on_diagonal, 0.0, matrix) ** 2)


@register("VICReg", "VICRegLoss")
@dataclass(frozen=True, kw_only=True)
class Vicreg(PureLoss):
    r"""Brings two views together, while each feature keeps its spread and none repeats another one.

    .. math:: l = \frac{\mathrm{invariance}}{N D} \sum_{i,j} (x_{ij} - y_{ij})^2 + \frac{\mathrm{variance}}{2} (v(x) +
        v(y)) + \mathrm{covariance} (c(x) + c(y))

    .. math:: v(z) = \frac{1}{D} \sum_j \max \left( 0, 1 - \sqrt{C_{jj} + \epsilon} \right);
        \quad c(z) = \frac{1}{D} \sum_{j \ne k} C_{jk}^2

    with the sample covariances C of the features of z, whose divisor is N - 1.

    Parameters
    ----------
    invariance : float, default 25.0
        Factor of the distance of the views, at least 0.
    variance : float, default 25.0
        Factor of what a feature's standard deviation lacks to 1, at least 0.
    covariance : float, default 1.0
        Factor of the squared covariances of two features, at least 0.
    epsilon : float, default 0.0001
        Above 0. It guards the square root's derivative.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    first, second : array, shape (N, D)
        Floating embeddings of two views; those of one example stand in the same row.

    See Also
    --------
    barlow_twins : By one correlation matrix.
    nt_xent : With negatives.

    Notes
    -----
    The batch is one item. `where` has shape (N,) and leaves out examples.

    The first term is a mean over all numbers, and the second one a mean over the views, as in the authors' code; the
    paper has a sum over features and a sum over views there.

    References
    ----------
    Bardes, Ponce and LeCun, VICReg: variance-invariance-covariance regularization for self-supervised learning (2022).
    https://arxiv.org/abs/2105.04906

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> first, second = np.asarray([[1.0, 0.0], [0.0, 1.0]]), np.asarray([[1.0, 0.0], [0.0, 0.5]])
    >>> round(float(al.vicreg(first, second)), 4)
    11.4048
    """

    arrays = "first[N, D]: real, second[N, D]: real, where[N] -> []"

    invariance: Real = 25.0
    variance: Real = 25.0
    covariance: Real = 1.0
    epsilon: Real = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        factors = {"invariance": self.invariance, "variance": self.variance, "covariance": self.covariance}
        require_nonnegative(**factors)
        require_finite(**factors, epsilon=self.epsilon)
        require_positive(epsilon=self.epsilon)

    # invariance mean (x - y)² + variance mean max(0, 1 - sqrt(C_jj + ε)) + covariance Σ C_jk² / D
    def call(self, first: Array, second: Array, where: Array | None = None) -> Array:
        xp = array_namespace(first, second)
        gap = (first - second) ** 2
        rows = xp.mean(gap, axis=-1) if where is None else special.where(where, xp.mean(gap, axis=-1), 0.0)
        loss = 0.0
        for x in (first, second):
            centred, count = _centred(x, where)
            covariances = xp.matmul(xp.permute_dims(centred, (1, 0)), centred) / special.clip(count - 1.0, 1.0)
            variances, squares = _divided(covariances)
            lacking = xp.mean(special.relu(1.0 - xp.sqrt(variances + self.epsilon)))
            loss = loss + self.variance / 2.0 * lacking + settings.times(self.covariance, squares / x.shape[1])
        return self.invariance * xp.sum(rows) / count + loss


@register
@dataclass(frozen=True, kw_only=True)
class BarlowTwins(PureLoss):
    r"""Makes the correlation of two views' features the identity: each with itself, and with no other one.

    .. math:: l = \sum_j (1 - C_{jj})^2 + \mathrm{off\_diagonal} \sum_{j \ne k} C_{jk}^2;
        \quad C_{jk} = \frac{\sum_i x_{ij} y_{ik}}{\sqrt{\sum_i x_{ij}^2} \sqrt{\sum_i y_{ik}^2}}

    with features x and y that have their means over the batch taken away.

    Parameters
    ----------
    off_diagonal : float, default 0.005
        Factor of the squared correlations of two features, at least 0.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    first, second : array, shape (N, D)
        Floating embeddings of two views; those of one example stand in the same row.

    See Also
    --------
    vicreg : With terms of their own for spread and correlation.
    nt_xent : With negatives.

    Notes
    -----
    The batch is one item. `where` has shape (N,) and leaves out examples. The correlation of a feature that is constant
    over the batch is 0. MONAI divides by sample standard deviations and by N, so that its correlations are
    (N - 1) / N at the most.

    References
    ----------
    Zbontar et al., Barlow Twins: self-supervised learning via redundancy reduction (2021).
    https://arxiv.org/abs/2103.03230

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> first = np.asarray([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> second = np.asarray([[1.0, 0.0], [0.0, 3.0], [1.0, 0.0]])
    >>> round(float(al.barlow_twins(first, second)), 6)
    0.25625
    """

    arrays = "first[N, D]: real, second[N, D]: real, where[N] -> []"

    off_diagonal: Real = 0.005

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(off_diagonal=self.off_diagonal)
        require_finite(off_diagonal=self.off_diagonal)

    # Σ (1 - C_jj)² + λ Σ C_jk², for the cosines C of the centred features
    def call(self, first: Array, second: Array, where: Array | None = None) -> Array:
        xp = array_namespace(first, second)
        x, y = (unit_rows(xp.permute_dims(_centred(v, where)[0], (1, 0))) for v in (first, second))
        own, squares = _divided(xp.matmul(x, xp.permute_dims(y, (1, 0))))
        return xp.sum((1.0 - own) ** 2) + self.off_diagonal * squares
