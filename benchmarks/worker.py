"""Measure the rows of one group, in this process, and print each as a line of JSON.

python -m benchmarks.worker GROUP [--only REGEX] [--quick] [--list]
python -m benchmarks.worker GROUP --peak ours|theirs --only NAME
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import re
import subprocess
import sys
from typing import Any

from . import measure
from .cases import Case, MissingError, Pair
from .groups import GROUPS, Group
from .rows import Row

MARK = "@row "  # a library may print, too
QUICK_SIZE = 1_000_000
SECONDS, SECONDS_QUICK = 0.15, 0.01
CACHES = 2**25  # bytes; what fits into a cache is not bound by the memory behind it


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("group", choices=GROUPS)
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--peak", choices=["ours", "theirs"])
    given = parser.parse_args()
    group = GROUPS[given.group]
    cases = (
        case
        for case in group.load()
        if re.search(given.only, case.name) and not (given.quick and math.prod(case.shape) >= QUICK_SIZE)
    )
    if given.list:
        for case in cases:
            print(MARK + json.dumps({"name": case.name}))
    elif given.peak:
        print(MARK + json.dumps(peak(next(cases), given.peak)))
    else:
        run(group, cases, given.quick)


def run(group: Group, cases: Any, quick: bool) -> None:
    """Measure the cases, and print what is common to them as a last line."""
    bandwidth = None
    for case in cases:
        if bandwidth is None:
            bandwidth = measure.copy_bandwidth(1 if group.name == "scikit-learn" else measure.cores())
        print(MARK + json.dumps(row_of(group, case, bandwidth, quick).plain()), flush=True)
        gc.collect()
    threads = sys.modules["torch"].get_num_threads() if group.name.startswith("torch") else None
    print(MARK + json.dumps({"bandwidth": bandwidth, "torch_threads": threads}))


def row_of(group: Group, case: Case, bandwidth: float, quick: bool) -> Row:
    """Check and measure a case. What fails becomes the row's note, and the other rows go on."""
    row = Row(case.name, group.name, case.loss, tuple(case.shape), case.mode)
    try:
        pair = case.build(case.shape)
        trouble = measure.disagreement(pair.ours(), pair.translate(pair.theirs()), case.rtol)
        if trouble:
            row.note = f"disagree: {trouble}"
            return row
        _measure(row, case, pair, bandwidth, quick)
    except MissingError as reason:
        row.note = f"skipped: {reason}"
    except Exception as error:
        first = str(error).strip().split("\n")[0]
        row.note = f"failed: {type(error).__name__}: {first}"
    return row


def _measure(row: Row, case: Case, pair: Pair, bandwidth: float, quick: bool) -> None:
    timed = measure.compare(
        pair.ours,
        pair.theirs,
        seconds=SECONDS_QUICK if quick else SECONDS,
        least_pairs=3 if quick or case.slow else 5,
    )
    row.ours, row.theirs, row.ratio, row.pairs = timed
    row.result = pair.result
    if pair.moved > CACHES:
        row.floor = pair.moved / bandwidth
    if case.peak and not quick:
        row.peak_ours, row.peak_theirs = (peak_in_fresh_process(case, side) for side in ("ours", "theirs"))


def peak_in_fresh_process(case: Case, side: str) -> int:
    """Return the peak memory of one side of `case`."""
    command = [sys.executable, "-m", "benchmarks.worker", case.group, "--peak", side]
    command += ["--only", f"^{re.escape(case.name)}$"]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return next(int(json.loads(line.removeprefix(MARK))) for line in lines if line.startswith(MARK))


def peak(case: Case, side: str) -> int:
    """Return the peak memory of one side of `case`, in this process, warmed up on small inputs."""
    getattr(case.build(case.tiny), side)()
    return measure.peak_bytes(getattr(case.build(case.shape), side))


if __name__ == "__main__":
    main()
