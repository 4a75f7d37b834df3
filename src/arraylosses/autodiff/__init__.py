"""Reverse-mode automatic differentiation over the array API standard, for libraries that have none of their own.

`grad`, `value_and_grad` and `vjp` call a function with traced arrays in place of its arguments. They behave as arrays
of the library, so a function that is written against ``al.array_namespace(x)`` is differentiated as it stands.

What works on a traced array:

- the functions of the array API standard with its extensions `linalg` and `fft`, by ``xp = al.array_namespace(x)``,
  but for `linalg.eig` and `linalg.eigvals`, of matrices that are not symmetric, and the `unique_` functions;
- operators, indexing, iteration, comparisons, which are constant and come back as arrays of the library itself;
- NumPy's functions, ``np.exp(x)`` and ``np.tensordot(x, y, 1)``: those that the standard has under the same or another
  name, and `append`, `array_split`, `atleast_1d`, `atleast_2d`, `average`, `bincount` of weights, `cbrt`,
  `column_stack`, `convolve`, `copy`, `corrcoef`, `cov`, `cumprod`, `cumsum`, `degrees`, `diag`, `diagonal`, `dot`,
  `einsum`, `exp2`, `float_power`, `gradient`, `heaviside`, `hsplit`, `hstack`, `inner`, `interp`, `kron`,
  `linalg.multi_dot`, `linalg.norm`, `logaddexp2`, `median`, `nan_to_num`, `nancumsum`, `nanmax`, `nanmean`, `nanmin`,
  `nanstd`, `nansum`, `nanvar`, `outer`, `pad` by constants, `percentile`, `ptp`, `quantile`, `radians`, `ravel`,
  `select`, `split`, `swapaxes`, `trace`, `transpose`, `trapezoid`, `vdot`, `vsplit`, `vstack`;
- the methods of the library's array, where they are such functions: ``x.sum(axis=0)``, ``x.reshape(2, 3)``, ``x.T``;
- printing, and ``f"{loss:.4f}"`` where the library's array takes the format.

All else raises a TypeError that says what to write. So does what would lose the derivative: `float`, `int`, `bool`,
``x.item()``, ``np.asarray(x)``, functions of `math`, and writing to an array. `stop_gradient` takes the values out
where a constant is meant.

A function of the library without a derivative rule gets one from a user by its name: by `rule`, with one maker for each
argument, or by `composite`, where it is put together from other functions. A maker is told the traced namespace, the
result and the arguments, and returns what makes the argument's cotangent of the result's.

>>> import numpy as np
>>> from arraylosses import autodiff
>>> autodiff.rule("ldexp", lambda xp, ans, x, k: lambda g: g * 2.0**k, elementwise=True)
>>> autodiff.grad(lambda x: np.ldexp(x, 3).sum())(np.asarray([1.0, 2.0])).tolist()
[8.0, 8.0]

To read on: `tape` holds the method, `array` and `namespace` what a function sees of it, `numpy_names` and
`numpy_functions` what NumPy adds;
the derivative rules stand one a line in tables by kind.
"""

from .array import TracedArray
from .derivatives import grad, stop_gradient, value_and_grad, vjp
from .namespace import TracedNamespace
from .rules import composite, rule

__all__ = [
    "TracedArray",
    "TracedNamespace",
    "composite",
    "grad",
    "rule",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
