"""The groups of rows: what each is about, and where its cases are. Each runs in a process of its own."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from .cases import Case


@dataclass(frozen=True)
class Group:
    """Rows of one library beside one peer."""

    name: str
    title: str
    peer: str
    cases: str  # module:function
    environment: dict[str, str] = field(default_factory=dict)

    def load(self) -> Iterator[Case]:
        """Import the libraries, and yield the cases."""
        module, function = self.cases.split(":")
        cases: Iterator[Case] = getattr(importlib.import_module(f"benchmarks.{module}"), function)()
        return cases


_ALL = (
    Group("calls", "NumPy, 100 elements: what a call costs", "textbook formula", "peers_numpy:call_cases"),
    Group("dialects", "The dialects' calls", "our own", "peers_dialects:cases"),
    Group("numpy", "NumPy against the textbook formula", "textbook formula", "peers_numpy:textbook_cases"),
    Group(
        "numpy-values",
        "NumPy: a trained model's logits, one-hot targets, maps",
        "ours on random values",
        "peers_numpy:values_cases",
    ),
    Group("torch-values", "torch: the same", "ours on random values", "peers_torch:values_cases"),
    Group("jax-values", "JAX, jitted: the same", "ours on random values", "peers_jax:values_cases"),
    Group("gradients", "NumPy, the gradient against the value alone", "value alone", "peers_numpy:gradient_cases"),
    Group(
        "scikit-learn",
        "NumPy against scikit-learn's Cython, one thread each",
        "sklearn._loss",
        "peers_numpy:scikit_learn_cases",
    ),
    Group("keras-numpy", "NumPy against Keras", "Keras", "peers_keras:numpy_cases", {"KERAS_BACKEND": "numpy"}),
    Group("torch", "torch, eager", "torch.nn.functional", "peers_torch:eager_cases"),
    Group("torch-textbook", "torch, eager: losses that it lacks", "textbook formula", "peers_torch:textbook_cases"),
    Group("torch-compile", "torch.compile", "torch.nn.functional, compiled", "peers_torch:compiled_cases"),
    Group("torch-between", "torch, eager, at other sizes", "torch.nn.functional", "peers_torch:between_cases"),
    Group("torch-cuda", "torch on a GPU, eager", "torch.nn.functional", "peers_torch:cuda_cases"),
    Group("torch-large", "torch, eager: large vocabularies", "torch", "peers_torch:large_cases"),
    Group(
        "torch-batches",
        "torch, eager: images, boxes, embeddings, sequences",
        "MONAI, Kornia, pytorch-metric-learning, torch",
        "peers_batches:torch_cases",
    ),
    Group("optax-jit", "JAX, jitted", "Optax, jitted", "peers_jax:jitted_cases"),
    Group("optax-eager", "JAX, eager", "Optax, eager", "peers_jax:eager_cases"),
    Group(
        "keras-jax",
        "JAX against Keras: the value eager, the gradient jitted",
        "Keras",
        "peers_keras:jax_cases",
        {"KERAS_BACKEND": "jax"},
    ),
    Group(
        "jax-batches",
        "JAX, jitted: images, embeddings, sequences",
        "Optax, jitted",
        "peers_batches:jax_cases",
    ),
    Group("jax-large", "JAX, jitted: large vocabularies", "cross entropy of logits", "peers_jax:large_cases"),
)
GROUPS = {group.name: group for group in _ALL}
