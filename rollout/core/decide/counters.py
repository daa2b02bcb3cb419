"""Counters: absolute totals of each surface, folded into how much they rose."""

from __future__ import annotations

from collections.abc import Mapping

from rollout.core.contract import Contract, Surface
from rollout.core.decide.view import NOT_OBSERVED, View
from rollout.core.measurements import why_not_measured
from rollout.core.observation import COUNTERS, Sample
from rollout.core.state import CounterTrack, Result

Tracks = Mapping[str, Mapping[str, CounterTrack]]


def total(surface: Surface, sample: Sample, counter: str) -> int | None:
    """Returns the counter's absolute total; None when the surface does not know or never reports it.

    A counter that is absent from a present map is 0 only where the contract says so: a misspelt name must not
    read as a counter that never rises.
    """
    counters = sample.counters
    if sample.unknown is not None or counters is None:
        return None
    if counter in counters:
        return counters[counter]
    return 0 if surface.absent_is_zero and COUNTERS not in sample.not_applicable else None


def fold(
    tracks: Tracks, samples: Mapping[str, Sample], contract: Contract
) -> dict[str, dict[str, CounterTrack]]:
    """Returns the tracks after one more reading; what is unknown leaves its track as it was."""
    folded: dict[str, dict[str, CounterTrack]] = {}
    for surface, counters in contract.counters.items():
        before = tracks.get(surface, {})
        after = dict(before)
        sample, policy = samples.get(surface, NOT_OBSERVED), contract.surfaces[surface]
        for counter in counters:
            value = total(policy, sample, counter)
            if value is not None:
                after[counter] = _read(before.get(counter), value, policy)
        if after:
            folded[surface] = after
    return folded


def _read(track: CounterTrack | None, value: int, surface: Surface) -> CounterTrack:
    if track is None:
        return CounterTrack(last=value)
    if value < track.last and surface.rebases_on_reset:
        # An instance that left took its share along: what is missing is no error, and what rose is not known.
        return CounterTrack(last=value, new=track.new, rebased=True)
    rose = value - track.last if value >= track.last else value
    if value == track.last and track.rose == 0 and not track.rebased:
        return track
    return CounterTrack(last=value, new=track.new + rose, rose=rose)


def new_baseline(tracks: Tracks) -> dict[str, dict[str, CounterTrack]]:
    """Returns the tracks at the entry of a phase: the last known value is the baseline."""
    return {
        surface: {counter: CounterTrack(last=track.last) for counter, track in counters.items()}
        for surface, counters in tracks.items()
    }


def lookup(view: View, surface: str, sample: Sample, counter: str) -> tuple[CounterTrack | None, Result, str]:
    """Returns the counter's track if this sample knows it; else what that means for a gate, and why."""
    if total(view.contract.surfaces[surface], sample, counter) is not None:
        track = view.counters.get(surface, {}).get(counter)
        if track is not None and track.rebased:
            return None, Result.UNKNOWN, f"{counter} fell to {track.last}: counted anew from there"
        return (track, Result.SATISFIED, "") if track else (None, Result.UNKNOWN, "no reading yet")
    if COUNTERS in sample.not_applicable:
        return None, Result.NOT_APPLICABLE, "never reported here"
    if counter in sample.measurements:
        return None, Result.UNKNOWN, why_not_measured(sample, counter)
    if sample.counters is not None:
        return None, Result.UNKNOWN, f"{counter} is not among the counters; it is 0 only with `absent: zero`"
    return None, Result.UNKNOWN, sample.counters_unknown or "counter not reported"
