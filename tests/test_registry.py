"""Losses by name: what each alias means, and what is refused."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

import numpy as np
import pytest

import arraylosses as al
from arraylosses.loss import camel_case, snake_case

from .cases import CASES

pytestmark = pytest.mark.otherwise_numpy

# Inputs with predictions of exactly 0 and 1, negative numbers and rows that do not sum to 1, so that a wrong convention
# gives another number.
P = np.asarray([[0.6, 0.3, 0.9], [0.0, 1.0, 0.2], [0.05, 0.5, 0.1]])
T = np.asarray([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
R = np.asarray([[2.0, 0.5, -1.5], [0.0, 3.0, 0.25]])
RT = np.asarray([[1.0, 2.0, 0.5], [0.0, -1.0, 4.0]])
POS = np.asarray([[2.0, 0.5, 1.5], [0.25, 3.0, 0.75]])
CNT = np.asarray([[1.0, 0.0, 3.0], [2.0, 5.0, 0.0]])
D = np.asarray([[0.2, 0.5, 0.3], [0.9, 0.6, 0.5], [0.0, 1.0, 0.0]])
DT = np.asarray([[0.1, 0.6, 0.3], [0.0, 1.0, 0.0], [0.0, 0.25, 0.75]])
Y = np.asarray([1, 0, 2])
ONE_HOT = np.eye(3)[Y]
SIGNS = np.asarray([[1.0, 1.0, -1.0], [1.0, 1.0, 1.0]])

# Values of Keras 3.15.1 on its NumPy backend, which computes in float32: class with defaults, target first.
KERAS = [
    (("mse", "MSE", "mean_squared_error", "MeanSquaredError"), (R, RT), {}, 6.21875),
    (("mae", "MAE", "mean_absolute_error", "MeanAbsoluteError"), (R, RT), {}, 2.0416665),
    (("log_cosh", "logcosh", "LogCosh"), (R, RT), {}, 1.4964695),
    (("huber", "huber_loss", "Huber"), (R, RT), {}, 1.625),
    (("cosine_similarity", "CosineSimilarity"), (R, RT), {}, -0.11201625),
    (("mape", "MAPE", "mean_absolute_percentage_error", "MeanAbsolutePercentageError"), (R, RT), {}, 178.125),
    (("msle", "MSLE", "mean_squared_logarithmic_error", "MeanSquaredLogarithmicError"), (R, RT), {}, 0.7754801),
    (("poisson", "Poisson"), (POS, CNT), {}, 0.56166399),
    (("bce", "BCE", "binary_crossentropy", "BinaryCrossentropy"), (P, T), {}, 0.70850438),
    # Keras rounds 1 - 1e-7 to float32, and gives 1.0793594; this is its formula in float64.
    (("bce",), (P, T), {"label_smoothing": 0.2}, 1.0813116),
    (("binary_focal_crossentropy", "BinaryFocalCrossentropy"), (P, T), {}, 0.44699061),
    (("binary_focal_crossentropy",), (P, T), {"alpha": 0.25}, 0.12321661),
    (("categorical_crossentropy", "CategoricalCrossentropy"), (D, ONE_HOT), {}, 5.8699169),
    (("categorical_crossentropy",), (D, DT), {}, 4.7435226),
    (("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"), (D, Y), {}, 5.8699169),
    (("categorical_focal_crossentropy", "CategoricalFocalCrossentropy"), (D, ONE_HOT), {}, 1.3777438),
    (("kld", "KLD", "KLDivergence", "kullback_leibler_divergence"), (D, DT), {}, 4.0257125),
    (("hinge", "Hinge"), (R, SIGNS), {}, 0.375),
    (("squared_hinge", "SquaredHinge"), (R, SIGNS), {}, 0.30208331),
]


@pytest.mark.parametrize(
    ("name", "arrays", "settings", "value"),
    [pytest.param(n, *rest, id="-".join([n, *rest[1]])) for names, *rest in KERAS for n in names],
)
def test_an_alias_of_keras_means_what_keras_means(variant, name, arrays, settings, value):
    given = [variant.array(x.astype("float32") if x.dtype.kind == "f" else x.astype("int32")) for x in arrays]
    got = variant.numpy(al.get(name, **settings)(*given))
    np.testing.assert_allclose(got, value, rtol=2e-6)


# Values of Optax 0.2.8 and scikit-learn 1.9.1 in float64, as the mean over all items.
OTHERS = [
    ("squared_error", (R, RT), {}, 6.21875),
    ("l2_loss", (R, RT), {}, 3.109375),
    ("huber_loss", (R, RT), {}, 1.625),
    ("sigmoid_binary_cross_entropy", (R, T[:2]), {}, 0.6866820375363938),
    ("softmax_cross_entropy", (R, DT[:2]), {}, 1.1417516299706192),
    ("safe_softmax_cross_entropy", (R, DT[:2]), {}, 1.1417516299706192),
    ("softmax_cross_entropy_with_integer_labels", (R, Y[:2]), {}, 2.4167516299706193),
    ("multiclass_hinge_loss", (R, Y[:2]), {}, 3.25),
    ("hinge_loss", (R, SIGNS), {}, 0.375),
    ("kl_divergence", (np.log(DT + 0.1), D), {}, 1.071273659376665),
    ("kl_divergence_with_log_targets", (np.log(DT + 0.1), np.log(D + 0.2)), {}, 1.8205692081596883),
    ("log_loss", (np.asarray([[0.1, 0.6, 0.3], [0.2, 0.3, 0.5]]), np.asarray([0, 2])), {}, 1.4978661367769954),
    ("mean_pinball_loss", (R, RT), {"q": 0.25}, 0.9270833333333334),
    ("mean_squared_log_error", (POS, CNT), {}, 0.2989541022290458),
    ("mean_poisson_deviance", (POS, CNT), {}, 1.699768521103172),
    ("mean_gamma_deviance", (POS, CNT + 0.5), {}, 2.506820585647238),
    ("mean_tweedie_deviance", (POS, CNT), {}, 1.8541666666666667),
    ("mean_tweedie_deviance", (POS, CNT), {"power": 1.5}, 2.481883067559252),
    ("mean_tweedie_deviance", (POS, CNT + 0.5), {"power": 3.0}, 5.549681337181337),
    # Kornia 0.9, SGDRegressor and torchmetrics 1.9, by the formulas that they document.
    ("charbonnier_loss", (R, RT), {}, 1.4095344128812577),
    ("cauchy_loss", (R, RT), {}, 1.089735659764061),
    ("geman_mcclure_loss", (R, RT), {}, 0.879515570934256),
    ("welsch_loss", (R, RT), {}, 0.6553770501262611),
    ("squared_epsilon_insensitive", (R, RT), {}, 5.818749999999999),
    ("symmetric_mean_absolute_percentage_error", (R, RT), {}, 1.2718954248366015),
]


@pytest.mark.parametrize(("name", "arrays", "settings", "value"), OTHERS)
def test_a_name_of_optax_or_scikit_learn_means_what_these_mean(variant, name, arrays, settings, value):
    given = [variant.array(x.astype("float32") if x.dtype.kind == "f" else x.astype("int32")) for x in arrays]
    np.testing.assert_allclose(variant.numpy(al.get(name, **settings)(*given)), value, rtol=2e-6)


PYTORCH = [
    "L1Loss",
    "l1_loss",
    "MSELoss",
    "mse_loss",
    "CrossEntropyLoss",
    "NLLLoss",
    "nll_loss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "SmoothL1Loss",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "TripletMarginLoss",
    "CosineEmbeddingLoss",
    "KLDivLoss",
    "HuberLoss",
    "SoftMarginLoss",
    "PoissonNLLLoss",
    "GaussianNLLLoss",
    "gaussian_nll_loss",
]


@pytest.mark.parametrize("name", PYTORCH)
def test_pytorch_s_names_are_known(name):
    assert isinstance(al.get(name), al.Loss)


def test_an_alias_carries_settings_and_given_ones_go_before_them():
    assert al.get("CrossEntropyLoss") == al.CrossEntropy(axis=1, ignore_index=-100)
    assert al.get("CrossEntropyLoss", ignore_index=3).axis == 1
    assert al.get("poisson") == al.PoissonNll(from_log=False, epsilon=1e-7)
    assert al.get("bce", from_logits=True).from_logits
    assert al.get("kl_divergence") == al.KlDivergence()
    assert al.get("KLDivLoss").from_log
    assert al.get("mse", reduction="sum") == al.SquaredError(reduction="sum")


def test_a_canonical_name_in_either_form_is_the_loss_with_its_defaults():
    for name, cls in al.registered().items():
        assert al.get(name) == cls()
        if not name.startswith("optax."):  # which has functions alone
            assert al.get(cls.__name__) == cls()
        assert snake_case(camel_case(name)) == name


def test_a_class_an_instance_and_a_function_pass_through():
    loss = al.Huber(delta=2.0)
    assert al.get(loss) is loss
    assert al.get(loss, reduction="sum") == al.Huber(delta=2.0, reduction="sum")
    assert al.get(al.Huber) == al.Huber()
    assert al.get(al.Huber, delta=3.0) == al.Huber(delta=3.0)
    assert al.get(al.huber, delta=3.0) == al.Huber(delta=3.0)


def test_what_is_no_loss_is_refused():
    for wrong in (3, None, print, dict, np.sum):
        with pytest.raises(TypeError, match="`loss` must be a name, a loss, its class or its function form, got"):
            al.get(wrong)
    with pytest.raises(TypeError, match=r"`detla` is no setting of Huber; did you mean 'delta'\?"):
        al.get("huber", detla=2.0)
    with pytest.raises(ValueError, match=r"got 'zzzz'$"):
        al.get("zzzz")


@pytest.mark.parametrize(
    "data",
    [
        None,
        "huber",
        {},
        {"settings": {}},
        {"name": 3},
        {"name": "huber", "code": "x"},
        {"name": "huber", "settings": [1]},
    ],
    ids=repr,
)
def test_data_that_describes_no_loss_is_refused(data):
    with pytest.raises(TypeError, match="`data` must be a mapping|`settings` must be a mapping"):
        al.deserialize(data)


@pytest.mark.parametrize("name", [name for name in al.registered() if "." not in name])
def test_a_name_with_the_word_loss_is_told_the_loss(name):
    for spelled in (f"{name}_loss", f"{type(al.get(name)).__name__}Loss"):
        try:
            al.get(spelled)
        except ValueError as error:
            said = str(error)
        else:
            said = repr(name)
        assert repr(name) in said or f"al.{name} " in said


@pytest.mark.parametrize("name", ["focal_loss", "FocalLoss", "focal"])
def test_a_part_of_a_name_is_told_the_losses_that_have_it(name):
    hint = r"; did you mean 'binary_focal' or 'categorical_focal'\?$"
    with pytest.raises(ValueError, match=hint):
        al.get(name)
    with pytest.raises(AttributeError, match=hint):
        getattr(al, name)


def test_an_unknown_name_or_setting_in_data_is_refused():
    with pytest.raises(ValueError, match="did you mean 'huber'"):
        al.deserialize({"name": "hubber"})
    with pytest.raises(TypeError, match="`gamma` is no setting of Huber"):
        al.deserialize({"name": "huber", "settings": {"gamma": 1}})
    with pytest.raises(ValueError, match="`delta` must be above 0"):
        al.deserialize({"name": "huber", "settings": {"delta": -1}})


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, np.asarray([1.0, math.inf])], ids=str)
def test_what_json_has_no_number_for_is_serialized_all_the_same(value):
    @al.register
    @al.loss
    def scaled(prediction, target, *, scale=1.0):
        return (prediction - target) / scale

    data = json.dumps(al.serialize(scaled.loss_class(scale=value)), allow_nan=False)
    again = al.deserialize(json.loads(data)).scale
    np.testing.assert_array_equal(np.asarray(again), np.asarray(value))


@pytest.mark.parametrize("loss", [case.loss for case in CASES] + [al.TripletMargin(p=math.inf)], ids=repr)
def test_a_loss_comes_back_from_strict_json(loss):
    again = al.deserialize(json.loads(json.dumps(al.serialize(loss), allow_nan=False)))
    assert again == loss
    assert repr(again) == repr(loss)


def nested(container, depth=100_000):
    value = container()
    for _ in range(depth):
        value = [value] if container is list else {"a": value}
    return value


@pytest.mark.parametrize("container", [list, dict])
def test_data_without_end_is_refused(container):
    deep = nested(container)
    with pytest.raises(ValueError, match="^`delta` must not be nested deeper than"):
        al.deserialize({"name": "huber", "settings": {"delta": deep}})
    with pytest.raises(ValueError, match="^`delta` must not be nested deeper than"):
        al.Huber(delta=deep)
    for data in (deep, {"name": deep}, {"name": "huber", "settings": [deep]}):
        with pytest.raises(TypeError, match="^`(data|settings)` must be a mapping") as caught:
            al.deserialize(data)
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("1.0", TypeError, "`delta` must be a number, got '1.0'"),
        (None, TypeError, "`delta` must be a number, got None"),
        (True, TypeError, "`delta` must be a number, got True"),
        ({"float": "1.0"}, ValueError, "`delta` must be 'inf', '-inf' or 'nan' as a float, got '1.0'"),
        ({"float": "nan"}, ValueError, "`delta` must be above 0, got nan"),
        ({"0": 1.0}, TypeError, "`delta` must be a number, got {0: 1.0}"),
        ({"array": [[1.0, -1.0]]}, ValueError, "`delta` must be above 0, got -1.0"),
        (["x"], TypeError, "`delta` must hold real numbers, got 'x'"),
    ],
    ids=str,
)
def test_wrong_data_for_a_setting_is_refused(value, error, message):
    with pytest.raises(error, match=re.escape(message)):
        al.deserialize({"name": "huber", "settings": {"delta": value}})


@pytest.mark.parametrize("key", ["x", "-1", "1.0", "9" * 25, "9" * 5000], ids=lambda key: key[:4])
def test_a_key_that_is_no_class_is_refused(key):
    with pytest.raises(TypeError, match="^`class_weight` must be a dict of class to number, got the key '"):
        al.deserialize({"name": "cross_entropy", "settings": {"class_weight": {key: 1.0}}})


def test_what_is_no_plain_data_is_not_serialized():
    @al.register
    @al.loss
    def shaped(prediction, target, *, shape=abs):
        return shape(prediction - target)

    with pytest.raises(TypeError, match="^`shape` must be plain data or an array to be serialized, got <built-in"):
        al.serialize(shaped.loss_class())


def test_array_settings_are_serialized_as_lists(variant):
    weight = variant.array(np.asarray([1.0, 2.0, 0.5], dtype="float32"))
    data = json.loads(json.dumps(al.serialize(al.CrossEntropy(class_weight=weight))))
    assert data["settings"]["class_weight"] == [1.0, 2.0, 0.5]
    z, y = np.random.default_rng(0).normal(size=(4, 3)).astype("float32"), np.asarray([0, 1, 2, 1], dtype="int32")
    again = al.deserialize(data)(variant.array(z), variant.array(y))
    direct = al.CrossEntropy(class_weight=weight)(variant.array(z), variant.array(y))
    np.testing.assert_array_equal(variant.numpy(again), variant.numpy(direct))


def test_what_is_defined_anew_has_the_names_of_its_last_definition():
    def define(*names):
        @al.register(*names)
        @dataclass(frozen=True, kw_only=True)
        class Reworked(al.Loss):
            def call(self, prediction, target):
                return prediction - target

        return Reworked

    for names in (("former",), (), ("former",), ("latter",)):
        cls = define(*names)
        for name in ("reworked", "Reworked", *names):
            assert type(al.get(name)) is cls
    with pytest.raises(ValueError, match="got 'former'"):
        al.get("former")
    al.register("further")(cls)
    assert [type(al.get(name)) for name in ("reworked", "latter", "further")] == [cls] * 3


def test_an_alias_that_is_taken_is_refused():
    class Other(al.Loss):
        def call(self, prediction, target):
            return prediction - target

    with pytest.raises(ValueError, match="`mse` already names SquaredError; choose another name"):
        al.register("mse")(Other)
    with pytest.raises(ValueError, match=r"`bce` already names keras\.binary_crossentropy; choose another name"):
        al.register("bce")(Other)
    assert "other" not in al.registered()

    class Huber(al.Loss):
        def call(self, prediction, target):
            return prediction - target

    with pytest.raises(ValueError, match="`huber` already names Huber; choose another name"):
        al.register(Huber)
    assert al.get("huber") == al.Huber()
    with pytest.raises(TypeError, match=r"`loss` must be a subclass of al.Loss or a function made by @al.loss"):
        al.register(print)


def test_a_setting_of_several_axes_comes_back():
    x, y = np.random.default_rng(0).normal(size=(2, 3, 4))
    for loss in (
        al.Quantile(q=np.asarray([[0.1], [0.5], [0.9]])),
        al.Huber(delta=np.abs(y) + 0.5),
        al.EpsilonInsensitive(margin=np.asarray([[0.0], [math.inf], [1.0]])),
    ):
        data = json.loads(json.dumps(al.serialize(loss), allow_nan=False))
        again = al.deserialize(data)
        assert again == loss
        np.testing.assert_array_equal(again(x, y), loss(x, y))


@pytest.mark.parametrize("numbers", ["x", [[1.0], [2.0, 3.0]], [["a"]], [[None]], None], ids=str)
def test_what_is_no_array_in_data_is_refused(numbers):
    with pytest.raises(ValueError, match="^`delta` must be nested lists of numbers as an array, got "):
        al.deserialize({"name": "huber", "settings": {"delta": {"array": numbers}}})
