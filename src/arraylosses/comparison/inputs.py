"""What is to be computed: each loss that was asked for, with its settings and its arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .. import data
from .._array_api import Array, is_array, to_numpy
from ..arguments import closest
from ..loss import Loss, setting_names
from ..registry import canonical_name, get, registered
from .text import error_line

__all__ = ["AnyLoss", "FloatArray", "Problem", "loss_name", "problems", "rounded", "set_up"]

AnyLoss: TypeAlias = str | Loss | type[Loss] | Callable[..., Any]
FloatArray: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"


class Problem(NamedTuple):
    """A loss with its arrays, and its weight and mask by name."""

    loss: Loss
    sample: str
    arrays: tuple[FloatArray, ...]
    extras: dict[str, FloatArray]


def problems(
    losses: AnyLoss | Sequence[AnyLoss] | None,
    arrays: Sequence[Array] | Mapping[str, Array] | None,
    weight: Array | None,
    where: Array | None,
    settings: dict[str, Any],
    skipped: dict[str, str],
) -> Iterator[Problem]:
    """Pair each loss with its arrays. One that was asked for and does not fit them raises; any other is left out."""
    extras = {name: _given(name, x) for name, x in {"weight": weight, "where": where}.items() if x is not None}
    given = _given_arrays(arrays)
    for loss in set_up(losses, settings, skipped):
        try:
            if given is None:
                sample, taken = data.sample_for(loss.declaration, loss.class_axis())
            else:
                sample, taken = "given", _in_order(loss, given)
                if losses is None:
                    _require_domains(loss, taken)
            problem = Problem(loss, sample, taken, extras)
            if losses is not None or given is not None or extras:
                _check(problem)
        except (TypeError, ValueError) as error:
            if losses is not None:
                raise
            skipped[loss_name(loss)] = error_line(error)
        else:
            yield problem


def set_up(
    losses: AnyLoss | Sequence[AnyLoss] | None, settings: Mapping[str, Any], skipped: dict[str, str]
) -> list[Loss]:
    """Return the losses that were asked for, or all of them, each with those of the settings that it has."""
    several = isinstance(losses, Sequence) and not isinstance(losses, str)
    chosen: Any = losses if losses is None or several else [losses]
    if chosen is not None and len(chosen) == 1:
        return [get(chosen[0], **settings)]
    found: list[Loss] = []
    known: set[str] = set()
    for item in registered().values() if chosen is None else chosen:
        try:
            plain = get(item)
        except TypeError as error:  # it has a setting without a default
            if chosen is None and not settings:
                skipped[loss_name(item)] = error_line(error)
                continue
            plain = get(item, **settings)
        names = setting_names(type(plain))
        known |= set(names)
        found.append(get(plain, **{name: value for name, value in settings.items() if name in names}))
    for name in settings:
        if name not in known:
            raise TypeError(f"`{name}` is a setting of none of the losses{closest(name, sorted(known))}")
    return found


def loss_name(loss: Loss | type[Loss]) -> str:
    """Return the name of a loss, registered or not."""
    return canonical_name(loss if isinstance(loss, type) else type(loss))


def rounded(problem: Problem, dtype: str) -> Problem:
    """Return a problem with its floating arrays in `dtype`."""
    with np.errstate(all="ignore"):
        return problem._replace(
            arrays=tuple(_as(x, dtype) for x in problem.arrays),
            extras={name: _as(x, dtype) for name, x in problem.extras.items()},
        )


def _as(x: FloatArray, dtype: str) -> FloatArray:
    return np.array(x, dtype=dtype if x.dtype.kind == "f" else x.dtype)


def _given(name: str, x: Any) -> FloatArray:
    if not is_array(x):
        raise TypeError(f"`{name}` must be an array, got {type(x).__name__}")
    return to_numpy(x)


def _given_arrays(arrays: Any) -> dict[str, FloatArray] | tuple[FloatArray, ...] | None:
    if arrays is None:
        return None
    if isinstance(arrays, Mapping):
        return {name: _given(name, x) for name, x in arrays.items()}
    if is_array(arrays) or not isinstance(arrays, Sequence):
        raise TypeError(f"`arrays` must be a sequence or a mapping of arrays, got {type(arrays).__name__}")
    return tuple(_given(f"arrays[{k}]", x) for k, x in enumerate(arrays))


def _in_order(loss: Loss, given: dict[str, FloatArray] | tuple[FloatArray, ...]) -> tuple[FloatArray, ...]:
    names = loss.array_names
    if isinstance(given, dict):
        if len(names) == 2:
            usual = dict(zip(("prediction", "target"), names, strict=True))
            given = {name if name in names else usual.get(name, name): x for name, x in given.items()}
        if set(given) == set(names):
            return tuple(given[name] for name in names)
        got = f"got {', '.join(f'`{name}`' for name in given) or 'none'}"
    elif len(given) == len(names):
        return given
    else:
        got = f"got {len(given)} arrays"
    raise TypeError(f"{loss_name(loss)} takes {', '.join(f'`{name}`' for name in names)}; {got}")


def _check(problem: Problem) -> None:
    """Compute the loss once on NumPy for what it has to say about its arguments."""
    exact = rounded(problem, "float64")
    try:
        with np.errstate(all="ignore"):
            problem.loss(*exact.arrays, **exact.extras)
    except (TypeError, ValueError):
        raise
    except Exception:  # not about the arguments: it will be a row of the result
        return


def _require_domains(loss: Loss, arrays: tuple[FloatArray, ...]) -> None:
    declaration = loss.declaration
    for k, (argument, x) in enumerate(zip(declaration.arguments, arrays, strict=False)):
        if not data.holds(declaration, k, x, loss.class_axis()):
            domain = argument.form(integer=x.dtype.kind in "iu").domain.name
            raise ValueError(f"`{argument.name}` must hold {domain.replace('_', ' ')} values")
