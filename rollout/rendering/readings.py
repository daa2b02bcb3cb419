"""What the surfaces said, for a person: one line a surface, with every value that gates can use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from shlex import join

from rollout.core.contract import Contract, Surface
from rollout.core.measurements import if_enough
from rollout.core.observation import HarnessReport, Measurement, Observation, Sample
from rollout.core.surfaces.metrics.answers import QueryReading
from rollout.core.values import JsonValue, format_duration, format_instant, seconds_between
from rollout.rendering.gates import Style, count, no_style, release_name, short
from rollout.rendering.inert import in_columns, line

_SHORT_SHA = 10
_SHOWN = 8
"""Counters that are shown before the rest is only counted."""
_LARGE = 1000
_HUGE = 1e15
_COLOURS = {"healthy": "green", "degraded": "yellow", "failing": "red", "unknown": "yellow"}

NOT_KEPT = "nothing was kept; to keep a reading: rollout collect -o FILE; to decide by one: rollout tick"
NOT_RECORDED = "nothing was recorded"


def observation_view(
    observation: Observation, surfaces: Mapping[str, Surface], *, now: datetime, style: Style = no_style
) -> str:
    """Returns what one round of the surfaces brought."""
    head = f"{observation.train}: {line(release_name(observation.release))} in {observation.phase}"
    lines = reading_lines(observation.samples, observation.harness, now=now, style=style)
    for name, sample in observation.samples.items():
        lines += _measured(name, sample, _units(surfaces.get(name)), now)
    return "\n".join([style(head, bold=True), *lines, f"  read {_checkout(observation)}"])


def _checkout(observation: Observation) -> str:
    """Returns where the product's checkout stood, which decides whether the readings count."""
    head = observation.product_head
    if head is None:
        return "in no git checkout"
    # A metrics server measures what runs, whatever is checked out here.
    read = [sample for sample in observation.samples.values() if not sample.measurements]
    known = [sample for sample in read if sample.unknown is None]
    is_changed = f", changed: {line(known[0].modified)}" if known and known[0].modified else ""
    if head == observation.commit:
        return f"at the release's commit, {head[:_SHORT_SHA]}{is_changed}"
    if not known:
        return f"at {head[:_SHORT_SHA]}"
    relation = {True: "ahead of", False: "without", None: "with too short a history to tell whether it has"}
    release = observation.commit[:_SHORT_SHA]
    return f"at {head[:_SHORT_SHA]}, {relation[known[0].holds_release]} the release, {release}{is_changed}"


def try_view(
    file: str,
    samples: Mapping[str, Sample],
    harness: HarnessReport | None,
    queries: Mapping[str, Sequence[QueryReading]],
    *,
    now: datetime,
    style: Style = no_style,
) -> str:
    """Returns what the surfaces that a contract names said, where nothing is rolled out."""
    head = style(f"the surfaces of {line(file)}", bold=True)
    payloads = {name: sample for name, sample in samples.items() if name not in queries}
    lines = reading_lines(payloads, harness, now=now, style=style)
    sent = (text for surface, asked in queries.items() for text in _sent(surface, asked))
    return "\n".join([head, *lines, *sent])


def _sent(surface: str, queries: Sequence[QueryReading]) -> Iterator[str]:
    measured = [(each, if_enough(each.measurement, each.asked.query)) for each in queries]
    known = sum(found.unknown is None for _, found in measured)
    yield f"  {surface}  {known} of {len(queries)} measured"
    for each, found in measured:
        over = f" over {format_duration(each.asked.window)}" if each.asked.is_further else ""
        yield f"    {each.asked.name}{over}: {measurement_text(found, each.asked.query.unit)}"
        for text in each.asked.sent.splitlines():
            yield f"      sent: {line(text, 300)}"
        for info in each.infos:
            yield f"      the server adds: {line(info, 300)}"


def try_document(
    contract: Contract, samples: Mapping[str, Sample], queries: Mapping[str, Sequence[QueryReading]]
) -> list[dict[str, JsonValue]]:
    """Returns the same for scripts: one entry a query, and one a surface that has none."""
    entries: list[dict[str, JsonValue]] = []
    for name, sample in samples.items():
        if name in queries:
            entries += [_query_entry(name, each) for each in queries[name]]
        else:
            entries.append(_payload_entry(name, contract.surfaces[name], sample))
    return entries


def _query_entry(surface: str, reading: QueryReading) -> dict[str, JsonValue]:
    asked, found = reading.asked, if_enough(reading.measurement, reading.asked.query)
    return {
        "surface": surface,
        "query": asked.name,
        "sent": asked.sent or None,
        "value": found.value,
        "samples": found.samples,
        "at": format_instant(found.at) if found.at else None,
        "unknown": found.unknown,
        "unit": asked.query.unit,
        "window": format_duration(asked.window),
        "good": found.good,
        "total": found.total,
        "infos": list(reading.infos),
    }


