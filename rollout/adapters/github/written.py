"""GraphQL that asks who wrote commits, and the parts of the answer that are used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from rollout.adapters.github.answers import CountedNodes, Document, Login, Nodes, PassingError, parsed, within
from rollout.adapters.github.documents import RootCommit

_WRITTEN = """fragment written on Commit {
  oid committedViaWeb tree { entries { name oid } }
  parents(first: 1) { totalCount nodes { tree { entries { name oid } } } }
  authors(first: 100) { nodes { user { login } } }
  associatedPullRequests(first: 10) { nodes { merged author { kind: __typename login } } }
}"""


def written_query(commits: Sequence[str]) -> str:
    """Returns the query for commits by their full ids, which came from GitHub."""
    fields = (f'c{place}: object(oid: "{commit}") {{ ...written }}' for place, commit in enumerate(commits))
    return f"""query($owner: String!, $name: String!) {{
  repository(owner: $owner, name: $name) {{ nameWithOwner {" ".join(fields)} }}
}}
{_WRITTEN}"""


class _Opener(Document):
    login: str
    kind: str
    """`User`, `Bot`, ..."""

    @property
    def name(self) -> str:
        """As REST has it: GraphQL gives a bot the login that a person may have."""
        return f"{self.login}[bot]" if self.kind == "Bot" else self.login


class _Pull(Document):
    merged: bool
    author: _Opener | None = None


class Authorship(RootCommit):
    """A commit, with whoever had a part in it."""

    oid: str
    committed_via_web: bool
    parents: CountedNodes[RootCommit]
    authors: Nodes[Annotated[Login | None, within("user", or_none=True)]]
    associated_pull_requests: Nodes[_Pull] | None = None

    @property
    def by_web(self) -> bool:
        """Whether the merge was made on GitHub: by a button, or by solving conflicts in the browser."""
        return self.committed_via_web and self.parents.total_count > 1

    def touches_only(self, folder: str | None) -> bool:
        """Returns whether it changes nothing but that folder in the root."""
        if folder is None or not self.parents.nodes:
            return False
        return self.content(folder) == self.parents.nodes[0].content(folder)

    def people(self, author: str, *, by_button: bool) -> list[str]:
        """Returns the logins of its authors and of those who opened its merged pull requests.

        `author` is the login of its own author, empty for an address of no account: then whoever opened the
        pull request stands for it, and a co-author does not. Whoever pressed a button (`by_button`) wrote
        nothing. Empty when nobody is known to have written it.
        """
        pulls = self.associated_pull_requests.nodes if self.associated_pull_requests else ()
        openers = [pull.author.name for pull in pulls if pull.merged and pull.author]
        if by_button or not (author or openers):
            return openers
        authors = [login for login in self.authors.nodes if login]
        return [login for login in dict.fromkeys((author, *authors, *openers)) if login]


def written_of_each(answer: object, count: int) -> list[Authorship]:
    """Parses the answer for so many commits, in the order of the query.
    Raises PassingError when one is missing.
    """
    told = parsed(dict[str, Authorship | str | None], answer, "repository")
    found = [told.get(f"c{place}") for place in range(count)]
    written = [one for one in found if isinstance(one, Authorship)]
    if len(written) < count:
        raise PassingError("GitHub does not tell who wrote a commit")
    return written
