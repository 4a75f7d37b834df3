"""Losses of a list of documents, whose order is what counts.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.ranking import ApproxNdcg, LambdaLoss, ListMle, ListNet, PairwiseHinge, PairwiseLogistic, RankingSoftmax
from ..reduction import Reduction

__all__ = [
    "approx_ndcg",
    "lambda_loss",
    "list_mle",
    "list_net",
    "pairwise_hinge",
    "pairwise_logistic",
    "ranking_softmax",
]


@function_form(ApproxNdcg)
def approx_ndcg(
    scores: Array,
    relevance: Array,
    *,
    temperature: Real | Sequence[float] = 0.1,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""One minus the NDCG of a list, by ranks that follow the scores smoothly.

    .. math:: l = 1 - \sum_d \frac{G_d}{\log_2(1 + \mathrm{rank}_d)};
        \quad \mathrm{rank}_d = 1 + \sum_{e \ne d} \mathrm{sigmoid}\left(\frac{\mathrm{scores}_e -
        \mathrm{scores}_d}{\mathrm{temperature}}\right)

    The gain G is 2^relevance - 1, divided by the best DCG that the list can have.

    Parameters
    ----------
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.
    temperature : float, default 0.1
        What differences of scores are divided by, above 0: the smaller, the nearer to the ranks themselves.
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (..., D), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `scores` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return ApproxNdcg.made(
        temperature=temperature,
        axis=axis,
        reduction=reduction,
    )(scores, relevance, weight=weight, where=where)


@function_form(LambdaLoss)
def lambda_loss(
    scores: Array,
    relevance: Array,
    *,
    mu: Real | Sequence[float] = 10.0,
    sigma: Real | Sequence[float] = 1.0,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
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
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.
    mu : float, default 10.0
        Factor of δ, at least 0: with 0 the loss is LambdaRank's; as it grows, that of NDCG-Loss2 times `mu`.
    sigma : float, default 1.0
        Factor of the scores, above 0.
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (..., D), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `scores` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return LambdaLoss.made(
        mu=mu,
        sigma=sigma,
        axis=axis,
        reduction=reduction,
    )(scores, relevance, weight=weight, where=where)


@function_form(ListMle)
def list_mle(
    scores: Array,
    relevance: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log-likelihood of the order by relevance, where documents are drawn one by one by their scores.

    .. math:: l = \sum_d \left(\log \sum_{e: \mathrm{rank}(e) \ge \mathrm{rank}(d)} \exp(\mathrm{scores}_e) -
        \mathrm{scores}_d\right)

    The ranks are those by relevance, the largest first.

    Parameters
    ----------
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (..., D), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `scores` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return ListMle.made(
        axis=axis,
        reduction=reduction,
    )(scores, relevance, weight=weight, where=where)


@function_form(ListNet)
def list_net(
    scores: Array,
    relevance: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Cross entropy of the documents' chances to come first, by their scores and by their relevance.

    .. math:: l = -\sum_d q_d \log p_d;
        \quad p = \mathrm{softmax}(\mathrm{scores}), \; q = \mathrm{softmax}(\mathrm{relevance})

    Parameters
    ----------
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (..., D), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `scores` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return ListNet.made(
        axis=axis,
        reduction=reduction,
    )(scores, relevance, weight=weight, where=where)


@function_form(PairwiseHinge)
def pairwise_hinge(
    scores: Array,
    relevance: Array,
    *,
    margin: Real | Sequence[float] = 1.0,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Hinge loss of the pairs of a list: the more relevant document is to score higher by a margin.

    .. math:: l = \sum_{\mathrm{relevance}_d > \mathrm{relevance}_e} \max(0, \mathrm{margin} - (\mathrm{scores}_d -
        \mathrm{scores}_e))

    Parameters
    ----------
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.
    margin : float, default 1.0
        The lead that is asked for.
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (..., D), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `scores` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return PairwiseHinge.made(
        margin=margin,
        axis=axis,
        reduction=reduction,
    )(scores, relevance, weight=weight, where=where)


@function_form(PairwiseLogistic)
def pairwise_logistic(
    scores: Array,
    relevance: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""RankNet: logistic loss of the pairs of a list, each of which asks that the more relevant document score higher.

    .. math:: l = \sum_{\mathrm{relevance}_d > \mathrm{relevance}_e} \log(1 + \exp(\mathrm{scores}_e -
        \mathrm{scores}_d))

    Parameters
    ----------
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (..., D), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `scores` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return PairwiseLogistic.made(
        axis=axis,
        reduction=reduction,
    )(scores, relevance, weight=weight, where=where)


@function_form(RankingSoftmax)
def ranking_softmax(
    scores: Array,
    relevance: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Cross entropy of the documents' chances to come first, each counting as much as it is relevant.

    .. math:: l = -\sum_d \mathrm{relevance}_d \log p_d; \quad p = \mathrm{softmax}(\mathrm{scores})

    Parameters
    ----------
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (..., D), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `scores` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return RankingSoftmax.made(
        axis=axis,
        reduction=reduction,
    )(scores, relevance, weight=weight, where=where)
