"""The table of benchmarks: what it says, and when it fails."""

from benchmarks.table import Benchmark, Count, Ratio, Seconds, run

QUICK = Benchmark("this over that", 2, lambda: Ratio(2.0, "4 ms over 2 ms"))
SLOW = Benchmark("slow over quick", 1.5, lambda: Ratio(1.509, "3 ms over 2 ms"))


def test_goals_that_are_met_exactly_are_met() -> None:
    said: list[str] = []
    assert run([QUICK], said.append) == 0
    assert said == [
        "| what | measured | goal | verdict |",
        "| --- | --- | --- | --- |",
        "| this over that | 2.00 (4 ms over 2 ms) | <= 2 | met |",
    ]


def test_one_missed_goal_fails_the_run_and_stops_nothing() -> None:
    said: list[str] = []
    assert run([SLOW, QUICK], said.append) == 1
    assert said[2:] == [
        "| slow over quick | 1.51 (3 ms over 2 ms) | <= 1.5 | MISSED |",
        "| this over that | 2.00 (4 ms over 2 ms) | <= 2 | met |",
    ]


def test_what_has_no_goal_is_told_and_misses_none() -> None:
    said: list[str] = []
    told = Benchmark("requests", None, lambda: Count(7, "3 reads, 4 writes"))
    few = Benchmark("fewer requests", 4, lambda: Count(4, "3 reads, 1 write"))
    time = Benchmark("a run", None, lambda: Seconds(2.345, "nearly all of it git"))
    assert run([told, few, time], said.append) == 0
    assert said[2:] == [
        "| requests | 7 (3 reads, 4 writes) |  | told |",
        "| fewer requests | 4 (3 reads, 1 write) | <= 4 | met |",
        "| a run | 2.35 s (nearly all of it git) |  | told |",
    ]
