"""Recordings of small networks: with every card that a real one has, each computed in no time."""

from __future__ import annotations

from pathlib import Path

from explorer.data.run import RunData
from explorer.session.session import TAB_OF
from explorer.views.registry import views
from recorder import Evaluation, Probe, Recorder, every_n_steps
from store import Run, open_run
from tests.recorder.networks import NETWORKS, compiled

CLASSES = ("ant", "bee", "cat")
WORDS = ("", "[UNK]", "not", "a", "good", "film", "bad", "one", "is", "this", "no", "more")
# Ten examples of each class and more, among those learned from and among the others.
LEARNED_FROM, HELD_OUT, LOOKED_AT = 96, 96, 48


def record(path: Path, network: str, *, seed: int = 7, epochs: int = 3) -> Run:
    """Train a network of `NETWORKS` for some updates, and record all that can be recorded.

    Parameters
    ----------
    path : Path
        Of the run.
    network : str
        Its name.
    seed : int
        Of its first weights.
    epochs : int
        Length of the training, in fours of updates.
    """
    x, y = NETWORKS[network].data(LEARNED_FROM + HELD_OUT)
    learned, held_out = slice(LEARNED_FROM), slice(LEARNED_FROM, None)
    vocabulary = WORDS if network == "lstm" else None
    recorder = Recorder(
        path,
        Probe.pick(x, y, 5, class_names=CLASSES, vocabulary=vocabulary),
        schedule=every_n_steps(2),
        evaluation=[
            Evaluation(x[held_out], y[held_out], class_names=CLASSES, role="held_out"),
            Evaluation(x[:LOOKED_AT], y[:LOOKED_AT], class_names=CLASSES, role="train"),
        ],
        cost_limit=100.0,  # so short a training warns of it
        name=f"{network} of seed {seed}",
    )
    model = compiled(NETWORKS[network].build, seed=seed, optimizer="adam", metrics=["accuracy"])
    model.fit(
        x[learned],
        y[learned],
        validation_data=(x[held_out], y[held_out]),
        epochs=epochs,
        batch_size=LEARNED_FROM // 4,
        verbose=0,
        callbacks=[recorder],
    )
    assert recorder.report.fault is None
    return open_run(path)


def titles_of(run: Run, layers: set[str]) -> set[str]:
    """Headings of the cards that these layers of a run have, and all that are of no layer."""
    data = RunData(run)
    found = set()
    for region in ("run", *TAB_OF):
        for view in views(region):
            of_a_layer = region in {"stage", "layer"}
            serves = not of_a_layer or any(view.serves(run.layers[name]) for name in layers)
            if view.applies(data) and serves:
                found.add(view.title)
    return found
