"""Watching one call: send it, wait for its end, and turn every possible end into a value or a typed error."""

from __future__ import annotations

import concurrent.futures
import enum
import logging
import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from platform_base.plugins._host.broker import connect_for
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._host.connection import DeadlineError, UndeliveredError, WorkerDiedError
from platform_base.plugins._host.death import Death, wire_error
from platform_base.plugins._host.failure import explain_failure
from platform_base.plugins._host.warden import WardenClient
from platform_base.plugins._host.worker import Worker
from platform_base.plugins._wire.batch import decode_table
from platform_base.plugins._wire.codec import DecodeError, Encoded, Limits, decode
from platform_base.plugins._wire.messages import (
    MAX_TEXT,
    Allocate,
    Connect,
    Done,
    Failed,
    Location,
    Progress,
    Usage,
)
from platform_base.plugins._wire.patience import Patience
from platform_base.plugins._wire.session import FAILURE_KINDS
from platform_base.plugins.errors import PluginTimeoutError

logger = logging.getLogger(__name__)

ReportProgress = Callable[[float, str], None]

_LONG_BYTES = 1 << 20
"""Copying more than this takes too long for an event loop."""


class _Long(enum.Enum):
    LONG = "long"


LONG = _Long.LONG
"""A step of a call: what comes next keeps the processor busy for more than a moment."""

Step = float | None | Literal[_Long.LONG]
"""What a call waits for next: a deadline, `time.monotonic` seconds; None, no deadline; or `LONG`."""

_TELL_WARDEN_ABOVE = 32 << 20
"""Arenas from this size on are announced, so that they are not counted as the plugin's own memory."""


Outcome = tuple[Any, dict[str, Any]] | BaseException
"""Values and metadata of one input of a batch, or its error."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a call that brought a result.

    Attributes:
        values: Of one call.
        metadata: Of one call.
        usage: What the worker says it used.
        wall_seconds: From the hand-over to the answer.
        warnings: For the caller.
        printed: Whether the plugin has printed something.
        outcomes: Of a batch: what became of each of its inputs.
    """

    values: Any
    metadata: dict[str, Any]
    usage: Usage
    wall_seconds: float
    warnings: tuple[str, ...]
    printed: bool
    outcomes: Sequence[Outcome] = ()


_ENDS = (Done, Failed)
_ONLY_DICTS = frozenset({dict})


class CallEndedError(Exception):
    """The call brought no result.

    Attributes:
        error: What the caller gets.
        usage: What the call used, as far as it is known.
        worker_fit: Whether the worker can serve the next call.
    """

    def __init__(self, error: BaseException, *, usage: Usage | None = None, worker_fit: bool) -> None:
        self.error = error
        self.usage = usage
        self.worker_fit = worker_fit
        super().__init__(str(error))


