"""A loss in scikit-learn's HistGradientBoosting estimators, as the `BaseLoss` that these take: no public interface."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from scipy.special import expit, softmax
from sklearn._loss.link import IdentityLink
from sklearn._loss.loss import BaseLoss

from ..arguments import require_integer
from ..constants import best_constant
from ._boosting import BoosterObjective

__all__ = ["base_loss"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"


def base_loss(loss: Any, *, n_classes: int | None = None, hessian: float | None = None) -> Any:
    """Return a loss that `HistGradientBoostingRegressor` and `HistGradientBoostingClassifier` take as `loss`.

    It is experimental: the interface is not public in scikit-learn, which may change it with any version. It is tested
    with 1.9.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name
        A loss of a prediction, any real number, and a target. For the classifier it is one of a probability or a sign
        for two classes, such as `binary_cross_entropy`, and one of rows of logits for more, such as `cross_entropy`.
    n_classes : int, optional
        The number of classes, at least 3, for a loss of rows.
    hessian : float, optional
        A constant in place of the second derivatives. By default, these are what the boosters' adapters have: see
        `arraylosses.interop.xgboost.objective`.

    Returns
    -------
    sklearn._loss.loss.BaseLoss
        Of each item's loss, whatever the reduction. The regressor predicts what the loss takes as a prediction: of
        `poisson_nll` with its defaults, the logarithm of a mean.

    Raises
    ------
    TypeError
        If `loss` is no loss.
    ValueError
        If trees cannot minimise it: it takes other than real numbers or more arrays, or its items depend on each other;
        or if `n_classes` is missing for a loss of rows, or given for another.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> from sklearn.ensemble import HistGradientBoostingRegressor
    >>> from arraylosses.interop.sklearn import base_loss
    >>> X, y = np.arange(100.0).reshape(-1, 1), np.where(np.arange(100) < 50, 1.0, 3.0)
    >>> model = HistGradientBoostingRegressor(loss=base_loss(al.Huber(delta=0.5))).fit(X, y)
    >>> model.predict([[0.0], [99.0]]).round(2).tolist()
    [1.0, 3.0]
    """
    objective = BoosterObjective(loss, hessian)
    of_rows = not objective.loss.declaration.of_elements
    if of_rows != (n_classes is not None):
        which = "be given for a loss of rows" if of_rows else "be left out for a loss of elements"
        raise ValueError(f"`n_classes` must {which}, such as {objective.__name__}, got {n_classes}")
    if n_classes is not None:
        require_integer(n_classes=n_classes)
        if n_classes < 3:
            raise ValueError(f"`n_classes` must be at least 3: of two classes, trees learn one logit, got {n_classes}")
    has_classes = of_rows or objective.loss.declaration.arguments[1].domain.name in ("probability", "sign")
    return (_OfClasses if has_classes else _OfTrees)(objective, n_classes)


class _Derivatives:
    """What scikit-learn computes in Cython: it writes to the arrays that it is given."""

    def __init__(self, objective: BoosterObjective) -> None:
        self.objective = objective

    def loss(
        self, y_true: Numbers, raw_prediction: Numbers, sample_weight: Numbers | None, loss_out: Numbers, n_threads: int
    ) -> None:
        margin, target, _ = self.objective.arrays(raw_prediction, y_true, None)
        items = self.objective.items(margin, target)
        loss_out[...] = items if sample_weight is None else items * sample_weight

    def gradient_hessian(
        self,
        y_true: Numbers,
        raw_prediction: Numbers,
        sample_weight: Numbers | None,
        gradient_out: Numbers,
        hessian_out: Numbers,
        n_threads: int,
    ) -> None:
        gradient_out[...], hessian_out[...] = self.objective.derivatives(raw_prediction, y_true, sample_weight)

    def gradient(
        self,
        y_true: Numbers,
        raw_prediction: Numbers,
        sample_weight: Numbers | None,
        gradient_out: Numbers,
        n_threads: int,
    ) -> None:
        gradient_out[...] = self.objective.derivatives(raw_prediction, y_true, sample_weight)[0]

    def loss_gradient(
        self,
        y_true: Numbers,
        raw_prediction: Numbers,
        sample_weight: Numbers | None,
        loss_out: Numbers,
        gradient_out: Numbers,
        n_threads: int,
    ) -> None:
        self.loss(y_true, raw_prediction, sample_weight, loss_out, n_threads)
        self.gradient(y_true, raw_prediction, sample_weight, gradient_out, n_threads)


class _OfTrees(BaseLoss):  # type: ignore[misc]
    """A loss of which scikit-learn's trees are grown, with the leaves of Newton's step."""

    def __init__(self, objective: BoosterObjective, n_classes: int | None) -> None:
        super().__init__(closs=_Derivatives(objective), link=IdentityLink(), n_classes=n_classes)
        self.is_multiclass = n_classes is not None
        self.approx_hessian = True

    def fit_intercept_only(self, y_true: Numbers, sample_weight: Numbers | None = None) -> Numbers:
        """Return the constant prediction from which the trees start."""
        objective = self.closs.objective
        margin = np.zeros((len(y_true), self.n_classes) if self.is_multiclass else len(y_true))
        _, target, weight = objective.arrays(margin, np.asarray(y_true), sample_weight)
        return np.asarray(best_constant(objective.loss, target, weight, classes=self.n_classes), dtype=y_true.dtype)


class _OfClasses(_OfTrees):
    def predict_proba(self, raw_prediction: Numbers) -> Numbers:
        """Return the probabilities of the classes, for margins that are logits."""
        if self.is_multiclass:
            return np.asarray(softmax(raw_prediction, axis=1))
        p = expit(raw_prediction.reshape(len(raw_prediction)))
        return np.stack([1 - p, p], axis=1)
