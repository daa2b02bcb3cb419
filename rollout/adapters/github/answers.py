"""What GitHub answers: documents of which little is used, and faults, with what to do about each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

_MINUTE = 60.0
_MOVED = 301
_PASSING_STATUSES = frozenset({408, 409})
_PASSING_KINDS = frozenset({"INTERNAL", "INTERNAL_SERVER_ERROR", "LOADING", "SERVICE_UNAVAILABLE", "TIMEOUT"})
_TOO_MUCH_KINDS = frozenset({"RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED"})
_TOO_MUCH_STATUSES = frozenset({502, 504})
"""GitHub gives up a query after ten seconds, and a gateway answers for it."""
_LIMIT_KINDS = frozenset({"RATE_LIMIT", "RATE_LIMITED"})
_KIND_STATUSES = {"FORBIDDEN": 403, "INSUFFICIENT_SCOPES": 403, "NOT_FOUND": 404}
_LIMIT_WORDS = ("rate limit", "abuse detection")
"""Of limits that GitHub tells in words alone."""

M = TypeVar("M", bound="Document")


class Document(BaseModel):
    """A part of an answer: only what is used of it, by GraphQL's names in snake case."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class PassingError(Exception):
    """A fault that may be gone when it is tried again; whether a write took effect is not known."""

    def __init__(self, why: str, wait: float | None = None, *, too_much: bool = False) -> None:
        """`wait`: seconds that GitHub asks for; None for the usual, growing pause.

        `too_much`: it may be that too much was asked for at once.
        """
        super().__init__(why)
        self.wait = wait
        self.too_much = too_much


class RefusedByGitHubError(Exception):
    """GitHub understood and said no: nothing was done."""

    def __init__(
        self, why: str, status: int, kinds: Collection[str] = (), needs: str = "", hint: str = ""
    ) -> None:
        """`kinds` are GraphQL's; `needs` the permissions that would have done, where GitHub tells them.

        `hint` is what to do next, where more is known than the status says.
        """
        super().__init__(why)
        self.status = status
        self.kinds = frozenset(kinds)
        self.needs = needs
        self.hint = hint


class GraphqlError(Document):
    type: str = ""
    message: str = ""
    path: tuple[str | int, ...] | None = None
    """Of the field that it concerns, from the root; None where it concerns the whole query."""
    extensions: dict[str, object] | None = None

    @property
    def is_passing(self) -> bool:
        # `Something went wrong` has no type; neither has a mistake in the query, but that has extensions.
        return self.type in _PASSING_KINDS or (not self.type and not self.extensions)

    def refuses(self, field: str) -> bool:
        """Whether the token may not read a field of that name, and nothing else is wrong."""
        return self.type == "FORBIDDEN" and (self.path or ())[-1:] == (field,)


def parsed(model: type[M], document: object) -> M:
    """The document as a model. Raises PassingError for one that is none, as a broken proxy gives."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        why = f"an answer that makes no sense: {where or 'all of it'}: {first['msg']}"
        raise PassingError(why) from error


# --- faults ------------------------------------------------------------------------------------------------


def rest_fault(
    status: int, data: object, headers: Mapping[str, str], now: datetime
) -> PassingError | RefusedByGitHubError:
    """What an answer with such a status means; names of headers in small letters."""
    why = f"{status} {_message(data)}".strip()
    wait = _asked_wait(status, why, headers, now)
    if wait is not None:
        return PassingError(why, wait)
    if status in _PASSING_STATUSES or status >= 500:
        return PassingError(why, too_much=status in _TOO_MUCH_STATUSES)
    return RefusedByGitHubError(why, status, needs=headers.get("x-accepted-github-permissions", ""))


def graphql_fault(
    errors: Sequence[GraphqlError], headers: Mapping[str, str], now: datetime
) -> PassingError | RefusedByGitHubError:
    """What errors mean that come with status 200."""
    why = "; ".join(error.message or error.type for error in errors)
    kinds = [error.type for error in errors]
    if _LIMIT_KINDS & set(kinds) or _speaks_of_limits(why):
        return PassingError(why, _asked_wait(429, why, headers, now))
    if _TOO_MUCH_KINDS & set(kinds):
        return PassingError(why, 0, too_much=True)
    if any(error.is_passing for error in errors):
        return PassingError(why)
    statuses = [_KIND_STATUSES[kind] for kind in kinds if kind in _KIND_STATUSES]
    return RefusedByGitHubError(why, statuses[0] if statuses else 422, kinds)


def moved(repository: str, new: str, *, is_home: bool) -> RefusedByGitHubError:
    """A repository was renamed or transferred to `new`, which is an address where the name is not known."""
    hint = "set product.repository in the contract to the new name"
    if is_home:
        hint = "set GITHUB_REPOSITORY, or the clone's remote (`git remote set-url origin`), to the new name"
    return RefusedByGitHubError(f"{repository} has moved to {new}", _MOVED, hint=hint)


def _asked_wait(status: int, why: str, headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until GitHub wants to be asked again; None when it does not speak of limits."""
    after = headers.get("retry-after", "")
    if status in (403, 429, 503) and after.isdigit():
        return float(after)
    if status not in (403, 429):
        return None
    if headers.get("x-ratelimit-remaining") == "0":
        return _until_reset(headers, now)
    return _MINUTE if status == 429 or _speaks_of_limits(why) else None


