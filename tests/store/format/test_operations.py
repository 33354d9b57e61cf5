"""Operations by which activations follow: each against NumPy written out, whole and in parts."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.format.derivation import Derivation, same_values
from store.format.names import Array
from store.format.operations import OPERATIONS, Operation

PROBES, STEPS = 3, 2

sizes = st.integers(1, 5)
pairs = st.tuples(st.integers(0, 3), st.integers(0, 3))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Operation, list[tuple[int, ...]]]:
    """Draw an operation, and shapes of frames that it takes."""
    name = draw(st.sampled_from(sorted(OPERATIONS)))
    shape = tuple(draw(st.lists(sizes, min_size=1, max_size=3)))
    each = range(len(shape))
    parameters: dict[str, Any] = {}
    others = [shape]
    match name:
        case "clip":
            bound = st.none() | st.floats(-2, 2, width=32)
            parameters = {"lower": draw(bound), "upper": draw(bound)}
        case "concatenate":
            axis = draw(st.sampled_from(each))
            parameters = {"axis": axis}
            others.append((*shape[:axis], draw(sizes), *shape[axis + 1 :]))
        case "max_pool":
            window = [draw(st.integers(1, size)) for size in shape]
            padding = [
                [draw(st.integers(0, size - 1)), draw(st.integers(0, size - 1))] for size in window
            ]
            strides = [draw(st.integers(1, 3)) for _ in each]
            parameters = {"window": window, "strides": strides, "padding": padding}
        case "reshape":
            count = int(np.prod(shape))
            parts = [size for size in range(1, count + 1) if count % size == 0]
            first = draw(st.sampled_from(parts))
            target = draw(st.sampled_from([[count], [first, count // first], [count, 1]]))
            parameters = {"target": target}
        case "transpose":
            parameters = {"axes": draw(st.permutations(each))}
        case "pad":
            parameters = {"amounts": [list(draw(pairs)) for _ in each]}
        case "crop":
            parameters = {"amounts": [[draw(st.integers(0, size - 1)), 0] for size in shape]}
        case "repeat":
            parameters = {"times": [draw(st.integers(1, 3)) for _ in each]}
        case "add" | "subtract" | "multiply" | "maximum" | "minimum":
            others.append(tuple(draw(st.sampled_from([1, size])) for size in shape))
    sources = [f"source{number}" for number in range(len(others))]
    said = {"operation": name, "sources": sources, "parameters": parameters}
    derivation = Derivation.parse(json.loads(json.dumps(said)))
    assert derivation is not None
    assert json.loads(json.dumps(derivation.attributes())) == said
    return derivation.operation, [(PROBES, *other) for other in others]


def written_out(operation: Operation, sources: Sequence[Array]) -> Array:
    """Compute one frame, value by value where that is plain."""
    parameters, source = operation.parameters(), sources[0]
    match operation.name:
        case "identity":
            return source
        case "clip":
            lower, upper = parameters["lower"], parameters["upper"]
            result = (
                source
                if lower is None
                else np.where(source < lower, source.dtype.type(lower), source)
            )
            return (
                result
                if upper is None
                else np.where(result > upper, result.dtype.type(upper), result)
            )
        case "concatenate":
            return np.concatenate(sources, axis=parameters["axis"] + 1)
        case "max_pool":
            edges = [(0, 0), *parameters["padding"]]
            padded = np.pad(source, edges, constant_values=-np.inf)
            counts = [
                (size - window) // stride + 1
                for size, window, stride in zip(
                    padded.shape[1:], parameters["window"], parameters["strides"], strict=True
                )
            ]
            result = np.empty((len(source), *counts), source.dtype)
            for place in itertools.product(*map(range, counts)):
                window = tuple(
                    slice(at * stride, at * stride + size)
                    for at, stride, size in zip(
                        place, parameters["strides"], parameters["window"], strict=True
                    )
                )
                inside = padded[(slice(None), *window)].reshape(len(source), -1)
                result[(slice(None), *place)] = inside.max(axis=1)
            return result
        case "reshape":
            return source.reshape(len(source), *parameters["target"])
        case "transpose":
            return np.transpose(source, (0, *(axis + 1 for axis in parameters["axes"])))
        case "pad":
            return np.pad(source, [(0, 0), *parameters["amounts"]])
        case "crop":
            ends = zip(source.shape[1:], parameters["amounts"], strict=True)
            kept = [slice(before, size - behind) for size, (before, behind) in ends]
            return source[(slice(None), *kept)]
        case "repeat":
            for axis, times in enumerate(parameters["times"], 1):
                source = np.repeat(source, times, axis=axis)
            return source
    return np.asarray(getattr(np, operation.name)(*sources))


def frames(shapes: Sequence[tuple[int, ...]], seed: int) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(STEPS, *shape)).astype(np.float32) for shape in shapes]


@given(case=cases(), seed=st.integers(0, 99), data=st.data())
def test_any_part_of_a_result_follows_from_the_part_that_it_says_to_need(
    case: tuple[Operation, list[tuple[int, ...]]], seed: int, data: st.DataObject
) -> None:
    operation, shapes = case
    sources = frames(shapes, seed)
    whole = np.stack([written_out(operation, frame) for frame in zip(*sources, strict=True)])
    assert operation.shape(*shapes) == whole.shape[1:]
    starts = [data.draw(st.integers(0, size)) for size in whole.shape[1:]]
    stops = [
        data.draw(st.integers(a, size)) for a, size in zip(starts, whole.shape[1:], strict=True)
    ]
    box = tuple(map(slice, starts, stops))
    needs = operation.needs(box, *shapes)
    blocks = [source[(slice(None), *need)] for source, need in zip(sources, needs, strict=True)]
    np.testing.assert_array_equal(
        operation.apply(box, shapes, blocks), whole[(slice(None), *box)], strict=True
    )


@given(case=cases(), seed=st.integers(0, 99), data=st.data())
def test_a_frame_follows_only_if_each_value_does(
    case: tuple[Operation, list[tuple[int, ...]]], seed: int, data: st.DataObject
) -> None:
    operation, shapes = case
    derivation = Derivation(operation, ("one", "other")[: operation.arity])
    sources = [source[0] for source in frames(shapes, seed)]
    frame = written_out(operation, sources).copy()
    assert derivation.gives(sources, frame)
    assert not derivation.gives(sources, frame.astype(np.float64))
    place = tuple(data.draw(st.integers(0, size - 1)) for size in frame.shape)
    frame[place] = np.nextafter(frame[place], np.float32(np.inf))
    assert not derivation.gives(sources, frame)


def test_a_frame_of_several_parts_is_compared_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.format.derivation.CHECK_BYTES", 16)
    derivation = Derivation(OPERATIONS["clip"](lower=0.0), ("conv",))
    source = np.linspace(-1, 1, 40, dtype=np.float32).reshape(10, 4)
    frame = np.maximum(source, 0)
    assert derivation.gives([source], frame)
    frame[-1, -1] = 0
    assert not derivation.gives([source], frame)


def test_zeros_are_equal_whatever_their_sign_and_so_are_nan() -> None:
    one, other = np.array([0.0, np.nan, 1]), np.array([-0.0, np.float64("nan"), 1])
    assert same_values(one, other)
    assert not same_values(one, np.array([0.0, 2, 1]))
    assert not same_values(np.array([np.nan]), np.array([0.0]))


def test_what_only_picks_and_compares_may_be_rounded_before_or_after() -> None:
    """So float16 can be stored of a source and hold for what follows."""
    rng = np.random.default_rng(1)
    source = rng.normal(size=(PROBES, 4, 4, 2)).astype(np.float32)
    kept = {
        "clip": {"lower": 0.0, "upper": 1.0 / 3},
        "max_pool": {
            "window": (2, 2, 1),
            "strides": (2, 2, 1),
            "padding": ((0, 0),) * 3,
        },
        "maximum": {},
    }
    for name, parameters in kept.items():
        operation = OPERATIONS[name](**parameters)
        sources = [source, source[::-1]][: operation.arity]
        assert operation.keeps_order
        rounded = Derivation(operation, ("one", "other")[: operation.arity])
        exact = written_out(operation, sources).astype(np.float16)
        assert rounded.gives([each.astype(np.float16) for each in sources], exact)
    assert not OPERATIONS["add"]().keeps_order


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (None, "not an object"),
        ({"sources": ["a"]}, "no operation"),
        ({"operation": "identity", "sources": "a", "parameters": {}}, "list of layer names"),
        ({"operation": "identity", "sources": ["a", "b"], "parameters": {}}, "does not take 2"),
        ({"operation": "identity", "sources": ["a"]}, "not an object"),
        ({"operation": "identity", "sources": ["a"], "parameters": {"x": 1}}, "these parameters"),
        ({"operation": "crop", "sources": ["a"], "parameters": {"amounts": 3}}, "not pairs"),
        ({"operation": "crop", "sources": ["a"], "parameters": {"amounts": [[1]]}}, "not a pair"),
        ({"operation": "crop", "sources": ["a"], "parameters": {"amounts": [[-1, 0]]}}, "at least"),
        ({"operation": "clip", "sources": ["a"], "parameters": {"lower": "0"}}, "not a number"),
        ({"operation": "transpose", "sources": ["a"], "parameters": {"axes": [1]}}, "an order"),
        ({"operation": "repeat", "sources": ["a"], "parameters": {"times": [0]}}, "at least 1"),
    ],
)
def test_what_is_damaged_is_refused(said: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Derivation.parse(said)


def test_an_operation_of_a_later_version_is_none_that_is_known() -> None:
    assert Derivation.parse({"operation": "fold", "sources": [], "parameters": {}}) is None
