"""Beside jaxopt 0.8, in value and gradient.

Where its conventions differ:

- The target comes first, each function takes one item, and nothing is reduced.
- Binary targets are 0 and 1 throughout, where `hinge` and `perceptron` take -1 and 1.
"""

from __future__ import annotations

import numpy as np
import pytest

import arraylosses as al

from ._oracle import agree_on_jax, library

jaxopt = library("jaxopt.loss", "jaxopt", "0.8")
jax = pytest.importorskip("jax")

pytestmark = pytest.mark.filterwarnings("ignore")  # of theirs

rng = np.random.default_rng(0)
SCORES, TARGET = 1.5 * rng.normal(size=6), np.asarray([0, 1, 1, 0, 1, 0])
LOGITS, LABELS = rng.normal(size=(5, 4)), np.asarray([0, 3, 1, 1, 2])


@pytest.mark.parametrize(
    ("theirs", "ours", "signs"),
    [
        ("binary_logistic_loss", al.binary_cross_entropy, False),
        ("binary_sparsemax_loss", al.sparsemax, False),
        ("binary_hinge_loss", al.hinge, True),
        ("binary_perceptron_loss", al.perceptron, True),
    ],
)
def test_binary(theirs, ours, signs):
    target = np.asarray(2.0 * TARGET - 1 if signs else TARGET, dtype=float)
    of_items = jax.vmap(getattr(jaxopt, theirs))
    agree_on_jax(lambda s: ours(s, jax.numpy.asarray(target)), lambda s: of_items(TARGET, s).mean(), SCORES)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("multiclass_logistic_loss", al.cross_entropy),
        ("multiclass_sparsemax_loss", al.multiclass_sparsemax),
        ("multiclass_hinge_loss", al.categorical_hinge),
        ("multiclass_perceptron_loss", al.multiclass_perceptron),
    ],
)
def test_multiclass(theirs, ours):
    of_items = jax.vmap(getattr(jaxopt, theirs))
    agree_on_jax(lambda z: ours(z, jax.numpy.asarray(LABELS)), lambda z: of_items(LABELS, z).mean(), LOGITS)


def test_huber():
    theirs = lambda s: jaxopt.huber_loss(SCORES[::-1], s, 0.7).mean()  # noqa: E731
    agree_on_jax(lambda s: al.huber(s, jax.numpy.asarray(SCORES[::-1].copy()), delta=0.7), theirs, SCORES)


def test_fenchel_young():
    of_items = jax.vmap(jaxopt.make_fenchel_young_loss(jax.nn.logsumexp))
    ours = al.fenchel_young(al.special.logsumexp)
    hot = jax.nn.one_hot(LABELS, 4)
    agree_on_jax(lambda z: ours(z, jax.numpy.asarray(LABELS)), lambda z: of_items(hot, z).mean(), LOGITS)
