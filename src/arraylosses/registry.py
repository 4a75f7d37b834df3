"""Losses by name. One registry, derived from the definitions: nothing is listed twice."""

from __future__ import annotations

import importlib
import inspect
import math
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar, overload

import numpy as np

from . import special
from ._array_api import is_array, to_numpy
from .arguments import FrozenDict, closest, in_short
from .loss import Loss, keep_setting_names, setting_names, snake_case
from .loss_function import LossFunction
from .peers import LIBRARIES, PEERS

__all__ = [
    "Alias",
    "Peer",
    "alias",
    "aliases_of",
    "as_json",
    "canonical_name",
    "class_of",
    "deserialize",
    "from_json",
    "get",
    "known_as",
    "name_of",
    "peers",
    "peers_of",
    "register",
    "register_composite",
    "registered",
    "serialize",
]

LossT = TypeVar("LossT", bound="type[Loss] | LossFunction[...]")


class Alias(NamedTuple):
    """Names under which a framework knows a loss, and the settings by which ours means the same."""

    names: tuple[str, ...]
    settings: Mapping[str, Any]


class _Entry(NamedTuple):
    cls: type[Loss]
    settings: Mapping[str, Any]


_BY_CANONICAL: dict[str, type[Loss]] = {}
_BY_NAME: dict[str, _Entry] = {}

_DIALECTS = f"{__package__}.dialects"

# The losses of `dialects`, with the names that their framework has for them. They are loaded when one of them is first
# asked for.
_OF_DIALECTS = {
    name: loss
    for loss, names in {
        "keras.binary_crossentropy": ("bce", "BCE", "binary_crossentropy", "BinaryCrossentropy"),
        "keras.binary_focal_crossentropy": ("binary_focal_crossentropy", "BinaryFocalCrossentropy"),
        "keras.categorical_crossentropy": (
            "categorical_crossentropy",
            "CategoricalCrossentropy",
            "sparse_categorical_crossentropy",
            "SparseCategoricalCrossentropy",
        ),
        "keras.categorical_focal_crossentropy": ("categorical_focal_crossentropy", "CategoricalFocalCrossentropy"),
        "keras.kl_divergence": ("kld", "KLD", "KLDivergence", "kullback_leibler_divergence"),
        "keras.mean_squared_logarithmic_error": (
            "msle",
            "MSLE",
            "mean_squared_logarithmic_error",
            "MeanSquaredLogarithmicError",
        ),
        "optax.cosine_distance": ("cosine_distance",),
        "optax.cosine_similarity": (),
        "optax.dice_loss": (),
        "optax.multiclass_generalized_dice_loss": ("multiclass_generalized_dice_loss",),
        "optax.triplet_margin_loss": (),
        "torch.bce_loss": ("BCELoss",),
        "torch.triplet_margin_loss": (
            "TripletMarginLoss",
            "triplet_margin_loss",
            "TripletMarginWithDistanceLoss",
            "triplet_margin_with_distance_loss",
        ),
    }.items()
    for name in (loss, *names)
}


def alias(*names: str, **settings: Any) -> Alias:
    """Return names for `register` that carry settings, such as ``alias("bce", from_logits=False)``.

    Parameters
    ----------
    *names : str
        Names of the loss.
    **settings
        What `get` sets by these names, where it is not told otherwise.

    Returns
    -------
    Alias

    Examples
    --------
    >>> import arraylosses as al
    >>> @al.register(al.alias("sixth_power", power=6))
    ... @al.loss
    ... def even_power(prediction, target, *, power=4):
    ...     return (prediction - target) ** power
    >>> al.get("sixth_power").power
    6
    """
    return Alias(names, settings)


