"""The laws: each looks at a loss on one library, and raises `BrokenLawError` with what is wrong."""

from __future__ import annotations

import importlib
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import autodiff
from .._array_api import Array, dtype_name, is_array
from ..execution import direct
from ..execution.settings import following
from ..gradients import value_and_grad, value_grad_hess
from ..loss import Loss, Term, total
from ..reduction import REDUCTIONS
from ..registry import deserialize, name_of, serialize
from .library import Numbers, Subject

__all__ = ["LAWS", "BrokenLawError", "edges", "formula_of"]

_NUMBERS = ("real", "nonnegative", "above_minus_one", "probability", "sign")
"""The domains whose values may be whole numbers of an integer dtype."""


class BrokenLawError(AssertionError):
    """A law is broken."""


def _require(holds: bool, said: str) -> None:
    if not holds:
        raise BrokenLawError(said)


def _by(on: Subject, k: int) -> str:
    return f"the gradient by `{on.declaration.names[k]}`"


def _shape(on: Subject) -> None:
    arrays = on.draw()
    wanted = on.checked(arrays).item_shape
    for reduction in REDUCTIONS:
        result = on.call(on.with_reduction(reduction), arrays)
        shape = wanted if reduction == "none" else ()
        said = (
            f"the result for reduction {reduction!r} has shape {tuple(result.shape)}, where what is declared asks for"
        )
        _require(tuple(result.shape) == shape, f"{said} {shape}")
        _require(on.library.of_this_library(result), "the result is an array of another library")


def _dtype(on: Subject) -> None:
    for dtype in on.library.dtypes:
        arrays = on.draw(dtype=dtype)
        for reduction in ("none", "mean"):
            result = on.call(on.with_reduction(reduction), arrays)
            _require(_dtype_of(result) == dtype, f"{dtype} arrays give a result of {_dtype_of(result)}")
    arrays = on.draw()
    if on.declaration.of_elements and on.declaration.domains[-1] in _NUMBERS and arrays[-1].dtype.kind == "f":
        whole = np.round(arrays[-1])
        for kind in ("int8", "int32" if on.dtype == "float32" else "int64"):
            same = on.near(on.value([*arrays[:-1], whole.astype(kind)]), on.value([*arrays[:-1], whole]))
            _require(same, f"a last array of {kind} is not as if it were floating")


def _dtype_of(x: Array) -> str:
    return dtype_name(x.dtype).rpartition(".")[2]


def _half(on: Subject) -> None:
    """Half precision is computed in float32; a gradient has the dtype of its array."""
    arrays = on.draw()
    floating = on.floating(arrays)
    for dtype, rtol in (("float16", 2e-3), ("bfloat16", 2e-2)):
        given = [on.library.half(x, dtype) if x.dtype.kind == "f" else on.library.array(x) for x in arrays]
        if any(x is None for x in given):
            continue
        rounded = [
            on.library.numpy(x).astype("float64") if y.dtype.kind == "f" else y
            for x, y in zip(given, arrays, strict=True)
        ]
        result = on.library.run(on.loss, *given)
        _require(_dtype_of(result) == "float32", f"{dtype} arrays give a result of {_dtype_of(result)}, not float32")
        same = on.near(on.library.numpy(result), on.expected(rounded, on.loss.reduction), dtype="float32")
        _require(same, f"{dtype} arrays are not computed in float32")
        if not floating:
            continue
        k = floating[0]
        _, gradient, diagonal = on.library.run(value_grad_hess(on.with_reduction("sum"), k), *given)
        for x in (gradient, diagonal):
            _require(_dtype_of(x) == dtype, f"{_by(on, k)}, of {dtype}, has dtype {_dtype_of(x)}")
        # Rounded inputs may tie where the subgradients of two libraries differ; a tie moves a single entry.
        wanted = value_and_grad(on.with_reduction("sum"), k)(*rounded)[1]
        _require(on.near(on.library.numpy(gradient), wanted, rtol), f"{_by(on, k)}, of {dtype}, is another number")


def _device(on: Subject) -> None:
    arrays: list[Array] = [on.library.array(x) for x in on.draw()]
    if on.library.backend == "strict":
        arrays = [on.library.module.asarray(x, device=on.library.module.Device("device1")) for x in arrays]
    elif on.library.backend == "torch":
        arrays = [x.to("meta") for x in arrays]
    wanted = on.library.device(arrays[0])
    got = on.library.device(on.library.run(on.loss, *arrays))
    _require(got == wanted, f"arrays on {wanted} give a result on {got}")


