"""People who do literally what `rollout` says is to be done, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from typing import Any

from tests.stories.machine import conclude, reconcile_again, run_ci, take_turn
from tests.stories.town import CURRENT, FLAGS, SURFACES, Said, Town
from tests.stories.words import say_only_what_was_done

ROUNDS = 30
"""Of ten minutes each, in which every story has to end."""
ENDED = ("complete", "rolled_back", "withdrawn", "idle")
_PLACEHOLDERS = {"WHY": "helping", "R": "helping", "EVIDENCE": "docs/minutes.md", "WHO": "olga"}
_EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""Git's empty tree: the base of a root commit."""
_MARKS = ("<<<<<<<", "=======", ">>>>>>>")
_COMMAND = re.compile(
    r"`(?P<quoted>(?:rollout|git) [^`]+)`"
    r"|\b(?P<bare>rollout (?:(?:quarantine|signoff|channel|contract) )?[a-z]+"
    # options with values, placeholders, versions, commits, and the item of `signoff record ITEM EVIDENCE`
    r"(?: --[a-z-]+(?: [^\s-][^\s,;:()]*)?| [A-Z]+\b| v\d\S*| [0-9a-f]{7,40}\b| [\w-]+(?= EVIDENCE))*)"
    r"|(?P<bare_git>git checkout \w+ -- [^\s,;]+)"
    r"|(?P<by_hand>revert it by hand)"
)
"""What a text tells people to do. Where it names several ways, they are tried in turn."""


class StuckError(AssertionError):
    """A story that does not end, with what it says at last."""


def lend_a_hand(town: Town, *, starts: bool) -> dict[str, Any] | None:
    """One round of ten minutes in which all is well and everybody does their part.

    Returns where the train stands; None while it cannot be told.
    """
    town.wait(10)
    town.moods = dict.fromkeys(SURFACES, "healthy")
    town.harness_passes = True
    run_ci(town)
    take_turn(town)
    said = town.rollout("status", "--json")
    if said.code:
        _follow(town, said)
        return None
    status: dict[str, Any] = said.json
    if status["outcome"] in ("rolling_back", "rolled_back"):
        say_only_what_was_done(town)
    for to_do in status["to_do"]:
        _do(town, to_do, status, starts=starts)
    return status


def bring_to_an_end(town: Town) -> str:
    """Everybody cooperates until the story has ended; returns how."""
    for _ in range(ROUNDS):
        status = lend_a_hand(town, starts=False)
        # Nothing of what is wrong may outlast the end: state is readable, and reconcile has no complaint.
        if status and status["outcome"] in ENDED and reconcile_again(town).code == 0:
            return str(status["outcome"])
    raise StuckError(f"does not end: {_last_words(town)}")


def release_once_more(town: Town) -> None:
    """A clean release goes through, by what the to-do says."""
    version = None
    for _ in range(ROUNDS):
        status = lend_a_hand(town, starts=True)
        if status is None:
            continue
        release = (status["release"] or {}).get("version")
        if status["outcome"] == "in_progress" and version is None:
            version = release
        if status["outcome"] == "complete" and version is not None and release == version:
            return
    raise StuckError(f"no clean release: {_last_words(town)}")


def _last_words(town: Town) -> str:
    said = town.rollout("status", "--json")
    words = said.json["to_do"] if said.code == 0 else said
    return f"{words}\n" + town.rollout("status").out


# --- doing ------------------------------------------------------------------------------------------------


def _do(town: Town, to_do: str, status: dict[str, Any], *, starts: bool) -> None:
    """Do one thing that is to be done. One that nobody understands is a bug of the text."""
    town.told.append(f"  to do: {to_do}")
    for pattern, act in _WAYS:
        found = re.match(pattern, to_do)
        if found:
            act(town, found, status, starts)
            return
    raise StuckError(f"nobody knows how to do: {to_do}")


def _nothing(town: Town, found: re.Match[str], status: dict[str, Any], starts: bool) -> None:
    """It takes time, or the jobs do it."""


def _start(town: Town, found: re.Match[str], status: dict[str, Any], starts: bool) -> None:
    if not starts:
        return
    commit = town.develop()
    run_ci(town)
    words = [*found["command"].replace("VERSION", town.version).split()[1:], "--commit", commit]
    said = town.rollout(*words)
    if said.code:
        _follow(town, said)


def _merge(town: Town, found: re.Match[str], status: dict[str, Any], starts: bool) -> None:
    said = town.rollout("local", "merge", found["number"])
    if said.code and "fix its branch by hand" in said.hint:
        _mend_the_pull_request(town, found["number"])
    elif said.code:
        _follow(town, said)


def _merge_percent(town: Town, found: re.Match[str], status: dict[str, Any], starts: bool) -> None:
    for pull in town.rollout("local", "prs", "--json").json:
        if pull["head"] == found["branch"] and pull["state"] == "open":
            town.rollout("local", "merge", str(pull["number"]))


def _set_percent(town: Town, found: re.Match[str], status: dict[str, Any], starts: bool) -> None:
    town.commit({FLAGS: json.dumps({"percent": float(found["percent"])})}, "Set the percent by hand")


