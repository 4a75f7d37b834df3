"""Blocks of NumPy and of torch, made small, against the straight way, and how a way is chosen."""

from __future__ import annotations

import contextlib
import functools
import math
import platform
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arraylosses as al
from arraylosses import execution
from arraylosses._array_api import dtype_kind
from arraylosses.execution import autograd, blocks, by_numpy, direct, known, native, taped

from .cases import CASES, CLASSES, DEFAULTS
from .variants import VARIANTS, Variant

INF = np.inf
all_cases = pytest.mark.parametrize("case", CASES, ids=str)
default_cases = pytest.mark.parametrize("case", DEFAULTS, ids=str)
libraries = pytest.mark.parametrize(
    "library",
    [pytest.param(v, id=v.name, marks=pytest.mark.backend(v.name)) for v in VARIANTS if v.name in ("numpy", "torch")],
)

# Of these the formula is nothing but arithmetic, each operation of which is rounded alike in a part and in the whole.
EXACT = {"squared_error", "absolute_error", "huber", "smooth_l1", "quantile", "hinge", "squared_hinge"}


def _none(*_: Any, **__: Any) -> None:
    """No kernel of torch's; a plain function, which its compiler traces."""


@contextlib.contextmanager
def small_blocks(size: int = 8, *, several: bool = True) -> Iterator[None]:
    """Make blocks of `size` elements where they serve, and see to it that some call takes several."""
    counts = []

    def for_each(function: Any, count: int, *rest: Any) -> None:
        counts.append(count)
        blocks_for_each(function, count, *rest)

    blocks_for_each = blocks.for_each
    with (
        mock.patch.dict(blocks.ELEMENTS, numpy=size, torch=size),
        mock.patch.dict(blocks.WHOLE, numpy=size, torch=size),
        mock.patch.dict(blocks.WHOLE_ROWS, numpy=size, torch=size),
        mock.patch.object(blocks, "ROWS", size),
        mock.patch.object(known, "kind_of", _none),
        mock.patch.multiple(native, fits=_none, are_few=_none),
        mock.patch.object(by_numpy, "fits", _none),
        mock.patch.object(blocks, "for_each", for_each),
    ):
        yield
    assert not several or max(counts, default=0) > 1


@contextlib.contextmanager
def ways_taken() -> Iterator[list[str]]:
    """List the ways that calls take."""
    taken: list[str] = []
    choose = execution._way

    def note(*args: Any, **named: Any) -> Any:
        way = choose(*args, **named)
        taken.append(getattr(way, "__name__", type(way).__module__).rpartition(".")[2])
        return way

    with mock.patch.object(execution, "_way", note), mock.patch.object(known, "find", _none):
        yield taken


def units(dtype: str) -> float:
    """A few units in the last place."""
    return 32 * float(np.finfo(dtype).eps)


def same(library: Variant, actual: Any, expected: Any, *, exact: bool = False) -> None:
    """Hold two arrays of a library together: type, dtype, shape, and values."""
    assert type(actual) is type(expected)
    assert actual.dtype == expected.dtype
    assert tuple(actual.shape) == tuple(expected.shape)
    x, y = library.numpy(actual), library.numpy(expected)
    if exact:
        np.testing.assert_array_equal(x, y)
        return
    scale = np.max(np.abs(y), initial=1.0, where=np.isfinite(y))
    np.testing.assert_allclose(x, y, rtol=units(str(y.dtype)), atol=units(str(y.dtype)) * float(scale))


REDUCTIONS = ("none", "mean", "sum", "batchmean")


def hold_together(
    library: Variant,
    loss: al.Loss,
    arrays: Any,
    exact: bool = False,
    reductions: tuple[str, ...] = REDUCTIONS,
    **of_items: Any,
) -> None:
    """Hold value and derivatives of the reductions, block by block, against the straight way's."""
    weight, where = of_items.get("weight"), of_items.get("where")
    for reduction in reductions:
        chosen = replace(loss, reduction=reduction)
        inputs = chosen.check(tuple(arrays), weight, where)
        same(library, blocks.run(chosen, inputs), direct.run(chosen, inputs), exact=exact and reduction == "none")
        if reduction == "none":
            continue
        closed = tuple(k for k in loss.closed_forms if dtype_kind(arrays[k].dtype) in ("float", "half"))
        for wanted in (direct.FIRST, direct.Wanted(second=True), direct.Wanted(closed)):
            got = blocks.run_with_derivatives(chosen, inputs, wanted)
            want = direct.run_with_derivatives(chosen, inputs, wanted)
            assert (got is None) == (want is None)
            for x, y in zip(got or (), want or (), strict=True):
                same(library, x, y)


