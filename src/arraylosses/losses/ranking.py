"""Losses of a list of documents, whose order is what counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import special
from .._array_api import Array, Real, array_namespace
from ..arguments import require_finite, require_nonnegative, require_positive
from ..numerics import indexing, logarithms, reductions, settings, softmax
from ..registry import register
from ._base import PureRowLoss

__all__ = ["ApproxNdcg", "LambdaLoss", "ListMle", "ListNet", "PairwiseHinge", "PairwiseLogistic", "RankingSoftmax"]

_LOG_2 = math.log(2.0)


@dataclass(frozen=True, kw_only=True)
class _RankingLoss(PureRowLoss):
    """What the losses of a list's documents share."""

    arrays = "scores[..., D]: real, relevance[..., D]: nonnegative, where[..., D] -> [...]"

    def _documents(self, scores: Array, relevance: Array, where: Array | None) -> tuple[Array, Array, Array]:
        """Scores, relevance and what is there, with the documents last."""
        axis, xp = self.row_axis(scores), array_namespace(scores, relevance)
        kept = xp.ones_like(scores, dtype=xp.bool) if where is None else where
        scores, relevance, kept = [indexing.move_axis(x, axis, -1) for x in (scores, relevance, kept)]
        return scores, relevance, kept


def _pairs(x: Array) -> tuple[Array, Array]:
    """What belongs to a first and to a second document, along two axes for them."""
    return x[..., :, None], x[..., None, :]


def _nan_of(x: Array, kept: Array) -> Array:
    """NaN where `x` is it, which comparisons do not show, and 0 elsewhere."""
    xp = array_namespace(x, kept)
    return special.where(xp.logical_and(kept, xp.isnan(x)), x, 0.0)


def _places(x: Array) -> Array:
    """The places of the documents of a list, in the order in which they come."""
    places = indexing.places(x, x.shape[-1])
    return places[(*(None,) * (x.ndim - 1), slice(None))]


def _precedes(x: Array) -> Array:
    """Whether the second document of a pair comes before the first where they are sorted, the largest first."""
    xp = array_namespace(x)
    (first, second), (here, there) = _pairs(x), _pairs(_places(x))
    return xp.logical_or(second > first, xp.logical_and(second == first, there < here))


def _rank(x: Array, kept: Array) -> Array:
    """The place of each document where they are sorted, counted from 1."""
    xp = array_namespace(x, kept)
    before = xp.logical_and(_precedes(x), kept[..., None, :])
    return 1.0 + xp.sum(xp.astype(before, x.dtype), axis=-1)


def _discount(rank: Array) -> Array:
    return _LOG_2 / array_namespace(rank).log1p(rank)


# (2^y - 1) / Σ (2^y - 1) / log2(1 + rank), for the ranks by y; both are divided by 2^max y, which may be large
def _gain(relevance: Array, kept: Array) -> Array:
    """The gain of each document, in units of the DCG that is best; 0 where no document has any."""
    xp = array_namespace(relevance, kept)
    most = special.stop_gradient(reductions.reduce_max(relevance, -1))
    gain = -xp.exp(_LOG_2 * (relevance - most)) * logarithms.expm1(-_LOG_2 * relevance)
    gain = special.where(kept, gain, 0.0)
    best = xp.sum(gain * _discount(_rank(relevance, kept)), axis=-1, keepdims=True)
    return gain / special.where(best == 0, 1.0, best)


def _or_all(where: Array, axis: int) -> Array:
    """What is kept of each list; all of one without any document, which has no softmax and counts for nothing."""
    xp = array_namespace(where)
    return xp.logical_or(where, xp.logical_not(xp.any(where, axis=axis, keepdims=True)))


