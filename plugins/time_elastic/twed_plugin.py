"""The plugin `twed_distance`: time warp edit distance."""

from __future__ import annotations

from typing import Any

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import PluginProtocol

from .kernels import choose_kernel
from .twed import twed_distance, twed_matrix


class TWEDPlugin(PluginProtocol):
    """Compares `series1` with `series2`; see README.md for inputs, parameters and metadata."""

    def execute(self, inputs: dict[str, Any]) -> ProcessingResult:
        """Compute the distance.

        Args:
            inputs: ``series1`` ``(n,)`` or ``(n, channels)``, ``series2`` ``(m,)`` or ``(m, channels)``,
                optionally ``times1`` ``(n,)`` and ``times2`` ``(m,)``, and ``params`` with any of ``nu``,
                ``lambda``, ``degree``, ``cost_matrix``.

        Returns:
            The distance, with the cost matrix in the metadata.

        Raises:
            ValueError: If a series, a time stamp or a parameter cannot be used, as `twed_distance` says.
            TypeError: If one of them is no real number.
        """
        parameters = dict(inputs.get("params", {}))
        wants_matrix = parameters.pop("cost_matrix", True)
        if "lambda" in parameters:
            parameters["lmbda"] = parameters.pop("lambda")
        kernel = choose_kernel("auto")
        arguments = {
            "times1": inputs.get("times1"),
            "times2": inputs.get("times2"),
            "kernel": kernel,
            **parameters,
        }
        if wants_matrix:
            matrix = twed_matrix(inputs["series1"], inputs["series2"], **arguments)
            distance = float(matrix[-1, -1])
        else:
            matrix = None
            distance = twed_distance(inputs["series1"], inputs["series2"], **arguments)
        return ProcessingResult(
            values=distance, metadata={"distance": distance, "cost_matrix": matrix, "kernel": kernel}
        )

    def validate_inputs(self, inputs: dict[str, Any]) -> bool:
        """Say whether both series are there; `execute` says what is wrong with their values."""
        return all(inputs.get(name) is not None for name in ("series1", "series2"))

    def get_manifest(self) -> dict[str, Any]:
        """Return the metadata that must agree with `manifest.json`."""
        return {
            "plugin_id": "twed_distance",
            "version": "1.0.0",
            "description": "Time warp edit distance between two series",
        }
