"""Losses as losses of Keras, on its backends JAX and torch."""

from __future__ import annotations

from typing import Any, Self

import keras
from keras.src.backend import get_keras_mask  # which has no public name

from .._array_api import Array, dtype_kind
from ..loss import Loss, snake_case
from ..loss_function import LossFunction
from ..registry import deserialize, get, serialize

__all__ = ["loss"]


def loss(
    loss: str | Loss | type[Loss] | LossFunction[...], /, *, name: str | None = None, dtype: str | None = None
) -> keras.losses.Loss:
    """Make a loss of Keras of a loss, for ``model.compile``.

    Parameters
    ----------
    loss : Loss, subclass of Loss, function form or name
        A loss of two arrays: the prediction, and the target. To be saved with a model it must be registered.
    name : str, optional
        The name in Keras's logs; by default that of the loss.
    dtype : str, optional
        In which predictions, and targets that are no integers, come to the loss; by default Keras's ``floatx``.
        Integer labels stay what they are, so that none is rounded.

    Returns
    -------
    keras.losses.Loss
        It is called by Keras, with the target first. A target may have an axis of length 1 at its end, or lack one
        that the prediction has, as in Keras. A mask that a layer has made is taken as `where`, and sample weights as
        `weight`: one number a sample, or one for each of its items.

    Raises
    ------
    TypeError
        If `loss` is no loss of two arrays.
    RuntimeError
        If Keras runs on TensorFlow or OpenVINO, whose tensors have no namespace of the array API standard.

    Notes
    -----
    The reduction is that of the loss. With sample weights, or with a `class_weight` of ``model.fit``, "mean" is the
    weighted mean Σ w l / Σ w, Keras's "mean_with_sample_weight"; Keras's own losses divide by the number of items
    unless they are told otherwise. Without weights there is no difference.

    Keras calls a loss with the target first, so a loss that is no loss of Keras may not be given to it: it refuses.
    A function form can't know who calls it, and would be trained with its arguments exchanged.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> from arraylosses.interop import keras as adapter
    >>> quantile = adapter.loss(al.Quantile(q=0.9))
    >>> y_true, y_pred = np.asarray([[2.0], [4.0]]), np.asarray([[1.0], [1.0]])
    >>> round(float(quantile(y_true, y_pred)), 4)
    1.8
    """
    return _KerasLoss(get(loss), name=name, dtype=dtype)


@keras.saving.register_keras_serializable(package="arraylosses", name="Loss")
class _KerasLoss(keras.losses.Loss):  # type: ignore[misc]
    def __init__(self, loss: Loss, name: str | None = None, dtype: str | None = None) -> None:
        backend = keras.backend.backend()
        if backend not in ("jax", "torch", "numpy"):
            raise RuntimeError(
                f"`KERAS_BACKEND` must be 'jax' or 'torch', got {backend!r}, whose tensors have no namespace of the "
                "array API standard; set it before Keras is imported"
            )
        names = loss.declaration.names[: loss.declaration.required]
        if len(names) != 2:
            taken = ", ".join(f"`{name}`" for name in names) or "nested outputs"
            raise TypeError(
                f"`loss` must take two arrays, a prediction and a target; {type(loss).__name__} takes {taken}"
            )
        super().__init__(name=name or snake_case(type(loss).__name__), dtype=dtype)
        self.loss = loss

    def __call__(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> Array:
        prediction = keras.ops.convert_to_tensor(y_pred, dtype=self.dtype)
        target = keras.ops.convert_to_tensor(y_true)
        if dtype_kind(target.dtype) in ("float", "half"):
            target = keras.ops.cast(target, self.dtype)
        declaration = self.loss.declaration
        first, second = declaration.arguments[:2]
        more = len(prediction.shape) - len(first.forms[0].axes)  # than the axes that the loss names
        axes = more + len(second.form(integer=dtype_kind(target.dtype) == "int").axes)
        if len(target.shape) > axes or prediction.shape[-1:] == (1,):
            target = _with_axes(target, axes)
        weight, where = sample_weight, get_keras_mask(y_pred)
        if weight is not None:
            weight = keras.ops.convert_to_tensor(weight, dtype=self.dtype)
            weight = _with_axes(weight, more + len(declaration.items))
        if where is not None:
            where = _with_axes(keras.ops.convert_to_tensor(where, dtype="bool"), more + len(declaration.where))
        return self.loss(prediction, target, weight=weight, where=where)

    def get_config(self) -> dict[str, Any]:
        return {"loss": serialize(self.loss), "name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**{**config, "loss": deserialize(config["loss"])})


def _with_axes(x: Array, ndim: int) -> Array:
    """Return `x` with as many axes, where axes of length 1 at its end make the difference."""
    while len(x.shape) > ndim and x.shape[-1] == 1:
        x = x[..., 0]
    while len(x.shape) < ndim:
        x = x[..., None]
    return x
