"""Losses of a sequence of labels whose places in a longer sequence are not known."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, ClassVar

from .. import special
from .._array_api import Array, array_namespace, broadcast_to
from ..arguments import require_integer, require_nonnegative, require_one_of_type
from ..numerics import alignments, elementwise, indexing, logarithms, recurrence, reductions
from ..registry import register
from ._base import PureLoss

__all__ = ["Ctc", "Transducer"]

_NONE = float("-inf")
"""The logarithm of no chance at all."""


def _places(lengths: Array, size: int) -> Array:
    """The places of an axis that lengths are of, along an axis of its own."""
    places = indexing.places(lengths, size, lengths.dtype)
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

    def _are_possible(self, labels: Array, lengths: Array) -> Array:
        """Whether no label in use is the blank, which stands for none."""
        xp = array_namespace(labels)
        is_blank = xp.logical_and(labels == self.blank, _in_use(lengths, labels.shape[-1]))
        return xp.logical_not(xp.any(is_blank, axis=-1))

    def _is_feasible(self, log_total: Array, possible: Array) -> Array:
        return array_namespace(log_total).logical_and(possible, log_total != _NONE)

    def _value(self, log_total: Array, possible: Array) -> Array:
        infinity = 0.0 if self.zero_infinity else float("inf")
        return special.where(self._is_feasible(log_total, possible), 0.0 - log_total, infinity)


def _leveled(ways: Array, total: Array) -> tuple[Array, Array]:
    """Log-probabilities counted from the largest, so that their differences keep the digits, and the sum of these."""
    largest = special.stop_gradient(reductions.reduce_max(ways, -1))
    largest = special.where(largest == _NONE, 0.0, largest)
    return ways - largest, total + largest


def _parts(log_p: Array) -> Array:
    """The part of each state in the sum of their exponentials; 0 where that is 0."""
    xp = array_namespace(log_p)
    parts = xp.exp(log_p - elementwise.at_least_lowest(reductions.reduce_max(log_p, -1)))
    return parts / special.clip(xp.sum(parts, axis=-1, keepdims=True), 1.0)


def _parts_of_each(*sources: Array) -> list[Array]:
    """The part of each of several arrays in the sum of their exponentials, element by element; 0 where that is 0."""
    xp = array_namespace(*sources)
    largest = elementwise.at_least_lowest(functools.reduce(xp.maximum, sources))
    parts = [xp.exp(x - largest) for x in sources]
    total = special.clip(sum(parts[1:], parts[0]), 1.0)
    return [part / total for part in parts]


@register("CTC", "CTCLoss", "ctc_loss")
@dataclass(frozen=True, kw_only=True)
class Ctc(_Alignment):
    r"""Connectionist temporal classification: labels in order, at unknown places of more frames, as in speech.

    .. math:: l = -\log \sum_{\mathrm{alignments}} \prod_t p_t(\mathrm{alignment}_t);
        \quad p = \mathrm{softmax}(\mathrm{logits})

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

    See Also
    --------
    transducer : With several labels at one frame.
    cross_entropy : Where each frame has its label.

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
        used = _in_use(input_lengths, logits.shape[-2])
        log_p, possible = self._log_probabilities(logits, used), self._are_possible(labels, label_lengths)
        found = alignments.ctc(log_p, labels, input_lengths, label_lengths, self.blank, derivative=False)
        log_total = _Ctc(self, log_p, labels, used, label_lengths).forward()[0] if found is None else found[0]
        return self._value(log_total, possible)

    # By a log-probability minus the share of the alignments that have this class in the frame; by a logit p more
    def value_and_derivatives(
        self, positions: tuple[int, ...], logits: Array, labels: Array, input_lengths: Array, label_lengths: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        xp = array_namespace(logits, labels)
        used = _in_use(input_lengths, logits.shape[-2])
        log_p, possible = self._log_probabilities(logits, used), self._are_possible(labels, label_lengths)
        found = None
        if self.from_logits:
            found = alignments.ctc(log_p, labels, input_lengths, label_lengths, self.blank, derivative=True)
        if found is None:
            found = self._by_states(log_p, labels, used, label_lengths)
        log_total, derivative = found
        counts = xp.logical_and(used, self._is_feasible(log_total, possible)[..., None])
        return self._value(log_total, possible), (special.where(counts[..., None], derivative, 0.0),)

    def _by_states(self, log_p: Array, labels: Array, used: Array, label_lengths: Array) -> tuple[Array, Array]:
        """The log-probability of the labels, and the derivative of minus it."""
        states = _Ctc(self, log_p, labels, used, label_lengths)
        log_total, *kept = states.forward(keep=True)
        shares = states.backward(*kept)
        is_class = indexing.one_hot_mask(states.classes[..., None], log_p, -1)
        xp = array_namespace(shares)
        derivative = -xp.matmul(shares, xp.astype(is_class, shares.dtype))
        return log_total, xp.exp(log_p) + derivative if self.from_logits else derivative

    def forward_log_probabilities(
        self, logits: Array, labels: Array, used: Array, label_lengths: Array
    ) -> tuple[Array, Array]:
        """Return the log-probabilities of all beginnings of alignments, by the state that they have come to.

        Parameters
        ----------
        logits : array, shape (..., T, C)
            As in a call, float32 or float64.
        labels : array, shape (..., L)
            Integer labels in [0, C); beyond their number, any of these.
        used : array of bool, shape (..., T)
            The frames in use, which need not be the first ones.
        label_lengths : array of int, shape (...)
            How many of the labels are in use.

        Returns
        -------
        blanks : array, shape (T, ..., L + 1)
            After each frame, of those that end in the blank after n labels.
        of_labels : array, shape (T, ..., L)
            After each frame, of those that end in label n. Both are -inf where there are none.
        """
        ways = _Ctc(self, self._log_probabilities(logits, used), labels, used, label_lengths).ways()
        return ways[..., ::2], ways[..., 1::2]


class _Ctc:
    """The alignments of a batch, each a way through the states blank, label, blank, label, ..., blank.

    With e for the log-probability of a state's class, that of all ways to state s in t frames is
    a_t(s) = e_t(s) + log (exp a_{t-1}(s) + exp a_{t-1}(s - 1) + exp a_{t-1}(s - 2)). What is not to count has -infinity
    added: a blank that may not be passed over, and all but a_{t-1}(s) in a frame that is not in use.
    """

    def __init__(self, loss: _Alignment, log_p: Array, labels: Array, used: Array, lengths: Array) -> None:
        xp = array_namespace(log_p, labels)
        blank = xp.full_like(lengths[..., None], loss.blank)
        states = _places(lengths, 2 * labels.shape[-1] + 1)
        # Dask repeats nothing of an axis without entries.
        twice = labels if 0 in labels.shape[-1:] else xp.repeat(labels, 2, axis=-1)
        self.classes = xp.where(states % 2 == 1, indexing.join(twice, blank), blank)
        ahead = 2 * lengths[..., None] - states
        used = indexing.move_axis(used, -1, 0)[..., None]
        emitted = indexing.move_axis(indexing.take_columns(log_p, self.classes), -2, 0)
        self.emitted = special.where(used, special.where(ahead >= 0, emitted, _NONE), 0.0)
        zeros = xp.sum(self.emitted[:0, ...], axis=0)
        self.start = special.where(states == 0, zeros, _NONE)
        self.is_end = xp.logical_or(ahead == 0, ahead == 1)
        # From a label to the next one, over the blank between them, unless they are equal.
        passes = self.classes != indexing.join(blank, blank, self.classes)[..., :-2]
        self.passes = special.where(passes, zeros, _NONE)
        self.moves = special.where(used, xp.zeros_like(self.emitted[..., :1]), _NONE)
        self.nowhere = zeros[..., :1] + _NONE

    @staticmethod
    def _sources(a: Array, moves: Array, passes: Array, nowhere: Array) -> tuple[Array, Array, Array]:
        """What ways come from to each state: the state itself, the one before, and that before a blank passed over."""
        padded = indexing.join(nowhere, nowhere, a)
        return a, padded[..., 1:-1] + moves, padded[..., :-2] + moves + passes

    def forward(self, *, keep: bool = False) -> tuple[Array, Array, Any]:
        """The log-probability of the labels, that of each last state beside it, and a before each frame, to `keep`."""

        def step(state: tuple[Array, Array], emitted: Array, *given: Array) -> tuple[tuple[Array, Array], Array | None]:
            before, total = state
            after = emitted + logarithms.logaddexp(*self._sources(before, *given))
            return _leveled(after, total), before if keep else None

        fixed, initial = (self.passes, self.nowhere), (self.start, array_namespace(self.start).zeros_like(self.nowhere))
        (a, total), before = recurrence.scan(step, initial, self.emitted, self.moves, fixed=fixed)
        ends = special.where(self.is_end, a, _NONE)
        return total[..., 0] + special.logsumexp(ends), ends, before

    # The share of the ways that are in a state goes back to the sources of the state by their parts in the sum above.
    # It is minus the derivative by the log-probability of the state's class.
    def backward(self, ends: Array, before: Array) -> Array:
        """The share of each state in each frame, of all ways."""

        def step(share: Array, stays: Array, moves: Array, passes: Array) -> tuple[Array, Array]:
            zero = array_namespace(share).zeros_like(share[..., :1])
            moved, passed = indexing.join(share * moves, zero), indexing.join(share * passes, zero, zero)
            return share * stays + moved[..., 1:] + passed[..., 2:], share

        nowhere = array_namespace(before).full_like(before[..., :1], _NONE)
        parts = _parts_of_each(*self._sources(before, self.moves, self.passes[None, ...], nowhere))
        shares = recurrence.scan(step, _parts(ends), *parts, reverse=True)[1]
        return indexing.move_axis(shares, 0, -2)

    def ways(self) -> Array:
        """The log-probability of all ways to each state after each frame, with the frames first."""

        def step(a: Array, emitted: Array, *given: Array) -> tuple[Array, Array]:
            a = emitted + logarithms.logaddexp(*self._sources(a, *given))
            return a, a

        fixed = self.passes, self.nowhere
        ways: Array = recurrence.scan(step, self.start, self.emitted, self.moves, fixed=fixed)[1]
        return ways


@register
@dataclass(frozen=True, kw_only=True)
class Transducer(_Alignment):
    r"""Recurrent neural network transducer: labels in order, any number of them at each frame, as in streamed speech.

    .. math:: l = -\log \sum_{\mathrm{alignments}} \prod_k p_{t_k u_k}(\mathrm{alignment}_k);
        \quad p = \mathrm{softmax}(\mathrm{logits})

    After t frames and u labels, the model says a class of the next step: the next label, or the blank, which goes on to
    the next frame. An alignment is a way through all frames and labels.

    Parameters
    ----------
    blank : int, default 0
        The class that goes on to the next frame, in [0, C).
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise log-probabilities.
    zero_infinity : bool, default False
        Whether the loss of labels that no alignment stands for is 0, and not infinity.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (..., T, U + 1, C)
        Floating: what the model says after t frames and u labels, with the classes last. One sequence, (T, U + 1, C),
        is one item.
    labels : array, shape (..., U)
        Integer labels in [0, C), without blanks.
    input_lengths : array, shape (...), optional
        Integers: how many of the frames are in use, counted from the first; all of them where it is not given.
    label_lengths : array, shape (...), optional
        Integers: how many of the labels are in use. What is beyond the lengths may hold anything.

    See Also
    --------
    ctc : With one label a frame, and much cheaper.

    Notes
    -----
    An item is a sequence, and the mean is that of the sequences, as in torchaudio, whose blank is the last class.

    Labels without any frame, and labels among which is the blank, are those of no alignment: the loss is infinite, and
    the gradient is 0.

    References
    ----------
    Graves, Sequence transduction with recurrent neural networks (2012). https://arxiv.org/abs/1211.3711

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits = np.zeros((1, 3, 2, 4))
    >>> round(float(al.transducer(logits, np.asarray([[1]]))), 6)
    4.446565
    """

    arrays = (
        "logits[..., T, S, C]: real if from_logits else log_distribution, labels[..., U]: class, "
        "input_lengths?[...]: length of T, label_lengths?[...]: length of U -> [...]"
    )

    closed_forms: ClassVar[tuple[int, ...]] = (0,)

    def call(self, logits: Array, labels: Array, input_lengths: Array, label_lengths: Array) -> Array:
        alignments = _Transducer(self, logits, labels, input_lengths, label_lengths)
        return self._value(alignments.forward()[0], alignments.possible)

    # By a log-probability minus the share of the alignments that take it; by a logit p for each that comes by, more
    def value_and_derivatives(
        self, positions: tuple[int, ...], logits: Array, labels: Array, input_lengths: Array, label_lengths: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        alignments = _Transducer(self, logits, labels, input_lengths, label_lengths)
        xp = array_namespace(logits, labels)
        log_total, *kept = alignments.forward(keep=True)
        goes_on, labels_next = [x[..., None] for x in alignments.backward(*kept)]
        is_blank = indexing.one_hot_mask(xp.full_like(alignments.next, self.blank), logits, -1)
        is_next = indexing.one_hot_mask(alignments.next, logits, -1)
        derivative = -special.where(is_blank, goes_on, special.where(is_next, labels_next, 0.0))
        if self.from_logits:
            derivative = xp.exp(alignments.log_p) * (goes_on + labels_next) + derivative
        feasible = self._is_feasible(log_total, alignments.possible)[..., None, None]
        counts = xp.logical_and(alignments.used, feasible)
        return self._value(log_total, alignments.possible), (special.where(counts[..., None], derivative, 0.0),)


class _Transducer:
    """The alignments of a batch, each a way from no frame and no label to all of them.

    All places on a diagonal, after t + u steps, are reached at once: the arrays are laid out by diagonals. After the
    last frame in use, a way that has all labels goes on for nothing.
    """

    def __init__(self, loss: _Alignment, logits: Array, labels: Array, inputs: Array, lengths: Array) -> None:
        xp = array_namespace(logits, labels)
        self.frames, rows = logits.shape[-3], logits.shape[-2]
        if rows != labels.shape[-1] + 1:
            raise ValueError(
                f"`logits` must have one row more than there are labels, {labels.shape[-1] + 1}, along axis -2, got "
                f"{rows}; it says what comes after no label too"
            )
        used, places = _in_use(inputs, self.frames), _places(lengths, rows)
        ahead = lengths[..., None] - places
        self.used = xp.logical_and(used[..., :, None], (ahead >= 0)[..., None, :])
        self.log_p = loss._log_probabilities(logits, self.used)
        self.possible = loss._are_possible(labels, lengths)
        labels = indexing.join(labels, xp.full_like(lengths[..., None], loss.blank))[..., None, :]
        self.next = labels[..., None]
        by_label = indexing.gather(self.log_p, broadcast_to(xp, labels, logits.shape[:-1]), -1)
        blank, label = [indexing.move_axis(x, -2, -1) for x in (self.log_p[..., loss.blank], by_label)]
        used, ahead = used[..., None, :], ahead[..., None]
        zeros = xp.sum(blank[..., :0], axis=-1, keepdims=True)  # of each label; and of each pair of two
        zeros = zeros + xp.zeros_like(indexing.move_axis(zeros, -1, -2))
        done, nowhere = special.where(ahead == 0, zeros, _NONE), zeros + _NONE
        blank = special.where(used, blank, special.where(ahead == 0, xp.zeros_like(blank), _NONE))
        label = special.where(xp.logical_and(used, ahead > 0), label, _NONE)
        self.steps = self._by_diagonals(blank, done), self._by_diagonals(label, nowhere)
        zeros = xp.sum(self.steps[0][:0, ...], axis=0)
        self.start, self.fixed = special.where(places == 0, zeros, _NONE), (zeros[..., :1] + _NONE,)

    # Rows of one entry more, written one after the other, are each shifted by one against the row before. So entry t of
    # row u comes to t + u, where `beyond` stands after the last frame.
    def _by_diagonals(self, x: Array, beyond: Array) -> Array:
        rows = x.shape[-2]
        x = indexing.reshape_last(indexing.join(x, beyond), 2, (rows * (self.frames + rows),))
        x = indexing.reshape_last(x[..., : x.shape[-1] - rows], 1, (rows, self.frames + rows - 1))
        return indexing.move_axis(x, -1, 0)

    def _by_frames(self, x: Array) -> Array:
        xp, rows = array_namespace(x), x.shape[-1]
        x = indexing.move_axis(x, 0, -1)
        x = indexing.reshape_last(x, 2, (rows * (self.frames + rows - 1),))
        x = indexing.reshape_last(indexing.join(x, xp.zeros_like(self.start)), 1, (rows, self.frames + rows))
        return indexing.move_axis(x[..., : self.frames], -1, -2)

    @staticmethod
    def _sources(a: Array, blank: Array, label: Array, nowhere: Array) -> tuple[Array, Array]:
        """What ways come from to each place of a diagonal: the frame before, and the label before."""
        return a + blank, indexing.join(nowhere, a + label)[..., :-1]

    # With b and e for the log-probabilities of the blank and of the next label, that of all ways to a place is
    # a(t, u) = log (exp(a(t - 1, u) + b(t - 1, u)) + exp(a(t, u - 1) + e(t, u - 1))).
    def forward(self, *, keep: bool = False) -> tuple[Array, Array, Any]:
        """The log-probability of the labels, that of each last place beside it, and a of each diagonal, to `keep`."""

        def step(state: tuple[Array, Array], *given: Array) -> tuple[tuple[Array, Array], Array | None]:
            before, total = state
            return _leveled(logarithms.logaddexp(*self._sources(before, *given)), total), before if keep else None

        initial = self.start, array_namespace(self.start).zeros_like(self.start[..., :1])
        (a, total), before = recurrence.scan(step, initial, *self.steps, fixed=self.fixed)
        return total[..., 0] + special.logsumexp(a), a, before

    # The share of the ways that are at a place goes back to its sources by their shares in the sum above. What goes by
    # a blank or by a label is minus the derivative by the log-probability of it.
    def backward(self, a: Array, before: Array) -> tuple[Array, Array]:
        """The share of the ways that goes on by the blank, and by the next label, at each place."""

        def step(share: Array, blank: Array, label: Array) -> tuple[Array, Array]:
            xp = array_namespace(share)
            by_blank, by_label = share * blank, share * label
            by_label = indexing.join(by_label, xp.zeros_like(share[..., :1]))[..., 1:]
            return by_blank + by_label, indexing.stack(by_blank, by_label)

        nowhere = array_namespace(before).full_like(before[..., :1], _NONE)
        parts = _parts_of_each(*self._sources(before, *self.steps, nowhere))
        shares = recurrence.scan(step, _parts(a), *parts, reverse=True)[1]
        return self._by_frames(shares[:, 0, ...]), self._by_frames(shares[:, 1, ...])
