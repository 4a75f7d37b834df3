"""A projection followed by a loss of rows, such as a last linear layer and the cross entropy, in chunks of rows.

The scores, ``hidden @ matrix.T + bias``, may take more memory than all else of a model. Here they exist for a chunk of
rows at a time, and the loss's closed form turns them into their derivatives, which are multiplied into the gradients at
once. A gradient that will be asked for is made together with the value, and waits for the factor of the backward pass:
three products in all, as many as the straight way has. With reduction "none" there is a factor each item, which the
backward pass knows first, so it computes the scores once more.

Second derivatives on torch, `torch.func`, forward mode, compilers, lazy and unknown arrays go the straight way, which
holds all scores.
"""

from __future__ import annotations

import functools
import math
import sys
from typing import Any, NamedTuple

from .. import special
from .._array_api import (
    Array,
    Namespace,
    backend_of,
    broadcast_to,
    dtype_kind,
    is_eager_numpy,
    is_eager_torch,
    single_device,
    untraced,
    unwrapped_namespace,
)
from .._validation import Inputs, Role
from ..numerics import _jax, indexing
from ..reduction import kept_weight, reduce, share
from .direct import FIRST, Computable, Wanted, evaluate, prepare
from .threads import for_each

__all__ = ["run", "run_with_gradients"]

CHUNK = 1 << 24
"""Scores of a chunk at the most."""

ROWS = 256
"""Rows of a chunk, if these are not more scores: the products want as many, to be worth their reading of the matrix."""

ROWS_OF_JAX = 96
"""The same for JAX, whose program holds three arrays of a chunk's scores."""

PARTS = 16
"""Chunks of a call of so many rows that each has as many all the same."""

BLOCK = {"numpy": 1 << 17, "torch": 1 << 18}
"""Scores whose intermediates fit the caches, on the CPU."""

BLOCK_ELSEWHERE = 1 << 22
"""Scores whose intermediates, a dozen arrays, take little memory on an accelerator that wants large ones."""

SLAB = 1 << 22
"""Entries of the matrix's gradient to which a product is added at a time, where the library can't add it in place."""

_WITH_OUT = ("numpy", "torch", "cupy")
_PLACES = {0: 0, 1: 1, 3: 2}
"""Where an array of the loss stands among hidden, matrix and bias, which have gradients."""

Gradients = tuple[Array | None, Array | None, Array | None]


class _Rows(NamedTuple):
    """A loss of rows, and what it and the scores are computed of."""

    loss: Computable
    xp: Namespace
    dtype: Any
    role: Role
    """What the labels are: integers, or rows of probabilities."""
    hidden: Array
    matrix: Array
    bias: Array | None
    labels: Array
    where: Array | None
    invalid: Array | None

    def take(self, index: slice) -> _Rows:
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
        inputs = Inputs(
            xp,
            (scores, self.labels),
            dtype,
            tuple(scores.shape[:-1]),
            -1,
            ("row", self.role),
            None,
            self.where,
            self.invalid,
        )
        items, derivatives = evaluate(self.loss, inputs, prepare(self.loss, inputs)[0], wanted)
        return items, derivatives or ()


def run(loss: Computable, inputs: Inputs) -> Array:
    """Compute `loss` on checked inputs."""
    xp, rows, weight = inputs.xp, _rows(loss, inputs), _weight(loss, inputs)
    compute = _way(rows, inputs, weight)
    if compute is None:
        return reduce(xp, rows.evaluate(rows.scores())[0], weight, loss.reduction)
    if loss.reduction == "none":
        return reduce(xp, xp.reshape(compute(_flat(rows), None), inputs.item_shape), weight, "none")
    return compute(_flat(rows), _share(loss, inputs, weight))


def run_with_gradients(loss: Computable, inputs: Inputs, positions: tuple[int, ...]) -> tuple[Array, ...] | None:
    """Compute `loss` and its gradients by the arrays at `positions`; None where they are not known in closed form."""
    xp, rows, weight = inputs.xp, _rows(loss, inputs), _weight(loss, inputs)
    if loss.reduction == "none" or not set(positions) <= _PLACES.keys() or _way(rows, inputs, weight) is not _in_chunks:
        return None
    rows, part = _flat(rows), _share(loss, inputs, weight)
    wanted = [_PLACES[k] for k in positions]
    unit = _unit(rows)
    items, found = _compute(rows, part * unit, tuple([k in wanted for k in range(3)]))
    gradients = []
    for k in positions:
        x, like = found[_PLACES[k]], inputs.arrays[k]
        if unit != 1:
            x = xp.astype(x, rows.dtype, copy=False) / unit
        gradients.append(xp.reshape(xp.astype(x, like.dtype, copy=False), tuple(like.shape)))
    return (xp.sum(items * part), *gradients)


