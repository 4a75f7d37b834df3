"""`al.config(check_values=True)`: a value that a loss is not defined for is refused, and off that it costs nothing."""

from __future__ import annotations

import numpy as np
import pytest

import arraylosses as al

from .cases import CASES, DEFAULTS

pytestmark = pytest.mark.otherwise_numpy

eager = pytest.mark.parametrize(
    "backend", ["numpy", *[pytest.param(name, marks=pytest.mark.backend(name)) for name in ("torch", "jax", "strict")]]
)

# For each domain, values that it does not hold, and what the message says that it holds.
WRONG = {
    "nonnegative": ([-1e-3, -np.inf], "numbers of at least 0"),
    "above_minus_one": ([-1.0, -2.5], "numbers above -1"),
    "positive": ([0.0, -1.0], "numbers above 0"),
    "probability": ([1.2, -0.1, 255.0], "probabilities, from 0 to 1"),
    "sign": ([0.0, 0.5, 2.0], "-1 or 1"),
    "distribution": ([1.2, -0.1], "probabilities, from 0 to 1"),
    "log_distribution": ([0.1, np.inf], "logarithms of probabilities, at most 0"),
    "log_probability": ([0.1, np.inf], "logarithms of probabilities, at most 0"),
    "class": ([1.2, -0.1], "probabilities, from 0 to 1"),  # of one that is given as a distribution
}


def place(backend, x):
    if backend == "torch":
        import torch

        return torch.as_tensor(x)
    if backend == "jax":
        import jax.numpy as jnp

        return jnp.asarray(x)
    if backend == "strict":
        import array_api_strict

        return array_api_strict.asarray(x)
    return x


PLACES = [
    (case, k)
    for case in CASES
    for k, domain in enumerate(case.loss.declaration.domains)
    if domain in WRONG and (domain != "class" or case.soft)
]


@eager
@pytest.mark.parametrize(("case", "k"), PLACES, ids=str)
def test_a_value_outside_its_domain_is_refused(backend, case, k):
    name = case.loss.array_names[k]
    values, holds = WRONG[case.loss.declaration.domains[k]]
    for value in values:
        arrays = [x.copy() for x in case.inputs(dtype="float32")]
        arrays[k][(0,) * arrays[k].ndim] = value
        given = [place(backend, x) for x in arrays]
        with al.config(check_values=True):
            with pytest.raises(ValueError, match=f"^`{name}` must hold {holds}, got {float(np.float32(value))}$"):
                case.loss(*given)
            with pytest.raises(ValueError, match=f"^`{name}` must hold {holds}"):
                al.value_and_grad(case.loss)(*given)
            # Left out, or no number at all, it does no harm.
            where = np.ones(case.item_shape((4, 3)), dtype=bool)
            where[(0,) * where.ndim] = False
            case.loss(*given, where=place(backend, where))
            arrays[k][(0,) * arrays[k].ndim] = np.nan
            case.loss(*[place(backend, x) for x in arrays])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_of_the_domain_pass(variant, case):
    if variant.backend == "jax" and variant.name != "jax":
        pytest.skip("traced arrays can't be looked at")
    arrays = [variant.array(x) for x in case.inputs(dtype=variant.dtypes[-1])]
    expected = variant.numpy(variant.run(case.loss, *arrays))
    with al.config(check_values=True):
        got = variant.numpy(variant.run(case.loss, *arrays))
    np.testing.assert_allclose(got, expected, rtol=1e-6 if got.dtype == np.float32 else 1e-14)


# At the ends of what a docstring allows.
ALLOWED = {
    "bounds in either order": (al.Aft(), [0.0, 0.0], [1.0, np.inf], [0.0, 1.0]),
    "densities": (al.PpoClip(), [1.5, 0.5], [2.0, -0.5], [1.0, -1.0]),
    "cosines that are rounded": (al.AngularMarginSoftmax(), [[np.nextafter(np.float32(1), 2), -1.0000002]], [0]),
    "logarithms of 1 more": (al.SquaredLogarithmicError(), [-0.5, 0.0], [2.0, -0.75]),
    "any mean": (al.TweedieDeviance(power=0.0, from_log=False), [-0.5, 0.0], [2.0, -3.0]),
}


