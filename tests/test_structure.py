"""The layers: a file imports only from those above its own, and one file talks to array-api-compat."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import arraylosses

pytestmark = pytest.mark.otherwise_numpy

ROOT = Path(arraylosses.__file__).parent

LAYERS = [
    "_array_api", "_values", "_config", "_nested", "arguments", "numerics", "special", "reduction", "autodiff",
    "formula", "execution", "loss", "loss_function", "peers", "registry", "composition", "accumulation", "losses",
    "functions", "adaptive_softmax", "dialects", "gradients", "conversion", "constants", "data", "comparison",
    "testing", "interop", "cli", "__init__", "__main__",
]  # fmt: skip
"""Lower ones first. What is loaded on demand, within a function, counts as an import too."""

FILES = sorted(ROOT.rglob("*.py"))


def layer_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_layers(path: Path) -> set[str]:
    package = path.relative_to(ROOT).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            parts = (*base, *(node.module.split(".") if node.module else ()))
            found |= {parts[0]} if parts else {alias.name for alias in node.names}
    return found & set(LAYERS)


def imported_modules(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_every_file_has_a_layer():
    assert {layer_of(path) for path in FILES} == set(LAYERS)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_imports_only_from_above(path):
    own = layer_of(path)
    above = set(LAYERS[: LAYERS.index(own) + 1])
    assert imported_layers(path) <= above


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_imports_an_array_library(path):
    # An adapter imports the library that it is named after, with what that brings.
    host = path.stem.strip("_").partition("_")[0]
    with_it = {"onnx": {"ndonnx"}, "sklearn": {"scipy"}}
    allowed = {
        "cli": {"typer", "rich"},
        "comparison": {"matplotlib"},
        "data": {"sklearn"},
        "interop": {host, *with_it.get(host, ())},
    }.get(layer_of(path), set())
    known = {
        "torch", "jax", "cupy", "dask", "array_api_strict", "scipy", "sklearn", "typer", "rich", "matplotlib", "keras",
        "ndonnx", "xgboost", "lightgbm", "catboost",
    }  # fmt: skip
    assert imported_modules(path) & known <= allowed
    if layer_of(path) != "_array_api":
        assert "array_api_compat" not in imported_modules(path)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_imports_an_adapter(path):
    if layer_of(path) != "interop":
        assert "interop" not in imported_layers(path)


LINES = [*FILES, *Path(__file__).parent.rglob("*.py")]


@pytest.mark.parametrize("path", LINES, ids=lambda p: p.stem)
def test_no_file_is_long(path):
    if path.parent.name == "functions":
        pytest.skip("written by a tool")
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 600