def items_of(shape: tuple[int, ...], seed: int = 1, dtype: str = "float64") -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"weight": rng.uniform(0.5, 2.0, size=shape).astype(dtype), "where": rng.uniform(size=shape) < 0.7}


@libraries
@all_cases
def test_every_loss_is_the_same_block_by_block(library, case):
    both = ("weight", "where")
    for dtype, names in (("float64", ()), ("float64", both), ("float32", both[:1]), ("float32", both[1:])):
        arrays = [library.array(x) for x in case.inputs(shape=(5, 3), dtype=dtype)]
        of_items = items_of(case.item_shape((5, 3)), dtype=dtype)
        with small_blocks(12):
            exact = case.name in EXACT
            given = {name: library.array(of_items[name]) for name in names}
            reductions = REDUCTIONS if names == both else ("none", "mean")
            hold_together(library, case.loss, arrays, exact, reductions, **given)


@libraries
@all_cases
def test_the_public_functions_give_the_straight_way_s_results(library, case):
    arrays = [library.array(x) for x in case.inputs(seed=2)]
    of_items = {name: library.array(x) for name, x in items_of(case.item_shape((4, 3))).items()}
    compute = al.value_grad_hess(case.loss)
    expected = (case.loss(*arrays, **of_items), *compute(*arrays, **of_items))
    with small_blocks(8):
        got = (case.loss(*arrays, **of_items), *compute(*arrays, **of_items))
    for x, y in zip(got, expected, strict=True):
        same(library, x, y)


# shapes

# About the boundary of a block of 8 elements; primes; long axes before short ones and after them.
SHAPES = [
    (), (1,), (7,), (8,), (9,), (16,), (17,), (31,), (1, 9), (9, 1), (8, 1), (2, 4), (3, 3), (2, 3, 5), (3, 1, 7),
    (1, 1, 23), (13, 2, 1), (2, 2, 2, 2), (0,), (0, 9), (9, 0), (2, 0, 9), (0, 2, 40),
]  # fmt: skip


def row_losses(axis: int) -> list[tuple[al.Loss, str]]:
    return [
        (al.CrossEntropy(axis=axis, label_smoothing=0.1), "labels"),
        (al.CrossEntropy(axis=axis, class_weight=(1.0, 0.5, 2.0, 0.25, 3.0)), "probabilities"),
        (al.CosineEmbedding(axis=axis), "sign"),
        (al.KlDivergence(axis=axis, from_log=False), "distribution"),
    ]


def rows_of(rng: np.random.Generator, kind: str, shape: tuple[int, ...], axis: int) -> list[np.ndarray]:
    p, q = (np.moveaxis(rng.dirichlet(np.ones(CLASSES), size=shape), -1, axis) for _ in range(2))
    labels = rng.integers(0, CLASSES, size=shape)
    sign = rng.choice([-1.0, 1.0], size=shape)
    return {"labels": [p, labels], "probabilities": [p, q], "sign": [p - 0.5, q, sign], "distribution": [p, q]}[kind]


@libraries
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_any_shape_is_the_same_block_by_block(library, shape):
    if library.backend == "numpy" and not shape:
        pytest.skip("a single number of NumPy never goes block by block; torch's has its autograd function")
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=shape), rng.uniform(size=shape)
    weights = [None, rng.uniform(size=shape), np.asarray(2.0), rng.uniform(size=shape[-1:])]
    weights += [rng.uniform(size=(*shape[:-1], 1))] if shape else []
    with small_blocks(8, several=False):
        for weight in weights:
            w = None if weight is None else library.array(weight)
            for loss, where in ((al.Huber(), None), (al.BinaryCrossEntropy(), rng.uniform(size=shape) < 0.5)):
                of_items = {"weight": w, "where": None if where is None else library.array(where)}
                given = (library.array(x), library.array(y))
                hold_together(library, loss, given, reductions=("none", "mean"), **of_items)
    if len(shape) > 2:
        return
    with small_blocks(16, several=False):
        for axis in range(len(shape) + 1):
            for loss, kind in row_losses(axis):
                arrays = [library.array(x) for x in rows_of(rng, kind, shape, axis)]
                hold_together(library, loss, arrays)
                hold_together(library, loss, arrays, **{k: library.array(v) for k, v in items_of(shape).items()})


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.lists(st.integers(0, 12), max_size=4).map(tuple), st.integers(1, 200))
def test_blocks_cover_every_item_once_and_are_of_about_the_size_asked_for(shape, size):
    seen = np.zeros(shape, dtype=int)
    pieces = blocks._partition(shape, size)
    for index in pieces:
        seen[index] += 1
        assert math.prod(s.stop - s.start for s in index) <= 2 * size
    assert np.all(seen == 1)
    if 0 not in shape:
        assert len(pieces) <= 1 + 4 * math.prod(shape) / min(size, (shape or (1,))[-1])


