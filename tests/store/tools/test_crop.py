from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import open_run
from store.errors import LayerNotFoundError, RunExistsError, SpecError
from store.packed.draft import Draft
from store.reading import moments
from store.reading.bookmarks import Bookmark
from store.reading.run import Run
from store.testing import frames_at, image_run_spec, text_run_spec, write_run
from store.tools.crop import DROPPABLE, Cut, crop, cropped
from store.tools.info import contents
from store.tools.verify import verify
from tests.store.conftest import STEPS

ACTIVATION = "layers/conv1/activation"


def cut_run(run: Path, cut: Cut) -> Run:
    report = crop(run, run.with_name("cut.zarr"), cut)
    opened = open_run(report.path)
    assert verify(opened).is_sound
    return opened


def test_steps_by_range_and_stride(live_run: Path) -> None:
    run = cut_run(live_run, Cut(first=2, last=64, every=3))
    kept = [step for step in STEPS if 2 <= step <= 64][::3]
    np.testing.assert_array_equal(run.steps, kept)
    expected = np.stack([frames_at(image_run_spec(), step)[ACTIVATION] for step in kept])
    np.testing.assert_array_equal(run.read(ACTIVATION, ()), expected)
    assert run.metrics["update"].values[[0, -1]].tolist() == [2, 64]
    np.testing.assert_array_equal(run.epochs, np.array(kept) / 30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    first=st.none() | st.integers(0, 40),
    every=st.integers(1, 6),
    probes=st.none() | st.lists(st.integers(0, 5), min_size=1),
    data=st.data(),
)
def test_any_part_of_a_cut_is_that_part_of_the_run(
    packed_run: Path, first: int | None, every: int, probes: list[int] | None, data: st.DataObject
) -> None:
    draft = Draft.of(open_run(packed_run))
    part = cropped(draft, Cut(first=first, every=every, probes=probes)).part(ACTIVATION)
    steps = [step for step in STEPS if first is None or step >= first][::every]
    whole = np.stack([frames_at(image_run_spec(), step)[ACTIVATION] for step in steps])
    whole = whole[:, sorted(set(probes))] if probes is not None else whole
    assert part.shape == whole.shape
    region = []
    for size in whole.shape:
        start = data.draw(st.integers(0, size))
        region.append(slice(start, data.draw(st.integers(start, size))))
    np.testing.assert_array_equal(part.read(tuple(region)), whole[tuple(region)])


def test_layers_lose_their_arrays_but_the_graph_stays_whole(live_run: Path) -> None:
    run = cut_run(live_run, Cut(layers=["conv*", "softmax"]))
    assert list(run.layers) == list(open_run(live_run).layers)
    assert [name for name, layer in run.layers.items() if layer.has_activation] == [
        "conv1",
        "softmax",
    ]
    assert not run.layers["dense"].weights
    with pytest.raises(LayerNotFoundError, match="Did you mean 'conv1'"):
        crop(live_run, live_run.with_name("x.zarr"), Cut(layers=["cnv1"]))


def test_probes_keep_their_inputs_labels_and_activations(live_run: Path) -> None:
    whole = open_run(live_run)
    run = cut_run(live_run, Cut(probes=[4, 1]))
    assert run.probe is not None
    assert whole.probe is not None
    assert run.probe.labels is not None
    np.testing.assert_array_equal(run.probe.inputs["input"], whole.probe.inputs["input"][[1, 4]])
    np.testing.assert_array_equal(run.probe.labels, [1, 0])
    np.testing.assert_array_equal(run.read(ACTIVATION, ()), whole.read(ACTIVATION, ())[:, [1, 4]])
    assert run.nodes["probe"]["attributes"]["fingerprint"] == run.probe.fingerprint()
    with pytest.raises(SpecError, match="not all among 0 to 5"):
        crop(live_run, live_run.with_name("x.zarr"), Cut(probes=[6]))


MARKED = [Bookmark(step, "look", probe=probe) for step, probe in [(2, 1), (7, 4), (64, None)]]


def test_a_thinned_range_keeps_the_steps_of_moments(live_run: Path) -> None:
    moments.save(open_run(live_run), MARKED)
    report = crop(live_run, live_run.with_name("cut.zarr"), Cut(first=1, last=64, every=3))
    inside = [step for step in STEPS if 1 <= step <= 64]
    kept = sorted({*inside[::3], 2, 7, 64})
    assert len(kept) > len(inside[::3])
    assert open_run(report.path).steps.tolist() == kept
    assert moments.load(open_run(report.path)) == tuple(MARKED)
    assert (report.moments_lost, report.moments_without_probe) == ((), ())
    # Whoever leaves the moments out wants none of their steps.
    bare = Cut(first=1, last=64, every=3, drop=["moments"])
    report = crop(live_run, live_run.with_name("bare.zarr"), bare)
    assert open_run(report.path).steps.tolist() == inside[::3]
    assert report.moments_lost == ()


