"""Rollbacks by the real workflows when something is in the way: no target, no push, a red validation, a
product in another repository, and runs that die after every single thing that they write.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fakehub import faults
from fakehub.entities import Access, Run
from fakehub.hub import Hub
from fakehub.repo import Repo
from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.commands.verify import verify
from rollout.core.contract import RollbackStep
from tests.workflows.rollback_town import incident, issue, roll_back, steps, to_canary
from tests.workflows.town import CHECK, OLD_VERSION, STEADY, VERSION, Town, build, keys

POLICY = """\
schema: 1
train: tau
surfaces:
  voice:
    adapter: json
    command: [sh, probe.sh, voice]
    map: {health_state: state, updated_unix_ms: at}
sampling: {interval: 10m, min_interval: 5m, max_age: 20m, max_gap: 30m}
phases:
  - name: preflight
    canary_percent: 0
    soak: 0s
    gates: [{kind: ci_checks, checks: "Live smoke", at_least: 1}]
  - name: canary-1
    canary_percent: 5
    soak: {runs: 1}
    gates: [{kind: health_state, is: healthy}]
  - {name: general-availability, canary_percent: 100, soak: {runs: 1}, inherit: canary-1}
"""
"""One surface, and a revert that CI alone validates: what is proved here is how a rollback goes on."""
WHY = "users complain"


def rolling_back(town: Town) -> Town:
    """The release is in canary-1, and a person has asked to roll it back."""
    to_canary(town)
    assert keys(roll_back(town, reason=WHY)) == ["rollback"]
    town.hub.outbox.clear()
    return town


def tick(town: Town) -> None:
    """The schedule alone: what events would start is not waited for."""
    assert keys(town.tick(minutes=1)) == STEADY
    town.hub.outbox.clear()


def merge_revert(town: Town, where: Repo) -> None:
    (pull,) = (thread for thread in where.pulls() if thread.state == "open")
    assert pull.title.startswith(f"Revert {VERSION}")
    where.merge(town.hub.person("alice", where), pull.number)
    town.hub.outbox.clear()


def validate(town: Town, where: Repo, conclusion: str) -> None:
    """CI of the revision that holds the revert ends so."""
    town.hub.clock.forward(minutes=1)
    where.add_check(incident(town)["revert"]["landed"], CHECK, conclusion)  # type: ignore[index]


def finish(town: Town, where: Repo) -> None:
    """From the proposed revert to the end."""
    merge_revert(town, where)
    tick(town)
    validate(town, where, "success")
    tick(town)
    assert_rolled_back(town, where)


def result(town: Town, step: str) -> str:
    return next(str(one["result"]) for one in incident(town)["steps"] if one["step"] == step)  # type: ignore[attr-defined]


def assert_rolled_back(town: Town, where: Repo) -> None:
    assert town.state()["outcome"] == "rolled_back"
    assert set(steps(town).values()) <= {"done", "skipped"}
    assert issue(town).state == "closed"
    assert "src.txt" not in where.bare.git("ls-tree", "--name-only", where.default_branch).splitlines()
    reverts = where.bare.git("log", "--grep=This reverts commit", "--format=%H", where.default_branch)
    assert len(reverts.splitlines()) == 1
    assert len([thread for thread in where.pulls() if thread.title.startswith("Revert")]) == 1
    assert verify(YamlStore(Git(town.repo.bare.path), town.branch), "tau", None).problems == []


# --- what people have to do -------------------------------------------------------------------------------


def test_without_a_target_the_revert_goes_on_and_a_person_names_one(hub: Hub, tmp_path: Path) -> None:
    town = build(hub, tmp_path, app=True, contract=POLICY)
    nowhere = b"schema: 1\ntrain: tau\nchannel: stable\ncurrent_version: null\n"
    files = [("state/tau/channel.yaml", nowhere)]
    town.repo.commit_on_branch(town.alice, "main", town.head(), "Forget what runs", files, [])
    town.repo.add_release(OLD_VERSION)
    rolling_back(town)
    # Its contract has no gate that asks for a target, so a rollback reverts only.
    assert steps(town)["inspect_target"] == "skipped"
    tick(town)
    assert (steps(town)["apply_metadata"], steps(town)["revert"]) == ("skipped", "running")
    assert town.state()["canary_percent"] == 0
    assert keys(roll_back(town, reason="the one before", target=OLD_VERSION)) == ["rollback"]
    assert town.state("channel")["current_version"] == OLD_VERSION
    finish(town, town.repo)


def test_a_push_that_is_denied_blocks_until_it_is_allowed(hub: Hub, tmp_path: Path) -> None:
    town = build(hub, tmp_path, app=True, contract=POLICY)
    denied = hub.fail("POST /acme/tau.git/git-receive-pack", faults.FORBIDDEN, times=-1)
    rolling_back(town)
    assert denied.hits
    assert steps(town)["revert"] == "blocked"
    assert "pushing rollout-revert/" in result(town, "revert")
    assert "pushing rollout-revert/" in (issue(town).body or "")
    assert [thread for thread in town.repo.pulls() if thread.state == "open"] == []
    hub.heal()
    tick(town)
    assert steps(town)["revert"] == "running"
    finish(town, town.repo)


def test_validation_that_is_red_stays_frozen_until_it_is_green(hub: Hub, tmp_path: Path) -> None:
    town = rolling_back(build(hub, tmp_path, app=True, contract=POLICY))
    merge_revert(town, town.repo)
    tick(town)
    validate(town, town.repo, "failure")
    tick(town)
    assert (steps(town)["revalidate"], town.state()["outcome"]) == ("blocked", "rolling_back")
    assert result(town, "revalidate").startswith("red, stays frozen: ")
    assert issue(town).state == "open"
    validate(town, town.repo, "success")
    tick(town)
    assert_rolled_back(town, town.repo)


def test_a_revert_that_left_a_part_of_the_release_is_declared_done(hub: Hub, tmp_path: Path) -> None:
    town = rolling_back(build(hub, tmp_path, app=True, contract=POLICY))
    (pull,) = (thread for thread in town.repo.pulls() if thread.state == "open")
    assert pull.pull is not None
    head = pull.pull.head
    part = [("src.txt", b"a part that is wanted\n")]
    town.repo.commit_on_branch(town.alice, head, town.repo.head_of(pull), "Keep a part", part, [])
    merge_revert(town, town.repo)
    tick(town)
    assert steps(town)["revert"] == "blocked"
    assert "the branch still holds a part of the release" in result(town, "revert")
    assert "rollout rollback --reverted COMMIT --reason WHY" in (issue(town).body or "")
    assert roll_back(town, reason="the part is wanted", reverted="9" * 40).conclusion == "failure"
    assert steps(town)["revert"] == "blocked"
    landed = town.repo.bare.git("log", "-1", "--format=%H", "main", "--", "src.txt")
    roll_back(town, reason="the part is wanted", reverted=landed)
    assert (steps(town)["revert"], incident(town)["revert"]["landed"]) == ("done", landed)  # type: ignore[index]
    validate(town, town.repo, "success")
    tick(town)
    assert town.state()["outcome"] == "rolled_back"
    (bad,) = town.state("quarantine")["releases"]
    assert bad["reverted"] == landed
    assert verify(YamlStore(Git(town.repo.bare.path), town.branch), "tau", None).problems == []


def test_a_product_in_another_repository_is_reverted_there(hub: Hub, tmp_path: Path) -> None:
    elsewhere = f"{POLICY}product: {{repository: acme/product, branch: trunk}}\n"
    town = build(hub, tmp_path, app=True, contract=elsewhere, product="acme/product")
    product = hub.repos["acme/product"]
    hub.engine.secrets["ROLLOUT_PRODUCT_TOKEN"] = hub.person("reader", product, Access.READ).value
    rolling_back(town)
    finish(town, product)
    assert [thread for thread in town.repo.pulls() if thread.title.startswith("Revert")] == []
    assert [thread for thread in product.threads.values() if thread.pull is None] == []


# --- killed after every write -----------------------------------------------------------------------------

COMMIT = "POST /graphql createCommitOnBranch"
_VARYING = re.compile(r"[0-9a-f]{40}|\b\d+\b|v0\.1\.5/.*")


COMMENT = "POST /repos/acme/tau/issues/*/comments"
STATUS_SET = "POST /repos/acme/tau/statuses/*"
OPEN_ISSUE = "POST /repos/acme/tau/issues"
CLOSE, UPDATE = "PATCH /repos/acme/tau/pulls/*", "PATCH /repos/acme/tau/issues/*"
OBSERVED = f"observe {VERSION} canary-1: rolling back"
FROZEN = [
    f"roll back {VERSION} from canary-1",
    COMMENT,
    "DELETE /repos/acme/tau/git/refs/heads/rollout/tau/*",
    CLOSE,
    STATUS_SET,
    OPEN_ISSUE,
]
PROPOSED = [
    f"results {VERSION} canary-1: rolling back",
    OBSERVED,
    f"roll back {VERSION}: capture evidence done",
    f"roll back {VERSION}: inspect target done",
    f"roll back {VERSION}: apply target skipped",
    f"roll back {VERSION}: revert",
    "POST /acme/tau.git/git-receive-pack",
    "POST /repos/acme/tau/pulls",
    f"roll back {VERSION}: revert",
    UPDATE,
]
LANDED = [OBSERVED, f"roll back {VERSION}: revert done", f"roll back {VERSION}: validate again", UPDATE]
ENDED = [OBSERVED, f"rolled back {VERSION}", STATUS_SET, UPDATE, COMMENT, UPDATE]
"""What each run of an undisturbed rollback writes, in order."""
ENDING = (
    [
        ("Revert v0.1.5 of tau", "closed", [], 0, True),
        ("rollout(tau): promote v0.1.5 -> general-availability", "closed", ["rollout"], 1, True),
        ("rollout(tau): promote v0.1.5 preflight -> canary-1", "closed", ["rollout"], 0, True),
        ("tau: rolled back v0.1.5 from canary-1", "closed", ["rollout", "rollout-incident"], 1, False),
    ],
    [("rollout/tau", "failure"), ("rollout/tau", "pending")],
    [
        "refs/heads/main",
        "refs/heads/rollout-revert/tau/20261123t121900z-v0.1.5",
        "refs/heads/rollout/tau/v0.1.5/canary-1",
    ],
    ["rollback", "results", *["rollback-step"] * 7, "rolled-back"],
    {step: "skipped" if step is RollbackStep.APPLY_METADATA else "done" for step in RollbackStep},
    OLD_VERSION,
)
"""What is left behind, whatever was killed."""


@pytest.fixture
def capturing(hub: Hub, tmp_path: Path) -> Town:
    """In canary-1; a rollback captures evidence too."""
    town = build(hub, tmp_path, app=True, contract=f"{POLICY}rollback: {{evidence: [probe.sh]}}\n")
    to_canary(town)
    return town


def is_write(call: str) -> bool:
    method, path, *operation = call.split(" ")
    if method == "GET" or path.endswith(("/git-upload-pack", "/access_tokens", "/dispatches")):
        return False
    return not operation or operation[0].startswith("create")


@dataclass
class Death:
    """Lets a run write `left` times (-1: as it likes), and refuses whatever it asks for after that."""

    left: int
    written: list[str] = field(default_factory=list)

    def __call__(self, call: str) -> bool:
        if self.left == 0:
            return True
        if is_write(call):
            self.written.append(call)
            self.left -= 1
        return False


def mortal(town: Town, run: Callable[[], Run], writes: int = -1) -> tuple[list[str], bool]:
    """What the run wrote, a commit by its subject and a request by its route, in order; whether it died."""
    before, death = town.head(), Death(writes)
    town.hub.fail(death, faults.BAD_CREDENTIALS, times=-1)
    done = run()
    town.hub.heal()
    town.hub.outbox.clear()
    log = town.repo.bare.git("log", "--first-parent", "--reverse", "--format=%s", f"{before}..main")
    subjects = iter(":".join(line.removeprefix("rollout(tau): ").split(":")[:2]) for line in log.splitlines())
    named = [next(subjects) if call == COMMIT else _VARYING.sub("*", call) for call in death.written]
    return named, done.conclusion == "failure"


def scheduled(town: Town) -> Run:
    """The run that folds in a reading, or that decides without one where there is nothing to read."""
    town.hub.clock.forward(minutes=1)
    town.hub.dispatch(town.repo, "rollout-collect.yml", {"runner": "ubuntu-24.04"}, by="alice")
    folded = town.read()
    return folded[-1] if folded else town.hub.tick_schedule(town.repo, "rollout-schedule.yml")


def killed_to_rest(town: Town, *first: int) -> list[str]:
    """What each scheduled run wrote last before it was killed; they go on until one has nothing to do.

    The first runs may write so often; those after them once, beside what each begins with while the
    rollback lasts: recording how the product is.
    """
    last: list[str] = []
    for writes in (*first, *[0] * 20):
        usual = 2 if town.state()["outcome"] == "rolling_back" else 1
        written, died = mortal(town, lambda: scheduled(town), writes or usual)
        if not died:
            return last
        last.append(written[-1])
    raise AssertionError(f"comes to no rest: {last}")


def ending(town: Town) -> object:
    """All that is left behind, but for ids and times."""
    threads = [
        (thread.title, thread.state, sorted(thread.labels), len(thread.comments), thread.pull is not None)
        for thread in town.repo.threads.values()
    ]
    events = town.events()
    since = [event for event in events[events.index("rollback") :] if event not in ("", "observe")]
    return (
        sorted(threads),
        sorted({(one.context, one.state) for one in town.repo.statuses if one.sha == town.release}),
        sorted(town.repo.bare.refs("refs/heads/")),
        since,
        steps(town),
        town.state("channel")["current_version"],
    )


def test_what_a_rollback_writes(capturing: Town) -> None:
    """The same as those that are killed, undisturbed: what there is to be killed after, and how it ends."""
    town = capturing
    assert mortal(town, lambda: roll_back(town, reason=WHY)) == (FROZEN, False)
    assert mortal(town, lambda: scheduled(town)) == (PROPOSED, False)
    merge_revert(town, town.repo)
    assert mortal(town, lambda: scheduled(town)) == (LANDED, False)
    validate(town, town.repo, "success")
    assert mortal(town, lambda: scheduled(town)) == (ENDED, False)
    assert_rolled_back(town, town.repo)
    assert ending(town) == ENDING


def test_killed_after_every_write_until_the_revert_is_proposed(capturing: Town) -> None:
    town = capturing
    assert mortal(town, lambda: roll_back(town, reason=WHY), 1) == (FROZEN[:1], True)
    killed = {FROZEN[0], *killed_to_rest(town, 1, 1)}
    # Taking its branch away has closed the promotion; an issue that is opened late needs no update; and what
    # only shows ends no run: the next makes up for it.
    assert killed == {*FROZEN, *PROPOSED} - {CLOSE, UPDATE, STATUS_SET, OPEN_ISSUE}
    finish(town, town.repo)
    assert ending(town) == ENDING


def test_killed_after_every_write_until_the_end(capturing: Town) -> None:
    town = capturing
    assert mortal(town, lambda: roll_back(town, reason=WHY), 4) == (FROZEN[:4], False)
    mortal(town, lambda: scheduled(town))
    merge_revert(town, town.repo)
    # After the last write that counts there is nothing left to be killed.
    assert {*killed_to_rest(town, 1)} >= {*LANDED[:-2]}
    validate(town, town.repo, "success")
    assert mortal(town, lambda: scheduled(town), 2) == (ENDED[:2], False)
    made_up, died = mortal(town, lambda: scheduled(town))
    assert ({*made_up}, died) == ({*ENDED[2:]}, False)
    assert_rolled_back(town, town.repo)
    assert ending(town) == ENDING
