"""The tape: what is kept of a computation, and how derivatives run back through it.

A function of the standard, called with a traced array, computes on the values and makes a `Node`: where the result came
from, and for each source a *pullback*, a function that turns the cotangent of the result (the derivative of the final
number with respect to it) into the cotangent of the source. The nodes refer to their sources and to nothing else, so
the tape is freed with the result.

Every derivative that is taken has a level of its own, later ones higher. A function works at the highest level among
its arguments and takes all others for constants; the values that it computes on may be traced at a lower level, where
the same happens again. So derivatives of derivatives need no special case, and can't be confused.

A cotangent may be *thin*: of a shape that broadcasts to that of its array, as the cotangent of a sum's argument does. A
rule that works element by element takes it as it is; all others get it at full size.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .._array_api import Array, Namespace, dtype_kind
from .array import TracedArray, plain

__all__ = ["COUNTER", "Maker", "Node", "Pullback", "Rule", "backward", "beside", "primitive", "unbroadcast"]

Pullback: TypeAlias = Callable[[Array], Array | None]

# (namespace, result, *arguments, **settings) -> pullback. A pullback keeps alive the arrays it mentions, and no others.
Maker: TypeAlias = Callable[..., Pullback]

# Numbers levels and nodes in the order of their making; `next` on it is atomic, so it needs no lock.
COUNTER = itertools.count(1)


class Rule(NamedTuple):
    """How a function of the standard is differentiated."""

    makers: Sequence[Maker | None] | Mapping[int, Maker]
    """One maker for each argument by position; None where the derivative is 0."""
    elementwise: bool
    """Whether arguments broadcast to the result, and pullbacks take a thin cotangent."""
    forward: Callable[..., Array] | None
    """What computes the value, if not the library's function of this name."""


class Node:
    """A place on the tape: the shape and dtype of an array, and its sources with their pullbacks."""

    __slots__ = ("dtype", "edges", "elementwise", "lazy", "serial", "shape")

    def __init__(self, value: Array, edges: Sequence[tuple[Node, Pullback]], elementwise: bool, chunked: bool) -> None:
        self.shape: tuple[int, ...] = value.shape
        self.dtype = value.dtype
        self.lazy: Any = plain(value) if chunked else None
        self.edges = edges
        self.elementwise = elementwise
        self.serial = next(COUNTER)


def beside(traced: TracedArray, x: Array) -> Array:
    """Return an array of the library as one that is traced with another, and has no place on the tape: a constant."""
    space: Any = traced._space
    return space._array_type(x, None, traced._level, space)


def primitive(space: Namespace, name: str, rule: Rule, library: Callable[..., Array] | None) -> Callable[..., Array]:
    """Return the function `name` of the traced namespace `space`, which records what it computes."""
    makers, elementwise, forward = rule
    compute = forward or library
    assert compute is not None

    def call(*args: Any, **kwargs: Any) -> Array:
        level = 0
        for x in args:
            if isinstance(x, TracedArray) and x._level > level:
                level = x._level
        if not level:
            return compute(*args, **kwargs)
        values = [x._value if isinstance(x, TracedArray) and x._level == level else x for x in args]
        value = call(*values, **kwargs)
        edges, constant = [], False
        for k, x in enumerate(args):
            if isinstance(x, TracedArray) and x._level == level:
                maker = makers[k]
                if maker is None:
                    continue
                if x._node is None:
                    constant = True
                else:
                    edges.append((x._node, maker(space, value, *values, **kwargs)))
        if not edges:
            return space._array_type(value, None, level, space) if constant else value
        return space._array_type(value, Node(value, edges, elementwise, space._chunked), level, space)

    call.__name__ = call.__qualname__ = name
    return call


def backward(space: Namespace, pending: list[Node], cotangent: Array) -> dict[Node, Array]:
    """Carry a cotangent from the node in `pending` back to the leaves, and return those of the leaves it depends on.

    `pending` is emptied. If the caller keeps no node, each is freed, with the arrays it kept, as soon as it is done.
    Without a node there is nothing to do: the result is a constant.
    """
    if not pending:
        return {}
    node = pending.pop()
    cotangents = {node: cotangent}
    queue: list[tuple[int, Node]] = [(-node.serial, node)] if node.edges else []
    # A function outside of whose domain an array lies said so when it was computed; its derivative need not again.
    with np.errstate(all="ignore"):
        while queue:
            # What was made later comes first, so all that depends on a node is done before it.
            node = heapq.heappop(queue)[1]
            g = cotangents.pop(node)
            if not node.elementwise and g.shape != node.shape:
                g = _spread(space, g, node)
            for source, pullback in node.edges:
                part = pullback(g)
                if part is None:
                    continue
                part = _fitted(space, part, node, source)
                known = cotangents.get(source)
                if known is not None:
                    cotangents[source] = known + part
                    continue
                cotangents[source] = part
                if source.edges:
                    heapq.heappush(queue, (-source.serial, source))
            del node, g
    return cotangents


def _fitted(space: Namespace, g: Array, node: Node, source: Node) -> Array:
    """Undo what broadcasting and promotion did to an argument: the one place where that is done."""
    if node.elementwise and node.shape != source.shape:
        g = unbroadcast(space, g, node.shape, source.shape)
    if g.dtype != source.dtype:
        if dtype_kind(g.dtype) == "complex" and dtype_kind(source.dtype) != "complex":
            g = space.real(g)
        g = space.astype(g, source.dtype)
    return g


def unbroadcast(space: Namespace, g: Array, shape: tuple[int, ...], target: tuple[int, ...]) -> Array:
    """Sum a thin cotangent of an array of `shape` over the axes that came about when `target` was broadcast to it."""
    lead = len(shape) - len(target)
    own = (1,) * (len(shape) - g.ndim) + tuple(g.shape)
    axes = []
    copies = 1
    for k, n in enumerate(shape):
        if n != 1 and (k < lead or target[k - lead] == 1):
            if own[k] != 1:
                axes.append(k - len(shape))
            else:
                copies *= n  # the same cotangent for each
    if axes:
        g = space.sum(g, axis=tuple(axes), keepdims=True)
    if copies != 1:
        g = g * float(copies) if copies else space.zeros_like(g)
    if g.ndim > len(target):
        g = space.reshape(g, tuple(g.shape[g.ndim - len(target) :]))
    return g


def _spread(space: Namespace, g: Array, node: Node) -> Array:
    """Bring a thin cotangent to full size, without memory of its own where the library can."""
    if node.lazy is None:
        return space.broadcast_to(g, node.shape)
    # Dask broadcasts to no length that it does not know, and can't tell that an array has it already.
    full = g.ndim == len(node.shape) and all([m != 1 or n == 1 for m, n in zip(g.shape, node.shape, strict=True)])
    return g if full else space.zeros_like(node.lazy) + g
