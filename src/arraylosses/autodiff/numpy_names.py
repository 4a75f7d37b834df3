"""What users write of NumPy: its functions, called on traced arrays, and the methods of its arrays.

NumPy hands its functions over by its protocols. One that the standard has is the traced namespace's own: its arguments
are bound by NumPy's signature and passed on by the names of ours. What NumPy alone has is put together below from
functions of the standard, with NumPy's signature.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from .._array_api import Array, Namespace
from .array import LISTS, NOT_WRITTEN_TO, plain, refused
from .reductions import several
from .rules import COMPOSITES, NO_RULE, NUMPY, PLAIN, RULES
from .tape import primitive

__all__ = ["STANDARD_NAMES", "Refusal", "method", "name_of", "of_numpy"]

STANDARD_NAMES = {
    "absolute": "abs",
    "amax": "max",
    "amin": "min",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "around": "round",
    "concatenate": "concat",
    "conjugate": "conj",
    "cross": "linalg.cross",
    "fabs": "abs",
    "invert": "bitwise_invert",
    "left_shift": "bitwise_left_shift",
    "power": "pow",
    "right_shift": "bitwise_right_shift",
    "true_divide": "divide",
}
"""NumPy's names of what the standard calls otherwise."""

_SETTING_NAMES = {"ddof": "correction", "a_min": "min", "a_max": "max"}

# Those of NumPy 2.4. Before it what is written in C says none, and `clip` knew neither `min` nor `max`.
_SIGNATURES: dict[str, Callable[..., Any]] = {
    "asarray": lambda a, dtype=None, order=None, *, device=None, copy=None, like=None: None,
    "clip": lambda a, a_min=None, a_max=None, out=None, *, min=None, max=None, **kwargs: None,  # noqa: A006
    "concat": lambda arrays, /, axis=0, out=None, *, dtype=None, casting="same_kind": None,
    "where": lambda condition, x=None, y=None, /: None,
}

# What makes no difference to the values
_WITHOUT_EFFECT = {"casting", "copy", "kind", "optimize", "stable", "subok"}


def name_of(function: Callable[..., Any]) -> str:
    """Return the name of a function of NumPy, with that of its extension: `sum`, `linalg.inv`."""
    module = "" if isinstance(function, np.ufunc) else function.__module__.removeprefix("numpy").lstrip(".")
    name = f"{module}.{function.__name__}" if module in ("linalg", "fft") else function.__name__
    return STANDARD_NAMES.get(name, name)


@functools.cache
def _accepted(name: str) -> MappingProxyType[str, inspect.Parameter] | None:
    """Return the parameters of a function of the traced namespace; None for one that takes any."""
    if name in COMPOSITES:
        parameters = list(inspect.signature(COMPOSITES[name]).parameters.values())[1:]  # without the namespace
    else:
        makers = RULES[name].makers
        maker = next((m for m in makers if m is not None), None) if isinstance(makers, tuple) else None
        if maker is None:
            return None
        parameters = list(inspect.signature(maker).parameters.values())[2:]  # without the result either
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return MappingProxyType({p.name: p for p in parameters})


def of_numpy(space: Namespace, name: str, function: Callable[..., Any] | None) -> Callable[..., Any]:
    """Return NumPy's `function`, of the standard's `name`, for traced arrays; methods alone have no function."""
    if name in NUMPY:
        call = functools.partial(NUMPY[name], space)
        if not inspect.isfunction(NUMPY[name]):
            return call
        known = inspect.signature(call)
        return _of_settings(_of_lists(call, known, space), known.parameters, name)
    if function is None or (name not in RULES and name not in COMPOSITES and name not in PLAIN):
        return Refusal(name, function)
    if name in PLAIN:
        return functools.partial(_of_plain, function, space)
    try:
        own = functools.reduce(getattr, name.split("."), space)
    except AttributeError:  # a user's rule for a function that the library lacks
        own = primitive(space, name, RULES[name], function)
    signature = None if isinstance(function, np.ufunc) else inspect.signature(_SIGNATURES.get(name, function))
    return _of_lists(_bound(signature, name, own), signature, space)


