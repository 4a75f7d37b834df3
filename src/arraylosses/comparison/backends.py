"""The array libraries that can be compared: where they are found, and how they are made to compute in a dtype."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from .._array_api import Namespace, to_numpy
from .text import error_line

__all__ = ["BACKENDS", "MODULES", "Backend", "BackendStatus", "look_up", "session"]

# Where `asarray` of each library is found. Nothing here is imported before it is asked for.
MODULES = {
    "numpy": "numpy",
    "torch": "torch",
    "jax": "jax.numpy",
    "cupy": "cupy",
    "dask": "dask.array",
    "strict": "array_api_strict",
}
BACKENDS = tuple(MODULES)


@dataclass(frozen=True)
class BackendStatus:
    """Whether a backend could be compared."""

    name: str
    status: Literal["installed", "not installed", "broken"]
    version: str | None = None
    error: str | None = None
    """Why it could not be imported or make an array, if it is broken."""


class Backend(NamedTuple):
    """A backend with its namespace; None where it is not installed or broken."""

    status: BackendStatus
    xp: Namespace | None


def look_up(name: str) -> Backend:
    """Import a library, if it is installed, and see whether it can make an array."""
    module = MODULES[name]
    root = module.partition(".")[0]
    try:
        if importlib.util.find_spec(root) is None:
            return Backend(BackendStatus(name, "not installed"), None)
        xp = importlib.import_module(module)
        to_numpy(xp.asarray(np.zeros(1)))
    except Exception as error:  # whatever a broken installation raises is what is to be reported
        return Backend(BackendStatus(name, "broken", error=error_line(error)), None)
    return Backend(BackendStatus(name, "installed", str(getattr(sys.modules[root], "__version__", ""))), xp)


@contextlib.contextmanager
def session(name: str, dtype: str) -> Iterator[None]:
    """Let a library compute in `dtype`, quietly, and leave its configuration as it was."""
    with contextlib.ExitStack() as stack:
        # An infinite loss is a result here; it is no news that NumPy divided by zero on the way.
        stack.enter_context(np.errstate(all="ignore"))
        if name == "jax":
            jax: Any = importlib.import_module("jax")
            # JAX before 0.8 keeps it in jax.experimental.
            home = jax if hasattr(jax, "enable_x64") else importlib.import_module("jax.experimental")
            stack.enter_context(home.enable_x64(dtype == "float64"))
        elif name == "dask":
            dask: Any = importlib.import_module("dask")
            stack.enter_context(dask.config.set(scheduler="synchronous"))  # threads cost more than these arrays
        yield
