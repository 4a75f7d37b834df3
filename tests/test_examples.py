"""The examples run, print what the README shows of them, and train alike on every library."""

from __future__ import annotations

import functools
import importlib.util
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]

STEPS = 50


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


three_libraries = load("three_libraries")
training = load("training")

TASKS = dict(zip(("linear", "logistic", "perceptron"), training.tasks(), strict=True))

on_each_task = pytest.mark.parametrize("task", TASKS)
on_each_library = pytest.mark.parametrize(
    "library", [pytest.param(name, marks=pytest.mark.backend(name)) for name in training.LIBRARIES]
)


# three_libraries.py and what the README shows of it


def readme(language: str) -> str:
    """The block in a language between the README's marks."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    example = text.partition("<!-- example -->")[2].partition("<!-- /example -->")[0]
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", example, re.DOTALL | re.MULTILINE)
    return block


def test_the_readme_shows_the_lines_of_the_example():
    source = (ROOT / "examples" / "three_libraries.py").read_text(encoding="utf-8")
    lines = readme("python")
    assert len(lines.splitlines()) == 5
    assert textwrap.indent(lines, "    ") in source


def test_the_readme_shows_every_library():
    assert [block.splitlines()[0] for block in readme("text").split("\n\n")] == list(three_libraries.NAMESPACES)


@on_each_library
def test_the_readme_shows_what_the_example_prints(library, capsys):
    three_libraries.main([library])
    assert capsys.readouterr().out.strip() in [block.strip() for block in readme("text").split("\n\n")]


def test_the_example_names_what_is_not_installed(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "numpy" or None)
    three_libraries.main()
    blocks = capsys.readouterr().out.split("\n\n")
    assert blocks[0].startswith("numpy\nloss 1.1567\narray(")
    assert [block.strip() for block in blocks[1:]] == ["torch\nnot installed", "jax\nnot installed"]


# training.py


@functools.cache
def losses(task: str, library: str, steps: int = STEPS) -> np.ndarray:
    with training.namespace(library) as xp:
        return np.asarray(training.train(TASKS[task], xp, steps))


@functools.cache
def plain_torch(task: str) -> np.ndarray:
    """The losses of the same training in torch alone: its own losses, autograd and optimizer."""
    import torch
    from torch.nn import functional

    given = TASKS[task]
    x, y = torch.tensor(given.features), torch.tensor(given.target)
    parameters = [torch.tensor(parameter, requires_grad=True) for parameter in given.parameters]
    optimizer = torch.optim.SGD(parameters, lr=given.rate)

    def linear(weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return functional.mse_loss(torch.mv(x, weight) + bias, y)

    def logistic(weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return functional.binary_cross_entropy_with_logits(torch.mv(x, weight) + bias, y)

    def perceptron(v: torch.Tensor, b: torch.Tensor, w: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(torch.addmm(c, torch.tanh(torch.addmm(b, x, v)), w), y)

    loss = {"linear": linear, "logistic": logistic, "perceptron": perceptron}[task]
    values = []
    for _ in range(STEPS + 1):
        optimizer.zero_grad()
        value = loss(*parameters)
        value.backward()
        optimizer.step()
        values.append(value.item())
    return np.asarray(values)


@on_each_task
@pytest.mark.parametrize(
    "library", [pytest.param(name, marks=pytest.mark.backend(name)) for name in training.LIBRARIES if name != "numpy"]
)
def test_training_does_not_depend_on_the_library(task, library):
    np.testing.assert_allclose(losses(task, library), losses(task, "numpy"), rtol=1e-9)


@on_each_task
@on_each_library
@pytest.mark.backend("torch")
def test_training_is_that_of_plain_torch(task, library):
    np.testing.assert_allclose(losses(task, library), plain_torch(task), rtol=1e-9)


@on_each_task
def test_training_learns(task):
    values = losses(task, "numpy")
    assert values.dtype == "float64"
    assert len(values) == STEPS + 1
    assert np.all(np.diff(values) < 0)


def test_linear_regression_reaches_the_least_squares():
    task = TASKS["linear"]
    # Of standardised arrays, the least mean of squares is 1 - r², with the correlation r.
    correlation = np.corrcoef(task.features[:, 0], task.target)[0, 1]
    np.testing.assert_allclose(losses("linear", "numpy", 600)[-1], 1 - correlation**2, rtol=1e-12)


def test_logistic_regression_is_that_of_the_textbook():
    task = TASKS["logistic"]
    x, t = task.features, task.target
    weight, bias = task.parameters
    # Gradient descent with Xᵀ(p - t)/n, where p is the probability of 1.
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-(x @ weight + bias)))
        weight, bias = weight - task.rate * x.T @ (p - t) / len(t), bias - task.rate * np.mean(p - t)
    p = 1 / (1 + np.exp(-(x @ weight + bias)))
    np.testing.assert_allclose(losses("logistic", "numpy")[-1], -np.mean(np.log(np.where(t == 1, p, 1 - p))), rtol=1e-9)


def test_the_script_prints_the_losses():
    command = [sys.executable, str(ROOT / "examples" / "training.py"), "--steps=8"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    steps = range(0, 9, 2)
    expected = []
    for name, task in TASKS.items():
        values = losses(name, "numpy", 8)
        expected += [task.name, *(f"{step:6d} steps  loss {values[step]:.10f}" for step in steps)]
    assert lines == expected
