"""The product's validation harness: its report and manifest -> one checked report."""

from __future__ import annotations

from hashlib import sha256

from rollout.core.observation import HarnessReport
from rollout.core.surfaces.payload import MalformedError, an_object, count, decode, label, moment
from rollout.core.text import inert
from rollout.core.values import JsonValue

_MAX_SURFACES = 100


def parse_harness(report: bytes, manifest: bytes) -> HarnessReport:
    """What the two files of one run say; unknown with the reason when they are broken or disagree.

    A run writes them one after the other, so a disagreement means that they are of two runs.
    """
    try:
        return _parse(report, manifest)
    except MalformedError as problem:
        return HarnessReport(unknown=inert(str(problem)))


def _parse(report: bytes, manifest: bytes) -> HarnessReport:
    reported, manifested = _document(report, "report"), _document(manifest, "manifest")
    overall = an_object(reported.get("overall"), "report.overall")
    if overall != manifested.get("overall"):
        raise MalformedError("report and manifest disagree: they are of two runs, or one is half written")
    return HarnessReport(
        started_at=moment(manifested.get("started_unix_ms"), "manifest.started_unix_ms"),
        status=_text(overall.get("status"), "report.overall.status"),
        total=_count(overall, "total_surfaces"),
        passed=_count(overall, "passed_surfaces"),
        failed=_count(overall, "failed_surfaces"),
        surfaces=_surfaces(reported),
        sha256=sha256(report).hexdigest(),
    )


def _document(payload: bytes, what: str) -> dict[str, JsonValue]:
    try:
        return an_object(decode(payload), "the file")
    except MalformedError as problem:
        raise MalformedError(f"{what}: {problem}") from None


def _count(overall: dict[str, JsonValue], name: str) -> int:
    found = count(overall.get(name))
    if found is None:
        raise MalformedError(f"report.overall.{name} is not a count")
    return found


def _surfaces(report: dict[str, JsonValue]) -> dict[str, str]:
    found = an_object(report.get("surface_status"), "report.surface_status")
    if len(found) > _MAX_SURFACES:
        raise MalformedError(f"report.surface_status has more than {_MAX_SURFACES} surfaces")
    return {
        _text(surface, "a surface's id"): _surface_status(surface, entry) for surface, entry in found.items()
    }


def _surface_status(surface: str, entry: JsonValue) -> str:
    where = f"report.surface_status.{inert(surface, 60)}"
    return _text(an_object(entry, where).get("status"), f"{where}.status")


def _text(value: JsonValue, what: str) -> str:
    text = label(value)
    if text is None:
        raise MalformedError(f"{what} is not plain text")
    return text
