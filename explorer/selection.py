"""The selection: what the user looks at, which every view shows. Knows no Panel and no browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import param

from explorer.derived.time.timeline import AXES, Axis, usual_axis
from store import Run
from store.errors import did_you_mean
from store.format.names import UNIT_DIM, activation_path

Tab = Literal["layers", "learning", "training", "differences"]
# A page of one run has no differences.
TABS: tuple[Tab, ...] = ("layers", "learning", "training")
TABS_OF_TWO: tuple[Tab, ...] = (*TABS, "differences")

# In place of the explained class's number: nobody has chosen one, see `data.explained`.
UNCHOSEN = -1

# Layers of these kinds keep each unit's number, if they have as many units as their input.
UNITS_IN_PLACE = frozenset(
    {"activation", "merge", "normalization", "pooling", "regularization", "reshape", "softmax"}
)
# Classes of those kinds that may change the units even if their number stays.
MIXING = frozenset({"Dot", "Permute", "Reshape"})


@dataclass(frozen=True, slots=True)
class SelectionKey:
    """An immutable selection without its step: what one picture is drawn for.

    Attributes
    ----------
    layer : str
        Selected layer.
    probe : int
        Selected probe.
    axis : Axis
        Time axis of curves.
    unit : int
        Selected unit of the layer.
    target : int
        Number of the explained class; `UNCHOSEN`: the probe's true class.
    """

    layer: str
    probe: int
    axis: Axis
    unit: int = 0
    target: int = UNCHOSEN


class Selection(param.Parameterized):
    """The selection of one session: step, layer, unit, probe, explained class, time axis, tab.

    Parameters
    ----------
    units : mapping of str to int, optional
        Number of units, by layer.
    families : mapping of str to str, optional
        Group of each layer, as from `unit_families`.
    **params
        Values of the parameters.
    """

    step = param.Integer(
        default=0, bounds=(0, None), doc="Recorded step on screen: optimizer updates done."
    )
    layer: param.Selector[str] = param.Selector(
        default="", objects=[""], doc="Layer whose views are shown."
    )
    unit = param.Integer(default=0, bounds=(0, None), doc="Unit of the layer that is followed.")
    probe = param.Integer(default=0, bounds=(0, None), doc="Probe input that is followed.")
    target = param.Integer(
        default=UNCHOSEN, bounds=(UNCHOSEN, None), doc="Explained class; -1: the true one."
    )
    axis: param.Selector[Axis] = param.Selector(
        default="step", objects=list(AXES), doc="Time axis of slider and curves."
    )
    tab: param.Selector[Tab] = param.Selector(
        default="layers", objects=list(TABS), doc="Group of views on screen."
    )

    def __init__(
        self,
        units: Mapping[str, int] | None = None,
        families: Mapping[str, str] | None = None,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self._units = dict(units or {})
        self.families = dict(families or {})
        self._chosen: dict[str, int] = {}  # the unit that was selected last, by family

    def choose(self, **changes: Any) -> None:
        """Change several values together; all of them, or none.

        Parameters
        ----------
        **changes
            Values by name. If ``unit`` is missing or None, the layer gets the unit that was
            selected last in its family, else unit 0. The page's clock (``clock.js``) applies the
            same rule in the browser.

        Raises
        ------
        ValueError
            The run does not have what is chosen.
        """
        layer = changes.get("layer", self.layer)
        self._chosen[self._family(self.layer)] = self.unit
        if changes.get("unit") is None:
            changes["unit"] = self._chosen.get(self._family(layer), 0)
        count = self._units.get(layer, 1)
        if not 0 <= changes["unit"] < max(1, count):
            raise ValueError(
                f"There is no unit {changes['unit']}; {layer} has {count}, counted from 0."
            )
        # All are checked before any is set: `param.update` would keep those before the wrong one.
        for name, value in changes.items():
            if name not in self.param:
                raise ValueError(
                    f"There is no {name!r} to choose. {did_you_mean(name, self.choice())}"
                )
            self.param[name]._validate(value)
        self.param.update(**changes)

    def unit_count(self, layer: str) -> int:
        """Count the units of a layer; 0 if there is no such layer."""
        return self._units.get(layer, 0)

    def _family(self, layer: str) -> str:
        return self.families.get(layer, layer)

    def key(self) -> SelectionKey:
        """Copy the selection, without its step, as an immutable key."""
        return SelectionKey(
            str(self.layer), int(self.probe), self.axis, int(self.unit), int(self.target)
        )

    def choice(self) -> dict[str, Any]:
        """Values that the page's widgets share, by name."""
        names = ("layer", "unit", "probe", "target", "tab")
        return {name: getattr(self, name) for name in names}

    def to_query(self) -> dict[str, str]:
        """Parameters of the address, without the step, which the browser owns."""
        return {name: str(value) for name, value in self.choice().items()}


