"""What the boosters of trees share: derivatives of each item's loss by what a tree predicts, which is any real number.

A booster grows a tree by two numbers an item, g and h, so that its leaf predicts -Σ g / (Σ h + lambda). They are the
first and the second derivative of the item's loss l, by these rules:

curved
    h is the absolute value of the second derivative: a loss that is not convex, as the focal one, has negative ones, on
    which a step of Newton would go uphill (Dauphin et al., Identifying and attacking the saddle point problem, 2014).
linear
    Where it is 0 and the first is not, as of `absolute_error`, of `quantile` or far out of `huber`, a booster would
    divide by 0. There h = |g| / d, with the distance d = l / |g| to where the loss ends. That is the parabola with its
    least value there which touches the loss, and it lies above a loss that is convex: iteratively reweighted least
    squares. Near its end, the distance counts as 0.3 times the median.
numbers
    A target that is a number may be far away in the loss's own unit, where `pseudo_huber` and `fair` are nearly linear:
    a step of Newton goes as far beyond the target as their second derivative is small, or no leaf may grow at all. For
    these h is |g| / d less the second derivative, if that is more. |g| / d is twice the second derivative of a parabola
    that ends at 0, so this is the second derivative of squared errors, and |g| / d of a line. Classes have no unit, and
    keep their second derivatives, as in the boosters' own objectives.
scale
    A parabola of a target in thousands is so flat that a booster's `lambda` and `min_child_weight` would let no leaf
    grow. So where some items are linear, or where the mean of h over the items that are not at their least loss is less
    than 1 and the target is any real number, g and h are multiplied by the one number that makes this mean 1: that of
    `half_squared_error`. The trees are then the same in any unit of the target, as those of squared errors are.
rows
    The margins of a row are moved together, and the diagonal of the second derivatives does not bound what that does;
    it is multiplied by the factor that the booster's own objective of classes has.

These trees do about as well on held-out data as those of the boosters' own objectives, in every unit of the target. A
constant h, which is what the boosters themselves have before they compute the leaves anew, trains in one unit and not
in another.
"""

from __future__ import annotations

import dataclasses
from typing import Any, TypeAlias

import numpy as np

from ..arguments import require_finite, require_positive
from ..constants import of_columns, scored, supervised
from ..gradients import value_grad_hess
from ..loss import Loss, snake_case

