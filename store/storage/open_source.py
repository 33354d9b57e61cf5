"""From what a user types to the source that reads it."""

from __future__ import annotations

import urllib.parse
from pathlib import Path

from store.errors import RunNotFoundError, TrainlapseError
from store.storage.location import MAX_ROOT_BYTES, expanded, find, read_content
from store.storage.sources import DirectorySource, Source
from store.storage.zip_source import LocalFile, ZipSource

_WEB = ("http", "https")
_BUCKETS = ("s3", "gs", "az")


def open_source(location: str | Path) -> Source:
    """Source for a directory, a zip file, a web address, or a bucket's address."""
    scheme, colon, _ = str(location).partition("://")
    if isinstance(location, Path) or not colon:
        return _local_source(location)
    url = str(location).rstrip("/")
    try:
        is_zip = urllib.parse.urlsplit(url).path.endswith(".zip")
        if scheme in _WEB:
            from store.storage.redirects import checked
            from store.storage.web import WebFile, WebSource

            url = checked(url)
            return ZipSource(WebFile(url)) if is_zip else WebSource(url)
        if scheme in _BUCKETS:
            from store.storage.bucket import BucketFile, BucketSource

            return ZipSource(BucketFile(url)) if is_zip else BucketSource(url)
    except FileNotFoundError:
        raise RunNotFoundError(f"There is no run at {location}.") from None
    except ValueError as error:
        raise RunNotFoundError(f"{location} is not an address: {error}") from error
    raise RunNotFoundError(
        f"{location}: runs are opened from a directory, a .zip, http(s)://, s3://, gs:// or az://."
    )


def _local_source(location: str | Path) -> Source:
    try:
        path = expanded(location)
        return ZipSource(LocalFile(path)) if path.is_file() else DirectorySource(path)
    except TrainlapseError:
        raise
    except OSError as error:  # a name too long, or no right to look
        raise RunNotFoundError(f"{location} cannot be opened: {error}") from error


def first_content(source: Source) -> bytes:
    """Root document at opening: where there is none, the message says what is there instead."""
    return find(source.directory) if isinstance(source, DirectorySource) else root_content(source)


def root_content(source: Source) -> bytes:
    """Root document of the run in a source, as it stands there.

    Raises
    ------
    RunNotFoundError
        There is none.
    """
    if isinstance(source, DirectorySource):
        return read_content(source.directory)
    try:
        return source.read("zarr.json", 0, MAX_ROOT_BYTES)
    except FileNotFoundError:
        raise RunNotFoundError(
            f"There is no run at {source.location}: it has no zarr.json."
        ) from None
