"""Losses of several classes that exclude each other: integer labels, or a probability for each class.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.multiclass import CategoricalFocal, CrossEntropy, Nll
from ..reduction import Reduction

__all__ = ["categorical_focal", "cross_entropy", "nll"]


@function_form(CategoricalFocal)
def categorical_focal(
    logits: Array,
    labels: Array,
    *,
    gamma: Real | Sequence[float] = 2.0,
    alpha: Any = None,
    axis: int = -1,
    from_logits: bool = True,
    class_weight: Any = None,
    ignore_index: int | None = None,
    label_smoothing: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Cross entropy in which easy items count little, for classes that are rare.

    .. math:: l = -\sum_c \mathrm{target}_c \, \alpha_c (1 - p_c)^{\gamma} \log p_c;
        \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. A row alone,
        (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class.
    gamma : float, default 2.0
        How fast the weight of an item falls as it becomes easy; at least 0. At 0 it is `cross_entropy`.
    alpha : float, or sequence or array of shape (C,), optional
        Factor of the loss: one number, or one a class. Unlike `class_weight`, it is no part of the mean's denominator.
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
    cross_entropy : With `class_weight`, where a miss costs more.
    binary_focal : For a yes or no.
    dice : For the places of an image.

    References
    ----------
    Lin et al., Focal loss for dense object detection (2017). https://arxiv.org/abs/1708.02002

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.categorical_focal(np.asarray([[2.0, 0.0, 0.0]]), np.asarray([0]))), 6)
    0.010869
    """
    return CategoricalFocal.made(
        gamma=gamma,
        alpha=alpha,
        axis=axis,
        from_logits=from_logits,
        class_weight=class_weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(CrossEntropy)
def cross_entropy(
    logits: Array,
    labels: Array,
    *,
    axis: int = -1,
    from_logits: bool = True,
    class_weight: Any = None,
    ignore_index: int | None = None,
    label_smoothing: Real | Sequence[float] = 0.0,
    z_loss: Real | Sequence[float] = 0.0,
    softcap: Real | Sequence[float] | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log-likelihood of the class, of several that exclude each other.

    .. math:: l = -\sum_c \mathrm{target}_c \log p_c + \mathrm{z\_loss} (\log \sum_c \exp \mathrm{logits}_c)^2;
        \quad p = \mathrm{softmax}(\mathrm{logits})

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
        One number a class, which acts as the weight of its items: the mean is divided by their sum. Given as an array,
        it follows the library and the device of `logits`.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is spread evenly over all classes.
    z_loss : float, default 0.0
        Factor, at least 0, of the square of log Σ exp(logits), which keeps logits from drifting; PaLM has 1e-4. It is
        added to each item's loss before weights and reduction, and multiplied neither by ``1 - label_smoothing`` nor
        by the sum of a target of probabilities. Logits only.
    softcap : float, optional
        Above 0. Logits are limited to (-softcap, softcap) before all else, as ``softcap * tanh(logits / softcap)``;
        Gemma 2 has 30. A model that caps its logits itself wants none. Logits only.
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
    ValueError
        For `z_loss` or `softcap` with probabilities.

    See Also
    --------
    linear_cross_entropy : Of a linear layer whose outputs do not fit in memory.
    binary_cross_entropy : For labels that do not exclude each other.
    generalized_cross_entropy : Where many labels are wrong.
    categorical_focal : For rare classes.

    Notes
    -----
    A logit is rounded once it is capped, so with `softcap` the relative error of a loss near 0 is of the order of
    `softcap` units in the last place.

    References
    ----------
    Bridle, Probabilistic interpretation of feedforward classification network outputs (1990).
    https://doi.org/10.1007/978-3-642-76153-9_28

    Chowdhery et al., PaLM: scaling language modeling with Pathways (2022), of `z_loss`.
    https://arxiv.org/abs/2204.02311

    Gemma Team, Gemma 2: improving open language models at a practical size (2024), of `softcap`.
    https://arxiv.org/abs/2408.00118

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits = np.asarray([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    >>> al.cross_entropy(logits, np.asarray([0, 2]), reduction="none").round(4).tolist()
    [0.2395, 1.0986]
    """
    return CrossEntropy.made(
        axis=axis,
        from_logits=from_logits,
        class_weight=class_weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        z_loss=z_loss,
        softcap=softcap,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(Nll)
def nll(
    log_probabilities: Array,
    labels: Array,
    *,
    axis: int = -1,
    class_weight: Any = None,
    ignore_index: int | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log-likelihood of the class, from log-probabilities that the model has computed itself.

    .. math:: l = -\sum_c \mathrm{target}_c \log p_c

    Parameters
    ----------
    log_probabilities : array, shape (..., C)
        Floating, with the classes along `axis`. A row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `log_probabilities` without `axis`; or a floating target of its
        shape, a probability for each class.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum. Given as an array,
        it follows the library and the device of `log_probabilities`.
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
        Of shape (), or of the shape of `log_probabilities` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    cross_entropy : Of logits.

    References
    ----------
    Fisher, On the mathematical foundations of theoretical statistics (1922). https://doi.org/10.1098/rsta.1922.0009

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.nll(np.log(np.asarray([[0.5, 0.5], [0.25, 0.75]])), np.asarray([0, 0]), reduction="sum")).__round__(4)
    2.0794
    """
    return Nll.made(
        axis=axis,
        class_weight=class_weight,
        ignore_index=ignore_index,
        reduction=reduction,
    )(log_probabilities, labels, weight=weight, where=where)
