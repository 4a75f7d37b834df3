"""Threads that share the blocks of a call: their number, results, surroundings, errors, and processes that fork."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from unittest import mock

import numpy as np
import pytest

import arraylosses as al
from arraylosses import _config
from arraylosses.execution import blocks, threads
from arraylosses.execution.threads import _numpy_threads, for_each

from .cases import DEFAULTS
from .test_execution import libraries, small_blocks

default_cases = pytest.mark.parametrize("case", DEFAULTS, ids=str)
CORES = threads._cores()


def in_a_thread(function):
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def test_the_number_is_set_for_good_or_for_a_while():
    assert _numpy_threads() == CORES
    with al.config(threads=3):
        assert _numpy_threads() == 3
        with al.config(threads=None):
            assert _numpy_threads() == CORES
            with al.config(threads=1):
                assert _numpy_threads() == 1
            assert _numpy_threads() == CORES
        assert _numpy_threads() == 3
    assert _numpy_threads() == CORES
    with pytest.raises(KeyError), al.config(threads=2):
        raise KeyError
    assert _numpy_threads() == CORES
    before = al.config(threads=5)
    try:
        assert _numpy_threads() == 5
    finally:
        before.__exit__(None, None, None)
    assert _numpy_threads() == CORES


@pytest.mark.parametrize("value", [0, -1])
def test_a_number_below_one_is_refused(value):
    with pytest.raises(ValueError, match=f"`threads` must be at least 1, got {value}"):
        al.config(threads=value)
    assert _numpy_threads() == CORES


@pytest.mark.parametrize("value", [1.0, "2", True, [1]])
def test_what_is_no_number_of_threads_is_refused(value):
    with pytest.raises(TypeError, match="`threads` must be an integer or None"):
        al.config(threads=value)
    assert _numpy_threads() == CORES


def test_a_thread_of_the_user_s_own_takes_one_unless_it_is_told_otherwise():
    assert in_a_thread(_numpy_threads) == 1
    with al.config(threads=3):
        assert in_a_thread(_numpy_threads) == 3


@pytest.mark.parametrize(("stated", "cores"), [("3", 3), ("5,2", 5), ("", None), ("0", None), ("none", None)])
def test_the_environment_may_state_the_cores(monkeypatch, stated, cores):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    without = threads._cores()
    monkeypatch.setenv("OMP_NUM_THREADS", stated)
    assert threads._cores() == (cores or without) >= 1


def test_every_index_is_taken_once_by_several_threads():
    taken, names = [], set()
    barrier = threading.Barrier(3)

    def work(k):
        if k < 3:
            barrier.wait(timeout=60)  # so three threads are at it
        names.add(threading.current_thread().name)
        taken.append(k)

    with al.config(threads=3):
        for_each(work, 50, "numpy")
        assert sorted(taken) == list(range(50))
        assert len(names) == 3
        for_each(lambda k: pytest.fail("there is nothing to do"), 0, "numpy")
    with al.config(threads=1):
        names.clear()
        barrier.reset()
        barrier = threading.Barrier(1)
        for_each(work, 50, "numpy")
        assert names == {threading.current_thread().name}


@libraries
@default_cases
def test_results_do_not_depend_on_the_number_of_threads(library, case):
    arrays = [library.array(x) for x in case.inputs(seed=1, shape=(9, 3), dtype="float32")]
    results = []
    for number in (1, 3):
        with al.config(threads=number), small_blocks(20):
            weight = library.array(
                np.linspace(0.5, 2.0, 9, dtype="float32").reshape((9, 1) if case.rows else (9, 1, 1))
            )
            value, gradient = al.value_and_grad(case.loss)(*arrays, weight=weight)
            items = type(case.loss)(reduction="none")(*arrays)
        results.append([library.numpy(x) for x in (value, gradient, items)])
    for x, y in zip(*results, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.backend("numpy")
@pytest.mark.parametrize("number", [1, 3])
def test_the_caller_s_errstate_holds_in_every_thread(number):
    x = np.full(200, 1e30, dtype=np.float32)
    with al.config(threads=number), small_blocks():
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            al.squared_error(x, -x)
        with np.errstate(over="ignore"):
            assert al.squared_error(x, -x) == np.inf
            assert np.all(np.isinf(al.squared_error(x, -x, reduction="none")))


def test_an_error_in_one_block_ends_the_call_and_not_the_pool():
    done = []

    def fail(k):
        if k == 7:
            raise ArithmeticError("of block 7")
        done.append(k)
        time.sleep(0.001)

    for number in (1, 3):
        done.clear()
        with al.config(threads=number):
            with pytest.raises(ArithmeticError, match="of block 7"):
                for_each(fail, 1000, "numpy")
            assert len(done) < 100
            for_each(done.append, 1000, "numpy")
            assert len(done) > 1000

    def fail_beside(k):
        time.sleep(0.001)
        if threading.current_thread() is not threading.main_thread():
            raise ArithmeticError("of another thread")

    with al.config(threads=3), pytest.raises(ArithmeticError, match="of another thread"):
        for_each(fail_beside, 1000, "numpy")


@libraries
def test_several_threads_of_the_user_s_compute_at_once(library):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 8, 400))
    expected = np.mean((x - y) ** 2, axis=-1)
    found = [None] * 8
    start = threading.Barrier(8)

    def work(k):
        start.wait(timeout=60)
        results = [float(al.squared_error(library.array(x[k]), library.array(y[k]))) for _ in range(20)]
        assert len(set(results)) == 1
        found[k] = results[0]

    for number in (None, 3):
        with al.config(threads=number), small_blocks(20):
            workers = [threading.Thread(target=work, args=(k,)) for k in range(8)]
            for w in workers:
                w.start()
            for w in workers:
                w.join(timeout=120)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_call_within_a_block_takes_no_threads_of_its_own():
    counts = {}

    def outer(k):
        time.sleep(0.01)
        name = threading.current_thread().name
        counts[name] = _numpy_threads()
        inner = []
        for_each(inner.append, 5, "numpy")
        assert sorted(inner) == list(range(5))

    with al.config(threads=3):
        for_each(outer, 30, "numpy")
    beside = {name: count for name, count in counts.items() if name != threading.current_thread().name}
    assert beside
    assert set(beside.values()) == {1}


@pytest.mark.backend("torch")
def test_torch_s_threads_record_nothing_and_work_alone():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    seen = []

    def look(k):
        time.sleep(0.001)
        seen.append((threading.current_thread(), torch.is_grad_enabled(), torch.get_num_threads()))

    torch.set_num_threads(3)
    try:
        for_each(look, 30, "torch")
        assert torch.get_num_threads() == 3
        assert torch.is_grad_enabled()
        assert in_a_thread(torch.get_num_threads) == 3
        with pytest.raises(ZeroDivisionError):
            for_each(lambda k: 1 // k, 20, "torch")
    finally:
        torch.set_num_threads(before)
    assert len({thread for thread, *_ in seen}) == 3
    assert threading.current_thread() not in {thread for thread, *_ in seen}
    assert {(recorded, alone) for _, recorded, alone in seen} == {(False, 1)}


def test_the_pool_grows_and_is_shared():
    with mock.patch.object(threads, "_FOR_NUMPY", threads._Pool()) as pool:
        for number, size in ((3, 2), (2, 2), (5, 4), (4, 4)):
            with al.config(threads=number):
                for_each(lambda k: None, 20, "numpy")
            assert len(pool.workers) == size


def test_the_blocks_of_config_may_end_in_any_order():
    for first_to_end in (0, 1):
        both = [al.config(threads=3), al.config(threads=5)]
        for one in both:
            one.__enter__()
        assert _numpy_threads() == 5
        both.pop(first_to_end).__exit__(None, None, None)
        assert _numpy_threads() == (5 if first_to_end == 0 else 3)
        both.pop().__exit__(None, None, None)
        assert _numpy_threads() == CORES


def test_the_blocks_of_config_of_several_threads_leave_nothing_behind():
    def work(k):
        for _ in range(200):
            with al.config(threads=k + 2), al.config(threads=None):
                pass

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join(timeout=60)
    assert _numpy_threads() == CORES
    assert _config._settings["threads"].made == []


def test_a_setting_for_good_outlasts_the_block_in_which_it_is_made_and_hides_the_older():
    with mock.patch.dict(_config._settings, threads=_config._Setting(None)) as settings:
        for number in range(1, 1000):
            al.config(threads=number)
        assert _numpy_threads() == 999
        assert len(settings["threads"].made) <= 3
        block = al.config(threads=4)
        with block:
            al.config(threads=7)
        assert _numpy_threads() == 7
        with block:  # once more
            assert _numpy_threads() == 4
        assert _numpy_threads() == 7


@pytest.mark.backend("torch")
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_numbers_below_the_normal_ones_count_alike_in_every_thread(backend):
    torch = pytest.importorskip("torch")
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor has no such mode")
    torch.set_flush_denormal(False)
    small = {"numpy": np.full(400, 1e-39, np.float32), "torch": torch.full((400,), 1e-39)}[backend]
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    found, compute = [], blocks.evaluate

    def slowly(*arguments):
        time.sleep(0.001)  # so each thread has a share
        return compute(*arguments)

    try:
        with al.config(threads=3), small_blocks(10), mock.patch.object(blocks, "evaluate", slowly):
            for flush in (False, True, False, True):
                torch.set_flush_denormal(flush)
                items = al.absolute_error(small, 0 * small, reduction="none")
                found.append(len(set(items.tolist())))
                torch.set_flush_denormal(False)
                assert (items == 0).all() == flush
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)
    assert found == [1, 1, 1, 1]


def test_a_thread_that_cannot_be_made_alike_takes_no_block():
    names = []
    with mock.patch.object(threads, "_flush", side_effect=lambda flushes: False), al.config(threads=3):
        for_each(lambda k: names.append(threading.current_thread()), 50, "numpy")
    assert len(names) == 50
    assert set(names) == {threading.current_thread()}


# The child of a fork has none of its parent's threads; at the end of a program the pool takes no more work.
SCRIPT = """
    import os, sys, warnings
    import numpy as np
    import arraylosses as al
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
    from arraylosses.execution import blocks
    blocks.ELEMENTS["numpy"] = 1000
    al.config(threads=3)
    x = np.arange(1e5)

    def check():
        assert al.squared_error(x, x + 2) == 4
