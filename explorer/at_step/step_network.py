"""A network with the weights of a step, as a function: answers, activations, gradients, edits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from explorer.at_step.engine import Engine, Passage
from explorer.at_step.inputs import InputSpec, checked, tokens_of
from explorer.at_step.options import is_number, options_of
from explorer.at_step.targets import Head, Of, Seed
from explorer.at_step.weights import Held
from explorer.data.run import RunData
from explorer.derived.network import saliency as attributions
from explorer.derived.network.editing import Edit
from explorer.derived.network.node import Array, as_float
from store.errors import ArgumentError, LayerNotFoundError, SpecError, did_you_mean, listed

Method = Literal[
    "gradient",
    "gradient_x_input",
    "smoothgrad",
    "integrated_gradients",
    "grad_cam",
    "occlusion",
]
INPUT = "input"
# Of an axis of an input that may have any length.
ANY_LENGTH = 8
# Layers whose examples have places, kept by a convolution.
PLACED = ("conv",)


@dataclass(frozen=True, slots=True)
class Source:
    """What networks at several steps of one run share.

    Attributes
    ----------
    data : RunData
        The run.
    engine : Engine
        What computes.
    reason : str
        Why that one.
    inputs : mapping of str to InputSpec
        What the network takes.
    heads : mapping of str to Head
        Its outputs.
    held_at : callable
        Reads the weights of a step.
    keras_model : callable
        Builds the model with some weights.
    """

    data: RunData
    engine: Engine
    reason: str
    inputs: Mapping[str, InputSpec]
    heads: Mapping[str, Head]
    held_at: Callable[[Any], Held]
    keras_model: Callable[[Held], Any]


class StepNetwork:
    """The network of a run with the weights of a step; `explorer.network_at` makes it.

    Everything is in inference mode, in float32.

    Attributes
    ----------
    steps : tuple of int
        The recorded step that its weights are of; several where they are averaged.
    engine : {"numpy", "keras"}
        What computes it.
    why : str
        Why that engine, and what must be known of the weights.
    inputs, outputs, layers : tuple of str
        Names of what it takes and gives, and of all layers whose output can be asked for.
    """

    def __init__(self, source: Source, held: Held, edits: tuple[Edit, ...] = ()) -> None:
        self._source = source
        self._held = held
        self._edits = edits

    def __repr__(self) -> str:
        at = f"step {self.steps[0]}" if len(self.steps) == 1 else f"{len(self.steps)} steps"
        edits = f", {len(self._edits)} edits" if self._edits else ""
        return f"<Network of {self._source.data.run.name!r} at {at}, by {self.engine}{edits}>"

    @property
    def steps(self) -> tuple[int, ...]:
        """The recorded step that its weights are of; several where they are averaged."""
        return self._held.steps

    @property
    def engine(self) -> str:
        """What computes it: "numpy" or "keras"."""
        return self._source.engine.name

    @property
    def why(self) -> str:
        """Why that engine, and what must be known of the weights: sentences."""
        return " ".join([self._source.reason, *self._held.remarks])

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what it takes."""
        return tuple(self._source.inputs)

    @property
    def input_specs(self) -> Mapping[str, InputSpec]:
        """What it takes, by name: shapes, types and limits."""
        return self._source.inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what it gives."""
        return tuple(self._source.heads)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of all layers whose output can be asked for, in network order."""
        return tuple(self._source.engine.layers)

    def at(self, step: int) -> StepNetwork:
        """Give the same network, with the same edits, at another recorded step.

        Parameters
        ----------
        step : int
            Optimizer updates done.

        Raises
        ------
        StepNotRecordedError
            The training was not recorded at this step; the message names the nearest ones.
        """
        return StepNetwork(self._source, self._source.held_at(step), self._edits)

    # -- answers -------------------------------------------------------------------------------

    def __call__(self, x: Any) -> Any:
        """Give what the model gives.

        Parameters
        ----------
        x : array-like (example, ...), or mapping of str to these
            The input, or several by name.

        Returns
        -------
        ndarray (example, ...), float32
            Of a model with several outputs a dict of them, by the layers that give them.

        Raises
        ------
        SpecError
            The input does not fit; one sentence says where.
        """
        found = self._source.engine.forward(self._passage(x), self.outputs)
        return found if len(found) > 1 else next(iter(found.values()))

    def activations(self, x: Any, layers: Sequence[str] | str | None = None) -> dict[str, Array]:
        """Give outputs of layers.

        Parameters
        ----------
        x : array-like or mapping
            As for a call.
        layers : sequence of str, optional
            Names as in `layers`; by default all.

        Returns
        -------
        dict of str to ndarray (example, ...), float32

        Raises
        ------
        LayerNotFoundError
            There is no such layer; the message suggests the nearest name.
        SpecError
            The input does not fit.
        """
        names = (
            [layers] if isinstance(layers, str) else list(self.layers if layers is None else layers)
        )
        for name in names:
            self._check_layer(name)
        return self._source.engine.forward(self._passage(x), names)

    def tokens(self, texts: Sequence[str] | str) -> Array:
        """Look words up in the recorded vocabulary: what a network that reads words is given.

        Parameters
        ----------
        texts : sequence of str
            Words with spaces between them; characters, where the network reads those.

        Returns
        -------
        ndarray (text, token), int64
            Filled up as the probe's texts are.

        Raises
        ------
        SpecError
            The run has no vocabulary, or a text does not fit.
        """
        return tokens_of([texts] if isinstance(texts, str) else list(texts), self._source.data)

    # -- gradients -----------------------------------------------------------------------------

    def gradient(
        self,
        x: Any,
        target: Any = None,
        of: Of = "logit",
        wrt: str = INPUT,
        *,
        output: str | None = None,
        versus: Any = None,
    ) -> Any:
        """Take the gradient of what the network says, for each example by itself.

        Parameters
        ----------
        x : array-like or mapping
            As for a call.
        target : int, str, tuple or ndarray, optional
            Which unit of the output: its number, its class's name, or one number for each example;
            ``(place, …, unit)`` of an output with places. With ``of="loss"`` the labels. May be
            left out where the output is one number.
        of : {"logit", "probability", "loss"}
            The value before the last softmax or sigmoid; what follows; or the recorded loss of each
            example, without penalties on weights.
        wrt : str
            ``"input"``, the name of one input, or that of a layer.
        output : str, optional
            Which output, of a model that has several.
        versus : int, str, tuple or ndarray, optional
            Why this and not that: the gradient of the difference of two units.

        Returns
        -------
        ndarray (example, ...), float32
            In the shape of what it is taken by; of several inputs a dict.

        Raises
        ------
        SpecError
            What is asked for has no gradient: whole numbers, or a layer without influence.
        ArgumentError
            An argument is of another kind or range.
        LayerNotFoundError
            There is no such layer.
        """
        names = self._wrt(wrt)
        passage, head = self._passage(x), self._head(output)
        found = self._gradient(passage, head, self._seed(passage, head, of, target, versus), names)
        return found if len(names) > 1 else found[names[0]]

    def saliency(
        self,
        x: Any,
        target: Any = None,
        method: Method = "gradient",
        layer: str | None = None,
        *,
        of: Of = "logit",
        output: str | None = None,
        versus: Any = None,
        **options: Any,
    ) -> Array:
        """Say how much each value has to do with an answer.

        Parameters
        ----------
        x : array-like or mapping
            As for a call.
        target, of, output, versus
            As for `gradient`.
        method : str
            ``gradient``, ``gradient_x_input``, ``smoothgrad``, ``integrated_gradients``,
            ``grad_cam`` or ``occlusion``; `explorer.derived.network.saliency` names the sources.
        layer : str, optional
            The layer or input whose values are judged, by default the only input; an embedding
            where words are read. Of ``grad_cam`` by default the last convolution.
        **options
            Of the method: ``samples``, ``noise`` and ``seed`` of smoothgrad; ``samples`` and
            ``baseline`` of integrated gradients; ``patch``, ``stride`` and ``value`` of occlusion.

        Returns
        -------
        ndarray (example, ...), float32
            In the shape of what is judged; of ``grad_cam`` and ``occlusion`` without its units.

        Raises
        ------
        SpecError, ArgumentError, LayerNotFoundError
            As `gradient`.
        """
        if method not in get_args(Method):
            known = did_you_mean(str(method), get_args(Method))
            raise ArgumentError(f"There is no method {method!r}. {known}")
        passage, head = self._passage(x), self._head(output)
        name = self._judged(method, layer)
        values = self._values(passage, name)
        checked_options = options_of(method, options, values.shape[1:])
        asked = _Asked(self, passage, head, name, of, target, versus)
        if method == "grad_cam":
            if values.ndim < 3:
                raise SpecError(f"{name!r} has no places: grad_cam is of a layer that has some.")
            gradient = asked.gradient(values, np.arange(len(values)))
            return attributions.grad_cam(values, gradient)
        if method == "occlusion":
            return attributions.occlusion(values, asked.answer, **checked_options)
        how: Mapping[str, Callable[..., Array]] = {
            "gradient": attributions.plain_gradient,
            "gradient_x_input": attributions.gradient_x_input,
            "smoothgrad": attributions.smoothgrad,
            "integrated_gradients": attributions.integrated_gradients,
        }
        return how[method](values, asked.gradient, **checked_options)

    # -- what if -------------------------------------------------------------------------------

    def without(
        self,
        layer: str,
        units: Sequence[int] | int | None = None,
        value: Literal["zero", "mean"] | float = "zero",
    ) -> StepNetwork:
        """Give the network without some units of a layer, what follows computed anew.

        Parameters
        ----------
        layer : str
            Name of the layer, one call of it where it is shared.
        units : sequence of int, optional
            Numbers of the units, counted from 0 along the last axis; by default all.
        value : {"zero", "mean"} or float
            What they give: 0, their mean over the probe (and over places) in this network, or a
            number.

        Returns
        -------
        StepNetwork
            A network of its own; this one stays as it is.

        Raises
        ------
        LayerNotFoundError
            There is no such layer.
        ArgumentError, SpecError
            There is no such unit; or the layer is an input or an output of the network.
        """
        self._check_layer(layer)
        if layer in self._source.inputs:
            raise SpecError(f"{layer!r} is an input: change what the network is given.")
        if layer in self._source.heads or layer in {h.maker for h in self._source.heads.values()}:
            raise SpecError(
                f"{layer!r} is the network's answer: silence units of a layer before it."
            )
        count = self._units(layer)
        chosen = np.arange(count) if units is None else np.atleast_1d(np.asarray(units))
        if chosen.dtype.kind not in "iu" or not chosen.size:
            raise ArgumentError(f"units are whole numbers, not {units!r}.")
        if chosen.min() < 0 or chosen.max() >= count:
            wrong = int(chosen.min() if chosen.min() < 0 else chosen.max())
            raise ArgumentError(f"The layer {layer!r} has no unit {wrong}: 0 to {count - 1}.")
        factor, constant = np.ones(count, np.float32), np.zeros(count, np.float32)
        factor[chosen] = 0
        if value == "mean":
            constant[chosen] = self._probe_means(layer)[chosen]
        elif value != "zero":
            if not is_number(value):
                raise ArgumentError(f"value is 'zero', 'mean' or a number, not {value!r}.")
            constant[chosen] = value
        edits = (*self._edits, Edit(layer, factor, constant))
        return StepNetwork(self._source, self._held, edits)

    # -- Keras ---------------------------------------------------------------------------------

    def keras_model(self) -> Any:
        """Give a Keras model of its own with these weights; edits are no part of it.

        Returns
        -------
        keras.Model
            Not compiled.

        Raises
        ------
        MissingExtraError
            Keras and TensorFlow are not installed (the extra ``record``).
        SpecError
            The configuration was not recorded, cannot be trusted, or does not fit the weights.
        """
        if self._edits:
            raise SpecError("Edited units are no part of a Keras model: ask the unedited network.")
        return self._source.keras_model(self._held)

    # -- inside --------------------------------------------------------------------------------

    def _passage(self, x: Any) -> Passage:
        return Passage(checked(x, self._source.inputs), self._held.weights, self._edits)

    def _head(self, output: str | None) -> Head:
        heads = self._source.heads
        if output is None:
            if len(heads) > 1:
                raise ArgumentError(
                    f"The network has several outputs: give output= ({listed(heads)})."
                )
            return next(iter(heads.values()))
        if output not in heads:
            raise ArgumentError(f"There is no output {output!r}. {did_you_mean(output, heads)}")
        return heads[output]

    def _check_layer(self, name: str) -> None:
        known = self.layers
        if name in known:
            return
        if name in self._source.data.run.layers:
            raise SpecError(
                f"The output of {name!r} cannot be computed by {self.engine}: {self.why}"
            )
        raise LayerNotFoundError(f"There is no layer {name!r}. {did_you_mean(str(name), known)}")

    def _wrt(self, wrt: str) -> list[str]:
        specs = self._source.inputs
        if wrt == INPUT and wrt not in self.layers:
            names = list(specs)
        else:
            others = {other: spec.name for spec in specs.values() for other in spec.others}
            wrt = others.get(wrt, wrt)
            self._check_layer(wrt)
            names = [wrt]
        for name in names:
            if name in specs and specs[name].is_whole:
                raise _whole_numbers(specs[name])
        return names

    def _judged(self, method: str, layer: str | None) -> str:
        """Which layer or input a saliency is of."""
        if layer is not None:
            return self._wrt(layer)[0]
        if method == "grad_cam":
            kinds = self._source.data.run.layers
            placed = [name for name in self.layers if name in kinds and kinds[name].kind in PLACED]
            if not placed:
                raise SpecError("The network has no convolution: give a layer for grad_cam.")
            return placed[-1]
        names = self._wrt(INPUT)
        if len(names) > 1:
            raise ArgumentError(f"The network has several inputs: give layer= ({listed(names)}).")
        return names[0]

    def _values(self, passage: Passage, name: str) -> Array:
        if name in passage.inputs:
            return as_float(passage.inputs[name])
        return self._source.engine.forward(passage, [name])[name]

    def _seed(self, passage: Passage, head: Head, of: Any, target: Any, versus: Any) -> Seed:
        return head.seed(of, target, versus, lambda before: self._answer(passage, head, before))

    def _answer(self, passage: Passage, head: Head, before: bool) -> Array:
        if before:
            return self._source.engine.logits(passage, head)
        return self._source.engine.forward(passage, [head.output])[head.output]

    def _gradient(
        self, passage: Passage, head: Head, seed: Seed, names: Sequence[str]
    ) -> dict[str, Array]:
        found = self._source.engine.gradient(passage, head, seed, names)
        absent = [name for name in names if name not in found]
        if absent:
            raise SpecError(
                f"What is asked of {head.output!r} does not depend on {listed(absent)}."
            )
        return found

    def _units(self, layer: str) -> int:
        """Count a layer's units, by an example of zeros."""
        blank = {
            name: np.zeros(
                (1, *(ANY_LENGTH if size is None else size for size in spec.shape or ()))
            )
            for name, spec in self._source.inputs.items()
        }
        passage = Passage(checked(blank, self._source.inputs), self._held.weights, self._edits)
        return int(self._source.engine.forward(passage, [layer])[layer].shape[-1])

    def _probe_means(self, layer: str) -> Array:
        values = self._source.engine.forward(
            Passage(self._probe_inputs, self._held.weights, self._edits), [layer]
        )[layer]
        return as_float(values.mean(axis=tuple(range(values.ndim - 1)), dtype=np.float64))

    @cached_property
    def _probe_inputs(self) -> dict[str, Array]:
        probe = self._source.data.run.probe
        if probe is None or not probe.inputs or probe.not_stored:
            raise SpecError("The run holds no inputs of a probe, by which units are measured.")
        return checked(dict(probe.inputs), self._source.inputs)


