"""Which places of an input are evidence for a class: contributions as maps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from scipy.ndimage import zoom

from explorer.derived.network.node import Array, as_float

Method = Literal["nearest", "bilinear"]

_ORDERS: dict[str, Literal[0, 1]] = {"nearest": 0, "bilinear": 1}


def evidence_map(contribution: Array) -> Array:
    """Sum contributions over the units of each place.

    Parameters
    ----------
    contribution : ndarray (batch, place, ..., unit)
        Of the input image, of a token's embedding or of any layer with places; see
        `explorer.derived.network.contributions.contributions`.

    Returns
    -------
    ndarray (batch, place, ...), float32
        (batch, y, x) or (batch, token). Signed: evidence for the class, or against it.
    """
    return as_float(contribution.sum(axis=-1))


def enlarged(evidence: Array, size: Sequence[int], *, method: Method = "bilinear") -> Array:
    """Stretch a map over as many places as the input has.

    Parameters
    ----------
    evidence : ndarray (batch, place, ...)
        A map.
    size : sequence of int
        Places on each axis of the result: (y, x) or (token,).
    method : {"nearest", "bilinear"}
        What lies between the centres of the map's places.

    Returns
    -------
    ndarray (batch, *size), float32
        The edges of both coincide: a place of the map covers its share of the input. That is
        exact for layers that pad; `explorer.derived.network.receptive_field` gives what each of
        its places really sees.

    Raises
    ------
    ValueError
        The map has other axes than the size, or the method is unknown.
    """
    if method not in _ORDERS:
        raise ValueError(f"method must be one of {', '.join(_ORDERS)}, not {method!r}.")
    if evidence.ndim != 1 + len(size):
        raise ValueError(
            f"A map of shape {evidence.shape} cannot be stretched over {tuple(size)}: after the "
            "batch it must have as many axes as the size. Sum over the units first."
        )
    if evidence.shape[1:] == tuple(size):
        return as_float(evidence)
    factors = [new / old for new, old in zip(size, evidence.shape[1:], strict=True)]
    order = _ORDERS[method]
    output = np.empty((len(evidence), *size), np.float32)
    for one, stretched in zip(as_float(evidence), output, strict=True):
        zoom(one, factors, stretched, order, mode="nearest", grid_mode=True)
    return output


def fused_evidence(
    maps: Iterable[Array], size: Sequence[int], *, method: Method = "bilinear"
) -> Array:
    """Put the maps of several layers into one.

    With m_l the map of layer l, stretched over the input, the fused evidence at a place p is the
    mean over the layers of m_l(p) / sum_q |m_l(q)|: every layer has the same say, whatever the
    scale of its contributions.

    Parameters
    ----------
    maps : iterable of ndarray (batch, place, ...)
        One map a layer, see `evidence_map`.
    size, method
        As for `enlarged`.

    Returns
    -------
    ndarray (batch, *size), float32
        Its absolute values add up to at most 1; to 1 where all layers agree about every sign. A
        layer without any contribution adds nothing, one with NaN makes NaN.

    Raises
    ------
    ValueError
        No map was given; or as for `enlarged`.
    """
    shares = []
    for evidence in maps:
        stretched = enlarged(evidence, size, method=method)
        axes = tuple(range(1, stretched.ndim))
        whole = np.abs(stretched).sum(axis=axes, keepdims=True)
        with np.errstate(invalid="ignore"):  # infinite over infinite: NaN says so
            shares.append(stretched / np.where(whole == 0, 1, whole))
    if not shares:
        raise ValueError("fused_evidence needs the map of one layer at least; none was given.")
    return as_float(np.mean(shares, axis=0))
