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
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from .._array_api import (
    NUMBERS,
    Array,
    Namespace,
    array_namespace,
    backend_of,
    holds_values,
    is_eager_numpy,
    is_torch,
    own_namespace,
)

__all__ = ["in_place_library", "primitive"]

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
        How many of the first arguments are arrays, or numbers in their place; all of them for None.
    in_place : callable, optional
        The form for arrays whose intermediate results may be written over: see `in_place_library`.
    unwrapped : tuple of str
        Libraries that the formula is given in place of their wrapper.
    **forms : callable
        Forms for all arrays of a library, by its short name. One that does not apply to its arguments returns None, as
        one in place may, and the formula takes them.
    """

    def decorate(formula: Callable[Concatenate[Namespace, P], R]) -> Callable[P, R]:
        @functools.wraps(formula)
        def chosen(*args: Any, **settings: Any) -> Any:
            if in_place is not None and (library := in_place_library(*args[:arrays])) is not None:
                result = in_place(library, *args, **settings)
                if result is not None:
                    return result
            xp = array_namespace(*[x for x in args[:arrays] if not isinstance(x, NUMBERS)])
            if forms and (form := forms.get(backend := backend_of(xp))) is not None:
                result = form(sys.modules["jax"] if backend == "jax" else own_namespace(xp), *args, **settings)
                if result is not None:
                    return result
            if unwrapped and backend_of(xp) in unwrapped:
                xp = own_namespace(xp)
            return formula(xp, *args, **settings)

        signature = inspect.signature(formula)
        rest = list(signature.parameters.values())[1:]
        chosen.__dict__["__signature__"] = signature.replace(parameters=rest)
        return chosen

    return decorate


def in_place_library(first: Array, *rest: Array) -> Any | None:
    """Return the library whose functions may write over intermediate results of these arrays, or None.

    It is NumPy, or torch on the CPU where no operation is recorded. Both know the functions of the standard that are
    used here, and `out`.
    """
    if is_eager_numpy(first):
        # NumPy makes numbers of arrays without axes
        return np if first.ndim and all([is_eager_numpy(x) and x.ndim for x in rest]) else None
    if not is_torch(first) or not holds_values(first, *rest):
        return None
    torch: Any = sys.modules["torch"]
    if torch.is_grad_enabled() and any([x.requires_grad for x in (first, *rest)]):
        return None
    return None if torch.autograd.forward_ad._current_level >= 0 else torch
