"""One sentence's way through a text network, layer by layer, aligned by its tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.data.explained import explained_class, most_probable
from explorer.data.recurrent import RecurrentLayer, limits_of, quantity_of
from explorer.data.run import RunData
from explorer.data.texts import Texts, place_spans, texts_of
from explorer.data.writing import NextTokenNetwork
from explorer.derived.network.contributions import class_gradients
from explorer.derived.network.joint import Column, columns_of
from explorer.derived.predictions.reading import OutputReading
from explorer.derived.recurrent.equations import States
from explorer.derived.texts.alignment import Window, window_of
from explorer.derived.texts.ngrams import pool_switches
from explorer.derived.texts.sentence import Places, at_place, last_read
from explorer.derived.texts.words import own_tokens, visible
from explorer.derived.time.frames import Limits
from store import Layer
from store.format.names import UNIT_DIM, activation_path

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Kind = Literal["places", "states", "pooled", "units", "classes", "class places"]

MAXIMUM = "MaxPooling1D"
GLOBAL = ("GlobalMaxPooling1D", "GlobalAveragePooling1D")
# What the colours of a layer without gates stand for.
OUTPUT = "output"


@dataclass(frozen=True)
class Band:
    """What is shown of one layer, or of one direction of a recurrent one.

    Attributes
    ----------
    column : Column
        The layers that are shown as one.
    layer : Layer
        The one whose units these are.
    kind : {"places", "states", "pooled", "units", "classes", "class places"}
        Outputs at places; states of a recurrent layer at them; what each place adds through a
        pooling of all of them; numbers without places; the classes; the classes at each place.
    units : ndarray (unit,), int64
        Units of the layer's output that belong here.
    places : Places or None
        Where its places stand; None if it has none.
    spans : ndarray (place, 2) or None
        Tokens that each of its places sees.
    way : str
        Direction of a recurrent layer.
    window : Window or None
        Of a pooling of neighbours that keeps the greatest.
    taken, taken_places : str, Places or None
        The layer that such a pooling takes, and where its places stand.
    """

    column: Column
    layer: Layer
    kind: Kind
    units: Ints
    places: Places | None = None
    spans: Ints | None = None
    way: str = ""
    window: Window | None = None
    taken: str = ""
    taken_places: Places | None = None


@dataclass(frozen=True)
class Frame:
    """What every band shows at one step.

    Attributes
    ----------
    values : dict of str to ndarray (place, unit) or (unit,)
        By quantity: ``output``, or the states and gates; probabilities of the classes.
    parts : ndarray (place, unit) or (unit,)
        What is added to the explained class; of the classes nothing, they have their values.
    kept : ndarray (place, unit), int64, or None
        Of a band with a window: the place from which each value was taken.
    """

    values: dict[str, Array]
    parts: Array | None = None
    kept: Array | None = None


class Sentence:
    """Reads one probe's way through a text network at any recorded step.

    Parameters
    ----------
    data : RunData
        The run.
    probe, target : int
        Followed probe, and the class to explain, see `target`.

    Attributes
    ----------
    target : int
        Number of the explained class. If it is not one of the classes, the true one is explained;
        of a network that writes on, the token that it expects at the last step.

    Raises
    ------
    NotDerivableError
        A layer cannot be followed.
    """

    def __init__(self, data: RunData, probe: int, target: int) -> None:
        texts = texts_of(data)
        assert texts is not None
        self.data, self.probe = data, probe
        self.texts: Texts = texts
        self.text = texts.span(probe)
        self.output = data.run.outputs[0]
        self.left_out: list[str] = []
        self.target = self._target(target)
        self.bands = self._bands()

    # -- what there is -----------------------------------------------------------------------

    @property
    def words(self) -> list[str]:
        """Words of the text without its padding, all of them visible."""
        return visible(self.texts.names(self.texts.of(self.probe)))

    @property
    def padded(self) -> tuple[int, int]:
        """Tokens of padding before the text, and after it."""
        return self.text[0], self.texts.ids.shape[1] - self.text[1]

    @cached_property
    def next_token_network(self) -> NextTokenNetwork | None:
        """The network as one that predicts the next token; None if it does not."""
        return NextTokenNetwork.of(self.data)

    @property
    def reading(self) -> OutputReading | None:
        """How the output is read as classes; None if it cannot be."""
        return self.data.reading or (
            self.next_token_network.reading if self.next_token_network else None
        )

    @cached_property
    def class_names(self) -> list[str]:
        """Name of each class: the tokens, if the network predicts the next one."""
        if self.data.reading is not None or self.next_token_network is None:
            return self.data.class_names
        return visible(self.texts.names(range(self.next_token_network.reading.classes)))

    @property
    def last(self) -> int | None:
        """The place whose output is explained, that of the last token; None: there is only one."""
        return None if self.data.reading is not None else self.text[1] - 1

    def _bands(self) -> list[Band]:
        layers = self.data.run.layers
        shown = [
            (name, layer.kind, layer.output_shape)
            for name, layer in layers.items()
            if layer.has_activation and layer.kind != "input"
        ]
        bands = []
        for column in columns_of(shown, self.data.network.followers):
            found = self._bands_of(column)
            bands += found
            if not found:
                self.left_out.append(column.core)
        return bands

    def _bands_of(self, column: Column) -> list[Band]:
        layer, core = self.data.run.layers[column.layer], self.data.run.layers[column.core]
        units = np.arange(self.data.units(column.layer))
        if core.kind == "recurrent":
            states = self._states_of(column, core)
            if states:
                return states
        dims = {*self.data.run.array(activation_path(layer.name)).dims[2:]}
        if dims == {UNIT_DIM}:
            source = self._source(core)
            if core.class_name in GLOBAL and source is not None:
                spans = place_spans(self.data, source)
                if spans is not None:
                    return [Band(column, layer, "pooled", units, self._places(spans), spans)]
            if self.output not in column.members or self.reading is None:
                return [Band(column, layer, "units", units)]
            # A lone unit tells two classes.
            return [Band(column, layer, "classes", np.arange(self.reading.classes))]
        spans = place_spans(self.data, layer) if dims == {"token", UNIT_DIM} else None
        if spans is None:
            return []
        kind: Kind = "class places" if self.output in column.members else "places"
        band = Band(column, layer, kind, units, self._places(spans), spans)
        source = self._source(core)
        if core.class_name != MAXIMUM or column.layer != core.name or source is None:
            return [band]
        taken_spans = place_spans(self.data, source)
        assert taken_spans is not None  # those of the layer follow from them
        taken = self._places(taken_spans)
        window = window_of(core.class_name, core.config)
        return [replace(band, window=window, taken=source.name, taken_places=taken)]

    def _states_of(self, column: Column, core: Layer) -> list[Band]:
        rnn, source = RecurrentLayer(self.data, core.name), self._source(core)
        spans = None if source is None else place_spans(self.data, source)
        if rnn.fault or spans is None:
            return []
        places = self._places(spans)
        return [
            Band(column, core, "states", rnn.units(way), places, spans, way)
            for way in rnn.directions
        ]

    def _source(self, layer: Layer) -> Layer | None:
        source = None if layer.source is None else self.data.run.layers[layer.source]
        return source if source is not None and source.has_activation else None

    def _places(self, spans: Ints) -> Places:
        count = len(spans)
        each = np.arange(count)
        # A place for each token: also where it sees tokens before it.
        if count == self.texts.ids.shape[1] and bool((spans[:, 0] <= each).all()):
            return Places.of(np.stack([each, each + 1], axis=1), self.text)
        return Places.of(own_tokens(spans), self.text)

    def quantities(self, band: Band) -> dict[str, str]:
        """Name what a band shows: texts by names, the main one first."""
        if band.kind != "states":
            return {OUTPUT: OUTPUT}
        return RecurrentLayer(self.data, band.layer.name).quantities(band.way)

    # -- one step ----------------------------------------------------------------------------

    def _classes(self, output: Array) -> Array:
        reading = self.reading
        assert reading is not None
        at = output[0] if self.last is None else output[0, self.last]
        return reading.probabilities(at)

    def _target(self, chosen: int) -> int:
        if self.data.reading is not None:
            return explained_class(self.data, self.probe, chosen).number
        if 0 <= chosen < len(self.class_names):
            return chosen
        last = len(self.data.run) - 1
        return most_probable(self._classes(self.data.activations(self.output, last, self.probe)))

    def read(self, index: int) -> tuple[Array, list[Frame]]:
        """Read one step: the probability of each class, (class,), and a frame for each band.

        Raises
        ------
        NotDerivableError
            The way back from the class cannot be computed.
        """
        data, layers = self.data, self.data.run.layers
        known = {
            name: data.activations(name, index, self.probe)
            for name, layer in layers.items()
            if layer.has_activation
        }
        known[data.network.inputs[0]] = self.texts.row(self.probe)[None]
        weights = {
            name: data.weights(name, index)
            for name, layer in layers.items()
            # The embedding's table is large, and gradients end at the rows taken from it.
            if layer.weights and layer.kind != "embedding"
        }
        classes = self._classes(known[self.output])
        wanted = [
            name
            for band in self.bands
            if band.kind not in ("classes", "class places")
            for name in {band.layer.name, band.column.core}
        ]
        with np.errstate(all="ignore"):  # of a training that diverged, NaN is shown
            gradients = class_gradients(
                data.network,
                known,
                weights,
                self.output,
                self.target,
                token=self.last,
                wanted=wanted,
            )
            return classes, [
                self._frame(band, index, known, weights, gradients) for band in self.bands
            ]

    def _frame(
        self,
        band: Band,
        index: int,
        known: Mapping[str, Array],
        weights: Mapping[str, Mapping[str, Array]],
        gradients: Mapping[str, Array],
    ) -> Frame:
        name = band.layer.name
        if band.kind == "states":
            return self._state_frame(band, index, gradients.get(name))
        values = np.asarray(known[name], np.float32)
        if band.kind in ("classes", "class places"):
            assert self.reading is not None
            return Frame({OUTPUT: self.reading.probabilities(values[0])})
        gradient = gradients.get(name, np.zeros_like(values))
        if band.kind == "pooled":
            network, core = self.data.network, band.column.core
            call = network.call(core, known, weights)
            # What passes through the pooling, place by place: its gradient there times its value.
            passed = network.op(core).backward(call, gradients.get(core, gradient))[0]
            parts = np.asarray(np.where(passed == 0, 0, passed * call.x))[0]
            return Frame({OUTPUT: values[0]}, parts)
        kept = None
        if band.window is not None:
            taken = known[band.taken]
            kept = pool_switches(taken, band.window)[0]
        return Frame({OUTPUT: values[0]}, np.asarray(values * gradient)[0], kept)

    def _state_frame(self, band: Band, index: int, gradient: Array | None) -> Frame:
        rnn = RecurrentLayer(self.data, band.layer.name)
        found = rnn.states(index, self.probe)
        values = {name: quantity_of(found[band.way], name)[0] for name in rnn.quantities(band.way)}
        if gradient is None:
            return Frame(values, np.zeros_like(values["hidden"]))
        mask = rnn.mask(index, self.probe)
        read = None if mask is None else mask[0]
        parts = direction_parts(rnn, band.way, found, gradient, read)
        return Frame(values, parts)

    # -- what holds at every step ------------------------------------------------------------

    def limits(self, band: Band, quantity: str) -> Limits:
        """Give the ends of a band's colours, or of its bars, for every step."""
        if band.kind == "states":
            rnn = RecurrentLayer(self.data, band.layer.name)
            return limits_of(rnn, band.way, quantity, self.probe)
        if band.kind in ("classes", "class places"):
            return Limits(0.0, 1.0, signed=False)
        # The maximum of a window is one of its inputs; of NaN alone TensorFlow gives -3e38.
        return self.data.limits(band.taken or band.layer.name, self.probe)


