"""The figures as tables for people."""

from __future__ import annotations

from dataclasses import dataclass

from peers.goals import LIMIT, Verdict, judge
from peers.groups import FIRST_RESULT
from peers.peers import OURS, OURS_PRELOADED, OURS_SHARED, PEERS, REFERENCE
from peers.results import MEMORY, Results, Sample, cases_in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the tables show."""

    results: Results
    verdicts: list[Verdict]


def summarise(results: Results) -> Summary:
    """Return what the tables show."""
    return Summary(results=results, verdicts=list(judge(results)))


def as_markdown(summary: Summary) -> str:
    """Return the tables: goals, ratios to each peer, and the times themselves."""
    machine = summary.results.machine
    heading = (
        f"Measured on {machine['processor']}, {machine['cores']} cores, {machine['memory']} memory, "
        f"{machine['kernel']}; Python {machine['python']}, NumPy {machine['numpy']}; "
        f"{summary.results.rounds} interleaved rounds, load average {_load(summary.results)}"
    )
    versions = ", ".join(f"{name} {row.version}" for name, row in PEERS.items() if row.version and not row.shared)
    missing = f" Not installed: {', '.join(summary.results.missing)}." if summary.results.missing else ""
    parts = [f"{heading}; {versions}.{missing}" if versions else f"{heading}.{missing}"]
    if any(verdict.reached is not None for verdict in summary.verdicts):
        parts.append(_goals(summary.verdicts))
    parts += [_times(summary.results), _ratios(summary.results), _tails(summary.results)]
    return "\n\n".join(parts) + "\n"


def _load(results: Results) -> str:
    """Return how busy the machine was, the benchmark included: more than its cores, and others were at work as well."""
    return f"{min(results.loads):.1f} to {max(results.loads):.1f}" if results.loads else "unknown"


def _goals(verdicts: list[Verdict]) -> str:
    rows = ["| Goal | Wanted | Reached | |", "|---|---|---|---|"]
    for verdict in verdicts:
        goal = verdict.goal
        case = goal.case + (f" ({goal.row})" if goal.row != OURS else "")
        if goal.against == LIMIT:
            wanted, reached = f"at most {_figure(goal.case, goal.wanted)}", ""
            if verdict.reached is not None:
                reached = _figure(goal.case, verdict.reached)
        elif goal.against == REFERENCE:
            wanted = f"at most {goal.wanted:g} times the work itself"
            reached = f"{verdict.reached:.1f} times" if verdict.reached is not None else ""
        else:
            named = f"{goal.against}" + (f", {verdict.against}" if verdict.against != goal.against else "")
            wanted = f"{goal.wanted:g} times faster than {named}"
            reached = f"{verdict.reached:.1f} times" if verdict.reached is not None else ""
        rows.append(f"| {case} | {wanted} | {reached or 'not measured'} | {_word(verdict.held)} |")
    return "\n".join(rows)


def _word(held: bool | None) -> str:
    return {True: "held", False: "**missed**", None: ""}[held]


def _columns(results: Results) -> list[str]:
    seen = {peer for by_peer in results.samples.values() for peer in by_peer}
    return [name for name in PEERS if name in seen and name != OURS_PRELOADED]


def _times(results: Results) -> str:
    columns = _columns(results)
    rows = ["Medians:", "", "| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for case in cases_in_order():
        by_peer = results.samples.get(case, {})
        if OURS_PRELOADED in by_peer and OURS not in by_peer:
            by_peer = {OURS: by_peer[OURS_PRELOADED]}
        if by_peer:
            cells = [_cell(case, by_peer.get(name)) for name in columns]
            rows.append(f"| {case} | " + " | ".join(cells) + " |")
    if memory := results.marginal_memory():
        cells = [_figure(MEMORY, memory[name]) if name in memory else "" for name in columns]
        rows.append(f"| {MEMORY} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _cell(case: str, sample: Sample | None) -> str:
    if sample is None:
        return ""
    return _figure(case, sample.median) if sample.rounds else "–"


def _ratios(results: Results) -> str:
    columns = [name for name in _columns(results) if name != OURS]
    rows = [
        f"How many times longer than {OURS} (with inputs in shared memory: than {OURS_SHARED}):",
        "",
        "| | " + " | ".join(columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for case in cases_in_order():
        by_peer = {name: sample for name, sample in results.samples.get(case, {}).items() if sample.rounds}
        if OURS not in by_peer or len(by_peer) == 1:
            continue
        cells = []
        for name in columns:
            own = OURS_SHARED if PEERS[name].shared and name != OURS_SHARED else OURS
            known = name in by_peer and own in by_peer
            cells.append(_ratio(by_peer[name].median / by_peer[own].median) if known else "")
        rows.append(f"| {case} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _tails(results: Results) -> str:
    columns = _columns(results)
    rows = ["99th percentiles:", "", "| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for case in cases_in_order():
        if case == FIRST_RESULT:
            continue
        by_peer = {name: sample for name, sample in results.samples.get(case, {}).items() if sample.rounds}
        p99s = {name: sample.p99 for name, sample in by_peer.items()}
        if any(p99 is not None for p99 in p99s.values()):
            cells = [_figure(case, p99) if (p99 := p99s.get(name)) is not None else "" for name in columns]
            rows.append(f"| {case} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _ratio(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def _figure(case: str, value: float) -> str:
    """Return seconds, or bytes where it is memory, with three digits and a unit."""
    if case == MEMORY:
        return f"{value / 1e6:.1f} MB"
    for factor, unit in ((1e6, "us"), (1e3, "ms")):
        if value * factor < 1000:
            return f"{value * factor:.3g} {unit}"
    return f"{value:.3g} s"