@register
@dataclass(frozen=True, kw_only=True)
class ListNet(_RankingLoss):
    r"""Cross entropy of the documents' chances to come first, by their scores and by their relevance.

    .. math:: l = -\sum_d q_d \log p_d;
        \quad p = \mathrm{softmax}(\mathrm{scores}), \; q = \mathrm{softmax}(\mathrm{relevance})

    Parameters
    ----------
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.

    See Also
    --------
    list_mle : The likelihood of the whole order.
    lambda_loss : Where the head of the list counts.

    Notes
    -----
    An item is a list. `where` has the shape of the scores and leaves out documents, such as those that pad a list; a
    list without any is left out itself. `weight` has one number a list.

    `ranking_softmax` takes the relevance for q as it is.

    References
    ----------
    Cao et al., Learning to rank: from pairwise approach to listwise approach (2007).
    https://doi.org/10.1145/1273496.1273513

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores, relevance = np.asarray([[2.0, 1.0, 9.0]]), np.asarray([[1.0, 0.0, 0.0]])
    >>> round(float(al.list_net(scores, relevance, where=np.asarray([[True, True, False]]))), 6)
    0.582203
    """

    # -Σ softmax(relevance) log softmax(scores), of the documents that are there
    def call(self, scores: Array, relevance: Array, where: Array | None = None) -> Array:
        axis = self.row_axis(scores)
        if where is None:
            return softmax.cross_entropy(scores, softmax.nll_and_probabilities(relevance, axis)[1], axis)
        kept = _or_all(where, axis)
        scores, relevance = [special.where(kept, x, float("-inf")) for x in (scores, relevance)]
        # The derivative by the target is infinite for a document that is left out, and must not enter that of softmax.
        target = special.where(kept, softmax.nll_and_probabilities(relevance, axis)[1], 0.0)
        return softmax.cross_entropy(scores, target, axis)


@register("softmax_loss", "ranking_softmax_loss")
@dataclass(frozen=True, kw_only=True)
class RankingSoftmax(_RankingLoss):
    r"""Cross entropy of the documents' chances to come first, each counting as much as it is relevant.

    .. math:: l = -\sum_d \mathrm{relevance}_d \log p_d; \quad p = \mathrm{softmax}(\mathrm{scores})

    Parameters
    ----------
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.

    See Also
    --------
    list_net : Of the softmax of the relevance.
    list_mle : The likelihood of the whole order.
    lambda_loss : Where the head of the list counts.

    Notes
    -----
    An item is a list, and its loss grows with the sum of its relevance. `where` has the shape of the scores and leaves
    out documents, such as those that pad a list; a list without any is left out itself. `weight` has one number a list.

    `list_net` takes the softmax of the relevance, which adds up to 1, in its place.

    References
    ----------
    Bruch et al., An analysis of the softmax cross entropy loss for learning-to-rank with binary relevance (2019).
    https://doi.org/10.1145/3341981.3344221

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores, relevance = np.asarray([[2.0, 1.0, 9.0]]), np.asarray([[1.0, 0.0, 0.0]])
    >>> round(float(al.ranking_softmax(scores, relevance, where=np.asarray([[True, True, False]]))), 6)
    0.313262
    """

    # -Σ relevance log softmax(scores), of the documents that are there
    def call(self, scores: Array, relevance: Array, where: Array | None = None) -> Array:
        axis = self.row_axis(scores)
        if where is not None:
            scores = special.where(_or_all(where, axis), scores, float("-inf"))
            relevance = special.where(where, relevance, 0.0)
        return softmax.cross_entropy(scores, relevance, axis)


