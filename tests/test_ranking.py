"""Conventions of the losses of a list: ties, lists in which nothing is relevant, and the limits of the formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

import arraylosses as al

pytestmark = pytest.mark.otherwise_numpy

SCORES = np.asarray([[0.5, 2.0, -1.0, 1.5]])
RELEVANCE = np.asarray([[1.0, 0.0, 2.0, 1.0]])
LOSSES = [al.ListMle(), al.PairwiseLogistic(), al.PairwiseHinge(), al.LambdaLoss(), al.ApproxNdcg()]


def both(variant, loss, scores, relevance):
    given = [variant.array(x) for x in (scores, relevance)]
    value, gradient = al.value_and_grad(loss)(*given)
    return float(variant.numpy(value)), variant.numpy(gradient)


@pytest.mark.main_variants
def test_documents_of_equal_relevance_rank_as_they_come_and_make_no_pair(variant):
    dtype = variant.dtypes[-1]
    s, y = SCORES.astype(dtype), RELEVANCE.astype(dtype)
    order = s[0][[2, 0, 3, 1]]
    expected = sum(math.log(sum(math.exp(b) for b in order[k:])) - order[k] for k in range(4))
    assert both(variant, al.ListMle(), s, y)[0] == pytest.approx(expected, rel=1e-6)
    other = both(variant, al.ListMle(), s[:, ::-1].copy(), y[:, ::-1].copy())[0]
    assert abs(other - expected) > 0.1  # the two of relevance 1 come in the other order
    for loss in LOSSES[1:3]:
        value, gradient = both(variant, loss, s, np.ones_like(y))
        assert value == 0
        assert not gradient.any()


@pytest.mark.main_variants
def test_a_list_in_which_nothing_is_relevant_has_no_ndcg_and_no_loss(variant):
    dtype = variant.dtypes[-1]
    for loss in (al.LambdaLoss(), al.ApproxNdcg()):
        value, gradient = both(variant, loss, SCORES.astype(dtype), np.zeros_like(RELEVANCE, dtype))
        assert value == 0
        assert not gradient.any()


@pytest.mark.main_variants
def test_a_gain_that_no_float_holds_is_of_a_ratio_that_one_does(variant):
    dtype = variant.dtypes[-1]
    for loss in (al.LambdaLoss(mu=1.0), al.ApproxNdcg(temperature=1.0)):
        far, near = (both(variant, loss, SCORES.astype(dtype), (x * RELEVANCE).astype(dtype)) for x in (3000, 60))
        assert near[0] > 0.1
        np.testing.assert_allclose(far[0], near[0], rtol=1e-6)
        np.testing.assert_allclose(far[1], near[1], rtol=1e-5, atol=1e-7)


def test_a_low_temperature_gives_one_minus_the_ndcg():
    gain = 2 ** RELEVANCE[0] - 1  # at the ranks 3, 1, 4, 2
    found = sum(g / math.log2(1 + r) for g, r in zip(gain, (3, 1, 4, 2), strict=True))
    best = 3 + 1 / math.log2(3) + 1 / math.log2(4)
    assert float(al.approx_ndcg(SCORES, RELEVANCE, temperature=1e-3)) == pytest.approx(1 - found / best, rel=1e-12)
    perfect = al.approx_ndcg(RELEVANCE + SCORES / 100, RELEVANCE, temperature=1e-5)
    assert float(perfect) == pytest.approx(0, abs=1e-12)


def test_lambda_rank_weighs_a_pair_by_what_its_exchange_changes():
    scores, relevance = np.asarray([0.5, 2.0, -1.0]), np.asarray([2.0, 0.0, 1.0])

    def ndcg(scores):
        gain = (2**relevance - 1)[np.argsort(-scores)]
        best = np.sort(2**relevance - 1)[::-1]
        discount = 1 / np.log2([2, 3, 4])
        return gain @ discount / (best @ discount)

    expected = 0.0
    for i, j in ((0, 1), (0, 2), (2, 1)):
        exchanged = scores.copy()
        exchanged[[i, j]] = scores[[j, i]]
        expected += abs(ndcg(scores) - ndcg(exchanged)) * math.log2(1 + math.exp(scores[j] - scores[i]))
    assert float(al.lambda_loss(scores, relevance, mu=0.0)) == pytest.approx(expected, rel=1e-12)
    assert float(al.lambda_loss(scores, relevance, mu=1.0)) > expected


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_better_scores_have_a_smaller_loss(loss):
    good, bad = (float(loss(scores, RELEVANCE[0])) for scores in (RELEVANCE[0] * 3, -RELEVANCE[0] * 3))
    assert 0 <= good < bad
