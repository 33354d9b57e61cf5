"""Pictures beside each other: colours and ends mean the same in both runs, if that is wished."""

from __future__ import annotations

import numpy as np
import pytest
from bokeh.models import LinearColorMapper, Plot

from explorer.compare.pair import RunPair, joint_limits
from explorer.data.recurrent import RecurrentLayer, limits_of
from explorer.derived.time.frames import Limits
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer.distributions import WeightDistribution
from explorer.views.layer.kernels import limits_in_common
from explorer.views.layer.weights import Matrix
from explorer.views.recurrent.kernels import Structure
from store.testing import image_run_spec, text_run_spec
from tests.explorer.conftest import renamed, without_probe


@pytest.fixture
def texts(recorded) -> RunPair:
    """Two runs on text; the frames of a layer are made from its name."""
    spec = text_run_spec()
    lstm = next(layer.name for layer in spec.layers if layer.kind == "recurrent")
    other = renamed(text_run_spec(), {lstm: "reader"})
    return RunPair(recorded(spec, steps=(0, 1, 5)), recorded(other, steps=(0, 2)))


def recurrent(pair: RunPair) -> list[str]:
    return [
        next(name for name, layer in data.run.layers.items() if layer.kind == "recurrent")
        for data in (pair.first, pair.second)
    ]


@pytest.mark.parametrize("rms", [False, True])
def test_kernels(pair, rms):
    own = [
        limits_in_common(data, layer, rms=rms)
        for data, layer in ((pair.first, "conv1"), (pair.second, "first"))
    ]
    assert own[0] != own[1]
    for data, layer in zip(pair.tied, ("conv1", "first"), strict=True):
        assert limits_in_common(data, layer, rms=rms) == joint_limits(*own)


def test_dense_weights(pair):
    pairs = list(zip(pair.tied, (pair.first, pair.second), ("dense", "last"), strict=True))
    own = [Matrix.of(data, data.run.layers[layer]).limits for _, data, layer in pairs]
    highest = max(limits.high for limits in own)
    for tied, _, layer in pairs:
        found = Matrix.of(tied, tied.run.layers[layer]).limits
        assert found == Limits(-highest, highest, signed=True)


def test_recurrent_kernels_and_states(texts):
    layers = recurrent(texts)
    alone = [
        RecurrentLayer(data, layer)
        for data, layer in zip((texts.first, texts.second), layers, strict=True)
    ]
    tied = [RecurrentLayer(data, layer) for data, layer in zip(texts.tied, layers, strict=True)]
    own = [Structure.of(layer).limits for layer in alone]
    for layer in tied:
        found = Structure.of(layer).limits
        for part in ("recurrent", "input", "bias"):
            assert found[part] == joint_limits(own[0][part], own[1][part])
    way = alone[0].directions[0]
    for name in alone[0].quantities(way):
        states = [limits_of(layer, way, name, 1) for layer in alone]
        assert {limits_of(layer, way, name, 1) for layer in tied} == {joint_limits(*states)}


def test_what_has_no_counterpart_of_its_kind_keeps_its_own(pair, texts, recorded):
    mixed = RunPair(pair.first, pair.second, {"conv1": "last", "dense": "first"})
    for layer in ("conv1", "dense"):
        assert mixed.partner(0, "kernels", layer, lambda *_: None, None) is None
    assert limits_in_common(mixed.tied[0], "conv1") == limits_in_common(pair.first, "conv1")
    # Probes that are not shared stand beside nothing; weights do all the same.
    alone = RunPair(pair.first, recorded(without_probe(image_run_spec("c")), steps=(0, 1)))
    assert alone.tied[0].limits("conv1", 0) == pair.first.limits("conv1", 0)
    assert alone.partner(0, "x", "conv1", lambda *_: Limits(0, 1, signed=False), None) is not None


@pytest.mark.slow
def test_distributions_end_at_the_same_weights(pair):
    """Of both runs, whose weights go differently far."""
    ranges, colours = [], []
    pictures = [
        *zip(pair.tied, ("conv1", "first"), strict=True),
        (pair.first, "conv1"), (pair.second, "first"),
    ]  # fmt: skip
    for data, layer in pictures:
        scene = Scene(data, SelectionKey(layer, 0, "step"), 0, "main")
        view = WeightDistribution()
        body = view.draw(scene, view.compute(scene))
        figure = body.get_root().select_one({"type": Plot})
        ranges.append((figure.y_range.start, figure.y_range.end))
        mapper = body.get_root().select_one({"type": LinearColorMapper})
        colours.append(Limits(mapper.low, mapper.high, signed=False))
    everywhere = [
        np.concatenate([frame.ravel() for frame in data.weight_frames(layer, "kernel")])
        for data, layer in pictures[2:]
    ]
    assert ranges[0] == ranges[1]
    assert ranges[0] == pytest.approx(
        (min(values.min() for values in everywhere), max(values.max() for values in everywhere))
    )
    assert ranges[2] == pytest.approx((everywhere[0].min(), everywhere[0].max()))
    assert ranges[2] != ranges[3]
    assert colours[0] == colours[1] == joint_limits(*colours[2:])
