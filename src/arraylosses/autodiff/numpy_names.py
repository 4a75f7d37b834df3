"""What users write of NumPy: its functions, called on traced arrays, and the methods of its arrays.

NumPy hands its functions over by its protocols. One that the standard has is the traced namespace's own: its arguments
are bound by NumPy's signature and passed on by the names of ours. What NumPy alone has is put together below from
functions of the standard, with NumPy's signature.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from .._array_api import Array, Namespace, namespace_of
from .array import LISTS, NOT_WRITTEN_TO, plain, refused
from .reductions import at, counted, flat_without_axis, several
from .rules import COMPOSITES, NO_RULE, NUMPY, PLAIN, RULES, every, numpy_function
from .tape import Pullback, primitive, unbroadcast

__all__ = ["STANDARD_NAMES", "Refusal", "method", "name_of", "of_numpy"]

STANDARD_NAMES = {
    "absolute": "abs",
    "amax": "max",
    "amin": "min",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "around": "round",
    "concatenate": "concat",
    "conjugate": "conj",
    "cross": "linalg.cross",
    "fabs": "abs",
    "float_power": "pow",
    "invert": "bitwise_invert",
    "left_shift": "bitwise_left_shift",
    "power": "pow",
    "right_shift": "bitwise_right_shift",
    "true_divide": "divide",
}
"""NumPy's names of what the standard calls otherwise."""

_SETTING_NAMES = {"ddof": "correction", "a_min": "min", "a_max": "max"}

# Those of NumPy 2.4. Before it what is written in C says none, and `clip` knew neither `min` nor `max`.
_SIGNATURES: dict[str, Callable[..., Any]] = {
    "asarray": lambda a, dtype=None, order=None, *, device=None, copy=None, like=None: None,
    "clip": lambda a, a_min=None, a_max=None, out=None, *, min=None, max=None, **kwargs: None,  # noqa: A006
    "concat": lambda arrays, /, axis=0, out=None, *, dtype=None, casting="same_kind": None,
    "where": lambda condition, x=None, y=None, /: None,
}

# What makes no difference to the values
_WITHOUT_EFFECT = {"casting", "copy", "kind", "optimize", "stable", "subok"}


def name_of(function: Callable[..., Any]) -> str:
    """Return the name of a function of NumPy, with that of its extension: `sum`, `linalg.inv`."""
    module = "" if isinstance(function, np.ufunc) else function.__module__.removeprefix("numpy").lstrip(".")
    name = f"{module}.{function.__name__}" if module in ("linalg", "fft") else function.__name__
    return STANDARD_NAMES.get(name, name)


@functools.cache
def _accepted(name: str) -> MappingProxyType[str, inspect.Parameter] | None:
    """Return the parameters of a function of the traced namespace; None for one that takes any."""
    if name in COMPOSITES:
        parameters = list(inspect.signature(COMPOSITES[name]).parameters.values())[1:]  # without the namespace
    else:
        makers = RULES[name].makers
        maker = next((m for m in makers if m is not None), None) if isinstance(makers, tuple) else None
        if maker is None:
            return None
        parameters = list(inspect.signature(maker).parameters.values())[2:]  # without the result either
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return MappingProxyType({p.name: p for p in parameters})


def of_numpy(space: Namespace, name: str, function: Callable[..., Any] | None) -> Callable[..., Any]:
    """Return NumPy's `function`, of the standard's `name`, for traced arrays; methods alone have no function."""
    if name in NUMPY:
        call = functools.partial(NUMPY[name], space)
        if not inspect.isfunction(NUMPY[name]):
            return call
        parameters = inspect.signature(call)
        return _of_settings(_of_lists(call, parameters, space), parameters, name)
    if function is None or (name not in RULES and name not in COMPOSITES and name not in PLAIN):
        return Refusal(name, function)
    if name in PLAIN:
        return functools.partial(_of_plain, function, space)
    try:
        own = functools.reduce(getattr, name.split("."), space)
    except AttributeError:  # a user's rule for a function that the library lacks
        own = primitive(space, name, RULES[name], function)
    signature = None if isinstance(function, np.ufunc) else inspect.signature(_SIGNATURES.get(name, function))
    return _of_lists(_bound(signature, name, own), signature, space)


# What NumPy's functions call an array, and several of them
_ARRAY = {"a", "append", "arr", "ary", "b", "condition", "indices", "prepend", "start", "stop", "values", "weights"}
_ARRAY |= {"x", "x1", "x2", "y"}
_ARRAYS = {"args", "arrays", "arys", "operands", "tup", "xi"}


