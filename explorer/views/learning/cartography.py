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
from explorer.derived.predictions.labels import too_few
from explorer.derived.predictions.verdicts import Verdicts
from explorer.derived.texts.words import shortened
from explorer.plots.pictures import grey_codes, grey_limits, grey_palette
from explorer.plots.style import class_colour
from explorer.views.alternatives import Alternatives
from explorer.views.base import Scene
from explorer.views.learning.judged import Judged, no_predictions
from explorer.views.registry import register
from explorer.views.requirements import needs_steps
from explorer.widgets.charts.point_cloud import PointCloud
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.beside import below, beside, scrolled
from explorer.widgets.page.text import text_pane
from explorer.widgets.pictures.frame_grid import FrameGrid

Array = npt.NDArray[Any]
HEIGHT = 380
PICTURES_HEIGHT = 190
# Below this mean the other classes together have more of the probability than the label.
SUSPICIOUS = 0.5
# So many are listed in any case, and so many have their pictures side by side.
ON_A_PAGE = 12
LIST_HEIGHT = 300
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
    def suspicious(self) -> int:
        """How many have a mean below `SUSPICIOUS`."""
        return int(np.count_nonzero(self.places.confidence < SUSPICIOUS))

    @property
    def listed(self) -> list[int]:
        """All of these examples, and at least `ON_A_PAGE`, those of the lowest mean first."""
        known = np.count_nonzero(np.isfinite(self.places.confidence))
        count = min(max(self.suspicious, ON_A_PAGE), known)
        return [int(number) for number in self.places.hardest[:count]]

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

    def captions(self, shown: list[int], index: int) -> list[str]:
        """Say under some pictures what the label is, and what the network says at a step."""
        return [f"{self._label(at)} \u2192 {self._said(at, index)}" for at in shown]

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
            f"all with a mean below {SUSPICIOUS:g}, at least the {ON_A_PAGE} lowest, to be looked "
            "at: after a short training most are hard, not wrong. Under a picture, in the "
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
    examples = measured.examples
    pictures = pictures_of(examples)
    texts = texts_of(examples) if pictures is None else []
    columns = [examples.noun, *(["text"] if texts else []), "label", "says", "mean", "EL2N"]
    table = StepTable(
        lambda index: measured.rows(index, texts),
        len(scene.data.run),
        key=f"{scene.data.run.id}|cartography|{examples.source}",
        columns=columns,
        numeric=[0, len(columns) - 2, len(columns) - 1],
        label="Examples of the lowest mean probability of their label",
        channel=scene.channel,
        sizing_mode="stretch_width",
        margin=0,
    )
    count = text_pane(
        f"{measured.suspicious:,} of {examples.described} have a mean below {SUSPICIOUS:g}.",
        role="note",
    )
    listed = scrolled(table, LIST_HEIGHT)
    if pictures is None:
        return below(count, listed)
    return below(count, _pages(scene, measured, pictures), listed)


def _pages(scene: Scene, measured: Map, pictures: Array) -> Any:
    """Show the pictures of the listed examples, a page of them at a time."""
    listed, source = measured.listed, measured.examples.source
    limits, codes = grey_limits(pictures[listed]), grey_codes(pictures[listed])

    def page(first: int) -> FrameGrid:
        shown = listed[first : first + ON_A_PAGE]
        return FrameGrid(
            lambda index: {
                "frame": codes[first : first + ON_A_PAGE],
                "captions": measured.captions(shown, index),
                "tile_ids": shown,
            },
            len(scene.data.run),
            key=f"{scene.data.run.id}|cartography|{source}|pictures|{first}",
            palette=grey_palette(),
            low=limits.low,
            high=limits.high,
            selects="probe" if source == "probe" else "",
            places=0,
            value_name="input",
            label="Pictures of these examples",
            height=PICTURES_HEIGHT,
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
        )

    starts = range(0, len(listed), ON_A_PAGE)
    if len(starts) == 1:
        return page(0)
    return Alternatives(
        scene.data,
        {str(at): f"{at + 1:,} to {min(at + ON_A_PAGE, len(listed)):,}" for at in starts},
        "0",
        0,
        compute=int,
        draw=lambda _, first: page(first),
        title="Pictures of rows",
        channel=scene.channel,
    )
