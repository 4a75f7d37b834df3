"""Options of the test run: which backends, and which of them may not be missing."""

from __future__ import annotations

import importlib.util
import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

# Two devices of JAX on one CPU, so that "arrays on two devices" can be tested. Read when JAX starts.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"

from tests.cases import Case
from tests.variants import BACKENDS, VARIANTS, Variant, forget_ways, importable

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


@pytest.fixture(autouse=True)
def _torch_warns_always() -> None:
    """A warning of torch that comes once a process would be seen by the first test alone, whichever that is."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_warn_always(True)


SAMPLE = 3
"""Sets of parameters of a test that the fast matrix tries, where a library compiles or plans each call."""


def _params(item: pytest.Item) -> dict[str, object]:
    return item.callspec.params if hasattr(item, "callspec") else {}


def _named(item: pytest.Item) -> set[str]:
    """The libraries that a test names."""
    return {mark.args[0] for mark in item.iter_markers("backend")}


def _is_main(item: pytest.Item) -> bool:
    variant = _params(item).get("variant")
    return not isinstance(variant, Variant) or variant.name == variant.option


def _is_default(item: pytest.Item) -> bool:
    return all(x.is_default for x in _params(item).values() if isinstance(x, Case))


def _is_costly(item: pytest.Item) -> bool:
    """Whether a test is tried on a sample: JAX and torch's compiler compile each call, and Dask plans it."""
    variant = _params(item).get("variant")
    if isinstance(variant, Variant) and variant.sampled:
        return True
    if item.get_closest_marker("slow") and (_named(item) or not _chosen(item.config, "numpy")):
        return True
    of_many = any(isinstance(x, Case | Variant) for x in _params(item).values())
    return of_many and bool({"jax", "dask"} & _named(item))


def _is_of_every_loss(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("every_loss")
    return mark is not None and _is_main(item) and (not mark.args or bool(_named(item) & {*mark.args}))


def _fast(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests of the fast matrix.

    Settings off their defaults are tried on NumPy as it is. Of a costly test a sample is tried, at the defaults, and of
    another test another sample, so that each loss has its turn somewhere.
    """
    kept, groups = set(), {}
    for item in items:
        params = _params(item)
        variant, is_default = params.get("variant"), _is_default(item)
        if not _is_costly(item):
            libraries = {variant.name} if isinstance(variant, Variant) else set(_libraries_of(item))
            every = _is_main(item) or params.get("reduction") not in ("sum", "batchmean")
            if (is_default and every) or libraries <= {"numpy"}:
                kept.add(item)
        elif is_default and _is_of_every_loss(item):
            kept.add(item)
        elif is_default:
            group = (str(item.path), getattr(item, "originalname", item.name), str(params.get("law")), str(variant))
            groups.setdefault(group, []).append(item)
    for group, found in groups.items():
        turn, count = zlib.crc32("".join(group[1:]).encode()), SAMPLE if _is_main(found[0]) else 1
        kept.update(found[(turn + k * len(found) // count) % len(found)] for k in range(count))
    return [item for item in items if item in kept]


def _libraries_of(item: pytest.Item) -> list[str]:
    """The libraries that a test needs; NumPy, where it names none in a module that says so, and for an example."""
    of_numpy = isinstance(item, pytest.DoctestItem) or item.get_closest_marker("otherwise_numpy")
    return sorted(_named(item)) or (["numpy"] if of_numpy else [])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    due = set(items if config.getoption("--sweep") else _fast(items))
    kept, dropped = [], []
    for item in items:
        names = _libraries_of(item)
        if item not in due or not all(_chosen(config, name) for name in names):
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
            elif not _is_of_the_package(cls):
                del table[name]


def _is_of_the_package(cls: type) -> bool:
    # The class of an example of a docstring is in no module, though it names one.
    name = cls.__module__
    return name.startswith("arraylosses.") and getattr(sys.modules.get(name), cls.__name__, None) is cls


@pytest.fixture
def variant(request: pytest.FixtureRequest):
    chosen: Variant = request.param
    forget_ways()
    with chosen.active():
        yield chosen
    forget_ways()
