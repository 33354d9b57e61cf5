"""Common part of the browser components."""

from __future__ import annotations

import functools
import hashlib
import weakref
from pathlib import Path
from typing import Any, ClassVar

import param
from bokeh.document import Document
from panel.custom import JSComponent

FOLDER = Path(__file__).parent
# Each script with all that it imports, in one file; `make bundle` writes them.
BUNDLE = FOLDER.parent / "bundle"
# Where a page finds the scripts, if its server has them (explorer/server/scripts.py).
SCRIPTS = "scripts"
# Style sheets of components by name: each lies beside its module.
SHEETS = {path.stem: path for path in sorted(FOLDER.rglob("*.css"))}


def script(name: str) -> str:
    """Read a script together with all that it imports.

    Parameters
    ----------
    name : str
        Its file, as it is called beside its Python.
    """
    return (BUNDLE / name).read_text(encoding="utf-8")


_with_addresses: weakref.WeakSet[Document] = weakref.WeakSet()


def fetch_scripts(document: Document) -> None:
    """Have a page fetch the scripts of its components from its server, each once.

    Without, each component comes with the text of its script: a card has a heading with the same
    one. By their addresses a browser also knows scripts that it has kept from the last visit.

    Parameters
    ----------
    document : Document
        Of a page whose server has them at `SCRIPTS`.
    """
    _with_addresses.add(document)


@functools.cache
def _digest(script: str) -> str:
    return hashlib.sha256(script.encode()).hexdigest()


@functools.cache
def _addresses() -> dict[str, str]:
    """Address of each script, relative to the page, by the digest of its text."""
    digests = {path.name: _digest(script(path.name)) for path in sorted(BUNDLE.glob("*.js"))}
    # With a version, the server lets browsers keep a file for years.
    return {digest: f"./{SCRIPTS}/{name}?v={digest[:20]}" for name, digest in digests.items()}


def styles(*names: str) -> list[str]:
    """Read style sheets: what all widgets share, and those of some, without their ending."""
    return [SHEETS[name].read_text(encoding="utf-8") for name in ("widgets", *names)]


class Widget(JSComponent):
    """A component that follows the clock of its page.

    Messages are not debounced: components send little, and say so themselves when at rest.
    """

    channel = param.String(default="main", doc="Name of the clock that the component follows.")

    _debounce: ClassVar[int] = 0
    _esm = "export function render() {}"
    _stylesheets: ClassVar[list[str]] = styles()

    def _get_properties(self, doc: Document | None) -> dict[str, Any]:
        """Say that the script is plain JavaScript: Panel would translate each component's anew.

        What it calls a bundle is the name under which the page keeps the script's module, or
        ``url`` where it is fetched.
        """
        properties = super()._get_properties(doc)
        digest = _digest(properties["esm"])
        address = _addresses().get(digest) if doc in _with_addresses else None
        if address is not None:
            return properties | {"bundle": "url", "esm": address}
        return properties | {"bundle": digest}
