"""The ways in which the tests hand over arrays and call a loss. Each catches mistakes that the others let pass."""

from __future__ import annotations

import contextlib
import functools
import importlib
import unittest.mock
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from arraylosses.formula import Formula
from arraylosses.testing import Library

BACKENDS = ("numpy", "strict", "torch", "jax", "dask", "cupy", "cuda")

_MODULES = {"strict": "array_api_strict", "dask": "dask.array", "cuda": "torch"}


@functools.cache
def importable(backend: str) -> str:
    """Return why a backend cannot be used here, or an empty string."""
    module = _MODULES.get(backend, backend)
    try:
        importlib.import_module(module)
    except ImportError:
        return f"{module} is not installed"
    if backend == "cupy":
        cupy = importlib.import_module("cupy")
        try:
            cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError:
            return "no CUDA device"
    if backend == "cuda" and not importlib.import_module("torch").cuda.is_available():
        return "no CUDA device"
    return ""


def forget_ways(cls: type[Formula] = Formula) -> None:
    """Forget which way the calls of a loss go: a variant may choose another."""
    cls.checked.clear()
    for subclass in cls.__subclasses__():
        forget_ways(subclass)


class Variant(Library):
    """NumPy as it is; the base of all others."""

    name = "numpy"
    library = "numpy"
    title = "NumPy"
    """The library, as messages name it."""
    eager_labels = True
    """Whether a label that is no class is refused; elsewhere its item is NaN."""
    main = True
    """Whether every law runs on it; on the others run those laws that they can break."""
    same_numbers = False
    """Whether its numbers come from the operations of another variant, to the last digit."""
    sampled = False
    """Whether the fast matrix tries each test on a sample of the losses: tests of its own try them all."""

    def __init__(self) -> None:
        super().__init__(self.library)

    @property
    def option(self) -> str:
        """What chooses it in the options of the test run."""
        return self.library

    def __repr__(self) -> str:
        return self.name

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        yield  # a warning of NumPy is an error


class ReadOnly(Variant):
    """NumPy arrays that cannot be written to."""

    name = "numpy-readonly"
    main = False
    same_numbers = True

    def array(self, x: Any) -> Any:
        x = np.array(x)
        x.flags.writeable = False
        return x


class Blocks(Variant):
    """NumPy, block by block and by what large arrays are computed with, however few elements there are."""

    name = "numpy-blocks"
    sampled = True  # tests/test_execution.py

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        with contextlib.ExitStack() as patches:
            for name in ("ELEMENTS", "WHOLE", "WHOLE_ROWS"):
                limits = f"arraylosses.execution.blocks.{name}"
                patches.enter_context(unittest.mock.patch.dict(limits, numpy=10, torch=10))
            patches.enter_context(unittest.mock.patch("arraylosses.execution.blocks.ROWS", 10))
            patches.enter_context(unittest.mock.patch("arraylosses.execution.few_classes.ROWS", 1))
            yield


class Strict(Variant):
    """The standard, and nothing else."""

    name = "strict"
    library = "strict"
    title = "array_api_strict"
    eager_labels = False
    flags: dict[str, Any] = {}
    where = "CPU_DEVICE"

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        with self.module.ArrayAPIStrictFlags(api_version="2024.12", **self.flags):
            yield

    def array(self, x: Any) -> Any:
        return self.module.asarray(np.array(x), device=self.module.Device(self.where))


class StrictLazy(Strict):
    """The standard without what a lazy or compiled library cannot do."""

    name = "strict-lazy"
    main = False
    same_numbers = True
    flags = {"data_dependent_shapes": False, "boolean_indexing": False}


class StrictDevice(Strict):
    """The standard on a device that is not the default one."""

    name = "strict-device"
    main = False
    same_numbers = True
    where = "device1"


class Torch(Variant):
    name = "torch"
    library = "torch"
    title = "PyTorch"

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        # By its own operations; those of NumPy, for few elements and few classes, have tests/test_by_numpy.py.
        with unittest.mock.patch("arraylosses.execution.by_numpy.largest", return_value=-1), super().active():
            yield

    def array(self, x: Any) -> Any:
        return self.module.tensor(np.array(x))


class TorchBlocks(Blocks, Torch):
    """torch on the CPU, block by block, and its gradients computed anew."""

    name = "torch-blocks"


class TorchCuda(Torch):
    """torch on a GPU, where values cannot be looked at without waiting for it."""

    name = "cuda"
    option = "cuda"
    eager_labels = False

    def array(self, x: Any) -> Any:
        return super().array(x).cuda()


class Jax(Variant):
    """JAX as it is called, each kind of call a program of its own, with 64 bits.

    Promotion is strict, so nothing widens or broadcasts by chance.
    """

    name = "jax"
    library = "jax"
    title = "JAX"
    eager_labels = False
    x64 = True

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        import jax

        with jax.enable_x64(self.x64), jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
            yield


class JaxJit(Jax):
    """JAX in a program of the user's own: values cannot be looked at."""

    name = "jax-jit"
    main = False

    def run(self, function: Callable[..., Any], *arrays: Any) -> Any:
        import jax

        return jax.jit(function)(*arrays)


class JaxSingle(JaxJit):
    """JAX as it comes: 32 bits."""

    name = "jax-jit-32"
    dtypes = ("float32",)
    x64 = False


class Dask(Variant):
    """Dask, where nothing may be computed before the result is asked for."""

    name = "dask"
    library = "dask"
    title = "Dask"
    eager_labels = False

    def array(self, x: Any) -> Any:
        # Two chunks along the first and along the last axis.
        x = np.array(x)
        chunks = [max(n - n // 2, 1) if k in (0, x.ndim - 1) else n for k, n in enumerate(x.shape)]
        return self.module.from_array(x, chunks=tuple(chunks))

    def run(self, function: Callable[..., Any], *arrays: Any) -> Any:
        import dask

        def refuse(*args: Any, **kwargs: Any) -> None:
            raise AssertionError("a lazy array was computed")

        with dask.config.set(scheduler=refuse):
            return function(*arrays)

    def numpy(self, x: Any) -> np.ndarray:
        return np.asarray(x.compute(scheduler="synchronous"))


class Cupy(Variant):
    name = "cupy"
    library = "cupy"
    title = "CuPy"
    eager_labels = False


VARIANTS: tuple[Variant, ...] = (
    Variant(),
    ReadOnly(),
    Blocks(),
    Strict(),
    StrictLazy(),
    StrictDevice(),
    Torch(),
    TorchBlocks(),
    Jax(),
    JaxJit(),
    JaxSingle(),
    Dask(),
    Cupy(),
    TorchCuda(),
)
