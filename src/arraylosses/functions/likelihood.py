"""Losses that are the negative log-likelihood of a distribution whose parameters are predicted.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.likelihood import GaussianNll, LaplaceNll, NegativeBinomialNll, PoissonNll, StudentTNll, VonMisesNll
from ..reduction import Reduction

__all__ = ["gaussian_nll", "laplace_nll", "negative_binomial_nll", "poisson_nll", "student_t_nll", "von_mises_nll"]


@function_form(GaussianNll)
def gaussian_nll(
    prediction: Array,
    target: Array,
    variance: Array,
    *,
    from_log: bool = False,
    full: bool = False,
    epsilon: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log-likelihood of a normal distribution: for a mean and a variance that are both predicted.

    .. math:: l = \tfrac{1}{2} \left( \log v + \frac{(\mathrm{prediction} - \mathrm{target})^2}{v} \right) \; (+
        \tfrac{1}{2} \log 2 \pi);
        \quad v = \max(\mathrm{variance}, \epsilon)

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape: the mean, and what it is of. An integer target is converted.
    variance : array
        Floating, of the shape of `prediction`: the variance, above 0, or with ``from_log=True`` its logarithm.
    from_log : bool, default False
        Whether `variance` is a logarithm, which a network may predict without any constraint.
    full : bool, default False
        Add the constant, log(2π)/2, so that likelihoods of different distributions can be compared.
    epsilon : float, default 0.0
        What a smaller variance counts as, at least 0. Without effect on a logarithm.
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
    student_t_nll : Where some targets are outliers.
    crps_normal : In the unit of the target, and less harsh on a small variance.
    squared_error : Without a variance.

    Notes
    -----
    The third array is the variance, not the standard deviation. A variance for all items or one a row is given its
    shape by ``xp.broadcast_to(variance, prediction.shape)``.

    `epsilon` has a derivative of 0 below it. In PyTorch, where it is 1e-6 by default, the derivative passes through it:
    values are the same, and gradients by the variance are where it lies above `epsilon`.

    References
    ----------
    Nix and Weigend, Estimating the mean and variance of the target probability distribution (1994).
    https://doi.org/10.1109/ICNN.1994.374138

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.gaussian_nll(np.asarray([1.0, 2.0]), np.asarray([3.0, 2.0]), np.asarray([1.0, 1.0])))
    1.0
    """
    return GaussianNll.made(
        from_log=from_log,
        full=full,
        epsilon=epsilon,
        reduction=reduction,
    )(prediction, target, variance, weight=weight, where=where)


@function_form(LaplaceNll)
def laplace_nll(
    prediction: Array,
    target: Array,
    scale: Array,
    *,
    from_log: bool = False,
    full: bool = False,
    epsilon: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log-likelihood of a Laplace distribution: as `gaussian_nll`, where some targets are outliers.

    .. math:: l = \log s + \frac{|\mathrm{prediction} - \mathrm{target}|}{s} \; (+ \log 2);
        \quad s = \max(\mathrm{scale}, \epsilon)

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape: the median, and what it is of. An integer target is converted.
    scale : array
        Floating, of the shape of `prediction`: the mean size of the error, above 0, or with ``from_log=True`` its
        logarithm.
    from_log : bool, default False
        Whether `scale` is a logarithm, which a network may predict without any constraint.
    full : bool, default False
        Add the constant, log(2), so that likelihoods of different distributions can be compared.
    epsilon : float, default 0.0
        What a smaller scale counts as, at least 0. Without effect on a logarithm.
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
    gaussian_nll : Where the errors are normal.
    absolute_error : Without a scale.

    References
    ----------
    Kotz, Kozubowski and Podgorski, The Laplace Distribution and Generalizations (2001).
    https://doi.org/10.1007/978-1-4612-0173-1

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.laplace_nll(np.asarray([1.0, 2.0]), np.asarray([3.0, 2.0]), np.asarray([1.0, 1.0])))
    1.0
    """
    return LaplaceNll.made(
        from_log=from_log,
        full=full,
        epsilon=epsilon,
        reduction=reduction,
    )(prediction, target, scale, weight=weight, where=where)


@function_form(NegativeBinomialNll)
def negative_binomial_nll(
    prediction: Array,
    target: Array,
    dispersion: Array,
    *,
    from_log: bool = True,
    full: bool = False,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log-likelihood of a negative binomial distribution: for counts that vary more than Poisson's.

    .. math:: l = (\mathrm{target} + r) \log(1 + \alpha m) - \mathrm{target} \log m - \log \frac{\Gamma(\mathrm{target}
        + r)}{\Gamma(r) \, r^{\mathrm{target}}} \; (+ \log \mathrm{target}!);
        \quad m = \exp(\mathrm{prediction}), \; \alpha = \mathrm{dispersion}, \; r = 1 / \alpha

    Parameters
    ----------
    prediction : array
        Floating: the logarithm of the mean, or with ``from_log=False`` the mean itself, above 0.
    target : array
        Counts, of the shape of `prediction`. An integer target is converted.
    dispersion : array
        Floating, of the shape of `prediction`, above 0. The variance is ``m + dispersion * m**2``, so that it is
        `poisson_nll` for a vanishing one.
    from_log : bool, default True
        Whether `prediction` is a logarithm.
    full : bool, default False
        Add the last term, which depends on the target alone.
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
    poisson_nll : Where the variance is about the mean.
    tweedie_deviance : For amounts that are no counts.

    Notes
    -----
    Others take the inverse of the dispersion, r: the ``total_count`` of ``torch.distributions.NegativeBinomial``, the
    ``theta`` of scvi-tools.

    References
    ----------
    Lawless, Negative binomial and mixed Poisson regression (1987). https://doi.org/10.2307/3314912

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> one = np.asarray([1.0])
    >>> round(float(al.negative_binomial_nll(np.asarray([0.0]), one, one)), 6)
    1.386294
    """
    return NegativeBinomialNll.made(
        from_log=from_log,
        full=full,
        reduction=reduction,
    )(prediction, target, dispersion, weight=weight, where=where)


