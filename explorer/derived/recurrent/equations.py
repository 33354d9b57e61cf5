"""States and gates of a recurrent layer, token by token, computed from weights and inputs.

The equations are those of Keras. Arrays are float, (probe, token, unit) unless said otherwise; the
tokens are always in the order of the sequence, also where a layer reads them backwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import erf, expit

Array = npt.NDArray[Any]
Function = Callable[[Array], Array]


# Keras moved this bound in version 3: hard_sigmoid is relu6(x + 3) / 6.
ACTIVATIONS: dict[str, Function] = {
    "linear": lambda x: x,
    "tanh": np.tanh,
    "sigmoid": expit,
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "relu": lambda x: np.maximum(x, 0),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "softplus": lambda x: np.logaddexp(x, 0),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "silu": lambda x: x * expit(x),
    "gelu": lambda x: x * (1 + erf(x / np.sqrt(2))) / 2,
}
GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}


class NotDerivableError(ValueError):
    """The layer does something that cannot be repeated here; the message says what."""


@dataclass(frozen=True, slots=True)
class States:
    """What a recurrent layer held at each token.

    Attributes
    ----------
    hidden : ndarray (probe, token, unit)
        The state after the token was read, in either direction.
    final : ndarray (probe, unit)
        The hidden state after the last token that was read.
    cell : ndarray (probe, token, unit) or None
        The cell state of an LSTM.
    gates : dict of str to ndarray (probe, token, unit)
        ``input``, ``forget``, ``candidate``, ``output`` of an LSTM; ``update``, ``reset``,
        ``candidate`` of a GRU; none of a SimpleRNN. Where a token is masked they are NaN: nothing
        was computed.
    """

    hidden: Array
    final: Array
    cell: Array | None = None
    gates: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of one recurrent layer, as Keras shapes them.

    Attributes
    ----------
    kernel : ndarray (in_unit, gate_unit)
        What the input is multiplied with.
    recurrent_kernel : ndarray (unit, gate_unit)
        What the state is multiplied with.
    bias : ndarray (gate_unit,), or (2, gate_unit) of a GRU that resets after, or None
        What is added.
    """

    kernel: Array
    recurrent_kernel: Array
    bias: Array | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """How one token changes the state.

    Attributes
    ----------
    kind : {"SimpleRNN", "LSTM", "GRU"}
        Keras class.
    activation, recurrent_activation : str
        Names of Keras's functions.
    reset_after : bool
        Whether a GRU applies its reset gate after the product, as Keras does by default.
    """

    kind: Literal["SimpleRNN", "LSTM", "GRU"]
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    reset_after: bool = True

    def read(
        self, token: Array, state: tuple[Array, ...], weights: Weights
    ) -> tuple[tuple[Array, ...], dict[str, Array]]:
        """Give the state after a token (probe, in_unit), and the gates that led to it."""
        act, gate = _function(self.activation), _function(self.recurrent_activation)
        hidden = state[0]
        inner, outer = self.biases(weights)
        given = token @ weights.kernel + inner
        if self.kind == "SimpleRNN":
            return (act(given + hidden @ weights.recurrent_kernel),), {}
        if self.kind == "LSTM":
            sums = np.split(given + hidden @ weights.recurrent_kernel, 4, axis=-1)
            enter, forget, output = gate(sums[0]), gate(sums[1]), gate(sums[3])
            candidate = act(sums[2])
            cell = forget * state[1] + enter * candidate
            gates = {"input": enter, "forget": forget, "candidate": candidate, "output": output}
            return (output * act(cell), cell), gates
        update, reset, candidate = self._gru(hidden, given, outer, weights, act, gate)
        gates = {"update": update, "reset": reset, "candidate": candidate}
        return (update * hidden + (1 - update) * candidate,), gates

    def biases(self, weights: Weights) -> tuple[Array | float, Array | float]:
        """Give the biases of the input's product and of the state's: (gate_unit,) each, or 0."""
        if weights.bias is None:
            return 0.0, 0.0
        if self.kind == "GRU" and self.reset_after:
            return weights.bias[0], weights.bias[1]
        return weights.bias, 0.0

    def _gru(
        self,
        hidden: Array,
        given: Array,
        outer: Array | float,
        weights: Weights,
        act: Function,
        gate: Function,
    ) -> tuple[Array, Array, Array]:
        from_input = np.split(given, 3, axis=-1)
        units = hidden.shape[-1]
        if self.reset_after:
            recalled = np.split(hidden @ weights.recurrent_kernel + outer, 3, axis=-1)
            update, reset = gate(from_input[0] + recalled[0]), gate(from_input[1] + recalled[1])
            return update, reset, act(from_input[2] + reset * recalled[2])
        both = hidden @ weights.recurrent_kernel[:, : 2 * units]
        update, reset = gate(from_input[0] + both[:, :units]), gate(from_input[1] + both[:, units:])
        last = weights.recurrent_kernel[:, 2 * units :]
        return update, reset, act(from_input[2] + (reset * hidden) @ last)


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction of a recurrent layer; `backwards` if it reads from the last token on."""

    cell: Cell
    weights: Weights
    backwards: bool


def states(
    inputs: Array,
    cell: Cell,
    weights: Weights,
    *,
    mask: Array | None = None,
    backwards: bool = False,
    initial: tuple[Array, ...] | None = None,
) -> States:
    """Run a recurrent layer over its input.

    Parameters
    ----------
    inputs : ndarray (probe, token, in_unit)
        What the layer took.
    cell : Cell
        Its equations.
    weights : Weights
        Its weights at one step.
    mask : ndarray of bool (probe, token), optional
        False: the token is skipped, and the state stays as it was.
    backwards : bool
        Whether the layer reads from the last token to the first.
    initial : tuple of ndarray (probe, unit), optional
        Hidden state, and cell state of an LSTM; zeros by default.
    """
    probes, tokens = inputs.shape[:2]
    units = weights.recurrent_kernel.shape[0]
    count = 2 if cell.kind == "LSTM" else 1
    zeros = np.zeros((probes, units), np.result_type(inputs, weights.kernel))
    state = (zeros,) * count if initial is None else initial
    kept = [np.empty((probes, tokens, units), zeros.dtype) for _ in range(count)]
    gates: dict[str, Array] = {}
    for token in reversed(range(tokens)) if backwards else range(tokens):
        is_read = np.ones((probes, 1), bool) if mask is None else mask[:, token, None].astype(bool)
        after, now = cell.read(inputs[:, token], state, weights)
        state = tuple(np.where(is_read, new, old) for new, old in zip(after, state, strict=True))
        for all_tokens, value in zip(kept, state, strict=True):
            all_tokens[:, token] = value
        for name, value in now.items():
            if name not in gates:
                gates[name] = np.full_like(kept[0], np.nan)
            everywhere = gates[name]
            everywhere[:, token] = np.where(is_read, value, np.nan)
    return States(kept[0], state[0], kept[1] if count == 2 else None, gates)


def layer_states(
    class_name: str,
    config: Mapping[str, Any],
    weights: Mapping[str, Array],
    inputs: Array,
    mask: Array | None = None,
) -> dict[str, States]:
    """Run a recurrent layer as a run describes it.

    Parameters
    ----------
    class_name, config
        Keras class and configuration of the layer.
    weights : mapping of str to ndarray
        Its weights at one step, by their names in the run.
    inputs : ndarray (probe, token, in_unit)
        What the layer took at that step.
    mask : ndarray of bool (probe, token), optional
        The mask that it obeyed; see `token_mask`.

    Returns
    -------
    dict of str to States
        ``forward`` or ``backward``, and of a ``Bidirectional`` layer both.

    Raises
    ------
    NotDerivableError
        It is no SimpleRNN, LSTM or GRU, keeps its state between batches, or has an activation that
        Keras does not name.
    """
    found = parts(class_name, config, weights)
    kept = config["layer"]["config"] if class_name == "Bidirectional" else config
    if kept.get("stateful"):
        raise NotDerivableError(
            "The layer keeps its state from batch to batch, and that state is not in the run."
        )
    return {
        direction: states(inputs, part.cell, part.weights, mask=mask, backwards=part.backwards)
        for direction, part in found.items()
    }


def parts(
    class_name: str, config: Mapping[str, Any], weights: Mapping[str, Array]
) -> dict[str, Direction]:
    """Give the directions of a recurrent layer, under the names that `layer_states` gives them.

    The arguments are those of `layer_states`; the weights may have more dimensions in front, the
    steps for instance. Raises `NotDerivableError` of what is no SimpleRNN, LSTM or GRU.
    """
    if class_name != "Bidirectional":
        backwards = bool(config.get("go_backwards"))
        part = _part(class_name, config, weights, backwards=backwards)
        return {"backward" if backwards else "forward": part}
    forward = config["layer"]
    # Without one of its own, the backward layer is the forward one with the direction turned.
    backward = config.get("backward_layer") or forward
    owned = _directions(weights)
    turned = bool(forward["config"].get("go_backwards"))
    return {
        direction: _part(
            layer["class_name"],
            layer["config"],
            owned[direction],
            backwards=turned != (direction == "backward"),
        )
        for direction, layer in (("forward", forward), ("backward", backward))
    }


def layer_output(
    class_name: str,
    config: Mapping[str, Any],
    found: Mapping[str, States],
    mask: Array | None = None,
) -> Array:
    """Give what Keras returns for these states: the layer's recorded activation.

    Parameters
    ----------
    class_name, config
        As for `layer_states`.
    found : mapping of str to States
        What that gave.
    mask : ndarray of bool (probe, token), optional
        As for `layer_states`.

    Returns
    -------
    ndarray (probe, token, unit) or (probe, unit)
        Of the last token alone, unless the configuration has ``return_sequences``.

    Raises
    ------
    NotDerivableError
        The forward layer of a ``Bidirectional`` reads backwards.
    """
    if class_name != "Bidirectional":
        (direction,) = found.items()
        return _returned(config, direction, mask)
    inner = config["layer"]["config"]
    if inner.get("go_backwards"):
        raise NotDerivableError("The forward layer reads backwards.")
    both = (found["forward"], found["backward"])
    if inner.get("return_sequences"):
        # In the order of the sequence, whichever way they were read; masked tokens give nothing.
        read = 1 if mask is None else mask[:, :, None]
        parts = [np.where(read, part.hidden, 0) for part in both]
    else:
        parts = [part.final for part in both]
    match config.get("merge_mode"):
        case "concat":
            return np.concatenate(parts, axis=-1)
        case "sum":
            return np.asarray(parts[0] + parts[1])
        case "ave":
            return np.asarray((parts[0] + parts[1]) / 2)
        case "mul":
            return np.asarray(parts[0] * parts[1])
    return parts[0]


def token_mask(class_name: str, config: Mapping[str, Any], values: Array) -> Array:
    """Give the mask that a layer makes: (probe, token) of bool.

    Parameters
    ----------
    class_name, config
        Class and configuration of the layer that the attribute ``mask_from`` names.
    values : ndarray (probe, token) or (probe, token, in_unit)
        What that layer took; of one of class ``Operations``, its activation.

    Raises
    ------
    NotDerivableError
        Other layers make their masks in ways of their own.
    """
    match class_name:
        case "Embedding":
            return np.asarray(values != 0)
        case "Masking":
            return np.asarray((values != config.get("mask_value", 0.0)).any(axis=-1))
        case "Operations":
            return np.asarray(values, bool)
    raise NotDerivableError(f"The mask that a {class_name} layer makes cannot be derived.")


def _part(
    class_name: str, config: Mapping[str, Any], weights: Mapping[str, Array], *, backwards: bool
) -> Direction:
    if class_name not in GATES:
        raise NotDerivableError(
            f"The states of a {class_name} layer cannot be derived, only those of "
            "SimpleRNN, LSTM and GRU."
        )
    cell = Cell(
        class_name,  # type: ignore[arg-type]  # it is one of them, see above
        config.get("activation", "tanh"),
        config.get("recurrent_activation", "sigmoid"),
        bool(config.get("reset_after", False)),
    )
    own = Weights(weights["kernel"], weights["recurrent_kernel"], weights.get("bias"))
    return Direction(cell, own, backwards)


def _returned(
    config: Mapping[str, Any], direction: tuple[str, States], mask: Array | None
) -> Array:
    name, found = direction
    if not config.get("return_sequences"):
        return found.final
    sequence = found.hidden
    if mask is not None and config.get("zero_output_for_mask"):
        sequence = np.where(mask[:, :, None], sequence, 0)
    # Keras gives them in the order in which the tokens were read.
    return sequence[:, ::-1] if name == "backward" else sequence


def _directions(weights: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """Part the weights of a ``Bidirectional`` layer, whose names begin with their layer's."""
    return {
        direction: {
            name.rpartition(".")[2]: values
            for name, values in weights.items()
            if name.rpartition(".")[0] == owner
        }
        for direction, owner in owners(weights).items()
    }


