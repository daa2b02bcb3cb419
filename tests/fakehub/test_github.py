"""PyGithub and git against the fake: the answers are those of GitHub, and they fit its schema."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import github
import pytest
from github.Repository import Repository as GithubRepository

from fakehub import faults, shapes
from fakehub.entities import Access, Token, TokenKind
from fakehub.hub import Hub
from fakehub.repo import Repo
from fakehub.schemas import SchemaViolationError, check_response
from tests.adapters.scratch import Repository


@pytest.fixture
def world(tmp_path: Path) -> Repository:
    return Repository(
        tmp_path / "seed", {"README": "hello\n", "state/tau/rollout.yaml": "phase: preflight\n"}
    )


@pytest.fixture
def repo(hub: Hub, world: Repository) -> Repo:
    return hub.repo("acme/tau", seed=world.path)


_CLIENTS: list[github.Github] = []


@pytest.fixture(autouse=True)
def closed_clients() -> Iterator[None]:
    """Ends the connections of a test's clients, which they keep for a next request."""
    yield
    while _CLIENTS:
        _CLIENTS.pop().close()


def client(hub: Hub, token: Token, *, timeout: int = 20) -> github.Github:
    made = github.Github(
        base_url=hub.url,
        auth=github.Auth.Token(token.value),
        per_page=100,
        timeout=timeout,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
        lazy=True,
    )
    _CLIENTS.append(made)
    return made


def tau(hub: Hub, token: Token) -> GithubRepository:
    return client(hub, token).get_repo("acme/tau")


COMMIT = """mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid message } }
}"""


def commit(
    hub: Hub, token: Token, expected: str, branch: str = "main", path: str = "a.txt", timeout: int = 20
) -> dict[str, Any]:
    changes = {"additions": [{"path": path, "contents": base64.b64encode(b"text\n").decode()}]}
    variables = {
        "input": {
            "branch": {"repositoryNameWithOwner": "acme/tau", "branchName": branch},
            "expectedHeadOid": expected,
            "message": {"headline": "rollout(tau): sample", "body": "Rollout-Train: tau"},
            "fileChanges": changes,
        }
    }
    _, answer = client(hub, token, timeout=timeout).requester.graphql_query(COMMIT, variables)
    made = answer["data"]["createCommitOnBranch"]["commit"]
    assert isinstance(made, dict)
    return made


def test_a_pull_request_from_branch_to_merge(hub: Hub, repo: Repo) -> None:
    app = hub.app_token(repo)
    there = tau(hub, app)
    main = there.get_git_ref("heads/main").object.sha
    there.create_git_ref("refs/heads/rollout/tau/canary-1", main)
    head = commit(hub, app, main, "rollout/tau/canary-1")["oid"]
    made = there.create_pull(base="main", head="rollout/tau/canary-1", title="Promote", body="please")

    found = there.get_pulls(state="open", head="acme:rollout/tau/canary-1", base="main")
    assert [(one.number, one.head.sha, one.base.sha) for one in found] == [(1, head, main)]
    assert there.get_pull(1).mergeable

    made.edit(body="better")
    made.create_issue_comment("a word")
    there.get_commit(head).create_status("success", context="rollout/tau", description="go")
    repo.add_check(head, "ci", "success")
    assert there.get_commit(head).get_combined_status().state == "success"
    assert [run.conclusion for run in there.get_commit(head).get_check_runs()] == ["success"]

    alice = tau(hub, hub.person("alice", repo))
    with pytest.raises(github.GithubException) as refused:
        alice.get_pull(1).merge(sha=main)
    assert refused.value.status == 409
    merged = alice.get_pull(1).merge(sha=head)
    assert repo.bare.commit(merged.sha).parents == (main, head)
    assert there.get_pull(1).merged_by.login == "alice"
    assert there.get_pull(1).merge_commit_sha == merged.sha


def test_a_conflict_is_not_merged(hub: Hub, repo: Repo, world: Repository) -> None:
    alice = hub.person("alice", repo)
    main = world.head()
    tau(hub, alice).create_git_ref("refs/heads/side", main)
    commit(hub, alice, main, "side", "README")
    repo.commit_on_branch(alice, "main", main, "other", [("README", b"other\n")], [])
    pull = tau(hub, alice).create_pull(base="main", head="side", title="Side")
    with pytest.raises(github.GithubException) as refused:
        pull.merge()
    assert refused.value.status == 405
    assert tau(hub, alice).get_pull(1).mergeable is False


