"""Models without one `call`: their parts are recorded together, and the training stays as it is."""

from __future__ import annotations

import functools
import inspect
import logging
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras  # noqa: TID253 - its models are classes of Keras
import numpy as np
import pytest
from keras import layers  # noqa: TID253

from recorder import Evaluation, Probe, Recorder, every_n_steps
from recorder.forecast import estimate
from recorder.keras.backend import KerasBackend
from recorder.keras.optimizers import counting_optimizer, optimizers_of
from recorder.keras.parts import OwnVariables, is_built, parts_of
from recorder.keras.subject import KerasSubject
from recorder.recording.recorded_parts import PartsMeter, RecordedParts
from store import open_run
from store.errors import LayerNotFoundError, PartNotFoundError, SpecError
from store.format.names import BEGINS
from store.packed.pack import pack
from store.reading.ended_run import EndedRun
from store.reading.run import Run
from store.tools.crop import Cut, crop
from store.tools.verify import verify
from tests.recorder import part_models
from tests.recorder.networks import conv_model, images
from tests.recorder.part_models import CASES, IMAGE_PROBE, LATENT_PROBE, Case
from tests.recorder.test_every_fault import Broken

pytestmark = pytest.mark.slow

EPOCHS, BATCHES = 2, 3


def built(case: Case) -> Any:
    keras.utils.set_random_seed(5)
    return case.build()


class TotalOfBatch(layers.Layer):
    """Sums over the examples."""

    def call(self, x: Any) -> Any:
        return keras.ops.sum(x, axis=0)


class Kept(keras.callbacks.Callback):
    """Keeps all weights after each batch, and before the first."""

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[list[np.ndarray]] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        if not self.weights:
            self.weights.append(self.model.get_weights())

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        self.weights.append(self.model.get_weights())


def trained(case: Case, model: Any, *callbacks: Any) -> dict[str, list[float]]:
    history = model.fit(
        case.data(), epochs=EPOCHS, callbacks=[*callbacks], verbose=0, shuffle=False
    )
    return dict(history.history)


@functools.cache
def without_recorder(name: str) -> tuple[dict[str, list[float]], list[np.ndarray]]:
    model = built(CASES[name])
    return trained(CASES[name], model), model.get_weights()


def probes_of(case: Case, model: Any) -> dict[str, Probe]:
    network = getattr(model, "network", None)
    return (
        case.probes
        if network is None
        else {part: part_models.denoising_probe(model) for part in ("network", "ema_network")}
    )


def recorded(run: Run, part: str) -> dict[str, np.ndarray]:
    """Give every recorded variable of a part over the steps, by layer and name."""
    found = run.parts[part]
    return {
        f"{layer}/{weight}": found.weights(layer, weight).values
        for layer, known in found.layers.items()
        for weight in known.weights
    }


