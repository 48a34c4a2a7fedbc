"""The plugin `custom_filters`: digital filters."""

from __future__ import annotations

from typing import Any

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import PluginProtocol

from .filters import filter_series


class FiltersPlugin(PluginProtocol):
    """Filters `series`; see README.md for inputs, parameters and metadata."""

    def execute(self, inputs: dict[str, Any]) -> ProcessingResult:
        """Filter the series.

        Args:
            inputs: ``series`` ``(n,)`` or ``(n, channels)``, and ``params`` with any of the parameters of
                `filter_series`, where ``cutoff_high`` is the upper edge of a band.

        Returns:
            The filtered series, with the filter's sections and frequency response in the metadata.

        Raises:
            ValueError: If the series or a parameter cannot be used, as `filter_series` says.
            TypeError: If the series holds no real numbers.
        """
        parameters = dict(inputs.get("params", {}))
        high = parameters.pop("cutoff_high", None)
        if high is not None:
            parameters["cutoff"] = [parameters.get("cutoff", 0.1), high]
        filtered = filter_series(inputs["series"], **parameters)
        response = filtered.response
        return ProcessingResult(
            values=filtered.values,
            metadata={
                "filter_type": parameters.get("filter_type", "butterworth"),
                "btype": filtered.btype,
                "sos": filtered.sos,
                "freqs": None if response is None else response.freqs,
                "magnitude_db": None if response is None else response.magnitude_db,
                "phase": None if response is None else response.phase,
                "sampling_rate": filtered.sampling_rate,
                "freq_unit": "nyquist" if filtered.sampling_rate is None else "Hz",
            },
        )

    def validate_inputs(self, inputs: dict[str, Any]) -> bool:
        """Say whether the series is there; `execute` says what is wrong with its values."""
        return inputs.get("series") is not None

    def get_manifest(self) -> dict[str, Any]:
        """Return the metadata that must agree with `manifest.json`."""
        return {
            "plugin_id": "custom_filters",
            "version": "1.0.0",
            "description": "Digital filters in second-order sections, Savitzky-Golay, median",
        }
