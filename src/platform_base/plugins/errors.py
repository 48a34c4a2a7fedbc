"""Every error that the plugin system raises on purpose.

Each class keeps its facts as attributes, and each message says where, what was expected, what came, and what to do::

    PluginError
    ├── ManifestError                .problems
    ├── PluginNotFoundError          .plugin_id
    ├── IncompatiblePluginError      .plugin_id, .version
    ├── MissingDependencyError       .missing, .conflicting
    ├── PluginLoadError              .plugin_id, .remote_traceback
    │   └── SelfTestError            .self_test, .findings
    ├── PermissionGrowthError        .plugin_id, .added
    ├── ParameterError               .problems          (also ValueError)
    ├── InvalidInputsError           .plugin_id         (also ValueError)
    ├── SettingsError                .problems
    ├── SandboxUnavailableError      .protection
    ├── EncodingError                .path              (also TypeError)
    ├── PluginDisabledError          .plugin_id, .cause, .retry_after_s
    ├── ReplayError                  .run
    ├── HistoryError                 .run
    ├── RegistryClosedError
    └── ExecutionError               .plugin_id
        ├── PluginFailedError        .remote_type, .remote_message, .remote_traceback
        ├── PluginTimeoutError       .timeout_s         (also TimeoutError)
        ├── ResourceLimitError       .limit
        │   └── MemoryLimitError                        (also MemoryError)
        ├── SandboxViolationError    .rule
        ├── WorkerCrashedError       .signal, .exit_status
        ├── QueueFullError           .waiting
        └── WireError
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from platform_base.core.models import Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault in a document that a person wrote.

    Attributes:
        file: The document, as the person named it; empty for documents that are not files.
        line: Line number from 1; 0 when it is not known.
        key: Dotted path inside the document, such as ``configuration.window_size.default``.
        expected: What should stand there.
        got: What was found, as it was written.
        hint: What to do, or the nearest valid key; may be empty.
    """

    file: str = ""
    line: int = 0
    key: str = ""
    expected: str = ""
    got: str = ""
    hint: str = ""

    def __str__(self) -> str:
        """One line: where, what was expected, what came, what to do."""
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        text = f"{self.key}: " if self.key else ""
        text += f"expected {self.expected}"
        if self.got:
            text += f", got {self.got}"
        if place:
            text = f"{place} {text}"
        return f"{text}; {self.hint}" if self.hint else text


class PluginError(Exception):
    """Base of everything that the plugin system raises on purpose.

    What to do: catch it to catch everything on this page.

    Attributes:
        run_id: The call that it ended, as in `Execution.run_id`; empty where there was none.
        execution: How that call went and what it used, as far as it was begun; else None.
    """

    run_id: str = ""
    execution: Execution | None = None