@pytest.mark.parametrize("name", list(CASES))
def test_all_parts_of_a_training_are_recorded_and_it_stays_as_it_was(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    case, model, kept = CASES[name], built(CASES[name]), Kept()
    probes = probes_of(case, model)
    recorder = Recorder(tmp_path / "run.zarr", probes, schedule=every_n_steps(1), cost_limit=100)
    history = trained(case, model, recorder, kept)

    losses, weights = without_recorder(name)
    assert history == losses
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not [entry for entry in caplog.records if entry.levelno >= logging.WARNING]

    run = open_run(tmp_path / "run.zarr")
    assert verify(run).is_sound
    assert sorted(run.parts) == sorted([*probes, *case.weights_only])
    np.testing.assert_array_equal(run.steps, range(EPOCHS * BATCHES + 1))
    assert set(run.metrics) >= losses.keys()
    parts = parts_of(model)
    for index, values in enumerate(kept.weights):
        model.set_weights(values)
        for part in run.parts:
            held = [variable.numpy() for variable in parts[part].weights]
            ours = [each[index] for each in recorded(run, part).values()]
            assert sorted(map(np.shape, ours)) == sorted(map(np.shape, held))
            for value in held:
                assert any(np.array_equal(value, other) for other in ours)
        for part, probe in probes.items():
            inputs = list(probe.inputs.values())
            expected = parts[part](inputs if len(inputs) > 1 else inputs[0], training=False)
            for output, wanted in zip(
                run.parts[part].outputs, keras.tree.flatten(expected), strict=True
            ):
                found = run.parts[part].activations(output).isel(step=index)
                # A layer that draws at random draws anew.
                if output != "z":
                    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    for part in case.weights_only:
        assert run.parts[part].probe is None
        assert not any(each.has_activation for each in run.parts[part].layers.values())


def test_updates_are_measured_in_each_part_and_count_batches(tmp_path: Path) -> None:
    case, model = CASES["wgan_gp"], built(CASES["wgan_gp"])
    recorder = Recorder(
        tmp_path / "run.zarr", case.probes, schedule=every_n_steps(1), gradients=True
    )
    trained(case, model, recorder)
    run = open_run(tmp_path / "run.zarr")
    for part, layer in (("discriminator", "judge"), ("generator", "grow")):
        updates = run.parts[part].updates
        assert updates is not None
        of_kernel = updates.sel(variable=f"layers/{layer}/weights/kernel")
        kernels = run.parts[part].weights(layer, "kernel").values
        moved = [np.linalg.norm(after - before) for before, after in pairwise(kernels)]
        np.testing.assert_allclose(of_kernel["norm"][1:], moved, rtol=1e-6)
        np.testing.assert_array_equal(of_kernel["count"], [0, *[1] * EPOCHS * BATCHES])
        assert np.isfinite(of_kernel["gradient"][1:]).all()
    assert "learning_rate" not in run.metrics  # that of an optimizer that does nothing
    np.testing.assert_allclose(run.metrics["learning_rate.d_optimizer"][-1], 0.01)
    optimizers = run.settings()["optimizers"]
    assert sorted(optimizers) == ["d_optimizer", "g_optimizer"]
    assert optimizers["d_optimizer"]["class"] == "Adam"


def test_a_training_of_parts_goes_on_in_its_run(tmp_path: Path) -> None:
    case, model = CASES["dcgan"], built(CASES["dcgan"])
    for _ in range(2):
        recorder = Recorder(tmp_path / "run.zarr", case.probes, resume=True)
        trained(case, model, recorder)
        assert recorder.report.fault is None
    steps = open_run(tmp_path / "run.zarr").steps
    assert steps[-1] == 2 * EPOCHS * BATCHES
    assert (np.diff(steps) > 0).all()


def test_one_probe_goes_to_the_parts_that_take_it(tmp_path: Path) -> None:
    case, model = CASES["dcgan"], built(CASES["dcgan"])
    x = part_models.images()
    trained(case, model, Recorder(tmp_path / "run.zarr", IMAGE_PROBE, evaluation=Evaluation(x)))
    parts = open_run(tmp_path / "run.zarr").parts
    assert parts["discriminator"].probe is not None
    assert parts["discriminator"].evaluation is not None
    assert parts["generator"].probe is None
    layers_of = parts["generator"].layers
    assert list(layers_of)[1:3] == ["grow", "square"]
    assert layers_of["conv"].inbound == ("norm",)
    assert not any(layer.has_activation for layer in layers_of.values())
    assert layers_of["conv"].weights


def test_a_probe_that_no_part_takes_leaves_the_weights(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    case, model = CASES["vae"], built(CASES["vae"])
    trained(case, model, Recorder(tmp_path / "run.zarr", Probe(np.ones((2, 77), np.float32))))
    run = open_run(tmp_path / "run.zarr")
    assert list(run.parts) == ["encoder", "decoder"]
    assert len(run) > 2
    assert "only weights are recorded" in caplog.text
    assert "There are: encoder, decoder" in caplog.text


def test_wrong_names_of_parts_are_told_before_the_first_update(tmp_path: Path) -> None:
    case, model = CASES["dcgan"], built(CASES["dcgan"])
    before = model.get_weights()
    recorder = Recorder(tmp_path / "run.zarr", {"generater": LATENT_PROBE})
    with pytest.raises(
        PartNotFoundError,
        match=r"no part 'generater'.*Did you mean 'generator'\? There are: discriminator",
    ):
        trained(case, model, recorder)
    for ours, theirs in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not (tmp_path / "run.zarr").exists()
    chosen = Recorder(tmp_path / "run.zarr", case.probes, layers="generator/convx")
    with pytest.raises(LayerNotFoundError, match="generator/convx"):
        trained(case, built(case), chosen)
    with pytest.raises(TypeError, match="probes by the names of a model's parts"):
        Recorder(tmp_path / "run.zarr", {"generator": np.ones(3)})  # type: ignore[dict-item]


def test_a_model_with_a_call_is_recorded_as_one(tmp_path: Path) -> None:
    class Whole(part_models.Vae):
        def call(self, inputs: Any) -> Any:
            return self.decoder(self.encoder(inputs)[2])

    model = Whole()
    model.compile(optimizer="sgd")
    assert parts_of(model) == {}
    case = CASES["vae"]
    with pytest.raises(SpecError, match=r"recorded as one.*model=\{\"encoder\": model.encoder"):
        trained(case, model, Recorder(tmp_path / "run.zarr", case.probes))
    trained(case, model, Recorder(tmp_path / "run.zarr", IMAGE_PROBE))
    run = open_run(tmp_path / "run.zarr")
    assert not run.parts
    assert {"encoder.conv", "generator.grow"} <= run.layers.keys()
    models = {"encoder": model.encoder, "decoder": model.decoder}
    recorder = Recorder(tmp_path / "parts.zarr", case.probes, model=models)
    trained(case, model, recorder)
    assert list(open_run(tmp_path / "parts.zarr").parts) == ["encoder", "decoder"]


def test_a_loop_records_several_models_in_one_run(tmp_path: Path) -> None:
    critic, actor = part_models.discriminator(), part_models.generator()
    models, probes = {"critic": critic, "actor": actor}, {"critic": IMAGE_PROBE}
    gradients = {"critic": [np.full(v.shape, 2.0) for v in critic.trainable_variables]}
    path = tmp_path / "run.zarr"
    with Recorder(path, probes, model=models, schedule=every_n_steps(1)) as recorder:
        for step in range(1, 4):
            for model in models.values():
                for variable in model.trainable_variables:
                    variable.assign_add(np.ones(variable.shape, np.float32))
            recorder.record(step, gradients=gradients, critic_loss=1.0)
    run = open_run(path)
    assert recorder.report.fault is None
    assert list(run.parts) == ["critic", "actor"]
    bias = run.parts["actor"].weights("grow", "bias").values
    np.testing.assert_array_equal(bias[:, 0] - bias[0, 0], [0, 1, 2, 3])
    found = run.parts["critic"].updates
    assert found is not None
    norms = found.sel(variable="layers/judge/weights/bias")
    np.testing.assert_allclose(norms["gradient"][1:], 2.0)
    np.testing.assert_allclose(norms["norm"][1:], 1.0)
    with Recorder(path, probes, model=models, resume=True) as again:
        again.record(5)
    assert again.report.fault is None
    np.testing.assert_array_equal(open_run(path).steps, [0, 1, 2, 3, 5])


class Nested(keras.Model):
    """Parts in parts, in lists, shared, twice, with equal names, and one that is never built."""

    def __init__(self) -> None:
        super().__init__(name="nested")
        self.gan = part_models.Gan()
        self.encoder = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="same")])
        self.classifier = keras.Sequential(
            [keras.Input((4,)), self.encoder, layers.Dense(2, name="head")]
        )
        self.blocks = [layers.Dense(2), layers.ReLU(), layers.Dense(2)]
        for block in self.blocks:
            block.build((None, 4))
        self.alias = self.encoder
        self.flip = layers.RandomFlip()
        self.unused = keras.Sequential([layers.Dense(3)])


