"""`rollout verify` on histories of every shape: cut, rewritten, merged."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.commands.verify import Verification, verify
from rollout.errors import RefusedError
from tests.adapters.scratch import Existing, Repository

HISTORIES = Path(__file__).parent.parent / "histories"
TRAIN = "shop"
COMMITS = 80
NEWEST = 20
"""Of these commits, those that most tests look at: to verify takes most of their time."""
BEFORE_NEWEST = "refs/before-newest"


@pytest.fixture(scope="module")
def first_rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Main with 80 state commits, and some of the product between them."""
    folder = tmp_path_factory.mktemp("first-rules")
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    with (HISTORIES / "first-rules.fast-export").open("rb") as stream:
        subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, stdin=stream, check=True)
    subprocess.run(["git", "update-ref", BEFORE_NEWEST, f"main~{NEWEST}"], cwd=folder, check=True)
    return folder


@pytest.fixture
def repo(first_rules: Path, tmp_path: Path) -> Repository:
    """A clone that the test may write to."""
    shutil.copytree(first_rules, tmp_path / "repo")
    found = Existing(tmp_path / "repo")
    found.git("reset", "-q", "--hard")
    return found


def store(repo: Path) -> YamlStore:
    return YamlStore(Git(repo))


def verify_newest(repo: Repository) -> Verification:
    """Verifies the newest commits of the history, and what the test adds to them."""
    return verify(store(repo.path), TRAIN, repo.head(BEFORE_NEWEST))


@pytest.mark.parametrize("depth", [1, 2, 10])
def test_a_shallow_clone_is_not_taken_for_the_whole_history(
    first_rules: Path, tmp_path: Path, depth: int
) -> None:
    shallow = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "-q", f"--depth={depth}", f"file://{first_rules}", str(shallow)], check=True
    )
    ends = (shallow / ".git" / "shallow").read_text("ascii").strip()

    verified = verify(store(shallow), TRAIN, None)

    assert (verified.commits, verified.cut, verified.findings) == (depth - 1, ends, ())
    assert verify(store(shallow), TRAIN, ends).cut is None
    subprocess.run(["git", "fetch", "-q", "--unshallow"], cwd=shallow, check=True)
    whole = verify(store(shallow), TRAIN, None)
    assert (whole.commits, whole.cut) == (COMMITS, None)


def test_a_commit_that_the_branch_does_not_hold_is_no_place_to_begin(repo: Repository) -> None:
    tip = repo.head()
    repo.git("checkout", "-q", "-b", "side", "HEAD~3")
    side = repo.commit({"notes.txt": "x\n"})
    repo.git("checkout", "-q", "main")

    with pytest.raises(RefusedError, match="does not hold commit"):
        verify(store(repo.path), TRAIN, side)
    assert verify(store(repo.path), TRAIN, tip).commits == 0


def test_a_history_that_begins_with_decisions_is_said_to(repo: Repository) -> None:
    """The branch was squashed to one commit, and went on."""
    repo.git("checkout", "-q", "--orphan", "fresh")
    repo.git("commit", "-q", "-m", "Start over")
    root = repo.head()
    repo.git("branch", "-q", "-M", "main")

    verified = verify(store(repo.path), TRAIN, None)

    assert (verified.commits, verified.findings) == (0, ())
    ((commit, problem),) = [(remark.commit, remark.problem) for remark in verified.remarks]
    assert commit == root
    assert problem.startswith("history begins here, with decisions in it already")


# --- merges -------------------------------------------------------------------------------------------------


def events(repo: Path) -> list[str]:
    """What each commit of the history records, newest first; people's are empty."""
    return [entry.trailers.get("Rollout-Event", "") for entry in store(repo).log(TRAIN)]


def pull(repo: Repository, behind: int) -> str:
    """A colleague who has worked on the product `behind` commits ago pulls, and pushes the merge as main."""
    repo.git("checkout", "-q", "-b", "colleague", f"main~{behind}")
    repo.commit({f"work-{behind}.txt": "x\n"}, "Work")
    repo.git("merge", "-q", "--no-edit", "main")
    repo.git("branch", "-q", "-f", "main")
    repo.git("checkout", "-q", "main")
    repo.git("branch", "-q", "-D", "colleague")
    return repo.head()


