"""Losses and their gradients drawn against the error or the margin."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..data.lines import Line, line_for
from ..gradients import value_and_grad
from ..loss import Loss
from ..registry import get
from .inputs import AnyLoss, FloatArray, loss_name, set_up
from .text import error_line, title

__all__ = ["FORMATS", "Curve", "curves", "save_plot"]

FORMATS = ("pdf", "png", "svg")


class Curve(NamedTuple):
    """A loss and its derivative along a line."""

    name: str
    axis: str
    points: FloatArray
    loss: FloatArray
    gradient: FloatArray


def curves(
    losses: AnyLoss | Sequence[AnyLoss] | None, settings: Mapping[str, Any], skipped: dict[str, str]
) -> list[Curve]:
    """Compute what is to be drawn. A loss that was asked for and has no curve raises; any other is left out."""
    found = []
    for loss in set_up(losses, settings, skipped):
        try:
            found.append(_curve(loss))
        except (TypeError, ValueError) as error:
            if losses is not None:
                raise
            skipped[loss_name(loss)] = error_line(error)
    return found


def _curve(loss: Loss) -> Curve:
    try:
        line = line_for(loss.declaration)
    except ValueError as error:
        raise ValueError(f"{loss_name(loss)} cannot be drawn: {error}") from None
    with np.errstate(all="ignore"):
        items = get(loss, reduction="none")(*line.arrays(line.points))
        gradient = _derivative(loss, line)
    name = title(loss_name(loss), loss.settings()).removesuffix("()")
    return Curve(name, line.label, line.points, np.asarray(items), gradient)


def _derivative(loss: Loss, line: Line) -> FloatArray:
    summed = get(loss, reduction="sum")
    _, gradient = value_and_grad(lambda x: summed(*line.arrays(x)))(line.points)
    return np.asarray(gradient)


def save_plot(found: Sequence[Curve], path: Path) -> None:
    """Draw curves into a file: the losses on the left and the gradients on the right, a row for each kind of axis.

    Raises
    ------
    ValueError
        If the suffix of the file is none of `FORMATS`.
    ModuleNotFoundError
        If matplotlib is not installed.
    OSError
        If the file cannot be written.
    """
    require_plot(path)
    from matplotlib.figure import Figure

    kinds = list(dict.fromkeys(curve.axis for curve in found))
    figure = Figure(figsize=(11, 4 * len(kinds)), layout="constrained")
    for row, kind in zip(figure.subplots(len(kinds), 2, squeeze=False), kinds, strict=True):
        drawn = [curve for curve in found if curve.axis == kind]
        for axes, name in zip(row, ("loss", "gradient"), strict=True):
            for k, curve in enumerate(drawn):
                style = ("-", "--", ":", "-.")[k // 10 % 4]  # as the ten colours come again
                axes.plot(curve.points, getattr(curve, name), label=curve.name, linestyle=style)
            axes.set(xlabel=kind, ylabel=name)
            axes.grid(visible=True, alpha=0.3)
        row[0].legend(fontsize="small")
    figure.savefig(path)


def require_plot(path: Path) -> None:
    """Refuse what cannot be drawn before it is computed."""
    if path.suffix.lower().removeprefix(".") not in FORMATS:
        raise ValueError(f"a plot must be a file that ends in .{', .'.join(FORMATS)}, got {str(path)!r}")
    if importlib.util.find_spec("matplotlib") is None:
        raise ModuleNotFoundError("a plot needs matplotlib: pip install matplotlib")