# memory layouts


def _mapped(x: np.ndarray, folder: Any) -> np.ndarray:
    mapped = np.memmap(folder / f"{id(x)}.bin", dtype=x.dtype, mode="w+", shape=x.shape)
    mapped[...] = x
    return mapped


def _unaligned(x: np.ndarray) -> np.ndarray:
    raw = np.zeros(x.nbytes + 1, dtype=np.uint8)[1:]
    raw[...] = np.frombuffer(x.tobytes(), dtype=np.uint8)
    return raw.view(x.dtype).reshape(x.shape)


def _read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {
    "fortran": lambda x, folder: np.asfortranarray(x),
    "transposed": lambda x, folder: np.ascontiguousarray(x.T).T,
    "every-second": lambda x, folder: np.repeat(np.repeat(x, 2, axis=0), 3, axis=-1)[::2, ..., ::3],
    "backwards": lambda x, folder: x[::-1, ..., ::-1].copy()[::-1, ..., ::-1],
    "read-only": lambda x, folder: _read_only(x),
    "mapped": _mapped,
    "unaligned": lambda x, folder: _unaligned(x),
    "other-byte-order": lambda x, folder: x.astype(x.dtype.newbyteorder()),
}
TORCH_LAYOUTS = {
    "transposed": lambda x: x.movedim(0, -1).contiguous().movedim(-1, 0),
    "every-second": lambda x: x.repeat_interleave(2, 0).repeat_interleave(3, -1)[::2, ..., ::3],
    "a-view": lambda x: x.new_zeros((*x.shape, 3)).index_fill_(-1, x.new_ones(1).long(), 0)[..., 1].copy_(x),
    "parameter": lambda x: x if not x.is_floating_point() else parameter(x),
}


def parameter(x: Any) -> Any:
    import torch

    return torch.nn.Parameter(x, requires_grad=False)


def laid_out() -> list[tuple[al.Loss, tuple[np.ndarray, ...], dict[str, np.ndarray]]]:
    """Losses with arrays of two axes and of three, weight and where."""
    rng = np.random.default_rng(4)
    shape = (6, 7)
    losses = [
        (al.Huber(), [rng.normal(size=shape), rng.normal(size=shape)]),
        (al.BinaryCrossEntropy(), [rng.normal(size=shape), rng.uniform(size=shape)]),
        *((loss, rows_of(rng, kind, shape, axis)) for axis in (0, 1, 2) for loss, kind in row_losses(axis)),
    ]
    return [(loss, tuple(arrays), items_of(shape)) for loss, arrays in losses]


@pytest.mark.backend("numpy")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout_of_numpy_is_the_same_block_by_block(tmp_path, layout):
    library = VARIANTS[0]
    for loss, arrays, of_items in laid_out():
        lay = functools.partial(LAYOUTS[layout], folder=tmp_path)
        given = tuple(lay(x) for x in arrays)
        before = [x.copy() for x in given]
        items = {name: lay(x) for name, x in of_items.items()}
        with small_blocks(16):
            if layout == "other-byte-order":  # of the result, this keeps the straight way's own order
                got, want = (f(loss, loss.check(given, **items)) for f in (blocks.run, direct.run))
                np.testing.assert_allclose(got, want, rtol=units("float64"))
                continue
            hold_together(library, loss, given, **items)
            gradient = al.grad(loss)(*given, **items)
        assert type(gradient) is np.ndarray
        assert gradient.flags.writeable
        assert all(not np.shares_memory(gradient, x) for x in given)
        for x, old in zip(given, before, strict=True):
            np.testing.assert_array_equal(x, old)


@pytest.mark.backend("torch")
@pytest.mark.parametrize("layout", TORCH_LAYOUTS)
def test_any_memory_layout_of_torch_is_the_same_block_by_block(layout):
    (library,) = (v for v in VARIANTS if v.name == "torch")
    for loss, arrays, of_items in laid_out():
        given = tuple(TORCH_LAYOUTS[layout](library.array(x)) for x in arrays)
        before = [x.clone() for x in given]
        with small_blocks(16):
            hold_together(library, loss, given, **{name: library.array(x) for name, x in of_items.items()})
        assert all(bool((x == old).all()) for x, old in zip(given, before, strict=True))


