"""Canvases on which real digits lie: among clutter, or several of them."""

from __future__ import annotations

import numpy as np

from recorder.presets.preset import Data
from store.format.names import Array

SIDE = 28  # of a digit
CLUTTERED = 40  # side of a canvas with clutter
PIECE = 8  # side of a piece of clutter, cut out of other digits
PIECES = 6
INK = 0.5  # what is darker belongs to the digit
QUARTERS = 4
MOST_DIGITS = 3


def cluttered(digits: Array, seed: int) -> tuple[Array, Array]:
    """Put each digit at a random place on a canvas of its own, among pieces of other digits.

    Parameters
    ----------
    digits : ndarray (example, 28, 28, 1)
        The digits, in 0 to 1.
    seed : int
        Of places and pieces.

    Returns
    -------
    canvases : ndarray (example, 40, 40, 1), float32
    masks : ndarray (example, 40, 40, 1), uint8
        1 where a pixel belongs to the digit.
    """
    generator = np.random.default_rng(seed)
    canvases = np.zeros((len(digits), CLUTTERED, CLUTTERED, 1), np.float32)
    masks = np.zeros(canvases.shape, np.uint8)
    for canvas, mask, digit in zip(canvases, masks, digits, strict=True):
        for other in generator.integers(len(digits), size=PIECES):
            # Pieces come from the middle of a digit, where the ink is.
            top, left = generator.integers(4, SIDE - PIECE - 4, size=2)
            piece = digits[other, top : top + PIECE, left : left + PIECE]
            y, x = generator.integers(0, CLUTTERED - PIECE + 1, size=2)
            part = canvas[y : y + PIECE, x : x + PIECE]
            np.maximum(part, piece, out=part)
        y, x = generator.integers(0, CLUTTERED - SIDE + 1, size=2)
        part = canvas[y : y + SIDE, x : x + SIDE]
        np.maximum(part, digit, out=part)
        mask[y : y + SIDE, x : x + SIDE] = digit > INK
    return canvases, masks


def several(data: Data, count: int, *, held_out: bool, seed: int) -> tuple[Array, Array]:
    """Put one digit to three into different quarters of each canvas.

    Parameters
    ----------
    data : Data
        Digits and their classes.
    count : int
        How many canvases.
    held_out : bool
        Whether held-out digits are taken, or those to learn from.
    seed : int
        Of digits and quarters.

    Returns
    -------
    canvases : ndarray (example, 56, 56, 1), float32
    tags : ndarray (example, 10), uint8
        1 for each digit that is on the canvas.
    """
    digits = data.x_held_out if held_out else data.x_train
    classes = data.y_held_out if held_out else data.y_train
    generator = np.random.default_rng(seed)
    canvases = np.zeros((count, 2 * SIDE, 2 * SIDE, 1), np.float32)
    tags = np.zeros((count, 10), np.uint8)
    for canvas, marks in zip(canvases, tags, strict=True):
        quarters = generator.permutation(QUARTERS)[: generator.integers(1, MOST_DIGITS + 1)]
        for quarter in quarters:
            chosen = generator.integers(len(digits))
            y, x = SIDE * (quarter // 2), SIDE * (quarter % 2)
            canvas[y : y + SIDE, x : x + SIDE] = digits[chosen]
            marks[classes[chosen]] = 1
    return canvases, tags
