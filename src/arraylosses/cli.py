"""The command `arraylosses`: list the losses, show one, compare them on every array library that is installed."""

# Annotations stay unevaluated until `_app` hands the commands to typer, so that this module can be imported without it.
from __future__ import annotations

import enum
import inspect
import json
import math
import re
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import numpy as np

from .comparison import BACKENDS, DTYPES, TOLERANCES, compare
from .loss import Loss
from .registry import aliases_of, function_of, get, name_of, registered

try:
    import typer
    from rich.console import Console
    from rich.text import Text
except ModuleNotFoundError:
    _INSTALLED = False
else:
    _INSTALLED = True

__all__ = ["main"]


class Format(enum.StrEnum):
    """How a comparison is printed."""

    table = "table"
    json = "json"
    markdown = "markdown"


def main() -> None:
    """Run the command; without typer and rich, say how to install them."""
    if not _INSTALLED:
        sys.stderr.write("arraylosses: the command line needs typer and rich: pip install 'arraylosses[cli]'\n")
        raise SystemExit(2)
    _app()()


def _app() -> typer.Typer:
    app = typer.Typer(
        help="Losses written once, on every array library.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.command("list")(_list)
    app.command("show")(_show)
    app.command("compare")(_compare)
    return app


def _list() -> None:
    """List the losses, a line each."""
    console = Console(highlight=False)
    width = max(map(len, registered())) + 2
    family = None
    for name, cls in registered().items():
        if family != (family := cls.__module__.rpartition(".")[2]):
            console.print(Text(family, style="bold"))
        console.print(Text(f"  {name:<{width}}{_summary(cls)}"), soft_wrap=True)


def _show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name or alias of a loss.", show_default=False)],
) -> None:
    """Show a loss: its formula, arrays, settings and other names."""
    try:
        loss = get(name)
    except (TypeError, ValueError) as error:
        _refuse(str(error))
    console = Console(highlight=False)
    for heading, text in _description(name, loss):
        if heading:
            console.print()
            console.print(Text(heading, style="bold"))
        console.print(Text(textwrap.indent(text, "  " if heading else "")), soft_wrap=True)


def _compare(
    losses: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LOSS",
            help="Names or aliases of losses. Without any: every loss that fits the arrays.",
            show_default=False,
        ),
    ] = None,
    prediction: Annotated[
        Path | None, typer.Option(metavar="FILE.npy", help="First array of a loss of two. Without arrays: a sample.")
    ] = None,
    target: Annotated[Path | None, typer.Option(metavar="FILE.npy", help="Second array of a loss of two.")] = None,
    array: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE.npy",
            help="An array by the name that `arraylosses show` gives it, such as anchor=a.npy. Repeatable.",
        ),
    ] = None,
    weight: Annotated[Path | None, typer.Option(metavar="FILE.npy", help="Weights of the items.")] = None,
    where: Annotated[Path | None, typer.Option(metavar="FILE.npy", help="Booleans: the items to keep.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A setting, its value as JSON: 2.0, true, null, [1, 2], text. Of several losses, those take it that "
            "have it. Repeatable.",
        ),
    ] = None,
    backends: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help=f"Of {', '.join(BACKENDS)}; all by default.")
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help=f"Of {', '.join(DTYPES)}; both by default.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            help="Largest relative difference at which two results agree; by default "
            f"{' and '.join(f'{limit:.0e} in {name}' for name, limit in TOLERANCES.items())}."
        ),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.table,
) -> None:
    """Compute losses and gradients on every library that is installed, and compare them with NumPy in float64.

    Exit status: 0 where all agree within the tolerance, 1 where they do not, 2 for wrong usage.
    """
    files = {"prediction": prediction, "target": target}
    arrays = {name: _load(path) for name, path in files.items() if path is not None}
    for item in array or ():
        name, path = _split("--array", item, "NAME=FILE.npy")
        arrays[name] = _load(Path(path))
    settings = {name: _value(text) for name, text in (_split("--set", item, "NAME=VALUE") for item in set_ or ())}
    try:
        result = compare(
            losses or None,
            arrays=arrays or None,
            weight=None if weight is None else _load(weight),
            where=None if where is None else _load(where),
            settings=settings,
            backends=_names(backends),
            dtypes=_names(dtype),
            tolerance=tolerance,
        )
    except (TypeError, ValueError) as error:
        _refuse(str(error))
    if not result.rows and any(b.status == "installed" for b in result.backends):
        _refuse("no loss fits these arrays; name one to see why")
    if format_ is Format.table:
        text = Text(result.to_table())
        text.highlight_words(["agrees", "all agree"], "green")
        text.highlight_words(["differs", "failed", "broken"], "bold red")
        # Lines are never folded or cut, in a pipe or in a narrow terminal: a number is whole or it is wrong.
        Console(highlight=False).print(text, soft_wrap=True)
    else:
        typer.echo(result.to_json() if format_ is Format.json else result.to_markdown())
    raise typer.Exit(0 if result.agree else 1)