@dataclass(frozen=True)
class _Asked:
    """What is asked about points that stand in the place of a layer's values."""

    network: StepNetwork
    passage: Passage
    head: Head
    name: str
    of: Any
    target: Any
    versus: Any

    def gradient(self, points: Array, owners: Array) -> Array:
        """Gradient at each point: (point, ...)."""
        passage = self._at(points, owners)
        seed = self.network._seed(
            passage,
            self.head,
            self.of,
            _of_rows(self.target, owners),
            _of_rows(self.versus, owners),
        )
        return self.network._gradient(passage, self.head, seed, [self.name])[self.name]

    def answer(self, points: Array, owners: Array) -> Array:
        """Give what is asked for at each point: (point,)."""
        passage = self._at(points, owners)
        return self.head.value(
            self.of,
            _of_rows(self.target, owners),
            _of_rows(self.versus, owners),
            lambda before: self.network._answer(passage, self.head, before),
        )

    def _at(self, points: Array, owners: Array) -> Passage:
        inputs = {name: values[owners] for name, values in self.passage.inputs.items()}
        if self.name in inputs:
            return replace(self.passage, inputs={**inputs, self.name: points})
        return replace(self.passage, inputs=inputs, start={self.name: points})


def _of_rows(target: Any, owners: Array) -> Any:
    """Give the target of each point, where each example has its own."""
    if isinstance(target, tuple):
        return tuple(_of_rows(each, owners) for each in target)
    array = np.asarray(target) if target is not None and not isinstance(target, str) else None
    return target if array is None or not array.ndim else array[owners]


def _whole_numbers(spec: InputSpec) -> SpecError:
    way = (
        f"take it by its embedding, {spec.embedding!r}" if spec.embedding else "take a layer behind"
    )
    return SpecError(f"The input {spec.name!r} holds whole numbers, which have no gradient: {way}.")
