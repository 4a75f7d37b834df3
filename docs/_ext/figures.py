"""Figures drawn while the site is built: ``loss-figure`` on the page of a loss, ``loss-plot`` of several losses.

They stand in the page as SVG whose text and lines have the colour of the page's text, so that they are legible on a
light and on a dark ground.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import matplotlib as mpl
from docutils import nodes
from docutils.parsers.rst import directives
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from paths import Curve, curve, path_axis, settings_of
from scenes import SCENES

INK = "#010203"
"""Stands for the colour of the page's text while matplotlib draws."""

COLOURS = ("#2e86de", "#e67700", "#2f9e44", "#d6336c", "#845ef7")

STYLE = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.prop_cycle": mpl.cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "grid.color": INK,
    "grid.alpha": 0.15,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "svg.fonttype": "none",
    "svg.hashsalt": "arraylosses",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def svg(draw: Callable[[Axes], None], label: str) -> str:
    """Return a drawing as an SVG element."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.1, 2.3))
        draw(figure.add_axes((0.14, 0.11, 0.83, 0.79)))
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue()
    text = re.sub(r"<(metadata|\?xml|!DOCTYPE).*?(</metadata>|>)", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'(<svg [^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg [^>]*?) width="[^"]*"', rf'\1 role="img" aria-label="{label}"', text, count=1)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    return "\n".join(line for line in text.replace(INK, "currentColor").splitlines() if line.strip())


def plots(curves: Sequence[Curve], axis: str) -> list[str]:
    """Return the plots of curves: the loss, its derivative, and the second one where each curve has it."""
    parts = {"loss": "loss", "derivative": "derivative"}
    if all(one.second is not None for one in curves):
        parts["second"] = "second derivative"

    def drawing(part: str, title: str) -> Callable[[Axes], None]:
        def draw(axes: Axes) -> None:
            for k, one in enumerate(curves):
                style = ("-", "--", "-.", ":")[k % 4]
                axes.plot(one.points, getattr(one, part), style, label=one.label)
            axes.set_title(title, fontsize=9)
            axes.grid(visible=True)
            if part == "loss" and any(one.label for one in curves):
                axes.legend(fontsize=7.5)

        return draw

    return [svg(drawing(part, title), f"{title} by {axis}") for part, title in parts.items()]


def row(pictures: Sequence[str], caption: str) -> nodes.raw:
    """Return pictures beside each other, or below each other where there is no room, and what is on their axis."""
    html = f'<figure class="curves"><div>{"".join(pictures)}</div><figcaption>{caption}</figcaption></figure>'
    return nodes.raw("", html, format="html")


def said(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in settings.items())


class LossFigure(SphinxDirective):
    """``loss-figure:: huber``: a loss at several settings, and a picture of what moves where that is no number."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        several = settings_of(name)
        curves = [curve(name, s, said(s) or ("defaults" if len(several) > 1 else "")) for s in several]
        axis = path_axis(name)
        scene = [svg(SCENES[name], f"what moves: {axis}")] if name in SCENES else []
        return [row([*scene, *plots(curves, axis)], f"Horizontal axis: {axis}.")]


class LossPlot(SphinxDirective):
    """``loss-plot::`` with a line for each loss, such as ``huber delta=2``: several losses in one plot."""

    has_content = True
    option_spec: ClassVar = {"caption": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        curves, axes = [], set()
        for line in self.content:
            name, *given = line.split()
            settings = {key: float(value) for key, _, value in (part.partition("=") for part in given)}
            curves.append(curve(name, settings, f"{name} {said(settings)}".strip()))
            axes.add(path_axis(name))
        if len(axes) > 1:
            raise self.error(f"the losses have several axes: {axes}")
        axis = axes.pop()
        return [row(plots(curves, axis), self.options.get("caption", f"Horizontal axis: {axis}."))]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("loss-figure", LossFigure)
    app.add_directive("loss-plot", LossPlot)
    return {"parallel_read_safe": True}
