"""Templates show what they are given as text, whatever it holds."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import jinja2
import pytest

from explorer.compare.tables import SectionHeading, table
from explorer.widgets.markup import TEMPLATES, render
from explorer.widgets.page.text import paragraph

# A layer, a label, a token: a stranger names them.
NAME = "</p></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7 * 7 }}"
VALUES = {
    "absence_notice.html": {"reasons": {NAME: [NAME, "b"], "c": []}},
    "facts.html": {
        "rows": [((NAME, NAME, NAME), 1), (NAME, None)],
        "colours": ["#000", "#fff"],
        "most": 1000,
    },
    "layer_heading.html": {
        "name": NAME,
        "colour": "#000",
        "facts": [NAME, NAME],
        "letter": "A",
        "letter_colour": "#fff",
        "remark": NAME,
    },
    "legend.html": {"entries": [(NAME, "#000", "dashes")]},
    "no_counterpart.html": {"letter": NAME},
    "run_name.html": {"letter": "A", "colour": "#000", "name": NAME},
    "settings.html": {"rows": [(NAME, NAME, NAME)], "most": 1000},
    "text.html": {"text": NAME, "style": "margin:0", "role": "note"},
}
# They hold styles and scripts of our own, or a part of a page; tests of their own look at them.
PAGES = {"folder.html", "foreign.html", "page.html", "refusal.html", "replay.html", "report.html"}
OUR_OWN = {"css", "policy", "script", "theme"}


class Reader(HTMLParser):
    """Collects tags, texts and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data):
        self.text += data


def test_every_template_is_tried():
    assert {path.name for path in TEMPLATES.glob("*.html")} == PAGES | set(VALUES)


@pytest.mark.parametrize("name", VALUES)
def test_a_name_with_markup_is_text(name):
    shown = Reader(render(name, **VALUES[name]))
    assert NAME in shown.text
    assert not {"script", "img"} & set(shown.tags)
    assert "onerror" not in shown.attributes


@pytest.mark.parametrize("name", sorted(PAGES))
def test_on_pages_nothing_is_taken_for_markup_but_styles_and_scripts_of_our_own(name):
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    assert set(re.findall(r"{{ *(\w+) *\| *safe *}}", text)) <= OUR_OWN
    assert len(re.findall(r"\bsafe\b", text)) == len(re.findall(r"{{ *\w+ *\| *safe *}}", text))


def test_a_value_that_is_missing_is_a_fault():
    with pytest.raises(jinja2.UndefinedError, match="text"):
        render("text.html", style="", role="")


def test_a_paragraph_has_its_role():
    assert Reader(paragraph("said", "notice", role="status")).attributes == ["role", "style"]
    assert Reader(paragraph("said")).attributes == ["style"]


def test_a_table_cuts_long_texts_and_sets_one_strong():
    rows = [SectionHeading("part"), ("name", "x" * 161, "y" * 160)]
    shown = table(rows, ["#000", "#fff"], [None, 1]).object
    assert f"<td>{'x' * 159}…</td><td><b>{'y' * 160}</b></td>" in shown
    assert '<tr class="part"><td colspan="3">part</td></tr>' in shown
