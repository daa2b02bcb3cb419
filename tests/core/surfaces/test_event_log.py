"""Counting an append-only log, however it grows, is cut or rotated between two readings."""

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.observation import LogCursor
from rollout.core.surfaces.event_log import HEAD_BYTES, MAX_LINE, LogCount, LogFile, count_log
from tests.core.surfaces.surfaces import SAMPLES


def line(*codes: str, at: int = 0) -> bytes:
    return json.dumps({"timestamp_unix_ms": at, "reason_codes": codes}).encode() + b"\n"


def file_of(log: bytes, *, piece: int = MAX_LINE, inode: int | None = None) -> LogFile:
    """A file of these bytes; long lines come in pieces."""

    def read_from(offset: int) -> Iterable[bytes]:
        for whole in log[offset:].splitlines(keepends=True):
            yield from (whole[start : start + piece] for start in range(0, len(whole), piece))

    return LogFile(read_from, log[:HEAD_BYTES], inode)


def reading(log: bytes, cursor: LogCursor | None = None, *rotated: bytes, piece: int = MAX_LINE) -> LogCount:
    """Count the log, which was rotated into these files, the newest first."""
    return count_log(file_of(log, piece=piece), cursor, map(file_of, rotated))


def totals(log: bytes, cursor: LogCursor | None = None) -> dict[str, int]:
    return reading(log, cursor).cursor.totals


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("healthy/events/dashboard.jsonl", {"widget_views_updated": 1, "control_actions_applied": 1}),
        (
            "degraded/events/memory.jsonl",
            {"healthy_cycle": 1, "retry_attempted": 1, "case_processing_failed": 1},
        ),
        ("failing/events/memory.jsonl", {"healthy_cycle": 1, "case_processing_failed": 3}),
    ],
)
def test_counts_the_samples(log: str, expected: dict[str, int]) -> None:
    counted = reading((SAMPLES / log).read_bytes())
    assert (counted.cursor.totals, counted.unknown) == (expected, None)


def test_an_empty_log_has_no_codes() -> None:
    counted = reading(b"")
    assert (counted.cursor.totals, counted.unknown, counted.cursor.offset) == ({}, None, 0)


def test_the_cursor_goes_on_where_it_stood() -> None:
    first = reading(line("a"))
    assert totals(line("a") + line("a", "b"), first.cursor) == {"a": 2, "b": 1}


def test_a_line_that_gives_its_codes_twice_is_unreadable() -> None:
    counted = reading(b'{"reason_codes": ["case_processing_failed"], "reason_codes": []}\n')
    assert counted.unknown == "1 unreadable line in the events log"


def test_nothing_new_changes_nothing() -> None:
    first = reading(line("a"))
    assert reading(line("a"), first.cursor) == first


def test_a_half_written_line_waits() -> None:
    half, rest = line("b")[:9], line("b")[9:]
    first = reading(line("a") + half)
    assert (first.cursor.totals, first.unknown, first.cursor.offset) == ({"a": 1}, None, len(line("a")))
    assert totals(line("a") + half + rest, first.cursor) == {"a": 1, "b": 1}


def test_a_log_that_is_only_half_a_line_waits_too() -> None:
    first = reading(line("a")[:9])
    assert (first.cursor.offset, first.cursor.head_bytes) == (0, 0)
    assert totals(line("a"), first.cursor) == {"a": 1}


@pytest.mark.parametrize(
    "broken",
    [
        b"{half\n",
        b"[]\n",
        b"{}\n",
        b'{"reason_codes": 1}\n',
        b'{"reason_codes": [1]}\n',
        b"\xff\n",
        b"[" * 9999 + b"\n",
    ],
)
def test_an_unreadable_line_is_skipped_counted_and_unknown_once(broken: bytes) -> None:
    log = line("a") + broken + line("a")
    counted = reading(log)
    assert counted.cursor.totals == {"a": 2}
    assert counted.unknown == "1 unreadable line in the events log"
    assert reading(log + line("b"), counted.cursor).unknown is None


def test_several_unreadable_lines_are_said_together() -> None:
    assert reading(b"x\nx\n").unknown == "2 unreadable lines in the events log"


def test_blank_lines_say_nothing() -> None:
    counted = reading(b"\n" + line("a") + b"\r\n")
    assert (counted.cursor.totals, counted.unknown) == ({"a": 1}, None)


def test_a_rotated_log_starts_again_and_totals_go_on() -> None:
    first = reading(line("a", at=1) + line("a", at=2))
    rotated = line("a", at=3)
    second = reading(rotated, first.cursor)
    assert second.cursor.totals == {"a": 3}
    assert second.cursor.offset == len(rotated)


