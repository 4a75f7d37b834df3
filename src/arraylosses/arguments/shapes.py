"""The shapes of the arrays of a call, by the axes that a loss declares."""

from __future__ import annotations

from typing import NoReturn

from .._array_api import Array, broadcasts_to, dtype_kind, dtype_name, namespace_of, same_shape
from .declaration import ANY, Declaration, Form
from .hints import added_axes, as_dtype, in_short
from .places import narrowed

__all__ = ["Axes", "Layout", "check_broadcast", "check_weights"]

Layout = tuple[int, ...] | None
"""The axes of an array that are none of the items', counted from the end; None where it belongs to no item."""


class Axes:
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
        self.first = arrays[0]
        self.sizes = {axis: (int(axis),) for form in forms for axis in form.axes if axis.isdecimal()}
        for k in range(len(arrays)):
            self._take(k)

    def size(self, axis: str) -> int:
        """The length of one axis."""
        return int(axis) if axis.isdecimal() else self.sizes[axis][0]

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
        free = list(range(ndim))
        found: dict[str, tuple[int, ...]] = {}
        if self.moving in axes and self.axis is not None:
            assert self.moving is not None
            # A row alone has one axis, and it is that one. An index of the list is no symbol of a compiler.
            place = free[-1] if ndim == 1 else free[self.axis]
            found[self.moving] = (place,)
            free.remove(place)
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
        if len(named) == 1 and form.axes[-1] != ANY and not ndim:
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
        of_rows = form.axes[-1:] == (self.declaration.moving,) and self.declaration.moving not in self.declaration.items
        if of_rows and shape[place] == 0:
            raise ValueError(f"`{name}` must have at least one class along axis {place}, got shape {shape}")

    def _refuse(self, k: int) -> NoReturn:
        """Say what is wrong with the shape of array `k`."""
        declaration, form, name, got = self.declaration, self.forms[k], self.names[k], self.shapes[k]
        if k == 0:
            raise ValueError(f"`{name}` must have the axes {_spelled(form.axes)}, got shape {got}")
        first, whole = self.names[0], self.shapes[0]
        of_first = [j for j, other in enumerate(self.forms) if other.axes == self.forms[0].axes]
        alternatives = declaration.arguments[k].forms
        items = self.shape(declaration.items) if all(a in self.sizes for a in declaration.items) else None
        if form.domain.is_integer and dtype_kind(self.dtypes[k]) != "int":
            like = f"along {_spelled(form.axes)} where `{first}` {_spelled(self.forms[0].axes)} has shape {whole}"
            wanted = f"of shape {items}" if form.axes == declaration.items and items is not None else like
            said = dtype_name(self.dtypes[k])
            raise TypeError(f"`{name}` must hold {form.domain.values} {wanted}, got {said} of shape {got}")
        if len(alternatives) > 1 and not form.domain.is_integer:
            same = form.axes == self.forms[0].axes
            wanted = f"the shape of `{first}` {whole}" if same else f"shape {self.shape(form.axes)}"
            raise TypeError(
                f"`{name}` must be integer labels of shape {items} or floating probabilities of {wanted}, got "
                f"{dtype_name(self.dtypes[k])} of shape {got}; labels need an integer dtype, as in "
                f"{self._as_dtype(name, 'int64')}"
            )
        if form.axes == self.forms[0].axes:
            _refuse_shapes([self.names[j] for j in of_first], [self.shapes[j] for j in of_first])
        if form.axes == declaration.items and items is not None:
            extra = self.layout(0, declaration.items) or ()
            place = extra[0] if len(extra) == 1 else extra
            of = f"that of `{first}` {whole} without axis {place}" if extra else f"that of `{first}`"
            what = "one label" if form.domain.name in ("class", "id") else "one value"
            raise ValueError(f"`{name}` must have {what} an item, shape {items}: {of}; got {got}{self._hint(k, items)}")
        lengths = [said for axis in form.axes for said in self._said(axis)]
        hint = self._hint(k, self.shape(form.axes)) if all(axis in self.sizes for axis in form.axes) else ""
        if not hint and len(got) == 2 and self._fits(form.axes, got[::-1]):
            hint = f"; transpose it, as in `{name}.T`"
        wanted = f"({', '.join(lengths)}{',' * (len(lengths) == 1)})"
        raise ValueError(
            f"`{name}` must have shape {wanted}, as {_spelled(form.axes)} where "
            f"`{first}` {_spelled(self.forms[0].axes)} has shape {whole}; got {got}{hint}"
        )

    def _hint(self, k: int, wanted: tuple[int, ...]) -> str:
        """Return what would make array `k` fit, or the loss fit it, where it is to have another shape."""
        name, got, whole, forms = self.names[k], self.shapes[k], self.shapes[0], self.declaration.arguments[k].forms
        of_labels = self.forms[k].domain.is_integer
        if of_labels and got == whole and len(forms) > 1:
            return f"; a one-hot target must have a floating dtype, as in {self._as_dtype(name, 'float32')}"
        if got[-1:] == (1,) and got[:-1] == wanted:
            return f"; drop the axis of length 1, as in `{name}[..., 0]`"
        if not of_labels or self.moving is None:
            return ""
        fits = [place for place in range(len(whole)) if whole[:place] + whole[place + 1 :] == got]
        return f"; the labels would fit axis={fits[0]}" if fits else ""

    def _as_dtype(self, name: str, dtype: str) -> str:
        return as_dtype(name, namespace_of(self.first), dtype)

    def _said(self, axis: str) -> list[str]:
        return [str(n) for n in self.sizes[axis]] if axis in self.sizes else [axis]

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


def check_weights(
    weight: Array | None,
    where: Array | None,
    item_shape: tuple[int, ...],
    where_shape: tuple[int, ...],
    axes: Axes | None = None,
) -> None:
    """Refuse a weight or a mask that does not belong to the items."""
    if weight is not None:
        kind = dtype_kind(weight.dtype)
        if kind in ("complex", "other"):
            hint = narrowed(namespace_of(weight), "weight", weight)
            raise TypeError(f"`weight` must hold real numbers, got {dtype_name(weight.dtype)}{hint}")
        classes = None if axes is None or axes.declaration.moving is None else axes.sizes[axes.declaration.moving]
        check_broadcast("weight", tuple(weight.shape), item_shape, classes)
    if where is not None:
        if dtype_kind(where.dtype) != "bool":
            raise TypeError(
                f"`where` must have dtype bool, got {dtype_name(where.dtype)}; compare it, as in where != 0"
            )
        check_broadcast("where", tuple(where.shape), where_shape)


def check_broadcast(
    name: str, shape: tuple[int, ...], item_shape: tuple[int, ...], classes: tuple[int, ...] | None = None
) -> None:
    """Refuse a shape that does not broadcast to the items."""
    if same_shape(shape, item_shape):
        return
    tail = item_shape[len(item_shape) - len(shape) :] if len(shape) <= len(item_shape) else None
    if tail is None or not broadcasts_to(shape, tail):
        hint = added_axes(name, shape, item_shape)
        if shape == classes:
            hint = "; `class_weight` has one number a class"
        raise ValueError(f"`{name}` must broadcast to the per-item loss, shape {item_shape}, got {shape}{hint}")