def test_parts_are_found_wherever_they_are() -> None:
    model = Nested()
    found = parts_of(model)
    assert list(found) == [
        "gan.discriminator",
        "gan.generator",
        "encoder",
        "classifier",
        "blocks.0",
        "blocks.2",
        "unused",
    ]
    assert not is_built(found["unused"])
    assert all(is_built(part) for name, part in found.items() if name != "unused")
    clr = parts_of(CASES["simclr"].build())
    assert list(clr) == ["heads.projection", "heads.linear", "encoder", "simclr"]
    own = clr["simclr"]
    assert isinstance(own, OwnVariables)
    assert [variable.name for variable in own.weights] == ["temperature"]


def test_looking_for_parts_numbers_no_names() -> None:
    def next_names() -> list[str]:
        keras.utils.clear_session()
        model = CASES["dcgan"].build()
        if looks:
            parts_of(model)
            optimizers_of(model)
        return [each().name for each in (keras.Model, keras.optimizers.RMSprop)]

    looks = False
    expected = next_names()
    looks = True
    assert next_names() == expected


def test_a_layer_can_be_a_part_and_a_shared_one_is_in_both(tmp_path: Path) -> None:
    model, x = Nested(), np.ones((2, 4), np.float32)
    parts = {name: part for name, part in parts_of(model).items() if name != "unused"}
    probes = {"blocks.0": Probe(x), "classifier": Probe(x), "encoder": Probe(x)}
    with Recorder(tmp_path / "run.zarr", probes, model=parts) as recorder:
        recorder.record(1)
    run = open_run(tmp_path / "run.zarr")
    block = run.parts["blocks.0"]
    (name,) = block.outputs
    np.testing.assert_allclose(block.activations(name).isel(step=-1), model.blocks[0](x))
    shared = run.parts["classifier"].weights(f"{model.encoder.name}.same", "kernel")
    np.testing.assert_array_equal(shared, run.parts["encoder"].weights("same", "kernel"))


