"""Functions without a derivative: those of plain values, and those that can't be differentiated."""

from __future__ import annotations

import operator

from .rules import no_rule, plain_values

__all__: list[str] = []

# Piecewise constant: the derivative is 0 wherever there is one. The operator computes where there is one, as the
# libraries' functions do not all take a Python number.
plain_values(
    {
        "equal": operator.eq,
        "not_equal": operator.ne,
        "less": operator.lt,
        "less_equal": operator.le,
        "greater": operator.gt,
        "greater_equal": operator.ge,
        "floor_divide": operator.floordiv,
        "bitwise_and": operator.and_,
        "bitwise_or": operator.or_,
        "bitwise_xor": operator.xor,
        "bitwise_invert": operator.invert,
        "bitwise_left_shift": operator.lshift,
        "bitwise_right_shift": operator.rshift,
    }
)
plain_values("ceil floor round trunc signbit nextafter")
plain_values("isfinite isinf isnan isin logical_and logical_not logical_or logical_xor all any count_nonzero")
plain_values("argmax argmin argsort nonzero searchsorted linalg.matrix_rank")

# Making arrays, and saying something of arrays and dtypes
plain_values("arange empty empty_like eye ones ones_like zeros zeros_like fft.fftfreq fft.rfftfreq")
plain_values("broadcast_shapes can_cast finfo iinfo isdtype result_type __array_namespace_info__")

no_rule("take it out of the function that is differentiated", "from_dlpack")
no_rule(
    "its result's shape depends on the values; sort the array instead, or call it on what is not differentiated",
    "unique_all unique_counts unique_inverse unique_values",
)
no_rule(
    "eigh and eigvalsh, of symmetric matrices, svd and svdvals have one",
    "linalg.eig linalg.eigvals",
)
