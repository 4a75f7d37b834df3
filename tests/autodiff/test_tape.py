"""What holds for all rules together: nesting, mixed arguments, dtypes, memory, messages."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses import autodiff

from .libraries import LIBRARIES, numpy_of, uncomputed

all_libraries = pytest.mark.parametrize("library", LIBRARIES)


def rich_loss(prediction: Any, target: Any) -> Any:
    """A user's loss of eleven functions."""
    xp = al.array_namespace(prediction, target)
    error = xp.abs(prediction - target)
    scale = xp.sqrt(1 + xp.mean(target**2, axis=-1, keepdims=True))
    smooth = xp.where(error < 0.5, xp.log1p(xp.exp(-error)), xp.tanh(error) / scale)
    rows = xp.sum(xp.clip(smooth, 0.2, 0.6) * xp.expm1(prediction), axis=-1)
    return xp.mean(xp.maximum(rows, 0.1) + xp.square(xp.stack([rows, rows], axis=0)[0, ...]))


def looped_loss(prediction: Any, target: Any) -> Any:
    """A user's loss with a Python loop: a recurrence along the rows."""
    xp = al.array_namespace(prediction, target)
    state = xp.zeros_like(prediction[0, ...])
    total = 0.0
    for k in range(prediction.shape[0]):
        state = 0.5 * xp.tanh(state) + prediction[k, ...]
        total += xp.sum((state - target[k, ...]) ** 2)
    return total


def central_difference(f: Any, x: np.ndarray, step: float = 1e-6) -> np.ndarray:
    g = np.zeros_like(x)
    for k in np.ndindex(*x.shape):
        d = np.zeros_like(x)
        d[k] = step
        g[k] = (f(x + d) - f(x - d)) / (2 * step)
    return g


def sample() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    return rng.standard_normal((4, 3)), rng.standard_normal((4, 3))


# Losses of a user


