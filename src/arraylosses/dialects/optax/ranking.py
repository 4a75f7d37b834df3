"""Losses of a list of documents, as Optax calls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import functions, special
from ..._array_api import Array, array_namespace, is_array
from ...reduction import Reduction
from .._common import speaks
from ._arguments import in_dtype_of, require_arrays, together

__all__ = ["mean", "ranking_softmax_loss"]


def mean(losses: Array, where: Array | None = None) -> Array:
    """Mean of those losses that `where` keeps, and 0 of none.

    Parameters
    ----------
    losses : array
        One loss a list.
    where : array of bool, optional
        The lists to keep.

    Returns
    -------
    array, shape ()
        The mean.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects.optax.ranking import mean
    >>> float(mean(np.asarray([1.0, 3.0, 7.0]), np.asarray([True, True, False])))
    2.0
    """
    xp = array_namespace(losses, where)
    if where is None:
        return xp.mean(losses)
    count = xp.sum(xp.astype(where, losses.dtype))
    return xp.sum(special.where(where, losses, 0.0)) / special.clip(count, 1.0)


@speaks(functions.ranking_softmax)
def ranking_softmax_loss(
    logits: Array,
    labels: Array,
    *,
    where: Array | None = None,
    weights: Array | None = None,
    reduce_fn: Callable[..., Array] | None = mean,
) -> Array:
    r"""Cross entropy of the items' chances to come first, each counting as much as it is relevant.

    .. math:: l = -\sum_d \mathrm{weights}_d \, \mathrm{labels}_d \log p_d; \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    logits : array, shape (..., D)
        Floating: the model's scores of the items of a list.
    labels : array, shape (..., D)
        How relevant each is.
    where : array of bool, optional
        The items that are there, of the shape of `logits`.
    weights : array, optional
        What the labels are multiplied by; it broadcasts to their shape.
    reduce_fn : callable or None, default is the mean over the lists that have an item
        How the losses of the lists become the result: ``reduce_fn(losses)``, or ``reduce_fn(losses, where=lists)`` with
        `where`, such as `jax.numpy.sum`. None for one loss a list, which is 0 for a list without any item.

    Returns
    -------
    array
        What `reduce_fn` returns of the losses of the lists, of shape (...) and of the dtype of `logits`.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.ranking_softmax

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> scores, labels = np.asarray([[2.0, 1.0, 9.0]]), np.asarray([[1.0, 0.0, 0.0]])
    >>> round(float(optax.ranking_softmax_loss(scores, labels, where=np.asarray([[True, True, False]]))), 6)
    0.313262
    """
    rest: dict[str, Any] = {name: x for name, x in (("where", where), ("weights", weights)) if x is not None}
    logits, labels, *found = together(logits, labels, *rest.values())
    rest = dict(zip(rest, found, strict=True))
    require_arrays(logits=logits, labels=labels, **rest)
    if "weights" in rest and is_array(labels):
        xp = array_namespace(logits, labels, rest["weights"])
        labels = xp.astype(labels, logits.dtype) * rest["weights"]
    where = rest.get("where")
    reduction: Reduction = "mean" if reduce_fn is mean else "none"
    losses = in_dtype_of(functions.ranking_softmax(logits, labels, where=where, reduction=reduction), logits)
    if reduce_fn is None or reduce_fn is mean:
        return losses
    if where is None:
        return reduce_fn(losses)
    return reduce_fn(losses, where=array_namespace(where).any(where, axis=-1))
