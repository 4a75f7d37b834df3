"""Divergences of two distributions, as Optax calls them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ... import functions, special
from ..._array_api import Array
from .._common import speaks
from ._arguments import Axis, broadcast, in_dtype_of, masked_rows, require_floating, rows, together

__all__ = ["convex_kl_divergence", "generalized_kl_divergence", "kl_divergence", "kl_divergence_with_log_targets"]


def _of_rows(
    loss: Callable[..., Array],
    log_predictions: Array,
    targets: Array,
    axis: Axis,
    where: Array | None,
    neutral: float,
    **settings: Any,
) -> Array:
    """The loss of each row; what is left out counts for nothing, as `neutral` does beside a log-probability of 0."""
    if where is None:
        given = broadcast(*together(log_predictions, targets))
        arrays, axis = rows(axis, *given, neutral=neutral)
    else:
        *found, where = together(log_predictions, targets, where)
        given = broadcast(*found)
        kept, arrays, axis = masked_rows(axis, where, *given)
        arrays = special.where(kept, arrays[0], 0.0), special.where(kept, arrays[1], neutral)
    return in_dtype_of(loss(*arrays, axis=axis, reduction="none", **settings), *given)


@speaks(functions.kl_divergence)
def kl_divergence(log_predictions: Array, targets: Array, axis: Axis = -1, where: Array | None = None) -> Array:
    r"""Kullback-Leibler divergence of the prediction from the target.

    .. math:: l = \sum_c \mathrm{targets}_c (\log \mathrm{targets}_c - \mathrm{log\_predictions}_c)

    Parameters
    ----------
    log_predictions : array
        Floating log-probabilities.
    targets : array
        Floating probabilities; where one is 0, the class counts for nothing. Both broadcast to one shape.
    axis : int, sequence of int or None, default -1
        The axis that is summed along, or several; None for all.
    where : array of bool, optional
        The entries that are summed, broadcastable to the shape of both.

    Returns
    -------
    array
        One loss a row, of the shape of the arrays without `axis` and of their dtype.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.kl_divergence

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.kl_divergence(np.log(np.asarray([[0.5, 0.5]])), np.asarray([[1.0, 0.0]])).round(6).tolist()
    [0.693147]
    """
    require_floating(targets=targets)
    return _of_rows(functions.kl_divergence, log_predictions, targets, axis, where, 1.0)


@speaks(functions.kl_divergence)
def kl_divergence_with_log_targets(
    log_predictions: Array, log_targets: Array, axis: Axis = -1, where: Array | None = None
) -> Array:
    r"""Kullback-Leibler divergence of the prediction from a target that is given by its logarithm.

    .. math:: l = \sum_c \exp(\mathrm{log\_targets}_c) (\mathrm{log\_targets}_c - \mathrm{log\_predictions}_c)

    Parameters
    ----------
    log_predictions : array
        Floating log-probabilities.
    log_targets : array
        Floating log-probabilities; where one is -inf, the class counts for nothing. Both broadcast to one shape.
    axis : int, sequence of int or None, default -1
        The axis that is summed along, or several; None for all.
    where : array of bool, optional
        The entries that are summed, broadcastable to the shape of both.

    Returns
    -------
    array
        One loss a row, of the shape of the arrays without `axis` and of their dtype.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.kl_divergence

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> p, q = np.log(np.asarray([[0.5, 0.5]])), np.log(np.asarray([[0.25, 0.75]]))
    >>> optax.kl_divergence_with_log_targets(p, q).round(6).tolist()
    [0.130812]
    """
    require_floating(log_targets=log_targets)
    return _of_rows(functions.kl_divergence, log_predictions, log_targets, axis, where, 0.0, log_target=True)


@speaks(functions.generalized_kl)
def generalized_kl_divergence(
    log_predictions: Array, targets: Array, axis: Axis = -1, where: Array | None = None
) -> Array:
    r"""Kullback-Leibler divergence of amounts that need not sum to 1.

    .. math:: l = \sum_c \mathrm{targets}_c (\log \mathrm{targets}_c - \mathrm{log\_predictions}_c) - \mathrm{targets}_c
        + \exp(\mathrm{log\_predictions}_c)

    Parameters
    ----------
    log_predictions : array
        Floating logarithms of amounts.
    targets : array
        Floating amounts of at least 0. Both broadcast to one shape.
    axis : int, sequence of int or None, default -1
        The axis that is summed along, or several; None for all.
    where : array of bool, optional
        The entries that are summed, broadcastable to the shape of both.

    Returns
    -------
    array
        One loss a row, of the shape of the arrays without `axis` and of their dtype.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.generalized_kl

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.generalized_kl_divergence(np.log(np.asarray([[2.0, 1.0]])), np.asarray([[0.0, 1.0]])).tolist()
    [2.0]
    """
    require_floating(targets=targets)
    return _of_rows(functions.generalized_kl, log_predictions, targets, axis, where, 1.0)


@speaks(functions.generalized_kl)
def convex_kl_divergence(log_predictions: Array, targets: Array, axis: Axis = -1, where: Array | None = None) -> Array:
    """Return `generalized_kl_divergence`, with a warning: its name of before, which Optax deprecates.

    Parameters
    ----------
    log_predictions, targets, axis, where
        As in `generalized_kl_divergence`.

    Returns
    -------
    array
        One loss a row.

    Warns
    -----
    DeprecationWarning
        At each call.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     optax.convex_kl_divergence(np.log(np.asarray([[2.0, 1.0]])), np.asarray([[0.0, 1.0]])).tolist()
    [2.0]
    """
    message = "convex_kl_divergence is deprecated in Optax; use generalized_kl_divergence, which is the same"
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    return generalized_kl_divergence(log_predictions, targets, axis, where)
