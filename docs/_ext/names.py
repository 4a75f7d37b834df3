"""Tables of names: what a loss is called elsewhere, and what a library's losses are called here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

import arraylosses as al
from arraylosses.loss import Loss
from arraylosses.peers import LIBRARIES, PEERS
from arraylosses.registry import aliases_of, name_of, peers, peers_of


class Name(NamedTuple):
    """What a name stands for in `al.get`."""

    cls: type[Loss]
    settings: Mapping[str, Any]

    @property
    def pages(self) -> set[str]:
        """The losses on whose page the name stands: its own, and that from which a dialect's is derived."""
        known = {cls: name for name, cls in al.registered().items()}
        return {known[cls] for cls in self.cls.__mro__ if cls in known}


def names() -> dict[str, Name]:
    """Return all names that `al.get` takes."""
    found: dict[str, Name] = {}
    for canonical, cls in al.registered().items():
        found[canonical] = Name(cls, {})
        found.update({alias: Name(cls, settings) for alias, settings in aliases_of(canonical).items()})
    return found


def call(loss: str, settings: Mapping[str, Any]) -> str:
    """Return a loss with settings as code, from which `links` makes a link."""
    said = ", ".join(f"{key}={value!r}" for key, value in settings.items())
    return f"``{loss}({said})``" if said else f"``{loss}``"


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
    """``other-names:: huber``: the losses of other libraries that are one of ours, and the names that `get` takes."""

    widths = "45 30 25"

    def rows(self, argument: str) -> Iterator[tuple[str, ...]]:
        yield "Elsewhere, or in ``al.get``", "Here", "What differs"
        for peer in peers_of(argument):
            yield f"``{peer.name}``", call(peer.loss, peer.settings), peer.differs
        for name, entry in sorted(names().items()):
            if argument in entry.pages and name != argument:
                yield f"``{name}``", call(name_of(entry.cls), entry.settings), ""


class LibraryNames(Table):
    """``library-names:: PyTorch``: every loss of a library, and what it is here."""

    widths = "40 30 30"

    def rows(self, argument: str) -> Iterator[tuple[str, ...]]:
        yield argument, "Here", "What differs"
        for path in PEERS:
            if LIBRARIES[path.partition(".")[0]] == argument:
                for peer in peers(path).values():
                    yield f"``{peer.name}``", call(peer.loss, peer.settings) if peer.loss else "none", peer.differs


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("other-names", OtherNames)
    app.add_directive("library-names", LibraryNames)
    return {"parallel_read_safe": True}
