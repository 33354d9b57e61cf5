"""Reading a run for the page: the same numbers as in the store, and bounded caches."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.data.run import SAMPLES, RunData
from explorer.derived.time.frames import quantize
from explorer.derived.time.headway import report_to
from store import open_run
from store.live.writer import RunWriter
from store.testing import derived_run_spec, frames_at, image_run_spec, text_run_spec, write_run
from store.tools.crop import Cut, crop
from tests.explorer.conftest import CHANNELS_FIRST, image_spec_with_conv1, with_probe, without_probe

STEPS = (0, 1, 2, 5, 10, 20, 50, 100)


def activation_of(spec, layer, step):
    return frames_at(spec, step)[f"layers/{layer}/activation"]


# -- frames -----------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 3, 7])
@pytest.mark.parametrize("probe", [0, 5])
def test_a_frame_is_the_recorded_activation_in_colour_codes(image_data, index, probe):
    values = activation_of(image_run_spec(), "conv1", STEPS[index])[probe]
    frame = image_data.frame("conv1", index, probe)
    assert (frame.shape, frame.dtype) == ((3, 8, 8), np.uint8)
    assert frame.flags.c_contiguous
    limits = image_data.limits("conv1", probe)
    for unit in range(3):
        np.testing.assert_array_equal(frame[unit], quantize(values[:, :, unit], limits))


def test_a_sequences_frame_has_tokens_to_the_right(text_data):
    values = activation_of(text_run_spec(), "embedding", 5)[1]
    frame = text_data.frame("embedding", 3, 1)
    expected = quantize(values.T[np.newaxis], text_data.limits("embedding", 1))
    np.testing.assert_array_equal(frame, expected)


def test_limits_are_of_the_probe_and_of_all_steps(image_data):
    values = np.stack([activation_of(image_run_spec(), "conv1", step)[2] for step in STEPS])
    before = image_data.limits("conv1", 2)
    for index in (7, 0, 4):
        image_data.frame("conv1", index, 2)
        assert image_data.limits("conv1", 2) == before
    assert before.signed
    assert 0.8 * np.abs(values).max() <= before.high <= np.abs(values).max()
    outside = np.abs(values) > before.high
    assert outside.mean() < 0.02


@pytest.mark.parametrize("layer", ["relu1", "pool1", "flatten"])
def test_a_layer_that_follows_has_the_pictures_of_one_that_is_stored(layer, tmp_path):
    spec = derived_run_spec()
    less = RunData(open_run(write_run(tmp_path / "less.zarr", spec, steps=STEPS)))
    whole = [dataclasses.replace(each, derivation=None) for each in spec.layers]
    with RunWriter.create(
        tmp_path / "all.zarr", dataclasses.replace(spec, layers=tuple(whole))
    ) as writer:
        for step in STEPS:
            writer.append(step, epoch=0, wall_time=0, frames=frames_at(spec, step))
    everything = RunData(open_run(tmp_path / "all.zarr"))
    assert f"layers/{layer}/activation" not in less.run.nodes
    assert f"layers/{layer}/activation" in everything.run.nodes
    assert less.picture(layer) == everything.picture(layer)
    assert less.units(layer) == everything.units(layer)
    assert less.limits(layer, 2) == everything.limits(layer, 2)
    for read in (
        lambda data: data.frame(layer, 4, 2),
        lambda data: data.activations(layer, 4),
        lambda data: data.unit_history(layer, 2),
    ):
        np.testing.assert_array_equal(read(less), read(everything), strict=True)


def test_channels_first_is_the_same_picture(recorded):
    data = recorded(CHANNELS_FIRST)
    values = data.run.read("layers/conv1/activation", (2, 1, *[slice(None)] * 3))
    np.testing.assert_array_equal(
        data.frame("conv1", 2, 1), quantize(values, data.limits("conv1", 1))
    )
    assert data.units("conv1") == 3
    np.testing.assert_allclose(
        data.unit_history("conv1", 1)[2], values.mean(axis=(1, 2)), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("layer", "axes"), [("conv1", (0, 1)), ("dense", ())], ids=["maps", "vector"]
)
def test_a_units_history_is_its_mean_over_positions(image_data, monkeypatch, layer, axes):
    expected = [activation_of(image_run_spec(), layer, step)[4].mean(axis=axes) for step in STEPS]
    np.testing.assert_allclose(image_data.unit_history(layer, 4), expected, rtol=1e-5)
    monkeypatch.setattr("explorer.data.run.BLOCK_BYTES", 1)  # read a step at a time
    np.testing.assert_allclose(image_data.unit_history(layer, 4), expected, rtol=1e-5)


def test_weights_come_step_by_step(image_data):
    spec = image_run_spec()
    found = list(image_data.weight_frames("dense", "kernel"))
    assert len(found) == len(STEPS)
    for step, frame in zip(STEPS, found, strict=True):
        np.testing.assert_array_equal(frame, frames_at(spec, step)["layers/dense/weights/kernel"])


# -- whole arrays -----------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["conv1", "dense"])
def test_activations_of_every_probe_are_those_recorded(image_data, layer):
    for index in (0, 3, 7):
        found = image_data.activations(layer, index)
        expected = activation_of(image_run_spec(), layer, STEPS[index])
        assert found.dtype == expected.dtype == np.float32
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(image_data.activation(layer, index, 4), expected[4])


def test_the_units_of_activations_come_last_wherever_they_were_recorded(recorded):
    data = recorded(CHANNELS_FIRST, steps=(0, 5))
    found = data.activations("conv1", 1)
    direct = data.run.read("layers/conv1/activation", (1, *[slice(None)] * 4))
    assert (direct.shape, found.shape) == ((6, 3, 8, 8), (6, 8, 8, 3))
    for unit in range(3):
        np.testing.assert_array_equal(found[..., unit], direct[:, unit])


def test_activations_without_units_stay_as_they_are(recorded):
    data = recorded(image_spec_with_conv1(("probe", "y", "x"), (6, 8, 8)), steps=(0, 5))
    direct = data.run.read("layers/conv1/activation", (1, *[slice(None)] * 3))
    np.testing.assert_array_equal(data.activations("conv1", 1), direct)
    assert data.units("conv1") == 1


def test_activations_come_step_by_step(text_data, recorded):
    spec = text_run_spec()
    frames = text_data.activation_frames("embedding")
    assert iter(frames) is frames  # one at a time: all together may be larger than memory
    for step, frame in zip(STEPS, frames, strict=True):
        np.testing.assert_array_equal(frame, activation_of(spec, "embedding", step))
    assert list(recorded(steps=()).activation_frames("conv1")) == []


def test_weights_of_a_step_are_those_recorded(image_data):
    spec = image_run_spec()
    for index in (0, 5):
        frames = frames_at(spec, STEPS[index])
        found = image_data.weights("conv1", index)
        assert set(found) == {"kernel", "bias"}
        for name, value in found.items():
            np.testing.assert_array_equal(value, frames[f"layers/conv1/weights/{name}"])
            np.testing.assert_array_equal(image_data.weight("conv1", name, index), value)
    assert image_data.weights("pool1", 0) == {}


def test_the_input_is_the_probes_own(image_data, text_data, recorded):
    for data in (image_data, text_data):
        (expected,) = data.run.probe.inputs.values()
        np.testing.assert_array_equal(data.input(), expected)
        assert len(data.input()) == data.run.probe.size
    assert recorded(without_probe(), steps=(0,)).input() is None


@pytest.mark.parametrize("inputs", [{}, {"a": np.zeros((6, 2)), "b": np.zeros((6, 2))}], ids=len)
def test_there_is_no_input_where_there_are_several_or_none(image_data, monkeypatch, inputs):
    probe = dataclasses.replace(image_data.run.probe, inputs=inputs)
    monkeypatch.setattr(image_data.run, "probe", probe)
    assert image_data.input() is None


# -- predictions and labels -------------------------------------------------------------------


def test_predictions_are_the_recorded_output(image_data):
    spec = image_run_spec()
    expected = np.stack([activation_of(spec, "softmax", step) for step in STEPS])
    assert image_data.reading.kind == "shares"
    for probe in range(6):
        found = image_data.probabilities(probe)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected[:, probe])
    assert image_data.class_names == ["ant", "bee", "cat", "dog"]
    assert image_data.class_labels.tolist() == [0, 1, 2, 3, 0, 1]


def test_a_lone_unit_tells_two_classes(text_data):
    assert text_data.probabilities(1).shape == (8, 2)
    assert text_data.verdicts().predicted.shape == (8, 2)
    assert text_data.class_names == ["negative", "positive"]
    assert text_data.class_labels.tolist() == [1, 0]


def test_verdicts_are_made_from_blocks_of_steps(recorded, monkeypatch):
    monkeypatch.setattr("explorer.data.run.BLOCK_BYTES", 3 * 8 * 6 * 4)  # three steps
    data, read = recorded(), []
    plain = data.run.read
    monkeypatch.setattr(
        data.run, "read", lambda path, index: read.append(index) or plain(path, index)
    )
    verdicts = data.verdicts()
    spec = image_run_spec()
    expected = np.stack([activation_of(spec, "softmax", step) for step in STEPS]).argmax(axis=-1)
    np.testing.assert_array_equal(verdicts.predicted, expected)
    np.testing.assert_array_equal(verdicts.marks, expected == data.class_labels)
    parts = [steps for steps, *_ in read if isinstance(steps, slice)]
    assert [(part.start, part.stop) for part in parts] == [(0, 3), (3, 6), (6, 8)]


def test_one_probe_is_read_without_the_others(recorded, monkeypatch):
    data = recorded(steps=range(40))
    read = []
    plain = data.run.read
    monkeypatch.setattr(
        data.run, "read", lambda path, index: read.append(index) or plain(path, index)
    )
    data.probabilities(2)
    *sample, history = read
    assert len(sample) == SAMPLES  # by which the output is read, whatever the run's length
    assert all(type(step) is int for step, *_ in sample)
    assert history[1] == 2
    first = data.probabilities(2)
    assert data.probabilities(2) is first
    assert len(read) == SAMPLES + 1


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array([3, 2, 1, 0, 1, 2]), [3, 2, 1, 0, 1, 2]),
        (np.array([3.0, 2, 1, 0, 1, 2], np.float32), [3, 2, 1, 0, 1, 2]),
        (np.eye(4, dtype=np.float32)[[3, 2, 1, 0, 1, 2]], [3, 2, 1, 0, 1, 2]),
        (np.array([0, 1, 2, 3, 4, 9]), None),
        (None, None),
    ],
    ids=["int", "float", "one-hot", "out of range", "none"],
)
def test_labels_of_a_classifier(recorded, labels, expected):
    data = recorded(with_probe(labels=labels), steps=(0, 1))
    assert data.reading is not None
    found = data.class_labels
    assert (found if found is None else found.tolist()) == expected


@pytest.mark.parametrize(
    "labels",
    [np.linspace(0, 9.5, 6), np.random.default_rng(0).normal(size=(6, 4))],
    ids=["values", "rows of values"],
)
def test_a_regression_has_no_classes(recorded, labels):
    data = recorded(with_probe(labels=labels, class_names=None), steps=(0, 1))
    assert data.reading is None
    assert data.probabilities(0) is None
    assert data.verdicts() is None
    assert data.class_labels is None
    assert data.class_names == []


def test_classes_without_names_go_by_number(recorded):
    assert recorded(with_probe(class_names=None)).class_names == ["0", "1", "2", "3"]
    assert recorded(with_probe(class_names=["ant"])).class_names == ["ant", "1", "2", "3"]


@pytest.mark.parametrize(
    ("spec", "steps"),
    [
        (image_run_spec(), ()),
        (without_probe(), (0, 1)),
        (dataclasses.replace(image_run_spec(), outputs=()), (0, 1)),
        (dataclasses.replace(image_run_spec(), outputs=("dense", "softmax")), (0, 1)),
        (dataclasses.replace(image_run_spec(), outputs=("conv1",)), (0, 1)),
    ],
    ids=["no steps", "no probe", "no output", "two outputs", "output of pictures"],
)
def test_other_runs_have_no_predictions(recorded, spec, steps):
    data = recorded(spec, steps=steps)
    assert data.reading is None
    assert data.probabilities(0) is None
    assert data.verdicts() is None
    assert data.class_labels is None


# -- caches -----------------------------------------------------------------------------------


def test_frames_are_read_once_for_all_sessions(image_data, monkeypatch):
    first = image_data.frame("conv1", 1, 1)
    monkeypatch.setattr(RunData, "activation", None)
    assert image_data.frame("conv1", 1, 1) is first


# -- expensive arrays -------------------------------------------------------------------------


class Counted:
    """Makes arrays and counts how often."""

    times = 0

    def __call__(self):
        self.times += 1
        return {"a": np.full(1000, self.times, np.float64)}


def test_what_is_dear_is_derived_once_and_kept_on_disk(recorded, monkeypatch):
    data, make = recorded(steps=(0, 1)), Counted()
    first = data.derived("key", make)
    assert data.derived("key", make) is first
    again = RunData(data.run).derived("key", make)  # as in another process
    np.testing.assert_array_equal(again["a"], first["a"])
    assert make.times == 1
    data.derived("other", make)
    assert make.times == 2


def test_what_is_derived_is_bounded_in_memory(recorded, monkeypatch):
    monkeypatch.setattr("explorer.data.run.DERIVED_CACHE_BYTES", 20_000)
    data, make = recorded(steps=(0, 1)), Counted()
    first = data.derived("1", make)
    for key in "23":
        data.derived(key, make)
    assert data.derived("1", make) is not first  # let go, and read from the disk
    assert make.times == 3


def test_copies_of_a_run_that_were_cut_share_nothing_derived(image_run, tmp_path):
    """They keep its id, and two of them may even have the same shapes."""
    found = {}
    for name, cut in [("first", Cut(probes=(0, 1))), ("last", Cut(probes=(4, 5)))]:
        crop(image_run.location, tmp_path / name, cut)
        data = RunData(open_run(tmp_path / name))
        assert data.run.id == image_run.id
        found[name] = data.verdicts().predicted
    whole = RunData(image_run).verdicts().predicted
    np.testing.assert_array_equal(found["first"], whole[:, :2])
    np.testing.assert_array_equal(found["last"], whole[:, 4:])
    assert not np.array_equal(found["first"], found["last"])


def test_a_resumed_run_is_derived_anew(tmp_path):
    spec, path = image_run_spec(), tmp_path / "run.zarr"

    def record(writer, step, seen_as):
        writer.append(step, epoch=0.0, wall_time=0.0, frames=frames_at(spec, seen_as))

    with RunWriter.create(path, spec) as writer:
        record(writer, 0, 0)
        record(writer, 1, 1)
    RunData(open_run(path)).verdicts()
    with RunWriter.resume(path, spec, after_step=0) as writer:
        record(writer, 1, 7)
    expected = activation_of(spec, "softmax", 7).argmax(axis=-1)
    np.testing.assert_array_equal(RunData(open_run(path)).verdicts().predicted[1], expected)


def test_a_run_that_grew_is_derived_anew(tmp_path):
    spec = image_run_spec()
    writer = RunWriter.create(tmp_path / "run.zarr", spec)

    def record(step):
        writer.append(step, epoch=0.0, wall_time=0.0, frames=frames_at(spec, step))

    for step in (0, 1):
        record(step)
    writer.commit()
    data = RunData(open_run(tmp_path / "run.zarr"))
    assert data.verdicts().predicted.shape == (2, 6)
    record(2)
    writer.close()
    assert data.run.refresh()
    expected = np.stack([activation_of(spec, "softmax", step) for step in (0, 1, 2)])
    np.testing.assert_array_equal(data.verdicts().predicted, expected.argmax(axis=-1))
    np.testing.assert_array_equal(data.probabilities(1), expected[:, 1])


def test_the_network_knows_the_shapes_that_were_recorded(recorded):
    data = recorded(image_run_spec(), steps=(0,))
    shapes = {name: data.network.node(name).output_shape for name in data.run.layers}
    for name, layer in data.run.layers.items():
        assert shapes[name] == (layer.output_shape if layer.has_activation else None)
    assert shapes["conv1"] is not None


@pytest.mark.parametrize(
    "read",
    [
        lambda data: data.activation("conv1", 1, 0),
        lambda data: data.activations("conv1", 1),
        lambda data: data.unit_history("conv1", 0),
        lambda data: data.weight("conv1", "kernel", 1),
        lambda data: data.probabilities(0),
        lambda data: data.verdicts(),
    ],
)
def test_a_computation_can_be_ended_wherever_it_reads(recorded, read):
    class EnoughError(BaseException):
        pass

    def enough(_):
        raise EnoughError

    data = recorded(steps=(0, 1, 2))
    assert data.reading is not None
    with pytest.raises(EnoughError), report_to(enough):
        read(data)
    read(data)


def test_a_layer_of_an_unknown_class_that_gives_back_what_it_takes_is_idle(recorded, monkeypatch):
    spec = image_run_spec()
    strange = dataclasses.replace(spec.layers[2], class_name="MyAugmentation")
    spec = dataclasses.replace(spec, layers=(*spec.layers[:2], strange, *spec.layers[3:]))
    assert "MyAugmentation" in recorded(spec).network.unsupported["relu1"]

    def frames(spec, step):
        made = frames_at(spec, step)
        return {**made, "layers/relu1/activation": made["layers/conv1/activation"]}

    monkeypatch.setattr("store.testing.runs.frames_at", frames)
    data = recorded(spec)
    assert "relu1" not in data.network.unsupported
    found = data.network.forward(
        {}, {}, start={"conv1": data.activations("conv1", 0)}, wanted=["relu1"]
    )
    np.testing.assert_array_equal(found["relu1"], data.activations("conv1", 0))
