"""The table of benchmarks: what it says, and when it fails."""

from benchmarks.table import Benchmark, Ratio, run

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
