"""What is particular to JAX: derivatives that are given, and how arrays lie on a mesh.

JAX is imported already where this is called.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from typing import Any

from .._array_api import NUMPY_ARRAYS, Array, at_most, known_size

FEW = 1 << 13
"""Numbers of which a branch in XLA's program takes longer than what it leaves out."""


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


def with_partials(function: Callable[..., Any], partials: Callable[..., Any], axis: int, *arrays: Array) -> Any:
    """Return `function` of arrays, which sums along `axis`, with its derivatives by the entries of each.

    ``partials(k, *arrays)`` is the one by the array at position k.
    """
    jax: Any = sys.modules["jax"]
    known = jax.custom_jvp(lambda *arrays: function(*as_jax(arrays)))

    def rule(primals: tuple[Array, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        primals = as_jax(primals)
        moved = [k for k, x in enumerate(tangents) if type(x) is not jax.custom_derivatives.SymbolicZero]
        terms = [jax.numpy.sum(partials(k, *primals) * tangents[k], axis=axis) for k in moved]
        return known(*primals), sum(terms[1:], terms[0])

    known.defjvp(rule, symbolic_zeros=True)
    return known(*arrays)


def in_short(
    short: Callable[..., tuple[Any, Array]], exact: Callable[..., Any], *arrays: Array, most: int | None = None
) -> Any:
    """Return `exact` of arrays, and on the CPU the same from `short`, which also returns whether it is, item by item.

    An accelerator waits for a branch, a mesh of devices for all of them, and few numbers take less time than one. Of
    more numbers than `most`, `exact` takes less time.
    """
    jax: Any = sys.modules["jax"]
    size = known_size(arrays[0].shape)
    if at_most(size, FEW) or (most is not None and not at_most(size, most)) or any(map(lies_on_mesh, arrays)):
        return exact(*arrays)

    def chosen(*arrays: Array) -> Any:
        found, is_same = short(*arrays)
        return jax.lax.cond(
            jax.numpy.all(is_same), lambda found, *_: found, lambda _, *arrays: exact(*arrays), found, *arrays
        )

    return jax.lax.platform_dependent(*arrays, cpu=chosen, default=exact)


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