def _no_write(on: Subject) -> None:
    before = on.draw()
    where = on.items_drawn(before)["where"]
    given = [on.library.array(x) for x in (*before, where)]
    functions: list[Callable[..., Any]] = [on.loss]
    if on.library.backend == "numpy":
        for x in given:
            x.flags.writeable = False
        # A derivative is written over where the loss says that it is a new array.
        functions += [value_and_grad(on.with_reduction("mean"), k) for k in on.floating(before)]
    for function in functions:
        on.library.run(function, *given[:-1])  # and with a mask, for which the loss may have made other arrays
        on.library.run(lambda *x: function(*x[:-1], where=x[-1]), *given)  # noqa: B023
    for name, x, y in zip((*on.declaration.names, "where"), given, (*before, where), strict=True):
        _require(np.array_equal(on.library.numpy(x), y), f"`{name}` is written to")


def _values(on: Subject) -> None:
    """A library is no matter: an item is the same number on all."""
    for dtype in on.library.dtypes:
        arrays = on.draw(dtype=dtype)
        said = f"{dtype} arrays give other numbers than on {on.reference.backend}"
        _require(on.near(on.value(arrays, "none"), on.expected(arrays), dtype=dtype), said)


def _items(on: Subject) -> None:
    """An item is what it is alone."""
    arrays = on.draw((3,))
    if on.coupled or on.part(arrays, [0]) is None:
        return
    whole = on.value(arrays, "none")
    alone = on.declaration.items[0] == "..."  # without an axis for a batch
    said = "an item changes with the others of its batch; a loss that couples them says `coupled`"
    for i in range(len(whole)):
        one = on.value(on.part(arrays, i if alone else [i]) or [], "none")
        _require(on.near(one, whole[i] if alone else whole[i : i + 1]), said)
    arrays, others = on.draw(), list(on.arrays(on.seed + 1, dtype=on.dtype))
    whole = on.value(arrays, "none")
    for axis in range(1, whole.ndim):
        first = on.value(on.with_first(others, arrays, axis), "none")
        _require(on.near(np.take(first, 0, axis), np.take(whole, 0, axis)), said)


def _weight(on: Subject) -> None:
    """The reductions are what `Loss` says of the per-item losses, their weights and what `where` keeps."""
    arrays = on.draw()
    items = on.items_drawn(arrays)
    for names in ((), ("weight",), ("where",), ("weight", "where")):
        given = {name: items[name] for name in names}
        kept = {name: items[name] for name in names if name == "where"}
        losses, shares = on.expected(arrays, **kept), _shares(on, arrays, **kept)
        weight = given.get("weight", np.ones(losses.shape))
        for reduction in REDUCTIONS:
            divisor = {"mean": np.sum(weight * shares), "batchmean": len(losses) if losses.ndim else 1}
            weighted = weight * losses
            # Nothing that is kept makes 0.
            wanted = weighted if reduction == "none" else np.sum(weighted) / (divisor.get(reduction, 1.0) or 1.0)
            said = f"reduction {reduction!r} with {' and '.join(names) or 'neither weight nor where'} is another number"
            _require(on.near(on.value(arrays, reduction, **given), wanted), said)
    weight = items["weight"]
    if weight.ndim:
        column = weight[(slice(None), *[slice(1)] * (weight.ndim - 1))]
        same = on.near(on.value(arrays, weight=column), on.value(arrays, weight=np.broadcast_to(column, weight.shape)))
        _require(same, "a weight that is broadcast is not summed as often as it counts")
    mean = on.value(arrays, weight=np.full((), 3.5, on.dtype))
    _require(on.near(mean, on.value(arrays)), "a constant weight changes a mean")
    if on.coupled or on.part(arrays, []) is None:
        return
    shape = on.checked(arrays).item_shape
    times = np.resize([1, 0, 2, 3, 1], shape[0])
    repeated = on.part(arrays, np.repeat(np.arange(shape[0]), times).tolist()) or []
    whole = times.reshape(-1, *[1] * (len(shape) - 1))
    same = on.near(on.value(arrays, weight=whole), on.value(repeated))
    _require(same, "an integer weight is not as if its item were repeated")


