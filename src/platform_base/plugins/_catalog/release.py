"""One plugin at one version, as it was found on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from platform_base.plugins.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A manifest, the directory it lies in, and what the directory held.

    Attributes:
        manifest: The document.
        directory: Absolute, links resolved.
        digest: SHA-256 over the files, ``"sha256:..."``; see `digest.compute_digest`.
    """

    manifest: Manifest
    directory: Path
    digest: str

    @property
    def plugin_id(self) -> str:
        """The plugin's id."""
        return self.manifest.plugin_id

    @property
    def version(self) -> str:
        """Its semantic version."""
        return self.manifest.version

    @property
    def key(self) -> tuple[str, str, str]:
        """Plugin id, version and digest: equal exactly for releases that are interchangeable."""
        return self.plugin_id, self.version, self.digest
