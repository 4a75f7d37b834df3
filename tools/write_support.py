"""Write what runs on which array library: `tools/support.json`, and `SUPPORT.md` from it.

    python tools/write_support.py [library ...]

Each loss is computed at its defaults in every way that a library has, and compared with NumPy. Libraries that are named
are measured; what is known of others stays. Without any name, all that are installed are measured.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

import arraylosses as al
from arraylosses import data

ROOT = Path(__file__).parents[1]
DATA, TABLE = ROOT / "tools" / "support.json", ROOT / "SUPPORT.md"

HEAD = """# What runs where

Each loss at its defaults on each library, as `python tools/write_support.py` found it: "yes" is every way that
stands in the first table, with the value and the gradient of NumPy.
"""

REASONS: list[tuple[str, str, str]] = [
    ("sparse", "has no attribute 'arange'", "sparse has no `arange`, which tells the classes or the places apart"),
    ("sparse", "has no attribute 'argsort'", "sparse has no `argsort`"),
    ("ONNX", "NotImplementedError", "ndonnx has neither `nextafter`, which the tape asks for, nor `atan2`"),
    ("ONNX", "another result", "ONNX Runtime has no cosine in float64, and takes it in float32"),
    ("MLX", r"(arange|zeros)\(\): incompatible", "MLX's `arange` and `zeros` take no `device`"),
    ("MLX", r"astype\(\): incompatible", "MLX's `astype` takes no `copy`"),
    ("MLX", r"argsort\(\): incompatible", "MLX's `argsort` takes no `descending`"),
    ("MLX", "has no attribute 'nextafter'", "MLX has no `nextafter`"),
    ("MLX", "has no attribute 'bool'", "MLX calls `bool` `bool_`"),
    ("MLX", "has no attribute 'device'", "MLX's arrays have no `device`"),
    ("MLX", "Cannot perform .*TracedArray", "MLX's arrays refuse operations with others, such as those of the tape"),
    ("cubed", r"clip\(\) missing", "cubed's `clip` takes two bounds and no one alone"),
    (
        "cubed",
        "does not support item assignment",
        "cubed's arrays cannot be written to, as the tape does for a part of one",
    ),
    ("cubed", "has no attribute '(arg)?sort'", "cubed has neither `sort` nor `argsort`"),
    ("cubed", "except for the concatenation axis", "cubed joins no arrays of two lengths"),
    ("cubed", "Chunks and shape", "cubed has wrong chunks for an array with new axes from an index"),
    (
        "sparse",
        "does not support item assignment",
        "sparse's arrays cannot be written to, as the tape does for a part of one",
    ),
]
"""By library and error, why a hole is there."""

Numbers = np.ndarray[Any, Any]
Way = Callable[["Library", al.Loss, list[Numbers]], Any]


class Library(NamedTuple):
    """An array library, and the ways in which it can run a loss."""

    module: str
    """Where its `asarray` is found."""
    distribution: str
    ways: dict[str, Way]
    numpy: Callable[[Any], Any] = np.asarray
    """What returns the values of an array."""
    dtype: str = "float64"
    rtol: float = 1e-7
    session: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext

    def array(self, x: Numbers) -> Any:
        """Return an array of NumPy as one of this library."""
        return importlib.import_module(self.module).asarray(x)

    @property
    def version(self) -> str:
        """The version that is installed; empty if none is."""
        try:
            return importlib.metadata.version(self.distribution)
        except importlib.metadata.PackageNotFoundError:
            return ""


def sample(loss: al.Loss, dtype: str) -> list[Numbers]:
    """Return arrays of real data that a loss takes."""
    _, arrays = data.sample_for(loss.declaration, loss.class_axis())
    return [np.ascontiguousarray(x.astype(dtype) if x.dtype.kind == "f" else x) for x in arrays]


def value(library: Library, loss: al.Loss, arrays: list[Numbers]) -> Any:
    """The loss as it is."""
    return loss(*map(library.array, arrays))


def gradient(library: Library, loss: al.Loss, arrays: list[Numbers]) -> Any:
    """The gradient by the first array."""
    return al.grad(loss)(*map(library.array, arrays))


def jit(library: Library, loss: al.Loss, arrays: list[Numbers]) -> Any:
    """The loss in a program of JAX."""
    import jax

    return jax.jit(loss)(*map(library.array, arrays))


def compiled(library: Library, loss: al.Loss, arrays: list[Numbers]) -> Any:
    """The loss in one graph of torch's compiler."""
    import torch

    torch.compiler.reset()
    return torch.compile(loss, fullgraph=True, backend="aot_eager")(*map(library.array, arrays))


def vmap(library: Library, loss: al.Loss, arrays: list[Numbers]) -> Any:
    """The loss of one of two samples that run at once."""
    transforms = importlib.import_module("jax" if library.distribution == "jax" else "torch.func")
    two = [library.array(np.stack([x, x[::-1].copy() if x.ndim > 1 else x])) for x in arrays]
    return transforms.vmap(loss)(*two)[0]


def lazy(way: Way) -> Way:
    """Refuse to compute anything before the result is asked for."""

    def lazily(library: Library, loss: al.Loss, arrays: list[Numbers]) -> Any:
        import dask

        def refuse(*args: Any, **kwargs: Any) -> None:
            raise AssertionError("an array is computed before the result is asked for")

        with dask.config.set(scheduler=refuse):
            return way(library, loss, arrays)

    return lazily


