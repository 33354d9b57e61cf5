"""Pictures that a card saves are what is on screen."""

from __future__ import annotations

import re

import pytest
from PIL import Image
from playwright.sync_api import Page

from store import Run
from tests.e2e.conftest import Begin, Open, card, grid

# Around a card in its picture file, and the resolution of that (explorer/widgets/shared).
SCALE, MARGIN, FOOTER = 2, 14, 14


def saved(page: Page, title: str) -> tuple[str, Image.Image, dict[str, float]]:
    """Name and picture that the button of a card gives, and where the card is."""
    button = card(page, title).get_by_role("button", name="Save")
    button.scroll_into_view_if_needed()
    box = card(page, title).bounding_box()
    assert box is not None
    with page.expect_download() as download:
        button.click()
        page.get_by_role("menuitem", name="PNG").locator("visible=true").click()
    image = Image.open(download.value.path())
    image.load()
    return download.value.suggested_filename, image, dict(box)


def test_the_button_of_a_card_saves_it_as_it_is_on_screen(
    begin: Begin, runs: dict[str, Run]
) -> None:
    step = int(runs["lenet"].steps[5])
    page = begin(index=5)
    name, image, box = saved(page, "Feature maps")
    assert name.startswith(f"feature-maps-lenet-5-on-handwritten-digits-step-{step}-")
    assert name.endswith(".png")
    assert image.format == "PNG"
    size = SCALE * (box["width"] + 2 * MARGIN), SCALE * (box["height"] + 2 * MARGIN + FOOTER)
    assert image.size == pytest.approx(size, abs=1)

    # Each place of the picture has the colour that it has on screen.
    canvas = grid(page).bounding_box()
    assert canvas is not None
    pixels = image.convert("RGB")
    assert pixels.getpixel((0, 0)) == (255, 255, 255)
    found = set()
    for x, y in [(20, 20), (50, 80), (90, 100), (120, 60), (200, 70), (260, 120)]:
        colour = grid(page).evaluate(
            "(canvas, [x, y]) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data]", [x, y]
        )
        across = canvas["x"] - box["x"] + MARGIN + x + 0.5
        down = canvas["y"] - box["y"] + MARGIN + y + 0.5
        kept = pixels.getpixel((round(SCALE * across), round(SCALE * down)))
        assert kept == pytest.approx(tuple(colour[:3]), abs=2), (x, y)
        found.add(kept)
    assert len(found) > 3


def test_figures_probes_and_bars_are_saved_too(watched_page: Page, explore: Open) -> None:
    page = watched_page
    explore("lenet", step=0)
    look_saved(page, background=(255, 255, 255))
    page.get_by_role("button", name="Dark").click()
    look_saved(page, background=(22, 27, 34))
    page.get_by_role("button", name="Light").click()


def look_saved(page: Page, background: tuple[int, int, int]) -> None:
    """Check that figures, probes and bars are saved in the colours that they have on screen."""
    for title, least in [("Loss", 50), ("Probe", 50), ("The network says, at this step", 20)]:
        name, image, box = saved(page, title)
        start = re.sub(r"\W+", "-", f"{title} LeNet-5 on handwritten digits step ")
        assert name.startswith(start.lower())
        colours = {colour: count for count, colour in image.convert("RGB").getcolors(2**24)}
        assert max(colours, key=colours.__getitem__) == background
        assert len(colours) > least
        drawn = 1 - colours[background] / (image.width * image.height)
        assert drawn > 0.02
        # Nothing of what is scrolled out of view stands below the card.
        bottom = SCALE * (box["height"] + MARGIN)
        below = image.convert("RGB").crop((0, round(bottom), image.width, round(bottom) + 6))
        for (least, most), there in zip(below.getextrema(), background, strict=True):
            assert there - 2 <= least <= most <= there + 2
