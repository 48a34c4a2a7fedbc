"""What namespaces hide, what they bound, and that nothing of them stays; where the system gives them."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.conftest import eventually, workers

from platform_base.plugins.errors import (
    MemoryLimitError,
    PluginFailedError,
    ResourceLimitError,
    SandboxUnavailableError,
)
from platform_base.plugins.registry import PluginRegistry

CODE = """
import ctypes
import errno
import mmap
import os
import platform
import socket

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import get_context


class Look:
    def execute(self, inputs):
        return ProcessingResult(values=getattr(self, inputs["do"])(inputs))

    def seen(self, inputs):
        return {path: os.path.lexists(path) for path in inputs["paths"]}

    def read(self, inputs):
        with open(inputs["path"]) as stream:
            return stream.read()

    def write(self, inputs):
        with open(inputs["path"], "w") as stream:
            return stream.write("written")

    def self(self, inputs):
        names = {os.uname().nodename, platform.node(), socket.gethostname()}
        return [os.getpid(), os.getppid(), " ".join(names), os.path.dirname(__file__), str(get_context().scratch)]

    def fill(self, inputs):
        try:
            for number in range(inputs["files"]):
                (get_context().scratch / str(number)).write_bytes(bytes(inputs["size"]))
        except OSError as error:
            return errno.errorcode[error.errno]
        while inputs.get("stay"):
            sum(range(100_000))
        return "full"

    def hoard(self, inputs):
        protect = ctypes.CDLL(None).mprotect
        kept = []
        for _ in range(inputs["megabytes"]):
            block = mmap.mmap(-1, 1 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            block.write(bytes(1 << 20))
            place = ctypes.addressof(ctypes.c_char.from_buffer(block))
            protect(ctypes.c_void_p(place), ctypes.c_size_t(1 << 20), mmap.PROT_READ)
            kept.append(block)
        return "got it all"

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": self.__class__.__module__.split(".")[-1], "version": "1.0.0"}
"""


def write_look(directory, plugin_id="look", **permissions):
    place = directory / plugin_id
    place.mkdir(parents=True)
    (place / f"{plugin_id}.py").write_text(CODE)
    manifest = {"plugin_id": plugin_id, "version": "1.0.0", "entry_point": f"{plugin_id}.Look"}
    if permissions:
        manifest["permissions"] = permissions
    (place / "manifest.json").write_text(json.dumps(manifest))
    return directory


def given():
    with PluginRegistry() as registry:
        return {row["name"] for row in registry.sandbox_report() if row["available"]}


pytestmark = pytest.mark.skipif("mount_namespace" not in given(), reason="this system gives no namespaces")


@contextmanager
def opened(directory, plugins=None, **security):
    settings = {"security": {"allowed_modules": None, "blocked_modules": [], **security}, "plugins": plugins or {}}
    with PluginRegistry(settings) as registry:
        registry.discover_plugins(directory)
        yield registry


def ask(registry, do, plugin_id="look", **inputs):
    return registry.execute_plugin(plugin_id, {"do": do, **inputs}).values


def mounts():
    rows = (line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return sorted((row[4], row[row.index("-") + 1]) for row in rows)


def wait_for_end(handle):
    assert select.select([handle], [], [], 10)[0]
    os.close(handle)


class TestSight:
    def test_every_part_is_in_force_and_said(self, nothing_left, tmp_path):
        with opened(write_look(tmp_path / "plugins"), namespaces="require") as registry:
            result = registry.execute_plugin("look", {"do": "self"})
        named = {"pid_namespace", "network_namespace", "ipc_namespace", "uts_namespace", "mount_namespace"}
        assert {*named, "scratch_quota"} <= set(result.execution.protections)
        assert ("user_namespace" in result.execution.protections) is (os.geteuid() != 0)

    def test_nothing_of_the_machine_is_there(self, nothing_left, tmp_path):
        hidden = ["/etc/passwd", "/proc", "/sys", "/dev/shm", __file__, str(tmp_path / "plugins")]
        with opened(write_look(tmp_path / "plugins")) as registry:
            pid, parent, node, release, scratch = ask(registry, "self")
            seen = ask(registry, "seen", paths=[*hidden, release, scratch, os.__file__, "/dev/null"])
        assert [path for path in hidden if seen[path]] == []
        assert all(seen[path] for path in (release, scratch, os.__file__, "/dev/null"))
        assert (pid, parent, node) == (1, 0, "worker")

    def test_workers_do_not_see_each_other(self, nothing_left, tmp_path):
        write_look(tmp_path / "plugins", "other")
        with opened(write_look(tmp_path / "plugins")) as registry:
            *_, release, scratch = ask(registry, "self", "other")
            assert ask(registry, "seen", "other", paths=[release, scratch]) == {release: True, scratch: True}
            assert ask(registry, "seen", paths=[f"{release}/manifest.json", scratch]) == {
                f"{release}/manifest.json": False,
                scratch: False,
            }

    def test_a_link_on_the_way_to_the_store_is_followed(self, nothing_left, tmp_path, monkeypatch):
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to("real")
        monkeypatch.setenv("PLATFORM_BASE_CACHE_DIR", str(tmp_path / "link" / "cache"))
        with opened(write_look(tmp_path / "plugins")) as registry:
            assert str((tmp_path / "real" / "cache").resolve()) in ask(registry, "self")[3]


class TestGivenPaths:
    def test_only_the_plugin_that_asks_sees_them(self, nothing_left, tmp_path):
        data = tmp_path / "data"
        (data / "in").mkdir(parents=True)
        (data / "out").mkdir(mode=0o777)
        data.chmod(0o755)
        (data / "out").chmod(0o777)
        (data / "in" / "a.txt").write_text("input")
        write_look(tmp_path / "plugins", "reader", filesystem={"read": [str(data)], "write": [str(data / "out")]})
        allowed = {"read": [str(data)], "write": [str(data / "out")]}
        with opened(write_look(tmp_path / "plugins"), filesystem=allowed) as registry:
            assert ask(registry, "read", "reader", path=str(data / "in" / "a.txt")) == "input"
            assert ask(registry, "write", "reader", path=str(data / "out" / "b.txt")) == 7
            assert ask(registry, "seen", paths=[str(data / "in")]) == {str(data / "in"): False}
        assert (data / "out" / "b.txt").read_text() == "written"

    @pytest.mark.parametrize("namespaces", ["auto", "off"])
    def test_the_whole_machine_can_be_given_to_read(self, nothing_left, tmp_path, namespaces):
        """It must then be readable, and no more than that; other processes stay out of sight."""
        (tmp_path / "data.txt").write_text("anywhere")
        for level in (tmp_path, *tmp_path.parents):
            if level.stat().st_uid == os.geteuid() and level != Path("/") and level != Path("/tmp"):
                level.chmod(level.stat().st_mode | 0o055)
        write_look(tmp_path / "plugins", "reader", filesystem={"read": ["/"]})
        given = {"filesystem": {"read": ["/"]}, "namespaces": namespaces}
        with opened(write_look(tmp_path / "plugins"), **given) as registry:
            assert ask(registry, "read", "reader", path="/etc/passwd").startswith("root:")
            assert ask(registry, "read", "reader", path=str(tmp_path / "data.txt")) == "anywhere"
            assert ask(registry, "fill", "reader", files=2, size=10) == "full"
            with pytest.raises(PluginFailedError, match=r"Read-only|Permission"):
                ask(registry, "write", "reader", path=str(tmp_path / "data.txt"))
            seen = ask(registry, "seen", "reader", paths=["/proc/self", "/dev/null"])
            assert seen["/dev/null"]
            result = registry.execute_plugin("reader", {"do": "self"})
            assert seen["/proc/self"] is ("mount_namespace" not in result.execution.protections)
            with pytest.raises(PluginFailedError, match=r"Permission|No such file"):
                ask(registry, "read", path="/etc/passwd")

    def test_one_that_came_too_late_is_refused_by_name(self, nothing_left, tmp_path):
        data = tmp_path / "data"
        write_look(tmp_path / "plugins", "reader", filesystem={"read": [str(data)]})
        with opened(write_look(tmp_path / "plugins"), filesystem={"read": [str(data)]}) as registry:
            assert ask(registry, "seen", "reader", paths=[str(data)]) == {str(data): False}
            data.mkdir()
            registry.unload_plugin("reader")
            with pytest.raises(SandboxUnavailableError, match=f"{data} did not exist when the private root"):
                ask(registry, "self", "reader")


class TestBounds:
    def test_scratch_has_a_size(self, nothing_left, tmp_path):
        with opened(write_look(tmp_path / "plugins"), max_scratch_mb=4) as registry:
            assert ask(registry, "fill", files=8, size=1 << 20) == "ENOSPC"

    def test_scratch_has_a_number_of_files(self, nothing_left, tmp_path):
        with opened(write_look(tmp_path / "plugins")) as registry:
            assert ask(registry, "fill", files=10_000, size=0) == "ENOSPC"

    @pytest.mark.parametrize(("files", "size"), [(8, 1 << 20), (10_000, 0)])
    def test_without_mounts_the_warden_looks(self, nothing_left, tmp_path, files, size):
        with opened(write_look(tmp_path / "plugins"), max_scratch_mb=4, namespaces="off") as registry:
            with pytest.raises(ResourceLimitError) as caught:
                ask(registry, "fill", files=files, size=size, stay=True)
            assert caught.value.limit == "max_scratch_mb"
            assert ask(registry, "fill", files=2, size=1 << 20) == "full"

    @pytest.mark.parametrize("namespaces", ["auto", "off"])
    def test_memory_that_no_limit_of_the_kernel_counts(self, nothing_left, tmp_path, namespaces):
        directory = write_look(tmp_path / "plugins")
        with opened(directory, max_memory_mb=64, max_cpu_percent=None, namespaces=namespaces) as registry:
            with pytest.raises(MemoryLimitError):
                ask(registry, "hoard", megabytes=2000)
            assert ask(registry, "hoard", megabytes=4) == "got it all"


class TestEnds:
    def test_no_mount_is_left(self, nothing_left, tmp_path):
        before = mounts()
        with opened(write_look(tmp_path / "plugins")) as registry:
            ask(registry, "self")
            assert mounts() == before
        assert mounts() == before

    @pytest.mark.parametrize("who", ["outer", "inner"])
    def test_all_die_with_either_half_of_the_warden(self, nothing_left, tmp_path, who):
        with opened(write_look(tmp_path / "plugins")) as registry:
            ask(registry, "self")
            ((warden, _),) = registry._engine._workshop._wardens.values()
            inner = int(Path(f"/proc/{warden.pid}/task/{warden.pid}/children").read_text())
            (worker,) = workers(registry)
            handles = [os.pidfd_open(pid) for pid in (warden.pid, inner, worker)]
            signal.pidfd_send_signal(handles[0 if who == "outer" else 1], signal.SIGKILL)
            for handle in handles:
                wait_for_end(handle)
            assert ask(registry, "self")[0] == 1

    def test_nothing_survives_a_host_that_is_killed(self, tmp_path):
        temporary = tmp_path / "temporary"
        temporary.mkdir(mode=0o755)
        directory = write_look(tmp_path / "plugins")
        program = (
            "import sys, time\n"
            "from platform_base.plugins.registry import PluginRegistry\n"
            "registry = PluginRegistry({'security': {'allowed_modules': None, 'blocked_modules': []}})\n"
            f"registry.discover_plugins({str(directory)!r})\n"
            "registry.execute_plugin('look', {'do': 'self'})\n"
            "((warden, _),) = registry._engine._workshop._wardens.values()\n"
            "print(warden.pid, flush=True)\n"
            "sys.stdin.read()\n"
        )
        host = subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, "TMPDIR": str(temporary)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with host:
            assert host.stdout is not None
            warden = os.pidfd_open(int(host.stdout.readline()))
            assert list(temporary.iterdir()) != []
            host.kill()
        wait_for_end(warden)
        assert eventually(lambda: list(temporary.iterdir()) == [])


class TestThreads:
    def test_a_warden_that_has_threads_forks_nobody(self, nothing_left, tmp_path, monkeypatch):
        """A fork copies one thread; locks that the others hold would stay locked in every worker."""
        installed = tmp_path / "site-packages"
        installed.mkdir()
        (installed / "starts_a_thread.py").write_text(
            "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        )
        for level in (installed, tmp_path):
            level.chmod(0o755)
        monkeypatch.syspath_prepend(str(installed))
        write_look(tmp_path / "plugins")
        with PluginRegistry(
            {"workers": {"preload": ["starts_a_thread"]}, "security": {"allowed_modules": None}}
        ) as found:
            found.discover_plugins(tmp_path / "plugins" / "look")
            with pytest.raises(SandboxUnavailableError, match=r"2 threads .*starts_a_thread.*workers\.preload"):
                found.load_plugin("look")