@register("listmle_loss", "ListMLELoss")
@dataclass(frozen=True, kw_only=True)
class ListMle(_RankingLoss):
    r"""Negative log-likelihood of the order by relevance, where documents are drawn one by one by their scores.

    .. math:: l = \sum_d \left(\log \sum_{e: \mathrm{rank}(e) \ge \mathrm{rank}(d)} \exp(\mathrm{scores}_e) -
        \mathrm{scores}_d\right)

    The ranks are those by relevance, the largest first.

    Parameters
    ----------
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.

    See Also
    --------
    list_net : By the first place alone, and cheaper.
    lambda_loss : Where the head of the list counts.

    Notes
    -----
    An item is a list. `where` has the shape of the scores and leaves out documents, such as those that pad a list; a
    list without any is left out itself. `weight` has one number a list.

    Documents of equal relevance are ranked as they come. Rax does so without a key, and with one at random.

    All pairs of a list are held at once, D² numbers of each.

    References
    ----------
    Xia, Liu, Wang, Zhang and Li, Listwise approach to learning to rank: theory and algorithm (2008).
    https://doi.org/10.1145/1390156.1390306

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores, relevance = np.asarray([[2.0, 1.0, 9.0]]), np.asarray([[1.0, 2.0, 0.0]])
    >>> round(float(al.list_mle(scores, relevance, where=np.asarray([[True, True, False]]))), 6)
    1.313262
    """

    compares_pairs = True

    # Σ_d log Σ exp(scores_e - scores_d) over the documents e that do not come before d
    def call(self, scores: Array, relevance: Array, where: Array | None = None) -> Array:
        xp = array_namespace(scores, relevance)
        scores, relevance, kept = self._documents(scores, relevance, where)
        own, other = _pairs(scores)
        is_left = xp.logical_and(xp.logical_not(_precedes(relevance)), kept[..., None, :])
        # What is left out draws from all documents, and counts for nothing.
        is_left = xp.logical_or(is_left, xp.logical_not(kept)[..., :, None])
        drawn = special.logsumexp(special.where(is_left, other - own, float("-inf")))
        return xp.sum(special.where(kept, drawn, 0.0) + _nan_of(relevance, kept), axis=-1)


@dataclass(frozen=True, kw_only=True)
class _PairwiseLoss(_RankingLoss):
    """What the losses of a list's pairs share, of which the first document is more relevant than the second."""

    compares_pairs = True

    # Σ of the loss of scores_d - scores_e over pairs with relevance_d > relevance_e
    def call(self, scores: Array, relevance: Array, where: Array | None = None) -> Array:
        xp = array_namespace(scores, relevance)
        scores, relevance, kept = self._documents(scores, relevance, where)
        (first, second), (high, low) = _pairs(scores), _pairs(relevance)
        counts = xp.logical_and(high > low, xp.logical_and(*_pairs(kept)))
        found = self._of_pairs(first - second, scores, relevance, kept)
        return xp.sum(special.where(counts, found, 0.0), axis=(-2, -1)) + xp.sum(_nan_of(relevance, kept), axis=-1)

    def _of_pairs(self, lead: Array, scores: Array, relevance: Array, kept: Array) -> Array:
        """The loss of each pair whose first document has this lead."""
        raise TypeError(f"{type(self).__name__} must define `_of_pairs`")


@register("rank_net", "RankNet")
@dataclass(frozen=True, kw_only=True)
class PairwiseLogistic(_PairwiseLoss):
    r"""RankNet: logistic loss of the pairs of a list, each of which asks that the more relevant document score higher.

    .. math:: l = \sum_{\mathrm{relevance}_d > \mathrm{relevance}_e} \log(1 + \exp(\mathrm{scores}_e -
        \mathrm{scores}_d))

    Parameters
    ----------
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.

    See Also
    --------
    lambda_loss : Where the head of the list counts.
    pairwise_hinge : 0 beyond a margin.

    Notes
    -----
    An item is a list. `where` has the shape of the scores and leaves out documents, such as those that pad a list; a
    list without any is left out itself. `weight` has one number a list.

    It is the sum over the pairs of a list. Rax takes the mean over the pairs of all lists, and their sum with
    ``reduce_fn=jnp.sum``.

    All pairs of a list are held at once, D² numbers of each.

    References
    ----------
    Burges et al., Learning to rank using gradient descent (2005). https://doi.org/10.1145/1102351.1102363

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores, relevance = np.asarray([[2.0, 1.0, 9.0]]), np.asarray([[1.0, 2.0, 0.0]])
    >>> round(float(al.pairwise_logistic(scores, relevance, where=np.asarray([[True, True, False]]))), 6)
    1.313262
    """

    def _of_pairs(self, lead: Array, scores: Array, relevance: Array, kept: Array) -> Array:
        return special.softplus(-lead)


