"""Conventions of the losses of margins, of several labels, of ordered classes, of sparse probabilities and divergences.

What other libraries compute is held equal where they are installed; all else is by hand or by the formula.
"""

from __future__ import annotations

import numpy as np
import pytest

import arraylosses as al
from arraylosses import special

rng = np.random.default_rng(0)
LOGITS = rng.normal(size=(40, 5)) * 2.0
LABELS = rng.integers(0, 5, 40)
SCORES, SIGNS = LOGITS[:, 0], np.where(LABELS > 2, 1.0, -1.0)
ONE_HOT = np.eye(5)[LABELS]
DISTRIBUTIONS = rng.dirichlet(np.ones(5), 40)
TARGETS = rng.dirichlet(np.ones(5), 40)


def compute(variant, loss, *arrays, dtype=None):
    dtype = dtype or variant.dtypes[-1]
    given = [variant.array(x.astype(dtype) if x.dtype.kind == "f" else x) for x in arrays]
    return variant.numpy(variant.run(loss, *given))


def close(actual, expected):
    dtype = actual.dtype
    np.testing.assert_allclose(actual, expected, rtol=1e-12 if dtype == "float64" else 1e-5, atol=1e-6)


OPTAX = {
    "perceptron_loss": (al.Perceptron, SCORES, SIGNS),
    "multiclass_perceptron_loss": (al.MulticlassPerceptron, LOGITS, LABELS),
    "sparsemax_loss": (al.Sparsemax, SCORES, (SIGNS > 0).astype(int)),
    "multiclass_sparsemax_loss": (al.MulticlassSparsemax, LOGITS, LABELS),
    "poly_loss_cross_entropy": (al.PolyCrossEntropy, LOGITS, ONE_HOT),
    "generalized_kl_divergence": (al.GeneralizedKl, LOGITS, np.exp(LOGITS[::-1])),
}


