"""Losses of two views of a batch, which compare their features over the batch and need no negatives.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.self_supervised import BarlowTwins, Vicreg
from ..reduction import Reduction

__all__ = ["barlow_twins", "vicreg"]


@function_form(BarlowTwins)
def barlow_twins(
    first: Array,
    second: Array,
    *,
    off_diagonal: Real | Sequence[float] = 0.005,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Makes the correlation of two views' features the identity: each with itself, and with no other one.

    .. math:: l = \sum_j (1 - C_{jj})^2 + \mathrm{off\_diagonal} \sum_{j \ne k} C_{jk}^2;
        \quad C_{jk} = \frac{\sum_i x_{ij} y_{ik}}{\sqrt{\sum_i x_{ij}^2} \sqrt{\sum_i y_{ik}^2}}

    with features x and y that have their means over the batch taken away.

    Parameters
    ----------
    first, second : array, shape (N, D)
        Floating embeddings of two views; those of one example stand in the same row.
    off_diagonal : float, default 0.005
        Factor of the squared correlations of two features, at least 0.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (N,), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape ().

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return BarlowTwins.made(
        off_diagonal=off_diagonal,
        reduction=reduction,
    )(first, second, weight=weight, where=where)


@function_form(Vicreg)
def vicreg(
    first: Array,
    second: Array,
    *,
    invariance: Real | Sequence[float] = 25.0,
    variance: Real | Sequence[float] = 25.0,
    covariance: Real | Sequence[float] = 1.0,
    epsilon: Real | Sequence[float] = 0.0001,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Brings two views together, while each feature keeps its spread and none repeats another one.

    .. math:: l = \frac{\mathrm{invariance}}{N D} \sum_{i,j} (x_{ij} - y_{ij})^2 + \frac{\mathrm{variance}}{2} (v(x) +
        v(y)) + \mathrm{covariance} (c(x) + c(y))

    .. math:: v(z) = \frac{1}{D} \sum_j \max \left( 0, 1 - \sqrt{C_{jj} + \epsilon} \right);
        \quad c(z) = \frac{1}{D} \sum_{j \ne k} C_{jk}^2

    with the sample covariances C of the features of z, whose divisor is N - 1.

    Parameters
    ----------
    first, second : array, shape (N, D)
        Floating embeddings of two views; those of one example stand in the same row.
    invariance : float, default 25.0
        Factor of the distance of the views, at least 0.
    variance : float, default 25.0
        Factor of what a feature's standard deviation lacks to 1, at least 0.
    covariance : float, default 1.0
        Factor of the squared covariances of two features, at least 0.
    epsilon : float, default 0.0001
        Above 0. It guards the square root's derivative.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (N,), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape ().

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return Vicreg.made(
        invariance=invariance,
        variance=variance,
        covariance=covariance,
        epsilon=epsilon,
        reduction=reduction,
    )(first, second, weight=weight, where=where)
