"""Conventions of the losses of regions on which libraries differ, and what no random image shows."""

from __future__ import annotations

from dataclasses import replace

import mpmath
import numpy as np
import pytest

import arraylosses as al
from arraylosses.execution import autograd, blocks

from .test_execution import ways_taken

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


def test_a_class_of_hardly_a_place_has_a_finite_gradient(variant):
    # Of probabilities whose sum is subnormal, by the formula with mpmath. Both classes have one coefficient.
    places = np.asarray([[-92.5, -95.0, -94.0, -93.0]], dtype="float32")

    def mcc(*logits):
        p = [1 / (1 + mpmath.exp(-z)) for z in logits]
        tp, fp = p[0] + p[3], p[1] + p[2]
        fn, tn = 2 - tp, 2 - fp
        return 1 - (tp * tn - fp * fn) / mpmath.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))

    with mpmath.workdps(90):
        at = [mpmath.mpf(float(z)) for z in places[0]]
        expected = [float(mpmath.diff(mcc, at, tuple(int(k == j) for k in range(4)))) for j in range(4)]
    logits, labels = np.stack([np.zeros_like(places), places], axis=-1), variant.array(np.asarray([[1, 0, 0, 1]]))
    got = variant.numpy(variant.run(lambda z: al.grad(al.mcc)(z, labels), variant.array(logits)))
    assert np.all(np.isfinite(got))
    if variant.backend in ("numpy", "strict"):  # the others may count subnormal numbers as 0
        np.testing.assert_allclose(got[0, :, 1], expected, rtol=2e-2)


# The published formulas, differentiated by torch in float64 from the softmax on: nothing of it is in closed form.


@pytest.mark.parametrize("loss", OVERLAPS)
def test_a_mask_of_floating_dtype_leaves_out_the_places_of_ignore_index(loss):
    rng = np.random.default_rng(3)
    logits, mask = rng.normal(size=(2, 4, 5)), rng.integers(0, 2, size=(2, 4, 5)).astype("float64")
    kept = rng.random(size=mask.shape) < 0.7
    expected = al.value_and_grad(loss(mode="binary"))(logits, mask, where=kept)
    loss = loss(mode="binary", ignore_index=255)
    for given in (np.where(kept, mask, 255.0), np.where(kept, mask, 255).astype("int64")):
        for _ in range(2):
            value, gradient = al.value_and_grad(loss)(logits, given)
            np.testing.assert_allclose(value, expected[0], rtol=1e-12)
            np.testing.assert_allclose(gradient, expected[1], rtol=1e-12, atol=1e-15)


def textbook_dice(torch, p, hot):
    hits, size = (p * hot).sum((2, 3)), (p + hot).sum((2, 3))
    return (1 - (2 * hits + 1) / (size + 1)).mean()


def textbook_focal_tversky(torch, p, hot):
    hits = (p * hot).sum((2, 3))
    errors = 0.25 * p.sum((2, 3)) + 2.0 * hot.sum((2, 3)) - 2.25 * hits
    return ((1 - (hits + 0.5) / (hits + errors + 0.5)) ** 1.5).mean()


def textbook_mcc(torch, p, hot):
    kept = hot.sum(1, keepdim=True)
    tp, fp = (p * hot).sum((2, 3)), (p * (kept - hot)).sum((2, 3))
    fn, tn = ((1 - p) * hot).sum((2, 3)), ((1 - p) * (kept - hot)).sum((2, 3))
    return (1 - (tp * tn - fp * fn) / ((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)).sqrt()).mean()


def textbook_generalized_dice(torch, p, hot):
    size = hot.sum((2, 3))
    weight = (size.min(1, keepdim=True).values / size) ** 2
    hits, sizes = (weight * (p * hot).sum((2, 3))).sum(1), (weight * (p + hot).sum((2, 3))).sum(1)
    return (1 - (2 * hits + 1) / (sizes + 1)).mean()


