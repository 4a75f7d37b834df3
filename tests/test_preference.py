"""Conventions of the losses of preferences and policies, and what no random log-probability shows."""

from __future__ import annotations

import numpy as np
import pytest

import arraylosses as al

pytestmark = pytest.mark.otherwise_numpy


def compute(loss, *arrays):
    return loss(*map(np.asarray, arrays))


def slope(loss, *arrays):
    return al.grad(loss)(*map(np.asarray, arrays))


def test_the_reference_is_what_a_policy_is_measured_from():
    # The policy has moved by 3 towards the chosen answer and by 1 towards the other one.
    arrays = [-5.0], [-4.0], [-8.0], [-5.0]
    for loss_type, expected in {"sigmoid": np.log1p(np.exp(-1)), "hinge": 0.0, "ipo": (2 - 1) ** 2}.items():
        got = compute(al.Dpo(beta=0.5, loss_type=loss_type), *arrays)
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_the_robust_loss_is_that_of_the_right_labels_in_the_mean():
    right, wrong = ([-5.0], [-7.0], [-6.0], [-6.0]), ([-7.0], [-5.0], [-6.0], [-6.0])
    loss = al.Dpo(beta=0.5, loss_type="robust", label_smoothing=0.25)
    mean = 0.75 * compute(loss, *right) + 0.25 * compute(loss, *wrong)
    np.testing.assert_allclose(mean, compute(al.Dpo(beta=0.5), *right), rtol=1e-6)


@pytest.mark.main_variants
@pytest.mark.parametrize("loss", [al.Orpo(), al.Simpo(), al.Cpo()], ids=str)
def test_an_answer_that_is_certain_has_a_finite_gradient(variant, loss):
    answers = np.asarray([[0.0, -1.0, 0.0, -1e4], [-1.0, 0.0, 0.0, -1e-7]], dtype=variant.dtypes[-1])
    value, slopes = al.value_and_grad(loss, (0, 1))(*map(variant.array, answers))
    for x in (value, *slopes):
        assert np.all(np.isfinite(variant.numpy(x)))


def test_good_and_bad_answers_are_weighted_and_moved_each_its_own_way():
    loss = al.Kto(beta=0.5, kl=1.0, desirable_weight=2.0, undesirable_weight=3.0, reduction="none")
    arrays = [-4.0, -4.0], [-8.0, -8.0], [1.0, -1.0]
    p = 1 / (1 + np.exp(-0.5 * 3))
    np.testing.assert_allclose(compute(loss, *arrays), [2 * (1 - p), 3 * p], rtol=1e-6)
    found = slope(al.Kto(reduction="sum"), *arrays)
    assert found[0] < 0 < found[1]


@pytest.mark.main_variants
def test_the_reference_point_has_no_gradient(variant):
    dtype = variant.dtypes[-1]
    policy, reference, target = (variant.array(np.asarray(x, dtype)) for x in ([-4.0, -3.0], [-8.0, -2.0], [1.0, -1.0]))
    kl = variant.array(np.asarray(0.5, dtype))
    assert float(variant.numpy(al.grad(lambda kl: al.kto(policy, reference, target, kl=kl))(kl))) == 0
    np.testing.assert_allclose(
        variant.numpy(al.kto(policy, reference, target, kl=kl)),
        variant.numpy(al.kto(policy, reference, target, kl=0.5)),
        rtol=1e-6,
    )


def test_a_policy_is_held_where_it_has_moved_far_for_its_advantage_and_nowhere_else():
    old, ratio = np.full(6, -2.0), np.asarray([2.0, 0.25, 1.1, 2.0, 0.25, 0.9])
    advantage = np.asarray([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])
    loss = al.PpoClip(clip_low=0.5, clip_high=0.25, reduction="none")
    expected = -np.asarray([1.25, 0.25, 1.1, -2.0, -0.5, -0.9])
    np.testing.assert_allclose(compute(loss, old + np.log(ratio), old, advantage), expected, rtol=1e-6)
    found = slope(al.PpoClip(clip_low=0.5, clip_high=0.25, reduction="sum"), old + np.log(ratio), old, advantage)
    np.testing.assert_allclose(found, np.where([0, 1, 1, 1, 0, 1], -advantage * ratio, 0.0), rtol=1e-6, atol=1e-7)


@pytest.mark.main_variants
def test_a_ratio_beyond_the_floats_costs_what_its_limit_costs(variant):
    arrays = np.asarray([[-1.0, -1e4], [-1e4, -1.0], [1.0, -1.0]], dtype=variant.dtypes[-1])
    value, slope = al.value_and_grad(al.PpoClip(reduction="sum"))(*map(variant.array, arrays))
    np.testing.assert_allclose(variant.numpy(value), -1.2 + 0.8, rtol=1e-6)
    np.testing.assert_array_equal(np.abs(variant.numpy(slope)), [0, 0])


def test_answers_of_different_lengths_are_normalised_by_weight_and_reduction():
    rng = np.random.default_rng(0)
    new, old = -rng.uniform(size=(2, 3, 5))
    advantage = np.repeat(rng.normal(size=(3, 1)), 5, axis=1)
    length = np.asarray([5, 2, 3])
    mask = np.arange(5) < length[:, None]
    items = [al.ppo_clip(*(x[k, :n] for x in (new, old, advantage)), reduction="none") for k, n in enumerate(length)]
    of_tokens = al.ppo_clip(new, old, advantage, where=mask)
    np.testing.assert_allclose(of_tokens, np.mean(np.concatenate(items)))
    of_answers = al.ppo_clip(new, old, advantage, where=mask, weight=1 / length[:, None])
    np.testing.assert_allclose(of_answers, np.mean([np.mean(x) for x in items]))
