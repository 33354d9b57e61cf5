"""Checkpoints of strangers: what they claim is held against their bytes, before it is believed."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from recorder import Probe
from recorder.checkpoints import claims
from recorder.checkpoints.claims import SPARE_PARAMETERS, parameters
from recorder.checkpoints.import_run import import_run
from recorder.checkpoints.model_source import load_network
from recorder.checkpoints.reading import inspect
from recorder.keras.subject import KerasSubject
from store.errors import CheckpointError
from store.testing import seeded

pytestmark = [
    pytest.mark.slow,
    # Keras's own saving converts its variables in a way that NumPy 2 calls old.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Members of a sound ``.keras`` file."""
    import keras

    path = tmp_path_factory.mktemp("sound") / "m.keras"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def written(members: dict[str, bytes], tmp_path: Path) -> Callable[..., Path]:
    """Write a ``.keras`` file with other members."""

    def write(**changed: bytes) -> Path:
        path = tmp_path / "m-1.keras"
        content = members | {name.replace("__", "."): value for name, value in changed.items()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, value in content.items():
                archive.writestr(name, value)
        return path

    return write


def changed(members: dict[str, bytes], change: Callable[[list[Any]], None]) -> bytes:
    """Configuration with other layers."""
    config = json.loads(members["config.json"])
    change(config["config"]["layers"])
    return json.dumps(config).encode()


def layer(class_name: str, **config: Any) -> dict[str, Any]:
    config = {"name": "added"} | config
    return {"module": "keras.layers", "class_name": class_name, "config": config}


def imported(checkpoint: Path, folder: Path) -> None:
    """Import a checkpoint with the network of ``model.json``."""
    probe = Probe(np.ones((2, 4), np.float32))
    model, run = folder / "model.json", folder / "run.zarr"
    import_run(checkpoint, run, probe, model=model, pattern="m-{step}", progress=False)


@pytest.mark.parametrize(
    "added",
    [
        layer("Dense", units=10**9),
        layer("Dense", units=10**9, kernel_initializer="orthogonal"),
        layer("Embedding", input_dim=10**12, output_dim=1),
        layer("PReLU", alpha_initializer="zeros")
        | {"build_config": {"input_shape": [None, 10**10]}},
    ],
    ids=lambda added: f"{added['class_name']} {list(added['config'].values())[1:]}",
)
def test_parameters_that_no_file_holds(
    members: dict[str, bytes], written: Callable[..., Path], added: Any
) -> None:
    path = written(config__json=changed(members, lambda layers: layers.append(added)))
    with pytest.raises(CheckpointError, match="parameters, and the files"):
        load_network(path)


@pytest.mark.parametrize("units", [2**62, 10**30, -1, 0, 1.5, "1e9", None, [3], float("nan")])
def test_numbers_that_are_none(
    members: dict[str, bytes], written: Callable[..., Path], units: Any
) -> None:
    added = layer("Dense", units=units)
    path = written(config__json=changed(members, lambda layers: layers.append(added)))
    with pytest.raises(CheckpointError, match="cannot be built"):
        load_network(path)


def test_many_layers_together(members: dict[str, bytes], written: Callable[..., Path]) -> None:
    def add(layers: list[Any]) -> None:
        layers += [layer("Dense", units=3000, name=f"wide{i}") for i in range(4)]

    path = written(config__json=changed(members, add))
    with pytest.raises(
        CheckpointError, match=r"would have 27,\d{3},\d{3} parameters, and the files"
    ):
        load_network(path)


def test_a_model_without_an_input_is_built_by_the_probe(
    members: dict[str, bytes], written: Callable[..., Path], tmp_path: Path
) -> None:
    config = json.loads(members["config.json"])
    dense = config["config"]["layers"][-1]
    del config["build_config"], dense["build_config"]
    dense["config"]["units"] = 10**9
    config["config"] = {"name": "no_input", "layers": [dense]}
    (tmp_path / "model.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"5,000,000,000 parameters"):
        imported(written(), tmp_path)


def test_json_is_held_against_the_checkpoints(
    members: dict[str, bytes], written: Callable[..., Path], tmp_path: Path
) -> None:
    big = changed(members, lambda layers: layers.append(layer("Dense", units=10**9)))
    (tmp_path / "model.json").write_bytes(big)
    with pytest.raises(CheckpointError, match="parameters, and the files with its weights"):
        imported(written(), tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"null",
        b'"text"',
        b"[" * 100_000,
        b"[" * 900 + b"]" * 900,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'{"class_name": ["Dense"], "config": {}}',
        b'{"class_name": {"a": 1}, "module": 7, "config": {}}',
        b'{"class_name": "Sequential", "module": "keras", "config": {"layers": 7}}',
        b'{"class_name": "Sequential", "module": "keras", "config": NaN}',
        b'{"class_name": "__tensor__", "config": {"value": "x", "dtype": "evil"}}',
        b'{"class_name": "function", "module": "builtins", "config": "eval"}',
        b'{"class_name": "get_file", "module": "keras.utils", "config": {}}',
        b'{"a": "' + b"A" * (20 * 2**20) + b'"}',
        b"\xff\xfe",
        b"",
        b"1" * 10_000,
    ],
    ids=lambda content: str(content[:30]),
)
def test_configurations_that_are_none(written: Callable[..., Path], content: bytes) -> None:
    with pytest.raises(CheckpointError):
        load_network(written(config__json=content))


@pytest.mark.parametrize("name", ["TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer"])
def test_code_of_other_frameworks(
    members: dict[str, bytes], written: Callable[..., Path], name: str
) -> None:
    added = layer(name, module="gASV", filepath="/")
    path = written(config__json=changed(members, lambda layers: layers.append(added)))
    with pytest.raises(CheckpointError, match=f"needs code that is not Keras's: {name}"):
        load_network(path)


def test_files_of_the_reader(members: dict[str, bytes], written: Callable[..., Path]) -> None:
    added = layer("StringLookup", vocabulary="/etc/passwd")
    path = written(config__json=changed(members, lambda layers: layers.append(added)))
    with pytest.raises(CheckpointError, match="would read files of yours: /etc/passwd"):
        load_network(path)


# -- weights ---------------------------------------------------------------------------------------


def hdf5(write: Callable[[Any], None]) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        write(file)
    return content.getvalue()


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda file: file.create_dataset("a", (10**12,), "f4"), "it would take 4,000,000,000,000"),
        (lambda file: file.create_dataset("a", (2**60,), "i1", chunks=(1000,)), "it would take"),
        (
            lambda file: file.create_dataset(
                "a", (1000, 1000, 1000), "f4", compression="gzip", chunks=(1, 1000, 1000)
            ),
            "it would take",
        ),
        (
            lambda file: file.create_dataset(
                "a", (1,), "f4", compression="gzip", chunks=(10**9,), maxshape=(None,)
            ),
            "it would take 4,000,000,000",
        ),
        (
            lambda file: file.create_dataset("a", (2,), h5py.string_dtype()),
            "a: values of any length",
        ),
        (
            lambda file: file.create_dataset(
                "a", (2,), [("b", "i1"), ("c", h5py.vlen_dtype("f4"))]
            ),
            "a: values of any length",
        ),
        (
            lambda file: file.create_dataset("a", (9,), "i1", external=[("/etc/passwd", 0, 9)]),
            "a would be read from another file",
        ),
        (
            lambda file: file.__setitem__("a", h5py.ExternalLink("/etc/passwd", "b")),
            "a would be read from another file",
        ),
    ],
    ids=[
        *("never written", "chunks", "gzip", "a long chunk", "texts", "lists in a table"),
        *("external", "link"),
    ],
)
@pytest.mark.parametrize("is_packed", [True, False])
def test_arrays_that_are_not_there(
    written: Callable[..., Path],
    tmp_path: Path,
    write: Callable[[Any], None],
    said: str,
    is_packed: bool,
) -> None:
    content = hdf5(write)
    path = tmp_path / "a.weights.h5"
    path.write_bytes(content)
    if is_packed:
        path = written(model__weights__h5=content)
    with pytest.raises(CheckpointError, match=said):
        inspect(path)


