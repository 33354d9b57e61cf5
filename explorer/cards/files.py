"""Numbers as files: CSV tables, NumPy's npz, NetCDF."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from explorer.widgets.shaping import STEP, apart, identifier

# What a NetCDF file of version 3 holds besides texts; wider integers become narrower if they fit.
WHOLE = {"u1": np.int16, "u2": np.int32, "u4": np.float64, "i8": np.int64, "u8": np.float64}


def csv_tables(parts: Sequence[xr.Dataset]) -> dict[str, str]:
    """Make a CSV table, by its name, of all variables of a part that share their dimensions.

    A row for each combination of the dimensions, labels beside it. Columns of values that are
    known from 8-bit colours alone end in ``(8 bit)``.
    """
    tables: dict[str, str] = {}
    for made in parts:
        title = identifier(str(made.attrs["title"]), "table")
        groups: dict[tuple[Any, ...], list[Any]] = {}
        for name, variable in made.data_vars.items():
            groups.setdefault(variable.dims, []).append(name)
        for names in groups.values():
            told = title if len(groups) == 1 else f"{title}_{names[0]}"
            tables[apart(*tables, told)[-1]] = _csv(made[names])
    return tables


def _csv(made: xr.Dataset) -> str:
    quantized = {
        name: f"{name} (8 bit)"
        for name, variable in made.data_vars.items()
        if "quantized" in variable.attrs
    }
    # Each dimension is a column, also one without a coordinate; but not mere numbers of rows.
    whole = made.assign_coords(
        {str(dim): np.arange(size) for dim, size in made.sizes.items() if dim not in made.coords}
    )
    order = sorted(made.sizes, key=lambda dim: dim != STEP)
    frame = whole.to_dataframe(dim_order=order).reset_index().rename(columns=quantized)
    if "row" in made.sizes and "row" not in made.coords:
        frame = frame.drop(columns="row")
    return str(frame.to_csv(index=False, na_rep="NaN"))


def joined(parts: Sequence[xr.Dataset], about: Mapping[str, Any]) -> xr.Dataset:
    """Put parts into one dataset; of several, names begin with the part's title.

    Parameters
    ----------
    parts : sequence of Dataset
        As `explorer.cards.numbers.numbers_of` gives them.
    about : mapping
        Attributes of the whole: run, view and selection.
    """
    prefixes = apart(*(identifier(str(made.attrs["title"]), "part") for made in parts))
    renamed = []
    for prefix, made in zip(prefixes, parts, strict=True):
        if len(parts) > 1:
            names = [name for name in {*made.variables, *made.sizes} if name != STEP]
            made = made.rename({name: f"{prefix}_{name}" for name in names})
        renamed.append(made.drop_attrs(deep=False))
    titles = {"parts": json.dumps([made.attrs["title"] for made in parts], ensure_ascii=False)}
    return xr.merge(renamed, compat="no_conflicts", join="outer").assign_attrs({**about, **titles})


def npz_bytes(made: xr.Dataset) -> bytes:
    """Arrays by name, and as JSON ``dimensions`` and ``attributes``, of the whole under ""."""
    told = {
        "dimensions": {str(name): list(map(str, made[name].dims)) for name in made.variables},
        "attributes": {"": made.attrs, **{str(name): made[name].attrs for name in made.variables}},
    }
    arrays = {str(name): made[name].values for name in made.variables}
    texts = {name: np.array(json.dumps(value, default=str)) for name, value in told.items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays, **texts)  # type: ignore[arg-type]
    return buffer.getvalue()


def netcdf_bytes(made: xr.Dataset) -> bytes:
    """Write a NetCDF file of version 3, which needs no library besides scipy."""
    for name in made.variables:
        wider = WHOLE.get(made[name].dtype.str[1:])
        if wider is not None:
            made = made.assign({name: made[name].astype(wider, keep_attrs=True)})
        elif made[name].dtype == bool:
            made = made.assign({name: made[name].astype(np.int8, keep_attrs=True)})
        elif made[name].dtype == np.float16:
            made = made.assign({name: made[name].astype(np.float32, keep_attrs=True)})
    return bytes(made.to_netcdf(engine="scipy"))


def zipped(files: Mapping[str, str]) -> bytes:
    """Put several texts into one zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def packed(ending: str, parts: Sequence[xr.Dataset], about: Mapping[str, Any]) -> tuple[bytes, str]:
    """Make one file, whatever the card holds.

    Parameters
    ----------
    ending : {"csv", "npz", "nc"}
        What file is wanted.
    parts, about
        As for `joined`.

    Returns
    -------
    content : bytes
        The file.
    ending : str
        ``zip`` instead of ``csv`` if there are several tables.
    """
    if ending == "npz":
        return npz_bytes(joined(parts, about)), ending
    if ending == "nc":
        return netcdf_bytes(joined(parts, about)), ending
    tables = csv_tables(parts)
    if len(tables) == 1:
        return next(iter(tables.values())).encode(), ending
    return zipped({f"{name}.csv": text for name, text in tables.items()}), "zip"
