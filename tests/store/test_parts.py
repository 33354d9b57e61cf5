"""Runs of several models: each part is to the rest of the store what a run of one model is."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

from store import open_run
from store.errors import LayerNotFoundError, PartNotFoundError, RunFormatError, SpecError
from store.format.codecs import CRC_BYTES, checksum
from store.format.names import BEGINS, activation_path
from store.format.parts import nodes_of_part, split_path, stored_path
from store.format.spec import EvaluationSpec, PredictionSpec, RunSpec, UpdatesSpec
from store.live.writer import RunWriter
from store.packed.pack import pack
from store.reading.ended_run import EndedRun
from store.testing import append_steps, assert_holds, frames_at, parts_run_spec, write_run
from store.tools.crop import Cut, crop
from store.tools.estimate import Narrowing, estimate, narrowed
from store.tools.info import contents, describe, kept_inputs, render
from store.tools.share import share
from store.tools.verify import salvage, verify

STEPS = (0, 1, 2, 3, 5, 8, 20, 33, 70)
KERNEL = "layers/conv1/weights/kernel"
# Of the critic.
FOLLOWING = ("relu1", "pool1", "flatten")


def whole_spec() -> RunSpec:
    """Describe parts that hold all that a part can hold."""
    spec = parts_run_spec()
    predictions = (PredictionSpec("prediction", "softmax", ("example", "unit"), (9, 4), "float32"),)
    evaluation = EvaluationSpec(
        predictions,
        9,
        labels=np.arange(9) % 4,
        class_names=["ant", "bee", "cat", "dog"],
        fingerprint="f",
        inputs={"input": np.ones((9, 2), np.float32)},
        input_dims={"input": ("example", "feature")},
    )
    updates = UpdatesSpec((KERNEL,))
    critic = dataclasses.replace(
        spec.parts["critic"], evaluations=(evaluation,), updates=updates, loss="hinge"
    )
    return dataclasses.replace(spec, parts={**spec.parts, "critic": critic})


@pytest.fixture
def live(tmp_path: Path) -> Path:
    return write_run(tmp_path / "parts.zarr", whole_spec(), steps=STEPS)


def test_each_part_is_a_run_of_its_own_with_the_steps_and_metrics_of_all(live: Path) -> None:
    run = open_run(live)
    assert list(run.parts) == ["reader", "critic", "average"]
    assert not run.layers
    assert run.probe is None
    frames = frames_at(whole_spec(), 5)
    for name, part in run.parts.items():
        assert list(part.layers) == [layer.name for layer in whole_spec().parts[name].layers]
        np.testing.assert_array_equal(part.steps, STEPS)
        assert part.metrics["loss"].equals(run.metrics["loss"])
        for layer, known in part.layers.items():
            if known.has_activation:
                found = part.activations(layer).sel(step=5)
                path = f"parts/{name}/layers/{layer}/activation"
                np.testing.assert_array_equal(found, frames[path])
            for weight in known.weights:
                found = part.weights(layer, weight).sel(step=5)
                path = f"parts/{name}/layers/{layer}/weights/{weight}"
                np.testing.assert_array_equal(found, frames[path])
    critic, average = run.parts["critic"], run.parts["average"]
    assert critic.probe is not None
    assert critic.probe.size == 6
    assert run.parts["reader"].probe.size == 2  # type: ignore[union-attr]
    assert average.probe is None
    assert not any(layer.has_activation for layer in average.layers.values())
    assert critic.model_config == {"class_name": "Sequential"}
    assert critic.outputs == ("softmax",)
    assert critic.attributes["loss"] == "hinge"
    assert critic.evaluation is not None
    assert critic.evaluation["prediction"].shape == (len(STEPS), 9, 4)
    assert critic.updates is not None
    assert critic.updates.sel(variable=KERNEL)["norm"].shape == (len(STEPS),)
    assert len({each.id for each in (run, critic, average)}) == 3
    assert len({each.version for each in (run, critic, average)}) == 3


def test_what_is_not_there_is_named_with_what_is(live: Path) -> None:
    run = open_run(live)
    with pytest.raises(PartNotFoundError, match=r"Did you mean 'critic'.*reader, critic, average"):
        run.parts["critc"]
    with pytest.raises(LayerNotFoundError, match=r"several parts.*run\.parts\['reader'\]"):
        run.activations("conv1")
    assert not open_run(write_run(live.with_name("one.zarr"))).parts


@pytest.mark.parametrize("is_packed", [False, True])
def test_layers_of_a_part_follow_from_others_of_it(live: Path, *, is_packed: bool) -> None:
    spec = whole_spec()
    ending = frames_at(spec, 90)
    with RunWriter.resume(live, spec) as writer:
        writer.keep_ending(ending, wall_time=1.0)
    run = open_run(pack(live, live.with_name("packed.zarr")).path if is_packed else live)
    stored = {path for path in run.nodes if path.endswith("/activation")}
    activations = {path for path in frames_at(spec, 0) if path.endswith("/activation")}
    places = {f"parts/critic/{activation_path(layer)}" for layer in FOLLOWING}
    whole = {f"after_training/{path}" for path in activations}
    assert {path for path in stored if not path.startswith("history/")} == (
        activations - places | whole
    )
    assert run.derived.keys() == places
    part = run.parts["critic"]
    assert part.derived.keys() == {activation_path(layer) for layer in FOLLOWING}
    assert part.layers["pool1"].derived_from == ("relu1",)
    assert not any(layer.derived_from for layer in run.parts["reader"].layers.values())
    ended = EndedRun(run)
    for layer in FOLLOWING:
        path = f"parts/critic/{activation_path(layer)}"
        expected = np.stack([frames_at(spec, step)[path] for step in STEPS])
        np.testing.assert_array_equal(part.activations(layer), expected)
        np.testing.assert_array_equal(run.read(path, (slice(2, 7, 2), 1)), expected[2:7:2, 1])
        trees = run.tree["parts/critic"][f"layers/{layer}"], part.tree[f"layers/{layer}"]
        for tree in trees:
            np.testing.assert_array_equal(tree["activation"].values, expected)
        assert part.after_training is not None
        for last in (
            part.after_training.activations(layer),
            ended.parts["critic"].activations(layer)[-1],
            ended.read(path, (-1,)),
        ):
            np.testing.assert_array_equal(last, ending[path])
    assert verify(run).is_sound


def test_a_layer_of_a_part_is_stored_from_the_step_on_at_which_it_does_not_follow(
    tmp_path: Path,
) -> None:
    spec = parts_run_spec()
    spec = dataclasses.replace(spec, parts={**spec.parts, "other": spec.parts["critic"]})
    path = f"parts/critic/{activation_path('pool1')}"

    def frames(step: int) -> dict[str, np.ndarray]:
        found = frames_at(spec, step)
        if step >= 3:
            found[path] = found[path] + 1
            found[path.replace("pool1", "flatten")] = found[path].reshape(6, -1)
        return found

    live = tmp_path / "run.zarr"
    with RunWriter.create(live, spec) as writer:
        for step in range(5):
            writer.append(step, epoch=0, wall_time=0, frames=frames(step))
        follow = {
            name: [layer.name for layer in part.layers if layer.derivation is not None]
            for name, part in writer.spec.parts.items()
        }
    kept = [layer for layer in FOLLOWING if layer != "pool1"]
    assert follow == {"reader": [], "critic": kept, "average": [], "other": [*FOLLOWING]}
    with RunWriter.resume(live, spec) as writer:
        writer.append(7, epoch=0, wall_time=0, frames=frames(7))
    run = open_run(live)
    assert run.nodes[path]["attributes"][BEGINS] == 3
    assert f"parts/other/{activation_path('pool1')}" not in run.nodes
    cut = open_run(crop(live, tmp_path / "cut.zarr", Cut(first=2)).path)
    for each in (run, cut):
        assert verify(each).is_sound
        for index, step in enumerate(each.steps):
            for name, frame in frames(int(step)).items():
                np.testing.assert_array_equal(each.read(name, (index,)), frame)


def test_what_follows_in_a_part_is_lost_with_what_it_follows_from(live: Path) -> None:
    packed = pack(live, live.with_name("packed.zarr"), history=False).path
    conv = packed / f"parts/critic/{activation_path('conv1')}"
    for file in conv.glob("c*"):
        file.write_bytes(b"\0" * file.stat().st_size)
    run = open_run(packed)
    written, lost = salvage(run, verify(run), live.with_name("saved.zarr"))
    gone = [f"parts/critic/{activation_path(layer)}" for layer in ("conv1", *FOLLOWING)]
    assert lost == [f"{path} (damaged)" for path in sorted(gone)]
    saved = open_run(written.path)
    assert not saved.derived
    assert saved.parts["critic"].layers["dense"].has_activation
    assert saved.parts["reader"].layers["lstm"].has_activation


def test_damage_of_what_follows_in_a_part_is_refused(live: Path) -> None:
    root = json.loads((live / "zarr.json").read_text())
    nodes = root["consolidated_metadata"]["metadata"]
    nodes["parts/critic/layers/pool1"]["attributes"]["output_shape"] = [3]
    (live / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(RunFormatError, match="part 'critic': layer 'pool1': derived"):
        open_run(live)


def test_a_part_whose_layers_have_other_sizes_now_does_not_go_on(live: Path) -> None:
    spec = whole_spec()
    layers = list(spec.parts["critic"].layers)
    layers[4] = dataclasses.replace(layers[4], output_shape=(6, 3), derivation=None)
    critic = dataclasses.replace(spec.parts["critic"], layers=tuple(layers))
    changed = dataclasses.replace(spec, parts={**spec.parts, "critic": critic})
    with pytest.raises(SpecError, match="layer 'critic/flatten' "):
        RunWriter.resume(live, changed)
    assert_holds(live, spec, STEPS)


def test_an_estimate_counts_what_is_stored_of_each_part() -> None:
    spec = parts_run_spec()
    less, all_ = (estimate(narrowed(spec, Narrowing(derive=each)), 1) for each in (True, False))
    frames = frames_at(spec, 0)
    follows = sum(frames[f"parts/critic/{activation_path(layer)}"].nbytes for layer in FOLLOWING)
    assert all_.activation_bytes - less.activation_bytes == follows
    narrow = narrowed(spec, Narrowing(layers=["!critic/conv1"]))
    held = [layer.name for layer in narrow.parts["critic"].layers if layer.derivation is not None]
    assert held == ["pool1", "flatten"]


def test_what_a_part_was_given_is_no_longer_told_where_it_is_dropped(tmp_path: Path) -> None:
    spec = parts_run_spec()
    probe = spec.parts["reader"].probe
    assert probe is not None
    said = {"raw": {"dtype": "string", "shape": [2, 1], "form": "dense", "sha256": "a" * 64}}
    present = {"input": probe.inputs["input"] > 0}
    probe = dataclasses.replace(probe, not_stored=said, present=present)
    reader = dataclasses.replace(spec.parts["reader"], probe=probe)
    spec = dataclasses.replace(spec, parts={**spec.parts, "reader": reader})
    live = write_run(tmp_path / "run.zarr", spec, steps=(0, 1))
    cut = open_run(crop(live, tmp_path / "cut.zarr", Cut(probes=[0])).path)
    assert cut.parts["reader"].probe is not None
    assert cut.parts["reader"].probe.not_stored["raw"]["sha256"] == ""
    bare = open_run(crop(live, tmp_path / "bare.zarr", Cut(drop=["inputs"])).path)
    assert not contents(bare)["inputs"]
    assert not [path for path in bare.nodes if path.startswith("parts/reader/probe/input")]
    assert "parts/reader/probe/text" not in bare.nodes
    assert contents(cut)["inputs"]
    assert "raw (1,) of string, not stored" in render(describe(cut))


def test_others_read_parts_without_us(live: Path) -> None:
    frames = frames_at(whole_spec(), 70)
    tree = xr.open_datatree(live, engine="zarr", chunks=None, consolidated=True)
    at_end = tree["parts/critic/layers/conv1/activation"].sel(step=70)
    np.testing.assert_array_equal(at_end, frames["parts/critic/layers/conv1/activation"])
    group = zarr.open_group(live, mode="r", zarr_format=3, use_consolidated=True)
    kernel: Any = group["parts/average/layers/conv1/weights/kernel"]
    np.testing.assert_array_equal(kernel[-1], frames["parts/average/layers/conv1/weights/kernel"])
    part = open_run(live).parts["critic"].tree
    np.testing.assert_array_equal(part["layers/conv1/activation"].sel(step=70), at_end)


def test_a_packed_run_of_parts_reads_frames_and_histories_of_each(
    live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.format.packed_layout.WHOLE_BYTES", 200)
    report = pack(live, live.with_name("packed.zarr"), precision={"weights": "float16"})
    run = open_run(report.path)
    assert verify(run).is_sound
    assert any(path.startswith("history/parts/critic/layers") for path in run.nodes)
    frames = [frames_at(whole_spec(), step) for step in STEPS]
    expected = np.stack([each["parts/critic/layers/conv1/activation"] for each in frames])
    part = run.parts["critic"]
    assert "history/layers/conv1/activation" in part.nodes
    np.testing.assert_array_equal(part.activations("conv1"), expected)
    np.testing.assert_array_equal(part.activations("conv1")[:, 1, 2, 3, 0], expected[:, 1, 2, 3, 0])
    kernel = part.weights("conv1", "kernel")
    assert kernel.dtype == np.float16
    assert report.errors.keys() >= {f"parts/{name}/{KERNEL}" for name in ("critic", "average")}


def test_damage_is_found_in_parts_and_the_rest_is_saved(live: Path) -> None:
    packed = pack(live, live.with_name("packed.zarr")).path
    file = next((packed / "parts/critic/probe/input").glob("c*"))
    file.write_bytes(b"\0" * file.stat().st_size)
    config = packed / "parts/average" / KERNEL / "zarr.json"
    config.unlink()
    run = open_run(packed)
    report = verify(run)
    paths = {finding.path for finding in report.findings}
    assert paths == {"parts/critic/probe/input", f"parts/average/{KERNEL}"}
    assert {finding.layer for finding in report.findings} == {None, "conv1"}
    written, lost = salvage(run, report, live.with_name("saved.zarr"))
    assert lost == ["parts/critic/probe/input (damaged)"]
    assert list(open_run(written.path).parts) == ["reader", "critic", "average"]


def test_a_probe_that_makes_no_sense_is_found_in_its_part(live: Path) -> None:
    (texts,) = (live / "parts/reader/probe/text").glob("c*")
    nonsense = b"{" * (texts.stat().st_size - CRC_BYTES)
    texts.write_bytes(nonsense + checksum(nonsense))
    assert [finding.path for finding in verify(open_run(live)).findings] == ["parts/reader/probe"]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({}, "the order of the parts is not a list"),
        ({"order": None}, "the order of the parts is not a list"),
        ({"order": [["reader"]]}, "the order of the parts is not a list"),
        ({"order": ["nobody"]}, "part 'nobody' has no group"),
        (None, "parts is not a group"),
    ],
)
def test_a_run_that_names_its_parts_wrongly_is_refused(
    live: Path, said: dict[str, Any] | None, problem: str
) -> None:
    root = json.loads((live / "zarr.json").read_bytes())
    nodes = root["consolidated_metadata"]["metadata"]
    nodes["parts"] = nodes["step"] if said is None else {**nodes["parts"], "attributes": said}
    (live / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(RunFormatError, match=problem):
        open_run(live)


def test_a_run_of_one_model_with_parts_that_are_none_is_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.zarr")
    root = json.loads((run / "zarr.json").read_bytes())
    root["consolidated_metadata"]["metadata"]["parts"] = {"node_type": "group", "attributes": {}}
    (run / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(RunFormatError, match="the order of the parts is not a list"):
        open_run(run)


def test_a_shared_zip_holds_every_part_and_says_so(live: Path) -> None:
    report = share(live, live.with_name("parts.zip"))
    run = open_run(report.path)
    assert list(run.parts) == ["reader", "critic", "average"]
    assert report.contains["inputs"]
    assert report.contains["activations"]
    assert kept_inputs(run) == [
        "2 probes of reader",
        "6 probes of critic",
        "9 held-out examples of critic",
    ]
    text = render(describe(run))
    assert "parts     reader, critic, average" in text
    assert "Part average\n  probes    none" in text
    assert json.loads(json.dumps(describe(run)))["parts"][1]["layers"][1]["bytes"] > 0


def test_a_crop_cuts_every_part(live: Path) -> None:
    cut = Cut(first=1, layers=["critic/conv*", "lstm"], probes=[1], drop=["inputs", "labels"])
    run = open_run(crop(live, live.with_name("cut.zarr"), cut).path)
    assert verify(run).is_sound
    np.testing.assert_array_equal(run.steps, STEPS[1:])
    held = {
        (name, layer)
        for name, part in run.parts.items()
        for layer, known in part.layers.items()
        if known.weights or known.has_activation
    }
    assert held == {("critic", "conv1"), ("reader", "lstm")}
    found = contents(run)
    assert not found["inputs"]
    assert not found["labels"]
    assert run.parts["critic"].activations("conv1").sizes["probe"] == 1
    with pytest.raises(LayerNotFoundError, match="reader/lstm"):
        crop(live, live.with_name("x.zarr"), Cut(layers=["reader/lstn"]))
    bare = open_run(crop(live, live.with_name("bare.zarr"), Cut(drop=["texts", "model"])).path)
    assert not contents(bare)["texts"]
    assert not contents(bare)["model_config"]


def test_a_run_of_parts_goes_on_and_is_refused_to_other_probes(live: Path) -> None:
    spec = whole_spec()
    with RunWriter.resume(live, spec) as writer:
        append_steps(writer, 80)
    assert_holds(live, spec, [*STEPS, 80])
    other = dataclasses.replace(spec.parts["critic"].probe, inputs={"input": np.ones((6, 8, 8, 1))})  # type: ignore[type-var]
    critic = dataclasses.replace(spec.parts["critic"], probe=other)
    changed = dataclasses.replace(spec, parts={**spec.parts, "critic": critic})
    with pytest.raises(SpecError, match="its probe inputs of the part 'critic' are others"):
        RunWriter.resume(live, changed)
    fewer = dataclasses.replace(spec, parts={"reader": spec.parts["reader"]})
    with pytest.raises(SpecError, match="no longer has 'parts/critic/"):
        RunWriter.resume(live, fewer)


def test_overwriting_removes_all_files_of_the_parts(live: Path) -> None:
    write_run(live, overwrite=True)
    assert not (live / "parts").exists()


def test_a_growing_run_shows_new_steps_in_its_parts(tmp_path: Path) -> None:
    with RunWriter.create(tmp_path / "run.zarr", parts_run_spec()) as writer:
        run = open_run(tmp_path / "run.zarr")
        part = run.parts["critic"]
        append_steps(writer, 0)
        writer.commit()
        assert len(part) == 0
        assert part.refresh()
        assert len(part) == 1
        assert run.refresh()
        assert len(run.parts["critic"]) == 1


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"order": ["reader", "ghost"]}, "part 'ghost' has no group"),
        ({"order": ["reader", "reader"]}, "order of the parts is not a list of different names"),
        ({"order": None}, "order of the parts"),
    ],
)
def test_a_damaged_list_of_parts_is_refused(
    live: Path, change: dict[str, Any], problem: str
) -> None:
    root = json.loads((live / "zarr.json").read_text())
    root["consolidated_metadata"]["metadata"]["parts"]["attributes"].update(change)
    (live / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(RunFormatError, match=problem):
        open_run(live)


def test_a_damaged_part_is_refused_by_its_name(live: Path) -> None:
    root = json.loads((live / "zarr.json").read_text())
    nodes = root["consolidated_metadata"]["metadata"]
    nodes["parts/critic/layers/conv1"]["attributes"]["kind"] = 3
    (live / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(RunFormatError, match="part 'critic': layer 'conv1': kind is not a text"):
        open_run(live)


def test_an_inconsistent_description_of_parts_names_every_problem(tmp_path: Path) -> None:
    part = parts_run_spec().parts["critic"]
    parts = {"a": part, "A": part, "b/c": RunSpec("", (), loss={1: {2}})}
    spec = RunSpec("bad", part.layers, parts=parts)
    with pytest.raises(SpecError) as refused:
        RunWriter.create(tmp_path / "run.zarr", spec)
    for problem in ("'b/c' is not a safe name", "two parts are named 'A'", "belongs to its parts"):
        assert problem in str(refused.value)
    assert "part 'b/c': loss cannot be stored as JSON" in str(refused.value)


def test_patterns_choose_layers_in_all_parts_or_in_one() -> None:
    spec = parts_run_spec()
    kept = narrowed(spec, Narrowing(layers=["critic/conv1", "dense"], activations=["!critic/*"]))
    arrays = {array.path for array in kept.array_specs()} - {"step", "epoch", "wall_time"}
    held = {split_path(path)[0] + "/" + path.split("/")[3] for path in arrays}
    assert held == {"critic/conv1", "critic/dense", "average/dense"}
    assert not any(path.endswith("activation") for path in arrays)
    size = estimate(spec, 3)
    assert size.weight_bytes == sum(
        frame.nbytes for path, frame in frames_at(spec, 0).items() if "/weights/" in path
    )
    with pytest.raises(LayerNotFoundError, match="critic/conv1"):
        narrowed(spec, Narrowing(layers=["critic/convx"]))


def test_paths_of_a_part_lead_to_where_they_are_stored_and_back(live: Path) -> None:
    nodes = open_run(live).nodes
    for name in ("reader", "critic"):
        own = nodes_of_part(nodes, name)
        assert {stored_path(path, name) for path in own} <= nodes.keys()
        assert all(split_path(stored_path(path, name))[1] == path for path in own)
