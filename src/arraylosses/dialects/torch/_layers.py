"""What holds the arrays of a linear layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..._array_api import Array, array_namespace, dtype_name, is_array, same_values
from ._calls import like
from ._criterion import Criterion

__all__ = ["Layered", "Linear"]


class Linear:
    """The arrays of a linear layer: `weight`, of shape (out, in), and `bias`, of shape (out), or None.

    They begin as torch's do, uniform within 1 / sqrt(in), as arrays of NumPy, which follow the library of the arrays of
    a call; any other arrays may take their place.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool, dtype: Any) -> None:
        name = "float32" if dtype is None else dtype_name(dtype)
        rng, bound = np.random.default_rng(), 1.0 / math.sqrt(in_features) if in_features else 0.0
        self.weight: Array = rng.uniform(-bound, bound, (out_features, in_features)).astype(name)
        self.bias: Array | None = rng.uniform(-bound, bound, out_features).astype(name) if bias else None

    def __call__(self, x: Array) -> Array:
        """Return ``x @ weight.T + bias``, in the library and the dtype of `x`."""
        xp = array_namespace(x)
        product = xp.matmul(x, xp.permute_dims(like(self.weight, x), (1, 0)))
        return product if self.bias is None else product + like(self.bias, x)

    def __repr__(self) -> str:
        out_features, in_features = self.weight.shape
        return f"Linear({in_features=}, {out_features=}, bias={self.bias is not None})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not Linear:
            return NotImplemented
        pairs = (self.weight, other.weight), (self.bias, other.bias)
        return all([a is b or (is_array(a) and is_array(b) and same_values(a, b)) for a, b in pairs])

    def __hash__(self) -> int:
        return hash(Linear)


class Layered(Criterion):
    """A loss that holds the arrays of linear layers."""

    def layers(self) -> dict[str, Linear]:
        """Return the layers by their names."""
        raise NotImplementedError(f"{type(self).__name__} must define `layers(self)`")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join([f'{name}={value!r}' for name, value in vars(self).items()])})"

    def state_dict(self) -> dict[str, Array]:
        """Return the arrays by the names that they have in torch."""
        held = [
            (f"{name}.{kind}", getattr(x, kind)) for name, x in self.layers().items() for kind in ("weight", "bias")
        ]
        return {name: array for name, array in held if array is not None}

    def load_state_dict(self, state_dict: Mapping[str, Array]) -> None:
        """Take arrays, of any library, in the place of those that are held: such as those of torch's own module.

        Raises
        ------
        ValueError
            If one is missing, is not known, or has another shape.
        """
        held = self.state_dict()
        if held.keys() != state_dict.keys():
            raise ValueError(f"`state_dict` must have {', '.join(held)}, got {', '.join(state_dict)}")
        for name, array in state_dict.items():
            if tuple(array.shape) != tuple(held[name].shape):
                raise ValueError(f"`{name}` must have shape {tuple(held[name].shape)}, got {tuple(array.shape)}")
            layer, _, kind = name.rpartition(".")
            setattr(self.layers()[layer], kind, array)
