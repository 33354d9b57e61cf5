"""Which probes two runs share: the same inputs, whatever their numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.compare.probes import shared_probes
from store.format.spec import ProbeSpec
from store.testing import image_run_spec, text_run_spec

IMAGES = image_run_spec().probe
TEXTS = text_run_spec().probe


def taken(probe: ProbeSpec, numbers) -> ProbeSpec:
    """Some of the probes, in an order."""
    inputs = {name: values[list(numbers)] for name, values in probe.inputs.items()}
    texts = [probe.texts[n] for n in numbers] if probe.texts else None
    labels = None if probe.labels is None else probe.labels[list(numbers)]
    return dataclasses.replace(probe, inputs=inputs, texts=texts, labels=labels)


def test_one_fingerprint_shares_all():
    found = shared_probes(IMAGES, image_run_spec().probe)
    np.testing.assert_array_equal(found.first, np.arange(IMAGES.size))
    np.testing.assert_array_equal(found.second, np.arange(IMAGES.size))
    assert found.sentence == ""


@given(st.permutations(range(6)), st.integers(1, 6))
def test_shared_inputs_are_found_wherever_they_are(order, count):
    found = shared_probes(IMAGES, taken(IMAGES, order[:count]))
    assert {int(a): int(b) for a, b in zip(found.first, found.second, strict=True)} == {
        number: place for place, number in enumerate(order[:count])
    }
    for number in range(6):
        place = order.index(number)
        assert found.to_second(number) == (place if place < count else None)
        if place < count:
            assert found.to_first(place) == number
    assert (f"Only {count} of the 6 probes of A" in found.sentence) == (count < 6)


def test_what_differs_in_one_value_or_in_type_is_not_shared():
    inputs = {name: np.array(values) for name, values in IMAGES.inputs.items()}
    next(iter(inputs.values()))[2].flat[0] += 1e-3
    found = shared_probes(IMAGES, dataclasses.replace(IMAGES, inputs=inputs))
    assert found.first.tolist() == [0, 1, 3, 4, 5]
    wider = {name: values.astype(np.float64) for name, values in IMAGES.inputs.items()}
    assert len(shared_probes(IMAGES, dataclasses.replace(IMAGES, inputs=wider))) == 0


def test_texts_are_told_by_their_words_not_by_their_numbers():
    words = list(TEXTS.vocabulary)
    words[2], words[3] = words[3], words[2]
    other = dataclasses.replace(TEXTS, vocabulary=words, texts=[TEXTS.texts[1], "quite another"])
    found = shared_probes(TEXTS, other)
    assert (found.first.tolist(), found.second.tolist()) == ([1], [0])


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (None, IMAGES, "One of the runs has no"),
        (IMAGES, None, "One of the runs has no"),
        (None, None, "Neither run has"),
        (IMAGES, TEXTS, "no probe in common"),
    ],
)
def test_without_a_shared_probe_a_sentence_says_so(first, second, said):
    found = shared_probes(first, second)
    assert len(found) == 0
    assert said in found.sentence
    assert found.to_second(0) is None
