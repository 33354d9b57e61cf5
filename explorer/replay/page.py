"""The replay page: one HTML file with the state of widgets, films and scripts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from explorer.data.run import RunData
from explorer.plots.style import KIND_COLOURS
from explorer.replay import frozen
from explorer.replay.contents import Contents, counted
from explorer.replay.encode import Blocks, document, film
from explorer.replay.tour import Tour
from explorer.views.requirements import needs_activation
from explorer.widgets.base import script, styles
from explorer.widgets.markup import TEMPLATES, render
from store import Layer

FOLDER = Path(__file__).parent

# Content security policy: the page loads and sends nothing, and runs no scripts but its own.
POLICY = (
    "default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)

MISSING = "The activation of this layer is not in this file: it was left out of the export."

Progress = Callable[[str], None]


class Films:
    """Encoded films of a run; each is made once and kept.

    Parameters
    ----------
    data : RunData
        The run.
    """

    def __init__(self, data: RunData) -> None:
        self._data = data
        self._texts: dict[tuple[str, int, tuple[int, ...]], str] = {}

    def text(self, layer: str, probe: int, steps: tuple[int, ...]) -> str:
        """Return the film of a layer for one probe, as from `encode.film`."""
        key = (layer, probe, steps)
        if key not in self._texts:
            self._texts[key] = film(self._data.frame(layer, at, probe) for at in steps)
        return self._texts[key]


class ReplayPage:
    """Makes pages of one run.

    Parameters
    ----------
    data : RunData
        The run.
    tour : sequence of Bookmark
        Moments of the run; a page has those whose step and layer it has.
    """

    def __init__(self, data: RunData, tour: Tour = ()) -> None:
        self.data = data
        self.tour = tour
        self.films = Films(data)

    def html(
        self, contents: Contents, notes: Iterable[str] = (), progress: Progress | None = None
    ) -> str:
        """Return the page with a part of the run.

        Parameters
        ----------
        contents : Contents
            The part.
        notes : iterable of str
            Paragraphs on what the page holds.
        progress : callable, optional
            Takes the name of the layer after each film.

        Returns
        -------
        str
            The whole HTML file.
        """
        blocks = Blocks()
        state = blocks.state(
            {
                "css": SHEET,
                "probes": len(contents.probes),
                "transport": frozen.transport(self.data, contents),
                "moments": frozen.moments(self.data, self.tour, contents),
                "graph": self._graph,
                "picker": frozen.picker(self.data, contents),
                "bars": frozen.bars(self.data),
                "charts": self._charts,
                "predictions": frozen.predictions(self.data, contents),
            }
        )
        state["layers"] = [
            self._layer(layer, contents, blocks, progress)
            for layer in self.data.run.layers.values()
        ]
        return render(
            "replay.html",
            policy=POLICY.format(digests=" ".join(map(_digest, (THEME, SCRIPT)))),
            name=self.data.run.name,
            css=CSS,
            theme=THEME,
            facts=self._facts(contents),
            notes=notes,
            blocks=blocks.texts,
            state=document(state),
            script=SCRIPT,
        )

    def size(self, contents: Contents, notes: Iterable[str] = ()) -> int:
        """Estimate the bytes of a page; exact for one or two probes.

        The films of all probes are taken to have the mean size of those of the first and the last.

        Parameters
        ----------
        contents, notes
            As for `html`.
        """
        probes = tuple(sorted({*contents.probes[:1], *contents.probes[-1:]}))
        sample = replace(contents, probes=probes)
        whole = len(encoded(self.html(sample, notes)))
        if probes == contents.probes:
            return whole
        films = whole - len(encoded(self.html(replace(sample, layers=()), notes)))
        others = len(encoded(self.html(replace(contents, layers=()), notes)))
        return others + films * len(contents.probes) // len(probes)

    def _layer(
        self, layer: Layer, contents: Contents, blocks: Blocks, progress: Progress | None
    ) -> frozen.State:
        """Return the heading of a layer, and its films or the reason why it has none."""
        facts = [layer.class_name]
        if layer.output_shape:
            facts.append("output " + " × ".join(str(size) for size in layer.output_shape))
        if layer.parameters:
            facts.append(f"{layer.parameters:,} parameters")
        known = {
            "name": layer.name,
            "colour": KIND_COLOURS[layer.kind],
            "facts": " · ".join(facts),
        }
        if layer.name not in contents.layers:
            scene = frozen.scene_of(self.data, layer.name, 0)
            return {**known, "missing": needs_activation(scene) or MISSING}
        shape = (len(contents.steps), *self.data.picture(layer.name).shape)
        films = []
        for probe in contents.probes:
            text = self.films.text(layer.name, probe, contents.steps)
            picture = blocks.state(frozen.picture(self.data, layer.name, probe))
            films.append({**picture, "frames": blocks.film(text, shape)})
            if progress is not None:
                progress(layer.name)
        return {**known, "title": frozen.view_of(self.data, layer.name).title, "films": films}

    def _facts(self, contents: Contents) -> str:
        run = self.data.run
        parameters = sum(layer.parameters for layer in run.layers.values())
        facts = [f"{len(run.layers)} layers", f"{parameters:,} parameters"]
        facts.append(f"recorded {run.created:%Y-%m-%d}")
        facts.append(
            f"here {len(contents.steps)} of {counted(len(run), 'step')}, "
            f"{counted(len(contents.probes), 'probe')}, "
            f"pictures of {counted(len(contents.layers), 'layer')}"
        )
        if run.finished is None:
            facts.append("not finished")
        return " · ".join(facts)

    @cached_property
    def _graph(self) -> frozen.State:
        return frozen.graph(self.data)

    @cached_property
    def _charts(self) -> list[frozen.State]:
        return frozen.charts(self.data)


def encoded(page: str) -> bytes:
    """Encode a page in UTF-8; a lone surrogate in a name becomes a question mark."""
    return page.encode("utf-8", "replace")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _sheet() -> str:
    """Style sheet of all components, in their order, each part once."""
    parts = [sheet for widget in frozen.WIDGETS for sheet in widget._stylesheets]
    return "\n".join(dict.fromkeys([*parts, *styles("plot")]))


def _digest(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"


CSS = _read(TEMPLATES / "page.css") + _read(FOLDER / "replay.css")
THEME = _read(TEMPLATES / "theme.js")
SCRIPT = script("host.js")
SHEET = _sheet()
