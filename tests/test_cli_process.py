"""The command as a process: where it prints, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("typer", reason="the command line needs typer")
pytest.importorskip("rich", reason="the command line needs rich")

pytestmark = pytest.mark.backend("numpy")


def process(*arguments, before="pass", **options):
    """Run the command in a process of its own, after a line of Python."""
    code = f"import sys; from arraylosses import cli; {before}; sys.exit(cli.main(sys.argv[1:]))"
    options = {"capture_output": True, "check": False, **options}
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], text=True, **options)


@pytest.mark.parametrize("name", ["typer", "rich"])
def test_without_typer_or_rich_one_line_says_what_to_install(name):
    done = process("list", before=f"sys.modules[{name!r}] = None")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "arraylosses: the command line needs typer and rich: pip install typer rich\n"


COMMANDS = pytest.mark.parametrize(
    "arguments",
    [["list"], ["show", "huber"], ["compare", "huber", "--backends", "numpy"], ["--version"], ["compare", "-h"]],
    ids=" ".join,
)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@COMMANDS
def test_full_disk_is_one_line_and_status_2(arguments):
    with open("/dev/full", "w") as full:
        done = process(*arguments, stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert (done.returncode, done.stderr) == (2, "arraylosses: cannot write the output: No space left on device\n")


@pytest.mark.parametrize("arguments", [["list"], ["compare", "huber", "--backends", "numpy"]], ids=" ".join)
def test_closed_pipe_is_one_line_and_status_2(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = process(*arguments, stdout=writing, stderr=subprocess.PIPE, capture_output=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (2, "arraylosses: cannot write the output: Broken pipe\n")


@pytest.mark.parametrize("closed", ["sys.stdout = None", "sys.stdout = sys.stderr = None"], ids=["stdout", "both"])
def test_closed_output_is_status_2(closed):
    done = process("list", before=closed)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_output_that_lacks_a_symbol_shows_a_question_mark():
    done = process("show", "cross_entropy", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "l = -?_c target_c" in done.stdout


@pytest.mark.parametrize("place", ["commands.run", "commands.compare"])
def test_interrupt_is_silent_and_status_130(place):
    interrupt = (
        f"from arraylosses.cli import commands; {place} = lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt)"
    )
    done = process("compare", "huber", "--set", "delta=1", before=interrupt)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_progress_is_a_line_on_a_terminal_and_nowhere_else():
    pty = pytest.importorskip("pty", reason="there are no pseudo-terminals")
    arguments = ["compare", "huber", "hinge", "--backends", "numpy"]
    patient = "from arraylosses.cli import commands; commands.PATIENCE = 0"
    piped = process(*arguments, before=patient)
    assert piped.stderr == ""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "60"}
    done = process(
        *arguments, before=patient, stdout=subprocess.PIPE, stderr=theirs, capture_output=False, env=environment
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "huber, numpy float64" in shown or "hinge, numpy float32" in shown
    assert "results agree" in done.stdout
    assert "hinge, numpy" not in done.stdout
