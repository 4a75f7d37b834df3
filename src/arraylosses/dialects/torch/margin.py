"""Losses of margins: on either side of 0, over other classes, and of several labels."""

from __future__ import annotations

from dataclasses import InitVar, dataclass

from ..._array_api import Array, array_namespace, dtype_kind, dtype_name, holds_values
from ..._values import lie_below
from ...losses.binary import BinaryCrossEntropy, SoftMargin
from ...losses.margin import MultiMargin
from ...losses.multilabel import MultilabelMargin, MultilabelSoftMargin
from .._common import speaks
from ._calls import at_labels, broadcast, chosen, library, like, of_classes, run
from ._criterion import Criterion
from .losses import ListedMultilabelMargin

__all__ = [
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "SoftMarginLoss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
]


@speaks(SoftMargin)
def soft_margin_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    r"""Logistic loss of signs: `soft_margin`, which does not overflow.

    .. math:: l = \log(1 + \exp(-\mathrm{target} \cdot \mathrm{input}))

    Parameters
    ----------
    input : array
        Floating scores.
    target : array
        -1 or 1. Of two shapes the arrays broadcast.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
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
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.soft_margin_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> float(F.soft_margin_loss(np.asarray([0.0, -1000.0]), np.asarray([1.0, 1.0]), reduction="sum")).__round__(4)
    1000.6931
    """
    loss = SoftMargin.made(reduction=chosen(reduction, size_average, reduce))
    return run(loss, *broadcast(input=input, target=target))


