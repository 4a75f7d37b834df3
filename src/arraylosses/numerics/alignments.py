"""The alignments of a sequence of labels with one of frames, where a library has a kernel for all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._array_api import Array, Namespace, dtype_name
from ._variants import primitive
from .elementwise import at_least_lowest

_MOST = 2.0**28
"""Minus the logarithm of a whole beyond which the digits of a share, that of a difference, are too few for float32."""


# Its logarithms are those of whole beginnings and ends, hundreds below 0, of which a difference has a digit for each
# two digits of its precision: so it takes twice that of the result, in hardly more time.
def _ctc_in_place(
    library: Any, log_p: Array, labels: Array, frames: Array, counts: Array, blank: int, *, derivative: bool
) -> tuple[Array, Array | None] | None:
    if library is np or not log_p.is_cpu or dtype_name(log_p.dtype) != "float32" or 0 in log_p.shape:
        return None
    rows = log_p.reshape(-1, *log_p.shape[-2:]).transpose(0, 1).double()
    given = labels.reshape(rows.shape[1], -1).long(), frames.reshape(-1).long(), counts.reshape(-1).long()
    nll, ways = library._ctc_loss(rows, *given, blank, True)
    log_total = -nll.reshape(log_p.shape[:-2]).float()
    if not derivative:
        return log_total, None
    if bool(((nll > _MOST) & nll.isfinite()).any()):
        return None
    # A frame without a way in it has a share of 0, and not that of a difference of infinities.
    kept = at_least_lowest(rows), *given, nll, ways
    by_logits = library.ops.aten._ctc_loss_backward(library.ones_like(nll), *kept, blank, True)
    return log_total, by_logits.transpose(0, 1).float().reshape(log_p.shape)


@primitive(arrays=4, in_place=_ctc_in_place)
def ctc(
    _: Namespace, log_p: Array, labels: Array, frames: Array, counts: Array, blank: int, *, derivative: bool
) -> tuple[Array, Array | None] | None:
    """The log-probability of labels over all alignments, and p less the share of each class, if it is asked for.

    None where there is no kernel for it.
    """
    return None