def _shares(on: Subject, arrays: Sequence[Numbers], **items: Numbers) -> Numbers:
    """What each item weighs by what `where` keeps, and by the arrays themselves, such as by the weight of a class."""
    inputs = on.checked(arrays, **items)
    kept = np.broadcast_to(1.0 if inputs.where is None else inputs.where, inputs.item_shape)
    own = on.loss.item_weight(*direct.taken(inputs, inputs.arrays))
    return np.where(kept, 1.0 if own is None else own, 0.0)


def _where(on: Subject) -> None:
    """What `where` leaves out is as if it were not there, whatever it holds."""
    arrays = on.draw()
    items = on.items_drawn(arrays)
    where, inputs = items["where"], on.checked(arrays, where=items["where"])
    if not where.ndim:
        return
    spoilt = _spoilt(on, arrays, where)
    kept: Numbers = np.broadcast_to(np.asarray(inputs.where), inputs.item_shape)
    items["weight"] = np.where(kept, items["weight"], 1).astype(on.dtype)
    bad = {"where": where, "weight": np.where(kept, items["weight"], np.nan).astype(on.dtype)}
    said = "what `where` leaves out is NaN, and changes the"
    for reduction in ("none", on.loss.reduction):
        clean = on.value(arrays, reduction, **items)
        found = on.value(spoilt, reduction, **bad)
        _require(on.near(found, clean) and bool(np.all(np.isfinite(clean))), f"{said} value")
    floating = on.floating(arrays)
    for positions in [floating, floating[:1]][: len(floating)]:
        pairs = [on.gradients(x, positions, **given) for x, given in ((arrays, items), (spoilt, bad))]
        for k, clean, found in zip(positions, *pairs, strict=True):
            _require(
                bool(np.all(np.isfinite(found))) and on.near(found, clean),
                f"{said} gradient by `{on.declaration.names[k]}`",
            )
            keep = on.checked(arrays, where=where).kept(k)
            left = found[np.broadcast_to(~keep, found.shape)] if keep is not None else found[:0]
            _require(not np.any(left), f"{_by(on, k)} is not 0 for what `where` leaves out")
    few = on.draw((6,))
    if on.part(few, []) is None:
        return
    inputs = on.checked(few, where=np.ones(on.where_shape(few), dtype=bool))
    keep = np.resize([True, False, True, True, False, True], inputs.item_shape[0])
    of_items = np.broadcast_to(keep.reshape(-1, *[1] * (len(inputs.item_shape) - 1)), inputs.item_shape)
    within = inputs.mask.layout if inputs.mask is not None else ()
    mask = np.broadcast_to(np.expand_dims(of_items, within or ()), on.where_shape(few))
    rest = on.part(few, np.flatnonzero(keep).tolist()) or []
    for reduction in ("mean", "sum"):
        same = on.near(on.value(_spoilt(on, few, mask), reduction, where=mask), on.value(rest, reduction))
        _require(same, "an item that `where` leaves out is not as if it had not been there")


def _spoilt(on: Subject, arrays: Sequence[Numbers], where: Numbers) -> list[Numbers]:
    """Put NaN, infinities and labels that are no class where an item is left out."""
    rng = np.random.default_rng(on.seed + 2)
    inputs, found = on.checked(arrays, where=where), []
    for k, x in enumerate(arrays):
        keep = inputs.kept(k)
        bad = np.asarray([np.nan, np.inf, -np.inf, 0.0]) if x.dtype.kind == "f" else np.asarray([-1, -100, 99])
        if keep is not None and x.dtype.kind != "f":
            keep = keep | (x == getattr(on.loss, "ignore_index", None))  # left out for what it is
        found.append(x if keep is None else np.where(keep, x, rng.choice(bad, size=x.shape).astype(x.dtype)))
    return found


def _nothing(on: Subject) -> None:
    """Without items, or weights but 0, the result is 0 with a zero gradient."""
    arrays = on.draw()
    shape, floating = on.checked(arrays).item_shape, on.floating(arrays)
    nothing = np.zeros(on.where_shape(arrays), dtype=bool)
    for given, items in (
        (_spoilt(on, arrays, nothing), {"where": nothing}),
        (arrays, {"weight": np.zeros(shape, on.dtype)}),
    ):
        (name,) = items
        said = f"with nothing but {'False in `where`' if name == 'where' else '0 in `weight`'}"
        for reduction in REDUCTIONS:
            _require(not np.any(on.value(given, reduction, **items)), f"{said} the value is not 0")
            if reduction == "none":
                continue
            for k, found in zip(floating, on.gradients(given, floating, reduction, **items), strict=True):
                _require(not np.any(found), f"{said} {_by(on, k)} is not 0")
    if not on.coupled and (none := on.part(arrays, [])) is not None:
        for reduction in REDUCTIONS:
            said = f"without items the value for reduction {reduction!r} is not 0"
            _require(not np.any(on.value(none, reduction)), said)


