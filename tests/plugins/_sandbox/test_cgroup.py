"""cgroup v2, on the real hierarchy of this machine: no file is made up."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import SAMPLES

from platform_base.plugins._sandbox.base import ConfinementError
from platform_base.plugins._sandbox.cgroup import CONTROLLERS, Cgroup, make_cgroup, probe
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins.errors import SandboxUnavailableError, WorkerCrashedError
from platform_base.plugins.registry import PluginRegistry

SECURITY = {"allowed_modules": None, "blocked_modules": []}


def own_cgroup() -> Path:
    """The cgroup v2 directory that this process is in."""
    mounts = [row.split() for row in Path("/proc/self/mountinfo").read_text().splitlines()]
    places = [fields[4] for fields in mounts if fields[fields.index("-") + 1] == "cgroup2"]
    paths = [row[3:] for row in Path("/proc/self/cgroup").read_text().splitlines() if row.startswith("0::")]
    if not places or not paths:
        pytest.skip("no cgroup v2 hierarchy is mounted here")
    return Path(places[0] + paths[0])


@pytest.fixture
def base() -> Iterator[Path]:
    """A directory of the hierarchy that is this test's alone."""
    place = own_cgroup() / f"tests-of-platform_base-{os.getpid()}"
    try:
        place.mkdir()
    except OSError as error:
        pytest.skip(f"{place} cannot be made: {error.strerror}")
    yield place
    assert [entry for entry in place.iterdir() if entry.is_dir()] == []
    place.rmdir()


def members(place: Path) -> list[int]:
    return [int(pid) for pid in (place / "cgroup.procs").read_text().split()]


class TestCgroup:
    def test_a_process_and_what_it_starts_is_in_it_and_ends_with_it(self, base):
        made = make_cgroup(str(base), 7, Policy())
        with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as process:
            made.add(process.pid)
            assert members(made.place) == [process.pid]
            assert Path(f"/proc/{process.pid}/cgroup").read_text().splitlines()[-1].endswith(made.place.name)
            made.remove()
            assert process.wait() == -signal.SIGKILL
        assert not made.place.exists()

    def test_children_that_left_the_session_end_too(self, base):
        """What a process group cannot reach: daemons, forked twice, in sessions of their own."""
        made = make_cgroup(str(base), 7, Policy())
        gate, opener = os.pipe()
        alive, held = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.read(gate, 1)
            for _ in range(5):
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        signal.pause()
                    os._exit(0)
                os.wait()
            signal.pause()
        os.close(held)
        made.add(pid)
        os.write(opener, b"x")
        while len(members(made.place)) < 6:
            continue
        made.remove()
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        assert os.read(alive, 1) == b"", "a daemon still holds its end"
        for descriptor in (gate, opener, alive):
            os.close(descriptor)

    def test_removing_twice_is_fine(self, base):
        made = make_cgroup(str(base), 1, Policy())
        made.remove()
        made.remove()

    def test_a_process_that_is_gone_is_a_clear_error(self, base):
        made = make_cgroup(str(base), 1, Policy())
        with subprocess.Popen(["/bin/true"]) as process:
            process.wait()
            with pytest.raises(ConfinementError, match="No such process"):
                made.add(process.pid)
        made.remove()

    def test_what_a_dead_host_left_is_removed(self, base):
        with subprocess.Popen(["/bin/true"]) as process:
            process.wait()
        left = base / f"platform_base-{process.pid}-3"
        left.mkdir()
        kept = base / f"platform_base-{os.getppid()}-3"
        kept.mkdir()
        make_cgroup(str(base), 1, Policy()).remove()
        assert not left.exists()
        assert kept.exists()
        kept.rmdir()

    def test_controllers_that_reach_it_are_in_force(self, base):
        """Each that the kernel hands on is enabled, and its limit is what the policy says."""
        parent = own_cgroup()
        offered = set((base / "cgroup.controllers").read_text().split()) & set(CONTROLLERS)
        missing = set((parent / "cgroup.controllers").read_text().split()) & set(CONTROLLERS) - offered
        for name in missing:
            try:
                (parent / "cgroup.subtree_control").write_text(f"+{name}")
            except OSError:
                continue
        try:
            offered = set((base / "cgroup.controllers").read_text().split()) & set(CONTROLLERS)
            if not offered:
                pytest.skip("no controller of cgroup v2 can be enabled here")
            made = make_cgroup(str(base), 1, Policy(max_threads=10, max_processes=3, max_cpu_percent=50.0))
            assert set(made.controllers) == offered
            assert set(made.protections) == {"cgroup", *(f"cgroup_{name}" for name in offered)}
            expected = {"pids": ("pids.max", "13"), "cpu": ("cpu.max", "50000 100000")}
            for file, value in (expected[name] for name in offered & set(expected)):
                assert (made.place / file).read_text().strip() == value
            if "hugetlb" in offered:
                limits = [file for file in made.place.glob("hugetlb.*.max") if ".rsvd." not in file.name]
                assert limits
                assert {file.read_text().strip() for file in limits} == {"0"}
            if "memory" in offered:
                assert int((made.place / "memory.max").read_text()) == (512 + 64 + 256 + 32) << 20
            made.remove()
        finally:
            for name in missing:
                if name in (parent / "cgroup.subtree_control").read_text().split():
                    (base / "cgroup.subtree_control").write_text(f"-{name}")
                    (parent / "cgroup.subtree_control").write_text(f"-{name}")


