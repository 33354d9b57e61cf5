"""The network in NumPy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from explorer.at_step.engine import Passage
from explorer.at_step.targets import Head, Seed
from explorer.derived.network.editing import edited
from explorer.derived.network.engine import Network, StepWeights
from explorer.derived.network.node import Array
from explorer.derived.recurrent.equations import NotDerivableError
from store.errors import SpecError


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
        network, weights = _edited(self._network, passage)
        with _said():
            found = network.forward(passage.inputs, weights, start=passage.start, wanted=wanted)
        return {name: found[name] for name in wanted}

    def logits(self, passage: Passage, head: Head) -> Array:
        """Give what the function that ends an output is applied to: (example, ...), float32."""
        network, weights = _edited(self._network, passage)
        wanted, start = [head.maker], passage.start
        with _said():
            found = network.forward(passage.inputs, weights, start=start, wanted=wanted)
            return network.logits(head.maker, found, weights)

    def gradient(
        self, passage: Passage, head: Head, seed: Seed, wrt: Sequence[str]
    ) -> dict[str, Array]:
        """Take a gradient at an output back to layers; those without influence are left out."""
        network, weights = _edited(self._network, passage)
        wanted, start = [head.output], passage.start
        at = head.maker if seed.before_activation else head.output
        with _said():
            found = network.forward(passage.inputs, weights, start=start, wanted=wanted)
            return network.backward(
                found,
                weights,
                {at: seed.values},
                before_activation=seed.before_activation,
                wanted=wrt,
            )


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
