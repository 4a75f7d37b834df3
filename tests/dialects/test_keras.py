"""The dialect of Keras: its classes, names and configurations, weights and masks, and what is refused."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

import arraylosses as al
from arraylosses.dialects import keras as losses
from arraylosses.execution import jitted

from .keras_grid import CLASSES, FUNCTIONS

pytestmark = pytest.mark.otherwise_numpy

Y_TRUE = np.asarray([[0.0, 1.0], [0.0, 0.0], [2.0, 1.0]], dtype="float32")
Y_PRED = np.asarray([[1.0, 1.0], [3.0, 0.0], [0.0, 2.0]], dtype="float32")
WEIGHT = np.asarray([0.5, 1.0, 2.0], dtype="float32")
# The means of the squared errors along the last axis
VALUES = np.asarray([0.5, 4.5, 2.5])

OFF_DEFAULT = [
    losses.Huber(2.0, "sum", "mine", "float64"),
    losses.CosineSimilarity(axis=0),
    losses.BinaryFocalCrossentropy(True, 0.75, 1.5, True, 0.1, 0),
    losses.CategoricalFocalCrossentropy([0.5, 2.0], dtype="float16"),
    losses.SparseCategoricalCrossentropy(True, 1, None, 0),
    losses.CategoricalGeneralizedCrossEntropy(0.75),
    losses.Dice("none", "mine", (1, 2)),
    losses.Tversky(0.25, 0.75, "sum", "mine", -1),
    losses.Circle(64.0, 0.25, False),
    losses.LossFunctionWrapper(losses.huber, "sum", "wrapped", delta=3.0),
]


class Cubic(losses.Loss):
    """A loss of a user's own, in Keras's manner."""

    def __init__(self, scale=1.0, name="cubic", **kwargs):
        super().__init__(name=name, **kwargs)
        self.scale = scale

    def call(self, y_true, y_pred):
        xp = al.array_namespace(y_true, y_pred)
        return self.scale * xp.mean(xp.abs(y_pred - y_true) ** 3, axis=-1)

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


def squared(y_true, y_pred, scale=1.0):
    return scale * np.mean((y_pred - y_true) ** 2, axis=-1)


class Marked(np.ndarray):
    """An array that takes attributes, such as Keras's mask."""

    @classmethod
    def of(cls, x, mask):
        marked = np.asarray(x).view(cls)
        marked._keras_mask = np.asarray(mask)
        return marked


# Classes


@pytest.mark.parametrize("loss", OFF_DEFAULT, ids=repr)
def test_a_loss_is_equal_to_its_copies_and_to_no_other(loss):
    again = [
        copy.copy(loss),
        pickle.loads(pickle.dumps(loss)),
        losses.deserialize(json.loads(json.dumps(losses.serialize(loss)))),
    ]
    for other in again:
        assert other == loss
        assert hash(other) == hash(loss)
    assert loss != losses.Huber(3.0)
    assert repr(losses.Huber(2.0)) == (
        "Huber(delta=2.0, reduction='sum_over_batch_size', name='huber_loss', dtype='float32')"
    )


def test_settings_are_attributes_by_the_names_of_keras():
    loss = losses.BinaryFocalCrossentropy(gamma=1.5)
    assert (loss.alpha, loss.gamma, loss.axis, loss.name) == (0.25, 1.5, -1, "binary_focal_crossentropy")
    assert (loss.reduction, loss.dtype, loss.fn) == ("sum_over_batch_size", "float32", losses.binary_focal_crossentropy)
    assert losses.Huber().name == "huber_loss"
    assert losses.Loss(dtype="mixed_bfloat16").dtype == "bfloat16"

    class MyHTTPLoss(losses.Loss):
        pass

    assert MyHTTPLoss().name == "my_http_loss"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_and_its_class_are_documented(name):
    for found in (getattr(losses, name), getattr(losses, CLASSES[name])):
        assert found.__module__.startswith("arraylosses.dialects.keras")
        assert found.__doc__
    assert "Examples" in getattr(losses, name).__doc__
    assert inspect.signature(getattr(losses, name)).return_annotation == "Array"


