"""`linear_cross_entropy` against the cross entropy of the logits, and what its chunks could break.

What is expected comes from `cross_entropy` of NumPy's logits in float64, its gradients from the tape through the
product: none of the code that computes in chunks.
"""

from __future__ import annotations

import copy
import functools
import tracemalloc

import numpy as np
import pytest

import arraylosses as al
from arraylosses.execution import projection
from arraylosses.execution.projection import chunks, rows

from .catalogue import CATALOGUE
from .variants import Variant

CLASSES, FEATURES = 5, 4
REDUCTIONS = ("none", "sum", "mean", "batchmean")
GIVEN = (0, 1, 3)
"""The arrays that have gradients in closed form: hidden, weight_matrix, bias."""

SETTINGS = [{}, *CATALOGUE["linear_cross_entropy"].settings]
all_settings = pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "-".join(s) or "default")


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    """Three rows a chunk, two a block, two of the matrix a slab."""
    monkeypatch.setattr(rows, "CHUNK", 3 * CLASSES)
    monkeypatch.setattr(chunks, "ROWS", 3)
    monkeypatch.setattr(projection.jax, "ROWS", 3)
    monkeypatch.setattr(chunks, "BLOCK", {"numpy": 2 * CLASSES, "torch": 2 * CLASSES})
    monkeypatch.setattr(chunks, "BLOCK_ELSEWHERE", 2 * CLASSES)
    monkeypatch.setattr(rows, "SLAB", 2 * FEATURES)
    projection.jax.program.cache_clear()
    yield
    projection.jax.program.cache_clear()


def inputs(shape=(7,), seed=0, dtype="float64", soft=False, bias=True) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(*shape, FEATURES)).astype(dtype)
    matrix = rng.normal(size=(CLASSES, FEATURES)).astype(dtype)
    labels = rng.integers(0, CLASSES, size=shape)
    if soft:
        labels = rng.dirichlet(np.ones(CLASSES), size=shape).astype(dtype)
    return (hidden, matrix, labels, *([rng.normal(size=CLASSES).astype(dtype)] if bias else []))


def of_items(shape=(7,), dtype="float64") -> dict[str, np.ndarray]:
    rng = np.random.default_rng(100)
    return {"weight": rng.uniform(0.5, 2.0, size=shape).astype(dtype), "where": rng.uniform(size=shape) < 0.7}


def materialised(hidden, weight_matrix, labels, bias=None, **settings):
    xp = al.array_namespace(hidden, weight_matrix, labels, bias)
    logits = xp.matmul(hidden, xp.permute_dims(weight_matrix, (1, 0)))
    return al.cross_entropy(logits if bias is None else logits + bias, labels, **settings)


def wide(arrays):
    return tuple(x.astype("float64") if x.dtype.kind == "f" else x for x in arrays)


def expected_gradients(arrays, **settings):
    given = tuple(k for k in GIVEN if k < len(arrays))
    with_tape = al.grad(lambda *a: materialised(*a, **settings), given)
    return with_tape(*wide(arrays))


def run(variant: Variant, function, arrays, extras):
    names = list(extras)

    def call(*given):
        return function(*given[: len(arrays)], **dict(zip(names, given[len(arrays) :], strict=True)))

    return variant.run(call, *(variant.array(x) for x in (*arrays, *extras.values())))


def close(actual, expected, dtype="float64") -> None:
    limit = 1e-10 if dtype == "float64" else 2e-5
    actual, expected = np.asarray(actual), np.asarray(expected)
    np.testing.assert_allclose(actual, expected, rtol=limit, atol=limit * np.max(np.abs(expected), initial=1e-3))


def of(**settings):
    return functools.partial(al.linear_cross_entropy, **settings)


# values


@all_settings
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "soft"])
def test_the_value_is_that_of_the_logits(variant, settings, soft):
    settings = {k: v for k, v in settings.items() if k != "ignore_index" or not soft}
    for dtype in variant.dtypes[-1:]:
        arrays = inputs(dtype=dtype, soft=soft)
        for extras in ({}, of_items(dtype=dtype)):
            for reduction in REDUCTIONS if not settings else ("none", "mean"):
                want = materialised(*wide(arrays), **settings, **extras, reduction=reduction)
                got = run(variant, of(**settings, reduction=reduction), arrays, extras)
                assert variant.of_this_library(got)
                assert str(got.dtype).rpartition(".")[2] == dtype
                assert tuple(got.shape) == np.shape(want)
                assert variant.device(got) == variant.device(variant.array(arrays[0]))
                close(variant.numpy(got), want, dtype)


