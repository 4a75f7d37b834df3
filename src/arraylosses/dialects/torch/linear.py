"""The cross entropy of a linear layer's outputs, as a function and as an object that holds the layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from ..._array_api import Array, dtype_kind
from ...arguments import require_choice, require_range
from ...losses.linear import LinearCrossEntropy
from .._common import speaks
from ._calls import chosen, library, like, run
from ._layers import Layered, Linear
from .classification import cross_entropy, of_labels

__all__ = ["LinearCrossEntropyLoss", "LinearCrossEntropyOptions", "linear_cross_entropy"]

_IGNORED = -100


@dataclass(frozen=True, slots=True)
class LinearCrossEntropyOptions:
    """What torch is told of its chunks: checked, and of no effect here, where labels always go in chunks.

    Parameters
    ----------
    allow_retain_graph : bool, default False
    batch_chunk_size : int, optional
    chunking_method : str, optional
    acc_policy : {"auto", "accurate", "balanced", "compact"}, default "auto"
    acc_dtype : dtype, optional
        See ``torch.nn.LinearCrossEntropyOptions``. Sums are carried in float32 at the least.

    Raises
    ------
    ValueError
        If an option is none of those that torch has.
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: Literal["accurate", "balanced", "compact", "auto"] = "auto"
    acc_dtype: Any = None

    def __post_init__(self) -> None:
        require_choice(("auto", "accurate", "balanced", "compact"), acc_policy=self.acc_policy)
        size, method = self.batch_chunk_size, self.chunking_method
        if size is not None and not (isinstance(size, int) and size > 0):
            raise ValueError(f"`batch_chunk_size` must be a positive integer or None, got {size!r}")
        if method not in (None, "auto"):
            name, _, factor = str(method).partition(":")
            if name != "aspect_ratio" or not (factor or "1").isdigit() or int(factor or 1) < 1:
                raise ValueError(
                    f"`chunking_method` must be None, 'auto', 'aspect_ratio' or 'aspect_ratio:N', got {method!r}"
                )
        if self.acc_dtype is not None and dtype_kind(self.acc_dtype) not in ("float", "half"):
            raise ValueError(f"`acc_dtype` must be a floating dtype or None, got {self.acc_dtype!r}")


@speaks(LinearCrossEntropy, class_weight="weight")
def linear_cross_entropy(
    input: Array,
    linear_weight: Array,
    target: Array,
    *,
    linear_bias: Array | None = None,
    weight: Array | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: LinearCrossEntropyOptions | None = None,
) -> Array:
    r"""Cross entropy of a linear layer's outputs: `linear_cross_entropy`, which does not hold them.

    .. math:: l = -\sum_c \mathrm{weight}_c \, \mathrm{target}_c \log p_c;
        \quad p = \mathrm{softmax}(W \mathrm{input} + b)

    Parameters
    ----------
    input : array, shape (N, D) or (D)
        Floating: what goes into the layer.
    linear_weight : array, shape (C, D) or (C, ..., D)
        Floating: W, the layer's matrix.
    target : array, shape (N), () or (N, ...); or (N, C), (C) or (N, C, ...)
        Integer labels in [0, C); or floating, a probability for each class.
    linear_bias : array, shape (C) or (C, ...), optional
        Floating: b, the layer's bias.
    weight : array, shape (C), optional
        One number a class.
    reduction : {"mean", "sum", "none"}, default "mean"
        As in `cross_entropy`.
    ignore_index : int, optional
        A label whose items are left out; -100 without it. Not for probabilities.
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is spread evenly over all classes.
    options : LinearCrossEntropyOptions, optional
        Of no effect: labels go in chunks, whatever they say. Probabilities with `weight`, labels with both `weight` and
        `label_smoothing`, and a matrix of more than two axes do not, and all logits are held.

    Returns
    -------
    array
        Of shape (), or for "none" (N), () or (N, ...); in the dtype of `input`.

    Raises
    ------
    ValueError
        If the shapes do not fit, a label is no class, there is no such reduction, or `ignore_index` is given with
        probabilities.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.linear_cross_entropy.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> hidden = np.asarray([[1.0, 0.0], [0.5, -1.0]])
    >>> linear_weight = np.asarray([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> round(float(F.linear_cross_entropy(hidden, linear_weight, np.asarray([0, 2]))), 6)
    1.106981
    """
    wanted = chosen(reduction)
    given = {"linear_weight": linear_weight, "target": target}
    xp = library(input=input, **given, **({} if linear_bias is None else {"linear_bias": linear_bias}))
    _check_shapes(tuple(input.shape), tuple(linear_weight.shape), linear_bias)
    weight = like(weight, input)
    is_label = dtype_kind(target.dtype) == "int"
    if not is_label and ignore_index is not None:
        raise ValueError(f"`ignore_index` must be None where `target` holds probabilities, got {ignore_index}")
    ignore_index = _IGNORED if ignore_index is None else ignore_index
    classes, *inner, _ = linear_weight.shape
    bias = () if linear_bias is None else (linear_bias,)
    if not inner and is_label and (weight is None or not label_smoothing):
        return of_labels(
            LinearCrossEntropy,
            input,
            linear_weight,
            target,
            *bias,
            labels=target,
            classes=classes,
            weight=weight,
            ignore_index=ignore_index,
            reduction=wanted,
            label_smoothing=label_smoothing,
        )
    if not inner and weight is None:
        loss = LinearCrossEntropy.made(label_smoothing=label_smoothing, reduction=wanted)
        return run(loss, input, linear_weight, target, *bias)
    matrix = xp.reshape(linear_weight, (-1, linear_weight.shape[-1]))
    logits = xp.matmul(input, xp.permute_dims(matrix, (1, 0)))
    if linear_bias is not None:
        logits = logits + xp.reshape(linear_bias, (*(1,) * (input.ndim - 1), -1))
    logits = xp.reshape(logits, (*input.shape[:-1], classes, *inner))
    return cross_entropy(
        logits, target, weight, ignore_index=ignore_index, reduction=wanted, label_smoothing=label_smoothing
    )