class Supervisor:
    """One call on one worker."""

    def __init__(
        self,
        worker: Worker,
        warden: WardenClient,
        inputs: Mapping[str, Any],
        *,
        timeout_s: float | None,
        cancellation: Cancellation,
        report_progress: ReportProgress | None,
        batch: Sequence[Mapping[str, Any]] = (),
        compile_timeout_s: float = 0.0,
    ) -> None:
        """Prepare.

        Args:
            worker: Runs the call.
            warden: Its warden.
            inputs: What the call is about, for messages.
            timeout_s: How long it may take; None: as long as it takes.
            cancellation: Tells whether it was stopped.
            report_progress: Told what the worker reports.
            batch: The inputs of several calls that are made in one.
            compile_timeout_s: How much longer, once, if kernels were compiled until the time is over.
        """
        self._batch = batch
        self._worker = worker
        self._connection = worker.connection
        self._warden = warden
        self._inputs = inputs
        self._timeout_s = timeout_s
        self._compile_timeout_s = compile_timeout_s
        self._cancellation = cancellation
        self._report_progress = report_progress
        self._plugin_id = worker.recipe.load.plugin_id
        self._exchange = worker.exchange

    def run(self, encoded: Encoded, patience: Patience | None = None) -> Answer:
        """Run the call and wait for its end.

        Args:
            encoded: The inputs.
            patience: How long it is worth spinning before sleeping; None: not at all.

        Raises:
            UndeliveredError: The worker was dead before it could receive the call; nothing has happened.
            CallEndedError: It brought no result.
        """
        steps = self.conduct(encoded, patience)
        try:
            while True:
                step = next(steps)
                if step is LONG:
                    continue
                try:
                    self._connection.wait(step)
                except DeadlineError:
                    continue  # The next step sees that the time is over.
        except StopIteration as end:
            answer: Answer = end.value
            return answer

    def conduct(self, encoded: Encoded, patience: Patience | None = None) -> Generator[Step, None, Answer]:
        """Run the call without ever waiting: each step says what the call waits for now.

        Go on when the worker's connection is readable, or the deadline has passed; after `LONG` at once. Raises as
        `run`.
        """
        began = time.monotonic()
        deadline = None if self._timeout_s is None else began + self._timeout_s
        if encoded.size > _LONG_BYTES:
            yield LONG
        try:
            self._send(encoded, linger=patience is not None)
            end = yield from self._await_end(deadline, patience)
            if end.inputs_kept:
                self._exchange.forget_inputs()
            if isinstance(end, Failed):
                raise self._failed(end, self._inputs)
            if end.used > _LONG_BYTES:
                yield LONG
            values, metadata, outcomes = self._read_result(end)
        finally:
            self._exchange.release()
        wall_seconds = time.monotonic() - began
        output = self._connection.output
        printed = output.has_kept or (not self._connection.silent and output.has_more())
        warnings = output.log_call(self._plugin_id, self._worker.run_id) if printed else ()
        return Answer(
            values=values,
            metadata=metadata,
            usage=end.usage,
            wall_seconds=wall_seconds,
            warnings=warnings,
            printed=printed,
            outcomes=outcomes,
        )

    def abandon(self) -> None:
        """Log what the plugin has printed so far: whoever waited for the call goes away, and its worker is ended."""
        self._connection.output.log_call(self._plugin_id, self._worker.run_id)

    def _send(self, encoded: Encoded, *, linger: bool) -> None:
        placed = self._exchange.place(encoded)
        try:
            frame = self._connection.session.execute(
                placed.body,
                arena_size=placed.arena_size,
                has_new_arena=placed.has_new_arena,
                granted_size=placed.granted_size,
                lent_sizes=placed.lent_sizes,
                count=len(self._batch),
                linger=linger,
            )
            if placed.descriptors:
                self._announce()
            self._connection.send(frame, placed.descriptors)
        finally:
            placed.close()

    def _announce(self) -> None:
        """Tell the warden how much shared memory is not the plugin's own doing."""
        shared = self._exchange.shared_bytes
        if shared > _TELL_WARDEN_ABOVE:
            self._warden.allow(self._connection.number, shared)

    def _await_end(self, deadline: float | None, patience: Patience | None) -> Generator[Step, None, Done | Failed]:
        spin_s = 0.0 if patience is None else patience.spin_s
        if not spin_s:
            yield deadline
        while True:
            began = time.monotonic() if spin_s else 0.0
            try:
                message = self._connection.take(spin_s=spin_s)
            except WorkerDiedError as died:
                raise self._explain_death(died.death) from None
            if spin_s and patience is not None:
                patience.learn(worthwhile=message is not None, took_s=time.monotonic() - began)
                spin_s = 0.0
            if message is None:
                if deadline is not None and time.monotonic() >= deadline:
                    more_s = self._take_time_for_compiling(deadline)
                    if not more_s:
                        yield LONG
                        raise self._time_out(deadline)
                    deadline += more_s
                yield deadline
            elif isinstance(message, _ENDS):
                return message
            elif isinstance(message, Allocate):
                self._grant(message.size)
            elif isinstance(message, Connect):
                self._connect(message, deadline)
            elif isinstance(message, Progress) and self._report_progress is not None:
                fraction = min(1.0, max(0.0, message.fraction)) if message.fraction == message.fraction else 0.0
                self._report_progress(fraction, self._worker.show_source(message.message))

    def _take_time_for_compiling(self, deadline: float) -> float:
        """Return how much longer the call may take, seconds: nobody should have to foresee how long compiling takes."""
        assert self._timeout_s is not None
        if not self._compile_timeout_s or not self._worker.has_compiled(since=deadline - self._timeout_s):
            return 0.0
        more, self._compile_timeout_s = self._compile_timeout_s, 0.0
        logger.info(
            "plugin %s has compiled kernels for %g s; it is given %g s more", self._plugin_id, self._timeout_s, more
        )
        self._timeout_s += more
        return more

    def _grant(self, size: int) -> None:
        granted, descriptor, keep = self._exchange.grant(size)
        try:
            self._announce()
            self._connection.send(self._connection.session.grant(granted, keep=keep), (descriptor,))
        except UndeliveredError:
            return  # It died after asking; the next receive tells how.
        finally:
            os.close(descriptor)

    def _connect(self, message: Connect, deadline: float | None) -> None:
        """Answer with a connected socket if the policy names the destination."""
        error, allowed, connected = "", True, None
        try:
            connected = connect_for(self._connection.policy, message.host, message.port, deadline)
        except OSError as failure:
            error, allowed = str(failure), not isinstance(failure, PermissionError)
        frame = self._connection.session.connected(error, allowed=allowed)
        try:
            self._connection.send(frame, (connected.fileno(),) if connected is not None else ())
        except UndeliveredError:
            return  # It died after asking; the next receive tells how.
        finally:
            if connected is not None:
                connected.close()

    def _read_result(self, done: Done) -> tuple[Any, dict[str, Any], Sequence[Outcome]]:
        """Return values and metadata of one call, or the outcomes of several."""
        data = self._exchange.read(done.used)
        body = done.body
        if isinstance(body, Location):
            assert data is not None  # the session has checked that it lies inside what is used
            body = bytes(data[body.offset : body.offset + body.size])
        try:
            limits = self._connection.limits
            if self._batch:
                return None, {}, self._read_outcomes(body, data, limits, done.usage)
            return *self._check_result(decode(body, data, limits=limits)), ()
        except DecodeError as error:
            raise self._broken(str(error)) from None

    def _read_outcomes(self, body: bytes, data: memoryview | None, limits: Limits, usage: Usage) -> Sequence[Outcome]:
        outcomes = decode_table(body, data, len(self._batch), ("values", "metadata"), limits=limits)
        if isinstance(outcomes, tuple):
            values, metadata = outcomes
            if not _ONLY_DICTS.issuperset(map(type, metadata)):
                raise self._broken("a result is a dictionary of values and metadata")
            return list(zip(values, metadata, strict=True))
        return [
            self._read_outcome(outcome, inputs, usage) for outcome, inputs in zip(outcomes, self._batch, strict=True)
        ]

    def _read_outcome(self, outcome: Any, inputs: Mapping[str, Any], usage: Usage) -> Outcome:
        if type(outcome) is not list:
            return self._check_result(outcome)
        sound = len(outcome) == 5 and all(type(text) is str and len(text) <= MAX_TEXT for text in outcome)
        if not sound or outcome[0] not in FAILURE_KINDS - {"memory", "result_size"}:
            raise self._broken("a failure is a list of its kind and four texts")
        kind, error_type, message, trace, path = outcome
        failed = Failed(
            call=b"", kind=kind, error_type=error_type, message=message, traceback=trace, usage=usage, path=path
        )
        return self._failed(failed, inputs).error

    def _check_result(self, result: Any) -> tuple[Any, dict[str, Any]]:
        if type(result) is not dict or set(result) != {"values", "metadata"} or type(result["metadata"]) is not dict:
            raise self._broken("a result is a dictionary of values and metadata")
        return result["values"], result["metadata"]

    def _broken(self, what: str) -> CallEndedError:
        self._connection.kill()
        return CallEndedError(wire_error(self._plugin_id, what), worker_fit=False)

    def _time_out(self, deadline: float) -> CallEndedError:
        assert self._timeout_s is not None
        advice = "Give it longer with timeout=... or default_timeout in the settings, or send less data"
        if self._worker.has_compiled(since=deadline - self._timeout_s):
            advice = (
                "It was compiling kernels, of which those that are ready are kept: call again, give it longer with "
                "timeout=..., or run `platform-base warmup` beforehand"
            )
        self._connection.kill()
        death = self._connection.bury()
        self._connection.output.log_call(self._plugin_id, self._worker.run_id)
        error = PluginTimeoutError(
            f"plugin {self._plugin_id!r} did not answer within {self._timeout_s:g} s; its worker was stopped. {advice}",
            plugin_id=self._plugin_id,
            timeout_s=self._timeout_s,
        )
        return CallEndedError(error, usage=self._usage_of(death), worker_fit=False)

    def _explain_death(self, death: Death) -> CallEndedError:
        self._connection.output.log_call(self._plugin_id, self._worker.run_id)
        error: BaseException
        if self._cancellation.requested:
            error = concurrent.futures.CancelledError()
        else:
            error = death.explain(self._plugin_id, self._connection.policy)
        return CallEndedError(error, usage=self._usage_of(death), worker_fit=False)

    def _failed(self, failed: Failed, inputs: Mapping[str, Any]) -> CallEndedError:
        self._connection.output.log_call(self._plugin_id, self._worker.run_id)
        error = explain_failure(failed, inputs, self._plugin_id, self._connection.policy, self._worker.show_source)
        # A plugin that ran out of memory may have left anything half done.
        return CallEndedError(error, usage=failed.usage, worker_fit=failed.kind != "memory")

    def _usage_of(self, death: Death) -> Usage | None:
        """Return what the call has used that a worker died in; the warden is told of its whole life."""
        if death.exited is None:
            return None
        before = max(self._worker.rested_cpu_seconds, self._worker.load_usage.cpu_seconds)
        return Usage(
            cpu_seconds=max(0.0, death.exited.cpu_seconds - before),
            peak_memory_bytes=death.exited.peak_memory_bytes,
        )
