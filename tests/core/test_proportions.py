"""Bounds of a proportion: what must hold of any counts, and how often they err over whole canaries."""

from __future__ import annotations

from itertools import accumulate
from math import isclose, pi, sin
from operator import mul

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks import proportions as simulated
from rollout.core.proportions import Bounds, bounds

COUNT = st.one_of(st.integers(0, 10**7), st.floats(0, 1e15))
SIGNIFICANCE = st.sampled_from([0.001, 0.01, 0.05, 0.2, 0.5])
ROUNDING = 1e-9


def inside(inner: Bounds, outer: Bounds) -> bool:
    return outer.low <= inner.low + ROUNDING and inner.high <= outer.high + ROUNDING


@pytest.mark.parametrize(
    ("bad", "total", "low", "high"),
    [
        (0, 0, "0.0000", "1.0000"),
        (0, 1, "0.0000", "0.9575"),
        (1, 1, "0.0075", "1.0000"),
        (0, 420, "0.0000", "0.0100"),
        (20, 1000, "0.0084", "0.0390"),
        (20, 5000, "0.0017", "0.0079"),
        (500, 1000, "0.4374", "0.5626"),
        (0.3, 2.2, "0.0000", "0.9102"),
        (1e17, 1e18, "0.1000", "0.1000"),
        (1e-300, 1e-3, "0.0000", "1.0000"),
        (0, 5e-324, "0.0000", "1.0000"),
    ],
)
def test_bounds_of(bad: float, total: float, low: str, high: str) -> None:
    found = bounds(bad, total, 0.05)
    assert (f"{found.low:.4f}", f"{found.high:.4f}") == (low, high)


@given(good=COUNT, bad=COUNT, significance=SIGNIFICANCE)
def test_the_share_lies_within_its_bounds(good: float, bad: float, significance: float) -> None:
    assume(good + bad > 0)
    found = bounds(bad, good + bad, significance)
    assert 0 <= found.low <= bad / (good + bad) <= found.high <= 1


@given(batches=st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=2), data=st.data())
def test_the_order_of_batches_never_matters(batches: list[tuple[int, int]], data: st.DataObject) -> None:
    other = data.draw(st.permutations(batches))
    *_, one = accumulate(batches, lambda a, b: (a[0] + b[0], a[1] + b[1]))
    *_, two = accumulate(other, lambda a, b: (a[0] + b[0], a[1] + b[1]))
    assert bounds(one[0], sum(one), 0.05) == bounds(two[0], sum(two), 0.05)


@given(good=COUNT, bad=COUNT, times=st.floats(1, 1000), significance=SIGNIFICANCE)
def test_more_samples_of_the_same_share_never_widen_a_bound(
    good: float, bad: float, times: float, significance: float
) -> None:
    few = bounds(bad, good + bad, significance)
    many = bounds(bad * times, (good + bad) * times, significance)
    assert inside(many, few)


@given(good=COUNT, bad=COUNT, more=st.integers(0, 10**6), significance=SIGNIFICANCE)
def test_a_good_one_never_raises_a_bound_and_a_bad_one_never_lowers_one(
    good: float, bad: float, more: int, significance: float
) -> None:
    before = bounds(bad, good + bad, significance)
    better = bounds(bad, good + bad + more, significance)
    worse = bounds(bad + more, good + bad + more, significance)
    assert better.low <= before.low + ROUNDING
    assert better.high <= before.high + ROUNDING
    assert worse.low >= before.low - ROUNDING
    assert worse.high >= before.high - ROUNDING


@given(good=COUNT, bad=COUNT)
def test_a_lower_significance_is_sure_of_less(good: float, bad: float) -> None:
    assert inside(bounds(bad, good + bad, 0.05), bounds(bad, good + bad, 0.01))


@pytest.mark.parametrize(("bad", "total"), [(0, 30), (1, 30), (7, 30), (30, 30)])
def test_at_a_bound_the_averaged_likelihood_is_so_many_times_that_of_the_bound(bad: int, total: int) -> None:
    """The definition, by summing up the prior: an even mixture of Beta(1/2, b)."""
    found = bounds(bad, total, 0.05)
    average = sum(_likelihood_under(b, bad, total) for b in (0.5, 5, 50, 500)) / 4
    for bound in {found.low, found.high} - {0.0, 1.0}:
        assert isclose(average / (bound**bad * (1 - bound) ** (total - bad)), 20, rel_tol=1e-3)


def _likelihood_under(b: float, bad: int, total: int) -> float:
    """By the midpoint rule, with p = sin(x)^2."""
    steps = 20_000
    shares = [sin(pi / 2 * (step + 0.5) / steps) ** 2 for step in range(steps)]
    weights = [(1 - share) ** (b - 0.5) for share in shares]
    likelihoods = [share**bad * (1 - share) ** (total - bad) for share in shares]
    return float(sum(map(mul, weights, likelihoods)) / sum(weights))


def test_canaries_at_the_limit_are_called_worse_no_more_often_than_stated() -> None:
    """1,000 canaries, a look every ten minutes of a day, at exactly the limit."""
    assert simulated.false_alarms(0.05, simulated.by_bounds) <= simulated.SIGNIFICANCE
    assert simulated.false_alarms(0.05, simulated.by_one_sample) > 0.3


def test_a_doubled_rate_is_found_and_a_clean_canary_passes() -> None:
    few = 40
    assert simulated.requests_until(0.01, 0.02, simulated.by_bounds, few) < 2000
    assert simulated.requests_until(0.01, 0.005, simulated.passes, few) < 4000
    assert isclose(simulated.requests_until(0.01, 0, simulated.passes, 1), 420, abs_tol=10)
