"""The libraries that the tape is for, as the tests hand over their arrays."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest


class Library(NamedTuple):
    """A library, by the name of its module."""

    name: str
    module: str

    def array(self, x: Any, dtype: str = "float64") -> Any:
        """Return numbers as an array of the library; one of Dask in chunks of two."""
        x = np.asarray(x)
        x = x.astype(dtype) if x.dtype.kind == "f" else x
        if self.name == "dask":
            return importlib.import_module(self.module).from_array(x, chunks=2)
        return importlib.import_module(self.module).asarray(x)


def _param(name: str, module: str) -> Any:
    missing = importlib.util.find_spec(module.partition(".")[0]) is None
    mark = pytest.mark.skipif(missing, reason=f"{module} is not installed")
    return pytest.param(Library(name, module), id=name, marks=[mark, pytest.mark.backend(name)])


LIBRARIES = [
    pytest.param(Library("numpy", "numpy"), id="numpy"),
    _param("strict", "array_api_strict"),
    _param("dask", "dask.array"),
]


def numpy_of(x: Any) -> np.ndarray:
    """Return the values of an array."""
    return np.asarray(x.compute() if hasattr(x, "compute") else x)


@contextlib.contextmanager
def uncomputed() -> Iterator[None]:
    """Refuse that Dask computes anything."""
    if importlib.util.find_spec("dask") is None:
        yield
        return
    import dask

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a lazy array was computed")

    with dask.config.set(scheduler=refuse):
        yield
