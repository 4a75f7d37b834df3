"""The base classes of the losses of Keras: what they do around a function."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ..._array_api import Array, is_array, same_values
from ...arguments import in_short, require_choice
from .._common import translate
from . import _items
from ._arrays import is_structure, map_structure, together
from ._items import REDUCTIONS, Reduction

__all__ = ["Loss", "LossFunctionWrapper"]

FLOATX = "float32"
_DTYPES = ("float16", "bfloat16", "float32", "float64")


class Loss:
    """Base of the losses of this dialect: subclass it, and define `call`, which returns one value a sample.

    Parameters
    ----------
    name : str, optional
        By default that of the class.
    reduction : {"sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None}
        How the values v of the samples, their weights w, and a mask m of 0 and 1, become the result.
    dtype : str, default "float32"
        The floating dtype in which `y_true` and `y_pred` come to `call`, and of the result; or a policy of Keras, which
        has one as `compute_dtype`.

    Notes
    -----
    ================================= =============================================
    reduction                         result
    ================================= =============================================
    "sum_over_batch_size", "mean"     Σ w m v / Σ m; without a mask, Σ m is the number of values
    "mean_with_sample_weight"         Σ w m v / Σ w m
    "sum"                             Σ w m v
    "none", None                      w m v, of the shape of v
    ================================= =============================================

    The result is 0 where nothing counts. A mask is an attribute `_keras_mask` of `y_pred`, such as Keras's layers make,
    or of what `call` returns. What it leaves out may hold anything.

    Where Keras is loaded, a loss is an instance of `keras.losses.Loss` too, so that ``model.compile`` takes it as it
    is. A model that is saved with one is loaded with its class by name, ``custom_objects={"Huber": losses.Huber}``.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> class Cubic(losses.Loss):
    ...     def call(self, y_true, y_pred):
    ...         return np.mean(np.abs(y_pred - y_true) ** 3, axis=-1)
    >>> y_true, y_pred = np.asarray([[0.0, 1.0], [0.0, 0.0]]), np.asarray([[2.0, 1.0], [0.0, 0.0]])
    >>> float(Cubic()(y_true, y_pred, sample_weight=np.asarray([0.5, 1.0])))
    1.0
    """

    name: str | None
    reduction: Reduction
    dtype: Any

    def __init__(
        self, name: str | None = None, reduction: Reduction = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        self.name, self.reduction, self.dtype = name, reduction, dtype
        self.__post_init__()

    def __post_init__(self) -> None:
        self.name = self.name or _snake_case(type(self).__name__)
        if self.reduction is not None:
            require_choice(REDUCTIONS, reduction=self.reduction)
        self.dtype = _dtype_name(self.dtype)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
        """Compute the loss.

        Parameters
        ----------
        y_true, y_pred : array or list of numbers, or nested dict, list or tuple of arrays
            All of one library, which lists of numbers and NumPy's arrays follow. What they hold, `call` says.
        sample_weight : array, list of numbers or float, optional
            One number a sample, or one for each item of it.

        Returns
        -------
        array
            Of shape (), or one value a sample for reduction "none".

        Raises
        ------
        TypeError
            For something that is no array, and for arrays of two libraries that are not NumPy.
        ValueError
            For shapes that do not fit, and for a label that is no class.
        """
        y_true, y_pred, sample_weight, mask = together(y_true, y_pred, sample_weight, _mask_of(y_pred))
        try:
            return self._items(y_true, y_pred).reduced(self.reduction, sample_weight, mask)
        except (TypeError, ValueError) as error:
            translate(error, _items.WORDS, self._arguments)
            raise

    def call(self, y_true: Any, y_pred: Any) -> Array:
        """Return one value a sample, of arrays in the dtype of the loss."""
        raise NotImplementedError(f"{type(self).__name__} must define `call(self, y_true, y_pred)`")

    @property
    def _arguments(self) -> frozenset[str]:
        """What a message may name."""
        return frozenset(("y_true", "y_pred", "sample_weight", "mask"))

    def _items(self, y_true: Any, y_pred: Any) -> _items.Items:
        """Return what is to be weighted and reduced."""
        values = self.call(self._cast("y_true", y_true), self._cast("y_pred", y_pred))
        if not is_array(values):
            raise TypeError(f"`call` of {type(self).__name__} must return an array, got {in_short(values)}")
        return _items.of_values(*together(values, _mask_of(values)))

    def _cast(self, name: str, x: Any) -> Any:
        if is_structure(x):
            return map_structure(lambda part: _items.cast(name, part, self.dtype), x)
        return _items.cast(name, x, self.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the settings as plain data, by which `from_config` makes the loss."""
        config: dict[str, Any] = {"name": self.name, "reduction": self.reduction}
        return config if self.dtype == FLOATX else {**config, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the loss with these settings."""
        return cls(**config)

    def __repr__(self) -> str:
        shown = {name: getattr(value, "__qualname__", None) or repr(value) for name, value in vars(self).items()}
        settings = ", ".join([f"{name}={value}" for name, value in shown.items()])
        return f"{type(self).__name__}({settings})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and _same(vars(self), vars(other))

    def __hash__(self) -> int:
        return hash((type(self), self.name, self.reduction))

    # Keras calls what is no instance of its own class as a function, and would weigh and reduce the result once more.
    if not TYPE_CHECKING:

        @property
        def __class__(self) -> type:
            keras = sys.modules.get("keras")
            loss = getattr(getattr(keras, "losses", None), "Loss", None)
            return type(self) if loss is None else _class_for_keras(type(self), loss)

    def _obj_type(self) -> str:  # which Keras asks of what it saves
        return "Loss"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), vars(self))


class LossFunctionWrapper(Loss):
    """A loss of a function ``fn(y_true, y_pred, **kwargs)``, which returns one value a sample.

    Parameters
    ----------
    fn : callable
        A function of this dialect, or your own.
    reduction, name, dtype
        As in `Loss`.
    **kwargs
        Passed to `fn`.

    Notes
    -----
    Where `y_true` and `y_pred` differ by an axis of length 1 at the end, it is added or dropped, so that they have as
    many axes.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses.dialects import keras as losses
    >>> def scaled(y_true, y_pred, scale=1.0):
    ...     return np.mean(scale * (y_pred - y_true) ** 2, axis=-1)
    >>> loss = losses.LossFunctionWrapper(scaled, reduction="sum", name="scaled", scale=2.0)
    >>> float(loss(np.asarray([[0.0], [1.0]]), np.asarray([[2.0], [2.0]])))
    10.0
    """

    fn: Callable[..., Array]

    def __init__(
        self,
        fn: Callable[..., Array],
        reduction: Reduction = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    @property
    def _settings(self) -> dict[str, Any]:
        """What the function takes beside the arrays."""
        return self._fn_kwargs

    @property
    def _arguments(self) -> frozenset[str]:
        return super()._arguments | inspect.signature(self.fn).parameters.keys()

    def call(self, y_true: Any, y_pred: Any) -> Array:
        """Return what the function does."""
        if is_structure(y_pred):
            pairs = map_structure(_items.same_rank, y_true, y_pred)
            y_true, y_pred = (map_structure(lambda _, pair, k=k: pair[k], y_pred, pairs) for k in (0, 1))
        else:
            y_true, y_pred = _items.same_rank(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._settings)

    def _items(self, y_true: Any, y_pred: Any) -> _items.Items:
        items = _items.items_of(self.fn)
        if items is None or type(self).call is not LossFunctionWrapper.call:
            return super()._items(y_true, y_pred)
        # `y_true` is not cast: integer labels would be rounded.
        return items(y_true, self._cast("y_pred", y_pred), **self._settings)

    def get_config(self) -> dict[str, Any]:
        """Return the settings as plain data, the function by its name."""
        from .saving import as_config

        return {**super().get_config(), "fn": as_config(self.fn), **as_config(self._fn_kwargs)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the loss with these settings."""
        from .saving import from_config

        return cls(**from_config(config))


class BuiltIn(LossFunctionWrapper):
    """Base of the losses of Keras's own functions: a dataclass of the function's settings."""

    _names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, fn: Callable[..., Array] | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if fn is not None:
            cls.fn = staticmethod(fn)
            cls._names = tuple([n for n in inspect.get_annotations(cls) if n not in ("reduction", "name", "dtype")])

    @property
    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._names}

    def get_config(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        from .saving import as_config

        return {**Loss.get_config(self), **as_config(self._settings)}


def _mask_of(x: Any) -> Array | None:
    """Return the mask that Keras's layers have given to an array."""
    if hasattr(x, "__dict__"):
        return getattr(x, "_keras_mask", None)
    # Keras keeps those of what takes no attributes, such as JAX's tracers. The function has no public name.
    kept = getattr(sys.modules.get("keras.src.backend"), "get_keras_mask", None)
    return None if kept is None else kept(x)


def _dtype_name(dtype: Any) -> str:
    """Return the name of a dtype, which a policy of Keras has as that of its computations."""
    name = FLOATX if dtype is None else getattr(dtype, "compute_dtype", dtype)
    if isinstance(name, str):
        name = name.removeprefix("mixed_")
    require_choice(_DTYPES, dtype=name)
    return str(name)


def _snake_case(name: str) -> str:
    """Return a name as Keras makes it of that of a class, ``MyHTTPLoss`` giving ``my_http_loss``."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))).lower()


@functools.lru_cache(maxsize=256)
def _class_for_keras(cls: type[Loss], loss: type) -> type:
    return type(cls.__name__, (cls, loss), {"__module__": cls.__module__, "__qualname__": cls.__qualname__})


def _restored(cls: type[Loss], state: dict[str, Any]) -> Loss:
    loss = cls.__new__(cls)
    vars(loss).update(state)
    return loss


def _same(a: Any, b: Any) -> bool:
    if is_array(a) or is_array(b):
        return same_values(a, b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return bool(a == b)
