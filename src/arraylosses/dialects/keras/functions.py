"""The functions of `keras.losses`: one value a sample."""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any

from ..._array_api import Array, array_namespace, holds_values, same_shape
from ..._values import holds_negative
from ...losses.binary import BinaryCrossEntropy, BinaryFocal, Hinge, SquaredHinge
from ...losses.class_probability import GeneralizedCrossEntropy
from ...losses.embedding import CosineSimilarity
from ...losses.likelihood import PoissonNll
from ...losses.multiclass import CategoricalFocal, CrossEntropy
from ...losses.regression import AbsoluteError, Huber, LogCosh, SquaredError
from ...losses.relative import AbsolutePercentageError
from ...losses.sequence import Ctc
from .._common import one_program
from . import _formulas, losses
from ._arrays import together
from ._items import Items, axes_of, elements, floating, labels_of, of_values, rows, same_rank, shape_without, values_of

__all__ = [
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "ctc",
    "dice",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

EPSILON = 1e-7


# Regression


@values_of
def mean_squared_error(y_true: Array, y_pred: Array) -> Items:
    """Mean of (y_true - y_pred)² along the last axis.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> losses.mean_squared_error(np.asarray([[0.0, 1.0], [0.0, 0.0]]), np.asarray([[1.0, 1.0], [3.0, 0.0]])).tolist()
    [0.5, 4.5]
    """
    return elements(SquaredError.made, y_true, y_pred)


@values_of
def mean_absolute_error(y_true: Array, y_pred: Array) -> Items:
    """Mean of abs(y_true - y_pred) along the last axis.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> losses.mean_absolute_error(np.asarray([[0.0, 1.0], [0.0, 0.0]]), np.asarray([[1.0, 1.0], [3.0, 0.0]])).tolist()
    [0.5, 1.5]
    """
    return elements(AbsoluteError.made, y_true, y_pred)


@values_of
def mean_absolute_percentage_error(y_true: Array, y_pred: Array) -> Items:
    """100 times the mean of abs(y_true - y_pred) / max(abs(y_true), 1e-7) along the last axis.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> losses.mean_absolute_percentage_error(np.asarray([[2.0, 4.0]]), np.asarray([[1.0, 4.0]])).tolist()
    [25.0]
    """
    return elements(AbsolutePercentageError.made, y_true, y_pred)


@values_of
def mean_squared_logarithmic_error(y_true: Array, y_pred: Array) -> Items:
    """Mean of the squared differences of log(1 + max(y, 1e-7)) along the last axis.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> y_true, y_pred = np.asarray([[0.0, 3.0]]), np.asarray([[np.e - 1.0, 3.0]])
    >>> losses.mean_squared_logarithmic_error(y_true, y_pred).round(6).tolist()
    [0.5]
    """
    return elements(losses.MeanSquaredLogarithmicError.made, y_true, y_pred)


@values_of
def cosine_similarity(y_true: Array, y_pred: Array, axis: int = -1) -> Items:
    """Minus the cosine of the angle between the vectors along `axis`; 0 of a vector that is 0.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> losses.cosine_similarity(np.asarray([[0.0, 1.0], [3.0, 4.0]]), np.asarray([[0.0, 2.0], [0.0, 1.0]])).tolist()
    [-1.0, -0.8]
    """
    return rows(functools.partial(CosineSimilarity.made, axis=axis), y_true, y_pred, axis)


@values_of
def huber(y_true: Array, y_pred: Array, delta: float = 1.0) -> Items:
    """Mean along the last axis of e² / 2, and of delta (abs(e) - delta / 2) where abs(e) > delta; e = y_pred - y_true.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> losses.huber(np.asarray([[0.0, 0.0]]), np.asarray([[1.0, 5.0]]), delta=2.0).tolist()
    [4.25]
    """
    return elements(functools.partial(Huber.made, delta=delta), y_true, y_pred)


@values_of
def log_cosh(y_true: Array, y_pred: Array) -> Items:
    """Mean of log(cosh(y_pred - y_true)) along the last axis.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> losses.log_cosh(np.asarray([[0.0, 1.0]]), np.asarray([[0.5, 1.0]])).round(6).tolist()
    [0.060057]
    """
    return elements(LogCosh.made, y_true, y_pred)


# Maximum margin


@values_of
def hinge(y_true: Array, y_pred: Array) -> Items:
    """Mean of max(0, 1 - y_true y_pred) along the last axis.

    Targets are -1 and 1; where all in the batch are 0 or 1, they are taken for these.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> losses.hinge(np.asarray([[0, 1]]), np.asarray([[0.5, 0.25]])).tolist()
    [1.125]
    """
    return elements(Hinge.made, _signs(y_true), y_pred)


@values_of
def squared_hinge(y_true: Array, y_pred: Array) -> Items:
    """Mean of max(0, 1 - y_true y_pred)² along the last axis.

    Targets are -1 and 1; where all in the batch are 0 or 1, they are taken for these.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> losses.squared_hinge(np.asarray([[0, 1]]), np.asarray([[0.5, 0.0]])).tolist()
    [1.625]
    """
    return elements(SquaredHinge.made, _signs(y_true), y_pred)


def _signs(y_true: Array) -> Array:
    """Return targets of -1 and 1, of 0 and 1 if there are no others."""
    if holds_values(y_true) and (0 in y_true.shape or holds_negative(y_true)):
        return y_true
    return _of_binary(floating("y_true", y_true))


@one_program
def _of_binary(y_true: Array) -> Array:
    xp = array_namespace(y_true)
    binary = xp.all(xp.logical_or(y_true == 0, y_true == 1))
    return xp.where(binary, 2.0 * y_true - 1.0, y_true)


@values_of
def categorical_hinge(y_true: Array, y_pred: Array) -> Items:
    """max(0, 1 + neg - pos), with pos = Σ y_true y_pred and neg = max (1 - y_true) y_pred along the last axis.

    The true class takes part in neg with 0, so that the loss is that of Crammer and Singer, `categorical_hinge`, only
    where another score is positive.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> y_true, y_pred = np.asarray([[1, 0, 0], [0, 1, 0]]), np.asarray([[0.5, 2.0, 1.0], [-1.0, -2.0, -3.0]])
    >>> losses.categorical_hinge(y_true, y_pred).tolist()
    [2.5, 3.0]
    """
    return rows(_formulas.CategoricalHinge.made, y_true, y_pred)


# Probability


@values_of
def kl_divergence(y_true: Array, y_pred: Array) -> Items:
    """Σ y_true log(y_true / y_pred) along the last axis, of probabilities that are limited to [1e-7, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> losses.kl_divergence(np.asarray([[0.5, 0.5]]), np.asarray([[0.25, 0.75]])).round(6).tolist()
    [0.143841]
    """
    return rows(losses.KLDivergence.made, y_true, y_pred)


@values_of
def poisson(y_true: Array, y_pred: Array) -> Items:
    """Mean of y_pred - y_true log(y_pred + 1e-7) along the last axis: `y_pred` is a rate.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> losses.poisson(np.asarray([[0, 2]]), np.asarray([[1.0, 1.0]])).round(6).tolist()
    [1.0]
    """
    return elements(functools.partial(PoissonNll.made, from_log=False, epsilon=EPSILON), y_true, y_pred)


@values_of
def binary_crossentropy(
    y_true: Array,
    y_pred: Array,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int | tuple[int, ...] | None = -1,
) -> Items:
    """Mean of -y_true log(p) - (1 - y_true) log(1 - p) along `axis`.

    Probabilities are limited to [1e-7, 1 - 1e-7]; with ``from_logits=True``, `y_pred` is their logit. A
    `label_smoothing` of s makes a target y (1 - s) + s / 2.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> losses.binary_crossentropy(np.asarray([[0, 1]]), np.asarray([[0.5, 0.25]])).round(6).tolist()
    [1.039721]
    """
    loss = BinaryCrossEntropy if from_logits else losses.BinaryCrossentropy
    return elements(functools.partial(loss.made, label_smoothing=label_smoothing), y_true, y_pred, axis)


@values_of
def binary_focal_crossentropy(
    y_true: Array,
    y_pred: Array,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int | tuple[int, ...] | None = -1,
) -> Items:
    """Mean along `axis` of the binary cross entropy times (1 - p)**gamma, p being the probability of the target.

    With `apply_class_balancing`, it is also multiplied by `alpha` where the target is 1, and by 1 - alpha where it is
    0. The other parameters are those of `binary_crossentropy`.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> losses.binary_focal_crossentropy(np.asarray([[1, 1]]), np.asarray([[0.5, 0.75]])).round(6).tolist()
    [0.095633]
    """
    loss = functools.partial(
        (BinaryFocal if from_logits else losses.BinaryFocalCrossentropy).made,
        alpha=alpha if apply_class_balancing else None,
        gamma=gamma,
        label_smoothing=label_smoothing,
    )
    return elements(loss, y_true, y_pred, axis)


@values_of
def categorical_crossentropy(
    y_true: Array, y_pred: Array, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Items:
    """-Σ y_true log(p) along `axis`, of targets that hold a probability for each class.

    Predictions are divided by their sum, and limited to [1e-7, 1 - 1e-7]; with ``from_logits=True``, p is the softmax.
    A `label_smoothing` of s makes a target y (1 - s) + s / C, of C classes.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> losses.categorical_crossentropy(np.asarray([[1, 0, 0]]), np.asarray([[0.5, 0.25, 0.25]])).round(6).tolist()
    [0.693147]
    """
    loss = CrossEntropy if from_logits else losses.CategoricalCrossentropy
    return _categorical(loss, y_true, y_pred, label_smoothing=label_smoothing, axis=axis)


@values_of
def categorical_focal_crossentropy(
    y_true: Array,
    y_pred: Array,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Items:
    """-Σ y_true alpha (1 - p)**gamma log(p) along `axis`; `alpha` is one number, or one a class.

    The other parameters are those of `categorical_crossentropy`.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> y_true, y_pred = np.asarray([[1, 0, 0]]), np.asarray([[0.5, 0.25, 0.25]])
    >>> losses.categorical_focal_crossentropy(y_true, y_pred).round(6).tolist()
    [0.043322]
    """
    loss = CategoricalFocal if from_logits else losses.CategoricalFocalCrossentropy
    return _categorical(loss, y_true, y_pred, alpha=alpha, gamma=gamma, label_smoothing=label_smoothing, axis=axis)


def _categorical(loss: Any, y_true: Array, y_pred: Array, *, axis: int, **settings: Any) -> Items:
    items = rows(functools.partial(loss.made, axis=axis, **settings), y_true, y_pred, axis)
    _require_one_shape(*reversed(items.arrays))
    if items.arrays[0].shape[axis] == 1:
        warnings.warn(
            "`y_pred` must have one entry a class, got one in all, whose loss is always 0; binary_crossentropy is the "
            "loss of two classes",
            SyntaxWarning,
            stacklevel=5,
        )
    return items


def _require_one_shape(y_true: Array, y_pred: Array) -> None:
    shapes = tuple(y_true.shape), tuple(y_pred.shape)
    if not same_shape(*shapes):
        raise ValueError(f"`y_true` and `y_pred` must have the same shape, got {shapes[0]} and {shapes[1]}")


@values_of
def sparse_categorical_crossentropy(
    y_true: Array, y_pred: Array, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Items:
    """-log(p) of the label's class, the classes being along `axis`.

    Labels are integers of the shape of `y_pred` without `axis`, or with a length of 1 there; the value of an
    `ignore_class` is 0, and a class of losses leaves it out of its mean. The other parameters are those of
    `categorical_crossentropy`.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> y_true, y_pred = np.asarray([1, 2]), np.asarray([[0.25, 0.5, 0.25], [0.1, 0.8, 0.1]])
    >>> losses.sparse_categorical_crossentropy(y_true, y_pred, ignore_class=2).round(6).tolist()
    [0.693147, 0.0]
    """
    loss = functools.partial((CrossEntropy if from_logits else losses.CategoricalCrossentropy).made, axis=axis)
    y_true, y_pred = _labels(y_true, y_pred, axis)
    where = None if ignore_class is None else y_true != ignore_class
    return Items(loss, (y_pred, y_true), shape_without(y_pred, axis), where=where)


@values_of
def categorical_generalized_cross_entropy(y_true: Array, y_pred: Array, q: float) -> Items:
    """(1 - p**q) / q, p being the probability of the label's class on the last axis, and `q` within (0, 1).

    Labels are integers, in spite of the name.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> y_true, y_pred = np.asarray([1, 0]), np.asarray([[0.75, 0.25], [0.25, 0.75]])
    >>> losses.categorical_generalized_cross_entropy(y_true, y_pred, q=0.5).tolist()
    [1.0, 1.0]
    """
    y_true, y_pred = _labels(y_true, y_pred, -1)
    loss = functools.partial(GeneralizedCrossEntropy.made, q=q, from_logits=False)
    return Items(loss, (y_pred, y_true), shape_without(y_pred, -1))


def _labels(y_true: Array, y_pred: Array, axis: int) -> tuple[Array, Array]:
    """Return integer labels without the class axis, and the prediction."""
    y_true, y_pred = labels_of(y_true), floating("y_pred", y_pred)
    if y_true.ndim == y_pred.ndim:
        (classes,) = axes_of(axis, y_pred.ndim)
        if y_true.shape[classes] == 1:
            y_true = array_namespace(y_true).squeeze(y_true, axis=classes)
    return y_true, y_pred


# Regions, embeddings and sequences


@values_of
def dice(y_true: Array, y_pred: Array, axis: int | tuple[int, ...] | None = None) -> Items:
    """1 - 2 Σ y_true y_pred / (Σ y_true + Σ y_pred + 1e-7), the sums being along `axis`; over all axes for None.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> y_true, y_pred = np.asarray([[1.0, 1.0, 0.0]]), np.asarray([[0.5, 1.0, 0.5]])
    >>> losses.dice(y_true, y_pred, axis=1).round(6).tolist()
    [0.25]
    """
    # Its denominator is twice that of the Tversky index.
    return _regions(functools.partial(_formulas.Tversky.made, epsilon=EPSILON / 2), y_true, y_pred, axis)


@values_of
def tversky(
    y_true: Array,
    y_pred: Array,
    alpha: float = 0.5,
    beta: float = 0.5,
    axis: int | tuple[int, ...] | None = None,
) -> Items:
    """1 - TP / (TP + alpha FP + beta FN + 1e-7), of sums of probabilities along `axis`; over all axes for None.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> y_true, y_pred = np.asarray([[1.0, 1.0, 0.0]]), np.asarray([[0.5, 1.0, 0.5]])
    >>> losses.tversky(y_true, y_pred, alpha=0.0, beta=1.0, axis=1).round(6).tolist()
    [0.25]
    """
    return _regions(
        functools.partial(_formulas.Tversky.made, alpha=alpha, beta=beta, epsilon=EPSILON), y_true, y_pred, axis
    )


def _regions(loss: Any, y_true: Array, y_pred: Array, axis: int | tuple[int, ...] | None) -> Items:
    """Items whose places lie along several axes, which are made the last one."""
    y_true, y_pred = same_rank(floating("y_true", y_true), floating("y_pred", y_pred))
    _require_one_shape(y_true, y_pred)
    xp, ndim = array_namespace(y_true, y_pred), y_pred.ndim
    places = axes_of(axis, ndim)
    kept = tuple([k for k in range(ndim) if k not in places])
    shape = tuple([y_pred.shape[k] for k in kept])
    # Of no items, a length of -1 could be any.
    length = -1 if 0 not in shape else math.prod([y_pred.shape[k] for k in places])
    arrays = [
        xp.reshape(xp.permute_dims(x, (*kept, *places)) if kept else x, (*shape, length))
        for x in (y_pred, xp.astype(y_true, y_pred.dtype, copy=False))
    ]
    return Items(loss, tuple(arrays), shape)


@values_of
def circle(
    y_true: Array,
    y_pred: Array,
    ref_labels: Array | None = None,
    ref_embeddings: Array | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Items:
    """The circle loss of embeddings of length 1, `y_pred`, with their labels, `y_true`.

    They are compared with each other, or with `ref_embeddings`, whose labels are `ref_labels`; with `remove_diagonal`,
    none with that of its own place. A class of losses takes the mean of the values that are not 0.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> embeddings = np.asarray([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    >>> losses.circle(np.asarray([0, 0, 1]), embeddings, gamma=1).round(6).tolist()
    [0.616344, 0.961675, 0.0]
    """
    y_true, y_pred = _in_one_axis(labels_of(y_true)), floating("y_pred", y_pred)
    _, ref_labels, ref_embeddings = together(y_pred, ref_labels, ref_embeddings)
    loss = _formulas.Circle(margin=margin, gamma=gamma, remove_diagonal=remove_diagonal, reduction="none")
    labels = y_true if ref_labels is None else _in_one_axis(labels_of(ref_labels))
    values = loss(y_pred, y_true, y_pred if ref_embeddings is None else ref_embeddings, labels)
    values = array_namespace(values).astype(values, y_pred.dtype, copy=False)
    return of_values(values, values > 0)


def _in_one_axis(labels: Array) -> Array:
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


@values_of
def ctc(y_true: Array, y_pred: Array) -> Items:
    """Connectionist temporal classification of logits (N, T, C), by labels (N, L) that are padded with 0, the blank.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> losses.ctc(np.asarray([[1, 2, 0]]), np.zeros((1, 2, 3))).round(6).tolist()
    [2.197225]
    """
    y_true, y_pred = labels_of(y_true), floating("y_pred", y_pred)
    xp = array_namespace(y_true)
    lengths = xp.sum(xp.astype(y_true != 0, y_true.dtype), axis=-1)
    return Items(Ctc.made, (y_pred, y_true, None, lengths), tuple(y_pred.shape[:-2]))
