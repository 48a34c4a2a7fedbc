"""Run with ``pytest`` from anywhere; the fixtures come with platform_base."""


def test_property(plugin_property):
    """What any caller may expect, one case for each property: the self-tests, the same bits twice, NaN and so on."""
    plugin_property.require()
