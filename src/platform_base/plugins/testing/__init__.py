"""Trying a plugin the way its users will: `check_plugin`, and fixtures for pytest.

Importing this package loads nothing of the host: pytest imports it in every run, also where nobody tests a plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from platform_base.plugins.testing.report import Finding, PluginReport, Verdict
    from platform_base.plugins.testing.suite import check_plugin

__all__ = ["Finding", "PluginReport", "Verdict", "check_plugin"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: see PEP 562."""
    if name == "check_plugin":
        from platform_base.plugins.testing.suite import check_plugin

        return check_plugin
    if name in __all__:
        from platform_base.plugins.testing import report

        return getattr(report, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
