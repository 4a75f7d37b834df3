"""Losses of the angles between an embedding and the directions of the classes.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.angular import AngularMarginSoftmax
from ..reduction import Reduction

__all__ = ["angular_margin_softmax"]


@function_form(AngularMarginSoftmax)
def angular_margin_softmax(
    cosines: Array,
    labels: Array,
    *,
    scale: Real | Sequence[float] = 64.0,
    angle_margin: Real | Sequence[float] = 0.5,
    cosine_margin: Real | Sequence[float] = 0.0,
    angle_factor: Real | Sequence[float] = 1.0,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Cross entropy of cosines, in which the own class is asked for a margin of its angle: for recognising faces.

    .. math:: l = -\log \frac{e^{\mathrm{scale} (\psi(m_1 \theta_y + m_2) - m_3)}} {e^{\mathrm{scale} (\psi(m_1 \theta_y
        + m_2) - m_3)} + \sum_{c \ne y} e^{\mathrm{scale} \cos \theta_c}};
        \quad \theta = \arccos(\mathrm{cosines})

    with the label y, and ψ = cos up to π. Beyond, ψ keeps on falling, as ψ(φ) = (-1)^k cos φ - 2k with k = ⌊φ / π⌋.

    Parameters
    ----------
    cosines : array, shape (..., C)
        Floating, in [-1, 1]: those of the angles between an embedding and a vector of each class, such as
        ``unit(embeddings) @ unit(weights).T``.
    labels : array, shape (...)
        Integer labels in [0, C), of the shape of `cosines` without `axis`.
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
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `cosines` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return AngularMarginSoftmax.made(
        scale=scale,
        angle_margin=angle_margin,
        cosine_margin=cosine_margin,
        angle_factor=angle_factor,
        axis=axis,
        reduction=reduction,
    )(cosines, labels, weight=weight, where=where)
