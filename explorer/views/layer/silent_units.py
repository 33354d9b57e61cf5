"""What if a unit were silent: what the network then loses, over training, and which unit most."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.data.absence import Absence, Lack, Nothing, Unfit
from explorer.data.damage import MOST_STEPS, Damage, damage_of, probes_of
from explorer.data.layers import makers
from explorer.data.run import RunData
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.time.frames import robust_limits
from explorer.derived.time.sampling import Sampling
from explorer.derived.time.timeline import edges
from explorer.plots.matrices import time_heatmap
from explorer.views.base import Scene, View, plot_pane
from explorer.views.registry import register
from explorer.views.requirements import (
    needs_activation,
    needs_classes,
    needs_every_weight,
    needs_input,
    nothing_in,
)
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.beside import below
from store.errors import listed
from store.format.names import UNIT_DIM, activation_path

# A pass through the rest of the network for each: seconds of work.
MOST_UNITS = 256
ROWS = 6
HEIGHT = 220


@register
class SilentUnits(View):
    """The fall of the true class's probability without each unit, over training and ranked."""

    title = "What if a unit were silent"
    region = "layer"
    kinds = frozenset({"conv", "dense", "activation", "recurrent"})
    depends = ("layer", "axis")
    order = 46
    width = 6

    def applies(self, data: RunData) -> bool:
        return data.reading is not None

    def requirement(self, scene: Scene) -> Absence | None:
        data, name = scene.data, scene.selected.layer
        missing = needs_activation(scene) or needs_classes(data) or needs_input(data)
        missing = missing or needs_every_weight(data)
        if missing is not None:
            return missing
        reader = data.run.array(activation_path(name))
        if reader.dims[-1] != UNIT_DIM or scene.layer.unit_stride != 1:
            return Unfit(f"Not all units of {name} were recorded, or not as the last dimension.")
        if reader.shape[-1] > MOST_UNITS:
            return Unfit(
                f"Each unit takes a pass through the rest of the network: {name} has "
                f"{reader.shape[-1]:,} of them, and {MOST_UNITS} are the most."
            )
        outputs = data.run.outputs
        if len(outputs) != 1 or name in makers(data.run, outputs[0]):
            return Unfit(f"Nothing comes after {name}, which gives the network's answer.")
        behind = data.network.descendants([name]) & data.network.ancestors(outputs)
        if outputs[0] not in behind:
            return Unfit(f"The network's answer does not depend on {name}.")
        unknown = [
            each for each in data.network.unsupported if each in data.network.ancestors(outputs)
        ]
        if unknown:
            return Lack(
                f"NumPy does not compute {listed(unknown)}; network_at(...).without in Python "
                "does, by Keras."
            )
        return None

    def caption(self, scene: Scene) -> str:
        probe = scene.data.run.probe
        assert probe is not None
        count = len(probes_of(scene.data))
        which = f"{count} probes" if count == probe.size else f"{count} of {probe.size:,} probes"
        return (
            "Each unit in turn gives 0 for every probe, and all that follows is computed anew: by "
            f"how much the mean probability of the true class falls, over {which}. Red: the "
            "network loses; blue: it gains. One unit alone is left out: units that stand for each "
            f"other lose nothing.{Sampling.of(len(scene.data.run), MOST_STEPS).remark}"
        )

    def compute(self, scene: Scene) -> Damage | Nothing:
        try:
            found = damage_of(scene.data, scene.selected.layer)
        except NotDerivableError as error:
            return Nothing(str(error))
        what = f"The probability of the true class without units of {scene.selected.layer}"
        return nothing_in(found.falls, what) or found

    def draw(self, scene: Scene, computed: Damage) -> Any:
        falls = computed.sampling.spread(computed.falls)
        limits = robust_limits([falls])
        top = max(abs(limits.low), abs(limits.high)) or 1.0
        map_ = plot_pane(
            time_heatmap(
                falls,
                x_edges=edges(scene.positions),
                y_edges=np.arange(falls.shape[1] + 1) - 0.5,
                y_label="unit",
                value_label="fall of the probability",
                positions=scene.positions,
                limits=(-top, top),
                signed=True,
                height=HEIGHT,
                **scene.time_options(),
            )
        )
        nearest = computed.sampling.spread(np.arange(len(computed.sampling.indices)))

        def provide(index: int) -> dict[str, Any]:
            at = int(nearest[index])
            order = np.argsort(-np.nan_to_num(computed.falls[at], nan=-np.inf), kind="stable")
            rows = [
                [
                    str(unit),
                    f"{computed.probability[at]:.1%} → {computed.without[at, unit]:.1%}",
                    f"{computed.accuracy[at]:.0%} → {computed.accuracy_without[at, unit]:.0%}",
                ]
                for unit in order[:ROWS].tolist()
            ]
            return {"rows": rows, "chooses": [{"unit": int(row[0])} for row in rows]}

        table = StepTable(
            provide,
            len(scene.data.run),
            key=f"{scene.data.run.id}|{scene.selected.layer}|silent units",
            columns=["silent unit", "probability of the true class", "accuracy"],
            numeric=[1, 2],
            rows=min(ROWS, falls.shape[1]),
            label=f"Units of {scene.selected.layer} by what the network loses without them",
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
        return below(table, map_, gap=8)