# Weights and masks


@pytest.mark.parametrize(
    ("reduction", "weighted", "masked", "both"),
    [
        ("sum_over_batch_size", (0.25 + 4.5 + 5.0) / 3, (0.5 + 2.5) / 2, (0.25 + 5.0) / 2),
        ("mean", (0.25 + 4.5 + 5.0) / 3, (0.5 + 2.5) / 2, (0.25 + 5.0) / 2),
        ("mean_with_sample_weight", (0.25 + 4.5 + 5.0) / 3.5, (0.5 + 2.5) / 2, (0.25 + 5.0) / 2.5),
        ("sum", 9.75, 3.0, 5.25),
        ("none", [0.25, 4.5, 5.0], [0.5, 0.0, 2.5], [0.25, 0.0, 5.0]),
    ],
)
@pytest.mark.parametrize("own", [False, True], ids=["built in", "own"])
def test_what_counts_of_weights_and_masks(reduction, weighted, masked, both, own):
    made = losses.LossFunctionWrapper(squared, reduction) if own else losses.MeanSquaredError(reduction)
    marked = Marked.of(Y_PRED, [True, False, True])
    np.testing.assert_allclose(made(Y_TRUE, Y_PRED, WEIGHT), weighted, rtol=1e-6)
    np.testing.assert_allclose(made(Y_TRUE, Y_PRED, WEIGHT[:, None]), weighted, rtol=1e-6)
    np.testing.assert_allclose(made(Y_TRUE, marked), masked, rtol=1e-6)
    np.testing.assert_allclose(made(Y_TRUE, marked, WEIGHT), both, rtol=1e-6)
    # What is left out may hold anything.
    lost = Marked.of(np.where(np.asarray([[False], [True], [False]]), np.nan, Y_PRED), [True, False, True])
    np.testing.assert_allclose(made(Y_TRUE, lost, WEIGHT), both, rtol=1e-6)
    nothing = Marked.of(Y_PRED, [False] * 3)
    assert not np.any(made(Y_TRUE, nothing, WEIGHT))


def test_a_mask_of_the_loss_and_one_of_the_prediction_both_count():
    p = np.asarray([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.125, 0.125, 0.75]], dtype="float32")
    loss = losses.SparseCategoricalCrossentropy(ignore_class=2)
    np.testing.assert_allclose(loss(np.asarray([0, 1, 2]), p), np.log(2.0), rtol=1e-6)
    np.testing.assert_allclose(loss(np.asarray([0, 0, 2]), Marked.of(p, [True, False, True])), np.log(2.0), rtol=1e-6)
    assert float(loss(np.asarray([2, 2, 2]), p)) == 0.0

    class Own(losses.Loss):
        def call(self, y_true, y_pred):
            return Marked.of(np.mean((y_pred - y_true) ** 2, axis=-1), [False, True, True])

    np.testing.assert_allclose(Own()(Y_TRUE, Y_PRED), (4.5 + 2.5) / 2, rtol=1e-6)


def test_each_number_of_a_vector_has_a_weight():
    weight = np.asarray([1.0, 0.0, 2.0, 1.0])
    y_true, y_pred = np.asarray([0.0, 0.0, 1.0, 1.0]), np.asarray([1.0, 2.0, 3.0, 1.0])
    loss = losses.MeanSquaredError()
    np.testing.assert_allclose(loss(y_true, y_pred, weight), 9 / 4)
    np.testing.assert_allclose(loss(y_true[:, None], y_pred, weight), 9 / 4)  # of samples, as `fit` has them


def test_integer_labels_are_not_rounded():
    p = np.zeros((1, 300), dtype="float32")
    p[0, 257] = 5.0
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float16")
    expected = np.log(299 + np.exp(5.0)) - 5.0
    np.testing.assert_allclose(loss(np.asarray([257]), p), expected, rtol=1e-3)
    np.testing.assert_allclose(loss(np.asarray([[257.0]]), p), expected, rtol=1e-3)


