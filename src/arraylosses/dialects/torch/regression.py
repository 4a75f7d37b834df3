"""Losses of real numbers: what `torch.nn` and `torch.nn.functional` have for regression and likelihoods."""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import Any

from ..._array_api import NUMBERS, Array, is_array
from ...arguments import in_short
from ...losses._base import ErrorLoss
from ...losses.likelihood import PoissonNll
from ...losses.regression import AbsoluteError, Huber, SmoothL1, SquaredError
from .._common import one_program, speaks
from ._calls import broadcast, broadcast_with_warning, chosen, in_dtype_of, library, like, run
from ._criterion import Criterion
from .losses import CheckedGaussianNll

__all__ = [
    "GaussianNLLLoss",
    "HuberLoss",
    "L1Loss",
    "MSELoss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "gaussian_nll_loss",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
]


@speaks(AbsoluteError)
def l1_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Array | None = None,
) -> Array:
    r"""Absolute error: `absolute_error`.

    .. math:: l = |\mathrm{input} - \mathrm{target}|

    Parameters
    ----------
    input, target : array
        Floating. Of two shapes they broadcast, with a warning.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all elements, or with `weight` Σ w l / Σ w; of no elements it is NaN.
    weight : array, optional
        One number an element, of the shape of `input`.

    Returns
    -------
    array
        Of shape (), or for "none" of that of the arrays; in the dtype of `input`.

    Raises
    ------
    ValueError
        If the arrays do not broadcast, `weight` has another shape, or there is no such reduction.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.l1_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> float(F.l1_loss(np.asarray([1.0, 4.0]), np.asarray([0.0, 2.0]), weight=np.asarray([3.0, 1.0])))
    1.25
    """
    return _of_errors(AbsoluteError.made(reduction=chosen(reduction, size_average, reduce)), input, target, weight)


@speaks(SquaredError)
def mse_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Array | None = None,
) -> Array:
    r"""Squared error: `squared_error`.

    .. math:: l = (\mathrm{input} - \mathrm{target})^2

    Parameters
    ----------
    input, target : array
        Floating. Of two shapes they broadcast, with a warning.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all elements, or with `weight` Σ w l / Σ w; of no elements it is NaN.
    weight : array, optional
        One number an element, of the shape of `input`.

    Returns
    -------
    array
        Of shape (), or for "none" of that of the arrays; in the dtype of `input`.

    Raises
    ------
    ValueError
        If the arrays do not broadcast, `weight` has another shape, or there is no such reduction.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> float(F.mse_loss(np.asarray([1.0, 4.0]), np.asarray([0.0, 2.0]), reduction="sum"))
    5.0
    """
    return _of_errors(SquaredError.made(reduction=chosen(reduction, size_average, reduce)), input, target, weight)


@speaks(Huber)
def huber_loss(
    input: Array,
    target: Array,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Array | None = None,
) -> Array:
    r"""Huber's loss: `huber`.

    .. math:: l = e^2 / 2 \text{ if } |e| \le \delta, \text{ else } \delta (|e| - \delta / 2);
        \quad e = \mathrm{input} - \mathrm{target}

    Parameters
    ----------
    input, target : array
        Floating. Of two shapes they broadcast, with a warning.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all elements, whatever their weights; of none it is NaN.
    delta : float, default 1.0
        The error, above 0, at which it turns from squared to absolute.
    weight : array, optional
        One number an element, of the shape of `input`.

    Returns
    -------
    array
        Of shape (), or for "none" of that of the arrays; in the dtype of `input`.

    Raises
    ------
    ValueError
        If the arrays do not broadcast, `weight` has another shape, `delta` is not above 0, or there is no such
        reduction.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.huber_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> float(F.huber_loss(np.asarray([0.5, 3.0]), np.asarray([0.0, 0.0]), "sum", 2.0))
    4.125
    """
    loss = Huber.made(delta=delta, reduction=chosen(reduction))
    return run(loss, *broadcast_with_warning(input, target), weight=_weight_of_size(weight, input))


