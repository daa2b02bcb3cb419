"""What counts as evidence: one concrete thing of this or the product's repository, that can be looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from rollout.core.text import inert

LONGEST = 500


class Kind(StrEnum):
    RUN = "run"
    JOB = "job"
    ARTIFACT = "artifact"
    COMMIT = "commit"
    REVIEW = "review"
    PATH = "path"


@dataclass(frozen=True)
class Reference:
    """What a person's evidence names."""

    kind: Kind
    name: str
    """Number of the run, job, artifact or review; the commit's id; the path."""
    text: str
    """As it is recorded."""
    repository: str = ""
    """`owner/name` of a link; empty for a commit's id or a path: the product's repository."""
    within: str = ""
    """Number of the run that a job or artifact is of, of the pull request that a review is of."""


@dataclass(frozen=True)
class EvidencePlaces:
    """Where evidence may lie."""

    server: str = ""
    """Such as `https://github.com`; empty on the local forge, which has no pages."""
    repositories: tuple[str, ...] = ()
    """`owner/name` of the product's and of this repository."""


@dataclass(frozen=True)
class LookedUpEvidence:
    """What was found under a reference."""

    of_release: bool
    """Whether it is of the release's commit."""
    ended: str
    """`success`, or how it ended, or stands, instead."""
    digest: str
    """Another one when anything about it is another."""
    expired: bool = False
    """Whether it is an artifact whose retention has ended: it was what it was, and nobody can look now."""


class NoEvidenceError(ValueError):
    """Why a text is no evidence, as an answer to its author: it begins with the text."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"{inert(text, 80) or 'nothing'} {why}")


_VAGUE = re.compile(
    r"see|in|the|check|look|at|as|per|ok|done|yes|later|soon|lgtm|green|works|wip|tb[dac]|todo|na?|a|none"
    r"|nothing|null|logs?|above|below|chat|slack|ci|e?mail|me|it|all|good|fine|asap|pending"
)
"""A text of such words alone names nothing."""
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_RUN = re.compile(r"actions/runs/(\d{1,20})(?:/attempts/\d{1,6})?")
_JOB = re.compile(r"actions/runs/(\d{1,20})/job/(\d{1,20})")
_ARTIFACT = re.compile(r"actions/runs/(\d{1,20})/artifacts/(\d{1,20})")
_COMMIT = re.compile(r"commit/(\w{1,64})")
_PULL = re.compile(r"pull/(\d{1,20})(?:/.*)?")
_REVIEW = re.compile(r"pullrequestreview-(\d{1,20})")
_BLOB = re.compile(r"blob/([^/]{1,250})/(.+)")
_WANTED = "no run, job, artifact, commit, review or file"


def parse(text: str, places: EvidencePlaces, commit: str) -> Reference:
    """Returns what the text names, for a release of that commit.
    Raises NoEvidenceError: why it names nothing.
    """
    text = inert(text, LONGEST + 1)
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]  # as Markdown writes an address
    if len(text) > LONGEST:
        raise NoEvidenceError(text, f"is longer than {LONGEST} characters")
    if all(_VAGUE.fullmatch(word) for word in re.findall(r"[^\W_]+", text.lower())):
        raise NoEvidenceError(text, "is no evidence")
    if re.match(r"[a-z][a-z0-9+.-]*:", text, re.I):
        return _link(text, places, commit)
    if re.fullmatch(r"(?:[\w-]+\.)+[a-z]{2,}/?", text, re.I) and not _looks_like_file(text):
        raise NoEvidenceError(text, "is a bare domain")
    if _ID.fullmatch(text.lower()):
        return Reference(Kind.COMMIT, text.lower(), text.lower())
    return _path(text)


def can_change(text: str, places: EvidencePlaces, commit: str) -> bool:
    """Returns whether recorded evidence may be another, or gone, by now: a link that is no commit's."""
    if not places.server or not text.startswith(("http://", "https://")):
        return False
    try:
        return parse(text, places, commit).kind is not Kind.COMMIT
    except NoEvidenceError:
        return True


def at_its_server(text: str, places: EvidencePlaces) -> str:
    """Returns a recorded link under the server's present address, where that changed only in its scheme or
    in the case of its letters: TLS was switched on.
    """
    scheme, _, rest = text.partition("://")
    host = places.server.partition("://")[2]
    is_same = scheme in ("http", "https") and rest.partition("/")[0].lower() == host.lower()
    return f"{places.server}{rest[len(host) :]}" if host and is_same else text


