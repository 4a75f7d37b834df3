"""What is JAX's alone: its transformations, and what they leave of a loss."""

from __future__ import annotations

import math
from dataclasses import replace

import mpmath
import numpy as np
import pytest

import arraylosses as al
from arraylosses import special

from .cases import DEFAULTS

pytestmark = pytest.mark.backend("jax")
default_cases = pytest.mark.parametrize("case", DEFAULTS, ids=str)


@pytest.fixture(scope="module")
def jax():
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        yield jax


def arrays_of(jax, case, **kwargs):
    return [jax.numpy.asarray(x) for x in case.inputs(**kwargs)]


@default_cases
def test_vmap_equals_the_batch(jax, case):
    arrays = arrays_of(jax, case, seed=1)
    loss = replace(case.loss, reduction="none")
    np.testing.assert_allclose(jax.jit(jax.vmap(loss))(*arrays), loss(*arrays), rtol=1e-12, atol=1e-13)


@default_cases
def test_what_is_differentiated_may_be_an_array_of_numpy(jax, case):
    given = case.inputs(seed=2, shape=(2, 2))
    arrays = [jax.numpy.asarray(x) for x in given]
    free = case.floating()
    of_numpy = [given[k] if k in free else x for k, x in enumerate(arrays)]
    expected = jax.grad(case.loss, free)(*arrays)
    for x, y in zip(jax.grad(case.loss, free)(*of_numpy), expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-13, atol=1e-15)
    if 0 in free:  # alone, beside arrays of JAX
        np.testing.assert_allclose(jax.grad(case.loss)(given[0], *arrays[1:]), expected[0], rtol=1e-13, atol=1e-15)


@default_cases
def test_gradients_in_both_modes_equal_central_differences(jax, case):
    if case.entry.constant:
        pytest.skip(f"{case.entry.constant} counts as a constant: its own tests have the gradient")
    arrays = arrays_of(jax, case, seed=2, shape=(2, 2))
    weight = jax.numpy.asarray([[0.5, 2.0], [1.0, 0.25]]).reshape((2, 2) if case.rows else (2, 2, 1))
    free = case.floating()

    def run(*given):
        full = list(arrays)
        for k, x in zip(free, given, strict=True):
            full[k] = x
        return 3.0 * case.loss(*full, weight=weight)

    rng = np.random.default_rng(3)
    at = [arrays[k] for k in free]
    direction = [jax.numpy.asarray(rng.normal(size=x.shape)) for x in at]
    forward = jax.jit(lambda *x: jax.jvp(run, x, tuple(direction))[1])(*at)
    reverse = sum(
        float((g * d).sum()) for g, d in zip(jax.jit(jax.grad(run, tuple(range(len(at)))))(*at), direction, strict=True)
    )
    compiled = jax.jit(run)
    step = 1e-6
    ahead = compiled(*(x + step * d for x, d in zip(at, direction, strict=True)))
    behind = compiled(*(x - step * d for x, d in zip(at, direction, strict=True)))
    central = float((ahead - behind) / (2 * step))
    assert float(forward) == pytest.approx(reverse, rel=1e-11, abs=1e-12)
    assert reverse == pytest.approx(central, rel=1e-6, abs=1e-7)


def test_a_loss_disappears_in_an_outer_program(jax):
    jnp = jax.numpy

    @jax.jit
    def step(w, x, y):
        def objective(w):
            return al.cross_entropy(x @ w, y)

        return w - 0.1 * jax.grad(objective)(w)

    w = step(jnp.zeros((3, 4)), jnp.eye(3), jnp.asarray([0, 1, 3]))
    assert w.shape == (3, 4)
    assert bool(jnp.all(jnp.isfinite(w)))


