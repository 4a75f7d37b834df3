"""How many threads compute the blocks of one call, and the pool of them."""

from __future__ import annotations

import contextlib
import contextvars
import itertools
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self, TypeAlias

__all__ = ["Surroundings", "config", "for_each", "thread_count"]


class _Pool:
    """The threads beside the calling one; a forked process has none of its parent's, and starts its own."""

    def __init__(self) -> None:
        self.threads: int | None = None
        self.forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        self.lock = threading.Lock()
        self.executor: ThreadPoolExecutor | None = None
        self.size = 0

    def of(self, size: int) -> ThreadPoolExecutor:
        with self.lock:
            if self.executor is None or self.size < size:
                self.executor = ThreadPoolExecutor(size, thread_name_prefix=_NAME)
                self.size = size
            return self.executor


_NAME = "arraylosses"
_POOL = _Pool()


class config:  # noqa: N801
    """Change how losses are computed, for the whole process or in a ``with`` block.

    Parameters
    ----------
    threads : int or None
        The threads that share the work of one call on large arrays of NumPy or of torch on the CPU. None, as at the
        start, stands for all cores that the process may use (``OMP_NUM_THREADS`` of them, where it is set) in the main
        thread, and for one in any other thread, since a program that starts its own threads uses the cores already.

    Raises
    ------
    ValueError
        If `threads` is below 1.

    Examples
    --------
    >>> import arraylosses as al
    >>> with al.config(threads=1):
    ...     pass
    """

    def __init__(self, *, threads: int | None) -> None:
        if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int)):
            raise TypeError(f"`threads` must be an integer or None, got {threads!r}")
        if threads is not None and threads < 1:
            raise ValueError(f"`threads` must be at least 1, got {threads}")
        self._before = _POOL.threads
        _POOL.threads = threads

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _POOL.threads = self._before


def thread_count() -> int:
    """Return how many threads a call from this thread may use."""
    if threading.current_thread().name.startswith(_NAME):
        return 1
    if _POOL.threads is not None:
        return _POOL.threads
    return _cores() if threading.current_thread() is threading.main_thread() else 1


def _cores() -> int:
    stated = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if stated.isdecimal() and int(stated):
        return int(stated)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


Surroundings: TypeAlias = Callable[[], contextlib.AbstractContextManager[object]]


def for_each(function: Callable[[int], None], count: int, surroundings: Surroundings = contextlib.nullcontext) -> None:
    """Call ``function(k)`` for k from 0 to count - 1, in this thread and in as many beside it as may be used.

    Each takes the next k that nobody has. The others run in copies of this thread's context, so that NumPy's
    ``errstate`` holds there too, and within `surroundings`, for what a library keeps by thread.
    """
    beside = min(thread_count(), count) - 1
    if beside <= 0:
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

    def work_beside() -> None:
        with surroundings():
            work()

    executor = _POOL.of(beside)
    others: list[Future[None]] = []
    with contextlib.suppress(RuntimeError):  # while the program ends, no thread can be had
        for _ in range(beside):
            others.append(executor.submit(contextvars.copy_context().run, work_beside))  # noqa: PERF401
    try:
        work()
    finally:
        wait(others)
    for other in others:
        other.result()
