import json
import re
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.observation import (
    BadStep,
    HarnessReport,
    HealthState,
    LogCursor,
    Observation,
    Results,
    Sample,
    Timeline,
    WorkResult,
)
from rollout.errors import InputError, OutsideError
from rollout.files.evidence import read_evidence, write_evidence

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OBSERVATION = Observation(
    train="tau",
    release="v0.1.5",
    commit="a" * 40,
    phase="canary-1",
    contract_digest="d" * 64,
    round="run-17",
    product_head="c" * 40,
    started_at=NOON,
    finished_at=NOON,
    tool_version="0.1.0",
    samples={
        "voice": Sample(
            updated_at=NOON,
            health_state=HealthState.HEALTHY,
            fields={"queue_depth": 0, "load": 0.5},
            labels={"rollout_gate": "größe <b>@all"},
            counters={"case_processing_failed": 2},
            cursor=LogCursor(offset=9, head_bytes=9, head_sha256="e" * 64, totals={"a": 1}),
            timeline=Timeline(steps=2, bad=1, examples=(BadStep(step="a", status="late"),)),
            not_applicable=("timeline",),
        ),
        "memory": Sample(unknown="exit 1: boom"),
    },
    harness=HarnessReport(started_at=NOON, status="passed", total=5, passed=5, surfaces={"voice": "passed"}),
)
RESULTS = Results(
    train="tau",
    release="v0.1.5",
    commit="a" * 40,
    finished_at=NOON,
    results=(WorkResult(request="r1", ok=True, detail="exit 0", started_at=NOON, finished_at=NOON),),
)


def written(folder: Path, value: Any) -> Path:
    path = folder / "evidence.json"
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return path


def changed(**changes: Any) -> dict[str, Any]:
    return {**OBSERVATION.model_dump(mode="json", by_alias=True), **changes}


@pytest.mark.parametrize("evidence", [OBSERVATION, RESULTS], ids=lambda evidence: evidence.kind)
def test_what_is_written_is_read_back(tmp_path: Path, evidence: Observation | Results) -> None:
    path = tmp_path / "evidence.json"
    write_evidence(path, evidence)
    assert read_evidence(path) == evidence


def test_the_file_begins_with_its_schema_and_ends_with_a_line_end(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    write_evidence(path, OBSERVATION)
    text = path.read_text()
    assert text.startswith('{\n  "schema": 1,\n  "kind": "observation",\n')
    assert text.endswith("}\n")


def test_writing_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = written(tmp_path, b"old")
    write_evidence(path, OBSERVATION)
    assert read_evidence(path) == OBSERVATION
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_an_outside_failure(tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match=r"evidence\.json: cannot be written: No such file or directory"):
        write_evidence(tmp_path / "missing" / "evidence.json", OBSERVATION)


def test_a_failed_write_leaves_nothing_half_written(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.mkdir()
    (path / "kept").touch()
    with pytest.raises(InputError, match="is a folder"):
        write_evidence(path, OBSERVATION)
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.json: No such file or directory") as raised:
        read_evidence(tmp_path / "nothing.json")
    assert raised.value.hint
    assert raised.value.file == str(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", ": empty"),
        (b"\xff\xff", ": not UTF-8 at byte 0"),
        (b'{"schema": 1, "ki', ": not JSON: Unterminated string"),
        (b'{"schema": NaN}', ": not JSON: NaN is not a number"),
        (b'{"schema": 1, "schema": 1}', ": contradictory: the key 'schema' is given twice"),
        ('{"samples": {"voice": 1, "voice\u200b": 2}}'.encode(), ": contradictory: two keys differ in"),
        (b"[" * 100_000, ": JSON nested too deeply"),
        (b"[" * 900 + b"]" * 900, ": "),
        (b"[]", ": is not an object"),
        (b" " * 6_000_000, ": larger than 5242880 bytes"),
        ({"schema": 2, "kind": "observation"}, ": schema: is 2, and this rollout reads up to 1"),
        (b'{"schema": %s}' % (b"9" * 6000), ": a number too large to read"),
        (b'{"schema": %s}' % (b"9" * 4000), f": schema: is {'9' * 39}\u2026, and this rollout reads up to 1"),
        ({"schema": 1}, ": kind: is neither observation nor results"),
        ({"schema": 1, "kind": "decision"}, ": kind: is neither observation nor results"),
        ({"schema": 1, "kind": ["observation"]}, ": kind: is neither observation nor results"),
    ],
)
def test_what_is_no_evidence_is_bad_input(tmp_path: Path, content: Any, why: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InputError) as raised:
        read_evidence(path)
    assert raised.value.message.startswith(f"{path}{why}")
    assert raised.value.hint


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema", True),
        ("samples.voice.fields.queue_depth", "0"),
        ("samples.voice.fields.queue_depth", False),
        ("samples.voice.counters.case_processing_failed", "2"),
        ("samples.voice.holds_release", "true"),
        ("samples.voice.holds_release", 1),
        ("samples.voice.timeline.bad", False),
        ("harness.total", "5"),
        ("harness.failed", False),
    ],
)
def test_a_value_of_another_type_is_not_taken_for_one(tmp_path: Path, field: str, value: Any) -> None:
    document = OBSERVATION.model_dump(mode="json", by_alias=True)
    *above, last = field.split(".")
    reduce(lambda inner, key: inner[key], above, document)[last] = value
    with pytest.raises(InputError, match=re.escape(field)):
        read_evidence(written(tmp_path, document))