@pytest.mark.backend("jax")
@pytest.mark.parametrize("name", OPTAX)
def test_it_equals_optax_s_in_value_and_gradient_and_has_its_name(name):
    import jax

    optax = pytest.importorskip("optax")
    cls, *arrays = OPTAX[name]
    loss = al.get(name)
    assert loss == cls()
    with jax.enable_x64(True):
        x, target = map(jax.numpy.asarray, arrays)
        theirs = jax.value_and_grad(lambda x: jax.numpy.mean(getattr(optax.losses, name)(x, target)))(x)
        for got, want in zip(al.value_and_grad(loss)(x, target), theirs, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


@pytest.mark.backend("torch")
def test_torch_s_multilabel_margin_takes_the_labels_that_are_there():
    import torch

    labels = np.asarray([[3, 0, -1, 1], [2, -1, 0, 0], [-1, 0, 1, 2]])  # what comes after -1 is not read
    target = np.asarray([[1.0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]])
    logits = torch.tensor(LOGITS[:3, :4], requires_grad=True)
    theirs = torch.nn.functional.multilabel_margin_loss(logits, torch.tensor(labels), reduction="none")
    np.testing.assert_allclose(
        al.multilabel_margin(logits, torch.tensor(target), reduction="none").detach(), theirs.detach()
    )
    theirs.sum().backward()
    np.testing.assert_allclose(al.grad(al.MultilabelMargin(reduction="sum"))(LOGITS[:3, :4], target), logits.grad)


@pytest.mark.backend("torch")
@pytest.mark.parametrize("name", ["multi_margin", "multilabel_margin", "wasserstein_1d", "entmax", "corn"])
def test_torch_maps_a_loss_over_its_items(name):
    import torch

    loss = al.get(name, reduction="none")
    target = TARGETS if name in ("multilabel_margin", "multi_margin") else LABELS
    given = torch.tensor(LOGITS), torch.tensor(target)
    torch.testing.assert_close(torch.func.vmap(loss)(*given), loss(*given))


def test_keras_s_generalized_cross_entropy_is_of_probabilities():
    loss = al.get("CategoricalGeneralizedCrossEntropy")
    p = np.asarray([[0.25, 0.75], [0.36, 0.64]])
    np.testing.assert_allclose(loss(p, np.asarray([0, 1])), np.mean([(1 - 0.5) / 0.5, (1 - 0.8) / 0.5]))


def test_a_name_means_the_loss_of_its_library():
    for name, loss in {
        "MultiMarginLoss": al.MultiMargin(),
        "MultiLabelSoftMarginLoss": al.MultilabelSoftMargin(),
        "brier_score_loss": al.Brier(from_logits=False),
        "poly1_softmax_loss": al.PolyCrossEntropy(epsilon1=1.0),
        "kl_divergence_with_log_targets": al.KlDivergence(log_target=True),
        "entmax15_loss": al.Entmax(),
        "emd": al.Wasserstein1D(),
    }.items():
        assert al.get(name) == loss


@pytest.mark.main_variants
def test_the_score_of_two_classes_is_twice_that_of_a_yes_or_no(variant):
    two = np.stack([np.zeros(40), SCORES], axis=-1)
    yes = (SIGNS > 0).astype(int)
    for pair, single, factor in (
        (al.CategoricalBrier(), al.Brier(), 2.0),
        (al.MulticlassSparsemax(), al.Sparsemax(), 1.0),
    ):
        got = compute(variant, pair, two, yes)
        close(got, factor * compute(variant, single, SCORES, yes.astype(float)))


@pytest.mark.main_variants
def test_sparsemax_is_a_quarter_of_the_modified_huber_loss(variant):
    target = (SIGNS + 1) / 2
    close(compute(variant, al.Sparsemax(), SCORES, target), compute(variant, al.ModifiedHuber(), SCORES, SIGNS) / 4)


@pytest.mark.main_variants
def test_easy_negatives_count_for_nothing_and_positives_in_full(variant):
    x = np.asarray([-3.0, -2.5, 2.0, 2.0])  # of probabilities of 0.0474, 0.0759, 0.8808
    got = compute(variant, al.Asymmetric(reduction="none", gamma_neg=2.0), x, np.asarray([0.0, 0.0, 0.0, 1.0]))
    p = 1 / (1 + np.exp(-x))
    close(
        got,
        [0.0, -((p[1] - 0.05) ** 2) * np.log(1.05 - p[1]), -((p[2] - 0.05) ** 2) * np.log(1.05 - p[2]), -np.log(p[3])],
    )


@pytest.mark.main_variants
def test_without_a_shift_a_negative_keeps_its_loss_where_its_probability_is_1(variant):
    x = np.asarray([50.0, 120.0, 1e4])
    loss = al.Asymmetric(gamma_neg=0.0, shift=np.asarray(0.0), reduction="none")
    close(compute(variant, loss, x, np.zeros(3)), x)
    gradient = al.grad(lambda z: al.array_namespace(z).sum(loss(z, 0.0 * z)))
    close(compute(variant, gradient, x), np.ones(3))


def sparse_probabilities(z, alpha):
    """The distribution max(0, (alpha - 1) z - tau)^(1 / (alpha - 1)) by bisection."""
    z = (alpha - 1) * z
    low, high = np.max(z) - 1, np.max(z)
    for _ in range(100):
        middle = (low + high) / 2
        total = np.sum(np.maximum(z - middle, 0) ** (1 / (alpha - 1)))
        low, high = (middle, high) if total > 1 else (low, middle)
    return np.maximum(z - low, 0) ** (1 / (alpha - 1))


@pytest.mark.main_variants
@pytest.mark.parametrize(("loss", "alpha"), [(al.MulticlassSparsemax, 2.0), (al.Entmax, 1.5)])
def test_the_derivative_is_a_sparse_distribution_less_the_target(variant, loss, alpha):
    p = np.stack([sparse_probabilities(z, alpha) for z in LOGITS])
    assert 0.2 < np.mean(p == 0) < 0.8
    gradient = al.grad(loss(reduction="sum"))
    close(compute(variant, gradient, LOGITS, LABELS), p - ONE_HOT)
    close(compute(variant, gradient, LOGITS, TARGETS), p - TARGETS)


@pytest.mark.main_variants
@pytest.mark.parametrize("loss", [al.MulticlassSparsemax, al.Entmax])
def test_a_class_that_is_ruled_out_has_no_probability_and_an_infinite_loss(variant, loss):
    logits = np.asarray([[0.25, -np.inf, 0.0], [0.25, -np.inf, 0.0]])
    two = compute(variant, loss(reduction="none"), logits[:, ::2], np.asarray([1, 0]))
    got = compute(variant, loss(reduction="none"), logits, np.asarray([2, 0]))
    close(got, two)
    gradient = compute(variant, al.grad(loss(reduction="sum")), logits, np.asarray([2, 0]))
    assert np.all(gradient[:, 1] == 0)
    assert np.isinf(compute(variant, loss(reduction="none"), logits, np.asarray([1, 1]))).all()


@pytest.mark.main_variants
def test_a_fenchel_young_loss_follows_from_a_conjugate(variant):
    entropy = al.fenchel_young(special.logsumexp)

    def half_square(z):  # the conjugate of |p|²/2 without constraints, which is itself
        return al.array_namespace(z).sum(z * z, axis=-1) / 2

    for target in (LABELS, TARGETS):
        close(compute(variant, entropy, LOGITS, target), compute(variant, al.CrossEntropy(), LOGITS, target))
        gradient = al.grad(entropy)
        close(compute(variant, gradient, LOGITS, target), compute(variant, al.grad(al.CrossEntropy()), LOGITS, target))
    got = compute(variant, al.fenchel_young(half_square), LOGITS, LABELS)
    close(got, np.mean(np.sum(LOGITS**2, axis=1) / 2 - LOGITS[np.arange(40), LABELS]))


ORDERED = {"cumulative_logit": np.sort(LOGITS, axis=1), "corn": LOGITS}


@pytest.mark.main_variants
@pytest.mark.parametrize("name", ORDERED)
def test_the_likelihoods_of_all_ordered_classes_sum_to_1(variant, name):
    loss = al.get(name, reduction="none")
    of_class = [compute(variant, loss, ORDERED[name], np.full(40, k)) for k in range(6)]
    close(np.sum(np.exp(-np.stack(of_class)), axis=0), np.ones(40))


@pytest.mark.main_variants
def test_the_logits_of_thresholds_are_those_of_the_classes_below_and_of_going_on(variant):
    z = np.asarray([[-1.0, 0.5, 2.0]])
    sigmoid = 1 / (1 + np.exp(-z[0]))
    for label, probability in enumerate(np.diff([0.0, *sigmoid, 1.0])):
        close(compute(variant, al.CumulativeLogit(), z, np.asarray([label])), -np.log(probability))
    going_on = [1 - sigmoid[0], sigmoid[0] * (1 - sigmoid[1]), sigmoid[0] * sigmoid[1] * (1 - sigmoid[2])]
    for label, probability in enumerate(going_on):
        close(compute(variant, al.Corn(), z, np.asarray([label])), -np.log(probability))


def test_an_ordered_label_counts_the_thresholds_below_it(variant):
    logits = variant.array(np.sort(LOGITS[:2], axis=1).astype(variant.dtypes[-1]))
    labels = variant.array(np.asarray([0, 6]))
    for loss in (al.CumulativeLogit(reduction="none"), al.Corn(reduction="none")):
        if variant.eager_labels:
            with pytest.raises(ValueError, match=r"`labels` must lie in \[0, 6\) for 6 classes, got 6"):
                loss(logits, labels)
        else:
            got = variant.numpy(variant.run(loss, logits, labels))
            assert np.isfinite(got[0])
            assert np.isnan(got[1])


@pytest.mark.main_variants
def test_a_class_between_equal_thresholds_has_no_probability(variant):
    got = compute(variant, al.CumulativeLogit(reduction="none"), np.asarray([[0.0, 0.0]]), np.asarray([1]))
    np.testing.assert_array_equal(got, [np.inf])


@pytest.mark.main_variants
def test_a_far_class_costs_more_than_a_near_one(variant):
    p, places = DISTRIBUTIONS, np.arange(5)
    loss = al.Wasserstein1D(from_logits=False, reduction="none")
    expected = np.sum(p * abs(places - LABELS[:, None]), axis=1)
    close(compute(variant, loss, p, LABELS), expected)
    close(compute(variant, loss, p[:, ::-1].copy(), 4 - LABELS), expected)
    squared = al.Wasserstein1D(squared=True, from_logits=False, reduction="none")
    close(compute(variant, squared, p, TARGETS), np.sum(np.cumsum(p - TARGETS, axis=1) ** 2, axis=1))


@pytest.mark.main_variants
def test_an_ordered_row_that_is_all_but_certain_keeps_its_digits(variant):
    logits = np.asarray([[0.0, 0.0, 60.0, 0.0, 0.0]])
    got = compute(variant, al.Wasserstein1D(), logits, np.asarray([2]))
    close(got * np.exp(60.0), 6.0)


@pytest.mark.main_variants
def test_which_divergences_are_symmetric(variant):
    arrays = DISTRIBUTIONS, TARGETS
    for name, symmetric in (
        ("kl_divergence", False),
        ("generalized_kl", False),
        ("js_divergence", True),
        ("total_variation", True),
        ("hellinger", True),
    ):
        loss = al.get(name, from_log=False)
        forth, back = compute(variant, loss, *arrays), compute(variant, loss, *arrays[::-1])
        assert np.isclose(forth, back, rtol=1e-5) == symmetric, name
        assert abs(compute(variant, loss, DISTRIBUTIONS, DISTRIBUTIONS)) < 1e-7
    general, plain = (al.get(name, from_log=False) for name in ("generalized_kl", "kl_divergence"))
    close(compute(variant, general, *arrays), compute(variant, plain, *arrays))


@pytest.mark.main_variants
def test_distributions_that_share_nothing_are_as_far_apart_as_can_be(variant):
    p, q = np.asarray([[0.5, 0.5, 0.0, 0.0]]), np.asarray([[0.0, 0.0, 0.25, 0.75]])
    for loss, most in ((al.JsDivergence, np.log(2)), (al.TotalVariation, 1.0), (al.Hellinger, 1.0)):
        close(compute(variant, loss(from_log=False), p, q), most)
        with np.errstate(divide="ignore"):
            logs = np.log(p), np.log(q)
        close(compute(variant, loss(log_target=True), *logs), most)
        gradient = al.grad(loss(log_target=True), (0, 1))
        for k in range(2):
            assert np.isfinite(compute(variant, lambda *x, k=k, gradient=gradient: gradient(*x)[k], *logs)).all()


@pytest.mark.main_variants
def test_nearly_equal_distributions_keep_the_digits_of_their_divergence(variant):
    shift = np.asarray([[1.0, -2.0, 0.5, 0.5]]) * (1e-3 if variant.dtypes[-1] == "float32" else 1e-7)
    p, q = 0.25 + shift, 0.25 - shift
    close(compute(variant, al.JsDivergence(from_log=False), p, q) / np.sum(shift**2), 2.0)


@pytest.mark.main_variants
def test_the_gradient_of_distillation_tends_to_that_of_a_squared_error_of_logits(variant):
    teacher = LOGITS[::-1].copy()
    gap = LOGITS - teacher
    expected = (gap - np.mean(gap, axis=1, keepdims=True)) / 5
    got = compute(variant, al.grad(al.Distillation(temperature=1e4, reduction="sum")), LOGITS, teacher)
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3)
    one = compute(variant, al.Distillation(temperature=1.0), LOGITS, teacher)
    p, q = (np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True) for z in (LOGITS, teacher))
    close(one, np.mean(np.sum(q * np.log(q / p), axis=1)))


