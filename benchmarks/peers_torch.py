"""Rows on torch: eager and compiled against torch.nn.functional, against the textbook formula, and large ones."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812  (as all of torch's users name it)

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
    label,
    ours_of,
    peers_of,
    table,
    values,
)

TORCH_HAS = peers_of("torch", F)
TORCH_HAS |= values({**{key: peer.call for key, peer in TORCH_HAS.items()}, "cross_entropy_of_maps": F.cross_entropy})
BETWEEN: dict[str, tuple[Shape, ...]] = {
    "elements": ((100_000,), (3_000_000,)),
    "classes": ((1000, 3), (10_000, 10), (32, 1000), (100, 1000), (1000, 1000)),
    "vectors": ((1_560, 64), (47_000, 64)),
}
TORCH_LACKS = peers_of("torch textbook", torch)


def eager_cases() -> Iterator[Case]:
    """Yield rows against torch.nn.functional."""
    return table("torch", TORCH_HAS, [VALUE, GRADIENT], _eager)


def between_cases() -> Iterator[Case]:
    """Yield rows of the same at the sizes between those."""
    peers = {key: peer for key, peer in TORCH_HAS.items() if not peer.shapes}
    return table("torch-between", peers, [GRADIENT], _eager, BETWEEN)


def textbook_cases() -> Iterator[Case]:
    """Yield rows of losses that torch lacks, with the memory of the largest."""
    for case in table("torch-textbook", TORCH_LACKS, [VALUE, GRADIENT], _eager):
        largest = label(case.shape) in ("1e7", "1024x32000")
        tiny = (128,) if len(case.shape) == 1 else (128, 10)
        yield dataclasses.replace(case, peak=largest and case.mode == GRADIENT, tiny=tiny)


def values_cases() -> Iterator[Case]:
    """Yield ours on values that users have beside ours on random ones."""
    return table("torch-values", OURS, [VALUE, GRADIENT], functools.partial(beside_random, _ours))


def cuda_cases() -> Iterator[Case]:
    """Yield rows against torch.nn.functional on a GPU, each call waited for."""
    return table("torch-cuda", TORCH_HAS, [VALUE, GRADIENT], _cuda)


def _cuda(peer: Peer, mode: str, shape: Shape) -> Pair:
    if not torch.cuda.is_available():
        raise MissingError("no CUDA device")
    return _pair(ours_of(peer), peer.call, peer, mode, shape, "cuda")


def _ours(peer: Peer, mode: str, shape: Shape) -> Callable[[], Any]:
    return _pair(ours_of(peer), ours_of(peer), peer, mode, shape).ours


def compiled_cases() -> Iterator[Case]:
    """Yield rows with both sides compiled, each for all sizes at once: no user compiles for one size alone.

    ``fullgraph=True`` lets no graph break of ours go unnoticed; a peer may have one.
    """
    return table("torch-compile", TORCH_HAS, [VALUE, GRADIENT], _compiled)


def _eager(peer: Peer, mode: str, shape: Shape) -> Pair:
    return _pair(ours_of(peer), peer.call, peer, mode, shape)


def _compiled(peer: Peer, mode: str, shape: Shape) -> Pair:
    ours, theirs = _compiled_once(peer.loss, peer.call, tuple(peer.settings.items()), peer.domains, peer.drawn)
    return _pair(ours, theirs, peer, mode, shape)


@functools.lru_cache(
    maxsize=1
)  # the cases of a loss follow each other, and what is compiled for one is dropped after it
def _compiled_once(
    loss: str, theirs: Callable[..., Any], settings: tuple[tuple[str, Any], ...], domains: tuple[str, ...], drawn: str
) -> tuple[Any, Any]:
    torch._dynamo.reset()
    ours = functools.partial(getattr(al, loss), **dict(settings))
    # Two lambdas, for what is compiled belongs to the code of a function, of which a loop would make one.
    compile_ = functools.partial(torch.compile, dynamic=True)
    return compile_(lambda *a: ours(*a), fullgraph=True), compile_(lambda *a: theirs(*a))


def _pair(
    ours: Callable[..., Any], theirs: Callable[..., Any], peer: Peer, mode: str, shape: Shape, device: str = "cpu"
) -> Pair:
    drawn = arrays_for(peer, shape)
    arrays = [torch.from_numpy(x).to(device) for x in drawn]
    if mode == GRADIENT:
        for k in peer.argnums:
            arrays[k].requires_grad_()
    call = functools.partial(_with_gradients if mode == GRADIENT else _alone, arrays)
    if device == "cuda":
        waiting = functools.partial(_waited_for, call)
        return Pair(lambda: waiting(ours), lambda: waiting(theirs))
    return Pair(lambda: call(ours), lambda: call(theirs), *bytes_of(peer, drawn, mode))


def _waited_for(call: Callable[..., Any], function: Callable[..., Any]) -> Any:
    result = call(function)
    torch.cuda.synchronize()
    return result


def _alone(arrays: list[Any], function: Callable[..., Any]) -> Any:
    return function(*arrays)


def _with_gradients(arrays: list[Any], function: Callable[..., Any]) -> Any:
    value = function(*arrays)
    return value.detach(), torch.autograd.grad(value, [x for x in arrays if x.requires_grad])


# Large arrays, where memory matters as much as time


def large_cases() -> Iterator[Case]:
    """Yield bfloat16 logits, and the projection onto a vocabulary with its cross entropy."""
    options: dict[str, Any] = {"peak": True, "slow": True}
    logits, projection = (2048, 32_000), (2048, 768, 50_257)
    yield Case("torch-large", "cross_entropy-bfloat16", logits, GRADIENT, _bfloat16, 1e-2, tiny=(128, 10), **options)
    tiny = (128, 16, 32)
    for name, theirs in {"materialised": _materialised, "chunked": _chunked}.items():
        build = functools.partial(_linear, theirs)
        yield Case(
            "torch-large", f"linear_cross_entropy-{name}", projection, GRADIENT, build, 1e-3, tiny=tiny, **options
        )


def _bfloat16(shape: Shape) -> Pair:
    drawn = arrays_for(Peer(al.cross_entropy, "cross_entropy"), shape)
    arrays = [torch.from_numpy(drawn[0]).to(torch.bfloat16).requires_grad_(), torch.from_numpy(drawn[1])]
    gradient = arrays[0].nbytes
    return Pair(
        lambda: _with_gradients(arrays, al.cross_entropy),
        lambda: _with_gradients(arrays, lambda x, labels: F.cross_entropy(x.float(), labels)),
        2 * gradient + arrays[1].nbytes,
        gradient,
    )


def _linear(theirs: Callable[..., Any], shape: Shape) -> Pair:
    if not hasattr(al, "linear_cross_entropy"):
        raise MissingError("arraylosses has no linear_cross_entropy")
    rows, features, classes = shape
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(rows, features, generator=generator).requires_grad_()
    matrix = torch.randn(classes, features, generator=generator).mul_(features**-0.5).requires_grad_()
    labels = torch.randint(0, classes, (rows,), generator=generator)
    arrays = [hidden, matrix, labels]
    return Pair(
        lambda: _with_gradients(arrays, al.linear_cross_entropy),
        lambda: _with_gradients(arrays, theirs),
        result=hidden.nbytes + matrix.nbytes,
    )


def _materialised(hidden: Any, matrix: Any, labels: Any) -> Any:
    return F.cross_entropy(F.linear(hidden, matrix), labels)


def _chunked(hidden: Any, matrix: Any, labels: Any) -> Any:
    return F.linear_cross_entropy(hidden, matrix, labels, options=torch.nn.LinearCrossEntropyOptions())
