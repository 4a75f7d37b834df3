"""The same inputs on every array library that is installed, side by side."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import importlib.util
import json
import math
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from . import data
from ._array_api import Array, Namespace, dtype_kind, is_array, to_numpy
from ._validation import Domain, closest, require_choice, require_nonnegative
from .gradients import value_and_grad
from .loss import Loss, setting_names, snake_case
from .registry import get, registered

__all__ = ["BACKENDS", "DTYPES", "TOLERANCES", "BackendStatus", "Comparison", "ComparisonRow", "compare"]

AnyLoss: TypeAlias = str | Loss | type[Loss] | Callable[..., Any]
FloatArray: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

# Where `asarray` of each library is found. Nothing here is imported before it is asked for.
_MODULES = {
    "numpy": "numpy",
    "torch": "torch",
    "jax": "jax.numpy",
    "cupy": "cupy",
    "dask": "dask.array",
    "strict": "array_api_strict",
}
BACKENDS = tuple(_MODULES)
DTYPES = ("float64", "float32")
TOLERANCES: Mapping[str, float] = {"float64": 1e-12, "float32": 1e-5}


@dataclass(frozen=True)
class BackendStatus:
    """Whether a backend could be compared."""

    name: str
    status: Literal["installed", "not installed", "broken"]
    version: str | None = None
    error: str | None = None
    """Why it could not be imported or make an array, if it is broken."""


@dataclass(frozen=True)
class ComparisonRow:
    """What one loss gave on one backend in one dtype."""

    loss: str
    settings: dict[str, Any]
    """All settings of the loss; one that is an array as a list."""
    sample: str
    """What it was computed on: "digits", "diabetes", or "given" for arrays of the caller."""
    backend: str
    dtype: str
    status: Literal["agrees", "differs", "failed"]
    value: float | None = None
    """The result; the mean of the results for reduction "none"."""
    reference: float | None = None
    """The same of NumPy in float64, from inputs that were rounded to `dtype`."""
    absolute_difference: float | None = None
    """|value - reference|, the largest for reduction "none"."""
    ulp_difference: float | None = None
    """The absolute difference in units in the last place of the reference."""
    gradient_difference: float | None = None
    """The largest difference of a gradient's entry, as a fraction of the gradient's largest entry."""
    error: str | None = None


@dataclass(frozen=True)
class Comparison:
    """What `compare` found."""

    rows: tuple[ComparisonRow, ...]
    backends: tuple[BackendStatus, ...]
    tolerance: dict[str, float]
    skipped: dict[str, str]
    """The losses that were left out, each with the reason."""

    @property
    def agree(self) -> bool:
        """Whether all results agree within the tolerance. A missing backend has none; a broken one does not agree."""
        return all(row.status == "agrees" for row in self.rows) and all(b.status != "broken" for b in self.backends)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; a number that JSON lacks, NaN or an infinity, is None."""
        plain: dict[str, Any] = _plain({"agree": self.agree, **dataclasses.asdict(self)})
        return plain

    def to_json(self) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def to_markdown(self) -> str:
        """Return a Markdown table, with the backends above and the conclusion below it."""
        head = ["loss", "sample", *_COLUMNS]
        lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
        for row in self.rows:
            cells = [f"`{_title(row)}`", row.sample, *_cells(row)]
            lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
        return "\n\n".join([*self._preface(), "\n".join(lines), self.conclusion()])

    def to_table(self) -> str:
        """Return plain text with the rows of each loss in a group, no wider than 80 columns save for long messages."""
        table = [[*_cells(row)[:-1], row.status] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(_COLUMNS, *table, strict=True)]
        lines = [*self._preface(), _aligned(_COLUMNS, widths)]
        title = None
        for row, cells in zip(self.rows, table, strict=True):
            if title != (title := f"{_title(row)}, {'arrays given' if row.sample == 'given' else row.sample}"):
                lines += ["", title]
            lines.append(_aligned(cells, widths))
            if row.error:
                lines.append(f"    {row.error}")
        return "\n".join([*lines, "", self.conclusion()])

    def __str__(self) -> str:
        return self.to_table()

    def conclusion(self) -> str:
        """Return in one line whether all agree, and if not, what does not."""
        count = {status: sum(row.status == status for row in self.rows) for status in ("agrees", "differs", "failed")}
        limits = ", ".join(f"{dtype} {limit:.0e}" for dtype, limit in self.tolerance.items())
        said = [f"{count[status]} {status if status == 'failed' else status[:-1]}" for status in count if count[status]]
        said += [f"{b.name} is broken" for b in self.backends if b.status == "broken"]
        result = f"all {len(self.rows)} results agree" if self.agree else f"{len(self.rows)} results: {', '.join(said)}"
        return f"{result} (tolerance {limits})"

    def _preface(self) -> list[str]:
        installed = [f"{b.name} {b.version}" for b in self.backends if b.status == "installed"]
        missing = [b.name for b in self.backends if b.status == "not installed"]
        lines = [", ".join(installed)] if installed else []
        lines += [f"not installed: {', '.join(missing)}"] if missing else []
        lines += [f"{b.name} is broken: {b.error}" for b in self.backends if b.status == "broken"]
        left_out = textwrap.fill(f"left out: {', '.join(self.skipped)}", 80, subsequent_indent="  ")
        return lines + ([left_out] if self.skipped else [])