def owners(weights: Iterable[str]) -> dict[str, str]:
    """Find what the names of a ``Bidirectional`` layer's weights begin with, by direction.

    Raises
    ------
    NotDerivableError
        They are not those of two directions.

    Examples
    --------
    >>> owners(["forward_lstm.kernel", "backward_lstm.kernel"])
    {'forward': 'forward_lstm', 'backward': 'backward_lstm'}
    """
    found = list(dict.fromkeys(name.rpartition(".")[0] for name in weights))
    order = sorted(found, key=lambda owner: not owner.startswith("forward"))
    if len(order) != 2:
        raise NotDerivableError(f"The weights {sorted(weights)} are not those of two directions.")
    return dict(zip(("forward", "backward"), order, strict=True))


def _function(name: Any) -> Function:
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    raise NotDerivableError(
        f"The activation {name!r} is not known here; known are {', '.join(ACTIVATIONS)}."
    )


def part_of(weights: Weights, part: str) -> Array | None:
    """Give a part of a gate's weights.

    Parameters
    ----------
    weights : Weights
        Of one gate, as from `explorer.derived.recurrent.gates.split_gates`.
    part : {"kernel", "recurrent", "bias"}
        Which part.

    Returns
    -------
    ndarray (in_unit, unit), (unit, unit) or (unit,), or None
        None of a layer without biases.
    """
    if part == "bias":
        return weights.bias
    return weights.recurrent_kernel if part == "recurrent" else weights.kernel