@pytest.mark.main_variants
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (2, 1, 3)], ids=str)
def test_any_number_of_batch_axes(variant, shape):
    dtype = variant.dtypes[-1]
    arrays = inputs(shape, dtype=dtype)
    for reduction in ("none", "batchmean"):
        got = run(variant, of(reduction=reduction), arrays, {})
        want = materialised(*wide(arrays), reduction=reduction)
        assert tuple(got.shape) == np.shape(want)
        close(variant.numpy(got), want, dtype)
    where = {} if not shape else {"where": np.asarray([[True], [False]]) if len(shape) > 1 else np.asarray(True)}
    where = where if shape != (2, 1, 3) else {"where": np.asarray([[[True]], [[False]]])}
    _, gradients = run(variant, al.value_and_grad(of(), GIVEN), arrays, where)
    for got, want in zip(gradients, expected_gradients(arrays, **where), strict=True):
        assert tuple(got.shape) == np.shape(want)
        close(variant.numpy(got), want, dtype)


@pytest.mark.main_variants
@pytest.mark.parametrize("n", [1, 2, 3, 4, 6, 7])
def test_chunks_of_any_number(variant, n):
    dtype = variant.dtypes[-1]
    arrays = inputs((n,), seed=n, dtype=dtype, bias=False)
    value, gradients = run(variant, al.value_and_grad(al.LinearCrossEntropy(), (0, 1)), arrays, {})
    close(variant.numpy(value), materialised(*wide(arrays)), dtype)
    for got, want in zip(gradients, expected_gradients(arrays), strict=True):
        close(variant.numpy(got), want, dtype)


# gradients


@pytest.mark.main_variants
@all_settings
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "soft"])
def test_the_gradients_are_those_of_the_logits(variant, settings, soft):
    settings = {k: v for k, v in settings.items() if k != "ignore_index" or not soft}
    dtype = variant.dtypes[-1]
    arrays = inputs(seed=1, dtype=dtype, soft=soft)
    for reduction in ("sum", "mean", "batchmean") if not settings else ("mean",):
        for extras in ({}, of_items(dtype=dtype)):
            chosen = {**settings, "reduction": reduction}
            value, gradients = run(variant, al.value_and_grad(al.LinearCrossEntropy(**chosen), GIVEN), arrays, extras)
            close(variant.numpy(value), materialised(*wide(arrays), **chosen, **extras), dtype)
            wanted = expected_gradients(arrays, **chosen, **extras)
            for k, got, want in zip(GIVEN, gradients, wanted, strict=True):
                assert variant.of_this_library(got)
                assert str(got.dtype).rpartition(".")[2] == dtype
                assert tuple(got.shape) == arrays[k].shape
                assert variant.device(got) == variant.device(variant.array(arrays[k]))
                close(variant.numpy(got), want, dtype)


@pytest.mark.main_variants
def test_a_gradient_by_one_array_and_the_bias_by_name(variant):
    dtype = variant.dtypes[-1]
    arrays = inputs(seed=2, dtype=dtype)
    wanted = dict(zip(GIVEN, expected_gradients(arrays), strict=True))
    for k in GIVEN:
        close(variant.numpy(run(variant, al.grad(al.linear_cross_entropy, k), arrays, {})), wanted[k], dtype)
    by_matrix, by_hidden = run(variant, al.grad(al.linear_cross_entropy, (-2, 0)), arrays[:3], {"bias": arrays[3]})
    close(variant.numpy(by_hidden), wanted[0], dtype)
    close(variant.numpy(by_matrix), wanted[1], dtype)
    close(variant.numpy(run(variant, al.LinearCrossEntropy(), arrays[:3], {"bias": arrays[3]})), materialised(*arrays))


@pytest.mark.main_variants
def test_a_target_of_probabilities_has_a_gradient_too(variant):
    dtype = variant.dtypes[-1]
    arrays = inputs(seed=3, dtype=dtype, soft=True)
    settings = {"class_weight": (1.0, 0.5, 2.0, 0.25, 3.0), "label_smoothing": 0.1}
    got = run(variant, al.grad(al.LinearCrossEntropy(**settings), (2, 1)), arrays, of_items(dtype=dtype))
    want = al.grad(lambda *a: materialised(*a, **settings, **of_items()), (2, 1))(*wide(arrays))
    for a, b in zip(got, want, strict=True):
        close(variant.numpy(a), b, dtype)


