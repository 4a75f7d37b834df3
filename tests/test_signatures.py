"""The function forms are those that the classes give, and each class says all that there is to say."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import arraylosses as al
import arraylosses.losses

pytestmark = pytest.mark.otherwise_numpy

FAMILIES = [m.name for m in pkgutil.iter_modules(arraylosses.losses.__path__)]
LOSSES = [(n, c) for n, c in al.registered().items() if c.__module__.startswith("arraylosses.losses.")]
all_losses = pytest.mark.parametrize(("name", "cls"), LOSSES, ids=[n for n, _ in LOSSES])


@all_losses
def test_a_function_has_the_fields_of_its_class(name, cls):
    parameters = inspect.signature(getattr(al, name)).parameters
    arrays = [p for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    formula = cls.call if cls().projected is None else cls.projections
    taken = [p for p in inspect.signature(formula).parameters.values() if p.name not in ("self", "where")]
    assert tuple(p.name for p in arrays) == cls.array_names == tuple(p.name for p in taken)
    # An array that need not be there is the last, and None without.
    optional = [argument.optional for argument in cls().declaration.arguments]
    assert [p.default for p in arrays] == [None if one else inspect.Parameter.empty for one in optional]
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
        @classmethod
        def made(cls, **settings):
            seen.update(settings)
            return cls()

        def __call__(self, *arrays, weight, where):
            return arrays, weight, where

    function = getattr(al, name)
    monkeypatch.setitem(inspect.unwrap(function).__globals__, cls.__name__, Spy)
    arrays = tuple(object() for _ in cls.array_names)
    assert function(*arrays, **given, weight="w", where="k") == (arrays, "w", "k")
    assert seen == given


def described(doc, section):
    text = re.search(rf"^{section}\n-+\n(.*?)(?=\n\n[A-Z][\w ]+\n---|\Z)", doc, re.DOTALL | re.MULTILINE).group(1)
    return [n.strip() for line in text.splitlines() if line[:1].strip() for n in line.split(" : ")[0].split(",")]


@all_losses
def test_a_class_describes_its_settings_and_its_arrays(name, cls):
    assert cls.function is getattr(al, name)
    assert cls.function.loss_class is getattr(al, cls.__name__) is cls
    doc = inspect.getdoc(cls)
    for section in ("References", "Examples"):
        assert re.search(rf"^{section}\n-+$", doc, re.MULTILINE), section
    assert ".. math::" in doc
    assert ">>> " in doc
    assert sorted(described(doc, "Parameters")) == sorted(f.name for f in dataclasses.fields(cls))
    assert tuple(described(doc, "Arrays")) == cls.array_names


@all_losses
def test_a_function_describes_all_that_it_takes(name, cls):
    doc = inspect.getdoc(cls.function)
    for section in ("Returns", "Raises", "References", "Examples"):
        assert re.search(rf"^{section}\n-+$", doc, re.MULTILINE), section
    assert described(doc, "Parameters") == list(inspect.signature(cls.function).parameters)


OTHERS = [name for name in al.__all__ if inspect.isfunction(getattr(al, name)) and name not in dict(LOSSES)]


@pytest.mark.parametrize("name", OTHERS)
def test_any_other_function_describes_what_it_takes(name):
    parameters = list(inspect.signature(getattr(al, name)).parameters.values())
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    doc = inspect.getdoc(getattr(al, name))
    told = re.findall(
        r"^(\*{0,2}\w+(?:, \w+)*)(?: : .*)?$", doc.partition("Parameters\n---")[2].partition("\n\n")[0], re.M
    )
    assert [one for entry in told for one in entry.split(", ")] == [stars.get(p.kind, "") + p.name for p in parameters]


def test_the_functions_are_those_that_the_classes_give():
    path = Path(__file__).parents[1] / "tools" / "write_functions.py"
    spec = importlib.util.spec_from_file_location("write_functions", path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    there = {path.name: path.read_text() for path in tool.FOLDER.glob("*.py")}
    assert there == tool.pages(), "run python tools/write_functions.py"


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
    assert dir(al) == sorted(al.__all__)  # what an editor or IPython completes
    for name, cls in LOSSES:
        assert {name, cls.__name__} <= set(al.__all__)
