"""What the dialects share: errors in the framework's words, one program on JAX."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Container, Mapping
from typing import Any, TypeVar

from .._array_api import Array, is_array
from ..execution import jitted
from ..loss import Loss
from ..registry import class_of

__all__ = ["one_program", "speaks", "translate"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def speaks(loss: type[Loss] | Callable[..., Any], **words: str) -> Callable[[FunctionT], FunctionT]:
    """Make a function the framework's form of a loss: errors name the arguments as the function does.

    The loss is given as its class or its function, and the first parameters are its arrays, in its order. `words` are
    what the function calls by another name, settings and arrays that stand elsewhere.
    """
    cls = class_of(loss)
    assert cls is not None

    def decorate(function: FunctionT) -> FunctionT:
        parameters = inspect.signature(function).parameters
        known = {**dict(zip(cls.array_names, parameters, strict=False)), **words}

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except (TypeError, ValueError) as error:
                translate(error, known, parameters)
                raise

        return call  # type: ignore[return-value]

    return decorate


def translate(error: Exception, words: Mapping[str, str], known: Container[str]) -> None:
    """Say an error in the words of a framework, without a hint at arguments that are not `known` there."""
    if not (error.args and isinstance(error.args[0], str)):
        return
    message = _NAMED.sub(lambda name: f"`{words.get(name[1], name[1])}", error.args[0])
    said, *hints = message.split("; ")
    error.args = ("; ".join([said, *filter(None, [_hint_in(hint, words, known) for hint in hints])]), *error.args[1:])


def _hint_in(hint: str, words: Mapping[str, str], known: Container[str]) -> str:
    """Return a hint in the words of a framework, without the parts that do not hold there."""
    hint = _IN_CODE.sub(lambda name: words.get(name[0], name[0]), hint)
    lacking = [name for name in _NAMED.findall(hint) if name not in known]
    for name in lacking:
        hint = hint.replace(f"`{name}` or ", "").replace(f" or `{name}`", "")
    wrong = [f"`{name}`" for name in lacking] + [f"{name}=" for name in _KEYWORDS.findall(hint) if name not in known]
    # A framework has one function of labels, and another of distributions.
    wrong.append("a one-hot target must have a floating dtype")
    return ", and ".join([part for part in hint.split(", and ") if not any([name in part for name in wrong])])


_NAMED = re.compile(r"`(\w+)\b")
# A name in an expression, such as `labels` in labels.astype("int64"), np.asarray(labels) and 2 * labels - 1.
_IN_CODE = re.compile(r"(?<![\w.`])\w+(?=\.\w|\[)|(?<=\()\w+(?=[,)])|(?<=\* )\w+(?= -)")
_KEYWORDS = re.compile(r"\b(axis|where)=")


def one_program(function: FunctionT) -> FunctionT:
    """Compile, on eager arrays of JAX, what a function does beside its loss together with that.

    The function takes arrays by position, any of which may be None, and all else by keyword: `loss` if there is one,
    whose numbers may change without a new program, and plain settings.
    """

    @functools.wraps(function)
    def call(*arrays: Array | None, loss: Loss | None = None, **settings: Any) -> Array:
        if jitted.fits_all(arrays) and not any(map(is_array, settings.values())):
            return jitted.run_function(function, loss, arrays, settings)
        return function(*arrays, **(settings if loss is None else {**settings, "loss": loss}))

    return call  # type: ignore[return-value]
