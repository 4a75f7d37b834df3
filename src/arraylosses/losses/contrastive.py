"""Losses of a batch of embeddings, each of which is told from all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .. import special
from .._array_api import Array, Real, array_namespace
from ..arguments import require_choice, require_finite, require_positive
from ..formula import Projection
from ..numerics import elementwise, indexing, logistic, reductions, settings, softmax
from ..registry import alias, register
from ._base import ProjectedLoss, PureRowLoss
from ._pairs import counts_of_ids, places, unit_rows
from .multiclass import CrossEntropy

__all__ = ["ClipContrastive", "InfoNce", "NtXent", "Siglip", "SupervisedContrastive"]


@dataclass(frozen=True, kw_only=True)
class _Contrastive(ProjectedLoss):
    """What these losses have in common: they compare all pairs by similarities."""

    temperature: Real = 0.1
    similarity: str = "cosine"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(temperature=self.temperature)
        require_choice(("cosine", "dot"), similarity=self.similarity)

    # Rows and a matrix whose product is similarity / temperature. A column that is left out has the score -inf.
    def _compared(
        self, x: Array, y: Array, where: Array | None, ids: Array | None = None, bias: float | Array = 0.0
    ) -> Projection:
        xp = array_namespace(x, y)
        if self.similarity == "cosine":
            x, y = unit_rows(x), unit_rows(y)
        added = None
        if where is not None or not settings.is_zero(bias):
            added = bias + xp.sum(y[:, :0], axis=1)
            added = added if where is None else special.where(where, added, float("-inf"))
        return Projection(x / settings.at_least_tiny(self.temperature, x), y, places(x), added, ids)


@register("InfoNCE", "info_nce_loss", alias("n_pairs", "npairs_loss", temperature=1.0, similarity="dot"))
@dataclass(frozen=True, kw_only=True)
class InfoNce(_Contrastive):
    r"""Cross entropy of telling a query's own key from those of all other queries of the batch.

    .. math:: l_i = -\log \frac{\exp(s_{ii})}{\sum_j \exp(s_{ij})};
        \quad s_{ij} = \cos(\mathrm{queries}_i, \mathrm{keys}_j) / \mathrm{temperature}

    Parameters
    ----------
    temperature : float, default 0.1
        What similarities are divided by, above 0: the smaller, the more the nearest keys count.
    similarity : {"cosine", "dot"}, default "cosine"
        Of a query and a key. With "dot", vectors of any length are compared by their product.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    queries, keys : array, shape (N, D)
        Floating embeddings; the key of a query stands in the same row.

    See Also
    --------
    clip_contrastive : In both directions.
    supervised_contrastive : With labels.
    nt_xent : Of two views in one array.

    Notes
    -----
    An item is a query. All items are coupled, so the loss of a batch is not the mean of those of its parts. A pair that
    `where` leaves out is no other query's rival either, as if it had not been in the batch.

    It is of one direction; `clip_contrastive` is the mean of both. Without cosines, at a temperature of 1, it is the
    multi-class N-pair loss (Sohn, 2016): ``al.get("n_pairs")``.

    Beyond 2,048 pairs, value and gradients are computed in chunks of queries, without an array of all similarities, on
    NumPy, CuPy, PyTorch and JAX. JAX then refuses forward mode; on PyTorch, ``torch.func``, ``torch.compile`` and
    second derivatives hold all similarities.

    References
    ----------
    van den Oord, Li and Vinyals, Representation learning with contrastive predictive coding (2018).
    https://arxiv.org/abs/1807.03748

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> queries, keys = np.asarray([[1.0, 0.0], [0.0, 2.0]]), np.asarray([[3.0, 0.0], [0.0, 1.0]])
    >>> round(float(al.info_nce(queries, keys, temperature=1.0)), 6)
    0.313262
    """

    arrays = "queries[N, D]: real, keys[N, D]: real -> [N] coupled"

    projected: ClassVar[CrossEntropy] = CrossEntropy()

    # -log softmax(queries keysᵀ / temperature) on the diagonal
    def projections(self, queries: Array, keys: Array, where: Array | None = None) -> tuple[Projection, ...]:
        return (self._compared(queries, keys, where),)


@register(alias("ClipLoss", temperature=0.07))
@dataclass(frozen=True, kw_only=True)
class ClipContrastive(_Contrastive):
    r"""Mean of `info_nce` in both directions: for pairs of two kinds, such as images and their captions.

    .. math:: l_i = -\frac{1}{2} \left( \log \frac{\exp(s_{ii})}{\sum_j \exp(s_{ij})} + \log \frac{\exp(s_{ii})}{\sum_j
        \exp(s_{ji})} \right);
        \quad s_{ij} = \cos(\mathrm{first}_i, \mathrm{second}_j) / \mathrm{temperature}

    Parameters
    ----------
    temperature : float, default 0.1
        What similarities are divided by, above 0. CLIP learns its inverse, from 1 / 0.07 on: it may be an array, which
        then has a gradient where the library has one.
    similarity : {"cosine", "dot"}, default "cosine"
        Of two embeddings. With "dot", vectors of any length are compared by their product.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    first, second : array, shape (N, D)
        Floating embeddings; those of a pair stand in the same row.

    See Also
    --------
    info_nce : In one direction.
    siglip : Without a softmax, for large batches.

    Notes
    -----
    An item is a pair. A pair that `where` leaves out is no other's rival either. Large batches are computed in chunks,
    as by `info_nce`.

    References
    ----------
    Radford et al., Learning transferable visual models from natural language supervision (2021).
    https://arxiv.org/abs/2103.00020

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> images, captions = np.asarray([[1.0, 0.0], [0.0, 2.0]]), np.asarray([[3.0, 0.0], [3.0, 4.0]])
    >>> round(float(al.clip_contrastive(images, captions, temperature=1.0)), 6)
    0.448879
    """

    arrays = "first[N, D]: real, second[N, D]: real -> [N] coupled"

    projected: ClassVar[CrossEntropy] = CrossEntropy()

    # The mean of -log softmax on the diagonal, along the rows and along the columns of the similarities
    def projections(self, first: Array, second: Array, where: Array | None = None) -> tuple[Projection, ...]:
        return self._compared(first, second, where), self._compared(second, first, where)


@dataclass(frozen=True, kw_only=True)
class _SigmoidOfRows(PureRowLoss):
    """Whether each score is that of the own column, by the logistic loss, summed over a row."""

    arrays = "scores[..., C]: real, own[...]: class -> [...]"

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return False  # it has no use for `axis`

    # Σ_j log(1 + exp(-z_j s_j)) for z = 1 in the own column and -1 in all others
    def call(self, scores: Array, own: Array) -> Array:
        return reductions.reduce_sum(logistic.bernoulli_nll(scores, indexing.one_hot(scores, own, -1, 1.0)), -1)

    def value_and_derivatives(
        self, positions: tuple[int, ...], scores: Array, own: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        value, derivative = logistic.bernoulli_nll_and_derivative(scores, indexing.one_hot(scores, own, -1, 1.0))
        return reductions.reduce_sum(value, -1), (derivative,)


@register("SigLipLoss", "SigLIP")
@dataclass(frozen=True, kw_only=True)
class Siglip(_Contrastive):
    r"""Logistic loss of every pair of the batch, by whether it belongs together: no pair depends on a softmax over all.

    .. math:: l_i = \sum_j \log(1 + \exp(-z_{ij} (s_{ij} + \mathrm{bias})));
        \quad s_{ij} = \cos(\mathrm{first}_i, \mathrm{second}_j) / \mathrm{temperature}

    with z = 1 for i = j and -1 for all others.

    Parameters
    ----------
    temperature : float, default 0.1
        What similarities are divided by, above 0. SigLIP learns its inverse, from 10 on: it may be an array, which then
        has a gradient where the library has one.
    bias : float, default -10.0
        What is added to the scores, which SigLIP learns too: most pairs do not belong together.
    similarity : {"cosine", "dot"}, default "cosine"
        Of two embeddings. With "dot", vectors of any length are compared by their product.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    first, second : array, shape (N, D)
        Floating embeddings; those of a pair stand in the same row.

    See Also
    --------
    clip_contrastive : With a softmax over the batch.

    Notes
    -----
    An item is a row of `first`, compared with all rows of `second`: the mean is divided by N, and not by the number of
    comparisons, as in the paper. A pair that `where` leaves out is compared with no other. Large batches are computed
    in chunks, as by `info_nce`.

    References
    ----------
    Zhai et al., Sigmoid loss for language image pre-training (2023). https://arxiv.org/abs/2303.15343

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> images, captions = np.asarray([[1.0, 0.0], [0.0, 2.0]]), np.asarray([[3.0, 0.0], [3.0, 4.0]])
    >>> round(float(al.siglip(images, captions, temperature=1.0, bias=0.0)), 6)
    1.207499
    """

    arrays = "first[N, D]: real, second[N, D]: real -> [N] coupled"

    bias: Real = -10.0

    projected: ClassVar[_SigmoidOfRows] = _SigmoidOfRows()

    def __post_init__(self) -> None:
        super().__post_init__()
        require_finite(bias=self.bias)

    # The logistic loss of each score, summed over the rows
    def projections(self, first: Array, second: Array, where: Array | None = None) -> tuple[Projection, ...]:
        return (self._compared(first, second, where, bias=self.bias),)


@dataclass(frozen=True, kw_only=True)
class _OfIds(PureRowLoss):
    """A loss of the scores of an anchor, whose own column is left out, by the ids of the columns."""

    arrays = "scores[..., C]: real, own[...]: class, ids[C]: id -> [...]"

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return False  # it has no use for `axis`

    def _pairs(self, scores: Array, own: Array, ids: Array) -> tuple[Array, Array, Array, Array]:
        """Where the own column is, and those of the anchor's id; the other ones of its id, and how many, at least 1."""
        xp = array_namespace(scores)
        itself = indexing.one_hot_mask(indexing.expand_dims(own, -1), scores, -1)
        same = indexing.take(ids, own)[:, None] == ids[None, :]
        left_out = xp.logical_or(itself, scores == float("-inf"))
        positive = xp.logical_and(same, xp.logical_not(left_out))
        count = xp.sum(xp.astype(positive, scores.dtype), axis=-1)
        return itself, same, positive, special.clip(count, 1.0)


