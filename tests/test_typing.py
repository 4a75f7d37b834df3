"""What type checkers see of the package in a user's own file: every wrong line is reported, and no right one.

Both checkers are there in the nox session `typing`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import arraylosses as al

USE = """
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import arraylosses as al

Floats = npt.NDArray[np.float32]
p: Floats = np.zeros(3, dtype=np.float32)
t: Floats = np.zeros(3, dtype=np.float32)
labels = np.zeros(3, dtype=np.int64)

al.no_such_thing(1)  # wrong
al.MSELoss()  # wrong
al.known_as("huber")  # wrong
from arraylosses import cross_entropi  # wrong

al.huber(p, t, delta=2.0, weight=p, where=p > 0, reduction="sum")
al.huber(prediction=p, target=t)
al.huber(p, t, delta=np.full(3, 2.0))
al.Quantile(q=np.asarray([0.1, 0.5, 0.9]))
al.huber(p, t, delta=[1.0, 2.0, 3.0])
al.quantile(p, t, q=(0.1, 0.5, 0.9))
al.categorical_focal(p, labels, alpha=[1, 2, 3])
value, gradient = al.value_and_grad(al.quantile)(p, t, q=[0.1, 0.5, 0.9])
al.huber(p, t, dleta=2.0)  # wrong
al.huber(p, t, delta="x")  # wrong
al.huber(p, t, delta=["x"])  # wrong
al.huber(p, t, 2.0)  # wrong
al.huber(p)  # wrong
al.huber(p, t, sample_weight=p)  # wrong
al.huber(p, t, reduction="men")  # wrong
al.cross_entropy(p, labels, axis=0, class_weight=[1.0, 2.0, 3.0], ignore_index=-100)
al.cross_entropy(p, labels, axis=0.5)  # wrong
al.special.where(p > 0, p, 0.0)
al.special.no_such_thing(p)  # wrong

loss = al.Huber(delta=2.0, reduction="none")
loss(p, t, weight=p, where=p > 0)
print(2.0 * loss.delta)
loss.detla  # wrong
loss.delta = 3.0  # wrong
al.Huber(dleta=2.0)  # wrong
al.Huber(delta="x")  # wrong
al.Huber(2.0)  # wrong
al.Huber(p, t, p)  # wrong

al.get("huber", delta=2.0)(p, t)
al.get(3)  # wrong
al.serialize("huber")  # wrong
name: str = al.serialize(al.Huber())["name"]
names: dict[str, type[al.Loss]] = al.registered()

value, gradient = al.value_and_grad(al.huber)(p, t, delta=2.0, weight=p)
value, gradient = al.value_and_grad(al.Huber(delta=2.0), argnums=(0, 1))(p, t, weight=p)
value, gradient = al.value_and_grad(al.Huber)(p, t, delta=2.0)
value, gradient = al.value_and_grad("huber")(p, t, delta=2.0)
value, gradient, third = al.value_and_grad(al.Huber)(p, t)  # wrong
value, gradient = al.value_and_grad(al.huber)(p, t, dleta=2.0)  # wrong
value, gradient = al.value_and_grad(al.huber, argnum=1)(p, t)  # wrong
gradient = al.grad(al.huber)(p, t, delta=2.0)
gradient = al.grad(al.huber)(p, t, 2.0)  # wrong
value, gradient, diagonal = al.value_grad_hess(al.huber)(p, t, reduction="sum")
value, gradient, diagonal = al.value_grad_hess(al.huber)(p, t, reducton="sum")  # wrong

from arraylosses.dialects import keras as keras_losses

keras_losses.huber(t, p, delta=2.0)
keras_losses.huber(t, p, dleta=2.0)  # wrong
keras_losses.Huber(2.0, "sum", name="mine")(t, p, sample_weight=p)
keras_losses.Huber(delta="x")  # wrong
keras_losses.Huber(reduction="avg")  # wrong
keras_losses.hubber(t, p)  # wrong
smoothing: float = keras_losses.CategoricalCrossentropy(label_smoothing=0.1).label_smoothing

def model(weights: Floats, x: Floats) -> Floats:
    result: Floats = al.squared_error(weights * x, t)
    return result

value, gradient = al.value_and_grad(model)(p, t)
value, gradient = al.value_and_grad(model)(p)  # wrong
al.value_and_grad(3)  # wrong

with al.config(threads=1, check_values=True):
    pass
