"""The product's repository, fetched for as long as a command runs, with nothing of it checked out.

Blobs come when a merge needs them. The token is in the environment of git's processes only: not on disk, not
among arguments that other users of the machine see, and in no message.
"""

from __future__ import annotations

import base64
import re
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from rollout.adapters.git import Git
from rollout.adapters.git.process import Done, complaint, error_line
from rollout.adapters.git.scratch import scratch
from rollout.adapters.github.hints import UNARCHIVE, is_archived
from rollout.core.text import inert
from rollout.core.versions import spellings
from rollout.errors import HeadMovedError, OutsideError

_LATER = "run it again later; the next run does what is missing"
_MAY_PUSH = (
    "give the App contents: write on the product's repository, let it past the rules of the branch, and give"
    " it workflows: write where a revert changes workflow files"
)
_MOVED_AWAY = "set product.repository in the contract, or GITHUB_REPOSITORY, to the new name"
_REDIRECTED = re.compile(rb"returned error: 30[1278]")
_LEADS_TO = re.compile(r"^warning: redirecting to (\S+)", re.MULTILINE)
_MOVED = ("stale info", "fetch first", "non-fast-forward", "cannot lock ref", "reference already exists")
_NO_SUCH_REF = b"couldn't find remote ref"
_REMOTELY = "remote:"
_EXISTS = re.compile(r"'refs/heads/([^']+)' exists; cannot create")
_NOISE = (_REMOTELY, "error: failed to push", "hint:", "To ")
_REMOTE = "product"


