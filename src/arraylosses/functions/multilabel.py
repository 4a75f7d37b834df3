"""Losses of labels that do not exclude each other: 0 or 1 (or a probability) for each class.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.multilabel import Asymmetric, MultilabelMargin, MultilabelSoftMargin
from ..reduction import Reduction

__all__ = ["asymmetric", "multilabel_margin", "multilabel_soft_margin"]


@function_form(Asymmetric)
def asymmetric(
    prediction: Array,
    target: Array,
    *,
    gamma_pos: Real | Sequence[float] = 0.0,
    gamma_neg: Real | Sequence[float] = 4.0,
    shift: Real | Sequence[float] = 0.05,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Binary cross entropy in which negatives count less than positives, and easy ones nothing: for many rare labels.

    .. math:: l = -\mathrm{target} (1 - p)^{\mathrm{gamma\_pos}} \log p - (1 - \mathrm{target}) \,
        q^{\mathrm{gamma\_neg}} \log(1 - q);
        \quad p = 1 / (1 + \exp(-\mathrm{prediction})), \; q = \max(0, p - \mathrm{shift})

    Parameters
    ----------
    prediction : array
        Floating logits.
    target : array
        0 or 1, or a probability, of the shape of `prediction`. An integer or bool target is converted.
    gamma_pos : float, default 0.0
        How fast the weight of a positive falls as it becomes easy; at least 0.
    gamma_neg : float, default 4.0
        The same of a negative.
    shift : float, default 0.05
        What is taken from the probability of a negative, in [0, 1]: below it, a negative is easy enough to count for
        nothing.
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
    multilabel_soft_margin : Where labels are not rare.
    binary_focal : For a yes or no.

    Notes
    -----
    An item is a label. The authors' code returns the sum over all labels of a batch, and has 1 for `gamma_pos`. Without
    a shift and with one gamma it is `binary_focal`, and with a gamma of 0 `binary_cross_entropy`.

    References
    ----------
    Ridnik et al., Asymmetric loss for multi-label classification (2021). https://arxiv.org/abs/2009.14119

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.asymmetric(np.asarray([0.0, 0.0, -4.0]), np.asarray([1, 0, 0]), reduction="none").round(4).tolist()
    [0.6931, 0.0245, 0.0]
    """
    return Asymmetric.made(
        gamma_pos=gamma_pos,
        gamma_neg=gamma_neg,
        shift=shift,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(MultilabelMargin)
def multilabel_margin(
    logits: Array,
    target: Array,
    *,
    margin: Real | Sequence[float] = 1.0,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Hinge loss of several labels: every class that is there should lead every one that is not by a margin.

    .. math:: l = \frac{1}{C} \sum_{j, k} \mathrm{target}_j (1 - \mathrm{target}_k) \max(0, \mathrm{margin} +
        \mathrm{logits}_k - \mathrm{logits}_j)

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating scores, with the classes along `axis`. A row alone, (C,), is one item.
    target : array, shape (..., C)
        0 or 1, or a probability, for each class, under which the loss is the expected one of independent labels. An
        integer or bool target is converted.
    margin : float, default 1.0
        The lead that is asked for; at least 0.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
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
    multilabel_soft_margin : Where probabilities are wanted.
    asymmetric : For many rare labels.

    Notes
    -----
    The sum is divided by the number of classes, as in PyTorch, whose target is a list of the classes that are there,
    ended by -1.

    All pairs of classes are compared, which takes time and memory for the square of their number: memory of a few rows
    at a time on NumPy and on torch's CPU, and of all rows elsewhere.

    References
    ----------
    Crammer and Singer, A family of additive online algorithms for category ranking (2003).
    https://www.jmlr.org/papers/v3/crammer03b.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores, target = np.asarray([[0.1, 0.2, 0.4, 0.8]]), np.asarray([[1, 0, 0, 1]])
    >>> round(float(al.multilabel_margin(scores, target)), 6)
    0.85
    """
    return MultilabelMargin.made(
        margin=margin,
        axis=axis,
        reduction=reduction,
    )(logits, target, weight=weight, where=where)


@function_form(MultilabelSoftMargin)
def multilabel_soft_margin(
    logits: Array,
    target: Array,
    *,
    axis: int = -1,
    class_weight: Any = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Mean over the classes of their binary cross entropy: one loss for all labels of an item.

    .. math:: l = -\frac{1}{C} \sum_c \mathrm{target}_c \log p_c + (1 - \mathrm{target}_c) \log(1 - p_c);
        \quad p = 1 / (1 + \exp(-\mathrm{logits}))

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating, with the classes along `axis`. A row alone, (C,), is one item.
    target : array, shape (..., C)
        0 or 1, or a probability, for each class. An integer or bool target is converted.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    class_weight : sequence or array of shape (C,), optional
        One number a class. The mean over the classes is then Σ w l / Σ w, which no constant weight changes.
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
    binary_cross_entropy : With a loss for each label.
    asymmetric : For many rare labels.

    Notes
    -----
    An item is a row, and `weight` and `where` have one value for all of its labels. In `binary_cross_entropy`, whose
    mean is the same, an item is a label. PyTorch divides by the number of classes where their weights are given, too.

    References
    ----------
    Zhang and Zhou, A review on multi-label learning algorithms (2014). https://doi.org/10.1109/TKDE.2013.39

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, target = np.asarray([[0.0, 1e4, -1e4]]), np.asarray([[1, 1, 0]])
    >>> round(float(al.multilabel_soft_margin(logits, target)), 6)
    0.231049
    """
    return MultilabelSoftMargin.made(
        axis=axis,
        class_weight=class_weight,
        reduction=reduction,
    )(logits, target, weight=weight, where=where)