def test_settings_may_be_traced_where_an_array_is_taken(jax):
    jnp = jax.numpy
    z, y = jnp.asarray(np.random.default_rng(4).normal(size=(5, 3))), jnp.asarray([0, 1, 2, 1, 0])
    gradient = jax.jit(jax.grad(lambda w: al.cross_entropy(z, y, class_weight=w, reduction="sum")))(jnp.ones(3))
    items = np.asarray(al.cross_entropy(np.asarray(z), np.asarray(y), reduction="none"))
    np.testing.assert_allclose(gradient, np.bincount(np.asarray(y), weights=items), rtol=1e-12)


@default_cases
def test_the_gradient_has_the_input_s_own_half_dtype(jax, case):
    jnp = jax.numpy
    for dtype in (jnp.float16, jnp.bfloat16):
        given = [x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x for x in arrays_of(jax, case)]
        gradient = jax.grad(case.loss, case.floating())(*given)
        assert all(g.dtype == dtype for g in gradient)


WIDTHS = [7, 16, 71, 200]
"""The compiled sums fold a row into eighths: those that fit, once or twice, and those with something left over."""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "name", ["cross_entropy", "cross_entropy of distributions", "cosine_similarity", "triplet_margin"]
)
def test_a_row_of_any_width_is_summed_in_a_program(jax, name, width):
    rng = np.random.default_rng(6)
    arrays = [rng.normal(size=(9, width)) for _ in range(3)]
    if name == "cross_entropy":
        arrays[1:] = [rng.integers(0, width, 9)]
    elif name == "cross_entropy of distributions":
        arrays[1:] = [rng.dirichlet(np.ones(width), 9)]
    elif name == "cosine_similarity":
        del arrays[2]
    function = getattr(al, name.split()[0])
    value, gradient = al.value_and_grad(function)(*arrays)
    got, derivative = jax.jit(jax.value_and_grad(function))(*map(jax.numpy.asarray, arrays))
    np.testing.assert_allclose(got, value, rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(derivative, gradient, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("size", [1.0, 1e-30, 1e30])
def test_one_row_whose_squares_leave_the_range_has_all_scaled(jax, size):
    rng = np.random.default_rng(7)
    x, y, z = (rng.normal(size=(3, 40)).astype("float32") for _ in range(3))
    factor = np.asarray([[1.0], [size], [1.0]], "float32")
    cosine = jax.jit(lambda x, y: al.cosine_similarity(x, y, reduction="none"))
    exact = -np.sum(x * y.astype("float64"), -1) / np.linalg.norm(x.astype("float64"), axis=-1)
    exact /= np.linalg.norm(y.astype("float64"), axis=-1)
    np.testing.assert_allclose(cosine(x * factor, y), exact, rtol=3e-7)
    np.testing.assert_allclose(cosine(x, y * factor), exact, rtol=3e-7)
    margin = jax.jit(lambda x, y, z: al.triplet_margin(x, y, z, margin=0.0, reduction="none"))
    far, near, anchor = (v * factor for v in (x, y, z))
    exact = [np.linalg.norm((anchor.astype("float64") - v), axis=-1) for v in (near, far)]
    np.testing.assert_allclose(margin(anchor, near, far), np.maximum(exact[0] - exact[1], 0), rtol=2e-6)


REACH = {"float32": 118, "float64": 990}  # powers of two by which rows leave the range of their squares
both_dtypes = pytest.mark.parametrize("dtype", REACH)


def rows_of_any_length(dtype):
    """Rows near 1, those times powers of two, and the powers; the last is a row of zeros."""
    base = np.random.default_rng(4).uniform(0.5, 3.0, (6, 5)).astype(dtype)
    base[-1] = 0.0
    powers = np.asarray([0, REACH[dtype], -REACH[dtype], REACH[dtype] // 2, -REACH[dtype] // 2, 0])
    return base, np.ldexp(base, powers[:, None]), powers


@both_dtypes
def test_a_compiled_sum_of_cosines_keeps_its_digits_whatever_the_length(jax, dtype):
    base, x, powers = rows_of_any_length(dtype)
    other = (base + np.random.default_rng(5).normal(size=base.shape)).astype(dtype)
    cosines, slopes = np.zeros(6), np.zeros((6, 5))
    for k, (a, b) in enumerate(zip(base.astype("float64"), other.astype("float64"), strict=True)):
        if a.any():
            a, b = a / math.hypot(*a), b / math.hypot(*b)
            cosines[k] = math.fsum(a * b)
            slopes[k] = (b - cosines[k] * a) / math.hypot(*base[k].astype("float64"))
    loss = al.CosineSimilarity(reduction="sum")
    value, gradient = jax.jit(jax.value_and_grad(loss))(jax.numpy.asarray(x), jax.numpy.asarray(np.ldexp(other, 7)))
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(jax.jit(loss)(jax.numpy.asarray(x), jax.numpy.asarray(other)), -sum(cosines), 8 * eps)
    np.testing.assert_allclose(value, -sum(cosines), 8 * eps)
    np.testing.assert_allclose(np.ldexp(np.asarray(gradient), powers[:, None]), -slopes, atol=8 * eps)
    assert np.all(np.isfinite(jax.hessian(loss)(jax.numpy.asarray(base[-2:]), jax.numpy.asarray(other[-2:]))))


@both_dtypes
def test_a_compiled_norm_keeps_its_digits_whatever_the_length(jax, dtype):
    base, x, powers = rows_of_any_length(dtype)
    norms = np.asarray([math.hypot(*row) for row in base.astype("float64")])
    x, eps = jax.numpy.asarray(x), np.finfo(dtype).eps
    found = np.asarray(jax.jit(special.vector_norm)(x))
    np.testing.assert_allclose(np.ldexp(found, -powers), norms, rtol=4 * eps)
    slopes = jax.jit(jax.grad(lambda x: special.vector_norm(x).sum()))(x)
    np.testing.assert_allclose(slopes, base / np.where(norms == 0, 1.0, norms)[:, None], rtol=8 * eps)


@both_dtypes
@pytest.mark.parametrize("shape", [(1,), (1, 1), (3, 1)])
def test_a_compiled_norm_of_one_number_is_its_absolute_value(jax, dtype, shape):
    info = np.finfo(dtype)
    for number in (0.0, -2.0 * float(info.smallest_normal), 1e-30, -3.0, float(info.max) / 64):
        x = jax.numpy.full(shape, number, dtype)
        np.testing.assert_array_equal(jax.jit(special.vector_norm)(x), np.abs(x)[..., 0])
        slopes = jax.jit(jax.grad(lambda x: special.vector_norm(x).sum()))(x)
        np.testing.assert_allclose(slopes, np.sign(x), rtol=4 * info.eps)


def _rows_of(name):
    """256 rows of 64, of which some leave the range, and the loss: more numbers than a program takes one way only."""
    rng = np.random.default_rng(11)
    x, y, z = rng.standard_normal((3, 256, 64)).astype(np.float32)
    if name in ("cross_entropy", "ranking_softmax"):
        target = np.where(y > 0, y, 0).astype(np.float32)
        target /= target.sum(1, keepdims=True)
        x[0, :32], target[0, :32] = -np.inf, 0.0  # classes that are masked
        x[1, 0], target[1, 0] = -np.inf, 0.5  # an impossible class that is asked for
        x[2, 5] = 3e38
        x[3] = target[3] = np.eye(64)[7] * 40
        return getattr(al, name), (x, target)
    for scale, row in zip((0.0, 1e-30, 1e25, 1e-22), range(0, 200, 50), strict=True):
        x[row], y[row], z[row] = scale * x[row], scale * y[row], scale * z[row]
    sign = np.where(np.arange(256) % 2 == 0, 1.0, -1.0).astype(np.float32)
    arrays = {"triplet_margin": (x, y, z), "cosine_similarity": (x, y)}.get(name, (x, y, sign))
    return getattr(al, name), arrays


OF_ROWS = pytest.mark.parametrize(
    "name",
    ["cross_entropy", "ranking_softmax", "triplet_margin", "cosine_similarity", "cosine_embedding"],
)


@OF_ROWS
@pytest.mark.parametrize("hard", [True, False])
def test_a_row_out_of_range_changes_none_beside_it(jax, name, hard):
    # On the CPU a program for many numbers has a short way, which such a row must leave; NumPy has no program.
    loss, arrays = _rows_of(name)
    if not hard:
        arrays = [np.concatenate([x[4:50], x[51:100], x[101:150], x[151:]]) for x in arrays]
    given = [jax.numpy.asarray(x) for x in arrays]
    expected = loss(*arrays, reduction="none")
    np.testing.assert_allclose(jax.jit(lambda *x: loss(*x, reduction="none"))(*given), expected, rtol=2e-5, atol=1e-6)
    if not hard:
        assert np.isfinite(expected).all()
    first = np.asarray(jax.jit(jax.grad(lambda *x: loss(*x, reduction="sum")))(*given))
    of_numpy = al.grad(loss)(*arrays, reduction="sum")
    np.testing.assert_allclose(first, of_numpy, rtol=2e-4, atol=2e-6 * np.abs(of_numpy[5:50]).max())


@OF_ROWS
def test_second_derivatives_of_many_rows_are_those_of_each(jax, name):
    loss, arrays = _rows_of(name)
    arrays = [jax.numpy.asarray(x[5:150].astype(np.float64)) for x in arrays]
    arrays = [x[np.r_[0:45, 46:95, 96:145]] for x in arrays]
    direction = jax.numpy.asarray(np.random.default_rng(3).standard_normal(arrays[0].shape))

    def along(x, *rest):
        total = lambda x: jax.numpy.sum(loss(x, *rest, reduction="none"))  # noqa: E731
        return lambda direction: jax.jvp(jax.grad(total), (x,), (direction,))[1]

    whole = jax.jit(lambda x, *rest: along(x, *rest)(direction))(*arrays)
    each = jax.vmap(lambda direction, *row: along(*row)(direction))(direction, *arrays)
    np.testing.assert_allclose(whole, each, rtol=1e-9, atol=1e-11)


def test_many_targets_have_a_gradient_too(jax):
    # d/dt of -sum t log p is -log p
    logits, target = np.random.default_rng(5).standard_normal((2, 200, 64))
    found = jax.jit(jax.grad(lambda t: al.cross_entropy(jax.numpy.asarray(logits), t, reduction="sum")))(abs(target))
    expected = np.log(np.exp(logits).sum(1, keepdims=True)) - logits
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    masked = jax.numpy.asarray(np.where(np.arange(64) < 9, -np.inf, logits))  # classes that no target ever has
    shares = jax.numpy.asarray(np.where(np.arange(64) < 9, 0.0, abs(target)))
    moved = jax.jvp(lambda t: al.cross_entropy(masked, t, reduction="none"), (shares,), (shares,))
    np.testing.assert_allclose(moved[1], moved[0], rtol=1e-12)  # it is linear in the target


@both_dtypes
def test_log_cosh_keeps_the_digits_of_its_derivatives(jax, dtype):
    x = np.asarray([0.0, 1e-3, -0.7, 1.0, -1.5, 8.0, -30.0], dtype)
    exact = [mpmath.mpf(float(v)) for v in x]
    first = jax.grad(lambda x: special.log_cosh(x).sum())
    second = jax.jit(jax.grad(lambda x: first(x).sum()))(jax.numpy.asarray(x))
    value = jax.jit(lambda x: special.log_cosh(x).sum())(jax.numpy.asarray(x[:5]))
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(value, float(sum(mpmath.log(mpmath.cosh(v)) for v in exact[:5])), rtol=4 * eps)
    np.testing.assert_allclose(first(jax.numpy.asarray(x)), [float(mpmath.tanh(v)) for v in exact], rtol=8 * eps)
    np.testing.assert_allclose(second, [float(mpmath.sech(v) ** 2) for v in exact], rtol=80 * eps)
