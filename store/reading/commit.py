"""What an open run is made of at one moment: a root document, and what was read by it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from store.format.code import may_hold_code, without_code
from store.format.derived_layers import derived_arrays
from store.format.frame_checksums import checked_columns
from store.format.layers import layers_of
from store.format.metadata import Document
from store.format.names import BEGINS, ROOT_ATTRIBUTE, Array
from store.format.parts import attributes_of_part, nodes_of_part, part_path
from store.reading.arrays import ArrayReader
from store.reading.cache import ArrayCache


class CommittedRun:
    """One root document, and what was read of the run as that document describes it.

    A growing run is refreshed while other threads read. Each thread goes on with the commit that
    it began with, so that lengths, readers and coordinates always belong together.

    Parameters
    ----------
    content : bytes
        The root document.
    root : Document
        The same, parsed and checked.
    part : str
        Name of the part that is read; empty: the run itself.

    Raises
    ------
    KeyError
        The run has no such part.
    """

    def __init__(self, content: bytes, root: Document, part: str = "") -> None:
        self.content = content
        if may_hold_code(content):
            root = without_code(root)
        self.part = part
        self.attributes: Mapping[str, Any] = root["attributes"][ROOT_ATTRIBUTE]
        self.stored_nodes: Mapping[str, Document] = root["consolidated_metadata"]["metadata"]
        self.nodes: Mapping[str, Document] = self.stored_nodes
        if part:
            own = self.stored_nodes[part_path(part)]["attributes"]
            self.attributes = {**attributes_of_part(self.attributes, part), **own}
            self.nodes = nodes_of_part(self.stored_nodes, part)
        self.derived = derived_arrays(self.nodes)
        self.layers = layers_of(self.nodes, self.derived)
        self.length: int = self.nodes["step"]["shape"][0]
        self.checked = checked_columns(self.stored_nodes)
        self.readers: dict[str, ArrayReader] = {}
        self.cache = ArrayCache()
        self.axes: dict[str, Array] = {}

    def array_attributes(self, path: str) -> Mapping[str, Any]:
        """Attributes of an array, stored or not."""
        derived = self.derived.get(path)
        return self.nodes[path]["attributes"] if derived is None else derived.attributes

    def is_whole(self, path: str) -> bool:
        """Whether each step of an array is stored, or follows."""
        begins = self.nodes[path]["attributes"].get(BEGINS, 0)
        return not begins or path in self.derived

    def version(self, steps: Array) -> str:
        """Digest of the root document, of the recorded steps, and of which part is read."""
        digest = hashlib.sha256(self.content + steps.tobytes())
        digest.update(self.part.encode())
        return digest.hexdigest()
