"""The runs of a folder as a table: sorted, filtered, opened, two of them compared."""

from __future__ import annotations

import param

from explorer.widgets.base import Widget, script, styles


class RunList(Widget):
    """A table of runs with what each is in a line.

    Sorting and filtering happen in the browser. What is to be opened goes to Python, which answers
    with numbers of runs; the browser then goes to their page.
    """

    rows = param.List(
        default=[],
        doc="A dictionary for each run: path, where (from the folder on) and state, empty of one "
        "that is still to be read; and of the others what `RunSummary` has.",
    )
    folder = param.String(default="", doc="The folder, as the user called it.")
    asked = param.List(default=[], doc="Paths of the runs to open, and the number of requests.")
    opened = param.List(default=[], doc="Numbers of the runs that were opened, and of the request.")
    said = param.List(default=[], doc="Why they cannot be opened, and the number of the request.")

    _esm = script("run_list.js")
    _stylesheets = styles("run_list")
