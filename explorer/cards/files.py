"""Write numbers as files: CSV tables, NumPy's npz, NetCDF."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from explorer.widgets.shaping import STEP, distinct, identifier

# Integer dtypes that NetCDF 3 lacks, and what they are stored as: xarray narrows int64 if it fits.
STORED_AS = {"u1": np.int16, "u2": np.int32, "u4": np.float64, "i8": np.int64, "u8": np.float64}


def csv_tables(parts: Sequence[xr.Dataset]) -> dict[str, str]:
    """Write a CSV table for each group of variables of a picture that share their dimensions.

    A table has a row for each combination of the dimensions, with its coordinates. The names of
    columns whose values are known only from 8-bit colours end in ``(8 bit)``.

    Parameters
    ----------
    parts : sequence of Dataset
        One for each picture, as from `explorer.cards.numbers.numbers_of`.

    Returns
    -------
    dict of str to str
        Texts by the name of the table.
    """
    tables: dict[str, str] = {}
    for made in parts:
        title = identifier(str(made.attrs["title"]), "table")
        groups: dict[tuple[Any, ...], list[Any]] = {}
        for name, variable in made.data_vars.items():
            groups.setdefault(variable.dims, []).append(name)
        for names in groups.values():
            own = title if len(groups) == 1 else f"{title}_{names[0]}"
            tables[distinct(*tables, own)[-1]] = _csv(made[names])
    return tables


def _csv(made: xr.Dataset) -> str:
    quantized = {
        name: f"{name} (8 bit)"
        for name, variable in made.data_vars.items()
        if "quantized" in variable.attrs
    }
    # Each dimension becomes a column, also one without a coordinate; "row" only numbers the rows.
    whole = made.assign_coords(
        {str(dim): np.arange(size) for dim, size in made.sizes.items() if dim not in made.coords}
    )
    order = sorted(made.sizes, key=lambda dim: dim != STEP)
    frame = whole.to_dataframe(dim_order=order).reset_index().rename(columns=quantized)
    if "row" in made.sizes and "row" not in made.coords:
        frame = frame.drop(columns="row")
    return str(frame.to_csv(index=False, na_rep="NaN"))


def joined(parts: Sequence[xr.Dataset], about: Mapping[str, Any]) -> xr.Dataset:
    """Merge datasets into one, by the conventions of CF.

    If there are several, each name begins with the picture's title.

    Parameters
    ----------
    parts : sequence of Dataset
        One for each picture, as from `explorer.cards.numbers.numbers_of`.
    about : mapping
        Attributes of the whole: run, view and selection.
    """
    prefixes = distinct(*(identifier(str(made.attrs["title"]), "part") for made in parts))
    renamed = []
    for prefix, made in zip(prefixes, parts, strict=True):
        if len(parts) > 1:
            recorded = STEP in made.dims
            names = [n for n in {*made.variables, *made.sizes} if n != STEP or not recorded]
            made = made.rename({name: f"{prefix}_{name}" for name in names})
        renamed.append(made.drop_attrs(deep=False))
    titles = {"parts": json.dumps([made.attrs["title"] for made in parts], ensure_ascii=False)}
    return xr.merge(renamed, compat="no_conflicts", join="outer").assign_attrs(
        {"Conventions": "CF-1.11", **about, **titles}
    )


def npz_bytes(made: xr.Dataset) -> bytes:
    """Write an npz file: arrays by name, and as JSON texts ``dimensions`` and ``attributes``.

    Both are by the name of the array; under "" are the attributes of the dataset.
    """
    described = {
        "dimensions": {str(name): list(map(str, made[name].dims)) for name in made.variables},
        "attributes": {"": made.attrs, **{str(name): made[name].attrs for name in made.variables}},
    }
    arrays = {str(name): made[name].values for name in made.variables}
    texts = {name: np.array(json.dumps(value, default=str)) for name, value in described.items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays, **texts)  # type: ignore[arg-type]
    return buffer.getvalue()


def netcdf_bytes(made: xr.Dataset) -> bytes:
    """Write a NetCDF file of version 3, for which xarray needs scipy only."""
    for name in made.variables:
        wider = STORED_AS.get(made[name].dtype.str[1:])
        if wider is not None:
            made = made.assign({name: made[name].astype(wider, keep_attrs=True)})
        elif made[name].dtype == bool:
            made = made.assign({name: made[name].astype(np.int8, keep_attrs=True)})
        elif made[name].dtype == np.float16:
            made = made.assign({name: made[name].astype(np.float32, keep_attrs=True)})
    return bytes(made.to_netcdf(engine="scipy"))


def zipped(files: Mapping[str, str]) -> bytes:
    """Write a zip file of texts, by their names in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def packed(ending: str, parts: Sequence[xr.Dataset], about: Mapping[str, Any]) -> tuple[bytes, str]:
    """Write the numbers of a card as one file.

    Parameters
    ----------
    ending : {"csv", "npz", "nc"}
        Format of the file.
    parts, about
        As for `joined`.

    Returns
    -------
    content : bytes
        The file.
    ending : str
        ``zip`` in place of ``csv`` if there are several tables.
    """
    if ending == "npz":
        return npz_bytes(joined(parts, about)), ending
    if ending == "nc":
        return netcdf_bytes(joined(parts, about)), ending
    tables = csv_tables(parts)
    if len(tables) == 1:
        return next(iter(tables.values())).encode(), ending
    return zipped({f"{name}.csv": text for name, text in tables.items()}), "zip"
