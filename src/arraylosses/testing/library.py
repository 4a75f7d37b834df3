"""The libraries that the laws are tried on, and what of a loss and its arrays the laws ask for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Protocol, TypeAlias

import numpy as np

from .._array_api import Array, array_namespace, backend_of, namespace_of, single_device, to_numpy
from ..arguments import Declaration, Inputs
from ..arguments.shapes import Axes
from ..comparison.backends import MODULES, session
from ..data import draw
from ..gradients import value_and_grad
from ..loss import Loss

__all__ = ["Library", "Numbers", "Subject", "drawn", "forms_of"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

_CLOSE = {"float32": 2e-5, "float64": 1e-9}


class Library:
    """An array library: how arrays are handed to it, and how a loss is called on them."""

    dtypes: tuple[str, ...] = ("float32", "float64")
    """The floating dtypes that it has, the widest last."""

    def __init__(self, backend: str) -> None:
        self.backend = backend

    @property
    def module(self) -> Any:
        """Where its functions are found."""
        return importlib.import_module(MODULES[self.backend])

    def active(self) -> AbstractContextManager[None]:
        """Hold the library's settings while something runs on it."""
        return session(self.backend, self.dtypes[-1])

    def array(self, x: Any) -> Array:
        """Return an array of NumPy as one of this library."""
        return self.module.asarray(np.array(x))

    def half(self, x: Any, dtype: str) -> Array | None:
        """Return an array of half precision, or None where the library lacks it."""
        array = self.array(np.asarray(x, dtype="float32"))
        has = np if self.backend == "dask" else namespace_of(array)
        return array_namespace(array).astype(array, getattr(has, dtype)) if hasattr(has, dtype) else None

    def run(self, function: Callable[..., Any], *arrays: Array) -> Any:
        """Call a function of arrays."""
        return function(*arrays)

    def numpy(self, x: Array) -> Numbers:
        """Return the values."""
        return to_numpy(x)

    def of_this_library(self, x: Array) -> bool:
        """Whether something is an array of the library."""
        return backend_of(namespace_of(x)) == self.backend

    def device(self, x: Array) -> Any:
        """Return where an array lies."""
        return single_device(x)


class Draw(Protocol):
    """Draws the arrays that a loss takes: `shape` is that of the items, if nothing else is declared."""

    def __call__(self, seed: int = 0, shape: tuple[int, ...] = (4, 3), dtype: str = "float64") -> Sequence[Numbers]: ...


def forms_of(loss: Loss) -> tuple[bool, ...]:
    """Return whether labels are probabilities, of the forms in which a loss takes them."""
    either = any([len(argument.forms) > 1 for argument in loss.declaration.arguments])
    return (False, True) if either and getattr(loss, "ignore_index", None) is None else (False,)


def drawn(loss: Loss, soft: bool = False) -> Draw:
    """Return what draws arrays for a loss, as long as its settings have numbers.

    These belong to the items of a loss of elements, and else to the classes, or to the one axis along which the first
    array has the parts of an item.
    """
    found = [getattr(x, name) for _, x in loss.leaves for name in (*x.class_settings, *x.array_settings)]
    shapes = [np.shape(x) if isinstance(x, tuple) else tuple(getattr(x, "shape", ())) for x in found]
    lengths = [shape[-1] for shape in shapes if shape]
    last = lengths[:1] if loss.declaration.of_elements else []
    inner = set(loss.declaration.arguments[0].forms[0].axes) - {"...", *loss.declaration.items}
    named = {"C"} | (inner if len(inner) == 1 else set())

    def arrays(seed: int = 0, shape: tuple[int, ...] = (4, 3), dtype: str = "float64") -> list[Numbers]:
        rng = np.random.default_rng(seed)
        sizes = dict.fromkeys(named, lengths[0]) if lengths else None
        numbers = draw(loss.declaration, rng, (*shape, *last), sizes, loss.class_axis(), soft=soft)
        return [x.astype(dtype) if x.dtype.kind == "f" else x for x in numbers]

    return arrays


