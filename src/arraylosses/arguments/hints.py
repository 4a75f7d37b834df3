"""What a message says of how to mend a mistake. A hint works when it is followed, on the library of the arrays."""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._array_api import Array, Namespace, backend_of, is_array, is_container, is_masked, is_torch, namespace_of

if TYPE_CHECKING:
    from .declaration import Argument

__all__ = [
    "added_axes",
    "as_dtype",
    "closest",
    "holds_text",
    "in_short",
    "is_table",
    "made_of",
    "meant",
    "of_text",
    "ours",
    "spelled",
]

# What the frameworks call an argument, and what it is called here, where the loss has one of that name.
_OURS = {
    "sample_weight": ("weight",),
    "sample_weights": ("weight",),
    "weights": ("weight",),
    "mask": ("where",),
    "dim": ("axis",),
    "eps": ("epsilon",),
    "size_average": ("reduction",),
    "reduce": ("reduction",),
    "threshold": ("delta",),
    "inputs": ("logits", "prediction"),
    "input": ("logits", "prediction"),
    "predictions": ("prediction", "logits"),
    "y_pred": ("prediction", "logits"),
    "output": ("prediction", "logits"),
    "targets": ("target", "labels"),
    "target": ("labels",),
    "labels": ("target",),
    "y_true": ("target", "labels"),
}

# What a library is imported as, by all of its users.
_SPELLED = {"numpy": "np", "torch": "torch", "jax": "jnp", "cupy": "cp", "dask": "da"}
_TABLES = {
    "pandas": "{name}.to_numpy() makes an array",
    "polars": "{name}.to_numpy() makes an array",
    "pyarrow": "{name}.to_numpy(zero_copy_only=False) makes an array",
    "xarray": "{name}.data is its array; xarray.apply_ufunc(loss, ...) calls a loss with those of several",
}


def closest(name: object, names: Iterable[str]) -> str:
    """Return a hint at the names that are closest to `name`, or an empty string where none is close."""
    if not isinstance(name, str):
        return ""
    import difflib  # needed where something is wrong already, and not before

    by_fold: dict[str, str] = {}
    for known in names:
        by_fold.setdefault(known.casefold(), known)
    near = difflib.get_close_matches(name.casefold(), by_fold, n=3)
    return f"; did you mean {' or '.join(repr(by_fold[fold]) for fold in near)}?" if near else ""


def meant(name: str, names: Sequence[str]) -> str | None:
    """Return which of `names` an argument of another library's name is."""
    return next((known for known in _OURS.get(name, ()) if known in names), None)


def ours(name: str, names: Sequence[str]) -> str:
    """Return a hint at which of `names` an argument of another name is, or at all of them."""
    known = meant(name, names)
    if known is not None:
        return f"; it is `{known}` here"
    return closest(name, names) or f"; there are {', '.join(f'`{known}`' for known in names)}"


def in_short(value: object) -> str:
    """Return what a message says of a value: its representation, cut where it is long, and on one line."""
    try:
        return " ".join(reprlib.repr(value).split())
    except (ValueError, RecursionError):  # an integer of thousands of digits; a mapping in a mapping in a mapping ...
        return f"{type(value).__name__}"


def made_of(name: str, x: object, like: Array | None = None) -> str:
    """Return the type of `x`, which is no array that a loss takes, and how one is made of it.

    `like` is one of the other arrays, if there is one.
    """
    if is_masked(x):
        hint = f"{name}.data is its array, and where=~np.ma.getmaskarray({name}) leaves out what is masked"
    elif isinstance(x, np.matrix):
        hint = f"np.asarray({name}) makes an array"
    elif is_container(x):
        if is_torch(x):
            return _tensor_of(name, x)
        hint = f"da.ma.getdata({name}) is its array, and where=~da.ma.getmaskarray({name}) leaves out what is masked"
        return f"a masked array; {hint}"
    elif is_table(x):
        hint = _TABLES[_top_level(x)].format(name=name)
    elif isinstance(x, list | tuple) and any(map(is_array, x)):
        shapes = {(namespace_of(one), tuple(one.shape)) if is_array(one) else None for one in x}
        if len(shapes) > 1:
            return f"{type(x).__name__} of what is no one array"
        hint = f"{spelled(namespace_of(x[0]))}.stack({name}) makes an array"
    elif isinstance(x, list | tuple) and x and isinstance(x[0], str):
        return f"{type(x).__name__}{of_text(name, x, np if like is None else namespace_of(like))}"
    elif isinstance(x, list | tuple | int | float | np.generic):
        library = "np" if like is None else spelled(namespace_of(like))
        place = f', device="{like.device}"' if like is not None and is_torch(like) and not like.is_cpu else ""
        hint = f"{library}.asarray({name}{place}) makes an array"
    else:
        return type(x).__name__
    return f"{type(x).__name__}; {hint}"


