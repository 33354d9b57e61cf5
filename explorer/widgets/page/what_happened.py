"""What happened in a training, in some sentences: each goes to where it is seen."""

from __future__ import annotations

import param

from explorer.widgets.base import Widget, script, styles


class WhatHappened(Widget):
    """Findings as a list above the tabs. To go to one needs no server."""

    findings = param.List(
        default=[],
        doc="A dictionary for each, the heaviest first: severity, sentence, remedy, run, and as of "
        "a moment index, go and view; index is -1 where there is no step.",
    )
    quiet = param.String(default="", doc="Said in front where nothing is wrong; else empty.")

    _esm = script("what_happened.js")
    _stylesheets = styles("what_happened")
