"""Losses of a sequence of labels whose places in a longer sequence are not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .. import special
from .._array_api import Array, array_namespace, single_device
from ..arguments import require_integer, require_nonnegative, require_one_of_type
from ..numerics import elementwise, indexing, logarithms, recurrence, reductions
from ..registry import register
from ._base import PureLoss

__all__ = ["Ctc"]

_NONE = float("-inf")
"""The logarithm of no chance at all."""


def _places(lengths: Array, size: int) -> Array:
    """The places of an axis that lengths are of, along an axis of its own."""
    places = array_namespace(lengths).arange(size, dtype=lengths.dtype, device=single_device(lengths))
    return places[(*(None,) * lengths.ndim, slice(None))]


def _in_use(lengths: Array, size: int) -> Array:
    """One boolean for each place of an axis: whether it lies within the length."""
    return _places(lengths, size) < lengths[..., None]


@dataclass(frozen=True, kw_only=True)
class _Alignment(PureLoss):
    """What the losses of all alignments share."""

    in_blocks: ClassVar[bool] = False

    blank: int = 0
    from_logits: bool = True
    zero_infinity: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer(blank=self.blank)
        require_nonnegative(blank=self.blank)
        require_one_of_type(bool, from_logits=self.from_logits, zero_infinity=self.zero_infinity)

    def _log_probabilities(self, logits: Array, used: Array) -> Array:
        """The log-probabilities; of what is not used, which may hold anything, those of zeros."""
        if self.blank >= logits.shape[-1]:
            raise ValueError(f"`blank` must be one of {logits.shape[-1]} classes, counted from 0, got {self.blank}")
        logits = special.where(used[..., None], logits, 0.0)
        return special.log_softmax(logits) if self.from_logits else logits

    def _is_feasible(self, log_total: Array, possible: Array) -> Array:
        return array_namespace(log_total).logical_and(possible, log_total != _NONE)

    def _value(self, log_total: Array, possible: Array) -> Array:
        infinity = 0.0 if self.zero_infinity else float("inf")
        return special.where(self._is_feasible(log_total, possible), 0.0 - log_total, infinity)


@register
@dataclass(frozen=True, kw_only=True)
class Ctc(_Alignment):
    r"""Connectionist temporal classification: labels in order, at unknown places of more frames, as in speech.

    .. math:: l = -\log \sum_{alignments} \prod_t p_t(alignment_t); \quad p = softmax(logits)

    An alignment says one class or the blank of each frame; it stands for the labels that are left when each run of one
    class is made one, and then the blanks are taken out.

    Parameters
    ----------
    blank : int, default 0
        The class that stands for no label, in [0, C).
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise log-probabilities.
    zero_infinity : bool, default False
        Whether the loss of labels that no alignment stands for is 0, and not infinity.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (..., T, C)
        Floating: what the model says of each of T frames, with the classes last. A sequence alone, (T, C), is one item.
    labels : array, shape (..., L)
        Integer labels in [0, C), without blanks.
    input_lengths : array, shape (...), optional
        Integers: how many of the frames are in use, counted from the first; all of them where it is not given.
    label_lengths : array, shape (...), optional
        Integers: how many of the labels are in use. What is beyond the lengths may hold anything.

    Notes
    -----
    An item is a sequence. Of padding, lengths are made by ``xp.sum(labels >= 0, axis=-1)``.

    Labels that need more frames than there are (one each, and one more between two that are equal), and labels among
    which is the blank, are those of no alignment: the loss is infinite, and the gradient is 0.

    The mean is that of the sequences, as in Keras. PyTorch's divides each loss by the number of its labels, at least 1,
    before; ``weight=1 / xp.maximum(label_lengths, 1)`` with reduction "sum", divided by the number of sequences, is
    the same. PyTorch takes log-probabilities, with the time first. The gradient by log-probabilities is that of the
    formula; PyTorch's is the one by logits.

    Keras counts labels other than 0, whichever the place, and is finite where there is no alignment; so is Optax.

    References
    ----------
    Graves, Fernández, Gomez and Schmidhuber, Connectionist temporal classification: labelling unsegmented sequence data
    with recurrent neural networks (2006). https://doi.org/10.1145/1143844.1143891

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits = np.zeros((1, 3, 4))
    >>> round(float(al.ctc(logits, np.asarray([[1, 2]]))), 6)
    2.549445
    >>> float(al.ctc(logits, np.asarray([[1, 1, 2]])))  # two equal labels want a blank in between
    inf
    """

    arrays = (
        "logits[..., T, C]: real if from_logits else log_distribution, labels[..., L]: class, "
        "input_lengths?[...]: length of T, label_lengths?[...]: length of L -> [...]"
    )

    closed_forms: ClassVar[tuple[int, ...]] = (0,)

    def call(self, logits: Array, labels: Array, input_lengths: Array, label_lengths: Array) -> Array:
        alignments = _Ctc(self, logits, labels, input_lengths, label_lengths)
        return self._value(alignments.forward()[0], alignments.possible)

    # By a log-probability minus the share of the alignments that have this class in the frame; by a logit p more
    def value_and_derivatives(
        self, positions: tuple[int, ...], logits: Array, labels: Array, input_lengths: Array, label_lengths: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        xp = array_namespace(logits, labels)
        alignments = _Ctc(self, logits, labels, input_lengths, label_lengths)
        log_total, *kept = alignments.forward(keep=True)
        shares = indexing.move_axis(alignments.backward(*kept), 0, -2)
        mask = indexing.one_hot_mask(alignments.classes[..., None], logits, -1)
        derivative = -xp.matmul(shares, xp.astype(mask, shares.dtype))
        if self.from_logits:
            derivative = xp.exp(alignments.log_p) + derivative
        counts = xp.logical_and(alignments.used, self._is_feasible(log_total, alignments.possible)[..., None])
        return self._value(log_total, alignments.possible), (special.where(counts[..., None], derivative, 0.0),)


class _Ctc:
    """The alignments of a batch, each a way through the states blank, label, blank, label, ..., blank."""

    def __init__(self, loss: _Alignment, logits: Array, labels: Array, inputs: Array, lengths: Array) -> None:
        xp = array_namespace(logits, labels)
        self.xp, self.loss = xp, loss
        self.used = _in_use(inputs, logits.shape[-2])
        self.log_p = loss._log_probabilities(logits, self.used)
        blank = xp.full_like(lengths[..., None], loss.blank)
        states = _places(lengths, 2 * labels.shape[-1] + 1)
        self.classes = xp.where(states % 2 == 1, indexing.join(xp.repeat(labels, 2, axis=-1), blank), blank)
        # From a label to the next one, over the blank between them, unless they are equal.
        self.passes = self.classes != indexing.join(blank, blank, self.classes)[..., :-2]
        ahead = 2 * lengths[..., None] - states
        self.is_end = xp.logical_or(ahead == 0, ahead == 1)
        barred = xp.logical_and(labels == loss.blank, _in_use(lengths, labels.shape[-1]))
        self.possible = xp.logical_not(xp.any(barred, axis=-1))
        self.in_use = indexing.move_axis(self.used, -1, 0)[..., None]
        emitted = indexing.move_axis(indexing.take_columns(self.log_p, self.classes), -2, 0)
        self.emitted = special.where(ahead >= 0, emitted, _NONE)
        zeros = xp.sum(self.emitted[:0, ...], axis=0)
        self.start, self.nowhere = special.where(states == 0, zeros, _NONE), zeros[..., :1] + _NONE

    def _sources(self, a: Array) -> tuple[Array, Array, Array]:
        """What ways come from to each state: the state itself, the one before, and that before a blank passed over."""
        padded = indexing.join(self.nowhere, self.nowhere, a)
        return a, padded[..., 1:-1], special.where(self.passes, padded[..., :-2], _NONE)

    # With e for the log-probability of a state's class, that of all ways to state s in t frames is
    # a_t(s) = e_t(s) + log (exp a_{t-1}(s) + exp a_{t-1}(s - 1) + exp a_{t-1}(s - 2)), of which the largest in each
    # frame is kept apart, so that the differences of the others from it keep their digits.
    def forward(self, *, keep: bool = False) -> tuple[Array, Array, Any]:
        """The log-probability of the labels, the shares of the last states, and a before each frame, to `keep`."""

        def step(state: tuple[Array, Array], emitted: Array, used: Array) -> tuple[Any, Array | None]:
            a, total = state
            after = special.where(used, emitted + logarithms.logaddexp(*self._sources(a)), a)
            largest = special.stop_gradient(reductions.reduce_max(after, -1))
            largest = special.where(largest == _NONE, 0.0, largest)
            return (after - largest, total + largest), a if keep else None

        initial = self.start, self.xp.zeros_like(self.nowhere)
        (a, total), before = recurrence.scan(step, initial, self.emitted, self.in_use)
        ends = special.where(self.is_end, a, _NONE)
        log_rest = special.logsumexp(ends)
        shares = self.xp.exp(ends - elementwise.at_least_lowest(log_rest)[..., None])
        return total[..., 0] + log_rest, shares, before

    # g_t(s), the share of the ways that are in state s at t, goes back to the sources of s by their shares in the sum
    # above. It is minus the derivative by e_t(s).
    def backward(self, shares: Array, before: Array) -> Array:
        xp = self.xp
        zero = xp.zeros_like(self.nowhere)

        def step(g: Array, a: Array, used: Array) -> tuple[Array, Array]:
            sources = self._sources(a)
            largest = elementwise.at_least_lowest(xp.maximum(xp.maximum(sources[0], sources[1]), sources[2]))
            stays, moves, passes = [xp.exp(x - largest) for x in sources]
            part = g / special.clip(stays + moves + passes, 1.0)
            moved = indexing.join(part * moves, zero)[..., 1:]
            passed = indexing.join(part * passes, zero, zero)[..., 2:]
            return special.where(used, part * stays + moved + passed, g), special.where(used, g, 0.0)

        return recurrence.scan(step, shares, before, self.in_use, reverse=True)[1]
