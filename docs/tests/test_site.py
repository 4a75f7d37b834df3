"""What was built is whole: its pages, its links, what its search finds, and the numbers that it draws."""

from __future__ import annotations

import json
import re
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from bs4 import BeautifulSoup
from sphinx.search import languages
from sphinx.util.inventory import InventoryFile

import arraylosses as al
import paths
from arraylosses.peers import LIBRARIES, PEERS
from arraylosses.registry import peers
from names import names

SITE = Path(__file__).parents[1] / "_build" / "html"
PAGES = sorted(SITE.rglob("*.html"))
LOSSES = sorted(n for n, cls in al.registered().items() if cls.__module__.startswith("arraylosses.losses."))

if not PAGES:
    pytest.skip("the site is not built: nox -s docs", allow_module_level=True)


@cache
def soup(page: Path) -> BeautifulSoup:
    return BeautifulSoup(text(page), "html.parser")


@cache
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@cache
def anchors(page: Path) -> set[str]:
    return set(re.findall(r'\bid="([^"]*)"', text(page)))


def asked(page: Path, tags: str) -> list[str]:
    """Return what elements of a page refer to."""
    return [unescape(found) for found in re.findall(rf'<(?:{tags})\b[^>]*?\b(?:href|src)="([^"]*)"', text(page))]


def test_every_loss_has_a_page_and_no_other():
    built = {page.stem for page in (SITE / "losses").glob("*.html")} - {"index", "dialects"}
    assert built == set(LOSSES)


def test_the_index_links_every_loss():
    links = {a["href"] for a in soup(SITE / "losses" / "index.html").select("table a")}
    assert {f"{name}.html" for name in LOSSES} <= links


def test_every_page_of_a_loss_has_a_formula_and_curves():
    for name in LOSSES:
        page = text(SITE / "losses" / f"{name}.html")
        assert "katex-display" in page, name
        assert page.count('aria-label="loss by') == page.count('aria-label="derivative by') == 1, name


def test_every_formula_is_typeset():
    assert [page.name for page in PAGES if "katex-error" in text(page)] == []


def test_every_link_within_the_site_leads_somewhere():
    broken = []
    for page in PAGES:
        for href in asked(page, "a"):
            link = urlsplit(href)
            if link.scheme or link.netloc:
                continue
            target = (page.parent / unquote(link.path)).resolve() if link.path else page
            if not target.exists() or (
                link.fragment and target.suffix == ".html" and unquote(link.fragment) not in anchors(target)
            ):
                broken.append(f"{page.name}: {href}")
    assert broken == []


def test_the_site_asks_no_other_host():
    for page in PAGES:
        for src in asked(page, "script|link|img|iframe|source"):
            assert not urlsplit(src).netloc, f"{page.name} asks {src}"
    for sheet in SITE.rglob("*.css"):
        for url in re.findall(r"url\(([^)]*)\)", text(sheet)):
            assert not urlsplit(url.strip("'\"")).netloc, f"{sheet.name} asks {url}"


@cache
def index() -> dict:
    return json.loads(text(SITE / "searchindex.js").removeprefix("Search.setIndex(").removesuffix(")"))


def found(word: str) -> set[str]:
    """Return the pages on which the search of the site finds a word."""
    name = languages["en"]
    module, _, cls = name.rpartition(".") if isinstance(name, str) else ("", "", "")
    language = getattr(__import__(module, fromlist=[cls]), cls)({}) if module else name({})
    pages = [index()[kind].get(language.stem(word.lower()), []) for kind in ("terms", "titleterms")]
    return {index()["docnames"][k] for some in pages for k in (some if isinstance(some, list) else [some])}


def test_the_search_finds_every_name():
    missing = []
    for name, entry in names().items():
        pages = {f"losses/{page}" for page in entry.pages if "." not in page} or {"losses/dialects"}
        if "." not in name and not pages & found(name):
            missing.append(name)
    assert missing == []


@pytest.mark.parametrize("path", PEERS)
def test_the_page_of_a_library_has_all_its_losses(path):
    library = LIBRARIES[path.partition(".")[0]]
    page = soup(SITE / "libraries" / f"{'torch' if library == 'PyTorch' else library.lower()}.html")
    shown = {code.get_text() for code in page.select("table code")}
    assert {peer.name for peer in peers(path).values()} <= shown


@pytest.mark.parametrize(
    "name", [n for n in LOSSES if n != "circle"]
)  # the gradient of `circle` holds its weights fixed
def test_a_curve_is_the_function_s_own(name):
    """The loss is computed point by point by the function form, and the derivative is compared with differences."""
    function = getattr(al, name)
    settings = paths.settings_of(name)[-1]
    drawn = paths.curve(name, settings, "")
    some = slice(5, -5, 25 if len(drawn.points) > 200 else 7)
    path = paths.path_of(name)

    def arrays(x):
        """The arrays at one place; of a line, as many of them as it has points, whose mean is the loss of one."""
        return path.arrays(x if isinstance(path, paths.Path) else np.full(path.points.shape, float(x)))

    def value(x: float) -> float:
        return float(function(*arrays(np.asarray(x)), **settings))

    with np.errstate(all="ignore"):
        for x, loss, slope in zip(drawn.points[some], drawn.loss[some], drawn.derivative[some], strict=True):
            np.testing.assert_allclose(loss, value(x), rtol=1e-9, atol=1e-12)
            step = 1e-6
            sides = (value(x + step) - loss) / step, (loss - value(x - step)) / step
            assert min(sides) - 1e-3 * (1 + abs(slope)) <= slope <= max(sides) + 1e-3 * (1 + abs(slope))


def test_every_public_name_is_documented():
    inventory = InventoryFile.loads((SITE / "objects.inv").read_bytes(), uri="").data
    documented = {name for kind, items in inventory.items() if kind.startswith("py:") for name in items}
    modules = {"autodiff", "dialects", "functions", "losses", "special", "__version__"}
    assert {f"arraylosses.{name}" for name in al.__all__ if name not in modules} <= documented
    assert {f"arraylosses.special.{name}" for name in al.special.__all__} <= documented