def _payload_entry(name: str, surface: Surface, sample: Sample) -> dict[str, JsonValue]:
    return {
        "surface": name,
        "query": None,
        "sent": join(surface.command) if surface.command else surface.file,
        "value": None,
        "samples": None,
        "at": format_instant(sample.updated_at) if sample.updated_at else None,
        "unknown": sample.unknown,
        "sample": sample.model_dump(mode="json"),
    }


def reading_lines(
    samples: Mapping[str, Sample], harness: HarnessReport | None, *, now: datetime, style: Style = no_style
) -> list[str]:
    """Renders one line a surface: `  api  healthy  error_count 0; failed 12, served 3400; 4s old`.

    Metrics have lines of their own.
    """
    payloads = {name: sample for name, sample in samples.items() if not sample.measurements}
    table = [(name, *_cells(sample, now)) for name, sample in payloads.items()]
    if harness is not None:
        table.append(("harness", harness.status or "unknown", line(_harness(harness))))
    return [_painted(text, style) for text in in_columns(table)] if table else []


def _cells(sample: Sample, now: datetime) -> tuple[str, str]:
    if sample.unknown is not None:
        return "unknown", line(sample.unknown, 300)
    return sample.health_state or "no health state", "; ".join(_values(sample, now))


def _values(sample: Sample, now: datetime) -> Iterator[str]:
    fields = [f"{name} {value:g}" for name, value in sample.fields.items()]
    labels = [f"{name} {line(value)}" for name, value in sample.labels.items()]
    if fields or labels:
        yield ", ".join(fields + labels)
    if sample.counters_unknown:
        yield f"counters unknown: {line(sample.counters_unknown)}"
    elif sample.counters:
        shown = [f"{line(name)} {total}" for name, total in list(sample.counters.items())[:_SHOWN]]
        left = len(sample.counters) - len(shown)
        yield ", ".join(shown) + (f" and {left} more" if left else "")
    if sample.timeline is not None:
        yield f"{count(sample.timeline.steps, 'step')}, {sample.timeline.bad} not ok"
    if sample.updated_at is not None:
        yield f"{short(max(seconds_between(sample.updated_at, now), 0))} old"


def _measured(name: str, sample: Sample, units: Mapping[str, str], now: datetime) -> Iterator[str]:
    if not sample.measurements:
        return
    known = sum(found.unknown is None for found in sample.measurements.values())
    age = short(max(seconds_between(sample.updated_at, now), 0)) if sample.updated_at else ""
    yield f"  {name}  {known} of {len(sample.measurements)} measured{f', {age} old' if age else ''}"
    for query, found in sample.measurements.items():
        yield f"    {query}: {measurement_text(found, units.get(query))}"


def figures(surface: Surface, sample: Sample, judged: Mapping[str, str]) -> str:
    """Returns what a metrics surface measured, in short: `errors 0.4 % (0.1 to 0.9) of 5,000, p95 0.2 s`.

    `judged` is what gates saw of proportions, by their field; gates tell why a query is unknown.
    """
    units = _units(surface)
    return ", ".join(
        f"{name} {_figure(each, units.get(name), judged.get(name))}"
        for name, each in sample.measurements.items()
    )


def _figure(found: Measurement, unit: str | None, judged: str | None) -> str:
    if found.unknown is not None or found.value is None:
        return "unknown"
    return judged if judged and found.total is not None else measurement_text(found, unit)


def _units(surface: Surface | None) -> dict[str, str]:
    if surface is None or surface.metrics is None:
        return {}
    return {name: query.unit for name, query in surface.metrics.queries.items() if query.unit}


def measurement_text(found: Measurement, unit: str | None = None) -> str:
    """Returns what was measured, or why it is unknown: `0.4 % (12 of 3,000 in 10m)`, `0.23 seconds of 41`."""
    if found.unknown is not None or found.value is None:
        return f"unknown - {line(found.unknown or 'not measured', 300)}"
    if found.good is not None and found.total is not None:
        over = f" in {format_duration(found.window)}" if found.window else ""
        bad = _number(found.total - found.good)
        return f"{100 * found.value:.3g} % ({bad} of {_number(found.total)}{over})"
    of = f" of {_number(found.samples)}" if found.samples is not None else ""
    return f"{_number(found.value)}{f' {line(unit)}' if unit else ''}{of}"


def _number(measured: float) -> str:
    """Returns a figure for a reader; of a large one no fraction, which servers extrapolate."""
    return f"{measured:,.0f}" if _LARGE <= abs(measured) < _HUGE else f"{measured:.4g}"


def _harness(harness: HarnessReport) -> str:
    if harness.unknown:
        return harness.unknown
    return f"{harness.passed} of {harness.total} passed, {harness.failed} failed"


def _painted(text: str, style: Style) -> str:
    for word, colour in _COLOURS.items():
        text = text.replace(f"  {word} ", f"  {style(word, fg=colour)} ", 1)
    return text
