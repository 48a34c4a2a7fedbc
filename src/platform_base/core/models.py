"""What a plugin returns and what the host adds to it.

Both are made for every item of a batch, and a frozen dataclass takes ten times as long to make as `msgspec.Struct`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from platform_base.plots.figure import Labels


class Execution(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a result came about; filled in by the host, never by the plugin.

    Attributes:
        plugin_id: The plugin that ran.
        version: Its version, as its manifest says.
        digest: SHA-256 over the release's files, ``"sha256:..."``.
        parameters: Every declared parameter with the value that was used.
        wall_seconds: From handing the call to a worker until its answer was read, seconds.
        queue_seconds: Waiting for a worker before that, starting one included, seconds.
        cpu_seconds: CPU time of the worker during the call, user plus system, seconds.
        peak_memory_bytes: Largest resident memory of the worker during the call, bytes; it includes the
            Python interpreter and NumPy (about 30 MB) and the inputs that the worker looked at.
        protections: Names of the protections in force, such as ``"landlock"``.
        engine: Where it ran: ``"local"`` (a confined process) or ``"inline"`` (sandboxing off).
        warnings: What the host wants the caller to know, such as output that was cut.
        run_id: Name of this call, 32 hexadecimal digits that rise with time; a failed call's error has it too.
    """

    plugin_id: str
    version: str
    digest: str
    parameters: Mapping[str, Any]
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    protections: tuple[str, ...]
    engine: str
    queue_seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    run_id: str = ""


class ProcessingResult(msgspec.Struct, frozen=True):
    """The answer of a plugin.

    Attributes:
        values: The main result, usually a NumPy array.
        metadata: Named extras: distances, paths, units.
        execution: How the result came about; ``None`` until the host has filled it in.

    Example:
        >>> ProcessingResult(values=[1.0, 2.0], metadata={"unit": "m"}).metadata["unit"]
        'm'
    """

    values: Any
    metadata: dict[str, Any] = {}
    execution: Execution | None = None

    def plot(
        self, inputs: Mapping[str, Any] | None = None, *, labels: Labels | None = None, figure: Figure | None = None
    ) -> list[Axes]:
        """Draw the result: an alignment with connectors and path, a filter with its response, else inputs and values.

        Args:
            inputs: What the plugin was given, by name; a result does not keep it. An alignment cannot be drawn without.
            labels: Words for the axes, `platform_base.plots.figure.Labels`.
            figure: An empty figure; None: a new one of pyplot, which a notebook shows below the cell.

        Returns:
            The axes, to be changed further.

        Raises:
            ImportError: Matplotlib is not installed; it comes with the extra `plot`.
            ValueError: A number is too large for an axis: `platform_base.plots.figure.UndrawableError`.
        """
        from platform_base.plots.axes import plot_result  # workers import this module, and draw nothing

        return plot_result(self, inputs or {}, labels=labels, figure=figure)

    def _repr_html_(self) -> str:
        from platform_base.core.notebook import show_result

        return show_result(self)
