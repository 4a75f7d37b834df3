"""The laws that every loss keeps on every backend, as a table of cases and variants. A registered loss is in it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import arraylosses as al

from .cases import CASES, CLASSES, DEFAULTS, OURS, Case
from .catalogue import CATALOGUE
from .variants import Variant

REDUCTIONS = ("none", "sum", "mean", "batchmean")
all_cases = pytest.mark.parametrize("case", CASES, ids=str)
default_cases = pytest.mark.parametrize("case", DEFAULTS, ids=str)


def compute(variant: Variant, loss: al.Loss, arrays, weight=None, where=None) -> np.ndarray:
    """Run a loss in the manner of the variant, and return its values."""
    return variant.numpy(compute_array(variant, loss, arrays, weight, where))


def compute_array(variant: Variant, loss: al.Loss, arrays, weight=None, where=None):
    extra = [x for x in (weight, where) if x is not None]

    def call(*given):
        rest = list(given[len(arrays) :])
        w = rest.pop(0) if weight is not None else None
        return loss(*given[: len(arrays)], weight=w, where=rest.pop(0) if where is not None else None)

    return variant.run(call, *(variant.array(x) for x in (*arrays, *extra)))


def tolerance(dtype: str) -> float:
    return 1e-12 if dtype == "float64" else 2e-5


def close(actual, expected, dtype: str = "float64") -> None:
    scale = np.max(np.abs(expected), initial=1.0, where=np.isfinite(expected))
    np.testing.assert_allclose(actual, expected, rtol=tolerance(dtype), atol=tolerance(dtype) * scale)


def expected(case: Case, arrays, weight=None, where=None, reduction="mean") -> np.ndarray:
    """The reduction as the contract states it, of NumPy's per-item losses in float64."""
    plain = replace(case.loss, reduction="none", **({"class_weight": None} if has_classes(case) else {}))
    items = np.asarray(plain(*arrays))
    w = np.ones(items.shape) if weight is None else np.broadcast_to(weight, items.shape)
    keep = np.ones(items.shape, dtype=bool) if where is None else np.broadcast_to(where, items.shape)
    if has_classes(case):
        if not case.soft and case.loss.ignore_index is not None:
            keep = keep & (arrays[1] != case.loss.ignore_index)
        if case.loss.class_weight is not None:
            class_weight = np.asarray(case.loss.class_weight)
            w = w * (
                np.tensordot(np.moveaxis(arrays[1], case.axis, -1), class_weight, 1)
                if case.soft
                else class_weight[arrays[1]]
            )
    total = np.where(keep, w * items, 0.0)
    if reduction == "none":
        return total
    divisor = {"sum": 1.0, "mean": np.sum(w[keep]), "batchmean": items.shape[0] if items.ndim else 1}[reduction]
    return np.sum(total) / divisor


def has_classes(case: Case) -> bool:
    return "class" in case.loss.declaration.domains


@all_cases
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_result_has_the_library_dtype_device_and_shape_of_the_inputs(variant, case, reduction):
    loss = replace(case.loss, reduction=reduction)
    for dtype in variant.dtypes:
        arrays = case.inputs(dtype=dtype)
        result = compute_array(variant, loss, arrays)
        assert variant.of_this_library(result)
        assert str(result.dtype).rpartition(".")[2] == dtype
        assert tuple(result.shape) == (case.item_shape((4, 3)) if reduction == "none" else ())
        assert variant.device(result) == variant.device(variant.array(arrays[0]))
        wide = tuple(x.astype("float64") if x.dtype == dtype else x for x in arrays)
        close(variant.numpy(result), expected(case, wide, reduction=reduction), dtype)


@pytest.mark.main_variants
@all_cases
def test_weight_and_where_enter_every_reduction_as_the_contract_says(variant, case):
    dtype = variant.dtypes[-1]
    arrays = case.inputs(seed=1, dtype=dtype)
    rng = np.random.default_rng(2)
    shape = case.item_shape((4, 3))
    weight = rng.uniform(0.5, 2.0, size=shape).astype(dtype)
    where = rng.uniform(size=shape) < 0.7
    for reduction in REDUCTIONS:
        loss = replace(case.loss, reduction=reduction)
        for w, k in ((weight, None), (None, where), (weight, where)):
            close(compute(variant, loss, arrays, w, k), expected(case, arrays, w, k, reduction), dtype)