@function_form(PoissonNll)
def poisson_nll(
    prediction: Array,
    target: Array,
    *,
    from_log: bool = True,
    full: bool = False,
    epsilon: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log-likelihood of a Poisson distribution, for counts.

    .. math:: l = \mathrm{rate} - \mathrm{target} \log(\mathrm{rate} + \epsilon) \; (+ \log \mathrm{target}!);
        \quad \mathrm{rate} = \exp(\mathrm{prediction})

    Parameters
    ----------
    prediction : array
        Floating: the logarithm of the rate, or with ``from_log=False`` the rate itself, above 0.
    target : array
        Counts, of the shape of `prediction`. An integer target is converted.
    from_log : bool, default True
        Whether `prediction` is a logarithm.
    full : bool, default False
        Add log(target!) by Stirling's approximation for targets above 1.
    epsilon : float, default 0.0
        What is added to a rate before its logarithm is taken; at least 0. Without effect on a logarithm.
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
    negative_binomial_nll : Where counts vary more than their mean.
    poisson_deviance : Where 0 should be perfect.

    References
    ----------
    McCullagh and Nelder, Generalized Linear Models (1989), chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.poisson_nll(np.asarray([0.0, 0.0]), np.asarray([0, 3])))
    1.0
    """
    return PoissonNll.made(
        from_log=from_log,
        full=full,
        epsilon=epsilon,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@function_form(StudentTNll)
def student_t_nll(
    prediction: Array,
    target: Array,
    scale: Array,
    *,
    df: Real | Sequence[float] = 4.0,
    from_log: bool = False,
    full: bool = False,
    epsilon: Real | Sequence[float] = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log-likelihood of Student's t distribution: normal near 0, with tails as heavy as is wanted.

    .. math:: l = \log s + \frac{\mathrm{df} + 1}{2} \log \left( 1 + \frac{r^2}{\mathrm{df}} \right) \; \left(+ \log
        \frac{\sqrt{\pi \, \mathrm{df}} \; \Gamma(\mathrm{df} / 2)}{\Gamma((\mathrm{df} + 1) / 2)} \right);
        \quad r = \frac{\mathrm{prediction} - \mathrm{target}}{s}, \quad s = \max(\mathrm{scale}, \epsilon)

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape: the location, and what it is of. An integer target is converted.
    scale : array
        Floating, of the shape of `prediction`, above 0, or with ``from_log=True`` its logarithm. It is the standard
        deviation for many degrees of freedom alone.
    df : float, default 4.0
        Degrees of freedom, above 0: the fewer, the heavier the tails. At 1 it is Cauchy's distribution, and for many of
        them the normal one.
    from_log : bool, default False
        Whether `scale` is a logarithm, which a network may predict without any constraint.
    full : bool, default False
        Add the last term, which depends on `df` alone: wanted where `df` is learned.
    epsilon : float, default 0.0
        What a smaller scale counts as, at least 0. Without effect on a logarithm.
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
    gaussian_nll : Without outliers.
    general_robust : Without a predicted scale.

    References
    ----------
    Lange, Little and Taylor, Robust statistical modeling using the t distribution (1989).
    https://doi.org/10.1080/01621459.1989.10478852

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> one = np.asarray([1.0])
    >>> round(float(al.student_t_nll(one, np.asarray([3.0]), one, df=1.0)), 6)
    1.609438
    """
    return StudentTNll.made(
        df=df,
        from_log=from_log,
        full=full,
        epsilon=epsilon,
        reduction=reduction,
    )(prediction, target, scale, weight=weight, where=where)


@function_form(VonMisesNll)
def von_mises_nll(
    prediction: Array,
    target: Array,
    concentration: Array,
    *,
    from_log: bool = False,
    full: bool = False,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log-likelihood of a von Mises distribution: for angles, of which a full turn makes no difference.

    .. math:: l = -\mathrm{concentration} \cos(\mathrm{prediction} - \mathrm{target}) + \log I_0(\mathrm{concentration})
        \; (+ \log 2 \pi)

    Parameters
    ----------
    prediction, target : array
        Floating, of one shape: the mean direction and what it is of, in radians. An integer target is converted.
    concentration : array
        Floating, of the shape of `prediction`, at least 0, or with ``from_log=True`` its logarithm: where it is large,
        the inverse of the variance.
    from_log : bool, default False
        Whether `concentration` is a logarithm, which a network may predict without any constraint.
    full : bool, default False
        Add the constant, log(2π), so that likelihoods of different distributions can be compared.
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
    gaussian_nll : For numbers that do not wrap around.
    cosine_similarity : For directions as vectors.

    Notes
    -----
    :math:`I_0` is the modified Bessel function of order 0.

    References
    ----------
    Mardia and Jupp, Directional Statistics (2000), section 3.5. https://doi.org/10.1002/9780470316979

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> one = np.asarray([1.0])
    >>> round(float(al.von_mises_nll(one, one + 2 * np.pi, one)), 6)
    -0.764086
    """
    return VonMisesNll.made(
        from_log=from_log,
        full=full,
        reduction=reduction,
    )(prediction, target, concentration, weight=weight, where=where)
