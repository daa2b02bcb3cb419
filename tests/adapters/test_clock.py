"""The clocks: the machine's, and the one that stands still."""

from datetime import UTC, datetime, timedelta, timezone

from rollout.adapters.clock import FixedClock, SystemClock


def test_the_machines_time_is_utc_to_the_second() -> None:
    first, second = SystemClock().now(), SystemClock().now()
    assert (first.tzinfo, first.microsecond) == (UTC, 0)
    assert datetime(2025, 1, 1, tzinfo=UTC) < first <= second


def test_a_fixed_clock_stands_still_in_utc() -> None:
    clock = FixedClock(datetime(2026, 11, 23, 12, 0, 0, 999, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == clock.now() == datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_no_time_goes_by_on_a_fixed_clock() -> None:
    clock, machine = FixedClock(datetime(2026, 11, 23, tzinfo=UTC)), SystemClock()
    before = machine.now()
    clock.wait(3600)
    machine.wait(0.001)
    assert machine.now() - before < timedelta(hours=1)
    assert clock.now() == datetime(2026, 11, 23, tzinfo=UTC)
