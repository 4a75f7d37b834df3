"""Every block of Python in the README and the site runs, and prints what the block of text below it shows."""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from markdown_it import MarkdownIt

import arraylosses as al

os.environ.setdefault("KERAS_BACKEND", "jax")  # read when Keras is imported

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts)]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(page: Path) -> list[tuple[int, str, str | None]]:
    """Return the line, the code and the output shown of each block of Python."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    found = []
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "fence" and token.info == "python":
            shown = after.content if after is not None and after.type == "fence" and after.info == "text" else None
            found.append((token.map[0] + 1, token.content, shown))
    return found


def run(page: Path, line: int, code: str, namespace: dict) -> str:
    """Run a block of code, such that an error names the line of the page."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile("\n" * line + code, str(page), "exec"), namespace)
    return out.getvalue()


@pytest.mark.filterwarnings("default")  # other libraries' own
@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=lambda p: str(p.relative_to(ROOT)))
def test_the_code_of_a_page_runs_and_prints_what_is_shown(page, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    namespace: dict = {}
    for line, code, shown in blocks(page):
        # A block of the README is complete; the blocks of a page follow each other.
        with np.printoptions():
            printed = run(page, line, code, {} if page.name == "README.md" else namespace)
        if shown is None:
            assert printed == "", f"line {line} prints {printed!r}, which is not shown"
        else:
            assert doctest.OutputChecker().check_output(shown, printed, FLAGS), f"line {line} prints\n{printed}"


def test_the_front_page_says_what_can_be_installed():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    table = re.findall(r"^\| (`.*?) \|", (ROOT / "docs" / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(table))) == set(extras)


def test_the_version_to_cite_is_this_one():
    for page, found in (
        (ROOT / "CITATION.cff", r"^version: (\S+)$"),
        (ROOT / "docs" / "index.md", r"^Version (\S+)\. "),
    ):
        assert re.findall(found, page.read_text(encoding="utf-8"), re.MULTILINE) == [al.__version__]
