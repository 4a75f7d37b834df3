"""The arrays of a call: libraries, devices, dtypes, shapes and labels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._array_api import (
    Array,
    Namespace,
    array_namespace,
    as_index,
    backend_of,
    broadcast_to,
    dtype_kind,
    holds_values,
    is_array,
    is_eager_jax,
    result_dtype,
    single_device,
    to_numpy,
    with_axes,
)
from .._config import setting
from .declaration import ANY, Declaration, Form
from .domains import DOMAINS, Domain
from .labels import LEFT_OUT, check_labels
from .places import FLOATING, check_dtype, check_integers, check_places, one_library
from .shapes import Axes, Layout, check_weights

__all__ = ["Inputs", "Labels", "check_inputs"]

_OF_ITEMS: Layout = ()


class Labels(NamedTuple):
    """Which of the arrays holds integer labels, and of how many classes."""

    position: int
    classes: int | None
    """None for ids, which may be any integers."""


class Inputs(NamedTuple):
    """The arguments of one call, checked: what `execution` works on."""

    xp: Namespace
    arrays: tuple[Array, ...]
    dtype: Any
    item_shape: tuple[int, ...]
    layout: tuple[Layout, ...]
    """Of each of `arrays`."""
    labels: tuple[Labels, ...]
    """Those of `arrays` that hold integer labels, which have no gradient and no place for a neutral number."""
    weight: Array | None
    where: Array | None
    invalid: Array | None
    """The items with a label that is no class, where the labels could not be looked at before the computation."""
    mask: Mask | None = None
    """What `where` leaves out within an item, where a loss declares that it may."""
    as_given: bool = False
    """Whether it is known that no array has to be converted, and nothing of it left out."""

    def is_integer(self, k: int) -> bool:
        """Whether array `k` holds integer labels."""
        return any([found.position == k for found in self.labels])

    def kept(self, k: int) -> Array | None:
        """Return what `where` keeps, broadcastable to array `k`; None where it says nothing of it."""
        if self.mask is not None and (layout := self.mask.of_arrays[k]) is not None:
            return with_axes(self.mask.values, layout)
        if self.where is None or (layout := self.layout[k]) is None:
            return None
        return self.of_array(self.where, k)

    def of_array(self, of_items: Array, k: int) -> Array:
        """Return one value an item, broadcastable to array `k`."""
        layout = self.layout[k]
        return with_axes(broadcast_to(self.xp, of_items, self.item_shape), layout) if layout else of_items


class Mask(NamedTuple):
    """Booleans with axes beyond the items'."""

    values: Array
    layout: Layout
    """Its axes that are none of the items'."""
    of_arrays: tuple[Layout, ...]
    """The axes of each array that it has not; None for an array that it says nothing of."""


def check_inputs(
    declaration: Declaration,
    axis: int | None,
    ignore_index: int | None,
    arrays: tuple[Array, ...],
    weight: Array | None,
    where: Array | None,
    *,
    ignores: bool = False,
) -> Inputs:
    """Check the arrays of one call against what the loss takes; nothing is computed but the labels' range.

    `ignores` says whether the loss has a setting `ignore_index`.
    """
    arrays = tuple(map(_without_file, _with_lengths(declaration, _taken(declaration, arrays))))
    weight, where = _without_file(weight), _without_file(where)
    names = declaration.names[: len(arrays)]
    xp = one_library(names, arrays, weight, where)
    check_places(xp, names, arrays, weight, where)
    first = arrays[0]
    dtype, shape = first.dtype, tuple(first.shape)
    # Lengths of other losses' arrays are not compared here: they may be symbols of axes that have nothing to do.
    alike = declaration.of_elements and all([x.dtype == dtype and x.shape == shape for x in arrays[1:]])
    if alike and dtype_kind(dtype) == "float":
        check_weights(weight, where, shape, shape)
        inputs = Inputs(xp, arrays, dtype, shape, (_OF_ITEMS,) * len(arrays), (), weight, where, None)
        return _looked_at(declaration, inputs)
    floating, forms, given = [], [], []
    for k, (argument, x) in enumerate(zip(declaration.arguments, arrays, strict=False)):
        kind = dtype_kind(x.dtype)
        if kind == "bool" and any([form.of == "2" for form in argument.forms]):
            x, kind = xp.astype(x, xp.uint8), "int"
        given.append(x)
        if kind in FLOATING and not all([form.domain.is_integer for form in argument.forms]):
            floating.append(x)
        else:
            of_items = declaration.items or declaration.where  # an item may be the whole batch
            of_no_item = bool(of_items) and not set(of_items) & set(argument.forms[0].axes)
            check_dtype(xp, argument, x, is_prediction=k == 0 or of_no_item)
        forms.append(argument.form(integer=kind == "int"))
    arrays = tuple(given)
    axes = Axes(declaration, axis, names, arrays, forms)
    for name, form, x in zip(names, forms, arrays, strict=True):
        if form.domain.is_integer:
            check_integers(xp, name, form.domain.values, x)
    item_shape = axes.shape(declaration.items)
    where_shape = axes.shape(declaration.where)
    check_weights(weight, where, item_shape, where_shape, axes)
    return _looked_at(
        declaration,
        _with_labels(
            declaration,
            axes,
            ignore_index,
            LEFT_OUT[ignores],
            Inputs(
                xp,
                arrays,
                result_dtype(xp, floating) if floating else xp.float32,
                item_shape,
                tuple([axes.layout(k, declaration.items) for k in range(len(arrays))]),
                (),
                weight,
                where,
                None,
            ),
        ),
    )


