"""Generate text with a network, and list what it predicts next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Ids = npt.NDArray[np.int64]
State = TypeVar("State")
# Takes a token and the state before it; gives the probabilities of the next token, and the state.
Step = Callable[[int, State], tuple[Array, State]]


def sample(
    step: Step[State],
    state: State,
    start: Sequence[int] | Array,
    count: int,
    *,
    temperature: float = 1.0,
    seed: int = 0,
) -> Ids:
    """Continue a text, one token after the other.

    Parameters
    ----------
    step : callable
        ``step(token, state)`` gives the probabilities of the next token, (vocabulary,), and the
        state after this one. Of a network that only takes whole texts, `rereading` makes one.
    state : object
        The state before the first token.
    start : sequence of int
        The text to continue, at least one token.
    count : int
        Tokens to write.
    temperature : float
        Below 1 bolder, at 0 always the most probable, above 1 more surprising.
    seed : int
        The same seed draws the same random numbers at every step of a training: texts then
        differ by what was learned.

    Returns
    -------
    ndarray (count,), int64
        What was written, without the start. Shorter where the network stopped giving
        probabilities that are finite.

    Raises
    ------
    ValueError
        The text to continue is empty.
    """
    if not len(start):
        raise ValueError(
            "An empty text was passed, but a network needs something to go on: "
            "pass at least one token."
        )
    probabilities: Array = np.empty(0)
    for token in start:
        probabilities, state = step(int(token), state)
    written: list[int] = []
    for chance in np.random.default_rng(seed).random(count):
        heated = with_temperature(probabilities, temperature)
        if not np.isfinite(heated).all():
            break
        cumulative = heated.cumsum()
        # Strictly below the sum, in spite of rounding: beyond it there is no token.
        at = min(chance * cumulative[-1], np.nextafter(cumulative[-1], 0))
        token = int(np.searchsorted(cumulative, at, side="right"))
        written.append(token)
        if len(written) < count:
            probabilities, state = step(token, state)
    return np.array(written, np.int64)


def rereading(next_probabilities: Callable[[Array], Array], most: int) -> tuple[Step[Ids], Ids]:
    """Make a step, and the state to start from, of a network that only takes whole texts.

    Parameters
    ----------
    next_probabilities : callable
        Takes ids (1, token), int64, gives the probabilities of the next token, (vocabulary,).
    most : int
        Most tokens that it is given: the last ones.
    """

    def step(token: int, before: Ids) -> tuple[Array, Ids]:
        text = np.append(before, token)[-most:]
        return next_probabilities(text[None]), text

    return step, np.empty(0, np.int64)


def with_temperature(probabilities: Array, temperature: float) -> npt.NDArray[np.float64]:
    """Make probabilities sharper or flatter: to the power of ``1 / temperature``, summing to 1.

    Parameters
    ----------
    probabilities : ndarray (..., vocabulary)
        Rows that sum to one.
    temperature : float
        At 0, all goes to the most probable, the first of equals.

    Raises
    ------
    ValueError
        If it is negative or not finite.
    """
    if not (np.isfinite(temperature) and temperature >= 0):
        raise ValueError(
            f"A temperature of {temperature} was passed; expected is a number from 0 "
            "(always the most probable) on; 1 leaves the probabilities as they are."
        )
    values = np.asarray(probabilities, np.float64)
    top = values.max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        if temperature == 0:
            best = np.arange(values.shape[-1]) == values.argmax(axis=-1)[..., None]
            return np.where(np.isfinite(top), best, np.nan)
        # Relative to the greatest, so that a small temperature does not turn all to zero.
        powers = np.exp((np.log(values) - np.log(top)) / temperature)
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def candidates(probabilities: Array, most: int = 5) -> tuple[Ids, Array]:
    """List the tokens that a network predicts next, the most probable first.

    Parameters
    ----------
    probabilities : ndarray (..., vocabulary)
        Along a text for instance: (token, vocabulary).
    most : int
        Most candidates.

    Returns
    -------
    ids : ndarray (..., candidate), int64
    probabilities : ndarray (..., candidate)
        NaN comes last.
    """
    order = np.argsort(-probabilities, axis=-1, kind="stable")[..., :most].astype(np.int64)
    return order, np.take_along_axis(probabilities, order, axis=-1)


def surprise(probabilities: Array, actual: Array) -> npt.NDArray[np.float64]:
    """Measure the surprise at the token that really came next, in bits: ``-log2(p)``.

    Parameters
    ----------
    probabilities : ndarray (..., token, vocabulary)
        What the network expected after each token.
    actual : ndarray (..., token), integer
        The token that came next: the label of a network that predicts it.

    Returns
    -------
    ndarray (..., token), float64
        Infinite where the network thought it impossible.
    """
    chances = np.take_along_axis(probabilities, np.asarray(actual, np.int64)[..., None], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(-np.log2(chances[..., 0].astype(np.float64))) + 0.0  # no minus zero
