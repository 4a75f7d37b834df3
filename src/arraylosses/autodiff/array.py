"""The traced array: an array of any library that remembers how it came about.

It does nothing itself. An operator or a function of the standard goes to the namespace that the array belongs to, where
a derivative rule is looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from .. import _array_api
from .._array_api import Array, Namespace

if TYPE_CHECKING:
    from .tape import Node

__all__ = ["TracedArray", "plain"]


def _binary(name: str) -> tuple[Callable[..., Array], Callable[..., Array], Callable[..., Array]]:
    """The operator of the function `name`: plain, reflected, and in place, which is out of place here."""

    def forward(self: TracedArray, other: Array) -> Array:
        return getattr(self._space, name)(self, other)

    def reflected(self: TracedArray, other: Array) -> Array:
        return getattr(self._space, name)(other, self)

    return forward, reflected, forward


def _unary(name: str) -> Callable[..., Array]:
    def operator(self: TracedArray) -> Array:
        return getattr(self._space, name)(self)

    return operator


_ADVICE = (
    "of a traced array would lose its derivative; use the functions of al.array_namespace(x), which are differentiated"
)

# NumPy's names of what the standard calls otherwise
_STANDARD_NAMES = {
    "absolute": "abs",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "concatenate": "concat",
    "conjugate": "conj",
    "invert": "bitwise_invert",
    "left_shift": "bitwise_left_shift",
    "power": "pow",
    "right_shift": "bitwise_right_shift",
    "transpose": "permute_dims",
    "true_divide": "divide",
}


class TracedArray:
    """An array in the course of a computation that is differentiated.

    The functions of this package make it; it behaves as the array that it holds, in every function and operator of the
    array API standard. What is constant wherever it has a derivative, such as a comparison or a sign, comes back as an
    array of the library itself. Python's `bool`, `float` and `int` work where they work for the array that it holds.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import autodiff
    >>> def f(x):
    ...     print(type(x).__name__, x.shape, x.dtype)
    ...     return x[0] * x[1]
    >>> autodiff.grad(f)(np.asarray([2.0, 5.0])).tolist()
    TracedArray (2,) float64
    [5.0, 2.0]
    """

    # Libraries that look at neither of NumPy's protocols leave an operator to the side of higher priority.
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Array, node: Node, level: int, space: Namespace) -> None:
        self._value = value
        self._node = node
        self._level = level
        self._space = space

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Namespace:
        return self._space

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Array:
        # `a += traced` has `a` as its output; what comes of it is a new array, as in all operators here.
        if method != "__call__" or set(kwargs) - {"out"} or kwargs.get("out", inputs[:1])[0] is not inputs[0]:
            raise TypeError(f"`{ufunc.__name__}.{method}` {_ADVICE}")
        return self.__array_function__(ufunc, (), inputs, {})

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Compute a function of NumPy by the rule of its name: the namespace was taken from another array."""
        name = _STANDARD_NAMES.get(function.__name__, function.__name__)
        try:
            own = getattr(self._space, name)
        except AttributeError:
            raise TypeError(f"`{function.__name__}` {_ADVICE}") from None
        return own(*args, **kwargs)

    def __repr__(self) -> str:
        return f"TracedArray({self._value!r})"

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"a conversion to a NumPy array {_ADVICE}")

    # what it is

    @property
    def dtype(self) -> Any:
        """Dtype of the elements."""
        return self._value.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        shape: tuple[int, ...] = self._value.shape
        return shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int | None:
        """Number of elements."""
        return _array_api.size(self._value)

    @property
    def device(self) -> Any:
        """Device that holds the elements."""
        return _array_api.device(self._value)

    @property
    def T(self) -> Array:  # noqa: N802 (the standard's name)
        """Transpose of an array of two axes."""
        if self.ndim != 2:
            raise ValueError(f"`T` is for arrays of two axes, got shape {self.shape}; use `mT` or xp.permute_dims")
        return self._space.matrix_transpose(self)

    @property
    def mT(self) -> Array:  # noqa: N802 (the standard's name)
        """Transpose of the last two axes."""
        return self._space.matrix_transpose(self)

    def to_device(self, device: Any, /, *, stream: Any = None) -> Array:
        """Copy to another device; the derivative comes back from there."""
        return self._space._to_device(self, device, stream=stream)

    # its values, where they can be looked at

    def __bool__(self) -> bool:
        return bool(self._value)

    def __float__(self) -> float:
        return float(self._value)

    def __int__(self) -> int:
        return int(self._value)

    def __complex__(self) -> complex:
        return complex(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def __iter__(self) -> Iterator[Array]:
        return (self[k] for k in range(self.shape[0]))

    def __getitem__(self, key: Any, /) -> Array:
        return self._space._getitem(self, key)

    def __setitem__(self, key: Any, value: Any, /) -> NoReturn:
        raise TypeError("a traced array can't be written to; use xp.where(mask, value, x) or xp.concat")

    # operators

    __add__, __radd__, __iadd__ = _binary("add")
    __sub__, __rsub__, __isub__ = _binary("subtract")
    __mul__, __rmul__, __imul__ = _binary("multiply")
    __truediv__, __rtruediv__, __itruediv__ = _binary("divide")
    __pow__, __rpow__, __ipow__ = _binary("pow")
    __mod__, __rmod__, __imod__ = _binary("remainder")
    __floordiv__, __rfloordiv__, __ifloordiv__ = _binary("floor_divide")
    __matmul__, __rmatmul__, __imatmul__ = _binary("matmul")
    __and__, __rand__, __iand__ = _binary("bitwise_and")
    __or__, __ror__, __ior__ = _binary("bitwise_or")
    __xor__, __rxor__, __ixor__ = _binary("bitwise_xor")
    __lshift__, __rlshift__, __ilshift__ = _binary("bitwise_left_shift")
    __rshift__, __rrshift__, __irshift__ = _binary("bitwise_right_shift")

    __lt__ = _binary("less")[0]
    __le__ = _binary("less_equal")[0]
    __gt__ = _binary("greater")[0]
    __ge__ = _binary("greater_equal")[0]
    __eq__ = _binary("equal")[0]
    __ne__ = _binary("not_equal")[0]

    __neg__ = _unary("negative")
    __pos__ = _unary("positive")
    __abs__ = _unary("abs")
    __invert__ = _unary("bitwise_invert")


def plain(x: Any) -> Any:
    """Return the library's own array in `x`, in a list too; anything else as it is."""
    while isinstance(x, TracedArray):
        x = x._value
    if isinstance(x, list | tuple):
        values = [plain(v) for v in x]
        if any(v is not old for v, old in zip(values, x, strict=True)):
            return type(x)(values)
    return x
