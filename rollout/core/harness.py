"""The product's validation harness: its report and manifest -> one checked report.

The two files of a run state much of the same. What both state has to agree, with each other and with itself:
a pair that contradicts itself is unknown, whichever half is right. Paths in them are of another machine,
perhaps, and are not compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from hashlib import sha256

from rollout.core.observation import HarnessReport, is_ahead, is_too_early
from rollout.core.surfaces.payload import MalformedError, a_list, an_object, count, decode, label, moment
from rollout.core.text import inert
from rollout.core.values import JsonValue, format_duration, format_instant

Entry = dict[str, JsonValue]

SCHEMA = 1
PASSED = "passed"
_MAX_SURFACES = 100
_OF_BOTH = ("status", "exit_code", "artifact_count", "summary_line")
"""What both files state of a surface."""
_ONLY_OF_FAILED = ("diagnostics", "missing_artifact_roots")
"""Lists of the manifest that are empty for a surface that passed."""
_LONGEST_MS = 10**12
"""A longer duration is no duration, and would not fit into a time."""


def parse_harness(
    report: bytes, manifest: bytes, known: Collection[str] = (), read_at: datetime | None = None
) -> HarnessReport:
    """Returns what the two files of one run say; unknown with the reason when they are broken or disagree.

    `known`: the ids of surfaces that the harness prints, where the contract says so; another one is unknown.
    `read_at`: when the files were read; a run that cannot have ended by then is unknown too.
    A run writes its files one after the other, so a disagreement can mean that they are of two runs.
    """
    try:
        return _parse(report, manifest, known, read_at)
    except MalformedError as problem:
        return HarnessReport(unknown=inert(str(problem)))


def _parse(report: bytes, manifest: bytes, known: Collection[str], read_at: datetime | None) -> HarnessReport:
    reported, manifested = _document(report, "report"), _document(manifest, "manifest")
    overall = an_object(reported.get("overall"), "report.overall")
    if overall != manifested.get("overall"):
        raise MalformedError("report and manifest disagree: they are of two runs, or one is half written")
    entries = _entries(reported)
    found = HarnessReport(
        started_at=moment(manifested.get("started_unix_ms"), "manifest.started_unix_ms"),
        status=_text(overall.get("status"), "report.overall.status"),
        total=_count(overall, "total_surfaces"),
        passed=_count(overall, "passed_surfaces"),
        failed=_count(overall, "failed_surfaces"),
        surfaces={surface: _status(surface, entry) for surface, entry in entries.items()},
        sha256=sha256(report).hexdigest(),
    )
    contradiction = next(_contradictions(found, reported, manifested, entries, known), "")
    contradiction = contradiction or _not_ended(found, manifested, read_at)
    if contradiction:
        raise MalformedError(contradiction)
    return found


def _contradictions(
    run: HarnessReport, report: Entry, manifest: Entry, entries: dict[str, Entry], known: Collection[str]
) -> Iterator[str]:
    yield from _of_files(run, report, manifest)
    yield from _of_figures(run)
    strange = [surface for surface in run.surfaces if known and surface not in known]
    if strange:
        yield f"the report names {strange[0]}, which is not among harness.surfaces of the contract"
    if "failed_surfaces" in report:
        named = _texts(report["failed_surfaces"], "report.failed_surfaces")
        bad = [surface for surface, status in run.surfaces.items() if status != PASSED]
        if sorted(named) != sorted(bad):
            yield f"report.failed_surfaces is {_listed(named)}, and by surface_status it is {_listed(bad)}"
    if "surfaces" in manifest:
        manifested = _manifested(manifest["surfaces"])
        if manifested.keys() != entries.keys():
            yield f"the report is of {_listed(entries)}, the manifest of {_listed(manifested)}"
        for surface, entry in entries.items():
            yield from _of_surface(surface, entry, manifested[surface])
            yield from _of_manifest(surface, manifested[surface], manifest)
    for surface, entry in entries.items():
        yield from _of_surface(surface, entry, {})


def _of_files(run: HarnessReport, report: Entry, manifest: Entry) -> Iterator[str]:
    for what, document in (("report", report), ("manifest", manifest)):
        schema = document.get("schema_version")
        if isinstance(schema, bool) or schema != SCHEMA:
            shown = inert(repr(schema), 40)
            said = "is missing" if schema is None else f"is {shown}"
            yield f"{what}.schema_version {said}, and this version of rollout reads {SCHEMA}"
    if run.started_at is not None and is_too_early(run.started_at):
        yield f"manifest.started_unix_ms is of {run.started_at.year}: it has to be in milliseconds since 1970"
    durations = [document["duration_ms"] for document in (report, manifest) if "duration_ms" in document]
    if durations:
        one, other = durations[0], durations[-1]
        if one != other or not _is_duration(one):
            seen = [inert(repr(value), 40) for value in (one, other)]
            yield f"duration_ms is {seen[0]} in the report, {seen[1]} in the manifest"


def _is_duration(value: JsonValue) -> bool:
    found = _whole(value)
    return found is not None and found <= _LONGEST_MS


def _not_ended(run: HarnessReport, manifest: Entry, read_at: datetime | None) -> str:
    """Returns why the run cannot have ended when its files were read; empty when it can."""
    took = _whole(manifest.get("duration_ms"))
    if took is None or run.started_at is None or read_at is None:
        return ""
    # Not start plus duration: a start at the end of the calendar has no time after it.
    if not is_ahead(run.started_at, read_at - timedelta(milliseconds=took)):
        return ""
    began = format_instant(run.started_at)
    return f"the run began at {began} and took {format_duration(took // 1000)}: it cannot have ended yet"


def _of_figures(run: HarnessReport) -> Iterator[str]:
    statuses = Counter(status == PASSED for status in run.surfaces.values())
    figures = (run.total, run.passed, run.failed)
    by_surface = (len(run.surfaces), statuses[True], statuses[False])
    if figures != by_surface:
        yield "report.overall counts total={} passed={} failed={}, surface_status {}, {}, {}".format(
            *figures, *by_surface
        )
    if run.status == PASSED and run.failed:
        yield f"report.overall is passed, with {run.failed} failed"
    if run.status != PASSED and not run.failed:
        yield f"report.overall is {inert(run.status, 40)}, with nothing failed"


def _of_surface(surface: str, report: Entry, manifest: Entry) -> Iterator[str]:
    """Yields the report's entry against itself, and against the manifest's where that is not empty."""
    name = inert(surface, 60)
    for entry in (report, manifest):
        code = entry.get("exit_code", 0)
        if isinstance(code, bool) or not isinstance(code, int):
            yield f"{name}: exit_code is no number"
        if entry.get("status") == PASSED and code != 0:
            yield f"{name} passed, with exit code {inert(repr(code), 20)}"
    for key in _OF_BOTH:
        if key in report and key in manifest and report[key] != manifest[key]:
            yield f"{name}: {key} differs in report and manifest"


def _of_manifest(surface: str, entry: Entry, manifest: Entry) -> Iterator[str]:
    """Yields how the manifest's entry contradicts itself or the whole run."""
    name = inert(surface, 60)
    if entry.get("status") == PASSED:
        for key in _ONLY_OF_FAILED:
            told = a_list(entry.get(key, []), f"manifest: {name}.{key}")
            if told:
                shown = told[0] if isinstance(told[0], str) else repr(told[0])
                yield f"{name} passed, with {key}: {inert(shown, 80)}"
    if "duration_ms" in entry:
        took, whole = _whole(entry["duration_ms"]), _whole(manifest.get("duration_ms"))
        if took is None:
            yield f"manifest: {name}.duration_ms is {inert(repr(entry['duration_ms']), 40)}"
        elif whole is not None and took > whole:
            yield f"{name} took {took} ms, and the whole run {whole} ms"


