"""How many threads compute the blocks of one call, and the pool of them."""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import functools
import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

from .._config import setting

__all__ = ["as_many_as_torch", "for_each"]


class _Worker(threading.Thread):
    """A thread that calls what its queue holds, up to a None."""

    def __init__(self, name: str, tasks: SimpleQueue[Callable[[], None] | None], begin: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self.tasks, self.begin, self.ready = tasks, begin, threading.Event()

    def run(self) -> None:
        self.begin()
        self.ready.set()
        while (task := self.tasks.get()) is not None:
            task()
            del task  # and with it the arrays


class _Pool:
    """Threads for one library's blocks; a forked process has none of its parent's, and starts its own."""

    def __init__(self) -> None:
        self.forget()
        atexit.register(self.end)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        self.lock = threading.Lock()
        self.workers: list[_Worker] = []
        self.tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def grow(self, size: int) -> int:
        """Start threads until there are `size` or no more can be had, and return how many there are."""
        if len(self.workers) < size and not sys.is_finalizing():
            # In a thread of its own, since a signal raises in the main thread, and this must not be left half done.
            starter = threading.Thread(target=self._start, args=(size,), daemon=True)
            with contextlib.suppress(RuntimeError):
                starter.start()
                starter.join()
        return 0 if sys.is_finalizing() else len(self.workers)

    def _start(self, size: int) -> None:
        with self.lock, self.surroundings():
            while len(self.workers) < size:
                worker = _Worker(f"arraylosses-{len(self.workers)}", self.tasks, self.begin)
                try:
                    worker.start()
                except RuntimeError:
                    return
                worker.ready.wait()
                self.workers.append(worker)

    def end(self) -> None:
        """Let the threads end, before Python stops them wherever they are."""
        workers, self.workers = self.workers, []
        for _ in workers:
            self.tasks.put(None)
        for worker in workers:
            worker.join()

    def surroundings(self) -> contextlib.AbstractContextManager[None]:
        """What holds while threads are started."""
        return contextlib.nullcontext()

    def begin(self) -> None:
        """What a thread does first."""


class _PoolOfTorch(_Pool):
    """Threads in each of which torch works on its own: they share the blocks, and would wait for each other."""

    @contextlib.contextmanager
    def surroundings(self) -> Iterator[None]:
        torch: Any = sys.modules["torch"]
        threads = torch.get_num_threads()
        try:
            yield
        finally:
            # A number holds for the thread that sets it, and for those that ask for the first time.
            torch.set_num_threads(threads)

    def begin(self) -> None:
        torch: Any = sys.modules["torch"]
        torch.get_num_threads()  # the first question of a thread sets its number
        torch.set_num_threads(1)


_FOR_NUMPY, _FOR_TORCH = _Pool(), _PoolOfTorch()


def _inside() -> bool:
    return isinstance(threading.current_thread(), _Worker)


_of_tensors: contextvars.ContextVar[bool] = contextvars.ContextVar("_of_tensors", default=False)


@contextlib.contextmanager
def as_many_as_torch() -> Iterator[None]:
    """Let NumPy have the threads that torch would have: the arrays are tensors."""
    token = _of_tensors.set(True)
    try:
        yield
    finally:
        _of_tensors.reset(token)


def _numpy_threads() -> int:
    if _inside():
        return 1
    threads: int | None = setting("threads")
    if _of_tensors.get():
        of_torch: int = sys.modules["torch"].get_num_threads()
        return of_torch if threads is None else min(threads, of_torch)
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
    ``errstate`` holds there too, and numbers below the normal ones count as 0 where they do here. In threads for torch,
    torch works on its own without more threads, and records nothing. An error, or a signal that raises, ends the call
    with the blocks that are being computed; what is left to do where threads can't be had is done in this one.
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
    unrecorded: Any = contextlib.nullcontext
    if torch is not None:
        unrecorded = torch.inference_mode if torch.is_inference_mode_enabled() else torch.no_grad
    following = itertools.count()  # taking the next number is atomic
    over: list[None] = []  # when it holds something; no lock, which a signal might leave taken
    flushes = _flushes()
    ended: list[BaseException | None] = []  # how each of the others did
    news: SimpleQueue[None] = SimpleQueue()  # that one did; what is taken of it is lost where a signal raises then

    def work() -> None:
        while not over and (k := next(following)) < count:
            function(k)

    def work_beside() -> None:
        try:
            places.pop()  # as atomic
        except IndexError:  # too late
            return
        error = None
        try:
            if _flush(flushes):
                with unrecorded():
                    work()
        except BaseException as raised:
            over.append(None)
            error = raised
        ended.append(error)
        news.put(None)

    pool, beside = (_FOR_NUMPY, threads - 1) if torch is None else (_FOR_TORCH, threads)
    begun = min(beside, pool.grow(beside))
    places = [None] * begun
    try:
        for _ in range(begun):
            pool.tasks.put(functools.partial(contextvars.copy_context().run, work_beside))
        if torch is not None and begun:
            news.get()
        work()  # all, where no thread can be had
    except BaseException:
        over.append(None)
        raise
    finally:
        with contextlib.suppress(IndexError):
            while True:
                places.pop()
                begun -= 1
        while len(ended) < begun:
            news.get()
    for error in ended:
        if error is not None:
            raise error


_HALF = 0.5


def _flushes() -> bool:
    """Whether numbers below the normal ones count as 0 in this thread."""
    return sys.float_info.min * _HALF == 0.0


def _flush(flushes: bool) -> bool:
    """Let them count as 0 in this thread or not, and return whether that is so now."""
    if _flushes() != flushes and (torch := sys.modules.get("torch")) is not None:
        torch.set_flush_denormal(flushes)
    return _flushes() == flushes
