"""A loss of one's own, once as a function and once as a class, on the arrays of four libraries.

``python examples/custom_loss.py`` computes what it costs to order too little or too much, and how that changes with the
order, on NumPy, torch, JAX and Dask. A library that is not installed is named and left out.
"""

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import arraylosses as al

Array = Any

NAMESPACES = {"numpy": "numpy", "torch": "torch", "jax": "jax.numpy", "dask": "dask.array"}


@al.register
@al.loss
def stock_cost(order: Array, demand: Array, *, missed: float = 3.0, kept: float = 1.0) -> Array:
    """Cost of what was asked for and is missing, and of what is left over."""
    xp = al.array_namespace(order, demand)
    left = order - demand
    return xp.where(left < 0, -missed * left, kept * left)


@al.register
@dataclass(frozen=True, kw_only=True)
class SmoothStockCost(al.Loss):
    """The same with a round bottom, so that it has a second derivative."""

    missed: float = 3.0
    kept: float = 1.0
    width: float = 0.5

    arrays = "order[...]: real, demand[...]: nonnegative -> [...]"

    # kept x + (missed + kept) width softplus(-x / width), which for a small width is kept x or -missed x
    def call(self, order: Array, demand: Array) -> Array:
        """Return the cost of each order."""
        left = order - demand
        return self.kept * left + (self.missed + self.kept) * self.width * al.special.softplus(-left / self.width)


def example(xp: Any) -> list[tuple[str, Array, Array]]:
    """Return each loss by its name, with its value and its gradient."""
    order = xp.asarray([4.0, 6.0, 9.0])
    demand = xp.asarray([5.0, 5.5, 5.0])
    losses = stock_cost.loss_class(missed=4.0), SmoothStockCost(missed=4.0)
    return [(type(loss).__name__, *al.value_and_grad(loss)(order, demand)) for loss in losses]


def main(libraries: Sequence[str] = tuple(NAMESPACES)) -> None:
    """Print both losses on each library."""
    for name in libraries:
        if not importlib.util.find_spec(name):
            print(f"{name}: not installed")
            continue
        for loss, value, gradient in example(importlib.import_module(NAMESPACES[name])):
            said = ", ".join(f"{float(g):7.4f}" for g in gradient)
            print(f"{name:6s} {loss:16s} {float(value):.4f}  gradient {said}")


if __name__ == "__main__":
    main()
