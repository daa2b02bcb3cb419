"""Workflows: what starts, with which token, and what is kept of a run, under act and as it is played."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakehub.act import ActError, run_act
from fakehub.engine import artifact_files
from fakehub.entities import Environment, Token
from fakehub.errors import ApiError
from fakehub.expressions import evaluate
from fakehub.hub import Hub
from fakehub.patterns import selected, skips_ci
from fakehub.played import play
from fakehub.repo import Repo
from fakehub.workflow_rules import checked_inputs
from tests.adapters.scratch import Repository

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
UPLOAD = "actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a"
DOWNLOAD = "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c"
APP = "actions/create-github-app-token@bcd2ba49218906704ab6c1aa796996da409d3eb1"

TWO_JOBS = f"""
name: two
on:
  schedule: [{{cron: "7 * * * *"}}]
  workflow_dispatch: {{inputs: {{word: {{required: true}}}}}}
concurrency: {{group: two}}
permissions: {{}}
jobs:
  plan:
    runs-on: ubuntu-24.04
    permissions: {{contents: read}}
    outputs: {{labels: "${{{{ steps.s.outputs.labels }}}}"}}
    steps:
      - uses: {CHECKOUT}
        with: {{persist-credentials: false}}
      - id: s
        run: |
          echo 'labels=["ubuntu-24.04", "mac"]' >> "$GITHUB_OUTPUT"
  product:
    needs: plan
    strategy: {{matrix: {{label: "${{{{ fromJSON(needs.plan.outputs.labels) }}}}"}}}}
    runs-on: ${{{{ matrix.label }}}}
    steps:
      - run: mkdir out && echo "$LABEL $WORD" > out/file.txt
        env: {{LABEL: "${{{{ matrix.label }}}}", WORD: "${{{{ inputs.word }}}}"}}
      - uses: {UPLOAD}
        with: {{name: "seen-${{{{ matrix.label }}}}", path: out/file.txt}}
  decide:
    needs: product
    if: ${{{{ !cancelled() }}}}
    runs-on: ubuntu-24.04
    permissions: {{contents: write}}
    steps:
      - uses: {DOWNLOAD}
        with: {{pattern: "seen-*", path: in}}
      - env: {{TOKEN: "${{{{ github.token }}}}"}}
        run: |
          cat in/*/file.txt; echo "now $ROLLOUT_NOW as $TOKEN"
          echo "# Held" >> "$GITHUB_STEP_SUMMARY"
          echo "::error file=a.yaml::it is bad"
  later:
    if: ${{{{ false }}}}
    runs-on: ubuntu-24.04
    steps: [{{run: "true"}}]
"""

PUSHES = """
on:
  push: {branches: [main], paths: ["state/**"]}
  pull_request:
jobs:
  look: {runs-on: ubuntu-24.04, steps: [{run: "echo $GITHUB_REF"}]}
"""


@pytest.fixture(params=[run_act, play])
def hub(hub: Hub, request: pytest.FixtureRequest) -> Hub:
    """Both ways to run jobs: what holds for act has to hold for its stand-in."""
    hub.engine.run_jobs = request.param
    return hub


def repo_with(hub: Hub, folder: Path, **workflows: str) -> Repo:
    files = {f".github/workflows/{name}.yml": text for name, text in workflows.items()}
    return hub.repo("acme/tau", seed=Repository(folder / "seed", {"README": "hello\n", **files}).path)


def push(repo: Repo, token: Token, path: str, message: str = "change", branch: str = "main") -> None:
    head = repo.bare.branch(branch)
    assert head is not None
    repo.commit_on_branch(token, branch, head, message, [(path, b"x\n")], [])


def open_pull(repo: Repo, token: Token) -> None:
    head = repo.bare.branch("main")
    repo.move(token, "refs/heads/side", head)
    push(repo, token, "state/side", branch="side")
    repo.open_pull(token, "Side", "side", "main", None, draft=False)


def test_jobs_pass_artifacts_and_say_what_they_did(hub: Hub, tmp_path: Path) -> None:
    repo = repo_with(hub, tmp_path, two=TWO_JOBS)
    hub.engine.labels.append("mac")
    run = hub.dispatch(repo, "two.yml", {"word": "hi"}, by="alice")
    assert run.conclusion == "success", [job.log for job in run.jobs]
    assert sorted(run.ran()) == ["decide", "plan", "product (mac)", "product (ubuntu-24.04)"]
    decide = run.job("decide")
    assert decide.log.splitlines()[1:] == [
        "mac hi",
        "ubuntu-24.04 hi",
        f"now 2026-11-23T12:00:00Z as ghs_run_{run.id}-1_decide",
    ]
    assert (decide.summary, decide.annotations) == ("# Held\n", ["error file=a.yaml: it is bad"])
    assert artifact_files(repo.artifacts[0]) == {"file.txt": b"mac hi\n"}
    assert f"ghs_run_{run.id}-1_decide" not in hub.tokens


def test_a_label_without_a_runner_fails_the_test(hub: Hub, tmp_path: Path) -> None:
    repo = repo_with(hub, tmp_path, two=TWO_JOBS)
    with pytest.raises(ActError, match="no runner has that label"):
        hub.tick_schedule(repo, "two.yml")


def test_an_action_without_a_stub_fails_the_test(hub: Hub, tmp_path: Path) -> None:
    job = "jobs: {a: {runs-on: ubuntu-24.04, steps: [{uses: some/thing@v1}]}}"
    repo = repo_with(hub, tmp_path, odd=f"on: push\n{job}\n")
    push(repo, hub.person("alice", repo), "a")
    with pytest.raises(ActError, match="no stub for"):
        hub.settle()


def test_filters_choose_what_starts(hub: Hub, tmp_path: Path) -> None:
    repo = repo_with(hub, tmp_path, pushes=PUSHES)
    alice = hub.person("alice", repo)
    push(repo, alice, "src/a")
    push(repo, alice, "state/b", "quiet [skip ci]")
    assert hub.settle() == []
    push(repo, alice, "state/c")
    open_pull(repo, alice)
    runs = hub.settle()
    assert [(run.event, run.job("look").log.strip()) for run in runs] == [
        ("push", "refs/heads/main"),
        ("pull_request", "refs/pull/1/merge"),
    ]


def test_what_a_run_does_itself_starts_nothing(hub: Hub, tmp_path: Path) -> None:
    repo = repo_with(hub, tmp_path, pushes=PUSHES)
    run = hub.run_token(repo, {"contents": "write", "pull_requests": "write"})
    push(repo, run, "state/a")
    open_pull(repo, run)
    assert hub.settle() == []
    waiting = repo.runs[0]
    assert (waiting.event, waiting.conclusion) == ("pull_request", "action_required")
    assert hub.engine.approve(repo, waiting).conclusion == "success"
    push(repo, hub.app_token(repo), "state/b")
    assert [run.event for run in hub.settle()] == ["push"]


def test_a_waiting_run_of_a_group_is_replaced(hub: Hub, tmp_path: Path) -> None:
    workflow = PUSHES.replace("jobs:", "concurrency: one\njobs:", 1)
    repo = repo_with(hub, tmp_path, pushes=workflow)
    for name in "abc":
        push(repo, hub.person("alice", repo), f"state/{name}")
    assert [run.conclusion for run in hub.settle()] == ["success", "cancelled", "success"]


def test_a_job_may_do_what_its_permissions_say(hub: Hub, tmp_path: Path) -> None:
    step = """{env: {T: "${{ github.token }}"}, run: 'curl -sf -X POST -H "Authorization: Bearer $T" -d "{}"
      "$GITHUB_API_URL/repos/acme/tau/issues/1/labels"'}"""
    jobs = f"""
jobs:
  reader: {{permissions: {{issues: read}}, runs-on: ubuntu-24.04, steps: [{step}]}}
  writer: {{permissions: {{issues: write}}, runs-on: ubuntu-24.04, steps: [{step}]}}
"""
    repo = repo_with(hub, tmp_path, odd=f"on: [push]\npermissions: {{}}\n{jobs}")
    alice = hub.person("alice", repo)
    repo.open_thread(alice, "issue", None)
    push(repo, alice, "a")
    (run,) = hub.settle()
    assert {job.key: job.conclusion for job in run.jobs} == {"reader": "failure", "writer": "success"}


def app_workflow(asked: str) -> str:
    steps = f"""[{{id: app, uses: {APP}, with: {{app-id: 1, private-key: "${{{{ secrets.KEY }}}}"{asked}}}}},
      {{uses: {CHECKOUT}, with: {{repository: acme/product, path: product,
        token: "${{{{ steps.app.outputs.token }}}}"}}}}, {{run: cat product/README}}]"""
    return f"on: [push]\njobs: {{a: {{runs-on: ubuntu-24.04, steps: {steps}}}}}\n"


@pytest.mark.parametrize(
    ("asked", "conclusion", "last"),
    [
        (', repositories: "tau,product", permission-contents: read', "success", "hello"),
        (", owner: acme", "success", "hello"),
        ("", "failure", "exit status 1"),
        (", owner: acme, permission-statuses: read", "failure", "exit status 1"),
        (", owner: acme, permission-administration: write", "failure", "exit status 1"),
    ],
    ids=["named", "all of an owner", "this one alone", "too little", "more than is granted"],
)
def test_the_app_token_is_for_what_was_asked(
    hub: Hub, tmp_path: Path, asked: str, conclusion: str, last: str
) -> None:
    repo = repo_with(hub, tmp_path, odd=app_workflow(asked))
    product = hub.repo("acme/product", seed=Repository(tmp_path / "product").path)
    hub.engine.app = hub.app_token(repo, product)
    hub.engine.secrets["KEY"] = "a key"
    push(repo, hub.person("alice", repo), "a")
    (run,) = hub.settle()
    assert (run.conclusion, run.job("a").log.splitlines()[-1]) == (conclusion, last)


def test_a_rerun_is_the_old_commit(hub: Hub, tmp_path: Path) -> None:
    workflow = PUSHES.replace("echo $GITHUB_REF", "echo $GITHUB_SHA $GITHUB_RUN_ATTEMPT")
    repo = repo_with(hub, tmp_path, pushes=workflow)
    alice = hub.person("alice", repo)
    push(repo, alice, "state/a")
    (run,) = hub.settle()
    old = repo.bare.branch("main")
    push(repo, alice, "state/b")
    assert hub.engine.rerun(repo, run).job("look").log.strip() == f"{old} 2"


@pytest.mark.parametrize(
    ("value", "patterns", "chosen"),
    [
        ("main", ["main"], True),
        ("rollout/tau/canary-1", ["rollout/**"], True),
        ("rollout/tau", ["rollout/*"], True),
        ("rollout/tau/canary-1", ["rollout/*"], False),
        ("state/tau/status.yaml", ["state/**", "!state/*/status.yaml"], False),
        ("docs/a.md", ["**/*.md"], True),
        ("a.md", ["**/*.md"], True),
    ],
)
def test_globs(value: str, patterns: list[str], chosen: bool) -> None:
    assert selected(value, patterns) is chosen


