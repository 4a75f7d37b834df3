"""Losses that compare all embeddings of a batch: in chunks of rows, without pairs, and by the peers' conventions.

What is expected comes from the loops of the catalogue, and its gradients from the tape through the straight formula.
"""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

import arraylosses as al
from arraylosses.data import draw
from arraylosses.execution import projection
from arraylosses.execution.projection import chunks, rows
from arraylosses.testing.laws import formula_of

from .catalogue import CATALOGUE

NAMES = ("info_nce", "clip_contrastive", "siglip", "nt_xent", "supervised_contrastive")
LOSSES = [*map(al.get, NAMES), al.NtXent(temperature=0.5, similarity="dot")]
all_losses = pytest.mark.parametrize("loss", LOSSES, ids=str)


@pytest.fixture
def _small_chunks(monkeypatch):
    """Three rows a chunk, two a block, however few the items are."""
    monkeypatch.setattr(projection, "SCORES", 0)
    monkeypatch.setattr(rows, "CHUNK", 3 * 7)
    monkeypatch.setattr(chunks, "ROWS", 3)
    monkeypatch.setattr(projection.jax, "ROWS", 3)
    monkeypatch.setattr(chunks, "BLOCK", {"numpy": 2 * 7, "torch": 2 * 7})
    projection.jax.program.cache_clear()
    yield
    projection.jax.program.cache_clear()


def inputs(loss, dtype="float64"):
    arrays = draw(loss.declaration, np.random.default_rng(0), (), {"N": 7, "D": 4})
    return tuple(x.astype(dtype) if x.dtype.kind == "f" else x for x in arrays)


def of_items(dtype="float64"):
    weight = np.linspace(0.5, 2.0, 7).astype(dtype)
    return {"weight": weight, "where": np.asarray([True, True, False, True, True, True, True])}


def run(variant, function, arrays, extras):
    names = list(extras)

    def call(*given):
        return function(*given[: len(arrays)], **dict(zip(names, given[len(arrays) :], strict=True)))

    return variant.run(call, *[variant.array(x) for x in (*arrays, *extras.values())])


@pytest.mark.usefixtures("_small_chunks")
@pytest.mark.main_variants
@all_losses
def test_chunks_give_the_values_and_gradients_of_the_whole(variant, loss, monkeypatch):
    dtype = variant.dtypes[-1]
    arrays = inputs(loss, dtype)
    floating = tuple(k for k, x in enumerate(arrays) if x.dtype.kind == "f")
    tolerance = {"rtol": 1e-10, "atol": 1e-12} if dtype == "float64" else {"rtol": 1e-4, "atol": 1e-5}
    for extras in ({}, of_items(dtype)):
        wide = [x.astype("float64") if x.dtype.kind == "f" else x for x in arrays]
        where = extras.get("where", np.ones(7, dtype=bool))
        items, kept = CATALOGUE[al.serialize(loss)["name"]].of_batch(loss, wide, where)
        weight = kept * extras.get("weight", 1.0)
        got = run(variant, replace(loss, reduction="none"), arrays, extras)
        np.testing.assert_allclose(variant.numpy(got), items * weight, **tolerance)
        value, gradients = run(variant, al.value_and_grad(loss, floating), arrays, extras)
        np.testing.assert_allclose(variant.numpy(value), np.sum(items * weight) / np.sum(weight), **tolerance)
        expected = al.grad(lambda *x, more=extras: formula_of(loss)(*x, **more), floating)(*wide)
        for x, y in zip(gradients, expected, strict=True):
            assert str(x.dtype).rpartition(".")[2] == dtype
            np.testing.assert_allclose(variant.numpy(x), y, **tolerance)


@pytest.mark.usefixtures("_small_chunks")
@pytest.mark.backend("torch")
@all_losses
def test_torch_s_backward_in_chunks(loss):
    import torch

    given = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs(loss)]
    floating = [x for x in given if x.requires_grad]
    extras = {name: torch.tensor(x) for name, x in of_items().items()}
    temperature = torch.tensor(0.25, dtype=torch.float64, requires_grad=True)
    loss = replace(loss, temperature=temperature)
    found = torch.autograd.grad(2.5 * loss(*given, **extras), [*floating, temperature], create_graph=True)
    second = torch.autograd.grad(sum((x**2).sum() for x in found), floating)
    projection.SCORES = 1 << 22
    expected = torch.autograd.grad(2.5 * loss(*given, **extras), [*floating, temperature], create_graph=True)
    expected += torch.autograd.grad(sum((x**2).sum() for x in expected), floating)
    for x, y in zip((*found, *second), expected, strict=True):
        np.testing.assert_allclose(x.detach(), y.detach(), rtol=1e-9, atol=1e-10)