# What NumPy's functions call an array, and several of them
_ARRAY = {"a", "append", "arr", "ary", "b", "condition", "indices", "prepend", "start", "stop", "values", "weights"}
_ARRAY |= {"fp", "m", "v", "x", "x1", "x2", "xp", "y"}
_ARRAYS = {"args", "arrays", "arys", "operands", "tup", "xi"}


def _of_lists(call: Callable[..., Any], signature: inspect.Signature | None, space: Namespace) -> Callable[..., Any]:
    """Return `call` with arrays in the place of lists and numbers, where NumPy's function makes arrays of them."""

    def array(x: Any) -> Any:
        return x if hasattr(x, "ndim") else space.asarray(x)

    def with_arrays(*args: Any, **kwargs: Any) -> Any:
        for x in (*args, *kwargs.values()) if kwargs else args:
            if isinstance(x, LISTS):
                break
        else:
            return call(*args, **kwargs)
        if signature is None:
            return call(*[array(x) if isinstance(x, LISTS) else x for x in args], **kwargs)
        given = signature.bind(*args, **kwargs)
        for name, x in given.arguments.items():
            if name in _ARRAYS:
                given.arguments[name] = tuple([array(part) for part in x])
            elif name in _ARRAY and isinstance(x, LISTS):
                given.arguments[name] = array(x)
        return call(*given.args, **given.kwargs)

    return with_arrays


_INSTEAD_OF = {
    "apply_along_axis": "give the axis to the functions that are applied",
    "block": "use xp.concat",
    # which np.full_like calls
    "copyto": "NumPy's arrays can't hold a traced one; use a sum, as in xp.zeros_like(a) + x, or xp.where",
    "correlate": "use np.convolve(a, v[::-1])",
    "dstack": "use xp.stack(arrays, axis=2) of matrices",
    "fft.fft2": "use xp.fft.fftn(x, axes=(-2, -1))",
    "fft.ifft2": "use xp.fft.ifftn(x, axes=(-2, -1))",
    "fft.irfft2": "use xp.fft.irfftn(x, axes=(-2, -1))",
    "fft.rfft2": "use xp.fft.rfftn(x, axes=(-2, -1))",
    "histogram": "its counts are constant, those of autodiff.stop_gradient(x); add up weights by np.bincount",
    "nanmedian": "choose the numbers, as in np.median(x[~np.isnan(x)])",
    "partition": "use xp.sort",
    "piecewise": "use xp.where, or np.select",
}
"""What to use in the place of a function of NumPy."""


class Refusal:
    """A function without a rule: it takes the library's own arrays, and refuses traced ones."""

    def __init__(self, name: str, function: Callable[..., Any] | None) -> None:
        self.name, self.function = name, function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the function of plain arrays."""
        if self.function is None or any(plain(x) is not x for x in (*args, *kwargs.values())):
            advice = NO_RULE.get(self.name, "write it with functions of the array API standard")
            if self.function is not None and self.name in _INSTEAD_OF:
                advice = _INSTEAD_OF[self.name]
            elif self.name in _WRITING:
                advice = f"a traced array {NOT_WRITTEN_TO}"
            raise TypeError(f"`{self.name}` has no derivative rule; {advice}")
        return self.function(*args, **kwargs)


def _bound(signature: inspect.Signature | None, name: str, own: Callable[..., Any]) -> Callable[..., Any]:
    """Return `own`, the function `name` of the traced namespace, with the signature of NumPy's; a ufunc has none."""
    parameters = _accepted(name)
    if parameters is None:
        return own
    if any(p.kind is p.VAR_POSITIONAL for p in parameters.values()):
        return _of_settings(own, parameters, name)
    required = sum(p.default is p.empty for p in parameters.values())

    def call(*args: Any, **kwargs: Any) -> Any:
        settings = kwargs
        if signature is not None:
            given = signature.bind(*args, **kwargs)
            settings = dict(given.arguments)
            given.apply_defaults()
            first = list(given.arguments)[:required]
            args = tuple(given.arguments[key] for key in first)
            settings = {key: value for key, value in settings.items() if key not in first}
            for key in list(settings):
                default = signature.parameters[key].default
                if settings[key] is default or (key in _WITHOUT_EFFECT and key not in parameters):
                    del settings[key]
        renamed = {_SETTING_NAMES.get(key, key): value for key, value in settings.items()}
        _refuse_unknown(name, renamed, parameters)
        return own(*args, **renamed)

    return call


