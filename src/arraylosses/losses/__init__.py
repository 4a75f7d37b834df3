"""The mathematics: one file a family, each loss as a class of settings and as a function."""

from . import binary, divergence, embedding, likelihood, linear, multiclass, regression
from .binary import *
from .divergence import *
from .embedding import *
from .likelihood import *
from .linear import *
from .multiclass import *
from .regression import *

__all__ = [
    *binary.__all__,
    *divergence.__all__,
    *embedding.__all__,
    *likelihood.__all__,
    *linear.__all__,
    *multiclass.__all__,
    *regression.__all__,
]
