"""The probes as points: how a layer comes to tell the classes apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Nothing, Unfit
from explorer.data.larger_set import said_of_examples
from explorer.data.run import RunData
from explorer.data.separations import separation_of, turns_of_separation
from explorer.data.summaries import positions_seen, unit_frames
from explorer.derived.predictions.verdicts import RIGHT, UNKNOWN, WRONG
from explorer.derived.time.headway import part
from explorer.derived.time.plain import only_value
from explorer.derived.units.projection import (
    METHODS,
    Method,
    Projection,
    available_methods,
    embed,
    fit_axes,
)
from explorer.plots.separation import separation_curve
from explorer.plots.style import class_colour
from explorer.views.alternatives import Alternatives
from explorer.views.base import Scene, Unfinished, View, plot_pane
from explorer.views.parts import shares_in_plane
from explorer.views.registry import register
from explorer.views.requirements import needs_activation, needs_classed_examples
from explorer.views.turns import in_turns
from explorer.widgets.charts.point_cloud import PointCloud
from explorer.widgets.page.beside import below, beside
from explorer.widgets.page.probe_picker import descriptions
from explorer.widgets.page.text import text_pane
from store import Layer
from store.format.names import activation_path

Array = npt.NDArray[Any]

HEIGHT = 400
CURVE_HEIGHT = 200
NAMES: dict[str, str] = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
# The cloud's forms by what a probe is marked as.
DISC, CROSS, RING = 0, 1, 2
FORMS = {RIGHT: DISC, WRONG: CROSS, UNKNOWN: RING}
# Share of the points of a method without axes that may lie outside of the limits, at each end,
# and room around the rest.
TAIL, ROOM = 0.01, 0.1
ALONE = "each step on its own: near points are alike, long distances mean little"
NO_SEPARATION = "The separation of the classes is not a number at any recorded step."
# More classes have no legend, only the text under the pointer.
MOST_NAMED = 30


@dataclass(frozen=True)
class Cloud:
    """Where the probes are at every step.

    Attributes
    ----------
    projection : Projection
        Their positions.
    explained : ndarray (2,)
        Share of the variance along each axis, at the step that sets the frame of reference.
    reference : int
        Position of that step.
    """

    projection: Projection
    explained: Array
    reference: int


def cloud_of(data: RunData, layer: str, method: str) -> Cloud:
    """Project a layer's activations at every step; call it in the worker thread.

    The frame of reference is that of the last step at which anything is finite: there the classes
    are as far apart as they get, and a drift of all probes alike takes no axis.
    """

    def make() -> dict[str, Array]:
        reference, sample = _last_finite(data, layer)
        axes = fit_axes([sample])
        made = embed(unit_frames(data, layer), axes, method=_method(method))
        return {
            **asdict(made),
            "along": axes.explained,
            "reference": np.array(reference),
        }

    kept = data.derived(f"{method} of {activation_path(layer)}", make)
    projection = Projection(kept["positions"], kept["explained"])
    return Cloud(projection, kept["along"], int(kept["reference"]))


def _method(name: str) -> Method:
    (method,) = (method for method in METHODS if method == name)
    return method


def _last_finite(data: RunData, layer: str) -> tuple[int, Array]:
    """Find the last step at which the activation of some probe is finite, else the last one."""
    found = last = None
    for index, frame in enumerate(unit_frames(data, layer)):
        last = index, frame
        if np.isfinite(frame).reshape(len(frame), -1).all(axis=1).any():
            found = last
    assert last is not None
    return found or last


class Computed(NamedTuple):
    """What the card draws: positions, forms of the points, separation of the classes."""

    cloud: Cloud
    marks: Array | None
    separation: Array | None


@register
class ClassesSeparating(View):
    """A point a probe, in one plane for the whole training, and how far the classes are apart."""

    title = "Classes separating"
    region = "layer"
    depends = ("layer", "axis")
    order = 20
    width = 12

    def __init__(self) -> None:
        self._method = "pca"

    def serves(self, layer: Layer) -> bool:
        return layer.kind != "input"

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_activation(scene)
        shape = scene.layer.output_shape
        if missing is None and int(np.prod(shape, dtype=int)) < 2:
            return Unfit(f"The layer {scene.layer.name} gives one number for each probe: no plane.")
        return missing

    def caption(self, scene: Scene) -> str:
        data, layer = scene.data, scene.selected.layer
        seen, count = positions_seen(data, layer)
        where = f", at {seen:,} of {count:,} positions" if seen < count else ""
        coloured = data.class_labels is not None
        classes = " Colour: true class; a cross: the network is wrong." if coloured else ""
        if not coloured and data.class_names:
            classes = " The probes have no classes, so nothing tells them apart."
        return (
            f"Every probe as a point, by what {layer} gives for it{where}, in one plane for all "
            "steps, that of the two main directions at the last one: what differs in other "
            "directions is not seen, and early steps may lie mostly outside of it (below the "
            "points, the share of this step's variance that lies in it). A unit is as long on both "
            f"axes; trails show the last steps.{classes} Click a point to choose its probe."
        )

    def compute(self, scene: Scene) -> Computed | Nothing | Unfinished:
        return in_turns(turns_of_separation(scene.data), lambda: self._computed(scene))

    def _computed(self, scene: Scene) -> Computed | Nothing:
        data, layer = scene.data, scene.selected.layer
        with part(0, 2):
            cloud = cloud_of(data, layer, self._method)
        positions = cloud.projection.positions
        if positions.shape[1] > 1 and only_value(positions[:, :1] - positions) is not None:
            known = np.isfinite(positions).any()
            given = "the same" if known else "nothing that is a number"
            return Nothing(f"Every probe gets {given} from {layer}, at every recorded step.")
        with part(1, 2):
            return Computed(cloud, forms(data), separation_of(data, layer))

    def draw(self, scene: Scene, computed: Computed) -> Any:
        cloud, marks, separation = computed
        # It takes some tenths of a second a step, once: say so.
        methods = {
            str(method): NAMES[method] + ("" if method == "pca" else " (slow)")
            for method in available_methods()
        }
        picture: Any = point_cloud(scene, cloud, self._method, marks)
        if len(methods) > 1:
            picture = Alternatives(
                scene.data,
                methods,
                self._method,
                cloud,
                compute=lambda name: cloud_of(scene.data, scene.selected.layer, name),
                draw=lambda name, made: point_cloud(scene, made, name, marks),
                chosen=lambda name: setattr(self, "_method", name),
                title="Method",
                channel=scene.channel,
            )
        missing = needs_classed_examples(scene.data)
        if isinstance(missing, Unfit):
            return picture
        if missing is not None or separation is None:
            return beside(picture, below(_note(missing or NO_SEPARATION)), shares=(7, 4))
        return beside(picture, _beside_it(scene, separation), shares=(7, 4))


def _beside_it(scene: Scene, separation: Array) -> pn.Column:
    if not np.isfinite(separation).any():
        return below(_note(NO_SEPARATION))
    curve = plot_pane(
        separation_curve(
            scene.positions,
            separation,
            height=CURVE_HEIGHT,
            **scene.time_options(),
        )
    )
    return below(
        curve,
        _note(
            "How far the classes are apart in the whole layer, not only in the plane: the mean "
            "silhouette. 1: each example lies close to its own class and far from the next one; 0: "
            "the classes mix, as where they are given at random; below: examples lie nearer to "
            f"another class. {said_of_examples(scene.data)}"
        ),
    )


def point_cloud(scene: Scene, cloud: Cloud, method: str, marks: Array | None) -> PointCloud:
    """Draw where the probes are, coloured by class and marked right or wrong."""
    data = scene.data
    labels, names = data.class_labels, data.class_names
    colours, groups = [], []
    if labels is not None:
        colours = [class_colour(int(label)) for label in labels]
        present = np.unique(labels).tolist()
        if len(present) <= MOST_NAMED:
            groups = [[names[number], class_colour(number)] for number in present]
    return PointCloud(
        positions=cloud.projection.positions,
        labels=point_texts(data),
        colours=colours,
        groups=groups,
        shapes=marks,
        selects="probe",
        x_name=_axis_name(scene, cloud, method, 0),
        y_name=_axis_name(scene, cloud, method, 1),
        limits=[] if method == "pca" else _limits(cloud.projection.positions),
        equal=True,
        remarks=shares_in_plane(cloud.projection.explained) if method == "pca" else [ALONE],
        trails=True,
        label=f"Probes by the activation of {scene.selected.layer}",
        channel=scene.channel,
        height=HEIGHT,
        sizing_mode="stretch_width",
        margin=0,
    )


def point_texts(data: RunData) -> list[str]:
    """Say of each probe its number, its class and what it is."""
    probe = data.run.probe
    assert probe is not None
    labels, names, texts = data.class_labels, data.class_names, descriptions(probe)
    parts = []
    for number in range(probe.size):
        said = [f"probe {number}"]
        if labels is not None:
            said.append(names[int(labels[number])])
        if texts and probe.kind == "text":
            said.append(texts[number])
        parts.append(" · ".join(said))
    return parts


def forms(data: RunData) -> npt.NDArray[np.uint8] | None:
    """Give the form of each probe at every step, (step, probe); None unless it can be right."""
    verdicts = data.verdicts() if data.class_labels is not None else None
    if verdicts is None:
        return None
    forms = np.full(verdicts.marks.shape, RING, np.uint8)
    for mark, form in FORMS.items():
        forms[verdicts.marks == mark] = form
    return forms


def _limits(positions: Array) -> list[float]:
    """Find limits within which nearly all points lie: t-SNE may scatter a few far away."""
    points = positions.reshape(-1, positions.shape[-1])
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return []
    low, high = np.quantile(points, [TAIL, 1 - TAIL], axis=0)
    room = ROOM * np.where(high > low, high - low, 1.0)
    return np.stack([low - room, high + room], axis=1).ravel().astype(float).tolist()


def _axis_name(scene: Scene, cloud: Cloud, method: str, axis: int) -> str:
    if method != "pca":
        return f"{NAMES[method]} {axis + 1}"
    share = cloud.explained[axis]
    step = int(scene.data.timeline.steps[cloud.reference])
    known = f" ({share:.0%} of the variance at step {step:,})" if np.isfinite(share) else ""
    return f"component {axis + 1}{known}"


def _note(text: str) -> pn.pane.HTML:
    return text_pane(text, margin=(0, 0, 0, 6))
