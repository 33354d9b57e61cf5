"""What a page and Python tell each other about one run: the step at rest, and what is selected."""

from __future__ import annotations

from typing import Any

import param

from explorer.derived.time.timeline import AXES
from explorer.widgets.base import Widget, script


class ClockSync(Widget):
    """Serves the clock of one run, and shows nothing; Python hears of the step at rest.

    Its clocks are arrays: Bokeh would look for models in every element of a list, many times.
    """

    steps = param.Parameter(doc="Optimizer updates done at each recorded step: (step,), float64.")
    epochs = param.Parameter(doc="Epochs done at each recorded step: (step,), float64.")
    wall_times = param.Parameter(doc="Seconds since the start at each of them: (step,), float64.")
    axis: param.Selector[str] = param.Selector(
        default="step", objects=list(AXES), doc="Unit of labels and jumps."
    )
    resting = param.Integer(default=0, doc="Position of the step at which the slider rests.")
    ack = param.Integer(default=0, doc="Counts the resting steps that Python has dealt with.")
    choice = param.Dict(default={}, doc="Selected layer, unit, probe, explained class and tab.")
    families = param.Dict(
        default={}, doc="Group of each layer whose units stand for each other; see `unit_families`."
    )
    asked = param.Integer(default=0, doc="Counts the choices that the browser has told of.")
    answered = param.Integer(default=0, doc="As many of them as `choice` has taken into account.")

    whole_page = param.Boolean(
        default=True, doc="Whether the page's keys and address are the explorer's."
    )

    _esm = script("clock_sync.js")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        # Behind those who correct the choice: the answer is there before it is said to be one.
        self.param.watch(self._answer, "asked", precedence=1)

    def _answer(self, event: Any) -> None:
        self.answered = event.new