al.config(thread=1)  # wrong
al.convert(p, like=t)
al.convert(p, t)  # wrong
al.mixed(al.huber)(p, t, delta=2.0, weight=p)
al.mixed(al.huber)(p, t, dleta=2.0)  # wrong
al.mixed(al.huber)(p)  # wrong
al.mixed(al.Huber(delta=2.0))(p, t, where=p > 0)
al.mixed(al.Huber)(p, t, delta=2.0)
al.mixed("huber")(p, t, delta=2.0)
al.mixed(3)  # wrong
value, gradient = al.value_and_grad(al.mixed(al.huber))(p, t, delta=2.0)
al.compare("huber", dtypes=["float32"])
al.compare("huber", backends="numpy", dtypes="float32")
al.compare("huber", dtype="float32")  # wrong
al.autodiff.vjp(model, p, t)


@al.loss
def asymmetric(prediction: Any, target: Any, *, under: float = 2.0) -> Any:
    xp = al.array_namespace(prediction, target)
    error = prediction - target
    return xp.where(error < 0, under * error**2, error**2)


asymmetric(p, t, under=3.0, weight=p, where=p > 0, reduction="sum")
asymmetric(p, t, under=3.0)
asymmetric(p, t, reduction="sum")
asymmetric(p, t, where=p > 0)
asymmetric(p, t, ovr=3.0)  # wrong
asymmetric(p, t, under="x")  # wrong
asymmetric(p)  # wrong
asymmetric(p, t, reduction="men")  # wrong
asymmetric.loss_class(under=3.0)(p, t)
value, gradient = al.value_and_grad(asymmetric)(p, t, under=3.0, weight=p)


@al.loss(granularity="row")
def distance(prediction: Floats, target: Floats, *, axis: int = -1) -> Floats:
    result: Floats = np.abs(prediction - target).sum(axis=axis)
    return result


distance(p, t, axis=0)
distance(p, t, axis="x")  # wrong
distance(p, "x")  # wrong


@al.loss(granularity="rows")  # wrong
def wrong(prediction: Any, target: Any) -> Any:
    return prediction - target


@al.register
@dataclass(frozen=True)
class Quartic(al.Loss):
    scale: float = 1.0

    def call(self, prediction: Any, target: Any) -> Any:
        return ((prediction - target) / self.scale) ** 4

    def derivative(self, prediction: Any, target: Any) -> Any:
        return 4 * (prediction - target) ** 3 / self.scale**4


Quartic(scale=2.0, reduction="sum")(p, t, weight=p)
Quartic(scael=2.0)  # wrong
Quartic(scale="x")  # wrong
Quartic().scale = 2.0  # wrong
value, gradient = al.value_and_grad(Quartic(scale=2.0))(p, t)


@dataclass(frozen=True)
class Far(al.RowLoss):
    least: float = 1.0

    def call(self, anchor: Floats, other: Floats, third: Floats) -> Floats:
        result: Floats = np.abs(anchor - other - third).max(axis=self.axis)
        return result


Far(least=0.5, axis=0)(p, t, t)
"""

# Every name, so that none is lost on the way from its family.
USE += "".join(f"al.{name}\nal.{name}.no_such_thing  # wrong\n" for name in sorted(al.losses.__all__))

WRONG = {k for k, line in enumerate(USE.splitlines(), 1) if line.endswith("# wrong")}


@pytest.fixture(scope="module")
def user_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("user") / "use.py"
    path.write_text(USE, encoding="utf-8")
    return path


def run(checker: str, *arguments: str, path: Path) -> str:
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed; the nox session `typing` has it")
    source = Path(al.__file__).parents[1]
    # mypy looks at what is installed, and at MYPYPATH, for a package that is taken from its source.
    found = {} if source.name == "site-packages" else {"MYPYPATH": str(source), "PYTHONPATH": str(source)}
    done = subprocess.run(
        [sys.executable, "-m", checker, *arguments, path.name],
        cwd=path.parent,
        env=os.environ | found,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def assert_reported(lines: dict[int, str]) -> None:
    source = USE.splitlines()
    missed = [source[k - 1] for k in sorted(WRONG - lines.keys())]
    false = [f"{source[k - 1]}: {lines[k]}" for k in sorted(lines.keys() - WRONG)]
    assert (missed, false) == ([], [])


def test_mypy_reports_the_wrong_lines_and_no_other(user_file):
    out = run("mypy", "--strict", path=user_file)
    found = re.findall(r"^(\S+):(\d+): error: (.*)$", out, re.MULTILINE)
    assert {name for name, _, _ in found} == {user_file.name}
    assert_reported({int(line): message for _, line, message in found})


def test_pyright_reports_the_wrong_lines_and_no_other(user_file):
    report = json.loads(run("pyright", "--outputjson", "--pythonpath", sys.executable, path=user_file))
    errors = [d for d in report["generalDiagnostics"] if d["severity"] == "error"]
    assert {Path(d["file"]).name for d in errors} == {user_file.name}
    assert_reported({d["range"]["start"]["line"] + 1: d["message"] for d in errors})