def test_members_that_grow(written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "SPARE_BYTES", 10**6)
    with pytest.raises(CheckpointError, match="it would take"):
        load_network(written(assets=bytes(2 * 10**6)))


def test_members_that_overlap(written: Callable[..., Path]) -> None:
    path = written(assets=seeded(0).randbytes(50_000))
    content = path.read_bytes()
    end = content.index(b"PK\x01\x02")
    entries = content[end : content.index(b"PK\x05\x06")]
    count = entries.count(b"PK\x01\x02")
    tail = bytearray(content[content.index(b"PK\x05\x06") :])
    tail[8:12] = (2 * count).to_bytes(2, "little") * 2
    tail[12:16] = (2 * len(entries)).to_bytes(4, "little")
    path.write_bytes(content[:end] + 2 * entries + tail)
    with pytest.raises(CheckpointError, match="its members take"):
        load_network(path)


@pytest.mark.parametrize("seed", range(20))
def test_damage_anywhere(written: Callable[..., Path], seed: int) -> None:
    path, rng = written(), seeded(seed)
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 5, 50))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content[: rng.choice((len(content), rng.randrange(len(content))))])
    with contextlib.suppress(CheckpointError):
        load_network(path)


# -- what is sound stays so --------------------------------------------------------------------


def test_parameters_are_counted_as_keras_counts_them() -> None:
    import keras

    made = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            keras.layers.SeparableConv2D(4, 3),
            keras.layers.BatchNormalization(),
            keras.layers.Reshape((100, 4)),
            keras.layers.Bidirectional(keras.layers.LSTM(3)),
            keras.layers.Dense(2),
        ]
    )
    config = made.to_json()
    counted = parameters(lambda: keras.models.model_from_json(config))
    assert 0 <= counted - made.count_params() < 10  # and the states of random numbers
    # Nothing of it is left to be initialized by the next model.
    with keras.StatelessScope():
        pass
    assert keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).count_params() == 15


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_a_large_model_with_its_weights_is_loaded(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    monkeypatch.setattr(claims, "SPARE_PARAMETERS", 0)
    made = keras.Sequential([keras.Input((40,)), keras.layers.Dense(300)])
    made.save(tmp_path / name)
    assert load_network(tmp_path / name).count_params() == made.count_params()
    assert SPARE_PARAMETERS > 0


# -- outputs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "added"),
    [
        ((4,), layer("RepeatVector", n=2**30)),
        ((4,), layer("CategoryEncoding", num_tokens=2**30, output_mode="one_hot")),
        ((4, 4, 1), layer("ZeroPadding2D", padding=10**5)),
        ((4, 4, 1), layer("UpSampling2D", size=10**5)),
        ((4, 4, 1), layer("Resizing", height=10**5, width=10**5)),
    ],
    ids=lambda value: value.get("class_name") if isinstance(value, dict) else "",
)
def test_outputs_that_no_run_would_keep(
    tmp_path: Path, shape: tuple[int, ...], added: dict[str, Any]
) -> None:
    """Without a parameter: nothing is seen of them before the probe is sent through."""
    import keras

    made = keras.Sequential([keras.Input(shape), keras.layers.Activation("linear")])
    config = json.loads(made.to_json())
    config["config"]["layers"].append(added)
    (tmp_path / "model.json").write_text(json.dumps(config))
    made.save_weights(tmp_path / "w-1.weights.h5")
    probe = Probe(np.ones((2, *shape), np.float32))
    model = tmp_path / "model.json"
    with pytest.raises(CheckpointError, match=r"those of added the most of them .* fewer probes"):
        import_run(tmp_path / "w-1.weights.h5", tmp_path / "run.zarr", probe, model=model,
                   pattern="w-{step}", progress=False)  # fmt: skip
    assert not (tmp_path / "run.zarr").exists()


def test_a_model_that_cannot_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras
    import tensorflow as tf

    def exhausted(*_: Any) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory")

    monkeypatch.setattr(KerasSubject, "_follow", exhausted)
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    made.save(tmp_path / "m-1.keras")
    with pytest.raises(CheckpointError, match="cannot be run on the probe: out of memory"):
        import_run(tmp_path / "m-1.keras", tmp_path / "run.zarr", Probe(np.ones((2, 4))),
                   pattern="m-{step}", progress=False)  # fmt: skip
