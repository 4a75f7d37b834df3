"""The edges of each loss's domain: where a formula is finite and the derivative of a careless form of it is not."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from arraylosses.arguments.declaration import Form

from .cases import CLASSES, Case


def _edges(case: Case, form: Form) -> np.ndarray:
    if form.domain.is_integer:
        return np.arange(CLASSES)
    of_domain = form.domain.rows if len(form.axes) > 1 else form.domain.edges
    return np.asarray(case.entry.edges.get(form.domain.name, of_domain))


def extremes(case: Case, dtype: str) -> tuple[np.ndarray, ...]:
    """Every combination of the edges whose loss is finite, as one axis of items."""
    choices = [_edges(case, a.form(integer=not case.soft)) for a in case.loss.declaration.arguments]
    arrays = [np.stack(column) for column in zip(*itertools.product(*choices), strict=True)]
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
