"""One loss in XGBoost, LightGBM, torch and JAX: ``python examples/focal_in_four_libraries.py``.

The focal loss is made once. Two boosters of trees take it as their objective, and two libraries of arrays train a
linear model under it; all are measured by it, on the half of scikit-learn's breast cancer data that none of them has
seen. A library that is not installed is named and left out.
"""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import arraylosses as al
from arraylosses.interop import lightgbm as for_lightgbm
from arraylosses.interop import xgboost as for_xgboost

Array: TypeAlias = Any
Margins: TypeAlias = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

LOSS = al.BinaryFocal(gamma=2.0, alpha=0.25)

ROUNDS = 50
STEPS = 300
RATE = 1.0


def xgboost(features: np.ndarray, target: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Return the margins of trees of XGBoost."""
    library = importlib.import_module("xgboost")
    start = float(al.best_constant(LOSS, target))
    parameters = {"base_score": start, "max_depth": 3, "nthread": 1}
    data = library.DMatrix(features, target)
    booster = library.train(parameters, data, ROUNDS, obj=for_xgboost.objective(LOSS))
    margins: np.ndarray = booster.predict(library.DMatrix(unseen), output_margin=True)
    return margins


def lightgbm(features: np.ndarray, target: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Return the margins of trees of LightGBM, which adds no start to what they predict."""
    library = importlib.import_module("lightgbm")
    start = float(al.best_constant(LOSS, target))
    parameters = {"objective": for_lightgbm.objective(LOSS), "num_threads": 1, "verbose": -1}
    data = library.Dataset(features, target, init_score=np.full(len(target), start))
    margins: np.ndarray = start + library.train(parameters, data, ROUNDS).predict(unseen)
    return margins


def linear_model(xp: Any, compiled: Any, features: np.ndarray, target: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Return the margins of a linear model that is trained by gradient descent on the arrays of the namespace `xp`."""
    x, y, z = [xp.asarray(array.astype("float32")) for array in (features, target, unseen)]

    def objective(parameters: dict[str, Array]) -> Array:
        return LOSS(x @ parameters["weight"] + parameters["bias"], y)

    gradient = compiled(al.grad(objective))
    parameters = {"weight": xp.zeros(x.shape[1], dtype=xp.float32), "bias": xp.zeros((), dtype=xp.float32)}
    for _ in range(STEPS):
        slope = gradient(parameters)
        parameters = {name: value - RATE * slope[name] for name, value in parameters.items()}
    return np.asarray(z @ parameters["weight"] + parameters["bias"])


def torch(features: np.ndarray, target: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Return the margins of a linear model on torch's tensors."""
    return linear_model(importlib.import_module("torch"), lambda f: f, features, target, unseen)


def jax(features: np.ndarray, target: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Return the margins of a linear model on JAX's arrays."""
    library = importlib.import_module("jax")
    return linear_model(library.numpy, library.jit, features, target, unseen)


MODELS: dict[str, Margins] = {"xgboost": xgboost, "lightgbm": lightgbm, "torch": torch, "jax": jax}


def losses(libraries: Sequence[str] = tuple(MODELS)) -> dict[str, tuple[float, float]]:
    """Return the loss and the share of right answers on the unseen half, by library."""
    features, target = load_breast_cancer(return_X_y=True)
    half, unseen, target, truth = train_test_split(features, target.astype(float), test_size=0.5, random_state=0)
    scaler = StandardScaler().fit(half)
    half, unseen = scaler.transform(half), scaler.transform(unseen)
    found = {}
    for name in libraries:
        margins = MODELS[name](half, target, unseen).astype(float)
        found[name] = float(LOSS(margins, truth)), float(np.mean((margins > 0) == (truth == 1)))
    start = np.full(truth.shape, al.best_constant(LOSS, target))
    return {"the best constant": (float(LOSS(start, truth)), float(np.mean((start > 0) == (truth == 1)))), **found}


def main(libraries: Sequence[str] = tuple(MODELS)) -> None:
    """Train on every library that is installed, and print how it does."""
    installed = [name for name in libraries if importlib.util.find_spec(name)]
    print(f"{'':20}{'focal loss':>10}{'right':>8}")
    for name, (loss, right) in losses(installed).items():
        print(f"{name:20}{loss:10.5f}{right:8.1%}")
    for name in libraries:
        if name not in installed:
            print(f"{name:20}{'not installed':>18}")


if __name__ == "__main__":
    main()
