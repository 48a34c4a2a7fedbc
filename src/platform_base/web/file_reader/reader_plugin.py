"""The plugin that reads uploads: whatever a damaged or hostile file does to a parser, it does it here."""

from __future__ import annotations

from typing import Any

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import PluginProtocol
from platform_base.series.base import SeriesFile
from platform_base.series.errors import SeriesFileError
from platform_base.series.readers import reader_for


class FileReader(PluginProtocol):
    """Turns the bytes of a file into columns."""

    def execute(self, inputs: dict[str, Any]) -> ProcessingResult:
        """Read every column.

        Args:
            inputs: ``content``, ``(n,)`` uint8, the bytes of the file; ``name``, what it was called.

        Returns:
            Columns by name; in the metadata ``left_out``, reasons by column, and ``remark``. A file that cannot be read
            gives no columns, and ``error``.
        """
        file = SeriesFile.in_memory(inputs["name"], inputs["content"].tobytes())
        try:
            contents = reader_for(file).read_all(file)
        except SeriesFileError as error:
            return ProcessingResult(values={}, metadata={"error": str(error)})
        return ProcessingResult(
            values=contents.columns, metadata={"left_out": contents.left_out, "remark": contents.remark}
        )

    def validate_inputs(self, inputs: dict[str, Any]) -> bool:
        """Say whether there are a name and bytes."""
        return isinstance(inputs.get("name"), str) and inputs.get("content") is not None

    def get_manifest(self) -> dict[str, Any]:
        """Return what must agree with `manifest.json`."""
        return {"plugin_id": "file_reader", "version": "1.0.0"}
