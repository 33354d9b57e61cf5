"""What Python reads as JSON and the standard does not is refused where a run is opened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import open_run
from store.errors import RunFormatError
from store.format.strict_json import MOST_DEPTH, parse
from store.testing import write_run

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES, st.booleans())
def test_json_is_read(value: Any, ensure_ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=ensure_ascii, allow_nan=False)
    assert parse(text) == value == parse(text.encode())


@given(st.binary())
def test_bytes_are_json_or_a_value_error(content: bytes) -> None:
    try:
        value = parse(content)
    except ValueError:
        return
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[-Infinity]",
        "1e999",
        '"\\ud800"',
        '{"\\uDFFF": 1}',
        "9" * 5000,
        "[" * (MOST_DEPTH + 2) + "]" * (MOST_DEPTH + 2),
        "[" * 10**5,
        '{"a":' * 10**4,
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def in_config(document: Any, value: Any) -> None:
    document["consolidated_metadata"]["metadata"]["layers/conv1"]["attributes"]["config"] = value


def deep(count: int) -> Any:
    value: Any = 1
    for _ in range(count):
        value = [value]
    return value


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), "\ud800", {"\udfff": 1}, deep(400)])
def test_a_run_that_could_not_be_written_again_is_refused(tmp_path: Path, value: Any) -> None:
    path = write_run(tmp_path / "run.zarr")
    document = json.loads((path / "zarr.json").read_bytes())
    in_config(document, {"x": value})
    (path / "zarr.json").write_text(json.dumps(document))
    with pytest.raises(RunFormatError, match="not valid JSON"):
        open_run(path)


def test_more_dimensions_than_numpy_has(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.zarr")
    document = json.loads((path / "zarr.json").read_bytes())
    node = document["consolidated_metadata"]["metadata"]["layers/conv1/activation"]
    node["shape"] += [1] * 300
    node["dimension_names"] += [f"d{number}" for number in range(300)]
    node["chunk_grid"]["configuration"]["chunk_shape"] += [1] * 300
    (path / "zarr.json").write_text(json.dumps(document))
    with pytest.raises(RunFormatError, match="305 dimensions are more than NumPy has"):
        open_run(path)
