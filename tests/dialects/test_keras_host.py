"""The dialect of Keras in Keras: names, configurations, the container of ``compile``, models that train."""

from __future__ import annotations

import json
import os
import runpy
from pathlib import Path

import numpy as np
import pytest

import arraylosses as al
from arraylosses.dialects import keras as dialect

from .test_keras import OFF_DEFAULT, Cubic

BACKEND = os.environ["KERAS_BACKEND"]
pytest.importorskip(BACKEND)
keras = pytest.importorskip("keras")
load_digits = pytest.importorskip("sklearn.datasets").load_digits

from keras.src.losses import ALL_OBJECTS_DICT  # noqa: E402
from keras.src.trainers.compile_utils import CompileLoss  # noqa: E402

pytestmark = [
    pytest.mark.backend(BACKEND),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

RNG = np.random.default_rng(0)
A, B, OF_A, OF_B = RNG.normal(size=(4, 5, 2)).astype("float32")
WEIGHT = np.linspace(0.5, 2.0, 5).astype("float32")


# Names and configurations


def test_every_name_of_keras_is_here():
    native = {name for name in dir(keras.losses) if not name.startswith("_")}
    assert native <= set(dialect.__all__)
    bases = {"Loss", "LossFunctionWrapper"}
    functions = {"get", "serialize", "deserialize"}
    assert (native | set(ALL_OBJECTS_DICT)) - bases - functions <= set(dialect.NAMES)
    for name in ALL_OBJECTS_DICT.keys() - bases:
        ours, theirs = dialect.get(name), keras.losses.get(name)
        assert getattr(ours, "__name__", type(ours).__name__) == getattr(theirs, "__name__", type(theirs).__name__)


@pytest.mark.parametrize("loss", OFF_DEFAULT, ids=repr)
def test_keras_reads_a_configuration_of_the_dialect(loss):
    data = json.loads(json.dumps(dialect.serialize(loss)))
    native = keras.saving.deserialize_keras_object(data)
    assert type(native).__name__ == type(loss).__name__
    assert (native.name, native.reduction, native.dtype) == (loss.name, loss.reduction, loss.dtype)
    settings = dialect.saving.as_config(loss._settings)
    assert dialect.saving.as_config(native._fn_kwargs) == settings
    assert native.fn.__module__.startswith("keras.")


@pytest.mark.parametrize("name", dialect.classes.__all__)
def test_the_dialect_reads_a_configuration_of_keras(name):
    native = getattr(keras.losses, name)(reduction="sum", name="mine")
    assert dialect.get(keras.losses.serialize(native)) == getattr(dialect, name)(reduction="sum", name="mine")


def test_the_dialect_reads_what_keras_writes_of_functions_and_of_own_losses():
    assert dialect.get(keras.losses.serialize(keras.losses.huber)) is dialect.huber
    wrapper = keras.src.losses.LossFunctionWrapper(keras.losses.huber, name="wrapped", delta=3.0)
    assert dialect.get(keras.losses.serialize(wrapper)) == dialect.LossFunctionWrapper(
        dialect.huber, name="wrapped", delta=3.0
    )
    focal = keras.losses.CategoricalFocalCrossentropy(alpha=np.asarray([0.5, 2.0]))
    assert dialect.get(keras.losses.serialize(focal)) == dialect.CategoricalFocalCrossentropy(
        alpha=np.asarray([0.5, 2.0])
    )

    @keras.saving.register_keras_serializable(package="mine", name="Cubic")
    class Native(keras.losses.Loss):
        def get_config(self):
            return {**super().get_config(), "scale": 2.0}

    data = keras.losses.serialize(Native())
    assert dialect.deserialize(data, {"mine>Cubic": Cubic}) == Cubic(scale=2.0, name="native")


# The container


def of_outputs(loss, weights=None, y_true=None, y_pred=None, names=None, sample_weight=None):
    y_true = [OF_A, OF_B] if y_true is None else y_true
    return loss, weights, y_true, [A, B] if y_pred is None else y_pred, names, sample_weight


OUTPUTS = {
    "one": of_outputs("mse", None, OF_A, A),
    "one with a weight": of_outputs("mse", 0.5, OF_A, A),
    "one in a list": of_outputs(["mse"], [0.5], OF_A, A),
    "one by name": of_outputs({"x": "mse"}, None, OF_A, A, ["x"]),
    "one for all": of_outputs("mae"),
    "a list": of_outputs(["mse", dialect.Huber(2.0)], [1.0, 2.0]),
    "None": of_outputs(["mse", None], None, [OF_A, OF_B]),
    "None without a target": of_outputs(["mse", None], None, [OF_A]),
    "targets of the outputs with a loss alone": of_outputs(
        [None, "mse", None, "mae"], None, [OF_A, OF_B], [2 * B, A, abs(B), B]
    ),
    "the target of the output with a loss alone": of_outputs([None, "mse"], None, OF_A, [B, A]),
    "a list of it": of_outputs([None, "mse"], None, [OF_A], [B, A], ["x", "y"]),
    "targets of the nested outputs with a loss alone": of_outputs(
        {"z": "mae", "g": [None, "mse"]}, None, [OF_A, OF_B], {"z": B, "g": [B, A]}
    ),
    "some losses of nested outputs": of_outputs([["mse", None], "mae"], None, [[OF_A, OF_B], OF_A], [[A, B], B]),
    "names for a list": of_outputs({"y": "mae", "x": "mse"}, {"x": 1.0, "y": 2.0}, names=["x", "y"]),
    "targets by name": of_outputs({"x": "mse", "y": "mae"}, None, {"y": OF_B, "x": OF_A}, names=["x", "y"]),
    "a dict": of_outputs({"x": "mse", "y": "mae"}, {"x": 1.0, "y": 2.0}, {"x": OF_A, "y": OF_B}, {"y": B, "x": A}),
    "a list for a dict": of_outputs(["mse", "mae"], [1.0, 2.0], {"y": OF_B, "x": OF_A}, {"y": B, "x": A}),
    "lists of losses and targets for a dict": of_outputs(("mse", None), None, [OF_A, OF_B], {"y": B, "x": A}),
    "lists for nested outputs": of_outputs(
        {"g": ["mse", "mae"], "z": "mse"},
        None,
        {"g": {"y": OF_B, "x": OF_A}, "z": OF_A},
        {"g": {"y": B, "x": A}, "z": B},
    ),
    "a list for all nested outputs": of_outputs(
        ["mse", "mae", "msle"], None, [[OF_A, OF_B], abs(OF_A)], [[A, B], abs(B)]
    ),
    "a part of a dict": of_outputs({"x": "mse"}, None, {"x": OF_A}, {"x": A, "y": B}),
    "nested": of_outputs(
        {"g": ["mse", "mae"], "z": "mse"},
        {"g": [1.0, 2.0], "z": 0.5},
        {"g": [OF_A, OF_B], "z": OF_A},
        {"g": [A, B], "z": B},
    ),
    "a weight of each": of_outputs(["mse", "mae"], sample_weight=[WEIGHT, None]),
    "a weight of all": of_outputs(["mse", "mae"], sample_weight=WEIGHT),
    "crossentropy, sparse": of_outputs("crossentropy", None, np.asarray([0, 1, 1, 0, 1]), np.abs(A)),
    "crossentropy, in a column": of_outputs("ce", None, np.asarray([[0], [1], [1], [0], [1]]), np.abs(A)),
    "crossentropy, of classes": of_outputs("ce", None, np.eye(2, dtype="float32")[[0, 1, 1, 0, 1]], np.abs(A)),
    "crossentropy, binary": of_outputs("crossentropy", None, (OF_A[:, :1] > 0), np.abs(A[:, :1]) / 4),
}


@pytest.mark.parametrize("given", OUTPUTS.values(), ids=OUTPUTS)
def test_the_container_is_that_of_compile(given):
    loss, weights, y_true, y_pred, names, sample_weight = given
    ours, native = dialect.CompileLoss(loss, weights, names), CompileLoss(loss, weights, output_names=names)
    assert not ours.built
    found = ours(y_true, y_pred, sample_weight)
    assert ours.built
    np.testing.assert_allclose(found, np.asarray(native(y_true, y_pred, sample_weight)), rtol=1e-6)
    values = ours.values(y_true, y_pred, sample_weight)
    factors = [1.0 if one.loss_weights is None else one.loss_weights for one in native._flat_losses]
    assert len(values) == len(factors)
    np.testing.assert_allclose(sum(f * v for f, v in zip(factors, values.values(), strict=True)), found, rtol=1e-6)
    if native.metrics and names:
        means = {metric.name.removesuffix("_loss"): float(metric.result()) for metric in native.metrics}
        assert values == pytest.approx(means)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (of_outputs(["mse", "mae", "mse"]), "`loss` must have the outputs of the model, .* got '2'"),
        (of_outputs({"x": "mse"}), "`output_names` must name the outputs that go by name"),
        (of_outputs({"z": "mse"}, names=["x", "y"]), "the outputs are x, y; got 'z'"),
        (
            of_outputs({"z": "mse"}, None, {"x": OF_A}, {"x": A}),
            "`loss` must have the outputs of the model, .* got 'z'",
        ),
        (of_outputs(["mse", "mae"], [1.0]), "`loss_weights` must have the structure of `loss`"),
        (of_outputs(["mse"], y_true={"x": OF_A, "y": OF_B}, y_pred={"x": A, "y": B}), "`loss` must have the outputs"),
        (
            of_outputs({"x": "mse"}, {"z": 2.0}, {"x": OF_A}, {"x": A}),
            "`loss_weights` must have the outputs .* got 'z'",
        ),
        (of_outputs(["mse", {"z": "mae"}]), "`loss` must be one loss for the output '1', got {'z': 'mae'}"),
        (of_outputs(["mse", "mae"], y_true=A, y_pred=A), "`loss` must be one loss for the single output"),
        (of_outputs(["mse", "mae"], y_true=[OF_A]), r"`y_true` must have .* a loss, '0', '1', got \[0\]"),
        (of_outputs("mse", y_true=OF_A), "`y_true` must have .* a loss, '0', '1', got one"),
        (of_outputs("mse", y_true=[OF_A, None]), "`y_true` must have the outputs that have a loss"),
        (of_outputs("mse", y_true=[OF_A, OF_B, OF_A]), "`y_true` must have the outputs of the model, .* got '2'"),
        (of_outputs("mse", None, {"x": OF_A, "z": OF_B}, {"x": A, "y": B}), "`y_true` must have the .* got 'z'"),
        (of_outputs({"x": "mse"}, None, [OF_A, OF_B], {"x": A, "y": B, "z": B}), "`y_true` must have the .* got '0'"),
        (
            of_outputs("mse", None, {"x": OF_A, "y": OF_B}, {"x": A, "y": B}, sample_weight={"z": WEIGHT}),
            "`sample_weight` must have the outputs of the model, .* got 'z'",
        ),
        (of_outputs([None, None]), "`losses` must hold the losses of outputs"),
    ],
)
def test_a_container_of_other_outputs_is_refused(given, said):
    loss, weights, y_true, y_pred, names, sample_weight = given
    with pytest.raises(ValueError, match=said):
        dialect.CompileLoss(loss, weights, names)(y_true, y_pred, sample_weight)


