"""Losses of the overlap of two regions, over the places of an image or of a batch of them."""

from __future__ import annotations

from dataclasses import dataclass

from .. import special
from .._array_api import Array, array_namespace, dtype_kind
from ..arguments import require_integer, require_nonnegative, require_one_of_type
from ..numerics import indexing, softmax
from ..registry import register
from ._base import PureRowLoss

__all__ = ["Dice"]


@register("DiceLoss", "dice_loss")
@dataclass(frozen=True, kw_only=True)
class Dice(PureRowLoss):
    r"""One minus the overlap of a predicted and a true region, by their sizes: for classes that fill few places.

    .. math:: l = 1 - \frac{1}{C} \sum_c \frac{2 \sum p_c target_c + smooth}{\sum p_c + \sum target_c + smooth};
        \quad p = softmax(logits)

    Parameters
    ----------
    per_image : bool, default True
        Whether the sums are those of each image; otherwise they are those of the batch, which is one item.
    smooth : float, default 1.0
        What is added to both sums, at least 0. Without it, a class that is neither there nor predicted counts as met.
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise probabilities.
    axis : int, default -1
        The class axis.
    ignore_index : int, optional
        A label whose places are left out. It may lie outside [0, C).
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (N, ..., C)
        Floating, with the classes along `axis` and the images along the first axis: logits, or with
        ``from_logits=False`` probabilities.
    labels : array, shape (N, ...) or (N, ..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class.

    Notes
    -----
    `where` has the shape of the labels and leaves out places. An image without any is left out itself. `weight` has one
    number an image.

    References
    ----------
    Milletari, Navab and Ahmadi, V-Net: fully convolutional neural networks for volumetric medical image segmentation
    (2016). https://arxiv.org/abs/1606.04797

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p = np.asarray([[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]])
    >>> round(float(al.dice(p, np.asarray([[0, 0, 1]]), from_logits=False, smooth=0.0)), 6)
    0.333333
    """

    per_image: bool = True
    smooth: float = 1.0
    from_logits: bool = True
    ignore_index: int | None = None

    arrays = (
        "logits[N, ..., C]: real if from_logits else distribution, "
        "labels[N, ...]: class or labels[N, ..., C]: distribution, where[N, ...] -> [N] if per_image else []"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, per_image=self.per_image, from_logits=self.from_logits)
        require_nonnegative(smooth=self.smooth)
        if self.ignore_index is not None:
            require_integer(ignore_index=self.ignore_index)

    # 1 - mean over the classes of (2 Σ p t + smooth) / (Σ p + Σ t + smooth)
    def call(self, logits: Array, labels: Array, where: Array | None = None) -> Array:
        xp = array_namespace(logits, labels)
        axis = self.axis % logits.ndim
        p = softmax.nll_and_probabilities(logits, axis)[1] if self.from_logits else logits
        target = indexing.one_hot(logits, labels, axis, 1.0) if dtype_kind(labels.dtype) == "int" else labels
        if where is not None:
            kept = xp.astype(indexing.expand_dims(where, axis), p.dtype)
            p, target = p * kept, target * kept
        places = tuple([k for k in range(logits.ndim) if k != axis and (k or not self.per_image)])
        overlap = 2.0 * xp.sum(p * target, axis=places) + self.smooth
        size = xp.sum(p, axis=places) + xp.sum(target, axis=places) + self.smooth
        empty = size == 0
        ratio = special.where(empty, 1.0, overlap / special.where(empty, 1.0, size))
        return 1.0 - xp.mean(ratio, axis=-1)
