"""The plugin `custom_filters`: digital filters."""

from __future__ import annotations

from typing import Any

from platform_base.core.models import ProcessingResult
from platform_base.kernels.inputs import refuse_unknown_inputs
from platform_base.plugins.base import PluginProtocol, get_context

from .cascade import Cascade
from .filters import FilteredSeries, filter_series
from .options import FilterOptions


class FiltersPlugin(PluginProtocol):
    """Filters `series`; see README.md for inputs, parameters and metadata."""

    def execute(self, inputs: dict[str, Any]) -> ProcessingResult:
        """Filter the series.

        Args:
            inputs: ``series``, ``(n,)``, ``(n, channels)`` or any shape with time along ``axis``; optionally ``times``
                ``(n,)``; and ``params`` with any of the parameters of `filter_series` and `FilterOptions`, where
                ``cutoff_high`` is the upper edge of a band.

        Returns:
            The filtered series, with the filter's sections and responses in the metadata.

        Raises:
            ValueError: If the series or a parameter cannot be used, as `filter_series` says, or an input is unknown.
            TypeError: If the series holds no real numbers.
        """
        refuse_unknown_inputs(inputs, ("series", "times"))
        parameters = dict(inputs.get("params", {}))
        high = parameters.pop("cutoff_high", None)
        if high is not None:
            parameters["cutoff"] = [parameters.get("cutoff", FilterOptions().cutoff), high]
        filtered = filter_series(inputs["series"], times=inputs.get("times"), **parameters)
        metadata = {"filter_type": parameters.get("filter_type", FilterOptions().filter_type), **describe(filtered)}
        for warning in filtered.warnings:
            get_context().log.warning("%s", warning)
        return ProcessingResult(values=filtered.values, metadata=metadata)

    def validate_inputs(self, inputs: dict[str, Any]) -> bool:
        """Say whether the series is there; `execute` says what is wrong with its values."""
        return inputs.get("series") is not None

    def get_manifest(self) -> dict[str, Any]:
        """Return the metadata that must agree with `manifest.json`."""
        return {
            "plugin_id": "custom_filters",
            "version": "1.0.0",
            "description": "Digital filters: recursive, FIR, Savitzky-Golay, median, Kalman, Whittaker",
        }


def describe(filtered: FilteredSeries) -> dict[str, Any]:
    """Return what the metadata say of a filter; README.md lists the keys."""
    response, impulse = filtered.response, filtered.impulse
    cascade = filtered.filter if isinstance(filtered.filter, Cascade) else None
    return {
        "btype": filtered.btype,
        "sos": filtered.sos,
        "freqs": None if response is None else response.freqs,
        "magnitude_db": None if response is None else response.magnitude_db,
        "phase": None if response is None else response.phase,
        "impulse_times": None if impulse is None else impulse.times,
        "impulse_response": None if impulse is None else impulse.values,
        "sampling_rate": filtered.sampling_rate,
        "freq_unit": "nyquist" if filtered.sampling_rate is None else "Hz",
        "pole_radius": None if cascade is None else cascade.pole_radius,
        "settling_samples": None if cascade is None else cascade.samples_until(1e-6),
        "standard_error": filtered.standard_error,
        "noise_ratio": filtered.noise_ratio,
        "missing": filtered.missing,
        "kernel": filtered.kernel,
        "warnings": list(filtered.warnings),
    }
