"""The table of what runs where is the one that was measured, and gives each hole its reason."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.otherwise_numpy

PATH = Path(__file__).parents[1] / "tools" / "write_support.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("write_support", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def known(tool):
    return json.loads(tool.DATA.read_text())


def test_the_table_is_that_of_the_data(tool, known):
    assert tool.TABLE.read_text() == tool.page(known), "run python tools/write_support.py"


def test_each_hole_has_its_reason(tool, known):
    errors = {
        (name, error)
        for name, of_library in known.items()
        for wrong in of_library["losses"].values()
        for error in wrong.values()
    }
    assert [(name, error) for name, error in errors if not tool.reason(name, error)] == []


def test_numpy_has_no_hole(tool, known):
    assert set(known["NumPy"]["losses"]) == set(tool.losses())
    assert not any(known["NumPy"]["losses"].values())


def test_a_hole_is_found(tool):
    library = tool.LIBRARIES["NumPy"]
    huber = tool.losses()["huber"]
    assert tool.measured(library, huber) == {}

    def fails(*args):
        raise NotImplementedError("not there\nat all")

    lacking = library._replace(ways={"value": fails, "gradient": lambda *args: 0.0})
    wrong = tool.measured(lacking, huber)
    assert wrong == {"value": "NotImplementedError: not there", "gradient": "another result than NumPy's"}
