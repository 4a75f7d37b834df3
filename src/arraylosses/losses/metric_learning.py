"""Losses of embeddings with labels, which compare the pairs and triplets of a batch, or embeddings and proxies."""

from __future__ import annotations

from dataclasses import dataclass

from .. import special
from .._array_api import Array, Real, array_namespace
from ..arguments import require_finite, require_one_of_type, require_positive
from ..numerics import indexing, logarithms, reductions, settings
from ..registry import register
from ._base import PureLoss
from ._pairs import Pairs, counts_of_ids, log_sum_of, unit_rows

__all__ = [
    "Circle",
    "LiftedStructure",
    "MultiSimilarity",
    "ProxyAnchor",
    "ProxyNca",
    "TripletBatchHard",
    "TripletBatchSemiHard",
]


def _cosines(x: Array, y: Array) -> Array:
    xp = array_namespace(x, y)
    return xp.matmul(unit_rows(x), xp.permute_dims(unit_rows(y), (1, 0)))


def _smallest(chosen: Array, x: Array) -> Array:
    """The smallest of those that are chosen along the last axis, which stays; infinity of none."""
    return -_largest(chosen, -x)


def _largest(chosen: Array, x: Array) -> Array:
    return reductions.largest(special.where(chosen, x, float("-inf")), -1)


@dataclass(frozen=True, kw_only=True)
class _OfPairs(PureLoss):
    """A loss of embeddings by their labels, which needs a positive and a negative of each anchor."""

    arrays = "embeddings[N, D]: real, labels[N]: id -> [N] coupled"

    def item_weight(self, embeddings: Array, labels: Array, where: Array | None = None) -> Array:
        """1 for an anchor that has a positive and a negative."""
        xp = array_namespace(labels)
        positives, negatives = counts_of_ids(labels, where)
        return xp.logical_and(positives > 0, negatives > 0)


@register("CircleLoss")
@dataclass(frozen=True, kw_only=True)
class Circle(_OfPairs):
    r"""Pulls cosines of equal labels up and of other labels down, those most that are furthest from their goal.

    .. math:: l_i = \log \left( 1 + \sum_{n \in N_i} e^{\gamma \alpha_n (s_n - m)} \sum_{p \in P_i} e^{-\gamma \alpha_p
        (s_p - 1 + m)} \right);
        \quad \alpha_n = \max(0, s_n + m), \; \alpha_p = \max(0, 1 + m - s_p)

    with the margin m, the cosines s of the anchor and its positives P, the other embeddings of the same label, and its
    negatives N, those of other labels.

    Parameters
    ----------
    margin : float, default 0.4
        The slack m: cosines should be above 1 - m and below m.
    gamma : float, default 80.0
        The scale, above 0.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    embeddings : array, shape (N, D)
        Floating, of any length.
    labels : array, shape (N,)
        Integers of any value: equal ones belong together.

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

    margin: Real = 0.4
    gamma: Real = 80.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_finite(margin=self.margin)
        require_positive(gamma=self.gamma)
        require_finite(gamma=self.gamma)

    # log(1 + Σ_n exp(gamma alpha_n (s_n - m)) Σ_p exp(-gamma alpha_p (s_p - 1 + m)))
    def call(self, embeddings: Array, labels: Array, where: Array | None = None) -> Array:
        positive, negative = Pairs.of(labels, where)
        cosine, m = _cosines(embeddings, embeddings), self.margin
        fixed = special.stop_gradient(cosine)
        of_positives = -self.gamma * special.relu(1.0 + m - fixed) * (cosine - (1.0 - m))
        of_negatives = self.gamma * special.relu(fixed + m) * (cosine - m)
        return special.softplus(log_sum_of(negative, of_negatives) + log_sum_of(positive, of_positives))


@register("MultiSimilarityLoss")
@dataclass(frozen=True, kw_only=True)
class MultiSimilarity(PureLoss):
    r"""Pulls cosines of equal labels above a threshold and pushes those of other labels below it, each by its excess.

    .. math:: l_i = \frac{1}{\alpha} \log \left( 1 + \sum_{p \in P_i} e^{-\alpha (s_p - \mathrm{threshold})} \right) +
        \frac{1}{\beta} \log \left( 1 + \sum_{n \in N_i} e^{\beta (s_n - \mathrm{threshold})} \right)

    with the cosines s of the anchor and its positives P, the other embeddings of the same label, and its negatives N,
    those of other labels.

    Parameters
    ----------
    alpha : float, default 2.0
        Scale of the positives, above 0.
    beta : float, default 50.0
        Scale of the negatives, above 0.
    threshold : float, default 0.5
        The cosine between positives and negatives: λ in the paper, which has 1. Its default in pytorch-metric-learning
        is that here.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    embeddings : array, shape (N, D)
        Floating, of any length.
    labels : array, shape (N,)
        Integers of any value: equal ones belong together.

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

    arrays = "embeddings[N, D]: real, labels[N]: id -> [N] coupled"

    alpha: Real = 2.0
    beta: Real = 50.0
    threshold: Real = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(alpha=self.alpha, beta=self.beta)
        require_finite(alpha=self.alpha, beta=self.beta, threshold=self.threshold)

    # log(1 + Σ_p exp(-alpha (s_p - threshold))) / alpha + log(1 + Σ_n exp(beta (s_n - threshold))) / beta
    def call(self, embeddings: Array, labels: Array, where: Array | None = None) -> Array:
        positive, negative = Pairs.of(labels, where)
        excess = _cosines(embeddings, embeddings) - self.threshold
        alpha, beta = (settings.at_least_tiny(x, embeddings) for x in (self.alpha, self.beta))
        of_positives = special.softplus(log_sum_of(positive, -alpha * excess)) / alpha
        return of_positives + special.softplus(log_sum_of(negative, beta * excess)) / beta


