"""Writes `elastic_references.json`: what aeon (https://www.aeon-toolkit.org) says of the series of `recordings`.

Run it where aeon is installed: ``python tests/bundled/make_elastic_references.py``. Left out is what aeon defines
otherwise than the papers: ERP (every cell of the border holds the sum over the whole series), EDR (borders are 0), MSM
of several channels together (squares of the norm), LCSS with a window. MSM of independent channels is aeon's default.
"""

from __future__ import annotations

import json
from pathlib import Path

import aeon
from aeon import distances
from recordings import multivariate, univariate

# Our name; aeon's function, our parameter's name and aeon's, values.
CASES = (
    ("twed", "twe_distance", ({"nu": 0.001, "lmbda": 1.0}, {"nu": 1.0, "lmbda": 1.0}, {"nu": 0.25, "lmbda": 0.0})),
    ("msm", "msm_distance", ({"cost": 0.1}, {"cost": 1.0})),
    ("lcss", "lcss_distance", ({"epsilon": 0.05}, {"epsilon": 0.5})),
    ("wdtw", "wdtw_distance", ({"steepness": 0.05}, {"steepness": 0.3})),
    ("adtw", "adtw_distance", ({"warp_penalty": 0.01}, {"warp_penalty": 1.0})),
)
APART = {("msm", "multivariate")}
THEIRS = {"cost": "c", "steepness": "g"}


def main() -> None:
    values = []
    for kind, series in (("univariate", univariate()), ("multivariate", multivariate())):
        for name, function, settings in CASES:
            for first in range(len(series)):
                for second in range(first + 1, len(series)):
                    for parameters in settings:
                        given = {THEIRS.get(key, key): value for key, value in parameters.items()}
                        a, b = (series[number].T.copy() for number in (first, second))
                        value = float(getattr(distances, function)(a, b, **given))
                        ours = {**parameters, "independent": True} if (name, kind) in APART else parameters
                        values.append([name, kind, first, second, ours, value])
    lines = ",\n".join(json.dumps(value) for value in values)
    text = f'{{"source": {json.dumps(f"aeon {aeon.__version__}")}, "values": [\n{lines}\n]}}'
    Path(__file__).with_name("elastic_references.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