def _until_reset(headers: Mapping[str, str], now: datetime) -> float:
    reset = headers.get("x-ratelimit-reset", "")
    left = int(reset) - now.timestamp() if reset.isdigit() else _MINUTE
    return max(left, 0.0) + 1


def _speaks_of_limits(why: str) -> bool:
    return any(words in why.lower() for words in _LIMIT_WORDS)


def _message(data: Any) -> str:
    """GitHub's own words: the message, and those of each error below it."""
    if not isinstance(data, dict):
        return ""
    errors = data.get("errors")
    details = errors if isinstance(errors, list) else []
    parts = [part.get("message") for part in [data, *details] if isinstance(part, dict)]
    return ": ".join(str(part) for part in parts if part)


LATER = "run it again later; the next run does what is missing"
_TOKEN = "give a valid token in ROLLOUT_TOKEN or GITHUB_TOKEN; that of an App is good for an hour"  # noqa: S105
_MAY_OPEN = (
    "Settings > Actions > General > Workflow permissions: tick `Allow GitHub Actions to create and approve"
    " pull requests`, or give the token of a GitHub App in ROLLOUT_TOKEN"
)
_PERMISSIONS = "contents: write, pull-requests: write, statuses: write, checks: read, issues: write"
_RULES = (
    "Settings > Rules > Rulesets: let the GitHub App bypass the one of the state branch; with a plain"
    " GITHUB_TOKEN take the rule away, merges are judged afterwards then"
)
_GONE = "Settings > General > Features: tick `Issues`; what they would show is recorded in git"
_ARCHIVED = "was archived so is read-only"
_UNARCHIVE = "unarchive it: Settings > General > Danger Zone"
_FULL = (
    "nothing more is shown on that commit, and all else goes on; of a promotion, close the pull request:"
    " the next run opens it anew, and a new commit has no statuses yet"
)
_NO_REF = ("Reference update failed", "Ref cannot be created")
_IN_ITS_WAY = (
    "a branch whose name begins that of the new one is in its way, such as rollout/TRAIN: list them with"
    " git ls-remote --heads origin 'rollout*', and rename or delete it"
)
"""GitHub's words for it by REST and GraphQL (microsoft/vscode-remote-repositories-github#122)."""
UPGRADE = "Upgrade to GitHub"
"""How GitHub names something that the plan of a private repository does not have."""
_BEYOND = {
    "organization SAML enforcement": (
        "the organization wants single sign-on of this token (SAML)",
        "Settings > Developer settings > Personal access tokens > Configure SSO: authorize the token for the"
        " organization, or gh auth login again; a GitHub App needs none",
    ),
    "IP allow list": (
        "the organization's IP allow list does not have this machine's address",
        "an owner adds it in the organization's Settings > Authentication security > IP allow list, or takes"
        " runners that are on it",
    ),
    UPGRADE: (
        "the plan has none of it in private repositories",
        "GitHub Pro, Team or Enterprise, or a public repository",
    ),
}
_NOT_FOUND = (
    "look at GITHUB_REPOSITORY, at product in the contract, and whether the token reaches that repository"
)


def beyond_permissions(why: str) -> tuple[str, str] | None:
    """What an organization or a plan refuses whatever the token may do, in a few words, and what to do.

    GitHub tells these from a missing permission by the text alone (cli/cli#2661, github/branch-deploy#345,
    SalesforceFoundation/NPSP#7247).
    """
    return next((told for words, told in _BEYOND.items() if words in why), None)


_AT_A_LAPTOP = {
    401: "give a valid token",
    403: "this token may not do that: give one of somebody who may write",
    404: "look at the name of the repository, or give a token that reaches it",
}
_OR_BY_GIT = " in GITHUB_TOKEN, or by `gh auth login`; without any token git pushes a freeze or a rollback"


def is_of_the_token(refusal: RefusedByGitHubError) -> bool:
    """Whether another token could do it, which is not so in an archived repository."""
    return refusal.status == 403 and _ARCHIVED not in str(refusal)


def advice(refusal: RefusedByGitHubError, *, by_person: bool = False) -> str:
    """Which setting to change; `by_person` is for somebody at a laptop, who has no job and no App."""
    why = str(refusal)
    if refusal.hint:
        return refusal.hint
    is_rule = "rule violations" in why or "protected branch" in why.lower()
    if by_person and refusal.status in _AT_A_LAPTOP and not is_rule and beyond_permissions(why) is None:
        return _AT_A_LAPTOP[refusal.status] + _OR_BY_GIT
    beyond = beyond_permissions(why)
    if beyond is not None:
        return beyond[1]
    if refusal.status == 401:
        return _TOKEN
    if "not permitted to create or approve pull requests" in why:
        return _MAY_OPEN
    if "rule violations" in why or "protected branch" in why.lower():
        return _RULES
    if any(words in why for words in _NO_REF):
        return _IN_ITS_WAY
    if "maximum number of statuses" in why:
        return _FULL
    if _ARCHIVED in why:
        return _UNARCHIVE
    if refusal.status == 410:
        return _GONE
    if refusal.status == 403:
        needs = f" (this needs {refusal.needs})" if refusal.needs else ""
        return f"give the job, or the App, the permissions {_PERMISSIONS}{needs}"
    return _NOT_FOUND if refusal.status == 404 else LATER