@pytest.mark.usefixtures("_small_chunks")
@pytest.mark.main_variants
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32_in_chunks_too(variant, dtype):
    loss = al.NtXent()
    embeddings, labels = inputs(loss)
    half = variant.half(embeddings, dtype)
    if half is None:
        pytest.skip(f"{variant.backend} has no {dtype}")
    value, gradient = variant.run(al.value_and_grad(loss), half, variant.array(labels))
    rounded = variant.numpy(half).astype("float64")
    items, pairs = CATALOGUE["nt_xent"].of_batch(loss, [rounded, labels], np.ones(7, dtype=bool))
    np.testing.assert_allclose(variant.numpy(value), np.sum(items * pairs) / np.sum(pairs), rtol=1e-5)
    assert str(value.dtype).rpartition(".")[2] == "float32"
    assert gradient.dtype == half.dtype


@pytest.mark.backend("numpy")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wanted", [False, True], ids=["value", "gradient"])
def test_the_similarities_are_never_held(name, wanted):
    rng = np.random.default_rng(1)
    n = 4096
    first = rng.normal(size=(n, 4))
    second = np.arange(n) // 2 if name in ("nt_xent", "supervised_contrastive") else rng.normal(size=(n, 4))
    compute = al.grad(al.get(name)) if wanted else al.get(name)
    tracemalloc.start()
    try:
        compute(first, second)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < n * n * 8 / 4


@pytest.mark.main_variants
@pytest.mark.parametrize("name", [n for n, e in CATALOGUE.items() if "id" in al.get(n).declaration.domains])
@pytest.mark.parametrize("labels", [[1, 2, 3], [4, 4, 4]], ids=str)
def test_without_positives_or_negatives_all_is_finite(variant, name, labels):
    x = np.random.default_rng(2).normal(size=(len(labels), 3)).astype(variant.dtypes[-1])
    given = [variant.array(x), variant.array(np.asarray(labels))]
    value, gradient = variant.run(al.value_and_grad(al.get(name)), *given)
    assert np.isfinite(variant.numpy(value))
    assert np.all(np.isfinite(variant.numpy(gradient)))
    if name in ("nt_xent", "supervised_contrastive") and labels != [4, 4, 4]:
        assert float(value) == 0
        np.testing.assert_array_equal(np.abs(variant.numpy(gradient)), 0)


@pytest.mark.main_variants
@pytest.mark.parametrize("name", [n for n, e in CATALOGUE.items() if "id" in al.get(n).declaration.domains])
@pytest.mark.parametrize("kept", [[0], [0, 2], [0, 1], [0, 2, 4], []], ids=str)
def test_few_that_are_kept_are_a_batch_of_their_own(variant, name, kept):
    x = np.random.default_rng(4).normal(size=(5, 3)).astype(variant.dtypes[-1])
    labels, where = np.asarray([1, 2, 1, 2, 1]), np.isin(np.arange(5), kept)
    loss = al.get(name, reduction="sum")
    items, weight = CATALOGUE[name].of_batch(loss, (x.astype("float64"), labels), where)
    given = [variant.array(v) for v in (x, labels, where)]
    value, gradient = variant.run(lambda *v: al.value_and_grad(loss)(*v[:2], where=v[2]), *given)
    np.testing.assert_allclose(variant.numpy(value), np.sum(items * weight), rtol=1e-4, atol=1e-6)
    gradient = variant.numpy(gradient)
    assert np.all(np.isfinite(gradient))
    np.testing.assert_array_equal(np.abs(gradient[~where]), 0)


@pytest.mark.backend("numpy")
def test_equal_ids_are_counted_whatever_they_are():
    from arraylosses.numerics import indexing

    ids = np.asarray([5, -7, 5, 10**12, 5, -7])
    kept = np.asarray([True, True, True, False, False, True])
    expected = [2, 2, 2, 0, 2, 2]
    assert indexing.count_equal(ids, kept).tolist() == expected
    formula = indexing.count_equal.__wrapped__
    assert formula(al.array_namespace(ids), ids, kept).tolist() == expected


