"""Common part of the browser components."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import param
from panel.custom import JSComponent

FOLDER = Path(__file__).parent


def script(name: str) -> str:
    """Read the module of a component, the page's clock in front of it."""
    clock = (FOLDER / "clock.js").read_text(encoding="utf-8")
    return clock + (FOLDER / name).read_text(encoding="utf-8")


class Widget(JSComponent):
    """A component that follows the clock of its page.

    Messages are not debounced: components send little, and say so themselves when at rest.
    """

    channel = param.String(default="main", doc="Name of the clock that the component follows.")

    _debounce: ClassVar[int] = 0
    _esm = "export function render() {}"
    _stylesheets: ClassVar[list[str]] = [(FOLDER / "widgets.css").read_text(encoding="utf-8")]
