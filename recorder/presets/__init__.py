"""Small, real trainings to record and explore; one preset a module."""

from __future__ import annotations

from recorder.presets import (
    alexnet_mnist,
    bilstm_reviews,
    charnn,
    convlstm_reviews,
    gru_reviews,
    lenet_mnist,
    lstm_reviews,
    simplernn_reviews,
)
from recorder.presets.preset import Data, Preset, split

PRESETS: dict[str, Preset] = {
    module.PRESET.name: module.PRESET
    for module in (
        lenet_mnist,
        alexnet_mnist,
        simplernn_reviews,
        lstm_reviews,
        gru_reviews,
        bilstm_reviews,
        convlstm_reviews,
        charnn,
    )
}

__all__ = ["PRESETS", "Data", "Preset", "split"]
