"""What a pooling layer keeps of a text and what it loses, for the selected unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Lack, Unfit
from explorer.data.run import RunData
from explorer.data.texts import (
    Texts,
    in_text,
    in_text_of,
    needs_places,
    place_spans,
    place_words,
    texts_of,
)
from explorer.data.units import unit_values
from explorer.derived.texts.alignment import Window, window_of
from explorer.derived.texts.ngrams import dropped_share, pool_switches
from explorer.derived.texts.words import visible
from explorer.derived.time.frames import robust_limits
from explorer.derived.time.headway import counted
from explorer.plots.curves import metric_curves
from explorer.views.base import Scene, View, plot_pane
from explorer.views.parts import colours, sentence_pane
from explorer.views.registry import register
from explorer.views.requirements import needs_steps, not_recorded
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.charts.token_strip import TokenStrip
from explorer.widgets.page.beside import below, beside
from store import Layer
from store.format.names import UNIT_DIM, activation_path

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

MAXIMUM = frozenset({"MaxPooling1D", "GlobalMaxPooling1D"})
AVERAGE = frozenset({"AveragePooling1D", "GlobalAveragePooling1D"})
CURVE_HEIGHT = 190
# Stands between two windows.
BORDER = " |"
# Where nothing is positive, or something is not finite.
UNKNOWN = "\u2013"


@dataclass(frozen=True)
class UnitPooling:
    """A pooling over the places of a text, seen from one unit.

    Attributes
    ----------
    data : RunData
        The run.
    layer, source : Layer
        The pooling, and the layer that it takes.
    unit : int
        The unit.
    texts : Texts
        The probes.
    spans : ndarray (place, 2)
        Tokens that each place of the source sees.
    window : Window
        How the pooling slides over the places; a global one sees all at once.
    """

    data: RunData
    layer: Layer
    source: Layer
    unit: int
    texts: Texts
    spans: Array
    window: Window

    @classmethod
    def of(cls, data: RunData, layer: Layer, unit: int) -> UnitPooling:
        """Prepare the probes for a unit."""
        source = data.run.layers[layer.inbound[0]]
        texts, spans = texts_of(data), place_spans(data, source)
        assert texts is not None
        assert spans is not None
        window = window_of(layer.class_name, layer.config) or Window(len(spans))
        return cls(data, layer, source, unit, texts, spans, window)

    @property
    def keeps_greatest(self) -> bool:
        """Whether it is a maximum, else a mean."""
        return self.layer.class_name in MAXIMUM

    @property
    def is_global(self) -> bool:
        """Whether one window sees all places."""
        return self.layer.class_name.startswith("Global")

    def is_text(self, probe: int | slice) -> npt.NDArray[np.bool_]:
        """Which places see anything of a probe's text, (place,); or of several, (probe, place)."""
        if isinstance(probe, slice):
            return np.asarray(in_text(self.texts, self.spans)[probe])
        return in_text_of(self.texts, probe, self.spans)

    @property
    def skips_padding(self) -> bool:
        """Whether a mask keeps the padding out of what is pooled: of averages over all alone."""
        is_masked = self.layer.mask_from is not None
        return is_masked and self.is_global and not self.keeps_greatest

    def taken(self, index: int, probe: int | slice = slice(None)) -> Array:
        """Read what the unit hands to the pooling at a step: (probe, place), or (place,)."""
        values = unit_values(self.data, self.source.name, index, self.unit, probe)
        return np.asarray(values, np.float32)

    def kept(self, values: Array, probe: int) -> Array:
        """Give what is left of one probe at each place: (place,), NaN where nothing is.

        Of a maximum the values that it takes, of a mean the means, each at all of its window.
        """
        left = np.full(len(values), np.nan, np.float32)
        if self.keeps_greatest:
            places = self._switches(values[None])[0]
            left[places] = values[places]
            return left
        counted = self._pooled(probe)[0]
        for taps in self.window.taps(len(values)):
            seen = [place for place in taps if 0 <= place < len(values) and counted[place]]
            if seen:
                with np.errstate(all="ignore"):
                    left[seen] = values[seen].mean()
        return left

    def lost_share(self, values: Array, probe: int | slice = slice(None)) -> float:
        """Measure the share of positive evidence that is lost at one step.

        Parameters
        ----------
        values : ndarray (probe, place)
            What is taken.
        probe : int or slice
            Which probes those are.
        """
        is_text = np.atleast_2d(self.is_text(probe))
        if self.keeps_greatest:
            switches = self._switches(values)[:, :, None]
            return float(dropped_share(values[:, :, None], switches, is_text)[0])
        return cancelled_share(values, self.window, self._pooled(probe))

    def words(self, probe: int) -> list[str]:
        """Name the places; a bar ends each window where windows lie side by side."""
        names = visible(place_words(self.texts, probe, self.spans))
        if self.is_global or self.window.stride != self.window.kernel:
            return names
        taps = self.window.taps(len(names))
        ends = {int(row[-1]) for row in taps[:-1]}
        return [f"{name}{BORDER}" if at in ends else name for at, name in enumerate(names)]

    def seen(self, probe: int, place: int) -> str:
        """Give the words of the text that a place sees."""
        first, after = self.texts.span(probe)
        start, end = max(self.spans[place, 0], first), min(self.spans[place, 1], after)
        return self.texts.phrase(self.texts.row(probe)[start:end])

    def _pooled(self, probe: int | slice) -> npt.NDArray[np.bool_]:
        """Which places go into a mean: (probe, place)."""
        is_text = np.atleast_2d(self.is_text(probe))
        return is_text if self.skips_padding else np.ones_like(is_text)

    def _switches(self, values: Array) -> npt.NDArray[np.int64]:
        """Places that a maximum takes: (probe, window)."""
        return pool_switches(values[:, :, None], self.window)[:, :, 0]