class TestProbe:
    def test_nothing_was_named(self):
        found = probe(None)
        assert not found.available
        assert "security.cgroup" in found.reason + found.remedy

    def test_a_plain_directory_is_none(self, tmp_path):
        for name in ("cgroup.procs", "cgroup.subtree_control"):
            (tmp_path / name).touch()
        found = probe(str(tmp_path))
        assert not found.available
        assert "without cgroup.controllers" in found.reason

    def test_a_directory_of_files_that_look_like_it_is_found_out(self, tmp_path):
        for name in ("cgroup.procs", "cgroup.subtree_control", "cgroup.controllers"):
            (tmp_path / name).touch()
        with pytest.raises(ConfinementError, match="the kernel refused"):
            make_cgroup(str(tmp_path), 1, Policy()).add(os.getpid())

    def test_it_says_what_reaches_the_directory(self, base):
        found = probe(str(base))
        there = (base / "cgroup.controllers").read_text().split()
        assert found.available
        assert set(found.lacks) == {f"cgroup_{name}" for name in CONTROLLERS if name not in there}
        assert str(base) in found.detail

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_one_that_belongs_to_somebody_else_is_refused(self):
        own = own_cgroup()
        if os.access(own, os.W_OK):
            pytest.skip("this user may write to its own cgroup")
        assert "may not" in probe(str(own)).reason


class TestWorkers:
    def test_a_worker_is_in_its_own_before_its_plugin_is_loaded(self, nothing_left, base):
        settings = {"security": {**SECURITY, "cgroup": str(base)}, "workers": {"max": 1}}
        with PluginRegistry(settings) as registry:
            registry.discover_plugins(SAMPLES)
            result = registry.execute_plugin("behaviours", {"series": [1.0]})
            assert "cgroup" in result.execution.protections
            (place,) = (entry for entry in base.iterdir() if entry.is_dir())
            assert len(members(place)) == 1
            assert {row["name"]: row["available"] for row in registry.sandbox_report()}["cgroup"]
            assert Cgroup(place=place, controllers=()).ran_out_of_memory is False
        assert [entry for entry in base.iterdir() if entry.is_dir()] == []

    def test_a_worker_that_crashes_leaves_none(self, nothing_left, base):
        with PluginRegistry({"security": {**SECURITY, "cgroup": str(base)}}) as registry:
            registry.discover_plugins(SAMPLES)
            with pytest.raises(WorkerCrashedError):
                registry.execute_plugin("behaviours", {"do": "crash"})
            assert [entry for entry in base.iterdir() if entry.is_dir()] == []
            assert list(registry.execute_plugin("behaviours", {"series": [1.0]}).values) == [2.0]

    def test_one_that_cannot_be_had_is_an_error_and_nothing_runs(self, nothing_left, tmp_path):
        with PluginRegistry({"security": {**SECURITY, "cgroup": str(tmp_path)}}) as registry:
            registry.discover_plugins(SAMPLES)
            with pytest.raises(
                SandboxUnavailableError, match=r"without cgroup\.controllers.*security\.cgroup"
            ) as caught:
                registry.execute_plugin("behaviours", {"series": [1.0]})
            assert caught.value.protection == "cgroup"

    def test_its_absence_can_be_accepted_by_name(self, nothing_left, tmp_path):
        security = {**SECURITY, "cgroup": str(tmp_path), "accept_missing": ["cgroup"]}
        with PluginRegistry({"security": security}) as registry:
            registry.discover_plugins(SAMPLES)
            result = registry.execute_plugin("behaviours", {"series": [1.0]})
        assert "cgroup" not in result.execution.protections
