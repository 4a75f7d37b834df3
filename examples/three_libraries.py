"""The same five lines on the arrays of NumPy, torch and JAX: ``python examples/three_libraries.py``.

The loss and its gradient come back as arrays of the library that the logits are of. A library that is not installed is
named and left out.
"""

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np

import arraylosses as al

NAMESPACES = {"numpy": "numpy", "torch": "torch", "jax": "jax.numpy"}


def example(xp: Any) -> None:
    """Print the cross entropy of two rows of logits, and its gradient."""
    logits = xp.asarray([[2.0, 1.0, -1.0], [0.5, 0.0, 1.5]], dtype=xp.float32)
    labels = xp.asarray([0, 1])
    loss, gradient = al.value_and_grad(al.cross_entropy)(logits, labels)
    print(f"loss {loss:.4f}")
    print(repr(gradient))


def main(libraries: Sequence[str] = tuple(NAMESPACES)) -> None:
    """Run the example on each library, printing four digits, as torch does."""
    with np.printoptions(precision=4, floatmode="fixed"):
        for k, name in enumerate(libraries):
            print(f"\n{name}" if k else name)
            if importlib.util.find_spec(name):
                example(importlib.import_module(NAMESPACES[name]))
            else:
                print("not installed")


if __name__ == "__main__":
    main()
