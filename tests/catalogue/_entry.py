"""What is particular to a loss, for the laws of the tests and the rows of the benchmark to read."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["AXIS", "CLASS_WEIGHT", "Entry", "Equals", "Peer", "Refused"]

CLASS_WEIGHT = (1.0, 0.5, 2.0, 0.25, 3.0)
"""Numbers of classes for the five of the tests."""

Settings = dict[str, Any]


@dataclass(frozen=True)
class Refused:
    """Settings of which the first is refused, and what the message says after its name."""

    settings: Settings
    message: str
    error: type[Exception] = ValueError


AXIS = Refused({"axis": 0.5}, "must be an integer, got 0.5", TypeError)
"""Of every loss with a class or feature axis."""


@dataclass(frozen=True)
class Equals:
    """At `settings`, a loss is `factor` times a simpler one."""

    settings: Settings
    simpler: str
    simpler_settings: Settings = field(default_factory=dict)
    factor: float = 1.0


@dataclass(frozen=True)
class Peer:
    """The same loss elsewhere: what the benchmark measures beside ours."""

    call: str | Callable[..., Any]
    """Its name there; or a function, whose first parameter is the library's namespace."""
    given: Settings = field(default_factory=dict)
    """What theirs is called with."""
    settings: Settings = field(default_factory=dict)
    """Ours that mean the same."""
    domains: tuple[str, ...] = ()
    """What the arrays hold, where it is not what the loss says."""
    of: str = ""
    """What a row of the benchmark says beside the name of the loss."""
    argnums: tuple[int, ...] = (0,)
    """The arrays by which the gradient is taken."""
    alike: Settings = field(default_factory=dict)
    """Settings that both name alike, off their defaults, at which the tests hold them equal."""
    rtol: float = 1e-10
    """How near they are in float64."""

    def function(self, namespace: Any) -> Callable[..., Any]:
        """Return what is named, of the library's namespace."""
        named = isinstance(self.call, str)
        call = getattr(namespace, self.call) if named else functools.partial(self.call, namespace)
        return functools.partial(call, **self.given) if self.given else call


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A loss as the tests see it."""

    reference: Callable[..., Any] | None = None
    """One item by the published formula, with mpmath, of the arrays and the settings by name."""
    scale: Callable[..., Any] | None = None
    """The largest term of that, where terms of both signs cancel; of the same arguments."""
    constant: str = ""
    """What of the formula counts as a constant in the gradient, which is then not that of a difference."""
    exponential: bool = False
    """Whether an easy item is an exponential of its logits, as e^-30 is of 30."""
    of_batch: Callable[..., Any] | None = None
    """In place of `reference`, where a mask within an item or among coupled ones matters: a loop over the items in
    NumPy's float64, of the loss, the arrays and `where`; it returns the items and which of them are kept, or what each
    weighs."""
    tested_in: str = ""
    """In place of both: the tests that a loss has to itself, and why."""

    settings: Sequence[Settings] = ()
    """Settings off their defaults; every one of them in one or another."""
    refused: Sequence[Refused] = ()
    """What each setting refuses."""
    edges: dict[str, Sequence[Any]] = field(default_factory=dict)
    """The edges of arrays by the domain that they hold, where they are not those of the domain itself."""
    special_cases: Sequence[Equals] = ()
    """Where it is a simpler loss."""
    limits: tuple[Settings, float, float] | None = None
    """At these settings, what the derivative by the error tends to where the error tends to -inf and to inf."""
    boosted: bool = False
    """Whether it has the second derivative that a tree booster needs."""
    peers: dict[str, Sequence[Peer]] = field(default_factory=dict)
    """By library: "textbook" (the formula as a user would type it), "torch", "torch textbook", "optax", "keras",
    "scikit-learn"."""
