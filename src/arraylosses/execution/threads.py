"""How many threads compute the blocks of one call, and the pool of them."""

from __future__ import annotations

import contextlib
import contextvars
import itertools
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from .._config import setting

__all__ = ["for_each"]

_NAME = "arraylosses"


class _Pool:
    """Threads for one library's blocks; a forked process has none of its parent's, and starts its own."""

    def __init__(self) -> None:
        self.forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        self.lock = threading.Lock()
        self.executor: ThreadPoolExecutor | None = None
        self.size = 0

    def of(self, size: int, start: Callable[[ThreadPoolExecutor, int], None] | None = None) -> ThreadPoolExecutor:
        with self.lock:
            if self.executor is None or self.size < size:
                self.executor = ThreadPoolExecutor(size, thread_name_prefix=_NAME)
                self.size = size
                if start is not None:
                    start(self.executor, size)
            return self.executor


_FOR_NUMPY, _FOR_TORCH = _Pool(), _Pool()


def _inside() -> bool:
    return threading.current_thread().name.startswith(_NAME)


def _numpy_threads() -> int:
    if _inside():
        return 1
    threads: int | None = setting("threads")
    if threads is not None:
        return threads
    return _cores() if threading.current_thread() is threading.main_thread() else 1


def _cores() -> int:
    stated = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if stated.isdecimal() and int(stated):
        return int(stated)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def for_each(function: Callable[[int], None], count: int, backend: str) -> None:
    """Call ``function(k)`` for k from 0 to count - 1, in several threads, each of which takes the next k.

    There are more than one for NumPy and for torch. They run in copies of this thread's context, so that NumPy's
    ``errstate`` holds there too. In threads for torch, torch works on its own without more threads, and records
    nothing.
    """
    torch: Any = sys.modules["torch"] if backend == "torch" else None
    threads = 1
    if torch is not None:
        threads = 1 if _inside() else min(count, torch.get_num_threads())
    elif backend == "numpy":
        threads = min(count, _numpy_threads())
    if threads <= 1:
        for k in range(count):
            function(k)
        return
    following = itertools.count()  # taking the next number is atomic
    failed = threading.Event()

    def work() -> None:
        try:
            while not failed.is_set() and (k := next(following)) < count:
                function(k)
        except BaseException:
            failed.set()
            raise

    unrecorded: Any = contextlib.nullcontext
    if torch is not None:
        unrecorded = torch.inference_mode if torch.is_inference_mode_enabled() else torch.no_grad

    def work_beside() -> None:
        with unrecorded():
            work()

    others: list[Future[None]] = []
    beside = threads - 1 if torch is None else threads
    with contextlib.suppress(RuntimeError):  # while the program ends, no thread can be had
        executor = _FOR_NUMPY.of(beside) if torch is None else _FOR_TORCH.of(beside, _alone)
        for _ in range(beside):
            others.append(executor.submit(contextvars.copy_context().run, work_beside))  # noqa: PERF401
    try:
        if torch is None or not others:
            work()
    finally:
        wait(others)
    for other in others:
        other.result()


def _alone(executor: ThreadPoolExecutor, size: int) -> None:
    """Let torch use one thread in each of the pool's: they share the blocks, and would wait for each other in each."""
    torch: Any = sys.modules["torch"]
    threads = torch.get_num_threads()
    together = threading.Barrier(size)

    def begin() -> None:
        together.wait()  # one in each thread
        torch.get_num_threads()  # the first question of a thread sets its number
        torch.set_num_threads(1)
        together.wait()

    wait([executor.submit(begin) for _ in range(size)])
    torch.set_num_threads(threads)  # it holds for the thread that asks, and for those that ask for the first time
