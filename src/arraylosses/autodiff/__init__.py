"""Reverse-mode automatic differentiation over the array API standard, for libraries that have none of their own.

`grad`, `value_and_grad` and `vjp` call a function with traced arrays in place of its arguments. They behave as arrays
of the library, so a function that is written against ``al.array_namespace(x)`` is differentiated as it stands.

To read on: `tape` holds the method, `array` and `namespace` what a function sees of it; the derivative rules stand one
a line in tables by kind.
"""

from .array import TracedArray
from .derivatives import grad, value_and_grad, vjp
from .namespace import TracedNamespace

__all__ = ["TracedArray", "TracedNamespace", "grad", "value_and_grad", "vjp"]
