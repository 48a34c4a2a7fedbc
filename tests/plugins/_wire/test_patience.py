"""Looking before sleeping: as long as it is worthwhile, and ever more rarely while it is not."""

from __future__ import annotations

from platform_base.plugins._wire.patience import Patience


def skipped(patience):
    """How many times it says not to spin before it says to spin again."""
    count = 0
    while not patience.spin_s:
        count += 1
    return count


def test_each_spin_in_vain_doubles_the_pause_and_one_that_was_not_ends_it():
    patience = Patience()
    spin_s = patience.spin_s
    assert spin_s > 0
    pauses = []
    for _ in range(10):
        patience.learn(worthwhile=False, took_s=spin_s)
        pauses.append(skipped(patience))
    assert pauses == [1, 3, 7, 15, 31, 63, 127, 255, 256, 256]
    patience.learn(worthwhile=True, took_s=spin_s / 2)
    assert skipped(patience) == 0
    patience.learn(worthwhile=False, took_s=spin_s)
    assert skipped(patience) == 1


def test_a_spin_that_lost_its_core_is_followed_by_the_longest_pause():
    for worthwhile in (True, False):
        patience = Patience()
        patience.learn(worthwhile=worthwhile, took_s=3 * patience.spin_s)
        assert skipped(patience) == 256
