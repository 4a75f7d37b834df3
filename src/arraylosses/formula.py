"""A formula: what the execution layer needs of a loss."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import operator
from typing import Any, ClassVar, NamedTuple

from ._array_api import Array
from .arguments import (
    Declaration,
    Granularity,
    Inputs,
    check_inputs,
    conditions,
    declared,
    of_granularity,
    require_choice,
)

__all__ = ["Formula", "Projection"]

_CLOSED_FORMS = ("derivative", "value_and_derivatives", "second_derivative")
_IN_TORCH = ("torch_kernel", "in_torch", "once_in_torch")


def _differs_from_what_has(name: str, cls: type) -> bool:
    """Whether a class that inherits a method has others than those beside it, of its own or mixed in anywhere."""
    base = next(base for base in cls.__mro__ if name in base.__dict__)
    own, beside = _attributes(cls), _attributes(base)
    others = [n for n in beside if own[n] is not beside[n] and not n.startswith("__")]
    return any([_is_method(own[n]) for n in others if n not in (*_IN_TORCH, "function")])


def _attributes(cls: type) -> dict[str, Any]:
    """Return what a class has by each name, as it stands in the class or in one that it inherits from."""
    return {name: x for base in reversed(cls.__mro__) for name, x in base.__dict__.items()}


def _is_method(x: object) -> bool:
    return callable(x) or hasattr(type(x), "__get__")


class Projection(NamedTuple):
    """Scores, ``rows @ matrix.T + bias``, and what a loss of rows takes beside them."""

    rows: Array
    matrix: Array
    targets: Array
    """Of each row: an integer, or a number for each score."""
    bias: Array | None = None
    """Of each column."""
    columns: Array | None = None
    """An integer of each column, which the loss of rows takes last, if there is one."""


class Formula:
    """What is declared of a loss, its per-item losses, and their derivatives in closed form."""

    reduction: str
    """How the per-item losses become the result."""

    arrays: ClassVar[str] = ""
    """What each of the arrays holds, with which axes, and what one loss value belongs to.

    ``...`` stands for any number of axes, an axis of one name has one length, and one that is named by a number has
    that length. Domains are real, increasing, nonnegative, log_nonnegative, positive, probability, log_probability,
    distribution, log_distribution, sign, cosine, box, sized_box, class, ``class of 2``, id, ``length of T`` and
    ``level of K``. ``or`` parts two manners in which an array may be given, ``bias?[C]: real`` is one that need not be,
    ``real if from_logits else probability`` says what depends on a setting. ``-> [N] coupled`` says that an item
    depends on the arrays of others. If they are coupled, or `where` is declared with axes of its own, `call` takes
    ``where=None`` last. What need not be given has the default None there, and in the closed forms."""

    granularity: ClassVar[Granularity] = "element"
    """What one loss value belongs to: an "element", a "row" of each array, or one of a "batch" whose items are coupled.
    It follows from `arrays`; without these, it says which of them are taken."""

    pure: ClassVar[bool] = False
    """Whether the settings and the arrays decide the value, so that a program of it may be compiled and kept, and parts
    of it be computed again. False unless a class says so: a formula may look at what changes from call to call."""

    array_names: ClassVar[tuple[str, ...]] = ()
    """The names of the arrays that a call takes, in order."""

    _declarations: ClassVar[dict[tuple[bool, ...], Declaration]] = {(): Declaration((), ("...",))}
    _conditions: ClassVar[tuple[tuple[str, str], ...]] = ()
    """The settings that decide what is declared, each with the value asked for; if that is empty, any true one."""

    closed_forms: ClassVar[tuple[int, ...]] = ()
    """The arrays, by position, with respect to which there is a closed form of the derivative: the first where
    `derivative` or `value_and_derivatives` is defined, unless a class says more."""

    checked: ClassVar[dict[Any, Any]] = {}
    """The kinds of arguments that were checked already: what `execution` remembers."""

    _values_of: ClassVar[operator.attrgetter[Any] | None] = None

    any_library: ClassVar[bool] = False
    """Whether the formula takes arrays of any library, so that those of one may be computed by another. False unless a
    class says so: a formula may be written for one library."""

    new_derivatives: ClassVar[bool] = False
    """Whether each derivative is an array of its own, which may be written over. False unless a class says so: one may
    be an input, or kept from call to call."""

    whole_rows: ClassVar[bool] = True
    """Whether an item is computed from its whole row, where labels are integers, or from its label's entry alone."""

    of_softmax: ClassVar[bool] = False
    """Whether there is a softmax along the rows, for which torch takes one number at a time where classes are few."""

    in_blocks: ClassVar[bool] = True
    """Whether parts of a batch may be computed one after another in the time of the whole: not where the formula goes
    through many small steps, each for all items at once."""

    compares_pairs: ClassVar[bool] = False
    """Whether all pairs of the entries of an item are compared, where no labels are given as integers, so that fewer
    items make a block."""

    structural: ClassVar[tuple[str, ...]] = ()
    """The numbers among the settings whose value decides which formula is computed, and not only with what."""

    settings_of_items: ClassVar[bool] = False
    """Whether each setting that holds an array broadcasts to the items of a loss of elements."""

    class_settings: ClassVar[tuple[str, ...]] = ()
    """The settings of one number a class, which the formula lays along the classes itself."""

    array_settings: ClassVar[tuple[str, ...]] = ()
    """The settings that hold an array or a sequence."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.checked, cls._values_of = {}, None
        if "call" in cls.__dict__:
            # What was said of another formula does not hold of this one.
            if getattr(cls.__mro__[1], "call", Formula.call) is not Formula.call:
                for name in ("pure", "any_library", "few_classes_first"):
                    setattr(cls, name, cls.__dict__.get(name, getattr(Formula, name)))
            for name in _CLOSED_FORMS:
                if name not in cls.__dict__:
                    setattr(cls, name, getattr(Formula, name))
        for name in _IN_TORCH:
            if getattr(cls, name) is not getattr(Formula, name) and _differs_from_what_has(name, cls):
                setattr(cls, name, getattr(Formula, name))
        if "derivative" in cls.__dict__ and "value_and_derivatives" not in cls.__dict__:
            cls.value_and_derivatives = Formula.value_and_derivatives  # type: ignore[method-assign]
        given = {"call", *_CLOSED_FORMS} & cls.__dict__.keys()
        if any([getattr(cls.__mro__[1], name, None) not in (None, getattr(Formula, name)) for name in given]):
            cls.new_derivatives = cls.__dict__.get("new_derivatives", False)
        if "closed_forms" not in cls.__dict__ and given - {"second_derivative"}:
            has_one = any(getattr(cls, name) is not getattr(Formula, name) for name in _CLOSED_FORMS[:2])
            cls.closed_forms = (0,) if has_one else ()
        if {"call", "arrays", "granularity"} & cls.__dict__.keys():
            _declare(cls)

    # `*arrays: Any, **named: Any` is what type checkers let a subclass replace by the arrays that it takes.
    def call(self, *arrays: Any, **named: Any) -> Array:
        """Return per-item losses of arrays in the dtype of the computation: the formula, and nothing else."""
        raise TypeError(f"{type(self).__name__} must define `call(self, prediction, target, ...)`")

    def derivative(self, *arrays: Any, **named: Any) -> Array | None:
        """Return the derivative of each per-item loss with respect to the first array, in that array's shape.

        A closed form is optional, and takes the arrays that `call` takes. Without one, the result is None, and the
        derivative is that of `call`. Where it is given, `item_weight` may not depend on the first array.
        """
        if type(self).value_and_derivatives is Formula.value_and_derivatives:
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

    def torch_kernel(self) -> tuple[str, dict[str, Any]] | None:
        """Return torch's own function that computes this loss to the last digit, by name, and the settings it takes."""
        return None

    def in_torch(self, torch: Any, reduction: str, *arrays: Any) -> Array | None:
        """Return the loss by a few of torch's own operations, which torch records faster than a closed form.

        `reduction` is "mean" or "sum", in which `item_weight` counts, or "none", in which it does not. None where these
        settings or values take another way. A result that is not finite counts as none.
        """
        return None

    @property
    def once_in_torch(self) -> bool:
        """Whether `in_torch` is one kernel, whose second derivative torch lacks or has without its digits."""
        return False

    def few_classes_first(self, *, of_labels: bool) -> bool:
        """Return whether NumPy takes less time for many rows of few classes with `axis` 0 in place of -1.

        So it is where it reduces the rows, of integer labels or of others, by a formula that computes the same so.
        """
        return False

    @property
    def projected(self) -> Formula | None:
        """The loss of rows that this one is of projections; None where the arrays are taken as they are."""
        return None

    def projections(self, *arrays: Any, **named: Any) -> tuple[Projection, ...]:
        """Return the projections, of what `call` takes; an item is the mean of its losses in them."""
        raise TypeError(f"{type(self).__name__} has no projection")

    def settings(self) -> dict[str, Any]:
        """Return the settings by name."""
        raise TypeError(f"{type(self).__name__} has no settings")

    def setting_values(self) -> tuple[Any, ...]:
        """Return the settings, and which of them hold arrays: nothing else that a loss may keep on itself."""
        cls = type(self)
        if cls._values_of is None:
            cls._values_of = operator.attrgetter("array_settings", *self.settings())
        found: tuple[Any, ...] = cls._values_of(self)
        return found

    @property
    def declaration(self) -> Declaration:
        """What `arrays` says, for these settings."""
        return self._declarations[self._answers() if self._conditions else ()]

    def _answers(self) -> tuple[bool, ...]:
        """Return what these settings answer to the conditions of `arrays`."""
        return tuple(
            [getattr(self, name) == value if value else bool(getattr(self, name)) for name, value in self._conditions]
        )

    def class_axis(self) -> int | None:
        """Return the setting `axis`, the place of the class or feature axis; None of a loss without it."""
        return getattr(self, "axis", None)

    def item_weight(self, *arrays: Any, **named: Any) -> Array | None:
        """Return weights of items that follow from what `call` takes, such as class weights; None where none do."""
        return None

    def check(self, arrays: tuple[Array, ...], weight: Array | None, where: Array | None) -> Inputs:
        """Return the arguments of a call, checked, for `execution`."""
        ignored, ignores = getattr(self, "ignore_index", None), hasattr(self, "ignore_index")
        return check_inputs(self.declaration, self.class_axis(), ignored, arrays, weight, where, ignores=ignores)


