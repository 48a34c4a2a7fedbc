"""Who a worker is, and what it may not become again."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_base.plugins._sandbox import linux
from platform_base.plugins._sandbox.identity import Identity, choose_uid, pick_uid

EVERYTHING = [(0, 0xFFFFFFFE)]
ROOT = os.geteuid() == 0


@given(st.integers(0, 1 << 40))
def test_ids_are_above_everything_that_is_in_use(sequence):
    uid = pick_uid(sequence, EVERYTHING)

    assert 0x70000000 <= uid <= 0x7000FFFF


@given(st.integers(0, 1 << 20), st.integers(1, 65535))
def test_workers_close_to_each_other_are_different_users(sequence, distance):
    assert pick_uid(sequence, EVERYTHING) != pick_uid(sequence + distance, EVERYTHING)


@given(st.integers(0, 1 << 40), st.integers(0, 100_000), st.integers(0, 100_000))
def test_ids_are_always_mapped_and_never_privileged(sequence, first, length):
    uid = pick_uid(sequence, [(0, 0), (first, first + length)])

    assert uid is None or (first <= uid <= first + length and uid >= 1000 and uid not in (65534, 65535))


def test_a_rootless_container_has_ids_too():
    assert pick_uid(0, [(0, 0), (1, 65536)]) == 65533
    assert pick_uid(1, [(0, 0), (1, 65536)]) == 65532


def test_root_of_a_namespace_that_maps_nobody_else_has_none():
    assert pick_uid(0, [(0, 0)]) is None


def test_user_and_group_must_both_be_mapped(root_cell):
    (root_cell.place / "uid_map").write_text("0 100000 65536\n")
    (root_cell.place / "gid_map").write_text("0 100000 2000\n")

    assert choose_uid(0, root_cell.place) == 1999


def test_an_ordinary_user_has_no_choice(ordinary_cell):
    assert ordinary_cell.fork(lambda: choose_uid(0)).value is None


def test_root_becomes_somebody_without_any_right(root_cell):
    def look():
        return [os.getresuid(), os.getresgid(), os.getgroups(), linux.capget()[2]]

    uid = root_cell.uid

    assert root_cell.run(look, root_cell.only("identity")).value == [[uid] * 3, [uid] * 3, [], 0]


def test_nothing_leads_back(root_cell):
    def climb():
        refused = []
        for act in (
            lambda: os.setuid(0),
            lambda: os.setresuid(-1, 0, -1),
            lambda: os.setgid(0),
            lambda: os.setgroups([0]),
            lambda: os.kill(os.getppid(), 0),
            lambda: os.chown(".", 0, 0),
            lambda: os.open("/etc/shadow", os.O_RDONLY),
            lambda: linux.capset(effective=1, permitted=1),
            lambda: linux.prctl(linux.PR_SET_SECUREBITS, 0),
            lambda: linux.prctl(linux.PR_CAPBSET_DROP, 0),
        ):
            try:
                act()
            except PermissionError:
                refused.append(True)
            else:
                refused.append(False)
        return refused

    assert root_cell.run(climb, root_cell.only("identity")).value == [True] * 10


def test_an_ordinary_user_keeps_its_id_and_no_capability(ordinary_cell):
    def look():
        return [os.getuid(), list(linux.capget())]

    report = ordinary_cell.run(look, ordinary_cell.only("identity"))

    assert report.value == [ordinary_cell.uid if ROOT else os.getuid(), [0, 0, 0]]


@pytest.fixture
def hidden(root_cell):
    """A directory behind one that only root may enter."""
    top = Path(tempfile.mkdtemp(prefix="hidden-"))
    (top / "python").mkdir(mode=0o755)
    (top / "python" / "module.py").write_text("x = 1")
    yield top / "python"
    shutil.rmtree(top)


def test_the_right_to_read_is_kept_only_where_it_is_needed(root_cell, hidden):
    def capabilities():
        return list(linux.capget())

    own = str(root_cell.own)
    needed = root_cell.policy(read_paths=(own, str(hidden)), switched_off=("seccomp",))
    useless = root_cell.policy(read_paths=(own,), switched_off=("seccomp",))

    assert root_cell.run(capabilities, needed).value == [1 << linux.CAP_DAC_READ_SEARCH] * 2 + [0]
    assert root_cell.run(capabilities, useless).value == [0, 0, 0]
    assert root_cell.run((hidden / "module.py").read_text, needed).value == "x = 1"


def test_the_right_to_read_stays_inside_landlock(root_cell, hidden):
    policy = root_cell.policy(read_paths=(str(root_cell.own), str(hidden)), switched_off=("seccomp",))
    (hidden.parent / "secret").write_text("secret")

    assert root_cell.run((hidden.parent / "secret").read_text, policy).error == "PermissionError"
    assert root_cell.run(Path("/etc/shadow").read_text, policy).error == "PermissionError"


def test_root_without_another_user_is_refused(root_cell):
    report = root_cell.run(os.getpid, root_cell.policy(uid=None))

    assert report.error == "ConfinementError"
    assert "identity: the worker would run as root" in report.text


def test_root_that_was_accepted_has_no_capability(root_cell):
    os.chown(root_cell.scratch, 0, 0)  # root without capabilities enters only what is its own
    policy = root_cell.policy(uid=None, accept_missing=("identity",))
    report = root_cell.run(lambda: [os.getuid(), list(linux.capget())], policy)

    assert report.value == [0, [0, 0, 0]]
    assert "identity" not in root_cell.names(policy).value


def test_an_ordinary_user_cannot_be_asked_to_become_another(ordinary_cell):
    report = ordinary_cell.run(os.getpid, ordinary_cell.policy(uid=1234))

    assert report.error == "ConfinementError"
    assert "expected to start as root" in report.text


def test_probe_names_the_user(root_cell):
    assert Identity().probe().available
    assert str(choose_uid(0)) in Identity().probe().detail


def test_root_without_the_right_to_change_user_is_unavailable(root_cell):
    def probe():
        linux.capset(effective=0, permitted=0)
        found = Identity().probe()
        return [found.available, found.reason]

    assert root_cell.fork(probe).value == [False, "root without CAP_SETUID or CAP_SETGID"]
