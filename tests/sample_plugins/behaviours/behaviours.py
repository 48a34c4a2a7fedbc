"""One method for each behaviour that the host must cope with; `inputs["do"]` chooses."""

from __future__ import annotations

import ctypes
import os
import secrets
import signal
import sys
import threading
import time

import numpy as np

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import get_context

KEPT = []

#: Which worker this is; process ids say nothing where every worker is the first of its own namespace.
TOKEN = secrets.randbits(60)


class Behaviours:
    def execute(self, inputs):
        return getattr(self, inputs.get("do", "scale"))(inputs)

    def validate_inputs(self, inputs):
        return "refuse" not in inputs

    def get_manifest(self):
        return {"plugin_id": "behaviours", "version": "1.0.0"}

    def scale(self, inputs):
        return ProcessingResult(values=np.asarray(inputs["series"]) * inputs["params"]["factor"])

    def echo(self, inputs):
        return ProcessingResult(values=inputs["value"], metadata={"params": inputs["params"]})

    def raise_error(self, inputs):
        raise ValueError("the \x1b[2J message\nwith a second line")

    def raise_unprintable(self, inputs):
        class Unprintable(Exception):
            def __str__(self):
                raise RuntimeError("no")

        raise Unprintable

    def exit_system(self, inputs):
        sys.exit(3)

    def exit_at_once(self, inputs):
        os._exit(7)

    def die_at_call(self, inputs):
        KEPT.append(1)
        if len(KEPT) == inputs["number"]:
            os._exit(7)
        return ProcessingResult(values=len(KEPT))

    def crash(self, inputs):
        ctypes.string_at(0)

    def kill_itself(self, inputs):
        os.kill(os.getpid(), signal.SIGKILL)
        raise RuntimeError("still alive")

    def hang(self, inputs):
        signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP})
        while True:
            pass

    def sleep(self, inputs):
        time.sleep(inputs["seconds"])
        return ProcessingResult(values=TOKEN)

    def allocate(self, inputs):
        return ProcessingResult(values=float(np.ones(inputs["bytes"] // 8).sum()))

    def write_input(self, inputs):
        inputs["series"][0] = 1.0

    def unlock_input(self, inputs):
        inputs["series"].flags.writeable = True

    def force_write_input(self, inputs):
        address = inputs["series"].__array_interface__["data"][0]
        ctypes.memset(address, 255, 8)

    def keep_input(self, inputs):
        KEPT.append(inputs["series"])
        return ProcessingResult(values=[float(series[-1]) for series in KEPT])

    def count_calls(self, inputs):
        KEPT.append(None)
        return ProcessingResult(values=len(KEPT))

    def print_lines(self, inputs):
        print(inputs["text"])
        print("on standard error", file=sys.stderr)
        os.write(1, b"written past Python\n")
        return ProcessingResult(values=None)

    def print_and_wait(self, inputs):
        os.write(1, inputs["text"].encode())  # at once, so that whoever has read its beginning has its end
        threading.Event().wait()

    def print_much(self, inputs):
        line = "x" * 1023
        for _ in range(inputs["kilobytes"]):
            print(line)
        return ProcessingResult(values="done")

    def return_nothing(self, inputs):
        return None

    def return_unsendable(self, inputs):
        return ProcessingResult(values=1, metadata={"model": object()})

    def report(self, inputs):
        for step in range(3):
            get_context().report_progress((step + 1) / 3, f"step {step + 1}")
            time.sleep(0.06)
        return ProcessingResult(values=None)

    def scratch(self, inputs):
        directory = get_context().scratch
        before = sorted(path.name for path in directory.iterdir())
        (directory / "left behind").write_text("x")
        return ProcessingResult(values=before, metadata={"directory": str(directory)})

    def environment(self, inputs):
        return ProcessingResult(values=dict(os.environ), metadata={"argv": list(sys.argv)})

    def descriptors(self, inputs):
        def is_open(number):
            try:
                os.fstat(number)
            except OSError:
                return False
            return True

        return ProcessingResult(values=[number for number in range(256) if is_open(number)])

    def process(self, inputs):
        return ProcessingResult(values=TOKEN)

    def random(self, inputs):
        return ProcessingResult(values=np.random.random(4))

    def spin(self, inputs):
        end = time.process_time() + inputs["cpu_seconds"]
        while time.process_time() < end:
            pass
        return ProcessingResult(values=None)

    def leave_thread(self, inputs):
        def spin():
            while True:
                pass

        threading.Thread(target=spin, daemon=True).start()
        return ProcessingResult(values=TOKEN)

    def odd_scratch(self, inputs):
        directory = get_context().scratch
        for number in range(5):
            (directory / f".lifted-{number}" / "x" / "y").mkdir(parents=True)
        (directory / "a" / "b" / "c").mkdir(parents=True)
        return ProcessingResult(values=None, metadata={"directory": str(directory)})

    def length(self, inputs):
        return ProcessingResult(values=len(inputs["series"]))

    def nested_thread(self, inputs):
        results = []
        thread = threading.Thread(target=lambda: results.append(1))
        thread.start()
        thread.join()
        return ProcessingResult(values=results)

    def garbage(self, inputs):
        os.write(3, b"\xff" * 100)
        time.sleep(60)

    def close_channel(self, inputs):
        os.close(3)
        time.sleep(60)