def test_a_container_keeps_its_outputs():
    loss = dialect.CompileLoss(["mse", "mae"])
    loss.build([OF_A, OF_B], [A, B])
    with pytest.raises(
        ValueError, match=r"`y_pred` must have the outputs that have a loss, '0', '1', got \['x', 'y'\]"
    ):
        loss({"x": OF_A, "y": OF_B}, {"x": A, "y": B})


def test_a_container_has_gradients():
    loss = dialect.CompileLoss({"x": "mse", "y": "mae"}, {"y": 2.0})
    gradient = al.grad(loss, argnums=1)({"x": OF_A, "y": OF_B}, {"x": A, "y": B})
    np.testing.assert_allclose(gradient["x"], 2 * (A - OF_A) / A.size, rtol=1e-5)
    np.testing.assert_allclose(gradient["y"], 2 * np.sign(B - OF_B) / B.size, rtol=1e-5)


# Models

IMAGES, DIGITS = (x[:512].astype("float32") for x in load_digits(return_X_y=True))
IMAGES /= 16.0
ONE_HOT = np.eye(10, dtype="float32")[DIGITS.astype("int")]


def curve(loss, target, activation=None, **given):
    """The losses of three epochs."""
    keras.utils.set_random_seed(1)
    layers = [keras.Input((64,)), keras.layers.Dense(16, "tanh"), keras.layers.Dense(10, activation)]
    model = keras.Sequential(layers)
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss=loss)
    return model.fit(IMAGES, target, epochs=3, batch_size=64, shuffle=False, verbose=0, **given).history["loss"]


