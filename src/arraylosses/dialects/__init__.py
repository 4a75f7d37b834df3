"""The losses of a framework by its own names, one module a framework, on any library's arrays.

What a framework does by convention or by accident is here, and in no other loss. Losses whose formula differs, such as
Keras's limits of probabilities, take the prediction first and have `weight`, `where` and `reduction` as all losses;
`get` finds them by the framework's names, and loads them when it is first asked for one. None of the modules imports
its framework.
"""

from . import keras, optax, torch

__all__ = ["keras", "optax", "torch"]
