"""What a setting may be, and what is refused when a loss is made."""

from __future__ import annotations

import copy
import enum
import json
import math
import pickle

import numpy as np
import pytest

import arraylosses as al

from .catalogue import CATALOGUE

pytestmark = pytest.mark.otherwise_numpy

REFUSED = [
    pytest.param(name, one, id=f"{name}-{one.settings}".replace(" ", ""))
    for name, entry in CATALOGUE.items()
    for one in entry.refused
]


@pytest.mark.parametrize(("name", "refused"), REFUSED)
def test_a_setting_out_of_its_domain_is_refused_at_construction(name, refused):
    message = f"^`{next(iter(refused.settings))}` {refused.message}"
    with pytest.raises(refused.error, match=message):
        al.get(name, **refused.settings)
    if hasattr(al, name):  # a loss of a dialect has no function form
        with pytest.raises(refused.error, match=message):
            getattr(al, name)(*[np.zeros(2)] * len(al.get(name).array_names), **refused.settings)


def test_an_array_setting_of_a_wrong_shape_is_refused(variant):
    z, y = variant.array(np.zeros((4, 5), "float32")), variant.array(np.zeros(4, "int32"))
    with pytest.raises(ValueError, match=r"`class_weight` must have one number a class, shape \(5,\), got \(3,\)"):
        al.cross_entropy(z, y, class_weight=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"`alpha` must have one number a class, shape \(5,\), got \(2,\)"):
        al.categorical_focal(z, y, alpha=(1.0, 2.0))
    with pytest.raises(ValueError, match=r"`pos_weight` must broadcast to `prediction` \(4, 5\), got shape \(3,\)"):
        al.binary_cross_entropy(z, z, pos_weight=[1.0, 2.0, 3.0])


PER_CLASS = [
    (1j, TypeError, "must be a number, got 1j"),
    ([1, 2j], TypeError, "must hold real numbers, got 2j"),
    ("abc", TypeError, "must be a number, got 'abc'"),
    (["a"], TypeError, "must hold real numbers, got 'a'"),
    ([1, None, 2], TypeError, "must hold real numbers, got None"),
    ([[1, 2]], TypeError, r"must be a number, a sequence of numbers or an array, got \(\(1, 2\),\)"),
    ([], TypeError, r"must be a number, got \(\)"),
    (True, TypeError, "must be a number, got True"),
    ([True, 1], TypeError, "must hold real numbers, got True"),
    ([-1, 1], ValueError, "must be at least 0, got -1"),
    ([1.0, math.nan], ValueError, "must be at least 0, got nan"),
    ([1.0, math.inf], ValueError, "must be finite, got inf"),
    (10**400, ValueError, "must be a number that a float can hold, got 1000"),
    ([10**5000], ValueError, "must be a number that a float can hold, got int"),
    (np.asarray([-1.0]), ValueError, "must be at least 0, got -1.0"),
    (np.asarray([1j]), TypeError, "must hold real numbers, got complex128"),
    (np.asarray(["a"]), TypeError, "must hold real numbers, got str"),
    (np.asarray([True]), TypeError, "must hold real numbers, got bool"),
    (np.asarray([None]), TypeError, "must hold real numbers, got object"),
    ({0: -1.0}, ValueError, "must be at least 0, got -1.0"),
    ({0: None}, TypeError, "must hold real numbers, got None"),
    ({"a": 1.0}, TypeError, "must be a dict of class to number, got the key 'a'"),
    ({-1: 1.0}, TypeError, "must be a dict of class to number, got the key -1"),
]


OF_CLASSES = sorted(
    {
        (name, setting)
        for name, entry in CATALOGUE.items()
        for settings in entry.settings
        for setting, value in settings.items()
        if isinstance(value, tuple)
    }
)


@pytest.mark.parametrize(("name", "setting"), OF_CLASSES)
@pytest.mark.parametrize(("value", "error", "message"), PER_CLASS, ids=lambda v: str(type(v).__name__))
def test_numbers_of_classes_that_cannot_be_meant_are_refused(name, setting, value, error, message):
    with pytest.raises(error, match=f"^`{setting}` {message}") as caught:
        al.get(name, **{setting: value})
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_an_array_setting_is_looked_at_by_its_dtype_alone(variant):
    z, y = variant.array(np.zeros((4, 3), "float32")), variant.array(np.asarray([0, 1, 2, 1], "int32"))
    for dtype in ("complex64", "bool"):
        if variant.backend == "strict" and dtype == "complex64":
            continue
        with pytest.raises(TypeError, match=f"`class_weight` must hold real numbers, got {dtype}"):
            al.cross_entropy(z, y, class_weight=variant.array(np.ones(3, dtype)))
    weight = variant.array(np.ones(3, "float32"))
    got = variant.run(lambda *a: al.cross_entropy(*a[:2], class_weight=a[2]), z, y, weight)
    np.testing.assert_allclose(variant.numpy(got), np.log(3), rtol=1e-6)


REAL = {
    name: [n for n, value in al.get(name).settings().items() if isinstance(value, float) or n in ("softcap", "alpha")]
    for name in al.registered()
}


