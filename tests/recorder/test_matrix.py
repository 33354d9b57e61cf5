"""Any kind of network: what is recorded is what Keras computes, and the training is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import Probe, Recorder, every_n_steps
from store import open_run
from tests.recorder.matrix_models import KINDS, compiled_kind
from tests.recorder.networks import seed_states, values_of
from tests.recorder.witness import Witness, check

pytestmark = pytest.mark.slow

PROBES = 4
BATCHES = 3


def head(values: Any, count: int) -> Any:
    import keras

    return keras.tree.map_structure(lambda array: array[:count], values)


def probe_of(model: Any, x: Any) -> Probe:
    """A probe of the first examples, by the names of the model's inputs."""
    if isinstance(x, list):
        x = {tensor.name: values for tensor, values in zip(model.inputs, x, strict=True)}
    return Probe(head(x, PROBES))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_network(kind: str, tmp_path: Path) -> None:
    import keras

    model, (x, y) = compiled_kind(KINDS[kind]), KINDS[kind].data()

    def fit(*callbacks: Any) -> None:
        keras.utils.set_random_seed(1)
        model.fit(*(head(x, 24), head(y, 24)), batch_size=8, verbose=0, callbacks=callbacks)

    witness, seeds = Witness(model, head(x, PROBES)), list(map(values_of, seed_states(model)))
    recorder = Recorder(tmp_path / "run.zarr", probe_of(model, x), schedule=every_n_steps(1))
    fit(recorder, witness.callback())
    assert recorder.report.fault is None
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == list(range(BATCHES + 1))
    check(run, witness)

    # The same without the recorder ends in the same weights, bit for bit.
    first, last = witness.moments[0].weights, witness.moments[BATCHES].weights
    for variable in model.weights:
        variable.assign(first[variable.path])
    for variable, value in zip(seed_states(model), seeds, strict=True):
        variable.assign(value)
    fit()
    for variable in model.weights:
        np.testing.assert_array_equal(values_of(variable), last[variable.path], variable.path)
    assert any(not np.array_equal(first[path], last[path]) for path in first)
