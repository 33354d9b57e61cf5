"""Numbers that a network predicts, against the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Lack
from explorer.data.examples import NOUNS, ROLES, AnsweredSet, ExampleSource
from explorer.data.run import RunData
from explorer.derived.predictions.residuals import residual_scores
from explorer.derived.time.headway import counted
from explorer.plots.curves import metric_curves
from explorer.views.base import Scene, View, plot_pane
from explorer.views.parts import option, options_row
from explorer.views.registry import register
from explorer.views.requirements import needs_steps
from explorer.widgets.charts.point_cloud import PointCloud
from explorer.widgets.page.beside import below, beside

Array = npt.NDArray[Any]

HEIGHT, CURVE_HEIGHT = 340, 250
MOST_POINTS, MOST_OUTPUTS = 500, 12
NO_TARGETS = "The values to be met are not known. Record with a probe, or evaluation, of labels."


@dataclass(frozen=True)
class Met:
    """What was predicted of the true values: (step, example, value); true (example, value)."""

    source: ExampleSource
    predicted: Array
    true: Array


def targets_of(data: RunData) -> tuple[ExampleSource, Array] | None:
    """Find examples with numbers to be met, as many as the output has units: a larger set first."""
    if data.task != "values" or data.output is None:
        return None
    shape = data.run.layers[data.output].output_shape
    if len(shape) != 1:
        return None
    for source, role in ROLES.items():
        kept = data.run.evaluations.get(role)
        if kept is not None and "label" in kept and "prediction" in kept:
            rows = np.asarray(kept["label"].values, np.float64)
            if rows.size == len(rows) * shape[0]:
                return source, rows.reshape(len(rows), -1)
    probe = data.run.probe
    if probe is None or probe.labels is None or not data.run.layers[data.output].has_activation:
        return None
    rows = np.asarray(probe.labels, np.float64)
    return ("probe", rows.reshape(len(rows), -1)) if rows.size == len(rows) * shape[0] else None


@register
class ValuesMet(View):
    """Predicted against true values at this step; error and explained variance over time."""

    title = "Predicted against true values"
    region = "learning"
    depends = ("axis",)
    order = 2
    width = 12

    def __init__(self) -> None:
        self._unit = "0"

    def applies(self, data: RunData) -> bool:
        return data.task == "values" and data.output is not None

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_steps(scene)
        return missing or (None if targets_of(scene.data) is not None else Lack(NO_TARGETS))

    def caption(self, scene: Scene) -> str:
        found = targets_of(scene.data)
        assert found is not None
        source, true = found
        return (
            f"Each of {len(true):,} {NOUNS[source]} is a point: its true value to the right, what "
            "the network says upwards. Healthy: the points lie on the diagonal. Beside: the mean "
            "absolute error, and the share of the variance that is explained (R²): 0 is what the "
            "mean of the true values alone reaches, 1 the most; below 0 it is cut off."
        )

    def compute(self, scene: Scene) -> Met:
        found = targets_of(scene.data)
        assert found is not None
        source, true = found
        path = AnsweredSet(scene.data, source).path

        def make() -> dict[str, Array]:
            frames = [
                scene.data.read(path, (index, slice(None), slice(None)))
                for index in counted(range(len(scene.data.run)))
            ]
            return {"predicted": np.stack(frames).astype(np.float32)}

        predicted = scene.data.derived(f"values on the {source}", make)["predicted"]
        return Met(source, predicted, true)

    def draw(self, scene: Scene, computed: Met) -> pn.Column:
        count = computed.true.shape[1]
        self._unit = self._unit if int(self._unit) < count else "0"
        body = pn.Column(sizing_mode="stretch_width", margin=0)

        def show() -> None:
            body[:] = [_pictures(scene, computed, int(self._unit))]

        def choose(unit: str) -> None:
            self._unit = unit
            show()

        show()
        units = {str(unit): str(unit) for unit in range(min(count, MOST_OUTPUTS))}
        return below(options_row([option("value", units, self._unit, partial(choose))]), body)


def _pictures(scene: Scene, found: Met, unit: int) -> Any:
    true, predicted = found.true[:, unit], found.predicted[..., unit]
    shown = np.linspace(0, len(true) - 1, min(len(true), MOST_POINTS)).astype(np.int64)
    places = np.stack(
        [np.broadcast_to(true[shown], (len(predicted), len(shown))), predicted[:, shown]], axis=-1
    ).astype(np.float32)
    low, high = float(np.nanmin(true)), float(np.nanmax(true))
    room = 0.08 * ((high - low) or 1.0)
    ends = [low - room, high + room]
    scores = residual_scores(predicted, true)
    cloud = PointCloud(
        positions=places,
        limits=[*ends, *ends],
        equal=True,
        x_name="true value",
        y_name="predicted",
        selects="probe" if found.source == "probe" else "",
        point_ids=shown.tolist(),
        remarks=[
            f"mean absolute error {error:.3g}, R² {share:.2f}"
            for error, share in zip(scores.error, scores.explained, strict=True)
        ],
        label="Predicted against true values",
        channel=scene.channel,
        height=HEIGHT,
        sizing_mode="stretch_width",
        margin=0,
    )
    x = scene.positions
    by_mean = np.full(len(x), np.abs(true - true.mean()).mean())
    errors = {"mean absolute error": (x, scores.error), "of the mean alone": (x, by_mean)}
    options: dict[str, Any] = {"cursor": x, **scene.time_options()}
    return beside(
        cloud,
        below(
            plot_pane(metric_curves(errors, y_label="error", height=CURVE_HEIGHT, **options)),
            plot_pane(
                metric_curves(
                    {"explained": (x, np.maximum(scores.explained, 0))},
                    y_label="R²",
                    y_range=(0.0, 1.02),
                    height=CURVE_HEIGHT,
                    **options,
                )
            ),
        ),
    )
