"""TensorFlow checkpoints of strangers: what they claim is held against the bytes of their files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder.checkpoints import tensorflow
from recorder.checkpoints.bundle import check_bundle
from recorder.checkpoints.reading import inspect, load
from store.errors import CheckpointError

pytestmark = pytest.mark.slow

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


# -- as TensorFlow writes them ---------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Write a checkpoint of tensors, and of objects: the parts of each, and the keys of some."""

    def save(parts: Sequence[Mapping[str, int]], keys: Mapping[int, str], **tensors: Any) -> Path:
        import tensorflow as tf
        from tensorflow.core.protobuf import trackable_object_graph_pb2 as schema

        graph = schema.TrackableObjectGraph()
        for number, children in enumerate(parts):
            node = graph.nodes.add()
            for name, child in children.items():
                node.children.add(local_name=name, node_id=child)
            if number in keys:
                node.attributes.add(name="VARIABLE_VALUE", checkpoint_key=keys[number])
        tensors[GRAPH] = graph.SerializeToString()
        tf.raw_ops.SaveV2(
            prefix=str(tmp_path / "c"),
            tensor_names=list(tensors),
            shape_and_slices=[""] * len(tensors),
            tensors=[tf.constant(value) for value in tensors.values()],
        )
        return tmp_path / "c"

    return save


@pytest.mark.parametrize(
    ("iterations", "expected"), [(np.int64(7), 7), (np.ones(100, np.int64), None)]
)
def test_a_sound_one(saved: Callable[..., Path], iterations: Any, expected: int | None) -> None:
    many = {f"layer/{number}/.ATTRIBUTES/VARIABLE_VALUE": np.ones(9) for number in range(900)}
    prefix = saved([{"iter": 1}, {}], {1: "iter"}, iter=iterations, flags=[True, False], **many)
    check_bundle(prefix)
    assert inspect(prefix).iterations == expected


def test_what_is_damaged_is_refused_in_our_own_words(saved: Callable[..., Path]) -> None:
    prefix = saved([{"iter": 1}, {}], {1: "iter"}, iter=np.int64(7))
    index = tensorflow.index_file(prefix)
    whole = index.read_bytes()
    for at in range(0, len(whole), 7):
        index.write_bytes(whole[:at])
        with pytest.raises(CheckpointError):
            inspect(prefix)
        index.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
        with contextlib.suppress(CheckpointError):
            inspect(prefix)


def test_objects_that_are_parts_of_many(saved: Callable[..., Path]) -> None:
    """Sixty objects, each twice a part of the one before: 2**60 ways lead to the last."""
    import keras

    parts = [{"layer_with_weights-0": 1}]
    parts += [{"a": number + 1, "b": number + 1} for number in range(1, 60)]
    prefix = saved([*parts, {"kernel": 61, "a": 1}, {}], {61: "kernel"}, kernel=np.ones((2, 3)))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, use_bias=False)])
    load(prefix, model)
    np.testing.assert_array_equal(model.layers[0].kernel, 1)


def test_texts_in_the_place_of_weights(saved: Callable[..., Path]) -> None:
    import keras

    parts: list[Mapping[str, int]] = [{"layer_with_weights-0": 1}, {"kernel": 2}, {}]
    prefix = saved(parts, {2: "kernel"}, kernel=[["a", "b"]])
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, use_bias=False)])
    with pytest.raises(CheckpointError, match="kernel holds no numbers, but string"):
        load(prefix, model)


# -- as nobody writes them -------------------------------------------------------------------------


def varint(value: int) -> bytes:
    low = value & 127
    return bytes([low]) if value < 128 else bytes([low | 128]) + varint(value >> 7)


def block(entries: Mapping[bytes, bytes], shared: int = 0) -> bytes:
    """Block of a table, whose keys leave out what they share with the one before."""
    content = b"".join(
        varint(shared) + varint(len(key)) + varint(len(value)) + key + value
        for key, value in entries.items()
    )
    return content + bytes(4) + (1).to_bytes(4, "little")


def table(first: bytes, *, compression: int = 0, times: int = 1, size: int | None = None) -> bytes:
    """Table of one block, which its index names so many times."""
    content = first + bytes([compression]) + bytes(4)
    handle = varint(0) + varint(len(first) if size is None else size)
    index = block({b"%d" % number: handle for number in range(times)})
    where = varint(len(content)) + varint(len(index))
    footer = (varint(0) * 2 + where).ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")
    return content + index + bytes(5) + footer


def entry(dtype: str, *shape: int, **fields: int) -> bytes:
    import tensorflow as tf
    from tensorflow.core.protobuf import tensor_bundle_pb2 as schema

    made = schema.BundleEntryProto(dtype=tf.as_dtype(dtype).as_datatype_enum, **fields)
    for size in shape:
        made.shape.dim.add(size=size)
    return made.SerializeToString()


def header() -> bytes:
    from tensorflow.core.protobuf import tensor_bundle_pb2 as schema

    return schema.BundleHeaderProto(num_shards=1).SerializeToString()


def written(folder: Path, index: bytes, data: bytes = bytes(50)) -> Path:
    (folder / "c.index").write_bytes(index)
    (folder / "c.data-00000-of-00001").write_bytes(data)
    return folder / "c"


@pytest.mark.parametrize(
    ("made", "data", "said"),
    [
        (("float32", 10**12), b"", "x would take 4,000,000,000,000 bytes, of 0 in all"),
        (("float64", 10**6, 10**6), bytes(50), "x would take"),
        (("string", 10**12), bytes(50), "x would take 1,000,000,000,000 bytes"),
        # TensorFlow, asked for it, would take the memory or end the process.
        (("string",), varint(10**15) + bytes(50), "x would take 1,000,000,000,000,000 bytes"),
        (("string", 2), varint(40) * 2 + bytes(50), "x would take 80 bytes, of 52"),
        (("string",), b"\xff" * 50, "longer than any"),
        (("string",), b"", "cannot be read"),
    ],
    ids=["no data", "a matrix", "texts", "a long text", "two long texts", "no length", "no text"],
)
def test_tensors_that_are_not_there(
    tmp_path: Path, made: tuple[Any, ...], data: bytes, said: str
) -> None:
    index = table(block({b"": header(), b"x": entry(*made, size=len(data))}))
    with pytest.raises(CheckpointError, match=said):
        inspect(written(tmp_path, index, data))


def test_blocks_that_are_none(tmp_path: Path) -> None:
    sound = block({b"": header(), b"x": entry("float32", 2, size=8)})
    check_bundle(written(tmp_path, table(sound)))
    values = [header(), *[entry("float32", 2, size=8)] * 9]
    growing = {b"a" * 1000 + b"%d" % number: value for number, value in enumerate(values)}
    for index, said in {
        table(sound, compression=1): "compressed",
        table(sound, times=2): "overlap",
        table(sound, size=2**40): "not there",
        table(block(growing, shared=2**60)): "longer than any path",
        table(b"\xff" * 50): "cut off",
        table(b"\xff" * 50 + bytes(4)): "longer than any",
        table(sound)[:-1]: "no table",
        b"": "no table",
    }.items():
        with pytest.raises(CheckpointError, match=said):
            inspect(written(tmp_path, index))
