"""What is remembered from call to call: no cache grows without end, and a class that a program drops is gone."""

from __future__ import annotations

import functools
import gc
import importlib
import pkgutil
import weakref
from dataclasses import dataclass

import numpy as np
import pytest

import arraylosses as al
from arraylosses import _array_api

from .variants import VARIANTS

OF_FEW = {
    "arraylosses.autodiff.numpy_names._accepted": "functions that the tape knows",
    "arraylosses.data.load": "samples",
    "arraylosses.execution.taped._recorded": "namespaces of libraries",
}
"""Caches without an end, and the keys, of which there are few."""

libraries = pytest.mark.parametrize(
    "library",
    [pytest.param(v, marks=pytest.mark.backend(v.backend)) for v in VARIANTS if v.name == v.backend != "jax"]
    + [pytest.param(next(v for v in VARIANTS if v.name == "jax-jit"), marks=pytest.mark.backend("jax"))],
    ids=repr,
)


@libraries
def test_a_loss_that_is_dropped_is_collected(library):
    x, y = library.array(np.ones((4, 3))), library.array(np.zeros((4, 3)))

    def made():
        @dataclass(frozen=True)
        class Straight(al.Loss):
            delta: float = 1.0

            def call(self, prediction, target):
                return self.delta * (prediction - target) ** 2

        @dataclass(frozen=True)
        class Closed(Straight):
            def call(self, prediction, target):
                return self.delta * (prediction - target) ** 2

            def derivative(self, prediction, target):
                return 2 * self.delta * (prediction - target)

        @al.loss
        def function(prediction, target, *, under=2.0):
            return under * (prediction - target) ** 2

        for loss in (Straight(), Closed(delta=2.0), function):
            loss(x, y)
            al.value_and_grad(loss)(x, y)
            al.value_grad_hess(loss)(x, y)
        return [weakref.ref(one) for one in (Straight, Closed, function, function.loss_class)]

    with library.active():
        kept = [one for _ in range(3) for one in made()]
    gc.collect()
    assert [one() for one in kept if one() is not None] == []


@pytest.mark.backend("numpy")
def test_no_end_of_types_and_dtypes_is_remembered():
    for k in range(2 * _array_api.MOST):
        array = np.zeros(2).view(type("Mine", (np.ndarray,), {}))
        al.array_namespace(array)
        _array_api.dtype_kind(np.dtype(f"U{k + 1}"))
    found = [_array_api._NAMESPACES, *_array_api._KINDS.values(), *_array_api._NAMES.values()]
    assert max(map(len, found)) <= _array_api.MOST
    with pytest.raises(TypeError, match="`prediction` must have a floating dtype"):
        al.huber(np.zeros(2, dtype=int), np.zeros(2))


def test_every_cache_has_an_end():
    endless = set()
    for module in pkgutil.walk_packages(al.__path__, "arraylosses."):
        if module.name.endswith("__main__"):
            continue
        try:
            names = vars(importlib.import_module(module.name))
        except ModuleNotFoundError:  # an adapter of a library that is not here, or what torch's compiler imports
            assert module.name.startswith(("arraylosses.interop.", "arraylosses.execution.graphs"))
            continue
        for name, value in names.items():
            is_cache = isinstance(value, functools._lru_cache_wrapper) and value.__module__ == module.name
            if is_cache and value.cache_info().maxsize is None and value.__wrapped__.__code__.co_argcount:
                endless.add(f"{module.name}.{name}")
    assert endless == OF_FEW.keys()


def test_a_loss_is_made_once_for_its_settings_and_their_types():
    one = al.Huber.made(delta=1.0, reduction="sum")
    assert al.Huber.made(delta=1.0, reduction="sum") is one == al.Huber(reduction="sum")
    assert al.Wing.made(width=2.0) != al.Wing.made(curvature=2.0)
    al.cross_entropy(np.eye(2), np.asarray([0, 1]), axis=1)
    with pytest.raises(TypeError, match="`axis` must be an integer, got True"):
        al.cross_entropy(np.eye(2), np.asarray([0, 1]), axis=True)
    for k in range(300):
        al.huber(np.ones(2), np.zeros(2), delta=1.0 + k)
    assert len(al.Huber._made) < 300
    given = np.ones(3)
    al.huber(given, np.zeros(3), delta=given)
    assert not any(given is x for (settings, _) in al.Huber._made for _, x in settings)
