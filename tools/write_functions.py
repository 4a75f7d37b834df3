"""Write the function forms of the losses, `src/arraylosses/functions`, from their classes.

    python tools/write_functions.py

A class holds all that is said of a loss: its settings with their types and defaults, the arrays that it takes, its
docstring. What is written is formatted as ruff formats it.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.abc
import importlib.machinery
import inspect
import pkgutil
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path


class _Without(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Let the package be imported without its functions: those that are there may not fit the classes any more."""

    def find_spec(self, name: str, *rest: object) -> importlib.machinery.ModuleSpec | None:
        inside = name.startswith("arraylosses.functions")
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if inside else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        module.__dict__["__all__"] = []


if __name__ == "__main__":
    sys.meta_path.insert(0, _Without())

import arraylosses.losses
from arraylosses.loss import Loss, setting_names, snake_case

FOLDER = Path(arraylosses.losses.__file__).parents[1] / "functions"
NOTICE = "Written by tools/write_functions.py from the classes in `losses`: edit those."

WEIGHT = """\
weight : array, broadcastable to the per-item loss, optional
    One non-negative number an item."""

WHERE = """\
where : array of bool, broadcastable to {what}, optional
    {kept}. What is left out may hold anything."""

RAISES = """\
TypeError, ValueError
    For arguments that do not fit: see `Loss`."""


def families() -> list[str]:
    """Return the names of the modules of `losses` that define losses."""
    found = [m.name for m in pkgutil.iter_modules(arraylosses.losses.__path__) if not m.name.startswith("_")]
    return sorted(found)


def classes_of(family: str) -> list[type[Loss]]:
    """Return the losses that a family defines, in the order of their names."""
    module = importlib.import_module(f"arraylosses.losses.{family}")
    exported = [getattr(module, name) for name in sorted(module.__all__)]
    return [x for x in exported if inspect.isclass(x) and issubclass(x, Loss)]


def sections(documentation: str) -> dict[str, str]:
    """Split a numpydoc docstring at its underlined headings; what stands before the first has the heading ""."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", documentation, flags=re.MULTILINE)
    return {"": parts[0].strip("\n"), **{h: t.strip("\n") for h, t in zip(parts[1::2], parts[2::2], strict=True)}}


def described(text: str) -> dict[str, str]:
    """Return what a section says of each name, in its order; of names that share an entry, with the first."""
    entries = [entry.rstrip("\n") for entry in re.split(r"^(?=\S)", text, flags=re.MULTILINE) if entry.strip()]
    return {entry.partition("\n")[0].partition(" : ")[0]: entry for entry in entries}


def annotation(cls: type[Loss], name: str) -> str:
    """Return the type of a setting as its class spells it."""
    return next(str(found[name]) for base in cls.__mro__ if name in (found := inspect.get_annotations(base)))


def page(family: str) -> str:
    """Return the module of a family's function forms."""
    classes = classes_of(family)
    names = [snake_case(cls.__name__) for cls in classes]
    line = _listed("__all__ = [", [f'"{name}"' for name in names], "]")
    functions = [form(cls, name) for cls, name in zip(classes, names, strict=True)]
    body = "\n\n\n".join(functions)
    summary = (importlib.import_module(f"arraylosses.losses.{family}").__doc__ or "").strip()
    of_losses = _imported(f"..losses.{family}", sorted((cls.__name__ for cls in classes), key=str.casefold))
    head = [f'"""{summary}\n\n{NOTICE}\n"""', "", "from __future__ import annotations", ""]
    standard = ["from collections.abc import Sequence"] if "Sequence[" in body else []
    standard += ["from typing import Any"] if re.search(r"\bAny\b", body) else []
    head += [*standard, ""] if standard else []
    of_arrays = ["Array", *(["Real"] if re.search(r": Real\b", body) else [])]
    head += [f"from .._array_api import {', '.join(of_arrays)}", "from ..loss_function import function_form", of_losses]
    head += ["from ..reduction import Reduction", "", line, "", "", body, ""]
    return "\n".join(head)


def _listed(start: str, names: list[str], end: str) -> str:
    """Write names on one line, or one a line where that is too long."""
    line = f"{start}{', '.join(names)}{end}"
    return line if len(line) <= 120 else f"{start}\n" + "".join(f"    {name},\n" for name in names) + (end or ")")


def _imported(module: str, names: list[str]) -> str:
    line = _listed(f"from {module} import ", names, "")
    return line.replace("import \n", "import (\n") if "\n" in line else line


