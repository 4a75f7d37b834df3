"""What all losses of the package have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .. import special
from .._array_api import Array, array_namespace
from ..loss import Loss, RowLoss
from ..numerics import indexing

__all__ = ["ProjectedLoss", "PureLoss", "PureRowLoss"]


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


@dataclass(frozen=True, kw_only=True)
class ProjectedLoss(PureLoss):
    """A loss that states `projections`, and as `projected` the loss of their rows."""

    # The mean over the projections of the loss of rows @ matrix.T + bias
    def call(self, *arrays: Any) -> Array:
        of_rows: Any = self.projected
        where = arrays[-1] if self.declaration.coupled and len(arrays) > len(self.array_names) else None
        items = []
        for rows, matrix, targets, bias, columns in self.projections(*arrays):
            xp = array_namespace(rows, matrix, bias)
            scores = xp.matmul(rows, xp.permute_dims(matrix, (1, 0)))
            scores = scores if bias is None else scores + bias
            if where is not None:
                scores = special.where(indexing.expand_dims(where, -1), scores, 0.0)
            if 0 in scores.shape:  # of which there is no largest
                items.append(xp.sum(scores, axis=-1))
                continue
            items.append(of_rows.call(scores, targets, *([] if columns is None else [columns])))
        return sum(items[1:], items[0]) / len(items) if len(items) > 1 else items[0]
