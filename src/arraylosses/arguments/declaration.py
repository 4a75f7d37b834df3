"""What a loss declares of its arrays.

    "logits[..., C]: real, labels[...]: class or labels[..., C]: distribution -> [...]"

Left of the arrow stands each array that `call` takes, with its axes and what it holds. An axis of the same name has the
same length everywhere; ``...`` stands for any number of axes. Where an array may be given in two manners, ``or`` parts
them, of which integers mean the one that holds integers. ``bias?[C]`` need not be given. An axis that is named by a
number has that length. Right of the arrow stand the axes of the per-item losses, and ``coupled`` where an item depends
on the arrays of others.

The integers of ``class`` count places of the axis C, those of ``class of 2`` are 0 and 1, or booleans, those of
``length of T`` say how many of T there are, those of ``level of K`` are classes that K thresholds part, and those of
``id`` are any, of which equal ones belong together. A length that need not be given, and is not, is that of the whole
axis. ``where`` may be declared with axes of its own, such as the documents of a list; `call` then takes
``where=None`` last. ``real if from_logits else probability`` depends on a setting, and so may axes, and in parentheses
whole arrays; ``if mode is binary`` asks for one value of it. The setting `axis`, where a loss has it, is the place of
the last axis that is named of the first array.
"""

from __future__ import annotations

import functools
import itertools
import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from .domains import Domain, domain

__all__ = ["Argument", "Declaration", "Form", "Granularity", "conditions", "declared", "of_granularity"]

Granularity: TypeAlias = Literal["element", "row", "batch"]
"""What an item is, of a loss that says no more."""

ANY = "..."
"""Any number of axes."""

Axes = tuple[str, ...]

_ARRAY = re.compile(r"(\w+)(\??)\[([^\]]*)\](?:: (\w+)(?: of (\w+))?)?")
_CHOICE = r"(\w+|\[[^\]]*\]|\([^()]*\))"
_ASKED = r" if (\w+(?: is \w+)?) else "
_CONDITION = re.compile(_CHOICE + _ASKED + _CHOICE)


@dataclass(frozen=True)
class Form:
    """A manner in which an array may be given."""

    axes: Axes
    domain: Domain
    of: str = ""
    """The axis that integers belong to."""

    def __str__(self) -> str:
        of = f" of {self.of}" if self.domain.of_axis and (self.domain.name, self.of) != ("class", "C") else ""
        return f"[{', '.join(self.axes)}]: {self.domain}{of}"


@dataclass(frozen=True)
class Argument:
    """An array that a loss takes."""

    name: str
    forms: tuple[Form, ...]
    optional: bool = False

    @property
    def domain(self) -> Domain:
        """What it holds: of several manners, in the first one."""
        return self.forms[0].domain

    def form(self, *, integer: bool) -> Form:
        """Return the manner that an array of integers is given in, or one that holds none."""
        found = [form for form in self.forms if form.domain.is_integer == integer]
        return found[0] if found else self.forms[0]

    def __str__(self) -> str:
        return " or ".join(f"{self.name}{'?' if self.optional else ''}{form}" for form in self.forms)


@dataclass(frozen=True)
class Declaration:
    """What a loss takes, and what one loss value belongs to."""

    arguments: tuple[Argument, ...]
    items: Axes
    coupled: bool = False
    """Whether an item depends on the arrays of other items."""
    where: Axes = (ANY,)
    """The axes of `where`: those of the items, unless it is declared."""
    explicit: bool = True
    """Whether it is the loss's own, and not what is taken of a loss without one."""

    # What follows from these, once and for all: a compiler that traces a call finds it as it is.

    names: tuple[str, ...] = field(init=False, compare=False)
    """The names of the arrays."""
    domains: tuple[str, ...] = field(init=False, compare=False)
    """What each array holds, by name: of several manners, in the first one."""
    required: int = field(init=False, compare=False)
    """How many arrays have to be given."""
    moving: str | None = field(init=False, compare=False)
    """The axis whose place the setting `axis` says."""
    of_elements: bool = field(init=False, compare=False)
    """Whether all arrays have one shape, and an item is an element."""
    takes_where: bool = field(init=False, compare=False)
    """Whether `call` takes `where`: what it leaves out is a part of an item, or of other items."""
    granularity: Granularity = field(init=False, compare=False)
    """What an item is: an element, a row of each array, or one of a batch whose items depend on each other."""

    def __post_init__(self) -> None:
        arguments = self.arguments
        named = [axis for axis in arguments[0].forms[0].axes if axis != ANY] if arguments else []
        single = all(len(a.forms) == 1 and a.forms[0].axes == (ANY,) for a in arguments)
        of_numbers = not any(a.domain.is_integer for a in arguments)
        of_elements = bool(arguments) and single and of_numbers and self.items == self.where == (ANY,)
        for name, value in {
            "names": tuple(argument.name for argument in arguments),
            "domains": tuple(argument.domain.name for argument in arguments),
            "required": sum(not argument.optional for argument in arguments),
            "moving": named[-1] if named else None,
            "of_elements": of_elements,
            "takes_where": self.coupled or self.where != self.items,
            "granularity": "batch" if self.coupled else "element" if of_elements else "row",
        }.items():
            object.__setattr__(self, name, value)

    def __str__(self) -> str:
        arrays = [str(argument) for argument in self.arguments]
        if self.where != self.items:
            arrays.append(f"where[{', '.join(self.where)}]")
        return f"{', '.join(arrays)} -> [{', '.join(self.items)}]{' coupled' if self.coupled else ''}"


