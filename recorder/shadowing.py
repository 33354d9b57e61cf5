"""Find out whether a file of the user's own hides the package `store`.

A script's own folder comes first where Python looks for modules.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

PACKAGES_FOLDER = Path(__file__).resolve().parents[1]


def check_store() -> None:
    """Raise `ImportError` when ``import store`` gives another module than ours.

    The module is only looked for and not run: what it does is the user's own.
    """
    if "store" in sys.modules:
        found = getattr(sys.modules["store"], "__file__", None)
    else:
        spec = importlib.util.find_spec("store")
        found = None if spec is None else spec.origin
    expected = PACKAGES_FOLDER / "store" / "__init__.py"
    if found is not None and Path(found).resolve() != expected:
        raise ImportError(
            f"{found} hides Trainlapse's package 'store', because Python looks beside your script "
            "first: give that file or folder another name.",
            name="store",
            path=found,
        )
