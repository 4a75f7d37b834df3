"""The line along which a loss is drawn: one number that its first array follows, all other arrays held fixed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .._array_api import Array, array_namespace
from ..arguments import Declaration

__all__ = ["Line", "line_for"]

FloatArray: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

_POINTS = 401
# The ends of the line in each domain of the first array. Beside a second array of real numbers it is their difference.
_ENDS: dict[str, tuple[float, float]] = {
    "real": (-4.0, 4.0),
    "nonnegative": (0.0, 4.0),
    "above_minus_one": (-0.9, 4.0),
    "positive": (0.01, 4.0),
    "probability": (0.01, 0.99),
}


class Line(NamedTuple):
    """What is put on the axis of a plot, and the arrays of the loss at these points."""

    label: str
    points: FloatArray
    arrays: Callable[[Array], list[Array]]
    """The arrays of the loss for an array of points, written so that they can be differentiated by these."""


def line_for(declaration: Declaration) -> Line:
    """Return the line of a loss that declares this.

    A loss of elements follows its first array, or the difference of the first two where both are real numbers, with
    targets of 1. A loss of classes is given two of them, and follows the logit of the first, the label's, with the
    other at 0.

    Raises
    ------
    ValueError
        If there is no one number that such a loss follows, as where its rows are vectors.
    """
    domains, names = [argument.domain.name for argument in declaration.arguments], declaration.names
    if declaration.of_elements and domains[0] in _ENDS:
        return _of_elements(domains, names)
    axes = declaration.arguments[0].forms[0].axes
    is_row = len(axes) == 2 and axes[0] == "..."
    of_rows = declaration.granularity == "row" and is_row and not declaration.takes_where
    of_classes = of_rows and domains[0] in ("real", "distribution", "log_distribution")
    if of_classes and {"class", "distribution"} & set(domains[1:]):
        return _of_classes(declaration, domains)
    raise ValueError(f"no one number moves {', '.join(names)} through their domains")


def _of_elements(domains: list[str], names: tuple[str, ...]) -> Line:
    difference = tuple(domains[:2]) == ("real", "real")
    ones = names[2:] if difference else names[1:]
    label = f"error: {names[0]} - {names[1]}" if difference else names[0]
    if domains[0] == "real" and {"sign", "probability"} & set(domains[1:]) and not difference:
        label = f"margin or logit: {label}"
    shift = 1.0 if difference else 0.0

    def arrays(x: Array) -> list[Array]:
        one = np.ones(x.shape)
        return [x + shift, *(one for _ in domains[1:])]

    return Line(", ".join([label, *(f"{name} = 1" for name in ones)]), np.linspace(*_ENDS[domains[0]], _POINTS), arrays)


def _of_classes(declaration: Declaration, domains: list[str]) -> Line:
    count = _POINTS
    fixed: dict[str, FloatArray] = {
        "class": np.zeros(count, dtype=np.int64),
        "distribution": np.tile([0.9, 0.1], (count, 1)),
        "log_distribution": np.log(np.tile([0.9, 0.1], (count, 1))),
        "sign": np.ones(count),
    }
    of_no_item = {1: np.zeros(2), 2: np.eye(2)}
    others = [
        fixed[form.domain.name] if "..." in (form := argument.forms[0]).axes else of_no_item[len(form.axes)]
        for argument in declaration.arguments[1:]
    ]

    def arrays(x: Array) -> list[Array]:
        xp = array_namespace(x)
        rows = xp.stack([x, 0.0 * x], axis=-1)
        if domains[0] != "real":
            rows = rows - xp.log(xp.sum(xp.exp(rows), axis=-1, keepdims=True))
        if domains[0] == "distribution":
            rows = xp.exp(rows)
        return [rows, *others]

    target = "" if "class" in domains else ", target (0.9, 0.1)"
    return Line(f"margin: the label's logit - the other's{target}", np.linspace(*_ENDS["real"], count), arrays)