def _refuse(message: str) -> NoReturn:
    typer.echo(f"arraylosses: {message}", err=True)
    raise typer.Exit(2)


def _split(option: str, item: str, form: str) -> tuple[str, str]:
    name, equals, value = item.partition("=")
    if not (name and equals and value):
        _refuse(f"`{option}` must have the form {form}, got {item!r}")
    return name.strip(), value.strip()


_CONSTANTS = {"True": True, "False": False, "None": None, "inf": math.inf, "-inf": -math.inf}


def _value(text: str) -> Any:
    """Read a setting as JSON; what is no JSON is a string, but for Python's spelling of its constants."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return _CONSTANTS.get(text, text)


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",")]


def _load(path: Path) -> np.ndarray[Any, Any]:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no array in NumPy's .npy format"
        _refuse(f"cannot read {str(path)!r}: {reason}")
    if not isinstance(array, np.ndarray):
        array.close()
        _refuse(f"cannot read {str(path)!r}: it is an archive of arrays; give one array in NumPy's .npy format")
    return array


# what a docstring says


def _documentation(cls: type[Loss]) -> str:
    return inspect.getdoc(function_of(cls) or cls) or inspect.getdoc(cls) or ""


def _summary(cls: type[Loss]) -> str:
    return _documentation(cls).partition("\n")[0]


def _sections(documentation: str) -> dict[str, str]:
    """Split a numpydoc docstring at its underlined headings; what stands before the first has the heading ""."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", documentation, flags=re.MULTILINE)
    return {"": parts[0].strip(), **{h: t.strip("\n") for h, t in zip(parts[1::2], parts[2::2], strict=True)}}


def _parameters(section: str) -> list[tuple[list[str], str]]:
    """Return the names and the text of each entry of a numpydoc section of parameters."""
    entries = re.split(r"^(?=\S)", section, flags=re.MULTILINE)
    return [([n.strip() for n in e.partition(":")[0].split(",")], e.rstrip()) for e in entries if e.strip()]


def _description(asked: str, loss: Loss) -> list[tuple[str, str]]:
    """Return the headings and texts that `show` prints, from the function's docstring and the registry."""
    cls = type(loss)
    name = name_of(cls)
    carried = _assignments(aliases_of(name).get(asked, {}))
    alias = f"`{asked}` is this loss with {carried}.\n" if carried else ""
    sections = _sections(_documentation(cls))
    lead, _, formula = sections[""].partition(".. math::")
    entries = _parameters(sections.get("Parameters", ""))
    of_arrays = [text for names, text in entries if set(names) & set(cls.array_names)]
    of_settings = [text for names, text in entries if not set(names) & set(cls.array_names)]
    holds = ", ".join(f"{array}: {domain}" for array, domain in zip(cls.array_names, loss.domains(), strict=True))
    item = "an element" if loss.granularity == "element" else f"a row along {_class_axis(loss)}"
    found = [
        ("", f"{name}, class {cls.__name__}\n{alias}{lead.strip()}"),
        ("Formula", _readable(formula)),
        ("Arrays", "\n".join([*of_arrays, f"One loss value belongs to {item}. Domains: {holds}."])),
        ("Settings", "\n".join(of_settings)),
        ("Result", textwrap.dedent(sections.get("Returns", "").partition("\n")[2])),
        ("Notes", sections.get("Notes", "")),
        ("Other names", _other_names(name)),
    ]
    return [(heading, text) for heading, text in found if text]


def _class_axis(loss: Loss) -> str:
    return "`axis`" if hasattr(loss, "axis") else "the last axis"


def _assignments(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in settings.items())


def _other_names(name: str) -> str:
    by_settings: dict[str, list[str]] = {}
    for alias, settings in aliases_of(name).items():
        by_settings.setdefault(_assignments(settings), []).append(alias)
    return "\n".join(f"{', '.join(names)}{f': {carried}' if carried else ''}" for carried, names in by_settings.items())


_SYMBOLS = {
    r"\cdot": "·",
    r"\le": "≤",
    r"\ge": "≥",
    r"\ne": "≠",
    r"\sum": "Σ",
    r"\|": "‖",
    r"\quad": "  ",
    r"\,": " ",
    r"\;": " ",
}


def _readable(formula: str) -> str:
    r"""Return LaTeX as plain text: ``\frac{a}{b}`` is (a) / (b), and a command that is a word is that word."""
    text = " ".join(formula.split())
    text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1) / (\2)", text)
    text = re.sub(r"\\text\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"\^\{([^{}]*)\}", r"^\1", text)
    for command, symbol in _SYMBOLS.items():
        text = re.sub(re.escape(command) + ("(?![a-z])" if command[-1].isalpha() else ""), symbol, text)
    return re.sub(r" +", " ", re.sub(r"\\([a-z]+)", r"\1", text)).replace("; ", ";  ")
