"""Losses of classes that are other functions of a class's probability than its logarithm alone.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.class_probability import (
    Brier,
    CategoricalBrier,
    GeneralizedCrossEntropy,
    PolyCrossEntropy,
    SymmetricCrossEntropy,
)
from ..reduction import Reduction

__all__ = ["brier", "categorical_brier", "generalized_cross_entropy", "poly_cross_entropy", "symmetric_cross_entropy"]


@function_form(Brier)
def brier(
    prediction: Array,
    target: Array,
    *,
    from_logits: bool = True,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Squared error of the probability of a yes: a proper score, bounded where an item is as wrong as can be.

    .. math:: l = (p - \mathrm{target})^2; \quad p = 1 / (1 + \exp(-\mathrm{prediction}))

    Parameters
    ----------
    prediction : array
        Floating: logits, or with ``from_logits=False`` probabilities.
    target : array
        0 or 1, or a probability, of the shape of `prediction`. An integer or bool target is converted.
    from_logits : bool, default True
        Whether `prediction` holds logits.
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
    binary_cross_entropy : Harsher on what was thought impossible.
    categorical_brier : For several classes.

    Notes
    -----
    Of two classes, `categorical_brier` is twice as large: Brier's own definition. scikit-learn's ``brier_score_loss``
    of a yes or no is this one, of probabilities.

    References
    ----------
    Brier, Verification of forecasts expressed in terms of probability (1950).
    https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.brier(np.asarray([0.0, 1e4]), np.asarray([1, 0]), reduction="none").tolist()
    [0.25, 1.0]
    """
    return Brier.made(
        from_logits=from_logits,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(CategoricalBrier)
def categorical_brier(
    logits: Array,
    labels: Array,
    *,
    axis: int = -1,
    from_logits: bool = True,
    class_weight: Any = None,
    ignore_index: int | None = None,
    label_smoothing: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Squared distance of the predicted distribution from the target: a proper score, of at most 2.

    .. math:: l = \sum_c (p_c - \mathrm{target}_c)^2; \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. A row alone,
        (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise probabilities.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is spread evenly over all classes.
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
    cross_entropy : Harsher on what was thought impossible.
    brier : For a yes or no.

    Notes
    -----
    It is not divided by 2, nor by the number of classes.

    References
    ----------
    Brier, Verification of forecasts expressed in terms of probability (1950).
    https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p = np.asarray([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]])
    >>> al.categorical_brier(p, np.asarray([0, 0]), from_logits=False, reduction="none").tolist()
    [0.375, 2.0]
    """
    return CategoricalBrier.made(
        axis=axis,
        from_logits=from_logits,
        class_weight=class_weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(GeneralizedCrossEntropy)
def generalized_cross_entropy(
    logits: Array,
    labels: Array,
    *,
    q: Real | Sequence[float] = 0.7,
    axis: int = -1,
    from_logits: bool = True,
    class_weight: Any = None,
    ignore_index: int | None = None,
    label_smoothing: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Between cross entropy and absolute error: for labels some of which are wrong.

    .. math:: l = \sum_c \mathrm{target}_c \frac{1 - p_c^q}{q}; \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. A row alone,
        (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class.
    q : float, default 0.7
        In [0, 1]: towards 0 it is `cross_entropy`, which learns fast, and at 1 half the absolute error of the
        distribution, 1 - p, which wrong labels harm least.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise probabilities.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is spread evenly over all classes.
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
    cross_entropy : Where the labels are right.
    symmetric_cross_entropy : With two weights.

    Notes
    -----
    The default is the paper's. Keras's is 0.5, of probabilities, and its loss takes integer labels whatever its name
    says.

    References
    ----------
    Zhang and Sabuncu, Generalized cross entropy loss for training deep neural networks with noisy labels (2018).
    https://arxiv.org/abs/1805.07836

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.generalized_cross_entropy(np.asarray([[0.0, 0.0]]), np.asarray([1]), q=0.5)), 6)
    0.585786
    """
    return GeneralizedCrossEntropy.made(
        q=q,
        axis=axis,
        from_logits=from_logits,
        class_weight=class_weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(PolyCrossEntropy)
def poly_cross_entropy(
    logits: Array,
    labels: Array,
    *,
    epsilon1: Real | Sequence[float] = 2.0,
    axis: int = -1,
    from_logits: bool = True,
    class_weight: Any = None,
    ignore_index: int | None = None,
    label_smoothing: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Cross entropy with the first term of its series in 1 - p changed: one number that can be tuned to a task.

    .. math:: l = \sum_c \mathrm{target}_c (-\log p_c + \epsilon_1 (1 - p_c));
        \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. A row alone,
        (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class.
    epsilon1 : float, default 2.0
        What is added to the coefficient of 1 - p, which is 1 in cross entropy; at least -1. At 0 it is
        `cross_entropy`.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise probabilities.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is spread evenly over all classes.
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
    cross_entropy : Without the term.
    categorical_focal : For rare classes.

    Notes
    -----
    The paper tunes the number to the task: 2 for the classification of images, and negative ones for their
    segmentation and detection. Optax's default is 2, as here, and Rax's 1.

    References
    ----------
    Leng et al., PolyLoss: a polynomial expansion perspective of classification loss functions (2022).
    https://arxiv.org/abs/2204.12511

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.poly_cross_entropy(np.asarray([[0.0, 0.0]]), np.asarray([1]))), 6)
    1.693147
    """
    return PolyCrossEntropy.made(
        epsilon1=epsilon1,
        axis=axis,
        from_logits=from_logits,
        class_weight=class_weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(SymmetricCrossEntropy)
def symmetric_cross_entropy(
    logits: Array,
    labels: Array,
    *,
    alpha: Real | Sequence[float] = 0.1,
    beta: Real | Sequence[float] = 1.0,
    log_zero: Real | Sequence[float] = -4.0,
    axis: int = -1,
    from_logits: bool = True,
    class_weight: Any = None,
    ignore_index: int | None = None,
    label_smoothing: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Cross entropy and its reverse, with prediction and target exchanged: for labels some of which are wrong.

    .. math:: l = -\alpha \sum_c \mathrm{target}_c \log p_c - \beta \sum_c p_c \max(\log \mathrm{target}_c,
        \mathrm{log\_zero});
        \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. A row alone,
        (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class.
    alpha : float, default 0.1
        What cross entropy counts; at least 0.
    beta : float, default 1.0
        What the reverse counts, which wrong labels harm less; at least 0.
    log_zero : float, default -4.0
        What the logarithm of a target of 0 is taken for, below 0. No logarithm of a target is less.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise probabilities.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is spread evenly over all classes.
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
    generalized_cross_entropy : With one setting.
    cross_entropy : With `label_smoothing`, where few labels are wrong.

    Notes
    -----
    The defaults are the paper's for ten classes; for a hundred it has an `alpha` of 6 and a `beta` of 0.1. Of a label,
    the reverse is ``-log_zero`` (1 - p), so that it is `poly_cross_entropy` but for factors.

    References
    ----------
    Wang et al., Symmetric cross entropy for robust learning with noisy labels (2019). https://arxiv.org/abs/1908.06112

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.symmetric_cross_entropy(np.asarray([[0.0, 0.0]]), np.asarray([1]))), 6)
    2.069315
    """
    return SymmetricCrossEntropy.made(
        alpha=alpha,
        beta=beta,
        log_zero=log_zero,
        axis=axis,
        from_logits=from_logits,
        class_weight=class_weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)