class ProductClone:
    """A scratch clone of branches of `server/repository`."""

    def __init__(
        self,
        server: str,
        repository: str,
        token_for: Callable[[str], str],
        *,
        whole: bool = False,
        below: Path | None = None,
    ) -> None:
        """`token_for` gives the token of a repository, `owner/name`.

        `whole` fetches blobs at once, so that other repositories can borrow all objects. The clone lies
        `below` a folder, the system's for temporary ones when None.
        """
        self._server = server
        self._below = below
        self._repository = repository
        self._filter = () if whole else ("--filter=blob:none",)
        self._token_for = token_for
        self._secrets: set[str] = set()

    @cached_property
    def git(self) -> Git:
        stack = ExitStack()
        git = stack.enter_context(scratch(self._access(self._repository), below=self._below))
        weakref.finalize(self, stack.close)
        git.runner.run("remote", "add", _REMOTE, self._url_of(self._repository))
        return git

    def fetch(self, branch: str) -> str | None:
        """Returns the branch's tip, fetched with its history; None when there is no such branch.

        Raises OutsideError when the repository cannot be reached.
        """
        done = self._fetch(f"+refs/heads/{branch}:refs/heads/{branch}")
        if not done.returncode:
            return self.git.tip(branch)
        if _NO_SUCH_REF in done.stderr:
            return None
        raise self._failure(f"fetching {branch} of {self._repository}", done, self._repository)

    def tagged(self, version: str) -> str | None:
        """Returns the commit that the tag of a version leads to; None without one. Raises OutsideError."""
        # Both spellings end alike. By a pattern one request asks for both, and none is missing.
        pattern = f"refs/tags/*{min(spellings(version), key=len)}"
        done = self._fetch(f"+{pattern}:{pattern}")
        if done.returncode:
            raise self._failure(f"fetching tag {version} of {self._repository}", done, self._repository)
        found = (self.git.resolve(f"refs/tags/{name}") for name in spellings(version))
        return next((commit for commit in found if commit is not None), None)

    def tags_at(self, commit: str) -> tuple[str, ...]:
        """Returns the tags that lead to the commit, annotated or not, fetched or not. Raises OutsideError."""
        done = self.git.runner.attempt("ls-remote", "--tags", _REMOTE)
        if done.returncode:
            raise self._failure(f"listing tags of {self._repository}", done, self._repository)
        rows = (row.split("\t") for row in done.stdout.decode("utf-8", "replace").splitlines())
        # An annotated tag has a second row, with the commit that it leads to.
        found = (name.removeprefix("refs/tags/").removesuffix("^{}") for id_, name in rows if id_ == commit)
        return tuple(found)

    def fetch_from(self, repository: str, branch: str, name: str) -> None:
        """Fetches a branch of another repository of that server, under a name of its own.
        Raises OutsideError.
        """
        refspec = f"+refs/heads/{branch}:refs/heads/{name}"
        options = ("--quiet", "--no-tags", "--no-write-fetch-head")
        access = self._access(repository)
        done = self.git.runner.attempt("fetch", *options, self._url_of(repository), refspec, env=access)
        if done.returncode:
            raise self._failure(f"fetching {branch} of {repository}", done, repository)

    def fetch_commit(self, commit: str) -> bool:
        """Returns whether the commit is there, be it on the branch or not.

        Raises OutsideError for a repository that has moved.
        """
        if self.git.resolve(commit) is not None:
            return True
        done = self._fetch(commit)
        if _REDIRECTED.search(done.stderr):
            raise self._failure(f"fetching {commit[:12]} of {self._repository}", done, self._repository)
        return not done.returncode

    def push(self, commit: str, branch: str, *, old: str | None) -> None:
        """Moves the branch from `old` (None: make it) to the commit, by compare-and-swap.

        Raises HeadMovedError when it is elsewhere, OutsideError when it is refused or cannot be done.
        """
        lease = f"--force-with-lease=refs/heads/{branch}:{old or ''}"
        refspec = f"{commit}:refs/heads/{branch}"
        done = self.git.runner.attempt("push", "--porcelain", "--no-verify", lease, _REMOTE, refspec)
        if not done.returncode:
            return
        why = self._why(done)
        if found := _EXISTS.search(done.stderr.decode("utf-8", "replace") + why):
            name = inert(found[1])
            raise OutsideError(
                f"pushing {branch} to {self._repository} failed: a branch {name} is in its way",
                hint=f"rename or delete the branch {name}: git makes no branch below the name of another",
            )
        if any(words in why for words in _MOVED):
            raise HeadMovedError(
                f"branch {branch} of {self._repository} is no longer at {old or 'nothing'}", hint=_LATER
            )
        hint = UNARCHIVE if is_archived(why) else _MAY_PUSH
        raise self._failure(f"pushing {branch} to {self._repository}", done, self._repository, hint)

    def _access(self, repository: str) -> dict[str, str]:
        """Returns variables that let git's processes in."""
        token = self._token_for(repository)
        if not token:
            raise OutsideError(f"{repository} is not asked without a token", hint="log in: gh auth login")
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        self._secrets |= {token, basic}
        return {
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": f"http.{self._server}/.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
            # A former name leads on until somebody else takes it: nothing is read or pushed by it.
            "GIT_CONFIG_KEY_1": "http.followRedirects",
            "GIT_CONFIG_VALUE_1": "false",
        }

    def _url_of(self, repository: str) -> str:
        return f"{self._server}/{repository}.git"

    def _fetch(self, wanted: str) -> Done:
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", *self._filter)
        return self.git.runner.attempt("fetch", *options, _REMOTE, wanted)

    def _failure(self, doing: str, done: Done, repository: str, hint: str = _LATER) -> OutsideError:
        if _REDIRECTED.search(done.stderr):
            new = self._name_now(repository) or "another name"
            return OutsideError(f"{doing} failed: {repository} has moved to {new}", hint=_MOVED_AWAY)
        return OutsideError(f"{doing} failed: {self._why(done)}", hint=hint)

    def _name_now(self, repository: str) -> str:
        """Returns where the repository's former name leads; empty when git does not say."""
        follow = {"GIT_CONFIG_VALUE_1": "initial"}
        done = self.git.runner.attempt("ls-remote", self._url_of(repository), "HEAD", env=follow)
        told = _LEADS_TO.search(done.stderr.decode("utf-8", "replace"))
        place = told[1] if told else ""
        return inert(place.removeprefix(f"{self._server}/").removesuffix("/").removesuffix(".git"), 200)

    def _why(self, done: Done) -> str:
        """Returns what the server says, which git tells beside much else: in the ref's row, and as
        `remote:`.
        """
        rows = [row.split("\t") for row in done.stdout.decode(errors="replace").splitlines()]
        told = [row[2] for row in rows if row[0] == "!" and len(row) == 3]
        lines = done.stderr.decode(errors="replace").splitlines()
        told += [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
        rest = [line for line in lines if not line.startswith((*_NOISE, "remote:", "To "))]
        own = error_line("\n".join(rest).encode())
        text = "; ".join(part for part in (*told, own) if part) or complaint(done)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return inert(text, 300)
