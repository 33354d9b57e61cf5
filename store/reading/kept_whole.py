"""What of a run is read whole and kept: the probe, and the model's configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from store.errors import RunFormatError
from store.format import probe as probe_io
from store.format.byte_budget import check_at_once
from store.format.code import without_code
from store.format.metadata import Document
from store.format.probe import from_json_bytes
from store.format.spec import ProbeSpec
from store.reading.arrays import ArrayReader
from store.reading.lazy import nbytes, whole

CONFIG = "model/config"


def probe_of(
    nodes: Mapping[str, Document], reader: Callable[[str], ArrayReader], where: str
) -> ProbeSpec | None:
    """Read the fixed inputs with labels and texts; None if none were recorded.

    Parameters
    ----------
    nodes : mapping of str to Document
        Metadata of the run, by path.
    reader : callable
        Gives the reader of an array by its path.
    where : str
        Names the run in messages.

    Raises
    ------
    RunFormatError
        They are damaged.
    """
    if "probe" not in nodes:
        return None
    dims = {
        path.removeprefix("probe/"): tuple(document["dimension_names"])
        for path, document in nodes.items()
        if path.startswith("probe/")
    }
    kinds = {
        name: str(nodes[f"probe/{name}"]["attributes"]["kind"])
        for name in dims
        if "kind" in nodes[f"probe/{name}"]["attributes"]
    }
    claimed = sum(nbytes(reader(f"probe/{name}")) for name in dims)
    check_at_once(f"{where}: the probe", claimed)
    try:
        return probe_io.read(
            nodes["probe"]["attributes"], dims, kinds, lambda name: whole(reader(f"probe/{name}"))
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise RunFormatError(f"{where}: the probe is damaged ({error}).") from error


def config_of(
    nodes: Mapping[str, Document], reader: Callable[[str], ArrayReader], where: str
) -> Mapping[str, Any] | None:
    """Read the model's Keras configuration; None if it was not recorded.

    Parameters
    ----------
    nodes, reader, where
        As for `probe_of`.

    Raises
    ------
    RunFormatError
        It is damaged.
    """
    if CONFIG not in nodes:
        return None
    try:
        config = from_json_bytes(whole(reader(CONFIG)))
    except (ValueError, RecursionError) as error:
        raise RunFormatError(f"{where}: the model's configuration is damaged ({error}).") from error
    if not isinstance(config, dict):
        raise RunFormatError(f"{where}: the model's configuration is not an object.")
    return cast("Mapping[str, Any]", without_code(config))
