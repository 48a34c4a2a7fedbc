"""Nothing that was inherited stays open."""

from __future__ import annotations

import os

import pytest

from platform_base.plugins._sandbox.descriptors import close_all_except, close_one_by_one


def open_now():
    return sorted(int(name) for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}"))


@pytest.mark.parametrize("close", [close_all_except, close_one_by_one])
@pytest.mark.parametrize("kept", [(), (0,), (1, 2), (2, 7, 8, 500), (7, 7, 900)])
def test_closes_all_but_what_is_kept(close, kept):
    receive, send = os.pipe()
    os.set_inheritable(send, True)
    pid = os.fork()
    if pid == 0:
        line = os.dup2(send, 600)
        for number in (7, 8, 9, 500, 601, 700):
            os.dup2(0, number)
        close((*kept, line))
        os.write(line, " ".join(map(str, open_now())).encode())
        os._exit(0)
    os.close(send)
    with open(receive) as stream:
        found = [int(word) for word in stream.read().split()]
    os.waitpid(pid, 0)

    existing = {0, 1, 2, 7, 8, 9, 500, 601, 700}
    assert [number for number in found if number == 600 or number in existing] == sorted(
        {600, *kept} & {600, *existing}
    )
    assert 900 not in found
    assert len(found) <= len({600, *kept}) + 1  # the listing itself