@libraries
def test_views_that_repeat_their_memory_are_the_same_block_by_block(library):
    rng = np.random.default_rng(5)
    row, column = library.array(rng.normal(size=7)), library.array(rng.uniform(size=(6, 1)))
    spread = np.broadcast_to if library.backend == "numpy" else (lambda x, shape: x.expand(shape))
    x, y = spread(row, (6, 7)), spread(column, (6, 7))
    with small_blocks():
        hold_together(library, al.Huber(), (x, y), weight=y, where=spread(row > 0, (6, 7)))
        hold_together(library, al.CrossEntropy(axis=0), (x, spread(library.array(np.asarray(2)), (7,))))
        inputs = al.Huber().check((x, y), None, None)
        _, gradient = blocks.run_with_derivatives(al.Huber(), inputs)
    gradient += 1  # every element has a place of its own
    same(library, gradient - 1, direct.run_with_derivatives(al.Huber(), inputs)[1])


# dtypes

DTYPES = [
    ("float16", "float16"), ("bfloat16", "bfloat16"), ("float16", "float32"), ("float32", "float16"),
    ("bfloat16", "float64"), ("float32", "float64"), ("float64", "float32"), ("float64", "int64"), ("float32", "int32"),
    ("float32", "int8"), ("float32", "uint8"), ("float64", "bool"), ("float16", "bool"), ("bfloat16", "int8"),
]  # fmt: skip


@libraries
@pytest.mark.parametrize(("first", "second"), DTYPES)
def test_any_dtypes_are_the_same_block_by_block(library, first, second):
    def array(x, dtype):
        return library.half(x, dtype) if dtype in ("float16", "bfloat16") else library.array(x.astype(dtype))

    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(5, 7)), rng.integers(0, 2, size=(5, 7))
    prediction, target = array(x, first), array(y, second)
    if prediction is None or target is None:
        pytest.skip(f"{library.backend} has no bfloat16")
    dtype = str(al.huber(prediction, target).dtype).rpartition(".")[2]
    with small_blocks(8):
        for weight in (None, array(y + 1, "int64"), array(y, "bool"), array(x**2, "float16"), array(x**2, "float64")):
            for loss in (al.Huber(), al.BinaryCrossEntropy()):
                hold_together(library, loss, (prediction, target), loss == al.Huber(), weight=weight)
    assert dtype == ("float64" if "float64" in (first, second) else "float32")
    if "int" in second:
        with small_blocks(8):
            hold_together(library, al.CrossEntropy(ignore_index=1), (prediction, array(y[:, 0], second)))


@pytest.mark.backend("numpy")
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("loss", [al.BinaryCrossEntropy(), al.CrossEntropy()], ids=["elements", "rows"])
def test_no_full_size_temporary_is_made(loss, dtype, threads):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(8192, 1024)).astype(dtype)
    y = rng.integers(0, 1024, 8192) if isinstance(loss, al.CrossEntropy) else (x > 0)
    where, of_results = np.broadcast_to(x[:, :1] > -1, y.shape) if y.ndim > 1 else x[:, 0] > -1, x.nbytes
    with al.config(threads=threads):
        for compute, results in ((loss, 0), (al.value_and_grad(loss), 1)):
            compute(x, y, where=where)  # which tells malloc of its workspace, once
            tracemalloc.start()
            try:
                compute(x, y, where=where)
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
            # A copy in float32 would be 32 MiB.
            assert peak - results * of_results < threads * 8 * 2**20


# values


@libraries
@pytest.mark.parametrize(
    ("extra", "expected"),
    [([INF], INF), ([-INF], -INF), ([np.nan], np.nan), ([INF, np.nan], np.nan), ([INF, -INF], np.nan)],
    ids=str,
)
def test_sums_of_what_is_not_finite_are_those_of_floats(library, extra, expected):
    @al.loss(arrays="prediction[...]: real, target[...]: real -> [...]", pure=True)
    def difference(prediction, target):
        return prediction - target

    x = np.zeros(40)
    x[[3, 33][: len(extra)]] = extra
    arrays = (library.array(x), library.array(np.zeros(40)))
    for reduction in ("mean", "sum", "batchmean"):
        with small_blocks():
            np.testing.assert_array_equal(library.numpy(difference(*arrays, reduction=reduction)), expected)
    with small_blocks():
        np.testing.assert_array_equal(library.numpy(difference(*arrays, reduction="none")), x)