@pytest.mark.main_variants
@default_cases
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_and_returned_in_float32(variant, case, dtype):
    arrays = case.inputs()
    given = [variant.half(x, dtype) if x.dtype.kind == "f" else variant.array(x) for x in arrays]
    if any(x is None for x in given):
        pytest.skip(f"{variant.backend} has no {dtype}")
    result = variant.run(case.loss, *given)
    assert str(result.dtype).rpartition(".")[2] == "float32"
    rounded = [
        variant.numpy(x).astype("float64") if k in case.floating() else variant.numpy(x).astype(a.dtype)
        for k, (x, a) in enumerate(zip(given, arrays, strict=True))
    ]
    close(variant.numpy(result), expected(case, rounded), "float32")


def rubbish(case: Case, arrays, where, seed=3):
    """Put what may not be looked at where an item is left out: NaN, inf, and labels that are no class."""
    rng = np.random.default_rng(seed)
    out = []
    for x, is_row in zip(arrays, case.row_arrays(), strict=True):
        keep = np.broadcast_to(np.expand_dims(where, case.axis) if is_row else where, x.shape)
        bad = np.asarray([np.nan, np.inf, -np.inf, 0.0]) if x.dtype.kind == "f" else np.asarray([-1, CLASSES, -100, 99])
        out.append(np.where(keep, x, rng.choice(bad, size=x.shape).astype(x.dtype)))
    return tuple(out)


@all_cases
def test_where_equals_leaving_the_items_out_whatever_they_hold(variant, case):
    dtype = variant.dtypes[-1]
    arrays = case.inputs(seed=4, shape=(6,), dtype=dtype)
    where = np.asarray([True, False, True, True, False, True])
    if not case.rows:
        where = where[:, None]
    kept = tuple(
        np.compress(where.ravel(), x, axis=(0 if not is_row else (1 if case.axis % x.ndim == 0 else 0)))
        for x, is_row in zip(arrays, case.row_arrays(), strict=True)
    )
    mask = np.broadcast_to(where, case.item_shape((6,)))
    for reduction in ("mean", "sum"):
        loss = replace(case.loss, reduction=reduction)
        got = compute(variant, loss, rubbish(case, arrays, mask), None, where)
        close(got, expected(case, kept, reduction=reduction), dtype)
    weight = np.where(mask, 2.0, np.nan).astype(dtype)
    close(compute(variant, case.loss, rubbish(case, arrays, mask), weight, where), expected(case, kept), dtype)


@pytest.mark.main_variants
@default_cases
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_without_items_or_weight_the_result_is_zero(variant, case, reduction):
    loss = replace(case.loss, reduction=reduction)
    dtype = variant.dtypes[-1]
    arrays = case.inputs(dtype=dtype)
    shape = case.item_shape((4, 3))
    nothing = np.zeros(shape, dtype=bool)
    zero = 0.0 if reduction != "none" else np.zeros(shape)
    np.testing.assert_array_equal(compute(variant, loss, rubbish(case, arrays, nothing), None, nothing), zero)
    np.testing.assert_array_equal(np.abs(compute(variant, loss, arrays, np.zeros(shape, dtype), None)), zero)
    empty = case.inputs(shape=(0, 3), dtype=dtype)
    np.testing.assert_array_equal(
        compute(variant, loss, empty), 0.0 if reduction != "none" else np.zeros(case.item_shape((0, 3)))
    )


@pytest.mark.main_variants
@default_cases
def test_a_kept_nan_comes_out_as_nan(variant, case):
    arrays = list(case.inputs(dtype=variant.dtypes[-1]))
    for k in case.floating():
        bad = arrays[k].copy()
        bad[0] = np.nan
        assert np.isnan(compute(variant, case.loss, [*arrays[:k], bad, *arrays[k + 1 :]]))


@pytest.mark.main_variants
@default_cases
def test_a_constant_weight_changes_nothing_and_an_integer_weight_repeats(variant, case):
    dtype = variant.dtypes[-1]
    arrays = case.inputs(seed=5, shape=(5,), dtype=dtype)
    plain = compute(variant, case.loss, arrays)
    close(compute(variant, case.loss, arrays, np.full((), 3.5, dtype)), plain, dtype)
    times = np.asarray([1, 0, 2, 3, 1])
    weight = times if case.rows else times[:, None]
    repeated = tuple(np.repeat(x, times, axis=0) for x in arrays)
    close(compute(variant, case.loss, arrays, weight), compute(variant, case.loss, repeated), dtype)


