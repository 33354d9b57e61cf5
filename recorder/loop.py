"""The recorder in a loop of one's own: a context manager, for a model of any backend."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Concatenate, ParamSpec, Self, TypeVar, get_args

from recorder import arguments
from recorder.backend import BACKEND, Backend, backend_of
from recorder.evaluation import Evaluation, one_of_each_role
from recorder.probe import Probe, check_probe
from recorder.recording.background import BackgroundWriter
from recorder.recording.cost import COST_LIMIT, Cost
from recorder.recording.members import waits_for_first_update
from recorder.recording.options import Options
from recorder.recording.packing import pack_quietly
from recorder.recording.recording import Recording
from recorder.recording.report import Report
from recorder.recording.run_path import PathsTaken, RunPath
from recorder.recording.termination import Termination
from recorder.schedule import SCHEDULES, Schedule, default_schedule
from recorder.scope import Globs, Kind, RecordingScope
from recorder.workers import this_worker
from store.errors import ArgumentError, RunExistsError, TrainlapseError
from store.format.compressors import LIVE_COMPRESSORS
from store.live.writer import Compression, Durability
from store.storage.location import is_run

log = logging.getLogger("trainlapse.recorder")

P = ParamSpec("P")
R = TypeVar("R", bound="LoopRecorder")


def guarded(hook: Callable[Concatenate[R, P], None]) -> Callable[Concatenate[R, P], None]:
    """Keep what goes wrong in a method away from the training that calls it.

    Every method that a training calls goes through this, so that no fault below it, wherever it
    is, can stop a training.
    """

    @functools.wraps(hook)
    def call(recorder: R, /, *args: P.args, **kwargs: P.kwargs) -> None:
        if recorder._is_idle:
            return
        try:
            hook(recorder, *args, **kwargs)
        except Exception as fault:
            if fault is recorder._refusal:
                raise
            recorder._give_up(fault)

    return call


class LoopRecorder:
    """Record a training loop of one's own: every weight, and the probe's activations, over time.

    It imports no framework: the model may be of any that a backend knows. `recorder.Recorder` is
    the same and a Keras callback besides.

    Step 0, before any update, and the last step are always recorded; between them the schedule
    decides. The recorder copies, and a thread of its own computes and writes. Whatever goes wrong
    in it after the training has begun is reported once, in the log, and the training goes on.

    A copy by `copy.deepcopy` or `pickle` has the same arguments, and records trainings of its own.

    Examples
    --------
    A model of a framework that Trainlapse does not know, with a backend for it::

        with LoopRecorder("runs/mine.zarr", probe, model=net, backend=MyBackend()) as recorder:
            for step, batch in enumerate(batches, start=1):
                loss = train_step(net, batch)
                recorder.record(step, loss=loss)
    """

    # What belongs to one training; the next one, and a copy, begin without it.
    _of_training: ClassVar[frozenset[str]] = frozenset(
        {
            *("_cost", "_recording", "_fault", "_refusal", "_waited", "_background_seconds"),
            *("_termination", "_finalizer", "_late", "_is_idle"),
        }
    )

    def __init__(
        self,
        path: str | Path,
        probe: Probe | Mapping[str, Probe],
        *,
        schedule: Schedule | None = None,
        model: Any = None,
        evaluation: Evaluation | Sequence[Evaluation] | None = None,
        layers: Globs = "*",
        activations: bool | Globs = True,
        weights: bool | Globs = True,
        every_unit: int = 1,
        dtype: str | Mapping[Kind, str] | None = None,
        byte_budget: int | str | None = None,
        derive: bool = True,
        cost_limit: float = COST_LIMIT,
        thin: bool = False,
        resume: bool | int = False,
        overwrite: bool = False,
        name: str | None = None,
        notes: str = "",
        compression: Compression = None,
        durability: Durability = "process",
        pack: bool = False,
        updates: bool = True,
        gradients: bool = False,
        backend: Backend | None = None,
    ) -> None:
        """Say what to record, and where. Nothing is written before the training begins.

        Parameters
        ----------
        path : str or Path
            Directory of the run, for instance ``"runs/lenet.zarr"``. With fields in braces each
            training gets a run of its own: each ``fit`` of another model, fold of a
            cross-validation, or trial of a tuner. ``"runs/{n}.zarr"`` takes the next free number,
            ``{n:03}`` with leading zeros; ``{model}`` is the model's name, ``{date}`` and
            ``{time}`` are those of its begin. A brace that is meant as such is written twice.
            Without fields a second training is recorded beside the first, as ``lenet-2.zarr``.
            Of several processes that a launcher has started to train together (TF_CONFIG, SLURM,
            MPI, RANK) the chief records, and the others do nothing; with ``{worker}``, the number
            of the process, each records a run of its own.
        probe : Probe or mapping of str to Probe
            The fixed inputs that are sent through the network at every recorded step. The
            time and the bytes of a step grow with their number. For a model without a ``call`` of
            its own (GAN, VAE, SimCLR, diffusion), whose parts a ``train_step`` trains, one for
            each part by the attribute that holds it: ``{"generator": Probe(z), "discriminator":
            Probe(x)}``. A single probe goes to each part that takes it. Of the others the weights
            are recorded.
        schedule : Schedule, optional
            Which steps to record. By default ``log_spaced() | every_epoch()``: some 20 steps a
            decade, and the end of every epoch.
        model : model or mapping of str to model, optional
            What to record: a Keras model, or one that `backend` knows, or several by name, as parts
            of one run. A loop needs it; a callback records the model that is fitted by default. A
            model that has a ``call`` is recorded as one, also if it is made of others: to record
            those, pass them by name.
        evaluation : Evaluation or sequence of Evaluation, optional
            More examples, of which the predictions are recorded: held-out ones, training ones
            (``role="train"``), or one of each. By default none. Costs a forward pass of them all
            at every recorded step, beside the training.
        layers : str or sequence of str
            Names or patterns of the layers to record (``"conv*"``); with a leading "!", of those
            not to. By default ``"*"``, all. What is left out takes no bytes, with Keras no time. In
            a model of parts also with the part's name (``"generator/conv*"``).
        activations, weights : bool or str or sequence of str
            Whether this kind of array is recorded, or of which layers. By default True.
        every_unit : int
            Record every k-th unit of the activations; weights stay whole. By default 1, all.
            Divides the bytes of activations by k.
        dtype : str or mapping of {"activation", "weights"} to str, optional
            Type that floats are stored as where it is narrower than their own: ``"float16"`` halves
            the bytes of float32 and keeps three digits. By default floats stay as they are.
        byte_budget : int or str, optional
            Most bytes of the run while it is recorded, as a number or ``"2 GB"``. Scheduled steps
            are left out where they would not fit, and counted. By default there is no limit.
        derive : bool
            Leave out outputs that follow exactly from those of other layers (ReLU, max pooling,
            sums, flattening ...): whoever reads the run has them all the same, computed as they
            are read. Each is compared at every recorded step, and stored from the first one on at
            which it does not follow. By default True; False stores all.
        cost_limit : float
            Share of the training's time that the recorder may take, by default 0.05; where it
            steadily takes more, tracing left aside, a warning says so, once.
        thin : bool
            Leave out scheduled steps while the recorder is above its `cost_limit`, never step 0,
            the last step or the end of an epoch. What was left out is counted in `report` and in
            the run. By default False.
        resume : bool or int
            Go on with the run at the path, if there is one, after the updates that the model's
            optimizer has done; or after this step, where those are not known. Later steps in the
            run are dropped. The probe, evaluations and whatever says what is recorded must be the
            same as before. Layers that Keras has numbered on (``dense_2``) keep the names that they
            have in the run. By default False.
        overwrite : bool
            Replace a run that is already there. By default False.
        name : str, optional
            Name of the run; by default that of its directory.
        notes : str
            Free text, kept with the run. By default empty.
        compression : {None, "lz4"}
            Codec of the frames while recording. By default None, which is fastest; "lz4" takes
            fewer bytes and more time of the recorder's thread.
        durability : {"process", "power"}
            What a recorded step survives: by default the death of the process; with "power" also
            a power failure, for which every commit waits for the disk.
        pack : bool
            Pack the run when the training has ended: smaller and checksummed, with quick
            histories. The whole run is read and written once more for it, and it can then not be
            recorded any further. By default False.
        updates : bool
            Record, at every recorded step, how far the last single update moved each variable, and
            the cosine with the update before: three numbers a variable. For that up to three
            copies of the weights are kept in memory where steps are recorded. By default True.
        gradients : bool
            Also record the norm of each gradient within ``fit``, by default False; a loop passes
            its gradients to `record` instead. The training step is traced with the norms in it. A
            compiler may then round differently: with mixed precision and XLA, trained weights were
            seen to differ in their last bits from those without the recorder. Not over several
            devices.
        backend : recorder.backend.Backend, optional
            Looks into the model. By default the one that knows the model's class; Keras has one.

        Raises
        ------
        ArgumentError
            An argument is of another kind, or out of its range, no backend knows the model, `path`
            is an address or has a field that does not exist, or it names a new run and `resume`
            was passed.
        RunExistsError
            There is a run at the path, and neither `overwrite` nor `resume` was passed.
        SpecError
            A value is wrong; when the training begins: the probe does not fit the model, or the
            run that is resumed is of another one.
        PartNotFoundError
            When the training begins: the model has no such part as a probe was passed for.
        RunFormatError
            When the training begins: the run that is resumed is damaged or of a newer version.
        LayerNotFoundError
            When the training begins: a pattern matches no layer.
        RunLockedError, OSError
            When the training begins: the run cannot be written there.
        """
        super().__init__()
        given = _checked(
            type(self).__name__,
            path=path,
            probe=probe,
            schedule=schedule,
            evaluation=evaluation,
            cost_limit=cost_limit,
            thin=thin,
            resume=resume,
            overwrite=overwrite,
            name=name,
            notes=notes,
            compression=compression,
            durability=durability,
            pack=pack,
            updates=updates,
            gradients=gradients,
            backend=backend,
        )
        if model is not None and backend is None:
            backend = backend_of(model)
        where = RunPath(path, f"{type(self).__name__}(path=...)")
        only = where.only
        if (
            only is not None
            and this_worker().is_chief
            and is_run(only)
            and not overwrite
            and given["resume"] is False
        ):
            raise RunExistsError(
                f"There is a run at {only} already. Choose another path, or pass overwrite=True to "
                "replace it or resume=True to go on with it. A path such as "
                f'"{only.with_name("{n}" + only.suffix)}" names a new run each time.'
            )
        if given["resume"] is not False and where.is_fresh:
            raise ArgumentError(
                f"{type(self).__name__}(path=...) is {str(where)!r}, which names a new run each "
                "time: there is none to resume. Pass the path of the run to go on with."
            )
        self._options = Options(
            path=where,
            probe=probe,
            schedule=default_schedule() if schedule is None else schedule,
            name=given["name"] or None,
            notes=given["notes"],
            overwrite=given["overwrite"],
            compression=given["compression"],
            durability=given["durability"],
            scope=RecordingScope(
                layers=layers,
                activations=activations,
                weights=weights,
                every_unit=every_unit,
                dtype={} if dtype is None else dtype,
                byte_budget=byte_budget,
                derive=derive,
            ),
            evaluations=given["evaluation"],
            resume=given["resume"],
            updates=given["updates"],
            gradients=given["gradients"],
        )
        self._backend = backend
        self._pack = given["pack"]
        self._chosen_model = model
        self._cost_limit, self._thin = given["cost_limit"], given["thin"]
        self._taken = PathsTaken()
        self._start_over()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in self._of_training}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        super().__init__()
        vars(self).update(state)
        self._start_over()

    def __enter__(self) -> Self:
        self._begin()
        return self

    @guarded
    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._safely(self._recording.settle)
        self._safely(self._recording.record_now)
        self._safely(self._recording.leave)
        self._close(finished=kind is None)

    def record(
        self,
        step: int,
        *,
        epoch: float = 0.0,
        epoch_end: bool = False,
        gradients: Sequence[Any] | Mapping[str, Sequence[Any]] | None = None,
        **metrics: Any,
    ) -> None:
        """Tell the recorder that a step is done; it is recorded when the schedule wants it.

        Parameters
        ----------
        step : int
            Optimizer updates done, counted over the whole training; 0 is recorded on entry.
        epoch : float
            Epochs done, by default 0.
        epoch_end : bool
            Whether an epoch ends here, for ``every_epoch()``; by default False.
        gradients : sequence of array_like, or mapping of str to such, optional
            Gradients of the last update, one for each trainable variable in the model's order and
            None for one that has none: their norms are recorded. Of several models, those of each
            by its name. By default they are not known.
        **metrics : float
            Loss and the like, by name. What is not one number is left out.

        Raises
        ------
        TypeError
            The recorder was made without `model`.
        TrainlapseError, OSError
            At the first step, outside of ``with``: those that `__init__` lists for the begin.
        """
        if self._chosen_model is None:
            raise TypeError(
                "record() needs to know the model: pass it as Recorder(path, probe, model=model)."
            )
        self._advance(
            step,
            epoch,
            metrics,
            epoch_end=epoch_end,
            gradients=lambda: arguments.gradients("record(gradients=...)", gradients),
        )

    @property
    def path(self) -> Path | None:
        """Directory of the run that is recorded, or was last; None before the first training."""
        return self._recording.path

    @property
    def report(self) -> Report:
        """What was recorded so far of the last training, and what it cost that training."""
        background = self._recording.background
        return Report(
            steps=self._recording.steps_recorded,
            nbytes=self._recording.bytes_recorded,
            seconds=self._cost.seconds,
            waited=self._waited + (background.waited if background else 0.0),
            wall_seconds=self._cost.wall,
            fault=self._fault,
            background_seconds=self._background_seconds + (background.busy if background else 0.0),
            skipped=dict(self._recording.skipped),
        )

    @guarded
    def _begin(self) -> None:
        self._meet(counts_again=False)
        if self._chosen_model is None or self._waits_for_first_update():
            return
        if self._open():
            self._safely(self._recording.begin, self._recording.epoch)
            self._safely(self._note_facts)
            self._safely(self._recording.before_update)

    @guarded
    def _advance(
        self, step: int, epoch: float, metrics: Mapping[str, Any], /, **options: Any
    ) -> None:
        done = arguments.step("record(step=...)", step)
        before = self._recording.steps_recorded
        if self._late:
            self._safely(self._open_late, done, epoch)
        elif self._open():
            self._safely(self._recording.begin, epoch)
        self._safely(self._recording.advance, done, epoch, metrics, **options)
        if self._recording.steps_recorded > before:
            self._safely(self._note_facts)
        self._safely(self._recording.mark)
        self._safely(self._recording.before_update)

    def _note_facts(self) -> None:
        """Note what holds of the training; whoever knows its framework says so."""
        return

    def _start_over(self) -> None:
        """Be ready for a training of which nothing is recorded yet."""
        self._cost = Cost(limit=self._cost_limit, thin=self._thin)
        self._recording = Recording(
            self._options, backend=self._backend, cost=self._cost, taken=self._taken
        )
        self._fault: Exception | None = None
        self._refusal: Exception | None = None  # an error that the user must hear of
        self._waited = self._background_seconds = 0.0
        self._late = False  # whether the run is opened after the first update only
        worker = this_worker()
        # Whether another process records this training.
        self._is_idle = not (worker.is_chief or self._options.path.names_worker)
        if self._is_idle:
            log.info(
                "%s says that this is worker %d: worker 0 records the training. With {worker} in "
                "the path each records a run of its own.",
                worker.told_by,
                worker.number,
            )
        self._termination = Termination()
        self._finalizer: weakref.finalize[Any, Any] | None = None

    def _meet(self, *, counts_again: bool) -> None:
        """Give a training that does not go on with the recorded one a run of its own."""
        why = self._recording.why_another(self._watched, counts_again=counts_again)
        interrupted = self._recording.is_open
        if why is None:
            if interrupted:
                self._safely(self._recording.go_on)
            return
        if interrupted:
            self._close(finished=False, last_step=False)
        log.info("Another training begins: %s.", why)
        self._start_over()

    @property
    def _watched(self) -> Any:
        """The model that is recorded."""
        return self._chosen_model

    def _first_step(self) -> int | None:
        """Give the updates that the network has done already, as far as that is known."""
        resume = self._recording.options.resume
        if not isinstance(resume, bool):
            return resume
        if not resume or self._backend is None:
            return None
        # The user counts the steps. 0 says nothing: another optimizer may do the updates.
        return self._backend.updates_done(self._watched) or None

    def _waits_for_first_update(self) -> bool:
        """Tell whether a part of the model gets its weights by the first update only; say so."""
        if self._late or self._recording.is_open or self._fault is not None:
            return self._late
        model = self._watched
        backend = backend_of(model) if self._backend is None else self._backend
        self._late = waits_for_first_update(backend, model, self._recording.options)
        if self._late:
            log.warning(
                "A part of the model is built by the first update only: the recording begins after "
                "that, not at step 0. Build it before, or pass a probe for it."
            )
        return self._late

    def _open_late(self, step: int, epoch: float) -> None:
        """Open the run after the first update, when all parts have their weights."""
        self._late = False
        if self._open():
            self._recording.step = max(self._recording.step, step)
            self._recording.begin(epoch)

    def _open(self) -> bool:
        """Open the run, and tell whether that was done now.

        What is wrong with the arguments is raised, before the training begins.
        """
        if self._recording.is_open or self._fault is not None:
            return False
        began = time.perf_counter()
        try:
            self._recording.open(self._watched, self._first_step())
        except (TrainlapseError, OSError) as error:  # what was passed is wrong
            self._refusal = error
            raise
        except Exception as fault:  # a fault of ours must not stop the training
            self._give_up(fault)
            return False
        background = self._recording.background
        assert background is not None
        # A training that is interrupted never says so to its callbacks: the run is then closed
        # when the recorder is collected as garbage, at the latest when the interpreter exits.
        self._termination = Termination()
        self._termination.protect(background)
        self._finalizer = weakref.finalize(self, _let_go, background, self._termination)
        self._cost.begin(began)
        self._cost.opening += time.perf_counter() - began
        return True

    def _let_model_go(self) -> None:
        """Undo what was done to the model to record it: in a loop that is nothing."""

    def _close(self, *, finished: bool, last_step: bool = True) -> None:
        was_open = self._recording.is_open
        if last_step:
            self._safely(self._recording.record_now)
        background = self._recording.background
        began = time.perf_counter()
        with self._termination.deferred():
            fault = self._recording.close(finished=finished)
        now = time.perf_counter()
        self._cost.recording += now - began
        if background is not None:
            self._waited += background.waited
            self._background_seconds += background.busy
        if fault is not None:
            self._give_up(fault)
        self._let_model_go()
        if self._finalizer is not None:
            self._finalizer()  # the run is closed already; this stops listening for SIGTERM
        self._cost.end(now)
        if was_open:
            log.info("%s: %s", self.report, self._recording.path)
        location = self._recording.location
        if self._pack and was_open and finished and self._fault is None and location is not None:
            pack_quietly(location)

    def _safely(self, function: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Call a function of the recording; a fault ends the recording, not the training."""
        if self._fault is not None:
            return
        began = time.perf_counter()
        try:
            with self._termination.deferred():
                function(*args, **kwargs)
            background = self._recording.background
            if background is not None and background.fault is not None:
                raise background.fault
        except Exception as fault:
            self._give_up(fault)
        finally:
            self._cost.recording += time.perf_counter() - began
        self._cost.warn_once(log)

    def _give_up(self, fault: Exception) -> None:
        """End the recording, not the training, and say so once."""
        if self._fault is not None:
            return
        self._fault = fault
        close = functools.partial(self._recording.close, finished=False)
        for release in (close, self._finalizer or self._termination.remove, self._let_model_go):
            with contextlib.suppress(Exception):  # that something is broken is said anyway
                release()
        path, location = self._recording.path, self._recording.location
        log.warning(
            "Recording stopped at step %d, the training goes on. %s: %s\n%s%s",
            self._recording.step,
            type(fault).__name__,
            fault,
            _remedy(fault),
            ""
            if location is None or not is_run(location)  # it may have been deleted
            else f"The steps recorded so far can be explored: trainlapse explore {path}",
        )


