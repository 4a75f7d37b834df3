"""What the classes of `torch.nn` have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

from ..._array_api import is_array, same_values
from ._calls import REDUCTIONS, chosen

__all__ = ["Criterion"]


class Criterion:
    """A loss as an object: called with arrays, it returns what its function does with them and the settings.

    Its attributes are the settings, by torch's names, and may be changed. Two are equal if these are.
    """

    reduction: str

    function: ClassVar[Callable[..., Any]]
    """The function that computes it."""

    reductions: ClassVar[tuple[str, ...]] = REDUCTIONS
    """The reductions that there are."""

    def __post_init__(self, *deprecated: bool | None) -> None:
        self.reduction = chosen(self.reduction, *deprecated, known=self.reductions)

    def forward(self, *arrays: Any, **named: Any) -> Any:
        """Compute the loss."""
        known: Any = type(self).__dataclass_fields__  # type: ignore[attr-defined]
        settings = {name: value for name, value in vars(self).items() if name in known}
        return self.function(*arrays, **settings, **named)

    def __call__(self, *arrays: Any, **named: Any) -> Any:
        """Compute the loss."""
        return self.forward(*arrays, **named)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Return the loss itself: its weights follow the library, the device and the dtype of the arrays of a call."""
        return self

    cpu = cuda = train = eval = to  # what a training loop in torch says to a module

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        own, others = vars(self), vars(other)
        return own.keys() == others.keys() and all([_same(value, others[name]) for name, value in own.items()])

    def __hash__(self) -> int:
        return hash(type(self))  # the settings may be changed, and hold arrays


def _same(a: Any, b: Any) -> bool:
    return same_values(a, b) if is_array(a) or is_array(b) else bool(a == b)
