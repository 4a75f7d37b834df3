"""The constant prediction under which a loss is least: where boosting starts, and what any model has to beat."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ._array_api import Array, as_array, dtype_kind, dtype_name, is_array, to_numpy
from .arguments import check_broadcast, in_short, kept_setting, made_of, require_integer, require_positive
from .gradients import value_and_grad
from .loss import Loss, Sum
from .registry import get

__all__ = ["best_constant", "of_columns", "scored", "supervised"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

_QUANTILES = 17
_DOUBLINGS = 128
_HALVINGS = 128
_SEARCHES = 40
_ITERATIONS = 500
_EPSILON = float(np.finfo(np.float64).eps)


def supervised(loss: Any) -> Loss:
    """Return a loss, given as `get` takes it, of one prediction and one target, whose items are elements or rows."""
    found = get(loss)
    if not found.declaration.names:
        raise ValueError(f"`loss` must be one of a prediction and a target, got {in_short(found)}")
    for _, one in found.leaves:
        declaration, name = one.declaration, type(one).__name__
        if declaration.required != 2:
            arrays = ", ".join(f"`{array}`" for array in declaration.names)
            raise ValueError(f"`loss` must be one of a prediction and a target, and {name} takes {arrays}")
        if declaration.coupled:
            raise ValueError(f"`loss` must give each item a loss of its own, and those of {name} depend on each other")
        is_of_rows = declaration.arguments[0].forms[0].axes[:-1] == declaration.items
        if not (declaration.of_elements or is_of_rows) or declaration.of_elements != found.declaration.of_elements:
            raise ValueError(f"`loss` must be one of elements, or one of rows, got {in_short(found)}")
    return found


def of_columns(loss: Loss) -> Loss:
    """Return a loss, or a sum of losses, whose rows lie along the last axis."""
    if isinstance(loss, Sum):
        return dataclasses.replace(loss, losses=tuple(map(of_columns, loss.losses)))
    return loss if loss.class_axis() in (None, -1) else get(loss, axis=-1)


def scored(loss: Any) -> Loss:
    """Return a loss, given as `get` takes it, whose value is a number that a model is judged by."""
    found = of_columns(supervised(loss))
    if found.reduction == "none":
        raise ValueError("`loss` must have the reduction 'mean', 'sum' or 'batchmean' for a score, got 'none'")
    return found


def best_constant(loss: Any, target: Array, weight: Array | None = None, *, classes: int | None = None) -> Array:
    """Return the constant prediction under which a loss is least.

    It is what a booster starts from (`base_score`, `init_score`), the intercept of a linear model without features, and
    the baseline that any model has to beat: the mean for `squared_error`, the median for `absolute_error`, the log-odds
    for `binary_cross_entropy`, the logarithms of the classes' shares, less their mean, for `cross_entropy`.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name
        A loss of a prediction and a target, a user's own included, of elements or of rows.
    target : array
        The targets. For a loss of elements, the items lie along the first axis, and each of the others has a constant
        of its own.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    classes : int, optional
        The number of classes, where the target holds integer labels. By default, they are all there; `ignore_index` is
        none of them.

    Returns
    -------
    array
        In the library of `target`: of shape ``target.shape[1:]`` for a loss of elements, and (C,) for one of rows, or
        (C - 1,) for one of thresholds between C classes. It is what the loss takes as a prediction: a logit where it
        takes logits.

    Raises
    ------
    TypeError
        If `target` or `weight` is no array of real numbers, or the loss takes another one.
    ValueError
        If the loss takes more than a prediction and a target, or a row for a number, if its items depend on each
        other, if a target or a weight is not finite, if a weight is negative or does not broadcast, or if there is no
        least value.

    Notes
    -----
    Where the least value is reached on an interval, as the median of an even number of targets is, the result is its
    middle. Where it is a limit, as for `binary_cross_entropy` of targets that are all 1, the result is where the
    derivative is lost in rounding. A loss of elements that is not convex is brought to a minimum from the best of 0 and
    some quantiles of the target. A loss of elements is solved to the last digits, one of rows to about ten.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> target = np.asarray([0.0, 1.0, 5.0])
    >>> al.best_constant(al.SquaredError(), target).item(), al.best_constant("absolute_error", target).item()
    (2.0, 1.0)
    >>> labels = np.asarray([0, 1, 1, 1])
    >>> np.exp(al.best_constant(al.CrossEntropy(), labels)).round(4).tolist()
    [0.5774, 1.7321]
    """
    loss = dataclasses.replace(supervised(loss), reduction="sum")
    for name, x in (("target", target), ("weight", weight)):
        if not is_array(x) and not (name == "weight" and x is None):
            raise TypeError(f"`{name}` must be an array, got {made_of(name, x)}")
        if x is not None and dtype_kind(x.dtype) in ("complex", "other"):
            raise TypeError(f"`{name}` must hold real numbers, got {dtype_name(x.dtype)}")
    if classes is not None:
        classes = kept_setting("classes", classes)  # of NumPy's integers, too
        require_integer(classes=classes)
        require_positive(classes=classes)
    targets = to_numpy(target)
    weights = None if weight is None else to_numpy(weight).astype(np.float64)
    if weights is not None and not np.all((weights >= 0) & (weights < np.inf)):
        wrong = weights[~((weights >= 0) & (weights < np.inf))][0].item()
        raise ValueError(f"`weight` must hold finite numbers of at least 0, got {in_short(wrong)}")
    if not np.all(np.isfinite(targets)):
        raise ValueError(f"`target` must hold finite numbers, got {in_short(targets[~np.isfinite(targets)][0].item())}")
    if not targets.size:
        raise ValueError(f"`target` must hold at least one item, got shape {targets.shape}")
    is_floating = dtype_kind(target.dtype) in ("float", "half")
    targets = targets.astype(np.float64) if is_floating else targets
    solve = _of_elements if loss.declaration.of_elements else _of_rows
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):  # far out, a loss may overflow
        found = solve(loss, targets, weights, classes)
    return as_array(np.asarray(found), target, target.dtype if is_floating else None)


def _of_elements(loss: Loss, target: Numbers, weight: Numbers | None, classes: int | None) -> Numbers:
    """Find the middle of where the sum of the derivatives is 0, in each column of the target."""
    if weight is not None:
        check_broadcast("weight", weight.shape, target.shape)
    if target.ndim == 0:
        target = target[None]
    items = dataclasses.replace(loss, reduction="none")
    target = target.astype(np.float64)
    if target.ndim == 1 and not loss.array_settings:
        target, place = np.unique(target, return_inverse=True)
        weight = np.bincount(place, None if weight is None else np.broadcast_to(weight, place.shape))
    low, high = loss.declaration.arguments[0].domain.limits

    def total(c: Numbers) -> Numbers:
        value = np.sum(items(np.broadcast_to(c, target.shape).copy(), target, weight=weight), axis=0)
        return np.where(np.isnan(value), np.inf, value)

    def derivatives(c: Numbers) -> Numbers:
        found: Numbers = value_and_grad(loss)(np.broadcast_to(c, target.shape).copy(), target, weight=weight)[1]
        return found

    quantiles = np.quantile(target, np.linspace(0, 1, _QUANTILES), axis=0)
    starts = np.clip(np.concatenate([np.zeros_like(quantiles[:1]), quantiles]), low, high)
    best = np.argmin([total(c) for c in starts], axis=0)
    start = np.take_along_axis(starts, best[None, ...], axis=0)[0]
    lost = _EPSILON * np.sum(np.abs(derivatives(start)), axis=0)

    def slope(c: Numbers) -> Numbers:
        g: Numbers = np.sum(derivatives(c), axis=0)
        return np.where(np.abs(g) <= lost, 0.0, g)

    size = np.where(start == 0, 1.0, np.abs(start))
    _, left = _turn(lambda c: slope(c) < 0, start, size, low, high)
    is_found = np.isfinite(left)  # most often, the other end is next to it
    start, step = np.where(is_found, left, start), np.where(is_found, np.spacing(np.maximum(np.abs(left), size)), size)
    right, _ = _turn(lambda c: slope(c) <= 0, start, step, low, high)
    if np.any(left == np.inf) or np.any(right == -np.inf):
        raise ValueError(f"`loss` must have a least value, and {type(loss).__name__} falls without end on this target")
    left, right = np.where(left == -np.inf, right, left), np.where(right == np.inf, left, right)
    return np.where(np.isfinite(left + right), left + (right - left) / 2, start)


def _turn(
    holds: Callable[[Numbers], Numbers], start: Numbers, step: Numbers, low: float, high: float
) -> tuple[Numbers, Numbers]:
    """Return two neighbouring numbers: `holds` is true up to the first, and false from the second.

    Both are inf where it is true everywhere, and -inf where it is false everywhere.
    """
    a = _walk(lambda c: ~holds(c), start, -step, low)
    b = _walk(holds, start, step, high)
    always, never = np.isinf(b), np.isinf(a)
    a, b = np.where(never, b, a), np.where(always, a, b)
    for _ in range(_HALVINGS):
        middle = a + (b - a) / 2
        if np.all((middle == a) | (middle == b)):
            break
        left = holds(middle)
        a, b = np.where(left, middle, a), np.where(left, b, middle)
    return tuple([np.where(always, np.inf, np.where(never, -np.inf, c)) for c in (a, b)])  # type: ignore[return-value]


def _walk(goes_on: Callable[[Numbers], Numbers], start: Numbers, step: Numbers, limit: float) -> Numbers:
    """Return the first place, in steps that double, where `goes_on` is false, or `limit` if it comes before."""
    c = start
    for _ in range(_DOUBLINGS):
        on = goes_on(c) & (c != limit)
        if not np.any(on):
            return c
        c = np.where(on, start + step, c)
        c = np.minimum(c, limit) if limit > 0 else np.maximum(c, limit)
        step = 2 * step
    return np.where(on, np.copysign(np.inf, step), c)


def _of_rows(loss: Loss, target: Numbers, weight: Numbers | None, classes: int | None) -> Numbers:
    """Minimise the sum over rows by the quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno."""
    scores, labels = loss.declaration.arguments
    form = labels.form(integer=target.dtype.kind in "iu")
    if scores.domain.name != "real":
        raise ValueError(f"`loss` must take rows of any real numbers, got one of {scores.domain.values}")
    is_label = form.axes == loss.declaration.items
    if is_label and not form.domain.is_integer:
        raise ValueError(f"`loss` must take a label or a row for a target, and {type(loss).__name__} takes a number")
    axis = loss.class_axis()
    rows = target if is_label or target.ndim == 1 or axis is None else np.moveaxis(target, axis, -1)
    items = rows.shape if is_label else rows.shape[:-1]
    if weight is not None:
        check_broadcast("weight", weight.shape, items)
    weight = np.broadcast_to(1.0 if weight is None else weight, items)
    rows, place = np.unique(rows.reshape(-1, *rows.shape[len(items) :]), axis=0, return_inverse=True)
    weight = np.bincount(place.ravel(), weight.ravel())  # of two axes in NumPy 2.0.0
    if is_label:
        named = rows[rows != getattr(loss, "ignore_index", None)]
        there = int(np.max(named, initial=0)) + 1 if classes is None else classes
        size = max(there - form.domain.counts, 1)  # classes that have an order are parted by a threshold less
    else:
        size = rows.shape[1]
    compute = value_and_grad(of_columns(loss))

    def value_and_slope(c: Numbers) -> tuple[float, Numbers]:
        value, g = compute(np.tile(c, (len(rows), 1)), rows, weight=weight)
        return float(value), np.sum(g, axis=0)

    starts = [np.zeros(size)] + ([np.mean(rows, axis=0)] if form.domain.name == "real" else [])
    return _least(value_and_slope, min(starts, key=lambda c: value_and_slope(c)[0]))


def _least(f: Callable[[Numbers], tuple[float, Numbers]], c: Numbers) -> Numbers:
    """Minimise a function of a vector, which may have kinks, from its value and its gradient.

    The line search asks that the value falls and the slope rises (Lewis and Overton, Nonsmooth optimization via
    quasi-Newton methods, 2013).
    """
    value, g = f(c)
    enough = 1e-12 * float(np.max(np.abs(g)))
    inverse = np.eye(len(c)) / max(float(np.linalg.norm(g)), np.finfo(np.float64).tiny)
    for k in range(_ITERATIONS):
        direction = -inverse @ g
        slope = float(direction @ g)
        if np.max(np.abs(g)) <= enough or not slope < 0:
            break
        low, high, t = 0.0, np.inf, 1.0
        for _ in range(_SEARCHES):
            found, at = f(c + t * direction)
            # Near the end, the fall of the value is lost in its rounding, and the slope alone counts.
            if not found <= value + 1e-4 * t * slope + 4 * _EPSILON * abs(value):
                high = t
            elif float(direction @ at) < 0.9 * slope:
                low = t
            else:
                break
            t = 2 * low if np.isinf(high) else (low + high) / 2
        else:
            break
        step, change = t * direction, at - g
        if np.max(np.abs(step)) <= _EPSILON * np.max(np.abs(c)):
            break
        along = float(step @ change)
        if k == 0:
            inverse = np.eye(len(c)) * (along / float(change @ change))
        left = np.eye(len(c)) - np.outer(step, change) / along
        inverse = left @ inverse @ left.T + np.outer(step, step) / along
        c, value, g = c + step, found, at
    return c
