"""The function forms of the losses, a family a file.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from . import binary, divergence, embedding, likelihood, linear, multiclass, regression
from .binary import *
from .divergence import *
from .embedding import *
from .likelihood import *
from .linear import *
from .multiclass import *
from .regression import *

__all__: list[str] = []
__all__ += binary.__all__
__all__ += divergence.__all__
__all__ += embedding.__all__
__all__ += likelihood.__all__
__all__ += linear.__all__
__all__ += multiclass.__all__
__all__ += regression.__all__
