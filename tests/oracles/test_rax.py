"""Beside Rax 0.4, in value and gradient.

Where its conventions differ:

- `softmax_loss` takes the relevance for the target distribution as it is; `list_net` takes its softmax.
- `pairwise_logistic_loss` and `pairwise_hinge_loss` are means over the pairs of all lists, ours sums over those of one.
- `poly1_softmax_loss` has an epsilon of 1, `poly_cross_entropy` an `epsilon1` of 2.
- `dcg_lambdaweight` multiplies by the length of a list, and its pairs have the natural logarithm, ours that of base 2.
- `approx_t12n`, which needs a ``jax.util`` that JAX 0.10 has no more, is the negative NDCG with a temperature of 1;
  `approx_ndcg` is one minus it. It is compared with the metric that it would transform.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import arraylosses as al

from ._oracle import agree_on_jax, library

rax = library("rax", "rax", "0.4")
jax = pytest.importorskip("jax")

pytestmark = pytest.mark.filterwarnings("ignore")  # of theirs

rng = np.random.default_rng(0)
SCORES = rng.normal(size=(3, 6))
RELEVANCE = rng.integers(0, 4, size=(3, 6)).astype(float)
SHARES = RELEVANCE / RELEVANCE.sum(axis=1, keepdims=True)
ORDER = rng.permuted(np.tile(np.arange(6.0), (3, 1)), axis=1)
THERE = np.arange(18).reshape(3, 6) % 5 > 0


def approx_ranks(scores, **settings):
    return rax.utils.approx_ranks(scores, step_fn=lambda x: jax.nn.sigmoid(x / 0.7), **settings)


COMPARED = {
    "list_net": (
        lambda s: al.list_net(s, jax.numpy.asarray(RELEVANCE), where=jax.numpy.asarray(THERE)),
        lambda s: rax.softmax_loss(s, jax.nn.softmax(RELEVANCE, axis=-1, where=THERE), where=THERE),
    ),
    "list_mle": (
        lambda s: al.list_mle(s, jax.numpy.asarray(ORDER), where=jax.numpy.asarray(THERE)),
        lambda s: rax.listmle_loss(s, ORDER, where=THERE),
    ),
    "pairwise_logistic": (
        lambda s: al.pairwise_logistic(
            s, jax.numpy.asarray(RELEVANCE), where=jax.numpy.asarray(THERE), reduction="sum"
        ),
        lambda s: rax.pairwise_logistic_loss(s, RELEVANCE, where=THERE, reduce_fn=jax.numpy.sum),
    ),
    "pairwise_hinge": (
        lambda s: al.pairwise_hinge(s, jax.numpy.asarray(RELEVANCE), where=jax.numpy.asarray(THERE), reduction="sum"),
        lambda s: rax.pairwise_hinge_loss(s, RELEVANCE, where=THERE, reduce_fn=jax.numpy.sum),
    ),
    "lambda_loss": (
        lambda s: al.lambda_loss(s, jax.numpy.asarray(RELEVANCE), mu=0.0, reduction="sum") * 6 * math.log(2),
        lambda s: rax.pairwise_logistic_loss(
            s,
            RELEVANCE,
            reduce_fn=jax.numpy.sum,
            lambdaweight_fn=lambda *args, **rest: rax.dcg_lambdaweight(*args, normalize=True, **rest),
        ),
    ),
    "approx_ndcg": (
        lambda s: al.approx_ndcg(
            s, jax.numpy.asarray(RELEVANCE), where=jax.numpy.asarray(THERE), temperature=0.7, reduction="sum"
        ),
        lambda s: 3.0 - rax.ndcg_metric(s, RELEVANCE, where=THERE, rank_fn=approx_ranks, reduce_fn=jax.numpy.sum),
    ),
    "poly_cross_entropy": (
        lambda s: al.poly_cross_entropy(s, jax.numpy.asarray(SHARES), epsilon1=1.0),
        lambda s: rax.poly1_softmax_loss(s, SHARES, epsilon=1.0),
    ),
    "binary_cross_entropy": (
        lambda s: al.binary_cross_entropy(s, jax.numpy.asarray(SHARES), where=jax.numpy.asarray(THERE)),
        lambda s: rax.pointwise_sigmoid_loss(s, SHARES, where=THERE),
    ),
    "squared_error": (
        lambda s: al.squared_error(s, jax.numpy.asarray(RELEVANCE)),
        lambda s: rax.pointwise_mse_loss(s, RELEVANCE),
    ),
}


@pytest.mark.parametrize("name", COMPARED)
def test_values_and_gradients(name):
    agree_on_jax(*COMPARED[name], SCORES)
