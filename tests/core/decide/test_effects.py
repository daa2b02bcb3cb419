from dataclasses import replace
from datetime import timedelta

import pytest

from fakehub.clock import NOON
from rollout.core.decide.effects import (
    channel_branch,
    difference,
    not_as_proposed,
    opens_again_at,
    plan_pulls,
    plan_statuses,
    promotion_branch,
    proposed,
)
from rollout.core.effects import (
    ClosePullRequest,
    OpenPullRequest,
    PullRequestEffect,
    SetStatus,
    UpdatePullRequest,
)
from rollout.core.forge import PullRequest, PullRequestKind, PullRequestState, StatusState
from rollout.core.state import Freeze
from tests.core.world import COMMIT, World, checks, run

BRANCH = "rollout/tau/v0.1.5/canary-2"


class ToyForge:
    """Carries effects out on lists, as a forge would."""

    def __init__(self, *pulls: PullRequest) -> None:
        self.pulls = list(pulls)
        self.differs: dict[int, str] = {}
        self.shown: dict[str, dict[str, tuple[str, str]]] = {}

    def plan(self, world: World, body: str = "body") -> list[PullRequestEffect]:
        """What is planned, carried out; statuses are planned when the pull requests are as they should be."""
        rollout, status, contract = world.rollout, world.status, world.contract
        effects = plan_pulls(rollout, status, contract, self.pulls, lambda base: f"{body} on {base}")
        for effect in effects:
            self._carry_out(effect, body)
        statuses = plan_statuses(rollout, status, contract, self.pulls, self.differs, self.shown)
        for effect in statuses:
            self._carry_out(effect, body)
        return [*effects, *statuses]

    def _carry_out(self, effect: PullRequestEffect, body: str) -> None:
        match effect:
            case OpenPullRequest():
                self.pulls.append(pull(len(self.pulls) + 1, effect.branch, body=f"{body} on base"))
            case UpdatePullRequest():
                self.pulls = [
                    replace(p, body=effect.body) if p.number == effect.number else p for p in self.pulls
                ]
            case ClosePullRequest():
                self.pulls = [p for p in self.pulls if p.number != effect.number]
            case SetStatus():
                self.shown.setdefault(effect.commit, {})[effect.context] = (effect.state, effect.description)


def pull(number: int = 1, branch: str = BRANCH, *, body: str = "body on base") -> PullRequest:
    return PullRequest(
        number=number,
        kind=PullRequestKind.PROMOTION,
        title="",
        head=branch,
        base="main",
        state=PullRequestState.OPEN,
        body=body,
        head_sha=f"{number:040x}",
        base_sha="base",
    )


def soaked() -> World:
    return World().reach("canary-1").soak(1800)


def frozen(world: World) -> World:
    return world.edit(frozen=Freeze(reason="ada says stop", at=world.now)).offer()


def test_a_promotion_opens_a_pull_request_and_turns_it_green() -> None:
    forge = ToyForge()
    assert forge.plan(soaked()) == [
        OpenPullRequest(BRANCH, "canary-2", 25),
        SetStatus(
            f"{1:040x}", "rollout/tau", StatusState.SUCCESS, "v0.1.5 canary-1 -> canary-2: every gate holds"
        ),
        SetStatus(COMMIT, "rollout/tau", StatusState.PENDING, "v0.1.5 canary-1: in progress"),
    ]


@pytest.mark.parametrize("phase", ["preflight", "canary-1", "canary-3", "general-availability"])
def test_planning_again_gives_nothing(phase: str) -> None:
    world, forge = World().reach(phase).rounds(4), ToyForge(pull(7, "rollout/tau/v0.1.4/canary-2"))
    forge.plan(world)
    assert forge.plan(world) == []


@pytest.mark.parametrize(
    ("times", "pause"), [(0, None), (1, None), (2, 1), (3, 2), (4, 4), (6, 16), (7, 16), (500, 16)]
)
def test_a_promotion_that_somebody_keeps_closing_waits(times: int, pause: int | None) -> None:
    closings = [NOON + timedelta(minutes=number) for number in range(times)]
    assert opens_again_at(closings) == (closings[-1] + timedelta(hours=pause) if pause else None)


def test_a_hold_opens_nothing() -> None:
    forge = ToyForge()
    assert forge.plan(World().reach("canary-1").soak(600)) == [
        SetStatus(COMMIT, "rollout/tau", StatusState.PENDING, "v0.1.5 canary-1: in progress")
    ]


def test_a_body_that_is_out_of_date_is_updated_in_place() -> None:
    forge = ToyForge(pull())
    assert forge.plan(soaked(), "new body")[0] == UpdatePullRequest(1, "new body on base")
    assert forge.plan(soaked(), "new body") == []


