"""What all losses of the package have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._array_api import Array, as_array
from ..arguments import of_classes
from ..loss import Loss, RowLoss

__all__ = ["PureLoss", "PureRowLoss", "per_class"]


@dataclass(frozen=True, kw_only=True)
class PureLoss(Loss):
    """A loss whose settings and arrays decide its value."""

    pure: ClassVar[bool] = True
    settings_of_items: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class PureRowLoss(RowLoss):
    """The same, of rows along an axis."""

    pure: ClassVar[bool] = True
    settings_of_items: ClassVar[bool] = True


def per_class(name: str, value: Any, logits: Array, axis: int) -> Array:
    """One number a class, from a sequence or an array of any library."""
    per_class = as_array(of_classes(name, value, logits.shape[axis]), like=logits, dtype=logits.dtype)
    if tuple(per_class.shape) != (logits.shape[axis],):
        raise ValueError(
            f"`{name}` must have one number a class, shape ({logits.shape[axis]},), got {tuple(per_class.shape)}"
        )
    return per_class
