"""Whether two networks begin with the same weights: only then is a number one unit in both."""

from __future__ import annotations

from explorer.compare.differences import pairs_weighed
from explorer.compare.pair import RunPair
from explorer.derived.pairs.difference import weight_distance
from explorer.derived.pairs.divergence import TOLERANCE


def begin_alike(pair: RunPair) -> bool | None:
    """Whether both had the same weights before any update.

    Quick: it reads one step, and not further than the first layer that differs.

    Parameters
    ----------
    pair : RunPair
        The runs.

    Returns
    -------
    bool or None
        False also where no layer has weights of the same shapes. None if it is not known: a run
        has not recorded step 0, or weights.
    """
    for data in (pair.first, pair.second):
        begins = len(data.run) and data.run.steps[0] == 0
        if not begins or not any(layer.weights for layer in data.run.layers.values()):
            return None
    weighed = pairs_weighed(pair)
    return bool(weighed) and not any(_differ(pair, *layers) for layers in weighed)


def _differ(pair: RunPair, first: str, second: str) -> bool:
    ours, theirs = pair.first.weights(first, 0), pair.second.weights(second, 0)
    apart = weight_distance((ours[name] for name in ours), (theirs[name] for name in ours))
    return apart > TOLERANCE


def said_of_beginning(alike: bool | None) -> str:
    """Say what a unit's number means in both runs; empty if that is not known.

    Parameters
    ----------
    alike : bool or None
        As from `begin_alike`.
    """
    if alike is None:
        return ""
    if alike:
        return "Both begin with the same weights: units of one number begin as the same unit."
    return "They begin with other weights: units of one number have nothing to do with each other."
