"""Choose the part of a run that fits into a number of bytes.

What does not fit is left out in this order:

1. Steps, evenly in the logarithm of the step, down to `FEWEST_STEPS`: the film gets coarser, and
   everything can still be selected. Steps of moments are left out after all others.
2. Probes, the last ones first, down to one.
3. Layers, the largest first, down to one.
4. Steps again, down to the first and the last.

Nothing more is left out than must be, and of a kind only after all before it. The same run,
contents and size give the same part.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from explorer.plots.pictures import spaced_steps
from explorer.replay.contents import Contents, counted
from store.errors import SpecError

# Enough for a film: about ten steps for each power of ten in the steps of a usual training.
FEWEST_STEPS = 30
# The first and the last.
LEAST_STEPS = 2

Size = Callable[[Contents], int]


class DoesNotFitError(SpecError):
    """Not even the smallest part of a run fits."""

    def __init__(self, contents: Contents, least: int, most: int) -> None:
        layer = f"{contents.layers[0]} for " if contents.layers else ""
        probe = next(iter(contents.probes), 0)
        super().__init__(
            f"At most {most:,} bytes are too few: the least possible, {layer}probe {probe} at "
            f"{counted(len(contents.steps), 'step')}, takes about {least:,} bytes. Allow more, or "
            "choose a smaller layer."
        )


def fitted(
    wanted: Contents,
    updates: list[int],
    size: Size,
    most: int,
    preferred: Collection[int] = (),
) -> Contents:
    """Reduce contents until they fit, in the order above.

    Parameters
    ----------
    wanted : Contents
        The requested contents.
    updates : list of int
        Number of optimizer updates at each recorded step of the run.
    size : callable
        Returns the bytes of contents; must grow with layers, probes and steps.
    most : int
        Bytes that the contents may take.
    preferred : collection of int
        Positions of steps that are left out last.

    Returns
    -------
    Contents
        The largest part that fits.

    Raises
    ------
    DoesNotFitError
        Not even the smallest part fits.
    """
    kept = wanted
    for reduce in (
        _steps(updates, FEWEST_STEPS, preferred),
        _probes,
        _layers(size),
        _steps(updates, LEAST_STEPS, preferred),
    ):
        if size(kept) <= most:
            return kept
        kept = _largest(reduce(kept), size, most)
    least = size(kept)
    if least > most:
        raise DoesNotFitError(kept, least, most)
    return kept


Part = Callable[[int], Contents]


def _largest(parts: tuple[int, int, Part], size: Size, most: int) -> Contents:
    """Find the largest part that fits, by bisection; the smallest part if none fits."""
    low, high, part = parts
    while low < high:
        middle = (low + high + 1) // 2
        if size(part(middle)) <= most:
            low = middle
        else:
            high = middle - 1
    return part(low)


def _steps(
    updates: list[int], fewest: int, preferred: Collection[int]
) -> Callable[[Contents], tuple[int, int, Part]]:
    def spaced(positions: list[int], count: int) -> list[int]:
        return [positions[at] for at in spaced_steps([updates[p] for p in positions], count)]

    def parts(kept: Contents) -> tuple[int, int, Part]:
        inner = [position for position in kept.steps[1:-1] if position in preferred]
        others = [position for position in kept.steps if position not in inner]

        def part(count: int) -> Contents:
            first = spaced(inner, max(0, count - LEAST_STEPS))
            return replace(kept, steps=tuple(sorted(first + spaced(others, count - len(first)))))

        return min(fewest, len(kept.steps)), len(kept.steps), part

    return parts


def _probes(kept: Contents) -> tuple[int, int, Part]:
    count = len(kept.probes)
    return min(1, count), count, lambda number: replace(kept, probes=kept.probes[:number])


def _layers(size: Size) -> Callable[[Contents], tuple[int, int, Part]]:
    def parts(kept: Contents) -> tuple[int, int, Part]:
        alone = {name: size(replace(kept, layers=(name,))) for name in kept.layers}
        # Of layers of equal size the later one is left out first.
        order = sorted(kept.layers, key=lambda name: (alone[name], kept.layers.index(name)))

        def part(count: int) -> Contents:
            smallest = set(order[:count])
            return replace(kept, layers=tuple(n for n in kept.layers if n in smallest))

        return min(1, len(order)), len(order), part

    return parts
