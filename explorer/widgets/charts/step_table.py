"""A short table whose rows change with the step."""

from __future__ import annotations

import param

from explorer.widgets.base import script, styles
from explorer.widgets.stepped import Stepped


class StepTable(Stepped):
    """Shows the rows of the step on screen. A click on a row selects its unit or probe.

    For a recorded step the provider returns a mapping: ``rows``, a list of texts for each row, and
    ``chooses``, for each row what a click selects, such as ``{"probe": 3}`` or ``{"unit": 5}``, or
    an empty dict.
    """

    columns = param.List(default=[], doc="Title of each column.")
    numeric = param.List(default=[], doc="Numbers of the columns that hold numbers.")
    empty = param.String(default="Nothing at this step.", doc="Sentence if there is no row.")
    rows = param.Integer(default=0, doc="Least number of rows for which there is room; 0: none.")

    _esm = script("step_table.js")
    _stylesheets = styles("step_table")
