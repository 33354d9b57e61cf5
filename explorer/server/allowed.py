"""Which runs a page may open: those beside or below what the server was started with."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit


class AllowedPlaces:
    """Folders and addresses; what lies in them, however deep, may be opened.

    A page asks with the rights of who started the server: to read any file of the user, and to ask
    any address that this machine reaches.

    Parameters
    ----------
    folders : iterable of str or Path
        Folders, or their addresses (``http(s)://``, ``s3://``).
    """

    def __init__(self, folders: Iterable[str | Path] = ()) -> None:
        self._folders: dict[str | Path, None] = {}
        for folder in folders:
            self.add(folder)

    def add(self, folder: str | Path) -> None:
        """Allow what lies in a folder."""
        self._folders[_place(str(folder))] = None

    def add_beside(self, location: str) -> None:
        """Allow what lies beside a run that somebody at the terminal has named."""
        place = _place(location)
        self._folders[place.parent if isinstance(place, Path) else posixpath.dirname(place)] = None

    def check(self, location: str) -> None:
        """Do nothing for what may be opened.

        Raises
        ------
        ValueError
            It may not; the message says how who started the server can allow it.
        """
        try:
            place = _place(location)
        except (OSError, ValueError, RuntimeError) as error:
            raise ValueError(f"There is no run at {location!r}: {error}.") from error
        if not any(_is_below(place, folder) for folder in self._folders):
            known = ", ".join(map(str, self._folders)) or "none"
            raise ValueError(
                f"{location} is not in a folder that this server may open runs from ({known}). Who "
                "started it can allow another folder, or an address such as https://host/runs: "
                "trainlapse explore RUN --allow FOLDER"
            )


def _place(location: str) -> str | Path:
    """Give the folder that a path really leads to, or an address in one form.

    Raises
    ------
    OSError, ValueError, RuntimeError
        It is no path, or no address.
    """
    if "://" not in location:
        return Path(location).expanduser().resolve()
    parts = urlsplit(location)
    path = parts.path
    while (decoded := unquote(path)) != path:  # some servers do so twice
        path = decoded
    path = path.replace("\\", "/")
    # Servers differ in where that leads, and some take parameters behind a semicolon.
    if any(name.partition(";")[0] == ".." for name in path.split("/")):
        raise ValueError("its path leads upwards")
    port = f":{parts.port}" if parts.port else ""
    host = f"{parts.scheme.lower()}://{(parts.hostname or '').lower()}{port}"
    return host + posixpath.normpath(f"/{path.lstrip('/')}")


def _is_below(place: str | Path, folder: str | Path) -> bool:
    if isinstance(place, Path):
        return isinstance(folder, Path) and place.is_relative_to(folder)
    return isinstance(folder, str) and f"{place}/".startswith(f"{folder.rstrip('/')}/")
