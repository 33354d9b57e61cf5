"""Common part of the browser components."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, ClassVar

import param
from bokeh.document import Document
from panel.custom import JSComponent

FOLDER = Path(__file__).parent
# Each script with all that it imports, in one file; `make bundle` writes them.
BUNDLE = FOLDER.parent / "bundle"
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

        What it calls a bundle is the name under which the page keeps the script's module.
        """
        properties = super()._get_properties(doc)
        script = properties["esm"].encode()
        return properties | {"bundle": hashlib.sha256(script).hexdigest()}
