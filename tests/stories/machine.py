"""What runs by itself: CI, and the jobs that perform, collect and reconcile."""

from __future__ import annotations

import hashlib

from tests.stories.town import CHECK, Said, Town


def run_ci(town: Town) -> None:
    """CI judges each commit of the branch that touches more than state, once."""
    for commit in town.code_commits():
        if commit not in town.checked:
            town.checked.add(commit)
            conclude(town, commit, "failure" if commit in town.failing_commits else "success")


def conclude(town: Town, commit: str, conclusion: str) -> None:
    assert town.rollout("local", "check", CHECK, conclusion, "--commit", commit).code == 0


def take_turn(town: Town, *, performs: bool = True, collects: bool = True) -> None:
    """The jobs run once."""
    town.print_health()
    evidence: list[str] = []
    for name, runs in (("perform", performs), ("collect", collects)):
        file = town.path / "jobs" / f"{name}.json"
        file.unlink(missing_ok=True)
        if runs:
            town.rollout(name, "--output", str(file))
        if file.exists():
            evidence += ["--observation", str(file)]
    town.rollout("reconcile", *evidence)


def reconcile_again(town: Town) -> Said:
    """The second reconcile on the same world changes nothing."""
    before = fingerprint(town)
    said = town.rollout("reconcile")
    assert fingerprint(town) == before, "a second reconcile changed something"
    return said


def fingerprint(town: Town) -> str:
    """Of everything that a command can change: branches, and the records of the local forge."""
    found = [town.git("for-each-ref", "--format=%(refname) %(objectname)")]
    records = town.path / ".git" / "rollout"
    for file in sorted(records.rglob("*")) if records.exists() else []:
        if file.is_file() and not file.name.endswith(".lock"):
            found.append(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}")
    return "\n".join(found)
