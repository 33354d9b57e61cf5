"""How much fits on a card: tiles, rows and weights that can still be distinguished."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from explorer.derived.time.frames import sample_indices

# Few rows are no higher than that, each; and what else a picture has: labels, legend.
ROW_HEIGHT, LABELS_HEIGHT = 26, 100
# Rows and columns beyond this are averaged: a screen hardly has more pixels for them.
MOST_SHOWN = 512
# Columns whose numbers have room under them.
MOST_NUMBERED = 64
# Weights that can be read and drawn while the slider moves.
MOST_WEIGHTS = 2**22
# Tiles that have room for a caption each.
MOST_CAPTIONS = 64
# Every channel of every unit at once, up to this number of tiles.
MOST_SLICES = 128


# Curves of a million updates hold no more than what a screen shows.
MOST_POINTS = 4000
# Low enough that the moving pictures below are on screen with the curves.
COMPACT_HEIGHT = 140
# Rows beyond this are thinner than a pixel.
MOST_ROWS = 512


# Words that a browser recolours at every step without a delay.
MOST_TOKENS = 400


def shown_rows(count: int) -> npt.NDArray[np.int64]:
    """Choose the units that are drawn: all, or evenly spread ones of very many."""
    return np.array(sample_indices(count, MOST_ROWS), np.int64)
