"""A recorded step as a checkpoint: a model with its weights, and its optimizer's configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from explorer.at_step.keras.building import build
from explorer.at_step.keras.trusted import check_trusted
from explorer.at_step.weights import Held
from explorer.data.run import RunData
from store.errors import SpecError

# No option of an optimizer counts anything that takes memory.
LARGEST_OPTION = 2**53


def save(data: RunData, custom: Mapping[str, Any], held: Held, path: Path) -> str:
    """Write a .keras file.

    Returns
    -------
    str
        What of the compilation it has, in a sentence.

    Raises
    ------
    SpecError
        The model cannot be built.
    """
    built = build(data, custom)
    built.assign(held.weights)
    said = _compile(built.model, data, custom, held.steps[0])
    built.model.save(path)
    return said


def _compile(model: Any, data: RunData, custom: Mapping[str, Any], step: int) -> str:
    """Give a model the recorded optimizer and loss, where they are Keras's own or the user's."""
    facts = data.run.settings(step)
    optimizer = facts.get("optimizer") or data.run.attributes.get("optimizer")
    if not optimizer:
        return "It is not compiled: the run knows no optimizer."
    options = {key: value for key, value in optimizer.items() if key != "class"}
    config = {
        "module": "keras.optimizers",
        "class_name": optimizer.get("class"),
        "config": options,
        "registered_name": None,
    }
    loss = facts.get("loss") or data.run.attributes.get("loss")
    try:
        made = _made(config, custom)
        compared = _made(loss, custom)
        model.compile(optimizer=made, loss=compared)
    except Exception as error:  # a configuration may hold anything
        said = " ".join(str(error).split())[:200]
        return f"It is not compiled, as the optimizer or loss cannot be made: {said}"
    return f"It has the configuration of {optimizer['class']}, not its moments."


def _made(config: Any, custom: Mapping[str, Any]) -> Any:
    import keras

    if config is None or isinstance(config, str):
        return config
    if isinstance(config, dict) and "class_name" not in config:
        return {key: _made(value, custom) for key, value in config.items()}
    if isinstance(config, list):
        return [_made(value, custom) for value in config]
    if not isinstance(config, dict):
        raise SpecError(f"{config!r} is no configuration.")
    check_trusted(config, custom, LARGEST_OPTION)
    return keras.saving.deserialize_keras_object(
        json.loads(json.dumps(config)), custom_objects=dict(custom), safe_mode=True
    )
