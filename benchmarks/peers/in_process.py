"""No other process at all: what the work itself costs."""

from __future__ import annotations

from peers.base import Peer
from peers.work import double


class InProcess(Peer):
    """A plain function call."""

    def open(self):
        pass

    def call(self, series):
        return double(series)

    def map(self, many):
        return [double(series) for series in many]

    def close(self):
        pass