@register
@dataclass(frozen=True, kw_only=True)
class PairwiseHinge(_PairwiseLoss):
    r"""Hinge loss of the pairs of a list: the more relevant document is to score higher by a margin.

    .. math:: l = \sum_{\mathrm{relevance}_d > \mathrm{relevance}_e} \max(0, \mathrm{margin} - (\mathrm{scores}_d -
        \mathrm{scores}_e))

    Parameters
    ----------
    margin : float, default 1.0
        The lead that is asked for.
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.

    See Also
    --------
    pairwise_logistic : Smooth.
    margin_ranking : Of given pairs.

    Notes
    -----
    An item is a list. `where` has the shape of the scores and leaves out documents, such as those that pad a list; a
    list without any is left out itself. `weight` has one number a list.

    It is the sum over the pairs of a list. Rax takes the mean over the pairs of all lists, and their sum with
    ``reduce_fn=jnp.sum``.

    All pairs of a list are held at once, D² numbers of each.

    References
    ----------
    Joachims, Optimizing search engines using clickthrough data (2002). https://doi.org/10.1145/775047.775067

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores, relevance = np.asarray([[2.0, 1.0, 9.0]]), np.asarray([[1.0, 2.0, 0.0]])
    >>> round(float(al.pairwise_hinge(scores, relevance, where=np.asarray([[True, True, False]]))), 6)
    2.0
    """

    margin: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_finite(margin=self.margin)

    def _of_pairs(self, lead: Array, scores: Array, relevance: Array, kept: Array) -> Array:
        return special.relu(self.margin - lead)


@register
@dataclass(frozen=True, kw_only=True)
class LambdaLoss(_PairwiseLoss):
    r"""Logistic loss of the pairs of a list, each weighted by what its order matters to the NDCG.

    .. math:: l = \sum_{\mathrm{relevance}_d > \mathrm{relevance}_e} |G_d - G_e| \left(\rho_{de} + \mu \,
        \delta_{de}\right) \log_2(1 + \exp(-\sigma (\mathrm{scores}_d - \mathrm{scores}_e)))

    .. math:: \rho_{de} = \left|\frac{1}{D(\mathrm{rank}_d)} - \frac{1}{D(\mathrm{rank}_e)}\right|;
        \quad \delta_{de} = \frac{1}{D(|\mathrm{rank}_d - \mathrm{rank}_e|)} - \frac{1}{D(|\mathrm{rank}_d -
        \mathrm{rank}_e| + 1)};
        \quad D(k) = \log_2(1 + k)

    The gain G is 2^relevance - 1, divided by the best DCG that the list can have. The ranks are those by the scores,
    the largest first. The weights count as constants in the derivative by the scores.

    Parameters
    ----------
    mu : float, default 10.0
        Factor of δ, at least 0: with 0 the loss is LambdaRank's; as it grows, that of NDCG-Loss2 times `mu`.
    sigma : float, default 1.0
        Factor of the scores, above 0.
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.

    See Also
    --------
    pairwise_logistic : Without weights.
    approx_ndcg : NDCG itself, smoothed.

    Notes
    -----
    An item is a list. `where` has the shape of the scores and leaves out documents, such as those that pad a list; a
    list without any is left out itself. `weight` has one number a list.

    Documents of equal score are ranked as they come. A list in which none is relevant has the loss 0.

    The logarithm is that of base 2, as in the paper; TensorFlow Ranking, LightGBM and Rax have the natural one. Rax's
    normalized weights are those of ``mu=0`` times the number D of all documents of a list.

    All pairs of a list are held at once, D² numbers of each.

    References
    ----------
    Wang, Li, Golbandi, Bendersky and Najork, The LambdaLoss framework for ranking metric optimization (2018).
    https://doi.org/10.1145/3269206.3271784

    Burges, Ragno and Le, Learning to rank with nonsmooth cost functions (2006), of LambdaRank.
    https://papers.nips.cc/paper/2971-learning-to-rank-with-nonsmooth-cost-functions

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores, relevance = np.asarray([[2.0, 1.0, 9.0]]), np.asarray([[1.0, 2.0, 0.0]])
    >>> round(float(al.lambda_loss(scores, relevance, where=np.asarray([[True, True, False]]))), 6)
    4.236817
    """

    mu: Real = 10.0
    sigma: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(mu=self.mu)
        require_finite(mu=self.mu, sigma=self.sigma)
        require_positive(sigma=self.sigma)

    def _of_pairs(self, lead: Array, scores: Array, relevance: Array, kept: Array) -> Array:
        xp = array_namespace(scores, relevance)
        rank = _rank(scores, kept)
        (here, there), (gain, less) = _pairs(rank), _pairs(_gain(relevance, kept))
        apart = special.clip(special.absolute(here - there), 1.0)
        by_places = xp.abs(_discount(here) - _discount(there)) + self.mu * (_discount(apart) - _discount(apart + 1.0))
        return special.absolute(gain - less) * by_places * (special.softplus(-self.sigma * lead) / _LOG_2)


