"""Where the tables of derivative rules are kept, by kind.

A name is that of the standard; a function of an extension is ``linalg.inv``. A name with a leading underscore is a step
that other functions are made of.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .._array_api import Array
from .tape import Maker, Pullback, Rule

__all__ = [
    "COMPOSITES",
    "NO_RULE",
    "NUMPY",
    "PLAIN",
    "RULES",
    "composite",
    "elementwise",
    "every",
    "no_rule",
    "numpy_function",
    "plain_values",
    "rule",
]

RULES: dict[str, Rule] = {}
"""Functions with a derivative rule."""

COMPOSITES: dict[str, Callable[..., Any]] = {}
"""Functions that are put together from others, and get their derivative from them."""

PLAIN: dict[str, Callable[..., Any] | None] = {}
"""Functions of plain values: their derivative is 0, or they make arrays or say something of them. With what computes
them, if not the library's function of this name."""

NO_RULE: dict[str, str] = {}
"""Functions that can't be differentiated, with what to do instead."""


NUMPY: dict[str, Callable[..., Any]] = {}
"""Functions that NumPy alone has, or that mean something else there: put together from others, as NumPy calls them."""


def elementwise(name: str, *makers: Maker | None, forward: Callable[..., Array] | None = None) -> None:
    """State the rules of a function whose arguments broadcast to its result."""
    rule(name, *makers, forward=forward, elementwise=True)


def rule(
    name: str, *makers: Maker | None, forward: Callable[..., Array] | None = None, elementwise: bool = False
) -> None:
    """State the derivative rules of a function, before it is first called.

    Parameters
    ----------
    name : str
        The name that the library has for the function, such as ``cbrt`` or ``linalg.pinv``.
    *makers : callable or None
        One for each array argument: ``maker(xp, ans, *args, **settings)`` is told the traced namespace, the result and
        the arguments, and returns a function that makes the argument's cotangent of the result's. None where the
        derivative is 0.
    forward : callable, optional
        What computes the value, if not the library's function of this name.
    elementwise : bool, default False
        Whether the arguments broadcast to the result. The cotangent may then be of a shape that broadcasts to the
        result's, and that of an argument may have the result's shape.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import autodiff
    >>> autodiff.rule("rot90", lambda xp, ans, m, k=1: lambda g: np.rot90(g, -k))
    >>> autodiff.grad(lambda x: (np.rot90(x) * np.eye(2)).sum())(np.ones((2, 2))).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    RULES[name] = Rule(makers, elementwise, forward)


class _Every(dict[int, Maker]):
    """One maker for all arguments, which is told the position."""

    def __init__(self, maker: Callable[..., Pullback]) -> None:
        self.maker = maker

    def __missing__(self, position: int) -> Maker:
        return functools.partial(self.maker, position)


def every(name: str, maker: Callable[..., Pullback], forward: Callable[..., Array]) -> None:
    """State the rule of a function that takes any number of arrays: ``maker(position, namespace, result, *arrays)``."""
    RULES[name] = Rule(_Every(maker), False, forward)


def composite(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Define a function by others, from which it gets its derivative: the decorated one takes the namespace first.

    Parameters
    ----------
    name : str
        The name that the library has for the function.

    Returns
    -------
    callable
        The decorator.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import autodiff
    >>> @autodiff.composite("fliplr")
    ... def fliplr(xp, m):
    ...     return xp.flip(m, axis=1)
    >>> autodiff.grad(lambda x: (np.fliplr(x) * np.eye(2)).sum())(np.ones((2, 2))).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """

    def define(function: Callable[..., Any]) -> Callable[..., Any]:
        COMPOSITES[name] = function
        return function

    return define


def numpy_function(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Define a function of NumPy by those of the standard: the decorated one takes the namespace first."""

    def define(function: Callable[..., Any]) -> Callable[..., Any]:
        NUMPY[name] = function
        return function

    return define


def plain_values(names: str | dict[str, Callable[..., Any]]) -> None:
    """Declare functions that compute on plain values, with an operator for each or by the library's own function."""
    PLAIN.update(dict.fromkeys(names.split()) if isinstance(names, str) else names)


def no_rule(advice: str, names: str) -> None:
    """Declare functions that can't be differentiated, with what to do instead."""
    NO_RULE.update(dict.fromkeys(names.split(), advice))
