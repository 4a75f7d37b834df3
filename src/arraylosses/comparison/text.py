"""How a comparison is shown: a line for each loss, a line for each row, or Markdown."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..loss import Loss
from ..registry import registered

if TYPE_CHECKING:
    from .result import Comparison, ComparisonRow

__all__ = ["conclusion", "error_line", "markdown", "summary", "table", "title", "wrapped"]

_COLUMNS = ("backend", "dtype", "value", "difference", "ULP", "gradient", "")
_LEGEND = (
    "ok: the value and the gradient agree in every dtype",
    "ULP: the worst difference of a value, in units in the last place",
    "gradient: that of a gradient's entry, in units in the last place of the largest entry",
)
_MARKS = {"failed": "fail", "differs": "diff", "agrees": "ok"}  # the worst first


def error_line(error: BaseException) -> str:
    """Return the kind of an error and the first line of its message."""
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def wrapped(text: str, width: int, indent: str = "", hanging: str | None = None) -> list[str]:
    """Break a text into lines at its spaces; only a word that is longer than a line stands out.

    The first line is indented by `indent`, and the others by `hanging`, or else as the first.
    """
    return textwrap.wrap(
        text,
        max(width, 1),
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _listed(texts: Iterable[str], width: int) -> list[str]:
    """Return lines of texts, each of which starts a line that sticks out."""
    return [line for text in texts for line in wrapped(text, width, hanging="  ")]


# what is said above and below every form


def conclusion(result: Comparison) -> str:
    """Return in one line whether all agree, and if not, what does not."""
    limits = ", ".join(f"{dtype} {limit:.0e}" for dtype, limit in result.tolerance.items())
    broken = [f"{b.name} is broken" for b in result.backends if b.status == "broken"]
    if not result.rows:
        installed = any(b.status == "installed" for b in result.backends)
        reason = "no loss fits the arrays" if installed else "no library that was asked for is there"
        return f"nothing was compared: {', '.join([reason, *broken])}"
    if result.agree:
        agreeing = f"all {len(result.rows)} results agree" if len(result.rows) > 1 else "1 result agrees"
        return f"{agreeing} (tolerance {limits})"
    count = {status: sum(row.status == status for row in result.rows) for status in ("agrees", "differs", "failed")}
    said = [f"{count[status]} {status if status == 'failed' else status[:-1]}" for status in count if count[status]]
    return f"{len(result.rows)} results: {', '.join(said + broken)} (tolerance {limits})"


def _preface(result: Comparison) -> list[str]:
    """Say which libraries there are, what was compared with what, and what was left out."""
    installed = [f"{b.name} {b.version}" for b in result.backends if b.status == "installed"]
    missing = [b.name for b in result.backends if b.status == "not installed"]
    said = [", ".join(installed)] if installed else []
    said += [f"not installed: {', '.join(missing)}"] if missing else []
    said += [f"{b.name} is broken: {b.error}" for b in result.backends if b.status == "broken"]
    said += _compared(result) if result.rows else []
    return said + ([f"left out: {', '.join(result.skipped)}"] if result.skipped else [])


def _compared(result: Comparison) -> list[str]:
    """Say what was compared with what."""
    dtypes = " and ".join(result.tolerance)
    samples = list(dict.fromkeys(row.sample for row in result.rows if row.sample != "given"))
    inputs = f"the sample{'s' * (len(samples) > 1)} {' and '.join(samples)}" if samples else "the arrays given"
    if {row.backend for row in result.rows} != {"numpy"}:
        return [
            f"Each library in {dtypes} is compared with NumPy in float64, the reference, on {inputs}, rounded to the "
            "dtype first."
        ]
    if "float32" not in result.tolerance:
        return [
            f"NumPy alone, on {inputs}: its float64 is the reference itself, so there is nothing to compare it with."
        ]
    return [f"NumPy alone, on {inputs}: float32 is compared with float64, and nothing else."]


# a line for each loss


def summary(result: Comparison, width: int) -> str:
    """Return a line for each loss with a column for each library, and in full below what does not agree."""
    lines = _listed(_preface(result), width)
    if result.rows:
        lines += [*_listed(_LEGEND, width), "", *_summary_table(result, width)]
        for rows in _failures(result):
            lines += ["", *_in_full(rows, width)]
    return "\n".join([*lines, "", *wrapped(conclusion(result), width)])


def _summary_table(result: Comparison, width: int) -> Iterator[str]:
    groups: dict[tuple[str, str], list[ComparisonRow]] = {}
    for row in result.rows:
        groups.setdefault((_title(row), row.sample), []).append(row)
    names = list(dict.fromkeys(row.backend for row in result.rows))
    head = [*names, "ULP", "gradient"]
    body = [
        [*(_mark([row for row in rows if row.backend == name]) for name in names), *_worst(rows)]
        for rows in groups.values()
    ]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    titles = [loss.removesuffix("()") for loss, _ in groups]
    room = min(max(map(len, titles)), width - sum(widths) - 2 * len(widths))
    # Where the names leave no room beside them, all stand above their cells; long settings are one row's own matter.
    above = room < max(len(name.partition("(")[0]) for name in titles)
    for name, cells in zip(["", *titles], [head, *body], strict=True):
        right = "".join(f"  {cell:>{size}}" for cell, size in zip(cells, widths, strict=True))
        if above or len(name) > room:
            yield from wrapped(name, width, hanging="    ")
            name = ""
        yield right if above else f"{name:<{room}}{right}"


def _mark(rows: Sequence[ComparisonRow]) -> str:
    return next(mark for status, mark in _MARKS.items() if any(row.status == status for row in rows))


def _worst(rows: Sequence[ComparisonRow]) -> tuple[str, str]:
    """Return the worst differences of the value and of the gradient, both in units in the last place."""
    units = [row.ulp_difference for row in rows if row.ulp_difference is not None]
    entries = [
        row.gradient_difference / float(np.finfo(row.dtype).eps) for row in rows if row.gradient_difference is not None
    ]
    value, gradient = (float(np.max(found)) if found else None for found in (units, entries))
    return _units(value), _units(gradient)


def _failures(result: Comparison) -> Iterator[list[ComparisonRow]]:
    """Return the rows that do not agree, those of one loss together that failed for the same reason."""
    groups: dict[Any, list[ComparisonRow]] = {}
    for row in result.rows:
        if row.status != "agrees":
            place = (row.backend, row.dtype) if row.status == "differs" else row.error
            groups.setdefault((_title(row), row.sample, place), []).append(row)
    yield from groups.values()


def _in_full(rows: Sequence[ComparisonRow], width: int) -> Iterator[str]:
    row = rows[0]
    places = ", ".join(f"{row.backend} {row.dtype}" for row in rows)
    yield from wrapped(f"{_title(row)}, {_sample(row)}: {places} {row.status}", width, hanging="    ")
    if row.error:
        yield from wrapped(row.error, width, "  ")
        return
    yield f"  value       {_digits(row.value, row.dtype)}"
    yield f"  reference   {_digits(row.reference, 'float64')}"
    yield f"  difference  {_short(row.absolute_difference)}, {_units(row.ulp_difference)} ULP"
    yield f"  gradient    {_short(row.gradient_difference)} of its largest entry"


# a line for each row


def table(result: Comparison, width: int) -> str:
    """Return all rows, those of each loss in a group."""
    lines = _listed(_preface(result), width)
    body = [[*_cells(row)[:-1], row.status] for row in result.rows]
    widths = [max(map(len, column)) for column in zip(_COLUMNS, *body, strict=True)]
    folded = sum(widths) + 2 * len(widths) > width
    if result.rows:
        lines += [] if folded else ["", *_aligned(_COLUMNS, widths)]
    group = None
    for row, cells in zip(result.rows, body, strict=True):
        if group != (group := f"{_title(row)}, {_sample(row)}"):
            lines += ["", *wrapped(group, width, hanging="    ")]
        lines += _folded(cells, widths) if folded else _aligned(cells, widths)
        if row.error:
            lines += wrapped(row.error, width, "    ")
    return "\n".join([*lines, "", *wrapped(conclusion(result), width)])


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    left = [cell.ljust(size) for cell, size in zip(cells[:2], widths, strict=False)]
    right = [cell.rjust(size) for cell, size in zip(cells[2:-1], widths[2:], strict=False)]
    return ["  ".join(["", *left, *right, cells[-1]]).rstrip()]


def _folded(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Return a row that is too long for a line in two, the differences with their names in the second."""
    differences = ", ".join(f"{name} {cell}" for name, cell in zip(_COLUMNS[3:-1], cells[3:-1], strict=True))
    return [*_aligned([*cells[:3], cells[-1]], widths), f"    {differences}"]


