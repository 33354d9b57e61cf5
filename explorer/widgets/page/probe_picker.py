"""Choose the probe, by thumbnails of images or by texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import param

from explorer.derived.predictions.reading import what_labels_are
from explorer.widgets.base import Widget, script, styles
from store.format.spec import ProbeSpec


class ProbePicker(Widget):
    """The probes, each marked right or wrong at the step on screen."""

    kind = param.String(default="other", doc="Kind of the probe's input.")
    images = param.Parameter(doc="Thumbnails: (probe, y, x, channel) uint8; None for texts.")
    texts = param.List(default=[], doc="A line for each probe without a thumbnail.")
    ids = param.List(default=[], doc="Number of each probe in its run, if not its position.")
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


def thumbnails(probe: ProbeSpec) -> npt.NDArray[np.uint8] | None:
    """Scale the images of probes to 0 to 255, over the range of all of them.

    Returns
    -------
    ndarray (probe, y, x, channel), uint8, or None
        None if the probes are no images.
    """
    if probe.kind != "image" or not probe.inputs:
        return None
    name = next(iter(probe.inputs))
    images = np.asarray(probe.inputs[name])
    dims = list(probe.dims[name])
    if "channel" in dims:
        images = np.moveaxis(images, dims.index("channel"), -1)
    else:
        images = images[..., np.newaxis]
    if images.ndim != 4:
        return None
    finite = images[np.isfinite(images)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    known = np.nan_to_num(images.astype(np.float64), nan=low, posinf=high, neginf=low)
    scaled = (known - low) / ((high - low) or 1.0)
    return np.ascontiguousarray(np.clip(scaled * 255, 0, 255).astype(np.uint8))


def descriptions(probe: ProbeSpec) -> list[str]:
    """Describe each probe in a line, by its text or its first values; empty for images."""
    if probe.texts is not None:
        return list(probe.texts)
    if probe.kind == "image" or not probe.inputs:
        return []
    values = np.asarray(next(iter(probe.inputs.values()))).reshape(probe.size, -1)
    return [", ".join(f"{float(value):.3g}" for value in row[:8]) for row in values]


def label_texts(probe: ProbeSpec) -> list[str]:
    """Return the class name, the labels that hold or the value of each probe; empty without."""
    if probe.labels is None:
        return [""] * probe.size
    labels = np.asarray(probe.labels)
    shapes = [np.shape(part) for part in probe.inputs.values()]
    if probe.kind == "text" and labels.ndim > 1 and labels.shape in shapes:
        return [""] * probe.size  # labels of a next-token network: one for each token
    names = probe.class_names
    if names and labels.ndim == 2 and labels.shape[1] == len(names):
        match what_labels_are([labels], len(names)):
            case "marks":
                held = ([names[at] for at in np.flatnonzero(row).tolist()] for row in labels)
                return [", ".join(row) or "none" for row in held]
            case "shares":
                labels = labels.argmax(axis=1)
    flat = labels.reshape(len(labels), -1)
    texts = []
    for row in flat:
        whole = float(row[0]).is_integer()
        if names and len(row) == 1 and whole and 0 <= int(row[0]) < len(names):
            texts.append(names[int(row[0])])
        else:
            texts.append(", ".join(f"{float(value):.3g}" for value in row[:4]))
    return texts
