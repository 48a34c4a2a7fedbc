"""The host, the enemy and a bystander: run one behaviour, judge how it ended, and see that nobody else noticed."""

from __future__ import annotations

import gc
import os
import platform
import select
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from platform_base.core.models import ProcessingResult
from platform_base.plugins._catalog.discovery import read_release
from platform_base.plugins._catalog.store import ReleaseStore
from platform_base.plugins._engines.base import Deployment, Request
from platform_base.plugins._engines.local import LocalEngine
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._host.worker import Worker
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._sandbox.scratch import wipe
from platform_base.plugins._sandbox.syscall_numbers import numbers
from platform_base.plugins.settings import Settings
from tests.conftest import descriptors, left_open
from tests.escape.ground import Ground
from tests.escape.outcomes import Behaviour, Denied, Outcome

HERE = Path(__file__).parent
PATIENCE_S = 20.0

SECURITY = {
    "allowed_modules": None,
    "blocked_modules": [],
    "max_memory_mb": 256,
    "max_cpu_percent": None,
    "max_scratch_mb": 16,
    "max_result_mb": 16,
    "max_threads": 24,
}
_SPECIAL = {
    "default": {},
    "one second of CPU": {"max_cpu_seconds": 1},
    "half a core": {"max_cpu_percent": 50},
    "a gigabyte": {"max_memory_mb": 1024},
    "guarded imports": {"allowed_modules": ["numpy"], "blocked_modules": ["os", "subprocess", "socket"]},
}


