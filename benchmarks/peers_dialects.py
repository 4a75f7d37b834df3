"""Rows of a framework's own call, as the dialect has it, beside that of our loss."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from arraylosses import dialects

from .cases import Case, Pair, Peer, Shape, arrays_for, kind, ours_of, peers_of, table
from .peers_keras import swapped

SHAPES: dict[str, tuple[Shape, ...]] = {
    "elements": ((100,), (100_000,)),
    "classes": ((10, 10), (10_000, 10)),
    "vectors": ((10, 10), (10_000, 10)),
}


def cases() -> Iterator[Case]:
    """Yield the values of each dialect, on arrays of NumPy and of torch."""
    for library in ("torch", "keras", "optax"):
        peers = {f"{library}-{key}": peer for key, peer in peers_of(library, getattr(dialects, library)).items()}
        yield from table("dialects", peers, ["numpy", "torch"], functools.partial(_pair, library), SHAPES)


def _pair(library: str, peer: Peer, mode: str, shape: Shape) -> Pair:
    arrays = [_asarray(mode)(x) for x in arrays_for(peer, shape)]
    call = swapped(peer.call) if library == "keras" else peer.call
    # Keras returns the mean along the last axis, Optax the items.
    items = library == "optax" or (library == "keras" and kind(peer.loss) != "elements")
    ours = functools.partial(ours_of(peer), reduction="none") if items else ours_of(peer)
    return Pair(lambda: call(*arrays), lambda: ours(*arrays))


def _asarray(library: str) -> Callable[[Any], Any]:
    if library == "numpy":
        return np.asarray
    import torch

    return torch.asarray
