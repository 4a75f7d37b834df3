"""What Keras makes arrays of: lists of numbers, and NumPy's arrays beside those of another library."""

from __future__ import annotations

import numpy as np
import pytest

from arraylosses.dialects import keras as losses

pytestmark = pytest.mark.otherwise_numpy

LIBRARIES = {"torch": "torch", "jax": "jax.numpy"}
beside = pytest.mark.parametrize("library", [pytest.param(name, marks=pytest.mark.backend(name)) for name in LIBRARIES])

Y_TRUE, Y_PRED = [[0.0, 1.0], [0.0, 0.0]], [[0.6, 0.4], [0.4, 0.6]]


def asarray(library, x, dtype="float32"):
    module = pytest.importorskip(LIBRARIES[library])
    return module.asarray(x, dtype=getattr(module, dtype))


# The expected values are those of Keras's docstrings.
@pytest.mark.parametrize(
    ("loss", "arguments", "expected"),
    [
        (losses.MeanSquaredError(), ([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]]), 0.5),
        (losses.MeanAbsoluteError(), ([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]], [0.7, 0.3]), 0.25),
        (losses.SparseCategoricalCrossentropy(), ([1, 2], [[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]]), 1.177),
        (losses.CategoricalCrossentropy(), ([[0, 1, 0], [0, 0, 1]], [[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]]), 1.177),
        (losses.BinaryCrossentropy(from_logits=True), ([0, 1, 0, 0], [-18.6, 0.51, 2.94, -12.8]), 0.865),
        (losses.KLDivergence(), ([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]]), 0.458),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, losses.Loss) else None,
)
def test_a_loss_takes_lists(loss, arguments, expected):
    value = loss(*arguments)
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, expected, atol=6e-4)


def test_a_function_takes_lists_in_any_place():
    expected = losses.mean_squared_error(np.asarray(Y_TRUE, "float32"), np.asarray(Y_PRED, "float32"))
    for given in (
        (Y_TRUE, Y_PRED),
        (Y_TRUE, np.asarray(Y_PRED, "float32")),
        (np.asarray(Y_TRUE), Y_PRED),
        (tuple(map(tuple, Y_TRUE)), [np.asarray(x, "float32").tolist() for x in Y_PRED]),
        ([[np.float32(x) for x in row] for row in Y_TRUE], Y_PRED),
    ):
        found = losses.mean_squared_error(*given)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_array_equal(losses.mean_squared_error(y_pred=Y_PRED, y_true=Y_TRUE), expected)


def test_numbers_of_a_list_have_the_dtype_of_the_loss_or_of_the_prediction():
    assert losses.Huber(dtype="float64")([[0.1]], [[0.0]]) == 0.5 * 0.1**2
    assert losses.mean_squared_error([[0.1]], np.zeros((1, 1))) == 0.1**2
    # float32 has no 2**24 + 1, and int32 no 2**31
    labels = losses.sparse_categorical_crossentropy(
        [2**24 + 1, 0], np.asarray([[0.5, 0.5]] * 2), ignore_class=2**24 + 1
    )
    np.testing.assert_allclose(labels, [0.0, np.log(2.0)])
    with pytest.raises(ValueError, match="must lie in"):
        losses.sparse_categorical_crossentropy([2**31, 0], [[0.5, 0.5]] * 2)


@beside
def test_lists_and_numpy_s_arrays_follow_another_library(library):
    y_true, y_pred = np.asarray(Y_TRUE, "float32"), asarray(library, Y_PRED)
    weight, loss = np.asarray([0.25, 2.0]), losses.BinaryCrossentropy()
    expected = loss(asarray(library, y_true), y_pred, asarray(library, weight))
    for given in ((y_true, y_pred, weight), (Y_TRUE, y_pred, [0.25, 2.0]), (asarray(library, y_true), y_pred, weight)):
        found = loss(*given)
        assert type(found) is type(expected)
        assert found.dtype == expected.dtype
        assert float(found) == float(expected)
    # where the target alone is of the library
    assert float(loss(asarray(library, y_true), Y_PRED)) == float(loss(asarray(library, y_true), y_pred))


@beside
def test_structures_masks_and_references_follow_too(library):
    class Both(losses.Loss):
        def call(self, y_true, y_pred):
            return losses.mean_squared_error(y_true["a"], y_pred["a"]) + losses.mean_absolute_error(
                *[x["b"] for x in (y_true, y_pred)]
            )

    y_pred = {"a": asarray(library, Y_PRED), "b": asarray(library, Y_PRED)}
    y_true = {"a": np.asarray(Y_TRUE), "b": Y_TRUE}
    expected = Both()({name: asarray(library, Y_TRUE) for name in "ab"}, y_pred)
    assert float(Both()(y_true, y_pred)) == float(expected)
    embeddings, labels = asarray(library, [[1.0, 0.0], [0.6, 0.8]]), asarray(library, [0, 1], "int32")
    given = [0, 1], embeddings, np.asarray([1, 0]), np.asarray([[0.0, 1.0], [1.0, 0.0]])
    dense = labels, embeddings, asarray(library, given[2], "int32"), asarray(library, given[3])
    values = [np.asarray(losses.circle(*x, remove_diagonal=False)) for x in (given, dense)]
    np.testing.assert_allclose(*values, rtol=1e-5)


@pytest.mark.backend("torch")
@pytest.mark.backend("jax")
def test_arrays_of_two_other_libraries_are_refused():
    with pytest.raises(TypeError, match="got JAX and PyTorch|got PyTorch and JAX|of PyTorch|of JAX"):
        losses.mean_squared_error(asarray("torch", Y_TRUE), asarray("jax", Y_PRED))


@pytest.mark.parametrize(
    "of", [losses.CategoricalCrossentropy(), losses.CategoricalFocalCrossentropy(from_logits=True)]
)
def test_the_targets_of_classes_must_have_the_shape_of_the_prediction(of):
    for y_true in ([[0], [1]], np.asarray([[0], [1]]), np.zeros((3, 2)), np.zeros((2, 3), "float32")):
        with pytest.raises(ValueError, match="`y_true` and `y_pred` must have the same shape, got"):
            of(y_true, Y_PRED)
