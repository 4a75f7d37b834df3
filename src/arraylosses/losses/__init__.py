"""The mathematics: one file a family, each loss as a frozen dataclass of its settings."""

from . import (
    binary,
    contrastive,
    divergence,
    embedding,
    likelihood,
    linear,
    margin,
    multiclass,
    ranking,
    regression,
    segmentation,
    sequence,
)
from .binary import *
from .contrastive import *
from .divergence import *
from .embedding import *
from .likelihood import *
from .linear import *
from .margin import *
from .multiclass import *
from .ranking import *
from .regression import *
from .segmentation import *
from .sequence import *

__all__: list[str] = []
__all__ += binary.__all__
__all__ += contrastive.__all__
__all__ += divergence.__all__
__all__ += embedding.__all__
__all__ += likelihood.__all__
__all__ += linear.__all__
__all__ += margin.__all__
__all__ += multiclass.__all__
__all__ += ranking.__all__
__all__ += regression.__all__
__all__ += segmentation.__all__
__all__ += sequence.__all__