def _of_settings(
    call: Callable[..., Any], parameters: Mapping[str, inspect.Parameter], name: str
) -> Callable[..., Any]:
    """Return `call`, a function of NumPy alone, without what makes no difference, and without what it does not take."""

    def with_settings(*args: Any, **kwargs: Any) -> Any:
        if kwargs and not kwargs.keys() <= parameters.keys():
            kwargs = {
                key: value
                for key, value in kwargs.items()
                if key in parameters or not (value is None or key in _WITHOUT_EFFECT)
            }
            _refuse_unknown(name, kwargs, parameters)
        return call(*args, **kwargs)

    return with_settings


def _refuse_unknown(name: str, settings: Iterable[str], parameters: Mapping[str, inspect.Parameter]) -> None:
    for key in settings:
        if key == "out":
            raise TypeError(
                f"`{name}` can't write a traced array to `out`; leave it out, and take xp from "
                "al.array_namespace(x) of that array"
            )
        if key not in parameters:
            taken = ", ".join(p.name for p in parameters.values() if p.default is not p.empty) or "no settings"
            raise TypeError(
                f"`{name}` of a traced array takes {taken}, got `{key}`; write it with functions of the array API "
                "standard, such as xp.where"
            )


def plain_numpy(names: str) -> None:
    """Declare functions of NumPy whose derivative is 0, or that say something of arrays: NumPy computes them."""
    for name in names.split():
        if hasattr(np, name):
            NUMPY[name] = functools.partial(_of_plain, getattr(np, name))


_OUT_IS_THIRD = {"all", "any", "argmax", "argmin", "around", "round"}


def _of_plain(function: Callable[..., Any], xp: Namespace, *args: Any, **kwargs: Any) -> Any:
    written = kwargs.get("out")
    if len(args) > 2 and function.__name__ in _OUT_IS_THIRD:
        written = args[2]
    if plain(written) is not written:
        raise TypeError(f"`{function.__name__}` can't write to `out`; a traced array {NOT_WRITTEN_TO}")
    return function(*(plain(x) for x in args), **{name: plain(x) for name, x in kwargs.items()})


plain_numpy("allclose array_equal array_equiv isclose isneginf isposinf iscomplexobj isrealobj iscomplex isreal")
plain_numpy("array2string array_repr array_str ndim shape size common_type min_scalar_type may_share_memory")
plain_numpy("argpartition argwhere digitize fix flatnonzero lexsort rint shares_memory")


# Methods

_WRITING = {"copyto", "fill", "fill_diagonal", "itemset", "partition", "place", "put", "put_along_axis", "putmask"}
_WRITING |= {"resize", "setfield", "setflags", "sort"}


def method(space: Namespace, name: str) -> Callable[..., Any]:
    """Return the method `name` of the library's arrays, as a function of a traced array and the method's arguments."""
    if name == "astype":
        return lambda x, dtype, **settings: space.astype(x, dtype)
    if name in ("item", "tolist", "tobytes", "tofile", "dump", "dumps", "compute", "get"):
        return lambda x, *args, **settings: refused(f"`{name}`")
    if name in _WRITING:
        return Refusal(name, None)
    function = getattr(np, name, None)
    call = of_numpy(space, name if function is None else name_of(function), function)
    return functools.partial(_with_several, call) if name in ("reshape", "transpose") else call


def _with_several(function: Callable[..., Any], x: Array, *args: Any, **kwargs: Any) -> Any:
    """``x.reshape(2, 3)`` for ``reshape(x, (2, 3))``."""
    if args and args[0] is not None:
        args = (args if len(args) > 1 else several(args[0]),)
    return function(x, *args, **kwargs)