@pytest.mark.parametrize("behind", [1, 7, 40])
def test_a_colleagues_pull_hides_nothing(repo: Repository, behind: int) -> None:
    before = events(repo.path)
    merge = pull(repo, behind)

    verified = verify(store(repo.path), TRAIN, None)

    assert (verified.commits, verified.problems, verified.remarks) == (COMMITS + 1, [], ())
    assert events(repo.path) == ["", *before]
    assert next(entry.commit for entry in store(repo.path).log(TRAIN)) == merge


def test_pulls_upon_pulls(repo: Repository) -> None:
    before = events(repo.path)
    for behind in (30, 3, 12, 1):
        pull(repo, behind)
        repo.commit({"more.txt": f"{behind}\n"}, "More")
    assert verify(store(repo.path), TRAIN, None).problems == []
    assert [event for event in events(repo.path) if event] == [event for event in before if event]


def test_it_begins_anywhere_of_a_merged_history(repo: Repository) -> None:
    since = repo.head("main~5")
    pull(repo, 10)
    assert verify(store(repo.path), TRAIN, since).problems == []
    assert verify(store(repo.path), TRAIN, since).commits == 6


@pytest.mark.parametrize("swapped", [False, True])
def test_a_merge_that_is_neither_sides_is_named(repo: Repository, swapped: bool) -> None:
    tip = repo.head()
    repo.git("checkout", "-q", "-b", "colleague", "main~7")
    work = repo.commit({"work.txt": "x\n"}, "Work")
    first, second = (work, tip) if swapped else (tip, work)
    repo.git("checkout", "-q", "-B", "main", first)
    repo.git("merge", "-q", "--no-commit", "--no-ff", second)
    status = repo.path / "state" / TRAIN / "status.yaml"
    status.write_text(status.read_text("utf-8").replace("earned_seconds: 1200", "earned_seconds: 1140"))
    merge = repo.commit({}, "Merge main")

    ((named, problem),) = verify_newest(repo).problems

    assert named == merge
    assert "status.yaml: soak.earned_seconds" in problem


def test_what_a_merged_branch_decided_by_itself_is_recomputed(repo: Repository) -> None:
    """A branch with a forged commit is merged, and the merge takes its state."""
    repo.git("checkout", "-q", "-b", "side")
    status = repo.path / "state" / TRAIN / "status.yaml"
    text = status.read_text("utf-8").replace("earned_seconds: 1200", "earned_seconds: 1140")
    forged = repo.commit({f"state/{TRAIN}/status.yaml": text}, "Touch it up")
    repo.git("checkout", "-q", "main")
    repo.commit({"work.txt": "x\n"}, "Work")
    repo.git("merge", "-q", "--no-edit", "side")

    assert [commit for commit, _ in verify_newest(repo).problems] == [forged]


def test_a_branch_with_a_changed_contract_is_merged_as_it_is(repo: Repository) -> None:
    repo.git("checkout", "-q", "-b", "policy", "main~4")
    contract = repo.path / "state" / TRAIN / "contract.yaml"
    repo.commit({f"state/{TRAIN}/contract.yaml": contract.read_text("utf-8") + "# reviewed\n"}, "Review")
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-edit", "policy")

    verified = verify(store(repo.path), TRAIN, None)

    assert (verified.commits, verified.problems) == (COMMITS + 2, [])


# --- merges that replace history ----------------------------------------------------------------------------


def merge_of(repo: Repository, tree: str, *parents: str) -> str:
    """A merge with that tree, which main becomes."""
    flags = [part for parent in parents for part in ("-p", parent)]
    repo.git("reset", "-q", "--hard", repo.git("commit-tree", tree, *flags, "-m", "Merge branch main"))
    return repo.head()


