"""An input that a visitor draws or writes: it stands beside the probes, at every step."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.at_step.door import network_at
from explorer.at_step.inputs import UNKNOWN, checked
from explorer.at_step.npz import read_inputs
from explorer.at_step.step_network import StepNetwork
from explorer.data.run import RunData
from explorer.data.texts import Texts, texts_of
from explorer.data.units import images
from explorer.widgets.page.input_editor import InputEditor
from explorer.widgets.page.probe_picker import ProbePicker, image_range, thumbnails
from explorer.worker import in_worker
from store.errors import SpecError, TrainlapseError, listed

Array = npt.NDArray[Any]

# Own inputs that stand beside the probes; of a file so many examples are taken.
MOST_SHOWN = 8
MOST_BYTES = 64 * 1024 * 1024
LARGEST_CODE = 255
YOURS = "yours"


class Trying:
    """Takes what a visitor makes, sends it through the network, and shows it beside the probes.

    Parameters
    ----------
    data : RunData
        The run.
    picker : ProbePicker
        Where the inputs stand.
    index : callable
        Gives the position of the step on screen.
    choose : callable
        Selects an input by its number.

    Attributes
    ----------
    editor : InputEditor
        What the visitor draws or writes with.
    numbers : list of int
        Of the inputs that the visitor made, the newest first.
    """

    def __init__(
        self,
        data: RunData,
        picker: ProbePicker,
        index: Callable[[], int],
        choose: Callable[[int], None],
    ) -> None:
        self._data, self._picker = data, picker
        self._index, self._choose = index, choose
        self._network: StepNetwork | None = None
        self._base, self._selected = 0, -1
        self.numbers: list[int] = []
        texts = texts_of(data)
        self.editor = InputEditor(
            kind="image" if texts is None else "text",
            separator=" " if texts is None else texts.separator,
            prepared=_prepared(data, texts),
            channel=picker.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
        self.begin(0)
        self.editor.param.watch(lambda event: self._take(event.new), "made")

    def adopt(self, data: RunData) -> None:
        """Go on with a newer reading of the run."""
        self._data, self._network = data, None

    def begin(self, probe: int) -> None:
        """Let the visitor begin with what is selected; what they are making stays as it is."""
        if probe == self._selected:
            return
        self._selected = probe
        if probe in self.numbers[:1]:
            return
        self._base = probe
        texts = texts_of(self._data)
        begins = self.editor.begins + 1
        if texts is None:
            self.editor.param.update(image=self._codes(probe), said="", begins=begins)
        else:
            words = texts.names(texts.of(probe))
            self.editor.param.update(words=words, unknown=[], said="", begins=begins)

    # -- what was made -------------------------------------------------------------------------

    def _take(self, made: Mapping[str, Any]) -> None:
        def work() -> tuple[list[int], list[int]] | str:
            try:
                return self._tried(made)
            except TrainlapseError as error:
                return str(error)

        def show(found: tuple[list[int], list[int]] | str) -> None:
            if isinstance(found, str):
                self.editor.said = found
                return
            numbers, unknown = found
            self.numbers = [*reversed(numbers), *self.numbers][:MOST_SHOWN]
            self.editor.param.update(said="", unknown=unknown)
            self._show()
            self._choose(numbers[-1])

        in_worker(self._data, work, show)

    def _tried(self, made: Mapping[str, Any]) -> tuple[list[int], list[int]]:
        """Send what was made through the network; in the worker thread.

        Returns
        -------
        numbers : list of int
            Of the inputs, one for each example.
        unknown : list of int
            Places of words that the vocabulary does not have.
        """
        data, net, unknown = self._data, self._net(), []
        if "words" in made:
            words = [str(word) for word in made["words"]]
            given = net.tokens([self.editor.separator.join(words)])
            unknown = _unknown(data, words)
        elif "file" in made:
            given = read_inputs(
                _bytes_of(made["file"]),
                net.input_specs,
                name=str(made.get("name", "The file")),
                most_bytes=MOST_BYTES,
            )
        else:
            given = self._values(made.get("values", ()))
        inputs = checked(given, net.input_specs)
        count = min(MOST_SHOWN, len(next(iter(inputs.values()))))
        numbers = [
            data.try_input({name: values[at : at + 1] for name, values in inputs.items()})
            for at in range(count)
        ]
        output = data.output
        if output is not None and data.run.layers[output].has_activation:
            for number in numbers:  # what is on screen first is there at once
                data.activations(output, self._index(), number)
        return numbers, unknown

    def _net(self) -> StepNetwork:
        if self._network is None:
            last = int(self._data.run.steps[-1])
            self._network = network_at(self._data.run, last, engine="numpy")
        return self._network

    def _values(self, codes: Sequence[int]) -> Array:
        """Turn codes into what the network takes: (1, ...); those of the probe are its values."""
        probe, shown = self._data.run.probe, self._codes(self._base)
        row = self._data.probe_input(self._base)
        assert probe is not None
        assert row is not None
        try:
            drawn = np.asarray(codes, np.float64)
        except (TypeError, ValueError):
            drawn = np.zeros(0)
        if drawn.shape != (shown.size,) or not ((drawn >= 0) & (drawn <= LARGEST_CODE)).all():
            raise SpecError(f"A picture is {shown.size} whole numbers from 0 to 255.")
        low, high = image_range(probe)
        values = low + drawn.reshape(shown.shape) / LARGEST_CODE * (high - low)
        dims = list(next(iter(probe.dims.values())))[1:]
        if "channel" not in dims:
            values, shown = values[..., 0], shown[..., 0]
            drawn = drawn.reshape(shown.shape)
        else:
            at = dims.index("channel")
            values, shown = np.moveaxis(values, -1, at), np.moveaxis(shown, -1, at)
            drawn = np.moveaxis(drawn.reshape(self._codes(self._base).shape), -1, at)
        return np.where(drawn == shown, row, values)[None].astype(row.dtype)

    # -- what is shown -------------------------------------------------------------------------

    def _codes(self, probe: int) -> npt.NDArray[np.uint8]:
        """One probe as the editor shows it: (y, x, channel)."""
        known, row = self._data.run.probe, self._data.probe_input(probe)
        assert known is not None
        assert row is not None
        shown = thumbnails(known, row[None])
        assert shown is not None
        return np.asarray(shown[-1])

    def _show(self) -> None:
        """Put the visitor's inputs beside the probes."""
        data = self._data
        probe, texts = data.run.probe, texts_of(data)
        assert probe is not None
        self.numbers = [number for number in self.numbers if number in data.tried]
        rows = [data.probe_input(number) for number in self.numbers]
        changes: dict[str, Any] = {}
        if texts is None:
            changes["images"] = thumbnails(
                probe, np.stack([row for row in rows if row is not None])
            )
        else:
            own = [texts.phrase(texts.of(number)) for number in self.numbers]
            changes["texts"] = [*self._picker.texts[: probe.size], *own]
        labels = [*self._picker.labels[: probe.size], *[YOURS] * len(self.numbers)]
        self._picker.param.update(**changes, yours=list(self.numbers), labels=labels)


