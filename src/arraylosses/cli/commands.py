"""The commands: their options, and what they print."""

from __future__ import annotations

import contextlib
import errno
import importlib
import itertools
import json
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NoReturn, TypeAlias

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text
from typer.core import TyperCommand

from .. import __version__
from ..arguments import require_choice
from ..comparison import BACKENDS, DTYPES, TOLERANCES, compare
from ..comparison.plot import FORMATS, curves, require_plot, save_plot
from ..comparison.text import error_line, wrapped
from ..data.files import read_array
from ..peers import LIBRARIES, PEERS
from ..registry import get, peers, registered
from .documentation import described, family_of, meant, summary_of

__all__ = ["RefusedError", "run"]

FloatArray: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

FORMS = ("table", "json", "markdown")
"""How a comparison may be printed."""

PATIENCE = 0.5
"""How many seconds of work go by before its progress is shown."""


class RefusedError(Exception):
    """Wrong usage, in one line."""


class _Output(NamedTuple):
    text: Text
    status: int = 0


def run(arguments: list[str]) -> tuple[str, int]:
    """Run a command and return what it prints, with its exit status."""
    usage_error: Any = typer.BadParameter.__base__  # that of click, or of the copy that typer brings along
    try:
        done = _app()(arguments or ["--help"], prog_name="arraylosses", standalone_mode=False)
    except usage_error as error:
        _refuse(error.format_message())
    except typer.Abort:
        raise KeyboardInterrupt from None
    except SystemExit:  # its answer to a closed pipe
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from None
    if not isinstance(done, _Output):
        return "", int(done or 0)
    console = Console(highlight=False, width=_width())
    with console.capture() as captured:
        console.print(done.text, soft_wrap=True)  # its lines are broken already, and must be neither folded nor cut
    return captured.get(), done.status


def _refuse(message: str) -> NoReturn:
    raise RefusedError(message)


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Take what is said of an argument for wrong usage."""
    try:
        yield
    except (TypeError, ValueError, OverflowError) as error:
        raise RefusedError(str(error)) from error


class _Command(TyperCommand):
    """A command that refuses an option given twice, of which one value would silently win."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        order: list[Any] = self.make_parser(ctx).parse_args(args=list(args))[2]
        for option, times in Counter(order).items():
            if times > 1 and option.param_type_name == "option" and not (option.multiple or option.is_flag):
                _refuse(f"`{option.opts[0]}` must be given once, got it {times} times")
        rest: list[str] = super().parse_args(ctx, args)
        return rest


def _app() -> typer.Typer:
    app = typer.Typer(
        help="Losses written once, on every array library.",
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_arraylosses)
    for name, command in (("list", _list), ("show", _show), ("compare", _compare), ("plot", _plot)):
        app.command(name, cls=_Command)(command)
    return app


def _arraylosses(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> _Output | None:
    return _Output(Text(f"arraylosses {__version__}")) if version else None


# options of several commands

_Import: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--import",
        metavar="MODULE",
        help="Import this module first, from the current directory too: the losses that it registers take part. "
        "Repeatable.",
    ),
]
_Losses: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(metavar="LOSS", help="Names or aliases of losses; all that fit by default.", show_default=False),
]
_Set: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A setting, its value as JSON: 2.0, true, null, [1, 2], text. Of several losses, those take it that have "
        "it. Repeatable.",
    ),
]


def _import_all(modules: list[str] | None) -> None:
    if modules and "" not in sys.path:
        sys.path.insert(0, "")
    for name in modules or ():
        if name.endswith(".py") or not all(name.split(".")) or os.sep in name:
            module = Path(name).stem.lstrip(".") or "my_losses"
            _refuse(f"`--import` must be the name of a module, such as {module} for {module}.py, got {name!r}")
        try:
            importlib.import_module(name)
        except (Exception, SystemExit) as error:  # whatever a user's module raises
            _refuse(f"cannot import {name!r}: {error_line(error)}")


