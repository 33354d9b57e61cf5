"""A text's way through a network: bands of units along its words."""

from __future__ import annotations

import param

from explorer.widgets.base import script, styles
from explorer.widgets.stepped import Stepped


class SentencePicture(Stepped):
    """A band for each layer, below the words; rows are units, columns are words.

    The provider returns, for a recorded step, arrays over the rows of all bands in turn: ``units``
    (row,) int32; ``adds`` (row,) float32, what a unit adds to the class, NaN of a class; ``values``
    (row,) float32 of bands without places. Of the bands with places in turn: ``all`` (place,)
    float32, what all units add, except of classes; ``codes`` uint8, (row, place) of each quantity;
    in both padding stands behind the last place; ``kept`` (row, place) float32 of bands that keep
    one of several values: the token where it was. ``totals`` (band,) float32, what each adds;
    ``target`` the explained class.
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
    remark = param.String(default="", doc="What is not shown, a sentence.")
    sequential = param.Parameter(doc="Colours from nothing to much: (768,) uint8.")
    diverging = param.Parameter(doc="Colours from against to for: (768,) uint8.")

    _esm = script("sentence.js")
    _stylesheets = styles("sentence")
