"""Runs in which there is little to see: every card says so, or shows something.

No view draws an empty plot, a field of one colour, a table that never has a row and does not say
why, or a text without words. What is so at single steps is said by the widgets, see
tests/javascript/message.test.js.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

import holoviews as hv
import numpy as np
import panel as pn
import pytest

from explorer.data.absence import Absence
from explorer.data.run import RunData
from explorer.selection import SelectionKey
from explorer.views.base import Region, Scene, View, drawn, fits
from explorer.views.registry import views
from explorer.widgets.charts.point_cloud import PointCloud
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.charts.token_strip import TokenStrip
from store.format.spec import RunSpec
from store.testing import frames_at, image_run_spec, text_run_spec, write_run
from tests.explorer.conftest import with_probe, with_updates, without_probe
from tests.explorer.data.test_texts import CONV, POOL, stacked
from tests.explorer.drawing import payload_of

pytestmark = pytest.mark.slow

# -- what there is to complain about -----------------------------------------------------------


def complaints(body: Any, steps: int) -> Iterator[str]:
    """Say what of a drawing has nothing to show and does not say so."""
    panel = pn.panel(body)
    for pane in panel.select(pn.pane.HoloViews):
        elements = pane.object.traverse(lambda found: found, [hv.Element])
        if not any(map(_is_seen, elements)):
            yield f"an empty plot: {pane.object!r}"
        for image in elements:
            if isinstance(image, hv.Image) and _is_one_colour(image):
                yield f"a field of one colour: {image!r}"
    for table in panel.select(StepTable):
        rows = [payload_of(table, index).get("rows") for index in range(steps)]
        if not all(rows) and not table.empty.endswith("."):
            yield f"a bare header: {table.columns}"
    for cloud in panel.select(PointCloud):
        if not np.isfinite(cloud.positions).all(axis=-1).any() and not cloud.if_empty:
            yield f"an empty cloud: {cloud.label}"
    for strip in panel.select(TokenStrip):
        if not strip.tokens:
            yield f"a text without words: {strip.label}"


def _is_seen(element: hv.Element) -> bool:
    if isinstance(element, hv.Image):
        return bool(np.isfinite(element.dimension_values(2)).any())
    if not len(element) or isinstance(element, hv.element.Annotation):
        return False
    return bool(np.isfinite(element.dimension_values(1).astype(float)).any())


def _is_one_colour(image: hv.Image) -> bool:
    values = image.dimension_values(2)
    return bool(np.isfinite(values).all() and values.min() == values.max())


# -- runs --------------------------------------------------------------------------------------

Change = Callable[[str, np.ndarray, int], np.ndarray]


def _uniform(name: str, values: np.ndarray) -> np.ndarray:
    """Zeros; probabilities are the same for every class."""
    is_output = name.startswith(("layers/softmax/activation", "layers/output/activation"))
    return np.full_like(values, 1 / values.shape[-1] if is_output else 0)


FRAMES: dict[str, Change] = {
    "all zero": lambda name, values, _: _uniform(name, values),
    "not a number": lambda _, values, __: values * np.nan,
    "infinite": lambda _, values, __: np.full_like(values, np.inf),
    "lost after the start": lambda _, values, step: values * (np.nan if step else 1),
    "never moved": lambda _, values, __: values,
    "no different probes": lambda _, values, __: np.broadcast_to(values[:1], values.shape),
}
CONVOLUTION = stacked(CONV, POOL)
# Of its convolution no weights are recorded.
CONVOLUTION = dataclasses.replace(
    CONVOLUTION,
    layers=tuple(
        dataclasses.replace(one, parameters=int(one.name == "conv") or one.parameters)
        for one in CONVOLUTION.layers
    ),
)
EMPTY = np.array([[2, 3, 4, 5, 0], [0, 0, 0, 0, 0]], np.int32)
SPECS: dict[str, RunSpec] = {
    "image": image_run_spec(),
    "text": text_run_spec(),
    "convolution over text": CONVOLUTION,
    "an empty text": with_probe(text_run_spec(), inputs={"input": EMPTY}),
    "no labels": with_probe(labels=None),
    "no probe": without_probe(),
    "a text, no labels": with_probe(text_run_spec(), labels=None),
    "regression": with_probe(labels=np.linspace(0, 1, 6)),
    "single updates": with_updates(),
    "no weights": dataclasses.replace(
        image_run_spec(),
        layers=tuple(dataclasses.replace(one, weights=()) for one in image_run_spec().layers),
    ),
}


@pytest.fixture
def changed(tmp_path, monkeypatch):
    """Record a run with changed frames."""

    def make(spec: RunSpec, change: Change | None, steps=(0, 1, 2)) -> RunData:
        from store import open_run

        def frames(of, step):
            at = 0 if change is FRAMES["never moved"] else step
            found = frames_at(of, at)
            if change is None:
                return found
            return {
                name: np.asarray(change(name, values, step), values.dtype)
                for name, values in found.items()
            }

        monkeypatch.setattr("store.testing.runs.frames_at", frames)
        return RunData(open_run(write_run(tmp_path / "run.zarr", spec, steps=steps)))

    return make


def every_drawing(data: RunData) -> Iterator[tuple[View, Scene, Any]]:
    """What each view that fits draws for each layer and the last probe."""
    seen = set()
    last = data.run.probe.size - 1 if data.run.probe else 0
    for layer in data.run.layers:
        scene = Scene(data, SelectionKey(layer, last, "step"))
        for view in (view for region in get_args(Region) for view in views(region)):
            key = view.title, view.key(scene.selected)
            if key in seen or not fits(view, data, layer):
                continue
            seen.add(key)
            yield view, scene, drawn(view, scene)


def check(data: RunData) -> dict[str, list[str]]:
    """Look through all cards of a run; give the sentences, by title."""
    said: dict[str, list[str]] = {}
    found = []
    with np.errstate(all="ignore"):
        for view, scene, body in every_drawing(data):
            where = f"{view.title} of {scene.selected.layer}"
            if isinstance(body, Absence):
                said.setdefault(view.title, []).append(body)
                if not re.fullmatch(r"[A-Z0-9].+\.", body):
                    found.append(f"{where}: no sentence: {body!r}")
                continue
            assert not isinstance(body, str), where
            found += [f"{where}: {text}" for text in complaints(body, len(data.run))]
            if not view.caption(scene):
                found.append(f"{where}: no caption")
    assert not found, "\n".join(found)
    return said


# A few by default; all of them together.
USUAL = {("image", "all zero"), ("text", "not a number"), ("convolution over text", "all zero")}


@pytest.mark.parametrize(
    ("kind", "frames"),
    [
        pytest.param(kind, name, marks=[] if (kind, name) in USUAL else pytest.mark.full)
        for kind in ("image", "text", "convolution over text")
        for name in FRAMES
    ],
)
def test_no_card_is_empty_where_there_is_little_to_see(changed, kind, frames):
    check(changed(SPECS[kind], FRAMES[frames]))


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        pytest.param(kind, steps, marks=[] if usual else pytest.mark.full)
        for kind in SPECS
        for steps in ((0,), (0, 1))
        for usual in [(len(steps) == 1) == (kind in ("an empty text", "no weights"))]
    ],
)
def test_no_card_is_empty_in_any_kind_of_run(changed, kind, steps):
    check(changed(SPECS[kind], None, steps))


def test_a_dead_network_is_said_to_be_one(changed):
    said = check(changed(SPECS["image"], FRAMES["all zero"]))
    for title, sentence in {
        "Dead units of each layer": "100 % of the units of each layer are dead at every recorded "
        "step.",
        "Dead, selective, always on": "Each of the 3 units is dead at every recorded step.",
        "How fast each layer learns": "Between no two recorded steps do weights move by a finite "
        "step.",
        "Norms and update ratio": "The norm of kernel of conv1 is 0 at every recorded step.",
        "Units over training": "What every unit of conv1 gives for probe 5 is 0 at every recorded "
        "step.",
        "Classes separating": "Every probe gets the same from conv1, at every recorded step.",
        "Units by class": "Each unit of conv1 gives 0 for every probe at every recorded step.",
        "Class detectors": "cannot be told of fewer than 5 probes a class; there are 2 at most.",
    }.items():
        assert any(sentence in one for one in said[title]), title
