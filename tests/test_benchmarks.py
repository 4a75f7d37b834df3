"""The benchmark runs, tells a different thing from the same, and says what changed. No time is asserted."""

import dataclasses
import json
import os
import time

import numpy as np
import pytest

pytest.importorskip("typer", reason="the benchmark's command line needs typer")

from benchmarks import __main__ as command
from benchmarks import cases, goals, measure, report, worker
from benchmarks.groups import GROUPS
from benchmarks.measure import Spread
from benchmarks.rows import Row
from typer.testing import CliRunner

pytestmark = pytest.mark.otherwise_numpy


def row(name="numpy/huber/1e6/value", ratio=(0.4, 0.5, 0.6), ours=(1.0, 1.1, 1.2), **changed):
    group, loss, _, mode = name.split("/")
    times = {"ours": Spread(*ours), "theirs": Spread(2.0, 2.2, 2.4), "ratio": Spread(*ratio), "pairs": 5}
    return Row(**{"name": name, "group": group, "loss": loss, "shape": (10**6,), "mode": mode, **times, **changed})


def failed(name):
    return dataclasses.replace(row(name), ours=None, theirs=None, ratio=None, note="failed: at all")


def run(*arguments):
    return CliRunner().invoke(command.app, [str(a) for a in arguments])


def test_rows_on_numpy_are_measured_and_written(tmp_path):
    result = run("--quick", "--group", "numpy", "--only", "/huber/", "--output", tmp_path)
    assert result.exit_code == 0, result.output
    rows = [Row.from_plain(r) for r in json.loads((tmp_path / "results.json").read_text())["rows"]]
    assert [r.name for r in rows] == ["numpy/huber/1e2/value", "numpy/huber/1e4/value"]
    assert all(r.ratio.middle > 0 and r.pairs >= 3 and not r.note for r in rows)
    result = run("--quick", "--group", "numpy", "--only", "/huber/1e4", "--output", tmp_path, "--update")
    assert result.exit_code == 0, result.output
    updated = [Row.from_plain(r) for r in json.loads((tmp_path / "results.json").read_text())["rows"]]
    assert [r.name for r in updated] == [r.name for r in rows]
    assert updated[0] == rows[0]
    assert updated[1] != rows[1]
    page = (tmp_path / "RESULTS.md").read_text()
    assert f"## {GROUPS['numpy'].title}" in page
    assert "| huber | 1e2 | value |" in page


def test_an_earlier_run_is_read_for_what_changed(tmp_path):
    earlier = row("numpy/huber/1e2/value", ratio=(98.0, 99.0, 100.0), ours=(1e6, 1e6, 1e6))
    file = tmp_path / "results.json"
    file.write_text(json.dumps({"rows": [earlier.plain()]}))
    result = run("--quick", "--group", "numpy", "--only", "/huber/1e2", "--against", file)
    assert result.exit_code == 0, result.output
    assert "numpy/huber/1e2/value: ratio 99.00 -> " in result.output
    assert "numpy/huber/1e2/value: time 1e+06 s -> " in result.output


def test_a_group_that_is_not_there_is_refused():
    result = run("--group", "nunpy")
    assert result.exit_code == 2


def test_losses_agree_with_their_textbook_formulas():
    for case in GROUPS["calls"].load():
        pair = case.build(case.shape)
        assert measure.disagreement(pair.ours(), pair.theirs(), case.rtol) is None, case.name


def test_names_are_unique():
    names = [case.name for name in ("calls", "numpy", "gradients") for case in GROUPS[name].load()]
    assert len(set(names)) == len(names)


def test_what_disagrees_is_not_measured():
    def build(shape):
        x = np.ones(shape, "float32")
        return cases.Pair(lambda: (x.mean(), x), lambda: (x.mean(), 2 * x))

    found = worker.row_of(GROUPS["numpy"], cases.Case("numpy", "huber", (10,), "gradient", build), 1.0, True)
    assert found.note == "disagree: gradient 1: 10 of 10 differ, by up to 1 of 2"
    assert found.ratio is None


def test_what_fails_or_is_missing_is_noted():
    def fails(shape):
        raise ZeroDivisionError("first line\nsecond")

    def lacks(shape):
        raise cases.MissingError("not there yet")

    case = cases.Case("numpy", "huber", (10,), "value", fails)
    noted = [
        worker.row_of(GROUPS["numpy"], dataclasses.replace(case, build=build), 1.0, True).note
        for build in (fails, lacks)
    ]
    assert noted == ["failed: ZeroDivisionError: first line", "skipped: not there yet"]


