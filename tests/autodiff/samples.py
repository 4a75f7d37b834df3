"""Sample calls for every derivative rule: what the tests of the rules are generated from."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

_INF = math.inf


class Sample(NamedTuple):
    """A call of one function, at arrays at which it is differentiable twice."""

    name: str
    call: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]
    note: str = ""
    without: tuple[str, ...] = ()
    """The libraries that can't make this call."""

    def __str__(self) -> str:
        shapes = "-".join("x".join(map(str, x.shape)) or "0d" for x in self.arrays)
        return f"{self.name}-{shapes}" + (f"-{self.note}" if self.note else "")


def real(*shape: int) -> np.ndarray:
    """Distinct numbers of both signs, none near 0 or near another."""
    n = math.prod(shape)
    rng = np.random.default_rng(7 + n)
    x = (np.arange(1, n + 1) + rng.uniform(-0.2, 0.2, n)) / max(n, 3) * rng.choice([-1, 1], n)
    return rng.permutation(x).reshape(shape)


def positive(*shape: int) -> np.ndarray:
    """Numbers of at least a quarter."""
    return np.abs(real(*shape)) + 0.25


def unit(*shape: int) -> np.ndarray:
    """Numbers in (-1, 1)."""
    return real(*shape) * 0.7


def above_one(*shape: int) -> np.ndarray:
    """Numbers above 1."""
    return np.abs(real(*shape)) + 1.25


def matrix(*shape: int) -> np.ndarray:
    """Matrices that are not near singular, with a positive determinant."""
    return real(*shape) * 0.4 + np.eye(shape[-1])


# The domains of the arguments; each function is called with every combination of shapes below.
ELEMENTWISE: dict[str, tuple[Callable[..., np.ndarray], ...]] = {
    **dict.fromkeys(("abs", "exp", "expm1", "negative", "positive", "square", "sin", "cos", "tan", "atan"), (real,)),
    **dict.fromkeys(("sinh", "cosh", "tanh", "asinh", "sign"), (real,)),
    **dict.fromkeys(("log", "log1p", "log2", "log10", "sqrt", "reciprocal"), (positive,)),
    **dict.fromkeys(("asin", "acos", "atanh"), (unit,)),
    "acosh": (above_one,),
    **dict.fromkeys(("add", "subtract", "multiply", "maximum", "minimum", "logaddexp", "hypot"), (real, positive)),
    **dict.fromkeys(("divide", "atan2", "copysign"), (real, positive)),
    "remainder": (above_one, positive),
    "pow": (positive, real),
}


def _calling(name: str, **settings: Any) -> Callable[..., Any]:
    """Return the function `name` of whichever namespace, with settings."""
    return lambda xp, *arrays: functools.reduce(getattr, name.split("."), xp)(*arrays, **settings)


def _elementwise() -> list[Sample]:
    samples = []
    for name, domains in ELEMENTWISE.items():
        call = _calling(name)
        if len(domains) == 1:
            samples += [Sample(name, call, (domains[0](*shape),)) for shape in ((3, 2), (), (0,))]
        else:
            first, second = domains
            shapes = (((3, 2), (3, 2)), ((3, 1), (2,)), ((), (3, 2)), ((3, 0), (3, 1)), ((2,), (3, 1)))
            samples += [Sample(name, call, (first(*a), second(*b) * 1.1)) for a, b in shapes]
    return samples


def _of(name: str, *calls: tuple[Any, ...], without: tuple[str, ...] = ()) -> list[Sample]:
    """Samples from (arrays..., settings) or (arrays..., call)."""
    samples = []
    for k, (*arrays, last) in enumerate(calls):
        call = last if callable(last) else _calling(name, **last)
        note = "" if callable(last) else "-".join(f"{key}{value}" for key, value in last.items())
        samples.append(Sample(name, call, tuple(arrays), f"{k}{note}".replace(" ", ""), without))
    return samples


A = real(3, 4)
CUBE = real(2, 3, 4)
VECTOR = real(5)
MATRIX = matrix(3, 3)
BATCH = matrix(2, 3, 3)
SPD = MATRIX @ MATRIX.T + np.eye(3)
SPDS = BATCH @ np.swapaxes(BATCH, -1, -2) + np.eye(3)


