"""What people and the product may do to a release, in any order; each act takes what it needs as it is."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from random import Random
from typing import Any

from tests.stories.machine import conclude, reconcile_again, run_ci, take_turn
from tests.stories.overtaken import overtaken
from tests.stories.town import CODE, CURRENT, STATE, SURFACES, Town

Act = Callable[[Town, Random], None]
MOODS = ("healthy", "healthy", "degraded", "failing", "silent", "garbage", "counting failures")


# --- the machine and the product --------------------------------------------------------------------------


def jobs_run(town: Town, chance: Random) -> None:
    town.wait(10)
    take_turn(town)
    reconcile_again(town)


def jobs_run_in_part(town: Town, chance: Random) -> None:
    town.wait(10)
    take_turn(town, performs=chance.random() < 0.5, collects=chance.random() < 0.5)
    reconcile_again(town)


def all_goes_well(town: Town, chance: Random) -> None:
    """Three rounds in which everybody does what is to be done, so that releases come far."""
    from tests.stories.helpers import lend_a_hand

    for _ in range(3):
        lend_a_hand(town, starts=False)


def time_passes(town: Town, chance: Random) -> None:
    town.wait(chance.choice([5, 25, 45, 120, 60 * 24, 60 * 24 * 3]))


def health_changes(town: Town, chance: Random) -> None:
    town.moods[chance.choice(SURFACES)] = chance.choice(MOODS)


def harness_changes(town: Town, chance: Random) -> None:
    town.harness_passes = not town.harness_passes


def ci_runs(town: Town, chance: Random) -> None:
    run_ci(town)


def ci_of_the_release_ends(town: Town, chance: Random) -> None:
    release = _rollout(town).get("release")
    if release:
        conclude(town, release["commit"], chance.choice(["success", "failure", "timed_out", "skipped"]))


# --- the product's branch ---------------------------------------------------------------------------------


def somebody_develops(town: Town, chance: Random) -> None:
    town.develop(chance.choice([*CODE, "new.txt"]), works=chance.random() < 0.7)


def an_old_branch_is_merged(town: Town, chance: Random) -> None:
    """Begun at the first release: younger than its base, whatever was released meanwhile."""
    base = chance.choice([CURRENT, "HEAD", "HEAD~1"])
    town.git("checkout", "--quiet", "-b", "topic", base)
    town.develop(f"topic-{len(town.told)}.txt")
    town.git("checkout", "--quiet", "main")
    town.git("merge", "--quiet", "--no-ff", "--message=Merge the topic", "topic")
    town.git("branch", "--quiet", "-D", "topic")


def a_revert_is_reverted(town: Town, chance: Random) -> None:
    reverts = town.git("log", "--format=%H", "--grep=This reverts commit", "--no-merges", "-n", "3").split()
    if reverts:
        _git_revert(town, chance.choice(reverts))


def somebody_reverts_by_hand(town: Town, chance: Random) -> None:
    release = _rollout(town).get("release")
    if release:
        _git_revert(town, release["commit"])


def _git_revert(town: Town, commit: str) -> None:
    try:
        town.git("revert", "--no-edit", commit)
        town.told.append(f"git revert {commit[:10]}")
    except subprocess.CalledProcessError:
        subprocess.run(["git", "revert", "--abort"], cwd=town.path, check=False, capture_output=True)
        town.git("reset", "--hard", "--quiet")


# --- the release -------------------------------------------------------------------------------------------


def a_release_starts(town: Town, chance: Random) -> None:
    commit = town.develop(works=chance.random() < 0.8)
    options: list[str] = []
    if chance.random() < 0.5:
        options += ["--commit", commit]
    if chance.random() < 0.3:
        options += ["--base", chance.choice([CURRENT, "HEAD~2", "HEAD~1", "HEAD"])]
    if chance.random() < 0.2:
        options += ["--rollback-to", chance.choice([CURRENT, "v0.9.0", town.version])]
    town.rollout("start", "--version", town.version, *options)


def an_odd_release_starts(town: Town, chance: Random) -> None:
    town.git("checkout", "--quiet", "-b", "unmerged")
    stray = town.develop("stray.txt")
    town.git("checkout", "--quiet", "main")
    town.git("branch", "--quiet", "-D", "unmerged")
    channel = _load(town, "channel.yaml")
    version = chance.choice([CURRENT, "v0.9.0", town.version, str(channel.get("current_version"))])
    commit = chance.choice([stray, town.tip, town.git("rev-parse", CURRENT)])
    town.rollout("start", "--version", version, "--commit", commit)


def a_promotion_is_merged(town: Town, chance: Random) -> None:
    for pull in _open_pulls(town, "promotion"):
        admin = ["--admin"] if chance.random() < 0.4 else []
        town.rollout("local", "merge", str(pull["number"]), *admin)


def somebody_adds_to_a_promotion(town: Town, chance: Random) -> None:
    for pull in _open_pulls(town, "promotion"):
        _commit_to(town, pull["head"], {"extra.txt": "mine\n"}, "Mine too")


def a_person_signs(town: Town, chance: Random) -> None:
    town.rollout("signoff", "record", "agreed", "docs/minutes.md", "--by", "olga")


def a_person_freezes(town: Town, chance: Random) -> None:
    said = town.rollout("freeze", "--reason", f"lunch {town.now:%H:%M}")
    assert said.code == 0 or not _is_in_progress(town), said


def a_person_unfreezes(town: Town, chance: Random) -> None:
    town.rollout("unfreeze", "--reason", "lunch is over")


def a_person_withdraws(town: Town, chance: Random) -> None:
    town.rollout("withdraw", "--reason", "a wrong tag", "--by", "olga")


def the_channel_is_set(town: Town, chance: Random) -> None:
    town.rollout("channel", "set", chance.choice(["stable", "beta"]))


def two_work_at_once(town: Town, chance: Random) -> None:
    """Somebody else's command is there first, in the middle of a reconcile: neither undoes the other."""
    other = chance.choice(
        [("freeze", "--reason", "in the middle"), ("rollback", "--reason", "in the middle"), ("reconcile",)]
    )
    town.wait(10)
    overtaken(town, other)


