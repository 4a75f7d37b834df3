"""A loss: its settings as a frozen dataclass, its formula as `call`, and what every loss gets from here."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from . import execution
from ._array_api import NUMBERS, Array, as_array, in_torch_compiler, is_array, is_compiling, same_values
from .arguments import (
    Declaration,
    FrozenDict,
    Granularity,
    Inputs,
    in_short,
    kept_setting,
    meant,
    ours,
    require_choice,
    require_factors,
    require_integer,
)
from .formula import Formula
from .reduction import REDUCTIONS, Reduction

__all__ = [
    "CompositeLoss",
    "Loss",
    "RowLoss",
    "Sum",
    "Term",
    "camel_case",
    "keep_setting_names",
    "refuse_scorer",
    "require_losses",
    "setting_names",
    "snake_case",
    "total",
]

_PLAIN = frozenset((float, int, bool, str, type(None)))

REMEMBERED = 256
"""Losses of a class that are remembered with their settings."""


class Term(NamedTuple):
    """A loss with the arguments of its call, and the factor with which its value counts."""

    factor: Any
    loss: Loss
    arrays: tuple[Array, ...]
    weight: Array | None = None
    where: Array | None = None

    def value(self) -> Array:
        """Return the value of the loss, without the factor."""
        return self.loss(*self.arrays, weight=self.weight, where=self.where)

    def times(self, factor: Any) -> Term:
        """Return the term with one more factor."""
        return self._replace(factor=factor * self.factor)


class _AskedByKeras:
    """An attribute that no loss has. Keras asks for it, and would then call the loss with the target first."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, loss: object, owner: type) -> Any:
        asking = sys._getframe(1).f_globals.get("__name__", "")
        if loss is not None and asking.startswith("keras."):
            raise TypeError(
                f"`{owner.__name__}` takes the prediction first, and Keras would call it with the target first; "
                "arraylosses.interop.keras.loss(...) makes a loss of Keras of it"
            )
        raise AttributeError(f"{owner.__name__!r} has no attribute {self.name!r}")


_SCORERS = "sklearn.metrics._scorer"


def refuse_scorer(name: str) -> None:
    """Refuse a call by a scorer of scikit-learn, which has the target first; called by what is so called."""
    if _SCORERS in sys.modules and not is_compiling() and sys._getframe(2).f_globals.get("__name__") == _SCORERS:
        raise TypeError(
            f"`{name}` takes the prediction first, and scikit-learn's scorers call it with the target first; "
            "arraylosses.interop.sklearn.scorer(...) makes a scorer of it"
        )


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Loss(Formula):
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

    Losses of the same arrays add up, with factors: ``al.Huber() + 0.1 * al.LogCosh()`` is a loss. `weighted_sum` does
    so over the outputs of a model.

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

    _setting_names: ClassVar[tuple[type, tuple[str, ...]] | None] = None
    _made: ClassVar[dict[Any, Any]] = {}

    function: ClassVar[Callable[..., Any] | None] = None
    """The function form."""

    form: ClassVar[tuple[str, str] | None] = None
    """Where it stands, of a loss of the package: its module and its name."""

    if not TYPE_CHECKING:
        name = get_config = _AskedByKeras()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.function, cls.form, cls._made = None, None, {}
        # `dataclass` leaves alone what stands in the class itself: a setting may be an array, which its own == and hash
        # would not survive.
        for name in ("__eq__", "__hash__", "__repr__"):
            if name not in cls.__dict__:
                setattr(cls, name, getattr(cls, name))

    def __new__(cls, *given: Any, **settings: Any) -> Self:
        """Make a loss, or say what is meant by arguments that are none of its settings."""
        if given or not settings.keys() <= cls.__dataclass_fields__.keys():
            _check_construction(cls, given, settings)
        return super().__new__(cls)

    @classmethod
    def made(cls, **settings: Any) -> Self:
        """Return a loss of these settings: the one made before, where they are plain and were given in this order."""
        if is_compiling():  # the compiler would have to guard on all that is remembered
            return cls(**settings)
        # 1, 1.0 and True are equal, and not all of them may be right.
        key = (tuple(settings.items()), tuple(map(type, settings.values())))
        try:
            found: Self | None = cls._made.get(key)
        except TypeError:  # of an array, which has no hash
            return cls(**settings)
        if found is not None:
            return found
        loss = cls(**settings)
        if all([type(x) in _PLAIN for x in settings.values()]):
            if len(cls._made) >= REMEMBERED:
                cls._made.clear()
            cls._made[key] = loss
        return loss

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

    def settings(self) -> dict[str, Any]:
        """Return the settings by name, `reduction` last."""
        return {name: getattr(self, name) for name in setting_names(type(self))}

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
        if self.form is not None and in_torch_compiler():
            from .execution import graphs

            found = graphs.call(self.form, arrays, {**self.settings(), "weight": weight, "where": where})
            if found is not None:
                return found
        refuse_scorer(type(self).__name__)
        return execution.run(self, arrays, weight, where)

    def __add__(self, other: Any) -> Sum:
        """Return the sum of two losses of the same arrays and of one reduction."""
        if isinstance(other, NUMBERS) and other == 0:  # with which Python's `sum` begins
            return Sum.of(self)
        return Sum.of(self, other) if isinstance(other, Loss) else NotImplemented

    __radd__ = __add__

    def __neg__(self) -> Sum:
        """Return the loss times -1."""
        return -1.0 * self

    def __sub__(self, other: Any) -> Sum:
        """Return the difference of two losses of the same arrays and of one reduction."""
        return self + -other if isinstance(other, Loss) else NotImplemented

    def __mul__(self, factor: Any) -> Sum:
        """Return the loss times a number, or an array of shape ()."""
        if not _is_factor(factor):
            return NotImplemented
        one = Sum.of(self)
        return Sum(losses=one.losses, weights=tuple([factor * w for w in one.weights]), reduction=one.reduction)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> Sum:
        """Return the loss over a number, or over an array of shape ()."""
        return self * (1 / kept_setting("divisor", divisor)) if _is_factor(divisor) else NotImplemented

    __array_ufunc__ = None  # so that a number of NumPy's to the left leaves the product to `__rmul__`

    def terms(self, arrays: tuple[Any, ...], weight: Any = None, where: Any = None) -> tuple[Term, ...]:
        """Return the losses whose values add up to that of a call: itself alone, unless it is composed of others."""
        return (Term(1.0, self, arrays, weight, where),)

    @property
    def leaves(self) -> tuple[tuple[Any, Loss], ...]:
        """The factors and the losses of `terms`, whatever the arrays."""
        return ((1.0, self),)

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


