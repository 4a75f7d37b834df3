"""A library beside ours: it is imported, and its values and gradients are held equal to those of a loss."""

from __future__ import annotations

import importlib.metadata
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

__all__ = ["agree_on_jax", "agree_on_torch", "library"]

Loss = Callable[..., Any]


def library(module: str, distribution: str, version: str) -> Any:
    """Return a module of a distribution at the version whose conventions a file of tests tells of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pytest.importorskip(module, reason=f"{distribution} is not installed; `nox -s oracles` has it")
    installed = importlib.metadata.version(distribution)
    assert f"{installed}.".startswith(f"{version}."), f"these tests are of {version}, got {installed}"
    return found


def agree_on_torch(ours: Loss, theirs: Loss, *arrays: np.ndarray, rtol: float = 1e-10) -> None:
    """Hold values and gradients by all arrays equal, up to `rtol` of the largest number of each."""
    import torch

    def value_and_gradients(loss: Loss) -> list[np.ndarray]:
        given = [torch.tensor(x, requires_grad=True) for x in arrays]
        value = loss(*given)
        return [value.detach().numpy(), *[g.numpy() for g in torch.autograd.grad(value, given)]]

    _agree(value_and_gradients, ours, theirs, rtol)


def agree_on_jax(ours: Loss, theirs: Loss, *arrays: np.ndarray, rtol: float = 1e-10) -> None:
    """Do the same with JAX's arrays, in 64 bits."""
    import jax

    def value_and_gradients(loss: Loss) -> list[np.ndarray]:
        value, gradients = jax.value_and_grad(loss, range(len(arrays)))(*map(jax.numpy.asarray, arrays))
        return [np.asarray(value), *map(np.asarray, gradients)]

    with jax.enable_x64(True):
        _agree(value_and_gradients, ours, theirs, rtol)


def _agree(value_and_gradients: Callable[[Loss], list[np.ndarray]], ours: Loss, theirs: Loss, rtol: float) -> None:
    for got, want in zip(value_and_gradients(ours), value_and_gradients(theirs), strict=True):
        assert got.dtype == np.float64
        assert np.any(want != 0)
        np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol * np.max(np.abs(want)))
