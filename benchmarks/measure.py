"""Time two functions beside each other, the peak memory of one, and the speed of a copy."""

from __future__ import annotations

import ctypes
import gc
import itertools
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

LEAST_SAMPLE = 1e-3  # seconds; what is shorter is repeated, since the clock and its call have a cost of their own
MOST_PAIRS = 200


class Spread(NamedTuple):
    """Quartiles of what was measured."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, samples: list[float]) -> Spread:
        """Return the quartiles of `samples`."""
        return cls(*(float(q) for q in np.quantile(samples, (0.25, 0.5, 0.75))))

    @property
    def width(self) -> float:
        """The distance between the quartiles."""
        return self.high - self.low


class Comparison(NamedTuple):
    """Seconds a call of either function, and of the first over the second."""

    ours: Spread
    theirs: Spread
    ratio: Spread
    pairs: int


def compare(ours: Callable[[], Any], theirs: Callable[[], Any], *, seconds: float, least_pairs: int = 5) -> Comparison:
    """Time both in turns, so that what disturbs one disturbs the other, and each as often first as second.

    Pairs of samples are taken for `seconds` altogether, and at least `least_pairs` of them. A sample repeats a call
    until it takes `LEAST_SAMPLE`. The middle of the ratio is the ratio of the medians, its quartiles are of
    the single pairs.
    """
    functions = (ours, theirs)
    gc.collect()
    gc.disable()
    try:
        repeats = [_repetitions(f) for f in functions]
        samples: tuple[list[float], list[float]] = ([], [])
        end = time.perf_counter() + seconds
        while len(samples[0]) < least_pairs or (time.perf_counter() < end and len(samples[0]) < MOST_PAIRS):
            order = (0, 1) if len(samples[0]) % 2 == 0 else (1, 0)
            for k in order:
                samples[k].append(_seconds(functions[k], repeats[k]))
    finally:
        gc.enable()
    ratios = Spread.of([a / b for a, b in zip(*samples, strict=True)])
    middle = statistics.median(samples[0]) / statistics.median(samples[1])
    ours_spread, theirs_spread = map(Spread.of, samples)
    return Comparison(ours_spread, theirs_spread, ratios._replace(middle=middle), len(samples[0]))


def _seconds(function: Callable[[], Any], repeat: int) -> float:
    times = range(repeat)
    start = time.perf_counter()
    for _ in times:
        function()
    return (time.perf_counter() - start) / repeat


def _repetitions(function: Callable[[], Any]) -> int:
    repeat = 1
    while True:
        taken = _seconds(function, repeat) * repeat
        if taken >= LEAST_SAMPLE:
            return repeat
        repeat = max(2 * repeat, int(repeat * LEAST_SAMPLE / max(taken, 1e-7)))


def disagreement(ours: Any, theirs: Any, rtol: float) -> str | None:
    """Say how two results differ, each a value with its gradients; None if they agree.

    An element may be off by `rtol` of the largest one of its array. One in a million is let pass: two libraries may
    choose two derivatives at a kink that a random number hits.
    """
    ours, theirs = _leaves(ours), _leaves(theirs)
    if [x.shape for x in ours] != [x.shape for x in theirs]:
        return f"ours has shapes {[x.shape for x in ours]}, theirs {[x.shape for x in theirs]}"
    for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        error, largest = np.abs(a - b), np.max(np.abs(b), initial=0.0)
        wrong = ~(error <= rtol * largest)
        if np.count_nonzero(wrong) > a.size // 1_000_000:
            what = "value" if k == 0 else f"gradient {k}"
            return (
                f"{what}: {np.count_nonzero(wrong)} of {a.size} differ, by up to {np.max(error):.3g} of {largest:.3g}"
            )
    return None


def _leaves(result: Any) -> list[np.ndarray]:
    if isinstance(result, tuple | list):
        return [leaf for part in result for leaf in _leaves(part)]
    if hasattr(result, "detach"):  # NumPy has no bfloat16 that torch would hand over
        result = (result.detach().float() if result.element_size() < 4 else result.detach()).cpu()
    return [np.asarray(result)]


def copy_bandwidth(threads: int) -> float:
    """Return the bytes a second that a copy reads and writes, with arrays far larger than any cache."""
    size = 2**25
    source, target = np.ones(size, "float32"), np.ones(size, "float32")
    bounds = np.linspace(0, size, threads + 1).astype(int)
    parts = [slice(a, b) for a, b in itertools.pairwise(bounds)]

    def copy(part: slice) -> None:
        np.copyto(target[part], source[part])

    with ThreadPoolExecutor(threads) as pool:
        return 2 * source.nbytes / min(_seconds(lambda: list(pool.map(copy, parts)), 1) for _ in range(10))


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_bytes(function: Callable[[], Any]) -> int:
    """Return by how many bytes the process grew at the most during a call. To be asked once, of a fresh process.

    What earlier work has freed is given back first, or the call would fill it unseen.
    """
    gc.collect()
    if hasattr(ctypes.CDLL(None), "malloc_trim"):
        ctypes.CDLL(None).malloc_trim(0)
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the high-water mark starts again from here
    except OSError:
        return _highest_by_getrusage(function)
    before = _status("VmRSS")
    result = function()
    after = _status("VmHWM")
    del result
    return after - before


def _status(field: str) -> int:
    with open("/proc/self/status") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith(f"{field}:"))


def _highest_by_getrusage(function: Callable[[], Any]) -> int:
    """Return the growth of a mark that cannot be reset: too low if the process was once larger than it is now."""
    import resource
    import sys

    def highest() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    before = highest()
    result = function()
    after = highest()
    del result
    return after - before