def markdown(result: Comparison) -> str:
    """Return all rows as a Markdown table."""
    head = ["loss", "sample", *_COLUMNS]
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    for row in result.rows:
        cells = [f"`{_title(row)}`", row.sample, *_cells(row)]
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n\n".join([*_preface(result), "\n".join(lines), conclusion(result)])


# the parts of a row


def title(loss: str, settings: Mapping[str, Any]) -> str:
    """Return a loss as it is called, with the settings that are off their defaults."""
    cls = registered().get(loss)
    defaults = {field.name: field.default for field in dataclasses.fields(cls or Loss)}
    off = {name: value for name, value in settings.items() if name not in defaults or defaults[name] != value}
    return f"{loss}({', '.join(f'{name}={value!r}' for name, value in off.items())})"


def _title(row: ComparisonRow) -> str:
    return title(row.loss, row.settings)


def _sample(row: ComparisonRow) -> str:
    return "arrays given" if row.sample == "given" else row.sample


def _cells(row: ComparisonRow) -> list[str]:
    return [
        row.backend,
        row.dtype,
        _digits(row.value, row.dtype),
        _short(row.absolute_difference),
        _short(row.ulp_difference, plain_below=1000),
        _short(row.gradient_difference),
        f"{row.status}: {row.error}" if row.error else row.status,
    ]


def _units(value: float | None) -> str:
    """Return units in the last place so that they stand below each other."""
    return f"{value:.2f}" if value is not None and 0.005 <= value < 1000 else _short(value)


def _digits(value: float | None, dtype: str) -> str:
    """Return as many digits as tell the value from its neighbours in its dtype."""
    return "-" if value is None else str(np.dtype(dtype).type(value))


def _short(value: float | None, plain_below: float = 0) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if value == 0 or value < plain_below else f"{value:.1e}"
