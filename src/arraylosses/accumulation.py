"""A loss over more data than is there at once: batch by batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from . import execution
from ._array_api import Array, is_array, to_numpy
from .arguments import in_short
from .loss import Loss, Term
from .reduction import Totals
from .registry import as_json, deserialize, from_json, get, serialize

__all__ = ["Mean"]

_TOTALS = tuple([field.name for field in dataclasses.fields(Totals)])


class Mean:
    """A loss over a stream of batches: exactly the loss of all of them at once, however they are cut.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name
        A loss of any reduction but "none", one that is composed of others included.

    Raises
    ------
    ValueError
        If the reduction is "none", or the items of the loss depend on each other, so that a batch has another loss by
        itself than among others.

    Notes
    -----
    A mean of the batches' means is not the mean of the data, unless all batches have the same sum of weights. This one
    keeps Σ w l, Σ w and the number of rows, in float64, and divides when it is asked for the result. Batches may come
    from different libraries.

    The gradient of a mean over several small batches is had in the same manner: sum the losses of the batches, by
    ``reduction="sum"``, and divide by the sum of all weights, such as the number of tokens.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> mean = al.Mean(al.SquaredError())
    >>> mean.update(np.asarray([1.0, 2.0, 3.0]), np.asarray([0.0, 0.0, 0.0]))
    >>> mean.update(np.asarray([4.0]), np.asarray([0.0]))
    >>> mean.result()
    7.5

    Processes that share the data merge what they have, and a state is plain JSON data:

    >>> other = al.Mean.from_state(mean.state())
    >>> other.merge(mean)
    >>> other.result()
    7.5
    """

    def __init__(self, loss: str | Loss | type[Loss] | Callable[..., Any]) -> None:
        self.loss = get(loss)
        if self.loss.reduction == "none":
            raise ValueError("`loss` must have the reduction 'mean', 'sum' or 'batchmean' for a stream, got 'none'")
        for _, leaf in self.loss.leaves:
            declaration = leaf.declaration
            if declaration.coupled or not declaration.items:
                raise ValueError(
                    f"`loss` must have items that do not depend on each other for a stream, got {type(leaf).__name__}, "
                    "whose value of a batch is none of the whole data"
                )
        self._totals = [Totals()] * len(self.loss.leaves)

    def update(self, *arrays: Any, weight: Any = None, where: Any = None, **named: Any) -> None:
        """Add a batch, by the arguments of a call of the loss.

        Raises
        ------
        TypeError, ValueError
            As a call of the loss does; the batch is not added then.
        """
        if named:
            arrays = self.loss._in_order(arrays, named)
        self._add([_totals_of(term) for term in self.loss.terms(arrays, weight, where)])

    def _add(self, totals: Sequence[Totals]) -> None:
        self._totals = [a + b for a, b in zip(self._totals, totals, strict=True)]

    def result(self) -> float:
        """Return the loss of all batches so far; 0 before the first one."""
        parts = zip(self.loss.leaves, self._totals, strict=True)
        return sum([_number(factor) * float(totals.result(self.loss.reduction)) for (factor, _), totals in parts])

    def merge(self, other: Mean) -> None:
        """Add what another one of the same loss has seen.

        Raises
        ------
        TypeError
            If `other` is no `Mean`.
        ValueError
            If it is one of another loss.
        """
        if not isinstance(other, Mean):
            raise TypeError(f"`other` must be an al.Mean, got {in_short(other)}")
        if other.loss != self.loss:
            raise ValueError(f"`other` must be a mean of {self.loss!r}, got one of {other.loss!r}")
        self._add(other._totals)

    def reset(self) -> None:
        """Forget all batches."""
        self._totals = [Totals()] * len(self.loss.leaves)

    def state(self) -> dict[str, Any]:
        """Return the loss and what it has seen as plain JSON data."""
        totals = [{name: as_json(name, getattr(found, name)) for name in _TOTALS} for found in self._totals]
        return {"loss": serialize(self.loss), "totals": totals}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Mean:
        """Return what `state` described.

        Raises
        ------
        TypeError, ValueError
            If it is no such description.
        """
        if not isinstance(state, Mapping) or set(state) != {"loss", "totals"}:
            said = in_short(state)
            raise TypeError(f"`state` must be a mapping with a loss and totals, as state() returns it, got {said}")
        made = cls(deserialize(state["loss"]))
        given = state["totals"]
        if not isinstance(given, list) or len(given) != len(made._totals):
            raise ValueError(
                f"`totals` must be a list of {len(made._totals)}, one for each loss, got {in_short(given)}"
            )
        for numbers in given:
            if not isinstance(numbers, Mapping) or set(numbers) != set(_TOTALS):
                raise ValueError(f"`totals` must hold {', '.join(map(repr, _TOTALS))}, got {in_short(numbers)}")
        made._add([Totals(**{name: float(from_json(name, x)) for name, x in numbers.items()}) for numbers in given])
        return made

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.loss!r})"


def _totals_of(term: Term) -> Totals:
    """The sums of a batch, in float64."""
    loss = term.loss
    items = _wide(term._replace(loss=dataclasses.replace(loss, reduction="none")).value())
    total = float(np.sum(items))
    if loss.reduction == "mean":
        weight = execution.item_weight(loss, *term[2:])
        return Totals(total, float(items.size if weight is None else np.sum(_wide(weight))))
    return Totals(total, length=float(items.shape[0]) if items.ndim else 1.0)


def _number(factor: Any) -> float:
    """A factor of a loss, which may be an array that is learned."""
    return float(to_numpy(factor) if is_array(factor) else factor)


def _wide(x: Array) -> np.ndarray[Any, Any]:
    return to_numpy(x).astype(np.float64)