def textbook_lovasz(torch, p, hot):
    losses = []
    for image, true in zip(p, hot, strict=True):
        kept = true.sum(0) > 0
        for one, of in zip(image, true, strict=True):
            errors, order = torch.sort((of - one).abs()[kept], descending=True)
            of = of[kept][order]
            jaccard = 1 - (of.sum() - of.cumsum(0)) / (of.sum() + (1 - of).cumsum(0))
            losses.append(errors @ torch.diff(jaccard, prepend=jaccard.new_zeros(1)))
    return torch.stack(losses).mean()


TEXTBOOK = {
    al.Dice(axis=1, ignore_index=255): textbook_dice,
    al.Tversky(axis=1, ignore_index=255, alpha=0.25, beta=2.0, gamma=1.5, smooth=0.5): textbook_focal_tversky,
    al.Mcc(axis=1, ignore_index=255): textbook_mcc,
    al.GeneralizedDice(axis=1, ignore_index=255): textbook_generalized_dice,
    al.LovaszSoftmax(axis=1, ignore_index=255): textbook_lovasz,
}


def by_textbook(torch, formula, logits, labels):
    z = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    p = z.softmax(1) * torch.tensor(labels < 255)[:, None]
    hot = torch.tensor(np.moveaxis(np.eye(256)[labels][..., : z.shape[1]], -1, 1))
    value = formula(torch, p, hot)
    return float(value.detach()), torch.autograd.grad(value, z)[0].numpy()


@pytest.mark.backend("torch")
@pytest.mark.parametrize("loss", TEXTBOOK, ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("whole", [True, False])
def test_the_gradient_is_that_of_the_textbook_where_places_are_left_out(monkeypatch, loss, library, whole):
    torch = pytest.importorskip("torch")
    if not whole:  # image by image, and on torch anew in the backward pass
        monkeypatch.setattr(blocks, "ROWS", 100)
        monkeypatch.setattr(blocks, "WHOLE_ROWS", {"numpy": 0, "torch": 0})
        monkeypatch.setattr(autograd.Recorded, "together", lambda *_: None)
    rng = np.random.default_rng(7)
    logits = rng.normal(size=(3, 4, 8, 9), scale=2.0).astype("float32")
    labels = rng.choice([0, 1, 2, 3, 255], p=[0.4, 0.2, 0.1, 0.15, 0.15], size=(3, 8, 9))
    value, gradient = by_textbook(torch, TEXTBOOK[loss], logits, labels)
    with ways_taken() as taken:
        if library == "numpy":
            got, found = al.value_and_grad(loss)(logits, labels)
        else:
            z = torch.tensor(logits, requires_grad=True)
            got = loss(z, torch.tensor(labels))
            got, found = got.detach(), torch.autograd.grad(3.0 * got, z)[0].numpy() / 3.0
    assert taken == ["autograd" if library == "torch" else "direct" if whole else "blocks"]
    np.testing.assert_allclose(float(got), value, rtol=1e-6)
    np.testing.assert_allclose(found, gradient, rtol=1e-5, atol=1e-6 * np.max(np.abs(gradient)))


@pytest.mark.backend("torch")
@pytest.mark.parametrize("loss", [x for x in TEXTBOOK if type(x) in OVERLAPS], ids=lambda loss: type(loss).__name__)
def test_the_gradient_of_a_good_prediction_keeps_its_digits(loss):
    torch = pytest.importorskip("torch")
    labels = np.asarray([[[0, 1, 2, 0, 1, 1]]])
    hot = np.moveaxis(np.eye(3)[labels], -1, 1)
    logits = (16.0 * hot + np.random.default_rng(9).normal(size=hot.shape)).astype("float32")
    _, expected = by_textbook(torch, TEXTBOOK[loss], logits, labels)
    # 1 - p is about 1e-7, of which a float32 p has no digit; the target may be labels, or a probability of each class.
    for target in (labels, hot.astype("float32")):
        found = al.grad(loss)(logits, target)
        np.testing.assert_allclose(found, expected, rtol=1e-4)


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
