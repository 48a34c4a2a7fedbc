"""The benchmark of calls measures what it says, for everybody it was asked for, and judges by the figures alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from tests.conftest import REPOSITORY

BENCHMARKS = REPOSITORY / "benchmarks"
PEERS = ("platform_base", "in process", "multiprocessing.Pool")
CASES = ("empty call", "1 KB", "100 KB")


@pytest.fixture
def goals(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import peers.goals
    import peers.results

    yield peers
    for name in [name for name in sys.modules if name.partition(".")[0] == "peers"]:
        del sys.modules[name]


def test_a_short_run_measures_everybody_and_leaves_nothing(tmp_path, nothing_left):
    # What it makes lies where confined workers may look for it.
    scratch = tmp_path / "scratch"
    scratch.mkdir(mode=0o755)
    file = tmp_path / "figures.json"
    ended = subprocess.run(
        [sys.executable, BENCHMARKS / "calls.py", "--quick", "--rounds", "1", "--cases", "small", "--only", *PEERS,
         "--json", file],
        env={**os.environ, "TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    figures = json.loads(file.read_text())["cases"]
    for case in CASES:
        assert set(figures[case]) == set(PEERS)
        for peer in PEERS:
            (took,) = figures[case][peer]["seconds"]
            assert took, (case, peer, figures[case][peer]["remark"])
            assert all(seconds > 0 for seconds in took)
        assert case in ended.stdout
    assert list(scratch.iterdir()) == []


def test_a_wrong_answer_is_no_figure(goals):
    import numpy as np
    from peers.base import Peer
    from peers.cases import Effort, WrongAnswerError, one_caller

    class Forgetful(Peer):
        """Answers from memory."""

        def open(self):
            self.answers = {}

        def call(self, series):
            return self.answers.setdefault(series.shape, series * 2)

        def close(self):
            pass

    peer = Forgetful(workers=1)
    peer.open()
    with pytest.raises(WrongAnswerError):
        one_caller(8 * 100)(peer, Effort(calls=3, seconds=1.0, warm=0))
    assert np.array_equal(peer.answers[(100,)], np.array([0.0, *range(1, 100)]) * 2)


def made_up(peers, case, **seconds):
    results = peers.results.Results(machine={}, missing=[])
    for name, took in seconds.items():
        results.add(name, "small", {case: {"seconds": took}})
    return results


@pytest.mark.parametrize(("ours", "reached", "held"), [(1.0, 9.0, True), (2.0, 4.5, False)])
def test_goals_are_judged_by_medians(goals, ours, reached, held):
    case = "empty call"
    results = made_up(goals, case, platform_base=[ours, ours, 100.0], **{"multiprocessing.Pool": [9.0, 9.0, 9.0]})
    verdicts = {verdict.against: verdict for verdict in goals.goals.judge(results) if verdict.goal.case == case}
    assert verdicts["multiprocessing.Pool"].reached == reached
    assert verdicts["multiprocessing.Pool"].held is held
    assert verdicts["Appose"].held is None


def test_the_fastest_peer_is_one_that_is_handed_ordinary_arrays(goals):
    figures = {"in process": [0.1], "Ray": [4.0], "Ray, stored inputs": [1.0], "Appose": [3.0]}
    results = made_up(goals, "8 MB", platform_base=[1.5], **figures)
    verdict = next(verdict for verdict in goals.goals.judge(results) if verdict.goal.case == "8 MB")
    assert (verdict.against, verdict.reached, verdict.held) == ("Appose", 2.0, False)
