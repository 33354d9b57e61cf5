"""Whose a run is: a user keeps signatures of the own runs, outside of them.

A signature is an HMAC, by a key that each user has on each machine, over what a run says of itself:
when it was recorded, its name and notes, its network and its probe. That stays the same while a run
grows, when it is packed, shared, moved or copied, and nobody without the key can make one. It does
not cover the numbers, which grow: so it says where a run began, not that it was left alone since.

No right depends on it. A run without a signature is shown as foreign, and that is all: what is
promised of foreign runs (SECURITY.md) holds for every run.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import uuid
from pathlib import Path
from typing import Any

import platformdirs

from store.format.names import AFTER_GROUP, DERIVED, HISTORY_PREFIX
from store.reading.run import Run

# The folder of key and signatures, for tests and for homes that cannot be written.
FOLDER_VARIABLE = "TRAINLAPSE_CONFIG"
KEY_BYTES = 32
# Of the root's attributes, those that stay what they are at the first step.
SIGNED = ("run_id", "created", "name", "notes", "outputs")
# Groups that come later, or with another form.
UNSIGNED_GROUPS = (AFTER_GROUP, HISTORY_PREFIX.rstrip("/"))


def is_signed(run: Run) -> bool:
    """Whether this user has signed a run, here; without a key that can be read: no."""
    try:
        key = _key_file().read_bytes()
        return len(key) == KEY_BYTES and _signature(run, key).is_file()
    except OSError:
        return False


def sign(run: Run) -> None:
    """Sign a run, and each of its parts.

    Raises
    ------
    OSError
        The signature cannot be kept.
    """
    for signature in _signatures(run, _key()):
        signature.parent.mkdir(exist_ok=True)
        signature.touch()


def withdraw(run: Run) -> None:
    """Take a signature back; does nothing where there is none.

    Raises
    ------
    OSError
        It cannot be removed.
    """
    if is_signed(run):
        for signature in _signatures(run, _key()):
            signature.unlink(missing_ok=True)


def sign_like(run: Run, source: Run) -> None:
    """Sign what was made of a run of this user's; where that cannot be kept, it is not signed."""
    if is_signed(source):
        with contextlib.suppress(OSError):
            sign(run)


def _signatures(run: Run, key: bytes) -> list[Path]:
    return [_signature(each, key) for each in (run, *run.parts.values())]


def _signature(run: Run, key: bytes) -> Path:
    """File whose being there is the signature."""
    digest = hmac.new(key, _described(run), hashlib.sha256).hexdigest()
    return _folder() / "signatures" / digest


def _described(run: Run) -> bytes:
    """Give what a run says of itself from its first step to its last, in one form."""
    groups: dict[str, dict[str, Any]] = {}
    for path, node in run.nodes.items():
        if node["node_type"] != "group" or path.split("/")[0] in UNSIGNED_GROUPS:
            continue
        # An output that followed from others may cease to.
        said = {name: value for name, value in node["attributes"].items() if name != DERIVED}
        if said:
            groups[path] = said
    root = {name: run.attributes.get(name) for name in SIGNED}
    return json.dumps([root, groups], sort_keys=True, separators=(",", ":")).encode()


def _key() -> bytes:
    """Key of this user, which is made when it is first needed."""
    file = _key_file()
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = file.with_name(f".{uuid.uuid4().hex}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(secrets.token_bytes(KEY_BYTES))
        try:
            with contextlib.suppress(FileExistsError):  # another process was first
                os.link(fresh, file)
        finally:
            fresh.unlink()
    return file.read_bytes()


def _key_file() -> Path:
    return _folder() / "key"


def _folder() -> Path:
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen or platformdirs.user_config_dir("trainlapse", False))
