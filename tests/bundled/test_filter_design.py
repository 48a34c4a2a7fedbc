"""Designs against SciPy, known polynomials and the definitions of the families."""

from __future__ import annotations

import doctest
import importlib
import math

import numpy as np
import pytest
from plugins.custom_filters import analog, elliptic_functions
from plugins.custom_filters.bessel_roots import reverse_bessel_roots
from plugins.custom_filters.fir import design_by_least_squares, design_by_window
from plugins.custom_filters.pairing import to_sections
from plugins.custom_filters.recursion import steady_state
from plugins.custom_filters.resonators import comb_sections, notch_sections, peak_sections
from plugins.custom_filters.zpk import ZPK, to_digital
from scipy import signal, special

BANDS = {"low": [0.2], "high": [0.3], "bandpass": [0.2, 0.4], "bandstop": [0.2, 0.4]}
ORDERS = range(1, 13)
PROTOTYPES = {
    "butterworth": (analog.butterworth_prototype, signal.buttap, ()),
    "chebyshev1": (analog.chebyshev1_prototype, signal.cheb1ap, (0.7,)),
    "chebyshev2": (analog.chebyshev2_prototype, signal.cheb2ap, (53.0,)),
    "elliptic": (analog.elliptic_prototype, signal.ellipap, (0.7, 53.0)),
}


