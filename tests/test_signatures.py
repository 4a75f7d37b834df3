"""The function form, the class form and `__all__` of each family say the same."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re

import pytest

import arraylosses as al
import arraylosses.losses
from arraylosses.registry import function_of

FAMILIES = [m.name for m in pkgutil.iter_modules(arraylosses.losses.__path__)]
LOSSES = [(n, c) for n, c in al.registered().items() if c.__module__.startswith("arraylosses.losses.")]
all_losses = pytest.mark.parametrize(("name", "cls"), LOSSES, ids=[n for n, _ in LOSSES])


@all_losses
def test_a_function_has_the_fields_of_its_class(name, cls):
    parameters = inspect.signature(getattr(al, name)).parameters
    arrays = [p for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert tuple(p.name for p in arrays) == cls.array_names == tuple(inspect.signature(cls.call).parameters)[1:]
    # An array that need not be there is the last, and None without.
    assert [p.default for p in arrays] == [p.default for p in inspect.signature(cls.call).parameters.values()][1:]
    keywords = {p.name: p.default for p in parameters.values() if p.kind is p.KEYWORD_ONLY}
    assert len(arrays) + len(keywords) == len(parameters)
    assert list(keywords)[-3:] == ["weight", "where", "reduction"]
    assert keywords.pop("weight") is None
    assert keywords.pop("where") is None
    assert keywords == {f.name: f.default for f in dataclasses.fields(cls)}
    assert all(p.annotation is not p.empty for p in parameters.values())


@all_losses
def test_a_function_hands_every_setting_to_its_class(name, cls, monkeypatch):
    given = {f.name: object() for f in dataclasses.fields(cls)}
    seen = {}

    class Spy:
        def __init__(self, **settings):
            seen.update(settings)

        def __call__(self, *arrays, weight, where):
            return arrays, weight, where

    function = getattr(al, name)
    monkeypatch.setitem(inspect.unwrap(function).__globals__, cls.__name__, Spy)
    arrays = tuple(object() for _ in cls.array_names)
    assert function(*arrays, **given, weight="w", where="k") == (arrays, "w", "k")
    assert seen == given


@all_losses
def test_names_and_docstrings(name, cls):
    function = getattr(al, name)
    assert function_of(cls) is function
    assert getattr(al, cls.__name__) is cls
    assert cls.__doc__ == f"Settings of `{name}`."
    doc = inspect.getdoc(function)
    for section in ("Parameters", "Returns", "Raises", "References", "Examples"):
        assert re.search(rf"^{section}\n-+$", doc, re.MULTILINE), section
    assert ".. math::" in doc
    assert ">>> " in doc
    described = re.search(r"Parameters\n-+\n(.*?)\n\n[A-Z]", doc, re.DOTALL).group(1)
    heads = {n.strip() for line in described.splitlines() if line[:1].strip() for n in line.split(" : ")[0].split(",")}
    assert heads == set(inspect.signature(function).parameters)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_family_exports_is_what_it_defines(family):
    module = importlib.import_module(f"arraylosses.losses.{family}")
    defined = {
        n for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__ and not n.startswith("_")
    }
    assert set(module.__all__) == defined
    assert module.__all__ == sorted(module.__all__)


def test_the_package_exports_what_it_names():
    assert len(al.__all__) == len(set(al.__all__))
    assert all(hasattr(al, name) for name in al.__all__)
    for name, cls in LOSSES:
        assert {name, cls.__name__} <= set(al.__all__)
