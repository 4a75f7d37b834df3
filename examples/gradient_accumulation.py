"""The gradient of a batch from several small ones whose numbers of tokens differ, on torch and JAX.

``python examples/gradient_accumulation.py`` adds up the gradients of the losses' sums, divided by the number of tokens
of the whole batch, and compares them with the gradient of the mean over the whole. The mean of the small batches' means
is another number.
"""

import importlib.util
from typing import Any

import numpy as np

import arraylosses as al

TOKENS = (7, 1, 12)
LOSS = al.CrossEntropy(reduction="sum")


def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return features and labels of small batches of different lengths."""
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(n, 4)).astype("float32"), rng.integers(0, 3, size=n)) for n in TOKENS]


def by_torch() -> tuple[Any, Any]:
    """Return the gradient that is accumulated, and that of the whole."""
    import torch

    matrix = torch.zeros(4, 3, requires_grad=True)
    parts = [(torch.tensor(x), torch.tensor(y)) for x, y in batches()]
    for x, y in parts:
        (LOSS(x @ matrix, y) / sum(TOKENS)).backward()
    x, y = (torch.cat(part) for part in zip(*parts, strict=True))
    (whole,) = torch.autograd.grad(al.cross_entropy(x @ matrix, y), matrix)
    return matrix.grad.numpy(), whole.numpy()


def by_jax() -> tuple[Any, Any]:
    """Return the same, by JAX."""
    import jax
    import jax.numpy as jnp

    matrix = jnp.zeros((4, 3))
    gradient = jax.grad(lambda w, x, y: LOSS(x @ w, y) / sum(TOKENS))
    parts = [(jnp.asarray(x), jnp.asarray(y)) for x, y in batches()]
    x, y = (jnp.concatenate(part) for part in zip(*parts, strict=True))
    return sum(gradient(matrix, *part) for part in parts), jax.grad(lambda w: al.cross_entropy(x @ w, y))(matrix)


WAYS = {"torch": by_torch, "jax": by_jax}


def main() -> None:
    """Print the largest difference of the two gradients on each library."""
    for name, compute in WAYS.items():
        if importlib.util.find_spec(name) is None:
            print(f"{name:<5} not installed")
            continue
        accumulated, whole = map(np.asarray, compute())
        largest, difference = np.max(np.abs(whole)), np.max(np.abs(accumulated - whole))
        print(f"{name:<5} gradient up to {largest:.3f}, differs by {difference:.0e}")


if __name__ == "__main__":
    main()
