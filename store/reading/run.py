"""Open a run and read it: lazily, by name, from outside of any TensorFlow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from store.errors import (
    ArrayNotRecordedError,
    LayerNotFoundError,
    RunFormatError,
    StepNotRecordedError,
    did_you_mean,
    listed,
)
from store.format.byte_budget import check_at_once
from store.format.derived_layers import DerivedArray
from store.format.facts import in_force
from store.format.layers import Layer, Layers
from store.format.metadata import Document
from store.format.names import (
    AFTER_GROUP,
    BEGINS,
    ROOT_ATTRIBUTE,
    STEP_DIM,
    Array,
    activation_path,
    output_path,
    weight_path,
)
from store.format.parts import part_names, part_path
from store.format.spec import (
    EVALUATION_GROUPS,
    UPDATES_GROUP,
    VARIABLE_DIM,
    EvaluationRole,
    ProbeSpec,
)
from store.reading.after_training import AfterTraining
from store.reading.arrays import ArrayReader, Index
from store.reading.commit import CommittedRun
from store.reading.kept_whole import config_of, probe_of
from store.reading.lazy import lazy_array, nbytes, whole
from store.reading.metrics import metrics_of
from store.reading.packed import request_pool
from store.reading.parts import Parts
from store.reading.readers import Readers
from store.reading.tree import tree_of
from store.storage.location import parse_root
from store.storage.open_source import first_content, open_source, root_content
from store.storage.sources import Source


class Run:
    """A recorded training, read-only. `open_run` makes it; threads may share it.

    Opening a run reads one file. That file describes everything: `layers`, `outputs`, the number
    of steps ``len(run)``. Numbers are read when they are asked for:

    - `activations`, `weights`, `evaluations`, `updates` and `tree` are lazy: they read when values
      are taken from them, and then only what was selected. Select first. All values of a layer can
      be gigabytes; one step, or one unit at all steps, is a quick read.
    - `steps`, `epochs`, `wall_times`, `probe` and `model_config` are read whole at their first
      use, and kept. They are small.
    - `metrics` are read whole at each use.

    A run may grow while it is open. What one sees stays as it is until `refresh`.

    A training of several models, such as a generator and a discriminator, has `parts`: each is a
    `Run` of one of them, with the steps and metrics of all. The run itself then has no layers.

    Attributes
    ----------
    location : str
        Where the run was opened.
    source : Source
        The files below it.
    part : str
        Name of the part; empty: the run itself.

    Examples
    --------
    ::

        from store import open_run

        run = open_run("runs/mine.zarr")
        conv1 = run.activations("conv1")  # (step, probe, y, x, unit), nothing is read yet
        frame = conv1.sel(step=100, probe=0).values  # reads one step
        history = conv1.isel(probe=0, y=0, x=0, unit=2).values  # reads one number of each step
        kernel = run.weights("conv1", "kernel").isel(step=-1).values
        loss = run.metrics["loss"]  # of every update, not only of the recorded steps
    """

    def __init__(
        self,
        source: Source,
        part: str = "",
        *,
        content: bytes | None = None,
        checks_frames: bool = False,
    ) -> None:
        """Read the root document of a run.

        Parameters
        ----------
        source : Source
            The files below it.
        part : str
            Name of the part that is read; by default the run itself.
        content : bytes, optional
            The root document, where it was read already.
        checks_frames : bool
            Whether frames of the live form are held against their checksums when they are read, as
            those of the packed form are: for whoever writes them again. It takes about as long as
            reading them.

        Raises
        ------
        RunNotFoundError, RunFormatError, SchemaVersionError
            As `open_run` does.
        """
        self.source = source
        self.location = source.location
        self.part = part
        self._readers = Readers(source, part, checks_frames=checks_frames)
        self._now = self._look(first_content(source) if content is None else content)
        self._parts: tuple[CommittedRun, Parts[Run]] | None = None

    def __repr__(self) -> str:
        held = f"{len(self.parts)} parts" if self.parts else f"{len(self.layers)} layers"
        return f"<Run {self.name!r} at {self.location}: {len(self)} steps, {held}>"

    def __len__(self) -> int:
        """Count the committed steps."""
        return self._now.length

    # -- what the run is ---------------------------------------------------------------------

    @property
    def attributes(self) -> Mapping[str, Any]:
        """What SCHEMA.md lists for the root group; of a part, with what is its own."""
        return self._now.attributes

    @property
    def nodes(self) -> Mapping[str, Document]:
        """Zarr metadata of every group and array below the root, by path, as they are stored.

        A part has its own and those that it shares, by the paths of a run of one model.
        """
        return self._now.nodes

    @property
    def parts(self) -> Mapping[str, Run]:
        """The models of a training of several, in order, each as a run; else none.

        Raises
        ------
        PartNotFoundError
            On asking for a part that is not there; the message suggests the nearest name.
        """
        now = self._now
        if self._parts is None or self._parts[0] is not now:
            names = [] if self.part else part_names(now.stored_nodes)
            self._parts = now, Parts({name: self._part(now, name) for name in names})
        return self._parts[1]

    @property
    def part_names(self) -> list[str]:
        """Names of all parts of the recording, also of that which this is; none of one model."""
        return part_names(self._now.stored_nodes)

    @property
    def id(self) -> str:
        """Unique name of the recording, kept by copies of it; of a part, with the part's name."""
        return str(self.attributes["run_id"]) + (f".{self.part}" if self.part else "")

    @property
    def version(self) -> str:
        """Digest of what the run holds. It changes when the run grows, and differs in a crop."""
        return self._now.version(self.steps)

    @property
    def name(self) -> str:
        """Name given by whoever recorded it; of a part, with the part's name."""
        return str(self.attributes["name"]) + (f" · {self.part}" if self.part else "")

    @property
    def created(self) -> dt.datetime:
        """When the recording began."""
        return dt.datetime.fromisoformat(self.attributes["created"])

    @property
    def finished(self) -> dt.datetime | None:
        """When the training ended; None while it runs, or if it was interrupted."""
        ended = self.attributes.get("finished")
        return dt.datetime.fromisoformat(ended) if ended else None

    @property
    def not_finite_since(self) -> int | None:
        """The step at which the loss or a weight was first NaN or infinite; None: never."""
        step = self.attributes.get("not_finite_since")
        return None if step is None else int(step)

    @property
    def facts(self) -> list[dict[str, Any]]:
        """What held of the training since which step: one entry a change, with its ``step``.

        Optimizer, loss, batch size, and which variables were not trained; SCHEMA.md lists them.
        Empty in runs of earlier versions.
        """
        return [dict(entry) for entry in self.attributes.get("facts", [])]

    def settings(self, step: int | None = None) -> dict[str, Any]:
        """Give the facts that are in force at a step, by name.

        Parameters
        ----------
        step : int, optional
            Optimizer updates done; by default the last facts.

        Returns
        -------
        dict
            As `facts`, folded into one. The learning rate over time is in `metrics`.
        """
        return in_force(self.facts, step)

    @property
    def left_out(self) -> Mapping[str, str]:
        """Why something could not be recorded, by its path in the run."""
        found: Mapping[str, str] = self.attributes.get("left_out", {})
        return found

    @property
    def weight_jumps(self) -> tuple[int, ...]:
        """Steps from which on the weights are others than updates made them; see SCHEMA.md."""
        return tuple(self.attributes.get("weight_jumps", ()))

    @property
    def layers(self) -> Layers:
        """The layers in network order."""
        return self._now.layers

    @property
    def derived(self) -> Mapping[str, DerivedArray]:
        """Activations that are not stored, or not at all steps, by path: they follow."""
        return self._now.derived

    @property
    def outputs(self) -> tuple[str, ...]:
        """Layers whose output is the model's."""
        return tuple(self.attributes.get("outputs", ()))

    @cached_property
    def probe(self) -> ProbeSpec | None:
        """The fixed inputs with labels and texts; None if none were recorded.

        Raises
        ------
        RunFormatError
            They are damaged.
        """
        return probe_of(self.nodes, self.array, self.location)

    @property
    def evaluation(self) -> xr.Dataset | None:
        """Predictions for the held-out examples, at every step; None if none were recorded.

        Returns
        -------
        Dataset, lazy
            As in `evaluations`.
        """
        return self.evaluations.get("held_out")

    @property
    def evaluations(self) -> dict[EvaluationRole, xr.Dataset]:
        """Predictions for larger sets of examples, at every step.

        Returns
        -------
        dict of {"held_out", "train"} to Dataset, lazy
            ``prediction`` (step, example, …), and unless they were left out ``label``
            (example, …) and ``input`` (example, …); attributes ``class_names`` and ``kind``. A
            model of several outputs has ``prediction.<output>`` for each, and one of several
            inputs ``input.<input>``.
        """
        found = {role: self._group(group) for role, group in EVALUATION_GROUPS.items()}
        return {role: examples for role, examples in found.items() if examples is not None}

    @property
    def updates(self) -> xr.Dataset | None:
        """How far single updates moved each variable, at every step; None if not recorded.

        What is known at step t is of the update that led to it, the weights at t less those
        before the update, not of the way since the recorded step before.

        Returns
        -------
        Dataset, lazy
            ``norm``, ``weight``, ``cosine`` and ``gradient`` (step, variable), float64: norm of the
            update, norm of the variable before it, cosine with the update before, norm of the
            gradient. NaN where that is not known; the attribute ``unmeasured`` says when. ``count``
            (step,), int64: the updates that lie between, 1 where a single one was measured, k with
            ``steps_per_execution=k``, 0 where none was. The coordinate ``variable`` holds array
            paths, such as ``layers/conv1/weights/kernel``.

        Examples
        --------
        ::

            updates = open_run("runs/mine.zarr").updates
            kernel = updates.sel(variable="layers/conv1/weights/kernel")
            ratio = (kernel["norm"] / kernel["weight"]).values
        """
        found = self._group(UPDATES_GROUP)
        if found is None:
            return None
        return found.assign_coords({VARIABLE_DIM: found.attrs.pop("variables")})

    @property
    def after_training(self) -> AfterTraining | None:
        """The network after the training, where its weights were changed after the last step.

        Averages of the weights that the optimizer swaps in at the end, the best weights that a
        callback restores. None: the last step is what the training left.
        """
        now = self._now
        if AFTER_GROUP not in now.nodes:
            return None
        attributes = now.nodes[AFTER_GROUP]["attributes"]
        return AfterTraining(attributes, now.layers, partial(self._lazy, now))

    @cached_property
    def model_config(self) -> Mapping[str, Any] | None:
        """The model's Keras configuration; None if it was not recorded.

        Raises
        ------
        RunFormatError
            It is damaged.
        """
        return config_of(self.nodes, self.array, self.location)

    # -- the time axis -----------------------------------------------------------------------

    @property
    def steps(self) -> Array:
        """Optimizer updates done at each recorded step: (step,), int64, increasing."""
        return self._axis(self._now, "step")

    @property
    def epochs(self) -> Array:
        """Epochs done at each recorded step: (step,), float64."""
        return self._axis(self._now, "epoch")

    @property
    def wall_times(self) -> Array:
        """Seconds since the start of the training: (step,), float64."""
        return self._axis(self._now, "wall_time")

    def index_of(self, step: int) -> int:
        """Position of a recorded step on the step axis.

        Parameters
        ----------
        step : int
            Optimizer updates done.

        Returns
        -------
        int
            Counted from 0.

        Raises
        ------
        StepNotRecordedError
            The training was not recorded at this step; the message names the nearest ones.
        """
        steps = self.steps
        index = int(np.searchsorted(steps, step))
        if index < len(steps) and steps[index] == step:
            return index
        if not len(steps):
            raise StepNotRecordedError(f"Step {step} was not recorded: the run has no step yet.")
        near = ", ".join(str(int(other)) for other in steps[max(0, index - 1) : index + 1])
        raise StepNotRecordedError(
            f"Step {step} was not recorded; the nearest recorded steps are {near}. "
            "For the nearest one use .sel(step=…, method='nearest')."
        )

    # -- arrays ------------------------------------------------------------------------------

    def activations(self, layer: str) -> xr.DataArray:
        """Output of a layer for every probe at every step, in inference mode.

        Parameters
        ----------
        layer : str
            Name of a layer, as in `layers`.

        Returns
        -------
        DataArray (step, probe, …), lazy
            Of the data type that was recorded, usually float32. The other dimensions are
            ``y, x, unit`` for images and ``token, unit`` for sequences; SCHEMA.md has them all.
            Where it follows exactly from other layers it is not stored, and computed when read.

        Raises
        ------
        LayerNotFoundError
            The run has no such layer.
        ArrayNotRecordedError
            The layer's output was not recorded.
        """
        now = self._now
        known = self._layer(now, layer)
        if known.has_whole_output:
            return self._lazy(now, output_path(layer), layer)
        if not known.has_activation:
            recorded = [name for name, other in now.layers.items() if other.has_activation]
            raise ArrayNotRecordedError(
                f"The activation of layer {layer!r} ({known.class_name}) was not recorded. "
                f"{did_you_mean(layer, recorded)}"
            )
        return self._lazy(now, activation_path(layer), layer)

    def weights(self, layer: str, weight: str) -> xr.DataArray:
        """One variable of a layer at every step.

        Parameters
        ----------
        layer : str
            Name of a layer, as in `layers`.
        weight : str
            Name of the variable, for instance ``kernel`` or ``bias``.

        Returns
        -------
        DataArray (step, …), lazy
            Of the data type that was recorded, usually float32; for instance
            ``(step, kernel_y, kernel_x, in_unit, unit)``.

        Raises
        ------
        LayerNotFoundError
            The run has no such layer.
        ArrayNotRecordedError
            This variable was not recorded.
        """
        now = self._now
        known = self._layer(now, layer)
        if weight not in known.weights:
            raise ArrayNotRecordedError(
                f"Layer {layer!r} ({known.class_name}) has no recorded weight {weight!r}. "
                f"{did_you_mean(weight, known.weights)}"
            )
        return self._lazy(now, weight_path(layer, weight), weight)

    @property
    def metrics(self) -> xr.Dataset:
        """Loss and metrics: (update,), float64. They have a row for updates, not for steps.

        NaN stands where a metric was not measured, for instance ``val_loss`` within an epoch. The
        coordinate ``update`` counts optimizer updates, as `steps` do. Read whole at each use.

        Keras's ``fit`` gives means over the epoch so far, and so they are here, with the attribute
        ``epoch_mean``; the coordinate ``epoch_samples``, (update,) float64, tells of how many
        samples. Where there is none, it is not known whether metrics are such means. With the
        attribute ``epoch_mean_until`` later values are no such means, since weights or masks began.
        """
        now = self._now
        return metrics_of(now.nodes, lambda paths: self._read_together(now, paths))

    @property
    def tree(self) -> xr.DataTree:
        """The whole run as a lazy `xarray.DataTree`, as plain xarray opens it; of a part, its part.

        Activations that are not stored since they follow from others are added to it.

        Raises
        ------
        RunFormatError
            xarray cannot read the run.
        """
        now = self._now
        try:
            root = {ROOT_ATTRIBUTE: dict(now.attributes)}
            stored = {
                path: node
                for path, node in now.stored_nodes.items()
                if not node["attributes"].get(BEGINS)
            }
            tree = tree_of(root, stored, lambda path: self._readers.of_stored(now, path))
            own = tree[part_path(self.part)] if self.part else tree
            assert isinstance(own, xr.DataTree)
        except ValueError as error:
            raise RunFormatError(
                f"{self.location}: xarray cannot read the run ({error})."
            ) from error
        for path in now.derived:
            layer, _, name = path.rpartition("/")
            node = own[layer]
            node.dataset = node.dataset.assign({name: self._lazy(now, path, name).variable})
        return own

    def array(self, path: str) -> ArrayReader:
        """Reader of any array, without names of dimensions; it reads nothing yet.

        Parameters
        ----------
        path : str
            Place in the hierarchy, for instance ``layers/conv1/activation``.

        Returns
        -------
        ArrayReader
            With ``shape``, ``dtype``, ``dims`` and ``read(index)``.

        Raises
        ------
        ArrayNotRecordedError
            The run has no such array.
        """
        return self._readers.of(self._now, path)

    def read(self, path: str, index: Index) -> Array:
        """Elements of an array: the quickest way to a frame or a history.

        Parameters
        ----------
        path : str
            As for `array`.
        index : tuple of int and slice
            Along the array's dimensions; the step axis by position, not by step number (see
            `index_of`). Dimensions that are left out are taken whole.

        Returns
        -------
        ndarray
            A new array, without the dimensions that an integer was given for.

        Raises
        ------
        ArrayNotRecordedError
            The run has no such array.
        RunFormatError
            What was asked for is missing or damaged.
        IndexError
            The index is out of bounds.
        """
        return self.array(path).read(index)

    def read_many(self, wanted: Iterable[tuple[str, Index]]) -> list[Array]:
        """Several reads at a time: over a network, all layers take little longer than one.

        Parameters
        ----------
        wanted : iterable of (str, index)
            As for `read`.

        Returns
        -------
        list of ndarray
            In the order of `wanted`.
        """
        return list(request_pool().map(lambda each: self.read(*each), wanted))

    def refresh(self) -> bool:
        """Look again at a run that is still being recorded. Reads its root document.

        Returns
        -------
        bool
            Whether there is anything new.
        """
        before = self._now
        content = root_content(self.source)
        if content == before.content:
            return False
        now = self._look(content)
        if now.attributes["run_id"] != before.attributes["run_id"]:
            self.__dict__.pop("probe", None)
            self.__dict__.pop("model_config", None)
        self._now = now
        return True

    # -- inside ------------------------------------------------------------------------------

    def _part(self, now: CommittedRun, name: str) -> Run:
        return Run(
            self.source, name, content=now.content, checks_frames=self._readers.checks_frames
        )

    def _layer(self, now: CommittedRun, name: str) -> Layer:
        if self.parts and name not in now.layers:
            raise LayerNotFoundError(
                f"This run has several parts; ask one of them for its layer {name!r}, as in "
                f"run.parts[{next(iter(self.parts))!r}]. There are: {listed(self.parts)}."
            )
        return now.layers[name]

    def _group(self, group: str) -> xr.Dataset | None:
        """Every array right below a group, lazily; None where there is no such group."""
        now = self._now
        if group not in now.nodes:
            return None
        arrays = {}
        for path, node in now.nodes.items():
            parent, _, name = path.rpartition("/")
            if parent == group and node["node_type"] == "array":
                arrays[name] = self._lazy(now, path, name)
        return xr.Dataset(arrays, attrs=dict(now.nodes[group]["attributes"]))

    def _read_together(self, now: CommittedRun, paths: Sequence[str]) -> Iterable[Array]:
        """Read several small arrays whole, over a network side by side."""
        readers = [self._readers.of(now, path) for path in paths]
        check_at_once(f"{self.location}: what is read together", sum(map(nbytes, readers)))
        side_by_side = request_pool().map if self.source.is_remote else map
        return side_by_side(whole, readers)

    def _look(self, content: bytes) -> CommittedRun:
        root = parse_root(content, where=self.location)
        try:
            return CommittedRun(content, root, self.part)
        except KeyError:  # another recording is there now
            raise RunFormatError(f"{self.location} no longer has the part {self.part!r}.") from None

    def _axis(self, now: CommittedRun, name: str) -> Array:
        values = now.axes.get(name)
        if values is None:
            values = whole(self._readers.of(now, name))
            if name == "step" and bool(np.any(values[1:] <= values[:-1])):
                raise RunFormatError(f"{self.location}: the steps do not increase.")
            values.flags.writeable = False
            now.axes[name] = values
        return values

    def _lazy(self, now: CommittedRun, path: str, name: str) -> xr.DataArray:
        reader = self._readers.of(now, path)
        attributes = now.array_attributes(path)
        steps = self._axis(now, "step") if STEP_DIM in reader.dims else None
        return lazy_array(reader, name=name, steps=steps, attributes=attributes)


def open_run(location: str | Path) -> Run:
    """Open a recorded training for reading. This reads one file, however large the run is.

    Parameters
    ----------
    location : str or Path
        A directory, a zip file (as `share` makes it), or an address: ``http(s)://`` of any web
        server that sends parts of files, ``s3://``, ``gs://`` or ``az://`` with the extra
        ``remote``. A run may still be growing: `Run.refresh` shows new steps.

    Returns
    -------
    Run
        Its layers, steps, activations, weights and metrics. Arrays are lazy `xarray.DataArray`
        objects: nothing of them is read before it is asked for.

    Raises
    ------
    RunNotFoundError
        There is nothing at the location, or not a run.
    RunFormatError
        The run is damaged; the message lists what is wrong.
    SchemaVersionError
        The run was written by a newer Trainlapse.
    RemoteError
        A server or bucket does not answer as it must.
    MissingExtraError
        Buckets need the extra ``remote``.

    Examples
    --------
    ::

        from store import open_run

        run = open_run("runs/mine.zarr")
        print(len(run), "steps of", list(run.layers))
        frame = run.activations("conv1").sel(step=100, method="nearest").values
    """
    return Run(open_source(location))
