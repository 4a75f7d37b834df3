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
import weakref
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

__all__ = ["config", "for_each"]


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


class _Setting:
    """A setting of the process: the one made last, of those that hold.

    One that is made in a ``with`` block holds until its end, whichever of several blocks ends first. Nothing here takes
    a lock, so that a signal finds none taken.
    """

    def __init__(self, default: Any) -> None:
        self.default = default
        self.made: list[_Made] = []

    @property
    def value(self) -> Any:
        last = self.made[-1:]
        return last[0].value if last else self.default

    def make(self, owner: object, value: Any) -> None:
        before = self.made[:]
        self.made.append(_Made(owner, value))
        # One whose owner is gone can't be ended any more, and hides for good what is older.
        for_good = max([k for k, made in enumerate(before) if made.owner() is None], default=0)
        for k, made in enumerate(before):
            if k < for_good or made.owner() is owner:
                self._remove(made)

    def end(self, owner: object) -> None:
        for made in self.made[:]:
            if made.owner() is owner:
                self._remove(made)

    def _remove(self, made: _Made) -> None:
        with contextlib.suppress(ValueError):  # another thread was faster
            self.made.remove(made)


class _Made:
    def __init__(self, owner: object, value: Any) -> None:
        self.owner, self.value = weakref.ref(owner), value


_THREADS = _Setting(None)


class config:  # noqa: N801
    """Change how losses are computed, for the whole process or in a ``with`` block.

    Parameters
    ----------
    threads : int or None
        The threads that share the work of one call on large arrays of NumPy. None, as at the start, stands for all
        cores that the process may use (``OMP_NUM_THREADS`` of them, where it is set) in the main thread, and for one in
        any other thread, since a program that starts its own threads uses the cores already. The other libraries have
        threads, and settings, of their own.

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
        self._threads = threads
        _THREADS.make(self, threads)

    def __enter__(self) -> Self:
        _THREADS.make(self, self._threads)  # anew where it has been ended
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _THREADS.end(self)


def _inside() -> bool:
    return isinstance(threading.current_thread(), _Worker)


def _numpy_threads() -> int:
    if _inside():
        return 1
    threads: int | None = _THREADS.value
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
