"""Losses of a batch of embeddings, each of which is told from all others.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._array_api import Array, Real
from ..loss_function import function_form
from ..losses.contrastive import ClipContrastive, InfoNce, NtXent, Siglip, SupervisedContrastive
from ..reduction import Reduction

__all__ = ["clip_contrastive", "info_nce", "nt_xent", "siglip", "supervised_contrastive"]


@function_form(ClipContrastive)
def clip_contrastive(
    first: Array,
    second: Array,
    *,
    temperature: Real | Sequence[float] = 0.1,
    similarity: str = "cosine",
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Mean of `info_nce` in both directions: for pairs of two kinds, such as images and their captions.

    .. math:: l_i = -\frac{1}{2} \left( \log \frac{\exp(s_{ii})}{\sum_j \exp(s_{ij})} + \log \frac{\exp(s_{ii})}{\sum_j
        \exp(s_{ji})} \right);
        \quad s_{ij} = \cos(\mathrm{first}_i, \mathrm{second}_j) / \mathrm{temperature}

    Parameters
    ----------
    first, second : array, shape (N, D)
        Floating embeddings; those of a pair stand in the same row.
    temperature : float, default 0.1
        What similarities are divided by, above 0. CLIP learns its inverse, from 1 / 0.07 on: it may be an array, which
        then has a gradient where the library has one.
    similarity : {"cosine", "dot"}, default "cosine"
        Of two embeddings. With "dot", vectors of any length are compared by their product.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
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
    info_nce : In one direction.
    siglip : Without a softmax, for large batches.

    Notes
    -----
    An item is a pair. A pair that `where` leaves out is no other's rival either. Large batches are computed in chunks,
    as by `info_nce`.

    References
    ----------
    Radford et al., Learning transferable visual models from natural language supervision (2021).
    https://arxiv.org/abs/2103.00020

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> images, captions = np.asarray([[1.0, 0.0], [0.0, 2.0]]), np.asarray([[3.0, 0.0], [3.0, 4.0]])
    >>> round(float(al.clip_contrastive(images, captions, temperature=1.0)), 6)
    0.448879
    """
    return ClipContrastive.made(
        temperature=temperature,
        similarity=similarity,
        reduction=reduction,
    )(first, second, weight=weight, where=where)


