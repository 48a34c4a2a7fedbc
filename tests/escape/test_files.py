"""Reading, changing, finding and filling files."""

from __future__ import annotations

import os

import pytest

from platform_base.plugins.errors import ResourceLimitError
from tests.escape.harness import Host
from tests.escape.outcomes import Behaviour, Denied, Fault, denied, fails, returns

LAW = "EACCES"
CHOKE = "ENOSPC EDQUOT EFBIG"

BEHAVIOURS: tuple[Behaviour, ...] = (
    denied("files.read_accounts", LAW, "landlock", hidden=True),
    denied("files.read_secret", LAW, "landlock", hidden=True),
    denied("files.read_secret_raw", LAW + " ENOSYS", "landlock", hidden=True),
    denied("files.read_by_openat2", "ENOSYS", "seccomp landlock"),
    denied("files.map_secret", LAW, "landlock", hidden=True),
    denied("files.read_by_path_descriptor", "EACCES EBADF EPERM EXDEV", "landlock", hidden=True),
    denied("files.write_packages", LAW, "landlock identity", hidden=True),
    denied("files.write_own_directory", LAW, "landlock identity", hidden=True),
    denied("files.write_runtime", LAW, "landlock identity", hidden=True),
    denied("files.plant_bytecode", LAW, "landlock identity", hidden=True),
    denied("files.write_victim", LAW, "landlock", hidden=True),
    denied("files.symbolic_link", LAW, "landlock", hidden=True),
    denied("files.directory_link", LAW, "landlock", hidden=True),
    denied("files.hard_link", "EXDEV EACCES EPERM", "landlock", hidden=True),
    denied("files.hard_link_out", "EXDEV EACCES", "landlock", hidden=True),
    denied("files.rename_in", "EXDEV EACCES", "landlock", hidden=True),
    denied("files.rename_out", "EXDEV EACCES", "landlock", hidden=True),
    denied("files.exchange", "EXDEV EACCES", "landlock", hidden=True),
    denied("files.make_outside", LAW, "landlock", hidden=True),
    denied("files.unnamed_outside", "EACCES EOPNOTSUPP", "landlock", hidden=True),
    denied("files.delete_outside", LAW, "landlock", hidden=True),
    denied("files.dots", LAW, "landlock", hidden=True),
    denied("files.change_directory", LAW, "landlock", hidden=True),
    denied("files.roots_in_proc", LAW, "landlock", hidden=True),
    denied("files.cut_by_opening", "EPERM", "seccomp landlock", hidden=True),
    denied("files.cut_own_by_opening", "EPERM", "seccomp landlock identity", hidden=True),
    denied("files.cut", "EPERM", "seccomp landlock", hidden=True),
    denied("files.cut_own", "EPERM", "seccomp landlock identity", hidden=True),
    denied("files.change_mode", "EPERM", "seccomp identity", hidden=True),
    denied("files.change_mode_of_open", "EPERM", "seccomp identity", hidden=True),
    denied("files.change_times", "EPERM", "seccomp identity", hidden=True),
    denied("files.change_attributes", "EPERM", "seccomp", hidden=True),
    denied("files.read_attributes", "ENOTSUP EOPNOTSUPP", "seccomp", hidden=True),
    denied("files.change_owner", "EPERM", "seccomp identity", hidden=True),
    denied("files.make_set_user_id", "EPERM", "seccomp"),
    denied("files.devices", "EACCES ENOENT", "landlock", hidden=True),
    denied("files.write_devices", "EACCES ENOENT", "landlock", hidden=True),
    denied("files.make_devices", "EPERM", "seccomp landlock"),
    denied("files.fill_one_file", CHOKE, "rlimits", inputs={"megabytes": 64}),
    denied("files.fill_one_file_by_reserving", CHOKE, "rlimits", inputs={"megabytes": 64}),
    fails(
        "files.fill_many_files",
        ResourceLimitError,
        facts={"limit": "max_scratch_mb"},
        inputs={"files": 64},
        in_mount_namespace=Denied(codes=frozenset(CHOKE.split())),
        risky=True,
    ),
    fails(
        "files.many_names",
        ResourceLimitError,
        facts={"limit": "max_scratch_mb"},
        inputs={"files": 30_000},
        in_mount_namespace=Denied(codes=frozenset(CHOKE.split())),
        risky=True,
    ),
    returns("files.deep_directories", lambda value: value == 1500, inputs={"depth": 1500}),
    returns("files.odd_names", lambda value: value == "made"),
    returns("files.names_of_the_wiper", lambda value: value == "made"),
    returns("files.loops", lambda value: value == "made"),
    denied("files.list_places", LAW, "landlock", hidden=True),
    denied("files.by_handle", "EPERM", "seccomp"),
    denied("files.change_root", "EPERM", "seccomp identity"),
    denied("files.mounting", "EPERM ENOSYS", "seccomp identity"),
    returns("files.open_descriptors", lambda value: value in ([0, 1, 2, 3], [0, 1, 2, 3, 4])),
    denied("files.climb_from_descriptors", "ENOTDIR EBADF EACCES", "process"),
    denied("files.execute_scratch", "EPERM", "seccomp landlock"),
    denied("files.touch_root", "EPERM", "seccomp identity"),
    denied("files.sibling_mode", "EPERM", "seccomp identity", hidden=True),
    denied("files.sibling_scratch", LAW, "landlock identity", hidden=True),
    denied("files.sibling_release", LAW, "landlock", hidden=True),
    denied("files.sibling_kernels", LAW, "landlock", hidden=True),
    denied("files.scratch_parent", "EACCES EXDEV EBUSY", "landlock identity", hidden=True),
    denied("files.watch", "EPERM", "seccomp"),
    denied("files.lease", "EPERM", "seccomp"),
    denied("files.shared_write_map", "EACCES PermissionError EPERM", "process"),
    returns("files.works", lambda value: value[0] == b"abc"),
    returns("enemy.own_data", lambda value: value.startswith('"""The hostile plugin')),
)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_file_behaviour(host: Host, behaviour: Behaviour) -> None:
    host.face(behaviour)