def _nan(on: Subject) -> None:
    """A NaN that is kept comes out."""
    arrays = on.draw()
    floating = on.floating(arrays)
    for k in floating:
        bad = arrays[k].copy()
        bad[:1] = np.nan
        found = on.value([*arrays[:k], bad, *arrays[k + 1 :]])
        _require(bool(np.isnan(found)), f"NaN in `{on.declaration.names[k]}` does not come out as NaN")


def _axis(on: Subject) -> None:
    """An `axis` says where the row lies."""
    if "axis" not in on.loss.settings() or on.loss.class_axis() is None or on.declaration.items != ("...",):
        return
    arrays = on.draw()
    items, layouts = on.value(arrays, "none"), on.checked(arrays).layout
    dims = arrays[0].ndim
    for axis in (*range(dims), -2):
        moved = [np.moveaxis(x, layout[-1], axis) if layout else x for x, layout in zip(arrays, layouts, strict=True)]
        loss = replace(on.loss, axis=axis, reduction="none")  # type: ignore[call-arg]
        try:
            got = on.library.numpy(on.call(loss, moved))
        except ValueError:
            got = np.asarray(np.nan)
        _require(got.shape == items.shape and on.near(got, items), "`axis` does not say where the row lies")


def _gradient(on: Subject) -> None:
    """The gradient is that of a difference, in the library, dtype and shape and on the device of its array."""
    arrays = on.draw(dtype="float64")
    floating, items = on.floating(arrays), on.items_drawn(arrays)
    totals: tuple[Array, ...] = ()
    for given in ({}, items):
        totals = on.call(value_and_grad(on.with_reduction("sum"), tuple(floating)), arrays, **given)[1]
        for k, gradient in zip(floating, totals, strict=True):
            kind = (_dtype_of(gradient), tuple(gradient.shape), on.library.device(gradient))
            wanted = (on.dtype, arrays[k].shape, on.library.device(on.library.array(arrays[k])))
            _require(on.library.of_this_library(gradient), f"{_by(on, k)} is an array of another library")
            _require(kind == wanted, f"{_by(on, k)} has dtype, shape and device {kind}, its array {wanted}")
            if on.smooth:
                _require_difference(on, arrays, k, on.library.numpy(gradient), given)
    weight = items["weight"] * _shares(on, arrays, where=items["where"])
    for reduction, divisor in (("mean", np.sum(weight)), ("batchmean", len(weight) if weight.ndim else 1)):
        # Arrays after the first may be what the items' own weights follow from, and so the divisor.
        found = on.gradients(arrays, floating[:1], reduction, **items)[0] * divisor
        said = f"{_by(on, floating[0])} for reduction {reduction!r} is not divided as its value"
        _require(on.near(found, on.library.numpy(totals[0]), 1e-7), said)


def _require_difference(on: Subject, arrays: list[Numbers], k: int, gradient: Numbers, items: dict[str, Any]) -> None:
    direction = np.random.default_rng(on.seed + 3 + k).normal(size=arrays[k].shape)
    step = 1e-6 * np.minimum(1.0, np.abs(arrays[k])) * direction
    up, down = (
        on.expected([x + sign * step if j == k else x for j, x in enumerate(arrays)], "sum", **items)
        for sign in (1, -1)
    )
    wanted, got = float(up - down) / 2e-6, float(np.sum(gradient * step)) / 1e-6
    scale = max(1e-3, float(np.sum(np.abs(gradient * step))) / 1e-6)
    rtol = 1e-5 if on.dtype == "float64" else 1e-4
    said = f"is not that of a difference: {got:.6g} along a direction where it is {wanted:.6g}"
    _require(abs(got - wanted) <= rtol * max(abs(wanted), 0.1 * scale), f"{_by(on, k)} {said}")


