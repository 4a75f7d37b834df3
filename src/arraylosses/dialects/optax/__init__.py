"""Optax's losses on the arrays of every library: ``from arraylosses.dialects import optax`` in place of its ``losses``.

All public functions of ``optax.losses`` 0.2.8, with its names, parameters, defaults and results: nothing is reduced
that Optax leaves as it is, and half precision is returned in its own dtype, computed in float32. Beside arrays of JAX,
NumPy's follow them, and numbers follow any array, as with Optax.

>>> import numpy as np
>>> from arraylosses.dialects import optax
>>> optax.huber_loss(np.asarray([3.0, 0.0]), np.asarray([1.0, 0.5])).tolist()
[1.5, 0.125]

What departs from Optax, and why:

.. list-table::
   :header-rows: 1
   :widths: 25 35 40

   * - function
     - here
     - in Optax
   * - all of integer labels
     - a label outside [0, C) is an error where it can be looked at, else its loss is NaN
     - -1 is the last class of `softmax_cross_entropy_with_integer_labels`; the multiclass losses take a label that is
       no class for a class with the score 0
   * - all
     - settings out of their domain (`delta`, `gamma`, `alpha`, `margin`, `smooth` below 0, `epsilon` of
       `poly_loss_cross_entropy` below -1), integer predictions and arrays on two devices are errors
     - computed
   * - `softmax_cross_entropy`, `poly_loss_cross_entropy`
     - a class with a label of 0 and a logit of -inf, and one that `where` leaves out, count for nothing, in the
       gradients too; `where` may be one of rows in both, along all axes too
     - NaN, of what is left out in the gradient by the labels; a mask of rows is an error in the second, and along all
       axes
   * - `softmax_cross_entropy_with_integer_labels`
     - infinite for a label that `where` leaves out, since its probability is 0
     - finite, and below 0 where its logit is large
   * - `sigmoid_binary_cross_entropy`, `sigmoid_focal_loss`
     - 0 or infinite of an infinite logit
     - NaN
   * - `sparsemax_loss`
     - a label between 0 and 1 counts for its share
     - all labels but 0 count as 1
   * - `hinge_loss`, `perceptron_loss` and their multiclass forms
     - a gradient of 0 where the margin is just kept: `perceptron_loss` learns nothing of scores that are all 0
     - half of that of a margin that is missed, or that of equal shares
   * - `log_cosh`
     - keeps its digits near 0
     - loses them, as it subtracts log 2
   * - `kl_divergence`, `generalized_kl_divergence`
     - finite gradients by targets of 0; a class without target may have the log-prediction -inf
     - NaN
   * - `kl_divergence_with_log_targets`
     - a class with the log-target -inf counts for nothing
     - NaN
   * - `cosine_similarity`, `cosine_distance`
     - the cosine with a vector of zeros is 0
     - NaN, unless `epsilon` is given
   * - `cosine_similarity`, `cosine_distance` of two shapes
     - broadcasts first, so that `axis` and `where` mean the same for both arrays
     - takes the norm of each as it is: along `axis` of its own, and with `where` along another one
   * - `triplet_margin_loss`
     - sums powers of absolute differences, whatever `norm_degree`
     - sums powers of the differences: of signed ones for 1, NaN for 3 where they are negative
   * - `ntxent`
     - 0 without any pair of one label
     - NaN
   * - `ctc_loss`, `ctc_loss_with_forward_probs`
     - `-log_epsilon`, with a gradient of 0, for labels that no alignment stands for, a blank among them; forward
       probabilities of 0, and those of labels that are padding, are `log_epsilon`
     - about as much, with the gradient of an alignment that is none; a blank among the labels is taken for a label
   * - `ranking_softmax_loss`
     - 0 for a mean over no list with the default `reduce_fn` alone
     - with `jax.numpy.mean`, which is its default
   * - `dice_loss`, `binary_dice_loss`, `multiclass_generalized_dice_loss`
     - ``apply_softmax=False`` takes any probabilities, under `jax.jit` too, of which `binary_dice_loss` has one
     - an error unless they sum to 1, which one probability does not, and under `jax.jit`
   * - `dice_loss`
     - `axis` has to leave the class axis
     - the last axis that is left is taken for the classes
   * - `multiclass_sparsemax_loss`
     - of any number of axes
     - of two
   * - `smooth_labels`
     - `where` broadcasts to the labels before its classes are counted; finite where it keeps none
     - counted as it is; infinite
   * - `make_fenchel_young_loss`
     - the loss that is made passes its further arguments on to `max_fun`; a class with the target 0 and the score -inf
       adds nothing to the product
     - keywords are dropped; NaN
"""

from ...registry import peers
from .binary import hinge_loss, perceptron_loss, sigmoid_binary_cross_entropy, sigmoid_focal_loss, sparsemax_loss
from .divergence import (
    convex_kl_divergence,
    generalized_kl_divergence,
    kl_divergence,
    kl_divergence_with_log_targets,
)
from .embedding import cosine_distance, cosine_similarity, ntxent, triplet_margin_loss
from .multiclass import (
    make_fenchel_young_loss,
    multiclass_hinge_loss,
    multiclass_perceptron_loss,
    multiclass_sparsemax_loss,
    poly_loss_cross_entropy,
    safe_softmax_cross_entropy,
    smooth_labels,
    softmax_cross_entropy,
    softmax_cross_entropy_with_integer_labels,
)
from .ranking import ranking_softmax_loss
from .regression import huber_loss, l2_loss, log_cosh, squared_error
from .segmentation import binary_dice_loss, dice_loss, multiclass_generalized_dice_loss
from .sequence import ctc_loss, ctc_loss_with_forward_probs

__all__ = [
    "binary_dice_loss",
    "convex_kl_divergence",
    "cosine_distance",
    "cosine_similarity",
    "ctc_loss",
    "ctc_loss_with_forward_probs",
    "dice_loss",
    "generalized_kl_divergence",
    "hinge_loss",
    "huber_loss",
    "kl_divergence",
    "kl_divergence_with_log_targets",
    "l2_loss",
    "log_cosh",
    "make_fenchel_young_loss",
    "multiclass_generalized_dice_loss",
    "multiclass_hinge_loss",
    "multiclass_perceptron_loss",
    "multiclass_sparsemax_loss",
    "ntxent",
    "perceptron_loss",
    "poly_loss_cross_entropy",
    "ranking_softmax_loss",
    "safe_softmax_cross_entropy",
    "sigmoid_binary_cross_entropy",
    "sigmoid_focal_loss",
    "smooth_labels",
    "softmax_cross_entropy",
    "softmax_cross_entropy_with_integer_labels",
    "sparsemax_loss",
    "squared_error",
    "triplet_margin_loss",
]

NAMES = peers("optax.losses")
"""What each name stands for in this package."""
