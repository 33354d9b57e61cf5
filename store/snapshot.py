"""What one commit of a run says, and what was read under it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from store.arrays import ArrayReader
from store.cache import ArrayCache
from store.layers import layers_of
from store.metadata import Document
from store.schema import ROOT_ATTRIBUTE, Array


class Snapshot:
    """What one root document says, and what was read under it.

    A growing run is refreshed while other threads read: each works on the snapshot that it
    took, so that lengths, readers and coordinates always belong together.
    """

    def __init__(self, content: bytes, root: Document) -> None:
        self.content = content
        self.attributes: Mapping[str, Any] = root["attributes"][ROOT_ATTRIBUTE]
        self.nodes: Mapping[str, Document] = root["consolidated_metadata"]["metadata"]
        self.layers = layers_of(self.nodes)
        self.length: int = self.nodes["step"]["shape"][0]
        self.readers: dict[str, ArrayReader] = {}
        self.cache = ArrayCache()
        self.axes: dict[str, Array] = {}

    def version(self, steps: Array) -> str:
        """Digest of the root document and of the recorded steps."""
        return hashlib.sha256(self.content + steps.tobytes()).hexdigest()
