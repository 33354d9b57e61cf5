"""Masks that a network draws: over the picture, beside the truth, and how far they agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence
from explorer.data.pictures_out import PicturesOut
from explorer.data.run import RunData
from explorer.derived.predictions.pictures import brightness, marks, overlap
from explorer.derived.time.frames import Limits, quantize, sample_indices
from explorer.derived.time.headway import counted
from explorer.plots.curves import metric_curves
from explorer.plots.pictures import grey_palette
from explorer.plots.tinted import BANDS, tinted_palette
from explorer.views.base import Scene, View, plot_pane
from explorer.views.parts import heading
from explorer.views.registry import register
from explorer.views.requirements import needs_steps
from explorer.views.room import MOST_CAPTIONS
from explorer.widgets.page.beside import below, beside
from explorer.widgets.pictures.frame_grid import FrameGrid

Array = npt.NDArray[Any]
Codes = npt.NDArray[np.uint8]

HEIGHT, GRID_HEIGHT, CURVE_HEIGHT = 240, 320, 200
# Shades lie within a band of colour, and do not touch the next one.
EDGE, WITHIN = 0.05, 0.9


@dataclass(frozen=True)
class Masks:
    """What is drawn: the masks, and how far they agree with the truth: (step, probe) each."""

    masks: PicturesOut
    overlap: Array
    right: Array


@register
class MasksDrawn(View):
    """The predicted mask over the picture, the truth, and IoU and pixel accuracy over time."""

    title = "The mask that the network draws"
    region = "learning"
    depends = ("probe", "axis")
    order = 1
    width = 12

    def applies(self, data: RunData) -> bool:
        found = PicturesOut.of(data)
        return found is not None and found.kind == "mask"

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_steps(scene)

    def caption(self, scene: Scene) -> str:
        found = PicturesOut.of(scene.data)
        assert found is not None
        assert found.target is not None
        share = float((found.target != 0).mean())
        return (
            f"Probe {scene.selected.probe} and {len(found.target)} probes below; a click chooses "
            "one. Green: marked, and right; orange: marked, and wrong; blue: missed. IoU is what "
            "is right of all that is green, orange or blue, pixel accuracy the share of all pixels "
            f"that are right. {share:.0%} of the pixels belong to something: who marks nothing has "
            f"an accuracy of {1 - share:.2f} and an IoU of 0, who marks all has an IoU of about "
            f"{share:.2f}. Healthy: IoU rises far above that."
        )

    def compute(self, scene: Scene) -> Masks:
        found = PicturesOut.of(scene.data)
        assert found is not None
        assert found.target is not None
        truth = found.target

        def make() -> dict[str, Array]:
            both: list[tuple[Array, Array]] = []
            for index in counted(range(len(scene.data.run))):
                predicted = found.classes(index)
                right = (predicted == truth).mean(axis=(1, 2))
                both.append((overlap(predicted, truth), right))
            ious, rights = zip(*both, strict=True)
            return {"overlap": np.array(ious), "right": np.array(rights)}

        kept = scene.data.derived(f"agreement of the masks of {found.output}", make)
        return Masks(found, kept["overlap"], kept["right"])

    def draw(self, scene: Scene, computed: Masks) -> pn.Column:
        found, probe = computed.masks, scene.selected.probe
        assert found.target is not None
        truth, shades = found.target, _shades(found)
        shown = sample_indices(len(truth), MOST_CAPTIONS)
        ends = Limits(0.0, float(len(BANDS)), signed=False)

        def over(index: int, numbers: list[int]) -> Codes:
            alone = len(numbers) == 1
            drawn = found.classes(index, probe) if alone else found.classes(index)[numbers]
            tints = marks(drawn, truth[numbers])
            return quantize(tints + EDGE + WITHIN * shades[numbers], ends)

        tinted: dict[str, Any] = {
            "channel": scene.channel,
            "sizing_mode": "stretch_width",
            "margin": 0,
            "places": 0,
            "palette": tinted_palette(),
            "low": 0.0,
            "high": float(len(BANDS)),
            "bounded": True,
            "value_name": " · ".join(BANDS),
        }
        run, count = scene.data.run.id, len(scene.data.run)
        own = FrameGrid(
            lambda index: over(index, [probe]),
            count,
            key=f"{run}|mask|{probe}",
            label=f"Mask of probe {probe} over its picture",
            captions=["marked over the picture"],
            height=HEIGHT,
            **tinted,
        )
        grey = Limits(0.0, 1.0, signed=False)
        true = np.asarray(truth[probe] != 0, np.float32)
        behind = [quantize(each, grey) for each in (true, shades[probe])]

        def beside_it(index: int) -> Codes:
            answer = found.answers(index, probe)[0]
            marked = answer[..., 0] if answer.shape[-1] == 1 else 1 - answer[..., 0]
            return np.stack([quantize(marked, grey), *behind])

        titles = ["how sure it is", "truth", "picture"]
        rest = FrameGrid(
            beside_it,
            count,
            key=f"{run}|sure|{probe}",
            label=f"Output, truth and picture of probe {probe}",
            captions=titles,
            palette=grey_palette(),
            low=0.0,
            high=1.0,
            bounded=True,
            value_name="share",
            height=HEIGHT,
            places=0,
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
        grid = FrameGrid(
            lambda index: over(index, shown),
            count,
            key=f"{run}|masks|all",
            label=f"Masks of {len(shown)} probes",
            selects="probe",
            tile_ids=shown,
            captions=[str(number) for number in shown],
            height=GRID_HEIGHT,
            **tinted,
        )
        return below(
            beside(own, rest, shares=(1, len(titles))),
            heading("All probes"),
            grid,
            heading("How far they agree with the truth"),
            _curves(scene, computed),
        )


def _shades(found: PicturesOut) -> Array:
    """Give what the network was given, from 0 to 1; all dark where that is no picture."""
    assert found.target is not None
    if found.given is None or found.given.shape[1:3] != found.target.shape[1:3]:
        return np.zeros(found.target.shape, np.float32)
    values = brightness(found.given)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return np.asarray(np.nan_to_num((values - low) / ((high - low) or 1.0)))


def _curves(scene: Scene, computed: Masks) -> Any:
    probe, count = scene.selected.probe, computed.right.shape[1]
    known = np.isfinite(computed.overlap)
    sums = np.where(known, computed.overlap, 0).sum(axis=1)
    means = np.where(known.any(axis=1), sums / np.maximum(known.sum(axis=1), 1), np.nan)
    series = {
        f"IoU, mean of {count} probes": (scene.positions, means),
        f"IoU of probe {probe}": (scene.positions, computed.overlap[:, probe]),
        "pixel accuracy, mean": (scene.positions, computed.right.mean(axis=1)),
    }
    return plot_pane(
        metric_curves(
            series,
            y_label="share",
            cursor=scene.positions,
            y_range=(0.0, 1.02),
            height=CURVE_HEIGHT,
            **scene.time_options(),
        )
    )