class ManifestError(PluginError):
    """A manifest cannot be used.

    What to do: correct the manifest; every fault is listed, with its line.

    Attributes:
        problems: Every fault that was found, not only the first.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PluginNotFoundError(PluginError):
    """No release of that id, or none of that version, is known.

    What to do: look at ``list_plugins()`` and ``problems``; the message names the nearest id.
    """

    def __init__(self, message: str, *, plugin_id: str) -> None:
        self.plugin_id = plugin_id
        super().__init__(message)


class IncompatiblePluginError(PluginError):
    """The release asks for another version of platform_base.

    What to do: install another version of the plugin or of platform_base.
    """

    def __init__(self, message: str, *, plugin_id: str, version: str) -> None:
        self.plugin_id = plugin_id
        self.version = version
        super().__init__(message)


class MissingDependencyError(PluginError):
    """A distribution that the release requires is missing, or has the wrong version.

    What to do: run the command in the message.
    """

    def __init__(self, message: str, *, missing: Sequence[str] = (), conflicting: Sequence[str] = ()) -> None:
        self.missing = tuple(missing)
        self.conflicting = tuple(conflicting)
        super().__init__(message)


class PluginLoadError(PluginError):
    """The plugin's code could not be loaded in its worker.

    What to do: read the traceback; or give the plugin what it asks for.
    """

    def __init__(self, message: str, *, plugin_id: str, remote_traceback: str = "") -> None:
        self.plugin_id = plugin_id
        self.remote_traceback = remote_traceback
        super().__init__(message)


class SelfTestError(PluginLoadError):
    """A call of the release's self-test did not give the result that its manifest names.

    What to do: correct the plugin, or the values that its manifest expects.

    Attributes:
        self_test: Name of the self-test.
        findings: What was wrong.
    """

    def __init__(
        self, message: str, *, plugin_id: str, self_test: str, findings: Sequence[str], remote_traceback: str = ""
    ) -> None:
        self.self_test = self_test
        self.findings = tuple(findings)
        super().__init__(message, plugin_id=plugin_id, remote_traceback=remote_traceback)


class PermissionGrowthError(PluginError):
    """An update asks for more than the release that it would replace; nothing was changed.

    What to do: read ``.added``; to agree, ``update_plugin(..., accept_permissions=True)``.

    Attributes:
        added: What it asks for in addition.
    """

    def __init__(self, message: str, *, plugin_id: str, added: Sequence[str]) -> None:
        self.plugin_id = plugin_id
        self.added = tuple(added)
        super().__init__(message)


class ParameterError(PluginError, ValueError):
    """Parameters do not fit what the manifest declares.

    What to do: correct the parameters; every fault is listed.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InvalidInputsError(PluginError, ValueError):
    """The plugin's ``validate_inputs`` refused the inputs, or they are no mapping of names to values.

    What to do: compare what is listed in the message with the plugin's README.
    """

    def __init__(self, message: str, *, plugin_id: str) -> None:
        self.plugin_id = plugin_id
        super().__init__(message)


