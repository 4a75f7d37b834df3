"""What the losses of an overlap share: the counts of places that are predicted and that are true."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, TypeAlias

from .. import special
from .._array_api import Array, Real, array_namespace, dtype_kind
from ..arguments import require_choice, require_finite, require_nonnegative
from ..numerics import indexing, logistic, softmax
from ._regions import RegionLoss, mean_of_classes, overlap_loss, quotient

__all__ = ["Counts", "OverlapLoss", "SmoothedOverlapLoss", "share_slopes", "tversky", "tversky_slopes"]

Slopes: TypeAlias = tuple[Array, Array]
"""The derivatives of a class's loss by its probability, at a place that is true and at another one: that by the true
positives less that by the false negatives, and that by the false positives less that by the true negatives."""


class Counts:
    """The places of each class by what is predicted and what is true, as sums of probabilities: (..., C) for images.

    No digit is lost to a difference: a good prediction has few errors, which are sums of small numbers.
    """

    true_positive: Array
    false_positive: Array
    false_negative: Array

    def __init__(self, loss: OverlapLoss, logits: Array, axis: int) -> None:
        self.weight = loss.weight_of_classes(logits, axis)
        self._loss, self._axis, self._ndim = loss, axis, logits.ndim
        self._summed = loss.item_axes(axis)

    @functools.cached_property
    def true_negative(self) -> Array:
        raise TypeError(f"{type(self).__name__} must define `true_negative`")

    @functools.cached_property
    def positive(self) -> Array:
        """How many places are true."""
        raise TypeError(f"{type(self).__name__} must define `positive`")

    @functools.cached_property
    def negative(self) -> Array:
        raise TypeError(f"{type(self).__name__} must define `negative`")

    def derivative(self, slopes: Slopes) -> Array:
        """Return the derivative by the logits, or by the probabilities where these are given."""
        raise TypeError(f"{type(self).__name__} must define `derivative`")

    def _sum(self, x: Array) -> Array:
        xp = array_namespace(x)
        places = tuple([k for k in range(x.ndim) if k not in self._summed])
        total = xp.sum(x, axis=places) if places else x
        return total if self._is_in_order else xp.matrix_transpose(total)

    def _spread(self, x: Array) -> Array:
        """A number of each sum, which broadcasts to what is summed."""
        x = x if self._is_in_order else array_namespace(x).matrix_transpose(x)
        return x[tuple([slice(None) if k in self._summed else None for k in range(self._ndim)])]

    @property
    def _is_in_order(self) -> bool:
        return self._summed == tuple(sorted(self._summed))


class _CountsOfLabels(Counts):
    """Those of logits of classes that exclude each other, and of integer labels."""

    def __init__(self, loss: OverlapLoss, logits: Array, labels: Array, where: Array | None) -> None:
        xp = array_namespace(logits, labels)
        super().__init__(loss, logits, loss.axis % logits.ndim)
        found = softmax.probabilities_beside_label(logits, labels, self._axis)
        kept = xp.ones_like(found[1])
        if where is not None:
            kept = xp.astype(where, logits.dtype)
            found = found[0] * indexing.expand_dims(kept, self._axis), found[1] * kept, found[2] * kept
        self._rest, self._label, self._complement = found
        self._labels, self._kept = labels, kept
        self.true_positive = self._by_label(self._label)
        self.false_positive = self._sum(self._rest)
        self.false_negative = self._by_label(self._complement)

    # 1 - p of the classes that are not the label, where the sum of the others stands for it if p is above 1/2
    @functools.cached_property
    def true_negative(self) -> Array:
        xp, axis = array_namespace(self._rest), self._axis
        leads = self._rest > 0.5
        others = xp.sum(special.where(leads, 0.0, self._rest), axis=axis) + self._label
        q = special.where(leads, indexing.expand_dims(others, axis), 1.0 - self._rest)
        return self._sum(indexing.clear(q, self._labels, axis) * indexing.expand_dims(self._kept, axis))

    @functools.cached_property
    def positive(self) -> Array:
        return self._by_label(self._kept)

    @functools.cached_property
    def negative(self) -> Array:
        return self._sum(indexing.expand_dims(self._kept, self._axis)) - self.positive

    def derivative(self, slopes: Slopes) -> Array:
        of_label, of_rest = [self._spread(x) for x in slopes]
        of_label = indexing.gather(of_label, self._labels, self._axis)
        found = self._rest, self._label, self._complement
        return softmax.pullback_beside_label(*found, self._labels, of_rest, of_label, self._axis)

    def _by_label(self, of_places: Array) -> Array:
        sums = indexing.sum_by_index(of_places, self._labels, self._rest, self._axis)
        return sums if self._loss.per_image else array_namespace(sums).sum(sums, axis=0)


class _CountsOfTargets(Counts):
    """Those of a target of any kind, place by place."""

    def __init__(self, loss: OverlapLoss, logits: Array, labels: Array, where: Array | None) -> None:
        xp = array_namespace(logits, labels)
        if loss.mode == "binary":
            axis = logits.ndim
            logits = indexing.expand_dims(logits, axis)
            labels = indexing.expand_dims(xp.astype(labels, logits.dtype), axis)
        else:
            axis = loss.axis % logits.ndim
        super().__init__(loss, logits, axis)
        self._p, self._q = self._probabilities(logits)
        target = indexing.one_hot(logits, labels, axis, 1.0) if dtype_kind(labels.dtype) == "int" else labels
        self._true, self._false = target, 1.0 - target
        if where is not None:
            kept = xp.astype(indexing.expand_dims(where, axis), logits.dtype)
            self._true, self._false = self._true * kept, self._false * kept
        self.true_positive = self._sum(self._p * self._true)
        self.false_positive = self._sum(self._p * self._false)
        self.false_negative = self._sum(self._q * self._true)

    def _probabilities(self, logits: Array) -> tuple[Array, Array]:
        """p and 1 - p."""
        if not self._loss.from_logits:
            return logits, 1.0 - logits
        if self._loss.mode == "multiclass":
            return softmax.nll_and_probabilities(logits, self._axis)[1:]
        return logistic.sigmoid_and_complement(logits)

    @functools.cached_property
    def true_negative(self) -> Array:
        return self._sum(self._q * self._false)

    @functools.cached_property
    def positive(self) -> Array:
        return self._sum(self._true)

    @functools.cached_property
    def negative(self) -> Array:
        return self._sum(self._false)

    def derivative(self, slopes: Slopes) -> Array:
        at_true, at_false = [self._spread(x) for x in slopes]
        found = self._true * at_true + self._false * at_false
        if self._loss.from_logits:
            is_softmax = self._loss.mode == "multiclass"
            found = softmax.pullback(self._p, found, self._axis) if is_softmax else self._p * self._q * found
        return found[..., 0] if self._loss.mode == "binary" else found


@dataclass(frozen=True, kw_only=True)
class OverlapLoss(RegionLoss):
    """What the losses of counts share: logits or probabilities of classes that exclude each other or not, or of one."""

    mode: str = "multiclass"

    arrays = (
        "(logits[N, ...]: real if from_logits else probability, "
        "labels[N, ...]: class of 2 or labels[N, ...]: probability) if mode is binary else "
        "(logits[N, ..., C]: real if from_logits else (probability if mode is multilabel else distribution), "
        "labels[N, ...]: class or labels[N, ..., C]: probability if mode is multilabel else distribution), "
        "where[N, ...] -> [N] if per_image else []"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(("multiclass", "multilabel", "binary"), mode=self.mode)
        if self.mode == "binary" and not self.include_background:
            raise ValueError("`include_background` must be True with mode='binary', whose one class is the foreground")

    def class_axis(self) -> int | None:
        return None if self.mode == "binary" else self.axis

    def call(self, logits: Array, labels: Array, where: Array | None = None) -> Array:
        return self._of_classes(self._counts(logits, labels, where))

    def value_and_derivatives(
        self, positions: tuple[int, ...], logits: Array, labels: Array, where: Array | None = None
    ) -> tuple[Array, tuple[Array, ...]]:
        counts = self._counts(logits, labels, where)
        return self._of_classes(counts), (counts.derivative(self._slopes_of_classes(counts)),)

    def _counts(self, logits: Array, labels: Array, where: Array | None) -> Counts:
        of_labels = self.mode == "multiclass" and self.from_logits and dtype_kind(labels.dtype) == "int"
        return (_CountsOfLabels if of_labels else _CountsOfTargets)(self, logits, labels, where)

    def _of_classes(self, counts: Counts) -> Array:
        """The loss of each item, from what is counted of its classes."""
        return mean_of_classes(self._of_counts(counts), counts.weight)

    def _slopes_of_classes(self, counts: Counts) -> Slopes:
        """Its slopes by the probabilities of each class."""
        xp = array_namespace(counts.weight)
        share = quotient(counts.weight, xp.sum(counts.weight, axis=-1, keepdims=True))
        at_true, at_false = self._slopes(counts)
        return share * at_true, share * at_false

    def _of_counts(self, counts: Counts) -> Array:
        """The loss of each class."""
        raise TypeError(f"{type(self).__name__} must define `_of_counts`")

    def _slopes(self, counts: Counts) -> Slopes:
        """Its slopes."""
        raise TypeError(f"{type(self).__name__} must define `_slopes`")


@dataclass(frozen=True, kw_only=True)
class SmoothedOverlapLoss(OverlapLoss):
    """Those of a quotient of counts, to which a number is added."""

    smooth: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(smooth=self.smooth)
        require_finite(smooth=self.smooth)


# With errors E = alpha FP + beta FN and hits H = TP + smooth it is E / (H + E).
def tversky(counts: Counts, alpha: Any, beta: Any, smooth: Any) -> Array:
    """One minus the Tversky index."""
    return overlap_loss(counts.true_positive, counts.false_positive, counts.false_negative, alpha, beta, smooth)


def tversky_slopes(counts: Counts, alpha: Any, beta: Any, smooth: Any) -> Slopes:
    """The slopes of one minus the Tversky index."""
    errors = alpha * counts.false_positive + beta * counts.false_negative
    by_hit, by_error = share_slopes(counts.true_positive + smooth, errors)
    return by_hit - beta * by_error, alpha * by_error


# By H it is -E / (H + E)², and by E it is H / (H + E)².
def share_slopes(hits: Array, errors: Array) -> Slopes:
    """The derivatives of E / (H + E), those of E where both are 0."""
    size = hits + errors
    none = size == 0
    size = special.where(none, 1.0, size)
    return -(errors / size / size), special.where(none, 1.0, hits / size) / size
