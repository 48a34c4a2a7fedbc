"""This project, in the default sandbox."""

from __future__ import annotations

from pathlib import Path

from peers.base import PastDeadlineError, Peer, UnsupportedError
from platform_base.plugins.errors import PluginTimeoutError
from platform_base.plugins.registry import PluginRegistry

PLUGINS = Path(__file__).parent.parent / "calls_plugins"
NAME = "calls_plugin"


PRELOADED = ("scipy.signal", "numba")


class PlatformBase(Peer):
    """Shipped settings, but a whole core for each worker, as every peer has, and room for the largest array."""

    share = 100
    preload: tuple[str, ...] = ()

    def open(self):
        security = {"max_cpu_percent": self.share}
        megabytes = self.largest_bytes >> 20
        if megabytes > 128:
            security |= {"max_memory_mb": 4 * megabytes + 512, "max_result_mb": megabytes + 64}
        workers = {"max": self.workers, "preload": self.preload}
        self.registry = PluginRegistry({"security": security, "workers": workers})
        self.registry.discover_plugins(PLUGINS)

    def call(self, series):
        return self.registry.execute_plugin(NAME, {} if series is None else {"series": series}).values

    def map(self, many):
        return [result.values for result in self.registry.map_plugin(NAME, ({"series": series} for series in many))]

    async def acall(self, series):
        if not hasattr(self.registry, "aexecute_plugin"):
            raise UnsupportedError("the registry has no aexecute_plugin")
        result = await self.registry.aexecute_plugin(NAME, {} if series is None else {"series": series})
        return result.values

    def pause(self, seconds):
        self.registry.execute_plugin(NAME, {"pause_seconds": seconds})

    def start_another(self, plugin_id):
        """Start one more worker and load the plugin in it."""
        self.registry.load_plugin(plugin_id)

    def stop_idle(self, plugin_id):
        """Stop the worker that waits."""
        self.registry.unload_plugin(plugin_id)

    def spin(self, timeout):
        try:
            self.registry.execute_plugin(NAME, {"endless": True}, timeout=timeout or 3600)
        except PluginTimeoutError as error:
            raise PastDeadlineError from error

    def close(self):
        self.registry.close()


class DefaultShare(PlatformBase):
    """Exactly the shipped settings, where a worker may use half a core."""

    share = 50


class SharedMemory(PlatformBase):
    """Inputs already lie in shared memory, and results are written there: `registry.empty`, `get_context().empty`."""

    def call(self, series):
        if series is None:
            return super().call(series)
        return self.registry.execute_plugin(NAME, {"series": series, "in_place": True}).values

    def prepare(self, series):
        shared = self.registry.empty(series.shape, series.dtype)
        shared[...] = series
        return shared, shared


class Preloaded(PlatformBase):
    """The warden has SciPy and numba loaded."""

    preload = PRELOADED
