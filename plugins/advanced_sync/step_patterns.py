"""Step patterns: which steps a warping path may take, and what they cost.

Named as in the R package dtw (Giorgino 2009, doi 10.18637/jss.v031.i07); i counts reference samples, j target
samples.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPattern:
    """One step pattern.

    Attributes:
        name: Its canonical name.
        diagonal_weight: How often the local cost counts on the step ``(1, 1)``; every other step counts it
            once.
        asymmetric: Steps are ``(1, 0)``, ``(1, 1)``, ``(1, 2)`` instead of ``(1, 0)``, ``(1, 1)``,
            ``(0, 1)``.
    """

    name: str
    diagonal_weight: float
    asymmetric: bool

    def normalization(self, n: int, m: int, path_length: int) -> int:
        """Return what the distance is divided by, so that it no longer grows with the length.

        Args:
            n: Samples of the reference.
            m: Samples of the target.
            path_length: Pairs on the path.

        Returns:
            The sum of the weights, which is the same for every path: ``n + m`` for symmetric2 and ``n`` for
            asymmetric. For symmetric1 there is no such number; it is the number of pairs on the path.
        """
        if self.asymmetric:
            return n
        return n + m if self.diagonal_weight == 2.0 else path_length


_SYMMETRIC1 = StepPattern(name="symmetric1", diagonal_weight=1.0, asymmetric=False)
_SYMMETRIC2 = StepPattern(name="symmetric2", diagonal_weight=2.0, asymmetric=False)
_ASYMMETRIC = StepPattern(name="asymmetric", diagonal_weight=1.0, asymmetric=True)

STEP_PATTERNS = {
    "symmetric": _SYMMETRIC2,
    "symmetric1": _SYMMETRIC1,
    "symmetric2": _SYMMETRIC2,
    "asymmetric": _ASYMMETRIC,
}