def test_state_commits_are_compare_and_swap(hub: Hub, repo: Repo, world: Repository) -> None:
    app = hub.app_token(repo)
    made = commit(hub, app, world.head())
    assert made["message"] == "rollout(tau): sample\n\nRollout-Train: tau"
    with pytest.raises(github.GithubException) as refused:
        commit(hub, app, world.head(), path="b.txt")
    assert refused.value.data["errors"][0]["type"] == "STALE_DATA"
    assert repo.bare.branch("main") == made["oid"]


def test_a_race_can_be_made_certain(hub: Hub, repo: Repo, world: Repository) -> None:
    app, rival = hub.app_token(repo), hub.person("alice", repo)
    hub.before(
        "POST /graphql createCommitOnBranch",
        lambda: repo.commit_on_branch(rival, "main", world.head(), "first", [("b", b"")], []),
    )
    with pytest.raises(github.GithubException, match="did not"):
        commit(hub, app, world.head())
    tip = repo.bare.branch("main")
    assert tip
    assert repo.bare.commit(tip).message == "first"


def test_one_query_reads_head_and_files(hub: Hub, repo: Repo, world: Repository) -> None:
    query = """query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {
      ref(qualifiedName: "refs/heads/main") { target { oid ... on Commit { committedDate } } }
      object(expression: "main:state/tau") {
        ... on Tree { entries { name type object { ... on Blob { text } } } } }
      gone: object(expression: "main:nowhere") { oid }
      pullRequests(first: 10, states: [OPEN]) { nodes { number headRefName } pageInfo { hasNextPage } }
    } }"""
    requester = client(hub, hub.app_token(repo)).requester
    _, answer = requester.graphql_query(query, {"owner": "acme", "name": "tau"})
    seen = answer["data"]["repository"]
    assert seen["ref"]["target"]["oid"] == world.head()
    entries = [{"name": "rollout.yaml", "type": "blob", "object": {"text": "phase: preflight\n"}}]
    assert seen["object"]["entries"] == entries
    assert (seen["gone"], seen["pullRequests"]["nodes"]) == (None, [])


def test_pages_lead_on(hub: Hub, repo: Repo) -> None:
    app = hub.app_token(repo)
    for number in range(205):
        repo.open_thread(app, f"issue {number}", None)
    hub.forget_calls()
    assert len(list(tau(hub, app).get_issues())) == 205
    assert [dict(parse_qsl(call.query)).get("page") for call in hub.calls()] == [None, "2", "3"]


def test_issues_comments_and_labels(hub: Hub, repo: Repo) -> None:
    app = hub.app_token(repo)
    there = tau(hub, app)
    there.create_label("rollout", "00ff00")
    issue = there.create_issue("Sign-off", body="list", labels=["rollout"])
    comment = issue.create_comment("/signoff docs")
    comment.edit("/signoff all")
    issue.add_to_labels("urgent")
    assert [one.body for one in issue.get_comments()] == ["/signoff all"]
    assert {label.name for label in issue.get_labels()} == {"rollout", "urgent"}
    assert [one.number for one in there.get_issues(labels=["rollout"])] == [1]
    issue.edit(state="closed")
    assert there.get_issue(1).state == "closed"
    hub.person("bob", repo, Access.READ)
    assert there.get_collaborator_permission("bob") == "read"


READS = """
{R} {R}/branches {R}/branches/main {R}/commits {R}/commits/main
{R}/commits/main/status {R}/commits/main/statuses {R}/commits/main/check-runs
{R}/commits/main/pulls {R}/compare/main...side {R}/contents/README {R}/contents/state/tau
{R}/git/matching-refs/heads/ {R}/git/trees/main?recursive=1 {R}/pulls/1 {R}/pulls/1/files
{R}/pulls/1/commits {R}/pulls?state=all {R}/issues {R}/issues/1/comments {R}/labels
{R}/rulesets {R}/rules/branches/main {R}/actions/permissions/workflow
{R}/actions/permissions {R}/actions/workflows {R}/actions/workflows/ci.yml
{R}/actions/workflows/ci.yml/runs {R}/actions/runs {R}/actions/artifacts
{R}/releases {R}/tags {R}/collaborators/alice/permission /rate_limit /user
"""


