"""What the operator's settings say about each release, and what it imports from."""

from __future__ import annotations

from platform_base.plugins._catalog.environments import Environment, Environments
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._catalog.requirements import check_requirements
from platform_base.plugins._engines.base import Deployment
from platform_base.plugins.errors import MissingDependencyError
from platform_base.plugins.settings import Settings


class Deployments:
    """Releases with the settings that apply to them; the latest of each plugin is remembered. Thread-safe."""

    def __init__(self, settings: Settings, environments: Environments) -> None:
        self._settings = settings
        self._environments = environments
        self._known: dict[str, Deployment] = {}

    def of(self, release: Release) -> Deployment:
        """Return a release with the settings that apply to it."""
        known = self._known.get(release.plugin_id)
        if known is not None and known.release is release:
            return known
        deployment = self._known[release.plugin_id] = Deployment(
            release=release,
            security=self._settings.security_for(release.plugin_id),
            workers=self._settings.workers_for(release.plugin_id),
            environment=self.environment(release),
        )
        return deployment

    def environment(self, release: Release) -> Environment | None:
        """Return what a release imports from, built or not; None: what the host has installed."""
        mode = self._settings.environments_for(release.plugin_id)
        requires = release.manifest.requires
        if mode == "shared" or not requires or self._settings.engine != "local":
            return None
        if mode == "auto":
            try:
                check_requirements(requires, plugin_id=release.plugin_id)
            except MissingDependencyError:
                return self._environments.place(requires)
            return None
        return self._environments.place(requires)

    def build_environment(self, release: Release) -> Environment | None:
        """Build what a release imports from; None: that is what the host has installed.

        Raises:
            MissingDependencyError: It cannot be built.
        """
        environment = self.environment(release)
        if environment is not None:
            self._environments.build(environment)
        return environment

    def meet_requirements(self, deployment: Deployment, *, building: bool) -> None:
        """Make sure that what a release requires is there.

        Args:
            deployment: The release.
            building: Build its environment if need be; that may take minutes.

        Raises:
            MissingDependencyError: It is not there, or cannot be built.
        """
        if deployment.environment is None:
            release = deployment.release
            check_requirements(release.manifest.requires, plugin_id=release.plugin_id)
        elif building:
            self._environments.build(deployment.environment)