def test_existence_and_size_of_foreign_files_are_hidden_where_there_is_a_private_root(host: Host) -> None:
    """Without one this leaks: Landlock does not look at stat(2). SECURITY.md says so."""
    ((_, code, _),) = host.attack("files.look_at").result()
    assert code == ("ENOENT" if "mount_namespace" in host.protections else "")


def test_a_new_worker_finds_an_empty_scratch_directory(host: Host) -> None:
    host.fresh()
    assert host.attack("files.leave_something").result() == []
    assert host.attack("files.leave_something").result() == ["left behind"]
    host.fresh()
    assert host.attack("files.leave_something").result() == []


@pytest.mark.parametrize("do", ["deep_directories", "odd_names", "names_of_the_wiper", "loops"])
def test_the_host_removes_whatever_is_left_in_scratch(host: Host, do: str) -> None:
    host.attack(f"files.{do}", depth=1500).result()
    host.fresh()
    host.assert_nothing_left()


def test_what_a_crash_leaves_in_scratch_is_removed(host: Host) -> None:
    host.attack("files.odd_names").result()
    assert host.attack("interpreter.null_pointer").error is not None
    host.assert_nothing_left()


def test_links_in_scratch_lead_the_clean_up_nowhere(host: Host) -> None:
    host.attack("files.loops").result()
    host.fresh()
    assert os.listdir(host.ground.open_directory) == ["empty"]
    assert host.ground.damage() == []


def test_a_fault_names_the_plugin_and_the_limit(host: Host) -> None:
    behaviour = next(found for found in BEHAVIOURS if found.name == "files.fill_many_files")
    expected = behaviour.expected(host.protections)
    if not isinstance(expected, Fault):
        pytest.skip("the quota of a private root refuses it inside the plugin")
    outcome = host.attack(behaviour.do, **behaviour.inputs)
    assert "max_scratch_mb" in str(outcome.error)
