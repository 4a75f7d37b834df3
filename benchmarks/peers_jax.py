"""Rows on JAX: jitted and eager against Optax, and a large one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

import arraylosses as al

from .cases import (
    GRADIENT,
    OURS,
    VALUE,
    Case,
    MissingError,
    Pair,
    Peer,
    Shape,
    arrays_for,
    beside_random,
    bytes_of,
    ours_of,
    peers_of,
    table,
    values,
)


def _peers() -> dict[str, Peer]:
    from optax import losses

    found = peers_of("optax", losses)
    of_maps = functools.partial(losses.softmax_cross_entropy_with_integer_labels, axis=1)
    return found | values({**{key: peer.call for key, peer in found.items()}, "cross_entropy_of_maps": of_maps})


def jitted_cases() -> Iterator[Case]:
    """Yield rows against Optax, both under `jax.jit`."""
    return table("optax-jit", _peers(), [VALUE, GRADIENT], jitted)


def eager_cases() -> Iterator[Case]:
    """Yield rows against Optax op by op, as it runs where nobody asks for a `jax.jit`."""
    return table("optax-eager", _peers(), [VALUE, GRADIENT], eager)


def values_cases() -> Iterator[Case]:
    """Yield ours on values that users have beside ours on random ones, both jitted."""
    return table("jax-values", OURS, [VALUE, GRADIENT], functools.partial(beside_random, _ours))


def _ours(peer: Peer, mode: str, shape: Shape) -> Callable[[], Any]:
    arrays, *_ = _inputs(peer, mode, shape)
    ours = ours_of(peer)
    program = jax.jit(ours if mode == VALUE else jax.value_and_grad(ours))
    return lambda: jax.block_until_ready(program(*arrays))


def jitted(peer: Peer, mode: str, shape: Shape) -> Pair:
    """Compile both sides."""
    arrays, moved, gradients = _inputs(peer, mode, shape)
    ours, theirs = (
        jax.jit(f if mode == VALUE else jax.value_and_grad(f, peer.argnums)) for f in (ours_of(peer), _mean(peer))
    )
    return _pair(ours, theirs, arrays, moved, gradients)


def eager(peer: Peer, mode: str, shape: Shape) -> Pair:
    """Call both sides as a user does."""
    arrays, moved, gradients = _inputs(peer, mode, shape)
    ours, theirs = ours_of(peer), _mean(peer)
    if mode == GRADIENT:
        both = al.value_and_grad(getattr(al, peer.loss), peer.argnums)
        ours, theirs = functools.partial(both, **peer.settings), jax.value_and_grad(theirs, peer.argnums)
    return _pair(ours, theirs, arrays, moved, gradients)


def _inputs(peer: Peer, mode: str, shape: Shape) -> tuple[list[Any], int, int]:
    drawn = arrays_for(peer, shape)
    drawn = [x.astype("int32") if x.dtype.kind == "i" else x for x in drawn]
    return jax.block_until_ready([jnp.asarray(x) for x in drawn]), *bytes_of(peer, drawn, mode)


def _mean(peer: Peer) -> Callable[..., Any]:
    return lambda *arrays: jnp.mean(peer.call(*arrays))


def _pair(ours: Callable[..., Any], theirs: Callable[..., Any], arrays: list[Any], moved: int, gradients: int) -> Pair:
    wait = jax.block_until_ready
    return Pair(lambda: wait(ours(*arrays)), lambda: wait(theirs(*arrays)), moved, gradients)


def large_cases() -> Iterator[Case]:
    """Yield the projection onto a vocabulary with its cross entropy, both under `jax.jit`.

    The compiler takes memory of its own, so the process is warmed up on the very shape.
    """
    shape = (2048, 768, 50_257)
    name = "linear_cross_entropy-materialised"
    yield Case("jax-large", name, shape, GRADIENT, _linear, 1e-3, peak=True, tiny=shape, slow=True)


def _linear(shape: Shape) -> Pair:
    if not hasattr(al, "linear_cross_entropy"):
        raise MissingError("arraylosses has no linear_cross_entropy")
    rows, features, classes = shape
    keys = jax.random.split(jax.random.key(0), 3)
    hidden = jax.random.normal(keys[0], (rows, features))
    matrix = jax.random.normal(keys[1], (classes, features)) * features**-0.5
    labels = jax.random.randint(keys[2], (rows,), 0, classes)

    def materialised(hidden: Any, matrix: Any, labels: Any) -> Any:
        from optax import losses

        return jnp.mean(losses.softmax_cross_entropy_with_integer_labels(hidden @ matrix.T, labels))

    ours, theirs = (jax.jit(jax.value_and_grad(f, (0, 1))) for f in (al.linear_cross_entropy, materialised))
    arrays = jax.block_until_ready([hidden, matrix, labels])
    return _pair(ours, theirs, arrays, 0, hidden.nbytes + matrix.nbytes)