@pytest.mark.parametrize(
    ("name", "settings", "target", "activation"),
    [
        ("SparseCategoricalCrossentropy", {"from_logits": True}, DIGITS, None),
        ("BinaryFocalCrossentropy", {"reduction": "mean_with_sample_weight"}, ONE_HOT, "sigmoid"),
        ("mean_squared_error", None, ONE_HOT, None),
    ],
)
def test_a_model_learns_as_with_keras_s_own_loss(name, settings, target, activation):
    native, ours = (getattr(losses, name) for losses in (keras.losses, dialect))
    if settings is not None:
        native, ours = native(**settings), ours(**settings)
    weight = np.linspace(0.5, 1.5, len(target))
    expected = curve(native, target, activation, sample_weight=weight)
    found = curve(ours, target, activation, sample_weight=weight)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found[-1] < found[0]


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 2)])
@pytest.mark.parametrize("name", ["Dice", "Tversky"])
def test_the_loss_of_a_whole_batch_takes_weights_of_samples(name, shape, reduction):
    target, prediction = (OF_A > 0).astype("float32"), 1 / (1 + np.exp(-A))
    weight = np.linspace(0.5, 2.0, int(np.prod(shape)), dtype="float32").reshape(shape)
    expected = getattr(keras.losses, name)(reduction=reduction)(target, prediction, sample_weight=weight)
    found = getattr(dialect, name)(reduction=reduction)(target, prediction, sample_weight=weight)
    np.testing.assert_allclose(found, np.asarray(expected), rtol=1e-6)


