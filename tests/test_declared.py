"""Laws of the losses whose items are more than elements and rows: coupled ones, images and lists with a mask within.

Expected values are those of the catalogue: loops over the items in NumPy's float64, written after the papers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import arraylosses as al
from arraylosses.arguments.shapes import Axes
from arraylosses.data import draw

from .cases import OF_BATCHES
from .catalogue import CATALOGUE

REDUCTIONS = ("none", "sum", "mean", "batchmean")
NAN = np.nan


all_cases = pytest.mark.parametrize("case", OF_BATCHES, ids=str)


def inputs(loss, soft, seed=0, batch=(4,), dtype="float64"):
    rng = np.random.default_rng(seed)
    arrays = draw(loss.declaration, rng, batch, {"N": 6, "D": 5, "C": 3}, loss.class_axis(), soft=soft)
    where = rng.uniform(size=where_shape(loss, arrays)) < 0.6
    if not loss.declaration.coupled:
        of_lists = loss.declaration.moving in loss.declaration.where
        where[(slice(None), 0) if of_lists else 0] = False  # an item without anything
    return tuple(x.astype(dtype) if x.dtype.kind == "f" else x for x in arrays), where


def axes_of(loss, arrays):
    forms = [a.form(integer=x.dtype.kind == "i") for a, x in zip(loss.declaration.arguments, arrays, strict=True)]
    return Axes(loss.declaration, loss.class_axis(), loss.array_names, arrays, forms)


def where_shape(loss, arrays):
    return axes_of(loss, arrays).shape(loss.declaration.where)


def reduced(items, kept, weight, reduction):
    """The reduction of items, with the weight that follows from the arrays as `kept`: 0 or False for those left out."""
    w = np.where(kept, kept * weight, 0.0)
    total = np.where(kept, w * items, 0.0)
    if reduction == "none":
        return total
    divisor = {"sum": 1.0, "mean": w.sum(), "batchmean": len(items) if items.ndim else 1}[reduction]
    return total.sum() / divisor


def compute(variant, loss, arrays, **items):
    names, values = list(items), [variant.array(x) for x in items.values()]

    def call(*given):
        return loss(*given[: len(arrays)], **dict(zip(names, given[len(arrays) :], strict=True)))

    return variant.numpy(variant.run(call, *[variant.array(x) for x in arrays], *values))


@all_cases
def test_value_weight_where_and_reduction(variant, case):
    loss, soft = case.loss, case.soft
    for dtype in variant.dtypes:
        arrays, where = inputs(loss, soft, dtype=dtype)
        wide = [x.astype("float64") if x.dtype.kind == "f" else x for x in arrays]
        name = al.serialize(loss)["name"]
        everything = np.ones_like(where)
        rtol = 1e-12 if dtype == "float64" else 3e-6
        for mask in (everything, where):
            items, kept = CATALOGUE[name].of_batch(loss, wide, mask)
            weight = np.random.default_rng(1).uniform(0.5, 2.0, size=items.shape).astype(dtype)
            for reduction in REDUCTIONS if variant.main else ("mean",):
                of_items = {} if mask is everything else {"where": mask}
                got = compute(variant, replace(loss, reduction=reduction), arrays, weight=weight, **of_items)
                assert got.dtype == dtype
                np.testing.assert_allclose(got, reduced(items, kept, weight, reduction), rtol=rtol, atol=rtol)


@pytest.mark.main_variants
@all_cases
def test_what_is_left_out_may_hold_anything(variant, case):
    loss, soft = case.loss, case.soft
    dtype = variant.dtypes[-1]
    arrays, where = inputs(loss, soft, seed=2, dtype=dtype)
    clean = compute(variant, loss, arrays, where=where)
    spoilt = [x.copy(order="K") for x in arrays]  # whose sums add in the same order
    for k, x in enumerate(spoilt):
        extra = axes_of(loss, arrays).layout(k, loss.declaration.where)
        if extra is None:  # it belongs to no item
            continue
        out = np.broadcast_to(np.expand_dims(~where, extra), x.shape)
        x[out] = 99 if x.dtype.kind == "i" else NAN
    np.testing.assert_array_equal(compute(variant, loss, spoilt, where=where), clean)

    def gradient(values):
        given = [variant.array(x) for x in values]
        mask = variant.array(where)
        return variant.numpy(al.grad(lambda x: loss(x, *given[1:], where=mask))(given[0]))

    found = gradient(arrays)
    assert np.all(np.isfinite(found))
    np.testing.assert_allclose(gradient(spoilt), found, rtol=1e-6)


@pytest.mark.main_variants
@all_cases
def test_the_gradient_is_that_of_a_difference(variant, case):
    loss, soft = case.loss, case.soft
    dtype = variant.dtypes[-1]
    if dtype != "float64":
        pytest.skip("a difference wants float64")
    if constant := CATALOGUE[al.serialize(loss)["name"]].constant:
        pytest.skip(f"{constant} counts as a constant: its own tests have the gradient")
    arrays, where = inputs(loss, soft, seed=3)
    floating = [k for k, x in enumerate(arrays) if x.dtype.kind == "f"]
    step = np.random.default_rng(4)
    for k in floating:
        direction = step.normal(size=arrays[k].shape)

        def value(t, k=k, direction=direction):
            moved = [x + t * direction if j == k else x for j, x in enumerate(arrays)]
            return float(compute(variant, loss, moved, where=where))

        given = [variant.array(x) for x in arrays]
        mask = variant.array(where)
        got = al.grad(lambda *x, mask=mask: loss(*x, where=mask), k)(*given)
        expected = (value(1e-6) - value(-1e-6)) / 2e-6
        np.testing.assert_allclose(np.sum(variant.numpy(got) * direction), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.slow
@pytest.mark.every_setting
@all_cases
def test_one_program_on_jax_and_torch_s_compiler_take_it(variant, case):
    loss, soft = case.loss, case.soft
    arrays, where = inputs(loss, soft, seed=5, dtype=variant.dtypes[-1])
    expected = compute(variant, loss, arrays, where=where)
    given = [variant.array(x) for x in (*arrays, where)]
    if variant.backend == "torch":
        torch = variant.module
        torch._dynamo.reset()
        run = torch.compile(lambda *x: loss(*x[:-1], where=x[-1]), fullgraph=True, backend="eager")
        np.testing.assert_allclose(variant.numpy(run(*given)), expected, rtol=1e-6)
    elif variant.backend == "jax":
        run = variant.module.jit(lambda *x: loss(*x[:-1], where=x[-1]))
        np.testing.assert_allclose(variant.numpy(run(*given)), expected, rtol=1e-5)
    else:
        copy = al.deserialize(al.serialize(loss))
        np.testing.assert_array_equal(compute(variant, copy, arrays, where=where), expected)


def test_a_label_that_is_no_class_spoils_its_image_alone(variant):
    loss = al.Dice(reduction="none")
    arrays, _ = inputs(loss, False, seed=6, dtype=variant.dtypes[-1])
    expected = compute(variant, loss, arrays)
    arrays[1][2, 1] = 3
    if variant.eager_labels:
        with pytest.raises(ValueError, match=r"`labels` must lie in \[0, 3\) for 3 classes, got 3"):
            compute(variant, loss, arrays)
        return
    got = compute(variant, loss, arrays)
    assert np.isnan(got[2])
    np.testing.assert_allclose(np.delete(got, 2), np.delete(expected, 2), rtol=1e-6)


def test_coupled_items_are_all_coupled_in_the_hessian(variant):
    if variant.backend in ("jax", "dask") or variant.dtypes[-1] != "float64":
        pytest.skip("one eager library of each kind of gradient stands for all")
    loss = al.InfoNce(reduction="sum", similarity="dot")
    arrays, _ = inputs(loss, False, seed=7)
    small = [x[:3, :2] for x in arrays]
    got = variant.numpy(al.value_grad_hess(loss)(*[variant.array(x) for x in small])[2])
    h = 1e-4
    for index in np.ndindex(small[0].shape):
        moved = [small[0].copy() for _ in range(3)]
        moved[0][index] += h
        moved[2][index] -= h
        low, mid, high = (float(loss(m, small[1])) for m in moved)
        np.testing.assert_allclose(got[index], (low - 2 * mid + high) / h**2, rtol=1e-4, atol=1e-5)


def test_no_item_at_all_is_0(variant):
    nothing = variant.array(np.zeros((0, 4), dtype=variant.dtypes[-1]))
    for reduction in ("sum", "mean", "batchmean"):
        assert float(variant.numpy(al.info_nce(nothing, nothing, reduction=reduction))) == 0
