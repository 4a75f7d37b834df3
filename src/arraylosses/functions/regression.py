"""Losses of a real number: the error e = prediction - target, and what it costs.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.regression import (
    AbsoluteError,
    HalfSquaredError,
    Huber,
    LogCosh,
    PseudoHuber,
    Quantile,
    SmoothL1,
    SquaredError,
    SquaredLogarithmicError,
)
from ..reduction import Reduction

__all__ = [
    "absolute_error",
    "half_squared_error",
    "huber",
    "log_cosh",
    "pseudo_huber",
    "quantile",
    "smooth_l1",
    "squared_error",
    "squared_logarithmic_error",
]


@function_form(AbsoluteError)
def absolute_error(
    prediction: Array,
    target: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Size of the error. The median is the right prediction under it, so outliers do little.

    .. math:: l = |\mathrm{prediction} - \mathrm{target}|

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape. An integer target is converted.
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
    huber : Smooth near 0.
    quantile : For another quantile than the median.
    laplace_nll : With a predicted scale.

    References
    ----------
    Bloomfield and Steiger, Least Absolute Deviations (1983).

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.absolute_error(np.asarray([1.0, 4.0]), np.asarray([0.0, 2.0])))
    1.5
    """
    return AbsoluteError.made(
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(HalfSquaredError)
def half_squared_error(
    prediction: Array,
    target: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Half the square of the error: the derivative is the error itself, and the second derivative is 1.

    .. math:: l = (\mathrm{prediction} - \mathrm{target})^2 / 2

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape. An integer target is converted.
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
    squared_error : Without the factor 1/2.
    gaussian_nll : With a predicted variance.

    References
    ----------
    Bishop, Pattern Recognition and Machine Learning (2006), section 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.half_squared_error(np.asarray([1.0, 4.0]), np.asarray([0.0, 2.0])))
    1.25
    """
    return HalfSquaredError.made(
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(Huber)
def huber(
    prediction: Array,
    target: Array,
    *,
    delta: Real | Sequence[float] = 1.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Squared near 0 and absolute far out: the usual choice where some targets are outliers.

    .. math:: l = e^2 / 2 \text{ if } |e| \le \delta, \text{ else } \delta (|e| - \delta / 2);
        \quad e = \mathrm{prediction} - \mathrm{target}

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape. An integer target is converted.
    delta : float, default 1.0
        The error, above 0, at which it turns from squared to absolute.
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
    smooth_l1 : The same over `delta`, with a slope of 1 far out.
    pseudo_huber : With all derivatives.
    general_robust : Where outliers should not count at all.

    References
    ----------
    Huber, Robust estimation of a location parameter (1964). https://doi.org/10.1214/aoms/1177703732

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.huber(np.asarray([0.5, 3.0]), np.asarray([0.0, 0.0]), reduction="sum"))
    2.625
    """
    return Huber.made(
        delta=delta,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(LogCosh)
def log_cosh(
    prediction: Array,
    target: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Logarithm of the hyperbolic cosine: e²/2 near 0 and absolute far out, with all derivatives and no threshold.

    .. math:: l = \log \cosh(\mathrm{prediction} - \mathrm{target})

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape. An integer target is converted.
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
    huber : Where the size of an ordinary error is known.
    pseudo_huber : With a threshold.

    References
    ----------
    Green, Bayesian reconstructions from emission tomography data using a modified EM algorithm (1990).
    https://doi.org/10.1109/42.52985

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.log_cosh(np.asarray([0.5]), np.asarray([0.0]))), 6)
    0.120115
    """
    return LogCosh.made(
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(PseudoHuber)
def pseudo_huber(
    prediction: Array,
    target: Array,
    *,
    delta: Real | Sequence[float] = 1.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Huber's loss with all derivatives: e²/2 near 0, a slope of delta far out. Also known as Charbonnier's loss.

    .. math:: l = \delta^2 (\sqrt{1 + (e / \delta)^2} - 1); \quad e = \mathrm{prediction} - \mathrm{target}

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape. An integer target is converted.
    delta : float, default 1.0
        The error, above 0, around which it turns from squared to absolute.
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
    huber : Exactly squared near 0, and faster.
    log_cosh : Without a threshold.

    References
    ----------
    Charbonnier et al., Deterministic edge-preserving regularization (1997). https://doi.org/10.1109/83.551699

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.pseudo_huber(np.asarray([0.75]), np.asarray([0.0])))
    0.25
    """
    return PseudoHuber.made(
        delta=delta,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(Quantile)
def quantile(
    prediction: Array,
    target: Array,
    *,
    q: Real | Sequence[float] = 0.5,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Pinball loss: the q-quantile of the target is the right prediction under it.

    .. math:: l = \max(q u, (q - 1) u); \quad u = \mathrm{target} - \mathrm{prediction}

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape. An integer target is converted.
    q : float, default 0.5
        The quantile, between 0 and 1. At 0.5 it is half of `absolute_error`. A sequence or an array broadcasts to the
        items: one number a column predicts several quantiles at once.
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
    expectile : Smooth, and the size of an error counts.
    crps_ensemble : For a whole sample of what is predicted.

    References
    ----------
    Koenker and Bassett, Regression quantiles (1978). https://doi.org/10.2307/1913643

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.quantile(np.asarray([1.0, 1.0]), np.asarray([3.0, 0.0]), q=0.75, reduction="sum"))
    1.75

    Three quantiles of each of two targets, which are given for each of them:

    >>> prediction, target = np.asarray([[0.0, 1.0, 4.0], [1.0, 2.0, 3.0]]), np.asarray([2.0, 0.0])
    >>> targets = np.broadcast_to(target[:, None], prediction.shape)
    >>> al.quantile(prediction, targets, q=[0.25, 0.5, 0.75], reduction="none").tolist()
    [[0.5, 0.5, 0.5], [0.75, 1.0, 0.75]]
    """
    return Quantile.made(
        q=q,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(SmoothL1)
def smooth_l1(
    prediction: Array,
    target: Array,
    *,
    beta: Real | Sequence[float] = 1.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Huber's loss over its threshold, so that large errors always count with slope 1.

    .. math:: l = e^2 / (2 \beta) \text{ if } |e| \le \beta, \text{ else } |e| - \beta / 2;
        \quad e = \mathrm{prediction} - \mathrm{target}

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape. An integer target is converted.
    beta : float, default 1.0
        The error, at least 0, at which it turns from squared to absolute. At 0 it is `absolute_error`.
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
    huber : The same times `beta`.
    giou : For boxes, as a whole.

    References
    ----------
    Girshick, Fast R-CNN (2015). https://arxiv.org/abs/1504.08083

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.smooth_l1(np.asarray([0.5, 3.0]), np.asarray([0.0, 0.0]), beta=2.0, reduction="sum"))
    2.0625
    """
    return SmoothL1.made(
        beta=beta,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(SquaredError)
def squared_error(
    prediction: Array,
    target: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Square of the error. The mean is the right prediction under it, and far outliers rule it.

    .. math:: l = (\mathrm{prediction} - \mathrm{target})^2

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape. An integer target is converted.
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
    huber : Where some targets are outliers.
    half_squared_error : With a second derivative of 1.
    squared_logarithmic_error : For targets of many magnitudes.

    References
    ----------
    Gauss, Theoria motus corporum coelestium (1809), book 2, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.squared_error(np.asarray([1.0, 4.0]), np.asarray([0.0, 2.0])))
    2.5
    """
    return SquaredError.made(
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(SquaredLogarithmicError)
def squared_logarithmic_error(
    prediction: Array,
    target: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Squared difference of logarithms: for targets of many magnitudes, where the ratio is what counts.

    .. math:: l = (\log(1 + \mathrm{prediction}) - \log(1 + \mathrm{target}))^2

    Parameters
    ----------
    prediction, target : array
        Floating, above -1, of one shape. An integer target is converted. The loss of a number below -1 is infinite or
        NaN.
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
    squared_relative_error : With an error relative to the target.
    poisson_nll : For counts.

    References
    ----------
    Keras, MeanSquaredLogarithmicError. https://keras.io/api/losses/regression_losses/

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.squared_logarithmic_error(np.asarray([np.e - 1.0]), np.asarray([0.0])))
    1.0
    """
    return SquaredLogarithmicError.made(
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)
