"""What EDR and LCSS share: samples match if they are close enough, however close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arithmetic import choose, to_lengths
from .distance import ElasticDistance
from .problem import check_number
from .steps import Cells, carry_total, hold_nothing, no_features, recall_total


class ToleranceSteps(NamedTuple):
    """Costs of the steps.

    Attributes:
        epsilon: Samples at most so far apart match; NaN for a quarter of the larger standard deviation.
        match: Cost of a step to two samples that match.
        differ: Cost of a step to two samples that do not.
        delete: Cost of a deletion, from the beginning on.
    """

    epsilon: float
    match: float
    differ: float
    delete: float

    width = no_features
    hold = hold_nothing
    carry = carry_total
    recall = recall_total

    def describe(
        self,
        values: NDArray[np.float64],
        times: NDArray[np.float64],
        features: NDArray[np.float64],
        deletion: NDArray[np.float64],
    ) -> None:
        """Let every deletion cost the same."""
        deletion[:] = self.delete

    def asks_spread(self) -> bool:
        """Return whether the tolerance is still to be found."""
        return not self.epsilon >= 0.0

    def between(self, first_spread: float, second_spread: float) -> ToleranceSteps:
        """Return the steps with the tolerance for two series."""
        if self.epsilon >= 0.0:
            return self
        return ToleranceSteps(max(first_spread, second_spread) / 4.0, self.match, self.differ, self.delete)

    def finish(self, total: float, n: int, m: int) -> float:
        """Return the total; where it counts, below zero, what is in common: the part of the shorter series that is not.

        Args:
            total: D(n-1, m-1).
            n: Samples of the first series.
            m: Samples of the second series.
        """
        return 1.0 + total / min(n, m) if self.match < 0.0 else total

    def finish_matrix(self, matrix: NDArray[np.float64]) -> None:
        """Where cells count what is in common, make lengths of them; outside the window nothing is found."""
        if self.match < 0.0:
            to_lengths(matrix)

    def cost(self, gap: Any, held: Any, cells: Cells) -> tuple[Any, Any, Any]:
        """Return the costs of the three steps."""
        return choose(gap <= self.epsilon, self.match, self.differ), self.delete, self.delete


@dataclass(frozen=True)
class ToleranceDistance(ElasticDistance):
    """A distance with its tolerance, checked.

    Attributes:
        epsilon: The tolerance; ``None`` for a quarter of the larger standard deviation of the two series.
        costs: Of a match, of two samples that do not match, and of a deletion.
    """

    epsilon: float | None = None

    costs: ClassVar[tuple[float, float, float]]

    @property
    def spread_matters(self) -> bool:  # type: ignore[override]
        """Whether the tolerance follows from the series."""
        return self.epsilon is None

    def __post_init__(self) -> None:
        if self.epsilon is not None:
            check_number(self.epsilon, "epsilon", 0.0)

    def steps(self) -> ToleranceSteps:
        """Return the costs of the steps."""
        return ToleranceSteps(np.nan if self.epsilon is None else float(self.epsilon), *self.costs)