def _looks_like_file(text: str) -> bool:
    return not re.search(r"\.(?:com|org|net|io|dev|app|edu|gov)/?$", text, re.I)


def judge(reference: Reference, seen: LookedUpEvidence | None, commit: str, *, signed: bool = False) -> str:
    """Returns why what was found does not count; empty when it does.

    `signed`: it counted when it was signed. That it has expired since takes nothing back.
    """
    what = f"{reference.kind} {reference.name}"
    if seen is None:
        at = f" at {commit[:10]}" if reference.kind is Kind.PATH else ""
        return f"there is no {what}{at}"
    if not seen.of_release:
        return f"{what} is not of this release's commit {commit[:10]}"
    if seen.expired and not signed:
        return f"{what} has expired"
    if seen.ended != "success":
        return f"{what} has not succeeded: {inert(seen.ended, 60)}"
    return ""


# --- links -------------------------------------------------------------------------------------------------


def _link(text: str, places: EvidencePlaces, commit: str) -> Reference:
    # As GitHub does when it makes a link of an address at the end of a sentence.
    text = text.rstrip("?!.,:*_~")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise NoEvidenceError(text, "is no address") from None
    if not places.server:
        raise NoEvidenceError(text, "is a link; here it takes a path in the release or a commit's whole id")
    if f"{parts.scheme}://{parts.netloc}".lower() != places.server.lower():
        raise NoEvidenceError(text, f"is not on {places.server}")
    owner, _, rest = parts.path.strip("/").partition("/")
    name, _, place = rest.partition("/")
    if not name or not place:
        raise NoEvidenceError(text, "is a bare domain or repository")
    repository = _known(f"{owner}/{name}", places)
    return _object(place, parts.fragment, f"{places.server}/{repository}", repository, commit)


def _known(named: str, places: EvidencePlaces) -> str:
    for repository in places.repositories:
        if repository.casefold() == named.casefold():
            return repository
    wanted = " or ".join(dict.fromkeys(places.repositories))
    raise NoEvidenceError(named, f"is another repository: it has to be {wanted}")


def _object(place: str, fragment: str, page: str, repository: str, commit: str) -> Reference:
    # Written anew from its numbers, so that nothing else of a link is recorded or shown.
    if found := _RUN.fullmatch(place):
        return Reference(Kind.RUN, found[1], f"{page}/actions/runs/{found[1]}", repository)
    if found := _JOB.fullmatch(place):
        text = f"{page}/actions/runs/{found[1]}/job/{found[2]}"
        return Reference(Kind.JOB, found[2], text, repository, found[1])
    if found := _ARTIFACT.fullmatch(place):
        text = f"{page}/actions/runs/{found[1]}/artifacts/{found[2]}"
        return Reference(Kind.ARTIFACT, found[2], text, repository, found[1])
    if found := _COMMIT.fullmatch(place):
        return _commit(found[1].lower(), page, repository)
    if found := _PULL.fullmatch(place):
        return _review(found[1], fragment, page, repository)
    if found := _BLOB.fullmatch(place):
        return _blob(found[1], found[2], commit)
    raise NoEvidenceError(place, f"is {_WANTED}")


def _commit(name: str, page: str, repository: str) -> Reference:
    if not _ID.fullmatch(name):
        raise NoEvidenceError(name, "is not the whole id of a commit")
    return Reference(Kind.COMMIT, name, f"{page}/commit/{name}", repository)


def _review(number: str, fragment: str, page: str, repository: str) -> Reference:
    found = _REVIEW.fullmatch(fragment)
    if not found:
        raise NoEvidenceError(f"pull/{number}", "is no review: give the link of the review itself")
    text = f"{page}/pull/{number}#pullrequestreview-{found[1]}"
    return Reference(Kind.REVIEW, found[1], text, repository, number)


def _blob(ref: str, path: str, commit: str) -> Reference:
    if ref.lower() != commit:
        raise NoEvidenceError(path, f"is of {inert(ref, 60)}: it has to be of the release, {commit}")
    return _path(unquote(path))


def _path(text: str) -> Reference:
    path = text.removeprefix("./")
    parts = path.split("/")
    if path.startswith(("/", "~")) or "\\" in path or ".." in parts or "." in parts or "" in parts:
        raise NoEvidenceError(text, "is no path inside the repository")
    if path != inert(path, LONGEST) or ":" in path:
        raise NoEvidenceError(text, "is no path inside the repository")
    return Reference(Kind.PATH, path, path)