@register("lifted_struct_loss")
@dataclass(frozen=True, kw_only=True)
class LiftedStructure(PureLoss):
    r"""Asks of each pair of equal labels to be nearer than all negatives of both of its ends, by a margin.

    .. math:: l_i = \frac{1}{2 |P_i|} \sum_{p \in P_i} \max(0, J_{ip})^2;
        \quad J_{ip} = d_{ip} + \log \left( \sum_{n \in N_i} e^{\mathrm{margin} - d_{in}} + \sum_{n \in N_p}
        e^{\mathrm{margin} - d_{pn}} \right)

    with the Euclidean distances d, the positives P, which are the other embeddings of the same label, and the negatives
    N, those of other labels.

    Parameters
    ----------
    margin : float, default 1.0
        The difference of distances that is asked for.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    embeddings : array, shape (N, D)
        Floating, compared as they are; pytorch-metric-learning divides them by their lengths.
    labels : array, shape (N,)
        Integers of any value: equal ones belong together.

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

    arrays = "embeddings[N, D]: real, labels[N]: id -> [N] coupled"

    margin: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_finite(margin=self.margin)

    # The mean over the positives of max(0, d + log(Σ exp(margin - d_n) of both ends))² / 2
    def call(self, embeddings: Array, labels: Array, where: Array | None = None) -> Array:
        xp = array_namespace(embeddings)
        positive, negative = Pairs.of(labels, where)
        distance = special.pairwise_distances(embeddings)
        rivals = log_sum_of(negative, self.margin - distance)
        of_both = logarithms.logaddexp(rivals[:, None], rivals[None, :])
        excess = special.where(positive, distance + of_both, 0.0)
        count = special.clip(xp.sum(xp.astype(positive, distance.dtype), axis=-1), 1.0)
        return xp.sum(special.relu(excess) ** 2, axis=-1) / (2.0 * count)

    def item_weight(self, embeddings: Array, labels: Array, where: Array | None = None) -> Array:
        """The number of positives."""
        return counts_of_ids(labels, where)[0]


@register("TripletHardLoss", "triplet_hard_loss")
@dataclass(frozen=True, kw_only=True)
class TripletBatchHard(_OfPairs):
    r"""Asks that an anchor be nearer to its furthest positive of the batch than to its nearest negative, by a margin.

    .. math:: l_i = \max(0, \mathrm{margin} + \max_{p \in P_i} d_{ip} - \min_{n \in N_i} d_{in})

    with the Euclidean distances d, the positives P, which are the other embeddings of the same label, and the negatives
    N, those of other labels.

    Parameters
    ----------
    margin : float, default 1.0
        The difference of distances that is asked for.
    soft : bool, default False
        Take log(1 + exp(difference)) in place of max(0, margin + difference), which has no end; `margin` is then added
        to the difference as well.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    embeddings : array, shape (N, D)
        Floating, compared as they are.
    labels : array, shape (N,)
        Integers of any value: equal ones belong together.

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

    margin: Real = 1.0
    soft: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_finite(margin=self.margin)
        require_one_of_type(bool, soft=self.soft)

    # max(0, margin + the largest distance of a positive - the smallest of a negative)
    def call(self, embeddings: Array, labels: Array, where: Array | None = None) -> Array:
        xp = array_namespace(embeddings)
        positive, negative = Pairs.of(labels, where)
        distance = special.pairwise_distances(embeddings)
        difference = xp.squeeze(_largest(positive, distance) - _smallest(negative, distance), axis=-1)
        excess = self.margin + special.where(xp.isinf(difference), 0.0, difference)
        return special.softplus(excess) if self.soft else special.relu(excess)