@pytest.mark.main_variants
@default_cases
def test_a_weight_is_broadcast_before_it_is_summed(variant, case):
    dtype = variant.dtypes[-1]
    arrays = case.inputs(seed=6, dtype=dtype)
    shape = case.item_shape((4, 3))
    column = np.random.default_rng(7).uniform(0.5, 2.0, size=(shape[0], *(1 for _ in shape[1:]))).astype(dtype)
    full = np.broadcast_to(column, shape)
    close(compute(variant, case.loss, arrays, column), compute(variant, case.loss, arrays, full), dtype)
    close(compute(variant, case.loss, arrays, column), expected(case, arrays, full), dtype)


@pytest.mark.main_variants
@pytest.mark.parametrize("case", [c for c in DEFAULTS if c.rows], ids=str)
@pytest.mark.parametrize("axis", [0, 1, 2, -2])
def test_another_axis_equals_moving_it(variant, case, axis):
    dtype = variant.dtypes[-1]
    arrays = case.inputs(seed=8, dtype=dtype)
    moved = tuple(
        np.moveaxis(x, -1, axis) if is_row else x for x, is_row in zip(arrays, case.row_arrays(), strict=True)
    )
    last = compute(variant, replace(case.loss, reduction="none"), arrays)
    close(compute(variant, replace(case.loss, reduction="none", axis=axis), moved), last, dtype)


@pytest.mark.main_variants
@all_cases
def test_a_batch_equals_its_items_one_by_one(variant, case):
    dtype = variant.dtypes[-1]
    loss = replace(case.loss, reduction="none")
    arrays = case.inputs(seed=9, shape=(3,), dtype=dtype)
    whole = compute(variant, loss, arrays)
    for k in range(3):
        item = tuple(
            np.take(x, k, axis=1 if is_row and case.axis % x.ndim == 0 else 0)
            for x, is_row in zip(arrays, case.row_arrays(), strict=True)
        )
        one = compute(variant, loss, item)
        assert one.shape == whole[k].shape
        close(one, whole[k], dtype)


@default_cases
def test_inputs_are_not_written_to(variant, case):
    arrays = case.inputs(dtype=variant.dtypes[-1])
    where = np.zeros(case.item_shape((4, 3)), dtype=bool)
    where[0] = True
    given = [variant.array(x) for x in (*arrays, where)]
    variant.run(lambda *a: case.loss(*a[:-1], where=a[-1]), *given)
    for x, before in zip(given, (*arrays, where), strict=True):
        np.testing.assert_array_equal(variant.numpy(x), before)


@pytest.mark.otherwise_numpy
@all_cases
def test_plain_data_gives_the_same_loss_back(case):
    data = json.loads(json.dumps(al.serialize(case.loss)))
    again = al.deserialize(data)
    assert again == case.loss
    assert hash(again) == hash(case.loss)
    arrays = case.inputs()
    np.testing.assert_array_equal(again(*arrays), case.loss(*arrays))


@pytest.mark.otherwise_numpy
def test_every_loss_has_an_entry_with_an_independent_source_of_its_values():
    assert CATALOGUE.keys() == OURS.keys()
    for name, entry in CATALOGUE.items():
        sources = (entry.reference, entry.of_batch, entry.tested_in)
        assert sum(map(bool, sources)) == 1, name


@pytest.mark.otherwise_numpy
@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_tested_off_its_default_and_refuses_what_it_may_not_be(name):
    entry, defaults = CATALOGUE[name], OURS[name]().settings()
    off = {key for settings in entry.settings for key, value in settings.items() if value != defaults[key]}
    assert defaults.keys() - off == {"reduction"}
    refused = {next(iter(one.settings)) for one in entry.refused}
    assert defaults.keys() - refused <= {"reduction"}  # whose choices are those of all losses


SPECIAL_CASES = [
    pytest.param(name, one, id=f"{name}-{one.settings}-is-{one.simpler}".replace(" ", ""))
    for name, entry in CATALOGUE.items()
    for one in entry.special_cases
]


@pytest.mark.main_variants
@pytest.mark.parametrize(("name", "equals"), SPECIAL_CASES)
def test_a_special_case_equals_the_simpler_loss(variant, name, equals):
    case = Case(name, al.get(name, **equals.settings))
    dtype = variant.dtypes[-1]
    arrays = case.inputs(seed=10, dtype=dtype)
    simpler = al.get(equals.simpler, **equals.simpler_settings)
    close(compute(variant, case.loss, arrays), equals.factor * compute(variant, simpler, arrays), "float32")


