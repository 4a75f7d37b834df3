"""The losses of other libraries by their own names, with what they are here.

A name is found by `get` as it is, unless it says which loss it is; what differs beside the settings that `get` returns
is said in words. `registry.peers` has both. For an estimator, the names are the values of its parameter `loss`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["LIBRARIES", "PEERS", "Named"]


class Named(NamedTuple):
    """What a name of another library stands for."""

    loss: str | None = None
    """The canonical name of the loss, or that of a function; empty where there is none. None for what `get` finds."""
    differs: str = ""
    """What differs beside the settings that `get` carries."""


LIBRARIES = {"torch": "PyTorch", "keras": "Keras", "optax": "Optax", "sklearn": "scikit-learn"}
"""How people write the library that a path begins with."""

_AS_IT_IS = Named()


def _of(names: str, **others: Named) -> dict[str, Named]:
    return {**dict.fromkeys(names.split(), _AS_IT_IS), **others}


_NOTHING = Named("", "there is no such loss here")
_CLASS_AXIS = "the classes lie along axis 1, and ignore_index is -100"
_NO_ALIGNMENT = "finite where there is no alignment"

_CTC_OF_TORCH = Named("ctc", "the time first; the mean is that of losses divided by their labels")
_KL_OF_TORCH = Named(None, "an item is an element; its batchmean is our mean")
_LABELS_IN_A_LIST = Named("multilabel_margin", "the target is a list of classes, ended by -1")
_BY_A_DISTANCE = Named("margin_ranking", "of the distances, which are computed beforehand")

_CTC_OF_KERAS = Named("ctc", f"labels of 0 are padding, all frames are in use; {_NO_ALIGNMENT}")
_CIRCLE_OF_KERAS = Named("circle", "of embeddings of length 1; the mean is over those with a loss")
_DICE_OF_KERAS = Named("dice", "one sum over all images, places and classes, of probabilities; an empty mask costs 1")
_TVERSKY_OF_KERAS = Named("tversky", "as Dice; alpha weights false negatives in 3.15.1")
_HINGE_OF_KERAS = Named("categorical_hinge", "the label's class takes part with a score of 0")
_POWER_OF_KERAS = Named(None, "labels of 0 and 1 are made -1 and 1")

PEERS: Mapping[str, Mapping[str, Named]] = {
    "torch.nn": _of(
        "BCELoss BCEWithLogitsLoss CosineEmbeddingLoss CrossEntropyLoss GaussianNLLLoss HingeEmbeddingLoss HuberLoss "
        "L1Loss LinearCrossEntropyLoss MSELoss MarginRankingLoss MultiLabelSoftMarginLoss MultiMarginLoss NLLLoss "
        "PoissonNLLLoss SmoothL1Loss SoftMarginLoss TripletMarginLoss",
        AdaptiveLogSoftmaxWithLoss=Named("adaptive_log_softmax", "holds its layers, and returns log-probabilities too"),
        CTCLoss=_CTC_OF_TORCH,
        KLDivLoss=_KL_OF_TORCH,
        MultiLabelMarginLoss=_LABELS_IN_A_LIST,
        NLLLoss2d=Named("nll", f"{_CLASS_AXIS}; deprecated"),
        TripletMarginWithDistanceLoss=_BY_A_DISTANCE,
    ),
    "torch.nn.functional": _of(
        "binary_cross_entropy_with_logits cosine_embedding_loss gaussian_nll_loss hinge_embedding_loss huber_loss "
        "l1_loss margin_ranking_loss mse_loss multi_margin_loss multilabel_soft_margin_loss nll_loss poisson_nll_loss "
        "smooth_l1_loss soft_margin_loss triplet_margin_loss",
        binary_cross_entropy=Named("binary_cross_entropy", "of probabilities: get('BCELoss')"),
        cross_entropy=Named("cross_entropy", f"{_CLASS_AXIS}: get('CrossEntropyLoss')"),
        ctc_loss=_CTC_OF_TORCH,
        kl_div=_KL_OF_TORCH,
        linear_cross_entropy=Named("linear_cross_entropy", "ignore_index is -100"),
        multilabel_margin_loss=_LABELS_IN_A_LIST,
        triplet_margin_with_distance_loss=_BY_A_DISTANCE,
    ),
    "keras.losses": _of(
        "BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy "
        "CategoricalGeneralizedCrossEntropy CosineSimilarity Huber KLDivergence LogCosh MeanAbsoluteError "
        "MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Poisson "
        "SparseCategoricalCrossentropy binary_crossentropy binary_focal_crossentropy categorical_crossentropy "
        "categorical_focal_crossentropy categorical_generalized_cross_entropy cosine_similarity huber log_cosh "
        "mean_absolute_error mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error "
        "poisson sparse_categorical_crossentropy",
        CTC=_CTC_OF_KERAS,
        CategoricalHinge=_HINGE_OF_KERAS,
        Circle=_CIRCLE_OF_KERAS,
        Dice=_DICE_OF_KERAS,
        Hinge=_POWER_OF_KERAS,
        SquaredHinge=_POWER_OF_KERAS,
        Tversky=_TVERSKY_OF_KERAS,
        categorical_hinge=_HINGE_OF_KERAS,
        circle=_CIRCLE_OF_KERAS,
        ctc=_CTC_OF_KERAS,
        dice=_DICE_OF_KERAS,
        hinge=_POWER_OF_KERAS,
        kl_divergence=Named("kl_divergence", "of two probabilities, at least 1e-7: get('KLDivergence')"),
        squared_hinge=_POWER_OF_KERAS,
        tversky=_TVERSKY_OF_KERAS,
    ),
    "keras.losses.get": _of("BCE KLD MAE MAPE MSE MSLE bce kld mae mape mse msle"),
    "optax.losses": _of(
        "binary_dice_loss convex_kl_divergence cosine_distance dice_loss generalized_kl_divergence hinge_loss "
        "huber_loss kl_divergence kl_divergence_with_log_targets l2_loss log_cosh multiclass_generalized_dice_loss "
        "multiclass_hinge_loss multiclass_perceptron_loss multiclass_sparsemax_loss ntxent perceptron_loss "
        "poly_loss_cross_entropy ranking_softmax_loss safe_softmax_cross_entropy sigmoid_binary_cross_entropy "
        "sigmoid_focal_loss softmax_cross_entropy softmax_cross_entropy_with_integer_labels sparsemax_loss "
        "squared_error",
        cosine_similarity=Named("cosine_similarity", "the cosine itself, and not its negative"),
        ctc_loss=Named("ctc", f"paddings in place of lengths; {_NO_ALIGNMENT}"),
        ctc_loss_with_forward_probs=Named("ctc", "with the forward probabilities, as dialects.optax has them"),
        make_fenchel_young_loss=Named("fenchel_young", "of a function of one vector"),
        smooth_labels=Named("special.smooth_labels", "no loss"),
        triplet_margin_loss=Named("triplet_margin", "epsilon within the norm: get('optax.triplet_margin_loss')"),
    ),
    "sklearn.metrics": _of(
        "brier_score_loss hinge_loss log_loss mean_absolute_error mean_gamma_deviance mean_pinball_loss "
        "mean_poisson_deviance mean_squared_error mean_squared_log_error mean_tweedie_deviance",
        coverage_error=_NOTHING,
        hamming_loss=_NOTHING,
        label_ranking_loss=_NOTHING,
        max_error=_NOTHING,
        mean_absolute_percentage_error=Named("absolute_percentage_error", "not in per cent"),
        median_absolute_error=Named("absolute_error", "the median of it"),
        root_mean_squared_error=Named("squared_error", "the root of its mean"),
        root_mean_squared_log_error=Named("squared_logarithmic_error", "the root of its mean"),
        zero_one_loss=_NOTHING,
    ),
    "sklearn.linear_model.SGDClassifier": _of(
        "epsilon_insensitive hinge modified_huber perceptron squared_epsilon_insensitive squared_hinge",
        huber=Named(None, "its epsilon is our delta"),
        log_loss=Named("soft_margin", "of labels of -1 and 1"),
        squared_error=Named("half_squared_error", "half the square"),
    ),
    "sklearn.linear_model.SGDRegressor": _of(
        "epsilon_insensitive squared_epsilon_insensitive",
        huber=Named(None, "its epsilon is our delta"),
        squared_error=Named("half_squared_error", "half the square"),
    ),
    "sklearn.ensemble.HistGradientBoostingRegressor": _of(
        "absolute_error quantile",
        gamma=Named("gamma_deviance", "half of it, of the logarithm of the mean"),
        poisson=Named("poisson_nll", "of the logarithm of the mean"),
        squared_error=Named("half_squared_error", "half the square"),
    ),
    "sklearn.ensemble.HistGradientBoostingClassifier": {
        "log_loss": Named("cross_entropy", "of two classes, binary_cross_entropy"),
    },
    "sklearn.ensemble.GradientBoostingRegressor": _of(
        "absolute_error quantile",
        huber=Named(None, "its delta is a quantile of the errors"),
        squared_error=Named("half_squared_error", "half the square"),
    ),
    "sklearn.ensemble.GradientBoostingClassifier": _of(
        "",
        exponential=Named("exponential", "of labels of -1 and 1"),
        log_loss=Named("cross_entropy", "of two classes, binary_cross_entropy"),
    ),
}
"""By the path of the module or the estimator, the public losses of each library."""
