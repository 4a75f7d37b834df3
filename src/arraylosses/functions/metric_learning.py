"""Losses of embeddings with labels, which compare the pairs and triplets of a batch, or embeddings and proxies.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.metric_learning import (
    Circle,
    LiftedStructure,
    MultiSimilarity,
    ProxyAnchor,
    ProxyNca,
    TripletBatchHard,
    TripletBatchSemiHard,
)
from ..reduction import Reduction

__all__ = [
    "circle",
    "lifted_structure",
    "multi_similarity",
    "proxy_anchor",
    "proxy_nca",
    "triplet_batch_hard",
    "triplet_batch_semi_hard",
]


@function_form(Circle)
def circle(
    embeddings: Array,
    labels: Array,
    *,
    margin: Real | Sequence[float] = 0.4,
    gamma: Real | Sequence[float] = 80.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Pulls cosines of equal labels up and of other labels down, those most that are furthest from their goal.

    .. math:: l_i = \log \left( 1 + \sum_{n \in N_i} e^{\gamma \alpha_n (s_n - m)} \sum_{p \in P_i} e^{-\gamma \alpha_p
        (s_p - 1 + m)} \right);
        \quad \alpha_n = \max(0, s_n + m), \; \alpha_p = \max(0, 1 + m - s_p)

    with the margin m, the cosines s of the anchor and its positives P, the other embeddings of the same label, and its
    negatives N, those of other labels.

    Parameters
    ----------
    embeddings : array, shape (N, D)
        Floating, of any length.
    labels : array, shape (N,)
        Integers of any value: equal ones belong together.
    margin : float, default 0.4
        The slack m: cosines should be above 1 - m and below m.
    gamma : float, default 80.0
        The scale, above 0.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or (N,) for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    multi_similarity : With two scales.
    supervised_contrastive : With a temperature.

    Notes
    -----
    An item is an embedding as anchor; one without a positive or without a negative is left out of the mean. What
    `where` leaves out is neither anchor nor compared with any.

    The factors alpha are constants in the gradient, as in the paper and in pytorch-metric-learning; Keras's `Circle`
    takes their derivative too, and embeddings whose length is 1 already.

    References
    ----------
    Sun et al., Circle loss: a unified perspective of pair similarity optimization (2020).
    https://arxiv.org/abs/2002.10857

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings = np.asarray([[1.0, 0.0], [3.0, 4.0], [0.0, 2.0]])
    >>> round(float(al.circle(embeddings, np.asarray([0, 0, 1]), gamma=1.0)), 6)
    0.789009
    """
    return Circle.made(
        margin=margin,
        gamma=gamma,
        reduction=reduction,
    )(embeddings, labels, weight=weight, where=where)