def _rows(loss: Computable, inputs: Inputs) -> _Rows:
    xp = inputs.xp
    hidden, matrix, labels, *bias = inputs.arrays
    # The product is the library's in the dtype of the arrays. NumPy's takes an age in half precision.
    is_slow = backend_of(untraced(xp)) in ("numpy", "dask")
    dtype = inputs.dtype if is_slow else xp.result_type(hidden, matrix)
    hidden, matrix = xp.astype(hidden, dtype, copy=False), xp.astype(matrix, dtype, copy=False)
    where = None if inputs.where is None else broadcast_to(xp, inputs.where, inputs.item_shape)
    formula: Any = loss.projected
    return _Rows(
        formula,
        xp,
        inputs.dtype,
        inputs.roles[2],
        hidden,
        matrix,
        bias[0] if bias else None,
        labels,
        where,
        inputs.invalid,
    )


def _flat(rows: _Rows) -> _Rows:
    """The same rows along one axis."""
    reshape, n = rows.xp.reshape, math.prod(rows.hidden.shape[:-1])
    return rows._replace(
        hidden=reshape(rows.hidden, (n, rows.hidden.shape[-1])),
        labels=reshape(rows.labels, (n, rows.matrix.shape[0]) if rows.role == "row" else (n,)),
        where=None if rows.where is None else reshape(rows.where, (n,)),
        invalid=None if rows.invalid is None else reshape(rows.invalid, (n,)),
    )


def _weight(loss: Computable, inputs: Inputs) -> Array | None:
    """One weight an item, that of its class included; None where all count the same."""
    xp, dtype = inputs.xp, inputs.dtype
    weight = loss.item_weight(*inputs.arrays)
    weight = None if weight is None else xp.astype(weight, dtype, copy=False)
    if inputs.weight is not None:
        given = xp.astype(inputs.weight, dtype, copy=False)
        weight = given if weight is None else given * weight
    return kept_weight(xp, inputs.item_shape, dtype, weight, inputs.where)


def _share(loss: Computable, inputs: Inputs, weight: Array | None) -> Array:
    """The derivative of the result by each item, along one axis."""
    xp = inputs.xp
    zeros = xp.zeros(inputs.item_shape, dtype=inputs.dtype, device=single_device(inputs.arrays[0]))
    return xp.reshape(zeros + share(xp, zeros, weight, loss.reduction), (math.prod(inputs.item_shape),))


def _unit(rows: _Rows) -> float:
    """What gradients are multiplied by until the end: in half precision, the shares of a mean may be too small."""
    return float(max(rows.hidden.shape[0], 1)) if dtype_kind(rows.matrix.dtype) == "half" else 1.0


def _way(rows: _Rows, inputs: Inputs, weight: Array | None) -> Any:
    """What makes flat rows and shares the result, or without shares the items; None where all is done at once."""
    backend = backend_of(inputs.xp)
    if backend == "jax":
        # Where JAX asks how each product lies on a mesh, its own derivatives know.
        is_spread = any([x is not None and _jax.has_explicit_sharding(x) for x in (rows.hidden, rows.matrix, weight)])
        # What is traced of the loss's settings may not outlive its trace, in a program that is kept.
        kept = 0 not in inputs.item_shape and not is_spread and not rows.loss.array_settings
        return _by_jax if kept else None
    given = [x for x in (*inputs.arrays, inputs.weight, inputs.where) if x is not None]
    if backend == "torch":
        torch: Any = sys.modules["torch"]
        if not all([is_eager_torch(x) for x in given]) or torch.autograd.forward_ad._current_level >= 0:
            return None
        if torch.is_grad_enabled():
            if rows.labels.requires_grad:
                return None
            if any([x is not None and x.requires_grad for x in (rows.hidden, rows.matrix, rows.bias, weight)]):
                return _by_torch
        return _in_chunks
    is_eager = backend in ("cupy", "strict") or (backend == "numpy" and all([is_eager_numpy(x) for x in given]))
    return _in_chunks if is_eager else None


# eager libraries


def _in_chunks(rows: _Rows, part: Array | None) -> Array:
    items, _ = _compute(rows, None)
    return items if part is None else rows.xp.sum(items * part)