@libraries
def test_a_sum_beyond_the_largest_number_is_infinite(library):
    x = library.array(np.full(40, 1.9e153))
    with small_blocks(), np.errstate(over="ignore"):
        assert al.squared_error(x, -x, reduction="none")[0] < np.inf
        assert al.squared_error(x, -x, reduction="sum") == np.inf
        assert al.squared_error(x, -x, weight=x, where=x > 0) == np.inf


@libraries
@pytest.mark.parametrize("bad", [-1, CLASSES, 99])
def test_a_label_that_is_no_class_is_refused_unless_it_is_left_out(library, bad):
    rng = np.random.default_rng(8)
    logits, labels = rng.normal(size=(40, CLASSES)), rng.integers(0, CLASSES, 40)
    clean = al.cross_entropy(logits[1:], labels[1:])
    labels[0] = bad
    x, y, where = library.array(logits), library.array(labels), library.array(labels != bad)
    with small_blocks(several=False), pytest.raises(ValueError, match=rf"`labels` must lie in \[0, 5\) .* got {bad}"):
        al.cross_entropy(x, y)
    with small_blocks():
        np.testing.assert_allclose(library.numpy(al.cross_entropy(x, y, where=where)), clean, rtol=1e-14)
        np.testing.assert_allclose(library.numpy(al.cross_entropy(x, y, ignore_index=bad)), clean, rtol=1e-14)
        assert bool((al.grad(al.cross_entropy)(x, y, ignore_index=bad)[0] == 0).all())


@libraries
@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        *[(shape, kind) for shape in [(7,), (6, 1), (6, 7), (1, 7), ()] for kind in ["array", "another library's"]],
        ((7,), "tuple"),
    ],
    ids=str,
)
def test_a_setting_that_is_an_array_lines_up_with_the_whole(library, shape, kind):
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(6, 7)), rng.uniform(size=(6, 7))
    pos_weight = rng.uniform(0.5, 2.0, size=shape)
    held = {"array": library.array(pos_weight), "another library's": pos_weight, "tuple": pos_weight.tolist()}[kind]
    loss = al.BinaryCrossEntropy(pos_weight=held, reduction="none")
    expected = y * np.logaddexp(0, -x) * pos_weight + (1 - y) * np.logaddexp(0, x)
    given = (library.array(x), library.array(y))
    with small_blocks(several=False):
        np.testing.assert_allclose(library.numpy(loss(*given)), expected, rtol=1e-12)
        hold_together(library, loss, given)


@libraries
@pytest.mark.parametrize("name", ["class_weight", "alpha"])
def test_weights_of_classes_are_the_same_block_by_block(library, name):
    (case,) = (c for c in DEFAULTS if c.name == "categorical_focal" and not c.soft)
    given = [library.array(x) for x in case.inputs(shape=(7, 3))]
    per_class = np.asarray([1.0, 0.5, 2.0, 0.25, 3.0])
    expected = case.loss(*case.inputs(shape=(7, 3)), weight=per_class[case.inputs(shape=(7, 3))[1]])
    with small_blocks():
        for held in (library.array(per_class), per_class, tuple(per_class)):
            hold_together(library, replace(case.loss, **{name: held}), given)
        if name == "class_weight":
            np.testing.assert_allclose(library.numpy(replace(case.loss, class_weight=held)(*given)), expected)


# the choice of a way


def numpy_calls() -> dict[str, tuple[str, Any]]:
    x, y = np.zeros((4, 8)), np.ones((4, 8))
    return {
        "large": ("blocks", lambda: al.huber(x, y)),
        "one block": ("direct", lambda: al.huber(x[:1], y[:1])),
        "empty": ("direct", lambda: al.huber(x[:0], y[:0])),
        "large rows": ("blocks", lambda: al.cross_entropy(x, x[:, 0].astype(int))),
        "with a derivative": ("blocks", lambda: al.grad(al.huber)(x, y)),
        "by the target": ("blocks", lambda: al.grad(al.huber, 1)(x, y)),
        "by the target of a loss without a closed form": ("direct", lambda: al.grad(al.hinge, 1)(x, y)),
        "mapped": ("blocks", lambda: al.huber(x.view(np.memmap), y)),
        "not declared": ("direct", lambda: centred(x, y)),
        "another formula": ("direct", lambda: _Steeper()(x, y)),
    }


