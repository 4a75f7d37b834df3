"""Losses of several classes that exclude each other, as Optax calls them."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

from ... import functions, special
from ..._array_api import Array, array_namespace, as_array, backend_of, dtype_kind, dtype_name, is_array
from ...numerics import reductions
from .._common import speaks
from ._arguments import (
    Axis,
    axes_of,
    broadcast,
    in_dtype_of,
    masked_rows,
    require_arrays,
    require_floating,
    rows,
    together,
    without,
)

__all__ = [
    "make_fenchel_young_loss",
    "multiclass_hinge_loss",
    "multiclass_perceptron_loss",
    "multiclass_sparsemax_loss",
    "poly_loss_cross_entropy",
    "safe_softmax_cross_entropy",
    "smooth_labels",
    "softmax_cross_entropy",
    "softmax_cross_entropy_with_integer_labels",
]


def _of_distributions(
    loss: Callable[..., Array], logits: Array, labels: Array, axis: Axis, where: Array | None, **settings: Any
) -> Array:
    """The loss of each row of labels that are a number for each class."""
    if where is None:
        logits, labels = together(logits, labels)
    else:
        logits, labels, where = together(logits, labels, where)
    given = (logits, labels)
    if is_array(labels) and is_array(logits):
        if dtype_kind(labels.dtype) not in ("float", "half"):
            labels = array_namespace(labels).astype(labels, logits.dtype)
        logits, labels = broadcast(logits, labels)
    if where is None:
        arrays, axis = rows(axis, logits, labels)
        return in_dtype_of(loss(*arrays, axis=axis, reduction="none", **settings), *given)
    kept, (logits, labels), axis = masked_rows(axis, where, logits, labels, of_rows=True)
    logits, some = without(kept, axis, logits, float("-inf"))
    labels = special.where(kept, labels, 0.0)
    return in_dtype_of(loss(logits, labels, axis=axis, where=some, reduction="none", **settings), *given)


@speaks(functions.cross_entropy)
def softmax_cross_entropy(logits: Array, labels: Array, axis: Axis = -1, where: Array | None = None) -> Array:
    r"""Cross entropy of logits and a distribution.

    .. math:: l = -\sum_c \mathrm{labels}_c \log p_c; \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    logits : array
        Floating.
    labels : array
        A number for each class, such as a probability. Both broadcast to one shape.
    axis : int, sequence of int or None, default -1
        The class axis, or several whose places are the classes; None for all.
    where : array of bool, optional
        The classes that take part, broadcastable to the logits; or of one axis less, the rows.

    Returns
    -------
    array
        One loss a row, of the shape of the arrays without `axis` and of their dtype; 0 for a row without any class.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.cross_entropy

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> logits, labels = np.asarray([[2.0, 0.0, 0.0]]), np.asarray([[1.0, 0.0, 0.0]])
    >>> optax.softmax_cross_entropy(logits, labels).round(4).tolist()
    [0.2395]
    >>> optax.softmax_cross_entropy(logits, labels, where=np.asarray([[True, True, False]])).round(4).tolist()
    [0.1269]
    """
    return _of_distributions(functions.cross_entropy, logits, labels, axis, where)


@speaks(functions.cross_entropy)
def safe_softmax_cross_entropy(logits: Array, labels: Array) -> Array:
    r"""Cross entropy of logits and a distribution, in which 0 log 0 is 0.

    It is `softmax_cross_entropy`, which is safe here too.

    .. math:: l = -\sum_c \mathrm{labels}_c \log p_c; \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating; -inf rules a class out.
    labels : array, shape (..., C)
        A number for each class, such as a probability. Both broadcast to one shape.

    Returns
    -------
    array, shape (...)
        One loss a row, of the dtype of the arrays.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.cross_entropy

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> logits, labels = np.asarray([[2.0, 0.0, -np.inf]]), np.asarray([[1.0, 0.0, 0.0]])
    >>> optax.safe_softmax_cross_entropy(logits, labels).round(4).tolist()
    [0.1269]
    """
    return _of_distributions(functions.cross_entropy, logits, labels, -1, None)


@speaks(functions.cross_entropy)
def softmax_cross_entropy_with_integer_labels(
    logits: Array, labels: Array, axis: Axis = -1, where: Array | None = None
) -> Array:
    r"""Cross entropy of logits and integer labels.

    .. math:: l = -\log p_{\mathrm{label}}; \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    logits : array
        Floating.
    labels : array
        Integers in [0, C), of the shape of `logits` without `axis`.
    axis : int or sequence of int, default -1
        The class axis; or several, whose places in this order are the classes.
    where : array of bool, optional
        The classes that take part, broadcastable to the logits; or of one axis less, the rows.

    Returns
    -------
    array
        One loss a row, of the shape of `labels` and the dtype of `logits`; 0 for a row without any class.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.cross_entropy

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> logits = np.asarray([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    >>> optax.softmax_cross_entropy_with_integer_labels(logits, np.asarray([0, 2])).round(4).tolist()
    [0.2395, 1.0986]
    """
    if axis is None:
        raise ValueError("`axis` must be an axis or several, got None")
    if where is None:
        logits, labels = _with_labels(logits, labels)
        (rows_of_logits,), axis = rows(axis, logits)
        loss = functions.cross_entropy(rows_of_logits, labels, axis=axis, reduction="none")
        return in_dtype_of(loss, logits)
    logits, labels, where = _with_labels(logits, labels, where)
    kept, (rows_of_logits,), axis = masked_rows(axis, where, logits, of_rows=True)
    rows_of_logits, some = without(kept, axis, rows_of_logits, float("-inf"))
    loss = functions.cross_entropy(rows_of_logits, labels, axis=axis, where=some, reduction="none")
    return in_dtype_of(loss, logits)


def _with_labels(logits: Array, labels: Array, *rest: Array) -> tuple[Array, ...]:
    """The arrays of one library, of which the second holds integers."""
    if type(labels) is int and is_array(logits):
        labels = as_array(labels, logits, array_namespace(logits).int32)
    given = together(logits, labels, *rest)
    if is_array(given[1]) and dtype_kind(given[1].dtype) != "int":
        raise TypeError(f"`labels` must hold integer labels, got {dtype_name(given[1].dtype)}")
    return given


@speaks(functions.poly_cross_entropy, epsilon1="epsilon")
def poly_loss_cross_entropy(
    logits: Array, labels: Array, *, epsilon: Any = 2.0, axis: Axis = -1, where: Array | None = None
) -> Array:
    r"""Cross entropy with the first term of its series in 1 - p changed.

    .. math:: l = \sum_c \mathrm{labels}_c (-\log p_c + \epsilon (1 - p_c)); \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    logits : array
        Floating.
    labels : array
        Floating probabilities. Both broadcast to one shape.
    epsilon : float or array, default 2.0
        What is added to the coefficient of 1 - p; at least -1.
    axis : int, sequence of int or None, default -1
        The class axis, or several whose places are the classes; None for all.
    where : array of bool, optional
        The classes that take part, broadcastable to the logits; or of one axis less, the rows.

    Returns
    -------
    array
        One loss a row, of the shape of the arrays without `axis` and of their dtype; 0 for a row without any class.

    Raises
    ------
    TypeError, ValueError
        For arrays and settings that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.poly_cross_entropy

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.poly_loss_cross_entropy(np.asarray([[0.0, 0.0]]), np.asarray([[0.0, 1.0]])).round(6).tolist()
    [1.693147]
    """
    require_floating(labels=labels)
    return _of_distributions(functions.poly_cross_entropy, logits, labels, axis, where, epsilon1=epsilon)


def _of_labels(loss: Callable[..., Array], scores: Array, labels: Array) -> Array:
    """The loss of each row of the last axis."""
    scores, labels = _with_labels(scores, labels)
    return in_dtype_of(loss(scores, labels, reduction="none"), scores)


@speaks(functions.categorical_hinge)
def multiclass_hinge_loss(scores: Array, labels: Array) -> Array:
    r"""Loss of the multiclass support vector machine.

    .. math:: l = \max(0, 1 + \max_{j \ne \mathrm{label}} \mathrm{scores}_j - \mathrm{scores}_{\mathrm{label}})

    Parameters
    ----------
    scores : array, shape (..., C)
        Floating.
    labels : array, shape (...)
        Integers in [0, C).

    Returns
    -------
    array, shape (...)
        One loss a row, of the dtype of `scores`.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.categorical_hinge

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.multiclass_hinge_loss(np.asarray([[3.0, 1.0, 0.0], [0.5, 0.0, 1.0]]), np.asarray([0, 0])).tolist()
    [0.0, 1.5]
    """
    return _of_labels(functions.categorical_hinge, scores, labels)


@speaks(functions.multiclass_perceptron)
def multiclass_perceptron_loss(scores: Array, labels: Array) -> Array:
    r"""Loss of the perceptron of several classes.

    .. math:: l = \max_j \mathrm{scores}_j - \mathrm{scores}_{\mathrm{label}}

    Parameters
    ----------
    scores : array, shape (..., C)
        Floating.
    labels : array, shape (...)
        Integers in [0, C).

    Returns
    -------
    array, shape (...)
        One loss a row, of the dtype of `scores`.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.multiclass_perceptron

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.multiclass_perceptron_loss(np.asarray([[3.0, 1.0, 0.0], [0.5, 0.0, 1.0]]), np.asarray([0, 0])).tolist()
    [0.0, 0.5]
    """
    return _of_labels(functions.multiclass_perceptron, scores, labels)


@speaks(functions.multiclass_sparsemax)
def multiclass_sparsemax_loss(scores: Array, labels: Array) -> Array:
    r"""Cross entropy's counterpart for probabilities that may be 0.

    .. math:: l = \frac{1}{2} + \sum_c p_c (\mathrm{scores}_c - \frac{1}{2} p_c) - \mathrm{scores}_{\mathrm{label}}

    with p the point of the probability simplex that is nearest to the scores.

    Parameters
    ----------
    scores : array, shape (..., C)
        Floating.
    labels : array, shape (...)
        Integers in [0, C).

    Returns
    -------
    array, shape (...)
        One loss a row, of the dtype of `scores`.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.multiclass_sparsemax

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.multiclass_sparsemax_loss(np.asarray([[3.0, 1.0, 0.0], [0.5, 0.0, 1.0]]), np.asarray([0, 0])).tolist()
    [0.0, 0.5625]
    """
    return _of_labels(functions.multiclass_sparsemax, scores, labels)


def make_fenchel_young_loss(max_fun: Callable[..., Array]) -> Callable[..., Array]:
    r"""Make the Fenchel-Young loss of a regularized maximum.

    .. math:: l = \mathrm{max\_fun}(\mathrm{scores}) - \sum_c \mathrm{targets}_c \, \mathrm{scores}_c

    Parameters
    ----------
    max_fun : callable
        ``max_fun(scores, *args, **kwargs)`` of a vector, shape (C,), that returns one number.

    Returns
    -------
    callable
        ``loss(scores, targets, *args, **kwargs)`` of arrays of shape (..., C), which returns one loss a row, of shape
        (...). JAX's and torch's arrays go through ``vmap``, rows of all others one by one.

    See Also
    --------
    arraylosses.fenchel_young : of a function of all rows at once

    References
    ----------
    Blondel, Martins and Niculae, Learning with Fenchel-Young losses (2020). https://arxiv.org/abs/1901.02324

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> from arraylosses.dialects import optax
    >>> loss = optax.make_fenchel_young_loss(special.logsumexp)
    >>> loss(np.asarray([[2.0, 0.0, 0.0]]), np.asarray([[1.0, 0.0, 0.0]])).round(4).tolist()
    [0.2395]
    """

    def fenchel_young_loss(scores: Array, targets: Array, *args: Any, **kwargs: Any) -> Array:
        scores, targets = together(scores, targets)
        maximum = _by_rows(lambda row: max_fun(row, *args, **kwargs), scores)
        scores, targets = broadcast(scores, targets)
        return maximum - reductions.expectation(scores, targets, -1)

    return fenchel_young_loss


def _by_rows(function: Callable[[Array], Array], x: Array) -> Array:
    """A function of a vector, of each row of the last axis."""
    if x.ndim == 1:
        return function(x)
    xp = array_namespace(x)
    shape = tuple(x.shape[:-1])
    flat = xp.reshape(x, (math.prod(shape), x.shape[-1]))
    library: Any = sys.modules.get(backend_of(xp))
    if hasattr(library, "vmap"):
        return xp.reshape(library.vmap(function)(flat), shape)
    return xp.reshape(xp.stack([function(flat[k, ...]) for k in range(flat.shape[0])]), shape)


def smooth_labels(labels: Array, alpha: Any, *, axis: Axis = -1, where: Array | None = None) -> Array:
    r"""Spread a share of each distribution evenly over all classes.

    .. math:: (1 - \alpha) \, \mathrm{labels} + \alpha / C

    Parameters
    ----------
    labels : array
        Floating: a probability for each class along `axis`.
    alpha : float or array
        The share.
    axis : int, sequence of int or None, default -1
        The class axis, or several whose places are the classes; None for all.
    where : array of bool, optional
        The classes that take part, which C is the number of; broadcastable to `labels`.

    Returns
    -------
    array
        Of the shape and dtype of `labels`.

    Raises
    ------
    TypeError
        If `labels` holds no floating numbers.

    See Also
    --------
    arraylosses.special.smooth_labels

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.smooth_labels(np.asarray([0.0, 1.0]), 0.5).tolist()
    [0.25, 0.75]
    """
    require_arrays(labels=labels, **({} if where is None else {"where": where}))
    require_floating(labels=labels)
    axes = axes_of(axis, labels.ndim)
    if where is None:
        return (1.0 - alpha) * labels + alpha / math.prod([labels.shape[k] for k in axes])
    labels, where = broadcast(*together(labels, where))
    xp = array_namespace(labels, where)
    count = xp.sum(xp.astype(where, labels.dtype), axis=axes, keepdims=True)
    return (1.0 - alpha) * labels + alpha / special.clip(count, 1.0)
