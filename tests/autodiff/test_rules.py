"""Every derivative rule, at the samples of its table entry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses import autodiff
from arraylosses.autodiff import namespace, rules

from .libraries import LIBRARIES, numpy_of, uncomputed
from .samples import ELEMENTWISE, SAMPLES, Sample

pytestmark = pytest.mark.otherwise_numpy

# As the package has them: the examples of the documentation add some.
TABLES = [dict(table) for table in (rules.RULES, rules.COMPOSITES, rules.PLAIN, rules.NO_RULE)]
RULES, COMPOSITES = TABLES[:2]

all_samples = pytest.mark.parametrize("sample", SAMPLES, ids=str)
FIRST = {sample.name: sample for sample in reversed(SAMPLES)}
"""One sample of each function, where each is compiled."""


def number_of(sample: Sample) -> Any:
    """Return the sample as a function with one number as result.

    Each element has a factor and a square, so that its cotangent depends on the arrays, and is differentiated as well.
    """

    def f(*arrays: Any) -> Any:
        xp = al.array_namespace(*arrays)
        result = sample.call(xp, *arrays)
        return xp.sum(result * (xp.asarray(weights(tuple(result.shape))) + 0.5 * result))

    return f


def weights(shape: tuple[int, ...]) -> np.ndarray:
    """Factors other than 1, all different."""
    return 0.7 + np.arange(int(np.prod(shape)), dtype=np.float64).reshape(shape) / 5


def along(arrays: tuple[np.ndarray, ...], directions: list[np.ndarray], step: float) -> list[np.ndarray]:
    return [x + step * d for x, d in zip(arrays, directions, strict=True)]


def directions_of(sample: Sample) -> list[np.ndarray]:
    rng = np.random.default_rng(11)
    return [rng.standard_normal(x.shape) for x in sample.arrays]


def other_directions_of(sample: Sample) -> list[np.ndarray]:
    rng = np.random.default_rng(13)
    return [rng.standard_normal(x.shape) for x in sample.arrays]


def slope(f: Any, sample: Sample, step: float = 1e-6) -> float:
    directions = directions_of(sample)
    above, below = (f(*along(sample.arrays, directions, s)) for s in (step, -step))
    return float(above - below) / (2 * step)


def inner(sample: Sample, gradients: Any) -> float:
    return float(sum(np.sum(g * d) for g, d in zip(gradients, directions_of(sample), strict=True)))


def argnums(sample: Sample) -> tuple[int, ...]:
    return tuple(range(len(sample.arrays)))


def first_derivative(f: Any, sample: Sample) -> Any:
    """Return the derivative of `f` along other directions, as a function of the arrays."""
    others = other_directions_of(sample)

    def derivative(*arrays: Any) -> Any:
        gradients = autodiff.grad(f, argnums(sample))(*arrays)
        total: Any = 0.0
        for g, d in zip(gradients, others, strict=True):
            total = total + al.array_namespace(g).sum(g * d)
        return total

    return derivative


@all_samples
def test_first_derivative_equals_central_difference(sample):
    f = number_of(sample)
    value, gradients = autodiff.value_and_grad(f, argnums(sample))(*sample.arrays)
    np.testing.assert_allclose(value, f(*sample.arrays), rtol=1e-12)
    for g, x in zip(gradients, sample.arrays, strict=True):
        assert g.shape == x.shape
        assert g.dtype == np.float64
    np.testing.assert_allclose(inner(sample, gradients), slope(f, sample), rtol=2e-8, atol=2e-8)


@all_samples
def test_second_derivative_equals_central_difference(sample):
    derivative = first_derivative(number_of(sample), sample)
    gradients = autodiff.grad(derivative, argnums(sample))(*sample.arrays)
    np.testing.assert_allclose(inner(sample, gradients), slope(derivative, sample), rtol=2e-7, atol=2e-7)


@pytest.mark.backend("jax")
@pytest.mark.parametrize("sample", FIRST.values(), ids=str)
def test_both_derivatives_equal_jax(sample):
    jax = pytest.importorskip("jax", reason="jax is not installed")
    if "jax" in sample.without:
        pytest.skip("JAX defines this derivative otherwise")
    others = other_directions_of(sample)
    with jax.enable_x64(True):

        def f(*arrays):
            result = sample.call(jax.numpy, *arrays)
            return jax.numpy.sum(result * (weights(result.shape) + 0.5 * result))

        def derivative(*arrays):
            gradients = jax.grad(f, argnums(sample))(*arrays)
            return sum((g * d).sum() for g, d in zip(gradients, others, strict=True))

        def both(*arrays):
            return jax.grad(f, argnums(sample))(*arrays), jax.grad(derivative, argnums(sample))(*arrays)

        # A result whose shape depends on values can't be compiled.
        run = both if sample.name in ("repeat", "_gather") else jax.jit(both)
        first, second = jax.tree.map(np.asarray, run(*map(jax.numpy.asarray, sample.arrays)))
    f = number_of(sample)
    for ours, theirs in (
        (autodiff.grad(f, argnums(sample))(*sample.arrays), first),
        (autodiff.grad(first_derivative(f, sample), argnums(sample))(*sample.arrays), second),
    ):
        for x, expected in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(x, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("library", LIBRARIES[1:])
@all_samples
def test_gradient_is_that_of_numpy(sample, library):
    if library.name in sample.without:
        pytest.skip(f"{library.name} lacks what this sample calls")
    arrays = [library.array(x) for x in sample.arrays]
    with uncomputed():
        gradients = autodiff.grad(number_of(sample), argnums(sample))(*arrays)
    expected = autodiff.grad(number_of(sample), argnums(sample))(*sample.arrays)
    for g, e, x in zip(gradients, expected, arrays, strict=True):
        assert type(g) is type(x)
        assert g.dtype == x.dtype
        assert getattr(g, "chunks", None) == getattr(x, "chunks", None)
        np.testing.assert_allclose(numpy_of(g), e, rtol=1e-12, atol=1e-14)


def test_every_rule_is_run_by_a_sample(monkeypatch):
    """A rule without a sample fails here: the samples run on a namespace that says which rules were used."""
    used: set[str] = set()
    original = namespace.primitive
    names = {id(rule): name for name, rule in RULES.items()}

    def watched(space, name, rule, library):
        record = original(space, name, rule, library)

        def call(*args, **kwargs):
            if any(isinstance(x, autodiff.TracedArray) for x in args):
                used.add(names[id(rule)])
            return record(*args, **kwargs)

        return call

    monkeypatch.setattr(namespace, "primitive", watched)
    monkeypatch.setattr(namespace, "_SPACES", {})
    for sample in SAMPLES:
        autodiff.grad(first_derivative(number_of(sample), sample), argnums(sample))(*sample.arrays)
    assert set(RULES) - used == set()


def test_every_function_has_a_sample():
    sampled = {sample.name for sample in SAMPLES}
    public = {name for name in {*RULES, *COMPOSITES} if not name.rpartition(".")[2].startswith("_")}
    assert public - sampled == set()
    assert set(ELEMENTWISE) <= set(RULES) | set(COMPOSITES)


@pytest.mark.backend("strict")
def test_tables_cover_the_standard():
    strict = pytest.importorskip("array_api_strict", reason="array_api_strict is not installed")
    standard = {name for name in strict.__all__ if callable(getattr(strict, name))}
    standard -= {name for name in strict.__all__ if "flags" in name or name in ("Device", "ArrayAPIStrictFlags")}
    standard -= {name for name in standard if isinstance(getattr(strict, name), type(strict.float64))}
    standard |= {f"linalg.{name}" for name in strict.linalg.__all__} | {f"fft.{name}" for name in strict.fft.__all__}
    standard -= {name for name in standard if name.startswith("__")}
    tables = [set(table) for table in TABLES]
    ours = {name for table in tables for name in table if not name.rpartition(".")[2].startswith("_")}
    assert standard - ours == set()
    assert ours - standard <= {"linalg.eig", "linalg.eigvals", "broadcast_shapes", "isin"}  # newer than 2024.12
    for k, table in enumerate(tables):
        for other in tables[:k]:
            assert not table & other
