"""The report: one file, without scripts, of what was found."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from explorer import findings
from explorer.cli import main
from explorer.derived.findings.facts import Series
from explorer.inquiry.curves import picture
from store import Run


def test_a_report_says_what_was_found_and_runs_nothing(image_run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    answer = CliRunner().invoke(main, ["report", image_run.location, "-o", str(path)])
    assert answer.exit_code == 0, answer.output
    page = path.read_text(encoding="utf-8")
    assert "<script" not in page
    assert not re.search(r"(src|href)=", page)
    for each in findings(image_run):
        assert each.sentence.split(".")[0] in page.replace("&#39;", "'").replace("&gt;", ">")
    (drawn,) = re.findall(r"<svg.*?</svg>", page, re.DOTALL)[:1]
    assert ElementTree.fromstring(drawn).findall("polyline")  # noqa: S314 - our own


def test_a_curve_stays_in_its_picture_whatever_its_peaks() -> None:
    values = np.r_[1e9, np.linspace(2, 1, 999)]
    drawn = picture("loss", {"loss": Series(np.arange(1000), values)})
    assert drawn is not None
    points = [tuple(map(float, each.split(","))) for each in drawn.curves[0].points.split()]
    assert all(0 <= x <= drawn.width and 0 <= y <= drawn.height for x, y in points)
    # What is not the peak takes up most of the height.
    heights = [y for _, y in points[1:]]
    assert max(heights) - min(heights) > drawn.height / 2
    assert picture("loss", {"loss": Series(np.arange(3), np.full(3, np.nan))}) is None
