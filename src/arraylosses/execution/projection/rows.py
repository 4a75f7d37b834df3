"""The rows of a projection, and the loss of rows that is computed of their scores."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ... import special
from ..._array_api import Array, Namespace, backend_of, broadcast_to, dtype_kind, single_device, untraced
from ...arguments import Inputs, Labels
from ...formula import Formula, Projection
from ...numerics import indexing
from ...reduction import share
from ..direct import Wanted, evaluate, prepare, taken

__all__ = [
    "Gradients",
    "Rows",
    "chunk_rows",
    "factors",
    "flat",
    "kept",
    "of_inputs",
    "shares",
    "tensors_of",
    "unit_of",
    "with_tensors",
    "without_tensors",
]

CHUNK = 1 << 24
"""Scores of a chunk at the most."""

PARTS = 16
"""Chunks of a call of so many rows that each has as many all the same."""


SLAB = 1 << 22
"""Entries of the matrix's gradient to which a product is added at a time, where the library can't add it in place."""

Gradients = tuple[Array | None, Array | None, Array | None]
"""Those by the rows, by the matrix and by what is added to the scores."""


class Rows(NamedTuple):
    """A loss of rows, and what it and the scores are computed of."""

    loss: Formula
    xp: Namespace
    dtype: Any
    of_labels: bool
    """Whether the labels are integers, and not rows of probabilities."""
    hidden: Array
    matrix: Array
    bias: Array | None
    labels: Array
    where: Array | None
    invalid: Array | None
    columns: Array | None

    def take(self, index: slice) -> Rows:
        """Some of the rows."""
        where, invalid = self.where, self.invalid
        return self._replace(
            hidden=self.hidden[index, ...],
            labels=self.labels[index, ...],
            where=None if where is None else where[index],
            invalid=None if invalid is None else invalid[index],
        )

    def kept_hidden(self) -> Array:
        """The rows, with 0 for those that are left out: a gradient is a sum over all rows."""
        if self.where is None:
            return self.hidden
        return special.where(indexing.expand_dims(self.where, -1), self.hidden, 0.0)

    def scores(self) -> Array:
        """The product, in the dtype of the matrix, and without the bias."""
        return self.xp.matmul(self.kept_hidden(), self.transposed())

    def transposed(self) -> Array:
        """The matrix with the features first."""
        return self.xp.permute_dims(self.matrix, (1, 0))

    def evaluate(self, scores: Array, wanted: Wanted | None = None) -> tuple[Array, tuple[Array, ...]]:
        """The per-item losses of these scores, and the derivatives that are wanted."""
        xp, dtype = self.xp, self.dtype
        scores = xp.astype(scores, dtype, copy=False)
        if self.bias is not None:
            line = (1,) * (scores.ndim - 1) + tuple(self.bias.shape)
            scores = scores + xp.reshape(xp.astype(self.bias, dtype, copy=False), line)
        of_columns = self.columns is not None
        inputs = Inputs(
            xp,
            (scores, self.labels, *([self.columns] if of_columns else [])),
            dtype,
            tuple(scores.shape[:-1]),
            ((-1,), () if self.of_labels else (-1,), *([None] if of_columns else [])),
            (
                *([Labels(1, int(self.matrix.shape[0]))] if self.of_labels else []),
                *([Labels(2, None)] if of_columns else []),
            ),
            None,
            self.where,
            self.invalid,
        )
        items, derivatives = evaluate(self.loss, inputs, prepare(self.loss, inputs)[0], wanted)
        if derivatives and self.invalid is not None:
            invalid = indexing.expand_dims(self.invalid, -1)
            derivatives = tuple([special.where(invalid, float("nan"), x) for x in derivatives])
        return items, derivatives or ()


def of_inputs(loss: Formula, inputs: Inputs) -> tuple[Rows, ...]:
    """Return the rows of checked inputs, of each projection."""
    # Coupled items are rows and columns, both of which are to be finite where they are left out.
    arrays = prepare(loss, inputs)[0] if loss.declaration.coupled else inputs.arrays
    return tuple([_of_projection(loss, inputs, made) for made in loss.projections(*taken(inputs, arrays))])


def _of_projection(loss: Formula, inputs: Inputs, made: Projection) -> Rows:
    xp = inputs.xp
    hidden, matrix = made.rows, made.matrix
    # The product is the library's in the dtype of the arrays. NumPy's takes an age in half precision.
    is_slow = backend_of(untraced(xp)) in ("numpy", "dask")
    dtype = hidden.dtype if hidden.dtype == matrix.dtype and not is_slow else inputs.dtype
    hidden, matrix = xp.astype(hidden, dtype, copy=False), xp.astype(matrix, dtype, copy=False)
    where = None if inputs.where is None else broadcast_to(xp, inputs.where, inputs.item_shape)
    formula: Any = loss.projected
    return Rows(
        formula,
        xp,
        inputs.dtype,
        dtype_kind(made.targets.dtype) == "int",
        hidden,
        matrix,
        made.bias,
        made.targets,
        where,
        inputs.invalid,
        made.columns,
    )


def flat(rows: Rows) -> Rows:
    """The same rows along one axis."""
    reshape, n = rows.xp.reshape, math.prod(rows.hidden.shape[:-1])
    return rows._replace(
        hidden=reshape(rows.hidden, (n, rows.hidden.shape[-1])),
        labels=reshape(rows.labels, (n,) if rows.of_labels else (n, rows.matrix.shape[0])),
        where=None if rows.where is None else reshape(rows.where, (n,)),
        invalid=None if rows.invalid is None else reshape(rows.invalid, (n,)),
    )


def shares(loss: Formula, inputs: Inputs, weight: Array | None) -> Array:
    """The derivative of the result by each item, along one axis."""
    xp = inputs.xp
    zeros = xp.zeros(inputs.item_shape, dtype=inputs.dtype, device=single_device(inputs.arrays[0], to_make=True))
    return xp.reshape(zeros + share(xp, zeros, weight, loss.reduction), (math.prod(inputs.item_shape),))


def kept(rows: Rows, upstream: Array) -> Array:
    """Return `upstream` an item, with 0 for what is left out.

    An infinite one, as of a root of 0, makes NaN of the 0 there, which a sum over the rows would bring to all others.
    """
    return upstream if rows.where is None else special.where(rows.where, upstream, 0.0)


def factors(rows: Rows, upstream: Array) -> tuple[Array, Array, Array]:
    """Return what the gradients of a sum are multiplied by: of the rows one by one, of the others 0 if none is kept."""
    if rows.where is None:
        return (upstream,) * 3
    of_sums = special.where(rows.xp.any(rows.where), upstream, 0.0)
    return indexing.expand_dims(kept(rows, upstream), -1), of_sums, of_sums


def unit_of(rows: Rows) -> float:
    """What gradients are multiplied by until the end: in half precision, the shares of a mean may be too small."""
    return float(max(rows.hidden.shape[0], 1)) if dtype_kind(rows.matrix.dtype) == "half" else 1.0


def chunk_rows(n: int, classes: int, least: int, parts: int = PARTS) -> int:
    """How many of `n` rows are computed at a time: chunks of one size, of `least` rows if they are not too large."""
    most = max(1, min(CHUNK // classes, max(least, n // parts)))
    return math.ceil(n / math.ceil(n / most)) if n else 1


def tensors_of(rows: Rows, part: Array | None) -> tuple[Array | None, ...]:
    """Return the arrays that torch and JAX differentiate or follow, in an order."""
    return rows.hidden, rows.matrix, rows.bias, part, rows.labels, rows.where, rows.invalid, rows.columns


def with_tensors(rows: Rows, tensors: tuple[Array | None, ...]) -> Rows:
    """Return rows with these arrays, in the order of `tensors_of`."""
    hidden, matrix, bias, _, *rest = tensors
    labels, where, invalid, columns = rest
    return rows._replace(
        hidden=hidden, matrix=matrix, bias=bias, labels=labels, where=where, invalid=invalid, columns=columns
    )


def without_tensors(rows: Rows) -> Rows:
    """Return what is left of rows without their arrays: what a program is made for."""
    return with_tensors(rows, (None,) * 8)
