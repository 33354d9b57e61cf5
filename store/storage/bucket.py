"""Read a run from an S3-compatible bucket, or Google's or Azure's, through obstore.

obstore and s3fs were compared (benchmarks/remote.py): obstore needs no event loop, lets go of
the GIL, and has no dependencies that pin others. Endpoint, region and credentials come from the
environment (``AWS_ENDPOINT_URL``, ``AWS_REGION``, ``AWS_ACCESS_KEY_ID`` …); a bucket that is
public needs none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from store.errors import MissingExtraError, RemoteError
from store.storage.confined import checked_key
from store.storage.sources import MOST_REMOTE_BYTES, REMOTE_GAP_BYTES

if TYPE_CHECKING:
    from obstore.store import ObjectStore


class _Bucket:
    """Parts of objects below an address."""

    is_remote = True

    def __init__(self, url: str) -> None:
        self.location = url
        self.requests = 0
        self._store = _open(url)

    def get(self, key: str, start: int, length: int | None) -> tuple[bytes, int]:
        """Bytes of an object, and its whole size."""
        import obstore
        from obstore.exceptions import BaseError

        self.requests += 1
        part: Any = {"suffix": -start} if start < 0 else {"offset": start}
        if start >= 0 and length is not None:
            part = (start, start + max(1, length))
        try:
            answer = obstore.get(self._store, key, options={"range": part})
            first, end = answer.range
            if length is None and end - first > MOST_REMOTE_BYTES:
                raise RemoteError(
                    f"{self.location}/{key} is larger than any file that is read whole."
                )
            content = bytes(answer.bytes())
        except (FileNotFoundError, RemoteError):
            raise
        except (BaseError, OSError, ValueError) as error:
            raise RemoteError(f"{self.location}/{key} cannot be read: {error}") from error
        return content[:length], int(answer.meta["size"])


class BucketSource:
    """A directory in a bucket.

    Parameters
    ----------
    url : str
        For instance ``s3://bucket/runs/lenet.zarr``.
    """

    is_remote = True
    gap_bytes = REMOTE_GAP_BYTES

    def __init__(self, url: str) -> None:
        self.location = url
        self.bucket = _Bucket(url)

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of an object."""
        return self.bucket.get(checked_key(key), start, length)[0]

    def sizes(self) -> Mapping[str, int]:
        """Bytes of every object."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            pages = obstore.list(self.bucket._store)
            return {str(item["path"]): int(item["size"]) for page in pages for item in page}
        except (BaseError, OSError) as error:
            raise RemoteError(f"{self.location} cannot be listed: {error}") from error


class BucketFile:
    """One object in a bucket."""

    is_remote = True

    def __init__(self, url: str) -> None:
        self.location = url
        folder, _, self._name = url.rpartition("/")
        self.bucket = _Bucket(folder)
        self._size = 0

    def read(self, start: int, length: int | None = None) -> bytes:
        """Bytes of the object."""
        content, self._size = self.bucket.get(self._name, start, length)
        return content

    def size(self) -> int:
        """Bytes of the object, known from the first answer."""
        return self._size


def _open(url: str) -> ObjectStore:
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError:
        raise MissingExtraError(
            f"Reading {url} needs the extra 'remote': pip install 'trainlapse[remote]'"
        ) from None
    options: dict[str, Any] = {"client_options": _PATIENCE.copy(), "retry_config": _RETRIES}
    if url.startswith("s3://"):
        if not any(name in os.environ for name in _CREDENTIALS):
            options["skip_signature"] = True
        if os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://"):
            options["client_options"]["allow_http"] = True
    try:
        return from_url(url, **options)
    except (BaseError, ValueError) as error:
        raise RemoteError(f"{url} cannot be opened: {error}") from error


# As long as a web server is waited for (`store.storage.patience`).
_PATIENCE: dict[str, Any] = {"connect_timeout": "10s", "timeout": "300s"}
_RETRIES: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=60)}
# Any of these means that the bucket is asked with credentials.
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
