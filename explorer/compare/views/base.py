"""What a view of two runs is, and the list of them."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

import explorer.compare.views
from explorer.compare.pair import CLOCK_MODES, RunPair
from explorer.compare.session import Comparison
from explorer.data.absence import Absence, Lack
from explorer.data.run import RunData
from explorer.derived.pairs.time_alignment import Alignment
from explorer.derived.time.timeline import log_ticks, logarithmic
from explorer.selection import SelectionKey
from explorer.views.base import Region, Scene, View

V = TypeVar("V", bound=type["PairView"])

_registered: list[type[PairView]] = []


class PairView(View):
    """One picture of two runs.

    As any view; the scene's run is A, its positions are those of the common axis.

    Attributes
    ----------
    place : {"above", "differences"}
        Above the tabs, or on their tab.
    aligned : bool
        Whether it is drawn anew when the runs are put beside each other in another way.
    saves : bool
        Whether its numbers can be saved: those along the common axis can.
    """

    region: ClassVar[Region] = "run"
    place: ClassVar[str] = "differences"
    aligned: ClassVar[bool] = False
    saves: ClassVar[bool] = True

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    @property
    def pair(self) -> RunPair:
        """The runs."""
        return self.comparison.pair

    @property
    def runs(self) -> tuple[RunData, RunData]:
        """A and B."""
        return self.pair.first, self.pair.second

    @property
    def alignment(self) -> Alignment:
        """How the runs stand beside each other now; `requirement` has made sure that they do."""
        alignment = self.comparison.alignment
        assert alignment is not None
        return alignment

    def requirement(self, scene: Scene) -> Absence | None:
        """Say what is missing: by default a recorded step of both, where time is of importance."""
        if self.aligned and self.comparison.alignment is None:
            return Lack("Both runs need a recorded step. Reload the page once they have one.")
        return None

    def key(self, selected: SelectionKey) -> tuple[Any, ...]:
        """Give the values that the drawing is made for."""
        own = super().key(selected)
        return (*own, self.comparison.key, selected.axis) if self.aligned else own

    def moments(self, scene: Scene) -> npt.NDArray[Any]:
        alignment = self.comparison.alignment
        return np.zeros(0) if alignment is None else alignment.coordinates

    @property
    def moment_name(self) -> str:
        """What a coordinate of the common axis is called."""
        return {"epoch": "epoch", "wall_time": "second"}.get(self.comparison.mode, "step")

    @property
    def is_logarithmic(self) -> bool:
        """Whether the common axis, of steps, is drawn as the logarithm of the curves' axis is."""
        counts_steps = self.comparison.mode not in ("epoch", "wall_time")
        return counts_steps and self.comparison.first.selection.axis == "log_step"

    @property
    def positions(self) -> npt.NDArray[np.float64]:
        """Where each position of the common axis is drawn: (position,), float64."""
        coordinates = self.alignment.coordinates
        return logarithmic(coordinates) if self.is_logarithmic else coordinates

    def time_options(self, scene: Scene) -> dict[str, Any]:
        """Arguments that every plot along the common axis takes."""
        options: dict[str, Any] = {"x_label": self.alignment.label, "index": scene.index}
        if self.is_logarithmic:
            options["x_label"] += ", logarithmic"
            options["ticks"] = log_ticks(float(self.alignment.coordinates[-1]))
        return options

    def places(self, number: int, updates: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Where updates of a run are drawn on the common axis: (n,), float64.

        Parameters
        ----------
        number : {0, 1}
            The run.
        updates : ndarray (n,)
            Its optimizer updates.
        """
        alignment, timeline = self.alignment, self.runs[number].timeline
        shown, off = (
            (alignment.second, alignment.second_off)
            if number
            else (alignment.first, alignment.first_off)
        )
        clock = self.comparison.mode if self.comparison.mode in CLOCK_MODES else "step"
        asked = timeline.positions(clock)[shown] - off
        found = np.interp(timeline.convert(updates, clock), asked, alignment.coordinates)
        return logarithmic(found) if self.is_logarithmic else found


def register(view: V) -> V:
    """Class decorator: offer a view of two runs."""
    _registered.append(view)
    return view


@functools.cache
def _load() -> None:
    for module in pkgutil.walk_packages(explorer.compare.views.__path__, "explorer.compare.views."):
        importlib.import_module(module.name)


def pair_views(place: str, comparison: Comparison) -> list[PairView]:
    """One instance of each view of a place, in order."""
    _load()
    chosen = [view for view in _registered if view.place == place]
    return [view(comparison) for view in sorted(chosen, key=lambda view: (view.order, view.title))]
