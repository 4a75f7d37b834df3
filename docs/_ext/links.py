"""Links from code to what it names: ``huber`` anywhere in a text leads to the page of the loss."""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

import arraylosses as al


def target(text: str) -> str | None:
    """Return the public object that a piece of code names, as ``al.Mean`` or, of a loss, ``huber``."""
    name = text.removeprefix("arraylosses.").removeprefix("al.").partition("(")[0]
    is_loss = name in al.losses.__all__ or name in al.functions.__all__
    return f"arraylosses.{name}" if is_loss or (name in al.__all__ and text.startswith("al.")) else None


def link_names(app: Sphinx, document: nodes.document) -> None:
    """Make a reference of each literal that names something public, headings and links aside."""
    for literal in list(document.findall(nodes.literal)):
        name = target(literal.astext())
        if name is None or isinstance(literal.parent, nodes.title | nodes.reference | addnodes.pending_xref):
            continue
        reference = addnodes.pending_xref(
            "", refdomain="py", reftype="obj", reftarget=name, refdoc=app.env.docname, refwarn=False
        )
        literal.replace_self(reference)
        reference += literal


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", link_names)
    return {"parallel_read_safe": True}
