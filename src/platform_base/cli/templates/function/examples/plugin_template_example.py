"""Run the plugin in a confined process, on its own self-tests: ``python examples/plugin_template_example.py``."""

from __future__ import annotations

from pathlib import Path

from platform_base.plugins.registry import PluginRegistry

PLUGIN = Path(__file__).resolve().parents[1]


def main() -> None:
    """Carry out the calls whose results the manifest knows, and print how they fared."""
    with PluginRegistry() as registry:
        registry.discover_plugins(PLUGIN)
        for trial in registry.run_self_test("plugin_template"):
            print(f"{trial['name']}: {'; '.join(trial['findings']) or 'as expected'} ({trial['seconds']:.2f} s)")


if __name__ == "__main__":
    main()
