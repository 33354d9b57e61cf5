"""What a pooling layer keeps of its input, and what it loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.network.windows import Windows, windows_of

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

# In place of a position: a window without a greatest value, since it holds NaN.
NOWHERE = -1


def pooling_windows(class_name: str, config: Mapping[str, Any], lengths: Sequence[int]) -> Windows:
    """Say how the windows of a pooling layer lie on its input.

    Parameters
    ----------
    class_name : str
        Keras class; a global one has a single window over everything.
    config : mapping
        Its configuration.
    lengths : sequence of int
        Lengths of the input's spatial axes.
    """
    if class_name.startswith("Global"):
        whole = tuple(lengths)
        return Windows(whole, whole, (1,) * len(whole), "valid")
    return windows_of(config, len(lengths))


def switches(x: Array, windows: Windows) -> npt.NDArray[np.int64]:
    """Find the position whose value each window of a max pooling passes on.

    Zeiler and Fergus (2014), *Visualizing and understanding convolutional networks*, section 2.1,
    call them the switches.

    Parameters
    ----------
    x : ndarray (batch, axis, ..., channel)
        Input of the pooling.
    windows : Windows
        How its windows lie.

    Returns
    -------
    ndarray (batch, window, ..., channel), int64
        Number of the position, in the order of the flattened spatial axes; of equal values the
        first, as TensorFlow has it. `NOWHERE` if a value of the window is NaN.

    Examples
    --------
    >>> pairs = Windows((2,), (2,), (1,), "valid")
    >>> switches(np.array([3.0, 1.0, 0.0, 5.0]).reshape(1, 4, 1), pairs).ravel().tolist()
    [0, 3]
    """
    lengths = x.shape[1:-1]
    padded = windows.padded(np.asarray(x, np.result_type(x, np.float32)), -np.inf)
    greatest = np.full((len(x), *windows.counts(lengths), x.shape[-1]), -np.inf, padded.dtype)
    found = np.full(greatest.shape, NOWHERE, np.int64)
    unknown = np.zeros(greatest.shape, bool)
    for offset, index in windows.places(lengths):
        seen, inside = padded[index], _positions(windows, offset, lengths)[..., None]
        # A window may hold only minus infinity; it never passes on its padding.
        better = ((seen > greatest) | (found == NOWHERE)) & (inside != NOWHERE)
        np.copyto(greatest, seen, where=better)
        np.copyto(found, inside, where=better)
        unknown |= np.isnan(seen)
    found[unknown] = NOWHERE
    return found


def dropped_share(x: Array, windows: Windows) -> Float64:
    """Share of the evidence that a max pooling drops, channel by channel.

    Evidence is the sum of what is positive: what speaks for a feature. A value that several
    windows hand on counts once.

    Parameters
    ----------
    x : ndarray (batch, axis, ..., channel)
        Input of the pooling.
    windows : Windows
        How its windows lie.

    Returns
    -------
    ndarray (channel,), float64
        0 to 1, over all of the batch; NaN where nothing is positive or something is not finite.
    """
    evidence = np.maximum(x, 0).reshape(len(x), -1, x.shape[-1]).astype(np.float64)
    found = switches(x, windows).reshape(len(x), -1, x.shape[-1])
    # One position more than there are, for `NOWHERE`.
    kept = np.zeros((len(x), evidence.shape[1] + 1, x.shape[-1]), bool)
    np.put_along_axis(kept, found, True, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.where(kept[:, :-1], evidence, 0).sum(axis=(0, 1))
        return np.asarray(1 - left / evidence.sum(axis=(0, 1)))


def levelled_share(x: Array, windows: Windows) -> Float64:
    r"""Share of the variance that an average pooling levels out, channel by channel.

    The law of total variance, over all values that the windows see, parts it into what lies
    within windows, which their means do not show, and what lies between them:

    .. math:: \frac{E[\mathrm{Var}(x \mid w)]}{\mathrm{Var}(x)}

    Parameters
    ----------
    x : ndarray (batch, axis, ..., channel)
        Input of the pooling.
    windows : Windows
        How its windows lie. What they see of the padding does not count.

    Returns
    -------
    ndarray (channel,), float64
        0 to 1, over all of the batch; NaN where all values are equal or one is not finite.
    """
    values = np.asarray(x, np.float64)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # Squares about the mean: of large values, a small variance would be lost to rounding.
        values = values - values.mean(axis=tuple(range(values.ndim - 1)))
        inside = windows.padded(np.ones((1, *x.shape[1:-1], 1)))
        padded, lengths = windows.padded(values), x.shape[1:-1]
        shape = (len(x), *windows.counts(lengths), x.shape[-1])
        size, total, squares = np.zeros((1, *shape[1:-1], 1)), np.zeros(shape), np.zeros(shape)
        for _, index in windows.places(lengths):
            size += inside[index]
            total += padded[index]
            squares += padded[index] ** 2
        axes = tuple(range(len(shape) - 1))
        within = (squares - total**2 / size).sum(axis=axes)
        count = size.sum() * len(x)
        overall = squares.sum(axis=axes) - total.sum(axis=axes) ** 2 / count
        return np.where(overall > 0, np.clip(within / overall, 0, 1), np.nan)


def _positions(
    windows: Windows, offset: tuple[int, ...], lengths: Sequence[int]
) -> npt.NDArray[np.int64]:
    """Position that lies at one place of every window: (window, ...); `NOWHERE` in the padding."""
    rows = zip(
        windows.counts(lengths),
        windows.strides,
        windows.dilation,
        offset,
        windows.pads(lengths),
        strict=True,
    )
    along = [
        np.arange(count) * stride + at * gap - before
        for count, stride, gap, at, (before, _) in rows
    ]
    inside = [
        (places >= 0) & (places < length) for places, length in zip(along, lengths, strict=True)
    ]
    grid = np.meshgrid(*along, indexing="ij")
    known = np.logical_and.reduce(np.meshgrid(*inside, indexing="ij"))
    clipped = [np.clip(part, 0, length - 1) for part, length in zip(grid, lengths, strict=True)]
    flat = np.ravel_multi_index(clipped, tuple(lengths))
    return np.where(known, flat, NOWHERE).astype(np.int64)