@pytest.mark.main_variants
def test_what_is_left_out_may_hold_anything(variant):
    dtype = variant.dtypes[-1]
    arrays = inputs(seed=4, dtype=dtype)
    where = np.asarray([True, False, True, False, True, True, False])
    kept = (arrays[0][where], arrays[1], arrays[2][where], arrays[3])
    hidden, labels = arrays[0].copy(), arrays[2].copy()
    hidden[~where] = np.asarray([[np.nan], [np.inf], [-np.inf]])
    labels[~where] = [-1, CLASSES, -100]
    weight = np.where(where, 1.0, np.nan).astype(dtype)
    ignored = np.where(where, labels, -7)
    finite = np.where(where[:, None], hidden, 3).astype(dtype)
    for settings, given, extras in (
        ({}, (hidden, labels), {"where": where}),
        ({}, (hidden, labels), {"where": where, "weight": weight}),
        ({"ignore_index": -7}, (hidden, ignored), {}),
        ({"ignore_index": -7}, (finite, ignored), {"where": np.ones(7, dtype=bool)}),
    ):
        bad = (given[0], arrays[1], given[1], arrays[3])
        value, gradients = run(variant, al.value_and_grad(of(**settings), GIVEN), bad, extras)
        close(variant.numpy(value), materialised(*wide(kept)), dtype)
        by_hidden, *others = (variant.numpy(x) for x in gradients)
        want_hidden, *want = expected_gradients(kept)
        np.testing.assert_array_equal(by_hidden[~where], 0)
        close(by_hidden[where], want_hidden, dtype)
        for a, b in zip(others, want, strict=True):
            close(a, b, dtype)


@pytest.mark.main_variants
def test_a_bias_may_rule_a_class_out(variant):
    dtype = variant.dtypes[-1]
    hidden, matrix, labels, bias = inputs(seed=14, dtype=dtype)
    bias[0] = -np.inf
    arrays = (hidden, matrix, np.maximum(labels, 1), bias)
    value, gradients = run(variant, al.value_and_grad(of(), (0, 1)), arrays, {})
    without = (hidden, matrix[1:], arrays[2] - 1, bias[1:])
    close(variant.numpy(value), materialised(*wide(without)), dtype)
    by_hidden, by_matrix, _ = expected_gradients(without)
    close(variant.numpy(gradients[0]), by_hidden, dtype)
    close(variant.numpy(gradients[1])[1:], by_matrix, dtype)
    np.testing.assert_array_equal(np.abs(variant.numpy(gradients[1])[0]), 0)


@pytest.mark.backend("torch")
def test_a_kept_nan_comes_out_as_nan_without_a_word(torch):
    arrays = leaves(torch, inputs())
    with torch.no_grad():
        arrays[0][3, 0] = float("nan")
    value = al.linear_cross_entropy(*arrays)
    value.backward()
    assert torch.isnan(value)
    assert torch.isnan(arrays[0].grad).any(1).tolist() == [k == 3 for k in range(7)]


@pytest.mark.main_variants
@pytest.mark.parametrize("reduction", ["sum", "mean", "batchmean"])
def test_without_items_or_weight_all_is_zero(variant, reduction):
    dtype = variant.dtypes[-1]
    arrays, empty = inputs(dtype=dtype), inputs((0,), dtype=dtype)
    nan = (np.full_like(arrays[0], np.nan), *arrays[1:])
    for given, extras in (
        (nan, {"where": np.zeros(7, dtype=bool)}),
        (arrays, {"weight": np.zeros(7, dtype)}),
        (empty, {}),
    ):
        value, gradients = run(variant, al.value_and_grad(of(reduction=reduction), GIVEN), given, extras)
        assert np.abs(variant.numpy(value)) == 0
        for k, x in zip(GIVEN, gradients, strict=True):
            np.testing.assert_array_equal(np.abs(variant.numpy(x)), np.zeros(given[k].shape))