class CompositeLoss(Loss):
    """Base of losses whose value is a weighted sum of those of others."""

    def __call__(self, *arrays: Any, weight: Any = None, where: Any = None, **named: Any) -> Array:
        """Compute the loss."""
        refuse_scorer(type(self).__name__)
        if named:
            arrays = self._in_order(arrays, named)
        terms = self.terms(arrays, weight, where)
        return total([t.factor for t in terms], [t.value() for t in terms])

    def _with_derivatives(
        self,
        arrays: tuple[Array, ...],
        weight: Array | None = None,
        where: Array | None = None,
        *,
        wanted: execution.Wanted,
    ) -> tuple[Array, ...] | None:
        return self._added(arrays, weight, where, lambda t: t.loss._with_derivatives(*t[2:], wanted=wanted))

    def _with_gradients(
        self, arrays: tuple[Array, ...], positions: tuple[int, ...], weight: Array | None, where: Array | None
    ) -> tuple[Array, ...] | None:
        return self._added(arrays, weight, where, lambda t: t.loss._with_gradients(t.arrays, positions, *t[3:]))

    def _added(
        self,
        arrays: tuple[Any, ...],
        weight: Any,
        where: Any,
        compute: Callable[[Term], tuple[Array, ...] | None],
    ) -> tuple[Array, ...] | None:
        factors, found = [], []
        for term in self.terms(arrays, weight, where):
            parts = compute(term)
            if parts is None:
                return None
            factors.append(term.factor)
            found.append(parts)
        return tuple([total(factors, parts) for parts in zip(*found, strict=True)])


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Sum(CompositeLoss):
    """A weighted sum of losses of the same arrays, which ``loss_a + 0.5 * loss_b`` makes, and ``loss_a - loss_b / 2``.

    Parameters
    ----------
    losses : sequence of Loss
        Losses that take the same arrays.
    weights : sequence of float
        The factor of each: a number, or an array of shape (), such as one that is learned.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses of each become its value. For "none", the items of all must be the same.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> loss = al.SquaredError() + 0.5 * al.AbsoluteError()
    >>> float(loss(np.asarray([3.0, 0.0]), np.asarray([1.0, 0.0])))
    2.5
    >>> al.grad(loss)(np.asarray([3.0, 0.0]), np.asarray([1.0, 0.0])).tolist()
    [2.25, 0.0]
    """

    losses: tuple[Loss, ...]
    weights: tuple[Any, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.losses, tuple) or not self.losses:
            raise ValueError(f"`losses` must be a sequence of losses, got {in_short(self.losses)}")
        require_losses(self.losses)
        names = self.losses[0].array_names
        for loss in self.losses:
            if len(loss.array_names) != len(names):
                raise ValueError(
                    f"`losses` must take the same arrays, got {', '.join(names)} and {', '.join(loss.array_names)}"
                )
        if not isinstance(self.weights, tuple) or len(self.weights) != len(self.losses):
            raise ValueError(f"`weights` must hold one number for each loss, got {in_short(self.weights)}")
        require_factors(self.weights)
        reduced = [dataclasses.replace(loss, reduction=self.reduction) for loss in self.losses]
        object.__setattr__(self, "losses", tuple(reduced))
        object.__setattr__(self, "array_names", names)

    @classmethod
    def of(cls, *losses: Loss) -> Sum:
        """Return the sum of losses, those that are sums themselves term by term."""
        reductions = sorted({loss.reduction for loss in losses})
        if len(reductions) > 1:
            said = " and ".join(map(repr, reductions))
            raise ValueError(f"losses must have one `reduction` to be added, got {said}")
        sums = [x if isinstance(x, Sum) else Sum(losses=(x,), weights=(1.0,), reduction=x.reduction) for x in losses]
        return cls(
            losses=tuple([term for one in sums for term in one.losses]),
            weights=tuple([factor for one in sums for factor in one.weights]),
            reduction=reductions[0],
        )

    @property
    def declaration(self) -> Declaration:
        """That of the first loss."""
        return self.losses[0].declaration

    def class_axis(self) -> int | None:
        """Return the class axis of the first loss."""
        return self.losses[0].class_axis()

    def check(self, arrays: tuple[Array, ...], weight: Array | None, where: Array | None) -> Inputs:
        """Return the arguments of a call, checked by the first loss."""
        return self.losses[0].check(arrays, weight, where)

    def terms(self, arrays: tuple[Any, ...], weight: Any = None, where: Any = None) -> tuple[Term, ...]:
        """Return the losses, each with all of the arguments."""
        parts = zip(self.weights, self.losses, strict=True)
        return tuple([t.times(w) for w, x in parts for t in x.terms(arrays, weight, where)])

    @property
    def leaves(self) -> tuple[tuple[Any, Loss], ...]:
        """The factors and the losses of `terms`."""
        return tuple([(w * f, x) for w, loss in zip(self.weights, self.losses, strict=True) for f, x in loss.leaves])


