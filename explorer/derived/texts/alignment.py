"""Which tokens a position on a layer's time axis has seen: through strides, padding, dilation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.network.windows import SPARE_PLACES, Windows

Array = npt.NDArray[Any]

_CONVOLUTIONS = ("Conv1D", "SeparableConv1D", "DepthwiseConv1D")
_POOLINGS = ("MaxPooling1D", "AveragePooling1D")


@dataclass(frozen=True, slots=True)
class Window:
    """How a layer slides along its input.

    Attributes
    ----------
    kernel, stride : int
        Positions that it sees at once, and positions that it moves on by.
    padding : {"valid", "same", "causal"}
        As Keras means it.
    dilation : int
        Distance between two positions that it sees.
    """

    kernel: int
    stride: int = 1
    padding: str = "valid"
    dilation: int = 1

    def taps(self, length: int) -> npt.NDArray[np.int64]:
        """Positions that each output sees: (output, kernel); padding where not in [0, length).

        Raises
        ------
        ValueError
            The padding is none of those that are known, or the window out of all proportion.
        """
        if not 1 <= self.kernel <= 2 * length + SPARE_PLACES or min(self.stride, self.dilation) < 1:
            raise ValueError(
                f"A window sees {self.kernel} positions, every {self.dilation}, and moves on by "
                f"{self.stride}; there are {length}."
            )
        if self.padding not in ("valid", "same", "causal"):
            raise ValueError(
                f'A window has padding {self.padding!r}; known are "valid", "same" and "causal".'
            )
        windows = Windows((self.kernel,), (self.stride,), (self.dilation,), self.padding)
        (count,), ((before, _),) = windows.counts([length]), windows.pads([length])
        starts = np.arange(count, dtype=np.int64) * self.stride - before
        return starts[:, None] + np.arange(self.kernel) * self.dilation


def window_of(class_name: str, config: Mapping[str, Any]) -> Window | None:
    """Give the window of a convolution or pooling over time; None of any other layer.

    Parameters
    ----------
    class_name, config
        Keras class and configuration of the layer.

    Examples
    --------
    >>> window_of("MaxPooling1D", {"pool_size": [2], "strides": [2], "padding": "valid"})
    Window(kernel=2, stride=2, padding='valid', dilation=1)
    """
    if class_name in _CONVOLUTIONS:
        kernel, strides, dilation = (
            _one(config.get(name, 1)) for name in ("kernel_size", "strides", "dilation_rate")
        )
        return Window(kernel, strides, config.get("padding", "valid"), dilation)
    if class_name in _POOLINGS:
        size = config["pool_size"]
        stride = size if config.get("strides") is None else config["strides"]
        return Window(_one(size), _one(stride), config.get("padding", "valid"))
    return None


def token_spans(length: int, chain: Iterable[Window]) -> npt.NDArray[np.int64]:
    """Map positions back to tokens, through convolutions and poolings.

    Parameters
    ----------
    length : int
        Tokens of the network's input.
    chain : iterable of Window
        Windows on the way from the input to the layer, in that order; layers that keep the time
        axis as it is have none. What a recurrent layer remembers from before is not meant.

    Returns
    -------
    ndarray (position, 2), int64
        First token that a position sees, and the one after the last; equal where it sees nothing
        but padding.

    Examples
    --------
    >>> token_spans(6, [Window(3, padding="same"), Window(2, stride=2)]).tolist()
    [[0, 3], [1, 5], [3, 6]]
    """
    spans = np.stack([np.arange(length), np.arange(1, length + 1)], axis=1).astype(np.int64)
    for window in chain:
        if not len(spans):
            break
        taps, last = window.taps(len(spans)), len(spans) - 1
        inside = (taps >= 0) & (taps <= last)
        starts = spans[np.where(inside, taps, last).min(axis=1), 0]
        ends = spans[np.where(inside, taps, 0).max(axis=1), 1]
        spans = np.stack([starts, np.where(inside.any(axis=1), ends, starts)], axis=1)
    return spans


def text_spans(ids: Array, padding: int | None = 0) -> npt.NDArray[np.int64]:
    """Find where in each row its text lies.

    Parameters
    ----------
    ids : ndarray (probe, token), integer
        Token numbers.
    padding : int or None
        Number that stands before or after a text; None: there is no padding.

    Returns
    -------
    ndarray (probe, 2), int64
        First token, and the one after the last; equal where there is no text.
    """
    probes, tokens = ids.shape
    if padding is None or not tokens:
        return np.tile(np.array([0, tokens], np.int64), (probes, 1))
    written = ids != padding
    first, after = written.argmax(axis=1), tokens - written[:, ::-1].argmax(axis=1)
    empty = ~written.any(axis=1)
    return np.stack([np.where(empty, 0, first), np.where(empty, 0, after)], axis=1)


def _one(value: Any) -> int:
    """Keras writes a size as a number or as a list of one."""
    return int(value if np.ndim(value) == 0 else value[0])
