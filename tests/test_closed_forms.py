"""Derivatives in closed form against the tape, at the edges of each loss's domain too, and second derivatives."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

import arraylosses as al
from arraylosses import autodiff, gradients
from arraylosses.losses._base import ErrorLoss
from arraylosses.testing.laws import formula_of

from .cases import CASES, OF_BATCHES, extremes, subject
from .catalogue import CATALOGUE
from .variants import Variant

pytestmark = pytest.mark.otherwise_numpy

all_cases = pytest.mark.parametrize("case", CASES, ids=str)
CLOSED = [case for case in CASES if 0 in case.loss.closed_forms]
closed_cases = pytest.mark.parametrize("case", CLOSED, ids=str)
OF_LABELS = [case for case in CASES + OF_BATCHES if not case.soft and case.inputs()[-1].dtype.kind == "i"]
SECOND = [case for case in CLOSED if case.loss.second_derivative(*case.inputs()) is not None]

KINKED = {"hellinger", "cosine_embedding"}
"""At a value of 0 the last digit decides on which side of a kink an item lies, and it is not the same on each
processor."""


def agree_beside_kinks(case, arrays, found, expected, rtol: float = 1e-10) -> None:
    """Compare gradients, but for those of the items at a kink, which have to be finite."""
    at_a_kink = np.asarray(False)
    if case.name in KINKED:
        near = 1e2 * np.finfo(arrays[0].dtype).eps
        at_a_kink = np.abs(replace(case.loss, reduction="none")(*arrays)) < near
    of_rows = expected.ndim > at_a_kink.ndim > 0
    left_out = np.expand_dims(at_a_kink, case.axis) if of_rows else at_a_kink
    assert np.all(np.isfinite(found) | ~left_out)
    close(np.where(left_out, expected, found), expected, rtol)


def close(actual, expected, rtol: float = 1e-10, size: float = 1e-3) -> None:
    expected = np.asarray(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * np.max(np.abs(expected), initial=size))


def test_the_losses_of_boosters_have_both_derivatives_in_closed_form():
    found = {case.name for case in SECOND if case.loss == type(case.loss)()}
    assert found >= {name for name, entry in CATALOGUE.items() if entry.boosted}


@closed_cases
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_closed_form_is_the_tape_s_at_ties_and_extremes(case, dtype):
    arrays = extremes(case, dtype)
    loss = replace(case.loss, reduction="sum")
    _, gradient = al.value_and_grad(loss)(*arrays)
    expected = autodiff.grad(formula_of(loss))(*arrays)
    agree_beside_kinks(case, arrays, gradient, expected, 1e-12 if dtype == "float64" else 1e-5)


@pytest.mark.main_variants
@all_cases
def test_the_gradient_at_the_edges_is_numpy_s_on_every_library(variant: Variant, case):
    arrays = extremes(case, variant.dtypes[-1])
    positions = subject(case).floating(arrays)
    gradients = al.grad(replace(case.loss, reduction="sum"), positions)
    found = [variant.numpy(x) for x in variant.run(gradients, *map(variant.array, arrays))]
    wanted = gradients(*arrays)
    for of_array, expected in zip(found, wanted, strict=True):
        agree_beside_kinks(case, arrays, of_array, expected)


@pytest.mark.parametrize("case", SECOND, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_finite_loss_has_a_finite_diagonal(case, dtype):
    *_, diagonal = al.value_grad_hess(replace(case.loss, reduction="sum"))(*extremes(case, dtype))
    assert np.all(np.isfinite(diagonal))


@pytest.mark.backend("jax")
@all_cases
def test_the_diagonal_is_that_of_jax_hessian(case):
    import jax

    arrays = case.inputs(seed=5, shape=(2,))
    with jax.enable_x64(True):
        given = [jax.numpy.asarray(x) for x in arrays]
        size = arrays[0].size
        hessian = np.asarray(jax.jit(jax.hessian(case.loss))(*given)).reshape(size, size)
        *_, own = jax.jit(al.value_grad_hess(case.loss))(*given)
    close(np.asarray(own).ravel(), np.diagonal(hessian))
    close(al.value_grad_hess(case.loss)(*arrays)[2].ravel(), np.diagonal(hessian))


@pytest.mark.main_variants
@all_cases
def test_value_gradient_and_diagonal_are_numpy_s_on_every_library(variant: Variant, case):
    dtype = variant.dtypes[-1]
    arrays = case.inputs(seed=6, shape=(3,), dtype=dtype)
    rng = np.random.default_rng(7)
    weight = rng.uniform(0.5, 2.0, size=case.item_shape((3,))).astype(dtype)
    where = np.ones(weight.shape, dtype=bool)
    where[1] = False
    w, keep = variant.array(weight), variant.array(where)
    for k in (0, case.floating()[-1]):
        expected = al.value_grad_hess(case.loss, k)(*arrays, weight=weight, where=where)
        compute = al.value_grad_hess(case.loss, k)
        given = [variant.array(x) for x in arrays]
        got = variant.run(lambda *a, f=compute: f(*a[:-2], weight=a[-2], where=a[-1]), *given, w, keep)
        for x, want in zip(got, expected, strict=True):
            assert variant.of_this_library(x)
            assert str(x.dtype).rpartition(".")[2] == dtype
            assert variant.device(x) == variant.device(given[0])
            assert tuple(x.shape) == want.shape
            close(variant.numpy(x), want)
        if variant.backend == "dask":
            assert got[1].chunks == got[2].chunks == given[k].chunks


@pytest.mark.main_variants
@pytest.mark.parametrize("case", OF_LABELS, ids=str)
def test_what_is_left_out_of_a_diagonal_may_be_no_class_whatever_the_dtype_of_labels(variant: Variant, case):
    *arrays, labels = case.inputs(seed=6, shape=(3,), batch=3)
    where = np.ones(labels.shape, dtype=bool)
    where.flat[0] = False
    wrong = np.where(where, labels, 99).astype("uint16")
    expected = al.value_grad_hess(case.loss)(*arrays, np.where(where, labels, 0), where=where)
    given = [variant.array(x) for x in (*arrays, wrong)]
    for x, want in zip(al.value_grad_hess(case.loss)(*given, where=variant.array(where)), expected, strict=True):
        close(variant.numpy(x), want)


@pytest.mark.main_variants
@pytest.mark.parametrize("case", SECOND, ids=str)
def test_a_closed_form_of_the_diagonal_serves_plain_arrays_of_every_library(variant: Variant, case, monkeypatch):
    # The other way takes one pass for each class, seconds for a thousand.
    monkeypatch.delattr(gradients, "_value_grad_hess")
    arrays = [variant.array(x) for x in case.inputs(shape=(2,), dtype=variant.dtypes[0])]
    assert len(al.value_grad_hess(case.loss)(*arrays)) == 3


def test_a_loss_of_one_s_own_has_a_diagonal_by_its_granularity():
    @al.loss
    def fourth(prediction, target, *, scale=1.0):
        return scale * (prediction - target) ** 4

    @al.loss(granularity="row")
    def square_of_sum(prediction, target):
        xp = al.array_namespace(prediction, target)
        return xp.sum(prediction * target, axis=-1) ** 2

    x, y = np.asarray([[1.0, 3.0], [0.0, -1.0]]), np.asarray([[0.0, 1.0], [2.0, 1.0]])
    value, gradient, diagonal = al.value_grad_hess(fourth)(x, y, scale=2.0, reduction="sum")
    assert value == 2 * (1 + 16 + 16 + 16)
    np.testing.assert_allclose(gradient, 8 * (x - y) ** 3)
    np.testing.assert_allclose(diagonal, 24 * (x - y) ** 2)
    *_, diagonal = al.value_grad_hess(square_of_sum)(x, y, reduction="sum")
    np.testing.assert_allclose(diagonal, 2 * y**2)
    with pytest.raises(TypeError, match="`loss` must be a loss"):
        al.value_grad_hess(lambda p, t: al.huber(p, t))(x, y)
    with pytest.raises(TypeError, match="`loss` must be a loss"):
        al.value_grad_hess(fourth)(x, y, size=2.0)


def test_a_closed_form_of_the_wrong_shape_is_refused():
    class Wrong(al.Loss):
        def call(self, prediction, target):
            return prediction - target

        def derivative(self, prediction, target):
            return al.array_namespace(prediction, target).sum(prediction)

    with pytest.raises(
        ValueError, match="`derivative` of Wrong must return the shape of the array that it is taken by"
    ):
        al.grad(Wrong())(np.ones(2), np.ones(2))


def test_settings_that_are_arrays_by_name_and_unknown_ones_are_left_to_the_loss():
    x, y = np.asarray([1.0, 3.0]), np.asarray([0.0, 1.0])
    np.testing.assert_allclose(al.grad(al.squared_error)(x, target=y, reduction="sum"), 2 * (x - y))
    np.testing.assert_allclose(al.grad(al.SquaredError(reduction="sum"))(x, target=y), 2 * (x - y))
    with pytest.raises(TypeError, match="delta"):
        al.grad(al.squared_error)(x, y, delta=2.0)


def test_the_direction_of_a_tiny_distance_is_a_unit_vector():
    anchor, positive, negative = np.asarray([[3e-310, 4e-310]]), np.zeros((1, 2)), np.ones((1, 2))
    gradient = al.grad(al.TripletMargin(margin=10.0, reduction="sum"), 1)(anchor, positive, negative)
    np.testing.assert_allclose(gradient, [[-0.6, -0.8]], rtol=1e-6)


ARRAYS = {"numpy": np.array, "torch": lambda x: pytest.importorskip("torch").tensor(x)}


@pytest.mark.parametrize("library", [pytest.param(name, marks=pytest.mark.backend(name)) for name in ARRAYS])
@pytest.mark.parametrize("case", [case for case in CLOSED if case.loss.new_derivatives], ids=str)
def test_a_derivative_that_may_be_written_over_is_nobody_else_s(library, case):
    loss, found = case.loss, []
    for seed, shape in ((1, (5, 3)), (2, (600, 3))):
        given = [ARRAYS[library](x) for x in case.inputs(seed=seed, shape=shape)]
        arrays = loss.check(tuple(given), None, None).arrays
        settings = [getattr(loss, name) for name in loss.array_settings]
        for _ in range(2):
            with np.errstate(all="ignore"):
                value, derivatives = loss.value_and_derivatives(loss.closed_forms, *arrays)
                second = loss.second_derivative(*arrays)
            found += [(np.asarray(x), [*arrays, *settings, value]) for x in (*derivatives, second) if x is not None]
    for k, (x, others) in enumerate(found):
        assert x.flags.writeable
        assert all(n == 1 or s for n, s in zip(x.shape, x.strides, strict=True))  # no entry stands for several
        for other in [*others, *[y for y, _ in found[:k]]]:
            assert not np.shares_memory(x, np.asarray(other))


def test_a_derivative_of_a_user_s_is_not_written_over():
    kept = np.ones(3)

    @dataclass(frozen=True, kw_only=True)
    class Kept(al.Huber):
        def derivative(self, prediction, target):
            return kept

    @dataclass(frozen=True, kw_only=True)
    class Plain(al.Loss):
        def call(self, prediction, target):
            return prediction - target

        def derivative(self, prediction, target):
            return kept

    for loss in (Kept(), Plain()):
        for _ in range(2):
            al.value_and_grad(loss)(np.arange(3.0), np.zeros(3))
    assert kept.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "loss",
    [
        al.get("BCELoss"),
        al.get("BCELoss", log_floor=-0.5),
        al.get("bce", epsilon=0.2, label_smoothing=0.1, pos_weight=3.0),
        al.get("binary_focal_crossentropy", epsilon=0.2, gamma=0.7, label_smoothing=0.1),
        al.get("categorical_focal_crossentropy", epsilon=0.2, gamma=0.7),
    ],
    ids=repr,
)
def test_a_limit_of_probabilities_holds_in_the_second_derivative(loss):
    # a central difference of the first
    total, rng = replace(loss, reduction="sum"), np.random.default_rng(0)
    p, target = 0.1 + 0.6 * rng.dirichlet(np.ones(4), 6), rng.dirichlet(np.ones(4), 6)
    _, _, found = al.value_grad_hess(total)(p, target)
    slope, steps = al.grad(total), 1e-6 * np.eye(4)
    columns = [(slope(p + step, target) - slope(p - step, target))[:, k] / 2e-6 for k, step in enumerate(steps)]
    close(found, np.stack(columns, axis=-1), rtol=1e-6)


@pytest.mark.every_loss
@pytest.mark.parametrize("case", [case for case in CASES if isinstance(case.loss, ErrorLoss)], ids=str)
@pytest.mark.parametrize(
    "library", [pytest.param(name, marks=pytest.mark.backend(name)) for name in ("numpy", "torch", "jax")]
)
def test_the_second_derivative_at_an_error_of_0_is_between_those_beside_it(library, case):
    # differences of the first derivative
    total, x = replace(case.loss, reduction="sum"), np.asarray([-0.75])
    before, here, after = (float(al.grad(total)(x + step, x)[0]) for step in (-1e-7, 0.0, 1e-7))
    if abs(after - before) > 1e-3:
        pytest.skip("it has a kink at 0")
    low, high = sorted([(here - before) / 1e-7, (after - here) / 1e-7])
    found = [al.value_grad_hess(total, k)(x, x)[2] for k in (0, 1)]
    if library == "torch":
        import torch

        given = torch.tensor(x), torch.tensor(x)
        found = [torch.func.jacrev(torch.func.grad(total, k), k)(*given) for k in (0, 1)]
        recorded = torch.autograd.functional.hessian(total, given)
        found += [recorded[0][0], recorded[1][1]]
    elif library == "jax":
        import jax

        with jax.enable_x64(True):
            given = jax.numpy.asarray(x), jax.numpy.asarray(x)
            found = [jax.hessian(total, k)(*given) for k in (0, 1)]
    for second in found:
        assert low - 1e-5 <= float(second.reshape(())) <= high + 1e-5


def test_a_second_derivative_alone_leaves_the_first_in_closed_form():
    class Bent(al.Loss):
        def second_derivative(self, prediction, target):
            return super().second_derivative(prediction, target)

    class Mine(Bent, al.SquaredError):
        pass

    assert Mine.closed_forms == al.SquaredError.closed_forms
    assert al.value_grad_hess(Mine())(np.ones(2), np.zeros(2))[2].tolist() == [1.0, 1.0]
