"""Losses as losses of Keras: training, weights, masks, saving. A process has one backend, and another the other."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import arraylosses as al

from ..cases import DEFAULTS

BACKENDS = [name for name in ("jax", "torch") if importlib.util.find_spec(name)]
BACKEND = os.environ["KERAS_BACKEND"]
if BACKEND not in BACKENDS:
    pytest.skip(f"{BACKEND} is not installed", allow_module_level=True)

keras = pytest.importorskip("keras")

from arraylosses.interop import keras as adapter  # noqa: E402

pytestmark = [
    pytest.mark.backend(BACKEND),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

PAIRS = [case for case in DEFAULTS if len(case.loss.declaration.names) == 2]
RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(64, 5)).astype("float32")
LABELS = RNG.integers(0, 4, size=64)
TARGET = FEATURES @ RNG.normal(size=(5, 2)).astype("float32")


def model(units=4, **compiled):
    keras.utils.set_random_seed(1)
    made = keras.Sequential([keras.Input((5,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(units)])
    made.compile(optimizer=keras.optimizers.SGD(0.1), **compiled)
    return made


def curve(loss, target, units=4, **given):
    history = model(units, loss=loss).fit(FEATURES, target, epochs=3, batch_size=16, shuffle=False, verbose=0, **given)
    return history.history["loss"]


def numpy_of(x):
    return keras.ops.convert_to_numpy(x)


@pytest.mark.parametrize("backend", [name for name in BACKENDS[1:] if name != BACKEND])
def test_on_the_other_backend(backend):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": backend},
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


@pytest.mark.parametrize("case", PAIRS, ids=str)
def test_it_is_its_loss_with_the_target_first(case):
    prediction, target = case.inputs(seed=1, shape=(6,), dtype="float32")
    found = adapter.loss(case.loss)(target, prediction)
    np.testing.assert_allclose(numpy_of(found), case.loss(prediction, target), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("ours", "theirs", "target", "units"),
    [
        (al.SquaredError(), "MeanSquaredError", TARGET, 2),
        (al.Huber(delta=0.5), "Huber", TARGET, 2),
        (al.CrossEntropy(), "SparseCategoricalCrossentropy", LABELS, 4),
        (al.CrossEntropy(), "SparseCategoricalCrossentropy", LABELS[:, None], 4),
        (al.CrossEntropy(label_smoothing=0.1), "CategoricalCrossentropy", np.eye(4, dtype="float32")[LABELS], 4),
        (al.BinaryCrossEntropy(), "BinaryCrossentropy", (TARGET[:, 0] > 0).astype("int64"), 1),
    ],
    ids=["squared_error", "huber", "labels", "labels in a column", "smoothed", "binary labels in a row"],
)
def test_training_follows_that_with_keras_s_own_loss(ours, theirs, target, units):
    settings = {"from_logits": True} if "rossentropy" in theirs else {}
    settings |= {k: v for k, v in ours.settings().items() if k in ("delta", "label_smoothing") and v}
    native = getattr(keras.losses, theirs)(**settings)
    np.testing.assert_allclose(curve(adapter.loss(ours), target, units), curve(native, target, units), rtol=1e-5)


@pytest.mark.parametrize("given", ["sample_weight", "class_weight"])
def test_weights_make_a_weighted_mean(given):
    weight = RNG.uniform(0.5, 2.0, size=64) if given == "sample_weight" else {0: 1.0, 1: 3.0, 2: 0.5, 3: 2.0}
    native = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
    ours = curve(adapter.loss(al.CrossEntropy()), LABELS, **{given: weight})
    np.testing.assert_allclose(ours, curve(native, LABELS, **{given: weight}), rtol=1e-5)


@pytest.mark.parametrize("shape", [(6,), (6, 1), (6, 3), (6, 3, 1)], ids=str)
def test_a_weight_belongs_to_samples_or_to_their_items(shape):
    prediction, target = RNG.normal(size=(2, 6, 3, 2)).astype("float32")
    weight = RNG.uniform(0.5, 2.0, size=shape).astype("float32")
    whole = np.broadcast_to(weight.reshape(weight.shape + (1,) * (3 - weight.ndim)), (6, 3, 2))
    found = adapter.loss(al.SquaredError())(target, prediction, weight)
    expected = np.average((prediction - target).astype("float64") ** 2, weights=whole)
    np.testing.assert_allclose(numpy_of(found), expected, rtol=1e-6)


def test_a_class_weight_of_the_loss_weighs_its_items():
    logits = RNG.normal(size=(6, 4)).astype("float32")
    ours = al.CrossEntropy(class_weight=[1.0, 3.0, 0.5, 2.0])
    np.testing.assert_allclose(numpy_of(adapter.loss(ours)(LABELS[:6], logits)), ours(logits, LABELS[:6]), rtol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_what_a_layer_masks_is_left_out(weighted):
    tokens = np.asarray([[3, 1, 2, 0], [2, 0, 0, 0], [1, 1, 0, 0]])
    target = np.asarray([[1, 0, 2, 2], [0, 1, 1, 1], [2, 2, 0, 0]])
    weight = np.linspace(0.5, 2.0, 12).reshape(3, 4) if weighted else None
    values = []
    for loss in (
        adapter.loss(al.CrossEntropy()),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight"),
    ):
        keras.utils.set_random_seed(2)
        made = keras.Sequential(
            [keras.Input((4,)), keras.layers.Embedding(5, 6, mask_zero=True), keras.layers.Dense(3)]
        )
        made.compile(optimizer="sgd", loss=loss)
        values.append(made.evaluate(tokens, target, sample_weight=weight, verbose=0))
    np.testing.assert_allclose(*values, rtol=1e-5)


def test_what_is_masked_may_hold_anything():
    prediction = keras.ops.convert_to_tensor(np.asarray([[1.0, np.nan]], dtype="float32"))
    prediction._keras_mask = keras.ops.convert_to_tensor(np.asarray([[True, False]]))
    assert float(adapter.loss(al.SquaredError())(np.asarray([[3.0, 0.0]]), prediction)) == 4.0


def test_no_label_is_rounded():
    logits = np.zeros((1, 400), dtype="float32")
    logits[0, 301] = 20.0
    found = adapter.loss(al.CrossEntropy(), dtype="bfloat16")(np.asarray([301]), logits)
    assert abs(float(numpy_of(found))) < 1e-4


def test_each_output_has_a_loss():
    inputs = keras.Input((5,))
    outputs = {"kind": keras.layers.Dense(4)(inputs), "size": keras.layers.Dense(1)(inputs)}
    made = keras.Model(inputs, outputs)
    losses = {"kind": al.CrossEntropy(), "size": al.Huber()}
    weights = {"kind": 1.0, "size": 0.5}
    made.compile(loss={name: adapter.loss(loss) for name, loss in losses.items()}, loss_weights=weights)
    target = {"kind": LABELS, "size": TARGET[:, :1]}
    found = made.evaluate(FEATURES, target, batch_size=64, verbose=0, return_dict=True)
    prediction = made.predict(FEATURES, verbose=0)
    each = {name: float(loss(prediction[name], target[name])) for name, loss in losses.items()}
    np.testing.assert_allclose(found["loss"], each["kind"] + 0.5 * each["size"], rtol=1e-5)
    np.testing.assert_allclose([found["kind_loss"], found["size_loss"]], list(each.values()), rtol=1e-5)


def test_a_saved_model_has_its_loss(tmp_path):
    loss = al.CrossEntropy(label_smoothing=0.1, class_weight=[1.0, 3.0, 0.5, 2.0])
    made = model(loss=adapter.loss(loss, name="smoothed"))
    made.fit(FEATURES, LABELS, verbose=0)
    made.save(tmp_path / "model.keras")
    found = keras.saving.load_model(tmp_path / "model.keras")
    assert found.loss.loss == loss
    assert found.loss.name == "smoothed"
    values = [m.evaluate(FEATURES, LABELS, verbose=0) for m in (made, found)]
    np.testing.assert_allclose(*values, rtol=1e-6)
    found.fit(FEATURES, LABELS, verbose=0)


@pytest.mark.parametrize("given", [{}, {"name": "mine", "dtype": "float64"}], ids=["defaults", "given"])
def test_a_config_is_plain_data(given):
    loss = adapter.loss(al.Quantile(q=[0.1, 0.9]), **given)
    found = type(loss).from_config(json.loads(json.dumps(loss.get_config())))
    assert (found.loss, found.name, found.dtype) == (loss.loss, loss.name, loss.dtype)
    assert (loss.name, loss.dtype) == (given.get("name", "quantile"), given.get("dtype", "float32"))


# What is refused


@pytest.mark.parametrize(
    "given", [al.Quantile(q=0.9), al.Quantile, {"a": al.Quantile(q=0.9)}], ids=["loss", "class", "dict"]
)
def test_a_bare_loss_is_refused_where_keras_would_exchange_its_arguments(given):
    if isinstance(given, dict):
        inputs = keras.Input((5,))
        made = keras.Model(inputs, {"a": keras.layers.Dense(1)(inputs)})
        made.compile(loss=given)
        target = {"a": TARGET[:, :1]}
    else:
        made, target = model(1, loss=given), TARGET[:, :1]
    said = r"`Quantile` takes the prediction first, .*; arraylosses.interop.keras.loss"
    with pytest.raises(TypeError, match=said):
        made.fit(FEATURES, target, verbose=0)


def test_a_bare_loss_is_refused_where_a_model_is_saved(tmp_path):
    with pytest.raises(TypeError, match="`Huber` takes the prediction first"):
        model(1, loss=al.Huber()).save(tmp_path / "model.keras")


def test_another_loss_is_saved_once_it_is_registered(tmp_path):
    @al.loss
    def not_registered(prediction, target):
        return (prediction - target) ** 2

    with pytest.raises(ValueError, match="`loss` must be registered to have a name, got NotRegistered"):
        model(1, loss=adapter.loss(not_registered)).save(tmp_path / "model.keras")


def test_a_loss_of_three_arrays_is_refused():
    said = "`loss` must take two arrays, .*; TripletMargin takes `anchor`, `positive`, `negative`"
    with pytest.raises(TypeError, match=said):
        adapter.loss(al.TripletMargin())


def test_a_backend_without_a_namespace_is_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    with pytest.raises(RuntimeError, match="`KERAS_BACKEND` must be 'jax' or 'torch', got 'tensorflow'"):
        adapter.loss(al.Huber())


@pytest.mark.parametrize(
    ("loss", "target", "prediction", "error", "said"),
    [
        (al.Huber(), np.zeros((6, 2)), np.zeros((6, 3)), ValueError, r"`target` \(6, 2\)"),
        (al.Huber(), np.zeros(6), np.zeros((6, 3)), ValueError, r"`target` \(6,\)"),
        (
            al.CrossEntropy(),
            np.zeros((6, 3), "int64"),
            np.zeros((6, 4)),
            ValueError,
            r"one label an item, shape \(6,\)",
        ),
        (al.CrossEntropy(), np.zeros(6), np.zeros((6, 4)), TypeError, r"must be integer labels of shape \(6,\)"),
    ],
    ids=["shapes", "axes", "labels", "floating labels"],
)
def test_arrays_that_do_not_fit_are_refused(loss, target, prediction, error, said):
    with pytest.raises(error, match=said):
        adapter.loss(loss)(target, prediction)


def test_a_target_that_is_nan_is_seen():
    assert np.isnan(numpy_of(adapter.loss(al.Huber())(np.asarray([np.nan, 0.0]), np.zeros(2))))
