"""Settings ∩ manifest: what is granted, and which setting refuses what is not."""

from __future__ import annotations

import pytest

from platform_base.plugins._sandbox.grant import derive_policy
from platform_base.plugins.errors import PluginLoadError, SandboxUnavailableError
from platform_base.plugins.manifest import Manifest
from platform_base.plugins.settings import SecuritySettings


def manifest(**permissions):
    document = {"plugin_id": "p", "version": "1.0.0", "entry_point": "m.C", "permissions": permissions}
    return Manifest.model_validate(document)


def security(**keys):
    return SecuritySettings.model_validate(keys)


def test_a_plugin_that_asks_for_nothing_gets_the_limits_and_no_more(tmp_path):
    given = security(filesystem={"read": [str(tmp_path)]}, network={"tcp": ["a.example:1"]}, max_memory_mb=100)
    policy = derive_policy(given, manifest())
    assert policy.max_memory_bytes == 100 << 20
    assert policy.network == ()
    assert str(tmp_path) not in policy.read_paths
    assert policy.write_paths == ()


def test_what_is_asked_and_given_is_granted(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    given = security(
        filesystem={"read": [str(tmp_path)], "write": [str(inside)]},
        network={"tcp": ["a.example:1", "b.example:2"]},
        max_memory_mb=100,
        max_threads=8,
    )
    asked = manifest(
        filesystem={"read": [str(inside)], "write": [str(inside)]},
        network={"tcp": ["b.example:2"]},
        memory_mb=50,
        threads=4,
    )
    policy = derive_policy(given, asked)
    assert policy.network == (("b.example", 2),)
    assert str(inside) in policy.read_paths
    assert str(tmp_path) not in policy.read_paths
    assert policy.write_paths == (str(inside),)
    assert policy.max_memory_bytes == 50 << 20
    assert policy.max_threads == 4


@pytest.mark.parametrize(
    ("asked", "setting"),
    [
        ({"memory_mb": 513}, "security.max_memory_mb gives 512"),
        ({"threads": 33}, "security.max_threads gives 32"),
        ({"processes": 1}, "security.max_processes gives 0"),
        ({"gpu": True}, "permissions.gpu"),
        ({"network": {"tcp": ["a.example:1"]}}, "security.network gives none"),
        ({"filesystem": {"read": ["/etc"]}}, "security.filesystem.read gives nothing"),
        ({"filesystem": {"write": ["/var"]}}, "security.filesystem.write gives nothing"),
    ],
)
def test_what_is_not_given_names_the_setting(asked, setting):
    with pytest.raises(PluginLoadError, match=setting):
        derive_policy(security(), manifest(**asked))


def test_every_refusal_is_told_at_once():
    with pytest.raises(PluginLoadError) as caught:
        derive_policy(security(), manifest(memory_mb=9999, threads=999, gpu=True))
    assert str(caught.value).count("\n") == 3


def test_a_path_that_leads_out_of_what_is_given_is_refused(tmp_path):
    given, outside = tmp_path / "given", tmp_path / "outside"
    given.mkdir()
    outside.mkdir()
    (given / "link").symlink_to(outside)
    with pytest.raises(PluginLoadError, match="it asks for"):
        derive_policy(security(filesystem={"read": [str(given)]}), manifest(filesystem={"read": [str(given / "link")]}))


def test_processes_are_what_both_give():
    assert derive_policy(security(max_processes=8), manifest(processes=3)).max_processes == 3
    assert derive_policy(security(max_processes=8), manifest()).max_processes == 0


def test_processes_need_a_namespace():
    given = security(max_processes=1, namespaces="off")
    assert derive_policy(given, manifest()).max_processes == 0
    with pytest.raises(SandboxUnavailableError, match="process id namespace") as caught:
        derive_policy(given, manifest(processes=1))
    assert caught.value.protection == "pid_namespace"