def cancelled_share(values: Array, window: Window, counted: Array) -> float:
    """Measure how much positive evidence a mean loses to negative evidence.

    Parameters
    ----------
    values : ndarray (probe, place)
        What the pooling takes, of one unit.
    window : Window
        How it slides.
    counted : ndarray of bool (probe, place)
        Places that go into the means.

    Returns
    -------
    float
        Share of the sum of all positive values that negative ones in the same window cancel. NaN
        where nothing is positive, or something is not finite.

    Examples
    --------
    >>> values = np.array([[3.0, -1.0, 2.0, -4.0]])
    >>> round(cancelled_share(values, Window(2, stride=2), values != 0), 2)
    0.6
    """
    taps = window.taps(values.shape[1])
    inside = (taps >= 0) & (taps < values.shape[1])
    at = np.where(inside, taps, 0)
    seen = np.where(inside & counted[:, at], np.asarray(values, np.float64)[:, at], 0)
    with np.errstate(all="ignore"):
        positive, negative = np.maximum(seen, 0).sum(axis=-1), np.maximum(-seen, 0).sum(axis=-1)
        return float(np.minimum(positive, negative).sum() / positive.sum())


@dataclass(frozen=True)
class PooledText:
    """What the card draws.

    Attributes
    ----------
    taken, kept : ndarray (step, place), float32
        Of the selected probe: what the pooling takes, and what is left at each place.
    own, overall : ndarray (step,), float64
        Share of positive evidence lost, of the selected probe and of all.
    """

    taken: npt.NDArray[np.float32]
    kept: npt.NDArray[np.float32]
    own: Float64
    overall: Float64


