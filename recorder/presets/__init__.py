"""Small, real trainings to record and explore; one preset a module."""

from __future__ import annotations

from recorder.presets import lenet_mnist, lstm_reviews
from recorder.presets.preset import Data, Preset, split

PRESETS: dict[str, Preset] = {
    preset.name: preset for preset in (lenet_mnist.PRESET, lstm_reviews.PRESET)
}

__all__ = ["PRESETS", "Data", "Preset", "split"]
