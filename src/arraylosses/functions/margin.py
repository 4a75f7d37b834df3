"""Losses of a margin: how far a score is on its own side of 0, or above the scores of all other classes.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.margin import CategoricalHinge, Exponential, ModifiedHuber, MulticlassPerceptron, MultiMargin, Perceptron
from ..reduction import Reduction

__all__ = ["categorical_hinge", "exponential", "modified_huber", "multi_margin", "multiclass_perceptron", "perceptron"]


@function_form(CategoricalHinge)
def categorical_hinge(
    logits: Array,
    labels: Array,
    *,
    margin: Real | Sequence[float] = 1.0,
    axis: int = -1,
    class_weight: Any = None,
    ignore_index: int | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Loss of the multiclass support vector machine: 0 once the class leads all others by a margin.

    .. math:: l = \max(0, \mathrm{margin} + \max_{j \ne \mathrm{label}} \mathrm{logits}_j -
        \mathrm{logits}_{\mathrm{label}})

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating scores, with the classes along `axis`. A row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class, under which the loss is the expected one.
    margin : float, default 1.0
        The lead that is asked for; at least 0.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `logits` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    multi_margin : Where every class that comes too close counts.
    cross_entropy : Where probabilities are wanted.

    Notes
    -----
    Keras's loss of this name lets the true class take part with a score of 0, and so differs where all other scores are
    negative.

    References
    ----------
    Crammer and Singer, On the algorithmic implementation of multiclass kernel-based vector machines (2001).
    https://www.jmlr.org/papers/v2/crammer01a.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores = np.asarray([[3.0, 1.0, 0.0], [0.5, 0.0, 1.0]])
    >>> al.categorical_hinge(scores, np.asarray([0, 0]), reduction="none").tolist()
    [0.0, 1.5]
    """
    return CategoricalHinge.made(
        margin=margin,
        axis=axis,
        class_weight=class_weight,
        ignore_index=ignore_index,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(Exponential)
def exponential(
    prediction: Array,
    target: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Loss of AdaBoost: exponential in the margin, so that what is far on the wrong side counts above all else.

    .. math:: l = \exp(-\mathrm{target} \cdot \mathrm{prediction})

    Parameters
    ----------
    prediction : array
        Floating scores.
    target : array
        -1 or 1, of the shape of `prediction`; ``2 * t - 1`` makes it of 0 and 1. An integer target is converted.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    soft_margin : Where some labels are wrong.
    hinge : 0 beyond a margin.

    Notes
    -----
    The least expected loss is at half the logarithm of the odds; that of `soft_margin` is at the logarithm itself.

    References
    ----------
    Freund and Schapire, A decision-theoretic generalization of on-line learning and an application to boosting (1997).
    https://doi.org/10.1006/jcss.1997.1504

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.exponential(np.asarray([0.0, 1.0]), np.asarray([1, -1]), reduction="none").round(4).tolist()
    [1.0, 2.7183]
    """
    return Exponential.made(
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(ModifiedHuber)
def modified_huber(
    prediction: Array,
    target: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Squared hinge loss that grows linearly far on the wrong side: smooth, and lenient with outliers.

    .. math:: l = \begin{cases} \max(0, 1 - m)^2 & m \ge -1 \\ -4 m & m < -1 \end{cases};
        \quad m = \mathrm{target} \cdot \mathrm{prediction}

    Parameters
    ----------
    prediction : array
        Floating scores.
    target : array
        -1 or 1, of the shape of `prediction`; ``2 * t - 1`` makes it of 0 and 1. An integer target is converted.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    squared_hinge : Without the linear part.
    hinge : Not smooth.

    Notes
    -----
    The least expected loss is at a score of 2 p - 1 for a class of probability p. It is 4 times `sparsemax`, whose
    targets are 0 and 1.

    References
    ----------
    Zhang, Solving large scale linear prediction problems using stochastic gradient descent algorithms (2004).
    https://doi.org/10.1145/1015330.1015332

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.modified_huber(np.asarray([2.0, 0.5, -3.0]), np.asarray([1, 1, 1]), reduction="none").tolist()
    [0.0, 0.25, 12.0]
    """
    return ModifiedHuber.made(
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(MultiMargin)
def multi_margin(
    logits: Array,
    labels: Array,
    *,
    margin: Real | Sequence[float] = 1.0,
    p: int = 1,
    axis: int = -1,
    class_weight: Any = None,
    ignore_index: int | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Multiclass hinge loss that counts every class which comes too close, and not the closest alone.

    .. math:: l = \frac{1}{C} \sum_{j \ne \mathrm{label}} \max(0, \mathrm{margin} + \mathrm{logits}_j -
        \mathrm{logits}_{\mathrm{label}})^p

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating scores, with the classes along `axis`. A row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class, under which the loss is the expected one.
    margin : float, default 1.0
        The lead over each other class that is asked for; at least 0.
    p : {1, 2}, default 1
        The power of what lacks to the margin.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `logits` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    categorical_hinge : Where only the closest class counts.
    cross_entropy : Where probabilities are wanted.

    Notes
    -----
    The sum is divided by the number of all classes, as in PyTorch; Weston and Watkins do not divide it. With weights of
    classes the mean is divided by the sum of the items' weights, and PyTorch's by the number of items.

    A target of probabilities takes memory for the square of the number of classes.

    References
    ----------
    Weston and Watkins, Support vector machines for multi-class pattern recognition (1999).
    https://www.esann.org/sites/default/files/proceedings/legacy/es1999-461.pdf

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores = np.asarray([[3.0, 1.0, 0.0], [0.5, 0.0, 1.0]])
    >>> al.multi_margin(scores, np.asarray([0, 0]), p=2, reduction="none").round(4).tolist()
    [0.0, 0.8333]
    """
    return MultiMargin.made(
        margin=margin,
        p=p,
        axis=axis,
        class_weight=class_weight,
        ignore_index=ignore_index,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(MulticlassPerceptron)
def multiclass_perceptron(
    logits: Array,
    labels: Array,
    *,
    axis: int = -1,
    class_weight: Any = None,
    ignore_index: int | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Loss of the perceptron of several classes: how far the score of the class is below the largest.

    .. math:: l = \max_j \mathrm{logits}_j - \mathrm{logits}_{\mathrm{label}}

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating scores, with the classes along `axis`. A row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class, under which the loss is the expected one.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `logits` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    categorical_hinge : With a margin.
    perceptron : For a yes or no.

    Notes
    -----
    It is `categorical_hinge` with a margin of 0. Where the class ties with others for the largest score, the derivative
    is 0.

    References
    ----------
    Collins, Discriminative training methods for hidden Markov models: theory and experiments with perceptron algorithms
    (2002). https://doi.org/10.3115/1118693.1118694

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores = np.asarray([[3.0, 1.0, 0.0], [0.5, 0.0, 1.0]])
    >>> al.multiclass_perceptron(scores, np.asarray([0, 0]), reduction="none").tolist()
    [0.0, 0.5]
    """
    return MulticlassPerceptron.made(
        axis=axis,
        class_weight=class_weight,
        ignore_index=ignore_index,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(Perceptron)
def perceptron(
    prediction: Array,
    target: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Loss of the perceptron: how far an item is on the wrong side, and 0 on the right one, without a margin.

    .. math:: l = \max(0, -\mathrm{target} \cdot \mathrm{prediction})

    Parameters
    ----------
    prediction : array
        Floating scores.
    target : array
        -1 or 1, of the shape of `prediction`; ``2 * t - 1`` makes it of 0 and 1. An integer target is converted.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    hinge : With a margin.
    multiclass_perceptron : For several classes.

    Notes
    -----
    At a score of 0 the derivative is 0, so that a model whose scores are all 0 does not move; `hinge` moves it.

    References
    ----------
    Rosenblatt, The perceptron: a probabilistic model for information storage and organization in the brain (1958).
    https://doi.org/10.1037/h0042519

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.perceptron(np.asarray([0.5, 0.5]), np.asarray([1, -1]), reduction="none").tolist()
    [0.0, 0.5]
    """
    return Perceptron.made(
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)