@overload
def register(loss: LossT, /) -> LossT: ...
@overload
def register(*aliases: str | Alias) -> Callable[[LossT], LossT]: ...
def register(*given: Any) -> Any:
    """Make a loss known to `get`, `serialize` and `deserialize`.

    Use it as a decorator, ``@register`` or ``@register("my_alias")``, or call it: ``register(my_loss)``. The name of a
    class ``MyLoss`` or of a function ``my_loss`` is ``my_loss``; the class's own name works as well.

    Registering names a loss, and changes nothing else.

    Parameters
    ----------
    *given : str or Alias, or the loss itself
        Further names. `alias` makes some that carry settings.

    Raises
    ------
    ValueError
        If a name already belongs to another loss.
    TypeError
        If what is registered is neither a subclass of `Loss` nor a function made by `loss`.

    Examples
    --------
    >>> import arraylosses as al
    >>> @al.register
    ... @al.loss
    ... def fourth_power(prediction, target):
    ...     return (prediction - target) ** 4
    >>> al.get("fourth_power")
    FourthPower(reduction='mean')
    """
    if len(given) == 1 and not isinstance(given[0], str | Alias):
        return _register(given[0], ())
    return lambda loss: _register(loss, given)


def _register(loss: LossT, names: tuple[str | Alias, ...]) -> LossT:
    cls = class_of(loss)
    if cls is None:
        raise TypeError(f"`loss` must be a subclass of al.Loss or a function made by @al.loss, got {in_short(loss)}")
    if cls.call is Loss.call:
        raise TypeError(f"`{cls.__name__}` must define `call(self, prediction, target, ...)` to be registered")
    own = cls.__name__
    canonical = canonical_name(cls)
    if not own.isidentifier() or "<" in getattr(loss, "__name__", ""):
        raise TypeError(f"`loss` must have a name to be registered, got {in_short(loss)}; `def` gives it one")
    known = _BY_CANONICAL.get(canonical)
    redefined = known is not None and (known.__module__, known.__qualname__) == (cls.__module__, cls.__qualname__)
    if _dialect_of(cls):
        entries = {name: _Entry(cls, {}) for name, of in _OF_DIALECTS.items() if of == canonical}
    else:
        entries = {canonical: _Entry(cls, {}), own: _Entry(cls, {})}
    for item in names:
        for name in item.names if isinstance(item, Alias) else (item,):
            # A canonical name wins over a framework's use of the same string.
            entries.setdefault(name, _Entry(cls, item.settings if isinstance(item, Alias) else {}))
    for name in entries:
        if _OF_DIALECTS.get(name, canonical) != canonical:
            raise ValueError(f"`{name}` already names {_OF_DIALECTS[name]}; choose another name")
        if name in _BY_NAME and not (redefined and _BY_NAME[name].cls is known):
            raise ValueError(f"`{name}` already names {_BY_NAME[name].cls.__name__}; choose another name")
    if known is not cls:  # what is defined anew has none of its former names
        for name in [name for name, entry in _BY_NAME.items() if entry.cls is known]:
            del _BY_NAME[name]
    _BY_CANONICAL[canonical] = cls
    _BY_NAME.update(entries)
    keep_setting_names(cls)
    return loss


def register_composite(cls: type[Loss]) -> None:
    """Make a class of losses that are composed of others known to `deserialize`; it is no loss to be listed."""
    _BY_NAME[snake_case(cls.__name__)] = _Entry(cls, {})
    keep_setting_names(cls)


def _dialect_of(cls: type[Loss]) -> str:
    """Return the dialect that a class belongs to; an empty string for any other."""
    _, _, module = cls.__module__.partition(f"{_DIALECTS}.")
    return module.partition(".")[0]


def canonical_name(cls: type[Loss]) -> str:
    """Return the name that a class is registered under: of a dialect's, such as ``keras.kl_divergence``, with it."""
    dialect, own = _dialect_of(cls), snake_case(cls.__name__)
    return f"{dialect}.{own}" if dialect else own


def _entry(name: str) -> _Entry | None:
    """Return what a name stands for, and load the dialects where it is one of theirs."""
    if name not in _BY_NAME and name in _OF_DIALECTS:
        importlib.import_module(_DIALECTS)
    return _BY_NAME.get(name)


def class_of(loss: object) -> type[Loss] | None:
    """Return the class of a loss that is given as its class or its function form; None for anything else."""
    if inspect.isclass(loss):
        return loss if issubclass(loss, Loss) else None
    made = getattr(loss, "loss_class", None)
    return made if inspect.isclass(made) and issubclass(made, Loss) else None