ON_PULLS = """
on: {pull_request: {types: [opened, edited, closed]}, merge_group: }
concurrency: {group: "x-${{ vars.WORD || 'none' }}-${{ github.ref_name }}"}
permissions: {contents: write}
jobs:
  look:
    runs-on: ubuntu-24.04
    steps:
      - {run: "echo $GITHUB_REF [$WORD$KEY]", env: {WORD: "${{ vars.WORD }}", KEY: "${{ secrets.KEY }}"}}
  deploy: {environment: {name: live}, runs-on: ubuntu-24.04, steps: [{run: "true"}]}
"""


def test_pull_requests_of_forks_restricted_environments_and_the_merge_queue(hub: Hub, tmp_path: Path) -> None:
    repo = repo_with(hub, tmp_path, looks=ON_PULLS)
    hub.engine.variables["WORD"], hub.engine.secrets["KEY"] = "w", "k"
    repo.environments["live"] = Environment(restricted=True)
    alice, mallory = hub.person("alice", repo), hub.person("mallory")
    for branch in ("side", "other"):
        repo.move(alice, f"refs/heads/{branch}", repo.bare.branch("main"))
    push(repo, alice, "a", branch="side")
    hub.outbox.clear()
    fork = repo.open_fork_pull(mallory, "Mine", "main", repo.bare.id_of("side"))
    ours = repo.open_pull(alice, "Ours", "side", "main", None, draft=False)
    repo.retarget(alice, ours, "other")
    repo.merge(alice, ours.number)
    repo.enqueue(alice, fork.number)
    told = [(run.job("look").log.strip(), run.job("deploy").conclusion) for run in hub.settle()]
    assert told == [
        ("refs/pull/1/merge []", "failure"),
        ("refs/pull/2/merge [wk]", "failure"),
        ("refs/pull/2/merge [wk]", "failure"),
        ("refs/heads/other [wk]", "success"),
        (f"refs/heads/gh-readonly-queue/main/pr-1-{repo.bare.branch('main')} [wk]", "success"),
    ]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("github.ref_name == 'main' && github.run_id || 'state'", "7"),
        ("github.ref_name != (vars.B || 'main') && github.run_id || 'state'", "state"),
        ("!startsWith(github.ref_name, 'MA') || github.none", ""),
        ("format('it''s {0}', github.ref_name)", "it's main"),
    ],
)
def test_expressions(expression: str, value: str) -> None:
    context = {"github": {"ref_name": "main", "run_id": 7}, "vars": {}}
    assert evaluate(f"${{{{ {expression} }}}}", context) == value


@pytest.mark.parametrize("expression", ["a + b", "other(a)", "a b", "(a", ""])
def test_expressions_that_it_does_not_know(expression: str) -> None:
    with pytest.raises(ValueError, match="cannot evaluate"):
        evaluate(f"${{{{ {expression} }}}}", {})


def test_skip_words() -> None:
    assert skips_ci("rollout(tau): sample\n\nskip-checks: true")
    assert not skips_ci("rollout(tau): promote")


def test_inputs_are_checked_as_github_does() -> None:
    rules = {"version": {"required": True}, "dry": {"type": "boolean", "default": False}}
    assert checked_inputs(rules, {"version": "v1"}) == {"version": "v1", "dry": "false"}
    for given in ({}, {"version": "v1", "odd": "x"}):
        with pytest.raises(ApiError):
            checked_inputs(rules, given)
