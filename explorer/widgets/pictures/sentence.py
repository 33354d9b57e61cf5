"""The way of a text through a network: a band of units for each layer, along the words."""

from __future__ import annotations

import param

from explorer.widgets.base import script, styles
from explorer.widgets.stepped import Stepped


class SentencePicture(Stepped):
    """A band for each layer, below the words. Rows are units, columns are words.

    For a recorded step the provider returns a mapping. Over the rows of all bands, one band after
    the other:

    - ``units`` (row,), int32: numbers of units;
    - ``adds`` (row,), float32: contribution of each unit to the class, NaN in the band of classes;
    - ``values`` (row,), float32: of bands without a value for each word.

    Of the bands with a value for each place along the text, one after the other, with padding
    behind the last place:

    - ``all`` (place,), float32: contribution of all units, except in the band of classes;
    - ``codes`` (row, place), uint8: colour codes of each quantity;
    - ``kept`` (row, place), float32: of bands that keep one of several values, its token.

    And ``totals`` (band,), float32: contribution of each band; ``target``, int: the explained
    class.
    """

    words = param.List(default=[], doc="The text's tokens, without padding.")
    letters = param.Boolean(default=False, doc="Whether tokens are single characters.")
    noun = param.String(default="word", doc="What a token is.")
    padding = param.Integer(default=0, doc="Tokens of padding, which share one column.")
    padding_first = param.Boolean(default=False, doc="Whether that column comes first.")
    x_name = param.String(
        default="token", doc="Name under which a token's number is shared while hovered."
    )
    bands = param.List(
        default=[], doc="Layer, kind, rows, ranges of places, quantities and scales of each band."
    )
    class_names = param.List(default=[], doc="Name of each class.")
    chooses_class = param.Boolean(default=True, doc="Whether a click on a class explains it.")
    remark = param.String(default="", doc="Sentence on what is not shown.")
    sequential = param.Parameter(doc="Colours from nothing to much: (768,) uint8.")
    diverging = param.Parameter(doc="Colours from against to for: (768,) uint8.")

    _esm = script("sentence.js")
    _stylesheets = styles("sentence")