def _of_lists(call: Callable[..., Any], signature: inspect.Signature | None, space: Namespace) -> Callable[..., Any]:
    """Return `call` with arrays in the place of lists and numbers, where NumPy's function makes arrays of them."""

    def array(x: Any) -> Any:
        return x if hasattr(x, "ndim") else space.asarray(x)

    def with_arrays(*args: Any, **kwargs: Any) -> Any:
        for x in (*args, *kwargs.values()) if kwargs else args:
            if isinstance(x, LISTS):
                break
        else:
            return call(*args, **kwargs)
        if signature is None:
            return call(*[array(x) if isinstance(x, LISTS) else x for x in args], **kwargs)
        given = signature.bind(*args, **kwargs)
        for name, x in given.arguments.items():
            if name in _ARRAYS:
                given.arguments[name] = tuple([array(part) for part in x])
            elif name in _ARRAY and isinstance(x, LISTS):
                given.arguments[name] = array(x)
        return call(*given.args, **given.kwargs)

    return with_arrays


class Refusal:
    """A function without a rule: it takes the library's own arrays, and refuses traced ones."""

    def __init__(self, name: str, function: Callable[..., Any] | None) -> None:
        self.name, self.function = name, function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the function of plain arrays."""
        if self.function is None or any(plain(x) is not x for x in (*args, *kwargs.values())):
            advice = NO_RULE.get(self.name, "write it with functions of the array API standard")
            if self.name == "partition" and self.function is not None:
                advice = "use xp.sort"
            elif self.name == "copyto":  # which np.full_like calls
                advice = "NumPy's arrays can't hold a traced one; use a sum, as in xp.zeros_like(a) + x, or xp.where"
            elif self.name in _WRITING:
                advice = f"a traced array {NOT_WRITTEN_TO}"
            raise TypeError(f"`{self.name}` has no derivative rule; {advice}")
        return self.function(*args, **kwargs)


def _bound(signature: inspect.Signature | None, name: str, own: Callable[..., Any]) -> Callable[..., Any]:
    """Return `own`, the function `name` of the traced namespace, with the signature of NumPy's; a ufunc has none."""
    parameters = _accepted(name)
    if parameters is None or any(p.kind is p.VAR_POSITIONAL for p in parameters.values()):
        return own
    required = sum(p.default is p.empty for p in parameters.values())

    def call(*args: Any, **kwargs: Any) -> Any:
        settings = kwargs
        if signature is not None:
            given = signature.bind(*args, **kwargs)
            settings = dict(given.arguments)
            given.apply_defaults()
            first = list(given.arguments)[:required]
            args = tuple(given.arguments[key] for key in first)
            settings = {key: value for key, value in settings.items() if key not in first}
            for key in list(settings):
                default = signature.parameters[key].default
                if settings[key] is default or (key in _WITHOUT_EFFECT and key not in parameters):
                    del settings[key]
        renamed = {_SETTING_NAMES.get(key, key): value for key, value in settings.items()}
        _refuse_unknown(name, renamed, parameters)
        return own(*args, **renamed)

    return call


def _of_settings(call: Callable[..., Any], signature: inspect.Signature, name: str) -> Callable[..., Any]:
    """Return `call`, a function of NumPy alone, without what makes no difference, and without what it does not take."""
    parameters = signature.parameters

    def with_settings(*args: Any, **kwargs: Any) -> Any:
        if kwargs and not kwargs.keys() <= parameters.keys():
            kwargs = {
                key: value
                for key, value in kwargs.items()
                if key in parameters or not (value is None or key in _WITHOUT_EFFECT)
            }
            _refuse_unknown(name, kwargs, parameters)
        return call(*args, **kwargs)

    return with_settings


def _refuse_unknown(name: str, settings: Iterable[str], parameters: Mapping[str, inspect.Parameter]) -> None:
    for key in settings:
        if key == "out":
            raise TypeError(
                f"`{name}` can't write a traced array to `out`; leave it out, and take xp from "
                "al.array_namespace(x) of that array"
            )
        if key not in parameters:
            taken = ", ".join(p.name for p in parameters.values() if p.default is not p.empty) or "no settings"
            raise TypeError(
                f"`{name}` of a traced array takes {taken}, got `{key}`; write it with functions of the array API "
                "standard, such as xp.where"
            )


# Functions that NumPy alone has, or that mean something else there


def plain_numpy(names: str) -> None:
    """Declare functions of NumPy whose derivative is 0, or that say something of arrays: NumPy computes them."""
    for name in names.split():
        if hasattr(np, name):
            NUMPY[name] = functools.partial(_of_plain, getattr(np, name))


