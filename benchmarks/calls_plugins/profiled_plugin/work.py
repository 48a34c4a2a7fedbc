"""Doubles a series, and profiles the worker that does it."""

from __future__ import annotations

import cProfile

from platform_base.core.models import ProcessingResult


class Work:
    """Between ``begin`` and ``end`` everything that the worker's thread does is counted, not only the plugin."""

    _profile: cProfile.Profile

    def execute(self, inputs):
        if inputs.get("profile") == "begin":
            self._profile = cProfile.Profile()
            self._profile.enable()
        elif inputs.get("profile") == "end":
            self._profile.disable()
            return ProcessingResult(values=self._read())
        return ProcessingResult(values=inputs["series"] * 2 if "series" in inputs else None)

    def _read(self):
        """Return (file, function, calls, seconds in it alone) of every function."""
        return [
            ("", entry.code, entry.callcount, entry.inlinetime)
            if isinstance(entry.code, str)
            else (entry.code.co_filename, entry.code.co_name, entry.callcount, entry.inlinetime)
            for entry in self._profile.getstats()
        ]

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "profiled_plugin", "version": "1.0.0"}
