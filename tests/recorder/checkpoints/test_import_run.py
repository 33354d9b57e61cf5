"""`trainlapse import`: an imported training looks like a recorded one, whatever the format."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from recorder import Probe
from recorder.checkpoints import orbax
from recorder.checkpoints.import_run import import_run
from recorder.checkpoints.probe_file import load_probe
from recorder.checkpoints.reading import find_checkpoints, natural_key
from recorder.commands.import_command import import_checkpoints
from store import open_run
from store.errors import CheckpointError, MissingExtraError, RunExistsError, SpecError
from store.tools.verify import verify
from tests.recorder.finished_training import STEPS, Finished, build_model, train
from tests.recorder.networks import images

# Keras's own saving converts its variables in a way that NumPy 2 calls old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return train(tmp_path_factory.mktemp("training"))


def imported(finished: Finished, source: str, path: Path, **options: Any) -> Any:
    probe = load_probe(finished.probe)
    import_run(finished.folder / source, path, probe, progress=False, **options)
    return open_run(path)


def command(*arguments: Any) -> Result:
    return CliRunner().invoke(import_checkpoints, [str(argument) for argument in arguments])


FORMATS = {
    "keras": ("whole-*.keras", {}),
    "weights": ("*.weights.h5", {"model": "model.json"}),
    "legacy": ("legacy-*.h5", {}),
    "manager": ("manager", {"model": "model.json"}),
    # No optimizer in it: the numbers in the names are epochs.
    "bare": ("bare-*", {"model": "model.json", "steps_per_epoch": 4}),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS)
def test_an_imported_training_is_the_recorded_one(
    kind: str, finished: Finished, tmp_path: Path
) -> None:
    source, options = FORMATS[kind]
    if "model" in options:
        options = {**options, "model": finished.folder / options["model"]}
    run = imported(finished, source, tmp_path / "run.zarr", csv_log=finished.log, **options)
    recorded = open_run(finished.recorded)
    assert list(run.steps) == STEPS == list(recorded.steps)[1:]
    assert list(run.epochs) == [1, 2, 3]
    assert run.layers == recorded.layers
    assert run.outputs == recorded.outputs
    assert run.finished
    assert run.probe.class_names == ["a", "b", "c"]
    assert run.attributes["schedule"] == "imported checkpoints"
    for name, layer in recorded.layers.items():
        for weight in layer.weights:
            ours, theirs = (each.weights(name, weight).sel(step=STEPS) for each in (run, recorded))
            np.testing.assert_array_equal(ours, theirs, err_msg=f"{name}/{weight}")
        if layer.has_activation:
            ours, theirs = (each.activations(name).sel(step=STEPS) for each in (run, recorded))
            np.testing.assert_array_equal(ours, theirs, err_msg=name)
    rows = recorded.metrics.sel(update=STEPS)
    assert list(run.metrics["update"].values) == STEPS
    for metric in ("loss", "accuracy", "val_loss", "val_accuracy"):
        np.testing.assert_array_equal(run.metrics[metric], rows[metric], err_msg=metric)
    assert not verify(run).findings


def test_what_whole_models_know_of_their_training_is_kept(
    finished: Finished, tmp_path: Path
) -> None:
    attributes = imported(finished, "whole-*.keras", tmp_path / "run.zarr").attributes
    recorded = open_run(finished.recorded).attributes
    assert attributes["optimizer"]["class"] == "Adam"
    assert attributes["loss"] == recorded["loss"]
    assert attributes["outputs"] == recorded["outputs"]
    assert "3 checkpoints" in attributes["notes"]


@pytest.mark.slow
def test_the_command(finished: Finished, tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    arguments = (finished.folder / "whole-*.keras", "-o", path, "--probe", finished.probe)
    result = command(*arguments, "--quiet", "--csv", finished.log, "--name", "old training")
    assert result.exit_code == 0, result.output
    assert f"trainlapse explore {path}" in result.output
    assert open_run(path).attributes["name"] == "old training"
    refused = command(*arguments)
    assert refused.exit_code == 1
    assert "There is a run at" in refused.output or "already" in refused.output
    assert command(*arguments, "--overwrite", "--quiet").exit_code == 0


def test_help_explains_every_option() -> None:
    result = command("--help")
    assert result.exit_code == 0
    assert "\\b" not in result.output, "examples keep their lines"
    for parameter in import_checkpoints.params:
        if parameter.param_type_name == "option":
            assert parameter.opts[0] in result.output
            assert parameter.help


def test_progress_is_shown(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probe = load_probe(finished.probe)
    import_run(finished.folder / "whole-*.keras", tmp_path / "run.zarr", probe)
    assert "3/3" in capsys.readouterr().err


@pytest.fixture
def with_a_stranger(finished: Finished, tmp_path: Path) -> Path:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for path in [*finished.folder.glob("whole-*.keras"), finished.folder / "other-9.keras"]:
        shutil.copy(path, folder)
    return folder


def test_a_checkpoint_that_does_not_fit_is_named_and_left_out(
    finished: Finished, with_a_stranger: Path, tmp_path: Path
) -> None:
    path = tmp_path / "run.zarr"
    arguments = (
        *(with_a_stranger, "-o", path, "--probe", finished.probe, "--quiet"),
        *("--model", finished.folder / "model.json", "--steps-per-epoch", 4),
    )
    result = command(*arguments)
    assert result.exit_code == 0, result.output
    assert "Left out other-9.keras: the model 'net' also has conv/kernel (3, 3, 1, 4)" in (
        result.output
    )
    assert "the checkpoint also has layers/dense/vars/0 (5, 2)" in result.output
    assert list(open_run(path).steps) == STEPS
    strict = command(*arguments, "--overwrite", "--strict")
    assert strict.exit_code == 1
    assert "other-9.keras" in strict.output
    assert list(open_run(path).steps) == STEPS, "refused before anything was touched"


def test_tensorflow_checkpoints_of_another_network(finished: Finished, tmp_path: Path) -> None:
    probe = Probe(np.zeros((2, 5), np.float32))
    missing = r"ckpt-1 does not fit.*no part of it \(net, optimizer\) has .*dense.*\(5, 2\)"
    with pytest.raises(CheckpointError, match=missing):
        import_run(
            finished.folder / "manager",
            tmp_path / "run.zarr",
            probe,
            model=finished.folder / "other-9.keras",
            progress=False,
        )
    assert not (tmp_path / "run.zarr").exists()


def test_tensorflow_checkpoints_of_keras_2(tmp_path: Path) -> None:
    import tensorflow as tf

    model = build_model()
    # The graph that Keras 2 wrote: numbered layers, variables by their own names.
    layers = {
        f"layer_with_weights-{number}": tf.train.Checkpoint(
            **{
                weight.name: tf.Variable(np.full(weight.shape, number + place / 10, np.float32))
                for place, weight in enumerate(layer.weights)
            }
        )
        for number, layer in enumerate(layer for layer in model.layers if layer.weights)
    }
    tf.train.Checkpoint(**layers).write(str(tmp_path / "cp-0007.ckpt"))
    (tmp_path / "model.json").write_text(model.to_json())
    options = {"model": tmp_path / "model.json", "steps_per_epoch": 10, "progress": False}
    import_run(tmp_path, tmp_path / "run.zarr", Probe(images()[0][:2]), **options)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [70]
    for (layer, weight), value in {
        ("conv", "bias"): 0.1,
        ("norm", "moving_variance"): 1.3,
        ("logits", "kernel"): 2.0,
    }.items():
        np.testing.assert_array_equal(run.weights(layer, weight), np.float32(value))


def test_orbax_that_is_not_installed(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "orbax", None)
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", None)
    (tmp_path / "5" / "pytree").mkdir(parents=True)
    with pytest.raises(MissingExtraError, match="pip install orbax-checkpoint"):
        import_run(
            tmp_path,
            tmp_path / "run.zarr",
            load_probe(finished.probe),
            model=finished.folder / "model.json",
            steps_per_epoch=1,
        )


@pytest.mark.parametrize("prefix", ["", "trained/"])
def test_orbax_variables_are_found_whatever_their_model_is_called(
    prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="one")])
    kernel, bias = np.arange(6, dtype=np.float32).reshape(3, 2), np.float32([7, 8])
    variables: dict[str, Any] = {"one": {"kernel": kernel, "bias": bias}}
    state = {
        "trainable_variables": {"trained": variables} if prefix else variables,
        "non_trainable_variables": {},
        "optimizer_variables": {"adam": {"iteration": np.int64(12)}},
    }
    monkeypatch.setattr(orbax, "_state", lambda _: state)
    orbax.load(tmp_path / "5", model)
    np.testing.assert_array_equal(model.layers[0].kernel, kernel)
    np.testing.assert_array_equal(model.layers[0].bias, bias)
    assert orbax.iterations(tmp_path / "5") == 12
    variables["one"]["bias"] = np.zeros(3, np.float32)
    with pytest.raises(CheckpointError, match=r"one/bias of shape \(2,\); it has"):
        orbax.load(tmp_path / "5", model)


@pytest.mark.parametrize(
    ("shape", "chunk"), [((2**40,), (1,)), ((4,), (2**20, 2**20))], ids=["array", "chunk"]
)
def test_what_an_orbax_checkpoint_claims_is_held_against_its_bytes(
    shape: tuple[int, ...],
    chunk: tuple[int, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leaf = SimpleNamespace(
        shape=shape,
        dtype=np.dtype("float32"),
        storage_metadata=SimpleNamespace(chunk_shape=chunk),
    )
    tree = {"trainable_variables": {"kernel": leaf, "name": SimpleNamespace()}}
    library = SimpleNamespace(
        checkpointables_metadata=lambda _: SimpleNamespace(metadata={"pytree": tree}),
        load_checkpointables=lambda *_: pytest.fail("it is loaded"),
    )
    monkeypatch.setitem(sys.modules, "orbax", ModuleType("orbax"))
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", SimpleNamespace(v1=library))
    (tmp_path / "5").mkdir()
    (tmp_path / "5" / "data").write_bytes(bytes(1000))
    with pytest.raises(CheckpointError, match=r"it would take [\d,]+ bytes, and has 1,000"):
        orbax.iterations(tmp_path / "5")


def test_what_the_orbax_callback_of_keras_saved(tmp_path: Path) -> None:
    pytest.importorskip("orbax.checkpoint", reason="Orbax is not installed")
    import keras

    inputs, labels = np.random.default_rng(0).normal(size=(32, 3)), np.arange(32) % 2
    layers = [keras.layers.Dense(4, name="one"), keras.layers.Dense(2, name="two")]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    saver = keras.callbacks.OrbaxCheckpoint(str(tmp_path / "saved"), save_freq="epoch")
    model.fit(inputs, labels, epochs=3, batch_size=8, callbacks=[saver], verbose=0)
    (tmp_path / "model.json").write_text(model.to_json())
    probe = Probe(inputs[:2].astype(np.float32))
    options = {"model": tmp_path / "model.json", "progress": False}
    import_run(tmp_path / "saved", tmp_path / "run.zarr", probe, **options)
    run = open_run(tmp_path / "run.zarr")
    assert run.steps[-1] == 12
    np.testing.assert_array_equal(run.weights("two", "kernel")[-1], model.layers[-1].kernel)


def test_a_run_is_not_overwritten(finished: Finished, tmp_path: Path) -> None:
    imported(finished, "whole-*.keras", tmp_path / "run.zarr")
    with pytest.raises(RunExistsError):
        imported(finished, "legacy-*.h5", tmp_path / "run.zarr")


def test_a_probe_that_does_not_fit(finished: Finished, tmp_path: Path) -> None:
    probe = Probe(np.zeros((2, 9, 9, 1)))
    with pytest.raises(SpecError, match=r"\(2, 9, 9, 1\)"):
        import_run(finished.folder / "whole-*.keras", tmp_path / "run.zarr", probe)


def test_times_of_files_that_were_copied_are_not_believed(
    finished: Finished, tmp_path: Path
) -> None:
    import os

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number, path in enumerate(find_checkpoints(finished.folder / "whole-*.keras")):
            copy = shutil.copy(path, tmp_path / name)
            moment = 1e9 + (60 * number if name == "a" else -number)
            os.utime(copy, (moment, moment))
    probe = load_probe(finished.probe)
    times = []
    for name in ("a", "b"):
        import_run(tmp_path / name, tmp_path / f"{name}.zarr", probe, progress=False)
        times.append(list(open_run(tmp_path / f"{name}.zarr").wall_times))
    assert times[0] == [0, 60, 120]
    assert np.isnan(times[1]).all()


def test_nothing_to_import(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*\.weights\.h5"):
        find_checkpoints(tmp_path)


def test_a_file_that_is_no_checkpoint(finished: Finished, tmp_path: Path) -> None:
    (tmp_path / "epoch-1.keras").write_bytes(b"not a zip")
    with pytest.raises(CheckpointError, match=r"epoch-1\.keras cannot be read"):
        import_run(tmp_path, tmp_path / "run.zarr", load_probe(finished.probe))


def test_names_are_sorted_by_their_numbers() -> None:
    names = ["e10.keras", "e9.keras", "e9-b.keras", "final.keras"]
    assert sorted(names, key=lambda name: natural_key(Path(name))) == [
        *("e9-b.keras", "e9.keras", "e10.keras", "final.keras")
    ]


# -- the probe's file -------------------------------------------------------------------------


def test_a_probe_of_texts_and_several_inputs(tmp_path: Path) -> None:
    path = tmp_path / "probe.npz"
    np.savez(
        path,
        tokens=np.array([[1, 2], [2, 0]]),
        length=np.array([[2.0], [1.0]]),
        y=np.array(["good", "bad"]),
        texts=np.array(["a b", "b"]),
        vocabulary=np.array(["", "a", "b"]),
        kind="text",
    )
    probe = load_probe(path)
    assert list(probe.inputs) == ["tokens", "length"]
    assert probe.class_names == ["bad", "good"]
    assert list(probe.labels) == [1, 0]
    assert probe.texts == ["a b", "b"]
    assert probe.vocabulary == ["", "a", "b"]
    assert probe.kind == "text"


def test_files_that_hold_no_probe(tmp_path: Path) -> None:
    np.savez(tmp_path / "labels.npz", labels=[1])
    with pytest.raises(SpecError, match="holds no inputs"):
        load_probe(tmp_path / "labels.npz")
    np.savez(tmp_path / "pickled.npz", x=[[1]], texts=np.array(["a", None]))
    with pytest.raises(SpecError, match="data type is str and not object"):
        load_probe(tmp_path / "pickled.npz")
    np.save(tmp_path / "x.npy", [1])
    with pytest.raises(SpecError, match="single array"):
        load_probe(tmp_path / "x.npy")
    (tmp_path / "text.npz").write_text("text")
    with pytest.raises(SpecError, match="cannot be read"):
        load_probe(tmp_path / "text.npz")
