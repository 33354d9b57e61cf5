"""What a network that predicts the next token expects, and the text that it generates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Nothing, Unfit
from explorer.data.run import RunData
from explorer.data.writing import (
    MOST_CANDIDATES,
    NONE,
    NextTokenNetwork,
    Writer,
    mean_known,
)
from explorer.derived.time.frames import robust_limits
from explorer.plots.curves import metric_curves
from explorer.plots.style import SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, View, plot_pane
from explorer.views.registry import register
from explorer.views.requirements import needs_steps
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.charts.token_strip import TokenStrip
from explorer.widgets.page.beside import below, beside
from explorer.widgets.page.choice import Choice
from explorer.widgets.page.text import paragraph, text_pane

Array = npt.NDArray[Any]
Float32 = npt.NDArray[np.float32]

CURVE_HEIGHT = 230
TEMPERATURES = {"0.5": "0.5", "0.8": "0.8", "1.0": "1.0"}


@register
class NextCharacter(View):
    """The text by surprise, what is expected after a token, what is written, bits over training."""

    title = "What comes next"
    region = "joint"
    depends = ("probe", "axis")
    order = 21
    width = 12

    def __init__(self) -> None:
        self._token: int | None = None
        self._temperature = "0.8"

    def applies(self, data: RunData) -> bool:
        return NextTokenNetwork.of(data) is not None

    def requirement(self, scene: Scene) -> Absence | None:
        found = NextTokenNetwork.of(scene.data)
        if found is not None and not found.are_shifted:
            return Unfit(
                "The labels are not the tokens that follow in the text, so this network does not "
                "foretell what comes next."
            )
        if found is not None and not len(found.texts.of(scene.selected.probe)):
            return Nothing(f"Probe {scene.selected.probe} is empty: nothing comes next.")
        return needs_steps(scene)

    def caption(self, scene: Scene) -> str:
        found = NextTokenNetwork.of(scene.data)
        assert found is not None
        noun, count = found.texts.noun, len(found.texts.vocabulary)
        return (
            f"Probe {scene.selected.probe}, each {noun} in the colour of the surprise at it: bits, "
            f"-log₂ of its probability; {np.log2(count):.1f} for a guess among all {count}. "
            f"Click a {noun} to see what is expected after it. How the text goes on is drawn from "
            f"what the network expects, {noun} by {noun}, {found.written} in all, with the same "
            "random numbers at every step."
        )

    def compute(
        self, scene: Scene
    ) -> tuple[NextTokenNetwork, Float32, npt.NDArray[np.float64]] | Nothing:
        found = NextTokenNetwork.of(scene.data)
        assert found is not None
        bits = found.history(scene.selected.probe)
        if np.isfinite(bits).any():
            return found, bits, found.mean_history()
        return Nothing(
            f"The surprise at probe {scene.selected.probe} is not a number at any recorded step."
        )

    def draw(
        self, scene: Scene, computed: tuple[NextTokenNetwork, Float32, npt.NDArray[np.float64]]
    ) -> Any:
        found, bits, mean = computed
        probe, noun = scene.selected.probe, found.texts.noun
        own = [mean_known(row) for row in bits]
        curve = plot_pane(
            metric_curves(
                {
                    f"probe {probe}": (scene.positions, np.array(own)),
                    "all probes": (scene.positions, mean),
                },
                y_label=f"bits per {noun}",
                cursor=scene.positions,
                height=CURVE_HEIGHT,
                **scene.time_options(),
            )
        )
        strip, expected = self._text(scene, found, bits)
        below_it = beside(expected, self._written(scene, found), curve, shares=(4, 5, 4))
        return below(strip, below_it, gap=14)

    def _text(self, scene: Scene, found: NextTokenNetwork, bits: Float32) -> tuple[TokenStrip, Any]:
        """Give the text, and what is expected after the token that is chosen in it."""
        data, probe, texts = scene.data, scene.selected.probe, found.texts
        first, after = texts.span(probe)
        last = int(found.following(probe)[after - 1]) if after > first else NONE
        numbers = [*texts.of(probe).tolist(), *([last] if last != NONE else [])]
        # The surprise at a token was measured where the one before it was read.
        values = np.full((len(bits), len(numbers)), np.nan, np.float32)
        values[:, 1:] = bits[:, first : first + len(numbers) - 1]
        token = self._chosen(bits, first, after)
        key = f"{data.run.id}|{found.output}|{probe}|after"
        strip = TokenStrip(
            tokens=texts.names(numbers),
            values=values[:, None, :],
            separator=texts.separator,
            palette=palette_bytes(SEQUENTIAL),
            low=0.0,
            high=robust_limits([values]).high,
            x_name=texts.hover_name(probe),
            value_name="surprise (bits)",
            selectable=True,
            span=[token - first, token - first + 1] if after > first else [],
            label=f"Probe {probe} by surprise",
            **_shared(scene),
        )
        table = StepTable(
            lambda index: found.rows(probe, token, index),
            len(data.run),
            key=f"{key} {token}",
            columns=["next", "probability"],
            numeric=[1],
            rows=MOST_CANDIDATES + 1,
            empty="The network gives no probabilities at this step.",
            label="What is expected next",
            **_shared(scene),
        )
        said = text_pane(found.quote(probe, token), "quote")

        def choose(event: Any) -> None:
            if not event.new:
                return
            at = self._token = min(first + event.new[1] - 1, after - 1)
            said.object = paragraph(found.quote(probe, at), "quote")
            table.change(f"{key} {at}", lambda index: found.rows(probe, at, index))

        strip.param.watch(choose, "span")
        return strip, below(said, table)

    def _chosen(self, bits: Float32, first: int, after: int) -> int:
        """Keep the chosen token; at first the one after which most was learned."""
        if self._token is not None and first <= self._token < after:
            return self._token
        with np.errstate(invalid="ignore"):
            learned = np.nan_to_num(bits[0] - bits[-1], nan=-np.inf)
        return int(learned.argmax()) if after > first else 0

    def _written(self, scene: Scene, found: NextTokenNetwork) -> Any:
        """Give what the network writes after the text of the probe."""
        data, probe = scene.data, scene.selected.probe
        fault = found.writing_fault
        start = found.start(probe)
        if fault is not None or not len(start):
            return text_pane(fault or f"Probe {probe} has no text to go on from.", "quote")
        writer = Writer(found, start)
        key = f"{data.run.id}|{found.output}|{probe}|written at"
        temperature = self._temperature
        table = StepTable(
            lambda index: writer.rows(index, float(temperature)),
            len(data.run),
            key=f"{key} {temperature}",
            columns=[f"{found.quote_start(probe)} goes on, at this step"],
            empty="The network gives no probabilities at this step, so it writes nothing.",
            label=f"What the network writes after probe {probe}",
            **_shared(scene),
        )
        choice = Choice(
            title="Temperature (lower: bolder)",
            options=TEMPERATURES,
            value=temperature,
            channel=scene.channel,
            margin=0,
        )

        def choose(event: Any) -> None:
            chosen = self._temperature = event.new
            table.change(f"{key} {chosen}", lambda index: writer.rows(index, float(chosen)))

        choice.param.watch(choose, "value")
        return below(choice, table)


def _shared(scene: Scene) -> dict[str, Any]:
    return {"channel": scene.channel, "sizing_mode": "stretch_width", "margin": 0}
