"""Losses of classes that have an order, in which a near class is a smaller mistake than a far one.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.ordinal import Corn, CumulativeLogit, Wasserstein1D
from ..reduction import Reduction

__all__ = ["corn", "cumulative_logit", "wasserstein_1d"]


@function_form(Corn)
def corn(
    logits: Array,
    labels: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log-likelihood of ordered classes by the odds of going on to the next: no order of logits is needed.

    .. math:: l = \sum_{k < \mathrm{label}} -\log \sigma(\mathrm{logits}_k) - \log(1 -
        \sigma(\mathrm{logits}_{\mathrm{label}}));
        \quad \sigma(\mathrm{logits}_k) = P(\mathrm{label} > k \mid \mathrm{label} \ge k)

    Parameters
    ----------
    logits : array, shape (..., K)
        Floating: for each of K thresholds, along `axis`, the logarithm of the odds that the class is above it where it
        is not below. A row alone, (K,), is one item.
    labels : array, shape (...)
        Integer labels in [0, K]: K thresholds part K + 1 classes.
    axis : int, default -1
        The axis of the thresholds. The one axis of a row alone is that axis, whatever `axis` says.
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
    cumulative_logit : With logits in order.
    cross_entropy : For classes without an order.

    Notes
    -----
    The last class has no last term. An item's loss is the sum over the thresholds that it reaches, its negative
    log-likelihood; the authors' code divides the sum over a batch by the number of all these thresholds, and not by
    that of the items.

    References
    ----------
    Shi, Cao and Raschka, Deep neural networks for rank-consistent ordinal regression based on conditional probabilities
    (2023). https://arxiv.org/abs/2111.08851

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.corn(np.asarray([[0.0, 0.0], [1e4, -1e4]]), np.asarray([2, 1]), reduction="none").round(4).tolist()
    [1.3863, 0.0]
    """
    return Corn.made(
        axis=axis,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(CumulativeLogit)
def cumulative_logit(
    logits: Array,
    labels: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log-likelihood of ordered classes between thresholds, by the model of proportional odds.

    .. math:: l = -\log(\sigma(\mathrm{logits}_{\mathrm{label}}) - \sigma(\mathrm{logits}_{\mathrm{label} - 1}));
        \quad \sigma(\mathrm{logits}_k) = P(\mathrm{label} \le k)

    Parameters
    ----------
    logits : array, shape (..., K)
        Floating: for each of K thresholds, in increasing order along `axis`, the logarithm of the odds that the class
        is not above it. A row alone, (K,), is one item.
    labels : array, shape (...)
        Integer labels in [0, K]: K thresholds part K + 1 classes.
    axis : int, default -1
        The axis of the thresholds. The one axis of a row alone is that axis, whatever `axis` says.
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
    corn : Without an order of the logits.
    cross_entropy : For classes without an order.

    Notes
    -----
    A model of proportional odds has one score an item and thresholds that are learned:
    ``cumulative_logit(thresholds - score[..., None], labels)``. Where the logits of two thresholds do not increase,
    the class between them has no probability, and its loss is infinite or NaN; thresholds whose steps are
    ``softplus(...)`` always do.

    References
    ----------
    McCullagh, Regression models for ordinal data (1980). https://doi.org/10.1111/j.2517-6161.1980.tb01109.x

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> thresholds, score = np.asarray([-1.0, 1.0]), np.asarray([0.0, 3.0])
    >>> al.cumulative_logit(thresholds - score[:, None], np.asarray([1, 2]), reduction="none").round(4).tolist()
    [0.7719, 0.1269]
    """
    return CumulativeLogit.made(
        axis=axis,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(Wasserstein1D)
def wasserstein_1d(
    logits: Array,
    labels: Array,
    *,
    squared: bool = False,
    axis: int = -1,
    from_logits: bool = True,
    class_weight: Any = None,
    ignore_index: int | None = None,
    label_smoothing: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Earth mover's distance of ordered classes: how much probability has to be moved, and how many classes far.

    .. math:: l = \sum_k \Big| \sum_{c \le k} p_c - \mathrm{target}_c \Big|; \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating, with the classes along `axis` in their order: logits, or with ``from_logits=False`` probabilities. A
        row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class.
    squared : bool, default False
        Whether the differences are squared instead, which is smooth and punishes a far class more.
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
    cumulative_logit : A likelihood.
    cross_entropy : Where all mistakes are alike.

    Notes
    -----
    The distance of neighbours is 1, and nothing is divided by the number of classes. Of a label it is the expected
    number of classes that the prediction is away from it.

    Where the target's sum is above 1/2, both sums are those of the classes above k, which is the same for distributions
    and keeps more digits. A derivative by probabilities, of either array, is therefore one along distributions: it may
    differ from that of the formula by a number that is the same for all classes of an item.

    References
    ----------
    Hou, Yu and Samaras, Squared earth mover's distance-based loss for training deep neural networks (2016).
    https://arxiv.org/abs/1611.05916

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p = np.asarray([[0.5, 0.25, 0.25]])
    >>> float(al.wasserstein_1d(p, np.asarray([0]), from_logits=False))
    0.75
    """
    return Wasserstein1D.made(
        squared=squared,
        axis=axis,
        from_logits=from_logits,
        class_weight=class_weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)
