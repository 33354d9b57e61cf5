"""The processor is shared with the browser."""

from __future__ import annotations

from threadpoolctl import threadpool_info, threadpool_limits


def reserve_core_for_browser() -> None:
    """Let linear algebra in this process use one thread less than it may, but always one.

    What is derived for a step is small matrices, and threads that wait for more of them by turning
    in circles take the time in which the browser would draw the step before. On two cores that is
    a fifth of the time to a step that was not read ahead (``benchmarks/scrub.py``).
    """
    allowed = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    if allowed:
        threadpool_limits(max(1, min(allowed) - 1), user_api="blas")
