"""A loss: its settings as a frozen dataclass, its formula as `call`, and what every loss gets from here."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, ClassVar, Protocol, cast, overload

import numpy as np

from . import execution
from ._array_api import Array, is_array
from ._validation import Domain, Granularity, Inputs, check_inputs, require_choice, require_integer
from .reduction import REDUCTIONS, Reduction

__all__ = ["Loss", "LossFunction", "RowLoss", "camel_case", "keep_setting_names", "loss", "setting_names", "snake_case"]

_PLAIN = frozenset((float, int, bool, str, type(None)))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Loss:
    """Base of all losses: subclass it, state the settings as dataclass fields and the formula as `call`.

    Parameters
    ----------
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How per-item losses become the result.

    Notes
    -----
    A loss of rows sets ``granularity = "row"`` and may have a field `axis`. `domains` says what the arrays hold where
    that is more than real numbers of one shape; the arguments are checked and tested by it. `derivative` and
    `second_derivative` may give closed forms, for the libraries that have no gradients of their own.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> import arraylosses as al
    >>> @dataclass(frozen=True)
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

    reduction: Reduction = dataclasses.field(default="mean", kw_only=True)

    granularity: ClassVar[Granularity] = "element"
    """What one loss value belongs to: an element, or a row along the class or feature axis."""

    array_names: ClassVar[tuple[str, ...]] = ()
    """The names of the arrays that `call` takes, in order."""

    _setting_names: ClassVar[tuple[type, tuple[str, ...]] | None] = None

    self_contained: ClassVar[bool] = False
    """Whether the settings and the arrays decide the value, and each item's arrays its loss: what `register` promises.
    Such a loss may be computed block by block, compiled and kept, or anew for its gradient."""

    closed_forms: ClassVar[tuple[int, ...]] = ()
    """The arrays, by position, with respect to which there is a closed form of the derivative: the first where
    `derivative` is defined; a class that defines `call_and_derivatives` says more."""

    whole_rows: ClassVar[bool] = True
    """Whether an item is computed from its whole row, where labels are integers, or from its label's entry alone."""

    array_settings: ClassVar[tuple[str, ...]] = ()
    """The settings that hold an array or a sequence."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.self_contained = False  # a subclass makes a promise of its own
        if "call" in cls.__dict__:
            # What was said of another formula does not hold of this one.
            for name in ("derivative", "call_and_derivative", "call_and_derivatives", "second_derivative"):
                if name not in cls.__dict__:
                    setattr(cls, name, getattr(Loss, name))
        if "closed_forms" not in cls.__dict__ and {"call", "derivative"} & cls.__dict__.keys():
            cls.closed_forms = (0,) if cls.derivative is not Loss.derivative else ()
        # `dataclass` leaves alone what stands in the class itself: a setting may be an array, which its own == and hash
        # would not survive.
        for name in ("__eq__", "__hash__", "__repr__"):
            if name not in cls.__dict__:
                setattr(cls, name, getattr(cls, name))
        if "call" in cls.__dict__ and "array_names" not in cls.__dict__:
            cls.array_names = tuple(inspect.signature(cls.call).parameters)[1:]

    def __post_init__(self) -> None:
        for name in setting_names(type(self)):
            value = getattr(self, name)
            if type(value) not in _PLAIN:  # NumPy's float64 is a float, and would widen a result
                value = _plain(value)
                object.__setattr__(self, name, value)
                if type(value) not in _PLAIN:
                    object.__setattr__(self, "array_settings", (*self.array_settings, name))
        if self.reduction not in REDUCTIONS:
            require_choice(REDUCTIONS, reduction=self.reduction)

    def call(self, *arrays: Array) -> Array:
        """Return per-item losses of arrays in the dtype of the computation: the formula, and nothing else."""
        raise TypeError(f"{type(self).__name__} must define `call(self, prediction, target, ...)`")

    def derivative(self, *arrays: Array) -> Array | None:
        """Return the derivative of each per-item loss with respect to the first array, in that array's shape.

        A closed form is optional, and takes the arrays that `call` takes. Without one, the result is None, and the
        derivative is that of `call`. Where it is given, `item_weight` may not depend on the first array.
        """
        return None

    def call_and_derivative(self, *arrays: Array) -> tuple[Array, Array | None]:
        """Return what `call` and `derivative` return: worth stating where the two share much of their work."""
        return self.call(*arrays), self.derivative(*arrays)

    def call_and_derivatives(
        self, positions: tuple[int, ...], *arrays: Array
    ) -> tuple[Array, tuple[Array | None, ...]]:
        """Return the per-item losses and their derivatives by the arrays at `positions`, which `closed_forms` names."""
        value, derivative = self.call_and_derivative(*arrays)
        return value, (derivative,)

    def second_derivative(self, *arrays: Array) -> Array | None:
        """Return the second derivative, where it is known in closed form beside the first; else None.

        For a loss of rows it is the diagonal of the Hessian of each row.
        """
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

    def domains(self) -> tuple[Domain, ...]:
        """Say what each array holds."""
        real: Domain = "real"
        return (real,) * len(self.array_names)

    def item_weight(self, *arrays: Array) -> Array | None:
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
        return check_inputs(
            self.array_names,
            self.domains(),
            self.granularity,
            getattr(self, "axis", -1),
            getattr(self, "ignore_index", None),
            arrays,
            weight,
            where,
        )

    def _in_order(self, arrays: tuple[Array, ...], named: dict[str, Array]) -> tuple[Array, ...]:
        rest = self.array_names[len(arrays) :]
        for name in named:
            if name not in rest:
                given = "more than once" if name in self.array_names else "an unknown argument"
                raise TypeError(f"`{name}` is {given}; {type(self).__name__} takes {', '.join(self.array_names)}")
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
        settings = (getattr(self, n) for n in setting_names(type(self)))
        return hash((type(self), *(v for v in settings if not is_array(v))))


@dataclasses.dataclass(frozen=True)
class RowLoss(Loss):
    """Base of losses whose item is a row: the vector along one axis.

    Parameters
    ----------
    axis : int, default -1
        The class or feature axis.
    """

    axis: int = dataclasses.field(default=-1, kw_only=True)

    granularity: ClassVar[Granularity] = "row"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer(axis=self.axis)

    def row_axis(self, x: Array) -> int:
        """Return the axis of the rows of `x`. A row alone has one axis, and it is that one."""
        return -1 if x.ndim == 1 else self.axis


def _plain(value: Any) -> Any:
    """Return a setting as it is kept: a tuple for a list, a Python number for a NumPy one, an array as it is."""
    if isinstance(value, list | tuple):
        return tuple(_plain(v) for v in value)
    return value.item() if isinstance(value, np.generic) else value


def _same(a: object, b: object) -> bool:
    if is_array(a) or is_array(b):
        return a is b or (isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.array_equal(a, b))
    return a == b


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


def camel_case(name: str) -> str:
    """Return the class name of a function name: `smooth_l1` gives `SmoothL1`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def snake_case(name: str) -> str:
    """Return the function name of a class name: `SmoothL1` gives `smooth_l1`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class LossFunction(Protocol):
    """What `loss` makes of a function: the function form, with the class form beside it."""

    __name__: str
    loss_class: type[Loss]

    def __call__(self, *arrays: Array, **settings: Any) -> Array:
        """Compute the loss, with `weight`, `where` and `reduction` beside the function's own settings."""


