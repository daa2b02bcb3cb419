"""What people do by hand: the check says so before, and reconcile undoes it after."""

from __future__ import annotations

from pathlib import Path

from fakehub.entities import Run
from fakehub.hub import Hub
from tests.workflows.town import STEADY, Town, build, keys

SKIP = {"phase: canary-1": "phase: canary-2", "canary_percent: 5": "canary_percent: 25"}


def ready(town: Town) -> str:
    """A release whose first promotion is open; its branch."""
    town.start()
    town.settle()
    pull = town.open_pull().pull
    assert pull is not None
    return pull.head


def checked(runs: dict[str, list[Run]]) -> Run:
    (run,) = runs["rollout-check"]
    return run


def test_a_promotion_edited_to_skip_a_phase(town: Town) -> None:
    branch = ready(town)
    town.edit(SKIP, branch)
    run = checked(town.settle())
    assert (run.conclusion, run.ran()) == ("failure", ["check"])
    summary = run.job("check").summary
    assert summary.startswith("**Refused:** tau: merging this would be undone and the train frozen:")
    assert "preflight -> canary-2 skips" in summary.splitlines()[0]

    # Merged anyway: the rollout freezes at the last legal phase.
    town.merge()
    runs = [run for run in town.settle()["rollout-reconcile"] if run.ran()]
    assert [run.conclusion for run in runs] == ["failure", "success", "success"], (
        "the last folds a reading in"
    )
    assert (town.phase, town.state()["canary_percent"]) == ("preflight", 0)
    assert "skips" in town.state()["frozen"]["reason"]
    assert runs[0].job("reconcile").summary.startswith("**Refused, and frozen:** preflight -> canary-2 skips")
    assert not [thread for thread in town.repo.pulls() if thread.state == "open"]


def test_a_promotion_whose_gates_fail_meanwhile(town: Town) -> None:
    ready(town)
    pull = town.open_pull()
    head = town.repo.head_of(pull)
    assert town.status(head) == "success"
    town.repo.add_check(town.release, "Live smoke", "failure")
    run = town.tick()
    assert keys(run) == STEADY
    assert town.status(head) == "failure"
    assert (pull.body or "").startswith("**DO NOT MERGE. ")
    assert run.job("reconcile").summary.startswith("**Hold:** ci_checks: ")

    # It is run once more, and passes: the same pull request may be merged again.
    town.repo.add_check(town.release, "Live smoke", "success")
    run = town.tick()
    assert keys(run) == STEADY
    assert town.status(head) == "success"
    assert "DO NOT MERGE" not in (pull.body or "")
    assert [thread.number for thread in town.repo.pulls()] == [pull.number]
    assert run.job("reconcile").summary.startswith("**Ready for** canary-1")


def test_what_does_not_concern_us_costs_no_call(town: Town) -> None:
    path, head = "state/tau/rollout.yaml", town.head()
    text = town.repo.bare.text(f"{head}:{path}").encode()
    for branch, change in (("side", ("src.txt", b"fixed\n")), ("other", (path, text + b"# mine\n"))):
        town.repo.move(town.alice, f"refs/heads/{branch}", head)
        town.repo.commit_on_branch(town.alice, branch, head, "Fix it", [change], [])
    pull = town.repo.open_pull(town.alice, "Fix it", "side", "main", None, draft=False)
    town.repo.close(town.alice, pull)
    town.hub.forget_calls()
    runs = town.settle()
    # A push of state to a branch that is not the state branch, and a pull request that is none of the tool's.
    assert [keys(run) for run in runs["rollout-reconcile"] + runs["rollout-closed"]] == [[], []]
    run = checked(runs)
    assert keys(run) == ["check"]
    assert run.job("check").summary.startswith("**No state is touched.** Requests to GitHub: 0")
    assert town.hub.calls() == []