@pytest.mark.main_variants
def test_no_items_have_no_losses(variant):
    for shape in ((0,), (0, 3), (3, 0)):
        got = run(variant, of(reduction="none"), inputs(shape, dtype=variant.dtypes[-1]), {})
        assert tuple(got.shape) == shape


@pytest.mark.main_variants
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32_and_its_gradients_in_their_dtype(variant, dtype):
    arrays = inputs(seed=5)
    given = [variant.half(x, dtype) if x.dtype.kind == "f" else variant.array(x) for x in arrays]
    if any(x is None for x in given):
        pytest.skip(f"{variant.backend} has no {dtype}")
    value, gradients = variant.run(al.value_and_grad(al.linear_cross_entropy, GIVEN), *given)
    assert str(value.dtype).rpartition(".")[2] == "float32"
    rounded = [
        variant.numpy(x).astype("float64") if x.dtype != y.dtype else y for x, y in zip(given, arrays, strict=True)
    ]
    rounded[2] = arrays[2]
    limit = 4e-3 if dtype == "float16" else 3e-2
    np.testing.assert_allclose(variant.numpy(value), materialised(*rounded), rtol=limit)
    for got, want in zip(gradients, expected_gradients(rounded), strict=True):
        assert str(got.dtype).rpartition(".")[2] == dtype
        got = variant.numpy(got).astype("float64")
        np.testing.assert_allclose(got, want, rtol=limit, atol=limit * np.max(np.abs(want)))


@pytest.mark.main_variants
def test_a_label_that_is_no_class(variant):
    dtype = variant.dtypes[-1]
    arrays = list(inputs(dtype=dtype))
    arrays[2] = np.asarray([0, 1, CLASSES, 2, -1, 3, 4])
    if variant.eager_labels:
        with pytest.raises(ValueError, match=r"`labels` must lie in \[0, 5\) for 5 classes, got -1"):
            run(variant, al.linear_cross_entropy, arrays, {})
        return
    items = variant.numpy(run(variant, of(reduction="none"), arrays, {}))
    np.testing.assert_array_equal(np.isnan(items), [False, False, True, False, True, False, False])
    by_hidden, by_matrix = run(variant, al.grad(of(reduction="sum"), (0, 1)), arrays, {})
    good = [x[[0, 1, 3, 5, 6]] if k in (0, 2) else x for k, x in enumerate(arrays)]
    want = expected_gradients(good, reduction="sum")
    close(variant.numpy(by_hidden)[[0, 1, 3, 5, 6]], want[0], dtype)
    # The gradient of such an item is NaN, and the matrix takes part in every item.
    assert np.isnan(variant.numpy(by_hidden)[[2, 4]]).all()
    assert np.isnan(variant.numpy(by_matrix)).all()


def test_second_derivatives_are_those_of_the_logits():
    arrays = inputs((3,), seed=6)
    loss = al.LinearCrossEntropy(softcap=3.0, class_weight=(1.0, 0.5, 2.0, 0.25, 3.0))
    settings = {"softcap": 3.0, "class_weight": (1.0, 0.5, 2.0, 0.25, 3.0)}
    for k in GIVEN:
        _, gradient, diagonal = al.value_grad_hess(loss, k)(*arrays)
        close(gradient, expected_gradients(arrays, **settings)[GIVEN.index(k)])
        step = 1e-5
        for index in [(0,) * arrays[k].ndim, (-1,) * arrays[k].ndim]:
            at = [al.grad(loss, k)(*_moved(arrays, k, index, s * step))[index] for s in (1, -1)]
            assert diagonal[index] == pytest.approx((at[0] - at[1]) / (2 * step), rel=1e-6, abs=1e-9)


def _moved(arrays, k, index, step):
    moved = [x.copy() for x in arrays]
    moved[k][index] += step
    return moved


# memory and work


@pytest.mark.parametrize("wanted", [(), (0, 1)], ids=["value", "gradients"])
def test_the_logits_are_never_held(monkeypatch, wanted):
    monkeypatch.undo()
    rng = np.random.default_rng(7)
    hidden, matrix = rng.normal(size=(4096, 4)), rng.normal(size=(4096, 4))
    labels = rng.integers(0, 4096, size=4096)
    compute = al.value_and_grad(al.linear_cross_entropy, wanted) if wanted else al.linear_cross_entropy
    tracemalloc.start()
    try:
        compute(hidden, matrix, labels)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4096 * 4096 * 8 / 4