@register("TripletSemiHardLoss", "triplet_semihard_loss")
@dataclass(frozen=True, kw_only=True)
class TripletBatchSemiHard(_OfPairs):
    r"""Asks that each positive pair of the batch be nearer than the anchor's next negative beyond it, by a margin.

    .. math:: l_i = \frac{1}{|P_i|} \sum_{p \in P_i} \max(0, \mathrm{margin} + d_{ip} - \min_{n \in N_i, d_{in} >
        d_{ip}} d_{in})

    with the Euclidean distances d, the positives P, which are the other embeddings of the same label, and the negatives
    N, those of other labels. Where no negative is further away than the positive, it is compared with the furthest one.

    Parameters
    ----------
    margin : float, default 1.0
        The difference of distances that is asked for.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    embeddings : array, shape (N, D)
        Floating, compared as they are. The paper's have length 1, and its distances are squared.
    labels : array, shape (N,)
        Integers of any value: equal ones belong together.

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

    margin: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_finite(margin=self.margin)

    # The mean over the positives of max(0, margin + d_p - the smallest d_n above d_p, or else the largest)
    def call(self, embeddings: Array, labels: Array, where: Array | None = None) -> Array:
        xp = array_namespace(embeddings)
        positive, negative = Pairs.of(labels, where)
        distance = special.pairwise_distances(embeddings)
        beyond = xp.logical_and(negative[:, None, :], distance[:, None, :] > distance[:, :, None])
        nearest = xp.squeeze(_smallest(beyond, distance[:, None, :]), axis=-1)
        rival = special.where(xp.isinf(nearest), _largest(negative, distance), nearest)
        excess = special.relu(self.margin + special.where(positive, distance - rival, 0.0))
        excess = special.where(positive, special.where(xp.isinf(excess), 0.0, excess), 0.0)
        count = special.clip(xp.sum(xp.astype(positive, distance.dtype), axis=-1), 1.0)
        return xp.sum(excess, axis=-1) / count

    def item_weight(self, embeddings: Array, labels: Array, where: Array | None = None) -> Array:
        """The number of positives of an anchor that has a negative."""
        xp = array_namespace(labels)
        positives, negatives = counts_of_ids(labels, where)
        return xp.where(negatives > 0, positives, xp.zeros_like(positives))


@register
@dataclass(frozen=True, kw_only=True)
class ProxyNca(PureLoss):
    r"""Makes an embedding nearer to the proxy of its class than to those of all others, by their directions.

    .. math:: l = -\log \frac{\exp(-d_y / \mathrm{temperature})}{\sum_{c \ne y} \exp(-d_c / \mathrm{temperature})}

    with the squared Euclidean distance d between the embedding and a proxy, both divided by their lengths, and the
    label y.

    Parameters
    ----------
    temperature : float, default 1.0
        What distances are divided by, above 0.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    embeddings : array, shape (N, D)
        Floating, of any length.
    proxies : array, shape (C, D)
        Floating: what stands for each class, learned beside the model.
    labels : array, shape (N,)
        Integers in [0, C).

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

    arrays = "embeddings[N, D]: real, proxies[C, D]: real, labels[N]: class -> [N]"

    temperature: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(temperature=self.temperature)

    # d / T = (2 - 2 cos) / T, so it is log Σ exp(2 cos / T) of the other classes - 2 cos_y / T
    def call(self, embeddings: Array, proxies: Array, labels: Array) -> Array:
        xp = array_namespace(embeddings, proxies)
        scores = 2.0 * _cosines(embeddings, proxies) / settings.at_least_tiny(self.temperature, embeddings)
        own = indexing.one_hot_mask(labels[:, None], scores, -1)
        total, score = log_sum_of(xp.logical_not(own), scores), indexing.gather(scores, labels, -1)
        return special.where(total == float("-inf"), 0.0, total - score)


