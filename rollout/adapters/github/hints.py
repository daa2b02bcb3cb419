"""What to do about each answer of GitHub that is no success, and about those that are not GitHub's."""

from __future__ import annotations

import re

from rollout.adapters.github.address import API_URL, SERVER_URL, Address
from rollout.adapters.github.answers import RefusedByGitHubError

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
_ISSUES_OFF = "Settings > General > Features: tick `Issues`; what they would show is recorded in git"
_GONE = "it was deleted or has expired; look whether it is still wanted"
_ARCHIVED = re.compile(r"was archived so (it )?is read-only")
"""With `it` by git (sourcegraph/sourcegraph-public-snapshot#36201)."""
UNARCHIVE = "unarchive it: Settings > General > Danger Zone > Unarchive this repository"
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
    """Returns what an organization or a plan refuses whatever the token may do, in a few words, and what to
    do.

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


def is_issues_off(refusal: RefusedByGitHubError) -> bool:
    """Returns whether the repository has no issues.

    Of an issue that was deleted GitHub answers 410 too; only its words tell them apart (ossf/allstar#64).
    """
    words = str(refusal).lower()
    return refusal.status == 410 and "issues" in words and "disabled" in words


def is_archived(why: str) -> bool:
    """Returns whether GitHub, or git, refuses because the repository is archived."""
    return _ARCHIVED.search(why) is not None


def is_of_the_token(refusal: RefusedByGitHubError) -> bool:
    """Returns whether another token could do it, which is not so in an archived repository."""
    return refusal.status == 403 and not is_archived(str(refusal))


def wrong_address(address: Address) -> str:
    """Returns how to say where GitHub is; for an answer that does not come from it."""
    if address.named_by:
        how = "https://HOST" if address.named_by != API_URL else "https://HOST/api/v3 (Enterprise Server)"
        return f"GitHub's API is expected at {address.api_url}, by {address.named_by}: correct it, as {how}"
    return f"look at the network; where your GitHub is not {address.server_url}, set {SERVER_URL} to it"


def if_it_passes(address: Address) -> str:
    """Returns what to do about a fault of which nobody knows whether it is the address or an outage."""
    return f"{LATER}; if it stays so, {wrong_address(address)}"


def advice(refusal: RefusedByGitHubError, address: Address, *, by_person: bool = False) -> str:
    """Returns which setting to change; `by_person` is for somebody at a laptop, who has no job and no App."""
    why = str(refusal)
    if refusal.foreign:
        return wrong_address(address)
    if refusal.hint:
        return refusal.hint
    if is_archived(why):
        return UNARCHIVE
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
    if is_issues_off(refusal):
        return _ISSUES_OFF
    if refusal.status == 410:
        return _GONE
    if refusal.status == 403:
        needs = f" (this needs {refusal.needs})" if refusal.needs else ""
        return f"give the job, or the App, the permissions {_PERMISSIONS}{needs}"
    return _NOT_FOUND if refusal.status == 404 else LATER
