"""Whatever `fit` takes is recorded: several inputs, texts, ragged and sparse tensors, graphs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import Evaluation, Probe, Recorder, every_epoch, every_n_steps
from store import open_run
from store.errors import SpecError
from store.packed.pack import pack
from store.tools.crop import Cut, crop
from store.tools.verify import verify
from tests.recorder.networks import values_of
from tests.recorder.witness import Witness, check

pytestmark = pytest.mark.slow

EXAMPLES, PROBES = 12, 4
RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(EXAMPLES, 5)).astype(np.float32)
WIDER = RNG.normal(size=(EXAMPLES, 6)).astype(np.float32)
TEXTS = np.array([["a good film"], ["no film"], ["so good"]] * 4)
ANSWERS = np.arange(EXAMPLES) % 2


@dataclass(frozen=True)
class Case:
    """A network, what it is trained on, and what of that is the probe."""

    build: Callable[[], Any]
    given: Callable[[int], Any]
    eagerly: bool = False


def end(values: Any) -> Any:
    import keras

    return keras.layers.Dense(1, activation="sigmoid", name="out")(values)


def two_sizes() -> Any:
    import keras

    wide, deep = keras.Input((5,), name="wide"), keras.Input((6,), name="deep")
    hidden = keras.layers.Dense(3, activation="relu", name="hidden")(deep)
    return keras.Model([wide, deep], end(keras.layers.Concatenate(name="both")([wide, hidden])))


def other_keys() -> Any:
    """A functional model whose keys are not the names of its inputs."""
    import keras

    wide, deep = keras.Input((5,), name="one"), keras.Input((6,), name="two")
    hidden = keras.layers.Dense(5, name="hidden")(deep)
    return keras.Model({"z": wide, "a": deep}, end(keras.layers.Add(name="sum")([wide, hidden])))


def of_words() -> Any:
    import keras

    words = keras.layers.TextVectorization(output_sequence_length=3, name="words")
    words.adapt(TEXTS)
    return keras.Sequential(
        [
            keras.Input((1,), dtype="string"),
            words,
            keras.layers.Embedding(12, 3, name="embedding"),
            keras.layers.GlobalAveragePooling1D(name="mean"),
            keras.layers.Dense(1, activation="sigmoid", name="out"),
        ]
    )


def of_columns() -> Any:
    import keras

    kind, size = keras.Input((1,), dtype="string", name="kind"), keras.Input((5,), name="size")
    looked_up = keras.layers.StringLookup(vocabulary=["red", "blue"], name="lookup")(kind)
    found = keras.layers.Embedding(3, 2, name="embedding")(looked_up)
    flat = keras.layers.Flatten(name="flat")(found)
    return keras.Model([kind, size], end(keras.layers.Concatenate(name="both")([flat, size])))


def of_ragged() -> Any:
    import keras
    import tensorflow as tf

    words = keras.Input((None,), dtype="int32", ragged=True)
    found = keras.layers.Embedding(9, 3, name="embedding")(words)
    mean = keras.layers.Lambda(lambda t: tf.reduce_mean(t, axis=1), (3,), name="mean")(found)
    return keras.Model(words, end(mean))


def of_sparse() -> Any:
    import keras

    words = keras.Input((5,), sparse=True)
    return keras.Model(words, end(keras.layers.Dense(3, name="hidden")(words)))


def subclassed(call: Callable[[Any, Any], Any]) -> Callable[[], Any]:
    def build() -> Any:
        import keras

        class Own(keras.Model):
            def __init__(self) -> None:
                super().__init__(name="own")
                self.hidden = keras.layers.Dense(5, activation="relu", name="hidden")
                self.out = keras.layers.Dense(1, activation="sigmoid", name="out")

            def call(self, inputs: Any) -> Any:
                return call(self, inputs)

        return Own()

    return build


def of_list(model: Any, inputs: Any) -> Any:
    first, second = inputs
    return model.out(model.hidden(first) * second)


def of_nest(model: Any, inputs: Any) -> Any:
    first, second = inputs["pair"]
    return model.out(model.hidden(first) + second * inputs["more"]["scale"])


def of_one_key(model: Any, inputs: Any) -> Any:
    return model.out(model.hidden(inputs["only"]))


def by_numpy(model: Any, inputs: Any) -> Any:
    hidden = model.hidden(inputs)
    return model.out(hidden * (1.0 if np.mean(hidden) >= 0 else 0.5))


def ragged(count: int) -> Any:
    import tensorflow as tf

    return tf.ragged.constant([[1, 2, 3], [4], [5, 6]] * 4, dtype="int32")[:count]


def sparse(count: int) -> Any:
    import tensorflow as tf

    return tf.sparse.from_dense(np.where(ROWS > 0, ROWS, 0)[:count])


def strings(values: Any) -> Any:
    import tensorflow as tf

    return tf.constant(values)


CASES = {
    "dict": Case(two_sizes, lambda n: {"deep": WIDER[:n], "wide": ROWS[:n]}),
    "list": Case(two_sizes, lambda n: [ROWS[:n], WIDER[:n]]),
    "other keys": Case(other_keys, lambda n: {"z": ROWS[:n], "a": WIDER[:n]}),
    "list to a subclass": Case(subclassed(of_list), lambda n: [ROWS[:n], WIDER[:n, :5]]),
    "tuple to a subclass": Case(subclassed(of_list), lambda n: (ROWS[:n], WIDER[:n, :5])),
    "nested": Case(
        subclassed(of_nest),
        lambda n: {"pair": (ROWS[:n], WIDER[:n, :5]), "more": {"scale": ROWS[:n, :1]}},
    ),
    "one key": Case(subclassed(of_one_key), lambda n: {"only": ROWS[:n]}),
    "texts": Case(of_words, lambda n: strings(TEXTS[:n])),
    "columns": Case(
        of_columns, lambda n: [strings(np.array([["red"], ["blue"]] * 6)[:n]), ROWS[:n]]
    ),
    "ragged": Case(of_ragged, ragged),
    "sparse": Case(of_sparse, sparse),
    "NumPy in the call": Case(subclassed(by_numpy), lambda n: ROWS[:n], eagerly=True),
}


def trained(case: Case, record: Callable[[Any], list[Any]]) -> tuple[list[float], list[np.ndarray]]:
    """Train anew; give the losses and the last weights."""
    import keras

    keras.utils.set_random_seed(5)
    model = case.build()
    model.compile("sgd", "binary_crossentropy", run_eagerly=case.eagerly)
    history = model.fit(
        case.given(EXAMPLES),
        ANSWERS,
        batch_size=4,
        epochs=2,
        shuffle=False,
        verbose=0,
        callbacks=record(model),
    )
    return history.history["loss"], [values_of(variable) for variable in model.weights]


def tensors(given: Any) -> Any:
    import keras

    convert = keras.ops.convert_to_tensor
    return keras.tree.map_structure(
        lambda values: convert(values) if isinstance(values, np.ndarray) else values, given
    )


# Keras says so of a model whose keys are not the names of its inputs, with and without us.
@pytest.mark.filterwarnings("ignore:When providing `inputs` as a dict:UserWarning")
@pytest.mark.parametrize("name", CASES)
def test_what_fit_takes_is_recorded(name: str, tmp_path: Path) -> None:
    case, witnesses = CASES[name], []
    given = case.given(PROBES)
    recorder = Recorder(
        tmp_path / "run.zarr",
        Probe(given, ANSWERS[:PROBES]),
        evaluation=Evaluation(case.given(EXAMPLES), ANSWERS, batch_size=5),
        schedule=every_n_steps(1),
        cost_limit=100,
    )

    def watched(model: Any) -> list[Any]:
        witnesses.append(Witness(model, tensors(given)))
        return [recorder, witnesses[0].callback()]

    losses, weights = trained(case, watched)
    assert recorder.report.fault is None
    alone, own = trained(case, lambda _: [])
    assert losses == alone
    for one, other in zip(weights, own, strict=True):
        np.testing.assert_array_equal(one, other)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == list(range(7))
    check(run, witnesses[0])
    assert verify(run).is_sound
    assert run.probe is not None
    assert run.probe.task == "classes"
    said = run.evaluation["prediction"].values[:, :PROBES]
    (output,) = run.outputs
    np.testing.assert_allclose(said, run.activations(output).values, rtol=1e-5, atol=1e-6)


def test_a_model_that_cannot_be_traced_is_recorded_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    case = CASES["NumPy in the call"]
    path = tmp_path / "run.zarr"
    with caplog.at_level(logging.WARNING, "trainlapse.recorder"):
        trained(case, lambda _: [Recorder(path, Probe(ROWS[:PROBES]), cost_limit=100)])
    (said,) = [record.getMessage() for record in caplog.records]
    assert "cannot be traced (Cannot convert a symbolic tf.Tensor" in said
    assert "which takes longer" in said


def test_what_the_call_draws_at_random_does_not_change_the_training(tmp_path: Path) -> None:
    import tensorflow as tf

    def noisy(model: Any, inputs: Any) -> Any:
        noise = np.random.normal(size=(1, 5)) + tf.random.normal((1, 5)).numpy()  # noqa: NPY002
        return model.out(model.hidden(inputs) + noise.astype(np.float32))

    def built() -> Any:
        model = subclassed(noisy)()
        model(ROWS[:1])
        return model

    case = Case(built, lambda n: ROWS[:n], eagerly=True)
    probe = Probe(ROWS[:PROBES])
    with_it = trained(case, lambda _: [Recorder(tmp_path / "run.zarr", probe, cost_limit=100)])
    alone = trained(case, lambda _: [])
    assert with_it[0] == alone[0]
    for one, other in zip(with_it[1], alone[1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_axis_of_the_probes_size_is_not_taken_for_the_probes(tmp_path: Path) -> None:
    import keras

    class NodesFirst(keras.layers.Layer):
        def call(self, values: Any) -> Any:
            return keras.ops.transpose(values, [1, 0, 2])

        def compute_output_shape(self, shape: Any) -> Any:
            return (shape[1], shape[0], shape[2])

    class Total(keras.layers.Layer):
        def call(self, values: Any) -> Any:
            return keras.ops.sum(values, axis=0)

    x = RNG.normal(size=(EXAMPLES, PROBES, 3)).astype(np.float32)
    given = keras.Input((PROBES, 3))
    first = NodesFirst(name="nodes")(given)
    total = Total(name="total")(given)
    back = keras.ops.transpose(keras.layers.Dense(1, name="dense")(first), [1, 0, 2])
    model = keras.Model(given, back + keras.ops.sum(total))
    model.compile("sgd", "mse")
    path = tmp_path / "run.zarr"
    recorder = Recorder(path, Probe(x[:PROBES]), schedule=every_n_steps(1))
    model.fit(x, np.zeros((EXAMPLES, PROBES, 1)), verbose=0, callbacks=[recorder])
    assert recorder.report.fault is None
    run = open_run(path)
    for probe in range(PROBES):
        found = run.activations("nodes").isel(step=0, probe=probe)
        np.testing.assert_array_equal(found, x[probe])
    assert not run.layers["total"].has_activation
    whole = run.activations("total")
    assert whole.dims == ("step", "dim_0", "unit")
    np.testing.assert_allclose(whole.isel(step=0), x[:PROBES].sum(axis=0), rtol=1e-5)
    pack(path, tmp_path / "packed.zarr")
    packed = open_run(tmp_path / "packed.zarr")
    np.testing.assert_array_equal(packed.activations("total"), whole)


def test_a_layer_without_an_entry_for_each_probe_is_resumed_and_kept_after_the_training(
    tmp_path: Path,
) -> None:
    import keras

    class Total(keras.layers.Layer):
        def call(self, values: Any) -> Any:
            return keras.ops.sum(values, axis=0)

    class Halved(keras.callbacks.Callback):
        def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002
            for variable in self.model.trainable_variables:
                variable.assign(variable * 0.5)

    def numbered_on() -> Any:
        given = keras.Input((3,))
        total = Total()(keras.layers.Dense(2)(given))
        model = keras.Model(given, keras.layers.Dense(1)(given) + keras.ops.sum(total))
        model.compile("sgd", "mse")
        return model

    x = RNG.normal(size=(EXAMPLES, 3)).astype(np.float32)
    path, names = tmp_path / "run.zarr", []
    for resume in (False, 2):
        model = numbered_on()
        recorder = Recorder(path, Probe(x[:PROBES]), schedule=every_epoch(), resume=resume)
        model.fit(x, x[:, :1], epochs=2, verbose=0, callbacks=[recorder, Halved()])
        assert recorder.report.fault is None
        run = open_run(path)
        names.append(list(run.layers))
        (total,) = [name for name, layer in run.layers.items() if layer.class_name == "Total"]
        kernel, bias, *_ = model.get_weights()
        assert run.after_training is not None
        left = run.after_training.activations(total)
        np.testing.assert_allclose(left, (x[:PROBES] @ kernel + bias).sum(axis=0), rtol=1e-4)
    assert names[0] == names[1]
    assert run.activations(total).sizes["step"] == len(run) == 5


def test_a_graph_is_recorded_with_the_answers_as_its_probes(tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    class Graph(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="graph")
            self.hidden = keras.layers.Dense(4, name="hidden")
            self.out = keras.layers.Dense(1, activation="sigmoid", name="out")

        def call(self, inputs: Any) -> Any:
            nodes, edges, asked = inputs
            near = tf.gather(self.hidden(nodes), edges[:, 1])
            summed = tf.math.unsorted_segment_sum(near, edges[:, 0], tf.shape(nodes)[0])
            return self.out(tf.gather(summed, asked))

    nodes = RNG.normal(size=(9, 4)).astype(np.float32)
    edges, asked = RNG.integers(0, 9, (20, 2)), np.array([1, 5, 7])
    given, answers = (nodes, edges, asked), np.array([0, 1, 1])
    model = Graph()
    model.compile("sgd", "binary_crossentropy")
    data = tf.data.Dataset.from_tensors((given, answers)).repeat(3)
    path = tmp_path / "run.zarr"
    recorder = Recorder(path, Probe(given, answers), schedule=every_n_steps(1))
    model.fit(data, shuffle=False, verbose=0, callbacks=[recorder])
    assert recorder.report.fault is None
    run = open_run(path)
    assert run.probe is not None
    assert (run.probe.size, run.probe.dims["input_1"][0]) == (3, "row_of_input_1")
    expected = model(tuple(map(tf.constant, given))).numpy()
    np.testing.assert_allclose(run.activations("out").isel(step=-1), expected, rtol=1e-5)
    assert run.activations("out").dims == ("step", "probe", "unit")
    hidden = model.hidden(nodes).numpy()
    np.testing.assert_allclose(run.activations("hidden").isel(step=-1), hidden, rtol=1e-5)
    assert run.activations("hidden").dims == ("step", "dim_0", "unit")


def test_what_is_not_stored_does_not_leave_with_a_crop(tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    probe = Probe(strings(TEXTS[:PROBES]), ANSWERS[:PROBES])
    trained(CASES["texts"], lambda _: [Recorder(path, probe, cost_limit=100)])
    run = open_run(path)
    assert run.probe is not None
    assert run.probe.texts == TEXTS[:PROBES, 0].tolist()
    assert run.probe.not_stored["input"]["shape"] == [PROBES, 1]
    crop(path, tmp_path / "public.zarr", Cut(drop=["inputs"]))
    public = open_run(tmp_path / "public.zarr").probe
    assert public is not None
    assert (public.texts, dict(public.not_stored)) == (None, {})


def test_a_probe_that_the_model_does_not_take_is_refused_before_the_first_update(
    tmp_path: Path,
) -> None:
    import keras

    model = subclassed(of_list)()
    model.compile("sgd", "binary_crossentropy")
    updates: list[int] = []
    spy = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, _: updates.append(batch))
    recorder = Recorder(tmp_path / "run.zarr", Probe(ROWS[:PROBES]))
    with pytest.raises(SpecError, match="cannot be sent through the model 'own'"):
        model.fit((ROWS, WIDER[:, :5]), ANSWERS, verbose=0, callbacks=[spy, recorder])
    assert not updates
