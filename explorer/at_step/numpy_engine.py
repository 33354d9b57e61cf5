"""The network in NumPy."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from explorer.at_step.engine import Passage
from explorer.at_step.targets import Head, Seed
from explorer.derived.network.editing import edited
from explorer.derived.network.engine import Network, StepWeights
from explorer.derived.network.node import Array
from explorer.derived.recurrent.equations import NotDerivableError
from store.errors import SpecError

# Bytes of activations that are held at once.
BLOCK_BYTES = 256 * 1024 * 1024
FLOAT_BYTES = 4


class NumpyEngine:
    """Computes a network in NumPy, see `explorer.derived.network.engine`.

    Parameters
    ----------
    network : Network
        The layers.
    """

    name = "numpy"

    def __init__(self, network: Network) -> None:
        self._network = network

    @property
    def layers(self) -> Sequence[str]:
        """All layers but those that depend on one that is not repeated."""
        blocked = self._network.descendants(self._network.unsupported)
        return [name for name in self._network.nodes if name not in blocked]

    def forward(self, passage: Passage, wanted: Sequence[str]) -> dict[str, Array]:
        """Give outputs of layers: (example, ...), float32, by name."""

        def compute(part: Passage, rows: slice) -> dict[str, Array]:
            del rows
            network, weights = _edited(self._network, part)
            found = network.forward(part.inputs, weights, start=part.start, wanted=wanted)
            return {name: found[name] for name in wanted}

        return self._in_blocks(passage, compute)

    def logits(self, passage: Passage, head: Head) -> Array:
        """Give what the function that ends an output is applied to: (example, ...), float32."""

        def compute(part: Passage, rows: slice) -> dict[str, Array]:
            del rows
            network, weights = _edited(self._network, part)
            found = network.forward(part.inputs, weights, start=part.start, wanted=[head.maker])
            return {head.maker: network.logits(head.maker, found, weights)}

        return self._in_blocks(passage, compute)[head.maker]

    def gradient(
        self, passage: Passage, head: Head, seed: Seed, wrt: Sequence[str]
    ) -> dict[str, Array]:
        """Take a gradient at an output back to layers; those without influence are left out."""
        at = head.maker if seed.before_activation else head.output

        def compute(part: Passage, rows: slice) -> dict[str, Array]:
            network, weights = _edited(self._network, part)
            found = network.forward(part.inputs, weights, start=part.start, wanted=[head.output])
            return network.backward(
                found,
                weights,
                {at: seed.values[rows]},
                before_activation=seed.before_activation,
                wanted=wrt,
            )

        return self._in_blocks(passage, compute)

    def _in_blocks(
        self, passage: Passage, compute: Callable[[Passage, slice], dict[str, Array]]
    ) -> dict[str, Array]:
        """Compute some examples at a time: all their activations are held at once."""
        count = len(next(iter(passage.inputs.values())))
        each = sum(math.prod(node.output_shape or ()) for node in self._network.nodes.values())
        length = max(1, BLOCK_BYTES // max(1, FLOAT_BYTES * each))
        with _said():
            found = [
                compute(_rows_of(passage, rows), rows)
                for rows in (slice(first, first + length) for first in range(0, count, length))
            ]
        if len(found) == 1:
            return found[0]
        return {name: np.concatenate([part[name] for part in found]) for name in found[0]}


def _rows_of(passage: Passage, rows: slice) -> Passage:
    inputs, start = (
        {name: values[rows] for name, values in given.items()}
        for given in (passage.inputs, passage.start)
    )
    return replace(passage, inputs=inputs, start=start)


@contextlib.contextmanager
def _said() -> Iterator[None]:
    """Say what NumPy cannot compute as an error of this package."""
    try:
        yield
    except NotDerivableError as error:
        raise SpecError(str(error)) from error


def _edited(network: Network, passage: Passage) -> tuple[Network, StepWeights]:
    weights: StepWeights = passage.weights
    for edit in passage.edits:
        network, weights = edited(network, weights, edit)
    return network, weights