def test_a_promotion_whose_gates_fail_again_stays_open_and_turns_red() -> None:
    world, forge = soaked(), ToyForge()
    forge.plan(world)
    world.wait(minutes=10).observe({"voice": world.sample("voice", fields={"failure_streak": 1})})
    (red,) = forge.plan(world)
    assert isinstance(red, SetStatus)
    assert (red.commit, red.state) == (f"{1:040x}", "failure")
    assert red.description == "v0.1.5 canary-1: failure_streak and 3 more do not hold"


def test_a_reading_that_changes_is_no_news_for_a_status() -> None:
    """GitHub takes 1,000 statuses of one commit and context."""
    world, forge = soaked(), ToyForge()
    forge.plan(world)
    told = set()
    for streak in range(1, 20):
        sample = world.sample("voice", fields={"failure_streak": streak})
        world.wait(minutes=10).observe({"voice": sample})
        told |= {effect for effect in forge.plan(world, "body") if isinstance(effect, SetStatus)}
    assert len({effect.commit for effect in told}) == len(told)


PROPOSED = ("canary-2", 25)
OWN = "state/tau/rollout.yaml"


@pytest.mark.parametrize(
    ("paths", "keys", "says"),
    [
        ([OWN], {}, ""),
        ([OWN, "README.md"], {}, "it also changes README.md"),
        (["a.rs", OWN, "b.rs"], {}, "it also changes a.rs and 1 more"),
        (["a.rs", OWN, "b.rs", "c.rs", "d.rs"], {}, "it also changes a.rs and 3 more"),
        ([OWN, "state/tau/status.yaml"], {}, "it also changes state/tau/status.yaml"),
        ([OWN, "state/other/rollout.yaml"], {}, "it also changes state/other/rollout.yaml"),
        ([OWN, "a\n\u202eb\U0001f680"], {}, "it also changes a b\U0001f680"),
        ([OWN], {"phase": "canary-3", "canary_percent": 50}, "its rollout.yaml says canary-3 at 50 %"),
        ([OWN], {"canary_percent": 100}, "its rollout.yaml says canary-2 at 100 %"),
        ([], {"phase": "canary-1", "canary_percent": 5}, "its rollout.yaml says canary-1 at 5 %"),
        ([OWN], {"rollback_target": None}, "it changes other keys of rollout.yaml"),
        ([OWN], None, "its rollout.yaml cannot be read"),
    ],
)
def test_how_a_branch_differs_from_the_promotion(
    paths: list[str], keys: dict[str, object] | None, says: str
) -> None:
    wanted = proposed(World().reach("canary-1").rollout, *PROPOSED)
    found = wanted.model_copy(update=keys) if keys is not None else None
    assert difference(wanted, paths, found) == says


def test_a_file_that_says_the_right_thing_in_another_way_differs() -> None:
    wanted = proposed(World().reach("canary-1").rollout, *PROPOSED)
    assert (
        difference(wanted, [OWN], wanted, altered="its rollout.yaml is a link")
        == "its rollout.yaml is a link"
    )
    beside = difference(wanted, [OWN, "a.rs"], wanted, altered="its rollout.yaml is a link")
    assert beside == "it also changes a.rs"


def test_a_branch_that_somebody_has_added_to_is_red_until_that_is_taken_out() -> None:
    world, forge = soaked(), ToyForge()
    forge.plan(world)
    (green,) = forge.pulls
    forge.pulls = [replace(green, head_sha="f" * 40)]
    forge.differs = {green.number: "it also changes README.md"}
    assert forge.plan(world) == [
        SetStatus("f" * 40, "rollout/tau", StatusState.FAILURE, "not as proposed: it also changes README.md")
    ]
    forge.pulls, forge.differs = [replace(green, head_sha="e" * 40)], {}
    assert [effect.state for effect in forge.plan(world) if isinstance(effect, SetStatus)] == ["success"]


@pytest.mark.parametrize(
    ("differs", "says"),
    [
        ("its rollout.yaml has other text", "not as proposed: its rollout.yaml has other text"),
        (
            "it also changes src/added-00.txt and 11 more",
            "not as proposed: it also changes src/add…-00.txt and 11 more",
        ),
        (
            "it also changes .github/workflows/deploy-production.yml and 7 more",
            "not as proposed: it also changes .github/…ion.yml and 7 more",
        ),
    ],
)
def test_a_status_that_names_a_path_keeps_its_ends_and_the_count(differs: str, says: str) -> None:
    assert not_as_proposed(differs) == says
    assert len(says) <= 60


def test_a_status_of_long_names_keeps_version_and_step() -> None:
    world, forge = soaked(), ToyForge()
    status = world.status.model_copy(update={"release": "v1.12.0-release-candidate.17"})
    decision = status.decision.model_copy(update={"to": "a-canary-of-the-southern-region"})
    forge.plan(world)
    (pull,) = forge.pulls
    told = plan_statuses(
        world.rollout, status.model_copy(update={"decision": decision}), world.contract, [pull], {}, {}
    )
    on_pull = next(each.description for each in told if each.commit == pull.head_sha)
    assert on_pull == "v1.12.…ate.17 canary-1 -> a-canar…region: every gate holds"
    assert len(on_pull) <= 60


