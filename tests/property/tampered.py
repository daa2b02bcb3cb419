"""Histories of state that were merged, pulled, rebased, squashed and tampered with, on real git.

Each act does to a repository what people do, and says which of its commits lie: that is the oracle.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from rollout.core.state import Event
from rollout.core.values import JsonValue
from rollout.files.yaml_text import dump_yaml
from tests.stories.helpers import lend_a_hand
from tests.stories.machine import take_turn
from tests.stories.people import (
    ACTS,
    a_file_of_state_is_deleted,
    a_release_starts,
    rollout_yaml_is_edited,
    somebody_adds_to_a_promotion,
)
from tests.stories.town import STATE, TRAIN, Kind, Town

BY_HAND = (a_file_of_state_is_deleted, rollout_yaml_is_edited, somebody_adds_to_a_promotion)
INPUTS = ("observation", "facts", "decided_at", "schema")


def told(path: Path, seed: int) -> Town:
    """A story in which nobody writes into what the tool writes; the checklist has a proof of the machine."""
    town, chance = Town(path, Kind(has_harness=seed % 2 == 0)), Random(seed)
    contract = town.read_state("contract.yaml")
    proof = {"kind": "phase_soaked", "of": "canary"}
    item = {"id": "soaked", "section": "Canary", "title": "Soaked", "before": "complete", "proof": proof}
    contract["signoff"]["items"].append(item)
    town.write_state("contract.yaml", contract, "Ask for a soaked canary")
    acts = {act: weight for act, weight in ACTS.items() if act not in BY_HAND}
    a_release_starts(town, chance)
    for _ in range(4):
        lend_a_hand(town, starts=False)
    for act in chance.choices(list(acts), list(acts.values()), k=14):
        act(town, chance)
    return town


@dataclass
class Case:
    """One repository, and what was done to it."""

    town: Town
    chance: Random
    lies: dict[str, str] = field(default_factory=dict)
    """Commit -> what somebody did there."""
    beside: set[str] = field(default_factory=set)
    """Commits that brought a lie in, and may be named with it."""
    acts: list[str] = field(default_factory=list)

    def git(self, *arguments: str) -> str:
        return self.town.git(*arguments)

    @property
    def tip(self) -> str:
        return self.git("rev-parse", "HEAD")

    def commits(self, span: str, *options: str) -> list[str]:
        return self.git("rev-list", *options, span).split()

    def write(self, name: str, document: Any, message: str) -> str:
        self.town.write_state(name, document, message)
        return self.tip

    def as_the_tool(self, event: str | None = None) -> str:
        """A message as the tool's last one, or as it would record that event."""
        text = self.git("log", "-1", "--format=%B", "--grep=Rollout-Event", "main")
        if event is None or not text:
            return text or f"rollout({TRAIN}): observe\n\nRollout-Train: {TRAIN}\nRollout-Event: observe"
        return "\n".join(
            f"Rollout-Event: {event}" if line.startswith("Rollout-Event:") else line
            for line in text.splitlines()
        )

    def message(self) -> str:
        """What somebody who tampers writes above it: their own words, the tool's, or another event."""
        how = self.chance.choice(["plain", "tool", "event"])
        if how == "plain":
            return "Tidy up"
        return self.as_the_tool(self.chance.choice(list(Event)).value if how == "event" else None)


def copied(town: Town, to: Path, seed: int) -> Case:
    shutil.copytree(town.path, to)
    other = copy(town)
    other.path, other.told, other.totals = to, [], {name: dict(of) for name, of in town.totals.items()}
    return Case(other, Random(seed))


Act = Callable[[Case], None]


# --- what is in good faith -------------------------------------------------------------------------------


def product_work(case: Case) -> None:
    case.town.wait(1)
    case.town.commit({f"work-{case.chance.random()}.txt": "work\n"}, "Work on the product")


def _colleague(case: Case) -> str:
    """A branch with product work, begun some commits ago; main is what it was."""
    behind = case.chance.randint(1, max(1, min(12, len(case.commits("main", "--first-parent")) - 2)))
    case.git("checkout", "-q", "-b", "colleague", f"main~{behind}")
    product_work(case)
    return case.git("rev-parse", "colleague")


def _back(case: Case, new_main: str | None = None) -> None:
    case.git("checkout", "-q", *(("-B", "main", new_main) if new_main else ("main",)))
    case.git("branch", "-q", "-D", "colleague")


def pull_with_swapped_parents(case: Case) -> None:
    _colleague(case)
    case.git("merge", "-q", "--no-edit", "main")
    _back(case, case.git("rev-parse", "colleague"))