def test_the_loss_of_a_whole_batch_takes_a_mask():
    target, prediction = (OF_A > 0).astype("float32"), 1 / (1 + np.exp(-A))
    found = []
    for losses in (keras.losses, dialect):
        given = keras.ops.convert_to_tensor(prediction)
        keras.src.backend.set_keras_mask(given, keras.ops.convert_to_tensor([True, True, False, True, False]))
        found.append(np.asarray(losses.Dice()(keras.ops.convert_to_tensor(target), given, sample_weight=WEIGHT)))
    np.testing.assert_allclose(*found, rtol=1e-6)


def test_a_mask_of_a_layer_counts_in_keras_as_it_does_with_its_own_loss():
    x = RNG.normal(size=(8, 4, 3)).astype("float32")
    x[:, 2:] = np.where(np.arange(8)[:, None, None] % 2 == 0, 0.0, x[:, 2:])  # the padding of every second sequence
    y = RNG.integers(0, 3, size=(8, 4))
    found = []
    for losses in (keras.losses, dialect):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((4, 3)), keras.layers.Masking(), keras.layers.Dense(3)])
        model.compile(loss=losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1))
        found.append(model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(*found, rtol=1e-5)


def test_a_model_is_saved_with_a_loss_of_the_dialect(tmp_path):
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)])
    model.compile(loss=dialect.Huber(delta=2.0))
    model.fit(IMAGES[:64], ONE_HOT[:64], verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", custom_objects={"Huber": dialect.Huber})
    assert again.loss == dialect.Huber(delta=2.0)
    values = [m.evaluate(IMAGES, ONE_HOT, verbose=0) for m in (model, again)]
    assert values[0] == pytest.approx(values[1])


def test_keras_takes_a_loss_for_one_of_its_own():
    loss = Cubic()
    assert isinstance(loss, keras.losses.Loss)
    assert isinstance(loss, Cubic)
    assert type(loss) is Cubic


def test_the_example_trains_a_model_with_a_loss_of_its_own(capsys):
    path = Path(__file__).parents[2] / "examples" / "keras_custom_loss.py"
    example = runpy.run_path(str(path))
    example["main"](["numpy"])
    *_, saved, learned = capsys.readouterr().out.splitlines()
    assert "q=0.75" in saved
    assert abs(float(learned.split()[-1]) - 0.75) < 0.05
