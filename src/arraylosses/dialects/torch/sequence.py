"""Connectionist temporal classification, of which torch has the time on the first axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..._array_api import Array, array_namespace, as_array, is_array, is_eager_jax, is_eager_numpy, is_eager_torch
from ...losses.sequence import Ctc
from ...numerics import indexing
from .._common import one_program, speaks
from ._calls import chosen, in_dtype_of, library, over
from ._criterion import Criterion

__all__ = ["CTCLoss", "ctc_loss"]


@speaks(Ctc)
def ctc_loss(
    log_probs: Array,
    targets: Array,
    input_lengths: Array | Sequence[int] | int,
    target_lengths: Array | Sequence[int] | int,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Array:
    r"""Connectionist temporal classification: `ctc`, of log-probabilities with the time on the first axis.

    .. math:: l = -\log \sum_{\mathrm{alignments}} \prod_t p_t(\mathrm{alignment}_t);
        \quad p = \exp(\mathrm{log\_probs})

    Parameters
    ----------
    log_probs : array, shape (T, N, C) or (T, C)
        Floating log-probabilities of the classes in each of T frames.
    targets : array, shape (N, S), (sum of `target_lengths`) or (S)
        Integer labels in [0, C), without blanks: padded, or those of all sequences one after the other.
    input_lengths, target_lengths : array or sequence of int, shape (N) or ()
        How many of the frames and of the labels are in use.
    blank : int, default 0
        The class that stands for no label.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is that of each loss over the number of its labels, at least 1; of no sequence it is NaN.
    zero_infinity : bool, default False
        Whether the loss of labels that no alignment stands for is 0, and not infinity.

    Returns
    -------
    array
        Of shape (), or for "none" (N) or (); in the dtype of `log_probs`.

    Raises
    ------
    ValueError
        If the shapes or the lengths do not fit, a label is no class, or there is no such reduction.

    Notes
    -----
    The gradient is that of the formula. torch's is that by the logits whose log-softmax `log_probs` is, which comes to
    the same in front of a log-softmax.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.ctc_loss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as F
    >>> log_probs = np.full((3, 1, 4), -np.log(4.0))
    >>> round(float(F.ctc_loss(log_probs, np.asarray([[1, 2]]), (3,), (2,), reduction="sum")), 6)
    2.549445
    """
    reduction = chosen(reduction)
    library(log_probs=log_probs, targets=targets)
    lengths = [x if is_array(x) else as_array(x, targets, targets.dtype) for x in (input_lengths, target_lengths)]
    longest = None
    if targets.ndim == 1:
        _require_all(lengths[1], targets.shape[0])
        longest = _largest(lengths[1], targets.shape[0]) if log_probs.ndim > 2 else None
    loss = Ctc.made(blank=blank, from_logits=False, zero_infinity=zero_infinity, reduction="none")
    value = _compute(log_probs, targets, *lengths, loss=loss, reduction=reduction, longest=longest)
    return in_dtype_of(value, log_probs)


@one_program
def _compute(
    log_probs: Array,
    targets: Array,
    input_lengths: Array,
    target_lengths: Array,
    *,
    loss: Ctc,
    reduction: str,
    longest: int | None,
) -> Array:
    xp = array_namespace(log_probs)
    if log_probs.ndim == 2:
        input_lengths, target_lengths = (xp.reshape(x, ()) for x in (input_lengths, target_lengths))
    else:
        log_probs = indexing.move_axis(log_probs, 0, 1)
    if longest is not None:
        targets = _parted(targets, target_lengths, longest)
    items = loss(log_probs, targets, input_lengths, target_lengths)
    if reduction == "none":
        return items
    if reduction == "sum":
        return xp.sum(items)
    counts = xp.astype(target_lengths, items.dtype)
    return over(xp.sum(items / xp.where(counts < 1, xp.ones_like(counts), counts)), items.shape[0] if items.ndim else 1)


def _seen(x: Array) -> bool:
    return is_eager_numpy(x) or is_eager_torch(x) or is_eager_jax(x)


def _require_all(lengths: Array, labels: int) -> None:
    """Refuse joined labels of which some belong to no sequence, or lack, where the lengths can be looked at."""
    if _seen(lengths) and (total := int(array_namespace(lengths).sum(lengths))) != labels:
        raise ValueError(
            f"`targets` of one axis must have as many labels as `target_lengths` add up to, {total}, got {labels}"
        )


def _largest(lengths: Array, bound: int) -> int:
    """Return the largest of some lengths where these can be looked at, else what none of them exceeds."""
    return int(array_namespace(lengths).max(lengths)) if _seen(lengths) and 0 not in lengths.shape else bound


def _parted(joined: Array, lengths: Array, longest: int) -> Array:
    """Part labels that stand one after the other: a row for each sequence, with padding."""
    xp = array_namespace(joined, lengths)
    if not longest:
        return xp.zeros((lengths.shape[0], 0), dtype=joined.dtype)
    starts = xp.cumulative_sum(lengths) - lengths
    places = starts[:, None] + indexing.places(lengths, longest, lengths.dtype)[None, :]
    last = max(joined.shape[0] - 1, 0)
    places = xp.where(places > last, xp.full_like(places, last), places)
    return xp.reshape(xp.take(joined, xp.reshape(places, (-1,)), axis=0), places.shape)


@dataclass(eq=False)
class CTCLoss(Criterion):
    """`ctc_loss` as an object, which keeps its settings."""

    function = staticmethod(ctc_loss)

    blank: int = 0
    reduction: str = "mean"
    zero_infinity: bool = False
