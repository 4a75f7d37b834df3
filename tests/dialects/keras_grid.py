"""A grid of calls of the losses of Keras: every argument, reduction, weight, mask, dtype and rank."""

from __future__ import annotations

import functools
import inspect
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from arraylosses.dialects import keras as dialect

FUNCTIONS = sorted(
    name for name, found in vars(dialect).items() if inspect.isfunction(found) and hasattr(found, "items")
)
CLASSES = {getattr(dialect, name).fn.__name__: name for name in dialect.classes.__all__}

SHAPES = {1: (4,), 2: (3, 4), 3: (2, 3, 4), 4: (2, 3, 2, 4)}
CLASS_WEIGHT = [0.5, 1.0, 2.0, 0.25]

OFF_DEFAULT: dict[str, list[Any]] = {
    "alpha": [0.75],
    "apply_class_balancing": [True],
    "axis": [0, 1],
    "beta": [0.25],
    "delta": [0.5],
    "from_logits": [True],
    "gamma": [1.5],
    "ignore_class": [1],
    "label_smoothing": [0.2],
    "margin": [0.25],
    "q": [0.7],
    "remove_diagonal": [False],
}
"""Values of the arguments off their defaults."""

OF_FUNCTIONS: dict[str, dict[str, list[Any]]] = {
    "categorical_focal_crossentropy": {"alpha": [CLASS_WEIGHT, 0.75]},
    "dice": {"axis": [-1, (0, -1)]},
    "tversky": {"axis": [-1, (0, -1)]},
    "circle": {"gamma": [4.0]},
}
"""The same, where a function takes others."""

REDUCTIONS = ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None]
WEIGHTS = ["no", "number", "samples", "column"]
DTYPES = ["float32", "float64", "float16"]


@dataclass(frozen=True)
class Call:
    """A call of a function, or where there is a reduction, of the class of it."""

    function: str
    settings: dict[str, Any] = field(hash=False)
    rank: int
    dtype: str
    reduced: bool = False
    reduction: str | None = None
    weight: str = "no"
    mask: bool = False

    def __str__(self) -> str:
        said = [f"{k}={v}" for k, v in self.settings.items()]
        of_class = [f"{self.reduction}", f"{self.weight} weight", *["mask"] * self.mask] if self.reduced else []
        return "-".join([self.function, *said, f"{self.rank}d", self.dtype, *of_class]).replace(" ", "")


def parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """The parameters beside the arrays, with their defaults."""
    taken = list(inspect.signature(function).parameters.values())[2:]
    return {p.name: p.default for p in taken if not p.name.startswith("ref_")}


def settings_of(name: str) -> Iterator[dict[str, Any]]:
    """The defaults, each argument off its default, and all of them at once."""
    given = parameters(getattr(dialect, name))
    own = {k: OF_FUNCTIONS.get(name, {}).get(k, OFF_DEFAULT[k]) for k in given}
    least = {k: OFF_DEFAULT[k][0] for k, default in given.items() if default is inspect.Parameter.empty}
    if not least:
        yield {}
    for k, values in own.items():
        yield from ({k: value} for value in values)
    if len(own) > 1:
        yield {k: values[-1] for k, values in own.items()}


def ranks_of(name: str, settings: dict[str, Any]) -> list[int]:
    axes = settings.get("axis", -1)
    least = max((k + 1 if k >= 0 else -k for k in (axes if isinstance(axes, tuple) else (axes,))), default=1)
    ranks = {"ctc": [3], "circle": [2]}.get(name, [1, 2, 3, 4])
    if name == "categorical_focal_crossentropy" and isinstance(settings.get("alpha"), list):
        least = max(least, 2)
    return [rank for rank in ranks if rank > (1 if isinstance(axes, tuple) else 0) and rank >= least]


@functools.cache
def grid() -> dict[str, list[list[Call]]]:
    """For each function, and each of its settings, the calls."""
    found: dict[str, list[list[Call]]] = {}
    for name in FUNCTIONS:
        found[name] = []
        for settings in settings_of(name):
            calls = []
            for rank, dtype in itertools.product(ranks_of(name, settings), DTYPES):
                calls.append(Call(name, settings, rank, dtype))
                for reduction, weight, mask in itertools.product(REDUCTIONS, WEIGHTS, (False, True)):
                    call = Call(name, settings, rank, dtype, True, reduction, weight, mask)
                    if not departs(call):
                        calls.append(call)
            found[name].append(calls)
    return found


