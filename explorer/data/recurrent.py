"""States and gates of a run's recurrent layers, derived in one place for every view of them."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.absence import RECORD_WEIGHTS, Absence, Lack, Unfit
from explorer.data.repeated import agrees, looks
from explorer.data.run import SAMPLES, RunData
from explorer.data.texts import FILLER, PADDINGS
from explorer.data.windows import token_windows
from explorer.derived.recurrent.equations import (
    GATES,
    Cell,
    Direction,
    NotDerivableError,
    States,
    Weights,
    layer_output,
    layer_states,
    parts,
    token_mask,
)
from explorer.derived.recurrent.gates import split_gates
from explorer.derived.recurrent.quantities import quantities, range_of
from explorer.derived.texts.alignment import text_spans
from explorer.derived.texts.words import Text, is_spelled, position_words, vocabulary_words
from explorer.derived.time.frames import Limits, robust_limits, sample_indices
from explorer.derived.time.headway import counted
from explorer.derived.time.sampling import Sampling
from store import Layer
from store.format.names import UNIT_DIM, Array, activation_path
from store.reading.cache import Arrays, ByteCache

Values = dict[str, dict[str, Array]]


# States of the last steps on screen, which several views ask for: 32 MiB.
STATES_BYTES = 32 * 1024 * 1024
# Histories of the last selected probes, in memory: computing one is faster than reading a file.
HISTORY_BYTES = 64 * 1024 * 1024
# Values of one history, as float32: 16 MiB. A longer history leaves out steps.
MOST_VALUES = 2**22
# The direction of states that were not derived: the output, as it was recorded.
RECORDED = "recorded"


class NotRecordedError(NotDerivableError):
    """States cannot be derived from what was recorded; from another recording they could be."""


@dataclass
class _Shared:
    """What all sessions know of a run's recurrent layers."""

    states: ByteCache[Arrays] = field(default_factory=lambda: ByteCache[Arrays](STATES_BYTES))
    history: ByteCache[Arrays] = field(default_factory=lambda: ByteCache[Arrays](HISTORY_BYTES))
    faults: dict[tuple[str, str], Absence | None] = field(default_factory=dict)


_SHARED: weakref.WeakKeyDictionary[RunData, _Shared] = weakref.WeakKeyDictionary()


