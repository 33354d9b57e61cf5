"""The commands that compute with the network of a run: what they write, and what they refuse."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from explorer import network_at
from explorer.at_step.recompute import deviations
from explorer.cli import main
from store import open_run
from store.format.names import activation_path
from store.testing import text_run_spec, write_run
from tests.explorer.at_step.test_network_at import STEPS, repeatable
from tests.recorder.matrix_models import several_data, several_inputs_and_outputs
from tests.recorder.networks import branched_model, conv_model, images, lstm_model, rows, sentences

LOSSES = (("kind", "sparse_categorical_crossentropy"), ("size", "mse"))


def call(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.fixture
def any_answer(monkeypatch):
    """What is computed need not be what was recorded."""
    monkeypatch.setattr("explorer.at_step.door.TOLERANCE", np.inf)


@pytest.fixture
def path(tmp_path, any_answer):
    return write_run(tmp_path / "run.zarr", repeatable(), steps=STEPS)


def test_predict_writes_a_variable_for_an_output(path, tmp_path):
    x = open_run(path).probe.inputs["input"][:2].astype(np.float32)
    np.savez(tmp_path / "x.npz", anything=x)
    done = call(
        "predict", path, "--step", 5, "--input", tmp_path / "x.npz", "-o", tmp_path / "o.nc"
    )
    assert done.exit_code == 0, done.output
    assert "softmax of 2 examples at step 5" in done.output
    assert (tmp_path / "o.nc").read_bytes()[:3] == b"CDF"
    with xr.open_dataset(tmp_path / "o.nc", engine="scipy") as found:
        assert found["softmax"].dims == ("example", "unit")
        np.testing.assert_array_equal(found["softmax"].values, network_at(path, 5)(x))
        assert found.attrs["step"] == 5
    again = call(
        "predict", path, "--step", 5, "--input", tmp_path / "x.npz", "-o", tmp_path / "o.nc"
    )
    assert (again.exit_code, "--overwrite replaces it" in again.output) == (1, True)


def test_predict_reads_texts(tmp_path, any_answer):
    path = write_run(tmp_path / "run.zarr", text_run_spec(), steps=STEPS)
    word = next(w for w in open_run(path).probe.vocabulary if w and not w.startswith("["))
    done = call("predict", path, "--step", 5, "--text", word, "-o", tmp_path / "o.nc")
    assert done.exit_code == 0, done.output
    with xr.open_dataset(tmp_path / "o.nc", engine="scipy") as found:
        net = network_at(path, 5)
        np.testing.assert_array_equal(found[net.outputs[0]].values, net(net.tokens(word)))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--step", 3, "--input", "x.npz"], 1, "nearest recorded steps are 2 and 5"),
        (["--step", 5], 2, "either --input or --text"),
        (["--step", 5, "--input", "x.npz", "--text", "a"], 2, "either --input or --text"),
        (["--step", 5, "--text", "a dog"], 1, "no vocabulary"),
        (["--step", 5, "--input", "none.npz"], 1, "is no npz file"),
        (["--step", 5, "--input", "absent.npz"], 2, "does not exist"),
        (["--step", 5, "--input", "large.npz"], 1, r"shape (1, 10000, 10000, 1)"),
        (["--step", 5, "--input", "objects.npz"], 1, "objects of Python"),
        (["--step", 5, "--input", "two.npz"], 1, "several arrays (a, b): call that"),
        (["--step", 5, "--input", "x.npz", "--part", "generator"], 1, "no part 'generator'"),
        (["--step", 5, "--input", "x.npz", "--custom", "nowhere:X"], 1, "cannot be imported"),
        (["--step", 5, "--input", "x.npz", "--custom", "X"], 1, "--custom is module:Class"),
    ],
)
def test_predict_refuses_in_a_sentence(path, tmp_path, monkeypatch, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    x = open_run(path).probe.inputs["input"][:2].astype(np.float32)
    np.savez("x.npz", x)
    np.savez("two.npz", a=x, b=x)
    np.savez("objects.npz", np.array([{}], object))
    (tmp_path / "none.npz").write_text("hello")
    _pretend(tmp_path / "large.npz", (1, 10000, 10000, 1))
    done = call("predict", path, *arguments, "-o", "o.nc")
    assert (done.exit_code, said in done.output) == (code, True), done.output
    assert not (tmp_path / "o.nc").exists()


def _pretend(path, shape):
    """Write an npz whose header speaks of a large array, and which holds next to nothing."""
    buffer = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", buffer.getvalue())


def test_recompute_names_layers_that_are_not_what_their_weights_give(path):
    done = call("verify", path, "--recompute")
    assert done.exit_code == 1
    assert done.output.startswith("Sound: ")
    assert "conv1: differs by up to" in done.output
    assert "at 5 recorded steps" in done.output
    assert call("verify", path).exit_code == 0
    assert call("verify", path, "--custom", "a:B").exit_code == 2


@pytest.mark.slow
@pytest.mark.parametrize("model", [(conv_model, images), (lstm_model, sentences)])
def test_recompute_of_a_recording_finds_nothing_until_a_value_is_changed(
    trained, monkeypatch, model
):
    run = trained(*model).run
    found = call("verify", run.location, "--recompute")
    assert found.exit_code == 0, found.output
    assert "at 3 steps by numpy, as recorded" in found.output
    net, read = network_at(run, 0), run.read
    layer = next(one.name for one in run.layers.values() if one.kind in ("conv", "recurrent"))

    def changed(path, index):
        values = np.array(read(path, index))
        if path == activation_path(layer) and index[0] == 1:
            values.flat[7] += 2e-4 * np.ptp(values)
        return values

    monkeypatch.setitem(vars(run), "read", changed)
    (one,), layers = deviations(net, run)
    assert (one.layer, one.step, one.steps) == (layer, 1, 1)
    assert one.share == pytest.approx(2e-4, rel=0.05)
    assert set(layers) == {each.name for each in run.layers.values() if each.has_activation}


@pytest.mark.slow
def test_recompute_by_keras_where_numpy_does_not_know_the_network(trained):
    found = call("verify", trained(branched_model, rows).run.location, "--recompute")
    assert found.exit_code == 0, found.output
    assert "by keras, as recorded" in found.output


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")  # Keras's
def test_a_recorded_step_becomes_a_checkpoint_again(trained, tmp_path):
    import keras

    done = trained(conv_model, images)
    out = tmp_path / "model.keras"
    made = call("checkpoint", done.run.location, "--step", 1, "-o", out)
    assert made.exit_code == 0, made.output
    assert "the configuration of SGD, not its moments" in made.output
    model = keras.saving.load_model(out)
    expected = np.asarray(done.keras_at(1)(done.inputs))
    np.testing.assert_allclose(np.asarray(model(done.inputs)), expected, atol=1e-6)
    assert type(model.optimizer).__name__ == "SGD"
    assert model.loss == "sparse_categorical_crossentropy"
    assert call("checkpoint", done.run.location, "--step", 1, "-o", out).exit_code == 1
    assert (
        call("checkpoint", done.run.location, "--step", 1, "-o", tmp_path / "m.h5").exit_code == 2
    )
    far = call("checkpoint", done.run.location, "--step", 77, "-o", tmp_path / "n.keras")
    assert (far.exit_code, "nearest recorded step is 2" in far.output) == (1, True)
    assert not (tmp_path / "n.keras").exists()


@pytest.mark.slow
def test_predict_takes_several_inputs_by_name_and_writes_several_outputs(trained, tmp_path):
    done = trained(several_inputs_and_outputs, several_data, loss=LOSSES)
    np.savez(tmp_path / "x.npz", **done.inputs)
    out = tmp_path / "o.nc"
    made = call("predict", done.run.location, "--step", 1, "--input", tmp_path / "x.npz", "-o", out)
    assert made.exit_code == 0, made.output
    with xr.open_dataset(out, engine="scipy") as found:
        expected = network_at(done.run, 1)(done.inputs)
        assert set(found) == {"kind", "size"}
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name].values, values)
