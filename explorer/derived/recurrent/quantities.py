"""Names of the states and gates of recurrent layers, and the limits of their values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.recurrent.equations import Cell
from explorer.derived.time.frames import Limits
from explorer.derived.time.sampling import Sampling

Array = npt.NDArray[Any]


# States that each cell carries from token to token, and its gates.
KEPT = {"SimpleRNN": ("hidden",), "LSTM": ("hidden", "cell"), "GRU": ("hidden",)}
GATES = {
    "SimpleRNN": (),
    "LSTM": ("input", "forget", "candidate", "output"),
    "GRU": ("update", "reset", "candidate"),
}
TITLES = {
    "hidden": "hidden state",
    "cell": "cell state",
    "candidate": "candidate",
    **{name: f"{name} gate" for name in ("input", "forget", "output", "update", "reset")},
}
SIGNED, SHARE = Limits(-1.0, 1.0, signed=True), Limits(0.0, 1.0, signed=False)
# Values that a function cannot leave.
_RANGES = {"tanh": SIGNED, "softsign": SIGNED, "sigmoid": SHARE, "hard_sigmoid": SHARE}


def quantities(cell: Cell | None) -> dict[str, str]:
    """Name what a layer holds at each token: texts by names.

    Parameters
    ----------
    cell : Cell or None
        Its equations; None if they are not known, and only its output is.
    """
    if cell is None:
        return {"hidden": "recorded output"}
    return {name: TITLES[name] for name in (*KEPT[cell.kind], *GATES[cell.kind])}


def is_gate(quantity: str) -> bool:
    """Whether a quantity is a gate that opens and shuts; a candidate is none."""
    return quantity not in ("hidden", "cell", "candidate")


def range_of(cell: Cell | None, quantity: str) -> Limits | None:
    """Give the values that a quantity cannot leave; None if there are no such bounds.

    Parameters
    ----------
    cell : Cell or None
        Equations of the layer, if they are known.
    quantity : str
        As `quantities` names it.
    """
    if cell is None or quantity == "cell":
        return None
    gates = _RANGES.get(cell.recurrent_activation)
    if is_gate(quantity):
        return gates
    is_gated = quantity == "hidden" and cell.kind != "SimpleRNN"
    # Gates from 0 to 1 keep a state within what the candidate can be.
    return None if is_gated and gates is not SHARE else _RANGES.get(cell.activation)


@dataclass(frozen=True)
class Openness:
    """How far each gate of each unit is open, over all tokens of all probes.

    Attributes
    ----------
    names : list of str
        The gates; of a SimpleRNN its state, brought from -1 to 1 down to 0 to 1.
    shut, wide, mean : ndarray (step, gate, unit), float32
        Share of the tokens at which it is shut, and wide open; mean.
    sampling : Sampling
        The steps that were looked at.
    """

    names: list[str]
    shut: Array
    wide: Array
    mean: Array
    sampling: Sampling

    @property
    def saturates(self) -> bool:
        """Whether any gate is ever shut or wide open."""
        return bool(max(np.nanmax(self.shut, initial=0), np.nanmax(self.wide, initial=0)) > 0)


def gate_title(name: str) -> str:
    """Text of a gate's button; the lone sum of a SimpleRNN is its state."""
    return TITLES.get(name, name)
