"""Losses of classes and distributions, of which `torch.nn` has the classes on axis 1."""

from __future__ import annotations

import math
from dataclasses import InitVar, dataclass, replace
from typing import Any, ClassVar, TypeAlias

from ... import special
from ..._array_api import Array, array_namespace, as_index, dtype_kind, dtype_name, holds_values
from ..._values import least_and_most
from ...arguments import spelled
from ...arguments.places import FLOATING
from ...losses._base import along
from ...losses.binary import BinaryCrossEntropy
from ...losses.divergence import KlDivergence
from ...losses.linear import LinearCrossEntropy
from ...losses.multiclass import CrossEntropy, Nll
from .._common import one_program, speaks
from ._calls import (
    REDUCTIONS,
    at_labels,
    broadcast,
    chosen,
    in_dtype_of,
    library,
    like,
    of_classes,
    over_sum,
    run,
    warn,
)
from ._criterion import Criterion
from .losses import CheckedBinaryCrossEntropy, ElementKl

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "KLDivLoss",
    "NLLLoss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "kl_div",
    "nll_loss",
]


@speaks(CrossEntropy, class_weight="weight")
def cross_entropy(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Array:
    r"""Cross entropy of logits: `cross_entropy`, with the classes on axis 1.

    .. math:: l = -\sum_c \mathrm{weight}_c \, \mathrm{target}_c \log p_c; \quad p = \mathrm{softmax}(\mathrm{input})

    Parameters
    ----------
    input : array, shape (C), (N, C) or (N, C, ...)
        Floating logits.
    target : array, shape (), (N) or (N, ...)
        Integer labels in [0, C); or a floating target of the shape of `input`, a probability for each class.
    weight : array, shape (C), optional
        One number a class.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    ignore_index : int, default -100
        A label whose items are left out. It may lie outside [0, C).
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean of labels is Σ l / Σ w, over the items that are kept, with the weight of the label's class for w, and
        NaN if none is kept. That of probabilities is over the number of items, whatever the weights.
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is spread evenly over all classes, and weighted like these.

    Returns
    -------
    array
        Of shape (), or for "none" of that of `input` without axis 1; in the dtype of `input`.

    Raises
    ------
    ValueError
        If the shapes do not fit, a label is no class, there is no such reduction, or `ignore_index` is a class where
        the target holds probabilities.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> logits = np.asarray([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    >>> F.cross_entropy(logits, np.asarray([0, -100]), reduction="none").round(4).tolist()
    [0.2395, 0.0]
    """
    wanted = chosen(reduction, size_average, reduce)
    library(input=input, target=target)
    weight = like(weight, input)
    if dtype_kind(target.dtype) != "int":
        if ignore_index is not None and ignore_index >= 0:
            raise ValueError(f"`ignore_index` must be below 0 where `target` holds probabilities, got {ignore_index}")
        if weight is not None and dtype_kind(target.dtype) in FLOATING and tuple(target.shape) == tuple(input.shape):
            target = _weighted_target(input, target, weight, label_smoothing=label_smoothing)
            label_smoothing = 0.0
        return run(CrossEntropy.made(axis=1, label_smoothing=label_smoothing, reduction=wanted), input, target)
    _require_labels(input, target)
    if weight is not None and label_smoothing:
        value = _smoothed(
            input, target, weight, ignore_index=ignore_index, label_smoothing=label_smoothing, reduction=wanted
        )
        return in_dtype_of(value, input)
    return of_labels(
        CrossEntropy,
        input,
        target,
        labels=target,
        classes=_classes(input),
        weight=weight,
        ignore_index=ignore_index,
        reduction=wanted,
        axis=1,
        label_smoothing=label_smoothing,
    )


@speaks(Nll, class_weight="weight")
def nll_loss(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    r"""Negative log-likelihood of labels, from log-probabilities: `nll`, with the classes on axis 1.

    .. math:: l = -\mathrm{weight}_{\mathrm{target}} \, \mathrm{input}_{\mathrm{target}}

    Parameters
    ----------
    input : array, shape (C), (N, C) or (N, C, ...)
        Floating log-probabilities.
    target : array, shape (), (N) or (N, ...)
        Integer labels in [0, C).
    weight : array, shape (C), optional
        One number a class.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    ignore_index : int, default -100
        A label whose items are left out. It may lie outside [0, C).
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is Σ l / Σ w, over the items that are kept, with the weight of the label's class for w; NaN if none is
        kept.

    Returns
    -------
    array
        Of shape (), or for "none" of that of `target`; in the dtype of `input`.

    Raises
    ------
    TypeError
        If `target` does not hold integers.
    ValueError
        If the shapes do not fit, a label is no class, or there is no such reduction.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.nll_loss.html

    Examples
    --------
    A batch of two rows of three classes, one row alone, and what is said where the batch is taken for the classes:

    >>> import numpy as np
    >>> from arraylosses import special
    >>> from arraylosses.dialects import torch as F
    >>> logits = np.asarray([[2.0, 0.0, 0.0], [0.0, 0.0, 3.0]])
    >>> log_probabilities = special.log_softmax(logits, axis=1)
    >>> round(float(F.nll_loss(log_probabilities, np.asarray([0, 2]))), 6)
    0.167234
    >>> round(float(F.nll_loss(log_probabilities[0], np.asarray(0))), 6)
    0.239545
    >>> F.nll_loss(log_probabilities.T, np.asarray([0, 2]))
    Traceback (most recent call last):
    ...
    ValueError: `target` must have shape (3,), that of `input` (3, 2) without the classes on axis 1, got (2,); it would
    fit if the classes were on axis 0, so move them, as in np.moveaxis(input, 0, 1)
    """
    wanted = chosen(reduction, size_average, reduce)
    library(input=input, target=target)
    _require_labels(input, target)
    return of_labels(
        Nll,
        input,
        target,
        labels=target,
        classes=_classes(input),
        weight=like(weight, input),
        ignore_index=ignore_index,
        reduction=wanted,
        axis=1,
    )


def _require_labels(input: Array, target: Array) -> None:
    """Refuse what are no labels of the items, and say where the batch was taken for the classes."""
    if dtype_kind(target.dtype) != "int":
        raise TypeError(f"`target` must hold integer labels, got {dtype_name(target.dtype)}")
    shape, given = tuple(input.shape), tuple(target.shape)
    wanted = (*shape[:1], *shape[2:]) if len(shape) > 1 else ()
    if given == wanted:
        return
    hint = ""
    if len(shape) > 1 and given == shape[1:]:
        moved = f"{spelled(array_namespace(input))}.moveaxis(input, 0, 1)"
        hint = f"; it would fit if the classes were on axis 0, so move them, as in {moved}"
    raise ValueError(
        f"`target` must have shape {wanted}, that of `input` {shape} without the classes on axis 1, got {given}{hint}"
    )


def _classes(input: Array) -> int:
    """Return the number of classes, on axis 1 or on the only one."""
    shape = input.shape
    return int(shape[1] if len(shape) > 1 else math.prod(shape))


LossOfLabels: TypeAlias = CrossEntropy | Nll | LinearCrossEntropy


def of_labels(
    loss: type[LossOfLabels],
    *arrays: Array,
    labels: Array,
    classes: int,
    weight: Array | None,
    ignore_index: int,
    reduction: Any,
    **settings: Any,
) -> Array:
    """Compute a loss of labels, whose mean is Σ w l / Σ w with the weights of their classes, and NaN of none."""
    if weight is not None and reduction == "mean" and _weighs_likewise(of_classes(weight, classes), arrays[0]):
        value = loss(**settings, ignore_index=ignore_index, class_weight=weight)(*arrays)
        if value:  # 0 may be that of no label
            return in_dtype_of(value, *arrays)
    made = loss.made(**settings, ignore_index=ignore_index, reduction=reduction)
    if weight is not None or (reduction == "mean" and not holds_values(*arrays)):
        value = _of_kept(of_classes(weight, classes), *arrays, loss=made)
    else:
        value = made(*arrays)
        # A mean that is not 0 is one of some labels.
        if reduction == "mean" and not value and not _keeps_some(labels, ignore_index):
            value = value + math.nan
    return in_dtype_of(value, *arrays)


def _weighs_likewise(weight: Any, input: Array) -> bool:
    """Whether a mean with weights of classes is that of `class_weight`: none is below 0, or to have a gradient."""
    if not holds_values(input, weight) or weight.dtype != input.dtype or getattr(weight, "requires_grad", False):
        return False
    return 0 not in weight.shape and least_and_most(weight)[0] >= 0.0


def _keeps_some(labels: Array, ignore_index: int) -> bool:
    return 0 not in labels.shape and bool(array_namespace(labels).any(labels != ignore_index))


@one_program
def _of_kept(weight: Array | None, *arrays: Array, loss: LossOfLabels) -> Array:
    labels = arrays[loss.array_names.index("labels")]
    xp = array_namespace(labels, weight)
    of_items = None if weight is None else at_labels(weight, labels)
    if loss.reduction != "mean":
        return loss(*arrays, weight=of_items)
    total = replace(loss, reduction="sum")(*arrays, weight=of_items)
    kept = as_index(xp, labels) != loss.ignore_index
    return over_sum(total, xp.astype(kept, total.dtype) if of_items is None else special.where(kept, of_items, 0.0))


def _weighted_target(input: Array, target: Array, weight: Array, *, label_smoothing: float) -> Array:
    weights = _along_classes(input, weight)
    return special.smooth_labels(target, label_smoothing, axis=_class_axis(input)) * weights


def _along_classes(input: Array, weight: Array) -> Array:
    of_classes(weight, _classes(input))
    return along(weight, input, _class_axis(input))


def _class_axis(input: Array) -> int:
    return 0 if input.ndim == 1 else 1


# ((1 - s) w_y (-log p_y) + s / C Σ_c w_c (-log p_c)) / Σ w_y
@one_program
def _smoothed(
    input: Array,
    target: Array,
    weight: Array,
    *,
    ignore_index: int,
    label_smoothing: float,
    reduction: str,
) -> Array:
    xp = library(input=input, target=target, weight=weight)
    kept = as_index(xp, target) != ignore_index
    of_items = at_labels(of_classes(weight, _classes(input)), target)
    nll = CrossEntropy.made(axis=1, ignore_index=ignore_index, reduction="none")(input, target, weight=of_items)
    share = xp.broadcast_to(_along_classes(input, weight) / _classes(input), input.shape)
    of_all = CrossEntropy.made(axis=1, reduction="none")(input, share, where=kept)
    items = (1.0 - label_smoothing) * nll + label_smoothing * of_all
    if reduction == "none":
        return items
    total = xp.sum(items)
    return total if reduction == "sum" else over_sum(total, special.where(kept, of_items, 0.0))


@speaks(CheckedBinaryCrossEntropy)
def binary_cross_entropy(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    r"""Binary cross entropy of probabilities, whose logarithms count as at least -100: `BCELoss`.

    .. math:: l = -\mathrm{target} \max(\log \mathrm{input}, -100) - (1 - \mathrm{target}) \max(\log(1 -
        \mathrm{input}), -100)

    Parameters
    ----------
    input : array
        Floating probabilities.
    target : array
        0 or 1, or a probability, of the shape of `input`.
    weight : array, optional
        Numbers that broadcast to the elements, and are multiplied by their losses.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all elements, whatever their weights; of none it is NaN.

    Returns
    -------
    array
        Of shape (), or for "none" of that of the arrays; in the dtype of `input`.

    Raises
    ------
    ValueError
        If the shapes do not fit, there is no such reduction, or on the CPU a number is no probability.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> F.binary_cross_entropy(np.asarray([0.5, 0.0]), np.asarray([1.0, 1.0]), reduction="none").round(4).tolist()
    [0.6931, 100.0]
    """
    loss = CheckedBinaryCrossEntropy.made(reduction=chosen(reduction, size_average, reduce))
    return run(loss, input, target, weight=like(weight, input))


@speaks(BinaryCrossEntropy)
def binary_cross_entropy_with_logits(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Array | None = None,
) -> Array:
    r"""Binary cross entropy of logits: `binary_cross_entropy`.

    .. math:: l = -\mathrm{pos\_weight} \, \mathrm{target} \log p - (1 - \mathrm{target}) \log(1 - p);
        \quad p = 1 / (1 + \exp(-\mathrm{input}))

    Parameters
    ----------
    input : array
        Floating logits.
    target : array
        0 or 1, or a probability, of the shape of `input`.
    weight : array, optional
        Numbers that broadcast to the elements, and are multiplied by their losses.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all elements, whatever their weights; of none it is NaN.
    pos_weight : array, optional
        What the positive class counts: numbers that broadcast to the elements.

    Returns
    -------
    array
        Of shape (), or for "none" of that of the arrays; in the dtype of `input`.

    Raises
    ------
    ValueError
        If the shapes do not fit, or there is no such reduction.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy_with_logits.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> round(float(F.binary_cross_entropy_with_logits(np.asarray([0.0, 1e4]), np.asarray([1.0, 1.0]))), 6)
    0.346574
    """
    loss = BinaryCrossEntropy.made(pos_weight=pos_weight, reduction=chosen(reduction, size_average, reduce))
    return run(loss, input, target, weight=None if weight is None else like(weight, input))


_OF_DIVERGENCE = (*REDUCTIONS, "batchmean")


@speaks(KlDivergence)
def kl_div(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Array:
    r"""Kullback-Leibler divergence, element by element: `kl_divergence` is the sum of a row.

    .. math:: l = \mathrm{target} \, (\log \mathrm{target} - \mathrm{input})

    Parameters
    ----------
    input : array
        Floating log-probabilities.
    target : array
        Floating probabilities, or with ``log_target=True`` log-probabilities. Of two shapes they broadcast.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    reduction : {"mean", "batchmean", "sum", "none"}, default "mean"
        "batchmean" is the divergence: the sum over the length of the first axis. "mean", the mean of all elements, is
        not, which is said in a warning.
    log_target : bool, default False
        Whether `target` holds logarithms.

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
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.kl_div.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> q, p = np.asarray([[0.5, 0.5]]), np.asarray([[1.0, 0.0]])
    >>> round(float(F.kl_div(np.log(q), p, reduction="batchmean")), 6)
    0.693147
    """
    wanted = chosen(reduction, size_average, reduce, known=_OF_DIVERGENCE)
    if wanted == "mean" and size_average is None and reduce is None:
        warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. 'batchmean' divides "
            "by the batch size alone, as the divergence does."
        )
    given = broadcast(input=input, target=target)
    if wanted == "batchmean" and not input.ndim:
        wanted = "sum"
    return run(ElementKl.made(log_target=log_target, reduction=wanted), *given)


@dataclass(eq=False)
class CrossEntropyLoss(Criterion):
    """`cross_entropy` as an object, which keeps its settings."""

    function = staticmethod(cross_entropy)

    weight: Array | None = None
    size_average: InitVar[bool | None] = None
    ignore_index: int = -100
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"
    label_smoothing: float = 0.0


@dataclass(eq=False)
class NLLLoss(Criterion):
    """`nll_loss` as an object, which keeps its settings."""

    function = staticmethod(nll_loss)

    weight: Array | None = None
    size_average: InitVar[bool | None] = None
    ignore_index: int = -100
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"


@dataclass(eq=False)
class BCELoss(Criterion):
    """`binary_cross_entropy` as an object, which keeps its settings."""

    function = staticmethod(binary_cross_entropy)

    weight: Array | None = None
    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"


@dataclass(eq=False)
class BCEWithLogitsLoss(Criterion):
    """`binary_cross_entropy_with_logits` as an object, which keeps its settings."""

    function = staticmethod(binary_cross_entropy_with_logits)

    weight: Array | None = None
    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"
    pos_weight: Array | None = None


@dataclass(eq=False)
class KLDivLoss(Criterion):
    """`kl_div` as an object, which keeps its settings."""

    function = staticmethod(kl_div)

    reductions: ClassVar[tuple[str, ...]] = _OF_DIVERGENCE

    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"
    log_target: bool = False
