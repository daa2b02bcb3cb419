"""Bounds of a proportion, such as the share of requests that failed, that hold at every look.

A fixed-sample interval errs in 5 % of cases at each look, so whoever looks every ten minutes is soon misled.
This is a confidence sequence instead: with probability 1 - significance the true proportion lies within the
bounds at all looks at once, whenever anybody looks or stops.

For a proportion p, the likelihood of the counts averaged over a prior, divided by their likelihood under p,
is a martingale of mean 1. By Ville's inequality it ever reaches 1 / significance with at most that
probability, so the proportions at which it has not yet are such a sequence: the method of mixtures. Sources:
Robbins, "Statistical methods related to the law of the iterated logarithm", Annals of Mathematical Statistics
41 (1970); Lai, "On confidence sequences", Annals of Statistics 4 (1976); Howard, Ramdas, McAuliffe and
Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49 (2021).
"""

from __future__ import annotations

from math import exp, lgamma, log, log1p, sqrt
from typing import NamedTuple

_SHARP = 0.5
_PRIORS = (0.5, 5.0, 50.0, 500.0)
"""The prior is an even mixture of Beta(1/2, b) with these b: it knows rates of one half, of a tenth, a
hundredth and a thousandth, so that a clean canary needs few requests at any of them."""
_LEAST = 1e-9
"""A count below it says nothing."""
_MOST = 1e12
"""Counts beyond it are scaled down to it: differences of logarithms would lose too many digits."""
_STEPS = 60
_CLOSE = 1e-7


class Bounds(NamedTuple):
    """Where a proportion lies."""

    low: float
    high: float


def bounds(bad: float, total: float, significance: float) -> Bounds:
    """Returns the bounds of the proportion of which `bad` of `total` were seen, both counts from zero up.

    They need not be whole: what a metrics server extrapolates is not.
    """
    if total < _LEAST:
        return Bounds(0.0, 1.0)
    share = min(bad / total, 1.0)
    total = min(total, _MOST)
    bad, good = share * total, (1 - share) * total
    greatest = (bad * log(share) if bad > 0 else 0.0) + (good * log(1 - share) if good > 0 else 0.0)
    level = min(_log_average(bad, good), greatest) + log(significance)
    room = greatest - level
    low = _root(bad, good, level, _below(share, bad, total, room)) if bad > 0 else 0.0
    high = _root(bad, good, level, _above(share, good, total, room)) if good > 0 else 1.0
    return Bounds(min(low, share), max(high, share))


def _log_average(bad: float, good: float) -> float:
    """Returns the logarithm of the likelihood of the counts, averaged over the prior."""
    total = bad + good
    parts = [lgamma(b + good) - lgamma(_SHARP + b + total) - norm for b, norm in _NORMED]
    most = max(parts)
    return lgamma(_SHARP + bad) + most + log(sum([exp(part - most) for part in parts]) / len(parts))


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


_NORMED = tuple((b, _log_beta(_SHARP, b)) for b in _PRIORS)


def _above(share: float, good: float, total: float, room: float) -> float:
    """Returns a proportion that is surely too high.

    The divergence of a share s from p > s is at least (p - s)^2 / 2p (Bernstein), and at least
    (1 - s) (ln((1 - s) / (1 - p)) - 1).
    """
    each = room / total
    by_square = share + each + sqrt(2 * share * each + each * each)
    return min(by_square, 1 - (1 - share) * exp(-room / good - 1))


def _below(share: float, bad: float, total: float, room: float) -> float:
    """Returns a proportion that is surely too low.

    By the same, the divergence from p < s is at least (s - p)^2 / 2s, and at least s (ln(s / p) - 1).
    """
    return max(share - sqrt(2 * share * room / total), share * exp(-room / bad - 1))


def _root(bad: float, good: float, level: float, start: float) -> float:
    """Returns the proportion whose log-likelihood is `level`, from outside of the bounds.

    It is concave, so Newton's steps from outside never cross the root.
    """
    if not 0 < start < 1:
        return start  # too close to the end for a float
    at = start
    for _ in range(_STEPS):
        under = level - bad * log(at) - good * log1p(-at)
        if under <= 0:
            break
        step = under / (good / (1 - at) - bad / at)
        at -= step
        if abs(step) <= _CLOSE * at:
            break  # the error that is left is about the square of it
    return at
