"""The examples run, print what the README shows of them, and train alike on every library."""

from __future__ import annotations

import functools
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from unittest import mock

import numpy as np
import pytest

import arraylosses as al
from arraylosses import registry

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


def test_the_readme_shows_every_library():
    assert [block.splitlines()[0] for block in readme("text").split("\n\n")] == list(three_libraries.NAMESPACES)


@on_each_library
def test_the_readme_shows_what_the_example_prints(library, capsys):
    three_libraries.main([library])
    assert capsys.readouterr().out.strip() in [block.strip() for block in readme("text").split("\n\n")]


def test_the_readme_lists_every_loss():
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("| family |")[2]
    assert {name for name in al.registered() if "." not in name} <= set(re.findall(r"`(\w+)", table))


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


# custom_loss.py

# Its losses are registered while it is loaded, and no other test is to find them.
with mock.patch.dict(registry._BY_CANONICAL), mock.patch.dict(registry._BY_NAME):
    custom_loss = load("custom_loss")


@pytest.mark.parametrize("library", [pytest.param(x, marks=pytest.mark.backend(x)) for x in custom_loss.NAMESPACES])
def test_a_loss_of_one_s_own_is_the_same_on_every_library(library):
    xp = importlib.import_module(custom_loss.NAMESPACES[library])
    (_, cost, slope), (_, smooth, smooth_slope) = custom_loss.example(xp)
    # One too little, at 4 each, and 0.5 and 4 too much, at 1 each.
    np.testing.assert_allclose(float(cost), (4 + 0.5 + 4) / 3, rtol=1e-6)
    np.testing.assert_allclose([float(g) for g in slope], np.asarray([-4, 1, 1]) / 3, rtol=1e-6)
    left = np.asarray([-1.0, 0.5, 4.0])
    np.testing.assert_allclose(float(smooth), np.mean(left + 2.5 * np.log1p(np.exp(-2 * left))), rtol=1e-6)
    np.testing.assert_allclose(
        [float(g) for g in smooth_slope], (1 - 5 / (1 + np.exp(2 * left))) / 3, rtol=1e-5, atol=1e-7
    )


def test_the_script_names_each_library(capsys):
    custom_loss.main(["numpy"])
    assert capsys.readouterr().out.splitlines() == [
        "numpy  StockCost        2.8333  gradient -1.3333,  0.3333,  0.3333",
        "numpy  SmoothStockCost  3.2004  gradient -1.1347, -0.1149,  0.3328",
    ]


# torch_custom_loss.py

torch_custom_loss = load("torch_custom_loss")


@pytest.mark.parametrize(
    "library", [pytest.param(x, marks=pytest.mark.backend(x)) for x in torch_custom_loss.NAMESPACES]
)
def test_a_loss_in_torch_s_two_ways_is_the_same_on_every_library(library):
    found = torch_custom_loss.example(importlib.import_module(torch_custom_loss.NAMESPACES[library]))
    assert [name for name, _, _ in found] == ["function", "module"]
    # The logits of the three pixels that are labelled, each with the one of its label first.
    pixels = np.asarray([[2.0, 0.0, -1.0], [1.5, 0.0, 0.0], [3.0, 0.5, -0.5]])
    p = np.exp(pixels[:, 0]) / np.sum(np.exp(pixels), axis=1)
    for _, value, gradient in found:
        np.testing.assert_allclose(float(value), np.mean((1.0 - p) ** 2 * -np.log(p)), rtol=1e-5)
        np.testing.assert_array_equal([float(g) for g in gradient[0, :, 1]], [0.0, 0.0, 0.0])
        # By the logit of the label p (1 - p) times the derivative by p
        slope = p * (1.0 - p) * (2.0 * (1.0 - p) * np.log(p) - (1.0 - p) ** 2 / p) / 3.0
        np.testing.assert_allclose(float(gradient[0, 0, 0]), slope[0], rtol=1e-4)


# evaluate_outputs.py


