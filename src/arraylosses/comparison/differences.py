"""The computation on a library, and how far it is from the reference."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._array_api import Array, Namespace, to_numpy
from ..gradients import value_and_grad
from ..registry import get
from .backends import Backend, session
from .inputs import FloatArray, Problem, rounded
from .text import error_line

__all__ = ["Outcome", "Reference", "compute", "found_on", "reference_of"]


class Outcome(NamedTuple):
    """What a computation gave."""

    value: FloatArray | None
    gradients: tuple[FloatArray, ...] | None
    error: str | None


class Reference(NamedTuple):
    """What NumPy gives in float64, from the inputs that a dtype is computed from."""

    inputs: Problem
    outcome: Outcome
    magnitude: float
    """What the value would be if all items had one sign; the largest item for reduction "none"."""


def reference_of(problem: Problem, dtype: str) -> Reference:
    """Round the inputs to `dtype`, and compute in float64 from these."""
    inputs = rounded(problem, dtype)
    exact = rounded(inputs, "float64")
    outcome = compute(exact, "numpy", np, "float64")
    with np.errstate(all="ignore"):
        return Reference(inputs, outcome, _magnitude(exact, outcome))


def found_on(backend: Backend, reference: Reference, dtype: str, limit: float) -> dict[str, Any]:
    """Compute on a library, and return the fields of a row that say what came of it."""
    outcome = compute(reference.inputs, backend.status.name, backend.xp, dtype)
    with np.errstate(all="ignore"):
        return _differences(outcome, reference, dtype, limit)


def compute(problem: Problem, backend: str, xp: Namespace, dtype: str) -> Outcome:
    """Compute a loss and its gradients on a library."""
    loss = problem.loss
    summed = get(loss, reduction="sum") if loss.reduction == "none" else loss
    floating = [k for k, x in enumerate(problem.arrays) if x.dtype.kind == "f"]
    step = ""

    def both(*arrays: Array, **extras: Array) -> tuple[Array, Any]:
        nonlocal step
        value = loss(*arrays, **extras)
        step = "gradient: "
        return value, value_and_grad(summed, floating)(*arrays, **extras)[1]

    try:
        with session(backend, dtype):
            arrays = [xp.asarray(x) for x in problem.arrays]
            extras = {name: xp.asarray(x) for name, x in problem.extras.items()}
            try:
                value, gradients = _compiled(both, backend)(*arrays, **extras)
            except Exception as error:
                if not step:
                    raise
                return Outcome(_float64(loss(*arrays, **extras)), None, step + error_line(error))
            return Outcome(_float64(value), tuple(map(_float64, gradients)), None)
    except Exception as error:  # a backend that fails is a result, whatever it raises
        return Outcome(None, None, error_line(error))


# As XLA would take far longer to optimise a program than to run it once, it is asked not to.
_UNOPTIMISED = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_use_fusion_emitters": False,
}


def _compiled(function: Callable[..., Any], backend: str) -> Callable[..., Any]:
    """Return the function, for JAX as one program: operation by operation it would compile a hundred, far slower."""
    if backend != "jax":
        return function

    def run(*arrays: Array, **extras: Array) -> Any:
        lowered = sys.modules["jax"].jit(function).lower(*arrays, **extras)
        try:
            program = lowered.compile(_UNOPTIMISED)
        except Exception:  # XLA of another version may lack one of these
            program = lowered.compile()
        return program(*arrays, **extras)

    return run


def _float64(x: Array) -> FloatArray:
    return to_numpy(x).astype(np.float64)


def _differences(outcome: Outcome, reference: Reference, dtype: str, limit: float) -> dict[str, Any]:
    value, expected = outcome.value, reference.outcome.value
    found: dict[str, Any] = {"status": "failed", "error": outcome.error}
    if value is None or expected is None:
        return {**found, "error": outcome.error or f"reference: {reference.outcome.error}"}
    if value.shape != expected.shape:
        return {**found, "error": f"shape {value.shape}, but {expected.shape} on NumPy"}
    found |= {"value": float(np.mean(value)), "reference": float(np.mean(expected))}
    gradients, exact = outcome.gradients, reference.outcome.gradients
    if _all_nan(value) and _all_nan(expected):
        return {**found, "error": outcome.error or _nothing_to_compare("the value", reference.inputs)}
    if gradients and exact and any(map(_all_nan, gradients)) and any(map(_all_nan, exact)):
        return {**found, "error": _nothing_to_compare("a gradient", reference.inputs)}

    difference = _distance(value, expected)
    unit = np.spacing(np.abs(expected).astype(dtype)).astype(np.float64)
    absolute = _largest(difference)
    found |= {
        "absolute_difference": absolute,
        "ulp_difference": _largest(np.where(difference == 0, 0.0, difference / unit)),
    }
    agrees = absolute == 0 or (math.isfinite(absolute) and absolute <= limit * reference.magnitude)
    if gradients is not None and exact is not None:
        gradient = _largest(
            np.asarray([_relative(ours, theirs) for ours, theirs in zip(gradients, exact, strict=True)])
        )
        found["gradient_difference"] = gradient
        agrees = agrees and gradient <= limit
    if found["error"] is None:
        found["status"] = "agrees" if agrees else "differs"
    return found


def _nothing_to_compare(result: str, inputs: Problem) -> str:
    """Say that a result is NaN on both sides, which shows nothing, and where the NaN may come from."""
    names = (*inputs.loss.array_names, *inputs.extras)
    arrays = (*inputs.arrays, *inputs.extras.values())
    holding = [f"`{n}`" for n, x in zip(names, arrays, strict=True) if x.dtype.kind == "f" and np.any(np.isnan(x))]
    cause = f"; there is NaN in {', '.join(holding)}, and `where` leaves items out" if holding else ""
    return f"nothing to compare: {result} is NaN here and in the reference{cause}"


def _all_nan(x: FloatArray) -> bool:
    return x.size > 0 and bool(np.all(np.isnan(x)))


def _distance(x: FloatArray, y: FloatArray) -> FloatArray:
    """|x - y|, and 0 where both are NaN or the same infinity."""
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    return np.where(same, 0.0, np.abs(x - y))


def _largest(x: FloatArray) -> float:
    return float(np.max(x, initial=0.0))


def _relative(gradient: FloatArray, reference: FloatArray) -> float:
    if gradient.shape != reference.shape:
        return math.inf
    largest = _largest(np.abs(reference[np.isfinite(reference)]))
    return _largest(_distance(gradient, reference)) / (largest or 1.0)


def _magnitude(problem: Problem, reference: Outcome) -> float:
    if reference.value is None:
        return math.nan
    items = np.asarray(get(problem.loss, reduction="none")(*problem.arrays, **problem.extras))
    total = float(np.abs(np.sum(items)))
    if reference.value.ndim or total == 0:
        return _largest(np.abs(items))
    return float(np.abs(reference.value)) * float(np.sum(np.abs(items))) / total
