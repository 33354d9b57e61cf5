"""How much two runs differ: in activations, in weights, in predictions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import rel_entr

from explorer.derived.units.gram import centred_gram, flat_rows
from explorer.derived.units.similarity import FEWEST_UNBIASED, ROUNDING

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

# Pairs of layers whose probes are shuffled for the CKA that comes of chance.
SHUFFLES = 300
# Values beyond it, or below one part in it, leave the range of float64 when they are squared twice.
FAR = 1e60


@dataclass(frozen=True)
class ProbeGram:
    """Gram matrix of a layer's activations over the probes: all that linear CKA needs.

    Attributes
    ----------
    products : ndarray (known probe, known probe), float64
        Inner products of the centred activations.
    known : ndarray of bool (probe,)
        Probes of which every value is finite.
    """

    products: Float64
    known: Bool


def probe_gram(frame: Array) -> ProbeGram:
    """Inner products of a layer's activations for all pairs of probes.

    Parameters
    ----------
    frame : ndarray (probe, ...)
        Activation of the layer at one step; all but the first axis is flattened.
    """
    rows = flat_rows(frame)
    known = np.asarray(np.isfinite(rows).all(axis=1))
    rows = rows[known]
    if len(rows):
        # The mean of equal values may miss them by its rounding: what is constant goes.
        tells = rows.max(axis=0) > rows.min(axis=0)
        rows = rows if tells.all() else rows[:, tells]
    peak = float(np.abs(rows).max(initial=0))
    if peak > 0 and not 1 / FAR < peak < FAR:
        rows = rows.astype(np.float64) / peak
    return ProbeGram(centred_gram(rows), known)


def cka(first: ProbeGram, second: ProbeGram, *, unbiased: bool = False) -> float:
    """Linear CKA of two layers, by way of their Gram matrices.

    The same as `similarity.linear_cka` of the activations, where it is defined and cited.

    Parameters
    ----------
    first, second : ProbeGram
        For the same probes; those that are known in both count.
    unbiased : bool
        Whether HSIC is estimated without bias. With more features than probes only that tells
        layers apart.

    Returns
    -------
    float
        0 to 1; without bias it may be a little below or above. NaN for a layer that does not tell
        the probes apart, and for too few probes.

    Raises
    ------
    ValueError
        If the numbers of probes differ.
    """
    if len(first.known) != len(second.known):
        raise ValueError(
            f"Activations for {len(first.known)} and for {len(second.known)} probes were passed; "
            "both must be for the same probes, in the same order. Take the probes that both runs "
            "have."
        )
    known = first.known & second.known
    if known.sum() < (FEWEST_UNBIASED if unbiased else 2):
        return float("nan")
    x, y = (_centred(one.products, known[one.known]) for one in (first, second))
    xy, xx, yy = float(np.vdot(x, y)), float(np.vdot(x, x)), float(np.vdot(y, y))
    least = ROUNDING * xx, ROUNDING * yy
    if unbiased:
        xy, xx, yy = _unbiased(x, y), _unbiased(x, x), _unbiased(y, y)
    if xx <= least[0] or yy <= least[1]:
        return float("nan")
    return float(xy / np.sqrt(xx) / np.sqrt(yy))


def _of_probes(gram: ProbeGram, kept: Bool) -> ProbeGram:
    """Leave out probes that are known."""
    products = _centred(gram.products, kept[gram.known])
    return ProbeGram(products, np.ones(len(products), bool))


def _centred(products: Float64, kept: Bool) -> Float64:
    if kept.all():
        return products
    part = products[np.ix_(kept, kept)]
    means = part.mean(axis=0)
    return np.asarray(part - means - means[:, None] + means.mean())


def _unbiased(x: Float64, y: Float64) -> float:
    """Unbiased HSIC of two Gram matrices times n (n - 3)."""
    n = len(x)
    x, y = (products - np.diag(np.diag(products)) for products in (x, y))
    both = x.sum() * y.sum() / ((n - 1) * (n - 2))
    return float(np.vdot(x, y) + both - 2 / (n - 2) * (x.sum(axis=0) @ y.sum(axis=0)))


def cka_matrix(
    first: Sequence[ProbeGram], second: Sequence[ProbeGram], *, unbiased: bool = False
) -> Float64:
    """Linear CKA of all layers of one run with all layers of another, at one step each.

    Parameters
    ----------
    first, second : sequence of ProbeGram
        The layers of each run, for the same probes.
    unbiased : bool
        As for `cka`.

    Returns
    -------
    ndarray (layer of the first, layer of the second), float64
    """
    values = [[cka(one, other, unbiased=unbiased) for other in second] for one in first]
    return np.array(values, np.float64).reshape(len(first), len(second))


def cka_by_chance(
    first: Sequence[ProbeGram],
    second: Sequence[ProbeGram],
    *,
    unbiased: bool = False,
    shuffles: int = SHUFFLES,
    seed: int = 0,
) -> Float64:
    """Linear CKA of layers that have nothing in common: one of the second sees shuffled probes.

    Parameters
    ----------
    first, second : sequence of ProbeGram
        Layers of each run, for the same probes.
    unbiased : bool
        As for `cka`.
    shuffles : int
        How often two of the layers are drawn, and the probes of one of them shuffled.
    seed : int
        Of the random numbers.

    Returns
    -------
    ndarray (shuffle,), float64
        NaN for layers that have no CKA; nothing where one of the runs has no layer.
    """
    random = np.random.default_rng(seed)
    found = []
    for _ in range(shuffles if first and second else 0):
        one, other = (side[int(random.integers(len(side)))] for side in (first, second))
        both = one.known & other.known
        x, y = (_of_probes(gram, both) for gram in (one, other))
        order = random.permutation(int(both.sum()))
        shuffled = ProbeGram(y.products[np.ix_(order, order)], y.known)
        found.append(cka(x, shuffled, unbiased=unbiased))
    return np.array(found, np.float64)


def cka_over_positions(
    first: Sequence[ProbeGram],
    second: Sequence[ProbeGram],
    first_index: Int64,
    second_index: Int64,
    *,
    unbiased: bool = False,
) -> Float64:
    """Linear CKA of a layer of one run with a layer of another, along a common time axis.

    Parameters
    ----------
    first, second : sequence of ProbeGram
        The layer at every recorded step of its run.
    first_index, second_index : ndarray (position,), int64
        What each run shows at each position: `Alignment.first` and `Alignment.second`.
    unbiased : bool
        As for `cka`.

    Returns
    -------
    ndarray (position,), float64
    """
    found: dict[tuple[int, int], float] = {}
    pairs = list(zip(first_index.tolist(), second_index.tolist(), strict=True))
    for i, j in pairs:
        if (i, j) not in found:
            found[i, j] = cka(first[i], second[j], unbiased=unbiased)
    return np.array([found[pair] for pair in pairs], np.float64)


def weight_distance(first: Iterable[Array], second: Iterable[Array]) -> float:
    r"""Distance of the weights of two runs, relative to their size.

    .. math:: \frac{\lVert a - b \rVert}{(\lVert a \rVert + \lVert b \rVert) / 2}

    0: equal; :math:`\sqrt 2`: of one size, at right angles, as random ones nearly are; 2:
    opposite. For units in the same order in both see `unit_matching.reordered`.

    Parameters
    ----------
    first, second : iterable of ndarray
        Variables of a layer, in the same order and of the same shapes.

    Returns
    -------
    float
        Of all values together. Values that are not finite in both are left out; infinite if some
        are finite in one run alone. 0 for weights that are all 0 in both; NaN if there are none.

    Raises
    ------
    ValueError
        If there are not as many variables in both, or if shapes differ.
    """
    ours, theirs = list(first), list(second)
    shapes = [[np.shape(variable) for variable in side] for side in (ours, theirs)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"Variables of shapes {shapes[0]} and {shapes[1]} were passed; the same shapes in both "
            "were expected. Match the units first and take the pairs (`unit_matching.reordered`), "
            "or compare the layers by CKA."
        )
    sums = np.zeros(3)
    values = 0
    for a, b in zip(ours, theirs, strict=True):
        known = np.isfinite(a)
        if not np.array_equal(known, np.isfinite(b)):
            return float("inf")
        x, y = np.asarray(a[known], np.float64), np.asarray(b[known], np.float64)
        values += x.size
        with np.errstate(over="ignore"):
            norms = [np.linalg.norm(part) for part in (x - y, x, y)]
        sums = np.hypot(sums, norms)
    apart, one, other = sums
    if not values:
        return float("nan")
    return float(apart / ((one + other) / 2)) if apart > 0 else 0.0


@dataclass(frozen=True)
class PredictionDistance:
    """How much the predictions of two classifiers differ, at every position of a common axis.

    Attributes
    ----------
    total_variation : ndarray (position,), float64
        Half the sum of the differences of the probabilities: the most by which both differ about
        any event. 0 to 1, mean over probes.
    jensen_shannon : ndarray (position,), float64
        Jensen-Shannon divergence in bits, 0 to 1, mean over probes.
    agreement : ndarray (position,), float64
        Share of the probes for which both take the same class for the most probable.
    by_chance : ndarray (position,), float64
        The agreement of two networks that name each class as often as these two do, each without
        regard to the other: the base level of Cohen (1960), *A coefficient of agreement for
        nominal scales*. Untrained networks that name one class for everything agree on everything
        or on nothing, and so they do by chance.
    """

    total_variation: Float64
    jensen_shannon: Float64
    agreement: Float64
    by_chance: Float64


def prediction_distance(first: Array, second: Array) -> PredictionDistance:
    """Compare the predictions of two classifiers for the same probes.

    The divergence is that of Lin (1991), *Divergence measures based on the Shannon entropy*.

    Parameters
    ----------
    first, second : ndarray (position, probe, class)
        Class probabilities, as of `predictions.OutputReading.probabilities`. Probes with a value
        that is not finite in either do not count.

    Returns
    -------
    PredictionDistance
        NaN where no probe counts.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if first.shape != second.shape or first.ndim != 3:
        raise ValueError(
            f"Probabilities of shape {first.shape} and {second.shape} were passed; the same "
            "(position, probe, class) was expected of both. Take the positions of a common axis, "
            "the probes that both runs have, and runs with the same classes."
        )
    known = np.asarray(np.isfinite(first).all(axis=-1) & np.isfinite(second).all(axis=-1))
    p, q = (np.where(known[..., None], part, 0).astype(np.float64) for part in (first, second))
    middle = (p + q) / 2
    variation = np.abs(p - q).sum(axis=-1) / 2
    bits = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=-1) / 2 / np.log(2)
    named = p.argmax(axis=-1), q.argmax(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        counts = known.sum(axis=1)
        variation, bits, agreement = (
            np.where(known, part, 0).sum(axis=1) / counts
            for part in (variation, bits, named[0] == named[1])
        )
        shares = [
            (known[..., None] & (classes[..., None] == np.arange(p.shape[-1]))).sum(axis=1)
            / counts[:, None]
            for classes in named
        ]
    by_chance = (shares[0] * shares[1]).sum(axis=-1)
    return PredictionDistance(variation, bits, agreement, by_chance)


def paired_difference(first: Array, second: Array) -> tuple[float, float]:
    """Difference of two means over the same examples, and how far it scatters by chance.

    Parameters
    ----------
    first, second : ndarray (example,)
        A value of each example in either run: its loss, or whether it is right. Examples with a
        value that is not finite in either do not count.

    Returns
    -------
    difference : float
        Mean of the second less that of the first; NaN without examples.
    error : float
        Its standard error, from the differences example by example: what both runs find hard
        scatters in both. NaN for fewer than two examples.
    """
    apart = np.asarray(second, np.float64) - np.asarray(first, np.float64)
    apart = apart[np.isfinite(apart)]
    if not len(apart):
        return float("nan"), float("nan")
    error = float(apart.std(ddof=1) / np.sqrt(len(apart))) if len(apart) > 1 else float("nan")
    return float(apart.mean()), error


# Pairings of examples with others, for what outputs that have nothing to do with each other reach.
SHUFFLES = 100


class OutputDistance(NamedTuple):
    """How far outputs of two networks for the same examples are apart.

    Attributes
    ----------
    distance : float, or ndarray (position,)
        Root mean squared distance of both outputs for an example, over that of outputs for
        different examples: 0 where both give the same, 1 where what B gives for an example is no
        nearer to what A gives for it than to what A gives for another one.
    by_chance : float, or ndarray (position,)
        What 5 % of pairings of examples with others fall below.
    agreement, agreement_by_chance : float, or ndarray (position,)
        Share of the rows in which both give the largest share to the same answer, and what it
        would be if each named its answers as often, but without regard to the other (Cohen 1960).
    """

    distance: Any
    by_chance: Any
    agreement: Any
    agreement_by_chance: Any


def output_distance(
    first: Array, second: Array, counted: Array | None = None, *, seed: int = 0
) -> OutputDistance:
    """Compare outputs of any kind of two networks at one moment.

    Parameters
    ----------
    first, second : ndarray (example, ..., unit)
        Outputs for the same examples. Examples with a value that is not finite do not count.
    counted : ndarray of bool (example, token), optional
        Which of the rows count, those of a text without its padding.
    seed : int
        Of the pairings.

    Returns
    -------
    OutputDistance
        NaN where fewer than two examples count, or all outputs are one.
    """
    rows = [np.asarray(one, np.float64) for one in (first, second)]
    if counted is not None:
        on = counted.reshape(*counted.shape, *(1,) * (rows[0].ndim - counted.ndim))
        rows = [np.where(on, one, 0) for one in rows]
    flat = [one.reshape(len(one), math.prod(one.shape[1:])) for one in rows]
    known = np.isfinite(flat[0]).all(axis=1) & np.isfinite(flat[1]).all(axis=1)
    a, b = (one[known] for one in flat)
    agreed = _agreement(rows[0][known], rows[1][known], None if counted is None else counted[known])
    count = len(a)
    if count < 2:
        return OutputDistance(float("nan"), float("nan"), *agreed)
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    squares = np.maximum(squares, 0)
    own = squares.trace() / count
    others = (squares.sum() - squares.trace()) / (count * (count - 1))
    generator = np.random.default_rng(seed)
    mixed = [
        squares[np.arange(count), generator.permutation(count)].mean() for _ in range(SHUFFLES)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        return OutputDistance(
            float(np.sqrt(own / others)), float(np.sqrt(np.quantile(mixed, 0.05) / others)), *agreed
        )


def _agreement(first: Array, second: Array, counted: Array | None) -> tuple[float, float]:
    """Give the share of rows whose largest entry is at the same place, and that by chance."""
    named = [one.argmax(axis=-1) for one in (first, second)]
    chosen = [one.ravel() if counted is None else one[counted].ravel() for one in named]
    if not chosen[0].size:
        return float("nan"), float("nan")
    shares = [np.bincount(one, minlength=first.shape[-1]) / one.size for one in chosen]
    return float((chosen[0] == chosen[1]).mean()), float(shares[0] @ shares[1])
