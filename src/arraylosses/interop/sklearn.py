"""Losses in scikit-learn: as scorers, as linear models that minimise them, and in its boosted trees."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
from scipy.optimize import minimize
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import expit, log_softmax, logit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import make_scorer
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ..arguments import require_integer, require_nonnegative, require_positive
from ..constants import best_constant, of_columns, scored, supervised
from ..gradients import value_and_grad
from ..loss import Loss
from ..registry import get
from ._sklearn_trees import base_loss

__all__ = ["LossClassifier", "LossRegressor", "base_loss", "scorer"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

# What a target holds that is one of classes.
_OF_CLASSES = ("class", "probability", "distribution", "sign")

_STEPS = 5
_PRODUCTS = 50


def scorer(loss: Any, *, response_method: str | None = None, classes: Any = None) -> Any:
    """Return a loss as a scorer: its negative, since of scores the greatest is the best.

    A loss itself is no scoring function of scikit-learn: these take the target first. It refuses to be one.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name
        A loss of a prediction and a target.
    response_method : {"predict", "predict_proba", "decision_function"}, optional
        What the loss is computed of. By default, it is ``predict_proba`` for a loss of classes, ``decision_function``
        for one of signs, such as `hinge`, and ``predict`` for any other. Where the loss takes logits, probabilities are
        turned to them.
    classes : array-like of shape (n_classes,), optional
        The classes in order, where a part of the data may lack some of them. By default, they are those of the target.

    Returns
    -------
    callable
        ``scorer(estimator, X, y, sample_weight=None)``, made by `sklearn.metrics.make_scorer`: for `scoring` of a
        search or a cross validation, and for metadata routing by ``set_score_request(sample_weight=True)``.

    Raises
    ------
    TypeError
        If `loss` is no loss.
    ValueError
        If it is not one of a prediction and a target, its items depend on each other, or its reduction is "none".

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> from sklearn.dummy import DummyRegressor
    >>> from arraylosses.interop.sklearn import scorer
    >>> model = DummyRegressor(strategy="constant", constant=1.0).fit([[0.0]], [0.0])
    >>> float(scorer(al.Quantile(q=0.9))(model, [[0.0], [0.0]], np.asarray([2.0, 0.0])))
    -0.5
    """
    found = scored(loss)
    target = found.declaration.arguments[1].domain.name
    if response_method is None:
        response_method = "predict" if target not in _OF_CLASSES else "predict_proba"
        response_method = "decision_function" if target == "sign" else response_method
    known = None if classes is None else np.asarray(classes)
    if known is not None and known.ndim != 1:
        raise ValueError(f"`classes` must hold the classes in order, as in classes=model.classes_, got {classes!r}")
    score = _Score(found, response_method == "predict_proba", known)
    return make_scorer(score, response_method=response_method, greater_is_better=False)


@dataclass(frozen=True, eq=False)
class _Score:
    """A loss as a scoring function."""

    loss: Loss
    of_probabilities: bool
    classes: Numbers | None

    @property
    def __name__(self) -> str:
        """What scikit-learn calls it in the representation of the scorer."""
        return repr(self.loss)

    def __call__(self, y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
        prediction = np.asarray(y_pred, dtype=np.float64)
        arguments = self.loss.declaration.arguments
        if arguments[1].domain.name in _OF_CLASSES:
            target = self._encoded(np.asarray(y_true), prediction)
            prediction = self._as_taken(prediction, arguments[0].domain.name)
        else:
            target = np.asarray(y_true, dtype=np.float64)
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        if weight is not None and self.loss.declaration.of_elements:
            weight = weight.reshape(-1, *[1] * (prediction.ndim - 1))
        return float(self.loss(prediction, target, weight=weight))

    def _encoded(self, y: Numbers, prediction: Numbers) -> Numbers:
        classes = np.unique(y) if self.classes is None else self.classes
        columns = 2 if prediction.ndim == 1 else prediction.shape[1]
        if len(classes) != columns:
            if self.classes is not None:
                raise ValueError(f"`classes` must hold as many as the prediction has, {columns}, got {len(classes)}")
            raise ValueError(f"`classes` must be given, since the target has {len(classes)} of {columns} classes")
        number: Numbers = np.argmax(y[:, None] == classes, axis=1)
        lacking = classes[number] != y
        if np.any(lacking):
            raise ValueError(f"`classes` must hold the classes of the target, got {classes} without {y[lacking][0]!r}")
        if not self.loss.declaration.of_elements:
            return number
        if columns != 2:
            raise ValueError(f"`loss` must be one of rows for {columns} classes, got {type(self.loss).__name__}")
        return _of_two(self.loss, number)

    def _as_taken(self, prediction: Numbers, domain: str) -> Numbers:
        """Return logits, probabilities or their logarithms, as the loss takes them."""
        of_elements = self.loss.declaration.of_elements
        if self.of_probabilities:
            if not of_elements and prediction.ndim == 1:
                prediction = np.stack([1 - prediction, prediction], axis=1)
            with np.errstate(divide="ignore"):
                if domain in ("real", "log_distribution"):
                    return logit(prediction) if of_elements else np.log(prediction)
            return prediction
        if not of_elements and prediction.ndim == 1:
            prediction = np.stack([np.zeros_like(prediction), prediction], axis=1)
        if domain in ("distribution", "log_distribution"):
            prediction = log_softmax(prediction, axis=1)
            return prediction if domain == "log_distribution" else np.exp(prediction)
        return expit(prediction) if domain == "probability" else prediction


def _of_two(loss: Loss, number: Numbers) -> Numbers:
    """Return the numbers 0 and 1 of two classes as a loss of elements takes them."""
    is_sign = loss.declaration.arguments[1].domain.name == "sign"
    return 2.0 * number - 1.0 if is_sign else number.astype(np.float64)


def _settings(loss: Any) -> dict[str, Any]:
    """Return the settings of a loss by name; none of a parameter that is refused when it comes to fit."""
    try:
        settings = get(loss).settings()
    except (TypeError, ValueError):
        return {}
    return {name: value for name, value in settings.items() if name != "reduction"}


class _LinearModel(BaseEstimator):  # type: ignore[misc]
    """What the linear models share: their parameters, those of the loss within them, and the minimisation."""

    def __init__(self, loss: Any, *, alpha: float, fit_intercept: bool, max_iter: int, tol: float) -> None:
        self.loss = loss
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, those of the loss as ``loss__delta`` and the like."""
        params: dict[str, Any] = super().get_params(deep=False)
        if deep:
            params |= {f"loss__{name}": value for name, value in _settings(self.loss).items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``loss__delta=2.0`` sets that of the loss."""
        of_loss = {name: params.pop(name) for name in list(params) if name.startswith("loss__")}
        super().set_params(**params)
        if of_loss:
            self.loss = get(self.loss, **{name.removeprefix("loss__"): value for name, value in of_loss.items()})
        return self

    def _checked(self) -> Loss:
        require_nonnegative(alpha=self.alpha)
        require_positive(tol=self.tol, max_iter=self.max_iter)
        require_integer(max_iter=self.max_iter)
        loss = of_columns(supervised(self.loss))
        for _, one in loss.leaves:
            if one.declaration.domains[0] != "real":
                holds = one.declaration.arguments[0].domain.values
                raise ValueError(f"`loss` must take any real number, as a linear model predicts, got one of {holds}")
        return dataclasses.replace(loss, reduction="mean")

    def _minimise(
        self, loss: Loss, X: Numbers, target: Numbers, weight: Numbers | None, shape: tuple[int, ...]
    ) -> None:
        """Find the coefficients and the intercept for margins of ``(len(X), *shape)``.

        The features are moved to their mean and scaled by the root of what a curvature of 1 and the penalty add up to,
        so that the steps depend little on their units; the least value is where it is without.
        """
        kept = np.ones(len(X)) if weight is None else weight
        centre = np.average(X, axis=0, weights=kept) if self.fit_intercept else np.zeros(X.shape[1])
        scale = np.sqrt(np.average((X - centre) ** 2, axis=0, weights=kept) + self.alpha)
        scale = np.where(scale > 0, scale, 1.0)
        features = (X - centre) / scale
        compute = value_and_grad(loss)
        of_elements = loss.declaration.of_elements
        outputs = int(np.prod(shape))
        # A mean over all elements is one over the rows of each output's mean.
        times = outputs if of_elements else 1
        if weight is not None and of_elements:
            weight = weight.reshape(-1, *[1] * len(shape))

        def objective(parameters: Numbers) -> tuple[float, Numbers]:
            u, intercept = parameters[:-outputs].reshape(outputs, -1), parameters[-outputs:]
            margin = (features @ u.T + intercept).reshape(len(X), *shape)
            value, g = compute(margin, target, weight=weight)
            g = times * g.reshape(len(X), outputs)
            penalty = self.alpha * u / scale**2
            slope = g.T @ features + penalty
            of_intercept = np.sum(g, axis=0) if self.fit_intercept else np.zeros(outputs)
            return times * float(value) + float(np.sum(u * penalty)) / 2, np.concatenate([slope.ravel(), of_intercept])

        start = np.zeros(outputs * (X.shape[1] + 1))
        if self.fit_intercept:
            start[-outputs:] = np.ravel(self._constant(loss, target, weight, shape))
        largest = max(float(np.max(np.abs(objective(start)[1]))), np.finfo(np.float64).tiny)
        found = minimize(
            lambda p: tuple([x / largest for x in objective(p)]),
            start,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": self.max_iter, "gtol": self.tol, "ftol": 0.0, "maxls": 50, "maxcor": 20},
        )
        parameters = found.x
        if found.nit >= self.max_iter:
            said = f"the least loss was not found in {self.max_iter} iterations; increase `max_iter` or `tol`"
            warnings.warn(said, ConvergenceWarning, stacklevel=3)
        elif np.max(np.abs(found.jac)) > self.tol:
            parameters = _polished(lambda p: objective(p)[1], parameters)
        coefficients = parameters[:-outputs].reshape(outputs, -1) / scale
        self.coef_ = coefficients.reshape(*shape, -1)
        self.intercept_ = (parameters[-outputs:] - coefficients @ centre).reshape(shape)
        self.n_iter_ = max(int(found.nit), 1)
        self.loss_ = loss

    def _constant(self, loss: Loss, target: Numbers, weight: Numbers | None, shape: tuple[int, ...]) -> Numbers:
        if loss.declaration.of_elements:
            return np.asarray(best_constant(loss, target, weight, classes=None))
        # One number added to the scores of all classes mostly changes nothing, and would stay what it is here.
        scores: Numbers = np.asarray(best_constant(loss, target, weight, classes=shape[0]))
        centred: Numbers = scores - np.mean(scores)
        return centred

    def _margin(self, X: Any) -> Numbers:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        margin: Numbers = X @ self.coef_.T + self.intercept_
        return margin


def _polished(slope: Callable[[Numbers], Numbers], x: Numbers) -> Numbers:
    """Return what steps of Newton make of `x`, as long as they bring the slope nearer to 0.

    L-BFGS ends where the fall of the value is lost in its rounding, and the slope is not yet.
    """
    g = slope(x)
    for _ in range(_STEPS):

        def product(v: Numbers, x: Numbers = x) -> Numbers:
            h = 1e-5 * (1 + np.linalg.norm(x)) / max(np.linalg.norm(v), np.finfo(np.float64).tiny)
            return np.asarray((slope(x + h * v) - slope(x - h * v)) / (2 * h))

        with np.errstate(divide="ignore", invalid="ignore"):  # a loss of lines has no curvature
            step, _ = cg(LinearOperator((len(x), len(x)), matvec=product), -g, maxiter=_PRODUCTS)
            at = slope(x + step)
        if not np.max(np.abs(at)) < np.max(np.abs(g)):
            break
        x, g = x + step, at
    return x


class LossRegressor(RegressorMixin, _LinearModel):  # type: ignore[misc]
    r"""Linear regression under any loss of elements, with a penalty on the squares of the coefficients.

    It minimises the weighted mean of the loss plus a penalty,

    .. math:: \sum_i w_i \, l(x_i^T c + b, y_i) / \sum_i w_i + alpha \, \|c\|^2 / 2

    by L-BFGS, from the best constant.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name, default "squared_error"
        A loss of elements that takes any real number as a prediction. A search sets its settings by
        ``loss__<setting>``, as in ``loss__delta``. Its reduction does not matter.
    alpha : float, default 1e-4
        The weight of the penalty; at least 0.
    fit_intercept : bool, default True
        Whether there is an intercept b, which is not penalised.
    max_iter : int, default 1000
        The most iterations.
    tol : float, default 1e-6
        The largest derivative at the end, relative to that at the start.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : float
    n_iter_ : int
    loss_ : Loss
        The loss, whose mean is the first term.
    n_features_in_ : int

    Notes
    -----
    `predict` returns what the loss takes as its prediction: with `poisson_nll` it is the logarithm of the rate.
    `score` is that of all regressors of scikit-learn, R²; `scorer` has the loss.

    A loss with kinks, such as `absolute_error`, has no derivative at its least value that would tell the end; the
    result is close to it. A loss that is not convex is brought to a minimum near the best constant.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> from arraylosses.interop.sklearn import LossRegressor
    >>> X, y = np.arange(5.0)[:, None], np.asarray([1.0, 3.0, 100.0, 7.0, 9.0])
    >>> LossRegressor(al.PseudoHuber(delta=0.1), alpha=0.0).fit(X, y).predict([[5.0]]).round(1).tolist()
    [11.0]
    """

    def __init__(
        self,
        loss: Any = "squared_error",
        *,
        alpha: float = 1e-4,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-6,
    ) -> None:
        super().__init__(loss, alpha=alpha, fit_intercept=fit_intercept, max_iter=max_iter, tol=tol)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the coefficients.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
        """
        loss = self._checked()
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        target, domain = np.asarray(y, dtype=np.float64), loss.declaration.arguments[1].domain
        if not loss.declaration.of_elements:
            raise ValueError(f"`loss` must be one of elements, got {type(loss).__name__}, which is one of rows")
        outside = domain.outside(target)
        if outside is not None and np.any(outside):
            raise ValueError(f"`y` must hold {domain.values} for {type(loss).__name__}, got {target[outside][0]}")
        self._minimise(loss, X, target, _weight(sample_weight, X), ())
        return self

    def predict(self, X: Any) -> Numbers:
        """Return the predictions of shape (n_samples,)."""
        return self._margin(X)


def _has_probabilities(model: LossClassifier) -> bool:
    if supervised(model.loss).declaration.arguments[1].domain.name == "sign":
        raise AttributeError("`loss` must be one of probabilities for `predict_proba`, and not of signs")
    return True


class LossClassifier(ClassifierMixin, _LinearModel):  # type: ignore[misc]
    r"""Linear classification under any loss of classes, with a penalty on the squares of the coefficients.

    It minimises the weighted mean of the loss plus a penalty, as `LossRegressor` does.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name, default "cross_entropy"
        A loss of rows of logits and labels, or one of elements whose target is a probability or a sign: for more than
        two classes, one class against the others. A search sets its settings by ``loss__<setting>``, as in
        ``loss__gamma``. Its reduction does not matter.
    alpha : float, default 1e-4
        The weight of the penalty; at least 0.
    fit_intercept : bool, default True
        Whether there are intercepts, which are not penalised.
    max_iter : int, default 1000
        The most iterations.
    tol : float, default 1e-6
        The largest derivative at the end, relative to that at the start.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        One row for two classes under a loss of elements.
    intercept_ : ndarray of shape (1,) or (n_classes,)
    n_iter_ : int
    loss_ : Loss
        The loss, whose mean is the first term.
    n_features_in_ : int

    Notes
    -----
    `predict_proba` is the sigmoid of the margins of a loss of elements, divided by their sum for more than two classes,
    and the softmax of those of a loss of rows. Losses other than `binary_cross_entropy` and `cross_entropy` may be
    least at probabilities other than those of the data; one of signs has none.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> from arraylosses.interop.sklearn import LossClassifier
    >>> X, y = np.asarray([[0.0], [1.0], [2.0], [3.0]]), np.asarray(["a", "a", "b", "b"])
    >>> LossClassifier(al.BinaryFocal(gamma=1.0), alpha=0.01).fit(X, y).predict([[0.5], [2.5]]).tolist()
    ['a', 'b']
    """

    def __init__(
        self,
        loss: Any = "cross_entropy",
        *,
        alpha: float = 1e-4,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-6,
    ) -> None:
        super().__init__(loss, alpha=alpha, fit_intercept=fit_intercept, max_iter=max_iter, tol=tol)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the coefficients.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
        """
        loss = self._checked()
        holds = loss.declaration.arguments[1].domain
        if holds.name not in _OF_CLASSES:
            raise ValueError(f"`loss` must be one of classes, and {type(loss).__name__} takes {holds.values}")
        labels = loss.declaration.arguments[1].form(integer=True)
        if not loss.declaration.of_elements and labels.axes != loss.declaration.items:
            raise ValueError(f"`loss` must take one class a row, and {type(loss).__name__} takes several")
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, number = np.unique(y, return_inverse=True)
        classes = len(self.classes_)
        if classes < 2:
            raise ValueError(f"`y` must hold two classes at least, got one class, {self.classes_[0]!r}")
        shape, target = (classes,), number
        if loss.declaration.of_elements:
            one = number[:, None]
            target = _of_two(loss, one if classes == 2 else one == np.arange(classes))
            shape = target.shape[1:]
        self._minimise(loss, X, target, _weight(sample_weight, X), shape)
        return self

    def decision_function(self, X: Any) -> Numbers:
        """Return the margins of shape (n_samples, n_classes); (n_samples,), those of the second class, for two."""
        margin = self._margin(X)
        if len(self.classes_) > 2:
            return margin
        return margin[:, 0] if margin.shape[1] == 1 else margin[:, 1] - margin[:, 0]

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Numbers:
        """Return the probabilities of shape (n_samples, n_classes)."""
        margin = self._margin(X)
        of_elements = self.loss_.declaration.of_elements
        p: Numbers = expit(margin) if of_elements else softmax(margin, axis=1)
        if of_elements and len(self.classes_) == 2:
            return np.concatenate([1 - p, p], axis=1)
        total: Numbers = np.sum(p, axis=1, keepdims=True)
        return np.divide(p, total)

    def predict(self, X: Any) -> Numbers:
        """Return the classes of shape (n_samples,)."""
        margin = self.decision_function(X)
        number = margin > 0 if margin.ndim == 1 else np.argmax(margin, axis=1)
        classes: Numbers = self.classes_[number.astype(np.intp)]
        return classes


def _weight(sample_weight: Any, X: Numbers) -> Numbers | None:
    if sample_weight is None:
        return None
    weight: Numbers = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    return weight
