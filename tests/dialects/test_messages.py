"""What the dialects say of a mistake: in the framework's words, and with hints that work when they are followed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import numpy as np
import pytest

from arraylosses.dialects import keras, optax, torch

pytestmark = pytest.mark.otherwise_numpy

ROWS = np.asarray([[0.25, 0.75, 0.5], [0.5, 0.125, 0.25], [0.75, 0.5, 0.25], [0.5, 0.25, 0.125]])
LABELS = np.asarray([0, 1, 2, 1])
MISTAKES = [ROWS.tolist(), 0.5, LABELS, LABELS[:3], LABELS[:, None], LABELS + 0.5, ROWS > 0.3, np.ma.masked_array(ROWS)]
MISTAKES += [np.eye(3, dtype="int64")[LABELS], ROWS[:, :1], ROWS[0], ROWS + 0j]
# An array in an expression, or a keyword.
NAMES = re.compile(r"`(\w+)`|(?<![\w.])(\w+)\.(?:astype|data|moveaxis)|(?:asarray|array)\((\w+)|\b(axis|where)=")
MODULES = {"np", "da"}


def functions() -> Iterator[tuple[str, str]]:
    for dialect in (torch, keras, optax):
        for name in dialect.__all__:
            found = getattr(dialect, name)
            if inspect.isfunction(found) and dialect.__name__ == found.__module__.rpartition(".")[0]:
                yield dialect.__name__.rpartition(".")[2], name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("dialect", "name"), list(functions()))
def test_a_message_names_the_parameters_of_the_function(dialect, name):
    function = getattr({"torch": torch, "keras": keras, "optax": optax}[dialect], name)
    parameters = inspect.signature(function).parameters
    required = {p.name: ROWS for p in parameters.values() if p.default is p.empty}
    for wrong in [p.name for p in parameters.values() if "Array" in str(p.annotation) or p.name in required]:
        for mistake in MISTAKES:
            said = _said_of(function, **{**required, wrong: mistake})
            named = {found for every in NAMES.findall(said) for found in every if found}
            assert named <= {*parameters, *MODULES, "mask"}, said


def _said_of(function, **arguments) -> str:
    try:
        function(**arguments)
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: torch.mse_loss(LABELS, LABELS), r'got int64; convert it, as in input.astype\("float32"\)'),
        (lambda: torch.cross_entropy(ROWS, LABELS + 0.5), r'an integer dtype, as in target.astype\("int64"\)'),
        (lambda: torch.multi_margin_loss(ROWS, LABELS[:3]), r"without axis -1; got \(3,\)$"),
        (lambda: torch.mse_loss(np.ma.masked_array(ROWS), ROWS), "got MaskedArray; input.data is its array$"),
        (lambda: keras.Circle()(LABELS[:2], ROWS), r"`y_true` must have one label an item, .* got \(2,\)"),
        (lambda: keras.sparse_categorical_crossentropy(ROWS, ROWS), r"without axis -1; got \(4, 3\)$"),
        (lambda: optax.huber_loss(1.0, 2.0), r"got float; np.asarray\(predictions\) makes an array"),
        (lambda: optax.hinge_loss(ROWS, ROWS > 0.3), r"False would count as 0; use 2 \* targets - 1"),
    ],
)
def test_a_hint_is_in_the_words_of_the_framework(call, said):
    with pytest.raises((TypeError, ValueError), match=said):
        call()