def test_a_pipeline_of_numpy_evaluates_a_torch_model(tmp_path):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    labels = torch.arange(40) % 4
    logits = torch.nn.Linear(5, 4)(torch.randn(40, 5)) * 3
    np.savez(tmp_path / "outputs.npz", logits=logits.detach().numpy(), labels=labels.numpy())
    command = [sys.executable, str(ROOT / "examples" / "evaluate_outputs.py"), str(tmp_path / "outputs.npz")]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[-1] == "torch was not imported"
    found = {line[:32].strip(): float(line[32:]) for line in lines[:-1]}
    expected = torch.nn.functional.cross_entropy(logits, labels)
    np.testing.assert_allclose(found["cross entropy"], expected.item(), rtol=1e-5)
    each = [torch.nn.functional.cross_entropy(logits[labels == k], labels[labels == k]).item() for k in range(4)]
    np.testing.assert_allclose(found["cross entropy, each class alike"], np.mean(each), rtol=1e-5)
    hardest = int(np.argmax(each))
    np.testing.assert_allclose(found[f"cross entropy of class {hardest}"], each[hardest], rtol=1e-5)


# jax_training.py


@pytest.mark.backend("jax")
@pytest.mark.parametrize("way", ["equinox", "flax"])
def test_training_on_jax_is_the_same_in_each_way(way):
    pytest.importorskip("optax")
    pytest.importorskip(way)
    example = load("jax_training")
    expected = example.plain(20)
    np.testing.assert_allclose(getattr(example, way)(20), expected, rtol=1e-5)
    assert expected[-1] < expected[0] / 2


# lightning_training.py


@pytest.mark.backend("torch")
@pytest.mark.filterwarnings("ignore")  # Lightning's advice on workers and loggers
def test_training_in_lightning_follows_that_with_torch_s_own_loss():
    pytest.importorskip("lightning")
    import torch

    example = load("lightning_training")
    criterion = example.weighted()
    found = example.train(criterion, epochs=2)
    expected = example.train(torch.nn.CrossEntropyLoss(criterion.class_weight.clone()), epochs=2)
    np.testing.assert_allclose(found.curve, expected.curve, rtol=1e-5)
    assert "criterion.class_weight" in found.state_dict()


# hugging_face.py


@pytest.mark.backend("torch")
@pytest.mark.filterwarnings("ignore")  # of torch and of Transformers, about each other
def test_accumulated_batches_in_hugging_face_s_trainer_are_one_batch():
    pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    example = load("hugging_face")
    whole = example.train(example.compute_loss, 1)
    for accumulation in (1, 4):
        native = example.train(None, accumulation)
        found = example.train(example.compute_loss, accumulation)
        np.testing.assert_allclose(found, native, rtol=1e-4)
        np.testing.assert_allclose(found, whole, rtol=1e-4)


# keras_custom_loss.py


@pytest.mark.parametrize("library", [pytest.param(x, marks=pytest.mark.backend(x)) for x in ("numpy", "torch")])
def test_a_loss_in_keras_s_two_ways_is_the_same(library):
    found = load("keras_custom_loss").example(importlib.import_module(library))
    assert [name for name, *_ in found] == ["wrapped", "pinball"]
    for _, value, gradient in found:
        # 1 and 0.5 too much, at 0.25 a unit, and 2 too little, at 0.75, which counts twice
        np.testing.assert_allclose(float(value), (0.25 + 0.125 + 2 * 1.5) / 3, rtol=1e-6)
        slopes = [float(g) for g in gradient[:, 0]]
        np.testing.assert_allclose(slopes, np.asarray([0.25, 0.25, -1.5]) / 3, rtol=1e-6)


# more_than_memory.py, several_outputs.py and gradient_accumulation.py


def numbers(text: str) -> list[float]:
    return [float(x) for x in re.findall(r"\d+\.\d+", text)]


def test_data_beyond_memory_has_the_loss_of_the_whole(capsys):
    load("more_than_memory").main(repeats=3, size=70)
    found = numbers(capsys.readouterr().out)
    assert len(found) >= 3
    np.testing.assert_allclose(found, found[-1], atol=2e-6)


def test_every_output_is_learned_and_its_weight_with_it(capsys):
    load("several_outputs").main()
    lines = [numbers(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 3
    for before, after, weight in lines:
        assert after < before
        # Where s is at its best, exp(-s) is one over the loss.
        np.testing.assert_allclose(weight, 1 / after, rtol=0.25)


@pytest.mark.parametrize("library", [pytest.param(x, marks=pytest.mark.backend(x)) for x in ("torch", "jax")])
def test_small_batches_add_up_to_the_gradient_of_the_whole(library):
    accumulated, whole = load("gradient_accumulation").WAYS[library]()
    np.testing.assert_allclose(accumulated, whole, rtol=1e-5, atol=1e-7)