class Subject:
    """A loss on one library, with arrays that it takes.

    Parameters
    ----------
    loss : Loss
    library : Library
    reference : Library
        The one whose values it must have.
    arrays : Draw
    seed : int
    edges : mapping of str to sequence
        By domain, the edges at which a gradient must be finite, where they are others than those of the domain.
    smooth : bool
        Whether the gradient is that of a difference: not where a part of the formula counts as a constant.
    """

    def __init__(
        self,
        loss: Loss,
        library: Library,
        reference: Library,
        arrays: Draw,
        seed: int = 0,
        edges: Mapping[str, Sequence[Any]] | None = None,
        smooth: bool = True,
    ) -> None:
        self.loss, self.library, self.reference, self.seed = loss, library, reference, seed
        self.arrays, self.edges, self.smooth = arrays, edges or {}, smooth
        self.declaration: Declaration = loss.declaration
        self.dtype = library.dtypes[-1]

    @property
    def coupled(self) -> bool:
        """Whether items depend on each other."""
        return self.declaration.coupled

    def draw(self, shape: tuple[int, ...] = (4, 3), dtype: str | None = None) -> list[Numbers]:
        """Draw arrays in a dtype of the library."""
        return list(self.arrays(self.seed, shape, dtype or self.dtype))

    def items_drawn(self, arrays: Sequence[Numbers]) -> dict[str, Numbers]:
        """Draw a weight and a mask of the items."""
        rng = np.random.default_rng(self.seed + 1)
        weight = rng.uniform(0.5, 2.0, size=self.checked(arrays).item_shape).astype(self.dtype)
        where = rng.uniform(size=self.where_shape(arrays)) < 0.7
        return {"weight": weight, "where": where}

    def call(self, function: Callable[..., Any], arrays: Sequence[Numbers], **items: Numbers) -> Any:
        """Call a function of arrays, a weight and a mask in the manner of the library."""
        names, n = list(items), len(arrays)

        def called(*given: Array) -> Any:
            return function(*given[:n], **dict(zip(names, given[n:], strict=True)))

        return self.library.run(called, *[self.library.array(x) for x in (*arrays, *items.values())])

    def with_reduction(self, reduction: str) -> Loss:
        """Return the loss with another reduction."""
        return replace(self.loss, reduction=reduction)  # type: ignore[arg-type]

    def value(self, arrays: Sequence[Numbers], reduction: str = "mean", /, **items: Numbers) -> Numbers:
        """Return the loss of arrays of NumPy as one."""
        return self.library.numpy(self.call(self.with_reduction(reduction), arrays, **items))

    def expected(self, arrays: Sequence[Numbers], reduction: str = "none", /, **items: Numbers) -> Numbers:
        """Return the loss on the library of reference, in its widest dtype."""
        wide = [x.astype(self.reference.dtypes[-1]) if x.dtype.kind == "f" else x for x in arrays]
        given = {name: self.reference.array(x) for name, x in items.items()}
        found = self.with_reduction(reduction)(*[self.reference.array(x) for x in wide], **given)
        return self.reference.numpy(found)

    def gradients(
        self, arrays: Sequence[Numbers], positions: Sequence[int], reduction: str = "sum", /, **items: Numbers
    ) -> tuple[Numbers, ...]:
        """Return the gradients of the loss by some of the arrays."""
        found = self.call(value_and_grad(self.with_reduction(reduction), tuple(positions)), arrays, **items)[1]
        return tuple([self.library.numpy(x) for x in found])

    def floating(self, arrays: Sequence[Numbers]) -> list[int]:
        """The arrays that a gradient may be taken by."""
        domains = self.declaration.domains
        return [k for k, x in enumerate(arrays) if x.dtype.kind == "f" and domains[k] != "sign"]

    def checked(self, arrays: Sequence[Numbers], **items: Numbers) -> Inputs:
        """Return what the loss makes of its arguments."""
        return self.loss.check(tuple(arrays), items.get("weight"), items.get("where"))

    def where_shape(self, arrays: Sequence[Numbers]) -> tuple[int, ...]:
        """The shape of `where`."""
        kinds = [x.dtype.kind in "iu" for x in arrays]
        forms = [a.form(integer=kind) for a, kind in zip(self.declaration.arguments, kinds, strict=True)]
        axes = Axes(self.declaration, self.loss.class_axis(), self.loss.array_names, tuple(arrays), forms)
        return axes.shape(self.declaration.where)

    def part(self, arrays: Sequence[Numbers], chosen: Sequence[int] | int) -> list[Numbers] | None:
        """Return the arrays of some places of the items' first axis; None if there is none."""
        inputs = self.checked(arrays)
        if not inputs.item_shape:
            return None
        found = []
        for x, layout in zip(arrays, inputs.layout, strict=True):
            free = [k for k in range(-x.ndim, 0) if layout is not None and k not in layout]
            found.append(x if layout is None else np.take(x, chosen, axis=free[0]))
        return found

    def with_first(self, arrays: Sequence[Numbers], first: Sequence[Numbers], axis: int) -> list[Numbers]:
        """Return arrays with those items of others that come first along one of the items' axes."""
        found = []
        for x, other, layout in zip(arrays, first, self.checked(arrays).layout, strict=True):
            free = [k for k in range(-x.ndim, 0) if layout is not None and k not in layout]
            is_first = np.arange(x.shape[free[axis]]) == 0 if layout is not None else np.asarray(True)
            line = [-1 if layout is not None and k == free[axis] else 1 for k in range(-x.ndim, 0)]
            found.append(np.where(is_first.reshape(line), other, x))
        return found

    def near(self, a: Any, b: Any, rtol: float = 0.0, dtype: str | None = None) -> bool:
        """Whether numbers agree, as near as the dtype of the library allows."""
        rtol = max(rtol, _CLOSE[dtype or self.dtype])
        scale = np.max(np.abs(b), initial=1.0, where=np.isfinite(b))
        return bool(np.allclose(a, b, rtol=rtol, atol=rtol * scale, equal_nan=True)) and np.shape(a) == np.shape(b)