def test_a_part_that_the_first_batch_builds_is_recorded_from_then_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    side = part_models.SIDE

    def late() -> Any:
        keras.utils.set_random_seed(5)
        grow = layers.Dense(side * side, name="dense")
        model = part_models.Vae(keras.Sequential([grow, layers.Reshape((side, side, 1))]))
        model.compile(optimizer=part_models.adam())
        return model

    case, alone, model, kept = CASES["vae"], late(), late(), Kept()
    losses = trained(case, alone)
    recorder = Recorder(tmp_path / "run.zarr", IMAGE_PROBE, schedule=every_n_steps(1))
    assert trained(case, model, recorder, kept) == losses
    run = open_run(tmp_path / "run.zarr")
    assert recorder.report.fault is None
    np.testing.assert_array_equal(run.steps, range(1, EPOCHS * BATCHES + 1))
    assert "begins after that, not at step 0" in caplog.text
    for index, values in enumerate(kept.weights[1:]):
        model.set_weights(values)
        kernel = run.parts["decoder"].weights("dense", "kernel")
        np.testing.assert_array_equal(kernel.isel(step=index), model.decoder.layers[0].kernel)
    # A probe builds it before the training, as it does a model of one.
    model = late()
    early = Recorder(tmp_path / "early.zarr", case.probes, schedule=every_n_steps(1))
    trained(case, model, early)
    assert open_run(tmp_path / "early.zarr").steps[0] == 0


def test_updates_are_those_of_the_optimizer_that_alone_has_done_some() -> None:
    vae, gan = CASES["vae"].build(), CASES["dcgan"].build()
    assert counting_optimizer(vae) is vae.optimizer
    vae.average = keras.optimizers.SGD(0.1)
    assert counting_optimizer(vae) is None  # nothing tells yet
    vae.optimizer.iterations.assign(3)
    assert counting_optimizer(vae) is vae.optimizer
    gan.generator.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    assert "generator.optimizer" in optimizers_of(gan)
    for name in ("d_optimizer", "g_optimizer"):
        getattr(gan, name).iterations.assign(3)
        assert counting_optimizer(gan) is None


def at_end(function: Any) -> Any:
    return keras.callbacks.LambdaCallback(on_train_end=lambda logs: function())  # noqa: ARG005