@speaks(SmoothL1)
def smooth_l1_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Array:
    r"""Huber's loss over its threshold: `smooth_l1`.

    .. math:: l = e^2 / (2 \beta) \text{ if } |e| \le \beta, \text{ else } |e| - \beta / 2;
        \quad e = \mathrm{input} - \mathrm{target}

    Parameters
    ----------
    input, target : array
        Floating. Of two shapes they broadcast, with a warning.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all elements; of none it is NaN.
    beta : float, default 1.0
        The error, at least 0, at which it turns from squared to absolute. At 0 it is `l1_loss`.

    Returns
    -------
    array
        Of shape (), or for "none" of that of the arrays; in the dtype of `input`.

    Raises
    ------
    ValueError
        If the arrays do not broadcast, `beta` is below 0, or there is no such reduction.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.smooth_l1_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> float(F.smooth_l1_loss(np.asarray([0.5, 3.0]), np.asarray([0.0, 0.0]), reduction="sum", beta=2.0))
    2.0625
    """
    loss = SmoothL1.made(beta=beta, reduction=chosen(reduction, size_average, reduce))
    return run(loss, *broadcast_with_warning(input, target))


def _of_errors(loss: ErrorLoss, input: Array, target: Array, weight: Array | None) -> Array:
    x, y = broadcast_with_warning(input, target)
    weight = _weight_of_size(weight, input)
    if weight is None or loss.reduction != "mean":
        return run(loss, x, y, weight=weight)
    return in_dtype_of(_mean_by_weight(x, y, weight, loss=type(loss)(reduction="sum")), x, y)


def _weight_of_size(weight: Any, input: Array) -> Array | None:
    weight = weight if is_array(weight) else like(weight, input)
    if weight is not None and tuple(weight.shape) != tuple(input.shape):
        raise ValueError(f"`weight` must have the shape of `input`, {tuple(input.shape)}, got {tuple(weight.shape)}")
    return weight


@one_program
def _mean_by_weight(input: Array, target: Array, weight: Array, *, loss: ErrorLoss) -> Array:
    xp = library(input=input, target=target, weight=weight)
    total = loss(input, target, weight=weight)
    return total / xp.sum(xp.astype(weight, total.dtype, copy=False))


