"""Design of recursive filters in second-order sections, and the proof that the design can be used."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .parameters import RecursiveDesign

# How far the gain in the middle of the passband may be from what the design promises. Where poles crowd
# together, rounding of the coefficients moves it by whole decibels; a design in order is right to 1e-6.
_GAIN_TOLERANCE_DB = 0.01


def design_sections(design: RecursiveDesign) -> NDArray[np.float64]:
    """Return the filter as second-order sections.

    Args:
        design: What to design. Cutoffs are where one pass loses 3.01 dB (butterworth, bessel), `ripple_db`
            (chebyshev1, elliptic) or `attenuation_db` (chebyshev2).

    Returns:
        ``(sections, 6)`` float64: b0, b1, b2, 1, a1, a2 of each section.

    Raises:
        ValueError: If the filter would be unstable, or float64 cannot represent it.
    """
    from scipy import signal

    with np.errstate(all="ignore"):
        try:
            zeros, poles, gain = _design_poles(signal, design)
            sections: NDArray[np.float64] = signal.zpk2sos(zeros, poles, gain)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            raise ValueError(_unusable(design, f"the design fails ({error})")) from error
        radius = _largest_pole(sections)
        if not (np.isfinite(sections).all() and np.isfinite(gain)):
            raise ValueError(_unusable(design, "its coefficients overflow float64"))
        if not radius < 1.0:
            raise ValueError(_unusable(design, f"it is unstable: a pole lies at radius {radius:.17g}"))
        loss = _passband_error(signal, sections, design)
    if not loss <= _GAIN_TOLERANCE_DB:
        raise ValueError(_unusable(design, f"rounding moves its gain in the passband by {loss:.3g} dB"))
    return sections


def _design_poles(signal: Any, design: RecursiveDesign) -> tuple[NDArray[np.complex128], NDArray[np.complex128], float]:
    edges: Any = design.edges[0] if len(design.edges) == 1 else list(design.edges)
    options = {"btype": design.btype, "output": "zpk"}
    if design.filter_type == "butterworth":
        zpk = signal.butter(design.order, edges, **options)
    elif design.filter_type == "chebyshev1":
        zpk = signal.cheby1(design.order, design.ripple_db, edges, **options)
    elif design.filter_type == "chebyshev2":
        zpk = signal.cheby2(design.order, design.attenuation_db, edges, **options)
    elif design.filter_type == "elliptic":
        zpk = signal.ellip(design.order, design.ripple_db, design.attenuation_db, edges, **options)
    else:
        # norm="mag" puts the 3 dB point at the cutoff, as for the other families; SciPy's default is the
        # phase's.
        zpk = signal.bessel(design.order, edges, norm="mag", **options)
    return zpk[0], zpk[1], float(zpk[2])


def _largest_pole(sections: NDArray[np.float64]) -> float:
    """Return the largest pole radius of the sections as they are stored, not as they were designed."""
    if not np.isfinite(sections).all():
        return math.inf
    return max(float(np.abs(np.roots(section[3:])).max(initial=0.0)) for section in sections)


def _passband_error(signal: Any, sections: NDArray[np.float64], design: RecursiveDesign) -> float:
    """Return by how many dB the gain in the middle of the passband misses what the family promises there."""
    if design.btype in ("low", "bandstop"):
        middle = 0.0
    elif design.btype == "high":
        middle = 1.0
    else:
        # The bilinear transform takes the geometric mean of the analog edges to this frequency.
        analog = [math.tan(math.pi * edge / 2) for edge in design.edges]
        middle = 2 / math.pi * math.atan(math.sqrt(analog[0] * analog[1]))
    _, response = signal.sosfreqz(sections, worN=np.array([math.pi * middle]))
    even_ripple = design.filter_type in ("chebyshev1", "elliptic") and design.order % 2 == 0
    promised_db = -design.ripple_db if even_ripple else 0.0
    error = abs(20 * math.log10(max(float(np.abs(response[0])), 1e-300)) - promised_db)
    return error if math.isfinite(error) else math.inf


def _unusable(design: RecursiveDesign, reason: str) -> str:
    edges = " to ".join(f"{edge:g}" for edge in design.edges)
    return (
        f"no usable {design.filter_type} {design.btype} filter of order {design.order} at {edges} of the "
        f"Nyquist frequency: {reason}; give a lower order, edges farther from 0, from 1 and from each other "
        "(resample a series that is much faster than the cutoff), or usual ripple_db and attenuation_db"
    )