def conditions(text: str) -> tuple[str, ...]:
    """Return what a declaration asks of the settings, such as ``from_logits`` or ``mode is binary``."""
    return tuple(dict.fromkeys(re.findall(_ASKED, text)))


def declared(text: str, answers: tuple[tuple[str, bool], ...] = ()) -> Declaration:
    """Return a declaration, of a loss for which these are the answers to what it asks."""
    holds, before = dict(answers), ""
    while text != before:  # what stands in parentheses may ask in turn
        before = text
        text = _CONDITION.sub(lambda found: (found[1] if holds[found[2]] else found[3]).strip("()"), text)
    return _parsed(text)


def of_granularity(names: Axes, granularity: str) -> str:
    """Return the declaration of a loss that says no more than what an item is: all arrays are real and of one shape."""
    axes, items = {"element": ("...", "..."), "row": ("..., D", "..."), "batch": ("N, ...", "N")}[granularity]
    arrays = ", ".join(f"{name}[{axes}]: real" for name in names)
    return f"{arrays} -> [{items}]{' coupled' if granularity == 'batch' else ''}"


@functools.lru_cache(maxsize=1024)
def _parsed(text: str) -> Declaration:
    left, arrow, right = text.partition("->")
    items = re.fullmatch(r"\s*\[([^\]]*)\](\s+coupled)?\s*", right)
    if not arrow or items is None:
        raise _refused(text, "end in the axes of an item, such as `-> [...]`")
    arguments: dict[str, Argument] = {}
    place, before = 0, ","
    left = left.strip()
    while place < len(left):
        found = _ARRAY.match(left, place)
        if found is None:
            raise _refused(text, "say of each array its axes and what it holds, such as `target[...]: real`")
        name, optional, axes, holds, of = found.groups()
        if not holds and name != "where":
            raise _refused(text, f"say what `{name}` holds, such as `{name}[{axes}]: real`")
        form = Form(_axes(text, axes), domain(holds or "real"), of or ("C" if holds == "class" else ""))
        known = arguments.get(name)
        if (before == "or") != (known is not None):
            raise _refused(text, f"say of `{name}` once, or with `or`, what it is")
        forms = (*known.forms, form) if known else (form,)
        arguments[name] = Argument(name, forms, bool(optional) or (known is not None and known.optional))
        separator = re.compile(r"\s*(,|or\b)\s*").match(left, found.end())
        if separator is None:
            if found.end() < len(left):
                raise _refused(text, f"have a comma or `or` after `{found[0]}`")
            break
        before, place = separator[1], separator.end()
    item_axes = _axes(text, items[1])
    where = arguments.pop("where", None)
    made = Declaration(
        tuple(arguments.values()), item_axes, bool(items[2]), where.forms[0].axes if where else item_axes
    )
    _check_axes(text, made)
    return made


def _axes(text: str, axes: str) -> Axes:
    found = tuple(axis.strip() for axis in axes.split(",")) if axes.strip() else ()
    named = all(axis == ANY or axis.isidentifier() or axis.isdecimal() for axis in found)
    if not named or len(set(found)) < len(found):
        raise _refused(text, f"name each axis once, or any number of them `...`, not [{axes}]")
    return found


def _check_axes(text: str, made: Declaration) -> None:
    """Refuse what can't be computed: axes that no array has, or that stand in another order than the items'."""
    if not made.arguments:
        raise _refused(text, "name at least one array")
    forms = [form for argument in made.arguments for form in argument.forms]
    known = {axis for form in forms for axis in form.axes}
    for axis in (*made.items, *made.where, *[form.of for form in forms if form.domain.of_axis]):
        if axis not in known and not axis.isdecimal():
            raise _refused(text, f"have the axis {axis or 'that a length belongs to'} in one of its arrays")
    for axes in [made.where, *[form.axes for form in forms]]:
        of_items = [axis for axis in axes if axis in made.items]
        if of_items and of_items != list(made.items):
            raise _refused(text, f"have the axes of an item in the order [{', '.join(made.items)}], and all or none")
    optional = [argument.optional for argument in made.arguments]
    if any(a and not b for a, b in itertools.pairwise(optional)):
        raise _refused(text, "name arrays that need not be given last")


def _refused(text: str, must: str) -> ValueError:
    return ValueError(f"`arrays` must {must}; got {text!r}")
