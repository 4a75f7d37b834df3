"""The adaptive softmax: cross entropy of very many classes, of which few are frequent."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from . import special
from ._array_api import Array
from .arguments import check_inputs, declared, in_short, require_choice
from .arguments.labels import LEFT_OUT, check_labels
from .losses.linear import LinearCrossEntropy
from .numerics import indexing
from .reduction import REDUCTIONS, Reduction, kept_weight, share

__all__ = ["adaptive_log_softmax"]

_HEAD = declared("hidden[..., D]: real, head_weight[H, D]: real, labels[...]: id, head_bias?[H]: real -> [...]")
_CLUSTER = declared("hidden[..., D]: real, projection[P, D]: real, matrix[M, P]: real -> [...]")


def adaptive_log_softmax(
    hidden: Array,
    head_weight: Array,
    tail: Sequence[tuple[Array, Array]],
    labels: Array,
    head_bias: Array | None = None,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Cross entropy of an adaptive softmax: for a vocabulary in which few words are frequent and most are rare.

    Classes are sorted by frequency. The head tells the most frequent ones apart, and each cluster of the rest as a
    whole; the tail has a smaller layer for each cluster, which tells the classes within it apart.

    .. math:: l = -\log \mathrm{softmax}(W x + b)_{h(y)}
        - \sum_k [y \in \mathrm{cluster}_k] \log \mathrm{softmax}(B_k A_k x)_{y - s_k};
        \quad x = \mathrm{hidden}, \; y = \mathrm{label}

    with W and b the weight and the bias of the head, h(y) the label itself, or for a class of the tail the row of its
    cluster, and s_k the first class of a cluster.

    Parameters
    ----------
    hidden : array, shape (..., D)
        Floating: what goes into the last layer, with the features last. A row alone, (D,), is one item.
    head_weight : array, shape (S + K, D)
        Floating: a row for each of the S most frequent classes, then one for each of the K clusters.
    tail : sequence of (array, array)
        A pair for each cluster, from the more frequent classes to the rarer ones: the projection A, shape (P, D), and
        the matrix B, shape (M, P), of its M classes. P may differ from cluster to cluster, and so may M.
    labels : array, shape (...)
        Integer labels in [0, C), of all classes: those of the head, then those of each cluster in turn.
    head_bias : array, shape (S + K,), optional
        Floating: the bias of the head.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `labels` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    Notes
    -----
    It is the negative of what PyTorch's ``AdaptiveLogSoftmaxWithLoss`` returns for an item. Where the classes are cut
    follows from the shapes: a module ``m`` of PyTorch's has the arrays ``m.head.weight``,
    ``[(a.weight, b.weight) for a, b in m.tail]`` and ``m.head.bias``. With an empty tail it is `linear_cross_entropy`.

    Gradients by `tail` are nested as it is: ``al.value_and_grad(al.adaptive_log_softmax, argnums=(0, 1, 2))``. Each
    part is a `linear_cross_entropy`, and runs in chunks of rows where that does.

    References
    ----------
    Grave et al., Efficient softmax approximation for GPUs (2017). https://arxiv.org/abs/1609.04309

    Examples
    --------
    Two frequent classes, and a cluster of three rare ones.

    >>> import numpy as np
    >>> import arraylosses as al
    >>> hidden = np.asarray([[1.0, 0.0], [0.5, -1.0]])
    >>> head_weight = np.asarray([[2.0, 0.0], [0.0, 1.0], [1.0, -1.0]])
    >>> tail = [(np.asarray([[1.0, -1.0]]), np.asarray([[2.0], [0.0], [1.0]]))]
    >>> al.adaptive_log_softmax(hidden, head_weight, tail, np.asarray([0, 4]), reduction="none").round(6).tolist()
    [0.407606, 2.26522]
    """
    require_choice(REDUCTIONS, reduction=reduction)
    pairs = _pairs(tail)
    inputs = check_inputs(_HEAD, None, None, (hidden, head_weight, labels, head_bias), weight, where)
    for pair in pairs:
        check_inputs(_CLUSTER, None, None, (hidden, *pair), None, None)
    xp, frequent = inputs.xp, int(head_weight.shape[0]) - len(pairs)
    if frequent < 1:
        raise ValueError(
            f"`head_weight` must have a row for each of the {len(pairs)} clusters of `tail`, and more for classes of "
            f"its own, got shape {tuple(head_weight.shape)}"
        )
    starts = list(itertools.accumulate([int(matrix.shape[0]) for _, matrix in pairs], initial=frequent))
    labels, where, invalid = check_labels(xp, "labels", labels, starts[-1], None, where, hint=LEFT_OUT[False])
    if where is not None:
        hidden = special.where(indexing.expand_dims(where, -1), hidden, 0.0)
    clusters = [xp.logical_and(labels >= start, labels < stop) for start, stop in itertools.pairwise(starts)]
    of_head = labels
    for k, inside in enumerate(clusters):
        of_head = special.where(inside, frequent + k, of_head)
    if invalid is not None:
        of_head = special.where(invalid, -1, of_head)  # and NaN for its item
    zeros = xp.zeros_like(labels, dtype=inputs.dtype)
    weight = None if weight is None else xp.astype(weight, inputs.dtype)
    factor = zeros + share(xp, zeros, kept_weight(xp, inputs.item_shape, inputs.dtype, weight, where), reduction)
    of_rows = LinearCrossEntropy(reduction="none" if reduction == "none" else "sum")
    total = of_rows(hidden, head_weight, of_head, head_bias, weight=factor, where=where)
    for inside, start, (projection, matrix) in zip(clusters, starts, pairs, strict=False):
        projected = xp.matmul(hidden, xp.permute_dims(projection, (1, 0)))
        within = special.where(inside, labels - start, 0)
        total = total + of_rows(projected, matrix, within, weight=factor, where=inside)
    return total


def _pairs(tail: Sequence[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
    if not isinstance(tail, list | tuple) or not all([isinstance(x, list | tuple) and len(x) == 2 for x in tail]):
        raise TypeError(
            f"`tail` must be a sequence of pairs, the projection and the matrix of each cluster, got {in_short(tail)}"
        )
    return [(projection, matrix) for projection, matrix in tail]
