"""The time control of two runs: one slider that moves the clocks of both."""

from __future__ import annotations

from typing import Any

import numpy as np
import param

from explorer.derived.pairs.time_alignment import Alignment
from explorer.derived.time.timeline import AXES
from explorer.widgets.base import Widget, script, styles


class PairTransport(Widget):
    """A slider along the time axis that two runs share; it moves both clocks in the browser."""

    path = param.Parameter(doc="What each run shows at each position, see `path_of`.")
    position = param.Integer(default=0, doc="Position at which the page starts.")
    modes = param.Dict(default={}, doc="How the runs can be put beside each other: text by name.")
    mode = param.String(default="step", doc="How they are.")
    anchors = param.List(default=[], doc="Steps of A and B at two points by hand: a, b, a, b.")
    note = param.String(default="", doc="What the runs lack in this way to put them together.")
    axis: param.Selector[str] = param.Selector(
        default="step", objects=list(AXES), doc="Time axis of the curves."
    )
    tied = param.Boolean(default=True, doc="Whether colours mean the same in both runs.")
    units: param.Selector[str] = param.Selector(
        default="number", objects=["number", "matched"], doc="How units are put together."
    )
    matching: param.Selector[str] = param.Selector(
        default="step", objects=["step", "last", "tracked"], doc="Which moment matches them."
    )
    usual = param.Dict(
        default={"units": "number", "matching": "step"},
        doc="How they are at first: of that the page's address says nothing.",
    )
    families = param.Dict(default={}, doc="As of `ClockSync`, of A.")
    channels = param.List(default=["main", "second"], doc="Clocks of A and B.")
    names = param.List(default=["A", "B"], doc="Names of the runs.")
    colours = param.List(default=[], doc="Colour of each run.")

    _esm = script("pair_transport.js")
    _stylesheets = styles("transport", "pair_transport")


def path_of(alignment: Alignment | None) -> dict[str, Any]:
    """Convert an alignment to arrays by name, and the unit of its offsets, for the browser."""
    if alignment is None:
        empty = np.empty(0)
        names = ("coordinates", "first", "second", "first_off", "second_off", "first_beyond",
                 "second_beyond")  # fmt: skip
        return {**dict.fromkeys(names, empty), "unit": ""}
    return {
        "coordinates": alignment.coordinates,
        "first": alignment.first.astype(np.int32),
        "second": alignment.second.astype(np.int32),
        "first_off": alignment.first_off,
        "second_off": alignment.second_off,
        "first_beyond": alignment.first_beyond.astype(np.uint8),
        "second_beyond": alignment.second_beyond.astype(np.uint8),
        "unit": alignment.unit,
    }
