"""Derivative rules of the Fourier transforms.

All are made of the transform along one axis and its inverse, whose matrices are symmetric: the pullback of each is the
transform itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._array_api import Array, Namespace, dtype_kind, dtype_name, namespace_of
from .reductions import at
from .rules import composite, rule

__all__: list[str] = []


def _library(x: Array) -> Namespace:
    return namespace_of(x)


rule(
    "fft._fft",
    lambda xp, ans, x, axis, norm: lambda g: xp.fft._fft(g, axis, norm),
    forward=lambda x, axis, norm: _library(x).fft.fft(x, axis=axis, norm=norm),
)
rule(
    "fft._ifft",
    lambda xp, ans, x, axis, norm: lambda g: xp.fft._ifft(g, axis, norm),
    forward=lambda x, axis, norm: _library(x).fft.ifft(x, axis=axis, norm=norm),
)
rule("fft.fftshift", lambda xp, ans, x, axes=None: lambda g: xp.fft.ifftshift(g, axes=axes))
rule("fft.ifftshift", lambda xp, ans, x, axes=None: lambda g: xp.fft.fftshift(g, axes=axes))

_OPPOSITE = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


def _sized(xp: Namespace, x: Array, n: int | None, axis: int) -> Array:
    """Cut `x` to length n along `axis`, or fill it up with zeros."""
    length = x.shape[axis]
    if n is None or n == length:
        return x
    if n < length:
        return x[at(axis % x.ndim, slice(n))]
    shape = list(x.shape)
    shape[axis] = n - length
    return xp.concat([x, xp.zeros(tuple(shape), dtype=x.dtype, device=x.device)], axis=axis)


def _complex(xp: Namespace, x: Array) -> Array:
    if dtype_kind(x.dtype) == "complex":
        return x
    return xp.astype(x, xp.complex64 if dtype_name(x.dtype) == "float32" else xp.complex128)


@composite("fft.fft")
def _fft(xp: Namespace, x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    return xp.fft._fft(_complex(xp, _sized(xp, x, n, axis)), axis, norm)


@composite("fft.ifft")
def _ifft(xp: Namespace, x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    return xp.fft._ifft(_complex(xp, _sized(xp, x, n, axis)), axis, norm)


@composite("fft.rfft")
def _rfft(xp: Namespace, x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    full = _fft(xp, x, n=n, axis=axis, norm=norm)
    return _sized(xp, full, full.shape[axis] // 2 + 1, axis)


@composite("fft.irfft")
def _irfft(xp: Namespace, x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    n = 2 * (x.shape[axis] - 1) if n is None else n
    x = _sized(xp, _complex(xp, x), n // 2 + 1, axis)
    # The other half of the frequencies is the mirror image, conjugate.
    mirrored = xp.conj(x[at(axis % x.ndim, slice(1, n - n // 2))])
    full = xp.concat([x, xp.flip(mirrored, axis=axis)], axis=axis)
    return xp.real(xp.fft._ifft(full, axis, norm))


@composite("fft.hfft")
def _hfft(xp: Namespace, x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    return _irfft(xp, xp.conj(_complex(xp, x)), n=n, axis=axis, norm=_OPPOSITE[norm])


@composite("fft.ihfft")
def _ihfft(xp: Namespace, x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    return xp.conj(_rfft(xp, x, n=n, axis=axis, norm=_OPPOSITE[norm]))


def _over(x: Array, s: Sequence[int] | None, axes: Sequence[int] | None) -> list[tuple[int | None, int]]:
    """The length and the axis of each transform of several."""
    if axes is None:
        axes = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
    return list(zip([None] * len(axes) if s is None else s, axes, strict=True))


@composite("fft.fftn")
def _fftn(xp: Namespace, x: Array, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Array:
    for n, axis in _over(x, s, axes):
        x = _fft(xp, x, n=n, axis=axis, norm=norm)
    return x


@composite("fft.ifftn")
def _ifftn(xp: Namespace, x: Array, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Array:
    for n, axis in _over(x, s, axes):
        x = _ifft(xp, x, n=n, axis=axis, norm=norm)
    return x


@composite("fft.rfftn")
def _rfftn(xp: Namespace, x: Array, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Array:
    *rest, (last, axis) = _over(x, s, axes)
    x = _rfft(xp, x, n=last, axis=axis, norm=norm)
    for n, k in rest:
        x = _fft(xp, x, n=n, axis=k, norm=norm)
    return x


@composite("fft.irfftn")
def _irfftn(xp: Namespace, x: Array, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Array:
    *rest, (last, axis) = _over(x, s, axes)
    for n, k in rest:
        x = _ifft(xp, x, n=n, axis=k, norm=norm)
    return _irfft(xp, x, n=last, axis=axis, norm=norm)