def test_every_reading_fits_the_schema(hub: Hub, repo: Repo, world: Repository) -> None:
    owner = hub.person("acme", repo)
    workflow = (".github/workflows/ci.yml", b"on: push\njobs: {}\n")
    main = repo.commit_on_branch(owner, "main", world.head(), "ci", [workflow], [])
    repo.move(owner, "refs/heads/side", main)
    commit(hub, owner, main, "side")
    repo.open_pull(owner, "Side", "side", "main", None, draft=False)
    repo.comment(hub.person("alice", repo), 1, "hello")
    repo.label("rollout")
    repo.set_status(owner, main, "rollout/tau", "pending")
    repo.add_check(main, "ci")
    hub.ruleset(repo, required_statuses=("rollout/tau",), pull_request=True)
    requester = client(hub, owner).requester
    for path in READS.replace("{R}", "/repos/acme/tau").split():
        requester.requestJsonAndCheck("GET", path)
    assert hub.violations == []


def test_commits_by_the_git_data_api(hub: Hub, repo: Repo, world: Repository) -> None:
    there = tau(hub, hub.app_token(repo))
    main = there.get_git_commit(world.head())
    blob = there.create_git_blob("made\n", "utf-8")
    entry = github.InputGitTreeElement("made.txt", "100755", "blob", sha=blob.sha)
    gone = github.InputGitTreeElement("README", "100644", "blob", sha=None)
    tree = there.create_git_tree([entry, gone], base_tree=there.get_git_tree(main.sha))
    made = there.create_git_commit("revert", tree, [main])
    ref = there.get_git_ref("heads/main")
    assert ref.object.sha == main.sha  # a lazy ref would be edited under an address that GitHub does not have
    ref.edit(made.sha)
    paths = {(one.path, one.mode) for one in repo.bare.tree("main")}
    assert paths == {("made.txt", "100755"), ("state", "040000")}
    with pytest.raises(github.GithubException, match="not a fast forward"):
        ref.edit(main.sha)


def test_dispatches_are_events(hub: Hub, repo: Repo, world: Repository) -> None:
    alice = hub.person("alice", repo)
    text = b"on: {workflow_dispatch: {inputs: {version: {required: true}}}}\njobs: {}\n"
    repo.commit_on_branch(alice, "main", world.head(), "start", [(".github/workflows/start.yml", text)], [])
    hub.outbox.clear()
    there = tau(hub, hub.run_token(repo, {"actions": "write", "contents": "write"}))
    workflow = there.get_workflow("start.yml")
    assert workflow.create_dispatch("main", {"version": "v1"}, throw=True)
    with pytest.raises(github.GithubException, match="Required input 'version' not provided"):
        workflow.create_dispatch("main", {}, throw=True)
    there.create_repository_dispatch("tick", {"why": "outside"})
    assert [(event.name, event.action) for event in hub.outbox] == [
        ("workflow_dispatch", ""),
        ("repository_dispatch", "tick"),
    ]


def test_tokens_may_do_what_they_were_given(hub: Hub, repo: Repo, world: Repository) -> None:
    reader = hub.run_token(repo, {"contents": "read"})
    with pytest.raises(github.GithubException) as refused:
        commit(hub, reader, world.head())
    assert refused.value.data["errors"][0]["type"] == "FORBIDDEN"
    with pytest.raises(github.GithubException) as refused:
        tau(hub, reader).get_pulls().totalCount  # noqa: B018 it is the property that asks
    assert refused.value.status == 403
    with pytest.raises(github.UnknownObjectException):
        tau(hub, hub.person("mallory")).get_branch("main")


def test_actions_may_not_open_pulls_nor_write_workflows(hub: Hub, repo: Repo, world: Repository) -> None:
    run = hub.run_token(repo, {"contents": "write", "pull_requests": "write"})
    tau(hub, run).create_git_ref("refs/heads/side", world.head())
    commit(hub, run, world.head(), "side")
    repo.actions_may_open_pulls = False
    with pytest.raises(github.GithubException, match="not permitted to create"):
        tau(hub, run).create_pull(base="main", head="side", title="Promote")
    with pytest.raises(github.GithubException, match="without `workflows` permission"):
        commit(hub, run, world.head(), path=".github/workflows/x.yml")


