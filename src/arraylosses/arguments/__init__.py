"""What an argument must be, and what is said when it is not.

Every message is one line: the argument in backticks, what it must be, what it was, and how to mend it where the mistake
is common. Shapes and dtypes are looked at here and nowhere else, by what a loss declares, so a loss holds its formula
alone.
"""

from .arrays import Inputs, Labels, check_inputs
from .declaration import Declaration, Granularity, conditions, declared, of_granularity
from .domains import DOMAINS, Domain
from .hints import added_axes, as_dtype, closest, in_short, made_of, meant, ours, spelled
from .settings import (
    FrozenDict,
    are_zero,
    kept_setting,
    of_classes,
    require_choice,
    require_factors,
    require_finite,
    require_integer,
    require_nonnegative,
    require_one_of_type,
    require_per_class,
    require_positive,
    require_range,
)
from .shapes import Layout, check_broadcast

__all__ = [
    "DOMAINS",
    "Declaration",
    "Domain",
    "FrozenDict",
    "Granularity",
    "Inputs",
    "Labels",
    "Layout",
    "added_axes",
    "are_zero",
    "as_dtype",
    "check_broadcast",
    "check_inputs",
    "closest",
    "conditions",
    "declared",
    "in_short",
    "kept_setting",
    "made_of",
    "meant",
    "of_classes",
    "of_granularity",
    "ours",
    "require_choice",
    "require_factors",
    "require_finite",
    "require_integer",
    "require_nonnegative",
    "require_one_of_type",
    "require_per_class",
    "require_positive",
    "require_range",
    "spelled",
]
