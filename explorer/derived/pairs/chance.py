"""How alike units are that are matched by chance, which a matching's scores are to pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.pairs.unit_matching import correlations, match, over_same_positions

Array = npt.NDArray[Any]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

SHUFFLES = 100
# A pair counts if it is more alike than all but 5 % of the pairs that chance brings about.
SHARE_BELOW = 0.95
# Fewer probes have fewer than a hundred orders: almost every shuffle would repeat another.
FEWEST_PROBES = 5
# Multiplications of all shuffles together: some seconds. More positions than fit are thinned.
MOST_OPERATIONS = 2**36


@dataclass(frozen=True)
class ChanceLevel:
    """Scores of matchings of units that have nothing to do with each other.

    Attributes
    ----------
    mean : float
        Mean size of the scores of all pairs, of all shuffles together; NaN if there was no pair.
    bound : float
        The 95th percentile of these; NaN if there was no pair.
    probes : int
        Probes that were shuffled.
    shuffles : int
        How often.
    """

    mean: float
    bound: float
    probes: int
    shuffles: int = SHUFFLES


def chance_level(
    first: Array,
    second: Array,
    *,
    signless: bool = False,
    shuffles: int = SHUFFLES,
    most_operations: int = MOST_OPERATIONS,
    seed: int = 0,
) -> ChanceLevel:
    """Match the units of two layers whose probes have been shuffled, again and again.

    The best of all pairings finds likeness in anything: the fewer the probes and the more the
    units, the more. A permutation test (Fisher 1935, *The design of experiments*) tells how much.
    Each shuffle gives all units of the second layer the probes of one other order, so that
    neither what its units have in common nor the shape of a map is lost: only which probe is
    which. Then the units are matched as they are in earnest.

    Parameters
    ----------
    first, second : ndarray (probe, ..., unit)
        Activations of a layer of each run, for the same probes.
    signless : bool
        As of `unit_matching.match_activations`.
    shuffles : int
        How often probes are shuffled.
    most_operations : int
        Multiplications that all shuffles may take together. Of layers that need more some
        positions are left out, evenly, which can only raise the level.
    seed : int
        Of the shuffles: the same every time.

    Returns
    -------
    ChanceLevel
        Of the scores' sizes, pooled over all shuffles and pairs.

    Raises
    ------
    ValueError
        If the numbers of probes differ, or there are fewer than `FEWEST_PROBES`.
    """
    first, second = over_same_positions(first, second)
    if len(first) < FEWEST_PROBES:
        raise ValueError(
            f"{len(first)} probes were passed; at least {FEWEST_PROBES} were expected: fewer have "
            "no hundred orders. Record more probes."
        )
    most = most_operations // max(1, shuffles * len(first) * first.shape[-1] * second.shape[-1])
    ours, theirs = _thinned(first, most), _thinned(second, most)
    rng = np.random.default_rng(seed)
    orders = (rng.permutation(len(first)) for _ in range(shuffles))
    sizes = [
        np.abs(match(likeness, signless=signless).scores)
        for likeness in _shuffled_correlations(ours, theirs, orders)
    ]
    pooled = np.concatenate([np.zeros(0), *sizes])
    if not len(pooled):
        return ChanceLevel(float("nan"), float("nan"), len(first), shuffles)
    bound = float(np.quantile(pooled, SHARE_BELOW))
    return ChanceLevel(float(pooled.mean()), bound, len(first), shuffles)


def _shuffled_correlations(first: Array, second: Array, orders: Iterator[Array]) -> Iterator[Array]:
    """Correlate units with those of the second layer, whose probes are put in each order."""
    if any(np.isnan(part).all(axis=-1).any() for part in (first, second)):
        # Masked tokens meet others in every order, so that each has its own known places.
        yield from (correlations(first, second[order]) for order in orders)
        return
    ours, theirs = _standardized(first), _standardized(second)
    flat = ours.reshape(-1, ours.shape[-1])
    for order in orders:
        yield flat.T @ theirs[order].reshape(-1, theirs.shape[-1])


def _standardized(frame: Array) -> Float32:
    """Give units mean 0 and length 1 over all probes and places; 0 for those that tell nothing."""
    axes = tuple(range(frame.ndim - 1))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        centred = frame - frame.mean(axis=axes, dtype=np.float64)
        widest = np.abs(centred).max(axis=axes, initial=0)
        # In two steps, so that neither tiny nor huge values leave the range of their squares.
        scaled = centred / np.where(widest > 0, widest, np.nan)
        found = scaled / np.sqrt(np.square(scaled).sum(axis=axes))
    return np.asarray(np.nan_to_num(found, nan=0, posinf=0, neginf=0), np.float32)


def _thinned(frame: Array, most: int) -> Array:
    """Keep at most so many positions, evenly spread, and at least one: (probe, place, unit)."""
    flat = frame.reshape(len(frame), -1, frame.shape[-1])
    count = flat.shape[1]
    if count <= most:
        return flat
    return flat[:, np.linspace(0, count - 1, max(1, most)).round().astype(np.int64)]
