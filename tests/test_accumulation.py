"""`al.Mean`: a loss of batches is the loss of all data at once, in float64."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

import arraylosses as al

from .cases import CASES

pytestmark = pytest.mark.otherwise_numpy

CUTS = (0, 3, 3, 4, 9)

STREAMED = [case for case in CASES if "weight_matrix" not in case.loss.array_names]


def batches(arrays, case):
    """The arrays cut along the axis of the items that comes first."""
    for start, stop in itertools.pairwise(CUTS):
        index = range(start, stop)
        yield [
            np.take(x, index, axis=1 if is_row and case.axis % x.ndim == 0 else 0)
            for x, is_row in zip(arrays, case.row_arrays(), strict=True)
        ]


@pytest.mark.parametrize("case", STREAMED, ids=str)
@pytest.mark.parametrize("reduction", ["mean", "sum", "batchmean"])
def test_batches_give_the_loss_of_the_whole(case, reduction):
    loss = replace(case.loss, reduction=reduction)
    arrays = case.inputs(seed=21, shape=(9,))
    shape = case.item_shape((9,))
    rng = np.random.default_rng(22)
    weight, where = rng.uniform(0.5, 2.0, size=shape), rng.uniform(size=shape) < 0.7
    mean = al.Mean(loss)
    halves = al.Mean(loss), al.Mean(loss)
    for k, (start, given) in enumerate(zip(CUTS, batches(arrays, case), strict=False)):
        part = slice(start, CUTS[k + 1])
        for one in (mean, halves[k % 2]):
            one.update(*given, weight=weight[part], where=where[part])
    halves[0].merge(halves[1])
    expected = float(loss(*arrays, weight=weight, where=where))
    for one in (mean, halves[0], al.Mean.from_state(json.loads(json.dumps(mean.state())))):
        np.testing.assert_allclose(one.result(), expected, rtol=1e-13, atol=1e-300)


@pytest.mark.main_variants
def test_batches_come_from_any_library(variant):
    rng = np.random.default_rng(23)
    z, y = rng.normal(size=(8, 3)).astype("float32"), rng.integers(0, 3, size=8).astype("int32")
    loss = al.CrossEntropy(class_weight=(1.0, 2.0, 0.5), ignore_index=1)
    mean = al.Mean(loss)
    mean.update(z[:3], y[:3])
    mean.update(variant.array(z[3:7]), labels=variant.array(y[3:7]), weight=variant.array(np.full(4, 2.0, "float32")))
    mean.update(z[7:], y[7:])
    weight = np.asarray([1, 1, 1, 2, 2, 2, 2, 1], "float32")
    np.testing.assert_allclose(mean.result(), loss(z, y, weight=weight), rtol=1e-6)


@pytest.mark.main_variants
def test_a_factor_may_be_one_that_is_learned(variant):
    factor = variant.array(np.asarray(0.5, "float32"))
    if variant.backend == "torch":
        factor.requires_grad_()
    mean = al.Mean(al.SquaredError() * factor + al.AbsoluteError())
    for x in ([1.0, 2.0], [3.0]):
        mean.update(variant.array(np.asarray(x, "float32")), variant.array(np.zeros(len(x), "float32")))
    assert mean.result() == pytest.approx(14 / 3 / 2 + 2, rel=1e-15)


def test_a_composite_is_streamed_term_by_term():
    rng = np.random.default_rng(24)
    a, b, w = rng.normal(size=(10, 2)), rng.normal(size=(10, 2)), rng.uniform(size=(10, 1))
    loss = al.weighted_sum({"x": al.Huber() + 0.5 * al.LogCosh(), "y": ["squared_error", None]}, {"y": 3.0})
    mean = al.Mean(loss)
    for part in (slice(0, 7), slice(7, 10)):
        outputs = {"x": a[part], "y": [b[part], b[part]]}, {"x": b[part], "y": [a[part]]}
        mean.update(*outputs, weight={"x": w[part]})
    expected = loss({"x": a, "y": [b, b]}, {"x": b, "y": [a]}, weight={"x": w})
    np.testing.assert_allclose(mean.result(), expected, rtol=1e-14)
    again = al.Mean.from_state(json.loads(json.dumps(mean.state())))
    assert again.result() == mean.result()


@pytest.mark.parametrize(("reduction", "expected"), [("mean", 6.5), ("sum", 13.0), ("batchmean", 6.5)])
def test_an_item_without_an_axis_is_a_batch_of_one(reduction, expected):
    mean = al.Mean(al.SquaredError(reduction=reduction))
    for error in (2.0, 3.0):
        mean.update(np.asarray(error), np.asarray(0.0))
    assert mean.result() == expected


def test_a_bad_batch_leaves_what_was_there_and_infinities_are_kept():
    mean = al.Mean("squared_error")
    assert mean.result() == 0.0
    mean.update(np.ones(2), np.zeros(2))
    with pytest.raises(ValueError, match="shape"):
        mean.update(np.ones(2), np.zeros(3))
    assert mean.result() == 1.0
    mean.update(np.asarray([np.inf]), np.zeros(1))
    again = al.Mean.from_state(json.loads(json.dumps(mean.state(), allow_nan=False)))
    assert again.result() == np.inf
    mean.reset()
    assert mean.result() == 0.0
    assert repr(mean) == "Mean(SquaredError(reduction='mean'))"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: al.Mean(al.Huber(reduction="none")), ValueError, "must have the reduction 'mean', .* got 'none'"),
        (lambda: al.Mean(al.InfoNce()), ValueError, "items that do not depend on each other for a stream, got InfoNce"),
        (lambda: al.Mean(al.Huber() + al.Dice(per_image=False)), ValueError, "for a stream, got Dice"),
        (lambda: al.Mean("huber").merge("huber"), TypeError, "`other` must be an al.Mean, got 'huber'"),
        (lambda: al.Mean("huber").merge(al.Mean("mse")), ValueError, "`other` must be a mean of Huber"),
        (lambda: al.Mean.from_state({"loss": 1}), TypeError, "`state` must be a mapping with a loss and totals"),
        (
            lambda: al.Mean.from_state({"loss": al.serialize(al.Huber()), "totals": []}),
            ValueError,
            "`totals` must be a list of 1",
        ),
        (
            lambda: al.Mean.from_state({"loss": al.serialize(al.Huber()), "totals": [{"loss": 1.0}]}),
            ValueError,
            "`totals` must hold 'loss', 'weight', 'length'",
        ),
    ],
)
def test_what_is_no_stream_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.backend("torch")
def test_micro_batches_have_the_gradient_of_one_batch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(25)
    x, y = torch.tensor(rng.normal(size=(10, 4))), torch.tensor(rng.integers(0, 3, size=10))
    matrix = torch.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    al.cross_entropy(x @ matrix, y).backward()
    whole, matrix.grad = matrix.grad, None
    for part in (slice(0, 7), slice(7, 10)):
        (al.cross_entropy(x[part] @ matrix, y[part], reduction="sum") / 10).backward()
    np.testing.assert_allclose(matrix.grad.numpy(), whole.numpy(), rtol=1e-12)
