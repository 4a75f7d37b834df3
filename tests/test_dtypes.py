"""Arrays of several dtypes in one call, of the other byte order, and those that lie in files.

What is expected of these is what the same numbers give in memory, and in the machine's own order.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import arraylosses as al

from .cases import CASES, OF_BATCHES, OTHERS

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


@pytest.mark.backend("numpy")
@pytest.mark.parametrize("case", [c for c in dict.fromkeys((*CASES, *OF_BATCHES, *OTHERS)) if c.is_default], ids=str)
def test_the_other_byte_order_holds_the_same_numbers(case):
    arrays = case.of_batch(6)
    swapped = tuple(x.astype(x.dtype.newbyteorder()) for x in arrays)
    compute = al.value_and_grad(case.loss, case.floating())
    for _ in range(2):  # the second call is one of a kind that is known
        (value, gradients), (of_swapped, others) = compute(*arrays), compute(*swapped)
        np.testing.assert_allclose(of_swapped, value, rtol=1e-13)
        for x, other in zip(gradients, others, strict=True):
            np.testing.assert_allclose(other, x, rtol=1e-9, atol=1e-9 * np.max(np.abs(x)))
        np.testing.assert_allclose(case.loss(*swapped), value, rtol=1e-13)


@pytest.mark.backend("numpy")
@pytest.mark.parametrize("case", [c for c in dict.fromkeys((*CASES, *OF_BATCHES, *OTHERS)) if c.is_default], ids=str)
def test_what_is_computed_of_files_lies_in_none(case):
    given = case.inputs()
    mapped = [x.view(np.memmap) for x in given]
    for k in case.floating():
        compute = al.value_and_grad(case.loss, k)
        for found, expected in zip(compute(*mapped), compute(*given), strict=True):
            assert type(found) is type(expected)
            np.testing.assert_array_equal(found, expected)


@pytest.mark.backend("numpy")
@pytest.mark.parametrize("label", [-1, 3, 1 << 24, 1 << 56])
def test_a_label_of_the_other_byte_order_is_refused_by_its_number(label):
    labels = np.asarray([0, label])
    for given in (labels, labels.astype(labels.dtype.newbyteorder())):
        with pytest.raises(ValueError, match=rf"must lie in \[0, 3\) for 3 classes, got {label}; "):
            al.cross_entropy(np.zeros((2, 3)), given)
