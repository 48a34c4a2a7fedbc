"""Where the system refuses namespaces: what is said, what still holds, and what the settings make of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY, SAMPLES

from platform_base.plugins._sandbox.namespaces import PARTS, Surroundings, stay_outside
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._sandbox.private_root import is_within
from platform_base.plugins._sandbox.scratch import MAX_SCRATCH_ENTRIES, exceeds, wipe

# Root gives up the right to make namespaces; an ordinary user goes where their number is limited to none.
REFUSED = """
import json, os, sys
from pathlib import Path
from platform_base.plugins._sandbox import linux, namespaces
if os.geteuid() == 0:
    linux.prctl(linux.PR_CAPBSET_DROP, 21)
    kept = linux.capget()[1] & ~(1 << 21)
    linux.capset(effective=kept, permitted=kept)
else:
    uid, gid = os.geteuid(), os.getegid()
    linux.syscall("unshare", 0x10000000)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        Path("/proc/self", name).write_text(text)
    for limit in Path("/proc/sys/user").glob("max_*_namespaces"):
        limit.write_text("0")
"""

PROBE = REFUSED + "print(json.dumps(namespaces.probe()))\n"

RUN = (
    REFUSED
    + """
from platform_base.plugins.errors import SandboxUnavailableError
from platform_base.plugins.registry import PluginRegistry
security = {"allowed_modules": None, "blocked_modules": [], **json.loads(sys.argv[2])}
with PluginRegistry({"security": security}) as registry:
    registry.discover_plugins(sys.argv[1])
    try:
        plugin, do = sys.argv[3:] or ("behaviours", "double")
        result = registry.execute_plugin(plugin, {"series": [1.0, 2.0], **({"do": do} if sys.argv[3:] else {})})
        answer = {"values": list(result.values), "protections": result.execution.protections}
    except SandboxUnavailableError as error:
        answer = {"protection": error.protection, "text": str(error)}
    rows = {row["name"]: row for row in registry.sandbox_report()}
print(json.dumps({**answer, "report": rows}))
"""
)

FAMILY = REPOSITORY / "tests" / "escape" / "parent"
DOCTOR = (
    REFUSED
    + """
sys.argv = ["platform-base", "doctor", "--json"]
import contextlib, io
from platform_base.cli.main import run
said = io.StringIO()
with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
    run()