def select_in(
    run: Run, query: Mapping[str, Any], tabs: Sequence[Tab] = TABS
) -> tuple[Selection, list[str]]:
    """Make the selection for a run from the parameters of an address.

    Parameters
    ----------
    run : Run
        The run that is shown.
    query : mapping
        Values by name, as text or numbers; unknown names are ignored.
    tabs : sequence of Tab
        Those of the page.

    Returns
    -------
    selection : Selection
        What could be taken from the query; defaults for the rest.
    warnings : list of str
        A sentence for each value that could not be used.
    """
    names = list(run.layers)
    selection = Selection(unit_counts(run), unit_families(run))
    selection.param["layer"].objects = names or [""]
    selection.param["tab"].objects = list(tabs)
    selection.layer = default_layer(run)
    steps = run.steps
    selection.step = int(steps[-1]) if len(steps) else 0
    selection.axis = usual_axis(steps)
    warnings: list[str] = []
    part = str(query.get("part") or run.part)
    if part != run.part:
        others = f"There is no part {part!r}. {did_you_mean(part, run.part_names)}"
        warnings.append(others if run.part_names else f"This run has no parts, so no {part!r}.")

    if "layer" in query:
        layer = str(query["layer"])
        if layer in names:
            selection.layer = layer
        else:
            warnings.append(f"There is no layer {layer!r}. {did_you_mean(layer, names)}")
    for name, what, known in (("axis", "time axis", AXES), ("tab", "tab", tabs)):
        if name not in query:
            continue
        if query[name] in known:
            setattr(selection, name, query[name])
        else:
            wrong = str(query[name])
            warnings.append(f"There is no {what} {wrong!r}. {did_you_mean(wrong, known)}")
    unit = _number(query, "unit", warnings)
    if unit is not None:
        try:
            selection.choose(unit=unit)
        except ValueError as error:
            warnings.append(str(error))
    for name, count, what in (
        ("probe", run.probe.size if run.probe else 0, ""),
        ("target", class_count(run), " classes"),
    ):
        default = getattr(selection, name)  # there even where the run has none
        selection.param[name].bounds = (default, max(default, count - 1))
        number = _number(query, name, warnings)
        if number is None:
            continue
        if number == default or default <= number < count:
            setattr(selection, name, number)
        else:
            warnings.append(
                f"There is no {name} {number}; the run has {count}{what}, counted from 0."
            )
    step = _number(query, "step", warnings)
    if step is not None and len(steps):
        within = min(max(step, int(steps[0])), int(steps[-1]))
        nearest = int(steps[abs(steps - within).argmin()])
        selection.step = nearest
        if nearest != step:
            warnings.append(f"Step {step} was not recorded; the nearest one is {nearest}.")
    return selection, warnings


def chosen_part(run: Run, query: Mapping[str, Any]) -> Run:
    """Give the part of a run that is looked at.

    Parameters
    ----------
    run : Run
        The run; one that has no parts, or is one, is given back.
    query : mapping
        As for `select_in`, which tells of a ``part`` that there is not.

    Returns
    -------
    Run
        Without a wish the first part that has activations, else the first.
    """
    parts = run.parts
    if not parts:
        return run
    with_activations = (
        name
        for name, part in parts.items()
        if any(layer.has_activation for layer in part.layers.values())
    )
    wanted = str(query.get("part", ""))
    return parts[wanted if wanted in parts else next(with_activations, next(iter(parts)))]


def unit_counts(run: Run) -> dict[str, int]:
    """Count the units of each layer, by its recorded activation or else by its output shape."""
    counts = {}
    for name, layer in run.layers.items():
        if layer.has_activation:
            reader = run.array(activation_path(name))
            sizes = dict(zip(reader.dims, reader.shape, strict=True))
            counts[name] = sizes.get(UNIT_DIM, 1)
        else:
            counts[name] = layer.output_shape[-1] if layer.output_shape else 1
    return counts


def unit_families(run: Run) -> dict[str, str]:
    """Group layers whose units correspond one to one, such as a convolution and its activation.

    Parameters
    ----------
    run : Run
        The run.

    Returns
    -------
    dict of str to str
        Name of the first layer of the group, by the name of each of its layers.
    """
    counts = unit_counts(run)
    families: dict[str, str] = {}
    for name, layer in run.layers.items():
        families[name] = name
        if layer.kind not in UNITS_IN_PLACE or layer.class_name in MIXING or not layer.inbound:
            continue
        # A damaged run may name layers that do not exist, or go in circles.
        is_known = all(source in families and source != name for source in layer.inbound)
        if is_known and all(counts[source] == counts[name] for source in layer.inbound):
            joined = {families[source] for source in layer.inbound} | {name}
            first = next(known for known in families if known in joined)
            families |= {known: first for known, own in families.items() if own in joined}
    return families


def class_count(run: Run) -> int:
    """Count the classes, by the shape of the run's only output; 0 if that is no vector."""
    shapes = [run.layers[name].output_shape for name in run.outputs if name in run.layers]
    if len(shapes) != 1 or len(shapes[0]) != 1:
        return 0
    return max(2, shapes[0][0])  # one sigmoid unit: two classes


def default_layer(run: Run) -> str:
    """Layer that is selected at first.

    The first convolution or recurrent layer whose activation is recorded, else the first dense or
    embedding layer, else any with an activation, else with weights, else the first of all.
    """
    for kinds in ({"conv", "recurrent"}, {"dense", "embedding"}, None):
        for name, layer in run.layers.items():
            if layer.has_activation and (kinds is None or layer.kind in kinds):
                return name
    with_weights = (name for name, layer in run.layers.items() if layer.weights)
    return next(with_weights, next(iter(run.layers), ""))


def _number(query: Mapping[str, Any], name: str, warnings: list[str]) -> int | None:
    if name not in query:
        return None
    try:
        return int(query[name])
    except (TypeError, ValueError, OverflowError):
        warnings.append(f"{name} should be a whole number, got {str(query[name])!r}.")
        return None
