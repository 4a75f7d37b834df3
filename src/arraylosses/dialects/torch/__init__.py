"""The losses of `torch.nn.functional` and `torch.nn`, by their names and with their arguments, on any library's arrays.

A program is ported by its import. All names, the order of arguments, defaults, reductions, shapes and dtypes of results
are those of PyTorch 2.13, whether it is installed or not::

    from arraylosses.dialects import torch as F   # in the place of: import torch.nn.functional as F
    from arraylosses.dialects import torch as nn  # in the place of: from torch import nn

    F.cross_entropy(logits, labels, ignore_index=0)
    criterion = nn.CrossEntropyLoss(weight=weight, label_smoothing=0.1)
    criterion(logits, labels)

The classes are on axis 1, a label of -100 is left out, a mean over nothing is NaN, half precision comes back in half
precision, and two shapes broadcast where they do in torch, with its warning where it warns. Gradients are those of the
library, or by `grad` and `value_and_grad`.

What is no meaning of torch's but a defect, or can't be had on any library, is another:

.. list-table:: Departures
   :header-rows: 1

   * - where
     - torch
     - here
     - why
   * - `soft_margin_loss`
     - overflows, with a gradient of NaN, where a score is far on the wrong side
     - is finite
     - ``log(1 + exp(x))`` needs no exponential that overflows
   * - half precision
     - sums and means are carried in half precision in places: a mean of 70,000 items is NaN
     - computed in float32, and rounded once
     - the result is in range
   * - `cross_entropy`, `binary_cross_entropy_with_logits`
     - a row that is all but certain has no digits left
     - keeps its digits, in the value and in the gradient
     - ``1 - p`` is not formed
   * - `binary_cross_entropy`
     - the gradient at 0 and 1 is 1e12 times the error
     - is that of the formula, in which a logarithm that is held at -100 has none
     - it is the gradient of what is computed
   * - `gaussian_nll_loss`
     - the gradient by a variance below `eps` is that without the limit
     - is 0
     - the same
   * - `ctc_loss`
     - the gradient by log-probabilities is that by logits; NaN where no alignment stands for the labels
     - is that of the formula, and 0 there
     - a log-softmax in front makes the same of both
   * - `cosine_embedding_loss`
     - 1e-12 is added to each squared length
     - a vector of length 0 has a cosine of 0, and no other is changed
     - short vectors have directions
   * - `hinge_embedding_loss`, `cosine_embedding_loss`
     - a target that is neither 1 nor -1 has the loss of both, or of none
     - counts by its sign
     - it is no target; `config` with ``check_values=True`` refuses it
   * - `cosine_embedding_loss`
     - of arrays that differ in the length of the last axis, each length is that of its own vector
     - both broadcast before any length is taken
     - cosines of vectors of one length are compared
   * - `triplet_margin_loss`
     - of arrays that differ in the length of the last axis, each distance is of its own two; `p` may be 0
     - all broadcast before any distance is taken, which `swap` sees; `p` is above 0
     - distances of one length are compared
   * - hinges: `margin_ranking_loss`, `hinge_embedding_loss`, `cosine_embedding_loss`, `triplet_margin_loss`
     - the gradient where a margin is just kept is that of one that is missed
     - is 0
     - as all over the package: the loss is 0 there. Where equal scores are to part, give a margin above 0
   * - `kl_div` with `log_target`, `poisson_nll_loss` with `full`
     - NaN of a log-target of -inf; a gradient of NaN by a target of 0
     - 0; the gradient of the formula
     - ``0 log 0`` is 0
   * - `binary_cross_entropy_with_logits`, `multilabel_soft_margin_loss`
     - NaN of an infinite logit, in places
     - 0 or infinite
     - the limit
   * - `multi_margin_loss`, `multilabel_margin_loss`
     - a score of NaN costs nothing
     - NaN
     - a wrong number is seen
   * - `multi_margin_loss`
     - any margin
     - at least 0
     - a negative one asks for nothing
   * - `linear_cross_entropy`
     - `options` choose the chunks, and are passed over with a warning where these can't be had
     - they are checked, and choose nothing
     - labels are computed in chunks on all libraries
   * - labels
     - int64 and uint8
     - any integers
     - they are exact
   * - labels out of range
     - an error on the CPU, undefined on an accelerator
     - an error on the CPU of NumPy and torch, elsewhere a loss of NaN
     - values can't be looked at there
   * - integer or complex `input`
     - some losses take them
     - refused
     - a prediction is a real number
   * - errors
     - RuntimeError, ValueError or TypeError
     - ValueError or TypeError, which name the argument
     - as everywhere in the package
   * - classes
     - are modules, with buffers
     - are plain objects, of which `to`, `train` and the like return the object itself
     - torch need not be there; `interop.torch.module` makes modules
   * - `LinearCrossEntropyLoss`, `AdaptiveLogSoftmaxWithLoss`
     - hold parameters
     - hold arrays, of NumPy to begin with, which `load_state_dict` replaces by any others
     - the same
   * - `AdaptiveLogSoftmaxWithLoss`
     - a cluster may be left without features
     - refused
     - nothing is learned of it
   * - `NLLLoss2d`
     - deprecated
     - left out
     - it is `NLLLoss`

The names say which loss of the package computes them: see `NAMES`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from ...registry import Peer, peers
from . import adaptive, classification, embedding, linear, margin, regression, sequence
from .adaptive import *
from .classification import *
from .embedding import *
from .linear import *
from .margin import *
from .regression import *
from .sequence import *

__all__: list[str] = []
__all__ += regression.__all__
__all__ += classification.__all__
__all__ += margin.__all__
__all__ += embedding.__all__
__all__ += sequence.__all__
__all__ += linear.__all__
__all__ += adaptive.__all__


NAMES: Mapping[str, Peer] = MappingProxyType({**peers("torch.nn.functional"), **peers("torch.nn")})
"""What each name stands for in this package."""