def _of_plain(function: Callable[..., Any], xp: Namespace, *args: Any, **kwargs: Any) -> Any:
    return function(*(plain(x) for x in args), **{name: plain(x) for name, x in kwargs.items()})


plain_numpy("allclose array_equal array_equiv isclose isneginf isposinf iscomplexobj isrealobj iscomplex isreal")
plain_numpy("array2string array_repr array_str ndim shape size common_type min_scalar_type may_share_memory")
plain_numpy("argpartition argwhere digitize fix flatnonzero lexsort rint shares_memory")


@numpy_function("ravel")
@numpy_function("flatten")
def _ravel(xp: Namespace, a: Array, order: str = "C") -> Array:
    if order != "C":
        raise TypeError(f"`order` must be 'C' for a traced array, got {order!r}; transpose it before")
    return xp.reshape(a, (-1,))


@numpy_function("reshape")
def _reshape(xp: Namespace, a: Array, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Array:
    if order != "C":
        raise TypeError(f"`order` must be 'C' for a traced array, got {order!r}; transpose it before")
    return xp.reshape(a, shape)


@numpy_function("copy")
def _copy(xp: Namespace, a: Array, order: str = "K", subok: bool = False) -> Array:
    return a  # which nobody writes to


@numpy_function("transpose")
def _transpose(xp: Namespace, a: Array, axes: Sequence[int] | None = None) -> Array:
    return xp.permute_dims(a, tuple(range(a.ndim))[::-1] if axes is None else tuple(axes))


@numpy_function("swapaxes")
def _swapaxes(xp: Namespace, a: Array, axis1: int, axis2: int) -> Array:
    order = list(range(a.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return xp.permute_dims(a, tuple(order))


@numpy_function("atleast_1d")
def _atleast_1d(xp: Namespace, *arys: Array) -> Any:
    found = [xp.reshape(x, (1,)) if x.ndim == 0 else x for x in arys]
    return found[0] if len(found) == 1 else tuple(found)


@numpy_function("atleast_2d")
def _atleast_2d(xp: Namespace, *arys: Array) -> Any:
    found = [xp.reshape(x, (1, -1)) if x.ndim < 2 else x for x in arys]
    return found[0] if len(found) == 1 else tuple(found)


@numpy_function("hstack")
def _hstack(xp: Namespace, tup: Sequence[Array]) -> Array:
    parts = [_atleast_1d(xp, x) for x in tup]
    return xp.concat(parts, axis=0 if parts[0].ndim == 1 else 1)


@numpy_function("vstack")
def _vstack(xp: Namespace, tup: Sequence[Array]) -> Array:
    return xp.concat([_atleast_2d(xp, x) for x in tup], axis=0)


@numpy_function("column_stack")
def _column_stack(xp: Namespace, tup: Sequence[Array]) -> Array:
    return xp.concat([xp.reshape(x, (-1, 1)) if x.ndim < 2 else x for x in tup], axis=1)


@numpy_function("append")
def _append(xp: Namespace, arr: Array, values: Array, axis: int | None = None) -> Array:
    return xp.concat([arr, values], axis=axis)


@numpy_function("split")
def _split(xp: Namespace, ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    axis, ends = counted(axis, ary.ndim), indices_or_sections
    if not isinstance(ends, list | tuple) and not np.ndim(ends):
        step, rest = divmod(ary.shape[axis], ends)
        if rest:
            raise ValueError(f"`split` must divide the axis equally, got {ary.shape[axis]} elements in {ends} sections")
        ends = [step * k for k in range(1, ends)]
    cuts = [0, *(int(k) for k in ends), None]
    return [ary[at(axis, slice(a, b))] for a, b in itertools.pairwise(cuts)]


@numpy_function("cumsum")
def _cumsum(xp: Namespace, a: Array, axis: int | None = None, dtype: Any = None) -> Array:
    a, axis = flat_without_axis(xp, a, axis)
    return xp.cumulative_sum(a, axis=axis, dtype=dtype)


@numpy_function("cumprod")
def _cumprod(xp: Namespace, a: Array, axis: int | None = None, dtype: Any = None) -> Array:
    a, axis = flat_without_axis(xp, a, axis)
    return xp.cumulative_prod(a, axis=axis, dtype=dtype)


@numpy_function("ptp")
def _ptp(xp: Namespace, a: Array, axis: Any = None, *, keepdims: bool = False) -> Array:
    return xp.max(a, axis=axis, keepdims=keepdims) - xp.min(a, axis=axis, keepdims=keepdims)


@numpy_function("average")
def _average(xp: Namespace, a: Array, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Array:
    if weights is None:
        return xp.mean(a, axis=axis, keepdims=keepdims)
    if weights.shape != a.shape:  # one weight a place along the axis
        weights = xp.reshape(weights, tuple(n if k == axis % a.ndim else 1 for k, n in enumerate(a.shape)))
    total = xp.sum(weights + xp.zeros_like(a), axis=axis, keepdims=keepdims)
    return xp.sum(a * weights, axis=axis, keepdims=keepdims) / total


@numpy_function("nan_to_num")
def _nan_to_num(
    xp: Namespace, x: Array, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None
) -> Array:
    largest = float(xp.finfo(x.dtype).max)
    x = xp.where(xp.isnan(x), nan, x)
    x = xp.where(x == float("inf"), largest if posinf is None else posinf, x)
    return xp.where(x == -float("inf"), -largest if neginf is None else neginf, x)


@numpy_function("nansum")
def _nansum(xp: Namespace, a: Array, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Array:
    return xp.sum(xp.where(xp.isnan(a), 0.0, a), axis=axis, dtype=dtype, keepdims=keepdims)


@numpy_function("nanmean")
def _nanmean(xp: Namespace, a: Array, axis: Any = None, *, keepdims: bool = False) -> Array:
    count = xp.sum(xp.where(xp.isnan(a), 0.0, xp.ones_like(a)), axis=axis, keepdims=keepdims)
    return _nansum(xp, a, axis, keepdims=keepdims) / count


@numpy_function("pad")
def _pad(xp: Namespace, array: Array, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Array:
    if mode != "constant":
        raise TypeError(f"`pad` of a traced array has mode='constant' alone, got {mode!r}; write it with xp.concat")
    widths, values = (np.broadcast_to(np.asarray(x), (array.ndim, 2)).tolist() for x in (pad_width, constant_values))
    for axis, (ends, (first, last)) in enumerate(zip(widths, values, strict=True)):
        before, after = ((*array.shape[:axis], width, *array.shape[axis + 1 :]) for width in ends)
        parts = xp.full(before, first, dtype=array.dtype), array, xp.full(after, last, dtype=array.dtype)
        array = xp.concat(parts, axis=axis)
    return array


@numpy_function("select")
def _select(xp: Namespace, condlist: Sequence[Array], choicelist: Sequence[Any], default: Any = 0) -> Array:
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        default = xp.where(condition, choice, default)
    return default


@numpy_function("diag")
def _diag(xp: Namespace, v: Array, k: int = 0) -> Array:
    if v.ndim != 1:
        return xp.linalg.diagonal(v, offset=k)
    row = _pad(xp, v, (max(k, 0), max(-k, 0)))
    places = xp.arange(row.shape[0])
    return xp.where(places - places[:, None] == k, row, 0.0)


@numpy_function("heaviside")
def _heaviside(xp: Namespace, x1: Array, x2: Any, /) -> Array:
    return xp.where(x1 == 0, x2, 0.5 * (1.0 + xp.sign(x1)))


@numpy_function("exp2")
def _exp2(xp: Namespace, x: Array) -> Array:
    return 2.0**x


@numpy_function("radians")
@numpy_function("deg2rad")
def _radians(xp: Namespace, x: Array) -> Array:
    return x * (np.pi / 180)


@numpy_function("degrees")
@numpy_function("rad2deg")
def _degrees(xp: Namespace, x: Array) -> Array:
    return x * (180 / np.pi)


# Products


@numpy_function("dot")
def _dot(xp: Namespace, a: Any, b: Any) -> Array:
    if not getattr(a, "ndim", 0) or not getattr(b, "ndim", 0):
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return xp.matmul(a, b)
    return xp.tensordot(a, b, axes=((-1,), (max(b.ndim - 2, 0),)))


@numpy_function("inner")
def _inner(xp: Namespace, a: Array, b: Array) -> Array:
    return xp.tensordot(a, b, axes=((-1,), (-1,)))


@numpy_function("vdot")
def _vdot(xp: Namespace, a: Array, b: Array) -> Array:
    return xp.vecdot(xp.reshape(a, (-1,)), xp.reshape(b, (-1,)))


@numpy_function("outer")
def _outer(xp: Namespace, a: Array, b: Array) -> Array:
    return xp.linalg.outer(xp.reshape(a, (-1,)), xp.reshape(b, (-1,)))


@numpy_function("diagonal")
def _diagonal(xp: Namespace, a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    return xp.linalg.diagonal(xp.moveaxis(a, (axis1, axis2), (-2, -1)), offset=offset)


@numpy_function("trace")
def _trace(xp: Namespace, a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Array:
    return xp.sum(_diagonal(xp, a, offset, axis1, axis2), axis=-1, dtype=dtype)


@numpy_function("linalg.norm")
def _norm(xp: Namespace, x: Array, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:  # noqa: A002
    axes = tuple(range(x.ndim)) if axis is None else several(axis)
    if ord is None or len(axes) == 1:
        return xp.linalg.vector_norm(x, axis=axes, keepdims=keepdims, ord=2 if ord is None else ord)
    norm = xp.linalg.matrix_norm(xp.moveaxis(x, axes, (-2, -1)), ord=ord)
    for k in sorted(k % x.ndim for k in axes) if keepdims else ():
        norm = xp.expand_dims(norm, axis=k)
    return norm


@numpy_function("einsum")
def _einsum(xp: Namespace, subscripts: Any, *operands: Array, optimize: Any = False) -> Array:
    if not isinstance(subscripts, str):
        raise TypeError("`einsum` of a traced array takes its subscripts as one string, as in 'ij,jk->ik'")
    return xp._einsum(_explicit(subscripts.replace(" ", ""), operands), *operands)


def _explicit(subscripts: str, operands: Sequence[Array]) -> str:
    """Write out the ellipsis, and the output."""
    given, arrow, output = subscripts.partition("->")
    free = [c for c in string.ascii_letters if c not in subscripts]
    inputs, longest = [], ""
    for part, x in zip(given.split(","), operands, strict=True):
        letters = "".join(free[: x.ndim - len(part.replace("...", ""))][::-1]) if "..." in part else ""
        longest = max(longest, letters, key=len)
        inputs.append(part.replace("...", letters))
    if any(len(set(part)) < len(part) for part in inputs):
        raise TypeError("`einsum` has no derivative rule for an index twice in one operand; use xp.linalg.diagonal")
    every = "".join(inputs)
    if not arrow:
        output = longest + "".join(sorted(c for c in set(every) - set(longest) if every.count(c) == 1))
    return f"{','.join(inputs)}->{output.replace('...', longest)}"


def _of_operand(position: int, xp: Namespace, ans: Array, subscripts: str, *operands: Array) -> Pullback:
    """The result's cotangent contracted with the other operands to the indices of this one."""
    given, _, output = subscripts.partition("->")
    inputs, k = given.split(","), position - 1
    own, shape = inputs[k], operands[k].shape
    others, rest = [*inputs[:k], *inputs[k + 1 :]], [*operands[:k], *operands[k + 1 :]]
    known = set("".join([output, *others]))
    kept = "".join(c for c in own if c in known)
    lengths = {c: n for part, x in zip(others, rest, strict=True) for c, n in zip(part, x.shape, strict=True) if n != 1}

    def pullback(g: Array) -> Array:
        part = xp._einsum(f"{','.join([output, *others])}->{kept}", g, *rest)
        for axis, c in enumerate(own):
            if c not in known:
                part = xp.expand_dims(part, axis=axis)
        full = tuple(lengths.get(c, n) for c, n in zip(own, shape, strict=True))
        return xp.broadcast_to(unbroadcast(xp, part, full, shape), shape)

    return pullback


every("_einsum", _of_operand, lambda subscripts, *operands: namespace_of(operands[0]).einsum(subscripts, *operands))


# Methods

_WRITING = {"copyto", "fill", "fill_diagonal", "itemset", "partition", "place", "put", "put_along_axis", "putmask"}
_WRITING |= {"resize", "setfield", "setflags", "sort"}


def method(space: Namespace, name: str) -> Callable[..., Any]:
    """Return the method `name` of the library's arrays, as a function of a traced array and the method's arguments."""
    if name == "astype":
        return lambda x, dtype, **settings: space.astype(x, dtype)
    if name in ("item", "tolist", "tobytes", "tofile", "dump", "dumps", "compute", "get"):
        return lambda x, *args, **settings: refused(f"`{name}`")
    if name in _WRITING:
        return Refusal(name, None)
    function = getattr(np, name, None)
    call = of_numpy(space, name if function is None else name_of(function), function)
    return functools.partial(_with_several, call) if name in ("reshape", "transpose") else call


def _with_several(function: Callable[..., Any], x: Array, *args: Any, **kwargs: Any) -> Any:
    """``x.reshape(2, 3)`` for ``reshape(x, (2, 3))``."""
    if args and args[0] is not None:
        args = (args if len(args) > 1 else several(args[0]),)
    return function(x, *args, **kwargs)
