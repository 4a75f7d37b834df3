"""Losses of pairs and triplets: of scores, of distances, of vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass

from ..._array_api import Array, array_namespace, dtype_kind
from ...arguments import require_positive
from ...arguments.places import FLOATING
from ...losses.embedding import CosineEmbedding, HingeEmbedding, MarginRanking, TripletMargin
from .._common import speaks
from ._calls import broadcast, chosen, library, run
from ._criterion import Criterion
from .losses import TripletMarginLoss as ShiftedTripletMargin

__all__ = [
    "CosineEmbeddingLoss",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


@speaks(HingeEmbedding)
def hinge_embedding_loss(
    input: Array,
    target: Array,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    r"""Distances of pairs that belong together, and what others lack to a margin: `hinge_embedding`.

    .. math:: l = \mathrm{input} \text{ if } \mathrm{target} = 1, \text{ else } \max(0, \mathrm{margin} -
        \mathrm{input})

    Parameters
    ----------
    input : array
        Floating distances.
    target : array
        1 for a pair that belongs together, -1 for one that does not. Of two shapes the arrays broadcast.
    margin : float, default 1.0
        The distance beyond which other pairs cost nothing.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all elements; of none it is NaN.

    Returns
    -------
    array
        Of shape (), or for "none" of that of the arrays; in the dtype of `input`.

    Raises
    ------
    ValueError
        If the arrays do not broadcast, or there is no such reduction.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.hinge_embedding_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> float(F.hinge_embedding_loss(np.asarray([0.25, 0.25]), np.asarray([1.0, -1.0]), reduction="sum"))
    1.0
    """
    loss = HingeEmbedding.made(margin=margin, reduction=chosen(reduction, size_average, reduce))
    return run(loss, *broadcast(input=input, target=target))


@speaks(MarginRanking)
def margin_ranking_loss(
    input1: Array,
    input2: Array,
    target: Array,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    r"""What the score that should be the higher one lacks to a lead: `margin_ranking`.

    .. math:: l = \max(0, \mathrm{margin} - \mathrm{target} (\mathrm{input1} - \mathrm{input2}))

    Parameters
    ----------
    input1, input2 : array
        Floating scores.
    target : array
        1 where `input1` should be the higher one, -1 where `input2` should. Arrays of as many axes broadcast.
    margin : float, default 0
        The lead that is asked for.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all elements; of none it is NaN.

    Returns
    -------
    array
        Of shape (), or for "none" of that of the arrays; in the dtype of `input1`.

    Raises
    ------
    ValueError
        If the arrays have not as many axes, or do not broadcast; if there is no such reduction.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.margin_ranking_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> x1, x2 = np.asarray([2.0, 2.0]), np.asarray([1.5, 1.5])
    >>> F.margin_ranking_loss(x1, x2, np.asarray([1.0, -1.0]), 1.0, reduction="none").tolist()
    [0.5, 1.5]
    """
    loss = MarginRanking.made(margin=margin, reduction=chosen(reduction, size_average, reduce))
    _require_as_many_axes(input1=input1, input2=input2, target=target)
    return run(loss, *broadcast(input1=input1, input2=input2, target=target))


def _require_as_many_axes(**arrays: Array) -> None:
    library(**arrays)
    if len({x.ndim for x in arrays.values()}) > 1:
        said = ", ".join([f"`{name}` {tuple(x.shape)}" for name, x in arrays.items()])
        raise ValueError(f"all arrays must have as many axes, got {said}")


@speaks(CosineEmbedding)
def cosine_embedding_loss(
    input1: Array,
    input2: Array,
    target: Array,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    r"""Angles of pairs that belong together, and nearness of others: `cosine_embedding`.

    .. math:: l = 1 - \cos(\mathrm{input1}, \mathrm{input2}) \text{ if } \mathrm{target} = 1, \text{ else } \max(0,
        \cos(\mathrm{input1}, \mathrm{input2}) - \mathrm{margin})

    Parameters
    ----------
    input1, input2 : array, shape (N, D) or (D)
        Floating vectors. The cosine of one that is 0 counts as 0.
    target : array, shape (N) or ()
        1 for a pair that belongs together, -1 for one that does not. One of length 1 is that of all pairs, and with
        one pair each of several has it.
    margin : float, default 0
        The cosine, in [-1, 1], below which other pairs cost nothing.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all rows; of none it is NaN.

    Returns
    -------
    array
        Of shape (), or for "none" (N) or (); in the dtype of `input1`.

    Raises
    ------
    ValueError
        If the shapes do not fit, `margin` is out of range, or there is no such reduction.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cosine_embedding_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> x1, x2 = np.asarray([[3.0, 4.0], [3.0, 4.0]]), np.asarray([[4.0, 3.0], [4.0, 3.0]])
    >>> F.cosine_embedding_loss(x1, x2, np.asarray([1.0, -1.0]), 0.5, reduction="none").round(12).tolist()
    [0.04, 0.46]
    """
    loss = CosineEmbedding.made(margin=margin, reduction=chosen(reduction, size_average, reduce))
    x, y = broadcast(input1=input1, input2=input2)
    library(input1=x, input2=y, target=target)
    if x.ndim == 2 and target.ndim == 1 and target.shape[0] != x.shape[0] and 1 in (target.shape[0], x.shape[0]):
        x, y, _ = broadcast(input1=x, input2=y, target=target[:, None])
        target = array_namespace(target).broadcast_to(target, x.shape[:-1])
    if target.dtype != x.dtype and dtype_kind(target.dtype) in FLOATING:
        target = array_namespace(target).astype(target, x.dtype)  # a sign, which has no say in the result's dtype
    return run(loss, x, y, target)


@speaks(ShiftedTripletMargin, epsilon="eps")
def triplet_margin_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    r"""What an anchor lacks to be nearer to its positive by a margin: `triplet_margin`, with a shift of coordinates.

    .. math:: l = \max(0, \mathrm{margin} + \|\mathrm{anchor} - \mathrm{positive} + \mathrm{eps}\|_p - \|\mathrm{anchor}
        - \mathrm{negative} + \mathrm{eps}\|_p)

    Parameters
    ----------
    anchor, positive, negative : array, shape (N, D) or (D)
        Floating vectors, along the last axis. Of two shapes they broadcast.
    margin : float, default 1.0
        The difference of distances that is asked for; above 0.
    p : float, default 2
        Order of the norm, above 0.
    eps : float, default 1e-6
        What is added to each difference of coordinates.
    swap : bool, default False
        Measure the negative from the positive where that is nearer than from the anchor.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all rows; of none it is NaN.

    Returns
    -------
    array
        Of shape (), or for "none" (N) or (); in the dtype of `anchor`.

    Raises
    ------
    ValueError
        If the vectors do not broadcast, or have not as many axes; if `margin` is not above 0, or there is no such
        reduction.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.triplet_margin_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> anchor, positive, negative = np.zeros((1, 2)), np.asarray([[3.0, 4.0]]), np.asarray([[0.0, 5.5]])
    >>> round(float(F.triplet_margin_loss(anchor, positive, negative)), 7)
    0.4999996
    """
    require_positive(margin=margin)
    wanted = chosen(reduction, size_average, reduce)
    loss = ShiftedTripletMargin.made(margin=margin, p=p, epsilon=eps, swap=swap, reduction=wanted)
    return _of_triplets(loss, anchor, positive, negative)


def _of_triplets(loss: TripletMargin, anchor: Array, positive: Array, negative: Array) -> Array:
    _require_as_many_axes(anchor=anchor, positive=positive, negative=negative)
    return run(loss, *broadcast(anchor=anchor, positive=positive, negative=negative))


@speaks(ShiftedTripletMargin)
def triplet_margin_with_distance_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    *,
    distance_function: Callable[[Array, Array], Array] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Array:
    r"""`triplet_margin_loss` by any distance d: `margin_ranking` of two distances.

    .. math:: l = \max(0, \mathrm{margin} + d(\mathrm{anchor}, \mathrm{positive}) - d(\mathrm{anchor},
        \mathrm{negative}))

    Parameters
    ----------
    anchor, positive, negative : array
        What `distance_function` takes.
    distance_function : callable, optional
        Takes two arrays, and returns distances. By default those of `triplet_margin_loss`.
    margin : float, default 1.0
        The difference of distances that is asked for; above 0.
    swap : bool, default False
        Measure the negative from the positive where that is nearer than from the anchor.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all distances; of none it is NaN.

    Returns
    -------
    array
        Of shape (), or for "none" of that of the distances; in the dtype of `anchor`.

    Raises
    ------
    ValueError
        If the arrays have not as many axes, `margin` is not above 0, or there is no such reduction.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.triplet_margin_with_distance_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> anchor, positive, negative = np.zeros((1, 2)), np.asarray([[3.0, 4.0]]), np.asarray([[0.0, 5.5]])
    >>> def city_block(x, y):
    ...     return np.sum(np.abs(x - y), axis=-1)
    >>> float(F.triplet_margin_with_distance_loss(anchor, positive, negative, distance_function=city_block))
    2.5
    """
    require_positive(margin=margin)
    wanted = chosen(reduction)
    if distance_function is None:
        loss = ShiftedTripletMargin.made(margin=margin, swap=swap, reduction=wanted)
        return _of_triplets(loss, anchor, positive, negative)
    _require_as_many_axes(anchor=anchor, positive=positive, negative=negative)
    near, far = distance_function(anchor, positive), distance_function(anchor, negative)
    xp = library(positive=near, negative=far)
    if swap:
        far = xp.minimum(far, distance_function(positive, negative))
    return run(MarginRanking.made(margin=margin, reduction=wanted), far, near, xp.ones_like(far))


@dataclass(eq=False)
class HingeEmbeddingLoss(Criterion):
    """`hinge_embedding_loss` as an object, which keeps its settings."""

    function = staticmethod(hinge_embedding_loss)

    margin: float = 1.0
    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"


@dataclass(eq=False)
class MarginRankingLoss(Criterion):
    """`margin_ranking_loss` as an object, which keeps its settings."""

    function = staticmethod(margin_ranking_loss)

    margin: float = 0.0
    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"


@dataclass(eq=False)
class CosineEmbeddingLoss(Criterion):
    """`cosine_embedding_loss` as an object, which keeps its settings."""

    function = staticmethod(cosine_embedding_loss)

    margin: float = 0.0
    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"


@dataclass(eq=False)
class TripletMarginLoss(Criterion):
    """`triplet_margin_loss` as an object, which keeps its settings."""

    function = staticmethod(triplet_margin_loss)

    margin: float = 1.0
    p: float = 2.0
    eps: float = 1e-6
    swap: bool = False
    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"

    def __post_init__(self, *deprecated: bool | None) -> None:
        super().__post_init__(*deprecated)
        require_positive(margin=self.margin)


@dataclass(eq=False, kw_only=True)
class TripletMarginWithDistanceLoss(Criterion):
    """`triplet_margin_with_distance_loss` as an object, which keeps its settings."""

    function = staticmethod(triplet_margin_with_distance_loss)

    distance_function: Callable[[Array, Array], Array] | None = None
    margin: float = 1.0
    swap: bool = False
    reduction: str = "mean"

    def __post_init__(self, *deprecated: bool | None) -> None:
        super().__post_init__(*deprecated)
        require_positive(margin=self.margin)