def compare(
    losses: AnyLoss | Sequence[AnyLoss] | None = None,
    *,
    arrays: Sequence[Array] | Mapping[str, Array] | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    settings: Mapping[str, Any] | None = None,
    backends: Sequence[str] | None = None,
    dtypes: Sequence[str] | None = None,
    tolerance: float | None = None,
) -> Comparison:
    """Compute losses and their gradients on every array library that is installed, and compare with NumPy.

    Parameters
    ----------
    losses : name, loss, class or function form, or a sequence of them, optional
        What to compare. Without it, every registered loss that fits the arrays.
    arrays : sequence or mapping of arrays, optional
        The arrays of the losses, in their order or by their names, from any library. In a mapping, ``prediction`` and
        ``target`` also name the first and the second array of a loss of two, whatever it calls them. Without it, each
        loss gets those of two samples that the package ships: see `arraylosses.data`.
    weight, where : array, optional
        Weights and mask of the items, as every loss takes them.
    settings : mapping, optional
        Settings of the losses. Of several losses, each takes those that it has.
    backends : sequence of {"numpy", "torch", "jax", "cupy", "dask", "strict"}, optional
        The libraries to compare. Without it, all of them. One that is not installed is named as such in the result.
    dtypes : sequence of {"float64", "float32"}, optional
        The dtypes to compute in. Without it, both.
    tolerance : float, optional
        The largest relative difference at which two results agree. Without it, 1e-12 in float64 and 1e-5 in float32.

    Returns
    -------
    Comparison
        A row for each loss, dtype and backend; `str` makes a table of it.

    Raises
    ------
    TypeError, ValueError
        For a name or a setting that no loss has, for an unknown backend or dtype, and for arrays that do not fit a loss
        that was asked for.

    Notes
    -----
    The reference is the same loss on NumPy in float64. Inputs of a computation in float32 are rounded to float32 first,
    and the reference takes the rounded ones: what is compared is the computation, not the rounding of the inputs.

    JAX computes each loss with its gradient as one program under `jax.jit`, not optimised further.

    A *unit in the last place* is the distance from the reference, rounded to the dtype of the computation, to the next
    larger magnitude in that dtype. As the reference itself is not rounded, the difference may be a fraction of a unit.

    The gradient is taken with respect to every floating array; for reduction "none", that of the sum.

    A value agrees if its absolute difference is at most `tolerance` times the magnitude that the reference would have
    if all items had one sign, for cancellation between items magnifies every rounding error. A
    gradient agrees if its difference, a fraction of its largest entry, is at most `tolerance`.

    Examples
    --------
    >>> import arraylosses as al
    >>> from arraylosses.comparison import compare
    >>> result = compare("huber", settings={"delta": 2.0}, backends=["numpy"])
    >>> [(row.backend, row.dtype, row.status) for row in result.rows]
    [('numpy', 'float64', 'agrees'), ('numpy', 'float32', 'agrees')]
    """
    names, kinds = _chosen(BACKENDS, backend=backends), _chosen(DTYPES, dtype=dtypes)
    if tolerance is not None:
        require_nonnegative(tolerance=tolerance)
    limits = {dtype: TOLERANCES[dtype] if tolerance is None else tolerance for dtype in kinds}
    skipped: dict[str, str] = {}
    problems = list(_problems(losses, arrays, weight, where, dict(settings or {}), skipped))
    libraries = [_look_up(name) for name in names]
    rows: list[ComparisonRow] = []
    for problem in problems:
        for dtype in kinds:
            rows += _rows(problem, dtype, libraries, limits[dtype])
    return Comparison(tuple(rows), tuple(library.status for library in libraries), limits, skipped)


