"""The file as a browser will read it: parsed, unpacked, and held against the run."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
import shutil
import subprocess
import zlib
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from explorer.data.run import RunData
from explorer.replay.contents import Contents, everything
from explorer.replay.page import SCRIPT, THEME, ReplayPage
from store import open_run
from store.testing import frames_at, image_run_spec, text_run_spec, write_run
from store.tools.crop import Cut, crop

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


class Page(HTMLParser):
    """Elements of a page with their attributes, and what the scripts of the page would read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: tuple[str, dict[str, str | None]] = ("", {})
        self.texts: dict[str, str] = {}
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.state: dict[str, Any] = json.loads(self._inflated("state"))

    def handle_starttag(self, tag, attrs):
        self.inside = (tag, dict(attrs))
        self.elements.append(self.inside)

    def handle_endtag(self, _tag):
        self.inside = ("", {})

    def handle_data(self, data):
        tag, attributes = self.inside
        if tag == "script" and "id" in attributes:
            self.texts[attributes["id"]] = data
        elif tag == "script":
            self.scripts.append(data)
        elif tag != "style":
            self.words.append(data)

    def _inflated(self, name: str) -> bytes:
        return zlib.decompress(base64.b64decode(self.texts[name]))

    def array(self, reference: dict[str, Any]) -> np.ndarray:
        kind = np.dtype(reference["dtype"]).newbyteorder("<")
        content = self._inflated(f"block-{reference['block']}")
        values = np.frombuffer(content, kind).reshape(reference["shape"])
        return np.cumsum(values, axis=0, dtype=np.uint8) if reference.get("film") else values

    def layer(self, name: str) -> dict[str, Any]:
        (found,) = [layer for layer in self.state["layers"] if layer["name"] == name]
        return found


def page_of(data: RunData, part: Contents | None = None, notes: tuple[str, ...] = ()) -> Page:
    return Page(ReplayPage(data).html(part or everything(data), notes))


PART = Contents(("conv1", "softmax"), (1, 4), (0, 3, 7))


def test_films_are_the_explorers_frames(image_data):
    page = page_of(image_data, PART)
    for name in PART.layers:
        films = page.layer(name)["films"]
        assert len(films) == len(PART.probes)
        for film, probe in zip(films, PART.probes, strict=True):
            frames = page.array(film["frames"])
            for frame, step in zip(frames, PART.steps, strict=True):
                np.testing.assert_array_equal(frame, image_data.frame(name, step, probe))
            limits = image_data.limits(name, probe)
            assert (film["grid"]["low"], film["grid"]["high"]) == (limits.low, limits.high)
            assert page.array(film["grid"]["palette"]).shape == (768,)
            assert f"probe {probe}" in film["caption"]


def test_time_and_predictions_are_those_of_the_kept_steps_and_probes(image_data):
    page = page_of(image_data, PART)
    run, at = image_data.run, list(PART.steps)
    transport = page.state["transport"]
    np.testing.assert_array_equal(page.array(transport["steps"]), run.steps[at])
    np.testing.assert_array_equal(page.array(transport["epochs"]), run.epochs[at])
    np.testing.assert_array_equal(page.array(transport["wall_times"]), run.wall_times[at])

    labels = run.probe.labels[list(PART.probes)]
    for probe, prediction in zip(PART.probes, page.state["predictions"], strict=True):
        expected = np.stack(
            [frames_at(image_run_spec(), int(step))["layers/softmax/activation"][probe]
             for step in run.steps[at]]
        )  # fmt: skip
        np.testing.assert_array_equal(page.array(prediction["values"]), expected)
        assert prediction["truth"] == run.probe.labels[probe]
    picker = page.state["picker"]
    shares = np.stack([page.array(p["values"]) for p in page.state["predictions"]], axis=1)
    np.testing.assert_array_equal(page.array(picker["predicted"]), shares.argmax(axis=-1))
    right = shares.argmax(axis=-1) == labels
    np.testing.assert_array_equal(page.array(picker["correct"]), right)
    assert picker["labels"] == [run.probe.class_names[label] for label in labels]
    images = page.array(picker["images"])
    assert images.shape == (2, 8, 8, 1)


def test_curves_are_the_metrics_on_every_clock_and_sparse_ones_are_joined(image_data):
    page = page_of(image_data, PART)
    loss, accuracy = page.state["charts"]
    assert (loss["title"], accuracy["title"]) == ("Loss", "Accuracy")
    training, validation = loss["series"]
    updates = np.arange(1, 101)
    np.testing.assert_array_equal(page.array(training["places"]["step"]), updates)
    # Without noise a running median changes nothing, but at the end.
    values = page.array(training["values"])
    np.testing.assert_allclose(values[:98], 2 / (1 + updates[:98]), rtol=1e-6)
    np.testing.assert_allclose(values[98:], 2 / (1 + updates[98:]), rtol=0.02)
    np.testing.assert_allclose(page.array(training["places"]["epoch"]), updates / 20)
    np.testing.assert_allclose(page.array(training["places"]["wall_time"]), updates * 0.05)
    assert validation["name"] == "val_loss"
    np.testing.assert_array_equal(page.array(validation["places"]["step"]), np.arange(20, 101, 20))


def test_a_layer_without_pictures_says_why(image_data):
    page = page_of(image_data, PART)
    assert "left out" in page.layer("relu1")["missing"]
    assert "the probe itself" in page.layer("image")["missing"]
    assert "films" not in page.layer("relu1")
    assert page.state["transport"]["choice"]["layer"] == "conv1"
    assert page.state["transport"]["families"]["pool1"] == "conv1"
    other = page_of(image_data, dataclasses.replace(PART, layers=("softmax",)))
    assert other.state["transport"]["choice"]["layer"] == "softmax"


