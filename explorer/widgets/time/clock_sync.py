"""Synchronize the clock of one run with Python: the step at rest, and the selection."""

from __future__ import annotations

from typing import Any

import param

from explorer.derived.time.timeline import AXES
from explorer.widgets.base import Widget, script


class ClockSync(Widget):
    """Connects the page's clock of one run with Python; shows nothing.

    Python gets the step when the slider rests. Times are arrays, since Bokeh searches each element
    of a list for models.
    """

    steps = param.Parameter(doc="Optimizer updates done at each recorded step: (step,), float64.")
    epochs = param.Parameter(doc="Epochs done at each recorded step: (step,), float64.")
    wall_times = param.Parameter(doc="Seconds since the start at each of them: (step,), float64.")
    ending = param.Boolean(
        default=False, doc="Whether the last step is the network after the training."
    )
    jumps = param.List(
        default=[],
        doc="Positions of recorded steps before which the weights were set, not updated.",
    )
    marks = param.List(
        default=[],
        doc="Where something happened: position of the recorded step, and a sentence, of each.",
    )
    axis: param.Selector[str] = param.Selector(
        default="step", objects=list(AXES), doc="Unit of labels and jumps."
    )
    resting = param.Integer(default=0, doc="Position of the step at which the slider rests.")
    ack = param.Integer(default=0, doc="Number of resting steps that Python has handled.")
    choice = param.Dict(default={}, doc="Selected layer, unit, probe, explained class and tab.")
    families = param.Dict(
        default={}, doc="Group of each layer whose units stand for each other; see `unit_families`."
    )
    asked = param.Integer(default=0, doc="Number of choices that the browser has sent.")
    answered = param.Integer(default=0, doc="Number of these that `choice` takes into account.")

    whole_page = param.Boolean(
        default=True, doc="Whether the page's keys and address are the explorer's."
    )

    _esm = script("clock_sync.js")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        # Called after the watchers that correct the choice, so that `choice` is set before.
        self.param.watch(self._answer, "asked", precedence=1)

    def _answer(self, event: Any) -> None:
        self.answered = event.new
