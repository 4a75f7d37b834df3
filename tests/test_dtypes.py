"""Arrays of several dtypes in one call."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import arraylosses as al

NARROW = ("float16", "bfloat16", "float8_e4m3fn", "float32", "float64")


@pytest.mark.parametrize("library", [pytest.param(x, marks=pytest.mark.backend(x)) for x in ("numpy", "torch", "jax")])
def test_two_dtypes_of_half_precision_are_computed_in_float32(library):
    module = pytest.importorskip({"jax": "jax.numpy"}.get(library, library))
    of_numpy = pytest.importorskip("ml_dtypes") if library == "numpy" else None

    def array(x, dtype):
        if library == "torch":
            return module.tensor(x).to(getattr(module, dtype))
        return module.asarray(x, dtype="float32").astype(getattr(of_numpy, dtype, dtype))

    x, y, w = np.asarray([[1.0, 2.0], [3.0, 0.5]]), np.asarray([[2.0, 0.5], [1.0, 1.0]]), np.asarray([1.0, 2.0])
    for first, second in itertools.permutations(NARROW, 2):
        if library == "jax" and "float64" in (first, second):
            continue
        wanted = "float64" if "float64" in (first, second) else "float32"
        # (1 + 2.25 + 4 + 0.25) / 4, with the slopes 2 (x - y) / 4; and that under the weights (1, 2) of the columns
        for items, expected, slopes in (
            ({}, 1.875, [[-0.5, 0.75], [1.0, -0.25]]),
            ({"weight": array(w, second)}, 10.0 / 6.0, [[-1 / 3, 1.0], [2 / 3, -1 / 3]]),
        ):
            value, gradient = al.value_and_grad(al.squared_error)(array(x, first), array(y, second), **items)
            assert str(value.dtype).rpartition(".")[2] == wanted
            assert gradient.dtype == array(x, first).dtype
            assert float(value) == pytest.approx(expected, rel=1e-6)
            found = al.to_numpy(gradient.to(module.float32) if library == "torch" else gradient).astype("float64")
            np.testing.assert_allclose(found, slopes, rtol=0.07 if first.startswith("float8") else 4e-3)
        loss = al.linear_cross_entropy(array(x, first), array(y, second), module.asarray([0, 1]))
        # Logits (3, 3) and (6.25, 3.5): log 2 and 2.75 + log(1 + exp(-2.75))
        assert float(loss) == pytest.approx((math.log(2) + 2.75 + math.log1p(math.exp(-2.75))) / 2, rel=1e-6)
