"""Functions that NumPy alone has, or that mean something else there: put together from those of the standard.

Each has NumPy's signature, but for the namespace that it takes first and for settings that it does without.
"""

from __future__ import annotations

import functools
import itertools
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._array_api import Array, Namespace, namespace_of
from .reductions import at, conjugate, counted, flat_without_axis, root, several
from .rules import elementwise, every, numpy_function
from .tape import Pullback, unbroadcast


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
    return xp.concat([_array(xp, arr), _array(xp, values)], axis=axis)


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


def _array(xp: Namespace, x: Any) -> Array:
    return x if hasattr(x, "ndim") else xp.asarray(x)


@numpy_function("dot")
def _dot(xp: Namespace, a: Any, b: Any) -> Array:
    a, b = _array(xp, a), _array(xp, b)
    if not a.ndim or not b.ndim:
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return xp.matmul(a, b)
    return xp.tensordot(a, b, axes=((-1,), (max(b.ndim - 2, 0),)))


@numpy_function("inner")
def _inner(xp: Namespace, a: Array, b: Array) -> Array:
    a, b = _array(xp, a), _array(xp, b)
    return xp.tensordot(a, b, axes=((-1,), (-1,))) if a.ndim and b.ndim else a * b


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


# Pieces of an array


@numpy_function("array_split")
def _array_split(xp: Namespace, ary: Array, indices_or_sections: Any, axis: int = 0) -> Any:
    if np.ndim(indices_or_sections):
        return _split(xp, ary, indices_or_sections, axis)
    length = ary.shape[counted(axis, ary.ndim)]
    step, rest = divmod(length, indices_or_sections)
    return _split(xp, ary, [k * step + min(k, rest) for k in range(1, indices_or_sections)], axis)


@numpy_function("hsplit")
def _hsplit(xp: Namespace, ary: Array, indices_or_sections: Any) -> Any:
    return _split(xp, ary, indices_or_sections, min(ary.ndim - 1, 1))


@numpy_function("vsplit")
def _vsplit(xp: Namespace, ary: Array, indices_or_sections: Any) -> Any:
    return _split(xp, ary, indices_or_sections, 0)


# Without what is not a number


@numpy_function("nanmax")
def _nanmax(xp: Namespace, a: Array, axis: Any = None, *, keepdims: bool = False) -> Array:
    missing = xp.isnan(a)
    found = xp.max(xp.where(missing, float("-inf"), a), axis=axis, keepdims=keepdims)
    return xp.where(xp.all(missing, axis=axis, keepdims=keepdims), float("nan"), found)


@numpy_function("nanmin")
def _nanmin(xp: Namespace, a: Array, axis: Any = None, *, keepdims: bool = False) -> Array:
    return -_nanmax(xp, -a, axis, keepdims=keepdims)


@numpy_function("nancumsum")
def _nancumsum(xp: Namespace, a: Array, axis: int | None = None, dtype: Any = None) -> Array:
    return _cumsum(xp, xp.where(xp.isnan(a), 0.0, a), axis, dtype)