@speaks(PoissonNll, epsilon="eps")
def poisson_nll_loss(
    input: Array,
    target: Array,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    r"""Negative log-likelihood of a Poisson distribution: `poisson_nll`.

    .. math:: l = \mathrm{rate} - \mathrm{target} \log(\mathrm{rate} + \mathrm{eps}) \; (+ \log \mathrm{target}!);
        \quad \mathrm{rate} = \exp(\mathrm{input})

    Parameters
    ----------
    input, target : array
        Floating, the second a count. Of two shapes they broadcast.
    log_input : bool, default True
        Whether `input` is a logarithm, whose loss has no use for `eps`.
    full : bool, default False
        Add log(target!) by Stirling's approximation for targets above 1.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    eps : float, default 1e-8
        What is added to a rate before its logarithm is taken.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all elements; of none it is NaN.

    Returns
    -------
    array
        Of shape (), or for "none" of that of the arrays; in the dtype of `input`.

    Raises
    ------
    ValueError
        If the arrays do not broadcast, or there is no such reduction.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.poisson_nll_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> float(F.poisson_nll_loss(np.asarray([0.0, 0.0]), np.asarray([0.0, 3.0])))
    1.0
    """
    loss = PoissonNll.made(
        from_log=log_input, full=full, epsilon=eps, reduction=chosen(reduction, size_average, reduce)
    )
    return run(loss, *broadcast(input=input, target=target))


@speaks(CheckedGaussianNll, epsilon="eps")
def gaussian_nll_loss(
    input: Array,
    target: Array,
    var: Array | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Array:
    r"""Negative log-likelihood of a normal distribution: `gaussian_nll`.

    .. math:: l = \tfrac{1}{2} \left( \log v + \frac{(\mathrm{input} - \mathrm{target})^2}{v} \right) \; (+ \tfrac{1}{2}
        \log 2 \pi);
        \quad v = \max(\mathrm{var}, \mathrm{eps})

    Parameters
    ----------
    input, target : array
        Floating: the mean, and what it is of. Of two shapes they broadcast.
    var : array or float
        The variance, at least 0: a number; one an element of `input`; one a row, without the last axis; or with one
        axis of length 1.
    full : bool, default False
        Add the constant, log(2π)/2.
    eps : float, default 1e-6
        What a smaller variance counts as.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all elements; of none it is NaN.

    Returns
    -------
    array
        Of shape (), or for "none" of that of the arrays; in the dtype of `input`.

    Raises
    ------
    ValueError
        If `var` has another shape, or on the CPU a negative number in it; if there is no such reduction.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.gaussian_nll_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> float(F.gaussian_nll_loss(np.asarray([1.0, 2.0]), np.asarray([3.0, 2.0]), 1.0))
    1.0
    """
    loss = CheckedGaussianNll.made(full=full, epsilon=eps, reduction=chosen(reduction))
    if is_array(var):
        if getattr(var, "shape", None) != getattr(input, "shape", None):
            library(input=input, target=target, var=var)
            var = _variance_of(input, var)
    elif not isinstance(var, NUMBERS):
        library(input=input, target=target, var=var)  # which refuses it
    elif var < 0:
        raise ValueError(f"`var` must be at least 0, got {var}")
    else:
        var = library(input=input, target=target).full_like(input, var)
    return run(loss, *broadcast(input=input, target=target, var=var))


def _variance_of(input: Array, var: Array) -> Array:
    """Return a variance with the axes of `input`."""
    if input.shape == var.shape:
        return var
    shape, own = tuple(input.shape), tuple(var.shape)
    if own == shape[:-1]:
        return var[..., None]
    if len(own) == len(shape) and [n for m, n in zip(shape, own, strict=True) if m != n] == [1]:
        return var
    raise ValueError(
        f"`var` must have the shape of `input`, {shape}, without its last axis, or with one axis of length 1, got {own}"
    )


@dataclass(eq=False)
class L1Loss(Criterion):
    """`l1_loss` as an object, which keeps its settings."""

    function = staticmethod(l1_loss)

    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"


@dataclass(eq=False)
class MSELoss(Criterion):
    """`mse_loss` as an object, which keeps its settings."""

    function = staticmethod(mse_loss)

    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"


@dataclass(eq=False)
class HuberLoss(Criterion):
    """`huber_loss` as an object, which keeps its settings."""

    function = staticmethod(huber_loss)

    reduction: str = "mean"
    delta: float = 1.0

    def __post_init__(self, *deprecated: bool | None) -> None:
        super().__post_init__(*deprecated)
        if not isinstance(self.delta, NUMBERS):
            raise TypeError(f"`delta` must be a number, got {in_short(self.delta)}")


@dataclass(eq=False)
class SmoothL1Loss(Criterion):
    """`smooth_l1_loss` as an object, which keeps its settings."""

    function = staticmethod(smooth_l1_loss)

    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"
    beta: float = 1.0


@dataclass(eq=False)
class PoissonNLLLoss(Criterion):
    """`poisson_nll_loss` as an object, which keeps its settings."""

    function = staticmethod(poisson_nll_loss)

    log_input: bool = True
    full: bool = False
    size_average: InitVar[bool | None] = None
    eps: float = 1e-8
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"


@dataclass(eq=False, kw_only=True)
class GaussianNLLLoss(Criterion):
    """`gaussian_nll_loss` as an object, which keeps its settings."""

    function = staticmethod(gaussian_nll_loss)

    full: bool = False
    eps: float = 1e-6
    reduction: str = "mean"
