"""The losses whose items are more than elements and rows: coupled ones, images and lists with a mask within.

Expected values are those of the catalogue: loops over the items in NumPy's float64, written after the papers.
"""

from __future__ import annotations

import numpy as np
import pytest

import arraylosses as al

from .cases import OF_BATCHES, Case, subject

REDUCTIONS = ("none", "sum", "mean", "batchmean")
all_cases = pytest.mark.parametrize("case", OF_BATCHES, ids=str)


def inputs(case, seed=0, dtype="float64"):
    arrays = case.inputs(seed, (4,), dtype)
    declaration = case.loss.declaration
    where = np.random.default_rng(seed).uniform(size=subject(case).where_shape(arrays)) < 0.6
    if not declaration.coupled:
        of_lists = declaration.moving in declaration.where
        where[(slice(None), 0) if of_lists else 0] = False  # an item without anything
    return arrays, where


def reduced(items, kept, weight, reduction):
    """The reduction of items, with the weight that follows from the arrays as `kept`: 0 or False for those left out."""
    w = np.where(kept, kept * weight, 0.0)
    total = np.where(kept, w * items, 0.0)
    if reduction == "none":
        return total
    divisor = {"sum": 1.0, "mean": w.sum(), "batchmean": len(items) if items.ndim else 1}[reduction]
    return total.sum() / divisor


@all_cases
def test_value_weight_where_and_reduction(variant, case):
    for dtype in variant.dtypes:
        on = subject(case, variant)
        arrays, where = inputs(case, dtype=dtype)
        wide = [x.astype("float64") if x.dtype.kind == "f" else x for x in arrays]
        everything = np.ones_like(where)
        rtol = 1e-12 if dtype == "float64" else 3e-6
        for mask in (everything, where):
            items, kept = case.entry.of_batch(case.loss, wide, mask)
            weight = np.random.default_rng(1).uniform(0.5, 2.0, size=items.shape).astype(dtype)
            for reduction in REDUCTIONS if variant.main else ("mean",):
                of_items = {} if mask is everything else {"where": mask}
                got = on.value(arrays, reduction, weight=weight, **of_items)
                assert got.dtype == dtype
                np.testing.assert_allclose(got, reduced(items, kept, weight, reduction), rtol=rtol, atol=rtol)


def test_a_label_that_is_no_class_spoils_its_image_alone(variant):
    on = subject(Case("dice", al.Dice()), variant)
    arrays, _ = inputs(Case("dice", al.Dice()), seed=6, dtype=variant.dtypes[-1])
    expected = on.value(arrays, "none")
    arrays[1][2, 1] = 3
    if variant.eager_labels:
        with pytest.raises(ValueError, match=r"`labels` must lie in \[0, 3\) for 3 classes, got 3"):
            on.value(arrays, "none")
        return
    got = on.value(arrays, "none")
    assert np.isnan(got[2])
    np.testing.assert_allclose(np.delete(got, 2), np.delete(expected, 2), rtol=1e-6)


def test_coupled_items_are_all_coupled_in_the_hessian(variant):
    if variant.backend in ("jax", "dask") or variant.dtypes[-1] != "float64":
        pytest.skip("one eager library of each kind of gradient stands for all")
    loss = al.InfoNce(reduction="sum", similarity="dot")
    arrays, _ = inputs(Case("info_nce", loss), seed=7)
    small = [x[:3, :2] for x in arrays]
    got = variant.numpy(al.value_grad_hess(loss)(*[variant.array(x) for x in small])[2])
    h = 1e-4
    for index in np.ndindex(small[0].shape):
        moved = [small[0].copy() for _ in range(3)]
        moved[0][index] += h
        moved[2][index] -= h
        low, mid, high = (float(loss(m, small[1])) for m in moved)
        np.testing.assert_allclose(got[index], (low - 2 * mid + high) / h**2, rtol=1e-4, atol=1e-5)
