"""One recorder in several trainings: which go on in one run, and which get one of their own."""

from __future__ import annotations

import copy
import functools
import logging
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import Evaluation, LoopRecorder, Probe, Recorder, every_epoch, every_n_steps
from store import open_run
from store.errors import ArgumentError, RunExistsError, SpecError
from store.tools.verify import verify
from tests.recorder import numpy_training as training
from tests.recorder.networks import compiled, conv_model, images, renewed, rows, values_of
from tests.recorder.numpy_backend import NumpyBackend, Perceptron

pytestmark = pytest.mark.slow

X, Y = images()
PER_EPOCH = 4


def recorder_at(path: Path | str, **options: Any) -> Recorder:
    return Recorder(
        path, Probe(X[:2]), **{"schedule": every_n_steps(1), "cost_limit": 100.0, **options}
    )


def fit(model: Any, *callbacks: Any, epochs: int = 1, **options: Any) -> None:
    model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, callbacks=list(callbacks), **options)


def unpickled(content: bytes) -> Any:
    return pickle.loads(content)  # noqa: S301 - this process has written it


def runs_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def kernel_of(path: Path, index: int = -1) -> np.ndarray:
    return np.asarray(open_run(path).weights("conv", "kernel")[index])


def assert_sound(path: Path) -> None:
    assert verify(open_run(path)).is_sound


# -- another training ---------------------------------------------------------------------------


def test_every_fold_of_a_cross_validation_gets_a_run(tmp_path: Path) -> None:
    recorder = recorder_at(tmp_path / "{n}.zarr", schedule=every_epoch())
    firsts, lasts = [], []
    for fold in range(3):
        model = compiled(conv_model, seed=fold)
        firsts.append(values_of(model.get_layer("conv").kernel))
        fit(model, recorder)
        lasts.append(values_of(model.get_layer("conv").kernel))
        assert recorder.path == tmp_path / f"{fold + 1}.zarr"
        assert recorder.report.steps == 2
    assert runs_in(tmp_path) == ["1.zarr", "2.zarr", "3.zarr"]
    for number, (first, last) in enumerate(zip(firsts, lasts, strict=True), start=1):
        path = tmp_path / f"{number}.zarr"
        run = open_run(path)
        assert list(run.steps) == [0, PER_EPOCH]
        assert run.name == str(number)
        np.testing.assert_array_equal(kernel_of(path, 0), first)
        np.testing.assert_array_equal(kernel_of(path), last)
        np.testing.assert_allclose(run.epochs, [0, 1])
        assert list(run.metrics["update"].values) == [1, 2, 3, 4]
        assert_sound(path)