def _compute(
    rows: _Rows, part: Array | None, wanted: tuple[bool, ...] = (False, False, False)
) -> tuple[Array, Gradients]:
    """The items, and those gradients by hidden, matrix and bias of Σ part · items that are wanted.

    What is a sum over the rows comes in the dtype of the computation, hidden's gradient in that of the product.
    """
    xp, matrix = rows.xp, rows.matrix
    n, classes = int(rows.hidden.shape[0]), int(matrix.shape[0])
    device = single_device(matrix)
    items = xp.empty((n,), dtype=rows.dtype, device=device)
    by_hidden = xp.empty_like(rows.hidden) if wanted[0] else None
    by_matrix = xp.zeros(tuple(matrix.shape), dtype=rows.dtype, device=device) if wanted[1] else None
    by_bias = xp.zeros((classes,), dtype=rows.dtype, device=device) if wanted[2] else None
    step = _chunk_rows(n, classes, ROWS)
    scores = xp.empty((min(step, n), classes), dtype=matrix.dtype, device=device)
    transposed = rows.transposed()
    for start in range(0, n, step):
        chunk = slice(start, min(start + step, n))
        of_chunk = rows.take(chunk)
        hidden = of_chunk.kept_hidden()
        slopes = _product(rows, hidden, transposed, scores[: chunk.stop - start, ...])
        _evaluate(of_chunk, slopes, items, start, part if any(wanted) else None)
        if by_hidden is not None:
            _product(rows, slopes, matrix, by_hidden[chunk, ...])
        if by_matrix is not None:
            _add_product(rows, by_matrix, xp.permute_dims(slopes, (1, 0)), hidden)
        if by_bias is not None:
            by_bias += xp.sum(slopes, axis=0, dtype=rows.dtype)
    return items, (by_hidden, by_matrix, by_bias)


