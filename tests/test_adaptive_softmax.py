"""`adaptive_log_softmax` against its formula in a loop over the items, and against torch's module."""

from __future__ import annotations

import numpy as np
import pytest

import arraylosses as al

FEATURES, FREQUENT, CLUSTERS = 6, 3, ((4, 3), (5, 1))
"""Two clusters, of 4 and 5 classes, whose projections have 3 features and 1."""

CLASSES = FREQUENT + sum(classes for classes, _ in CLUSTERS)


def inputs(shape=(9,), dtype="float64", seed=0):
    """Hidden states, head, tail, labels and bias; with a label of each part."""
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return rng.normal(size=shape).astype(dtype)

    rows = FREQUENT + len(CLUSTERS)
    tail = [(draw(size, FEATURES), draw(classes, size)) for classes, size in CLUSTERS]
    labels = (np.arange(int(np.prod(shape))) * 5 % CLASSES).reshape(shape)
    return draw(*shape, FEATURES), draw(rows, FEATURES), tail, labels, draw(rows)


def log_softmax(scores):
    return scores - scores.max() - np.log(np.sum(np.exp(scores - scores.max())))


def by_item(hidden, head_weight, tail, labels, head_bias):
    """Grave et al. (2017), section 3: the head's log-probability, and that within the cluster."""
    items = np.empty(labels.shape)
    for place in np.ndindex(labels.shape):
        x, label = hidden[place].astype("float64"), labels[place]
        head = log_softmax(head_weight.astype("float64") @ x + head_bias.astype("float64"))
        if label < FREQUENT:
            items[place] = -head[label]
            continue
        rest, cluster = label - FREQUENT, 0
        while rest >= CLUSTERS[cluster][0]:
            rest, cluster = rest - CLUSTERS[cluster][0], cluster + 1
        projection, matrix = (w.astype("float64") for w in tail[cluster])
        items[place] = -head[FREQUENT + cluster] - log_softmax(matrix @ (projection @ x))[rest]
    return items


def flat(arrays):
    hidden, head_weight, tail, labels, head_bias = arrays
    return hidden, head_weight, labels, head_bias, *[w for pair in tail for w in pair]


def of_flat(hidden, head_weight, labels, head_bias, *tail, weight=None, where=None, reduction="mean"):
    pairs = list(zip(tail[::2], tail[1::2], strict=True))
    of_items = {"weight": weight, "where": where, "reduction": reduction}
    return al.adaptive_log_softmax(hidden, head_weight, pairs, labels, head_bias, **of_items)


@pytest.mark.parametrize("shape", [(9,), (2, 3), ()], ids=str)
def test_an_item_is_that_of_the_loop(variant, shape):
    dtype = variant.dtypes[-1]
    arrays = inputs(shape, dtype)
    given = [variant.array(x) for x in flat(arrays)]
    got = variant.run(lambda *a: of_flat(*a, reduction="none"), *given)
    assert variant.of_this_library(got)
    assert str(got.dtype).rpartition(".")[2] == dtype
    assert variant.device(got) == variant.device(given[0])
    assert tuple(got.shape) == shape
    np.testing.assert_allclose(variant.numpy(got), by_item(*arrays), rtol=1e-12 if dtype == "float64" else 1e-5)


@pytest.mark.main_variants
@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "batchmean"])
def test_weight_where_and_reduction(variant, reduction):
    dtype = variant.dtypes[-1]
    arrays = inputs((3, 4), dtype)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, size=(3, 4)).astype(dtype)
    where = np.arange(12).reshape(3, 4) % 3 > 0
    arrays[0][~where] = np.nan
    arrays[3][~where] = 99
    weight[0, 0] = np.nan
    items = np.zeros((3, 4))
    kept = (arrays[0][where], *arrays[1:3], arrays[3][where], arrays[4])
    items[where] = weight[where] * by_item(*kept)
    total = {"sum": 1.0, "batchmean": 3.0, "mean": weight[where].sum(dtype="float64")}
    want = items if reduction == "none" else items.sum() / total[reduction]
    *given, w, kept_items = [variant.array(x) for x in (*flat(arrays), weight, where)]
    got = variant.run(lambda w, k, *a: of_flat(*a, weight=w, where=k, reduction=reduction), w, kept_items, *given)
    np.testing.assert_allclose(variant.numpy(got), want, rtol=1e-12 if dtype == "float64" else 1e-5)


def differences(arrays, where, step=1e-5):
    """The gradients of the mean over the kept items, by central differences of the loop."""
    found = []
    for k, x in enumerate(arrays):
        if x.dtype.kind != "f":
            continue
        gradient = np.zeros_like(x)
        for place in np.ndindex(x.shape):
            moved = [[y.copy() for y in arrays] for _ in range(2)]
            for copies, sign in zip(moved, (1, -1), strict=True):
                copies[k][place] += sign * step
            high, low = (by_item(h[where], w, [(t[0], t[1]), (t[2], t[3])], y[where], b) for h, w, y, b, *t in moved)
            gradient[place] = np.mean(high - low) / (2 * step)
        found.append(gradient)
    return found


WHERE = np.arange(9) != 4
FLOATING = (0, 1, 3, 4, 5, 6, 7)


@pytest.fixture(scope="module")
def expected():
    return differences(flat(inputs()), WHERE)