def _chosen(known: tuple[str, ...], **given: Sequence[str] | None) -> tuple[str, ...]:
    ((name, chosen),) = given.items()
    if chosen is None:
        return known
    for value in chosen:
        require_choice(known, **{name: value})
    return tuple(dict.fromkeys(chosen))


# libraries


class _Library(NamedTuple):
    status: BackendStatus
    xp: Namespace | None


def _look_up(name: str) -> _Library:
    """Import a library, if it is installed, and see whether it can make an array."""
    module = _MODULES[name]
    root = module.partition(".")[0]
    try:
        if importlib.util.find_spec(root) is None:
            return _Library(BackendStatus(name, "not installed"), None)
        xp = importlib.import_module(module)
        to_numpy(xp.asarray(np.zeros(1)))
    except Exception as error:  # whatever a broken installation raises is what is to be reported
        return _Library(BackendStatus(name, "broken", error=_said(error)), None)
    return _Library(BackendStatus(name, "installed", str(getattr(sys.modules[root], "__version__", ""))), xp)


@contextlib.contextmanager
def _session(backend: str, dtype: str) -> Iterator[None]:
    """Let a library compute in `dtype`, quietly, and leave its configuration as it was."""
    with contextlib.ExitStack() as stack:
        # An infinite loss is a result here; it is no news that NumPy divided by zero on the way.
        stack.enter_context(np.errstate(all="ignore"))
        if backend == "jax":
            jax: Any = importlib.import_module("jax")
            # JAX before 0.8 keeps it in jax.experimental.
            home = jax if hasattr(jax, "enable_x64") else importlib.import_module("jax.experimental")
            stack.enter_context(home.enable_x64(dtype == "float64"))
        elif backend == "dask":
            dask: Any = importlib.import_module("dask")
            stack.enter_context(dask.config.set(scheduler="synchronous"))  # threads cost more than these arrays
        yield


# what is to be computed


class _Problem(NamedTuple):
    loss: Loss
    sample: str
    arrays: tuple[FloatArray, ...]
    extras: dict[str, FloatArray]


def _problems(
    losses: AnyLoss | Sequence[AnyLoss] | None,
    arrays: Sequence[Array] | Mapping[str, Array] | None,
    weight: Array | None,
    where: Array | None,
    settings: dict[str, Any],
    skipped: dict[str, str],
) -> Iterator[_Problem]:
    """Pair each loss with its arrays. One that was asked for and does not fit them raises; any other is left out."""
    extras = {name: _given(name, x) for name, x in {"weight": weight, "where": where}.items() if x is not None}
    given = _given_arrays(arrays)
    chosen = losses if losses is None or _is_several(losses) else [losses]
    for loss in _set_up(chosen, settings, skipped):
        try:
            if given is None:
                sample, taken = data.sample_for(loss.granularity, loss.domains(), getattr(loss, "axis", -1))
            else:
                sample, taken = "given", _in_order(loss, given)
                if losses is None:
                    _require_domains(loss, taken)
            problem = _Problem(loss, sample, taken, extras)
            if losses is not None or given is not None or extras:
                _check(problem)
        except (TypeError, ValueError) as error:
            if losses is not None:
                raise
            skipped[_name(loss)] = _said(error)
        else:
            yield problem


def _is_several(losses: object) -> bool:
    return isinstance(losses, Sequence) and not isinstance(losses, str)


