"""Many rows of few classes, which are computed with the classes on the first axis: each as if it were alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

import arraylosses as al

from .cases import DEFAULTS

ROWS = 600
SHAPES = [(ROWS, 4), (ROWS // 2, 2, 4)]
MOVED = [case for case in DEFAULTS if case.loss.few_classes_first]
of_both = pytest.mark.parametrize(
    "library", [pytest.param(x, marks=pytest.mark.backend(x)) for x in ("numpy", "torch")]
)


def tensors(library, arrays):
    return [pytest.importorskip(library).asarray(x) for x in arrays]


@of_both
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("case", MOVED, ids=str)
def test_rows_are_each_as_if_alone(library, case, shape):
    arrays = case.inputs(shape=shape)
    loss = replace(case.loss, reduction="none")
    whole = np.asarray(loss(*tensors(library, arrays)))
    parts = [loss(*tensors(library, [x[k : k + 60] for x in arrays])) for k in range(0, len(arrays[0]), 60)]
    np.testing.assert_allclose(whole, np.concatenate(parts), rtol=1e-12, atol=1e-15)
    slopes = al.grad(replace(case.loss, reduction="sum"))
    whole = np.asarray(slopes(*tensors(library, arrays)))
    parts = [slopes(*tensors(library, [x[k : k + 60] for x in arrays])) for k in range(0, len(arrays[0]), 60)]
    assert whole.flags.c_contiguous
    np.testing.assert_allclose(whole, np.concatenate(parts), rtol=1e-11, atol=1e-14)


@dataclass(frozen=True, kw_only=True)
class OfLastAxis(al.CrossEntropy):
    """One that has no use for `axis`."""

    pure = True

    def call(self, logits, labels):
        return np.max(logits, axis=-1) - np.min(logits, axis=-1)


def test_a_formula_of_a_user_s_is_given_what_it_was():
    logits = np.random.default_rng(0).normal(size=(ROWS, 3))
    labels = np.zeros(ROWS, dtype=np.int64)
    items = OfLastAxis(reduction="none")(logits, labels)
    np.testing.assert_array_equal(items, logits.max(axis=1) - logits.min(axis=1))


def test_the_derivatives_of_a_cross_entropy_are_those_of_the_softmax():
    logits = np.random.default_rng(0).normal(size=(ROWS, 3))
    labels = np.arange(ROWS) % 3
    value, gradient, diagonal = al.value_grad_hess(al.CrossEntropy(reduction="sum"))(logits, labels)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(value, -np.log(p[np.arange(ROWS), labels]).sum(), rtol=1e-12)
    np.testing.assert_allclose(gradient, p - np.eye(3)[labels], rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(diagonal, p * (1.0 - p), rtol=1e-10)
