"""Losses as modules of torch: buffers and parameters, and what torch does with a module."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle

import numpy as np
import pytest

import arraylosses as al

from ..cases import DEFAULTS

torch = pytest.importorskip("torch")

from arraylosses.interop.torch import module  # noqa: E402

pytestmark = pytest.mark.backend("torch")

WEIGHTS = [1.0, 2.0, 0.5, 3.0]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scaled(al.Loss):
    """A loss of a user's own, which is not registered."""

    scale: float = 1.0

    def call(self, prediction, target):
        return self.scale * (prediction - target) ** 2


@pytest.fixture
def arrays():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(6, 4, generator=generator), torch.randint(0, 4, (6,), generator=generator)


def learned(value=0.25):
    return module(al.InfoNce(temperature=torch.nn.Parameter(torch.tensor(value))))


@pytest.mark.parametrize("case", DEFAULTS, ids=str)
def test_a_module_is_its_loss(case):
    given = [torch.tensor(x) for x in case.inputs()]
    weight = torch.linspace(0.5, 2.0, 4, dtype=torch.float64).reshape(4, *[1] * (len(case.item_shape((4, 3))) - 1))
    made = module(case.loss)
    torch.testing.assert_close(made(*given, weight=weight), case.loss(*given, weight=weight), rtol=0, atol=0)
    named = dict(zip(case.loss.array_names, given, strict=True))
    torch.testing.assert_close(made(**named), case.loss(*given), rtol=0, atol=0)
    assert [*inspect.signature(made.forward).parameters] == [*case.loss.array_names, "weight", "where"]


@pytest.mark.parametrize(
    "given", ["huber", al.huber, al.Huber, al.Huber(delta=1.0)], ids=["name", "function", "class", "loss"]
)
def test_a_loss_is_given_in_any_form(given):
    made = module(given)
    assert made.loss == al.Huber()
    assert repr(made) == "Huber(delta=1.0, reduction='mean')"
    assert float(made(torch.tensor([3.0]), torch.tensor([0.0]))) == 2.5


@pytest.mark.parametrize(
    "given",
    [WEIGHTS, tuple(WEIGHTS), np.asarray(WEIGHTS, dtype="float32"), torch.tensor(WEIGHTS)],
    ids=["list", "tuple", "numpy", "torch"],
)
def test_class_weights_are_a_buffer(arrays, given):
    made = module(al.CrossEntropy(class_weight=given))
    assert list(made.state_dict()) == ["class_weight"]
    assert made.class_weight.dtype == torch.float32
    assert not list(made.parameters())
    expected = torch.nn.CrossEntropyLoss(weight=torch.tensor(WEIGHTS))(*arrays)
    torch.testing.assert_close(made(*arrays), expected)
    assert repr(made).startswith("CrossEntropy(axis=-1, ignore_index=None")
    assert made.to(torch.float64).class_weight.dtype == torch.float64
    assert made.to("meta").class_weight.is_meta


def test_a_state_dict_is_taken_over_and_shares_no_memory(arrays):
    given = np.asarray(WEIGHTS, dtype="float32")
    made = module(al.CrossEntropy(class_weight=given))
    made.load_state_dict({"class_weight": torch.ones(4)})
    assert given.tolist() == WEIGHTS
    torch.testing.assert_close(made(*arrays), al.cross_entropy(*arrays))
    assert made.loss.class_weight.tolist() == [1.0] * 4


def test_a_weight_of_a_dict_of_classes_is_a_plain_setting(arrays):
    made = module(al.CrossEntropy(class_weight={1: 2.0, 3: 0.5}))
    assert not made.state_dict()
    torch.testing.assert_close(made(*arrays), al.cross_entropy(*arrays, class_weight=[1.0, 2.0, 1.0, 0.5]))


def test_a_parameter_is_learned():
    generator = torch.Generator().manual_seed(1)
    queries, keys = torch.randn(2, 8, 3, dtype=torch.float64, generator=generator)
    made = learned(0.25).double()
    made(queries, keys).backward()
    ends = [float(al.info_nce(queries, keys, temperature=t)) for t in (0.25 - 1e-5, 0.25 + 1e-5)]
    np.testing.assert_allclose(made.temperature.grad, (ends[1] - ends[0]) / 2e-5, rtol=1e-6)
    optimizer = torch.optim.SGD(made.parameters(), lr=0.01)
    before = float(made(queries, keys).detach())
    optimizer.step()
    assert float(made(queries, keys).detach()) < before


def test_a_tensor_that_asks_for_a_gradient_is_refused():
    given = torch.tensor(0.1, requires_grad=True)
    with pytest.raises(TypeError, match="`temperature` must be an nn.Parameter to be learned"):
        module(al.InfoNce(temperature=given))


def test_what_is_no_loss_is_refused():
    with pytest.raises(TypeError, match="`loss` must be a name, a loss, its class or its function form, got MSELoss"):
        module(torch.nn.MSELoss())


