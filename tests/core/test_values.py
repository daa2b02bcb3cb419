import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rollout.core.values import (
    Duration,
    Instant,
    Percent,
    RelativePath,
    compact_instant,
    format_duration,
    format_instant,
    from_unix_ms,
    parse_duration,
    seconds_between,
    to_utc_seconds,
    unix_ms,
)
from rollout.files.yaml_text import dump_yaml

PERCENT: TypeAdapter[float] = TypeAdapter(Percent)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MOMENTS = st.integers(0, 7_000_000_000_000).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("24h", 86400), ("7d", 604800), ("0s", 0), ("1m1m", 120)],
)
def test_reads_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "30 m", "-5m", "1.5h", "m", "30M", "½h", "٣m", "3m\n", 3, None, True]
)
def test_refuses_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@given(st.integers(0, 10**9))
def test_a_duration_is_read_back_as_it_was_written(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (60, "1m"), (5400, "1h30m"), (86400, "24h"), (61.9, "1m1s")]
)
def test_a_duration_is_written_as_short_as_it_can_be(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_a_duration_goes_through_a_model_as_text() -> None:
    adapter: TypeAdapter[int] = TypeAdapter(Duration)
    assert adapter.dump_python(adapter.validate_python("1h30m"), mode="json") == "1h30m"
    assert adapter.json_schema() == {"type": "string", "pattern": "^([0-9]+[smhd])+$"}


@given(MOMENTS)
def test_an_instant_is_read_back_to_the_second(moment: datetime) -> None:
    adapter: TypeAdapter[datetime] = TypeAdapter(Instant)
    assert adapter.validate_python(format_instant(moment)) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (5, "5"),
        (5.0, "5"),
        (0, "0"),
        (-0.0, "0"),
        (100, "100"),
        (0.1, "0.1"),
        (12.50, "12.5"),
        (0.0001, "0.0001"),
    ],
)
def test_a_percent_is_written_as_the_shortest_decimal(given: float, text: str) -> None:
    percent = PERCENT.validate_python(given)
    assert str(percent) == text
    assert json.dumps(PERCENT.dump_python(percent, mode="json")) == text
    assert dump_yaml({"percent": PERCENT.dump_python(percent, mode="json")}) == f"percent: {text}\n"


@given(st.integers(1, 10**6).map(lambda steps: steps / 10**4))
def test_a_percent_has_no_exponent_and_is_read_back(percent: float) -> None:
    text = str(PERCENT.validate_python(percent))
    assert "e" not in text
    assert PERCENT.validate_python(float(text)) == percent


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (100.5, "must be at most 100, not 100.5"),
        (-0.1, "must be at least 0, not -0.1"),
        (0.00005, "must be 0, or at least 0.0001"),
        (float("nan"), "finite"),
        (float("inf"), "finite"),
    ],
)
def test_refuses_what_is_no_percent(given: float, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        PERCENT.validate_python(given)


def test_an_instant_is_told_in_utc() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=2)))
    assert format_instant(elsewhere) == "2026-11-23T12:00:00Z"
    assert to_utc_seconds(elsewhere).tzinfo is UTC


@pytest.mark.parametrize("year", [1, 99, 999, 1969, 9999])
def test_an_instant_of_any_year_is_read_back(year: int) -> None:
    moment = datetime(year, 1, 1, tzinfo=UTC)
    assert format_instant(moment) == f"{year:04}-01-01T00:00:00Z"
    assert compact_instant(moment) == f"{year:04}0101T000000Z"
    assert TypeAdapter(Instant).validate_python(format_instant(moment)) == moment


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_an_instant_outside_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is outside years 1 to 9999 in UTC"):
        TypeAdapter(Instant).validate_python(text)


def test_an_instant_needs_a_zone() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Instant).validate_python("2026-11-23T12:00:00")


@given(MOMENTS)
def test_milliseconds_lead_back_to_the_second(moment: datetime) -> None:
    assert from_unix_ms(unix_ms(moment)) == moment.replace(microsecond=0)


@pytest.mark.parametrize(("later", "seconds"), [(90, 90), (0, 0), (-90, -90), (0.9, 0), (-0.1, -1)])
def test_seconds_between_are_whole(later: float, seconds: int) -> None:
    assert seconds_between(NOON, NOON + timedelta(seconds=later)) == seconds


@pytest.mark.parametrize("path", [".tau/voice", "a/b.json", "**/x", "..."])
def test_a_path_inside_its_folder(path: str) -> None:
    assert TypeAdapter(RelativePath).validate_python(path) == path


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x", "a\\b", "a\x00b", "a\nb"])
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(RelativePath).validate_python(path)
