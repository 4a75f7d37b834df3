"""A perceptron of two layers on JAX, trained with Optax: its parameters as a dict, as Equinox's and as Flax's module.

``python examples/jax_training.py`` trains each that is installed on the digits that come with the package. A loss is a
pure function of its arrays, so it takes part in ``jax.jit`` and ``jax.grad`` as it is; all three losses are the same.
"""

import importlib.util
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax

import arraylosses as al
from arraylosses.data import load

LOSS = al.CrossEntropy(label_smoothing=0.05)
HIDDEN, CLASSES = 16, 10


def data() -> tuple[jax.Array, jax.Array]:
    """Return ten features of images of digits, and which digits they are."""
    sample = load("digits")
    features = (sample["logits"] - sample["logits"].mean(axis=0)) / sample["logits"].std(axis=0)
    return jax.numpy.asarray(features, dtype="float32"), jax.numpy.asarray(sample["labels"])


def start() -> dict[str, jax.Array]:
    """Return the parameters that each starts from."""
    rng = np.random.default_rng(0)
    drawn = {
        "first": rng.normal(size=(10, HIDDEN)) / 10**0.5,
        "first_bias": np.zeros(HIDDEN),
        "second": rng.normal(size=(HIDDEN, CLASSES)) / HIDDEN**0.5,
        "second_bias": np.zeros(CLASSES),
    }
    return {name: jax.numpy.asarray(x, dtype="float32") for name, x in drawn.items()}


def plain(steps: int) -> list[float]:
    """Train a dict of arrays."""
    features, labels = data()
    parameters = start()
    optimizer = optax.adam(0.02)
    state = optimizer.init(parameters)

    def objective(p: dict[str, jax.Array]) -> jax.Array:
        hidden = jax.numpy.tanh(features @ p["first"] + p["first_bias"])
        return LOSS(hidden @ p["second"] + p["second_bias"], labels)

    @jax.jit
    def step(parameters: Any, state: Any) -> tuple[Any, Any, jax.Array]:
        value, gradients = jax.value_and_grad(objective)(parameters)
        updates, state = optimizer.update(gradients, state)
        return optax.apply_updates(parameters, updates), state, value

    values = []
    for _ in range(steps):
        parameters, state, value = step(parameters, state)
        values.append(float(value))
    return values


def equinox(steps: int) -> list[float]:
    """Train a module of Equinox."""
    import equinox as eqx

    features, labels = data()
    drawn = start()
    keys = jax.random.split(jax.random.key(0))
    layers = [eqx.nn.Linear(10, HIDDEN, key=keys[0]), eqx.nn.Linear(HIDDEN, CLASSES, key=keys[1])]
    model = eqx.tree_at(
        lambda m: (m[0].weight, m[0].bias, m[1].weight, m[1].bias),
        layers,
        (drawn["first"].T, drawn["first_bias"], drawn["second"].T, drawn["second_bias"]),
    )
    optimizer = optax.adam(0.02)
    state = optimizer.init(eqx.filter(model, eqx.is_array))

    def objective(model: Any) -> jax.Array:
        logits = jax.vmap(lambda x: model[1](jax.numpy.tanh(model[0](x))))(features)
        return LOSS(logits, labels)

    @eqx.filter_jit
    def step(model: Any, state: Any) -> tuple[Any, Any, jax.Array]:
        value, gradients = eqx.filter_value_and_grad(objective)(model)
        updates, state = optimizer.update(gradients, state)
        return eqx.apply_updates(model, updates), state, value

    values = []
    for _ in range(steps):
        model, state, value = step(model, state)
        values.append(float(value))
    return values


def flax(steps: int) -> list[float]:
    """Train a module of Flax NNX."""
    from flax import nnx

    features, labels = data()

    class Perceptron(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.first = nnx.Linear(10, HIDDEN, rngs=rngs)
            self.second = nnx.Linear(HIDDEN, CLASSES, rngs=rngs)

        def __call__(self, x: jax.Array) -> jax.Array:
            return self.second(jax.numpy.tanh(self.first(x)))

    model, drawn = Perceptron(nnx.Rngs(0)), start()
    for name in ("first", "second"):
        layer = getattr(model, name)
        layer.kernel[...], layer.bias[...] = drawn[name], drawn[f"{name}_bias"]
    optimizer = nnx.Optimizer(model, optax.adam(0.02), wrt=nnx.Param)

    @nnx.jit
    def step(model: Perceptron, optimizer: nnx.Optimizer) -> jax.Array:
        value, gradients = nnx.value_and_grad(lambda m: LOSS(m(features), labels))(model)
        optimizer.update(model, gradients)
        return value

    return [float(step(model, optimizer)) for _ in range(steps)]


WAYS: dict[str, tuple[str, Callable[[int], list[float]]]] = {
    "optax": ("optax", plain),
    "equinox": ("equinox", equinox),
    "flax": ("flax", flax),
}


def main(steps: int = 40) -> None:
    """Train in each way, and print the loss at the start and at the end."""
    for name, (library, train) in WAYS.items():
        if importlib.util.find_spec(library):
            values = train(steps)
            print(f"{name:8s} loss {values[0]:.6f} to {values[-1]:.6f}")
        else:
            print(f"{name:8s} not installed")


if __name__ == "__main__":
    main()
