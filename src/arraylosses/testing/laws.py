"""The laws: each looks at a loss on one library, and raises `BrokenLawError` with what is wrong."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from .. import autodiff
from .._array_api import Array, Namespace, dtype_name, single_device, to_numpy
from ..arguments import Declaration, Inputs
from ..data import draw
from ..execution import direct
from ..gradients import value_and_grad, value_grad_hess
from ..loss import Loss
from ..registry import deserialize, name_of, serialize

__all__ = ["LAWS", "BrokenLawError", "On"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

_BATCH = (4, 3)
_CLOSE = 1e-9
_STEP = 1e-6


class BrokenLawError(AssertionError):
    """A law is broken."""


class On:
    """A loss on one library, with arrays that it takes."""

    def __init__(self, loss: Loss, backend: str, xp: Namespace, seed: int) -> None:
        self.loss, self.backend, self.xp, self.seed = loss, backend, xp, seed
        self.declaration: Declaration = loss.declaration

    def arrays(self, batch: tuple[int, ...] = _BATCH, dtype: str = "float64") -> list[Numbers]:
        """Draw arrays that the loss takes."""
        rng = np.random.default_rng(self.seed)
        drawn = draw(self.declaration, rng, batch, None, self.loss.class_axis())
        return [x.astype(dtype) if x.dtype.kind == "f" else x for x in drawn]

    def take(self, x: Numbers) -> Array:
        """Return an array of NumPy as one of the library."""
        return self.xp.asarray(np.array(x))

    def give(self, *arrays: Numbers, loss: Loss | None = None, **items: Numbers) -> Numbers:
        """Return the loss of arrays of NumPy as one."""
        result = (loss or self.loss)(
            *[self.take(x) for x in arrays], **{name: self.take(x) for name, x in items.items()}
        )
        return to_numpy(result)

    def of_items(self, *arrays: Numbers, **items: Any) -> Numbers:
        """Return the per-item losses."""
        return self.give(*arrays, loss=replace(self.loss, reduction="none"), **items)

    def checked(self, arrays: list[Numbers]) -> Inputs:
        """Return what the loss makes of its arguments."""
        return self.loss.check(tuple(arrays), None, None)

    def where_shape(self, arrays: list[Numbers]) -> tuple[int, ...]:
        """The shape of `where`: that of the items, or of the first array without the axes that it has not."""
        declaration = self.declaration
        if declaration.where == declaration.items:
            return self.checked(arrays).item_shape
        shape = list(arrays[0].shape)
        if declaration.moving is not None and declaration.moving not in declaration.where:
            del shape[-1 if (axis := self.loss.class_axis()) is None else axis]
        return tuple(shape)

    def floating(self, arrays: list[Numbers]) -> list[int]:
        """The arrays that a gradient may be taken by."""
        signs = ("sign", "length", "class")
        return [k for k, x in enumerate(arrays) if x.dtype.kind == "f" and self.declaration.domains[k] not in signs]

    def gradient(self, arrays: list[Numbers], k: int, **items: Numbers) -> Numbers:
        """Return the gradient of the sum by array `k`, as users get it."""
        loss = replace(self.loss, reduction="sum")
        given = {name: self.take(x) for name, x in items.items()}
        return to_numpy(value_and_grad(loss, k)(*[self.take(x) for x in arrays], **given)[1])


def _require(holds: bool, said: str) -> None:
    if not holds:
        raise BrokenLawError(said)


def _near(a: Numbers, b: Numbers, rtol: float = _CLOSE) -> bool:
    return bool(
        np.allclose(a, b, rtol=rtol, atol=rtol * max(1.0, float(np.max(np.abs(b), initial=0.0))), equal_nan=True)
    )


def _shape(on: On) -> None:
    arrays = on.arrays()
    wanted, got = on.checked(arrays).item_shape, on.of_items(*arrays).shape
    _require(got == wanted, f"per-item losses have shape {got}, where what is declared asks for {wanted}")
    _require(on.give(*arrays).shape == (), "the reduced loss does not have shape ()")


def _dtype(on: On) -> None:
    for dtype in ("float32", "float64"):
        arrays = [on.take(x) for x in on.arrays(dtype=dtype)]
        for reduction in ("none", "mean"):
            got = dtype_name(replace(on.loss, reduction=reduction)(*arrays).dtype)
            _require(got == dtype, f"{dtype} arrays give a result of {got}")


def _device(on: On) -> None:
    arrays: list[Array] = [on.take(x) for x in on.arrays()]
    if on.backend == "strict":
        other = on.xp.Device("device1")
        arrays = [on.xp.asarray(x, device=other) for x in arrays]
    elif on.backend == "torch":
        arrays = [x.to("meta") for x in arrays]
    wanted = single_device(arrays[0])
    got = single_device(on.loss(*arrays))
    _require(got == wanted, f"arrays on {wanted} give a result on {got}")


def _no_write(on: On) -> None:
    before = on.arrays()
    given = [on.take(x) for x in before]
    if on.backend == "numpy":
        for x in given:
            x.flags.writeable = False
    on.loss(*given)
    for name, x, y in zip(on.declaration.names, given, before, strict=True):
        _require(np.array_equal(to_numpy(x), y), f"`{name}` is written to")


def _items(on: On) -> None:
    """An item is what it is alone."""
    if on.declaration.coupled or not on.declaration.items or on.declaration.items[0] not in ("...", "N"):
        return
    arrays = on.arrays(batch=(4,))
    inputs, whole = on.checked(arrays), on.of_items(*arrays)
    for i in range(inputs.item_shape[0]):
        part = []
        for x, layout in zip(arrays, inputs.layout, strict=True):
            free = [k for k in range(-x.ndim, 0) if layout is not None and k not in layout]
            part.append(x if layout is None else np.take(x, [i], axis=free[0]))
        _require(
            _near(on.of_items(*part)[0], whole[i]),
            "an item changes with the others of its batch; a loss that couples them says `coupled`",
        )


def _weight(on: On) -> None:
    arrays = on.arrays()
    items = on.of_items(*arrays)
    weight = np.random.default_rng(on.seed + 1).uniform(0.5, 2.0, size=items.shape)
    _require(_near(on.of_items(*arrays, weight=weight), weight * items), "a weight does not multiply its item")
    mean = on.give(*arrays, loss=replace(on.loss, reduction="mean"), weight=np.full(items.shape, 3.0))
    _require(_near(mean, on.give(*arrays, loss=replace(on.loss, reduction="mean"))), "a constant weight changes a mean")


def _where(on: On) -> None:
    arrays = on.arrays()
    where = np.ones(on.where_shape(arrays), dtype=bool)
    if not where.ndim:
        return
    within = on.declaration.where != on.declaration.items
    where[(..., -1) if within else 0] = False
    inputs = on.loss.check(tuple(arrays), None, where)
    clean = on.of_items(*arrays, where=where)
    spoilt = []
    for k, x in enumerate(arrays):
        keep = inputs.kept(k)
        spoilt.append(x if inputs.is_integer(k) or keep is None else np.where(keep, x, np.nan))
    _same_with_nan(on, arrays, spoilt, where, clean)
    if on.declaration.coupled:
        kept = [x if layout is None else x[1:] for x, layout in zip(arrays, inputs.layout, strict=True)]
        said = "an item that `where` leaves out is not as if it had not been there"
        _require(_near(clean[1:], on.of_items(*kept)), said)


def _same_with_nan(on: On, arrays: list[Numbers], spoilt: list[Numbers], where: Numbers, clean: Numbers) -> None:
    said = "what `where` leaves out is NaN, and changes the"
    _require(_near(on.of_items(*spoilt, where=where), clean) and bool(np.all(np.isfinite(clean))), f"{said} value")
    for k in on.floating(arrays):
        found = on.gradient(spoilt, k, where=where)
        _require(bool(np.all(np.isfinite(found))), f"{said} gradient by `{on.declaration.names[k]}`")
        _require(_near(found, on.gradient(arrays, k, where=where)), f"{said} gradient by `{on.declaration.names[k]}`")


def _axis(on: On) -> None:
    if on.loss.class_axis() is None:
        return
    arrays = on.arrays(batch=(4,))
    items = on.of_items(*arrays)
    layouts = on.checked(arrays).layout
    moved = [np.moveaxis(x, layout[-1], 0) if layout else x for x, layout in zip(arrays, layouts, strict=True)]
    if on.declaration.items == ("...",):
        loss: Any = replace(on.loss, axis=0, reduction="none")  # type: ignore[call-arg]
        try:
            got = on.give(*moved, loss=loss)
        except ValueError:
            got = np.asarray(np.nan)
        _require(got.shape == items.shape and _near(got, items), "`axis` does not say where the row lies")


def _gradient(on: On) -> None:
    arrays = on.arrays()
    loss = replace(on.loss, reduction="sum")
    for k in on.floating(arrays):
        direction = np.random.default_rng(on.seed + 2 + k).normal(size=arrays[k].shape)
        step = _STEP * np.minimum(1.0, np.abs(arrays[k])) * direction
        up, down = (
            on.give(*[x + sign * step if j == k else x for j, x in enumerate(arrays)], loss=loss) for sign in (1, -1)
        )
        expected, got = float(up - down) / 2, float(np.sum(on.gradient(arrays, k) * step))
        scale = _STEP * max(1.0, float(np.sum(np.abs(on.gradient(arrays, k)))))
        _require(
            abs(got - expected) <= 1e-4 * max(abs(expected), scale * 1e-3),
            f"the gradient by `{on.declaration.names[k]}` is not that of a difference: {got / _STEP:.6g} along a "
            f"direction where it is {expected / _STEP:.6g}",
        )


def _closed_form(on: On) -> None:
    """What `derivative` and its like say is what the formula gives."""
    if on.backend != "numpy":  # one library is enough, as all have the same formulas
        return
    arrays = on.arrays()
    loss = replace(on.loss, reduction="sum")
    for k in on.floating(arrays):

        def formula(x: Array, k: int = k) -> Array:
            given = tuple([x if j == k else y for j, y in enumerate(arrays)])
            return direct.run(loss, loss.check(given, None, None))

        expected = autodiff.value_and_grad(formula)(arrays[k])[1]
        _require(
            _near(on.gradient(arrays, k), expected, 1e-7),
            f"the derivative by `{on.declaration.names[k]}` in closed form is not that of `call`",
        )
    if type(loss).second_derivative is not Loss.second_derivative:
        second = value_grad_hess(loss)(*arrays)[2]
        step = 1e-5
        up, down = (on.gradient([arrays[0] + sign * step, *arrays[1:]], 0) for sign in (1, -1))
        if on.declaration.of_elements:
            _require(_near(second, (up - down) / (2 * step), 1e-4), "the second derivative is not that of `derivative`")


def _are_rows(declaration: Declaration) -> bool:
    """Whether an item has one row or one value of each array."""
    axes = [form.axes for argument in declaration.arguments for form in argument.forms]
    return declaration.items == ("...",) and all("..." in one and len(one) <= 2 for one in axes)


def _edges(on: On) -> None:
    """Wherever the loss is finite, so is its gradient."""
    forms = [argument.form(integer=True) for argument in on.declaration.arguments]
    if on.declaration.of_elements:
        choices: list[Any] = [form.domain.edges for form in forms]
        columns = zip(*itertools.product(*choices), strict=True)
        arrays = [np.asarray(column, dtype="float64") for column in columns]
    elif _are_rows(on.declaration) and on.loss.class_axis() in (None, -1):
        rows = [
            list(range(5)) if form.domain.is_integer else form.domain.rows if len(form.axes) == 2 else (-1.0, 1.0)
            for form in forms
        ]
        arrays = [np.asarray(column) for column in zip(*itertools.product(*rows), strict=True)]
    else:
        same = [np.zeros_like(x) for x in on.arrays()]
        arrays = [y if y.dtype.kind == "i" else x for x, y in zip(same, on.arrays(), strict=True)]
    finite = np.isfinite(on.of_items(*arrays))
    if not finite.ndim or not finite.any():
        return
    kept = [x[finite] if x.shape[: finite.ndim] == finite.shape else x for x in arrays]
    for k in on.floating(kept):
        found = on.gradient(kept, k)
        bad = ~np.isfinite(found).reshape(len(found), -1).all(axis=1)
        if bad.any():
            i = int(np.argmax(bad))
            at = ", ".join(f"{name} = {x[i].tolist()}" for name, x in zip(on.declaration.names, kept, strict=True))
            raise BrokenLawError(
                f"the gradient by `{on.declaration.names[k]}` is not finite where the loss is, at {at}"
            )


def _traced(on: On) -> None:
    """No branch on values: the formula runs on arrays that have none."""
    arrays = on.arrays()
    expected = on.give(*arrays)
    given = [on.take(x) for x in arrays]
    if on.backend == "numpy":
        k = on.floating(arrays)[:1]
        if k:
            loss = replace(on.loss, reduction="sum")
            others = list(arrays)

            def formula(x: Array) -> Array:
                others[k[0]] = x
                return direct.run(loss, loss.check(tuple(others), None, None))

            autodiff.value_and_grad(formula)(arrays[k[0]])
    elif on.backend == "strict":
        with on.xp.ArrayAPIStrictFlags(data_dependent_shapes=False, boolean_indexing=False):
            on.loss(*given)
    elif on.backend == "jax":
        jax: Any = importlib.import_module("jax")
        got = to_numpy(jax.jit(lambda *x: on.loss(*x))(*given))
        _require(_near(got, expected, 1e-7), "under jax.jit it is another number")
    elif on.backend == "torch":
        torch: Any = importlib.import_module("torch")
        torch.compiler.reset()
        compiled = torch.compile(lambda *x: on.loss(*x), fullgraph=True, backend="eager")
        _require(_near(to_numpy(compiled(*given)), expected, 1e-7), "under torch.compile it is another number")
    elif on.backend == "dask":
        dask: Any = importlib.import_module("dask")

        def refuse(*args: Any, **kwargs: Any) -> None:
            raise BrokenLawError("a lazy array is computed before its result is asked for")

        with dask.config.set(scheduler=refuse):
            on.loss(*given)


def _serialized(on: On) -> None:
    try:
        name_of(on.loss)
    except ValueError:
        return
    arrays = on.arrays()
    copy = deserialize(serialize(on.loss))
    _require(
        copy == on.loss and _near(on.give(*arrays, loss=copy), on.give(*arrays)),
        "it is another one once it was serialized",
    )


LAWS: dict[str, Callable[[On], None]] = {
    "shape": _shape,
    "dtype": _dtype,
    "device": _device,
    "inputs": _no_write,
    "items": _items,
    "weight": _weight,
    "where": _where,
    "axis": _axis,
    "gradient": _gradient,
    "closed form": _closed_form,
    "edges": _edges,
    "tracing": _traced,
    "serialization": _serialized,
}
"""Each law by its name."""
