"""One message with calls, on one worker: handed over, watched to its end, and the worker given back."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec

from platform_base.core.models import Execution, ProcessingResult
from platform_base.plugins._engines.asynchronous import conduct, in_thread
from platform_base.plugins._engines.base import Outcome, Request
from platform_base.plugins._engines.lane import Lane
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._host.supervisor import Answer, CallEndedError, Supervisor
from platform_base.plugins._host.worker import Worker
from platform_base.plugins._wire.codec import Encoded
from platform_base.plugins._wire.messages import Usage
from platform_base.plugins._wire.patience import Patience
from platform_base.plugins.errors import ExecutionError, PluginError

NAME = "local"
"""What a result says about where it was computed."""

Finished = TypeVar("Finished", covariant=True)

_UNKNOWN = Usage(cpu_seconds=0.0, peak_memory_bytes=0)


class Message(msgspec.Struct, Generic[Finished], frozen=True, kw_only=True):
    """What goes to a worker at once.

    Attributes:
        request: The call; of several, the first.
        encoded: The inputs.
        cancellation: Stops it.
        finish: Makes what the caller gets of the worker, its answer, and the moment of the hand-over.
        began: When the call was made, `time.monotonic` seconds.
        batch: The inputs of several calls; empty: there is one.
    """

    request: Request
    encoded: Encoded
    cancellation: Cancellation
    finish: Callable[[Worker, Answer, float], Finished]
    began: float
    batch: Sequence[dict[str, Any]] = ()


def of_one(request: Request, encoded: Encoded, cancellation: Cancellation) -> Message[ProcessingResult]:
    """Return the message of a single call."""
    began = time.monotonic()
    return Message(
        request=request,
        encoded=encoded,
        cancellation=cancellation,
        began=began,
        finish=partial(_result, request, began),
    )


def of_many(
    requests: Sequence[Request], encoded: Encoded, batch: Sequence[dict[str, Any]], cancellation: Cancellation
) -> Message[tuple[list[Outcome], float]]:
    """Return the message of calls that were made at once; they end in their outcomes and the seconds that all took."""
    began = time.monotonic()
    return Message(
        request=requests[0],
        encoded=encoded,
        cancellation=cancellation,
        batch=batch,
        began=began,
        finish=partial(_results, requests, began),
    )


def deliver(message: Message[Finished], lane: Lane, worker: Worker, patience: Patience | None = None) -> Finished:
    """Have a worker that the caller has taken do the work, and give it back.

    Raises:
        UndeliveredError: It was dead already; nothing has happened.
        BaseException: How a call without a result ended.
    """
    _bind(message, lane, worker)
    handed = time.monotonic()
    fit = False
    try:
        answer = _supervise(message, worker, handed).run(message.encoded, patience)
        fit = not worker.exchange.worn_out
    except CallEndedError as ended:
        fit = ended.worker_fit
        raise _told(ended, message, worker, handed) from None
    finally:
        message.cancellation.release()
        lane.give_back(worker, fit=fit and not message.cancellation.requested)
    # The worker serves the next call already.
    lane.pace.learn(answer, len(message.batch))
    return message.finish(worker, answer, handed)


async def deliver_async(message: Message[Finished], lane: Lane, worker: Worker) -> Finished:
    """As `deliver`, in an event loop."""
    _bind(message, lane, worker)
    handed = time.monotonic()
    fit = forsaken = False
    try:
        answer = await conduct(_supervise(message, worker, handed), worker.connection, message.encoded)
        fit = not worker.exchange.worn_out
    except CallEndedError as ended:
        fit = ended.worker_fit
        raise _told(ended, message, worker, handed) from None
    except GeneratorExit:  # The loop was closed with the task in it: there is nothing that could be awaited.
        forsaken = True
        raise
    finally:
        message.cancellation.release()
        give_back = partial(lane.give_back, worker, fit=fit and not message.cancellation.requested)
        if forsaken or (fit and not lane.once):
            give_back()
        else:
            await in_thread(give_back)
    lane.pace.learn(answer, len(message.batch))
    return message.finish(worker, answer, handed)


def _bind(message: Message[Finished], lane: Lane, worker: Worker) -> None:
    try:
        message.cancellation.bind(worker)
    except concurrent.futures.CancelledError:
        lane.give_back(worker, fit=True)
        raise


def _supervise(message: Message[Finished], worker: Worker, now: float) -> Supervisor:
    request = message.request
    worker.begin(request.run_id, request.timeout_s, now)
    return Supervisor(
        worker,
        worker.warden,
        request.inputs,
        timeout_s=request.timeout_s,
        compile_timeout_s=request.compile_timeout_s,
        cancellation=message.cancellation,
        report_progress=request.report_progress,
        batch=message.batch,
    )


def _told(ended: CallEndedError, message: Message[Finished], worker: Worker, handed: float) -> BaseException:
    """Have the error of a call tell how the call went and what it used."""
    error, request = ended.error, message.request
    if isinstance(error, ExecutionError):
        error.worker_seconds = time.monotonic() - worker.started
    if isinstance(error, PluginError):
        took = time.monotonic() - handed
        error.execution = _execution(request, worker, ended.usage or _UNKNOWN, took, handed - message.began)
    return error


def share_out(
    requests: Sequence[Request], began: Sequence[float], worker: Worker, answer: Answer, handed: float
) -> list[Outcome]:
    """Return what became of each call of a message; each has an equal share of the time."""
    count = len(requests)
    usage = msgspec.structs.replace(answer.usage, cpu_seconds=answer.usage.cpu_seconds / count)
    alike = _execution(requests[0], worker, usage, answer.wall_seconds / count, 0.0, answer.warnings)
    outcomes: list[Outcome] = []
    for request, since, outcome in zip(requests, began, answer.outcomes, strict=True):
        execution = msgspec.structs.replace(
            alike, parameters=request.parameters, run_id=request.run_id, queue_seconds=handed - since
        )
        if not isinstance(outcome, BaseException):
            outcomes.append(ProcessingResult(*outcome, execution))
            continue
        if isinstance(outcome, ExecutionError):
            outcome.worker_seconds = time.monotonic() - worker.started
        if isinstance(outcome, PluginError):
            outcome.execution = execution
        outcomes.append(outcome)
    return outcomes


def _results(
    requests: Sequence[Request], began: float, worker: Worker, answer: Answer, handed: float
) -> tuple[list[Outcome], float]:
    return share_out(requests, [began] * len(requests), worker, answer, handed), answer.wall_seconds


def _result(request: Request, began: float, worker: Worker, answer: Answer, handed: float) -> ProcessingResult:
    execution = _execution(request, worker, answer.usage, answer.wall_seconds, handed - began, answer.warnings)
    return ProcessingResult(values=answer.values, metadata=answer.metadata, execution=execution)


def _execution(
    request: Request,
    worker: Worker,
    usage: Usage,
    wall_seconds: float,
    queue_seconds: float,
    warnings: tuple[str, ...] = (),
) -> Execution:
    release = request.deployment.release
    return Execution(
        plugin_id=release.plugin_id,
        version=release.version,
        digest=release.digest,
        parameters=request.parameters,
        wall_seconds=wall_seconds,
        cpu_seconds=usage.cpu_seconds,
        peak_memory_bytes=usage.peak_memory_bytes,
        protections=worker.protections,
        engine=NAME,
        queue_seconds=queue_seconds,
        warnings=warnings,
        run_id=request.run_id,
    )