@all_libraries
@pytest.mark.parametrize("loss", [rich_loss, looped_loss], ids=["rich", "looped"])
def test_user_loss_is_differentiated_unchanged(loss, library):
    prediction, target = sample()
    with uncomputed():
        value, gradient = autodiff.value_and_grad(loss)(library.array(prediction), library.array(target))
    np.testing.assert_allclose(numpy_of(value), loss(prediction, target), rtol=1e-12)
    expected = central_difference(lambda x: loss(x, target), prediction)
    np.testing.assert_allclose(numpy_of(gradient), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("module", ["torch", "jax.numpy"])
def test_libraries_with_their_own_autograd_work_too(module):
    xp = pytest.importorskip(module, reason=f"{module} is not installed")
    prediction, target = (x.astype(np.float32) for x in sample())
    gradient = autodiff.grad(rich_loss)(xp.asarray(prediction), xp.asarray(target))
    expected = autodiff.grad(rich_loss)(prediction, target)
    np.testing.assert_allclose(np.asarray(gradient), expected, rtol=1e-5, atol=1e-7)


# Nesting


def test_levels_are_kept_apart():
    # The inner function's derivative is 1, whatever the outer argument in it; mixed up, the result would be 2.
    outer = autodiff.grad(lambda x: x * autodiff.grad(lambda y: x + y)(np.asarray(1.0)))
    assert float(outer(np.asarray(3.0))) == 1.0


def test_derivative_by_both_levels():
    # d/dx of (d/dy of x² y³ at y = x) = d/dx of 3 x⁴ = 12 x³
    outer = autodiff.grad(lambda x: autodiff.grad(lambda y: x**2 * y**3)(x))
    assert float(outer(np.asarray(2.0))) == pytest.approx(96.0)


@all_libraries
def test_third_derivative_element_by_element(library):
    def summed(f):
        return lambda x: al.array_namespace(x).sum(f(x))

    def derivative(x):
        return x**5

    for _ in range(3):
        derivative = autodiff.grad(summed(derivative))
    x = np.asarray([0.5, 1.0, -2.0])
    np.testing.assert_allclose(numpy_of(derivative(library.array(x))), 60 * x**2, rtol=1e-13)


def test_arrays_of_two_levels_meet_in_functions():
    def f(x):
        def inner(y):
            xp = al.array_namespace(x, y)
            assert al.array_namespace(y, x) is xp
            joined = xp.concat([x, y, xp.ones(1)])
            return xp.sum(xp.where(joined > 1, joined, 0.0) ** 2 * xp.max(xp.stack([x[0], y[1]])))

        g = autodiff.grad(inner)(x * 2)
        return al.array_namespace(g).sum(g)

    x = np.asarray([1.5, 0.9])
    np.testing.assert_allclose(autodiff.grad(f)(x), central_difference(f, x), rtol=1e-7)


def test_pullback_is_differentiable():
    def f(x):
        _, pullback = autodiff.vjp(lambda y: y**3, x)
        return al.array_namespace(x).sum(pullback(x)[0])

    np.testing.assert_allclose(autodiff.grad(f)(np.asarray([1.0, 2.0])), [9.0, 36.0])


def test_threads_do_not_meet():
    x = np.linspace(0.1, 2.0, 50)
    results: dict[int, Any] = {}

    def work(n):
        for _ in range(20):
            second = autodiff.grad(lambda v: np.float64(1) * al.array_namespace(v).sum(autodiff.grad(power(n))(v)))
            results[n] = second(x)

    def power(n):
        return lambda v: al.array_namespace(v).sum(v**n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(2, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(2, 8):
        np.testing.assert_allclose(results[n], n * (n - 1) * x ** (n - 2))


# Arguments


@all_libraries
def test_plain_array_on_either_side_of_every_operator(library):
    a, b = library.array([1.5, 2.0, 0.5]), np.asarray([1.2, 0.7, 3.1])
    for name, f in {
        "add": lambda x: a + x + a,
        "subtract": lambda x: (a - x) * (x - a),
        "multiply": lambda x: (a * x) * a,
        "divide": lambda x: a / x + x / a,
        "pow": lambda x: a**x + x**a,
        "remainder": lambda x: a % x + x % a,
        "matmul": lambda x: (a @ x) * (x @ a),
        "compare": lambda x: x * al.array_namespace(a).astype(a < x, x.dtype),
    }.items():
        g = autodiff.grad(lambda x, f=f: al.array_namespace(x).sum(f(x)))(library.array(b))
        expected = central_difference(
            lambda v, f=f: float(
                numpy_of(
                    f(library.array(v)).sum() if hasattr(a, "sum") else al.array_namespace(a).sum(f(library.array(v)))
                )
            ),
            b,
        )
        np.testing.assert_allclose(numpy_of(g), expected, rtol=1e-7, err_msg=name)


@pytest.mark.parametrize(
    "scalar", [np.float64(3.0), np.float32(3.0), 3.0, 3], ids=["float64", "float32", "float", "int"]
)
def test_numpy_scalar_on_the_left(scalar):
    x = np.asarray([1.0, 2.0])
    for f, expected in ((lambda x: scalar * x, 3.0), (lambda x: scalar - x, -1.0), (lambda x: scalar + x, 1.0)):
        np.testing.assert_allclose(autodiff.grad(lambda x, f=f: al.array_namespace(x).sum(f(x)))(x), [expected] * 2)


def test_settings_and_other_arguments_pass_through():
    def f(x, name, y, *, scale):
        assert name == "name"
        return al.array_namespace(x, y).sum(x * y) * scale

    x, y = np.asarray([1.0, 2.0]), np.asarray([3.0, 4.0])
    np.testing.assert_allclose(autodiff.grad(f, 2)(x, "name", y, scale=2.0), [2.0, 4.0])
    by_x, by_y = autodiff.grad(f, (0, -1))(x, "name", y, scale=2.0)
    np.testing.assert_allclose((by_x, by_y), ([6.0, 8.0], [2.0, 4.0]))
    assert isinstance(autodiff.grad(f, [0])(x, "name", y, scale=2.0), tuple)


def test_gradient_of_what_is_ignored_is_zeros():
    x, y = np.ones((2, 3), dtype=np.float32), np.ones(4)
    by_x, by_y = autodiff.grad(lambda x, y: al.array_namespace(y).sum(y), (0, 1))(x, y)
    assert by_x.dtype == np.float32
    np.testing.assert_array_equal(by_x, np.zeros((2, 3)))
    np.testing.assert_array_equal(by_y, np.ones(4))
    np.testing.assert_array_equal(autodiff.grad(lambda x: np.asarray(2.0))(x), np.zeros((2, 3)))


# Dtypes and memory


@all_libraries
def test_float32_stays_float32(library):
    prediction, target = (library.array(x, "float32") for x in sample())
    value, gradient = autodiff.value_and_grad(rich_loss)(prediction, target)
    assert value.dtype == prediction.dtype
    assert gradient.dtype == prediction.dtype

    def mixed(p, t):
        return al.array_namespace(p, t).sum(p * t)

    assert autodiff.grad(mixed)(prediction, library.array(sample()[1])).dtype == prediction.dtype


def test_promoted_argument_gets_a_gradient_of_its_own_dtype():
    x, y = np.ones(3, dtype=np.float32), np.full((2, 3), 2.0)
    by_x, by_y = autodiff.grad(lambda x, y: al.array_namespace(x, y).sum(x * y), (0, 1))(x, y)
    assert (by_x.dtype, by_y.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(by_x, np.full(3, 4.0))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gradient_has_the_dtype_of_the_argument(dtype):
    x = np.asarray([1.0, 2.0], dtype=dtype)
    assert autodiff.grad(lambda x: al.array_namespace(x).mean(2.5 * x**2 + 1))(x).dtype == dtype


def test_gradients_are_the_callers_to_write_to():
    x, y = np.ones(3), np.ones(3)
    by_x, by_y = autodiff.grad(lambda x, y: al.array_namespace(x).sum((x + y) * 2.0), (0, 1))(x, y)
    by_x *= 0.0
    np.testing.assert_array_equal(by_y, [2.0, 2.0, 2.0])
    for f in (
        lambda x: al.array_namespace(x).sum(x),
        lambda x: al.array_namespace(x).sum(al.array_namespace(x).flip(x)),
    ):
        gradient = autodiff.grad(f)(x)
        gradient += 1.0
        np.testing.assert_array_equal(gradient, [2.0, 2.0, 2.0])


def test_inputs_are_never_written_to():
    x = np.asarray([1.0, 2.0, 3.0])
    x.flags.writeable = False

    def f(v):
        v += 1.0
        v *= v
        return al.array_namespace(v).sum(v)

    np.testing.assert_array_equal(autodiff.grad(f)(x), [4.0, 6.0, 8.0])


def test_memory_is_freed_without_the_garbage_collector():
    seen = []

    def f(x):
        xp = al.array_namespace(x)
        y = xp.exp(x)
        z = xp.sort(y * x)[1:]
        w = xp.concat([z, y])
        seen.extend(weakref.ref(v._value) for v in (y, z, w))
        seen.extend(weakref.ref(v._node.edges[0][1]) for v in (y, z, w))
        return xp.sum(w * w)

    gc.collect()
    gc.disable()
    try:
        autodiff.grad(f)(np.arange(3.0))
        autodiff.grad(lambda x: al.array_namespace(x).sum(autodiff.grad(f)(x)))(np.arange(3.0))
        assert len(seen) == 12
        assert all(ref() is None for ref in seen)
    finally:
        gc.enable()


def test_backward_pass_frees_as_it_goes():
    alive = []

    def f(x):
        xp = al.array_namespace(x)
        first = xp.exp(x)
        last = xp.exp(first * first)
        reference = weakref.ref(last._value)
        probe = autodiff.tape.primitive(
            xp,
            "probe",
            autodiff.tape.Rule((lambda xp, ans, x: lambda g: alive.append(reference() is not None) or g,), True, None),
            lambda x: x + 0.0,
        )
        first = probe(first)
        return xp.sum(last) + xp.sum(xp.exp(first))

    autodiff.grad(f)(np.arange(3.0) / 3)
    assert alive == [True]
    alive.clear()
    autodiff.grad(lambda x: f_after(x, alive))(np.arange(3.0) / 3)
    assert alive == [False]


def f_after(x: Any, alive: list[bool]) -> Any:
    """The probe lies below what it watches, so its pullback runs once that is done."""
    xp = al.array_namespace(x)
    reference: list[Any] = []
    probe = autodiff.tape.primitive(
        xp,
        "probe",
        autodiff.tape.Rule((lambda xp, ans, x: lambda g: alive.append(reference[0]() is not None) or g,), True, None),
        lambda x: x + 0.0,
    )
    last = xp.exp(xp.exp(probe(x)))
    reference.append(weakref.ref(last._value))
    return xp.sum(last)


def test_only_what_a_rule_needs_is_kept():
    references = []

    def f(x):
        y = x + 1.0
        references.append(weakref.ref(y._value))
        z = y - 2.0
        del y
        references.append(references[0]() is None)
        return al.array_namespace(z).sum(z)

    autodiff.grad(f)(np.ones(3))
    assert references[1]


# Edges


@pytest.mark.parametrize(
    "f",
    [
        lambda xp, x: xp.clip(x, -1.0, 1.0),
        lambda xp, x: xp.clip(xp.zeros_like(x), x, 1.0 + xp.abs(x)),
        lambda xp, x: xp.maximum(x, 3.0),
        lambda xp, x: xp.minimum(-3.0, x),
        lambda xp, x: xp.where(xp.abs(x) < 1, x, 0.0),
        lambda xp, x: xp.max(xp.stack([x, 3.0 + xp.zeros_like(x)]), axis=0),
        lambda xp, x: xp.min(xp.stack([x, -3.0 + xp.zeros_like(x)]), axis=0),
        lambda xp, x: xp.sort(xp.stack([xp.zeros_like(x), x]), axis=0)[1, ...],
        lambda xp, x: xp.take(xp.stack([x, xp.zeros_like(x)]), xp.asarray([1]), axis=0),
    ],
)
def test_what_was_not_chosen_gets_no_infinite_cotangent(f):
    """The derivative of a choice is the choice of the derivatives: 0, and not NaN, as in PyTorch."""
    x = np.asarray([-2.0, -0.25, 0.5, 2.0])

    def chosen(x):
        return np.inf * f(al.array_namespace(x), x)

    with np.errstate(all="ignore"):
        _, pullback = autodiff.vjp(chosen, x)
        (infinite,) = pullback(np.ones_like(chosen(x)))
        _, pullback = autodiff.vjp(lambda x: f(al.array_namespace(x), x), x)
        (finite,) = pullback(np.ones_like(chosen(x)))
        expected = np.where(finite == 0, 0.0, np.inf * finite)
    assert np.any(finite == 0)
    np.testing.assert_array_equal(infinite, expected)


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda xp, x: xp.abs(x), 0.0, 0.0),
        (lambda xp, x: xp.maximum(x, 1.0), 1.0, 0.5),
        (lambda xp, x: xp.minimum(x, 1.0), 1.0, 0.5),
        (lambda xp, x: xp.clip(x, -1.0, 1.0), 1.0, 1.0),
        (lambda xp, x: xp.clip(x, -1.0, 1.0), 1.5, 0.0),
        (lambda xp, x: xp.max(xp.stack([x, x * 1.0, x - 1.0])), 2.0, 1.0),
        (lambda xp, x: xp.sqrt(x), 0.0, np.inf),
        (lambda xp, x: x**2, 0.0, 0.0),
        (lambda xp, x: x**1, 0.0, 1.0),
        (lambda xp, x: x**0, 0.0, 0.0),
        (lambda xp, x: x**0.5, 0.0, np.inf),
        (lambda xp, x: x**3, -2.0, 12.0),
        (lambda xp, x: x ** xp.zeros_like(x), 0.0, 0.0),
        (lambda xp, x: 0.0 ** (x * x), 1.0, 0.0),
        (lambda xp, x: xp.zeros_like(x) ** x, 0.0, 0.0),
        (lambda xp, x: xp.hypot(x, 0.0 * x), 0.0, 0.0),
        (lambda xp, x: xp.atan2(x, x), 0.0, 0.0),
        (lambda xp, x: xp.logaddexp(x, x), -np.inf, 1.0),
        (lambda xp, x: xp.logaddexp(x, x), np.inf, 1.0),
        (lambda xp, x: xp.logaddexp(x, 0.0), -np.inf, 0.0),
        (lambda xp, x: xp.floor(x) + xp.sign(x) + xp.round(x), 1.25, 0.0),
        (lambda xp, x: xp.nextafter(x, x + 1), 1.25, 0.0),
        (lambda xp, x: x // 2, 1.25, 0.0),
        (lambda xp, x: xp.where(x == 0, 1.0, x * xp.log(xp.where(x == 0, 1.0, x))), 0.0, 0.0),
        (lambda xp, x: xp.linalg.vector_norm(xp.stack([x, x])), 0.0, 0.0),
        (lambda xp, x: xp.linalg.vector_norm(xp.stack([x, x]), ord=3), 0.0, 0.0),
        (lambda xp, x: xp.std(xp.stack([x, 2 * x])), 0.0, 0.0),
        (lambda xp, x: np.nanstd(np.append(x, np.nan)), 1.25, 0.0),
        (lambda xp, x: xp.expm1(x) * 1e20, -60.0, np.exp(-60.0) * 1e20),
    ],
)
def test_value_at_an_edge(f, x, expected):
    with np.errstate(all="ignore"):  # of the function itself; the backward pass is silent, as the next test says
        gradient = autodiff.grad(lambda x: 1.0 * f(al.array_namespace(x), x))(np.asarray(x))
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)


def test_variance_of_one_element_with_a_correction_is_nan_as_in_numpy():
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        value, gradient = autodiff.value_and_grad(lambda x: np.var(x, ddof=1))(np.asarray([1.25]))
    assert np.isnan(value)
    assert np.isnan(gradient).all()


def test_backward_pass_does_not_warn():
    x = np.asarray([0.0, 1.0, 4.0])
    gradient = autodiff.grad(lambda x: al.array_namespace(x).sum(al.array_namespace(x).sqrt(x)))(x)
    np.testing.assert_array_equal(gradient, [np.inf, 0.5, 0.25])


def test_ties_of_a_reduction_share_evenly():
    x = np.asarray([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    gradient = autodiff.grad(lambda x: al.array_namespace(x).sum(al.array_namespace(x).max(x, axis=1) * 6.0))(x)
    np.testing.assert_allclose(gradient, [[0, 3, 3], [2, 2, 2]])


# What a traced array is


def test_traced_array_behaves_as_its_array():
    def f(x):
        xp = al.array_namespace(x)
        assert (x.shape, x.ndim, x.size, x.dtype, x.device) == ((2, 3), 2, 6, np.float64, "cpu")
        assert len(x) == 2
        assert repr(x).startswith("TracedArray(array(")
        assert [row.shape for row in x] == [(3,), (3,)]
        assert x.T.shape == x.mT.shape == (3, 2)
        assert isinstance(x > 0, np.ndarray)
        assert isinstance(x == x, np.ndarray)
        assert bool(x[0, 1] > 0)
        assert xp.float32 is np.float32
        assert xp.pi == np.pi
        assert xp.isdtype(x.dtype, "real floating")
        assert xp.result_type(x, xp.float32) == np.float64
        assert xp.finfo(x.dtype).eps == np.finfo(np.float64).eps
        assert xp.__array_namespace_info__().default_dtypes()["real floating"] == np.float64
        assert isinstance(xp.zeros_like(x), np.ndarray)
        assert xp.argmax(x) == 5
        assert "sum" in dir(xp)
        assert "numpy" in repr(xp)
        assert xp.astype(x, xp.int64).dtype == np.int64
        return xp.sum(+x)

    autodiff.grad(f)(np.arange(6.0).reshape(2, 3))


def refused(f: Any, x: Any = None) -> None:
    autodiff.grad(f)(np.asarray([1.0, 2.0]) if x is None else x)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: np.asarray(x), "a NumPy array made of a traced array would lose its derivative"),
        (lambda x: np.add.reduce(x), "`add.reduce` has no derivative rule; use xp.sum"),
        (
            lambda x: np.multiply.outer(x, x),
            "`multiply.outer` has no derivative rule; add an axis to the",
        ),
        (lambda x: np.add.accumulate(x), "`add.accumulate` has no derivative rule; use xp.cumulative_sum"),
        (lambda x: np.add.at(x, 0, 1.0), "`add.at` has no derivative rule; a traced array can't be written to"),
        (lambda x: np.partition(x, 1), "`partition` has no derivative rule; use xp.sort"),
        (lambda x: np.spacing(x), "`spacing` has no derivative rule"),
        (lambda x: x.__setitem__(0, 1.0), "can't be written to; use xp.where"),
        (lambda x: al.array_namespace(x).i0(x), "`i0` has no derivative rule; write it with"),
        (
            lambda x: al.array_namespace(x).unique_values(x),
            "`unique_values` has no derivative rule; its result's shape",
        ),
        (lambda x: al.array_namespace(x).linalg.eigvals(x), "`linalg.eigvals` has no derivative rule"),
        (lambda x: al.array_namespace(x).linalg.matrix_norm(x[None, :], ord=3), "order 3 has no derivative rule"),
        (lambda x: al.array_namespace(x).asarray([x[0], x[1]]), "use xp.stack"),
        (lambda x: 3.0, "`f` must return an array, got float"),
    ],
    ids=[
        *("asarray", "ufunc-method", "outer", "accumulate", "at", "partition", "ufunc", "setitem"),
        *("no-rule", "unique", "eigvals", "norm", "list", "float"),
    ],
)
def test_refused_in_a_differentiated_function(f, message):
    with pytest.raises(TypeError, match=message):
        refused(f)