@register
@dataclass(frozen=True, kw_only=True)
class ApproxNdcg(_RankingLoss):
    r"""One minus the NDCG of a list, by ranks that follow the scores smoothly.

    .. math:: l = 1 - \sum_d \frac{G_d}{\log_2(1 + \mathrm{rank}_d)};
        \quad \mathrm{rank}_d = 1 + \sum_{e \ne d} \mathrm{sigmoid}\left(\frac{\mathrm{scores}_e -
        \mathrm{scores}_d}{\mathrm{temperature}}\right)

    The gain G is 2^relevance - 1, divided by the best DCG that the list can have.

    Parameters
    ----------
    temperature : float, default 0.1
        What differences of scores are divided by, above 0: the smaller, the nearer to the ranks themselves.
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.

    See Also
    --------
    lambda_loss : With gradients everywhere.
    list_net : Where the whole order counts.

    Notes
    -----
    An item is a list. `where` has the shape of the scores and leaves out documents, such as those that pad a list; a
    list without any is left out itself. `weight` has one number a list.

    A list in which no document is relevant has the loss 0. Rax has a temperature of 1, and the negative NDCG.

    All pairs of a list are held at once, D² numbers of each.

    References
    ----------
    Qin, Liu and Li, A general approximation framework for direct optimization of information retrieval measures (2010).
    https://doi.org/10.1007/s10791-009-9124-x

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores, relevance = np.asarray([[2.0, 1.0, 9.0]]), np.asarray([[1.0, 2.0, 0.0]])
    >>> round(float(al.approx_ndcg(scores, relevance, where=np.asarray([[True, True, False]]))), 6)
    0.203294
    """

    compares_pairs = True

    temperature: Real = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(temperature=self.temperature)

    # Σ_d G_d (1 / log2(1 + best rank_d) - 1 / log2(1 + rank_d)), of which the first parts sum to 1
    def call(self, scores: Array, relevance: Array, where: Array | None = None) -> Array:
        xp = array_namespace(scores, relevance)
        scores, relevance, kept = self._documents(scores, relevance, where)
        own, other = _pairs(scores / settings.at_least_tiny(self.temperature, scores))
        here, there = _pairs(_places(scores))
        counts = xp.logical_and(here != there, kept[..., None, :])
        rank = 1.0 + xp.sum(special.where(counts, special.sigmoid(other - own), 0.0), axis=-1)
        gain = _gain(relevance, kept)
        return xp.sum(gain * (_discount(_rank(relevance, kept)) - _discount(rank)), axis=-1)