def test_value_and_gradients_take_three_products(monkeypatch):
    counted = []
    product = chunks._product
    monkeypatch.setattr(chunks, "_product", lambda rows, a, b, out: counted.append(a.shape) or product(rows, a, b, out))
    al.value_and_grad(al.linear_cross_entropy, (0, 1))(*inputs((6,), bias=False))
    assert sum(m * n for m, n in counted) == 6 * FEATURES + 2 * 6 * CLASSES
    counted.clear()
    al.linear_cross_entropy(*inputs((6,)))
    assert sum(m * n for m, n in counted) == 6 * FEATURES


def test_chunks_are_of_one_size_and_as_many_as_wanted(monkeypatch):
    monkeypatch.undo()
    assert rows.chunk_rows(2048, 50257, 256) == 256
    assert rows.chunk_rows(2049, 50257, 256) == 228
    assert rows.chunk_rows(100, 50257, 256) == 100
    assert rows.chunk_rows(100000, 100, 256) == 6250
    assert rows.chunk_rows(8, 1 << 30, 256) == 1
    assert rows.chunk_rows(0, 3, 256) == 1


# what is refused


def test_what_does_not_fit_is_refused():
    hidden, matrix, labels, bias = inputs()
    compute = al.linear_cross_entropy
    with pytest.raises(ValueError, match=r"`weight_matrix` must have shape \(C, 4\), .*; transpose it, as in"):
        compute(hidden, matrix.T, labels)
    with pytest.raises(
        ValueError, match=r"`weight_matrix` must have shape \(C, 4\), as \[C, D\] where `hidden` .*; got \(5, 3\)$"
    ):
        compute(hidden, matrix[:, :3], labels)
    with pytest.raises(ValueError, match="`weight_matrix` must have at least one class"):
        compute(hidden, matrix[:0], labels)
    with pytest.raises(ValueError, match="`hidden` must have a feature axis"):
        compute(hidden[0, 0], matrix, labels)
    with pytest.raises(ValueError, match=r"`bias` must have shape \(5,\), as \[C\] where .*; got \(4,\)"):
        compute(hidden, matrix, labels, bias[:4])
    with pytest.raises(
        ValueError, match=r"`labels` must have one label an item, shape \(7,\): that of `hidden` \(7, 4\)"
    ):
        compute(hidden, matrix, labels[:5])
    with pytest.raises(ValueError, match="drop the axis of length 1"):
        compute(hidden, matrix, labels[:, None])
    with pytest.raises(TypeError, match="`labels` must be integer labels of shape"):
        compute(hidden, matrix, labels.astype("float64"))
    with pytest.raises(TypeError, match="`hidden` must have a floating dtype, got int64"):
        compute(labels[:, None], matrix[:, :1], labels)
    with pytest.raises(TypeError, match="`weight_matrix` must have a floating dtype, got int64"):
        compute(hidden, matrix.astype("int64"), labels)
    with pytest.raises(TypeError, match="`bias` must have a floating dtype, got int64"):
        compute(hidden, matrix, labels, bias=bias.astype("int64"))
    with pytest.raises(TypeError, match="`labels` must hold integer labels or floating probabilities, got bool"):
        compute(hidden, matrix, labels > 2)
    with pytest.raises(TypeError, match="`weight_matrix` must be an array of .*, got list"):
        compute(hidden, matrix.tolist(), labels)
    with pytest.raises(ValueError, match="`weight` must broadcast to the per-item loss"):
        compute(hidden, matrix, labels, weight=np.ones(4))
    with pytest.raises(ValueError, match="`class_weight` must have one number a class"):
        compute(hidden, matrix, labels, class_weight=(1.0, 2.0))
    with pytest.raises(TypeError, match="this loss takes 3 arrays, `hidden`, `weight_matrix`, `labels`; got 2"):
        al.LinearCrossEntropy()(hidden, matrix)
    with pytest.raises(TypeError, match="`labels` must be an array of"):
        al.LinearCrossEntropy()(hidden, matrix, bias=bias)
    with pytest.raises(ValueError, match="choose reduction 'mean' or 'sum'"):
        al.grad(al.linear_cross_entropy)(hidden, matrix, labels, reduction="none")
    with pytest.raises(ValueError, match="`softcap` must lie in"):
        al.LinearCrossEntropy(softcap=0.0)
    with pytest.raises(ValueError, match="`label_smoothing` must lie in"):
        al.LinearCrossEntropy(label_smoothing=2.0)