@register("ProxyAnchorLoss")
@dataclass(frozen=True, kw_only=True)
class ProxyAnchor(PureLoss):
    r"""Pulls the embeddings of a class to its proxy and pushes all others away, those most that are hardest.

    .. math:: l = \frac{1}{|P^+|} \sum_{p \in P^+} \log \left( 1 + \sum_{x \in X_p} e^{-\alpha (s_{xp} -
        \mathrm{margin})} \right) + \frac{1}{C} \sum_p \log \left( 1 + \sum_{x \notin X_p} e^{\alpha (s_{xp} +
        \mathrm{margin})} \right)

    with the cosines s of embeddings and proxies, the embeddings X of the class of a proxy, and the proxies P⁺ that have
    some in the batch.

    Parameters
    ----------
    margin : float, default 0.1
        Cosines should be above `margin` for the own proxy, and below -`margin` for all others.
    alpha : float, default 32.0
        The scale, above 0.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    embeddings : array, shape (N, D)
        Floating, of any length.
    proxies : array, shape (C, D)
        Floating: what stands for each class, learned beside the model.
    labels : array, shape (N,)
        Integers in [0, C).

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

    arrays = "embeddings[N, D]: real, proxies[C, D]: real, labels[N]: class, where[N] -> []"

    margin: Real = 0.1
    alpha: Real = 32.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_finite(margin=self.margin)
        require_positive(alpha=self.alpha)
        require_finite(alpha=self.alpha)

    # The mean of log(1 + Σ exp(-alpha (s - margin))) over the proxies that have embeddings of their class, and of
    # log(1 + Σ exp(alpha (s + margin))) over all
    def call(self, embeddings: Array, proxies: Array, labels: Array, where: Array | None = None) -> Array:
        xp = array_namespace(embeddings, proxies)
        cosine = _cosines(embeddings, proxies)
        own = indexing.one_hot_mask(labels[:, None], cosine, -1)
        other = xp.logical_not(own)
        if where is not None:
            own, other = xp.logical_and(own, where[:, None]), xp.logical_and(other, where[:, None])
        near = special.softplus(log_sum_of(own, -self.alpha * (cosine - self.margin), 0))
        far = special.softplus(log_sum_of(other, self.alpha * (cosine + self.margin), 0))
        present = xp.sum(xp.astype(xp.any(own, axis=0), cosine.dtype))
        return xp.sum(near) / special.clip(present, 1.0) + xp.mean(far)