# --- a rollback --------------------------------------------------------------------------------------------


def a_person_rolls_back(town: Town, chance: Random) -> None:
    target = ["--target", chance.choice([CURRENT, "v0.9.0"])] if chance.random() < 0.3 else []
    said = town.rollout("rollback", "--reason", f"customers call {town.now:%H:%M}", "--by", "olga", *target)
    assert said.code == 0 or target or not _is_in_progress(town), said


def a_person_calls_it_off(town: Town, chance: Random) -> None:
    town.rollout("rollback", "--cancel", "--reason", "a false alarm", "--by", "olga")


def the_revert_is_merged(town: Town, chance: Random) -> None:
    """As it is, or after its reviewer has changed it."""
    for pull in _open_pulls(town, "revert"):
        what = chance.choice(["as it is", "as it is", "more", "less"])
        if what == "more":
            _commit_to(town, pull["head"], {"note.txt": "reverted\n"}, "A note")
        elif what == "less":
            _commit_to(town, pull["head"], {CODE[0]: "line 0\nkept by the reviewer\n"}, "Keep a line")
        town.rollout("local", "merge", str(pull["number"]), "--by", "rita")


def the_train_is_reopened(town: Town, chance: Random) -> None:
    town.rollout("reopen", "--reason", "fixed")


def a_quarantine_is_lifted(town: Town, chance: Random) -> None:
    listed = town.rollout("quarantine", "list", "--json")
    for each in listed.json if listed.code == 0 else []:
        town.rollout("quarantine", "lift", each["commit"], "--reason", "it was the probe", "--by", "olga")


# --- files of state by hand --------------------------------------------------------------------------------