def tampered(repo: Repository, old: str, new: str, *options: str) -> str:
    """A commit off the branch with that change of rollout.yaml."""
    file = repo.path / "state" / TRAIN / "rollout.yaml"
    text = file.read_text("utf-8")
    assert old in text
    repo.write(f"state/{TRAIN}/rollout.yaml", text.replace(old, new))
    repo.git("add", "--all")
    return repo.git("commit-tree", repo.git("write-tree"), *options, "-m", "Import")


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("is_root", [True, False])
def test_a_history_that_begins_anew_beside_the_true_one_is_named(
    repo: Repository, swapped: bool, is_root: bool
) -> None:
    """The other one has no parent, or a commit from before there was a train."""
    first = repo.git("commit-tree", repo.git("mktree"), "-m", "Product")
    root = tampered(repo, "canary_percent: 10", "canary_percent: 100", *(() if is_root else ("-p", first)))
    parents = (root, "main") if swapped else ("main", root)
    merge = merge_of(repo, f"{root}^{{tree}}", *parents)

    problems = dict(verify(store(repo.path), TRAIN, None).problems)

    assert f"merge {merge[:10]} has another history of it" in problems[root]
    assert set(problems) <= {root, merge}


def test_a_squashed_branch_that_is_merged_with_what_it_was_made_of(repo: Repository) -> None:
    squashed = repo.git("commit-tree", "main^{tree}", "-m", "Squash")
    merge_of(repo, "main^{tree}", squashed, "main")
    assert verify(store(repo.path), TRAIN, None).problems == []


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("with_work", [False, True])
@pytest.mark.parametrize("commits", [1, 2, 8])
def test_a_merge_that_takes_decisions_back_is_named(
    repo: Repository, commits: int, with_work: bool, swapped: bool
) -> None:
    """One side is an ancestor of the other, or has nothing but work on the product."""
    before, new = events(repo.path), repo.head()
    repo.git("checkout", "-q", "--detach", f"main~{commits}")
    old = repo.commit({"work.txt": "x\n"}, "Work") if with_work else repo.head()
    repo.git("checkout", "-q", "main")
    merge = merge_of(repo, f"{old}^{{tree}}", *((new, old) if swapped else (old, new)))

    ((named, problem),) = verify_newest(repo).problems

    assert (named, f"takes back what {new[:10]} holds" in problem) == (merge, True)
    assert events(repo.path) == ["", *before]


def test_so_is_one_that_changes_the_contract_as_well(repo: Repository) -> None:
    new = repo.head()
    contract = repo.path / "state" / TRAIN / "contract.yaml"
    repo.git("checkout", "-q", "--detach", "main~2")
    old = repo.commit({f"state/{TRAIN}/contract.yaml": contract.read_text("utf-8") + "# reviewed\n"})
    repo.git("checkout", "-q", "main")
    merge = merge_of(repo, f"{old}^{{tree}}", old, new)
    assert [commit for commit, _ in verify_newest(repo).problems] == [merge]


# --- forgeries that are taken back --------------------------------------------------------------------------