def formula_of(loss: Loss) -> Callable[..., Any]:
    """Return a loss computed straight from its formula, so that a tape records each operation and no closed form."""

    def formula(*arrays: Array, weight: Array | None = None, where: Array | None = None) -> Array:
        terms = loss.terms(arrays, weight, where)
        return total([term.factor for term in terms], [_straight(term) for term in terms])

    return formula


def _straight(term: Term) -> Array:
    return direct.run(*following(term.loss, term.loss.check(term.arrays, term.weight, term.where)))


def _closed_form(on: Subject) -> None:
    """What `derivative` and its like say is what the formula gives, and the diagonal is that of the Hessian."""
    if on.library.backend != "numpy":  # one library is enough, as all have the same formulas
        return
    for dtype in on.library.dtypes:
        arrays = on.draw((2,), dtype)
        drawn = on.items_drawn(arrays)
        items = {"weight": drawn["weight"].astype(dtype), "where": drawn["where"]}
        for reduction, given in (("sum", {}), ("mean", items), ("batchmean", items)):
            loss = on.with_reduction(reduction)
            for k in on.floating(arrays):
                value, found = value_and_grad(loss, k)(*arrays, **given)
                wanted = autodiff.value_and_grad(formula_of(loss), k)(*arrays, **given)
                same = on.near(value, wanted[0], 1e-14, dtype) and on.near(found, wanted[1], 1e-13, dtype)
                _require(same, f"the derivative by `{on.declaration.names[k]}` in closed form is not that of `call`")
    if not on.smooth:
        return
    arrays = on.draw((2,))
    for k in on.floating(arrays):
        # Arrays after the first may be what the items' own weights follow from, and a mean then mixes the items.
        for reduction in ("sum", "mean") if k else ("sum",):
            loss = on.with_reduction(reduction)
            second = value_grad_hess(loss, k)(*arrays)[2]
            differences = _diagonal(on, loss, arrays, k)
            said = f"the second derivative by `{on.declaration.names[k]}` is not that of `call`"
            _require(on.near(np.where(np.isnan(differences), np.nan, second), differences, 1e-5), said)