@numpy_function("nanvar")
def _nanvar(xp: Namespace, a: Array, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    error = xp.where(xp.isnan(a), 0.0, a) - _nanmean(xp, a, axis, keepdims=True)
    error = xp.where(xp.isnan(a), 0.0, error)
    count = xp.sum(xp.where(xp.isnan(a), 0.0, xp.ones_like(a)), axis=axis, keepdims=keepdims)
    squares = xp.real(error * conjugate(xp, error))
    return xp.sum(squares, axis=axis, keepdims=keepdims) / (xp.real(count) - ddof)


@numpy_function("nanstd")
def _nanstd(xp: Namespace, a: Array, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    return root(xp, _nanvar(xp, a, axis, ddof=ddof, keepdims=keepdims))


# Order statistics


@numpy_function("quantile")
def _quantile(xp: Namespace, a: Array, q: Any, axis: int | None = None, *, keepdims: bool = False) -> Array:
    is_number, q = type(q) in (int, float), np.asarray(q)
    if not np.all((q >= 0) & (q <= 1)):
        raise ValueError(f"`q` must lie in [0, 1], got {q}")
    if isinstance(axis, tuple):
        raise TypeError(f"`quantile` of a traced array takes one axis or none, got {axis}; reshape it before")
    kept = (1,) * a.ndim if axis is None else None
    a, axis = flat_without_axis(xp, a, axis)
    ranked = xp.sort(a, axis=axis)
    place = q.reshape(-1) * (a.shape[axis] - 1)
    parts = [_between(xp, ranked, axis, float(k)) for k in place]
    # NaN is the last of the ranks.
    last = ranked[at(axis, slice(-1, None))]
    found = [xp.where(xp.isnan(last), last, part) for part in parts]
    if not keepdims:
        found = [xp.squeeze(part, axis=axis) for part in found]
    elif kept is not None:
        found = [xp.reshape(part, kept) for part in found]
    result = xp.reshape(xp.stack(found), (*q.shape, *found[0].shape)) if q.ndim else found[0]
    return (
        result if is_number or q.dtype.kind != "f" else xp.astype(result, xp.result_type(a.dtype, xp.asarray(q).dtype))
    )


def _between(xp: Namespace, ranked: Array, axis: int, place: float) -> Array:
    """The entry at a place, or what lies between two of them: the others may be infinite."""
    low = ranked[at(axis, slice(int(place), int(place) + 1))]
    rest = place - int(place)
    if not rest:
        return low
    high = ranked[at(axis, slice(int(place) + 1, int(place) + 2))]
    return (1 - rest) * low + rest * high


@numpy_function("percentile")
def _percentile(xp: Namespace, a: Array, q: Any, axis: int | None = None, *, keepdims: bool = False) -> Array:
    return _quantile(xp, a, (q if type(q) in (int, float) else np.asarray(q)) / 100, axis, keepdims=keepdims)


@numpy_function("median")
def _median(xp: Namespace, a: Array, axis: int | None = None, *, keepdims: bool = False) -> Array:
    return _quantile(xp, a, 0.5, axis, keepdims=keepdims)


# Elements


@numpy_function("cbrt")
def _cbrt(xp: Namespace, x: Array, /) -> Array:
    return xp._cbrt(x)


elementwise("_cbrt", lambda xp, ans, x: lambda g: g / (3.0 * ans * ans), forward=lambda x: namespace_of(x).cbrt(x))


@numpy_function("float_power")
def _float_power(xp: Namespace, x1: Any, x2: Any, /) -> Array:
    return xp.pow(*(_in_float64(xp, x) if hasattr(x, "dtype") else x for x in (x1, x2)))


@numpy_function("logaddexp2")
def _logaddexp2(xp: Namespace, x1: Array, x2: Array, /) -> Array:
    return xp._logaddexp2(x1, x2)


def _share_of_2(xp: Namespace, x: Array, y: Array) -> Array:
    """The part of x in logaddexp2(x, y): 1 / (1 + 2^(y - x)), and half where both are the same infinity."""
    return 1 / (1 + 2.0 ** xp.where(x == y, 0.0, y - x))


elementwise(
    "_logaddexp2",
    lambda xp, ans, x, y: lambda g: g * _share_of_2(xp, x, y),
    lambda xp, ans, x, y: lambda g: g * _share_of_2(xp, y, x),
    forward=lambda x, y: namespace_of(x if hasattr(x, "ndim") else y).logaddexp2(x, y),
)


# Of functions that the arrays are samples of


@numpy_function("trapezoid")
def _trapezoid(xp: Namespace, y: Array, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Array:
    axis = counted(axis, y.ndim)
    if x is not None:
        dx = xp.diff(x, axis=axis if x.ndim > 1 else 0)
        if x.ndim == 1:
            dx = xp.reshape(dx, tuple(-1 if k == axis else 1 for k in range(y.ndim)))
    return xp.sum(dx * (y[at(axis, slice(1, None))] + y[at(axis, slice(None, -1))]) / 2.0, axis=axis)


@numpy_function("gradient")
def _gradient(xp: Namespace, f: Array, *varargs: Any, axis: Any = None) -> Any:
    axes = [counted(k, f.ndim) for k in (range(f.ndim) if axis is None else several(axis))]
    if any(np.ndim(step) for step in varargs) or len(varargs) not in (0, 1, len(axes)):
        raise TypeError("`gradient` of a traced array takes a number for the spacing of each axis")
    steps = varargs if len(varargs) == len(axes) else (*varargs, 1.0)[:1] * len(axes)
    found = []
    for along, step in zip(axes, steps, strict=True):
        forward = xp.diff(f, axis=along)
        first, last = forward[at(along, slice(None, 1))], forward[at(along, slice(-1, None))]
        inner = (forward[at(along, slice(1, None))] + forward[at(along, slice(None, -1))]) / 2.0
        found.append(xp.concat([first, inner, last], axis=along) / step)
    return found[0] if len(found) == 1 else tuple(found)


@numpy_function("interp")
def _interp(space: Namespace, x: Array, xp: Array, fp: Array) -> Array:
    k = np.clip(np.searchsorted(xp, x, side="right"), 1, xp.shape[0] - 1)
    low, high = xp[k - 1], xp[k]
    is_step = high == low  # of two points at one place, or of one point alone
    part = (x - low) / space.where(is_step, 1.0, high - low)
    rest = space.where(is_step, 1.0 * (x >= high), space.clip(part, 0.0, 1.0))
    return (1.0 - rest) * fp[k - 1] + rest * fp[k]


# Sums of products


def _in_float64(xp: Namespace, x: Array) -> Array:
    return xp.astype(x, xp.result_type(x.dtype, xp.float64))


@numpy_function("convolve")
def _convolve(xp: Namespace, a: Array, v: Array, mode: str = "full") -> Array:
    a, v = _atleast_1d(xp, _array(xp, a), _array(xp, v))
    a, v = (a, v) if a.shape[0] >= v.shape[0] else (v, a)
    n, m = a.shape[0], v.shape[0]
    windows = np.arange(n + m - 1)[:, None] + np.arange(m)
    full = xp.matmul(_pad(xp, a, m - 1)[windows], xp.flip(v))
    skip = {"full": 0, "same": (m - 1) // 2, "valid": m - 1}[mode]
    return full[skip : skip + {"full": n + m - 1, "same": n, "valid": n - m + 1}[mode]]


@numpy_function("kron")
def _kron(xp: Namespace, a: Array, b: Array) -> Array:
    a, b = _array(xp, a), _array(xp, b)
    ndim = max(a.ndim, b.ndim)
    of_a, of_b = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    a = xp.reshape(a, tuple(n for length in of_a for n in (length, 1)))
    b = xp.reshape(b, tuple(n for length in of_b for n in (1, length)))
    return xp.reshape(a * b, tuple(n * m for n, m in zip(of_a, of_b, strict=True)))


@numpy_function("cov")
def _cov(
    xp: Namespace, m: Array, y: Array | None = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None
) -> Array:
    rows = [x if rowvar or x.ndim < 2 else xp.matrix_transpose(x) for x in (m, y) if x is not None]
    x = _in_float64(xp, _vstack(xp, rows))
    error = x - xp.mean(x, axis=1, keepdims=True)
    count = x.shape[1] - (int(not bias) if ddof is None else ddof)
    found = xp.matmul(error, xp.matrix_transpose(conjugate(xp, error))) / count
    return found[0, 0] if found.shape == (1, 1) else found


@numpy_function("corrcoef")
def _corrcoef(xp: Namespace, x: Array, y: Array | None = None, rowvar: bool = True) -> Array:
    found = _cov(xp, x, y, rowvar)
    if not found.ndim:
        return found / found
    scale = xp.sqrt(xp.linalg.diagonal(found))
    return found / scale / scale[:, None]


@numpy_function("linalg.multi_dot")
def _multi_dot(xp: Namespace, arrays: Sequence[Array]) -> Array:
    return functools.reduce(xp.matmul, arrays)


@numpy_function("bincount")
def _bincount(xp: Namespace, x: Any, /, weights: Array, minlength: int = 0) -> Array:
    place = np.arange(max(minlength, int(np.max(x, initial=-1)) + 1))
    weights = _in_float64(xp, weights)
    return xp.sum(xp.where(np.asarray(x)[:, None] == place, weights[:, None], 0.0), axis=0)
