"""What the losses of regions of an image share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .. import special
from .._array_api import Array, array_namespace
from ..arguments import require_integer, require_one_of_type, require_per_class
from ._base import PureRowLoss, per_class

__all__ = ["RegionLoss", "mean_of_classes", "overlap_loss", "quotient"]


@dataclass(frozen=True, kw_only=True)
class RegionLoss(PureRowLoss):
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

    def item_axes(self, axis: int) -> tuple[int, ...]:
        """The axes of the logits that remain once all places are summed: the images' and the classes'."""
        return (0 if axis else 1, axis) if self.per_image else (axis,)

    def weight_of_classes(self, logits: Array, axis: int) -> Array:
        """One number a class, which broadcasts to those of each item."""
        others = (1.0,) * (logits.shape[axis] - 1)
        given = (1.0, *others) if self.class_weight is None else self.class_weight
        weight = per_class("class_weight", given, logits, axis)
        if not self.include_background:
            weight = weight * per_class("class_weight", (0.0, *others), logits, axis)
        return weight[None, :] if self.per_image else weight


def quotient(x: Array, y: Array) -> Array:
    """x / y, and 0 where both are 0."""
    return x / special.where(y == 0, 1.0, y)


def mean_of_classes(losses: Array, weight: Array) -> Array:
    """Σ w l / Σ w over the classes, and 0 without any."""
    xp = array_namespace(losses, weight)
    return quotient(xp.sum(weight * losses, axis=-1), xp.sum(weight, axis=-1))


# (alpha FP + beta FN) / (TP + alpha FP + beta FN + smooth) = 1 - (TP + smooth) / (TP + alpha FP + beta FN + smooth)
def overlap_loss(
    true_positive: Array, false_positive: Array, false_negative: Array, alpha: Any, beta: Any, smooth: Any
) -> Array:
    """One minus the Tversky index of counts, without the difference."""
    errors = alpha * false_positive + beta * false_negative
    return quotient(errors, true_positive + errors + smooth)