@pytest.mark.parametrize(("name", "setting"), [(name, n) for name, settings in REAL.items() for n in settings])
def test_a_real_setting_is_a_number_that_a_float_can_hold(name, setting):
    for value, error, message in (
        (10**400, ValueError, "must be a number that a float can hold, got 1000"),
        (1j, TypeError, "must be a number, got 1j"),
        ("1", TypeError, "must be a number, got '1'"),
        (True, TypeError, "must be a number, got True"),
        ([[1.0]], TypeError, "must be a number, a sequence of numbers or an array, got"),
        (np.asarray([1j]), TypeError, "must hold real numbers, got complex128"),
        (math.nan, ValueError, "must .*, got nan"),
    ):
        with pytest.raises(error, match=f"^`{setting}` {message}"):
            al.get(name, **{setting: value})


class Two(enum.IntEnum):
    TWO = 2


class Wide(float):
    pass


class Sum(enum.StrEnum):
    SUM = "sum"


@pytest.mark.parametrize(
    "value",
    [Two.TWO, Wide(2.0), np.float64(2), np.float32(2), np.longdouble(2), np.int8(2), np.asarray(2.0)],
    ids=lambda v: type(v).__name__,
)
def test_a_number_of_any_type_is_kept_as_python_s_own_and_widens_nothing(value):
    loss = al.Huber(delta=value)
    assert type(loss.delta) in (int, float)
    assert loss == al.Huber(delta=2.0)
    assert hash(loss) == hash(al.Huber(delta=2.0))
    x = np.zeros(3, "float32")
    assert loss(x, x).dtype == np.float32
    assert json.loads(json.dumps(al.serialize(loss)))["settings"]["delta"] == 2


def test_other_settings_are_kept_as_python_s_own_too():
    assert type(al.CrossEntropy(axis=Two.TWO).axis) is int
    assert al.CrossEntropy(from_logits=np.bool_(False)).from_logits is False
    assert type(al.Huber(reduction=Sum.SUM).reduction) is str
    assert al.CrossEntropy(ignore_index=np.int64(-100)) == al.CrossEntropy(ignore_index=-100)


def test_a_dict_has_numbers_by_class_and_1_for_the_others(variant):
    rng = np.random.default_rng(0)
    z, y = variant.array(rng.normal(size=(4, 3)).astype("float32")), variant.array(np.asarray([0, 1, 2, 1], "int32"))
    for name, setting in (("cross_entropy", "class_weight"), ("nll", "class_weight"), ("categorical_focal", "alpha")):
        by_class, listed = (al.get(name, **{setting: v}) for v in ({0: 2.0, 2: 0.5}, [2.0, 1.0, 0.5]))
        np.testing.assert_array_equal(
            variant.numpy(variant.run(by_class, z, y)), variant.numpy(variant.run(listed, z, y))
        )
    # scikit-learn: the mean of the loss of each item, weighted by the weight of its class
    from_labels = al.CrossEntropy(class_weight={1: 3.0})
    weight = variant.array(np.asarray([1.0, 3.0, 1.0, 3.0], "float32"))
    np.testing.assert_allclose(
        variant.numpy(variant.run(from_labels, z, y)),
        variant.numpy(variant.run(lambda *a: al.cross_entropy(*a[:2], weight=a[2]), z, y, weight)),
        rtol=1e-6,
    )
    target = variant.array(np.ones((4, 3), "float32"))
    by_class, listed = (al.BinaryCrossEntropy(pos_weight=v) for v in ({1: 2.0}, [1.0, 2.0, 1.0]))
    np.testing.assert_array_equal(
        variant.numpy(variant.run(by_class, z, target)), variant.numpy(variant.run(listed, z, target))
    )
    with pytest.raises(ValueError, match=r"`class_weight` must be a dict of classes in \[0, 3\), got 5"):
        al.cross_entropy(z, y, class_weight={5: 1.0})
    for key in (True, "1", 1.0, -1):
        with pytest.raises(TypeError, match=f"`class_weight` must be a dict of class to number, got the key {key!r}"):
            al.CrossEntropy(class_weight={key: 1.0})


@pytest.mark.parametrize("value", [[1.0, 2.0], {0: 1.0, 2: 2.0}], ids=repr)
def test_a_loss_of_a_list_or_a_dict_is_hashable_and_comes_back(value):
    loss = al.CrossEntropy(class_weight=value)
    for again in (
        pickle.loads(pickle.dumps(loss)),
        copy.deepcopy(loss),
        al.deserialize(json.loads(json.dumps(al.serialize(loss)))),
    ):
        assert again == loss
        assert hash(again) == hash(loss)
    value.clear()
    assert loss == again
    assert loss != al.CrossEntropy(class_weight=[1.0, 2.0, 3.0])
    assert loss != al.CrossEntropy(class_weight=[2.0, 1.0])


def test_losses_of_equal_arrays_are_equal(variant):
    one = variant.array(np.asarray([1.0, 2.0, 3.0], "float32"))
    loss = al.CrossEntropy(class_weight=one)
    for again in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert again == loss
        assert hash(again) == hash(loss)
    other = variant.array(np.asarray([1.0, 2.0, 3.5], "float32"))
    assert loss != al.CrossEntropy(class_weight=other)
    assert loss != al.CrossEntropy(class_weight=one[:2])
    assert loss != al.CrossEntropy(class_weight=(1.0, 2.0, 3.0))


@pytest.mark.backend("jax")
def test_a_traced_setting_is_equal_to_itself_alone():
    jax = pytest.importorskip("jax")

    @jax.jit
    def f(x):
        loss = al.CrossEntropy(class_weight=x)
        assert loss == copy.copy(loss)
        assert loss != al.CrossEntropy(class_weight=x + 0)
        return x

    f(jax.numpy.ones(3))
