"""Losses of what a linear layer returns, computed together with it.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.linear import LinearCrossEntropy
from ..reduction import Reduction

__all__ = ["linear_cross_entropy"]


@function_form(LinearCrossEntropy)
def linear_cross_entropy(
    hidden: Array,
    weight_matrix: Array,
    labels: Array,
    bias: Array | None = None,
    *,
    class_weight: Any = None,
    ignore_index: int | None = None,
    label_smoothing: Real | Sequence[float] = 0.0,
    z_loss: Real | Sequence[float] = 0.0,
    softcap: Real | Sequence[float] | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Cross entropy of a linear layer's outputs, without ever holding them: for a large vocabulary.

    It is ``cross_entropy(hidden @ weight_matrix.T + bias, labels, ...)``, computed in chunks of rows. The logits of a
    language model may take more memory than the rest of it; here a few hundred rows of them exist at a time.

    .. math:: l = -\sum_c \mathrm{target}_c \log p_c + \mathrm{z\_loss} (\log \sum_c \exp \mathrm{logits}_c)^2;
        \quad p = \mathrm{softmax}(\mathrm{logits}); \quad \mathrm{logits} = W \mathrm{hidden} + \mathrm{bias}

    Parameters
    ----------
    hidden : array, shape (..., D)
        Floating: what goes into the last layer, with the features last. A row alone, (D,), is one item.
    weight_matrix : array, shape (C, D)
        Floating: the last layer's matrix, a row for each class, as `torch.nn.Linear` keeps it. A matrix with the
        features first, as Flax keeps it, is transposed by the caller.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `hidden` without its last axis; or a floating target, a probability
        for each class.
    bias : array, shape (C,), optional
        Floating: the last layer's bias.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum. Given as an array,
        it follows the library and the device of `hidden`.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is spread evenly over all classes.
    z_loss : float, default 0.0
        Factor, at least 0, of the square of log Σ exp(logits): see `cross_entropy`.
    softcap : float, optional
        Above 0. Logits are limited to (-softcap, softcap), as ``softcap * tanh(logits / softcap)``.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `hidden` without its last axis for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    See Also
    --------
    cross_entropy : Of logits that are there.

    Notes
    -----
    Gradients by `hidden`, `weight_matrix` and `bias` are computed in the same chunks on NumPy, CuPy, PyTorch and JAX,
    together with the value: ``al.value_and_grad(al.linear_cross_entropy, argnums=(0, 1))``, ``loss.backward()``,
    ``jax.grad``. A gradient by `bias` wants it as fourth argument. With reduction "none" the factor of an item is not
    known beforehand, so the logits are computed a second time.

    All logits are held, as by `cross_entropy`, for what has to go the straight way: on PyTorch under ``torch.func`` and
    ``torch.compile``, with ``create_graph=True``, in forward mode, and for a gradient by `labels`; on Dask. JAX's
    forward mode (``jvp``, ``jacfwd``) is refused, since the gradient is one of reverse mode.

    In half precision the logits are products of the library in that precision, and all else is computed in float32;
    the gradients are summed in float32 over the chunks.

    References
    ----------
    Wijmans et al., Cut your losses in large-vocabulary language models (2024). https://arxiv.org/abs/2411.09009

    Hsu et al., Liger kernel: efficient Triton kernels for LLM training (2024). https://arxiv.org/abs/2410.10989

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> hidden = np.asarray([[1.0, 0.0], [0.5, -1.0]])
    >>> weight_matrix = np.asarray([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> labels = np.asarray([0, 2])
    >>> round(float(al.linear_cross_entropy(hidden, weight_matrix, labels)), 6)
    1.106981
    >>> round(float(al.cross_entropy(hidden @ weight_matrix.T, labels)), 6)
    1.106981
    """
    return LinearCrossEntropy.made(
        class_weight=class_weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        z_loss=z_loss,
        softcap=softcap,
        reduction=reduction,
    )(hidden, weight_matrix, labels, bias, weight=weight, where=where)