def test_what_a_training_leaves_is_kept_of_every_part(tmp_path: Path) -> None:
    case, model = CASES["dcgan"], built(CASES["dcgan"])

    def halve() -> None:
        model.generator.set_weights([value / 2 for value in model.generator.get_weights()])

    trained(case, model, Recorder(tmp_path / "run.zarr", case.probes), at_end(halve))
    pack(tmp_path / "run.zarr", tmp_path / "packed.zarr")
    crop(tmp_path / "run.zarr", tmp_path / "cut.zarr", Cut(layers=["generator/grow"]))
    for path in (tmp_path / "run.zarr", tmp_path / "packed.zarr"):
        run = open_run(path)
        assert verify(run).is_sound
        after = run.parts["generator"].after_training
        assert after is not None
        assert after.step == run.steps[-1]
        kernel = model.generator.get_layer("grow").kernel
        np.testing.assert_array_equal(after.weights("grow", "kernel"), kernel)
        inputs = next(iter(case.probes["generator"].inputs.values()))
        made = model.generator(inputs, training=False)
        (output,) = run.parts["generator"].outputs
        np.testing.assert_allclose(after.activations(output), made, rtol=1e-5, atol=1e-5)
        ended = EndedRun(run).parts["generator"]
        assert len(ended) == len(run) + 1
        np.testing.assert_array_equal(ended.weights("grow", "kernel").isel(step=-1), kernel)
        assert ended.updates is not None
        assert np.isnan(ended.updates["norm"].isel(step=-1)).all()
    cut = open_run(tmp_path / "cut.zarr")
    kept = [
        path for path in cut.nodes if path.startswith("after_training/") and "/weights/" in path
    ]
    assert {path.split("/layers/")[1].split("/")[0] for path in kept} == {"grow"}


def test_weights_of_a_part_that_are_set_have_jumped(tmp_path: Path) -> None:
    case, model = CASES["dcgan"], built(CASES["dcgan"])

    def begin(epoch: int, logs: Any) -> None:
        if epoch == 1:
            model.generator.set_weights([value + 1 for value in model.generator.get_weights()])

    jump = keras.callbacks.LambdaCallback(on_epoch_begin=begin)
    trained(case, model, Recorder(tmp_path / "run.zarr", case.probes), jump)
    run = open_run(tmp_path / "run.zarr")
    assert run.weight_jumps == (BATCHES + 1,)
    assert run.parts["generator"].weight_jumps == run.weight_jumps
    # In the run that is resumed it is seen, too, that they are no longer those of its last step.
    begin(1, None)
    trained(case, model, Recorder(tmp_path / "run.zarr", case.probes, resume=EPOCHS * BATCHES))
    assert EPOCHS * BATCHES + 1 in open_run(tmp_path / "run.zarr").weight_jumps


def test_facts_of_a_part_are_its_own(tmp_path: Path) -> None:
    class Secret(layers.Dense):
        def get_config(self) -> Any:
            raise RuntimeError("not for you")

    case, model = CASES["dcgan"], built(CASES["dcgan"])
    model.generator.get_layer("grow").trainable = False
    trained(case, model, Recorder(tmp_path / "run.zarr", case.probes))
    run = open_run(tmp_path / "run.zarr")
    grow = {f"layers/grow/weights/{name}" for name in ("kernel", "bias")}
    assert {f"parts/generator/{path}" for path in grow} <= set(run.settings()["not_trained"])
    own = run.parts["generator"].settings()
    assert grow <= set(own["not_trained"])
    assert sorted(own["optimizers"]) == ["d_optimizer", "g_optimizer"]
    assert not grow & set(run.parts["discriminator"].settings()["not_trained"])
    kernel = "generator/layers/grow/weights/kernel"
    assert run.nodes[f"parts/{kernel}"]["attributes"]["trainable"] is False

    secret = keras.Sequential([keras.Input((4,)), Secret(2, name="secret")])
    plain = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="secret")])
    models, probe = {"one": secret, "two": plain}, Probe(np.ones((2, 4), np.float32))
    with Recorder(tmp_path / "loop.zarr", probe, model=models) as recorder:
        recorder.record(1)
    run = open_run(tmp_path / "loop.zarr")
    assert "not for you" in run.left_out["parts/one/layers/secret"]
    assert "not for you" in run.parts["one"].left_out["layers/secret"]
    assert not run.parts["two"].left_out


