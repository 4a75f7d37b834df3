"""Loss functions written once against the Python array API standard, for every array library."""

from importlib.metadata import version as _version

from . import losses, special
from ._array_api import array_namespace
from .conversion import convert
from .loss import Loss, RowLoss, loss
from .losses import *
from .registry import alias, deserialize, get, register, registered, serialize

__version__ = _version("arraylosses")

__all__ = [
    "Loss",
    "RowLoss",
    "__version__",
    "alias",
    "array_namespace",
    "convert",
    "deserialize",
    "get",
    "loss",
    "losses",
    "register",
    "registered",
    "serialize",
    "special",
    *losses.__all__,
]
