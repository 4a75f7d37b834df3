"""What was measured, as rows, as Markdown, and beside an earlier run."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .cases import label
from .measure import Spread


@dataclass
class Row:
    """What was measured of a case. Times are in seconds, memory in bytes."""

    name: str
    group: str
    loss: str
    shape: tuple[int, ...]
    mode: str
    ours: Spread | None = None
    theirs: Spread | None = None
    ratio: Spread | None = None
    pairs: int = 0
    floor: float | None = None
    result: int = 0
    peak_ours: int | None = None
    peak_theirs: int | None = None
    note: str = ""

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def plain(self) -> dict[str, Any]:
        """Return what JSON takes."""
        return dataclasses.asdict(self)

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> Row:
        """Return the row that `plain` was made of."""
        spreads = {k: Spread(*data[k]) for k in ("ours", "theirs", "ratio") if data[k] is not None}
        return cls(**{**data, **spreads, "shape": tuple(data["shape"])})


# Goals


def time_ratio(row: Row) -> float | None:
    """Return our time over theirs."""
    return None if row.ratio is None else row.ratio.middle


def extra_microseconds(row: Row) -> float | None:
    """Return how many microseconds ours takes more."""
    return None if row.ours is None or row.theirs is None else 1e6 * (row.ours.middle - row.theirs.middle)


def peak_ratio(row: Row) -> float | None:
    """Return our peak memory over theirs."""
    return None if row.peak_ours is None or row.peak_theirs is None else row.peak_ours / row.peak_theirs


def peak_ratio_beyond(row: Row) -> float | None:
    """Return our peak memory over theirs, both less what the gradients take."""
    if row.peak_ours is None or row.peak_theirs is None:
        return None
    return max(row.peak_ours - row.result, 0) / (row.peak_theirs - row.result)


def megabytes_beyond(row: Row) -> float | None:
    """Return our peak memory in MB, less what the gradients take."""
    return None if row.peak_ours is None else max(row.peak_ours - row.result, 0) / 1e6


@dataclass(frozen=True)
class Goal:
    """What the rows of a group must show: a limit of their mean, and of each row."""

    on: str
    against: str
    group: str
    mean: float | None
    row: Callable[[Row], float] | None = None
    of: Callable[[Row], bool] = lambda row: True
    measure: Callable[[Row], float | None] = time_ratio
    asked: str = ""

    def chosen(self, rows: Iterable[Row]) -> list[tuple[float, Row]]:
        """Return the rows that the goal is about, with what was measured of each."""
        own = [row for row in rows if row.group == self.group and self.of(row)]
        return [(value, row) for row in own if (value := self.measure(row)) is not None]


def _limit(value: float) -> Callable[[Row], float]:
    return lambda row: value


def _is_large(row: Row) -> bool:
    return row.size >= 10_000_000


def _is_long(row: Row) -> bool:
    return row.size >= 1_000_000


def _is(mode: str, but: Callable[[Row], bool] = lambda row: True) -> Callable[[Row], bool]:
    return lambda row: row.mode == mode and but(row)


def _named(*names: str) -> Callable[[Row], bool]:
    return lambda row: row.loss in names


GOALS = (
    Goal(
        "torch eager, value and gradient, losses that torch has",
        "torch.nn.functional",
        "torch",
        1.0,
        lambda row: 1.25 if row.size >= 10_000 else 1.6,
        _is("gradient"),
        asked="mean 1.0; rows 1.25, below 1e4 1.6",
    ),
    Goal("the same at 1e7 and (1024, 32000), value", "", "torch", 0.65, _limit(0.65), _is("value", _is_large)),
    Goal("… value and gradient", "", "torch", 0.9, _limit(0.9), _is("gradient", _is_large)),
    Goal(
        "torch eager, losses that torch lacks, 1e6 and more",
        "textbook formula in torch",
        "torch-textbook",
        0.5,
        _limit(0.5),
        _is_long,
    ),
    Goal("… peak memory beyond the gradient (MB)", "", "torch-textbook", 16, _limit(16), measure=megabytes_beyond),
    Goal("NumPy, value, 1e6 and more", "textbook NumPy", "numpy", 0.45, _limit(0.45), _is_long),
    Goal(
        "NumPy, value and gradient",
        "scikit-learn, one thread",
        "scikit-learn",
        0.8,
        _limit(1.1),
        _is("gradient"),
        asked="mean 0.8; rows 1.1",
    ),
    Goal("NumPy, 1e6 and more", "Keras 3 on NumPy", "keras-numpy", 0.1, _limit(0.1), _is_long),
    Goal("JAX jitted", "Optax jitted", "optax-jit", 1.05, _limit(1.05)),
    Goal("JAX eager", "Optax eager", "optax-eager", 0.6, _limit(0.6)),
    Goal("torch.compile", "torch.nn.functional compiled", "torch-compile", 1.1, _limit(1.1)),
    Goal(
        "NumPy, 100 elements: a call's own cost (µs)",
        "textbook formula",
        "calls",
        10,
        _limit(10),
        measure=extra_microseconds,
    ),
    Goal(
        "torch, bfloat16 logits (2048, 32000), value and gradient: time",
        "F.cross_entropy on `.float()`",
        "torch-large",
        1.0,
        of=_named("cross_entropy-bfloat16"),
    ),
    Goal("… peak memory", "", "torch-large", 1 / 3, of=_named("cross_entropy-bfloat16"), measure=peak_ratio),
    Goal(
        "linear_cross_entropy (2048, 768) onto 50257, torch: time",
        "cross entropy of materialised logits",
        "torch-large",
        1.15,
        of=_named("linear_cross_entropy-materialised"),
    ),
    Goal(
        "… peak memory beyond inputs and gradients",
        "",
        "torch-large",
        0.1,
        of=_named("linear_cross_entropy-materialised"),
        measure=peak_ratio_beyond,
    ),
    Goal("… time", "F.linear_cross_entropy, chunked", "torch-large", 1.0, of=_named("linear_cross_entropy-chunked")),
    Goal(
        "… peak memory",
        "",
        "torch-large",
        1.0,
        of=_named("linear_cross_entropy-chunked"),
        measure=peak_ratio,
    ),
    Goal("… JAX: time", "cross entropy of materialised logits", "jax-large", 1.15),
    Goal("… JAX: peak memory beyond inputs and gradients", "", "jax-large", 0.1, measure=peak_ratio_beyond),
)


def goal_table(rows: list[Row], measured_only: bool = False) -> list[str]:
    """Return the goals in Markdown, with what was measured."""
    lines = [
        "| on | against | at most | rows | mean | worst row | met |",
        "| --- | --- | ---: | ---: | ---: | --- | --- |",
    ]
    for goal in GOALS:
        chosen = goal.chosen(rows)
        asked = goal.asked or f"{goal.mean:.3g}"
        if not chosen and measured_only:
            continue
        if not chosen:
            lines.append(f"| {goal.on} | {goal.against} | {asked} | 0 | | | not measured |")
            continue
        values = [value for value, _ in chosen]
        mean = statistics.geometric_mean(values) if goal.measure in _RATIOS and min(values) > 0 else max(values)
        limit = goal.row or _limit(goal.mean if goal.mean is not None else math.inf)
        over = sum(value > limit(row) for value, row in chosen)
        worst, row = max(chosen, key=lambda pair: pair[0] / limit(pair[1]))
        in_mean = goal.mean is None or mean <= goal.mean
        met = "yes" if in_mean and not over else f"in the mean; {over} over" if in_mean else f"no; {over} over"
        mean_shown = f"{mean:.3g}" if goal.measure in _RATIOS else ""
        lines.append(
            f"| {goal.on} | {goal.against} | {asked} | {len(chosen)} | {mean_shown} |"
            f" {worst:.3g} ({row.name}) | {met} |"
        )
    return lines


_RATIOS = (time_ratio, peak_ratio, peak_ratio_beyond)


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
