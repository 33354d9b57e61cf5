"""What of a model is recorded: which layers, units and data types, and how many bytes."""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Literal

from recorder import arguments
from store.errors import SpecError, did_you_mean
from store.format.spec import RunSpec
from store.tools.estimate import FLOATS, Narrowing, recorded_bytes, steps_within
from store.tools.info import human_bytes

KINDS = ("activation", "weights")
_UNITS = {"": 1, "b": 1}
_UNITS |= {f"{prefix}b": 1000**power for power, prefix in enumerate("kmgt", 1)}
_UNITS |= {f"{prefix}ib": 1024**power for power, prefix in enumerate("kmgt", 1)}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)
# Step 0 and the last step are recorded whatever the budget.
LEAST_STEPS = 2
# Where the length of a training is not known, its end is taken to be at this many times the step at
# which half of the budget was used.
UNKNOWN_GROWTH = 1e6

Globs = str | Sequence[str]
Kind = Literal["activation", "weights"]


@dataclass(frozen=True, slots=True)
class RecordingScope:
    """What of a model is recorded, and how large the run may become.

    The whole graph of layers is kept in any case; a layer that is left out has no arrays.

    Attributes
    ----------
    layers : str or sequence of str
        Names or patterns of the layers that are recorded (``"conv*"``); with a leading "!",
        of those that are not.
    activations, weights : bool or str or sequence of str
        Whether this kind of array is recorded, or of which layers.
    every_unit : int
        Record every k-th unit of the activations. Weights stay whole.
    dtype : str or mapping of {"activation", "weights"} to str
        Data type that floats are stored as, when it is narrower than their own: ``"float16"``.
    byte_budget : int or str or None
        Most bytes of the run while it is recorded, for instance ``"2 GB"``. As it runs out,
        scheduled steps are left out, and counted.
    derive : bool
        Whether activations that follow exactly from others are left out, and given by the reader.

    Raises
    ------
    SpecError
        A value is of another kind than above, or out of its range.

    Examples
    --------
    >>> RecordingScope(layers="conv*", dtype={"activation": "float16"}).narrowing().activation_dtype
    'float16'
    """

    layers: Globs = "*"
    activations: bool | Globs = True
    weights: bool | Globs = True
    every_unit: int = 1
    dtype: str | Mapping[Kind, str] = field(default_factory=dict)
    byte_budget: int | str | None = None
    derive: bool = True

    def __post_init__(self) -> None:
        for each in fields(self):
            object.__setattr__(self, each.name, arguments.plain(getattr(self, each.name)))
        arguments.flag("derive=...", self.derive)
        narrowing = self.narrowing()
        for dtype in (narrowing.activation_dtype, narrowing.weight_dtype):
            arguments.one_of("dtype=...", dtype, (None, *FLOATS))
        if self.byte_budget is not None:
            parse_bytes(self.byte_budget)

    def narrowing(self) -> Narrowing:
        """Give the same in the form that the store takes."""
        types = dict.fromkeys(KINDS, self.dtype) if isinstance(self.dtype, str) else self.dtype
        if not isinstance(types, Mapping):
            arguments.refuse("dtype=...", types, 'a type such as "float16", or a mapping to types')
        for kind in types:
            if kind not in KINDS:
                raise SpecError(f"dtype has no kind {kind!r}. {did_you_mean(str(kind), KINDS)}")
        return Narrowing(
            layers=arguments.globs("layers=...", self.layers),
            activations=_switch("activations=...", self.activations),
            weights=_switch("weights=...", self.weights),
            every_unit=arguments.whole("every_unit=...", self.every_unit, least=1),
            activation_dtype=arguments.plain(types.get("activation")),
            weight_dtype=arguments.plain(types.get("weights")),
            derive=self.derive,
        )


class ByteBudget:
    """Decides which scheduled steps are left out so that a run stays within its bytes.

    The first half of the budget is spent as the schedule wants. The second half is spread over the
    rest of the training, evenly in the logarithm of the step, and one step is kept for the end.

    Parameters
    ----------
    limit : int
        Steps that fit.
    last_step : int or None
        Where the training ends, if that is known.

    Examples
    --------
    >>> budget = ByteBudget(10, last_step=1000)
    >>> taken = []
    >>> for step in range(1, 1000):
    ...     if budget.allows(step, len(taken), epoch_end=False):
    ...         taken.append(step)
    >>> taken
    [1, 2, 3, 4, 5, 15, 42, 121, 347]
    """

    def __init__(self, limit: int, last_step: int | None = None) -> None:
        self.limit = limit
        self.last_step = last_step
        self._turned: int | None = None  # the step at which half was used

    def allows(self, step: int, recorded: int, *, epoch_end: bool) -> bool:
        """Whether a scheduled step may be recorded.

        Parameters
        ----------
        step : int
            Optimizer updates done.
        recorded : int
            Steps recorded so far.
        epoch_end : bool
            Whether an epoch ends here: such a step is kept until only an eighth is left.
        """
        left = self.limit - recorded - 1
        if left <= 0:
            return False
        half = self.limit / 2
        if recorded < half or (epoch_end and left > self.limit / 8):
            return True
        if self._turned is None:
            self._turned = max(1, step - 1)
        growth = UNKNOWN_GROWTH if self.last_step is None else self.last_step / self._turned
        past = math.log(max(1.0, step / self._turned)) / math.log(max(2.0, growth))
        return recorded + 1 <= half + half * min(1.0, past)


def byte_budget(scope: RecordingScope, spec: RunSpec) -> ByteBudget | None:
    """Give the budget of a run, in steps of it; None where there is none.

    Raises
    ------
    SpecError
        Not even the first and the last step fit.
    """
    if scope.byte_budget is None:
        return None
    most = parse_bytes(scope.byte_budget)
    # The indexes of the run's files take a little more than the frames.
    counts = range(steps_within(spec, most) + 1)
    limit = bisect.bisect_right(counts, most, key=lambda n: recorded_bytes(spec, n)) - 1
    if limit < LEAST_STEPS:
        raise SpecError(
            f"The first and the last step take {human_bytes(recorded_bytes(spec, 2))}, the "
            f"byte_budget is {human_bytes(most)}. Allow more, or record fewer layers or units, "
            'fewer probes, or dtype="float16".'
        )
    return ByteBudget(limit)


def steps_left(scope: RecordingScope, spec: RunSpec, used: int) -> int:
    """Count the steps for which a budget has room beside the bytes of those that are recorded."""
    assert scope.byte_budget is not None
    return steps_within(spec, parse_bytes(scope.byte_budget) - used)


def parse_bytes(size: int | str, argument: str = "byte_budget") -> int:
    """Read a number of bytes; `argument` is what an error calls it.

    Examples
    --------
    >>> parse_bytes("2 GB"), parse_bytes("1.5 MiB"), parse_bytes(300)
    (2000000000, 1572864, 300)
    """
    found = arguments.plain(size)
    if isinstance(found, str):
        match = _SIZE.fullmatch(found)
        unit = _UNITS.get(match[2].lower()) if match else None
        if match and unit is not None:
            return int(float(match[1]) * unit)
    elif not isinstance(found, bool) and isinstance(found, int) and found >= 0:
        return found
    raise SpecError(f"{argument} is {size!r}, expected bytes, or for instance '500 MB' or '2 GB'.")


def _switch(argument: str, wanted: bool | Globs) -> bool | tuple[str, ...]:
    expected = f"True, False, {arguments.PATTERNS}"
    return wanted if isinstance(wanted, bool) else arguments.globs(argument, wanted, expected)