def needs_trying(data: RunData) -> str | None:
    """Say in a sentence why nothing can be tried on a run; None: it can."""
    probe, texts = data.run.probe, texts_of(data)
    if probe is None or not len(data.run):
        return "There is no probe to begin with, or no recorded step."
    if texts is None and images(data) is None:
        return "Pictures and texts of one input are tried here; others with network_at in Python."
    if texts is not None and not texts.vocabulary:
        return "The words of the texts are not in the run: record with Probe(vocabulary=...)."
    network = data.network
    needed = network.ancestors([name for name in data.run.outputs if name in network.nodes])
    unknown = [name for name in network.unsupported if name in needed]
    if unknown:
        return (
            f"NumPy does not compute {listed(unknown)} ({network.unsupported[unknown[0]]}): "
            "try it with network_at in Python, by Keras."
        )
    return None


def _prepared(data: RunData, texts: Texts | None) -> str:
    """Say how what is made becomes what the network takes."""
    if texts is not None:
        return (
            f"{texts.noun.capitalize()}s are looked up in the run's vocabulary of "
            f"{len(texts.vocabulary):,}, and filled up as the probes are. Click one to change it."
        )
    assert data.run.probe is not None
    low, high = image_range(data.run.probe)
    return (
        f"Prepared as the probes are: dark is {low:g}, light {high:g}. Computed from the recorded "
        "weights, at every step."
    )


def _unknown(data: RunData, words: Sequence[str]) -> list[int]:
    """Find the places of words that are not in the vocabulary."""
    texts = texts_of(data)
    assert texts is not None
    known = {*texts.vocabulary, *UNKNOWN}
    return [at for at, word in enumerate(words) if not known & {word, word.casefold()}]


def _bytes_of(text: Any) -> io.BytesIO:
    try:
        return io.BytesIO(base64.b64decode(str(text), validate=True))
    except (ValueError, binascii.Error):
        raise SpecError("The file did not arrive whole.") from None
