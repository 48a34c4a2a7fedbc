"""Many values of several types in one call."""

from __future__ import annotations

from platform_base.core.models import ProcessingResult


class Patchwork:
    """Shifts every part, and tells what it was given."""

    def execute(self, inputs):
        shifted = {number: part + inputs["params"]["shift"] for number, part in enumerate(inputs["parts"])}
        return ProcessingResult(
            values=shifted, metadata={"name": inputs["name"], "lengths": tuple(map(len, shifted.values()))}
        )

    def validate_inputs(self, inputs):
        return isinstance(inputs["parts"], list)

    def get_manifest(self):
        return {"plugin_id": "patchwork", "version": "1.0.0"}
