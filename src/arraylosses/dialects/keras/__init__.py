"""The losses of Keras 3 on any library's arrays."""

from .classes import *
from .functions import *
from .loss import Loss, LossFunctionWrapper
from .saving import deserialize, get, serialize
