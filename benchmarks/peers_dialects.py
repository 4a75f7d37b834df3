"""Rows of a framework's own call, as the dialect has it, beside that of our loss."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import arraylosses as al
from arraylosses import dialects

from .cases import Case, Pair, Peer, Shape, arrays_for, peers_of, table
from .peers_keras import swapped

SHAPES: dict[str, tuple[Shape, ...]] = {
    "elements": ((100,), (100_000,)),
    "classes": ((10, 10), (10_000, 10)),
    "vectors": ((10, 10), (10_000, 10)),
}

FORMULAS = {
    "torch-binary_cross_entropy_of_probabilities": "torch.bce_loss",
    "torch-triplet_margin": "torch.triplet_margin_loss",
    "torch-gaussian_nll": "GaussianNLLLoss",
    "keras-binary_cross_entropy_of_probabilities": "keras.binary_crossentropy",
    "keras-kl_divergence": "keras.kl_divergence",
    "keras-squared_logarithmic_error": "keras.mean_squared_logarithmic_error",
    "optax-triplet_margin": "optax.triplet_margin_loss",
}
"""The losses of those that have a formula or a setting of their own."""


def cases() -> Iterator[Case]:
    """Yield the values of each dialect, on arrays of NumPy and of torch."""
    for library in ("torch", "keras", "optax"):
        peers = {f"{library}-{key}": peer for key, peer in peers_of(library, getattr(dialects, library)).items()}
        for key, peer in peers.items():
            build = functools.partial(_pair, library, FORMULAS.get(key))
            yield from table("dialects", {key: peer}, ["numpy", "torch"], build, SHAPES)


def _pair(library: str, formula: str | None, peer: Peer, mode: str, shape: Shape) -> Pair:
    arrays = [_asarray(mode)(x) for x in arrays_for(peer, shape)]
    call = swapped(peer.call) if library == "keras" else peer.call
    # Keras returns the mean along the last axis, Optax mostly the items.
    reduction: Any = "none" if call(*arrays).ndim else "mean"
    if formula:
        loss: Any = al.get(formula, reduction=reduction)
    else:
        loss = functools.partial(getattr(al, peer.loss), **peer.settings, reduction=reduction)
    return Pair(lambda: call(*arrays), lambda: loss(*arrays))


def _asarray(library: str) -> Callable[[Any], Any]:
    if library == "numpy":
        return np.asarray
    import torch

    return torch.asarray
