"""Which class a probe's way through the network is explained for: one class at every step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from explorer.data.run import RunData


@dataclass(frozen=True, slots=True)
class ExplainedClass:
    """The class that is explained, at every step of the training.

    Were it the most probable one at each step, numbers and signs would change with it, and not with
    what the network has learned.

    Attributes
    ----------
    number : int
        Its number.
    reason : str
        Why this one: words that follow its name in a caption.
    """

    number: int
    reason: str


def explained_class(data: RunData, probe: int, chosen: int) -> ExplainedClass:
    """Find the class that is explained of a classifier.

    Parameters
    ----------
    data : RunData
        The run of a classifier with a recorded step.
    probe : int
        Followed probe.
    chosen : int
        Number of the class that was chosen; any other number: none was.

    Returns
    -------
    ExplainedClass
        The chosen one, else the true one, else the one that the network ends with.
    """
    if 0 <= chosen < len(data.class_names):
        return ExplainedClass(chosen, "which was chosen")
    true = data.true_class(probe)
    if true is not None:
        return ExplainedClass(true, "the true class")
    probabilities = data.probabilities(probe)
    assert probabilities is not None
    return ExplainedClass(most_probable(probabilities[-1]), "the class at the last step")


def most_probable(probabilities: npt.NDArray[np.floating]) -> int:
    """Give the number of the most probable class, of (class,); what is NaN counts least."""
    return int(np.nan_to_num(probabilities, nan=-1.0).argmax())
