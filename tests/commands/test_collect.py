"""Collecting the samples of every mood through a contract like the product's own."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Event, Lock
from typing import Any

import pytest

from fakehub.clock import NOON
from rollout import __version__
from rollout.commands.collect import collect
from rollout.commands.measuring import Measuring
from rollout.core.contract import Contract, Prepare, Surface
from rollout.core.observation import HarnessReport, LogCursor, Measurement, Observation, Sample
from rollout.core.state import Decision, Outcome, Release, Rollout, Status, Verdict
from rollout.core.surfaces.metrics.answers import Answer, Point
from rollout.core.surfaces.metrics.questions import values_of
from rollout.errors import InputError, RefusedError
from rollout.ports import CommandRun, Failure, Reading
from tests.fakes.clock import SteppingClock
from tests.fakes.metrics import FakeMetricsServers
from tests.fakes.product import FakeProduct

SAMPLES = Path(__file__).parent.parent / "samples" / "tau"
DIGEST = "d" * 64
RELEASE = Release(version="v0.1.5", commit="a" * 40, started_at=NOON)
ROLLOUT = Rollout(
    train="tau", release=RELEASE, phase="canary-1", canary_percent=5, outcome=Outcome.IN_PROGRESS
)
DASHBOARD_LOG = ".tau/dashboard/runtime-events.jsonl"
MEMORY_LOG = ".tau/memory/runtime-events.jsonl"
CONTRACT = Contract.model_validate(
    {
        "schema": 1,
        "train": "tau",
        "surfaces": {
            "voice": {"adapter": "tau-status", "command": ["voice"]},
            "dashboard": {"adapter": "tau-status", "command": ["dashboard"], "events": DASHBOARD_LOG},
            "custom-command": {"adapter": "tau-status", "command": ["custom-command"]},
            "memory": {"adapter": "tau-transport-health", "command": ["memory"], "events": MEMORY_LOG},
            "browser": {"adapter": "tau-browser-summary", "file": "summary.json"},
        },
        "harness": {"report": "report.json", "manifest": "manifest.json"},
        "phases": [
            {"name": "canary-1", "canary_percent": 5, "soak": "1h", "gates": [{"kind": "health_state"}]},
            {"name": "all", "canary_percent": 100, "soak": "1h", "inherit": "canary-1"},
        ],
    }
)
COMMANDS = {
    "voice": "voice-status.json",
    "dashboard": "dashboard-status.json",
    "custom-command": "custom-command-status.json",
    "memory": "memory-transport-health.json",
}


def product(mood: str = "healthy") -> FakeProduct:
    """A product whose surfaces print the samples of that mood, and whose harness passed."""
    fake = FakeProduct()
    for command, name in COMMANDS.items():
        fake.prints(command, (SAMPLES / mood / name).read_bytes())
    fake.files["summary.json"] = (SAMPLES / mood / "browser-live-summary.json").read_bytes()
    fake.files[MEMORY_LOG] = (SAMPLES / mood / "events" / "memory.jsonl").read_bytes()
    dashboard = SAMPLES / mood / "events" / "dashboard.jsonl"
    fake.files[DASHBOARD_LOG] = dashboard.read_bytes() if dashboard.exists() else b""
    for name in ("report.json", "manifest.json"):
        fake.files[name] = (SAMPLES / "harness" / "passed" / name).read_bytes()
    return fake


def status(cursors: dict[str, LogCursor]) -> Status:
    return Status(
        train="tau",
        release=RELEASE.version,
        commit=RELEASE.commit,
        legal=ROLLOUT,
        decided_at=NOON,
        contract_digest=DIGEST,
        decision=Decision(verdict=Verdict.HOLD, at=NOON),
        cursors=cursors,
    )


def collected(
    fake: FakeProduct,
    *,
    rollout: Rollout = ROLLOUT,
    before: Status | None = None,
    surfaces: Sequence[str] | None = None,
    round_id: str | None = None,
    said: list[str] | None = None,
    contract: Contract = CONTRACT,
    workers: int = 4,
    runner: str | None = None,
    measuring: Measuring | None = None,
) -> Observation:
    return collect(
        contract,
        DIGEST,
        rollout,
        before,
        fake,
        SteppingClock(step=timedelta(minutes=1)),
        surfaces=surfaces,
        round_id=round_id,
        workers=workers,
        progress=(said if said is not None else []).append,
        runner=runner,
        measuring=measuring,
    )


def test_says_what_it_is_evidence_for() -> None:
    observation = collected(product())
    assert observation.model_copy(update={"samples": {}, "harness": None}) == Observation(
        train="tau",
        release="v0.1.5",
        commit="a" * 40,
        phase="canary-1",
        contract_digest=DIGEST,
        round="2026-11-23T12:00:00Z",
        product_head="c" * 40,
        started_at=NOON,
        finished_at=NOON + timedelta(minutes=7),
        tool_version=__version__,
        samples={},
    )


def test_each_reading_carries_the_checkout_that_it_was_read_in() -> None:
    fake = product()
    said: list[str] = []
    fake.holds_release, fake.modified = False, "Cargo.lock"
    observation = collected(fake, said=said)
    assert observation.harness is not None
    evidence: list[Sample | HarnessReport] = [*observation.samples.values(), observation.harness]
    for read in evidence:
        assert (read.product_head, read.holds_release, read.modified) == ("c" * 40, False, "Cargo.lock")
    assert "product: at cccccccc, without the release, aaaaaaaa, changed: Cargo.lock" in said


def test_a_checkout_that_moves_meanwhile_is_of_no_revision() -> None:
    fake = product()
    fake.moves_to = "d" * 40
    voice = collected(fake).samples["voice"]
    assert (voice.product_head, voice.modified) == ("d" * 40, "it was at cccccccc before")


@pytest.mark.parametrize(
    ("mood", "browser"), [("healthy", "healthy"), ("degraded", "degraded"), ("failing", "healthy")]
)
def test_every_surface_of_every_mood_is_read(mood: str, browser: str) -> None:
    samples = collected(product(mood)).samples
    assert {name: sample.health_state for name, sample in samples.items()} == {
        **dict.fromkeys(COMMANDS, mood),
        "browser": browser,
    }


def test_each_sample_says_when_it_was_read() -> None:
    fake = product()
    fake.fails("voice", "hung for 120s")
    samples = collected(fake).samples
    assert samples.pop("voice").read_at is None
    read = sorted(sample.read_at for sample in samples.values() if sample.read_at)
    assert read == [NOON + timedelta(minutes=minute) for minute in (1, 2, 3, 4)]


def test_samples_are_in_the_order_of_the_contract() -> None:
    assert list(collected(product()).samples) == list(CONTRACT.surfaces)


def test_only_the_named_surfaces_are_read() -> None:
    assert list(collected(product(), surfaces=["memory", "voice"]).samples) == ["voice", "memory"]


def test_an_unknown_surface_is_refused() -> None:
    with pytest.raises(InputError, match="unknown surface vioce"):
        collected(product(), surfaces=["vioce", "voice"])


def test_the_round_can_be_named() -> None:
    assert collected(product(), round_id="run 17\n").round == "run 17"


@pytest.mark.parametrize(
    ("outcome", "hint"),
    [
        (Outcome.IDLE, "rollout start VERSION"),
        (Outcome.COMPLETE, "rollout start VERSION"),
        (Outcome.WITHDRAWN, "rollout start VERSION"),
        (Outcome.ROLLED_BACK, "rollout reopen --reason WHY"),
    ],
)
def test_without_a_rollout_in_progress_it_is_refused(outcome: Outcome, hint: str) -> None:
    """The hint names what works: start refuses a train that is rolled back."""
    with pytest.raises(RefusedError, match="no rollout is in progress") as refused:
        collected(product(), rollout=ROLLOUT.model_copy(update={"outcome": outcome}))
    assert hint in refused.value.hint


def test_a_rollout_that_goes_back_is_still_observed() -> None:
    rolling_back = ROLLOUT.model_copy(update={"outcome": Outcome.ROLLING_BACK})
    assert collected(product(), rollout=rolling_back).samples["voice"].health_state == "healthy"


# --- surfaces that cannot be read -------------------------------------------------------------------------


def test_a_surface_that_fails_is_unknown_and_stops_no_other() -> None:
    fake = product()
    fake.fails("memory", "exit 1: \x1b[31mpanicked\x1b[0m")
    fake.prints("dashboard", b"Segmentation fault")
    fake.answers["voice"] = ZeroDivisionError("a bug")
    del fake.files["summary.json"]
    samples = collected(fake).samples
    assert samples["memory"] == Sample(unknown="exit 1: panicked")
    assert samples["dashboard"].unknown == "not JSON: Expecting value: line 1 column 1 (char 0)"
    assert samples["voice"] == Sample(unknown="a bug in rollout: ZeroDivisionError: a bug")
    assert samples["browser"].unknown == "summary.json: No such file or directory"
    assert samples["custom-command"].health_state == "healthy"


class _LastFirst(FakeProduct):
    """A surface answers only once the one after it in the contract has."""

    def __init__(self) -> None:
        super().__init__()
        self._answered = {name: Event() for name in CONTRACT.surfaces}

    def read(self, surface: Surface) -> Reading:
        names = list(CONTRACT.surfaces)
        (name,) = (name for name, known in CONTRACT.surfaces.items() if known == surface)
        for later in names[names.index(name) + 1 :][:1]:
            assert self._answered[later].wait(30)
        self._answered[name].set()
        return Reading(b"", self.updated_at, "silent")


def test_surfaces_are_told_in_the_contracts_order_whichever_answers_first() -> None:
    said: list[str] = []
    collected(_LastFirst(), said=said, workers=len(CONTRACT.surfaces))
    assert [line.partition(":")[0] for line in said][: len(CONTRACT.surfaces)] == list(CONTRACT.surfaces)


def test_progress_is_one_inert_line_a_surface() -> None:
    fake = product()
    fake.fails("memory", "exit 1: \x1b[31mpanicked\n::error::\x1b[0m")
    del fake.files[DASHBOARD_LOG]
    said: list[str] = []
    collected(fake, said=said)
    assert said == [
        "voice: healthy",
        f"dashboard: healthy, counters unknown - events log {DASHBOARD_LOG}: No such file or directory",
        "custom-command: healthy",
        "memory: unknown - exit 1: panicked ::error::",
        "browser: healthy",
        "harness: passed",
        "product: at cccccccc, ahead of the release, aaaaaaaa",
    ]


class Interrupted(FakeProduct):
    """A product whose first surface is interrupted by a person."""

    def read(self, surface: Surface) -> Reading:
        raise KeyboardInterrupt


def test_an_interruption_stops_what_runs() -> None:
    fake = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        collected(fake)
    assert fake.stopped


def test_the_output_of_a_command_that_fails_is_shown_and_kept() -> None:
    fake = product()
    printed = Failure(("thread 'main' panicked", "no state"), b"all of it")
    fake.answers["memory"] = Reading(b"", NOON, "exit 101: thread 'main' panicked no state", failure=printed)
    said: list[str] = []
    samples = collected(fake, surfaces=["memory"], said=said).samples
    assert samples == {"memory": Sample(unknown="exit 101: thread 'main' panicked no state")}
    assert said[:4] == [
        "memory: unknown - exit 101: thread 'main' panicked no state",
        "  | thread 'main' panicked",
        "  | no state",
        "  whole output: evidence/memory.txt",
    ]
    assert fake.kept == {"memory": b"all of it"}


# --- prepare and serial -----------------------------------------------------------------------------------

BUILD = Prepare.model_validate({"command": ["cargo", "build"], "workdir": "agent", "timeout": "15m"})


class Timeline(FakeProduct):
    """A product that notes what runs while what else does."""

    def __init__(self, at_once: int = 1) -> None:
        super().__init__()
        self.together: set[frozenset[str]] = set()
        self._running: set[str] = set()
        self._lock = Lock()
        self._all_there = Barrier(at_once)

    def read(self, surface: Surface) -> Reading:
        name = surface.command[0] if surface.command else "file"
        with self._lock:
            self._running.add(name)
            self.together.add(frozenset(self._running))
        if name in ("voice", "browser"):
            self._all_there.wait(30)
        with self._lock:
            self._running.discard(name)
        return super().read(surface)


def with_(contract: Contract = CONTRACT, **groups: str) -> Contract:
    """The contract, its surfaces in these `serial` groups."""
    surfaces = {
        name: surface.model_copy(update={"serial": groups.get(name.replace("-", "_"))})
        for name, surface in contract.surfaces.items()
    }
    return contract.model_copy(update={"surfaces": surfaces})


def test_surfaces_of_one_group_are_read_one_after_another() -> None:
    fake = Timeline()
    contract = with_(voice="cargo", dashboard="cargo", custom_command="cargo", memory="cargo")
    samples = collected(fake, contract=contract).samples
    assert list(samples) == list(CONTRACT.surfaces)
    commands = [running - {"file"} for running in fake.together]
    assert {len(running) for running in commands} <= {0, 1}
    assert frozenset().union(*commands) == set(COMMANDS)


def test_groups_are_read_side_by_side() -> None:
    voice, browser = (
        CONTRACT.surfaces["voice"].model_copy(update={"command": (name,)}) for name in ("voice", "browser")
    )
    contract = CONTRACT.model_copy(
        update={"surfaces": {**CONTRACT.surfaces, "voice": voice, "browser": browser}}
    )
    fake = Timeline(at_once=2)  # each waits for the other
    collected(fake, contract=with_(contract, voice="cargo", dashboard="cargo", browser="npm", memory="npm"))
    assert any({"voice", "browser"} <= running for running in fake.together)


def test_the_checkout_is_prepared_once_before_all_surfaces() -> None:
    fake, said = product(), list[str]()
    samples = collected(fake, contract=CONTRACT.model_copy(update={"prepare": BUILD}), said=said).samples
    assert fake.ran == [(("cargo", "build"), "agent", 900)]
    assert said[:2] == ["prepare: begins", "prepare: exit 0"]
    assert not any(sample.unknown for sample in samples.values())


def test_where_prepare_fails_what_needs_it_is_unknown() -> None:
    fake, said = product(), list[str]()
    printed = Failure(("error: could not compile `tau`",), b"all of it")
    fake.endings["cargo"] = CommandRun(False, "exit 101: error: could not compile `tau`", b"", printed)
    observation = collected(fake, contract=CONTRACT.model_copy(update={"prepare": BUILD}), said=said)
    assert {name: sample.unknown for name, sample in observation.samples.items()} == {
        **dict.fromkeys(COMMANDS, "prepare failed: exit 101: error: could not compile `tau`"),
        "browser": None,
    }
    assert observation.harness is not None
    assert observation.harness.status == "passed"
    assert said[:3] == [
        "prepare: begins",
        "prepare: exit 101: error: could not compile `tau`",
        "  whole output: evidence/prepare.txt",
    ]
    assert fake.kept == {"prepare": b"all of it"}


def test_a_file_needs_no_prepared_checkout() -> None:
    fake = product()
    collected(fake, contract=CONTRACT.model_copy(update={"prepare": BUILD}), surfaces=["browser"])
    assert fake.ran == []


# --- counters ---------------------------------------------------------------------------------------------


def line(code: str) -> bytes:
    return b'{"reason_codes": ["%s"]}\n' % code.encode()


def dashboard(log: bytes | None, cursor: LogCursor | None = None) -> Sample:
    fake = product()
    fake.files.pop(DASHBOARD_LOG)
    if log is not None:
        fake.files[DASHBOARD_LOG] = log
    return collected(fake, before=status({"dashboard": cursor} if cursor else {})).samples["dashboard"]


def test_counters_come_from_the_payload_where_it_has_them() -> None:
    sample = collected(product("degraded")).samples["voice"]
    assert sample.counters is not None
    assert sample.counters["case_processing_failed"] == 1
    assert sample.cursor is None


def test_counters_come_from_the_log_where_the_payload_has_none() -> None:
    samples = collected(product("failing")).samples
    assert samples["memory"].counters == {"healthy_cycle": 1, "case_processing_failed": 3}
    assert samples["dashboard"].counters == {}


def test_the_log_does_not_stand_in_for_a_broken_map() -> None:
    fake = product()
    fake.prints("dashboard", b'{"reason_code_counts": []}')
    sample = collected(fake).samples["dashboard"]
    assert (sample.counters, sample.cursor) == (None, None)
    assert sample.counters_unknown == "reason_code_counts is not an object"


def test_the_log_is_counted_from_the_stored_cursor() -> None:
    first = dashboard(line("a"))
    second = dashboard(line("a") + line("b"), first.cursor)
    assert second.counters == {"a": 1, "b": 1}


def test_a_rotated_log_is_followed_into_the_rotated_file() -> None:
    first = dashboard(line("a"))
    fake = product()
    fake.files[DASHBOARD_LOG], fake.files[f"{DASHBOARD_LOG}.1"] = line("c"), line("a") + line("b")
    assert first.cursor is not None
    followed = collected(fake, before=status({"dashboard": first.cursor})).samples["dashboard"]
    assert followed.counters == {"a": 1, "b": 1, "c": 1}
    assert followed.cursor is not None
    again = collected(fake, before=status({"dashboard": followed.cursor})).samples["dashboard"]
    assert again.counters == followed.counters


def test_a_rotated_file_that_is_gone_makes_counters_unknown_once() -> None:
    second = dashboard(line("c"), dashboard(line("a")).cursor)
    assert second.counters is None
    assert "the events log was rotated" in (second.counters_unknown or "")
    assert dashboard(line("c") + line("d"), second.cursor).counters == {"a": 1, "c": 1, "d": 1}


def test_a_log_that_is_rotated_while_it_is_read_is_read_again_the_next_time() -> None:
    class Rotating(FakeProduct):
        def log_head(self, path: str, size: int) -> bytes:
            self.inodes[path] = 2
            return super().log_head(path, size)

    fake = Rotating()
    fake.prints("dashboard", (SAMPLES / "healthy" / COMMANDS["dashboard"]).read_bytes())
    fake.files[DASHBOARD_LOG] = line("a")
    sample = collected(fake).samples["dashboard"]
    assert sample.counters_unknown == f"events log {DASHBOARD_LOG}: was rotated while it was read"
    assert sample.cursor is None


def test_an_unreadable_line_makes_counters_unknown_once() -> None:
    first = dashboard(line("a") + b"{half\n")
    assert first.counters is None
    assert first.counters_unknown == "1 unreadable line in the events log"
    assert dashboard(line("a") + b"{half\n" + line("a"), first.cursor).counters == {"a": 2}


def test_a_missing_log_is_unknown_and_not_empty() -> None:
    sample = dashboard(None)
    assert (sample.counters, sample.cursor) == (None, None)
    assert sample.counters_unknown == f"events log {DASHBOARD_LOG}: No such file or directory"
    assert sample.health_state == "healthy"


# --- the harness ------------------------------------------------------------------------------------------


def harness(**files: bytes | None) -> HarnessReport | None:
    fake = product()
    for name, content in files.items():
        fake.files.pop(f"{name}.json")
        if content is not None:
            fake.files[f"{name}.json"] = content
    return collected(fake).harness


def test_the_harness_report_is_read() -> None:
    report: Any = harness()
    assert (report.status, report.total, report.passed, report.failed) == ("passed", 5, 5, 0)
    assert report.started_at == datetime(2026, 11, 23, 0, 15, 37, tzinfo=UTC)


def test_a_harness_that_never_ran_has_no_report() -> None:
    assert harness(report=None, manifest=None) is None


def test_half_of_a_harness_run_is_unknown() -> None:
    assert harness(manifest=None) == HarnessReport(unknown="manifest.json: No such file or directory")
    assert harness(report=None) == HarnessReport(unknown="report.json: No such file or directory")
    assert harness(report=b"{").unknown  # type: ignore[union-attr]


def test_without_a_harness_section_nothing_is_read() -> None:
    said: list[str] = []
    contract = CONTRACT.model_copy(update={"harness": None})
    observation = collect(
        contract,
        DIGEST,
        ROLLOUT,
        None,
        product(),
        SteppingClock(),
        surfaces=None,
        round_id=None,
        workers=0,
        progress=said.append,
    )
    assert observation.harness is None
    assert not any(line.startswith("harness") for line in said)


# --- metrics ---------------------------------------------------------------------------------------------

MEASURED = Surface.model_validate(
    {
        "metrics": {
            "provider": "prometheus",
            "url": "https://a.example",
            "queries": {
                "errors": {"query": 'e{v="{version}",p="{phase}"} / {percent}'},
                "before": {"query": 'e{v="{baseline}"}'},
            },
        },
        "timeout": "7s",
    }
)
WITH_METRICS = CONTRACT.model_copy(
    update={"surfaces": {"browser": CONTRACT.surfaces["browser"], "m": MEASURED}}
)


def measured(
    servers: FakeMetricsServers, fake: FakeProduct, contract: Contract = WITH_METRICS
) -> tuple[Observation, list[str]]:
    clock, said = SteppingClock(step=timedelta(minutes=1)), list[str]()
    observation = collect(
        contract,
        DIGEST,
        ROLLOUT,
        None,
        fake,
        clock,
        surfaces=None,
        round_id=None,
        workers=1,
        progress=said.append,
        measuring=Measuring(servers, contract, values_of(contract, ROLLOUT, None), clock),
    )
    return observation, said


def test_metrics_are_read_beside_other_surfaces_and_are_of_no_checkout() -> None:
    servers = FakeMetricsServers({'e{v="v0.1.5",p="canary-1"} / 5': Answer((Point(0.25, NOON),))})
    observation, said = measured(servers, product())
    sample = observation.samples["m"]
    assert (sample.unknown, sample.updated_at, sample.product_head) == (None, NOON, None)
    assert observation.samples["browser"].product_head == "c" * 40
    assert sample.measurements["errors"].value == 0.25
    assert sample.measurements["before"] == Measurement(
        unknown="there is no baseline yet, so {baseline} stands for nothing"
    )
    assert servers.timeouts == [7]
    assert said[1] == (
        "m: 1 of 2 queries measured;"
        " before unknown - there is no baseline yet, so {baseline} stands for nothing"
    )


def test_a_bug_while_measuring_makes_one_surface_unknown() -> None:
    observation, _ = measured(FakeMetricsServers({}), product())
    assert (observation.samples["m"].unknown or "").startswith("a bug in rollout: KeyError")
    assert observation.samples["browser"].unknown is None


def test_nothing_is_prepared_for_metrics_alone() -> None:
    fake = product()
    alone = {"surfaces": {"m": MEASURED}, "prepare": Prepare(command=("build",)), "harness": None}
    contract = CONTRACT.model_copy(update=alone)
    measured(FakeMetricsServers({'e{v="v0.1.5",p="canary-1"} / 5': Answer()}), fake, contract)
    assert fake.ran == []


def with_metrics(*, alone: bool = False) -> tuple[Contract, Measuring]:
    surfaces = {**({} if alone else CONTRACT.surfaces), "m": MEASURED}
    contract = CONTRACT.model_copy(update={"surfaces": surfaces})
    servers = FakeMetricsServers({'e{v="v0.1.5",p="canary-1"} / 5': Answer()})
    return contract, Measuring(servers, contract, values_of(contract, ROLLOUT, None), SteppingClock())


@pytest.mark.parametrize("alone", [True, False])
def test_the_job_that_reads_metrics_has_neither_checkout_nor_harness(alone: bool) -> None:
    """What lies in the folder where it runs is of no revision, whoever left it there."""
    contract, measuring = with_metrics(alone=alone)
    said: list[str] = []

    def read(runner: str | None) -> Observation:
        return collected(
            product(), contract=contract, surfaces=["m"], measuring=measuring, said=said, runner=runner
        )

    part = read("ubuntu-24.04")
    assert (list(part.samples), part.harness, part.product_head) == (["m"], None, None)
    assert part.runner == "ubuntu-24.04", "the harness, which another job reads, must not get lost"
    assert not [line for line in said if line.startswith(("product", "harness"))]
    here = read(None)
    assert here.harness is not None
    assert here.product_head == "c" * 40


def test_the_job_of_the_product_may_read_the_harness_alone() -> None:
    contract, _ = with_metrics(alone=True)
    part = collected(product(), contract=contract, surfaces=(), runner="ubuntu-24.04")
    assert (part.samples, part.runner) == ({}, "ubuntu-24.04")
    assert part.harness is not None
    assert (part.harness.status, part.harness.product_head) == ("passed", "c" * 40)


def test_metrics_without_a_harness_are_the_whole_round() -> None:
    contract, measuring = with_metrics(alone=True)
    whole = collected(
        product(), contract=contract.model_copy(update={"harness": None}), runner="x", measuring=measuring
    )
    assert (whole.runner, whole.product_head) == (None, None)