@dataclass(frozen=True, kw_only=True)
class _NtXentOfRows(_OfIds):
    """The mean over the positives p of -log(exp(s_p) / (exp(s_p) + Σ_n exp(s_n))), with the negatives n."""

    # With L = log Σ_n exp(s_n), the mean of log(1 + exp(L - s_p))
    def call(self, scores: Array, own: Array, ids: Array) -> Array:
        _, gap, count = self._gaps(scores, own, ids)[1:]
        return reductions.reduce_sum(special.softplus(gap), -1) / count

    def _gaps(self, scores: Array, own: Array, ids: Array) -> tuple[Array, Array, Array, Array]:
        _, same, positive, count = self._pairs(scores, own, ids)
        negatives = special.where(same, float("-inf"), scores)
        total = indexing.expand_dims(special.logsumexp(negatives, -1), -1)
        # Without negatives it is as low as costs nothing, and finite: a score that is left out is -infinity itself.
        total = special.where(total == float("-inf"), -0.5 * elementwise.finfo(total).max, total)
        return negatives, total, special.where(positive, total - scores, float("-inf")), count

    # By a positive -sigmoid(L - s_p) / P, by a negative its share of exp(L) times minus the sum of these
    def value_and_derivatives(
        self, positions: tuple[int, ...], scores: Array, own: Array, ids: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        xp = array_namespace(scores)
        negatives, total, gap, count = self._gaps(scores, own, ids)
        share = special.sigmoid(gap) / indexing.expand_dims(count, -1)
        p = xp.exp(negatives - total)
        derivative = p * xp.sum(share, axis=-1, keepdims=True) - share
        return reductions.reduce_sum(special.softplus(gap), -1) / count, (derivative,)


@register(alias("ntxent", "NTXentLoss", temperature=0.07))
@dataclass(frozen=True, kw_only=True)
class NtXent(_Contrastive):
    r"""Cross entropy of telling each embedding's positives from its negatives, one positive at a time: SimCLR's loss.

    .. math:: l_i = -\frac{1}{|P_i|} \sum_{p \in P_i} \log \frac{\exp(s_{ip})}{\exp(s_{ip}) + \sum_{n \in N_i}
        \exp(s_{in})};
        \quad s_{ij} = \cos(\mathrm{embeddings}_i, \mathrm{embeddings}_j) / \mathrm{temperature}

    with the positives P, which are the other embeddings of the same label, and the negatives N, those of other labels.

    Parameters
    ----------
    temperature : float, default 0.1
        What similarities are divided by, above 0: the smaller, the more the nearest negatives count.
    similarity : {"cosine", "dot"}, default "cosine"
        Of two embeddings. With "dot", vectors of any length are compared by their product.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    embeddings : array, shape (N, D)
        Floating.
    labels : array, shape (N,)
        Integers of any value: equal ones belong together. The two views of SimCLR are rows of one label.

    See Also
    --------
    supervised_contrastive : With labels of classes.
    vicreg : Without negatives.

    Notes
    -----
    An item is an embedding as anchor, which weighs in a sum or a mean as many as it has positives: the mean is over all
    positive pairs, as in Optax and pytorch-metric-learning, whose temperature is 0.07; one without a positive
    counts for nothing, though it is a negative of others. The other positives of an anchor are not in the denominator,
    as they are in `supervised_contrastive`; with two views a label, the two losses are one.

    What `where` leaves out is neither anchor nor compared with any. Large batches are computed in chunks, as by
    `info_nce`.

    References
    ----------
    Chen et al., A simple framework for contrastive learning of visual representations (2020).
    https://arxiv.org/abs/2002.05709

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> first, second = np.asarray([[1.0, 0.0], [0.0, 2.0]]), np.asarray([[3.0, 0.0], [3.0, 4.0]])
    >>> views, labels = np.concatenate([first, second]), np.asarray([0, 1, 0, 1])
    >>> round(float(al.nt_xent(views, labels, temperature=1.0)), 6)
    0.758774
    """

    arrays = "embeddings[N, D]: real, labels[N]: id -> [N] coupled"

    projected: ClassVar[_NtXentOfRows] = _NtXentOfRows()

    # Of the similarities of all embeddings, by which of them have one label
    def projections(self, embeddings: Array, labels: Array, where: Array | None = None) -> tuple[Projection, ...]:
        return (self._compared(embeddings, embeddings, where, labels),)

    def item_weight(self, embeddings: Array, labels: Array, where: Array | None = None) -> Array:
        """The number of positives."""
        return counts_of_ids(labels, where)[0]


@dataclass(frozen=True, kw_only=True)
class _SupervisedOfRows(_OfIds):
    """The cross entropy of the scores but the own one, with equal shares of the positives as the target."""

    # log Σ_a exp(s_a) - the mean of the positives' s_p. An anchor without any keeps its own score, and has no target.
    def call(self, scores: Array, own: Array, ids: Array) -> Array:
        return softmax.cross_entropy(*self._with_target(scores, own, ids), -1)

    def _with_target(self, scores: Array, own: Array, ids: Array) -> tuple[Array, Array]:
        xp = array_namespace(scores)
        itself, _, positive, count = self._pairs(scores, own, ids)
        left_out = xp.logical_and(itself, xp.any(positive, axis=-1, keepdims=True))
        target = xp.astype(positive, scores.dtype) / indexing.expand_dims(count, -1)
        return special.where(left_out, float("-inf"), scores), target

    def value_and_derivatives(
        self, positions: tuple[int, ...], scores: Array, own: Array, ids: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        value, derivative = softmax.cross_entropy_and_derivative(*self._with_target(scores, own, ids), -1)
        return value, (derivative,)


@register("SupConLoss")
@dataclass(frozen=True, kw_only=True)
class SupervisedContrastive(_Contrastive):
    r"""Cross entropy of telling each embedding's positives, all at once, from the whole batch: with labels of classes.

    .. math:: l_i = -\frac{1}{|P_i|} \sum_{p \in P_i} \log \frac{\exp(s_{ip})}{\sum_{a \ne i} \exp(s_{ia})};
        \quad s_{ij} = \cos(\mathrm{embeddings}_i, \mathrm{embeddings}_j) / \mathrm{temperature}

    with the positives P, which are the other embeddings of the same label.

    Parameters
    ----------
    temperature : float, default 0.1
        What similarities are divided by, above 0: the smaller, the more the nearest embeddings count.
    similarity : {"cosine", "dot"}, default "cosine"
        Of two embeddings. With "dot", vectors of any length are compared by their product.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    embeddings : array, shape (N, D)
        Floating.
    labels : array, shape (N,)
        Integers of any value: equal ones belong together.

    See Also
    --------
    nt_xent : Without labels of classes.
    multi_similarity : With thresholds.
    cross_entropy : For the classes themselves.

    Notes
    -----
    An item is an embedding as anchor, and all count alike, however many positives they have; one without a positive is
    left out of the mean, though it is compared with others. It is the paper's loss with the sum outside of the
    logarithm. The authors' code multiplies it by temperature / 0.07.

    What `where` leaves out is neither anchor nor compared with any. Large batches are computed in chunks, as by
    `info_nce`.

    References
    ----------
    Khosla et al., Supervised contrastive learning (2020). https://arxiv.org/abs/2004.11362

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings = np.asarray([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0], [3.0, 4.0]])
    >>> round(float(al.supervised_contrastive(embeddings, np.asarray([0, 0, 0, 1]), temperature=1.0)), 6)
    1.288427
    """

    arrays = "embeddings[N, D]: real, labels[N]: id -> [N] coupled"

    projected: ClassVar[_SupervisedOfRows] = _SupervisedOfRows()

    # Of the similarities of all embeddings, by which of them have one label
    def projections(self, embeddings: Array, labels: Array, where: Array | None = None) -> tuple[Projection, ...]:
        return (self._compared(embeddings, embeddings, where, labels),)

    def item_weight(self, embeddings: Array, labels: Array, where: Array | None = None) -> Array:
        """1 for an anchor that has a positive."""
        return counts_of_ids(labels, where)[0] > 0
