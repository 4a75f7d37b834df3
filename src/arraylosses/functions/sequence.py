"""Losses of a sequence of labels whose places in a longer sequence are not known.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from .._array_api import Array
from ..loss_function import function_form
from ..losses.sequence import Ctc, Transducer
from ..reduction import Reduction

__all__ = ["ctc", "transducer"]


@function_form(Ctc)
def ctc(
    logits: Array,
    labels: Array,
    input_lengths: Array | None = None,
    label_lengths: Array | None = None,
    *,
    blank: int = 0,
    from_logits: bool = True,
    zero_infinity: bool = False,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Connectionist temporal classification: labels in order, at unknown places of more frames, as in speech.

    .. math:: l = -\log \sum_{\mathrm{alignments}} \prod_t p_t(\mathrm{alignment}_t);
        \quad p = \mathrm{softmax}(\mathrm{logits})

    An alignment says one class or the blank of each frame; it stands for the labels that are left when each run of one
    class is made one, and then the blanks are taken out.

    Parameters
    ----------
    logits : array, shape (..., T, C)
        Floating: what the model says of each of T frames, with the classes last. A sequence alone, (T, C), is one item.
    labels : array, shape (..., L)
        Integer labels in [0, C), without blanks.
    input_lengths : array, shape (...), optional
        Integers: how many of the frames are in use, counted from the first; all of them where it is not given.
    label_lengths : array, shape (...), optional
        Integers: how many of the labels are in use. What is beyond the lengths may hold anything.
    blank : int, default 0
        The class that stands for no label, in [0, C).
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise log-probabilities.
    zero_infinity : bool, default False
        Whether the loss of labels that no alignment stands for is 0, and not infinity.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `logits` without its last axis for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return Ctc.made(
        blank=blank,
        from_logits=from_logits,
        zero_infinity=zero_infinity,
        reduction=reduction,
    )(logits, labels, input_lengths, label_lengths, weight=weight, where=where)


@function_form(Transducer)
def transducer(
    logits: Array,
    labels: Array,
    input_lengths: Array | None = None,
    label_lengths: Array | None = None,
    *,
    blank: int = 0,
    from_logits: bool = True,
    zero_infinity: bool = False,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Recurrent neural network transducer: labels in order, any number of them at each frame, as in streamed speech.

    .. math:: l = -\log \sum_{\mathrm{alignments}} \prod_k p_{t_k u_k}(\mathrm{alignment}_k);
        \quad p = \mathrm{softmax}(\mathrm{logits})

    After t frames and u labels, the model says a class of the next step: the next label, or the blank, which goes on to
    the next frame. An alignment is a way through all frames and labels.

    Parameters
    ----------
    logits : array, shape (..., T, U + 1, C)
        Floating: what the model says after t frames and u labels, with the classes last. One sequence, (T, U + 1, C),
        is one item.
    labels : array, shape (..., U)
        Integer labels in [0, C), without blanks.
    input_lengths : array, shape (...), optional
        Integers: how many of the frames are in use, counted from the first; all of them where it is not given.
    label_lengths : array, shape (...), optional
        Integers: how many of the labels are in use. What is beyond the lengths may hold anything.
    blank : int, default 0
        The class that goes on to the next frame, in [0, C).
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise log-probabilities.
    zero_infinity : bool, default False
        Whether the loss of labels that no alignment stands for is 0, and not infinity.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `logits` without its last axis for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return Transducer.made(
        blank=blank,
        from_logits=from_logits,
        zero_infinity=zero_infinity,
        reduction=reduction,
    )(logits, labels, input_lengths, label_lengths, weight=weight, where=where)