"""
ENDINGS = {
    "fork": """
        check()
        child = os.fork()
        check()
        if child == 0:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    """,
    "multiprocessing": """
        import multiprocessing
        check()
        context = multiprocessing.get_context("fork")
        with context.Pool(2) as pool:
            assert pool.map(lambda_free, range(4)) == [4.0] * 4
    """,
    "exit": """
        import atexit
        atexit.register(check)
        check()
    """,
    "first at exit": """
        import atexit
        atexit.register(check)
    """,
}
EXTRA = """
    def lambda_free(k):
        return float(al.squared_error(x, x + 2))
"""


@pytest.mark.backend("numpy")
@pytest.mark.parametrize("ending", ENDINGS)
def test_it_works_in_a_forked_process_and_at_the_end_of_a_program(ending):
    if ending in ("fork", "multiprocessing") and not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    script = "".join(textwrap.dedent(part) for part in (SCRIPT, EXTRA, ENDINGS[ending]))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# A signal at a bad moment, threads that can't be had, the end of a program: each in a process of its own.
INTERRUPTED = """
    import os, signal, sys, threading, time
    import numpy as np
    import arraylosses as al
    from arraylosses.execution import blocks, threads

    backend = sys.argv[1]
    blocks.ELEMENTS[backend] = blocks.WHOLE[backend] = 1000
    x = np.arange(1e5)
    y = x + 2
    al.config(threads=3)
    if backend == "torch":
        import torch
        torch.set_num_threads(3)
        x, y = torch.asarray(x), torch.asarray(y)
    ones = x * 0 + 1  # with which torch has no kernel for all at once

    def check():
        value, gradient = al.value_and_grad(al.squared_error)(x, y, weight=ones, reduction="sum")
        assert value == 4 * len(x) and (gradient == -4).all()
        if backend == "torch":
            assert torch.get_num_threads() == 3
            found = []
            other = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
            other.start()
            other.join()
            assert found == [3]
            assert not threads._FOR_TORCH.workers or alone() == {1}

    def alone():
        return set(each_worker(torch.get_num_threads))

    def each_worker(function):
        pool, found = threads._FOR_TORCH, threads.SimpleQueue()
        together = threading.Barrier(len(pool.workers))
        for _ in pool.workers:
            pool.tasks.put(lambda: (together.wait(timeout=60), found.put(function())))
        return [found.get() for _ in pool.workers]

    class Raised(BaseException):
        pass

    def interrupted(function):
        try:
            function()
        except Raised:
            return True
        return False

    def handle(*arguments):
        if not handled.is_set():
            handled.set()
            raise Raised

    def send_signal():
        while not handled.is_set():  # again, for one that comes just before the thread waits, does not wake it
            os.kill(os.getpid(), signal.SIGINT)
            if threading.current_thread() is not threading.main_thread():
                handled.wait(timeout=0.1)

    handled = threading.Event()
    signal.signal(signal.SIGINT, handle)
