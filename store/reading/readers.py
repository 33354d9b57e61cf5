"""Make the reader of each array of a run, stored or not, once for each commit."""

from __future__ import annotations

import threading

from store.errors import ArrayNotRecordedError, RunFormatError, did_you_mean
from store.format.names import CHECKSUMS
from store.format.parts import stored_path
from store.reading.arrays import ArrayReader
from store.reading.checked import CheckedFrames
from store.reading.commit import CommittedRun
from store.reading.derived import FollowingArray, JoinedArray
from store.reading.live import MappedFiles, local_reader
from store.reading.twins import packed_reader
from store.storage.sources import DirectorySource, Source


class Readers:
    """Makes the readers of a run's arrays, and keeps them with the commit that they are of.

    Parameters
    ----------
    source : Source
        The files of the run.
    part : str
        Name of the part whose arrays they are; empty: the run itself.
    checks_frames : bool
        Whether frames of the live form are held against their checksums.
    """

    def __init__(self, source: Source, part: str, *, checks_frames: bool) -> None:
        self.checks_frames = checks_frames
        self._source = source
        self._part = part
        self._maps = MappedFiles()
        self._lock = threading.RLock()  # readers that derive make those of their sources

    def of(self, now: CommittedRun, path: str) -> ArrayReader:
        """Reader of an array by its path in the part.

        Raises
        ------
        ArrayNotRecordedError
            There is no such array.
        RunFormatError
            It is laid out as no array of a run is.
        """
        with self._lock:
            reader = now.readers.get(path)
            if reader is None:
                reader = now.readers[path] = self.make(now, path)
            return reader

    def of_stored(self, now: CommittedRun, path: str) -> ArrayReader:
        """Reader of what lies at a path of the whole run; raises as `of` does."""
        reader = self._plain(now, path)
        column = now.checked.get(path) if self.checks_frames else None
        if column is None:
            return reader
        return CheckedFrames(path, reader, self._plain(now, CHECKSUMS), column)

    def make(self, now: CommittedRun, path: str) -> ArrayReader:
        """Make the reader of an array anew; raises as `of` does."""
        derived = now.derived.get(path)
        if derived is None:
            return self._stored(now, path)
        following = FollowingArray(derived, [self.of(now, each) for each in derived.sources])
        if path not in now.nodes:
            return following
        return JoinedArray(following, self._stored(now, path), derived.begins)

    def _stored(self, now: CommittedRun, path: str) -> ArrayReader:
        document = now.nodes.get(path)
        if document is None or document["node_type"] != "array" or not now.is_whole(path):
            arrays = [other for other, node in now.nodes.items() if node["node_type"] == "array"]
            arrays += now.derived
            raise ArrayNotRecordedError(
                f"The run has no array {path!r}. {did_you_mean(path, arrays)}"
            )
        return self.of_stored(now, stored_path(path, self._part))

    def _plain(self, now: CommittedRun, path: str) -> ArrayReader:
        document = now.stored_nodes[path]
        if isinstance(self._source, DirectorySource):
            local = local_reader(
                self._source, path, document, self._maps, checks_frames=self.checks_frames
            )
            if local is not None:
                return local
        reader = packed_reader(self._source, path, now.stored_nodes, now.cache)
        if reader is None:
            raise RunFormatError(
                f"{self._source.location}: {path!r} is laid out or encoded as no array of a run "
                "is; the run is damaged."
            )
        return reader
