"""torch."""

from . import classification, embedding, linear, margin, regression, sequence
from .classification import *
from .embedding import *
from .linear import *
from .margin import *
from .regression import *
from .sequence import *

__all__: list[str] = []
for _module in (regression, classification, margin, embedding, sequence, linear):
    __all__ += _module.__all__
