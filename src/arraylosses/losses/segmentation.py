"""Losses of the overlap of two regions, over the places of an image or of a batch of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import special
from .._array_api import Array, Real, array_namespace
from ..arguments import require_finite, require_nonnegative, require_positive
from ..numerics import reductions
from ..registry import alias, register
from ._overlap import Counts, OverlapLoss, Slopes, SmoothedOverlapLoss, share_slopes, tversky, tversky_slopes
from ._regions import quotient

__all__ = ["Dice", "GeneralizedDice", "Jaccard", "Mcc", "Tversky"]


@register(alias("dice_loss", smooth=2.0), alias("binary_dice_loss", mode="binary", smooth=2.0))
@dataclass(frozen=True, kw_only=True)
class Dice(SmoothedOverlapLoss):
    r"""One minus the Dice coefficient, the overlap of two regions by their sizes: for classes that fill few places.

    .. math:: l = 1 - \frac{1}{\sum_c w_c} \sum_c w_c \frac{2 \sum p_c t_c + \mathrm{smooth}}{\sum p_c + \sum t_c +
        \mathrm{smooth}};
        \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    mode : {"multiclass", "multilabel", "binary"}, default "multiclass"
        Whether the classes exclude each other, so that probabilities are the softmax of the logits; or may overlap, so
        that each is a sigmoid; or there is one class, the foreground, and no class axis.
    per_image : bool, default True
        Whether the sums are those of each image; otherwise they are those of the batch, which is one item.
    smooth : float, default 1.0
        What is added to the numerator and to the denominator of the overlap, at least 0.
    class_weight : sequence or array of shape (C,), optional
        One number a class: the mean over the classes is divided by their sum.
    include_background : bool, default True
        Whether class 0 counts.
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise probabilities.
    axis : int, default -1
        The class axis. Images lie along the first of the other axes.
    ignore_index : int, optional
        An integer label whose places are left out. It may lie outside [0, C). With mode "binary", of a floating
        target too.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (N, ..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. With mode
        "binary", of shape (N, ...).
    labels : array, shape (N, ...) or (N, ..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class. With mode "binary", 0 or 1, booleans, or probabilities of the
        foreground, of the shape of `logits`.

    See Also
    --------
    jaccard : IoU itself.
    tversky : With a weight for each kind of mistake.
    generalized_dice : For regions of very different sizes.
    lovasz_softmax : To fine-tune for IoU.

    Notes
    -----
    It is `tversky` with `alpha` and `beta` 1/2 and half of `smooth`, which Optax's `dice_loss` adds to TP and not to 2
    TP: its `smooth` is half of ours. The sums of the denominator are plain, where the paper has squares.

    A class that is nowhere in an image costs what is predicted of it, FP / (FP + smooth) but for factors, and nothing
    where that is 0. It is so in MONAI, with `smooth` 1e-5. In segmentation-models-pytorch such a class costs nothing,
    and counts in the mean over the classes all the same; in Keras, whose loss of this name takes one sum over all
    images, places and classes, an empty mask costs 1 whatever is predicted.

    `where` has the shape of the labels without a class axis, and leaves out places. An image without any is left out
    itself. `weight` has one number an image.

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

    One foreground class needs no class axis:

    >>> p, mask = np.asarray([[0.5, 0.5, 0.0]]), np.asarray([[True, False, False]])
    >>> float(al.dice(p, mask, mode="binary", from_logits=False, smooth=0.0))
    0.5
    """

    # (FP + FN) / (2 TP + FP + FN + smooth)
    def _of_counts(self, counts: Counts) -> Array:
        return tversky(counts, 0.5, 0.5, 0.5 * self.smooth)

    def _slopes(self, counts: Counts) -> Slopes:
        return tversky_slopes(counts, 0.5, 0.5, 0.5 * self.smooth)


@register
@dataclass(frozen=True, kw_only=True)
class Tversky(SmoothedOverlapLoss):
    r"""The Dice loss with weights of both kinds of error: for regions that must not be missed, or not be overdrawn.

    .. math:: l = \frac{1}{\sum_c w_c} \sum_c w_c (1 - \frac{\mathrm{TP}_c + \mathrm{smooth}}{\mathrm{TP}_c + \alpha \,
        \mathrm{FP}_c + \beta \, \mathrm{FN}_c + \mathrm{smooth}})^{\gamma};
        \quad \mathrm{TP}_c = \sum p_c t_c, \; \mathrm{FP}_c = \sum p_c (1 - t_c), \; \mathrm{FN}_c = \sum (1 - p_c) t_c

    Parameters
    ----------
    alpha : float, default 0.5
        Weight of false positives, places that are predicted and not true; at least 0.
    beta : float, default 0.5
        Weight of false negatives, places that are true and not predicted; at least 0.
    gamma : float, default 1.0
        Above 0. Above 1, classes that overlap well count little; below 1, they count more (the focal Tversky loss).
    mode : {"multiclass", "multilabel", "binary"}, default "multiclass"
        Whether the classes exclude each other, so that probabilities are the softmax of the logits; or may overlap, so
        that each is a sigmoid; or there is one class, the foreground, and no class axis.
    per_image : bool, default True
        Whether the sums are those of each image; otherwise they are those of the batch, which is one item.
    smooth : float, default 1.0
        What is added to the numerator and to the denominator of the overlap, at least 0.
    class_weight : sequence or array of shape (C,), optional
        One number a class: the mean over the classes is divided by their sum.
    include_background : bool, default True
        Whether class 0 counts.
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise probabilities.
    axis : int, default -1
        The class axis. Images lie along the first of the other axes.
    ignore_index : int, optional
        An integer label whose places are left out. It may lie outside [0, C). With mode "binary", of a floating
        target too.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (N, ..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. With mode
        "binary", of shape (N, ...).
    labels : array, shape (N, ...) or (N, ..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class. With mode "binary", 0 or 1, booleans, or probabilities of the
        foreground, of the shape of `logits`.

    See Also
    --------
    dice : With both kinds of mistake alike.
    jaccard : `alpha` and `beta` of 1.

    Notes
    -----
    `alpha` belongs to false positives, as in the paper, in MONAI, segmentation-models-pytorch and Optax. In Keras
    3.15.1 it weights false negatives, against its documentation.

    The focal paper writes the exponent as 1/gamma: its 4/3 is 0.75 here. The exponent is that of each class;
    segmentation-models-pytorch has that of the mean over them.

    A class that is nowhere in an image is taken as in `dice`.

    `where` has the shape of the labels without a class axis, and leaves out places. An image without any is left out
    itself. `weight` has one number an image.

    References
    ----------
    Salehi, Erdogmus and Gholipour, Tversky loss function for image segmentation using 3D fully convolutional deep
    networks (2017). https://arxiv.org/abs/1706.05721

    Abraham and Khan, A novel focal Tversky loss function with improved attention U-Net for lesion segmentation (2018).
    https://arxiv.org/abs/1810.07842

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p, mask = np.asarray([[1.0, 1.0, 1.0, 0.0]]), np.asarray([[1, 0, 0, 1]])
    >>> settings = {"mode": "binary", "from_logits": False, "smooth": 0.0}
    >>> round(float(al.tversky(p, mask, alpha=0.25, beta=0.5, **settings)), 6)  # TP = 1, FP = 2, FN = 1
    0.5
    >>> round(float(al.tversky(p, mask, alpha=0.5, beta=0.25, **settings)), 6)
    0.555556
    """

    alpha: Real = 0.5
    beta: Real = 0.5
    gamma: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(alpha=self.alpha, beta=self.beta)
        require_positive(gamma=self.gamma)
        require_finite(alpha=self.alpha, beta=self.beta, gamma=self.gamma)

    # ((alpha FP + beta FN) / (TP + alpha FP + beta FN + smooth))^gamma, whose slope at 0 may be infinite
    def _of_counts(self, counts: Counts) -> Array:
        return self._power(tversky(counts, self.alpha, self.beta, self.smooth), self.gamma)

    def _slopes(self, counts: Counts) -> Slopes:
        loss = tversky(counts, self.alpha, self.beta, self.smooth)
        at_true, at_false = tversky_slopes(counts, self.alpha, self.beta, self.smooth)
        factor = self.gamma * self._power(loss, self.gamma - 1.0)
        return factor * at_true, factor * at_false

    @staticmethod
    def _power(loss: Array, exponent: Any) -> Array:
        none = loss == 0
        return special.where(none, 0.0, special.where(none, 1.0, loss) ** exponent)


@register
@dataclass(frozen=True, kw_only=True)
class Jaccard(SmoothedOverlapLoss):
    r"""One minus the Jaccard index, intersection over union of two regions (soft IoU): how segmentations are ranked.

    .. math:: l = 1 - \frac{1}{\sum_c w_c} \sum_c w_c \frac{I_c + \mathrm{smooth}}{\sum p_c + \sum t_c - I_c +
        \mathrm{smooth}};
        \quad I_c = \sum p_c t_c, \; p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    mode : {"multiclass", "multilabel", "binary"}, default "multiclass"
        Whether the classes exclude each other, so that probabilities are the softmax of the logits; or may overlap, so
        that each is a sigmoid; or there is one class, the foreground, and no class axis.
    per_image : bool, default True
        Whether the sums are those of each image; otherwise they are those of the batch, which is one item.
    smooth : float, default 1.0
        What is added to the numerator and to the denominator of the overlap, at least 0.
    class_weight : sequence or array of shape (C,), optional
        One number a class: the mean over the classes is divided by their sum.
    include_background : bool, default True
        Whether class 0 counts.
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise probabilities.
    axis : int, default -1
        The class axis. Images lie along the first of the other axes.
    ignore_index : int, optional
        An integer label whose places are left out. It may lie outside [0, C). With mode "binary", of a floating
        target too.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (N, ..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. With mode
        "binary", of shape (N, ...).
    labels : array, shape (N, ...) or (N, ..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class. With mode "binary", 0 or 1, booleans, or probabilities of the
        foreground, of the shape of `logits`.

    See Also
    --------
    dice : The same optimum, smoother where little overlaps.
    lovasz_softmax : Of hard predictions.

    Notes
    -----
    It is `tversky` with `alpha` and `beta` 1. `lovasz_softmax` follows the index of hard predictions more nearly.

    A class that is nowhere in an image is taken as in `dice`.

    `where` has the shape of the labels without a class axis, and leaves out places. An image without any is left out
    itself. `weight` has one number an image.

    References
    ----------
    Rahman and Wang, Optimizing intersection-over-union in deep neural networks for image segmentation (2016).
    https://doi.org/10.1007/978-3-319-50835-1_22

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p, mask = np.asarray([[0.5, 0.5, 0.0]]), np.asarray([[1, 0, 0]])
    >>> round(float(al.jaccard(p, mask, mode="binary", from_logits=False, smooth=0.0)), 6)
    0.666667
    """

    # (FP + FN) / (TP + FP + FN + smooth)
    def _of_counts(self, counts: Counts) -> Array:
        return tversky(counts, 1.0, 1.0, self.smooth)

    def _slopes(self, counts: Counts) -> Slopes:
        return tversky_slopes(counts, 1.0, 1.0, self.smooth)


@register
@dataclass(frozen=True, kw_only=True)
class GeneralizedDice(SmoothedOverlapLoss):
    r"""The Dice loss of all classes at once, small ones weighted up: for classes of very different sizes.

    .. math:: l = 1 - \frac{2 \sum_c w_c v_c \sum p_c t_c + \mathrm{smooth}}{\sum_c w_c v_c (\sum p_c + \sum t_c) +
        \mathrm{smooth}};
        \quad v_c = (\frac{\min_k \sum t_k}{\sum t_c})^2

    Parameters
    ----------
    mode : {"multiclass", "multilabel", "binary"}, default "multiclass"
        Whether the classes exclude each other, so that probabilities are the softmax of the logits; or may overlap, so
        that each is a sigmoid; or there is one class, the foreground, and no class axis.
    per_image : bool, default True
        Whether the sums are those of each image; otherwise they are those of the batch, which is one item.
    smooth : float, default 1.0
        What is added to the numerator and to the denominator of the overlap, at least 0.
    class_weight : sequence or array of shape (C,), optional
        One number a class, by which the weight of its size is multiplied.
    include_background : bool, default True
        Whether class 0 counts.
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise probabilities.
    axis : int, default -1
        The class axis. Images lie along the first of the other axes.
    ignore_index : int, optional
        An integer label whose places are left out. It may lie outside [0, C). With mode "binary", of a floating
        target too.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (N, ..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. With mode
        "binary", of shape (N, ...).
    labels : array, shape (N, ...) or (N, ..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class. With mode "binary", 0 or 1, booleans, or probabilities of the
        foreground, of the shape of `logits`.

    See Also
    --------
    dice : Each class by itself.
    mcc : Where the background counts as much.

    Notes
    -----
    The paper's weights are 1 / (Σ t)²; ours are these times a number that is the same for all classes, so that `smooth`
    is a number of places, as in `dice`. The minimum is that of the classes which are there; a class that is not has
    weight 1, as in MONAI. Optax's `multiclass_generalized_dice_loss` is another loss, the mean of the classes' Dice
    losses with these weights.

    `where` has the shape of the labels without a class axis, and leaves out places. An image without any is left out
    itself. `weight` has one number an image.

    References
    ----------
    Sudre et al., Generalised Dice overlap as a deep learning loss function for highly unbalanced segmentations (2017).
    https://arxiv.org/abs/1707.03237

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p = np.asarray([[[0.5, 0.5], [1.0, 0.0], [1.0, 0.0]]])
    >>> round(float(al.generalized_dice(p, np.asarray([[1, 0, 0]]), from_logits=False, smooth=0.0)), 6)  # v = (1/4, 1)
    0.238095
    """

    # With errors E = Σ w v (FP + FN) and hits H = 2 Σ w v TP + smooth it is E / (H + E).
    def _of_classes(self, counts: Counts) -> Array:
        _, errors, hits = self._terms(counts)
        return quotient(errors, hits + errors)

    def _slopes_of_classes(self, counts: Counts) -> Slopes:
        weight, errors, hits = self._terms(counts)
        by_hit, by_error = [x[..., None] for x in share_slopes(hits, errors)]
        return weight * (2.0 * by_hit - by_error), weight * by_error

    def _terms(self, counts: Counts) -> tuple[Array, Array, Array]:
        """w v, E and H."""
        xp = array_namespace(counts.weight, counts.true_positive)
        size = counts.positive
        absent = size == 0
        smallest = -reductions.reduce_max(special.where(absent, float("-inf"), -size), -1)
        share = special.where(absent, 1.0, smallest) / special.where(absent, 1.0, size)
        weight = counts.weight * share * share
        errors = xp.sum(weight * (counts.false_positive + counts.false_negative), axis=-1)
        return weight, errors, 2.0 * xp.sum(weight * counts.true_positive, axis=-1) + self.smooth


@register
@dataclass(frozen=True, kw_only=True)
class Mcc(OverlapLoss):
    r"""One minus the Matthews correlation coefficient, for which places outside of a region count as those inside.

    .. math:: l = 1 - \frac{1}{\sum_c w_c} \sum_c w_c \frac{\mathrm{TP}_c \, \mathrm{TN}_c - \mathrm{FP}_c \,
        \mathrm{FN}_c}{D_c};
        \quad D_c^2 = (\mathrm{TP}_c + \mathrm{FP}_c) (\mathrm{TP}_c + \mathrm{FN}_c) (\mathrm{TN}_c + \mathrm{FP}_c)
        (\mathrm{TN}_c + \mathrm{FN}_c), \; \mathrm{TP}_c = \sum p_c t_c, \; \mathrm{FP}_c = \sum p_c (1 - t_c), \;
        \mathrm{FN}_c = \sum (1 - p_c) t_c, \; \mathrm{TN}_c = \sum (1 - p_c) (1 - t_c)

    Parameters
    ----------
    mode : {"multiclass", "multilabel", "binary"}, default "multiclass"
        Whether the classes exclude each other, so that probabilities are the softmax of the logits; or may overlap, so
        that each is a sigmoid; or there is one class, the foreground, and no class axis.
    per_image : bool, default True
        Whether the sums are those of each image; otherwise they are those of the batch, which is one item.
    class_weight : sequence or array of shape (C,), optional
        One number a class: the mean over the classes is divided by their sum.
    include_background : bool, default True
        Whether class 0 counts.
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise probabilities.
    axis : int, default -1
        The class axis. Images lie along the first of the other axes.
    ignore_index : int, optional
        An integer label whose places are left out. It may lie outside [0, C). With mode "binary", of a floating
        target too.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (N, ..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. With mode
        "binary", of shape (N, ...).
    labels : array, shape (N, ...) or (N, ..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class. With mode "binary", 0 or 1, booleans, or probabilities of the
        foreground, of the shape of `logits`.

    See Also
    --------
    dice : Without the background.
    binary_cross_entropy : For places that count alike.

    Notes
    -----
    The coefficient has no value for a class that is nowhere in an image, or everywhere: such a class costs nothing, as
    in segmentation-models-pytorch. Where the prediction alone is constant, it counts as 0.

    It is the mean of the coefficients of each class against all others, and not that of a table of all classes, which
    scikit-learn's `matthews_corrcoef` has.

    `where` has the shape of the labels without a class axis, and leaves out places. An image without any is left out
    itself. `weight` has one number an image.

    References
    ----------
    Abhishek and Hamarneh, Matthews correlation coefficient loss for deep convolutional networks: application to skin
    lesion segmentation (2021). https://arxiv.org/abs/2010.13454

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p, mask = np.asarray([[1.0, 1.0, 0.0, 0.0]]), np.asarray([[1, 0, 0, 0]])
    >>> round(float(al.mcc(p, mask, mode="binary", from_logits=False)), 6)
    0.42265
    """

    # 1 - (TP TN - FP FN) / sqrt((TP + FP) (TN + FN) P N), with two roots, whose product is in range
    def _of_counts(self, counts: Counts) -> Array:
        correlation, *_ = self._terms(counts)
        return special.where(counts.positive * counts.negative == 0, 0.0, 1.0 - correlation)

    # By its root, TP + FP and TN + FN change the correlation by -1/2 of it over themselves. It is about as small as
    # their roots, so that the quotient is in range where the reciprocal of a subnormal number is not.
    def _slopes(self, counts: Counts) -> Slopes:
        correlation, scale, predicted, rest = self._terms(counts)
        constant = predicted * rest == 0
        half = correlation / 2.0
        by_root = half / special.where(constant, 1.0, predicted) - half / special.where(constant, 1.0, rest)
        none = counts.positive * counts.negative == 0
        at_true, at_false = by_root - counts.negative / scale, by_root + counts.positive / scale
        return special.where(none, 0.0, at_true), special.where(none, 0.0, at_false)

    @staticmethod
    def _terms(counts: Counts) -> tuple[Array, Array, Array, Array]:
        """The correlation, its divisor, and how many places are predicted, and are not."""
        xp = array_namespace(counts.true_positive, counts.positive)
        tp, fp, fn, tn = counts.true_positive, counts.false_positive, counts.false_negative, counts.true_negative
        predicted, true = (tp + fp) * (tn + fn), counts.positive * counts.negative
        constant = xp.logical_or(predicted == 0, true == 0)
        scale = xp.sqrt(special.where(constant, 1.0, predicted)) * xp.sqrt(special.where(constant, 1.0, true))
        return (tp * tn - fp * fn) / scale, scale, tp + fp, tn + fn
