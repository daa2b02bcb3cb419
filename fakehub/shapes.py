"""Entities to the documents that GitHub sends: what matters is set here, filler does the rest."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from fakehub.bare import Person
from fakehub.entities import (
    Access,
    Account,
    Artifact,
    Check,
    Comment,
    CommitStatus,
    JobResult,
    Label,
    Reaction,
    Release,
    Review,
    Ruleset,
    Run,
    Thread,
    Token,
    TokenKind,
)
from fakehub.schemas import Json, build, model, stamp

if TYPE_CHECKING:
    from fakehub.hub import Hub
    from fakehub.repo import Repo


def node(kind: str, number: object) -> str:
    """Returns a synthetic node id; real ones are as opaque."""
    return f"{kind}_{base64.b32encode(str(number).encode()).decode().rstrip('=')}"


def user(hub: Hub, account: Account) -> Json:
    url = f"{hub.url}/users/{account.login}"
    return build(
        "SimpleUser",
        login=account.login,
        id=account.id,
        node_id=node("U", account.id),
        url=url,
        html_url=f"{hub.url}/{account.login}",
        type=account.type,
        gravatar_id="",
    )


def own_user(hub: Hub, account: Account) -> Json:
    return {**build("PublicUser", created_at=stamp(hub.started)), **user(hub, account)}


def url(repo: Repo, *parts: object) -> str:
    return "/".join([f"{repo.hub.url}/repos/{repo.full_name}", *map(str, parts)])


def page(repo: Repo, *parts: object) -> str:
    return "/".join([f"{repo.hub.url}/{repo.full_name}", *map(str, parts)])


def repository(repo: Repo, schema: str, token: Token | None = None) -> Json:
    wanted: Json = {
        "id": repo.id,
        "node_id": node("R", repo.id),
        "name": repo.name,
        "full_name": repo.full_name,
        "owner": user(repo.hub, repo.hub.account(repo.owner)),
        "private": True,
        "visibility": "private",
        "url": url(repo),
        "html_url": page(repo),
        "clone_url": f"{page(repo)}.git",
        "default_branch": repo.default_branch,
        "allow_rebase_merge": False,
        "fork": repo.is_fork,
        "has_issues": repo.has_issues,
        **dict.fromkeys(("has_projects", "has_wiki"), True),
        **dict.fromkeys(("is_template", "web_commit_signoff_required"), False),
        "archived": repo.archived,
        **dict.fromkeys(("created_at", "updated_at", "pushed_at"), stamp(repo.hub.started)),
        **dict.fromkeys(("description", "homepage"), ""),
        "language": "Python",
        "topics": [],
    }
    if token is not None:
        wanted["permissions"] = _permissions(repo, token)
    known = model(schema).model_fields
    return build(schema, **{name: value for name, value in wanted.items() if name in known})


def _permissions(repo: Repo, token: Token) -> dict[str, bool]:
    if token.permissions is None:
        access = repo.access_of(token.account.login)
    else:
        access = Access.WRITE if token.permissions.get("contents") == "write" else Access.READ
    return {
        "admin": access >= Access.ADMIN,
        "maintain": access >= Access.ADMIN,
        "push": access >= Access.WRITE,
        "triage": access >= Access.WRITE,
        "pull": access >= Access.READ,
    }


# --- git -------------------------------------------------------------------------------------------------


def ref(repo: Repo, name: str, sha: str) -> Json:
    what = {"type": "commit", "sha": sha, "url": url(repo, "git/commits", sha)}
    return build("GitRef", ref=name, node_id=node("REF", name), url=url(repo, "git", name), object=what)


def _signature(person: Person, at: str) -> Json:
    return {"name": person.name, "email": person.email, "date": at}


def git_commit(repo: Repo, sha: str) -> Json:
    data = repo.bare.commit(sha)
    return build(
        "GitCommit",
        sha=sha,
        node_id=node("C", sha),
        url=url(repo, "git/commits", sha),
        html_url=page(repo, "commit", sha),
        author=_signature(data.author, data.authored_at),
        committer=_signature(data.committer, data.committed_at),
        message=data.message,
        tree={"sha": data.tree, "url": url(repo, "git/trees", data.tree)},
        parents=[
            {"sha": one, "url": url(repo, "git/commits", one), "html_url": page(repo, "commit", one)}
            for one in data.parents
        ],
        verification={"verified": data.committer.name == "GitHub", "reason": "valid"},
    )


def commit(repo: Repo, sha: str, *, files: bool = False) -> Json:
    data = repo.bare.commit(sha)
    inner = {
        "url": url(repo, "git/commits", sha),
        "author": _signature(data.author, data.authored_at),
        "committer": _signature(data.committer, data.committed_at),
        "message": data.message,
        "tree": {"sha": data.tree, "url": url(repo, "git/trees", data.tree)},
    }
    more: Json = {}
    if files:
        base = data.parents[0] if data.parents else repo.bare.git("hash-object", "-t", "tree", "/dev/null")
        more["files"] = [diff_entry(repo, sha, letter, path) for letter, path in repo.bare.changed(base, sha)]
    return build(
        "Commit",
        sha=sha,
        node_id=node("C", sha),
        url=url(repo, "commits", sha),
        html_url=page(repo, "commit", sha),
        comments_url=url(repo, "commits", sha, "comments"),
        commit=inner,
        author=_account_of(repo, data.author),
        committer=_account_of(repo, data.committer),
        parents=[
            {"sha": one, "url": url(repo, "commits", one), "html_url": page(repo, "commit", one)}
            for one in data.parents
        ],
        **more,
    )


def _account_of(repo: Repo, person: Person) -> Json | None:
    account = repo.hub.known_account(person.name)
    return user(repo.hub, account) if account else None


def diff_entry(repo: Repo, sha: str, letter: str, path: str) -> Json:
    words = {"A": "added", "D": "removed", "M": "modified", "T": "changed"}
    found = repo.bare.object(f"{sha}:{path}")
    return build(
        "DiffEntry",
        sha=found[0] if found else None,
        filename=path,
        status=words[letter],
        contents_url=url(repo, "contents", path) + f"?ref={sha}",
    )


def tree(repo: Repo, sha: str, *, recursive: bool) -> Json:
    entries = []
    for entry in repo.bare.tree(sha, recursive=recursive):
        item: Json = {"path": entry.path, "mode": entry.mode, "type": entry.type, "sha": entry.sha}
        if entry.size is not None:
            item["size"] = entry.size
        entries.append(item)
    most = repo.hub.biggest_tree
    place = url(repo, "git/trees", sha)
    return build("GitTree", sha=sha, url=place, truncated=len(entries) > most, tree=entries[:most])


def blob(repo: Repo, sha: str) -> Json:
    content = repo.bare.blob(sha)
    return build(
        "Blob",
        sha=sha,
        node_id=node("B", sha),
        url=url(repo, "git/blobs", sha),
        content=base64.encodebytes(content).decode(),
        encoding="base64",
        size=len(content),
    )


def content_file(repo: Repo, path: str, sha: str) -> Json:
    content = repo.bare.blob(sha)
    here = url(repo, "contents", path)
    return build(
        "ContentFile",
        type="file",
        encoding="base64",
        content=base64.encodebytes(content).decode(),
        size=len(content),
        name=path.rsplit("/", 1)[-1],
        path=path,
        sha=sha,
        url=here,
        _links={"self": here, "git": None, "html": None},
    )


def branch(repo: Repo, name: str, sha: str, *, whole: bool = False) -> Json:
    protected = bool(repo.rules_for(name))
    protection_url = url(repo, "branches", name, "protection")
    if not whole:
        where = {"sha": sha, "url": url(repo, "commits", sha)}
        return build(
            "ShortBranch", name=name, commit=where, protected=protected, protection_url=protection_url
        )
    return build(
        "BranchWithProtection",
        name=name,
        commit=commit(repo, sha),
        protected=protected,
        protection=_protection(repo),
        protection_url=protection_url,
        _links={"self": url(repo, "branches", name), "html": page(repo, "tree", name)},
    )


def _protection(repo: Repo) -> Json:
    if repo.classic is None:
        return {"enabled": False}
    checks = {"contexts": list(repo.classic), "checks": [], "enforcement_level": "non_admins"}
    return {"enabled": True, "required_status_checks": checks}


def comparison(repo: Repo, base: str, head: str) -> Json:
    fork = repo.bare.merge_base(base, head) or base
    ahead, behind = repo.bare.between(base, head), repo.bare.between(head, base)
    status = {
        (True, True): "diverged",
        (True, False): "ahead",
        (False, True): "behind",
        (False, False): "identical",
    }
    return build(
        "CommitComparison",
        url=url(repo, "compare", f"{base}...{head}"),
        base_commit=commit(repo, base),
        merge_base_commit=commit(repo, fork),
        status=status[bool(ahead), bool(behind)],
        ahead_by=len(ahead),
        behind_by=len(behind),
        total_commits=len(ahead),
        commits=[commit(repo, sha) for sha in ahead],
        files=[diff_entry(repo, head, letter, path) for letter, path in repo.bare.changed(fork, head)],
    )


# --- statuses --------------------------------------------------------------------------------------------


def status(repo: Repo, one: CommitStatus) -> Json:
    return build(
        "Status",
        id=one.id,
        node_id=node("SC", one.id),
        url=url(repo, "statuses", one.sha),
        state=one.state,
        description=one.description,
        target_url=one.target_url,
        context=one.context,
        created_at=stamp(one.created_at),
        updated_at=stamp(one.created_at),
        creator=user(repo.hub, one.creator),
    )


def combined_status(repo: Repo, sha: str) -> Json:
    newest = {one.context: one for one in repo.statuses if one.sha == sha}
    states = {one.state for one in newest.values()}
    passed = "success" if states == {"success"} else "pending"
    state = "failure" if states & {"failure", "error"} else passed
    simple = model("SimpleCommitStatus").model_fields
    return build(
        "CombinedCommitStatus",
        state=state,
        sha=sha,
        total_count=len(newest),
        statuses=[{k: v for k, v in status(repo, one).items() if k in simple} for one in newest.values()],
        repository=repository(repo, "MinimalRepository"),
        commit_url=url(repo, "commits", sha),
        url=url(repo, "commits", sha, "status"),
    )


def check_run(repo: Repo, check: Check) -> Json:
    return build(
        "CheckRun",
        id=check.id,
        node_id=node("CR", check.id),
        head_sha=check.sha,
        name=check.name,
        status=check.status,
        conclusion=check.conclusion,
        started_at=stamp(check.started_at),
        completed_at=stamp(check.completed_at),
        url=url(repo, "check-runs", check.id),
        html_url=page(repo, "runs", check.id),
        check_suite={"id": check.suite},
    )


# --- threads ---------------------------------------------------------------------------------------------


def label(repo: Repo, one: Label) -> Json:
    return build(
        "Label",
        id=one.id,
        node_id=node("LA", one.id),
        url=url(repo, "labels", one.name),
        name=one.name,
        color=one.color,
        description=one.description,
        default=False,
    )


def _labels(repo: Repo, thread: Thread) -> list[Json]:
    """Shows labels on a thread, without `archived_at` and the like."""
    shown = ("id", "node_id", "url", "name", "color", "description", "default")
    whole = [label(repo, repo.label(name)) for name in thread.labels]
    return [{name: one[name] for name in shown} for one in whole]


def association(repo: Repo, account: Account) -> str:
    if account.login == repo.owner:
        return "OWNER"
    return "COLLABORATOR" if repo.access_of(account.login) else "NONE"


def issue(repo: Repo, thread: Thread) -> Json:
    here = url(repo, "issues", thread.number)
    more: Json = {}
    if thread.pull:
        there = url(repo, "pulls", thread.number)
        more["pull_request"] = {
            "url": there,
            "html_url": page(repo, "pull", thread.number),
            "diff_url": f"{there}.diff",
            "patch_url": f"{there}.patch",
            "merged_at": stamp(thread.pull.merged_at),
        }
    return build(
        "Issue",
        id=thread.id,
        node_id=node("I", thread.id),
        number=thread.number,
        url=here,
        repository_url=url(repo),
        comments_url=f"{here}/comments",
        html_url=page(repo, "issues", thread.number),
        title=thread.title,
        body=thread.body,
        state=thread.state,
        state_reason=thread.state_reason,
        user=user(repo.hub, thread.author),
        labels=_labels(repo, thread),
        comments=len(thread.comments),
        created_at=stamp(thread.created_at),
        updated_at=stamp(thread.updated_at),
        closed_at=stamp(thread.closed_at),
        locked=thread.locked,
        author_association=association(repo, thread.author),
        assignees=[user(repo.hub, repo.hub.account(login)) for login in thread.assignees],
        **more,
    )


def comment(repo: Repo, one: Comment) -> Json:
    return build(
        "IssueComment",
        id=one.id,
        node_id=node("IC", one.id),
        url=url(repo, "issues/comments", one.id),
        html_url=page(repo, f"issues/{one.number}#issuecomment-{one.id}"),
        issue_url=url(repo, "issues", one.number),
        body=one.body,
        user=user(repo.hub, one.author),
        author_association=association(repo, one.author),
        created_at=stamp(one.created_at),
        updated_at=stamp(one.updated_at),
    )


def review(repo: Repo, number: int, one: Review) -> Json:
    there = page(repo, f"pull/{number}#pullrequestreview-{one.id}")
    pull_url = url(repo, "pulls", number)
    return build(
        "PullRequestReview",
        id=one.id,
        node_id=node("PRR", one.id),
        user=user(repo.hub, one.author),
        body=one.body,
        state=one.state,
        html_url=there,
        pull_request_url=pull_url,
        _links={"html": {"href": there}, "pull_request": {"href": pull_url}},
        submitted_at=stamp(one.submitted_at),
        commit_id=one.commit,
        author_association=association(repo, one.author),
    )


def reaction(repo: Repo, one: Reaction) -> Json:
    return build(
        "Reaction",
        id=one.id,
        node_id=node("REA", one.id),
        user=user(repo.hub, one.author),
        content=one.content,
        created_at=stamp(one.created_at),
    )


def _side(repo: Repo, branch_name: str, sha: str, fork_of: str = "") -> Json:
    """Shows one side; `fork_of` is who owns the fork that the branch is in."""
    owner = fork_of or repo.owner
    where = repository(repo, "Repository")
    if fork_of:
        where |= {"full_name": f"{owner}/{repo.name}", "fork": True}
    return {
        "label": f"{owner}:{branch_name}",
        "ref": branch_name,
        "sha": sha,
        "user": user(repo.hub, repo.hub.account(owner)),
        "repo": where,
    }


def _pull(repo: Repo, thread: Thread) -> Json:
    assert thread.pull is not None
    here = url(repo, "pulls", thread.number)
    head = repo.head_of(thread)
    links = ("self", "html", "issue", "comments", "review_comments", "review_comment", "commits", "statuses")
    return {
        "id": thread.id,
        "node_id": node("PR", thread.id),
        "number": thread.number,
        "url": here,
        "html_url": page(repo, "pull", thread.number),
        "issue_url": url(repo, "issues", thread.number),
        "comments_url": url(repo, "issues", thread.number, "comments"),
        "commits_url": f"{here}/commits",
        "statuses_url": url(repo, "statuses", head),
        "title": thread.title,
        "body": thread.body,
        "state": thread.state,
        "draft": thread.pull.draft,
        "user": user(repo.hub, thread.author),
        "labels": _labels(repo, thread),
        "created_at": stamp(thread.created_at),
        "updated_at": stamp(thread.updated_at),
        "closed_at": stamp(thread.closed_at),
        "merged_at": stamp(thread.pull.merged_at),
        "head": _side(repo, thread.pull.head, head, thread.author.login if thread.pull.from_fork else ""),
        "base": _side(repo, thread.pull.base, thread.pull.base_sha),
        "author_association": association(repo, thread.author),
        "_links": {name: {"href": here} for name in links},
    }


def _old_fields(document: Json, thread: Thread) -> Json:
    """Adds `merge_commit_sha`, which API version 2026-03-10 dropped; PyGithub requests an older one."""
    assert thread.pull is not None
    return {**document, "merge_commit_sha": thread.pull.merge_commit}


def pull_simple(repo: Repo, thread: Thread) -> Json:
    return _old_fields(build("PullRequestSimple", **_pull(repo, thread)), thread)


def pull(repo: Repo, thread: Thread) -> Json:
    assert thread.pull is not None
    mergeable = repo.mergeable(thread)
    merged_by = thread.pull.merged_by
    commits = repo.bare.between(thread.pull.base_sha, repo.head_of(thread))
    document = build(
        "PullRequest",
        **_pull(repo, thread),
        merged=thread.pull.merged_at is not None,
        mergeable=mergeable,
        mergeable_state=_mergeable_state(repo, thread, mergeable),
        merged_by=user(repo.hub, merged_by) if merged_by else None,
        comments=len(thread.comments),
        commits=len(commits),
        changed_files=len(repo.bare.changed(thread.pull.base_sha, repo.head_of(thread))),
    )
    return _old_fields(document, thread)


def _mergeable_state(repo: Repo, thread: Thread, mergeable: bool | None) -> str:
    assert thread.pull is not None
    if mergeable is None:
        return "unknown"
    if not mergeable:
        return "dirty"
    needed = {name for rules in repo.rules_for(thread.pull.base) for name in rules.required_statuses}
    return "clean" if needed <= repo.green(repo.head_of(thread)) else "blocked"


# --- actions ---------------------------------------------------------------------------------------------


def workflow(repo: Repo, path: str, name: str) -> Json:
    number = repo.hub.workflow_id(path)
    return build(
        "Workflow",
        id=number,
        node_id=node("W", number),
        name=name,
        path=path,
        state=_workflow_state(repo, path),
        url=url(repo, "actions/workflows", number),
        html_url=page(repo, "blob", repo.default_branch, path),
        created_at=stamp(repo.hub.started),
        updated_at=stamp(repo.hub.started),
    )


def _workflow_state(repo: Repo, path: str) -> str:
    if path not in repo.disabled_workflows:
        return "active"
    return "disabled_inactivity" if repo.asleep else "disabled_manually"


def run(repo: Repo, one: Run) -> Json:
    here = url(repo, "actions/runs", one.id)
    return build(
        "WorkflowRun",
        id=one.id,
        node_id=node("WFR", one.id),
        name=one.name,
        path=one.workflow,
        display_title=one.title or one.name,
        head_branch=one.branch,
        head_sha=one.sha,
        run_number=one.number,
        run_attempt=one.attempt,
        event=one.event,
        status=one.status,
        conclusion=one.conclusion,
        workflow_id=repo.hub.workflow_id(one.workflow),
        url=here,
        html_url=page(repo, "actions/runs", one.id),
        jobs_url=f"{here}/jobs",
        logs_url=f"{here}/logs",
        artifacts_url=f"{here}/artifacts",
        actor=user(repo.hub, one.actor),
        triggering_actor=user(repo.hub, one.actor),
        created_at=stamp(one.created_at),
        updated_at=stamp(one.updated_at or one.created_at),
        run_started_at=stamp(one.created_at),
        pull_requests=[],
        repository=repository(repo, "MinimalRepository"),
        head_repository={
            **repository(repo, "MinimalRepository"),
            **({"full_name": one.fork} if one.fork else {}),
        },
    )


def job(repo: Repo, one: Run, result: JobResult) -> Json:
    return build(
        "Job",
        id=result.id,
        node_id=node("J", result.id),
        run_id=one.id,
        run_url=url(repo, "actions/runs", one.id),
        url=url(repo, "actions/jobs", result.id),
        head_sha=one.sha,
        name=result.name,
        status="completed",
        conclusion=result.conclusion,
        labels=result.labels,
        workflow_name=one.name,
        head_branch=one.branch,
        created_at=stamp(one.created_at),
        started_at=stamp(one.created_at),
        completed_at=stamp(one.updated_at or one.created_at),
    )


def artifact(repo: Repo, one: Artifact) -> Json:
    here = url(repo, "actions/artifacts", one.id)
    return build(
        "Artifact",
        id=one.id,
        node_id=node("A", one.id),
        name=one.name,
        size_in_bytes=len(one.content),
        url=here,
        archive_download_url=f"{here}/zip",
        expired=one.expired,
        created_at=stamp(one.created_at),
        updated_at=stamp(one.created_at),
        workflow_run={
            "id": one.run_id,
            "repository_id": repo.id,
            "head_repository_id": repo.id,
            "head_branch": one.head_branch,
            "head_sha": one.head_sha,
        },
    )


# --- releases --------------------------------------------------------------------------------------------


def release(repo: Repo, one: Release) -> Json:
    here = url(repo, "releases", one.id)
    return build(
        "Release",
        id=one.id,
        node_id=node("RE", one.id),
        url=here,
        assets_url=f"{here}/assets",
        upload_url=f"{here}/assets{{?name,label}}",
        html_url=page(repo, "releases", one.tag),
        tag_name=one.tag,
        target_commitish=repo.default_branch,
        name=one.tag,
        draft=one.draft,
        prerelease=one.prerelease,
        created_at=stamp(one.created_at),
        published_at=None if one.draft else stamp(one.created_at),
        author=user(repo.hub, one.author),
        assets=[],
    )


def tag(repo: Repo, name: str, commit: str) -> Json:
    return build(
        "Tag",
        name=name,
        commit={"sha": commit, "url": url(repo, "commits", commit)},
        zipball_url=url(repo, "zipball", f"refs/tags/{name}"),
        tarball_url=url(repo, "tarball", f"refs/tags/{name}"),
        node_id=node("REF", name),
    )


# --- settings --------------------------------------------------------------------------------------------


def ruleset(repo: Repo, one: Ruleset, token: Token) -> Json:
    return build(
        "RepositoryRuleset",
        id=one.id,
        node_id=node("RRS", one.id),
        name=one.name,
        target="branch",
        **_ruleset_source(repo, one),
        enforcement=one.enforcement,
        current_user_can_bypass="always" if token.account.login in one.bypass else "never",
        conditions={"ref_name": {"include": [one.pattern], "exclude": []}},
        rules=_rules(one),
        created_at=stamp(repo.hub.started),
        updated_at=stamp(repo.hub.started),
        **_bypass_actors(repo, one, token),
    )


def _ruleset_source(repo: Repo, one: Ruleset) -> Json:
    if one.organization:
        return {"source_type": "Organization", "source": one.organization}
    return {"source_type": "Repository", "source": repo.full_name}


def _bypass_actors(repo: Repo, one: Ruleset, token: Token) -> Json:
    """Shows who may bypass the ruleset, only to those who may change it."""
    if token.kind is not TokenKind.USER or repo.access_of(token.account.login) < Access.ADMIN:
        return {}
    accounts = [repo.hub.account(login) for login in sorted(one.bypass)]
    kinds = {"Bot": "Integration"}
    actors = [
        {"actor_id": each.id, "actor_type": kinds.get(each.type, "User"), "bypass_mode": "always"}
        for each in accounts
    ]
    return {"bypass_actors": actors}


def branch_rules(repo: Repo, name: str) -> list[Json]:
    return [
        {**rule, **{f"ruleset_{key}": value for key, value in _ruleset_source(repo, one).items()}}
        | {"ruleset_id": one.id}
        for one in repo.rules_for(name)
        for rule in _rules(one)
    ]


def _rules(one: Ruleset) -> list[Json]:
    rules: list[Json] = [{"type": "deletion"}] if one.deletion else []
    if one.required_statuses:
        checks = [{"context": name} for name in one.required_statuses]
        parameters: Json = {
            "strict_required_status_checks_policy": one.strict,
            "required_status_checks": checks,
        }
        rules.append({"type": "required_status_checks", "parameters": parameters})
    if one.pull_request:
        flags = ("dismiss_stale_reviews_on_push", "require_code_owner_review", "require_last_push_approval")
        parameters = {**dict.fromkeys(flags, False), "required_review_thread_resolution": False}
        rules.append(
            {"type": "pull_request", "parameters": {**parameters, "required_approving_review_count": 0}}
        )
    return rules + [{"type": kind} for kind in one.others]
