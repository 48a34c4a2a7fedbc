"""Sharing independent pieces of compiled work out over the processor's cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

Item = TypeVar("Item")


def count_cores() -> int:
    """Return on how many processor cores this process may run."""
    return len(os.sched_getaffinity(0))


def share_out(
    work: Callable[[Item], None],
    items: Sequence[Item],
    threads: int | None,
    report: Callable[[float], None],
) -> None:
    """Call `work` with each item, on several threads at once where it is worth it.

    Args:
        work: Spends its time in kernels, which run without Python's lock. Calls do not depend on each other.
        items: What to call it with; long pieces of work first, so that no thread is left with one at the end.
        threads: How many at most; ``None`` for one on every core.
        report: Told, in the calling thread, which fraction of the items is done.

    Raises:
        Exception: The first that `work` raises; what has not begun by then is not begun. Likewise what `report` raises,
            and `KeyboardInterrupt`.
    """
    count = min(len(items), count_cores() if threads is None else threads)
    if count <= 1:
        for done, item in enumerate(items, 1):
            work(item)
            report(done / len(items))
        return
    with ThreadPoolExecutor(count, thread_name_prefix="kernel") as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                report(done / len(items))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
