"""A loss: its settings as a frozen dataclass, its formula as `call`, and what every loss gets from here."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import itertools
import operator
import re
import sys
from collections.abc import Callable
from typing import Any, ClassVar, ParamSpec, Protocol, Self, TypeVar, cast, overload

from . import execution
from ._array_api import Array, is_array, same_values
from .arguments import (
    Declaration,
    Granularity,
    Inputs,
    check_inputs,
    conditions,
    declared,
    in_short,
    kept_setting,
    meant,
    of_granularity,
    ours,
    require_choice,
    require_integer,
)
from .reduction import REDUCTIONS, Reduction

__all__ = [
    "Loss",
    "LossFunction",
    "RowLoss",
    "camel_case",
    "check_settings_once",
    "function_form",
    "keep_setting_names",
    "loss",
    "setting_names",
    "snake_case",
]

P = ParamSpec("P")
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

_PLAIN = frozenset((float, int, bool, str, type(None)))
_CLOSED_FORMS = ("derivative", "value_and_derivatives", "second_derivative")
_OF_A_FORMULA = (*_CLOSED_FORMS, "torch_kernel")


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Loss:
    """Base of all losses: subclass it, state the settings as dataclass fields and the formula as `call`.

    Parameters
    ----------
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result.

    Notes
    -----
    An item is what one loss value belongs to: an element, or a row along the class or feature axis. Let l be the
    per-item losses and w the weights, 1 without `weight`, over the items that `where` keeps.

    ============= ============================================================================
    reduction     result
    ============= ============================================================================
    "none"        w l, with 0 where `where` is False, of the shape of the per-item loss
    "sum"         Σ w l
    "mean"        Σ w l / Σ w: a true weighted mean, which no constant weight changes
    "batchmean"   Σ w l / (length of the first axis)
    ============= ============================================================================

    If no items are kept, or all weights are 0, the result is 0, with a zero gradient. What `where` leaves out may hold
    anything, and changes neither the value nor a gradient; a NaN that is kept comes out as NaN.

    The result is in the library, on the device and in the floating dtype of the arrays, float32 at the least. Nothing
    broadcasts but `weight` and `where`, to the per-item loss, and nothing moves between libraries or devices. Settings
    are given by keyword; a setting that is an array follows the library, dtype and device of the arrays.

    A label outside [0, C) is an error on NumPy and on torch's CPU; on other libraries, where it can't be looked at, the
    loss of its item and the gradient of it are NaN.

    `arrays` declares what the loss takes, and what one loss value belongs to, such as
    ``"logits[..., C]: real, labels[...]: class -> [...]"``. The arguments are checked by it, and an item is never
    computed together with others, or without them, unless it says so. Without it, a loss takes real arrays of one shape
    and gives each element a loss. `derivative` and `second_derivative` may give closed forms, for the libraries that
    have no gradients of their own.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> import arraylosses as al
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Asymmetric(al.Loss):
    ...     under: float = 2.0
    ...
    ...     def call(self, prediction, target):
    ...         xp = al.array_namespace(prediction, target)
    ...         error = prediction - target
    ...         return xp.where(error < 0, self.under * error**2, error**2)
    >>> float(Asymmetric(under=3.0)(np.asarray([1.0, 2.0]), np.asarray([2.0, 0.0])))
    3.5
    """

    reduction: Reduction = "mean"

    arrays: ClassVar[str] = ""
    """What each of the arrays holds, with which axes, and what one loss value belongs to.

    ``...`` stands for any number of axes, and an axis of one name has one length. Domains are real, nonnegative,
    positive, probability, distribution, log_distribution, sign, class and ``length of T``. ``or`` parts two manners in
    which an array may be given, ``bias?[C]: real`` one that need not be, ``real if from_logits else probability`` says
    what depends on a setting. ``-> [N] coupled`` says that an item depends on the arrays of others. If they are
    coupled, or `where` is declared with axes of its own, `call` takes `where` last, None where it is not given."""

    granularity: ClassVar[Granularity] = "element"
    """What one loss value belongs to: an "element", a "row" of each array, or one of a "batch" whose items are coupled.
    It follows from `arrays`; without these, it says which of them are taken."""

    pure: ClassVar[bool] = False
    """Whether the settings and the arrays decide the value, so that a program of it may be compiled and kept, and parts
    of it be computed again. False unless a class says so: a formula may look at what changes from call to call."""

    array_names: ClassVar[tuple[str, ...]] = ()
    """The names of the arrays that a call takes, in order."""

    _declarations: ClassVar[dict[tuple[bool, ...], Declaration]] = {(): Declaration((), ("...",))}
    _conditions: ClassVar[tuple[str, ...]] = ()

    _setting_names: ClassVar[tuple[type, tuple[str, ...]] | None] = None

    closed_forms: ClassVar[tuple[int, ...]] = ()
    """The arrays, by position, with respect to which there is a closed form of the derivative: the first where
    `derivative` or `value_and_derivatives` is defined, unless a class says more."""

    checked: ClassVar[dict[Any, Any]] = {}
    """The kinds of arguments that were checked already: what `execution` remembers."""

    whole_rows: ClassVar[bool] = True
    """Whether an item is computed from its whole row, where labels are integers, or from its label's entry alone."""

    structural: ClassVar[tuple[str, ...]] = ()
    """The numbers among the settings whose value decides which formula is computed, and not only with what."""

    array_settings: ClassVar[tuple[str, ...]] = ()
    """The settings that hold an array or a sequence."""

    function: ClassVar[Callable[..., Any] | None] = None
    """The function form."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.function = None
        cls.checked = {}
        if "call" in cls.__dict__:
            # What was said of another formula does not hold of this one.
            if "pure" not in cls.__dict__ and getattr(cls.__mro__[1], "call", Loss.call) is not Loss.call:
                cls.pure = False
            for name in _OF_A_FORMULA:
                if name not in cls.__dict__:
                    setattr(cls, name, getattr(Loss, name))
        if "closed_forms" not in cls.__dict__ and {"call", *_CLOSED_FORMS} & cls.__dict__.keys():
            has_one = any(getattr(cls, name) is not getattr(Loss, name) for name in _CLOSED_FORMS[:2])
            cls.closed_forms = (0,) if has_one else ()
        # `dataclass` leaves alone what stands in the class itself: a setting may be an array, which its own == and hash
        # would not survive.
        for name in ("__eq__", "__hash__", "__repr__"):
            if name not in cls.__dict__:
                setattr(cls, name, getattr(cls, name))
        if {"call", "arrays", "granularity"} & cls.__dict__.keys():
            _declare(cls)

    def __new__(cls, *given: Any, **settings: Any) -> Self:
        """Make a loss, or say what is meant by arguments that are none of its settings."""
        if given or not settings.keys() <= cls.__dataclass_fields__.keys():
            _check_construction(cls, given, settings)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for name in setting_names(type(self)):
            value = getattr(self, name)
            if type(value) not in _PLAIN:  # NumPy's float64 is a float, and would widen a result
                value = kept_setting(name, value)
                object.__setattr__(self, name, value)
                if type(value) not in _PLAIN:
                    object.__setattr__(self, "array_settings", (*self.array_settings, name))
        if self.reduction not in REDUCTIONS:
            require_choice(REDUCTIONS, reduction=self.reduction)

    # `*arrays: Any, **named: Any` is what type checkers let a subclass replace by the arrays that it takes.
    def call(self, *arrays: Any, **named: Any) -> Array:
        """Return per-item losses of arrays in the dtype of the computation: the formula, and nothing else."""
        raise TypeError(f"{type(self).__name__} must define `call(self, prediction, target, ...)`")

    def derivative(self, *arrays: Any, **named: Any) -> Array | None:
        """Return the derivative of each per-item loss with respect to the first array, in that array's shape.

        A closed form is optional, and takes the arrays that `call` takes. Without one, the result is None, and the
        derivative is that of `call`. Where it is given, `item_weight` may not depend on the first array.
        """
        if type(self).value_and_derivatives is Loss.value_and_derivatives:
            return None
        found: Array | None = self.value_and_derivatives((0,), *arrays)[1][0]
        return found

    def value_and_derivatives(
        self, positions: tuple[int, ...], *arrays: Any, **named: Any
    ) -> tuple[Array, tuple[Array | None, ...]]:
        """Return what `call` returns, and its derivatives by the arrays at `positions`, which `closed_forms` names.

        It is worth stating where these share much of their work, or where there is a closed form by several arrays.
        """
        return self.call(*arrays), (self.derivative(*arrays),)

    def second_derivative(self, *arrays: Any, **named: Any) -> Array | None:
        """Return the second derivative, where it is known in closed form beside the first; else None.

        For a loss of rows it is the diagonal of the Hessian of each row.
        """
        return None

    def torch_kernel(self) -> tuple[Any, ...] | None:
        """Return torch's own function that computes this loss to the last digit, by name, and the settings it takes."""
        return None

    @property
    def projected(self) -> Loss | None:
        """The loss of rows that this one is of a projection; None where the arrays are taken as they are.

        The projection is ``first @ second.T``, plus the fourth array if there is one; the third holds the targets.
        """
        return None

    def settings(self) -> dict[str, Any]:
        """Return the settings by name, `reduction` last."""
        return {name: getattr(self, name) for name in setting_names(type(self))}

    @property
    def declaration(self) -> Declaration:
        """What `arrays` says, for these settings."""
        return self._declarations[tuple([bool(getattr(self, name)) for name in self._conditions])]

    def class_axis(self) -> int | None:
        """Return the setting `axis`, the place of the class or feature axis; None of a loss without it."""
        return getattr(self, "axis", None)

    def item_weight(self, *arrays: Any, **named: Any) -> Array | None:
        """Return weights of items that follow from the arrays, such as class weights; None where there are none."""
        return None

    def __call__(
        self, *arrays: Array, weight: Array | None = None, where: Array | None = None, **named: Array
    ) -> Array:
        """Compute the loss.

        Parameters
        ----------
        *arrays : array
            The arrays of `call`, in its order, or by its names. All of one library and on one device.
        weight : array, broadcastable to the per-item loss, optional
            One non-negative number an item.
        where : array of bool, broadcastable to the per-item loss, optional
            The items to keep. What is left out may hold anything.

        Returns
        -------
        array
            In the library, on the device and in the floating dtype of the arrays, float32 at the least: of shape (), or
            per-item losses for reduction "none".

        Raises
        ------
        TypeError
            For something that is no array, for arrays of two libraries, and for a dtype that cannot be meant.
        ValueError
            For shapes that do not fit, for arrays on two devices, and for a label that is no class.
        """
        if named:
            arrays = self._in_order(arrays, named)
        return execution.run(self, arrays, weight, where)

    def _with_derivatives(
        self,
        arrays: tuple[Array, ...],
        weight: Array | None = None,
        where: Array | None = None,
        *,
        wanted: execution.Wanted,
    ) -> tuple[Array, ...] | None:
        """Return the value with the derivatives that are wanted, in closed form; None where there is none."""
        return execution.run_with_derivatives(self, arrays, weight, where, wanted)

    def _with_gradients(
        self, arrays: tuple[Array, ...], positions: tuple[int, ...], weight: Array | None, where: Array | None
    ) -> tuple[Array, ...] | None:
        """Return the value with the gradients by several arrays, in closed form; None where there is none."""
        return execution.run_with_gradients(self, arrays, weight, where, positions)

    def check(self, arrays: tuple[Array, ...], weight: Array | None, where: Array | None) -> Inputs:
        """Return the arguments of a call, checked, for `execution`."""
        ignored = getattr(self, "ignore_index", None)
        return check_inputs(self.declaration, self.class_axis(), ignored, arrays, weight, where)

    def _in_order(self, arrays: tuple[Array, ...], named: dict[str, Array]) -> tuple[Array, ...]:
        rest = self.array_names[len(arrays) :]
        for name in named:
            if name in self.array_names and name not in rest:
                raise TypeError(f"`{name}` is given more than once; {type(self).__name__} takes it in its place")
            if name not in rest:
                if name in setting_names(type(self)):
                    hint = f"; it is a setting, as in {type(self).__name__}({name}=...)({', '.join(self.array_names)})"
                else:
                    hint = ours(name, (*self.array_names, "weight", "where"))
                raise TypeError(f"`{name}` is no argument of a call of {type(self).__name__}{hint}")
        given_rest = [named.get(name) for name in rest]
        while given_rest and given_rest[-1] is None:
            given_rest.pop()
        return (*arrays, *given_rest)

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in setting_names(type(self)))
        return f"{type(self).__name__}({settings})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(_same(getattr(self, n), getattr(other, n)) for n in setting_names(type(self)))

    def __hash__(self) -> int:
        return hash((type(self), *(_hashable(getattr(self, n)) for n in setting_names(type(self)))))