def test_numpy_s_own_functions_are_differentiated_where_the_namespace_was_another_array_s():
    features = np.random.default_rng(0).normal(size=(5, 3))

    def f(weight: Any) -> Any:
        xp = al.array_namespace(features)
        hidden = np.zeros((5, 2))
        hidden += xp.tanh(features @ weight)
        return xp.sum(np.abs(hidden) * np.float64(2.0) + np.power(hidden, 2) + np.arctan(hidden))

    weight = np.random.default_rng(1).normal(size=(3, 2))
    direction, step = np.random.default_rng(2).normal(size=(3, 2)), 1e-6
    central = (f(weight + step * direction) - f(weight - step * direction)) / (2 * step)
    assert np.sum(autodiff.grad(f)(weight) * direction) == pytest.approx(central, rel=1e-7)


def test_transpose_of_a_vector_is_what_the_library_says():
    np.testing.assert_array_equal(autodiff.grad(lambda x: (x.T * x).sum())(np.asarray([1.0, 2.0])), [2.0, 4.0])
    strict = pytest.importorskip("array_api_strict", reason="array_api_strict is not installed")
    with pytest.raises(ValueError, match="requires x to have 2 dimensions"):
        autodiff.grad(lambda x: x.T)(strict.ones(2))


def test_function_without_a_rule_takes_plain_arrays():
    y = np.asarray([3.0, 1.0, 3.0])
    gradient = autodiff.grad(lambda x: al.array_namespace(x).sum(x * al.array_namespace(x).unique_values(y)))
    np.testing.assert_array_equal(gradient(np.ones(2)), [1.0, 3.0])


