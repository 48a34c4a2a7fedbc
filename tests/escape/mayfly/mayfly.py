"""Dies at once, in one way or another."""

from __future__ import annotations

import ctypes
import os
import time


class Mayfly:
    def execute(self, inputs):
        if inputs["how"] == "exit":
            os._exit(1)
        if inputs["how"] == "crash":
            ctypes.string_at(0)
        os.write(3, b"\xff")
        time.sleep(60)

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "mayfly", "version": "1.0.0"}
