"""Losses of the overlap of two regions, over the places of an image or of a batch of them.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.segmentation import Dice, GeneralizedDice, Jaccard, Mcc, Tversky
from ..reduction import Reduction

__all__ = ["dice", "generalized_dice", "jaccard", "mcc", "tversky"]


@function_form(Dice)
def dice(
    logits: Array,
    labels: Array,
    *,
    mode: str = "multiclass",
    per_image: bool = True,
    smooth: Real | Sequence[float] = 1.0,
    class_weight: Any = None,
    include_background: bool = True,
    from_logits: bool = True,
    axis: int = -1,
    ignore_index: int | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""One minus the Dice coefficient, the overlap of two regions by their sizes: for classes that fill few places.

    .. math:: l = 1 - \frac{1}{\sum_c w_c} \sum_c w_c \frac{2 \sum p_c t_c + \mathrm{smooth}}{\sum p_c + \sum t_c +
        \mathrm{smooth}};
        \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    logits : array, shape (N, ..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. With mode
        "binary", of shape (N, ...).
    labels : array, shape (N, ...) or (N, ..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class. With mode "binary", 0 or 1, booleans, or probabilities of the
        foreground, of the shape of `logits`.
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
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (N, ...), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or (N,) for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return Dice.made(
        mode=mode,
        per_image=per_image,
        smooth=smooth,
        class_weight=class_weight,
        include_background=include_background,
        from_logits=from_logits,
        axis=axis,
        ignore_index=ignore_index,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(GeneralizedDice)
def generalized_dice(
    logits: Array,
    labels: Array,
    *,
    mode: str = "multiclass",
    per_image: bool = True,
    smooth: Real | Sequence[float] = 1.0,
    class_weight: Any = None,
    include_background: bool = True,
    from_logits: bool = True,
    axis: int = -1,
    ignore_index: int | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""The Dice loss of all classes at once, small ones weighted up: for classes of very different sizes.

    .. math:: l = 1 - \frac{2 \sum_c w_c v_c \sum p_c t_c + \mathrm{smooth}}{\sum_c w_c v_c (\sum p_c + \sum t_c) +
        \mathrm{smooth}};
        \quad v_c = (\frac{\min_k \sum t_k}{\sum t_c})^2

    Parameters
    ----------
    logits : array, shape (N, ..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. With mode
        "binary", of shape (N, ...).
    labels : array, shape (N, ...) or (N, ..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class. With mode "binary", 0 or 1, booleans, or probabilities of the
        foreground, of the shape of `logits`.
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
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (N, ...), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or (N,) for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return GeneralizedDice.made(
        mode=mode,
        per_image=per_image,
        smooth=smooth,
        class_weight=class_weight,
        include_background=include_background,
        from_logits=from_logits,
        axis=axis,
        ignore_index=ignore_index,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(Jaccard)
def jaccard(
    logits: Array,
    labels: Array,
    *,
    mode: str = "multiclass",
    per_image: bool = True,
    smooth: Real | Sequence[float] = 1.0,
    class_weight: Any = None,
    include_background: bool = True,
    from_logits: bool = True,
    axis: int = -1,
    ignore_index: int | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""One minus the Jaccard index, intersection over union of two regions (soft IoU): how segmentations are ranked.

    .. math:: l = 1 - \frac{1}{\sum_c w_c} \sum_c w_c \frac{I_c + \mathrm{smooth}}{\sum p_c + \sum t_c - I_c +
        \mathrm{smooth}};
        \quad I_c = \sum p_c t_c, \; p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    logits : array, shape (N, ..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. With mode
        "binary", of shape (N, ...).
    labels : array, shape (N, ...) or (N, ..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class. With mode "binary", 0 or 1, booleans, or probabilities of the
        foreground, of the shape of `logits`.
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
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (N, ...), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or (N,) for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return Jaccard.made(
        mode=mode,
        per_image=per_image,
        smooth=smooth,
        class_weight=class_weight,
        include_background=include_background,
        from_logits=from_logits,
        axis=axis,
        ignore_index=ignore_index,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(Mcc)
def mcc(
    logits: Array,
    labels: Array,
    *,
    mode: str = "multiclass",
    per_image: bool = True,
    class_weight: Any = None,
    include_background: bool = True,
    from_logits: bool = True,
    axis: int = -1,
    ignore_index: int | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""One minus the Matthews correlation coefficient, for which places outside of a region count as those inside.

    .. math:: l = 1 - \frac{1}{\sum_c w_c} \sum_c w_c \frac{\mathrm{TP}_c \, \mathrm{TN}_c - \mathrm{FP}_c \,
        \mathrm{FN}_c}{D_c};
        \quad D_c^2 = (\mathrm{TP}_c + \mathrm{FP}_c) (\mathrm{TP}_c + \mathrm{FN}_c) (\mathrm{TN}_c + \mathrm{FP}_c)
        (\mathrm{TN}_c + \mathrm{FN}_c), \; \mathrm{TP}_c = \sum p_c t_c, \; \mathrm{FP}_c = \sum p_c (1 - t_c), \;
        \mathrm{FN}_c = \sum (1 - p_c) t_c, \; \mathrm{TN}_c = \sum (1 - p_c) (1 - t_c)

    Parameters
    ----------
    logits : array, shape (N, ..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. With mode
        "binary", of shape (N, ...).
    labels : array, shape (N, ...) or (N, ..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class. With mode "binary", 0 or 1, booleans, or probabilities of the
        foreground, of the shape of `logits`.
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
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (N, ...), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or (N,) for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return Mcc.made(
        mode=mode,
        per_image=per_image,
        class_weight=class_weight,
        include_background=include_background,
        from_logits=from_logits,
        axis=axis,
        ignore_index=ignore_index,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)


@function_form(Tversky)
def tversky(
    logits: Array,
    labels: Array,
    *,
    alpha: Real | Sequence[float] = 0.5,
    beta: Real | Sequence[float] = 0.5,
    gamma: Real | Sequence[float] = 1.0,
    mode: str = "multiclass",
    per_image: bool = True,
    smooth: Real | Sequence[float] = 1.0,
    class_weight: Any = None,
    include_background: bool = True,
    from_logits: bool = True,
    axis: int = -1,
    ignore_index: int | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""The Dice loss with weights of both kinds of error: for regions that must not be missed, or not be overdrawn.

    .. math:: l = \frac{1}{\sum_c w_c} \sum_c w_c (1 - \frac{\mathrm{TP}_c + \mathrm{smooth}}{\mathrm{TP}_c + \alpha \,
        \mathrm{FP}_c + \beta \, \mathrm{FN}_c + \mathrm{smooth}})^{\gamma};
        \quad \mathrm{TP}_c = \sum p_c t_c, \; \mathrm{FP}_c = \sum p_c (1 - t_c), \; \mathrm{FN}_c = \sum (1 - p_c) t_c

    Parameters
    ----------
    logits : array, shape (N, ..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. With mode
        "binary", of shape (N, ...).
    labels : array, shape (N, ...) or (N, ..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class. With mode "binary", 0 or 1, booleans, or probabilities of the
        foreground, of the shape of `logits`.
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
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (N, ...), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or (N,) for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return Tversky.made(
        alpha=alpha,
        beta=beta,
        gamma=gamma,
        mode=mode,
        per_image=per_image,
        smooth=smooth,
        class_weight=class_weight,
        include_background=include_background,
        from_logits=from_logits,
        axis=axis,
        ignore_index=ignore_index,
        reduction=reduction,
    )(logits, labels, weight=weight, where=where)