def merge_of_product_work(case: Case) -> None:
    work = _colleague(case)
    _back(case)
    case.git("merge", "-q", "--no-ff", "--no-edit", work)


def squash_of_product_work(case: Case) -> None:
    work = _colleague(case)
    _back(case)
    case.git("merge", "-q", "--squash", work)
    case.git("commit", "-q", "-m", "Work, squashed (#9)")


def octopus(case: Case) -> None:
    works = []
    for _ in range(2):
        works.append(_colleague(case))
        _back(case)
    case.git("merge", "-q", "--no-ff", "-m", "Merge two branches", *works)


def rebase(case: Case) -> None:
    """The newest state commits, without merges, upon somebody's product work."""
    line = case.commits("main", "--first-parent")[:7]
    if case.lies:
        return  # their names would change
    upon = next((number for number, commit in enumerate(line) if _is_merge(case, commit)), len(line) - 1)
    if upon < 1:
        return
    case.git("checkout", "-q", "-b", "colleague", f"main~{upon}")
    product_work(case)
    case.git("checkout", "-q", "main")
    case.git("rebase", "-q", "colleague")
    case.git("branch", "-q", "-D", "colleague")


def _is_merge(case: Case, commit: str) -> bool:
    return len(case.git("log", "-1", "--format=%P", commit).split()) > 1


def the_machine_goes_on(case: Case) -> None:
    case.town.wait(10)
    take_turn(case.town)


# --- what is not -----------------------------------------------------------------------------------------