def nearest(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest relative distance from an expected root to the nearest one found."""
    expected = np.atleast_1d(expected)
    assert found.shape == expected.shape
    return max((float(np.abs(found - root).min() / abs(root)) for root in expected), default=0.0)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", PROTOTYPES)
def test_prototypes_equal_scipy(family: str, order: int) -> None:
    mine, scipys, arguments = PROTOTYPES[family]
    zeros, poles, gain = scipys(order, *arguments)
    found = mine(order, *arguments)
    assert nearest(found.poles, poles) < 1e-12
    assert nearest(found.zeros, zeros) < 1e-12
    assert found.gain == pytest.approx(gain, rel=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 8, 15, 20, 25])
def test_bessel_prototypes_equal_scipy(order: int) -> None:
    zeros, poles, gain = signal.besselap(order, norm="mag")
    found = analog.bessel_prototype(order)
    assert nearest(found.poles, poles) < 1e-12
    assert nearest(found.zeros, zeros) == 0.0
    assert found.gain == pytest.approx(gain, rel=1e-11)


@pytest.mark.parametrize("order", [5, 18, 25])
def test_bessel_roots_have_the_sum_and_product_of_their_polynomial(order: int) -> None:
    roots = reverse_bessel_roots(order)
    # The two leading coefficients are 1 and n (n + 1) / 2, the last is (2 n - 1)!!.
    assert roots.sum().real == pytest.approx(-order * (order + 1) / 2, rel=1e-13)
    double_factorial = math.prod(range(1, 2 * order, 2))
    assert np.prod(-roots).real == pytest.approx(float(double_factorial), rel=1e-12)


def test_bessel_filters_end_at_order_25() -> None:
    with pytest.raises(ValueError, match="up to order 25"):
        reverse_bessel_roots(26)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("btype", BANDS)
@pytest.mark.parametrize("family", [*PROTOTYPES, "bessel"])
def test_sections_equal_scipy_one_by_one(family: str, btype: str, order: int) -> None:
    edges = BANDS[btype]
    band = {"Wn": edges if len(edges) == 2 else edges[0], "btype": btype, "output": "sos"}
    if family == "bessel":
        prototype, expected = analog.bessel_prototype(order), signal.bessel(order, norm="mag", **band)
    else:
        mine, _, arguments = PROTOTYPES[family]
        prototype = mine(order, *arguments)
        design = {"butterworth": "butter", "chebyshev1": "cheby1", "chebyshev2": "cheby2", "elliptic": "ellip"}[family]
        expected = getattr(signal, design)(order, *arguments, **band)
    found = to_sections(to_digital(prototype, btype, edges))
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-12 * max(1.0, np.abs(expected).max())
    angles = np.linspace(0.01, np.pi - 0.01, 200)
    responses = [signal.sosfreqz(sections, angles)[1] for sections in (found, expected)]
    assert np.abs(responses[0] - responses[1]).max() < 1e-11


@pytest.mark.parametrize("modulus", [1e-9, 0.1, 0.7, 0.999, 1 - 1e-9])
def test_elliptic_functions_equal_scipy(modulus: float) -> None:
    both = elliptic_functions.Modulus(k=modulus, complement=math.sqrt((1 - modulus) * (1 + modulus)))
    quarter = special.ellipkm1(both.complement**2)
    arguments = np.linspace(-0.95, 0.95, 21)
    sines, cosines, deltas, _ = special.ellipj(arguments * quarter, modulus**2)
    assert elliptic_functions.sn(arguments.astype(complex), both).real == pytest.approx(sines, abs=1e-8)
    assert elliptic_functions.cd(arguments, both).real == pytest.approx(cosines / deltas, abs=1e-8)
    for argument in arguments:
        value = complex(elliptic_functions.sn(np.array(argument + 0j), both))
        assert elliptic_functions.inverse_sn(value, both) == pytest.approx(argument, abs=1e-6)


@pytest.mark.parametrize("degree", [2, 3, 7, 12])
@pytest.mark.parametrize("modulus", [1e-6, 1e-3, 0.2])
def test_degree_equation_is_solved(degree: int, modulus: float) -> None:
    given = elliptic_functions.Modulus(k=modulus, complement=math.sqrt(1 - modulus**2))
    found = elliptic_functions.modulus_of_degree(degree, given)
    assert found.k**2 + found.complement**2 == pytest.approx(1.0, abs=1e-14)
    ratio = special.ellipkm1(found.k**2) / special.ellipkm1(found.complement**2)
    given_ratio = special.ellipkm1(modulus**2) / special.ellipk(modulus**2)
    assert degree * ratio == pytest.approx(given_ratio, rel=1e-10)


def test_roots_without_conjugates_are_refused() -> None:
    lonely = ZPK(zeros=np.zeros(2, complex), poles=np.array([0.5j, 0.3]), gain=1.0)
    with pytest.raises(ValueError, match="conjugate pairs"):
        to_sections(lonely)


@pytest.mark.parametrize("frequency", [0.05, 0.4, 0.9])
@pytest.mark.parametrize("quality", [2.0, 30.0])
def test_notch_and_peak_equal_scipy(frequency: float, quality: float) -> None:
    for mine, scipys in ((notch_sections, signal.iirnotch), (peak_sections, signal.iirpeak)):
        b, a = scipys(frequency, quality)
        assert mine(frequency, quality) == pytest.approx(np.array([[*b, *a]]), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("period", [2, 3, 10, 25])
@pytest.mark.parametrize(
    ("comb_type", "kind", "pass_zero"), [("notch_with_level", "notch", False), ("peak", "peak", True)]
)
def test_combs_equal_scipy(comb_type: str, kind: str, pass_zero: bool, period: int) -> None:
    sections = comb_sections(2.0 / period, 10.0, comb_type)
    if period == 2:
        # SciPy takes no comb at the Nyquist frequency: its formula, by hand.
        width = math.tan(0.5 * math.pi / 10.0)
        sign, first = (-1.0, 1.0) if kind == "notch" else (1.0, width)
        b = np.array([first, 0.0, sign * first]) / (1 + width)
        a = np.array([1.0, 0.0, -(1 - width) / (1 + width)])
    else:
        b, a = signal.iircomb(2.0 / period, 10.0, ftype=kind, pass_zero=pass_zero)
    pulse = np.zeros(400)
    pulse[0] = 1.0
    assert signal.sosfilt(sections, pulse) == pytest.approx(signal.lfilter(b, a, pulse), abs=1e-12)


def test_comb_keeps_the_level_and_removes_the_multiples() -> None:
    sections = comb_sections(0.2, 10.0, "notch")
    angles = np.pi * np.arange(0, 1.01, 0.1)
    gains = np.abs(signal.sosfreqz(sections, angles)[1])
    assert gains[0] == pytest.approx(1.0, abs=1e-12)
    assert gains[2::2] == pytest.approx(0.0, abs=1e-9)
    assert gains[3::2] == pytest.approx(1.0, abs=0.03)


def test_impossible_combs() -> None:
    with pytest.raises(ValueError, match=r"whole number of samples for a comb, got a period of 6.66667"):
        comb_sections(0.3, 10.0, "notch")
    with pytest.raises(ValueError, match="quality: expected more than 2"):
        comb_sections(0.2, 1.5, "peak")


TAPERS = {"hamming": "hamming", "hann": "hann", "blackman": "blackman", "bartlett": "bartlett", "rectangular": "boxcar"}


@pytest.mark.parametrize("numtaps", [31, 64])
@pytest.mark.parametrize("btype", BANDS)
@pytest.mark.parametrize("taper", [*TAPERS, "kaiser"])
def test_taps_by_window_equal_scipy(taper: str, btype: str, numtaps: int) -> None:
    if numtaps % 2 == 0 and btype in ("high", "bandstop"):
        numtaps += 1
    window = ("kaiser", 5.0) if taper == "kaiser" else TAPERS[taper]
    expected = signal.firwin(
        numtaps, BANDS[btype], window=window, pass_zero={"low": "lowpass", "high": "highpass"}.get(btype, btype)
    )
    taps = design_by_window(numtaps, btype, tuple(BANDS[btype]), taper=taper, kaiser_beta=5.0)
    assert taps == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("btype", BANDS)
@pytest.mark.parametrize("numtaps", [1, 21, 71])
def test_taps_by_least_squares_equal_scipy(btype: str, numtaps: int) -> None:
    edges = BANDS[btype]
    borders = [0.0, *(edge + shift for edge in edges for shift in (-0.03, 0.03)), 1.0]
    gains = {"low": [1, 0], "high": [0, 1], "bandpass": [0, 1, 0], "bandstop": [1, 0, 1]}[btype]
    expected = signal.firls(numtaps, borders, np.repeat(gains, 2).astype(float))
    taps = design_by_least_squares(numtaps, btype, tuple(edges), 0.06)
    assert taps == pytest.approx(expected, abs=1e-10)


def test_least_squares_beyond_float64_is_refused() -> None:
    with pytest.raises(ValueError, match="numtaps: expected fewer taps"):
        design_by_least_squares(301, "low", (0.5,), 0.5)


@pytest.mark.parametrize("family", PROTOTYPES)
def test_steady_state_equals_scipy(family: str) -> None:
    mine, _, arguments = PROTOTYPES[family]
    sections = to_sections(to_digital(mine(5, *arguments), "low", [0.1]))
    assert steady_state(sections) == pytest.approx(signal.sosfilt_zi(sections), rel=1e-10)


MODULES = ("analog", "bessel_roots", "elliptic_functions", "gaps", "stream", "filters")


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(f"plugins.custom_filters.{name}"))
    assert outcome.attempted >= 1
    assert outcome.failed == 0
