"""A loss made of a function, and the function form of a class."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, cast, overload

from . import execution
from ._array_api import Array, dtype_kind, in_torch_compiler
from .arguments import Granularity, in_short, kept_setting, ours, require_choice
from .loss import Loss, camel_case, keep_setting_names, refuse_scorer, snake_case
from .numerics import indexing, reductions
from .reduction import Reduction

__all__ = ["LossFunction", "fenchel_young", "function_form", "loss"]

P = ParamSpec("P")
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def function_form(cls: type[Loss]) -> Callable[[FunctionT], FunctionT]:
    """Make a function the function form of a loss class.

    Where it is called by another library's names it says what is meant: Python itself only says that an argument is not
    known, or that there is one too many.
    """

    def decorate(function: FunctionT) -> FunctionT:
        parameters = inspect.signature(function).parameters.values()
        arrays = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
        keywords = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
        count = len(arrays)
        cls.form = form = (function.__module__, function.__name__)

        @functools.wraps(function)
        def call(*given: Any, **named: Any) -> Any:
            if in_torch_compiler():
                from .execution import graphs

                if (found := graphs.call(form, given, named)) is not None:
                    return found
            refuse_scorer(function.__name__)
            if not named and len(given) == count:  # of settings at their defaults nothing is left to find out
                return execution.run(cls.made(), given, None, None)
            try:
                return function(*given, **named)
            except TypeError as error:
                # The function itself was not entered.
                if error.__traceback__ is not None and error.__traceback__.tb_next is None:
                    _refuse_call(form[1], arrays, keywords, given, named)
                raise

        made: Any = call
        made.loss_class, cls.function = cls, made
        return cast(FunctionT, made)

    return decorate


def _refuse_call(
    name: str, arrays: list[str], keywords: list[str], given: tuple[Any, ...], named: dict[str, Any]
) -> None:
    for key in named:
        if key not in arrays and key not in keywords:
            raise TypeError(f"`{key}` is no argument of {name}{ours(key, [*arrays, *keywords])}") from None
    if len(given) > len(arrays):
        takes, said = ", ".join(arrays), ", ".join([*arrays, f"{keywords[0]}=..."])
        raise TypeError(
            f"`{name}` takes {takes}, and its settings by keyword, as in {name}({said}); got {len(given)} arguments"
        ) from None


class LossFunction(Protocol[P]):
    """What `loss` makes of a function: the function form, with the class form beside it."""

    __name__: str
    loss_class: type[Any]
    """The subclass of `Loss`, whose settings are known when the program runs."""

    # A call by the function's own parameters, and one with what every loss takes beside these.
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Array: ...
    @overload
    def __call__(
        self, *arrays: Array, weight: Array, where: Array | None = ..., reduction: Reduction = ..., **rest: Any
    ) -> Array: ...
    @overload
    def __call__(self, *arrays: Array, where: Array, reduction: Reduction = ..., **rest: Any) -> Array: ...
    @overload
    def __call__(self, *arrays: Array, reduction: Reduction, **rest: Any) -> Array: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Array:
        """Compute the loss, with `weight`, `where` and `reduction` beside the function's own settings."""


