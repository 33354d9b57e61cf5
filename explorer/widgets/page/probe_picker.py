"""Choose the probe, by thumbnails of images or by texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import param

from explorer.derived.predictions.reading import TARGETS_OF, what_labels_are
from explorer.widgets.base import Widget, script, styles
from store.format.spec import ProbeSpec

# Tasks with an answer for each place.
WHOLE_PICTURES = ("mask", "image", "sequence")
# Above this share a tag is said to hold.
HALF = 0.5
# More numbers of a label than this are no line.
SHOWN_NUMBERS = 4


class ProbePicker(Widget):
    """The probes, each marked right or wrong at the step on screen."""

    kind = param.String(default="other", doc="Kind of the probe's input.")
    images = param.Parameter(doc="Thumbnails: (probe, y, x, channel) uint8; None for texts.")
    texts = param.List(default=[], doc="A line for each probe without a thumbnail.")
    ids = param.List(default=[], doc="Number of each probe in its run, if not its position.")
    yours = param.List(default=[], doc="Numbers of the inputs that come after the probes.")
    labels = param.List(default=[], doc="True class or value of each probe, as text.")
    class_names = param.List(default=[], doc="Name of each class.")
    predicted = param.Parameter(doc="Predicted class: (step, probe), unsigned; None if unknown.")
    correct = param.Parameter(doc="1 right, 0 wrong, 2 unknown: (step, probe) uint8.")

    _esm = script("probe_picker.js")
    _stylesheets = styles("probe_picker")

    @classmethod
    def of(cls, probe: ProbeSpec, **params: Any) -> ProbePicker:
        """Make the picker of a run's probes.

        Parameters
        ----------
        probe : ProbeSpec
            The probes.
        **params
            Parameters of the component.
        """
        return cls(
            kind=probe.kind,
            images=thumbnails(probe),
            texts=descriptions(probe),
            labels=label_texts(probe),
            **params,
        )


def thumbnails(
    probe: ProbeSpec, more: npt.NDArray[Any] | None = None
) -> npt.NDArray[np.uint8] | None:
    """Scale the images of probes to 0 to 255, over the range of all of them.

    Parameters
    ----------
    probe : ProbeSpec
        The probes.
    more : ndarray (image, ...), optional
        Images as theirs, which come after them.

    Returns
    -------
    ndarray (probe, y, x, channel), uint8, or None
        None if the probes are no images.
    """
    if probe.kind != "image" or not probe.inputs:
        return None
    name = next(iter(probe.inputs))
    images = np.asarray(probe.inputs[name])
    images = images if more is None else np.concatenate([images, more])
    dims = list(probe.dims[name])
    if "channel" in dims:
        images = np.moveaxis(images, dims.index("channel"), -1)
    else:
        images = images[..., np.newaxis]
    if images.ndim != 4:
        return None
    low, high = image_range(probe)
    known = np.nan_to_num(images.astype(np.float64), nan=low, posinf=high, neginf=low)
    scaled = (known - low) / ((high - low) or 1.0)
    return np.ascontiguousarray(np.clip(scaled * 255, 0, 255).astype(np.uint8))


def image_range(probe: ProbeSpec) -> tuple[float, float]:
    """Give the darkest and the lightest finite value of all images of probes."""
    images = np.asarray(next(iter(probe.inputs.values())))
    finite = images[np.isfinite(images)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def descriptions(probe: ProbeSpec) -> list[str]:
    """Describe each probe in a line, by its text or its first values; empty for images."""
    if probe.texts is not None:
        return list(probe.texts)
    name, first = next(iter(probe.inputs.items()), ("", None))
    if probe.kind == "image" or first is None or not probe.is_along_probes(name):
        return []
    values = np.asarray(first).reshape(probe.size, -1)
    return [", ".join(f"{float(value):.3g}" for value in row[:8]) for row in values]


def label_texts(probe: ProbeSpec) -> list[str]:
    """Return the class name, the labels that hold or the value of each probe; empty without."""
    if probe.labels is None:
        return [""] * probe.size
    labels = np.asarray(probe.labels)
    shapes = [np.shape(part) for part in probe.inputs.values()]
    is_next_token = probe.kind == "text" and labels.ndim > 1 and labels.shape in shapes
    if is_next_token or probe.task in WHOLE_PICTURES:
        return [""] * probe.size  # an answer for each token or pixel is no line of text
    rows = labels.reshape(len(labels), -1)
    # A single number of each probe is its class, unless the run says that it is not.
    looks = "classes" if rows.shape[1] == 1 else what_labels_are([labels], rows.shape[1])
    targets = TARGETS_OF.get(probe.task or "", looks)
    if probe.task == "values" or labels.ndim > 2:
        return [_numbers(row) for row in rows]
    if targets == "marks":
        names = _names(probe, rows.shape[1])
        held = ([names[at] for at in np.flatnonzero(row > HALF).tolist()] for row in rows)
        return [", ".join(row) or "none" for row in held]
    if targets in ("classes", "shares"):
        names = _names(probe, rows.shape[1])
        return [_class_text(row, names) for row in rows]
    return [_numbers(row) for row in rows]


def _names(probe: ProbeSpec, count: int) -> list[str]:
    """Name of each class or tag; its number where the run gives none."""
    given = list(probe.class_names or ())
    return given + [str(number) for number in range(len(given), count)]


def _class_text(row: npt.NDArray[Any], names: Sequence[str]) -> str:
    """Name a class; of shares of several the one that has most."""
    if len(row) > 1:
        most = int(row.argmax())
        share = "" if np.isclose(row[most], 1) else f" {row[most]:.0%}"
        return f"{_name(most, names)}{share}"
    whole = float(row[0]).is_integer()
    return _name(int(row[0]), names) if whole else _numbers(row)


def _name(number: int, names: Sequence[str]) -> str:
    return names[number] if 0 <= number < len(names) else str(number)


def _numbers(row: npt.NDArray[Any]) -> str:
    shown = ", ".join(f"{float(value):.3g}" for value in row[:SHOWN_NUMBERS])
    return shown if len(row) <= SHOWN_NUMBERS else f"{shown}, … ({len(row)} numbers)"