def get(loss: str | Loss | type[Loss] | Callable[..., Any], /, **settings: Any) -> Loss:
    """Return a loss by its name, by an alias, or as it is.

    Parameters
    ----------
    loss : str, Loss, subclass of Loss, or function form
        An instance is returned as it is, unless settings are given; a class or a function form is set up.
    **settings
        Settings of the loss. They go before those that an alias carries.

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        If no loss has that name; the message names the closest ones.
    TypeError
        If a setting is not one of the loss's.

    Notes
    -----
    A framework's name means what the framework means by it: ``mape`` is in per cent, ``poisson`` takes a rate, as in
    Keras; ``CrossEntropyLoss`` has the classes on axis 1, as in PyTorch. Where that is more than a setting of ours, as
    with the limits of Keras's probabilities, the result is a loss of `dialects`: ``bce`` is
    `dialects.keras.losses.BinaryCrossentropy`, whose registered name is ``keras.binary_crossentropy``. Where two
    frameworks mean two things, it is Keras's or PyTorch's. It takes the prediction first, whatever the framework does.

    Settings have our names: the quantile of scikit-learn's ``mean_pinball_loss`` is `q`. Its ``log_loss`` takes a
    probability for each class, and is infinite where the label's is 0; scikit-learn has about 36 there.

    A canonical name, and that of a class, is ours: ``kl_divergence`` and ``KlDivergence`` take log-probabilities, while
    ``KLDivergence``, with its capitals, is Keras's, of probabilities; ``cosine_similarity`` is the negative cosine,
    ``categorical_hinge`` is Crammer and Singer's.

    Examples
    --------
    >>> import arraylosses as al
    >>> al.get("huber", delta=2.0)
    Huber(delta=2.0, reduction='mean')
    >>> al.get("bce").from_logits
    False
    """
    if isinstance(loss, str):
        entry = _entry(loss)
        if entry is None:
            names = {**_BY_NAME, **_OF_DIALECTS}
            hint = _said_of_package(loss) or _said_of_peers(loss) or _of_one_word(loss) or closest(loss, names)
            raise ValueError(f"`loss` must be the name of a registered loss, got {in_short(loss)}{hint}")
        return entry.cls(**{**entry.settings, **settings})
    if isinstance(loss, Loss):
        if not settings:
            return loss
        return type(loss)(**{**loss.settings(), **settings})
    cls = class_of(loss)
    if cls is None:
        raise TypeError(f"`loss` must be a name, a loss, its class or its function form, got {type(loss).__name__}")
    return cls(**settings)


def registered() -> dict[str, type[Loss]]:
    """Return the class of each registered loss by its canonical name, those of `dialects` included."""
    importlib.import_module(_DIALECTS)
    return dict(_BY_CANONICAL)


def name_of(loss: Loss | type[Loss]) -> str:
    """Return the canonical name of a registered loss; ValueError if it has none."""
    cls = loss if isinstance(loss, type) else type(loss)
    name = canonical_name(cls)
    if _BY_CANONICAL.get(name) is not cls and _BY_NAME.get(name) != _Entry(cls, {}):
        raise ValueError(f"`loss` must be registered to have a name, got {cls.__name__}; al.register makes it known")
    return name


def aliases_of(name: str) -> dict[str, Mapping[str, Any]]:
    """Return the other names of a loss, each with the settings that it carries."""
    cls = _BY_CANONICAL[name]
    return {key: entry.settings for key, entry in _BY_NAME.items() if entry.cls is cls and key != name}


class Peer(NamedTuple):
    """A loss of another library, as it is called there, and what it is here."""

    name: str
    """With the path of the module, or of the estimator whose parameter `loss` it is a value of."""
    loss: str
    """The canonical name, or that of a function; empty where there is none."""
    settings: Mapping[str, Any]
    """The settings by which ours means the same."""
    differs: str
    """What differs beside these, and for a loss of a dialect, its name."""


def peers(path: str) -> dict[str, Peer]:
    """Return the losses of another library, by their names, of a module or an estimator that `peers.PEERS` names."""
    found = {}
    for name, (loss, differs) in sorted(PEERS[path].items(), key=lambda item: item[0].lower()):
        settings: Mapping[str, Any] = {}
        if loss is None:
            entry = _entry(name)
            assert entry is not None, name
            registered_as, loss = canonical_name(entry.cls), _ours(entry.cls)
            settings = entry.settings
            if registered_as != loss:
                differs = f"as {registered_as}{f'; {differs}' if differs else ''}"
        found[name] = Peer(f"{path}.{name}", loss, settings, differs)
    return found