def _taken(declaration: Declaration, arrays: tuple[Array, ...]) -> tuple[Array, ...]:
    """Return the arrays without those at the end that are not given."""
    names, least = declaration.names, declaration.required
    while len(arrays) > least and arrays[-1] is None:
        arrays = arrays[:-1]
    if not names or not least <= len(arrays) <= len(names):
        if not names:
            raise TypeError("this loss takes no arrays: its class must define `call(self, prediction, target, ...)`")
        some = names[:least] if len(arrays) < least else names
        raise TypeError(
            f"this loss takes {len(some)} arrays, {', '.join(f'`{name}`' for name in some)}; got {len(arrays)}"
        )
    return arrays


def _without_file(x: Array | None) -> Array | None:
    """Return an array that NumPy has mapped from a file as a plain one: what is made like it lies in no file."""
    return x.view(np.ndarray) if type(x) is np.memmap else x


def _with_lengths(declaration: Declaration, arrays: tuple[Array, ...]) -> tuple[Array, ...]:
    """Return the arrays, and for lengths that are not given those of the whole axis."""
    found = list(arrays)
    for k, argument in enumerate(declaration.arguments):
        form = argument.forms[0]
        if form.domain.name != "length" or k > len(found) or (k < len(found) and found[k] is not None):
            continue
        owner = next(j for j, other in enumerate(declaration.arguments) if form.of in other.forms[0].axes)
        x = found[owner]
        if not is_array(x):
            break
        sizes = _sizes(declaration.arguments[owner].forms[0], tuple(x.shape))
        shape = tuple([n for axis in form.axes for n in sizes[axis]])
        length = array_namespace(x).full(shape, sum(sizes[form.of]), device=single_device(x, to_make=True))
        found[k:] = [length, *found[k + 1 :]]
    return tuple(found)