def _diagonal(on: Subject, loss: Loss, arrays: list[Numbers], k: int) -> Numbers:
    """Some of the Hessian's diagonal, by differences of the gradient of `call`; NaN for the rest.

    Where elements do not couple, it is all of it, at once.
    """
    gradient = autodiff.grad(formula_of(loss), k)
    x, step = arrays[k], 1e-6
    some = np.arange(0, x.size, max(x.size // 6, 1))
    places = [np.ones(x.shape)] if on.declaration.of_elements else np.eye(x.size)[some].reshape(-1, *x.shape)
    diagonal = np.full(x.shape, np.nan)
    for place in places:
        up, down = (gradient(*arrays[:k], x + sign * step * place, *arrays[k + 1 :]) for sign in (1, -1))
        diagonal = np.where(place == 1, (up - down) / (2 * step), diagonal)
    return diagonal


def edges(on: Subject) -> list[Numbers] | None:
    """Return every combination of the edges of the domains at which the loss is finite, as one axis of items."""
    drawn = on.draw()
    forms = [
        argument.form(integer=x.dtype.kind in "iu") for argument, x in zip(on.declaration.arguments, drawn, strict=True)
    ]
    of_elements, axis = on.declaration.of_elements, on.loss.class_axis()
    of_rows = on.declaration.items == ("...",) and all(
        "..." in form.axes
        and (len(form.axes) == 1 or x.shape[-1 if axis is None else axis] == len(form.domain.rows[0]))
        for form, x in zip(forms, drawn, strict=True)
    )
    if of_elements or (of_rows and all(len(form.axes) <= 2 for form in forms)):
        choices: list[Any] = []
        for form in forms:
            of_domain = form.domain.rows if len(form.axes) == 2 else form.domain.edges
            choices.append(range(5) if form.domain.is_integer else on.edges.get(form.domain.name, of_domain))
        arrays = [np.asarray(column) for column in zip(*itertools.product(*choices), strict=True)]
        if of_elements:
            arrays = [np.stack([x] * on.draw((1,))[0].shape[-1], axis=-1) for x in arrays]
        if axis is not None:
            arrays = [np.moveaxis(x, -1, axis) if len(f.axes) == 2 else x for x, f in zip(arrays, forms, strict=True)]
    else:
        arrays = [x if x.dtype.kind in "iu" else np.zeros_like(x) for x in drawn]
    arrays = [x.astype(on.dtype) if x.dtype.kind == "f" else x for x in arrays]
    with np.errstate(all="ignore"):
        finite: Any = np.isfinite(on.value(arrays, "none"))
    if of_elements:
        finite = finite.all(axis=-1)
    return on.part(arrays, np.flatnonzero(finite).tolist()) if finite.ndim == 1 else (arrays if finite.all() else None)


def _edges(on: Subject) -> None:
    """Wherever the loss is finite, so is its gradient."""
    arrays = edges(on)
    if arrays is None or not arrays[0].size:
        return
    floating = on.floating(arrays)
    for positions in [floating, floating[:1]][: len(floating)]:
        for k, found in zip(positions, on.gradients(arrays, positions), strict=True):
            if np.all(np.isfinite(found)):
                continue
            free = on.checked(arrays).layout[k]
            bad = ~np.all(np.isfinite(found), axis=free) if free is not None else np.ones(1)
            (i, *_), *_ = np.nonzero(bad)
            one = on.part(arrays, int(i)) or arrays
            at = ", ".join(f"{name} = {x.tolist()}" for name, x in zip(on.declaration.names, one, strict=True))
            raise BrokenLawError(f"{_by(on, k)} is not finite where the loss is, at {at}")


def _traced(on: Subject) -> None:
    """No branch on values: the formula runs on arrays that have none."""
    arrays = on.draw()
    items = on.items_drawn(arrays)
    names, loss = list(items), on.with_reduction("sum")
    given = [on.library.array(x) for x in (*arrays, *items.values())]
    first = tuple(on.floating(arrays)[:1])

    def run(*x: Array) -> Array:
        return loss(*x[: len(arrays)], **dict(zip(names, x[len(arrays) :], strict=True)))

    backend = on.library.backend
    if backend == "numpy":
        autodiff.value_and_grad(formula_of(loss), first)(*arrays)
    elif backend == "strict":
        with on.library.module.ArrayAPIStrictFlags(data_dependent_shapes=False, boolean_indexing=False):
            run(*given)
    elif backend == "jax":
        jax: Any = importlib.import_module("jax")
        value, gradients = jax.jit(value_and_grad(run, first))(*given)
        same = on.near(on.library.numpy(value), on.value(arrays, "sum", **items), 1e-7)
        for found, wanted in zip(gradients, on.gradients(arrays, first, **items), strict=True):
            same = same and on.near(on.library.numpy(found), wanted, 1e-7)
        _require(same, "under jax.jit it is another number")
    elif backend == "torch":
        torch: Any = importlib.import_module("torch")
        torch.compiler.reset()
        value = torch.compile(run, fullgraph=True, backend="eager")(*given)
        same = on.near(on.library.numpy(value), on.value(arrays, "sum", **items), 1e-7)
        _require(same, "under torch.compile it is another number")
    elif backend == "dask":
        dask: Any = importlib.import_module("dask")

        def refuse(*args: Any, **kwargs: Any) -> None:
            raise BrokenLawError("a lazy array is computed before its result is asked for")

        with dask.config.set(scheduler=refuse):
            run(*given)


def _serialized(on: Subject) -> None:
    try:
        for _, loss in (*on.loss.leaves, (1.0, on.loss)):
            name_of(loss)
    except ValueError:
        return
    arrays = on.draw()
    copy = deserialize(json.loads(json.dumps(serialize(on.loss))))
    # An array comes back as a tuple of its numbers.
    of_arrays = any([is_array(getattr(on.loss, name)) for name in on.loss.array_settings])
    same = of_arrays or (copy == on.loss and hash(copy) == hash(on.loss))
    same = same and on.near(on.library.numpy(on.call(copy, arrays)), on.value(arrays, on.loss.reduction))
    _require(same, "it is another one once it was serialized")


LAWS: dict[str, Callable[[Subject], None]] = {
    "shape": _shape,
    "dtype": _dtype,
    "half precision": _half,
    "device": _device,
    "inputs": _no_write,
    "values": _values,
    "items": _items,
    "weight": _weight,
    "where": _where,
    "no items": _nothing,
    "NaN": _nan,
    "axis": _axis,
    "gradient": _gradient,
    "closed form": _closed_form,
    "edges": _edges,
    "tracing": _traced,
    "serialization": _serialized,
}
"""Each law by its name."""
