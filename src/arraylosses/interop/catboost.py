"""Losses as objectives and metrics of CatBoost.

`objective` makes what a CatBoost model takes as `loss_function`, and `metric` what it takes as `eval_metric`, which it
must be given beside an objective. Nothing here imports CatBoost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ._boosting import Adapter, BoosterObjective

__all__ = ["Metric", "Objective", "metric", "objective"]


def objective(loss: Any, *, hessian: float | None = None) -> Objective:
    """Return a loss as an objective of CatBoost.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name
        A loss of elements that takes any real number as a prediction, a user's own included: logits, and no
        probabilities. Its reduction does not matter: each row of the data counts by its weight.
    hessian : float, optional
        A number above 0 that stands for every second derivative. By default, it is the loss's own, or the
        curvature of a parabola that touches the loss, where that is more, as for
        `arraylosses.interop.xgboost.objective`.

    Returns
    -------
    Objective
        An object with `calc_ders_range`. It can be pickled and copied.

    Raises
    ------
    TypeError
        If `loss` is no loss.
    ValueError
        If it is no loss of elements, takes no prediction and target, or takes probabilities. When it is called, for
        targets that the loss does not take.

    Notes
    -----
    CatBoost maximises, so the derivatives are those of the loss with the sign changed. It starts from 0;
    ``boost_from_average`` is for its own objectives, and the `baseline` of a `Pool` is added to what the trees
    predict. A loss of rows is refused: CatBoost asks for all second derivatives of a row at a time, in Python.

    Examples
    --------
    >>> import arraylosses as al
    >>> from arraylosses.interop.catboost import objective
    >>> objective(al.BinaryCrossEntropy()).calc_ders_range([0.0, 0.0], [1.0, 0.0], None)
    [(0.5, -0.25), (-0.5, -0.25)]

    With CatBoost, ``catboost.CatBoostRegressor(loss_function=objective(loss), eval_metric=metric(loss))``.
    """
    return Objective(loss, hessian)


def metric(loss: Any) -> Metric:
    """Return a loss as a metric of CatBoost, which is better the less it is.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name
        A loss of elements, of a prediction and a target.

    Returns
    -------
    Metric
        An object with `evaluate`, `get_final_error` and `is_max_optimal`.

    Notes
    -----
    It is the weighted mean of the items' losses, of raw predictions: margins beside an objective of classes.

    Examples
    --------
    >>> from arraylosses.interop.catboost import metric
    >>> f = metric("absolute_error")
    >>> f.get_final_error(*f.evaluate([[3.0, 1.0]], [1.0, 0.0], None))
    1.5
    """
    return Metric(loss)


@dataclass
class _Single(Adapter):
    """A loss of one prediction a row."""

    no_jit: ClassVar[bool] = True  # CatBoost would have numba compile the methods, which they are not for

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.loss.declaration.of_elements:
            raise ValueError(f"`loss` must be one of elements, got {type(self.loss).__name__}, which is one of rows")


@dataclass
class Objective(_Single, BoosterObjective):
    """A loss as an objective of CatBoost: see `objective`."""

    def calc_ders_range(
        self, approxes: Sequence[float], targets: Sequence[float], weights: Sequence[float] | None
    ) -> list[tuple[float, float]]:
        """Return both derivatives of what CatBoost maximises, for each item."""
        g, h = self.derivatives(*_numbers(approxes, targets, weights))
        return list(zip((-g).tolist(), (-h).tolist(), strict=True))


@dataclass
class Metric(_Single):
    """A loss as a metric of CatBoost: see `metric`."""

    def is_max_optimal(self) -> bool:
        """Return False: the less the better."""
        return False

    def evaluate(
        self, approxes: Sequence[Sequence[float]], target: Sequence[float], weight: Sequence[float] | None
    ) -> tuple[float, float]:
        """Return the weighted sum of the items' losses, and the sum of the weights."""
        margin, targets, weights = self.arrays(*_numbers(approxes[0], target, weight))
        items = self.items(margin, targets)
        weights = np.ones_like(items) if weights is None else weights
        return float(np.sum(weights * items)), float(np.sum(weights))

    def get_final_error(self, error: float, weight: float) -> float:
        """Return the weighted mean."""
        return error / weight if weight else 0.0


def _numbers(*given: Any) -> tuple[Any, ...]:
    """Return NumPy arrays of what CatBoost passes, which may only be indexed."""
    return tuple([None if x is None else np.asarray(x, dtype=np.float64) for x in given])
