"""The arrays of a call: libraries, devices, dtypes, shapes and labels."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, NoReturn

from .._array_api import (
    Array,
    Namespace,
    as_index,
    backend_of,
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
)
from .._config import setting
from .domains import DOMAINS, Domain, Granularity, Role, check_values
from .hints import added_axes, as_dtype, closest, in_short, made_of

__all__ = ["Inputs", "check_inputs", "check_projection", "take_axis"]

_ONE_PER_ITEM = ("sign", "labels")
_ALL_ITEMS: tuple[Role, ...] = ("item",)
_FLOATING = ("float", "half")


class Inputs(NamedTuple):
    """The arguments of one call, checked: what `execution` works on."""

    xp: Namespace
    arrays: tuple[Array, ...]
    dtype: Any
    item_shape: tuple[int, ...]
    axis: int | None
    """The class or feature axis, counted from the end; None where an item is an element."""
    roles: tuple[Role, ...]
    """What each of `arrays` is: floating rows, floating values one an item, integer labels one an item, or a floating
    array that belongs to no item."""
    weight: Array | None
    where: Array | None
    invalid: Array | None
    """The items whose label is no class, where the labels could not be looked at before the computation."""


def check_inputs(
    names: tuple[str, ...],
    domains: tuple[Domain, ...],
    granularity: Granularity,
    axis: int,
    ignore_index: int | None,
    arrays: tuple[Array, ...],
    weight: Array | None,
    where: Array | None,
) -> Inputs:
    """Check the arrays of one call against what the loss takes; nothing is computed but the labels' range."""
    xp = _one_library(names, arrays, weight, where)
    _check_places(xp, names, arrays, weight, where)
    if len(domains) != len(names) or not DOMAINS.issuperset(domains):
        _refuse_domains(names, domains)
    first = arrays[0]
    dtype, shape = first.dtype, tuple(first.shape)
    if (
        granularity == "element"
        and dtype_kind(dtype) == "float"
        and all([x.dtype == dtype and x.shape == shape for x in arrays[1:]])
    ):
        _check_weights(weight, where, shape)
        return _looked_at(
            names, domains, Inputs(xp, arrays, dtype, shape, None, _ALL_ITEMS * len(arrays), weight, where, None)
        )

    kinds = [dtype_kind(x.dtype) for x in arrays]
    floating = []
    for k, kind in enumerate(kinds):
        if kind in _FLOATING:
            floating.append(arrays[k])
        else:
            _check_dtype(xp, names[k], arrays[k], domains[k], is_prediction=k == 0)
    dtype = result_dtype(xp, floating)
    if granularity == "element":
        _same_shapes(names, arrays)
        _check_weights(weight, where, shape)
        return _looked_at(
            names, domains, Inputs(xp, arrays, dtype, shape, None, _ALL_ITEMS * len(arrays), weight, where, None)
        )

    axis = take_axis(axis, shape, names[0])
    item_shape = _without(shape, axis)
    _check_weights(weight, where, item_shape, shape[axis])
    invalid = None
    roles: list[Role] = ["row"] * len(arrays)
    for k, domain in enumerate(domains):
        x = arrays[k]
        if domain == "labels" and kinds[k] == "int":
            _check_label_shape(names[k], x, names[0], shape, axis)
            roles[k] = "labels"
            labels, where, invalid = _check_labels(xp, names[k], x, shape[axis], ignore_index, where)
            if labels is not x:
                arrays = (*arrays[:k], labels, *arrays[k + 1 :])
        elif domain == "sign":
            _check_item_shape(names[k], x, names[0], shape, axis)
            roles[k] = "item"
        elif x.shape == shape:
            pass
        elif domain == "labels":
            _check_probabilities(names[k], x, names[0], shape, item_shape)
        else:
            rows = [k for k, domain in enumerate(domains) if domain not in _ONE_PER_ITEM]
            _same_shapes(tuple([names[k] for k in rows]), tuple([arrays[k] for k in rows]))
    return _looked_at(names, domains, Inputs(xp, arrays, dtype, item_shape, axis, tuple(roles), weight, where, invalid))


def _looked_at(names: tuple[str, ...], domains: tuple[Domain, ...], inputs: Inputs) -> Inputs:
    if setting("check_values"):
        xp, arrays, _, item_shape, axis, roles, weight, where, _ = inputs
        check_values(xp, names, domains, arrays, roles, item_shape, axis, weight, where)
    return inputs


def _refuse_domains(names: tuple[str, ...], domains: tuple[Domain, ...]) -> NoReturn:
    wrong = [domain for domain in domains if domain not in DOMAINS]
    if wrong:
        known = ", ".join(repr(domain) for domain in sorted(DOMAINS))
        raise ValueError(f"`domains` must be some of {known}, got {wrong[0]!r}{closest(wrong[0], DOMAINS)}")
    raise ValueError(f"`domains` must say what each of {', '.join(names)} holds, got {domains!r}")