def form(cls: type[Loss], name: str) -> str:
    """Return the function form of a loss."""
    taken = cls().declaration.arguments
    arrays = [argument.name for argument in taken]
    fields = {field.name: field for field in dataclasses.fields(cls)}
    settings = list(_ordered(cls))
    lines = [f"@function_form({cls.__name__})", f"def {name}("]
    lines += [f"    {a.name}: Array{' | None = None' if a.optional else ''}," for a in taken]
    lines += ["    *,"]
    lines += [
        f"    {s}: {_taken(annotation(cls, s))} = {_literal(fields[s].default)}," for s in settings if s != "reduction"
    ]
    lines += ["    weight: Array | None = None,", "    where: Array | None = None,"]
    lines += [f"    reduction: Reduction = {_literal(fields['reduction'].default)},", ") -> Array:"]
    lines += [textwrap.indent(f'r"""{docstring(cls, arrays)}\n"""', "    ", lambda line: bool(line.strip()))]
    lines += [f"    return {cls.__name__}.made(", *[f"        {s}={s}," for s in settings]]
    lines += [f"    )({', '.join(arrays)}, weight=weight, where=where)"]
    return "\n".join(lines)


def _taken(kind: str) -> str:
    """Return the type of what a function takes for a setting, which its class holds as `kind` says."""
    return re.sub(r"\bReal\b", "Real | Sequence[float]", kind)


def _ordered(cls: type[Loss]) -> Iterator[str]:
    """The settings, in the order in which the docstring tells of them."""
    names = setting_names(cls)
    told = [name.strip() for entry in described(_sections(cls)["Parameters"]) for name in entry.split(",")]
    yield from [name for name in told if name in names]
    yield from [name for name in names if name not in told]


def _literal(default: object) -> str:
    return f'"{default}"' if isinstance(default, str) else repr(default)


def _sections(cls: type[Loss]) -> dict[str, str]:
    return sections(inspect.cleandoc(cls.__doc__ or ""))


def docstring(cls: type[Loss], arrays: list[str]) -> str:
    """Return the docstring of a function form: that of the class, with the arrays before the settings."""
    told = _sections(cls)
    settings = described(told["Parameters"])
    of_reduction = settings.pop("reduction")
    parameters = [told["Arrays"], *settings.values(), WEIGHT, where(cls), of_reduction]
    raised = [RAISES, told["Raises"]] if "Raises" in told else [RAISES]
    parts = {
        "Parameters": "\n".join(parameters),
        "Returns": f"array\n    {returned(cls, arrays)}",
        "Raises": "\n".join(raised),
        **{name: told[name] for name in ("See Also", "Notes", "References", "Examples") if name in told},
    }
    return "\n\n".join([told[""], *[f"{name}\n{'-' * len(name)}\n{text}" for name, text in parts.items()]])


def where(cls: type[Loss]) -> str:
    """Say what `where` is."""
    declaration = cls().declaration
    if declaration.where == declaration.items:
        return WHERE.format(what="the per-item loss", kept="The items to keep")
    return WHERE.format(what=f"shape {_shape(declaration.where)}", kept="What to keep of the items")


def _shape(axes: tuple[str, ...]) -> str:
    """Write a shape as Python writes a tuple."""
    return f"({', '.join(axes)}{',' * (len(axes) == 1)})"


def returned(cls: type[Loss], arrays: list[str]) -> str:
    """Say which shape the result has."""
    declaration = cls().declaration
    if declaration.of_elements:
        return f'Of shape (), or of the shape of `{arrays[0]}` for reduction "none".'
    if declaration.items == ("...",):
        without = "`axis`" if "axis" in setting_names(cls) else "its last axis"
        return f'Of shape (), or of the shape of `{arrays[0]}` without {without} for reduction "none".'
    if not declaration.items:
        return "Of shape ()."
    return f'Of shape (), or {_shape(declaration.items)} for reduction "none".'


def pages() -> dict[str, str]:
    """Return what belongs into the folder, by file name."""
    found = {f"{family}.py": page(family) for family in families()}
    imports = "".join(f"from .{family} import *\n" for family in families())
    exported = "".join(f"__all__ += {family}.__all__\n" for family in families())
    found["__init__.py"] = (
        f'"""The function forms of the losses, a family a file.\n\n{NOTICE}\n"""\n\n'
        f"{_imported('.', families())}\n{imports}\n__all__: list[str] = []\n{exported}"
    )
    return found


def main() -> None:
    """Write the files, and remove those of families that are no more."""
    FOLDER.mkdir(exist_ok=True)
    written = pages()
    for name, text in written.items():
        (FOLDER / name).write_text(text)
    for path in FOLDER.glob("*.py"):
        if path.name not in written:
            path.unlink()


if __name__ == "__main__":
    main()
