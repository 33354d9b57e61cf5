"""Hypothesis strategies for descriptions of runs and for frames."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from store.format.names import DATA_TYPES, LAYER_KINDS, Array, distinct_dims, safe_name
from store.format.spec import ArraySpec, LayerSpec, ProbeSpec, RunSpec, WeightSpec

PROBES = 2

# Long enough for names that no programmer would choose, short enough to shrink well.
_texts = st.text(max_size=12)
_sizes = st.integers(1, 5)


def names(taken: list[str]) -> st.SearchStrategy[str]:
    """Node names, exotic ones too, that differ from those in `taken`."""
    return _texts.map(lambda text: safe_name(text, taken))


@st.composite
def weight_specs(draw: st.DrawFn, taken_dims: dict[str, int]) -> tuple[WeightSpec, ...]:
    """Up to three weights of one layer, whose dimensions agree with the layer's others."""
    weights: list[WeightSpec] = []
    for number in range(draw(st.integers(0, 3))):
        name = draw(names([weight.name for weight in weights]))
        shape = tuple(draw(st.lists(_sizes, max_size=3)))
        plain = [f"axis_{axis}" for axis in range(len(shape))]
        dims = distinct_dims(plain, shape, taken_dims, f"weight_{number}")
        weights.append(WeightSpec(name, dims, shape, draw(st.sampled_from(DATA_TYPES))))
    return tuple(weights)


@st.composite
def layer_specs(draw: st.DrawFn, before: list[str]) -> LayerSpec:
    """Draw a layer that takes its input from one before it."""
    dims: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    if draw(st.booleans()):
        inner = draw(st.lists(_sizes, min_size=1, max_size=3))
        shape = (PROBES, *inner)
        dims = ("probe", *("y", "x", "unit")[-len(inner) :])
    taken = dict(zip(dims, shape, strict=True))
    return LayerSpec(
        name=draw(names(before)),
        class_name=draw(_texts),
        kind=draw(st.sampled_from(LAYER_KINDS)),
        config=draw(st.dictionaries(_texts, st.integers() | _texts, max_size=2)),
        inbound=tuple(before[-1:]),
        output_dims=dims,
        output_shape=shape,
        output_dtype=draw(st.sampled_from(DATA_TYPES)),
        weights=draw(weight_specs(taken)),
        parameters=draw(st.integers(0, 10**9)),
    )


@st.composite
def probe_specs(draw: st.DrawFn) -> ProbeSpec:
    """Two inputs of any data type, labelled or not."""
    dtype = np.dtype(draw(st.sampled_from(DATA_TYPES)))
    inputs = draw(npst.arrays(dtype, (PROBES, 3)))
    return ProbeSpec(
        inputs={"input": inputs},
        kind=draw(st.sampled_from(("tabular", "text", "other"))),
        dims={"input": ("probe", "token")},
        labels=draw(st.none() | npst.arrays(np.int64, PROBES)),
        class_names=draw(st.none() | st.lists(_texts, max_size=3)),
        texts=draw(st.none() | st.lists(_texts, min_size=PROBES, max_size=PROBES)),
        vocabulary=draw(st.none() | st.lists(_texts, max_size=3)),
    )


@st.composite
def run_specs(draw: st.DrawFn) -> RunSpec:
    """Up to three layers with all data types, dimensions from none to four, odd names."""
    layers: list[LayerSpec] = []
    for _ in range(draw(st.integers(0, 3))):
        layers.append(draw(layer_specs([layer.name for layer in layers])))
    return RunSpec(
        name=draw(_texts),
        layers=tuple(layers),
        probe=draw(st.none() | probe_specs()),
        model_config=draw(st.none() | st.dictionaries(_texts, _texts, max_size=2)),
        notes=draw(_texts),
    )


def random_frame(spec: ArraySpec, seed: int) -> Array:
    """Any bits of an array's data type, NaN and infinities among them."""
    rng = np.random.default_rng([seed, *spec.path.encode()])
    if spec.dtype == "bool":
        return rng.integers(0, 2, spec.frame_shape).astype(bool)
    content = rng.bytes(spec.frame_bytes)
    return np.frombuffer(content, np.dtype(spec.dtype)).reshape(spec.frame_shape)