class RecurrentLayer:
    """One recurrent layer of a run: its inputs, states, gates and outputs, as far as known.

    Parameters
    ----------
    data : RunData
        The run.
    name : str
        A layer of kind ``recurrent``.
    """

    def __init__(self, data: RunData, name: str) -> None:
        self.data, self.name = data, name
        self.layer = data.run.layers[name]
        self.class_name, self.config = plain(self.layer.class_name, self.layer.config)
        self._shared = _SHARED.setdefault(data, _Shared())

    # -- what can be known -------------------------------------------------------------------

    @property
    def fault(self) -> Absence | None:
        """Why the states cannot be derived, a sentence; None: they can."""
        key = (self.data.run.version, self.name)
        if key not in self._shared.faults:
            self._shared.faults[key] = self._fault()
        return self._shared.faults[key]

    @property
    def gives_sequence(self) -> bool:
        """Whether the output was recorded at every token, so that it stands for the states."""
        if not self.layer.has_activation:
            return False
        return {"token", UNIT_DIM} == {*self.data.run.array(activation_path(self.name)).dims[2:]}

    @property
    def limitation(self) -> str:
        """Say in a sentence, with a space before it, that the recorded output stands in."""
        return f" Only the recorded output can be shown. {self.fault}" if self.fault else ""

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """Equations by direction; none if the states cannot be derived."""
        return {} if self.fault else {way: part.cell for way, part in self._parts().items()}

    @property
    def directions(self) -> list[str]:
        """Directions that `states` gives: ``forward``, ``backward``, or `RECORDED` alone."""
        return list(self.cells) or [RECORDED]

    def quantities(self, direction: str) -> dict[str, str]:
        """Name what there is of a direction: texts by the names that `quantity_of` knows."""
        return quantities(self.cells.get(direction))

    def units(self, direction: str) -> npt.NDArray[np.int64]:
        """Give the unit of the layer's output that each unit of a direction goes into: (unit,)."""
        if direction not in self.cells:
            return np.arange(self.data.units(self.name))
        kernels = {way: part.weights.recurrent_kernel for way, part in self._parts().items()}
        is_second = direction == "backward" and self.config.get("merge_mode") == "concat"
        start = len(kernels["forward"]) if is_second else 0
        return np.arange(start, start + len(kernels[direction]))

    def homes(self, unit: int) -> list[tuple[str, int]]:
        """Give the directions, and the unit of each, that a unit of the output is made of."""
        found = []
        for direction in self.directions:
            units = self.units(direction)
            found += [(direction, int(at)) for at in np.flatnonzero(units == unit)]
        return found

    def gates(self, index: int) -> dict[str, dict[str, Weights]]:
        """Give the weights at a recorded step, by direction and gate; see `split_gates`."""
        return split_gates(self.class_name, self.config, self.weights(index))

    # -- its inputs --------------------------------------------------------------------------

    def weights(self, index: int) -> dict[str, Array]:
        """Read the weights at a recorded step, by name: (...) each, as Keras shapes them.

        Of a layer that is called again, those of its first call.
        """
        return self.data.weights(self.data.network.first_call(self.name), index)

    def taken(self, index: int, probe: int | None = None) -> Array:
        """Give what the layer took at a recorded step: (probe, token, in_unit)."""
        return self._values(self.layer.inbound[0], index, probe)

    def mask(self, index: int, probe: int | None = None) -> Array | None:
        """Give the mask that it obeyed at a recorded step: (probe, token) of bool, or None."""
        if self.layer.mask_from is None:
            return None
        maker = self.data.run.layers[self.layer.mask_from]
        source = maker.name if maker.class_name == "Operations" else maker.inbound[0]
        values = self._values(source, index, probe)
        return token_mask(maker.class_name, maker.config, values)

    def _values(self, layer: str, index: int, probe: int | None) -> Array:
        if self.data.run.layers[layer].has_activation:
            return self.data.activations(layer, index, probe)
        is_input = self.data.run.layers[layer].kind == "input"
        if is_input and probe is not None and probe in self.data.tried:
            return self.data.tried.given(probe)[layer]
        inputs = self.data.run.probe.inputs if self.data.run.probe else {}
        given = next(iter(inputs.values())) if len(inputs) == 1 else inputs.get(layer)
        if given is None or self.data.run.layers[layer].kind != "input":
            raise NotRecordedError(
                f"The activation of {layer} was not recorded, and {self.name} needs it. "
                "Record that layer too."
            )
        return np.asarray(given if probe is None else given[probe : probe + 1])

    @property
    def operations(self) -> int:
        """Count the multiplications that all states of one step take, about."""
        shape = self.taken(0, 0).shape
        probes = self.data.run.probe.size if self.data.run.probe else 0
        kernels = [part.weights for part in self._parts().values()]
        sizes = [int(own.kernel.size + own.recurrent_kernel.size) for own in kernels]
        return int(probes * shape[1] * sum(sizes))

    # -- its states --------------------------------------------------------------------------

    def states(self, index: int, probe: int | None = None) -> dict[str, States]:
        """Give states and gates at a recorded step, by direction: (probe, token, unit) each.

        Those of the last steps are kept, for every view. Without a probe, of all of them.
        """
        kept = self._shared.states.get(
            (self.data.run.version, self.name, index, probe),
            lambda: _flat(self.derive(index, probe)),
        )
        return {direction: _unflat(kept, direction) for direction in self.directions}

    def history(self, probe: int) -> tuple[Sampling, Values]:
        """Give the states of one probe over a training; call it in the worker thread.

        Returns
        -------
        sampling : Sampling
            The steps that were looked at.
        values : dict of str to dict of str to ndarray (sampled_step, token, unit), float32
            By direction, then by quantity, as `quantities` names them.
        """
        names = [(way, name) for way in self.directions for name in self.quantities(way)]
        sampling = self.sampling(probe)

        def make() -> dict[str, Array]:
            kept: dict[str, list[Array]] = {f"{way} {name}": [] for way, name in names}
            for index in counted(sampling.indices):
                found = self.derive(index, probe)
                for way, name in names:
                    kept[f"{way} {name}"].append(quantity_of(found[way], name)[0])
            return {name: np.stack(rows).astype(np.float32) for name, rows in kept.items()}

        made = self._shared.history.get((self.data.run.version, self.name, probe), make)
        return sampling, {
            way: {name: made[f"{way} {name}"] for name in self.quantities(way)}
            for way in self.directions
        }

    def sampling(self, probe: int) -> Sampling:
        """Give the steps at which `history` looks."""
        tokens = len(self.text(probe).words)
        each = sum(len(self.quantities(way)) * len(self.units(way)) for way in self.directions)
        return Sampling.of(len(self.data.run), MOST_VALUES // max(1, tokens * each))

    def text(self, probe: int) -> Text:
        """Give the words at the layer's positions, for one probe."""
        last, source, mask = max(0, len(self.data.run) - 1), self.layer, None
        if self.cells:
            source, mask = self.data.run.layers[self.layer.inbound[0]], self.mask(last, probe)
        count = self._values(source.name, last, probe).shape[1]
        row, known = self.data.probe_input(probe), self.data.run.probe
        spans = token_windows(self.data, source)
        if row is None or known is None or known.kind != "text" or spans is None:
            numbers = [str(position) for position in range(count)]
            return Text(numbers, _counted(mask, np.ones(count, bool)), mask is not None)
        names = list(known.vocabulary or [])
        padding = FILLER if mask is None and names and names[0] in PADDINGS else None
        start, end = text_spans(row[None], padding)[0]
        within = (spans[:, 0] < end) & (spans[:, 1] > start)
        separator = "" if is_spelled(names) else " "
        words = vocabulary_words(row, names)
        return Text(
            position_words(words, spans, separator),
            _counted(mask, within),
            mask is not None,
            spans,
            separator,
        )

    def in_text(self, index: int) -> npt.NDArray[np.bool_]:
        """Say which places hold any of each text, and are read: (probe, token).

        A layer without a mask reads padding too. What is said of words must not count it.
        """
        known = self.data.run.probe
        texts = [self.text(number).counted for number in range(known.size if known else 0)]
        mask = self.mask(index)
        return np.stack(texts) if mask is None else np.asarray(mask, bool)

    def derive(self, index: int, probe: int | None = None) -> dict[str, States]:
        """Give what `states` gives, without keeping it: for those who look at many steps."""
        if not self.cells:
            output = self.data.activations(self.name, index, probe)
            turned = output[:, ::-1] if self.config.get("go_backwards") else output
            return {RECORDED: States(turned, turned[:, -1])}
        with np.errstate(all="ignore"):  # of a training that diverged, NaN is shown
            return self._computed(index, probe)

    def _computed(self, index: int, probe: int | None) -> dict[str, States]:
        taken, mask = self.taken(index, probe), self.mask(index, probe)
        return layer_states(self.class_name, self.config, self.weights(index), taken, mask)

    def _parts(self) -> dict[str, Direction]:
        # A layer that is called again has no weights of its own.
        return parts_of(self.data.run.layers[self.data.network.first_call(self.name)])

    def _fault(self) -> Absence | None:
        """Say why the states cannot be derived, in the end by trying to; None: they can."""
        if len(self.layer.inbound) != 1:
            return Unfit(
                f"{self.name} takes {len(self.layer.inbound)} inputs; its states can be derived "
                "if it takes one and starts from zero."
            )
        try:
            self._parts()
            for index, probe in looks(self.data):
                with np.errstate(all="ignore"):
                    mask, found = self.mask(index, probe), self._computed(index, probe)
                    output = layer_output(self.class_name, self.config, found, mask)
                if not agrees(self.data, self.name, output, index, probe):
                    return Unfit(
                        f"Started from zero, the equations of {self.class_name} do not give the "
                        f"output that was recorded of {self.name}, so its states are not known."
                    )
        except NotRecordedError as error:
            return Lack(str(error))
        except NotDerivableError as error:
            return Unfit(str(error))
        except (ValueError, IndexError, KeyError):
            return Lack(
                f"The weights of {self.name} do not fit what it takes, as far as both were "
                "recorded. Record every unit."
            )
        return None


def quantity_of(states: States, name: str) -> Array:
    """Give one quantity of some states: ``hidden``, ``cell`` or a gate, (probe, token, unit)."""
    if name == "hidden":
        return states.hidden
    if name == "cell":
        assert states.cell is not None
        return states.cell
    return states.gates[name]


def plain(class_name: str, config: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Rewrite a layer of class ``RNN`` around one of Keras's cells as the layer of that cell.

    Examples
    --------
    >>> cell = {"class_name": "GRUCell", "module": "keras.layers", "config": {"units": 3}}
    >>> plain("RNN", {"cell": cell, "go_backwards": True})[0]
    'GRU'
    """
    if class_name == "Bidirectional":
        inner = {}
        for name in ("layer", "backward_layer"):
            if config.get(name):
                found = plain(config[name]["class_name"], config[name]["config"])
                inner[name] = {**config[name], "class_name": found[0], "config": found[1]}
        return class_name, {**config, **inner}
    cell = config.get("cell") if class_name == "RNN" else None
    if isinstance(cell, Mapping) and str(cell.get("module", "")).startswith("keras"):
        named = str(cell["class_name"]).removesuffix("Cell")
        if named in GATES:
            return named, {**cell["config"], **config}
    return class_name, config


def parts_of(layer: Layer) -> dict[str, Direction]:
    """Give the directions of a layer, with empty weights of the right shapes.

    Raises
    ------
    NotDerivableError
        It is no SimpleRNN, LSTM or GRU, nor one of these in both directions.
    """
    empty = {name: np.broadcast_to(np.float32(0), shape) for name, shape in layer.weights.items()}
    found = plain(layer.class_name, layer.config)
    if found[0] == "RNN":
        raise NotDerivableError(
            f"{layer.name} has a cell of its own, whose equations are not known; those of "
            "SimpleRNN, LSTM and GRU are."
        )
    try:
        return parts(*found, empty)
    except KeyError as error:
        raise NotRecordedError(
            f"The {str(error).strip(chr(39))} of {layer.name} was not recorded. {RECORD_WEIGHTS}"
        ) from None


def _counted(mask: Array | None, within: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    return within if mask is None else np.asarray(mask[0], bool)


def _flat(found: Mapping[str, States]) -> dict[str, Array]:
    """States as arrays by name, for a cache."""
    flat: dict[str, Array] = {}
    for way, states in found.items():
        kept = {"hidden": states.hidden, "final": states.final, **states.gates}
        if states.cell is not None:
            kept["cell"] = states.cell
        flat |= {f"{way} {name}": values for name, values in kept.items()}
    return flat


def _unflat(flat: Mapping[str, Array], way: str) -> States:
    kept = {name.removeprefix(f"{way} "): flat[name] for name in flat if name.startswith(f"{way} ")}
    hidden, final, cell = kept.pop("hidden"), kept.pop("final"), kept.pop("cell", None)
    return States(hidden, final, cell, kept)


def limits_of(layer: RecurrentLayer, way: str, name: str, probe: int) -> Limits:
    """Give the ends of a quantity's colours, for every step.

    Those of a gate are shut and open. A state rarely comes near its bounds: its ends are what it
    reaches in some of the steps.
    """
    bounds = range_of(layer.cells.get(way), name)
    if bounds is not None and not bounds.signed:
        return bounds
    measure = partial(_reached, way, name)
    limits = layer.data.common_limits(f"{way} {name}", layer.name, measure, probe)
    assert limits is not None  # the layer has that quantity
    return limits


def _reached(way: str, name: str, data: RunData, layer: str, probe: int | None) -> Limits | None:
    """Measure a quantity at some steps; None for a layer that does not have it."""
    if data.run.layers[layer].kind != "recurrent" or not len(data.run):
        return None
    held = RecurrentLayer(data, layer)
    is_known = held.fault is None or held.layer.has_activation
    if not is_known or way not in held.directions or name not in held.quantities(way):
        return None
    indices = sample_indices(len(data.run), SAMPLES)
    return robust_limits(quantity_of(held.states(index, probe)[way], name) for index in indices)
