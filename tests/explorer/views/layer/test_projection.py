"""Probes as points: principal components by SVD, one frame of reference, colours and marks."""

from __future__ import annotations

import dataclasses

import holoviews as hv
import numpy as np
import panel as pn
import pytest

from explorer.data.absence import GIVE_LABELS, GIVE_PROBE, Lack, Nothing
from explorer.plots.style import class_colour
from explorer.selection import SelectionKey
from explorer.views.alternatives import Alternatives
from explorer.views.base import Scene
from explorer.views.layer.projection import ClassesSeparating, cloud_of, point_cloud, point_texts
from explorer.widgets.charts.point_cloud import PointCloud
from store.testing import frames_at, image_run_spec, text_run_spec
from tests.explorer.conftest import CHANNELS_FIRST, with_probe, without_probe
from tests.explorer.drawing import drawn_by

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
SPEC = image_run_spec()
LABELS = np.array([0, 1, 2, 3, 0, 1])


def scene_of(data, layer="conv1", index=0):
    return Scene(data, SelectionKey(layer, 0, "step"), index)


def drawn(data, layer="conv1"):
    return drawn_by(ClassesSeparating(), scene_of(data, layer))


def cloud_in(panel):
    (cloud,) = panel.select(PointCloud)
    return cloud


def flat(step, layer="conv1", spec=SPEC):
    values = frames_at(spec, step)[f"layers/{layer}/activation"]
    return values.reshape(len(values), -1).astype(np.float64)


@pytest.mark.parametrize("layer", ["conv1", "dense"])
def test_points_lie_along_the_principal_components_of_the_last_step(image_data, layer):
    positions = cloud_in(drawn(image_data, layer)).positions
    last = flat(100, layer)
    centre = last.mean(axis=0)
    _, sizes, directions = np.linalg.svd(last - centre, full_matrices=False)
    for index, step in enumerate(STEPS):
        expected = (flat(step, layer) - centre) @ directions[:2].T
        for axis in range(2):
            sign = np.sign(expected[0, axis] * positions[index, 0, axis])
            np.testing.assert_allclose(
                positions[index, :, axis], sign * expected[:, axis], rtol=1e-3, atol=1e-3
            )
    shares = sizes**2 / (sizes**2).sum()
    np.testing.assert_allclose(cloud_of(image_data, layer, "pca").explained, shares[:2])


def test_the_axes_say_how_much_they_show(image_data):
    cloud = cloud_in(drawn(image_data))
    share = cloud_of(image_data, "conv1", "pca").explained[0]
    assert cloud.x_name == f"component 1 ({share:.0%} of the variance at step 100)"
    assert cloud.y_name.startswith("component 2 (")
    assert (cloud.equal, cloud.trails, cloud.selects) == (True, True, "probe")


def test_each_step_says_how_much_of_its_variance_lies_in_the_plane(image_data):
    remarks = cloud_in(drawn(image_data)).remarks
    last = flat(100) - flat(100).mean(axis=0)
    plane = np.linalg.svd(last, full_matrices=False)[2][:2]
    for remark, step in zip(remarks, STEPS, strict=True):
        centred = flat(step) - flat(step).mean(axis=0)
        share = ((centred @ plane.T) ** 2).sum() / (centred**2).sum()
        assert remark == f"of this step's variance {share:.0%} lie in the plane"


def test_colours_are_classes_and_crosses_are_wrong(image_data):
    cloud = cloud_in(drawn(image_data))
    assert cloud.colours == [class_colour(label) for label in LABELS]
    assert cloud.groups == [
        [name, class_colour(n)] for n, name in enumerate(["ant", "bee", "cat", "dog"])
    ]
    for index, step in enumerate(STEPS):
        said = frames_at(SPEC, step)["layers/softmax/activation"].argmax(axis=1)
        np.testing.assert_array_equal(cloud.shapes[index], said != LABELS)


def test_a_point_is_told_by_its_number_class_and_text(image_data, text_data):
    assert point_texts(image_data)[3] == "probe 3 · dog"
    assert point_texts(text_data) == [
        "probe 0 · positive · not a good film",
        "probe 1 · negative · <b>bad</b> film",
    ]


def test_the_separation_is_drawn_over_training(image_data):
    panel = drawn(image_data)
    (pane,) = panel.select(pn.pane.HoloViews)
    curve = next(part for part in pane.object if isinstance(part, hv.Curve))
    assert curve["x"].tolist() == STEPS
    rows = flat(5)
    apart = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    scores = []
    for probe in range(6):
        means = {
            number: apart[probe, (number == LABELS) & (np.arange(6) != probe)].mean()
            for number in range(4)
            if ((number == LABELS) & (np.arange(6) != probe)).any()
        }
        own = means.pop(LABELS[probe], None)
        near = min(means.values())
        scores.append(0 if own is None else (near - own) / max(near, own))
    assert curve["y"][3] == pytest.approx(np.mean(scores), abs=1e-5)


