"""Options of the test run: which backends, and which of them may not be missing."""

from __future__ import annotations

import importlib.util
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

# Two devices of JAX on one CPU, so that "arrays on two devices" can be tested. Read when JAX starts.
os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=2")

from tests.cases import Case
from tests.catalogue import FAMILY_OF
from tests.variants import BACKENDS, VARIANTS, Variant, importable

from arraylosses import registry

# Keras's own default is TensorFlow. Read when Keras is imported.
os.environ.setdefault("KERAS_BACKEND", "jax" if importlib.util.find_spec("jax") else "torch")

# An adapter can be imported, and its examples run, where the library is installed that its file is named after.
NEEDED = {
    "onnx": ("ndonnx", "onnxruntime"),
    "keras": ("keras", os.environ["KERAS_BACKEND"]),
    "boosting": (),
    "graphs": ("torch",),
}


def _lacks_its_library(path: Path) -> bool:
    host = path.stem.strip("_").partition("_")[0]
    return not all(map(importlib.util.find_spec, NEEDED.get(host, (host,))))


PACKAGE = Path(__file__).parent / "src" / "arraylosses"
ADAPTERS = [path for path in (PACKAGE / "interop").glob("*.py") if path.stem != "__init__"]
collect_ignore = [str(path) for path in (*ADAPTERS, PACKAGE / "execution" / "graphs.py") if _lacks_its_library(path)]


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
    config.addinivalue_line("markers", "slow: as on JAX and Dask, run on a sample of the losses, whatever the library")
    config.addinivalue_line("markers", "every_loss(*libraries): run on all losses where others run on a sample")
    config.addinivalue_line("markers", "main_variants: not run on the variants of which few mistakes are to be feared")
    config.addinivalue_line("markers", "numbers: not run on a variant whose numbers are another's to the last digit")
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
        numbers = metafunc.definition.get_closest_marker("numbers")
        params = [
            pytest.param(v, id=v.name, marks=[pytest.mark.backend(v.option)])
            for v in VARIANTS
            if _chosen(metafunc.config, v.option) and (v.main or not main) and not (v.same_numbers and numbers)
        ]
        metafunc.parametrize("variant", params, indirect=True)


def _law(item: pytest.Item) -> tuple[Path, str, str]:
    law = item.callspec.params.get("law", "") if hasattr(item, "callspec") else ""
    return item.path, getattr(item, "originalname", item.name), law


def _losses(item: pytest.Item) -> set[str]:
    """The canonical names of the losses that a test is about."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    named = {params["name"]} & FAMILY_OF.keys() if item.get_closest_marker("slow") and "name" in params else set()
    return named | {x.name for x in params.values() if isinstance(x, Case)}


def _is_default(item: pytest.Item) -> bool:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return all(x.is_default for x in params.values() if isinstance(x, Case))


def _samples(items: list[pytest.Item]) -> dict[tuple[Path, str, str], set[str]]:
    """A loss of every other family for a test, and others for another, so that each has its turn somewhere.

    Of every tenth family for a law of `arraylosses.testing`, which asks for dozens of calls.
    """
    families: dict[tuple[Path, str, str], dict[str, set[str]]] = {}
    slow = {_law(item) for item in items if item.get_closest_marker("slow")}
    for item in filter(_is_default, items):
        for loss in _losses(item):
            families.setdefault(_law(item), {}).setdefault(FAMILY_OF[loss], set()).add(loss)
    found = {}
    for law, of_law in families.items():
        turn = zlib.crc32("".join(law[1:]).encode())
        every = 10 if law[-1] and law not in slow else 2
        chosen = sorted(of_law)[turn % every :: every] if len(of_law) > 4 else of_law
        found[law] = {sorted(of_law[family])[turn % len(of_law[family])] for family in chosen}
    return found


def _is_due(item: pytest.Item, samples: dict[tuple[Path, str, str], set[str]]) -> bool:
    """Whether a test belongs to the fast matrix.

    Settings off their defaults are tried in one variant of a library. JAX compiles every step of it, torch's compiler
    takes as long, and Dask plans it: with these a law is tried on a sample of the losses, at their defaults.
    """
    params = item.callspec.params if hasattr(item, "callspec") else {}
    variant = params.get("variant")
    names = [mark.args[0] for mark in item.iter_markers("backend")]
    libraries = {variant.option if isinstance(variant, Variant) else name for name in names}
    is_main = not isinstance(variant, Variant) or variant.name == variant.option
    is_default = _is_default(item)
    is_slow = item.get_closest_marker("slow") and (libraries or not _chosen(item.config, "numpy"))
    if not is_slow and not {"jax", "dask"} & libraries:
        return is_main or (is_default and params.get("reduction") not in ("sum", "batchmean"))
    if not is_main and (not _losses(item) or params.get("reduction") in ("sum", "batchmean")):
        return False
    every = item.get_closest_marker("every_loss")
    if is_default and is_main and every is not None and (not every.args or libraries & {*every.args}):
        return True
    return is_default and _losses(item) <= samples.get(_law(item), set())


def _libraries_of(item: pytest.Item) -> list[str]:
    """The libraries that a test needs; NumPy, where it names none in a module that says so, and for an example."""
    names = [mark.args[0] for mark in item.iter_markers("backend")]
    of_numpy = isinstance(item, pytest.DoctestItem) or item.get_closest_marker("otherwise_numpy")
    return names or (["numpy"] if of_numpy else [])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept, dropped = [], []
    samples = _samples(items)
    for item in items:
        names = _libraries_of(item)
        is_due = config.getoption("--sweep") or _is_due(item, samples)
        if not is_due or not all(_chosen(config, name) for name in names):
            dropped.append(item)
            continue
        kept.append(item)
        missing = [reason for name in names if (reason := importable(name))]
        if missing:
            item.add_marker(pytest.mark.skip(reason=missing[0]))
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


@pytest.fixture(autouse=True)
def _registry_of_one_test() -> Iterator[None]:
    """What a test registers is forgotten after it; what a dialect registers when it is imported stays."""
    tables = (registry._BY_NAME, registry._BY_CANONICAL)
    before = [dict(table) for table in tables]
    yield
    for table, known in zip(tables, before, strict=True):
        for name in [name for name in table if name not in known or table[name] is not known[name]]:
            cls = getattr(table[name], "cls", table[name])
            if name in known:
                table[name] = known[name]
            elif not cls.__module__.startswith("arraylosses."):
                del table[name]


@pytest.fixture
def variant(request: pytest.FixtureRequest):
    chosen: Variant = request.param
    with chosen.active():
        yield chosen
