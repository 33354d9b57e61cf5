"""Names, descriptions, and that SCHEMA.md says what the code does."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import SpecError
from store.format.names import (
    DATA_TYPES,
    DERIVED,
    HISTORY_PREFIX,
    LAYER_KINDS,
    PROBE_KINDS,
    ROOT_ATTRIBUTE,
    SCHEMA_VERSION,
    distinct_dims,
    is_safe_segment,
    safe_name,
)
from store.format.operations import OPERATIONS
from store.format.probe import from_json_bytes, json_bytes
from store.format.spec import (
    EvaluationSpec,
    PredictionSpec,
    ProbeSpec,
    RunSpec,
    UpdatesSpec,
    WeightSpec,
)
from store.format.spec_check import RESERVED_PROBE_NAMES, problems, validate
from store.reading.run import Run, open_run
from store.testing import derived_run_spec, image_run_spec, strategies, text_run_spec, write_run

SCHEMA = Path(__file__).parents[3].joinpath("SCHEMA.md").read_text(encoding="utf-8")


# -- names -----------------------------------------------------------------------------------


@given(names=st.lists(st.text(), max_size=6))
def test_any_names_become_distinct_safe_ones(names: list[str]) -> None:
    taken: list[str] = []
    for name in names:
        safe = safe_name(name, taken)
        assert is_safe_segment(safe)
        assert safe_name(safe) == safe
        assert safe.casefold() not in {other.casefold() for other in taken}
        assert len(safe.encode()) <= 200
        taken.append(safe)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("block/conv1", "block.conv1"),
        ("..", "layer"),
        ("../../etc/passwd", "etc.passwd"),
        ("a\\b:c", "a_b_c"),
        ("aux", "_aux"),
        ("zarr.json", "layer_zarr.json"),
        ("__zarr", "layer_zarr"),
        ("", "layer"),
        ("Größe 層", "Größe 層"),
        ("half \ud800", "half _"),
    ],
)
def test_safe_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_long_names_stay_different() -> None:
    one, other = safe_name("a" * 300 + "1"), safe_name("a" * 300 + "2")
    assert one != other
    assert len(one) == len(other) == 200


@pytest.mark.parametrize("segment", ["", ".", "..", ".writer.lock", "a/b", "a\\b", "C:", "\x00"])
def test_paths_cannot_leave_the_run(segment: str) -> None:
    assert not is_safe_segment(segment)


def test_dimensions_that_disagree_are_renamed() -> None:
    taken = {"unit": 4}
    assert distinct_dims(["in_unit", "unit"], [3, 4], taken, "kernel") == ("in_unit", "unit")
    assert distinct_dims(["in_unit", "unit"], [4, 4], taken, "other") == (
        "in_unit_of_other",
        "unit",
    )
    assert distinct_dims(["unit", "unit"], [4, 4], taken, "square") == ("unit", "unit_of_square")


@given(value=st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_json_survives_as_bytes(value: Any) -> None:
    text = json_bytes(value)
    assert text.dtype == np.uint8
    assert from_json_bytes(text) == value


# -- descriptions ----------------------------------------------------------------------------


@given(spec=strategies.run_specs())
def test_generated_descriptions_are_sound(spec: RunSpec) -> None:
    assert problems(spec) == []


def changed(spec: RunSpec, layer: int, **changes: Any) -> RunSpec:
    layers = list(spec.layers)
    layers[layer] = dataclasses.replace(layers[layer], **changes)
    return dataclasses.replace(spec, layers=tuple(layers))


def probe_changed(**changes: Any) -> RunSpec:
    spec = image_run_spec()
    assert spec.probe is not None
    return dataclasses.replace(spec, probe=dataclasses.replace(spec.probe, **changes))


KERNEL = WeightSpec("kernel", ("in_unit", "unit"), (3, 3))

BROKEN = {
    "a safe node name": changed(image_run_spec(), 0, name="a/b"),
    "taken by another layer": changed(image_run_spec(), 1, name="IMAGE"),
    "kind 'convolution' is not one of": changed(image_run_spec(), 1, kind="convolution"),
    "takes input from unknown layer 'nowhere'": changed(image_run_spec(), 1, inbound=("nowhere",)),
    "two weights are named 'Kernel'": changed(
        image_run_spec(), 1, weights=(KERNEL, dataclasses.replace(KERNEL, name="Kernel"))
    ),
    "weight 'a/b' is not a safe node name": changed(
        image_run_spec(), 1, weights=(dataclasses.replace(KERNEL, name="a/b"),)
    ),
    "has size 5, elsewhere in the layer 3": changed(
        image_run_spec(), 1, weights=(WeightSpec("kernel", ("unit",), (5,)),)
    ),
    "a dimension of the same name": changed(
        image_run_spec(), 1, weights=(WeightSpec("unit", ("unit",), (3,)),)
    ),
    "its output has 5 probes, the probe 6": changed(image_run_spec(), 1, output_shape=(5, 8, 8, 3)),
    "do not fit frame": changed(image_run_spec(), 1, output_shape=(6, 8, 8)),
    "are not different names": changed(
        image_run_spec(), 1, output_dims=("probe", "y", "y", "unit")
    ),
    "data type 'complex64' is not one of": changed(image_run_spec(), 1, output_dtype="complex64"),
    "is not made of whole numbers": changed(image_run_spec(), 1, output_shape=(6, 8, 0, 3)),
    "config of layer 'conv1' cannot be stored as JSON": changed(
        image_run_spec(), 1, config={"limit": float("nan")}
    ),
    "output 'nowhere' is not a layer": dataclasses.replace(image_run_spec(), outputs=("nowhere",)),
    "optimizer cannot be stored as JSON": dataclasses.replace(
        image_run_spec(), optimizer={"rate": object()}
    ),
    "there is no input": probe_changed(inputs={}),
    "kind 'picture' is not one of": probe_changed(kind="picture"),
    "arrays differ in length": probe_changed(labels=np.arange(5)),
    "input name 'label' is taken": probe_changed(
        inputs={"label": np.zeros((6, 2))}, dims={"label": ("probe", "unit")}
    ),
    "do not fit shape (6, 2), 'probe' first": probe_changed(
        inputs={"input": np.zeros((6, 2))}, dims={"input": ("unit", "probe")}
    ),
    "use a reserved name": probe_changed(
        inputs={"token": np.zeros((6, 2))}, dims={"token": ("probe", "token")}
    ),
    "has sizes 2 and 3": probe_changed(
        inputs={"one": np.zeros((6, 2)), "two": np.zeros((6, 3))},
        dims={"one": ("probe", "token"), "two": ("probe", "token")},
    ),
    "is empty": probe_changed(inputs={"input": np.zeros((0, 2))}, labels=None),
    "data type 'str": probe_changed(labels=np.array(list("abcdef"))),
    "the probe's texts cannot be stored as JSON": probe_changed(class_names=[{1}]),
}


def evaluated(labels: Any = None, **changes: Any) -> RunSpec:
    prediction = PredictionSpec(
        **{
            "name": "prediction",
            "output": "softmax",
            "dtype": "float32",
            "dims": ("example", "unit"),
            "shape": (9, 4),
            **changes,
        }
    )
    evaluation = EvaluationSpec((prediction,), 9, labels, ["a", "b", "c", "d"], "digest")
    return dataclasses.replace(image_run_spec(), evaluations=(evaluation,))


def given_inputs(values: Any, dims: Any = ("example", "feature"), **changes: Any) -> RunSpec:
    """Describe an evaluation of training examples whose inputs are stored."""
    spec = evaluated()
    inputs = {"inputs": {"input": values}, "input_dims": {"input": dims}}
    changes = {"role": "train", "kind": "tabular", **inputs, **changes}
    train = dataclasses.replace(spec.evaluations[0], **changes)
    return dataclasses.replace(spec, evaluations=(*spec.evaluations, train))


BROKEN |= {
    "'label' is not the name of a prediction": evaluated(name="label"),
    "predictions are of 8 examples, not of 9": evaluated(shape=(8, 4)),
    "labels are int64 of shape (3,), expected numbers for 9": evaluated(np.arange(3)),
    "labels are complex128": evaluated(np.zeros(9, complex)),
    "several evaluations of the role 'held_out'": given_inputs(np.zeros((9, 2)), role="held_out"),
    "evaluation_train: input 'input' is float64 of shape (8, 2)": given_inputs(np.zeros((8, 2))),
    "('example', 'unit') of input 'input' do not": given_inputs(np.zeros(9), ("example", "unit")),
    "'unit' has sizes 4 and 2": given_inputs(np.zeros((9, 2)), ("example", "unit")),
    "kind '?' is not one of": given_inputs(np.zeros((9, 2)), kind="?"),
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_broken_description_is_refused_and_says_why(message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        validate(BROKEN[message])


def test_every_problem_is_listed_at_once() -> None:
    spec = changed(image_run_spec(), 1, kind="?", inbound=("nowhere",), output_dtype="text")
    found = problems(dataclasses.replace(spec, outputs=("nobody",)))
    assert len(found) == 4


def test_a_fingerprint_tells_probes_apart() -> None:
    def fingerprint(values: Any) -> str:
        return ProbeSpec({"input": values}, "other", {"input": ("probe",)}).fingerprint()

    one = fingerprint(np.arange(3, dtype=np.int32))
    assert one == fingerprint(np.arange(3, dtype=np.int32))
    assert one != fingerprint(np.arange(3, dtype=np.int64))
    assert one != fingerprint(np.arange(4, dtype=np.int32))


# -- SCHEMA.md -------------------------------------------------------------------------------


def section(title: str) -> str:
    """Text of a section of SCHEMA.md, up to the next one of its level or above."""
    level = title.split(" ")[0]
    body = SCHEMA.split(f"\n{title}\n", 1)[1]
    return re.split(rf"\n#{{1,{len(level)}}} ", body, maxsplit=1)[0]


def first_column(title: str) -> list[str]:
    """Names in the first column of a section's table."""
    rows = [line.split("|")[1] for line in section(title).splitlines() if line.startswith("|")]
    return [name for cell in rows[2:] for name in re.findall(r"`([^`]+)`", cell)]


