"""Which probes excite the selected unit most at the step on screen, and what in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Lack, Unfit
from explorer.data.run import RunData
from explorer.data.texts import texts_of
from explorer.data.units import MAP_AXES, Sight, images, sight_of, unit_values
from explorer.data.windows import padded_positions, token_windows
from explorer.derived.texts.alignment import text_spans
from explorer.derived.texts.words import CLOSE, OPEN, marked, shortened
from explorer.derived.units.filters import TopPositions, cut_patches, top_positions
from explorer.plots.pictures import grey_codes, grey_limits, grey_palette
from explorer.views.base import Scene, View
from explorer.views.registry import register
from explorer.views.requirements import needs_activation
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.probe_picker import descriptions
from explorer.widgets.pictures.frame_grid import FrameGrid
from store import Layer
from store.format.names import UNIT_DIM, activation_path

Array = npt.NDArray[Any]


# Two rows of six pictures.
HEIGHT = 290
MOST_PROBES = 12
MOST_ROWS = 8
CLASS_LETTERS = 10
# An en dash, as in a table.
SILENT = "\u2013"
NO_ANSWER = "The unit answers to no probe at this step."


@register
class TopProbes(View):
    """The probes that the unit answers to most, cut to what it sees of them."""

    title = "What excites the unit most"
    region = "layer"
    depends = ("layer", "unit")
    order = 14
    width = 6

    def serves(self, layer: Layer) -> bool:
        return bool(layer.output_shape)

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_activation(scene)
        if missing is not None:
            return missing
        if UNIT_DIM not in scene.data.run.array(activation_path(scene.selected.layer)).dims:
            return Unfit(f"The output of {scene.selected.layer} has no units to choose from.")
        if scene.data.run.probe is None or not scene.data.run.probe.size:
            return Lack("The probe's inputs were not kept with this run.")
        return None

    def caption(self, scene: Scene) -> str:
        data, layer, unit = scene.data, scene.layer, scene.selected.unit
        assert data.run.probe is not None
        pictures = images(data) is not None
        count = min(MOST_PROBES if pictures else MOST_ROWS, data.run.probe.size)
        which = f"the {count} probes with the largest output of unit {unit} at this step"
        if pictures:
            under = "probe (class) · output" if data.class_labels is not None else "probe · output"
            under = f"below {under}, {SILENT} where there is none"
            if _is_cut(data, layer):
                return f"What the unit sees where it answers most, of {which}; {under}."
            return f"T{which[1:]}; {under}."
        if token_windows(data, layer) is not None:
            return f"T{which[1:]}; {OPEN}{CLOSE} marks what it sees where it answers most."
        return f"T{which[1:]}, the largest first."

    def compute(self, scene: Scene) -> _Pictures | _Texts:
        data = scene.data
        if images(data) is None:
            return _Texts.of(data, scene.layer, scene.selected.unit)
        return _Pictures.of(data, scene.layer, scene.selected.unit)

    def draw(self, scene: Scene, computed: _Pictures | _Texts) -> Any:
        data, selected = scene.data, scene.selected
        shared: dict[str, Any] = {
            "key": f"{data.run.id}|{selected.layer}|unit {selected.unit}|top probes",
            "label": f"Probes with the largest output of unit {selected.unit} of {selected.layer}",
            "channel": scene.channel,
            "sizing_mode": "stretch_width",
            "margin": 0,
        }
        if isinstance(computed, _Texts):
            labelled = data.class_labels is not None
            return StepTable(
                computed.rows,
                len(data.run),
                columns=["probe", "text", "output", *(["class"] if labelled else [])],
                numeric=[0, 2],
                rows=min(MOST_ROWS, len(computed.texts)),
                empty=NO_ANSWER,
                **shared,
            )
        limits = grey_limits(computed.greys_of)
        return FrameGrid(
            computed.frame,
            len(data.run),
            palette=grey_palette(),
            low=limits.low,
            high=limits.high,
            bounded=True,
            selects="probe",
            places=0,
            value_name="input",
            if_blank=NO_ANSWER,
            height=HEIGHT,
            **shared,
        )


@dataclass(frozen=True)
class _Ranked:
    """The probes of a unit in order, step by step."""

    data: RunData
    layer: str
    unit: int

    def top(self, index: int, most: int, unseen: Array | None = None) -> TopPositions:
        """Rank the probes at a recorded step; positions that are `unseen` do not count."""
        values = unit_values(self.data, self.layer, index, self.unit).astype(np.float64)
        width = values.shape[-1] if values.ndim > 1 else 1
        maps = values.reshape(len(values), -1, width)
        if unseen is not None:
            maps = np.where(unseen[:, None, :], np.nan, maps)
        top = top_positions(maps, most=most)
        return TopPositions(
            top.probe, top.y, top.x, np.where(_silent(top, maps), np.nan, top.value)
        )

    def class_of(self, probe: int) -> str:
        """Name of a probe's class, or nothing."""
        labels = self.data.class_labels
        return "" if labels is None else self.data.class_names[int(labels[probe])]


def _silent(top: TopPositions, maps: Array) -> npt.NDArray[np.bool_]:
    """Say which values are no response: all of a constant unit, 0 of one that is never less."""
    known = maps[~np.isnan(maps)]
    least = known.min(initial=np.inf)
    if len(known) > 1 and least == known.max():
        return np.ones(len(top.value), bool)
    return np.asarray((top.value <= 0) & (least >= 0))