def test_missing_function_is_missing():
    def f(x):
        xp = al.array_namespace(x)
        assert not any(hasattr(xp, name) for name in ("no_such_function", "_repr_html_", "__no_such_name__"))
        return al.array_namespace(x).sum(x)

    autodiff.grad(f)(np.ones(2))


@pytest.mark.parametrize(
    ("arguments", "argnums", "error", "message"),
    [
        ((np.asarray([1, 2]),), 0, TypeError, r"argument 0 must be a floating array, got int64; convert it"),
        ((np.asarray([1j]),), 0, TypeError, r"argument 0 must be a floating array, got complex128"),
        ((2.0,), 0, TypeError, r"argument 0 must be a floating array, got float; make it an array"),
        ((np.ones(2),), 1, ValueError, r"`argnums` must lie in \[0, 1\) for 1 positional arguments, got 1"),
        ((np.ones(2),), (0, 0), ValueError, r"`argnums` must name each argument once, got \(0, 0\)"),
        ((np.ones(2),), (), ValueError, r"`argnums` must name at least one argument"),
    ],
    ids=["int", "complex", "float", "outside", "twice", "none"],
)
def test_arguments_that_are_refused(arguments, argnums, error, message):
    with pytest.raises(error, match=message):
        autodiff.grad(lambda x: al.array_namespace(x).sum(x), argnums)(*arguments)


