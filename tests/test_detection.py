"""The losses of boxes where boxes have no area, are equal or apart, and what counts as a constant."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

import arraylosses as al

LOSSES = (al.Iou(), al.Giou(), al.Diou(), al.Ciou())
BOX, APART, POINT, LINE = [0.0, 0.0, 2.0, 1.0], [5.0, 4.0, 6.0, 6.0], [1.0, 1.0, 1.0, 1.0], [0.0, 0.5, 2.0, 0.5]


def both(variant, loss, prediction, target):
    given = [variant.array(np.asarray(x, dtype=variant.dtypes[-1])) for x in (prediction, target)]
    value = loss(*given)
    gradients = al.grad(loss, (0, 1))(*given)
    return variant.numpy(value), *map(variant.numpy, gradients)


@pytest.mark.main_variants
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_no_pair_of_boxes_has_a_gradient_that_is_not_finite(variant, loss):
    for prediction, target in itertools.product((BOX, APART, POINT, LINE), repeat=2):
        for x in both(variant, loss, prediction, target):
            assert np.all(np.isfinite(x)), (prediction, target)


@pytest.mark.main_variants
def test_equal_boxes_cost_nothing_and_draw_nowhere(variant):
    for loss in LOSSES:
        value, by_prediction, by_target = both(variant, loss, BOX, BOX)
        assert value == 0
        np.testing.assert_array_equal(np.abs(by_prediction), 0)
        np.testing.assert_array_equal(np.abs(by_target), 0)


@pytest.mark.main_variants
@pytest.mark.parametrize(
    ("target", "expected"),
    # the box that holds both is 6 by 6 for the first, 2 by 1 for the others
    [(APART, (1, 1 + 32 / 36, 1 + (4.5**2 + 4.5**2) / 72)), (POINT, (1, 1, 1 + 0.25 / 5)), (LINE, (1, 1, 1))],
)
def test_disjoint_boxes_and_those_without_area(variant, target, expected):
    for loss, value in zip(LOSSES, expected, strict=False):
        np.testing.assert_allclose(both(variant, loss, BOX, target)[0], value, rtol=1e-6)


@pytest.mark.main_variants
def test_all_but_the_plain_loss_draw_disjoint_boxes_together(variant):
    for loss in LOSSES:
        _, gradient, _ = both(variant, loss, BOX, APART)
        assert (gradient.sum() < 0) == (not isinstance(loss, al.Iou))


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
    got = both(variant, al.Ciou(), prediction, target)
    np.testing.assert_allclose(got[1], expected, rtol=1e-5)
    np.testing.assert_allclose(got[0], al.diou(prediction, target) + weight * v(prediction), rtol=1e-6)


@pytest.mark.main_variants
def test_a_box_by_its_centre_is_that_by_its_corners(variant):
    dtype = variant.dtypes[-1]
    corners = np.asarray([[BOX, APART, LINE], [[1.0, -1.0, 2.0, 0.5], [5.5, 5.0, 7.0, 8.0], BOX]], dtype)
    low, high = corners[..., :2], corners[..., 2:]
    centres = np.concatenate([(low + high) / 2, high - low], axis=-1)
    for loss in LOSSES:
        loss = replace(loss, reduction="none")
        expected = both(variant, replace(loss, reduction="sum"), *corners)[0]
        got = both(variant, replace(loss, reduction="sum", box_format="cxcywh"), *centres)[0]
        np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_where_boxes_lie_costs_no_digit_of_those_by_their_centres():
    near, far = np.asarray([[0.0, 0.0, 1e-3, 2e-3], [5e-4, 1e-3, 1e-3, 1e-3]]), np.asarray([1e6, -1e6, 0.0, 0.0])
    near = near + np.asarray([2.0**-20, 0.0, 0.0, 0.0])
    moved = (near + far) - far  # as far as float64 tells them apart there
    for loss in LOSSES:
        loss = replace(loss, box_format="cxcywh")
        np.testing.assert_allclose(loss(*(near + far)), loss(*moved), rtol=1e-14)


def test_four_numbers_make_a_box():
    with pytest.raises(ValueError, match=r"`prediction` must have the axes \[..., 4\], got shape \(2, 5\)"):
        al.giou(np.zeros((2, 5)), np.zeros((2, 5)))