print(json.dumps(json.loads(said.getvalue())))
"""
)


def program(text, *arguments):
    ended = subprocess.run([sys.executable, "-c", text, *arguments], capture_output=True, text=True, check=False)
    if "unshare" in ended.stderr:
        pytest.skip("this system gives no user namespace to limit others in")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def run(tmp_path, **security):
    return program(RUN, str(SAMPLES), json.dumps(security))


def expected_parts():
    return {name for name in PARTS if name != "user_namespace" or os.geteuid() != 0}


class TestRefused:
    def test_every_part_is_named_with_the_reason(self):
        missing = program(PROBE)
        assert set(missing) == expected_parts()
        assert all(missing.values())

    def test_the_rest_holds_and_the_report_tells_the_truth(self, tmp_path):
        found = run(tmp_path)
        assert found["values"] == [2.0, 4.0]
        assert {"landlock", "seccomp", "rlimits", "no_new_privs"} <= set(found["protections"])
        assert not set(PARTS) & set(found["protections"])
        for name in expected_parts():
            row = found["report"][name]
            assert not row["available"]
            assert row["reason"]
            assert row["remedy"]

    def test_required_means_required(self, tmp_path):
        found = run(tmp_path, namespaces="require")
        assert found["protection"] in PARTS
        assert "accept_missing" in found["text"]

    def test_what_is_accepted_by_name_may_be_missing(self, tmp_path):
        assert run(tmp_path, namespaces="require", accept_missing=list(PARTS))["values"] == [2.0, 4.0]

    def test_doctor_tells_the_truth(self, tmp_path):
        """It names each namespace as missing, with reason and remedy, and still proves what holds."""
        ended = program(DOCTOR)
        rows = {row["name"]: row for row in ended["protections"]}
        for name in expected_parts():
            assert not rows[name]["available"]
            assert rows[name]["reason"]
            assert rows[name]["remedy"]
        assert all(rows[name]["available"] for name in ("landlock", "seccomp", "rlimits", "no_new_privs"))
        assert ended["live_check"]["passed"]
        assert len(ended["escapes"]) >= 10
        assert all(attempt["stopped"] for attempt in ended["escapes"])
        assert ended["healthy"]

    def test_processes_are_refused_with_the_reason(self, tmp_path):
        """A plugin that may start processes does not run where nothing would end them."""
        found = program(RUN, str(FAMILY), json.dumps({"max_processes": 4}), "parent", "answer")
        assert found["protection"] == "pid_namespace"
        assert "kernel refused" in found["text"]


class TestSurroundings:
    def test_outside_nothing_is_in_force_and_the_reason_is_the_setting(self):
        found = stay_outside()
        try:
            assert found.names == ()
            assert set(found.missing) == expected_parts()
            assert set(found.missing.values()) == {"security.namespaces is off"}
            handle = os.pidfd_open(os.getpid())
            assert found.number_of(handle) == os.getpid()
            os.close(handle)
        finally:
            os.close(found.proc)

    def test_a_policy_without_protections_is_left_alone(self):
        assert Surroundings(names=("pid_namespace",)).settle(Policy(enabled=False))[1] == ()

    @pytest.mark.parametrize(
        ("path", "tree", "inside"),
        [("/a", "/a", True), ("/a/b", "/a", True), ("/ab", "/a", False), ("/a", "/", True), ("/a", "/a/b", False)],
    )
    def test_within(self, path, tree, inside):
        assert is_within(path, tree) is inside


class TestExceeds:
    def test_bytes(self, tmp_path):
        assert not exceeds(str(tmp_path), 1 << 20)
        (tmp_path / "directory").mkdir()
        (tmp_path / "directory" / "file").write_bytes(bytes(1 << 20))
        assert not exceeds(str(tmp_path), 2 << 20)
        assert exceeds(str(tmp_path), 1 << 19)

    def test_entries(self, tmp_path):
        for number in range(MAX_SCRATCH_ENTRIES):
            (tmp_path / str(number)).touch()
        assert not exceeds(str(tmp_path), 1 << 20)
        (tmp_path / "one more").touch()
        assert exceeds(str(tmp_path), 1 << 20)

    def test_a_link_is_not_followed(self, tmp_path):
        (tmp_path / "link").symlink_to(REPOSITORY)
        assert not exceeds(str(tmp_path), 1 << 20)

    def test_depth(self, tmp_path):
        top = tmp_path / "top"
        top.mkdir()
        before = os.getcwd()
        try:
            os.chdir(top)
            for _ in range(500):
                os.mkdir("deeper-" + "x" * 50)
                os.chdir("deeper-" + "x" * 50)
            Path("file").write_bytes(bytes(1 << 20))
        finally:
            os.chdir(before)
        assert not exceeds(str(top), 8 << 20)
        assert exceeds(str(top), 1 << 19)
        wipe(top)

    def test_what_is_gone_is_empty(self, tmp_path):
        assert not exceeds(str(tmp_path / "gone"), 0)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
    def test_what_cannot_be_looked_into_is_too_much(self, tmp_path):
        (tmp_path / "closed").mkdir(mode=0o300)
        assert exceeds(str(tmp_path), 1 << 20)

    @pytest.mark.parametrize("mode", [0, 0o100, 0o200, 0o400])
    def test_what_nobody_can_have_put_anything_into_is_empty(self, tmp_path, mode):
        (tmp_path / "closed").mkdir(mode=mode)
        assert not exceeds(str(tmp_path), 1 << 20)
