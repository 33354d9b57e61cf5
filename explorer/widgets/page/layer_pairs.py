"""Layers of A, each with a choice of its counterpart in B."""

from __future__ import annotations

import param

from explorer.widgets.base import Widget, script, styles


class LayerPairs(Widget):
    """A table in which counterparts are set by hand; the page reloads with them in its address."""

    rows = param.List(
        default=[], doc="For each layer: name, counterpart, why, same kind, others: [layer, ...]."
    )
    by_hand = param.Dict(default={}, doc="Counterparts set by hand: layer of B by layer of A.")

    _esm = script("layer_pairs.js")
    _stylesheets = styles("layer_pairs")
