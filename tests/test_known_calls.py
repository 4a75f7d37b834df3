"""Calls of a kind that was seen before: each as if it were the first one."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import numpy as np
import pytest

import arraylosses as al

from .cases import CASES
from .test_execution import items_of

all_cases = pytest.mark.parametrize("case", CASES, ids=str)
libraries = pytest.mark.parametrize(
    "library", [pytest.param(x, marks=pytest.mark.backend(x)) for x in ("numpy", "torch")]
)
SHAPE = (5, 3)


def of(library, x):
    return np.array(x) if library == "numpy" else pytest.importorskip("torch").tensor(np.asarray(x))


def value_and_gradient(library, loss, arrays, given):
    if 0 not in loss.closed_forms:
        return (loss(*arrays, **given),)
    if library == "numpy":
        return al.value_and_grad(loss)(*arrays, **given)
    first = arrays[0].clone().requires_grad_()
    value = loss(first, *arrays[1:], **given)
    value.backward()
    return value.detach(), first.grad


@libraries
@all_cases
def test_what_is_remembered_of_one_call_holds_for_the_next(library, case):
    loss = replace(case.loss, reduction="mean")
    for names in ((), ("weight",), ("where",), ("weight", "where"), ()):
        for seed in (3, 4, 3):
            items = items_of(case.item_shape(SHAPE), seed)
            arrays = [of(library, x) for x in case.inputs(seed, shape=SHAPE)]
            given = {name: of(library, items[name]) for name in names}
            found = value_and_gradient(library, loss, arrays, given)
            with mock.patch("arraylosses.execution.known.find", return_value=None):
                expected = value_and_gradient(library, loss, arrays, given)
            for x, y in zip(found, expected, strict=True):
                np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


@libraries
@pytest.mark.parametrize("loss", [x() for x in (al.LovaszSoftmax, al.LovaszHinge, al.Dice, al.Mcc)], ids=str)
@pytest.mark.parametrize("per_image", [True, False])
def test_images_without_a_pixel_have_no_labels_each_time(library, loss, per_image):
    loss = replace(loss, per_image=per_image)
    classes = () if isinstance(loss, al.LovaszHinge) else (3,)
    arrays = [of(library, x) for x in (np.zeros((2, 0, *classes)), np.zeros((2, 0), dtype="int64"))]
    for _ in range(3):
        value, gradient = value_and_gradient(library, loss, arrays, {})
        assert value == 0
        assert tuple(gradient.shape) == (2, 0, *classes)


LABELS = {
    "none": [0, 2, 1, 2],
    "some": [0, 7, 1, 7],
    "others": [7, 7, 2, 1],
    "all": [7, 7, 7, 7],
    "wrong": [0, 3, 7, 1],
}


@libraries
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("loss", [al.CrossEntropy, al.Nll, al.CategoricalFocal, al.MultiMargin])
@pytest.mark.parametrize("first", LABELS)
def test_each_call_has_labels_to_leave_out_of_its_own(library, loss, reduction, first):
    loss = loss(ignore_index=7, reduction=reduction)
    logits = of(library, np.linspace(-3.0, 1.0, 12).reshape(4, 3))
    kept = [True, True, False, True]
    for name in (first, *LABELS, *LABELS):
        labels = np.asarray(LABELS[name])
        for where in (None, kept):
            given = {} if where is None else {"where": of(library, where)}
            if name == "wrong":
                with pytest.raises(ValueError, match=r"`(labels|target)` must lie in \[0, 3\) for 3 classes, got 3"):
                    loss(logits, of(library, labels), **given)
                continue
            used = (labels != 7) & np.asarray(kept if where else True)
            found = np.asarray(loss(logits, of(library, labels), **given))
            items = np.asarray(
                replace(loss, reduction="none", ignore_index=None)(logits[used], of(library, labels[used]))
            )
            if reduction == "none":
                np.testing.assert_allclose(found[used], items, rtol=1e-14)
                np.testing.assert_array_equal(found[~used], 0.0)
            else:
                np.testing.assert_allclose(found, items.mean() if used.any() else 0.0, rtol=1e-14)


@libraries
def test_a_call_of_a_kind_is_checked_once(library):
    logits, labels, ignoring = of(library, np.zeros((4, 3))), of(library, [0, 1, 2, 0]), of(library, [0, 5, 2, 0])
    weight, where = of(library, np.ones(4)), of(library, [True, False, True, True])
    losses = [al.CrossEntropy(ignore_index=5), al.CrossEntropy(class_weight=of(library, [1.0, 2.0, 3.0]))]
    calls = [(losses[0], labels, {}), (losses[0], ignoring, {}), (losses[1], labels, {})]
    calls += [(losses[0], labels, {"weight": weight}), (losses[0], labels, {"where": where})]
    al.CrossEntropy.checked.clear()
    with mock.patch.object(al.Loss, "check", autospec=True, side_effect=al.Loss.check) as check:
        for loss, y, given in [*calls, *calls, *calls]:
            loss(logits, y, **given)
    assert check.call_count == len(calls)


@libraries
def test_what_is_kept_is_of_another_kind_than_a_weight(library):
    x, kept = of(library, [1.0, np.nan, 2.0]), of(library, [True, False, True])
    for _ in range(2):
        assert np.isnan(np.asarray(al.huber(x, of(library, np.zeros(3)), weight=kept)))
        assert float(al.huber(x, of(library, np.zeros(3)), where=kept)) == 1.0


SMALL_INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "uint64"]


@libraries
@pytest.mark.parametrize("dtype", SMALL_INTEGERS)
@pytest.mark.parametrize("shape", [(5, 3), (5, 300), (700, 100)], ids=str)
@pytest.mark.parametrize(
    "name",
    ["cross_entropy", "nll", "categorical_focal", "multi_margin", "categorical_brier", "corn", "multiclass_sparsemax"],
)
def test_labels_of_any_dtype_are_those_of_64_bits_in_each_call(library, dtype, shape, name):
    logits = np.random.default_rng(3).normal(size=shape)
    labels = np.arange(shape[0]) % min(shape[1], 128)
    function = getattr(al, name)
    expected = [function(logits[k : k + 1], labels[k : k + 1]) for k in range(shape[0])]
    for ignore_index in (None, 0, -1):
        kept = labels != ignore_index
        settings = {} if ignore_index is None or name == "corn" else {"ignore_index": ignore_index}
        kept = kept if settings else np.ones(shape[0], bool)
        for _ in range(3):
            found = function(of(library, logits), of(library, labels.astype(dtype)), **settings)
            np.testing.assert_allclose(float(found), np.asarray(expected)[kept].mean(), rtol=1e-12)


@libraries
@pytest.mark.parametrize("dtype", ["uint8", "uint64"])
def test_the_largest_unsigned_label_is_never_the_negative_one_that_is_ignored(library, dtype):
    logits, wrong = of(library, np.zeros((3, 4))), of(library, np.asarray([0, np.iinfo(dtype).max, 1], dtype))
    loss = al.CrossEntropy(ignore_index=-1)
    for labels in (of(library, np.asarray([0, 2, 1], dtype)), wrong, wrong):
        if labels is not wrong:
            loss(logits, labels)
            continue
        with pytest.raises(ValueError, match=r"`labels` must lie in \[0, 4\) for 4 classes, got \d+"):
            loss(logits, labels)