@overload
def loss(function: Callable[..., Array], /) -> LossFunction: ...
@overload
def loss(*, granularity: Granularity = "element") -> Callable[[Callable[..., Array]], LossFunction]: ...
def loss(
    function: Callable[..., Array] | None = None, /, *, granularity: Granularity = "element"
) -> LossFunction | Callable[[Callable[..., Array]], LossFunction]:
    """Make a loss of a function that returns per-item losses.

    Parameters
    ----------
    function : callable
        ``function(prediction, target, *, settings...)``: positional parameters are arrays, keyword-only ones settings.
    granularity : {"element", "row"}, default "element"
        What one value that it returns belongs to. A function of rows may have a setting `axis`.

    Returns
    -------
    LossFunction
        The function with `weight`, `where` and `reduction`. Its attribute `loss_class` is the class form, for
        `register`, `get` and `serialize`.

    Raises
    ------
    TypeError
        If the function takes no array, or a variable number of arguments.

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
    require_choice(("element", "row"), granularity=granularity)
    if function is None:
        return functools.partial(_loss_of_function, granularity=granularity)
    return _loss_of_function(function, granularity=granularity)


def _loss_of_function(function: Callable[..., Array], *, granularity: Granularity) -> LossFunction:
    parameters = list(inspect.signature(function).parameters.values())
    arrays = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    settings = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    if not arrays or len(arrays) + len(settings) < len(parameters):
        raise TypeError("`function` must take its arrays by position and its settings by keyword, each by name")
    taken = {"weight", "where", "reduction"} & {p.name for p in parameters}
    if taken:
        raise TypeError(f"`function` must leave {', '.join(sorted(taken))} to the loss that is made of it")
    names = tuple(p.name for p in settings)

    def call(self: Loss, *given: Array) -> Array:
        return function(*given, **{name: getattr(self, name) for name in names})

    name = function.__name__
    made: Any = dataclasses.make_dataclass(
        camel_case(name),
        [
            (p.name, Any, dataclasses.field(kw_only=True, **({} if p.default is p.empty else {"default": p.default})))
            for p in settings
        ],
        bases=(Loss,),
        namespace={"call": call, "granularity": granularity, "array_names": tuple(p.name for p in arrays)},
        frozen=True,
    )
    cls: type[Loss] = made
    keep_setting_names(cls)
    cls.__doc__ = f"Settings of `{name}`."

    @functools.wraps(function)
    def wrapper(
        *given: Array,
        weight: Array | None = None,
        where: Array | None = None,
        reduction: Reduction = "mean",
        **rest: Any,
    ) -> Array:
        named = {key: rest.pop(key) for key in list(rest) if key in cls.array_names}
        return cls(**rest, reduction=reduction)(*given, weight=weight, where=where, **named)

    signature = inspect.signature(wrapper)
    own = [
        p for n, p in inspect.signature(wrapper, follow_wrapped=False).parameters.items() if p.kind is p.KEYWORD_ONLY
    ]
    wrapper.__signature__ = signature.replace(parameters=[*parameters, *own])  # type: ignore[attr-defined]
    loss_function = cast(LossFunction, wrapper)
    loss_function.loss_class = cls
    # Where pickle finds the class: beside the function, which stands in its module under its own name.
    cls.__module__, cls.__qualname__ = function.__module__, f"{function.__qualname__}.loss_class"
    return loss_function
