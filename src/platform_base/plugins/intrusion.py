"""Running a plugin that tries to break out, to see whether the protections in force hold."""

from __future__ import annotations

from platform_base.plugins._catalog.discovery import read_release
from platform_base.plugins._engines.base import Deployment, Engine, Request
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._sandbox.report import INTRUDER, EscapeAttempt
from platform_base.plugins.errors import SandboxUnavailableError
from platform_base.plugins.settings import Settings


def try_to_break_out(engine: Engine, settings: Settings) -> list[EscapeAttempt]:
    """Run the intruder under the settings; errors as `PluginRegistry.self_check`."""
    if settings.engine != "local":
        raise SandboxUnavailableError(
            f"engine: {settings.engine} gives no protection that could be checked", protection="process"
        )
    # The intruder needs the modules that plugins may not import: not they are the boundary, but the kernel.
    security = settings.security.model_copy(update={"allowed_modules": None, "blocked_modules": ()})
    deployment = Deployment(release=read_release(INTRUDER), security=security, workers=settings.workers)
    request = Request(deployment=deployment, inputs={"params": {}}, parameters={}, timeout_s=30.0)
    result = engine.run(request, Cancellation())
    engine.retire(deployment.release)
    return [EscapeAttempt(attempt=what, stopped=stopped, answer=answer) for what, stopped, answer in result.values]
