"""What is left out of a projection in chunks of rows, where the gradient of the result is infinite or NaN."""

from __future__ import annotations

import numpy as np
import pytest

import arraylosses as al

from .test_linear_cross_entropy import (
    GIVEN,
    REDUCTIONS,
    _small_chunks,
    close,
    inputs,
    materialised,
    of,
    of_items,
    run,
    wide,
)

__all__ = ["_small_chunks"]  # a fixture of all tests here


@np.errstate(divide="ignore", invalid="ignore")  # of the root, and times 0, where Dask computes it
@pytest.mark.main_variants
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_an_infinite_factor_is_in_no_gradient_of_what_is_left_out(variant, reduction):
    # The slope of a root of 0 is infinite. Expected: the gradients of what is kept, and 0 where nothing is.
    dtype = variant.dtypes[-1]
    arrays, extras = inputs(seed=15, dtype=dtype), of_items(dtype=dtype)
    where, loss = extras["where"], of(reduction=reduction)

    def root(*given, **of_items):
        xp = al.array_namespace(*given)
        return xp.sum(xp.sqrt(loss(*given, **of_items)))

    def kept_root(*given):
        xp = al.array_namespace(*given)
        weight = extras["weight"][where].astype("float64")
        weighted = materialised(*given, weight=weight, reduction=reduction)
        return xp.sum(xp.sqrt(weighted * (where.mean() if reduction == "batchmean" else 1.0)))

    kept = (arrays[0][where], arrays[1], arrays[2][where], arrays[3])
    expected = al.grad(kept_root, GIVEN)(*wide(kept))
    gradients = [variant.numpy(x) for x in run(variant, al.grad(root, GIVEN), arrays, extras)]
    np.testing.assert_array_equal(gradients[0][~where], 0)
    for x, y in zip((gradients[0][where], *gradients[1:]), expected, strict=True):
        close(x, y, dtype)
    for x in run(variant, al.grad(root, GIVEN), arrays, {"where": np.zeros(7, dtype=bool)}):
        np.testing.assert_array_equal(np.abs(variant.numpy(x)), 0)


@pytest.mark.backend("torch")
@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
@pytest.mark.parametrize("factor", [np.inf, np.nan])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_torch_s_infinite_factor_leaves_what_is_left_out_at_zero(reduction, factor, dtype):
    torch = pytest.importorskip("torch")
    arrays = [torch.tensor(x) for x in inputs(seed=15)]
    hidden, matrix, labels, bias = [x.to(getattr(torch, dtype)) if x.is_floating_point() else x for x in arrays]
    hidden.requires_grad_()
    for matrix_too in (False, True):
        matrix.requires_grad_(matrix_too)
        for where in (torch.tensor(of_items()["where"]), torch.zeros(7, dtype=torch.bool)):
            value = al.linear_cross_entropy(hidden, matrix, labels, bias, where=where, reduction=reduction)
            factors = torch.full_like(value, factor)
            found = torch.autograd.grad(value, [hidden, *([matrix] if matrix_too else [])], factors)
            assert not found[0][~where].any()
            assert all([bool(x.isfinite().all()) is not bool(where.any()) for x in found])
