"""What was measured, as tables in the documentation's page and as a plot."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elastic_cases.case import Case

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
_COLOURS = ("#4477aa", "#228833", "#ccbb44", "#aa3377")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was measured of a case.

    Attributes:
        case: The case.
        ours_s: Median seconds of our function.
        peers_s: Those of the peers, by name.
        exact_s: That of our function in float64, where `ours_s` is of one in float32.
    """

    case: Case
    ours_s: float
    peers_s: dict[str, float]
    exact_s: float | None = None

    @property
    def best(self) -> str:
        """Name of the fastest peer."""
        return min(self.peers_s, key=self.peers_s.__getitem__)

    @property
    def ratio(self) -> float:
        """How many times as fast as the best peer."""
        return self.peers_s[self.best] / self.ours_s


def render(results: Iterable[Result]) -> list[str]:
    """Return a Markdown table."""
    results = list(results)
    if any(result.exact_s is not None for result in results):
        return render_precisions(results)
    lines = ["| Case | Best exact peer | Peer | platform_base | Ratio | Target |", "|---|---|---|---|---|---|"]
    for result in results:
        target = "" if result.case.target is None else f"{result.case.target:g}"
        lines.append(
            f"| {result.case.name} | {result.best} | {show(result.peers_s[result.best])} | {show(result.ours_s)} "
            f"| {result.ratio:.{1 if result.ratio >= 1 else 2}f} | {target} |"
        )
    return lines


def render_precisions(results: Iterable[Result]) -> list[str]:
    """Return a Markdown table of cases in float32, with what float64 takes."""
    lines = [
        "| Case | Best exact peer | Peer | float64 | float32 | Times as fast as the peer | as float64 |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        exact = result.exact_s or math.nan
        lines.append(
            f"| {result.case.name} | {result.best} | {show(result.peers_s[result.best])} | {show(exact)} "
            f"| {show(result.ours_s)} | {result.ratio:.1f} | {exact / result.ours_s:.2f} |"
        )
    return lines


def show(seconds: float) -> str:
    """Return a time with three digits and a unit."""
    unit, factor = next((u, f) for u, f in (("s", 1), ("ms", 1e3), ("µs", 1e6)) if seconds * f >= 1 or u == "µs")
    return f"{seconds * factor:.3g} {unit}"


def describe_machine() -> str:
    """Return the model of the processor, its widest vectors, and how many cores may be used."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    widest = next((name for name in ("avx512f", "avx2", "avx") if name in facts.get("flags", "").split()), "sse2")
    return f"{facts.get('model name', 'unknown processor')}, {widest}, {len(os.sched_getaffinity(0))} cores"


def write(families: Mapping[str, Sequence[Result]], page: Path, picture: Path, *, peers: str) -> None:
    """Put the tables between the marks of a page, and a plot of the ratios beside other pictures.

    Args:
        families: Results by title.
        page: Holds `BEGIN` and `END`, each once.
        picture: Where the plot goes; the page shows it.
        peers: What it was compared with, with versions.

    Raises:
        ValueError: If the page lacks a mark.
    """
    text = page.read_text(encoding="utf-8")
    _check_marks(text, page)
    shown = os.path.relpath(picture, page.parent)
    alternative = "Bars: how many times as fast as the best exact peer each case is, with the target of each"
    lines = [BEGIN, "", f"{describe_machine()}; one thread unless a case says all cores. {peers}.", ""]
    lines += [f"![{alternative}]({shown})", ""]
    for title, results in families.items():
        lines += [f"### {title}", "", *render(results), ""]
    draw(families, picture)
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    page.write_text(before + "\n".join([*lines, *_find_kept(text, families), END]) + after, encoding="utf-8")


def write_section(page: Path, title: str, table: Sequence[str]) -> None:
    """Put a table at the end of what is between the marks, in place of the one that has its title.

    Raises:
        ValueError: If the page lacks a mark.
    """
    text = page.read_text(encoding="utf-8")
    _check_marks(text, page)
    before, rest = text.split(END)
    kept = [section for section in before.split("\n### ") if section.partition("\n")[0] != title]
    sections = [*kept, "\n".join([title, "", *table])]
    page.write_text(
        "\n### ".join(section.rstrip("\n") + "\n" for section in sections) + f"\n{END}{rest}", encoding="utf-8"
    )


def _check_marks(text: str, page: Path) -> None:
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{page}: expected the lines {BEGIN} and {END} once each; put them around the tables")


def _find_kept(text: str, families: Mapping[str, Sequence[Result]]) -> list[str]:
    """Return the lines of those sections between the marks that are not written anew."""
    sections = text.split(BEGIN)[1].split(END)[0].split("\n### ")[1:]
    kept = [section.rstrip("\n") for section in sections if section.partition("\n")[0] not in families]
    return [line for section in kept for line in (f"### {section}", "")]


def draw(families: Mapping[str, Sequence[Result]], path: Path) -> None:
    """Write the plot."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [
        (result, colour) for results, colour in zip(families.values(), _COLOURS, strict=False) for result in results
    ][::-1]
    figure, axes = pyplot.subplots(figsize=(8, 0.2 * len(rows) + 1.2))
    places = range(len(rows))
    lengths = [result.ratio - 1.0 for result, _ in rows]  # from 1: what is slower goes to the left
    axes.barh(places, lengths, left=1.0, color=[colour for _, colour in rows], height=0.7)
    aims = [(place, result.case.target) for place, (result, _) in zip(places, rows, strict=True) if result.case.target]
    axes.plot([aim for _, aim in aims], [place for place, _ in aims], "|", color="black", markersize=8, label="target")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks(places, [result.case.name for result, _ in rows], fontsize=7)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("times as fast as the best exact peer")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110, bbox_inches="tight")
    pyplot.close(figure)