def departs(call: Call) -> bool:
    """Whether Keras does what is not to be had here: see the module's table of departures."""
    if not values_shape(call) and (call.weight in ("samples", "column") or call.mask):
        return True  # the weights of a sample's items, which Keras's mean has lost
    # Keras divides by the sum of weights that it has not broadcast.
    return call.reduction == "mean_with_sample_weight" and call.weight == "number"


def sampled(function: str) -> list[Call]:
    """Some of a function's calls, always the same: its class with each setting, and the function itself with all."""
    every = grid()[function]
    rng = random.Random(function)
    of_class = [rng.choice([call for call in calls if call.reduced]) for calls in every]
    return [*of_class, rng.choice([call for call in every[-1] if not call.reduced])]


# Arrays


def values_shape(call: Call) -> tuple[int, ...]:
    """The shape of what the function returns."""
    shape = SHAPES[call.rank]
    if call.function in ("circle", "ctc"):
        return shape[:1]
    axis = call.settings.get("axis", None if call.function in ("dice", "tversky") else -1)
    if axis is None:
        return ()
    gone = {k % call.rank for k in (axis if isinstance(axis, tuple) else (axis,))}
    return tuple(n for k, n in enumerate(shape) if k not in gone)


def inputs(call: Call) -> tuple[np.ndarray, np.ndarray]:
    """`y_true` and `y_pred`, away from limits and ties."""
    rng = np.random.default_rng(len(call.function) + 7 * call.rank)
    shape, name = SHAPES[call.rank], call.function
    axis = call.settings.get("axis", -1)
    normal, uniform = rng.normal(size=shape), rng.uniform(0.05, 0.95, size=shape)
    if name in ("mean_squared_logarithmic_error", "poisson"):
        return rng.integers(0, 5, size=shape).astype("float64"), 3.0 * uniform
    if name == "mean_absolute_percentage_error":
        return np.sign(normal) * (0.5 + uniform), rng.normal(size=shape)
    if name in ("hinge", "squared_hinge"):
        signs = np.where(uniform > 0.5, 1.0, -1.0 if call.rank % 2 else 0.0)
        return signs, np.where(np.abs(np.abs(normal) - 1.0) < 0.05, 0.5, normal)
    if name == "categorical_hinge":
        return one_hot(rng, shape, -1), normal
    if name == "kl_divergence":
        return distribution(rng, shape, -1), distribution(rng, shape, -1)
    if name.startswith("binary"):
        labels = np.where(rng.uniform(size=shape) < 0.3, 0.25, rng.integers(0, 2, size=shape))
        return labels, normal if call.settings.get("from_logits") else uniform
    if name == "ctc":
        return np.asarray([[1, 2, 0], [3, 0, 0]]), normal
    if name == "circle":
        return np.asarray([0, 1, 0]), normal / np.linalg.norm(normal, axis=-1, keepdims=True)
    if name in ("dice", "tversky"):
        return rng.integers(0, 2, size=shape).astype("float64"), uniform
    if name.startswith(("sparse", "categorical_generalized")):
        labels = rng.integers(0, shape[axis], size=np.delete(shape, axis))
        return labels, normal if call.settings.get("from_logits") else uniform
    if name.startswith("categorical"):
        soft = distribution(rng, shape, axis) if call.rank % 2 else one_hot(rng, shape, axis)
        return soft, normal if call.settings.get("from_logits") else uniform
    return rng.normal(size=shape), normal


def distribution(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> np.ndarray:
    drawn = rng.uniform(0.1, 1.0, size=shape)
    return drawn / drawn.sum(axis=axis, keepdims=True)


def one_hot(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> np.ndarray:
    labels = rng.integers(0, shape[axis], size=np.delete(shape, axis))
    return np.moveaxis(np.eye(shape[axis])[labels], -1, axis)


def sample_weight(call: Call) -> Any:
    """The weight of a call, a number or one a sample; in a column as Keras's generators give it."""
    shape = values_shape(call)
    weight = np.linspace(0.5, 2.0, int(np.prod(shape))).reshape(shape)
    return {"no": None, "number": 0.75, "samples": weight, "column": weight[..., None]}[call.weight]


def mask(call: Call) -> np.ndarray | None:
    """The mask of a call, which leaves out the second sample and others."""
    shape = values_shape(call)
    return (np.arange(int(np.prod(shape))) % 3 != 1).reshape(shape) if call.mask else None
