"""Docstrings that typeset: formulas of symbols and upright words, and no mark-up that docutils does not know."""

from __future__ import annotations

import inspect
import re

import pytest

import arraylosses as al

LOSSES = sorted(al.registered().items())
each_loss = pytest.mark.parametrize(("name", "cls"), LOSSES, ids=[n for n, _ in LOSSES])
GREEK = {"alpha", "beta", "gamma", "delta", "epsilon", "theta", "kappa", "lambda", "mu", "rho", "sigma", "tau"}


def formulas(doc: str) -> list[str]:
    return [" ".join(f.split()) for f in re.findall(r"\.\. math:: (.*?)(?=\n\n|\n\S|\Z)", doc, re.DOTALL)]


@each_loss
def test_a_loss_has_a_formula_whose_words_are_upright(name, cls):
    assert formulas(inspect.getdoc(cls) or "")
    require_upright_words(cls)


FUNCTIONS = [name for name in al.__all__ if inspect.isfunction(getattr(al, name))]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_words_in_a_formula_of_a_function_are_upright(name):
    require_upright_words(getattr(al, name))


def require_upright_words(documented) -> None:
    for formula in formulas(inspect.getdoc(documented) or ""):
        upright = re.findall(r"\\(?:mathrm|text)\{((?:\\.|[^{}\\])*)\}", formula)
        assert not [word for word in upright if re.search(r"(?<!\\)_", word)], "an underscore is written \\_"
        assert not set(upright) & GREEK, "a Greek letter is a symbol"
        rest = re.sub(r"\\(?:mathrm|text|begin|end)\{(?:\\.|[^{}\\])*\}|\\[a-zA-Z]+|\\.", " ", formula)
        words = re.findall(r"[A-Za-z]{2,}", re.sub(r"_\{[a-z]{2}\}", "", rest))
        assert not words, f"{words} would be typeset as products of letters: \\mathrm{{...}}"


@each_loss
def test_a_summary_has_no_bars(name, cls):
    assert "|" not in (inspect.getdoc(cls) or "").partition("\n")[0], "docutils takes |e| for a substitution"


@each_loss
def test_a_loss_says_when_another_is_better(name, cls):
    if ".dialects." in cls.__module__:
        return
    section = re.search(r"^See Also\n-+\n(.*?)\n\n", inspect.getdoc(cls) or "", re.DOTALL | re.MULTILINE)
    others = re.findall(r"^(\w+) : \S", section.group(1), re.MULTILINE)
    assert others
    assert name not in others
    assert set(others) <= set(al.registered())
