"""What a run keeps of the network after the training, where that is not the last step.

Averages of the weights, the best ones restored: what a training leaves is often not what its last
update gave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import xarray as xr

from store.format.layers import Layers
from store.format.names import AFTER_PREFIX, activation_path, output_path, weight_path


class AfterTraining:
    """The network after the training; `Run.after_training` makes it.

    Parameters
    ----------
    attributes : mapping
        Of the group, as SCHEMA.md lists them.
    layers : Layers
        The run's.
    lazy : callable
        Gives the array at a path under a name.

    Attributes
    ----------
    step : int
        The last recorded step: the weights are no longer those.
    wall_time : float
        Seconds since the training started.
    """

    def __init__(
        self,
        attributes: Mapping[str, Any],
        layers: Layers,
        lazy: Callable[[str, str], xr.DataArray],
    ) -> None:
        self.step = int(attributes["step"])
        self.wall_time = float(attributes["wall_time"])
        self._layers = layers
        self._lazy = lazy

    def __repr__(self) -> str:
        return f"<AfterTraining: the weights after step {self.step} were changed>"

    def activations(self, layer: str) -> xr.DataArray:
        """Output of a layer for every probe, in inference mode.

        Returns
        -------
        DataArray (probe, …), lazy
            As of `Run.activations`, without the step.

        Raises
        ------
        LayerNotFoundError, ArrayNotRecordedError
            As of `Run.activations`.
        """
        known = self._layers[layer]
        path = (output_path if known.has_whole_output else activation_path)(known.name)
        return self._lazy(AFTER_PREFIX + path, layer)

    def weights(self, layer: str, weight: str) -> xr.DataArray:
        """One variable of a layer.

        Returns
        -------
        DataArray (…), lazy
            As of `Run.weights`, without the step.

        Raises
        ------
        LayerNotFoundError, ArrayNotRecordedError
            As of `Run.weights`.
        """
        return self._lazy(AFTER_PREFIX + weight_path(self._layers[layer].name, weight), weight)
