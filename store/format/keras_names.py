"""Which layers of a Keras model a run names, and how it names their variables.

Nothing here imports Keras: classes are told by the module that they come from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from store.format.names import DATA_TYPES

# Keras puts the variables of recurrent layers into a cell, to which it gives the name itself.
_CELL = re.compile(r"_cells?(_\d+)?$")


def is_keras_class(cls: type) -> bool:
    """Whether a class comes with Keras itself."""
    return cls.__module__.split(".")[0] == "keras"


def is_model(layer: Any) -> bool:
    """Whether a layer is a model: a container, looked into and not recorded itself."""
    return any(cls.__name__ == "Model" and is_keras_class(cls) for cls in type(layer).__mro__)


def is_leaf(layer: Any) -> bool:
    """Whether a layer is recorded as one, whatever it holds: Keras's own layers are."""
    return is_keras_class(type(layer)) and not is_model(layer)


def is_recorded_type(dtype: str) -> bool:
    """Whether values of a data type of TensorFlow are recorded: those of numbers are."""
    return dtype in DATA_TYPES or dtype.startswith(("bfloat16", "float8"))


def weight_names(paths: Sequence[str]) -> list[str]:
    """Shorten variable paths to what tells them apart within their layer.

    Examples
    --------
    >>> weight_names(["net/lstm/lstm_cell/kernel", "net/lstm/lstm_cell/bias"])
    ['kernel', 'bias']
    >>> weight_names(["bi/forward_rnn/rnn_cell/kernel", "bi/backward_rnn/rnn_cell/kernel"])
    ['forward_rnn.kernel', 'backward_rnn.kernel']
    """
    parts = [path.split("/") for path in paths]
    last = [part[-1] for part in parts]
    if len(set(last)) == len(last):
        return last
    shared = 0
    while len({part[shared] for part in parts if len(part) > shared + 1}) == 1 and all(
        len(part) > shared + 1 for part in parts
    ):
        shared += 1
    relative = [part[shared:] for part in parts]
    without_cells = [
        ".".join([*(name for name in part[:-1] if not _CELL.search(name)), part[-1]])
        for part in relative
    ]
    if len(set(without_cells)) == len(without_cells):
        return without_cells
    return [".".join(part) for part in relative]
