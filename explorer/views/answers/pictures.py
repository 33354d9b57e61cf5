"""Pictures that a network draws: beside what they should be, and of all probes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence
from explorer.data.pictures_out import PicturesOut
from explorer.data.run import RunData
from explorer.derived.predictions.pictures import brightness
from explorer.derived.time.frames import Limits, quantize, sample_indices
from explorer.derived.time.headway import counted
from explorer.plots.curves import metric_curves
from explorer.plots.pictures import grey_palette
from explorer.plots.style import DIVERGING, palette_bytes
from explorer.views.base import Scene, View, plot_pane
from explorer.views.parts import heading
from explorer.views.registry import register
from explorer.views.requirements import needs_steps
from explorer.views.room import MOST_CAPTIONS
from explorer.widgets.page.beside import below, beside
from explorer.widgets.pictures.frame_grid import FrameGrid

Array = npt.NDArray[Any]
Codes = npt.NDArray[np.uint8]

HEIGHT, GRID_HEIGHT, CURVE_HEIGHT = 190, 320, 180
# Probes that are drawn in the grid.
MOST_PROBES = MOST_CAPTIONS


@dataclass(frozen=True)
class Drawn:
    """What is drawn: the pictures, the ends of their shades, and errors over the training."""

    pictures: PicturesOut
    limits: Limits
    errors: Array | None  # (step, probe)
    error_limit: float


@register
class PicturesDrawn(View):
    """Input, target, output and error of a probe; the outputs of all; the error over time."""

    title = "What the network draws"
    region = "learning"
    depends = ("probe", "axis")
    order = 1
    width = 12

    def applies(self, data: RunData) -> bool:
        found = PicturesOut.of(data)
        return found is not None and found.kind != "mask"

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_steps(scene)

    def caption(self, scene: Scene) -> str:
        found = PicturesOut.of(scene.data)
        assert found is not None
        count = scene.data.run.probe.size if scene.data.run.probe else 0
        colours = " Colours are shown as shades of grey."
        channels = scene.data.run.layers[found.output].output_shape[-1]
        shades = colours if channels > 1 else ""
        if found.kind == "drawn":
            return f"The output of {found.output} for each of {count} probes.{shades}"
        against = "what it was given" if found.is_input else "its target"
        return (
            f"Probe {scene.selected.probe}: what the network draws, {against}, and the error: red "
            f"where it is too bright, blue where it is too dark. Below, the outputs of {count} "
            "probes, a click chooses one; and their mean absolute error. Healthy: it falls. "
            f"The level line is the error of drawing the mean picture of all probes.{shades}"
        )

    def compute(self, scene: Scene) -> Drawn:
        found = PicturesOut.of(scene.data)
        assert found is not None
        if found.target is None:
            return Drawn(found, found.limits(), None, 1.0)

        def make() -> dict[str, Array]:
            steps = counted(range(len(scene.data.run)))
            return {"errors": np.array([found.mean_errors(index) for index in steps])}

        errors = scene.data.derived(f"errors of the pictures of {found.output}", make)["errors"]
        return Drawn(found, found.limits(), errors, found.error_limit())

    def draw(self, scene: Scene, computed: Drawn) -> pn.Column:
        found, limits, probe = computed.pictures, computed.limits, scene.selected.probe
        known = scene.data.run.probe
        count = known.size if known else 0
        shown = sample_indices(count, MOST_PROBES)

        def of_all(index: int) -> Codes:
            return quantize(brightness(found.answers(index)[shown]), limits)

        shared: dict[str, Any] = {
            "channel": scene.channel,
            "sizing_mode": "stretch_width",
            "margin": 0,
            "places": 0,
        }
        grey: dict[str, Any] = {
            "palette": grey_palette(),
            "low": limits.low,
            "high": limits.high,
            "value_name": "brightness",
            **shared,
        }
        run = scene.data.run.id
        grid = FrameGrid(
            of_all,
            len(scene.data.run),
            key=f"{run}|drawn|all",
            label=f"Outputs of {len(shown)} probes",
            selects="probe",
            tile_ids=shown,
            captions=[str(number) for number in shown],
            height=GRID_HEIGHT,
            **grey,
        )
        if found.target is None:
            return below(grid)
        titles, still = ["output", "target"], [found.target[probe]]
        if found.given is not None and not np.array_equal(found.given, found.target):
            titles, still = [*titles, "input"], [*still, found.given[probe]]
        same = all(each.shape[:2] == still[0].shape[:2] for each in still)
        still, titles = (still, titles) if same else (still[:1], titles[:2])
        behind = [quantize(brightness(each), limits) for each in still]

        def of_one(index: int) -> Codes:
            own = quantize(brightness(found.answers(index, probe)[0]), limits)
            return np.stack([own, *behind])

        three = FrameGrid(
            of_one,
            len(scene.data.run),
            key=f"{run}|drawn|{probe}",
            label=f"Output and target of probe {probe}",
            captions=titles,
            height=HEIGHT,
            **grey,
        )
        ends = Limits(-computed.error_limit, computed.error_limit, signed=True)
        wrong = FrameGrid(
            lambda index: quantize(found.errors(index, probe)[None], ends),
            len(scene.data.run),
            key=f"{run}|error|{probe}",
            label=f"Error of probe {probe}",
            captions=["output less target"],
            palette=palette_bytes(DIVERGING),
            low=ends.low,
            high=ends.high,
            value_name="error",
            height=HEIGHT,
            **shared,
        )
        return below(
            beside(three, wrong, shares=(len(titles), 1)),
            heading("All probes"),
            grid,
            heading("Mean absolute error"),
            _curve(scene, computed),
        )


def _curve(scene: Scene, computed: Drawn) -> Any:
    errors, target = computed.errors, computed.pictures.target
    assert errors is not None
    assert target is not None
    mean = np.abs(target - target.mean(axis=0)).mean()
    series = {
        f"mean of {errors.shape[1]} probes": (scene.positions, errors.mean(axis=1)),
        f"probe {scene.selected.probe}": (scene.positions, errors[:, scene.selected.probe]),
        "mean picture": (scene.positions, np.full(len(errors), mean)),
    }
    return plot_pane(
        metric_curves(
            series,
            y_label="absolute error",
            cursor=scene.positions,
            height=CURVE_HEIGHT,
            **scene.time_options(),
        )
    )
