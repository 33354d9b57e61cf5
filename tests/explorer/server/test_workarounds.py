"""Linear algebra beside a browser."""

from __future__ import annotations

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from explorer.server.workarounds import reserve_core_for_browser


def threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize(("allowed", "left"), [(4, 3), (2, 1), (1, 1)])
def test_one_thread_less_but_always_one(allowed: int, left: int) -> None:
    with threadpool_limits(allowed, user_api="blas"):
        if not threads():
            pytest.skip("this NumPy's linear algebra has no threads that can be counted")
        reserve_core_for_browser()
        assert threads() == {left}
