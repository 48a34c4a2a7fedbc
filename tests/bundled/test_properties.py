"""The bundled plugins have the properties that every caller may expect."""

from __future__ import annotations

import pytest
from tests.conftest import REPOSITORY

from platform_base.plugins.testing import check_plugin
from platform_base.plugins.testing.properties import PROPERTIES

# The plugins compile kernels at their first call, which half a core would make the most of this test.
SETTINGS = {"security": {"max_cpu_percent": None}}
#: What is watched is a copy of the plugin, whose kernels would be compiled anew.
NOT_HERE = {"inputs_unmodified"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["advanced_sync", "time_elastic", "custom_filters"])
def test_a_bundled_plugin_has_every_property(name, nothing_left):
    wanted = [each.name for each in PROPERTIES if each.name not in NOT_HERE]
    report = check_plugin(REPOSITORY / "plugins" / name, config=SETTINGS, only=wanted)
    report.require()
    tried = {verdict.name for verdict in report.verdicts if verdict.state == "passed"}
    assert {"self_tests", "deterministic", "stateless", "nan", "empty", "wrong_type"} <= tried