LOST = "the events log was rotated, and what it held since the last reading is nowhere to be found"


def test_what_a_rotated_file_held_since_the_last_reading_is_counted() -> None:
    read, unread = line("a", at=1), line("case_processing_failed", at=2)
    first = reading(read)
    second = reading(line("a", at=3), first.cursor, read + unread)
    assert second.cursor.totals == {"a": 2, "case_processing_failed": 1}
    assert second.unknown is None
    assert reading(line("a", at=3), second.cursor) == second


def test_a_log_that_was_rotated_twice_is_followed_too() -> None:
    read, unread = line("a", at=1), line("b", at=2)
    first = reading(read)
    second = reading(line("a", at=9), first.cursor, line("c", at=4) * 2, line("c", at=3), read + unread)
    assert second.cursor.totals == {"a": 2, "b": 1, "c": 3}
    assert second.unknown is None


@pytest.mark.parametrize("rotated", [(), (b"",), (line("a", at=7),), (line("a", at=7), b"\x1f\x8b\x08")])
def test_a_rotated_file_that_is_gone_makes_the_counter_unknown_once(rotated: tuple[bytes, ...]) -> None:
    first = reading(line("a", at=1))
    second = reading(line("a", at=3), first.cursor, *rotated)
    assert (second.unknown, second.cursor.totals) == (LOST, {"a": 2})
    assert reading(line("a", at=3) + line("b"), second.cursor).unknown is None


def test_half_a_line_at_the_end_of_a_rotated_file_is_unreadable() -> None:
    read = line("a", at=1)
    second = reading(line("a", at=3), reading(read).cursor, read + line("b")[:9])
    assert second.unknown == "1 unreadable line in the events log"


def test_a_file_that_was_rotated_before_anything_was_counted_is_found_by_its_inode() -> None:
    first = count_log(file_of(b"", inode=7), None)
    unread, now = file_of(line("b"), inode=7), file_of(line("a"), inode=8)
    assert count_log(now, first.cursor, [unread]).cursor.totals == {"a": 1, "b": 1}


@pytest.mark.parametrize("held", [b"", line("b")[:9]], ids=["empty", "half a line"])
@pytest.mark.parametrize("rotated", [[], [file_of(line("b"), inode=9)]], ids=["none", "another"])
def test_a_file_that_is_gone_and_of_which_nothing_was_counted_is_unknown_once(
    held: bytes, rotated: list[LogFile]
) -> None:
    first = count_log(file_of(held, inode=7), None)
    second = count_log(file_of(line("a"), inode=8), first.cursor, rotated)
    assert (second.cursor.totals, second.unknown) == ({"a": 1}, LOST)
    third = count_log(file_of(line("a") * 2, inode=8), second.cursor, rotated)
    assert (third.cursor.totals, third.unknown) == ({"a": 2}, None)


def test_an_empty_log_that_is_the_same_file_is_gone_on_with() -> None:
    first = count_log(file_of(b"", inode=7), None)
    second = count_log(file_of(line("a"), inode=7), first.cursor)
    assert (second.cursor.totals, second.unknown) == ({"a": 1}, None)


def dated(*codes: str, second: int) -> bytes:
    return line(*codes, at=(1_795_939_200 + second) * 1000)


@pytest.mark.parametrize(
    "first_line",
    [
        dated("a", second=1),
        b'{"at": "2026-11-29T08:00:00Z", "reason_codes": ["a"]}\n',
        b'{"at": 1795939200, "reason_codes": ["a"]}\n',
    ],
)
def test_a_dated_log_that_is_read_on_another_machine_is_the_same_log(first_line: bytes) -> None:
    first = count_log(file_of(first_line, inode=7), None)
    second = count_log(file_of(first_line + line("b"), inode=8), first.cursor)
    assert (second.cursor.totals, second.unknown) == ({"a": 1, "b": 1}, None)
    assert first.cursor.inode is None


HEADER = b'{"log": "events", "version": 20201201, "reason_codes": []}\n'
ERROR = b'{"reason_codes": ["case_processing_failed"]}\n'
UNDATED = b'{"reason_codes": ["ok"]}\n'


