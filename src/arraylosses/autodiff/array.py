"""The traced array: an array of any library that remembers how it came about.

It does nothing itself. An operator or a function of the standard goes to the namespace that the array belongs to, where
a derivative rule is looked up.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from .. import _array_api
from .._array_api import Array, Namespace

if TYPE_CHECKING:
    from .tape import Node

__all__ = ["LISTS", "NOT_WRITTEN_TO", "TracedArray", "plain", "refused"]


LISTS = (list, tuple)
"""What the libraries make arrays of. The union of the types would be made at each look."""


def _binary(name: str) -> tuple[Callable[..., Array], Callable[..., Array], Callable[..., Array]]:
    """The operator of the function `name`: plain, reflected, and in place, which is out of place here."""

    def forward(self: TracedArray, other: Array) -> Array:
        if isinstance(other, LISTS):
            other = self._space.asarray(other)
        if getattr(other, "__array_ufunc__", self) is None:  # as NumPy has it: the operator is a loss's own
            return NotImplemented
        return getattr(self._space, name)(self, other)

    def reflected(self: TracedArray, other: Array) -> Array:
        if isinstance(other, LISTS):
            other = self._space.asarray(other)
        return getattr(self._space, name)(other, self)

    return forward, reflected, forward


def _unary(name: str) -> Callable[..., Array]:
    def operator(self: TracedArray) -> Array:
        return getattr(self._space, name)(self)

    return operator


NOT_WRITTEN_TO = "can't be written to; use xp.where(mask, value, x) or xp.concat"

_CONSTANT = "or take autodiff.stop_gradient(x) where a constant is meant"


def refused(what: str, instead: str = "keep the array, and use the functions of al.array_namespace(x)") -> NoReturn:
    """Refuse what would take the values out of the computation."""
    raise TypeError(f"{what} of a traced array would lose its derivative; {instead}, {_CONSTANT}")


def _conversion(name: str) -> Callable[[TracedArray], NoReturn]:
    def convert(self: TracedArray) -> NoReturn:
        refused(f"`{name}`")

    return convert


_INSTEAD_OF = {
    "accumulate": "use xp.cumulative_sum or xp.cumulative_prod",
    "outer": "add an axis to the first, as in x[:, None] * y",
    "at": f"a traced array {NOT_WRITTEN_TO}",
}
"""What to use in the place of a method of a ufunc of NumPy."""


class TracedArray:
    """An array in the course of a computation that is differentiated.

    The functions of this package make it; it behaves as the array that it holds, in every function and operator of the
    array API standard. NumPy's own functions take it too, and it has the methods of the array that it holds. What is
    constant wherever it has a derivative, such as a comparison or a sign, comes back as an array of the library itself,
    so that ``if x > 0`` works. What would lose the derivative without a word raises: `float`, `int`, `bool`, `item`,
    a conversion by `numpy.asarray`. It prints as the array that it holds.

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

    def __init__(self, value: Array, node: Node | None, level: int, space: Namespace) -> None:
        self._value = value
        self._node = node
        self._level = level
        self._space = space

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Namespace:
        return self._space

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            advice = _INSTEAD_OF.get(method, "use xp.sum, xp.max or the like")
            raise TypeError(f"`{ufunc.__name__}.{method}` has no derivative rule; {advice}")
        # `a += traced` has `a` as its output; what comes of it is a new array, as in all operators here.
        if kwargs.get("out", inputs)[0] is inputs[0]:
            kwargs.pop("out", None)
        return self._space._of_numpy(ufunc)(*inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return self._space._of_numpy(function)(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """Return what the library's array has beyond the standard: a method, or a number that says something of it."""
        if name.startswith("_"):
            raise AttributeError(f"a traced array has no attribute {name!r}")
        found = getattr(plain(self), name)
        if callable(found):
            return functools.partial(self._space._method(name), self)
        if isinstance(found, int):  # such as `nbytes`
            return found
        raise AttributeError(f"a traced array has no attribute {name!r}; use the functions of al.array_namespace(x)")

    def __repr__(self) -> str:
        return f"TracedArray({plain(self)!r})"

    def __str__(self) -> str:
        return str(plain(self))

    def __format__(self, spec: str) -> str:
        return format(plain(self), spec)

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        refused(
            "a NumPy array made", "use it as it is, with the functions of al.array_namespace(x), or xp.stack several"
        )

    def __dask_tokenize__(self) -> NoReturn:
        # Dask would keep it in a graph, and compute values of it.
        refused("Dask's own function", "take xp from al.array_namespace(x)")

    # Nobody writes to it, so it is its own copy.

    def __copy__(self) -> TracedArray:
        return self

    def __deepcopy__(self, memo: Any) -> TracedArray:
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        refused("a pickle")

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
        """Transpose: of an array of two axes, or of any where the library reverses them."""
        return self._space._reversed(self)

    @property
    def mT(self) -> Array:  # noqa: N802 (the standard's name)
        """Transpose of the last two axes."""
        return self._space.matrix_transpose(self)

    @property
    def real(self) -> Array:
        """Real part."""
        return self._space.real(self)

    @property
    def imag(self) -> Array:
        """Imaginary part."""
        return self._space.imag(self)

    def to_device(self, device: Any, /, *, stream: Any = None) -> Array:
        """Copy to another device; the derivative comes back from there."""
        return self._space._to_device(self, device, stream=stream)

    # its values: what would take them out of the computation

    __float__ = _conversion("float")
    __int__ = _conversion("int")
    __complex__ = _conversion("complex")

    def __bool__(self) -> NoReturn:
        refused("`bool`", "compare it, as in x != 0")

    def __len__(self) -> int:
        return len(plain(self))

    def __iter__(self) -> Iterator[Array]:
        if not self.ndim:
            raise TypeError("iteration over an array of shape ()")
        return (self[k] for k in range(self.shape[0]))

    def __contains__(self, item: Any) -> bool:
        return plain(item) in plain(self)

    def __getitem__(self, key: Any, /) -> Array:
        return self._space._getitem(self, key)

    def __setitem__(self, key: Any, value: Any, /) -> NoReturn:
        raise TypeError(f"a traced array {NOT_WRITTEN_TO}")

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