# torch


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def leaves(torch, arrays):
    return [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays]


@pytest.mark.backend("torch")
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_torch_s_backward_with_a_factor_again_and_twice_differentiated(torch, reduction):
    arrays, extras = inputs(seed=8), of_items()
    settings = {"z_loss": 0.125, "class_weight": (1.0, 0.5, 2.0, 0.25, 3.0), "reduction": reduction}
    factor = np.linspace(0.5, 2.0, 7) if reduction == "none" else np.asarray(2.5)
    results = []
    for compute in (al.linear_cross_entropy, materialised):
        given = leaves(torch, arrays)
        weight = torch.tensor(extras["weight"], requires_grad=True)
        value = compute(*given, **settings, weight=weight, where=torch.tensor(extras["where"]))
        chosen = [given[0], given[1], given[3], weight]
        scaled = torch.sum(value * torch.tensor(factor))
        first = torch.autograd.grad(scaled, chosen, retain_graph=True)
        for x in first:
            x.mul_(0)  # a gradient is the caller's
        again = torch.autograd.grad(scaled, chosen, retain_graph=True)
        third = torch.autograd.grad(value, chosen, torch.ones_like(value), create_graph=True)
        norm = sum((x**2).sum() for x in third)
        second = torch.autograd.grad(norm, chosen)
        results.append([value, *again, *third, *second])
    for got, want in zip(*results, strict=True):
        close(got.detach(), want.detach())


@pytest.mark.backend("torch")
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of torch itself, when it loads its compiler
def test_torch_s_transforms_go_the_straight_way(torch):
    arrays = inputs(seed=9)
    given = leaves(torch, arrays)
    plain = [x.detach() for x in given]
    wanted = expected_gradients(arrays)
    for got, want in zip(torch.func.grad(al.linear_cross_entropy, GIVEN)(*plain), wanted, strict=True):
        close(got, want)
    for got, want in zip(al.grad(al.linear_cross_entropy, GIVEN)(*given), wanted, strict=True):
        close(got.detach(), want)
    items = torch.func.vmap(of(reduction="none"), in_dims=(0, None, 0, None))(*plain)
    close(items, materialised(*arrays, reduction="none"))
    _, along = torch.func.jvp(lambda h: al.linear_cross_entropy(h, *plain[1:]), (plain[0],), (plain[0],))
    close(along, np.sum(wanted[0] * arrays[0]))
    compiled = torch.compile(al.linear_cross_entropy, fullgraph=True, backend="aot_eager")
    compiled(*given).backward()
    for k, want in zip(GIVEN, wanted, strict=True):
        close(given[k].grad, want)
    rows = torch.autograd.grad(
        of(reduction="none")(*given), given[0], torch.eye(7, dtype=torch.float64), is_grads_batched=True
    )[0]
    close(torch.sum(rows, 0) / 7, wanted[0])


@pytest.mark.backend("torch")
def test_torch_computes_only_the_gradients_that_are_wanted(torch, monkeypatch):
    seen = []
    compute = chunks.compute
    monkeypatch.setattr(chunks, "compute", lambda *a: seen.append(a[2] if len(a) > 2 else None) or compute(*a))
    hidden, matrix, labels, bias = (torch.tensor(x) for x in inputs())
    al.linear_cross_entropy(hidden.requires_grad_(), matrix, labels, bias).backward()
    al.linear_cross_entropy(hidden.detach(), matrix.requires_grad_(), labels).backward()
    with torch.no_grad():
        al.linear_cross_entropy(hidden, matrix, labels)
    assert seen == [(True, False, False), (False, True, False), None]


@pytest.mark.backend("torch")
def test_a_small_share_is_not_lost_in_half_precision(torch):
    rng = np.random.default_rng(10)
    n = 5000
    hidden = torch.tensor(rng.normal(size=(n, FEATURES)), dtype=torch.float16, requires_grad=True)
    matrix = torch.tensor(rng.normal(size=(CLASSES, FEATURES)), dtype=torch.float16, requires_grad=True)
    labels = torch.tensor(rng.integers(0, CLASSES, size=n))
    weight = torch.full((n,), 1e-3)
    (al.linear_cross_entropy(hidden, matrix, labels, weight=weight) * 65536.0).backward()
    want = al.grad(materialised, (0, 1))(hidden.detach().double(), matrix.detach().double(), labels)
    np.testing.assert_allclose(hidden.grad.double(), 65536 * want[0], rtol=2e-2, atol=2e-2)
    np.testing.assert_allclose(matrix.grad.double(), 65536 * want[1], rtol=1e-2, atol=20)


