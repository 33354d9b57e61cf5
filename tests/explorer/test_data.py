"""Reading a run for the page: the same numbers as in the store, and bounded caches."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

from explorer.data import ByteCache, RunData
from explorer.derived.frames import quantize
from store.testing import frames_at, image_run_spec, text_run_spec
from tests.explorer.conftest import with_probe, without_probe

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


def test_channels_first_is_the_same_picture(recorded):
    spec = image_run_spec()
    moved = tuple(
        dataclasses.replace(
            layer, output_dims=("probe", "unit", "y", "x"), output_shape=(6, 3, 8, 8)
        )
        if layer.name == "conv1"
        else layer
        for layer in spec.layers
    )
    data = recorded(dataclasses.replace(spec, layers=moved))
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
    monkeypatch.setattr("explorer.data.HISTORY_BYTES", 1)  # read a step at a time
    np.testing.assert_allclose(image_data.unit_history(layer, 4), expected, rtol=1e-5)


def test_weights_come_step_by_step(image_data):
    spec = image_run_spec()
    found = list(image_data.weight_frames("dense", "kernel"))
    assert len(found) == len(STEPS)
    for step, frame in zip(STEPS, found, strict=True):
        np.testing.assert_array_equal(frame, frames_at(spec, step)["layers/dense/weights/kernel"])


# -- predictions and labels -------------------------------------------------------------------


def test_predictions_are_the_recorded_output(image_data):
    spec = image_run_spec()
    expected = np.stack([activation_of(spec, "softmax", step) for step in STEPS])
    np.testing.assert_array_equal(image_data.predictions.probabilities, expected)
    assert image_data.class_names == ["ant", "bee", "cat", "dog"]
    assert image_data.class_labels.tolist() == [0, 1, 2, 3, 0, 1]


def test_a_lone_unit_tells_two_classes(text_data):
    assert text_data.predictions.probabilities.shape == (8, 2, 2)
    assert text_data.class_names == ["negative", "positive"]
    assert text_data.class_labels.tolist() == [1, 0]


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
    assert data.predictions is not None
    found = data.class_labels
    assert (found if found is None else found.tolist()) == expected


@pytest.mark.parametrize(
    "labels",
    [np.linspace(0, 9.5, 6), np.random.default_rng(0).normal(size=(6, 4))],
    ids=["values", "rows of values"],
)
def test_a_regression_has_no_classes(recorded, labels):
    data = recorded(with_probe(labels=labels, class_names=None), steps=(0, 1))
    assert data.predictions is None
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
    assert data.predictions is None
    assert data.class_labels is None


# -- caches -----------------------------------------------------------------------------------


def megabyte(value):
    return np.full(1_000_000, value, np.uint8)


def test_a_cache_keeps_what_was_used_last_within_its_bytes():
    cache, made = ByteCache(2_000_000), []

    def get(key):
        return cache.get(key, lambda: made.append(key) or megabyte(key))

    for key in (1, 2, 1, 3):  # 2 is the one that was not used for longest
        assert get(key)[0] == key
    assert made == [1, 2, 3]
    get(1)
    get(3)
    assert made == [1, 2, 3]
    get(2)
    assert made == [1, 2, 3, 2]


def test_an_array_larger_than_the_cache_is_handed_out_all_the_same():
    cache = ByteCache(10)
    assert cache.get("large", lambda: megabyte(7)).sum() == 7_000_000
    assert cache.get("small", lambda: np.zeros(3)).shape == (3,)


def test_a_fault_is_not_kept():
    cache = ByteCache(100)

    def fail():
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        cache.get("frame", fail)
    assert cache.get("frame", lambda: np.ones(1)) == 1


def test_threads_share_a_cache():
    cache, start, wrong = ByteCache(5000), threading.Barrier(8), []

    def work(seed):
        start.wait()
        for key in np.random.default_rng(seed).integers(0, 40, 500).tolist():
            found = cache.get(key, lambda key=key: np.full(1000, key, np.uint8))
            if not (found == key).all():
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    # Whatever the order was, what is kept adds up to what it counts, and fits.
    made = []
    for key in range(40):
        cache.get(key, lambda key=key: made.append(key) or np.full(1000, key, np.uint8))
    assert len(made) >= 35


def test_frames_are_read_once_for_all_sessions(image_data, monkeypatch):
    first = image_data.frame("conv1", 1, 1)
    monkeypatch.setattr(RunData, "activation", None)
    assert image_data.frame("conv1", 1, 1) is first


def test_what_is_dear_is_derived_once(image_data):
    calls = []
    for _ in range(2):
        assert image_data.derive("key", lambda: calls.append(1) or "result") == "result"
    assert calls == [1]
    assert image_data.derive("other", lambda: "else") == "else"
