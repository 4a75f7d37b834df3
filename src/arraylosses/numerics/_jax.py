"""What is particular to JAX: derivatives that are given, and how arrays lie on a mesh.

JAX is imported already where this is called.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from typing import Any

from .._array_api import NUMPY_ARRAYS, Array


def as_jax(primals: Iterable[Array]) -> tuple[Array, ...]:
    """Return primals as arrays of JAX: what is differentiated may have been given as an array of NumPy, and then is."""
    jax: Any = sys.modules["jax"]
    return tuple([jax.numpy.asarray(x) if isinstance(x, NUMPY_ARRAYS) else x for x in primals])


def with_jvp_of(plain: Callable[..., Any], exact: Callable[..., Any], *arrays: Array) -> Any:
    """Return `exact` of arrays, with the derivatives of `plain`: the same function, rounded more coarsely.

    Before the arrays, `plain` is given the result.
    """
    jax: Any = sys.modules["jax"]
    function = jax.custom_jvp(lambda *arrays: exact(*as_jax(arrays)))

    @function.defjvp  # type: ignore[untyped-decorator]
    def rule(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Any, Any]:
        primals = as_jax(primals)
        result = function(*primals)
        known = jax.lax.stop_gradient(result)
        return result, jax.jvp(functools.partial(plain, known), primals, tangents)[1]

    return function(*arrays)


def with_derivative(function: Callable[[Array], Any], derivative: Callable[[Array], Any], x: Array) -> Any:
    """Return `function` of the elements of `x`, with a derivative that is shorter than what JAX would derive."""
    jax: Any = sys.modules["jax"]
    known = jax.custom_jvp(lambda x: function(*as_jax((x,))))

    @known.defjvp  # type: ignore[untyped-decorator]
    def rule(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Any, Any]:
        (x,) = as_jax(primals)
        return known(x), derivative(x) * tangents[0]

    return known(x)


def has_explicit_sharding(x: Array) -> bool:
    """Whether the type of `x` says how it lies on a mesh, one of whose axes is explicit."""
    typeof = getattr(sys.modules["jax"], "typeof", None)
    place = typeof and getattr(typeof(x), "sharding", None)
    return place is not None and any([axis is not None for axis in place.spec])


def lies_on_mesh(x: Array) -> bool:
    """Whether the type of `x` says that it lies on a mesh of several devices."""
    typeof = getattr(sys.modules["jax"], "typeof", None)
    place = typeof and getattr(typeof(x), "sharding", None)
    return place is not None and place.mesh.size > 1


def varying_axes(x: Array) -> frozenset[str]:
    """The axes of the mesh along which `x` varies, inside `jax.shard_map`."""
    typeof = getattr(sys.modules["jax"], "typeof", None)
    if typeof is None:
        return frozenset()
    kind = typeof(x)
    manual = getattr(kind, "manual_axis_type", None)  # `vma` before JAX 0.9
    axes: frozenset[str] = getattr(kind, "vma", frozenset()) if manual is None else manual.varying
    return axes