def _set_up(chosen: Any, settings: dict[str, Any], skipped: dict[str, str]) -> list[Loss]:
    if chosen is not None and len(chosen) == 1:
        return [get(chosen[0], **settings)]
    found: list[Loss] = []
    known: set[str] = set()
    for item in registered().values() if chosen is None else chosen:
        try:
            plain = get(item)
        except TypeError as error:  # it has a setting without a default
            if chosen is None and not settings:
                skipped[_name(item)] = _said(error)
                continue
            plain = get(item, **settings)
        names = setting_names(type(plain))
        known |= set(names)
        found.append(get(plain, **{name: value for name, value in settings.items() if name in names}))
    for name in settings:
        if name not in known:
            raise TypeError(f"`{name}` is a setting of none of the losses{closest(name, sorted(known))}")
    return found


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
    raise TypeError(f"{_name(loss)} takes {', '.join(f'`{name}`' for name in names)}; {got}")


def _check(problem: _Problem) -> None:
    """Compute the loss once on NumPy for what it has to say about its arguments."""
    try:
        with np.errstate(all="ignore"):
            problem.loss(*_rounded(problem.arrays, "float64"), **_rounded_extras(problem, "float64"))
    except (TypeError, ValueError):
        raise
    except Exception:  # not about the arguments: it will be a row of the result
        return


def _require_domains(loss: Loss, arrays: tuple[FloatArray, ...]) -> None:
    for name, domain, x in zip(loss.array_names, loss.domains(), arrays, strict=True):
        if not _holds(domain, x, getattr(loss, "axis", -1) if x.ndim > 1 else -1):
            raise ValueError(f"`{name}` must hold {domain.replace('_', ' ')} values")


def _holds(domain: Domain, x: FloatArray, axis: int) -> bool:
    """Whether values can be what a domain says; labels are checked by the loss itself."""
    if domain == "labels":
        return dtype_kind(x.dtype) == "int" or _holds("distribution", x, axis)
    with np.errstate(all="ignore"):
        if domain == "log_distribution":
            return _holds("distribution", np.exp(x), axis)
        if domain == "distribution":
            return bool(x.ndim and np.all(x >= 0) and np.allclose(x.sum(axis=axis), 1, rtol=0, atol=1e-3))
        if domain == "probability":
            return bool(np.all((x >= 0) & (x <= 1)))
        if domain == "sign":
            return bool(np.all(np.abs(x) == 1))
        if domain == "nonnegative":
            return bool(np.all(x >= 0))
        return bool(np.all(x > 0)) if domain == "positive" else True


# the computation and its differences


class _Outcome(NamedTuple):
    value: FloatArray | None
    gradients: tuple[FloatArray, ...] | None
    error: str | None


def _rounded(arrays: Sequence[FloatArray], dtype: str) -> list[FloatArray]:
    return [np.array(x, dtype=dtype if x.dtype.kind == "f" else x.dtype) for x in arrays]


def _rounded_extras(problem: _Problem, dtype: str) -> dict[str, FloatArray]:
    return dict(zip(problem.extras, _rounded(list(problem.extras.values()), dtype), strict=True))


def _rows(problem: _Problem, dtype: str, libraries: list[_Library], limit: float) -> Iterator[ComparisonRow]:
    with np.errstate(all="ignore"):
        inputs = problem._replace(arrays=tuple(_rounded(problem.arrays, dtype)), extras=_rounded_extras(problem, dtype))
    exact = inputs._replace(arrays=tuple(_rounded(inputs.arrays, "float64")), extras=_rounded_extras(inputs, "float64"))
    reference = _compute(exact, "numpy", np, "float64")
    for library in libraries:
        if library.xp is None:
            continue
        backend = library.status.name
        outcome = _compute(inputs, backend, library.xp, dtype)
        with np.errstate(all="ignore"):
            found = _differences(outcome, reference, dtype, limit * _magnitude(exact, reference), limit)
        yield ComparisonRow(
            loss=_name(problem.loss),
            settings=_settings(problem.loss),
            sample=problem.sample,
            backend=backend,
            dtype=dtype,
            **found,
        )


def _compute(problem: _Problem, backend: str, xp: Namespace, dtype: str) -> _Outcome:
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
        with _session(backend, dtype):
            arrays = [xp.asarray(x) for x in problem.arrays]
            extras = {name: xp.asarray(x) for name, x in problem.extras.items()}
            try:
                value, gradients = _compiled(both, backend)(*arrays, **extras)
            except Exception as error:
                if not step:
                    raise
                return _Outcome(_float64(loss(*arrays, **extras)), None, step + _said(error))
            return _Outcome(_float64(value), tuple(map(_float64, gradients)), None)
    except Exception as error:  # a backend that fails is a result, whatever it raises
        return _Outcome(None, None, _said(error))


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


