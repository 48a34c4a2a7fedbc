"""Using up time, and not ending."""

from __future__ import annotations

import atexit
import os
import re
import signal
import sys
import threading
import time

import numpy as np


def loop(inputs):
    while True:
        pass


def regular_expression(inputs):
    return re.match(r"(a+)+$", "a" * 64 + "b")


def large_integer(inputs):
    return 3**10**9


def large_decimal(inputs):
    sys.set_int_max_str_digits(0)
    return len(str(7 ** (1 << 24)))


def matrices(inputs):
    matrix = np.ones((400, 400))
    while True:
        matrix = matrix @ matrix * 1e-9


def sort_for_ever(inputs):
    numbers = np.random.random(1 << 20)
    while True:
        np.sort(numbers)


def sleep(inputs):
    time.sleep(3600)


def wait_on_lock(inputs):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def wait_uninterruptibly(inputs):
    """Sleep inside the C library with every signal blocked."""
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    while True:
        signal.sigwait({signal.SIGUSR2})


def ignore_signals(inputs):
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    while True:
        pass


def catch_everything(inputs):
    while True:
        try:
            while True:
                time.sleep(10)
        except BaseException:
            continue


def slow_deletion(inputs):
    class Slow:
        def __del__(self):
            while True:
                pass

    Slow()


def slow_result(inputs):
    """The result's own methods run while it is encoded."""

    class Slow(dict):
        def items(self):
            while True:
                pass

    return Slow(a=1)


def atexit_loop(inputs):
    def forever():
        while True:
            pass

    atexit.register(forever)
    sys.exit(0)


def use_up_cpu(inputs):
    while True:
        pass


def ignore_xcpu(inputs):
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    while True:
        pass


def catch_xcpu(inputs):
    signal.signal(signal.SIGXCPU, lambda *_: None)
    while True:
        pass


def many_threads_of_cpu(inputs):
    for _ in range(3):
        threading.Thread(target=loop, args=({},), daemon=True).start()
    loop(inputs)


def stop_itself(inputs):
    os.kill(os.getpid(), signal.SIGSTOP)
    return "continued"


def stop_by_other_names(inputs):
    for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    return "continued"


def thread_left(inputs):
    """Return, and leave a thread that only waits."""
    event = threading.Event()
    threading.Thread(target=event.wait, daemon=True).start()
    return threading.active_count()


def busy_thread_left(inputs):
    """Return, and leave a thread that computes."""
    threading.Thread(target=loop, args=({},), daemon=True).start()
    return os.getpid()


def timer_left(inputs):
    """Return, and be killed later by an own timer."""
    signal.setitimer(signal.ITIMER_REAL, 3600)
    return "returned"


def share_of_core(inputs):
    """How much CPU time could be had in a time span, in seconds."""
    began, used = time.monotonic(), time.process_time()
    while time.monotonic() - began < inputs["seconds"]:
        pass
    return (time.process_time() - used) / (time.monotonic() - began)


def progress_flood(inputs):
    """Reports by the front door, as fast as it goes."""
    from platform_base.plugins.base import get_context

    report = get_context().report_progress
    while True:
        report(0.5, "x" * 1000)
