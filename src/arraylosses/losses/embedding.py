"""Losses of vectors: how near two embeddings are, and how near they should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .. import special
from .._array_api import Array, Real, array_namespace
from ..arguments import (
    require_finite,
    require_nonnegative,
    require_one_of_type,
    require_positive,
    require_range,
)
from ..numerics import elementwise, norms, reductions, settings
from ..registry import register
from ._base import PureLoss, PureRowLoss

__all__ = [
    "CosineEmbedding",
    "CosineSimilarity",
    "HingeEmbedding",
    "MarginRanking",
    "PairwiseContrastive",
    "TripletMargin",
]


class _VectorLoss(PureRowLoss):
    """A loss of the products or the distances of vectors."""

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return False


@register("cosine_proximity")
@dataclass(frozen=True, kw_only=True)
class CosineSimilarity(_VectorLoss):
    r"""Negative cosine of the angle between two vectors: -1 where they point the same way.

    .. math:: l = -\frac{\mathrm{prediction} \cdot \mathrm{target}}{|\mathrm{prediction}| \, |\mathrm{target}|}

    Parameters
    ----------
    axis : int, default -1
        The feature axis.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array, shape (..., D)
        Floating vectors along `axis`, of one shape. A vector alone, (D,), is one item.

    See Also
    --------
    cosine_embedding : With pairs that do not belong together.
    info_nce : Likewise, in batches.

    Notes
    -----
    It is 0 where a vector is 0, or holds but subnormal numbers.

    It is negative, as in Keras, so that smaller is better. Optax's and PyTorch's functions of this name return the
    cosine itself.

    References
    ----------
    Keras, CosineSimilarity. https://keras.io/api/losses/regression_losses/

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.cosine_similarity(np.asarray([[1.0, 0.0], [3.0, 4.0]]), np.asarray([[0.0, 2.0], [6.0, 8.0]]),
    ...                      reduction="none").tolist()
    [-0.0, -1.0]
    """

    arrays = "prediction[..., D]: real, target[..., D]: real -> [...]"

    closed_forms: ClassVar[tuple[int, ...]] = (0, 1)

    # -x·y / (|x| |y|)
    def call(self, prediction: Array, target: Array) -> Array:
        return -norms.cosine(prediction, target, self.row_axis(prediction)).value

    def value_and_derivatives(self, positions: tuple[int, ...], *arrays: Array) -> tuple[Array, tuple[Array, ...]]:
        prediction, target = arrays
        cosine = norms.cosine(prediction, target, self.row_axis(prediction))
        minus = array_namespace(cosine.value).full_like(cosine.value, -1.0)
        return -cosine.value, tuple([cosine.derivative(minus, of=k) for k in positions])


@register("CosineEmbeddingLoss", "cosine_embedding_loss")
@dataclass(frozen=True, kw_only=True)
class CosineEmbedding(_VectorLoss):
    r"""Pulls the directions of pairs that belong together near, and pushes those of other pairs apart.

    .. math:: l = 1 - \cos(x_1, x_2) \text{ if } \mathrm{target} = 1, \text{ else } \max(0, \cos(x_1, x_2) -
        \mathrm{margin})

    Parameters
    ----------
    margin : float, default 0.0
        The cosine, in [-1, 1], below which other pairs cost nothing.
    axis : int, default -1
        The feature axis.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    x1, x2 : array, shape (..., D)
        Floating vectors along `axis`, of one shape. A vector alone, (D,), is one item. The cosine of a vector that is 0
        counts as 0.
    target : array, shape (...)
        1 for a pair that belongs together, -1 for one that does not. An integer target is converted.

    See Also
    --------
    pairwise_contrastive : By distances.
    info_nce : With all other pairs of the batch as negatives.

    References
    ----------
    PyTorch, CosineEmbeddingLoss. https://pytorch.org/docs/stable/generated/torch.nn.CosineEmbeddingLoss.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x1, x2 = np.asarray([[3.0, 4.0], [3.0, 4.0]]), np.asarray([[4.0, 3.0], [4.0, 3.0]])
    >>> al.cosine_embedding(x1, x2, np.asarray([1, -1]), margin=0.5, reduction="none").round(12).tolist()
    [0.04, 0.46]
    """

    arrays = "x1[..., D]: real, x2[..., D]: real, target[...]: sign -> [...]"

    margin: Real = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(-1, 1, margin=self.margin)

    closed_forms: ClassVar[tuple[int, ...]] = (0, 1)

    # 1 - cos for a pair that belongs together, max(0, cos - margin) for one that does not
    def call(self, x1: Array, x2: Array, target: Array) -> Array:
        return self._of_cosine(norms.cosine(x1, x2, self.row_axis(x1)).value, target)

    def _of_cosine(self, cosine: Array, target: Array) -> Array:
        return special.where(target > 0, 1.0 - cosine, special.relu(cosine - self.margin))

    # that of the cosine, times -1 for a pair that belongs together, else 1 above the margin and 0 below
    def value_and_derivatives(self, positions: tuple[int, ...], *arrays: Array) -> tuple[Array, tuple[Array, ...]]:
        x1, x2, target = arrays
        cosine = norms.cosine(x1, x2, self.row_axis(x1))
        factor = special.where(target > 0, -1.0, special.heaviside(cosine.value - self.margin))
        return self._of_cosine(cosine.value, target), tuple([cosine.derivative(factor, of=k) for k in positions])


@register("HingeEmbeddingLoss", "hinge_embedding_loss")
@dataclass(frozen=True, kw_only=True)
class HingeEmbedding(PureLoss):
    r"""Makes the distances of pairs that belong together small, and those of other pairs at least a margin.

    .. math:: l = \mathrm{distance} \text{ if } \mathrm{target} = 1, \text{ else } \max(0, \mathrm{margin} -
        \mathrm{distance})

    Parameters
    ----------
    margin : float, default 1.0
        The distance beyond which other pairs cost nothing.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    distance : array
        Floating distances of pairs, computed beforehand.
    target : array
        1 for a pair that belongs together, -1 for one that does not, of the shape of `distance`.

    See Also
    --------
    pairwise_contrastive : Of vectors, and not of distances.

    References
    ----------
    PyTorch, HingeEmbeddingLoss. https://pytorch.org/docs/stable/generated/torch.nn.HingeEmbeddingLoss.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.hinge_embedding(np.asarray([0.25, 0.25]), np.asarray([1, -1]), reduction="sum"))
    1.0
    """

    arrays = "distance[...]: real, target[...]: sign -> [...]"

    margin: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_finite(margin=self.margin)

    # x for a pair that belongs together, max(0, margin - x) for one that does not
    def call(self, distance: Array, target: Array) -> Array:
        return special.where(target > 0, distance, special.relu(self.margin - distance))

    # 1 for a pair that belongs together, else -1 within the margin and 0 beyond
    def derivative(self, distance: Array, target: Array) -> Array:
        near = special.heaviside(self.margin - distance)
        return special.heaviside(target) * (1.0 + near) - near

    def second_derivative(self, distance: Array, target: Array) -> Array:
        return array_namespace(distance, target).zeros_like(distance)


@register("MarginRankingLoss", "margin_ranking_loss")
@dataclass(frozen=True, kw_only=True)
class MarginRanking(PureLoss):
    r"""Asks that the one of two scores which should rank higher does so, by a margin.

    .. math:: l = \max(0, \mathrm{margin} - \mathrm{target} (x_1 - x_2))

    Parameters
    ----------
    margin : float, default 0.0
        The lead that is asked for.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    x1, x2 : array
        Floating scores, of one shape.
    target : array
        1 where `x1` should rank higher, -1 where `x2` should, of their shape. An integer target is converted.

    See Also
    --------
    pairwise_hinge : Of whole lists.
    pairwise_logistic : Smooth.

    References
    ----------
    Herbrich, Graepel and Obermayer, Large margin rank boundaries for ordinal regression (2000).

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x1, x2 = np.asarray([2.0, 2.0]), np.asarray([1.5, 1.5])
    >>> al.margin_ranking(x1, x2, np.asarray([1, -1]), margin=1.0, reduction="none").tolist()
    [0.5, 1.5]
    """

    arrays = "x1[...]: real, x2[...]: real, target[...]: sign -> [...]"

    margin: Real = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_finite(margin=self.margin)

    closed_forms: ClassVar[tuple[int, ...]] = (0, 1)

    # max(0, margin - target (x1 - x2))
    def call(self, x1: Array, x2: Array, target: Array) -> Array:
        return special.relu(self._short(x1, x2, target))

    def _short(self, x1: Array, x2: Array, target: Array) -> Array:
        return self.margin - target * (x1 - x2)

    # by x1 -target where it does not lead by the margin, 0 elsewhere; by x2 target
    def value_and_derivatives(self, positions: tuple[int, ...], *arrays: Array) -> tuple[Array, tuple[Array, ...]]:
        short, target = self._short(*arrays), arrays[2]
        by_second = target * special.heaviside(short)
        return special.relu(short), tuple([by_second if k else -by_second for k in positions])

    def in_torch(self, torch: Any, reduction: str, x1: Array, x2: Array, target: Array) -> Array:
        return reductions.reduced_in_torch(torch, torch.relu(self._short(x1, x2, target)), reduction)

    def second_derivative(self, x1: Array, x2: Array, target: Array) -> Array:
        return array_namespace(x1, x2).zeros_like(x1)


@register("contrastive", "contrastive_loss")
@dataclass(frozen=True, kw_only=True)
class PairwiseContrastive(_VectorLoss):
    r"""Pulls two vectors that belong together near, and pushes other ones apart up to a margin, by squared distances.

    .. math:: l = \frac{1}{2} d^2 \text{ if } \mathrm{target} = 1, \text{ else } \frac{1}{2} \max(0, \mathrm{margin} -
        d)^2;
        \quad d = \|x_1 - x_2\|

    Parameters
    ----------
    margin : float, default 1.0
        The distance beyond which other pairs cost nothing; at least 0.
    axis : int, default -1
        The feature axis.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    x1, x2 : array, shape (..., D)
        Floating vectors along `axis`, of one shape. A vector alone, (D,), is one item.
    target : array, shape (...)
        1 for a pair that belongs together, -1 for one that does not. An integer target is converted.

    See Also
    --------
    cosine_embedding : By angles.
    triplet_margin : Where only the order of distances counts.

    Notes
    -----
    TensorFlow Addons has twice as much, and a target of 1 and 0; pytorch-metric-learning's ContrastiveLoss squares
    nothing, and adds the means over both kinds of pairs. Between equal vectors of a pair that does not belong together
    the gradient is 0, since no direction leads apart.

    References
    ----------
    Hadsell, Chopra and LeCun, Dimensionality reduction by learning an invariant mapping (2006).
    https://doi.org/10.1109/CVPR.2006.100

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> x1, x2 = np.zeros((2, 2)), np.asarray([[3.0, 4.0], [3.0, 4.0]])
    >>> al.pairwise_contrastive(x1, x2, np.asarray([1, -1]), margin=7.0, reduction="none").tolist()
    [12.5, 2.0]
    """

    arrays = "x1[..., D]: real, x2[..., D]: real, target[...]: sign -> [...]"

    margin: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(margin=self.margin)
        require_finite(margin=self.margin)

    closed_forms: ClassVar[tuple[int, ...]] = (0, 1)

    # d²/2 for a pair that belongs together, max(0, margin - d)²/2 for one that does not
    def call(self, x1: Array, x2: Array, target: Array) -> Array:
        return self._excess(self._distance(x1, x2), target) ** 2 / 2.0

    def _distance(self, x1: Array, x2: Array) -> norms.Distance:
        return norms.Distance(x1, x2, self.row_axis(x1))

    def _excess(self, distance: norms.Distance, target: Array) -> Array:
        d = 2.0**20 * distance.value
        return special.where(target > 0, d, special.relu(settings.in_range(self.margin, d) - d))

    # d times the unit vector from x2 to x1, and -max(0, margin - d) times it
    def value_and_derivatives(self, positions: tuple[int, ...], *arrays: Array) -> tuple[Array, tuple[Array, ...]]:
        x1, x2, target = arrays
        distance = self._distance(x1, x2)
        excess = self._excess(distance, target)
        by_first = distance.derivative(special.where(target > 0, excess, -excess))
        return excess**2 / 2.0, tuple([-by_first if k else by_first for k in positions])


@register
@dataclass(frozen=True, kw_only=True)
class TripletMargin(_VectorLoss):
    r"""Asks that an anchor be nearer to its positive than to its negative, by a margin.

    .. math:: l = \max(0, \mathrm{margin} + \|\mathrm{anchor} - \mathrm{positive}\|_p - \|\mathrm{anchor} -
        \mathrm{negative}\|_p)

    Parameters
    ----------
    margin : float, default 1.0
        The difference of distances that is asked for; at least 0.
    p : float, default 2.0
        Order of the norm, above 0; infinity is the largest difference.
    swap : bool, default False
        Measure the negative from the positive where that is nearer than from the anchor.
    axis : int, default -1
        The feature axis.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    anchor, positive, negative : array, shape (..., D)
        Floating vectors along `axis`, of one shape. A vector alone, (D,), is one item.

    See Also
    --------
    triplet_batch_hard : With triplets that are found in the batch.
    info_nce : With many negatives for each anchor.

    Notes
    -----
    PyTorch adds 1e-6 to each difference of coordinates: ``al.get("TripletMarginLoss")`` does so. By any other distance,
    it is ``margin_ranking(distance(anchor, negative), distance(anchor, positive), ones, margin=margin)``; with `swap`,
    the first of these is the smaller one of it and ``distance(positive, negative)``.

    The mean over the triplets that cost something, as pytorch-metric-learning has it, is that of the items of reduction
    "none" that are above 0: ``xp.sum(items) / xp.maximum(xp.sum(items > 0), 1)``.

    References
    ----------
    Balntas et al., Learning local feature descriptors with triplets and shallow convolutional neural networks (2016).
    https://bmva-archive.org.uk/bmvc/2016/papers/paper119/

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> anchor, positive, negative = np.zeros((1, 2)), np.asarray([[3.0, 4.0]]), np.asarray([[0.0, 5.5]])
    >>> float(al.triplet_margin(anchor, positive, negative))
    0.5
    """

    arrays = "anchor[..., D]: real, positive[..., D]: real, negative[..., D]: real -> [...]"

    margin: Real = 1.0
    p: float = 2.0
    swap: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(margin=self.margin)
        require_positive(p=self.p)
        require_one_of_type(bool, swap=self.swap)

    structural: ClassVar[tuple[str, ...]] = ("p",)

    closed_forms: ClassVar[tuple[int, ...]] = (0, 1, 2)

    # max(0, margin + |anchor - positive| - |anchor - negative|)
    def call(self, anchor: Array, positive: Array, negative: Array) -> Array:
        near, far = self._distance(anchor, positive).value, self._distance(anchor, negative).value
        if self.swap:
            other = self._distance(positive, negative).value
            far = special.where(other < far, other, far)
        return special.relu(self._short(near, far))

    def in_torch(self, torch: Any, reduction: str, anchor: Array, positive: Array, negative: Array) -> Array | None:
        if self.p != 2.0 or self.swap:
            return None
        near, far = [self._distance_in_torch(torch, anchor, x) for x in (positive, negative)]
        if near is None or far is None:
            return None
        return reductions.reduced_in_torch(torch, torch.relu(self.margin + (near - far)), reduction)

    def _distance_in_torch(self, torch: Any, x: Array, y: Array) -> Array | None:
        return norms.norm_in_torch(torch, x - y, self.row_axis(x))

    def _short(self, near: Array, far: Array) -> Array:
        """By how much the margin is missed."""
        # The difference of two distances that are out of range may be in range.
        difference = 2.0**20 * (near - far)
        # A choice, since XLA loses NaN in a maximum that it fuses with a sum.
        lowest = -elementwise.finfo(difference).max
        return self.margin + special.where(difference == float("-inf"), lowest, difference)

    def _distance(self, x: Array, y: Array) -> norms.Distance:
        return norms.Distance(x, y, self.row_axis(x), self._order())

    def _order(self) -> float:
        return float("inf") if self.p > 1e18 else self.p  # which it is to the last digit

    # Where the margin is not kept, by the anchor u - v, by the positive -u, by the negative v, for the unit vectors u
    # and v from the positive and from the negative to the anchor. With `swap`, v may be that from the negative to the
    # positive instead.
    def value_and_derivatives(self, positions: tuple[int, ...], *arrays: Array) -> tuple[Array, tuple[Array, ...]]:
        anchor, positive, negative = arrays
        near, far = self._distance(anchor, positive), self._distance(anchor, negative)
        if not self.swap:
            short = self._short(near.value, far.value)
            counts = special.heaviside(short)
            u, v = near.derivative(counts), far.derivative(counts)
            found = {0: lambda: u - v, 1: lambda: -u, 2: lambda: v}
            return special.relu(short), tuple([found[k]() for k in positions])
        other = self._distance(positive, negative)
        nearer = other.value < far.value
        short = self._short(near.value, special.where(nearer, other.value, far.value))
        counts = special.heaviside(short)
        of_other = special.where(nearer, counts, 0.0)
        u, v, w = near.derivative(counts), far.derivative(counts - of_other), other.derivative(of_other)
        found = {0: lambda: u - v, 1: lambda: -u - w, 2: lambda: v + w}
        return special.relu(short), tuple([found[k]() for k in positions])
