"""The tests that Keras and Optax have of their losses, and install, with the dialects in the losses' place."""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import re
import unittest
import warnings
from collections.abc import Iterator
from unittest import mock

import pytest

from arraylosses.dialects import keras, optax

pytestmark = pytest.mark.backend("jax")

# What tests call the losses, and where these have them from.
TESTS = {
    "keras.src.losses.losses_test": {"keras.src.losses.losses": keras},
    "keras.src.trainers.compile_utils_test.TestCompileLoss": {
        "keras.src.trainers.compile_utils.CompileLoss": keras.CompileLoss
    },
    "keras.src.losses.loss_test": {"keras.src.losses": keras, "keras.src.losses.loss.Loss": keras.Loss},
    "optax.losses._classification_test": {"optax.losses._classification": optax},
    "optax.losses._fenchel_young_test": {
        "optax.losses._fenchel_young": optax,
        "optax.losses._classification": optax,
    },
    "optax.losses._ranking_test": {"optax.losses._ranking": optax},
    "optax.losses._regression_test": {"optax.losses._regression": optax},
    "optax.losses._segmentation_test": {"optax.losses._segmentation": optax},
    "optax.losses._self_supervised_test": {"optax.losses._self_supervised": optax},
    "optax.losses._smoothing_test": {"optax.losses._smoothing": optax},
}

SERIALIZED = "Keras's own `deserialize` knows no classes but its own"
MESSAGES = "messages are those of this package"
# Rows of the dialects' tables of departures, and the tests that see them.
DEPARTURES = {
    r"losses_test\.(?!KLDivergence|LogCosh|Poisson|CosineSimilarity|Huber|Hinge|SquaredHinge|CategoricalHinge)"
    r"\w+\.test_config": SERIALIZED,
    r"losses_test\.(CosineSimilarity|HuberLoss)Test\.test_config": "configurations keep `axis` and `delta`",
    r"losses_test\.(Hinge|SquaredHinge|CategoricalHinge)Test\.test_unweighted": MESSAGES,
    r"losses_test\.BinaryCrossentropyTest\.test_shape_mismatch": MESSAGES,
    r"loss_test\.LossTest\.test_reduction": MESSAGES,
    r"loss_test\.LossTest\.test_(default_dtype|dtype_arg)": "`set_floatx` changes no loss, nor does a dtype once made",
    r"losses_test\.BinaryCrossentropyTest\.test_(unweighted|\w+_weighted)": "1 - 1e-7 is not rounded",
    r"losses_test\.SparseCategoricalCrossentropyTest\.test_\w+_different_axis\d*": "any axis is taken",
    r"losses_test\.CTCTest\.test_correctness": "no alignment stands for labels with the blank among them",
    r"losses_test\.TverskyTest\.test_\w+_custom_coefficients\w*": "alpha weighs false positives, as documented",
    r"compile_utils_test\.TestCompileLoss\.test_struct_loss_valid_weights": "a factor is a number; no metrics",
    r"compile_utils_test\.TestCompileLoss\.test_list_loss_dict_data": "a list of outputs is no dict afterwards",
    r"compile_utils_test\.TestCompileLoss\.test_(struct_loss_invalid_\w+|structure_mismatch)": MESSAGES,
    r"_segmentation_test\.DiceLossTest\.test_probability_validation": "any probabilities are taken",
}


def _tests_of(tests: str) -> Iterator[unittest.TestCase]:
    def cases(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
        for test in suite:
            yield from cases(test) if isinstance(test, unittest.TestSuite) else [test]

    with warnings.catch_warnings(), _replaced(tests):
        warnings.simplefilter("ignore")
        found = list(cases(unittest.defaultTestLoader.loadTestsFromName(tests)))
    return (test for test in found if test.id().startswith(tests + "."))


@contextlib.contextmanager
def _replaced(tests: str) -> Iterator[None]:
    """Put the dialect where the tests import the losses from."""
    with contextlib.ExitStack() as patches:
        for name, dialect in TESTS[tests].items():
            package, _, attribute = name.rpartition(".")
            patches.enter_context(mock.patch.dict(vars(importlib.import_module(package)), {attribute: dialect}))
        yield


@functools.cache
def _found() -> dict[str, unittest.TestCase]:
    """The tests of the frameworks that are installed."""
    installed = [name for name in TESTS if importlib.util.find_spec(name.partition(".")[0])]
    return {test.id(): test for name in installed for test in _tests_of(name)}


def _marks(name: str) -> list[pytest.MarkDecorator]:
    reasons = [why for pattern, why in DEPARTURES.items() if re.search(f"{pattern}$", name)]
    return [pytest.mark.xfail(reason=why, strict=True) for why in reasons]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # Behind the name there may be arguments, a function's place in memory among them.
    names = {name: re.sub(r"^[\w.]+?\.(losses|trainers)\.", "", name.partition(" ")[0]) for name in _found()}
    metafunc.parametrize("name", [pytest.param(name, id=short, marks=_marks(short)) for name, short in names.items()])


def test_a_test_of_a_framework_passes_with_its_dialect(name):
    result = unittest.TestResult()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _found()[name].run(result)
    for _, message in result.errors + result.failures:
        pytest.fail(message, pytrace=False)
    if result.skipped:
        pytest.skip(result.skipped[0][1])
