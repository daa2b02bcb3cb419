"""What a release is made of, in words: for a terminal, a commit message, and the bodies of pull requests."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.rollback.target import REVERTS_ONLY
from rollout.core.state import Release, ReleaseCommit, ReleaseRange, Rollout, Status, TrainState
from rollout.rendering.gates import count, release_name
from rollout.rendering.inert import Markdown, code, line, plain, text
from rollout.rendering.markdown import SHORT, commit_link

Document = dict[str, object]


def range_view(state: TrainState, since: str) -> str:
    """Returns the commits of a release that has started; `since` says what its base is."""
    rollout, found = _of(state)
    assert rollout.release is not None
    name, begun = (
        release_name(rollout.release.version),
        f" since {line(since)}" if rollout.release.base else "",
    )
    lines = [f"{line(name)} is {count(found.total, 'commit')}{begun}:"]
    lines += [f"  {each.commit[:SHORT]}  {line(each.subject)}".rstrip() for each in found.commits]
    if found.more:
        lines.append(f"  and {found.more} more: git log {rollout.release.base}..{rollout.release.commit}")
    if rollout.rollback_target is None:
        lines += ["", no_target(rollout)]
    return "\n".join(lines)


def no_target(rollout: Rollout) -> str:
    """Returns what a rollback does without a version to return to."""
    first = rollout.release is not None and rollout.release.first is not None
    return f"{REVERTS_ONLY}{'' if first else ', and changes no version'}"


def why_alone(state: TrainState, since: str) -> str:
    """Returns the warning about a release of one commit without a base; empty when it has one."""
    release = state.rollout.release
    if release is None or release.base is not None:
        return ""
    return (
        f"{release_name(release.version)} is commit {release.commit[:SHORT]} alone: {line(since)};"
        " a rollback takes back nothing else. For a range: --base SHA"
    )


def range_document(state: TrainState) -> Document:
    """Returns the key `range`, for a document of a release that has started."""
    rollout, found = _of(state)
    commits = [{"commit": each.commit, "subject": each.subject} for each in found.commits]
    base = rollout.release.base if rollout.release else None
    return {"range": {"base": base, "total": found.total, "commits": commits}}


def commit_lines(status: Status | None) -> Iterator[str]:
    """Yields lines for the message of a state commit."""
    found = status.release_range if status else None
    if found is None:
        return
    yield f"Commits: {found.total}"
    yield from (f"- {each.commit[:SHORT]} {plain(each.subject)}".rstrip() for each in found.commits)
    if found.more:
        yield f"- and {found.more} more"


def changes(release: Release, found: ReleaseRange, product_page: str) -> Markdown:
    """Returns `3 commits since 2222222222`, with a link."""
    since = f" since {commit_link(release.base, product_page)}" if release.base else ""
    return Markdown(f"{count(found.total, 'commit')}{since}")


def markdown_rows(found: ReleaseRange, product_page: str) -> list[Markdown]:
    """Returns one item of a Markdown list a commit, and how many more there are."""
    shown = [_markdown_row(each, product_page) for each in found.commits]
    return [*shown, Markdown(f"and {found.more} more")] if found.more else shown


def _markdown_row(each: ReleaseCommit, product_page: str) -> Markdown:
    by = f", {text(each.author)}" if each.author else ""
    return Markdown(f"{commit_link(each.commit, product_page)} {text(each.subject)}{by}".rstrip())


def comparison(release: Release, product_page: str) -> Markdown:
    """Returns where the whole range is shown: a link, or the command where there is no page."""
    page = product_page.rstrip("/")
    if page and release.base:
        return Markdown(f"[Compare all of it]({page}/compare/{release.base}...{release.commit})")
    if page:
        return Markdown(f"[Show all of it]({page}/commit/{release.commit})")
    base, commit = (release.base or "")[:SHORT], release.commit[:SHORT]
    return Markdown(f"All of it: {code(f'git log -p {base}..{commit}' if base else f'git show {commit}')}")


def _of(state: TrainState) -> tuple[Rollout, ReleaseRange]:
    assert state.status is not None
    assert state.status.release_range is not None
    return state.rollout, state.status.release_range
