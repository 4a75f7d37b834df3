"""Losses of classes that have an order, in which a near class is a smaller mistake than a far one."""

from __future__ import annotations

from dataclasses import dataclass

from .. import special
from .._array_api import Array, array_namespace
from ..arguments import require_one_of_type
from ..numerics import indexing, logarithms, logistic, reductions, softmax
from ..registry import register
from ._base import PureRowLoss, along
from .multiclass import _DistributionLoss

__all__ = ["Corn", "CumulativeLogit", "Wasserstein1D"]


@register("earth_mover_distance", "emd")
@dataclass(frozen=True, kw_only=True)
class Wasserstein1D(_DistributionLoss):
    r"""Earth mover's distance of ordered classes: how much probability has to be moved, and how many classes far.

    .. math:: l = \sum_k \Big| \sum_{c \le k} p_c - \mathrm{target}_c \Big|; \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    squared : bool, default False
        Whether the differences are squared instead, which is smooth and punishes a far class more.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise probabilities.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is spread evenly over all classes.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (..., C)
        Floating, with the classes along `axis` in their order: logits, or with ``from_logits=False`` probabilities. A
        row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class.

    See Also
    --------
    cumulative_logit : A likelihood.
    cross_entropy : Where all mistakes are alike.

    Notes
    -----
    The distance of neighbours is 1, and nothing is divided by the number of classes. Of a label it is the expected
    number of classes that the prediction is away from it.

    Where the target's sum is above 1/2, both sums are those of the classes above k, which is the same for distributions
    and keeps more digits. A derivative by probabilities, of either array, is therefore one along distributions: it may
    differ from that of the formula by a number that is the same for all classes of an item.

    References
    ----------
    Hou, Yu and Samaras, Squared earth mover's distance-based loss for training deep neural networks (2016).
    https://arxiv.org/abs/1611.05916

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p = np.asarray([[0.5, 0.25, 0.25]])
    >>> float(al.wasserstein_1d(p, np.asarray([0]), from_logits=False))
    0.75
    """

    squared: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, squared=self.squared)

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return True

    # Σ |F - G| for the cumulative sums F of p and G of t. Where G is above 1/2, they are taken from the other end, at
    # which a row that is all but certain keeps its digits.
    def call(self, logits: Array, labels: Array) -> Array:
        axis = self.row_axis(logits)
        p = softmax.nll_and_probabilities(logits, axis)[1] if self.from_logits else logits
        p, target = (indexing.move_axis(x, axis, -1) for x in (p, self._smoothed(logits, labels, axis)))
        xp = array_namespace(p, target)
        up, up_target = (reductions.cumulative_sum(x, -1)[..., :-1] for x in (p, target))
        down, down_target = (
            xp.flip(reductions.cumulative_sum(xp.flip(x, axis=-1), -1), axis=-1)[..., 1:] for x in (p, target)
        )
        difference = special.where(up_target > 0.5, down - down_target, up - up_target)
        terms = difference * difference if self.squared else special.absolute(difference)
        return reductions.reduce_sum(terms, -1)


@register("proportional_odds")
@dataclass(frozen=True, kw_only=True)
class CumulativeLogit(PureRowLoss):
    r"""Negative log-likelihood of ordered classes between thresholds, by the model of proportional odds.

    .. math:: l = -\log(\sigma(\mathrm{logits}_{\mathrm{label}}) - \sigma(\mathrm{logits}_{\mathrm{label} - 1}));
        \quad \sigma(\mathrm{logits}_k) = P(\mathrm{label} \le k)

    Parameters
    ----------
    axis : int, default -1
        The axis of the thresholds. The one axis of a row alone is that axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (..., K)
        Floating: for each of K thresholds, in increasing order along `axis`, the logarithm of the odds that the class
        is not above it. A row alone, (K,), is one item.
    labels : array, shape (...)
        Integer labels in [0, K]: K thresholds part K + 1 classes.

    See Also
    --------
    corn : Without an order of the logits.
    cross_entropy : For classes without an order.

    Notes
    -----
    A model of proportional odds has one score an item and thresholds that are learned:
    ``cumulative_logit(thresholds - score[..., None], labels)``. Where the logits of two thresholds do not increase,
    the class between them has no probability, and its loss is infinite or NaN; thresholds whose steps are
    ``softplus(...)`` always do.

    References
    ----------
    McCullagh, Regression models for ordinal data (1980). https://doi.org/10.1111/j.2517-6161.1980.tb01109.x

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> thresholds, score = np.asarray([-1.0, 1.0]), np.asarray([0.0, 3.0])
    >>> al.cumulative_logit(thresholds - score[:, None], np.asarray([1, 2]), reduction="none").round(4).tolist()
    [0.7719, 0.1269]
    """

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return False  # no reduction

    arrays = "logits[..., K]: increasing, labels[...]: level of K -> [...]"

    # With a the logit of the threshold above the class, b that below, and s the sigmoid, -log(s(a) - s(b)) is
    # log(1 + exp(-a)) + log(1 + exp(b)) - log(1 - exp(b - a)), a sum of terms of at least 0.
    def call(self, logits: Array, labels: Array) -> Array:
        xp = array_namespace(logits, labels)
        axis = self.row_axis(logits)
        lowest, highest = labels == 0, labels == logits.shape[axis]
        above = indexing.gather(logits, xp.where(highest, labels - 1, labels), axis)
        below = indexing.gather(logits, xp.where(lowest, labels, labels - 1), axis)
        at_an_end = xp.logical_or(lowest, highest)
        between = -logarithms.log1mexp(special.where(at_an_end, -1.0, below - above))
        terms = [
            special.where(highest, 0.0, special.softplus(-above)),
            special.where(lowest, 0.0, special.softplus(below)),
            special.where(at_an_end, 0.0, between),
        ]
        return terms[0] + terms[1] + terms[2]


