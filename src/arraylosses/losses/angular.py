"""Losses of the angles between an embedding and the directions of the classes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import special
from .._array_api import Array, Real, array_namespace
from ..arguments import require_finite, require_nonnegative, require_positive
from ..numerics import indexing, softmax
from ..registry import alias, register
from ._base import PureRowLoss

__all__ = ["AngularMarginSoftmax"]


@register(
    "arcface",
    "ArcFace",
    alias("cosface", "CosFace", angle_margin=0.0, cosine_margin=0.35),
    alias("sphereface", "SphereFace", angle_margin=0.0, angle_factor=4.0),
)
@dataclass(frozen=True, kw_only=True)
class AngularMarginSoftmax(PureRowLoss):
    r"""Cross entropy of cosines, in which the own class is asked for a margin of its angle: for recognising faces.

    .. math:: l = -\log \frac{e^{\mathrm{scale} (\psi(m_1 \theta_y + m_2) - m_3)}} {e^{\mathrm{scale} (\psi(m_1 \theta_y
        + m_2) - m_3)} + \sum_{c \ne y} e^{\mathrm{scale} \cos \theta_c}};
        \quad \theta = \arccos(\mathrm{cosines})

    with the label y, and ψ = cos up to π. Beyond, ψ keeps on falling, as ψ(φ) = (-1)^k cos φ - 2k with k = ⌊φ / π⌋.

    Parameters
    ----------
    scale : float, default 64.0
        What cosines are multiplied by, above 0.
    angle_margin : float, default 0.5
        m₂, at least 0: what is added to the own angle, in radians. It is ArcFace's; its code and papers have 0.5.
    cosine_margin : float, default 0.0
        m₃, at least 0: what is taken from the own cosine. It is CosFace's: ``al.get("cosface")`` has 0.35.
    angle_factor : float, default 1.0
        m₁, above 0: what the own angle is multiplied by. It is SphereFace's: ``al.get("sphereface")`` has 4.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    cosines : array, shape (..., C)
        Floating, in [-1, 1]: those of the angles between an embedding and a vector of each class, such as
        ``unit(embeddings) @ unit(weights).T``.
    labels : array, shape (...)
        Integer labels in [0, C), of the shape of `cosines` without `axis`.

    See Also
    --------
    cross_entropy : Without a margin.
    proxy_anchor : Without a softmax over all classes.

    Notes
    -----
    Margins are in radians; pytorch-metric-learning has degrees, 28.6 for ArcFace. Where the angle and its margin are
    beyond π, other implementations of ArcFace have cos θ - m₂ sin m₂ or go up again. SphereFace multiplies by the
    length of the embedding, in place of a scale.

    What goes beyond [-1, 1] by rounding counts as its end. At the ends, where the derivative of an angle by its cosine
    is infinite, the own angle counts as a constant.

    References
    ----------
    Deng et al., ArcFace: additive angular margin loss for deep face recognition (2019).
    https://arxiv.org/abs/1801.07698

    Wang et al., CosFace: large margin cosine loss for deep face recognition (2018). https://arxiv.org/abs/1801.09414

    Liu et al., SphereFace: deep hypersphere embedding for face recognition (2017). https://arxiv.org/abs/1704.08063

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> cosines = np.asarray([[0.5, -0.5, 0.0]])
    >>> round(float(al.angular_margin_softmax(cosines, np.asarray([0]), scale=4.0)), 6)
    0.70955
    """

    of_softmax = True

    arrays = "cosines[..., C]: cosine, labels[...]: class -> [...]"

    scale: Real = 64.0
    angle_margin: Real = 0.5
    cosine_margin: Real = 0.0
    angle_factor: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(scale=self.scale, angle_factor=self.angle_factor)
        require_nonnegative(angle_margin=self.angle_margin, cosine_margin=self.cosine_margin)
        require_finite(
            scale=self.scale,
            angle_margin=self.angle_margin,
            cosine_margin=self.cosine_margin,
            angle_factor=self.angle_factor,
        )

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return False  # the rows have a form of their own

    # The cross entropy of scale cos θ, of which the label's is scale (ψ(m1 θ + m2) - m3)
    def call(self, cosines: Array, labels: Array) -> Array:
        xp = array_namespace(cosines, labels)
        axis = self.row_axis(cosines)
        own = indexing.gather(cosines, labels, axis)
        inside = xp.logical_and(own > -1.0, own < 1.0)
        ends = special.where(own > 0, xp.zeros_like(own), math.pi) + 0.0 * own  # NaN stays
        cosine = special.where(inside, own, 0.0)
        sine = xp.sqrt((1.0 - cosine) * (1.0 + cosine))  # whose digits near the ends 1 - cos² has not
        angle = special.where(inside, xp.atan2(sine, cosine), ends)
        logit = self.scale * (self._falling(self.angle_factor * angle + self.angle_margin) - self.cosine_margin)
        logits = indexing.scatter(self.scale * cosines, labels, logit, axis)
        return softmax.nll_and_complement(logits, labels, axis)[0]

    # (-1)^k cos φ - 2k with k = floor(φ / π)
    def _falling(self, angle: Array) -> Array:
        xp = array_namespace(angle)
        half_turns = xp.floor(special.stop_gradient(angle) / math.pi)
        odd = half_turns - 2.0 * xp.floor(half_turns / 2.0)
        return (1.0 - 2.0 * odd) * xp.cos(angle) - 2.0 * half_turns
