"""What the benchmark must show, and whether it does."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .rows import Row


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
    """The most that the rows of a group may show: in the geometric mean, and each of them."""

    on: str
    against: str
    group: str
    most: float
    row: Callable[[Row], float] | None = None  # the limit of a row, where it is not that of the mean
    of: Callable[[Row], bool] = lambda row: True
    measure: Callable[[Row], float | None] = time_ratio
    asked: str = ""

    def limit(self, row: Row) -> float:
        """Return the most that `row` may show."""
        return self.most if self.row is None else self.row(row)

    def chosen(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows that the goal is about."""
        return [row for row in rows if row.group == self.group and self.of(row)]


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
        lambda row: 1.2 if row.size >= 10_000 else 1.5,
        _is("gradient"),
        asked="mean 1.0; rows 1.2, below 1e4 1.5",
    ),
    Goal(
        "the same at sizes between",
        "torch.nn.functional",
        "torch-between",
        1.0,
        lambda row: 1.2,
        asked="mean 1.0; rows 1.2",
    ),
    Goal(
        "torch eager at 1e7 and (1024, 32000), value",
        "torch.nn.functional",
        "torch",
        0.65,
        of=_is("value", _is_large),
    ),
    Goal(
        "torch eager at 1e7 and (1024, 32000), value and gradient",
        "torch.nn.functional",
        "torch",
        0.9,
        of=_is("gradient", _is_large),
    ),
    Goal(
        "torch eager, losses that torch lacks, 1e6 and more",
        "textbook formula in torch",
        "torch-textbook",
        0.5,
        of=_is_long,
    ),
    Goal(
        "torch eager, losses that torch lacks: peak memory beyond the gradient (MB)",
        "textbook formula in torch",
        "torch-textbook",
        16,
        measure=megabytes_beyond,
    ),
    Goal("NumPy, value, 1e6 and more", "textbook NumPy", "numpy", 0.45, of=_is_long),
    Goal(
        "NumPy, value and gradient",
        "scikit-learn, one thread",
        "scikit-learn",
        0.8,
        lambda row: 1.1,
        _is("gradient"),
        asked="mean 0.8; rows 1.1",
    ),
    Goal("NumPy, 1e6 and more", "Keras 3 on NumPy", "keras-numpy", 0.1, of=_is_long),
    Goal("JAX jitted", "Optax jitted", "optax-jit", 1.0, lambda row: 1.5, asked="mean 1.0; rows 1.5"),
    Goal("JAX eager", "Optax eager", "optax-eager", 0.6),
    Goal(
        "torch.compile",
        "torch.nn.functional compiled",
        "torch-compile",
        1.15,
        lambda row: 1.5,
        asked="mean 1.15; rows 1.5",
    ),
    *(
        Goal(f"{name}: a trained model's logits, one-hot targets, maps of classes", "random values", group, 1.15)
        for name, group in (("NumPy", "numpy-values"), ("torch", "torch-values"), ("JAX", "jax-values"))
    ),
    Goal(
        "NumPy, 100 elements: a call's own cost (µs)",
        "textbook formula",
        "calls",
        10,
        measure=extra_microseconds,
    ),
    Goal(
        "a dialect's call, 1e5 elements",
        "our own call",
        "dialects",
        1.25,
        lambda row: 1.25,
        lambda row: row.size == 100_000,
    ),
    Goal(
        "a dialect's call, 100 elements (µs)",
        "our own call",
        "dialects",
        10,
        of=lambda row: row.size == 100,
        measure=extra_microseconds,
    ),
    Goal(
        "torch, bfloat16 logits (2048, 32000): time",
        "F.cross_entropy on `.float()`",
        "torch-large",
        1.0,
        of=_named("cross_entropy-bfloat16"),
    ),
    Goal(
        "torch, bfloat16 logits (2048, 32000): peak memory",
        "F.cross_entropy on `.float()`",
        "torch-large",
        1 / 3,
        of=_named("cross_entropy-bfloat16"),
        measure=peak_ratio,
    ),
    Goal(
        "linear_cross_entropy (2048, 768) onto 50257, torch: time",
        "cross entropy of materialised logits",
        "torch-large",
        1.15,
        of=_named("linear_cross_entropy-materialised"),
    ),
    Goal(
        "linear_cross_entropy, torch: peak memory beyond inputs and gradients",
        "cross entropy of materialised logits",
        "torch-large",
        0.1,
        of=_named("linear_cross_entropy-materialised"),
        measure=peak_ratio_beyond,
    ),
    Goal(
        "linear_cross_entropy, torch: time",
        "F.linear_cross_entropy, chunked",
        "torch-large",
        1.0,
        of=_named("linear_cross_entropy-chunked"),
    ),
    Goal(
        "linear_cross_entropy, torch: peak memory",
        "F.linear_cross_entropy, chunked",
        "torch-large",
        1.0,
        of=_named("linear_cross_entropy-chunked"),
        measure=peak_ratio,
    ),
    Goal("torch eager: batches, images, boxes, sequences", "MONAI, Kornia and others", "torch-batches", 1.0),
    Goal(
        "torch eager, contrastive losses: peak memory beyond inputs and gradients",
        "pytorch-metric-learning",
        "torch-batches",
        0.2,
        measure=peak_ratio_beyond,
    ),
    Goal("JAX jitted: batches, images, sequences", "Optax jitted", "jax-batches", 1.0),
    Goal("linear_cross_entropy, JAX: time", "cross entropy of materialised logits", "jax-large", 1.15),
    Goal(
        "linear_cross_entropy, JAX: peak memory beyond inputs and gradients",
        "cross entropy of materialised logits",
        "jax-large",
        0.1,
        measure=peak_ratio_beyond,
    ),
)


_RATIOS = (time_ratio, peak_ratio, peak_ratio_beyond)


def goal_table(rows: list[Row], measured_only: bool = False) -> list[str]:
    """Return the goals in Markdown, with what was measured."""
    lines = [
        "| on | against | at most | rows | mean | worst row | met |",
        "| --- | --- | ---: | ---: | ---: | --- | --- |",
    ]
    for goal in GOALS:
        about = f"| {goal.on} | {goal.against} | {goal.asked or f'{goal.most:.3g}'} |"
        chosen = goal.chosen(rows)
        measured = [(value, row) for row in chosen if (value := goal.measure(row)) is not None]
        if not measured:
            lines += [] if measured_only else [f"{about} 0 | | | not measured |"]
            continue
        values = [value for value, _ in measured]
        mean = statistics.geometric_mean(values) if goal.measure in _RATIOS and min(values) > 0 else max(values)
        over = sum(value > goal.limit(row) for value, row in measured)
        worst, row = max(measured, key=lambda pair: pair[0] / goal.limit(pair[1]))
        in_mean = mean <= goal.most
        met = "yes" if in_mean and not over else f"in the mean; {over} over" if in_mean else f"no; {over} over"
        lost = sum(bool(row.note) for row in chosen)
        met = f"{met}; {lost} not measured" if lost else met
        mean_shown = f"{mean:.3g}" if goal.measure in _RATIOS else ""
        lines.append(f"{about} {len(measured)} | {mean_shown} | {worst:.3g} ({row.name}) | {met} |")
    return lines
