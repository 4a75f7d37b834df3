"""torch's autocast, without which a loss is computed: its products would have the digits of half precision.

So torch computes its own losses. Arrays that are in half precision already are taken as they are.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from .._array_api import Array

__all__ = ["is_on", "off", "without"]


def is_on(*arrays: Array) -> bool:
    """Whether autocast is about the first of these, a tensor."""
    torch: Any = sys.modules.get("torch")
    if (
        torch is None
        or not torch._C._is_any_autocast_enabled()
        or not arrays
        or not isinstance(arrays[0], torch.Tensor)
    ):
        return False
    place = arrays[0].device.type
    return bool(torch.amp.is_autocast_available(place) and torch.is_autocast_enabled(place))


def off(x: Array) -> AbstractContextManager[None]:
    """Return a context without it, on the device of a tensor."""
    context: AbstractContextManager[None] = sys.modules["torch"].autocast(x.device.type, enabled=False)
    return context


def without(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Make what computes a backward pass, of an upstream gradient behind the context, do so without it."""

    @functools.wraps(backward)
    def call(ctx: Any, upstream: Array, *rest: Any) -> Any:
        if not is_on(upstream):
            return backward(ctx, upstream, *rest)
        with off(upstream):
            return backward(ctx, upstream, *rest)

    return call
