"""Losses of a yes or no, as Optax calls them."""

from __future__ import annotations

from typing import Any

from ... import functions
from ..._array_api import Array
from .._common import speaks
from ._arguments import of_elements

__all__ = ["hinge_loss", "perceptron_loss", "sigmoid_binary_cross_entropy", "sigmoid_focal_loss", "sparsemax_loss"]


@speaks(functions.binary_cross_entropy)
def sigmoid_binary_cross_entropy(logits: Array, labels: Array | float) -> Array:
    r"""Negative log-likelihood of a yes or no.

    .. math:: l = -\mathrm{labels} \log p - (1 - \mathrm{labels}) \log(1 - p);
        \quad p = \mathrm{sigmoid}(\mathrm{logits})

    Parameters
    ----------
    logits : array
        Floating.
    labels : array or number
        0 or 1, or a probability. Both broadcast to one shape.

    Returns
    -------
    array
        One loss an element, of the dtype of `logits`.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.binary_cross_entropy

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.sigmoid_binary_cross_entropy(np.asarray([2.0, 2.0]), np.asarray([1, 0])).round(6).tolist()
    [0.126928, 2.126928]
    """
    return of_elements(functions.binary_cross_entropy, logits, labels)


@speaks(functions.binary_focal)
def sigmoid_focal_loss(logits: Array, labels: Array | float, *, alpha: Any = None, gamma: Any = 2.0) -> Array:
    r"""Cross entropy of a yes or no in which easy items count little.

    .. math:: l = -\alpha_t (1 - p_t)^{\gamma} \log p_t;
        \quad p_t = p \text{ if } \mathrm{labels} = 1 \text{ else } 1 - p, \; p = \mathrm{sigmoid}(\mathrm{logits})

    Parameters
    ----------
    logits : array
        Floating.
    labels : array or number
        0 or 1, or a probability. Both broadcast to one shape.
    alpha : float or array, optional
        Weight of a yes, in [0, 1]; that of a no is 1 - alpha. Without it, both are 1.
    gamma : float or array, default 2.0
        How fast the weight of an item falls as it becomes easy; at least 0.

    Returns
    -------
    array
        One loss an element, of the dtype of `logits`.

    Raises
    ------
    TypeError, ValueError
        For arrays and settings that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.binary_focal

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.sigmoid_focal_loss(np.asarray([2.0, 2.0]), np.asarray([1, 0])).round(6).tolist()
    [0.001804, 1.650078]
    """
    return of_elements(functions.binary_focal, logits, labels, alpha=alpha, gamma=gamma)


@speaks(functions.hinge)
def hinge_loss(predictor_outputs: Array, targets: Array | float) -> Array:
    r"""Loss of the support vector machine.

    .. math:: l = \max(0, 1 - \mathrm{targets} \cdot \mathrm{predictor\_outputs})

    Parameters
    ----------
    predictor_outputs : array
        Floating scores.
    targets : array or number
        -1 or 1. Both broadcast to one shape.

    Returns
    -------
    array
        One loss an element, of the dtype of the scores.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.hinge

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.hinge_loss(np.asarray([0.25, 0.25]), np.asarray([1, -1])).tolist()
    [0.75, 1.25]
    """
    return of_elements(functions.hinge, predictor_outputs, targets)


@speaks(functions.perceptron)
def perceptron_loss(predictor_outputs: Array, targets: Array) -> Array:
    r"""Loss of the perceptron.

    .. math:: l = \max(0, -\mathrm{targets} \cdot \mathrm{predictor\_outputs})

    Parameters
    ----------
    predictor_outputs : array
        Floating scores.
    targets : array
        -1 or 1, of the shape of the scores.

    Returns
    -------
    array
        One loss an element, of the shape and dtype of the scores.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.perceptron

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.perceptron_loss(np.asarray([0.25, 0.25]), np.asarray([-1, 1])).tolist()
    [0.25, 0.0]
    """
    return of_elements(functions.perceptron, predictor_outputs, targets, equal=True)


@speaks(functions.sparsemax)
def sparsemax_loss(logits: Array, labels: Array | float) -> Array:
    r"""Loss of a yes or no whose probability is 0 or 1 beyond a score of -1 or 1.

    .. math:: l = \phi((1 - 2 \, \mathrm{labels}) \, \mathrm{logits});
        \quad \phi(x) = \begin{cases} 0 & x \le -1 \\ (x + 1)^2 / 4 & -1 < x < 1 \\ x & x \ge 1 \end{cases}

    Parameters
    ----------
    logits : array
        Floating scores.
    labels : array or number
        0 or 1. Both broadcast to one shape.

    Returns
    -------
    array
        One loss an element, of the dtype of `logits`.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.sparsemax

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.sparsemax_loss(np.asarray([0.0, 2.0]), np.asarray([1, 0])).tolist()
    [0.25, 2.0]
    """
    return of_elements(functions.sparsemax, logits, labels)