def _chunk_rows(n: int, classes: int, least: int) -> int:
    """How many of `n` rows are computed at a time: chunks of one size, of `least` rows if they are not too large."""
    most = max(1, min(CHUNK // classes, max(least, n // PARTS)))
    return math.ceil(n / math.ceil(n / most)) if n else 1


def _evaluate(rows: _Rows, scores: Array, items: Array, start: int, part: Array | None) -> None:
    """Write the items of a chunk, and over its scores their derivatives times `part`, where there is one."""
    xp, backend = rows.xp, backend_of(rows.xp)
    n, classes = scores.shape
    is_on_cpu = backend in BLOCK and single_device(scores) in ("cpu", _torch_cpu())
    step = max(1, (BLOCK[backend] if is_on_cpu else BLOCK_ELSEWHERE) // classes)

    def compute(k: int) -> None:
        index = slice(k * step, min((k + 1) * step, n))
        place = slice(start + index.start, start + index.stop)
        values, derivatives = rows.take(index).evaluate(scores[index, ...], None if part is None else FIRST)
        items[place] = values
        for x in derivatives:
            factor = indexing.expand_dims(part[place], -1)  # type: ignore[index]
            if backend in _WITH_OUT and scores.dtype == x.dtype:
                unwrapped_namespace(xp).multiply(x, factor, out=scores[index, ...])
            else:
                scores[index, ...] = xp.astype(x * factor, scores.dtype, copy=False)

    for_each(compute, math.ceil(n / step), backend if is_on_cpu else "")


def _product(rows: _Rows, a: Array, b: Array, out: Array) -> Array:
    """Write a @ b to `out`."""
    if backend_of(rows.xp) in _WITH_OUT:
        unwrapped_namespace(rows.xp).matmul(a, b, out=out)
    else:
        out[...] = rows.xp.matmul(a, b)
    return out


def _add_product(rows: _Rows, total: Array, a: Array, b: Array) -> None:
    """Add a @ b to `total`, without an array of its size where the library lets us."""
    if backend_of(rows.xp) == "torch" and total.dtype == a.dtype:
        total.addmm_(a, b)
        return
    slabs = _slabs(*total.shape)
    memory = rows.xp.empty((slabs[0].stop, b.shape[1]), dtype=a.dtype, device=single_device(a))
    for slab in slabs:
        product = _product(rows, a[slab, ...], b, memory[: slab.stop - slab.start, ...])
        total[slab, ...] += rows.xp.astype(product, total.dtype, copy=False)


def _slabs(n: int, features: int) -> list[slice]:
    """Cut a matrix of so many rows where a product of its shape would be too large."""
    step = max(1, SLAB // max(features, 1))
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


# torch and JAX: a function of tensors, in this order


def _tensors(rows: _Rows, part: Array | None) -> tuple[Array | None, ...]:
    return rows.hidden, rows.matrix, rows.bias, part, rows.labels, rows.where, rows.invalid


def _with_tensors(rows: _Rows, tensors: tuple[Array | None, ...]) -> _Rows:
    hidden, matrix, bias, _, labels, where, invalid = tensors
    return rows._replace(hidden=hidden, matrix=matrix, bias=bias, labels=labels, where=where, invalid=invalid)


def _without_tensors(rows: _Rows) -> _Rows:
    return _with_tensors(rows, (None,) * 7)


def _by_torch(rows: _Rows, part: Array | None) -> Array:
    return _torch_function().apply(_without_tensors(rows), *_tensors(rows, part))


def _by_jax(rows: _Rows, part: Array | None) -> Array:
    return _jax_function(_without_tensors(rows))(*_tensors(rows, part))


@functools.cache
def _torch_function() -> Any:
    torch: Any = sys.modules["torch"]

    class Projected(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, rest: _Rows, *tensors: Array | None) -> Array:
            rows, part = _with_tensors(rest, tensors), tensors[3]
            ctx.rest = rest
            ctx.save_for_backward(*tensors)
            ctx.items, ctx.gradients = None, None
            if part is None:
                return _compute(rows, None)[0]
            unit, wanted = _unit(rows), ctx.needs_input_grad[1:4]
            items, gradients = _compute(rows, part * unit, wanted)
            ctx.items, ctx.gradients = items, gradients
            return torch.sum(items * part)

        @staticmethod
        def backward(ctx: Any, upstream: Array) -> tuple[Array | None, ...]:
            tensors, needed = ctx.saved_tensors, ctx.needs_input_grad
            rows, part = _with_tensors(ctx.rest, tensors), tensors[3]
            if torch.is_grad_enabled() or not is_eager_torch(upstream):
                return None, *_differentiable(torch, rows, part, needed[1:5], upstream), None, None, None
            # The gradients are given away, to be kept without a copy; if they are asked for again, they are made again.
            found, ctx.gradients = ctx.gradients, None
            if part is None:
                found = _compute(rows, upstream, needed[1:4])[1]
            else:
                factor = upstream / _unit(rows)
                if found is None:
                    found = _compute(rows, part * _unit(rows), needed[1:4])[1]
                if not upstream.is_cpu or float(factor) != 1:
                    found = tuple([None if x is None else x.to(rows.dtype).mul_(factor) for x in found])
            results = [None if x is None else x.to(y.dtype) for x, y in zip(found, tensors, strict=False)]
            return None, *results, ctx.items * upstream if needed[4] else None, None, None, None

    return Projected


def _differentiable(
    torch: Any, rows: _Rows, part: Array | None, needed: tuple[bool, ...], upstream: Array
) -> list[Array | None]:
    """The gradients as the straight way has them, which can be differentiated again."""
    with torch.enable_grad():
        items = rows.evaluate(rows.scores())[0]
        value = items if part is None else torch.sum(items * part)
    tensors = (rows.hidden, rows.matrix, rows.bias, part)
    chosen = [x for x, is_needed in zip(tensors, needed, strict=True) if is_needed]
    found = iter(torch.autograd.grad(value, chosen, upstream, create_graph=torch.is_grad_enabled()))
    return [next(found) if is_needed else None for is_needed in needed]


def _torch_cpu() -> Any:
    torch = sys.modules.get("torch")
    return None if torch is None else torch.device("cpu")


@functools.lru_cache(maxsize=256)
def _jax_function(rest: _Rows) -> Any:
    """The function for a loss of rows: one program, kept, with a derivative of its own."""
    jax: Any = sys.modules["jax"]
    xp = rest.xp

    def scan(body: Any, initial: Any, tensors: tuple[Any, ...]) -> Any:
        """Go through the rows in chunks; zeros fill up the last one."""
        hidden, matrix, bias, *of_rows = tensors
        n = hidden.shape[0]
        step = _chunk_rows(n, matrix.shape[0], ROWS_OF_JAX)
        count = math.ceil(n / step)

        def cut(x: Array) -> Array:
            x = xp.pad(x, ((0, count * step - n), *[(0, 0)] * (x.ndim - 1)))
            return xp.reshape(x, (count, step, *x.shape[1:]))

        def of_chunk(total: Any, chunk: Any) -> Any:
            hidden, part, *others = chunk
            return body(total, _with_tensors(rest, (hidden, matrix, bias, part, *others)), part)

        total, found = jax.lax.scan(of_chunk, initial, jax.tree_util.tree_map(cut, (hidden, *of_rows)))
        return total, jax.tree_util.tree_map(lambda x: xp.reshape(x, (count * step, *x.shape[2:]))[:n], found)

    def items_of(tensors: tuple[Any, ...]) -> Array:
        return scan(lambda total, rows, part: (total, rows.evaluate(rows.scores())[0]), None, tensors)[1]

    def add_product(total: Array, slopes: Array, hidden: Array) -> Array:
        """Add slopes.T @ hidden slab by slab: XLA would hold the whole product."""
        n, features = total.shape
        size = min(n, max(1, SLAB // max(features, 1)))
        dynamic = jax.lax.dynamic_slice_in_dim

        def add(k: Array, total: Array) -> Array:
            start = xp.minimum(k * size, n - size)
            product = xp.astype(xp.matmul(dynamic(slopes, start, size, 1).T, hidden), rest.dtype)
            is_new = xp.arange(size) >= k * size - start  # the last slab overlaps the one before
            sums = dynamic(total, start, size) + xp.where(is_new[:, None], product, 0.0)
            return jax.lax.dynamic_update_slice_in_dim(total, sums, start, 0)

        return jax.lax.fori_loop(0, math.ceil(n / size), add, total)

    def gradients_of(tensors: tuple[Any, ...]) -> tuple[Array, Gradients]:
        def add(total: Any, rows: _Rows, part: Array) -> Any:
            by_matrix, by_bias = total
            items, (slopes,) = rows.evaluate(rows.scores(), FIRST)
            slopes = xp.astype(slopes * part[:, None], rows.matrix.dtype)
            by_matrix = add_product(by_matrix, slopes, rows.kept_hidden())
            by_bias = None if by_bias is None else by_bias + xp.sum(slopes, axis=0, dtype=rest.dtype)
            return (by_matrix, by_bias), (items, xp.matmul(slopes, rows.matrix))

        # What is added varies over a mesh as the rows do, and so must what it is added to: a sum of nothing does.
        nothing = sum([xp.sum(xp.astype(x[:0], rest.dtype)) for x in tensors if x is not None])
        zeros = [None if x is None else xp.zeros(x.shape, rest.dtype) + nothing for x in tensors[1:3]]
        (by_matrix, by_bias), (items, by_hidden) = scan(add, tuple(zeros), tensors)
        return items, (by_hidden, by_matrix, by_bias)

    def by_labels(tensors: tuple[Any, ...], factor: Array) -> Array:
        def pull_back(total: Any, rows: _Rows, part: Array) -> Any:
            scores = rows.scores()
            return total, jax.vjp(lambda x: rows._replace(labels=x).evaluate(scores)[0], rows.labels)[1](part)[0]

        return scan(pull_back, None, (*tensors[:3], factor, *tensors[4:]))[1]

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def compute(*tensors: Any) -> Array:
        items, part = items_of(tensors), tensors[3]
        return items if part is None else xp.sum(items * part)

    def forward(*tensors: Any) -> Any:
        part = tensors[3]
        if part is None:
            return items_of(tensors), (tensors, None, None)
        unit = _unit(_with_tensors(rest, tensors))
        items, gradients = gradients_of((*tensors[:3], part * unit, *tensors[4:]))
        return xp.sum(items * part), (tensors, items, gradients)

    def backward(kept: Any, upstream: Array) -> Any:
        tensors, items, gradients = kept
        part = tensors[3]
        if part is None:
            _, gradients = gradients_of((*tensors[:3], upstream, *tensors[4:]))
        else:
            factor = upstream / _unit(_with_tensors(rest, tensors))
            gradients = [None if x is None else xp.astype(x, rest.dtype) * factor for x in gradients]
        results = [None if x is None else xp.astype(x, y.dtype) for x, y in zip(gradients, tensors, strict=False)]
        results.append(None if part is None else items * upstream)
        of_labels = None
        if rest.role == "row":
            of_labels = by_labels(tensors, upstream if part is None else part * upstream)
        results = [x if x is None else summed(x, y) for x, y in zip((*results, of_labels), tensors, strict=False)]
        return *results, None, None

    def summed(cotangent: Array, x: Array) -> Array:
        """Inside `shard_map`, what each part of a mesh adds to the cotangent of an array that all of them hold."""
        axes = _jax.varying_axes(cotangent) - _jax.varying_axes(x)
        return jax.lax.psum(cotangent, tuple(axes)) if axes else cotangent

    compute.defvjp(forward, backward)
    return jax.jit(compute)
