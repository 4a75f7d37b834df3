"""Mathematical functions that keep their digits where the textbook's lose them, on every array library.

They have finite derivatives of every order where losses are used most: at 0, at ties, at infinite logits. A custom loss
may use them beside the functions of its namespace.
"""

from .numerics.classes import one_hot, smooth_labels, take_along_axis
from .numerics.elementwise import absolute, clip, heaviside, relu, sign, stop_gradient, where
from .numerics.logarithms import log_cosh, xlogy
from .numerics.logistic import log_sigmoid, sigmoid, softplus
from .numerics.norms import pairwise_distances, vector_norm
from .numerics.softmax import log_softmax, logsumexp, softmax

__all__ = [
    "absolute",
    "clip",
    "heaviside",
    "log_cosh",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "one_hot",
    "pairwise_distances",
    "relu",
    "sigmoid",
    "sign",
    "smooth_labels",
    "softmax",
    "softplus",
    "stop_gradient",
    "take_along_axis",
    "vector_norm",
    "where",
    "xlogy",
]