@function_form(InfoNce)
def info_nce(
    queries: Array,
    keys: Array,
    *,
    temperature: Real | Sequence[float] = 0.1,
    similarity: str = "cosine",
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Cross entropy of telling a query's own key from those of all other queries of the batch.

    .. math:: l_i = -\log \frac{\exp(s_{ii})}{\sum_j \exp(s_{ij})};
        \quad s_{ij} = \cos(\mathrm{queries}_i, \mathrm{keys}_j) / \mathrm{temperature}

    Parameters
    ----------
    queries, keys : array, shape (N, D)
        Floating embeddings; the key of a query stands in the same row.
    temperature : float, default 0.1
        What similarities are divided by, above 0: the smaller, the more the nearest keys count.
    similarity : {"cosine", "dot"}, default "cosine"
        Of a query and a key. With "dot", vectors of any length are compared by their product.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
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
    clip_contrastive : In both directions.
    supervised_contrastive : With labels.
    nt_xent : Of two views in one array.

    Notes
    -----
    An item is a query. All items are coupled, so the loss of a batch is not the mean of those of its parts. A pair that
    `where` leaves out is no other query's rival either, as if it had not been in the batch.

    It is of one direction; `clip_contrastive` is the mean of both. Without cosines, at a temperature of 1, it is the
    multi-class N-pair loss (Sohn, 2016): ``al.get("n_pairs")``.

    Beyond 2,048 pairs, value and gradients are computed in chunks of queries, without an array of all similarities, on
    NumPy, CuPy, PyTorch and JAX. JAX then refuses forward mode; on PyTorch, ``torch.func``, ``torch.compile`` and
    second derivatives hold all similarities.

    References
    ----------
    van den Oord, Li and Vinyals, Representation learning with contrastive predictive coding (2018).
    https://arxiv.org/abs/1807.03748

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> queries, keys = np.asarray([[1.0, 0.0], [0.0, 2.0]]), np.asarray([[3.0, 0.0], [0.0, 1.0]])
    >>> round(float(al.info_nce(queries, keys, temperature=1.0)), 6)
    0.313262
    """
    return InfoNce.made(
        temperature=temperature,
        similarity=similarity,
        reduction=reduction,
    )(queries, keys, weight=weight, where=where)


@function_form(NtXent)
def nt_xent(
    embeddings: Array,
    labels: Array,
    *,
    temperature: Real | Sequence[float] = 0.1,
    similarity: str = "cosine",
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Cross entropy of telling each embedding's positives from its negatives, one positive at a time: SimCLR's loss.

    .. math:: l_i = -\frac{1}{|P_i|} \sum_{p \in P_i} \log \frac{\exp(s_{ip})}{\exp(s_{ip}) + \sum_{n \in N_i}
        \exp(s_{in})};
        \quad s_{ij} = \cos(\mathrm{embeddings}_i, \mathrm{embeddings}_j) / \mathrm{temperature}

    with the positives P, which are the other embeddings of the same label, and the negatives N, those of other labels.

    Parameters
    ----------
    embeddings : array, shape (N, D)
        Floating.
    labels : array, shape (N,)
        Integers of any value: equal ones belong together. The two views of SimCLR are rows of one label.
    temperature : float, default 0.1
        What similarities are divided by, above 0: the smaller, the more the nearest negatives count.
    similarity : {"cosine", "dot"}, default "cosine"
        Of two embeddings. With "dot", vectors of any length are compared by their product.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
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
    supervised_contrastive : With labels of classes.
    vicreg : Without negatives.

    Notes
    -----
    An item is an embedding as anchor, which weighs in a sum or a mean as many as it has positives: the mean is over all
    positive pairs, as in Optax and pytorch-metric-learning, whose temperature is 0.07; one without a positive
    counts for nothing, though it is a negative of others. The other positives of an anchor are not in the denominator,
    as they are in `supervised_contrastive`; with two views a label, the two losses are one.

    What `where` leaves out is neither anchor nor compared with any. Large batches are computed in chunks, as by
    `info_nce`.

    References
    ----------
    Chen et al., A simple framework for contrastive learning of visual representations (2020).
    https://arxiv.org/abs/2002.05709

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> first, second = np.asarray([[1.0, 0.0], [0.0, 2.0]]), np.asarray([[3.0, 0.0], [3.0, 4.0]])
    >>> views, labels = np.concatenate([first, second]), np.asarray([0, 1, 0, 1])
    >>> round(float(al.nt_xent(views, labels, temperature=1.0)), 6)
    0.758774
    """
    return NtXent.made(
        temperature=temperature,
        similarity=similarity,
        reduction=reduction,
    )(embeddings, labels, weight=weight, where=where)


@function_form(Siglip)
def siglip(
    first: Array,
    second: Array,
    *,
    temperature: Real | Sequence[float] = 0.1,
    bias: Real | Sequence[float] = -10.0,
    similarity: str = "cosine",
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Logistic loss of every pair of the batch, by whether it belongs together: no pair depends on a softmax over all.

    .. math:: l_i = \sum_j \log(1 + \exp(-z_{ij} (s_{ij} + \mathrm{bias})));
        \quad s_{ij} = \cos(\mathrm{first}_i, \mathrm{second}_j) / \mathrm{temperature}

    with z = 1 for i = j and -1 for all others.

    Parameters
    ----------
    first, second : array, shape (N, D)
        Floating embeddings; those of a pair stand in the same row.
    temperature : float, default 0.1
        What similarities are divided by, above 0. SigLIP learns its inverse, from 10 on: it may be an array, which then
        has a gradient where the library has one.
    bias : float, default -10.0
        What is added to the scores, which SigLIP learns too: most pairs do not belong together.
    similarity : {"cosine", "dot"}, default "cosine"
        Of two embeddings. With "dot", vectors of any length are compared by their product.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
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
    clip_contrastive : With a softmax over the batch.

    Notes
    -----
    An item is a row of `first`, compared with all rows of `second`: the mean is divided by N, and not by the number of
    comparisons, as in the paper. A pair that `where` leaves out is compared with no other. Large batches are computed
    in chunks, as by `info_nce`.

    References
    ----------
    Zhai et al., Sigmoid loss for language image pre-training (2023). https://arxiv.org/abs/2303.15343

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> images, captions = np.asarray([[1.0, 0.0], [0.0, 2.0]]), np.asarray([[3.0, 0.0], [3.0, 4.0]])
    >>> round(float(al.siglip(images, captions, temperature=1.0, bias=0.0)), 6)
    1.207499
    """
    return Siglip.made(
        temperature=temperature,
        bias=bias,
        similarity=similarity,
        reduction=reduction,
    )(first, second, weight=weight, where=where)


@function_form(SupervisedContrastive)
def supervised_contrastive(
    embeddings: Array,
    labels: Array,
    *,
    temperature: Real | Sequence[float] = 0.1,
    similarity: str = "cosine",
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Cross entropy of telling each embedding's positives, all at once, from the whole batch: with labels of classes.

    .. math:: l_i = -\frac{1}{|P_i|} \sum_{p \in P_i} \log \frac{\exp(s_{ip})}{\sum_{a \ne i} \exp(s_{ia})};
        \quad s_{ij} = \cos(\mathrm{embeddings}_i, \mathrm{embeddings}_j) / \mathrm{temperature}

    with the positives P, which are the other embeddings of the same label.

    Parameters
    ----------
    embeddings : array, shape (N, D)
        Floating.
    labels : array, shape (N,)
        Integers of any value: equal ones belong together.
    temperature : float, default 0.1
        What similarities are divided by, above 0: the smaller, the more the nearest embeddings count.
    similarity : {"cosine", "dot"}, default "cosine"
        Of two embeddings. With "dot", vectors of any length are compared by their product.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
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
    nt_xent : Without labels of classes.
    multi_similarity : With thresholds.
    cross_entropy : For the classes themselves.

    Notes
    -----
    An item is an embedding as anchor, and all count alike, however many positives they have; one without a positive is
    left out of the mean, though it is compared with others. It is the paper's loss with the sum outside of the
    logarithm. The authors' code multiplies it by temperature / 0.07.

    What `where` leaves out is neither anchor nor compared with any. Large batches are computed in chunks, as by
    `info_nce`.

    References
    ----------
    Khosla et al., Supervised contrastive learning (2020). https://arxiv.org/abs/2004.11362

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> embeddings = np.asarray([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0], [3.0, 4.0]])
    >>> round(float(al.supervised_contrastive(embeddings, np.asarray([0, 0, 0, 1]), temperature=1.0)), 6)
    1.288427
    """
    return SupervisedContrastive.made(
        temperature=temperature,
        similarity=similarity,
        reduction=reduction,
    )(embeddings, labels, weight=weight, where=where)