def test_texts_come_with_their_tokens(text_data):
    page = page_of(text_data, Contents(("embedding", "lstm"), (1,), (0, 1)))
    (film,) = page.layer("embedding")["films"]
    assert film["grid"]["mode"] == "matrix"
    assert film["grid"]["x_labels"][:2] == ["<b>bad</b>", "film"]
    assert page.layer("lstm")["films"][0]["grid"]["x_labels"] == []
    assert len(page.state["picker"]["texts"]) == 1


def evil_data(tmp_path) -> RunData:
    spec = image_run_spec(EVIL)
    layer = "&lt;'conv"
    layers = [dataclasses.replace(known, name=known.name.replace("conv1", layer),
                                  inbound=tuple(n.replace("conv1", layer) for n in known.inbound))
              for known in spec.layers]  # fmt: skip
    probe = dataclasses.replace(spec.probe, class_names=[EVIL, "b", "c", "d"])
    spec = dataclasses.replace(spec, layers=tuple(layers), probe=probe, notes=EVIL)
    return RunData(open_run(write_run(tmp_path / "evil.zarr", spec, steps=(0, 1))))


def test_names_from_a_stranger_are_text(tmp_path, image_data):
    data = evil_data(tmp_path)
    page, usual = page_of(data, notes=(EVIL,)), page_of(image_data, notes=("calm",))
    plain = [tag for tag, attributes in usual.elements if "block" not in attributes.get("id", "")]
    kept = [tag for tag, attributes in page.elements if "block" not in attributes.get("id", "")]
    assert kept == plain
    assert page.scripts == [THEME, SCRIPT]
    assert "".join(page.words).count(EVIL) == 3  # title, heading, note
    assert page.state["bars"]["class_names"][0] == EVIL
    assert page.layer("&lt;'conv")["films"]


def test_only_the_pages_own_scripts_may_run_and_nothing_may_load(image_data):
    text = ReplayPage(image_data).html(PART)
    page = Page(text)
    (policy,) = [
        attributes["content"]
        for tag, attributes in page.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    digests = [hashlib.sha256(script.encode()).digest() for script in page.scripts]
    allowed = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"].split() == allowed
    assert rules["img-src"] == "data:"
    addressed = {"src", "href", "action"}
    loaded = [
        attributes[name]
        for _, attributes in page.elements
        for name in addressed.intersection(attributes)
    ]
    assert loaded == ["data:,"]
    css = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"@import|url\(|https?:", css)


@pytest.mark.parametrize("script", [THEME, SCRIPT], ids=["theme", "replay"])
def test_a_script_ends_where_its_element_does_and_parses(script):
    assert "</script" not in script.lower()
    assert "<!--" not in script
    assert "\r" not in script
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; the browser test runs the script")
    done = subprocess.run([node, "--check", "-"], input=script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_estimates_are_exact_for_two_probes_and_near_for_all(image_data):
    page = ReplayPage(image_data)
    assert page.size(PART, ["a note"]) == len(page.html(PART, ["a note"]).encode())
    whole = everything(image_data)
    assert page.size(whole) == pytest.approx(len(page.html(whole).encode()), rel=0.05)


def test_progress_is_told_after_each_film(image_data):
    told: list[str] = []
    ReplayPage(image_data).html(PART, progress=told.append)
    assert told == ["conv1", "conv1", "softmax", "softmax"]


@pytest.mark.parametrize("steps", [(0,), (0, 1)])
def test_a_crop_without_inputs_and_labels_and_a_lone_step(tmp_path, steps):
    whole = write_run(tmp_path / "whole.zarr", steps=steps)
    crop(whole, tmp_path / "bare.zarr", Cut(drop=["inputs", "labels", "metrics"]))
    page = page_of(RunData(open_run(tmp_path / "bare.zarr")))
    assert page.state["picker"]["texts"] == [f"probe {number}" for number in range(6)]
    assert [prediction["truth"] for prediction in page.state["predictions"]] == [-1] * 6
    assert page.state["charts"] == []
    assert page.array(page.layer("conv1")["films"][5]["frames"]).shape == (len(steps), 3, 8, 8)


def test_a_run_without_activations_has_graph_and_curves(recorded):
    spec = image_run_spec()
    layers = tuple(dataclasses.replace(layer, output_dims=(), output_shape=())
                   for layer in spec.layers)  # fmt: skip
    page = page_of(recorded(dataclasses.replace(spec, layers=layers, probe=None), steps=(0, 5)))
    assert page.state["predictions"] == []
    assert page.state["bars"] is None
    assert len(page.state["charts"]) == 2
    assert page.layer("conv1")["missing"] == (
        "No activation was recorded. Give the recorder a probe."
    )


def test_a_training_that_diverged_is_shown_as_it_is(tmp_path, monkeypatch):
    def diverged(spec, step):
        return {name: np.full_like(frame, np.nan if step else np.inf)
                for name, frame in frames_at(spec, step).items()}  # fmt: skip

    monkeypatch.setattr("store.testing.runs.frames_at", diverged)
    data = RunData(open_run(write_run(tmp_path / "nan.zarr", text_run_spec(), steps=(0, 1))))
    page = page_of(data)
    (frames, _) = (page.array(film["frames"]) for film in page.layer("lstm")["films"])
    assert (frames[0] == 255).all()
    assert (frames[1] == 0).all()