@pytest.mark.parametrize("how", ["new", "clone", "reset", "compiled again"])
def test_another_training_is_never_appended(
    how: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import keras

    model = compiled(conv_model)
    initial = model.get_weights()
    recorder = recorder_at(tmp_path / "run.zarr", schedule=every_epoch())
    fit(model, recorder)
    first_end = values_of(model.get_layer("conv").kernel)
    if how == "new":
        model = compiled(conv_model, seed=99)
    elif how == "clone":
        model = keras.models.clone_model(model)
        model.compile("sgd", "sparse_categorical_crossentropy")
    elif how == "reset":
        model.set_weights(initial)
    else:
        model.set_weights([value + 1 for value in initial])
        model.compile("sgd", "sparse_categorical_crossentropy")
    start = values_of(model.get_layer("conv").kernel)
    with caplog.at_level(logging.WARNING, logger="trainlapse.recorder"):
        fit(model, recorder)
    assert recorder.report.fault is None
    assert runs_in(tmp_path) == ["run-2.zarr", "run.zarr"]
    assert sum("Another training begins" in each.getMessage() for each in caplog.records) == 1
    np.testing.assert_array_equal(kernel_of(tmp_path / "run.zarr"), first_end)
    assert list(open_run(tmp_path / "run.zarr").steps) == [0, PER_EPOCH]
    second = tmp_path / "run-2.zarr"
    np.testing.assert_array_equal(kernel_of(second, 0), start)
    np.testing.assert_array_equal(kernel_of(second), model.get_layer("conv").kernel)
    assert len(open_run(second)) == 2
    assert open_run(second).id != open_run(tmp_path / "run.zarr").id


@pytest.mark.parametrize("how", ["added", "replaced", "low rank"])
def test_a_model_that_is_rebuilt_between_fits_gets_another_run(
    how: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import keras
    from keras import layers

    hidden = [layers.Flatten(), layers.Dense(4, activation="relu", name="hidden")]
    model = keras.Sequential([keras.Input(X.shape[1:]), *hidden, layers.Dense(10, name="head")])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    recorder = recorder_at(tmp_path / "run.zarr", schedule=every_epoch())
    fit(model, recorder)
    if how == "low rank":
        model.get_layer("hidden").enable_lora(2)
    else:
        if how == "replaced":
            model.pop()
        model.add(layers.Dense(12, name="new"))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with caplog.at_level(logging.INFO, logger="trainlapse.recorder"):
        fit(model, recorder)
    assert recorder.report.fault is None
    assert "the model is made of other layers or weights" in caplog.text
    assert runs_in(tmp_path) == ["run-2.zarr", "run.zarr"]
    run = open_run(tmp_path / "run-2.zarr")
    last = model.layers[-1].name
    assert last in run.layers
    np.testing.assert_allclose(
        run.activations(last)[-1], model.predict(X[:2], verbose=0), rtol=1e-5, atol=1e-6
    )
    for path in ("run.zarr", "run-2.zarr"):
        assert_sound(tmp_path / path)
    fit(model, recorder)
    assert runs_in(tmp_path) == ["run-2.zarr", "run.zarr"]


def test_fits_of_one_model_are_one_training_also_when_it_is_compiled_again(tmp_path: Path) -> None:
    model = compiled(conv_model)
    recorder = recorder_at(tmp_path / "run.zarr", schedule=every_epoch())
    fit(model, recorder)
    model.compile("sgd", "sparse_categorical_crossentropy")
    fit(model, recorder)
    assert runs_in(tmp_path) == ["run.zarr"]
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, PER_EPOCH, 2 * PER_EPOCH]
    assert run.weight_jumps == ()


def test_best_weights_and_a_new_optimizer_are_the_same_training(tmp_path: Path) -> None:
    """As when a head is trained, its best epoch restored, and the whole network fine-tuned."""
    model = compiled(conv_model)
    recorder = recorder_at(tmp_path / "run.zarr", schedule=every_epoch())
    kept: list[Any] = []
    fit(model, recorder, epoch_end(lambda _: kept.append(model.get_weights())), epochs=2)
    model.set_weights(kept[0])
    model.compile("sgd", "sparse_categorical_crossentropy")
    fit(model, recorder)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 4, 8, 12]
    assert run.weight_jumps == (9,)


def test_an_interrupted_fit_of_another_model_is_left_as_it_was(tmp_path: Path) -> None:
    recorder = recorder_at(tmp_path / "{n}.zarr")
    model = renewed(conv_model)
    with pytest.raises(KeyboardInterrupt):
        fit(model, recorder, batch_end(interrupt_at(3)))
    other = compiled(conv_model, seed=3)
    fit(other, recorder)
    assert list(open_run(tmp_path / "1.zarr").steps) == [0, 1, 2, 3]
    assert open_run(tmp_path / "1.zarr").finished is None
    assert list(open_run(tmp_path / "2.zarr").steps) == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(
        kernel_of(tmp_path / "2.zarr"), values_of(other.get_layer("conv").kernel)
    )


