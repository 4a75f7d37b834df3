"""Losses of the error e = prediction - target that are asymmetric, or that forgive small or large errors.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.robust import EpsilonInsensitive, Expectile, Fair, GeneralRobust, Wing
from ..reduction import Reduction

__all__ = ["epsilon_insensitive", "expectile", "fair", "general_robust", "wing"]


@function_form(EpsilonInsensitive)
def epsilon_insensitive(
    prediction: Array,
    target: Array,
    *,
    margin: Real | Sequence[float] = 0.1,
    squared: bool = False,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Size of the error beyond a margin, within which nothing is lost: the loss of support vector regression.

    .. math:: l = \max(|\mathrm{prediction} - \mathrm{target}| - \mathrm{margin}, 0), \text{ or its square}

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape. An integer target is converted.
    margin : float, default 0.1
        The error, at least 0, up to which nothing is lost: the epsilon of the literature.
    squared : bool, default False
        Whether the loss is the square of what is beyond the margin.
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
    huber : Squared near 0 and not flat.
    absolute_error : Without a margin.

    References
    ----------
    Drucker, Burges, Kaufman, Smola and Vapnik, Support vector regression machines (1996).
    https://proceedings.neurips.cc/paper/1996/hash/d38901788c533e8286cb6400b40b386d-Abstract.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.epsilon_insensitive(np.asarray([1.0, 5.0]), np.asarray([1.5, 2.0]), margin=1.0, reduction="sum"))
    2.0
    """
    return EpsilonInsensitive.made(
        margin=margin,
        squared=squared,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(Expectile)
def expectile(
    prediction: Array,
    target: Array,
    *,
    q: Real | Sequence[float] = 0.5,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Squared error with a weight for each side: an expectile, the mean's counterpart of a quantile, is predicted.

    .. math:: l = q \, e^2 \text{ if } \mathrm{prediction} < \mathrm{target}, \text{ else } (1 - q) \, e^2;
        \quad e = \mathrm{prediction} - \mathrm{target}

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape. An integer target is converted.
    q : float, default 0.5
        The expectile, between 0 and 1. At 0.5, where the mean is predicted, it is half of `squared_error`.
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
    quantile : Where the size of an error does not count.
    squared_error : For both sides alike.

    Notes
    -----
    `q` is the weight of a prediction that is too low, as in `quantile`.

    References
    ----------
    Newey and Powell, Asymmetric least squares estimation and testing (1987). https://doi.org/10.2307/1911031

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.expectile(np.asarray([1.0, 1.0]), np.asarray([3.0, 0.0]), q=0.75, reduction="sum"))
    3.25
    """
    return Expectile.made(
        q=q,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(Fair)
def fair(
    prediction: Array,
    target: Array,
    *,
    scale: Real | Sequence[float] = 1.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Squared near 0 and absolute far out, which it approaches slowly, with derivatives of all orders but at 0.

    .. math:: l = c^2 \left( \frac{|e|}{c} - \log \left( 1 + \frac{|e|}{c} \right) \right);
        \quad e = \mathrm{prediction} - \mathrm{target}, \; c = \mathrm{scale}

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape. An integer target is converted.
    scale : float, default 1.0
        The error, above 0, around which it turns from squared to absolute. LightGBM calls it ``fair_c``.
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
    huber : Exactly absolute far out.
    general_robust : Where outliers should not count at all.

    References
    ----------
    Fair, On the robust estimation of econometric models (1974). https://www.nber.org/chapters/c10206

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.fair(np.asarray([1.0]), np.asarray([0.0]))), 6)
    0.306853
    """
    return Fair.made(
        scale=scale,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(GeneralRobust)
def general_robust(
    prediction: Array,
    target: Array,
    *,
    alpha: float = 1.0,
    scale: Real | Sequence[float] = 1.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Barron's loss: squared near 0, and far out as robust against outliers as one number says.

    .. math:: l = \frac{|\alpha - 2|}{\alpha} \left( \left( \frac{(e / \mathrm{scale})^2}{|\alpha - 2|} + 1
        \right)^{\alpha / 2} - 1 \right);
        \quad e = \mathrm{prediction} - \mathrm{target}

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape. An integer target is converted.
    alpha : float, default 1.0
        What the loss grows with: as the square of the error for 2, as its size for 1, as its logarithm for 0, and
        up to a bound below that; at most 2, and a number, not an array.
    scale : float, default 1.0
        The error, above 0, around which it leaves the square.
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
    huber : Where the slope far out should stay.
    student_t_nll : A likelihood, with a predicted scale.

    Notes
    -----
    At `alpha` of 2 it is `half_squared_error`; at 1 Charbonnier's loss, which is `pseudo_huber` over the square of its
    `delta`; at 0 Cauchy's, ``log(1 + e²/2)``; at -2 Geman and McClure's, ``2 e² / (e² + 4)``; at -inf Welsch's,
    ``1 - exp(-e²/2)``; each for ``e / scale``. These are the conventions of Barron and of Kornia: others leave out the
    factors of 2. `get` has them by their names, "cauchy" and so on.

    References
    ----------
    Barron, A general and adaptive robust loss function (2019). https://arxiv.org/abs/1701.03077

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> error = np.asarray([1.0, 10.0])
    >>> for name in ("charbonnier", "cauchy", "geman_mcclure", "welsch"):
    ...     print(name, al.get(name, reduction="none")(error, np.zeros(2)).round(3).tolist())
    charbonnier [0.414, 9.05]
    cauchy [0.405, 3.932]
    geman_mcclure [0.4, 1.923]
    welsch [0.393, 1.0]
    """
    return GeneralRobust.made(
        alpha=alpha,
        scale=scale,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(Wing)
def wing(
    prediction: Array,
    target: Array,
    *,
    width: Real | Sequence[float] = 10.0,
    curvature: Real | Sequence[float] = 2.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Logarithmic near 0 and absolute far out, so that small errors count more: for landmarks of faces and bodies.

    .. math:: l = \mathrm{width} \log(1 + |e| / \mathrm{curvature}) \text{ if } |e| < \mathrm{width}, \text{ else } |e|
        - c;
        \quad c = \mathrm{width} - \mathrm{width} \log(1 + \mathrm{width} / \mathrm{curvature})

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape, such as coordinates in pixels. An integer target is converted.
    width : float, default 10.0
        The error, above 0, at which it turns from logarithmic to absolute.
    curvature : float, default 2.0
        Above 0: the smaller, the more the smallest errors count. The epsilon of the paper.
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
    smooth_l1 : Where small errors are noise.
    huber : Likewise, in the unit of the error.

    Notes
    -----
    The defaults are those of the paper, for images of some hundred pixels; segmentation-models has 5 and 0.5.

    References
    ----------
    Feng, Kittler, Awais, Huber and Wu, Wing loss for robust facial landmark localisation (2018).
    https://arxiv.org/abs/1711.06753

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> error = np.asarray([2.0, 12.0])
    >>> al.wing(error, np.zeros(2), reduction="none").round(6).tolist()
    [6.931472, 19.917595]
    """
    return Wing.made(
        width=width,
        curvature=curvature,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)