def in_graph(way: Way) -> Way:
    """Run a graph of ONNX, in place of arrays of ndonnx."""

    def run(library: Library, loss: al.Loss, arrays: list[Numbers]) -> Any:
        import ndonnx
        import onnxruntime

        names = [f"x{k}" for k in range(len(arrays))]
        given = {
            name: ndonnx.argument(shape=x.shape, dtype=getattr(ndonnx, str(x.dtype)))
            for name, x in zip(names, arrays, strict=True)
        }

        # What stands for the library makes of an array of NumPy the argument of the graph that stands for it.
        arguments = {id(x): given[name] for name, x in zip(names, arrays, strict=True)}
        of_graph: Any = SimpleNamespace(array=lambda x: arguments[id(x)])
        model = ndonnx.build(given, {"result": way(of_graph, loss, arrays)})
        session = onnxruntime.InferenceSession(model.SerializeToString())
        return session.run(["result"], dict(zip(names, arrays, strict=True)))[0]

    return run


@contextlib.contextmanager
def wide() -> Iterator[None]:
    """JAX with 64 bits."""
    import jax

    with jax.enable_x64(True):
        yield


BOTH: dict[str, Way] = {"value": value, "gradient": gradient}

LIBRARIES = {
    "NumPy": Library("numpy", "numpy", BOTH),
    "PyTorch": Library(
        "torch", "torch", {**BOTH, "vmap": vmap, "compile": compiled}, lambda x: x.detach().cpu().numpy()
    ),
    "JAX": Library("jax.numpy", "jax", {**BOTH, "jit": jit, "vmap": vmap}, session=wide),
    "Dask": Library(
        "dask.array",
        "dask",
        {"value": lazy(value), "gradient": lazy(gradient)},
        lambda x: x.compute(scheduler="synchronous"),
    ),
    "array_api_strict": Library("array_api_strict", "array-api-strict", BOTH),
    "CuPy": Library("cupy", "cupy-cuda12x", BOTH, lambda x: x.get()),
    "sparse": Library("sparse", "sparse", BOTH, lambda x: x.todense() if hasattr(x, "todense") else x),
    "ONNX": Library("ndonnx", "ndonnx", {name: in_graph(way) for name, way in BOTH.items()}),
    "MLX": Library("mlx.core", "mlx", BOTH, dtype="float32", rtol=1e-3),
    "cubed": Library("cubed.array_api", "cubed", BOTH, lambda x: x.compute()),
}


def losses() -> dict[str, type[al.Loss]]:
    """The losses of the catalogue, without those that are a framework's own."""
    return {name: cls for name, cls in al.registered().items() if cls.__module__.startswith("arraylosses.losses.")}


def measured(library: Library, cls: type[al.Loss]) -> dict[str, str]:
    """Return the ways in which a loss does not run, or not as on NumPy, each with what went wrong."""
    loss, wrong = cls(), {}
    arrays = sample(loss, library.dtype)
    for name, way in library.ways.items():
        expected = BOTH["gradient" if name == "gradient" else "value"](LIBRARIES["NumPy"], loss, arrays)
        try:
            with warnings.catch_warnings(), library.session():
                warnings.simplefilter("ignore")
                got = np.asarray(library.numpy(way(library, loss, arrays)))
        except Exception as error:  # whatever a library raises is what is to be reported
            wrong[name] = f"{type(error).__name__}: {error}".splitlines()[0][:160]
            continue
        if not np.allclose(got, expected, rtol=library.rtol, atol=library.rtol * np.max(np.abs(expected))):
            wrong[name] = "another result than NumPy's"
    return wrong


def reason(library: str, error: str) -> str:
    """Return the reason of a hole; an empty string where none is known."""
    found = [text for name, pattern, text in REASONS if name in ("", library) and re.search(pattern, error)]
    return found[0] if found else ""


def page(known: dict[str, Any]) -> str:
    """Return the table of what is known of the libraries."""
    notes: list[str] = []

    def cell(name: str, loss: str) -> str:
        wrong = known[name]["losses"].get(loss) if name in known else None
        if wrong is None:
            return ""
        holes: dict[str, list[str]] = {}
        for way, error in wrong.items():
            holes.setdefault(reason(name, error) or f"{name}: {error}", []).append(way)
        notes.extend(note for note in holes if note not in notes)
        said = [f"no {', '.join(ways)} [{notes.index(note) + 1}]" for note, ways in holes.items()]
        return "; ".join(said) or "yes"

    rows = [f"| `{loss}` | {' | '.join(cell(name, loss) for name in LIBRARIES)} |" for loss in losses()]
    lines = [HEAD, "| library | version | computed | losses without a hole |", "| --- | --- | --- | --- |"]
    for name, library in LIBRARIES.items():
        ways = ", ".join(library.ways)
        if name not in known:
            lines.append(f"| {name} | not measured here | {ways} | |")
            continue
        of_losses = known[name]["losses"]
        whole = sum(not wrong for wrong in of_losses.values())
        lines.append(f"| {name} | {known[name]['version']} | {ways} | {whole} of {len(of_losses)} |")
    lines += ["", f"| loss | {' | '.join(LIBRARIES)} |", f"| --- |{' --- |' * len(LIBRARIES)}", *rows]
    lines += ["", *[f"{k}. {note}" for k, note in enumerate(notes, 1)]]
    return "\n".join(lines).rstrip() + "\n"


def main(names: Sequence[str]) -> None:
    """Measure the libraries of these names, or all that are installed, and write what is known after each loss."""
    for name in names or [name for name, library in LIBRARIES.items() if library.version]:
        library, found = LIBRARIES[name], {}
        for loss, cls in losses().items():
            found[loss] = measured(library, cls)
            sys.stderr.write(f"{name} {loss} {found[loss] or ''}\n")
            known = json.loads(DATA.read_text()) if DATA.exists() else {}
            known[name] = {"version": library.version, "losses": found}
            DATA.write_text(json.dumps(known, indent=1) + "\n")
            TABLE.write_text(page(known))


if __name__ == "__main__":
    main(sys.argv[1:])
