"""`check_loss` finds each of the faults that people write, and none where there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import arraylosses as al
from arraylosses.testing import LAWS, check_loss, report

PAIR = "prediction[...]: real, target[...]: real -> [...]"


class Squared(al.Loss):
    """A right one, which each fault is planted in."""

    arrays = PAIR

    def call(self, prediction, target):
        return (prediction - target) ** 2


class WrongDerivative(Squared):
    def derivative(self, prediction, target):
        return prediction - target


class Widened(Squared):
    def call(self, prediction, target):
        xp = al.array_namespace(prediction, target)
        return xp.astype((prediction - target) ** 2, xp.float64)


class Branches(Squared):
    def call(self, prediction, target):
        error = prediction - target
        return error**2 if al.array_namespace(error).max(error) > 0 else -error


class Writes(Squared):
    def call(self, prediction, target):
        prediction -= target
        return prediction**2


class Couples(Squared):
    def call(self, prediction, target):
        xp = al.array_namespace(prediction, target)
        error = prediction - target
        return (error - xp.mean(error)) ** 2


class CouplesClasses(al.Loss):
    arrays = "logits[N, T, C]: real, target[N, T, C]: probability -> [N, C]"

    def call(self, logits, target):
        xp = al.array_namespace(logits, target)
        p = xp.exp(al.special.log_softmax(logits, axis=-1))
        return xp.sum((p - target) ** 2, axis=1)


class NoSlopeAtEqual(Squared):
    def call(self, prediction, target):
        return al.array_namespace(prediction, target).sqrt((prediction - target) ** 2)


class Leaks(al.Loss):
    arrays = "queries[N, D]: real, keys[N, D]: real -> [N] coupled"

    def call(self, queries, keys, where=None):
        xp = al.array_namespace(queries, keys)
        return xp.sum((queries - xp.mean(keys, axis=0, keepdims=True)) ** 2, axis=-1)


@dataclass(frozen=True, kw_only=True)
class IgnoresAxis(al.RowLoss):
    def call(self, prediction, target):
        return al.array_namespace(prediction, target).sum((prediction - target) ** 2, axis=-1)


class IgnoresWeight(Squared):
    def __call__(self, *arrays, weight=None, where=None, **named):
        return super().__call__(*arrays, where=where, **named)


class LeavesTheLibrary(Squared):
    def call(self, prediction, target):
        return al.array_namespace(prediction, target).asarray(np.square(np.asarray(prediction) - np.asarray(target)))


class WrongShape(Squared):
    def call(self, prediction, target):
        return al.array_namespace(prediction, target).sum((prediction - target) ** 2, axis=-1)


class LosesTheDevice(Squared):
    def call(self, prediction, target):
        xp = al.array_namespace(prediction, target)
        return (prediction - target) ** 2 + xp.zeros(prediction.shape[-1:], dtype=prediction.dtype)


class WrongSecondDerivative(Squared):
    def derivative(self, prediction, target):
        return 2 * (prediction - target)

    def second_derivative(self, prediction, target):
        return al.array_namespace(prediction).ones_like(prediction)


class HidesNan(Squared):
    def call(self, prediction, target):
        xp = al.array_namespace(prediction, target)
        error = prediction - target
        return xp.where(xp.isnan(error), xp.zeros_like(error), error) ** 2


class NeedsItems(Squared):
    def call(self, prediction, target):
        return (prediction - target) ** 2 * (len(prediction) / len(prediction))


class NoNewDerivative(Squared):
    new_derivatives = True

    def call(self, prediction, target):
        return prediction * target

    def derivative(self, prediction, target):
        return target


# The law that a fault breaks, and the libraries that show it; without any, all do.
FAULTS = {
    WrongDerivative: ("closed form", ("numpy",)),
    Widened: ("dtype", ()),
    Branches: ("tracing", ("jax", "torch", "dask")),
    Writes: ("inputs", ("numpy", "torch")),
    Couples: ("items", ()),
    CouplesClasses: ("items", ()),
    NoSlopeAtEqual: ("edges", ()),
    Leaks: ("where", ()),
    IgnoresAxis: ("axis", ()),
    IgnoresWeight: ("weight", ()),
    LeavesTheLibrary: ("gradient", ("numpy", "jax", "torch", "strict")),
    WrongShape: ("shape", ()),
    LosesTheDevice: ("device", ("strict", "torch")),
    WrongSecondDerivative: ("closed form", ("numpy",)),
    HidesNan: ("NaN", ()),
    NeedsItems: ("no items", ()),
    NoNewDerivative: ("inputs", ("numpy",)),
}


@pytest.fixture
def backend(variant):
    if variant.name != variant.backend or variant.backend == "cupy":
        pytest.skip("one variant of a library is enough")
    return variant.backend


@pytest.mark.parametrize("cls", FAULTS, ids=lambda cls: cls.__name__)
def test_a_planted_fault_is_found(backend, cls, monkeypatch):
    law, shown = FAULTS[cls]
    if shown and backend not in shown:
        pytest.skip(f"{backend} does not show it")
    if backend != "numpy":  # where each of them is compiled or planned
        monkeypatch.setattr(report, "LAWS", {law: LAWS[law]})
    found = check_loss(cls, backends=[backend])
    assert not found
    assert law in {broken.law for broken in found.broken}, str(found)
    line = next(str(broken) for broken in found.broken if broken.law == law)
    assert line.startswith(f"{law} ({backend}): ")
    assert "\n" not in line
    assert line in str(found)


# With the arrays that `check_loss` draws; the laws of all losses are in test_laws.
@pytest.mark.backend("numpy")
@pytest.mark.parametrize(
    "name", ["huber", "cross_entropy", "kl_divergence", "cosine_embedding", "info_nce", "dice", "list_net"]
)
def test_a_right_loss_keeps_all_laws(name):
    found = check_loss(name, backends=["numpy"])
    assert found, str(found)
    assert str(found) == f"{al.get(name)!r} keeps {len(LAWS)} laws on numpy"


@pytest.mark.backend("numpy")
def test_as_many_classes_are_drawn_as_a_setting_has_numbers():
    assert check_loss("cross_entropy", backends=["numpy"], class_weight=(1.0, 0.5, 2.0))
    assert check_loss("binary_cross_entropy", backends=["numpy"], pos_weight=(0.5, 2.0, 1.5))


@pytest.mark.parametrize("delta", [(0.1, 0.5, 2.0), np.asarray([0.1, 0.5, 2.0])], ids=["tuple", "array"])
def test_items_are_drawn_for_a_setting_of_one_number_a_column(backend, delta):
    found = check_loss("huber", backends=[backend], delta=delta)
    assert found, str(found)


@al.loss(arrays="quantiles[..., Q]: real, target[...]: real -> [...]")
def several_quantiles(quantiles, target, *, levels=(0.1, 0.5, 0.9)):
    xp = al.array_namespace(quantiles, target)
    error = target[..., None] - quantiles
    return xp.sum((xp.asarray(levels, dtype=error.dtype) - 0.5) * error + 0.5 * xp.abs(error), axis=-1)


@al.loss(arrays="points[N, D]: real, others[M, D]: real -> []")
def distance_of_means(points, others):
    xp = al.array_namespace(points, others)
    return xp.sum((xp.mean(points, axis=0) - xp.mean(others, axis=0)) ** 2)


@al.loss
def bounded(prediction, target, *, delta=(0.1, 0.5, 2.0)):
    xp = al.array_namespace(prediction, target)
    error = xp.abs(prediction - target)
    return xp.where(error < delta, error**2, delta * (2 * error - delta))


@pytest.mark.backend("numpy")
@pytest.mark.parametrize("loss", [bounded, several_quantiles, distance_of_means], ids=lambda loss: loss.__name__)
def test_a_right_loss_of_other_axes_and_settings_keeps_them(loss):
    for seed in range(3):
        found = check_loss(loss, backends=["numpy"], seed=seed)
        assert found, str(found)


@pytest.mark.parametrize(
    "loss",
    [
        Squared() + 0.5 * al.Huber(delta=0.3),
        2.0 * al.CrossEntropy() + al.CategoricalFocal(alpha=(1.0, 2.0, 0.5)),
    ],
    ids=["elements", "rows"],
)
def test_a_sum_of_losses_keeps_them(backend, loss):
    found = check_loss(loss, backends=[backend])
    assert found, str(found)


@pytest.mark.backend("numpy")
def test_a_planted_fault_is_found_in_a_sum():
    found = check_loss(al.Huber() + WrongDerivative(), backends=["numpy"])
    assert "closed form" in {broken.law for broken in found.broken}, str(found)


def test_a_loss_of_one_s_own_keeps_them_too(backend):
    found = check_loss(Squared, backends=[backend])
    assert found, str(found)


@pytest.mark.backend("numpy")
def test_what_cannot_be_checked_is_refused():
    with pytest.raises(ValueError, match="`backends` must be one of 'numpy'.*got 'nunpy'; did you mean 'numpy'"):
        check_loss("huber", backends=["nunpy"])
    with pytest.raises(ValueError, match="must be the name of a registered loss"):
        check_loss("hubber")


@pytest.mark.parametrize("outputs", [{"a": "huber", "b": "mse"}, ["huber", None]], ids=str)
def test_a_sum_over_outputs_is_refused_with_what_to_check(outputs):
    loss = al.weighted_sum(outputs)
    with pytest.raises(TypeError, match="`loss` must declare its arrays, got WeightedSum; check the loss of each"):
        check_loss(loss)
    for _, part in loss.leaves:
        assert check_loss(part, backends=["numpy"])