@pytest.mark.parametrize("begin", [UNDATED, HEADER, HEADER + UNDATED, UNDATED * 400], ids=len)
def test_a_new_log_that_begins_like_the_old_one_hides_no_error(begin: bytes) -> None:
    first = count_log(file_of(begin, inode=7), None)
    rotated, now = file_of(begin + ERROR, inode=7), file_of(begin + UNDATED * 3, inode=8)
    before = file_of(begin + UNDATED, inode=6)
    second = count_log(now, first.cursor, [rotated, before])
    assert second.unknown is None
    assert second.cursor.totals == {
        "ok": 2 * begin.count(UNDATED) + 3,
        "case_processing_failed": 1,
    }
    third = count_log(file_of(begin + UNDATED * 3 + ERROR, inode=8), second.cursor, [rotated, before])
    assert (third.cursor.totals["case_processing_failed"], third.unknown) == (2, None)


UNSURE = "the events log is another file that begins like the one before"


@pytest.mark.parametrize("rotated", [[], [file_of(UNDATED * 9, inode=6)]], ids=["none", "older"])
def test_an_undated_log_whose_rotated_file_is_gone_is_unknown_once_and_counts_no_line_twice(
    rotated: list[LogFile],
) -> None:
    first = count_log(file_of(ERROR + UNDATED, inode=7), None)
    second = count_log(file_of(ERROR + UNDATED * 3, inode=8), first.cursor, rotated)
    assert second.unknown is not None
    assert second.unknown.startswith(UNSURE)
    assert second.cursor.totals == {"case_processing_failed": 1, "ok": 3}
    third = count_log(file_of(ERROR + UNDATED * 4, inode=8), second.cursor, rotated)
    assert (third.unknown, third.cursor.totals) == (None, {"case_processing_failed": 1, "ok": 4})


def test_a_cursor_from_before_inodes_were_kept_goes_on_in_an_undated_log() -> None:
    kept = count_log(file_of(UNDATED, inode=7), None).cursor.model_copy(update={"inode": None})
    second = count_log(file_of(UNDATED * 3, inode=8), kept, [file_of(UNDATED * 9, inode=7)])
    assert (second.unknown, second.cursor.totals, second.cursor.inode) == (None, {"ok": 3}, 8)


def test_a_rotated_log_that_is_longer_than_the_old_one_is_noticed() -> None:
    first = reading(line("a", at=1))
    assert totals(line("b", at=2) * 50, first.cursor) == {"a": 1, "b": 50}


def test_a_log_emptied_in_place_starts_again() -> None:
    first = reading(line("a"))
    emptied = reading(b"", first.cursor)
    assert (emptied.cursor.totals, emptied.cursor.offset) == ({"a": 1}, 0)
    assert totals(line("b"), emptied.cursor) == {"a": 1, "b": 1}


def test_a_log_cut_short_behind_its_unchanged_head_starts_again() -> None:
    log = line("a") * 500
    kept = line("a") * 200
    assert len(kept) > HEAD_BYTES
    assert totals(kept, reading(log).cursor) == {"a": 700}


def test_a_log_that_grew_again_after_a_cut_is_noticed_by_a_cursor_inside_a_line() -> None:
    log = line("a") * 500
    regrown = line("a") * 200 + line("bb") * 400
    assert totals(regrown, reading(log).cursor) == {"a": 700, "bb": 400}


@pytest.mark.parametrize("size", [MAX_LINE + 1, 3 * MAX_LINE])
def test_a_line_over_the_cap_is_unreadable_and_the_next_is_read(size: int) -> None:
    counted = reading(b'{"reason_codes": ["b"]' + b" " * size + b"}\n" + line("a"))
    assert counted.cursor.totals == {"a": 1}
    assert counted.unknown == "1 unreadable line in the events log"


def test_a_long_line_in_pieces_is_put_together() -> None:
    counted = reading(line("a") + line("b"), piece=3)
    assert (counted.cursor.totals, counted.unknown) == ({"a": 1, "b": 1}, None)


def test_a_huge_log_is_not_held_in_memory() -> None:
    made = 0

    def read_from(_offset: int) -> Iterator[bytes]:
        nonlocal made
        for _ in range(20_000):
            made += 1
            yield line("a")

    counted = count_log(LogFile(read_from, line("a")), None)
    assert counted.cursor.totals == {"a": made}


def test_an_endless_line_is_not_held_in_memory() -> None:
    megabyte = b"x" * MAX_LINE
    file = LogFile(lambda _offset: (megabyte for _ in range(2_000)), megabyte[:HEAD_BYTES])
    counted = count_log(file, None)
    assert (counted.cursor.offset, counted.unknown) == (0, None)