FORGERIES: dict[str, tuple[str, Callable[[str], str]]] = {
    "a value": ("status.yaml", lambda text: text.replace("earned_seconds: 1200", "earned_seconds: 1140")),
    "no YAML": ("status.yaml", lambda text: "{{{" + text),
    "a version": ("channel.yaml", lambda text: text + "current_version: v9.9.9\n"),
    "a signature": ("signoff.yaml", lambda text: text.replace("soaked", "baked")),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_whoever_takes_a_forgery_back_is_not_named(repo: Repository, forgery: str) -> None:
    name, change = FORGERIES[forgery]
    path = f"state/{TRAIN}/{name}"
    forged = repo.commit({path: change((repo.path / path).read_text("utf-8"))}, "Forge")
    repo.commit({"work.txt": "x\n"}, "Work")
    repo.git("revert", "--no-edit", forged)

    verified = verify_newest(repo)

    assert [commit for commit, _ in verified.problems] == [forged]
    assert verified.remarks == ()


def test_forged_again_it_is_named_again(repo: Repository) -> None:
    path = f"state/{TRAIN}/status.yaml"
    text = (repo.path / path).read_text("utf-8")
    lie = text.replace("earned_seconds: 1200", "earned_seconds: 1140")
    first = repo.commit({path: lie}, "Forge")
    repo.commit({path: text}, "Take it back")
    second = repo.commit({path: lie}, "Forge")
    assert [commit for commit, _ in verify_newest(repo).problems] == [first, second]


@pytest.mark.parametrize("text", ["# agreed\n{}", "{}# agreed\n", "{}\n\n"])
@pytest.mark.parametrize("name", ["status.yaml", "signoff.yaml", "rollout.yaml"])
def test_text_in_a_file_of_the_tool_is_remarked(repo: Repository, name: str, text: str) -> None:
    path = f"state/{TRAIN}/{name}"
    before = (repo.path / path).read_text("utf-8")
    commit = repo.commit({path: text.format(before)}, "Note it")
    repo.commit({path: before}, "Take the note away")

    verified = verify_newest(repo)

    told = [(remark.commit, remark.problem) for remark in verified.remarks]
    assert told == [(commit, f"{name}: its text was changed by hand, and says the same")]
    assert verified.problems == []


# --- changes that cancel out --------------------------------------------------------------------------------


def there_and_back(repo: Repository, old: str, new: str) -> list[str]:
    """A person edits rollout.yaml on main and takes it back: both commits, newest first."""
    path = f"state/{TRAIN}/rollout.yaml"
    text = (repo.path / path).read_text("utf-8")
    assert old in text
    edit = repo.commit({path: text.replace(old, new)}, "Edit")
    return [repo.commit({path: text}, "Back"), edit]


def colleague(repo: Repository, what: str) -> None:
    """A branch with work on the product, or with a contract of its own, begun at main."""
    contract = f"state/{TRAIN}/contract.yaml"
    text = (repo.path / contract).read_text("utf-8") + "# reviewed\n"
    files = {"product": {"work.txt": "x\n"}, "contract": {contract: text}}
    repo.git("checkout", "-q", "-b", "colleague")
    repo.commit(files[what], f"Work on the {what}")
    repo.git("checkout", "-q", "main")


def merge(repo: Repository, how: str) -> None:
    """Main and the colleague's branch become one."""
    first, second = ("main", "colleague") if how == "merged" else ("colleague", "main")
    repo.git("checkout", "-q", first)
    repo.git("merge", "-q", "--no-ff", "--no-edit", second)
    repo.git("checkout", "-q", "-B", "main")


FROZEN = "frozen:\n  reason: lunch\n  at: 2026-11-24T12:46:00Z\n  incident: null\n"
SHAPES = [(what, how) for what in ("product", "contract") for how in ("merged", "pulled")]


@pytest.mark.parametrize(("what", "how"), SHAPES)
def test_an_edit_that_is_taken_back_is_named_whoever_merges(repo: Repository, what: str, how: str) -> None:
    colleague(repo, what)
    back, edit = there_and_back(repo, "canary_percent: 10", "canary_percent: 42")
    merge(repo, how)
    repo.commit({"more.txt": "x\n"}, "More")

    assert [commit for commit, _ in verify_newest(repo).problems] == [edit]
    told = [entry.commit for entry in store(repo.path).log(TRAIN)]
    assert told.index(back) < told.index(edit)
    assert len(told) == len(set(told))


@pytest.mark.parametrize(("what", "how"), SHAPES)
def test_an_unfreeze_that_is_taken_back_is_in_the_history(repo: Repository, what: str, how: str) -> None:
    colleague(repo, what)
    pair = there_and_back(repo, FROZEN, "frozen: null\n")
    merge(repo, how)

    told = [entry.commit for entry in store(repo.path).log(TRAIN)]

    assert [commit for commit in told if commit in pair] == pair
    assert verify_newest(repo).problems == []


def test_it_is_named_below_other_pulls_and_in_an_octopus(repo: Repository) -> None:
    colleague(repo, "product")
    repo.git("branch", "-q", "other")
    _, edit = there_and_back(repo, "canary_percent: 10", "canary_percent: 42")
    repo.git("branch", "-q", "-m", "main", "edited")
    repo.git("checkout", "-q", "-b", "main", "other")
    repo.commit({"other.txt": "x\n"}, "Other work")
    repo.git("merge", "-q", "--no-edit", "colleague", "edited")
    repo.git("branch", "-q", "-D", "colleague")
    pull(repo, 1)
    pull(repo, 2)

    assert [commit for commit, _ in verify_newest(repo).problems] == [edit]


def test_it_begins_after_what_was_taken_back(repo: Repository) -> None:
    colleague(repo, "product")
    back, edit = there_and_back(repo, "canary_percent: 10", "canary_percent: 42")
    merge(repo, "pulled")
    assert [entry.commit for entry in store(repo.path).log(TRAIN, since=edit)] == [back]
    assert list(store(repo.path).log(TRAIN, since=back)) == []


@pytest.mark.parametrize("how", ["merged", "pulled"])
def test_what_both_sides_hold_after_a_rebase_is_told_once(repo: Repository, how: str) -> None:
    """A colleague rebased the newest state commits, and then pulled those of main as well."""
    before = events(repo.path)
    repo.git("checkout", "-q", "-b", "work", "main~3")
    repo.commit({"work.txt": "x\n"}, "Work")
    repo.git("checkout", "-q", "-b", "colleague", "main")
    repo.git("rebase", "-q", "work")
    merge(repo, how)

    assert events(repo.path) == before
    assert verify_newest(repo).problems == []


# --- dates and settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [300_000_000_000, 2**40, 2**62])
def test_a_date_beyond_every_calendar_hides_nothing(repo: Repository, seconds: int) -> None:
    """The clock of whoever commits is not the tool's to trust."""
    contract = repo.path / "state" / TRAIN / "contract.yaml"
    repo.write(f"state/{TRAIN}/contract.yaml", contract.read_text("utf-8") + "# reviewed\n")
    repo.git("add", "--all")
    tree, parent = repo.git("write-tree"), repo.head()
    who = f"Ada <ada@example.com> {seconds} +0000"
    text = f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\nReview\n"
    (repo.path / "commit").write_text(text, encoding="utf-8")
    commit = repo.git("hash-object", "-t", "commit", "-w", "--literally", "commit")
    repo.git("update-ref", "refs/heads/main", commit)

    entry = next(store(repo.path).log(TRAIN))

    assert (entry.commit, entry.subject) == (commit, "Review")
    verified = verify_newest(repo)
    assert (verified.commits, verified.problems) == (NEWEST, [])


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("trailer.separators", "="),
        ("trailer.separators", "#"),
        ("core.commentChar", "R"),
        ("core.commentChar", "auto"),
        ("trailer.Rollout-Event.key", "Event"),
        ("log.showSignature", "true"),
        ("log.follow", "true"),
        ("diff.renames", "copies"),
        ("diff.noprefix", "true"),
        ("diff.ignoreSubmodules", "all"),
        ("core.quotePath", "true"),
        ("core.abbrev", "4"),
        ("log.date", "relative"),
        ("log.decorate", "full"),
        ("log.mailmap", "true"),
        ("log.diffMerges", "combined"),
        ("format.pretty", "oneline"),
        ("log.initialDecorationSet", "all"),
    ],
)
def test_a_persons_settings_accuse_nobody(repo: Repository, setting: str, value: str) -> None:
    told = list(store(repo.path).log(TRAIN))
    repo.git("config", setting, value)
    assert list(store(repo.path).log(TRAIN)) == told
    assert verify_newest(repo).problems == []