def test_a_sum_of_losses_is_a_module_unless_it_holds_tensors(arrays):
    loss = al.CrossEntropy(class_weight=WEIGHTS) + 0.5 * al.CategoricalFocal()
    made = copy.deepcopy(module(loss))
    torch.testing.assert_close(made(*arrays), loss(*arrays))
    assert not made.state_dict()
    assert [*inspect.signature(made.forward).parameters] == ["logits", "labels", "weight", "where"]
    for given in (al.CrossEntropy() + al.CrossEntropy(class_weight=torch.tensor(WEIGHTS)), loss * torch.tensor(2.0)):
        with pytest.raises(TypeError, match="got a sum; make a module of each"):
            module(given)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize(
    "made",
    [module(al.CrossEntropy(class_weight=WEIGHTS)), learned(), module(Scaled(scale=3.0))],
    ids=["buffer", "parameter", "own"],
)
def test_a_copy_is_the_same_and_its_own(copied, made):
    found = copied(made)
    assert type(found) is type(made)
    assert repr(found) == repr(made)
    assert [n for n, _ in found.named_parameters()] == [n for n, _ in made.named_parameters()]
    for name, x in made.state_dict().items():
        torch.testing.assert_close(found.state_dict()[name], x)
        assert found.state_dict()[name].data_ptr() != x.data_ptr()


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_it_compiles_as_one_graph(arrays, backend):
    torch.compiler.reset()
    for made, given in (
        (module(al.CrossEntropy(class_weight=WEIGHTS, label_smoothing=0.1)), arrays),
        (learned(), (arrays[0], arrays[0].flip(0))),
    ):
        expected = made(*given)
        torch.testing.assert_close(torch.compile(made, fullgraph=True, backend=backend)(*given), expected)


@pytest.mark.parametrize("strict", [False, True])
def test_an_exported_program_takes_any_batch_and_keeps_its_buffer(arrays, strict):
    made = module(al.CrossEntropy(class_weight=WEIGHTS))
    batch = torch.export.Dim("batch", min=2)
    shapes = {"logits": {0: batch}, "labels": {0: batch}}
    program = torch.export.export(made, arrays, dynamic_shapes=shapes, strict=strict)
    assert list(program.state_dict) == ["class_weight"]
    for size in (2, 5):
        given = [x[:size] for x in arrays]
        torch.testing.assert_close(program.module()(*given), made(*given))


def test_function_transforms(arrays):
    made = module(al.CrossEntropy(class_weight=WEIGHTS))
    given = {"class_weight": torch.tensor([0.5, 0.5, 4.0, 1.0])}
    found = torch.func.functional_call(made, given, arrays)
    torch.testing.assert_close(found, al.cross_entropy(*arrays, class_weight=given["class_weight"]))
    per_item = torch.func.vmap(made)(*[x[:, None] for x in arrays])
    torch.testing.assert_close(per_item, al.cross_entropy(*arrays, reduction="none"))
    contrast = learned()
    parameters = dict(contrast.named_parameters())
    x, y = arrays[0], arrays[0].flip(0)
    gradient = torch.func.grad(lambda p: torch.func.functional_call(contrast, p, (x, y)))(parameters)
    contrast(x, y).backward()
    torch.testing.assert_close(gradient["temperature"], contrast.temperature.grad)


def test_under_autocast_a_loss_is_computed_in_float32(arrays):
    layer = torch.nn.Linear(4, 4)
    made = module(al.CrossEntropy(class_weight=WEIGHTS))
    with torch.autocast("cpu", torch.bfloat16):
        logits = layer(arrays[0])
        value = made(logits, arrays[1])
    assert (logits.dtype, value.dtype) == (torch.bfloat16, torch.float32)
    torch.testing.assert_close(value, made(logits.float(), arrays[1]))
    value.backward()
    assert layer.weight.grad.dtype == torch.float32


@pytest.fixture
def one_process():
    distributed = torch.distributed
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield torch.distributed.device_mesh.init_device_mesh("cpu", (1,))
    distributed.destroy_process_group()


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(4, 4)
        self.criterion = module(al.CrossEntropy(class_weight=torch.nn.Parameter(torch.tensor(WEIGHTS))))

    def forward(self, x, labels):
        return self.criterion(self.layer(x), labels)


def test_parallel_training_has_the_gradient_of_a_learned_setting(arrays, one_process):
    from torch.distributed.fsdp import fully_shard

    plain = Model()
    plain(*arrays).backward()
    expected = plain.criterion.class_weight.grad
    assert bool((expected != 0).any())
    for model in (torch.nn.parallel.DistributedDataParallel(Model()), fully_shard(Model(), mesh=one_process)):
        model(*arrays).backward()
        (gradient,) = [p.grad for name, p in model.named_parameters() if name.endswith("criterion.class_weight")]
        torch.testing.assert_close(getattr(gradient, "full_tensor", lambda x=gradient: x)(), expected)


def test_training_follows_that_with_torch_s_own_loss():
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(64, 5, generator=generator)
    labels = torch.randint(0, 4, (64,), generator=generator)
    curves = []
    for criterion in (module(al.CrossEntropy(class_weight=WEIGHTS)), torch.nn.CrossEntropyLoss(torch.tensor(WEIGHTS))):
        torch.manual_seed(3)
        model = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.Tanh(), torch.nn.Linear(8, 4))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        curve = []
        for _ in range(20):
            optimizer.zero_grad()
            value = criterion(model(x), labels)
            value.backward()
            optimizer.step()
            curve.append(value.item())
        curves.append(curve)
    np.testing.assert_allclose(*curves, rtol=1e-5)
