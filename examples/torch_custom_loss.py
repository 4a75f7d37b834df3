"""A loss of one's own in each of torch's two ways, on the arrays of any library.

``python examples/torch_custom_loss.py`` computes the focal loss of a segmentation as a function and as a module, of
classes on axis 1 and without the pixels that are labelled -100, on NumPy, torch and JAX. It is the file of a user of
torch with one line changed, the import. A library that is not installed is named and left out.
"""

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np

import arraylosses as al
from arraylosses.dialects import torch as nn  # in torch, nn and nn.functional

Array = Any

NAMESPACES = {"numpy": "numpy", "torch": "torch", "jax": "jax.numpy"}


# A function of functions
def focal_loss(input: Array, target: Array, gamma: float = 2.0, ignore_index: int = -100) -> Array:  # noqa: A002
    """Return the mean of (1 - p)^gamma (-log p), of the pixels that are labelled."""
    xp = al.array_namespace(input, target)
    nll = nn.cross_entropy(input, target, reduction="none", ignore_index=ignore_index)
    kept = xp.astype(target != ignore_index, nll.dtype)
    return xp.sum((1.0 - xp.exp(-nll)) ** gamma * nll) / xp.sum(kept)


# A module with `forward`
class FocalLoss(nn.NLLLoss):
    """The same, with the focus as an attribute beside those that torch's module has."""

    def __init__(self, gamma: float = 2.0, **settings: Any) -> None:
        super().__init__(**settings)
        self.gamma = gamma

    def forward(self, input: Array, target: Array) -> Array:  # noqa: A002
        """Return the loss of logits."""
        return focal_loss(input, target, self.gamma, self.ignore_index)


def example(xp: Any) -> list[tuple[str, Array, Array]]:
    """Return the loss in each of the two ways, with its value and its gradient."""
    logits = np.asarray([[[2.0, 0.0], [0.0, 1.0], [-1.0, 0.5]], [[0.0, 0.5], [1.5, -0.5], [0.0, 3.0]]])
    given = xp.asarray(logits), xp.asarray([[0, -100], [1, 2]])
    return [
        (name, *al.value_and_grad(loss)(*given)) for name, loss in [("function", focal_loss), ("module", FocalLoss())]
    ]


def main(libraries: Sequence[str] = tuple(NAMESPACES)) -> None:
    """Print the loss on each library."""
    for name in libraries:
        if not importlib.util.find_spec(name):
            print(f"{name}: not installed")
            continue
        for kind, value, gradient in example(importlib.import_module(NAMESPACES[name])):
            said = ", ".join(f"{float(g):7.4f}" for g in gradient[0, :, 0])
            print(f"{name:6s} {kind:9s} {float(value):.4f}  gradient of the first pixel {said}")


if __name__ == "__main__":
    main()
