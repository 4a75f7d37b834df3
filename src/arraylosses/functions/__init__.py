"""The function forms of the losses, a family a file.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from . import (
    angular,
    binary,
    class_probability,
    contrastive,
    detection,
    deviance,
    divergence,
    embedding,
    likelihood,
    linear,
    lovasz,
    margin,
    metric_learning,
    multiclass,
    multilabel,
    ordinal,
    policy,
    preference,
    ranking,
    regression,
    relative,
    robust,
    scoring,
    segmentation,
    self_supervised,
    sequence,
    survival,
    tsallis,
)
from .angular import *
from .binary import *
from .class_probability import *
from .contrastive import *
from .detection import *
from .deviance import *
from .divergence import *
from .embedding import *
from .likelihood import *
from .linear import *
from .lovasz import *
from .margin import *
from .metric_learning import *
from .multiclass import *
from .multilabel import *
from .ordinal import *
from .policy import *
from .preference import *
from .ranking import *
from .regression import *
from .relative import *
from .robust import *
from .scoring import *
from .segmentation import *
from .self_supervised import *
from .sequence import *
from .survival import *
from .tsallis import *

__all__: list[str] = []
__all__ += angular.__all__
__all__ += binary.__all__
__all__ += class_probability.__all__
__all__ += contrastive.__all__
__all__ += detection.__all__
__all__ += deviance.__all__
__all__ += divergence.__all__
__all__ += embedding.__all__
__all__ += likelihood.__all__
__all__ += linear.__all__
__all__ += lovasz.__all__
__all__ += margin.__all__
__all__ += metric_learning.__all__
__all__ += multiclass.__all__
__all__ += multilabel.__all__
__all__ += ordinal.__all__
__all__ += policy.__all__
__all__ += preference.__all__
__all__ += ranking.__all__
__all__ += regression.__all__
__all__ += relative.__all__
__all__ += robust.__all__
__all__ += scoring.__all__
__all__ += segmentation.__all__
__all__ += self_supervised.__all__
__all__ += sequence.__all__
__all__ += survival.__all__
__all__ += tsallis.__all__