def test_a_start_that_is_refused_writes_nothing(town: Town) -> None:
    side = town.repo.bare.git("commit-tree", "-p", "main", "-m", "side", "main^{tree}")
    town.repo.move(town.alice, "refs/heads/side", side)
    town.hub.outbox.clear()
    before = town.world()
    for inputs, reason in (
        ({"commit": side}, f"--commit {side}: no such commit"),
        ({"version": "one"}, "version one: not a semantic version"),
        ({"commit": "9" * 40}, f"--commit {'9' * 40}: no such commit"),
        ({"train": "rho"}, "no train rho on branch main"),
        ({"version": "v1.0.0\n--help"}, "version v1.0.0"),
    ):
        run = town.start(**inputs)
        assert run.conclusion == "failure"
        summary = run.job("start").summary
        assert summary.replace("`", "").startswith(f"**Refused:** {reason}"), summary
    assert town.world() == before
    assert keys(town.start()) == ["start"]
    before = town.world()
    run = town.start(version="v0.1.6")
    assert run.job("start").summary.startswith("**Refused:** tau: v0.1.5 is in progress")
    assert town.world() == before


def test_actions_that_may_not_open_pull_requests(plain_town: Town) -> None:
    town = plain_town
    town.repo.actions_may_open_pulls = False
    town.start()
    job = town.tick().job("reconcile")
    said = "GitHub Actions is not permitted to create or approve pull requests"
    assert job.conclusion == "failure"
    assert said in job.summary.splitlines()[0]
    assert "Settings > Actions > General" in job.summary
    (annotation,) = job.annotations
    assert said in annotation
    assert town.repo.pulls() == []
    town.repo.actions_may_open_pulls = True
    assert keys(town.tick()) == STEADY
    assert [thread.number for thread in town.repo.pulls()] == [1]
    assert town.status(town.repo.head_of(town.open_pull())) == "success"


def test_a_check_stays_right_however_late_it_runs(town: Town) -> None:
    """Run again, in a queue, and after a merge of the base into the branch: state has moved on by then."""
    town.start()
    opened = checked(town.settle())
    assert keys(opened) == ["check"]
    branch = town.open_pull().pull
    assert branch is not None
    before = town.head()
    town.feel(voice={"state": "healthy", "note": "again"})
    town.tick()
    assert town.head() != before, "an observation was recorded"
    town.settle()
    assert keys(town.hub.engine.rerun(town.repo, opened)) == ["check"]

    town.repo.enqueue(town.alice, town.open_pull().number)
    queued = checked(town.settle())
    assert (queued.event, keys(queued)) == ("merge_group", ["check"])
    assert queued.job("check").summary.startswith("**Legal: tau.**")

    town.merge_base_into(branch.head)
    assert keys(checked(town.settle())) == ["check"]
    assert keys(town.tick()) == STEADY
    assert town.status(town.repo.head_of(town.open_pull())) == "success"


def test_only_pull_requests_into_the_state_branch_are_judged(town: Town) -> None:
    branch = ready(town)
    town.edit(SKIP, branch)
    assert checked(town.settle()).conclusion == "failure"
    town.repo.move(town.alice, "refs/heads/develop", town.head())
    town.settle()
    town.repo.retarget(town.alice, town.open_pull(), "develop")
    run = checked(town.settle())
    assert keys(run) == ["check"]
    assert run.job("check").summary.startswith("**Not judged: develop is not the state branch main.**")
    town.repo.retarget(town.alice, town.open_pull(), "main")
    assert checked(town.settle()).conclusion == "failure"


def test_a_forks_pull_request_is_judged_without_the_variables(hub: Hub, tmp_path: Path) -> None:
    town = build(hub, tmp_path, app=True, branch="state-of-tau")
    branch = ready(town)
    town.edit(SKIP, branch)
    town.settle()
    mallory = town.hub.person("mallory")
    town.repo.open_fork_pull(mallory, "Skip", "state-of-tau", town.head(branch), base="state-of-tau")
    run = checked(town.settle())
    assert run.conclusion == "failure"
    assert "preflight -> canary-2 skips" in run.job("check").summary.splitlines()[0]


def test_what_somebody_adds_to_a_promotion_is_named(town: Town) -> None:
    branch = ready(town)
    for number in range(12):
        path = f"src/added-{number:02}.txt"
        town.repo.commit_on_branch(town.alice, branch, town.head(branch), "Add", [(path, b"x\n")], [])
    run = town.settle()["rollout-check"][-1]
    assert run.conclusion == "failure"
    added = "it also changes src/added-00.txt, src/added-01.txt and 10 more"
    assert added in run.job("check").summary
    assert keys(town.tick()) == STEADY
    head = town.repo.head_of(town.open_pull())
    assert town.status(head) == "failure"
    assert [one.description for one in town.repo.statuses if one.sha == head] == [
        "not as proposed: it also changes src/add…-00.txt and 11 more"
    ]
