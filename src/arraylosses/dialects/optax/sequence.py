"""Connectionist temporal classification, as Optax calls it."""

from __future__ import annotations

from typing import Any

from ... import functions, special
from ..._array_api import Array, array_namespace, dtype_kind
from ...losses.sequence import Ctc
from ...numerics import indexing, logarithms, sorting
from .._common import speaks
from ._arguments import in_dtype_of, require_arrays, together

__all__ = ["ctc_loss", "ctc_loss_with_forward_probs"]

_in_its_words = speaks(
    functions.ctc, labels="labels", input_lengths="logit_paddings", label_lengths="label_paddings", blank="blank_id"
)


@_in_its_words
def ctc_loss(
    logits: Array,
    logit_paddings: Array,
    labels: Array,
    label_paddings: Array,
    *,
    blank_id: int = 0,
    log_epsilon: Any = -1e5,
) -> Array:
    r"""Connectionist temporal classification: labels in order, at unknown places of more frames.

    .. math:: l = -\log \sum_{\mathrm{alignments}} \prod_t p_t(\mathrm{alignment}_t);
        \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    logits : array, shape (B, T, K)
        Floating: what the model says of each frame.
    logit_paddings : array, shape (B, T)
        1 for a frame that is padding, else 0; anywhere.
    labels : array, shape (B, N)
        Integers in [0, K), without blanks.
    label_paddings : array, shape (B, N)
        1 for a label that is padding, else 0; padding stands to the right, and may hold anything.
    blank_id : int, default 0
        The class that stands for no label.
    log_epsilon : float, default -1e5
        The least log-probability: the loss of labels that no alignment stands for is its negative.

    Returns
    -------
    array, shape (B,)
        One loss a sequence, of the dtype of `logits`.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    See Also
    --------
    arraylosses.ctc

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> logits, labels = np.zeros((1, 3, 4)), np.asarray([[1, 2]])
    >>> optax.ctc_loss(logits, np.zeros((1, 3)), labels, np.zeros((1, 2))).round(6).tolist()
    [2.549445]
    """
    require_arrays(logits=logits, logit_paddings=logit_paddings, labels=labels, label_paddings=label_paddings)
    arrays = together(logits, logit_paddings, labels, label_paddings)
    return in_dtype_of(_loss(*arrays, blank=blank_id, log_epsilon=log_epsilon), arrays[0])


def _loss(
    logits: Array, logit_paddings: Array, labels: Array, label_paddings: Array, *, blank: int, log_epsilon: Any
) -> Array:
    xp = array_namespace(logits, logit_paddings, labels, label_paddings)
    _check_paddings(logits, logit_paddings, labels, label_paddings)
    used = _used(logit_paddings)
    # The frames in use first, in their order, since what stands between them has no part in any alignment.
    order = xp.argsort(1 - used, axis=-1, stable=True)
    logits = sorting.reordered(logits, xp.broadcast_to(order[..., None], logits.shape), -2)
    lengths = [xp.sum(kept, axis=-1) for kept in (used, _used(label_paddings))]
    loss = functions.ctc(logits, labels, *lengths, blank=blank, reduction="none")
    return special.clip(loss, None, -log_epsilon)


def _used(paddings: Array) -> Array:
    """1 for what is in use, else 0."""
    xp = array_namespace(paddings)
    return xp.astype(paddings == 0, xp.int32)


def _check_paddings(logits: Array, logit_paddings: Array, labels: Array, label_paddings: Array) -> None:
    for name, x, of, wanted in (
        ("logit_paddings", logit_paddings, "logits", tuple(logits.shape[:-1])),
        ("label_paddings", label_paddings, "labels", tuple(labels.shape)),
    ):
        if tuple(x.shape) != wanted:
            raise ValueError(f"`{name}` must have one number for each place of `{of}`, {wanted}, got {tuple(x.shape)}")


@_in_its_words
def ctc_loss_with_forward_probs(
    logits: Array,
    logit_paddings: Array,
    labels: Array,
    label_paddings: Array,
    *,
    blank_id: int = 0,
    log_epsilon: Any = -1e5,
) -> tuple[Array, Array, Array]:
    r"""Compute `ctc_loss`, and the forward log-probabilities of which it is the sum.

    Parameters
    ----------
    logits, logit_paddings, labels, label_paddings, blank_id, log_epsilon
        As in `ctc_loss`.

    Returns
    -------
    loss : array, shape (B,)
        One loss a sequence.
    logalpha_blank : array, shape (T, B, N + 1)
        After each frame, the log-probability of all beginnings of alignments that end in a blank after n labels; after
        the last one, of all that have said n labels.
    logalpha_nonblank : array, shape (T, B, N)
        The same of those that end in label n. Both are `log_epsilon` where there are none.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit: see `Loss`.

    References
    ----------
    Graves, Fernández, Gomez and Schmidhuber, Connectionist temporal classification: labelling unsegmented sequence data
    with recurrent neural networks (2006). https://doi.org/10.1145/1143844.1143891

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import optax
    >>> arrays = np.zeros((1, 3, 4)), np.zeros((1, 3)), np.asarray([[1, 2]]), np.zeros((1, 2))
    >>> loss, blanks, labels = optax.ctc_loss_with_forward_probs(*arrays)
    >>> bool(np.isclose(blanks[-1, 0, -1], -loss[0]))
    True
    """
    require_arrays(logits=logits, logit_paddings=logit_paddings, labels=labels, label_paddings=label_paddings)
    logits, logit_paddings, labels, label_paddings = together(logits, logit_paddings, labels, label_paddings)
    loss = _loss(logits, logit_paddings, labels, label_paddings, blank=blank_id, log_epsilon=log_epsilon)
    xp = array_namespace(logits, labels)
    wide = xp.astype(logits, xp.float32) if dtype_kind(logits.dtype) == "half" else logits
    kept = _used(label_paddings)
    labels, lengths = xp.where(kept == 1, labels, xp.zeros_like(labels)), xp.sum(kept, axis=-1)
    used = _used(logit_paddings) == 1
    blanks, of_labels = Ctc(blank=blank_id).forward_log_probabilities(wide, labels, used, lengths)
    last = logarithms.logaddexp(blanks[-1, ...], indexing.join(blanks[-1, :, :1] + float("-inf"), of_labels[-1, ...]))
    blanks = xp.concat([blanks[:-1, ...], last[None, ...]])
    blanks, of_labels = special.clip(blanks, log_epsilon), special.clip(of_labels, log_epsilon)
    return in_dtype_of(loss, logits), in_dtype_of(blanks, logits), in_dtype_of(of_labels, logits)