def _symmetric(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda xp, x: f(xp, x + xp.matrix_transpose(x))


def _squares(u: Any, s: Any, vh: Any) -> Any:
    """All parts of a singular value decomposition, but for the signs of its vectors."""
    return ((u * u * s[..., None, :]) @ (vh * vh)) + (u[..., :1] @ vh[..., :1, :])


_AXES = [(CUBE, {}), (CUBE, {"axis": -1}), (CUBE, {"axis": (0, -1)}), (CUBE, {"axis": 1, "keepdims": True})]
_AXES += [(CUBE, {"keepdims": True}), (real(), {}), (CUBE, {"axis": ()})]
_NO_DASK = ("dask",)


def _mask(xp: Any, values: Any) -> Any:
    return xp.asarray(values)


def _indices(xp: Any, values: Any) -> Any:
    return xp.asarray(values, dtype=xp.int64)


def _sum_of(arrays: Any) -> Any:
    total = 0.0
    for k, x in enumerate(arrays):
        total = total + (k + 1) * x * x
    return total


def _transform(name: str, array: np.ndarray, **settings: Any) -> Sample:
    """A Fourier transform of something that is complex where it may be; both parts of the result are looked at."""

    def call(xp: Any, x: Any) -> Any:
        x = x * x if name in ("rfft", "rfftn", "ihfft") else xp.exp(x * 1j)
        y = getattr(xp.fft, name)(x, **settings)
        return y if xp.isdtype(y.dtype, "real floating") else xp.real(y) + 2 * xp.imag(y) ** 2

    note = "-".join(f"{key}{value}" for key, value in settings.items()).replace(" ", "")
    return Sample(f"fft.{name}", call, (array,), note, _NO_DASK)


_FOURIER = [
    *(_transform(name, A) for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")),
    *(_transform(name, A, n=5, axis=0, norm="ortho") for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")),
    *(_transform(name, A, n=3, norm="forward") for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")),
    *(_transform(name, CUBE) for name in ("fftn", "ifftn", "rfftn", "irfftn")),
    *(_transform(name, CUBE, s=(2, 5), axes=(0, -1)) for name in ("fftn", "ifftn", "rfftn", "irfftn")),
    *(_transform(name, CUBE, axes=(1, 2)) for name in ("fftshift", "ifftshift")),
]

SAMPLES: list[Sample] = [
    *_elementwise(),
    *_of("pow", *((x, lambda xp, x, p=p: x**p) for x in (positive(3),) for p in (0, 1, 2, 3, -1, 0.5, 2.5))),
    *_of("pow", (real(4), lambda xp, x: x**2), (real(4), lambda xp, x: x**3), (real(4), lambda xp, x: 2**x)),
    *_of("multiply", (A, lambda xp, x: x * x * 3.0), (A, lambda xp, x: 2 * x * xp.sum(x))),
    *_of("subtract", (A, lambda xp, x: 1 - x * x), (A, lambda xp, x: x * x - 1)),
    *_of("divide", (positive(3), lambda xp, x: 1 / x), (positive(3), lambda xp, x: x * x / 3)),
    *_of("maximum", (real(5), lambda xp, x: xp.maximum(x * x, 0.3)), (real(5), lambda xp, x: xp.minimum(0.3, x * x))),
    *_of("logaddexp", (real(5), lambda xp, x: xp.logaddexp(x, 0.0)), (real(5), lambda xp, x: xp.logaddexp(0.5, x))),
    *_of(
        "clip",
        (VECTOR, {"min": -0.3, "max": 0.5}),
        (VECTOR, {"min": 0.1}),
        (VECTOR, {"max": 0.1}),
        (real(3, 2), positive(3, 1) - 1.2, positive(2), lambda xp, x, low, high: xp.clip(x, low, high)),
        (real(3, 2), real(2), lambda xp, x, high: xp.clip(x, max=high) * x),
    ),
    *_of(
        "where",
        (real(3, 2), real(2), lambda xp, x, y: xp.where(x > 0.2, x * x, y)),
        (real(3), lambda xp, x: xp.where(x > 0.2, x**3, 0.0)),
        (real(3), lambda xp, x: xp.where(x > 0.2, 1.0, x**3)),
        (real(3), lambda xp, x: xp.where(x > 0, xp.log(xp.where(x > 0, x, 1.0)), 0.0)),
    ),
    # complex numbers, on the way to real ones
    *_of(
        "real",
        (real(3), lambda xp, x: xp.real(xp.exp(x * 1j))),
        (real(3), lambda xp, x: xp.imag(xp.exp(x * 1j) * (x + 2j))),
        (real(3), lambda xp, x: xp.real(xp.conj(xp.exp(x * 1j)) * (x + 2j))),
        (real(3), lambda xp, x: abs(x * x + x * 1j)),
    ),
    # JAX takes the sign of a complex number for constant
    *_of("sign", (real(3), lambda xp, x: xp.real(xp.sign(x * x + x * 1j))), without=("jax",)),
    *_of("imag", (real(3), lambda xp, x: xp.imag(xp.exp(x * 1j)))),
    *_of("conj", (real(3), lambda xp, x: xp.imag(xp.conj(xp.exp(x * 1j))))),
    # reductions
    *_of("sum", *_AXES, (real(0), {}), (real(0, 3), {"axis": 0})),
    *_of("mean", *_AXES),
    *_of("max", *_AXES[:-1]),
    *_of("min", *_AXES[:-1]),
    *_of("var", *_AXES[:-2], (CUBE, {"axis": 0, "correction": 1})),
    *_of("std", *_AXES[:-2], (CUBE, {"axis": -1, "correction": 1})),
    *_of("prod", *_AXES[:-1], (np.asarray([2.0, 0.0, 3.0]), {}), (np.asarray([0.0, 0.0, 3.0]), {}), (real(0), {})),
    *_of("cumulative_sum", (VECTOR, {}), (CUBE, {"axis": 1}), (CUBE, {"axis": -1, "include_initial": True})),
    *_of("cumulative_prod", (VECTOR, {}), (CUBE, {"axis": 1}), (CUBE, {"axis": -1, "include_initial": True})),
    *_of("cumulative_prod", (np.asarray([2.0, 0.0, 3.0, 0.0, 1.5]), {})),
    *_of(
        "diff",
        (VECTOR, {}),
        (CUBE, {"axis": 1, "n": 2}),
        (VECTOR, real(2), lambda xp, x, y: xp.diff(x * x, prepend=y, append=y * y)),
    ),
    # manipulation
    *_of("reshape", (CUBE, lambda xp, x: xp.reshape(x, (6, -1))), (real(), lambda xp, x: xp.reshape(x, (1, 1)))),
    *_of("broadcast_to", (real(3, 1), lambda xp, x: xp.broadcast_to(x, (2, 3, 4)))),
    *_of("broadcast_arrays", (real(3, 1), real(2), lambda xp, x, y: _sum_of(xp.broadcast_arrays(x, y)))),
    *_of("squeeze", (real(3, 1, 2), {"axis": 1}), (real(1, 3, 1), {"axis": (0, -1)})),
    *_of("expand_dims", (A, {"axis": 1}), (A, {"axis": -1})),
    *_of("moveaxis", (CUBE, lambda xp, x: xp.moveaxis(x, 0, -1)), (CUBE, lambda xp, x: xp.moveaxis(x, (0, 1), (2, 0)))),
    *_of("permute_dims", (CUBE, {"axes": (2, 0, 1)})),
    *_of("matrix_transpose", (CUBE, {}), (CUBE, lambda xp, x: x.mT)),
    *_of("_reversed", (CUBE, lambda xp, x: x.T), without=("strict",)),
    *_of("_reversed", (A, lambda xp, x: x.T)),
    *_of("linalg.matrix_transpose", (CUBE, {})),
    *_of("flip", (CUBE, {}), (CUBE, {"axis": (0, -1)})),
    *_of("roll", (CUBE, {"shift": 2}), (CUBE, {"shift": (1, -2), "axis": (0, -1)})),
    *_of("tril", (A, {}), (A, {"k": 1})),
    *_of("triu", (A, {}), (A, {"k": -1})),
    *_of(
        "concat",
        (real(2, 3), real(2, 1), lambda xp, x, y: xp.concat([x, y * y, x], axis=-1)),
        (real(2), real(3), lambda xp, x, y: xp.concat((x, xp.ones(2, dtype=xp.float64), y))),
        (real(2, 2), real(3), lambda xp, x, y: xp.concat([x * x, y], axis=None)),
    ),
    *_of(
        "stack", (A, A * A, lambda xp, x, y: xp.stack([x, y * y], axis=1)), (A, lambda xp, x: xp.stack((x, x), axis=-1))
    ),
    *_of(
        "unstack", (CUBE, lambda xp, x: _sum_of(xp.unstack(x))), (CUBE, lambda xp, x: _sum_of(xp.unstack(x, axis=-1)))
    ),
    *_of("meshgrid", (real(3), real(2), lambda xp, x, y: _sum_of(xp.meshgrid(x, y)))),
    *_of("meshgrid", (real(3), real(2), lambda xp, x, y: _sum_of(xp.meshgrid(x, y, indexing="ij")))),
    *_of("tile", (A, lambda xp, x: xp.tile(x, (2, 1, 3))), (CUBE, lambda xp, x: xp.tile(x, (2,)))),
    *_of("repeat", (A, lambda xp, x: xp.repeat(x, 2)), (A, lambda xp, x: xp.repeat(x, 3, axis=0))),
    *_of("repeat", (real(3, 2), lambda xp, x: xp.repeat(x, _indices(xp, [2, 0, 3]), axis=0)), without=_NO_DASK),
    *_of(
        "astype",
        (A, lambda xp, x: xp.astype(x * x, xp.float64)),
        (A, lambda xp, x: x * xp.astype(x > 0, xp.float64)),
        (A, lambda xp, x: xp.real(xp.astype(x * x, xp.complex128))),
    ),
    *_of("_to_device", (A, lambda xp, x: x.to_device(x.device)), without=("jax", "dask")),
    *_of("asarray", (A, lambda xp, x: xp.asarray(x * x, dtype=xp.float64))),
    *_of("full", (real(), lambda xp, x: xp.full((2, 3), x * x))),
    *_of("full_like", (real(), A, lambda xp, x, y: xp.full_like(y, x * x))),
    *_of("linspace", (real(), positive(), lambda xp, x, y: xp.linspace(x * x, y, 5)), without=("strict", "dask")),
    # indexing
    *_of(
        "_slice",
        (CUBE, lambda xp, x: x[0, ...]),
        (CUBE, lambda xp, x: x[-1, 1:, ::-2]),
        (CUBE, lambda xp, x: x[..., None, 2]),
        (CUBE, lambda xp, x: x[1, 2, 3]),
        (CUBE, lambda xp, x: x[:, 0:0, ...]),
        (real(), lambda xp, x: x[...]),
    ),
    *_of(
        "_gather",
        (A, lambda xp, x: x[_indices(xp, [0, 2, 0]), _indices(xp, [1, 1, 1])]),
        (A, lambda xp, x: x[_indices(xp, [[0], [-1]]), _indices(xp, [1, 2])]),
        without=_NO_DASK,
    ),
    *_of("_gather", (A, lambda xp, x: x[_mask(xp, A > 0)]), without=_NO_DASK),
    *_of(
        "_take",
        (CUBE, lambda xp, x: x[:, _indices(xp, [2, 0, 2]), :]),
        (CUBE, lambda xp, x: x[..., _indices(xp, [1, -1, 1])]),
        without=("strict",),
    ),
    *_of(
        "take",
        (VECTOR, lambda xp, x: xp.take(x, _indices(xp, [4, 0, 4, 2]))),
        (CUBE, lambda xp, x: xp.take(x, _indices(xp, [1, 1, 0, 3]), axis=-1)),
    ),
    *_of(
        "take_along_axis",
        (A, lambda xp, x: xp.take_along_axis(x, _indices(xp, [[1], [3], [0]]), axis=-1)),
        (A, lambda xp, x: xp.take_along_axis(x, _indices(xp, [[0, 2, 0, 1], [-1, 1, 1, 1]]), axis=0)),
        (real(1, 4), lambda xp, x: xp.take_along_axis(x, _indices(xp, [[1, 1], [0, 3]]), axis=1)),
        (real(2, 4), lambda xp, x: xp.take_along_axis(x, _indices(xp, [[1, 1, 3]]), axis=1)),
        without=_NO_DASK,
    ),
    *_of("sort", (CUBE, {}), (CUBE, {"axis": 1}), without=_NO_DASK),
    *_of("sort", (VECTOR, lambda xp, x: xp.sort(x * x, descending=True)), without=_NO_DASK),
    # linear algebra
    *_of("matmul", *((real(*a), real(*b) * 1.1, {}) for a, b in (((2, 3), (3, 4)), ((3,), (3, 2)), ((2, 3), (3,))))),
    *_of(
        "matmul",
        *(
            (real(*a), real(*b) * 1.1, lambda xp, x, y: x @ y)
            for a, b in (((3,), (3,)), ((2, 1, 2, 3), (5, 3, 2)), ((3,), (2, 3, 4)), ((2, 3, 4), (4,)))
        ),
    ),
    *_of("linalg.matmul", (real(2, 3), real(3, 2), {})),
    *_of("vecdot", (CUBE, real(3, 4), {}), (CUBE, real(2, 1, 4), {"axis": -1})),
    *_of("linalg.vecdot", (CUBE, real(3, 4), {})),
    *_of("linalg.outer", (real(3), real(2), {})),
    *_of(
        "_logaddexp2",
        *((A, real(4), lambda xp, x, y: xp.logaddexp2(x, y)), (A, lambda xp, x: xp.logaddexp2(0.3, x))),
        without=("strict", "torch", "dask"),
    ),
    *_of("_cbrt", (CUBE, lambda xp, x: xp.cbrt(x)), without=("strict", "torch", "dask")),
    *_of("_einsum", (CUBE, real(4, 2), lambda xp, x, y: xp.einsum("ijk,kl->l", x, y)), without=("strict",)),
    *_of("_einsum", (CUBE, real(1, 4), lambda xp, x, y: xp.einsum("...jk,jk->...j", x, y)), without=("strict", "dask")),
    *_of(
        "tensordot",
        (CUBE, real(3, 4, 2), {}),
        (CUBE, real(4, 5, 2), {"axes": ((0, -1), (2, 0))}),
        (VECTOR, A, {"axes": 0}),
    ),
    *_of("linalg.tensordot", (CUBE, real(4, 2), {"axes": 1})),
    *_of(
        "linalg.cross", (real(2, 3), real(2, 3) * real(3), {}), (real(3, 2), real(3, 1), {"axis": -2}), without=_NO_DASK
    ),
    *_of(
        "linalg.matrix_power",
        *((BATCH, lambda xp, x, n=n: xp.linalg.matrix_power(x, n)) for n in (0, 1, 2, 5, -3)),
        without=_NO_DASK,
    ),
    *_of("linalg.diagonal", (CUBE, {}), (CUBE, {"offset": 1}), (CUBE, {"offset": -2})),
    *_of("linalg.trace", (CUBE, {}), (CUBE, {"offset": -1})),
    *_of(
        "linalg.vector_norm",
        (CUBE, {}),
        (CUBE, {"axis": (0, 2)}),
        *((CUBE, {"axis": 1, "ord": p, "keepdims": True}) for p in (1, 2, 3, 0, _INF, -_INF, -1.5)),
    ),
    *_of(
        "linalg.matrix_norm",
        (CUBE, {}),
        *((CUBE, {"ord": p}) for p in (1, -1, _INF, -_INF)),
        (CUBE, {"keepdims": True, "ord": 1}),
    ),
    *_of("linalg.matrix_norm", (CUBE, {"ord": "nuc"}), (A, {"ord": 2, "keepdims": True}), without=_NO_DASK),
    *_of("linalg.inv", (BATCH, {}), without=_NO_DASK),
    *_of(
        "linalg.solve", (BATCH, real(2, 3, 2), {}), (BATCH, real(3), {}), (MATRIX, real(2, 3, 2), {}), without=_NO_DASK
    ),
    *_of("linalg.det", (BATCH, {}), without=_NO_DASK),
    *_of(
        "linalg.slogdet",
        (BATCH, lambda xp, x: xp.linalg.slogdet(x)[1]),
        (-MATRIX, lambda xp, x: xp.linalg.slogdet(x).logabsdet * xp.linalg.slogdet(x).sign),
        without=_NO_DASK,
    ),
    *_of(
        "linalg._sign_of_det",
        (BATCH, lambda xp, x: xp.imag(xp.linalg.slogdet(x + x * x * 2j)[0])),
        without=_NO_DASK,
    ),
    *_of(
        "linalg.cholesky",
        (SPDS, _symmetric(lambda xp, x: xp.linalg.cholesky(x))),
        (SPD, _symmetric(lambda xp, x: xp.linalg.cholesky(x, upper=True))),
        without=_NO_DASK,
    ),
    *_of("linalg.eigvalsh", (SPDS, _symmetric(lambda xp, x: xp.linalg.eigvalsh(x))), without=_NO_DASK),
    *_of(
        "linalg.eigh",
        # A vector's sign is the library's own: what is looked at does not depend on it.
        (SPDS, _symmetric(lambda xp, x: xp.linalg.eigh(x).eigenvectors ** 2)),
        (SPD, _symmetric(lambda xp, x: xp.linalg.eigh(x)[0] * abs(xp.linalg.eigh(x)[1]))),
        without=_NO_DASK,
    ),
    *_of("linalg.svdvals", *((x, {}) for x in (CUBE, A, A.T)), without=_NO_DASK),
    *_of(
        "linalg.svd",
        *((x, lambda xp, x: _squares(*xp.linalg.svd(x, full_matrices=False))) for x in (CUBE, A, A.T)),
        (BATCH, lambda xp, x: _squares(*xp.linalg.svd(x))),
        without=_NO_DASK,
    ),
    *_of("linalg.pinv", *((x, {}) for x in (CUBE, A, A.T, MATRIX)), without=_NO_DASK),
    *_of(
        "linalg.qr",
        *((x, lambda xp, x: abs(xp.linalg.qr(x)[0]) @ abs(xp.linalg.qr(x).R)) for x in (A.T, BATCH)),
        without=_NO_DASK,
    ),
    *_FOURIER,
]