@pytest.mark.main_variants
def test_a_target_that_is_left_out_has_no_weight_of_classes(variant):
    # What is expected is the cross entropy of the logits of what is kept, on NumPy.
    dtype, rng = variant.dtypes[-1], np.random.default_rng(4)
    hidden, matrix = rng.normal(size=(7, 4)).astype(dtype), rng.normal(size=(5, 4)).astype(dtype)
    labels = rng.dirichlet(np.ones(5), size=7).astype(dtype)
    where = np.asarray([True, False, True, False, True, True, False])
    bad = labels.copy()
    bad[~where] = [[np.inf], [np.nan], [-np.inf]]
    weights = (0.0, 1.0, 0.5, 2.0, 0.0)
    loss = al.LinearCrossEntropy(class_weight=weights)
    wanted = al.cross_entropy(hidden[where] @ matrix.T, labels[where], class_weight=weights)
    rtol = 1e-12 if dtype == "float64" else 1e-5
    given, kept = [variant.array(x) for x in (hidden, matrix, bad)], variant.array(where)
    value = variant.run(lambda *arrays: loss(*arrays[:3], where=arrays[3]), *given, kept)
    np.testing.assert_allclose(variant.numpy(value), wanted, rtol=rtol)
    total = al.Mean(loss)
    total.update(*given, where=kept)
    np.testing.assert_allclose(total.result(), wanted, rtol=rtol)
    if variant.backend not in ("torch", "jax"):
        return

    def by_weights(w, h, m, t, where):
        return al.grad(lambda w: al.linear_cross_entropy(h, m, t, class_weight=w, where=where))(w)

    rest = variant.array(np.asarray(weights, dtype=dtype)), *given[:2]
    found, want = [variant.numpy(variant.run(by_weights, *rest, variant.array(x), kept)) for x in (bad, labels)]
    np.testing.assert_allclose(found, want, rtol=rtol, atol=rtol)