@pytest.mark.backend("torch")
def test_shapes_on_torch_s_meta_device(torch):
    given = [torch.tensor(x, device="meta") for x in inputs((2, 3))]
    assert al.linear_cross_entropy(*given).shape == ()
    assert al.linear_cross_entropy(*given, reduction="none").shape == (2, 3)


# JAX


@pytest.fixture
def jax():
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        yield jax


@pytest.mark.backend("jax")
def test_jax_s_transforms(jax):
    jnp = jax.numpy
    arrays, extras = inputs((2, 4), seed=11), of_items((2, 4))
    given = [jnp.asarray(x) for x in arrays]
    settings = {"where": jnp.asarray(extras["where"]), "z_loss": 0.125}
    weight = jnp.asarray(extras["weight"])

    def both(compute):
        def scaled(hidden, matrix, bias, weight, class_weight):
            value = compute(hidden, matrix, given[2], bias, weight=weight, class_weight=class_weight, **settings)
            return 2.5 * value

        return jax.jit(jax.value_and_grad(scaled, range(5)))(
            given[0], given[1], given[3], weight, jnp.asarray([1.0, 0.5, 2.0, 0.25, 3.0])
        )

    def flat(hidden, matrix, labels, bias, **rest):
        bias = jnp.broadcast_to(bias, (2, 4, CLASSES))
        return materialised(hidden, matrix, labels, bias, **rest)

    for got, want in zip(*(jax.tree_util.tree_leaves(both(f)) for f in (al.linear_cross_entropy, flat)), strict=True):
        close(got, want)

    of_rows = jax.vmap(jax.grad(al.linear_cross_entropy, (0, 1)), in_axes=(0, None, 0, None))(*given)
    for k in range(2):
        want = expected_gradients([arrays[0][k], arrays[1], arrays[2][k], arrays[3]])
        close(of_rows[0][k], want[0])
        close(of_rows[1][k], want[1])


@pytest.mark.backend("jax")
def test_jax_s_second_derivatives_and_per_item_factors(jax):
    jnp = jax.numpy
    arrays = inputs(seed=12)
    given = [jnp.asarray(x) for x in arrays]
    factor = jnp.linspace(0.5, 2.0, 7)
    line = jnp.asarray(np.broadcast_to(arrays[3], (7, CLASSES)))

    def ours(matrix):
        return jnp.sum(factor * al.linear_cross_entropy(given[0], matrix, *given[2:], reduction="none"))

    def theirs(matrix):
        return jnp.sum(factor * materialised(given[0], matrix, given[2], line, reduction="none"))

    for transform in (jax.grad, lambda f: jax.jacrev(jax.grad(f)), lambda f: jax.jacfwd(jax.grad(f))):
        close(jax.jit(transform(ours))(given[1]), jax.jit(transform(theirs))(given[1]))
    with pytest.raises(TypeError, match="custom_vjp"):
        jax.jvp(ours, (given[1],), (given[1],))


@pytest.mark.backend("jax")
def test_an_eager_call_of_jax_is_one_program(jax):
    arrays = inputs(seed=13)
    given = [jax.numpy.asarray(x) for x in arrays]
    value, gradients = al.value_and_grad(al.linear_cross_entropy, (0, 1))(*given[:3], bias=given[3])
    close(value, materialised(*arrays))
    for got, want in zip(gradients, expected_gradients(arrays)[:2], strict=True):
        close(got, want)
    close(al.linear_cross_entropy(*given), materialised(*arrays))


# names


def test_it_is_known_by_name():
    loss = al.get("LinearCrossEntropyLoss", softcap=30.0)
    assert loss == al.LinearCrossEntropy(ignore_index=-100, softcap=30.0)
    assert al.deserialize(al.serialize(loss)) == loss
    assert copy.deepcopy(loss) == loss
    assert al.linear_cross_entropy(*inputs(), softcap=30.0) == loss(*inputs())
