"""The n-grams that excite a unit of a convolution over text, and where it is excited in a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Unfit
from explorer.data.run import RunData
from explorer.data.texts import Texts, needs_places, over_tokens, place_spans, texts_of
from explorer.data.units import unit_values
from explorer.derived.texts.ngrams import top_ngrams
from explorer.derived.time.frames import robust_limits
from explorer.derived.time.headway import counted
from explorer.views.base import Scene, View
from explorer.views.parts import colours
from explorer.views.registry import register
from explorer.views.requirements import needs_activation
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.charts.token_strip import TokenStrip
from explorer.widgets.page.beside import below
from store import Layer
from store.format.names import UNIT_DIM, activation_path

Array = npt.NDArray[Any]


CLASSES = frozenset({"Conv1D", "SeparableConv1D", "DepthwiseConv1D"})
MOST_NGRAMS = 8


@dataclass(frozen=True)
class Detector:
    """A unit of a convolution over the texts.

    Attributes
    ----------
    data : RunData
        The run.
    layer : str
        Its layer.
    unit : int
        Its number.
    texts : Texts
        The probes.
    spans : ndarray (place, 2)
        Tokens that each place of the layer sees.
    """

    data: RunData
    layer: str
    unit: int
    texts: Texts
    spans: Array

    @classmethod
    def of(cls, data: RunData, layer: Layer, unit: int) -> Detector:
        """Prepare the probes for a unit."""
        texts, spans = texts_of(data), place_spans(data, layer)
        assert texts is not None
        assert spans is not None
        return cls(data, layer.name, unit, texts, spans)

    def rows(self, index: int) -> Mapping[str, Any]:
        """List the n-grams that the unit answers to most at a recorded step."""
        values = unit_values(self.data, self.layer, index, self.unit)
        found = top_ngrams(
            values, self.texts.ids, self.spans, most=MOST_NGRAMS, padding=self.texts.padding
        )
        return {
            "rows": [
                [
                    self.texts.phrase(ngram.tokens),
                    f"{ngram.value:#.3g}",
                    str(ngram.count),
                    str(ngram.probe),
                ]
                for ngram in found
            ],
            "chooses": [{"probe": ngram.probe} for ngram in found],
        }

    def answers(self, probe: int) -> npt.NDArray[np.float32]:
        """Give the greatest value of the places that see each token: (step, token)."""
        values = np.stack(
            [
                unit_values(self.data, self.layer, index, self.unit, probe)
                for index in counted(range(len(self.data.run)))
            ]
        )
        return over_tokens(values, self.spans, self.texts.ids.shape[1])


@register
class NGrams(View):
    """Top n-grams of the selected unit over all probes, and its answer along the selected one."""

    title = "N-grams that excite the unit"
    region = "layer"
    kinds = frozenset({"conv"})
    depends = ("layer", "unit", "probe")
    order = 13
    width = 6

    def applies(self, data: RunData) -> bool:
        return texts_of(data) is not None

    def serves(self, layer: Layer) -> bool:
        return layer.class_name in CLASSES

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_activation(scene) or needs_places(scene.data, scene.layer)
        if missing is not None:
            return missing
        if UNIT_DIM not in scene.data.run.array(activation_path(scene.selected.layer)).dims:
            return Unfit(f"The output of {scene.selected.layer} has no units to choose from.")
        return None

    def caption(self, scene: Scene) -> str:
        selected = scene.selected
        spans = place_spans(scene.data, scene.layer)
        assert spans is not None
        sees = int(np.diff(spans, axis=1).max(initial=0))
        return (
            f"Unit {selected.unit} of {selected.layer} sees {sees} tokens at a time. Probe "
            f"{selected.probe}: each token in the colour of the largest output that it has a part "
            "in. Below: what the unit answers to most in all probes at this step, and how often "
            "that occurs; click to choose the probe."
        )

    def compute(self, scene: Scene) -> tuple[Detector, npt.NDArray[np.float32]]:
        detector = Detector.of(scene.data, scene.layer, scene.selected.unit)
        return detector, detector.answers(scene.selected.probe)

    def draw(self, scene: Scene, computed: tuple[Detector, npt.NDArray[np.float32]]) -> Any:
        detector, answers = computed
        data, selected, texts = scene.data, scene.selected, detector.texts
        limits = robust_limits([answers])
        shared: dict[str, Any] = {
            "channel": scene.channel,
            "sizing_mode": "stretch_width",
            "margin": 0,
        }
        strip = TokenStrip(
            tokens=texts.names(texts.row(selected.probe)),
            values=answers[:, None, :],
            padding=texts.is_padding(selected.probe),
            separator=texts.separator,
            value_name=f"output of unit {selected.unit}",
            label=f"Probe {selected.probe} by unit {selected.unit} of {selected.layer}",
            **colours(limits),
            **shared,
        )
        table = StepTable(
            detector.rows,
            len(data.run),
            key=f"{data.run.id}|{selected.layer}|unit {selected.unit}|n-grams",
            columns=["n-gram", "output", "times", "probe"],
            numeric=[1, 2, 3],
            rows=MOST_NGRAMS,
            empty="The unit has no finite output at this step.",
            label=f"N-grams with the largest output of unit {selected.unit} of {selected.layer}",
            **shared,
        )
        return below(strip, table, gap=14)
