"""Kinds of training that public examples have are recorded as they are.

``benchmarks/public_models.py`` tries them: here a few, and all of them when it is asked for. That
its checks notice what is wrong is shown on one recording, by spoiling what is known of it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.public_models import main
from benchmarks.trainings.attempt import Attempt, Seen
from benchmarks.trainings.catalogue import Training, entries
from benchmarks.trainings.trial import Outcome, try_out
from explorer.views.layer.weights import DenseWeights
from store import Run, open_run

ROOT = Path(__file__).parents[2]
# Of one model, of several without a call, and of a loop in which nothing is fitted.
USUAL = ("classifier", "own_loop")


# -- the kinds ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Outcome]:
    """Those of all kinds whose tests were chosen, tried by one command."""
    chosen = {
        item.callspec.params["kind"]: None
        for item in request.session.items
        if item.path == Path(__file__) and isinstance(item, pytest.Function)
        if "outcomes" in item.fixturenames
    }
    out = tmp_path_factory.mktemp("public")
    command = [sys.executable, "benchmarks/public_models.py", f"--out={out}", "--only", *chosen]
    subprocess.run(command, cwd=ROOT, capture_output=True)
    return {kind: Outcome.read(out / f"{kind}.json") for kind in chosen}


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=[] if k in USUAL else pytest.mark.full) for k in entries()]
)
def test_a_kind_is_recorded_as_it_is(kind: str, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[kind]
    assert not outcome.problems, "\n".join(outcome.problems)
    assert outcome.steps > 1


def test_every_kind_says_what_it_is() -> None:
    assert len(entries()) >= 40
    for name, entry in entries().items():
        assert entry.line.endswith("."), name


def test_an_unknown_kind_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "vae", "no_such_kind"]) == 2
    assert "no_such_kind" in capsys.readouterr().err


# -- what a trial notices ----------------------------------------------------------------------


def trained(attempt: Attempt, rate: float = 0.1) -> None:
    import keras

    x = np.random.default_rng(1).normal(size=(16, 5)).astype(np.float32)
    layers = [keras.layers.Dense(4, activation="relu"), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile(keras.optimizers.SGD(rate), "mse")
    callbacks = attempt.callbacks(model, x[:4])
    model.fit(x, x[:, :3], batch_size=8, verbose=0, callbacks=callbacks)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Attempt:
    attempt = Attempt(tmp_path_factory.mktemp("trial"), is_recorded=True)
    trained(attempt)
    return attempt


def seen_otherwise(attempt: Attempt) -> tuple[Run, Seen]:
    """What was seen, to be spoiled by a test."""
    (seen,) = attempt.seen
    moments = {
        step: {part: [value.copy() for value in weights] for part, weights in parts.items()}
        for step, parts in seen.moments.items()
    }
    return open_run(attempt.runs[0]), Seen(seen.models, dict(seen.inputs), moments)


@pytest.mark.slow
def test_nothing_is_wrong_with_a_plain_training(recorded: Attempt) -> None:
    from benchmarks.trainings import comparison
    from benchmarks.trainings.pages import page_problems

    run, seen = seen_otherwise(recorded)
    assert list(comparison.step_problems(run, seen)) == []
    assert list(comparison.weight_problems(run, "", seen)) == []
    assert list(comparison.activation_problems(run, "", seen, 1e-5, (0, 2))) == []
    assert list(page_problems(open_run(recorded.runs[0]))) == []


@pytest.mark.slow
def test_a_weight_of_another_value_is_noticed(recorded: Attempt) -> None:
    from benchmarks.trainings import comparison

    run, seen = seen_otherwise(recorded)
    kernel = seen.moments[1][""][0]
    kernel[0, 0] = np.nextafter(kernel[0, 0], np.float32(9))
    said = list(comparison.weight_problems(run, "", seen))
    assert [text.endswith("are recorded nowhere") for text in said] == [True, False]
    assert re.fullmatch(r"dense(_\d+)?/kernel has the values of no variable", said[1])


@pytest.mark.slow
def test_activations_of_other_weights_are_noticed(recorded: Attempt) -> None:
    from benchmarks.trainings import comparison

    run, seen = seen_otherwise(recorded)
    seen.moments[1][""][-1] += 0.001  # the bias of the last layer
    (said,) = comparison.activation_problems(run, "", seen, 1e-5, (1,))
    assert re.match(r"dense_\d+ differs from Keras's by", said)


@pytest.mark.slow
def test_steps_that_are_missing_or_never_were_are_noticed(recorded: Attempt) -> None:
    from benchmarks.trainings import comparison

    run, seen = seen_otherwise(recorded)
    seen.moments[3] = seen.moments.pop(2)
    assert list(comparison.step_problems(run, seen)) == [
        "steps [3] were not recorded",
        "steps [2] were recorded, but never were",
    ]


@pytest.mark.slow
def test_a_card_that_fails_is_noticed(recorded: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.trainings.pages import page_problems

    def broken(*_: object) -> None:
        raise ValueError("a bad day")

    monkeypatch.setattr(DenseWeights, "draw", broken)
    assert any(
        "ValueError: a bad day" in said for said in page_problems(open_run(recorded.runs[0]))
    )


@pytest.mark.slow
def test_a_recorder_that_changed_the_training_would_be_noticed(tmp_path: Path) -> None:
    changing = Training(lambda attempt: trained(attempt, 0.1 + 1e-6 * attempt.is_recorded), 1e-5)
    said = try_out("changing", changing, tmp_path).problems
    assert any(text.startswith("with the recorder losses differ by up to") for text in said)
    assert "with the recorder weights differ from step 1 on" in said


def test_what_a_kind_raises_is_its_outcome(tmp_path: Path) -> None:
    def failing(_: Attempt) -> None:
        raise RuntimeError("no data")

    outcome = try_out("failing", Training(failing, 1e-5), tmp_path)
    (said,) = outcome.problems
    assert said.startswith("RuntimeError: no data (tests/recorder/test_public_models.py:")
