"""The layers of a run, as its metadata describes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from store.errors import LayerNotFoundError, did_you_mean
from store.format.derived_layers import DerivedArray
from store.format.metadata import Document
from store.format.names import BEGINS, LAYER_KINDS, activation_path, layer_path, output_path


@dataclass(frozen=True, slots=True)
class Layer:
    """A recorded layer.

    Attributes
    ----------
    name, class_name, kind : str
        Name in the run, Keras class, and one of `store.format.names.LAYER_KINDS`.
    config : dict
        Keras configuration.
    inbound : tuple of str
        Layers whose output this one takes.
    mask_from : str or None
        The layer whose mask this one obeys.
    operations_between : bool
        Whether plain operations, that are in no layer, lie between those layers and this one.
    output_shape : tuple of int
        Shape of the output for one probe; empty if the activation was not recorded.
    parameters : int
        Number of scalars in all variables.
    weights : dict of str to tuple of int
        Shape of each recorded variable.
    has_activation : bool
        Whether the probe's activation was recorded, or follows from what was.
    has_whole_output : bool
        Whether the output was recorded as a whole, since it has no entry for each probe.
    derived_from : tuple of str
        Layers from whose activations this one's follows instead of being stored, at all steps or
        at the first ones; empty: it is stored.
    unit_stride : int
        Every how many units of the activation are recorded.
    arguments : mapping of str to (str, None, bool, int, float or list)
        What its call was given, by the names of the arguments: of a tensor the layer whose output
        it is (None: of no layer), of several a list of them, of a mask that belongs to an input
        the layer that made it, of all else its value. Empty where it was given one tensor alone,
        and in runs that do not say.
    """

    name: str
    class_name: str
    kind: str
    config: Mapping[str, Any]
    inbound: tuple[str, ...]
    output_shape: tuple[int, ...]
    parameters: int
    weights: Mapping[str, tuple[int, ...]]
    has_activation: bool
    mask_from: str | None = None
    has_whole_output: bool = False
    operations_between: bool = False
    derived_from: tuple[str, ...] = ()
    unit_stride: int = 1
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> str | None:
        """The layer whose output this one takes, alone and as it is; None: there is no such one."""
        return self.inbound[0] if len(self.inbound) == 1 and not self.operations_between else None


class Layers(Mapping[str, Layer]):
    """The layers of a run in network order, by name.

    Parameters
    ----------
    layers : mapping of str to Layer
        In network order.

    Raises
    ------
    LayerNotFoundError
        On asking for a layer that is not there; the message suggests the nearest name.
    """

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        self._layers = dict(layers)

    def __getitem__(self, name: str) -> Layer:
        try:
            return self._layers[name]
        except KeyError:
            raise LayerNotFoundError(
                f"The run has no layer {name!r}. {did_you_mean(str(name), self._layers)}"
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._layers

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)


def layers_of(nodes: Mapping[str, Document], derived: Mapping[str, DerivedArray]) -> Layers:
    """Layers that the metadata of a run describes.

    Parameters
    ----------
    nodes : mapping of str to Document
        Checked metadata of every node, by path.
    derived : mapping of str to DerivedArray
        Activations that follow, by path: those of `store.format.derived_layers.derived_arrays`.

    Returns
    -------
    Layers
        In network order.
    """
    order = nodes["layers"]["attributes"]["order"] if "layers" in nodes else []
    weights: dict[str, dict[str, tuple[int, ...]]] = {name: {} for name in order}
    for path, node in nodes.items():
        match path.split("/"):
            case ["layers", layer, "weights", weight] if layer in weights:
                weights[layer][weight] = tuple(node["shape"][1:])
    following = {name: derived.get(activation_path(name)) for name in order}
    return Layers({name: _layer(name, weights[name], nodes, following[name]) for name in order})


def _layer(
    name: str,
    weights: Mapping[str, tuple[int, ...]],
    nodes: Mapping[str, Document],
    derived: DerivedArray | None,
) -> Layer:
    attributes = nodes[layer_path(name)]["attributes"]
    stored, kind = nodes.get(activation_path(name)), attributes["kind"]
    own = {} if stored is None else stored["attributes"]
    is_whole = stored is not None and not own.get(BEGINS)
    return Layer(
        name=name,
        class_name=attributes["class"],
        # Within a schema version kinds may be added; to this reader they are like any other.
        kind=kind if kind in LAYER_KINDS else "other",
        config=attributes["config"],
        inbound=tuple(attributes["inbound"]),
        output_shape=tuple(attributes["output_shape"]),
        parameters=attributes["parameters"],
        weights=weights,
        has_activation=is_whole or derived is not None,
        mask_from=attributes.get("mask_from"),
        has_whole_output=output_path(name) in nodes,
        operations_between=attributes.get("operations_between", False),
        derived_from=() if derived is None else derived.derivation.sources,
        unit_stride=own.get("unit_stride", 1) if derived is None else derived.unit_stride,
        arguments=attributes.get("arguments", {}),
    )
