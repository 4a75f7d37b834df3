"""Conventions and edges of the losses of pairs, triplets, proxies, views and angles, by numbers worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import mpmath
import numpy as np
import pytest

import arraylosses as al
from arraylosses import special
from arraylosses.numerics import norms

from .variants import Variant

LINE = np.asarray([[0.0], [1.0], [0.5], [3.0]])
OF_LINE = np.asarray([0, 0, 1, 1])


@pytest.mark.backend("numpy")
def test_circle_takes_its_factors_as_constants():
    # In the paper's equation 10, a negative's share is multiplied by s + m, and not by 2 s.
    x, labels, m, gamma = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8]]), np.asarray([0, 0, 1]), 0.25, 2.0
    weight = np.asarray([1.0, 0.0, 0.0])
    gradient = al.grad(al.circle)(x, labels, margin=m, gamma=gamma, weight=weight)
    near, far = 0.8, 0.6
    exponent = gamma * ((far + m) * (far - m) - (1 + m - near) * (near - 1 + m))
    share = 1 / (1 + math.exp(-exponent))
    by_near, by_far = -share * gamma * (1 + m - near), share * gamma * (far + m)
    # The derivative of a cosine by the anchor: y - s x for rows of length 1; by the other row x - s y.
    expected = by_near * (x[1] - near * x[0]) + by_far * (x[2] - far * x[0])
    np.testing.assert_allclose(gradient[0], expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(gradient[1], by_near * (x[0] - near * x[1]), rtol=1e-12)
    np.testing.assert_allclose(gradient[2], by_far * (x[0] - far * x[2]), rtol=1e-12)


@pytest.mark.backend("numpy")
def test_semi_hard_takes_the_next_negative_beyond_or_else_the_furthest():
    # Anchor 0: positive at 1, negatives at 0.5 and 3: 3 is beyond. Anchor 2: positive at 2.5, negatives at 0.5 and 0.5.
    items = al.triplet_batch_semi_hard(LINE, OF_LINE, margin=2.5, reduction="none")
    np.testing.assert_allclose(items, [2.5 + 1 - 3, 2.5 + 1 - 2, 2.5 + 2.5 - 0.5, 2.5 + 2.5 - 3])


@pytest.mark.backend("numpy")
def test_batch_hard_takes_the_furthest_positive_and_the_nearest_negative():
    items = al.triplet_batch_hard(LINE, OF_LINE, margin=0.25, reduction="none")
    np.testing.assert_allclose(items, [0.75, 0.75, 2.25, 0.75])
    soft = al.triplet_batch_hard(LINE, OF_LINE, margin=0.25, soft=True, reduction="none")
    np.testing.assert_allclose(soft, np.log1p(np.exp([0.75, 0.75, 2.25, 0.75])))


@pytest.mark.backend("numpy")
def test_an_anchor_without_a_pair_is_left_out_of_the_mean():
    x = np.random.default_rng(0).normal(size=(5, 3))
    x[4] = x[0] + 0.01
    labels, alone = np.asarray([0, 0, 1, 1, 2]), np.asarray([True, True, True, True, False])
    for loss in (al.Circle(), al.TripletBatchHard(margin=3.0), al.TripletBatchSemiHard(margin=3.0)):
        items = replace(loss, reduction="none")(x, labels)
        assert items[4] == 0
        assert loss(x, labels) == pytest.approx(np.mean(items[:4]))
        assert loss(x, labels) != pytest.approx(loss(x, labels, where=alone))  # it is a negative of others
    items = al.multi_similarity(x, labels, reduction="none")
    assert al.multi_similarity(x, labels) == pytest.approx(np.mean(items))


@pytest.mark.backend("numpy")
def test_the_own_proxy_is_not_in_the_denominator():
    rng = np.random.default_rng(1)
    x, proxies, labels = rng.normal(size=(4, 3)), rng.normal(size=(3, 3)), np.asarray([0, 2, 1, 1])
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, proxies)]
    scores = 2 * unit[0] @ unit[1].T
    without = [np.log(np.sum(np.exp(np.delete(s, y)))) - s[y] for s, y in zip(scores, labels, strict=True)]
    np.testing.assert_allclose(al.proxy_nca(x, proxies, labels, reduction="none"), without)
    assert abs(al.cross_entropy(scores, labels) - np.mean(without)) > 0.1
    assert al.proxy_nca(x, proxies[:1], np.zeros(4, dtype=int)) == 0


@pytest.mark.backend("numpy")
def test_a_proxy_without_embeddings_counts_for_the_negatives_alone():
    x, proxies = np.asarray([[1.0, 0.0]]), np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    expected = np.log1p(np.exp(-2 * (1 - 0.25))) + np.mean([0.0, *np.log1p(np.exp(2 * np.asarray([0.25, -0.75])))])
    value = al.proxy_anchor(x, proxies, np.asarray([0]), margin=0.25, alpha=2.0)
    assert value == pytest.approx(expected)


@pytest.mark.backend("numpy")
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, math.inf])
def test_pairwise_distances(p, monkeypatch):
    x, y = np.random.default_rng(2).normal(size=(2, 6, 4))
    expected = [[np.linalg.norm(a - b, p) for b in y[:5]] for a in x]
    np.testing.assert_allclose(special.pairwise_distances(x, y[:5], p), expected, rtol=1e-12)
    monkeypatch.setattr(norms, "DIFFERENCES", 0)
    np.testing.assert_allclose(special.pairwise_distances(x, y[:5], p), expected, rtol=1e-12)


@pytest.mark.main_variants
def test_equal_rows_have_a_distance_of_0_and_a_finite_gradient(variant, monkeypatch):
    x = np.asarray([[1.0, 2.0], [1.0, 2.0], [1.0, 3.0]], variant.dtypes[-1])
    for limit in (1 << 24, 0):
        monkeypatch.setattr(norms, "DIFFERENCES", limit)
        loss = al.TripletBatchHard(margin=2.0)
        value, gradient = variant.run(al.value_and_grad(loss), variant.array(x), variant.array(np.asarray([0, 0, 1])))
        np.testing.assert_allclose(variant.numpy(value), 1.0)
        assert np.isfinite(variant.numpy(gradient)).all()


@pytest.mark.backend("torch")
@pytest.mark.parametrize("swap", [False, True])
def test_triplets_by_any_distance(swap):
    import torch

    anchor, positive, negative = torch.tensor(np.random.default_rng(3).normal(size=(3, 7, 4)), requires_grad=True)

    def distance(x, y):
        return 1 - torch.cosine_similarity(x, y)

    functional = torch.nn.functional.triplet_margin_with_distance_loss
    expected = functional(anchor, positive, negative, distance_function=distance, margin=0.5, swap=swap)
    far = distance(anchor, negative)
    if swap:
        far = torch.minimum(far, distance(positive, negative))
    value = al.margin_ranking(far, distance(anchor, positive), torch.ones(7), margin=0.5)
    torch.testing.assert_close(value, expected)
    by_anchor = [torch.autograd.grad(x, anchor, retain_graph=True)[0] for x in (value, expected)]
    torch.testing.assert_close(*by_anchor)


# angles


@pytest.mark.backend("numpy")
def test_angular_margins_are_radians_and_of_three_kinds():
    cosines, labels = np.asarray([[0.5, -0.25, 0.125]]), np.asarray([0])
    others = np.exp(np.asarray([-0.25, 0.125]) * 4).sum()
    for settings, own in (
        ({"angle_margin": 0.5}, math.cos(math.pi / 3 + 0.5)),
        ({"angle_margin": 0.0, "cosine_margin": 0.35}, 0.5 - 0.35),
        ({"angle_margin": 0.0, "angle_factor": 2.0}, math.cos(2 * math.pi / 3)),
        ({"angle_margin": 0.0, "angle_factor": 4.0}, -math.cos(4 * math.pi / 3) - 2),
        ({"angle_margin": 0.0, "angle_factor": 10.0}, -math.cos(10 * math.pi / 3) - 6),
    ):
        expected = math.log1p(others / math.exp(4 * own))
        assert al.angular_margin_softmax(cosines, labels, scale=4.0, **settings) == pytest.approx(expected)
    assert al.get("cosface").cosine_margin == 0.35
    assert al.get("sphereface").angle_factor == 4.0


@pytest.mark.main_variants
def test_without_margins_it_is_the_cross_entropy_of_scaled_cosines(variant):
    dtype = variant.dtypes[-1]
    cosines = np.random.default_rng(3).uniform(-1, 1, size=(6, 4)).astype(dtype)
    given = [variant.array(cosines), variant.array(np.asarray([0, 3, 1, 1, 2, 0]))]
    got = variant.numpy(variant.run(al.AngularMarginSoftmax(angle_margin=0.0, scale=8.0, reduction="none"), *given))
    expected = al.cross_entropy(8.0 * cosines.astype("float64"), np.asarray([0, 3, 1, 1, 2, 0]), reduction="none")
    np.testing.assert_allclose(got, expected, rtol=1e-12 if dtype == "float64" else 1e-5)


@pytest.mark.main_variants
@pytest.mark.parametrize("factor", [1.0, 4.0])
def test_the_gradient_is_finite_where_an_angle_has_none(variant, factor):
    dtype = variant.dtypes[-1]
    beyond = 1 + 2 * np.finfo(dtype).eps
    cosines = np.asarray([[1.0, 0.5], [-1.0, 0.5], [beyond, 0.5], [-beyond, 1.0], [0.5, -1.0]], dtype)
    loss = al.AngularMarginSoftmax(angle_factor=factor, scale=4.0)
    given = [
        variant.array(cosines),
        variant.array(np.zeros(5, dtype="int64" if variant.dtypes[-1] == "float64" else "int32")),
    ]
    value, gradient = variant.run(al.value_and_grad(loss), *given)
    assert np.isfinite(variant.numpy(value))
    assert np.isfinite(variant.numpy(gradient)).all()


@pytest.mark.backend("numpy")
def test_angular_margins_keep_their_digits():
    rng = np.random.default_rng(4)
    for dtype, limit in (("float64", 4.0), ("float32", 8.0)):
        cosines = (0.875 * np.tanh(rng.normal(size=(60, 5)) * 2)).astype(dtype)  # the angle and 0.5 stay below π
        labels = rng.integers(0, 5, size=60)
        items = al.angular_margin_softmax(cosines, labels, reduction="none")
        for row, y, item in zip(cosines, labels, items, strict=True):
            z = [64 * mpmath.mpf(float(c)) for c in row]
            z[y] = 64 * mpmath.cos(mpmath.acos(mpmath.mpf(float(row[y]))) + mpmath.mpf(0.5))
            exact = mpmath.log(mpmath.fsum(mpmath.exp(v - z[y]) for v in z))
            # A term of the formula is 64 at the most, the angle's rounding among its errors.
            assert abs(float(item - exact)) <= limit * np.spacing(np.dtype(dtype).type(64.0))


OF_COSINES = ("info_nce", "clip_contrastive", "siglip", "nt_xent", "supervised_contrastive", "multi_similarity")
OF_COSINES += ("circle", "proxy_nca", "proxy_anchor")


@pytest.mark.main_variants
@pytest.mark.parametrize("name", OF_COSINES)
def test_a_row_without_a_direction_is_given_none(variant, name):
    # The other rows' derivatives are those of its cosine of 0: as of a row that is at right angles to all others.
    loss = al.get(name)
    x = np.asarray([[3.0, 1.0, 0.0], [1.0, -2.0, 0.0], [2.0, 2.0, 0.0]])
    other = np.asarray([[1.0, 0.5, 0.0], [-1.0, 1.0, 0.0], [0.5, 2.0, 0.0], [1.0, -3.0, 0.0]])
    labels = np.asarray([0, 1, 1, 0])
    arrays = [other if domain == "real" else labels for domain in loss.declaration.domains[1:]]
    for dtype in variant.dtypes:
        values, gradients = [], []
        for first in ([0.0, 0.0, 0.0], [0.0, 0.0, 1.0]):
            given = [v.astype(dtype) if v.dtype.kind == "f" else v for v in (np.asarray([first, *x]), *arrays)]
            value, gradient = variant.run(al.value_and_grad(loss), *map(variant.array, given))
            values.append(variant.numpy(value))
            gradients.append(variant.numpy(gradient))
        np.testing.assert_allclose(*values, rtol=1e-5)
        np.testing.assert_array_equal(gradients[0][0], 0.0)
        np.testing.assert_allclose(*[gradient[1:, :2] for gradient in gradients], rtol=1e-4, atol=1e-6)


@pytest.mark.backend("torch")
@pytest.mark.parametrize("name", ["info_nce", "siglip", "multi_similarity", "circle", "proxy_anchor", "barlow_twins"])
def test_a_row_without_a_direction_is_given_none_by_torch_s_own_derivatives(name):
    import torch

    loss = al.get(name)
    x = torch.tensor([[0.0, 0.0, 0.0], [3.0, 1.0, 0.0], [1.0, -2.0, 0.0], [2.0, 2.0, 0.0]], requires_grad=True)
    other = torch.tensor([[1.0, 0.5, 1.0], [-1.0, 1.0, 2.0], [0.5, 2.0, 0.0], [1.0, -3.0, 1.0]])
    arrays = [other if domain == "real" else torch.tensor([0, 1, 1, 0]) for domain in loss.declaration.domains[1:]]
    loss(x, *arrays).backward()
    for gradient in (x.grad, torch.func.grad(loss)(x.detach(), *arrays)):
        assert (gradient.abs() < 1e3).all()
        assert (gradient[:, 2] if name == "barlow_twins" else gradient[0]).eq(0.0).all()


# views


@pytest.mark.backend("numpy")
def test_vicreg_s_terms_one_by_one():
    x, y = np.random.default_rng(5).normal(size=(2, 6, 3)) * np.asarray([0.25, 0.5, 2.0])
    nothing = {"invariance": 0.0, "variance": 0.0, "covariance": 0.0}
    assert al.vicreg(x, y, **{**nothing, "invariance": 1.0}) == pytest.approx(np.mean((x - y) ** 2))
    lacking = [np.mean(np.maximum(0, 1 - np.sqrt(np.var(v, axis=0, ddof=1) + 1e-4))) for v in (x, y)]
    assert al.vicreg(x, y, **{**nothing, "variance": 1.0}) == pytest.approx(np.mean(lacking))
    squares = [np.sum(np.cov(v, rowvar=False) ** 2) - np.sum(np.var(v, axis=0, ddof=1) ** 2) for v in (x, y)]
    assert al.vicreg(x, y, **{**nothing, "covariance": 1.0}) == pytest.approx(np.sum(squares) / 3)


@pytest.mark.main_variants
@pytest.mark.parametrize("name", ["vicreg", "barlow_twins"])
def test_a_constant_feature_or_a_single_example_is_finite(variant, name):
    for x in (np.ones((4, 2)), np.ones((1, 2))):
        given = [variant.array(x.astype(variant.dtypes[-1]))] * 2
        value, gradient = variant.run(al.value_and_grad(al.get(name)), *given)
        assert np.isfinite(variant.numpy(value))
        assert np.isfinite(variant.numpy(gradient)).all()
    assert float(value) == pytest.approx(24.75 if name == "vicreg" else 2.0)


def test_no_embeddings_have_a_loss_of_0_from_proxies(variant):
    arrays = [variant.array(np.zeros((0, 4))), variant.array(np.eye(3, 4)), variant.array(np.zeros(0, int))]
    assert float(variant.numpy(variant.run(al.proxy_anchor, *arrays))) == 0


@pytest.mark.main_variants
@pytest.mark.parametrize("p", [0.5, 1.0, 2.0, 3.0, np.inf])
def test_a_vector_that_is_infinitely_far_has_an_infinite_distance(variant: Variant, p):
    # The differences of the distances, by the definition: inf - 1, 1 - inf, and with `swap` inf - min(inf, finite).
    near, far = np.asarray([[0.0, 1.0]]), np.asarray([[np.inf, 0.0]])
    here, near, far = [variant.array(x.astype(variant.dtypes[-1])) for x in (np.zeros((1, 2)), near, far)]

    def loss(swap, *arrays):
        found = variant.run(lambda *x: al.triplet_margin(*x, margin=2.0, p=p, swap=swap), *arrays)
        return float(variant.numpy(found))

    assert [loss(swap, here, far, near) for swap in (False, True)] == [np.inf, np.inf]
    assert [loss(swap, here, near, far) for swap in (False, True)] == [0.0, 0.0]
    assert loss(True, far, here, near) == np.inf
