"""What a gradient costs on NumPy beside the value alone: a Markdown table for every loss, by the tape and closed form.

    python benchmarks/gradients.py [loss ...]

One million float32 elements, or 100000 rows of 10. Each figure is the least of several runs. A tape keeps more arrays
alive than a value does; where the C library gives freed memory back to the system and asks for it again at every call,
that costs more than the arithmetic. The table is of the arithmetic, so the allocator is told to keep its memory, and
``--cold`` leaves it as it comes.
"""

from __future__ import annotations

import os
import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

import arraylosses as al
from arraylosses import autodiff

KEEP = {"MALLOC_TOP_PAD_": "268435456", "MALLOC_TRIM_THRESHOLD_": "1073741824", "MALLOC_MMAP_THRESHOLD_": "1073741824"}
ROWS, CLASSES = 100_000, 10


def arrays_for(loss: al.Loss) -> list[np.ndarray]:
    """Draw what the loss takes."""
    rng = np.random.default_rng(0)
    rows = loss.granularity == "row"
    drawn = []
    for domain in loss.domains():
        shape = (ROWS,) if rows and domain == "sign" else (ROWS, CLASSES)
        x = rng.normal(size=shape)
        if domain == "labels":
            drawn.append(rng.integers(0, CLASSES, size=ROWS))
            continue
        if domain == "sign":
            x = np.where(x < 0, -1.0, 1.0)
        elif domain == "probability":
            x = rng.integers(0, 2, size=shape)
        elif domain in ("nonnegative", "positive"):
            x = np.exp(x)
        elif domain in ("distribution", "log_distribution"):
            x = np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)
            x = np.log(x) if domain == "log_distribution" else x
        drawn.append(x.astype("float32"))
    return drawn


def least(function: Callable[[], object], runs: int = 7) -> float:
    """Return the least time of several runs in milliseconds."""
    function()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def kept(function: Callable[[], object]) -> int:
    """Return the bytes that are still held after a call whose result is dropped."""
    function()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    function()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return after - before


def main(names: list[str]) -> None:
    """Print the table."""
    print(
        "| loss | value (ms) | by the tape | as `al.value_and_grad` does it | closed form | kept after the call (KiB) |"
    )
    print("| --- | ---: | ---: | ---: | :-: | ---: |")
    for name, cls in al.registered().items():
        if names and name not in names:
            continue
        loss = cls()
        arrays = arrays_for(loss)
        tape, chosen = autodiff.value_and_grad(loss), al.value_and_grad(loss)
        value = least(lambda loss=loss, arrays=arrays: loss(*arrays))
        ratios = [least(lambda f=f, arrays=arrays: f(*arrays)) / value for f in (tape, chosen)]
        closed = "yes" if cls.derivative is not al.Loss.derivative else "no"
        memory = max(kept(lambda f=f, arrays=arrays: f(*arrays)) for f in (tape, chosen)) / 1024
        print(f"| {name} | {value:.2f} | {ratios[0]:.2f} | {ratios[1]:.2f} | {closed} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    if "--cold" not in sys.argv and "MALLOC_TOP_PAD_" not in os.environ:
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **KEEP})
    main([name for name in sys.argv[1:] if not name.startswith("--")])