def evaluated_run_spec() -> RunSpec:
    return evaluated(np.arange(9) % 4)


def training_evaluated_run_spec() -> RunSpec:
    return given_inputs(np.arange(18).reshape(9, 2))


def measured_run_spec() -> RunSpec:
    updates = UpdatesSpec(("layers/conv1/weights/kernel", "layers/dense/weights/kernel"))
    return dataclasses.replace(image_run_spec(), updates=updates)


RUN_SPECS = [
    image_run_spec,
    text_run_spec,
    evaluated_run_spec,
    training_evaluated_run_spec,
    measured_run_spec,
]


@pytest.fixture(scope="module", params=RUN_SPECS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return open_run(write_run(tmp_path_factory.mktemp("schema") / "run.zarr", request.param()))


def test_the_page_names_the_version_kinds_and_types() -> None:
    assert f"schema version {SCHEMA_VERSION}" in SCHEMA.splitlines()[0]
    assert sorted(first_column("### Dimensions by kind of layer")) == sorted(LAYER_KINDS)
    for name in (*DATA_TYPES, *PROBE_KINDS, *RESERVED_PROBE_NAMES, ROOT_ATTRIBUTE):
        assert f"`{name}`" in SCHEMA
    assert f"`/{HISTORY_PREFIX}…`" in SCHEMA


def test_the_page_lists_exactly_the_attributes_that_are_written(run: Run) -> None:
    layers = run.nodes["layers"]["attributes"]
    layer = run.nodes[f"layers/{layers['order'][0]}"]["attributes"]
    assert sorted(first_column(f"### Of the root: `{ROOT_ATTRIBUTE}`")) == sorted(run.attributes)
    assert sorted(first_column("### Of `/layers`")) == sorted(layers)
    # Those of a layer that follows, and of one that takes several tensors, are added to it.
    added = {DERIVED, "arguments"}
    assert sorted(first_column("### Of `/layers/<layer>`")) == sorted({*layer} | added)
    assert sorted(first_column("### Of `/probe`")) == sorted(run.nodes["probe"]["attributes"])
    for group in {"evaluation", "evaluation_train"} & run.nodes.keys():
        attributes = run.nodes[group]["attributes"]
        assert sorted(first_column("### Of `/evaluation`, `/evaluation_train`")) == sorted(
            attributes
        )
    if "updates" in run.nodes:
        attributes = run.nodes["updates"]["attributes"]
        assert sorted(first_column("### Of `/updates`")) == sorted(attributes)


def test_the_layout_table_covers_every_node_with_its_dims_and_type(run: Run) -> None:
    table = {}
    for line in section("## Layout").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if line.startswith("| `/"):
            pattern = re.sub(r"<\w+>", "[^/]+", cells[1].strip("`").lstrip("/"))
            table[pattern] = (cells[2], cells[3])
    for path, node in run.nodes.items():
        if node["node_type"] == "group":
            continue
        matching = [row for pattern, row in table.items() if re.fullmatch(pattern, path)]
        assert matching, f"SCHEMA.md does not list {path}"
        dims, dtype = table.get(path, matching[0])
        expected = dims.removesuffix("…").rstrip(", ").split(", ")
        assert node["dimension_names"][: len(expected)] == expected
        assert dims.endswith("…") or len(node["dimension_names"]) == len(expected)
        assert dtype in ("any", node["data_type"])


def test_the_rules_hold_in_a_written_run(run: Run) -> None:
    sizes: dict[str, dict[str, int]] = {}
    for path, node in run.nodes.items():
        if node["node_type"] != "array":
            continue
        assert node["data_type"] in DATA_TYPES
        assert node["fill_value"] == "NaN" or not node["data_type"].startswith("float")
        dims = node["dimension_names"]
        assert not {"step", "update"} & set(dims[1:])
        parts = path.split("/")[:-1]
        seen = [sizes.setdefault("/".join(parts[:depth]), {}) for depth in range(len(parts) + 1)]
        for dim, size in zip(dims, node["shape"], strict=True):
            assert all(known.get(dim, size) == size for known in seen), (path, dim)
            seen[-1][dim] = size


def test_schema_lists_every_operation_with_its_parameters() -> None:
    rows = [row for row in section("### Activations that follow").splitlines() if "|" in row]
    listed: dict[str, tuple[int, set[str]]] = {}
    for row in rows:
        _, names, sources, parameters, *_ = (cell.strip() for cell in row.split("|"))
        if sources.isdecimal():
            found = set(re.findall("`(.*?)`", parameters))
            listed |= {name: (int(sources), found) for name in re.findall("`(.*?)`", names)}
    assert listed == {
        name: (operation.arity, {each.name for each in dataclasses.fields(operation)})
        for name, operation in OPERATIONS.items()
    }


def test_schema_lists_what_is_said_of_a_layer_that_follows() -> None:
    layer = next(layer for layer in derived_run_spec().layers if layer.derivation)
    names = first_column("### Activations that follow")
    assert names[:4] == sorted(layer.attributes()[DERIVED], key=names.index)


def test_half_characters_of_texts_are_stored_as_question_marks(tmp_path: Path) -> None:
    odd = "gr\udcfcn"
    probe = image_run_spec().probe
    assert probe is not None
    spec = dataclasses.replace(
        image_run_spec(odd),
        notes=odd,
        probe=dataclasses.replace(probe, class_names=[odd] * 4, texts=[odd] * 6),
        model_config={"name": odd},
    )
    run = open_run(write_run(tmp_path / "run.zarr", spec))
    assert run.name == run.attributes["notes"] == "gr?n"
    assert run.probe is not None
    assert set(run.probe.class_names or ()) == set(run.probe.texts or ()) == {"gr?n"}
    assert run.model_config == {"name": "gr?n"}


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("con", "_con"),
        ("nul", "_nul"),
        ("aux.txt", "_aux.txt"),
        ("COM\u00b9", "_COM\u00b9"),
        ("CONOUT$", "_CONOUT$"),
        ("console", "console"),
        ("dense.", "dense"),
        ("a:b\n", "a_b_"),
    ],
)
def test_names_that_windows_does_not_take_are_changed(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_names_that_differ_by_case_or_by_how_accents_are_written_get_a_number() -> None:
    assert safe_name("Dense", ["dense"]) == "Dense_2"
    assert safe_name("cafe\u0301", ["Caf\u00e9"]) == "cafe\u0301_2"
