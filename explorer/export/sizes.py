"""How large a figure is: in pixels for screens, in millimetres for paper."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

MM_PER_INCH = 25.4
CSS_PER_INCH = 96.0
# On paper, the texts of a card are set at three quarters of their size on screen: of 12 pixels, 9
# points there, that is 7 points, which journals ask for at least.
PAPER_SCALE = 0.75
# What a card can be laid out in, and what a picture can have.
LEAST_PIXELS, MOST_PIXELS = 320, 7680
DEFAULT_DPI = 300

_MM = {"mm": 1.0, "cm": 10.0, "in": MM_PER_INCH}


@dataclass(frozen=True, slots=True)
class Width:
    """Width of a figure.

    Attributes
    ----------
    page : int
        Pixels of the page in which it is laid out.
    scale : float
        Pixels of a picture for each pixel of the page.
    mm : float or None
        Width on paper; None: it is meant for a screen.
    dpi : int
        Pixels an inch on paper.
    """

    page: int
    scale: float
    mm: float | None = None
    dpi: int = 0


def width_of(text: str, *, scale: float = 1, dpi: int = DEFAULT_DPI) -> Width:
    """Read a width, such as 1280, 1280px, 85mm, 8.5cm or 3.3in.

    Parameters
    ----------
    text : str
        A number of pixels, or a length.
    scale : float
        Of a width in pixels: pixels of the picture for each of them.
    dpi : int
        Of a length: pixels an inch.

    Raises
    ------
    ValueError
        It is neither, or too small or too large to draw.

    Examples
    --------
    >>> width_of("1280").page
    1280
    >>> one = width_of("85mm", dpi=300)
    >>> one.page, round(one.page * one.scale)
    (428, 1004)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(px|mm|cm|in)?\s*", text.casefold())
    if found is None:
        raise ValueError(f"expected for instance 1280 (pixels) or 85mm, got {text!r}")
    number, unit = float(found[1]), found[2] or "px"
    mm = number * _MM[unit] if unit in _MM else None
    page = number if mm is None else mm / MM_PER_INCH * CSS_PER_INCH / PAPER_SCALE
    if not LEAST_PIXELS <= round(page) <= MOST_PIXELS:
        least, most = (
            (bound if mm is None else bound * PAPER_SCALE * MM_PER_INCH / CSS_PER_INCH / _MM[unit])
            for bound in (LEAST_PIXELS, MOST_PIXELS)
        )
        raise ValueError(f"expected {least:.3g} to {most:.4g} {unit}, got {text!r}")
    page_pixels = round(page)
    if mm is None:
        return Width(page_pixels, scale)
    return Width(page_pixels, mm / MM_PER_INCH * dpi / page_pixels, mm, dpi)


def sized_svg(svg: str, width: Width) -> str:
    """Give an SVG document the width that was asked for, and the height that goes with it.

    Parameters
    ----------
    svg : str
        Document with a ``viewBox``.
    width : Width
        How wide.
    """
    root = re.match(r"<svg\b[^>]*>", svg)
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', root[0]) if root else None
    if root is None or box is None:
        return svg
    ratio = float(box[2]) / float(box[1])
    wide, unit = (width.page, "") if width.mm is None else (width.mm, "mm")
    bare = re.sub(r'\s(?:width|height)="[^"]*"', "", root[0])
    sized = f'<svg width="{wide:g}{unit}" height="{wide * ratio:.6g}{unit}"{bare[4:]}'
    return sized + svg[root.end() :]


def with_dpi(png: bytes, dpi: int) -> bytes:
    """Give a PNG file the number of pixels an inch, as programs for text read it.

    The chunk ``pHYs`` (pixels a metre) goes right behind the header, which has 33 bytes with the
    signature: see the PNG specification, 11.3.4.3.
    """
    a_metre = round(dpi / MM_PER_INCH * 1000)
    content = b"pHYs" + struct.pack(">IIB", a_metre, a_metre, 1)
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    return png[:33] + chunk + png[33:]
