"""Losses between two distributions, row by row.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from .._array_api import Array
from ..loss_function import function_form
from ..losses.divergence import KlDivergence
from ..reduction import Reduction

__all__ = ["kl_divergence"]


@function_form(KlDivergence)
def kl_divergence(
    log_probabilities: Array,
    target: Array,
    *,
    from_log: bool = True,
    log_target: bool = False,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Kullback-Leibler divergence of the prediction from the target: the bits, in nats, lost by believing it.

    .. math:: l = \sum_c target_c \, (\log target_c - \log p_c)

    Parameters
    ----------
    log_probabilities : array, shape (..., C)
        Floating log-probabilities along `axis`, or with ``from_log=False`` probabilities. A row alone, (C,), is one
        item.
    target : array, shape (..., C)
        Probabilities, or with ``log_target=True`` log-probabilities, of the same shape. Where one is 0, the class
        counts for nothing.
    from_log : bool, default True
        Whether `log_probabilities` holds logarithms.
    log_target : bool, default False
        Whether `target` holds logarithms.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `log_probabilities` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    Notes
    -----
    An item is a row: "mean" is the mean of the divergences, which PyTorch calls "batchmean".

    ``al.get("KLDivergence")`` is another loss, Keras's: of probabilities, the target's too, which it limits to 1e-7 and
    more. See `dialects.keras.KLDivergence`.

    The divergence of two distributions is at least 0. As their sums are 1 but for rounding, a result of less than 4
    units of the dtype (`eps`) below 0 counts as 0, and its gradient stays; one further below says that a row does not
    sum to 1.

    References
    ----------
    Kullback and Leibler, On information and sufficiency (1951). https://doi.org/10.1214/aoms/1177729694

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> q, p = np.asarray([[0.5, 0.5]]), np.asarray([[1.0, 0.0]])
    >>> round(float(al.kl_divergence(np.log(q), p)), 6)
    0.693147
    """
    return KlDivergence(
        from_log=from_log,
        log_target=log_target,
        axis=axis,
        reduction=reduction,
    )(log_probabilities, target, weight=weight, where=where)
