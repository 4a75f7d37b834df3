"""What all losses of the package have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..loss import Loss, RowLoss

__all__ = ["PureLoss", "PureRowLoss"]


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
