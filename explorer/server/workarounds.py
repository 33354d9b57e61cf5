"""Leave processor time to the browser on the same machine."""

from __future__ import annotations

from threadpoolctl import threadpool_info, threadpool_limits


def reserve_core_for_browser() -> None:
    """Let linear algebra in this process use one thread less than it may, but at least one.

    Threads of BLAS wait for work in a busy loop. The matrices of one step are small, so that they
    mostly wait, on the core that the browser needs to draw. On two cores, this call shortens the
    time to a step that was not read ahead by a fifth (``benchmarks/scrub.py``).
    """
    allowed = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    if allowed:
        threadpool_limits(max(1, min(allowed) - 1), user_api="blas")