def _rerun_ci(town: Town, found: re.Match[str], status: dict[str, Any], starts: bool) -> None:
    conclude(town, status["release"]["commit"], "success")


def _run_ci_again(town: Town, found: re.Match[str], status: dict[str, Any], starts: bool) -> None:
    """On the newest commit that there is; where that was not enough, on a new one."""
    town.tried["CI"] += 1
    commit = town.code_commits()[0] if town.tried["CI"] % 2 else town.develop("fixed.txt")
    town.checked.add(commit)
    conclude(town, commit, "success")


def _mend_the_branch(town: Town, found: re.Match[str], status: dict[str, Any], starts: bool) -> None:
    town.develop("fixed.txt")


def _revert_by_hand(town: Town) -> None:
    release, base = _range_of_release(town)
    _take_out(town, town.git("diff", "--name-only", base, release, "--", ":!state").split())
    town.commit({}, f"Revert by hand\n\nThis reverts commit {release}.")


def _range_of_release(town: Town) -> tuple[str, str]:
    """The release's commit, and what it began from."""
    release = town.read_state("rollout.yaml")["release"]
    commit = str(release["commit"])
    parents = town.git("rev-list", "--parents", "-1", commit).split()[1:]
    return commit, str(release.get("base") or (parents or [_EMPTY])[0])


def _take_out(town: Town, paths: list[str]) -> None:
    """Take the lines that the release brought out of these files, whatever else is in them by now."""
    commit, base = _range_of_release(town)
    for path in paths:
        if not (town.path / path).exists():
            continue
        change = town.git("diff", base, commit, "--", path)
        brought = [line[1:] for line in change.splitlines() if line[:1] == "+"]
        lines = (town.path / path).read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if line not in brought and line[:7] not in _MARKS]
        (town.path / path).write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


def _mend_the_pull_request(town: Town, number: str) -> None:
    """Bring its branch up to date, and solve the conflicts as the revert means it."""
    (pull,) = [each for each in town.rollout("local", "prs", "--json").json if str(each["number"]) == number]
    town.git("checkout", "--quiet", pull["head"])
    try:
        town.git("merge", "--quiet", "--no-edit", "main")
    except subprocess.CalledProcessError:
        _take_out(town, town.git("diff", "--name-only", "--diff-filter=U").split())
        town.commit({}, "Solve the conflicts")
    town.git("checkout", "--quiet", "main")
    town.told.append(f"fixed the branch of #{number}")


def _do_what_it_names(town: Town, found: re.Match[str], status: dict[str, Any], starts: bool) -> None:
    _follow_text(town, found.string)


_WAYS: tuple[tuple[str, Callable[[Town, re.Match[str], dict[str, Any], bool], None]], ...] = (
    (r"nothing; .*: (?P<command>rollout start VERSION)$", _start),
    (r"nothing\b|wait\b|waiting for\b|a rollback would need a person\b", _nothing),
    (r"on the product's machine: rollout tick\b", _nothing),
    (r"(?:take the next step|go on .*|open the pull request .*|enter .*): rollout reconcile\b", _nothing),
    (r"nothing observed since\b", _nothing),
    (r"if it is a false alarm: ", _nothing),
    (r"do by hand what the rollback went on without\b|bring \S+ to where|bring the product to", _nothing),
    (r"merge pull request #(?P<number>\d+)", _merge),
    (r"merge the pull request from (?P<branch>\S+), which sets ", _merge_percent),
    (rf"set {FLAGS}: /percent to (?P<percent>[\d.]+) by hand", _set_percent),
    (r"(?:fix|check why) ci_checks\b", _rerun_ci),
    (r"fix main\b", _mend_the_branch),
    (r"fix the contract\b", _do_what_it_names),
    (r"have CI run on a commit\b", _run_ci_again),
    (r"(?:fix|check why) ", _nothing),
    (r"and \d+ more, below", _nothing),
    (r".*\b(?:rollout [a-z]|revert it by hand)", _do_what_it_names),
)


def _follow(town: Town, said: Said) -> None:
    """Do what the hint of an error says."""
    _follow_text(town, said.hint, f"{said}")


def _follow_text(town: Town, text: str, whole: str = "") -> None:
    """Do what a text names; of several ways another one each time."""
    ways = list(_COMMAND.finditer(text))
    if not ways:
        raise StuckError(f"names nothing that can be done: {whole or text}")
    key = re.sub(r"\d", "", text)
    way = ways[town.tried[key] % len(ways)]
    town.tried[key] += 1
    if way["by_hand"]:
        _revert_by_hand(town)
        return
    known = {**_PLACEHOLDERS, "VERSION": CURRENT, "V": CURRENT, "COMMIT": town.code_commits()[0]}
    program, *words = [known.get(word, word) for word in (way["quoted"] or way[0]).split()]
    if program == "rollout":
        town.rollout(*words)
        return
    try:
        shown = town.git(*words)
    except subprocess.CalledProcessError as error:
        raise StuckError(f"{way[0]}: {error.stderr}") from None
    town.told.append(f"$ git {' '.join(words)}: {shown[:80]}")
    if town.git("status", "--porcelain", "--untracked-files=no"):
        town.git("commit", "--quiet", "--all", "--message=As it was said")