def test_a_ruleset_binds_who_may_not_bypass(hub: Hub, repo: Repo, world: Repository) -> None:
    app, run = hub.app_token(repo), hub.run_token(repo, {"contents": "write"})
    hub.ruleset(repo, required_statuses=("rollout/tau",), bypass=frozenset({app.account.login}))
    with pytest.raises(github.GithubException, match="Required status check"):
        commit(hub, run, world.head())
    assert commit(hub, app, world.head())["oid"] == repo.bare.branch("main")

    alice = hub.person("alice", repo)
    there = tau(hub, alice)
    there.create_git_ref("refs/heads/side", world.head())
    head = commit(hub, alice, world.head(), "side", "b.txt")["oid"]
    pull = there.create_pull(base="main", head="side", title="Side")
    with pytest.raises(github.GithubException, match="Required status check") as refused:
        pull.merge()
    assert refused.value.status == 405
    there.get_commit(head).create_status("success", context="rollout/tau")
    assert pull.merge().merged


def test_clone_and_push(hub: Hub, repo: Repo, world: Repository, tmp_path: Path) -> None:
    def git(*arguments: str, token: Token) -> subprocess.CompletedProcess[str]:
        address = hub.url.replace("//", f"//x-access-token:{token.value}@") + "/acme/tau.git"
        filled = [address if one == "URL" else one for one in arguments]
        return subprocess.run(
            ["git", "-C", str(tmp_path), *filled], capture_output=True, text=True, check=False
        )

    alice, run = hub.person("alice", repo), hub.run_token(repo, {"contents": "write"})
    assert git("clone", "--quiet", "URL", "copy", token=alice).returncode == 0
    (tmp_path / "copy" / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / "copy" / ".github" / "workflows" / "x.yml").write_text("on: push\n", encoding="utf-8")
    git("-C", "copy", "add", ".", token=alice)
    git("-C", "copy", "commit", "--quiet", "-m", "workflow", token=alice)
    assert git("-C", "copy", "push", "URL", "HEAD:main", token=run).returncode != 0
    assert repo.bare.branch("main") == world.head()
    pushed = git("-C", "copy", "push", "URL", "HEAD:main", token=alice)
    assert pushed.returncode == 0, pushed.stderr
    assert [(event.name, event.paths) for event in hub.outbox] == [("push", (".github/workflows/x.yml",))]
    assert git("clone", "--quiet", "URL", "none", token=hub.person("mallory")).returncode != 0


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (faults.BAD_CREDENTIALS, 401),
        (faults.FORBIDDEN, 403),
        (faults.NOT_FOUND, 404),
        (faults.CONFLICT, 409),
        (faults.UNPROCESSABLE, 422),
        (faults.too_many(2), 429),
        (faults.SERVER_ERROR, 500),
        (faults.BAD_GATEWAY, 502),
    ],
)
def test_a_fault_comes_once(hub: Hub, repo: Repo, fault: faults.Fault, status: int) -> None:
    there = tau(hub, hub.app_token(repo))
    planned = hub.fail("GET /repos/*/git/ref*", fault)
    with pytest.raises(github.GithubException) as refused:
        assert there.get_git_ref("heads/main").object.sha
    assert refused.value.status == status
    assert there.get_git_ref("heads/main").object.sha == repo.bare.branch("main")
    assert [call.status for call in hub.calls()] == [status, 200]
    assert planned.left == 0


def test_a_lost_answer_still_wrote(hub: Hub, repo: Repo, world: Repository) -> None:
    app = hub.app_token(repo)
    hub.fail("POST /graphql createCommitOnBranch", faults.DROPPED_AFTER)
    with pytest.raises(OSError, match="Connection"):
        commit(hub, app, world.head())
    assert repo.bare.branch("main") != world.head()
    hub.fail("POST /graphql *", faults.HANG)
    with pytest.raises(OSError, match="timed out"):
        commit(hub, app, world.head(), timeout=1)
    hub.fail("POST /graphql *", faults.graphql())
    with pytest.raises(github.GithubException, match="Something went wrong"):
        commit(hub, app, world.head())
    assert [(call.status, call.token) for call in hub.calls()] == [(0, TokenKind.APP)] * 2 + [
        (200, TokenKind.APP)
    ]


