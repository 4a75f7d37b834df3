"""Labels as probabilities of classes, and the entries that they name."""

from __future__ import annotations

from typing import Any

from .._array_api import Array, array_namespace, dtype_kind, dtype_name, single_device
from ..arguments import require_integer, require_range
from ..arguments.labels import check_labels
from .elementwise import where
from .indexing import expand_dims, take_entries


def one_hot(labels: Array, n_classes: int, /, *, axis: int = -1, dtype: Any = None) -> Array:
    """One-hot encoding: a probability of 1 for the class that a label names, and of 0 for all others.

    Parameters
    ----------
    labels : array
        Integers in [0, n_classes).
    n_classes : int
        The number of classes.
    axis : int, default -1
        Where the class axis stands in the result.
    dtype : dtype, optional
        A floating dtype of the library of `labels`; its default one unless it is given.

    Returns
    -------
    array
        Of the shape of `labels` with the class axis. A label that is no class is an error where it can be looked at,
        and its row NaN elsewhere.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.one_hot(np.asarray([2, 0]), 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    xp = array_namespace(labels)
    require_integer(n_classes=n_classes, axis=axis)
    require_range(1, float("inf"), n_classes=n_classes)
    if dtype_kind(labels.dtype) != "int":
        raise TypeError(f"`labels` must hold integer labels, got {dtype_name(labels.dtype)}")
    if not -labels.ndim - 1 <= axis <= labels.ndim:
        raise ValueError(f"`axis` must be an axis of the result, of {labels.ndim + 1} axes, got {axis}")
    device = single_device(labels, to_make=True)
    found, _, invalid = check_labels(xp, "labels", labels, n_classes, None, None)
    shape = [1] * (labels.ndim + 1)
    shape[axis] = n_classes
    places = xp.reshape(xp.arange(n_classes, dtype=found.dtype, device=device), tuple(shape))
    dtype = xp.zeros((), device=device).dtype if dtype is None else dtype
    result = xp.astype(places == expand_dims(found, axis), dtype)
    return result if invalid is None else where(expand_dims(invalid, axis), float("nan"), result)


def smooth_labels(target: Array, smoothing: Any, /, *, axis: int = -1) -> Array:
    """Label smoothing: spread a share of each distribution evenly over all classes.

    Parameters
    ----------
    target : array
        Floating: a probability for each class along `axis`, such as `one_hot` returns.
    smoothing : float or array
        The share, in [0, 1].
    axis : int, default -1
        The class axis.

    Returns
    -------
    array
        ``(1 - smoothing) * target + smoothing / C`` of C classes, of the shape of `target`.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.smooth_labels(np.asarray([0.0, 1.0]), 0.5).tolist()
    [0.25, 0.75]
    """
    require_range(0, 1, smoothing=smoothing)
    if dtype_kind(target.dtype) not in ("float", "half"):
        raise TypeError(
            f"`target` must hold floating probabilities, got {dtype_name(target.dtype)}; special.one_hot makes them of "
            "labels"
        )
    return (1.0 - smoothing) * target + smoothing / target.shape[axis]


def take_along_axis(x: Array, indices: Array, /, *, axis: int = -1) -> Array:
    """Take entries along an axis by their places: the standard's function, for libraries that lack it too, as Dask.

    Parameters
    ----------
    x : array
        Of any shape.
    indices : array
        Integers in [0, n) for the length n of `axis`, of as many axes as `x`. The other axes broadcast.
    axis : int, default -1
        The axis along which entries are taken.

    Returns
    -------
    array
        As many entries along `axis` as `indices` has.

    Raises
    ------
    TypeError
        If `indices` are no integers.
    ValueError
        If the two have not as many axes, or `axis` is none of them.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> logits, labels = np.asarray([[1.0, 3.0, 0.0], [2.0, 5.0, 4.0]]), np.asarray([0, 2])
    >>> special.take_along_axis(logits, labels[:, None]).tolist()
    [[1.0], [4.0]]
    """
    require_integer(axis=axis)
    if dtype_kind(indices.dtype) != "int":
        raise TypeError(f"`indices` must hold integers, got {dtype_name(indices.dtype)}")
    if x.ndim != indices.ndim:
        raise ValueError(
            f"`indices` must have {x.ndim} axes, as `x`, got {indices.ndim}; labels of rows are labels[..., None]"
        )
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"`axis` must be an axis of `x`, which has {x.ndim}, got {axis}")
    return take_entries(x, indices, axis)
