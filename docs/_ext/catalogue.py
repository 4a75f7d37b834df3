"""The pages of the losses, written from the registry before Sphinx reads its sources."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import arraylosses as al
import arraylosses.losses
from arraylosses.loss import Loss, setting_names

ROOT = Path(__file__).parents[2]
SUPPORT = ROOT / "SUPPORT.md"
"""The measured table of libraries, where it was written."""


def losses() -> dict[str, type[Loss]]:
    """Return the canonical losses: those of the dialects have the pages of these."""
    return {name: cls for name, cls in al.registered().items() if cls.__module__.startswith("arraylosses.losses.")}


def families() -> dict[str, list[str]]:
    """Return the names of the losses by family, both in the order of the alphabet."""
    found: dict[str, list[str]] = {}
    for name, cls in sorted(losses().items()):
        found.setdefault(cls.__module__.rpartition(".")[2], []).append(name)
    return dict(sorted(found.items()))


def summary(name: str) -> str:
    """Return the first line of a loss's docstring."""
    return (inspect.getdoc(losses()[name]) or "").partition("\n")[0]


def heading(text: str, line: str = "-") -> list[str]:
    return [text, line * len(text), ""]


def page(name: str) -> list[str]:
    """Return the page of a loss. Its docstring says what is to be said; the figure is put below the formula."""
    cls = losses()[name]
    settings = ", ".join(f"{s}={default(cls, s)!r}" for s in setting_names(cls))
    return [
        *heading(name, "="),
        f".. autofunction:: arraylosses.{name}",
        "",
        f".. py:class:: arraylosses.{cls.__name__}(*, {settings})",
        "",
        f"   The class form of `{name}`: a frozen dataclass of its settings. An instance is called with the arrays, "
        "``weight`` and ``where``; what it has beyond that is described at `Loss`.",
        "",
        *heading("Arrays"),
        "As the loss declares them: an axis of the same name has the same length in every array, and ``...`` stands "
        "for any number of axes. See :doc:`/guides/classes`.",
        "",
        "::",
        "",
        *[f"    {line}" for line in str(cls().declaration).replace(" -> ", "\n    -> ").split("\n")],
        "",
        *heading("Other names"),
        f".. other-names:: {name}",
        "",
        *support(name),
    ]


def default(cls: type[Loss], setting: str) -> Any:
    return inspect.signature(cls).parameters[setting].default


def support(name: str) -> Iterator[str]:
    """Say what a loss was found to do on each library, by its row of the table, where that was written."""
    if not SUPPORT.exists():
        return
    lines = [line for line in SUPPORT.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    table = {row[0]: row[1:] for row in rows}
    if f"`{name}`" in table:
        yield from heading("Support")
        yield from [
            f"- {who}: {said}" for who, said in zip(table["loss"], table[f"`{name}`"], strict=False) if said.strip()
        ]


def dialects() -> Iterator[str]:
    """Return the page of the losses that carry a framework's conventions, with the names that `al.get` has for them."""
    yield from [*heading("Dialects", "="), ".. automodule:: arraylosses.dialects", ""]
    for name, cls in al.registered().items():
        if ".dialects." in cls.__module__:
            yield from [f".. autoclass:: {cls.__module__}.{cls.__name__}", "", f".. other-names:: {name}", ""]


def index() -> Iterator[str]:
    """Return the page that lists all losses by family."""
    yield from heading("All losses", "=")
    yield f"{len(losses())} losses in {len(families())} families. A page has the formula, the curve, what a loss takes,"
    yield "an example, when another loss is better, and the names that other libraries have for it."
    yield ""
    for family, names in families().items():
        module = importlib.import_module(f"arraylosses.losses.{family}")
        yield from heading(family.replace("_", " ").capitalize())
        yield from [(module.__doc__ or "").strip().partition("\n")[0], ""]
        yield from [".. list-table::", "   :widths: 30 70", "   :class: losses", ""]
        for name in names:
            yield from [f"   * - :doc:`{name} <{name}>`", f"     - {summary(name)}"]
        yield ""
    yield from [".. toctree::", "   :hidden:", ""]
    yield from [f"   {name}" for name in sorted(losses())]


def write_pages(app: Sphinx) -> None:
    """Write the pages, and leave those alone that have not changed."""
    folder = Path(app.srcdir) / "losses"
    folder.mkdir(exist_ok=True)
    pages = {"index": index(), "dialects": dialects(), **{name: iter(page(name)) for name in losses()}}
    for name, lines in pages.items():
        path, text = folder / f"{name}.rst", "\n".join(lines) + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in folder.glob("*.rst"):
        if path.stem not in pages:
            path.unlink()


def with_figure(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Put the figure of a loss below its formula, and the arrays that a class is called with beside its parameters."""
    loss = name.removeprefix("arraylosses.")
    if what == "class" and "Arrays" in lines:
        place = lines.index("Arrays")
        lines[place : place + 2] = ["Other Parameters", "----------------"]
    if what == "function" and loss in losses():
        lines[lines.index("Parameters") : lines.index("Parameters")] = [f".. loss-figure:: {loss}", ""]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", with_figure, priority=400)  # before numpydoc reads the sections
    return {"parallel_read_safe": True}
