"""What the dialects share: errors in the framework's words, the table of names, one program on JAX."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from .._array_api import Array, is_array, is_eager_jax
from ..loss import Loss
from ..registry import canonical_name

__all__ = ["Name", "name_of", "one_program", "speaks"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


class Name(NamedTuple):
    """What a framework's name stands for here."""

    canonical: str
    """The name of the loss, as it is registered."""
    differs: str = ""
    """In what its meaning differs from the loss at its defaults; empty where it does in nothing."""


def speaks(loss: type[Loss], differs: str = "", **settings: str) -> Callable[[FunctionT], FunctionT]:
    """Make a function the framework's form of a loss: errors name the arguments as the function does.

    The first parameters are the arrays of the loss, in its order. `settings` are those of the loss that the function
    calls by another name.
    """
    name = Name(canonical_name(loss), differs)

    def decorate(function: FunctionT) -> FunctionT:
        parameters = inspect.signature(function).parameters
        words = {**dict(zip(loss.array_names, parameters, strict=False)), **settings}
        known = re.compile(rf"`({'|'.join(words)})\b")

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except (TypeError, ValueError) as error:
                if error.args and isinstance(error.args[0], str):
                    said = known.sub(lambda word: f"`{words[word[1]]}", error.args[0])
                    error.args = (said, *error.args[1:])
                raise

        call.name = name  # type: ignore[attr-defined]
        return call  # type: ignore[return-value]

    return decorate


def name_of(form: Any) -> Name:
    """Return what the name of a function that `speaks` a loss stands for."""
    found: Name = form.name
    return found


def one_program(function: FunctionT) -> FunctionT:
    """Compile, on eager arrays of JAX, what a function does beside its loss together with that.

    The function takes arrays by position, any of which may be None, and all else, such as a loss, by keyword. Where
    that holds arrays, which may be traced, nothing is compiled.
    """
    static = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]

    @functools.cache
    def program() -> Any:
        return sys.modules["jax"].jit(function, static_argnames=static)

    @functools.wraps(function)
    def call(*arrays: Array | None, **settings: Any) -> Array:
        if all([x is None or is_eager_jax(x) for x in arrays]) and not any(map(_holds_arrays, settings.values())):
            return program()(*arrays, **settings)
        return function(*arrays, **settings)

    return call  # type: ignore[return-value]


def _holds_arrays(value: Any) -> bool:
    return bool(value.array_settings) if isinstance(value, Loss) else is_array(value)