def test_a_loop_that_begins_again_gets_a_run_of_its_own(tmp_path: Path) -> None:
    x, y = training.data()
    net = Perceptron(training.SIZES, training.SEED)
    initial = {name: values.copy() for name, values in net.weights.items()}
    recorder = LoopRecorder(
        tmp_path / "{n}.zarr",
        Probe(x[: training.PROBES]),
        model=net,
        backend=NumpyBackend(),
        schedule=every_n_steps(1),
    )
    for _ in range(2):
        for name, values in initial.items():
            net.weights[name][...] = values
        with recorder:
            for step in range(1, 4):
                recorder.record(step, loss=training.update(net.weights, x, y))
    assert [list(open_run(tmp_path / f"{n}.zarr").steps) for n in (1, 2)] == [[0, 1, 2, 3]] * 2


# -- names ----------------------------------------------------------------------------------------


def test_numbers_go_on_after_the_highest(tmp_path: Path) -> None:
    (tmp_path / "lenet-007.zarr").mkdir()
    (tmp_path / "lenet-x.zarr").mkdir()
    recorder = recorder_at(tmp_path / "lenet-{n:03}.zarr")
    assert recorder.path is None
    fit(renewed(conv_model), recorder)
    assert recorder.path == tmp_path / "lenet-008.zarr"
    assert open_run(recorder.path).name == "lenet-008"


def test_a_number_may_name_a_folder_and_a_model_a_run(tmp_path: Path) -> None:
    recorder = recorder_at(str(tmp_path / "{n}" / "{model}.zarr"), name="mine")
    fit(renewed(conv_model), recorder)
    assert recorder.path == tmp_path / "1" / "conv_net.zarr"
    assert open_run(recorder.path).name == "mine"


def test_two_trainings_within_a_second_have_two_names(tmp_path: Path) -> None:
    recorder = recorder_at(tmp_path / "{model}_{date}_{time}.zarr")
    for seed in range(2):
        fit(compiled(conv_model, seed=seed), recorder)
        assert recorder.report.fault is None
    assert len(runs_in(tmp_path)) == 2
    assert all(name.startswith("conv_net_20") for name in runs_in(tmp_path))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("{num}.zarr", r"no field 'num'. Did you mean 'n'\? There are: n, date, time, model"),
        ("{}.zarr", "no field ''"),
        ("{n.zarr", "expected '}' before end of string.* written twice"),
        ("{n:x}.zarr", r"\{n:x\}: only a number takes a form"),
        ("{model!r}.zarr", "only a number takes a form"),
    ],
)
def test_a_pattern_is_checked_when_it_is_given(path: str, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        recorder_at(path)


def test_braces_that_are_written_twice_are_braces(tmp_path: Path) -> None:
    recorder = recorder_at(str(tmp_path / "{{n}}.zarr"))
    fit(renewed(conv_model), recorder)
    assert runs_in(tmp_path) == ["{n}.zarr"]
    with pytest.raises(RunExistsError, match=r"\{n\}\.zarr already"):
        recorder_at(str(tmp_path / "{{n}}.zarr"))


def test_a_new_run_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="names a new run each time"):
        recorder_at(tmp_path / "{n}.zarr", resume=True)