__all__ = ["Adapter", "BoosterMetric", "BoosterObjective", "in_order"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

_NEAREST = 0.3
_NUMBERS = ("real", "nonnegative", "positive")


@dataclasses.dataclass
class Adapter:
    """A loss that a booster calls. It can be compared, pickled and copied, as boosters and searches do."""

    loss: Loss

    def __post_init__(self) -> None:
        self.loss = of_columns(supervised(self.loss))

    @property
    def __name__(self) -> str:
        """The loss's name, by which the boosters print a metric."""
        return snake_case(type(self.loss).__name__)

    def items(self, margin: Numbers, target: Numbers) -> Numbers:
        """Return the loss of each item."""
        return np.asarray(dataclasses.replace(self.loss, reduction="none")(margin, target))

    def arrays(self, margin: Any, y_true: Any, sample_weight: Any) -> tuple[Numbers, Numbers, Numbers | None]:
        """Return in float64 what a booster passes: the target as the loss takes it, and one weight an item."""
        margin = _numpy("y_pred", margin).astype(np.float64)
        target = self._target(_numpy("y_true", y_true), margin)
        if sample_weight is None or not np.size(sample_weight):
            return margin, target, None
        weight = _numpy("sample_weight", sample_weight).astype(np.float64)
        if weight.shape != margin.shape[:1]:
            raise ValueError(f"`sample_weight` must hold one weight a row, {len(margin)}, got shape {weight.shape}")
        one_a_row = (-1, *[1] * (margin.ndim - 1)) if self.loss.declaration.of_elements else (-1,)
        return margin, target, weight.reshape(one_a_row)

    def _target(self, y: Numbers, margin: Numbers) -> Numbers:
        name = type(self.loss).__name__
        if not np.all(np.isfinite(y)):
            raise ValueError(f"`y_true` must hold finite numbers, got {y[~np.isfinite(y)][0]}")
        argument = self.loss.declaration.arguments[1]
        labels = argument.form(integer=True)
        if not self.loss.declaration.of_elements and (margin.ndim == 1 or margin.shape[1] < 2):
            raise ValueError(f"`num_class` must be the number of classes, since {name} takes a margin for each")
        if labels.domain.is_integer and y.size == len(margin):
            if not np.all(y == np.floor(y)):
                raise ValueError(f"`y_true` must hold integer labels for {name}, got {y[y != np.floor(y)][0]}")
            return y.reshape(-1).astype(np.int64)
        if y.size != margin.size:
            of_rows = "; `num_class` is for losses of rows" if self.loss.declaration.of_elements else ""
            shapes = f"shape {y.shape} beside margins of {margin.shape}"
            raise ValueError(f"`y_true` must have one target for each margin, got {shapes}{of_rows}")
        target = y.reshape(margin.shape).astype(np.float64)
        domain = argument.form(integer=False).domain
        # Boosters number the classes from 0.
        if domain.name == "sign" and np.all((target == 0) | (target == 1)):
            return 2 * target - 1
        outside = domain.outside(target)
        if outside is not None and np.any(outside):
            raise ValueError(f"`y_true` must hold {domain.values} for {name}, got {target[outside][0]}")
        return target


@dataclasses.dataclass
class BoosterMetric(Adapter):
    """The reduced loss."""

    def __post_init__(self) -> None:
        self.loss = scored(self.loss)

    def value(self, margin: Any, y_true: Any, sample_weight: Any) -> float:
        """Return the reduced loss."""
        margin, target, weight = self.arrays(margin, y_true, sample_weight)
        return float(self.loss(margin, target, weight=weight))


@dataclasses.dataclass
class BoosterObjective(Adapter):
    """The two derivatives of each item's loss by its margin."""

    hessian: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for _, loss in self.loss.leaves:
            if loss.declaration.domains[0] == "real":
                continue
            name, holds = type(loss).__name__, loss.declaration.arguments[0].domain.values
            hint = _of_real_numbers(loss)
            raise ValueError(f"`loss` must take any real number that trees add up to, and {name} takes {holds}{hint}")
        if self.hessian is not None:
            require_positive(hessian=self.hessian)
            require_finite(hessian=self.hessian)

    def derivatives(
        self, margin: Any, y_true: Any, sample_weight: Any, of_rows: float = 1.0
    ) -> tuple[Numbers, Numbers]:
        """Return g and h, times the weights, in the dtype of the margins; `of_rows` multiplies h in a loss of rows."""
        dtype = margin.dtype if isinstance(margin, np.ndarray) else np.float64
        margin, target, weight = self.arrays(margin, y_true, sample_weight)
        total = dataclasses.replace(self.loss, reduction="sum")
        _, g, h = value_grad_hess(total)(margin, target)
        if self.hessian is not None:
            h = np.full_like(g, self.hessian)
        else:
            g, h = self._trainable(margin, target, g, np.abs(h))
            h = h if self.loss.declaration.of_elements else h * of_rows
        if weight is not None:
            weight = weight.reshape(-1, *[1] * (margin.ndim - 1))
            g, h = g * weight, h * weight
        return g.astype(dtype), h.astype(dtype)

    def _trainable(self, margin: Numbers, target: Numbers, g: Numbers, h: Numbers) -> tuple[Numbers, Numbers]:
        """Return the derivatives by the rules of this module."""
        size = np.abs(g)
        sloped = size >= np.finfo(np.float64).tiny  # where it's less, the second derivative underflows
        linear = sloped & (h == 0)
        of_elements, domain = self.loss.declaration.of_elements, self.loss.declaration.domains[1]
        is_number = of_elements and domain in _NUMBERS and not np.all((target == 0) | (np.abs(target) == 1))
        bent = sloped if is_number else linear
        if not np.any(bent):
            return g, h
        value, slope = self.items(margin, target), size
        if not of_elements:
            value, slope = value[:, None], np.sum(size, axis=1, keepdims=True)
        value, slope = np.broadcast_to(value, g.shape)[bent], np.broadcast_to(slope, g.shape)[bent]
        with np.errstate(over="ignore"):
            distance = value / slope
        away = distance > 0
        if not np.any(away):
            return g, h
        nearest = _NEAREST * np.median(distance[away])
        touching = np.where(away, size[bent] / np.maximum(distance, nearest), 0.0)
        h[bent] = np.maximum(h[bent], touching - h[bent])
        mean = np.mean(h[h > 0])
        is_flat = is_number and domain == "real" and mean < 1
        return (g / mean, h / mean) if is_flat or np.any(linear) else (g, h)


def in_order(first: Any, second: Any, weight: Any) -> tuple[Any, Any, Any]:
    """Return margins, targets and weights of the arguments of a call.

    The functions `train` of XGBoost and LightGBM pass margins and the data that holds the rest; the scikit-learn
    estimators pass targets, margins and weights.
    """
    if hasattr(second, "get_label"):
        return first, second.get_label(), second.get_weight()
    return second, first, weight


def _of_real_numbers(loss: Loss) -> str:
    """Return a hint at the setting by which a loss takes real numbers, where there is one."""
    answers = loss._answers()
    for k, (name, wanted) in enumerate(loss._conditions):
        other = (*answers[:k], not answers[k], *answers[k + 1 :])
        if loss._declarations[other].domains[0] == "real" and (other[k] or not wanted):
            return f"; with {name}={wanted or other[k]} it takes real numbers"
    return ""


def _numpy(name: str, x: Any) -> Numbers:
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "fiu":
        got = f"an array of {x.dtype}" if isinstance(x, np.ndarray) else type(x).__name__
        raise TypeError(f"`{name}` must be a NumPy array of numbers, as boosters pass it, got {got}")
    return x
