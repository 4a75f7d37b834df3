"""Losses of the overlap of two regions, over the places of an image or of a batch of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from .. import special
from .._array_api import Array, array_namespace, dtype_kind
from ..arguments import (
    require_choice,
    require_integer,
    require_nonnegative,
    require_one_of_type,
    require_per_class,
    require_positive,
)
from ..numerics import indexing, logistic, reductions, softmax, sorting
from ..registry import alias, register
from ._base import PureLoss, PureRowLoss, per_class

__all__ = ["Dice", "GeneralizedDice", "Jaccard", "LovaszHinge", "LovaszSoftmax", "Mcc", "Tversky"]


@dataclass(frozen=True, kw_only=True)
class _RegionLoss(PureRowLoss):
    """What the losses of a region for each class share: which places and which classes count."""

    class_settings: ClassVar[tuple[str, ...]] = ("class_weight",)

    per_image: bool = True
    class_weight: Any = None
    include_background: bool = True
    from_logits: bool = True
    ignore_index: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(
            bool,
            per_image=self.per_image,
            include_background=self.include_background,
            from_logits=self.from_logits,
        )
        if self.class_weight is not None:
            require_per_class(class_weight=self.class_weight)
        if self.ignore_index is not None:
            require_integer(ignore_index=self.ignore_index)

    def _item_axes(self, axis: int) -> tuple[int, ...]:
        """The axes of the logits that remain once all places are summed: the images' and the classes'."""
        return (0 if axis else 1, axis) if self.per_image else (axis,)

    def _weight(self, logits: Array, axis: int) -> Array:
        """One number a class, which broadcasts to those of each item."""
        others = (1.0,) * (logits.shape[axis] - 1)
        given = (1.0, *others) if self.class_weight is None else self.class_weight
        weight = per_class("class_weight", given, logits, axis)
        if not self.include_background:
            weight = weight * per_class("class_weight", (0.0, *others), logits, axis)
        return weight[None, :] if self.per_image else weight


def _quotient(x: Array, y: Array) -> Array:
    """x / y, and 0 where both are 0."""
    return x / special.where(y == 0, 1.0, y)


def _mean(losses: Array, weight: Array) -> Array:
    """Σ w l / Σ w over the classes, and 0 without any."""
    xp = array_namespace(losses, weight)
    return _quotient(xp.sum(weight * losses, axis=-1), xp.sum(weight, axis=-1))


class _Counts:
    """The places of each class by what is predicted and what is true, as sums of probabilities: (..., C) for images."""

    def __init__(self, loss: _OverlapLoss, logits: Array, labels: Array, where: Array | None) -> None:
        xp = array_namespace(logits, labels)
        if loss.mode == "binary":
            axis = logits.ndim
            logits = indexing.expand_dims(logits, axis)
            labels = indexing.expand_dims(xp.astype(labels, logits.dtype), axis)
        else:
            axis = loss.axis % logits.ndim
        self.weight = loss._weight(logits, axis)
        self._p, self._q = loss._probabilities(logits, axis)
        target = indexing.one_hot(logits, labels, axis, 1.0) if dtype_kind(labels.dtype) == "int" else labels
        self._true, self._false = target, 1.0 - target
        if where is not None:
            kept = xp.astype(indexing.expand_dims(where, axis), logits.dtype)
            self._true, self._false = self._true * kept, self._false * kept
        self._kept = loss._item_axes(axis)
        # No digit is lost to a difference: a good prediction has few errors, which are sums of small numbers.
        self.true_positive = self._sum(self._p * self._true)
        self.false_positive = self._sum(self._p * self._false)
        self.false_negative = self._sum(self._q * self._true)

    @property
    def true_negative(self) -> Array:
        return self._sum(self._q * self._false)

    @property
    def positive(self) -> Array:
        """How many places are true."""
        return self._sum(self._true)

    @property
    def negative(self) -> Array:
        return self._sum(self._false)

    def _sum(self, x: Array) -> Array:
        xp = array_namespace(x)
        places = tuple([k for k in range(x.ndim) if k not in self._kept])
        total = xp.sum(x, axis=places) if places else x
        return total if self._kept == tuple(sorted(self._kept)) else xp.matrix_transpose(total)


@dataclass(frozen=True, kw_only=True)
class _OverlapLoss(_RegionLoss):
    """What the losses of counts share: logits or probabilities of classes that exclude each other or not, or of one."""

    mode: str = "multiclass"

    arrays = (
        "(logits[N, ...]: real if from_logits else probability, labels[N, ...]: class of 2 or labels[N, ...]: probability) "
        "if mode is binary else "
        "(logits[N, ..., C]: real if from_logits else (probability if mode is multilabel else distribution), "
        "labels[N, ...]: class or labels[N, ..., C]: (probability if mode is multilabel else distribution)), "
        "where[N, ...] -> [N] if per_image else []"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(("multiclass", "multilabel", "binary"), mode=self.mode)
        if self.mode == "binary" and not self.include_background:
            raise ValueError("`include_background` must be True with mode='binary', whose one class is the foreground")

    def class_axis(self) -> int | None:
        return None if self.mode == "binary" else self.axis

    def _probabilities(self, logits: Array, axis: int) -> tuple[Array, Array]:
        """p and 1 - p."""
        if not self.from_logits:
            return logits, 1.0 - logits
        if self.mode == "multiclass":
            return softmax.nll_and_probabilities(logits, axis)[1:]
        return logistic.sigmoid_and_complement(logits)

    def call(self, logits: Array, labels: Array, where: Array | None = None) -> Array:
        counts = _Counts(self, logits, labels, where)
        return self._of_classes(counts, counts.weight)

    def _of_classes(self, counts: _Counts, weight: Array) -> Array:
        """The loss of each item, from what is counted of its classes."""
        return _mean(self._of_counts(counts), weight)

    def _of_counts(self, counts: _Counts) -> Array:
        """The loss of each class."""
        raise TypeError(f"{type(self).__name__} must define `_of_counts`")


@dataclass(frozen=True, kw_only=True)
class _SmoothedOverlapLoss(_OverlapLoss):
    """Those of a quotient of counts, to which a number is added."""

    smooth: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(smooth=self.smooth)


# (alpha FP + beta FN) / (TP + alpha FP + beta FN + smooth) = 1 - (TP + smooth) / (TP + alpha FP + beta FN + smooth)
def _tversky(counts: _Counts, alpha: Any, beta: Any, smooth: Any) -> Array:
    errors = alpha * counts.false_positive + beta * counts.false_negative
    return _quotient(errors, counts.true_positive + errors + smooth)
