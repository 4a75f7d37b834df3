"""Arrays from one library to another."""

from __future__ import annotations

import numpy as np
import pytest

import arraylosses as al

from .variants import VARIANTS, importable

BASES = [v for v in VARIANTS if v.main and v.name != "strict-lazy"]


@pytest.mark.main_variants
@pytest.mark.parametrize("source", BASES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
def test_values_dtype_library_and_device_are_those_asked_for(variant, source, dtype):
    if importable(source.backend):
        pytest.skip(importable(source.backend))
    x = np.asarray([[1, 0, 3], [0, 5, 6]]).astype(dtype)
    like = variant.array(np.zeros(1, dtype="float32"))
    with source.active():
        given = source.array(x)
        with variant.active():
            got = al.convert(given, like=like)
            assert variant.of_this_library(got)
            assert str(got.dtype).rpartition(".")[2] == dtype
            assert variant.device(got) == variant.device(like)
            np.testing.assert_array_equal(variant.numpy(got), x)


@pytest.mark.main_variants
def test_an_array_setting_of_another_library_follows_the_prediction(variant):
    z = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    y = np.asarray([0, 1, 2, 1], dtype="int32")
    weight = np.asarray([1.0, 2.0, 0.5])
    arrays = variant.array(z), variant.array(y)
    expected = variant.numpy(al.cross_entropy(*arrays, class_weight=[1.0, 2.0, 0.5]))
    for source in BASES:
        if not importable(source.backend):
            with source.active():
                given = source.array(weight)
            got = al.cross_entropy(*arrays, class_weight=given)
            assert variant.of_this_library(got)
            np.testing.assert_allclose(variant.numpy(got), expected, rtol=1e-6)


@pytest.mark.backend("torch")
def test_a_tensor_that_requires_a_gradient_or_is_bfloat16_is_converted():
    torch = pytest.importorskip("torch")
    x = torch.tensor([1.0, 2.5], requires_grad=True)
    np.testing.assert_array_equal(al.convert(x, like=np.zeros(1)), [1.0, 2.5])
    half = al.convert(x.detach().bfloat16(), like=np.zeros(1))
    assert half.dtype == np.float32
    np.testing.assert_array_equal(half, [1.0, 2.5])


def test_what_is_no_array_is_refused():
    with pytest.raises(TypeError, match="`x` must be an array, got list"):
        al.convert([1.0], like=np.zeros(1))
    with pytest.raises(TypeError, match="`like` must be an array, got str"):
        al.convert(np.zeros(1), like="torch")
