"""What a worker says went wrong, as the error that the caller gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from platform_base.plugins._host.death import memory_limit_error
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._wire.messages import Failed
from platform_base.plugins.errors import (
    EncodingError,
    InvalidInputsError,
    PluginError,
    PluginFailedError,
    ResourceLimitError,
)


def explain_failure(
    failed: Failed, inputs: Mapping[str, Any], plugin_id: str, policy: Policy, show: Callable[[str], str]
) -> PluginError:
    """Return the error for a call that a worker has answered with a failure.

    Args:
        failed: The answer; nothing in it is believed but its kind, which the session has checked.
        inputs: What the call was given.
        plugin_id: Whose failure it is.
        policy: The limits that it may have met.
        show: Makes text of the worker safe to print.
    """
    name, text, trace = (show(part) for part in (failed.error_type, failed.message, failed.traceback))
    if failed.kind == "memory":
        return memory_limit_error(plugin_id, policy, f"raised {name}: {text}")
    if failed.kind == "result_size":
        return ResourceLimitError(
            f"plugin {plugin_id!r}: {text} (max_result_mb); the setting is plugins.{plugin_id}.max_result_mb",
            plugin_id=plugin_id,
            limit="max_result_mb",
        )
    if failed.kind == "invalid_inputs":
        return explain_refusal(inputs, plugin_id)
    if failed.kind == "encoding":
        return EncodingError(f"the result of plugin {plugin_id!r}: {text}", path=show(failed.path))
    return PluginFailedError(
        f"plugin {plugin_id!r} raised {name}: {text}",
        plugin_id=plugin_id,
        remote_type=name,
        remote_message=text,
        remote_traceback=trace,
    )


def explain_refusal(inputs: Mapping[str, Any], plugin_id: str) -> InvalidInputsError:
    """Return the error for inputs that `validate_inputs` says no to: a bool, which does not say why."""
    return InvalidInputsError(
        f"plugin {plugin_id!r} refused its inputs (validate_inputs returned False); it was given "
        f"{_describe_inputs(inputs)}; compare that with the inputs that its README lists",
        plugin_id=plugin_id,
    )


def _describe_inputs(inputs: Mapping[str, Any]) -> str:
    """Say what was sent, by key, so that the caller sees what differs from the plugin's documentation."""
    parts = []
    for key, value in inputs.items():
        shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
        if key == "params":
            continue
        if shape is not None and dtype is not None:
            parts.append(f"{key}: {type(value).__name__} {tuple(shape)} {dtype}")
        elif isinstance(value, list | tuple | dict | str | bytes):
            parts.append(f"{key}: {type(value).__name__} of length {len(value)}")
        else:
            parts.append(f"{key}: {type(value).__name__}")
    return "; ".join(parts) or "no inputs at all"