# -- copies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["{n}.zarr", "run.zarr"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_tuner_gives_each_trial_a_copy(pattern: str, overwrite: bool, tmp_path: Path) -> None:
    """KerasTuner copies the callbacks for each execution, by `copy.deepcopy`."""
    callbacks = [recorder_at(tmp_path / pattern, overwrite=overwrite, schedule=every_epoch())]
    ends = {}
    for trial in range(3):
        (copied,) = copy.deepcopy(callbacks)
        model = compiled(conv_model, seed=trial)
        fit(model, copied)
        assert copied.report.fault is None
        ends[copied.path] = values_of(model.get_layer("conv").kernel)
    assert len(ends) == 3
    for path, end in ends.items():
        np.testing.assert_array_equal(kernel_of(path), end)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, copy.copy, lambda each: unpickled(pickle.dumps(each))]
)
def test_a_used_callback_can_be_copied(copied: Any, tmp_path: Path) -> None:
    recorder = recorder_at(
        tmp_path / "{n}.zarr", notes="a note", schedule=every_n_steps(2) | every_epoch()
    )
    fit(renewed(conv_model), recorder)
    again = copied(recorder)
    assert again.path is None
    assert recorder.path == tmp_path / "1.zarr"
    fit(renewed(conv_model), again)
    assert again.report.fault is None
    first, second = (open_run(tmp_path / f"{n}.zarr") for n in (1, 2))
    assert list(first.steps) == list(second.steps) == [0, 2, 4]
    assert second.attributes["notes"] == "a note"
    assert second.attributes["schedule"] == first.attributes["schedule"]


def test_a_callback_is_copied_in_the_midst_of_its_training(tmp_path: Path) -> None:
    recorder = recorder_at(tmp_path / "{n}.zarr")
    copies = []
    fit(renewed(conv_model), recorder, batch_end(lambda _: copies.append(pickle.dumps(recorder))))
    assert recorder.report.fault is None
    assert list(open_run(tmp_path / "1.zarr").steps) == [0, 1, 2, 3, 4]
    fit(renewed(conv_model), unpickled(copies[1]))
    assert runs_in(tmp_path) == ["1.zarr", "2.zarr"]


