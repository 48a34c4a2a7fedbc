"""What `platform-base validate --probe` prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from platform_base.cli.render import print_table, visible

if TYPE_CHECKING:
    from platform_base.plugins.testing.probe import Probe

_MOST_SHOWN = 8
_MOST_PATHS = 3


def print_probe(probe: Probe) -> None:
    """Print what was observed: time, memory and modules, permissions used and asked for, and what to change."""
    print("\nobserved in a throw-away worker, by audit events in the plugin's own process: advice, not proof")
    for name, text in _facts(probe).items():
        print(f"  {name:<12} {visible(text)}")
    rows = [
        [f"  {use.name}", _listed(use.asked) or "-", _listed(use.loading) or "-", _listed(use.running) or "-"]
        for use in probe.permissions
    ]
    print()
    print_table(["  permission", "asked for", "used while loading", "used in self-tests"], rows)
    print()
    advice = [f"permissions.{use.name}: {use.advice}" for use in probe.permissions if use.advice]
    for line in (*probe.failed, *advice, *probe.advice):
        print(f"  note: {visible(line)}")
    print(f'  least that covers this: "permissions": {visible(json.dumps(probe.least))}')


def _facts(probe: Probe) -> dict[str, str]:
    ran = (
        f"{probe.cpu_seconds:.3f} s CPU in {probe.wall_seconds:.3f} s for {probe.self_tests} self-tests"
        if probe.self_tests
        else "the manifest names no self-test"
    )
    peaks = f"{probe.load_peak_mb:.1f} MB after loading"
    if probe.self_tests:
        peaks += f", {probe.run_peak_mb:.1f} MB in the self-tests"
    packages = sorted(probe.packages.items(), key=lambda item: -item[1])
    named = ", ".join(f"{name} {count}" if count else name for name, count in packages[:_MOST_SHOWN])
    rest = f" and {len(packages) - _MOST_SHOWN} more" if len(packages) > _MOST_SHOWN else ""
    return {
        "load time": f"{probe.load_seconds:.3f} s with a worker's start, {probe.import_seconds:.3f} s importing",
        "self-tests": ran,
        "peak memory": f"{peaks}; interpreter and NumPy included",
        "modules": f"{len(probe.own_modules)} of its own, {probe.standard_modules} of the standard library",
        "packages": f"{named or 'none'}{rest}",
    }


def _listed(names: tuple[str, ...]) -> str:
    shown = "\n".join(names[:_MOST_PATHS])
    return f"{shown}\nand {len(names) - _MOST_PATHS} more" if len(names) > _MOST_PATHS else shown
