"""The losses of boxes where boxes have no area, are equal or apart, and what counts as a constant."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

import arraylosses as al

LOSSES = (al.Iou(), al.Giou(), al.Diou(), al.Ciou())
BOX, APART, POINT, LINE = [0.0, 0.0, 2.0, 1.0], [5.0, 4.0, 6.0, 6.0], [1.0, 1.0, 1.0, 1.0], [0.0, 0.5, 2.0, 0.5]


pytestmark = pytest.mark.otherwise_numpy


@pytest.mark.main_variants
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_every_pair_of_boxes_has_a_finite_gradient_and_equal_ones_have_none(variant, loss):
    dtype = variant.dtypes[-1]
    pairs = np.asarray(list(itertools.product((BOX, APART, POINT, LINE), repeat=2)), dtype)
    given = [variant.array(pairs[:, k]) for k in (0, 1)]
    value, slopes = al.value_and_grad(replace(loss, reduction="sum"), (0, 1))(*given)
    assert np.isfinite(variant.numpy(value))
    for slope in map(variant.numpy, slopes):
        assert np.all(np.isfinite(slope))
        np.testing.assert_array_equal(np.abs(slope[0]), 0)  # of BOX and BOX


def test_equal_boxes_cost_nothing():
    for loss in LOSSES:
        assert loss(np.asarray(BOX), np.asarray(BOX)) == 0


@pytest.mark.parametrize(
    ("target", "expected"),
    # the box that holds both is 6 by 6 for the first, 2 by 1 for the others
    [(APART, (1, 1 + 32 / 36, 1 + (4.5**2 + 4.5**2) / 72)), (POINT, (1, 1, 1 + 0.25 / 5)), (LINE, (1, 1, 1))],
)
def test_disjoint_boxes_and_those_without_area(target, expected):
    for loss, value in zip(LOSSES, expected, strict=False):
        np.testing.assert_allclose(loss(np.asarray(BOX), np.asarray(target)), value, rtol=1e-12)


def test_all_but_the_plain_loss_draw_disjoint_boxes_together():
    for loss in LOSSES:
        slope = al.grad(loss)(np.asarray(BOX), np.asarray(APART))
        assert (slope.sum() < 0) == (not isinstance(loss, al.Iou))


@pytest.mark.main_variants
def test_an_area_that_is_out_of_range_has_the_loss_of_any_other(variant):
    # The loss of boxes in another unit is the same, and its gradient is that over the unit.
    near, apart, shape = ([0.0, 0.0, 2.0, 1.0], [0.5, 0.25, 3.0, 1.5]), (BOX, APART), (BOX, [0.0, 0.0, 1.0, 2.0])
    pairs = np.asarray([near, apart, shape, (BOX, BOX)])
    for dtype in variant.dtypes:
        powers = (-90, -40, 0, 40, 110) if dtype == "float32" else (-800, 0, 800)
        for loss, power in itertools.product(LOSSES, powers):
            exact = replace(loss, reduction="none")(pairs[:, 0], pairs[:, 1])
            slope = al.grad(replace(loss, reduction="sum"))(pairs[:, 0], pairs[:, 1])
            given = [variant.array(np.ldexp(pairs[:, k], power).astype(dtype)) for k in (0, 1)]
            for found, argnums in ((replace(loss, reduction="none"), None), (loss, 0), (loss, (0, 1))):
                if argnums is None:
                    value = variant.numpy(variant.run(found, *given))
                    np.testing.assert_allclose(value, exact, rtol=1e-5, atol=1e-7)
                    continue
                got = variant.run(al.grad(replace(loss, reduction="sum"), argnums=argnums), *given)
                got = variant.numpy(got[0] if argnums == (0, 1) else got).astype("float64")
                np.testing.assert_allclose(np.ldexp(got, power), slope, rtol=1e-5, atol=1e-6)


@pytest.mark.main_variants
def test_small_boxes_that_are_far_out_or_far_apart(variant):
    # Equal ones by their centres; and two squares, the aspects of which are 1 and 2, at 1e12 of their lengths: v is
    # 4/pi² (pi/4 - arctan 2)², and the loss 1 + 1 + v² / (1 + v).
    equal = variant.array(np.asarray([1.0, 1.0, 1e-12, 2e-12], "float32"))
    for loss in LOSSES:
        found = variant.run(replace(loss, box_format="cxcywh"), equal, equal)
        np.testing.assert_allclose(variant.numpy(found), 0.0, atol=1e-12)
    v = 4 / np.pi**2 * (np.pi / 4 - np.arctan(2.0)) ** 2
    given = [np.asarray(x, "float32") for x in ([0.0, 0.0, 1.0, 1.0], [1e12, 0.0, 2.0, 1.0])]
    found = variant.run(al.Ciou(box_format="cxcywh"), *[variant.array(x) for x in given])
    np.testing.assert_allclose(variant.numpy(found), 2 + v * v / (1 + v), rtol=1e-6)


def test_a_prediction_turned_inside_out_about_a_point_has_a_finite_gradient():
    for loss in LOSSES:
        slope = al.grad(loss)(np.asarray([100.0, 100.0, -100.0, -100.0]), np.asarray(POINT))
        assert np.all(np.isfinite(slope))


@pytest.mark.main_variants
def test_the_weight_of_the_aspect_ratio_counts_as_a_constant(variant):
    prediction, target = np.asarray([0.25, 0.0, 2.5, 1.0]), np.asarray([0.0, 0.25, 1.5, 2.0])

    def v(box):
        angles = [np.arctan2(b[2] - b[0], b[3] - b[1]) for b in (box, target)]
        return 4 / np.pi**2 * (angles[0] - angles[1]) ** 2

    weight = v(prediction) / (float(al.iou(prediction, target)) + v(prediction))
    expected = al.grad(al.diou)(prediction, target)
    for k, step in enumerate(1e-6 * np.eye(4)):
        expected[k] += weight * (v(prediction + step) - v(prediction - step)) / 2e-6
    given = [variant.array(x.astype(variant.dtypes[-1])) for x in (prediction, target)]
    value, slope = al.value_and_grad(al.ciou)(*given)
    np.testing.assert_allclose(variant.numpy(slope), expected, rtol=1e-5)
    np.testing.assert_allclose(variant.numpy(value), al.diou(prediction, target) + weight * v(prediction), rtol=1e-6)


def test_a_box_by_a_point_and_its_sides_is_that_by_its_corners():
    corners = np.asarray([[BOX, APART, LINE], [[1.0, -1.0, 2.0, 0.5], [5.5, 5.0, 7.0, 8.0], BOX]])
    low, high = corners[..., :2], corners[..., 2:]
    for box_format, point in (("cxcywh", (low + high) / 2), ("xywh", low)):
        sized = np.concatenate([point, high - low], axis=-1)
        for loss in LOSSES:
            loss = replace(loss, reduction="none")
            np.testing.assert_allclose(replace(loss, box_format=box_format)(*sized), loss(*corners), rtol=1e-12)


@pytest.mark.parametrize("box_format", ["xywh", "cxcywh"])
def test_where_boxes_lie_costs_no_digit_of_those_by_their_sides(box_format):
    near, far = np.asarray([[0.0, 0.0, 1e-3, 2e-3], [5e-4, 1e-3, 1e-3, 1e-3]]), np.asarray([1e6, -1e6, 0.0, 0.0])
    near = near + np.asarray([2.0**-20, 0.0, 0.0, 0.0])
    moved = (near + far) - far  # as far as float64 tells them apart there
    for loss in LOSSES:
        loss = replace(loss, box_format=box_format)
        np.testing.assert_allclose(loss(*(near + far)), loss(*moved), rtol=1e-14)


def test_four_numbers_make_a_box():
    with pytest.raises(ValueError, match=r"`prediction` must have the axes \[..., 4\], got shape \(2, 5\)"):
        al.giou(np.zeros((2, 5)), np.zeros((2, 5)))