def test_a_freeze_closes_the_pull_request_and_fails_the_release() -> None:
    world, forge = soaked(), ToyForge()
    forge.plan(world)
    assert forge.plan(frozen(world)) == [
        ClosePullRequest(1, "The rollout is frozen: ada says stop"),
        SetStatus(COMMIT, "rollout/tau", StatusState.FAILURE, "v0.1.5 canary-1: ada says stop"),
    ]


def test_a_pull_request_that_leads_elsewhere_is_closed() -> None:
    stale = pull(4, promotion_branch("tau", "v0.1.5", "canary-1"))
    assert ToyForge(stale).plan(World().reach("canary-1"))[0] == ClosePullRequest(
        4, "The rollout is in canary-1; this does not lead on from there."
    )


def test_completion_closes_what_is_open_and_turns_the_release_green() -> None:
    world = World().reach("general-availability").sign_before("general-availability").soak(86400)
    assert ToyForge(pull()).plan(world) == [
        ClosePullRequest(1, "The rollout is complete."),
        SetStatus(
            COMMIT, "rollout/tau", StatusState.SUCCESS, "v0.1.5 general-availability: rollout complete"
        ),
    ]


def test_a_rollback_fails_the_release() -> None:
    world = World().reach("canary-1").wait(minutes=10)
    world.observe({"voice": world.sample("voice", fields={"failure_streak": 3})})
    (effect,) = ToyForge().plan(world)
    assert isinstance(effect, SetStatus)
    assert (effect.state, effect.description) == (
        "failure",
        "v0.1.5 canary-1: failure-streak-breach (voice): failure_str…",
    )


def test_a_failed_harness_run_in_preflight_fails_the_release() -> None:
    world = World()
    world.run = run(world.now, status="failed", total=3, passed=2, failed=1, surfaces={"dashboard": "failed"})
    world.rounds(1)
    (effect,) = ToyForge().plan(world)
    assert isinstance(effect, SetStatus)
    assert (effect.state, effect.description) == (
        "failure",
        "v0.1.5 preflight: harness: failed",
    )


def test_a_failed_check_fails_the_release_before_anything_was_observed() -> None:
    world = World()
    world.checks = checks(voice="failure")
    world.offer()
    (effect,) = ToyForge().plan(world)
    assert isinstance(effect, SetStatus)
    assert effect.description == "v0.1.5 preflight: ci_checks: Live smoke (voice) failure"


def test_a_description_fits() -> None:
    world = soaked()
    world.edit(frozen=Freeze(reason="x" * 400, at=world.now)).offer()
    (effect,) = ToyForge().plan(world)
    assert isinstance(effect, SetStatus)
    assert len(effect.description) == 60
    assert effect.description.endswith("…")


def test_a_decision_that_no_gate_holds_up_is_told_by_its_word() -> None:
    world = World().reach("canary-1").soak(600)
    status = world.status.model_copy(update={"gates": ()})
    effects = plan_statuses(world.rollout, status, world.contract, [pull()], {}, {})
    assert effects[0] == SetStatus(f"{1:040x}", "rollout/tau", StatusState.FAILURE, "v0.1.5 canary-1: hold")


def test_a_train_that_was_reopened_still_says_that_the_release_was_rolled_back() -> None:
    world, forge = soaked().dispatch(), ToyForge()
    world = world.reopen()
    (effect,) = forge.plan(world)
    assert effect == SetStatus(COMMIT, "rollout/tau", StatusState.FAILURE, "v0.1.5 canary-1: rolled back")


def test_a_change_of_the_channel_has_a_branch_of_its_own() -> None:
    assert channel_branch("tau", "apply-v1.2.3") == "rollout-channel/tau/apply-v1.2.3"


def test_an_ended_rollout_that_is_not_frozen_says_how_it_ended() -> None:
    world = World().reach("canary-1")
    ended = world.rollout.model_copy(update={"outcome": "rolled back"})
    (effect,) = plan_statuses(ended, world.status, world.contract, [], {}, {})
    assert isinstance(effect, SetStatus)
    assert effect.description == "v0.1.5 canary-1: rolled back"
    assert plan_pulls(ended, world.status, world.contract, [pull()], str) == [
        ClosePullRequest(1, "The rollout is rolled back.")
    ]


def test_time_alone_changes_no_status() -> None:
    world, forge = World().reach("canary-1").soak(600), ToyForge()
    forge.plan(world)
    world.now += timedelta(minutes=10)
    assert forge.plan(world.offer()) == []
