"""The edges of each loss's domain: where a formula is finite and the derivative of a careless form of it is not."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from .cases import CLASSES, Case

INF = np.inf

# Equal pairs, zeros of both signs, differences of exactly 0.5 and 1 (the thresholds and margins), the tiny, the huge.
NUMBERS = [-1e4, -1.0, -0.5, -1e-30, -0.0, 0.0, 1e-30, 0.25, 0.5, 0.75, 1.0, 1e4]
LOGITS = [-1e4, -90.0, -1.0, -0.0, 0.0, 1e-30, 1.0, 90.0, 1e4]
PROBABILITIES = [0.0, 1e-7, 0.125, 0.5, 0.875, 1.0]
TARGETS = [0.0, 1e-7, 0.25, 1.0]
COUNTS = [0.0, 1e-30, 0.5, 1.0, 2.0, 1e4]
SIGNS = [-1.0, 1.0]

ELEMENTS: dict[tuple[str, ...], tuple[list[float], ...]] = {
    ("real", "real"): (NUMBERS, NUMBERS),
    ("real", "sign"): (NUMBERS + LOGITS, SIGNS),
    ("real", "real", "sign"): (NUMBERS, NUMBERS, SIGNS),
    ("real", "probability"): (LOGITS, TARGETS),
    ("probability", "probability"): (PROBABILITIES, TARGETS),
    ("nonnegative", "nonnegative"): (COUNTS, COUNTS),
    ("positive", "nonnegative"): (COUNTS, COUNTS),
    ("real", "nonnegative"): ([-90.0, -1.0, 0.0, 1.0, 10.0], COUNTS),
}

LOGIT_ROWS = [
    [0.0, 0.0, 0.0, 0.0, 0.0],
    [1.0, 1.0, 0.0, -1.0, 1.0],
    [1e4, 0.0, -1e4, 0.0, 1e4],
    [-1e4, 1e4, 0.0, 1.0, 2.0],
    [-INF, 0.0, 1.0, -INF, 1.0],
    [0.0, 100.0, 0.0, 0.0, 0.0],
    [INF, 0.0, -INF, 1e4, INF],
]
PROBABILITY_ROWS = [
    [0.2, 0.2, 0.2, 0.2, 0.2],
    [0.0, 1.0, 0.0, 0.0, 0.0],
    [0.0, 0.5, 0.25, 0.0, 0.25],
    [0.125, 0.875, 0.0, 0.0, 0.0],
    [1e-7, 1.0 - 1e-7, 0.0, 0.0, 0.0],
]
VECTORS = [
    [0.0, 0.0, 0.0, 0.0, 0.0],
    [1.0, 2.0, -1.0, 0.5, 0.0],
    [-1.0, -2.0, 1.0, -0.5, 0.0],
    [1e4, 0.0, 0.0, 0.0, 0.0],
    [1e-30, 1e-30, 0.0, 0.0, 0.0],
    [1.0, 1.0, 1.0, 1.0, 1.0],
]


def _log(rows: list[list[float]]) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(rows))


def _row_choices(case: Case, domain: str) -> list[np.ndarray]:
    if domain == "sign":
        return [np.asarray(s) for s in SIGNS]
    if domain == "class" and not case.soft:
        return [np.asarray(k) for k in range(CLASSES)]
    if domain in ("class", "distribution"):
        return list(np.concatenate([np.asarray(PROBABILITY_ROWS), np.eye(CLASSES)]))
    if domain == "log_distribution":
        return list(_log(PROBABILITY_ROWS))
    return list(np.asarray(LOGIT_ROWS if "class" in case.loss.declaration.domains else VECTORS))


def extremes(case: Case, dtype: str) -> tuple[np.ndarray, ...]:
    """Every combination of the edges whose loss is finite, as one axis of items."""
    domains = case.loss.declaration.domains
    choices = [_row_choices(case, d) for d in domains] if case.rows else list(ELEMENTS[domains])
    arrays = [np.stack(list(column)) for column in zip(*itertools.product(*choices), strict=True)]
    arrays = [x.astype(dtype) if x.dtype.kind == "f" else x for x in arrays]
    if not case.rows:  # the last axis is that of the four settings of `pos_weight`
        arrays = [np.stack([x] * 4, axis=-1) for x in arrays]
    given = _moved(case, arrays)
    with np.errstate(all="ignore"):
        finite = np.isfinite(replace(case.loss, reduction="none")(*given))
    finite = finite if case.rows else finite.all(axis=-1)
    assert finite.sum() >= 5
    return _moved(case, [x[finite] for x in arrays])


def _moved(case: Case, arrays: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    # Axis 1 of rows in a batch of one axis is the last.
    if not case.rows or case.axis % 2 == 1:
        return tuple(arrays)
    return tuple(np.moveaxis(x, -1, 0) if row else x for x, row in zip(arrays, case.row_arrays(), strict=True))
