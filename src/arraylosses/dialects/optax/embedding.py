"""Losses of vectors, as Optax has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ... import functions, special
from ..._array_api import Array, array_namespace
from ...arguments import require_finite, require_nonnegative
from ...losses._base import PureRowLoss
from ...losses.embedding import TripletMargin
from ...numerics import indexing, norms, settings
from ...registry import register
from .._common import speaks
from ._arguments import Axis, broadcast, in_dtype_of, masked_rows, require_floating, rows, together

__all__ = ["cosine_distance", "cosine_similarity", "ntxent", "triplet_margin_loss"]


@register
@dataclass(frozen=True, kw_only=True)
class CosineSimilarity(PureRowLoss):
    r"""Cosine of the angle between two vectors, as Optax has it: positive, with a least norm.

    .. math:: l = \frac{\mathrm{prediction} \cdot \mathrm{target}}{\max(|\mathrm{prediction}|, \sqrt{\epsilon}) \,
        \max(|\mathrm{target}|, \sqrt{\epsilon})}

    Parameters
    ----------
    epsilon : float, default 0.0
        The square of the least norm that a vector is divided by; at least 0.
    axis : int, default -1
        The feature axis.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array, shape (..., D)
        Floating vectors along `axis`, of one shape. A vector alone, (D,), is one item.

    Notes
    -----
    A vector of zeros, which Optax gives NaN without `epsilon`, has the cosine 0.

    References
    ----------
    Optax, cosine_similarity. https://optax.readthedocs.io/en/latest/api/losses.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.get("optax.cosine_similarity")(np.asarray([[3.0, 4.0]]), np.asarray([[6.0, 8.0]])).item()
    1.0
    """

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return False  # products and norms

    arrays = "prediction[..., D]: real, target[..., D]: real -> [...]"

    closed_forms: ClassVar[tuple[int, ...]] = (0, 1)
    structural: ClassVar[tuple[str, ...]] = ("epsilon",)

    epsilon: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(epsilon=self.epsilon)
        require_finite(epsilon=self.epsilon)

    def call(self, prediction: Array, target: Array) -> Array:
        return self._cosine(prediction, target).value

    def value_and_derivatives(self, positions: tuple[int, ...], *arrays: Array) -> tuple[Array, tuple[Array, ...]]:
        cosine = self._cosine(*arrays)
        one = array_namespace(cosine.value).ones_like(cosine.value)
        return cosine.value, tuple([cosine.derivative(one, of=k) for k in positions])

    def _cosine(self, prediction: Array, target: Array) -> norms.Cosine | _LimitedCosine:
        axis = self.row_axis(prediction)
        if settings.is_zero(self.epsilon):
            return norms.cosine(prediction, target, axis)
        return _LimitedCosine(prediction, target, axis, self.epsilon)


class _LimitedCosine:
    """The product of two vectors, each divided by its norm, or by √epsilon where that is larger."""

    def __init__(self, x: Array, y: Array, axis: int, epsilon: Any) -> None:
        xp = array_namespace(x, y)
        least = settings.in_range(epsilon, x) ** 0.5
        self._axis, self._units, self._divisors, self._free = axis, [], [], []
        for v in (x, y):
            norm = indexing.expand_dims(special.vector_norm(v, axis), axis)
            divisor = special.clip(norm, least)
            divisor = special.where(divisor == 0, 1.0, divisor)
            self._units.append(v / divisor)
            self._divisors.append(divisor)
            self._free.append(xp.astype(norm > least, x.dtype))
        self.value = xp.sum(self._units[0] * self._units[1], axis=axis)

    # (v - l u) / |x| by x, for the unit vectors u and v; v / √epsilon where that is the divisor
    def derivative(self, factor: Array, of: int = 0) -> Array:
        """The derivative by x, or by y with ``of=1``, times one number an item."""
        value = indexing.expand_dims(self.value, self._axis)
        along = self._units[1 - of] - self._free[of] * value * self._units[of]
        return indexing.expand_dims(factor, self._axis) * (along / self._divisors[of])


@register
@dataclass(frozen=True, kw_only=True)
class CosineDistance(CosineSimilarity):
    r"""One minus the cosine of the angle between two vectors.

    .. math:: l = 1 - \frac{\mathrm{prediction} \cdot \mathrm{target}}{\max(|\mathrm{prediction}|, \sqrt{\epsilon}) \,
        \max(|\mathrm{target}|, \sqrt{\epsilon})}

    Parameters
    ----------
    epsilon : float, default 0.0
        The square of the least norm that a vector is divided by; at least 0.
    axis : int, default -1
        The feature axis.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array, shape (..., D)
        Floating vectors along `axis`, of one shape. A vector alone, (D,), is one item.

    Notes
    -----
    Its gradient is that of `cosine_similarity`, the negative cosine. The distance of a vector of zeros is 1.

    References
    ----------
    Optax, cosine_distance. https://optax.readthedocs.io/en/latest/api/losses.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.get("cosine_distance")(np.asarray([[3.0, 4.0]]), np.asarray([[4.0, -3.0]])).item()
    1.0
    """

    pure: ClassVar[bool] = True
    closed_forms: ClassVar[tuple[int, ...]] = (0, 1)

    def call(self, prediction: Array, target: Array) -> Array:
        return 1.0 - self._cosine(prediction, target).value

    def value_and_derivatives(self, positions: tuple[int, ...], *arrays: Array) -> tuple[Array, tuple[Array, ...]]:
        cosine = self._cosine(*arrays)
        minus = array_namespace(cosine.value).full_like(cosine.value, -1.0)
        return 1.0 - cosine.value, tuple([cosine.derivative(minus, of=k) for k in positions])


def _of_vectors(
    cls: type[CosineSimilarity], predictions: Array, targets: Array, epsilon: Any, axis: Axis, where: Array | None
) -> Array:
    require_floating(targets=targets)
    if where is None:
        given = broadcast(*together(predictions, targets))
        arrays, axis = rows(axis, *given)
    else:
        *found, where = together(predictions, targets, where)
        given = broadcast(*found)
        kept, arrays, axis = masked_rows(axis, where, *given)
        arrays = tuple([special.where(kept, x, 0.0) for x in arrays])
    return in_dtype_of(cls.made(epsilon=epsilon, axis=axis, reduction="none")(*arrays), *given)


@speaks(CosineSimilarity)
def cosine_similarity(
    predictions: Array, targets: Array, *, epsilon: Any = 0.0, axis: Axis = -1, where: Array | None = None
) -> Array:
    r"""Cosine of the angle between two vectors: 1 where they point the same way.

    .. math:: \frac{\mathrm{predictions} \cdot \mathrm{targets}}{\max(|\mathrm{predictions}|, \sqrt{\epsilon}) \,
        \max(|\mathrm{targets}|, \sqrt{\epsilon})}

    Parameters
    ----------
    predictions, targets : array
        Floating vectors, which broadcast to one shape.
    epsilon : float or array, default 0.0
        The square of the least norm that a vector is divided by. A vector of zeros has the cosine 0.
    axis : int, sequence of int or None, default -1
        The feature axis, or several whose places are the features; None for all.
    where : array of bool, optional
        The features that take part, broadcastable to the vectors.

    Returns
    -------
    array
        One cosine a vector, of the shape of the arrays without `axis` and of their dtype.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.cosine_similarity : the negative

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.cosine_similarity(np.asarray([[3.0, 4.0]]), np.asarray([[6.0, 8.0]])).tolist()
    [1.0]
    """
    return _of_vectors(CosineSimilarity, predictions, targets, epsilon, axis, where)


@speaks(CosineDistance)
def cosine_distance(
    predictions: Array, targets: Array, *, epsilon: Any = 0.0, axis: Axis = -1, where: Array | None = None
) -> Array:
    r"""One minus the cosine of the angle between two vectors.

    .. math:: 1 - \frac{\mathrm{predictions} \cdot \mathrm{targets}}{\max(|\mathrm{predictions}|, \sqrt{\epsilon}) \,
        \max(|\mathrm{targets}|, \sqrt{\epsilon})}

    Parameters
    ----------
    predictions, targets : array
        Floating vectors, which broadcast to one shape.
    epsilon : float or array, default 0.0
        The square of the least norm that a vector is divided by. A vector of zeros has the distance 1.
    axis : int, sequence of int or None, default -1
        The feature axis, or several whose places are the features; None for all.
    where : array of bool, optional
        The features that take part, broadcastable to the vectors.

    Returns
    -------
    array
        One distance a vector, of the shape of the arrays without `axis` and of their dtype.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.cosine_similarity : the negative cosine, which has the same gradient

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.cosine_distance(np.asarray([[3.0, 4.0]]), np.asarray([[4.0, -3.0]])).tolist()
    [1.0]
    """
    return _of_vectors(CosineDistance, predictions, targets, epsilon, axis, where)


@register
@dataclass(frozen=True, kw_only=True)
class TripletMarginLoss(TripletMargin):
    r"""Triplet margin loss as Optax has it: epsilon is added to the sum within the norm.

    .. math:: l = \max(0, \mathrm{margin} + d(\mathrm{anchor}, \mathrm{positive}) - d(\mathrm{anchor},
        \mathrm{negative}));
        \quad d(x, y) = (\epsilon + \sum_k |x_k - y_k|^p)^{1/p}

    Parameters
    ----------
    margin : float, default 1.0
        The difference of distances that is asked for; at least 0.
    p : float, default 2.0
        Order of the norm, above 0 and finite.
    swap : bool, default False
        Measure the negative from the positive where that is nearer than from the anchor; Optax lacks it.
    epsilon : float, default 1e-6
        What is added to the sum; at least 0. So equal vectors are epsilon^(1/p) apart.
    axis : int, default -1
        The feature axis.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    anchor, positive, negative : array, shape (..., D)
        Floating vectors along `axis`, of one shape. A vector alone, (D,), is one item.

    Notes
    -----
    Optax takes powers of the differences themselves, which is no norm where p is odd, and NaN where it is no integer.

    References
    ----------
    Optax, triplet_margin_loss. https://optax.readthedocs.io/en/latest/api/losses.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> anchor, positive, negative = np.zeros((1, 2)), np.asarray([[3.0, 4.0]]), np.asarray([[0.0, 5.5]])
    >>> round(float(al.get("optax.triplet_margin_loss", epsilon=11.0)(anchor, positive, negative)), 6)
    0.577384
    """

    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        require_finite(p=self.p)
        require_nonnegative(epsilon=self.epsilon)
        require_finite(epsilon=self.epsilon)

    def _distance(self, x: Array, y: Array) -> Any:
        distance = super()._distance(x, y)
        return distance if settings.is_zero(self.epsilon) else _Lengthened(distance, self.p, self.epsilon)


class _Lengthened:
    """(d^p + epsilon)^(1/p) of a distance d, both times 2^-20: the norm of one more coordinate of epsilon^(1/p)."""

    def __init__(self, distance: norms.Distance, p: float, epsilon: Any) -> None:
        self._distance = distance
        d, xp = distance.value, array_namespace(distance.value)
        more = settings.in_range(epsilon, d) ** (1.0 / p) * 2.0**-20 + xp.zeros_like(d)
        if p == 2:
            self.value = special.vector_norm(indexing.stack(d, more, axis=-1))  # ONNX has no hypot
        else:
            largest = special.stop_gradient(xp.maximum(d, more))
            largest = special.where(largest == 0, 1.0, largest)
            total = _power(d / largest, p) + (more / largest) ** p
            if p < 1:  # of which the root may be out of range
                total = special.clip(total, None, 2.0 ** (100 * p))
            self.value = largest * total ** (1.0 / p)
        self._p = p

    def derivative(self, factor: Array) -> Array:
        """The derivative of the whole distance by the first vector, times one number an item."""
        ratio = self._distance.value / special.where(self.value == 0, 1.0, self.value)
        return self._distance.derivative(factor * (ratio if self._p == 2 else _power(ratio, self._p - 1.0)))


def _power(x: Array, p: float) -> Array:
    """x^p, whose derivative at 0 is 0."""
    none = x == 0
    return special.where(none, 0.0 if p else 1.0, special.where(none, 1.0, x) ** p)


@speaks(TripletMarginLoss, p="norm_degree", epsilon="eps")
def triplet_margin_loss(
    anchors: Array,
    positives: Array,
    negatives: Array,
    axis: int = -1,
    norm_degree: float = 2,
    margin: Any = 1.0,
    eps: Any = 1e-6,
) -> Array:
    r"""Asks that an anchor be nearer to its positive than to its negative, by a margin.

    .. math:: l = \max(0, \mathrm{margin} + d(\mathrm{anchors}, \mathrm{positives}) - d(\mathrm{anchors},
        \mathrm{negatives}));
        \quad d(x, y) = (\mathrm{eps} + \sum_k |x_k - y_k|^p)^{1/p}

    Parameters
    ----------
    anchors, positives, negatives : array
        Floating vectors, which broadcast to one shape.
    axis : int, default -1
        The feature axis.
    norm_degree : float, default 2
        The order p of the norm, above 0.
    margin : float or array, default 1.0
        The difference of distances that is asked for; at least 0.
    eps : float or array, default 1e-6
        What is added to the sum.

    Returns
    -------
    array
        One loss a vector, of the shape of the arrays without `axis` and of their dtype.

    Raises
    ------
    TypeError, ValueError
        For arrays and settings that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.triplet_margin

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> anchors, positives, negatives = np.zeros((1, 2)), np.asarray([[3.0, 4.0]]), np.asarray([[0.0, 5.5]])
    >>> optax.triplet_margin_loss(anchors, positives, negatives).round(6).tolist()
    [0.5]
    """
    require_floating(positives=positives, negatives=negatives)
    given = broadcast(*together(anchors, positives, negatives))
    loss = TripletMarginLoss.made(margin=margin, p=norm_degree, epsilon=eps, axis=axis, reduction="none")
    return in_dtype_of(loss(*given), *given)


@speaks(functions.nt_xent)
def ntxent(embeddings: Array, labels: Array, temperature: Any = 0.07) -> Array:
    r"""Cross entropy of telling each embedding's positives from its negatives, one positive at a time.

    .. math:: -\frac{1}{P} \sum_i \sum_{p \in P_i} \log \frac{\exp(s_{ip})}{\exp(s_{ip}) + \sum_{n \in N_i}
        \exp(s_{in})};
        \quad s_{ij} = \cos(\mathrm{embeddings}_i, \mathrm{embeddings}_j) / \mathrm{temperature}

    over all P pairs of an embedding and one of its positives, the other embeddings of the same label.

    Parameters
    ----------
    embeddings : array, shape (N, D)
        Floating.
    labels : array, shape (N,)
        Integers of any value: equal ones belong together.
    temperature : float or array, default 0.07
        What similarities are divided by, above 0.

    Returns
    -------
    array, shape ()
        The mean over the pairs, of the dtype of `embeddings`; 0 without any.

    Raises
    ------
    TypeError, ValueError
        For arrays and settings that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.nt_xent

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> views = np.asarray([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0], [3.0, 4.0]])
    >>> round(float(optax.ntxent(views, np.asarray([0, 1, 0, 1]), temperature=1.0)), 6)
    0.758774
    """
    embeddings, labels = together(embeddings, labels)
    return in_dtype_of(functions.nt_xent(embeddings, labels, temperature=temperature), embeddings)
