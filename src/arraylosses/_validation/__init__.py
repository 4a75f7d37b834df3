"""What an argument must be, and what is said when it is not.

Every message is one line: the argument in backticks, what it must be, what it was, and how to mend it where the mistake
is common. Shapes and dtypes are looked at here and nowhere else, so a loss holds its formula alone.
"""

from .arrays import Inputs, check_inputs, check_projection, take_axis
from .domains import Domain, Granularity, Role
from .hints import added_axes, closest, in_short, made_of, meant, ours
from .settings import (
    FrozenDict,
    kept_setting,
    of_classes,
    require_choice,
    require_finite,
    require_integer,
    require_nonnegative,
    require_one_of_type,
    require_per_class,
    require_positive,
    require_range,
)

__all__ = [
    "Domain",
    "FrozenDict",
    "Granularity",
    "Inputs",
    "Role",
    "added_axes",
    "check_inputs",
    "check_projection",
    "closest",
    "in_short",
    "kept_setting",
    "made_of",
    "meant",
    "of_classes",
    "ours",
    "require_choice",
    "require_finite",
    "require_integer",
    "require_nonnegative",
    "require_one_of_type",
    "require_per_class",
    "require_positive",
    "require_range",
    "take_axis",
]
