"""torch's compiler: a loss as one call in the graph.

The first stage of the compiler reads Python. Every object that it meets on the way it looks at again before each call
of what it has compiled, which takes longer than a small loss. So it is given a function form as one call, which it does
not read: the second stage runs it on tensors without values, and sees their operations alone. Whatever the result
depends on has to be an argument then.

The compiler imports this module when it first meets a loss.
"""

from __future__ import annotations

import sys
from typing import Any

from .._array_api import Array

__all__ = ["run"]

torch: Any = sys.modules["torch"]

_HELD = (torch.Tensor, float, int, str, type(None))


def run(form: tuple[str, str], given: tuple[Any, ...], named: dict[str, Any]) -> Array | None:
    """Call the function form that stands in a module under a name; None where a graph can't hold the arguments."""
    return _call(*form, given, named) if _holds(given) and _holds(named.values()) else None


def _holds(values: Any) -> bool:
    """Whether all are tensors, constants of a graph, or sequences of these."""
    for x in values:
        if not isinstance(x, _HELD) and not (isinstance(x, (tuple, list)) and _holds(x)):
            return False
    return True


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def _call(module: str, name: str, given: tuple[Any, ...], named: dict[str, Any]) -> Array:
    like = next((x for x in (*given, *named.values()) if isinstance(x, torch.Tensor)), None)
    settings = {key: _without_symbols(x, like) for key, x in named.items()}
    return getattr(sys.modules[module], name)(*given, **settings)


def _without_symbols(value: Any, like: Array | None) -> Any:
    """Return a number that changes from call to call as a tensor, and any other that the compiler has made a symbol."""
    if isinstance(value, torch.SymFloat):
        return torch.scalar_tensor(value, dtype=torch.float64, device=None if like is None else like.device)
    if isinstance(value, (tuple, list)):
        return type(value)([float(x) if isinstance(x, torch.SymFloat) else _without_symbols(x, like) for x in value])
    return int(value) if isinstance(value, torch.SymInt) else value
