"""Rows on NumPy: against the textbook formula, scikit-learn, and the value alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import arraylosses as al
from arraylosses import autodiff
from arraylosses.execution import direct

from .cases import (
    GRADIENT,
    OURS,
    VALUE,
    Case,
    Pair,
    Peer,
    Shape,
    arrays_for,
    beside_random,
    bytes_of,
    kind,
    ours_of,
    own_threads,
    peers_of,
    table,
)


def _formulas() -> dict[str, Peer]:
    return peers_of("textbook", np)


def textbook_cases() -> Iterator[Case]:
    """Yield the value beside the formula."""
    return table("numpy", _formulas(), [VALUE], _value)


def values_cases() -> Iterator[Case]:
    """Yield ours on values that users have beside ours on random ones."""
    return table("numpy-values", OURS, [VALUE, GRADIENT], functools.partial(beside_random, _ours))


def _ours(peer: Peer, mode: str, shape: Shape) -> Callable[[], Any]:
    arrays, ours = arrays_for(peer, shape), ours_of(peer)
    if mode == GRADIENT:
        ours = functools.partial(al.value_and_grad(getattr(al, peer.loss)), **peer.settings)
    return lambda: ours(*arrays)


def _value(peer: Peer, mode: str, shape: Shape) -> Pair:
    arrays = arrays_for(peer, shape)
    ours, (moved, _) = ours_of(peer), bytes_of(peer, arrays, mode)
    return Pair(lambda: ours(*arrays), lambda: peer.call(*arrays), moved)


def call_cases() -> Iterator[Case]:
    """Yield what a call costs by itself: 100 elements, in function form and in class form."""
    shapes: dict[str, tuple[Shape, ...]] = {
        "elements": ((100,),),
        "classes": ((10, 10),),
        "vectors": ((10, 10),),
        "boxes": ((25, 4),),
    }
    return table("calls", _formulas(), ["function", "class"], _call, shapes)


def _call(peer: Peer, mode: str, shape: Shape) -> Pair:
    arrays = arrays_for(peer, shape)
    ours = ours_of(peer) if mode == "function" else al.get(peer.loss, **peer.settings)
    return Pair(lambda: ours(*arrays), lambda: peer.call(*arrays))


def gradient_cases() -> Iterator[Case]:
    """Yield what a gradient costs beside the value alone: in a function that the tape runs through, and by itself.

    The first, ``tape``, is what a loss costs within a user's function: one step of the tape where it has a closed form,
    and a step for each operation of its formula where it has none. The second, ``chosen``, is `al.value_and_grad` of
    the loss.

    The tape of a formula keeps more arrays alive than a value does; where the C library gives freed memory back to the
    system and asks for it again at every call, that costs more than the arithmetic. ``MALLOC_TOP_PAD_=268435456
    MALLOC_TRIM_THRESHOLD_=1073741824 MALLOC_MMAP_THRESHOLD_=1073741824`` leave the arithmetic alone.
    """
    shapes: dict[str, tuple[Shape, ...]] = {
        "elements": ((1_000_000,),),
        "classes": ((100_000, 10),),
        "vectors": ((15_625, 64),),
        "boxes": ((250_000, 4),),
    }
    ours = {name: cls for name, cls in al.registered().items() if "." not in name}  # and not those of a dialect
    peers = {name: Peer(cls()) for name, cls in ours.items() if cls().projected is None}
    return table("gradients", peers, ["tape", "chosen"], _gradient, shapes)


def _gradient(peer: Peer, mode: str, shape: Shape) -> Pair:
    arrays = arrays_for(peer, shape)
    loss = peer.call
    both = autodiff.value_and_grad(lambda *given: loss(*given)) if mode == "tape" else al.value_and_grad(loss)
    moved, gradients = bytes_of(peer, arrays, GRADIENT)
    # The peer has no gradient: ours is checked by the tape of the formula.
    check = autodiff.grad(lambda *given: direct.run(loss, loss.check(given, None, None)))
    return Pair(lambda: both(*arrays), lambda: loss(*arrays), moved, gradients, lambda value: (value, check(*arrays)))


def scikit_learn_cases() -> Iterator[Case]:
    """Yield rows against the Cython losses, on one thread each.

    Theirs returns per-item losses, so the value is ours without a reduction; beside a gradient, ours has the sum, and
    theirs is spared the summing.
    """
    from sklearn._loss import loss as theirs

    own_threads(1)
    peers = peers_of("scikit-learn", theirs)
    for dtype in ("float32", "float64"):
        build = functools.partial(_scikit_learn, dtype)
        named = {f"{key}-{dtype}": Peer(peer.call, key) for key, peer in peers.items()}
        yield from table("scikit-learn", named, [VALUE, GRADIENT], build)


def _scikit_learn(dtype: str, peer: Peer, mode: str, shape: Shape) -> Pair:
    arrays = arrays_for(peer, shape, dtype)
    moved, gradients = bytes_of(peer, arrays, mode)
    target = arrays[1].astype(dtype)
    theirs = peer.call(n_classes=shape[-1]) if kind(peer.loss) == "classes" else peer.call()
    factor = 2.0 if peer.loss == "squared_error" else 1.0  # theirs is half of it
    if mode == VALUE:
        ours = getattr(al, peer.loss)
        return Pair(
            lambda: ours(*arrays, reduction="none"),
            lambda: theirs.loss(target, arrays[0]),
            moved,
            translate=lambda items: factor * items,
        )
    both = al.value_and_grad(getattr(al, peer.loss))
    return Pair(
        lambda: both(*arrays, reduction="sum"),
        lambda: theirs.loss_gradient(target, arrays[0]),
        moved,
        gradients,
        lambda result: (factor * np.sum(result[0], dtype="float64"), factor * result[1]),
    )
