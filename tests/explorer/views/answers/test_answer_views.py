"""Pictures, masks, tags and numbers that a network gives, on runs made by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.data.absence import Absence
from explorer.data.pictures_out import PicturesOut
from explorer.data.run import RunData
from explorer.derived.predictions.pictures import brightness, marks, overlap
from explorer.derived.predictions.tags import tag_scores
from explorer.derived.time.frames import Limits, quantize
from explorer.plots.tinted import BANDS, tinted_palette
from explorer.selection import SelectionKey
from explorer.views.answers.masks import MasksDrawn
from explorer.views.answers.pictures import PicturesDrawn
from explorer.views.answers.tags import TagsFound
from explorer.views.answers.values import ValuesMet
from explorer.views.base import Scene, drawn
from explorer.widgets.charts.point_cloud import PointCloud
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.pictures.frame_grid import FrameGrid
from store import open_run
from store.format.spec import LayerSpec
from store.live.writer import RunWriter
from store.testing import image_run_spec

STEPS = (0, 3, 9)
PROBES = 6
IMAGE = ("probe", "y", "x", "unit")


def answered(tmp_path, shape, dims, *, labels, task, function="sigmoid", low=0.0):
    """Record a run whose only layer gives random numbers at each step."""
    spec = image_run_spec()
    layer = LayerSpec(
        "out",
        "Conv2D" if len(shape) == 3 else "Dense",
        "conv" if len(shape) == 3 else "dense",
        {"activation": function},
        ("image",),
        dims,
        (PROBES, *shape),
    )
    probe = dataclasses.replace(spec.probe, labels=labels, class_names=None, task=task)
    spec = dataclasses.replace(spec, layers=(spec.layers[0], layer), probe=probe, outputs=("out",))
    random = np.random.default_rng(0)
    path = tmp_path / f"run{len(list(tmp_path.iterdir()))}.zarr"
    with RunWriter.create(path, spec) as writer:
        for step in STEPS:
            values = random.uniform(low, 1, size=(PROBES, *shape)).astype(np.float32)
            frames = {"layers/out/activation": values}
            writer.append(step, epoch=0, wall_time=0, frames=frames)
    return RunData(open_run(path))


def scene_of(data, probe=1):
    return Scene(data, SelectionKey(layer="out", unit=0, probe=probe, target=0, axis="step"))


def picture(view, scene):
    panel = drawn(view, scene)
    assert not isinstance(panel, Absence), panel
    assert view.caption(scene).endswith(".")
    return panel


def every(kind, panel):
    return list(panel.select(kind))


def test_a_picture_lies_beside_what_it_should_be(tmp_path):
    labels = np.random.default_rng(1).random((PROBES, 8, 8, 1)).astype(np.float32)
    data = answered(tmp_path, (8, 8, 1), IMAGE, labels=labels, task="image")
    scene = scene_of(data)
    three, wrong, grid = every(FrameGrid, picture(PicturesDrawn(), scene))
    assert three.captions == ["output", "target", "input"]
    found = PicturesOut.of(data)
    output = data.activations("out", 2, 1)[0]
    ends = found.limits()
    np.testing.assert_array_equal(three.payload(2)["frame"][0], quantize(output[..., 0], ends))
    np.testing.assert_array_equal(three.payload(2)["frame"][1], quantize(labels[1, ..., 0], ends))
    errors = Limits(wrong.low, wrong.high, signed=True)
    apart = (output - labels[1])[..., 0]
    np.testing.assert_array_equal(wrong.payload(2)["frame"][0], quantize(apart, errors))
    assert grid.selects == "probe"
    assert len(grid.payload(0)["frame"]) == PROBES
    expected = np.abs(data.activations("out", 2) - labels).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found.mean_errors(2), expected, rtol=1e-6)


def test_without_labels_a_picture_is_held_against_the_input_if_it_fits(tmp_path):
    data = answered(tmp_path, (8, 8, 1), IMAGE, labels=None, task=None)
    three, _, _ = every(FrameGrid, picture(PicturesDrawn(), scene_of(data)))
    assert three.captions == ["output", "target"]
    assert "what it was given" in PicturesDrawn().caption(scene_of(data))
    other = answered(tmp_path, (4, 4, 3), IMAGE, labels=None, task=None)
    (grid,) = every(FrameGrid, picture(PicturesDrawn(), scene_of(other)))
    shades = quantize(brightness(other.activations("out", 1)), PicturesOut.of(other).limits())
    np.testing.assert_array_equal(grid.payload(1)["frame"], shades)


@pytest.mark.parametrize("classes", [1, 3])
def test_a_mask_lies_over_the_picture(tmp_path, classes):
    random = np.random.default_rng(2)
    labels = random.integers(0, max(2, classes), size=(PROBES, 8, 8, 1)).astype(np.uint8)
    function = "sigmoid" if classes == 1 else "softmax"
    data = answered(tmp_path, (8, 8, classes), IMAGE, labels=labels, task="mask", function=function)
    scene = scene_of(data)
    own, rest, grid = every(FrameGrid, picture(MasksDrawn(), scene))
    output = data.activations("out", 2)
    predicted = output[..., 0] > 0.5 if classes == 1 else output.argmax(axis=-1)
    tints = marks(predicted.astype(int), labels[..., 0].astype(int))
    bands = (own.payload(2)["frame"][0].astype(int) - 1) * len(BANDS) // 255
    np.testing.assert_array_equal(bands, tints[1])
    assert len(grid.payload(2)["frame"]) == PROBES
    assert rest.captions == ["how sure it is", "truth", "picture"]
    computed = MasksDrawn().compute(scene)
    expected = overlap(predicted.astype(int), labels[..., 0].astype(int))
    np.testing.assert_allclose(computed.overlap[2], expected)
    np.testing.assert_allclose(computed.right[2], (predicted == labels[..., 0]).mean(axis=(1, 2)))


def test_a_tint_has_its_colour_from_dark_to_bright():
    colours = tinted_palette().reshape(256, 3).astype(int)
    for number, tint in enumerate(BANDS.values()):
        middle = colours[1 + round((number + 0.5) / len(BANDS) * 254)]
        strongest = int(np.argmax(tint))
        assert middle[strongest] == middle.max()
    assert (colours[:60, 0] == colours[:60, 2]).all(), "what is not tinted is grey"


def test_tags_are_scored_at_every_step(tmp_path):
    labels = np.random.default_rng(3).integers(0, 2, size=(PROBES, 4)).astype(np.uint8)
    data = answered(tmp_path, (4,), ("probe", "unit"), labels=labels, task="tags")
    scene, view = scene_of(data), TagsFound()
    assert view.applies(data)
    (table,) = every(StepTable, picture(view, scene))
    expected = tag_scores(data.activations("out", 2), labels)
    order = np.argsort(-labels.sum(axis=0), kind="stable")
    rows = table.payload(2)["rows"]
    assert [row[0] for row in rows] == [f"tag {tag}" for tag in order]
    assert [row[4] for row in rows] == [f"{expected.f1[tag]:.2f}" for tag in order]
    assert "6 probes" in view.caption(scene)


def test_values_lie_against_the_true_ones(tmp_path):
    labels = np.random.default_rng(4).normal(size=(PROBES, 2))
    data = answered(
        tmp_path, (2,), ("probe", "unit"), labels=labels, task="values", function="linear", low=-1
    )
    scene, view = scene_of(data), ValuesMet()
    assert view.applies(data)
    (cloud,) = every(PointCloud, picture(view, scene))
    np.testing.assert_allclose(cloud.positions[1, :, 0], labels[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(cloud.positions[1, :, 1], data.activations("out", 1)[:, 0])
    assert "R²" in cloud.remarks[0]


def test_classifiers_have_none_of_these(image_data):
    for view in (PicturesDrawn(), MasksDrawn(), TagsFound(), ValuesMet()):
        assert not view.applies(image_data)
