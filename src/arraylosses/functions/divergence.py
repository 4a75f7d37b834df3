"""Losses between two distributions, row by row.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.divergence import Distillation, GeneralizedKl, Hellinger, JsDivergence, KlDivergence, TotalVariation
from ..reduction import Reduction

__all__ = ["distillation", "generalized_kl", "hellinger", "js_divergence", "kl_divergence", "total_variation"]


@function_form(Distillation)
def distillation(
    logits: Array,
    teacher_logits: Array,
    *,
    temperature: Real | Sequence[float] = 2.0,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Divergence of a model from its teacher, of logits that a temperature softens: to train a small model by a large.

    .. math:: l = T^2 \sum_c q_c (\log q_c - \log p_c);
        \quad p = \mathrm{softmax}(\mathrm{logits} / T), \; q = \mathrm{softmax}(\mathrm{teacher\_logits} / T)

    Parameters
    ----------
    logits : array, shape (..., C)
        Floating: the model's logits, with the classes along `axis`. A row alone, (C,), is one item.
    teacher_logits : array, shape (..., C)
        Those of the teacher, of the same shape. The loss has a gradient by them, too; cut it off where they have
        parameters.
    temperature : float, default 2.0
        T, above 0: the larger, the more the classes count that the teacher holds for unlikely.
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
    kl_divergence : Of log-probabilities.
    cross_entropy : Of true labels, to be added.

    Notes
    -----
    The factor T² keeps the gradient at one size whatever the temperature, so that the loss can be added to the
    `cross_entropy` of labels, as in ``0.9 * distillation(...) + 0.1 * cross_entropy(...)``. Keras's
    ``LogitsDistillation`` lacks it.

    References
    ----------
    Hinton, Vinyals and Dean, Distilling the knowledge in a neural network (2015). https://arxiv.org/abs/1503.02531

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, teacher = np.asarray([[2.0, 0.0]]), np.asarray([[0.0, 2.0]])
    >>> round(float(al.distillation(logits, teacher, temperature=1.0)), 6)
    1.523188
    """
    return Distillation.made(
        temperature=temperature,
        axis=axis,
        reduction=reduction,
    )(logits, teacher_logits, weight=weight, where=where)


