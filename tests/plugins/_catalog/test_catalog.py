"""Which release answers for a plugin id."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import semver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_base.plugins._catalog.catalog import Catalog
from platform_base.plugins._catalog.release import Release
from platform_base.plugins.errors import IncompatiblePluginError, ManifestError, PluginNotFoundError
from platform_base.plugins.manifest import Manifest

#: A busy machine is no fault of the code.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def make(
    version: str = "1.0.0",
    plugin_id: str = "p",
    *,
    directory: str = "",
    digest: str = "",
    least: str = "2.0.0",
) -> Release:
    manifest = Manifest.model_validate(
        {"plugin_id": plugin_id, "version": version, "entry_point": "m.C", "core_min_version": least}
    )
    place = Path("/plugins") / (directory or f"{plugin_id}-{version}")
    return Release(manifest=manifest, directory=place, digest=digest or f"sha256:{plugin_id}{version}")


def catalog_of(*releases: Release) -> Catalog:
    catalog = Catalog("2.0.0")
    for release in releases:
        catalog.add(release)
    return catalog


def test_highest_stable_version_is_active() -> None:
    catalog = catalog_of(make("1.9.0"), make("1.10.0"), make("2.0.0-rc.1"), make("1.2.0"))

    assert catalog.active("p").version == "1.10.0"
    assert [release.version for release in catalog.versions("p")] == [
        "1.2.0",
        "1.9.0",
        "1.10.0",
        "2.0.0-rc.1",
    ]


def test_prerelease_is_active_when_nothing_is_stable() -> None:
    assert catalog_of(make("1.0.0-alpha"), make("1.0.0-beta")).active("p").version == "1.0.0-beta"


def test_incompatible_versions_are_passed_over() -> None:
    catalog = catalog_of(make("1.0.0"), make("1.1.0-rc.1"), make("2.0.0", least="3.0.0"))

    assert catalog.active("p").version == "1.0.0"
    assert catalog_of(make("1.0.0-rc.1"), make("2.0.0", least="3.0.0")).active("p").version == "1.0.0-rc.1"


def test_only_incompatible_versions() -> None:
    catalog = catalog_of(make("1.0.0", least="2.5.0"), make("2.0.0", least="3.0.0"))

    with pytest.raises(IncompatiblePluginError, match=r"at least 3\.0\.0, got 2\.0\.0"):
        catalog.active("p")


def test_activation_pins_a_version_and_none_unpins_it() -> None:
    catalog = catalog_of(make("1.0.0"), make("2.0.0"))

    assert catalog.activate("p", "1.0.0").version == "1.0.0"
    catalog.add(make("3.0.0"))
    assert catalog.active("p").version == "1.0.0"
    assert catalog.activate("p", None).version == "3.0.0"
    assert catalog.active("p").version == "3.0.0"


def test_activation_of_what_cannot_run_changes_nothing() -> None:
    catalog = catalog_of(make("1.0.0"), make("2.0.0", least="3.0.0"))

    with pytest.raises(IncompatiblePluginError):
        catalog.activate("p", "2.0.0")
    with pytest.raises(PluginNotFoundError, match=r"known versions \(1.0.0, 2.0.0\), got '4.0.0'"):
        catalog.activate("p", "4.0.0")
    assert catalog.active("p").version == "1.0.0"


def test_same_release_again_is_no_change() -> None:
    first = make()
    catalog = catalog_of(first)

    assert catalog.add(make(directory="a copy")) is None
    assert catalog.get("p", "1.0.0") is first


def test_same_version_with_other_files_elsewhere_is_refused() -> None:
    catalog = catalog_of(make(directory="first"))

    with pytest.raises(ManifestError) as caught:
        catalog.add(make(directory="second", digest="sha256:other"))
    assert "/plugins/first" in str(caught.value)
    assert "/plugins/second" in str(caught.value)
    assert catalog.get("p", "1.0.0").directory == Path("/plugins/first")


def test_edited_directory_replaces_its_release_and_keeps_the_pin() -> None:
    first, second = make(directory="d"), make(directory="d", digest="sha256:other")
    catalog = catalog_of(first, make("2.0.0"))
    catalog.activate("p", "1.0.0")

    assert catalog.add(second) is first
    assert catalog.active("p") is second


def test_new_version_in_the_same_directory_replaces_the_old_one() -> None:
    first, second = make("1.0.0", directory="d"), make("1.1.0", directory="d")
    catalog = catalog_of(first)

    assert catalog.add(second) is first
    assert catalog.versions("p") == (second,)


def test_new_id_in_the_same_directory_replaces_the_old_one() -> None:
    catalog = catalog_of(make(directory="d"))
    catalog.add(make(plugin_id="q", directory="d"))

    assert catalog.ids() == ("q",)


def test_removal_of_one_version_and_of_all() -> None:
    one, two = make("1.0.0"), make("2.0.0")
    catalog = catalog_of(one, two, make(plugin_id="q"))
    catalog.activate("p", "2.0.0")

    assert catalog.remove("p", "2.0.0") == (two,)
    assert catalog.active("p") is one
    assert catalog.remove("p") == (one,)
    assert catalog.ids() == ("q",)
    with pytest.raises(PluginNotFoundError):
        catalog.remove("p")
    assert catalog.add(two) is None
    assert catalog.active("p") is two


def test_unknown_plugin_names_the_nearest() -> None:
    catalog = catalog_of(make(plugin_id="dtw_align"), make(plugin_id="custom_filters"))

    with pytest.raises(PluginNotFoundError, match="got 'dtw_aling'; did you mean 'dtw_align'") as caught:
        catalog.active("dtw_aling")
    assert caught.value.plugin_id == "dtw_aling"
    with pytest.raises(PluginNotFoundError, match="call discover_plugins first"):
        catalog_of().active("p")


PARTS = st.integers(0, 12)
VERSIONS = st.builds(
    "{}.{}.{}{}".format, PARTS, PARTS, PARTS, st.sampled_from(["", "", "-rc.1", "-rc.10", "-rc.2", "-alpha"])
)


@UNHURRIED
@given(st.lists(VERSIONS, min_size=1, max_size=8, unique=True))
def test_active_is_the_highest_whatever_the_order(versions: list[str]) -> None:
    stable = [version for version in versions if "-" not in version] or versions
    highest = max(stable, key=functools.cmp_to_key(lambda one, two: semver.Version.parse(one).compare(two)))

    assert catalog_of(*(make(version) for version in versions)).active("p").version == highest