def check_projection(
    names: tuple[str, ...],
    ignore_index: int | None,
    arrays: tuple[Array, ...],
    weight: Array | None,
    where: Array | None,
) -> Inputs:
    """Check the arrays of a loss of projected rows: features, matrix, labels and, if given, one number a class.

    The projection, of the shape of the features with the classes in their place, is what the labels belong to.
    """
    if len(arrays) == 4 and arrays[3] is None:
        arrays = arrays[:3]
    names = names[: max(len(arrays), 3)]
    xp = _one_library(names, arrays, weight, where)
    _check_places(xp, names, arrays, weight, where)
    features, matrix, labels, *bias = arrays
    floating = [
        x
        for k, (name, x) in enumerate(zip(names, arrays, strict=True))
        if _check_dtype(xp, name, x, "labels" if k == 2 else "real", is_prediction=k != 2) == "float"
    ]
    shape = _check_projection_shapes(names, features, matrix, bias)
    item_shape = shape[:-1]
    _check_weights(weight, where, item_shape, shape[-1])
    projection = f"{names[0]} @ {names[1]}.T"
    role: Role = "labels" if dtype_kind(labels.dtype) == "int" else "row"
    invalid = None
    if role == "labels":
        _check_label_shape(names[2], labels, projection, shape)
        labels, where, invalid = _check_labels(xp, names[2], labels, shape[-1], ignore_index, where)
    else:
        _check_probabilities(names[2], labels, projection, shape, item_shape)
    roles: tuple[Role, ...] = ("row", "whole", role, "whole")
    inputs = Inputs(
        xp,
        (features, matrix, labels, *bias),
        result_dtype(xp, floating),
        item_shape,
        -1,
        roles[: len(arrays)],
        weight,
        where,
        invalid,
    )
    domains: tuple[Domain, ...] = ("real", "matrix", "labels", "per_class")
    return _looked_at(names, domains[: len(arrays)], inputs)


def _check_projection_shapes(
    names: tuple[str, ...], features: Array, matrix: Array, bias: list[Array]
) -> tuple[int, ...]:
    """Return the shape of the projection."""
    shape, by = tuple(features.shape), tuple(matrix.shape)
    if not shape:
        raise ValueError(f"`{names[0]}` must have a feature axis, got shape ()")
    if len(by) != 2 or not same_shape(by[1:], shape[-1:]):
        fits = len(by) == 2 and same_shape(by[:1], shape[-1:])
        hint = f"; transpose it, as in `{names[1]}.T`" if fits else ""
        raise ValueError(
            f"`{names[1]}` must have shape (classes, {shape[-1]}), with the features of `{names[0]}` {shape} last; got "
            f"{by}{hint}"
        )
    if by[0] == 0:
        raise ValueError(f"`{names[1]}` must have at least one class, got shape {by}")
    if bias and not same_shape(tuple(bias[0].shape), by[:1]):
        raise ValueError(
            f"`{names[3]}` must have one number a class, shape {by[:1]}: `{names[1]}` has shape {by}; got "
            f"{tuple(bias[0].shape)}"
        )
    return (*shape[:-1], by[0])


def _one_library(
    names: tuple[str, ...], arrays: tuple[Array, ...], weight: Array | None, where: Array | None
) -> Namespace:
    if len(arrays) != len(names) or not names:
        if not names:
            raise TypeError("this loss takes no arrays: its class must define `call(self, prediction, target, ...)`")
        wanted = ", ".join(f"`{name}`" for name in names)
        raise TypeError(f"this loss takes {len(names)} arrays, {wanted}; got {len(arrays)}")
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


def _check_dtype(
    xp: Namespace, name: str, x: Array, domain: Domain, *, is_prediction: bool
) -> Literal["float", "other"]:
    kind = dtype_kind(x.dtype)
    if kind in _FLOATING:
        return "float"
    if is_prediction:
        raise TypeError(f"`{name}` must have a floating dtype, got {dtype_name(x.dtype)}{_narrowed(xp, name, x)}")
    if kind == "complex" or kind == "other":
        raise TypeError(f"`{name}` must hold real numbers, got {dtype_name(x.dtype)}{_narrowed(xp, name, x)}")
    if kind == "bool" and domain == "labels":
        raise TypeError(
            f"`{name}` must hold integer labels or floating probabilities, got bool; convert it, as in "
            f"{as_dtype(name, xp, 'int64')} for labels or {as_dtype(name, xp, 'float32')} for a one-hot target"
        )
    if kind == "bool" and domain == "sign":
        integers = as_dtype(name, xp, "int8") if backend_of(xp) == "strict" else name
        raise TypeError(f"`{name}` must hold -1 or 1, got bool, whose False would count as 0; use 2 * {integers} - 1")
    return "other"


def _narrowed(xp: Namespace, name: str, x: Array) -> str:
    """Return a hint at how real numbers become those of a dtype that is computed with."""
    said = dtype_name(x.dtype)
    if dtype_kind(x.dtype) == "int":
        return f"; convert it, as in {as_dtype(name, xp, 'float32')}"
    if said.startswith(("longdouble", "float")):
        return f"; convert it, as in {as_dtype(name, xp, 'float64')}"
    return f"; {name}.dequantize() makes one" if said.startswith(("quint", "qint")) else ""


