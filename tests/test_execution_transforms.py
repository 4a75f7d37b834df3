"""torch's function transforms: the closed form as a derivative, in every order and mode."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

import arraylosses as al
from arraylosses.execution import direct

from .cases import CASES, DEFAULTS, OTHERS, extremes
from .test_execution import small_blocks
from .test_execution_torch import close, closed_defaults, pair, straight

pytestmark = pytest.mark.backend("torch")


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of torch's own code
def test_function_transforms_see_the_formula(torch):
    x, y = pair(torch, 5, 7)
    loss = al.LogCosh()
    gradient = torch.tanh(x - y) / 35
    with small_blocks(several=False):
        close(torch, [torch.func.grad(loss)(x, y)], [gradient])
        close(torch, [torch.func.jacrev(loss)(x, y), torch.func.jacfwd(loss)(x, y)], [gradient, gradient])
        rows = torch.func.vmap(loss)(x, y)
        close(torch, [rows], [torch.stack([straight(loss, *item) for item in zip(x, y, strict=True)])])
        close(torch, [torch.func.jvp(lambda x: loss(x, y), (x,), (y,))[1]], [(gradient * y).sum()])
        close(torch, [torch.func.hessian(loss)(x[0], y[0])], [torch.diag(1 / torch.cosh(x[0] - y[0]) ** 2 / 7)])
        with torch.autograd.forward_ad.dual_level():
            dual = torch.autograd.forward_ad.make_dual(x, y)
            tangent = torch.autograd.forward_ad.unpack_dual(loss(dual, y)).tangent
        close(torch, [tangent], [(gradient * y).sum()])


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of torch's own code
@closed_defaults
def test_function_transforms_have_the_closed_form_where_it_keeps_digits(torch, case):
    # In every order: that of the backward pass, of a derivative along the array, and of each item by itself.
    loss = replace(case.loss, reduction="sum")
    x, *rest = (torch.tensor(x) for x in extremes(case, "float32"))
    expected = direct.run_with_derivatives(loss, loss.check((x, *rest), None, None))[1]
    size = expected.abs().amax(-1, keepdim=True) if case.rows else expected.abs()
    # The derivative of a cosine is a difference of two terms of 1 / |x|, and 0 of parallel vectors.
    scale = size.clamp(min=1e-30) if "cosine" not in str(case) else 1.0 / x.abs().amax(-1, keepdim=True)
    close(torch, [torch.func.grad(loss)(x, *rest) / scale], [expected / scale], 2e-3)
    if expected.abs().max() < 1e30 and bool((x.abs() < 1e30).all()):
        along = torch.func.jvp(lambda x: loss(x, *rest), (x,), (torch.sign(expected),))[1]
        close(torch, [along], [expected.abs().sum()], 1e-5)


@pytest.mark.parametrize("case", [*DEFAULTS, *OTHERS], ids=str)
def test_a_functionalized_loss_is_the_same(torch, case):
    from torch.func import functionalize, grad, vmap

    arrays, k = [torch.tensor(x) for x in case.inputs()], case.floating()[0]
    expected = al.grad(case.loss, argnums=k)(*arrays)
    of_many = vmap(functionalize(grad(case.loss, argnums=k)))(*[torch.stack([x, x]) for x in arrays])
    for found in (grad(functionalize(case.loss), argnums=k)(*arrays), *of_many):
        close(torch, [found], [expected])


@pytest.mark.parametrize("case", [*DEFAULTS, *OTHERS], ids=str)
def test_vmap_of_vmap_is_one_call_after_another(torch, case):
    from torch.func import vmap

    arrays, k = [torch.tensor(x) for x in case.inputs()], case.floating()[0]

    def loss(inner, outer):
        return case.loss(*[x * (inner + outer) if j == k else x for j, x in enumerate(arrays)])

    inner, outer = torch.tensor([0.5, 0.75, 0.25]).double(), torch.tensor([0.125, 0.25]).double()
    for function in (loss, torch.func.grad(loss)):
        each = torch.stack([torch.stack([function(x, y) for x in inner]) for y in outer])
        close(torch, [vmap(vmap(function, (0, None)), (None, 0))(inner, outer)], [each], 1e-8)


@pytest.mark.parametrize("given", ["class_weight", "array"])
def test_a_weight_of_classes_costs_no_digits_of_a_gradient(torch, given):
    # 1 - p of an easy row, by mpmath: 1 / (1 + e^18)
    x, y = torch.tensor([[0.0, 18.0], [18.0, 0.0]]), torch.tensor([1, 0])
    weight = (1.0, 1.0) if given == "class_weight" else torch.ones(2)
    for loss in (al.CrossEntropy, al.CategoricalFocal):
        weighted = loss(class_weight=weight, reduction="sum")
        torch.testing.assert_close(al.grad(weighted)(x, y), al.grad(loss(reduction="sum"))(x, y), rtol=1e-6, atol=0)
    gradient = torch.func.grad(al.CrossEntropy(class_weight=weight, reduction="sum"))(x, y)
    torch.testing.assert_close(gradient[0, 1], torch.tensor(-1.522997951e-08), rtol=1e-6, atol=0)


def test_tensors_that_a_transform_does_not_see_keep_their_gradient(torch):
    x, y = pair(torch, 5, 7)
    x.requires_grad_()
    scale = torch.arange(1.0, 4.0, dtype=torch.float64)
    with small_blocks(several=False):
        many = torch.func.vmap(lambda s: s * al.log_cosh(x, y))(scale)
        close(torch, torch.autograd.grad(many.sum(), x), [6 * torch.tanh(x - y).detach() / 35])
        one = torch.func.grad(lambda s: s * al.log_cosh(x, y))(scale[0])
        close(torch, torch.autograd.grad(one, x), [torch.tanh(x - y).detach() / 35])


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning", "ignore:Attempted to insert:UserWarning")
def test_derivatives_of_any_order_and_mode_are_those_of_torch_s_own_loss(torch):
    from torch.func import grad, hessian, jacfwd, jacrev, jvp, linearize, vmap
    from torch.fx.experimental.proxy_tensor import make_fx

    x, labels = pair(torch, 2, 3)[0], torch.tensor([0, 2])

    def ours(x, labels=labels):
        return al.cross_entropy(x, labels)

    def theirs(x, labels=labels):
        return torch.nn.functional.cross_entropy(x, labels)

    for order in (
        [grad], [jacfwd], [hessian], [jacfwd, jacfwd], [jacrev, jacrev], [jacfwd, jacrev], [jacrev, jacfwd],
        [jacfwd, jacfwd, jacfwd], [jacrev, jacfwd, jacrev],
    ):  # fmt: skip
        found, expected = ours, theirs
        for transform in order:
            found, expected = transform(found), transform(expected)
        close(torch, [found(x)], [expected(x)], 1e-12)
    of_rows = [vmap(grad(lambda row, label, f=f: f(row[None], label[None])))(x, labels) for f in (ours, theirs)]
    close(torch, [of_rows[0]], [of_rows[1]], 1e-12)
    close(torch, [linearize(ours, x)[1](x)], [jvp(theirs, (x,), (x,))[1]], 1e-12)
    close(torch, [make_fx(lambda x: grad(ours)(x))(x)(x)], [grad(theirs)(x)], 1e-12)
    for transform in (grad, hessian):
        close(torch, [torch.compile(transform(ours), backend="eager")(x)], [transform(theirs)(x)], 1e-12)
    y = x.clone().requires_grad_()
    found, expected = [torch.autograd.grad(grad(f)(y).pow(2).sum(), y) for f in (ours, theirs)]
    close(torch, found, expected, 1e-12)


def _of_each_that_is_no_array_of_it(torch, case):
    """Functions of one weight or real setting of a loss, and where to begin, with all arrays as constants."""
    arrays = [torch.tensor(x) for x in case.inputs(shape=(2, 3))]
    shape = case.loss.check(tuple(arrays), None, None).item_shape
    weight = torch.linspace(0.5, 2.0, math.prod(shape), dtype=torch.float64).reshape(shape)
    yield weight, lambda w: case.loss(*arrays, weight=w)
    for name, value in case.loss.settings().items():
        if type(value) is float and name not in case.loss.structural:
            start = torch.tensor(value or 0.125, dtype=torch.float64)
            yield start, lambda x, name=name: replace(case.loss, **{name: x})(*arrays)


@pytest.mark.parametrize("case", [*DEFAULTS, *OTHERS], ids=str)
def test_a_transform_of_a_weight_or_a_setting_takes_plain_arrays(torch, case):
    # What torch records by itself, without a transform, and one call after another.
    for x, of in _of_each_that_is_no_array_of_it(torch, case):
        two = [(k * x).requires_grad_() for k in (1.0, 0.75)]
        try:
            values = [of(x) + 0.0 * x.sum() for x in two]
        except ValueError:
            assert not x.ndim  # the setting has to be what it is
            continue
        if any([value.ndim for value in values]) or not all([bool(torch.isfinite(value)) for value in values]):
            continue
        parts = [torch.autograd.grad(v, x)[0] for v, x in zip(values, two, strict=True)]
        both, gradients = torch.stack([x.detach() for x in two]), torch.stack(parts)
        close(torch, [torch.func.vmap(of)(both)], [torch.stack(values).detach()])
        close(torch, [torch.func.vmap(torch.func.grad(of))(both)], [gradients], 1e-8)
        close(torch, [al.grad(of)(both[0])], [gradients[0]], 1e-8)


def test_a_projection_within_a_transform_that_does_not_see_it_keeps_its_gradient(torch):
    hidden, matrix = pair(torch, 5, 4)
    hidden.requires_grad_()
    labels, scale = torch.tensor([0, 4, 2, 1, 3]), torch.tensor([1.0, 2.0], dtype=torch.float64)
    many = torch.func.vmap(lambda s: s * al.linear_cross_entropy(hidden, matrix, labels))(scale)
    (expected,) = torch.autograd.grad(torch.nn.functional.cross_entropy(hidden @ matrix.T, labels), hidden)
    close(torch, torch.autograd.grad(many.sum(), hidden), [3.0 * expected])


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of torch's own code
@pytest.mark.parametrize("case", [c for c in CASES if c.loss.torch_kernel() is not None], ids=str)
def test_forward_mode_of_any_order_where_torch_has_a_kernel(torch, case):
    from torch.func import jacfwd, jacrev

    x, *rest = (torch.tensor(x) for x in case.inputs(shape=(2,)))
    loss = replace(case.loss, reduction="sum")

    def formula(x):
        return direct.run(loss, loss.check((x, *rest), None, None))

    for order in ([jacfwd, jacfwd], [jacrev, jacfwd, jacfwd], [jacfwd, jacrev, jacfwd], [jacfwd, jacfwd, jacrev]):
        found, expected = (lambda x: loss(x, *rest)), formula
        for transform in order:
            found, expected = transform(found), transform(expected)
        close(torch, [found(x) + 0.0], [expected(x) + 0.0])