@overload
def loss(function: Callable[P, Array], /) -> LossFunction[P]: ...
@overload
def loss(
    *, arrays: str = "", granularity: Granularity = "element", pure: bool = False
) -> Callable[[Callable[P, Array]], LossFunction[P]]: ...
def loss(
    function: Callable[..., Array] | None = None,
    /,
    *,
    arrays: str = "",
    granularity: Granularity = "element",
    pure: bool = False,
) -> Any:
    """Make a loss of a function that returns per-item losses.

    Parameters
    ----------
    function : callable
        ``function(prediction, target, *, settings...)``: positional parameters are arrays, keyword-only ones settings.
        A method, a ``functools.partial``, a lambda or another callable object will do; one without a name can't be
        registered.
    arrays : str, optional
        What the arrays hold, and what one value that the function returns belongs to: see `Loss.arrays`. Without it,
        they are real numbers of one shape.
    granularity : {"element", "row", "batch"}, default "element"
        Without `arrays`, what a value belongs to: an element, a row along the last axis or along the setting `axis`, or
        one of the first axis, whose items depend on each other.
    pure : bool, default False
        Whether its settings and arrays decide its value, so that it may be compiled once, and computed in blocks.

    Returns
    -------
    LossFunction
        The function with `weight`, `where` and `reduction`. Its attribute `loss_class` is the class form, for
        `register`, `get` and `serialize`.

    Raises
    ------
    TypeError
        If it is no callable with a signature, takes no array, or a variable number of arguments.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> @al.loss
    ... def stock_cost(prediction, target, *, under=2.0):
    ...     xp = al.array_namespace(prediction, target)
    ...     error = prediction - target
    ...     return xp.where(error < 0, under * error**2, error**2)
    >>> float(stock_cost(np.asarray([1.0, 2.0]), np.asarray([2.0, 0.0]), under=3.0, reduction="sum"))
    7.0
    """
    require_choice(("element", "row", "batch"), granularity=granularity)
    said: dict[str, Any] = {"pure": pure}
    if arrays:
        said["arrays"] = arrays
    elif granularity != "element":
        said["granularity"] = granularity
    return functools.partial(_loss_of_function, said=said) if function is None else _loss_of_function(function, said)


def fenchel_young(conjugate: Callable[[Array], Array], /) -> LossFunction[...]:
    r"""Make the Fenchel-Young loss of a regularization of distributions, given by its convex conjugate.

    .. math:: l = \Omega^*(z) - \sum_c t_c \, z_c; \quad \Omega^*(z) = \max_p \sum_c p_c z_c - \Omega(p),
        \; z = \mathrm{logits}, \; t = \mathrm{target}

    Its derivative by the logits is the distribution that attains the maximum, less the target.

    Parameters
    ----------
    conjugate : callable
        ``conjugate(logits)``: the maximum along the last axis, written against the array API standard.

    Returns
    -------
    LossFunction
        A loss of ``logits[..., C]`` and ``labels[...]``, integers or ``labels[..., C]``, a probability for each class:
        see `loss`.

    Notes
    -----
    The regularization of the target itself, which does not depend on the logits, is left out, as in Optax's
    ``make_fenchel_young_loss``. It is 0 for a class by itself where the regularization is an entropy.

    References
    ----------
    Blondel, Martins and Niculae, Learning with Fenchel-Young losses (2020). https://arxiv.org/abs/1901.02324

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> shannon = al.fenchel_young(al.special.logsumexp)
    >>> logits, labels = np.asarray([[2.0, 0.0, 0.0]]), np.asarray([0])
    >>> bool(np.isclose(shannon(logits, labels), al.cross_entropy(logits, labels)))
    True
    """

    @loss(arrays="logits[..., C]: real, labels[...]: class or labels[..., C]: distribution -> [...]")
    def fenchel_young(logits: Array, labels: Array) -> Array:
        if dtype_kind(labels.dtype) == "int":
            return conjugate(logits) - indexing.gather(logits, labels, -1)
        return conjugate(logits) - reductions.expectation(logits, labels, -1)

    return fenchel_young


