"""What is known of a training by counting, against counts written out by hand."""

from __future__ import annotations

import pytest

from recorder.keras.counting import BatchMetrics, RunningMeans


def names(means: RunningMeans, samples: float, **counts: float) -> set[str]:
    found = means.now(samples, counts)
    assert found is not None
    assert found.samples == samples
    return set(found.names)


def test_a_mean_counts_each_sample_as_often_as_every_other() -> None:
    means = RunningMeans()
    assert names(means, 32, loss=32, tokens=1280, weighted=31.5) == {"loss", "tokens"}
    assert names(means, 64, loss=64, tokens=2560, weighted=64) == {"loss", "tokens"}
    # Masked from here on: whole numbers again, but not the same for each sample.
    assert names(means, 96, loss=96, tokens=2592, weighted=96) == {"loss"}
    means.begin_epoch()
    assert names(means, 32, loss=32, tokens=1280, weighted=32) == {"loss", "tokens", "weighted"}


def test_a_mask_that_leaves_a_whole_number_by_chance_is_seen_at_the_next_batch() -> None:
    means = RunningMeans()
    assert names(means, 4, accuracy=8) == {"accuracy"}
    assert names(means, 8, accuracy=17) == set()


def test_an_epoch_that_nobody_could_tell_from_the_one_before_is_left_out() -> None:
    """Epochs of one batch, of more samples than the last: they would seem to go on."""
    means = RunningMeans()
    found = []
    for epoch in ((8, 16), (8,), (12, 24), (9,), (8, 20)):
        means.begin_epoch()
        for samples in epoch:
            now = means.now(samples, {"loss": samples})
            found.append(None if now is None else now.samples)
    assert found == [8, 16, 8, None, None, None, 8, 20]


def test_nothing_is_known_without_samples() -> None:
    means = RunningMeans()
    assert means.now(None, {"loss": 3}) is None
    means.begin_epoch()
    assert names(means, 0, loss=0) == set()


def test_metrics_of_a_batch_by_what_they_have_counted() -> None:
    metrics = BatchMetrics()
    assert metrics.alone({"loss": 4.0, "root": 2.0}, {"loss": 2.0}) == {"loss": 4.0, "root": 2.0}
    # (3 x 4 - 4 x 2) / 2, with a batch of another size: (2.5 x 5 - 3 x 4) / 1
    assert metrics.alone({"loss": 3.0, "root": 1.0}, {"loss": 4.0}) == {"loss": 2.0, "root": 1.0}
    assert metrics.alone({"loss": 2.5}, {"loss": 5.0})["loss"] == pytest.approx(0.5)
    assert metrics.alone({"loss": 9.0}, {"loss": 2.0}) == {"loss": 9.0}, "a new epoch"
