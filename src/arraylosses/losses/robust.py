"""Losses of the error e = prediction - target that are asymmetric, or that forgive small or large errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from .. import special
from .._array_api import NUMBERS, Array, Real, array_namespace
from ..arguments import require_nonnegative, require_one_of_type, require_positive, require_range
from ..numerics import elementwise, logarithms, settings
from ..registry import alias, register
from ._base import ErrorLoss, PureLoss
from .regression import PseudoHuber

__all__ = ["EpsilonInsensitive", "Expectile", "Fair", "GeneralRobust", "Wing"]


@register
@dataclass(frozen=True, kw_only=True)
class Expectile(ErrorLoss):
    r"""Squared error with a weight for each side: an expectile, the mean's counterpart of a quantile, is predicted.

    .. math:: l = q \, e^2 \text{ if } \mathrm{prediction} < \mathrm{target}, \text{ else } (1 - q) \, e^2;
        \quad e = \mathrm{prediction} - \mathrm{target}

    Parameters
    ----------
    q : float, default 0.5
        The expectile, between 0 and 1. At 0.5, where the mean is predicted, it is half of `squared_error`.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

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

    q: Real = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(0, 1, ends=False, q=self.q)

    # e ((1 - q) max(e, 0) + q min(e, 0))
    def _of_error(self, error: Array) -> Array:
        return error * self._weighted(error)

    # 2 ((1 - q) max(e, 0) + q min(e, 0))
    def _derivative(self, error: Array) -> Array:
        return 2.0 * self._weighted(error)

    def _value_and_derivative(self, error: Array) -> tuple[Array, Array]:
        weighted = self._weighted(error)
        return error * weighted, 2.0 * weighted

    # 2 (1 - q) above the target, 2 q below it, and the mean of both at it
    def _second_derivative(self, error: Array) -> Array:
        return 1.0 + (1.0 - 2.0 * self.q) * special.sign(error)

    # At 0 the derivative of `relu` is 0, and that of `clip` 1: so this has q there, and not 0.
    def _weighted(self, error: Array) -> Array:
        return (1.0 - self.q) * special.relu(error) + self.q * special.clip(error, None, 0.0)


@register(alias("squared_epsilon_insensitive", squared=True))
@dataclass(frozen=True, kw_only=True)
class EpsilonInsensitive(ErrorLoss):
    r"""Size of the error beyond a margin, within which nothing is lost: the loss of support vector regression.

    .. math:: l = \max(|\mathrm{prediction} - \mathrm{target}| - \mathrm{margin}, 0), \text{ or its square}

    Parameters
    ----------
    margin : float, default 0.1
        The error, at least 0, up to which nothing is lost: the epsilon of the literature.
    squared : bool, default False
        Whether the loss is the square of what is beyond the margin.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

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

    margin: Real = 0.1
    squared: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(margin=self.margin)
        require_one_of_type(bool, squared=self.squared)

    # |x| or x², where x is what e exceeds the margin by on either side
    def _of_error(self, error: Array) -> Array:
        excess = self._excess(error)
        return excess * excess if self.squared else special.absolute(excess)

    # sign(x) or 2 x
    def _derivative(self, error: Array) -> Array:
        excess = self._excess(error)
        return 2.0 * excess if self.squared else special.sign(excess)

    # of the square, 2 beyond the margin and 0 within it
    def _second_derivative(self, error: Array) -> Array:
        if not self.squared:
            return super()._second_derivative(error)
        return 2.0 - 2.0 * elementwise.clip_derivative(error, -self.margin, self.margin)

    def _excess(self, error: Array) -> Array:
        return error - special.clip(error, -self.margin, self.margin)


@register(
    alias("charbonnier", "charbonnier_loss", alpha=1.0),
    alias("cauchy", "cauchy_loss", alpha=0.0),
    alias("geman_mcclure", "geman_mcclure_loss", alpha=-2.0),
    alias("welsch", "welsch_loss", "leclerc", alpha=-math.inf),
)
@dataclass(frozen=True, kw_only=True)
class GeneralRobust(PureLoss):
    r"""Barron's loss: squared near 0, and far out as robust against outliers as one number says.

    .. math:: l = \frac{|\alpha - 2|}{\alpha} \left( \left( \frac{(e / \mathrm{scale})^2}{|\alpha - 2|} + 1
        \right)^{\alpha / 2} - 1 \right);
        \quad e = \mathrm{prediction} - \mathrm{target}

    Parameters
    ----------
    alpha : float, default 1.0
        What the loss grows with: as the square of the error for 2, as its size for 1, as its logarithm for 0, and
        up to a bound below that; at most 2, and a number, not an array.
    scale : float, default 1.0
        The error, above 0, around which it leaves the square.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

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

    alpha: float = 1.0
    scale: Real = 1.0

    structural: ClassVar[tuple[str, ...]] = ("alpha",)

    arrays = "prediction[...]: real, target[...]: real -> [...]"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(-math.inf, 2, alpha=self.alpha)
        require_positive(scale=self.scale)

    # b/alpha ((r²/b + 1)^(alpha/2) - 1) with r = e / scale and b = 2 - alpha, and its limits r²/2, log(r²/2 + 1) and
    # 1 - exp(-r²/2). The power less 1 is that of its logarithm, so that it keeps its digits near 0. At 1 it is
    # sqrt(r² + 1) - 1, whose derivative far out is that of |r|.
    def call(self, prediction: Array, target: Array) -> Array:
        xp = array_namespace(prediction, target)
        error, scale = prediction - target, settings.at_least_tiny(self.scale, prediction)
        alpha, b = self.alpha, 2.0 - self.alpha
        ratio = error / scale
        if b == 0:
            return (0.5 * ratio) * ratio
        if alpha == 1:
            return PseudoHuber()._of_error(ratio)
        if alpha < -(2.0**60):
            ratio = special.clip(ratio, -_FLAT, _FLAT)
            return -logarithms.expm1(-(0.5 * ratio) * ratio)
        root = b**0.5
        if alpha > 1:
            q = ratio / root
            far = xp.abs(q) > 1
            power = (1.0 + PseudoHuber()._of_error(special.where(far, q, 1.0))) ** alpha - 1.0
            q = special.where(far, 0.0, q)
            return b / alpha * special.where(far, power, xp.expm1(0.5 * alpha * xp.log1p(q * q)))
        log_divisor = settings.log(scale, error) + math.log(root)
        log_power = logarithms.log1p_square(
            error, log_divisor, lambda far: special.where(far, 0.0, error) / scale / root
        )
        if abs(alpha) < 2.0**-60:
            return log_power
        return b / alpha * logarithms.expm1(0.5 * alpha * log_power)


