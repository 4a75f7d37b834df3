"""Losses of vectors: how near two embeddings are, and how near they should be.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.embedding import (
    CosineEmbedding,
    CosineSimilarity,
    HingeEmbedding,
    MarginRanking,
    PairwiseContrastive,
    TripletMargin,
)
from ..reduction import Reduction

__all__ = [
    "cosine_embedding",
    "cosine_similarity",
    "hinge_embedding",
    "margin_ranking",
    "pairwise_contrastive",
    "triplet_margin",
]


@function_form(CosineEmbedding)
def cosine_embedding(
    x1: Array,
    x2: Array,
    target: Array,
    *,
    margin: Real | Sequence[float] = 0.0,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Pulls the directions of pairs that belong together near, and pushes those of other pairs apart.

    .. math:: l = 1 - \cos(x_1, x_2) \text{ if } \mathrm{target} = 1, \text{ else } \max(0, \cos(x_1, x_2) -
        \mathrm{margin})

    Parameters
    ----------
    x1, x2 : array, shape (..., D)
        Floating vectors along `axis`, of one shape. A vector alone, (D,), is one item. The cosine of a vector that is 0
        counts as 0.
    target : array, shape (...)
        1 for a pair that belongs together, -1 for one that does not. An integer target is converted.
    margin : float, default 0.0
        The cosine, in [-1, 1], below which other pairs cost nothing.
    axis : int, default -1
        The feature axis.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `x1` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return CosineEmbedding.made(
        margin=margin,
        axis=axis,
        reduction=reduction,
    )(x1, x2, target, weight=weight, where=where)


@function_form(CosineSimilarity)
def cosine_similarity(
    prediction: Array,
    target: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative cosine of the angle between two vectors: -1 where they point the same way.

    .. math:: l = -\frac{\mathrm{prediction} \cdot \mathrm{target}}{|\mathrm{prediction}| \, |\mathrm{target}|}

    Parameters
    ----------
    prediction, target : array, shape (..., D)
        Floating vectors along `axis`, of one shape. A vector alone, (D,), is one item.
    axis : int, default -1
        The feature axis.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return CosineSimilarity.made(
        axis=axis,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(HingeEmbedding)
def hinge_embedding(
    distance: Array,
    target: Array,
    *,
    margin: Real | Sequence[float] = 1.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Makes the distances of pairs that belong together small, and those of other pairs at least a margin.

    .. math:: l = \mathrm{distance} \text{ if } \mathrm{target} = 1, \text{ else } \max(0, \mathrm{margin} -
        \mathrm{distance})

    Parameters
    ----------
    distance : array
        Floating distances of pairs, computed beforehand.
    target : array
        1 for a pair that belongs together, -1 for one that does not, of the shape of `distance`.
    margin : float, default 1.0
        The distance beyond which other pairs cost nothing.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `distance` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return HingeEmbedding.made(
        margin=margin,
        reduction=reduction,
    )(distance, target, weight=weight, where=where)


@function_form(MarginRanking)
def margin_ranking(
    x1: Array,
    x2: Array,
    target: Array,
    *,
    margin: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Asks that the one of two scores which should rank higher does so, by a margin.

    .. math:: l = \max(0, \mathrm{margin} - \mathrm{target} (x_1 - x_2))

    Parameters
    ----------
    x1, x2 : array
        Floating scores, of one shape.
    target : array
        1 where `x1` should rank higher, -1 where `x2` should, of their shape. An integer target is converted.
    margin : float, default 0.0
        The lead that is asked for.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `x1` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return MarginRanking.made(
        margin=margin,
        reduction=reduction,
    )(x1, x2, target, weight=weight, where=where)


@function_form(PairwiseContrastive)
def pairwise_contrastive(
    x1: Array,
    x2: Array,
    target: Array,
    *,
    margin: Real | Sequence[float] = 1.0,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Pulls two vectors that belong together near, and pushes other ones apart up to a margin, by squared distances.

    .. math:: l = \frac{1}{2} d^2 \text{ if } \mathrm{target} = 1, \text{ else } \frac{1}{2} \max(0, \mathrm{margin} -
        d)^2;
        \quad d = \|x_1 - x_2\|

    Parameters
    ----------
    x1, x2 : array, shape (..., D)
        Floating vectors along `axis`, of one shape. A vector alone, (D,), is one item.
    target : array, shape (...)
        1 for a pair that belongs together, -1 for one that does not. An integer target is converted.
    margin : float, default 1.0
        The distance beyond which other pairs cost nothing; at least 0.
    axis : int, default -1
        The feature axis.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `x1` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return PairwiseContrastive.made(
        margin=margin,
        axis=axis,
        reduction=reduction,
    )(x1, x2, target, weight=weight, where=where)


@function_form(TripletMargin)
def triplet_margin(
    anchor: Array,
    positive: Array,
    negative: Array,
    *,
    margin: Real | Sequence[float] = 1.0,
    p: float = 2.0,
    swap: bool = False,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Asks that an anchor be nearer to its positive than to its negative, by a margin.

    .. math:: l = \max(0, \mathrm{margin} + \|\mathrm{anchor} - \mathrm{positive}\|_p - \|\mathrm{anchor} -
        \mathrm{negative}\|_p)

    Parameters
    ----------
    anchor, positive, negative : array, shape (..., D)
        Floating vectors along `axis`, of one shape. A vector alone, (D,), is one item.
    margin : float, default 1.0
        The difference of distances that is asked for; at least 0.
    p : float, default 2.0
        Order of the norm, above 0; infinity is the largest difference.
    swap : bool, default False
        Measure the negative from the positive where that is nearer than from the anchor.
    axis : int, default -1
        The feature axis.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `anchor` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return TripletMargin.made(
        margin=margin,
        p=p,
        swap=swap,
        axis=axis,
        reduction=reduction,
    )(anchor, positive, negative, weight=weight, where=where)
