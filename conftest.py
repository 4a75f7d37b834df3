"""Options of the test run: which backends, and which of them may not be missing."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

# Two devices of JAX on one CPU, so that "arrays on two devices" can be tested. Read when JAX starts.
os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=2")

from tests.cases import Case
from tests.variants import BACKENDS, VARIANTS, Variant, importable

# Keras's own default is TensorFlow. Read when Keras is imported.
os.environ.setdefault("KERAS_BACKEND", "jax" if importlib.util.find_spec("jax") else "torch")

# An adapter can be imported, and its examples run, where its library is installed.
NEEDED = {"onnx": ("ndonnx", "onnxruntime"), "keras": ("keras", os.environ["KERAS_BACKEND"])}
collect_ignore = [
    str(path)
    for path in (Path(__file__).parent / "src" / "arraylosses" / "interop").glob("[!_]*.py")
    if not all(map(importlib.util.find_spec, NEEDED.get(path.stem, (path.stem,))))
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--backend",
        action="append",
        choices=BACKENDS,
        help="run on this backend alone (repeatable); by default on all that are installed",
    )
    parser.addoption(
        "--require-backend",
        action="append",
        choices=BACKENDS,
        default=[],
        help="fail, and do not skip, where this backend is not installed (repeatable)",
    )
    parser.addoption(
        "--sweep",
        action="store_true",
        help="run every law with all settings in every variant of a library, which takes hours",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "backend(name): needs this array library; skipped where it is not installed")
    config.addinivalue_line("markers", "otherwise_numpy: what names no library of its own needs NumPy's session alone")
    config.addinivalue_line("markers", "any_library: a law that no library can break by itself, but for all losses")
    config.addinivalue_line("markers", "every_width: run for every loss on JAX with 32 bits, too")
    config.addinivalue_line("markers", "every_setting: run with all settings on JAX and Dask too")
    config.addinivalue_line("markers", "main_variants: not run on the variants of which few mistakes are to be feared")
    for name in config.getoption("--require-backend"):
        reason = importable(name)
        if reason:
            raise pytest.UsageError(f"--require-backend={name}: {reason}")


def _chosen(config: pytest.Config, backend: str) -> bool:
    wanted = config.getoption("--backend")
    return not wanted or backend in wanted


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "variant" in metafunc.fixturenames:
        main = metafunc.definition.get_closest_marker("main_variants")
        params = [
            pytest.param(v, id=v.name, marks=[pytest.mark.backend(v.backend)])
            for v in VARIANTS
            if _chosen(metafunc.config, v.backend) and (v.main or not main)
        ]
        metafunc.parametrize("variant", params, indirect=True)


def _is_due(item: pytest.Item) -> bool:
    """Whether a test belongs to the fast matrix.

    Settings off their defaults are tried in one variant of a library. JAX compiles every step of it and Dask plans it,
    so on these they are tried by the laws of all values and gradients alone, and a law that no library can break by
    itself is tried on the first loss of each family.
    """
    given = getattr(item, "callspec", None)
    variant = given.params.get("variant") if given is not None else None
    names = [mark.args[0] for mark in item.iter_markers("backend")]
    slow = {"jax", "dask"} & {variant.backend if isinstance(variant, Variant) else name for name in names}
    is_main = not isinstance(variant, Variant) or variant.name == variant.backend
    if given is None or (is_main and (not slow or item.get_closest_marker("every_setting"))):
        return True
    if not is_main and given.params.get("reduction") in ("sum", "batchmean"):
        return False
    cases = [x for x in given.params.values() if isinstance(x, Case)]
    of_width = (
        isinstance(variant, Variant) and variant.name == "jax-jit-32" and not item.get_closest_marker("every_width")
    )
    if (of_width or (slow and item.get_closest_marker("any_library"))) and not all(c.stands_for_family for c in cases):
        return False
    return all(case.is_default for case in cases)


def _libraries_of(item: pytest.Item) -> list[str]:
    """The libraries that a test needs; NumPy, where it names none in a module that says so."""
    names = [mark.args[0] for mark in item.iter_markers("backend")]
    return names or (["numpy"] if item.get_closest_marker("otherwise_numpy") else [])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept, dropped = [], []
    for item in items:
        names = _libraries_of(item)
        if not all(_chosen(config, name) for name in names) or not (config.getoption("--sweep") or _is_due(item)):
            dropped.append(item)
            continue
        kept.append(item)
        missing = [reason for name in names if (reason := importable(name))]
        if missing:
            item.add_marker(pytest.mark.skip(reason=missing[0]))
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the examples of an adapter whose library, after which it is named, is not installed."""
    is_adapter = collection_path.parent.name == "interop" and not collection_path.stem.startswith(("_", "test_"))
    missing = is_adapter and importlib.util.find_spec(collection_path.stem) is None
    return True if missing else None


@pytest.fixture
def variant(request: pytest.FixtureRequest):
    chosen: Variant = request.param
    with chosen.active():
        yield chosen
