"""How far back a recurrent layer remembers, and how far back its gradient reaches.

Both are gains of products of the exact Jacobians between two tokens. The gain is the root mean
square growth of a small change of random direction, ``norm(J, "fro") / sqrt(columns)``: 1 if all is
kept. Pascanu, Mikolov & Bengio (2013), arXiv:1211.5063, tell vanishing from exploding gradients by
these products.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.derived.recurrent.equations import Direction, States, layer_states, parts
from explorer.derived.recurrent.jacobians import Jacobians, jacobians

Array = npt.NDArray[Any]
Changed = Literal["state", "token"]

# Directions in which a change is followed: all there are, or an estimate from so many. Half of the
# 128 of a trained GRU missed the gain by a tenth at most, at distances that few pairs have.
DIRECTIONS = 128


@dataclass(frozen=True, slots=True)
class Memory:
    """How much of a small change is left after some tokens.

    Attributes
    ----------
    carried : ndarray (distance,), float64
        Mean gain over all pairs of tokens so far apart, of all probes. 0 is the changed token
        itself. Texts that are shorter than a distance have no part in it. NaN without such a pair.
    pairs : ndarray (distance,), int64
        How many pairs that were.
    """

    carried: Array
    pairs: Array


def memory(
    class_name: str,
    config: Mapping[str, Any],
    weights: Mapping[str, Array],
    inputs: Array,
    mask: Array | None = None,
    *,
    changed: Changed = "state",
    directions: int = DIRECTIONS,
    text: Array | None = None,
) -> dict[str, Memory]:
    """Measure how fast a recurrent layer forgets, at one step.

    Parameters
    ----------
    class_name, config, weights, inputs, mask
        As for `explorer.derived.recurrent.equations.layer_states`. Tokens that the mask leaves out
        are no distance.
    changed : {"state", "token"}
        What is changed: the state after a token (then the gain at distance 0 is 1), or what the
        layer took at that token. What is looked at later is the state: of an LSTM the hidden and
        the cell state.
    directions : int
        Most directions to follow; see `DIRECTIONS`.
    text : ndarray of bool (probe, token), optional
        Tokens whose pairs count, those that are no padding: a layer without a mask reads padding
        too, and most pairs may be of that. By default all that are read.

    Returns
    -------
    dict of str to Memory
        ``forward``, ``backward`` or both, as from `layer_states`. Without a text of any length
        the arrays are empty.
    """
    found = {}
    for name, probes in _linearized(class_name, config, weights, inputs, mask):
        total, pairs = np.zeros(inputs.shape[1]), np.zeros(inputs.shape[1], np.int64)
        for probe, (tokens, steps) in enumerate(probes):
            counts = np.ones(len(tokens), bool) if text is None else text[probe, tokens]
            with np.errstate(over="ignore", invalid="ignore"):
                _add_gains(total, pairs, steps, counts, changed, directions)
        reached = int(np.flatnonzero(pairs)[-1]) + 1 if pairs.any() else 0
        with np.errstate(invalid="ignore"):
            carried = total[:reached] / pairs[:reached]
        found[name] = Memory(carried, pairs[:reached])
    return found


def gradient_flow(
    class_name: str,
    config: Mapping[str, Any],
    weights: Mapping[str, Array],
    inputs: Array,
    mask: Array | None = None,
    *,
    changed: Changed = "state",
    directions: int = DIRECTIONS,
) -> dict[str, Array]:
    """Measure how much of the final state's gradient arrives at each token, at one step.

    Parameters
    ----------
    class_name, config, weights, inputs, mask, changed, directions
        As for `memory`.

    Returns
    -------
    dict of str to ndarray (probe, token), float64
        Gain from the state after each token (or from what the layer took there) to the final
        state: small where the gradient vanishes, large where it explodes. 1 at the token read
        last, if states are changed. NaN where a token is masked.
    """
    found = {}
    for name, probes in _linearized(class_name, config, weights, inputs, mask):
        flow = np.full(inputs.shape[:2], np.nan)
        for probe, (tokens, steps) in enumerate(probes):
            # From the left, along the rows: one product a token.
            rows = _directions(steps.by_state.shape[1], directions).T
            scale = np.sqrt(len(rows) * _columns(steps, changed) / steps.by_state.shape[1])
            with np.errstate(over="ignore", invalid="ignore"):
                for at in reversed(range(len(tokens))):
                    seen = rows if changed == "state" else rows @ steps.by_input[at]
                    flow[probe, tokens[at]] = np.linalg.norm(seen) / scale
                    rows = rows @ steps.by_state[at]
        found[name] = flow
    return found


def half_life(carried: Array, share: float = 0.5) -> Array:
    """Find the first distance at which less than a share of the gain at distance 0 is left.

    Parameters
    ----------
    carried : ndarray (..., distance)
        As in `Memory`.
    share : float
        ``1 / e`` gives the time constant instead.

    Returns
    -------
    ndarray (...), float64
        Infinite where the gain never falls so low; NaN where it is not a positive number at
        distance 0, or stops being a number before it falls.
    """
    if not carried.shape[-1]:
        return np.full(carried.shape[:-1], np.nan)
    start = carried[..., :1]
    known = np.isfinite(start) & (start > 0)
    ends = np.where(known, ~(carried >= share * start), True)
    first = ends.argmax(axis=-1)
    value = np.take_along_axis(carried, first[..., None], axis=-1)[..., 0]
    distance = np.where(np.isnan(value) | ~known[..., 0], np.nan, first)
    return np.where(ends.any(axis=-1), distance, np.inf)


def _linearized(
    class_name: str,
    config: Mapping[str, Any],
    weights: Mapping[str, Array],
    inputs: Array,
    mask: Array | None,
) -> Iterator[tuple[str, Iterator[tuple[Array, Jacobians]]]]:
    with np.errstate(over="ignore", invalid="ignore"):
        states = layer_states(class_name, config, weights, inputs, mask)
    for name, part in parts(class_name, config, weights).items():
        yield name, _probes(part, states[name], inputs, mask)


def _probes(
    part: Direction, states: States, inputs: Array, mask: Array | None
) -> Iterator[tuple[Array, Jacobians]]:
    """Of each probe the tokens that were read, in the order of reading, and their Jacobians."""
    kept = [states.hidden] if states.cell is None else [states.hidden, states.cell]
    for probe, taken in enumerate(inputs):
        tokens = np.arange(len(taken)) if mask is None else np.flatnonzero(mask[probe])
        if part.backwards:
            tokens = tokens[::-1]
        before = tuple(_delayed(state[probe, tokens]) for state in kept)
        with np.errstate(over="ignore", invalid="ignore"):
            found = jacobians(part.cell, part.weights, taken[tokens], before)
        yield tokens, found


def _delayed(states: Array) -> Array:
    return np.concatenate([np.zeros_like(states[:1]), states[:-1]])


def _add_gains(
    total: Array,
    pairs: Array,
    steps: Jacobians,
    counts: Array,
    changed: Changed,
    directions: int,
) -> None:
    """Add the gains of one text to the sums over all of them, between tokens that count."""
    tokens, entries = steps.by_state.shape[:2]
    start = _directions(_columns(steps, changed), directions)
    count = start.shape[1]
    # Changes side by side, so that a token takes all of them on in one product.
    changes = np.empty((entries, tokens * count))
    for token in range(tokens):
        earlier, own = slice(0, token * count), slice(token * count, (token + 1) * count)
        changes[:, earlier] = steps.by_state[token] @ changes[:, earlier]
        changes[:, own] = start if changed == "state" else steps.by_input[token] @ start
        if not counts[token]:
            continue
        so_far = changes[:, : own.stop].reshape(entries, token + 1, count)
        gains = np.sqrt(np.einsum("etc,etc->t", so_far, so_far) / count)
        earlier_counts = counts[token::-1]
        total[: token + 1] += np.where(earlier_counts, gains[::-1], 0)
        pairs[: token + 1] += earlier_counts


def _columns(steps: Jacobians, changed: Changed) -> int:
    return int((steps.by_state if changed == "state" else steps.by_input).shape[-1])


def _directions(entries: int, most: int) -> Array:
    """Give orthonormal columns: all there are, or random ones that are the same at every step."""
    if entries <= most:
        return np.eye(entries)
    return np.linalg.qr(np.random.default_rng(0).normal(size=(entries, most)))[0]