@pytest.mark.parametrize(
    ("ours", "theirs", "agrees"),
    [
        (1.0, 1.00001, True),
        (1.0, 1.001, False),
        (float("nan"), 1.0, False),
        ((1.0, np.ones(3)), (1.0, np.ones(4)), False),
        ((1.0, np.asarray([1.0, 1e-6])), (1.0, np.asarray([1.0, 0.0])), True),
        ((1.0, np.arange(2e6) != 7), (1.0, np.ones(2_000_000)), True),  # one in a million, at a kink
        ((1.0, np.arange(2e6) > 7), (1.0, np.ones(2_000_000)), False),
    ],
)
def test_agreement(ours, theirs, agrees):
    assert (measure.disagreement(ours, theirs, 1e-4) is None) == agrees


def test_both_are_called_in_turns():
    calls = []

    def slow(name):
        calls.append(name)
        time.sleep(2 * measure.LEAST_SAMPLE)

    timed = measure.compare(lambda: slow("a"), lambda: slow("b"), seconds=0.0, least_pairs=4)
    assert timed.pairs == 4
    assert "".join(calls) == "ab" + "abbaabba"


def test_changes_are_those_beyond_the_spread_worst_first():
    before = [
        row("numpy/huber/1e6/value"),
        row("numpy/hinge/1e6/value"),
        row("numpy/nll/1e6/value"),
        row("numpy/gone/1e6/value"),
    ]
    after = [
        row("numpy/huber/1e6/value", ratio=(0.5, 0.6, 0.7)),  # within the spread
        row("numpy/hinge/1e6/value", ratio=(0.1, 0.2, 0.3), ours=(2.0, 2.1, 2.2)),
        failed("numpy/nll/1e6/value"),
        row("numpy/new/1e6/value"),
    ]
    found = report.changes(before, after)
    assert [(c.name, c.what) for c in found] == [("numpy/hinge/1e6/value", w) for w in ("time", "ratio")]
    assert str(found[1]) == "numpy/hinge/1e6/value: ratio 0.50 -> 0.20 (0.40 times)"


def test_goals_say_what_was_met():
    rows = [
        row("numpy/huber/1e6/value", ratio=(0.3, 0.4, 0.5)),
        row("numpy/hinge/1e6/value", ratio=(0.4, 0.5, 0.6)),
        row("numpy/hinge/1e4/value", ratio=(4.0, 5.0, 6.0), shape=(10_000,)),  # smaller than the goal is about
        row("optax-jit/huber/1e6/value", ratio=(1.0, 1.0, 1.0)),
        row("optax-eager/huber/1e6/value", ratio=(0.7, 0.7, 0.7)),
        failed("optax-eager/hinge/1e6/value"),
        row("torch-large/cross_entropy-bfloat16/1e6/gradient", peak_ours=300, peak_theirs=1000),
    ]
    lines = {line.split("|")[1].strip(): line for line in goals.goal_table(rows)}
    assert lines["NumPy, value, 1e6 and more"].endswith(
        "| 0.45 | 2 | 0.447 | 0.5 (numpy/hinge/1e6/value) | in the mean; 1 over |"
    )
    assert lines["JAX jitted"].endswith("| yes |")
    assert lines["JAX eager"].endswith("| no; 1 over; 1 not measured |")
    assert "| 0.3 |" in lines["torch, bfloat16 logits (2048, 32000): peak memory"]
    assert lines["torch.compile"].endswith("| not measured |")


def test_memory_beyond_the_gradients():
    large = row("torch-large/x/1e6/gradient", result=10_000_000, peak_ours=12_000_000, peak_theirs=50_000_000)
    assert goals.megabytes_beyond(large) == pytest.approx(2.0)
    assert goals.peak_ratio_beyond(large) == pytest.approx(0.05)
    assert goals.peak_ratio(large) == pytest.approx(0.24)


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="the mark of memory cannot be reset here")
def test_peak_is_what_a_call_allocates():
    size = 2**26
    assert 0.9 * size < measure.peak_bytes(lambda: np.ones(size, "uint8").sum()) < 1.5 * size


@pytest.mark.parametrize(
    ("value", "text"), [(2.5, "2.5 s"), (1.0, "1 s"), (0.0125, "12.5 ms"), (3.21e-6, "3.21 µs"), (5e-8, "0.05 µs")]
)
def test_times_are_written_with_their_unit(value, text):
    assert report.seconds(value) == text


@pytest.mark.parametrize(
    ("shape", "text"), [((100,), "1e2"), ((1024, 32_000), "1024x32000"), ((300,), "300"), ((3_000_000,), "3e6")]
)
def test_shapes_are_written_short(shape, text):
    assert cases.label(shape) == text
