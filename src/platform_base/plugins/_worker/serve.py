"""One request after the other: load the plugin once, then decode, validate, execute, encode."""

from __future__ import annotations

import logging
import math
import os
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import DTypeLike, NDArray

from platform_base.core.models import ProcessingResult
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._wire.arena import COPY_UP_TO
from platform_base.plugins._wire.batch import decode_batch, encode_batch, encode_table
from platform_base.plugins._wire.codec import Encoded, decode, encode
from platform_base.plugins._wire.messages import (
    MAX_INLINE_BODY,
    Allocate,
    Connect,
    Connected,
    Done,
    Execute,
    Failed,
    FromWorker,
    Grant,
    Load,
    Loaded,
    LoadFailed,
    Location,
    Progress,
    ToWorker,
)
from platform_base.plugins._wire.unix_socket import FrameSocket
from platform_base.plugins._worker.failure import describe
from platform_base.plugins._worker.loader import load_plugin
from platform_base.plugins._worker.shared_memory import SharedMemory
from platform_base.plugins._worker.usage import UsageMeter
from platform_base.plugins.base import PluginContext, PluginProtocol, enter_context
from platform_base.plugins.errors import EncodingError

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(ToWorker).decode
_PROGRESS_INTERVAL_S = 0.05
_ENDS = (Done, Failed)
_BESIDES = 1 << 16
"""Room in an arena for what goes with an array that was made there, bytes."""
_ABANDONED = 71
"""Exit status of a worker whose host stopped in the middle of a call."""


class ResultSizeError(Exception):
    """The plugin's result is larger than its policy lets it be."""


class _RefusedError(Exception):
    """The plugin's `validate_inputs` said no."""


