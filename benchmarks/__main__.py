"""The command: run the groups one after the other, each in a process of its own, and write what they measured."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from . import goals, measure, report
from .groups import GROUPS, Group
from .rows import Row
from .worker import MARK

HERE = Path(__file__).parent
LIBRARIES = (
    "numpy",
    "array-api-compat",
    "torch",
    "jax",
    "optax",
    "keras",
    "scikit-learn",
    "monai",
    "kornia",
    "pytorch-metric-learning",
)

app = typer.Typer(add_completion=False)


@app.command()
def main(
    only: Annotated[
        str, typer.Option(help="Rows whose name (group/loss/shape/mode) has this regular expression.")
    ] = "",
    group: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(GROUPS)}; repeatable.")] = None,
    quick: Annotated[bool, typer.Option(help="Small arrays and few repetitions: does it run?")] = False,
    names: Annotated[bool, typer.Option("--list", help="Print the names of the rows, and measure nothing.")] = False,
    output: Annotated[
        Path | None, typer.Option(help="Where RESULTS.md and results.json go; without it only a full run is written.")
    ] = None,
    update: Annotated[
        bool, typer.Option(help="Put what is measured in the place of those rows in the results that are there.")
    ] = False,
    against: Annotated[Path | None, typer.Option(help="An earlier results.json: print what changed.")] = None,
) -> None:
    """Compare arraylosses with what a user would pick instead."""
    unknown = set(group or ()) - set(GROUPS)
    if unknown:
        raise typer.BadParameter(f"`--group` must be of {', '.join(GROUPS)}, got {', '.join(sorted(unknown))}")
    earlier = [Row.from_plain(row) for row in json.loads(against.read_text())["rows"]] if against else []
    console, start = Console(), time.monotonic()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    rows: list[Row] = []
    copies: dict[str, str] = {}
    torch_threads = None
    for chosen in (GROUPS[name] for name in group or GROUPS):
        for found in _lines(chosen, only, quick, names):
            if names:
                console.print(found["name"], highlight=False, soft_wrap=True)
            elif "name" in found:
                rows.append(Row.from_plain(found))
                console.print(_line(rows[-1]), highlight=False, soft_wrap=True)
            elif found["bandwidth"]:
                copies[chosen.name] = f"{found['bandwidth'] / 1e9:.1f}"
                torch_threads = found["torch_threads"] or torch_threads
    if names:
        return
    folder = output or HERE
    if update:
        measured = {row.name: row for row in rows}
        found = json.loads((folder / "results.json").read_text())
        before = [Row.from_plain(row) for row in found["rows"]]
        rows = [measured.pop(row.name, row) for row in before] + list(measured.values())
    about = {
        **_machine(),
        "threads": f"of torch {torch_threads}; others as they come",
        "copy (GB/s, read and written)": ", ".join(f"{name} {speed}" for name, speed in copies.items()),
        "load before the run": f"{load:.1f}",
        "took": f"{(time.monotonic() - start) / 60:.1f} minutes",
    }
    if update:
        part = f"{', '.join(group or ['all groups'])} {only}".strip()
        known = [x for x in found["about"].get("updated", "").split("; ") if x and x.partition(" on ")[0] != part]
        updated = [*known, f"{part} on {about['date']}, commit {about['commit']}"]
        about = {**found["about"], "updated": "; ".join(updated)}
    page = report.markdown(about, {name: (g.title, g.peer) for name, g in GROUPS.items()}, rows)
    whole = not (only or group or quick)
    if output or whole or update:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "RESULTS.md").write_text(page)
        lines = ",\n".join(json.dumps(row.plain()) for row in rows)  # a row a line, for those who compare two runs
        (folder / "results.json").write_text(f'{{"about": {json.dumps(about)},\n"rows": [\n{lines}\n]}}\n')
        console.print(f"written to {folder}")
    for line in goals.goal_table(rows, measured_only=True):
        console.print(line, highlight=False, soft_wrap=True)
    if against:
        for change in report.changes(earlier, rows):
            console.print(str(change), highlight=False, soft_wrap=True)
    bad = [row for row in rows if row.note and not row.note.startswith("skipped")]
    for row in bad:
        console.print(f"{row.name}: {row.note}", style="red", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if bad else 0)


def _lines(group: Group, only: str, quick: bool, names: bool) -> Iterator[dict[str, Any]]:
    """Run a group in a process of its own, and yield what it prints."""
    command = [sys.executable, "-m", "benchmarks.worker", group.name, "--only", only]
    command += ["--quick"] * quick + ["--list"] * names
    environment = {**os.environ, **group.environment}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(MARK):
                yield json.loads(line.removeprefix(MARK))
    if process.returncode:
        yield Row(f"{group.name}/-/-/-", group.name, "-", (1,), "-", note="failed: see above").plain()


def _line(row: Row) -> str:
    if row.ratio is None or row.ours is None or row.theirs is None:
        return f"{row.name}: {row.note}"
    ratio = row.ratio
    times = f"{report.seconds(row.ours.middle)} against {report.seconds(row.theirs.middle)}"
    return f"{row.name}: {ratio.middle:.2f} ({ratio.low:.2f} to {ratio.high:.2f}), {times}"


def _machine() -> dict[str, str]:
    versions = []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} not installed")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": _git("rev-parse", "--short", "HEAD") + ("" if not _git("status", "--porcelain") else ", changed"),
        "processor": f"{_processor()}, {measure.cores()} cores",
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": platform.platform(),
        "versions": f"Python {platform.python_version()}, " + ", ".join(versions),
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=HERE, capture_output=True, text=True, check=False)
    return done.stdout.strip() or ("unknown" if done.returncode else "")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    app()
