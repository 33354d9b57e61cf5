"""Values of single batches, recovered from means over the epoch so far."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]


def batch_values(means: Array, samples: Array) -> Float64:
    """Take the means over an epoch so far apart again.

    Keras's ``fit`` gives the mean of a metric over all samples since the epoch began. At its end
    such a mean is what the network was half an epoch ago, and with the next epoch it falls down a
    cliff. The samples that came since the row before have the mean
    ``(n_k m_k - n_(k-1) m_(k-1)) / (n_k - n_(k-1))``.

    Parameters
    ----------
    means : ndarray (update,)
        The metric; NaN where it was not logged.
    samples : ndarray (update,)
        Of how many samples each is the mean. Where they do not grow, an epoch begins. NaN: the
        value is none of these means, and stays as it is.

    Returns
    -------
    ndarray (update,), float64
        Of the batches since the row before that has a mean, up to the rounding of the means:
        some 1e-7 of them for each batch of the epoch so far. NaN where nothing is known.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    values, counts = np.asarray(means, np.float64).copy(), np.asarray(samples, np.float64)
    if values.shape != counts.shape or values.ndim != 1:
        raise ValueError(
            f"Means of shape {values.shape} were passed with samples of shape {counts.shape}; one "
            "number of samples for each mean was expected. Pass both as the run's metrics hold "
            "them."
        )
    rows = np.flatnonzero(~np.isnan(values) & (counts > 0))
    n, mean = counts[rows], values[rows]
    before = np.concatenate([[0.0], n[:-1]])
    mean_before = np.concatenate([[0.0], mean[:-1]])
    goes_on = n > before
    with np.errstate(invalid="ignore", over="ignore"):  # a mean that diverged has no batches
        totals = n * mean - np.where(goes_on, before * mean_before, 0)
        values[rows] = totals / (n - np.where(goes_on, before, 0))
    return values
