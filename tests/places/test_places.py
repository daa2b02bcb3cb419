"""Every place where a command may run, times every sort of command."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.cli import main
from rollout.core.files import CONTRACT, state_path
from rollout.core.observation import Observation
from rollout.core.values import format_instant
from rollout.files.evidence import write_evidence
from tests.brake.broken import good_reading, on_its_way, two_bad_readings
from tests.places.places import DESIRED, PLACES, copied, files_of_people, git, make
from tests.world import OTHER_COMMIT, TAU

LOOKING = (
    ("status",),
    ("history",),
    ("evaluate",),
    ("channel", "show"),
    ("quarantine", "list"),
    ("reconcile", "--dry-run"),
)
BRAKES = (("freeze", "--reason", "stop"), ("rollback", "--reason", "stop", "--by", "ada"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("places") / "made"
    make(folder)
    return folder


KEPT = "it stays, and committing it takes that part back"


class Run:
    """How a command ended in a place."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> None:
        capsys.readouterr()
        now = format_instant(on_its_way()[2].finished_at)
        self.code = main([*arguments, "--repo", str(folder), "--now", now])
        self.out, self.err = capsys.readouterr()
        assert self.code != 1, self.err
        assert "Traceback" not in self.err


@pytest.mark.parametrize("output", [".", "src", "/"])
def test_a_folder_as_output_is_refused_before_anything_is_read(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    folder = copied(made, tmp_path)
    for command in ("collect", "perform"):
        done = Run(capsys, folder, command, "--output", str(folder / output))
        assert (done.code, done.err.count("\n")) == (2, 2)
        assert "is a folder" in done.err


def test_a_named_pipe_as_evidence_is_refused(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(made, tmp_path)
    os.mkfifo(tmp_path / "pipe")
    for command in ("evaluate", "reconcile"):
        done = Run(capsys, folder, command, "--observation", str(tmp_path / "pipe"))
        assert done.code == 2
        assert "is no regular file" in done.err


@pytest.mark.parametrize(
    ("checkout", "says"),
    [
        ("main", ""),
        ("-b mine", "note: state is read from main, the default branch; mine is checked out"),
        ("--detach", "note: state is read from main, the default branch; no branch is checked out"),
    ],
)
def test_a_clone_off_its_default_branch_says_which_one_it_reads(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], checkout: str, says: str
) -> None:
    git(tmp_path, "clone", "--quiet", str(made), "clone")
    git(tmp_path / "clone", "checkout", "--quiet", *checkout.split())
    for command in ("status", "history", "evaluate"):
        assert Run(capsys, tmp_path / "clone", command).err.strip() == says


def test_a_branch_that_is_not_there_is_named_by_contract_check_and_doctor(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = copied(made, tmp_path)
    contract = repo / state_path(TAU, CONTRACT)
    contract.write_text(contract.read_text() + "state: {branch: rollout-state}\n")
    git(repo, "branch", "--move", "main", "trunk")
    done = Run(capsys, repo, "contract", "check")
    assert done.code == 0
    assert "product.branch: there is no branch main here: name the one that releases are cut from" in done.err
    assert "state.branch: there is no branch rollout-state here: git branch rollout-state" in done.err
    examined = Run(capsys, repo, "doctor", "--state-branch", "trunk")
    assert examined.code == 3
    assert "product.branch: there is no branch main here" in " ".join(examined.out.split())


@pytest.mark.parametrize("command", ["status", "reconcile", "freeze --reason x"])
def test_a_time_before_the_release_began_is_refused(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    repo = copied(made, tmp_path)
    head = git(repo, "rev-parse", "main")
    given = [*command.split(), "--repo", str(repo), "--now", "2020-01-01T00:00:00Z"]
    assert main(given) == 2
    assert "error: --now 2020-01-01T00:00:00Z: before v0.1.5 began, at 2026-" in capsys.readouterr().err
    assert git(repo, "rev-parse", "main") == head


def is_stopped(folder: Path) -> bool:
    opened = Git(folder)
    store = YamlStore(opened, "main")
    frozen = store.load(TAU, store.head()).rollout.frozen
    opened.close()
    return frozen is not None


@pytest.mark.parametrize("place", PLACES)
def test_looking_changes_nothing(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    folder = PLACES[place].go(copied(made, tmp_path))
    before = git(folder, "status", "--porcelain", may_fail=True), git(folder, "show-ref", may_fail=True)
    for command in LOOKING:
        assert Run(capsys, folder, *command).code == PLACES[place].look, command
    after = git(folder, "status", "--porcelain", may_fail=True), git(folder, "show-ref", may_fail=True)
    assert after == before


@pytest.mark.parametrize("brake", BRAKES, ids=[brake[0] for brake in BRAKES])
@pytest.mark.parametrize("place", PLACES)
def test_the_brake_acts_or_says_why_not(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str, brake: tuple[str, ...]
) -> None:
    there = PLACES[place]
    folder = there.go(copied(made, tmp_path))
    top = Path(git(folder, "rev-parse", "--show-toplevel", may_fail=True) or folder)
    theirs, desired = files_of_people(top), content(top)
    staged = git(folder, "ls-files", "-s", "--", f":(top){DESIRED}", may_fail=True)
    done = Run(capsys, folder, *brake)
    assert done.code == there.brake, done.err
    assert (KEPT if there.stays else there.says) in done.err
    assert files_of_people(top) == theirs
    if done.code == 0:
        assert is_stopped(folder)
        if there.stays:
            assert content(top) == desired
            assert "git checkout HEAD -- " in done.err
        elif "main" in on(folder) and place not in ("a bare clone", "another git at work"):
            assert git(folder, "diff", "--name-only", "HEAD", "--", ":(top)state") == ""
        # Run again, it has nothing to do, and nothing is left in the worktree.
        head = git(folder, "rev-parse", "main")
        assert Run(capsys, folder, *brake).code == 0
        assert git(folder, "rev-parse", "main") == head
    else:
        assert content(top) == desired
        assert git(folder, "ls-files", "-s", "--", f":(top){DESIRED}", may_fail=True) == staged


@pytest.mark.parametrize("brake", BRAKES, ids=[brake[0] for brake in BRAKES])
@pytest.mark.parametrize(
    "place",
    ["an edit", "another mode", "an edit under skip-worktree", "an edit under assume-unchanged", "removed"],
)
def test_what_a_person_commits_after_the_brake_takes_nothing_back(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str, brake: tuple[str, ...]
) -> None:
    folder = copied(made, tmp_path)
    (folder / DESIRED).unlink() if place == "removed" else PLACES[place].go(folder)
    done = Run(capsys, folder, *brake)
    assert done.code == 0
    (folder / "README").write_text("more\n")
    git(folder, "commit", "--quiet", "--message=more", "README")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=what is staged")
    assert git(folder, "diff", "--name-only", "HEAD~2", "HEAD") == "README"
    assert is_stopped(folder)
    (commands,) = re.findall("to have it as committed: (.*)", done.err)
    for command in commands.split(" && "):
        git(folder, *shlex.split(command)[1:])
    assert (folder / DESIRED).read_text() == git(folder, "show", f"HEAD:{DESIRED}") + "\n"
    assert git(folder, "status", "--porcelain") == ""


def test_the_brake_needs_the_branch_alone_and_the_next_run_brings_the_worktree_after_it(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = PLACES["another git at work"].go(copied(made, tmp_path))
    lock = folder / ".git" / "index.lock"
    before = content(folder)
    for brake in BRAKES:
        done = Run(capsys, folder, *brake)
        assert (done.code, is_stopped(folder), content(folder)) == (0, True, before), done.err
        assert "another git process holds index.lock; until a next run brings them up to date" in done.err
        assert f"rm {lock}" in done.err
    again = Run(capsys, folder, *BRAKES[1])
    assert again.code == 0
    assert "the worktree is behind its branch, so `git commit` takes state back" in again.err
    lift = ("quarantine", "lift", OTHER_COMMIT, "--reason", "fixed", "--by", "ada")
    refused = Run(capsys, folder, *lift)
    assert refused.code == 4
    assert (
        f"hint: let it finish, then run again; where no git process runs any more: rm {lock}" in refused.err
    )
    lock.unlink()
    assert Run(capsys, folder, "history").code == 0
    assert git(folder, "status", "--porcelain") == ""
    assert content(folder) != before
    assert is_stopped(folder)


@pytest.mark.parametrize("brake", BRAKES, ids=[brake[0] for brake in BRAKES])
def test_a_damaged_index_does_not_stop_the_brake(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], brake: tuple[str, ...]
) -> None:
    folder = copied(made, tmp_path)
    (folder / ".git" / "index").write_bytes(b"DIRC but no index")
    done = Run(capsys, folder, *brake)
    assert (done.code, is_stopped(folder)) == (0, True), done.err
    assert "stay behind the branch, which has moved" in done.err


@pytest.mark.parametrize("by", ["git", "--by"])
def test_a_rollback_by_somebody_whom_git_does_not_know_acts(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], by: str
) -> None:
    folder = copied(made, tmp_path)
    git(folder, "config", "user.name", "")
    done = Run(capsys, folder, "rollback", "--reason", "stop", *(("--by", "ada") if by == "--by" else ()))
    assert (done.code, is_stopped(folder)) == (0, True), done.err
    told = (
        "note: git does not know who you are, so this is by somebody unknown; next time say who with --by,"
        " or set it for good: git config user.name NAME && git config user.email ADDRESS"
    )
    assert (told in done.err) == (by == "git")


def reconcile(capsys: pytest.CaptureFixture[str], folder: Path, file: Path, *readings: Observation) -> Run:
    """Reconciles with these readings, by files that begin with `file`'s name."""
    named: list[str] = []
    for number, reading in enumerate(readings):
        write_evidence(path := file.with_suffix(f".{number}.json"), reading)
        named += ["--observation", str(path)]
    return Run(capsys, folder, "reconcile", *named)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("in a merge", 3),
        ("in a cherry-pick", 3),
        ("in a rebase", 3),
        ("state is a link", 2),
        ("another git at work", 4),
    ],
)
def test_a_trigger_acts_in_the_middle_of_what_a_person_has_begun(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str, code: int, at_once: bool
) -> None:
    folder = copied(made, tmp_path)
    git(folder, "reset", "--quiet", "--hard", "before-it-degraded")
    PLACES[place].go(folder)
    good = reconcile(capsys, folder, tmp_path / "good", good_reading())
    assert (good.code, PLACES[place].says in good.err) == (code, True)
    first, *others = two_bad_readings()
    if not at_once:
        alone = reconcile(capsys, folder, tmp_path / "alone", first)
        assert (alone.code, is_stopped(folder)) == (0, False), alone.err
    done = reconcile(capsys, folder, tmp_path / "bad", *(() if not at_once else (first,)), *others)
    assert (done.code, is_stopped(folder)) == (0, True), done.err
    assert ("it stays" if place == "state is a link" else PLACES[place].says) in done.err


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("is_staged", [False, True])
@pytest.mark.parametrize("name", ["status.yaml", "signoff.yaml"])
def test_a_trigger_acts_over_an_edit_and_keeps_it(
    made: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    is_staged: bool,
    at_once: bool,
) -> None:
    folder = copied(made, tmp_path)
    git(folder, "reset", "--quiet", "--hard", "before-it-degraded")
    if name == "signoff.yaml":
        assert Run(capsys, folder, "signoff", "open").code == 0
        said = "/withdraw trigger-matrix-reviewed not yet"
        assert Run(capsys, folder, "local", "issues", "comment", "1", said, "--by", "ada").code == 0
    file = folder / state_path(TAU, name)
    file.write_text(edited := file.read_text() + "# mine\n")
    if is_staged:
        git(folder, "add", str(file))
    good = reconcile(capsys, folder, tmp_path / "good", good_reading())
    assert (good.code, f"{name}: dirty" in good.err) == (2, True)
    first, *others = two_bad_readings()
    if not at_once:
        alone = reconcile(capsys, folder, tmp_path / "alone", first)
        assert (alone.code, is_stopped(folder)) == (0, False), alone.err
    done = reconcile(capsys, folder, tmp_path / "bad", *(() if not at_once else (first,)), *others)
    assert (done.code, is_stopped(folder)) == (0, True), done.err
    assert f"{name}: changed in " in done.err
    assert file.read_text() == edited


@pytest.mark.parametrize("name", ["forge.json", "issues.json"])
@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 99}'])
def test_a_trigger_acts_beside_a_record_that_cannot_be_read(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    folder = copied(made, tmp_path)
    git(folder, "reset", "--quiet", "--hard", "before-it-degraded")
    record = folder / ".git" / "rollout" / name
    record.parent.mkdir(exist_ok=True)
    record.write_text(text)
    done = reconcile(capsys, folder, tmp_path / "bad", *two_bad_readings())
    assert is_stopped(folder), done.err
    assert (done.code, name in done.err) == (2, True)


def test_a_good_reading_between_two_bad_ones_counts_over_an_edit(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(made, tmp_path)
    git(folder, "reset", "--quiet", "--hard", "before-it-degraded")
    status = folder / state_path(TAU, "status.yaml")
    status.write_text(status.read_text() + "# mine\n")
    first, second = two_bad_readings()
    for number, reading in enumerate((first, good_reading(15), second)):
        done = reconcile(capsys, folder, tmp_path / str(number), reading)
        assert (done.code, is_stopped(folder)) == (0, False), done.err


@pytest.mark.parametrize("brake", BRAKES, ids=[brake[0] for brake in BRAKES])
def test_what_the_brake_says_in_a_rebase_keeps_its_commit(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], brake: tuple[str, ...]
) -> None:
    folder = PLACES["in a rebase"].go(copied(made, tmp_path))
    stopped = Run(capsys, folder, *brake)
    assert stopped.code == 0
    (command,) = re.findall(r"git rebase --abort && git merge --ff-only \w+", stopped.err)
    if brake[0] == "freeze":  # reconcile takes a rollback on even here
        refused = Run(capsys, folder, "reconcile")
        assert refused.code == 3
        assert f"keep the commits that were made meanwhile: {command}; then run again" in refused.err
    for part in command.split(" && "):
        git(folder, *part.split()[1:])
    assert is_stopped(folder)
    assert git(folder, "status", "--porcelain", "--untracked-files=no") == ""
    assert "middle of" not in Run(capsys, folder, "reconcile").err


def test_the_hint_at_a_link_leads_out(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = copied(made, tmp_path)
    assert Run(capsys, folder, "freeze", "--reason", "stop").code == 0
    link = folder / state_path(TAU)
    link.rename(tmp_path / "moved")
    link.symlink_to(tmp_path / "moved")
    done = Run(capsys, folder, "unfreeze", "--reason", "seen")
    assert (done.code, ": git checkout HEAD -- " in done.err) == (2, True)
    subprocess.run(done.err.strip().rpartition(": ")[2].split(), cwd=folder, check=True)
    assert Run(capsys, folder, "unfreeze", "--reason", "seen").code == 0


@pytest.mark.parametrize("linked", ["", "incidents"])
def test_the_brake_leaves_a_link_and_says_how_to_have_the_folder(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], linked: str
) -> None:
    folder = copied(made, tmp_path)
    link = folder / state_path(TAU) / linked
    if link.exists():
        link.rename(tmp_path / "moved")
    link.symlink_to(tmp_path / "moved")
    done = Run(capsys, folder, "rollback", "--reason", "x")
    assert (done.code, KEPT in done.err, link.is_symlink()) == (0, True, True)
    assert is_stopped(folder)
    subprocess.run(done.err.strip().rpartition(": ")[2].split(), cwd=folder, check=True)
    changed = git(folder, "diff", "--name-only", "HEAD~1", "HEAD").split()
    assert git(folder, "diff", "--name-only", "HEAD", "--", *changed) == ""


@pytest.mark.parametrize("place", PLACES)
def test_reconcile_acts_or_is_refused(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    there = PLACES[place]
    folder = there.go(copied(made, tmp_path))
    head = git(folder, "rev-parse", "main", may_fail=True)
    top = Path(git(folder, "rev-parse", "--show-toplevel", may_fail=True) or folder)
    theirs = files_of_people(top)
    done = Run(capsys, folder, "reconcile")
    assert done.code == there.write, done.err
    assert files_of_people(top) == theirs
    if done.code:
        assert there.says in done.err
        assert git(folder, "rev-parse", "main", may_fail=True) == head


def on(folder: Path) -> str:
    return git(folder, "symbolic-ref", "HEAD", may_fail=True)


def content(top: Path) -> bytes | None:
    file = top / DESIRED
    return file.read_bytes() if file.is_file() else None