def _sizes(form: Form, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The lengths of each axis of an array."""
    sizes, start = {}, 0
    for axis in form.axes:
        count = len(shape) - len(form.axes) + 1 if axis == ANY else 1
        sizes[axis] = shape[start : start + count]
        start += count
    return sizes


def _with_labels(
    declaration: Declaration, axes: Axes, ignore_index: int | None, left_out: str, inputs: Inputs
) -> Inputs:
    """Return the inputs with integers checked, and with what is left out of an item."""
    xp, where, invalid = inputs.xp, inputs.where, None
    arrays, labels = list(inputs.arrays), []
    for k, form in enumerate(axes.forms):
        if not form.domain.is_integer:
            others = declaration.arguments[k].forms
            if ignore_index is not None and any(f.domain.is_integer and f.axes == form.axes for f in others):
                used = arrays[k] != ignore_index  # a label of floating dtype
                where = used if where is None else xp.logical_and(used, where)
            continue
        if not form.domain.of_axis:
            arrays[k] = as_index(xp, arrays[k])
            labels.append(Labels(k, None))
            continue
        is_length = form.domain.name == "length"
        size = axes.size(form.of) + int(form.domain.counts)  # sizes that torch compiles take no bool
        of_where, extra = where, axes.layout(k, declaration.where)
        if where is not None:
            whole = broadcast_to(xp, where, axes.shape(declaration.where))
            of_where = None if extra is None else with_axes(whole, extra)
        within = of_where if is_length else _within(xp, axes, arrays, k, of_where)
        called = f"the lengths of `{axes.owner(form.of)}`" if is_length else "classes"
        of_items = form.axes == declaration.where
        ignored = ignore_index if of_items and not is_length else None
        hint = left_out if of_items else _hint_at_lengths(axes, form)
        arrays[k], kept, wrong = check_labels(xp, axes.names[k], arrays[k], size, ignored, within, called, hint)
        if is_length and of_where is not None:
            arrays[k] = xp.where(of_where, arrays[k], xp.zeros_like(arrays[k]))  # nothing of an item that is left out
        labels.append(Labels(k, size))
        if form.axes == declaration.where:
            where = kept
        if wrong is not None:
            extra = axes.layout(k, declaration.items)
            wrong = xp.any(wrong, axis=extra) if extra else wrong
            invalid = wrong if invalid is None else xp.logical_or(invalid, wrong)
    inputs = inputs._replace(arrays=tuple(arrays), labels=tuple(labels), where=where, invalid=invalid)
    if where is None or not declaration.takes_where:
        return inputs
    values = broadcast_to(xp, where, axes.shape(declaration.where))
    layout = axes.layout_of(declaration.where, len(values.shape), declaration.items)
    of_arrays = tuple([axes.layout(k, declaration.where) for k in range(len(arrays))])
    kept_items = xp.any(values, axis=layout) if layout else values
    return inputs._replace(where=kept_items, mask=Mask(values, layout, of_arrays))


def _hint_at_lengths(axes: Axes, form: Form) -> str:
    """Return a hint at the array that says how many labels of a sequence are in use."""
    found = [name for name, other in zip(axes.names, axes.forms, strict=True) if _is_length_of(other, form)]
    return f"; `{found[0]}` says how many are in use" if found else ""


def _is_length_of(length: Form, form: Form) -> bool:
    return length.domain.name == "length" and length.of in form.axes


def _within(xp: Namespace, axes: Axes, arrays: list[Array], k: int, where: Array | None) -> Array | None:
    """The entries of array `k` that are in use, where another one says how many are."""
    form = axes.forms[k]
    for position, other in enumerate(axes.forms):
        if _is_length_of(other, form):
            place = form.axes.index(other.of) - len(form.axes)
            line = [1] * len(arrays[k].shape)
            line[place] = arrays[k].shape[place]
            lengths = as_index(xp, arrays[position])
            count = xp.arange(line[place], dtype=lengths.dtype, device=single_device(lengths, to_make=True))
            used = xp.reshape(count, tuple(line)) < with_axes(lengths, (place,))
            where = used if where is None else xp.logical_and(where, used)
    return where


def _looked_at(declaration: Declaration, inputs: Inputs) -> Inputs:
    if setting("check_values"):
        _check_values(declaration, inputs)
    return inputs


def _check_values(declaration: Declaration, inputs: Inputs) -> None:
    """Refuse a value of an item that is kept and lies outside its domain, in arrays that can be looked at."""
    for k, (argument, x) in enumerate(zip(declaration.arguments, inputs.arrays, strict=False)):
        if not inputs.is_integer(k):
            _refuse_outside(argument.name, x, argument.form(integer=False).domain, inputs.kept(k))
    if inputs.weight is not None:
        _refuse_outside("weight", inputs.weight, DOMAINS["nonnegative"], inputs.where)


def _refuse_outside(name: str, x: Array, domain: Domain, where: Array | None) -> None:
    seen = [_seen(y) for y in (x, where) if y is not None]
    if any([y is None for y in seen]):
        return
    x, *kept = seen
    xp = array_namespace(x)
    if dtype_kind(x.dtype) not in FLOATING:  # unsigned integers have no -1 to be compared with
        x = xp.astype(x, xp.float64)
    found = domain.outside(x)
    if found is None:
        return
    if kept:
        found, x = xp.broadcast_arrays(found & kept[0], x)
    if bool(xp.any(found)):
        raise ValueError(f"`{name}` must hold {domain.values}, got {float(x[found][0])}")


def _seen(x: Array) -> Any:
    """Return an array whose values can be looked at, itself or the same of NumPy; None of a lazy or traced one."""
    if holds_values(x):
        return x
    backend = backend_of(array_namespace(x))
    of_jax = backend == "jax" and is_eager_jax(x) and all([device.platform == "cpu" for device in x.devices()])
    return to_numpy(x) if of_jax or backend == "strict" else None
