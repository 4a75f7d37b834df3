"""The adaptive softmax, as an object that holds its layers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from ... import special
from ..._array_api import Array, array_namespace
from ...adaptive_softmax import adaptive_log_softmax
from ...numerics import indexing
from ._calls import in_dtype_of, library, like, over
from ._layers import Layered, Linear

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class ASMoutput(NamedTuple):
    """What `AdaptiveLogSoftmaxWithLoss` returns."""

    output: Array
    """The log-probability of each label."""
    loss: Array
    """Minus their mean."""


class AdaptiveLogSoftmaxWithLoss(Layered):
    r"""`adaptive_log_softmax` as an object, which holds the layers of the head and of the tail.

    .. math:: l = -\frac{1}{N} \sum_n \log p_n(\mathrm{target}_n)

    Parameters
    ----------
    in_features, n_classes : int
        How many features go in, and how many classes there are, the more frequent ones first.
    cutoffs : sequence of int
        Where each cluster of the tail begins, in increasing order, between 1 and `n_classes` - 1.
    div_value : float, default 4.0
        Cluster k is computed of ``in_features // div_value**(k + 1)`` features.
    head_bias : bool, default False
        Whether the head has a bias.
    device, dtype : optional
        The dtype of the arrays to begin with; they follow the device of the arrays of a call.

    Attributes
    ----------
    head : Linear
    tail : list of (Linear, Linear)
        The layers, whose arrays begin as NumPy's, drawn as torch draws them. ``load_state_dict`` takes those of torch's
        own module.

    Raises
    ------
    ValueError
        If `cutoffs` is no such sequence, or a cluster is left without features.

    Notes
    -----
    It is called with ``input``, of shape (N, in_features) or (in_features), and with integer labels of shape (N) or (),
    and returns a named tuple: `output`, the log-probability of each label, and `loss`, minus their mean.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveLogSoftmaxWithLoss.html

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import torch as nn
    >>> criterion = nn.AdaptiveLogSoftmaxWithLoss(16, 20, cutoffs=[5, 10])
    >>> output, loss = criterion(np.ones((3, 16)), np.asarray([0, 7, 19]))
    >>> output.shape, loss.shape
    ((3,), ())
    >>> criterion.log_prob(np.ones((3, 16))).shape
    (3, 20)
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        cuts = list(cutoffs)
        ends = [0, *cuts, n_classes]
        if not cuts or any([int(c) != c for c in cuts]) or any([a >= b for a, b in itertools.pairwise(ends)]):
            raise ValueError(f"`cutoffs` must hold increasing integers between 1 and {n_classes - 1}, got {cuts}")
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, [*cuts, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = cuts[0], len(cuts)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, dtype)
        self.tail = []
        for k, (start, stop) in enumerate(itertools.pairwise(self.cutoffs)):
            hidden = int(in_features // div_value ** (k + 1))
            if hidden < 1:
                raise ValueError(f"`div_value` must leave each cluster a feature of {in_features}, got {div_value}")
            layers = Linear(in_features, hidden, False, dtype), Linear(hidden, stop - start, False, dtype)
            self.tail.append(layers)

    def layers(self) -> dict[str, Linear]:
        of_tail = {f"tail.{k}.{i}": layer for k, pair in enumerate(self.tail) for i, layer in enumerate(pair)}
        return {"head": self.head, **of_tail}

    def forward(self, input_: Array, target_: Array) -> ASMoutput:
        """Return the log-probability of each label, and minus their mean."""
        library(input=input_, target=target_)
        if target_.ndim > 1 or input_.ndim != target_.ndim + 1:
            raise ValueError(
                "`input` must have shape (N, D) with `target` (N), or (D) with (), got "
                f"{tuple(input_.shape)} and {tuple(target_.shape)}"
            )
        tail = [(like(first.weight, input_), like(second.weight, input_)) for first, second in self.tail]
        weight, bias = like(self.head.weight, input_), like(self.head.bias, input_)
        items = adaptive_log_softmax(input_, weight, tail, target_, bias, reduction="none")
        total = array_namespace(items).sum(items)
        loss = over(total, items.shape[0] if items.ndim else 1)
        return ASMoutput(in_dtype_of(-items, input_), in_dtype_of(loss, input_))

    def log_prob(self, input: Array) -> Array:
        """Return the log-probabilities of all classes, of shape (N, n_classes)."""
        of_head = special.log_softmax(self.head(input))
        parts = [of_head[..., : self.shortlist_size]]
        for k, (first, second) in enumerate(self.tail):
            place = self.shortlist_size + k
            parts.append(special.log_softmax(second(first(input))) + of_head[..., place : place + 1])
        return indexing.join(*parts)

    def predict(self, input: Array) -> Array:
        """Return the most probable class of each row."""
        return array_namespace(input).argmax(self.log_prob(input), axis=-1)
