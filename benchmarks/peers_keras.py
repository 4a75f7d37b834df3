"""Rows against Keras 3, on NumPy and on JAX. Its backend is chosen by KERAS_BACKEND, once a process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .cases import GRADIENT, VALUE, Case, Pair, Peer, Shape, arrays_for, bytes_of, kind, ours_of, table


def _peers() -> dict[str, Peer]:
    from keras import losses

    def swapped(function: Any, **settings: Any) -> Any:
        return lambda prediction, target: function(target, prediction, **settings)

    soft: dict[str, Any] = {"domains": ("real", "distribution")}
    return {
        "squared_error": Peer(swapped(losses.mean_squared_error)),
        "absolute_error": Peer(swapped(losses.mean_absolute_error)),
        "huber": Peer(swapped(losses.huber)),
        "log_cosh": Peer(swapped(losses.log_cosh)),
        "absolute_percentage_error": Peer(swapped(losses.mean_absolute_percentage_error), domains=("real", "positive")),
        "squared_logarithmic_error": Peer(swapped(losses.mean_squared_logarithmic_error)),
        "poisson_nll": Peer(swapped(losses.poisson), settings={"from_log": False, "epsilon": 1e-7}),
        "binary_cross_entropy": Peer(swapped(losses.binary_crossentropy, from_logits=True)),
        "binary_cross_entropy_of_probabilities": Peer(
            swapped(losses.binary_crossentropy), "binary_cross_entropy", {"from_logits": False}
        ),
        "binary_focal": Peer(swapped(losses.binary_focal_crossentropy, from_logits=True)),
        "hinge": Peer(swapped(losses.hinge)),
        "squared_hinge": Peer(swapped(losses.squared_hinge)),
        "cross_entropy": Peer(swapped(losses.sparse_categorical_crossentropy, from_logits=True)),
        "cross_entropy_of_distributions": Peer(
            swapped(losses.categorical_crossentropy, from_logits=True), "cross_entropy", **soft
        ),
        "categorical_focal_of_distributions": Peer(
            swapped(losses.categorical_focal_crossentropy, from_logits=True, alpha=1.0), "categorical_focal", **soft
        ),
        "kl_divergence": Peer(swapped(losses.kl_divergence), settings={"from_log": False}),
        "cosine_similarity": Peer(swapped(losses.cosine_similarity)),
    }


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