@function_form(LiftedStructure)
def lifted_structure(
    embeddings: Array,
    labels: Array,
    *,
    margin: Real | Sequence[float] = 1.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Asks of each pair of equal labels to be nearer than all negatives of both of its ends, by a margin.

    .. math:: l_i = \frac{1}{2 |P_i|} \sum_{p \in P_i} \max(0, J_{ip})^2;
        \quad J_{ip} = d_{ip} + \log \left( \sum_{n \in N_i} e^{\mathrm{margin} - d_{in}} + \sum_{n \in N_p}
        e^{\mathrm{margin} - d_{pn}} \right)

    with the Euclidean distances d, the positives P, which are the other embeddings of the same label, and the negatives
    N, those of other labels.

    Parameters
    ----------
    embeddings : array, shape (N, D)
        Floating, compared as they are; pytorch-metric-learning divides them by their lengths.
    labels : array, shape (N,)
        Integers of any value: equal ones belong together.
    margin : float, default 1.0
        The difference of distances that is asked for.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or (N,) for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    triplet_batch_hard : With the hardest negative alone.
    multi_similarity : By cosines.

    Notes
    -----
    An item is an embedding as anchor, which weighs in a sum or a mean as many as it has positives: the mean is over
    all pairs, as in the paper; one without a positive counts for nothing, and so does a batch of one label. What
    `where` leaves out is neither anchor nor compared with any.

    References
    ----------
    Song et al., Deep metric learning via lifted structured feature embedding (2016). https://arxiv.org/abs/1511.06452

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings = np.asarray([[1.0], [2.0], [4.0]])
    >>> round(float(al.lifted_structure(embeddings, np.asarray([0, 0, 1]))), 6)
    0.049066
    """
    return LiftedStructure.made(
        margin=margin,
        reduction=reduction,
    )(embeddings, labels, weight=weight, where=where)


@function_form(MultiSimilarity)
def multi_similarity(
    embeddings: Array,
    labels: Array,
    *,
    alpha: Real | Sequence[float] = 2.0,
    beta: Real | Sequence[float] = 50.0,
    threshold: Real | Sequence[float] = 0.5,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Pulls cosines of equal labels above a threshold and pushes those of other labels below it, each by its excess.

    .. math:: l_i = \frac{1}{\alpha} \log \left( 1 + \sum_{p \in P_i} e^{-\alpha (s_p - \mathrm{threshold})} \right) +
        \frac{1}{\beta} \log \left( 1 + \sum_{n \in N_i} e^{\beta (s_n - \mathrm{threshold})} \right)

    with the cosines s of the anchor and its positives P, the other embeddings of the same label, and its negatives N,
    those of other labels.

    Parameters
    ----------
    embeddings : array, shape (N, D)
        Floating, of any length.
    labels : array, shape (N,)
        Integers of any value: equal ones belong together.
    alpha : float, default 2.0
        Scale of the positives, above 0.
    beta : float, default 50.0
        Scale of the negatives, above 0.
    threshold : float, default 0.5
        The cosine between positives and negatives: λ in the paper, which has 1. Its default in pytorch-metric-learning
        is that here.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or (N,) for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    circle : With one scale and goals.
    supervised_contrastive : With a temperature.

    Notes
    -----
    An item is an embedding as anchor; all count, those without a positive or a negative too, of which the sum is empty.
    What `where` leaves out is neither anchor nor compared with any. All pairs take part, as by default in
    pytorch-metric-learning; the paper first leaves out those that are easy.

    References
    ----------
    Wang et al., Multi-similarity loss with general pair weighting for deep metric learning (2019).
    https://arxiv.org/abs/1904.06627

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings = np.asarray([[1.0, 0.0], [3.0, 4.0], [0.0, 2.0]])
    >>> round(float(al.multi_similarity(embeddings, np.asarray([0, 0, 1]))), 6)
    0.39938
    """
    return MultiSimilarity.made(
        alpha=alpha,
        beta=beta,
        threshold=threshold,
        reduction=reduction,
    )(embeddings, labels, weight=weight, where=where)


@function_form(ProxyAnchor)
def proxy_anchor(
    embeddings: Array,
    proxies: Array,
    labels: Array,
    *,
    margin: Real | Sequence[float] = 0.1,
    alpha: Real | Sequence[float] = 32.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Pulls the embeddings of a class to its proxy and pushes all others away, those most that are hardest.

    .. math:: l = \frac{1}{|P^+|} \sum_{p \in P^+} \log \left( 1 + \sum_{x \in X_p} e^{-\alpha (s_{xp} -
        \mathrm{margin})} \right) + \frac{1}{C} \sum_p \log \left( 1 + \sum_{x \notin X_p} e^{\alpha (s_{xp} +
        \mathrm{margin})} \right)

    with the cosines s of embeddings and proxies, the embeddings X of the class of a proxy, and the proxies P⁺ that have
    some in the batch.

    Parameters
    ----------
    embeddings : array, shape (N, D)
        Floating, of any length.
    proxies : array, shape (C, D)
        Floating: what stands for each class, learned beside the model.
    labels : array, shape (N,)
        Integers in [0, C).
    margin : float, default 0.1
        Cosines should be above `margin` for the own proxy, and below -`margin` for all others.
    alpha : float, default 32.0
        The scale, above 0.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (N,), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape ().

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    proxy_nca : Without a margin.
    multi_similarity : Without proxies.

    Notes
    -----
    The batch is one item. `where` has the shape of the labels and leaves out embeddings.

    References
    ----------
    Kim et al., Proxy anchor loss for deep metric learning (2020). https://arxiv.org/abs/2003.13911

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> proxies = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(float(al.proxy_anchor(np.asarray([[3.0, 4.0]]), proxies, np.asarray([1]), alpha=2.0)), 6)
    0.864977
    """
    return ProxyAnchor.made(
        margin=margin,
        alpha=alpha,
        reduction=reduction,
    )(embeddings, proxies, labels, weight=weight, where=where)


@function_form(ProxyNca)
def proxy_nca(
    embeddings: Array,
    proxies: Array,
    labels: Array,
    *,
    temperature: Real | Sequence[float] = 1.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Makes an embedding nearer to the proxy of its class than to those of all others, by their directions.

    .. math:: l = -\log \frac{\exp(-d_y / \mathrm{temperature})}{\sum_{c \ne y} \exp(-d_c / \mathrm{temperature})}

    with the squared Euclidean distance d between the embedding and a proxy, both divided by their lengths, and the
    label y.

    Parameters
    ----------
    embeddings : array, shape (N, D)
        Floating, of any length.
    proxies : array, shape (C, D)
        Floating: what stands for each class, learned beside the model.
    labels : array, shape (N,)
        Integers in [0, C).
    temperature : float, default 1.0
        What distances are divided by, above 0.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or (N,) for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    proxy_anchor : With a margin, and mostly better.
    supervised_contrastive : Without proxies.

    Notes
    -----
    The own class is not in the denominator, as in the paper, so that the loss may be negative; with it, as in
    pytorch-metric-learning and ProxyNCA++, it is the cross entropy of twice the cosines. With one class the loss is 0.

    References
    ----------
    Movshovitz-Attias et al., No fuss distance metric learning using proxies (2017). https://arxiv.org/abs/1703.07464

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> proxies = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(float(al.proxy_nca(np.asarray([[3.0, 4.0]]), proxies, np.asarray([1]))), 6)
    -0.313164
    """
    return ProxyNca.made(
        temperature=temperature,
        reduction=reduction,
    )(embeddings, proxies, labels, weight=weight, where=where)


@function_form(TripletBatchHard)
def triplet_batch_hard(
    embeddings: Array,
    labels: Array,
    *,
    margin: Real | Sequence[float] = 1.0,
    soft: bool = False,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Asks that an anchor be nearer to its furthest positive of the batch than to its nearest negative, by a margin.

    .. math:: l_i = \max(0, \mathrm{margin} + \max_{p \in P_i} d_{ip} - \min_{n \in N_i} d_{in})

    with the Euclidean distances d, the positives P, which are the other embeddings of the same label, and the negatives
    N, those of other labels.

    Parameters
    ----------
    embeddings : array, shape (N, D)
        Floating, compared as they are.
    labels : array, shape (N,)
        Integers of any value: equal ones belong together.
    margin : float, default 1.0
        The difference of distances that is asked for.
    soft : bool, default False
        Take log(1 + exp(difference)) in place of max(0, margin + difference), which has no end; `margin` is then added
        to the difference as well.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or (N,) for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    triplet_batch_semi_hard : Where the hardest are mistakes of the labels.
    triplet_margin : Of given triplets.

    Notes
    -----
    An item is an embedding as anchor; one without a positive or without a negative is left out of the mean. What
    `where` leaves out is neither anchor nor compared with any.

    References
    ----------
    Hermans, Beyer and Leibe, In defense of the triplet loss for person re-identification (2017).
    https://arxiv.org/abs/1703.07737

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings = np.asarray([[0.0], [1.0], [2.5], [3.0]])
    >>> al.triplet_batch_hard(embeddings, np.asarray([0, 0, 1, 1]), reduction="none").tolist()
    [0.0, 0.5, 0.0, 0.0]
    """
    return TripletBatchHard.made(
        margin=margin,
        soft=soft,
        reduction=reduction,
    )(embeddings, labels, weight=weight, where=where)


@function_form(TripletBatchSemiHard)
def triplet_batch_semi_hard(
    embeddings: Array,
    labels: Array,
    *,
    margin: Real | Sequence[float] = 1.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Asks that each positive pair of the batch be nearer than the anchor's next negative beyond it, by a margin.

    .. math:: l_i = \frac{1}{|P_i|} \sum_{p \in P_i} \max(0, \mathrm{margin} + d_{ip} - \min_{n \in N_i, d_{in} >
        d_{ip}} d_{in})

    with the Euclidean distances d, the positives P, which are the other embeddings of the same label, and the negatives
    N, those of other labels. Where no negative is further away than the positive, it is compared with the furthest one.

    Parameters
    ----------
    embeddings : array, shape (N, D)
        Floating, compared as they are. The paper's have length 1, and its distances are squared.
    labels : array, shape (N,)
        Integers of any value: equal ones belong together.
    margin : float, default 1.0
        The difference of distances that is asked for.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or (N,) for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    triplet_batch_hard : With the hardest negative.
    triplet_margin : Of given triplets.

    Notes
    -----
    An item is an embedding as anchor, which weighs in a sum or a mean as many as it has positives: the mean is over
    all of them, as in TensorFlow Addons; one without a positive or without a negative counts for nothing. What
    `where` leaves out is neither anchor nor compared with any. All triplets, N³ of them, are compared at once.

    References
    ----------
    Schroff, Kalenichenko and Philbin, FaceNet: a unified embedding for face recognition and clustering (2015).
    https://arxiv.org/abs/1503.03832

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings = np.asarray([[0.0], [1.0], [0.5], [3.0]])
    >>> al.triplet_batch_semi_hard(embeddings, np.asarray([0, 0, 1, 1]), reduction="none").tolist()
    [0.0, 0.0, 3.0, 0.5]
    """
    return TripletBatchSemiHard.made(
        margin=margin,
        reduction=reduction,
    )(embeddings, labels, weight=weight, where=where)
