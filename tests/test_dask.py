"""Dask's arrays as a program makes them: masked, of lengths that are not known, in chunks of any kind. All as NumPy."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

import arraylosses as al

from .cases import CASES, DEFAULTS, OTHERS, Case, subject

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

pytestmark = pytest.mark.backend("dask")

KEEP = np.asarray([True, False, True, False, False, False, True, False, True])
NONE = np.zeros(9, dtype=bool)


def masked(x, axis, keep=KEEP, others=-1):
    """What `keep` leaves of three chunks, of which KEEP empties one, by a mask that is computed with all the rest."""
    lazy = da.from_array(x, chunks=tuple(3 if k == axis else others for k in range(x.ndim)))
    return lazy[(*(slice(None),) * axis, da.from_array(keep, chunks=3))]


def masked_in_small_chunks(x, axis, keep=KEEP):
    """The same in chunks along all other axes too, of which a row has two."""
    return masked(x, axis, keep, others=3)


def counted(x, axis):
    lazy = masked(x, axis)
    lazy.compute_chunk_sizes()
    return lazy


def of_single_rows(x, axis):
    """Chunks of one item, and of one class."""
    return da.from_array(np.compress(KEEP, x, axis=axis), chunks=1)


def with_an_empty_chunk(x, axis):
    x = np.compress(KEEP, x, axis=axis)
    chunks = [(n,) if k != axis else (1, 0, n - 1) for k, n in enumerate(x.shape)]
    return da.from_array(x, chunks=tuple(chunks))


def items_axis(case, k, x):
    return 1 if case.row_arrays()[k] and case.axis % x.ndim == 0 else 0


def compare(case, lazily, keep=KEEP):
    """Value and gradient with and without weights of items, for each reduction, computed at once."""
    arrays = case.inputs(seed=1, shape=(9, 3))
    axes = [items_axis(case, k, x) for k, x in enumerate(arrays)]
    plain = [np.compress(keep, x, axis=axis) for x, axis in zip(arrays, axes, strict=True)]
    lazy = [lazily(x, axis) for x, axis in zip(arrays, axes, strict=True)]
    weight = np.linspace(0.5, 2.0, 9).reshape(9, *[1] * (len(case.item_shape((9, 3))) - 1))
    column = np.asarray([True, False, True]).reshape(case.item_shape((3,)) if case.rows else (3, 1))
    found, expected = [], []
    for reduction, in_numpy, in_dask in (
        ("none", {"where": column}, {"where": da.from_array(column)}),
        ("mean", {}, {}),
        ("batchmean", {"where": column}, {"where": da.from_array(column)}),
        ("mean", {"weight": np.compress(keep, weight, axis=0)}, {"weight": lazily(weight, 0)}),
    ):
        loss = dataclasses.replace(case.loss, reduction=reduction)
        compute = al.value_and_grad(loss) if reduction != "none" else lambda *x, loss=loss, **rest: (loss(*x, **rest),)
        with dask.config.set(scheduler=refuse):
            found += compute(*lazy, **in_dask)
        expected += compute(*plain, **in_numpy)
    for x, y in zip(dask.compute(*found, scheduler="synchronous"), expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-14)
        assert (np.shape(x), x.dtype) == (np.shape(y), y.dtype)


def refuse(*args, **kwargs):
    raise AssertionError("a lazy array was computed")


@pytest.mark.every_loss
@pytest.mark.parametrize("case", CASES, ids=str)
def test_lengths_that_are_not_known(case):
    compare(case, masked)


@pytest.mark.every_loss
@pytest.mark.parametrize("case", [case for case in DEFAULTS if case.rows], ids=str)
def test_lengths_that_are_not_known_beside_chunks_of_rows(case):
    compare(case, masked_in_small_chunks)


@pytest.mark.parametrize("name", ["optax.triplet_margin_loss", "ctc"])
def test_a_stack_of_lengths_that_are_not_known(name):
    case = next(case for case in [*CASES, *OTHERS] if case.name == name)
    found = case.loss(*[masked(v, 0) for v in case.of_batch(9)]).compute(scheduler="synchronous")
    np.testing.assert_allclose(found, case.loss(*[v[KEEP] for v in case.of_batch(9)]), rtol=1e-12)


@pytest.mark.parametrize("case", DEFAULTS, ids=str)
def test_no_item_left(case):
    compare(case, lambda x, axis: masked_in_small_chunks(x, axis, NONE), NONE)


@pytest.mark.parametrize("keep", [KEEP, NONE], ids=["some", "none"])
@pytest.mark.parametrize("squared", [False, True])
def test_cumulative_sums_of_lengths_that_are_not_known(squared, keep):
    compare(
        Case("wasserstein_1d", al.Wasserstein1D(squared=squared)),
        functools.partial(masked_in_small_chunks, keep=keep),
        keep,
    )


@pytest.mark.parametrize("keep", [KEEP, NONE], ids=["some", "none"])
@pytest.mark.parametrize("from_logits", [True, False])
def test_sequences_of_which_it_is_not_known_how_many_are_left(from_logits, keep):
    case = Case("ctc", al.Ctc(from_logits=from_logits, zero_infinity=True))
    arrays = case.of_batch(9)
    lazy = [masked(x, 0, keep) for x in arrays]
    for reduction in ("mean", "sum", "batchmean"):
        compute = al.value_and_grad(dataclasses.replace(case.loss, reduction=reduction))
        expected = compute(*[x[keep] for x in arrays])
        for x, y in zip(dask.compute(*compute(*lazy), scheduler="synchronous"), expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-14)


@pytest.mark.every_loss
@pytest.mark.parametrize("case", OTHERS, ids=str)
def test_items_of_which_it_is_not_known_how_many_are_left(case):
    arrays = case.of_batch(9)
    plain = [x[KEEP] if len(x) == 9 else x for x in arrays]
    lazy = [masked(x, 0) if len(x) == 9 else da.from_array(x) for x in arrays]
    items = dataclasses.replace(case.loss, reduction="none")
    with dask.config.set(scheduler=refuse):
        found = [items(*lazy), *al.value_and_grad(case.loss)(*lazy)]
    expected = [items(*plain), *al.value_and_grad(case.loss)(*plain)]
    for x, y in zip(dask.compute(*found, scheduler="synchronous"), expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-14)


@pytest.mark.every_loss
@pytest.mark.parametrize("case", [case for case in OTHERS if case.loss.declaration.coupled], ids=str)
def test_gradients_by_each_array_of_items_of_which_it_is_not_known_how_many_are_left(case):
    arrays = case.of_batch(9)
    where = np.resize([True, True, False, True], subject(case).where_shape(arrays))
    plain, lazy = [x[KEEP] for x in arrays], [masked(x, 0) for x in arrays]
    compute = al.value_and_grad(case.loss, case.floating())
    for in_numpy, in_dask in (({}, {}), ({"where": where[KEEP]}, {"where": masked(where, 0)})):
        value, gradients = compute(*plain, **in_numpy)
        with dask.config.set(scheduler=refuse):
            lazy_value, lazy_gradients = compute(*lazy, **in_dask)
        found = dask.compute(lazy_value, *lazy_gradients, scheduler="synchronous")
        for x, y in zip(found, (value, *gradients), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", ["lovasz_hinge", "lovasz_softmax"])
def test_places_of_all_images_that_are_not_known(name):
    loss = al.get(name, per_image=False)
    case = Case(name, loss)
    lazy = [masked(x, 0) for x in case.of_batch(9)]
    with pytest.raises(ValueError, match=r"compute_chunk_sizes\(\)` for each array"):
        loss(*lazy)
    counted = [x.compute_chunk_sizes() for x in lazy]
    expected = loss(*[x[KEEP] for x in case.of_batch(9)])
    np.testing.assert_allclose(loss(*counted).compute(scheduler="synchronous"), expected, rtol=1e-12)


# Dask's own variance of a whole array of such a shape is NaN.
@pytest.mark.parametrize(("name", "axis"), [("mean", None), ("mean", 0), ("mean", 1), ("var", 0), ("std", 0)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_a_mean_of_ones_own_has_its_gradient_where_a_length_is_not_known(name, keepdims, axis):
    def total(x):
        xp = al.array_namespace(x)
        return xp.sum(getattr(xp, name)(x * x, axis=axis, keepdims=keepdims) ** 2)

    x = np.random.default_rng(0).normal(size=(9, 5))
    found = al.grad(total)(masked(x, 0)).compute(scheduler="synchronous")
    np.testing.assert_allclose(found, al.grad(total)(x[KEEP]), rtol=1e-12)


def test_a_cumulative_sum_of_ones_own_has_its_gradient_where_a_length_is_not_known():
    @al.loss
    def total(prediction, target):
        xp = al.array_namespace(prediction, target)
        return xp.cumulative_sum(prediction, axis=-1) * target

    x, y = np.random.default_rng(0).normal(size=(2, 9, 5))
    lazy = [masked_in_small_chunks(v, 0) for v in (x, y)]
    found = al.grad(total)(*lazy, reduction="sum").compute(scheduler="synchronous")
    # The derivative of Σ y_k Σ_{j <= k} x_j by x_j is the sum of y from j on.
    np.testing.assert_allclose(found, np.cumsum(y[KEEP, ::-1], axis=1)[:, ::-1], rtol=1e-12)


@pytest.mark.parametrize("lazily", [counted, of_single_rows, with_an_empty_chunk])
@pytest.mark.parametrize("case", [case for case in DEFAULTS if case.rows or case.name == "huber"], ids=str)
def test_chunks_of_any_kind(case, lazily):
    compare(case, lazily)


@pytest.mark.parametrize("name", ["cross_entropy", "kl_divergence", "cosine_embedding"])
def test_arrays_in_chunks_of_their_own(name):
    case = next(case for case in DEFAULTS if case.name == name)
    kinds = iter([of_single_rows, with_an_empty_chunk, counted] * 10)
    compare(case, lambda x, axis: next(kinds)(x, axis))
