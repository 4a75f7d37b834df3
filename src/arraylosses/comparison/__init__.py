"""The same inputs on every array library that is installed, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._array_api import Array, is_array, to_numpy
from ..arguments import require_choice, require_nonnegative
from ..loss import Loss
from .backends import BACKENDS, BackendStatus, look_up
from .differences import found_on, reference_of
from .inputs import AnyLoss, loss_name, problems
from .result import Comparison, ComparisonRow

__all__ = ["BACKENDS", "DTYPES", "TOLERANCES", "BackendStatus", "Comparison", "ComparisonRow", "compare"]

DTYPES = ("float64", "float32")
TOLERANCES: Mapping[str, float] = {"float64": 1e-12, "float32": 1e-5}


def compare(
    losses: AnyLoss | Sequence[AnyLoss] | None = None,
    *,
    arrays: Sequence[Array] | Mapping[str, Array] | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    settings: Mapping[str, Any] | None = None,
    backends: str | Sequence[str] | None = None,
    dtypes: str | Sequence[str] | None = None,
    tolerance: float | None = None,
    progress: Callable[[str, int, int], None] | None = None,
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
    backends : {"numpy", "torch", "jax", "cupy", "dask", "strict"} or sequence of them, optional
        The libraries to compare. Without it, all of them. One that is not installed is named as such in the result.
    dtypes : {"float64", "float32"} or sequence of them, optional
        The dtypes to compute in. Without it, both.
    tolerance : float, optional
        The largest relative difference at which two results agree. Without it, 1e-12 in float64 and 1e-5 in float32.
    progress : callable, optional
        Called before each step as ``progress(step, done, total)``: what comes next in words, how many computations are
        done, and how many there are; 0 of 0 while libraries are imported.

    Returns
    -------
    Comparison
        ``rows`` has one for each loss, dtype and backend, and ``agree`` says whether all agree. `to_table`, which is
        also its `str`, shows all rows, and `to_summary` a line for each loss; `to_json`, `to_dict` and `to_markdown`
        are for other programs.

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

    What shows nothing does not agree: a comparison without any result, because no library that was asked for is there,
    is no agreement, and a value that is NaN on both sides is a failure, as is a gradient that is NaN throughout.

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
    say = progress or (lambda step, done, total: None)
    skipped: dict[str, str] = {}
    found = list(problems(losses, arrays, weight, where, dict(settings or {}), skipped))
    libraries = []
    for name in names:
        say(f"import {name}", 0, 0)
        libraries.append(look_up(name))
    present = [library for library in libraries if library.xp is not None]
    rows: list[ComparisonRow] = []
    total = len(found) * len(kinds) * len(present)
    for problem in found:
        loss, settings_of = loss_name(problem.loss), _settings(problem.loss)
        for dtype in kinds:
            reference = reference_of(problem, dtype)
            for library in present:
                backend = library.status.name
                say(f"{loss}, {backend} {dtype}", len(rows), total)
                outcome = found_on(library, reference, dtype, limits[dtype])
                rows.append(ComparisonRow(loss, settings_of, problem.sample, backend, dtype, **outcome))
    return Comparison(tuple(rows), tuple(library.status for library in libraries), limits, skipped)


def _chosen(known: tuple[str, ...], **given: str | Sequence[str] | None) -> tuple[str, ...]:
    ((name, chosen),) = given.items()
    if chosen is None:
        return known
    chosen = [chosen] if isinstance(chosen, str) else chosen
    for value in chosen:
        require_choice(known, **{name: value})
    return tuple(dict.fromkeys(chosen))


def _settings(loss: Loss) -> dict[str, Any]:
    return {name: to_numpy(v).tolist() if is_array(v) else v for name, v in loss.settings().items()}