def test_layers_of_parts_that_keras_numbers_on_are_resumed_under_their_first_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def models() -> dict[str, Any]:
        return {
            name: keras.Sequential([keras.Input((4,)), layers.Dense(2), layers.Dense(units)])
            for name, units in (("actor", 3), ("critic", 1))
        }

    x, path = np.ones((2, 4), np.float32), tmp_path / "{model}.zarr"
    with Recorder(path, Probe(x), model=models(), schedule=every_n_steps(1)) as recorder:
        recorder.record(1)
    path = tmp_path / "actor-critic.zarr"
    assert recorder.path == path
    first = {name: list(part.layers) for name, part in open_run(path).parts.items()}
    again = models()
    again["actor"].layers[-1].trainable = False
    with Recorder(path, Probe(x), model=again, resume=True, schedule=every_n_steps(1)) as recorder:
        recorder.record(2)
    assert recorder.report.fault is None
    run = open_run(path)
    assert {name: list(part.layers) for name, part in run.parts.items()} == first
    for name, part in run.parts.items():
        kernel = part.weights(first[name][-1], "kernel").isel(step=-1)
        np.testing.assert_array_equal(kernel, again[name].layers[-1].kernel)
    assert (
        f"layers/{first['actor'][-1]}/weights/kernel"
        in run.parts["actor"].settings()["not_trained"]
    )
    assert f"actor/{again['actor'].layers[-1].name} is actor/{first['actor'][-1]}" in caplog.text


def test_another_training_of_parts_gets_a_run_of_its_own(tmp_path: Path) -> None:
    case, recorder = CASES["dcgan"], Recorder(tmp_path / "run.zarr", CASES["dcgan"].probes)
    for _ in range(2):
        trained(case, built(case), recorder)
        assert recorder.report.fault is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run-2.zarr", "run.zarr"]
    assert len(open_run(tmp_path / "run-2.zarr").parts) == 2


def test_updates_of_a_part_that_is_frozen_now_and_then_are_measured(tmp_path: Path) -> None:
    models = {"critic": part_models.discriminator(), "actor": part_models.generator()}
    judge = models["critic"].get_layer("judge")
    models["critic"].trainable = models["actor"].trainable = False
    with Recorder(tmp_path / "run.zarr", IMAGE_PROBE, model=models) as recorder:
        for step in (1, 2):
            judge.trainable = True
            judge.kernel.assign_add(np.ones(judge.kernel.shape, np.float32))
            judge.trainable = False
            recorder.record(step)
    parts = open_run(tmp_path / "run.zarr").parts
    size = np.sqrt(np.prod(judge.kernel.shape))
    critic, actor = parts["critic"].updates, parts["actor"].updates
    assert critic is not None
    assert actor is not None
    moved = critic["norm"].sel(variable="layers/judge/weights/kernel")
    np.testing.assert_allclose(moved[1:], size, rtol=1e-6)
    assert np.isnan(critic["norm"].sel(variable="layers/conv/weights/kernel")).all()
    assert np.isnan(actor["norm"]).all()


