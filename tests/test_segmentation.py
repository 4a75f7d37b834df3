"""Conventions of the losses of regions on which libraries differ, and what no random image shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import arraylosses as al

OVERLAPS = (al.Dice, al.Tversky, al.Jaccard, al.GeneralizedDice, al.Mcc)
ALL = (*OVERLAPS, al.LovaszSoftmax)

HARD = {"mode": "binary", "from_logits": False}

pytestmark = pytest.mark.otherwise_numpy


def test_alpha_is_of_false_positives_and_beta_of_false_negatives():
    # TP = 1, FP = 2, FN = 3
    p = np.asarray([[1.0, 1.0, 1.0, 0.0, 0.0, 0.0]])
    mask = np.asarray([[1, 0, 0, 1, 1, 1]])
    got = al.Tversky(alpha=0.25, beta=2.0, smooth=0.0, **HARD)(p, mask)
    np.testing.assert_allclose(got, 1 - 1 / (1 + 0.25 * 2 + 2.0 * 3), rtol=1e-6)
    focal = al.Tversky(alpha=0.25, beta=2.0, smooth=0.0, gamma=2.0, **HARD)(p, mask)
    np.testing.assert_allclose(focal, got**2, rtol=1e-6)


@pytest.mark.parametrize(
    ("loss", "predicted", "neither"),
    [
        (al.Dice(smooth=0.0, **HARD), 1.0, 0.0),
        (al.Dice(**HARD), 3 / 4, 0.0),
        (al.Tversky(alpha=0.25, **HARD), 0.75 / 1.75, 0.0),
        (al.Jaccard(**HARD), 3 / 4, 0.0),
        (al.GeneralizedDice(smooth=0.0, **HARD), 1.0, 0.0),
        (al.Mcc(**HARD), 0.0, 0.0),
    ],
    ids=str,
)
def test_a_region_that_is_nowhere_costs_what_is_predicted_of_it(loss, predicted, neither):
    nothing = np.zeros((2, 4))
    p = nothing.copy()
    p[0, :3] = 1
    each = replace(loss, reduction="none")
    np.testing.assert_allclose(each(p, nothing.astype(bool)), [predicted, neither], rtol=1e-6)
    assert np.all(np.isfinite(al.grad(loss)(p, nothing.astype(bool))))


def test_a_constant_prediction_has_no_correlation():
    mask = np.asarray([[1, 0, 0, 0]])
    for constant in (0.0, 1.0):
        p = np.full(mask.shape, constant)
        assert al.Mcc(**HARD)(p, mask) == 1
        assert np.all(np.isfinite(al.grad(al.Mcc(**HARD))(p, mask)))


def test_lovasz_counts_the_classes_that_are_there_and_the_largest_error_of_an_empty_mask():
    p = np.asarray([[[0.5, 0.25, 0.25], [0.75, 0.0, 0.25]]])
    labels = np.asarray([[0, 0]])
    np.testing.assert_allclose(al.LovaszSoftmax(from_logits=False)(p, labels), (0.5 + 0.25) / 2, rtol=1e-6)
    logits = np.asarray([[-3.0, 0.5, -0.5]])
    np.testing.assert_allclose(al.LovaszHinge()(logits, np.zeros((1, 3), bool)), 1.5, rtol=1e-6)


@pytest.mark.main_variants
@pytest.mark.parametrize("loss", [al.Dice(mode="binary"), al.LovaszHinge()], ids=str)
def test_a_mask_may_be_boolean_integer_or_floating(variant, loss):
    dtype = variant.dtypes[-1]
    logits = variant.array(np.random.default_rng(0).normal(size=(2, 3, 4)).astype(dtype))
    mask = np.random.default_rng(1).uniform(size=logits.shape) < 0.3
    dtypes = ("bool", "uint8", "int32", *([] if isinstance(loss, al.LovaszHinge) else [dtype]))
    found = [variant.numpy(loss(logits, variant.array(mask.astype(kind)))) for kind in dtypes]
    np.testing.assert_array_equal(found, found[0])


@pytest.mark.parametrize("cls", ALL)
def test_a_background_that_does_not_count_is_a_class_of_weight_0(cls):
    logits = np.random.default_rng(2).normal(size=(2, 6, 3))
    labels = np.random.default_rng(3).integers(0, 3, size=(2, 6))
    got = cls(include_background=False)(logits, labels)
    np.testing.assert_allclose(got, cls(class_weight=(0, 1, 1))(logits, labels), rtol=1e-6)
    assert not np.isclose(got, cls()(logits, labels))


@pytest.mark.parametrize("cls", OVERLAPS)
def test_one_class_by_itself_is_each_of_several_that_may_overlap(cls):
    logits = np.random.default_rng(4).normal(size=(3, 5, 2))
    masks = 1.0 * (np.random.default_rng(5).uniform(size=logits.shape) < 0.6)
    if cls is al.GeneralizedDice:  # of which the classes have a sum in common
        logits, masks = logits[..., :1], masks[..., :1]
    each = [cls(mode="binary")(logits[..., k], masks[..., k]) for k in range(logits.shape[-1])]
    np.testing.assert_allclose(cls(mode="multilabel")(logits, masks), np.mean(each), rtol=1e-6)


@pytest.mark.main_variants
@pytest.mark.parametrize("loss", [al.Dice(mode="binary", smooth=0.0), al.Dice(mode="multilabel", smooth=0.0)], ids=str)
def test_a_good_prediction_keeps_its_digits(variant, loss):
    # Of 8 places one is true; every error is e^-40, of which 1 - p has no digit.
    labels = np.asarray([[1, 0, 0, 0, 0, 0, 0, 0]])
    logits = np.where(labels, 40.0, -40.0).astype(variant.dtypes[-1])
    if loss.mode == "multilabel":
        logits, labels = logits[..., None], labels[..., None].astype(logits.dtype)
    got = variant.numpy(loss(variant.array(logits), variant.array(labels)))
    np.testing.assert_allclose(got, 4 * np.exp(-40.0), rtol=1e-5)


@pytest.mark.main_variants
@pytest.mark.parametrize("cls", [*ALL, al.LovaszHinge])
def test_saturated_logits_have_a_finite_gradient(variant, cls):
    settings = {"smooth": 0.0} if hasattr(cls(), "smooth") else {}
    settings |= {"gamma": 0.5} if cls is al.Tversky else {}
    labels = np.asarray([[0, 0, 1, 1], [0, 0, 0, 0], [0, 1, 0, 1]])
    certain = np.asarray([[-1.0, 0.0, 1.0, 0.0], [-1.0] * 4, [-1.0, 1.0, -1.0, 1.0]])
    if cls is not al.LovaszHinge:
        certain = np.stack([-certain, certain], axis=-1)
    given = variant.array((1e4 * certain).astype(variant.dtypes[-1])), variant.array(labels)
    value, slope = al.value_and_grad(cls(**settings))(*given)
    assert np.isfinite(variant.numpy(value))
    assert np.all(np.isfinite(variant.numpy(slope)))


def test_a_background_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match="`include_background` must be True with mode='binary'"):
        al.Dice(mode="binary", include_background=False)


def test_a_mask_of_one_class_has_the_shape_of_its_logits():
    loss = al.Dice(mode="binary")
    with pytest.raises(ValueError, match=r"all arrays must have one shape, got `logits` \(2, 4\), `labels` \(2, 3\)"):
        loss(np.zeros((2, 4)), np.zeros((2, 3), int))
    with pytest.raises(ValueError, match=r"`labels` must lie in \[0, 2\) for 2 classes, got 255"):
        loss(np.zeros((2, 4)), np.full((2, 4), 255))


@pytest.mark.backend("jax")
def test_optax_s_functions_are_found_by_their_names():
    import jax

    optax = pytest.importorskip("optax")
    rng = np.random.default_rng(6)
    logits, labels = rng.normal(size=(2, 4, 5, 3)), rng.integers(0, 3, size=(2, 4, 5))
    with jax.enable_x64(True):
        expected = optax.losses.dice_loss(jax.numpy.asarray(logits), jax.numpy.asarray(np.eye(3)[labels]))
        tversky = optax.losses.dice_loss(
            jax.numpy.asarray(logits), jax.numpy.asarray(np.eye(3)[labels]), alpha=0.25, beta=2.0
        )
        binary = optax.losses.binary_dice_loss(
            jax.numpy.asarray(logits[..., :1]), jax.numpy.asarray(1.0 * (labels == 1))[..., None]
        )
    np.testing.assert_allclose(al.get("dice_loss", reduction="none")(logits, labels), expected, rtol=1e-10)
    np.testing.assert_allclose(al.tversky(logits, labels, alpha=0.25, beta=2.0, reduction="none"), tversky, rtol=1e-10)
    np.testing.assert_allclose(
        al.get("binary_dice_loss", reduction="none")(logits[..., 0], labels == 1), binary, rtol=1e-10
    )
