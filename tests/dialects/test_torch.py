"""The torch dialect beside torch: names and signatures, warnings, objects, means over nothing, half precision."""

from __future__ import annotations

import copy
import inspect
import pickle
import warnings

import numpy as np
import pytest

import arraylosses as al
from arraylosses.dialects import torch as dialect

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402
from torch.nn.modules import loss as modules  # noqa: E402

CLASSES = [name for name in dialect.__all__ if isinstance(getattr(dialect, name), type)]
FUNCTIONS = [name for name in dialect.__all__ if name not in CLASSES]
DEPRECATED = "NLLLoss2d"
OF_NO_LOSS = {"LinearCrossEntropyOptions", "AdaptiveLogSoftmaxWithLoss"}
"""Settings, and what is a function of nested arrays and no loss with a name."""
OF_LISTS = {"MultiLabelMarginLoss", "multilabel_margin_loss"}
"""Names that `get` refuses: the loss of the package takes no list of labels, and would be another without a word."""

RNG = np.random.default_rng(0)
INPUT, TARGET = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3))
LABELS = np.asarray([2, 0, 1, 2])


def convert(library: str):
    """What makes a library's array of one of NumPy's."""
    if library == "numpy":
        return lambda x: x
    return torch.tensor if library == "torch" else pytest.importorskip("jax").numpy.asarray


on_each_library = pytest.mark.parametrize(
    "library", [pytest.param(name, marks=pytest.mark.backend(name)) for name in ("numpy", "torch", "jax")]
)


# Names and signatures


def test_the_names_are_torch_s():
    assert {*CLASSES} == {*modules.__all__, *OF_NO_LOSS} - {DEPRECATED}
    known = [name for name in vars(functional) if name.endswith(("_loss", "cross_entropy", "_logits", "kl_div"))]
    assert {*FUNCTIONS} == {name for name in known if not name.startswith("_")}
    assert (len(FUNCTIONS), len(CLASSES)) == (22, 24)
    assert dialect.NAMES.keys() == {*dialect.__all__, DEPRECATED} - {"LinearCrossEntropyOptions"}


@pytest.mark.parametrize("name", [n for n in dialect.__all__ if n not in OF_NO_LOSS | OF_LISTS])
def test_every_name_is_found_by_get(name):
    assert isinstance(al.get(name), al.Loss)


@pytest.mark.parametrize("name", dialect.__all__)
def test_the_parameters_are_torch_s_in_its_order(name):
    theirs = inspect.signature(getattr(torch.nn if name in CLASSES else functional, name)).parameters.values()
    ours = inspect.signature(getattr(dialect, name)).parameters.values()
    assert [(p.name, p.kind, p.default) for p in ours] == [(p.name, p.kind, p.default) for p in theirs]


# Warnings


