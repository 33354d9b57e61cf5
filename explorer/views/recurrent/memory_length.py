"""How far a recurrent layer remembers: what is left of a token later on, and at the end."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Nothing, Unfit
from explorer.data.places import place_noun
from explorer.data.recurrent import RecurrentLayer
from explorer.derived.recurrent.memory import gradient_flow, half_life, memory
from explorer.derived.texts.words import Text
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.headway import counted, part
from explorer.derived.time.sampling import Sampling
from explorer.plots.curves import metric_curves
from explorer.views.base import Scene, View, plot_pane
from explorer.views.parts import heading, sentence_pane
from explorer.views.registry import register
from explorer.views.requirements import needs_states
from explorer.widgets.charts.step_lines import StepLines
from explorer.widgets.page.beside import below

Array = npt.NDArray[Any]

SHARE_HEIGHT, FLOW_HEIGHT, HALF_LIFE_HEIGHT = 215, 235, 165
# Steps at which all pairs of tokens are followed, and directions in which they are changed, of as
# many as the state has entries: the first of these that is not too slow, of one probe at least.
SAMPLED_STEPS = 24
EFFORTS = ((64, 24), (32, 24), (16, 24), (16, 12), (16, 6))
FLOW_DIRECTIONS = 64
# Tokens of a text that are followed.
MOST_TOKENS = 256
# Multiplications, some seconds of work: for all pairs of tokens, and for one probe's gradient.
MOST_OPERATIONS, MOST_OF_FLOW = 2**36, 2**31
# Values of one probe's Jacobians: 134 MB, and several times that while they are made.
MOST_VALUES = 2**25
# Distances at which fewer pairs of tokens are say more of a text than of the layer.
FEWEST_PAIRS = 10
# Of the logarithmic axis: less is as good as forgotten.
LEAST_SHARE, LEAST_TOP, MOST_TOP = 0.01, 2.0, 100.0


class Effort(NamedTuple):
    """How many changes are followed.

    Attributes
    ----------
    probes : list of int
        Probes whose tokens are changed.
    directions : int
        Directions in which each is.
    sampling : Sampling
        Steps at which they are.
    """

    probes: list[int]
    directions: int
    sampling: Sampling


class Reach(NamedTuple):
    """How much of a change of a token is left after some others.

    Attributes
    ----------
    share : ndarray (sampled_step, direction, distance), float32
        Of what it is right after the token.
    half_life : ndarray (sampled_step, direction), float64
        First distance at which less than half is left; infinite if there is none.
    sampling : Sampling
        The steps.
    """

    share: Array
    half_life: Array
    sampling: Sampling


class GradientFlow(NamedTuple):
    """How much a change of each token of one probe changes the final state.

    Attributes
    ----------
    gain : ndarray (sampled_step, direction, token), float32
        Root mean square growth on the way. NaN where a token is not read.
    sampling : Sampling
        The steps.
    """

    gain: Array
    sampling: Sampling


def reach_of(layer: RecurrentLayer) -> Reach:
    """Follow changes of every token of the probes; call it in the worker thread."""
    probes, directions, sampling = effort_for(layer)
    text = slice(0, MOST_TOKENS)

    def make() -> dict[str, Array]:
        shares = []
        for index in counted(sampling.indices):
            taken, mask = layer.taken(index)[probes, text], layer.mask(index)
            found = memory(
                layer.class_name,
                layer.config,
                layer.weights(index),
                taken,
                None if mask is None else mask[probes, text],
                changed="token",
                directions=directions,
                text=layer.in_text(index)[probes, text],
            )
            row = np.full((len(found), taken.shape[1]), np.nan)
            for at, one in enumerate(found.values()):
                kept = one.pairs >= min(FEWEST_PAIRS, one.pairs.max(initial=0))
                with np.errstate(all="ignore"):
                    values = one.carried[kept] / one.carried[:1]
                row[at, : len(values)] = values
            shares.append(row)
        return {"share": np.stack(shares)}

    key = (
        f"memory over the text of {layer.name}, {len(probes)} probes, {len(sampling.indices)} steps"
    )
    key = f"{key}, {directions} directions, {FEWEST_PAIRS} pairs, {MOST_TOKENS} tokens"
    share = layer.data.derived(key, make)["share"]
    known = np.flatnonzero(~np.isnan(share).all(axis=(0, 1)))
    share = share[..., : known[-1] + 1 if len(known) else 1]
    return Reach(share, half_life(share), sampling)


def flow_of(layer: RecurrentLayer, probe: int) -> GradientFlow:
    """Follow the gradient of the final state back to each token; call it in the worker thread."""
    tokens = layer.taken(0, probe).shape[1]
    each = tokens * state_entries(layer) ** 2 * FLOW_DIRECTIONS
    sampling = Sampling.of(len(layer.data.run), MOST_OF_FLOW // max(1, each))

    def make() -> dict[str, Array]:
        rows = []
        for index in counted(sampling.indices):
            found = gradient_flow(
                layer.class_name,
                layer.config,
                layer.weights(index),
                layer.taken(index, probe),
                layer.mask(index, probe),
                changed="token",
                directions=FLOW_DIRECTIONS,
            )
            rows.append(np.stack([gain[0] for gain in found.values()]))
        return {"gain": np.stack(rows)}

    of = layer.data.kept_name(probe)
    key = f"gradient flow of {layer.name}, {of}, {len(sampling.indices)} steps"
    made = layer.data.derived(f"{key}, {FLOW_DIRECTIONS} directions", make)
    return GradientFlow(made["gain"], sampling)


def state_entries(layer: RecurrentLayer) -> int:
    """Count the entries of the larger direction's state: of an LSTM two for each unit."""
    return max(
        len(layer.units(way)) * (2 if cell.kind == "LSTM" else 1)
        for way, cell in layer.cells.items()
    )


