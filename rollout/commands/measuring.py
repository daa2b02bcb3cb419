"""Surfaces that are metrics: asks their servers, and turns the answers into samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rollout.core.contract import Contract, Surface
from rollout.core.observation import Sample
from rollout.core.surfaces.metrics.answers import QueryReading, measured, sample_of
from rollout.core.surfaces.metrics.questions import plan
from rollout.ports import Clock, MetricsServers


@dataclass(frozen=True)
class Measuring:
    """Measures the surfaces of one contract."""

    servers: MetricsServers
    contract: Contract
    values: Mapping[str, str]
    """What placeholders stand for."""
    clock: Clock

    def read(self, name: str, surface: Surface) -> tuple[Sample, tuple[QueryReading, ...]]:
        """Returns the surface's sample, and each query that it is made of."""
        assert surface.metrics is not None
        sampling, windows = self.contract.sampling, self.contract.windows.get(name, {})
        asked = plan(surface.metrics, self.values, interval=sampling.interval, windows=windows)
        questions = list(dict.fromkeys(each for one in asked for each in one.questions.values()))
        answers = self.servers.ask(surface.metrics, questions, timeout=surface.timeout)
        now = self.clock.now()
        readings = tuple(
            QueryReading(
                each,
                measured(each, answers, now, max_age=sampling.max_age),
                tuple(
                    dict.fromkeys(info for asks in each.questions.values() for info in answers[asks].infos)
                ),
            )
            for each in asked
        )
        return sample_of(surface, asked, [each.measurement for each in readings]), readings

    def stop(self) -> None:
        """Ends what is being asked: a person interrupted."""
        self.servers.stop()
