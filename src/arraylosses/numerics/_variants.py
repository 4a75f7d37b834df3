"""How a function chooses among its forms: the formula in the standard, one in place, and those for single libraries.

A form for arrays of one library is there because it is measured to be faster, or because the library's own function
has another derivative or a fault. Every form gets a namespace first: the formula that of the standard, any other the
library itself.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import numpy as np

from .._array_api import (
    NUMBERS,
    Array,
    Namespace,
    array_namespace,
    backend_of,
    in_transform,
    is_eager_torch,
    namespace_of,
    numpy_namespace,
)

P = ParamSpec("P")
R = TypeVar("R")


def primitive(
    *,
    arrays: int | None = 1,
    in_place: Callable[..., Any] | None = None,
    unwrapped: tuple[str, ...] = (),
    **forms: Callable[..., Any],
) -> Callable[[Callable[Concatenate[Namespace, P], R]], Callable[P, R]]:
    """Return a decorator that makes a function of arrays from a formula, which takes their namespace first.

    Parameters
    ----------
    arrays : int or None, default 1
        How many of the first arguments are arrays; all of them for None. Beyond two, there may be numbers among them.
    in_place : callable, optional
        The form for arrays whose intermediate results may be written over: see `in_place_library`.
    unwrapped : tuple of str
        Libraries that the formula is given in place of their wrapper.
    **forms : callable
        Forms for all arrays of a library, by its short name. One that does not apply to its arguments returns None, as
        one in place may, and the formula takes them.
    """
    more = None if arrays is None else arrays - 1
    of_numpy = forms.get("numpy")

    def decorate(formula: Callable[Concatenate[Namespace, P], R]) -> Callable[P, R]:
        forms.update(dict.fromkeys(unwrapped, formula))

        @functools.wraps(formula)
        def chosen(x: Any, *rest: Any, **settings: Any) -> Any:
            if in_place is not None and (library := in_place_library(x, *rest[:more])) is not None:
                result = in_place(library, x, *rest, **settings)
                if result is not None:
                    return result
            is_numpy = type(x) is np.ndarray
            if is_numpy:  # the shortest way for small arrays
                for y in rest[:more]:
                    if type(y) not in _NUMPY_OR_NUMBER:
                        break
                else:
                    if of_numpy is not None and (result := of_numpy(np, x, *rest, **settings)) is not None:
                        return result
                    return formula(numpy_namespace, x, *rest, **settings)
            xp = namespace_of(x) if more == 0 else None
            if xp is None:
                xp = array_namespace(x, *[y for y in rest[:more] if not isinstance(y, NUMBERS)])
            if forms and (form := forms.get(backend := backend_of(xp))) is not None:
                result = form(sys.modules[_MODULES[backend]], x, *rest, **settings)
                if result is not None:
                    return result
            return formula(xp, x, *rest, **settings)

        function: Any = chosen
        signature = inspect.signature(formula)
        function.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])
        # torch's compiler counts by code how often it has compiled a function, so each has its own.
        names = {"co_name": formula.__name__, "co_qualname": formula.__qualname__}
        function.__code__ = function.__code__.replace(**names)
        return cast("Callable[P, R]", function)

    return decorate


_NUMPY_OR_NUMBER = (np.ndarray, float, int)

_MODULES = {"numpy": "numpy", "torch": "torch", "jax": "jax", "dask": "dask.array"}


def in_place_library(first: Array, *rest: Array) -> Any | None:
    """Return the library whose functions may write over intermediate results of these arrays, or None.

    It is NumPy, or torch where no operation is recorded. Both know the functions of the standard that are used here,
    and `out`. A form that looks at values, or at memory, has to ask whether they are on the CPU. Within a transform of
    torch, what an operation makes even of plain tensors may be wrapped, and have no memory.
    """
    if type(first) is np.ndarray:  # a subclass may mean something else by its operations
        if not first.ndim:  # NumPy makes numbers of arrays without axes
            return None
        for x in rest:
            if type(x) is not np.ndarray or not x.ndim:
                return None
        return np
    torch: Any = sys.modules.get("torch")
    if torch is None or not isinstance(first, torch.Tensor) or not is_eager_torch(first, *rest):
        return None
    if torch.is_grad_enabled() and any([x.requires_grad for x in (first, *rest)]):
        return None
    return None if in_transform() else torch
