"""What is torch's alone: its compiler, its function transforms, its meta device, autograd, and its own losses."""

from __future__ import annotations

import functools
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import arraylosses as al

from .cases import CASES, DEFAULTS, OTHERS
from .catalogue import CATALOGUE

pytestmark = pytest.mark.backend("torch")
all_cases = pytest.mark.parametrize("case", CASES, ids=str)
default_cases = pytest.mark.parametrize("case", DEFAULTS, ids=str)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def tensors(torch, case, **kwargs):
    return [torch.tensor(x) for x in case.inputs(**kwargs)]


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in DEFAULTS if type(case.loss).function is not None], ids=str)
def test_its_function_compiles_with_settings_that_change_between_calls(torch, case):
    torch._dynamo.reset()
    function = getattr(al, case.name)
    fixed = (*case.loss.structural, "epsilon")
    values = (0.125, 0.25, 0.375)
    numbers = [n for n, v in al.serialize(case.loss)["settings"].items() if isinstance(v, float) and v >= 0]
    numbers = [n for n in numbers if n not in fixed]
    arrays = tensors(torch, case)
    compiled = torch.compile(
        lambda *given, **settings: function(*given, **settings), fullgraph=True, backend="aot_eager"
    )
    for value in values:
        settings = dict.fromkeys(numbers, value)
        torch.testing.assert_close(compiled(*arrays, **settings), function(*arrays, **settings), rtol=1e-10, atol=1e-12)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of torch's own code, when Inductor is loaded
@pytest.mark.parametrize("name", ["log_cosh", "cross_entropy"])
def test_the_default_compiler_computes_the_same(torch, name):
    torch._dynamo.reset()
    case = next(c for c in DEFAULTS if c.name == name and not c.soft)
    arrays = tensors(torch, case, dtype="float32")
    compiled = torch.compile(case.loss, fullgraph=True)
    torch.testing.assert_close(compiled(*arrays), case.loss(*arrays), rtol=1e-6, atol=1e-7)


@pytest.mark.slow
@default_cases
def test_a_third_shape_is_not_compiled_again(torch, case):
    torch._dynamo.reset()
    first, second, third = (tensors(torch, case, shape=shape) for shape in ((6, 9), (7, 8), (3, 11)))
    case.loss(*first)  # what the package keeps of a first call is looked at by the compiler, too
    compiled = torch.compile(lambda *arrays: case.loss(*arrays), fullgraph=True, backend="eager")
    compiled(*first)
    compiled(*second)
    with torch._dynamo.config.patch(error_on_recompile=True):
        torch.testing.assert_close(compiled(*third), case.loss(*third), rtol=1e-12, atol=1e-14)


