"""Pictures in shades of grey, parts of which are tinted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# What the bands of colour stand for, in their order: a value is the number of its band plus a
# shade from 0 to 1. Colours of Okabe and Ito (2008), which all eyes tell apart.
BANDS: dict[str, tuple[int, int, int]] = {
    "nothing": (128, 128, 128),
    "right": (0, 158, 115),
    "wrong": (213, 94, 0),
    "missed": (0, 114, 178),
}
DARKEST, BRIGHTEST = 0.55, 1.25
COLOURS = 255


def tinted_palette() -> npt.NDArray[np.uint8]:
    """Colours of all bands, each from dark to bright: (768,) uint8, red, green and blue in turn."""
    codes = (np.arange(256) - 1).clip(0) / COLOURS * len(BANDS)
    band = codes.astype(np.int64).clip(0, len(BANDS) - 1)
    shade = codes - band
    tints = np.array(list(BANDS.values()), np.float64)[band]
    strength = DARKEST + (BRIGHTEST - DARKEST) * shade
    strength = np.where(band == 0, 2 * shade, strength)  # what is not tinted is the picture itself
    colours = (tints * strength[:, None]).clip(0, 255).astype(np.uint8)
    return np.asarray(colours.reshape(-1))
