"""Losses as objectives and metrics of XGBoost.

`objective` makes what `xgboost.train` takes as `obj` and the estimators as `objective`; `metric` what `train` takes as
`custom_metric` and the estimators as `eval_metric`. Nothing here imports XGBoost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ._boosting import BoosterMetric, BoosterObjective, in_order

__all__ = ["Metric", "Objective", "metric", "objective"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

# The factor of XGBoost's own objective of classes, multi:softprob. It bounds the second derivatives of a row: by
# Gershgorin's theorem, since a row of them adds up to 0.
_OF_ROWS = 2.0


def objective(loss: Any, *, hessian: float | None = None) -> Objective:
    r"""Return a loss as an objective of XGBoost.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name
        A loss of a prediction and a target that takes any real number as a prediction, a user's own included: logits,
        and no probabilities. Its reduction does not matter: each row of the data counts by its weight.
    hessian : float, optional
        A number above 0 that stands for every second derivative. By default, it is the loss's own, or the
        curvature of a parabola that touches the loss, where that is more; see Notes.

    Returns
    -------
    Objective
        ``f(predictions, dtrain)`` for `xgboost.train`, and ``f(y_true, y_pred, sample_weight)`` for its scikit-learn
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
    What XGBoost predicts is a margin, which `al.special.sigmoid` and `al.special.softmax` turn to probabilities. The
    margins start from `base_score`, which is what `al.best_constant` returns in `xgboost.train` and `XGBRegressor`, and
    the sigmoid of it in `XGBClassifier` with two classes. Without it they start from 0.5, in that one from 0.

    A loss of rows, as `cross_entropy`, takes ``num_class`` margins. The second derivatives of a row are doubled, as in
    XGBoost's own multi:softprob. A loss of signs, as `hinge`, takes the classes 0 and 1 as -1 and 1.
    `half_squared_error` is what XGBoost calls reg:squarederror: the two derivatives of `squared_error` are twice as
    large, which halves the weight of XGBoost's `lambda`.

    The second derivatives of a loss that is linear in places, as `absolute_error`, `quantile` and `huber`, are 0 there.
    What stands in their place is that of the parabola which touches the loss and has its least value where the loss
    has it, and both derivatives are scaled to a mean curvature of 1, so that `lambda` and `min_child_weight` mean what
    they mean for squared errors, in any unit of the target. So it is with the losses of numbers that are nearly linear
    far out, as `pseudo_huber`, `log_cosh` and `fair`, whose own second derivatives train nothing on targets in the
    hundreds. Losses of classes keep theirs; in a loss of your own, ``arrays`` says by its domain that the target is a
    probability or a class, and a target of 0 and 1, or of signs, is taken for one. A negative second derivative counts
    by its absolute value.

    `poisson_nll`, which may be negative, has no such parabola: from a start far below the logarithm of the counts the
    first step is far too long. Start it from the best constant, or take `poisson_deviance`, which has the same minimum.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> from arraylosses.interop.xgboost import objective
    >>> f = objective(al.BinaryCrossEntropy())
    >>> gradient, hessian = f(np.asarray([1.0, 0.0]), np.zeros(2), sample_weight=np.asarray([1.0, 3.0]))
    >>> gradient.tolist(), hessian.tolist()
    ([-0.5, 1.5], [0.25, 0.75])

    With XGBoost, ``xgboost.train({"base_score": float(al.best_constant(loss, y))}, dtrain, obj=objective(loss))`` or
    ``xgboost.XGBRegressor(objective=objective(loss), eval_metric=metric(loss))``.
    """
    return Objective(loss, hessian)


def metric(loss: Any) -> Metric:
    """Return a loss as a metric of XGBoost, which is better the less it is.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name
        A loss of a prediction and a target.

    Returns
    -------
    Metric
        ``f(predictions, dtrain)``, which returns the loss's name and its value, for `xgboost.train`, and
        ``f(y_true, y_pred, sample_weight)``, which returns its value, for the scikit-learn estimators.

    Notes
    -----
    Beside an objective of this module a metric is given margins. Beside an objective of XGBoost's own it is given what
    that predicts: probabilities for binary:logistic, so that ``al.BinaryCrossEntropy(from_logits=False)`` is meant.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.interop.xgboost import metric
    >>> metric("absolute_error")(np.asarray([1.0, 0.0]), np.asarray([3.0, 1.0]))
    1.5
    """
    return Metric(loss)


@dataclass
class Objective(BoosterObjective):
    """A loss as an objective of XGBoost: see `objective`."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Numbers, Numbers]:
        """Return the derivatives for the target and the margins, or for the margins and a DMatrix."""
        return self.derivatives(*in_order(y_true, y_pred, sample_weight), of_rows=_OF_ROWS)


@dataclass
class Metric(BoosterMetric):
    """A loss as a metric of XGBoost: see `metric`."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss for the target and the prediction, and its name too for the prediction and a DMatrix."""
        value = self.value(*in_order(y_true, y_pred, sample_weight))
        return (self.__name__, value) if hasattr(y_pred, "get_label") else value