@pytest.mark.parametrize(
    "field",
    [
        "samples.voice.fields.queue_depth",
        "samples.shop.measurements.errors.value",
        "samples.shop.measurements.errors.good",
        "samples.shop.measurements.errors.windows.1h.value",
        "samples.voice.timeline.bad",
        "harness.total",
    ],
)
@pytest.mark.parametrize("value", [10**400, -(10**400), 2**64, 1e300])
def test_a_number_that_nothing_can_be_made_of_is_bad_input(tmp_path: Path, field: str, value: float) -> None:
    document = OBSERVATION.model_dump(mode="json", by_alias=True)
    document["samples"]["shop"] = {"measurements": {"errors": {"windows": {"1h": {}}}}}
    *above, last = field.split(".")
    reduce(lambda inner, key: inner[key], above, document)[last] = value
    path = written(tmp_path, document)
    with pytest.raises(InputError) as raised:
        read_evidence(path)
    assert raised.value.message == f"{path}: {field}: is too large a number, at most 18446744073709551615"


@pytest.mark.parametrize("field", ["started_at", "samples.voice.updated_at", "harness.started_at"])
@pytest.mark.parametrize("value", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_outside_the_calendar_is_bad_input(tmp_path: Path, field: str, value: str) -> None:
    document = OBSERVATION.model_dump(mode="json", by_alias=True)
    *above, last = field.split(".")
    reduce(lambda inner, key: inner[key], above, document)[last] = value
    with pytest.raises(InputError, match=rf"{field}: .*is outside years 1 to 9999 in UTC"):
        read_evidence(written(tmp_path, document))


def test_every_mistake_is_named_with_its_field(tmp_path: Path) -> None:
    samples = {"voice": {"fields": {"queue_depth": "many"}}}
    path = written(tmp_path, changed(commit="HEAD", samples=samples, colour="blue"))
    with pytest.raises(InputError) as raised:
        read_evidence(path)
    fields = [line.removeprefix(f"{path}: ").split(": ")[0] for line in raised.value.message.splitlines()]
    assert {"commit", "colour"} <= set(fields)
    assert any(field.startswith("samples.voice.fields.queue_depth") for field in fields)


def test_only_the_first_mistakes_are_listed(tmp_path: Path) -> None:
    path = written(tmp_path, changed(**{f"key{number}": 1 for number in range(50)}))
    with pytest.raises(InputError) as raised:
        read_evidence(path)
    lines = raised.value.message.splitlines()
    assert len(lines) == 21
    assert lines[-1] == f"{path}: and 30 mistakes more"


def test_names_of_mistakes_are_inert(tmp_path: Path) -> None:
    path = written(tmp_path, changed(**{"\x1b[31mred\n::error::x": 1}))
    with pytest.raises(InputError) as raised:
        read_evidence(path)
    assert raised.value.message.startswith(f"{path}: red ::error::x: ")


def test_texts_that_product_code_slipped_in_are_made_inert(tmp_path: Path) -> None:
    path = written(tmp_path, changed(samples={"voice": {"unknown": "\x1b[31mred\u202e\n::error::x"}}))
    evidence = read_evidence(path)
    assert isinstance(evidence, Observation)
    assert evidence.samples["voice"].unknown == "red ::error::x"


def test_the_limit_can_be_lower(tmp_path: Path) -> None:
    path = written(tmp_path, changed())
    with pytest.raises(InputError, match="larger than 100 bytes"):
        read_evidence(path, limit=100)


@given(content=st.binary())
def test_any_bytes_are_refused_with_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = written(tmp_path_factory.getbasetemp(), content)
    with pytest.raises(InputError):
        read_evidence(path)