"""
MOMENTS = {
    # A line of this module at a time, in the thread that calls: a signal is dealt with between any two of them.
    "at every line": """
        def calls_of(limit):
            lines = 0

            def trace(frame, event, argument):
                nonlocal lines
                if frame.f_code.co_filename != threads.__file__:
                    return None if frame.f_code.co_filename.startswith("<frozen") else trace
                lines += event == "line"
                if lines == limit:
                    lines += 1
                    sys.settrace(None)
                    raise Raised
                return trace

            sys.settrace(trace)
            try:
                check()
            finally:
                sys.settrace(None)

        for fresh in (True, False):
            limit = 1
            while interrupted(lambda: calls_of(limit)):
                check()
                if fresh:
                    threads._FOR_NUMPY.end()
                    threads._FOR_TORCH.end()
                limit += 1
            assert limit > 20, limit
    """,
    "while threads start": """
        pool = type(threads._FOR_TORCH if backend == "torch" else threads._FOR_NUMPY)
        begin = pool.begin
        handled.clear()
        threads._FOR_NUMPY.end()
        threads._FOR_TORCH.end()
        pool.begin = lambda self: (begin(self), send_signal())
        assert interrupted(check)
        pool.begin = begin
        check()
    """,
    "while blocks run": """
        begun = []

        def interrupt(*arguments):
            begun.append(None)
            if len(begun) >= 3:
                send_signal()
                time.sleep(0.05)  # in which it is dealt with
            return compute(*arguments)

        check()
        handled.clear()
        compute, blocks.evaluate = blocks.evaluate, interrupt
        assert interrupted(check)
        assert len(begun) < 18  # the others are not begun
        blocks.evaluate = compute
        check()
    """,
    "while it waits for the others": """
        one_began = threading.Event()

        def wait(*arguments):
            if threading.current_thread() is not threading.main_thread():
                one_began.set()
                send_signal()
            assert one_began.wait(timeout=60)
            return compute(*arguments)

        handled.clear()
        compute, blocks.evaluate = blocks.evaluate, wait
        assert interrupted(check)
        blocks.evaluate = compute
        check()
    """,
    "threads that cannot start": """
        start = threading.Thread.start
        for most in (0, 1, 2, 3):
            begun = 0

            def start_few(self):
                global begun
                begun += 1
                if begun > most:
                    raise RuntimeError("can't start new thread")
                start(self)

            threads._FOR_NUMPY.end()
            threads._FOR_TORCH.end()
            threading.Thread.start = start_few
            value = al.squared_error(x, y, weight=ones)
            threading.Thread.start = start
            assert value == 4
            check()
    """,
    "when the interpreter is gone": """
        class Last:
            def __del__(self):
                assert sys.is_finalizing()
                check()

        check()
        sys.last = Last()
    """,
}


@pytest.mark.parametrize("backend", [pytest.param(b, marks=pytest.mark.backend(b)) for b in ("numpy", "torch")])
def test_after_an_interrupt_the_next_call_works_and_the_program_ends(backend):
    if backend == "torch":
        pytest.importorskip("torch")
    script = textwrap.dedent(INTERRUPTED)
    for moment, code in MOMENTS.items():
        script += f"\nprint({moment!r}, end=' ', flush=True)\n" + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", script, backend], capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), f"the last of these: {done.stdout}"