# -- notebooks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{"overwrite": True}, {"resume": 3}, {"resume": True}])
def test_an_interrupted_cell_is_run_again(
    how: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A traceback keeps the recorder of the first time, as IPython does."""
    path = tmp_path / "run.zarr"
    model = renewed(conv_model)
    kept = []
    first = recorder_at(path)
    try:
        fit(model, first, batch_end(interrupt_at(3)))
    except KeyboardInterrupt as error:
        kept.append(error)
    assert kept
    if "overwrite" in how:
        model = renewed(conv_model)
    again = recorder_at(path, **how)
    with caplog.at_level(logging.WARNING, logger="trainlapse.recorder"):
        fit(model, again)
    assert again.report.fault is None
    assert not caplog.records
    run = open_run(path)
    assert list(run.steps) == ([0, 1, 2, 3, 4] if "overwrite" in how else list(range(8)))
    np.testing.assert_array_equal(kernel_of(path), values_of(model.get_layer("conv").kernel))
    assert run.finished
    del kept, first
    assert_sound(path)


def auto_named(seed: int) -> Any:
    """A network whose layers have the names that Keras gives: others each time it is built."""
    import keras
    from keras import layers

    def build() -> Any:
        inputs = keras.Input((8, 8))
        hidden = layers.Dense(6)(inputs)
        hidden = layers.Bidirectional(layers.LSTM(3))(hidden)
        block = keras.Sequential([layers.Dense(6, activation="relu"), layers.Dense(6)])
        hidden = layers.Add()([hidden, block(hidden)])
        return keras.Model(inputs, layers.Dense(3, activation="softmax")(hidden))

    return compiled(build, seed=seed)


def test_layers_that_keras_numbers_on_are_resumed_under_their_first_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, sequences = tmp_path / "run.zarr", X[..., 0]

    def record(model: Any, **options: Any) -> None:
        probe = Probe(sequences[:2])
        examples = Evaluation(sequences[:4], Y[:4])
        recorder = Recorder(
            path,
            probe,
            schedule=every_n_steps(2),
            evaluation=examples,
            every_unit=2,
            cost_limit=100.0,
            **options,
        )
        model.fit(sequences, Y, batch_size=8, verbose=0, callbacks=[recorder])
        assert recorder.report.fault is None

    model = auto_named(1)
    record(model)
    first = open_run(path)
    again = auto_named(2)
    again.set_weights(model.get_weights())
    with caplog.at_level(logging.WARNING, logger="trainlapse.recorder"):
        record(again, resume=PER_EPOCH)
    (said,) = [each.getMessage() for each in caplog.records]
    assert "numbered otherwise" in said
    run = open_run(path)
    assert list(run.layers) == list(first.layers)
    assert {each.config["name"] for each in run.layers.values() if each.kind == "dense"} == {
        each.config["name"] for each in first.layers.values() if each.kind == "dense"
    }
    assert list(run.steps) == [0, 2, 4, 6, 8]
    assert run.outputs == first.outputs
    assert_sound(path)
    recorded = [
        np.asarray(run.weights(layer, name)[-1])
        for layer, each in run.layers.items()
        for name in each.weights
    ]
    remaining = [values_of(variable) for variable in again.weights]
    assert len(recorded) == len(remaining)
    for values in recorded:
        place = next(at for at, each in enumerate(remaining) if np.array_equal(each, values))
        remaining.pop(place)
    updates = run.updates
    assert updates is not None
    assert np.isfinite(updates["norm"][-1]).all()
    evaluation = run.evaluation
    assert evaluation is not None
    np.testing.assert_allclose(evaluation["prediction"][-1], again(sequences[:4]), atol=1e-6)
    x = again.layers[1](sequences[:2])
    (dense,) = [name for name, layer in run.layers.items() if layer.output_shape == (8, 3)]
    np.testing.assert_allclose(run.activations(dense)[-1], x[..., ::2], atol=1e-6)


def test_layers_of_other_shapes_are_not_taken_for_each_other(tmp_path: Path) -> None:
    import keras

    def build(*units: int) -> Any:
        return keras.Sequential([keras.Input((5,)), *map(keras.layers.Dense, units)])

    x, _ = rows()
    for units, options in (((4, 3), {}), ((3, 4), {"resume": 4})):
        model = build(*units)
        model.compile("sgd", "mse")
        recorder = Recorder(tmp_path / "run.zarr", Probe(x[:2]), **options)
        train = functools.partial(
            model.fit, x, np.zeros((len(x), units[-1])), batch_size=8, verbose=0,
            callbacks=[recorder],
        )  # fmt: skip
        if options:
            with pytest.raises(SpecError, match="cannot be resumed"):
                train()
        else:
            train()


def test_a_recorder_that_lost_its_run_stops_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    x, y = training.data()
    nets = [Perceptron(training.SIZES, training.SEED) for _ in range(2)]

    def loop(net: Perceptron, **options: Any) -> LoopRecorder:
        probe, every = Probe(x[: training.PROBES]), every_n_steps(1)
        return LoopRecorder(
            tmp_path / "run.zarr", probe, model=net, backend=NumpyBackend(), schedule=every,
            **options,
        )  # fmt: skip

    with caplog.at_level(logging.WARNING, logger="trainlapse.recorder"), loop(nets[0]) as older:
        older.record(1, loss=training.update(nets[0].weights, x, y))
        with loop(nets[1], overwrite=True) as newer:
            for step in range(1, 4):
                newer.record(step, loss=training.update(nets[1].weights, x, y))
                older.record(step + 1, loss=training.update(nets[0].weights, x, y))
    assert newer.report.fault is None
    assert "has taken over" in str(older.report.fault)
    assert sum("has taken over" in each.getMessage() for each in caplog.records) == 1
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 1, 2, 3]
    assert run.finished
    assert_sound(tmp_path / "run.zarr")


# -- jumps of the weights -------------------------------------------------------------------------


def epoch_end(function: Any) -> Any:
    import keras

    return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, *_: function(epoch))


def batch_end(function: Any) -> Any:
    import keras

    return keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, **_: function(batch))


def interrupt_at(update: int) -> Any:
    def interrupt(batch: int) -> None:
        if batch + 1 == update:
            raise KeyboardInterrupt

    return interrupt


def shifted(model: Any) -> None:
    model.set_weights([value + 1 for value in model.get_weights()])


@pytest.mark.parametrize("recorder_first", [True, False])
@pytest.mark.parametrize("every", [every_epoch(), every_n_steps(3)])
def test_a_jump_of_the_weights_is_noted_where_frames_show_it(
    recorder_first: bool, every: Any, tmp_path: Path
) -> None:
    model = renewed(conv_model)
    recorder = recorder_at(tmp_path / "run.zarr", schedule=every)
    swap = epoch_end(lambda epoch: shifted(model) if epoch == 0 else None)
    callbacks = [recorder, swap] if recorder_first else [swap, recorder]
    fit(model, *callbacks, epochs=3)
    run = open_run(tmp_path / "run.zarr")
    (jump,) = run.weight_jumps
    kernel = np.asarray(run.weights("conv", "kernel")).mean(axis=(1, 2, 3, 4))
    moved = np.abs(np.diff(kernel)) > 0.5  # the jump adds 1 to each weight; updates are small
    assert moved.sum() == 1
    shown = run.steps[1 + int(np.argmax(moved))]
    before = run.steps[int(np.argmax(moved))]
    assert before < jump <= shown
    assert jump in (PER_EPOCH, PER_EPOCH + 1)


def test_a_jump_between_two_fits_or_at_a_recorded_step_is_noted(tmp_path: Path) -> None:
    model = renewed(conv_model)
    recorder = recorder_at(tmp_path / "run.zarr", schedule=every_n_steps(2))
    fit(model, recorder, batch_end(lambda batch: shifted(model) if batch == 1 else None))
    shifted(model)
    fit(model, recorder)
    assert open_run(tmp_path / "run.zarr").weight_jumps == (3, PER_EPOCH + 1)


@pytest.mark.parametrize(("every", "jumps"), [(every_n_steps(1), ()), (every_epoch(), (4, 5, 8))])
def test_weights_that_come_back_have_jumped_where_a_frame_holds_the_others(
    every: Any, jumps: tuple[int, ...], tmp_path: Path
) -> None:
    """Averages are swapped in at the end of an epoch, and out again before the next one."""
    import keras

    optimizer = keras.optimizers.SGD(0.1, use_ema=True)
    model = compiled(conv_model, optimizer=optimizer)
    recorder = recorder_at(tmp_path / "run.zarr", schedule=every)
    fit(model, keras.callbacks.SwapEMAWeights(swap_on_epoch=True), recorder, epochs=2)
    assert open_run(tmp_path / "run.zarr").weight_jumps == jumps


@pytest.mark.parametrize("same", [True, False])
def test_a_run_that_is_resumed_with_other_weights_has_a_jump(same: bool, tmp_path: Path) -> None:
    model = renewed(conv_model)
    fit(model, recorder_at(tmp_path / "run.zarr", dtype="float16"))
    if not same:
        model = renewed(conv_model, seed=99)
    fit(model, recorder_at(tmp_path / "run.zarr", dtype="float16", resume=PER_EPOCH))
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == list(range(9))
    assert run.weight_jumps == (() if same else (PER_EPOCH + 1,))


def test_a_run_that_goes_back_forgets_the_jumps_that_came_later(tmp_path: Path) -> None:
    model = renewed(conv_model)
    recorder = recorder_at(tmp_path / "run.zarr")
    fit(model, recorder)
    shifted(model)
    fit(model, recorder)
    assert open_run(tmp_path / "run.zarr").weight_jumps == (5,)
    fit(model, recorder_at(tmp_path / "run.zarr", resume=6))
    # Gone back, but not with the weights of that step: that is a jump, too.
    assert open_run(tmp_path / "run.zarr").weight_jumps == (5, 7)
    fit(model, recorder_at(tmp_path / "run.zarr", resume=2))
    assert open_run(tmp_path / "run.zarr").weight_jumps == (3,)
