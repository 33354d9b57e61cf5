"""Synthetic runs that the explorer's tests look at."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import panel as pn
import pytest
import xarray as xr

from explorer.cards.card import Card
from explorer.data.run import RunData
from explorer.plots import style
from explorer.selection import TABS, SelectionKey
from explorer.session.session import Explorer
from explorer.views.base import View
from explorer.widgets.page.card_head import CardHead
from store import Run, open_run
from store.format.names import weight_path
from store.format.spec import RunSpec, UpdatesSpec
from store.testing import image_run_spec, text_run_spec, write_run
from tests.explorer.attending import write_patch_run, write_text_run

RunMaker = Callable[..., RunData]


def image_spec_with_conv1(dims: tuple[str, ...], shape: tuple[int, ...]) -> RunSpec:
    """Describe the image run with an output of other dimensions for its layer ``conv1``."""
    spec = image_run_spec()
    changed = (
        dataclasses.replace(layer, output_dims=dims, output_shape=shape)
        if layer.name == "conv1"
        else layer
        for layer in spec.layers
    )
    return dataclasses.replace(spec, layers=tuple(changed))


CHANNELS_FIRST = image_spec_with_conv1(("probe", "unit", "y", "x"), (6, 3, 8, 8))


@pytest.fixture(scope="session", autouse=True)
def _drawing_library() -> None:
    style.register()


@pytest.fixture(scope="session")
def image_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A classifier of images: 8 recorded steps, 6 probes, 7 layers."""
    return open_run(write_run(tmp_path_factory.mktemp("runs") / "image.zarr"))


@pytest.fixture(scope="session")
def text_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A recurrent classifier of two short texts."""
    return open_run(write_run(tmp_path_factory.mktemp("runs") / "text.zarr", text_run_spec()))


@pytest.fixture(scope="session")
def attending_text(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    """A small causal transformer that predicts letters, recorded."""
    return RunData(open_run(write_text_run(tmp_path_factory.mktemp("runs") / "letters.zarr")))


@pytest.fixture(scope="session")
def attending_patches(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    """A small transformer over the patches of pictures, recorded."""
    return RunData(open_run(write_patch_run(tmp_path_factory.mktemp("runs") / "patches.zarr")))


@pytest.fixture
def image_data(image_run: Run) -> RunData:
    """Fresh caches over `image_run`."""
    return RunData(image_run)


@pytest.fixture
def text_data(text_run: Run) -> RunData:
    """Fresh caches over `text_run`."""
    return RunData(text_run)


@pytest.fixture
def recorded(tmp_path: Path) -> RunMaker:
    """Record a changed run: ``recorded(spec, steps=(0, 1))``; by default the image run's spec."""

    def record(spec: RunSpec | None = None, **options: Any) -> RunData:
        number = len(list(tmp_path.iterdir()))
        return RunData(open_run(write_run(tmp_path / f"run{number}.zarr", spec, **options)))

    return record


@pytest.fixture
def metrics(image_data, monkeypatch):
    """Replace what was logged in `image_data`: arrays by name; with `samples`, epoch means."""

    def given(samples=None, **values):
        count = len(next(iter(values.values())))
        marks = {} if samples is None else {"epoch_mean": True}
        table = {
            name: ("update", np.asarray(each, np.float32), {} if name.startswith("val_") else marks)
            for name, each in values.items()
        }
        logged = xr.Dataset(table, coords={"update": np.arange(1, count + 1)})
        if samples is not None:
            logged = logged.assign_coords(epoch_samples=("update", samples))
        monkeypatch.setattr(type(image_data.run), "metrics", logged)
        monkeypatch.setitem(vars(image_data), "metrics", logged)
        return image_data

    return given


def with_probe(spec: RunSpec | None = None, **changes: Any) -> RunSpec:
    """Change a run's probe."""
    spec = spec or image_run_spec()
    assert spec.probe is not None
    return dataclasses.replace(spec, probe=dataclasses.replace(spec.probe, **changes))


