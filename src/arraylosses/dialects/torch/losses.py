"""Losses as PyTorch computes them, where it guards a logarithm or a distance in its own way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ... import special
from ..._array_api import NUMBERS, Array, Real, array_namespace, holds_values
from ..._values import least_and_most, lie_within
from ...arguments import require_nonnegative, require_range
from ...losses._base import PureLoss, PureRowLoss
from ...losses.binary import BinaryCrossEntropy
from ...losses.embedding import TripletMargin
from ...losses.likelihood import GaussianNll
from ...losses.margin import _shortfalls
from ...numerics import indexing, logarithms, norms
from ...registry import register

__all__ = ["BCELoss", "TripletMarginLoss"]


def require_within(most: float, **arrays: Array) -> None:
    """Refuse a number that is not from 0 to `most`, in arrays that can be looked at."""
    for name, x in arrays.items():
        if 0 in x.shape or not holds_values(x):
            continue
        lowest, highest = least_and_most(x)
        if lowest < 0 or highest > most:  # and not where there is NaN
            bounds = f"from 0 to {most:g}" if most < math.inf else "of at least 0"
            raise ValueError(f"`{name}` must hold numbers {bounds}, got {lowest if lowest < 0 else highest}")


@dataclass(frozen=True, kw_only=True)
class ElementKl(PureLoss):
    """A term of the Kullback-Leibler divergence, where torch has one loss an element and not one a row."""

    log_target: bool = False

    arrays = "input[...]: real, target[...]: real if log_target else nonnegative -> [...]"

    # t (log t - input), with 0 log 0 = 0
    def call(self, input: Array, target: Array) -> Array:
        if not self.log_target:
            return special.xlogy(target, target) - target * input
        mass = array_namespace(input, target).exp(target)
        return mass * (special.where(mass == 0, 0.0, target) - input)


@dataclass(frozen=True, kw_only=True)
class ListedMultilabelMargin(PureRowLoss):
    """`multilabel_margin` of a list of classes, which ends at -1, and in which a class may stand more than once."""

    compares_pairs = True

    arrays = "input[..., C]: real, target[..., C]: id -> [...]"

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return False  # it has no use for `axis`

    # Σ_j n_j Σ_k (n_k = 0) max(0, 1 + z_k - z_j) / C, where class j stands n_j times in the list
    def call(self, input: Array, target: Array) -> Array:
        xp = array_namespace(input, target)
        counts = listed(input, target)
        pairs = counts[..., :, None] * xp.astype(counts == 0, counts.dtype)[..., None, :]
        return xp.mean(xp.sum(pairs * _shortfalls(input, -1, 1.0), axis=-1), axis=-1)


def listed(input: Array, target: Array) -> Array:
    """How often each class stands in a list that ends at -1; NaN where one of the list is no class."""
    xp = array_namespace(input, target)
    places = indexing.places(target, target.shape[-1], target.dtype)
    # A place is in the list if no place up to it holds -1.
    ends = xp.logical_and(target[..., None, :] < 0, places[None, :] <= places[:, None])
    kept = xp.logical_not(xp.any(ends, axis=-1))
    is_named = xp.logical_and(target[..., :, None] == places, kept[..., :, None])
    counts = xp.sum(xp.astype(is_named, input.dtype), axis=-2)
    invalid = xp.any(xp.logical_and(kept, target >= target.shape[-1]), axis=-1)
    return special.where(invalid[..., None], float("nan"), counts)


@register
@dataclass(frozen=True, kw_only=True)
class BCELoss(BinaryCrossEntropy):
    r"""Binary cross entropy as PyTorch's BCELoss has it: of probabilities, whose logarithms are at least -100.

    .. math:: l = -\mathrm{target} \max(\log \mathrm{prediction}, \mathrm{log\_floor}) - (1 - \mathrm{target})
        \max(\log(1 - \mathrm{prediction}), \mathrm{log\_floor})

    Parameters
    ----------
    log_floor : float, default -100.0
        What a smaller log-probability counts as; below 0.
    from_logits : bool, default False
        Whether `prediction` holds logits. The loss is then `binary_cross_entropy`, PyTorch's BCEWithLogitsLoss.
    pos_weight : float or array that broadcasts to `prediction`, optional
        What the positive class counts; PyTorch has it for logits only.
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is replaced by 1/2; PyTorch lacks it.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array
        Floating probabilities, or with ``from_logits=True`` logits.
    target : array
        0 or 1, or a probability, of the shape of `prediction`. An integer or bool target is converted.

    Notes
    -----
    The derivative is that of the formula: a logarithm that the floor holds adds nothing to it. PyTorch's is 1e12 times
    the error there, which is as large as it lets 1 / p become.

    References
    ----------
    PyTorch, BCELoss. https://pytorch.org/docs/stable/generated/torch.nn.BCELoss.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.get("BCELoss")(np.asarray([0.0, 1.0]), np.asarray([1, 1])))
    50.0
    """

    from_logits: bool = False
    log_floor: Real = -100.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(-math.inf, 0, ends=False, log_floor=self.log_floor)

    in_torch, once_in_torch = BinaryCrossEntropy.in_torch, BinaryCrossEntropy.once_in_torch

    def _least_in_torch(self) -> float:
        in_range = super()._least_in_torch()
        return max(in_range, math.exp(self.log_floor)) if isinstance(self.log_floor, NUMBERS) else math.inf

    def _costs(self, prediction: Array, yes: Array, no: Array) -> tuple[Array, Array]:
        p, q = self._pair(prediction)
        none = q == 0
        log_q = special.clip(-logarithms.log1p(p / special.where(none, 1.0, q)), self.log_floor)
        return -logarithms.log_at_least(p, self.log_floor), -special.where(none, self.log_floor, log_q)

    def _slope(self, prediction: Array, yes: Array, no: Array) -> Array:
        return super()._slope(prediction, *self._above_floor(prediction, yes, no))

    def _bend(self, prediction: Array, yes: Array, no: Array) -> Array:
        return super()._bend(prediction, *self._above_floor(prediction, yes, no))

    def _above_floor(self, prediction: Array, yes: Array, no: Array) -> tuple[Array, Array]:
        """What -log p and -log(1 - p) count, where the floor does not hold them."""
        xp = array_namespace(prediction)
        p, q = self._pair(prediction)
        least = (math if isinstance(self.log_floor, NUMBERS) else array_namespace(self.log_floor)).exp(self.log_floor)
        never, always = xp.logical_or(p == 0, p < least), xp.logical_or(q == 0, q < least)
        return special.where(never, 0.0, yes), special.where(always, 0.0, no)


# Values are looked at where they are used: of a large array they are in the cache then.


@dataclass(frozen=True, kw_only=True)
class CheckedBinaryCrossEntropy(BCELoss):
    """`BCELoss` of probabilities, which refuses what is none, as torch does on the CPU."""

    in_torch, once_in_torch = BinaryCrossEntropy.in_torch, BinaryCrossEntropy.once_in_torch

    def _costs(self, prediction: Array, yes: Array, no: Array) -> tuple[Array, Array]:
        if not (lie_within(prediction, 1.0) and lie_within(yes, 1.0)):
            require_within(1.0, input=prediction, target=yes)
        return super()._costs(prediction, yes, no)


@dataclass(frozen=True, kw_only=True)
class CheckedGaussianNll(GaussianNll):
    """`gaussian_nll`, which refuses a variance below 0, as torch does on the CPU."""

    def _log_and_ratio(self, error: Array, spread: Array) -> tuple[Array, Array]:
        if not lie_within(spread, math.inf):
            require_within(math.inf, var=spread)
        return super()._log_and_ratio(error, spread)


@register
@dataclass(frozen=True, kw_only=True)
class TripletMarginLoss(TripletMargin):
    r"""Triplet margin loss as PyTorch has it: epsilon is added to each difference of coordinates.

    .. math:: l = \max(0, \mathrm{margin} + \|\mathrm{anchor} - \mathrm{positive} + \epsilon\|_p - \|\mathrm{anchor} -
        \mathrm{negative} + \epsilon\|_p)

    Parameters
    ----------
    margin : float, default 1.0
        The difference of distances that is asked for; at least 0.
    p : float, default 2.0
        Order of the norm, above 0; infinity is the largest difference.
    swap : bool, default False
        Measure the negative from the positive where that is nearer than from the anchor.
    epsilon : float, default 1e-6
        What is added to each difference; at least 0. So equal vectors are epsilon √D apart.
    axis : int, default -1
        The feature axis.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    anchor, positive, negative : array, shape (..., D)
        Floating vectors along `axis`, of one shape. A vector alone, (D,), is one item.

    References
    ----------
    PyTorch, TripletMarginLoss. https://pytorch.org/docs/stable/generated/torch.nn.TripletMarginLoss.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> anchor, positive, negative = np.zeros((1, 2)), np.asarray([[3.0, 4.0]]), np.asarray([[0.0, 5.5]])
    >>> round(float(al.get("TripletMarginLoss")(anchor, positive, negative)), 7)
    0.4999996
    """

    epsilon: Real = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(epsilon=self.epsilon)

    def _distance(self, x: Array, y: Array) -> norms.Distance:
        return norms.Distance(x, y, self.row_axis(x), self._order(), self.epsilon)

    def _distance_in_torch(self, torch: Any, x: Array, y: Array) -> Array | None:
        return norms.norm_in_torch(torch, x - y + self.epsilon, self.row_axis(x))

    in_torch = TripletMargin.in_torch
