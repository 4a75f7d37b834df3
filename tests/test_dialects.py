"""The losses of `dialects`: against the framework's documentation, and against the framework where it is installed."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses import dialects, registry

from .cases import CASES, Case
from .variants import Variant

OURS = [case for case in CASES if "." in case.name]

# The numbers that Keras's own tests and documentation state.
DOCUMENTED = [
    # Keras states 3.98559, as it rounds 1 - 1e-7 to float32; this is -log(1e-7) / 4.
    ("BinaryCrossentropy", ([1.0, 1.0, 1.0, 0.0], [1.0, 0.0, 1.0, 0.0]), {}, 4.02952),
    ("BinaryCrossentropy", ([-18.6, 0.51, 2.94, -12.8], [0.0, 1.0, 0.0, 0.0]), {"from_logits": True}, 0.8654),
    ("CategoricalCrossentropy", ([[0.05, 0.95, 0], [0.1, 0.8, 0.1]], [[0.0, 1, 0], [0, 0, 1]]), {}, 1.1769),
    ("CategoricalCrossentropy", ([[0.9, 0.05, 0.05], [0.5, 0.89, 0.6], [0.05, 0.01, 0.94]], np.eye(3)), {}, 0.3239),
    ("KLDivergence", ([[0.6, 0.4], [0.4, 0.6]], [[0.0, 1.0], [0.0, 0.0]]), {}, 0.4581),
    ("MeanAbsolutePercentageError", ([[1.0, 1.0], [1.0, 0.0]], [[2.0, 1.0], [2.0, 3.0]]), {}, 50.0),
    # "clamps its log function outputs to be greater than or equal to -100"
    ("BCELoss", ([0.0, 1.0, 1.0], [1.0, 0.0, 1.0]), {}, 200 / 3),
]


@pytest.mark.main_variants
@pytest.mark.parametrize(("name", "arrays", "settings", "value"), DOCUMENTED)
def test_the_numbers_of_the_documentation(variant: Variant, name, arrays, settings, value):
    given = [variant.array(np.asarray(x, dtype="float32")) for x in arrays]
    got = variant.numpy(variant.run(al.get(name, **settings), *given))
    np.testing.assert_allclose(got, value, atol=1e-4)


# Against the frameworks. Rows that do not sum to 1, probabilities at and beyond the limits, equal vectors.

P = np.asarray([0.0, 1e-9, 1e-3, 0.25, 0.5, 0.9, 1 - 1e-5, 1 - 1e-9, 1.0])
BINARY = tuple(x.reshape(-1, 1) for x in np.broadcast_arrays(P[:, None], np.asarray([0.0, 0.25, 1.0])))
ROWS = np.asarray([[0.6, 0.3, 0.9], [0.0, 0.875, 0.0], [1e-9, 0.5, 0.25], [0.2, 0.5, 0.3], [1e-5, 2.0, 1e-5]])
TARGETS = np.asarray([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5], [0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
LABELS = np.asarray([1, 0, 2, 1, 1])
COUNTS = (np.asarray([[0.0], [-0.5], [2.0], [1e-9], [3.0]]), np.asarray([[1.0], [0.5], [-3.0], [0.0], [3.0]]))
VECTORS = np.random.default_rng(0).normal(size=(3, 5, 4))
VECTORS[1, 0], VECTORS[2, 1] = VECTORS[0, 0], VECTORS[0, 1]

KERAS: dict[str, tuple[str, dict[str, Any], tuple[np.ndarray, ...]]] = {
    "BinaryCrossentropy": ("binary_crossentropy", {}, BINARY),
    "binary_crossentropy": ("binary_crossentropy", {"label_smoothing": 0.2}, BINARY),
    "BinaryFocalCrossentropy": ("binary_focal_crossentropy", {}, BINARY),
    "binary_focal_crossentropy": ("binary_focal_crossentropy", {"gamma": 1.5, "label_smoothing": 0.2}, BINARY),
    "CategoricalCrossentropy": ("categorical_crossentropy", {}, (ROWS, TARGETS)),
    "categorical_crossentropy": ("categorical_crossentropy", {"label_smoothing": 0.2}, (ROWS, TARGETS)),
    "SparseCategoricalCrossentropy": ("sparse_categorical_crossentropy", {}, (ROWS, LABELS)),
    "CategoricalFocalCrossentropy": ("categorical_focal_crossentropy", {}, (ROWS, TARGETS)),
    "categorical_focal_crossentropy": ("categorical_focal_crossentropy", {"alpha": 0.5, "gamma": 3.0}, (ROWS, TARGETS)),
    "KLDivergence": ("kl_divergence", {}, (ROWS, TARGETS)),
    "MeanSquaredLogarithmicError": ("mean_squared_logarithmic_error", {}, COUNTS),
}


def rounded(arrays: tuple[np.ndarray, ...], dtype: str) -> list[np.ndarray]:
    """What a loss is given in `dtype`."""
    return [x.astype(dtype) if x.dtype.kind == "f" else x for x in arrays]


def widened(arrays: tuple[np.ndarray, ...], dtype: str) -> list[np.ndarray]:
    """The same numbers in float64, in which the framework computes."""
    return [x.astype("float64") if x.dtype.kind == "f" else x for x in rounded(arrays, dtype)]


def both(variant: Variant, loss: al.Loss, arrays: list[np.ndarray], argnums: tuple[int, ...] = (0,)) -> Any:
    """The loss of each item, and the gradients of their sum."""
    given = [variant.array(x) for x in arrays]
    items = variant.run(dataclasses.replace(loss, reduction="none"), *given)
    gradients = variant.run(al.grad(dataclasses.replace(loss, reduction="sum"), argnums), *given)
    return variant.numpy(items), [variant.numpy(g) for g in gradients]


def close(found: np.ndarray, expected: np.ndarray, dtype: str, float64: float = 1e-8) -> None:
    tolerance = float64 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * np.max(np.abs(expected)))


@functools.cache
def of_keras(name: str, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """The loss of each item, and the gradient of their sum, of Keras on JAX."""
    jax = pytest.importorskip("jax", reason="Keras is run on JAX")
    if importlib.util.find_spec("keras") is None:
        pytest.skip("keras is not installed")
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    if keras.backend.backend() != "jax":
        pytest.skip("keras was imported with another backend")
    function, settings, arrays = KERAS[name]
    with jax.enable_x64(True):
        prediction, target = map(jax.numpy.asarray, widened(arrays, dtype))
        loss = functools.partial(getattr(keras.losses, function), **settings)
        gradient = jax.grad(lambda p: loss(target, p).sum())(prediction)
        return np.asarray(loss(target, prediction)), np.asarray(gradient)


@pytest.mark.main_variants
@pytest.mark.parametrize("name", KERAS)
def test_it_is_keras_s_own_loss_in_value_and_gradient(variant: Variant, name):
    _, settings, arrays = KERAS[name]
    for dtype in variant.dtypes:
        expected, gradient = of_keras(name, dtype)
        given = rounded(arrays, dtype)
        items, (found,) = both(variant, al.get(name, **settings), given)
        if "focal" in KERAS[name][0] and len(arrays[0]) == len(BINARY[0]):
            # Keras limits the probability in the logarithm alone, so that the other factor has a derivative beyond.
            gradient = np.where(np.abs(given[0] - 0.5) < 0.5 - 1e-7, gradient, 0.0)
        # Keras computes a cross entropy in float32, whatever it is given.
        close(items.reshape(expected.shape), expected, dtype, 1e-6)
        close(found, gradient, dtype, 1e-6)


TORCH: dict[str, tuple[str, dict[str, Any], tuple[np.ndarray, ...]]] = {
    "BCELoss": ("BCELoss", {}, BINARY),
    "TripletMarginLoss": ("TripletMarginLoss", {}, tuple(VECTORS)),
    "triplet_margin_loss": ("TripletMarginLoss", {"swap": True, "margin": 0.5, "p": 1.0}, tuple(VECTORS)),
}


@functools.cache
def of_torch(name: str, dtype: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """The loss of each item, and the gradients of their sum, of torch."""
    torch = pytest.importorskip("torch")
    function, settings, arrays = TORCH[name]
    given = [torch.tensor(x) for x in widened(arrays, dtype)]
    free = given[: 1 if name == "BCELoss" else 3]
    for x in free:
        x.requires_grad_()
    items = getattr(torch.nn, function)(reduction="none", **settings)(*given)
    return items.detach().numpy(), [g.numpy() for g in torch.autograd.grad(items.sum(), free)]


@pytest.mark.main_variants
@pytest.mark.parametrize("name", TORCH)
def test_it_is_torch_s_own_loss_in_value_and_gradient(variant: Variant, name):
    _, settings, arrays = TORCH[name]
    for dtype in variant.dtypes:
        expected, gradients = of_torch(name, dtype)
        given = rounded(arrays, dtype)
        items, found = both(variant, al.get(name, **settings), given, tuple(range(len(gradients))))
        close(items, expected, dtype)
        if name == "BCELoss":
            # Where the floor holds a logarithm torch's gradient is 1e12 times the error, ours that of the other one.
            p, t = given
            gradients = [np.where(p == 0, 1 - t, np.where(p == 1, -t, gradients[0]))]
        for ours, theirs in zip(found, gradients, strict=True):
            close(ours, theirs, dtype)


# Against ours


CANONICAL = {
    "keras.binary_crossentropy": al.BinaryCrossEntropy,
    "keras.binary_focal_crossentropy": al.BinaryFocal,
    "keras.categorical_crossentropy": al.CrossEntropy,
    "keras.categorical_focal_crossentropy": functools.partial(al.CategoricalFocal, alpha=0.25),
    "keras.kl_divergence": functools.partial(al.KlDivergence, from_log=False),
    "keras.mean_squared_logarithmic_error": al.SquaredLogarithmicError,
    "optax.triplet_margin_loss": al.TripletMargin,
    "torch.bce_loss": al.BinaryCrossEntropy,
    "torch.triplet_margin_loss": al.TripletMargin,
}


@pytest.mark.main_variants
@pytest.mark.parametrize("case", [c for c in OURS if c.name in CANONICAL and c.loss == type(c.loss)()], ids=str)
def test_without_its_quirk_it_is_ours(variant: Variant, case: Case):
    dtype = variant.dtypes[-1]
    ours = CANONICAL[case.name]
    # What lies within the limits; and logits, of which there are none.
    plain = al.get(case.name, epsilon=0.0) if "epsilon" in case.loss.settings() else case.loss
    pairs = [(plain, ours(from_logits=False) if "from_logits" in plain.settings() else ours())]
    if "from_logits" in plain.settings():
        pairs.append((dataclasses.replace(case.loss, from_logits=True), ours()))
    for loss, canonical in pairs:
        arrays = list(Case(case.name, loss, case.soft).inputs(seed=3, dtype=dtype))
        found, expected = (both(variant, x, arrays) for x in (loss, canonical))
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-6)
        if case.name.startswith("keras.categorical") and not loss.from_logits:
            continue  # the derivative of p / Σ p, where ours is that of p
        np.testing.assert_allclose(found[1][0], expected[1][0], rtol=1e-5, atol=1e-7)


# A framework's functions on every library


@pytest.mark.main_variants
def test_torch_s_functions_run_on_every_library(variant: Variant):
    dtype = variant.dtypes[-1]
    logits = np.asarray([[1.0, -0.5, 0.25], [0.0, 2.0, -1.0], [3.0, 0.5, 0.5]], dtype)
    labels, weight = np.asarray([2, -100, 0]), np.asarray([1.0, 2.0, 0.5], dtype)
    nll = np.log(np.sum(np.exp(logits), axis=1)) - logits[np.arange(3), [2, 0, 0]]
    x, y, w = variant.array(logits), variant.array(labels), variant.array(weight)
    found = variant.numpy(variant.run(dialects.torch.cross_entropy, x, y, w))
    np.testing.assert_allclose(found, (0.5 * nll[0] + nll[2]) / 1.5, rtol=1e-5)
    found = variant.numpy(variant.run(dialects.torch.CrossEntropyLoss(reduction="none"), x, y))
    np.testing.assert_allclose(found, nll * [1.0, 0.0, 1.0], rtol=1e-5)
    found = variant.numpy(variant.run(functools.partial(dialects.torch.kl_div, reduction="batchmean"), x, x * x))
    squares = logits.astype("float64") ** 2
    entropy = squares * np.log(np.where(squares == 0, 1.0, squares))
    np.testing.assert_allclose(found, np.sum(entropy - squares * logits) / 3, rtol=1e-5)
    found = variant.numpy(variant.run(dialects.torch.HuberLoss("sum", 0.5), x, variant.array(logits + 1.0)))
    np.testing.assert_allclose(found, 9 * 0.375, rtol=1e-5)


# Names


@pytest.mark.parametrize(
    "module", [dialects.keras.losses, dialects.torch.losses], ids=lambda m: m.__name__.split(".")[2]
)
def test_what_a_dialect_exports_is_what_the_registry_names(module):
    dialect = module.__name__.split(".")[2]
    exported = {registry.canonical_name(getattr(module, name)): name for name in module.__all__}
    known = {loss for loss in registry._OF_DIALECTS.values() if loss.startswith(f"{dialect}.")}
    assert set(exported) == known
    for canonical, name in exported.items():
        cls = getattr(module, name)
        assert registry._OF_DIALECTS[name] == canonical  # the class's own name, as the framework spells it
        assert al.registered()[canonical] is cls
        assert registry.name_of(cls) == canonical
        assert set(registry.aliases_of(canonical)) == {
            k for k, v in registry._OF_DIALECTS.items() if v == canonical
        } - {canonical}


@pytest.mark.parametrize("name", registry._OF_DIALECTS)
def test_a_loss_of_a_dialect_comes_back_from_its_name_its_data_and_a_pickle(name):
    loss = al.get(name)
    canonical = registry._OF_DIALECTS[name]
    assert f"{type(loss).__module__}.".startswith(f"arraylosses.dialects.{canonical.partition('.')[0]}.")
    assert al.get(canonical) == loss
    data = json.loads(json.dumps(al.serialize(loss)))
    assert data["name"] == canonical
    again: Callable[[], al.Loss]
    for again in (lambda: al.deserialize(data), lambda: pickle.loads(pickle.dumps(loss))):
        assert again() == loss
        assert hash(again()) == hash(loss)


def test_a_name_of_ours_is_no_name_of_a_dialect():
    ours = {name for name, cls in al.registered().items() if "." not in name}
    assert not ours & set(registry._OF_DIALECTS)
    # They differ by two capitals: ours takes log-probabilities, Keras's takes probabilities.
    p, t = np.asarray([0.25, 0.75]), np.asarray([0.5, 0.5])
    assert al.get("KlDivergence") == al.get("kl_divergence") == al.KlDivergence()
    assert al.get("KLDivergence") == dialects.keras.losses.KLDivergence()
    assert float(al.KlDivergence()(np.log(p), t)) == pytest.approx(float(al.get("KLDivergence")(p, t)))


def test_an_unknown_name_is_told_the_closest_of_a_dialect_too():
    with pytest.raises(ValueError, match="did you mean 'binary_crossentropy' or "):
        al.get("binary_crossentropi")
    with pytest.raises(ValueError, match="did you mean 'keras.kl_divergence'"):
        al.deserialize({"name": "keras.kl_divergenc"})


def test_the_functions_of_optax_take_arrays_of_numpy():
    # The numbers of Optax's documentation.
    logits, labels = np.asarray([[1.2, -0.8, -0.5], [0.9, -1.2, 1.1]]), np.asarray([0, 1])
    found = dialects.optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    np.testing.assert_allclose(found, [0.2761, 2.9518], atol=5e-5)
    np.testing.assert_array_equal(dialects.optax.softmax_cross_entropy(logits, np.eye(3)[labels]), found)
    found = dialects.optax.ranking_softmax_loss(np.asarray([2.0, 1.0, 3.0]), np.asarray([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(found, 1.408, atol=5e-4)


LAZY = """
import sys
import arraylosses as al
al.get("mse"), al.get("poisson"), al.deserialize({"name": "huber"})
try:
    al.get("binary_crossentropi")
except ValueError as error:
    assert "binary_crossentropy" in str(error)
loaded = [name for name in sys.modules if name.startswith("arraylosses.dialects")]
print(loaded, type(al.deserialize({"name": "torch.bce_loss", "settings": {"log_floor": -2.0}})).__name__)
"""


def test_a_dialect_is_loaded_when_it_is_asked_for():
    done = subprocess.run([sys.executable, "-c", LAZY], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("[] BCELoss", 0), done.stderr