def _ours(cls: type[Loss]) -> str:
    """Return the canonical name of a loss, or of the one of ours that a dialect's derives from."""
    bases = [base for base in cls.__mro__ if base in _BY_CANONICAL.values() and not _dialect_of(base)]
    return canonical_name(bases[0] if bases else cls)


def peers_of(loss: str) -> list[Peer]:
    """Return the losses of other libraries that are one of ours, by its canonical name."""
    return [peer for path in PEERS for peer in peers(path).values() if peer.loss == loss]


def _said_of_package(name: str) -> str:
    """What a public name of the package is that is no loss with a name, such as a function that has no class."""
    package = sys.modules[__package__]
    if name not in package.__all__ or name == "__version__":
        return ""
    return f", which is another part of the package: see `help({package.__name__}.{name})`"


def _said_of_peers(name: str) -> str:
    """Return a hint at what a name of another library is here."""
    for path, names in PEERS.items():
        if name in names and names[name].loss is not None:
            loss, differs = names[name]
            library = LIBRARIES[path.partition(".")[0]]
            return f"; {library}'s is al.{loss} here: {differs}" if loss else f", which is {library}'s: {differs}"
    return ""


def _of_one_word(name: str) -> str:
    """Return a hint at the losses in whose names a name stands, as `binary_focal` for ``FocalLoss``."""
    words = {form.casefold().removesuffix("loss").strip("_") for form in (name, snake_case(name))} - {""}
    names = [known for known in _BY_CANONICAL if "." not in known]
    found = [known for known in names if known in words]
    found = found or [known for known in names if any(f"_{word}_" in f"_{known}_" for word in words)]
    return f"; did you mean {' or '.join(map(repr, found))}?" if 0 < len(found) <= 4 else ""


def known_as(name: str) -> str:
    """Return a hint at what the package has under a name that is none of its attributes."""
    entry = _entry(name)
    if entry is None:
        if said := _said_of_peers(name):
            return said
        if name in special.__all__:
            return f"; it is al.special.{name}"
        ours = [cls for cls in _BY_CANONICAL.values() if not _dialect_of(cls)]
        return _of_one_word(name) or closest(
            name, {key: key for cls in ours for key in (cls.__name__, snake_case(cls.__name__))}
        )
    settings = ", ".join(f"{key}={value!r}" for key, value in entry.settings.items())
    dialect = f"{entry.cls.__module__.partition('.')[2]}." if _dialect_of(entry.cls) else ""
    return f"; al.get({name!r}) returns it: {dialect}{entry.cls.__name__}({settings})"


def serialize(loss: Loss) -> dict[str, Any]:
    """Return a loss as plain JSON data: its registered name and its settings.

    JSON has no infinity and no NaN: such a number is written as ``{"float": "inf"}``. An array becomes a list, and one
    of several axes ``{"array": [[...], ...]}``, which comes back as an array of NumPy. Keys of JSON are strings, and
    those of classes are written as such; a dict that would be read as another one, as that of an output named ``"0"``,
    is written as ``{"pairs": [["0", ...]]}``.

    Parameters
    ----------
    loss : Loss
        A loss that is registered.

    Returns
    -------
    dict
        With ``"name"`` and ``"settings"``.

    Raises
    ------
    TypeError
        If it is no loss, or a setting is no number, string or array, or a list or dict of such.
    ValueError
        If the loss is not registered.

    Examples
    --------
    >>> import arraylosses as al
    >>> al.serialize(al.Huber(delta=2.0))
    {'name': 'huber', 'settings': {'delta': 2.0, 'reduction': 'mean'}}
    """
    if not isinstance(loss, Loss):
        hint = "; al.get(...) makes one of a name" if isinstance(loss, str) else ""
        raise TypeError(f"`loss` must be a loss, got {in_short(loss)}{hint}")
    settings = {name: as_json(name, getattr(loss, name)) for name in setting_names(type(loss))}
    return {"name": name_of(loss), "settings": settings}


