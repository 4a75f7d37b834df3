"""Rows against Keras 3, on NumPy and on JAX. Its backend is chosen by KERAS_BACKEND, once a process."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from .cases import (
    GRADIENT,
    VALUE,
    Case,
    Pair,
    Peer,
    Shape,
    arrays_for,
    bytes_of,
    kind,
    ours_of,
    peers_of,
    table,
)


def _peers() -> dict[str, Peer]:
    from keras import losses

    found = peers_of("keras", losses)
    return {key: dataclasses.replace(peer, call=swapped(peer.call)) for key, peer in found.items()}


def swapped(function: Any) -> Any:
    """Return a function of Keras with the prediction first."""
    return lambda prediction, target: function(target, prediction)


def numpy_cases() -> Iterator[Case]:
    """Yield values on NumPy, which has no gradients in Keras."""
    return table("keras-numpy", _peers(), [VALUE], _numpy)


def _numpy(peer: Peer, mode: str, shape: Shape) -> Pair:
    arrays = arrays_for(peer, shape)
    ours, (moved, _) = ours_of(peer), bytes_of(peer, arrays, mode)
    if kind(peer.loss) == "elements":  # one axis, of which Keras takes the mean
        return Pair(lambda: ours(*arrays), lambda: peer.call(*arrays), moved)
    return Pair(lambda: ours(*arrays), lambda: np.mean(peer.call(*arrays)), moved)


def jax_cases() -> Iterator[Case]:
    """Yield values on JAX as Keras runs them, op by op, and gradients under `jax.jit`."""
    return table("keras-jax", _peers(), [VALUE, GRADIENT], _jax)


def _jax(peer: Peer, mode: str, shape: Shape) -> Pair:
    from . import peers_jax

    return (peers_jax.eager if mode == VALUE else peers_jax.jitted)(peer, mode, shape)