def effort_for(layer: RecurrentLayer) -> Effort:
    """Choose how many changes are followed, so that it takes some seconds."""
    probe = layer.data.run.probe
    assert probe is not None
    mask, entries = layer.mask(0), state_entries(layer)
    positions = layer.taken(0, 0).shape[1]
    lengths = np.full(probe.size, positions) if mask is None else mask.sum(axis=1)
    pairs = float(np.mean(np.minimum(lengths, MOST_TOKENS).astype(np.float64) ** 2)) / 2
    for directions, steps in EFFORTS:
        each = pairs * min(directions, entries) * entries**2 * steps * len(layer.cells)
        count = int(MOST_OPERATIONS // max(1.0, each))
        if count:
            break
    sampling = Sampling.of(len(layer.data.run), min(steps, SAMPLED_STEPS))
    return Effort(sample_indices(probe.size, max(1, count)), directions, sampling)


@register
class MemoryLength(View):
    """Share of a token that is left by distance, its half-life, and the gradient over the words."""

    title = "How far memory carries"
    region = "layer"
    kinds = frozenset({"recurrent"})
    depends = ("layer", "probe", "axis")
    order = 19
    width = 6

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_states(scene, derived=True)
        if missing is not None:
            return missing
        layer = RecurrentLayer(scene.data, scene.selected.layer)
        entries, tokens = state_entries(layer), layer.taken(0, 0).shape[1]
        if entries**2 * tokens <= MOST_VALUES:
            return None
        read = place_noun(scene.data, scene.layer)
        return Unfit(
            f"The state of {layer.name} has {entries:,} entries and each probe has {tokens:,} "
            f"{read}s: to follow every change takes too much memory. This is for smaller layers or "
            f"fewer {read}s."
        )

    def caption(self, scene: Scene) -> str:
        layer = RecurrentLayer(scene.data, scene.selected.layer)
        probe, effort = scene.data.run.probe, effort_for(layer)
        assert probe is not None
        followed, read = len(effort.probes), place_noun(scene.data, scene.layer)
        texts = "all probes" if followed == probe.size else f"{followed} of {probe.size} probes"
        return (
            f"A {read} is changed a little, in any direction; what is left of that in the state of "
            f"{layer.name} after the {read}s that follow, as a share of what it was right after "
            f"the {read} (above 1 it has grown), over {texts}, without padding; and how much of "
            f"it reaches the end of probe {scene.selected.probe}: the gain there counts the "
            f"weights on the {read} too."
            f"{effort.sampling.remark}{layer.text(scene.selected.probe).remark}"
        )

    def compute(self, scene: Scene) -> tuple[Reach, GradientFlow, Text] | Nothing:
        layer, probe = RecurrentLayer(scene.data, scene.selected.layer), scene.selected.probe
        with part(0, 2):
            reach = reach_of(layer)
        with part(1, 2):
            flow = flow_of(layer, probe)
        if np.isfinite(reach.share).any() or np.isfinite(flow.gain).any():
            return reach, flow, layer.text(probe)
        return Nothing(
            f"No change of a {place_noun(scene.data, scene.layer)} changes the state of "
            f"{layer.name} by a number, at any recorded step."
        )

    def draw(self, scene: Scene, computed: tuple[Reach, GradientFlow, Text]) -> pn.Column:
        reach, flow, text = computed
        read = place_noun(scene.data, scene.layer)
        longest = reach.share.shape[-1] - 1
        layer = RecurrentLayer(scene.data, scene.selected.layer)
        return below(
            heading("Share of the change that is left, by distance"),
            _shares(scene, reach, layer.directions),
            heading(f"{read.capitalize()}s until half is gone; at the top: more than {longest}"),
            _half_lives(scene, reach, layer.directions),
            heading(f"Change of the last state by a change of each {read} (gain)"),
            _flow(scene, flow, text, layer.directions),
            gap=6,
        )


def _shares(scene: Scene, reach: Reach, ways: list[str]) -> StepLines:
    finite = reach.share[np.isfinite(reach.share)]
    top = float(np.clip(1.1 * finite.max(initial=0), LEAST_TOP, MOST_TOP))
    return StepLines(
        y=reach.sampling.spread(reach.share),
        names=list(ways),
        colours=scene.lines,
        y_limits=[LEAST_SHARE, top],
        log_y=True,
        ghost=True,
        x_name=f"{place_noun(scene.data, scene.layer)}s later",
        y_name="share left",
        label=f"What is left of a change in the state of {scene.selected.layer}",
        channel=scene.channel,
        height=SHARE_HEIGHT,
        sizing_mode="stretch_width",
        margin=0,
    )


def _half_lives(scene: Scene, reach: Reach, ways: list[str]) -> Any:
    """Curves of the half-lives; at the top where the texts are too short to tell."""
    longest = reach.share.shape[-1]
    if np.isnan(reach.half_life).all():
        return sentence_pane("What is left of a change is not a number at any recorded step.")
    shown = np.where(np.isposinf(reach.half_life), longest, reach.half_life)
    places = scene.positions[reach.sampling.indices]
    name = "half-life"
    return plot_pane(
        metric_curves(
            {way if len(ways) > 1 else name: (places, shown[:, at]) for at, way in enumerate(ways)},
            y_label=f"{place_noun(scene.data, scene.layer)}s",
            cursor=scene.positions,
            y_range=(0.0, 1.04 * longest),
            height=HALF_LIFE_HEIGHT,
            **scene.time_options(),
        )
    )


def _flow(scene: Scene, flow: GradientFlow, text: Text, ways: list[str]) -> StepLines:
    return StepLines(
        y=flow.sampling.spread(flow.gain)[..., text.shown],
        names=list(ways),
        colours=scene.lines,
        kind="bars",
        x_labels=text.labels,
        y_name="gain",
        x_hover=text.x_name,
        label=f"Gain from each {place_noun(scene.data, scene.layer)} of probe "
        f"{scene.selected.probe} to the final state",
        channel=scene.channel,
        height=FLOW_HEIGHT,
        sizing_mode="stretch_width",
        margin=0,
    )