@function_form(GeneralizedKl)
def generalized_kl(
    log_prediction: Array,
    target: Array,
    *,
    from_log: bool = True,
    log_target: bool = False,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Kullback-Leibler divergence of amounts that need not sum to 1, such as intensities: the I-divergence.

    .. math:: l = \sum_c \mathrm{target}_c \, (\log \mathrm{target}_c - \log q_c) - \mathrm{target}_c + q_c

    Parameters
    ----------
    log_prediction : array, shape (..., C)
        Floating logarithms of amounts along `axis`, or with ``from_log=False`` amounts of at least 0. A row alone,
        (C,), is one item.
    target : array, shape (..., C)
        Amounts of at least 0, or with ``log_target=True`` their logarithms, of the same shape.
    from_log : bool, default True
        Whether `log_prediction` holds logarithms.
    log_target : bool, default False
        Whether `target` holds logarithms.
    axis : int, default -1
        The axis that is summed along. The one axis of a row alone is that axis, whatever `axis` says.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `log_prediction` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    kl_divergence : Of distributions.
    poisson_nll : For counts.

    Notes
    -----
    Of two distributions it is `kl_divergence`. It is never below 0: what rounding would take there is 0, with the
    gradient that it has.

    References
    ----------
    Csiszár, Why least squares and maximum entropy? An axiomatic approach to inference for linear inverse problems
    (1991). https://doi.org/10.1214/aos/1176348385

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> amounts, target = np.asarray([[2.0, 1.0]]), np.asarray([[0.0, 1.0]])
    >>> float(al.generalized_kl(amounts, target, from_log=False))
    2.0
    """
    return GeneralizedKl.made(
        from_log=from_log,
        log_target=log_target,
        axis=axis,
        reduction=reduction,
    )(log_prediction, target, weight=weight, where=where)


@function_form(Hellinger)
def hellinger(
    log_probabilities: Array,
    target: Array,
    *,
    from_log: bool = True,
    log_target: bool = False,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Hellinger distance: bounded as total variation is, and smooth where the distributions differ.

    .. math:: l = \sqrt{\frac{1}{2} \sum_c (\sqrt{p_c} - \sqrt{\mathrm{target}_c})^2}

    Parameters
    ----------
    log_probabilities : array, shape (..., C)
        Floating log-probabilities along `axis`, or with ``from_log=False`` probabilities. A row alone, (C,), is one
        item.
    target : array, shape (..., C)
        Probabilities, or with ``log_target=True`` log-probabilities, of the same shape.
    from_log : bool, default True
        Whether `log_probabilities` holds logarithms.
    log_target : bool, default False
        Whether `target` holds logarithms.
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
        Of shape (), or of the shape of `log_probabilities` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    js_divergence : In nats.
    total_variation : Without a square root.

    Notes
    -----
    It is the distance, from 0 to 1, and not its square. Where the distributions are equal, the derivative is 0, and so
    it is by a probability of 0, at which the formula has none.

    References
    ----------
    Le Cam and Yang, Asymptotics in Statistics (2000), chapter 3. https://doi.org/10.1007/978-1-4612-1166-2

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p, q = np.asarray([[0.25, 0.75]]), np.asarray([[1.0, 0.0]])
    >>> round(float(al.hellinger(p, q, from_log=False)), 6)
    0.707107
    """
    return Hellinger.made(
        from_log=from_log,
        log_target=log_target,
        axis=axis,
        reduction=reduction,
    )(log_probabilities, target, weight=weight, where=where)


@function_form(JsDivergence)
def js_divergence(
    log_probabilities: Array,
    target: Array,
    *,
    from_log: bool = True,
    log_target: bool = False,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Jensen-Shannon divergence: symmetric, and finite where one distribution rules out what the other does not.

    .. math:: l = \frac{1}{2} \sum_c p_c \log \frac{p_c}{m_c} + \mathrm{target}_c \log \frac{\mathrm{target}_c}{m_c};
        \quad m = (p + \mathrm{target}) / 2

    Parameters
    ----------
    log_probabilities : array, shape (..., C)
        Floating log-probabilities along `axis`, or with ``from_log=False`` probabilities. A row alone, (C,), is one
        item.
    target : array, shape (..., C)
        Probabilities, or with ``log_target=True`` log-probabilities, of the same shape.
    from_log : bool, default True
        Whether `log_probabilities` holds logarithms.
    log_target : bool, default False
        Whether `target` holds logarithms.
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
        Of shape (), or of the shape of `log_probabilities` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    kl_divergence : Where one side is the truth.
    hellinger : A distance.

    Notes
    -----
    It is in nats, from 0 to log 2, and the square of a distance; SciPy's ``jensenshannon`` is that distance.

    References
    ----------
    Lin, Divergence measures based on the Shannon entropy (1991). https://doi.org/10.1109/18.61115

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p, q = np.asarray([[1.0, 0.0]]), np.asarray([[0.0, 1.0]])
    >>> round(float(al.js_divergence(p, q, from_log=False)), 6)
    0.693147
    """
    return JsDivergence.made(
        from_log=from_log,
        log_target=log_target,
        axis=axis,
        reduction=reduction,
    )(log_probabilities, target, weight=weight, where=where)


@function_form(KlDivergence)
def kl_divergence(
    log_probabilities: Array,
    target: Array,
    *,
    from_log: bool = True,
    log_target: bool = False,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Kullback-Leibler divergence of the prediction from the target: the bits, in nats, lost by believing it.

    .. math:: l = \sum_c \mathrm{target}_c \, (\log \mathrm{target}_c - \log p_c)

    Parameters
    ----------
    log_probabilities : array, shape (..., C)
        Floating log-probabilities along `axis`, or with ``from_log=False`` probabilities. A row alone, (C,), is one
        item.
    target : array, shape (..., C)
        Probabilities, or with ``log_target=True`` log-probabilities, of the same shape. Where one is 0, the class
        counts for nothing.
    from_log : bool, default True
        Whether `log_probabilities` holds logarithms.
    log_target : bool, default False
        Whether `target` holds logarithms.
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
        Of shape (), or of the shape of `log_probabilities` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    cross_entropy : The same up to a constant, of logits.
    js_divergence : Symmetric and finite.
    distillation : Of a teacher's logits.

    Notes
    -----
    An item is a row: "mean" is the mean of the divergences, which PyTorch calls "batchmean".

    ``al.get("KLDivergence")`` is another loss, Keras's: of probabilities, the target's too, which it limits to 1e-7 and
    more. See `dialects.keras.losses.KLDivergence`.

    The divergence of two distributions is at least 0. As their sums are 1 but for rounding, a result of less than 4
    units of the dtype (`eps`) below 0 counts as 0, and its gradient stays; one further below says that a row does not
    sum to 1.

    References
    ----------
    Kullback and Leibler, On information and sufficiency (1951). https://doi.org/10.1214/aoms/1177729694

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> q, p = np.asarray([[0.5, 0.5]]), np.asarray([[1.0, 0.0]])
    >>> round(float(al.kl_divergence(np.log(q), p)), 6)
    0.693147
    """
    return KlDivergence.made(
        from_log=from_log,
        log_target=log_target,
        axis=axis,
        reduction=reduction,
    )(log_probabilities, target, weight=weight, where=where)


@function_form(TotalVariation)
def total_variation(
    log_probabilities: Array,
    target: Array,
    *,
    from_log: bool = True,
    log_target: bool = False,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Total variation distance: the largest difference that two distributions make to the probability of any event.

    .. math:: l = \frac{1}{2} \sum_c |p_c - \mathrm{target}_c|

    Parameters
    ----------
    log_probabilities : array, shape (..., C)
        Floating log-probabilities along `axis`, or with ``from_log=False`` probabilities. A row alone, (C,), is one
        item.
    target : array, shape (..., C)
        Probabilities, or with ``log_target=True`` log-probabilities, of the same shape.
    from_log : bool, default True
        Whether `log_probabilities` holds logarithms.
    log_target : bool, default False
        Whether `target` holds logarithms.
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
        Of shape (), or of the shape of `log_probabilities` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    hellinger : Smooth.
    wasserstein_1d : Where classes are near or far from each other.

    Notes
    -----
    Where a probability equals the target's, the derivative by it is 0.

    References
    ----------
    Levin and Peres, Markov Chains and Mixing Times (2017), chapter 4.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p, q = np.asarray([[0.5, 0.25, 0.25]]), np.asarray([[1.0, 0.0, 0.0]])
    >>> float(al.total_variation(p, q, from_log=False))
    0.5
    """
    return TotalVariation.made(
        from_log=from_log,
        log_target=log_target,
        axis=axis,
        reduction=reduction,
    )(log_probabilities, target, weight=weight, where=where)
