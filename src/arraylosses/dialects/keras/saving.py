"""Losses by name, and as configurations in the layout of Keras."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ..._array_api import dtype_name, is_array, to_numpy
from ...arguments import closest, in_short
from ...registry import Peer, peers
from . import classes, functions
from .loss import Loss, LossFunctionWrapper

__all__ = ["NAMES", "deserialize", "get", "serialize"]


_OBJECTS: dict[str, Any] = {
    **{name: getattr(functions, name) for name in functions.__all__},
    **{name: getattr(classes, name) for name in classes.__all__},
    **{
        alias: getattr(functions, name)
        for name, aliases in {
            "binary_crossentropy": ("bce", "BCE"),
            "cosine_similarity": ("cosine_proximity",),
            "huber": ("huber_loss",),
            "kl_divergence": ("kld", "KLD", "kullback_leibler_divergence"),
            "log_cosh": ("logcosh",),
            "mean_absolute_error": ("mae", "MAE"),
            "mean_absolute_percentage_error": ("mape", "MAPE"),
            "mean_squared_error": ("mse", "MSE"),
            "mean_squared_logarithmic_error": ("msle", "MSLE"),
        }.items()
        for alias in aliases
    },
}

NAMES: Mapping[str, Peer] = MappingProxyType({**peers("keras.losses"), **peers("keras.losses.get")})
"""What each of Keras's names stands for in this package."""


def get(identifier: Any) -> Any:
    """Return a loss by its name or its configuration, or as it is.

    Parameters
    ----------
    identifier : str, dict, callable or None
        The name of a function, as ``"mse"`` or ``"huber"``, or of a class, as ``"Huber"``; a configuration; a loss or a
        function, which is returned as it is; a class, of which an instance is made; or None.

    Returns
    -------
    Loss, callable or None
        A function for the name of a function, and an instance for that of a class.

    Raises
    ------
    ValueError
        If no loss has that name, or the configuration is none of a loss.

    Examples
    --------
    >>> from arraylosses.dialects import keras as losses
    >>> losses.get("mse") is losses.mean_squared_error
    True
    >>> losses.get({"class_name": "Huber", "config": {"delta": 2.0}})
    Huber(delta=2.0, reduction='sum_over_batch_size', name='huber_loss', dtype='float32')
    """
    if identifier is None:
        return None
    found = _object(identifier, {}) if isinstance(identifier, str) else identifier
    if isinstance(identifier, Mapping):
        found = deserialize(identifier)
    if inspect.isclass(found):
        found = found()
    if not callable(found):
        raise ValueError(f"`identifier` must be a name, a configuration, a loss or a function, got {in_short(found)}")
    return found


def serialize(loss: Any) -> dict[str, Any]:
    """Return the configuration of a loss in the layout of Keras, which reads it as that of its own loss.

    Parameters
    ----------
    loss : Loss or function
        A function is described by its name.

    Returns
    -------
    dict
        Plain data, nothing executable.

    Raises
    ------
    TypeError
        If it is no loss and no function with a name, or a setting can't be described.

    Examples
    --------
    >>> from arraylosses.dialects import keras as losses
    >>> config = losses.serialize(losses.CosineSimilarity(axis=1))
    >>> config["module"], config["class_name"], config["config"]["axis"]
    ('keras.losses', 'CosineSimilarity', 1)
    >>> losses.deserialize(config) == losses.CosineSimilarity(axis=1)
    True
    """
    if isinstance(loss, Loss) or (callable(loss) and not inspect.isclass(loss)):
        found: dict[str, Any] = as_config(loss)
        return found
    raise TypeError(f"`loss` must be a loss or a function, got {in_short(loss)}")


def deserialize(name: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the loss of a configuration, which `serialize` or Keras has made.

    Parameters
    ----------
    name : dict or str
        The configuration, or a name.
    custom_objects : mapping of str to class or function, optional
        Your own, by their name; for what Keras has registered, ``package>name`` will do.

    Returns
    -------
    Loss or function

    Raises
    ------
    TypeError
        If it is no configuration.
    ValueError
        If there is nothing of that name.

    Examples
    --------
    >>> from arraylosses.dialects import keras as losses
    >>> def mine(y_true, y_pred):
    ...     return abs(y_pred - y_true)
    >>> losses.deserialize(losses.serialize(mine), custom_objects={"mine": mine}) is mine
    True
    """
    found = _object(name, custom_objects or {}) if isinstance(name, str) else from_config(name, custom_objects)
    if isinstance(found, Mapping):
        raise TypeError(f"`name` must be a name or a configuration with a class_name, got {in_short(name)}")
    return found


def as_config(value: Any) -> Any:
    """Return a loss, a function, an array, or nested data of these, as plain data in the layout of Keras."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Loss):
        return {**_described(value), "config": as_config(value.get_config())}
    if is_array(value):
        data = {"value": to_numpy(value).tolist(), "dtype": dtype_name(value.dtype)}
        return {"class_name": "__numpy__", "config": data}
    if isinstance(value, Mapping):
        return {key: as_config(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_config(part) for part in value]
    name = getattr(value, "__name__", "<lambda>")
    if callable(value) and name != "<lambda>":
        return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}
    raise TypeError(f"a setting must be a number, a string, an array or a named function, got {in_short(value)}")


def _described(loss: Loss) -> dict[str, Any]:
    """Return where Keras finds the class of a loss."""
    cls = type(loss)
    name = cls.__name__
    if cls is LossFunctionWrapper:
        return {"module": "keras.src.losses.losses", "class_name": name, "registered_name": name}
    if _OBJECTS.get(name) is cls:
        return {"module": "keras.losses", "class_name": name, "registered_name": None}
    return {"module": None, "class_name": name, "registered_name": name}


def from_config(data: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return what `as_config` described; nothing in the data is executed."""
    custom = custom_objects or {}
    if isinstance(data, list | tuple):
        return [from_config(part, custom) for part in data]
    if not isinstance(data, Mapping):
        return data
    if "class_name" not in data:
        return {key: from_config(part, custom) for key, part in data.items()}
    name: Any = data["class_name"]
    config: Any = data.get("config")
    if name == "function":
        return _object(config, custom)
    if name in ("__numpy__", "__tensor__"):
        return np.asarray(config["value"], dtype=config["dtype"])
    registered: Any = data.get("registered_name")
    cls = _object(registered if registered in custom else name, custom)
    if not (inspect.isclass(cls) and issubclass(cls, Loss)):
        raise ValueError(f"`class_name` must name a class of losses, got {in_short(name)}")
    settings = {} if config is None else config
    if issubclass(cls, LossFunctionWrapper):
        settings = from_config(settings, custom)
    return cls.from_config(settings)


def _object(name: str, custom_objects: Mapping[str, Any]) -> Any:
    """Return the class or the function of a name, as Keras writes it or as the user has it."""
    for known in (custom_objects, _OBJECTS):
        if name in known:
            return known[name]
    if name in (base := {"Loss": Loss, "LossFunctionWrapper": LossFunctionWrapper}):
        return base[name]
    raise ValueError(
        f"`identifier` must be the name of a loss, got {in_short(name)}{closest(name, [*custom_objects, *_OBJECTS])}"
    )