def _let_go(background: BackgroundWriter, termination: Termination) -> None:
    background.close(finished=False)
    termination.remove()


def _checked(recorder: str, **given: Any) -> dict[str, Any]:
    """Check what a recorder is made with, and give it back; `RecordingScope` checks the rest."""
    checks: dict[str, Callable[[str, Any], Any]] = {
        "path": lambda name, value: arguments.instance(name, value, str | os.PathLike, "a path"),
        "probe": check_probe,
        "schedule": _optional(Schedule, SCHEDULES),
        "evaluation": lambda name, value: one_of_each_role(value, name),
        "cost_limit": functools.partial(arguments.number, least=0.0),
        "resume": _checked_resume,
        "name": lambda name, value: None if value is None else arguments.text(name, value),
        "notes": arguments.text,
        "compression": functools.partial(arguments.one_of, choices=(None, *LIVE_COMPRESSORS)),
        "durability": functools.partial(arguments.one_of, choices=get_args(Durability)),
        "backend": _optional(Backend, BACKEND),
        **dict.fromkeys(("thin", "overwrite", "pack", "updates", "gradients"), arguments.flag),
    }
    found = {
        argument: checks[argument](f"{recorder}({argument}=...)", value)
        for argument, value in given.items()
    }
    if found["gradients"] and not found["updates"]:
        arguments.refuse(
            f"{recorder}(gradients=...)",
            True,
            "False where updates=False, since norms of gradients are recorded with single updates",
        )
    return found


def _optional(kind: type, expected: str) -> Callable[[str, Any], Any]:
    return lambda argument, value: (
        None if value is None else arguments.instance(argument, value, kind, expected)
    )


def _checked_resume(argument: str, value: Any) -> bool | int:
    found = arguments.plain(value)
    return found if isinstance(found, bool) else arguments.whole(argument, value, least=0)


def _remedy(fault: Exception) -> str:
    if isinstance(fault, TrainlapseError):
        return ""  # it says itself what to do
    if isinstance(fault, OSError):
        return "Check the free space and the permissions of the disk. "
    return "Please report this with the model's summary. "