def test_what_github_does_not_know_fails_the_test(hub: Hub, repo: Repo) -> None:
    requester = client(hub, hub.app_token(repo)).requester
    with pytest.raises(github.GithubException):
        requester.requestJsonAndCheck("POST", "/repos/acme/tau/issues", input={"title": "x", "colour": "red"})
    with pytest.raises(github.GithubException, match="Cannot query field"):
        requester.graphql_query('{ repository(owner: "acme", name: "tau") { colour } }', {})
    with pytest.raises(SchemaViolationError, match=r"unknown fields \.colour"):
        hub.__exit__(None, None, None)
    hub.violations.clear()


def test_what_the_fake_gets_wrong_fails_the_test(hub: Hub, repo: Repo) -> None:
    with pytest.raises(SchemaViolationError, match="PullRequest"):
        check_response("PullRequest", {"number": 1})
    repo.add_check(repo.bare.refs()["refs/heads/main"], "ci", "splendid")
    requester = client(hub, hub.app_token(repo)).requester
    with pytest.raises(github.GithubException):
        requester.requestJsonAndCheck("GET", "/repos/acme/tau/commits/main/check-runs")
    assert "splendid" in hub.violations.pop()


# --- what GitHub refuses -----------------------------------------------------------------------------------

REF = "mutation($input: CreateRefInput!) { createRef(input: $input) { ref { name } } }"


@pytest.mark.parametrize(("there", "wanted"), [("a", "a/b"), ("a/b", "a"), ("a/b", "a/b/c/d")])
def test_a_branch_beside_one_that_git_cannot_have_with_it(
    hub: Hub, repo: Repo, world: Repository, there: str, wanted: str
) -> None:
    alice = hub.person("alice", repo)
    repo.bare.update_ref(f"refs/heads/{there}", world.head())
    with pytest.raises(github.GithubException) as refused:
        tau(hub, alice).create_git_ref(f"refs/heads/{wanted}", world.head())
    assert (refused.value.status, refused.value.data["message"]) == (422, "Reference update failed")
    ref = {"repositoryId": shapes.node("R", repo.id), "name": f"refs/heads/{wanted}", "oid": world.head()}
    told = mutation(hub, alice, REF, ref)
    assert told == ("UNPROCESSABLE", "Ref cannot be created")


def test_an_archived_repository_takes_no_write(
    hub: Hub, repo: Repo, world: Repository, tmp_path: Path
) -> None:
    alice = hub.person("alice", repo)
    repo.archived = True
    for write in (
        lambda: tau(hub, alice).create_issue("title"),
        lambda: tau(hub, alice).create_git_ref("refs/heads/b", world.head()),
        lambda: tau(hub, alice).get_commit(world.head()).create_status("success"),
    ):
        with pytest.raises(github.GithubException) as refused:
            write()
        words = "Repository was archived so is read-only."
        assert (refused.value.status, refused.value.data["message"]) == (403, words)
    wanted = {
        "branch": {"repositoryNameWithOwner": "acme/tau", "branchName": "main"},
        "expectedHeadOid": world.head(),
        "message": {"headline": "x"},
        "fileChanges": {"additions": [{"path": "a", "contents": ""}]},
    }
    words = "Repository was archived so is read-only"
    assert mutation(hub, alice, COMMIT, wanted) == ("UNPROCESSABLE", words)
    url = hub.url.replace("//", f"//alice:{alice.value}@") + "/acme/tau.git"
    pushed = subprocess.run(
        ["git", "push", url, "HEAD:refs/heads/x"], cwd=world.path, capture_output=True, text=True, check=False
    )
    assert "remote: This repository was archived so it is read-only." in pushed.stderr
    assert tau(hub, alice).get_branch("main").commit.sha == world.head()


def mutation(hub: Hub, token: Token, document: str, wanted: dict[str, Any]) -> tuple[str, str]:
    """Type and message of the error that it ends with."""
    body = {"query": document, "variables": {"input": wanted}}
    _, answer = client(hub, token).requester.requestJsonAndCheck("POST", f"{hub.url}/graphql", input=body)
    (error,) = answer["errors"]
    return error["type"], error["message"]
