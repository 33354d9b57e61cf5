"""The enlarged map: what Python hands over."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.widgets.pictures.unit_focus import UnitFocus


def test_places_are_handed_over_as_whole_numbers():
    focus = UnitFocus(
        lambda index: np.full((2, 3), index, np.uint8),
        4,
        key="k",
        picture=np.zeros((5, 6)),
        rows=np.array([[0, 3], [2, 5]], np.int64),
        columns=[[0, 2], [2, 4], [4, 6]],
    )
    assert (focus.rows.dtype, focus.columns.dtype) == (np.int32, np.int32)
    assert (focus.picture.dtype, focus.picture.shape) == (np.uint8, (5, 6))
    sent = []
    focus._send_msg = sent.append
    focus._handle_msg({"key": "k", "want": [3]})
    np.testing.assert_array_equal(sent[0]["payload"]["frame"], np.full((2, 3), 3))


@pytest.mark.parametrize(
    "changes", [{"rows": np.zeros((3, 4))}, {"columns": np.zeros(3)}, {"picture": np.zeros(4)}]
)
def test_places_of_another_shape_are_refused(changes):
    (name,) = changes
    with pytest.raises(ValueError, match=f"{name}: expected numbers of shape"):
        UnitFocus(lambda _: np.zeros((1, 1), np.uint8), 1, **changes)
