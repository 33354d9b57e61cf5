"""A bar for each class, of the selected probe at the step on screen."""

from __future__ import annotations

import param

from explorer.widgets.base import Widget, script, styles


class ProbabilityBars(Widget):
    """The class probabilities of the selected probe, which follow the slider."""

    values = param.Parameter(doc="Probabilities: (step, class) float32.")
    class_names = param.List(default=[], doc="Name of each class.")
    colours = param.List(default=[], doc="Colour of each class, as in the curves.")
    truth = param.Integer(default=-1, doc="Number of the true class; -1 if unknown.")

    _esm = script("probability_bars.js")
    _stylesheets = styles("probability_bars")
