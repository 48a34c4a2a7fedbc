"""Talks to whom it is told, through the broker."""

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import get_context


class Caller:
    def execute(self, inputs):
        with get_context().connect(inputs["host"], inputs["port"]) as line:
            line.sendall(b"question")
            return ProcessingResult(values=line.recv(100))

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {}
