"""The arrays of a call: libraries, devices, dtypes, shapes and labels."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

from .._array_api import (
    Array,
    Namespace,
    as_index,
    backend_of,
    broadcast_to,
    broadcasts_to,
    dtype_kind,
    dtype_name,
    holds_values,
    integer_range,
    is_container,
    is_torch,
    joined,
    library_of,
    lie_below,
    namespace_of,
    result_dtype,
    same_shape,
    single_device,
    with_axes,
)
from .._config import setting
from .declaration import ANY, Argument, Declaration, Form
from .domains import DOMAINS, Domain
from .hints import added_axes, as_dtype, in_short, made_of

__all__ = ["Inputs", "Labels", "Layout", "check_inputs"]

_FLOATING = ("float", "half")

Layout = tuple[int, ...] | None
"""The axes of an array that are none of the items', counted from the end; None where it belongs to no item."""

_OF_ITEMS: Layout = ()


class Labels(NamedTuple):
    """Which of the arrays holds integer labels, and of how many classes."""

    position: int
    classes: int


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

    def is_integer(self, k: int) -> bool:
        """Whether array `k` holds integer labels."""
        return any([found.position == k for found in self.labels])


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
) -> Inputs:
    """Check the arrays of one call against what the loss takes; nothing is computed but the labels' range."""
    arrays = _taken(declaration, arrays)
    names = declaration.names[: len(arrays)]
    xp = _one_library(names, arrays, weight, where)
    _check_places(xp, names, arrays, weight, where)
    first = arrays[0]
    dtype, shape = first.dtype, tuple(first.shape)
    alike = all([x.dtype == dtype and x.shape == shape for x in arrays[1:]])
    if alike and declaration.of_elements and dtype_kind(dtype) == "float":
        _check_weights(weight, where, shape, shape)
        inputs = Inputs(xp, arrays, dtype, shape, (_OF_ITEMS,) * len(arrays), (), weight, where, None)
        return _looked_at(declaration, inputs)
    floating, forms = [], []
    for k, (argument, x) in enumerate(zip(declaration.arguments, arrays, strict=False)):
        kind = dtype_kind(x.dtype)
        if kind in _FLOATING and not all([form.domain.is_integer for form in argument.forms]):
            floating.append(x)
        else:
            of_no_item = bool(declaration.items) and not set(declaration.items) & set(argument.forms[0].axes)
            _check_dtype(xp, argument, x, is_prediction=k == 0 or of_no_item)
        forms.append(argument.form(integer=kind == "int"))
    axes = _Axes(declaration, axis, names, arrays, forms)
    item_shape = axes.shape(declaration.items)
    where_shape = axes.shape(declaration.where)
    _check_weights(weight, where, item_shape, where_shape, axes)
    return _looked_at(
        declaration,
        _with_labels(
            declaration,
            axes,
            ignore_index,
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


def _with_labels(declaration: Declaration, axes: _Axes, ignore_index: int | None, inputs: Inputs) -> Inputs:
    """Return the inputs with integers checked, and with what is left out of an item."""
    xp, where, invalid = inputs.xp, inputs.where, None
    arrays, labels = list(inputs.arrays), []
    for k, form in enumerate(axes.forms):
        if not form.domain.is_integer:
            continue
        is_length = form.domain.name == "length"
        size = axes.size(form.of) + is_length
        of_where, extra = where, axes.layout(k, declaration.where)
        if where is not None:
            whole = broadcast_to(xp, where, axes.shape(declaration.where))
            of_where = None if extra is None else with_axes(whole, extra)
        within = of_where if is_length else _within(xp, axes, arrays, k, of_where)
        called = f"the lengths of `{axes.owner(form.of)}`" if is_length else "classes"
        ignored = None if is_length or form.axes != declaration.where else ignore_index
        arrays[k], kept, wrong = _check_labels(xp, axes.names[k], arrays[k], size, ignored, within, called)
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


def _within(xp: Namespace, axes: _Axes, arrays: list[Array], k: int, where: Array | None) -> Array | None:
    """The entries of array `k` that are in use, where another one says how many are."""
    form = axes.forms[k]
    for position, other in enumerate(axes.forms):
        if other.domain.name == "length" and other.of in form.axes:
            place = form.axes.index(other.of) - len(form.axes)
            line = [1] * len(arrays[k].shape)
            line[place] = arrays[k].shape[place]
            count = xp.arange(line[place], dtype=arrays[position].dtype, device=single_device(arrays[position]))
            used = xp.reshape(count, tuple(line)) < with_axes(arrays[position], (place,))
            where = used if where is None else xp.logical_and(where, used)
    return where


def _looked_at(declaration: Declaration, inputs: Inputs) -> Inputs:
    if setting("check_values"):
        _check_values(declaration, inputs)
    return inputs


def _check_values(declaration: Declaration, inputs: Inputs) -> None:
    """Refuse a value of an item that is kept and lies outside its domain, in arrays that can be looked at."""
    xp, mask = inputs.xp, inputs.mask
    for k, (argument, x) in enumerate(zip(declaration.arguments, inputs.arrays, strict=False)):
        if not inputs.is_integer(k):
            where, extra = inputs.where, inputs.layout[k]
            if mask is not None and mask.of_arrays[k] is not None:
                where, extra = mask.values, mask.of_arrays[k]
            if extra is None:
                where = None
            elif where is not None and extra:
                where = with_axes(broadcast_to(xp, where, inputs.item_shape) if mask is None else where, extra)
            domain = argument.form(integer=False).domain
            _refuse_outside(xp, argument.name, x, domain, where)
    if inputs.weight is not None:
        _refuse_outside(xp, "weight", inputs.weight, DOMAINS["nonnegative"], inputs.where)


def _refuse_outside(xp: Namespace, name: str, x: Array, domain: Domain, where: Array | None) -> None:
    if not holds_values(x, *(() if where is None else (where,))):
        return
    if dtype_kind(x.dtype) not in _FLOATING:  # unsigned integers have no -1 to be compared with
        x = xp.astype(x, xp.float64)
    found = domain.outside(x)
    if found is None:
        return
    if where is not None:
        found, x = xp.broadcast_arrays(found & where, x)
    if bool(xp.any(found)):
        raise ValueError(f"`{name}` must hold {domain.values}, got {float(x[found][0])}")


def _one_library(
    names: tuple[str, ...], arrays: tuple[Array, ...], weight: Array | None, where: Array | None
) -> Namespace:
    xp = namespace_of(arrays[0])
    others = arrays[1:]
    if weight is not None or where is not None:
        others = tuple([x for x in (*others, weight, where) if x is not None])
    if xp is not None and all([namespace_of(x) is xp for x in others]):
        return xp
    given = dict(zip(names, arrays, strict=True))
    if weight is not None:
        given["weight"] = weight
    if where is not None:
        given["where"] = where
    found = [namespace_of(x) for x in given.values()]
    xp = found[0]
    for other in found:
        if other is not xp:
            xp = None if xp is None or other is None else joined(xp, other)
    if xp is None:
        _refuse_libraries(given, found)
    return xp


def _refuse_libraries(given: dict[str, object], found: list[Namespace]) -> NoReturn:
    like = next((x for x, xp in zip(given.values(), found, strict=True) if xp is not None), None)
    for (name, x), xp in zip(given.items(), found, strict=True):
        if xp is None:
            raise TypeError(
                f"`{name}` must be an array of NumPy, PyTorch, JAX, CuPy, Dask or another library of the array API "
                f"standard, got {made_of(name, x, like)}"
            )
    said = [f"`{name}` of {library_of(xp)}" for name, xp in zip(given, found, strict=True)]
    raise TypeError(
        f"all arrays must come from one library, got {', '.join(said)}; al.convert(x, like=y) moves one over"
    )


def _check_places(
    xp: Namespace, names: tuple[str, ...], arrays: tuple[Array, ...], weight: Array | None, where: Array | None
) -> None:
    backend = backend_of(xp)
    if backend == "numpy":
        return
    given = [x for x in (*arrays, weight, where) if x is not None]
    if any([x.is_nested for x in given] if backend == "torch" else map(is_container, given)):
        _refuse_container(names, arrays, weight, where)
    if backend != "dask":
        _one_device(names, arrays, weight, where)


def _one_device(names: tuple[str, ...], arrays: tuple[Array, ...], weight: Array | None, where: Array | None) -> None:
    if is_torch(arrays[0]) and all([x is None or x.device == arrays[0].device for x in (*arrays, weight, where)]):
        return
    first = None
    for name, x in zip((*names, "weight", "where"), (*arrays, weight, where), strict=True):
        device = None if x is None else single_device(x)
        if device is None or device == first:
            continue
        if first is not None:
            raise ValueError(
                f"all arrays must be on one device, got `{names[0]}` on {first} and `{name}` on {device}; "
                "nothing moves between devices by itself"
            )
        first = device


def _refuse_container(
    names: tuple[str, ...], arrays: tuple[Array, ...], weight: Array | None, where: Array | None
) -> NoReturn:
    given = zip((*names, "weight", "where"), (*arrays, weight, where), strict=True)
    name, x = next((name, x) for name, x in given if x is not None and is_container(x))
    raise TypeError(f"`{name}` must be an array with a number in each place, got {made_of(name, x)}")


def _check_dtype(xp: Namespace, argument: Argument, x: Array, *, is_prediction: bool) -> None:
    """Refuse an array that is not floating, where it can't be meant."""
    name, kind = argument.name, dtype_kind(x.dtype)
    takes_integers = [form.domain.is_integer for form in argument.forms]
    if is_prediction and not all(takes_integers):
        raise TypeError(f"`{name}` must have a floating dtype, got {dtype_name(x.dtype)}{_narrowed(xp, name, x)}")
    if kind == "complex" or kind == "other":
        raise TypeError(f"`{name}` must hold real numbers, got {dtype_name(x.dtype)}{_narrowed(xp, name, x)}")
    if kind != "int" and all(takes_integers):
        hint = f"convert it, as in {as_dtype(name, xp, 'int64')}"
        raise TypeError(f"`{name}` must hold {argument.domain.values}, got {dtype_name(x.dtype)}; {hint}")
    if kind in _FLOATING:
        return
    if kind == "bool" and any(takes_integers):
        raise TypeError(
            f"`{name}` must hold integer labels or floating probabilities, got bool; convert it, as in "
            f"{as_dtype(name, xp, 'int64')} for labels or {as_dtype(name, xp, 'float32')} for a one-hot target"
        )
    if kind == "bool" and argument.domain.name == "sign":
        integers = as_dtype(name, xp, "int8") if backend_of(xp) == "strict" else name
        raise TypeError(f"`{name}` must hold -1 or 1, got bool, whose False would count as 0; use 2 * {integers} - 1")


def _narrowed(xp: Namespace, name: str, x: Array) -> str:
    """Return a hint at how real numbers become those of a dtype that is computed with."""
    said = dtype_name(x.dtype)
    if dtype_kind(x.dtype) == "int":
        return f"; convert it, as in {as_dtype(name, xp, 'float32')}"
    if said.startswith(("longdouble", "float")):
        return f"; convert it, as in {as_dtype(name, xp, 'float64')}"
    return f"; {name}.dequantize() makes one" if said.startswith(("quint", "qint")) else ""


# shapes


class _Axes:
    """The axes of the arrays of a call: the length of each, and where it stands in each array."""

    def __init__(
        self,
        declaration: Declaration,
        axis: int | None,
        names: tuple[str, ...],
        arrays: tuple[Array, ...],
        forms: list[Form],
    ) -> None:
        self.names, self.forms, self.axis = names, forms, axis
        self.moving = declaration.moving if axis is not None else None
        self.declaration = declaration
        self.of_classes = next((form.of for form in forms if form.domain.name == "class"), "C")
        """The axis whose places integer labels name."""
        self.shapes = [tuple(x.shape) for x in arrays]
        self.dtypes = [x.dtype for x in arrays]
        self.sizes: dict[str, tuple[int, ...]] = {}
        for k in range(len(arrays)):
            self._take(k)

    def size(self, axis: str) -> int:
        """The length of one axis."""
        return self.sizes[axis][0]

    def owner(self, axis: str) -> str:
        """The array that an axis is known from."""
        return next(name for name, form in zip(self.names, self.forms, strict=True) if axis in form.axes)

    def layout(self, k: int, of: tuple[str, ...]) -> Layout:
        """The axes of array `k` that are none of those named, counted from the end."""
        return self.layout_of(self.forms[k].axes, len(self.shapes[k]), of)

    def layout_of(self, axes: tuple[str, ...], ndim: int, of: tuple[str, ...]) -> Layout:
        """The same of an array with `axes`."""
        if of and not set(of) <= set(axes):
            return None
        places = self._places(axes, ndim)
        of_items = [p for axis in axes if axis in of for p in places[axis]]
        return tuple([p - ndim for p in range(ndim) if p not in of_items])

    def _places(self, axes: tuple[str, ...], ndim: int) -> dict[str, tuple[int, ...]]:
        """Where each axis stands, in an array of so many."""
        named = [axis for axis in axes if axis != ANY]
        free = list(range(ndim))
        found: dict[str, tuple[int, ...]] = {}
        if self.moving in axes and self.axis is not None:
            assert self.moving is not None
            # A row alone has one axis, and it is that one. An index of the list is no symbol of a compiler.
            place = free[-1] if ndim == 1 else free[self.axis]
            found[self.moving] = (place,)
            free.remove(place)
            named.remove(self.moving)
        rest = [axis for axis in axes if axis not in found]
        before = rest.index(ANY) if ANY in rest else len(rest)
        for axis in rest[:before]:
            found[axis] = (free.pop(0),)
        for axis in reversed(rest[before + 1 :]):
            found[axis] = (free.pop(),)
        if ANY in rest:
            found[ANY] = tuple(free)
        return found

    def _take(self, k: int) -> None:
        """Take the lengths of array `k`, which must agree with those of the arrays before."""
        form, shape = self.forms[k], self.shapes[k]
        axes, ndim = form.axes, len(shape)
        if k == 0:
            self._check_first(form, shape)
        known = all([axis in self.sizes for axis in axes])
        if known and same_shape(shape, self.shape(axes)):
            return
        if known or ndim < len(axes) - (ANY in axes) or (ANY not in axes and ndim != len(axes)):
            self._refuse(k)
        lengths = {axis: tuple([shape[p] for p in places]) for axis, places in self._places(axes, ndim).items()}
        if not all([axis not in self.sizes or same_shape(n, self.sizes[axis]) for axis, n in lengths.items()]):
            self._refuse(k)
        self.sizes = {**lengths, **self.sizes}
        if lengths.get(self.of_classes) == (0,):
            raise ValueError(f"`{self.names[k]}` must have at least one class, got shape {shape}")

    def shape(self, axes: tuple[str, ...]) -> tuple[int, ...]:
        """The shape of an array with these axes, all of which are known."""
        ndim = sum([len(self.sizes[axis]) for axis in axes])
        shape = [0] * ndim
        for axis, places in self._places(axes, ndim).items():
            for p, n in zip(places, self.sizes[axis], strict=True):
                shape[p] = n
        return tuple(shape)

    def _check_first(self, form: Form, shape: tuple[int, ...]) -> None:
        name, named, ndim = self.names[0], [axis for axis in form.axes if axis != ANY], len(shape)
        if len(named) == 1 and not ndim:
            kind = "class" if named[0] == self.of_classes else "feature"
            raise ValueError(f"`{name}` must have a {kind} axis, got shape ()")
        if ndim < len(named) or (ANY not in form.axes and ndim != len(named)):
            raise ValueError(f"`{name}` must have the axes {_spelled(form.axes)}, got shape {shape}")
        if self.moving is None:
            place = -1
        else:
            assert self.axis is not None
            place = -1 if ndim == 1 else self.axis
            if not -ndim <= place < ndim:
                raise ValueError(f"`axis` must be an axis of `{name}` {shape}, got {in_short(self.axis)}")
            place = place - ndim if place >= 0 else place
        if named and named[-1] == self.declaration.moving and shape[place] == 0:
            raise ValueError(f"`{name}` must have at least one class along axis {place}, got shape {shape}")

    def _refuse(self, k: int) -> NoReturn:
        """Say what is wrong with the shape of array `k`."""
        declaration, form, name, got = self.declaration, self.forms[k], self.names[k], self.shapes[k]
        first, whole = self.names[0], self.shapes[0]
        of_first = [j for j, other in enumerate(self.forms) if other.axes == self.forms[0].axes]
        alternatives = declaration.arguments[k].forms
        items = self.shape(declaration.items) if all(a in self.sizes for a in declaration.items) else None
        if len(alternatives) > 1 and not form.domain.is_integer:
            same = form.axes == self.forms[0].axes
            wanted = f"the shape of `{first}` {whole}" if same else f"shape {self.shape(form.axes)}"
            raise TypeError(
                f"`{name}` must be integer labels of shape {items} or floating probabilities of {wanted}, got "
                f"{dtype_name(self.dtypes[k])} of shape {got}; labels need an integer dtype, as in "
                "xp.astype(x, xp.int64)"
            )
        if form.axes == self.forms[0].axes:
            _refuse_shapes([self.names[j] for j in of_first], [self.shapes[j] for j in of_first])
        if form.axes == declaration.items and items is not None:
            extra = self.layout(0, declaration.items) or ()
            place = extra[0] if len(extra) == 1 else extra
            of = f"that of `{first}` {whole} without axis {place}" if extra else f"that of `{first}`"
            what = "one label" if form.domain.name == "class" else "one value"
            hint = self._hint_at_labels(alternatives, got, items, name) if form.domain.is_integer else ""
            raise ValueError(f"`{name}` must have {what} an item, shape {items}: {of}; got {got}{hint}")
        lengths = ", ".join([self._said(axis) for axis in form.axes])
        hint = ""
        if len(got) == 2 and self._fits(form.axes, got[::-1]):
            hint = f"; transpose it, as in `{name}.T`"
        raise ValueError(
            f"`{name}` must have shape ({lengths}{',' * (len(form.axes) == 1)}), as {_spelled(form.axes)} where "
            f"`{first}` {_spelled(self.forms[0].axes)} has shape {whole}; got {got}{hint}"
        )

    def _hint_at_labels(self, forms: tuple[Form, ...], got: tuple[int, ...], items: tuple[int, ...], name: str) -> str:
        whole = self.shapes[0]
        if got == whole and len(forms) > 1:
            return "; a one-hot target must have a floating dtype, as in xp.astype(x, xp.float32)"
        if got[-1:] == (1,) and got[:-1] == items:
            return f"; drop the axis of length 1, as in `{name}[..., 0]`"
        if self.moving is None:
            return ""
        fits = [k for k in range(len(whole)) if whole[:k] + whole[k + 1 :] == got]
        return f"; the labels would fit axis={fits[0]}" if fits else ""

    def _said(self, axis: str) -> str:
        return ", ".join(map(str, self.sizes[axis])) if axis in self.sizes else axis

    def _fits(self, axes: tuple[str, ...], shape: tuple[int, ...]) -> bool:
        return len(axes) == len(shape) and all(
            [a not in self.sizes or self.sizes[a] == (n,) for a, n in zip(axes, shape, strict=True)]
        )


def _spelled(axes: tuple[str, ...]) -> str:
    return f"[{', '.join(axes)}]"


def _refuse_shapes(names: list[str], shapes: list[tuple[int, ...]]) -> NoReturn:
    first = shapes[0]
    said = ", ".join(f"`{name}` {shape}" for name, shape in zip(names, shapes, strict=True))
    hint = ""
    for name, shape in zip(names[1:], shapes[1:], strict=True):
        for long, short, long_name, short_name in (
            (first, shape, names[0], name),
            (shape, first, name, names[0]),
        ):
            if long and long[-1] == 1 and long[:-1] == short:
                hint = f"; drop the axis of length 1, as in `{long_name}[..., 0]`, or add it, `{short_name}[..., None]`"
    raise ValueError(f"all arrays must have one shape, got {said}{hint}")


def _check_weights(
    weight: Array | None,
    where: Array | None,
    item_shape: tuple[int, ...],
    where_shape: tuple[int, ...],
    axes: _Axes | None = None,
) -> None:
    if weight is not None:
        kind = dtype_kind(weight.dtype)
        if kind in ("complex", "other"):
            hint = _narrowed(namespace_of(weight), "weight", weight)
            raise TypeError(f"`weight` must hold real numbers, got {dtype_name(weight.dtype)}{hint}")
        classes = None if axes is None or axes.declaration.moving is None else axes.sizes[axes.declaration.moving]
        _check_broadcast("weight", tuple(weight.shape), item_shape, classes)
    if where is not None:
        if dtype_kind(where.dtype) != "bool":
            raise TypeError(
                f"`where` must have dtype bool, got {dtype_name(where.dtype)}; compare it, as in where != 0"
            )
        _check_broadcast("where", tuple(where.shape), where_shape)


def _check_broadcast(
    name: str, shape: tuple[int, ...], item_shape: tuple[int, ...], classes: tuple[int, ...] | None = None
) -> None:
    if same_shape(shape, item_shape):
        return
    tail = item_shape[len(item_shape) - len(shape) :] if len(shape) <= len(item_shape) else None
    if tail is None or not broadcasts_to(shape, tail):
        hint = added_axes(name, shape, item_shape)
        if shape == classes:
            hint = "; `class_weight` has one number a class"
        raise ValueError(f"`{name}` must broadcast to the per-item loss, shape {item_shape}, got {shape}{hint}")


# integer labels


def _check_labels(
    xp: Namespace,
    name: str,
    given: Array,
    classes: int,
    ignore_index: int | None,
    where: Array | None,
    called: str = "classes",
) -> tuple[Array, Array | None, Array | None]:
    """Return labels that can index, those to keep, and those that are no class if these can't be refused."""
    labels = as_index(xp, given)
    ignored = _as_label(given, labels, ignore_index)
    plain = where is None and ignored is None and 0 not in labels.shape
    if plain and holds_values(labels) and lie_below(labels, classes):
        return labels, None, None
    if ignored is not None:
        used = labels != ignored
        where = used if where is None else xp.logical_and(used, where)
    valid = xp.logical_and(labels >= 0, labels < classes)
    kept_invalid = xp.logical_not(valid) if where is None else xp.logical_and(xp.logical_not(valid), where)
    if holds_values(kept_invalid):
        if bool(xp.any(kept_invalid)):
            worst = xp.where(kept_invalid, labels, classes)
            label = int(xp.min(worst))
            label = label if label < 0 else int(xp.max(xp.where(kept_invalid, labels, -1)))
            low, high = integer_range(given.dtype)
            label = label if label >= low else label + high + 1
            raise ValueError(
                f"`{name}` must lie in [0, {classes}) for {classes} classes, got {label}; "
                "`where` or `ignore_index` leaves items out"
                if called == "classes"
                else f"`{name}` must lie in [0, {classes - 1}], {called}, got {label}"
            )
        kept_invalid = None
    if where is not None or kept_invalid is not None:
        labels = xp.where(valid, labels, xp.zeros_like(labels))
    return labels, where, kept_invalid


# An unsigned integer may be beyond the dtype that indexes, in which it then wraps around to a negative number, and
# `ignore_index` beyond either dtype.
def _as_label(given: Array, labels: Array, ignore_index: int | None) -> int | None:
    """Return `ignore_index` as it is among `labels`, which were `given` in another dtype; None where it can't be."""
    if ignore_index is None:
        return None
    low, high = integer_range(given.dtype)
    if not low <= ignore_index <= high:
        return None
    low, high = integer_range(labels.dtype)
    return ignore_index if ignore_index <= high else ignore_index - (high - low + 1)