@default_cases
def test_vmap_equals_the_batch(torch, case):
    arrays = tensors(torch, case, seed=3)
    loss = replace(case.loss, reduction="none")
    torch.testing.assert_close(torch.func.vmap(loss)(*arrays), loss(*arrays), rtol=1e-12, atol=1e-14)
    per_item = torch.func.vmap(torch.func.grad(case.loss))(*arrays)
    looped = torch.stack([torch.func.grad(case.loss)(*(x[k] for x in arrays)) for k in range(4)])
    torch.testing.assert_close(per_item, looped, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", [*DEFAULTS, *OTHERS], ids=str)
def test_views_that_negate_are_as_good_as_arrays_of_their_own(torch, case, dtype):
    # The imaginary part of a conjugate is what the memory holds with the other sign.
    arrays = tensors(torch, case, seed=3, dtype=dtype)
    views = [torch.complex(x, -x).conj().imag if x.is_floating_point() else x for x in arrays]
    assert views[0].is_neg()
    expected = case.loss(*arrays)
    for recorded in (False, True):
        found = case.loss(views[0].requires_grad_(recorded), *views[1:])
        torch.testing.assert_close(found.detach(), expected)
    weight = torch.ones_like(replace(case.loss, reduction="none")(*arrays), requires_grad=True)
    found = case.loss(views[0].requires_grad_(False), *views[1:], weight=weight)
    torch.testing.assert_close(found.detach(), expected)


@pytest.mark.parametrize("case", [*DEFAULTS, *OTHERS], ids=str)
def test_columns_of_a_table_are_as_good_as_arrays_of_their_own(torch, case):
    arrays = tensors(torch, case, seed=3)
    columns = [torch.stack([x, x], -1)[..., 1] for x in arrays]
    expected = case.loss(*arrays)
    torch.set_warn_always(True)  # for torch warns once of what is slow, and the tests before this may have had it
    try:
        for recorded in (False, True):
            found = case.loss(columns[0].requires_grad_(recorded), *columns[1:])
            torch.testing.assert_close(found.detach(), expected, rtol=1e-12, atol=1e-14)
    finally:
        torch.set_warn_always(False)


@default_cases
def test_on_the_meta_device_it_has_shape_and_dtype(torch, case):
    arrays = [x.to("meta") for x in tensors(torch, case, dtype="float32")]
    where = torch.ones(case.item_shape((4, 3)), dtype=torch.bool, device="meta")
    for reduction in ("none", "sum", "mean", "batchmean"):
        result = replace(case.loss, reduction=reduction)(*arrays, where=where)
        assert result.device.type == "meta"
        assert result.dtype == torch.float32
        assert tuple(result.shape) == (case.item_shape((4, 3)) if reduction == "none" else ())


@pytest.mark.slow
@all_cases
def test_autograd_equals_central_differences_to_second_order(torch, case):
    if case.entry.constant:
        pytest.skip(f"{case.entry.constant} counts as a constant: its own tests have the gradient")
    arrays = tensors(torch, case, seed=4, shape=(2, 2))
    free = [arrays[k].requires_grad_() for k in case.floating()]
    weight = torch.tensor([[0.5, 2.0], [1.0, 0.25]], dtype=torch.float64)
    weight = weight if case.rows else weight[..., None]

    def run(*given):
        full = list(arrays)
        for k, x in zip(case.floating(), given, strict=True):
            full[k] = x
        return 3.0 * case.loss(*full, weight=weight)

    assert torch.autograd.gradcheck(run, free, eps=1e-6, atol=1e-7, rtol=1e-5)
    if case.name not in ("cosine_embedding", "cosine_similarity"):  # too curved for a step that suits the rest
        assert torch.autograd.gradgradcheck(run, free, eps=1e-6, atol=1e-6, rtol=1e-4)


@default_cases
def test_the_gradient_has_the_input_s_own_half_dtype(torch, case):
    arrays = tensors(torch, case)
    for dtype in (torch.float16, torch.bfloat16):
        given = [x.to(dtype).requires_grad_() if x.is_floating_point() else x for x in arrays]
        result = case.loss(*given)
        result.backward()
        assert result.dtype == torch.float32
        assert all(given[k].grad.dtype == dtype for k in case.floating())


# What PyTorch has on the arrays of the case, with a reduction that may be chosen
PEERS = [
    pytest.param(name, peer, id=name)
    for name, entry in CATALOGUE.items()
    for peer in entry.peers.get("torch", ())
    if not peer.of and "reduction" not in peer.given
]


@pytest.mark.parametrize(("name", "peer"), PEERS)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_it_equals_torch_s_own_loss_in_value_and_gradient(torch, name, peer, reduction):
    case = next(c for c in DEFAULTS if c.name == name and not c.soft)
    arrays = tensors(torch, case, seed=5)
    if case.rows:  # one axis of items, as all of theirs take it
        arrays = [x.flatten(0, 1) for x in arrays]
    for settings in ({}, peer.alike):
        results = []
        for function in (getattr(al, name), peer.function(torch.nn.functional)):
            given = [x.clone().requires_grad_(k in case.floating()) for k, x in enumerate(arrays)]
            value = function(*given, reduction=reduction, **settings)
            value.backward()
            results.append([value.detach(), *(given[k].grad for k in case.floating())])
        for ours, theirs in zip(*results, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=peer.rtol, atol=1e-10)


NN = {
    "L1Loss": "absolute_error", "MSELoss": "squared_error", "CrossEntropyLoss": "cross_entropy", "NLLLoss": "nll",
    "BCEWithLogitsLoss": "binary_cross_entropy", "SmoothL1Loss": "smooth_l1", "HingeEmbeddingLoss": "hinge_embedding",
    "MarginRankingLoss": "margin_ranking", "TripletMarginLoss": "triplet_margin", "HuberLoss": "huber",
    "PoissonNLLLoss": "poisson_nll", "GaussianNLLLoss": "gaussian_nll",
}  # fmt: skip


@pytest.mark.parametrize("name", NN)
def test_an_alias_means_what_torch_s_class_means(torch, name):
    case = next(c for c in DEFAULTS if c.name == NN[name] and not c.soft)
    arrays = tensors(torch, case, seed=6)
    if case.loss.declaration.domains[-1] == "class":
        arrays = [arrays[0].movedim(-1, 1), arrays[1].clone()]
        arrays[1][0, 0] = -100
    ours, theirs = al.get(name)(*arrays), getattr(torch.nn, name)()(*arrays)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    if case.loss.declaration.domains[-1] == "class":
        row, label = arrays[0][1, :, 2], arrays[1][1, 2]
        torch.testing.assert_close(al.get(name)(row, label), getattr(torch.nn, name)()(row, label))


def test_the_aliases_of_cosine_embedding_kl_and_bce_mean_what_torch_s_classes_mean(torch):
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 6, 4, dtype=torch.float64, generator=generator)
    sign = torch.tensor([1.0, -1, 1, -1, 1, -1], dtype=torch.float64)
    ours = al.get("CosineEmbeddingLoss")(x, y, sign)
    torch.testing.assert_close(ours, torch.nn.CosineEmbeddingLoss()(x, y, sign), rtol=1e-9, atol=0)
    logs, target = x.log_softmax(-1), y.softmax(-1)
    ours = al.get("KLDivLoss")(logs, target)
    torch.testing.assert_close(ours, torch.nn.KLDivLoss(reduction="batchmean")(logs, target))
    p = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.3])
    t = torch.tensor([1.0, 0.0, 0.0, 1.0, 0.9])
    torch.testing.assert_close(al.get("BCELoss")(p, t), torch.nn.BCELoss()(p, t))


