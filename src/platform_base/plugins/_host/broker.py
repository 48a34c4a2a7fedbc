"""Network for plugins that were given some: the host resolves, connects and hands over the connected socket.

The worker itself can make no socket, so the list of destinations is checked where the plugin cannot reach it, by the
name that the operator wrote and not by an address that a name server may change.
"""

from __future__ import annotations

import logging
import socket
import threading
import time

from platform_base.plugins._host.visible import make_visible
from platform_base.plugins._sandbox.policy import Policy

logger = logging.getLogger(__name__)

_LONGEST_S = 30.0


def connect_for(policy: Policy, host: str, port: int, deadline: float | None) -> socket.socket:
    """Connect on behalf of a worker.

    Args:
        policy: Its policy, whose `network` lists what is allowed.
        host: What the plugin asked for: a name or an address, compared letter by letter but for case.
        port: TCP port.
        deadline: `time.monotonic` seconds after which nobody waits any more; None: at most 30 s.

    Raises:
        PermissionError: The policy does not name that destination.
        ConnectionError: Nobody answered there, or not in time.
    """
    if (host.lower(), port) not in {(name.lower(), number) for name, number in policy.network}:
        allowed = ", ".join(f"{name}:{number}" for name, number in policy.network) or "nothing"
        asked = make_visible(host)[:100]
        logger.warning("a plugin asked for a connection to %s:%d, which is not allowed", asked, port)
        raise PermissionError(
            f"{asked}:{port} is not allowed; security.network and the manifest's permissions give {allowed}"
        )
    patience = _LONGEST_S if deadline is None else max(0.0, min(_LONGEST_S, deadline - time.monotonic()))
    return _Attempt(host, port, patience).wait()


class _Attempt:
    """One attempt in a thread of its own: a name server may take longer than the call has."""

    def __init__(self, host: str, port: int, patience_s: float) -> None:
        self._address = (host, port)
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._connected: socket.socket | None = None
        self._error = ""
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name="platform_base-broker", daemon=True)
        self._thread.start()

    def wait(self) -> socket.socket:
        """Return the connected socket, or raise `ConnectionError`."""
        self._thread.join(self._patience_s)
        with self._lock:
            self._abandoned = True
            if self._connected is not None:
                return self._connected
            raise ConnectionError(
                "{}:{}: {}".format(*self._address, self._error or f"no answer within {self._patience_s:.1f} s")
            )

    def _run(self) -> None:
        try:
            connected = socket.create_connection(self._address, timeout=max(0.1, self._patience_s))
        except OSError as error:
            with self._lock:
                self._error = str(error)
            return
        connected.settimeout(None)
        with self._lock:
            if self._abandoned:
                connected.close()
            else:
                self._connected = connected
