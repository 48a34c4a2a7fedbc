"""A thousand calls from eight threads while workers are killed: no call is lost, no answer is wrong, nothing stays."""

from __future__ import annotations

import os
import random
import signal
import threading

import numpy as np
from tests.conftest import OPEN_IMPORTS, SAMPLES, workers

from platform_base.plugins.errors import PluginLoadError, WorkerCrashedError
from platform_base.plugins.registry import PluginRegistry

CALLS, THREADS, KILLS = 1000, 8, 25


def test_workers_are_killed_in_the_middle_of_a_thousand_calls(nothing_left):
    right, crashed, wrong = [], [], []
    numbers = iter(range(CALLS))
    lock = threading.Lock()
    finished = threading.Event()
    progress = threading.Semaphore(0)

    with PluginRegistry({**OPEN_IMPORTS, "workers": {"max": 4}}) as registry:
        registry.discover_plugins(SAMPLES)

        def call_often():
            generator = np.random.default_rng()
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                series = generator.random(int(generator.choice([1, 100, 20_000, 200_000]))) + number
                try:
                    result = registry.execute_plugin("behaviours", {"series": series}, timeout=60)
                except (WorkerCrashedError, PluginLoadError) as error:
                    # A worker may also be killed while it loads; then the load is what failed.
                    crashed.append(error)
                except BaseException as error:
                    wrong.append(repr(error))
                else:
                    (right if np.array_equal(result.values, series * 2) else wrong).append(number)
                progress.release()

        def kill_now_and_then():
            for _ in range(KILLS):
                for _ in range(CALLS // (KILLS + 5)):
                    if not progress.acquire(timeout=30) or finished.is_set():
                        return
                running = workers(registry)
                if running:
                    try:
                        os.kill(random.choice(running), signal.SIGKILL)
                    except ProcessLookupError:
                        continue

        threads = [threading.Thread(target=call_often) for _ in range(THREADS)]
        killer = threading.Thread(target=kill_now_and_then)
        for thread in [killer, *threads]:
            thread.start()
        for thread in threads:
            thread.join()
        finished.set()
        progress.release()
        killer.join()
        stats = registry.get_plugin_stats("behaviours")

    assert wrong == []
    assert len(right) + len(crashed) == CALLS
    assert all("SIGKILL" in str(error) for error in crashed)
    assert stats["success_count"] == len(right)
    assert sum(stats["failures"].values()) == len(crashed)
