"""Ctrl-C, SIGTERM and errors, in processes of their own: the run is always closed sound."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from recorder.termination import Termination
from store import open_run
from store.verify import verify

ROOT = Path(__file__).parents[2]
STEPS = 6

# A training that says when it has recorded some steps, and then waits to be ended.
PROGRAM = """
    import os, signal, sys, time
    import keras
    from recorder import Probe, Recorder, every_n_steps
    from tests.recorder.networks import compiled, conv_model, images

    {before}

    class Wait(keras.callbacks.Callback):
        seen = 0

        def on_train_batch_end(self, batch, logs=None):
            self.seen += 1
            if self.seen == {steps}:
                print("ready", flush=True)
                deadline = time.monotonic() + 60
                while not os.environ.get("GO_ON") and time.monotonic() < deadline:
                    time.sleep(0.01)

    x, y = images()
    recorder = Recorder(sys.argv[1], Probe(x[:2]), schedule=every_n_steps(1))
    model = compiled(conv_model)
    model.fit(x, y, batch_size=4, verbose=0, callbacks=[recorder, Wait()])
    {after}
"""


def interrupted(path: Path, number: int, *, before: str = "", after: str = "") -> Any:
    """Run the program, send it a signal when it is ready; give its end and what it said."""
    program = textwrap.dedent(PROGRAM).format(
        before=textwrap.dedent(before), after=textwrap.dedent(after), steps=STEPS
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.stderr and process.stderr.read()
        process.send_signal(number)
        out, error = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, out, error


def assert_sound(path: Path, steps: int = STEPS) -> None:
    run = open_run(path)
    assert list(run.steps) == list(range(steps + 1))
    assert run.metrics["loss"].shape == (steps,)
    assert not (path / ".writer.lock").exists(), "the run was let go of"
    assert verify(run).findings == ()


def test_ctrl_c(tmp_path: Path) -> None:
    code, _, error = interrupted(tmp_path / "run.zarr", signal.SIGINT)
    assert code in (1, -signal.SIGINT)
    assert "KeyboardInterrupt" in error
    assert_sound(tmp_path / "run.zarr")
    assert open_run(tmp_path / "run.zarr").finished is None


def test_sigterm_ends_the_process_as_without_the_recorder(tmp_path: Path) -> None:
    code, *_ = interrupted(tmp_path / "run.zarr", signal.SIGTERM)
    assert code == -signal.SIGTERM
    assert_sound(tmp_path / "run.zarr")
    assert open_run(tmp_path / "run.zarr").finished is None


def test_sigterm_is_handed_on_to_a_handler_that_lets_the_training_end(tmp_path: Path) -> None:
    before = """
        def handler(number, frame):
            print("handled", flush=True)
            os.environ["GO_ON"] = "1"
        signal.signal(signal.SIGTERM, handler)
        """.replace("\n        ", "\n")
    after = "print(signal.getsignal(signal.SIGTERM) is handler)"
    path = tmp_path / "run.zarr"
    code, out, error = interrupted(path, signal.SIGTERM, before=before, after=after)
    assert code == 0, error
    assert out.split() == ["handled", "True"]
    assert_sound(path, 8)
    assert open_run(path).finished is not None


def test_sigterm_by_a_handler_that_exits(tmp_path: Path) -> None:
    before = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))"
    code, *_ = interrupted(tmp_path / "run.zarr", signal.SIGTERM, before=before)
    assert code == 3
    assert_sound(tmp_path / "run.zarr")


class Run:
    """Notes what is done to it."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def flush(self) -> None:
        self.log.append(f"flush {self.name}")

    def close(self, *, finished: bool) -> None:
        self.log.append(f"close {self.name} {finished}")


@pytest.fixture
def log() -> Any:
    """What happens, with a handler of SIGTERM that notes that it was called."""
    entries: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda *_: entries.append("handler"))
    yield entries
    signal.signal(signal.SIGTERM, before)


def protected(name: str, log: list[str]) -> Termination:
    termination = Termination()
    termination.protect(Run(name, log))
    return termination


def test_two_recorders_are_told_and_put_back_in_any_order(log: list[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    first, second = protected("a", log), protected("b", log)
    os.kill(os.getpid(), signal.SIGTERM)
    assert log == ["flush b", "flush a", "handler"]
    first.remove()
    os.kill(os.getpid(), signal.SIGTERM)
    assert log[3:] == ["flush b", "handler"]
    second.remove()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_waits_while_the_recorder_is_at_work(log: list[str]) -> None:
    termination = protected("a", log)
    with termination.deferred():
        with termination.deferred():
            os.kill(os.getpid(), signal.SIGTERM)
        assert log == []
    assert log == ["flush a", "handler"]
    termination.remove()


def test_other_threads_and_ignored_signals_are_let_be(log: list[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=lambda: protected("a", log).remove())
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    protected("a", log).remove()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_a_handler_that_was_set_later_stays(log: list[str]) -> None:
    termination = protected("a", log)

    def later(*_: object) -> None:
        log.append("later")

    signal.signal(signal.SIGTERM, later)
    termination.remove()
    assert signal.getsignal(signal.SIGTERM) is later
