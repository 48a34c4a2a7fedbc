"""The plugin `twed_distance`: time warp edit distance, and the other elastic distances between two series."""

from __future__ import annotations

from typing import Any

from platform_base.core.models import ProcessingResult
from platform_base.kernels.inputs import refuse_unknown_inputs
from platform_base.plugins.base import PluginProtocol

from .distance import compare
from .distances import make_distance
from .kernels import choose_kernel


class TWEDPlugin(PluginProtocol):
    """Compares `series1` with `series2`; see README.md for inputs, parameters and metadata."""

    def execute(self, inputs: dict[str, Any]) -> ProcessingResult:
        """Compute the distance.

        Args:
            inputs: ``series1`` ``(n,)`` or ``(n, channels)``, ``series2`` ``(m,)`` or ``(m, channels)``,
                optionally ``times1`` ``(n,)`` and ``times2`` ``(m,)``, and ``params`` with any of ``distance``,
                the parameters of that distance, ``window_size``, ``nan_policy``, ``cost_matrix`` and ``path``.

        Returns:
            The distance, with the cost matrix, and on request the path, in the metadata.

        Raises:
            ValueError: If a series, a time stamp or a parameter cannot be used, as `twed_distance` says, or an input
                is unknown.
            TypeError: If one of them is no real number.
        """
        refuse_unknown_inputs(inputs, ("series1", "series2", "times1", "times2"))
        parameters = dict(inputs.get("params", {}))
        name = parameters.pop("distance", "twed")
        wants_matrix = parameters.pop("cost_matrix", True)
        wants_path = parameters.pop("path", False)
        window_size = parameters.pop("window_size", None)
        nan_policy = parameters.pop("nan_policy", "raise")
        kernel = choose_kernel("auto")
        comparison = compare(
            make_distance(name, parameters),
            inputs["series1"],
            inputs["series2"],
            times=(inputs.get("times1"), inputs.get("times2")),
            window_size=window_size,
            nan_policy=nan_policy,
            kernel=kernel,
            matrix=wants_matrix,
            path=wants_path,
        )
        return ProcessingResult(
            values=comparison.distance,
            metadata={
                "distance": comparison.distance,
                "distance_name": name,
                "cost_matrix": comparison.matrix,
                "path": comparison.path,
                "kernel": kernel,
            },
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
