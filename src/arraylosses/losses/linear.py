"""Losses of what a linear layer returns, computed together with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._array_api import Array, Real, array_namespace, dtype_kind, result_dtype, single_device
from ..formula import Projection
from ..registry import alias, register
from ._base import ProjectedLoss
from .multiclass import CrossEntropy

__all__ = ["LinearCrossEntropy"]


@register(alias("LinearCrossEntropyLoss", ignore_index=-100))
@dataclass(frozen=True, kw_only=True)
class LinearCrossEntropy(ProjectedLoss):
    r"""Cross entropy of a linear layer's outputs, without ever holding them: for a large vocabulary.

    It is ``cross_entropy(hidden @ weight_matrix.T + bias, labels, ...)``, computed in chunks of rows. The logits of a
    language model may take more memory than the rest of it; here a few hundred rows of them exist at a time.

    .. math:: l = -\sum_c \mathrm{target}_c \log p_c + \mathrm{z\_loss} (\log \sum_c \exp \mathrm{logits}_c)^2;
        \quad p = \mathrm{softmax}(\mathrm{logits}); \quad \mathrm{logits} = W \mathrm{hidden} + \mathrm{bias}

    Parameters
    ----------
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
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
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

    arrays = (
        "hidden[..., D]: real, weight_matrix[C, D]: real, labels[...]: class or labels[..., C]: distribution, "
        "bias?[C]: real -> [...]"
    )

    class_settings: ClassVar[tuple[str, ...]] = ("class_weight",)

    class_weight: Any = None
    ignore_index: int | None = None
    label_smoothing: Real = 0.0
    z_loss: Real = 0.0
    softcap: Real | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        CrossEntropy(**self.settings())  # has the same settings, and refuses the same ones

    @property
    def projected(self) -> CrossEntropy:
        return CrossEntropy(label_smoothing=self.label_smoothing, z_loss=self.z_loss, softcap=self.softcap)

    # The cross entropy of hidden @ weight_matrix.T + bias
    def projections(
        self, hidden: Array, weight_matrix: Array, labels: Array, bias: Array | None = None
    ) -> tuple[Projection]:
        return (Projection(hidden, weight_matrix, labels, bias),)

    def item_weight(
        self, hidden: Array, weight_matrix: Array, labels: Array, bias: Array | None = None
    ) -> Array | None:
        """The weight of the label's class, or of the classes as the target mixes them."""
        if self.class_weight is None:
            return None
        xp = array_namespace(hidden, weight_matrix, labels)
        # Of the logits, a class weight asks for the number of axes and of classes, and the dtype of the computation.
        floating = [x for x in (hidden, weight_matrix, labels) if dtype_kind(x.dtype) != "int"]
        shape = (*(1,) * (hidden.ndim - 1), weight_matrix.shape[0])
        logits = xp.zeros(shape, dtype=result_dtype(xp, floating), device=single_device(hidden, to_make=True))
        return CrossEntropy(class_weight=self.class_weight).item_weight(logits, labels)
