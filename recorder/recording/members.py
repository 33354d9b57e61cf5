"""Which models a recording is of, and what is sent through each of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from recorder.backend import Backend, HasParts, Subject
from recorder.evaluation import Evaluation
from recorder.probe import Probe
from recorder.recording.options import Options
from recorder.recording.settled import settled_evaluation, settled_probe
from store.errors import PartNotFoundError, SpecError, did_you_mean, listed
from store.format.names import safe_name
from store.format.spec import RunSpec
from store.reading.run import Run

log = logging.getLogger("trainlapse.recorder")


@dataclass(frozen=True, slots=True)
class Member:
    """One model of a recording.

    Attributes
    ----------
    model : Any
        The model, as its framework knows it.
    probe : Probe or None
        What is sent through it; None: only its weights are recorded.
    evaluations : tuple of Evaluation
        The examples whose predictions are recorded.
    """

    model: Any
    probe: Probe | None
    evaluations: tuple[Evaluation, ...] = ()

    def look_at(self, backend: Backend) -> Subject:
        """Describe it."""
        if self.probe is not None:
            return backend.look_at(self.model, self.probe, self.evaluations)
        assert isinstance(backend, HasParts)
        return backend.look_at_weights(self.model)

    def described(self, network: RunSpec, run: Run | None = None) -> RunSpec:
        """Describe it with its probe and evaluations, by what its backend knows of the network.

        Parameters
        ----------
        network : RunSpec
            The same without the probe, and with the evaluations as they were passed.
        run : Run, optional
            The run in which it is to go on.
        """
        if self.probe is None:
            return network
        probe = settled_probe(self.probe, network, run)
        evaluations = tuple(
            settled_evaluation(each, probe, network, run) for each in network.evaluations
        )
        return replace(network, probe=probe, evaluations=evaluations)


def members_of(backend: Backend, model: Any, options: Options) -> dict[str, Member]:
    """Find the models of a recording.

    Parameters
    ----------
    backend : Backend
        Looks into them.
    model : Any
        One model, or several by name.
    options : Options
        What the user decided. A single probe goes to each part that takes it.

    Returns
    -------
    dict of str to Member
        By the names of the run's parts; the only model, if it is one, by "".

    Raises
    ------
    PartNotFoundError
        A probe was passed for a part that there is not.
    SpecError
        Probes were passed by part to a model that has none.
    """
    parts = _parts(backend, model)
    if not parts:
        if isinstance(options.probe, Mapping):
            raise SpecError(
                "Probes were passed by part, but the model has a forward pass of its own, and is "
                "recorded as one: pass one Probe. To record some of what it is made of, pass that "
                'by name, too, such as model={"encoder": model.encoder}.'
            )
        evaluations = tuple(each.beside(options.probe) for each in options.evaluations)
        return {"": Member(model, options.probe, evaluations)}
    probes = _probes(backend, parts, options.probe)
    members = {
        name: Member(part, probes.get(name), _evaluations(backend, part, probes.get(name), options))
        for name, part in parts.items()
        if name in probes or _is_built(backend, part)
    }
    unknown = [name for name in members if name not in probes]
    if unknown and not isinstance(backend, HasParts):
        raise SpecError(
            f"{listed(unknown)} has no probe, and without one nothing of it can be recorded with "
            f'this backend: pass probes by part, such as {{"{unknown[0]}": Probe(...)}}.'
        )
    return members


def waits_for_first_update(backend: Backend, model: Any, options: Options) -> bool:
    """Whether a part gets its weights by the first update only.

    A part that a probe was passed for is built by it.
    """
    named = options.probe if isinstance(options.probe, Mapping) else {}
    return any(
        name not in named and not _is_built(backend, part)
        for name, part in _parts(backend, model).items()
    )


def _parts(backend: Backend, model: Any) -> dict[str, Any]:
    if not isinstance(model, Mapping):
        return dict(backend.parts(model)) if isinstance(backend, HasParts) else {}
    found: dict[str, Any] = {}
    for name, part in model.items():
        found[safe_name(name, found)] = part
    return found


def _is_built(backend: Backend, part: Any) -> bool:
    return not isinstance(backend, HasParts) or backend.is_built(part)


def _probes(
    backend: Backend, parts: Mapping[str, Any], given: Probe | Mapping[str, Probe]
) -> dict[str, Probe]:
    """Give the probe of each part that has one."""
    if isinstance(given, Mapping):
        named = {safe_name(name): (name, probe) for name, probe in given.items()}
        for safe, (name, _) in named.items():
            if safe not in parts:
                raise PartNotFoundError(
                    f"The model has no part {name!r} to send a probe through. "
                    f"{did_you_mean(name, parts)}"
                )
        return {name: named[name][1] for name in parts if name in named}
    if not isinstance(backend, HasParts):
        return dict.fromkeys(parts, given)
    found = {name: given for name, part in parts.items() if backend.takes(part, given)}
    if not found:
        log.warning(
            "No part of the model takes the probe %r: only weights are recorded. Pass one for each "
            'part, such as Recorder(path, {"%s": Probe(...)}). There are: %s.',
            given,
            next(iter(parts)),
            listed(parts),
        )
    return found


def _evaluations(
    backend: Backend, part: Any, probe: Probe | None, options: Options
) -> tuple[Evaluation, ...]:
    """Give the evaluations of a part: those whose examples it takes as it takes the probe."""
    if probe is None:
        return ()
    given = (each.beside(probe) for each in options.evaluations)
    return tuple(
        each
        for each in given
        if not isinstance(backend, HasParts) or backend.takes(part, each.examples)
    )
