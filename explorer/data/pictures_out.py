"""Outputs of a run that are pictures or masks, and what they should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from explorer.data.layers import ending_function
from explorer.data.run import RunData
from explorer.derived.predictions.pictures import brightness, mask_classes
from explorer.derived.time.frames import Limits, sample_indices
from store.format.losses import recorded_loss
from store.format.names import UNIT_DIM, activation_path

Array = npt.NDArray[Any]

SAMPLES = 12
# Channels of a picture: grey, two, colours, colours with opacity. With more it is a map.
MOST_CHANNELS = 4


@dataclass(frozen=True)
class PicturesOut:
    """A network whose only output is a picture, or a mask, for each probe.

    Attributes
    ----------
    data : RunData
        The run.
    output : str
        Its last layer.
    kind : {"mask", "picture", "drawn"}
        Classes of pixels; a picture that is to be met; or one that is compared with nothing.
    target : ndarray (probe, y, x, channel), or (probe, y, x) of classes, or None
        What it should be.
    given : ndarray (probe, y, x, channel) or None
        What the network is given, if that is a picture.
    is_input : bool
        Whether the target is what the network is given, for want of labels.
    """

    data: RunData
    output: str
    kind: Literal["mask", "picture", "drawn"]
    target: Array | None = None
    given: Array | None = None
    is_input: bool = False

    @classmethod
    def of(cls, data: RunData) -> PicturesOut | None:
        """Read a run so; None if its output is no picture."""
        name, probe = data.output, data.run.probe
        if name is None or probe is None or not len(data.run):
            return None
        layer = data.run.layers[name]
        if not layer.has_activation or layer.unit_stride != 1:
            return None
        reader = data.run.array(activation_path(name))
        if {*reader.dims[2:]} != {"y", "x", UNIT_DIM}:
            return None
        shape = data.activations(name, 0, 0).shape[1:]
        taken = data.input()
        given = None if taken is None or taken.ndim != 4 or probe.kind != "image" else taken
        labels = None if probe.labels is None else np.asarray(probe.labels)
        if data.task == "mask" and labels is not None and labels.shape[1:3] == shape[:2]:
            classes = labels[..., 0] if labels.ndim == 4 and labels.shape[-1] == 1 else labels
            if classes.ndim == 4:  # one-hot
                classes = classes.argmax(axis=-1)
            return cls(data, name, "mask", np.rint(classes).astype(np.int64), given)
        if data.task == "mask" or shape[-1] > MOST_CHANNELS:
            return None
        if labels is not None and labels.reshape(len(labels), -1).shape[1] == np.prod(shape):
            return cls(data, name, "picture", labels.reshape(-1, *shape), given)
        if labels is None and given is not None and given.shape[1:] == shape:
            return cls(data, name, "picture", given, given, is_input=True)
        return cls(data, name, "drawn", None, given) if labels is None else None

    def answers(self, index: int, probe: int | None = None) -> Array:
        """Give what the network says at a step, yes or no as a probability: (probe, y, x, unit)."""
        values = np.asarray(self.data.activations(self.output, index, probe), np.float32)
        return expit(values) if self.kind == "mask" and self._are_logits else values

    def classes(self, index: int, probe: int | None = None) -> Array:
        """Give the class of each pixel of masks at a step: (probe, y, x)."""
        return mask_classes(self.answers(index, probe))

    def errors(self, index: int, probe: int) -> Array:
        """Give the output less what it should be, mean over channels: (y, x)."""
        assert self.target is not None
        return np.asarray((self.answers(index, probe)[0] - self.target[probe]).mean(axis=-1))

    def mean_errors(self, index: int) -> Array:
        """Give the mean absolute error of each probe at a step: (probe,)."""
        assert self.target is not None
        apart = np.abs(self.answers(index).astype(np.float64) - self.target)
        return np.asarray(apart.reshape(len(apart), -1).mean(axis=1))

    def limits(self) -> Limits:
        """Give the ends of the shades of grey: of what is given, to be met, and drawn at last.

        The output of a step that is far from all of these is cut off there.
        """
        last = len(self.data.run) - 1
        known = [each for each in (self.given, self.target) if each is not None]
        shades = [brightness(each) for each in [*known, self.answers(last)]]
        finite = np.concatenate([each[np.isfinite(each)].ravel() for each in shades])
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        return Limits(low, high if high > low else low + 1, signed=False)

    def error_limit(self) -> float:
        """Give the largest error at some steps, for colours that are symmetric about zero."""
        assert self.target is not None
        found = []
        for index in sample_indices(len(self.data.run), SAMPLES):
            apart = np.abs(self.answers(index) - self.target).mean(axis=-1)
            found.append(float(np.nanquantile(apart, 0.995)))
        largest = np.nanmax(found) if np.isfinite(found).any() else 1.0
        return float(largest) or 1.0

    @property
    def _are_logits(self) -> bool:
        function = ending_function(self.data.run, self.output)
        loss = recorded_loss(self.data.run.attributes.get("loss"), self.output)
        gives = None if function is None else function.gives
        one = self.data.run.layers[self.output].output_shape[-1] == 1
        return one and gives == "numbers" and loss is not None and loss.from_logits
