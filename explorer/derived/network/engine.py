"""A recorded network, run forwards and backwards with the weights of any step."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from explorer.derived.network.activations import LINEAR, Activation
from explorer.derived.network.graph import Graph
from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call, LayerWeights, Node, as_float
from explorer.derived.network.registry import INPUT_CLASS, MORE_MASKED, layer_ops
from explorer.derived.recurrent.equations import NotDerivableError, token_mask

Arrays = Mapping[str, Array]
StepWeights = Mapping[str, LayerWeights]


class Network(Graph):
    """The layers of a run, as one function that can be evaluated and differentiated.

    Everything is computed in float32, as in inference mode: dropout passes its input on, batch
    normalization takes its moving statistics. For parameters and attributes see `Graph`.
    """

    def op(self, layer: str) -> LayerOp:
        """Give what computes a layer, up to its activation function.

        Raises
        ------
        NotDerivableError
            The layer cannot be repeated here.
        """
        self._require(layer)
        return layer_ops()[self.nodes[layer].class_name]

    def activation(self, layer: str) -> Activation:
        """Give the activation function that ends a layer; the linear one if it has none."""
        node = self.node(layer)
        op = layer_ops().get(node.class_name)
        return LINEAR if op is None else op.activation(node.config)

    def call(
        self,
        layer: str,
        activations: Arrays,
        weights: StepWeights,
        masks: Arrays | None = None,
    ) -> Call:
        """Gather what a layer works on.

        Parameters
        ----------
        layer, activations, weights, masks
            As for `backward`.

        Raises
        ------
        NotDerivableError
            The activation of a layer that it takes is missing.
        """
        self._require(layer)
        node = self.nodes[layer]
        missing = [source for source in node.takes if source not in activations]
        if missing:
            raise NotDerivableError(
                f"Layer {layer!r} takes {missing[0]!r}, whose activation was not given (given: "
                f"{', '.join(activations) or 'none'}). Compute it with `forward`."
            )
        inputs = tuple(_number(activations[source]) for source in node.takes)
        own = weights.get(layer) or weights.get(self.first_call(layer)) or {}
        return Call(
            node.class_name,
            node.config,
            inputs,
            own,
            self._mask(node, activations, masks or {}),
            node.output_shape,
            self._argument_masks(layer, activations, masks or {}),
            {name: value for name, value in node.arguments.items() if _is_option(value)},
        )

    # -- forwards ----------------------------------------------------------------------------

    def forward(
        self,
        inputs: Arrays | Array,
        weights: StepWeights,
        *,
        start: Arrays | None = None,
        masks: Arrays | None = None,
        wanted: Iterable[str] | None = None,
    ) -> dict[str, Array]:
        """Compute the activation of every layer.

        Parameters
        ----------
        inputs : mapping of str to ndarray (batch, ...), or ndarray
            What the input layers are given, by name; an array if there is one input layer.
        weights : mapping of str to (mapping of str to ndarray)
            Weights at one step: by layer, by their names in the run.
        start : mapping of str to ndarray (batch, ...), optional
            Activations that are taken as they are, in place of computing them: the pass begins
            there. So layers are changed by hand, or unsupported ones bridged.
        masks : mapping of str to ndarray of bool (batch, token), optional
            Masks by the layer that makes them (`Node.mask_from`), in place of deriving them.
        wanted : iterable of str, optional
            Compute no more than these need; by default all layers.

        Returns
        -------
        dict of str to ndarray (batch, ...), float32
            Inputs and `start` too, as they were given. Without `wanted`, layers that depend on an
            unsupported one are left out. Arrays of layers that only pass values on share memory.

        Raises
        ------
        NotDerivableError
            A wanted layer depends on an unsupported one, or weights are missing or do not fit.
        """
        found = {**self._named(inputs), **(start or {})}
        ends = [self.node(layer).name for layer in (self.nodes if wanted is None else wanted)]
        needed = self.ancestors(ends, found)
        for name in self.nodes:
            if name not in found and name in needed and self._is_ready(name, found, masks or {}):
                call = self.call(name, found, weights, masks)
                with _explained(name, call):
                    found[name] = as_float(self.activation(name).value(self.op(name).forward(call)))
        for name in ends if wanted is not None else ():
            if name not in found:
                raise NotDerivableError(self._obstacle(name, found))
        return {name: found[name] for name in self.nodes if name in found}

    def logits(
        self,
        layer: str,
        activations: Arrays,
        weights: StepWeights,
        *,
        masks: Arrays | None = None,
    ) -> Array:
        """Give what the activation function of a layer is applied to: of a softmax, its logits.

        Parameters
        ----------
        layer : str
            Layer that ends in an activation function, or is one.
        activations, weights, masks
            As for `backward`.

        Returns
        -------
        ndarray (batch, ...), float32
        """
        call = self.call(layer, activations, weights, masks)
        with _explained(layer, call):
            return as_float(self.op(layer).forward(call))

    def slope(self, layer: str, activations: Arrays, weights: StepWeights) -> Array:
        """Give the slope of the function that ends a layer, at each value of the layer's output.

        Parameters
        ----------
        layer, activations, weights
            As for `logits`.

        Returns
        -------
        ndarray (batch, ...), float32
        """
        call = self.call(layer, activations, weights)
        with _explained(layer, call):
            return as_float(self.op(layer).slope(call))

    # -- backwards ---------------------------------------------------------------------------

    def backward(
        self,
        activations: Arrays,
        weights: StepWeights,
        seeds: Arrays,
        *,
        masks: Arrays | None = None,
        before_activation: bool = False,
        wanted: Iterable[str] | None = None,
        ends: Iterable[str] = (),
    ) -> dict[str, Array]:
        """Compute gradients at the output of every layer, by the chain rule.

        Parameters
        ----------
        activations : mapping of str to ndarray (batch, ...)
            Activation of every layer on the way, the inputs too: what `forward` gave, or what was
            recorded, in any precision.
        weights, masks
            As for `forward`.
        seeds : mapping of str to ndarray (batch, ...)
            Gradient at the output of some layers; ones at a unit give the gradient of that unit.
        before_activation : bool
            Whether the seeds are gradients at what the layers' activation functions are applied
            to (see `logits`). The gradient of a softmax that is sure vanishes; that of its logits
            does not.
        wanted : iterable of str, optional
            Compute no more than these need; by default all layers.
        ends : iterable of str
            Layers at whose output the way back ends: what is before them gets what reaches it on
            other ways alone.

        Returns
        -------
        dict of str to ndarray (batch, ...), float32
            Layers without any influence on what is seeded are left out, and so are those that
            have some through an unsupported layer. A layer seeded before its activation is left
            out, unless another seed depends on it.

        Raises
        ------
        NotDerivableError
            As `forward`; or an activation on the way is missing.
        """
        names = None if wanted is None else {self.node(layer).name for layer in wanted}
        found, blocked = self._descend(
            activations, weights, seeds, masks, names, ends, before_activation=before_activation
        )
        lost = blocked & (names or set())
        if lost:
            raise NotDerivableError(self._blockade(f"The gradient at {min(lost)!r} passes"))
        kept = found.keys() - blocked if names is None else found.keys() & names
        return {name: found[name] for name in self.nodes if name in kept}

    def weight_gradients(
        self,
        activations: Arrays,
        weights: StepWeights,
        seeds: Arrays,
        *,
        masks: Arrays | None = None,
        before_activation: bool = False,
    ) -> dict[str, dict[str, Array]]:
        """Compute gradients at the weights that a training changes by their gradients.

        Parameters
        ----------
        activations, weights, seeds, masks, before_activation
            As for `backward`.

        Returns
        -------
        dict of str to (dict of str to ndarray)
            By layer, by the names of the weights, in their shapes; summed over the batch, and over
            the calls of a layer that is called several times.

        Raises
        ------
        NotDerivableError
            As `backward`; or a layer on the way has weights whose gradient is not repeated.
        """
        by_layer: dict[str, dict[str, Array]] = {}

        def note(name: str, call: Call, gradient: Array) -> None:
            owner = by_layer.setdefault(self.first_call(name), {})
            for weight, part in self.op(name).weight_gradients(call, gradient).items():
                owner[weight] = as_float(owner[weight] + part if weight in owner else part)

        owners = {name for name in self.nodes if weights.get(self.first_call(name))}
        _, blocked = self._descend(
            activations,
            weights,
            seeds,
            masks,
            owners,
            before_activation=before_activation,
            visit=note,
        )
        if blocked:
            raise NotDerivableError(self._blockade("The gradient passes"))
        return {name: found for name, found in by_layer.items() if found}

    def _descend(
        self,
        activations: Arrays,
        weights: StepWeights,
        seeds: Arrays,
        masks: Arrays | None,
        names: set[str] | None = None,
        ends: Iterable[str] = (),
        *,
        before_activation: bool,
        visit: Callable[[str, Call, Array], None] | None = None,
    ) -> tuple[dict[str, Array], set[str]]:
        """Take seeds back through the network.

        Parameters
        ----------
        activations, weights, seeds, masks, before_activation
            As for `backward`.
        names : set of str or None
            Layers that it is asked for; None: all.
        ends : iterable of str
            As for `backward`.
        visit : callable, optional
            Hears of each layer, what it works on, and the gradient before its activation function;
            of layers without any of `names` before them only if they are among `names`.

        Returns
        -------
        found : dict of str to ndarray
            Gradient at the output of layers.
        blocked : set of str
            Layers whose gradient passes through an unsupported one.
        """
        reached = set(self.nodes) if names is None else self.descendants(names)
        stops = {self.node(layer).name for layer in ends}
        found: dict[str, Array] = {}
        before: dict[str, Array] = {}
        for layer, seed in seeds.items():
            (before if before_activation else found)[self.node(layer).name] = as_float(seed)
        blocked: set[str] = set()
        for name in reversed(self.nodes):
            node = self.nodes[name]
            is_met = name in found or name in before
            goes_on, is_heard = bool(reached & {*node.inbound}), visit is not None
            if not is_met or name in stops or not (goes_on or (is_heard and name in reached)):
                continue
            if name in self.unsupported:
                blocked |= self.ancestors(node.inbound)
                continue
            if name in blocked:
                continue
            call = self.call(name, activations, weights, masks)
            with _explained(name, call):
                gradient = self._at_core(name, call, activations, found.get(name), before.get(name))
                if visit is not None:
                    visit(name, call, gradient)
                if not goes_on:  # the way to the input alone is the longest of all
                    continue
                parts = self.op(name).backward(call, gradient)
                for source, part in zip(node.takes, parts, strict=True):
                    found[source] = as_float(found[source] + part if source in found else part)
        return found, blocked

    def _blockade(self, passes: str) -> str:
        faults = "; ".join(f"{name!r}: {why}" for name, why in self.unsupported.items())
        return f"{passes} through layers that cannot be repeated: {faults}"

    def deviations(
        self, activations: Arrays, weights: StepWeights, *, masks: Arrays | None = None
    ) -> dict[str, float]:
        """Compare each layer's activation with what is computed here from those that it takes.

        A run names the layers that a layer takes, not the plain operations between them: a large
        deviation says that there are some, or that the layer does what its class does not.

        Parameters
        ----------
        activations, weights, masks
            As for `backward`.

        Returns
        -------
        dict of str to float
            Greatest absolute difference of each supported layer, as a share of the greatest
            absolute value of its activation; NaN where one of the two holds NaN.
        """
        shares: dict[str, float] = {}
        for name in self.nodes:
            if name not in activations or not self._is_ready(name, activations, masks or {}):
                continue
            known = {key: value for key, value in activations.items() if key != name}
            computed = self.forward({}, weights, start=known, masks=masks, wanted=[name])[name]
            recorded = as_float(activations[name])
            with np.errstate(all="ignore"):
                scale = np.abs(recorded).max(initial=np.finfo(np.float32).tiny)
                shares[name] = float(np.abs(computed - recorded).max(initial=0) / scale)
        return shares

    def before_activation(
        self, layer: str, call: Call, activations: Arrays, gradient: Array
    ) -> Array:
        """Take a gradient at a layer's output to what its activation function is applied to.

        Parameters
        ----------
        layer : str
            The layer.
        call : Call
            What it works on, see `call`.
        activations : mapping of str to ndarray (batch, ...)
            Its own spares computing it anew, if that is enough.
        gradient : ndarray (batch, ...)
            Gradient at its output.
        """
        activation = self.activation(layer)
        if activation.from_output and layer in activations:
            return as_float(activation.pull(as_float(activations[layer]), gradient))
        return as_float(activation.pull(as_float(self.op(layer).forward(call)), gradient))

    # -- inside ------------------------------------------------------------------------------

    def _at_core(
        self,
        name: str,
        call: Call,
        activations: Arrays,
        after: Array | None,
        before: Array | None,
    ) -> Array:
        """Gradient before a layer's activation function, from those after and before it."""
        if after is None:
            assert before is not None  # one of them made the layer's turn
            return before
        pulled = self.before_activation(name, call, activations, after)
        return as_float(pulled if before is None else pulled + before)

    def _mask(self, node: Node, activations: Arrays, masks: Arrays) -> Array | None:
        if node.mask_from is None or self.mask_maker(node.name) is None:
            return None
        return self._made_mask(node.name, node.mask_from, activations, masks)

    def _made_mask(self, layer: str, made_by: str, activations: Arrays, masks: Arrays) -> Array:
        """Derive the mask that a layer makes, for one that obeys it."""
        if made_by in masks:
            return np.asarray(masks[made_by], bool)
        source, maker = self.source_of_mask(made_by), self._maker(made_by)
        if source not in activations:
            raise NotDerivableError(
                f"Layer {layer!r} obeys the mask of {made_by!r}, which follows from "
                f"{source!r}, and that was not given. Give it, or the mask itself by "
                f"masks={{{made_by!r}: ...}}."
            )
        return token_mask(maker.class_name, maker.config, np.asarray(activations[source]))

    def _argument_masks(self, layer: str, activations: Arrays, masks: Arrays) -> dict[str, Array]:
        """Masks that a call was given, by argument; those of a list are numbered: ``mask 1``."""
        found: dict[str, Array] = {}
        for name, makers in self.argument_masks(layer).items():
            for number, maker in enumerate(makers):
                if maker is None:
                    continue
                called = name if len(makers) == 1 else f"{name} {number}"
                if name != MORE_MASKED:
                    found[called] = self._made_mask(layer, maker, activations, masks)
                elif maker in activations:
                    found[called] = np.asarray(activations[maker], bool)
                else:
                    raise NotDerivableError(
                        f"Layer {layer!r} obeys the mask {maker!r}, which was not given."
                    )
        return found

    def _named(self, inputs: Arrays | Array) -> dict[str, Array]:
        if isinstance(inputs, Mapping):
            return {self.node(name).name: np.asarray(values) for name, values in inputs.items()}
        if len(self.inputs) != 1:
            raise ValueError(
                f"One array was given for {len(self.inputs)} input layers "
                f"({', '.join(self.inputs)}). Pass a mapping by their names."
            )
        return {self.inputs[0]: np.asarray(inputs)}

    def _is_ready(self, name: str, found: Arrays, masks: Arrays) -> bool:
        """Whether a layer can be computed from what was found."""
        node = self.nodes[name]
        if name in self.unsupported or not node.inbound:
            return False
        makers = {node.mask_from, *itertools.chain(*self.argument_masks(name).values())}
        spared = {self.source_of_mask(maker) for maker in makers if maker and maker in masks}
        needed = {*node.takes, *(self.mask_sources(name) - spared)}
        return all(source in found for source in needed)

    def _obstacle(self, name: str, found: Arrays) -> str:
        """Say what keeps a layer from being computed."""
        needed = self.ancestors([name], found)
        for source in self.nodes:
            if source in needed and source in self.unsupported:
                return f"Layer {name!r} needs {source!r}. {self.unsupported[source]}"
        absent = [source for source in self.inputs if source in needed]
        return f"Layer {name!r} needs the input {', '.join(absent)!r}, which was not given."

    def _require(self, layer: str) -> None:
        if self.node(layer).class_name == INPUT_CLASS:
            raise NotDerivableError(f"Layer {layer!r} is an input: it computes nothing.")
        if layer in self.unsupported:
            raise NotDerivableError(f"Layer {layer!r}: {self.unsupported[layer]}")


@contextlib.contextmanager
def _explained(name: str, call: Call) -> Iterator[None]:
    """Say which layer it is when arrays do not fit; let NaN and infinity show in the result."""
    try:
        with np.errstate(all="ignore"):
            yield
    except NotDerivableError as error:
        raise NotDerivableError(f"Layer {name!r} ({call.class_name}): {error}") from error
    except (ValueError, IndexError) as error:
        inputs = ", ".join(str(each.shape) for each in call.inputs)
        sizes = {key: np.shape(values) for key, values in call.weights.items()}
        raise NotDerivableError(
            f"Layer {name!r} ({call.class_name}) cannot take inputs of shape {inputs} with weights "
            f"of shape {sizes}: {error}"
        ) from error


def _is_option(value: Any) -> bool:
    return isinstance(value, bool | int | float)


def _number(values: Any) -> Array:
    """Give an activation as it is computed with: float32, or integers as they are."""
    array = np.asarray(values)
    return array if array.dtype.kind in "iub" else as_float(array)
