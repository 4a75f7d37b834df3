"""Losses of all alignments, against a sum over each alignment one by one, and against PyTorch."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import mpmath
import numpy as np
import pytest

import arraylosses as al
from arraylosses.execution import blocks

pytestmark = pytest.mark.otherwise_numpy

REDUCTIONS = ("none", "sum", "mean", "batchmean")
INF = math.inf


def log_softmax(z: np.ndarray) -> np.ndarray:
    z = z - np.max(z, axis=-1, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=-1, keepdims=True))


def ctc(log_p: np.ndarray, labels: list[int], blank: int) -> float:
    """Minus the logarithm of the sum over all ways to name a class in each frame that stand for the labels."""
    total = 0.0
    for alignment in itertools.product(range(log_p.shape[-1]), repeat=len(log_p)):
        runs = [c for c, _ in itertools.groupby(alignment)]
        if [c for c in runs if c != blank] == list(labels):
            total += math.exp(sum(log_p[t, c] for t, c in enumerate(alignment)))
    return -math.log(total) if total else INF


def transducer(log_p: np.ndarray, labels: list[int], blank: int) -> float:
    """The same over all orders of a blank for each frame and of the labels, of which a blank is the last."""
    frames, count, total = len(log_p), len(labels), 0.0
    for places in itertools.combinations(range(frames + count - 1), count) if frames else ():
        t = u = 0
        chance = 1.0
        for k in range(frames + count):
            chance *= math.exp(log_p[t, u, labels[u] if k in places else blank])
            t, u = (t, u + 1) if k in places else (t + 1, u)
        total += chance
    if not frames and not count:
        return 0.0
    return -math.log(total) if total else INF


def of_lists(reference, z, labels, input_lengths, label_lengths, blank=0):
    log_p = log_softmax(z)
    given = zip(log_p, labels, input_lengths, label_lengths, strict=True)
    return np.asarray([reference(p[:t], list(y[:n]), blank) for p, y, t, n in given])


LOSSES = {ctc: al.Ctc, transducer: al.Transducer}
both_losses = pytest.mark.parametrize("reference", LOSSES, ids=["ctc", "transducer"])


def inputs_of(reference, dtype="float64", blank=0):
    z, labels, frames, count = inputs(dtype, blank)
    if reference is transducer:
        z = 2 * np.random.default_rng(1).normal(size=(6, 5, 4, 3)).astype(dtype)
        frames[5], count[5] = 0, 3
    return z, labels, frames, count


def inputs(dtype="float64", blank=0):
    """Sequences with a repeated label, of one frame, without labels, without anything, without an alignment."""
    rng = np.random.default_rng(0)
    z = 2 * rng.normal(size=(6, 5, 3)).astype(dtype)
    a, b = (c for c in range(3) if c != blank)
    labels = np.asarray([[a, b, a], [b, b, a], [b, a, a], [a, a, b], [b, b, b], [a, a, b]])
    return z, labels, np.asarray([5, 5, 1, 4, 0, 3]), np.asarray([3, 3, 1, 0, 0, 3])


def run(variant, loss, arrays, **items):
    names = list(items)
    given = [variant.array(x) for x in (*arrays, *items.values())]

    def call(*x):
        return loss(*x[: len(arrays)], **dict(zip(names, x[len(arrays) :], strict=True)))

    return variant.numpy(variant.run(call, *given))


def gradient(variant, loss, arrays, **items):
    given = [variant.array(x) for x in arrays]
    of_items = {name: variant.array(x) for name, x in items.items()}
    return variant.numpy(al.grad(loss)(*given, **of_items))


# Both


@both_losses
def test_it_is_the_sum_over_all_alignments(variant, reference):
    for dtype in variant.dtypes:
        arrays = inputs_of(reference, dtype)
        arrays[1][4] = 99  # none of its labels is in use
        expected = of_lists(reference, *arrays)
        assert np.isinf(expected).tolist() == [False] * 5 + [True]
        got = run(variant, LOSSES[reference](reduction="none"), arrays)
        assert got.dtype == dtype
        np.testing.assert_allclose(got, expected, rtol=1e-13 if dtype == "float64" else 1e-6, atol=1e-15)
        assert got[4] == 0
        weight = np.asarray([2.0, 1.0, 0.5, 3.0, 1.5, 1.0], dtype)
        for reduction in REDUCTIONS if variant.main and variant.backend != "dask" else ("mean",):
            loss = LOSSES[reference](reduction=reduction, zero_infinity=True)
            finite = weight * np.where(np.isinf(expected), 0.0, expected)
            divisor = {"sum": 1.0, "mean": weight.sum(), "batchmean": 6}.get(reduction)
            want = finite if divisor is None else finite.sum() / divisor
            np.testing.assert_allclose(run(variant, loss, arrays, weight=weight), want, rtol=1e-6, atol=1e-7)


@pytest.mark.main_variants
def test_the_shares_of_ctc_are_parts_of_one_however_unlikely_all_alignments_are(variant):
    # In one frame a class that is not in use takes all: of 1e30 no digit of the others' logarithms is left.
    logits, labels = np.random.default_rng(3).uniform(-1.0, 1.0, size=(6, 5, 4)), np.tile([1, 2], (6, 1))
    logits[:, 2, 3] = 1e30
    given = logits.astype("float32"), labels, np.full(6, 5), np.full(6, 2)
    gradient = run(variant, al.grad(al.Ctc(reduction="sum")), given)
    shares = np.exp(log_softmax(logits)) - gradient
    assert np.all(shares > -1e-6)
    np.testing.assert_allclose(np.sum(shares, axis=-1), 1.0, rtol=1e-5)


@pytest.mark.main_variants
def test_the_gradient_of_ctc_is_the_share_of_each_class_in_all_alignments(variant):
    z, labels, frames, count = inputs("float32")
    z[0, :, 2] = z[2, 0, 0] = -np.inf  # a class that is never said
    labels[3, 0] = labels[4, 0] = 0  # the blank, which stands for no label: in no alignment, or not in use
    labels[1], count[3] = [2, 1, 2], 2
    log_p, classes = log_softmax(z.astype("float64")), range(3)
    expected, infeasible = np.zeros(z.shape), []
    for n, (p, y) in enumerate(zip(np.exp(log_p), labels, strict=True)):
        shares, total = np.zeros(z.shape[1:]), 0.0
        for alignment in itertools.product(classes, repeat=frames[n]):
            runs = [c for c, _ in itertools.groupby(alignment)]
            if [c for c in runs if c] == list(y[: count[n]]):
                chance = math.prod(p[range(len(alignment)), alignment])
                total += chance
                shares[range(len(alignment)), alignment] += chance
        infeasible.append(total == 0.0)
        if total:
            expected[n, : frames[n]] = p[: frames[n]] - shares[: frames[n]] / total
    assert infeasible == [True, False, False, True, False, True]
    given = (z, labels, frames, count)
    value = run(variant, al.Ctc(reduction="none"), given)
    np.testing.assert_array_equal(np.isinf(value), infeasible)
    for zero_infinity in (True, False):
        found = gradient(variant, al.Ctc(reduction="sum", zero_infinity=zero_infinity), given)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.main_variants
@both_losses
def test_log_probabilities_another_blank_and_more_axes_of_a_batch(variant, reference):
    dtype = variant.dtypes[-1]
    z, *rest = inputs_of(reference, dtype, blank=1)
    expected = of_lists(reference, z, *rest, blank=1)
    loss = LOSSES[reference](from_logits=False, blank=1, reduction="none")
    np.testing.assert_allclose(run(variant, loss, (log_softmax(z), *rest)), expected, rtol=1e-6, atol=1e-7)
    twice = [np.stack([x, x[::-1]], axis=1) for x in (z, *rest)]
    got = run(variant, replace(loss, from_logits=True), twice)
    np.testing.assert_allclose(got, np.stack([expected, expected[::-1]], axis=1), rtol=1e-6, atol=1e-7)


@pytest.mark.main_variants
@both_losses
def test_what_lies_beyond_the_lengths_or_is_left_out_may_hold_anything(variant, reference):
    dtype = variant.dtypes[-1]
    z, labels, frames, count = inputs_of(reference, dtype)
    where = np.asarray([True, True, False, True, True, False])
    used = np.arange(5) < frames[:, None]
    if reference is transducer:
        used = used[:, :, None] & (np.arange(4) <= count[:, None])[:, None, :]
    used &= where.reshape(-1, *[1] * (used.ndim - 1))
    spoilt, wrong, longer = z.copy(), labels.copy(), frames.copy()
    spoilt[~used] = np.nan
    wrong[np.arange(3) >= count[:, None]] = -100
    wrong[~where], longer[~where] = 77, 99
    for from_logits in (True, False) if variant.backend != "dask" else (True,):  # whose plans take seconds each
        loss = LOSSES[reference](from_logits=from_logits)
        given, other = (z, labels, frames, count), (spoilt, wrong, longer, count)
        clean = run(variant, loss, given, where=where)
        assert np.isfinite(clean)
        np.testing.assert_array_equal(run(variant, loss, other, where=where), clean)
        found = gradient(variant, loss, other, where=where)
        np.testing.assert_array_equal(found, gradient(variant, loss, given, where=where))
        np.testing.assert_array_equal(found.any(axis=-1), used)


@pytest.mark.main_variants
@both_losses
@pytest.mark.parametrize("dtype", ["int8", "uint16", "uint64"])
def test_lengths_of_any_integer_dtype_count_places_beyond_it(variant, reference, dtype):
    if dtype == "uint64" and not getattr(variant, "x64", True):
        pytest.skip("JAX without x64 has no 64 bits")
    z, labels, frames, count = inputs_of(reference, variant.dtypes[-1])
    expected = of_lists(reference, z, labels, frames, count)
    labels = np.concatenate((labels, np.full((6, 130), 99)), axis=1)  # none of them in use
    if reference is transducer:
        z = np.concatenate((z, np.zeros((6, 5, 130, 3), z.dtype)), axis=2)
    got = run(variant, LOSSES[reference](reduction="none"), (z, *[x.astype(dtype) for x in (labels, frames, count)]))
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-15)


@both_losses
def test_labels_beyond_the_lengths_change_no_digit(reference):
    rng = np.random.default_rng(8)
    z = 3 * rng.normal(size=(300, 7, *(() if reference is ctc else (4,)), 4))
    labels, other = rng.integers(1, 4, size=(2, 300, 3))
    frames, count = rng.integers(3, 8, size=300), rng.integers(0, 3, size=300)
    other = np.where(np.arange(3) < count[:, None], labels, other)
    loss = LOSSES[reference](reduction="none", zero_infinity=True)
    np.testing.assert_array_equal(loss(z, other, frames, count), loss(z, labels, frames, count))


@pytest.mark.main_variants
@both_losses
def test_the_gradient_is_that_of_a_difference_and_of_the_formula(variant, reference):
    dtype = variant.dtypes[-1]
    z, *rest = inputs_of(reference, dtype)
    if dtype != "float64":
        pytest.skip("a difference wants float64")
    weight = np.asarray([2.0, 1.0, 0.5, 3.0, 1.5, 1.0])
    for from_logits in (True, False):
        loss = LOSSES[reference](from_logits=from_logits, reduction="sum", zero_infinity=True)
        x = z if from_logits else log_softmax(z)
        found = gradient(variant, loss, (x, *rest), weight=weight)
        direction = np.random.default_rng(1).normal(size=z.shape)
        low, high = (float(loss(x + t * direction, *rest, weight=weight)) for t in (-1e-5, 1e-5))
        np.testing.assert_allclose(np.sum(found * direction), (high - low) / 2e-5, rtol=1e-8)
        if variant.backend == "dask":
            continue  # which plans each step of the formula for a minute
        given = [variant.array(a) for a in (x, *rest, weight)]

        def of_call(first, loss=loss, given=given):
            items = loss.call(first, *given[1:4])
            return al.array_namespace(items).sum(items * given[4])

        np.testing.assert_allclose(variant.numpy(al.grad(of_call)(given[0])), found, rtol=1e-12, atol=1e-15)


@both_losses
def test_a_batch_is_never_cut_into_blocks(monkeypatch, reference):
    monkeypatch.setattr(blocks, "ROWS", 10)
    loss = LOSSES[reference](zero_infinity=True)
    inputs = loss.check(inputs_of(reference), None, None)
    assert not blocks.fits(loss, inputs)
    assert len(blocks._Blocks(loss, inputs)) == 1


@both_losses
def test_a_blank_that_is_no_class_is_refused(variant, reference):
    arrays = inputs_of(reference, variant.dtypes[-1])
    with pytest.raises(ValueError, match="`blank` must be one of 3 classes, counted from 0, got 3"):
        run(variant, LOSSES[reference](blank=3), arrays)


@pytest.mark.backend("torch")
@both_losses
def test_it_takes_half_precision_and_torch_s_compiler_and_transforms(reference):
    import torch

    arrays = [torch.tensor(x) for x in inputs_of(reference, "float32")]
    loss = LOSSES[reference](zero_infinity=True)
    expected, wanted = al.value_and_grad(loss)(*arrays)
    torch._dynamo.reset()
    z = arrays[0].clone().requires_grad_()
    value = torch.compile(loss, fullgraph=True, backend="eager")(z, *arrays[1:])
    value.backward()
    torch.testing.assert_close(value.detach(), expected)
    torch.testing.assert_close(z.grad, wanted)
    torch.testing.assert_close(torch.func.vmap(loss)(*arrays), replace(loss, reduction="none")(*arrays))
    assert loss(*[x.to("meta") for x in arrays]).device.type == "meta"
    narrow = arrays[0].to(torch.bfloat16)
    value, found = al.value_and_grad(loss)(narrow, *arrays[1:])
    assert (value.dtype, found.dtype) == (torch.float32, torch.bfloat16)
    torch.testing.assert_close(value, loss(narrow.float(), *arrays[1:]))


@pytest.mark.backend("jax")
@both_losses
def test_it_is_one_loop_on_jax_whose_gradient_is_numpy_s(reference):
    import jax

    both = jax.jit(jax.value_and_grad(LOSSES[reference](zero_infinity=True)))
    rows = () if reference is ctc else (31,)
    shapes = jax.ShapeDtypeStruct((2, 2000, *rows, 8), "float32"), jax.ShapeDtypeStruct((2, 30), "int32")
    program = str(jax.make_jaxpr(both)(*shapes))
    assert program.count(f"length={2000 if reference is ctc else 2030}") == 2  # there, and back
    assert len(program.splitlines()) < 1500
    arrays = inputs_of(reference, "float32")
    for k in range(6):
        arrays[0][k, arrays[2][k] :] = np.nan
    value, gradient = both(*[jax.numpy.asarray(x) for x in arrays])
    expected = al.value_and_grad(LOSSES[reference](zero_infinity=True))(*arrays)
    np.testing.assert_allclose(value, expected[0], rtol=1e-5)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-4, atol=1e-6)


# Connectionist temporal classification


@pytest.mark.main_variants
def test_labels_without_an_alignment_have_no_gradient(variant):
    dtype = variant.dtypes[-1]
    z = np.random.default_rng(2).normal(size=(4, 3, 3)).astype(dtype)
    z[2, :, 2] = -INF  # which the labels want
    labels = np.asarray([[1, 1, 2], [1, 0, 2], [1, 2, 1], [1, 2, 1]])  # a blank too few, a blank among them
    for zero_infinity in (False, True):
        loss = al.Ctc(reduction="none", zero_infinity=zero_infinity)
        value = run(variant, loss, (z, labels))
        assert value[:3].tolist() == [0.0 if zero_infinity else INF] * 3
        assert np.isfinite(value[3])
        found = gradient(variant, replace(loss, reduction="sum"), (z, labels))
        assert not found[:3].any()
        assert np.isfinite(found[3]).all()
        assert found[3].any()


@pytest.mark.main_variants
def test_lengths_that_are_not_given_are_those_of_all_that_is_there(variant):
    z, labels, _, count = inputs(variant.dtypes[-1])
    z, labels, count = z[:2], labels[:2], count[:2] - 1
    frames = np.asarray([5, 5])
    expected = of_lists(ctc, z, labels, frames, [3, 3])
    loss = al.Ctc(reduction="none")
    np.testing.assert_allclose(run(variant, loss, (z, labels)), expected, rtol=1e-6)
    expected = of_lists(ctc, z, labels, frames, count)
    given = [variant.array(x) for x in (z, labels, count)]
    got = variant.run(lambda z, y, n: al.ctc(z, y, label_lengths=n, reduction="none"), *given)
    np.testing.assert_allclose(variant.numpy(got), expected, rtol=1e-6)
    value, found = al.value_and_grad(al.ctc)(*given[:2], label_lengths=given[2])
    np.testing.assert_allclose(variant.numpy(value), np.mean(expected), rtol=1e-6)
    np.testing.assert_allclose(variant.numpy(found), gradient(variant, al.Ctc(), (z, labels, frames, count)), rtol=1e-6)
    one = run(variant, al.Ctc(), (z[0], labels[0]))
    assert one.shape == ()
    np.testing.assert_allclose(one, ctc(log_softmax(z[0]), list(labels[0]), 0), rtol=1e-6)


@pytest.mark.main_variants
def test_no_frames_and_no_labels(variant):
    dtype = variant.dtypes[-1]
    z, labels = np.zeros((2, 0, 3), dtype), np.asarray([[1], [2]])
    assert run(variant, al.Ctc(reduction="none"), (z, labels)).tolist() == [INF, INF]
    assert run(variant, al.Ctc(reduction="none"), (z, labels[:, :0])).tolist() == [0.0, 0.0]
    assert gradient(variant, al.Ctc(), (z, labels[:, :0])).shape == (2, 0, 3)
    blanks = np.random.default_rng(3).normal(size=(2, 4, 3)).astype(dtype)
    expected = -np.sum(log_softmax(blanks)[..., 0], axis=-1)
    np.testing.assert_allclose(run(variant, al.Ctc(reduction="none"), (blanks, labels[:, :0])), expected, rtol=1e-6)
    nothing = np.zeros((0, 4, 3), dtype), np.zeros((0, 2), dtype="int64")
    assert run(variant, al.Ctc(), nothing) == 0


def test_ctc_keeps_its_digits_where_one_alignment_is_nearly_certain(variant):
    labels = np.asarray([[1, 2]])
    sure = np.asarray([1, 0, 2])
    for dtype in variant.dtypes:
        z = np.zeros((1, 3, 3), dtype)
        z[0, np.arange(3), sure] = 22.0
        p = [[mpmath.exp(mpmath.mpf(float(v))) for v in row] for row in z[0]]
        total = mpmath.mpf(0)
        for way in itertools.product(range(3), repeat=3):
            if [c for c, _ in itertools.groupby(way) if c] == [1, 2]:
                total += math.prod(row[c] / sum(row) for row, c in zip(p, way, strict=True))
        got = run(variant, al.Ctc(), (z, labels))
        np.testing.assert_allclose(got, float(-mpmath.log(total)), rtol=8 * np.finfo(dtype).eps)


def test_many_frames_lose_few_digits():
    rng = np.random.default_rng(4)
    z, labels = rng.normal(size=(2, 400, 6)), rng.integers(1, 6, size=(2, 60))
    given = z.astype("float32")
    value, found = al.value_and_grad(al.ctc)(given, labels)
    exact = al.value_and_grad(al.ctc)(given.astype("float64"), labels)
    np.testing.assert_allclose(value, exact[0], rtol=1e-6)
    np.testing.assert_allclose(found, exact[1], atol=4e-6)


@pytest.mark.backend("torch")
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_a_thousand_problems_are_pytorch_s(library):
    import torch

    rng = np.random.default_rng(5)
    z, labels = 2 * rng.normal(size=(1000, 9, 4)), rng.integers(1, 4, size=(1000, 5))
    frames, count = rng.integers(1, 10, size=1000), rng.integers(0, 6, size=1000)
    repeats = np.sum((np.diff(labels) == 0) & (np.arange(1, 5) < count[:, None]), axis=1)
    assert min(np.sum(count == 0), np.sum(frames == 1), np.sum(repeats > 0), np.sum(frames < count + repeats)) > 50
    logits = torch.tensor(z, requires_grad=True)
    log_p = logits.log_softmax(-1).transpose(0, 1)
    theirs = [torch.tensor(x) for x in (labels, frames, count)]
    expected = torch.nn.functional.ctc_loss(log_p, *theirs, reduction="none").detach().numpy()
    array = np.asarray if library == "numpy" else torch.tensor
    given = [array(x) for x in (z, labels, frames, count)]
    got = al.ctc(*given, reduction="none")
    np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-13, atol=1e-14)
    found = al.grad(al.ctc)(*given, zero_infinity=True, reduction="sum")
    torch.nn.functional.ctc_loss(log_p, *theirs, reduction="sum", zero_infinity=True).backward()
    np.testing.assert_allclose(np.asarray(found), logits.grad.numpy(), atol=1e-13)


@pytest.mark.backend("torch")
def test_the_mean_is_of_sequences_and_pytorch_s_of_labels():
    import torch

    z, labels, frames, count = inputs()
    frames[5] = 5
    frames[4] = 2
    theirs = [torch.tensor(x) for x in (log_softmax(z), labels, frames, count)]
    expected = torch.nn.functional.ctc_loss(theirs[0].transpose(0, 1), *theirs[1:]).numpy()
    items = of_lists(ctc, z, labels, frames, count)
    np.testing.assert_allclose(al.ctc(z, labels, frames, count), items.mean())
    assert abs(items.mean() / expected - 1) > 0.3
    weight = 1 / np.maximum(count, 1)
    np.testing.assert_allclose(al.ctc(z, labels, frames, count, weight=weight, reduction="sum") / 6, expected)


# The transducer


@pytest.mark.main_variants
def test_a_transducer_without_frames_or_with_a_blank_among_its_labels(variant):
    if variant.backend == "dask":
        pytest.skip("Dask gathers nothing along an axis without places")
    dtype = variant.dtypes[-1]
    z = np.random.default_rng(6).normal(size=(3, 2, 3, 4)).astype(dtype)
    labels = np.asarray([[1, 0], [1, 2], [3, 3]])
    for zero_infinity in (False, True):
        loss = al.Transducer(reduction="none", zero_infinity=zero_infinity)
        got = run(variant, loss, (z, labels))
        assert np.isfinite(got).tolist() == [zero_infinity, True, True]
        found = gradient(variant, replace(loss, reduction="sum"), (z, labels))
        assert not found[0].any()
        assert np.isfinite(found).all()
        nothing = run(variant, loss, (z[:, :0], labels))
        assert nothing.tolist() == [0.0 if zero_infinity else INF] * 3
    assert run(variant, al.Transducer(reduction="none"), (z[:, :0, :1], labels[:, :0])).tolist() == [0.0] * 3
    assert gradient(variant, al.Transducer(), (z[:, :0, :1], labels[:, :0])).shape == (3, 0, 1, 4)
    blanks = run(variant, al.Transducer(reduction="none"), (z[:, :, :1], labels[:, :0]))
    np.testing.assert_allclose(blanks, -np.sum(log_softmax(z)[:, :, 0, 0], axis=-1), rtol=1e-6)


def test_a_transducer_says_what_comes_after_each_label_and_after_none(variant):
    arrays = np.zeros((2, 5, 3, 4), variant.dtypes[-1]), np.ones((2, 3), dtype="int64")
    with pytest.raises(
        ValueError, match="`logits` must have one row more than there are labels, 4, along axis -2, got 3"
    ):
        run(variant, al.Transducer(), arrays)


def test_a_transducer_of_many_steps_loses_few_digits():
    rng = np.random.default_rng(7)
    z, labels = rng.normal(size=(2, 150, 61, 5)), rng.integers(1, 5, size=(2, 60))
    given = z.astype("float32")
    value, found = al.value_and_grad(al.transducer)(given, labels)
    exact = al.value_and_grad(al.transducer)(given.astype("float64"), labels)
    np.testing.assert_allclose(value, exact[0], rtol=1e-6)
    np.testing.assert_allclose(found, exact[1], atol=1e-6)
