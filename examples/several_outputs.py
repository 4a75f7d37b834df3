"""A model with several outputs, each with a loss of its own, and the weights of these learned with it.

``python examples/several_outputs.py`` trains a linear model of digits on NumPy that tells the digit, whether it is odd,
and its size. Each output's loss counts exp(-s), and s is learned (Kendall, Gal and Cipolla, Multi-task learning using
uncertainty to weigh losses, 2018): an output that is hard to predict counts less.
"""

from typing import Any

import numpy as np

import arraylosses as al
from arraylosses import data

LOSSES = {"digit": "cross_entropy", "odd": "binary_cross_entropy", "size": al.Huber(delta=2.0)}
STEPS, RATE = 200, 0.05


def task() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return features of the digits, and the target of each output."""
    sample = data.load("digits")
    features = sample["logits"] / np.std(sample["logits"])
    labels = sample["labels"]
    return features, {"digit": labels, "odd": (labels % 2).astype(float), "size": labels.astype(float)}


def predict(weights: dict[str, Any], features: np.ndarray) -> dict[str, Any]:
    """Return the outputs of the linear model."""
    return {"digit": features @ weights["digit"], "odd": features @ weights["odd"], "size": features @ weights["size"]}


def objective(parameters: dict[str, Any], features: np.ndarray, targets: dict[str, np.ndarray]) -> Any:
    """Return the sum of exp(-s) times the loss of each output, plus s."""
    xp = al.array_namespace(parameters["s"]["digit"])
    factors = {name: xp.exp(-s) for name, s in parameters["s"].items()}
    value = al.weighted_sum(LOSSES, factors)(predict(parameters["weights"], features), targets)
    return value + parameters["s"]["digit"] + parameters["s"]["odd"] + parameters["s"]["size"]


def main() -> None:
    """Train, and print the loss of each output before and after, and its weight."""
    features, targets = task()
    weights = {"digit": np.zeros((features.shape[1], 10)), "odd": np.zeros(features.shape[1])}
    weights["size"] = np.zeros(features.shape[1])
    parameters = {"weights": weights, "s": {name: np.asarray(0.0) for name in LOSSES}}
    loss = al.weighted_sum(LOSSES)
    before = loss.values(predict(parameters["weights"], features), targets)
    compute = al.value_and_grad(objective)
    for _ in range(STEPS):
        _, gradient = compute(parameters, features, targets)
        parameters = {
            part: {name: x - RATE * gradient[part][name] for name, x in parameters[part].items()} for part in parameters
        }
    after = loss.values(predict(parameters["weights"], features), targets)
    for name in LOSSES:
        factor = np.exp(-parameters["s"][name])
        print(f"{name:<6} loss {before[name]:.3f} -> {after[name]:.3f}, weight {factor:.2f}")


if __name__ == "__main__":
    main()
