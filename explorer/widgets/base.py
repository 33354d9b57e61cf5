"""Common part of the browser components."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, ClassVar

import param
from bokeh.document import Document
from panel.custom import JSComponent

FOLDER = Path(__file__).parent
SHARED = FOLDER / "shared"
# Scripts and style sheets of components by name: each lies beside its module.
ASSETS = {
    path.name: path
    for ending in ("js", "css")
    for path in sorted(FOLDER.rglob(f"*.{ending}"))
    if path.parent != SHARED
}


def script(name: str, *shared: str, folder: Path | None = None) -> str:
    """Read a script, with the page's clock and shared parts in front of it.

    Parameters
    ----------
    name : str
        Its file, of a component for instance.
    *shared : str
        Names of files in the folder ``shared`` besides the clock, without their ending.
    folder : Path
        Where the file is; by default that of a component, which is found by its name.
    """
    parts = [SHARED / f"{part}.js" for part in ("clock", *shared)]
    return "".join(
        path.read_text(encoding="utf-8")
        for path in [*parts, ASSETS[name] if folder is None else folder / name]
    )


def styles(*names: str) -> list[str]:
    """Read style sheets: what all widgets share, and those of some, without their ending."""
    return [ASSETS[f"{name}.css"].read_text(encoding="utf-8") for name in ("widgets", *names)]


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
