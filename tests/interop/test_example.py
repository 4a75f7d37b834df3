"""The example of one loss in four libraries."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

pytestmark = pytest.mark.otherwise_numpy

EXAMPLES = Path(__file__).parents[2] / "examples"
_spec = importlib.util.spec_from_file_location("focal", EXAMPLES / "focal_in_four_libraries.py")
focal = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(focal)


@functools.cache
def losses(library):
    pytest.importorskip(library)
    return focal.losses([library])


@pytest.mark.parametrize("library", focal.MODELS)
def test_every_library_learns(library):
    found = losses(library)
    assert found[library][0] < 0.3 * found["the best constant"][0]
    assert found[library][1] > 0.93


def test_two_libraries_of_arrays_have_one_model():
    assert losses("torch")["torch"] == pytest.approx(losses("jax")["jax"], rel=1e-4)


def test_the_script_prints_a_line_each(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    focal.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["focal", "loss", "right"]
    assert [line.split()[0] for line in lines[2:]] == list(focal.MODELS)
    assert all(line.endswith("not installed") for line in lines[2:])