class SettingsError(PluginError):
    """The settings cannot be used.

    What to do: correct the settings; every fault is listed, with its line.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SandboxUnavailableError(PluginError):
    """A protection that was asked for cannot be given; nothing was run.

    What to do: see ``platform-base doctor``; or accept less, as the message says.
    """

    def __init__(self, message: str, *, protection: str) -> None:
        self.protection = protection
        super().__init__(message)


class EncodingError(PluginError, TypeError):
    """A value cannot cross the process border.

    What to do: send what the message proposes; ``docs/plugins/concepts/wire.md`` lists the values that cross.

    Attributes:
        path: Where it stands, such as ``inputs["series"][3]``.
    """

    def __init__(self, message: str, *, path: str) -> None:
        self.path = path
        super().__init__(message)


class PluginDisabledError(PluginError):
    """The plugin's workers died too often; it is left alone for a while. Nothing was run.

    What to do: look at ``.cause``; wait, or call ``enable_plugin``.

    Attributes:
        cause: What the last one died of.
        retry_after_s: When a call may go through again, seconds from now.
    """

    def __init__(self, message: str, *, plugin_id: str, cause: str, retry_after_s: float) -> None:
        self.plugin_id = plugin_id
        self.cause = cause
        self.retry_after_s = retry_after_s
        super().__init__(message)


class ReplayError(PluginError):
    """A call that was to be run again was not kept, or what it needs is gone.

    What to do: see ``platform-base replay``, which lists the calls that are kept.

    Attributes:
        run: The name that was asked for.
    """

    def __init__(self, message: str, *, run: str) -> None:
        self.run = run
        super().__init__(message)


class HistoryError(PluginError):
    """The history cannot be read, or does not know the run that was asked for.

    What to do: see ``platform-base runs``, which lists them; or delete a file that is broken.

    Attributes:
        run: The name that was asked for; empty where it is the file that cannot be read.
    """

    def __init__(self, message: str, *, run: str) -> None:
        self.run = run
        super().__init__(message)


class RegistryClosedError(PluginError):
    """The registry was closed, or belongs to the parent of a forked process.

    What to do: make another registry; after a fork, one in each process.
    """


class ExecutionError(PluginError):
    """A call was begun and did not end in a result.

    What to do: see the classes below.

    Attributes:
        worker_seconds: How long its worker had been there; None where it is not known.
        cause: What ended it, in a few words.
    """

    worker_seconds: float | None = None

    def __init__(self, message: str, *, plugin_id: str) -> None:
        self.plugin_id = plugin_id
        super().__init__(message)

    @property
    def cause(self) -> str:
        """What ended the call, in a few words that are the same each time, such as ``"signal SIGSEGV"``."""
        return type(self).__name__


class PluginFailedError(ExecutionError):
    """The plugin raised.

    What to do: read the message and the traceback of the plugin.

    Attributes:
        remote_type: Name of the exception's class, such as ``"ValueError"``.
        remote_message: Its message, control characters made visible.
        remote_traceback: The traceback inside the worker, control characters made visible.
    """

    def __init__(
        self, message: str, *, plugin_id: str, remote_type: str, remote_message: str, remote_traceback: str
    ) -> None:
        self.remote_type = remote_type
        self.remote_message = remote_message
        self.remote_traceback = remote_traceback
        super().__init__(message, plugin_id=plugin_id)

    @property
    def cause(self) -> str:
        """See `ExecutionError.cause`."""
        return f"exception {self.remote_type}"


class PluginTimeoutError(ExecutionError, TimeoutError):
    """The deadline passed; the worker was killed.

    What to do: give it longer, or send less data.
    """

    def __init__(self, message: str, *, plugin_id: str, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        super().__init__(message, plugin_id=plugin_id)

    @property
    def cause(self) -> str:
        """See `ExecutionError.cause`."""
        return "deadline"


class ResourceLimitError(ExecutionError):
    """A limit of the policy was reached.

    What to do: raise the setting in ``.limit``, or send less data.

    Attributes:
        limit: The setting, such as ``"max_cpu_seconds"``.
    """

    def __init__(self, message: str, *, plugin_id: str, limit: str) -> None:
        self.limit = limit
        super().__init__(message, plugin_id=plugin_id)

    @property
    def cause(self) -> str:
        """See `ExecutionError.cause`."""
        return f"limit {self.limit}"


class MemoryLimitError(ResourceLimitError, MemoryError):
    """The plugin needed more memory than its policy gives; its worker was replaced.

    What to do: raise ``max_memory_mb`` for this plugin.
    """


class SandboxViolationError(ExecutionError):
    """The worker did something that its policy punishes with death.

    What to do: do not trust this plugin, or report what it needs.

    Attributes:
        rule: What it broke, such as ``"seccomp"``.
    """

    def __init__(self, message: str, *, plugin_id: str, rule: str) -> None:
        self.rule = rule
        super().__init__(message, plugin_id=plugin_id)

    @property
    def cause(self) -> str:
        """See `ExecutionError.cause`."""
        return f"forbidden {self.rule}"


class WorkerCrashedError(ExecutionError):
    """The worker died by itself.

    What to do: look for faults in compiled code of the plugin.

    Attributes:
        signal: Name of the signal that ended it, such as ``"SIGSEGV"``, or ``None``.
        exit_status: Its exit status, or ``None`` when a signal ended it.
    """

    def __init__(
        self, message: str, *, plugin_id: str, signal: str | None = None, exit_status: int | None = None
    ) -> None:
        self.signal = signal
        self.exit_status = exit_status
        super().__init__(message, plugin_id=plugin_id)

    @property
    def cause(self) -> str:
        """See `ExecutionError.cause`."""
        return f"signal {self.signal}" if self.signal is not None else f"exit status {self.exit_status}"


class QueueFullError(ExecutionError):
    """The call was not begun: as many others wait for the plugin as may.

    What to do: call again later, or raise ``workers.max_waiting`` or ``workers.max``.

    Attributes:
        waiting: How many.
    """

    def __init__(self, message: str, *, plugin_id: str, waiting: int) -> None:
        self.waiting = waiting
        super().__init__(message, plugin_id=plugin_id)

    @property
    def cause(self) -> str:
        """See `ExecutionError.cause`."""
        return "full queue"


class WireError(ExecutionError):
    """The worker broke the protocol; it was killed.

    What to do: do not trust this plugin.
    """

    def __init__(self, message: str, *, plugin_id: str = "") -> None:
        super().__init__(message, plugin_id=plugin_id)

    @property
    def cause(self) -> str:
        """See `ExecutionError.cause`."""
        return "broken protocol"