def test_a_moment_that_is_lost_is_said(live_run: Path) -> None:
    moments.save(open_run(live_run), MARKED)
    report = crop(live_run, live_run.with_name("cut.zarr"), Cut(first=4, probes=[0, 1]))
    assert [moment.step for moment in report.moments_lost] == [2]
    assert [moment.probe for moment in report.moments_without_probe] == [4]
    assert [moment.probe for moment in moments.load(open_run(report.path))] == [None, None]


def test_a_run_without_inputs_holds_no_word_of_its_texts(tmp_path: Path) -> None:
    config = {"layers": [{"config": {"vocabulary": ["film"], "idf_weights": [0.5]}}]}
    spec = replace(text_run_spec(), model_config=config)
    run = cut_run(write_run(tmp_path / "run.zarr", spec, steps=(0, 5)), Cut(drop=["inputs"]))
    written = b"".join(
        file.read_bytes() for file in Path(run.location).rglob("*") if file.is_file()
    )
    assert b"film" not in written
    # Arrays are compressed: so that their absence is seen.
    assert not {"probe/text", "probe/vocabulary", "probe/input"} & run.nodes.keys()


@pytest.mark.parametrize("what", DROPPABLE)
@pytest.mark.parametrize("spec", [image_run_spec(), text_run_spec()], ids=["image", "text"])
def test_what_is_dropped_is_gone_and_the_rest_is_not(tmp_path: Path, what: str, spec) -> None:  # type: ignore[no-untyped-def]
    path = write_run(tmp_path / "run.zarr", spec, steps=(0, 5))
    gone = {
        "inputs": {"inputs", "texts", "vocabulary"},
        "labels": {"labels", "class_names"},
        "texts": {"texts", "vocabulary"},
        "model": {"model_config"},
    }.get(what, {what})
    before, after = contents(open_run(path)), contents(cut_run(path, Cut(drop=[what])))
    assert after == {name: there and name not in gone for name, there in before.items()}


def test_dropped_texts_and_inputs_are_nowhere_in_the_files(tmp_path: Path) -> None:
    spec = text_run_spec()
    config = {
        "layers": [{"class_name": "TextVectorization", "config": {"vocabulary": ["secretword"]}}]
    }
    object.__setattr__(spec, "model_config", config)
    path = write_run(tmp_path / "run.zarr", spec, steps=(0, 5))
    run = cut_run(path, Cut(drop=["texts", "inputs"]))
    assert run.model_config == {
        "layers": [{"class_name": "TextVectorization", "config": {"vocabulary": None}}]
    }
    assert run.probe is not None
    assert run.probe.inputs == {}
    assert run.probe.size == 2  # the labels are still there
    original = open_run(path).probe
    assert original is not None
    text = (Path(run.location) / "zarr.json").read_text()
    assert original.fingerprint() not in text
    assert not (Path(run.location) / "probe" / "input").exists()


def test_an_input_layers_activation_goes_with_the_inputs(tmp_path: Path) -> None:
    spec = image_run_spec()
    dims, shape = ("probe", "y", "x", "unit"), (6, 8, 8, 1)
    image = replace(spec.layers[0], output_dims=dims, output_shape=shape)
    spec = replace(spec, layers=(image, *spec.layers[1:]))
    path = write_run(tmp_path / "run.zarr", spec, steps=(0, 5))
    assert open_run(path).layers["image"].has_activation
    assert not cut_run(path, Cut(drop=["inputs"])).layers["image"].has_activation


def test_wrong_wishes_are_refused(live_run: Path, packed_run: Path) -> None:
    target = live_run.with_name("x.zarr")
    with pytest.raises(SpecError, match="No step is left; the run has 0 to 100"):
        crop(live_run, target, Cut(first=101))
    with pytest.raises(SpecError, match="Did you mean 'inputs'"):
        crop(live_run, target, Cut(drop=["input"]))
    with pytest.raises(SpecError, match="every must be 1 or more"):
        crop(live_run, target, Cut(every=0))
    with pytest.raises(RunExistsError):
        crop(live_run, packed_run, Cut())
    assert not target.exists()