def _check_shapes(of_input: tuple[int, ...], of_matrix: tuple[int, ...], bias: Array | None) -> None:
    if not 1 <= len(of_input) <= 2:
        raise ValueError(f"`input` must have one axis or two, got shape {of_input}")
    if len(of_matrix) < 2:
        raise ValueError(f"`linear_weight` must have two axes or more, got shape {of_matrix}")
    if of_input[-1] != of_matrix[-1]:
        raise ValueError(
            f"`input` and `linear_weight` must have as many features on the last axis, got {of_input} and {of_matrix}"
        )
    if len(of_matrix) > 2 and len(of_input) == 1:
        raise ValueError(f"`input` must be a batch where `linear_weight` has shape {of_matrix}, got shape {of_input}")
    if bias is not None and tuple(bias.shape) != of_matrix[:-1]:
        raise ValueError(f"`linear_bias` must have shape {of_matrix[:-1]}, got {tuple(bias.shape)}")


class LinearCrossEntropyLoss(Layered):
    """`linear_cross_entropy` as an object, which keeps its settings and the arrays of the linear layer.

    Parameters
    ----------
    in_features, num_classes : int
        The lengths of the layer's two axes.
    out_features : tuple of int, default ()
        Axes between them.
    bias : bool, default False
        Whether the layer has a bias.
    device, dtype : optional
        The dtype of the arrays to begin with; they follow the device of the arrays of a call.
    reduction, weight, ignore_index, label_smoothing, options
        As in `linear_cross_entropy`.

    Attributes
    ----------
    linear : Linear
        The layer, with its arrays `weight` and `bias`, which begin as NumPy's, drawn as torch draws them.
        ``load_state_dict`` takes those of torch's own module.
    """

    function = staticmethod(linear_cross_entropy)

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Array | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: LinearCrossEntropyOptions | None = None,
    ) -> None:
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise ValueError(f"`weight` must have shape ({num_classes},), got {tuple(weight.shape)}")
        require_range(0, 1, label_smoothing=label_smoothing)
        self.num_classes, self.out_features = num_classes, out_features
        self.linear = Linear(in_features, math.prod(out_features, start=num_classes), bias, dtype)
        self.reduction, self.weight = chosen(reduction), weight
        self.ignore_index, self.label_smoothing, self.options = ignore_index, label_smoothing, options

    def layers(self) -> dict[str, Linear]:
        return {"linear": self.linear}

    def forward(self, input: Array, target: Array) -> Array:
        xp = library(input=input, target=target)
        shape, bias = (self.num_classes, *self.out_features), self.linear.bias
        matrix: Array = like(self.linear.weight, input)
        return linear_cross_entropy(
            input,
            xp.reshape(matrix, (*shape, matrix.shape[-1])),
            target,
            linear_bias=None if bias is None else xp.reshape(like(bias, input), shape),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )
