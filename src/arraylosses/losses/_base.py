"""What all losses of the package have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .. import special
from .._array_api import Array, array_namespace, as_array
from ..arguments import of_classes
from ..loss import Loss, RowLoss
from ..numerics import indexing

__all__ = ["ErrorLoss", "ProjectedLoss", "PureLoss", "PureRowLoss", "along", "per_class"]


@dataclass(frozen=True, kw_only=True)
class PureLoss(Loss):
    """A loss whose settings and arrays decide its value."""

    pure: ClassVar[bool] = True
    any_library: ClassVar[bool] = True
    new_derivatives: ClassVar[bool] = True
    settings_of_items: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class PureRowLoss(RowLoss):
    """The same, of rows along an axis."""

    pure: ClassVar[bool] = True
    any_library: ClassVar[bool] = True
    new_derivatives: ClassVar[bool] = True
    settings_of_items: ClassVar[bool] = True

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class ErrorLoss(PureLoss):
    """A loss of the error e = prediction - target."""

    arrays = "prediction[...]: real, target[...]: real -> [...]"

    closed_forms: ClassVar[tuple[int, ...]] = (0, 1)

    def call(self, prediction: Array, target: Array) -> Array:
        return self._of_error(prediction - target)

    def derivative(self, prediction: Array, target: Array) -> Array:
        return self._derivative(prediction - target)

    def second_derivative(self, prediction: Array, target: Array) -> Array:
        return self._second_derivative(prediction - target)

    def value_and_derivatives(self, positions: tuple[int, ...], *arrays: Array) -> tuple[Array, tuple[Array, ...]]:
        value, derivative = self._value_and_derivative(arrays[0] - arrays[1])
        return value, tuple([-derivative if k else derivative for k in positions])

    def _of_error(self, error: Array) -> Array:
        """The loss."""
        raise TypeError(f"{type(self).__name__} must define `_of_error`")

    def _derivative(self, error: Array) -> Array:
        """Its derivative."""
        raise TypeError(f"{type(self).__name__} must define `_derivative`")

    def _value_and_derivative(self, error: Array) -> tuple[Array, Array]:
        return self._of_error(error), self._derivative(error)

    def _second_derivative(self, error: Array) -> Array:
        """The second derivative: 0 but for kinks, unless a loss says otherwise."""
        return array_namespace(error).zeros_like(error)


def per_class(name: str, value: Any, logits: Array, axis: int) -> Array:
    """One number a class, from a sequence or an array of any library."""
    per_class = as_array(of_classes(name, value, logits.shape[axis]), like=logits, dtype=logits.dtype)
    if tuple(per_class.shape) != (logits.shape[axis],):
        raise ValueError(
            f"`{name}` must have one number a class, shape ({logits.shape[axis]},), got {tuple(per_class.shape)}"
        )
    return per_class


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
            if bias is not None:
                scores = scores + bias[(*(None,) * (scores.ndim - 1), slice(None))]
            if where is not None:
                scores = special.where(indexing.expand_dims(where, -1), scores, 0.0)
            if 0 in scores.shape:  # of which there is no largest
                items.append(xp.sum(scores, axis=-1))
                continue
            items.append(of_rows.call(scores, targets, *([] if columns is None else [columns])))
        return sum(items[1:], items[0]) / len(items) if len(items) > 1 else items[0]


def along(values: Array, logits: Array, axis: int) -> Array:
    """One number a class, along the class axis of the logits."""
    shape = [1] * logits.ndim
    shape[axis] = logits.shape[axis]
    return array_namespace(values).reshape(values, tuple(shape))