def _leaves(data: JsonValue, where: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(data, dict):
        return [leaf for key, value in data.items() for leaf in _leaves(value, (*where, key))]
    if isinstance(data, list):
        return [leaf for at, value in enumerate(data) for leaf in _leaves(value, (*where, at))]
    return [] if data is None else [where]


def _another(value: JsonValue) -> JsonValue:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    text = str(value)
    if len(text) == 40:
        return ("0" if text[0] != "0" else "1") + text[1:]
    return text.replace("2026-", "2027-") if text.startswith("2026-") else f"{text}x"


def _flip(case: Case, document: JsonValue) -> str | None:
    """Changes one value of the document; returns where."""
    leaves = [leaf for leaf in _leaves(document) if leaf[0] not in ("schema", "train")]
    if not leaves:
        return None
    leaf = case.chance.choice(leaves)
    parent = document
    for key in leaf[:-1]:
        parent = parent[key]
    parent[leaf[-1]] = _another(parent[leaf[-1]])
    return ".".join(map(str, leaf))


def file_edited(case: Case) -> None:
    """A value of a file that only the tool writes."""
    names = ("status.yaml", "signoff.yaml", "quarantine.yaml", "rehearsal.yaml")
    there = [name for name in names if case.town.read_state(name)]
    if there:
        name = case.chance.choice(there)
        document = case.town.read_state(name)
        where = _flip(case, document)
        if where:
            case.lies[case.write(name, document, case.message())] = f"{name}: {where}"


def percent_there_and_back(case: Case) -> None:
    rollout = case.town.read_state("rollout.yaml")
    if not rollout or not case.town.read_state("status.yaml"):
        return
    was = rollout["canary_percent"]
    rollout["canary_percent"] = was + 1 if was < 100 else 42
    lie = case.write("rollout.yaml", rollout, case.message())
    rollout["canary_percent"] = was
    case.write("rollout.yaml", rollout, "Back again")
    case.lies[lie] = "rollout.yaml: canary_percent, and back"


def version_invented(case: Case) -> None:
    channel = case.town.read_state("channel.yaml")
    if channel:
        channel["current_version"] = f"v1.0.{case.chance.randint(100, 999)}"
        case.lies[case.write("channel.yaml", channel, "Set the version")] = "channel.yaml: current_version"


def rehearsal_forged(case: Case) -> None:
    rollout = case.town.read_state("rollout.yaml")
    release = (rollout or {}).get("release") or {"version": "v1.0.1", "commit": "a" * 40}
    steps = ("freeze", "capture_evidence", "inspect_target", "apply_metadata", "revert", "revalidate")
    document = {
        "schema": 1,
        "train": TRAIN,
        "release": release["version"],
        "commit": release["commit"],
        "at": "2027-01-01T00:00:00Z",
        "by": "eve",
        "target": "v1.0.0",
        "tip": "b" * 40,
        "steps": [{"step": step, "result": "done"} for step in steps],
    }
    how: dict[str, JsonValue] = {
        "commit": "c" * 40,
        "release": "v9.9.9",
        "target": "v0.0.1",
        "steps": [],
    }
    key = case.chance.choice(list(how))
    document[key] = how[key]
    lie = case.write("rehearsal.yaml", document, case.as_the_tool("rehearse"))
    case.lies[lie] = f"rehearsal.yaml: {key}"


def contract_in_the_tools_name(case: Case) -> None:
    contract = case.town.read_state("contract.yaml")
    if contract:
        contract["sampling"]["max_gap"] = f"{case.chance.randint(31, 59)}m"
        event = case.chance.choice(list(Event)).value
        lie = case.write("contract.yaml", contract, case.as_the_tool(event))
        case.lies[lie] = f"contract.yaml in a commit of {event}"


def message_amended(case: Case) -> None:
    """The tool's last commit says something else than it did."""
    text = case.git("log", "-1", "--format=%B")
    if "Rollout-Event" not in text or case.tip in case.lies or _is_merge(case, "main"):
        return
    phase, release = "Rollout-Phase: ", "Rollout-Release: "
    how = {
        "phase": (phase, f"{phase}nowhere-"),
        "release": (release, f"{release}v9.9.9-"),
        "train": (f"rollout({TRAIN})", "rollout(other)"),
        "event": ("Rollout-Event: ", "Rollout-Event: un"),
    }
    what, (old, new) = case.chance.choice([each for each in how.items() if each[1][0] in text])
    case.git("commit", "-q", "--amend", "-m", text.replace(old, new, 1))
    case.lies[case.tip] = f"the message: {what}"


def file_smuggled(case: Case) -> None:
    """The tool's last commit holds a file of somebody else."""
    if "Rollout-Event" not in case.git("log", "-1", "--format=%B") or case.tip in case.lies:
        return
    name = case.chance.choice(["notes.md", "incidents/none.yaml", "release-cache.yaml"])
    (case.town.path / STATE / name).parent.mkdir(exist_ok=True)
    (case.town.path / STATE / name).write_text("schema: 1\n", encoding="utf-8")
    case.git("add", "--all")
    case.git("commit", "-q", "--amend", "--no-edit")
    case.lies[case.tip] = f"{name} in the tool's commit"


def mode_changed(case: Case) -> None:
    name = case.chance.choice(["status.yaml", "rollout.yaml", "channel.yaml"])
    file = case.town.path / STATE / name
    if file.exists() and not file.stat().st_mode & 0o100:
        file.chmod(0o755)
        case.git("add", "--all")
        case.git("commit", "-q", "-m", "Make it a program")
        case.lies[case.tip] = f"{name}: its mode"


def merge_with_a_touch(case: Case) -> None:
    """A pull whose merge has a state of its own."""
    status = case.town.read_state("status.yaml")
    if not status:
        return
    _colleague(case)
    case.git("merge", "-q", "--no-commit", "--no-ff", "main")
    where = _flip(case, status)
    (case.town.path / STATE / "status.yaml").write_text(dump_yaml(status), encoding="utf-8")
    case.git("add", "--all")
    case.git("commit", "-q", "-m", "Merge main")
    _back(case, case.git("rev-parse", "colleague"))
    case.lies[case.tip] = f"a merge: status.yaml: {where}"


def side_branch_merged(case: Case) -> None:
    """A lie is told on a branch, and the merge takes it over."""
    case.git("checkout", "-q", "-b", "colleague")
    before = set(case.lies)
    file_edited(case)
    lies = set(case.lies) - before
    case.git("checkout", "-q", "main")
    product_work(case)
    if lies:
        case.git("merge", "-q", "--no-ff", "--no-edit", "colleague")
    case.git("branch", "-q", "-D", "colleague")


def state_squashed(case: Case) -> None:
    """The last decisions become one commit of a person."""
    if case.lies:
        return
    base = f"main~{case.chance.randint(2, 5)}"
    if f"{STATE}/status.yaml" not in case.git("diff", "--name-only", base, "main").split():
        return
    case.git("reset", "-q", "--soft", base)
    case.git("commit", "-q", "-m", "Squash")
    case.lies[case.tip] = "state commits, squashed"


def history_imported(case: Case) -> None:
    """A commit without parents holds other decisions, and a merge puts it in the place of the history."""
    status = case.town.read_state("status.yaml")
    if not status:
        return
    tip = case.tip
    name = case.chance.choice(["status.yaml", "rollout.yaml"])
    document = case.town.read_state(name)
    if _flip(case, document) is None:
        return
    (case.town.path / STATE / name).write_text(dump_yaml(document), encoding="utf-8")
    case.git("add", "--all")
    tree = case.git("write-tree")
    root = case.git("commit-tree", tree, "-m", "Import")
    _merge_of(case, tree, [tip, root])
    case.beside.add(case.tip)
    case.lies[root] = f"{name}: another history"


def state_merged_away(case: Case) -> None:
    """A merge has the state of an ancestor, or of product work on one, and so takes decisions back."""
    line = case.commits("main", "--first-parent")
    old, new = line[min(case.chance.randint(1, 8), len(line) - 2)], case.tip
    if not _decided(case, old, new):
        return
    case.git("checkout", "-q", "--detach", old)
    if case.chance.random() < 0.5:
        product_work(case)
    side = case.tip
    _merge_of(case, f"{side}^{{tree}}", [side, new])
    case.lies[case.tip] = "a merge that takes decisions back"


def _decided(case: Case, old: str, new: str) -> bool:
    """Whether the tool's files differ, and begin before `old`."""
    files = [f"{STATE}/{name}" for name in ("status.yaml", "rollout.yaml")]
    there = case.git("ls-tree", "--name-only", old, *files).split()
    return len(there) == len(files) and bool(case.git("diff", "--name-only", old, new, "--", *files))


def _merge_of(case: Case, tree: str, parents: list[str]) -> None:
    """A merge of these, in any order, with that tree, which main becomes."""
    case.chance.shuffle(parents)
    flags = [part for parent in parents for part in ("-p", parent)]
    merge = case.git("commit-tree", tree, *flags, "-m", "Merge branch main")
    case.git("checkout", "-q", "-f", "-B", "main", merge)


def file_edited_and_reverted(case: Case) -> None:
    before = set(case.lies)
    file_edited(case)
    product_work(case)
    for lie in set(case.lies) - before:
        case.git("revert", "--no-edit", lie)


def text_edited(case: Case) -> None:
    """A comment, or blanks, in a file that the tool alone writes."""
    names = ("status.yaml", "signoff.yaml", "quarantine.yaml")
    there = [name for name in names if case.town.read_state(name)]
    if there:
        file = case.town.path / STATE / case.chance.choice(there)
        text = file.read_text("utf-8")
        how = case.chance.choice(["# agreed\n" + text, text + "# agreed\n", text.replace("\n", "  \n", 1)])
        file.write_text(how, encoding="utf-8")
        case.git("add", "--all")
        case.git("commit", "-q", "-m", "Note it")
        case.lies[case.tip] = f"{file.name}: its text"


def subject_extended(case: Case) -> None:
    """The tool's last commit claims more than it did."""
    text = case.git("log", "-1", "--format=%B")
    if "Rollout-Event" not in text or case.tip in case.lies or _is_merge(case, "main"):
        return
    subject, rest = text.split("\n", 1)
    train, fixed, *prose = subject.split(": ", 2)
    if fixed.endswith("…") or "waits for" in fixed:
        return
    claim = case.chance.choice([", frozen", " and complete", " (agreed)"])
    case.git("commit", "-q", "--amend", "-m", "\n".join([": ".join([train, fixed + claim, *prose]), rest]))
    case.lies[case.tip] = f"the subject: {claim}"


def note_beside_incidents(case: Case) -> None:
    case.town.commit({f"{STATE}/incidents/README.md": "What happened\n"}, "Explain the folder")
    case.lies[case.tip] = "incidents/README.md"


GOOD: tuple[Act, ...] = (
    product_work,
    pull_with_swapped_parents,
    merge_of_product_work,
    squash_of_product_work,
    octopus,
    rebase,
    the_machine_goes_on,
)
BAD: tuple[Act, ...] = (
    file_edited,
    percent_there_and_back,
    version_invented,
    rehearsal_forged,
    contract_in_the_tools_name,
    message_amended,
    file_smuggled,
    mode_changed,
    merge_with_a_touch,
    side_branch_merged,
    state_squashed,
    history_imported,
    state_merged_away,
    file_edited_and_reverted,
    text_edited,
    subject_extended,
    note_beside_incidents,
)


def lived(case: Case) -> Case:
    """The case after some acts; about half of all cases have no lie."""
    chance = case.chance
    acts = chance.choices(GOOD, k=chance.randint(1, 4))
    if chance.random() < 0.6:
        acts.insert(chance.randint(0, len(acts)), chance.choice(BAD))
    for act in acts:
        case.town.wait(1)
        case.acts.append(act.__name__)
        act(case)
    return case