def _same_shapes(names: tuple[str, ...], arrays: tuple[Array, ...]) -> None:
    first = tuple(arrays[0].shape)
    if all(same_shape(tuple(x.shape), first) for x in arrays[1:]):
        return
    said = ", ".join(f"`{name}` {tuple(x.shape)}" for name, x in zip(names, arrays, strict=True))
    hint = ""
    for name, x in zip(names[1:], arrays[1:], strict=True):
        for long, short, long_name, short_name in (
            (first, tuple(x.shape), names[0], name),
            (tuple(x.shape), first, name, names[0]),
        ):
            if long and long[-1] == 1 and long[:-1] == short:
                hint = f"; drop the axis of length 1, as in `{long_name}[..., 0]`, or add it, `{short_name}[..., None]`"
    raise ValueError(f"all arrays must have one shape, got {said}{hint}")


def _check_weights(
    weight: Array | None, where: Array | None, item_shape: tuple[int, ...], classes: int | None = None
) -> None:
    if weight is not None:
        kind = dtype_kind(weight.dtype)
        if kind in ("complex", "other"):
            hint = _narrowed(namespace_of(weight), "weight", weight)
            raise TypeError(f"`weight` must hold real numbers, got {dtype_name(weight.dtype)}{hint}")
        _check_broadcast("weight", tuple(weight.shape), item_shape, classes)
    if where is not None:
        if dtype_kind(where.dtype) != "bool":
            raise TypeError(
                f"`where` must have dtype bool, got {dtype_name(where.dtype)}; compare it, as in where != 0"
            )
        _check_broadcast("where", tuple(where.shape), item_shape)


def _check_broadcast(
    name: str, shape: tuple[int, ...], item_shape: tuple[int, ...], classes: int | None = None
) -> None:
    if same_shape(shape, item_shape):
        return
    tail = item_shape[len(item_shape) - len(shape) :] if len(shape) <= len(item_shape) else None
    if tail is None or not broadcasts_to(shape, tail):
        hint = added_axes(name, shape, item_shape)
        if shape == (classes,):
            hint = "; `class_weight` has one number a class"
        raise ValueError(f"`{name}` must broadcast to the per-item loss, shape {item_shape}, got {shape}{hint}")


# the class axis and its labels


def take_axis(axis: int, shape: tuple[int, ...], name: str) -> int:
    """Return the class axis counted from the end. A row alone has one axis, and it is that one."""
    ndim = len(shape)
    if ndim == 0:
        raise ValueError(f"`{name}` must have a class axis, got shape ()")
    if ndim == 1:
        axis = -1
    if not -ndim <= axis < ndim:
        raise ValueError(f"`axis` must be an axis of `{name}` {shape}, got {in_short(axis)}")
    axis = axis - ndim if axis >= 0 else axis
    if shape[axis] == 0:
        raise ValueError(f"`{name}` must have at least one class along axis {axis}, got shape {shape}")
    return axis


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    k = axis % len(shape)
    return shape[:k] + shape[k + 1 :]


def _check_label_shape(name: str, x: Array, rows_name: str, shape: tuple[int, ...], axis: int | None = None) -> None:
    """Refuse labels without the shape of the rows less `axis`: the last one where no setting says which."""
    item_shape = _without(shape, -1 if axis is None else axis)
    got = tuple(x.shape)
    if same_shape(got, item_shape):
        return
    if got == shape:
        hint = "; a one-hot target must have a floating dtype, as in xp.astype(x, xp.float32)"
    elif got[-1:] == (1,) and got[:-1] == item_shape:
        hint = f"; drop the axis of length 1, as in `{name}[..., 0]`"
    else:
        fits = [k for k in range(len(shape)) if axis is not None and _without(shape, k) == got]
        hint = f"; the labels would fit axis={fits[0]}" if fits else ""
    raise ValueError(
        f"`{name}` must have one label an item, shape {item_shape}: that of `{rows_name}` {shape} without axis "
        f"{-1 if axis is None else axis}; got {got}{hint}"
    )


def _check_item_shape(name: str, x: Array, rows_name: str, shape: tuple[int, ...], axis: int) -> None:
    item_shape, got = _without(shape, axis), tuple(x.shape)
    if not same_shape(got, item_shape):
        raise ValueError(
            f"`{name}` must have one value an item, shape {item_shape}: that of `{rows_name}` {shape} without "
            f"axis {axis}; got {got}"
        )


def _check_probabilities(
    name: str, x: Array, rows_name: str, shape: tuple[int, ...], item_shape: tuple[int, ...]
) -> None:
    got = tuple(x.shape)
    if same_shape(got, shape):
        return
    wanted = (
        f"`{name}` must be integer labels of shape {item_shape} or floating probabilities of the shape of "
        f"`{rows_name}` {shape}, got {dtype_name(x.dtype)} of shape {got}"
    )
    raise TypeError(f"{wanted}; labels need an integer dtype, as in xp.astype(x, xp.int64)")


def _check_labels(
    xp: Namespace, name: str, given: Array, classes: int, ignore_index: int | None, where: Array | None
) -> tuple[Array, Array | None, Array | None]:
    """Return labels that can index, the items to keep, and the items without a class if these can't be refused."""
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