def test_result_must_be_one_number():
    with pytest.raises(ValueError, match=r"shape \(\) to have a gradient, got shape \(2,\); reduce it, .* or use vjp"):
        autodiff.grad(lambda x: x * 2)(np.ones(2))


def test_arrays_of_two_libraries_are_refused():
    strict = pytest.importorskip("array_api_strict", reason="array_api_strict is not installed")
    with pytest.raises(TypeError, match=r"got NumPy and array_api_strict; al\.convert"):
        autodiff.grad(lambda x, y: x, (0, 1))(np.ones(2), strict.ones(2))
    with pytest.raises(TypeError, match="got NumPy and array_api_strict"):
        autodiff.grad(lambda x: al.array_namespace(np.ones(2), x))(strict.ones(2))


def test_boolean_index_is_refused_on_dask():
    dask = pytest.importorskip("dask.array", reason="dask is not installed")
    with pytest.raises(TypeError, match="has no derivative rule on Dask; use xp.where for a mask"):
        autodiff.grad(lambda x: al.array_namespace(x).sum(x[x > 0]))(dask.ones(4, chunks=2))


# vjp


def test_pullback_can_be_called_again():
    x, y = np.asarray([1.0, 2.0]), np.asarray([3.0, 4.0])
    value, pullback = autodiff.vjp(lambda x, y: x * y, x, y)
    np.testing.assert_array_equal(value, [3.0, 8.0])
    for c in (np.asarray([1.0, 10.0]), np.asarray([2.0, 0.5], dtype=np.float32)):
        by_x, by_y = pullback(c)
        np.testing.assert_allclose(by_x, c * y)
        np.testing.assert_allclose(by_y, c * x)


@pytest.mark.parametrize("cotangent", [np.ones(3), 1.0], ids=["shape", "number"])
def test_pullback_refuses_another_shape(cotangent):
    _, pullback = autodiff.vjp(lambda x: x * 2, np.ones(2))
    with pytest.raises(ValueError, match=r"`cotangent` must be an array of the value's shape \(2,\)"):
        pullback(cotangent)


def test_pullback_does_not_hand_out_the_cotangent():
    c = np.ones(2)
    (gradient,) = autodiff.vjp(lambda x: x + 1.0, np.ones(2))[1](c)
    gradient += 1.0
    np.testing.assert_array_equal(c, [1.0, 1.0])