def test_parameters_and_learned_settings_get_gradients(torch):
    logits = torch.nn.Parameter(torch.zeros(3, 4))
    weight = torch.ones(4, requires_grad=True)
    al.cross_entropy(logits, torch.tensor([0, 1, 2]), class_weight=weight, reduction="sum").backward()
    assert logits.grad.shape == (3, 4)
    torch.testing.assert_close(weight.grad, torch.tensor([1.0, 1.0, 1.0, 0.0]) * np.log(4.0).astype("float32"))


@default_cases
def test_hooks_and_retained_graphs_work(torch, case):
    arrays = tensors(torch, case)
    x = arrays[0].requires_grad_()
    seen = []
    x.register_hook(seen.append)
    value = case.loss(*arrays)
    value.backward(retain_graph=True)
    first = x.grad.clone()
    value.backward()
    torch.testing.assert_close(x.grad, 2 * first)
    assert len(seen) == 2


FRESH = """
import dataclasses, warnings
warnings.simplefilter("error")
import torch
import arraylosses as al

@dataclasses.dataclass(frozen=True)
class Mine(al.Loss):
    scale: float = 1.0
    def call(self, prediction, target):
        return self.scale * (prediction - target) ** 2

@al.loss
def other(prediction, target, *, scale=1.0):
    return scale * (prediction - target) ** 2

x, y = torch.ones(3), torch.zeros(3)
for f in (al.huber, lambda a, b: Mine(scale=2.0)(a, b), lambda a, b: other(a, b, scale=2.0)):
    print(float(torch.compile(f, fullgraph=True, backend="eager")(x, y)))
"""


def test_a_loss_compiles_before_it_was_ever_called():
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.returncode) == (["0.5", "2.0", "2.0"], 0), done.stderr


@pytest.mark.parametrize("function", [True, False], ids=["function", "class"])
@pytest.mark.parametrize(
    ("name", "setting"), [("cross_entropy", "class_weight"), ("binary_cross_entropy", "pos_weight")]
)
def test_compiles_with_a_setting_of_numpy(name, setting, function):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    per_class = rng.uniform(0.5, 2.0, size=5)
    logits = torch.asarray(rng.normal(size=(4, 5)))
    target = torch.asarray(rng.dirichlet(np.ones(5), size=4))
    torch.compiler.reset()
    if function:
        compute = functools.partial(getattr(al, name), **{setting: per_class})
    else:
        compute = al.get(name, **{setting: per_class})
    compiled = torch.compile(lambda x, y: compute(x, y), backend="eager", fullgraph=True)
    expected = getattr(al, name)(logits.numpy(), target.numpy(), **{setting: per_class})
    np.testing.assert_allclose(compiled(logits, target).item(), expected, rtol=1e-12)
