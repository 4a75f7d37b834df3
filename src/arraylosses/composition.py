"""Losses of a model with several outputs: a weighted sum over nested outputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ._array_api import NUMBERS, is_array
from .arguments import FrozenDict, in_short, require_factors
from .loss import CompositeLoss, Loss, Sum, Term, require_losses
from .reduction import Reduction
from .registry import get, register_composite

__all__ = ["WeightedSum", "weighted_sum"]

_OF_TWO = ("prediction", "target")


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class WeightedSum(CompositeLoss):
    """A weighted sum of losses, one for each output of a model, which `weighted_sum` makes.

    Parameters
    ----------
    losses : mapping or sequence of Loss or None
        The loss of each output, by its name or position.
    weights : mapping or sequence of float
        The factor of each.
    reduction : {"mean", "sum", "batchmean"}, default "mean"
        How the per-item losses of each become its value.
    """

    losses: Any
    weights: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reduction == "none":
            raise ValueError("`reduction` must be 'mean', 'sum' or 'batchmean' for a sum over outputs, got 'none'")
        places = _places(self.losses)
        if places is None or not any(loss is not None for loss in _parts(self.losses, places)):
            raise ValueError(f"`losses` must hold the losses of outputs, by name or in order, got {self.losses!r}")
        if _places(self.weights) != places:
            raise ValueError(f"`weights` must have {_named(places)}, as `losses` has, got {in_short(self.weights)}")
        losses = _parts(self.losses, places)
        require_losses([loss for loss in losses if loss is not None])
        require_factors(tuple(_parts(self.weights, places)))
        reduced = [None if x is None else dataclasses.replace(x, reduction=self.reduction) for x in losses]
        is_mapping = isinstance(self.losses, Mapping)
        made = FrozenDict(dict(zip(places, reduced, strict=True))) if is_mapping else tuple(reduced)
        object.__setattr__(self, "losses", made)
        names = max([loss.array_names for loss in reduced if loss is not None], key=len)
        object.__setattr__(self, "array_names", names if len(names) > len(_OF_TWO) else _OF_TWO)

    def terms(self, arrays: tuple[Any, ...], weight: Any = None, where: Any = None) -> tuple[Term, ...]:
        """Return the loss of each output that has one, with its arrays.

        Raises
        ------
        ValueError
            If an argument does not have the outputs of the losses.
        """
        outputs = self._outputs(arrays, weight, where)
        return tuple([t.times(self.weights[place]) for place, loss, given in outputs for t in loss.terms(*given)])

    @property
    def leaves(self) -> tuple[tuple[Any, Loss], ...]:
        """The factors and the losses of `terms`."""
        places = [k for k in _places(self.losses) or () if self.losses[k] is not None]
        return tuple([(self.weights[k] * f, x) for k in places for f, x in self.losses[k].leaves])

    def values(self, *arrays: Any, weight: Any = None, where: Any = None) -> Any:
        """Return the value of each output that has a loss, without its factor, by name or in order.

        It takes the arguments of a call. An output without a loss has None.
        """
        found: dict[Any, Any] = dict.fromkeys(_places(self.losses) or ())
        for place, loss, given in self._outputs(arrays, weight, where):
            own, own_weight, own_where = given
            value_of = loss.values if isinstance(loss, WeightedSum) else loss
            found[place] = value_of(*own, weight=own_weight, where=own_where)
        return found if isinstance(self.losses, Mapping) else tuple(found.values())

    def _outputs(self, arrays: tuple[Any, ...], weight: Any, where: Any) -> list[tuple[Any, Loss, tuple[Any, ...]]]:
        """Each output that has a loss: its place, the loss, and its arrays, weight and where."""
        places = _places(self.losses) or ()
        if len(arrays) < 2:
            raise TypeError(f"this loss takes a prediction and a target for each output; got {len(arrays)} arrays")
        needed = [place for place in places if self.losses[place] is not None]
        for k, given in enumerate(arrays):
            name = self.array_names[k] if k < len(self.array_names) else f"arrays[{k}]"
            self._check_outputs(name, given, needed, is_prediction=k == 0)
        for name, given in (("weight", weight), ("where", where)):
            if _places(given) is not None:
                self._check_outputs(name, given)
        found = []
        for place in places:
            loss = self.losses[place]
            if loss is not None:
                own = tuple([x for x in (_part(given, place) for given in arrays) if x is not None])
                found.append((place, loss, (own, _own(weight, place), _own(where, place))))
        return found

    def _check_outputs(self, name: str, given: Any, needed: Sequence[Any] = (), *, is_prediction: bool = False) -> None:
        """Refuse an argument that lacks outputs that are needed, or has others than the losses."""
        places, there = _places(self.losses) or (), _places(given)
        kind = "mapping" if isinstance(self.losses, Mapping) else "sequence"
        if there is None or isinstance(given, Mapping) != isinstance(self.losses, Mapping):
            raise TypeError(f"`{name}` must be a {kind} of outputs, as the losses are, got {in_short(given)}")
        lacking = [k for k in needed if k not in there or (is_prediction and given[k] is None)]
        if lacking or any(k not in places for k in there):
            found = _named([k for k in there if k not in lacking])
            raise ValueError(f"`{name}` must have {_named(places)}, as the losses have, got {found}")


def weighted_sum(
    losses: Mapping[str, Any] | Sequence[Any],
    weights: Mapping[str, Any] | Sequence[Any] | None = None,
    *,
    reduction: Reduction = "mean",
) -> WeightedSum:
    r"""Return the loss of a model with several outputs: a weighted sum of one loss for each of them.

    .. math:: l = \sum_k w_k l_k(\mathrm{prediction}_k, \mathrm{target}_k)

    Parameters
    ----------
    losses : mapping or sequence
        The loss of each output, by its name or position: a loss, its class, function form or registered name; None for
        an output without one; or a mapping or sequence of these, where an output is nested.
    weights : mapping or sequence, optional
        The factor of each, in the structure of `losses`: a number, or an array of shape (), such as one that
        is learned. An output without one has 1, and so has every output without `weights`.
    reduction : {"mean", "sum", "batchmean"}, default "mean"
        How the per-item losses of each output become its value.

    Returns
    -------
    WeightedSum
        A loss. It is called with nested arrays, ``loss(predictions, targets)``, and gradients by them are nested alike.
        `weight` and `where` may be nested too; an array is that of every output. ``loss.values(predictions, targets)``
        returns the value of each output.

    Raises
    ------
    TypeError
        If `losses` is no mapping or sequence, or holds what is no loss.
    ValueError
        If `weights` names an output that has no place in `losses`, or there is no loss at all.

    Notes
    -----
    The factors may be learned: with uncertainty weighting [1]_, a regression of variance exp(s) counts exp(-s) / 2, and
    s / 2 is added. The factor is then an array, and the gradient by it passes through the loss.

    References
    ----------
    .. [1] Kendall, Gal and Cipolla, Multi-task learning using uncertainty to weigh losses for scene geometry and
       semantics (2018). https://arxiv.org/abs/1705.07115

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> loss = al.weighted_sum({"price": "huber", "kind": al.CrossEntropy(), "state": None}, {"price": 0.5})
    >>> predictions = {"price": np.asarray([1.0, 4.0]), "kind": np.zeros((2, 3)), "state": np.zeros(5)}
    >>> targets = {"price": np.asarray([1.0, 1.0]), "kind": np.asarray([0, 2])}
    >>> round(float(loss(predictions, targets)), 6)
    1.723612
    >>> loss.values(predictions, targets)["price"].tolist()
    1.25
    >>> al.grad(loss)(predictions, targets)["price"].tolist()
    [0.0, 0.25]
    """
    places = _places(losses)
    if places is None:
        raise TypeError(
            f"`losses` must be a mapping or a sequence with the loss of each output, got {in_short(losses)}"
        )
    given = {} if weights is None else weights
    there = _places(given)
    if there is None or (weights is not None and isinstance(given, Mapping) != isinstance(losses, Mapping)):
        kind = "mapping" if isinstance(losses, Mapping) else "sequence"
        raise TypeError(f"`weights` must be a {kind}, as `losses` is, got {in_short(weights)}")
    if any(place not in places for place in there):
        raise ValueError(f"`weights` must have {_named(places)}, as `losses` has, got {_named(there)}")
    made: dict[Any, Loss | None] = {}
    factors: dict[Any, Any] = {}
    for place in places:
        loss = losses[place]
        factor = _part(given, place)
        if _places(loss) is not None:
            nested = None if factor is None or isinstance(factor, NUMBERS) or is_array(factor) else factor
            made[place] = weighted_sum(loss, nested, reduction=reduction)
            factors[place] = 1.0 if nested is factor else factor
        else:
            made[place] = None if loss is None else get(loss)
            factors[place] = 1.0 if factor is None else factor
    if isinstance(losses, Mapping):
        return WeightedSum(losses=made, weights=factors, reduction=reduction)
    return WeightedSum(losses=tuple(made.values()), weights=tuple(factors.values()), reduction=reduction)


def _places(x: Any) -> tuple[Any, ...] | None:
    """Return the names or positions of a mapping or a sequence; None for anything else."""
    if isinstance(x, Mapping):
        return tuple(x)
    return tuple(range(len(x))) if isinstance(x, list | tuple) else None


def _parts(x: Any, places: Sequence[Any]) -> list[Any]:
    return [x[place] for place in places]


def _part(x: Any, place: Any) -> Any:
    """Return what a mapping or a sequence has at a place, None where it has nothing there."""
    if isinstance(x, Mapping):
        return x.get(place)
    return x[place] if isinstance(place, int) and place < len(x) else None


def _own(of_items: Any, place: Any) -> Any:
    """Return the weight or the mask of an output: one that is no mapping or sequence belongs to all of them."""
    return of_items if _places(of_items) is None else _part(of_items, place)


def _named(places: Sequence[Any]) -> str:
    if not places:
        return "no outputs"
    if all(isinstance(place, int) for place in places):
        return f"{len(places)} outputs"
    return f"the outputs {', '.join(map(repr, places))}"


register_composite(Sum)
register_composite(WeightedSum)