@pytest.mark.main_variants
def test_gradients_are_those_of_differences(variant, expected):
    hidden, *rest = flat(inputs())
    hidden[~WHERE] = np.nan
    given = [variant.array(x.astype(variant.dtypes[-1]) if x.dtype.kind == "f" else x) for x in (hidden, *rest)]
    _, got = al.value_and_grad(of_flat, FLOATING)(*given, where=variant.array(WHERE))
    for actual, wanted in zip(got, expected, strict=True):
        np.testing.assert_allclose(variant.numpy(actual), wanted, rtol=1e-4, atol=1e-7)


@pytest.mark.backend("torch")
@pytest.mark.parametrize("straight", [False, True], ids=["backward", "torch.func"])
def test_value_and_gradients_are_those_of_torch(straight):
    import torch

    given = [torch.tensor(x) for x in flat(inputs())]
    hidden, head_weight, labels, head_bias, *tail = given
    cutoffs = [FREQUENT, FREQUENT + CLUSTERS[0][0]]
    module = torch.nn.AdaptiveLogSoftmaxWithLoss(FEATURES, CLASSES, cutoffs, div_value=2.0, head_bias=True).double()
    parameters = [torch.nn.Parameter(x) for x in (head_weight, head_bias, *tail)]
    layers = (module.head, *[layer for pair in module.tail for layer in pair])
    module.head.bias = parameters[1]
    for layer, parameter in zip(layers, (parameters[0], *parameters[2:]), strict=True):
        layer.weight = parameter
    x = hidden.clone().requires_grad_()
    want = module(x, labels).loss
    wanted = torch.autograd.grad(want, [x, *parameters])
    if straight:
        got, found = al.value_and_grad(of_flat, FLOATING)(*given)
    else:
        chosen = [given[k].requires_grad_() for k in FLOATING]
        got = of_flat(*given)
        found = torch.autograd.grad(got, chosen)
    torch.testing.assert_close(got, want, rtol=1e-13, atol=0)
    torch.testing.assert_close(list(found), list(wanted), rtol=1e-12, atol=1e-14)


def test_gradients_by_the_tail_are_nested():
    hidden, head_weight, tail, labels, _ = inputs()
    both = al.value_and_grad(al.adaptive_log_softmax, argnums=(0, 2))
    _, (by_hidden, by_tail) = both(hidden, head_weight, tail, labels)
    assert by_hidden.shape == hidden.shape
    assert [[w.shape for w in pair] for pair in by_tail] == [[w.shape for w in pair] for pair in tail]


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of torch itself, when it loads its compiler
@pytest.mark.backend("torch")
def test_a_compiled_call():
    import torch

    given = [torch.tensor(x) for x in flat(inputs())]
    hidden = given[0].requires_grad_()
    of_flat(*given).backward()
    eager, hidden.grad = hidden.grad, None
    torch.compile(of_flat, fullgraph=True, backend="aot_eager")(*given).backward()
    torch.testing.assert_close(hidden.grad, eager)


def test_an_integer_weight_counts_items():
    arrays = inputs()
    weight = np.arange(9) % 3
    items = by_item(*arrays)
    got = al.adaptive_log_softmax(*arrays, weight=weight)
    np.testing.assert_allclose(got, np.sum(weight * items) / np.sum(weight), rtol=1e-13)


def test_without_a_tail_it_is_linear_cross_entropy():
    hidden, head_weight, _, _, _ = inputs()
    labels = np.arange(9) % 5
    want = al.linear_cross_entropy(hidden, head_weight, labels)
    np.testing.assert_allclose(al.adaptive_log_softmax(hidden, head_weight, [], labels), want, rtol=1e-14)


@pytest.mark.main_variants
@pytest.mark.parametrize("label", [CLASSES, -1])
def test_a_label_that_is_no_class(variant, label):
    arrays = inputs(dtype=variant.dtypes[-1])
    arrays[3][2] = label
    given = [variant.array(x) for x in flat(arrays)]
    if variant.eager_labels:
        with pytest.raises(ValueError, match=rf"`labels` must lie in \[0, {CLASSES}\)"):
            of_flat(*given)
        return
    items = variant.numpy(variant.run(lambda *a: of_flat(*a, reduction="none"), *given))
    assert np.isnan(items).tolist() == [k == 2 for k in range(9)]


def test_what_does_not_fit():
    hidden, head_weight, tail, labels, head_bias = inputs()
    with pytest.raises(TypeError, match="`tail` must be a sequence of pairs"):
        al.adaptive_log_softmax(hidden, head_weight, [tail[0][0]], labels)
    with pytest.raises(ValueError, match="`head_weight` must have a row for each of the 2 clusters"):
        al.adaptive_log_softmax(hidden, head_weight[:2], tail, labels)
    with pytest.raises(ValueError, match=r"`matrix` must have shape \(M, 1\)"):
        al.adaptive_log_softmax(hidden, head_weight, [tail[0], (tail[1][0], tail[0][1])], labels)
    with pytest.raises(ValueError, match="`head_bias`"):
        al.adaptive_log_softmax(hidden, head_weight, tail, labels, head_bias[1:])
    with pytest.raises(TypeError, match="`labels` must hold integer ids"):
        al.adaptive_log_softmax(hidden, head_weight, tail, labels * 1.0)
    with pytest.raises(ValueError, match="`reduction` must be"):
        al.adaptive_log_softmax(hidden, head_weight, tail, labels, reduction="avg")