@register
@dataclass(frozen=True, kw_only=True)
class Corn(PureRowLoss):
    r"""Negative log-likelihood of ordered classes by the odds of going on to the next: no order of logits is needed.

    .. math:: l = \sum_{k < \mathrm{label}} -\log \sigma(\mathrm{logits}_k) - \log(1 -
        \sigma(\mathrm{logits}_{\mathrm{label}}));
        \quad \sigma(\mathrm{logits}_k) = P(\mathrm{label} > k \mid \mathrm{label} \ge k)

    Parameters
    ----------
    axis : int, default -1
        The axis of the thresholds. The one axis of a row alone is that axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (..., K)
        Floating: for each of K thresholds, along `axis`, the logarithm of the odds that the class is above it where it
        is not below. A row alone, (K,), is one item.
    labels : array, shape (...)
        Integer labels in [0, K]: K thresholds part K + 1 classes.

    See Also
    --------
    cumulative_logit : With logits in order.
    cross_entropy : For classes without an order.

    Notes
    -----
    The last class has no last term. An item's loss is the sum over the thresholds that it reaches, its negative
    log-likelihood; the authors' code divides the sum over a batch by the number of all these thresholds, and not by
    that of the items.

    References
    ----------
    Shi, Cao and Raschka, Deep neural networks for rank-consistent ordinal regression based on conditional probabilities
    (2023). https://arxiv.org/abs/2111.08851

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.corn(np.asarray([[0.0, 0.0], [1e4, -1e4]]), np.asarray([2, 1]), reduction="none").round(4).tolist()
    [1.3863, 0.0]
    """

    arrays = "logits[..., K]: real, labels[...]: level of K -> [...]"

    # Σ_{k <= label} of the binary cross entropy of whether the label is above k
    def call(self, logits: Array, labels: Array) -> Array:
        axis = self.row_axis(logits)
        passed, reached = self._thresholds(logits, labels, axis)
        terms = special.where(reached, logistic.bernoulli_nll(logits, passed), 0.0)
        return reductions.reduce_sum(terms, axis)

    # The sigmoid less whether the label is above, for the thresholds that it reaches
    def derivative(self, logits: Array, labels: Array) -> Array:
        passed, reached = self._thresholds(logits, labels, self.row_axis(logits))
        return special.where(reached, logistic.bernoulli_nll_derivative(logits, passed), 0.0)

    def second_derivative(self, logits: Array, labels: Array) -> Array:
        _, reached = self._thresholds(logits, labels, self.row_axis(logits))
        p, complement = logistic.sigmoid_and_complement(logits)
        return special.where(reached, p * complement, 0.0)

    def _thresholds(self, logits: Array, labels: Array, axis: int) -> tuple[Array, Array]:
        """1 where the label is above a threshold, else 0; and whether it is not below."""
        xp = array_namespace(logits, labels)
        places = indexing.places(labels, logits.shape[axis], labels.dtype)
        place, label = along(places, logits, axis), indexing.expand_dims(labels, axis)
        return xp.astype(place < label, logits.dtype), place <= label
