"""Closing what was inherited."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

from platform_base.plugins._sandbox import linux

_LAST = 0xFFFFFFFF


def close_all_except(keep: Iterable[int]) -> None:
    """Close every descriptor of this process that is not in `keep`.

    Args:
        keep: Descriptors that stay open; numbers that are not open are no fault.

    Raises:
        OSError: The kernel refused to close.
    """
    stays = sorted(set(keep))
    starts = [0, *(number + 1 for number in stays)]
    ends = [*(number - 1 for number in stays), _LAST]
    gaps = [(start, end) for start, end in zip(starts, ends, strict=True) if start <= end]
    try:
        for start, end in gaps:
            linux.syscall("close_range", start, end, 0)
    except OSError as error:
        # Before Linux 5.9 there is no close_range; old container profiles answer EPERM to what they do not
        # know.
        if error.errno not in (errno.ENOSYS, errno.EPERM):
            raise
        close_one_by_one(stays)


def close_one_by_one(keep: Iterable[int]) -> None:
    """Do what `close_all_except` does on a kernel without ``close_range(2)``.

    Args:
        keep: Descriptors that stay open.

    Raises:
        OSError: ``/proc`` is not there, so the open descriptors cannot be known.
    """
    # A list, because the directory is read through a descriptor of its own, gone by the time it is closed
    # here.
    for number in set(map(int, os.listdir("/proc/self/fd"))) - set(keep):
        try:
            os.close(number)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
