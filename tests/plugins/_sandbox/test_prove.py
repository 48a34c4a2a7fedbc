"""The self-test finds a layer that says yes and does nothing."""

from __future__ import annotations

import msgspec
import pytest

from platform_base.plugins._sandbox.base import ConfinementError
from platform_base.plugins._sandbox.confine import confine, read_baseline
from platform_base.plugins._sandbox.prove import prove


def proven(cell, policy, *, claimed=(), promised=None):
    """Confine under `policy`, then prove `promised` with the names that are claimed besides the true ones."""
    baseline = read_baseline()

    def act():
        real = cell.readable(policy)
        names = confine(real, baseline)
        try:
            return list(prove(promised or real, (*names, *claimed)))
        except ConfinementError as error:
            return [error.protection, error.reason]

    report = cell.fork(act)
    assert not report.error, report
    return report.value


def test_full_confinement_holds(cell):
    tried = proven(cell, cell.policy())

    assert {"fork", "exec", "chmod", "socket", "signal", "raise a limit", "become root", "read /"} <= set(tried)
    assert any(what.startswith("write in") for what in tried)


def test_nothing_is_asked_of_a_policy_that_is_switched_off(cell):
    assert proven(cell, cell.policy(enabled=False)) == []


@pytest.mark.parametrize(
    ("layer", "untried", "tried"),
    [
        ("rlimits", "raise a limit", "fork"),
        ("identity", None, "become root"),
        ("no_new_privs", None, "fork"),
        ("landlock", "read /", "fork"),
        ("seccomp", "fork", "read /"),
    ],
)
def test_a_layer_that_is_left_out_is_not_tried_and_the_others_are(cell, layer, untried, tried):
    found = proven(cell, cell.policy(switched_off=(layer,)))

    assert tried in found
    assert untried not in found


@pytest.mark.parametrize("layer", ["rlimits", "landlock", "seccomp", "no_new_privs"])
def test_a_required_layer_that_is_not_in_force_is_found(cell, layer):
    policy = cell.policy(switched_off=(layer,))
    promised = msgspec.structs.replace(cell.policy(), read_paths=policy.read_paths)

    assert proven(cell, policy, promised=promised) == [layer, "it is not in force"]


def test_landlock_that_does_nothing_is_found(cell):
    found = proven(cell, cell.policy(switched_off=("landlock",)), claimed=("landlock",), promised=cell.policy())

    assert found == ["landlock", "read /: expected a refusal, got through"]


def test_seccomp_that_does_nothing_is_found(cell):
    found = proven(cell, cell.policy(switched_off=("seccomp",)), claimed=("seccomp",), promised=cell.policy())

    assert found == ["seccomp", "fork: expected a refusal, got through"]


def test_tcp_rules_that_do_nothing_are_found(cell):
    off = ("seccomp", "landlock_tcp")
    found = proven(
        cell, cell.policy(switched_off=off), claimed=("landlock_tcp",), promised=cell.policy(switched_off=off)
    )

    assert found == ["landlock_tcp", "bind: expected a refusal, got through"]


def test_a_change_of_user_that_does_nothing_is_found(root_cell):
    policy = root_cell.policy(switched_off=("identity",))

    assert proven(root_cell, policy, promised=root_cell.policy()) == [
        "identity",
        "the worker still runs as root",
    ]


def test_limits_that_are_left_out_are_not_tried(ordinary_cell):
    """Where the limits are left out, nothing is asked of them."""
    policy = ordinary_cell.policy(switched_off=("rlimits", "seccomp"))
    tried = proven(ordinary_cell, policy)

    assert "raise a limit" not in tried


def test_capabilities_that_stay_are_found(root_cell):
    policy = root_cell.policy(switched_off=("identity",))
    promised = root_cell.policy(accept_missing=("identity",))

    protection, reason = proven(root_cell, policy, promised=promised)

    assert protection == "capabilities"
    assert reason.startswith("expected none, got 0x")