def rollout_yaml_is_edited(town: Town, chance: Random) -> None:
    rollout = _rollout(town)
    if not rollout.get("release"):
        return
    phases = [phase["name"] for phase in _load(town, "contract.yaml").get("phases", [])]
    edits: list[dict[str, Any]] = [
        {"phase": chance.choice(phases or ["canary"]), "canary_percent": chance.choice([0, 10, 100])},
        {"canary_percent": 42},
        {"outcome": chance.choice(["complete", "in_progress", "idle"])},
        {"frozen": None},
        {"rollback_target": None},
    ]
    town.write_state("rollout.yaml", {**rollout, **chance.choice(edits)}, "Edit by hand")


def the_contract_is_edited(town: Town, chance: Random) -> None:
    contract = _load(town, "contract.yaml")
    if not contract:
        return
    what = chance.choice(["soak", "rename", "break", "signoff"])
    if what == "soak":
        contract["phases"][1]["soak"] = chance.choice(["20m", "30m"])
    elif what == "rename":
        contract["phases"][1]["name"] = chance.choice(["early", "canary"])
        contract["phases"][2]["inherit"] = contract["phases"][1]["name"]
    elif what == "signoff":
        contract["signoff"]["items"][0]["title"] = f"Agreed {len(town.told)}"
    else:
        contract["phases"][1].pop("soak", None)
    town.write_state("contract.yaml", contract, f"Edit the contract: {what}")


def a_file_of_state_is_deleted(town: Town, chance: Random) -> None:
    name = chance.choice(["status.yaml", "rollout.yaml"])
    if (town.path / STATE / name).exists():
        town.write_state(name, None, f"Delete {name}")


# --- looking -----------------------------------------------------------------------------------------------


def _load(town: Town, name: str) -> dict[str, Any]:
    found = town.read_state(name)
    return found if isinstance(found, dict) else {}


def _rollout(town: Town) -> dict[str, Any]:
    return _load(town, "rollout.yaml")


def _is_in_progress(town: Town) -> bool:
    """As status.yaml has it too: what people edited by hand is judged by the next reconcile."""
    legal = _load(town, "status.yaml").get("legal", {})
    return [_rollout(town).get("outcome"), legal.get("outcome", "in_progress")] == ["in_progress"] * 2


def _open_pulls(town: Town, kind: str) -> list[dict[str, Any]]:
    listed = town.rollout("local", "prs", "--json")
    return [pull for pull in listed.json if (pull["kind"], pull["state"]) == (kind, "open")]


def _commit_to(town: Town, branch: str, files: dict[str, str | None], message: str) -> None:
    town.git("checkout", "--quiet", branch)
    town.commit(files, message)
    town.git("checkout", "--quiet", "main")


ACTS: dict[Act, int] = {
    jobs_run: 20,
    jobs_run_in_part: 6,
    all_goes_well: 20,
    time_passes: 6,
    health_changes: 8,
    harness_changes: 2,
    ci_runs: 6,
    ci_of_the_release_ends: 4,
    somebody_develops: 4,
    an_old_branch_is_merged: 3,
    a_revert_is_reverted: 4,
    somebody_reverts_by_hand: 2,
    a_release_starts: 12,
    an_odd_release_starts: 2,
    a_promotion_is_merged: 6,
    somebody_adds_to_a_promotion: 2,
    a_person_signs: 3,
    a_person_freezes: 3,
    a_person_unfreezes: 3,
    a_person_withdraws: 2,
    two_work_at_once: 4,
    the_channel_is_set: 2,
    a_person_rolls_back: 6,
    a_person_calls_it_off: 3,
    the_revert_is_merged: 5,
    the_train_is_reopened: 3,
    a_quarantine_is_lifted: 2,
    rollout_yaml_is_edited: 3,
    the_contract_is_edited: 3,
    a_file_of_state_is_deleted: 2,
}
"""How often each happens, against the others."""