def _settings(given: list[str] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in given or ():
        name, text = _split("--set", item, "NAME=VALUE")
        if name in found:
            _refuse(f"`--set` must give each setting once, got {name} twice")
        found[name] = _value(name, text)
    return found


def _split(option: str, item: str, form: str) -> tuple[str, str]:
    name, equals, value = item.partition("=")
    name, value = name.strip(), value.strip()
    if not (name and equals and value):
        _refuse(f"`{option}` must have the form {form}, got {item!r}")
    return name, value


_CONSTANTS = {"True": True, "False": False, "None": None, "inf": math.inf, "-inf": -math.inf}


def _value(name: str, text: str) -> Any:
    """Read a setting as JSON; what is no JSON is a string, but for Python's spelling of its constants."""
    try:
        return json.loads(text, parse_int=lambda digits: _number(name, digits), parse_float=lambda d: _number(name, d))
    except json.JSONDecodeError:
        return _CONSTANTS.get(text, text)
    except RecursionError:
        _refuse(f"`{name}` is nested too deeply")


def _number(name: str, digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        _refuse(f"`{name}` must lie within float64's range, got a number beyond it")
    return int(digits) if digits.lstrip("-").isdigit() and abs(value) < 2**64 else value


# list and show


def _list(
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="LIBRARY",
            help=f"List what the losses of another library are here: {', '.join(LIBRARIES)}.",
        ),
    ] = None,
    import_: _Import = None,
) -> _Output:
    """List the losses with what each is for."""
    _import_all(import_)
    if from_ is None:
        families = itertools.groupby(registered().items(), key=lambda item: family_of(item[1]))
        return _Output(_sections({family: {n: summary_of(c) or "-" for n, c in losses} for family, losses in families}))
    with _refusing():
        require_choice(tuple(LIBRARIES), **{"--from": from_})
    paths = [path for path in PEERS if path.partition(".")[0] == from_]
    return _Output(_sections({path: {name: meant(peer) for name, peer in peers(path).items()} for path in paths}))


def _sections(sections: dict[str, dict[str, str]]) -> Text:
    """Return names with what is said of each, below headings."""
    console_width, text = _width(), Text()
    longest = max(len(word) for names in sections.values() for said in names.values() for word in said.split())
    column = max(len(name) for names in sections.values() for name in names) + 4
    indent = max(4, min(column, console_width // 2, console_width - longest))
    for heading, names in sections.items():
        text.append(f"{heading}\n", style="bold")
        for name, said in names.items():
            first = f"  {name}  ".ljust(indent)
            if len(first) + len(said.split()[0]) > console_width:  # below a long name
                text.append(first.rstrip() + "\n")
                first = " " * indent
            text.append("\n".join(wrapped(said, console_width, first, " " * indent)) + "\n")
    text.right_crop(1)
    return text


def _show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name or alias of a loss.", show_default=False)],
    set_: _Set = None,
    import_: _Import = None,
) -> _Output:
    """Show a loss: its formula, arrays, settings and other names."""
    _import_all(import_)
    with _refusing():
        loss = get(name, **_settings(set_))
    text = Text()
    for heading, lines in described(name, loss, _width()):
        if heading:
            text.append(f"\n{heading}\n", style="bold")
        text.append("\n".join(lines) + "\n")
    text.right_crop(1)
    return _Output(text)


def _width() -> int:
    return Console().width or 80  # where COLUMNS is 0, rich would print nothing


# compare


def _compare(
    losses: _Losses = None,
    prediction: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="First array of a loss of two: .npy, or .csv with or without a line of names. Without arrays: samples "
            "that the package ships.",
        ),
    ] = None,
    target: Annotated[Path | None, typer.Option(metavar="FILE", help="Second array of a loss of two.")] = None,
    array: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="An array by the name that `arraylosses show` gives it, such as anchor=a.npy. Repeatable.",
        ),
    ] = None,
    weight: Annotated[Path | None, typer.Option(metavar="FILE", help="Weights of the items.")] = None,
    where: Annotated[Path | None, typer.Option(metavar="FILE", help="Booleans: the items to keep.")] = None,
    set_: _Set = None,
    backends: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help=f"Of {', '.join(BACKENDS)}; all by default.")
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help=f"Of {', '.join(DTYPES)}; both by default.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Largest relative difference at which two results agree; by default "
            f"{' and '.join(f'{limit:.0e} in {name}' for name, limit in TOLERANCES.items())}.",
        ),
    ] = None,
    format_: Annotated[str, typer.Option("--format", metavar="|".join(FORMS), help="How to print it.")] = "table",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print a row for each library and dtype.")] = False,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the losses too, as the command `plot` does."),
    ] = None,
    import_: _Import = None,
) -> _Output:
    """Compute losses and gradients on every library that is installed, and compare them with NumPy in float64.

    Exit status: 0 where all agree within the tolerance, 1 where they do not or nothing was compared, 2 for wrong usage.
    """
    _import_all(import_)
    settings = _settings(set_)
    with _refusing():
        require_choice(FORMS, **{"--format": format_})
        arrays = _arrays(prediction, target, array)
        items = {"weight": None if weight is None else read_array(weight), "where": _mask(where)}
    if plot is not None:
        typer.echo(_drawn(losses, settings, plot), err=True)
    with _refusing(), _progress() as progress:
        result = compare(
            losses or None,
            arrays=arrays or None,
            **items,
            settings=settings,
            backends=_names(backends),
            dtypes=_names(dtype),
            tolerance=tolerance,
            progress=progress,
        )
    if not result.rows and any(b.status == "installed" for b in result.backends):
        _refuse("no loss fits these arrays; name one to see why")
    status = 0 if result.agree else 1
    if format_ != "table":
        return _Output(Text(result.to_json() if format_ == "json" else result.to_markdown()), status)
    text = Text(result.to_table(_width()) if verbose else result.to_summary(_width()))
    text.highlight_regex(r"\bok\b|\bagrees\b|^(all \d+ results agree|1 result agrees)", "green")
    text.highlight_regex(r"\b(diff|differs?|fail|failed|broken|nothing was compared)\b", "bold red")
    return _Output(text, status)