@eager
@pytest.mark.parametrize("case", ALLOWED)
def test_what_a_loss_is_defined_for_passes(backend, case):
    loss, *arrays = ALLOWED[case]
    given = [place(backend, np.asarray(x, np.float32 if np.asarray(x).dtype.kind == "f" else np.int64)) for x in arrays]
    with al.config(check_values=True):
        assert np.isfinite(float(loss(*given)))


@eager
@pytest.mark.parametrize("case", DEFAULTS, ids=str)
def test_a_negative_weight_is_refused(backend, case):
    arrays = [place(backend, x) for x in case.inputs(dtype="float32")]
    weight = np.ones(case.item_shape((4, 3)), dtype="float32")
    weight[(-1,) * weight.ndim] = -0.5
    where = weight > 0
    with al.config(check_values=True):
        with pytest.raises(ValueError, match=r"^`weight` must hold numbers of at least 0, got -0\.5$"):
            case.loss(*arrays, weight=place(backend, weight))
        case.loss(*arrays, weight=place(backend, weight), where=place(backend, where))


@eager
def test_integers_and_an_ignored_label_are_looked_at_too(backend):
    x = place(backend, np.zeros(3, dtype="float32"))
    with al.config(check_values=True):
        for dtype in ("uint8", "int64"):
            with pytest.raises(ValueError, match=r"^`target` must hold probabilities, from 0 to 1, got 255\.0$"):
                al.binary_cross_entropy(x, place(backend, np.asarray([0, 255, 1]).astype(dtype)))
        with pytest.raises(ValueError, match=r"^`target` must hold -1 or 1, got 0\.0$"):
            al.hinge(x, place(backend, np.asarray([0, 1, 1])))
        rows = np.full((2, 3), 0.25, dtype="float32")
        rows[1, 0] = 7.0
        labels = place(backend, np.asarray([0, -100]))
        al.cross_entropy(place(backend, rows), labels, from_logits=False, ignore_index=-100)
        with pytest.raises(ValueError, match="^`logits` must hold probabilities"):
            al.cross_entropy(place(backend, rows), place(backend, np.asarray([0, 1])), from_logits=False)


def test_a_user_s_own_loss_is_looked_at_by_its_domains():
    class Log(al.Loss):
        arrays = "rate[...]: positive, count[...]: nonnegative -> [...]"

        def call(self, rate, count):
            return rate - count * np.log(rate)

    with al.config(check_values=True):
        with pytest.raises(ValueError, match=r"^`rate` must hold numbers above 0, got 0\.0$"):
            Log()(np.zeros(2), np.ones(2))
        with pytest.raises(ValueError, match=r"^`count` must hold numbers of at least 0, got -1\.0$"):
            Log()(np.ones(2), -np.ones(2))


def test_it_is_off_until_it_is_asked_for_and_then_off_again():
    x, t = np.zeros(2), np.full(2, 255.0)
    al.binary_cross_entropy(x, t)
    with al.config(check_values=True):
        with al.config(check_values=False, threads=1):
            al.binary_cross_entropy(x, t)
        with pytest.raises(ValueError, match="`target` must hold"):
            al.binary_cross_entropy(x, t)
    al.binary_cross_entropy(x, t)
    with pytest.raises(TypeError, match="`check_values` must be a bool, got 1"):
        al.config(check_values=1)


OF_PROBABILITIES = [(case, k) for case, k in PLACES if k == 0 and not getattr(case.loss, "from_logits", True)]


@pytest.mark.parametrize("rows", [4, 20000], ids=["few", "many"])
@pytest.mark.parametrize(("case", "k"), OF_PROBABILITIES, ids=str)
def test_what_is_no_probability_comes_without_a_warning(case, k, rows):
    # NumPy's is an error here: p or 1 - p is below 0, and has no logarithm.
    for value in WRONG[case.loss.declaration.domains[k]][0]:
        arrays = [x.copy() for x in case.inputs(shape=(rows, 3), dtype="float32")]
        arrays[k][(0,) * arrays[k].ndim] = value
        case.loss(*arrays)
        al.value_and_grad(case.loss)(*arrays)
