"""Larger sets of examples, of which only the network's predictions are recorded."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import numpy as np

from recorder import arguments
from recorder.arguments import Words
from recorder.probe import Probe
from recorder.scope import parse_bytes
from store.errors import SpecError
from store.format.names import UNIT_DIM, Array, distinct_dims
from store.format.spec import (
    EXAMPLE_DIM,
    EvaluationRole,
    EvaluationSpec,
    PredictionSpec,
    evaluation_input,
)
from store.tools.info import human_bytes

BATCH_SIZE = 256
# Inputs beyond are left out unless they are asked for: a run is a file to be shared. 5,000 gray
# images of 28 × 28 take as much.
MOST_INPUT_BYTES = 16_000_000

# How errors call an evaluation of each role.
TITLES: Mapping[EvaluationRole, str] = {
    "held_out": "held-out evaluation",
    "train": "training evaluation",
}

log = logging.getLogger("trainlapse.recorder")


class _HeldOut(Probe):
    words = Words(TITLES["held_out"], "Evaluation", {"inputs": "x"})


class _Trained(Probe):
    words = Words(TITLES["train"], "Evaluation", {"inputs": "x"})


# The examples of an evaluation are what a probe is, and errors call them what they are.
_EXAMPLES: Mapping[EvaluationRole, type[Probe]] = {"held_out": _HeldOut, "train": _Trained}


class Evaluation:
    """Examples whose predictions are recorded at every recorded step, but no activations.

    It serves what needs many examples: the confusion of classes, the order in which examples are
    learned, and of training examples those whose labels are suspicious. The inputs are stored
    once, so that such an example can be looked at. Predictions are computed batch by batch, so
    that memory stays bounded.

    Parameters
    ----------
    x : array_like, or lists, tuples and dicts of them
        What the network is given (example, ...), as for `Probe`.
    labels : array_like, optional
        Class numbers, one-hot rows, class names, tags, or target values, as for `Probe`.
    class_names : sequence of str, optional
        Names by class number, or by tag.
    batch_size : int
        Examples that go through the network at once; by default 256.
    role : {"held_out", "train"}
        Whether the training never sees these examples, by default, or learns from them.
    inputs : bool or int or str
        Whether `x` is stored, or up to how many bytes, for instance ``"50 MB"``; by default
        up to 16 MB. A warning says so where they take more and are left out.
    task : {"classes", "tags", "values", "sequence", "mask", "image", "none"}, optional
        What the labels ask of the network, as for `Probe`. By default as of the probe, or as the
        loss says.

    Raises
    ------
    SpecError
        Inputs, labels and names do not fit together, and the message lists every problem; or
        `inputs` is no number of bytes.
    ArgumentError
        `batch_size` is not a whole number of at least 1, or there is no such `role`.

    Examples
    --------
    >>> evaluation = Evaluation(np.zeros((1000, 5)), np.arange(1000) % 3)
    >>> len(evaluation), evaluation.batch_size
    (1000, 256)
    >>> Evaluation(np.zeros((200, 5)), role="train")
    Evaluation(200 examples, role='train', batch_size=200)
    """

    def __init__(
        self,
        x: Any,
        labels: Any = None,
        *,
        class_names: Sequence[str] | None = None,
        batch_size: int = BATCH_SIZE,
        role: EvaluationRole = "held_out",
        inputs: bool | int | str = True,
        task: str | None = None,
    ) -> None:
        batch_size = arguments.whole("Evaluation(batch_size=...)", batch_size, least=1)
        self.role = arguments.one_of("Evaluation(role=...)", role, get_args(EvaluationRole))
        self.examples = _EXAMPLES[self.role](x, labels, class_names, task=task)
        if not self.examples.is_along_probes:
            raise SpecError(
                f"The first axes of {self.examples!r} differ in length: such inputs cannot be "
                "parted into examples. Record them as the probe."
            )
        self.batch_size = min(batch_size, len(self.examples))
        self.keeps_inputs = self._may_keep(arguments.plain(inputs))

    def __len__(self) -> int:
        return len(self.examples)

    def __repr__(self) -> str:
        return f"Evaluation({len(self)} examples, role={self.role!r}, batch_size={self.batch_size})"

    def rows(self, start: int) -> Array:
        """Give the numbers of the examples of one batch.

        The last batch is filled up with copies of the last example, so that all have one size.

        Parameters
        ----------
        start : int
            Number of its first example.
        """
        return np.minimum(np.arange(start, start + self.batch_size), len(self) - 1)

    def batch(self, start: int) -> list[Array]:
        """Give the inputs of one batch.

        Parameters
        ----------
        start : int
            As of `rows`.

        Returns
        -------
        list of ndarray (example, ...)
            One for each input of the model that is an array of numbers.
        """
        chosen = self.rows(start)
        return [values[chosen] for values in self.examples.inputs.values()]

    def predictions(
        self, predict: Callable[[list[Array]], Sequence[Any]], described: EvaluationSpec
    ) -> dict[str, Array]:
        """Send every example through a network, batch by batch.

        Parameters
        ----------
        predict : callable
            Takes the inputs of one batch, of `batch_size` examples; gives the network's outputs
            (example, ...).
        described : EvaluationSpec
            What `to_spec` gave.

        Returns
        -------
        dict of str to ndarray
            One (example, ...) for each output, by its array path.
        """
        return self.predictions_of_rows(lambda start: predict(self.batch(start)), described)

    def predictions_of_rows(
        self, predict: Callable[[int], Sequence[Any]], described: EvaluationSpec
    ) -> dict[str, Array]:
        """Do what `predictions` does, for what takes the inputs of a batch by itself.

        Parameters
        ----------
        predict : callable
            Takes the number of the first example of a batch; gives the network's outputs for the
            examples that `rows` names.
        described : EvaluationSpec
            What `to_spec` gave.
        """
        found = {
            array.path: np.empty(array.frame_shape, array.dtype)
            for array in described.array_specs()
        }
        for start in range(0, len(self), self.batch_size):
            for into, output in zip(found.values(), predict(start), strict=True):
                part = into[start : start + self.batch_size]
                part[...] = np.asarray(output)[: len(part)]
        return found

    def to_spec(
        self, outputs: Sequence[str], tensors: Sequence[tuple[Sequence[int], str]]
    ) -> EvaluationSpec:
        """Describe for the store what will be recorded.

        Parameters
        ----------
        outputs : sequence of str
            Names of the layers that give the model's outputs.
        tensors : sequence of (shape, data type)
            What one example gives, by output; the shape is without the example's dimension.
        """
        examples = self.examples.to_spec()
        names = ["prediction"] if len(outputs) == 1 else [f"prediction.{out}" for out in outputs]
        taken: dict[str, int] = {}
        predictions = []
        for name, output, (shape, dtype) in zip(names, outputs, tensors, strict=True):
            whole = (len(self), *shape)
            inner = tuple(f"dim_{axis}" for axis in range(1, len(whole) - 1))
            dims = (EXAMPLE_DIM, *inner, UNIT_DIM)[: len(whole)]
            dims = distinct_dims(dims, whole, taken, name)
            predictions.append(PredictionSpec(name, output, dims, whole, dtype))
        inputs = examples.inputs if self.keeps_inputs else {}
        return EvaluationSpec(
            predictions=tuple(predictions),
            size=len(self),
            labels=examples.labels,
            class_names=examples.class_names,
            fingerprint=examples.fingerprint(),
            role=self.role,
            kind=examples.kind,
            task=examples.task,
            inputs=inputs,
            input_dims={
                name: distinct_dims(
                    (EXAMPLE_DIM, *examples.dims[name][1:]),
                    values.shape,
                    taken,
                    evaluation_input(name),
                )
                for name, values in inputs.items()
            },
        )

    def beside(self, probe: Probe) -> Evaluation:
        """Give the evaluation with inputs of the probe's kind, if they are like the probe's.

        Numbers alone do not say whether they are tokens; a probe with its vocabulary does.

        Parameters
        ----------
        probe : Probe
            That of the same recording.
        """
        own = {name: values.shape[1:] for name, values in self.examples.inputs.items()}
        if own != {name: values.shape[1:] for name, values in probe.inputs.items()}:
            return self
        beside = copy.copy(self)
        beside.examples = copy.copy(self.examples)
        beside.examples.kind = probe.kind
        return beside

    def _may_keep(self, wanted: bool | int | str) -> bool:
        if wanted is False:
            return False
        most = MOST_INPUT_BYTES if wanted is True else parse_bytes(wanted, "Evaluation(inputs=...)")
        size = sum(values.nbytes for values in self.examples.inputs.values())
        if size > most:
            log.warning(
                "The inputs of %r take %s, more than %s: they are not stored, and no card can show "
                "them. Store them with inputs='%d MB', or evaluate fewer examples.",
                self,
                human_bytes(size),
                human_bytes(most),
                -(-size // 10**6),
            )
        return size <= most


def one_of_each_role(
    evaluation: Evaluation | Sequence[Evaluation] | None, argument: str = "evaluation"
) -> tuple[Evaluation, ...]:
    """Check and list what a user passed as evaluations; `argument` is what an error calls it.

    Raises
    ------
    ArgumentError
        It is something else.
    SpecError
        Two have one role.
    """
    if evaluation is None:
        return ()
    given = (evaluation,) if isinstance(evaluation, Evaluation) else evaluation
    if not isinstance(given, Sequence) or not all(isinstance(one, Evaluation) for one in given):
        arguments.refuse(
            argument, evaluation, "an Evaluation, or a list of a held-out and a training one"
        )
    if len({one.role for one in given}) < len(given):
        raise SpecError(
            "A run has one held-out and one training evaluation at most, got the roles "
            f'{[one.role for one in given]}. Training examples are marked by role="train".'
        )
    return tuple(given)
