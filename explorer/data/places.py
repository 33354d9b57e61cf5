"""What the places along the output of a layer are called: words, time steps, positions."""

from __future__ import annotations

from explorer.data.run import RunData
from store import Layer

# Inputs that run through time, whatever layer looks at them.
TIMED = ("signal", "video")


def place_noun(data: RunData, layer: Layer) -> str:
    """Call one place of a layer's output: it is a token only of a text.

    Parameters
    ----------
    data : RunData
        The run.
    layer : Layer
        The layer.

    Returns
    -------
    str
        ``token``, ``time step`` of what runs through time, else ``position``.
    """
    probe = data.run.probe
    if probe is not None and probe.kind == "text":
        return "token"
    is_timed = layer.kind == "recurrent" or (probe is not None and probe.kind in TIMED)
    return "time step" if is_timed else "position"
