"""Train a preset and record it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from recorder.presets import PRESETS
from recorder.presets.preset import Data, Preset, evaluations
from recorder.schedule import Schedule
from recorder.startup import without_startup_noise
from store.errors import MissingExtraError, TrainlapseError, did_you_mean

DEMO_EXTRA = 'pip install "trainlapse[demo]"'


class UnknownPresetError(TrainlapseError, KeyError):
    """There is no preset of this name."""


def find_preset(name: str) -> Preset:
    """Look a preset up by name."""
    try:
        return PRESETS[name]
    except KeyError:
        raise UnknownPresetError(
            f"There is no preset {name!r}. {did_you_mean(name, PRESETS)}"
        ) from None


def record_preset(
    name: str,
    path: str | Path,
    *,
    epochs: int | None = None,
    seed: int = 0,
    overwrite: bool = False,
    progress: bool = True,
    schedule: Schedule | None = None,
) -> Path:
    """Train a preset, record it, and give the path of the run.

    Parameters
    ----------
    name : str
        A key of `recorder.presets.PRESETS`.
    path : str or Path
        Directory of the run.
    epochs : int, optional
        Length of the training; by default the preset's own.
    seed : int
        Seed of the initial weights and of the order of the examples.
    overwrite : bool
        Replace a run that is already there.
    progress : bool
        Show a progress bar.
    schedule : Schedule, optional
        Which steps to record; by default the preset's own.

    Raises
    ------
    UnknownPresetError, MissingExtraError, RunExistsError
        Before anything is written.
    """
    preset = find_preset(name)
    with without_startup_noise(), _needs_extra():
        import keras

        from recorder.keras.callback import Recorder
    data = load(preset)
    keras.utils.set_random_seed(seed)
    model = preset.build_model(data)
    epochs = preset.epochs if epochs is None else epochs
    recorder = Recorder(
        path,
        data.probe,
        schedule=preset.schedule if schedule is None else schedule,
        evaluation=evaluations(data, preset.evaluated),
        name=preset.title,
        overwrite=overwrite,
        notes=preset.description,
    )
    callbacks: list[Any] = [recorder]
    updates = epochs * -(-len(data.x_train) // preset.batch_size)
    with tqdm(total=updates, desc=preset.name, unit="step", disable=not progress) as bar:
        callbacks.append(_progress_callback(bar))
        model.fit(
            data.x_train,
            data.y_train,
            batch_size=preset.batch_size,
            epochs=epochs,
            validation_data=(data.x_held_out, data.y_held_out),
            verbose=0,
            callbacks=callbacks,
        )
    if recorder.report.fault is not None:
        raise recorder.report.fault
    return Path(path)


def load(preset: Preset) -> Data:
    """Load a preset's data; say what to install when it is missing."""
    with _needs_extra():
        return preset.load_data()


def _progress_callback(bar: tqdm[Any]) -> Any:
    import keras

    def after_batch(batch: int, logs: dict[str, float] | None) -> None:  # noqa: ARG001
        bar.update()
        if logs:
            bar.set_postfix({name: f"{value:.3f}" for name, value in logs.items()}, refresh=False)

    return keras.callbacks.LambdaCallback(on_train_batch_end=after_batch)


@contextlib.contextmanager
def _needs_extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"This preset needs the package {error.name!r}, which is not installed. "
            f"Install what the presets need: {DEMO_EXTRA}"
        ) from error