@register
class TextPooling(View):
    """The text as it goes into a pooling and as it comes out, and the share that is lost."""

    title = "What pooling keeps of the text"
    region = "layer"
    kinds = frozenset({"pooling"})
    depends = ("layer", "unit", "probe", "axis")
    order = 10
    width = 12

    def applies(self, data: RunData) -> bool:
        return texts_of(data) is not None

    def serves(self, layer: Layer) -> bool:
        return layer.class_name in MAXIMUM | AVERAGE

    def requirement(self, scene: Scene) -> Absence | None:
        data, layer = scene.data, scene.layer
        missing = needs_steps(scene)
        if missing is not None:
            return missing
        source = None if layer.source is None else data.run.layers[layer.source]
        if source is None or not source.has_activation:
            if source is None:
                return Unfit(f"The run does not say what {layer.name} takes.")
            return Lack(not_recorded(data, [source.name]))
        if UNIT_DIM not in data.run.array(activation_path(source.name)).dims:
            return Unfit(f"The output of {source.name}, which {layer.name} takes, has no units.")
        return needs_places(data, source)

    def caption(self, scene: Scene) -> str:
        selected, layer = scene.selected, scene.layer
        pooling = UnitPooling.of(scene.data, layer, selected.unit)
        what = f"Unit {selected.unit} of {pooling.source.name} along probe {selected.probe}"
        windows = (
            "all places are one window"
            if pooling.is_global
            else f"windows of {pooling.window.kernel} places, {pooling.window.stride} apart"
        )
        if pooling.keeps_greatest:
            return (
                f"{what}, and below the places whose values {layer.name} keeps, the largest of "
                f"each window ({windows}). Lost: the share of all positive values, in the text, "
                "that lies where nothing is kept."
            )
        padding = "the padding is left out" if pooling.skips_padding else "the padding counts too"
        return (
            f"{what}, and below the means that {layer.name} hands on ({windows}; {padding}). Lost: "
            "the share of all positive values that negative ones in the same window cancel."
        )

    def compute(self, scene: Scene) -> tuple[UnitPooling, PooledText]:
        data, selected = scene.data, scene.selected
        pooling = UnitPooling.of(data, scene.layer, selected.unit)
        indices = range(len(data.run))

        def overall() -> Mapping[str, Array]:
            shares = [pooling.lost_share(pooling.taken(index)) for index in counted(indices)]
            return {"lost": np.array(shares)}

        key = f"lost by {selected.layer} of {activation_path(pooling.source.name)}"
        every = data.derived(f"{key}, unit {selected.unit}", overall)["lost"]
        taken = np.stack([pooling.taken(index, selected.probe) for index in indices])
        kept = np.stack([pooling.kept(values, selected.probe) for values in taken])
        own = [pooling.lost_share(values[None], selected.probe) for values in taken]
        return pooling, PooledText(taken, kept, np.array(own), every)

    def draw(self, scene: Scene, computed: tuple[UnitPooling, PooledText]) -> Any:
        pooling, found = computed
        data, selected = scene.data, scene.selected
        is_text = pooling.is_text(selected.probe)
        names = pooling.words(selected.probe)
        shared: dict[str, Any] = {
            "channel": scene.channel,
            "sizing_mode": "stretch_width",
            "margin": 0,
        }
        strip = TokenStrip(
            tokens=names,
            values=np.stack([found.taken, found.kept], axis=1),
            rows=["taken", "kept" if pooling.keeps_greatest else "mean"],
            padding=(~is_text).astype(np.uint8),
            separator=pooling.texts.separator,
            x_name="token" if len(names) == pooling.texts.ids.shape[1] else "place",
            value_name=f"unit {selected.unit}",
            label=f"Probe {selected.probe} before and after {selected.layer}",
            **colours(robust_limits([found.taken[:, is_text]])),
            **shared,
        )
        table = StepTable(
            lambda index: {"rows": _rows(pooling, found, selected.probe, index)},
            len(data.run),
            key=f"{data.run.id}|{selected.layer}|unit {selected.unit}|{selected.probe}|kept",
            columns=["at this step", ""],
            numeric=[1],
            label=f"What {selected.layer} keeps of probe {selected.probe}",
            **shared,
        )
        lost = {
            f"probe {selected.probe}": (scene.positions, found.own),
            "all probes": (scene.positions, found.overall),
        }
        if not any(np.isfinite(share).any() for _, share in lost.values()):
            said = f"At no recorded step does unit {selected.unit} give anything positive to lose."
            return below(strip, beside(table, sentence_pane(said), shares=(4, 7)), gap=14)
        curve = plot_pane(
            metric_curves(
                lost,
                y_label="share lost",
                y_range=(-0.02, 1.02),
                cursor=scene.positions,
                height=CURVE_HEIGHT,
                **scene.time_options(),
            )
        )
        return below(strip, beside(table, curve, shares=(4, 7)), gap=14)


def _rows(pooling: UnitPooling, found: PooledText, probe: int, index: int) -> list[list[str]]:
    """Say in a few numbers what is kept at a step."""
    lost = [["lost of this probe", _percent(found.own[index])]]
    lost.append(["lost of all probes", _percent(found.overall[index])])
    kept, is_text = np.isfinite(found.kept[index]), pooling.is_text(probe)
    if not pooling.keeps_greatest:
        means = found.kept[index][kept]
        shown = f"{means[0]:#.3g}" if pooling.is_global and len(means) else None
        return [["mean", shown], *lost] if shown else lost
    if pooling.is_global:
        places = np.flatnonzero(kept).tolist()
        where = [f"“{pooling.seen(probe, at)}”" if is_text[at] else "the padding" for at in places]
        return [["kept", ", ".join(where) or UNKNOWN], *lost]
    count = f"{np.count_nonzero(kept & is_text)} of {np.count_nonzero(is_text)}"
    return [["places of the text kept", count], *lost]


def _percent(share: float) -> str:
    return f"{share:.0%}" if np.isfinite(share) else UNKNOWN
