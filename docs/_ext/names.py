"""Tables of names: what a loss is called elsewhere, and what a library's losses are called here."""

from __future__ import annotations

import functools
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

import arraylosses as al
from arraylosses.loss import Loss
from arraylosses.registry import aliases_of, name_of
from libraries import LIBRARIES


class Name(NamedTuple):
    """What a name stands for in `al.get`."""

    cls: type[Loss]
    settings: Mapping[str, Any]

    @property
    def own(self) -> str:
        """The registered name."""
        return name_of(self.cls)

    @property
    def pages(self) -> set[str]:
        """The losses on whose page the name stands: its own, and that from which a dialect's is derived."""
        known = {cls: name for name, cls in al.registered().items()}
        return {known[cls] for cls in self.cls.__mro__ if cls in known}

    @property
    def said(self) -> str:
        """What `al.get` returns, in reST."""
        settings = ", ".join(f"{key}={value!r}" for key, value in self.settings.items())
        if ".dialects." not in self.cls.__module__:
            return f"``{self.own}({settings})``" if settings else f"``{self.own}``"
        dialect = self.own.partition(".")[0]
        return f"``dialects.{dialect}.{self.cls.__name__}({settings})``: {summary(self.cls)}"


def summary(cls: type[Loss]) -> str:
    return (inspect.getdoc(cls) or "").partition("\n")[0]


def names() -> dict[str, Name]:
    """Return all names that `al.get` takes."""
    found: dict[str, Name] = {}
    for canonical, cls in al.registered().items():
        found[canonical] = Name(cls, {})
        found.update({alias: Name(cls, settings) for alias, settings in aliases_of(canonical).items()})
    return found


@functools.cache
def elsewhere() -> dict[str, list[str]]:
    """Return the losses of other libraries by the modules that they are in."""
    command = [sys.executable, str(Path(__file__).with_name("libraries.py"))]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def libraries_of(name: str) -> list[str]:
    """Return where a name is found: as ``torch.nn.MSELoss``."""
    return [f"{module}.{name}" for module, found in elsewhere().items() if name in found]


class Table(SphinxDirective):
    """A table of reST, written by `rows`: the first of them is its head."""

    required_arguments = 1
    widths = ""

    def rows(self, argument: str) -> Iterator[tuple[str, ...]]:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        head, *rows = self.rows(self.arguments[0])
        if not rows:
            return []
        lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {self.widths}", ""]
        for row in [head, *rows]:
            lines += [f"   {'*' if k == 0 else ' '} - {cell}" for k, cell in enumerate(row)]
        node = nodes.container()
        nested_parse_with_titles(self.state, StringList(lines, "names"), node)
        return node.children


class OtherNames(Table):
    """``other-names:: huber``: the names by which `al.get` knows a loss, and the libraries that have them."""

    widths = "30 35 35"

    def rows(self, argument: str) -> Iterator[tuple[str, ...]]:
        yield "Name", "Library", "``al.get`` of it returns"
        for name, entry in sorted(names().items(), key=lambda item: (".dialects." in item[1].cls.__module__, item[0])):
            if argument in entry.pages and name != argument:
                yield f"``{name}``", ", ".join(f"``{x}``" for x in libraries_of(name)), entry.said


class LibraryNames(Table):
    """``library-names:: PyTorch``: every loss of a library, and what it is here."""

    widths = "45 55"

    def rows(self, argument: str) -> Iterator[tuple[str, ...]]:
        known = names()
        yield argument, "Here"
        for module in LIBRARIES[argument]:
            for name in elsewhere()[module]:
                entry = known.get(name)
                yield f"``{module}.{name}``", entry.said if entry else "none"


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", lambda app: elsewhere())  # once, before the pages are read in several processes
    app.add_directive("other-names", OtherNames)
    app.add_directive("library-names", LibraryNames)
    return {"parallel_read_safe": True}