def test_a_part_that_is_frozen_just_when_it_is_recorded_is_trained(tmp_path: Path) -> None:
    models = {"critic": part_models.discriminator(), "teacher": part_models.discriminator()}
    models["critic"].trainable = models["teacher"].trainable = False
    judge = models["critic"].get_layer("judge")
    with Recorder(
        tmp_path / "run.zarr", IMAGE_PROBE, model=models, schedule=every_n_steps(1)
    ) as recorder:
        for step in range(1, 4):
            models["critic"].trainable = True
            for variable in judge.weights:
                variable.assign_add(np.ones(variable.shape, np.float32))
            models["critic"].trainable = False
            recorder.record(step)
    parts = open_run(tmp_path / "run.zarr").parts
    frozen = {
        name: [
            f"{layer}/{weight}"
            for layer, known in part.layers.items()
            for weight in known.weights
            if not part.weights(layer, weight).attrs["trainable"]
        ]
        for name, part in parts.items()
    }
    conv, judged = ["conv/bias", "conv/kernel"], ["judge/bias", "judge/kernel"]
    assert frozen == {"critic": conv, "teacher": [*conv, *judged]}
    assert {entry["step"] for entry in parts["critic"].facts if "not_trained" in entry} == {0, 1}
    assert {entry["step"] for entry in parts["teacher"].facts if "not_trained" in entry} == {0}


def test_a_frozen_part_is_recorded_as_such(tmp_path: Path) -> None:
    case, model = CASES["dcgan"], built(CASES["dcgan"])
    model.generator.trainable = False
    with Recorder(tmp_path / "run.zarr", case.probes, model=model):
        pass
    nodes = open_run(tmp_path / "run.zarr").parts
    kernel = "layers/conv/weights/kernel"
    assert nodes["generator"].nodes[kernel]["attributes"]["trainable"] is False
    assert nodes["discriminator"].nodes[kernel]["attributes"]["trainable"] is True


def test_layers_of_parts_that_follow_are_not_stored(tmp_path: Path) -> None:
    x = images(4)[0]
    models = {"one": conv_model(), "two": conv_model()}
    probe, runs, taken = Probe(x), {}, {}

    def assign(step: int) -> None:
        generator = np.random.default_rng(step)
        for model in models.values():
            for variable in model.weights:
                variable.assign(generator.normal(size=variable.shape))

    for name, options in {"less": {}, "all": {"derive": False}}.items():
        path = tmp_path / f"{name}.zarr"
        options = {"model": models, "schedule": every_n_steps(1), **options}
        assign(0)
        with Recorder(path, probe, byte_budget="2 MB", **options) as recorder:
            for step in (1, 2):
                assign(step)
                recorder.record(step)
            kernel = models["two"].get_layer("conv").kernel
            kernel.assign(np.where(np.arange(4) == 1, np.nan, kernel.numpy()))
            for step in (3, 4):
                recorder.record(step)
                recorder._recording.flush()
        assert recorder.report.fault is None
        with Recorder(path, probe, resume=True, **options) as again:
            assign(5)
            again.record(5)
        assert again.report.fault is None
        runs[name], taken[name] = open_run(path), recorder.report.nbytes
    less, all_ = runs["less"], runs["all"]
    assert not all_.derived
    following = {"relu", "pool", "flatten", "dropout"}
    for name, part in less.parts.items():
        held = {path.split("/")[1] for path in part.nodes if path.endswith("/activation")}
        # TensorFlow's max pooling drops NaN.
        also = {"pool"} if name == "two" else set()
        assert held == {"conv", "logits", "softmax", *also}
        assert {layer for layer, each in part.layers.items() if each.derived_from} == following
        for layer, known in part.layers.items():
            if known.has_activation:
                np.testing.assert_array_equal(
                    part.activations(layer), all_.parts[name].activations(layer), strict=True
                )
    assert less.parts["two"].nodes["layers/pool/activation"]["attributes"][BEGINS] == 3
    sizes = {layer: 4 * all_.parts["one"].activations(layer)[0].size for layer in following}
    # That a frame does not follow is known when it is written, hence one step late.
    most = 2 * 5 * sum(sizes.values())
    assert most - 2 * sizes["pool"] <= taken["all"] - taken["less"] <= most - sizes["pool"]
    assert verify(less).is_sound


