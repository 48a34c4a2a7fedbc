"""Micro-batches: calls that wait for a worker of a quick plugin travel in one message.

Where more calls are under way than there are workers, a call of a few microseconds costs its caller far more than its
work: a thread that is woken for its turn, sends, sleeps, and is woken again, each time against all the others. So calls
that have to wait gather behind the first of them. When that one gets a worker it takes the others along, and each
caller is woken once, with its result. Nobody waits for a gathering: it leaves as soon as there is a worker.

The calls of one message run one after the other, and are answered together. That is why only plugins take part whose
calls have been short for a while, and why a message that brings no answers decides nothing: each of its calls is then
made on its own.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from platform_base.plugins._engines.base import Deployment, Outcome, Request
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._host.group import Wake
from platform_base.plugins._host.supervisor import Answer
from platform_base.plugins._wire.codec import Encoded

_MOST_CALLS = 32
_MOST_BYTES = 4096
"""Of one call's inputs. Larger ones are worth a message of their own."""

_QUICK_S = 0.001
"""A call that takes longer has little to gain: a message costs a few tens of microseconds."""

_PROBATION = 64
"""So many calls in a row must have been quick."""


class Pace:
    """Whether the calls of a release are short and silent. Used by many threads; a lost update costs a few calls."""

    __slots__ = ("_probation",)

    def __init__(self) -> None:
        self._probation = _PROBATION

    @property
    def is_quick(self) -> bool:
        """Whether they have been so for a while."""
        return not self._probation

    def learn(self, answer: Answer, count: int) -> None:
        """Take note of a message of so many calls; 0: of one that was not made for several.

        What is printed belongs to one call, so those of a plugin that prints stay apart.
        """
        if answer.wall_seconds > _QUICK_S * (count or 1) or answer.printed:
            self._probation = _PROBATION
        elif self._probation:
            self._probation = max(0, self._probation - (count or 1))


@dataclass(slots=True, kw_only=True, eq=False)
class Passenger:
    """One call of a gathering.

    Attributes:
        request: The call.
        encoded: Its inputs.
        cancellation: Its caller's right to stop it.
        wake: Called once, in any thread, when there is something for a caller who does not lead.
        began: When the call was made, `time.monotonic` seconds.
        loop: The event loop of its caller; None: a thread.
        party: Those that it gathers with, the leader first; empty once they have left.
        leads: Its caller is the one who waits for a worker, for all.
        outcome: How it ended; None: it leads now, or is to be made on its own.
    """

    request: Request
    encoded: Encoded
    cancellation: Cancellation
    wake: Wake
    began: float
    loop: object = None
    party: list[Passenger] = field(default_factory=list)
    leads: bool = False
    outcome: Outcome | None = None
    _roused: bool = False

    @property
    def waits_to_lead(self) -> bool:
        """Whether its caller is to find a worker for all now."""
        return self.leads and self.outcome is None

    def rouse(self, outcome: Outcome | None = None) -> bool:
        """Have the caller go on, unless it does already; under the gathering's lock, or after it has left.

        False: there is nobody any more who could.
        """
        if self._roused:
            return True
        self._roused = True
        self.outcome = outcome
        return self.wake() is not False

    def go_away(self) -> None:
        """Say that the caller waits no more: nobody is there to be woken, perhaps not even a loop."""
        self._roused = True


class Gathering:
    """Where the calls of one release gather. Thread-safe."""

    def __init__(self) -> None:
        # Reentrant: a task left in a closed event loop leaves when it is collected, which any line may bring about.
        self._lock = threading.RLock()
        self._party: list[Passenger] = []
        self.followers = 0

    def join(self, passenger: Passenger, room: int) -> bool:
        """Let a call gather with others, as their leader or behind one; False: it must wait on its own.

        Args:
            passenger: The call.
            room: Nobody may wait behind a leader if so many do already.
        """
        with self._lock:
            party = self._party
            if len(party) >= _MOST_CALLS:
                # It is its leader's; the next gathering begins.
                party = self._party = []
            if party:
                if self.followers >= room or not _may_follow(passenger, party[0]):
                    return False
                self.followers += 1
            passenger.party = party
            passenger.leads = not party
            party.append(passenger)
            return True

    def depart(self, leader: Passenger) -> list[Passenger]:
        """Return all of the leader's gathering, which ends with it; nobody, if it has left its own."""
        with self._lock:
            party = leader.party
            gone = party.copy() if leader in party else []
            if gone:
                self.followers -= len(gone) - 1
                party.clear()
                if self._party is party:
                    self._party = []
            return gone

    def _promote(self, party: list[Passenger]) -> None:
        """Have the next of a gathering lead; a thread if there is one, for it needs no event loop to go on."""
        party.sort(key=lambda each: each.loop is not None)
        while party:
            self.followers -= 1
            party[0].leads = True
            if party[0].rouse():
                return
            del party[0]

    def leave(self, passenger: Passenger, outcome: BaseException | None = None) -> None:
        """Take a call out of its gathering, if that has not left; behind a leader who leaves the next one leads."""
        with self._lock:
            party = passenger.party
            if passenger not in party:
                return
            party.remove(passenger)
            if passenger.leads:
                self._promote(party)
            else:
                self.followers -= 1
            if outcome is not None:
                passenger.rouse(outcome)


def _may_follow(passenger: Passenger, leader: Passenger) -> bool:
    """Whether a call may take the same time as its leader's, and its caller is sure to be served as soon as possible.

    An event loop may be kept busy by one of its own tasks. Nobody else shall wait for that.
    """
    if leader.loop is not None and leader.loop is not passenger.loop:
        return False
    one, other = leader.request, passenger.request
    return one.timeout_s == other.timeout_s and one.compile_timeout_s == other.compile_timeout_s


def leave_no_trace(deployment: Deployment) -> bool:
    """Whether calls can be made again without anybody noticing: nothing outside their worker is changed by them."""
    asked = deployment.release.manifest.permissions
    outside = asked.network or asked.processes or (asked.filesystem is not None and asked.filesystem.write)
    return deployment.reuse == "worker" and not outside


def is_small(encoded: Encoded) -> bool:
    """Whether inputs are worth sharing a message."""
    return not encoded.size and not encoded.lent and len(encoded.body) <= _MOST_BYTES
