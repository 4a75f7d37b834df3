"""The loss of a model with several outputs, as ``model.compile(loss=..., loss_weights=...)`` makes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..._array_api import Array
from ..._nested import is_nested
from ...arguments import in_short
from ...composition import WeightedSum, weighted_sum
from ...loss import Loss as LossOfPrediction
from . import functions
from .loss import Loss, LossFunctionWrapper
from .saving import get

__all__ = ["CompileLoss"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class _Term(LossOfPrediction):
    """A loss of this dialect as one of a weighted sum, which calls it with the prediction first."""

    keras_loss: Any = None

    array_names = ("prediction", "target")

    def __call__(self, *arrays: Any, weight: Any = None, where: Any = None, **named: Any) -> Array:
        prediction, target = arrays
        value: Array = self.keras_loss(target, prediction, weight)
        return value


class _Output(NamedTuple):
    """An output that has a loss: its place, what ``compile`` was given for it, and its factor."""

    path: tuple[Any, ...]
    loss: Any
    weight: Any


class CompileLoss:
    """The weighted sum of the losses of a model's outputs, from what ``model.compile`` takes.

    It is made of its parts at the first call, when the outputs are known.

    Parameters
    ----------
    loss : str, callable, configuration, or nested dict, list or tuple of these
        The loss of each output, by its name or position; None for an output without one. One loss by itself is that of
        every output. In a list, those of outputs in a dict go by its sorted keys. ``"crossentropy"`` is the binary,
        sparse or categorical one, as the shapes tell.
    loss_weights : float, or dict, list or tuple of floats, optional
        The factors, in the structure of `loss`; 1 where there is none.
    output_names : sequence of str, optional
        The names of outputs that come in a list or a tuple, so that `loss` and `y_true` may go by name.

    Raises
    ------
    ValueError
        At the first call, if `loss` names an output that the model does not have; at any, if `y_true` has not the
        outputs that have a loss. In a list it may have these alone.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> loss = losses.CompileLoss({"price": "huber", "kind": losses.SparseCategoricalCrossentropy()}, {"price": 0.5})
    >>> y_true = {"price": np.asarray([[1.0], [1.0]]), "kind": np.asarray([0, 1])}
    >>> y_pred = {"price": np.asarray([[1.0], [4.0]]), "kind": np.asarray([[0.5, 0.5], [0.5, 0.5]])}
    >>> round(float(loss(y_true, y_pred)), 6)
    1.318147
    >>> {name: round(float(value), 6) for name, value in loss.values(y_true, y_pred).items()}
    {'price': 1.25, 'kind': 0.693147}
    """

    def __init__(self, loss: Any, loss_weights: Any = None, output_names: Sequence[str] | None = None) -> None:
        self.loss, self.loss_weights, self.output_names = loss, loss_weights, output_names
        self._paths: dict[str, tuple[Any, ...]] = {}
        self._sum: WeightedSum | None = None

    @property
    def built(self) -> bool:
        """Whether the outputs are known."""
        return self._sum is not None

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Find the loss of each output."""
        loss, weights = self._in_order(self.loss, y_pred), self._in_order(self.loss_weights, y_pred)
        _check_places("loss_weights", weights, loss)
        outputs = list(self._found(loss, weights, y_pred, ()))
        targets = self._targets(y_true, y_pred, [output.path for output in outputs])
        made = [_made(x.loss, t, _at(y_pred, x.path)) for x, t in zip(outputs, targets, strict=True)]
        names = [self._name(x.path, own) for x, own in zip(outputs, made, strict=True)]
        self._paths = {name: x.path for name, x in zip(names, outputs, strict=True)}
        terms = {name: _Term(keras_loss=own) for name, own in zip(names, made, strict=True)}
        factors = {name: x.weight for name, x in zip(names, outputs, strict=True) if x.weight is not None}
        self._sum = weighted_sum(terms, factors)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
        """Compute the sum; the arguments are arrays, or nested as the outputs of the model are."""
        loss, arrays, weight = self._arguments(y_true, y_pred, sample_weight)
        return loss(*arrays, weight=weight)

    def values(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Array]:
        """Return the loss of each output by its name, without its factor."""
        loss, arrays, weight = self._arguments(y_true, y_pred, sample_weight)
        found: dict[str, Array] = loss.values(*arrays, weight=weight)
        return found

    def _arguments(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[WeightedSum, list[Any], Any]:
        if self._sum is None:
            self.build(y_true, y_pred)
        assert self._sum is not None
        paths = list(self._paths.values())
        if any(_at(y_pred, path) is None for path in paths):
            raise _lacking("y_pred", y_pred, paths)
        targets = self._targets(y_true, y_pred, paths)
        weights = self._in_order(sample_weight, y_pred)
        _check_places("sample_weight", weights, y_pred)
        predictions = {name: _at(y_pred, path) for name, path in self._paths.items()}
        arrays = [predictions, dict(zip(self._paths, targets, strict=True))]
        return self._sum, arrays, {name: _at(weights, path) for name, path in self._paths.items()}

    def _targets(self, y_true: Any, y_pred: Any, paths: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Return the target of each output that has a loss; a list may have these alone."""
        if isinstance(y_true, list | tuple) and is_nested(y_pred):
            of_all = len(y_true) in (_count(y_pred), None if isinstance(y_pred, Mapping) else len(y_pred))
            if len(y_true) == len(paths) and not of_all:
                of_each = dict(zip(sorted(paths), y_true, strict=True))
                return [of_each[path] for path in paths]
        given = self._in_order(y_true, y_pred)
        _check_places("y_true", given, y_pred)
        found = [_at(given, path) for path in paths]
        if is_nested(y_pred) and (any(x is None for x in found) or (len(paths) > 1 and not is_nested(given))):
            raise _lacking("y_true", y_true, paths)
        return found

    def _in_order(self, x: Any, y_pred: Any) -> Any:
        """Return what is given by name or in a list in the structure of the outputs."""
        if isinstance(y_pred, list | tuple) and isinstance(x, Mapping) and not _is_config(x):
            if self.output_names is None:
                raise ValueError(f"`output_names` must name the outputs that go by name, got None for {in_short(x)}")
            unknown = [name for name in x if name not in self.output_names]
            if unknown:
                raise ValueError(f"the outputs are {', '.join(self.output_names)}; got {', '.join(map(repr, unknown))}")
            return [x.get(name) for name in self.output_names]
        single = is_nested(x) and not _is_config(x) and not is_nested(y_pred) and len(x) == 1
        return next(iter(x.values() if isinstance(x, Mapping) else x)) if single else _in_structure(x, y_pred)

    def _found(self, loss: Any, weight: Any, y_pred: Any, path: tuple[Any, ...]) -> Iterator[_Output]:
        """Return the outputs that have a loss, at and below a path."""
        of_all = not is_nested(loss) or _is_config(loss)
        if loss is None:
            return
        if is_nested(weight) and (of_all or not _have_one_structure(weight, loss)):
            raise ValueError(f"`loss_weights` must have the structure of `loss`, got {in_short(weight)}")
        if of_all and not is_nested(y_pred):
            yield _Output(path, loss, weight)
            return
        if not is_nested(y_pred):
            which = f"output {'/'.join(map(str, path))!r}" if path else "single output"
            raise ValueError(f"`loss` must be one loss for the {which}, got {in_short(loss)}")
        places = _places(y_pred)
        for place in places if of_all else _places(loss):
            if place not in places or (not of_all and isinstance(loss, Mapping) != isinstance(y_pred, Mapping)):
                said = "/".join(map(str, (*path, place)))
                raise ValueError(f"`loss` must have the outputs of the model, {in_short(list(places))}, got {said!r}")
            own = loss if of_all else loss[place]
            yield from self._found(own, _at(weight, (place,)), y_pred[place], (*path, place))

    def _name(self, path: tuple[Any, ...], loss: Loss) -> str:
        if self.output_names is not None and (not path or isinstance(path[0], int)):
            first = path[0] if path else 0
            return "/".join([self.output_names[first], *map(str, path[1:])])
        return "/".join(map(str, path)) or str(loss.name)


def _is_config(x: Any) -> bool:
    return isinstance(x, Mapping) and "class_name" in x


def _have_one_structure(weights: Any, losses: Any) -> bool:
    if isinstance(weights, Mapping) or isinstance(losses, Mapping):
        return isinstance(weights, Mapping) and isinstance(losses, Mapping)
    return len(weights) == len(losses)


def _in_structure(x: Any, outputs: Any) -> Any:
    """Return `x` with the lists in it that have a part for each of the outputs there as these are nested."""
    if not (is_nested(x) and is_nested(outputs)) or _is_config(x):
        return x
    if isinstance(x, Mapping):
        return {key: _in_structure(part, _at(outputs, (key,))) for key, part in x.items()}
    if len(x) == _count(outputs) and not any([is_nested(part) and not _is_config(part) for part in x]):
        return _packed(iter(x), outputs)
    return [_in_structure(part, _at(outputs, (k,))) for k, part in enumerate(x)]


def _count(outputs: Any) -> int:
    return sum([_count(outputs[place]) for place in _places(outputs)]) if is_nested(outputs) else 1


def _packed(parts: Iterator[Any], outputs: Any) -> Any:
    """Return the parts of a list as the outputs are nested, in Keras's order: that of the sorted keys of a dict."""
    if not is_nested(outputs):
        return next(parts)
    places = _places(outputs)
    found = {place: _packed(parts, outputs[place]) for place in sorted(places)}
    return {place: found[place] for place in places} if isinstance(outputs, Mapping) else list(found.values())


def _places(x: Any) -> list[Any]:
    return list(x) if isinstance(x, Mapping) else list(range(len(x))) if is_nested(x) else []


def _at(x: Any, path: tuple[Any, ...]) -> Any:
    """Return what is at a path; None where there is nothing, and what is not nested is everywhere."""
    for place in path:
        if not is_nested(x):
            return x
        there = place in _places(x)
        x = x[place] if there else None
    return x


def _check_places(name: str, x: Any, outputs: Any, path: tuple[Any, ...] = ()) -> None:
    """Refuse what is said of outputs that are not there, which would be passed over."""
    if not (is_nested(x) and is_nested(outputs)):
        return
    places = _places(outputs)
    for place in _places(x):
        if place not in places:
            said = "/".join(map(str, (*path, place)))
            raise ValueError(f"`{name}` must have the outputs of the model, {in_short(places)}, got {said!r}")
        _check_places(name, x[place], outputs[place], (*path, place))


def _lacking(name: str, x: Any, paths: Sequence[tuple[Any, ...]]) -> ValueError:
    said = ", ".join(repr("/".join(map(str, path))) for path in paths)
    got = in_short(_places(x)) if is_nested(x) else "one"
    return ValueError(f"`{name}` must have the outputs that have a loss, {said}, got {got}")


def _made(loss: Any, y_true: Array, y_pred: Array) -> Loss:
    """Return a loss of what ``compile`` takes for one."""
    name = loss if isinstance(loss, str) else None
    if name in ("crossentropy", "ce"):
        loss = _cross_entropy_of(y_true, y_pred)
    found = get(loss)
    return (
        found if isinstance(found, Loss) else LossFunctionWrapper(found, name=name or getattr(found, "__name__", None))
    )


def _cross_entropy_of(y_true: Array, y_pred: Array) -> Any:
    """Return the cross entropy that the shapes are of."""
    if y_pred.shape[-1] == 1:
        return functions.binary_crossentropy
    sparse = y_true.ndim < y_pred.ndim or y_true.shape[-1] == 1
    return functions.sparse_categorical_crossentropy if sparse else functions.categorical_crossentropy
