"""Print the losses that other libraries have, as JSON: the public names by module.

A program of its own, because Sphinx reads pages in forked processes, which JAX does not survive.
"""

from __future__ import annotations

import importlib
import json
import os
import re

os.environ.setdefault("KERAS_BACKEND", "jax")  # read when Keras is imported; its own default is TensorFlow

LIBRARIES: dict[str, dict[str, str]] = {
    "PyTorch": {"torch.nn": r"\w+Loss", "torch.nn.functional": r"\w+_loss|\w*cross_entropy\w*|kl_div"},
    "Keras": {"keras.losses": r"(?!get$|serialize$|deserialize$|Loss$)\w+"},
    "Optax": {"optax.losses": r"(?!smooth_labels$)\w+"},
    "scikit-learn": {"sklearn.metrics": r"\w+_(loss|error|deviance)"},
}
"""The modules in which a library has its losses, and which of their public names are such."""


def public(module: str, pattern: str) -> list[str]:
    """Return the losses of a library's module."""
    found = importlib.import_module(module)
    taken = [name for name in dir(found) if re.fullmatch(pattern, name) and not name.startswith("_")]
    return sorted(name for name in taken if callable(getattr(found, name)))


if __name__ == "__main__":
    print(json.dumps({m: public(m, p) for modules in LIBRARIES.values() for m, p in modules.items()}))
