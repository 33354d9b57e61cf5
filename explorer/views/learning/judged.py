"""What views of right and wrong have in common: a choice of examples."""

from __future__ import annotations

import abc
from typing import Any

import numpy.typing as npt

from explorer.data.absence import Absence, Lack, Nothing
from explorer.data.examples import SOURCES, Examples, ExampleSource, examples_of, sources
from explorer.views.alternatives import Alternatives, Chosen
from explorer.views.base import Scene, View
from explorer.views.requirements import needs_classifier, needs_steps

Array = npt.NDArray[Any]
NO_LABELS = "The true classes are not known. Record with a probe, or evaluation, that has labels."


class Judged(View):
    """What is drawn of the probe or, if the run has some, of larger sets of examples.

    Attributes
    ----------
    preferred : {"evaluation", "train", "probe"}
        The examples that are shown first, where the run has them.
    """

    region = "learning"
    depends = ("axis",)
    width = 12
    preferred: ExampleSource = SOURCES[0]

    def __init__(self) -> None:
        self._source = self.preferred

    @abc.abstractmethod
    def measure(self, examples: Examples) -> Any:
        """Compute everything that `picture` needs, or `Nothing`, in a worker thread."""

    @abc.abstractmethod
    def picture(self, scene: Scene, measured: Any) -> Any:
        """Make a Panel object."""

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_steps(scene)
        if missing is not None or sources(scene.data):
            return missing
        evaluations = scene.data.run.evaluations.values()
        if any("label" not in evaluation for evaluation in evaluations):
            return Lack(NO_LABELS)
        return needs_classifier(scene.data) or Lack(NO_LABELS)

    def compute(self, scene: Scene) -> Chosen | Nothing:
        source, found = self.chosen_source(scene), sources(scene.data)
        return Chosen.of(source, self._measure(scene, source), alone=len(found) == 1)

    def draw(self, scene: Scene, computed: Chosen) -> Any:
        shown, made = computed
        found = [examples_of(scene.data, source) for source in sources(scene.data)]
        if len(found) == 1:
            return self.picture(scene, made)
        named = {"evaluation": "evaluation set", "train": "training set", "probe": "probe"}
        return Alternatives(
            scene.data,
            {one.source: f"{named[one.source]} ({len(one):,})" for one in found if one},
            shown,
            made,
            compute=lambda source: self._measure(scene, source),
            draw=lambda _, made: self.picture(scene, made),
            chosen=lambda source: setattr(self, "_source", source),
            title="Of",
            channel=scene.channel,
        )

    def chosen_source(self, scene: Scene) -> ExampleSource:
        """Give the source that was chosen; the first one if the run does not have that."""
        found = sources(scene.data)
        return self._source if self._source in found else found[0]

    def _measure(self, scene: Scene, source: str) -> Any:
        (examples,) = (examples_of(scene.data, one) for one in SOURCES if one == source)
        assert examples is not None
        return self.measure(examples)


def no_predictions(examples: Examples) -> Nothing:
    """Say that nothing is known of what the network says."""
    return Nothing(f"The network's output is not a number for any {examples.noun} at any step.")