@pytest.mark.parametrize("average", [None, True, False])
@pytest.mark.parametrize("reduce", [None, True, False])
def test_deprecated_arguments_override_the_reduction_with_torch_s_warning(average, reduce):
    found = []
    for module, array in ((dialect, np.asarray), (functional, torch.tensor)):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            value = module.mse_loss(array(INPUT), array(TARGET), average, reduce, "sum")
        found.append((np.asarray(value), [(w.category, str(w.message)) for w in said]))
    np.testing.assert_allclose(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


def test_deprecated_arguments_are_warned_of_where_a_loss_is_made():
    with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated") as said:
        assert dialect.NLLLoss(None, False).reduction == "sum"
    assert said[0].filename == __file__
    with pytest.warns(UserWarning, match="reduction='elementwise_mean' is deprecated"):
        assert dialect.L1Loss(reduction="elementwise_mean").reduction == "mean"


@pytest.mark.parametrize("name", ["l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss"])
def test_two_shapes_broadcast_with_torch_s_warning(name):
    given = INPUT, TARGET[:, :1]
    with pytest.warns(UserWarning, match="Using a target size .* that is different to the input size"):
        expected = getattr(functional, name)(*map(torch.tensor, given))
    with pytest.warns(UserWarning, match="Using a target size .* that is different to the input size") as said:
        value = getattr(dialect, name)(*given)
    assert said[0].filename == __file__
    np.testing.assert_allclose(value, expected)


def test_a_mean_of_elements_that_is_no_divergence_is_warned_of():
    for module, array in ((dialect, np.asarray), (functional, torch.tensor)):
        with pytest.warns(UserWarning, match="reduction: 'mean' divides the total loss by both"):
            module.kl_div(array(INPUT), array(np.abs(TARGET)))


# Objects


@pytest.mark.parametrize("name", [n for n in CLASSES if not n.startswith(("Linear", "Adaptive"))])
def test_an_object_has_a_repr_and_is_equal_to_its_copies(name):
    cls = getattr(dialect, name)
    made = cls()
    attributes = {n: v for n, v in vars(getattr(torch.nn, name)()).items() if not n.startswith("_") and n != "training"}
    attributes.pop("distance_function", None)  # an object of torch's, where ours is None
    assert {n: v for n, v in vars(made).items() if n in attributes} == attributes
    assert repr(made) == f"{name}({', '.join(f'{n}={v!r}' for n, v in vars(made).items())})"
    for again in (cls(), copy.deepcopy(made), pickle.loads(pickle.dumps(made)), made.to("cpu").train()):
        assert again == made
        assert hash(again) == hash(made)
    again = cls()
    again.reduction = "sum"
    assert again != made
    again = cls()
    again.note = "another attribute"
    assert again != made
    assert made != al.Huber()


def test_weights_are_compared_by_value():
    weight = np.asarray([1.0, 2.0, 3.0])
    assert dialect.CrossEntropyLoss(weight) == dialect.CrossEntropyLoss(weight.copy())
    assert dialect.CrossEntropyLoss(weight) != dialect.CrossEntropyLoss(weight + 1.0)
    assert dialect.CrossEntropyLoss(weight) != dialect.CrossEntropyLoss()


@on_each_library
def test_weights_follow_the_arrays_and_settings_may_be_changed(library):
    array, weight = convert(library), [1.0, 2.0, 0.5]
    ours = dialect.CrossEntropyLoss(np.asarray(weight), label_smoothing=0.25)
    ours.reduction = "sum"
    theirs = torch.nn.CrossEntropyLoss(torch.tensor(weight), label_smoothing=0.25, reduction="sum")
    expected = theirs(torch.tensor(INPUT.astype("float32")), torch.tensor(LABELS))
    value = ours(array(INPUT.astype("float32")), array(LABELS))
    np.testing.assert_allclose(al.to_numpy(value), expected, rtol=1e-5)


def test_options_are_torch_s():
    given = {
        "batch_chunk_size": 2,
        "chunking_method": "aspect_ratio:4",
        "acc_policy": "compact",
        "acc_dtype": torch.float64,
    }
    for options in ({}, given):
        ours, theirs = dialect.LinearCrossEntropyOptions(**options), torch.nn.LinearCrossEntropyOptions(**options)
        assert repr(ours) == repr(theirs)
    for name, value in [("batch_chunk_size", 0), ("chunking_method", "aspect_ratio:0"), ("acc_policy", "tiny")]:
        with pytest.raises(ValueError, match=name):
            torch.nn.LinearCrossEntropyOptions(**{name: value})
        with pytest.raises(ValueError, match=name):
            dialect.LinearCrossEntropyOptions(**{name: value})


def test_the_arrays_of_a_layer_are_replaced_by_those_of_torch_s():
    theirs = torch.nn.LinearCrossEntropyLoss(3, 4, bias=True)
    ours = dialect.LinearCrossEntropyLoss(3, 4, bias=True)
    assert {n: tuple(x.shape) for n, x in ours.state_dict().items()} == {
        n: tuple(x.shape) for n, x in theirs.state_dict().items()
    }
    bound = 1 / np.sqrt(3.0)
    assert np.all(np.abs(ours.linear.weight) <= bound)
    with pytest.raises(ValueError, match="`state_dict` must have linear.weight, linear.bias, got linear.weight"):
        ours.load_state_dict({"linear.weight": theirs.linear.weight})
    ours.load_state_dict(theirs.state_dict())
    value = ours(torch.tensor(INPUT, dtype=torch.float32), torch.tensor(LABELS))
    torch.testing.assert_close(value, theirs(torch.tensor(INPUT, dtype=torch.float32), torch.tensor(LABELS)))


@on_each_library
def test_an_adaptive_softmax_is_torch_s(library):
    array = convert(library)
    torch.manual_seed(0)
    given = {"in_features": 8, "n_classes": 20, "cutoffs": [4, 9], "div_value": 2.0, "head_bias": True}
    theirs, ours = torch.nn.AdaptiveLogSoftmaxWithLoss(**given), dialect.AdaptiveLogSoftmaxWithLoss(**given)
    assert {n: tuple(x.shape) for n, x in ours.state_dict().items()} == {
        n: tuple(x.shape) for n, x in theirs.state_dict().items()
    }
    assert ours != dialect.AdaptiveLogSoftmaxWithLoss(**given)
    ours.load_state_dict(theirs.state_dict())
    assert ours == pickle.loads(pickle.dumps(ours))
    x = torch.randn(6, 8, requires_grad=True)
    labels = torch.tensor([0, 3, 4, 8, 9, 19])
    expected = theirs(x, labels)
    expected.loss.backward()
    x_of_ours, labels_of_ours = array(x.detach().numpy()), array(labels.numpy())
    output, loss = ours(x_of_ours, labels_of_ours)
    for found, wanted in [
        (output, expected.output),
        (loss, expected.loss),
        (ours.log_prob(x_of_ours), theirs.log_prob(x)),
    ]:
        np.testing.assert_allclose(al.to_numpy(found), wanted.detach(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(al.to_numpy(ours.predict(x_of_ours)), theirs.predict(x))
    gradient = al.grad(lambda x: ours(x, labels_of_ours).loss)(x_of_ours)
    np.testing.assert_allclose(al.to_numpy(gradient), x.grad, rtol=1e-4, atol=1e-6)
    if library == "jax":  # which would compile it once more
        return
    alone = ours(x_of_ours[1, ...], labels_of_ours[1, ...])
    np.testing.assert_allclose(al.to_numpy(alone.output), expected.output[1].detach(), rtol=1e-5)


@pytest.mark.parametrize("cutoffs", [[], [0, 3], [3, 3], [5, 4], [20], [1.5]])
def test_cutoffs_that_torch_refuses_are_refused(cutoffs):
    for module in (torch.nn, dialect):
        with pytest.raises(ValueError, match="cutoffs"):
            module.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs)


# Means over nothing, and half precision

OF_ELEMENTS = ["l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss", "hinge_embedding_loss"]


@on_each_library
@pytest.mark.parametrize("name", OF_ELEMENTS)
def test_of_no_elements_the_mean_is_nan_and_the_sum_0(library, name):
    nothing = convert(library)(np.zeros((0, 3)))
    assert np.isnan(al.to_numpy(getattr(dialect, name)(nothing, nothing)))
    assert float(al.to_numpy(getattr(dialect, name)(nothing, nothing, reduction="sum"))) == 0.0


@on_each_library
@pytest.mark.parametrize("weight", [None, np.asarray([1.0, 2.0, 0.5])], ids=["plain", "weights"])
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_where_all_labels_are_left_out_the_mean_is_nan_and_the_gradient_0(library, name, weight):
    array = convert(library)
    value, gradient = al.value_and_grad(getattr(dialect, name))(
        array(INPUT), array(np.full(4, -100)), weight=None if weight is None else array(weight)
    )
    assert np.isnan(al.to_numpy(value))
    np.testing.assert_array_equal(al.to_numpy(gradient), np.zeros_like(INPUT))


@on_each_library
def test_where_the_labels_that_are_kept_cost_nothing_the_mean_is_0(library):
    array = convert(library)
    value = dialect.nll_loss(array(np.zeros((2, 3))), array(np.asarray([-100, 1])))
    assert al.to_numpy(value) == 0.0


HALVES = {
    "mse_loss": (INPUT, TARGET),
    "cross_entropy": (INPUT, LABELS),
    "binary_cross_entropy_with_logits": (INPUT, np.abs(TARGET) % 1.0),
    "gaussian_nll_loss": (INPUT, TARGET, np.abs(TARGET)),
    "triplet_margin_loss": (INPUT, TARGET, INPUT + 1.0),
}


@pytest.mark.backend("torch")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", HALVES)
def test_half_precision_comes_back_in_half_precision(name, dtype):
    given = [torch.tensor(x) for x in HALVES[name]]
    given = [x.to(getattr(torch, dtype)) if x.is_floating_point() else x for x in given]
    value = getattr(dialect, name)(*given)
    expected = getattr(functional, name)(*given)
    torch.testing.assert_close(value, expected, rtol=0.02, atol=0.02)


@pytest.mark.backend("torch")
@pytest.mark.parametrize("dtypes", [("float16", "bfloat16"), ("bfloat16", "float16"), ("float16", "float32")])
@pytest.mark.parametrize("name", ["mse_loss", "poisson_nll_loss", "kl_div", "margin_ranking_loss"])
def test_two_dtypes_have_the_result_of_torch_s(name, dtypes):
    x, y = [torch.tensor(np.ones((4, 3)), dtype=getattr(torch, dtype)) for dtype in dtypes]
    more = (y,) if name == "margin_ranking_loss" else ()
    found, expected = [getattr(where, name)(x, y, *more, reduction="sum") for where in (dialect, functional)]
    assert found.dtype == expected.dtype == torch.float32


@on_each_library
@pytest.mark.parametrize("dtypes", [("float32", "float64"), ("float16", "float32"), ("float32", "float16")])
@pytest.mark.parametrize("shapes", [((4, 3), (4,)), ((4, 3), (1,)), ((1, 3), (4,)), ((3,), ())])
def test_a_target_of_cosine_embedding_broadcasts_and_has_no_say_in_the_dtype(library, dtypes, shapes):
    given = [np.resize(x, shapes[0]).astype(dtypes[0]) for x in (INPUT, TARGET)]
    given.append(np.sign(np.resize(INPUT[:, 0], shapes[1])).astype(dtypes[1]))
    expected = functional.cosine_embedding_loss(*map(torch.tensor, given), 0.1, reduction="none")
    found = al.to_numpy(dialect.cosine_embedding_loss(*map(convert(library), given), 0.1, reduction="none"))
    assert found.dtype == expected.numpy().dtype == dtypes[0]
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3)


@pytest.mark.backend("torch")
def test_a_mean_of_many_in_half_precision_is_in_range():
    x, labels = torch.zeros(70_000, 2, dtype=torch.float16), torch.zeros(70_000, dtype=torch.int64)
    assert float(dialect.cross_entropy(x, labels)) == pytest.approx(np.log(2.0), rel=1e-3)


# Gradients and compilers


@on_each_library
def test_a_function_and_an_object_have_gradients(library):
    array = convert(library)
    weight = np.asarray([1.0, 2.0, 0.5])
    x, labels = torch.tensor(INPUT, requires_grad=True), np.asarray([2, -100, 1, 2])
    expected = functional.cross_entropy(x, torch.tensor(labels), torch.tensor(weight), label_smoothing=0.125)
    expected.backward()
    for loss in (
        dialect.CrossEntropyLoss(weight, label_smoothing=0.125),
        lambda x, y: dialect.cross_entropy(x, y, array(weight), label_smoothing=0.125),
    ):
        value, gradient = al.value_and_grad(loss)(array(INPUT), array(labels))
        tolerance = 1e-12 if al.to_numpy(value).dtype == np.float64 else 1e-5
        np.testing.assert_allclose(al.to_numpy(value), expected.detach(), rtol=tolerance)
        np.testing.assert_allclose(al.to_numpy(gradient), x.grad, rtol=100 * tolerance, atol=tolerance)


CALLS = {
    "cross_entropy": lambda x, y, labels: dialect.cross_entropy(x, labels, label_smoothing=0.25),
    "HuberLoss": lambda x, y, labels: dialect.HuberLoss(delta=0.5)(x, y),
    "NLLLoss": lambda x, y, labels: dialect.NLLLoss(ignore_index=2)(x, labels),
    "kl_div": lambda x, y, labels: dialect.kl_div(x, y * y, reduction="batchmean"),
    "linear_cross_entropy": lambda x, y, labels: dialect.linear_cross_entropy(x, y, labels),
}


@pytest.mark.backend("torch")
@pytest.mark.parametrize("name", CALLS)
def test_torch_compiles_it_in_one_graph(name):
    given = torch.tensor(INPUT), torch.tensor(TARGET), torch.tensor(LABELS)
    compiled = torch.compile(CALLS[name], fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(*given), CALLS[name](*given))


@pytest.mark.backend("jax")
@pytest.mark.parametrize("name", CALLS)
def test_jax_compiles_it_with_its_gradient(name):
    jax = pytest.importorskip("jax")
    given = [jax.numpy.asarray(x) for x in (INPUT, TARGET, LABELS)]
    value, gradient = jax.jit(jax.value_and_grad(CALLS[name]))(*given)
    x = torch.tensor(INPUT, dtype=torch.float32, requires_grad=True)
    expected = CALLS[name](x, torch.tensor(TARGET, dtype=torch.float32), torch.tensor(LABELS))
    expected.backward()
    np.testing.assert_allclose(value, expected.detach(), rtol=1e-5)
    np.testing.assert_allclose(gradient, x.grad, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(CALLS[name](*given), expected.detach(), rtol=1e-5)


# Errors


def test_errors_name_the_arguments_as_torch_does():
    labels = np.asarray([0, 1, 2])
    for call, said in [
        (lambda: dialect.nll_loss(INPUT, labels), r"`target` must have shape \(4,\), .* the classes were on axis 0"),
        (lambda: dialect.cross_entropy(INPUT, np.asarray([0, 1, 2, 3])), r"`target` must lie in \[0, 3\)"),
        (
            lambda: dialect.cross_entropy(INPUT, LABELS, np.ones(2)),
            r"`weight` must have one number a class, shape \(3,\)",
        ),
        (lambda: dialect.cross_entropy(list(INPUT), LABELS), "`input` must be an array"),
        (lambda: dialect.margin_ranking_loss(INPUT, LABELS, INPUT), "`input1` .*, `input2`"),
        (lambda: dialect.triplet_margin_loss(INPUT, INPUT, INPUT, eps=-1.0), "`eps` must be at least 0"),
        (lambda: dialect.binary_cross_entropy(INPUT, INPUT), "`input` must hold numbers from 0 to 1"),
        (lambda: dialect.huber_loss(INPUT, INPUT, 2.0), "`reduction` must be one of"),
        (
            lambda: dialect.multilabel_margin_loss(INPUT, np.full((4, 3), 3)),
            r"`target` must hold -1 or labels in \[0, 3\)",
        ),
    ]:
        with pytest.raises((TypeError, ValueError), match=said):
            call()


@pytest.mark.backend("jax")
def test_a_list_with_what_is_no_class_is_nan_where_it_cant_be_looked_at():
    jax = pytest.importorskip("jax")
    labels = jax.numpy.asarray([[3, -1, 0], [0, 2, -1], [0, -1, 3], [-1, 0, 0]])
    value = np.asarray(dialect.multilabel_margin_loss(jax.numpy.asarray(INPUT), labels, reduction="none"))
    assert np.isnan(value).tolist() == [True, False, False, False]


def test_shapes_that_torch_refuses_are_refused():
    rows, labels = np.ones((2, 4, 3)), np.zeros((2, 4), dtype="int64")
    log_p, joined = np.full((4, 2, 3), -np.log(3.0)), np.asarray([1, 2, 1])
    for name, given in [
        ("multi_margin_loss", (rows, labels)),
        ("multilabel_margin_loss", (rows, np.zeros((2, 4, 3), dtype="int64"))),
        ("cross_entropy", (INPUT, np.ones(9), np.ones(3))),
        ("multilabel_soft_margin_loss", (np.asarray(1.0), np.asarray(1.0), np.asarray(1.0))),
        ("mse_loss", (INPUT, TARGET, None, None, "mean", [1.0, 2.0])),
        ("gaussian_nll_loss", (INPUT, TARGET, "1.0")),
        # labels of all sequences, of which one is left, or lacks
        ("ctc_loss", (log_p, joined, [4, 4], [1, 1])),
        ("ctc_loss", (log_p, joined, [4, 4], [2, 2])),
        ("ctc_loss", (log_p[:, 0], joined, [4], [2])),
        # no class
        ("cross_entropy", (INPUT[:, :0], LABELS, np.ones(0))),
        ("cross_entropy", (INPUT[:, :0], LABELS, np.ones(0), None, 0, None, "mean", 0.5)),
        ("nll_loss", (INPUT[:, :0], LABELS, np.ones(0))),
    ]:
        of_torch = [torch.tensor(x) if isinstance(x, np.ndarray) else x for x in given]
        with pytest.raises((RuntimeError, ValueError, TypeError, IndexError, AttributeError)):
            getattr(functional, name)(*of_torch)
        for arrays in (given, of_torch):
            with pytest.raises((ValueError, TypeError), match=r"^`(input|target|targets|weight|var)` (\S+ )*must"):
                getattr(dialect, name)(*arrays)


@on_each_library
def test_one_label_of_one_row_is_a_batch_of_one(library):
    array, given = convert(library), (INPUT[0], np.asarray([1]))
    value = al.to_numpy(dialect.multi_margin_loss(*map(array, given), weight=array(INPUT[1] ** 2), reduction="none"))
    expected = functional.multi_margin_loss(
        *map(torch.tensor, given), weight=torch.tensor(INPUT[1] ** 2), reduction="none"
    )
    assert value.shape == expected.shape == (1,)
    np.testing.assert_allclose(value, expected, rtol=1e-6)


# Training


@pytest.mark.backend("torch")
def test_a_model_trains_on_digits_as_with_torch_s_own_loss():
    datasets = pytest.importorskip("sklearn.datasets")
    images, digits = datasets.load_digits(return_X_y=True)
    x, labels = torch.tensor(images / 16.0, dtype=torch.float32), torch.tensor(digits)
    curves = []
    for nn in (torch.nn, dialect):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        criterion, curve = nn.CrossEntropyLoss(label_smoothing=0.1), []
        for _ in range(3):
            for batch in torch.arange(len(x)).split(100):
                loss = criterion(model(x[batch]), labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                curve.append(loss.item())
        curves.append(curve)
    assert curves[1][-1] < curves[1][0] / 2
    np.testing.assert_allclose(curves[1], curves[0], atol=1e-5)


@pytest.mark.backend("torch")
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_range_is_looked_at_in_every_dtype_and_within_transforms_without_a_warning(dtype):
    torch = pytest.importorskip("torch")
    x, target = (torch.tensor(v, dtype=getattr(torch, dtype)) for v in ([0.25, 0.75], [0.0, 1.0]))
    variance = torch.nn.Parameter(torch.ones_like(x))
    expected = [[2.0 / 3.0, -2.0 / 3.0], [0.125, -0.125]]
    calls = dialect.binary_cross_entropy, lambda *v: dialect.gaussian_nll_loss(*v, variance)
    for call, slope in zip(calls, expected, strict=True):
        recorded = x.clone().requires_grad_()
        call(recorded, target).backward()
        of_transform = torch.func.grad(lambda v, call=call: call(v, target))(x)
        for found in (recorded.grad, of_transform):
            torch.testing.assert_close(found.float(), torch.tensor(slope), rtol=1e-2, atol=1e-3)
    for bad in (torch.tensor([0.5, 2.0], dtype=x.dtype), torch.tensor([-0.5, 0.5], dtype=x.dtype, requires_grad=True)):
        with pytest.raises(ValueError, match="must hold numbers from 0 to 1, got"):
            dialect.binary_cross_entropy(x, bad)