def as_json(name: str, value: Any) -> Any:
    """Return a value that is called `name` as JSON has it."""
    if isinstance(value, Loss):
        return serialize(value)
    if is_array(value):
        numbers = as_json(name, to_numpy(value).tolist())
        return numbers if value.ndim < 2 else {"array": numbers}
    if isinstance(value, list | tuple):
        return [as_json(name, v) for v in value]
    if isinstance(value, FrozenDict):
        found = {str(key): as_json(name, v) for key, v in value.items()}
        is_other = set(found) in ({"float"}, {"pairs"}, {"array"}) or isinstance(found.get("name"), str)
        if not is_other and tuple(map(_key, found)) == tuple(value):
            return found
        for key in value:
            if not isinstance(key, _PLAIN_KEYS):
                raise TypeError(f"`{name}` must have plain data for keys to be serialized, got {in_short(key)}")
        return {"pairs": [[as_json(name, key), as_json(name, v)] for key, v in value.items()]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"`{name}` must be plain data or an array to be serialized, got {in_short(value)}")


_DEEPEST = 64
_PLAIN_KEYS = (str, int, float, type(None))


def deserialize(data: Mapping[str, Any], /) -> Loss:
    """Return the loss that `serialize` described; nothing in the data is executed.

    Parameters
    ----------
    data : mapping
        With ``"name"`` and, if any is set, ``"settings"``.

    Returns
    -------
    Loss

    Raises
    ------
    TypeError
        If the data is no such description, or names a setting that the loss does not have.
    ValueError
        If no loss has that name, or a setting is out of its domain.

    Examples
    --------
    >>> import arraylosses as al
    >>> al.deserialize({"name": "huber", "settings": {"delta": 2.0}}) == al.Huber(delta=2.0)
    True
    """
    return _loss_of(data, 0)


def _loss_of(data: Any, depth: int) -> Loss:
    if not isinstance(data, Mapping) or not isinstance(data.get("name"), str) or set(data) - {"name", "settings"}:
        said = in_short(data)
        raise TypeError(f"`data` must be a mapping with a name and settings, as serialize() returns it, got {said}")
    settings = data.get("settings", {})
    if not isinstance(settings, Mapping):
        raise TypeError(f"`settings` must be a mapping, got {in_short(settings)}")
    found = {str(name): from_json(str(name), value, depth) for name, value in settings.items()}
    return get(data["name"], **found)


def from_json(name: str, value: Any, depth: int = 0) -> Any:
    """Return what `as_json` described."""
    if depth > _DEEPEST:
        raise ValueError(f"`{name}` must not be nested deeper than {_DEEPEST} levels")
    if isinstance(value, list | tuple):
        return [from_json(name, v, depth + 1) for v in value]
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"float"}:
        if value["float"] not in ("inf", "-inf", "nan"):
            raise ValueError(f"`{name}` must be 'inf', '-inf' or 'nan' as a float, got {in_short(value['float'])}")
        return float(value["float"])
    if set(value) == {"pairs"}:
        return _dict_of(name, value["pairs"], depth + 1)
    if set(value) == {"array"}:
        return _array_of(name, from_json(name, value["array"], depth + 1))
    if isinstance(value.get("name"), str):
        return _loss_of(value, depth + 1)
    return {_key(key): from_json(name, v, depth + 1) for key, v in value.items()}


def _dict_of(name: str, pairs: Any, depth: int) -> dict[Any, Any]:
    found = from_json(name, pairs, depth)
    if not isinstance(found, list) or not all(
        [isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], _PLAIN_KEYS) for pair in found]
    ):
        raise ValueError(f"`{name}` must hold a key and a value in each of its pairs, got {in_short(pairs)}")
    return dict(found)


def _array_of(name: str, numbers: Any) -> Any:
    try:
        array = np.asarray(numbers)
    except ValueError:  # of rows of several lengths
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"`{name}` must be nested lists of numbers as an array, got {in_short(numbers)}")
    return array


def _key(key: Any) -> Any:
    """Return the class that a dict of classes has as a key: JSON's keys are strings."""
    return int(key) if isinstance(key, str) and key.isdecimal() and len(key) < 20 else key