class Host:
    """An engine with the two plugins, and the means to look for damage.

    Args:
        switched_off: Layers that no worker gets.
        security: What is different from `SECURITY`.
        preload: Modules that the warden imports before it forks.
    """

    def __init__(
        self,
        *,
        switched_off: tuple[str, ...] = (),
        security: dict[str, Any] | None = None,
        preload: tuple[str, ...] = (),
    ) -> None:
        self.ground = Ground()
        # Under root each worker is another user, who must be able to reach its own scratch directory.
        self._directory = Path(tempfile.mkdtemp(prefix="platform_base-host-")).resolve()
        self._directory.chmod(0o711)
        self._temporary = self._directory / "temporary"
        self._temporary.mkdir(mode=0o755)
        self._preload = preload
        namespaces = os.environ.get("ESCAPE_TESTS_NAMESPACES", "auto")
        self.security = {**SECURITY, "namespaces": namespaces, **(security or {})}
        self._settings = settings = self.settings_with(**self.security)

        # One thread: a signal to the process would go to a thread of OpenBLAS where the enemy blocks it in its own.
        self.amended: dict[str, Any] = {"blas_threads": 1}
        if switched_off:
            self.amended["switched_off"] = switched_off

        def amend(policy: Policy) -> Policy:
            return msgspec.structs.replace(policy, **self.amended)

        self._descriptors_before = descriptors()
        self.engine = LocalEngine(settings, ReleaseStore(self._directory / "cache" / "releases"), amend=amend)
        (self._directory / "cache").mkdir(mode=0o711)
        self.releases = {name: read_release(HERE / name) for name in ("enemy", "bystander")}
        self.dirty = False
        # The engine makes its scratch directories where the temporary files are, when it starts its first worker.
        before, tempfile.tempdir = tempfile.tempdir, str(self._temporary)
        try:
            self._first_look()
        except BaseException:
            self.abandon()
            raise
        finally:
            tempfile.tempdir = before

    # -- calls -----------------------------------------------------------------------------------------------------

    def settings_with(self, **security: Any) -> Settings:
        """Return settings with these security keys."""
        return Settings.load({"security": security, "workers": {"preload": list(self._preload)}}, environ={})

    def forget_recipes(self) -> None:
        """Have policies derived anew for every later worker, and end those that run."""
        self.engine._workshop._recipes.clear()
        self.fresh()

    def _deployment(self, plugin: str, special: str = "default") -> Deployment:
        changes = self.settings_with(**{**self.security, **_SPECIAL[special]})
        return Deployment(release=self.releases[plugin], security=changes.security, workers=self._settings.workers)

    def call(
        self, plugin: str, inputs: dict[str, Any], *, timeout_s: float = PATIENCE_S, special: str = "default"
    ) -> ProcessingResult:
        """Run one call to its end."""
        request = Request(
            deployment=self._deployment(plugin, special),
            inputs={**inputs, "params": {}},
            parameters={},
            timeout_s=timeout_s,
        )
        return self.engine.run(request, Cancellation())

    def bystander(self) -> dict[str, Any]:
        """Have the bystander compute, and return what it says of itself."""
        result = self.call("bystander", {"series": np.arange(4.0)})
        assert result.values.tolist() == [0.0, 2.0, 4.0, 6.0]
        return result.metadata

    def attack(self, do: str, *, timeout_s: float = PATIENCE_S, special: str = "default", **inputs: Any) -> Outcome:
        """Let the enemy do something, and return how it ended: a result, or the error."""
        self.dirty = True
        try:
            result = self.call("enemy", {**self.facts, **inputs, "do": do}, timeout_s=timeout_s, special=special)
        except Exception as error:
            return Outcome(error=error, protections=self.protections)
        assert result.execution is not None
        return Outcome(
            value=result.values, metadata=result.metadata, execution=result.execution, protections=self.protections
        )

    def face(self, behaviour: Behaviour) -> Outcome:
        """Suffer a behaviour and judge its end."""
        tidy = not self.dirty and isinstance(behaviour.expects, Denied)
        outcome = self.attack(
            behaviour.do, timeout_s=behaviour.timeout_s, special=behaviour.special, **behaviour.inputs
        )
        behaviour.expected(outcome.protections).judge(outcome)
        # What was refused has changed nothing, so the next behaviour may begin in the same process.
        self.dirty = not tidy
        return outcome

    # -- what must be as before ------------------------------------------------------------------------------------

    def _first_look(self) -> None:
        met = self.bystander()
        with_one_worker = _held_for_workers()
        answer = self.call("enemy", {"do": "enemy.answer"})
        assert answer.execution is not None
        # Channel, output, life line and process handle; more where a worker's root is mounted for it.
        self._descriptors_of_worker = _held_for_workers() - with_one_worker
        self.protections = answer.execution.protections
        self.bystander_pid = met["pid"]
        self.drawn = (met["drawn"], answer.metadata["drawn"])
        self._bystander = met
        self.warden_pid = self._outermost = _parent(self._outer_pid("bystander"))
        while _parent(self._outermost) != os.getpid():
            self._outermost = _parent(self._outermost)
        machine = platform.machine()
        self.facts = {
            **self.ground.facts(),
            "warden_pid": self.warden_pid,
            "bystander_pid": self._outer_pid("bystander"),
            "bystander_scratch": met["scratch"],
            "bystander_kernels": met["kernels"],
            "bystander_release": met["release"],
            "numbers": dict(numbers(machine)),
        }
        workers = self._workers()
        self._base_descriptors = descriptors()
        self._base_held = _held_for_workers()
        self._base_workers = workers
        self._base_processes = len(self._processes()) - workers
        self._base_threads = threading.active_count()

    def _idle(self, plugin: str) -> Worker:
        groups = self.engine._pool._groups.items()
        return next(
            group.idle[-1] for key, group in groups if isinstance(key, tuple) and key[0] == plugin and group.idle
        )

    def _outer_pid(self, plugin: str) -> int:
        """The process id of an idle worker as the host sees it."""
        return self._idle(plugin).connection.pid

    def enemy_handle(self) -> int:
        """The process handle of the enemy's idle worker; it belongs to the host."""
        return self._idle("enemy").connection._pidfd

    def waits_until_dead(self, handle: int) -> bool:
        """Wait for the end of a process, but not for ever."""
        return bool(select.select([handle], [], [], 3)[0])

    def _workers(self) -> int:
        return sum(workers for workers, _ in self.engine._pool.counts().values())

    def _processes(self) -> dict[int, str]:
        """All processes below this one that belong to the engine, with their states."""
        found: dict[int, str] = {}
        waiting = [self._outermost]
        while waiting:
            pid = waiting.pop()
            try:
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                for task in Path(f"/proc/{pid}/task").iterdir():
                    waiting += map(int, (task / "children").read_text().split())
            except FileNotFoundError:
                continue
            found[pid] = state
        return found

    def _settled_processes(self, expected: int) -> dict[int, str]:
        """Return all processes; a worker that has just died is given the moment in which the warden reaps it."""
        deadline = time.monotonic() + 3
        while True:
            found = self._processes()
            if ("Z" not in found.values() and len(found) == expected) or time.monotonic() > deadline:
                return found

    def assert_unharmed(self, *, alone: bool = True) -> None:
        """The host lives, the bystander noticed nothing, the enemy can be called, and nothing is left behind.

        Args:
            alone: No other host lives in this process, whose descriptors and threads would be counted.
        """
        met = self.bystander()
        assert met["pid"] == self.bystander_pid, "the bystander's worker was replaced"
        assert met["kept"], "the bystander's scratch directory was touched"
        assert met == self._bystander
        workers = self._workers()
        answer = self.call("enemy", {"do": "enemy.answer"})
        if self._workers() > workers:
            self.dirty = False  # The enemy had to be started anew.
        assert answer.values == 42
        assert answer.execution is not None
        assert answer.execution.protections == self.protections
        self.assert_nothing_left(alone=alone)

    def assert_nothing_left(self, *, alone: bool = True) -> None:
        """No process, descriptor, thread, file or segment is there that was not there before."""
        assert self.ground.damage() == []
        workers = self._workers()
        if alone:
            self._assert_nothing_open(workers)
        processes = self._settled_processes(self._base_processes + workers)
        assert "Z" not in processes.values(), processes
        assert len(processes) == self._base_processes + workers, processes
        (runtime,) = self._temporary.iterdir()
        assert len([entry for entry in runtime.iterdir() if entry.name.isdigit()]) == workers
        assert [name for name in os.listdir("/dev/shm") if name.startswith("pb-escape")] == []
        for kind in ("shm", "sem", "msg"):
            table = Path(f"/proc/sysvipc/{kind}")
            assert not table.exists() or f" {0x7062} " not in table.read_text()

    def _assert_nothing_open(self, workers: int) -> None:
        more = (workers - self._base_workers) * self._descriptors_of_worker
        if _held_for_workers() > self._base_held + more:
            gc.collect()
        assert _held_for_workers() <= self._base_held + more, left_open(self._base_descriptors)
        assert threading.active_count() <= self._base_threads + 1, threading.enumerate()

    def refresh_bystander(self) -> None:
        """Look at the bystander anew, after a test that had it run in other workers."""
        self._bystander = met = self.bystander()
        self.bystander_pid = met["pid"]
        self.facts |= {
            "bystander_pid": self._outer_pid("bystander"),
            "bystander_scratch": met["scratch"],
            "bystander_kernels": met["kernels"],
        }

    def fresh(self) -> None:
        """End the enemy's workers, so that the next behaviour begins in a process that nothing happened in."""
        self.engine._pool.retire(lambda key: isinstance(key, tuple) and key[0] == "enemy")
        for special in _SPECIAL:
            self.engine._pool.revive(self._deployment("enemy", special).key)
        self.dirty = False

    def abandon(self) -> None:
        """End a host that is harmed already; what it leaves is removed without a look."""
        try:
            self.engine.close()
        finally:
            wipe(self._directory)
            self.ground.close()

    def close(self, *, alone: bool = True) -> None:
        """End everything, and see that it is gone.

        Args:
            alone: No other host lives in this process.
        """
        handles = [os.pidfd_open(pid) for pid in self._processes()]
        self.engine.close()
        try:
            assert list(self._temporary.iterdir()) == []
            assert all(_has_ended(handle) for handle in handles)
        finally:
            for handle in handles:
                os.close(handle)
            shutil.rmtree(self._directory)
            self.ground.close()
        gc.collect()
        if alone:
            assert len(descriptors()) <= len(self._descriptors_before), left_open(self._descriptors_before)


def _held_for_workers() -> int:
    """Count descriptors, without the leases of releases in use, which stay when workers end."""
    return sum("/in-use/" not in target for target in descriptors().values())


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition("PPid:")[2].split()[0])


def _has_ended(handle: int) -> bool:
    return bool(select.select([handle], [], [], 5)[0])
