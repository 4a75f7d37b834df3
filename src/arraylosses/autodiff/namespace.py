"""The namespace of traced arrays: the library's own, with functions that record what they compute."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from .._array_api import Namespace, backend_of
from . import elementwise, fourier, indexing, linalg, manipulation, numpy_functions, passing, reductions, sorting
from .array import TracedArray, plain, refused
from .numpy_names import STANDARD_NAMES, Refusal, method, name_of, of_numpy
from .rules import COMPOSITES, NUMPY, PLAIN, RULES
from .tape import primitive

__all__ = ["TracedNamespace", "traced_namespace"]

# Every table registers its rules when it is imported.
TABLES = (elementwise, fourier, indexing, linalg, manipulation, numpy_functions, passing, reductions, sorting)

_SPACES: dict[Namespace, TracedNamespace] = {}


def traced_namespace(library: Namespace) -> TracedNamespace:
    """Return the namespace of traced arrays of a library: one object, for arrays of every level."""
    found = _SPACES.get(library)
    if found is None:
        found = _SPACES.setdefault(library, TracedNamespace(library))
    return found


class TracedNamespace:
    """The functions of the array API standard for traced arrays of one library.

    They take the library's own arrays beside traced ones, and are made at their first use.

    Parameters
    ----------
    library : namespace
        The library's namespace, or one of its extensions.
    extension : str
        Empty, or the extension's name with a dot.
    """

    def __init__(self, library: Namespace, extension: str = "", main: TracedNamespace | None = None) -> None:
        self.__wrapped_namespace__ = library
        self.__name__ = f"arraylosses.autodiff.{library.__name__}"
        self._extension = extension
        self._main = main
        self._functions: dict[Callable[..., Any] | str, Callable[..., Any]] = {}
        backend = backend_of(library)
        self._chunked = backend == "dask"
        self._array_type = _deferring_type() if backend == "strict" else TracedArray

    def __repr__(self) -> str:
        return f"<namespace '{self.__name__}'>"

    def __dir__(self) -> list[str]:
        return sorted({*dir(self.__wrapped_namespace__), *self.__dict__})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and not name.startswith("__array"):
            raise AttributeError(f"{self!r} has no attribute {name!r}")
        found = self._find(name)
        if not isinstance(found, Refusal):  # a rule may still come
            setattr(self, name, found)  # the next look-up is that of any attribute
        return found

    def _find(self, name: str) -> Any:
        key = self._extension + name
        space = self._main or self
        # A step of the tape's own needs no function of the library's; all else is there only if the library has it.
        is_step = name.startswith("_") and (key in COMPOSITES or key in RULES)
        own = None if is_step else getattr(self.__wrapped_namespace__, name)
        if key in COMPOSITES:
            return functools.partial(COMPOSITES[key], space)
        if key in RULES:
            return primitive(space, name, RULES[key], own)
        if name in ("linalg", "fft") and not self._extension:
            return TracedNamespace(own, f"{name}.", self)
        if not callable(own) or isinstance(own, type):
            return own
        if key in PLAIN:
            return _on_plain_values(PLAIN[key] or own)
        if key in NUMPY or key in STANDARD_NAMES:
            function: Any = functools.reduce(getattr, key.split("."), np)
            return of_numpy(space, STANDARD_NAMES.get(key, key), function)
        return Refusal(key, own)

    def _of_numpy(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of NumPy for traced arrays."""
        found = self._functions.get(function)
        if found is None:
            found = of_numpy(self, name_of(function), function)
            if not isinstance(found, Refusal):
                self._functions[function] = found
        return found

    def _method(self, name: str) -> Callable[..., Any]:
        """Return a method of the library's arrays, as a function."""
        found = self._functions.get(name)
        if found is None:
            found = method(self, name)
            if not isinstance(found, Refusal):
                self._functions[name] = found
        return found


def _on_plain_values(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*(plain(x) for x in args), **{name: plain(x) for name, x in kwargs.items()})

    return call


@functools.cache
def _deferring_type() -> type[TracedArray]:
    # array_api_strict refuses a foreign right-hand side where other libraries leave the operator to it. Python asks the
    # right-hand side first if its type derives from that of the left-hand side.
    strict: Any = sys.modules["array_api_strict"]
    base = type(strict.empty(0))
    own = {"__new__": lambda cls, *_: object.__new__(cls), "_array": property(_refused_by_strict)}
    return type("TracedArray", (TracedArray, base), own)


def _refused_by_strict(x: TracedArray) -> NoReturn:
    refused("array_api_strict's own function", "take xp from al.array_namespace(x)")
