"""What all losses of the package have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .._array_api import Array, array_namespace
from ..loss import Loss, RowLoss

__all__ = ["ErrorLoss", "PureLoss", "PureRowLoss"]


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
