"""Loss functions written once against the Python array API standard, for every array library."""

import importlib
from typing import TYPE_CHECKING, Any

from . import functions, losses, special
from ._array_api import array_namespace
from ._config import config
from .accumulation import Mean
from .adaptive_softmax import adaptive_log_softmax
from .composition import WeightedSum, weighted_sum
from .constants import best_constant
from .conversion import convert, mixed, to_numpy
from .functions.angular import *
from .functions.binary import *
from .functions.class_probability import *
from .functions.contrastive import *
from .functions.detection import *
from .functions.deviance import *
from .functions.divergence import *
from .functions.embedding import *
from .functions.likelihood import *
from .functions.linear import *
from .functions.lovasz import *
from .functions.margin import *
from .functions.metric_learning import *
from .functions.multiclass import *
from .functions.multilabel import *
from .functions.ordinal import *
from .functions.policy import *
from .functions.preference import *
from .functions.ranking import *
from .functions.regression import *
from .functions.relative import *
from .functions.robust import *
from .functions.scoring import *
from .functions.segmentation import *
from .functions.self_supervised import *
from .functions.sequence import *
from .functions.survival import *
from .functions.tsallis import *
from .gradients import grad, value_and_grad, value_grad_hess
from .loss import Loss, RowLoss, Sum
from .loss_function import fenchel_young, loss
from .losses.angular import *
from .losses.binary import *
from .losses.class_probability import *
from .losses.contrastive import *
from .losses.detection import *
from .losses.deviance import *
from .losses.divergence import *
from .losses.embedding import *
from .losses.likelihood import *
from .losses.linear import *
from .losses.lovasz import *
from .losses.margin import *
from .losses.metric_learning import *
from .losses.multiclass import *
from .losses.multilabel import *
from .losses.ordinal import *
from .losses.policy import *
from .losses.preference import *
from .losses.ranking import *
from .losses.regression import *
from .losses.relative import *
from .losses.robust import *
from .losses.scoring import *
from .losses.segmentation import *
from .losses.self_supervised import *
from .losses.sequence import *
from .losses.survival import *
from .losses.tsallis import *
from .registry import alias, deserialize, get, register, registered, serialize

if TYPE_CHECKING:
    from . import autodiff, dialects
    from .comparison import compare

__version__ = "0.1.0"

__all__ = [
    "Loss",
    "Mean",
    "RowLoss",
    "Sum",
    "WeightedSum",
    "__version__",
    "adaptive_log_softmax",
    "alias",
    "array_namespace",
    "autodiff",
    "best_constant",
    "compare",
    "config",
    "convert",
    "deserialize",
    "dialects",
    "fenchel_young",
    "functions",
    "get",
    "grad",
    "loss",
    "losses",
    "mixed",
    "register",
    "registered",
    "serialize",
    "special",
    "to_numpy",
    "value_and_grad",
    "value_grad_hess",
    "weighted_sum",
]
# Type checkers follow this spelling, and a star import of the module that defines a name, but no second one of it.
__all__ += losses.__all__
__all__ += functions.__all__

# Loaded when they are first asked for: half of the package's import time, for what many programs never use.
_LAZY = {
    "autodiff": ("arraylosses.autodiff", None),
    "compare": ("arraylosses.comparison", "compare"),
    "dialects": ("arraylosses.dialects", None),
}


if not TYPE_CHECKING:  # a type checker would let every name pass

    def __getattr__(name: str) -> Any:
        if name in _LAZY:
            path, attribute = _LAZY[name]
            module = importlib.import_module(path)
            return module if attribute is None else getattr(module, attribute)
        from .registry import known_as

        raise AttributeError(f"module 'arraylosses' has no attribute {name!r}{known_as(name)}")


def __dir__() -> list[str]:
    return sorted(__all__)