def _declare(cls: type[Formula]) -> None:
    """Read what a class declares of its arrays, for each value of the settings that it depends on."""
    taken = list(inspect.signature(cls.call).parameters.values())[1:]
    names = tuple([p.name for p in taken if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)])
    for p in taken:
        if p.name in names and p.default is not p.empty and p.default is not None:
            raise TypeError(
                f"`call` of {cls.__name__} must take arrays alone by position; `{p.name}` has a default, as a "
                "setting has, so make it a field of the class"
            )
    if "arrays" not in cls.__dict__ and ("granularity" in cls.__dict__ or not cls.arrays):
        require_choice(("element", "row", "batch"), granularity=cls.granularity)
        if cls.call is Formula.call or not names:
            return
        made = declared(of_granularity(names[: len(names) - (names[-1] == "where")], cls.granularity))
        explicit = any("granularity" in base.__dict__ for base in cls.__mro__ if base is not Formula)
        cls._conditions, cls._declarations = (), {(): dataclasses.replace(made, explicit=explicit)}
    else:
        asked = conditions(cls.arrays)
        cls._conditions = tuple([(one.partition(" is ")[0], one.partition(" is ")[2]) for one in asked])
        cls._declarations = {
            answers: declared(cls.arrays, tuple(zip(asked, answers, strict=True)))
            for answers in itertools.product((False, True), repeat=len(asked))
        }
    one = next(iter(cls._declarations.values()))
    cls.array_names, cls.granularity = one.names, one.granularity
    takes_where = any(declaration.takes_where for declaration in cls._declarations.values())
    wanted = (*one.names, "where") if takes_where else one.names
    if cls.call is not Formula.call and names and len(names) != len(wanted):
        said = f"{', '.join(wanted)}, as `arrays` declares; it takes {', '.join(names)}"
        raise TypeError(f"`call` of {cls.__name__} must take {said}")
    # Lengths that are not given are those of the whole axis.
    optional = {a.name for a in one.arguments if a.optional and a.domain.name != "length"} | {*wanted} - {*one.names}
    if optional:
        _require_defaults(cls, optional)


def _require_defaults(cls: type[Formula], optional: set[str]) -> None:
    """Refuse a formula that has no default for what need not be given."""
    for method in ("call", "item_weight", *_CLOSED_FORMS):
        for p in inspect.signature(getattr(cls, method)).parameters.values():
            if p.name in optional and p.default is p.empty:
                raise TypeError(
                    f"`{method}` of {cls.__name__} must take `{p.name}=None`, since `{p.name}` need not be given"
                )