def require_losses(losses: Sequence[Any]) -> None:
    """Refuse what is no loss, among those that are to be added."""
    for loss in losses:
        if not isinstance(loss, Loss):
            raise TypeError(f"`losses` must hold losses, got {in_short(loss)}; al.get(...) makes one of a name")


def _is_factor(x: Any) -> bool:
    """Whether a loss may be multiplied by it."""
    return not isinstance(x, bool) and (isinstance(x, NUMBERS) or is_array(x))


def total(factors: Sequence[Any], values: Sequence[Array]) -> Array:
    """Return Σ factor · value, in the library of the values."""
    found: Array = None
    for factor, value in zip(factors, values, strict=True):
        if found is not None and tuple(value.shape) != tuple(found.shape):
            raise ValueError(
                "losses must have the same items to be added without a reduction, got per-item losses of shapes "
                f"{tuple(found.shape)} and {tuple(value.shape)}"
            )
        part = value
        if not isinstance(factor, NUMBERS):
            part = value * as_array(factor, value, value.dtype)
        elif factor != 1:
            part = value * factor
        found = part if found is None else found + part
    return found


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
    if type(value) in _PLAIN:
        return value
    if isinstance(value, tuple):
        return tuple(map(_hashable, value))
    if isinstance(value, FrozenDict):
        return frozenset([(key, _hashable(v)) for key, v in value.items()])
    return None if is_array(value) else value


def _same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if is_array(a) or is_array(b):
        return same_values(a, b)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, FrozenDict) and isinstance(b, FrozenDict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    return bool(a == b)


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
    """Return the class name of a function name: `smooth_l1` gives `SmoothL1`, and `wasserstein_1d` `Wasserstein1D`."""
    return re.sub(r"(?:^|_)(\d*[a-zA-Z]?)", lambda word: word[1].upper(), name)


def snake_case(name: str) -> str:
    """Return the function name of a class name: `SmoothL1` gives `smooth_l1`, and `Wasserstein1D` `wasserstein_1d`."""
    words = r"(?<=[a-z])(?=[A-Z]|\dD$)|(?<=\d)(?=[A-Z])(?!D$)|(?<=[A-Z])(?=[A-Z][a-z])"
    return re.sub(words, "_", name).lower()
