"""Colours of both themes: what is written can be read on every ground of the page (WCAG 2)."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from explorer.plots.style import RUNS
from explorer.server.app import TEMPLATES
from tests.explorer.node import evaluated

LEAST = 4.5
INKS = ("text", "muted", "select", "time", "right", "wrong")
GROUNDS = ("page", "card", "hover", "quiet", "chosen")


def themes():
    """Colours of the light and of the dark theme by name."""
    sheet = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    blocks = re.findall(r"^:root[^{]*\{(.*?)\}", sheet, re.DOTALL | re.MULTILINE)
    colours = [dict(re.findall(r"--tl-(\w+): (#\w{6});", block)) for block in blocks]
    return [named for named in colours if named]


def luminance(colour):
    share = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_both_themes_name_the_same_colours():
    light, dark = themes()
    assert light.keys() == dark.keys() >= {*INKS, *GROUNDS, "line"}


@pytest.mark.parametrize("number", [0, 1], ids=["light", "dark"])
def test_every_ink_can_be_read_on_every_ground(number):
    theme = themes()[number]
    poor = {
        (ink, ground): contrast(theme[ink], theme[ground])
        for ink, ground in itertools.product(INKS, GROUNDS)
        if contrast(theme[ink], theme[ground]) < LEAST
    }
    assert not poor


def test_letters_of_runs_can_be_read_on_their_colours():
    assert all(contrast("#ffffff", colour) >= LEAST for colour in RUNS)


def test_what_stands_on_a_colour_is_written_in_the_ink_of_more_contrast():
    levels = range(0, 256, 17)
    colours = list(itertools.product(levels, repeat=3))
    found = evaluated(
        "widgets/shared/paint.js", f"{[list(c) for c in colours]}.map((c) => inkOn(...c))"
    )
    full = {"#000": "#000000", "#fff": "#ffffff"}
    for colour, ink in zip(colours, found, strict=True):
        ground = "#{:02x}{:02x}{:02x}".format(*colour)
        assert contrast(full[ink], ground) >= LEAST, ground