@al.loss
def centred(prediction, target):
    """A loss whose items are coupled, of which nobody has declared otherwise."""
    xp = al.array_namespace(prediction, target)
    error = prediction - target
    return (error - xp.mean(error)) ** 2


@dataclass(frozen=True)
class _Steeper(al.Huber):
    """Another formula, of which what was said of the first does not hold."""

    def call(self, prediction, target):
        return 2 * super().call(prediction, target)


@pytest.mark.backend("numpy")
@pytest.mark.parametrize("name", numpy_calls())
def test_the_way_is_chosen_by_kind_size_and_promise(name):
    way, call = numpy_calls()[name]
    with ways_taken() as taken, small_blocks(8, several=way == "blocks"):
        call()
    assert taken == [way]


def test_the_default_block_size_holds_back_small_arrays():
    assert all(1 << 12 < size < 1 << 20 for size in (*blocks.ELEMENTS.values(), blocks.ROWS))
    assert execution.__doc__.count("| ") >= 5
    for way in (autograd, blocks, direct, taped):
        assert f"`{way.__name__.rpartition('.')[2]}`" in execution.__doc__


@libraries
def test_a_loss_that_is_not_registered_is_computed_as_a_whole(library):
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=(2, 6, 7))
    with small_blocks(several=False):
        got = centred(library.array(x), library.array(y))
        np.testing.assert_allclose(library.numpy(got), np.var(x - y), rtol=1e-12)
        gradient = al.grad(centred)(library.array(x), library.array(y))
        np.testing.assert_allclose(library.numpy(gradient), 2 * (x - y - np.mean(x - y)) / 42, rtol=1e-12)


@libraries
def test_a_registered_loss_of_one_s_own_goes_block_by_block(library):
    @al.register
    @al.loss
    def quartic(prediction, target, *, scale=1.0):
        return scale * (prediction - target) ** 4

    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(2, 6, 7))
    given = library.array(x), library.array(y)
    with small_blocks():
        np.testing.assert_allclose(library.numpy(quartic(*given, scale=2.0)), 2 * np.mean((x - y) ** 4), rtol=1e-13)
        gradient = al.grad(quartic)(*given)
        np.testing.assert_allclose(library.numpy(gradient), 4 * (x - y) ** 3 / 42, rtol=1e-12)
        hold_together(library, quartic.loss_class(), given)


@libraries
def test_a_call_of_another_shape_is_told_so_in_blocks_too(library):
    @al.loss(arrays="prediction[...]: real, target[...]: real -> [...]", pure=True)
    def summed(prediction, target):
        return al.array_namespace(prediction).sum(prediction - target, axis=-1)

    x = library.array(np.zeros((6, 7)))
    with small_blocks(), pytest.raises(ValueError, match="`call` of Summed must return per-item losses of shape"):
        summed(x, x)


FAULTS = """
    import resource
    import arraylosses as al
    from tests.cases import DEFAULTS

    al.config(threads=1)
    for case in DEFAULTS[::EVERY]:
        arrays = case.inputs(shape=(40_000,) if case.rows else (50_000,), dtype="float32")
        for compute in (case.loss, al.value_and_grad(case.loss)):
            for _ in range(3):
                result = compute(*arrays)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            for _ in range(5):
                result = compute(*arrays)
            print(case, compute is case.loss, (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 5)
"""


@pytest.mark.backend("numpy")
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the memory is that of the GNU C library")
def test_a_repeated_call_finds_the_memory_of_the_one_before(request):
    every = 1 if request.config.getoption("--sweep") else 3
    script = f"EVERY = {every}\n{textwrap.dedent(FAULTS)}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    faults = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())
    assert len(faults) == 2 * len(DEFAULTS[::every])
    many = {name.partition(" ")[0] for name, count in faults.items() if float(count) > 100}  # of 200 an intermediate
    assert many <= {"aft", "crps_normal", "crps_ensemble"}  # whose tapes hold more than malloc keeps at the most


@pytest.mark.parametrize("case", [case for case in CASES if case.is_default and case.loss.compares_pairs], ids=str)
def test_all_pairs_of_a_row_count_where_blocks_are_sized(case):
    arrays = case.inputs(shape=(6, 4))
    expected = direct.run(case.loss, case.loss.check(arrays, None, None))
    of_labels = any(x.dtype.kind == "i" for x in arrays)
    with small_blocks(arrays[0].size, several=not of_labels):
        np.testing.assert_allclose(case.loss(*arrays), expected, rtol=1e-13)