@pytest.mark.backend("jax")
def test_a_function_is_one_program_of_jax_whatever_its_numbers():
    jax = pytest.importorskip("jax")
    y_true, y_pred = jax.numpy.asarray(Y_TRUE), jax.numpy.asarray(Y_PRED)
    jitted._program_of.cache_clear()
    for delta in (0.5, 0.75):
        # Huber's loss of the errors 1 and 0, 3 and 0, 2 and 1
        expected = delta * np.asarray([1 - delta / 2, 3 - delta / 2, 3 - delta]) / 2
        np.testing.assert_allclose(losses.huber(y_true, y_pred, delta=delta), expected, rtol=1e-6)
    assert jitted._program_of.cache_info().misses == 1
    with pytest.raises(ValueError, match="`delta` must be above 0"):
        losses.huber(y_true, y_pred, delta=-1.0)


def test_the_labels_of_hinge_are_converted_where_all_are_0_or_1():
    p = np.asarray([[0.5, -2.0]])
    assert losses.hinge(np.asarray([[0, 1]]), p).tolist() == [(1.5 + 3.0) / 2]
    assert losses.hinge(np.asarray([[-1, 1]]), p).tolist() == [(1.5 + 3.0) / 2]
    assert losses.hinge(np.asarray([[-1, 0]]), p).tolist() == [(1.5 + 1.0) / 2]
    # where the first entries do not tell
    ones = np.ones((1, 40))
    for last, expected in ((0.0, 2.0), (-1.0, 2.0), (0.5, 0.5)):
        assert losses.hinge(np.append(ones, [[last]], axis=1), np.ones((1, 41))).tolist() == [expected / 41]


@pytest.mark.parametrize("name", ["dice", "tversky"])
@pytest.mark.parametrize(
    ("shape", "axis", "left"), [((0, 3), (1,), (0,)), ((0, 2, 3), -1, (0, 2)), ((0, 3, 2), 1, (0, 2))]
)
def test_regions_of_no_samples_have_no_values(name, shape, axis, left):
    y = np.zeros(shape, dtype="float32")
    assert getattr(losses, name)(y, y, axis=axis).shape == left  # y.sum(axis).shape
    loss = losses.Dice if name == "dice" else losses.Tversky
    assert loss(axis=axis)(y, y) == 0


