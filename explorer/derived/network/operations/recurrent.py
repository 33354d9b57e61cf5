"""Recurrent layers: forwards by `explorer.derived.recurrent.equations`, backwards through time.

The gradients are the chain rule applied to those equations, from the last token that was read to
the first (Werbos 1990, "Backpropagation through time: what it does and how to do it").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.derived.network.activations import NAMED, Function
from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call, Field, OutputPart, as_float
from explorer.derived.network.operations.convolution import pointwise_gradient
from explorer.derived.network.registry import register
from explorer.derived.recurrent.equations import (
    ACTIVATIONS,
    GATES,
    Cell,
    Direction,
    States,
    Weights,
    layer_output,
    layer_states,
    owners,
    parts,
)


@register(*GATES, "Bidirectional")
class Recurrent(LayerOp):
    """``SimpleRNN``, ``LSTM``, ``GRU``, and ``Bidirectional`` over one of them."""

    is_affine = False
    units = "mixed"
    obeys_mask = True

    def fault(self, config: Mapping[str, Any]) -> str | None:
        """Say what would need more than the run holds."""
        if "layer" not in config:
            return _fault_of_one(config) or super().fault(config)
        if config.get("merge_mode") is None:
            return "It has no merge_mode, so it has two outputs, and a run holds one."
        layers = [config["layer"], config.get("backward_layer") or config["layer"]]
        if layers[0]["config"].get("go_backwards"):
            return "Its forward layer reads backwards, which is not repeated."
        unknown = [part["class_name"] for part in layers if part["class_name"] not in GATES]
        if unknown:
            return f"Of layers inside only {', '.join(GATES)} are repeated, not {unknown[0]}."
        faults = (_fault_of_one(part["config"]) for part in layers)
        return next((fault for fault in faults if fault), None) or super().fault(config)

    def forward(self, call: Call) -> Array:
        """Read the tokens (batch, token, in_unit)."""
        return layer_output(call.class_name, call.config, self._states(call), call.mask)

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Go back from token to token, in each direction."""
        found = self._states(call)
        gradients = self._of_directions(call, found, gradient)
        layers = parts(call.class_name, call.config, self._weights(call))
        total = sum(
            through_time(call.x, layers[name], found[name], gradients[name], call.mask)
            for name in found
        )
        return (np.asarray(total, np.float32),)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Add up over the tokens, in each direction."""
        found = self._states(call)
        gradients = self._of_directions(call, found, gradient)
        layers = parts(call.class_name, call.config, self._weights(call))
        by_direction = {
            name: _walked(
                call.x, layers[name], found[name], gradients[name], call.mask
            ).weight_gradients()
            for name in found
        }
        if call.class_name != "Bidirectional":
            ((_, own),) = by_direction.items()
            return own
        return {
            f"{owner}.{name}": values
            for direction, owner in owners(call.weights).items()
            for name, values in by_direction[direction].items()
        }

    def sees(self, part: OutputPart) -> Field:
        """Give the tokens read so far: the state at one of them has seen those before it."""
        if "layer" in part.config:
            return part.whole
        ((_, stop),), (length,) = part.field, part.lengths
        # Backwards, the states come in the order in which they were reached.
        return ((length - stop, length),) if part.config.get("go_backwards") else ((0, stop),)

    def _states(self, call: Call) -> dict[str, States]:
        return layer_states(call.class_name, call.config, self._weights(call), call.x, call.mask)

    def _weights(self, call: Call) -> dict[str, Array]:
        return {name: as_float(values) for name, values in call.weights.items()}

    def _of_directions(
        self, call: Call, found: Mapping[str, States], gradient: Array
    ) -> dict[str, Array]:
        """Part the gradient at the output: (batch, token, unit) or (batch, unit) a direction.

        Sequences are in the order of the sentence, and masked tokens have no gradient where they
        gave zeros.
        """
        config = call.config
        if call.class_name != "Bidirectional":
            ((name, _),) = found.items()
            if config.get("return_sequences") and name == "backward":
                gradient = gradient[:, ::-1]
            is_zeroed = config.get("zero_output_for_mask")
            return {name: _unmasked(gradient, call.mask if is_zeroed else None)}
        is_sequence = bool(config["layer"]["config"].get("return_sequences"))
        mask = call.mask if is_sequence else None
        outputs = [
            _unmasked(part.hidden if is_sequence else part.final, mask)
            for part in (found["forward"], found["backward"])
        ]
        match config["merge_mode"]:
            case "concat":
                halves = np.split(gradient, [outputs[0].shape[-1]], axis=-1)
            case "mul":
                halves = [gradient * outputs[1], gradient * outputs[0]]
            case "ave":
                halves = [gradient / 2, gradient / 2]
            case _:
                halves = [gradient, gradient]
        return {
            name: _unmasked(half, mask)
            for name, half in zip(("forward", "backward"), halves, strict=True)
        }


def through_time(
    inputs: Array, layer: Direction, found: States, gradient: Array, mask: Array | None
) -> Array:
    """Take a gradient at the states of a recurrent layer to its input.

    Parameters
    ----------
    inputs : ndarray (batch, token, in_unit)
        What it took.
    layer : Direction
        The layer, with weights in float32.
    found : States
        Its states for these inputs.
    gradient : ndarray (batch, token, unit) or (batch, unit)
        At the hidden state after each token, in the order of the sequence; or at the final one.
    mask : ndarray of bool (batch, token) or None
        False: the token was skipped.

    Returns
    -------
    ndarray (batch, token, in_unit), float32
    """
    order = slice(None, None, -1) if layer.backwards else slice(None)
    at_sums = _walked(inputs, layer, found, gradient, mask).at_sums
    return np.asarray(at_sums @ layer.weights.kernel.T, np.float32)[:, order]


def _walked(
    inputs: Array, layer: Direction, found: States, gradient: Array, mask: Array | None
) -> _Walk:
    """Go back through all tokens; the arguments are those of `through_time`."""
    order = slice(None, None, -1) if layer.backwards else slice(None)
    at_states = np.zeros(found.hidden.shape, np.float32)
    if gradient.ndim == 3:
        at_states += gradient[:, order]
    else:
        at_states[:, -1] += gradient
    read = np.ones(inputs.shape[:2], bool) if mask is None else mask.astype(bool)
    states = [found.hidden] if found.cell is None else [found.hidden, found.cell]
    walk = _WALKS[layer.cell.kind](
        layer.cell,
        layer.weights,
        inputs[:, order],
        [_before(state[:, order]) for state in states],
    )
    walk.back(at_states, read[:, order])
    return walk


class _Walk:
    """What is known of every token at once; subclasses go back from one to the one before.

    Attributes
    ----------
    at_sums : ndarray (batch, token, gate_unit)
        Gradient at ``inputs @ kernel``, once `back` was called.
    """

    def __init__(self, cell: Cell, weights: Weights, inputs: Array, before: list[Array]) -> None:
        self.cell, self.weights, self.before = cell, weights, before
        self.act, self.act_slope = _function(cell.activation)
        self.gate, self.gate_slope = _function(cell.recurrent_activation)
        inner, self.outer = cell.biases(weights)
        self.inputs, self.given = inputs, inputs @ weights.kernel + inner
        self.at_sums = np.zeros(self.given.shape, np.float32)

    def back(self, at_states: Array, read: Array) -> None:
        """Go from the last token to the first.

        Parameters
        ----------
        at_states : ndarray (batch, token, unit)
            Gradient at the hidden states from outside, in the order of reading.
        read : ndarray of bool (batch, token)
            Which tokens were read.
        """
        carried = tuple(np.zeros_like(at_states[:, 0]) for _ in self.before)
        for token in reversed(range(at_states.shape[1])):
            at_state = (carried[0] + at_states[:, token], *carried[1:])
            sums, before = self.token(token, at_state)
            is_read = read[:, token, None]
            self.at_sums[:, token] = np.where(is_read, sums, 0)
            carried = tuple(
                np.where(is_read, new, old) for new, old in zip(before, at_state, strict=True)
            )

    def weight_gradients(self) -> dict[str, Array]:
        """Give the gradients at kernel, recurrent kernel and, if there is one, bias."""
        found = {
            "kernel": pointwise_gradient(self.inputs, self.at_sums),
            "recurrent_kernel": pointwise_gradient(self.before[0], self.at_sums),
        }
        return found if self.weights.bias is None else {**found, "bias": _summed(self.at_sums)}

    def token(self, token: int, at_state: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        """Give the gradient at one token's sums, and at the states before it."""
        raise NotImplementedError