def test_probes_without_classes_are_points_all_the_same(recorded):
    panel = drawn(recorded(with_probe(labels=None), steps=(0, 1)))
    cloud = cloud_in(panel)
    assert (cloud.colours, cloud.groups, cloud.shapes) == ([], [], None)
    assert cloud.positions.shape == (2, 6, 2)
    assert GIVE_LABELS in panel.select(pn.pane.HTML)[0].object
    assert not panel.select(pn.pane.HoloViews)


def test_an_outcome_that_diverged_leaves_the_frame_of_reference_to_a_step_before(
    recorded, monkeypatch
):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        if step >= 20:
            frames["layers/conv1/activation"][:] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    cloud = cloud_in(drawn(recorded()))
    assert "at step 10)" in cloud.x_name
    assert np.isfinite(cloud.positions[:5]).all()
    assert np.isnan(cloud.positions[5:]).all()


def test_a_training_that_diverged_from_the_start_has_no_points(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        frames["layers/conv1/activation"][:] = np.inf
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    said = drawn(recorded(steps=(0, 1)))
    assert said == Nothing(
        "Every probe gets nothing that is a number from conv1, at every recorded step."
    )


def test_the_order_of_axes_does_not_matter(recorded):
    first, last = recorded(CHANNELS_FIRST, steps=(0,)), recorded(steps=(0,))
    assert cloud_in(drawn(first)).positions.shape == cloud_in(drawn(last)).positions.shape


def test_the_methods_that_are_installed_are_offered(image_data, monkeypatch):
    monkeypatch.setattr("explorer.views.layer.projection.available_methods", lambda: ("pca",))
    assert not drawn(image_data).select(Alternatives)
    monkeypatch.setattr(
        "explorer.views.layer.projection.available_methods", lambda: ("pca", "tsne")
    )
    made = []

    def embedded(frames, axes, *, method):
        made.append(method)
        return dataclasses.replace(
            cloud_of(image_data, "conv1", "pca").projection,
            positions=np.zeros((8, 6, 2), np.float32),
        )

    panel = drawn(image_data)
    monkeypatch.setattr("explorer.views.layer.projection.embed", embedded)
    (choice,) = panel.select(Alternatives)
    assert choice.choice.options == {"pca": "PCA", "tsne": "t-SNE (slow)"}
    choice.choice.value = "tsne"
    assert made == ["tsne"]
    shown = choice.place.pictures.shown
    assert shown.x_name == "t-SNE 1"
    assert shown.limits == pytest.approx([-0.1, 0.1, -0.1, 0.1])


def test_steps_that_fly_apart_do_not_set_the_limits(image_data, monkeypatch):
    rng = np.random.default_rng(1)
    positions = rng.uniform(-1, 1, (8, 6, 2)).astype(np.float32)
    positions = np.concatenate([positions] * 30, axis=1)
    positions[3, 0] = 1000
    positions[4, 0] = np.nan
    cloud = cloud_of(image_data, "conv1", "pca")
    flown = dataclasses.replace(
        cloud, projection=dataclasses.replace(cloud.projection, positions=positions)
    )
    monkeypatch.setattr("explorer.views.layer.projection.point_texts", lambda _: [])
    unlabelled = Scene(image_data, SelectionKey("conv1", 0, "step"))
    monkeypatch.setattr(type(image_data), "class_labels", None)
    limits = point_cloud(unlabelled, flown, "tsne", None).limits
    assert limits == pytest.approx([-1.2, 1.2, -1.2, 1.2], abs=0.1)
    assert point_cloud(unlabelled, flown, "pca", None).limits == []


def test_a_layer_of_one_number_has_no_plane(text_data):
    assert drawn(text_data, "output").startswith("The layer output gives one number")
    assert cloud_in(drawn(text_data, "lstm")).positions.shape == (8, 2, 2)


def test_it_says_what_is_missing(recorded, image_data):
    assert drawn(recorded(without_probe(), steps=(0, 1)), "dense") == Lack(GIVE_PROBE)
    assert drawn(recorded(steps=())) == "No step has been recorded yet."
    assert cloud_in(drawn(recorded(steps=(0,)))).positions.shape == (1, 6, 2)
    assert not ClassesSeparating().serves(image_data.run.layers["image"])


def test_the_caption_says_what_a_point_a_colour_and_a_cross_are(recorded, image_data):
    caption = ClassesSeparating().caption(scene_of(image_data))
    assert "by what conv1 gives for it" in caption
    assert "a cross: the network is wrong" in caption
    bare = ClassesSeparating().caption(scene_of(recorded(with_probe(labels=None), steps=(0, 1))))
    assert "The probes have no classes" in bare
    words = recorded(with_probe(text_run_spec(), labels=None), steps=(0, 1))
    assert "Colour" not in ClassesSeparating().caption(scene_of(words, "lstm"))