def holds_text(x: Array) -> bool:
    """Whether an array holds strings, as its dtype says or the first of its objects."""
    kind = getattr(x.dtype, "kind", "")
    if kind == "O" and isinstance(x, np.ndarray):
        return isinstance(next(x.flat, None), str | bytes)
    return kind in ("U", "S", "T")


def of_text(name: str, x: Any, xp: Namespace, argument: Argument | None = None, *, floating: bool = False) -> str:
    """Return a hint at how text becomes numbers in an array of `xp`, where it can.

    It spells numbers that the array may hold, or it has names of classes. A prediction is to be `floating`.
    """
    if (dtype := _spelled_numbers(x, argument)) is not None:
        array = name if isinstance(x, np.ndarray) else f"np.asarray({name})"
        said, numbers = "; convert it, as in {}", f'{array}.astype("{"float64" if floating else dtype}")'
    elif floating or (argument is not None and not argument.domain.is_named):
        return ""
    else:
        said, numbers = "; {} numbers the names of classes", f"np.unique({name}, return_inverse=True)[1]"
    if backend_of(xp) != "numpy":
        numbers = f"{spelled(xp)}.asarray({numbers})"
    if dtype is None and argument is not None and argument.domain.name == "sign":
        numbers = f"2 * {numbers} - 1"
    return said.format(numbers)


def _spelled_numbers(x: Any, argument: Argument | None) -> str | None:
    """Return the dtype of the numbers that text spells, or None where it spells none that an argument may hold."""
    if not isinstance(x, np.ndarray | list | tuple):
        return None
    for dtype in ("int64", "float64"):
        try:
            numbers = np.asarray(x).astype("str").astype(dtype)
        except (ValueError, OverflowError):
            continue
        if argument is None:
            return dtype
        domain = argument.form(integer=dtype == "int64").domain
        outside = domain.outside(numbers)
        held = (dtype == "int64" or not domain.is_integer) and (outside is None or not np.any(outside))
        return dtype if held else None
    return None


def is_table(x: object) -> bool:
    """Whether it is a table, or a column of one, of pandas or the like."""
    return _top_level(x) in _TABLES


def _top_level(x: object) -> str:
    return type(x).__module__.partition(".")[0]


def _tensor_of(name: str, x: Array) -> str:
    """Return the kind of a tensor that has not a number in each place, and how one that has is made of it."""
    if x.is_nested:
        hint = f"torch.nested.to_padded_tensor({name}, 0.0) makes one, and `where` leaves out what is padding"
        return f"a nested tensor; {hint}"
    if type(x).__name__ == "MaskedTensor":
        hint = f"{name}.get_data() is its tensor, and where={name}.get_mask() leaves out what is masked"
        return f"a masked tensor; {hint}"
    return f"a tensor of the layout {x.layout}; {name}.to_dense() makes one"


def spelled(xp: Namespace) -> str:
    """Return the name by which a library is known in code."""
    return _SPELLED.get(backend_of(xp), "xp")


def as_dtype(name: str, xp: Namespace, dtype: str) -> str:
    """Return the expression that converts an array, as its library spells it."""
    backend = backend_of(xp)
    if backend == "torch":
        return f"{name}.to(torch.{dtype})"
    if backend == "jax":  # which has no 64 bits unless they are asked for
        dtype = sys.modules["jax"].dtypes.canonicalize_dtype(dtype).name
    return (
        f'{name}.astype("{dtype}")' if backend in ("numpy", "jax", "cupy", "dask") else f"xp.astype({name}, xp.{dtype})"
    )


def added_axes(name: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Return the index that makes an array of `shape` broadcast to `wanted`, as a hint, where there is one."""
    if len(shape) == len(wanted) + 1 and shape[-1] == 1 and shape[:-1] == wanted:
        return f"; drop the axis of length 1, as in `{name}[..., 0]`"
    for before in range(len(wanted) - len(shape)):
        if shape and shape == wanted[before : before + len(shape)]:
            index = [":"] * len(shape) + ["None"] * (len(wanted) - len(shape) - before)
            return f"; add an axis, as in `{name}[{', '.join(index)}]`"
    return ""
