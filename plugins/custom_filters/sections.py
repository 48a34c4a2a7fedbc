"""Design of recursive filters in second-order sections, and the proof that the design can be used."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .analog import (
    bessel_prototype,
    butterworth_prototype,
    chebyshev1_prototype,
    chebyshev2_prototype,
    elliptic_prototype,
)
from .cascade import Cascade, largest_pole
from .pairing import to_sections
from .parameters import RecursiveDesign
from .zpk import ZPK, to_digital

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
    with np.errstate(all="ignore"):
        try:
            digital = to_digital(_prototype(design), design.btype, design.edges)
            sections = to_sections(digital)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            raise ValueError(_unusable(design, f"the design fails ({error})")) from error
        if not (np.isfinite(sections).all() and np.isfinite(digital.gain)):
            raise ValueError(_unusable(design, "its coefficients overflow float64"))
        radius = largest_pole(sections)
        if not radius < 1.0:
            raise ValueError(_unusable(design, f"it is unstable: a pole lies at radius {radius:.17g}"))
        error_db = passband_error_db(sections, design)
    if not error_db <= _GAIN_TOLERANCE_DB:
        raise ValueError(_unusable(design, f"rounding moves its gain in the passband by {error_db:.3g} dB"))
    return sections


def _prototype(design: RecursiveDesign) -> ZPK:
    if design.filter_type == "butterworth":
        return butterworth_prototype(design.order)
    if design.filter_type == "chebyshev1":
        return chebyshev1_prototype(design.order, design.ripple_db)
    if design.filter_type == "chebyshev2":
        return chebyshev2_prototype(design.order, design.attenuation_db)
    if design.filter_type == "elliptic":
        return elliptic_prototype(design.order, design.ripple_db, design.attenuation_db)
    return bessel_prototype(design.order)


def passband_error_db(sections: NDArray[np.float64], design: RecursiveDesign) -> float:
    """Return by how many dB the gain in the middle of the passband misses what the family promises there."""
    if design.btype in ("low", "bandstop"):
        middle = 0.0
    elif design.btype == "high":
        middle = 1.0
    else:
        # The bilinear transform takes the geometric mean of the analog edges to this frequency.
        analog = [math.tan(math.pi * edge / 2) for edge in design.edges]
        middle = 2 / math.pi * math.atan(math.sqrt(analog[0] * analog[1]))
    response = Cascade(sections=sections, zero_phase=False, initial_state="rest").response_at(
        np.array([math.pi * middle])
    )
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
