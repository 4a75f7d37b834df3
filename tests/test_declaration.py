"""What a loss declares of its arrays: how it is read, refused, and checked against the arrays of a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import arraylosses as al
from arraylosses.arguments import DOMAINS, conditions, declared
from arraylosses.data import draw

pytestmark = pytest.mark.backend("numpy")

CTC = (
    "log_probabilities[..., T, C]: log_distribution, labels[..., L]: class, input_lengths[...]: length of T, "
    "label_lengths[...]: length of L -> [...]"
)


@dataclass(frozen=True, kw_only=True)
class Sequence(al.Loss):
    """The chance of the labels in use, place by place: enough of CTC to take the same arrays."""

    arrays: ClassVar[str] = CTC

    def call(self, log_probabilities, labels, input_lengths, label_lengths):
        xp = al.array_namespace(log_probabilities, labels)
        places = xp.arange(labels.shape[-1])
        rows = log_probabilities[..., : labels.shape[-1], :]
        picked = xp.take_along_axis(rows, labels[..., None], axis=-1)[..., 0]
        used = places < xp.minimum(label_lengths, input_lengths)[..., None]
        return -xp.sum(xp.where(used, picked, 0.0), axis=-1)


@pytest.mark.parametrize("cls", al.registered().values(), ids=al.registered())
def test_a_declaration_reads_as_it_prints(cls):
    made = cls().declaration
    assert str(declared(str(made))) == str(made)
    assert made.explicit
    assert made.names == cls.array_names


def test_what_an_item_is_follows():
    def granularity(text):
        return declared(text).granularity

    assert granularity("x[...]: real, t[...]: sign -> [...]") == "element"
    assert granularity("x[..., D]: real, y[..., D]: real -> [...]") == "row"
    assert granularity(CTC) == "row"
    assert granularity("x[N, D]: real, y[N, D]: real -> [N] coupled") == "batch"


def test_a_setting_may_decide():
    text = "p[...]: real if from_logits else probability, t[N, ...]: real -> [N] if per_image else []"
    assert conditions(text) == ("from_logits", "per_image")
    made = declared(text.replace("p[...]", "p[N, ...]"), (("from_logits", False), ("per_image", False)))
    assert (made.domains, made.items) == (("probability", "real"), ())


def test_a_setting_may_decide_on_whole_arrays_and_be_asked_for_one_value():
    text = (
        "(x[N, C]: real if from_logits else (distribution if mode is rows else probability), t[N]: class) "
        "if mode is not_binary else (x[N]: real, t[N]: class of 2) -> [N]"
    )
    asked = conditions(text)
    assert asked == ("from_logits", "mode is rows", "mode is not_binary")

    def made(*answers):
        return str(declared(text, tuple(zip(asked, answers, strict=True))))

    assert made(False, True, True) == "x[N, C]: distribution, t[N]: class -> [N]"
    assert made(False, False, True) == "x[N, C]: probability, t[N]: class -> [N]"
    assert made(True, False, True) == "x[N, C]: real, t[N]: class -> [N]"
    assert made(True, True, False) == "x[N]: real, t[N]: class of 2 -> [N]"


@dataclass(frozen=True, kw_only=True)
class Points(al.Loss):
    """Whether a point of a plane is on the right side of a line: a number for an axis, and for how many classes."""

    arrays: ClassVar[str] = "points[..., 2]: real, side[...]: class of 2 or side[...]: probability -> [...]"

    def call(self, points, side):
        xp = al.array_namespace(points, side)
        return points[..., 0] * xp.astype(side, points.dtype)


def test_a_number_is_the_length_of_an_axis_and_how_many_classes_there_are():
    points = np.asarray([[3.0, 0.0], [5.0, 0.0]])
    loss = Points(reduction="none")
    for side in ([0, 1], [False, True], [0.0, 1.0]):
        assert loss(points, np.asarray(side)).tolist() == [0.0, 5.0]
    assert [x.shape for x in draw(loss.declaration, np.random.default_rng(0), (7,))] == [(7, 2), (7,)]
    with pytest.raises(ValueError, match=r"`side` must lie in \[0, 2\) for 2 classes, got 2"):
        loss(points, np.asarray([0, 2]))
    with pytest.raises(ValueError, match=r"`points` must have the axes \[..., 2\], got shape \(2, 3\)"):
        loss(np.zeros((2, 3)), np.asarray([0, 1]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x[...]: real", "end in the axes of an item"),
        ("x[...]: real -> ...", "end in the axes of an item"),
        ("x[...] -> [...]", "say what `x` holds, such as `x\\[...\\]: real`"),
        ("x[...]: rael -> [...]", "declare domains of .*, got 'rael'; did you mean 'real'"),
        ("x: real -> [...]", "say of each array its axes"),
        ("x[...]: real y[...]: real -> [...]", "have a comma or `or` after `x\\[...\\]: real`"),
        ("x[..., C, C]: real -> [...]", "name each axis once"),
        ("x[2 a]: real -> []", "name each axis once"),
        ("x[...]: real, x[..., C]: real -> [...]", "say of `x` once, or with `or`"),
        ("x[...]: real or y[...]: real -> [...]", "say of `y` once, or with `or`"),
        ("x[...]: real -> [N]", "have the axis N in one of its arrays"),
        ("x[...]: real, n[...]: length -> [...]", "have the axis that a length belongs to in one of its arrays"),
        ("x[...]: real, y[...]: class -> [...]", "have the axis C in one of its arrays"),
        ("x[N, M]: real, y[M, N]: real -> [N, M]", "have the axes of an item in the order \\[N, M\\]"),
        ("x[...]: real, b?[C]: real, y[..., C]: real -> [...]", "name arrays that need not be given last"),
        ("-> [...]", "name at least one array"),
    ],
)
def test_what_cannot_be_meant_is_refused_when_the_class_is_made(text, message):
    with pytest.raises(ValueError, match=f"`arrays` must {message}"):

        class Wrong(al.Loss):
            arrays = text

            def call(self, x):
                return x


@pytest.mark.parametrize("name", DOMAINS)
def test_a_domain_holds_what_it_draws_and_what_stands_in_for_what_is_left_out(name):
    domain = DOMAINS[name]
    x = domain.draw(np.random.default_rng(1), (40, 4), size=3)
    assert domain.holds(x)
    if not domain.is_integer and "distribution" not in name and name != "sign":
        assert domain.holds(np.broadcast_to(domain.neutral(x, (-1,)), x.shape))


def test_ordered_labels_are_one_more_than_their_thresholds():
    made = declared("logits[..., K]: increasing, labels[...]: level of K -> [...]")
    logits, labels = draw(made, np.random.default_rng(2), (50,), {"K": 3})
    assert set(labels.tolist()) == {0, 1, 2, 3}
    assert np.all(np.diff(logits, axis=-1) > 0)
    assert not DOMAINS["increasing"].holds(logits[:, ::-1])


def test_lengths_say_which_labels_are_in_use():
    loss = Sequence(reduction="none")
    rng = np.random.default_rng(0)
    p, labels, of_input, of_labels = draw(loss.declaration, rng, (3,), {"T": 7, "C": 4, "L": 3})
    of_labels[:] = [3, 1, 0]
    expected = [-sum(p[i, k, labels[i, k]] for k in range(min(of_labels[i], of_input[i]))) for i in range(3)]
    np.testing.assert_allclose(loss(p, labels, of_input, of_labels), expected)
    # What is beyond them may hold anything.
    labels[1, 1:], labels[2] = -1, 99
    np.testing.assert_allclose(loss(p, labels, of_input, of_labels), expected)
    gradient = al.grad(Sequence(reduction="sum"))(p, labels, of_input, of_labels)
    assert gradient.shape == p.shape
    labels[1, 0] = 4
    with pytest.raises(ValueError, match=r"`labels` must lie in \[0, 4\) for 4 classes, got 4"):
        loss(p, labels, of_input, of_labels)
    # An item that is left out may have any labels and lengths.
    of_input[1] = 99
    np.testing.assert_allclose(
        loss(p, labels, of_input, of_labels, where=np.asarray([True, False, True])), [expected[0], 0, expected[2]]
    )


@pytest.mark.backend("torch")
def test_a_length_that_is_not_given_is_that_of_the_axis():
    import torch

    @dataclass(frozen=True, kw_only=True)
    class Used(al.Loss):
        arrays: ClassVar[str] = (
            "x[..., T, C]: real, y[..., L]: real, n?[...]: length of T, m?[...]: length of L -> [...]"
        )

        def call(self, x, y, n, m):
            xp = al.array_namespace(x)
            return xp.sum(x, axis=(-2, -1)) + xp.astype(10 * n + m, x.dtype)

    for array in (np.asarray, torch.tensor):
        x, y = array(np.zeros((2, 4, 3))), array(np.zeros((2, 5)))
        n, m = array([1, 2]), array([0, 3])
        loss = Used(reduction="none")
        for given, named, expected in (
            ((), {}, [45.0, 45.0]),
            ((n,), {}, [15.0, 25.0]),
            ((n, m), {}, [10.0, 23.0]),
            ((None, m), {}, [40.0, 43.0]),
            ((), {"m": m}, [40.0, 43.0]),
        ):
            assert loss(x, y, *given, **named).tolist() == expected
        # What is left out is of no length, whatever it says.
        wrong = array([9, 2])
        assert loss(x, y, wrong, m, where=array([False, True])).tolist() == [0.0, 23.0]
        assert loss(x[0], y[0]).tolist() == 45.0
        with pytest.raises(ValueError, match=r"`x` must have the axes \[..., T, C\], got shape \(3,\)"):
            loss(x[0, 0], y[0])
        with pytest.raises(TypeError, match="`x` must be an array"):
            loss([1.0], y)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({2: np.asarray([7, 8, 1])}, ValueError, r"`input_lengths` must lie in \[0, 7\], .*, got 8"),
        ({3: np.asarray([1, -1, 1])}, ValueError, r"`label_lengths` must lie in \[0, 3\], .*, got -1"),
        ({2: np.asarray([1.0, 1, 1])}, TypeError, "`input_lengths` must hold integer lengths, got float64"),
        ({2: np.asarray([True, True, True])}, TypeError, "`input_lengths` must hold integer lengths, got bool"),
        (
            {2: np.asarray([1, 1])},
            ValueError,
            r"`input_lengths` must have one value an item, shape \(3,\): .*got \(2,\)",
        ),
        (
            {1: np.zeros((2, 3), int)},
            ValueError,
            r"`labels` must have shape \(3, L\), as \[..., L\] where .*got \(2, 3\)",
        ),
        ({0: np.zeros(4)}, ValueError, r"`log_probabilities` must have the axes \[..., T, C\], got shape \(4,\)"),
    ],
)
def test_arrays_that_do_not_fit_are_told_what_is_declared(change, error, message):
    rng = np.random.default_rng(0)
    arrays = list(draw(Sequence().declaration, rng, (3,), {"T": 7, "C": 4, "L": 3}))
    for k, x in change.items():
        arrays[k] = x
    with pytest.raises(error, match=message):
        Sequence()(*arrays)


def test_a_granularity_is_a_declaration_in_short():
    @al.loss(granularity="batch")
    def centred(prediction, target, where=None):
        xp = al.array_namespace(prediction, target)
        kept = xp.ones(prediction.shape[:1]) if where is None else xp.astype(where, prediction.dtype)
        error = prediction - target
        return (error - xp.sum(error * kept) / xp.sum(kept)) ** 2

    assert str(centred.loss_class().declaration) == "prediction[N, ...]: real, target[N, ...]: real -> [N] coupled"
    x = np.random.default_rng(0).normal(size=5)
    keep = np.asarray([True, True, False, True, False])
    np.testing.assert_allclose(centred(x, np.zeros(5), where=keep), np.var(x[keep]))
    with pytest.raises(TypeError, match="must take prediction, target, as `arrays` declares; it takes .*, where"):

        @al.loss
        def masked(prediction, target, where=None):
            return prediction


@pytest.mark.parametrize(
    ("arrays", "optional"),
    [
        ("scores[..., D]: real, relevance[..., D]: real, where[..., D] -> [...]", "where"),
        ("scores[N]: real, relevance[N]: real -> [N] coupled", "where"),
        ("scores[..., D]: real, relevance[..., D]: real, scale?[...]: positive -> [...]", "scale"),
    ],
)
@pytest.mark.parametrize("method", ["call", "derivative", "second_derivative", "item_weight", "value_and_derivatives"])
def test_a_formula_goes_without_what_need_not_be_given(arrays, optional, method):
    def make(taken):
        positions = "positions, " if method == "value_and_derivatives" else ""
        made = {}
        exec(f"def method(self, {positions}scores, relevance, {taken}): return None", made)
        exec(f"def call(self, scores, relevance, {optional}=None): return None", made)
        return type("Made", (al.Loss,), {"arrays": arrays, "call": made["call"], method: made["method"]})

    with pytest.raises(TypeError, match=f"`{method}` of Made must take `{optional}=None`, since `{optional}` need not"):
        make(optional)
    assert make(f"{optional}=None").array_names[:2] == ("scores", "relevance")


def test_what_is_not_declared_is_not_split():
    """A mean over the batch is that of the whole batch, whatever its size."""

    @al.loss
    def undeclared(prediction, target):
        error = prediction - target
        return (error - al.array_namespace(error).mean(error)) ** 2

    x, y = np.random.default_rng(0).normal(size=(2, 1 << 20))
    np.testing.assert_allclose(undeclared(x, y), np.var(x - y))
    queries, keys = np.random.default_rng(1).normal(size=(2, 1500, 300))
    logits = (queries @ keys.T) / np.linalg.norm(queries, axis=1)[:, None] / np.linalg.norm(keys, axis=1) / 0.1
    expected = np.mean(np.log(np.exp(logits).sum(axis=1)) - np.diag(logits))
    np.testing.assert_allclose(al.info_nce(queries, keys), expected)
