"""A text whose tokens are coloured by values that change with the step."""

from __future__ import annotations

from typing import Any

import numpy as np
import param

from explorer.widgets.base import Widget, script, styles
from explorer.widgets.numbers import Numbers, check_count


class TokenStrip(Widget):
    """The tokens of one text, repeated for each row of values.

    Parameters that must fit each other are set together: ``strip.param.update(tokens=…,
    values=…)``.

    Raises
    ------
    ValueError
        When parameters are set that do not fit each other.
    """

    tokens = param.List(default=[], doc="Text of each token.")
    values = Numbers(
        ("step", "row", "token"),
        doc="Values: (step, row, token) float32; NaN has no colour. A lone step is always shown.",
    )
    rows = param.List(default=[], doc="Name of each row of values, such as a gate.")
    palette = Numbers((768,), np.uint8, doc="Colours: (768,) uint8, red, green and blue in turn.")
    low = param.Number(
        default=None, allow_None=True, doc="Value of the lowest colour; None: of all steps."
    )
    high = param.Number(
        default=None, allow_None=True, doc="Value of the highest colour; None: of all steps."
    )
    signed = param.Boolean(
        default=False, doc="Whether colours diverge from zero: computed limits are symmetric."
    )
    padding = Numbers(
        ("token",), np.uint8, doc="1 for each token that only fills up the text: (token,) uint8."
    )
    collapsed = param.Boolean(default=True, doc="Whether padding is folded away.")
    separator = param.String(
        default=" ", doc="What stands between tokens in the text; empty for characters."
    )
    value_name = param.String(default="", doc="What a colour stands for, in the legend.")
    x_name = param.String(
        default="token", doc="Name under which a token's number is shared while hovered."
    )
    selectable = param.Boolean(
        default=False, doc="Whether dragging over tokens, or Shift and arrows, selects a span."
    )
    span = param.List(
        default=[], doc="Selected tokens: first, and one behind the last; empty for none."
    )
    label = param.String(default="", doc="Description for screen readers.")

    _esm = script("token_strip.js")
    _stylesheets = styles("token_strip")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._check()

    @param.depends("tokens", "values", "rows", "low", "high", "padding", "span", watch=True)
    def _check(self) -> None:
        """Check that the parameters fit each other."""
        count = len(self.tokens)
        if self.values is not None:
            rows, tokens = self.values.shape[1:]
            if tokens != count:
                raise ValueError(
                    f"values: expected {count} tokens in the last dimension, got {tokens}."
                )
            check_count("rows", self.rows, rows, f"{rows} rows")
        if self.padding is not None:
            check_count("padding", self.padding, count, f"{count} tokens", none=False)
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"low and high: expected low < high, got {self.low} and {self.high}.")
        if self.span and not (
            len(self.span) == 2
            and all(isinstance(end, int) for end in self.span)
            and 0 <= self.span[0] < self.span[1] <= count
        ):
            raise ValueError(
                f"span: expected [start, stop] within the {count} tokens, got {self.span}."
            )