def _loss_of_function(function: Callable[..., Array], said: dict[str, Any]) -> LossFunction[...]:
    signature = _signature(function)
    parameters = list(signature.parameters.values())
    arrays = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    settings = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    if not arrays or len(arrays) + len(settings) < len(parameters):
        raise TypeError("`function` must take its arrays by position and its settings by keyword, each by name")
    for p in arrays:
        if p.default is not p.empty and p.default is not None:
            raise TypeError(
                "`function` must take its arrays by position and its settings by keyword; "
                f"`{p.name}` has a default, so put a `*` in front of it: {_with_star(arrays, p)}"
            )
    # A loss that leaves out parts of an item takes `where` itself, as its last array.
    takes_where = arrays[-1].name == "where" and len(arrays) > 1
    taken = {"weight", "where", "reduction"} & {p.name for p in parameters if not (takes_where and p is arrays[-1])}
    if taken:
        raise TypeError(f"`function` must leave {', '.join(sorted(taken))} to the loss that is made of it")
    names = tuple(p.name for p in settings)

    def call(self: Loss, *given: Array) -> Array:
        return function(*given, **{name: getattr(self, name) for name in names})

    named = _named(function)
    name = getattr(named, "__name__", snake_case(type(named).__name__))
    taken_by_call = signature.replace(
        parameters=[inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY), *_positional(arrays)]
    )
    call.__signature__ = taken_by_call  # type: ignore[attr-defined]
    namespace: dict[str, Any] = {"call": call, **said}
    if not inspect.isfunction(function):  # which pickle finds by no name of its own
        namespace["__reduce__"] = lambda self: (_restored, (function, said, self.settings()))
    cls: type[Loss] = cast(
        Any,
        dataclasses.make_dataclass(
            camel_case(name.strip("<>")), [_field(p) for p in settings], bases=(Loss,), namespace=namespace, frozen=True
        ),
    )
    if takes_where:
        parameters.remove(arrays[-1])
    keep_setting_names(cls)
    cls.__doc__ = f"Settings of `{name}`."
    known = {*names, *cls.array_names}

    def wrapper(
        *given: Array,
        weight: Array | None = None,
        where: Array | None = None,
        reduction: Reduction = "mean",
        **rest: Any,
    ) -> Array:
        refuse_scorer(name)
        if not rest.keys() <= known:
            _refuse_call(name, list(cls.array_names), [*names, "weight", "where", "reduction"], given, rest)
        named = {key: rest.pop(key) for key in list(rest) if key in cls.array_names}
        return cls(**rest, reduction=reduction)(*given, weight=weight, where=where, **named)

    own = [p for p in inspect.signature(wrapper).parameters.values() if p.kind is p.KEYWORD_ONLY]
    functools.update_wrapper(wrapper, function)
    wrapper.__name__ = name
    wrapper.__signature__ = signature.replace(parameters=[*parameters, *own])  # type: ignore[attr-defined]
    loss_function = cast("LossFunction[...]", wrapper)
    loss_function.loss_class = cls
    cls.function = wrapper
    # Where pickle finds the class: beside the function, which stands in its module under its own name.
    cls.__module__ = getattr(named, "__module__", __name__)
    cls.__qualname__ = f"{getattr(named, '__qualname__', name)}.loss_class"
    return loss_function


def _with_star(arrays: list[inspect.Parameter], setting: inspect.Parameter) -> str:
    """Return the parameters of a function, with a star in front of a setting."""
    said = ", ".join(["*, " * (p is setting) + p.name + "=..." * (p.default is not p.empty) for p in arrays])
    return f"({said})"


def _signature(function: Any) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        raise TypeError(
            f"`function` must be a callable whose parameters can be read, got {in_short(function)}"
        ) from None


def _named(function: Any) -> Any:
    """Return what gives a loss its name: of a partial function, what is called."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _field(parameter: inspect.Parameter) -> tuple[str, Any, Any]:
    """Return the dataclass field of a setting."""
    default = (
        {} if parameter.default is parameter.empty else {"default": kept_setting(parameter.name, parameter.default)}
    )
    return parameter.name, Any, dataclasses.field(kw_only=True, **default)


def _positional(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    return [p.replace(kind=p.POSITIONAL_OR_KEYWORD, annotation=p.empty) for p in parameters]


def _restored(function: Callable[..., Array], said: dict[str, Any], settings: dict[str, Any]) -> Loss:
    """Return a pickled loss of a callable that stands in no module under a name, and is pickled with it."""
    made: Loss = _loss_of_function(function, said).loss_class(**settings)
    return made
