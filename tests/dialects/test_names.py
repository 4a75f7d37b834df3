"""The names of other libraries: all that they have, and what `get` finds is what they compute."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses import registry
from arraylosses.peers import PEERS

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
keras = pytest.importorskip("keras")
optax = pytest.importorskip("optax")
pytest.importorskip("sklearn")

if keras.backend.backend() != "jax":
    pytest.skip("Keras was imported with another backend", allow_module_level=True)

import sklearn.ensemble  # noqa: E402
import sklearn.linear_model  # noqa: E402
import sklearn.metrics  # noqa: E402


def functions_of_torch() -> set[str]:
    """Those of which a class of `torch.nn` takes its value, and whatever is called like these."""
    functional = torch.nn.functional
    called = {
        name
        for cls in classes_of_torch()
        for name in re.findall(r"F\.(\w+)\(", inspect.getsource(getattr(torch.nn, cls).forward))
    }
    losses = {name for name in vars(functional) if name.endswith("_loss") and not name.startswith("_")}
    return losses | (called & set(vars(functional)) - {"log_softmax", "linear", "adaptive_log_softmax"})


def classes_of_torch() -> set[str]:
    return {name for name in vars(torch.nn) if re.search("Loss(2d)?$", name)}


def own_names(path: str) -> set[str]:
    """The public losses of a library, by its own lists."""
    if path == "torch.nn":
        return classes_of_torch()
    if path == "torch.nn.functional":
        return functions_of_torch()
    if path == "keras.losses":
        return {name for name in vars(keras.losses) if not name.startswith("_")} - {
            "Loss", "deserialize", "get", "serialize",
        }  # fmt: skip
    if path == "keras.losses.get":
        known = keras.src.losses.ALL_OBJECTS_DICT
        return set(known) - set(vars(keras.losses)) - {"LossFunctionWrapper"}
    if path == "optax.losses":
        return {name for name, x in vars(optax.losses).items() if inspect.isfunction(x) and not name.startswith("_")}
    if path == "sklearn.metrics":
        return {name for name in sklearn.metrics.__all__ if re.search("_(loss|error|deviance)$", name)}
    module, _, cls = path.rpartition(".")
    estimator: Any = getattr(
        {"sklearn.ensemble": sklearn.ensemble, "sklearn.linear_model": sklearn.linear_model}[module], cls
    )
    return {option for one in estimator._parameter_constraints["loss"] for option in getattr(one, "options", ())}


@pytest.mark.parametrize("path", PEERS)
def test_the_table_has_all_losses_of_a_library(path):
    assert set(PEERS[path]) == own_names(path)
    functions = {"fenchel_young", "special.smooth_labels", "adaptive_log_softmax"}
    for peer in registry.peers(path).values():
        assert peer.loss in {*al.registered(), *functions, ""}, peer
        assert peer.loss or peer.differs, peer


# Asymmetric arrays: whatever a wrong convention mixes up gives another number.

RNG = np.random.default_rng(0)
SHAPE = (4, 5)
REAL, OTHER = RNG.normal(size=SHAPE), RNG.normal(size=SHAPE)
LOGITS = 2.0 * RNG.normal(size=SHAPE)
LABELS = np.asarray([1, 4, 0, 1])
POSITIVE, COUNTS = np.exp(RNG.normal(size=SHAPE)), RNG.integers(0, 5, size=SHAPE).astype("float64")
PROBABILITIES = RNG.uniform(0.05, 0.95, size=SHAPE)
YES = np.where(RNG.uniform(size=SHAPE) < 0.4, 1.0, 0.0)
SIGNS = 2.0 * YES - 1.0
P, Q = (np.exp(x) / np.exp(x).sum(-1, keepdims=True) for x in (REAL, OTHER))
HIDDEN, MATRIX = RNG.normal(size=(4, 3)), RNG.normal(size=(5, 3))
THREE = REAL, OTHER, LOGITS
IMAGES = RNG.normal(size=(2, 6, 3)), np.eye(3)[RNG.integers(3, size=(2, 6))]
MASKS = LOGITS, YES

PREDICTED = {
    "bce binary_crossentropy binary_focal_crossentropy binarycrossentropy binaryfocalcrossentropy bceloss": (
        PROBABILITIES,
        YES,
    ),
    "bcewithlogitsloss binary_cross_entropy_with_logits sigmoid_binary_cross_entropy sigmoid_focal_loss "
    "multilabelsoftmarginloss multilabel_soft_margin_loss sparsemax_loss": (LOGITS, YES),
    "categorical_crossentropy categoricalcrossentropy categorical_focal_crossentropy categoricalfocalcrossentropy": (
        Q,
        P,
    ),
    "sparse_categorical_crossentropy sparsecategoricalcrossentropy categorical_generalized_cross_entropy "
    "categoricalgeneralizedcrossentropy": (Q, LABELS),
    "crossentropyloss multimarginloss multi_margin_loss softmax_cross_entropy_with_integer_labels "
    "multiclass_hinge_loss multiclass_perceptron_loss multiclass_sparsemax_loss": (LOGITS, LABELS),
    "nllloss nll_loss": (np.log(P), LABELS),
    "softmax_cross_entropy safe_softmax_cross_entropy poly_loss_cross_entropy": (LOGITS, P),
    "kld kldivergence": (Q, P),
    "kl_divergence generalized_kl_divergence convex_kl_divergence": (np.log(Q), P),
    "kl_divergence_with_log_targets": (np.log(Q), np.log(P)),
    "poisson": (POSITIVE, COUNTS),
    "mean_poisson_deviance mean_tweedie_deviance": (POSITIVE, COUNTS),
    "mean_gamma_deviance msle mean_squared_logarithmic_error meansquaredlogarithmicerror mean_squared_log_error": (
        POSITIVE,
        COUNTS + 0.5,
    ),
    "poissonnllloss poisson_nll_loss": (REAL, COUNTS),
    "gaussiannllloss gaussian_nll_loss": (REAL, OTHER, POSITIVE),
    "cosineembeddingloss cosine_embedding_loss": (REAL, OTHER, SIGNS[:, 0]),
    "marginrankingloss margin_ranking_loss": (REAL, OTHER, SIGNS),
    "hingeembeddingloss hinge_embedding_loss softmarginloss soft_margin_loss hinge_loss perceptron_loss": (REAL, SIGNS),
    "tripletmarginloss triplet_margin_loss": THREE,
    "linearcrossentropyloss": (HIDDEN, MATRIX, LABELS),
    "ntxent": (LOGITS, np.asarray([0, 1, 0, 1])),
    "ranking_softmax_loss": (REAL, COUNTS),
    "dice_loss multiclass_generalized_dice_loss": IMAGES,
    "binary_dice_loss": MASKS,
}
"""What a loss is given, prediction first, by its name in lower case; all others are losses of an error."""

GIVEN = {name: arrays for names, arrays in PREDICTED.items() for name in names.split()}


def of_torch(path: str) -> Callable[..., Any]:
    def call(name: str, *arrays: np.ndarray) -> Any:
        given = [torch.tensor(x) for x in arrays]
        if name == "LinearCrossEntropyLoss":  # which holds the matrix itself
            return torch.nn.functional.linear_cross_entropy(*given)
        function = getattr(torch.nn.functional, name) if path.endswith("functional") else None
        return (function or getattr(torch.nn, name)())(*given)

    return call


def of_keras(name: str, prediction: np.ndarray, target: np.ndarray) -> Any:
    loss = keras.losses.get(name) if name in keras.src.losses.ALL_OBJECTS_DICT else getattr(keras.losses, name)
    if isinstance(loss, type):
        loss = loss(dtype="float64")
    settings = {"q": 0.5} if name == "categorical_generalized_cross_entropy" else {}
    return np.mean(np.asarray(loss(jax.numpy.asarray(target), jax.numpy.asarray(prediction), **settings)))


def of_optax(name: str, *arrays: np.ndarray) -> Any:
    return np.mean(np.asarray(getattr(optax.losses, name)(*map(jax.numpy.asarray, arrays))))


def of_metrics(name: str, prediction: np.ndarray, target: np.ndarray) -> Any:
    if name == "log_loss":
        return sklearn.metrics.log_loss(LABELS, P, labels=range(5))
    return getattr(sklearn.metrics, name)(target.ravel(), prediction.ravel())


NATIVE = {
    "torch.nn": of_torch("torch.nn"),
    "torch.nn.functional": of_torch("torch.nn.functional"),
    "keras.losses": of_keras,
    "keras.losses.get": of_keras,
    "optax.losses": of_optax,
    "sklearn.metrics": of_metrics,
}

OF_METRICS = {"brier_score_loss": (PROBABILITIES, YES), "log_loss": (P, LABELS), "hinge_loss": (REAL, SIGNS)}


@pytest.mark.filterwarnings("ignore:.*convex_kl_divergence:DeprecationWarning", "ignore:reduction:UserWarning")
@pytest.mark.parametrize(
    ("path", "name"),
    [(path, name) for path in NATIVE for name, peer in registry.peers(path).items() if PEERS[path][name].loss is None],
)
def test_a_name_that_get_finds_gives_the_native_value(path, name):
    arrays = GIVEN.get(name.lower(), (REAL, OTHER))
    if path == "sklearn.metrics":
        arrays = OF_METRICS.get(name, arrays)
    differs = PEERS[path][name].differs
    factor = 1.0
    if name in ("KLDivLoss", "kl_div"):  # whose mean is over the elements
        arrays, factor = (np.log(Q), P), SHAPE[1]
    elif differs:
        assert "labels of 0 and 1" in differs  # those of -1 and 1 are taken as they are
        arrays = (REAL, SIGNS)
    with jax.enable_x64(True):
        expected = factor * float(np.asarray(NATIVE[path](name, *arrays)))
    loss = al.get(name, q=0.5) if name == "mean_pinball_loss" else al.get(name)
    # Keras computes a cross entropy in float32.
    np.testing.assert_allclose(float(loss(*arrays)), expected, rtol=2e-6 if path.startswith("keras") else 1e-9)


MESSAGES = [
    ("MultiLabelMarginLoss", "PyTorch's is al.multilabel_margin here: the target is a list of classes, ended by -1"),
    ("make_fenchel_young_loss", "Optax's is al.fenchel_young here: of a function of one vector"),
    ("smooth_labels", "Optax's is al.special.smooth_labels here: no loss"),
    ("root_mean_squared_error", "scikit-learn's is al.squared_error here: the root of its mean"),
    ("max_error", "which is scikit-learn's: there is no such loss here"),
]


@pytest.mark.parametrize(("name", "message"), MESSAGES)
def test_a_name_that_is_no_loss_here_is_told_what_is(name, message):
    with pytest.raises(ValueError, match=f"^`loss` must be the name of a registered loss, got '{name}'[;,] {message}"):
        al.get(name)
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'[;,] {message}"):
        getattr(al, name)


def test_a_name_of_an_attribute_is_told_what_get_returns():
    with pytest.raises(AttributeError, match=r"al.get\('MSELoss'\) returns it: SquaredError\(\)"):
        _ = al.MSELoss
    with pytest.raises(AttributeError, match=r"returns it: dialects.optax.embedding.CosineDistance\(\)"):
        _ = al.cosine_distance
    assert al.get("CrossEntropy") == al.CrossEntropy()
