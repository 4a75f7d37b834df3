"""The losses of Keras 3.15 on any library's arrays: ``from arraylosses.dialects import keras as losses``.

Names, signatures, defaults and reductions are those of `keras.losses`, and so are the values. Functions take
``(y_true, y_pred)`` and return one value a sample; classes take ``(y_true, y_pred, sample_weight=None)``, compute in
their `dtype`, float32 unless it is said, and reduce as `Loss` says. Nothing of Keras is needed, and where it is loaded,
``model.compile`` takes them in the place of its own. `CompileLoss` does what ``compile`` does with losses of several
outputs.

.. list-table:: What differs from Keras, and why
   :header-rows: 1

   * - Keras
     - here
     - why
   * - takes arrays of any library
     - lists of numbers and NumPy's arrays follow those of another library; arrays of two others are a TypeError
     - nothing is moved from a device unseen
   * - broadcasts `y_true` and `y_pred` of other shapes than it can squeeze
     - ValueError with the shapes
     - (N, 1) beside (1, N) is an N by N loss that nobody means
   * - computes in half precision where `dtype`, or `y_pred` of a function, is that
     - computes in float32, and rounds the result to half precision
     - epsilon, 1e-7, and sums are lost in float16
   * - rounds integer labels to `dtype`
     - keeps them
     - bfloat16 has no 257, and float32 no 16777217
   * - a label out of range has a loss of 0 on JAX, is the last class or an error elsewhere
     - ValueError on NumPy and torch's CPU; the loss and its gradient are NaN elsewhere
     - a wrong label is no number
   * - 1 - 1e-7 is rounded to `dtype`
     - the limits of probabilities are as exact as their logarithms
     - both ends have the same largest loss, 16.118, in every dtype
   * - focal losses of logits limit the probability, and stop learning beyond 1e-7
     - logits are not limited
     - the gradient of the hardest items vanishes, which the loss is for
   * - a focal loss's factor (1 - p) ** gamma has a gradient where a limit holds p
     - no gradient where a limit holds p
     - the loss is that of the limited probability
   * - the gradient of a hinge where the margin is just kept is half of one that is missed, or all of it
     - 0
     - the loss is 0 there
   * - any settings: `delta` and `gamma` below 0, `label_smoothing` above 1
     - ValueError
     - it is no such loss
   * - `axis` of ``cosine_similarity`` may be several
     - one
     - a vector lies along one axis
   * - ``log_cosh`` subtracts log 2
     - errors near 0 keep their digits
     - the difference has none left
   * - `label_smoothing` divides by the length of the last axis, and a list `alpha` lies along it
     - both go by the classes, along `axis`
     - mended in Keras after 3.15
   * - ``sparse_categorical_crossentropy`` takes another `axis` on torch alone
     - any axis
     - the same call has one meaning everywhere
   * - `alpha` and `beta` of ``tversky`` are exchanged
     - `alpha` weighs false positives, `beta` false negatives, as documented
     - mended in Keras after 3.15
   * - weights of arrays of one axis are lost in the mean that comes first
     - `sample_weight` of the shape of the elements weighs these
     - each number is a sample
   * - "mean_with_sample_weight" divides by the sum of weights before they are broadcast
     - divides by the sum of the weights that the values have
     - a constant weight changes no mean
   * - with `sample_weight` of shape (N, 1), "none" has this shape
     - the shape of the values
     - a weight does not shape a loss
   * - an empty batch gives an empty array
     - 0
     - a reduced loss has shape ()
   * - of labels that no alignment stands for, ``ctc`` is 1e5, 709 or infinity
     - infinity, with a gradient of 0
     - there is no such likelihood
   * - of half precision, the functions of class indices, and of a list `alpha`, return float32
     - the dtype of `y_pred`
     - so do all others
   * - configurations lack `dtype`, the `delta` of Huber and the `axis` of CosineSimilarity
     - they are kept
     - a saved loss is the same loss
   * - lambdas are serialized as code
     - TypeError
     - a configuration holds nothing that is executed
   * - a name is counted, as in ``my_loss_1``
     - ``my_loss``
     - what a loss is does not depend on those before it
   * - ``keras.config.set_epsilon``, ``set_floatx``
     - 1e-7 and float32; `dtype` says another
     - what a loss is does not depend on what else is loaded

Messages are those of this package; ``get("logcosh")``, "huber_loss", "kullback_leibler_divergence" and
"cosine_proximity", names of older versions, are known too. `NAMES` says what each name stands for in this package.
"""

from . import classes, functions
from .classes import *
from .compile_loss import CompileLoss
from .functions import *
from .loss import Loss, LossFunctionWrapper
from .saving import NAMES, deserialize, get, serialize

__all__ = ["NAMES", "CompileLoss", "Loss", "LossFunctionWrapper", "deserialize", "get", "serialize"]
__all__ += classes.__all__
__all__ += functions.__all__
