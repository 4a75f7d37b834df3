"""What a framework does by convention or by accident: its losses where they differ from ours, one module a framework.

They take the prediction first and have `weight`, `where` and `reduction` as all losses here; what they have of their
framework is the formula. None of them imports the framework. `get` finds them by the framework's names, and loads them
when it is first asked for one.

`optax` has all functions of its framework too, as they are called there.
"""

from . import keras, optax, torch

__all__ = ["keras", "optax", "torch"]
