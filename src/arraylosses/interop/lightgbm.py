"""Losses as objectives and metrics of LightGBM.

`objective` makes what `lightgbm.train` takes as ``params["objective"]`` and the estimators as `objective`; `metric`
what `train` takes as `feval` and the estimators as `eval_metric`. Nothing here imports LightGBM.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ._boosting import BoosterMetric, BoosterObjective, in_order

__all__ = ["Metric", "Objective", "metric", "objective"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"


def objective(loss: Any, *, hessian: float | None = None) -> Objective:
    """Return a loss as an objective of LightGBM.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name
        A loss of a prediction and a target that takes any real number as a prediction, a user's own included: logits,
        and no probabilities. Its reduction does not matter: each row of the data counts by its weight.
    hessian : float, optional
        A number above 0 that stands for every second derivative. By default, it is the loss's own, or the
        curvature of a parabola that touches the loss, where that is more, as for
        `arraylosses.interop.xgboost.objective`.

    Returns
    -------
    Objective
        ``f(predictions, train_data)`` for `lightgbm.train`, and ``f(y_true, y_pred, weight)`` for its scikit-learn
        estimators. It can be pickled and copied.

    Raises
    ------
    TypeError
        If `loss` is no loss.
    ValueError
        If it takes no prediction and target, or its items depend on each other, or it takes probabilities. When it is
        called, for targets that the loss does not take.

    Notes
    -----
    LightGBM predicts a raw score, which `al.special.sigmoid` and `al.special.softmax` turn to probabilities. With an
    objective that is given to it, it starts from 0 and not from the best constant: pass that as the `init_score` of
    the data, and add it to what the model predicts.

    A loss of rows, as `cross_entropy`, takes ``num_class`` scores. The second derivatives of a row are multiplied by
    C / (C - 1), as in LightGBM's own multiclass (Friedman, Greedy function approximation, 2001). A loss of signs, as
    `hinge`, takes the classes 0 and 1 as -1 and 1. `half_squared_error` is what LightGBM calls regression.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> from arraylosses.interop.lightgbm import objective
    >>> gradient, hessian = objective(al.CrossEntropy())(np.asarray([1.0]), np.zeros((1, 2)))
    >>> gradient.tolist(), hessian.tolist()
    ([[0.5, -0.5]], [[0.5, 0.5]])

    With LightGBM::

        start = float(al.best_constant(loss, y))
        data = lightgbm.Dataset(X, y, init_score=np.full(len(y), start))
        booster = lightgbm.train({"objective": objective(loss)}, data, feval=metric(loss))
        prediction = start + booster.predict(X)
    """
    return Objective(loss, hessian)


def metric(loss: Any) -> Metric:
    """Return a loss as a metric of LightGBM, which is better the less it is.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name
        A loss of a prediction and a target.

    Returns
    -------
    Metric
        ``f(predictions, data)`` for `lightgbm.train` and ``f(y_true, y_pred, weight)`` for the scikit-learn estimators.
        Both return the loss's name, its value, and False, since more is not better.

    Notes
    -----
    Beside an objective of this module a metric is given raw scores. Beside an objective of LightGBM's own it is given
    what that predicts: probabilities for binary, so that ``al.BinaryCrossEntropy(from_logits=False)`` is meant.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.interop.lightgbm import metric
    >>> metric("absolute_error")(np.asarray([1.0, 0.0]), np.asarray([3.0, 1.0]))
    ('absolute_error', 1.5, False)
    """
    return Metric(loss)


@dataclass
class Objective(BoosterObjective):
    """A loss as an objective of LightGBM: see `objective`."""

    def __call__(self, y_true: Any, y_pred: Any, weight: Any = None) -> tuple[Numbers, Numbers]:
        """Return the derivatives for the target and the scores, or for the scores and a Dataset."""
        scores, target, weight = in_order(y_true, y_pred, weight)
        classes = np.shape(scores)[-1] if np.ndim(scores) > 1 else 1
        return self.derivatives(scores, target, weight, of_rows=classes / max(classes - 1, 1))


@dataclass
class Metric(BoosterMetric):
    """A loss as a metric of LightGBM: see `metric`."""

    def __call__(self, y_true: Any, y_pred: Any, weight: Any = None) -> tuple[str, float, bool]:
        """Return the name and the loss, for the target and the prediction, or for the prediction and a Dataset."""
        return self.__name__, self.value(*in_order(y_true, y_pred, weight)), False
