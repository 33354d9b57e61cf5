"""The documentation site: ``make docs`` builds it from the repository, without a network."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent / "_extensions")]

project = "Trainlapse"
author = "The Trainlapse developers"
project_copyright = author
release = importlib.metadata.version("trainlapse")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "command_help",
]
exclude_patterns = ["_build", "_extensions"]
root_doc = "index"
default_role = "py:obj"
nitpicky = False

autosummary_generate = True
autosummary_imported_members = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 4

html_theme = "pydata_sphinx_theme"
html_title = "Trainlapse"
html_static_path = ["_static"]
html_css_files = ["site.css"]
# The site asks no other host: no fonts, no scripts, no badges from elsewhere.
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
    "navigation_with_keys": False,
}
# Pages without pages below them need no column for those.
html_sidebars = {"index": [], "ten_minutes": []}
html_copy_source = False
html_show_sourcelink = False

# Pages of the repository that are pages of the site as well.
SHARED = {
    "README.md": "/index.md",
    "SCHEMA.md": "/reference/schema.md",
    "SECURITY.md": "/reference/security.md",
    "CHANGELOG.md": "/reference/changelog.md",
    "CONTRIBUTING.md": "/contributing.md",
    "ARCHITECTURE.md": "/architecture.md",
}
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")


def _link_within_site(_app: Any, _path: Path, _docname: str, content: list[str]) -> None:
    """Let links between pages of the repository lead to pages of the site, and others to none."""

    def target(match: re.Match[str]) -> str:
        page = SHARED.get(match[1])
        return f"]({page}{match[2] or ''})" if page else "](#)"

    content[0] = _LINK.sub(target, content[0])


def setup(app: Any) -> None:
    """Register what is our own."""
    app.connect("include-read", _link_within_site)