class Server:
    """Answers the host until it closes the line."""

    def __init__(self, line: FrameSocket, policy: Policy, meter: UsageMeter) -> None:
        self._line = line
        self._policy = policy
        self._meter = meter
        self._streams = (sys.stdout, sys.stderr)
        self._memory = SharedMemory()
        self._plugin: PluginProtocol | None = None
        self._progress_sent = 0.0
        self._call = b""
        self._linger = False
        self._share = math.inf if policy.max_cpu_percent is None else policy.max_cpu_percent / 100
        logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
        scratch = Path(policy.scratch) if policy.scratch else None
        self._thread = threading.get_ident()
        self._in_place = False
        self._context = PluginContext(
            scratch=scratch, report_progress=self._report_progress, connect=self._connect, empty=self._empty
        )

    def serve(self) -> None:
        """Return when the host has closed the line."""
        with enter_context(self._context):
            while True:
                frame, descriptors = self._await_request()
                if not frame:
                    return
                message = _decode(frame)
                if isinstance(message, Execute):
                    self._execute(message, descriptors)
                elif isinstance(message, Load):
                    self._load(message)

    def _await_request(self) -> tuple[bytes, list[int]]:
        spin_s = self._meter.spare_s(self._share) if self._linger else 0.0
        if spin_s:
            began = now = time.monotonic()
            while now - began < spin_s:
                try:
                    request = self._line.receive_with_descriptors(wait=False)
                except BlockingIOError:
                    now = time.monotonic()
                else:
                    self._meter.note_spin(worthwhile=True, took_s=now - began)
                    return request
            self._meter.note_spin(worthwhile=False, took_s=now - began)
        return self._line.receive_with_descriptors()

    def _load(self, message: Load) -> None:
        self._meter.begin()
        answer: FromWorker
        try:
            self._plugin = load_plugin(message, self._policy)
            if message.probe is not None:
                self._plugin = _probe(self._plugin, message)
            answer = Loaded(usage=self._meter.end())
        except BaseException as error:  # noqa: BLE001  whatever the plugin raises is the host's to judge
            kind, text, trace = describe(error)
            answer = LoadFailed(error_type=kind, message=text, traceback=trace)
        self._send(answer)

    def _execute(self, message: Execute, descriptors: list[int]) -> None:
        self._call = message.call
        self._linger = message.linger
        self._progress_sent = 0.0
        self._in_place = not message.count
        self._meter.begin()
        if descriptors:
            self._memory.accept(message, descriptors)
        answer = self._answer(message)
        self._memory.let_go()
        if message.arena_size and self._memory.keeps_inputs():
            answer = msgspec.structs.replace(answer, inputs_kept=True)
        self._send(answer)

    def _answer(self, message: Execute) -> Done | Failed:
        """Run the call; when this returns, only the plugin itself can still hold its inputs."""
        try:
            body, data, lent = self._memory.read(message)
            if message.count:
                return self._answer_batch(decode_batch(body, data, message.count, readonly=True, lent=lent))
            result = self._run(decode(body, data, readonly=True, lent=lent))
            return self._place_result(self._encode(result))
        except MemoryError as error:
            return self._failed("memory", error)
        except ResultSizeError as error:
            return self._failed("result_size", error)
        except BaseException as error:  # noqa: BLE001  SystemExit and its kin end the call, not the worker
            return self._failed(*_kind(error))

    def _run(self, inputs: dict[str, Any]) -> ProcessingResult:
        assert self._plugin is not None
        if not self._plugin.validate_inputs(inputs):
            raise _RefusedError
        result = self._plugin.execute(inputs)
        if not isinstance(result, ProcessingResult):
            raise TypeError(
                f"execute() must return a ProcessingResult, got {type(result).__name__}; "
                "write: return ProcessingResult(values=..., metadata={...})"
            )
        return result

    def _encode(self, result: ProcessingResult) -> Encoded:
        """Encode a result, leaving the arrays of it where they are that lie in the arena of this call."""
        value = {"values": result.values, "metadata": result.metadata}
        if self._memory.home is not None:
            encoded = encode(value, root="", home=self._memory.home)
            if encoded.stayed and encoded.size + len(encoded.body) <= self._memory.result_capacity:
                return encoded
            self._memory.drop_home()  # Something else was made of them, which goes to an arena of its own.
        return encode(value, root="")

    def _empty(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> NDArray[Any]:
        """See `PluginContext.empty`."""
        kind = np.dtype(dtype)
        lengths = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
        size = kind.itemsize * math.prod(map(int, lengths))
        # Threads may not interfere with the conversation; what is small is copied faster than mapped.
        alone = threading.get_ident() == self._thread and self._in_place and bool(self._call)
        if not alone or kind.hasobject or size < COPY_UP_TO or min(lengths, default=0) < 0:
            return np.empty(lengths, kind)
        if self._memory.home is None and self._room() < size <= self._policy.max_result_bytes - _BESIDES:
            self._allocate(size + _BESIDES)
        granted = self._memory.granted
        return granted.make(lengths, kind) if granted is not None and self._room() >= size else np.empty(lengths, kind)

    def _room(self) -> int:
        return self._memory.granted.room() if self._memory.granted is not None else 0

    def _answer_batch(self, batch: list[dict[str, Any]]) -> Done:
        """Run several calls; what comes back for each is its result, or its failure as five texts."""
        outcomes: list[ProcessingResult | list[str]] = []
        failed = False
        batch.reverse()
        while batch:
            try:
                # Taken out of the list, so that no input outlives its call unless the plugin keeps it.
                outcomes.append(self._run(batch.pop()))
            except MemoryError:
                raise
            except BaseException as error:  # noqa: BLE001  it ends this call and no other
                kind, cause, path = _kind(error)
                outcomes.append([kind, *_texts(kind, cause), path])
                failed = True
        try:
            return self._place_result(_encode_outcomes(outcomes, failed=failed))
        except EncodingError:
            return self._place_result(_encode_outcomes(list(map(_sendable, outcomes)), failed=True))

    def _place_result(self, encoded: Encoded) -> Done:
        inline = len(encoded.body) <= MAX_INLINE_BODY
        used = encoded.size + (0 if inline else len(encoded.body))
        if used > self._policy.max_result_bytes:
            raise ResultSizeError(f"the result needs {used} bytes, {self._policy.max_result_bytes} are allowed")
        if used:
            if used > self._memory.result_capacity:
                self._allocate(used)
            self._memory.write_result(encoded, spill_body=not inline)
        body = encoded.body if inline else Location(offset=encoded.size, size=len(encoded.body))
        return Done(call=self._call, body=body, used=used, usage=self._meter.end())

    def _allocate(self, size: int) -> None:
        self._send(Allocate(call=self._call, size=size))
        frame, descriptors = self._line.receive_with_descriptors()
        if not frame:
            os._exit(_ABANDONED)
        message = _decode(frame)
        if not isinstance(message, Grant) or message.call != self._call:
            raise RuntimeError(f"a result arena was expected, the host said {type(message).__name__}")
        self._memory.map_results(descriptors[0], message.size, keep=message.keep)

    def _connect(self, host: str, port: int) -> socket.socket:
        """Ask the host for a connection: see `PluginContext.connect`."""
        if not self._call:
            raise PermissionError("connections are made during a call, not while the plugin loads")
        self._send(Connect(call=self._call, host=str(host), port=int(port)))
        frame, descriptors = self._line.receive_with_descriptors()
        if not frame:
            os._exit(_ABANDONED)
        message = _decode(frame)
        if not isinstance(message, Connected):
            raise RuntimeError(f"a connection was expected, the host said {type(message).__name__}")
        if message.error:
            raise (ConnectionError if message.allowed else PermissionError)(message.error)
        return socket.socket(fileno=descriptors[0])

    def _failed(self, kind: str, error: BaseException, path: str = "") -> Failed:
        usage = self._meter.end()
        name, text, trace = _texts(kind, error)
        return Failed(
            call=self._call, kind=kind, error_type=name, message=text, traceback=trace, usage=usage, path=path
        )

    def _report_progress(self, fraction: float, message: str = "") -> None:
        now = time.monotonic()
        if not self._call or now - self._progress_sent < _PROGRESS_INTERVAL_S:
            return
        self._progress_sent = now
        text = str(message)[:200].encode("utf-8", "backslashreplace").decode("utf-8")
        report = Progress(call=self._call, fraction=float(fraction), message=text)
        try:
            self._line.send(_encode(report), wait=False)
        except BlockingIOError:
            return  # The host is behind; the next report says more than this one.

    def _send(self, answer: FromWorker) -> None:
        for stream in self._streams:
            stream.flush()
        if isinstance(answer, _ENDS):
            self._call = b""
        try:
            self._line.send(_encode(answer))
        except OSError:
            os._exit(_ABANDONED)


def _probe(plugin: PluginProtocol, message: Load) -> PluginProtocol:
    from platform_base.plugins._worker.probe import ProbedPlugin  # no other worker needs it

    assert message.probe is not None
    return ProbedPlugin(plugin, message, message.probe)


def _encode_outcomes(outcomes: Sequence[ProcessingResult | list[str]], *, failed: bool) -> Encoded:
    """Encode what became of a batch: one column of values and one of metadata, unless a call has failed."""
    if failed:
        return encode_batch([_plain(outcome) for outcome in outcomes], root="")
    results: Any = outcomes
    return encode_table(
        {"values": [each.values for each in results], "metadata": [each.metadata for each in results]}, root=""
    )


def _plain(outcome: ProcessingResult | list[str]) -> dict[str, Any] | list[str]:
    if isinstance(outcome, list):
        return outcome
    return {"values": outcome.values, "metadata": outcome.metadata}


def _sendable(outcome: ProcessingResult | list[str]) -> ProcessingResult | list[str]:
    """Return the outcome of one call of a batch, or why it cannot be sent."""
    try:
        encode(_plain(outcome), root="")
    except EncodingError as error:
        return ["encoding", *_texts("encoding", error), error.path[:500]]
    return outcome


def _kind(error: BaseException) -> tuple[str, BaseException, str]:
    """Return what kind of failure an error is, the error, and the path to the value that it is about."""
    if isinstance(error, _RefusedError):
        return "invalid_inputs", error, ""
    if isinstance(error, EncodingError):
        return "encoding", error, error.path[:500]
    return "raised", error, ""


def _texts(kind: str, error: BaseException) -> tuple[str, str, str]:
    return ("", "", "") if kind == "invalid_inputs" else describe(error)