def _arrays(prediction: Path | None, target: Path | None, named: list[str] | None) -> dict[str, FloatArray]:
    files = {name: path for name, path in (("prediction", prediction), ("target", target)) if path is not None}
    for item in named or ():
        name, path = _split("--array", item, "NAME=FILE")
        if name in files:
            _refuse(f"each array must be given once, got {name} twice")
        files[name] = Path(path)
    # The first array of a loss holds numbers that a csv file may well write without a decimal point.
    floating = {"prediction", *(cls.array_names[0] for cls in registered().values())}
    return {name: _as_float(path) if name in floating else read_array(path) for name, path in files.items()}


def _as_float(path: Path) -> FloatArray:
    x = read_array(path)
    return x.astype(np.float64) if path.suffix.lower() == ".csv" and x.dtype.kind == "i" else x


def _mask(path: Path | None) -> FloatArray | None:
    if path is None:
        return None
    x = read_array(path)
    if path.suffix.lower() == ".csv" and x.dtype.kind == "i" and set(np.unique(x)) <= {0, 1}:
        return x.astype(bool)
    return x


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",")]


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None] | None]:
    """Give a function that shows the progress of long work in a line on stderr; None where that is no terminal."""
    console = Console(stderr=True)
    if not (sys.stderr.isatty() and console.is_terminal):
        yield None
        return
    columns = (BarColumn(10), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    shown = Progress(*columns, console=console, transient=True)
    task = shown.add_task("", total=None)
    begun = time.monotonic()

    def report(step: str, done: int, total: int) -> None:
        if time.monotonic() - begun > PATIENCE:
            shown.start()
        shown.update(task, description=step, completed=done, total=total or None)

    try:
        yield report
    finally:
        shown.stop()


# plot


def _plot(
    losses: _Losses = None,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help=f"The file to write: .{', .'.join(FORMATS)}."),
    ] = Path("losses.svg"),
    set_: _Set = None,
    import_: _Import = None,
) -> _Output:
    """Draw losses and their gradients against the error, or the margin or logit.

    Needs matplotlib. A loss of several arrays is drawn along one line through these, which the axis names.
    """
    _import_all(import_)
    return _Output(Text("\n".join(wrapped(_drawn(losses, _settings(set_), output), _width()))))


def _drawn(losses: Sequence[str] | None, settings: dict[str, Any], path: Path) -> str:
    """Draw into a file, and say what was drawn."""
    skipped: dict[str, str] = {}
    try:
        with _refusing():
            require_plot(path)
            found = curves(losses or None, settings, skipped)
            save_plot(found, path)
    except ModuleNotFoundError as error:
        _refuse(str(error))
    except OSError as error:
        _refuse(f"cannot write {str(path)!r}: {error.strerror or error}")
    left_out = f"; no curve: {', '.join(skipped)}" if skipped else ""
    return f"{path}: {len(found)} {'loss' if len(found) == 1 else 'losses'}{left_out}"
