"""Kernels as pictures, and the patches of the input that excite a unit most.

Kernels are shaped as Keras shapes them: (kernel_y, kernel_x, channel, unit), channels being the
units of the layer before. A kernel (kernel_x, channel, unit) counts as one of height 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

RGB = 3


def kernel_tiles(kernel: Array) -> Array:
    """Every slice of a kernel.

    Parameters
    ----------
    kernel : ndarray (kernel_y, kernel_x, channel, unit) or (kernel_x, channel, unit)

    Returns
    -------
    ndarray (unit, channel, kernel_y, kernel_x)
        A view.

    Raises
    ------
    ValueError
        If the kernel has another number of axes.
    """
    if kernel.ndim not in (3, 4):
        raise ValueError(
            f"A kernel of shape {kernel.shape} was passed; (kernel_y, kernel_x, channel, unit) or "
            "(kernel_x, channel, unit) was expected. Dense kernels are drawn as a matrix."
        )
    whole = kernel if kernel.ndim == 4 else kernel[None]
    return np.transpose(whole, (3, 2, 0, 1))


def channel_tiles(kernel: Array, channel: int) -> Array:
    """Tiles of one channel: the weights that each unit has for it.

    Parameters
    ----------
    kernel : ndarray (kernel_y, kernel_x, channel, unit)
    channel : int
        Which channel.

    Returns
    -------
    ndarray (unit, kernel_y, kernel_x)

    Raises
    ------
    ValueError
        The kernel has no such channel.
    """
    tiles = kernel_tiles(kernel)
    if not -tiles.shape[1] <= channel < tiles.shape[1]:
        raise ValueError(
            f"Channel {channel} was asked for, but the kernel has {tiles.shape[1]}: "
            f"choose 0 to {tiles.shape[1] - 1}."
        )
    return tiles[:, channel]


def combined_tiles(kernel: Array, *, how: Literal["sum", "rms"] = "sum") -> Array:
    """One tile a unit, over all channels.

    Parameters
    ----------
    kernel : ndarray (kernel_y, kernel_x, channel, unit)
    how : {"sum", "rms"}
        The sum over channels: what a unit makes of channels that are all alike, as those of a grey
        picture are. Or the root of their mean square: where a unit looks at all, with no sign.

    Returns
    -------
    ndarray (unit, kernel_y, kernel_x), float64
    """
    tiles = kernel_tiles(kernel).astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        if how == "sum":
            return np.asarray(tiles.sum(axis=1))
        return np.asarray(np.sqrt(np.square(tiles).mean(axis=1)))


def colour_tiles(kernel: Array, *, bound: float | None = None) -> npt.NDArray[np.uint8]:
    """Tiles of a first layer as colours: its weights for red, green and blue.

    Parameters
    ----------
    kernel : ndarray (kernel_y, kernel_x, 3, unit)
    bound : float, optional
        Weight of full colour; by default the greatest size in the kernel. Pass the same one for
        all steps.

    Returns
    -------
    ndarray (unit, kernel_y, kernel_x, 3), uint8
        Mid grey (128) is a weight of 0, 1 is ``-bound`` and 255 is ``bound``; values beyond
        saturate. 0 where a weight is NaN.

    Raises
    ------
    ValueError
        The kernel has other than three channels.
    """
    tiles = np.moveaxis(kernel_tiles(kernel), 1, -1).astype(np.float64)
    if tiles.shape[-1] != RGB:
        raise ValueError(
            f"A kernel with {tiles.shape[-1]} channels was passed; colours need {RGB}. "
            "Draw its channels one by one: `channel_tiles`."
        )
    if bound is None:
        finite = np.abs(tiles[np.isfinite(tiles)])
        bound = float(finite.max(initial=0))
    shares = np.clip(tiles / bound, -1, 1) if bound > 0 else np.where(np.isnan(tiles), np.nan, 0)
    return np.where(np.isnan(shares), 0, np.rint(128 + 127 * np.nan_to_num(shares))).astype(
        np.uint8
    )


@dataclass(frozen=True)
class TopPositions:
    """Where a unit answers most, at most once a probe, the greatest value first.

    Attributes
    ----------
    probe, y, x : ndarray (position,), int64
        Which probe, and where in the unit's feature map.
    value : ndarray (position,)
        The activation there.
    """

    probe: Array
    y: Array
    x: Array
    value: Array


def top_positions(maps: Array, *, most: int = 9) -> TopPositions:
    """Where a unit answers most.

    Zeiler and Fergus (2014), *Visualizing and understanding convolutional networks*, show units by
    the patches of the input at such places.

    Parameters
    ----------
    maps : ndarray (probe, y, x)
        Feature map of one unit for each probe. NaN is left out, and a probe that is all NaN.
    most : int
        Positions to give.

    Returns
    -------
    TopPositions
        Of equal values the first probe, and in a probe the first row and column.
    """
    probes, height, width = maps.shape
    flat = maps.reshape(probes, height * width)
    known = ~np.isnan(flat)
    seen = np.flatnonzero(known.any(axis=1))
    if not seen.size:
        none = np.zeros(0, np.int64)
        return TopPositions(none, none, none, np.zeros(0, maps.dtype))
    flat, known = flat[seen], known[seen]
    place = np.where(known, flat, -np.inf).argmax(axis=1)
    # Where all that is known is minus infinity, the place above may be one that is NaN.
    place = np.where(
        np.take_along_axis(known, place[:, None], 1)[:, 0], place, known.argmax(axis=1)
    )
    value = np.take_along_axis(flat, place[:, None], 1)[:, 0]
    order = np.argsort(-value.astype(np.float64), kind="stable")[:most]
    y, x = np.divmod(place[order], width)
    return TopPositions(seen[order], y, x, value[order])


def cut_patches(
    inputs: Array, probe: Array, boxes: Array, *, size: tuple[int, int] | None = None
) -> Array:
    """Cut patches out of the network's input.

    Parameters
    ----------
    inputs : ndarray (probe, y, x) or (probe, y, x, channel)
        The probes as the network gets them.
    probe : ndarray of int (patch,)
        Which probe each patch is cut out of.
    boxes : ndarray of int (patch, 4)
        Its place: y0, y1, x0, x1, from y0 to before y1, as of
        `explorer.derived.network.receptive_field`. It may be cut off at the border of the input,
        or reach beyond.
    size : tuple of int, optional
        Height and width of all patches; by default those of the largest box.

    Returns
    -------
    ndarray (patch, height, width) or (patch, height, width, channel)
        Zero beyond the input, which is what the network's own padding puts there: a box that is
        cut off at a border is filled up on that side.

    Raises
    ------
    ValueError
        If there is not one box a patch, or one is larger than the size.
    """
    boxes = np.asarray(boxes, np.int64).reshape(-1, 4)
    if len(boxes) != len(probe):
        raise ValueError(
            f"{len(boxes)} boxes were passed for {len(probe)} probes; one box and one probe a "
            "patch were expected."
        )
    height, width = size or (None, None)
    rows, of_input_y = _places(boxes[:, 0], boxes[:, 1], inputs.shape[1], height)
    columns, of_input_x = _places(boxes[:, 2], boxes[:, 3], inputs.shape[2], width)
    patches: Array = inputs[
        np.asarray(probe, np.int64)[:, None, None], rows[:, :, None], columns[:, None, :]
    ]
    patches[~(of_input_y[:, :, None] & of_input_x[:, None, :])] = 0
    return patches


def _places(start: Array, stop: Array, length: int, size: int | None) -> tuple[Array, Array]:
    """Places of the input that each patch shows on one axis, and which of them it really shows."""
    spans = stop - start
    largest = int(spans.max(initial=0))
    if size is not None and largest > size:
        raise ValueError(
            f"A box of {largest} places was passed for patches of {size}: the size must be at "
            "least that of the largest box."
        )
    size = largest if size is None else size
    missing = size - spans
    # Where the box crosses the border, it was cut off.
    before = np.where(start <= 0, np.where(stop >= length, missing // 2, missing), 0)
    places = (start - before)[:, None] + np.arange(size)
    shown = (places >= np.maximum(start, 0)[:, None]) & (places < np.minimum(stop, length)[:, None])
    return np.clip(places, 0, max(0, length - 1)), shown