def _declare(cls: type[Loss]) -> None:
    """Read what a class declares of its arrays, for each value of the settings that it depends on."""
    taken = list(inspect.signature(cls.call).parameters.values())[1:]
    names = tuple([p.name for p in taken if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)])
    if "arrays" not in cls.__dict__ and ("granularity" in cls.__dict__ or not cls.arrays):
        require_choice(("element", "row", "batch"), granularity=cls.granularity)
        if cls.call is Loss.call or not names:
            return
        made = declared(of_granularity(names[: len(names) - (names[-1] == "where")], cls.granularity))
        explicit = any("granularity" in base.__dict__ for base in cls.__mro__ if base is not Loss)
        cls._conditions, cls._declarations = (), {(): dataclasses.replace(made, explicit=explicit)}
    else:
        cls._conditions = conditions(cls.arrays)
        cls._declarations = {
            chosen: declared(cls.arrays, tuple(zip(cls._conditions, chosen, strict=True)))
            for chosen in itertools.product((False, True), repeat=len(cls._conditions))
        }
    one = next(iter(cls._declarations.values()))
    cls.array_names, cls.granularity = one.names, one.granularity
    wanted = (*one.names, "where") if one.takes_where else one.names
    if cls.call is not Loss.call and names and len(names) != len(wanted):
        said = f"{', '.join(wanted)}, as `arrays` declares; it takes {', '.join(names)}"
        raise TypeError(f"`call` of {cls.__name__} must take {said}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class RowLoss(Loss):
    """Base of losses whose item is a row: the vector along one axis.

    Parameters
    ----------
    axis : int, default -1
        The class or feature axis.
    """

    axis: int = -1

    granularity: ClassVar[Granularity] = "row"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer(axis=self.axis)

    def row_axis(self, x: Array) -> int:
        """Return the axis of the rows of `x`. A row alone has one axis, and it is that one."""
        return -1 if x.ndim == 1 else self.axis


def _check_construction(cls: type[Loss], given: tuple[Any, ...], settings: dict[str, Any]) -> None:
    """Say what is wrong with the arguments of a class, where it can be said better than by Python."""
    name, known = cls.__name__, setting_names(cls)
    if given and all(map(is_array, given)):
        call = f"{name}(...)({', '.join(cls.array_names)})"
        raise TypeError(f"`{name}` takes settings, and the loss that it makes takes arrays: {call}")
    fields = [n for n in inspect.get_annotations(cls) if n not in cls.__dataclass_fields__]
    for key in [*fields, *settings]:
        if key not in cls.__dataclass_fields__:
            if key in fields:
                hint = f"; `{name}` must be decorated with @dataclass(frozen=True) to have it"
            else:
                hint = ours(key, known)
                in_call = (*cls.array_names, "weight", "where")
                if (own := key if key in in_call else meant(key, in_call)) is not None and meant(key, known) is None:
                    said = [*cls.array_names, *([] if own in cls.array_names else [f"{own}=..."])]
                    hint = f"; it is `{own}` of the call, as in {name}(...)({', '.join(said)})"
            raise TypeError(f"`{key}` is no setting of {name}{hint}")
    if given:
        call = f"{name}({known[0]}={in_short(given[0])})"
        raise TypeError(f"`{name}` takes its settings by keyword, as in {call}; got {len(given)} by position")


def _hashable(value: Any) -> Any:
    """Return what a setting adds to the hash of a loss: an array, which may be equal to another, nothing."""
    if isinstance(value, tuple):
        return tuple(map(_hashable, value))
    return None if is_array(value) else value


def _same(a: Any, b: Any) -> bool:
    if is_array(a) or is_array(b):
        return same_values(a, b)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return a is b or bool(a == b)


def setting_names(cls: type[Loss]) -> tuple[str, ...]:
    """Return the names of a loss class's settings, `reduction` last."""
    kept = cls._setting_names
    if kept is not None and kept[0] is cls:
        return kept[1]
    # What `__init__` takes is a field, and no class variable. torch's compiler can't trace `dataclasses.fields`.
    taken = cls.__init__.__annotations__
    names = [name for name in cls.__dataclass_fields__ if name in taken and name != "reduction"]
    return (*names, "reduction")


def keep_setting_names(cls: type[Loss]) -> None:
    """Find the names of the settings once and for all: now that `dataclass` is done with the class."""
    cls._setting_names = (cls, setting_names(cls))


REMEMBERED = 256
"""Settings that are remembered as right for a class of losses."""


def check_settings_once(cls: type[Loss]) -> None:
    """Let a class check the same settings once: a function form makes a loss at every call."""
    check, right = cls.__post_init__, set[Any]()

    def check_once(self: Loss) -> None:
        values = tuple(self.__dict__.values())
        key = (values, tuple(map(type, values)))  # 1, 1.0 and True are equal, and not all of them may be right
        try:
            if key in right:
                return
        except TypeError:  # of an array, which has no hash
            check(self)
            return
        check(self)
        as_given = len(self.__dict__) == len(values) and all(map(operator.is_, self.__dict__.values(), values))
        if as_given and all([type(x) in _PLAIN for x in values]):
            if len(right) >= REMEMBERED:
                right.clear()
            right.add(key)

    def of_compilers(self: Loss) -> None:
        torch = sys.modules.get("torch")
        # The compiler would have to guard on all that is remembered.
        (check if torch is not None and torch.compiler.is_compiling() else check_once)(self)

    cls.__post_init__ = of_compilers  # type: ignore[method-assign]


def camel_case(name: str) -> str:
    """Return the class name of a function name: `smooth_l1` gives `SmoothL1`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def snake_case(name: str) -> str:
    """Return the function name of a class name: `SmoothL1` gives `smooth_l1`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def function_form(cls: type[Loss]) -> Callable[[FunctionT], FunctionT]:
    """Make a function the function form of a loss class.

    Where it is called by another library's names it says what is meant: Python itself only says that an argument is not
    known, or that there is one too many.
    """

    def decorate(function: FunctionT) -> FunctionT:
        parameters = inspect.signature(function).parameters.values()
        arrays = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
        keywords = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]

        @functools.wraps(function)
        def call(*given: Any, **named: Any) -> Any:
            try:
                return function(*given, **named)
            except TypeError as error:
                # The function itself was not entered.
                if error.__traceback__ is not None and error.__traceback__.tb_next is None:
                    _refuse_call(function.__name__, arrays, keywords, given, named)
                raise

        form: Any = call
        form.loss_class, cls.function = cls, form
        return cast(FunctionT, form)

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
    ... def asymmetric(prediction, target, *, under=2.0):
    ...     xp = al.array_namespace(prediction, target)
    ...     error = prediction - target
    ...     return xp.where(error < 0, under * error**2, error**2)
    >>> float(asymmetric(np.asarray([1.0, 2.0]), np.asarray([2.0, 0.0]), under=3.0, reduction="sum"))
    7.0
    """
    require_choice(("element", "row", "batch"), granularity=granularity)
    said: dict[str, Any] = {"pure": pure}
    if arrays:
        said["arrays"] = arrays
    elif granularity != "element":
        said["granularity"] = granularity
    return functools.partial(_loss_of_function, said=said) if function is None else _loss_of_function(function, said)


def _loss_of_function(function: Callable[..., Array], said: dict[str, Any]) -> LossFunction[...]:
    signature = _signature(function)
    parameters = list(signature.parameters.values())
    arrays = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    settings = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    if not arrays or len(arrays) + len(settings) < len(parameters):
        raise TypeError("`function` must take its arrays by position and its settings by keyword, each by name")
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
