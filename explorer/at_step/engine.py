"""What computes a network: the interface that both engines have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from explorer.at_step.targets import Head, Seed
from explorer.at_step.weights import StepWeights
from explorer.derived.network.editing import Edit
from explorer.derived.network.node import Array


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """What is sent through a network.

    Attributes
    ----------
    inputs : mapping of str to ndarray (example, ...)
        By the names of the input layers.
    weights : mapping of str to (mapping of str to ndarray)
        By layer, by name.
    edits : tuple of Edit
        What is done to layers.
    start : mapping of str to ndarray (example, ...)
        Outputs of layers that are taken as they are.
    """

    inputs: Mapping[str, Array]
    weights: StepWeights
    edits: tuple[Edit, ...] = ()
    start: Mapping[str, Array] = field(default_factory=dict)


class Engine(Protocol):
    """Computes a network with given weights; it holds none of its own."""

    name: str

    @property
    def layers(self) -> Sequence[str]:
        """Layers whose output can be asked for, in network order."""

    def forward(self, passage: Passage, wanted: Sequence[str]) -> dict[str, Array]:
        """Give outputs of layers: (example, ...), float32, by name."""

    def logits(self, passage: Passage, head: Head) -> Array:
        """Give what the function that ends an output is applied to: (example, ...), float32."""

    def gradient(
        self, passage: Passage, head: Head, seed: Seed, wrt: Sequence[str]
    ) -> dict[str, Array]:
        """Take a gradient at an output back to layers; those without influence are left out."""
