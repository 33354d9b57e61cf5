"""Map of a data set by how the training learns it, and the labels to look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from explorer.data.absence import MORE_EXAMPLES, Absence, Nothing
from explorer.data.example_dynamics import dynamics_of, pictures_of, texts_of
from explorer.data.examples import Examples, examples_of
from explorer.derived.predictions.dynamics import Cartography, Dynamics, cartography
from explorer.derived.predictions.verdicts import Verdicts
from explorer.derived.texts.words import shortened
from explorer.derived.units.linear_probe import too_few
from explorer.plots.pictures import grey_codes, grey_limits, grey_palette
from explorer.plots.style import class_colour
from explorer.views.base import Scene
from explorer.views.learning.judged import Judged, no_predictions
from explorer.views.registry import register
from explorer.views.requirements import needs_steps
from explorer.widgets.charts.point_cloud import PointCloud
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.beside import below, beside
from explorer.widgets.pictures.frame_grid import FrameGrid

Array = npt.NDArray[Any]
HEIGHT = 380
PICTURES_HEIGHT = 190
MOST_LISTED = 12
# More classes have no legend, only the text under the pointer.
MOST_NAMED = 30


class Map(NamedTuple):
    """What the card draws.

    Attributes
    ----------
    examples : Examples
        Who is on the map.
    each : Dynamics
        What the training makes of each at every step.
    places : Cartography
        Where each lies.
    verdicts : Verdicts
        What the network takes each for at every step.
    """

    examples: Examples
    each: Dynamics
    places: Cartography
    verdicts: Verdicts

    @property
    def listed(self) -> list[int]:
        """The examples of the lowest confidence, the lowest first."""
        known = np.count_nonzero(np.isfinite(self.places.confidence))
        return [int(number) for number in self.places.hardest[: min(MOST_LISTED, known)]]

    def rows(self, index: int, texts: list[str]) -> Mapping[str, Any]:
        """List the labels to look at, with what the network says at a step."""
        return {
            "rows": [
                [
                    str(number),
                    *([shortened(texts[number])] if texts else []),
                    self._label(number),
                    self._said(number, index),
                    f"{self.places.confidence[number]:.3f}",
                    f"{self.each.el2n[index, number]:.3f}",
                ]
                for number in self.listed
            ],
            "chooses": [self.examples.choosing(number) for number in self.listed],
        }

    def captions(self, index: int) -> list[str]:
        """Say under each picture what the label is, and what the network says at a step."""
        return [f"{self._label(at)} \u2192 {self._said(at, index)}" for at in self.listed]

    def _label(self, number: int) -> str:
        return self.examples.class_names[int(self.examples.labels[number])]

    def _said(self, number: int, index: int) -> str:
        return self.examples.class_names[int(self.verdicts.predicted[index, number])]


@register
class CartographyView(Judged):
    """Confidence and variability of each example, and those whose labels are suspicious."""

    title = "Data map and suspicious labels"
    order = 26
    preferred = "train"

    def requirement(self, scene: Scene) -> Absence | None:
        return super().requirement(scene) or needs_steps(scene, least=2)

    def caption(self, scene: Scene) -> str:
        examples = examples_of(scene.data, self.chosen_source(scene))
        assert examples is not None
        learned = "" if examples.source == "train" else " The training does not learn from these."
        return (
            f"Of {examples.described}: mean and deviation of the probability of the true class "
            "over the training, each recorded step counted for the updates around it. Top left is "
            "easy, right ambiguous, bottom left hard to learn, where wrong labels gather "
            "(Swayamdipta 2020); healthy is a crowded top and an almost empty bottom. Listed are "
            f"the {MOST_LISTED} of the lowest mean, to be looked at: after a short training most "
            "are hard, not wrong. Under a picture, in the "
            "order of the table, its label \u2192 what the network says. EL2N (Paul 2021) is the "
            "distance of the probabilities from the label at this step, 0 for sure and right, 1.41 "
            f"for sure of another class.{learned}"
        )

    def measure(self, examples: Examples) -> Map | Nothing:
        few = too_few(examples.labels)
        if few is not None:
            return Nothing(f"{few} {MORE_EXAMPLES}")
        each = dynamics_of(examples)
        places = cartography(each.p_true, examples.data.run.steps)
        if not np.isfinite(places.confidence).any():
            return no_predictions(examples)
        return Map(examples, each, places, examples.verdicts())

    def picture(self, scene: Scene, measured: Map) -> Any:
        examples, places = measured.examples, measured.places
        names = examples.class_names
        cloud = PointCloud(
            positions=np.stack([places.variability, places.confidence], axis=-1)[None],
            labels=[f"{names[label]} #{at}" for at, label in enumerate(examples.labels)],
            colours=[class_colour(int(label)) for label in examples.labels],
            groups=[[name, class_colour(at)] for at, name in enumerate(names)][:MOST_NAMED],
            selects="probe" if examples.source == "probe" else "",
            x_name="deviation of the probability of the true class",
            y_name="mean probability of the true class",
            limits=[0.0, 0.52, -0.02, 1.02],
            label="Data map: mean and deviation of the probability of the true class",
            channel=scene.channel,
            height=HEIGHT,
            sizing_mode="stretch_width",
            margin=0,
        )
        return beside(cloud, _suspicious(scene, measured), shares=(5, 6))


def _suspicious(scene: Scene, measured: Map) -> Any:
    """List the examples of the lowest confidence, with their pictures or texts."""
    examples, count = measured.examples, len(scene.data.run)
    pictures = pictures_of(examples)
    texts = texts_of(examples) if pictures is None else []
    shared: dict[str, Any] = {
        "channel": scene.channel,
        "sizing_mode": "stretch_width",
        "margin": 0,
    }
    key = f"{scene.data.run.id}|cartography|{examples.source}"
    columns = [examples.noun, *(["text"] if texts else []), "label", "says", "mean", "EL2N"]
    table = StepTable(
        lambda index: measured.rows(index, texts),
        count,
        key=key,
        columns=columns,
        numeric=[0, len(columns) - 2, len(columns) - 1],
        label="Examples of the lowest mean probability of their label",
        **shared,
    )
    if pictures is None:
        return table
    codes = grey_codes(pictures[measured.listed])
    limits = grey_limits(pictures[measured.listed])
    tiles = FrameGrid(
        lambda index: {
            "frame": codes,
            "captions": measured.captions(index),
            "tile_ids": measured.listed,
        },
        count,
        key=f"{key}|pictures",
        palette=grey_palette(),
        low=limits.low,
        high=limits.high,
        selects="probe" if examples.source == "probe" else "",
        places=0,
        value_name="input",
        label="Pictures of these examples",
        height=PICTURES_HEIGHT,
        **shared,
    )
    return below(tiles, table)
