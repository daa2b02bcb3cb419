"""How the CI of a commit went: its check runs and commit statuses, without those of the tool itself.

Scheduled runs attach to the tip of the default branch, which is the commit of a release: hundreds of check
suites a day are the tool's own. GitHub lists 100 a page, in the order in which they were made, which it does
not promise. So both ends are listed, and the rest is asked for by name. Where the contract has globs alone,
what lies between is read once, a few pages a run.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rollout.adapters.github.answers import (
    Page,
    RefusedByGitHubError,
    parsed,
    parsed_or_none,
)
from rollout.adapters.github.api import PAGE, Api, PageSize, owner_and_name
from rollout.adapters.github.checks_documents import (
    CHECKS,
    HISTORY,
    RUNS,
    RUNS_OF_SUITE,
    SUITES,
    SUITES_AFTER,
    CheckedBranch,
    CommitChecks,
    Context,
    HistoryCommit,
    Run,
    Suite,
    Suites,
)
from rollout.adapters.github.hints import LATER
from rollout.core.contract import matching
from rollout.core.forge import CheckRun
from rollout.core.state import ChecksReading
from rollout.errors import OutsideError
from rollout.ports import ChecksBefore, ChecksUnreadError

OWN_STATUSES = "rollout/"

_NAMES = 20
"""That one request asks for."""
_SUITES_OF_NAME = 20
_RUNS_IN_HISTORY = 40
_LAST, _MORE = "last", "more"
_GLOB = re.compile(r"[*?\[]")
_NEVER = datetime.min.replace(tzinfo=UTC)
_LAG = timedelta(minutes=10)
"""By how much a list may lag behind what was made."""
_COMPLETED = "completed"
_CONCLUSIONS = {"SUCCESS": "success", "FAILURE": "failure", "ERROR": "failure"}
"""Of commit statuses; the others are pending."""


def check_runs(
    api: Api,
    repository: str,
    commit: str,
    wanted: Sequence[str] = (),
    before: ChecksBefore | None = None,
) -> list[CheckRun]:
    """Returns the newest attempt of each check in each suite, and the newest status of each context.

    `wanted`: names, and globs over names, that are looked for where a commit has more suites than a page.
    `before`: what is known of the commit. Raises OutsideError when they cannot be asked for,
    ChecksUnreadError when they are more than one run reads.
    """
    checked, size = _first_page(api, repository, commit)
    if not checked.has_more:
        return _shown(checked.contexts, [_whole(api, repository, suite) for suite in checked.suites])
    found = _SuiteSearch(
        api, repository, commit, checked, size, tuple(wanted), before or ChecksBefore(commit)
    )
    reading = found.read()
    runs = _shown(checked.contexts, [_whole(api, repository, suite) for suite in found.suites.values()])
    if reading is not None:
        raise ChecksUnreadError(runs, reading)
    return runs


@dataclass
class _SuiteSearch:
    """Suites of a commit that has more than a page."""

    api: Api
    repository: str
    commit: str
    first: CommitChecks
    size: int
    """Suites that a page is asked for."""
    wanted: tuple[str, ...]
    before: ChecksBefore
    suites: dict[str, Suite] = field(init=False)
    """By their ids."""

    def __post_init__(self) -> None:
        self.suites = _by_id(self.first.suites)

    def read(self) -> ChecksReading | None:
        """Returns what is missing yet; None where nothing is.

        The first run of a reading makes two requests, and so does each that goes on.
        """
        looked_for = (*self.wanted, *self.before.names)
        is_literal = not any(_GLOB.search(name) for name in self.wanted)
        reading = None if is_literal or self.before.since else self._begun()
        names = _unasked(looked_for, self.suites, ())[:_NAMES]
        after = reading.after if reading else None
        named = _named(self.api, self.repository, self.commit, names, self.size, after)
        last = named.pop(_LAST).nodes
        more = named.pop(_MORE, None)
        ends = {*self.suites, *_by_id(last)}
        self._add(last, *(connection.nodes for connection in named.values()))
        if is_literal or _reach_back(self.before.since, self.first.suites, last):
            self.suites = _by_name(self.api, self.repository, self.commit, looked_for, self.suites, names)
            return None
        reading = reading or self._begun(anew=True)
        if more is not None:
            reading = self._on(reading, more, ends)
        if reading.after:
            reading = self._on(reading, self._page(reading.after), ends)
        if reading.after:
            return reading
        # Meanwhile others may have come, at the end that is listed first.
        goes_on = self.before.reading is not None
        if goes_on and not _reach_back(reading.began, self.first.suites, last):
            return self._begun(anew=True)
        return None

    def _begun(self, *, anew: bool = False) -> ChecksReading:
        """Returns the reading that an earlier run has begun, else one that begins behind the first page."""
        if self.before.reading is not None and not anew:
            return self.before.reading
        listed = self.first.check_suites
        return ChecksReading(
            commit=self.commit,
            began=self.api.now(),
            read=len(self.first.suites),
            total=listed.total_count if listed else 0,
            after=(listed.page_info.end_cursor if listed else None) or "",
        )

    def _on(self, reading: ChecksReading, page: Suites, ends: Collection[str]) -> ChecksReading:
        """Returns one page further; without a cursor at the end, or where the other end begins."""
        self._add(page.nodes)
        is_over = not page.page_info.has_next_page or page.nodes[-1].id in ends
        names = (*reading.names, *_unasked(self.wanted, self.suites, self.wanted))
        return reading.model_copy(
            update={
                "read": min(reading.read + len(page.nodes), page.total_count),
                "total": page.total_count,
                "after": "" if is_over else page.page_info.end_cursor or "",
                "names": tuple(sorted(set(names))),
            }
        )

    def _add(self, *found: Iterable[Suite]) -> None:
        self.suites |= _by_id(suite for suites in found for suite in suites)

    def _page(self, after: str) -> Suites:
        def ask(first: int) -> CommitChecks:
            variables = {**owner_and_name(self.repository), "commit": self.commit, "runs": PAGE}
            answer = _ask(self.api, SUITES_AFTER, {**variables, "first": first, "after": after})
            return parsed_or_none(CommitChecks, answer, "repository", "object") or CommitChecks()

        page = self.api.attempt_page(_doing(self.commit), PageSize(self.size), ask).check_suites
        if page is None or not page.nodes:
            raise OutsideError(f"GitHub does not list the check suites of {self.commit[:12]}", hint=LATER)
        return page


def newest_commits(api: Api, repository: str, branch: str) -> Iterator[tuple[str, list[CheckRun] | None]]:
    """Yields the commits that a branch went through, newest first, each with its checks as `check_runs` gives
    them.

    None: there are more than a listing shows. A page is a request. Raises OutsideError.
    """
    known: dict[str, HistoryCommit] = {}
    following: str | None = None
    after: str | None = None
    while True:
        target = _history(api, repository, branch, after)
        if target is None:
            return
        following = following or target.oid
        known |= {commit.oid: commit for commit in target.history.nodes}
        while following in known:
            commit = known.pop(following)
            yield commit.oid, _shown(commit.contexts, commit.suites) if commit.is_whole else None
            following = next(iter(commit.parents.nodes), None)
        after = target.history.page_info.end_cursor
        if following is None or not target.history.page_info.has_next_page:
            return


def _shown(contexts: Iterable[Context] | None, suites: Iterable[Suite]) -> list[CheckRun]:
    runs = ((suite.source, run) for suite in suites for run in suite.runs())
    # Suites come in the order in which they were made, which is all that an id is asked for.
    shown = [
        CheckRun(
            name=run.name,
            status=run.status.lower(),
            conclusion=run.conclusion.lower() if run.conclusion else None,
            started_at=run.started_at,
            id=at,
            source=source,
        )
        for at, (source, run) in enumerate(runs)
    ]
    return shown + [_of_status(one) for one in contexts or () if not one.context.startswith(OWN_STATUSES)]


def _of_status(one: Context) -> CheckRun:
    conclusion = _CONCLUSIONS.get(one.state)
    status = _COMPLETED if conclusion else "pending"
    return CheckRun(one.context, status, conclusion, one.created_at, 0, "status")


def _first_page(api: Api, repository: str, commit: str) -> tuple[CommitChecks, int]:
    """Requests the first page; returns the number of suites requested too."""
    size = PageSize(PAGE)

    def ask(entries: int) -> CommitChecks:
        variables = {**owner_and_name(repository), "commit": commit, "first": entries, "runs": PAGE}
        found = parsed_or_none(CommitChecks, _ask(api, CHECKS, variables), "repository", "object")
        if found is None:
            raise RefusedByGitHubError(f"No commit found for SHA: {commit}", 404)
        return found

    return api.attempt_page(_doing(commit), size, ask), size.entries


def _by_id(suites: Iterable[Suite]) -> dict[str, Suite]:
    return {suite.id: suite for suite in suites}


def _reach_back(since: datetime | None, *ends: Sequence[Suite]) -> bool:
    """Returns whether one end of the list holds all that was made since everything was read."""
    newest = max(ends, key=lambda end: max((suite.created_at for suite in end), default=_NEVER))
    return since is not None and any(suite.created_at < since - _LAG for suite in newest)


def _by_name(
    api: Api,
    repository: str,
    commit: str,
    wanted: Sequence[str],
    listed: Mapping[str, Suite],
    asked: Sequence[str],
) -> dict[str, Suite]:
    """Returns the wanted suites that were not listed; requests names that come to light on the way too."""
    found = dict(listed)
    done = set(asked)
    while names := _unasked(wanted, found, done)[:_NAMES]:
        named = _named(api, repository, commit, names, 0)
        found |= _by_id(suite for suites in named.values() for suite in suites.nodes)
        done |= set(names)
    return found


def _unasked(wanted: Sequence[str], listed: Mapping[str, Suite], asked: Collection[str]) -> list[str]:
    """Returns what is wanted, and the names listed so far that one of its globs matches."""
    names = sorted({run.name for suite in listed.values() for run in suite.runs()})
    matched = (name for glob in wanted for name in matching(glob, names))
    return [name for name in dict.fromkeys([*wanted, *matched]) if name not in asked]


def _named(
    api: Api, repository: str, commit: str, names: Sequence[str], size: int, after: str | None = None
) -> dict[str, Suites]:
    """Returns the newest suites that have a check of one of these names.

    Where `size` is not 0 the last ones of all too, under `_LAST`; with `after` those behind it under `_MORE`.
    """
    declared = "".join(f", $name{at}: String!" for at in range(len(names)))
    fields = [
        f"name{at}: checkSuites(last: {_SUITES_OF_NAME}, filterBy: {{checkName: $name{at}}}) {{ ...suites }}"
        for at in range(len(names))
    ]
    if size:
        fields.append(f"{_LAST}: checkSuites(last: $size) {{ ...suites }}")
        declared += ", $size: Int!"
    if after:
        fields.append(f"{_MORE}: checkSuites(first: $size, after: $after) {{ ...suites }}")
        declared += ", $after: String!"
    query = f"""query checks(
  $owner: String!, $name: String!, $commit: GitObjectID!, $runs: Int!{declared}
) {{
  repository(owner: $owner, name: $name) {{ nameWithOwner
    object(oid: $commit) {{ ... on Commit {{ {" ".join(fields)} }} }}
  }}
}}{SUITES}{RUNS}"""
    variables: dict[str, object] = {
        **owner_and_name(repository),
        "commit": commit,
        "runs": PAGE,
        **{f"name{at}": name for at, name in enumerate(names)},
        **({"after": after} if after else {}),
    }

    def ask(entries: int) -> dict[str, Suites | None] | None:
        sized = {"size": entries} if size else {}
        answer = _ask(api, query, {**variables, **sized})
        return parsed_or_none(dict[str, Suites | None], answer, "repository", "object")

    connections = api.attempt_page(_doing(commit), PageSize(size), ask) or {}
    return {alias: connection for alias, connection in connections.items() if connection}


def _whole(api: Api, repository: str, suite: Suite) -> Suite:
    """Returns the suite with all of its check runs; a listing shows only the first ones."""
    found, page = list(suite.check_runs.nodes), suite.check_runs.page_info
    while page.has_next_page:
        variables = {**owner_and_name(repository), "suite": suite.id, "after": page.end_cursor}

        def ask(variables: dict[str, str | None] = variables) -> Page[Run]:
            return parsed(Page[Run], api.graphql(RUNS_OF_SUITE, variables), "node", "checkRuns")

        runs = api.attempt(f"reading the checks of suite {suite.id}", ask)
        found += runs.nodes
        page = runs.page_info
    return suite.model_copy(update={"check_runs": Page[Run](nodes=tuple(found), page_info=page)})


def _history(api: Api, repository: str, branch: str, after: str | None) -> CheckedBranch | None:
    variables = {
        **owner_and_name(repository),
        "branch": f"refs/heads/{branch}",
        "after": after,
        "runs": _RUNS_IN_HISTORY,
    }

    def ask() -> CheckedBranch | None:
        answer = _ask(api, HISTORY, variables)
        found = parsed_or_none(dict[str, CheckedBranch], answer, "repository", "ref")
        return found["target"] if found else None

    return api.attempt(f"reading the checks of {branch}", ask)


def _ask(api: Api, query: str, variables: Mapping[str, object]) -> object:
    """Requests the suites. Their workflow takes one permission more, `actions: read`, and can be missing."""
    return api.graphql_but("workflowRun", query, variables)


def _doing(commit: str) -> str:
    return f"reading the checks of {commit[:12]}"