def _manifested(value: JsonValue) -> dict[str, Entry]:
    """Returns the manifest's entries by the surface's id."""
    found: dict[str, Entry] = {}
    for each in a_list(value, "manifest.surfaces"):
        entry = an_object(each, "a surface of the manifest")
        surface = _text(entry.get("surface_id"), "a surface_id of the manifest")
        _text(entry.get("status"), f"manifest: {inert(surface, 60)}.status")
        if surface in found:
            raise MalformedError(f"the manifest names {inert(surface, 60)} twice")
        found[surface] = entry
    return found


def _document(payload: bytes, what: str) -> Entry:
    try:
        return an_object(decode(payload), "the file")
    except MalformedError as problem:
        raise MalformedError(f"{what}: {problem}") from None


def _count(overall: Entry, name: str) -> int:
    found = _whole(overall.get(name))
    if found is None:
        raise MalformedError(f"report.overall.{name} is not a count")
    return found


def _whole(value: JsonValue) -> int | None:
    """Returns a count that is written as a number: `false` does not say how many failed."""
    return None if isinstance(value, bool) else count(value)


def _entries(report: Entry) -> dict[str, Entry]:
    """Returns the report's entries by the surface's id."""
    found = an_object(report.get("surface_status"), "report.surface_status")
    if len(found) > _MAX_SURFACES:
        raise MalformedError(f"report.surface_status has more than {_MAX_SURFACES} surfaces")
    return {
        _text(surface, "a surface's id"): an_object(entry, f"report.surface_status.{inert(surface, 60)}")
        for surface, entry in found.items()
    }


def _status(surface: str, entry: Entry) -> str:
    return _text(entry.get("status"), f"report.surface_status.{inert(surface, 60)}.status")


def _texts(value: JsonValue, what: str) -> list[str]:
    return [_text(each, f"an entry of {what}") for each in a_list(value, what)]


def _listed(names: Collection[str]) -> str:
    return ", ".join(inert(name, 40) for name in sorted(names)) or "none"


def _text(value: JsonValue, what: str) -> str:
    text = label(value)
    if text is None:
        raise MalformedError(f"{what} is not plain text")
    return text
