"""What was measured, as Markdown, and beside an earlier run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .cases import label
from .goals import extra_microseconds, goal_table
from .rows import Row

# Tables


def seconds(value: float) -> str:
    """Write a time with three digits."""
    unit, name = next((u for u in ((1, "s"), (1e-3, "ms")) if value >= u[0]), (1e-6, "µs"))
    return f"{value / unit:.3g} {name}"


def group_table(peer: str, rows: list[Row]) -> list[str]:
    """Return the rows of a group in Markdown."""
    columns: list[tuple[str, Callable[[Row], str]]] = [
        ("loss", lambda row: row.loss),
        ("shape", lambda row: label(row.shape)),
        ("", lambda row: row.mode),
        ("ours", lambda row: seconds(row.ours.middle) if row.ours else row.note),
        (peer, lambda row: seconds(row.theirs.middle) if row.theirs else ""),
        ("ratio", lambda row: f"{row.ratio.middle:.2f}" if row.ratio else ""),
        ("quartiles", lambda row: f"{row.ratio.low:.2f} to {row.ratio.high:.2f}" if row.ratio else ""),
    ]
    if any(row.group == "calls" for row in rows):
        columns.append(("more (µs)", lambda row: f"{extra_microseconds(row):.1f}" if row.ours else ""))
    if any(row.floor for row in rows):
        columns.append(("ours / floor", lambda row: f"{row.ours.middle / row.floor:.1f}" if row.floor else ""))  # type: ignore[union-attr]
    if any(row.peak_ours for row in rows):
        columns.append(("peak, ours (MB)", lambda row: _megabytes(row.peak_ours)))
        columns.append(("theirs", lambda row: _megabytes(row.peak_theirs)))
        columns.append(("of it gradients", lambda row: _megabytes(row.result if row.peak_ours else None)))
    lines = [
        "| " + " | ".join(name for name, _ in columns) + " |",
        "| " + " | ".join("---" if k < 3 else "---:" for k in range(len(columns))) + " |",
    ]
    return lines + ["| " + " | ".join(cell(row) for _, cell in columns) + " |" for row in rows]


def _megabytes(value: int | None) -> str:
    return "" if value is None else f"{value / 1e6:.0f}"


def markdown(about: dict[str, Any], titles: dict[str, tuple[str, str]], rows: list[Row]) -> str:
    """Return the whole page. `titles` has the title and the peer of each group."""
    lines = [
        "# Results",
        "",
        "Written by `nox -s bench`. A ratio is our median time over theirs, both taken in turns in one process, with",
        "the quartiles of the ratios of single pairs. The floor is the time in which inputs are read and the gradients",
        "written once, at the bandwidth of a copy in the same run; it is given where they exceed the caches. float32",
        "where no dtype is named, the mean where no reduction is. `gradient` is the value with its gradient.",
        "",
        *(f"- {key}: {value}" for key, value in about.items()),
        "",
        "## Goals",
        "",
        *goal_table(rows),
    ]
    for name, (title, peer) in titles.items():
        own = [row for row in rows if row.group == name]
        if own:
            lines += ["", f"## {title}", "", f"`--group {name}`", "", *group_table(peer, own)]
    return "\n".join(lines) + "\n"


# An earlier run


@dataclass(frozen=True)
class Change:
    """A row that is not what it was."""

    name: str
    what: str
    before: float
    after: float

    @property
    def factor(self) -> float:
        """How many times as much it is now."""
        return self.after / self.before

    def __str__(self) -> str:
        show = f"{self.before:.2f} -> {self.after:.2f}"
        if self.what == "time":
            show = f"{seconds(self.before)} -> {seconds(self.after)}"
        return f"{self.name}: {self.what} {show} ({self.factor:.2f} times)"


def changes(before: list[Row], after: list[Row]) -> list[Change]:
    """Return where the ratio, or our time, changed by more than it spreads, the worst first."""
    earlier = {row.name: row for row in before}
    found = []
    for row in after:
        old = earlier.get(row.name)
        if old is None:
            continue
        for what, a, b in (("ratio", old.ratio, row.ratio), ("time", old.ours, row.ours)):
            if a is not None and b is not None and abs(a.middle - b.middle) > max(a.width, b.width):
                found.append(Change(row.name, what, a.middle, b.middle))
    return sorted(found, key=lambda change: -change.factor)