# --- rebased ------------------------------------------------------------------------------------------------


def test_a_rebase_accuses_nobody(repo: Repository, tmp_path: Path) -> None:
    """The machine's signature names the state commit that showed the proof, by the name that it had then."""
    proof = repo.head("main~1")
    repo.git("checkout", "-q", "-b", "colleague", "main~3")
    repo.commit({"work.txt": "x\n"}, "Work")
    repo.git("checkout", "-q", "main")
    repo.git("rebase", "-q", "colleague")
    subprocess.run(
        ["git", "clone", "-q", "--no-local", "--single-branch", str(repo.path), str(tmp_path / "clone")],
        check=True,
    )

    verified = verify(store(tmp_path / "clone"), TRAIN, None)

    assert (verified.commits, verified.problems) == (COMMITS, [])
    ((commit, problem),) = [(remark.commit, remark.problem) for remark in verified.remarks]
    assert commit == repo.head()
    assert (
        problem
        == f"signoff.yaml: names state commit {proof[:10]}, which is not on the branch: it was rebased"
    )


def test_a_signature_that_names_another_commit_of_the_branch(repo: Repository) -> None:
    signoff = repo.path / "state" / TRAIN / "signoff.yaml"
    text = signoff.read_text("utf-8").replace(repo.head("main~1"), repo.head("main~3"))
    repo.write(f"state/{TRAIN}/signoff.yaml", text)
    repo.git("add", "--all")
    repo.git("commit", "-q", "--amend", "--no-edit")

    ((commit, problem),) = verify_newest(repo).problems

    assert (commit, problem.startswith("signoff.yaml: items.soaked")) == (repo.head(), True)