_FLAT = 64.0
"""The ratio beyond which exp(-r²/2) is 0 in every dtype."""


@register
@dataclass(frozen=True, kw_only=True)
class Fair(ErrorLoss):
    r"""Squared near 0 and absolute far out, which it approaches slowly, with derivatives of all orders but at 0.

    .. math:: l = c^2 \left( \frac{|e|}{c} - \log \left( 1 + \frac{|e|}{c} \right) \right);
        \quad e = \mathrm{prediction} - \mathrm{target}, \; c = \mathrm{scale}

    Parameters
    ----------
    scale : float, default 1.0
        The error, above 0, around which it turns from squared to absolute. LightGBM calls it ``fair_c``.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

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

    scale: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(scale=self.scale)

    # c e s f with s = e / c, r = |s| and f = (r - log(1 + r)) / r²: no square is out of range, and for the derivative
    # c e is not, but for a huge c. There, up to c, it is e² f. Of |e| for e the second derivative would be 0 at 0.
    def _of_error(self, error: Array) -> Array:
        scale = settings.at_least_tiny(self.scale, error)
        signed = special.clip(error / scale, -(2.0**60), 2.0**60)
        ratio = special.absolute(signed)
        curvature = logarithms.log1p_curvature(ratio)
        loss = scale * (error * (signed * curvature))
        if isinstance(self.scale, NUMBERS) and self.scale < 2.0**60:
            return loss
        is_near = ratio < 1.0
        if not isinstance(scale, NUMBERS):
            is_near = array_namespace(error, scale).logical_and(is_near, scale > 2.0**60)
        near = special.where(is_near, error, 0.0)
        return special.where(is_near, near * (near * curvature), loss)

    # d / (1 + r), which is c for an infinite error
    def _derivative(self, error: Array) -> Array:
        clipped, ratio = self._clipped_and_ratio(error)
        return clipped / (1.0 + special.absolute(ratio))

    # 1 / (1 + r)²
    def _second_derivative(self, error: Array) -> Array:
        _, ratio = self._clipped_and_ratio(error)
        root = 1.0 / (1.0 + special.absolute(ratio))
        return root * root

    def _clipped_and_ratio(self, error: Array) -> tuple[Array, Array]:
        scale = settings.at_least_tiny(self.scale, error)
        most = 2.0**60 * scale
        clipped = special.clip(error, -most, most)
        return clipped, clipped / scale


@register
@dataclass(frozen=True, kw_only=True)
class Wing(PureLoss):
    r"""Logarithmic near 0 and absolute far out, so that small errors count more: for landmarks of faces and bodies.

    .. math:: l = \mathrm{width} \log(1 + |e| / \mathrm{curvature}) \text{ if } |e| < \mathrm{width}, \text{ else } |e|
        - c;
        \quad c = \mathrm{width} - \mathrm{width} \log(1 + \mathrm{width} / \mathrm{curvature})

    Parameters
    ----------
    width : float, default 10.0
        The error, above 0, at which it turns from logarithmic to absolute.
    curvature : float, default 2.0
        Above 0: the smaller, the more the smallest errors count. The epsilon of the paper.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape, such as coordinates in pixels. An integer target is converted.

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

    width: Real = 10.0
    curvature: Real = 2.0

    arrays = "prediction[...]: real, target[...]: real -> [...]"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(width=self.width, curvature=self.curvature)

    # width log(1 + a / curvature) + (|e| - a), where a is |e| up to the width
    def call(self, prediction: Array, target: Array) -> Array:
        size = special.absolute(prediction - target)
        width, curvature = (settings.at_least_tiny(x, size) for x in (self.width, self.curvature))
        near, far = special.clip(size, None, width), special.relu(size - width)
        if all([isinstance(x, NUMBERS) and 2.0**-30 < x < 2.0**30 for x in (self.width, self.curvature)]):
            return width * array_namespace(size).log1p(near / curvature) + far
        # A quotient by a small curvature may be out of range, one by a huge one vanish, the slope at 0 be infinite.
        slope = width / settings.limited(curvature, 2.0**60, elementwise.finfo(size).max)
        loss = width * logarithms.log1p_quotient(near, curvature)
        loss = special.where(near < 2.0**-60 * curvature - 1.0, slope * near, loss)
        return special.where(size == 0, 0.0, loss) + far