def test_circle_compares_with_other_embeddings():
    x = np.asarray([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    labels = np.asarray([0, 0, 1])
    own = losses.circle(labels, x, gamma=2.0)
    other = losses.circle(labels, x, ref_labels=labels[::-1], ref_embeddings=x[::-1], remove_diagonal=False, gamma=2.0)
    all_pairs = losses.circle(labels, x, remove_diagonal=False, gamma=2.0)
    np.testing.assert_allclose(other, all_pairs)
    in_columns = losses.circle(
        labels[:, None],
        x,
        ref_labels=labels[::-1, None],
        ref_embeddings=x[::-1],
        remove_diagonal=False,
        gamma=2.0,
    )
    np.testing.assert_allclose(in_columns, other)
    np.testing.assert_allclose(losses.Circle(gamma=2.0)(labels[:, None], x), losses.Circle(gamma=2.0)(labels, x))
    assert (own[:2] < other[:2]).all()
    assert own[2] == 0.0


def test_predictions_may_be_nested():
    class OfTwo(losses.Loss):
        def call(self, y_true, y_pred):
            return np.mean((y_pred["a"] - y_true["a"]) ** 2, axis=-1) + np.abs(y_pred["b"][0] - y_true["b"][0])

    one = np.asarray([1.0, 2.0, 0.0])
    nested = [{"a": x, "b": [k * one]} for k, x in enumerate((Y_TRUE, Y_PRED))]
    np.testing.assert_allclose(OfTwo(reduction="none")(*nested), VALUES + one, rtol=1e-6)

    def fn(y_true, y_pred):
        return squared(y_true[0], y_pred[0]) + squared(y_true[1], y_pred[1])

    wrapped = losses.LossFunctionWrapper(fn, reduction="none")
    y_true, y_pred = (Y_TRUE, one), (Y_PRED, 2 * one[:, None])  # the second of another rank
    np.testing.assert_allclose(wrapped(y_true, y_pred), VALUES + one**2, rtol=1e-6)


# Under torch's compiler; the grid is run under jax.jit


@pytest.mark.backend("torch")
def test_a_call_is_one_graph_of_torch():
    torch = pytest.importorskip("torch")
    y_true, y_pred, weight = map(torch.asarray, (Y_TRUE, Y_PRED / 4, WEIGHT))
    labels = torch.asarray([0, 1, 1])

    def total(y_pred):
        weighted = losses.MeanSquaredError()(y_true, y_pred, weight)
        return weighted + losses.SparseCategoricalCrossentropy(True, ignore_class=1)(labels, y_pred)

    compiled = torch.compile(total, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(y_pred), total(y_pred))


# What is refused


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: losses.Huber(reduction="average"), ValueError, "`reduction` must be one of 'sum_over_batch_size', "),
        (lambda: losses.Huber(dtype="int32"), ValueError, "`dtype` must be one of 'float16', "),
        (lambda: losses.Huber()([["a"]], Y_PRED), TypeError, "`y_true` must be an array, got list; np.asarray"),
        (lambda: losses.Huber()([[0.0], [1.0, 2.0]], Y_PRED), ValueError, "a list must hold lists of one length, got"),
        (lambda: losses.huber(Y_TRUE, 1.0), TypeError, "`y_pred` must be an array, got float"),
        (lambda: losses.huber(Y_TRUE, Y_PRED[:2]), ValueError, r"`y_pred` \(2, 2\)"),
        (lambda: losses.huber(Y_TRUE, Y_PRED[:, :1]), ValueError, r"`y_true` \(3, 2\)"),
        (lambda: losses.dice(Y_TRUE[0], Y_PRED), ValueError, r"same shape, got \(2,\) and \(3, 2\)$"),
        (lambda: losses.tversky(Y_TRUE[:2], Y_PRED), ValueError, r"same shape, got \(2, 2\) and \(3, 2\)$"),
        (lambda: losses.Huber()(Y_TRUE, Y_PRED, WEIGHT[:2]), ValueError, "`sample_weight` must broadcast"),
        (
            lambda: losses.Huber()(Y_TRUE, Y_PRED, WEIGHT[:2]),
            ValueError,
            r"`sample_weight` must .* shape \(3,\), got \(2,\)$",
        ),
        (
            lambda: losses.Huber()(np.zeros((3, 2, 4)), np.zeros((3, 2, 4)), WEIGHT),
            ValueError,
            r"`sample_weight` must .* shape \(3, 2\), got \(3,\); add an axis, as in `sample_weight\[:, None\]`$",
        ),
        (lambda: losses.huber(Y_TRUE, Y_PRED, delta=0.0), ValueError, "`delta` must be above 0"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(q=1.0), ValueError, r"`q` must lie in \(0, 1\)"),
        (lambda: losses.binary_crossentropy(Y_TRUE, Y_PRED, axis=2), ValueError, "`axis` must be one of the 2 axes"),
        (
            lambda: losses.sparse_categorical_crossentropy(np.asarray([0, 1, 2]), Y_PRED),
            ValueError,
            r"`y_true` must lie in \[0, 2\) for 2 classes, got 2; `ignore_class` leaves items out$",
        ),
        (
            lambda: losses.SparseCategoricalCrossentropy()(np.asarray([0, 1, 2]), Y_PRED),
            ValueError,
            r"`y_true` must lie in \[0, 2\) for 2 classes, got 2; `mask` or `ignore_class` leaves items out$",
        ),
        (
            lambda: losses.categorical_generalized_cross_entropy(np.asarray([0, 1, 2]), Y_PRED, 0.5),
            ValueError,
            r"`y_true` must lie in \[0, 2\) for 2 classes, got 2$",
        ),
        (lambda: losses.Loss()(Y_TRUE, Y_PRED), NotImplementedError, "Loss must define `call"),
        (lambda: losses.LossFunctionWrapper(lambda t, p: 1.0)(Y_TRUE, Y_PRED), TypeError, "must return an array"),
        (lambda: losses.get("hubber"), ValueError, "did you mean 'huber' or "),
        (lambda: losses.get(3), ValueError, "`identifier` must be a name, a configuration"),
        (lambda: losses.serialize(lambda t, p: t), TypeError, "a named function"),
        (lambda: losses.serialize("huber"), TypeError, "`loss` must be a loss or a function"),
        (lambda: losses.deserialize({"config": {}}), TypeError, "with a class_name"),
        (lambda: losses.deserialize({"class_name": "huber", "config": {}}), ValueError, "must name a class of losses"),
        (
            lambda: losses.deserialize(losses.serialize(squared)),
            ValueError,
            "the name of a loss, got 'squared'",
        ),
    ],
)
def test_what_is_refused(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_bfloat16_of_numpy_is_that_of_ml_dtypes():
    loss = losses.MeanSquaredError(dtype="bfloat16")
    if "ml_dtypes" in sys.modules:
        assert loss(Y_TRUE, Y_PRED).dtype.name == "bfloat16"
    else:
        with pytest.raises(TypeError, match="`dtype` must be one that the library of `y_pred` has"):
            loss(Y_TRUE, Y_PRED)


def test_one_class_is_warned_of():
    with pytest.warns(SyntaxWarning, match="binary_crossentropy is the loss of two classes") as caught:
        losses.categorical_crossentropy(np.ones((3, 1)), np.ones((3, 1)))
    assert caught[0].filename == __file__


# Names


def test_a_name_is_a_function_or_an_instance_of_a_class():
    assert losses.get("mse") is losses.get("MSE") is losses.get(losses.mean_squared_error) is losses.mean_squared_error
    assert losses.get("MeanSquaredError") == losses.get(losses.MeanSquaredError) == losses.MeanSquaredError()
    assert losses.get({"class_name": "Huber", "config": {"delta": 2.0}}) == losses.Huber(2.0)
    assert losses.get(None) is None
    for name, known in {
        "logcosh": losses.log_cosh,
        "huber_loss": losses.huber,
        "kullback_leibler_divergence": losses.kl_divergence,
        "cosine_proximity": losses.cosine_similarity,
    }.items():
        assert losses.get(name) is known


@pytest.mark.parametrize("name", losses.NAMES)
def test_a_name_stands_for_a_loss_that_al_get_knows(name):
    assert isinstance(al.get(name), al.registered()[losses.NAMES[name].loss])


# Configurations


def test_a_loss_of_one_s_own_comes_back_by_its_name():
    loss = losses.LossFunctionWrapper(squared, name="squared", scale=np.asarray([1.0, 2.0, 3.0]))
    data = json.loads(json.dumps(losses.serialize(loss)))
    again = losses.deserialize(data, custom_objects={"squared": squared})
    assert again == loss
    assert losses.deserialize(losses.serialize(squared), {"squared": squared}) is squared
    own = losses.serialize(Cubic(scale=2.0, reduction="sum"))
    assert own["config"] == {"name": "cubic", "reduction": "sum", "scale": 2.0}
    for names in ({"Cubic": Cubic}, {"package>Cubic": Cubic}):
        given = {**own, "registered_name": next(iter(names))}
        assert losses.deserialize(given, names) == Cubic(scale=2.0, reduction="sum")
    assert Cubic(scale=2.0) != Cubic()


# Without Keras

BARE = """
import sys
import numpy as np
for name in ("keras", "jax", "torch"):
    sys.modules[name] = None
from arraylosses.dialects import keras as losses
loss = losses.CompileLoss({"a": "mse", "b": losses.SparseCategoricalCrossentropy(ignore_class=1)})
t = {"a": np.zeros((2, 1)), "b": np.asarray([0, 1])}
p = {"a": np.asarray([[1.0], [3.0]]), "b": np.asarray([[0.5, 0.5], [0.5, 0.5]])}
print(round(float(loss(t, p)), 6))
"""


def test_it_needs_no_keras():
    done = subprocess.run([sys.executable, "-c", BARE], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("5.693147", 0), done.stderr
