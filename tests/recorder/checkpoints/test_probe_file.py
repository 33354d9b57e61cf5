"""Probes of strangers: what their files claim is held against their bytes."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from recorder.checkpoints import claims
from recorder.checkpoints.probe_file import load_probe
from store.errors import SpecError
from store.testing import seeded


def array_bytes(shape: str = "(2, 3)", descr: str = "'<f4'", content: bytes = bytes(24)) -> bytes:
    """Array in NumPy's format, of which the header says so."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + content


def write(path: Path, content: bytes, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("x.npy", content)
    return path


def test_a_sound_one(tmp_path: Path) -> None:
    probe = load_probe(write(tmp_path / "p.npz", array_bytes()))
    assert [value.shape for value in probe.inputs.values()] == [(2, 3)]


@pytest.mark.parametrize(
    "content",
    [
        array_bytes("(1000000000000,)"),
        array_bytes("(4611686018427387904, 4611686018427387904)"),
        array_bytes("(-1, 3)"),
        array_bytes("(" + "1, " * 300 + ")"),
        array_bytes("2"),
        array_bytes("(²,)"),
        array_bytes("(" * 60 + ")" * 60),
        array_bytes(descr="'O'"),
        array_bytes(descr="'<f400000'"),
        array_bytes(descr="[('a', '<f4'), ('a', '<f4')]"),
        b"\x93NUMPY\x09\x00",
        b"",
    ],
    ids=lambda content: str(content[10:70]),
)
def test_arrays_that_are_none(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SpecError, match=r"cannot be read as a probe|is inconsistent"):
        load_probe(write(tmp_path / "p.npz", content))


def test_an_array_that_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "SPARE_BYTES", 10**6)
    content = array_bytes("(500000, 1)", content=bytes(2 * 10**6))
    path = write(tmp_path / "p.npz", content, zipfile.ZIP_DEFLATED)
    with pytest.raises(SpecError, match="it would take 2,000,128 bytes"):
        load_probe(path)


def test_contents_that_cannot_be_unpacked(tmp_path: Path) -> None:
    content = array_bytes("(5000,)", content=seeded(0).randbytes(20_000))
    path = write(tmp_path / "p.npz", content, zipfile.ZIP_DEFLATED)
    whole = path.read_bytes()
    path.write_bytes(whole[:60] + b"\xff" * 20 + whole[80:])
    with pytest.raises(SpecError, match="cannot be read as a probe"):
        load_probe(path)
    method = whole.index(b"PK\x01\x02") + 10
    path.write_bytes(whole[:method] + b"\x63" + whole[method + 1 :])
    with pytest.raises(SpecError, match="cannot be read as a probe"):
        load_probe(path)


@pytest.mark.parametrize("name", ["labels", "class_names", "texts", "kind", "task"])
@pytest.mark.parametrize("value", [np.int8(3), np.zeros((2, 2, 2)), np.array([["\x1b[2J"]])])
def test_arrays_in_the_place_of_others(tmp_path: Path, name: str, value: np.ndarray) -> None:
    content = io.BytesIO()
    np.savez(content, x=np.zeros((2, 3), np.float32), **{name: value})
    (tmp_path / "p.npz").write_bytes(content.getvalue())
    with contextlib.suppress(SpecError):
        load_probe(tmp_path / "p.npz")
