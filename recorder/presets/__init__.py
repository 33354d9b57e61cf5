"""Small, real trainings to record and explore; one preset a module."""

from __future__ import annotations

from recorder.presets import (
    alexnet_mnist,
    autoencoder_mnist,
    bilstm_reviews,
    charnn,
    convlstm_reviews,
    gpt_chars,
    gru_reviews,
    lenet_mnist,
    lstm_reviews,
    resnet_mnist,
    simplernn_reviews,
    tags_mnist,
    unet_mnist,
    vit_mnist,
)
from recorder.presets.preset import Data, Preset, split

PRESETS: dict[str, Preset] = {
    module.PRESET.name: module.PRESET
    for module in (
        lenet_mnist,
        alexnet_mnist,
        resnet_mnist,
        vit_mnist,
        autoencoder_mnist,
        unet_mnist,
        tags_mnist,
        simplernn_reviews,
        lstm_reviews,
        gru_reviews,
        bilstm_reviews,
        convlstm_reviews,
        charnn,
        gpt_chars,
    )
}

__all__ = ["PRESETS", "Data", "Preset", "split"]
