"""Writes `archive.npz` and `elastic_references.json`: published series, and what other programs say of them.

Run it where they are installed (the file names their versions), ``python tests/bundled/make_elastic_references.py``:
aeon (https://www.aeon-toolkit.org), tslearn, librosa, pytwed, RapidFuzz and strsimpy.

Left out is what a program defines otherwise than the papers. aeon: ERP (every cell of the border holds the sum over the
whole series), EDR (borders are 0), MSM of several channels together (squares of the norm), LCSS with a window, the sign
of soft-DTW, and every path but that of WDTW (it goes to the cheapest neighbour, whatever the step costs). pytwed: its
compiled function, which computes in float32. EDR and ERP are compared with programs for edit distances of texts: the
different values of the series are the letters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import librosa
import numpy as np
from aeon import distances
from aeon.clustering.averaging import petitjean_barycenter_average
from aeon.datasets import load_basic_motions, load_gunpoint, load_italy_power_demand, load_pickup_gesture_wiimoteZ
from aeon.distances import elastic
from pytwed.slow_twed import twed as marteaus_twed
from rapidfuzz.distance import LCSseq, Levenshtein
from recordings import ARCHIVE, series, spell
from strsimpy.weighted_levenshtein import WeightedLevenshtein
from tslearn.datasets import CachedDatasets
from tslearn.metrics import SoftDTW, SquaredEuclidean, dtw_subsequence_path

# What is asked, the group of series, the number of the first, of the second; options; the answer.
Reference = tuple[str, str, int, int, dict[str, Any], Any]

# Our name; aeon's function, and our parameters.
FAMILY: tuple[tuple[str, str, tuple[dict[str, Any], ...]], ...] = (
    ("twed", "twe", ({"nu": 0.001, "lmbda": 1.0}, {"nu": 1.0, "lmbda": 1.0}, {"nu": 0.25, "lmbda": 0.0})),
    ("msm", "msm", ({"cost": 0.1}, {"cost": 1.0})),
    ("lcss", "lcss", ({"epsilon": 0.05}, {"epsilon": 0.5})),
    ("wdtw", "wdtw", ({"steepness": 0.05}, {"steepness": 0.3})),
    ("adtw", "adtw", ({"warp_penalty": 0.01}, {"warp_penalty": 1.0})),
)
THEIRS = {"cost": "c", "steepness": "g"}
SEVERAL_CHANNELS = ("multivariate", "motions")


def write_archive() -> None:
    """Keep a few series of each data set, as the programs distribute them."""
    gun, motions = (load(split="train")[0] for load in (load_gunpoint, load_basic_motions))
    gestures, power = load_pickup_gesture_wiimoteZ(split="train")[0], load_italy_power_demand(split="train")[0]
    trace = CachedDatasets().load_dataset("Trace")[0]
    np.savez_compressed(
        ARCHIVE,
        gun=gun[:3, 0],
        motions=motions[[0, 20]].transpose(0, 2, 1),
        gesture_0=gestures[0][0],
        gesture_1=gestures[7][0],
        power=power[:30, 0],
        trace=trace[:2, :, 0],
    )


def pairs(kind: str) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
    several = series()[kind][:4]
    for first in range(len(several)):
        for second in range(first + 1, len(several)):
            yield first, second, several[first], several[second]


def ask_family() -> Iterator[Reference]:
    for kind in ("univariate", "multivariate", "gun", "motions", "gesture", "trace"):
        for name, theirs, settings in FAMILY:
            for first, second, a, b in pairs(kind):
                for parameters in settings:
                    given = {THEIRS.get(key, key): value for key, value in parameters.items()}
                    apart = {"independent": True} if name == "msm" and kind in SEVERAL_CHANNELS else {}
                    ours = {**parameters, **apart}
                    value = getattr(distances, f"{theirs}_distance")(a.T, b.T, **given)
                    yield f"{name}_distance", kind, first, second, ours, float(value)
                # The rest with the last of the settings alone.
                if kind in ("univariate", "multivariate") or name == "lcss":
                    continue
                matrix = getattr(elastic, f"{theirs}_cost_matrix")(a.T, b.T, **given)
                yield f"{name}_matrix", kind, first, second, ours, matrix[::16].sum(axis=1).tolist()
                if len(a) == len(b):
                    value = getattr(distances, f"{theirs}_distance")(a.T, b.T, **given, window=9.5 / len(a))
                    yield f"{name}_distance", kind, first, second, {**ours, "window_size": 9}, float(value)
                if name == "wdtw":
                    path, _ = elastic.wdtw_alignment_path(a.T, b.T, **given)
                    yield "wdtw_path", kind, first, second, ours, spell(path)


def ask_marteau() -> Iterator[Reference]:
    """TWED at given times, with norms of other degrees; before both series stands 0 at time 0, as he defines it."""
    for kind in ("gun", "motions"):
        for first, second, a, b in pairs(kind):
            times = [np.cumsum(np.random.default_rng(number).uniform(0.2, 3.0, len(a))) for number in (first, second)]
            for degree in (1.0, 2.0, 3.0):
                given = [np.vstack((np.zeros((1, one[0].size)), one.reshape(len(one), -1))) for one in (a, b)]
                stamps = [np.concatenate(([0.0], one)) for one in times]
                value, _ = marteaus_twed(given[0], stamps[0], given[1], stamps[1], 0.5, 0.25, degree)
                options = {"nu": 0.5, "lmbda": 0.25, "degree": degree, "times1": times[0], "times2": times[1]}
                yield "twed_distance", kind, first, second, options, float(value)


def ask_for_texts() -> Iterator[Reference]:
    for first, second, a, b in pairs("rounded"):
        one, other = (np.round(10 * values).astype(int).tolist() for values in (a, b))
        same = {"epsilon": 0.01}
        yield "edr_distance", "rounded", first, second, same, float(Levenshtein.distance(one, other))
        shorter = min(len(one), len(other))
        yield "lcss_distance", "rounded", first, second, same, 1 - LCSseq.similarity(one, other) / shorter
        # Letters stand for the different values.
        values = np.unique(np.concatenate((a, b)))
        texts = ["".join(chr(0x4E00 + int(np.searchsorted(values, x))) for x in text) for text in (a, b)]

        def value_of(letter: str, values: np.ndarray = values) -> float:
            return float(values[ord(letter) - 0x4E00])

        for epsilon in (0.35, 1.05):
            edits = WeightedLevenshtein(
                substitution_cost_fn=lambda p, q, limit=epsilon: float(abs(value_of(p) - value_of(q)) > limit)
            )
            yield "edr_distance", "rounded", first, second, {"epsilon": epsilon}, edits.distance(*texts)
        for gap in (0.0, 2.5):
            edits = WeightedLevenshtein(
                substitution_cost_fn=lambda p, q: abs(value_of(p) - value_of(q)),
                insertion_cost_fn=lambda p, gap=gap: abs(value_of(p) - gap),
                deletion_cost_fn=lambda p, gap=gap: abs(value_of(p) - gap),
            )
            yield "erp_distance", "rounded", first, second, {"gap_value": gap}, edits.distance(*texts)


def ask_warping() -> Iterator[Reference]:
    squared = {"distance_metric": "sqeuclidean", "step_pattern": "symmetric1"}
    for kind in ("gun", "motions", "gesture", "trace"):
        for first, second, a, b in pairs(kind):
            path, value = elastic.dtw_alignment_path(a.T, b.T)
            yield "dtw_distance", kind, first, second, squared, float(value)
            yield "dtw_path", kind, first, second, squared, spell(path)
            if len(a) == len(b):
                value = distances.dtw_distance(a.T, b.T, window=9.5 / len(a))
                yield "dtw_distance", kind, first, second, {**squared, "window_size": 9}, float(value)
            value = float(elastic.shape_dtw_cost_matrix(a.T, b.T, reach=4)[-1, -1])
            shape = {**squared, "representation": "shape", "shape_reach": 4}
            yield "dtw_distance", kind, first, second, shape, value
            for gamma in (0.1, 2.0):
                value, gradient = soften(a, b, gamma)
                yield "soft_dtw", kind, first, second, {"gamma": gamma}, value
            if kind in ("gun", "motions"):
                yield "soft_dtw_gradient", kind, first, second, {"gamma": gamma}, gradient.tolist()


def soften(a: np.ndarray, b: np.ndarray, gamma: float) -> tuple[float, np.ndarray]:
    costs = SquaredEuclidean(a.reshape(len(a), -1), b.reshape(len(b), -1))
    soft = SoftDTW(costs, gamma=gamma)
    value = float(soft.compute())
    return value, np.asarray(costs.jacobian_product(soft.grad())).reshape(a.shape)


def ask_others() -> Iterator[Reference]:
    """Barycenters, nearest neighbours, and one series within another."""
    power = series()["power"]
    table = distances.dtw_pairwise_distance(np.array(power[:4]), np.array(power[4:]), window=3.5 / 24)
    for query, row in enumerate(table):
        nearest = np.argsort(row, kind="stable")[:5]
        yield (
            "dtw_nearest",
            "power",
            query,
            4,
            {"count": 5, "window_size": 3},
            [nearest.tolist(), row[nearest].tolist()],
        )
    yield "dtw_pairwise", "power", 0, 4, {"window_size": 3}, table.sum(axis=0).tolist()
    average = petitjean_barycenter_average(
        np.array(power[:10])[:, np.newaxis], init_barycenter=power[0][np.newaxis], max_iters=40, tol=1e-12
    )
    yield "dtw_barycenter", "power", 0, 10, {"max_iterations": 40, "tolerance": 0.0}, average[0].tolist()
    gun, trace = series()["gun"], series()["trace"]
    for query, target in ((gun[0][40:100:2], gun[1]), (trace[0][60:140], trace[1])):
        given = {"query": query, "target": target}
        path, cost = dtw_subsequence_path(query, target)
        yield "dtw_subsequence", "given", 0, 0, given, [spell(path), float(cost) ** 2]
        steps = np.array([[1, 1], [1, 0], [1, 2]])
        table, path = librosa.sequence.dtw(
            query, target, metric="cityblock", subseq=True, step_sizes_sigma=steps, weights_mul=np.ones(3)
        )
        yield "dtw_asymmetric_subsequence", "given", 0, 0, given, [spell(path[::-1]), float(table[-1].min())]


def main() -> None:
    write_archive()
    programs = [f"{name} {version(name)}" for name in ("aeon", "tslearn", "librosa", "pytwed", "RapidFuzz", "strsimpy")]
    values = [*ask_family(), *ask_marteau(), *ask_for_texts(), *ask_warping(), *ask_others()]
    lines = ",\n".join(json.dumps(value, default=np.ndarray.tolist) for value in values)
    text = f'{{"sources": {json.dumps(programs)}, "values": [\n{lines}\n]}}'
    Path(__file__).with_name("elastic_references.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
