"""The candidates that run beside the releases that answer: at most one for each plugin."""

from __future__ import annotations

from platform_base.plugins._engines.base import Engine
from platform_base.plugins._reload.shadow import Shadow, ShadowReport
from platform_base.plugins._reload.switch import Switch
from platform_base.plugins.errors import PluginNotFoundError


class Shadows:
    """Shadows by plugin id; false while there is none."""

    def __init__(self, switch: Switch, engine: Engine) -> None:
        """Begin with none.

        Args:
            switch: Knows the releases that answer.
            engine: Runs the candidates.
        """
        self._switch = switch
        self._engine = engine
        self._shadows: dict[str, Shadow] = {}

    def __bool__(self) -> bool:
        return bool(self._shadows)

    def get(self, plugin_id: str) -> Shadow | None:
        """Return the shadow of a plugin; None: it has none."""
        return self._shadows.get(plugin_id)

    def begin(self, plugin_id: str, shadow: Shadow) -> None:
        """Prove a candidate and let it run from now on, in place of the one of before.

        Raises:
            PluginError: It does not load, or fails its self-test.
        """
        self._switch.prove(shadow.candidate.release)
        self._shadows[plugin_id] = shadow

    def report(self, plugin_id: str) -> ShadowReport:
        """Return what was found out.

        Raises:
            PluginNotFoundError: The plugin has no shadow.
        """
        return self._existing(plugin_id).report()

    def stop(self, plugin_id: str) -> ShadowReport:
        """End a shadow, and return what was found out.

        Raises:
            PluginNotFoundError: The plugin has no shadow.
        """
        shadow = self._existing(plugin_id)
        self._shadows.pop(plugin_id, None)
        if self._switch.active(plugin_id) != shadow.candidate.release:
            self._engine.retire(shadow.candidate.release)
        return shadow.report()

    def _existing(self, plugin_id: str) -> Shadow:
        shadow = self._shadows.get(plugin_id)
        if shadow is None:
            raise PluginNotFoundError(
                f"{plugin_id}: expected a plugin with a shadow, got one without; call shadow_plugin first",
                plugin_id=plugin_id,
            )
        return shadow