def test_codes_that_no_contract_can_name_are_left_out() -> None:
    assert totals(line("a b", "", "a")) == {"a": 1}


def test_a_log_with_too_many_codes_stays_unknown() -> None:
    log = line(*(f"code_{number}" for number in range(600)))
    first = reading(log)
    assert len(first.cursor.totals) == 500
    assert first.unknown == "the events log has 500 or more different reason codes"
    assert reading(log + line("code_1"), first.cursor).unknown == first.unknown


def test_what_reading_raises_passes_through() -> None:
    def read_from(_offset: int) -> Iterator[bytes]:
        raise FileNotFoundError("events.jsonl")

    with pytest.raises(FileNotFoundError):
        count_log(LogFile(read_from, b""), None)


lines = st.one_of(
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=3).map(lambda codes: line(*codes)),
    st.sampled_from([b"\n", b"broken\n", b"{}\n"]),
)


@given(parts=st.lists(lines, max_size=12), data=st.data())
def test_one_go_and_any_steps_give_the_same_totals(parts: list[bytes], data: st.DataObject) -> None:
    log = b"".join(parts)
    stops = sorted(data.draw(st.lists(st.integers(0, len(log)), max_size=5)))
    cursor: LogCursor | None = None
    unreadable = 0
    for stop in [*stops, len(log)]:
        step = reading(log[:stop], cursor, piece=data.draw(st.sampled_from([1, 7, MAX_LINE])))
        unreadable += int((step.unknown or "0").split()[0])
        cursor = step.cursor
    whole = reading(log)
    assert cursor == whole.cursor
    assert unreadable == int((whole.unknown or "0").split()[0])


@given(
    logs=st.lists(st.lists(lines, max_size=4).map(b"".join), min_size=2, max_size=5),
    stop=st.integers(0, 200),
    kept=st.integers(0, 5),
    is_dated=st.booleans(),
)
def test_a_rotation_loses_nothing_or_says_so(
    logs: list[bytes], stop: int, kept: int, *, is_dated: bool
) -> None:
    """Files of a log, oldest first: the first was read up to some line, and some of the oldest are gone."""
    first_lines = (dated("rotation", second=number) if is_dated else UNDATED for number in range(len(logs)))
    files = [first_line + log for first_line, log in zip(first_lines, logs, strict=True)]
    first = count_log(file_of(files[0][:stop], inode=0), None)
    rotated = [file_of(log, inode=number) for number, log in enumerate(files[:-1])][::-1][:kept]
    second = count_log(file_of(files[-1], inode=len(files)), first.cursor, rotated)
    whole = reading(b"".join(files)).cursor.totals
    if kept >= len(files) - 1:
        assert second.cursor.totals == whole
    else:
        assert second.unknown is not None
        assert LOST in second.unknown or UNSURE in second.unknown


@given(
    happened=st.lists(st.sampled_from(["write", "read", "rotate", "lose"]), max_size=12),
    is_dated=st.booleans(),
)
def test_any_history_of_a_log_loses_no_line_or_says_so(happened: list[str], *, is_dated: bool) -> None:
    """`lose`: the log and all that was rotated before are gone (compressed, or under another name)."""
    log, inode, rotated = b"", 0, list[LogFile]()
    last, unread, has_lost = count_log(file_of(b"", inode=0), None), 0, False
    for second, what in enumerate([*happened, "read"]):
        if what == "write":
            log += dated("a", second=second) if is_dated else line("a")
            unread += 1
        elif what == "read":
            now = count_log(file_of(log, inode=inode), last.cursor, rotated)
            if now.unknown is None:
                assert now.cursor.totals.get("a", 0) - last.cursor.totals.get("a", 0) == unread
            assert (now.unknown is not None) == has_lost
            last, unread, has_lost = now, 0, False
        else:
            rotated = [file_of(log, inode=inode), *rotated] if what == "rotate" else []
            has_lost |= what == "lose"
            log, inode = b"", inode + 1


@given(logs=st.lists(st.lists(lines, min_size=1, max_size=5), min_size=1, max_size=4))
def test_totals_never_fall_over_rotations(logs: list[list[bytes]]) -> None:
    cursor: LogCursor | None = None
    seen: list[dict[str, int]] = [{}]
    for number, parts in enumerate(logs):
        counted = reading(line("rotation", at=number) + b"".join(parts), cursor)
        cursor = counted.cursor
        seen.append(cursor.totals)
    assert all(after.get(code, 0) >= n for before, after in pairwise(seen) for code, n in before.items())
    assert seen[-1]["rotation"] == len(logs)