def _differences(
    outcome: _Outcome, reference: _Outcome, dtype: str, value_limit: float, gradient_limit: float
) -> dict[str, Any]:
    """Return the fields of a row that hold numbers, and its status."""
    found: dict[str, Any] = {"status": "failed", "error": outcome.error}
    if outcome.value is None or reference.value is None:
        return {**found, "error": outcome.error or f"reference: {reference.error}"}
    if outcome.value.shape != reference.value.shape:
        return {**found, "error": f"shape {outcome.value.shape}, but {reference.value.shape} on NumPy"}
    difference = _distance(outcome.value, reference.value)
    unit = np.spacing(np.abs(reference.value).astype(dtype)).astype(np.float64)
    absolute = _largest(difference)
    found |= {
        "value": float(np.mean(outcome.value)),
        "reference": float(np.mean(reference.value)),
        "absolute_difference": absolute,
        "ulp_difference": _largest(np.where(difference == 0, 0.0, difference / unit)),
    }
    agrees = absolute == 0 or (math.isfinite(absolute) and absolute <= value_limit)
    if outcome.gradients is not None and reference.gradients is not None:
        pairs = zip(outcome.gradients, reference.gradients, strict=True)
        gradient = _largest(np.asarray([_relative(ours, theirs) for ours, theirs in pairs]))
        found["gradient_difference"] = gradient
        agrees = agrees and gradient <= gradient_limit
    if found["error"] is None:
        found["status"] = "agrees" if agrees else "differs"
    return found


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


def _magnitude(problem: _Problem, reference: _Outcome) -> float:
    """Return what the reference would be if all items had one sign; the largest item for reduction "none"."""
    if reference.value is None:
        return math.nan
    items = np.asarray(get(problem.loss, reduction="none")(*problem.arrays, **problem.extras))
    total = float(np.abs(np.sum(items)))
    if reference.value.ndim or total == 0:
        return _largest(np.abs(items))
    return float(np.abs(reference.value)) * float(np.sum(np.abs(items))) / total


# words


def _said(error: BaseException) -> str:
    """Return the kind of an error and the first line of its message."""
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _name(loss: Loss | type[Loss]) -> str:
    return snake_case((loss if isinstance(loss, type) else type(loss)).__name__)


def _settings(loss: Loss) -> dict[str, Any]:
    values = {name: getattr(loss, name) for name in setting_names(type(loss))}
    return {name: to_numpy(value).tolist() if is_array(value) else value for name, value in values.items()}


def _plain(value: Any) -> Any:
    """Return what JSON can hold."""
    if isinstance(value, Mapping):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


_COLUMNS = ("backend", "dtype", "value", "difference", "ULP", "gradient", "")


def _title(row: ComparisonRow) -> str:
    """Return the loss as it is called, with the settings that are off their defaults."""
    cls = registered().get(row.loss)
    defaults = {field.name: field.default for field in dataclasses.fields(cls or Loss)}
    off = {name: value for name, value in row.settings.items() if name not in defaults or defaults[name] != value}
    return f"{row.loss}({', '.join(f'{name}={value!r}' for name, value in off.items())})"


def _cells(row: ComparisonRow) -> list[str]:
    return [
        row.backend,
        row.dtype,
        _digits(row.value, row.dtype),
        _short(row.absolute_difference),
        _short(row.ulp_difference, plain_below=1000),
        _short(row.gradient_difference),
        f"{row.status}: {row.error}" if row.error else row.status,
    ]


def _digits(value: float | None, dtype: str) -> str:
    """Return as many digits as tell the value from its neighbours in its dtype."""
    return "-" if value is None else str(np.dtype(dtype).type(value))


def _short(value: float | None, plain_below: float = 0) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if value == 0 or value < plain_below else f"{value:.1e}"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, last = cells[:2], cells[2:-1]
    left = [cell.ljust(width) for cell, width in zip(first, widths, strict=False)]
    right = [cell.rjust(width) for cell, width in zip(last, widths[2:], strict=False)]
    return "  ".join(["", *left, *right, cells[-1]]).rstrip()
