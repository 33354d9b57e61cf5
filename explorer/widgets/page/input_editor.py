"""Draw a picture, or write a text, that the network is to be sent."""

from __future__ import annotations

import param

from explorer.widgets.base import Widget, script, styles


class InputEditor(Widget):
    """A picture with brushes, or the words of a text, that a visitor changes.

    It begins with the probe that is selected. What was changed is told with ``made``; the answer is
    ``said``, where something does not fit.
    """

    kind: param.Selector[str] = param.Selector(
        default="image", objects=["image", "text"], doc="What is changed."
    )
    image = param.Parameter(doc="Where one begins: (y, x, channel) uint8; None for texts.")
    words = param.List(default=[], doc="Where one begins: the words of a text.")
    separator = param.String(default=" ", doc="Between words; empty where they are characters.")
    unknown = param.List(default=[], doc="Positions of words that are not in the vocabulary.")
    begins = param.Integer(default=0, doc="Counts the probes with which one began.")
    prepared = param.String(default="", doc="How what is drawn is prepared for the network.")
    said = param.String(default="", doc="What does not fit, in a sentence.")
    made = param.Dict(
        default={},
        doc="What was made last: ``values`` of a picture as a list of codes from 0 to 255, "
        "``words`` of a text, or ``file`` (base64) with its ``name``.",
    )

    _esm = script("input_editor.js")
    _stylesheets = styles("input_editor")
