"""The local forge's issues, for a terminal and for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rollout.core.issue import Issue
from rollout.ports import Reaction
from rollout.rendering.inert import line, pad
from rollout.rendering.markdown import for_terminal

Said = tuple[str, str, tuple[Reaction, ...], bool]
"""Who wrote what, how the tool answered, and whether the tool wrote it."""

_ANSWERS = {Reaction.ACCEPTED: "accepted", Reaction.REFUSED: "refused"}


def issues_document(issues: Iterable[Issue]) -> list[dict[str, object]]:
    return [
        {
            "number": issue.number,
            "key": issue.key,
            "title": issue.title,
            "state": issue.state.value,
            "labels": sorted(issue.labels),
            "assignees": list(issue.assignees),
        }
        for issue in issues
    ]


def issue_document(issue: Issue, said: Sequence[Said]) -> dict[str, object]:
    """Returns one issue with what was written on it."""
    (document,) = issues_document([issue])
    comments = [
        {"author": author, "body": body, "answers": [answer.value for answer in answers]}
        for author, body, answers, _ in said
    ]
    return document | {"body": issue.body, "comments": comments}


def issues_view(issues: Sequence[Issue]) -> str:
    """Returns one line each."""
    if not issues:
        return "no issues"
    widest = max(len(f"#{issue.number}") for issue in issues)
    return "\n".join(
        f"{pad(f'#{issue.number}', widest)}  {pad(issue.state.value, 6)}  {line(issue.title)}"
        for issue in issues
    )


def issue_view(issue: Issue, said: Sequence[Said]) -> str:
    """Returns the issue as its page shows it, before Markdown is made of it."""
    parts = [issues_view([issue]), _labels(issue), for_terminal(issue.body)]
    parts += [
        f"--- {line(author)}{_answer(answers)}\n{_lines(for_terminal(body) if is_tools else body)}"
        for author, body, answers, is_tools in said
    ]
    return "\n\n".join(part for part in parts if part)


def _labels(issue: Issue) -> str:
    people = ", ".join(line(login) for login in issue.assignees)
    labels = ", ".join(line(label) for label in sorted(issue.labels))
    return f"labels: {labels}" + (f"; assigned to {people}" if people else "")


def _answer(answers: Sequence[Reaction]) -> str:
    return f" ({', '.join(_ANSWERS[answer] for answer in answers)})" if answers else ""


def _lines(text: str) -> str:
    return "\n".join(line(each, 500) for each in text.strip().splitlines())
