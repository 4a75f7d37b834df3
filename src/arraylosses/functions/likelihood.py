"""Losses that are the negative log-likelihood of a distribution whose parameter is predicted.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from .._array_api import Array
from ..loss_function import function_form
from ..losses.likelihood import PoissonNll
from ..reduction import Reduction

__all__ = ["poisson_nll"]


@function_form(PoissonNll)
def poisson_nll(
    prediction: Array,
    target: Array,
    *,
    from_log: bool = True,
    full: bool = False,
    epsilon: float = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log-likelihood of a Poisson distribution, for counts.

    .. math:: l = rate - target \log(rate + epsilon) \; (+ \log target!); \quad rate = \exp(prediction)

    Parameters
    ----------
    prediction : array
        Floating: the logarithm of the rate, or with ``from_log=False`` the rate itself, above 0.
    target : array
        Counts, of the shape of `prediction`. An integer target is converted.
    from_log : bool, default True
        Whether `prediction` is a logarithm.
    full : bool, default False
        Add log(target!) by Stirling's approximation for targets above 1.
    epsilon : float, default 0.0
        What is added to a rate before its logarithm is taken; at least 0. Without effect on a logarithm.
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
    return PoissonNll(
        from_log=from_log,
        full=full,
        epsilon=epsilon,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)
