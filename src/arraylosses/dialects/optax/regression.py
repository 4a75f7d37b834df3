"""Losses of an error, as Optax calls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import functions
from ..._array_api import Array, array_namespace, is_array
from .._common import speaks
from ._arguments import of_elements

__all__ = ["huber_loss", "l2_loss", "log_cosh", "squared_error"]


def _of_error(loss: Callable[..., Array], predictions: Array, targets: Any, **settings: Any) -> Array:
    """The loss of each error, which `predictions` holds without targets."""
    if targets is None and is_array(predictions):
        targets = array_namespace(predictions).zeros_like(predictions)
    return of_elements(loss, predictions, targets, **settings)


@speaks(functions.squared_error)
def squared_error(predictions: Array, targets: Array | None = None) -> Array:
    r"""Square of the error.

    .. math:: l = (\mathrm{predictions} - \mathrm{targets})^2

    Parameters
    ----------
    predictions : array
        Floating.
    targets : array, optional
        Of the shape of `predictions`. Without it, `predictions` holds errors.

    Returns
    -------
    array
        One loss an element, of the shape and dtype of `predictions`.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.squared_error

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.squared_error(np.asarray([3.0, 0.0]), np.asarray([1.0, 0.5])).tolist()
    [4.0, 0.25]
    """
    return _of_error(functions.squared_error, predictions, targets, equal=True)


@speaks(functions.half_squared_error)
def l2_loss(predictions: Array, targets: Array | None = None) -> Array:
    r"""Half the square of the error.

    .. math:: l = \frac{1}{2} (\mathrm{predictions} - \mathrm{targets})^2

    Parameters
    ----------
    predictions : array
        Floating.
    targets : array, optional
        Of the shape of `predictions`. Without it, `predictions` holds errors.

    Returns
    -------
    array
        One loss an element, of the shape and dtype of `predictions`.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.half_squared_error

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.l2_loss(np.asarray([3.0, 0.0]), np.asarray([1.0, 0.5])).tolist()
    [2.0, 0.125]
    """
    return _of_error(functions.half_squared_error, predictions, targets, equal=True)


@speaks(functions.huber)
def huber_loss(predictions: Array, targets: Array | float | None = None, *, delta: Any = 1.0) -> Array:
    r"""Squared near 0 and absolute far out.

    .. math:: l = \frac{1}{2} e^2 \text{ if } |e| \le \delta, \text{ else } \delta (|e| - \frac{1}{2} \delta);
        \quad e = \mathrm{predictions} - \mathrm{targets}

    Parameters
    ----------
    predictions : array
        Floating.
    targets : array or number, optional
        Both broadcast to one shape. Without it, `predictions` holds errors.
    delta : float or array, default 1.0
        Where the loss turns linear; above 0.

    Returns
    -------
    array
        One loss an element, of the dtype of `predictions`.

    Raises
    ------
    TypeError, ValueError
        For arrays and settings that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.huber

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.huber_loss(np.asarray([3.0, 0.0]), np.asarray([1.0, 0.5])).tolist()
    [1.5, 0.125]
    """
    return _of_error(functions.huber, predictions, targets, delta=delta)


@speaks(functions.log_cosh)
def log_cosh(predictions: Array, targets: Array | float | None = None) -> Array:
    r"""Logarithm of the hyperbolic cosine of the error.

    .. math:: l = \log \cosh (\mathrm{predictions} - \mathrm{targets})

    Parameters
    ----------
    predictions : array
        Floating.
    targets : array or number, optional
        Both broadcast to one shape. Without it, `predictions` holds errors.

    Returns
    -------
    array
        One loss an element, of the dtype of `predictions`.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.log_cosh

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.log_cosh(np.asarray([1.0, 0.0])).round(6).tolist()
    [0.433781, 0.0]
    """
    return _of_error(functions.log_cosh, predictions, targets)