@pytest.mark.backend("numpy")
def test_ids_are_any_integers_and_nothing_else():
    x, labels = inputs(al.NtXent())
    expected = al.nt_xent(x, labels)
    assert al.nt_xent(x, labels.astype("int32") - 2**20) == expected
    assert al.nt_xent(x, (labels + 7).astype("uint64")) == expected
    with pytest.raises(TypeError, match=r"`labels` must hold integer ids, got float64; convert it"):
        al.nt_xent(x, labels.astype("float64"))
    with pytest.raises(
        TypeError, match=r"`labels` must hold integer ids of shape \(7,\), got float64 of shape \(7, \d+\)$"
    ):
        al.nt_xent(x, x.astype("float64"))
    with pytest.raises(ValueError, match=r"`labels` must have one label an item, shape \(7,\)"):
        al.nt_xent(x, labels[:6])


# conventions, by an input on which the plausible others give another number

VIEWS = np.asarray([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0], [1.0, 0.0], [0.0, -1.0]])
OF_VIEWS = np.asarray([0, 1, 0, 0, 1])


@pytest.mark.backend("numpy")
def test_the_positives_of_nt_xent_are_told_one_by_one():
    # Anchor 3, whose cosines are 1, 0, 0.6 and 0: the other positive is not in the denominator, but for SupCon's.
    mask = np.asarray([True, True, True, True, False])
    weight = np.asarray([0.0, 0.0, 0.0, 1.0, 0.0])
    e = np.exp([1.0, 0.6])
    value = al.nt_xent(VIEWS, OF_VIEWS, temperature=1.0, where=mask, weight=weight)
    assert value == pytest.approx(np.mean(-np.log(e / (e + 1.0))))
    value = al.supervised_contrastive(VIEWS, OF_VIEWS, temperature=1.0, where=mask, weight=weight)
    assert value == pytest.approx(np.mean(-np.log(e / (e.sum() + 1.0))))


@pytest.mark.backend("numpy")
def test_the_mean_of_nt_xent_is_over_pairs_and_that_of_supcon_over_anchors():
    kept = np.asarray([True, True, True, True, True])
    items, pairs = CATALOGUE["nt_xent"].of_batch(al.NtXent(), (VIEWS, OF_VIEWS), kept)
    assert pairs.tolist() == [2, 1, 2, 2, 1]
    assert al.nt_xent(VIEWS, OF_VIEWS) == pytest.approx(np.sum(items * pairs) / 8)
    items, _ = CATALOGUE["supervised_contrastive"].of_batch(al.SupervisedContrastive(), (VIEWS, OF_VIEWS), kept)
    assert al.supervised_contrastive(VIEWS, OF_VIEWS) == pytest.approx(np.mean(items))
    # An anchor alone with its label is left out of the mean, and stays a rival.
    lone = np.asarray([0, 1, 0, 0, 2])
    assert al.supervised_contrastive(VIEWS, lone) == pytest.approx(
        np.mean(
            CATALOGUE["supervised_contrastive"].of_batch(al.SupervisedContrastive(), (VIEWS, lone), kept)[0][[0, 2, 3]]
        )
    )


@pytest.mark.backend("numpy")
def test_two_views_are_nt_xent_and_supcon_alike():
    x = np.random.default_rng(3).normal(size=(8, 4))
    labels = np.tile(np.arange(4), 2)
    assert al.nt_xent(x, labels) == pytest.approx(al.supervised_contrastive(x, labels))
    # and info_nce with the own view among the rivals
    cosine = x @ x.T / np.outer(np.linalg.norm(x, axis=1), np.linalg.norm(x, axis=1))
    powers = np.exp(cosine / 0.5)
    np.fill_diagonal(powers, 0.0)
    partner = np.roll(np.arange(8), 4)
    expected = np.mean(-np.log(powers[np.arange(8), partner] / powers.sum(axis=1)))
    assert al.nt_xent(x, labels, temperature=0.5) == pytest.approx(expected)


@pytest.mark.backend("numpy")
def test_the_directions_of_a_pair_differ_and_clip_is_their_mean():
    x, y = np.random.default_rng(4).normal(size=(2, 5, 3))
    one, other = al.info_nce(x, y), al.info_nce(y, x)
    assert abs(one - other) > 0.1
    assert al.clip_contrastive(x, y) == pytest.approx((one + other) / 2)


@pytest.mark.backend("jax")
def test_ntxent_is_optax_s():
    import jax

    optax = pytest.importorskip("optax")
    with jax.enable_x64(True):
        x, labels = (jax.numpy.asarray(v) for v in inputs(al.NtXent()))
        ours, by_ours = jax.value_and_grad(al.get("ntxent"))(x, labels)
        theirs, by_theirs = jax.value_and_grad(optax.losses.ntxent)(x, labels)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
        np.testing.assert_allclose(by_ours, by_theirs, rtol=1e-5, atol=1e-6)
