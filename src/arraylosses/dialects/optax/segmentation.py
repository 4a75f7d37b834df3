"""Losses of the overlap of two regions, as Optax has them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..._array_api import Array, array_namespace, is_array
from ...arguments import (
    require_choice,
    require_finite,
    require_nonnegative,
    require_one_of_type,
    require_per_class,
)
from ...losses._base import PureLoss, per_class
from ...losses._regions import overlap_loss
from ...numerics import logistic, softmax
from ...registry import register
from .._common import speaks
from ._arguments import axes_of, in_dtype_of, together

__all__ = ["binary_dice_loss", "dice_loss", "multiclass_generalized_dice_loss"]


@dataclass(frozen=True, kw_only=True)
class _Overlap(PureLoss):
    """The loss of each class of each image, with the classes last: a sigmoid of one class, a softmax of several."""

    smooth: float = 1.0
    apply_softmax: bool = True
    ignore_background: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(smooth=self.smooth)
        require_finite(smooth=self.smooth)
        require_one_of_type(bool, apply_softmax=self.apply_softmax, ignore_background=self.ignore_background)

    def _of_classes(self, predictions: Array, targets: Array, alpha: Any = 0.5, beta: Any = 0.5) -> Array:
        xp = array_namespace(predictions, targets)
        p, q = self._probabilities(predictions)
        places = tuple(range(1, p.ndim - 1))
        products = p * targets, p * (1.0 - targets), q * targets
        true_positive, false_positive, false_negative = [xp.sum(x, axis=places) if places else x for x in products]
        return overlap_loss(true_positive, false_positive, false_negative, alpha, beta, self.smooth)

    def _probabilities(self, predictions: Array) -> tuple[Array, Array]:
        """p and 1 - p."""
        if not self.apply_softmax:
            return predictions, 1.0 - predictions
        if predictions.shape[-1] == 1:
            return logistic.sigmoid_and_complement(predictions)
        return softmax.nll_and_probabilities(predictions, -1)[1:]

    def _foreground(self, losses: Array) -> Array:
        return losses[..., 1:] if self.ignore_background and losses.shape[-1] > 1 else losses


@register
@dataclass(frozen=True, kw_only=True)
class DiceLoss(_Overlap):
    r"""The Dice loss as Optax has it: one minus the Tversky index of each class, and the mean or the sum of these.

    .. math:: l_c = w_c (1 - \frac{\mathrm{TP}_c + \mathrm{smooth}}{\mathrm{TP}_c + \alpha \, \mathrm{FP}_c + \beta \,
        \mathrm{FN}_c + \mathrm{smooth}});
        \quad \mathrm{TP}_c = \sum p_c t_c, \; \mathrm{FP}_c = \sum p_c (1 - t_c), \; \mathrm{FN}_c = \sum (1 - p_c) t_c

    Parameters
    ----------
    alpha, beta : float, default 0.5
        Weight of false positives and of false negatives; at least 0.
    class_weights : sequence or array of shape (C,), optional
        One number a class, by which its loss is multiplied; the mean is divided by the number of classes.
    over_classes : {"mean", "sum", "none"}, default "mean"
        How the losses of the classes become that of an image.
    smooth : float, default 1.0
        What is added to the numerator and to the denominator, at least 0.
    apply_softmax : bool, default True
        Whether `predictions` holds logits; otherwise probabilities.
    ignore_background : bool, default False
        Whether class 0 is left out, where there are others.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the losses of the images become the result: see `Loss`.

    Arrays
    ------
    predictions : array, shape (N, ..., C)
        Floating, with the classes last.
    targets : array, shape (N, ..., C)
        A probability for each class.

    Notes
    -----
    At the defaults it is `arraylosses.dice` with twice its `smooth`.

    References
    ----------
    Optax, dice_loss. https://optax.readthedocs.io/en/latest/api/losses.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p, t = np.asarray([[[1.0, 0.0], [0.0, 1.0]]]), np.asarray([[[1.0, 0.0], [1.0, 0.0]]])
    >>> round(float(al.get("optax.dice_loss", apply_softmax=False)(p, t)), 6)
    0.266667
    """

    class_settings: ClassVar[tuple[str, ...]] = ("class_weights",)

    arrays = (
        "predictions[N, ..., C]: real if apply_softmax else probability, targets[N, ..., C]: probability "
        "-> ([N, C] coupled) if over_classes is none else [N]"
    )

    alpha: float = 0.5
    beta: float = 0.5
    class_weights: Any = None
    over_classes: str = "mean"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(alpha=self.alpha, beta=self.beta)
        require_finite(alpha=self.alpha, beta=self.beta)
        require_choice(("mean", "sum", "none"), over_classes=self.over_classes)
        if self.class_weights is not None:
            require_per_class(class_weights=self.class_weights)

    # One softmax couples the classes of an image. Those that `where` leaves out of the result stay in it, as constants.
    def call(self, predictions: Array, targets: Array, where: Array | None = None) -> Array:
        losses = self._of_classes(predictions, targets, self.alpha, self.beta)
        if self.class_weights is not None:
            losses = losses * per_class("class_weights", self.class_weights, predictions, -1)
        if self.over_classes == "none":
            return losses
        xp, losses = array_namespace(losses), self._foreground(losses)
        return xp.mean(losses, axis=-1) if self.over_classes == "mean" else xp.sum(losses, axis=-1)


@register
@dataclass(frozen=True, kw_only=True)
class MulticlassGeneralizedDiceLoss(_Overlap):
    r"""The mean of all classes' Dice losses of all images, each weighted by how rare the class is in the batch.

    .. math:: l = \frac{1}{N} \sum_n \sum_c v_c \, l_{\mathrm{nc}};
        \quad v_c = \frac{((\sum t_c)^2 + 10^{-7})^{-1}}{\sum_k ((\sum t_k)^2 + 10^{-7})^{-1}}

    Parameters
    ----------
    smooth : float, default 1.0
        What is added to the numerator and to the denominator of the overlap, at least 0.
    apply_softmax : bool, default True
        Whether `predictions` holds logits; otherwise probabilities.
    ignore_background : bool, default False
        Whether class 0 is left out of the mean.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        Without effect: the batch is one item.

    Arrays
    ------
    predictions : array, shape (N, ..., C)
        Floating, with the classes last.
    targets : array, shape (N, ..., C)
        A probability for each class.

    Notes
    -----
    A class that is nowhere in the batch takes nearly all of the weight. `arraylosses.generalized_dice` is the loss of
    the paper that is known by this name.

    References
    ----------
    Optax, multiclass_generalized_dice_loss. https://optax.readthedocs.io/en/latest/api/losses.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p, t = np.asarray([[[1.0, 0.0], [0.0, 1.0]]]), np.asarray([[[1.0, 0.0], [0.5, 0.5]]])
    >>> round(float(al.get("multiclass_generalized_dice_loss", apply_softmax=False)(p, t)), 6)
    0.139683
    """

    arrays = "predictions[N, ..., C]: real if apply_softmax else probability, targets[N, ..., C]: probability -> []"

    def call(self, predictions: Array, targets: Array) -> Array:
        xp = array_namespace(predictions, targets)
        frequency = xp.sum(targets, axis=tuple(range(targets.ndim - 1)))
        weight = 1.0 / (frequency * frequency + 1e-7)
        losses = self._of_classes(predictions, targets) * (weight / xp.mean(weight))
        return xp.mean(self._foreground(losses))


def _with_channels(predictions: Array, targets: Array) -> tuple[Array, Array]:
    """The arrays of one library, with a class axis of length 1 where only one of them has it."""
    predictions, targets = together(predictions, targets)
    if is_array(predictions) and is_array(targets):
        if predictions.ndim == targets.ndim - 1:
            predictions = predictions[..., None]
        elif targets.ndim == predictions.ndim - 1:
            targets = targets[..., None]
    return predictions, targets


@speaks(DiceLoss)
def dice_loss(
    predictions: Array,
    targets: Array,
    *,
    class_weights: Any = None,
    smooth: Any = 1.0,
    alpha: Any = 0.5,
    beta: Any = 0.5,
    apply_softmax: bool = True,
    reduction: str = "mean",
    ignore_background: bool = False,
    axis: int | Sequence[int] | None = None,
) -> Array:
    r"""One minus the overlap of two regions by their sizes, with weights of both kinds of error.

    .. math:: l_c = w_c (1 - \frac{\mathrm{TP}_c + \mathrm{smooth}}{\mathrm{TP}_c + \alpha \, \mathrm{FP}_c + \beta \,
        \mathrm{FN}_c + \mathrm{smooth}});
        \quad \mathrm{TP}_c = \sum p_c t_c, \; \mathrm{FP}_c = \sum p_c (1 - t_c), \; \mathrm{FN}_c = \sum (1 - p_c) t_c

    Parameters
    ----------
    predictions : array, shape (N, ..., C)
        Floating, with the classes last: logits, or with ``apply_softmax=False`` probabilities. One class may go without
        an axis where the other array has it.
    targets : array, shape (N, ..., C)
        A probability for each class.
    class_weights : sequence or array of shape (C,), optional
        One number a class, by which its loss is multiplied; the mean is divided by the number of classes.
    smooth : float or array, default 1.0
        What is added to the numerator and to the denominator; at least 0.
    alpha, beta : float or array, default 0.5
        Weight of false positives and of false negatives; at least 0.
    apply_softmax : bool, default True
        Whether probabilities are the softmax of `predictions`; of one class, the sigmoid.
    reduction : {"mean", "sum", "none"}, default "mean"
        How the losses of the classes become that of an image.
    ignore_background : bool, default False
        Whether class 0 is left out, where there are others.
    axis : int or sequence of int, optional
        The axes that are summed along; all but the first and the last where it is not given.

    Returns
    -------
    array, shape (N,) or (N, C)
        One loss an image; with ``reduction="none"`` one for each class of each image. Of the dtype of the arrays.

    Raises
    ------
    TypeError, ValueError
        For arrays and settings that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.dice, arraylosses.tversky

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> p, t = np.asarray([[[1.0, 0.0], [0.0, 1.0]]]), np.asarray([[[1.0, 0.0], [1.0, 0.0]]])
    >>> optax.dice_loss(p, t, apply_softmax=False, reduction="none").round(4).tolist()
    [[0.2, 0.3333]]
    """
    require_choice(("mean", "sum", "none"), reduction=reduction)
    predictions, targets = given = _with_channels(predictions, targets)
    shape: tuple[int, ...] | None = None
    if axis is not None or getattr(predictions, "ndim", 2) == 1:
        predictions, targets, shape = _summed_along(predictions, targets, axis)
    loss = DiceLoss.made(
        smooth=smooth, alpha=alpha, beta=beta, apply_softmax=apply_softmax, class_weights=class_weights,
        ignore_background=ignore_background, over_classes=reduction, reduction="none",
    )  # fmt: skip
    found = in_dtype_of(loss(predictions, targets), *given)
    if shape is not None:
        found = array_namespace(found).reshape(found, (*shape, *found.shape[1:]))
    return loss._foreground(found) if reduction == "none" else found


def _summed_along(
    predictions: Array, targets: Array, axis: int | Sequence[int] | None
) -> tuple[Array, Array, tuple[int, ...]]:
    """The arrays as (images, places, C), whose places are those along `axis`; and the axes of the images."""
    ndim = predictions.ndim
    axes = () if axis is None else axes_of(axis, ndim)
    if ndim - 1 in axes:
        raise ValueError(f"`axis` must leave the class axis {ndim - 1}, got {axis}")
    if predictions.shape != targets.shape:
        shapes = tuple(predictions.shape), tuple(targets.shape)
        raise ValueError(f"`predictions` and `targets` must have one shape, got {shapes[0]} and {shapes[1]}")
    kept = tuple([k for k in range(ndim - 1) if k not in axes])
    images = tuple([predictions.shape[k] for k in kept])
    flat = math.prod(images), math.prod([predictions.shape[k] for k in axes]), predictions.shape[-1]

    def laid_out(x: Array) -> Array:
        xp = array_namespace(x)
        return xp.reshape(xp.permute_dims(x, (*kept, *axes, ndim - 1)), flat)

    return laid_out(predictions), laid_out(targets), images


@speaks(MulticlassGeneralizedDiceLoss)
def multiclass_generalized_dice_loss(
    predictions: Array,
    targets: Array,
    *,
    smooth: Any = 1.0,
    apply_softmax: bool = True,
    ignore_background: bool = False,
) -> Array:
    r"""Mean of all classes' Dice losses of all images, each weighted by how rare the class is in the batch.

    .. math:: \frac{1}{N} \sum_n \sum_c v_c \, l_{\mathrm{nc}};
        \quad v_c = \frac{((\sum t_c)^2 + 10^{-7})^{-1}}{\sum_k ((\sum t_k)^2 + 10^{-7})^{-1}}

    with the losses l of `dice_loss`.

    Parameters
    ----------
    predictions : array, shape (N, ..., C)
        Floating, with the classes last: logits, or with ``apply_softmax=False`` probabilities.
    targets : array, shape (N, ..., C)
        A probability for each class.
    smooth : float or array, default 1.0
        What is added to the numerator and to the denominator; at least 0.
    apply_softmax : bool, default True
        Whether probabilities are the softmax of `predictions`; of one class, the sigmoid.
    ignore_background : bool, default False
        Whether class 0 is left out of the mean, where there are others.

    Returns
    -------
    array, shape ()
        Of the dtype of the arrays.

    Raises
    ------
    TypeError, ValueError
        For arrays and settings that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.generalized_dice

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> p, t = np.asarray([[[1.0, 0.0], [0.0, 1.0]]]), np.asarray([[[1.0, 0.0], [0.5, 0.5]]])
    >>> round(float(optax.multiclass_generalized_dice_loss(p, t, apply_softmax=False)), 6)
    0.139683
    """
    given = together(predictions, targets)
    loss = MulticlassGeneralizedDiceLoss.made(
        smooth=smooth, apply_softmax=apply_softmax, ignore_background=ignore_background
    )
    return in_dtype_of(loss(*given), *given)


@speaks(DiceLoss)
def binary_dice_loss(predictions: Array, targets: Array, *, smooth: Any = 1.0, apply_sigmoid: bool = True) -> Array:
    r"""One minus the overlap of the foreground's region with that of the target.

    .. math:: l = 1 - \frac{\mathrm{TP} + \mathrm{smooth}}{\frac{1}{2} (\sum p + \sum t) + \mathrm{smooth}};
        \quad \mathrm{TP} = \sum p \, t

    Parameters
    ----------
    predictions : array, shape (N, ...) or (N, ..., 1)
        Floating: logits, or with ``apply_sigmoid=False`` probabilities.
    targets : array, shape (N, ...) or (N, ..., 1)
        0 or 1, or a probability.
    smooth : float or array, default 1.0
        What is added to the numerator and to the denominator; at least 0.
    apply_sigmoid : bool, default True
        Whether probabilities are the sigmoid of `predictions`.

    Returns
    -------
    array, shape (N,)
        One loss an image, of the dtype of the arrays.

    Raises
    ------
    TypeError, ValueError
        For arrays and settings that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.dice

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> optax.binary_dice_loss(np.asarray([[0.5, 0.5, 0.0]]), np.asarray([[1, 0, 0]]), apply_sigmoid=False).tolist()
    [0.25]
    """
    predictions, targets = together(predictions, targets)
    of_equal = is_array(predictions) and is_array(targets) and predictions.ndim == targets.ndim
    if of_equal and predictions.shape[-1] != 1:
        predictions, targets = predictions[..., None], targets[..., None]
    return dice_loss(predictions, targets, smooth=smooth, apply_softmax=apply_sigmoid)
