"""Pictures of what moves along the path of a loss of boxes, masks, sequences, vectors or lists."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Arc, Circle, FancyArrowPatch, Rectangle

from paths import ALIGNMENT, CENTRE, DOCUMENTS, LABELS, RADIUS, VIEW

MOVED, FIXED, OTHER = "#2e86de", "#e67700", "#2f9e44"


def _bare(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=9)
    axes.set_axis_off()


def boxes(axes: Axes) -> None:
    axes.add_patch(Rectangle((0, 0), 2, 1.5, fill=False, edgecolor=FIXED, linewidth=2))
    axes.add_patch(Rectangle((1.2, 0), 2, 1.5, fill=False, edgecolor=MOVED, linewidth=2, linestyle="--"))
    axes.annotate("", (2.9, 1.8), (1.2, 1.8), arrowprops={"arrowstyle": "->", "color": MOVED})
    axes.text(0, -0.4, "target", color=FIXED)
    axes.text(3.2, -0.4, "prediction", color=MOVED, ha="right")
    axes.set(xlim=(-0.5, 4), ylim=(-0.8, 2.2), aspect="equal")
    _bare(axes, "what moves")


def masks(axes: Axes) -> None:
    axes.imshow(np.where(LABELS, 0.35, np.nan), cmap="Oranges", vmin=0, vmax=0.7, alpha=0.6)
    axes.add_patch(Circle((CENTRE[0] + 4, CENTRE[1]), RADIUS, fill=False, edgecolor=MOVED, linewidth=2, linestyle="--"))
    axes.annotate("", (21, 1), (14, 1), arrowprops={"arrowstyle": "->", "color": MOVED})
    axes.text(2, 14.5, "labels", color=FIXED)
    axes.text(22, 14.5, "prediction", color=MOVED, ha="right")
    _bare(axes, "what moves")


def _vectors(axes: Axes, still: dict[str, tuple[float, str]], moved: str, title: str = "what moves") -> None:
    """Vectors of length 1 by their angles: those that are held, and the one that turns."""
    for label, (degrees, colour) in {**still, moved: (50.0, MOVED)}.items():
        end = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        style = "--" if label == moved else "-"
        axes.add_patch(
            FancyArrowPatch((0, 0), end, arrowstyle="->", mutation_scale=12, color=colour, linewidth=2, linestyle=style)
        )
        axes.text(1.12 * end[0], 1.12 * end[1], label, color=colour, ha="center", va="center", fontsize=8)
    axes.add_patch(Arc((0, 0), 0.8, 0.8, theta1=0, theta2=50, color=MOVED))
    axes.set(xlim=(-1.5, 1.5), ylim=(-0.2, 1.3), aspect="equal")
    _bare(axes, title)


def pair(axes: Axes) -> None:
    _vectors(axes, {"target": (0.0, FIXED)}, "prediction")


def queries(axes: Axes) -> None:
    _vectors(axes, {"own key": (0.0, FIXED), "key 2": (90.0, OTHER), "key 3": (180.0, OTHER)}, "query")


def classes(axes: Axes) -> None:
    still = {"own class": (0.0, FIXED), " ": (10.0, FIXED), "other": (120.0, OTHER), "other ": (180.0, OTHER)}
    _vectors(axes, still, "embedding")


def proxies(axes: Axes) -> None:
    _vectors(axes, {"own proxy": (0.0, FIXED), "other": (180.0, OTHER)}, "embedding")


def cosines(axes: Axes) -> None:
    _vectors(axes, {"own class": (0.0, FIXED), "other": (90.0, OTHER)}, "embedding")


def triplet(axes: Axes) -> None:
    for label, (x, y), colour in (
        ("anchor", (0, 0), "#868e96"),
        ("positive", (0, 1), FIXED),
        ("negative", (1.8, 0), MOVED),
    ):
        axes.plot(x, y, "o", color=colour)
        axes.text(x + 0.1, y + 0.08, label, color=colour)
    axes.annotate("", (3.2, 0), (1.95, 0), arrowprops={"arrowstyle": "->", "color": MOVED})
    axes.set(xlim=(-0.3, 3.6), ylim=(-0.5, 1.5), aspect="equal")
    _bare(axes, "what moves")


def frames(axes: Axes) -> None:
    axes.imshow(ALIGNMENT.T, cmap="Blues", vmin=0, vmax=1.6, origin="lower")
    for frame, symbol in enumerate(ALIGNMENT.argmax(axis=1)):
        axes.text(frame, symbol, "+", ha="center", va="center", fontsize=12)
    axes.set(yticks=[0, 1, 2], yticklabels=["∅", "1", "2"])
    axes.set_title("logits that are raised, frame by frame", fontsize=9)


def documents(axes: Axes) -> None:
    axes.barh(range(1, 5), DOCUMENTS, color=OTHER)
    axes.barh([0], [1.4], color="none", edgecolor=MOVED, linewidth=2, linestyle="--")
    relevance = [3, 1, 0, 2, 0]
    axes.set(yticks=range(5), yticklabels=relevance, xlim=(-1, 3))
    axes.invert_yaxis()
    axes.set_title("scores by relevance: the first one moves", fontsize=9)


def views(axes: Axes) -> None:
    axes.plot(*VIEW[0, :, :2].T, "o", color=FIXED, label="first view", markersize=5)
    axes.plot(*(0.7 * VIEW[0] + 0.3 * VIEW[1])[:, :2].T, "x", color=MOVED, label="second view")
    axes.legend(fontsize=7.5)
    _bare(axes, "what moves: two of three features")


SCENES: dict[str, Callable[[Axes], None]] = {
    **dict.fromkeys(["iou", "giou", "diou", "ciou"], boxes),
    **dict.fromkeys(["dice", "generalized_dice", "jaccard", "lovasz_hinge", "lovasz_softmax", "mcc", "tversky"], masks),
    **dict.fromkeys(["cosine_similarity", "cosine_embedding"], pair),
    **dict.fromkeys(["clip_contrastive", "info_nce", "siglip"], queries),
    **dict.fromkeys(
        [
            "circle",
            "lifted_structure",
            "multi_similarity",
            "nt_xent",
            "supervised_contrastive",
            "triplet_batch_hard",
            "triplet_batch_semi_hard",
        ],
        classes,
    ),
    **dict.fromkeys(["proxy_anchor", "proxy_nca"], proxies),
    **dict.fromkeys(
        ["approx_ndcg", "lambda_loss", "list_mle", "list_net", "pairwise_hinge", "pairwise_logistic"], documents
    ),
    "angular_margin_softmax": cosines,
    "barlow_twins": views,
    "ctc": frames,
    "triplet_margin": triplet,
    "vicreg": views,
}