@dataclass(frozen=True)
class _Pictures(_Ranked):
    """Images, whole or cut to what the unit sees.

    Attributes
    ----------
    codes : ndarray (probe, y, x), uint8
        The probes in grey.
    boxes : tuple of ndarray (position, 2) or None
        Rows and columns that each position of a map sees; None: all of them.
    """

    codes: npt.NDArray[np.uint8]
    boxes: tuple[Array, Array] | None

    @classmethod
    def of(cls, data: RunData, layer: Layer, unit: int) -> _Pictures:
        """Prepare the probes of a run for a unit."""
        given = images(data)
        assert given is not None
        boxes = _boxes(sight_of(data, layer)) if _is_cut(data, layer) else None
        return cls(data, layer.name, unit, grey_codes(given), boxes)

    @property
    def greys_of(self) -> Array:
        """The images, for their limits."""
        given = images(self.data)
        assert given is not None
        return given

    def frame(self, index: int) -> dict[str, Any]:
        """Pictures of a recorded step, what is written under them, and their probes."""
        count = min(MOST_PROBES, len(self.codes))
        top = self.top(index, count)
        # Tiles stay empty for probes without a response, and where it is unknown.
        frame = np.zeros((count, *self._size), np.uint8)
        frame[: len(top.probe)] = self._pictures(top)
        frame[: len(top.probe)][np.isnan(top.value)] = 0
        others = [probe for probe in range(len(self.codes)) if probe not in top.probe]
        ids = [*map(int, top.probe), *others][:count]
        values = [*top.value, *[np.nan] * count][:count]
        captions = [self._text(probe, value) for probe, value in zip(ids, values, strict=True)]
        return {"frame": frame, "captions": captions, "tile_ids": ids}

    @property
    def _size(self) -> tuple[int, int]:
        """Height and width of every picture."""
        if self.boxes is None:
            return self.codes.shape[1], self.codes.shape[2]
        height, width = (int(np.ptp(spans, axis=1).max()) for spans in self.boxes)
        return height, width

    def _pictures(self, top: TopPositions) -> Array:
        if self.boxes is None:
            return self.codes[top.probe]
        rows, columns = self.boxes
        boxes = np.concatenate([rows[top.y], columns[top.x]], axis=1)
        return cut_patches(self.codes, top.probe, boxes, size=self._size)

    def _text(self, probe: int, value: float) -> str:
        named = self.class_of(probe)
        who = f"{probe} ({named[:CLASS_LETTERS]})" if named else str(probe)
        return SILENT if np.isnan(value) else f"{who} · {value:.3g}"


@dataclass(frozen=True)
class _Texts(_Ranked):
    """Texts, with what the unit sees of them marked; or what else describes a probe.

    Attributes
    ----------
    texts : list of str
        A line for each probe.
    words : list of list of str
        Tokens of each probe; empty if they have no names.
    spans : ndarray (position, 2) or None
        Tokens that each position sees; None: not known, or all.
    written : ndarray (probe, 2) or None
        Where the text of each probe lies among its tokens.
    separator : str
        What stands between two tokens.
    """

    texts: list[str]
    words: list[list[str]]
    spans: Array | None
    written: Array | None
    separator: str

    @classmethod
    def of(cls, data: RunData, layer: Layer, unit: int) -> _Texts:
        """Prepare the probes of a run for a unit."""
        probe = data.run.probe
        assert probe is not None
        given, names = data.input(), probe.vocabulary
        texts = descriptions(probe) or [f"probe {number}" for number in range(probe.size)]
        spans = token_windows(data, layer)
        if probe.kind != "text" or given is None or names is None or spans is None:
            return cls(data, layer.name, unit, texts, [], None, None, " ")
        words = [
            [names[int(i)] if 0 <= int(i) < len(names) else f"#{int(i)}" for i in row]
            for row in given
        ]
        known = texts_of(data)
        written = text_spans(given, None if known is None else known.padding)
        letters = max((len(name) for name in names if not name.startswith("[")), default=2) == 1
        return cls(data, layer.name, unit, texts, words, spans, written, "" if letters else " ")

    def rows(self, index: int) -> dict[str, Any]:
        """Rows of a recorded step, and what a click on each chooses."""
        unseen = padded_positions(self.data, self.data.run.layers[self.layer])
        top = self.top(index, MOST_ROWS, unseen)
        rows, chooses = [], []
        for probe, place, value in zip(top.probe, top.x, top.value, strict=True):
            if np.isnan(value):
                continue
            named = [self.class_of(int(probe))] if self.data.class_labels is not None else []
            text = self._text(int(probe), int(place))
            rows.append([str(probe), text, f"{value:.3g}", *named])
            chooses.append({"probe": int(probe)})
        return {"rows": rows, "chooses": chooses}

    def _text(self, probe: int, place: int) -> str:
        if self.spans is None or self.written is None:
            return shortened(self.texts[probe])
        first, last = (int(at) for at in self.written[probe])
        start, end = (min(max(int(at), first), last) for at in self.spans[place])
        words = self.words[probe][first:last]
        return marked(words, start - first, end - first, self.separator)


def _boxes(sight: Sight) -> tuple[Array, Array]:
    """Rows and columns that positions see: with the padding, unless that is most of the picture."""
    sides = zip(sight.reach, (sight.rows, sight.columns), sight.size, strict=True)
    rows, columns = (
        reach if np.ptp(reach, axis=1).max() <= size else within for reach, within, size in sides
    )
    return rows, columns


def _is_cut(data: RunData, layer: Layer) -> bool:
    """Whether a position of the layer sees less than the whole image."""
    if len(layer.output_shape) != MAP_AXES:
        return False
    dims = data.run.array(activation_path(layer.name)).dims[2:]
    if UNIT_DIM not in dims:
        return False
    sight = sight_of(data, layer)
    return sight.fault is None and not sight.is_whole