def with_updates(spec: RunSpec | None = None) -> RunSpec:
    """Let a run hold the single updates of all its variables."""
    spec = spec or image_run_spec()
    paths = (
        weight_path(layer.name, weight.name) for layer in spec.layers for weight in layer.weights
    )
    return dataclasses.replace(spec, updates=UpdatesSpec(tuple(paths)))


def renamed(spec: RunSpec, names: dict[str, str]) -> RunSpec:
    """Change names of layers."""
    layers = tuple(
        dataclasses.replace(
            layer,
            name=names.get(layer.name, layer.name),
            inbound=tuple(names.get(source, source) for source in layer.inbound),
        )
        for layer in spec.layers
    )
    outputs = tuple(names.get(name, name) for name in spec.outputs)
    return dataclasses.replace(spec, layers=layers, outputs=outputs)


def without_probe(spec: RunSpec | None = None) -> RunSpec:
    """Leave out the probe, and with it every activation."""
    spec = spec or image_run_spec()
    layers = tuple(
        dataclasses.replace(layer, output_dims=(), output_shape=()) for layer in spec.layers
    )
    return dataclasses.replace(spec, probe=None, layers=layers)


def texts_of(viewable: Any) -> str:
    """Every text on a page as HTML, cards that are hidden left out."""
    found: list[str] = []

    def walk(item: Any) -> None:
        if not item.visible:
            return
        if isinstance(item, pn.pane.HTML):
            found.append(item.object)
        if isinstance(item, CardHead):
            found.extend(html.escape(text) for text in (item.title, item.caption, item.said))
        for child in getattr(item, "objects", None) or []:
            walk(child)

    walk(viewable)
    return "\n".join(found)


def texts_of_every_tab(explorer: Explorer) -> str:
    """Every text of a session, as if somebody had opened every tab and scrolled through it."""
    found = []
    for tab in TABS:
        explorer.selection.choose(tab=tab)
        for card in cards_of(explorer):
            card.head.seen = True
        found.append(texts_of(explorer.body))
    return "\n".join(found)


def cards_of(explorer: Explorer) -> list[Card]:
    """All cards of a session."""
    return [card for cards in explorer.cards.values() for card in cards]


# -- one card ----------------------------------------------------------------------------------


class Told(View):
    """Draws the layer's name and counts."""

    title = "Told"
    region = "layer"
    depends = ("layer", "probe")
    follows = ("unit",)

    def __init__(self):
        self.computed = []
        self.drawn = []
        self.followed = []
        self.missing = None
        self.meant = True

    def applies(self, _data):
        return self.meant

    def serves(self, layer):
        return layer.kind != "pooling"

    def requirement(self, _scene):
        return self.missing

    def caption(self, scene):
        return f"The layer <{scene.selected.layer}>."

    def compute(self, scene):
        self.computed.append(scene.selected.layer)
        return scene.selected.layer.upper()

    def draw(self, scene, computed):
        self.drawn.append((scene.selected.layer, scene.index, computed))
        return pn.pane.Str(computed)

    def follow(self, scene, body):
        self.followed.append((getattr(body, "object", body), scene.selected.unit))


class CardPage:
    """A card on a page, and the selection that it follows."""

    def __init__(self, data, view, **options):
        self.view = view
        self.layer, self.probe, self.axis, self.index = "conv1", 0, "step", 0
        self.unit = 0
        self.card = Card(view, data, "main", self.current, **options)
        self.root = self.card.panel.get_root()

    def current(self):
        return SelectionKey(self.layer, self.probe, self.axis, self.unit), self.index

    def select(self, **changes):
        vars(self).update(changes)
        self.card.update()
        return self

    @property
    def sentence(self):
        """What stands on the card in words: in place of a picture, or else above it."""
        return self.card.head.said or self.card.head.caption

    @property
    def bodies(self):
        """What the pictures that are kept say, the one that was shown last at the end."""
        return [self.card.pictures.get(key).object for key in self.card.pictures.keys]

    @property
    def visible(self):
        """What the pictures on screen say."""
        return [frame[0].object for frame in self.card.pictures if frame.visible]
