"""Three models trained by plain gradient descent, in the same lines on NumPy, torch and JAX arrays.

``python examples/training.py --library torch`` trains a linear regression, a logistic regression and a perceptron of
two layers on the samples that come with the package, in float64, and prints the loss on the way. The numbers do not
depend on the library.
"""

import argparse
import contextlib
import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

import arraylosses as al
from arraylosses.data import load

Array: TypeAlias = Any

LIBRARIES = ("numpy", "torch", "jax")


def linear(features: Array, weight: Array, bias: Array) -> Array:
    """One number for each row of features, or several where the weight is a matrix."""
    return features @ weight + bias


def perceptron(features: Array, weight: Array, bias: Array, out_weight: Array, out_bias: Array) -> Array:
    """Two layers, with tanh in between."""
    xp = al.array_namespace(features, weight)
    return linear(xp.tanh(linear(features, weight, bias)), out_weight, out_bias)


@dataclass(frozen=True)
class Task:
    """What is trained, and on what: NumPy arrays, which `train` hands to any library."""

    name: str
    model: Callable[..., Array]
    loss: al.Loss
    features: np.ndarray
    target: np.ndarray
    parameters: tuple[np.ndarray, ...]
    rate: float


def train(task: Task, xp: Any, steps: int) -> list[float]:
    """Return the loss after 0, 1, ... and `steps` steps of gradient descent on the arrays of the namespace `xp`."""
    features, target = xp.asarray(task.features), xp.asarray(task.target)
    parameters = [xp.asarray(parameter) for parameter in task.parameters]

    def objective(*parameters: Array) -> Array:
        return task.loss(task.model(features, *parameters), target)

    value_and_grad = al.value_and_grad(objective, argnums=range(len(parameters)))
    losses = []
    for _ in range(steps + 1):
        value, gradients = value_and_grad(*parameters)
        losses.append(float(value))
        parameters = [p - task.rate * g for p, g in zip(parameters, gradients, strict=True)]
    return losses


def tasks() -> list[Task]:
    """Return the three tasks, each with the parameters that it starts from."""
    digits, diabetes = load("digits"), load("diabetes")
    logits, labels = _standardised(digits["logits"]), digits["labels"]
    prediction, progression = _standardised(diabetes["prediction"]), _standardised(diabetes["target"])
    rng = np.random.default_rng(0)

    def layer(*shape: int) -> np.ndarray:
        return rng.normal(size=shape) / shape[0] ** 0.5

    return [
        Task(
            name="linear regression: the progression of diabetes, from another model's prediction",
            model=linear,
            loss=al.SquaredError(),
            features=prediction[:, None],
            target=progression,
            parameters=(layer(1), np.zeros(())),
            rate=0.02,
        ),
        Task(
            name="logistic regression: whether a digit is at least 5, from ten features",
            model=linear,
            loss=al.BinaryCrossEntropy(),
            features=logits,
            target=(labels >= 5).astype("float64"),
            parameters=(layer(10), np.zeros(())),
            rate=0.5,
        ),
        Task(
            name="perceptron of two layers: which digit it is, from ten features",
            model=perceptron,
            loss=al.CrossEntropy(),
            features=logits,
            target=labels,
            parameters=(layer(10, 16), np.zeros(16), layer(16, 10), np.zeros(10)),
            rate=0.5,
        ),
    ]


def _standardised(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(axis=0)) / x.std(axis=0)


@contextlib.contextmanager
def namespace(library: str) -> Iterator[Any]:
    """Hold a library at 64 bits and give its namespace."""
    if library == "jax":
        jax = importlib.import_module("jax")
        with jax.enable_x64(True):
            yield jax.numpy
    else:
        yield importlib.import_module(library)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all three on the library that is asked for, and print the loss five times."""
    parser = argparse.ArgumentParser(description="Train three small models by gradient descent.")
    parser.add_argument("--library", choices=LIBRARIES, default="numpy", help="whose arrays (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=100, help="how many of gradient descent (default: %(default)s)")
    options = parser.parse_args(arguments)
    with namespace(options.library) as xp:
        for task in tasks():
            losses = train(task, xp, options.steps)
            print(task.name)
            for step in sorted({*range(0, options.steps, max(options.steps // 4, 1)), options.steps}):
                print(f"{step:6d} steps  loss {losses[step]:.10f}")


if __name__ == "__main__":
    main()