@pytest.mark.main_variants
@pytest.mark.parametrize("case", [c for c in CASES if has_classes(c) and not c.soft], ids=str)
def test_integer_labels_equal_one_hot(variant, case):
    dtype = variant.dtypes[-1]
    logits, labels = case.inputs(seed=11, dtype=dtype)
    loss = replace(case.loss, ignore_index=None)
    one_hot = np.moveaxis(np.eye(CLASSES, dtype=dtype)[labels], -1, case.axis)
    weight = np.random.default_rng(12).uniform(size=labels.shape).astype(dtype)
    for reduction in REDUCTIONS:
        chosen = replace(loss, reduction=reduction)
        close(
            compute(variant, chosen, (logits, labels), weight),
            compute(variant, chosen, (logits, one_hot), weight),
            dtype,
        )


@pytest.mark.main_variants
def test_the_z_loss_is_added_to_an_item_whatever_its_target_and_weighted_with_it(variant):
    dtype = variant.dtypes[-1]
    logits, target = Case("cross_entropy", al.CrossEntropy(), soft=True).inputs(seed=16, dtype=dtype)
    target = target * np.asarray([0.0, 0.5, 2.0], dtype=dtype)[:, None]  # which do not sum to 1
    weight = np.random.default_rng(17).uniform(size=target.shape[:-1]).astype(dtype)
    class_weight = (1.0, 0.5, 2.0, 0.25, 3.0)
    capped = 1.5 * np.tanh(logits / 1.5)
    square = np.log(np.sum(np.exp(capped), axis=-1)) ** 2
    for settings in ({}, {"label_smoothing": 0.25}, {"class_weight": class_weight}):
        without = al.CrossEntropy(reduction="none", **settings)
        added = weight * square * (target @ np.asarray(class_weight, dtype) if "class_weight" in settings else 1)
        close(
            compute(variant, replace(without, z_loss=0.5, softcap=1.5), (logits, target), weight),
            compute(variant, without, (capped, target), weight) + 0.5 * added,
            dtype,
        )


@pytest.mark.main_variants
def test_soft_margin_is_binary_cross_entropy_in_the_other_convention(variant):
    dtype = variant.dtypes[-1]
    prediction, target = Case("soft_margin", al.SoftMargin()).inputs(dtype=dtype)
    binary = compute(variant, al.BinaryCrossEntropy(), (prediction, (target + 1) / 2))
    close(compute(variant, al.SoftMargin(), (prediction, target)), binary, dtype)


@pytest.mark.main_variants
def test_two_classes_of_which_one_has_logit_zero_are_binary(variant):
    dtype = variant.dtypes[-1]
    prediction, target = Case("binary_cross_entropy", al.BinaryCrossEntropy()).inputs(dtype=dtype)
    logits = np.stack([np.zeros_like(prediction), prediction], axis=-1)
    soft = np.stack([1 - target, target], axis=-1)
    binary = compute(variant, al.BinaryCrossEntropy(), (prediction, target))
    close(compute(variant, al.CrossEntropy(), (logits, soft)), binary, dtype)


@pytest.mark.main_variants
@default_cases
def test_an_integer_target_is_converted(variant, case):
    dtype = variant.dtypes[-1]
    arrays = list(case.inputs(seed=13, dtype=dtype))
    last = case.loss.declaration.domains[-1]
    if last not in ("sign", "probability", "nonnegative", "real") or case.rows:
        pytest.skip("the target is no number by itself")
    whole = np.round(arrays[-1])
    for kind in ("int8", "int64"):
        got = (
            compute(variant, case.loss, [*arrays[:-1], whole.astype(kind)])
            if kind != "int64" or variant.dtypes != ("float32",)
            else compute(variant, case.loss, [*arrays[:-1], whole.astype("int32")])
        )
        close(got, compute(variant, case.loss, [*arrays[:-1], whole]), dtype)


@pytest.mark.backend("dask")
@pytest.mark.parametrize("case", [c for c in DEFAULTS if not c.soft], ids=str)
def test_a_lazy_array_may_have_a_length_that_is_not_known(case):
    da = pytest.importorskip("dask.array")
    arrays = case.inputs(seed=14, shape=(6,))
    keep = np.asarray([True, False, True, True, False, True])
    weight = np.random.default_rng(15).uniform(size=case.item_shape((6,)))
    lazy = [da.from_array(x, chunks=2)[da.from_array(keep, chunks=2)] for x in (*arrays, weight)]
    got = case.loss(*lazy[:-1], weight=lazy[-1]).compute(scheduler="synchronous")
    close(got, case.loss(*(x[keep] for x in arrays), weight=weight[keep]))
    close(case.loss(*lazy[:-1]).compute(scheduler="synchronous"), case.loss(*(x[keep] for x in arrays)))
