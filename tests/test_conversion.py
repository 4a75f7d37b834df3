"""Arrays from one library to another."""

from __future__ import annotations

import numpy as np
import pytest

import arraylosses as al

from .variants import VARIANTS, importable

FLOATS = np.arange(12, dtype="float32")

LAYOUTS = [
    np.zeros((0, 3), dtype="float32"),
    np.asarray(2.5, dtype="float32"),
    FLOATS.reshape(3, 4)[::2, ::-1],
    FLOATS.reshape(3, 4)[::-1],
    FLOATS[::-1],
    FLOATS.reshape(3, 4).T,
]

BASES = [v for v in VARIANTS if v.main and v.name != "strict-lazy"]


@pytest.mark.main_variants
@pytest.mark.parametrize("source", BASES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
def test_values_dtype_library_and_device_are_those_asked_for(variant, source, dtype):
    if importable(source.option):
        pytest.skip(importable(source.option))
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
        if not importable(source.option):
            with source.active():
                given = source.array(weight)
            got = al.cross_entropy(*arrays, class_weight=given)
            assert variant.of_this_library(got)
            np.testing.assert_allclose(variant.numpy(got), expected, rtol=1e-6)


@pytest.mark.backend("torch")
def test_a_tensor_leaves_with_its_gradient_only_where_it_is_said():
    torch = pytest.importorskip("torch")
    x = torch.tensor([1.0, 2.5], requires_grad=True)
    for call in (lambda **k: al.convert(x, like=np.zeros(1), **k), lambda **k: al.to_numpy(x, **k)):
        with pytest.raises(TypeError, match=r"`x` has a gradient, which would be lost with its library; .*detach=True"):
            call()
        np.testing.assert_array_equal(call(detach=True), [1.0, 2.5])
    assert al.convert(x * 2, like=torch.zeros(1)).requires_grad
    with pytest.raises(TypeError, match="`x` must hold values to leave its library, got a traced array of PyTorch"):
        al.to_numpy(torch.zeros(2, device="meta"))
    with pytest.raises(TypeError, match="a traced array of PyTorch"):
        torch.func.grad(lambda t: t.sum() + float(al.to_numpy(t)[0]))(x.detach())


NARROW = ["bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"]


@pytest.mark.backend("torch")
@pytest.mark.parametrize("dtype", NARROW)
def test_a_dtype_that_numpy_lacks_becomes_float32(dtype):
    torch = pytest.importorskip("torch")
    x = torch.tensor([1.0, 2.5]).to(getattr(torch, dtype))
    for found in (al.convert(x, like=np.zeros(1)), al.to_numpy(x)):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, [1.0, 2.5])
    assert al.Huber(delta=x) == al.Huber(delta=x.clone())
    assert al.serialize(al.Huber(delta=x))["settings"]["delta"] == [1.0, 2.5]


def test_what_is_no_array_is_refused():
    with pytest.raises(TypeError, match=r"`x` must be an array, got \[1\.0\]"):
        al.convert([1.0], like=np.zeros(1))
    with pytest.raises(TypeError, match="`like` must be an array, got 'torch'"):
        al.convert(np.zeros(1), like="torch")


def test_what_is_traced_has_no_values():
    with pytest.raises(TypeError, match="of a traced array would lose its derivative"):
        al.grad(lambda x: al.to_numpy(x).sum())(np.ones(2))


@pytest.mark.backend("jax")
def test_what_jax_traces_has_no_values():
    jax = pytest.importorskip("jax")
    with pytest.raises(TypeError, match="`x` must hold values to leave its library, got a traced array of JAX"):
        jax.jit(lambda x: al.convert(x, like=np.zeros(1)))(jax.numpy.ones(2))


@pytest.mark.main_variants
@pytest.mark.parametrize("source", BASES, ids=str)
@pytest.mark.parametrize("x", LAYOUTS, ids=str)
def test_an_array_of_any_layout_is_converted(variant, source, x):
    if importable(source.option):
        pytest.skip(importable(source.option))
    locked = x.view()
    locked.flags.writeable = False
    like = variant.array(np.zeros(1, dtype="float32"))
    for given in (locked, x):
        with source.active():
            moved = source.array(given) if source.backend != "numpy" else given
            with variant.active():
                got = al.convert(moved, like=like)
                assert variant.of_this_library(got)
                np.testing.assert_array_equal(variant.numpy(got), x)
            np.testing.assert_array_equal(al.to_numpy(moved), x)


@pytest.mark.main_variants
def test_a_mixed_loss_takes_targets_weights_and_masks_of_any_library(variant):
    rng = np.random.default_rng(1)
    z, y = rng.normal(size=(4, 3)).astype("float32"), rng.integers(0, 3, 4).astype("int32")
    w, kept = rng.uniform(size=4).astype("float32"), np.asarray([True, False, True, True])
    expected = al.cross_entropy(z, y, weight=w, where=kept, label_smoothing=0.1)
    prediction = variant.array(z)
    for source in BASES:
        if importable(source.option):
            continue
        with source.active():
            others = [source.array(x) for x in (y, w, kept)]
        for loss in (al.CrossEntropy(label_smoothing=0.1), al.cross_entropy, "cross_entropy"):
            settings = {} if isinstance(loss, al.Loss) else {"label_smoothing": 0.1}
            call = al.mixed(loss)
            with variant.active():
                got = call(prediction, others[0], weight=others[1], where=others[2], **settings)
                assert variant.of_this_library(got)
                np.testing.assert_allclose(variant.numpy(got), expected, rtol=1e-6)
                gradient = al.grad(call)(prediction, others[0], weight=others[1], where=others[2], **settings)
            np.testing.assert_allclose(
                variant.numpy(gradient),
                al.grad(al.cross_entropy)(z, y, weight=w, where=kept, label_smoothing=0.1),
                rtol=1e-5,
                atol=1e-7,
            )


@pytest.mark.main_variants
def test_a_mixed_loss_of_several_outputs_follows_the_first(variant):
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 4)).astype("float32")
    loss = al.weighted_sum({"a": "huber", "b": ["squared_error"]}, {"a": 0.5})
    predictions = {"a": variant.array(a), "b": [variant.array(b)]}
    got = al.mixed(loss)(predictions, {"a": b, "b": [a]}, weight=np.float32(2) * np.ones(4, "float32"))
    np.testing.assert_allclose(variant.numpy(got), loss({"a": a, "b": [b]}, {"a": b, "b": [a]}), rtol=1e-6)


@pytest.mark.backend("torch")
def test_a_mixed_loss_loses_no_gradient_without_a_word():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="`argument 1` has a gradient, which would be lost"):
        al.mixed("huber")(np.ones(2), torch.ones(2, requires_grad=True))
    with pytest.raises(TypeError, match="arrays of two|one library|PyTorch"):
        al.huber(np.ones(2), torch.ones(2))