@speaks(MultiMargin, class_weight="weight")
def multi_margin_loss(
    input: Array,
    target: Array,
    p: int = 1,
    margin: float = 1.0,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    r"""Hinge loss of all other classes: `multi_margin`.

    .. math:: l = \frac{\mathrm{weight}_{\mathrm{target}}}{C} \sum_{j \ne \mathrm{target}} \max(0, \mathrm{margin} +
        \mathrm{input}_j - \mathrm{input}_{\mathrm{target}})^p

    Parameters
    ----------
    input : array, shape (N, C) or (C)
        Floating scores.
    target : array, shape (N) or ()
        Integer labels in [0, C).
    p : {1, 2}, default 1
        The power of what lacks to the margin.
    margin : float, default 1.0
        The lead that is asked for; at least 0.
    weight : array, shape (C), optional
        One number a class.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all rows, whatever their weights; of none it is NaN.

    Returns
    -------
    array
        Of shape (), or for "none" (N) or (); in the dtype of `input`.

    Raises
    ------
    TypeError
        If `target` does not hold integers.
    ValueError
        If the shapes do not fit, a label is no class, `p` is neither 1 nor 2, or there is no such reduction.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.multi_margin_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> scores = np.asarray([[3.0, 1.0, 0.0], [0.5, 0.0, 1.0]])
    >>> F.multi_margin_loss(scores, np.asarray([0, 0]), 2, reduction="none").round(4).tolist()
    [0.0, 0.8333]
    """
    wanted = chosen(reduction, size_average, reduce)
    library(input=input, target=target)
    _require_labels(target)
    _require_rows(input)
    x, labels = (input if input.ndim else input[None]), target
    if x.ndim == 1 and labels.ndim == 1 and labels.shape[0] == 1:
        x = x[None, :]
    weight = of_classes(like(weight, x), x.shape[-1])
    loss = MultiMargin.made(p=p, margin=margin, reduction=wanted)
    return run(loss, x, labels, weight=None if weight is None else at_labels(weight, labels))


def _require_rows(input: Array) -> None:
    shape = tuple(input.shape)
    if len(shape) > 2:
        raise ValueError(f"`input` must have shape (N, C) or (C), got {shape}")
    if 0 in shape[-1:]:
        raise ValueError(f"`input` must have at least one class, got shape {shape}")


def _require_labels(target: Array) -> None:
    if dtype_kind(target.dtype) != "int":
        raise TypeError(f"`target` must hold integer labels, got {dtype_name(target.dtype)}")


@speaks(MultilabelMargin)
def multilabel_margin_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    r"""Hinge loss of several labels, given as a list: `multilabel_margin`.

    .. math:: l = \frac{1}{C} \sum_{j \in \mathrm{target}} \sum_{k \notin \mathrm{target}} \max(0, 1 + \mathrm{input}_k
        - \mathrm{input}_j)

    Parameters
    ----------
    input : array, shape (N, C) or (C)
        Floating scores.
    target : array, shape (N, C) or (C)
        Integer labels in [0, C) of the classes that are there, up to the first -1. One that stands there twice counts
        twice.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all rows; of none it is NaN.

    Returns
    -------
    array
        Of shape (), or for "none" (N) or (); in the dtype of `input`.

    Raises
    ------
    TypeError
        If `target` does not hold integers.
    ValueError
        If the shapes do not fit, there is no such reduction, or on the CPU a label is no class. Elsewhere the loss of
        its row is NaN.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.multilabel_margin_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> scores, labels = np.asarray([[0.1, 0.2, 0.4, 0.8]]), np.asarray([[3, 0, -1, 1]])
    >>> round(float(F.multilabel_margin_loss(scores, labels)), 6)
    0.85
    """
    loss = ListedMultilabelMargin.made(reduction=chosen(reduction, size_average, reduce))
    library(input=input, target=target)
    _require_labels(target)
    shape = tuple(input.shape)
    if tuple(target.shape) != shape:
        raise ValueError(f"`target` must have the shape of `input`, {shape}, got {tuple(target.shape)}")
    _require_rows(input)
    x, labels = (input, target) if shape else (input[None], target[None])
    classes = x.shape[-1]
    if 0 not in shape and holds_values(labels) and not lie_below(labels + 1, classes + 1):
        raise ValueError(f"`target` must hold -1 or labels in [0, {classes})")
    return run(loss, x, labels)


@speaks(MultilabelSoftMargin, class_weight="weight")
def multilabel_soft_margin_loss(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    r"""Mean over the classes of their binary cross entropy: `multilabel_soft_margin`.

    .. math:: l = -\frac{1}{C} \sum_c \mathrm{weight}_c (\mathrm{target}_c \log p_c + (1 - \mathrm{target}_c) \log(1 -
        p_c));
        \quad p = 1 / (1 + \exp(-\mathrm{input}))

    Parameters
    ----------
    input : array, shape (..., C)
        Floating logits, with the classes on the last axis.
    target : array, shape (..., C)
        0 or 1, or a probability, for each class. Of two shapes the arrays broadcast.
    weight : array, optional
        Numbers that broadcast to the elements, such as one a class.
    size_average, reduce : bool, optional
        Deprecated, with a warning: False stands for reduction "sum" and "none".
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of all rows; of none it is NaN.

    Returns
    -------
    array
        Of shape (), or for "none" of that of `input` without its last axis; in the dtype of `input`.

    Raises
    ------
    ValueError
        If the arrays do not broadcast, or there is no such reduction.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.multilabel_soft_margin_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> logits, target = np.asarray([[0.0, 1e4, -1e4]]), np.asarray([[1.0, 1.0, 0.0]])
    >>> round(float(F.multilabel_soft_margin_loss(logits, target)), 6)
    0.231049
    """
    wanted = chosen(reduction, size_average, reduce)
    x, y = broadcast(input=input, target=target)
    if weight is None or not x.shape or x.shape[-1] == 0:
        return run(MultilabelSoftMargin.made(reduction=wanted), x, y)
    value = run(BinaryCrossEntropy.made(reduction=wanted), x, y, weight=like(weight, x))
    if wanted == "none":
        return array_namespace(value).mean(value, axis=-1)
    return value if wanted == "mean" else value / x.shape[-1]


@dataclass(eq=False)
class SoftMarginLoss(Criterion):
    """`soft_margin_loss` as an object, which keeps its settings."""

    function = staticmethod(soft_margin_loss)

    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"


@dataclass(eq=False)
class MultiMarginLoss(Criterion):
    """`multi_margin_loss` as an object, which keeps its settings."""

    function = staticmethod(multi_margin_loss)

    p: int = 1
    margin: float = 1.0
    weight: Array | None = None
    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"

    def __post_init__(self, *deprecated: bool | None) -> None:
        super().__post_init__(*deprecated)
        MultiMargin.made(p=self.p, margin=self.margin)  # refuses what is out of range


@dataclass(eq=False)
class MultiLabelMarginLoss(Criterion):
    """`multilabel_margin_loss` as an object, which keeps its settings."""

    function = staticmethod(multilabel_margin_loss)

    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"


@dataclass(eq=False)
class MultiLabelSoftMarginLoss(Criterion):
    """`multilabel_soft_margin_loss` as an object, which keeps its settings."""

    function = staticmethod(multilabel_soft_margin_loss)

    weight: Array | None = None
    size_average: InitVar[bool | None] = None
    reduce: InitVar[bool | None] = None
    reduction: str = "mean"