def direction_parts(
    rnn: RecurrentLayer,
    way: str,
    found: Mapping[str, States],
    gradient: Array,
    read: Array | None,
) -> Array:
    """Give what each state of one direction adds to a class, by the gradient at the output.

    Parameters
    ----------
    rnn : RecurrentLayer
        The layer.
    way : str
        The direction.
    found : mapping of str to States
        States of one probe in every direction.
    gradient : ndarray (1, place, unit) or (1, unit)
        Gradient of the class's logit at the layer's output.
    read : ndarray of bool (place,) or None
        The mask that the layer obeyed.

    Returns
    -------
    ndarray (place, unit)
        Directions that are joined, summed or averaged add up to output × gradient. Of a product,
        each has the whole of it. A layer that gives its last state adds through it alone.
    """
    own, config = found[way], rnn.config
    is_sequence = gradient.ndim == 3
    is_both = rnn.class_name == "Bidirectional"
    states = own.hidden[0] if is_sequence else own.final[0]
    at_output = gradient[0]
    if is_both and config.get("merge_mode") == "concat":
        at_output = at_output[..., rnn.units(way)]
    elif is_both and config.get("merge_mode") == "ave":
        at_output = at_output / 2
    elif is_both and config.get("merge_mode") == "mul":
        other = found["backward" if way == "forward" else "forward"]
        states = states * (other.hidden[0] if is_sequence else other.final[0])
    elif not is_both and is_sequence and way == "backward":
        at_output = at_output[::-1]
    parts = np.asarray(states * at_output, np.float32)
    count = own.hidden.shape[1]
    if not is_sequence:
        backwards = way == "backward"
        return at_place(parts, last_read(read, count, backwards=backwards), count)
    is_zeroed = is_both or config.get("zero_output_for_mask")
    return np.where(read[:, None], parts, 0) if is_zeroed and read is not None else parts