def test_parts_take_what_their_training_gives_them_each_with_its_own_question(
    tmp_path: Path,
) -> None:
    image, row = keras.Input((4, 4, 1), name="image"), keras.Input((3,), name="row")
    both = layers.Concatenate()([layers.Flatten()(image), row])
    total = TotalOfBatch(name="total")(both)
    chosen = layers.Dense(3, activation="softmax", name="classes")(both + 0 * total)
    fuse = keras.Model({"image": image, "row": row}, chosen)
    pair = [keras.Input((5,)), keras.Input((1, 1, 1))]
    flat = layers.Concatenate()([pair[0], layers.Flatten()(pair[1])])
    guess = keras.Model(pair, layers.Dense(1, name="value")(flat))
    guess.compile(loss="mse")
    draw = np.random.default_rng(6).normal
    shapes = {"image": (7, 4, 4, 1), "row": (7, 3)}
    given = {name: draw(size=shape).astype(np.float32) for name, shape in shapes.items()}
    listed = [draw(size=shape).astype(np.float32) for shape in ((4, 5), (4, 1, 1, 1))]
    probes = {
        "fuse": Probe(given, np.arange(7) % 3, task="classes"),
        "guess": Probe(listed, draw(size=4)),
    }
    models = {"fuse": fuse, "guess": guess}
    with Recorder(tmp_path / "run.zarr", probes, model=models) as recorder:
        recorder.record(1)
    assert recorder.report.fault is None
    run = open_run(tmp_path / "run.zarr")
    assert verify(run).is_sound
    one, other = run.parts["fuse"], run.parts["guess"]
    for part, probe in ((one, probes["fuse"]), (other, probes["guess"])):
        assert part.probe is not None
        assert list(part.probe.inputs) == list(probe.inputs)
        for name, values in probe.inputs.items():
            np.testing.assert_array_equal(part.probe.inputs[name], values)
    assert one.probe is not None
    assert other.probe is not None
    assert (one.probe.task, other.probe.task) == ("classes", "values")
    assert (one.probe.kind, one.probe.kinds) == ("image", {"row": "tabular"})
    np.testing.assert_allclose(one.activations("classes")[-1], fuse(given), rtol=1e-5)
    np.testing.assert_allclose(other.activations("value")[-1], guess(listed), rtol=1e-5)
    # A layer without an entry for each probe.
    assert one.layers["total"].has_whole_output
    summed = one.activations("total")[-1]
    assert "probe" not in summed.dims
    rows = np.concatenate([given["image"].reshape(7, -1), given["row"]], axis=1)
    np.testing.assert_allclose(summed, rows.sum(axis=0), rtol=1e-4, atol=1e-5)


def test_what_a_recording_of_parts_takes_is_estimated() -> None:
    case, model = CASES["dcgan"], built(CASES["dcgan"])
    found = estimate(model, case.probes, every_n_steps(1), steps=4)
    assert found.size.weight_bytes == 4 * sum(np.size(value) for value in model.get_weights())
    with pytest.raises(LayerNotFoundError, match="generator/convx"):
        estimate(model, case.probes, steps=4, layers=["generator/convx"])


def methods() -> list[Any]:
    owners = (Recorder, KerasBackend, KerasSubject, RecordedParts, PartsMeter)
    return [
        pytest.param(owner, name, id=f"{owner.__name__}.{name}")
        for owner in owners
        for name, value in vars(owner).items()
        if isinstance(value, property) or inspect.isfunction(value)
        if not name.startswith(("__", "on_"))
    ]


@pytest.mark.full
@pytest.mark.parametrize(("owner", "name"), methods())
def test_whatever_breaks_the_training_of_the_parts_ends_as_without(
    owner: type,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    case, model = CASES["dcgan"], built(CASES["dcgan"])
    recorder = Recorder(
        tmp_path / "run.zarr", IMAGE_PROBE, schedule=every_n_steps(2), cost_limit=100.0
    )
    broken = Broken(owner, name, 1)
    monkeypatch.setattr(owner, name, broken.method)
    with caplog.at_level(logging.WARNING, logger="trainlapse.recorder"):
        assert trained(case, model, recorder) == without_recorder("dcgan")[0]
    for ours, theirs in zip(model.get_weights(), without_recorder("dcgan")[1], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    warned = [entry for entry in caplog.records if entry.levelno >= logging.WARNING]
    assert len(warned) == broken.met
