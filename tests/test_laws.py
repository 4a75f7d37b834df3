"""The laws that every loss keeps on every backend, as a table of laws, cases and variants; a registered loss is in it.

The laws are those of `arraylosses.testing`. Here are, beside them, what is particular to the catalogue.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import arraylosses as al
from arraylosses.testing import LAWS, Subject

from .cases import CASES, CLASSES, DEFAULTS, NUMPY, OF_BATCHES, OURS, Case, subject
from .catalogue import CATALOGUE
from .variants import Variant

REDUCTIONS = ("none", "sum", "mean", "batchmean")
EVERYTHING = [*CASES, *OF_BATCHES]
all_cases = pytest.mark.parametrize("case", EVERYTHING, ids=str)

OF_ALL_VARIANTS = ("values", "where")
OF_SETTINGS = ("dtype", "device", "items", "weight", "axis", "gradient", "edges")
OF_DEFAULTS = ("shape", "half precision", "inputs", "no items", "NaN")
OF_COMPILERS = ("tracing",)
OF_FORMULAS = ("closed form", "serialization")


@all_cases
@pytest.mark.parametrize("law", OF_ALL_VARIANTS)
def test_a_law_holds_in_every_variant(variant, case, law):
    LAWS[law](subject(case, variant))


@pytest.mark.main_variants
@all_cases
@pytest.mark.parametrize("law", OF_SETTINGS)
def test_a_law_holds_with_all_settings(variant, case, law):
    LAWS[law](subject(case, variant))


@pytest.mark.main_variants
@pytest.mark.parametrize("case", [case for case in EVERYTHING if case.loss == type(case.loss)()], ids=str)
@pytest.mark.parametrize("law", OF_DEFAULTS)
def test_a_law_that_settings_do_not_touch_holds(variant, case, law):
    LAWS[law](subject(case, variant))


@pytest.mark.slow
@pytest.mark.every_loss("numpy", "strict")
@pytest.mark.main_variants
@all_cases
@pytest.mark.parametrize("law", OF_COMPILERS)
def test_a_law_of_compilers_holds(variant, case, law):
    LAWS[law](subject(case, variant))


@pytest.mark.otherwise_numpy
@all_cases
@pytest.mark.parametrize("law", OF_FORMULAS)
def test_a_law_of_formulas_holds(case, law):
    LAWS[law](subject(case))


def has_real_rows(case: Case) -> bool:
    forms = [argument.form(integer=not case.soft) for argument in case.loss.declaration.arguments]
    return any(form.domain.name == "real" and len(form.axes) > 1 for form in forms)


@pytest.mark.main_variants
@pytest.mark.parametrize("case", [c for c in EVERYTHING if c.loss == type(c.loss)() and has_real_rows(c)], ids=str)
def test_a_row_of_zeros_has_no_derivative_near_the_end_of_the_floats(variant, case):
    # What divides a row by its length has none there: not that of the smallest number, which is finite too.
    on = subject(case, variant)
    for k in case.floating():
        for dtype in variant.dtypes:
            arrays = on.draw(dtype=dtype)
            if arrays[k].ndim < 2:
                continue
            arrays[k][0] = 0.0
            if np.isfinite(on.value(arrays, "mean")).all():
                for found in on.gradients(arrays, on.floating(arrays), "mean"):
                    assert (np.abs(found) < 1e20).all(), (k, dtype)


@pytest.mark.otherwise_numpy
def test_every_law_is_tried():
    assert {*OF_ALL_VARIANTS, *OF_SETTINGS, *OF_DEFAULTS, *OF_COMPILERS, *OF_FORMULAS} == LAWS.keys()


def compute(variant: Variant, loss: al.Loss, arrays, **items) -> np.ndarray:
    """Return the values of a loss, run in the manner of the variant."""
    on = Subject(loss, variant, NUMPY, None)
    return on.value(arrays, loss.reduction, **items)


def close(actual, expected, dtype: str = "float64") -> None:
    scale = np.max(np.abs(expected), initial=1.0, where=np.isfinite(expected))
    rtol = 1e-12 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * scale)


def has_classes(case: Case) -> bool:
    return "class" in case.loss.declaration.domains


@pytest.mark.otherwise_numpy
@pytest.mark.parametrize("case", [c for c in CASES if has_classes(c)], ids=str)
def test_a_class_weight_is_a_weight_of_the_item_and_an_ignored_label_is_left_out(case):
    loss = case.loss
    arrays = case.inputs(seed=1)
    plain = replace(loss, reduction="none", class_weight=None, **({} if case.soft else {"ignore_index": None}))
    weight = np.ones(case.item_shape((4, 3)))
    if loss.class_weight is not None:
        of_class = np.asarray(loss.class_weight)
        weight = np.moveaxis(arrays[1], case.axis, -1) @ of_class if case.soft else of_class[arrays[1]]
    if not case.soft and loss.ignore_index is not None:
        weight = np.where(arrays[1] == loss.ignore_index, 0.0, weight)
    items = weight * plain(*arrays)
    close(replace(loss, reduction="none")(*arrays), items)
    close(loss(*arrays), np.sum(items) / np.sum(weight))


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
            compute(variant, chosen, (logits, labels), weight=weight),
            compute(variant, chosen, (logits, one_hot), weight=weight),
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
            compute(variant, replace(without, z_loss=0.5, softcap=1.5), (logits, target), weight=weight),
            compute(variant, without, (capped, target), weight=weight) + 0.5 * added,
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
