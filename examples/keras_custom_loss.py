"""A loss of one's own in each of Keras's two ways, on the arrays of any library, and in a Keras model.

``python examples/keras_custom_loss.py`` computes the pinball loss of a quantile as a function, wrapped, and as a
subclass with `call`, on NumPy and torch, with weights; and trains a Keras model with it. It is the file of a user of
Keras with one line changed, the import of `losses`. A library that is not installed is named and left out.
"""

import importlib
import importlib.util
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

import arraylosses as al
from arraylosses.dialects import keras as losses

Array = Any


# A function that returns one value a sample
def pinball(y_true: Array, y_pred: Array, q: float = 0.5) -> Array:
    """Return what it costs to predict too little, q a unit, or too much, 1 - q a unit."""
    xp = al.array_namespace(y_true, y_pred)
    error = y_true - y_pred
    return xp.mean(xp.maximum(q * error, (q - 1.0) * error), axis=-1)


# A class with `call`
class Pinball(losses.Loss):
    """The same, with the quantile as a setting that is saved."""

    def __init__(self, q: float = 0.5, name: str = "pinball", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.q = q

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of each sample."""
        return pinball(y_true, y_pred, self.q)

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "q": self.q}


def example(xp: Any) -> list[tuple[str, Array, Array]]:
    """Return each loss by its name, with its value and its gradient."""
    y_true = xp.asarray([[1.0], [2.0], [4.0]])
    y_pred = xp.asarray([[2.0], [2.5], [2.0]])
    weight = xp.asarray([1.0, 1.0, 2.0])
    found = []
    for loss in (losses.LossFunctionWrapper(pinball, name="wrapped", q=0.75), Pinball(q=0.75)):
        value, gradient = al.value_and_grad(lambda p, loss=loss: loss(y_true, p, weight))(y_pred)
        found.append((str(loss.name), value, gradient))
    return found


def train(loss: Any, epochs: int = 10) -> float:
    """Return the quantile of noise that a Keras model has learned."""
    import keras

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = np.ones((512, 1), dtype="float32")
    y = rng.uniform(size=(512, 1)).astype("float32")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss=loss)
    model.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
    return float(np.asarray(model.predict(x[:1], verbose=0))[0, 0])


def main(libraries: Sequence[str] = ("numpy", "torch")) -> None:
    """Print both losses on each library, and train with both."""
    for name in libraries:
        if not importlib.util.find_spec(name):
            print(f"{name}: not installed")
            continue
        for loss, value, gradient in example(importlib.import_module(name)):
            numbers = ", ".join(f"{float(g):.4f}" for g in gradient[:, 0])
            print(f"{name:5}  {loss:7}  {float(value):.4f}  gradient {numbers}")
    again = losses.deserialize(losses.serialize(Pinball(q=0.75)), custom_objects={"Pinball": Pinball})
    print("saved and loaded:", again)
    if not importlib.util.find_spec("keras"):
        print("keras: not installed")
        return
    print(f"a model of the upper quartile of [0, 1] predicts {train(Pinball(q=0.75)):.2f}")


if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "jax")
    main()