class _SimpleWalk(_Walk):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.slope = self.act_slope(self.given + self.before[0] @ self.weights.recurrent_kernel)

    def token(self, token: int, at_state: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        sums = at_state[0] * self.slope[:, token]
        return sums, (sums @ self.weights.recurrent_kernel.T,)


class _LstmWalk(_Walk):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        sums = self.given + self.before[0] @ self.weights.recurrent_kernel
        enter, forget, candidate, output = np.split(sums, 4, axis=-1)
        self.enter, self.forget, self.output = map(self.gate, (enter, forget, output))
        self.candidate = self.act(candidate)
        cell = self.forget * self.before[1] + self.enter * self.candidate
        self.shown, self.shown_slope = self.act(cell), self.act_slope(cell)
        slopes = [self.gate_slope(enter), self.gate_slope(forget)]
        slopes += [self.act_slope(candidate), self.gate_slope(output)]
        self.slopes = np.concatenate(slopes, axis=-1)

    def token(self, token: int, at_state: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        hidden, cell = at_state
        cell = cell + hidden * self.output[:, token] * self.shown_slope[:, token]
        parts = [
            cell * self.candidate[:, token],
            cell * self.before[1][:, token],
            cell * self.enter[:, token],
            hidden * self.shown[:, token],
        ]
        sums = np.concatenate(parts, axis=-1) * self.slopes[:, token]
        return sums, (sums @ self.weights.recurrent_kernel.T, cell * self.forget[:, token])


class _GruWalk(_Walk):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        hidden, kernel = self.before[0], self.weights.recurrent_kernel
        update, reset, candidate = np.split(self.given, 3, axis=-1)
        units = hidden.shape[-1]
        self.gates_kernel, self.last_kernel = kernel[:, : 2 * units], kernel[:, 2 * units :]
        recalled = hidden @ kernel + self.outer
        update, reset = update + recalled[..., :units], reset + recalled[..., units : 2 * units]
        self.update, self.reset = self.gate(update), self.gate(reset)
        self.update_slope, self.reset_slope = self.gate_slope(update), self.gate_slope(reset)
        self.recalled = recalled[..., 2 * units :]
        if self.cell.reset_after:
            candidate = candidate + self.reset * self.recalled
        else:
            candidate = candidate + (self.reset * hidden) @ self.last_kernel
        self.candidate, self.slope = self.act(candidate), self.act_slope(candidate)

    def token(self, token: int, at_state: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        (hidden,) = at_state
        before, update, reset = (
            values[:, token] for values in (self.before[0], self.update, self.reset)
        )
        last = hidden * (1 - update) * self.slope[:, token]
        at_update = hidden * (before - self.candidate[:, token]) * self.update_slope[:, token]
        if self.cell.reset_after:
            at_reset = last * self.recalled[:, token]
            remembered = (last * reset) @ self.last_kernel.T
        else:
            at_product = last @ self.last_kernel.T
            at_reset = at_product * before
            remembered = at_product * reset
        gates = np.concatenate([at_update, at_reset * self.reset_slope[:, token]], axis=-1)
        at_before = hidden * update + remembered + gates @ self.gates_kernel.T
        return np.concatenate([gates, last], axis=-1), (at_before,)

    def weight_gradients(self) -> dict[str, Array]:
        units = self.before[0].shape[-1]
        gates, last = self.at_sums[..., : 2 * units], self.at_sums[..., 2 * units :]
        if not self.cell.reset_after:
            kernels = [
                pointwise_gradient(self.before[0], gates),
                pointwise_gradient(self.reset * self.before[0], last),
            ]
            return {**super().weight_gradients(), "recurrent_kernel": np.concatenate(kernels, 1)}
        # What is recalled passes the reset gate; the bias of the input does not.
        recalled = np.concatenate([gates, last * self.reset], axis=-1)
        found = super().weight_gradients()
        found["recurrent_kernel"] = pointwise_gradient(self.before[0], recalled)
        if "bias" in found:
            found["bias"] = np.stack([found["bias"], _summed(recalled)])
        return found


_WALKS: dict[str, type[_Walk]] = {"SimpleRNN": _SimpleWalk, "LSTM": _LstmWalk, "GRU": _GruWalk}


def _fault_of_one(config: Mapping[str, Any]) -> str | None:
    if config.get("stateful"):
        return "It keeps its state from batch to batch, and that state is not in the run."
    if config.get("return_state"):
        return "It gives its state too, and a run does not say which layer takes that."
    for option in ("activation", "recurrent_activation"):
        name = config.get(option, "tanh")
        if name not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            return f"The {option} {name!r} is not known in a recurrent layer; known are {known}."
    return None


def _function(name: str) -> tuple[Function, Function]:
    slope = NAMED[name].slope
    assert slope is not None  # every function of `ACTIVATIONS` takes each element alone
    return ACTIVATIONS[name], slope


def _summed(values: Array) -> Array:
    return np.asarray(values.sum(axis=(0, 1)))


def _unmasked(values: Array, mask: Array | None) -> Array:
    return values if mask is None else np.where(mask[:, :, None].astype(bool), values, 0)


def _before(states: Array) -> Array:
    """States before each token: those after the one before it, at first zero."""
    return np.concatenate([np.zeros_like(states[:, :1]), states[:, :-1]], axis=1)
